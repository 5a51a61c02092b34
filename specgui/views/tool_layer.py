"""Takes the mouse from a plot while a tool is in use: clicks for peaks, drags for regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor

from specgui.appearance import Theme
from specgui.document.plot_tools import INTEGRAL, PEAK, ZOOM

_REACH = 8.0
_GRIP = 5.0
_LEAST_DRAG = 3.0


@dataclass(frozen=True)
class Span:
    """A region of the axis that can be taken by its ends: ``low`` < ``high``, and what it is of."""

    low: float
    high: float
    of: object


class ToolLayer(pg.GraphicsObject):
    """Takes the mouse from the view while a tool is in use, and shows what is being marked.

    The left button alone belongs to the tool; Shift and a drag pans as always.
    """

    clicked = Signal(float, float, bool)  # the place, the reach around it, whether to remove
    dragged = Signal(float, float)  # the ends of what was marked, low < high
    end_moved = Signal(object, float, float)  # the span's ``of``, and its new ends
    edit_wanted = Signal(object, QPointF)  # the span's ``of``, and where in the scene

    def __init__(self, view: pg.ViewBox, theme: Theme) -> None:
        super().__init__(view)
        self._view = view
        self._theme = theme
        self._name = ZOOM
        self._spans: Callable[[], Sequence[Span]] = tuple
        self._marked: tuple[float, float] | None = None
        self._held: tuple[Span, str] | None = None
        self._mouse: QPointF | None = None
        self.setZValue(60)
        view.sigResized.connect(self._on_changed)
        view.sigRangeChanged.connect(self._on_changed)

    @property
    def marked(self) -> tuple[float, float] | None:
        """What is being marked, low < high in the unit of the axis."""
        return self._marked

    def spans_from(self, spans: Callable[[], Sequence[Span]]) -> None:
        """Where to ask for the regions whose ends can be moved."""
        self._spans = spans

    def set_tool(self, name: str) -> None:
        self._name = name
        self._marked = self._held = self._mouse = None
        self._set_cursor()
        self._on_changed()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(self._view.rect())

    def viewRangeChanged(self) -> None:
        pass

    def _on_changed(self, *_args) -> None:
        self.prepareGeometryChange()
        self.update()

    def _set_cursor(self) -> None:
        if self._name == ZOOM:
            self.unsetCursor()
        else:
            over_end = self._mouse is not None and self._end_at(self._mouse.x()) is not None
            shape = Qt.CursorShape
            self.setCursor(shape.SplitHCursor if over_end else shape.CrossCursor)

    # places

    def _place(self, column: float) -> float:
        return self._view.mapToView(QPointF(column, 0.0)).x()

    def _column(self, place: float) -> float:
        return self._view.mapFromView(QPointF(place, 0.0)).x()

    def span_at(self, column: float) -> Span | None:
        """The region under a column of pixels; of several the narrowest."""
        place = self._place(column)
        inside = [s for s in self._spans() if s.low <= place <= s.high]
        return min(inside, key=lambda s: s.high - s.low, default=None)

    @property
    def under_mouse(self) -> Span | None:
        """The region under the mouse, None when the mouse is not on the plot."""
        if self._mouse is None or self._name == ZOOM:
            return None
        return self.span_at(self._mouse.x())

    def _end_at(self, column: float) -> tuple[Span, str] | None:
        if self._name != INTEGRAL:
            return None
        ends = [
            (abs(self._column(getattr(span, end)) - column), number, span, end)
            for number, span in enumerate(self._spans())
            for end in ("low", "high")
        ]
        nearest = min(ends, default=None)
        return nearest[2:] if nearest is not None and nearest[0] <= _GRIP else None

    # the mouse

    def hoverEvent(self, ev) -> None:
        self._mouse = None if ev.isExit() else ev.pos()
        if self._name != ZOOM:
            self._set_cursor()
            self.update()

    def mouseClickEvent(self, ev) -> None:
        if self._name == ZOOM or ev.button() != Qt.MouseButton.LeftButton:
            ev.ignore()
            return
        ev.accept()
        span = self.span_at(ev.pos().x())
        if ev.double():
            if span is not None and self._name != PEAK:
                self.edit_wanted.emit(span.of, ev.scenePos())
            return
        held = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier
        reach = abs(self._place(_REACH) - self._place(0.0))
        self.clicked.emit(self._place(ev.pos().x()), reach, bool(ev.modifiers() & held))

    def mouseDragEvent(self, ev) -> None:
        pans = ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        left = ev.button() == Qt.MouseButton.LeftButton
        if self._name in (ZOOM, PEAK) or not left or (pans and self._marked is None):
            ev.ignore()
            return
        ev.accept()
        start, here = ev.buttonDownPos().x(), ev.pos().x()
        if ev.isStart():
            self._held = self._end_at(start)
        self._marked = self._reached(start, min(max(here, 0.0), self._view.width()))
        if ev.isFinish():
            (low, high), held = self._marked, self._held
            self._marked = self._held = None
            if held is not None:
                self.end_moved.emit(held[0].of, low, high)
            elif abs(here - start) >= _LEAST_DRAG:
                self.dragged.emit(low, high)
        self._mouse = ev.pos()
        self.update()

    def _reached(self, start: float, here: float) -> tuple[float, float]:
        place = self._place(here)
        fixed = self._place(start)
        if self._held is not None:
            span, end = self._held
            fixed = span.high if end == "low" else span.low
        return (min(place, fixed), max(place, fixed))

    # looks

    def paint(self, painter, *_args) -> None:
        if self._name in (ZOOM, PEAK):
            return
        height = self._view.height()
        colour = QColor(self._theme.success if self._name == INTEGRAL else self._theme.accent)
        spans = self._spans()
        hovered = self.under_mouse
        for span in spans:
            if self._held is not None and span is self._held[0]:
                continue
            self._paint_span(
                painter, span.low, span.high, colour, 34 if span is hovered else 12, height
            )
        if self._marked is not None:
            self._paint_span(painter, *self._marked, colour, 50, height)

    def _paint_span(self, painter, low, high, colour: QColor, alpha: int, height: float) -> None:
        left, right = sorted((self._column(low), self._column(high)))
        if right < 0 or left > self._view.width():
            return
        ground, edge = QColor(colour), QColor(colour)
        ground.setAlpha(alpha)
        edge.setAlpha(min(255, 3 * alpha))
        painter.fillRect(QRectF(left, 0, right - left, height), ground)
        painter.setPen(pg.mkPen(edge, width=1))
        painter.drawLine(QPointF(left, 0), QPointF(left, height))
        painter.drawLine(QPointF(right, 0), QPointF(right, height))
