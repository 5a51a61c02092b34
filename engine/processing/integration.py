"""Integrals of NMR spectra: which regions to integrate, their areas, and areas as nuclei."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.processing.peaks import Peak, pick_peaks
from engine.processing.referencing import find_solvent, near_solvent_line, reference_offset
from engine.spectra import Spectrum

COMPOUND, SOLVENT, WATER, REFERENCE, SATELLITE = (
    "compound", "solvent", "water", "reference", "satellite",
)  # fmt: skip
KINDS = (COMPOUND, SOLVENT, WATER, REFERENCE, SATELLITE)
CORRECTIONS = ("none", "bias", "linear")

# Lines farther apart than any coupling to a proton belong to different regions.
_LARGEST_GAP_HZ = 22.0
# A Lorentz line has 97 % of its area within twelve full widths on either side.
_WIDTHS_BESIDE = 12.0
_LEAST_HZ_BESIDE = 5.0
_USUAL_MHZ = 400.0
_TMS_PPM = 0.03
_SATELLITE_HZ = (100.0, 180.0)
_MAIN_LINE = 0.1
# Each of the two has 0.55 % of the line's height where it is as narrow.
_SATELLITE_SHARES = (0.003, 0.01)
_MOST_SATELLITE_LINES = 4
# Areas below this part of the largest may be those of something else.
_TRACE = 0.05
_LEAST_PROTON = 0.35
# How far an area may be from a whole number of nuclei: absolutely, and in proportion.
_NEAR, _NEAR_SHARE = 0.15, 0.06


@dataclass(frozen=True)
class Region:
    """A stretch of the axis with signals: ``low`` < ``high`` in ppm and the peaks in it.

    ``kind`` is one of ``KINDS``; ``holds_solvent`` says that a line of the solvent or of water
    stands among the signals of the compound.
    """

    low: float
    high: float
    peaks: tuple[Peak, ...] = ()
    kind: str = COMPOUND
    holds_solvent: bool = False


@dataclass(frozen=True)
class Integral:
    """The area of a region, ``low`` < ``high`` in ppm.

    ``area`` is in the unit of y times ppm, after ``bias`` (in y, at the middle of the region) and
    ``slope`` (in y per ppm) of the base line were taken off; ``kind`` one of ``KINDS``;
    ``nuclei`` the area as a number of nuclei, None before :func:`normalise`.
    """

    low: float
    high: float
    area: float
    bias: float = 0.0
    slope: float = 0.0
    kind: str = COMPOUND
    nuclei: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "low": self.low, "high": self.high, "area": self.area, "bias": self.bias,
            "slope": self.slope, "kind": self.kind, "nuclei": self.nuclei,
        }  # fmt: skip


def find_regions(
    spectrum: Spectrum,
    peaks: Sequence[Peak] | None = None,
    least_height: float = 0.004,
    gap_hz: float = _LARGEST_GAP_HZ,
) -> list[Region]:
    """The regions of an NMR spectrum that hold signals, from low to high ppm.

    Peaks (None: those picked from the noise, of at least ``least_height`` of the highest that is
    no solvent's) nearer than ``gap_hz`` to each other share a region; it reaches twelve line
    widths beyond its outermost lines, or half-way to the next region. A region whose main lines
    are those of the solvent in the metadata, of water in it, or of TMS is of that kind, as are the
    13C satellites of a strong line. Without a frequency in the metadata 400 MHz is taken.
    Raises ``ValueError`` when the axis is not ppm or the spectrum not continuous.
    """
    spectrum = _continuous_ppm(spectrum)
    mhz = float(spectrum.metadata.get("frequency_mhz") or _USUAL_MHZ)
    if peaks is None:
        peaks = significant_peaks(spectrum, least_height)
    peaks = sorted(peaks, key=lambda peak: peak.position)
    if not peaks:
        return []
    groups: list[list[Peak]] = [[peaks[0]]]
    for peak in peaks[1:]:
        if (peak.position - groups[-1][-1].position) * mhz <= gap_hz:
            groups[-1].append(peak)
        else:
            groups.append([peak])
    ends = []
    for group in groups:
        beside = [_beside(peak, mhz) for peak in group]
        low = min(p.position - b for p, b in zip(group, beside, strict=True))
        high = max(p.position + b for p, b in zip(group, beside, strict=True))
        ends.append([max(low, float(spectrum.x[0])), min(high, float(spectrum.x[-1]))])
    for index in range(len(groups) - 1):
        if ends[index][1] > ends[index + 1][0]:
            border = (groups[index][-1].position + groups[index + 1][0].position) / 2
            ends[index][1] = min(ends[index][1], border)
            ends[index + 1][0] = max(ends[index + 1][0], border)
    # An axis that nobody referenced has the solvent's lines beside their places.
    offset = reference_offset(spectrum)
    regions = [
        _with_kind(spectrum, Region(low, high, tuple(group)), offset)
        for (low, high), group in zip(ends, groups, strict=True)
    ]
    return _with_satellites(regions, mhz) if spectrum.technique.nucleus == "1H" else regions


def significant_peaks(spectrum: Spectrum, least_height: float = 0.004) -> list[Peak]:
    """The peaks above the noise that reach ``least_height`` of the highest.

    A solvent's line may tower over all others: it does not count as the highest unless it is the
    only one.
    """
    peaks = pick_peaks(spectrum, min_prominence=1e-4)
    offset = reference_offset(spectrum)
    own = [abs(p.height) for p in peaks if not near_solvent_line(spectrum, p.position, offset)]
    highest = max(own or [abs(p.height) for p in peaks], default=0.0)
    return [peak for peak in peaks if abs(peak.height) >= least_height * highest]


def _continuous_ppm(spectrum: Spectrum) -> Spectrum:
    if spectrum.x_unit != "ppm" or spectrum.kind != "continuous":
        raise ValueError(
            f"integrals need a continuous spectrum over ppm, got {spectrum.kind} over "
            f"{spectrum.x_unit}"
        )
    return spectrum.ascending


def _beside(peak: Peak, mhz: float) -> float:
    return max(_WIDTHS_BESIDE * peak.width, _LEAST_HZ_BESIDE / mhz)


def _with_kind(spectrum: Spectrum, region: Region, offset: float) -> Region:
    """The region with its kind, on an axis to which ``offset`` (ppm) must be added."""
    highest = max(abs(peak.height) for peak in region.peaks)
    main = [peak for peak in region.peaks if abs(peak.height) >= _MAIN_LINE * highest]
    near = [near_solvent_line(spectrum, peak.position, offset) for peak in main]
    proton = spectrum.technique.nucleus == "1H"
    if len(main) == 1 and abs(main[0].position + offset) <= _TMS_PPM and proton:
        return replace(region, kind=REFERENCE)
    if not all(near):
        return replace(region, holds_solvent=any(near))
    solvent = find_solvent(spectrum.metadata.get("solvent"))
    middle = sum(p.position * p.height for p in main) / sum(p.height for p in main) + offset
    for line in solvent.lines(spectrum.technique.nucleus):
        if abs(line.shift - middle) <= (0.05 if proton else 1.0) and (
            len(main) <= max(line.lines, 1) or not line.lines
        ):
            return replace(region, kind=SOLVENT)
    if (
        proton
        and solvent.water is not None
        and len(main) == 1
        and abs(solvent.water - middle) <= 0.05
    ):
        return replace(region, kind=WATER)
    return replace(region, holds_solvent=True)


def _with_satellites(regions: list[Region], mhz: float) -> list[Region]:
    """Marks the small regions whose highest peak is one of two at equal distances from a strong
    line, half of 1J(C,H) away."""
    peaks = sorted((p for region in regions for p in region.peaks), key=lambda p: p.position)
    places = np.array([peak.position for peak in peaks])
    heights = np.array([abs(peak.height) for peak in peaks])
    near, far = (hertz / 2 / mhz for hertz in _SATELLITE_HZ)
    satellites: set[Peak] = set()
    for place, height in zip(places, heights, strict=True):
        low, high = _SATELLITE_SHARES[0] * height, _SATELLITE_SHARES[1] * height
        small = (heights > low) & (heights < high)
        left = np.flatnonzero(small & (places > place - far) & (places < place - near))
        right = np.flatnonzero(small & (places > place + near) & (places < place + far))
        off = np.abs(places[left][:, None] + places[right][None, :] - 2 * place) * mhz
        ratio = heights[left][:, None] / heights[right][None, :]
        for i, j in zip(*np.nonzero((off < 4) & (ratio > 0.5) & (ratio < 2)), strict=True):
            satellites |= {peaks[left[i]], peaks[right[j]]}
    return [
        replace(region, kind=SATELLITE)
        if region.kind == COMPOUND
        and len(region.peaks) <= _MOST_SATELLITE_LINES
        and max(region.peaks, key=_height) in satellites
        else region
        for region in regions
    ]


def _height(peak: Peak) -> float:
    return abs(peak.height)


def integrate(
    spectrum: Spectrum,
    regions: Sequence[Region | tuple[float, float]],
    correction: str = "none",
) -> list[Integral]:
    """The areas of regions, by the trapezoidal rule with the ends interpolated.

    ``regions``: those of :func:`find_regions`, or pairs of ends in ppm in either order.
    ``correction``: ``bias`` takes off a constant, the lower of the mean levels at both ends of the
    region; ``linear`` the straight line through both; each level is the mean over a twentieth of
    the region. Raises ``ValueError`` for another word, a region outside the axis, or a spectrum
    that is not continuous over ppm.
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"correction {correction!r}; right is {', '.join(CORRECTIONS)}")
    spectrum = _continuous_ppm(spectrum)
    integrals = []
    for region in regions:
        if isinstance(region, Region):
            low, high, kind = region.low, region.high, region.kind
        else:
            (low, high), kind = sorted(region), COMPOUND
        if not (spectrum.x[0] <= low < high <= spectrum.x[-1]):
            raise ValueError(
                f"region {low:g} to {high:g} ppm; the axis goes from {spectrum.x[0]:g} to "
                f"{spectrum.x[-1]:g}"
            )
        x, values = _cut_out(spectrum.x, spectrum.y, low, high)
        bias, slope = _base_line(x, values, correction)
        area = float(np.trapezoid(values, x)) - bias * (high - low)
        integrals.append(Integral(low, high, area, bias, slope, kind))
    return integrals


