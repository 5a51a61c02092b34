"""A stretch of a molecule library: records read by RDKit, their shifts predicted, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.chemistry.predicted_shifts import MoleculeShifts, ShiftPredictor
from engine.chemistry.signal_intensities import AXES, intensity_levels
from engine.library.molecule_source import MoleculeRecord

LARGEST_MOLECULE = 250
"""Heavy atoms; larger molecules are counted as left out."""

_TOLD = 20
PPM_STEPS = {"13C NMR": 0.01, "1H NMR": 0.001}
"""Shifts and uncertainties are kept as whole numbers of these steps (ppm)."""

SHORT = {"13C NMR": "carbon", "1H NMR": "proton"}


def library_chunk(
    records: Sequence[MoleculeRecord], predictor: ShiftPredictor
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of the molecules in records, and a sentence for each that is no molecule.

    For ``M`` molecules: ``smiles``, ``name`` and ``formula`` as ``<what>_text`` (uint8) with
    ``<what>_length`` ``(M,)``; ``key`` ``(M,)`` S14; ``mass`` ``(M,)`` float64 (u); ``groups``
    ``(M,)`` uint64, one bit for each group; and for ``carbon`` and ``proton`` the signals of all
    molecules, by rising shift in each: ``_count`` ``(M,)``, ``_ppm`` and ``_error`` in
    :data:`PPM_STEPS`, ``_hydrogens``, ``_nuclei``, ``_exchangeable``, and ``_levels``
    ``(bins, M)``.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem.Descriptors import ExactMolWt
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    from engine.chemistry.functional_groups import groups_of

    molecules, broken = [], []
    columns: dict[str, list] = {name: [] for name in ("smiles", "name", "formula", "key")}
    masses, bits = [], []
    weights = np.uint64(1) << np.arange(37, dtype=np.uint64)
    with rdBase.BlockLogs():
        for record in records:
            molecule, reason = _read(record)
            key = Chem.MolToInchiKey(molecule, "-SNon").split("-")[0] if molecule else ""
            if not key:
                broken.append(f"{record.place}: {reason or 'no InChIKey can be made'}")
                continue
            molecules.append(molecule)
            smiles = record.text if "\n" not in record.text else Chem.MolToSmiles(molecule)
            for name, value in (
                ("smiles", smiles), ("name", record.name[:300]),
                ("formula", CalcMolFormula(molecule)), ("key", key),
            ):  # fmt: skip
                columns[name].append(value.encode("utf-8", "replace"))
            masses.append(ExactMolWt(molecule))
            bits.append((groups_of(molecule) * weights).sum(dtype=np.uint64))
        shifts = predictor.predict(molecules) if molecules else []
    arrays: dict[str, np.ndarray] = {
        "key": np.array(columns["key"], "S14"),
        "mass": np.array(masses, np.float64),
        "groups": np.array(bits, np.uint64),
    }
    for name in ("smiles", "name", "formula"):
        arrays[f"{name}_text"] = np.frombuffer(b"".join(columns[name]), np.uint8)
        arrays[f"{name}_length"] = np.array([len(value) for value in columns[name]], np.uint32)
    for technique in SHORT:
        arrays |= signal_arrays(technique, shifts)
    return arrays, broken


def _read(record: MoleculeRecord):
    """The molecule without explicit hydrogens, or None and why."""
    from rdkit import Chem

    if not record.text:
        return None, "it has no structure"
    if "\n" in record.text:
        molecule = Chem.MolFromMolBlock(record.text)
        what = "the molblock"
    else:
        molecule = Chem.MolFromSmiles(record.text)
        what = repr(record.text[:60])
    if molecule is None:
        return None, f"{what} is no possible molecule"
    if molecule.GetNumAtoms() == 0:
        return None, f"{what} holds no atoms"
    if molecule.GetNumAtoms() > LARGEST_MOLECULE:
        return None, f"{molecule.GetNumAtoms()} heavy atoms, more than {LARGEST_MOLECULE}"
    return molecule, ""


def signal_arrays(technique: str, shifts: Sequence[MoleculeShifts]) -> dict[str, np.ndarray]:
    """The signals of many molecules as :func:`library_chunk` describes them.

    The same as :meth:`MoleculeShifts.signals`, for all at once.
    """
    short, step = SHORT[technique], PPM_STEPS[technique]
    carbon = technique == "13C NMR"
    count = len(shifts)
    sizes = np.array([len(s.classes) for s in shifts], np.int64)
    of = np.repeat(np.arange(count), sizes)

    def together(name: str, width: tuple[int, ...] = ()) -> np.ndarray:
        return np.concatenate([np.zeros((0, *width)), *(getattr(s, name) for s in shifts)])

    values = together("carbon" if carbon else "hydrogen", (2,))
    seen = np.isfinite(values[:, 0])
    values, of_seen = values[seen], of[seen]
    hydrogens = together("hydrogens")[seen].astype(np.int64)
    elements = together("elements")[seen]
    number = of_seen * (sizes.max(initial=0) + 1) + together("classes")[seen].astype(np.int64)
    _, first, inverse, atoms = np.unique(
        number, return_index=True, return_inverse=True, return_counts=True
    )
    mean = [np.bincount(inverse, column, len(first)) / atoms for column in values.T]
    molecule, hydrogens = of_seen[first], hydrogens[first]
    nuclei = atoms * (1 if carbon else hydrogens)
    exchangeable = np.zeros(len(first), bool) if carbon else elements[first] != 6
    ppm, error = mean
    order = np.lexsort((ppm, molecule))
    ppm, error, molecule = ppm[order], error[order], molecule[order]
    return {
        f"{short}_count": np.bincount(molecule, minlength=count).astype(np.uint32),
        f"{short}_ppm": np.clip(np.rint(ppm / step), -32767, 32767).astype(np.int16),
        f"{short}_error": np.clip(np.rint(error / step), 1, 65535).astype(np.uint16),
        f"{short}_hydrogens": np.clip(hydrogens[order], 0, 255).astype(np.uint8),
        f"{short}_nuclei": np.clip(nuclei[order], 0, 255).astype(np.uint8),
        f"{short}_exchangeable": exchangeable[order].astype(np.uint8),
        f"{short}_levels": intensity_levels(AXES[technique], molecule, ppm, error, count),
    }


def write_chunk(path: Path, arrays: dict[str, np.ndarray], broken: Sequence[str]) -> None:
    """One finished chunk as ``.npz``: it is there whole or not at all.

    ``broken_count`` and ``broken_text`` tell of the records that were no molecules.
    """
    part = path.with_suffix(".part")
    text = "\n".join(" ".join(line.split()) for line in broken[:_TOLD])
    with part.open("wb") as file:
        np.savez(
            file,
            broken_count=np.array(len(broken)),
            broken_text=np.frombuffer(text.encode("utf-8", "replace"), np.uint8),
            **arrays,
        )
    part.replace(path)
