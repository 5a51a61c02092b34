"""Numbers for contour plots: the noise of a matrix, levels, projections and smaller copies."""

from __future__ import annotations

import math

import numpy as np

_SAMPLE = 400_000
_ABOVE_NOISE = 10.0
_LEAST_SHARE, _MOST_SHARE = 0.002, 0.3


def matrix_noise(z: np.ndarray) -> float:
    """How far above 0 the noise of ``z`` (ny, nx) reaches, as one standard deviation; 0 without.

    From the magnitude that most points keep below: peaks fill a small part of a two-dimensional
    spectrum. In magnitude spectra noise has a mean, which counts. Points that are exactly 0, as
    programs leave them that cut or symmetrise, say nothing of the noise.
    """
    step = max(1, z.size // _SAMPLE)
    values = np.abs(np.ravel(z)[::step].astype(np.float64))
    values = values[values > 0]
    if len(values) < 16:
        return 0.0
    return float(np.median(values)) / 0.6745


def lowest_level(z: np.ndarray, noise: float) -> float:
    """The level from which a plot shows peaks and little noise; above 0 when there is any point."""
    top = largest(z)
    if top <= 0:
        return 1.0
    return min(max(_ABOVE_NOISE * noise, _LEAST_SHARE * top), _MOST_SHARE * top)


def largest(z: np.ndarray) -> float:
    """The largest magnitude."""
    return max(float(np.max(z, initial=0.0)), -float(np.min(z, initial=0.0)))


def has_negative_peaks(z: np.ndarray, level: float) -> bool:
    """Whether peaks point down too, as far as ``level``."""
    return -float(np.min(z, initial=0.0)) > level


def contour_levels(lowest: float, highest: float, most: int = 14) -> tuple[float, ...]:
    """Levels in geometric series from ``lowest`` up to below ``highest``, at most ``most``.

    Their ratio is 1.4, or more where so many would not reach.
    """
    if not 0 < lowest < highest:
        return (lowest,) if lowest > 0 else ()
    ratio = max(1.4, (highest / lowest) ** (1 / most))
    count = min(most, math.floor(math.log(highest / lowest) / math.log(ratio) + 1e-9) + 1)
    levels = tuple(lowest * ratio**k for k in range(count))
    return tuple(level for level in levels if level < highest) or (lowest,)


def skyline(z: np.ndarray, axis: int) -> np.ndarray:
    """The projection along an axis: the value of largest magnitude, with its sign."""
    low, high = z.min(axis=axis), z.max(axis=axis)
    return np.where(-low > high, low, high).astype(np.float64)


def reduced(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, columns: int, rows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A copy of at most ``columns`` by ``rows`` points, of each cell the one of largest magnitude.

    Points at the far end that fill no whole cell make one of their own.
    """
    wide, tall = -(-len(x) // columns), -(-len(y) // rows)
    if wide == 1 and tall == 1:
        return x, y, z
    starts_x, starts_y = np.arange(0, len(x), wide), np.arange(0, len(y), tall)
    high = np.maximum.reduceat(np.maximum.reduceat(z, starts_x, axis=1), starts_y, axis=0)
    low = np.minimum.reduceat(np.minimum.reduceat(z, starts_x, axis=1), starts_y, axis=0)
    cells = np.where(-low > high, low, high)
    return _means(x, starts_x), _means(y, starts_y), cells


def _means(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    counts = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(values, starts) / counts
