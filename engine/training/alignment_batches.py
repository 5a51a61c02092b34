"""Batches of prepared molecules and peaks: technique dropout, disturbed peaks, pairs of atoms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.networks.graph_encoder import GraphBatch
from engine.networks.peak_encoder import CARBON, HYDROGEN, UNKNOWN_MULTIPLICITY, PeakBatch
from engine.training.alignment_tables import INFERRED, AlignmentTensors

SPANS = np.array([200.0, 13.0], np.float32)
"""The usual range of the shifts of 13C and 1H, ppm."""


@dataclass(frozen=True)
class Disturbance:
    """How a spectrum is changed in training.

    ``jitter`` and ``offset`` are standard deviations in thousandths of the nucleus' range, of each
    peak and of all together; ``lost`` is the share of peaks left out, ``foreign`` the expected
    number of peaks that do not belong; ``unknown`` the share of spectra without multiplicities;
    ``techniques``: whether one of two nuclei may be left out.
    """

    jitter: float = 0.0
    offset: float = 0.0
    lost: float = 0.0
    foreign: float = 0.0
    unknown: float = 0.0
    techniques: bool = False


UNDISTURBED = Disturbance()


@dataclass(frozen=True)
class AlignmentBatch:
    """``graph`` of B molecules, ``weights`` ``(V,)`` of its atoms, ``peaks`` of the B spectra,
    ``identity`` ``(B,)``; ``pairs`` of atoms and peaks by nucleus; ``known``: the atoms' vectors
    where they need not be found again."""

    graph: GraphBatch
    weights: Tensor
    peaks: PeakBatch
    identity: Tensor
    pairs: dict[int, AtomPeaks]
    members: np.ndarray
    known: KnownAtoms | None = None

    def to(self, device: torch.device | str) -> AlignmentBatch:
        return AlignmentBatch(
            self.graph.to(device), self.weights.to(device), self.peaks.to(device),
            self.identity.to(device), {n: p.to(device) for n, p in self.pairs.items()},
            self.members, None if self.known is None else self.known.to(device),
        )  # fmt: skip


@dataclass(frozen=True)
class KnownAtoms:
    """What a graph encoder that is not trained gives: ``vectors`` ``V x width`` and by nucleus
    ``shifts`` ``V x 2``, ppm and expected error."""

    vectors: Tensor
    shifts: dict[int, Tensor]

    def to(self, device: torch.device | str) -> KnownAtoms:
        shifts = {nucleus: values.to(device) for nucleus, values in self.shifts.items()}
        return KnownAtoms(self.vectors.to(device), shifts)


@dataclass(frozen=True)
class AtomPeaks:
    """``n`` atoms (numbers within the batch) and the peak of each: ``spectrum`` of ``peaks`` is the
    molecule. ``trust`` ``(n,)``: weight of the label; ``exchange`` ``(n,)``: atoms of one number
    may have their peaks exchanged, -1: certain."""

    atoms: Tensor
    peaks: PeakBatch
    trust: Tensor
    exchange: Tensor

    def __len__(self) -> int:
        return len(self.atoms)

    def to(self, device: torch.device | str) -> AtomPeaks:
        return AtomPeaks(
            self.atoms.to(device), self.peaks.to(device), self.trust.to(device),
            self.exchange.to(device),
        )  # fmt: skip

    def chosen(self, places: Tensor) -> AtomPeaks:
        """Some of the pairs."""
        peaks = PeakBatch(
            self.peaks.ppm[places], self.peaks.nucleus[places], self.peaks.multiplicity[places],
            self.peaks.spectrum[places], self.peaks.size,
        )  # fmt: skip
        return AtomPeaks(self.atoms[places], peaks, self.trust[places], self.exchange[places])

    def blinded(self, spectra: Tensor) -> AtomPeaks:
        """Without the multiplicities of some spectra, bool ``(B,)``."""
        peaks = self.peaks
        hidden = peaks.multiplicity.masked_fill(spectra[peaks.spectrum], UNKNOWN_MULTIPLICITY)
        return replace(self, peaks=replace(peaks, multiplicity=hidden))

    def rearranged(self, predicted: Tensor) -> AtomPeaks:
        """Exchangeable peaks of each set in the order of the predicted shifts ``(n,)``, which in
        one dimension is the matching of least distance."""
        loose = torch.nonzero(self.exchange >= 0)[:, 0]
        sets = self.exchange[loose].cpu().numpy()
        by_ppm = np.lexsort((self.peaks.ppm[loose].cpu().numpy(), sets))
        by_guess = np.lexsort((predicted[loose].detach().cpu().numpy(), sets))
        source = torch.arange(len(self), device=loose.device)
        to = loose[torch.from_numpy(by_guess).to(loose.device)]
        source[to] = loose[torch.from_numpy(by_ppm).to(loose.device)]
        peaks = self.chosen(source).peaks
        return AtomPeaks(self.atoms, peaks, self.trust, self.exchange)


def runs(starts: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All rows of the members, one after the other, and how many each has."""
    sizes = starts[members + 1] - starts[members]
    first = np.cumsum(sizes) - sizes
    rows = np.arange(sizes.sum()) - np.repeat(first, sizes) + np.repeat(starts[members], sizes)
    return rows, sizes


