"""Peak lists that people assigned, as the truth that a matching of peaks to atoms is held to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.chemistry.observed_peaks import ObservedPeak
from engine.training.group_tables import table_rows

_COLUMNS = {"13C NMR": ("c13", "c13_atoms"), "1H NMR": ("h1", "h1_atoms")}
_HUMAN = "human_molblock"
_LARGEST = 200


@dataclass(frozen=True, eq=False)
class AssignedMolecule:
    """One molecule with its assigned peak lists, by technique.

    ``molecule`` is the RDKit molecule whose atoms are numbered as in ``atoms``, which gives the
    shifts in ppm that people filed at each heavy atom; ``peaks`` are those of the list;
    ``solvents`` as the table names them, None where it does not.
    """

    key: str
    smiles: str
    molecule: Any
    peaks: Mapping[str, tuple[ObservedPeak, ...]]
    atoms: Mapping[str, Mapping[int, tuple[float, ...]]]
    solvents: Mapping[str, str | None]

    @property
    def carbons(self) -> int:
        return sum(atom.GetAtomicNum() == 6 for atom in self.molecule.GetAtoms())


def assigned_molecules(data: Path, splits: Iterable[str]) -> Iterator[AssignedMolecule]:
    """The molecules of these splits whose peaks were assigned by people, order certain.

    Raises :class:`engine.training.group_tables.MissingTableError` when a table is not there.
    """
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")
    for split in splits:
        for row in table_rows(data, "nmr", split):
            if row.get("assignment_source") != _HUMAN:
                continue
            molecule = Chem.MolFromSmiles(row["assigned_smiles"])
            if molecule is None or not 0 < molecule.GetNumAtoms() <= _LARGEST:
                continue
            found = _assigned(row, molecule)
            if found is not None:
                yield found


def _assigned(row: Mapping[str, Any], molecule) -> AssignedMolecule | None:
    peaks, atoms, solvents = {}, {}, {}
    for technique, (listed, filed) in _COLUMNS.items():
        own = {}
        for number, values in (row.get(filed) or {}).items():
            atom = molecule.GetAtomWithIdx(int(number))
            fits = atom.GetAtomicNum() == 6 if filed == "c13_atoms" else atom.GetTotalNumHs() > 0
            if fits and values:
                own[int(number)] = tuple(sorted({float(v) for v in values}, reverse=True))
        if own:
            atoms[technique] = own
            peaks[technique] = observed_from_table(row[listed], technique)
            meta = (row.get("meta") or {}).get(technique.split()[0]) or {}
            solvents[technique] = meta.get("solvent")
    if not atoms:
        return None
    return AssignedMolecule(row["key"], row["assigned_smiles"], molecule, peaks, atoms, solvents)


def observed_from_table(
    listed: Iterable[Mapping[str, Any]] | None, technique: str
) -> tuple[ObservedPeak, ...]:
    """A peak list of the tables, each shift once, by descending shift.

    The number of atoms that the table files under a shift is left out: it comes from the
    assignment, not from the measurement.
    """
    found: dict[float, ObservedPeak] = {}
    for peak in listed or ():
        letters = str(peak.get("mult") or "").strip()
        hydrogens, pattern = None, None
        if technique == "13C NMR":
            place = "SDTQ".find(letters.upper()) if len(letters) == 1 else -1
            hydrogens = place if place >= 0 else None
        else:
            pattern = letters.lower() or None
        shift = float(peak["ppm"])
        found.setdefault(shift, ObservedPeak(shift, multiplicity=pattern, hydrogens=hydrogens))
    return tuple(found[shift] for shift in sorted(found, reverse=True))


def without_multiplicities(peaks: Iterable[ObservedPeak]) -> tuple[ObservedPeak, ...]:
    """The same shifts with nothing else known of them."""
    return tuple(ObservedPeak(peak.ppm) for peak in peaks)


def true_shifts(signal, filed: Mapping[int, tuple[float, ...]]) -> frozenset[float]:
    """The shifts that people gave to the atoms of a signal; empty where they gave none."""
    return frozenset(ppm for atom in signal.atoms for ppm in filed.get(atom, ()))
