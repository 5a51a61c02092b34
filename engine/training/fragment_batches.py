"""Batches of fragment sets for training: which spectra, and how they are varied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.encoding.fragments import FragmentSets, assumed_precursors
from engine.training.simulated_fragments import drawn_spectra

if TYPE_CHECKING:
    from engine.training.fragment_tables import FragmentTable
    from engine.training.simulated_fragments import SimulatedFragments

# A training spectrum shows so many fragments at most: more cost time and say little.
TRAINED_FRAGMENTS = 40
_SORTED_TOGETHER = 12
# Standard deviations of the mass errors, ppm, least and most: 2 to 10 ppm are usual limits.
_SYSTEMATIC_PPM, _RANDOM_PPM = (0.5, 4.0), (0.5, 3.0)


@dataclass(frozen=True)
class FragmentBatch:
    """``fragments`` as networks take them, ``labels`` float ``B x 37``; ``atoms`` ``B x N x 10``,
    what each token is made of, for simulated fragments."""

    fragments: dict[str, Tensor]
    labels: Tensor
    atoms: Tensor | None = None


def varied(sets: FragmentSets, rng: np.random.Generator, unit_share: float = 0.08) -> FragmentSets:
    """The spectra as another instrument on another day might have measured them.

    Heights vary, weak fragments vanish, masses are some ppm off, or rounded to whole ones
    (``unit_share`` of the spectra); side inputs are left out at random.
    """
    size, places = sets.mz.shape
    present = sets.present
    power = rng.uniform(0.7, 1.3, (size, 1))
    height = np.where(present, sets.intensity, 1.0) ** power
    height = height * np.exp(rng.normal(0, 0.3, height.shape))
    # The weakest vanish first: of the base peak's height hardly any, of a hundredth of it a third.
    lost = rng.uniform(0, 0.35, (size, 1)) * np.clip(-np.log10(np.maximum(height, 1e-3)) / 2, 0, 1)
    kept = present & (rng.random(height.shape) >= lost)
    kept[~kept.any(1)] = present[~kept.any(1)]
    height = np.where(kept, height, 0.0)
    height = height / np.maximum(height.max(1, keepdims=True), 1e-12)
    shift = rng.normal(0, 1, (size, 1)) * rng.uniform(*_SYSTEMATIC_PPM, (size, 1))
    scatter = rng.normal(0, 1, (size, places)) * rng.uniform(*_RANDOM_PPM, (size, 1))
    mz = sets.mz * (1 + (shift + scatter) * 1e-6)
    precursor = sets.precursor * (1 + rng.normal(0, 2.5, size) * 1e-6)
    coarse = ~sets.exact | (rng.random(size) < unit_share)
    mz = np.where(coarse[:, None], np.rint(sets.mz * 10) / 10, mz)
    loses = {name: rng.random(size) < share for name, share in _LEFT_OUT.items()}
    precursor = np.where(loses["precursor"], np.nan, precursor)
    rough = coarse & (rng.random(size) < 0.5)
    return sets.replace(
        mz=np.where(kept, mz, 0.0),
        intensity=height,
        exact=sets.exact & ~coarse,
        precursor=np.where(rough, np.rint(precursor * 10) / 10, precursor),
        precursor_exact=sets.precursor_exact & ~loses["precursor"] & ~rough,
        adduct=np.where(loses["adduct"], 0, sets.adduct),
        energy=np.where(loses["energy"], np.nan, sets.energy),
        polarity=np.where(loses["polarity"], 0, sets.polarity),
    )


_LEFT_OUT = {"precursor": 0.2, "adduct": 0.15, "energy": 0.3, "polarity": 0.05}


def strongest(sets: FragmentSets, most: int) -> FragmentSets:
    """The ``most`` strongest fragments of each, gathered at the front."""
    order = np.argsort(-sets.intensity, axis=1, kind="stable")[:, :most]
    return sets.replace(
        mz=np.take_along_axis(sets.mz, order, 1),
        intensity=np.take_along_axis(sets.intensity, order, 1),
    )


def merged(first: FragmentSets, second: FragmentSets) -> FragmentSets:
    """Spectra of two energies laid over each other, pair by pair: no energy is theirs."""
    together = first.replace(
        mz=np.concatenate([first.mz, second.mz], axis=1),
        intensity=np.concatenate([first.intensity, second.intensity], axis=1),
        exact=first.exact & second.exact,
        energy=np.full(len(first), np.nan),
    )
    return strongest(together, first.mz.shape[1])


def measured_batches(
    table: FragmentTable,
    batch_size: int,
    per_molecule: int,
    rng: np.random.Generator,
    unit_share: float = 0.08,
    merging: float = 0.15,
    ionization: str = "esi",
) -> Iterator[FragmentBatch]:
    """One epoch: up to ``per_molecule`` spectra of each molecule and polarity, in random order.

    Of a ``merging`` share of them each is laid over another of its molecule and polarity.
    """
    chosen, partner = [], []
    for polarity in (1, -1):
        for rows in table.rows_by_molecule(polarity).values():
            drawn = rng.permutation(rows)
            own = drawn[:per_molecule]
            chosen.append(own)
            partner.append(np.resize(drawn[::-1], len(own)))
    rows, partners = np.concatenate(chosen), np.concatenate(partner)
    order = rng.permutation(len(rows))
    rows, partners = rows[order], partners[order]
    partners = np.where(rng.random(len(rows)) < merging, partners, rows)
    for part in _alike(table.sets.present.sum(1)[rows], batch_size, rng):
        own, other = rows[part], partners[part]
        sets = table.sets[own]
        both = (own != other) & (
            (table.sets.precursor[own] == table.sets.precursor[other]) | (ionization == "ei")
        )
        if both.any():
            laid = merged(sets, table.sets[other])
            keep = both[:, None]
            sets = sets.replace(
                mz=np.where(keep, laid.mz, sets.mz),
                intensity=np.where(keep, laid.intensity, sets.intensity),
                energy=np.where(both, np.nan, sets.energy),
            )
        sets = strongest(varied(sets, rng, unit_share), TRAINED_FRAGMENTS)
        labels = table.labels[table.molecule[own]].astype(np.float32)
        yield FragmentBatch(sets.tensors(), torch.from_numpy(labels))


def simulated_batches(
    simulated: SimulatedFragments, ionization: str, batch_size: int, rng: np.random.Generator
) -> Iterator[FragmentBatch]:
    """One epoch of simulated spectra, with what each fragment is made of."""
    for part in _alike((simulated.cuts > 0).sum(1), batch_size, rng):
        sets, atoms = drawn_spectra(simulated, part, ionization, rng)
        if ionization == "ei":
            sets = assumed_precursors(sets)
        varied_sets = varied(sets, rng, 0.9 if ionization == "ei" else 0.05)
        fragments = varied_sets.tensors()
        width = fragments["mz"].shape[1] - 2
        labels = torch.from_numpy(simulated.labels[part].astype(np.float32))
        own = torch.from_numpy(atoms[:, :width].astype(np.float32))
        yield FragmentBatch(fragments, labels, own)


def _alike(count: np.ndarray, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Random batches of rows with about equally many fragments, so that little is padding."""
    order = rng.permutation(len(count))
    for start in range(0, len(order), batch_size * _SORTED_TOGETHER):
        chunk = order[start : start + batch_size * _SORTED_TOGETHER]
        chunk = chunk[np.argsort(count[chunk], kind="stable")]
        parts = [chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size)]
        for index in rng.permutation(len(parts)).tolist():
            yield parts[index]
