"""Labels on a plot, laid out in pixels so that none covers another: bands on top, then peaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF

from specgui.appearance import Theme
from specgui.workers.presenting import PeakMark

_GAP = 5.0
_TICK = 5.0
_MARGIN = 3.0
_MOST_PEAKS = 60
_LEAST_HEIGHT_OF_TWO_ROWS = 260
# A label that would have to go further than this from its peak to keep off the trace is left out.
_LONGEST_LEADER = 46.0

DrawnTrace = Callable[[], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class BandLabel:
    """A known band by name over the middle of its region, or (``stands_out``) what was found."""

    x: float
    text: str
    stands_out: bool = False


class PlotLabels(pg.GraphicsObject):
    """Draws as many labels as fit: the tallest peaks have the first choice of place."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._peaks: tuple[PeakMark, ...] = ()
        self._bands: tuple[BandLabel, ...] = ()
        self._trace: DrawnTrace | None = None
        self.drawn: list[tuple[str, QRectF]] = []
        self.placed: list[tuple[PeakMark, QRectF]] = []  # in pixels of the widget
        self.setZValue(30)

    @property
    def bands(self) -> tuple[BandLabel, ...]:
        return self._bands

    @property
    def peaks(self) -> tuple[PeakMark, ...]:
        return self._peaks

    def keep_off(self, trace: DrawnTrace) -> None:
        """Keep the labels off a trace; ``trace()`` is what is drawn now: x (n,) rising, y (n,)."""
        self._trace = trace

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_peaks(self, peaks: tuple[PeakMark, ...]) -> None:
        self._peaks = peaks
        self.update()

    def set_bands(self, bands: tuple[BandLabel, ...]) -> None:
        self._bands = bands
        self.update()

    def boundingRect(self) -> QRectF:
        view = self.viewRect()
        return QRectF(view) if view is not None else QRectF()

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()

    def dataBounds(self, *_args, **_kwargs):
        return None

    @staticmethod
    def band_rows(height: float) -> int:
        """How many rows of bands a plot of this height has room for."""
        return 2 if height >= _LEAST_HEIGHT_OF_TWO_ROWS else 1

    @staticmethod
    def band_height(font: QFont) -> float:
        """The height of a row of bands in pixels."""
        return QFontMetricsF(small_font(font)).height() + 2 * _MARGIN + 2

    @staticmethod
    def line_height(font: QFont) -> float:
        """The height of one line of a peak's label in pixels."""
        return QFontMetricsF(small_font(font)).height()

    def paint(self, painter, *_args) -> None:
        self.drawn, self.placed = [], []
        if not self._peaks and not self._bands:
            return
        to_pixels = painter.transform()
        view = self.viewRect()
        frame = to_pixels.mapRect(QRectF(view))
        painter.resetTransform()
        painter.setRenderHint(painter.RenderHint.TextAntialiasing)
        font = small_font(painter.font())
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        taken = self._paint_bands(painter, to_pixels, view, frame, metrics)
        self._paint_peaks(painter, to_pixels, view, frame, metrics, taken)

    def _paint_bands(self, painter, to_pixels, view, frame, metrics) -> list[QRectF]:
        taken: list[QRectF] = []
        height = metrics.height() + 2 * _MARGIN
        for band in self._bands:
            if not view.left() <= band.x <= view.right():
                continue
            middle = to_pixels.map(QPointF(band.x, view.top())).x()
            width = metrics.horizontalAdvance(band.text) + 4 * _MARGIN
            left = min(max(middle - width / 2, frame.left() + 2), frame.right() - width - 2)
            for row in range(self.band_rows(frame.height())):
                box = QRectF(left, frame.top() + 3 + row * (height + 2), width, height)
                if not any(box.adjusted(-_GAP, -1, _GAP, 1).intersects(t) for t in taken):
                    ground = QColor(self._theme.plot)
                    ground.setAlpha(225)
                    edge = self._theme.accent if band.stands_out else self._theme.importance[3]
                    painter.setPen(pg.mkPen(edge, width=1))
                    painter.setBrush(ground)
                    painter.drawRoundedRect(box, 4, 4)
                    painter.setPen(QColor(self._theme.text))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, band.text)
                    taken.append(box)
                    self.drawn.append((band.text, box))
                    break
        return taken

    def _paint_peaks(self, painter, to_pixels, view, frame, metrics, taken) -> None:
        pen, line = pg.mkPen(self._theme.peak, width=1), metrics.height()
        painter.setPen(pen)
        placed = 0
        obstacle = self._obstacles(to_pixels)
        for peak in self._peaks:
            if not (
                view.left() <= peak.x <= view.right() and view.top() <= peak.y <= view.bottom()
            ):
                continue
            tip = to_pixels.map(QPointF(peak.x, peak.y))
            height = 2 * line if peak.atoms else line
            width = max(map(metrics.horizontalAdvance, (peak.label, peak.atoms)))
            left = tip.x() - width / 2
            if left < frame.left() + 1 or left + width > frame.right() - 1:
                continue
            away = 1 if peak.points_down else -1
            start, end = tip.y() + 2 * away, tip.y() + (2 + _TICK) * away
            blocked = obstacle(left - 1, left + width + 1, away)
            if blocked is not None and (blocked + away - end) * away > 0:
                end = blocked + away
            if abs(end - tip.y()) > _LONGEST_LEADER:
                continue
            top = end + 1 if peak.points_down else end - 1 - height
            box = QRectF(left, top, width, height)
            if box.top() < frame.top() or box.bottom() > frame.bottom():
                continue
            if any(box.adjusted(-_GAP, 0, _GAP, 0).intersects(t) for t in taken):
                continue
            painter.drawLine(QPointF(tip.x(), start), QPointF(tip.x(), end))
            middle = Qt.AlignmentFlag.AlignHCenter
            painter.drawText(box, middle | Qt.AlignmentFlag.AlignBottom, peak.label)
            if peak.atoms:
                painter.setPen(QColor(self._theme.accent))
                painter.drawText(box, middle | Qt.AlignmentFlag.AlignTop, peak.atoms)
                painter.setPen(pen)
            taken.append(box)
            self.drawn.append((peak.label, box))
            self.placed.append((peak, box))
            placed += 1
            if placed == _MOST_PEAKS:
                return

    def _obstacles(self, to_pixels) -> Callable[[float, float, int], float | None]:
        """How far the trace reaches (in pixels) between two columns, downwards (1) or up (-1)."""
        if self._trace is None:
            return lambda _left, _right, _away: None
        x, y = self._trace()
        columns = x * to_pixels.m11() + to_pixels.dx()
        rows = y * to_pixels.m22() + to_pixels.dy()
        if len(columns) > 1 and columns[0] > columns[-1]:
            columns, rows = columns[::-1], rows[::-1]

        def reach(left: float, right: float, away: int) -> float | None:
            first, last = np.searchsorted(columns, (left, right))
            part = rows[first:last]
            part = part[np.isfinite(part)]
            if len(part) == 0:
                return None
            return float(part.max() if away > 0 else part.min())

        return reach


def small_font(font: QFont) -> QFont:
    """The font of labels on a plot."""
    small = QFont(font)
    small.setPointSizeF(max(font.pointSizeF() * 0.86, 7.0))
    return small
