"""Isotope patterns of formulae, exact or as an instrument resolves them; and measured ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from engine.chemistry.formula import ELECTRON_MASS, Formula, isotopes

# Isotopologues rarer than this share are not followed, nor more of them than so many.
_RAREST = 1e-10
_MOST_LINES = 20_000
# How many mass numbers above the lightest are followed where only whole ones count.
_OFFSETS = 64
_ISOTOPE_SPACING = 1.00335
_SEEN_SHARE = 0.005
# Standard deviation of measured shares: relative to the share, and at least.
_RELATIVE_ERROR, _LEAST_ERROR = 0.04, 0.006


@dataclass(frozen=True, eq=False)
class IsotopePattern:
    """Lines of an isotope pattern: ``mz`` ``(n,)`` rising, ``share`` ``(n,)`` of all molecules.

    ``mz`` is a mass in u where the formula has no charge. Shares add up to 1 less what was too
    rare to be kept.
    """

    mz: np.ndarray
    share: np.ndarray

    @property
    def relative(self) -> np.ndarray:
        """Heights in percent of the highest line."""
        return 100.0 * self.share / self.share.max()


def isotope_pattern(
    formula: Formula, peak_width: float = 0.0, minimum_percent: float = 0.01
) -> IsotopePattern:
    """The isotope pattern of a formula, by convolution of its elements' distributions.

    ``peak_width`` is the full width at half maximum of a peak, in m/z (an instrument of resolving
    power R has m/R): lines that Gauss peaks of this width would not separate become one, at their
    mean m/z weighted by share; 0 keeps every isotopologue apart. Lines below ``minimum_percent``
    of the highest are left out. Raises ``ValueError`` for an empty formula or a negative width.
    """
    if not formula.atoms:
        raise ValueError("an isotope pattern needs a formula with atoms")
    if not peak_width >= 0:
        raise ValueError(f"a peak width of {peak_width}; right is 0 or more")
    charge = abs(formula.charge) or 1
    finest = max(1e-7, peak_width * charge / 100.0)
    masses, shares = np.zeros(1), np.ones(1)
    for atom, count in formula:
        masses, shares = _combined((masses, shares), _element_lines(atom, count, finest), finest)
    mz = (masses - formula.charge * ELECTRON_MASS) / charge
    if peak_width > 0:
        mz, shares = _unresolved(mz, shares, peak_width)
    keep = shares >= minimum_percent / 100.0 * shares.max()
    return IsotopePattern(mz[keep], shares[keep])


def _element_lines(atom: str, count: int, finest: float) -> tuple[np.ndarray, np.ndarray]:
    """Masses and shares of so many atoms, by repeated doubling."""
    natural = isotopes(atom)
    power = np.array([i.mass for i in natural]), np.array([i.abundance for i in natural])
    total = np.zeros(1), np.ones(1)
    while count:
        if count & 1:
            total = _combined(total, power, finest)
        count >>= 1
        if count:
            power = _combined(power, power, finest)
    return total


def _combined(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], finest: float
) -> tuple[np.ndarray, np.ndarray]:
    """All sums of two sets of masses with the products of their shares; equal sums become one."""
    shares = np.multiply.outer(first[1], second[1]).ravel()
    masses = np.add.outer(first[0], second[0]).ravel()
    keep = shares >= _RAREST * shares.max()
    masses, shares = masses[keep], shares[keep]
    if len(shares) > _MOST_LINES:
        best = np.argpartition(shares, -_MOST_LINES)[-_MOST_LINES:]
        masses, shares = masses[best], shares[best]
    order = np.argsort(masses)
    masses, shares = masses[order], shares[order]
    return _joined(
        masses, shares, np.concatenate([[0], np.flatnonzero(np.diff(masses) > finest) + 1])
    )


def _joined(
    masses: np.ndarray, shares: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of shares, and means of masses weighted by them, from each start to the next."""
    total = np.add.reduceat(shares, starts)
    return np.add.reduceat(masses * shares, starts) / total, total


