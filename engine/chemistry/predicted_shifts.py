"""The chemical shifts that a predictor expects of a molecule, atom by atom and as signals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

NUCLEI = ("13C NMR", "1H NMR")


@dataclass(frozen=True)
class PredictedSignal:
    """One expected signal: that of a set of equivalent atoms.

    ``atoms`` are heavy atoms, numbered as in the molecule (for 1H those that carry the
    hydrogens); ``ppm`` and ``uncertainty`` (the mean absolute error that is expected) in ppm;
    ``nuclei`` counts the carbons or hydrogens; ``hydrogens`` those on one of the atoms;
    ``exchangeable`` for hydrogens on N, O and S.
    """

    technique: str
    atoms: tuple[int, ...]
    ppm: float
    uncertainty: float
    nuclei: int
    hydrogens: int
    exchangeable: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "technique": self.technique,
            "atoms": list(self.atoms),
            "ppm": round(self.ppm, 3),
            "uncertainty": round(self.uncertainty, 3),
            "nuclei": self.nuclei,
            "hydrogens": self.hydrogens,
            "exchangeable": self.exchangeable,
        }


@dataclass(frozen=True, eq=False)
class MoleculeShifts:
    """The shifts of one molecule of ``V`` heavy atoms.

    ``carbon`` and ``hydrogen`` ``(V, 2)``: shift and uncertainty in ppm, NaN where an atom is no
    carbon or carries no hydrogen; ``split`` ``(V,)``: how far apart (ppm) the two hydrogens of a
    CH2 are expected, 0 elsewhere; ``classes`` ``(V,)``: equal for equivalent atoms, which have
    equal shifts; ``hydrogens`` ``(V,)``: hydrogens on each atom; ``elements`` ``(V,)``: atomic
    numbers.
    """

    carbon: np.ndarray
    hydrogen: np.ndarray
    split: np.ndarray
    classes: np.ndarray
    hydrogens: np.ndarray
    elements: np.ndarray

    def signals(self, technique: str) -> tuple[PredictedSignal, ...]:
        """The signals of ``13C NMR`` or ``1H NMR``, by descending shift; equivalent atoms together.

        The two hydrogens of a CH2 are one signal, at their mean.
        """
        return tuple(sorted(self._signals(technique), key=lambda signal: -signal.ppm))

    def _signals(self, technique: str) -> Iterator[PredictedSignal]:
        if technique not in NUCLEI:
            raise ValueError(f"shifts are predicted for {' and '.join(NUCLEI)}, not {technique}")
        carbon = technique == "13C NMR"
        values = self.carbon if carbon else self.hydrogen
        for number in np.unique(self.classes):
            atoms = np.flatnonzero((self.classes == number) & np.isfinite(values[:, 0]))
            if len(atoms) == 0:
                continue
            hydrogens = int(self.hydrogens[atoms[0]])
            yield PredictedSignal(
                technique,
                tuple(int(atom) for atom in atoms),
                float(values[atoms, 0].mean()),
                float(values[atoms, 1].mean()),
                len(atoms) * (1 if carbon else hydrogens),
                hydrogens,
                not carbon and int(self.elements[atoms[0]]) != 6,
            )


class ShiftPredictor(Protocol):
    """What predicts shifts: a trained network, or mean shifts per atom environment."""

    name: str

    def predict(self, molecules: list, solvent: str | None = None) -> list[MoleculeShifts]:
        """The shifts of RDKit molecules without explicit hydrogens, in their order.

        ``solvent`` is a name as in a file's metadata (``CDCl3``); None where it is not known.
        """
        ...
