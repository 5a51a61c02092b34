"""Multiplets of 1H spectra: which lines belong together, their multiplicity and couplings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from engine.processing.coupling_patterns import lines_of, pattern_named
from engine.processing.integration import COMPOUND, Region, find_regions, integrate, whole_numbers
from engine.processing.multiplet_choice import best_pattern, broad_singlet, is_broad
from engine.processing.multiplet_fit import (
    LARGEST_J_HZ,
    Stretch,
    even_stretch,
    find_lines,
    fit_patterns,
    mirror_symmetry,
)
from engine.processing.noise import noise_level, noise_span
from engine.processing.peaks import Peak
from engine.spectra import Spectrum

_MOST_LINES = 40
_SMOOTHED = 15
_DEEPEST_SPLITTING = 4
# Halves of a region as like each other as this are those of one large coupling, and a region as
# like its mirror image as this is one of strongly coupled spins, when no pattern fits it.
_ALIKE, _SYMMETRIC = 0.9, 0.95
# Lines nearer to each other than this, in Hz, are not taken for different multiplets.
_LEAST_GAP_HZ = 8.0
# Across so wide a gap, or beside so large a signal, a part is one of its own even where it is no
# first-order multiplet.
_BEYOND_COUPLING_HZ, _IMPURITY = 18.5, 0.03


@dataclass(frozen=True)
class Multiplet:
    """Lines that belong together.

    ``position`` is their centre, ``low`` < ``high`` their outermost lines, ``region`` the ends of
    the stretch to integrate, all in ppm; ``multiplicity`` ``s``, ``br s``, ``d``, ``dt``, ... or
    ``m``, with a coupling in ``j_hz`` for each word, falling; ``n_h`` the number of protons, None
    where unknown; ``area`` the integral in the unit of y times ppm; ``lines`` the places in ppm
    and heights of the lines seen; ``width_hz`` the full width of a line; ``unexplained`` what the
    pattern leaves of the signal's square (0 to 1; 1 for ``m``); ``overruled`` whether a person
    said what it is, and ``n_h_said`` how many protons it has.
    """

    position: float
    low: float
    high: float
    region: tuple[float, float]
    multiplicity: str
    j_hz: tuple[float, ...] = ()
    n_h: int | None = None
    area: float = 0.0
    lines: tuple[tuple[float, float], ...] = ()
    width_hz: float = 0.0
    unexplained: float = 1.0
    overruled: bool = False
    n_h_said: bool = False

    def to_dict(self) -> dict[str, Any]:
        """With the keys of ``metadata["peaks"]`` of a paper's NMR line, and more."""
        return {
            "position": self.position, "low": self.low, "high": self.high,
            "region": list(self.region), "multiplicity": self.multiplicity,
            "j_hz": list(self.j_hz), "n_h": self.n_h, "area": self.area,
            "lines": [list(line) for line in self.lines], "width_hz": self.width_hz,
            "unexplained": self.unexplained, "overruled": self.overruled,
            "n_h_said": self.n_h_said,
        }  # fmt: skip


def analyse_multiplets(
    spectrum: Spectrum,
    regions: Sequence[Region] | None = None,
    protons: int | None = None,
    correction: str = "none",
    is_cancelled: Callable[[], bool] = lambda: False,
) -> list[Multiplet]:
    """The multiplets of a 1H spectrum, from high to low ppm, with integrals and proton counts.

    ``regions`` (None: found) of other kinds than the compound's are left out. ``protons``: how
    many the compound shows in all; None: the smallest whole numbers that fit the areas.
    ``correction`` is that of :func:`engine.processing.integration.integrate`. Raises
    ``ValueError`` when the spectrum is not continuous over ppm or its frequency is unknown, and
    :class:`concurrent.futures.CancelledError` soon after ``is_cancelled`` says so: a crowded
    spectrum takes some ten seconds.
    """
    mhz = _frequency(spectrum)
    if regions is None:
        regions = find_regions(spectrum)
    up = spectrum.ascending
    usual = usual_width_hz(up, [peak for region in regions for peak in region.peaks])
    noise = noise_level(up.y)
    found: list[Multiplet] = []
    for region in regions:
        if is_cancelled():
            raise CancelledError
        if region.kind == COMPOUND:
            found += _analyse(up, (region.low, region.high), mhz, noise, usual)
    if not found:
        return []
    areas = [i.area for i in integrate(up, [m.region for m in found], correction)]
    counts = _proton_counts(found, areas, protons)
    counted = [
        replace(multiplet, area=area, n_h=count or None)
        for multiplet, area, count in zip(found, areas, counts, strict=True)
    ]
    return sorted(counted, key=lambda multiplet: -multiplet.position)


