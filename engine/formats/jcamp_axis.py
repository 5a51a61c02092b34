"""The abscissae of an ``(X++(Y..Y))`` table: what the header declares, held against the lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.formats.jcamp_asdf import Ordinates, TableError


@dataclass(frozen=True)
class DeclaredAxis:
    """FIRSTX, LASTX, DELTAX, NPOINTS and XFACTOR of a table; None where the file is silent."""

    first: float | None = None
    last: float | None = None
    delta: float | None = None
    points: float | None = None
    factor: float = 1.0


def build_axis(table: Ordinates, declared: DeclaredAxis) -> tuple[np.ndarray, list[str]]:
    """The abscissae of the table's ordinates, shape ``(n,)``, in the file's unit, and warnings.

    The header's numbers count where they agree with the abscissae that open the lines, which are
    rounded; where they do not, the lines do. A wrong NPOINTS never changes how many points there
    are. Raises ``TableError`` when neither header nor lines say where the points lie.
    """
    n = len(table.y)
    warnings = []
    if declared.points is not None and round(declared.points) != n:
        warnings.append(f"NPOINTS says {declared.points:.10g} but the table holds {n} points")
    candidates = _declared_axes(n, declared)
    lines = _Lines.of(table, n)
    if n == 1:
        first = declared.first
        if first is None and lines is not None:
            first = lines.x[0] * declared.factor
        if first is None:
            raise TableError("one ordinate without an abscissa")
        return np.array([first]), warnings

    if lines is not None:
        for start, step, name in candidates:
            if lines.agree(start, step, declared.factor):
                contradicted = declared.last is not None and name != "FIRSTX and LASTX"
                if contradicted and not warnings:
                    warnings.append(f"LASTX contradicts the table: the axis follows {name}")
                _check_delta(declared, step, warnings)
                return start + step * np.arange(n), warnings
        measured = lines.axis(declared.factor, declared.first, n)
        if measured is not None:
            if candidates:
                warnings.append(
                    "FIRSTX, LASTX or DELTAX contradict the abscissae of the table's lines: "
                    f"the axis follows the lines, {measured[0]:.8g} to {measured[-1]:.8g}"
                )
            return measured, warnings
    if not candidates:
        raise TableError("no FIRSTX, LASTX or DELTAX and no usable abscissae in the lines")
    start, step, _ = candidates[0]
    _check_delta(declared, step, warnings)
    return start + step * np.arange(n), warnings


def _check_delta(declared: DeclaredAxis, step: float, warnings: list[str]) -> None:
    if declared.delta and abs(abs(declared.delta) - abs(step)) > 0.02 * abs(step):
        warnings.append(f"DELTAX says {declared.delta:.8g} but the step is {step:.8g}")


def _declared_axes(n: int, declared: DeclaredAxis) -> list[tuple[float, float, str]]:
    """Start and step of each reading of the header, the likeliest first."""
    first, last, delta = declared.first, declared.last, declared.delta
    axes = []
    if first is not None and last is not None and first != last and n > 1:
        whole = ((last - first) / (n - 1), "FIRSTX and LASTX")
        points = declared.points
        if points is not None and points > 1 and round(points) != n:
            # Fewer points than declared: the file was cut, so the declared step still holds, unless
            # the number is beyond belief.
            cut = ((last - first) / (points - 1), "FIRSTX and the declared step")
            steps = [cut, whole] if n < points < 100 * n else [whole, cut]
        else:
            steps = [whole]
        axes += [(first, step, name) for step, name in steps]
    if first is not None and delta:
        # Some programs give DELTAX without its sign.
        falls = last is not None and last < first
        axes.append((first, -abs(delta) if falls else delta, "FIRSTX and DELTAX"))
    if first is None and last is not None and delta:
        axes.append((last - delta * (n - 1), delta, "LASTX and DELTAX"))
    return [(a, s, name) for a, s, name in axes if np.isfinite(a + s * n) and s != 0]


@dataclass(frozen=True)
class _Lines:
    """The abscissae that open the lines, not scaled, and the index of the point each belongs to."""

    x: np.ndarray
    index: np.ndarray
    resolution: float

    @classmethod
    def of(cls, table: Ordinates, n: int) -> _Lines | None:
        usable = np.isfinite(table.line_x) & (table.line_index < n)
        x, index = table.line_x[usable], table.line_index[usable]
        if len(x) == 0:
            return None
        new = np.append(True, np.diff(index) > 0)
        x, index = x[new], index[new]
        scale = 10.0 ** np.arange(0, 10)
        decimals = next((k for k in range(10) if np.allclose(x * scale[k] % 1, 0, atol=1e-6)), 9)
        # Programs that print a fixed number of digits round large abscissae more coarsely.
        coarse = 2e-6 * float(np.abs(x).max())
        return cls(x, index, max(10.0**-decimals, coarse))

    def agree(self, start: float, step: float, factor: float) -> bool:
        """Whether an axis lies within rounding of the lines' abscissae, scaled or not.

        A column of plain point numbers, up or down, agrees with every axis. All lines but the first
        may be one point off: programs differ in whether a check line counts from the checked point,
        and NIST's quantitative IR files count one short.
        """
        expected = start + step * self.index
        for scale in dict.fromkeys((factor, 1.0)):
            off = self.x * scale - expected
            allowed = 0.6 * abs(step) + self.resolution * abs(scale) + self._drift() * abs(scale)
            if np.abs(off).max() <= allowed:
                return True
            if len(off) > 1 and any(
                np.abs(off[1:] - shift).max() <= allowed for shift in (step, -step)
            ):
                return True
        counted = np.abs(self.x - self.x[0])
        whole = np.allclose(self.x, np.round(self.x))
        ends_at_count = self.x[0] in (0, 1) or abs(self.x[-1]) <= 1
        return bool(
            len(self.x) > 1
            and whole
            and ends_at_count
            and np.abs(counted - (self.index - self.index[0])).max() <= 1
        )

    def _drift(self) -> float:
        """How far the last abscissa may have run off because a rounded step was added up."""
        if len(self.x) < 3:
            return 0.0
        steps = np.diff(self.x) / np.diff(self.index)
        if np.abs(steps - steps[0]).max() > 1e-6 * abs(steps[0]):
            return 0.0
        return min(0.5 * self.resolution * self.index[-1], 1e-4 * float(np.ptp(self.x)))

    def axis(self, factor: float, first: float | None, n: int) -> np.ndarray | None:
        """The axis that the lines themselves give, or None if they neither rise nor fall."""
        if len(self.x) < 2:
            return None
        scales = dict.fromkeys((factor, 1.0))
        if first is None:
            scale = next(iter(scales))
        else:
            scale = min(scales, key=lambda s: abs(self.x[0] * s - first))
        x = self.x * scale
        slope, intercept = np.polyfit(self.index, x, 1)
        if slope == 0 or not np.isfinite(slope):
            return None
        straight = intercept + slope * np.arange(n)
        if np.abs(x - straight[self.index]).max() <= 1.5 * (
            abs(slope) + self.resolution * abs(scale)
        ):
            return straight
        steps = np.diff(x) / np.diff(self.index)
        if not ((steps > 0).all() or (steps < 0).all()):
            return None
        # A gap in the scan: within a line the points keep the usual step.
        usual = float(np.median(steps))
        position = np.searchsorted(self.index, np.arange(n), side="right") - 1
        position = np.maximum(position, 0)
        pieces = x[position] + usual * (np.arange(n) - self.index[position])
        if (np.diff(pieces) > 0).all() or (np.diff(pieces) < 0).all():
            return pieces
        return np.interp(np.arange(n), self.index, x) if self.index[-1] == n - 1 else None
