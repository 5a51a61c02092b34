"""A band taken out of an encoded spectrum: what stays is the spectrum's own baseline."""

from __future__ import annotations

import numpy as np

_FLANK = 5


def removed(channel: str, values: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The encoded spectrum ``(600,)`` without its points ``start`` to ``stop`` (half-open).

    NMR and mass spectra are 0 there: their baseline is, once encoded. Infrared follows the straight
    line between the lowest of the five points (30 1/cm) before and after the region, wherever the
    spectrum is above that line. Nothing else changes: the spectrum is not scaled anew. An empty
    range, or one outside the spectrum, changes nothing.
    """
    start, stop = max(0, start), min(len(values), stop)
    if stop <= start:
        return values.copy()
    rest = values.copy()
    if channel != "IR":
        rest[start:stop] = 0.0
        return rest
    left = values[max(0, start - _FLANK) : start]
    right = values[stop : stop + _FLANK]
    ends = [side.min() for side in (left, right) if len(side)] or [0.0]
    line = np.linspace(ends[0], ends[-1], stop - start + 2)[1:-1]
    rest[start:stop] = np.minimum(values[start:stop], line)
    return rest
