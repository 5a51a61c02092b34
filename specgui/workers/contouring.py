"""Making a two-dimensional spectrum ready to be drawn: processing, levels, contours."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from engine.spectra import Spectrum2D
from specgui.workers.job_board import Ticket

_MOST_SIDE = 1200  # points along an axis that contours are drawn through
_MOST_VERTICES = 250_000
_MARGIN = 0.15  # of a part, that is drawn around it


@dataclass(frozen=True, eq=False)
class ShownMatrix:
    """A two-dimensional spectrum as it is drawn: ``x`` and ``y`` ascending, ``z`` (ny, nx).

    ``top`` (nx,) and ``left`` (ny,) are its projections, ``noise`` one standard deviation,
    ``lowest`` the level that is sensible to begin with, ``highest`` the largest magnitude.
    """

    spectrum: Spectrum2D
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    noise: float
    lowest: float
    highest: float
    top: np.ndarray
    left: np.ndarray
    note: str = ""
    note_detail: str = ""

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The ends of x, then those of y."""
        return float(self.x[0]), float(self.x[-1]), float(self.y[0]), float(self.y[-1])


@dataclass(frozen=True, eq=False)
class ContourLine:
    """All lines of one level: points ``x``, ``y`` (n,); ``connect`` 0 where a line ends.

    ``strength`` is 0 for the lowest level, 1 for the highest.
    """

    level: float
    strength: float
    x: np.ndarray
    y: np.ndarray
    connect: np.ndarray


@dataclass(frozen=True, eq=False)
class Contours:
    """The lines of a part of a matrix, lowest level first.

    ``part`` holds the ends of x and of y that the lines reach, infinite where the data end;
    ``drawn`` the same within the data. ``whole`` says that nothing finer could be drawn there,
    ``cut`` that low levels are missing because they have too many points.
    """

    lowest: float
    part: tuple[float, float, float, float]
    drawn: tuple[float, float, float, float]
    lines: tuple[ContourLine, ...]
    whole: bool = True
    cut: bool = False

    def suits(self, view: tuple[float, float, float, float], lowest: float) -> bool:
        """Whether a view (ends of x and y) at a lowest level needs no other lines."""
        if lowest != self.lowest:
            return False
        inside = (
            self.part[0] <= view[0] and view[1] <= self.part[1]
            and self.part[2] <= view[2] and view[3] <= self.part[3]
        )  # fmt: skip
        if not inside:
            return False
        if self.whole:
            return True
        shares = []
        for k in (0, 2):
            low, high = self.drawn[k], self.drawn[k + 1]
            shares.append((min(view[k + 1], high) - max(view[k], low)) / max(high - low, 1e-30))
        return max(shares) > 0.6


def show_matrix(spectrum: Spectrum2D) -> ShownMatrix:
    """A spectrum ready to be drawn; raw data are processed by the default chain."""
    from engine.processing.contours import largest, lowest_level, matrix_noise, skyline
    from engine.processing.transform_2d import transform_2d

    note = detail = ""
    if spectrum.kind == "fid":
        spectrum = transform_2d(spectrum)
        note = "Raw data, processed to be shown"
        detail = "Default processing: " + str(spectrum.metadata.get("processing", ""))
    shown = spectrum.ascending
    z = np.ascontiguousarray(shown.z)
    noise = matrix_noise(z)
    return ShownMatrix(
        spectrum, shown.x, shown.y, z, noise, lowest_level(z, noise), largest(z),
        skyline(z, 0), skyline(z, 1), note, detail,
    )  # fmt: skip


def contours_of(
    matrix: ShownMatrix,
    view: tuple[float, float, float, float],
    lowest: float,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Contours:
    """The lines of the part of a matrix that a view (ends of x and y) shows, and a bit around it.

    The highest levels come first; when the lines have too many points, the low ones are left out.
    """
    from contourpy import LineType, contour_generator

    from engine.processing.contours import contour_levels, reduced

    columns = _within(matrix.x, view[0], view[1])
    rows = _within(matrix.y, view[2], view[3])
    x, y, z = matrix.x[columns], matrix.y[rows], matrix.z[rows, columns]
    drawn = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
    ends = matrix.extent
    # What reaches the end of the data reaches everything beyond it.
    part = tuple(
        (-np.inf if k % 2 == 0 else np.inf) if drawn[k] == ends[k] else drawn[k] for k in range(4)
    )
    whole = len(x) <= _MOST_SIDE and len(y) <= _MOST_SIDE
    x, y, z = reduced(x, y, z, _MOST_SIDE, _MOST_SIDE)
    if len(x) < 2 or len(y) < 2:
        return Contours(lowest, part, drawn, ())
    generator = contour_generator(x, y, z, name="serial", line_type=LineType.ChunkCombinedOffset)
    levels = contour_levels(lowest, matrix.highest)
    lines: list[ContourLine] = []
    vertices, cut = 0, False
    for place in reversed(range(len(levels))):
        for sign in (1.0, -1.0):
            if is_cancelled():
                return Contours(lowest, part, drawn, ())
            line = _line(generator, sign * levels[place], place / max(1, len(levels) - 1))
            if line is not None:
                vertices += len(line.x)
                lines.append(line)
        if vertices > _MOST_VERTICES and place > 0:
            cut = True
            break
    return Contours(lowest, part, drawn, tuple(reversed(lines)), whole, cut)


def _within(axis: np.ndarray, low: float, high: float) -> slice:
    """The points of a rising axis between two ends, some more on both sides."""
    room = _MARGIN * (high - low)
    first = max(0, int(np.searchsorted(axis, low - room)) - 2)
    last = min(len(axis), int(np.searchsorted(axis, high + room)) + 2)
    if last - first < 2:
        return slice(max(0, min(first, len(axis) - 2)), min(len(axis), max(first, 0) + 2))
    return slice(first, last)


def _line(generator, level: float, strength: float) -> ContourLine | None:
    (points,), (offsets,) = generator.lines(level)
    if points is None or len(points) < 2:
        return None
    connect = np.ones(len(points), dtype=np.int32)
    connect[offsets[1:].astype(np.int64) - 1] = 0
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    return ContourLine(level, strength, x, y, connect)


def showing_matrix(spectrum: Spectrum2D) -> Callable[[Ticket], Generator]:
    """The verb: returns the matrix as it is drawn."""

    def verb(ticket: Ticket) -> Generator[None, None, ShownMatrix]:
        yield
        return show_matrix(spectrum)

    return verb


def contouring(
    matrix: ShownMatrix, view: tuple[float, float, float, float], lowest: float
) -> Callable[[Ticket], Generator]:
    """The verb: returns the contours of what a view shows."""

    def verb(ticket: Ticket) -> Generator[None, None, Contours]:
        yield
        return contours_of(matrix, view, lowest, ticket.is_cancelled)

    return verb
