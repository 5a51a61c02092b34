"""Peak picking: positions, heights and widths of what rises from the noise."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.processing.noise import noise_level, noise_span
from engine.spectra import Spectrum, Technique

MAX_PEAKS = 5000
_HILL_POINTS = 4000
_TMS_PPM = {"1H": 0.03, "13C": 0.1}

# Beside a strong line, within this (ppm) and below this share of its height, is its own foot: side
# lobes of a FID that was cut, or of a poor shim.
_FOOT_PPM, _FOOT_SHARE = 0.5, 0.08
# Wider than so many usual lines, and than so much (ppm), is a hump of the baseline.
_HUMP_LINES, _HUMP_PPM = 20.0, 0.5
# Carbons with hydrogens are alike in height in a DEPT spectrum; what is lower is noise.
_EDITED_SHARE = 0.05

_DIRECTIONS = ("auto", "up", "down", "both")


@dataclass(frozen=True)
class Peak:
    """One peak: ``position`` in the unit of x, ``height`` in that of y, ``width`` the FWHM in x.

    ``height`` is the value of y at the top (for a transmittance: at the bottom of the band);
    ``width`` is 0 for a stick.
    """

    position: float
    height: float
    width: float

    def to_dict(self) -> dict[str, Any]:
        return {"position": self.position, "height": self.height, "width": self.width}


def pick_peaks(
    spectrum: Spectrum,
    min_height: float | None = None,
    noise_factor: float | None = None,
    min_prominence: float | None = None,
    direction: str = "auto",
    drop_solvent: bool = False,
) -> list[Peak]:
    """The peaks of a spectrum in rising order of position, at most ``MAX_PEAKS`` (the highest).

    Continuous: maxima whose prominence exceeds ``noise_factor`` times the noise (None:
    what so many points of pure noise do not reach, about 10) and
    ``min_prominence``, a fraction of the range of y (None: 0.02 for IR and Raman, 0.005 for NMR,
    0.01 for others; a 13C solvent line, which may tower, does not count for the range); the top
    is that of the parabola through three points. ``direction`` ``auto`` takes minima of a
    transmittance, both ways for NMR experiments with inverted lines (DEPT, APT), else maxima.
    Sticks: those above ``min_height``.

    ``min_height`` is a fraction of the highest peak (None: 0 for continuous spectra, 0.01 for
    mass sticks). ``drop_solvent`` leaves out the residual solvent and water lines of the solvent
    in the metadata, and that of TMS. Raises ``ValueError`` for a FID and for an unknown direction.
    """
    if spectrum.kind == "fid":
        raise ValueError("peaks need a spectrum, got a FID: transform it first")
    if direction not in _DIRECTIONS:
        raise ValueError(f"direction {direction!r}; right is {', '.join(_DIRECTIONS)}")
    spectrum = spectrum.ascending
    if spectrum.kind == "sticks":
        peaks = _sticks(spectrum, min_height)
    else:
        peaks = _continuous(
            spectrum, min_height or 0.0, noise_factor, min_prominence, _signs(spectrum, direction)
        )
    if drop_solvent and spectrum.technique.is_nmr:
        from engine.processing.referencing import near_solvent_line, reference_offset

        # An axis that nobody referenced has the solvent's lines beside their places.
        offset = reference_offset(spectrum)
        peaks = [p for p in peaks if not near_solvent_line(spectrum, p.position, offset)]
        near = _TMS_PPM.get(spectrum.technique.nucleus or "", 0.0)
        peaks = [p for p in peaks if abs(p.position + offset) > near]
    if len(peaks) > MAX_PEAKS:
        peaks = sorted(peaks, key=lambda p: -abs(p.height))[:MAX_PEAKS]
    return sorted(peaks, key=lambda p: p.position)


def compound_peaks(spectrum: Spectrum) -> list[Peak]:
    """The peaks of a spectrum that belong to the compound, in rising order of position.

    Without the lines of solvent and reference; of 13C spectra only what is a line
    (:func:`carbon_lines`). Raises ``ValueError`` for a FID.
    """
    peaks = pick_peaks(spectrum, drop_solvent=True)
    if spectrum.technique != Technique.C13_NMR or spectrum.kind == "sticks":
        return peaks
    return carbon_lines(peaks, _EDITED_SHARE if inverted_lines_expected(spectrum) else 0.0)


def carbon_lines(peaks: Sequence[Peak], least: float = 0.0) -> list[Peak]:
    """Those of the picked peaks of a 13C spectrum that are lines of carbons.

    Left out are humps of the baseline, the feet of strong lines, and what is below the share
    ``least`` of the highest peak. A list that is wrong about a carbon costs a search less than one
    that holds carbons which are none.
    """
    if not peaks:
        return []
    usual = statistics.median(peak.width for peak in peaks)
    highest = max(abs(peak.height) for peak in peaks)
    widest = max(_HUMP_LINES * usual, _HUMP_PPM)

    def is_foot(peak: Peak) -> bool:
        return any(
            abs(other.position - peak.position) <= _FOOT_PPM
            and abs(peak.height) < _FOOT_SHARE * abs(other.height)
            for other in peaks
        )

    return [
        peak
        for peak in peaks
        if peak.width <= widest and abs(peak.height) >= least * highest and not is_foot(peak)
    ]


def peak_near(spectrum: Spectrum, position: float, reach: float) -> Peak | None:
    """The peak that somebody means who points at ``position``, or None where there is none.

    Of a stick spectrum the highest stick within ``reach`` (in the unit of x); of a continuous one
    the top of the hill on which the highest point within reach stands (for a transmittance: the
    bottom of the dip; for NMR experiments with inverted lines whichever reaches farther). Noise is
    no obstacle: who points at something sees it. Raises ``ValueError`` for a FID.
    """
    if spectrum.kind == "fid":
        raise ValueError("peaks need a spectrum, got a FID: transform it first")
    up = spectrum.ascending
    first, last = np.searchsorted(up.x, (position - reach, position + reach))
    if up.kind == "sticks":
        if first == last:
            return None
        k = first + int(np.argmax(np.abs(np.nan_to_num(up.y[first:last]))))
        return Peak(float(up.x[k]), float(up.y[k]), 0.0)
    # Within the hill and no farther than this is looked for its foot.
    first, last = max(0, first - 1), min(len(up.x), last + 1)
    low, high = max(0, first - _HILL_POINTS), min(len(up.x), last + _HILL_POINTS)
    x, y = up.x[low:high], np.nan_to_num(up.y[low:high])
    if len(x) < 3:
        return None
    base = float(np.median(y))
    found = []
    for sign in _signs(up, "auto"):
        k = first - low + int(np.argmax(sign * y[first - low : last - low]))
        while 0 < k < len(y) - 1 and max(sign * y[k - 1], sign * y[k + 1]) > sign * y[k]:
            k += 1 if sign * y[k + 1] > sign * y[k - 1] else -1
        if 0 < k < len(y) - 1:
            found.append((sign * (y[k] - base), sign, k))
    if not found:
        return None
    _, sign, k = max(found)
    return _peak_at(x, y, sign, k)


def _peak_at(x: np.ndarray, y: np.ndarray, sign: float, k: int) -> Peak:
    from scipy.signal import peak_prominences, peak_widths

    upright, tops = sign * y, np.array([k])
    index = np.arange(len(x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a flat top has no prominence
        known = peak_prominences(upright, tops)
        _, _, left, right = peak_widths(upright, tops, rel_height=0.5, prominence_data=known)
    width = float(np.interp(right, index, x)[0] - np.interp(left, index, x)[0])
    positions, heights = _parabola(x, upright, tops)
    return Peak(float(positions[0]), float(sign * heights[0]), max(width, 0.0))


def inverted_lines_expected(spectrum: Spectrum) -> bool:
    """Whether the pulse program gives lines of both signs (DEPT-135, APT, J-modulated)."""
    program = str(spectrum.metadata.get("pulse_program") or "").lower()
    return any(word in program for word in ("dept", "apt", "jmod", "attached"))


def _signs(spectrum: Spectrum, direction: str) -> tuple[float, ...]:
    if direction == "auto":
        if spectrum.y_unit == "transmittance":
            return (-1.0,)
        inverted = spectrum.technique.is_nmr and inverted_lines_expected(spectrum)
        return (1.0, -1.0) if inverted else (1.0,)
    return {"up": (1.0,), "down": (-1.0,), "both": (1.0, -1.0)}[direction]


def _sticks(spectrum: Spectrum, min_height: float | None) -> list[Peak]:
    if min_height is None:
        min_height = 0.01 if spectrum.technique.is_mass else 0.0
    y = np.where(np.isfinite(spectrum.y), spectrum.y, 0.0)
    highest = float(np.abs(y).max())
    keep = (np.abs(y) >= min_height * highest) & (y != 0)
    return [Peak(float(x), float(h), 0.0) for x, h in zip(spectrum.x[keep], y[keep], strict=True)]


def _relative_prominence(technique: Technique) -> float:
    if technique.is_vibrational:
        return 0.02
    return 0.005 if technique.is_nmr else 0.01


def _continuous(
    spectrum: Spectrum,
    min_height: float,
    noise_factor: float | None,
    min_prominence: float | None,
    signs: tuple[float, ...],
) -> list[Peak]:
    if min_prominence is None:
        min_prominence = _relative_prominence(spectrum.technique)
    x, y = spectrum.x, spectrum.y
    finite = np.isfinite(y)
    if len(y) < 3 or not finite.any():
        return []
    if not finite.all():
        y = np.interp(x, x[finite], y[finite])
    noise = noise_level(y)
    if noise_factor is None:
        noise_factor = noise_span(len(y))
    counted = _range_points(spectrum, y)
    found: list[Peak] = []
    for sign in signs:
        # Lines of the other sign are no valleys between these: half the height is above the base.
        seen = y if len(signs) == 1 else sign * np.maximum(sign * y, np.median(sign * y))
        found += _maxima(x, seen, sign, counted, noise_factor * noise, min_prominence)
    if min_height > 0 and found:
        base = float(np.median(y))
        highest = max(abs(p.height - base) for p in found)
        found = [p for p in found if abs(p.height - base) >= min_height * highest]
    return found


def _range_points(spectrum: Spectrum, y: np.ndarray) -> np.ndarray:
    """The part of y whose range counts: in 13C spectra without the solvent, which may tower."""
    if spectrum.technique == Technique.C13_NMR:
        from engine.processing.referencing import solvent_mask

        kept = y[~solvent_mask(spectrum)]
        if len(kept) > 2:
            return kept
    return y


def _maxima(
    x: np.ndarray,
    y: np.ndarray,
    sign: float,
    counted: np.ndarray,
    above_noise: float,
    min_prominence: float,
) -> list[Peak]:
    from scipy.signal import find_peaks, peak_widths

    upright = sign * y
    if np.any(counted * sign > 0) or sign > 0:
        reach = float((sign * counted).max() - np.median(upright))
    else:
        reach = float(np.ptp(counted))
    threshold = max(above_noise, min_prominence * reach, 1e-12 * float(np.abs(y).max()))
    if threshold <= 0:
        return []
    tops, shape = find_peaks(upright, prominence=threshold)
    if len(tops) == 0:
        return []
    if len(tops) > 4 * MAX_PEAKS:
        best = np.sort(np.argsort(shape["prominences"])[::-1][: 4 * MAX_PEAKS])
        tops, shape = tops[best], {key: values[best] for key, values in shape.items()}
    known = (shape["prominences"], shape["left_bases"], shape["right_bases"])
    _, _, left, right = peak_widths(upright, tops, rel_height=0.5, prominence_data=known)
    index = np.arange(len(x))
    widths = np.interp(right, index, x) - np.interp(left, index, x)
    positions, heights = _parabola(x, upright, tops)
    return [
        Peak(float(p), float(sign * h), float(w))
        for p, h, w in zip(positions, heights, widths, strict=True)
    ]


def _parabola(x: np.ndarray, y: np.ndarray, tops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertex of the parabola through each maximum and its two neighbours (x not evenly spaced)."""
    left, right = x[tops - 1] - x[tops], x[tops + 1] - x[tops]
    slope_left, slope_right = (y[tops - 1] - y[tops]) / left, (y[tops + 1] - y[tops]) / right
    curvature = (slope_right - slope_left) / (right - left)
    slope = slope_left - curvature * left
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = -slope / (2.0 * curvature)
    shift = np.where(np.isfinite(shift) & (curvature < 0), np.clip(shift, left, right), 0.0)
    return x[tops] + shift, y[tops] + slope * shift + curvature * shift**2