def _unresolved(mz: np.ndarray, shares: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """The lines that remain apart as maxima of a sum of Gauss peaks of this width."""
    from scipy.signal import argrelmin

    shape = np.exp(-0.5 * (np.arange(-60, 61) / 20 * 2.354820045) ** 2)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(mz) > 4 * width) + 1, [len(mz)]])
    cuts: list[int] = []
    for first, last in pairwise(starts):
        cuts.append(int(first))
        if last - first < 2:
            continue
        positions, weights = mz[first:last], shares[first:last]
        # Lines on a grid of a twentieth of the width, then the Gauss peak over them all at once.
        step = width / 20
        cells = np.rint((positions - positions[0]) / step).astype(np.int64) + 60
        profile = np.convolve(np.bincount(cells, weights, cells[-1] + 61), shape, mode="same")
        valleys = positions[0] + (argrelmin(profile)[0] - 60) * step
        cuts += sorted({int(first + i) for i in np.searchsorted(positions, valleys)} - {int(first)})
    return _joined(mz, shares, np.array([c for c in dict.fromkeys(cuts) if c < len(mz)]))


@dataclass(frozen=True)
class IsotopePeak:
    """A mass number of the pattern: expected and measured m/z (None: not there) and shares.

    Shares are of the sum over all mass numbers compared.
    """

    offset: int
    mz: float
    share: float
    measured_mz: float | None
    measured_share: float


@dataclass(frozen=True)
class IsotopeMatch:
    """How well a measured pattern fits a formula.

    ``score`` is 1 for equal patterns and 0 for patterns without a common peak: the shared part of
    both intensity distributions, times a factor that falls with ``spacing_error_ppm``, the root
    mean square deviation of the peaks from their places relative to the highest. ``likelihood``
    is sharper, to rank formulae: Gaussian in the shares, with deviations of 4 % of each (at least
    0.6 % of all), and in the spacings; 1 for equal patterns.
    """

    score: float
    likelihood: float
    shared_intensity: float
    spacing_error_ppm: float
    peaks: tuple[IsotopePeak, ...]


def compare_isotopes(
    formula: Formula, mz: np.ndarray, intensity: np.ndarray, tolerance_ppm: float = 5.0
) -> IsotopeMatch:
    """Compare the isotope pattern of an ion with measured peaks (centroids).

    ``formula`` is the ion's, with its charge; ``mz`` and ``intensity`` ``(n,)`` may be a whole
    spectrum. Peaks are added up by whole mass numbers, since few instruments resolve more, and
    every mass number that the formula has above 0.5 % of its highest counts, as do the two after
    the first, where an element that the formula lacks would show. The score is 0 when no peak
    lies within ``tolerance_ppm`` of the highest one. Raises ``ValueError`` for a neutral formula.
    """
    charge = abs(formula.charge)
    if not charge:
        raise ValueError(f"{formula} has no charge, so no m/z")
    mz, intensity = np.asarray(mz, dtype=float), np.asarray(intensity, dtype=float)
    usable = np.isfinite(mz) & np.isfinite(intensity) & (intensity > 0)
    order = np.argsort(mz[usable])
    mz, intensity = mz[usable][order], intensity[usable][order]
    masses, shares = whole_mass_pattern(formula)
    places = (masses - formula.charge * ELECTRON_MASS) / charge
    top = int(np.argmax(shares))
    counted = shares >= _SEEN_SHARE * shares[top]
    first = int(np.flatnonzero(counted)[0])
    counted[first : first + 3] = True
    anchor = _nearest(mz, intensity, places[top], places[top] * tolerance_ppm * 1e-6)
    offsets = np.flatnonzero(counted)
    expected = shares[offsets] / shares[offsets].sum()
    measured = np.zeros(len(offsets))
    found: list[float | None] = [None] * len(offsets)
    if anchor is not None:
        shift = anchor - places[top]
        for index, offset in enumerate(offsets):
            regular = places[top] + (offset - top) * _ISOTOPE_SPACING / charge
            reach = (0.012 + 0.006 * abs(offset - top)) / charge
            slack = places[offset] * tolerance_ppm * 1e-6
            ends = (
                regular - reach,
                regular + reach,
                places[offset] - slack,
                places[offset] + slack,
            )
            low, high = np.searchsorted(mz, (min(ends) + shift, max(ends) + shift))
            if high > low:
                weights = intensity[low:high]
                measured[index] = weights.sum()
                found[index] = float((mz[low:high] * weights).sum() / weights.sum())
    if measured.sum() > 0:
        measured /= measured.sum()
    peaks = tuple(
        IsotopePeak(int(o - top), float(places[o]), float(e), f, float(m))
        for o, e, f, m in zip(offsets, expected, found, measured, strict=True)
    )
    if anchor is None:
        return IsotopeMatch(0.0, 0.0, 0.0, float("nan"), peaks)
    shared = float(np.minimum(expected, measured).sum())
    errors = np.array(
        [
            ((p.measured_mz - anchor) - (p.mz - places[top])) / p.mz * 1e6
            for p in peaks
            if p.measured_mz is not None and p.offset != 0 and p.share > 0.01
        ]
    )
    spacing = float(np.sqrt((errors**2).mean())) if len(errors) else 0.0
    regular = float(np.exp(-0.5 * (spacing / max(tolerance_ppm, 1e-9)) ** 2))
    deviation = (measured - expected) / np.hypot(_RELATIVE_ERROR * expected, _LEAST_ERROR)
    likelihood = regular * float(np.exp(-0.5 * (deviation**2).sum()))
    return IsotopeMatch(shared * regular, likelihood, shared, spacing, peaks)


