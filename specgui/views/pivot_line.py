"""The line in a plot that shows, and moves, the pivot of a phase."""

from __future__ import annotations

import pyqtgraph as pg
import shiboken6
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor

from specgui.appearance import Appearance
from specgui.views.plot_canvas import PlotCanvas


class PivotLine(QObject):
    """One line in one plot at a time; ``moved`` carries the place to which it was dragged."""

    moved = Signal(float)

    def __init__(self, appearance: Appearance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._canvas: PlotCanvas | None = None
        self._line: pg.InfiniteLine | None = None

    @property
    def position(self) -> float | None:
        """Where the line stands on the axis as it is drawn; None when it is not shown."""
        return float(self._line.value()) if self._is_there() else None

    def show_in(self, canvas: PlotCanvas | None, position: float | None) -> None:
        """Put the line at a place of a plot; None for either takes it away."""
        if canvas is None or position is None:
            self.hide()
            return
        if not self._is_there() or self._canvas is not canvas:
            self.hide()
            self._canvas, self._line = canvas, self._made()
            canvas.view.addItem(self._line, ignoreBounds=True)
        if not self._line.moving and self._line.value() != position:
            self._line.blockSignals(True)
            self._line.setPos(position)
            self._line.blockSignals(False)

    def hide(self) -> None:
        if self._is_there():
            self._canvas.view.removeItem(self._line)
        self._canvas = self._line = None

    def _is_there(self) -> bool:
        # The plot and what is in it may be gone before this learns of it.
        return (
            self._line is not None
            and shiboken6.isValid(self._canvas)
            and shiboken6.isValid(self._line)
        )

    def _made(self) -> pg.InfiniteLine:
        theme = self._appearance.theme
        pen = pg.mkPen(theme.accent, width=1, style=Qt.PenStyle.DashDotLine)
        line = pg.InfiniteLine(
            angle=90, movable=True, pen=pen, hoverPen=pg.mkPen(theme.accent, width=2),
            label="pivot", labelOpts={"position": 0.94, "color": QColor(theme.accent)},
        )  # fmt: skip
        line.setZValue(45)
        line.setCursor(Qt.CursorShape.SizeHorCursor)
        line.sigPositionChanged.connect(lambda moved: self.moved.emit(float(moved.value())))
        return line
