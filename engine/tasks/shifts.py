"""Predict the chemical shifts of a structure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.chemistry.predicted_shifts import NUCLEI, PredictedSignal, ShiftPredictor


def predict_shifts(
    structure: str,
    techniques: Sequence[str] = NUCLEI,
    solvent: str | None = None,
    predictor: ShiftPredictor | None = None,
) -> tuple[PredictedSignal, ...]:
    """The signals that are expected of a structure (SMILES, InChI, molblock or a file of one).

    Atoms are numbered as in the structure given, from 0. ``solvent`` as in a file's metadata. The
    model that ships is used when no ``predictor`` is given. Raises ``ValueError`` for a structure
    that cannot be read and ``NoModelError`` when no model is installed.
    """
    from dataclasses import replace

    from engine.chemistry.structure import heavy_atoms
    from engine.library.shift_model import default_shift_predictor

    molecule, given = heavy_atoms(structure)
    shifts = (predictor or default_shift_predictor()).predict([molecule], solvent)[0]
    return tuple(
        replace(signal, atoms=tuple(sorted(given[atom] for atom in signal.atoms)))
        for technique in techniques
        for signal in shifts.signals(technique)
    )