def _nearest(mz: np.ndarray, intensity: np.ndarray, place: float, reach: float) -> float | None:
    """The m/z of the most intense peak within ``reach`` of a place, or None."""
    low, high = np.searchsorted(mz, (place - reach, place + reach))
    if high <= low:
        return None
    return float(mz[low + int(np.argmax(intensity[low:high]))])


def whole_mass_pattern(formula: Formula) -> tuple[np.ndarray, np.ndarray]:
    """Mean mass (u, electrons not counted) and share of each mass number from the lightest on.

    Both of shape ``(64,)`` at most; a mass number without isotopologues has share 0 and a mass
    interpolated from its neighbour. A hundred times quicker than :func:`isotope_pattern`.
    """
    shares, moments = np.ones(1), np.zeros(1)
    lightest = 0.0
    for atom, count in formula:
        base, more, deviation = _element_offsets(atom, count)
        lightest += base
        # The mean deviation of a sum is the share-weighted sum of the deviations.
        moments = (np.convolve(moments, more) + np.convolve(shares, deviation))[:_OFFSETS]
        shares = np.convolve(shares, more)[:_OFFSETS]
    offsets = np.arange(len(shares))
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.where(shares > 1e-15, moments / shares, 0.0)
    return lightest + offsets * _ISOTOPE_SPACING + deviation, shares


@lru_cache(maxsize=4096)
def _element_offsets(atom: str, count: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Lightest mass of so many atoms; by mass number above it the share, and the share times the
    mean deviation from multiples of the isotope spacing."""
    natural = isotopes(atom)
    light = natural[0]
    size = natural[-1].number - light.number + 1
    shares, moments = np.zeros(size), np.zeros(size)
    for isotope in natural:
        offset = isotope.number - light.number
        shares[offset] = isotope.abundance
        deviation = isotope.mass - light.mass - offset * _ISOTOPE_SPACING
        moments[offset] = isotope.abundance * deviation
    total, moment = np.ones(1), np.zeros(1)
    left = count
    while left:
        if left & 1:
            moment = (np.convolve(moment, shares) + np.convolve(total, moments))[:_OFFSETS]
            total = np.convolve(total, shares)[:_OFFSETS]
        left >>= 1
        if left:
            moments = 2 * np.convolve(moments, shares)[:_OFFSETS]
            shares = np.convolve(shares, shares)[:_OFFSETS]
    for values in (total, moment):
        values.setflags(write=False)
    return count * light.mass, total, moment
