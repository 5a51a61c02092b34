"""Atoms' vectors and shifts from a graph encoder that stays as it is, and spectra drawn from them.

A trained shift predictor's encoder serves as the graph encoder of the extended K-M3AID. Its atoms
are found once for all molecules; what is trained on them takes a tenth of the time. Library
molecules get spectra from their predicted shifts, off by as much as the predictor expects to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from engine.networks.k_m3aid import KM3AID
from engine.networks.peak_encoder import CARBON, HYDROGEN
from engine.training.alignment_batches import (
    AlignmentBatch,
    Columns,
    Disturbance,
    KnownAtoms,
    as_batch,
    disturbed,
    gather_graphs,
    gather_pairs,
    gather_peaks,
    runs,
)
from engine.training.alignment_tables import HUMAN, INFERRED, SIMULATED, AlignmentTensors

# How often a peak of a carbon, a hydrogen on carbon and another hydrogen is listed.
_LISTED = {CARBON: 0.96, HYDROGEN: 0.95}
_EXCHANGEABLE_LISTED = 0.4
# 13C alone, 1H alone, both.
_PATTERNS = ((CARBON,), (HYDROGEN,), (CARBON, HYDROGEN))
_PATTERN_SHARES = (0.6, 0.15, 0.25)


@dataclass(frozen=True, eq=False)
class AtomStates:
    """``vectors`` float16 ``(V, width)``; ``shifts`` float32 ``(V, 4)``: ppm and expected error of
    13C, then of 1H. ``excess`` by nucleus: how much larger errors are on molecules that the
    predictor was not fitted to, and ``errors`` how large they are there, both in units of the
    expected error."""

    vectors: np.ndarray
    shifts: np.ndarray
    excess: dict[int, float] = field(default_factory=lambda: {CARBON: 0.0, HYDROGEN: 0.0})
    errors: dict[int, float] = field(default_factory=lambda: {CARBON: 1.0, HYDROGEN: 1.0})


@torch.no_grad()
def atom_states(network: KM3AID, tensors: AlignmentTensors, size: int = 256) -> AtomStates:
    """The states of all atoms, by the network's graph encoder and shift predictor."""
    network.eval()
    width = network.config.graph.width
    vectors = np.zeros((len(tensors.atoms), width), np.float16)
    shifts = np.zeros((len(tensors.atoms), 4), np.float32)
    # Molecules of like size together.
    order = np.argsort(np.diff(tensors.starts), kind="stable")
    for start in range(0, len(order), size):
        members = order[start : start + size]
        graph, _ = gather_graphs(tensors, members)
        atoms = network.atoms(graph)
        found = network.level.predicted_shifts(atoms)
        rows, _ = runs(tensors.starts, members)
        vectors[rows] = atoms.numpy()
        shifts[rows] = torch.cat([found[CARBON], found[HYDROGEN]], dim=1).numpy()
    return AtomStates(vectors, shifts)


def relative_errors(states: AtomStates, tensors: AlignmentTensors) -> dict[int, float]:
    """Errors of the predicted shifts over the expected ones on human assignments, the mean."""
    members = np.flatnonzero(tensors.source == HUMAN)
    rows, _ = runs(tensors.starts, members)
    found = {}
    for nucleus, pairs in gather_pairs(tensors, members, {}).items():
        predicted = states.shifts[rows[pairs.atoms.numpy()], 2 * nucleus : 2 * nucleus + 2]
        error = np.abs(predicted[:, 0] - pairs.peaks.ppm.numpy()) / predicted[:, 1]
        found[nucleus] = float(np.minimum(error, 8.0).mean()) if len(error) else 1.0
    return found


def with_errors(states: AtomStates, train: dict[int, float], valid: dict[int, float]) -> AtomStates:
    """The states of training molecules, told how large errors are there and on the validation
    split; independent errors add up in squares."""
    excess = {n: float(np.sqrt(max(valid[n] ** 2 - train[n] ** 2, 0.0))) for n in train}
    return replace(states, excess=excess, errors=valid)


def gather_known(
    tensors: AlignmentTensors,
    states: AtomStates,
    members: np.ndarray,
    disturbance: Disturbance,
    rng: np.random.Generator,
) -> AlignmentBatch:
    """A batch of measured and simulated molecules with their atoms' states.

    Predicted shifts of measured molecules, which the predictor was fitted to, are moved until they
    are as wrong as on others; the spectra of simulated ones are off by as much.
    """
    members = members[np.argsort(tensors.source[members] == SIMULATED, kind="stable")]
    graph, weights = gather_graphs(tensors, members)
    rows, sizes = runs(tensors.starts, members)
    start_of = np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = start_of + tensors.first[rows]
    molecule = graph.molecule.numpy()
    simulated = tensors.source[members] == SIMULATED
    shifts = states.shifts[rows].copy()
    columns: list[Columns] = []
    measured = gather_peaks(tensors, members)
    columns.append(
        tuple(
            c.numpy()
            for c in (measured.ppm, measured.nucleus, measured.multiplicity, measured.spectrum)
        )
    )
    patterns = rng.choice(len(_PATTERNS), len(members), p=_PATTERN_SHARES)
    for nucleus in (CARBON, HYDROGEN):
        ppm, error = shifts[:, 2 * nucleus], shifts[:, 2 * nucleus + 1]
        # Some molecules are farther from all that is known than others.
        off = error * np.exp(0.4 * rng.normal(size=len(members)))[molecule]
        off = (off * rng.laplace(size=len(rows)))[first]
        wanted = np.array([nucleus in pattern for pattern in _PATTERNS])[patterns] & simulated
        columns.append(
            _drawn(
                tensors.atoms[rows],
                first,
                molecule,
                wanted,
                ppm + states.errors[nucleus] * off,
                nucleus,
                rng,
            )
        )
        shifts[:, 2 * nucleus] = ppm + np.where(
            simulated[molecule], 0.0, states.excess[nucleus] * off
        )
    peaks = tuple(np.concatenate(values) for values in zip(*columns, strict=True))
    size = len(members)
    pairs = gather_pairs(tensors, members, {INFERRED: 0.5})
    blind = torch.from_numpy(rng.random(size) < disturbance.unknown)
    return AlignmentBatch(
        graph,
        weights,
        as_batch(disturbed(peaks, size, disturbance, rng), size),
        torch.from_numpy(tensors.identity[members]),
        {nucleus: found.blinded(blind) for nucleus, found in pairs.items()},
        members,
        KnownAtoms(
            torch.from_numpy(states.vectors[rows].astype(np.float32)),
            {n: torch.from_numpy(shifts[:, 2 * n : 2 * n + 2]) for n in (CARBON, HYDROGEN)},
        ),
    )


def _drawn(atoms, first, molecule, wanted, ppm, nucleus: int, rng) -> Columns:
    """The peaks of one nucleus of the molecules that are ``wanted``, one for a set of equivalent
    atoms, each listed or not."""
    hydrogens, carbon = atoms[:, 4].astype(np.int64), atoms[:, 0] == 6
    bearing = carbon if nucleus == CARBON else hydrogens > 0
    listed = np.where(carbon, _LISTED[nucleus], _EXCHANGEABLE_LISTED)
    chosen = bearing & wanted[molecule] & (first == np.arange(len(first)))
    chosen &= rng.random(len(first)) < listed
    places = np.flatnonzero(chosen)
    attached = np.minimum(hydrogens[places], 3) + 1
    return (
        ppm[places].astype(np.float32),
        np.full(len(places), nucleus, np.int64),
        attached if nucleus == CARBON else np.zeros(len(places), np.int64),
        molecule[places],
    )
