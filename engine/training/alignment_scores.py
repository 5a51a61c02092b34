"""How well a network of K-M3AID aligns: molecules within batches, atoms within molecules."""

from __future__ import annotations

import numpy as np
import torch

from engine.networks.k_m3aid import KM3AID
from engine.networks.peak_encoder import CARBON, HYDROGEN, PeakBatch
from engine.training.alignment_batches import gather_graphs, gather_pairs, gather_peaks
from engine.training.alignment_tables import HUMAN, AlignmentTensors

BATCH = 128
"""Molecules of a batch in the paper's Table 1."""


@torch.no_grad()
def molecule_embeddings(
    network: KM3AID, tensors: AlignmentTensors, members: np.ndarray, size: int = 512
) -> np.ndarray:
    """Unit vectors of some molecules, float32 ``(n, d)``."""
    network.eval()
    found = []
    for start in range(0, len(members), size):
        graph, weights = gather_graphs(tensors, members[start : start + size])
        found.append(network.molecules(graph, weights).embedding.float().numpy())
    return unit(np.concatenate(found))


@torch.no_grad()
def spectrum_embeddings(
    network: KM3AID,
    tensors: AlignmentTensors,
    members: np.ndarray,
    nuclei: tuple[int, ...] = (CARBON,),
    multiplicities: bool = True,
    size: int = 512,
) -> np.ndarray:
    """Unit vectors of some molecules' spectra of the nuclei, float32 ``(n, d)``."""
    network.eval()
    found = []
    for start in range(0, len(members), size):
        peaks = gather_peaks(tensors, members[start : start + size], nuclei)
        if not multiplicities:
            blind = torch.zeros_like(peaks.multiplicity)
            peaks = PeakBatch(peaks.ppm, peaks.nucleus, blind, peaks.spectrum, peaks.size)
        found.append(network.spectra(peaks).float().numpy())
    return unit(np.concatenate(found))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(length, 1e-9)).astype(np.float32)


def batch_accuracy(
    molecules: np.ndarray, spectra: np.ndarray, identity: np.ndarray, seed: int = 0
) -> float:
    """The share of spectra nearest to their own molecule among batches of 128 (Table 1).

    A molecule measured twice in a batch is found when either is.
    """
    order = np.random.default_rng(seed).permutation(len(spectra))
    right = []
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        if len(batch) < BATCH and start:
            break  # the last, smaller one would be easier
        best = (spectra[batch] @ molecules[batch].T).argmax(1)
        right.append(identity[batch][best] == identity[batch])
    return float(np.concatenate(right).mean()) if right else float("nan")


def retrieval_ranks(
    molecules: np.ndarray,
    spectra: np.ndarray,
    identity: np.ndarray,
    others: np.ndarray,
    together: bool = False,
) -> np.ndarray:
    """How many molecules of a library are at least as near to each spectrum as its own, ``(n,)``.

    The library: ``others`` ``(m, d)`` and each query's own molecule; ``together``: those of all
    queries, but for further measurements of the same. ``molecules`` and ``spectra`` ``(n, d)``.
    """
    own = (spectra * molecules).sum(1)
    ahead = np.zeros(len(spectra), np.int64)
    for start in range(0, len(others), 20_000):
        ahead += (spectra @ others[start : start + 20_000].T >= own[:, None]).sum(1)
    if together:
        nearer = spectra @ molecules.T >= own[:, None]
        ahead += (nearer & (identity[:, None] != identity[None, :])).sum(1)
    return ahead


@torch.no_grad()
def node_hits(
    network: KM3AID, tensors: AlignmentTensors, members: np.ndarray, nucleus: int, size: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """For each atom with a known peak whether the nearest of its molecule's assigned peaks has the
    right shift, and the place of its molecule in ``members``."""
    network.eval()
    hits, owners = [], []
    for start in range(0, len(members), size):
        part = members[start : start + size]
        graph, weights = gather_graphs(tensors, part)
        pairs = gather_pairs(tensors, part, {})[nucleus]
        if len(pairs) == 0:
            continue
        nodes = network.node_vectors(network.molecules(graph, weights), pairs.atoms, nucleus)
        logits = nodes @ network.peak_vectors(pairs.peaks).T
        molecule = pairs.peaks.spectrum
        logits = logits.masked_fill(molecule[:, None] != molecule[None, :], float("-inf"))
        ppm = pairs.peaks.ppm
        # Two hydrogens of one atom have two right answers.
        code = pairs.atoms[:, None] == pairs.atoms[None, :]
        best = logits.argmax(1)
        right = ((ppm[best][:, None] == ppm[None, :]) & code).any(1)
        hits.append(right.numpy())
        owners.append(start + molecule.numpy())
    if not hits:
        return np.zeros(0, bool), np.zeros(0, np.int64)
    return np.concatenate(hits), np.concatenate(owners)


def node_accuracy(
    network: KM3AID, tensors: AlignmentTensors, nucleus: int = CARBON
) -> dict[str, float]:
    """On molecules assigned by people: the mean over molecules of the share of atoms that are
    right, and the share of molecules in which all are."""
    members = np.flatnonzero(tensors.source == HUMAN)
    hits, owners = node_hits(network, tensors, members, nucleus)
    if len(hits) == 0:
        return {"molecules": 0, "atoms right": float("nan"), "wholly right": float("nan")}
    count = np.bincount(owners)
    share = np.bincount(owners, hits)[count > 0] / count[count > 0]
    return {
        "molecules": len(share),
        "atoms right": float(share.mean()),
        "wholly right": float((share == 1).mean()),
    }


def quick_scores(network: KM3AID, valid: AlignmentTensors) -> dict[str, float]:
    """A few figures after each epoch: batches of 128, all of the split together, and atoms."""
    scores = {}
    embeddings = molecule_embeddings(network, valid, np.arange(len(valid)))
    for nucleus in network.nuclei:
        label = ("13C", "1H")[nucleus]
        members = np.flatnonzero(valid.presence[:, nucleus])
        if len(members) == 0:
            continue
        molecules = embeddings[members]
        spectra = spectrum_embeddings(network, valid, members, (nucleus,))
        identity = valid.identity[members]
        scores[f"{label} batch"] = batch_accuracy(molecules, spectra, identity)
        best = (spectra @ molecules.T).argmax(1)
        scores[f"{label} all"] = float((identity[best] == identity).mean())
        scores[f"{label} atoms"] = node_accuracy(network, valid, nucleus)["atoms right"]
    if HYDROGEN in network.nuclei:
        scores.update(shift_errors(network, valid))
    return {name: round(value, 4) for name, value in scores.items()}


@torch.no_grad()
def shift_errors(network: KM3AID, tensors: AlignmentTensors) -> dict[str, float]:
    """Mean absolute errors (ppm) of the shifts of atoms that people assigned."""
    network.eval()
    errors: dict[int, list] = {CARBON: [], HYDROGEN: []}
    members = np.flatnonzero(tensors.source == HUMAN)
    for start in range(0, len(members), 256):
        part = members[start : start + 256]
        shifts = network.molecules(*gather_graphs(tensors, part)).shifts
        for nucleus, pairs in gather_pairs(tensors, part, {}).items():
            if nucleus in shifts:
                errors[nucleus].append((shifts[nucleus][pairs.atoms, 0] - pairs.peaks.ppm).abs())
    return {
        f"{('13C', '1H')[n]} ppm": float(torch.cat(found).mean()) for n, found in errors.items()
        if found and sum(map(len, found))
    }  # fmt: skip
