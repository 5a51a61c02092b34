"""The expected density of peaks along the axis of a spectrum, for looking through many molecules.

A molecule's peaks are taken for a Poisson process whose intensity at a shift is the sum of the
densities of its signals there, and a background. The logarithm of the likelihood of peaks
``x_1 ... x_m`` is then ``sum(log intensity(x_i)) - signals``, up to a constant: with the logarithm
tabulated in bins, one column of numbers for each peak has to be read and added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class IntensityAxis:
    """Bins of ``width`` ppm from ``first``; the first and last hold all that lies beyond.

    ``factor`` and ``floor`` (ppm) make the error's scale (of a Cauchy distribution) of an
    uncertainty; ``background`` is the intensity (peaks in each ppm) beside all signals;
    ``price_of_signal`` (nats) is 1 for the Poisson process, less where signals are often not
    listed; ``weight`` is that of this nucleus beside another.
    """

    first: float
    width: float
    bins: int
    factor: float
    floor: float
    background: float
    price_of_signal: float = 1.0
    weight: float = 1.0

    def bin_of(self, ppm: np.ndarray) -> np.ndarray:
        """The bin of each shift."""
        places = np.floor((np.asarray(ppm) - self.first) / self.width)
        return np.clip(places, 0, self.bins - 1).astype(np.int64)


AXES = {
    "13C NMR": IntensityAxis(-10.0, 1.5, 160, 1.0, 0.3, 0.002),
    "1H NMR": IntensityAxis(-1.0, 0.1, 140, 1.0, 0.03, 0.05, 0.6, 0.4),
}

STEP = 0.04
"""Nats of one step of the tabulated logarithm: 255 steps are 10.2 nats."""

_REACH = 24


def intensity_levels(
    axis: IntensityAxis,
    molecule: np.ndarray,
    ppm: np.ndarray,
    uncertainty: np.ndarray,
    molecules: int,
) -> np.ndarray:
    """The logarithm of the intensity over that of the background, in steps of :data:`STEP`.

    ``molecule`` ``(S,)`` is the row of each of ``S`` signals, ``ppm`` and ``uncertainty`` its shift
    and error; the result is ``(bins, molecules)`` uint8.
    """
    scale = axis.factor * uncertainty.astype(np.float32) + axis.floor
    place = ((ppm - axis.first) / axis.width).astype(np.float32)
    centre = np.clip(np.floor(place), 0, axis.bins - 1).astype(np.int64)
    place = np.clip(place, 0, axis.bins)
    scale = scale / np.float32(axis.width)
    total = np.zeros(axis.bins * molecules)
    before = np.arctan((centre - _REACH - place) / scale)
    for offset in range(-_REACH, _REACH + 1):
        edge = centre + offset
        after = np.arctan((edge + 1 - place) / scale)
        inside = (edge >= 0) & (edge < axis.bins)
        share = (after - before)[inside] / np.pi
        total += np.bincount(
            edge[inside] * molecules + molecule[inside], share, axis.bins * molecules
        )
        before = after
    density = total / axis.width
    steps = np.log1p(density / axis.background) / STEP
    return np.clip(np.rint(steps), 0, 255).astype(np.uint8).reshape(axis.bins, molecules)
