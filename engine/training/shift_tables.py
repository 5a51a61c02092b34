"""The tables of chemical shifts as graphs with a target at each atom, prepared once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.environment_codes import environment_codes
from engine.chemistry.molecular_graph import MolecularGraph, molecular_graph
from engine.processing.solvent_number import solvent_number
from engine.training.group_tables import MissingTableError, table_rows

# The columns of the targets: experiment first, then the DFT shifts as an auxiliary task.
TARGETS = ("13C NMR", "1H NMR", "13C DFT", "1H DFT")
CERTAIN = ("human_molblock", "order_from_predicted_list")
# What a misprint cannot be told from: shifts of organic molecules lie within.
_WINDOWS = {"13C NMR": (-30.0, 260.0), "1H NMR": (-6.0, 20.0)}
_LARGEST = 120


@dataclass
class ShiftRecord:
    """One measurement of a molecule.

    ``targets`` ``(V, 4)``: ppm in the order of :data:`TARGETS`, NaN where nothing is known; for
    hydrogens the mean over those on the atom; ``split`` ``(V,)``: how far apart two hydrogens of an
    atom are, NaN where that is not known; ``source``: where the assignment comes from, ``""`` for
    peaks without one; ``loose``: only the set of the carbon shifts is to be trusted, within the
    carbons of one ``kind`` ``(V,)``; ``free``: unassigned 1H peaks in ppm.
    """

    key: str
    smiles: str
    graph: MolecularGraph
    targets: np.ndarray
    split: np.ndarray
    kind: np.ndarray
    source: str
    loose: bool
    solvents: tuple[int, int]
    free: np.ndarray = field(default_factory=lambda: np.zeros(0))


def read_shift_records(
    data: Path, split: str, excluded: Collection[str] = frozenset(), dft: bool = True
) -> Iterator[ShiftRecord]:
    """Every molecule of a split with shifts; those whose keys are ``excluded`` are left out.

    With ``dft`` also those of the DFT table, where it is there.
    """
    from rdkit import RDLogger

    RDLogger.DisableLog("rdApp.*")
    for row in table_rows(data, "nmr", split):
        record = None if row["key"] in excluded else _measured(row)
        if record is not None:
            yield record
    if dft:
        try:
            for row in table_rows(data, "nmr_shifts_3d", split):
                record = None if row["key"] in excluded else _computed(row)
                if record is not None:
                    yield record
        except MissingTableError:
            return


def _measured(row: Mapping[str, Any]) -> ShiftRecord | None:
    from rdkit import Chem

    smiles = row.get("assigned_smiles") or row["smiles"]
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or not 0 < molecule.GetNumAtoms() <= _LARGEST:
        return None
    graph = molecular_graph(molecule)
    source = row.get("assignment_source") or ""
    targets = np.full((len(graph), len(TARGETS)), np.nan, np.float32)
    split = np.full(len(graph), np.nan, np.float32)
    for atom, values in _shifts(row.get("c13_atoms"), "13C NMR", len(graph)):
        if graph.elements[atom] == 6:
            targets[atom, 0] = np.mean(values)
    for atom, values in _shifts(row.get("h1_atoms"), "1H NMR", len(graph)):
        if graph.hydrogens[atom]:
            targets[atom, 1] = np.mean(values)
            if graph.hydrogens[atom] == 2 and len(values) == 2:
                split[atom] = max(values) - min(values)
    free = np.zeros(0)
    if not np.isfinite(targets[:, 1]).any():
        low, high = _WINDOWS["1H NMR"]
        free = np.array([p["ppm"] for p in row.get("h1") or () if low < p["ppm"] < high])
    if not np.isfinite(targets).any() and len(free) == 0:
        return None
    meta = row.get("meta") or {}
    return ShiftRecord(
        row["key"],
        smiles,
        graph,
        targets,
        split,
        _kinds(row, graph),
        source,
        source not in CERTAIN,
        tuple(solvent_number((meta.get(n) or {}).get("solvent")) for n in ("13C", "1H")),
        free,
    )


def _shifts(found, technique: str, atoms: int) -> Iterator[tuple[int, list[float]]]:
    low, high = _WINDOWS[technique]
    for atom, values in (found or {}).items():
        good = [float(v) for v in values if low < float(v) < high]
        if good and int(atom) < atoms:
            yield int(atom), good


def _kinds(row: Mapping[str, Any], graph: MolecularGraph) -> np.ndarray:
    """Among which carbons the shifts may have been exchanged: those with as many hydrogens, when
    the multiplicities in the table agree with the structure; else all."""
    letters = Counter()
    for peak in row.get("c13") or ():
        letters[peak.get("mult", "?")] += int(peak.get("n") or 1)
    carbons = graph.elements == 6
    expected = Counter("SDTQ"[min(int(h), 3)] for h in graph.hydrogens[carbons])
    if letters == expected:
        return np.where(carbons, graph.hydrogens, -1).astype(np.int8)
    return np.where(carbons, 0, -1).astype(np.int8)


def _computed(row: Mapping[str, Any]) -> ShiftRecord | None:
    from rdkit import Chem

    molecule = Chem.MolFromMolBlock(row["molblock"], removeHs=False)
    if molecule is None or molecule.GetNumHeavyAtoms() > _LARGEST:
        return None
    Chem.AssignStereochemistryFrom3D(molecule)
    for atom in molecule.GetAtoms():
        atom.SetIntProp("number", atom.GetIdx())
    bare = Chem.RemoveHs(molecule)
    if any(atom.GetAtomicNum() == 1 for atom in bare.GetAtoms()):
        return None
    smiles = Chem.MolToSmiles(bare)
    graph = molecular_graph(bare)
    place = {atom.GetIntProp("number"): atom.GetIdx() for atom in bare.GetAtoms()}
    targets = np.full((len(graph), len(TARGETS)), np.nan, np.float32)
    hydrogens: dict[int, list[float]] = {}
    for number, ppm in (row.get("dft_shifts") or {}).items():
        atom = molecule.GetAtomWithIdx(int(number))
        if atom.GetAtomicNum() == 6:
            targets[place[int(number)], 2] = ppm
        elif atom.GetAtomicNum() == 1:
            carrier = atom.GetNeighbors()[0].GetIdx()
            hydrogens.setdefault(place[carrier], []).append(float(ppm))
    for carrier, values in hydrogens.items():
        targets[carrier, 3] = np.mean(values)
    low, high = _WINDOWS["13C NMR"]
    for number, ppm in (row.get("exp_c13_shifts") or {}).items():
        if int(number) in place and low < ppm < high:
            targets[place[int(number)], 0] = ppm
    if not np.isfinite(targets).any():
        return None
    empty = np.full(len(graph), np.nan, np.float32)
    kind = np.zeros(len(graph), np.int8)
    return ShiftRecord(row["key"], smiles, graph, targets, empty, kind, "dft", False, (0, 0))


@dataclass(frozen=True, eq=False)
class ShiftTensors:
    """All records one after the other: molecule ``m`` has the atoms ``starts[m]:starts[m + 1]``,
    the edges ``edge_starts[m]:...`` (ends counted within the molecule) and the free peaks
    ``free_starts[m]:...``; the rest as in :class:`ShiftRecord`. ``source``: 0 none, 1 inferred,
    2 order recovered, 3 human, 4 the DFT table. ``molecule`` ``(M,)``: equal for the records of one
    molecule. ``memory`` ``(V, 24)``: see :class:`engine.chemistry.shift_memory.ShiftMemory`; it is
    made for a training and not kept in the file.
    """

    starts: np.ndarray
    edge_starts: np.ndarray
    free_starts: np.ndarray
    atoms: np.ndarray
    bonds: np.ndarray
    ends: np.ndarray
    classes: np.ndarray
    targets: np.ndarray
    split: np.ndarray
    kind: np.ndarray
    free: np.ndarray
    source: np.ndarray
    loose: np.ndarray
    solvents: np.ndarray
    molecule: np.ndarray
    memory: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.source)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **{k: v for k, v in self.__dict__.items() if k != "memory"})
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> ShiftTensors:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in arrays.files})

    def graphs(self, molecules: np.ndarray) -> list[MolecularGraph]:
        """The graphs of some molecules."""
        found = []
        for m in molecules:
            own = slice(self.starts[m], self.starts[m + 1])
            edges = slice(self.edge_starts[m], self.edge_starts[m + 1])
            found.append(
                MolecularGraph(
                    self.atoms[own], self.bonds[edges], self.ends[:, edges], self.classes[own]
                )
            )
        return found

    @property
    def molecule_of_atom(self) -> np.ndarray:
        """The molecule of each atom, ``(V,)``, as in ``molecule``."""
        return np.repeat(self.molecule, np.diff(self.starts))

    def environment_codes(self) -> np.ndarray:
        """The codes of the surroundings of each atom, ``(V, 5)``."""
        first = np.repeat(self.starts[:-1], np.diff(self.edge_starts))
        return environment_codes(self.atoms, self.bonds, self.ends.astype(np.int64) + first)

    def rows(self, molecules: np.ndarray) -> np.ndarray:
        """The numbers of all atoms of some molecules, in their order."""
        return np.concatenate([np.arange(self.starts[m], self.starts[m + 1]) for m in molecules])


SOURCES = ("", "inferred", "order_from_predicted_list", "human_molblock", "dft")


def shift_tensors(records: list[ShiftRecord]) -> ShiftTensors:
    """Put records together."""

    def starts(sizes) -> np.ndarray:
        return np.concatenate(([0], np.cumsum(np.array(sizes, np.int64)))).astype(np.int64)

    graphs = [r.graph for r in records]
    return ShiftTensors(
        starts([len(g) for g in graphs]),
        starts([g.ends.shape[1] for g in graphs]),
        starts([len(r.free) for r in records]),
        np.concatenate([g.atoms for g in graphs]),
        np.concatenate([g.bonds for g in graphs]),
        np.concatenate([g.ends for g in graphs], axis=1),
        np.concatenate([g.classes for g in graphs]),
        np.concatenate([r.targets for r in records]),
        np.concatenate([r.split for r in records]),
        np.concatenate([r.kind for r in records]),
        np.concatenate([r.free for r in records]).astype(np.float32),
        np.array([SOURCES.index(r.source) for r in records], np.int8),
        np.array([r.loose for r in records]),
        np.array([r.solvents for r in records], np.int8).reshape(-1, 2),
        np.unique([r.key for r in records], return_inverse=True)[1].astype(np.int32),
    )
