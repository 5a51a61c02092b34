"""Draws several spectra of one kind on one axis: over each other, stacked, or as mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QTransform

from specgui.appearance import Theme
from specgui.views.axis_text import readout, x_title, y_scale, y_title
from specgui.views.overlay_colours import look_of
from specgui.views.spectrum_view_box import SpectrumViewBox
from specgui.views.sticks import Sticks
from specgui.workers.presenting import Presentation

OVERLAID, STACKED, MIRRORED = "overlaid", "stacked", "mirrored"
_LEFT_AXIS_WIDTH = 58
_REACH_PIXELS = 8


@dataclass(frozen=True)
class Arrangement:
    """How traces stand to each other; ``step`` is the offset of stacked ones as a share of the
    tallest, ``normalised`` gives all of them the same height."""

    mode: str = OVERLAID
    step: float = 0.3
    normalised: bool = True


@dataclass(eq=False)
class _Trace:
    shown: Presentation
    item: pg.GraphicsObject
    factor: float = 1.0
    offset: float = 0.0


class OverlayCanvas(pg.GraphicsLayoutWidget):
    """Draws traces in the order in which they are given, and says what is under the mouse."""

    hovered = Signal(str, object)  # the place in words, and each trace's value ("" for none)

    def __init__(self, theme: Theme, parent=None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.ci.setContentsMargins(2, 4, 10, 2)
        self.ci.layout.setHorizontalSpacing(0)
        self.ci.layout.setVerticalSpacing(0)
        self._theme = theme
        self._traces: list[_Trace] = []
        self._hidden: frozenset[int] = frozenset()
        self._arrangement = Arrangement()
        self._home: tuple | None = None
        self.view = SpectrumViewBox()
        self.left_axis, self.bottom_axis = pg.AxisItem("left"), pg.AxisItem("bottom")
        self.ci.addItem(self.left_axis, 0, 0)
        self.ci.addItem(self.view, 0, 1)
        self.ci.addItem(self.bottom_axis, 1, 1)
        self.ci.layout.setRowStretchFactor(0, 1)
        self.ci.layout.setColumnStretchFactor(1, 1)
        self.left_axis.linkToView(self.view)
        self.bottom_axis.linkToView(self.view)
        self.left_axis.setWidth(_LEFT_AXIS_WIDTH)
        self.left_axis.setStyle(maxTickLevel=0)
        self.bottom_axis.setStyle(tickTextOffset=2)
        for axis in (self.left_axis, self.bottom_axis):
            axis.enableAutoSIPrefix(False)
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.setZValue(40)
        self._line.hide()
        self._base = pg.InfiniteLine(angle=0, movable=False)
        self._base.setZValue(-5)
        self._base.hide()
        for item in (self._line, self._base):
            self.view.addItem(item, ignoreBounds=True)
        self.view.double_clicked.connect(self.reset)
        self.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self.set_theme(theme)

    # what is shown

    @property
    def offsets(self) -> list[float]:
        """The place of each trace's zero."""
        return [trace.offset for trace in self._traces]

    @property
    def factors(self) -> list[float]:
        """The number by which each trace's heights are drawn taller; negative: downwards."""
        return [trace.factor for trace in self._traces]

    def show_traces(
        self, presentations: Sequence[Presentation], technique: str, descending: bool
    ) -> None:
        """Draw spectra that have one unit of x; those that are drawn already are kept."""
        # Peaks that come later make another presentation of the same points.
        drawn = {id(trace.shown.y): trace for trace in self._traces}
        kept = [drawn.pop(id(shown.y), None) for shown in presentations]
        for trace in drawn.values():
            self.view.removeItem(trace.item)
        self._traces = [
            trace or _Trace(shown, self._make_item(shown))
            for trace, shown in zip(kept, presentations, strict=True)
        ]
        if presentations:
            self.view.invertX(descending and presentations[0].x_unit != "s")
            style = {"color": self._theme.axis}
            self.bottom_axis.setLabel(x_title(presentations[0].x_unit, technique), **style)
        self._paint()
        self._arrange()

    def arrange(self, arrangement: Arrangement) -> None:
        """Let the traces stand to each other in another way."""
        if arrangement != self._arrangement:
            self._arrangement = arrangement
            self._arrange()

    def hide_traces(self, places: frozenset[int]) -> None:
        """Do not draw the traces with these numbers; the others stay where they are."""
        self._hidden = places
        for number, trace in enumerate(self._traces):
            trace.item.setVisible(number not in places)

    # moving: as a single plot

    def reset(self) -> None:
        self.view.show_whole()

    def zoom(self, factor: float) -> None:
        self.view.zoom(factor)

    def pan(self, share: float) -> None:
        self.view.pan(share)

    def go_back(self) -> None:
        self.view.history.back()

    def go_forward(self) -> None:
        self.view.history.forward()

    # looks

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.setBackground(theme.plot)
        tick_font = QFont(self.font())
        tick_font.setPointSizeF(max(tick_font.pointSizeF() * 0.86, 7.0))
        for axis in (self.left_axis, self.bottom_axis):
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.axis))
            axis.setTickFont(tick_font)
        self._line.setPen(pg.mkPen(theme.crosshair, width=1, style=Qt.PenStyle.DashLine))
        self._base.setPen(pg.mkPen(theme.border, width=1))
        self._paint()

    def _paint(self) -> None:
        for number, trace in enumerate(self._traces):
            look = look_of(number, self._theme)
            pen = pg.mkPen(QColor(look.colour), width=1, style=look.style)
            trace.item.setZValue(-number * 0.01)
            if isinstance(trace.item, Sticks):
                trace.item.set_pen(pen)
            else:
                trace.item.setPen(pen)

    # how

    def _make_item(self, shown: Presentation) -> pg.GraphicsObject:
        pen = pg.mkPen(self._theme.trace, width=1)
        if shown.kind == "sticks":
            item = Sticks(shown.x, shown.y, pen)
            self.view.addItem(item, ignoreBounds=True)
            return item
        item = pg.PlotDataItem(
            pen=pen, antialias=False, skipFiniteCheck=shown.all_finite,
            connect="all" if shown.all_finite else "finite",
        )  # fmt: skip
        self.view.addItem(item, ignoreBounds=True)
        item.setClipToView(True)
        item.setDownsampling(auto=True, method="peak")
        item.setData(shown.x, shown.y)
        return item

    def _arrange(self) -> None:
        """Give each trace its height and its place; the data themselves are not copied."""
        if not self._traces:
            return
        wanted = self._arrangement
        highest = max(_height(trace.shown) for trace in self._traces)
        tallest = 0.0
        for number, trace in enumerate(self._traces):
            height = _height(trace.shown)
            # Transmittances have their own 0 and 100 %.
            plain = not wanted.normalised or trace.shown.y_unit == "transmittance" or height <= 0
            trace.factor = 1.0 if plain else highest / height
            tallest = max(tallest, trace.factor * height)
            if wanted.mode == MIRRORED and number % 2:
                trace.factor = -trace.factor
        step = wanted.step * tallest if wanted.mode == STACKED else 0.0
        ends: list[float] = []
        for number, trace in enumerate(self._traces):
            trace.offset = number * step
            trace.item.setTransform(QTransform.fromScale(1.0, trace.factor))
            trace.item.setPos(0.0, trace.offset)
            low, high = trace.shown.y_range
            low = min(low, 0.0) if trace.shown.kind == "sticks" else low
            ends += [trace.offset + trace.factor * low, trace.offset + trace.factor * high]
        self._base.setVisible(wanted.mode == MIRRORED)
        self._label_heights(highest, wanted)
        x_range = (
            min(float(trace.shown.x[0]) for trace in self._traces),
            max(float(trace.shown.x[-1]) for trace in self._traces),
        )
        home = (x_range, (min(ends), max(ends)))
        if home == self._home:
            return
        was_home = self._home is None or self.view.is_home
        before = self.view.viewRange()[0]
        same_axis = self._home is not None and self._home[0] == x_range
        self._home = home
        self.view.set_home(*home, down=False)
        if same_axis and not was_home:
            self.view.setXRange(*before, padding=0)

    def _label_heights(self, highest: float, wanted: Arrangement) -> None:
        unit = self._traces[0].shown.y_unit
        self.left_axis.setScale(y_scale(unit, highest))
        # Heights of stacked and mirrored traces are not those of one axis.
        self.left_axis.setStyle(showValues=wanted.mode == OVERLAID)
        self.left_axis.setLabel(y_title(unit), color=self._theme.axis)

    # the mouse

    def _on_mouse_moved(self, place: QPointF) -> None:
        if not self._traces or not self.view.sceneBoundingRect().contains(place):
            self._leave()
            return
        position = self.view.mapSceneToView(place).x()
        self._line.setPos(position)
        self._line.show()
        unit = self._traces[0].shown.x_unit
        place = readout(position, 0.0, unit, "none", 1.0).partition("    ")[0]
        self.hovered.emit(place, [self._text_at(trace, position) for trace in self._traces])

    def _text_at(self, trace: _Trace, position: float) -> str:
        shown = trace.shown
        scale = y_scale(shown.y_unit, shown.y_range[1])
        if isinstance(trace.item, Sticks):
            reach = _REACH_PIXELS * self.view.viewPixelSize()[0]
            point = trace.item.nearest(position, reach)
            # A stick stands beside the mouse: where, belongs to its value.
            text = readout(*point, shown.x_unit, shown.y_unit, scale) if point else ""
            return text.removeprefix("m/z ").replace("    ", "  ")
        if not shown.x[0] <= position <= shown.x[-1]:
            return ""
        index = min(int(np.searchsorted(shown.x, position)), len(shown.x) - 1)
        x, y = float(shown.x[index]), float(shown.y[index])
        text = readout(x, y, shown.x_unit, shown.y_unit, scale)
        return text.partition("    ")[2] if np.isfinite(y) else ""

    def leaveEvent(self, event) -> None:
        self._leave()
        super().leaveEvent(event)

    def _leave(self) -> None:
        if self._line.isVisible():
            self._line.hide()
            self.hovered.emit("", [])


def _height(shown: Presentation) -> float:
    low, high = shown.y_range
    return max(abs(high), abs(min(low, 0.0)))