def _cut_out(
    x: np.ndarray, y: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """x and y between two ends, which are interpolated; what is not finite counts as 0."""
    first = int(np.searchsorted(x, low, side="right"))
    last = int(np.searchsorted(x, high, side="left"))
    # Only the part is looked at: a spectrum may have millions of points.
    beside = slice(max(0, first - 1), last + 1)
    x, y = x[beside], np.where(np.isfinite(y[beside]), y[beside], 0.0)
    inside = (x > low) & (x < high)
    ends = np.interp((low, high), x, y)
    return (
        np.concatenate([[low], x[inside], [high]]),
        np.concatenate([ends[:1], y[inside], ends[1:]]),
    )


def _base_line(x: np.ndarray, y: np.ndarray, correction: str) -> tuple[float, float]:
    """Level at the middle of the region, and slope, of what is taken off."""
    if correction == "none":
        return 0.0, 0.0
    count = max(1, len(x) // 20)
    left, right = float(y[:count].mean()), float(y[-count:].mean())
    if correction == "bias":
        return min(left, right), 0.0
    apart = float(x[-count:].mean() - x[:count].mean())
    slope = (right - left) / apart if apart > 0 else 0.0
    middle = (x[0] + x[-1]) / 2
    return left + slope * (middle - float(x[:count].mean())), slope


def integral_curve(spectrum: Spectrum, integral: Integral) -> tuple[np.ndarray, np.ndarray]:
    """The running integral of a region from its high end: ppm and area, both ``(n,)``."""
    spectrum = _continuous_ppm(spectrum)
    x, values = _cut_out(spectrum.x, spectrum.y, integral.low, integral.high)
    values = values - integral.bias - integral.slope * (x - (integral.low + integral.high) / 2)
    steps = np.diff(x) * (values[1:] + values[:-1]) / 2
    return x[::-1], np.concatenate([[0.0], np.cumsum(steps[::-1])])


def normalise(
    integrals: Sequence[Integral], nuclei: float, reference: int | None = None
) -> list[Integral]:
    """The integrals as numbers of nuclei.

    The integral ``reference`` (an index) has this number of ``nuclei``; None: all integrals of the
    compound have it together. Raises ``ValueError`` where that area, or the number, is not
    above 0.
    """
    if reference is None:
        area = sum(i.area for i in integrals if i.kind == COMPOUND)
    else:
        area = integrals[reference].area
    if not nuclei > 0 or not area > 0:
        raise ValueError(f"{nuclei:g} nuclei for an area of {area:g}; right is both above 0")
    return [replace(integral, nuclei=integral.area * nuclei / area) for integral in integrals]


def whole_numbers(areas: Sequence[float], total: int | None = None) -> list[int]:
    """Areas of a compound's signals as whole numbers of nuclei.

    With ``total`` their sum is that (largest remainders first). Without it, one nucleus is the
    largest area, or a half or a third of one, for which all areas are nearly whole numbers; where
    none is, the one for which most of the area is. What is less than 0.35 of a nucleus and than a
    twentieth of the largest area is a trace of something else and counts as none.
    """
    values = np.maximum(np.asarray(areas, dtype=float), 0.0)
    if len(values) == 0 or values.sum() <= 0:
        return [0] * len(values)
    if total is not None:
        return _sharing(values / values.sum() * total, total)
    best, best_cost = np.zeros(len(values)), np.inf
    large = values[values >= _TRACE * values.max()]
    for unit in sorted({float(area) / n for area in large for n in (1, 2, 3)}, reverse=True):
        numbers, cost = _in_units(values, unit)
        if cost < best_cost:
            best, best_cost = numbers, cost
        if cost == 0:
            break
    return [int(n) for n in best]


def _in_units(values: np.ndarray, unit: float) -> tuple[np.ndarray, float]:
    """Whole numbers of a unit of area, and how badly they suit: 0 where all are near enough."""
    for _ in range(3):
        scaled = values / unit
        numbers = np.where(scaled < _LEAST_PROTON, 0.0, np.maximum(1.0, np.rint(scaled)))
        if not numbers.any():
            return numbers, np.inf
        # The unit that suits all numbers best, each area being uncertain in proportion.
        counted = numbers > 0
        unit = float((values[counted] / numbers[counted]).mean())
    scaled = values / unit
    off = np.abs(scaled - numbers) / np.maximum(_NEAR, _NEAR_SHARE * numbers)
    traces = float(values[~counted & (values >= _TRACE * values.max())].sum() / values.sum())
    wrong = float((values[counted] * (np.minimum(off[counted], 2.0) > 1)).sum() / values.sum())
    if wrong == 0 and traces == 0:
        return numbers, 0.0
    return numbers, wrong + traces + 0.03 * float(np.log2(numbers.sum()))


def _sharing(values: np.ndarray, total: int) -> list[int]:
    """Whole numbers near ``values`` that add up to ``total``."""
    numbers = np.floor(values).astype(int)
    numbers[(values >= _LEAST_PROTON) & (numbers == 0)] = 1
    while numbers.sum() > total:
        over = np.where(numbers > 0, numbers - values, -np.inf)
        numbers[int(np.argmax(over))] -= 1
    while numbers.sum() < total:
        under = np.where(values >= _LEAST_PROTON, values - numbers, -np.inf)
        numbers[int(np.argmax(under))] += 1
    return numbers.tolist()