def _proton_counts(
    found: Sequence[Multiplet], areas: Sequence[float], protons: int | None
) -> list[int]:
    """Whole numbers of protons; exchanging ones, which may be there in part, set no scale."""
    sharp = [index for index, m in enumerate(found) if m.multiplicity != "br s"]
    if protons is not None or not sharp or len(sharp) == len(found):
        return whole_numbers(areas, protons)
    of_sharp = whole_numbers([areas[index] for index in sharp])
    counted = sum(areas[i] for i, n in zip(sharp, of_sharp, strict=True) if n)
    if counted <= 0:
        return whole_numbers(areas)
    scale = sum(of_sharp) / counted
    counts = [max(0, round(area * scale)) for area in areas]
    for index, count in zip(sharp, of_sharp, strict=True):
        counts[index] = count
    return counts


def analyse_region(spectrum: Spectrum, low: float, high: float) -> Multiplet | None:
    """A region (ppm) as one multiplet, whatever gaps it has; None when no line is in it.

    The number of protons is left open. Raises ``ValueError`` as :func:`analyse_multiplets` does,
    and for a region of fewer than 8 points.
    """
    mhz = _frequency(spectrum)
    up = spectrum.ascending
    region = (max(min(low, high), float(up.x[0])), min(max(low, high), float(up.x[-1])))
    peaks = [peak for found in find_regions(up) for peak in found.peaks]
    stretch = _stretch(up, region, mhz, noise_level(up.y), usual_width_hz(up, peaks))
    if stretch is None:
        raise ValueError(f"region {region[0]:g} to {region[1]:g} ppm has fewer than 8 points")
    if not _rises_from_noise(up, region):
        return None
    found = _one_multiplet(stretch, mhz)
    if found is None:
        return None
    found = replace(found, region=region)
    return replace(found, area=integrate(up, [found.region])[0].area)


def _rises_from_noise(up: Spectrum, region: tuple[float, float]) -> bool:
    """Whether a region, as it is or smoothed as a broad signal needs it, is more than noise."""
    from scipy.ndimage import uniform_filter1d

    first, last = np.searchsorted(up.x, region)
    span = noise_span(last - first)
    values = np.where(np.isfinite(up.y), up.y, 0.0)
    return any(
        float(np.ptp(y[first:last])) > span * noise_level(y)
        for y in (values, uniform_filter1d(values, _SMOOTHED))
    )


def overrule(
    spectrum: Spectrum,
    multiplet: Multiplet,
    multiplicity: str,
    j_hz: Sequence[float] | None = None,
) -> Multiplet:
    """The multiplet with the multiplicity that a person sees in it.

    Its couplings are those given, or those with which the pattern fits best (none where it cannot
    be fitted at all); ``m`` has none.
    Raises ``ValueError`` for what is no multiplicity, and for a wrong number of couplings.
    """
    word = " ".join(multiplicity.split())
    changed = replace(multiplet, multiplicity=word, overruled=True, unexplained=1.0, j_hz=())
    if word.lower().removeprefix("b").removeprefix("r").strip(" .") == "m":
        if j_hz:
            raise ValueError("a multiplet (m) has no couplings")
        return changed
    pattern = pattern_named(word)
    if j_hz is not None:
        lines_of(pattern, j_hz)  # raises for a wrong number
        return replace(changed, j_hz=tuple(float(j) for j in j_hz))
    if not pattern.partners:
        return changed
    mhz = _frequency(spectrum)
    up = spectrum.ascending
    width = max(multiplet.width_hz, 0.1)
    stretch = _stretch(up, multiplet.region, mhz, noise_level(up.y), width)
    fits = fit_patterns(stretch, only=pattern.partners) if stretch is not None else []
    # Couplings that came out equal had been joined: they are written out again.
    for fit in fits:
        values = [j for j, n in zip(fit.j_hz, fit.pattern.partners, strict=True) for _ in range(n)]
        if sum(fit.pattern.partners) != sum(pattern.partners):
            continue
        if fit.pattern.partners == pattern.partners:
            couplings = fit.j_hz
        elif len(fit.pattern.partners) < len(pattern.partners):
            starts = np.cumsum([0, *pattern.partners[:-1]])
            couplings = tuple(values[start] for start in starts)
        else:
            continue
        return replace(
            changed,
            position=fit.centre_hz / mhz,
            j_hz=couplings,
            unexplained=fit.unexplained,
            width_hz=fit.width_hz,
        )
    return changed


