"""The lines of carbon dioxide and water vapour in the beam of an infrared instrument."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.spectra import Spectrum

CARBON_DIOXIDE = ((2280.0, 2400.0), (655.0, 682.0))
"""Regions of its stretching and its bending vibration, 1/cm (P, Q and R branches)."""

WATER_VAPOUR = ((1300.0, 2000.0), (3500.0, 3970.0))
"""Regions of its bending and its stretching vibrations, 1/cm."""

# The line under a region is drawn between means over so much on either side (1/cm).
_EDGE = 8.0
# Structure that stands so many times above what nearly all of the region's stays below is a sharp
# band of the sample.
_NEARLY_ALL = 90.0
_TIMES = 3.0


def remove_atmosphere(
    spectrum: Spectrum,
    carbon_dioxide: bool = True,
    water_vapour: bool = True,
    narrower_than: float = 8.0,
) -> Spectrum:
    """An infrared spectrum without the lines of the air between source and detector.

    Carbon dioxide: a straight line through each of its regions, from the mean at one edge to
    that at the other, where nothing else than the lines would be lost. Water vapour: in its
    regions structure narrower than ``narrower_than`` (1/cm, full width) is smoothed away (cubic
    Savitzky-Golay); where the structure is many times stronger than is usual in the region it is
    a sharp band of the sample and stays. No reference spectrum is needed, so a band of the
    sample that is as narrow and as weak as the vapour's is smoothed too.
    Raises ``ValueError`` when the axis is not in 1/cm or the spectrum is not continuous.
    """
    if spectrum.x_unit != "1/cm" or spectrum.kind != "continuous":
        raise ValueError(
            f"atmospheric lines are taken from continuous spectra over 1/cm, got "
            f"{spectrum.kind!r} over {spectrum.x_unit!r}"
        )
    if narrower_than <= 0:
        raise ValueError(f"narrower_than is {narrower_than:g}; right is above 0")
    up = spectrum.ascending
    y = up.y.copy()
    if carbon_dioxide:
        for low, high in CARBON_DIOXIDE:
            _bridge(up.x, y, low, high)
    if water_vapour:
        for low, high in WATER_VAPOUR:
            _calm(up.x, y, low, high, narrower_than)
    falls = len(spectrum) > 1 and spectrum.x[1] < spectrum.x[0]
    return replace(spectrum, y=y[::-1] if falls else y)


def _bridge(x: np.ndarray, y: np.ndarray, low: float, high: float) -> None:
    """Put a straight line through a region, in place; left alone where an edge is missing."""
    inside = (x >= low) & (x <= high)
    before, after = (x >= low - _EDGE) & (x < low), (x > high) & (x <= high + _EDGE)
    finite = np.isfinite(y)
    before, after = before & finite, after & finite
    if not inside.any() or not before.any() or not after.any():
        return
    ends = float(x[before].mean()), float(x[after].mean())
    levels = float(y[before].mean()), float(y[after].mean())
    y[inside] = np.interp(x[inside], ends, levels)


def _calm(x: np.ndarray, y: np.ndarray, low: float, high: float, width: float) -> None:
    """Smooth away what is narrower than ``width`` in a region, in place; strong bands stay."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d
    from scipy.signal import savgol_filter

    # The filter needs points beyond the region, so that its edges are no ends.
    wide = np.flatnonzero((x >= low - 4 * width) & (x <= high + 4 * width))
    if len(wide) < 16 or not np.isfinite(y[wide]).all():
        return
    step = float(np.median(np.diff(x[wide])))
    # A cubic Savitzky-Golay filter halves what is about as wide as a third of its window.
    window = 2 * round(1.5 * width / step) + 1
    if window < 5 or window > len(wide):
        return
    narrow = y[wide] - savgol_filter(y[wide], window, 3)
    usual = float(np.percentile(np.abs(narrow), _NEARLY_ALL))
    own = np.abs(narrow) > _TIMES * usual
    # A band's own structure is kept with its feet; from there on the smoothing sets in gradually.
    reach = window // 2
    kept = uniform_filter1d(maximum_filter1d(own.astype(float), 4 * reach + 1), 2 * reach + 1)
    inside = (x[wide] >= low) & (x[wide] <= high)
    y[wide[inside]] -= ((1.0 - kept) * narrow)[inside]
