"""Spikes of cosmic rays and disturbances: peaks too narrow for any band, and their removal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.processing.noise import noise_level
from engine.spectra import Spectrum

DIRECTIONS = ("up", "down", "both")

# A spike's foot is wider than its half height: so many half widths on either side are replaced.
_FOOT = 1.5
_MOST_PASSES = 20


def despike(
    spectrum: Spectrum, threshold: float = 8.0, widest_points: float = 3.0, direction: str = "up"
) -> Spectrum:
    """The spectrum with its spikes replaced by a smooth curve (Akima) from foot to foot.

    A spike rises by more than ``threshold`` times the noise above what lies just beside it, and
    is at half of that rise not wider than ``widest_points`` points: bands are wider, since an
    instrument's resolution spreads them. ``direction`` says which way spikes point:
    ``up``, ``down`` or ``both``. A warning says how many were taken out. Raises ``ValueError``
    when the spectrum is not continuous or the direction is another.
    """
    if spectrum.kind != "continuous":
        raise ValueError(f"removing spikes needs a continuous spectrum, got {spectrum.kind!r}")
    if direction not in DIRECTIONS:
        raise ValueError(f"direction {direction!r}; right is {', '.join(DIRECTIONS)}")
    y = np.where(np.isfinite(spectrum.y), spectrum.y, 0.0)
    if len(y) < 8:
        return spectrum.with_warnings("Too few points to look for spikes.")
    noise = max(noise_level(y), 1e-9 * float(np.ptp(y)), np.finfo(float).tiny)
    count = 0
    for sign in {"up": (1.0,), "down": (-1.0,), "both": (1.0, -1.0)}[direction]:
        # A spike makes a notch beside itself, which makes its neighbour look narrow: the highest
        # go first, and what is left is looked at again.
        for _ in range(_MOST_PASSES):
            found = _spikes(sign * y, threshold * noise, widest_points)
            if not found:
                break
            count += len(found)
            y = _bridged(y, found)
    if not count:
        return spectrum
    changed = y != np.where(np.isfinite(spectrum.y), spectrum.y, 0.0)
    spikes = "1 spike was" if count == 1 else f"{count} spikes were"
    return replace(spectrum, y=np.where(changed, y, spectrum.y)).with_warnings(
        f"{spikes} taken out."
    )


def _bridged(y: np.ndarray, spans: list[tuple[int, int]]) -> np.ndarray:
    """``y`` with these spans (first and last point) replaced by a smooth curve."""
    from scipy.interpolate import Akima1DInterpolator

    mask = np.zeros(len(y), dtype=bool)
    for first, last in spans:
        mask[first : last + 1] = True
    kept = np.flatnonzero(~mask)
    if len(kept) < 3:
        return y
    index = np.arange(len(y))
    inside = mask & (index > kept[0]) & (index < kept[-1])
    bridged = np.where(mask, np.interp(index, kept, y[kept]), y)
    bridged[inside] = Akima1DInterpolator(kept, y[kept])(index[inside])
    return bridged


def _spikes(y: np.ndarray, height: float, widest: float) -> list[tuple[int, int]]:
    """First and last point of each spike that points up and is the highest one near it."""
    from scipy.signal import find_peaks

    # The window keeps a band that a spike stands on out of the spike's own height. It is as wide
    # as it must be for the half height of any round top in it to be wider than a spike.
    window = 2 * int(np.ceil(widest)) + 3
    # A spike may be the first or the last point: a mirror on either side gives it two feet.
    room = min(window, len(y) - 1)
    mirrored = np.pad(y, room, mode="reflect")
    tops, found = find_peaks(
        mirrored, prominence=height, width=(None, widest), wlen=window, plateau_size=(None, widest)
    )
    spans = []
    rises = found["prominences"]
    for top, width, rise in zip(tops - room, found["widths"], rises, strict=True):
        near = np.abs(tops - room - top) <= window
        if 0 <= top < len(y) and rise >= rises[near].max():
            reach = max(1, int(np.ceil(_FOOT * width / 2)))
            spans.append((max(0, int(top) - reach), min(len(y) - 1, int(top) + reach)))
    return spans