def usual_width_hz(spectrum: Spectrum, peaks: Sequence[Peak]) -> float:
    """The full width in Hz that a single line has in this spectrum; 1 Hz without peaks.

    Twice the shorter way from a top down to half of its height, since overlapping lines look
    wider than they are, for every peak of at least a twentieth of the highest; of these the lower
    quartile.
    """
    mhz = _frequency(spectrum)
    up = spectrum.ascending
    highest = max((peak.height for peak in peaks), default=0.0)
    widths = []
    for peak in peaks:
        if peak.height < 0.05 * highest or peak.height <= 0:
            continue
        half = peak.height / 2
        reach = max(4 * peak.width, 10.0 / mhz)
        first, top, last = np.searchsorted(
            up.x, (peak.position - reach, peak.position, peak.position + reach)
        )
        ways = []
        for x, y in (
            (up.x[top:last], up.y[top:last]),
            (up.x[first:top][::-1], up.y[first:top][::-1]),
        ):
            below = np.flatnonzero(y < half)
            if len(below) and below[0] > 0:
                k = int(below[0])
                crossing = np.interp(half, (y[k], y[k - 1]), (x[k], x[k - 1]))
                ways.append(abs(float(crossing) - peak.position))
        if ways:
            widths.append(2 * min(ways) * mhz)
    return float(np.clip(np.percentile(widths, 25), 0.15, 20.0)) if widths else 1.0


def _frequency(spectrum: Spectrum) -> float:
    mhz = float(spectrum.metadata.get("frequency_mhz") or 0.0)
    if mhz <= 0:
        raise ValueError("multiplets need the spectrometer's frequency, which is not known here")
    if spectrum.x_unit != "ppm" or spectrum.kind != "continuous":
        raise ValueError(
            f"multiplets need a continuous spectrum over ppm, got {spectrum.kind} over "
            f"{spectrum.x_unit}"
        )
    return mhz


def _stretch(
    up: Spectrum, region: tuple[float, float], mhz: float, noise: float, width_hz: float
) -> Stretch | None:
    first, last = np.searchsorted(up.x, region)
    if last - first < 8:
        return None
    y = np.where(np.isfinite(up.y[first:last]), up.y[first:last], 0.0)
    return even_stretch(up.x[first:last] * mhz, y, noise, width_hz)


def _analyse(
    up: Spectrum,
    region: tuple[float, float],
    mhz: float,
    noise: float,
    width_hz: float,
    depth: int = 0,
) -> list[Multiplet]:
    """The multiplets of a region: it as a whole where that is one, else its parts."""
    stretch = _stretch(up, region, mhz, noise, width_hz)
    if stretch is None:
        return []
    places = find_lines(stretch)
    wide = np.flatnonzero(np.diff(places) > LARGEST_J_HZ)
    # On a broad hump, the ripples of the noise are no lines.
    if len(wide) and broad_singlet(stretch) is None:
        borders = [region[0], *((places[wide] + places[wide + 1]) / 2 / mhz), region[1]]
        return [
            multiplet
            for part in pairwise(borders)
            for multiplet in _analyse(up, part, mhz, noise, width_hz, depth)
        ]
    whole = _one_multiplet(stretch, mhz)
    if whole is None:
        return []
    whole = replace(whole, region=region)
    if whole.multiplicity != "m" or depth >= _DEEPEST_SPLITTING:
        return [whole]
    symmetric = mirror_symmetry(stretch.hz, stretch.y)[1] > _SYMMETRIC
    for cut in _cuts(stretch, places):
        border = cut.hz / mhz
        parts = [
            multiplet
            for part in ((region[0], border), (border, region[1]))
            for multiplet in _analyse(up, part, mhz, noise, width_hz, depth + 1)
        ]
        clean = all(part.multiplicity not in ("m", "br s") for part in parts)
        # Strongly coupled spins give lines that could be a handful of simple multiplets.
        apart = cut.empty and not symmetric and not _halves_alike(stretch, cut.hz)
        if (len(parts) == 2 and clean) or (len(parts) > 1 and apart):
            return parts
    return [whole]