def gather_graphs(tensors: AlignmentTensors, members: np.ndarray) -> tuple[GraphBatch, Tensor]:
    """The molecules' graphs and the weights of their atoms."""
    rows, sizes = runs(tensors.starts, members)
    edges, edge_sizes = runs(tensors.edge_starts, members)
    first = np.cumsum(sizes) - sizes
    ends = tensors.ends[:, edges].astype(np.int64) + np.repeat(first, edge_sizes)
    graph = GraphBatch(
        torch.from_numpy(tensors.atoms[rows]),
        torch.from_numpy(tensors.bonds[edges]),
        torch.from_numpy(ends),
        torch.from_numpy(np.repeat(np.arange(len(members)), sizes)),
        len(members),
    )
    return graph, torch.from_numpy(tensors.weights[rows])


def gather_peaks(
    tensors: AlignmentTensors,
    members: np.ndarray,
    nuclei: tuple[int, ...] = (CARBON, HYDROGEN),
    disturbance: Disturbance = UNDISTURBED,
    rng: np.random.Generator | None = None,
) -> PeakBatch:
    """The members' spectra; with ``rng`` disturbed."""
    found = _listed(tensors, members, nuclei)
    if rng is not None:
        found = disturbed(found, len(members), disturbance, rng)
    return as_batch(found, len(members))


Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""The columns of a batch of peaks: ppm, nucleus, multiplicity, spectrum."""


def as_batch(columns: Columns, size: int) -> PeakBatch:
    return PeakBatch(*map(torch.from_numpy, columns), size)


def _listed(tensors: AlignmentTensors, members: np.ndarray, nuclei: tuple[int, ...]) -> Columns:
    rows, sizes = runs(tensors.peak_starts, members)
    owner = np.repeat(np.arange(len(members)), sizes)
    kept = np.isin(tensors.nucleus[rows], nuclei)
    rows = rows[kept]
    return (
        tensors.ppm[rows],
        tensors.nucleus[rows].astype(np.int64),
        tensors.multiplicity[rows].astype(np.int64),
        owner[kept],
    )


def disturbed(columns: Columns, size: int, how: Disturbance, rng: np.random.Generator) -> Columns:
    """Peaks of ``size`` spectra as another measurement might have them."""
    ppm, nucleus, multiplicity, owner = columns
    if how.techniques:
        there = np.zeros((size, 2), bool)
        there[owner, nucleus] = True
        single = there.all(1) & (rng.random(size) < 0.5)
        dropped = np.where(single, (rng.random(size) < 0.5).astype(np.int64), -1)
        kept = dropped[owner] != nucleus
        ppm, nucleus, multiplicity, owner = (
            values[kept] for values in (ppm, nucleus, multiplicity, owner)
        )
    scale = SPANS / 1000.0
    ppm = ppm + how.jitter * rng.normal(size=len(ppm)) * scale[nucleus]
    ppm = ppm + (how.offset * rng.normal(size=(size, 2)) * scale)[owner, nucleus]
    # A spectrum of few peaks keeps them all.
    count = np.bincount(owner, minlength=size)[owner]
    kept = (rng.random(len(ppm)) >= how.lost) | (count < 4)
    ppm, nucleus, multiplicity, owner = (v[kept] for v in (ppm, nucleus, multiplicity, owner))
    if how.foreign and len(owner):
        more = rng.choice(len(owner), rng.poisson(how.foreign * size))
        place = rng.random(len(more)) * SPANS[nucleus[more]]
        ppm = np.concatenate([ppm, place])
        nucleus = np.concatenate([nucleus, nucleus[more]])
        multiplicity = np.concatenate([multiplicity, multiplicity[more]])
        owner = np.concatenate([owner, owner[more]])
    blind = rng.random(size) < how.unknown
    multiplicity = np.where(blind[owner], 0, multiplicity)
    return ppm.astype(np.float32), nucleus, multiplicity, owner


def gather_pairs(
    tensors: AlignmentTensors, members: np.ndarray, trust: dict[int, float]
) -> dict[int, AtomPeaks]:
    """The atoms of the members whose peaks are known, by nucleus; ``trust`` by source (else 1)."""
    rows, sizes = runs(tensors.starts, members)
    molecule = np.repeat(np.arange(len(members)), sizes)
    carbon = tensors.carbon_peak[rows]
    hydrogen = tensors.hydrogen_peak[rows]
    source = tensors.source[members]
    sure = np.array([trust.get(s, 1.0) for s in range(int(source.max(initial=0)) + 1)], np.float32)
    found = {}
    for nucleus, places in ((CARBON, carbon[:, None]), (HYDROGEN, hydrogen)):
        atom, column = np.nonzero(places >= 0)
        peak = tensors.peak_starts[members][molecule[atom]] + places[atom, column]
        loose = (source[molecule[atom]] == INFERRED) & (nucleus == CARBON)
        kind = tensors.kind[rows][atom].astype(np.int64)
        found[nucleus] = AtomPeaks(
            torch.from_numpy(atom),
            PeakBatch(
                torch.from_numpy(tensors.ppm[peak]),
                torch.from_numpy(tensors.nucleus[peak].astype(np.int64)),
                torch.from_numpy(tensors.multiplicity[peak].astype(np.int64)),
                torch.from_numpy(molecule[atom]),
                len(members),
            ),
            torch.from_numpy(sure[source[molecule[atom]]]),
            torch.from_numpy(np.where(loose, molecule[atom] * 8 + kind, -1)),
        )
    return found


def epoch(
    tensors: AlignmentTensors,
    eligible: np.ndarray,
    size: int,
    rng: np.random.Generator,
    alike: float = 0.0,
) -> Iterator[np.ndarray]:
    """Batches of ``size`` molecules in random order; what does not fill one is left out.

    A share ``alike`` of them holds molecules of like numbers of atoms, which are harder to tell
    apart than any.
    """
    order = rng.permutation(eligible)
    split = int(len(order) * alike) // size * size
    near = order[:split]
    atoms = tensors.starts[near + 1] - tensors.starts[near] + 2.0 * rng.random(split)
    order = np.concatenate([near[np.argsort(atoms, kind="stable")], order[split:]])
    batches = order[: len(order) // size * size].reshape(-1, size)
    for number in rng.permutation(len(batches)):
        yield batches[number]


def gather(
    tensors: AlignmentTensors,
    members: np.ndarray,
    nuclei: tuple[int, ...],
    trust: dict[int, float],
    disturbance: Disturbance,
    rng: np.random.Generator | None,
) -> AlignmentBatch:
    """The batch of some molecules."""
    graph, weights = gather_graphs(tensors, members)
    pairs = gather_pairs(tensors, members, trust)
    return AlignmentBatch(
        graph,
        weights,
        gather_peaks(tensors, members, nuclei, disturbance, rng),
        torch.from_numpy(tensors.identity[members]),
        {nucleus: pairs[nucleus] for nucleus in nuclei},
        members,
    )
