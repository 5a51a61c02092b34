"""The chromatogram of a run: a click chooses a scan, a drag along the time the mean of several."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor

from specgui.appearance import Theme
from specgui.views.plot_canvas import PlotCanvas
from specgui.views.spectrum_view_box import SpectrumViewBox
from specgui.workers.presenting import Presentation

STEP_KEYS = {
    Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10,
}  # fmt: skip
_LEAST_DRAG_PIXELS = 3


class TimeViewBox(SpectrumViewBox):
    """As other plots, but a plain drag marks a range of time; with Ctrl that of the background."""

    time_clicked = Signal(float)
    range_marked = Signal(float, float, bool, bool)  # from, to, is it the background, is it done

    def mouseDragEvent(self, ev, axis=None) -> None:
        plain = ev.button() == Qt.MouseButton.LeftButton and not (
            ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if not plain:
            super().mouseDragEvent(ev, axis)
            return
        ev.accept()
        start, end = ev.buttonDownPos(), ev.pos()
        behind = bool(ev.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if abs(end.x() - start.x()) >= _LEAST_DRAG_PIXELS or ev.isFinish():
            first, last = sorted((self._time_at(start), self._time_at(end)))
            self.range_marked.emit(first, last, behind, ev.isFinish())

    def mouseClickEvent(self, ev) -> None:
        if ev.button() == Qt.MouseButton.LeftButton and not ev.double():
            ev.accept()
            self.time_clicked.emit(self._time_at(ev.pos()))
        else:
            super().mouseClickEvent(ev)

    def _time_at(self, place: QPointF) -> float:
        return float(self.mapToView(place).x())


class SteppedCanvas(PlotCanvas):
    """A plot in which the arrow keys go from scan to scan."""

    stepped = Signal(int)

    def keyPressEvent(self, event) -> None:
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        step = STEP_KEYS.get(Qt.Key(event.key()))
        if step is not None and not held:
            event.accept()
            self.stepped.emit(step)
        else:
            super().keyPressEvent(event)


class ChromatogramPlot(SteppedCanvas):
    """Draws intensity against minutes, the chosen scan or ranges, and ticks for MS/MS scans."""

    time_clicked = Signal(float)  # in s
    mean_wanted = Signal(float, float)  # in s
    background_wanted = Signal(float, float)  # in s

    def __init__(self, theme: Theme, parent=None) -> None:
        self._chosen = pg.InfiniteLine(angle=90, movable=False)
        self._mean = _band()
        self._behind = _band()
        self._ticks = pg.PlotCurveItem(connect="pairs", skipFiniteCheck=True)
        super().__init__(theme, parent, TimeViewBox())
        for item in (self._chosen, self._mean, self._behind):
            item.hide()
            self.view.addItem(item, ignoreBounds=True)
        self.strip_view.addItem(self._ticks, ignoreBounds=True)
        self.view.time_clicked.connect(lambda minutes: self.time_clicked.emit(minutes * 60))
        self.view.range_marked.connect(self._on_range_marked)
        self.set_theme(theme)

    def show_chromatogram(self, seconds: np.ndarray, intensity: np.ndarray) -> None:
        """Draw a trace; ``seconds`` and ``intensity`` of shape ``(n,)``, in any order."""
        known = np.isfinite(seconds) & np.isfinite(intensity)
        order = np.argsort(seconds[known], kind="stable")
        minutes, y = seconds[known][order] / 60, intensity[known][order]
        if len(minutes) == 0:
            minutes, y = np.array([0.0, 1.0]), np.zeros(2)
        extent = (min(0.0, float(y.min())), float(y.max()))
        shown = Presentation(minutes, y, "min", "intensity", "continuous", y_range=extent, peaks=())
        self.show_presentation(shown, "", descending=False)

    def show_ticks(self, seconds: np.ndarray) -> None:
        """Mark the times of MS/MS scans below the trace; ``seconds`` of shape ``(n,)``."""
        minutes = seconds[np.isfinite(seconds)] / 60
        ends = np.tile([0.1, 0.9], len(minutes))
        self._ticks.setData(np.repeat(minutes, 2), ends)
        self.set_strip_visible(len(minutes) > 0)

    def mark_scan(self, seconds: float | None) -> None:
        """Mark one scan's time, and no mean any more."""
        self._mean.hide()
        self._behind.hide()
        self._chosen.setVisible(seconds is not None and bool(np.isfinite(seconds)))
        if self._chosen.isVisible():
            self._chosen.setPos(seconds / 60)

    def mark_mean(self, times: tuple[float, float], background: tuple[float, float] | None) -> None:
        """Mark the range of a mean and that of its background, in s."""
        self._chosen.hide()
        for item, wanted in ((self._mean, times), (self._behind, background)):
            item.setVisible(wanted is not None)
            if wanted is not None:
                item.setRegion((wanted[0] / 60, wanted[1] / 60))

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self._chosen.setPen(pg.mkPen(theme.accent, width=1))
        self._ticks.setPen(pg.mkPen(theme.accent, width=1))
        for item, colour in ((self._mean, theme.accent), (self._behind, theme.warning)):
            ground = QColor(colour)
            ground.setAlpha(46)
            item.setBrush(ground)
            for line in item.lines:
                line.setPen(pg.mkPen(colour, width=1))

    def _on_range_marked(self, first: float, last: float, behind: bool, done: bool) -> None:
        item = self._behind if behind else self._mean
        item.setRegion((first, last))
        item.show()
        if done:
            wanted = self.background_wanted if behind else self.mean_wanted
            wanted.emit(first * 60, last * 60)


def _band() -> pg.LinearRegionItem:
    item = pg.LinearRegionItem(movable=False)
    item.setZValue(-10)
    return item
