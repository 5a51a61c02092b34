"""Integrals of a spectrum as a paper draws them: curves over the trace, numbers below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF

from specgui.appearance import Theme
from specgui.views.plot_band import PlotBand
from specgui.views.plot_labels import small_font
from specgui.workers.analysing import IntegralCurve

_MARGIN = 2.0
_BRACKET = 5.0
_LOW_PLOT = 190.0
# Where the curves stand in the view: the foot of all, and how high the largest rises.
_FOOT_SHARE, _RISE_SHARE = 0.62, 0.5


@dataclass(frozen=True)
class _Number:
    curve: IntegralCurve
    text: str
    left: float
    right: float
    middle: float


class IntegralCurves(pg.GraphicsObject):
    """The curves, in the pixels of their view: a change of the height of the trace moves none."""

    def __init__(self, view: pg.ViewBox, theme: Theme) -> None:
        super().__init__(view)
        self._view = view
        self._theme = theme
        self._curves: tuple[IntegralCurve, ...] = ()
        self.setZValue(25)
        self.setFlag(self.GraphicsItemFlag.ItemIsSelectable, False)
        view.sigRangeChanged.connect(self._on_moved)
        view.sigResized.connect(self._on_moved)

    @property
    def curves(self) -> tuple[IntegralCurve, ...]:
        return self._curves

    def show_curves(self, curves: Sequence[IntegralCurve]) -> None:
        self._curves = tuple(curves)
        self.prepareGeometryChange()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(self._view.rect()) if self._curves else QRectF()

    def viewRangeChanged(self) -> None:
        pass

    def _on_moved(self, *_args) -> None:
        if self._curves:
            self.prepareGeometryChange()
            self.update()

    def points(self, curve: IntegralCurve) -> tuple[np.ndarray, np.ndarray]:
        """A curve in pixels of the view: columns and rows, both ``(n,)``."""
        scale = self._view.childTransform()
        height = self._view.height()
        largest = max((abs(float(c.area[-1])) for c in self._curves), default=0.0) or 1.0
        columns = curve.x * scale.m11() + scale.dx()
        rows = height * (_FOOT_SHARE - _RISE_SHARE * curve.area / largest)
        return columns, rows

    def paint(self, painter, *_args) -> None:
        if not self._curves:
            return
        painter.setRenderHint(painter.RenderHint.Antialiasing)
        painter.setPen(pg.mkPen(self._theme.success, width=1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        width = self._view.width()
        for curve in self._curves:
            columns, rows = self.points(curve)
            if columns.max() < 0 or columns.min() > width:
                continue
            painter.drawPath(pg.arrayToQPath(columns, rows))


class IntegralBand(PlotBand):
    """A band below a view with the numbers of nuclei; it has no height without integrals."""

    chosen = Signal(object)  # the Integral that was clicked
    edit_wanted = Signal(object, QRectF)  # that was clicked twice, and where its number stands

    def __init__(self, view: pg.ViewBox, theme: Theme) -> None:
        super().__init__(view, theme)
        self._curves: tuple[IntegralCurve, ...] = ()
        self._upright = False
        self.drawn: list[tuple[str, QRectF, IntegralCurve]] = []
        self.setToolTip("Double click a number to say how many nuclei it stands for")

    @property
    def is_empty(self) -> bool:
        return not self._curves

    @property
    def curves(self) -> tuple[IntegralCurve, ...]:
        return self._curves

    def show_curves(self, curves: Sequence[IntegralCurve]) -> None:
        self._curves = tuple(curves)
        self.update()

    def height_for(self, tall: float, font: QFont) -> float:
        """The height that the numbers need in a plot that is ``tall`` pixels high."""
        if not self._curves:
            return 0.0
        metrics = QFontMetricsF(small_font(font))
        self._upright = tall >= _LOW_PLOT
        longest = max(metrics.horizontalAdvance(_text(curve)) for curve in self._curves)
        room = longest + 2 if self._upright else metrics.height()
        return _MARGIN + _BRACKET + 4 + room

    def paint(self, painter, *_args) -> None:
        self.drawn = []
        font = self._ready(painter)
        if font is None:
            return
        size = self.size()
        painter.setPen(pg.mkPen(self._theme.success, width=1))
        metrics = QFontMetricsF(font)
        numbers = self._numbers(size.width())
        thick = metrics.height() - 2 if self._upright else 0.0
        wide = [metrics.horizontalAdvance(number.text) for number in numbers]
        half = [(thick if self._upright else width) / 2 for width in wide]
        middles = _spread([n.middle for n in numbers], half, size.width())
        for number, middle, width in zip(numbers, middles, wide, strict=True):
            y = _MARGIN + _BRACKET
            painter.drawLine(QPointF(number.left, _MARGIN), QPointF(number.left, y))
            painter.drawLine(QPointF(number.right, _MARGIN), QPointF(number.right, y))
            painter.drawLine(QPointF(number.left, y), QPointF(number.right, y))
            if middle is None:
                continue
            painter.drawLine(QPointF(number.middle, y), QPointF(middle, y + 3))
            if self._upright:
                box = QRectF(middle - thick / 2, y + 4, thick, width)
                painter.save()
                painter.translate(box.center())
                painter.rotate(-90)
                painter.drawText(
                    QRectF(-width / 2 - 1, -metrics.height() / 2, width + 2, metrics.height()),
                    Qt.AlignmentFlag.AlignCenter, number.text,
                )  # fmt: skip
                painter.restore()
            else:
                box = QRectF(middle - width / 2, y + 3, width, metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, number.text)
            self.drawn.append((number.text, box, number.curve))

    def _numbers(self, width: float) -> list[_Number]:
        """What is in view, from left to right."""
        found = []
        for curve in self._curves:
            ends = sorted((self.column(curve.integral.low), self.column(curve.integral.high)))
            if ends[1] < 0 or ends[0] > width:
                continue
            left, right = max(ends[0], 0.0), min(ends[1], width)
            found.append(_Number(curve, _text(curve), left, right, (left + right) / 2))
        return sorted(found, key=lambda number: number.middle)

    # the mouse

    def curve_at(self, place: QPointF) -> IntegralCurve | None:
        """The integral whose number, or bracket, is at a place in the band."""
        for _, box, curve in self.drawn:
            if box.adjusted(-3, -3, 3, 3).contains(place):
                return curve
        for number in self._numbers(self.size().width()):
            if number.left - 2 <= place.x() <= number.right + 2:
                return number.curve
        return None

    def mouseClickEvent(self, ev) -> None:
        if ev.button() != Qt.MouseButton.LeftButton:
            ev.ignore()
            return
        ev.accept()
        curve = self.curve_at(ev.pos())
        if curve is None:
            return
        if ev.double():
            box = next(
                (box for _, box, one in self.drawn if one is curve), QRectF(ev.pos(), ev.pos())
            )
            self.edit_wanted.emit(curve.integral, box)
        else:
            self.chosen.emit(curve.integral)


def _text(curve: IntegralCurve) -> str:
    nuclei = curve.integral.nuclei
    return "–" if nuclei is None else f"{nuclei:.2f}".replace("-", "−")


def _spread(middles: Sequence[float], half: Sequence[float], width: float) -> list[float | None]:
    """Places for numbers side by side, each as near to its own as can be; None where all is full.

    ``middles`` rise; ``half`` are half of the widths, all in pixels.
    """
    room = [2 * h + 3 for h in half]
    if sum(room) > width:
        # The narrowest regions lose their numbers: zooming in brings them back.
        kept, left = [], width
        for k in sorted(range(len(room)), key=lambda k: room[k]):
            if room[k] <= left:
                kept.append(k)
                left -= room[k]
        kept.sort()
        placed = _spread([middles[k] for k in kept], [half[k] for k in kept], width)
        by_index = dict(zip(kept, placed, strict=True))
        return [by_index.get(k) for k in range(len(room))]
    groups: list[list] = []  # left end, room, number of members, sum of wished left ends
    for middle, need in zip(middles, room, strict=True):
        group = [middle - need / 2, need, 1, middle - need / 2]
        while groups and groups[-1][0] + groups[-1][1] > group[0]:
            before = groups.pop()
            total = before[3] + group[3] - group[2] * before[1]
            members = before[2] + group[2]
            group = [total / members, before[1] + group[1], members, total]
        groups.append(group)
    places: list[float | None] = []
    index, edge = 0, 0.0
    after = sum(group[1] for group in groups)
    for left, size, members, _ in groups:
        start = min(max(left, edge), width - after)
        after -= size
        edge = start
        for _ in range(members):
            places.append(edge + room[index] / 2)
            edge += room[index]
            index += 1
    return places
