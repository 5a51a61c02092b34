"""The tables of NMR peaks as molecules beside spectra and atoms beside peaks, prepared once."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.molecular_graph import MolecularGraph, molecular_graph
from engine.chemistry.observed_peaks import ObservedPeak, peak_list
from engine.chemistry.predicted_shifts import NUCLEI
from engine.training.group_tables import evaluation_keys, table_rows

SOURCES = ("", "inferred", "order_from_predicted_list", "human_molblock")
HUMAN = SOURCES.index("human_molblock")
INFERRED = SOURCES.index("inferred")
SIMULATED = len(SOURCES)
# Outside of these (ppm) stand misprints.
_WINDOWS = ((-30.0, 260.0), (-6.0, 20.0))
_LARGEST = 150
_SAME = 0.006


@dataclass(frozen=True, eq=False)
class AlignmentRecord:
    """One measurement of a molecule.

    ``peaks``: those of 13C, then those of 1H; ``carbon_peak`` ``(V,)`` and ``hydrogen_peak``
    ``(V, 2)``: the place in ``peaks`` of each atom's peak, -1 for none (two for two hydrogens of an
    atom that differ); ``kind`` ``(V,)``: carbons of one kind may have been exchanged in an inferred
    assignment.
    """

    key: str
    graph: MolecularGraph
    peaks: tuple[tuple[int, ObservedPeak], ...]
    carbon_peak: np.ndarray
    hydrogen_peak: np.ndarray
    kind: np.ndarray
    source: int


def read_alignment_records(
    data: Path, split: str, excluded: Collection[str] = frozenset()
) -> Iterator[AlignmentRecord]:
    """Every molecule of a split with peaks, but those whose keys are ``excluded``."""
    from rdkit import rdBase

    with rdBase.BlockLogs():
        for row in table_rows(data, "nmr", split):
            record = None if row["key"] in excluded else alignment_record(row)
            if record is not None:
                yield record


def alignment_record(row: Mapping[str, Any]) -> AlignmentRecord | None:
    """The record of a table's row; None when it has no peaks or no structure that can be read."""
    from rdkit import Chem

    molecule = Chem.MolFromSmiles(row.get("assigned_smiles") or row["smiles"])
    if molecule is None or not 0 < molecule.GetNumAtoms() <= _LARGEST:
        return None
    peaks = tuple(
        (nucleus, peak)
        for nucleus, field in enumerate(("c13", "h1"))
        for peak in peak_list(row.get(field) or (), multiplicities=nucleus == 0)
        if _WINDOWS[nucleus][0] < peak.ppm < _WINDOWS[nucleus][1]
    )
    if not peaks:
        return None
    graph = molecular_graph(molecule)
    carbon = np.full((len(graph), 1), -1, np.int16)
    hydrogen = np.full((len(graph), 2), -1, np.int16)
    bearing = (graph.elements == 6, graph.hydrogens > 0)
    for nucleus, (field, places) in enumerate((("c13_atoms", carbon), ("h1_atoms", hydrogen))):
        for atom, values in (row.get(field) or {}).items():
            if int(atom) < len(graph) and bearing[nucleus][int(atom)]:
                found = [_place(peaks, nucleus, v, graph.hydrogens[int(atom)]) for v in values]
                found = sorted({p for p in found if p >= 0})[: places.shape[1]]
                places[int(atom), : len(found)] = found
    source = row.get("assignment_source") or ""
    return AlignmentRecord(
        row["key"], graph, peaks, carbon[:, 0], hydrogen, _kinds(row, graph),
        SOURCES.index(source) if source in SOURCES else 0,
    )  # fmt: skip


def _place(peaks, nucleus: int, ppm: float, attached: int) -> int:
    """The peak at a shift; of two at the same shift that of the right multiplicity."""
    best = min(
        (
            (abs(peak.ppm - ppm), nucleus == 0 and peak.attached != attached, place)
            for place, (own, peak) in enumerate(peaks)
            if own == nucleus
        ),
        default=(np.inf, False, -1),
    )
    return best[2] if best[0] <= _SAME else -1


def _kinds(row: Mapping[str, Any], graph: MolecularGraph) -> np.ndarray:
    """Carbons by their hydrogens when the table's multiplicities agree with the structure."""
    letters = Counter()
    for peak in row.get("c13") or ():
        letters[peak.get("mult") or "?"] += int(peak.get("n") or 1)
    carbons = graph.elements == 6
    expected = Counter("SDTQ"[min(int(h), 3)] for h in graph.hydrogens[carbons])
    return np.where(carbons, graph.hydrogens if letters == expected else 0, -1).astype(np.int8)