@dataclass(frozen=True)
class _Cut:
    """A place in Hz between two lines; ``empty`` where no coupling seems to reach across."""

    hz: float
    empty: bool


def _cuts(stretch: Stretch, places: np.ndarray) -> list[_Cut]:
    """Where a stretch may be cut in two, the widest gap first."""
    heights = np.interp(places, stretch.hz, stretch.y)
    cuts = []
    for index in np.argsort(-np.diff(places))[:3]:
        left, right = places[index], places[index + 1]
        inside = (stretch.hz > left) & (stretch.hz < right)
        if right - left < max(_LEAST_GAP_HZ, 3 * stretch.width_hz) or not inside.any():
            continue
        lowest = int(np.flatnonzero(inside)[np.argmin(stretch.y[inside])])
        sides = min(heights[: index + 1].max(), heights[index + 1 :].max())
        depth = float(stretch.y[lowest]) / sides if sides > 0 else 1.0
        if depth < 0.35:
            areas = sorted((stretch.y[:lowest].sum(), stretch.y[lowest:].sum()))
            beyond = right - left > _BEYOND_COUPLING_HZ or areas[0] < _IMPURITY * areas[1]
            empty = beyond and depth < 0.04 + 3 * stretch.noise / sides
            cuts.append(_Cut(float(stretch.hz[lowest]), empty))
    return cuts


def _halves_alike(stretch: Stretch, cut: float) -> bool:
    """Whether both sides of a cut have the same shape, as have the halves of a large coupling."""
    border = int(np.searchsorted(stretch.hz, cut))
    left, right = stretch.y[:border], stretch.y[border:]
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    if size <= 0:
        return False
    return float(np.convolve(left, right[::-1]).max()) / size > _ALIKE


def _one_multiplet(stretch: Stretch, mhz: float) -> Multiplet | None:
    """The stretch as one multiplet; None when no line rises from its noise."""
    places = find_lines(stretch)
    fit = best_pattern(stretch) if len(places) <= _MOST_LINES else broad_singlet(stretch)
    region = (float(stretch.hz[0] / mhz), float(stretch.hz[-1] / mhz))
    if fit is None:
        if len(places) == 0:
            return None
        heights = np.interp(places, stretch.hz, stretch.y)
        return Multiplet(
            position=float((places[0] + places[-1]) / 2 / mhz),
            low=float(places[0] / mhz),
            high=float(places[-1] / mhz),
            region=region,
            multiplicity="m",
            lines=tuple(zip((places / mhz).tolist(), heights.tolist(), strict=True)),
            width_hz=stretch.width_hz,
        )
    broad = is_broad(fit, stretch)
    if broad or len(places) == 0:
        places = np.array([fit.centre_hz])
    offsets, _ = lines_of(fit.pattern, fit.j_hz)
    heights = np.interp(places, stretch.hz, stretch.y)
    return Multiplet(
        position=fit.centre_hz / mhz,
        low=float((fit.centre_hz + offsets[0]) / mhz),
        high=float((fit.centre_hz + offsets[-1]) / mhz),
        region=region,
        multiplicity="br s" if broad else fit.pattern.name,
        j_hz=fit.j_hz,
        lines=tuple(zip((places / mhz).tolist(), heights.tolist(), strict=True)),
        width_hz=fit.width_hz,
        unexplained=fit.unexplained,
    )
