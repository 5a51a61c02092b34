"""The mean of several scans of a run, a scan at a time: profiles stay profiles, sticks sticks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engine.spectra import Spectrum

_POINTS_AT_ONCE = 500_000
_UNIT_RESOLUTION = 0.3  # m/z by which an ion wanders between scans of a quadrupole or ion trap
_HIGH_RESOLUTION = 20e-6  # and of a TOF or an Orbitrap, of its m/z
_LEAST = 0.002
_ENOUGH_GAPS = 50
_AROUND = 33  # points over which the spacing of a profile hardly changes


class ScanMean:
    """Adds scans up and gives their mean; a scan that lacks an ion counts as 0 there.

    Profiles are put on the axis of the first scan, to which later ones add the stretches that it
    leaves out (instruments do not store where nothing was measured), by linear interpolation.
    Sticks of different scans become one when they are nearer than an ion wanders (0.3 m/z where
    the scans are of unit resolution, else 20 ppm) and than half of the way to the next stick of
    their own scans, at the mean m/z weighted by intensity.
    """

    def __init__(self) -> None:
        self.count = 0
        self.left_out = 0
        self._first: Spectrum | None = None
        self._last = ""
        self._seconds: list[float] = []
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._points = 0
        self._unit_resolution: bool | None = None

    def add(self, scan: Spectrum) -> bool:
        """Add a scan; False, and it is counted as left out, when it is not of the first's kind."""
        if self._first is None:
            self._first = scan
        elif _kind(scan) != _kind(self._first):
            self.left_out += 1
            return False
        self.count += 1
        self._last = scan.source.block
        if scan.metadata.get("retention_time_s") is not None:
            self._seconds.append(scan.metadata["retention_time_s"])
        scan = scan.ascending
        x, y = scan.x, np.where(np.isfinite(scan.y), scan.y, 0.0)
        if scan.kind != "sticks" and self._waiting:
            self._waiting = [_summed_profiles(*self._waiting[0], x, y)]
            return True
        self._waiting.append((x, y))
        self._points += len(x)
        if self._points > _POINTS_AT_ONCE:
            self._merge()
        return True

    def spectrum(self) -> Spectrum:
        """The mean, with the first scan's metadata; raises ``ValueError`` when there was no scan.

        ``retention_time_s`` is the mean of the scans' times, ``merged_scans`` their number.
        """
        if self._first is None:
            raise ValueError("no scans")
        self._merge()
        x, y = self._waiting[0]
        first = self._first
        metadata: dict[str, Any] = {**first.metadata, "merged_scans": self.count}
        scans = first.source.block if self.count == 1 else f"{first.source.block}-{self._last}"
        metadata["scan"] = scans
        title = f"mean of {self.count} scans ({scans}), {first.technique}"
        if self._seconds:
            metadata["retention_time_s"] = round(float(np.mean(self._seconds)), 6)
            low, high = min(self._seconds) / 60, max(self._seconds) / 60
            title += f", RT {low:.2f} to {high:.2f} min"
        warnings = list(first.warnings)
        if self.left_out:
            warnings.append(
                f"{self.left_out} scans of another polarity, precursor, collision energy or mode "
                "than the first were left out of the mean"
            )
        return replace(
            first, x=x, y=y / self.count, title=title, metadata=metadata,
            source=replace(first.source, block=scans), warnings=tuple(warnings),
        )  # fmt: skip

    def _merge(self) -> None:
        """Make one scan of the sticks that wait; its intensities are sums."""
        if len(self._waiting) < 2:
            return
        gaps = [np.diff(x) for x, _ in self._waiting]
        if self._unit_resolution is None:
            self._unit_resolution = _is_unit_resolution(
                np.concatenate(gaps), np.concatenate([x for x, _ in self._waiting])
            )
        reach = np.concatenate([_half_way(gap) for gap in gaps])
        x = np.concatenate([x for x, _ in self._waiting])
        y = np.concatenate([y for _, y in self._waiting])
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        starts = _group_starts(x, reach[order], self._unit_resolution)
        heights = np.add.reduceat(y, starts)
        plain = np.add.reduceat(x, starts) / np.diff(np.append(starts, len(x)))
        with np.errstate(divide="ignore", invalid="ignore"):
            weighted = np.add.reduceat(x * y, starts) / heights
        positions = np.where(np.isfinite(weighted), weighted, plain)
        # Rounding and negative intensities must not carry an ion past its neighbours.
        lowest, highest = x[starts], x[np.append(starts[1:], len(x)) - 1]
        self._waiting = [(np.clip(positions, lowest, highest), heights)]
        self._points = 0


