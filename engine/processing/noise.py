"""How large the noise of a spectrum is, however many peaks it has."""

from __future__ import annotations

import numpy as np

_SEGMENTS = 64


def noise_level(y: np.ndarray) -> float:
    """Standard deviation of the noise of ``y`` (shape ``(n,)``), 0 for fewer than 4 points.

    From the median absolute second difference: slow signals and base lines cancel, and peaks
    fill less than half of the points. Zero filling and apodization correlate neighbours, which
    makes their difference smaller than the noise; so differences over 1, 2, 4 ... 32 points are
    taken and the largest of the segment-wise lower quartiles wins.
    """
    y = np.asarray(y, dtype=np.float64)
    y = y[np.isfinite(y)]
    if len(y) < 4:
        return 0.0
    best = 0.0
    lag = 1
    while lag == 1 or (lag <= 32 and 2 * lag < len(y) // 4):
        difference = np.abs(y[: -2 * lag] - 2.0 * y[lag:-lag] + y[2 * lag :])
        segments = np.array_split(difference, min(_SEGMENTS, max(1, len(difference) // 32)))
        level = np.percentile([np.median(s) for s in segments if len(s)], 25)
        best = max(best, float(level) / 0.6745 / np.sqrt(6.0))
        lag *= 2
    return best


def noise_span(points: int) -> float:
    """How far apart, in standard deviations, the extremes of so many points of noise lie.

    The largest of n normal deviates is near sqrt(2 ln n); a rise above twice that is no noise.
    """
    return 2.0 * float(np.sqrt(2.0 * np.log(max(points, 2)))) + 0.5
