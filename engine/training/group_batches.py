"""Batches of encoded spectra: mixing of sources, modality dropout, and augmentation of tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.encoding.channels import CHANNEL_NAMES
from engine.training.group_tensors import GroupTensors


@dataclass(frozen=True, eq=False)
class Source:
    """Prepared molecules and how many of them an epoch takes.

    ``share`` is the number of passes in one epoch (0.25: a random quarter). ``only`` keeps single
    channels of the molecules that have them. ``distorted`` is the share of infrared batches that
    are moved and strengthened beyond what the renderings vary.
    """

    tensors: GroupTensors
    share: float = 1.0
    only: tuple[str, ...] | None = None
    distorted: float = 0.0


@dataclass(frozen=True)
class GroupBatch:
    """``spectra`` ``{channel: B x 600}`` of one presence pattern, ``labels`` ``B x 37``."""

    spectra: dict[str, Tensor]
    labels: Tensor

    def to(self, device: torch.device) -> GroupBatch:
        return GroupBatch(
            {name: values.to(device) for name, values in self.spectra.items()},
            self.labels.to(device),
        )


def epoch_batches(
    sources: Sequence[Source], batch_size: int, rng: np.random.Generator, keep_all: float = 0.5
) -> Iterator[GroupBatch]:
    """One epoch in random order; every batch has one presence pattern, so nothing is padded.

    Modality dropout: with probability ``keep_all`` a molecule keeps all its channels, else each
    stays with probability one half, at least one.
    """
    plans: list[tuple[int, tuple[bool, ...], np.ndarray]] = []
    for index, source in enumerate(sources):
        presence = source.tensors.presence
        if source.only is not None:
            presence = presence & np.isin(CHANNEL_NAMES, source.only)
        chosen = _chosen(np.flatnonzero(presence.any(1)), source.share, rng)
        kept = _drop_channels(presence[chosen], keep_all, rng)
        patterns, inverse = np.unique(kept, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            members = rng.permutation(chosen[inverse.ravel() == number])
            for start in range(0, len(members), batch_size):
                part = members[start : start + batch_size]
                if len(part) >= 8:
                    plans.append((index, tuple(pattern.tolist()), part))
    for number in rng.permutation(len(plans)):
        index, pattern, molecules = plans[number]
        source = sources[index]
        yield gather(source.tensors, molecules, pattern, rng, source.distorted)


def _chosen(eligible: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    whole = int(share)
    part = rng.permutation(eligible)[: round((share - whole) * len(eligible))]
    return np.concatenate([eligible] * whole + [part])


def _drop_channels(presence: np.ndarray, keep_all: float, rng: np.random.Generator) -> np.ndarray:
    kept = presence & (rng.random(presence.shape) < 0.5)
    nothing = ~kept.any(1)
    scores = rng.random(presence.shape) * presence
    kept[nothing, scores[nothing].argmax(1)] = True
    whole = rng.random(len(presence)) < keep_all
    kept[whole] = presence[whole]
    return kept


def gather(
    tensors: GroupTensors,
    molecules: np.ndarray,
    pattern: Sequence[bool],
    rng: np.random.Generator | None = None,
    distorted: float = 0.0,
) -> GroupBatch:
    """The spectra of some molecules in the channels of ``pattern``.

    With ``rng`` a random rendering of each and augmentation, else the first and as it is.
    """
    spectra = {}
    for name, present in zip(CHANNEL_NAMES, pattern, strict=True):
        if not present:
            continue
        first, count = tensors.first[name][molecules], tensors.count[name][molecules]
        rows = first if rng is None else first + (rng.random(len(molecules)) * count).astype(int)
        values = torch.from_numpy(tensors.values[name][rows].astype(np.float32))
        spectra[name] = values if rng is None else augment(name, values, rng, distorted)
    labels = torch.from_numpy(tensors.labels[molecules].astype(np.float32))
    return GroupBatch(spectra, labels)


def augment(name: str, values: Tensor, rng: np.random.Generator, distorted: float = 0.0) -> Tensor:
    """What instruments vary beyond the renderings: horizontal shift, scale, cut ranges, noise.

    ``B x 600`` in and out. Shifts follow SymSpectra's appendix I, where they helped most.
    """
    size = len(values)
    if name in ("1H NMR", "13C NMR"):
        shift = int(rng.choice([-1, 0, 0, 0, 1]))
        values = torch.roll(values, shift, dims=1)
        power = torch.from_numpy(rng.uniform(0.75, 1.35, (size, 1)).astype(np.float32))
        values = values.clamp_min(1e-6) ** power
    elif name == "IR":
        if rng.random() < distorted:
            values = _distorted(values, rng)
        scale = np.exp(rng.uniform(np.log(0.6), np.log(1.6), (size, 1))).astype(np.float32)
        values = values * torch.from_numpy(scale)
        shift = int(rng.choice([-1, 0, 0, 1]))
        values = torch.roll(values, shift, dims=1)
        if rng.random() < 0.6:
            values = values.clone()
            values[:, : int(rng.integers(0, 50))] = 0
            values[:, 600 - int(rng.integers(0, 25)) :] = 0
    else:
        gains = np.exp(rng.normal(0, 0.2, (size, values.shape[1]))).astype(np.float32)
        values = values * torch.from_numpy(gains)
        values = values / (values.norm(dim=1, keepdim=True) + 1e-9)
    if name in ("IR", "1H NMR", "13C NMR") and rng.random() < 0.4:
        sigma = torch.from_numpy((0.1 * rng.random((size, 1)) ** 2).astype(np.float32))
        values = values + sigma * torch.randn_like(values)
    return values


def _distorted(values: Tensor, rng: np.random.Generator) -> Tensor:
    """Infrared with its bands moved, strengthened and broadened beyond what renderings vary.

    A computation errs differently for every molecule and bond; so that the network trusts no exact
    position or intensity, each spectrum ``(B, 600)`` is stretched by about 0.6 %, warped by up to
    some 25 1/cm, multiplied by a smooth field and blurred.
    """
    size, points = values.shape
    places = np.arange(points, dtype=np.float32)
    stretch = rng.normal(0, 0.006, (size, 1)).astype(np.float32) * (places + 67)
    warp = _smooth_field(rng, size, points, knots=10) * rng.uniform(0, 2.5)
    source = torch.from_numpy(np.clip(places + stretch + warp, 0, points - 1.001))
    left = source.floor().long()
    part = source - left
    values = values.gather(1, left) * (1 - part) + values.gather(1, left + 1) * part
    gain = np.exp(_smooth_field(rng, size, points, knots=24) * rng.uniform(0, 1.0))
    values = values * torch.from_numpy(gain)
    if rng.random() < 0.5:
        sigma = rng.uniform(0.4, 2.5)
        offsets = torch.arange(-8, 9, dtype=torch.float32)
        kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
        kernel = (kernel / kernel.sum()).view(1, 1, -1)
        padded = torch.nn.functional.pad(values.unsqueeze(1), (8, 8), mode="replicate")
        values = torch.nn.functional.conv1d(padded, kernel).squeeze(1)
    return values


def _smooth_field(rng: np.random.Generator, size: int, points: int, knots: int) -> np.ndarray:
    """Random curves ``(size, points)``, of unit variance at ``knots`` places, linear between."""
    heights = rng.normal(0, 1, (size, knots)).astype(np.float32)
    at = np.linspace(0, knots - 1.001, points)
    left = at.astype(int)
    part = (at - left).astype(np.float32)
    return heights[:, left] * (1 - part) + heights[:, left + 1] * part