def without_background(mean: Spectrum, background: Spectrum) -> Spectrum:
    """A mean of scans minus another one; what would fall below zero is 0, or no stick any more.

    Sticks belong together when they are nearer than an ion wanders (as in ``ScanMean``). The scans
    must be of one kind and polarity. Raises ``ValueError`` when they are not, or nothing is left.
    """
    if _kind(mean)[:4] != _kind(background)[:4]:
        raise ValueError("the background was recorded in another way (axis, points or polarity)")
    mean, background = mean.ascending, background.ascending
    x = mean.x
    y = np.where(np.isfinite(mean.y), mean.y, 0.0)
    below = np.where(np.isfinite(background.y), background.y, 0.0)
    if mean.kind != "sticks":
        y = np.maximum(y - _on_axis(x, background.x, below), 0.0)
    else:
        wander = np.maximum(_LEAST, x * _HIGH_RESOLUTION)
        gaps = [np.diff(x), np.diff(background.x)]
        if _is_unit_resolution(np.concatenate(gaps), np.concatenate([x, background.x])):
            wander = np.full(len(x), _UNIT_RESOLUTION)
        # Each stick of the background is taken from the nearest ion, as far as one is near.
        after = np.clip(np.searchsorted(x, background.x), 1, max(1, len(x) - 1))
        nearer_before = np.abs(x[after - 1] - background.x) <= np.abs(
            x[after % len(x)] - background.x
        )
        nearest = np.where(nearer_before, after - 1, after % len(x))
        near = np.abs(x[nearest] - background.x) <= wander[nearest]
        y = y - np.bincount(nearest[near], below[near], minlength=len(x))
        x, y = x[y > 0], y[y > 0]
    if not (y > 0).any():
        raise ValueError("nothing rises above the background")
    of = background.metadata.get("merged_scans", 1)
    metadata = {**mean.metadata, "background_scans": of}
    return replace(mean, x=x, y=y, title=f"{mean.title}, minus {of} scans", metadata=metadata)


def _kind(scan: Spectrum) -> tuple[Any, ...]:
    precursor = scan.metadata.get("precursor_mz")
    return (
        scan.technique, scan.x_unit, scan.kind, scan.metadata.get("polarity"),
        None if precursor is None else round(precursor, 1),
        scan.metadata.get("ms_level"), scan.metadata.get("collision_energy"),
    )  # fmt: skip


def _summed_profiles(
    x: np.ndarray, total: np.ndarray, added_x: np.ndarray, added_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A sum of profiles and its axis, both grown by one more profile."""
    if np.array_equal(x, added_x):
        return x, total + added_y
    spacing = _spacing(added_x)
    after = np.clip(np.searchsorted(x, added_x), 1, max(1, len(x) - 1))
    nearest = np.minimum(np.abs(x[after - 1] - added_x), np.abs(x[after % len(x)] - added_x))
    new = nearest > 0.75 * spacing
    axis = np.concatenate([x, added_x[new]])
    order = np.argsort(axis, kind="stable")
    summed = np.concatenate([total, np.zeros(int(new.sum()))])[order]
    axis = axis[order]
    return axis, summed + _on_axis(axis, added_x, added_y)


def _on_axis(axis: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A profile on another axis: linear between its points, 0 where it leaves a stretch out."""
    values = np.interp(axis, x, y, left=0.0, right=0.0)
    if len(x) < 2:
        return values
    spacing = _spacing(x)
    left_out = np.diff(x) > 2.5 * np.minimum(spacing[:-1], spacing[1:])
    before = np.clip(np.searchsorted(x, axis, "right") - 1, 0, len(x) - 2)
    between = (axis > x[before]) & (axis < x[before + 1])
    values[left_out[before] & between] = 0.0
    return values


def _spacing(x: np.ndarray) -> np.ndarray:
    """The distance between neighbouring points of a profile around each of them."""
    from scipy.ndimage import percentile_filter

    if len(x) < 2:
        return np.full(len(x), _UNIT_RESOLUTION)
    gaps = np.diff(x)
    # Not the least one: two points may by accident lie on top of each other.
    return percentile_filter(np.append(gaps, gaps[-1]), 25, size=_AROUND)


def _group_starts(x: np.ndarray, reach: np.ndarray, unit_resolution: bool) -> np.ndarray:
    """Where the groups of sticks begin that are one ion; ``x`` rises, ``reach`` is half of the way
    from each stick to the next one of its own scan."""
    wander = np.maximum(_LEAST, x * _HIGH_RESOLUTION)
    if unit_resolution:
        wander = np.full(len(x), _UNIT_RESOLUTION)
    reach = np.minimum(reach, wander)
    apart = np.diff(x) >= np.minimum(reach[:-1], reach[1:])
    starts = np.concatenate([[0], np.flatnonzero(apart) + 1])
    # Noise of many scans can bridge the way from one ion to the next: groups that are too wide
    # are cut, at the rims of nominal masses or every two wanderings.
    counts = np.diff(np.append(starts, len(x)))
    first, last = np.repeat(x[starts], counts), np.repeat(x[starts + counts - 1], counts)
    wide = last - first > 2 * wander
    part = np.floor((x - first) / (2 * wander))
    if unit_resolution:
        part = np.floor(x + _UNIT_RESOLUTION)
    cut = wide[1:] & ~apart & (np.diff(part) > 0)
    return np.concatenate([[0], np.flatnonzero(apart | cut) + 1])


def _half_way(gaps: np.ndarray) -> np.ndarray:
    """Half of the way from each point of a scan to the nearer of its neighbours."""
    padded = np.concatenate([[np.inf], gaps, [np.inf]])
    return np.minimum(padded[:-1], padded[1:]) / 2


def _is_unit_resolution(gaps: np.ndarray, x: np.ndarray) -> bool:
    """Whether the instrument tells no more than whole masses apart.

    Sticks of one scan are then never near each other. Few sticks prove nothing: those must also
    be written with one decimal, as quadrupoles do.
    """
    if len(gaps) and np.quantile(gaps, 0.01) < 0.2:
        return False
    tenths = x * 10
    return len(gaps) >= _ENOUGH_GAPS or bool(np.all(np.abs(tenths - np.round(tenths)) < 0.01))
