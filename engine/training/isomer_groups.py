"""Groups of isomers with 13C spectra in the tables: what ranking and verification are held to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.chemistry.observed_peaks import ObservedPeak
from engine.training.assigned_peaks import observed_from_table
from engine.training.group_tables import table_rows

_COLUMNS = {"13C NMR": "c13", "1H NMR": "h1"}


@dataclass(frozen=True, eq=False)
class MeasuredMolecule:
    """One row of the tables: the molecule, its peak lists and the solvents by technique."""

    key: str
    smiles: str
    formula: str
    molecule: Any
    peaks: Mapping[str, tuple[ObservedPeak, ...]]
    solvents: Mapping[str, str | None]


def measured_molecules(data: Path, split: str) -> list[MeasuredMolecule]:
    """Every row of a split with 13C peaks; raises :class:`MissingTableError`."""
    from rdkit import Chem, RDLogger
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    RDLogger.DisableLog("rdApp.*")
    found = []
    for row in table_rows(data, "nmr", split):
        if not row.get("c13"):
            continue
        molecule = Chem.MolFromSmiles(row["smiles"])
        if molecule is None:
            continue
        peaks = {
            technique: observed_from_table(row[column], technique)
            for technique, column in _COLUMNS.items()
            if row.get(column)
        }
        meta = row.get("meta") or {}
        solvents = {t: (meta.get(t.split()[0]) or {}).get("solvent") for t in _COLUMNS}
        found.append(
            MeasuredMolecule(
                row["key"], row["smiles"], CalcMolFormula(molecule), molecule, peaks, solvents
            )
        )
    return found


def isomer_groups(data: Path, split: str, least: int = 10) -> list[list[MeasuredMolecule]]:
    """The rows of each formula that at least ``least`` molecules (by key) of a split have."""
    by_formula: dict[str, list[MeasuredMolecule]] = defaultdict(list)
    for molecule in measured_molecules(data, split):
        by_formula[molecule.formula].append(molecule)
    return [
        by_formula[formula]
        for formula in sorted(by_formula)
        if len({molecule.key for molecule in by_formula[formula]}) >= least
    ]
