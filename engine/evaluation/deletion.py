"""The deletion test of importance maps: does the network lose a group where its map says so?

Regions of one width are taken out of a spectrum, the most important first (Petsiuk, Das, Saenko,
BMVC 2018, with regions in the place of pixels), and the group's probability is followed. The same
number of regions of the same width at random places is the control. They lie over signal too: to
take nothing out of an empty stretch of an NMR spectrum would be no test.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.encoding.attribution import Maps, Spectra
from engine.encoding.removal import removed

WIDTH = 8
COUNTS = (1, 2, 3, 4, 6, 8)
_SIGNAL = 0.02


def regions_by_map(spectra: Spectra, maps: Maps, count: int, width: int = WIDTH) -> list:
    """Up to ``count`` regions (channel, start, stop), the most important first.

    ``maps`` ``{channel: (600,)}`` of one label on one scale; what speaks against it counts as 0. A
    region stands around the point that is the most important of those left; regions beside each
    other may share points. When nothing important is left, there are fewer regions.
    """
    left = {name: np.clip(np.asarray(values, float), 0, None) for name, values in maps.items()}
    return _taken(left, count, width, lambda weights: int(np.argmax(weights)))


def regions_at_random(
    spectra: Spectra, count: int, rng: np.random.Generator, width: int = WIDTH
) -> list:
    """Like :func:`regions_by_map`, at random places that hold signal."""
    left = {n: (np.abs(v) > _SIGNAL * np.abs(v).max()).astype(float) for n, v in spectra.items()}
    return _taken(left, count, width, lambda w: int(rng.choice(len(w), p=w / w.sum())))


def _taken(left: dict[str, np.ndarray], count: int, width: int, choose) -> list:
    names = list(left)
    sizes = np.cumsum([0, *(len(left[name]) for name in names)])
    weights = np.concatenate([left[name] for name in names])
    regions = []
    for _ in range(count):
        if not (weights > 0).any():
            break
        place = choose(weights)
        number = int(np.searchsorted(sizes, place, side="right")) - 1
        low, high = int(sizes[number]), int(sizes[number + 1])
        start = max(low, min(place - width // 2, high - width))
        stop = start + width
        weights[start:stop] = 0.0
        regions.append((names[number], start - low, stop - low))
    return regions


def deletions(spectra: Spectra, regions: Sequence, counts: Sequence[int] = COUNTS) -> list[Spectra]:
    """The spectra without the first of the regions, for each of ``counts``."""
    changed, rest, done = [], dict(spectra), 0
    for count in counts:
        for name, start, stop in regions[done:count]:
            rest = {**rest, name: removed(name, rest[name], start, stop)}
        done = max(done, min(count, len(regions)))
        changed.append(rest)
    return changed


def area_between(random: np.ndarray, mapped: np.ndarray, counts: Sequence[int] = COUNTS) -> float:
    """The mean height between two curves of probability over the number of regions, 0 included.

    Positive where the map's regions cost more probability than random ones; both curves
    ``(len(counts),)`` start together at the whole spectrum.
    """
    gap = np.concatenate([[0.0], np.asarray(random, float) - np.asarray(mapped, float)])
    return float(np.trapezoid(gap, [0, *counts]) / counts[-1])