@dataclass(frozen=True, eq=False)
class AlignmentTensors:
    """All records one after the other.

    Molecule ``m`` has the atoms ``starts[m]:starts[m + 1]``, the edges ``edge_starts[m]:...`` (ends
    counted within the molecule) and the peaks ``peak_starts[m]:...``; ``weights`` ``(V,)``: 1 over
    the atoms equivalent to each, of which ``first`` ``(V,)`` is the first (counted within the
    molecule); ``identity`` ``(n,)``: the same number for the same key; the rest as in
    :class:`AlignmentRecord`.
    """

    starts: np.ndarray
    edge_starts: np.ndarray
    peak_starts: np.ndarray
    atoms: np.ndarray
    bonds: np.ndarray
    ends: np.ndarray
    weights: np.ndarray
    first: np.ndarray
    carbon_peak: np.ndarray
    hydrogen_peak: np.ndarray
    kind: np.ndarray
    ppm: np.ndarray
    nucleus: np.ndarray
    multiplicity: np.ndarray
    source: np.ndarray
    identity: np.ndarray

    def __len__(self) -> int:
        return len(self.source)

    @property
    def presence(self) -> np.ndarray:
        """Whether each molecule has peaks of 13C and of 1H, bool ``(n, 2)``."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.peak_starts))
        found = np.zeros((len(self), len(NUCLEI)), bool)
        found[owner, self.nucleus] = True
        return found

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **self.__dict__)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> AlignmentTensors:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in arrays.files})


def alignment_tensors(records: list[AlignmentRecord]) -> AlignmentTensors:
    """Put records together."""

    def starts(sizes: list[int]) -> np.ndarray:
        return np.concatenate(([0], np.cumsum(np.array(sizes, np.int64)))).astype(np.int64)

    graphs = [r.graph for r in records]
    peaks = [entry for r in records for entry in r.peaks]
    attached = [peak.attached if nucleus == 0 else None for nucleus, peak in peaks]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(r.key for r in records))}
    return AlignmentTensors(
        starts([len(g) for g in graphs]),
        starts([g.ends.shape[1] for g in graphs]),
        starts([len(r.peaks) for r in records]),
        np.concatenate([g.atoms for g in graphs]),
        np.concatenate([g.bonds for g in graphs]),
        np.concatenate([g.ends for g in graphs], axis=1),
        np.concatenate([1.0 / np.bincount(g.classes)[g.classes] for g in graphs]).astype("f4"),
        np.concatenate([_first_of_class(g.classes) for g in graphs]).astype(np.int16),
        np.concatenate([r.carbon_peak for r in records]),
        np.concatenate([r.hydrogen_peak for r in records]),
        np.concatenate([r.kind for r in records]),
        np.array([peak.ppm for _, peak in peaks], np.float32),
        np.array([nucleus for nucleus, _ in peaks], np.int8),
        np.array([0 if a is None else min(a, 3) + 1 for a in attached], np.int8),
        np.array([r.source for r in records], np.int8),
        np.array([numbers[r.key] for r in records], np.int32),
    )


def _first_of_class(classes: np.ndarray) -> np.ndarray:
    _, first, inverse = np.unique(classes, return_index=True, return_inverse=True)
    return first[inverse]


def library_records(
    library: Path, size: int, skip: int = 0, usable: Callable[[str], bool] = lambda key: True
) -> Iterator[AlignmentRecord]:
    """The first ``size`` molecules without peaks of a library's lines after ``skip``, of those
    whose keys are ``usable``."""
    from rdkit import Chem, rdBase

    found = 0
    with rdBase.BlockLogs(), gzip.open(library, "rt", encoding="utf-8") as lines:
        for line in islice(lines, skip, None):
            molecule = Chem.MolFromSmiles(line.strip())
            if molecule is None or not 0 < molecule.GetNumAtoms() <= _LARGEST:
                continue
            key = Chem.MolToInchiKey(molecule).split("-")[0]
            if not key or not usable(key):
                continue
            graph = molecular_graph(molecule)
            none = np.full((len(graph), 2), -1, np.int16)
            kind = np.full(len(graph), -1, np.int8)
            yield AlignmentRecord(key, graph, (), none[:, 0], none, kind, SIMULATED)
            found += 1
            if found == size:
                return


def joined(one: AlignmentTensors, other: AlignmentTensors) -> AlignmentTensors:
    """Both, one after the other; molecules of one are taken to be none of the other."""
    values = {}
    for name, first in one.__dict__.items():
        second = getattr(other, name)
        if name.endswith("starts"):
            values[name] = np.concatenate([first, second[1:] + first[-1]])
        elif name == "identity":
            values[name] = np.concatenate([first, second + 1 + first.max(initial=0)])
        else:
            values[name] = np.concatenate([first, second], axis=int(name == "ends"))
    return AlignmentTensors(**values)


def prepared(
    data: Path, folder: Path, splits: tuple[str, ...], report: Callable[[str], None]
) -> dict[str, AlignmentTensors]:
    """The tensors of ``folder``, made from the tables in ``data`` where they are missing.

    The molecules of the measured-IR evaluation set are left out of ``train`` and ``valid``.
    """
    tensors = {}
    for split in splits:
        path = folder / f"{split}.npz"
        if not path.exists():
            report(f"preparing {path.name}")
            excluded = evaluation_keys(data) if split != "test" else frozenset()
            records = list(read_alignment_records(data, split, excluded))
            alignment_tensors(records).save(path)
        tensors[split] = AlignmentTensors.load(path)
    return tensors
