"""How the mouse moves through a spectrum: wheel, box, pan, and back to the whole."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal

from specgui.views.zoom_history import Part, ViewPart, ZoomHistory

_WHEEL_STEP = 1.0015
# Room for a peak label beyond the tallest peak, and a little at the other end.
_LABEL_PIXELS = 30
_MOST_LABEL_SHARE = 0.3
_MOST_TOP_SHARE = 0.15
_LIMIT = 3.0
_FOOTROOM = 0.03
_LEAST_BOX_HEIGHT = 0.08


class SpectrumViewBox(pg.ViewBox):
    """Wheel zooms along the axis (with Ctrl or Shift: the height), a drag zooms to a box, a drag
    with Shift or the middle button pans, a double click shows everything again; the side buttons
    go back and forward through what was in view."""

    double_clicked = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self._whole = ((0.0, 1.0), (0.0, 1.0))
        self._labels_below = False
        self._top_room = 0.0
        self._home = self._whole
        self.history = ZoomHistory(self._part, self._show_part)
        self.setMouseMode(pg.ViewBox.RectMode)
        self.disableAutoRange()

    def set_home(
        self, x_range: tuple[float, float], y_range: tuple[float, float], down: bool
    ) -> None:
        """The ranges of the whole spectrum; ``down``: peaks (and their labels) point down."""
        (left, right), (low, high) = x_range, y_range
        width = (right - left) or max(abs(left) * 0.02, 1.0)
        height = (high - low) or abs(high) or 1.0
        ends = (left - 0.01 * width, right + 0.01 * width)
        if ends != self._whole[0]:
            self.history.clear()
        self._whole = (ends, (low, low + height))
        self._labels_below = down
        self.setLimits(
            xMin=left - 0.1 * width, xMax=right + 0.1 * width,
            yMin=low - _LIMIT * height, yMax=high + _LIMIT * height,
        )  # fmt: skip
        self.go_home()

    def go_home(self) -> None:
        """Show the whole spectrum, with room for the labels."""
        (low, high), height = self._whole[1], self._whole[1][1] - self._whole[1][0]
        tall = max(self.height(), 1.0)
        label = min(_LABEL_PIXELS / tall, _MOST_LABEL_SHARE)
        top = min(self._top_room / tall, _MOST_TOP_SHARE)
        head, foot = (_FOOTROOM, label) if self._labels_below else (label, _FOOTROOM)
        share = 1 / (1 - head - foot - top)
        head, foot = (head + top) * share, foot * share
        self._home = (self._whole[0], (low - foot * height, high + head * height))
        self.setRange(xRange=self._home[0], yRange=self._home[1], padding=0, update=True)

    @property
    def is_home(self) -> bool:
        (left, right), (low, high) = self.viewRange()
        near = 1e-6
        home_x, home_y = self._home
        return abs(left - home_x[0]) + abs(right - home_x[1]) < near * abs(
            home_x[1] - home_x[0]
        ) and abs(low - home_y[0]) + abs(high - home_y[1]) < near * abs(home_y[1] - home_y[0])

    def show_whole(self) -> None:
        """Go back to the whole spectrum, as a step of the history."""
        self.history.begin("whole")
        self.go_home()

    def show_x_range(self, low: float, high: float) -> None:
        """Show a part of the axis, as a step of the history; the height stays as it is."""
        self.history.begin(f"{low} to {high}")
        self.setXRange(low, high, padding=0)

    def _part(self) -> Part:
        if self.is_home:
            return None
        (left, right), (low, high) = self.viewRange()
        bottom, top = self._whole[1]
        return ViewPart(
            (left, right), ((low - bottom) / (top - bottom), (high - bottom) / (top - bottom))
        )

    def _show_part(self, part: Part) -> None:
        if part is None:
            self.go_home()
            return
        bottom, top = self._whole[1]
        heights = [bottom + share * (top - bottom) for share in part.y]
        self.setRange(xRange=part.x, yRange=heights, padding=0, update=True)

    def chosen_height(self) -> tuple[float, float] | None:
        """The range of heights in view, None when it is that of the whole spectrum."""
        low, high = self.viewRange()[1]
        whole = self._home[1]
        near = 1e-6 * abs(whole[1] - whole[0])
        return None if abs(low - whole[0]) + abs(high - whole[1]) < near else (low, high)

    def set_top_room(self, pixels: float) -> None:
        """Keep room at the top for labels of bands."""
        was_home, self._top_room = self.is_home, pixels
        if was_home:
            self.go_home()

    def resizeEvent(self, ev) -> None:
        was_home = self.is_home
        super().resizeEvent(ev)
        if was_home:
            self.go_home()

    def zoom(self, factor: float) -> None:
        """Narrow (below 1) or widen the part of the axis in view around its middle."""
        self.history.begin("zoom")
        self.scaleBy(x=factor)

    def pan(self, share: float) -> None:
        """Move by a share of the view, to the right as seen on the screen."""
        self.history.begin("pan")
        left, right = self.viewRange()[0]
        step = (right - left) * share
        self.translateBy(x=-step if self.xInverted() else step)

    def wheelEvent(self, ev, axis=None) -> None:
        held = ev.modifiers()
        tall = held & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if ev.orientation() == Qt.Orientation.Horizontal and not tall:
            self.pan(-ev.delta() / 1200)
        else:
            self.history.begin("height" if tall else "wheel")
            factor = _WHEEL_STEP ** -ev.delta()
            centre = self.mapToView(self.mapFromScene(ev.scenePos()))
            if tall or axis == 1:
                self.scaleBy(y=factor, center=(0, 0))
            else:
                self.scaleBy(x=factor, center=centre)
        ev.accept()

    def mouseDragEvent(self, ev, axis=None) -> None:
        pans = ev.button() == Qt.MouseButton.MiddleButton or (
            ev.button() == Qt.MouseButton.LeftButton
            and ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if ev.button() == Qt.MouseButton.RightButton:
            ev.ignore()
            return
        if pans and ev.isStart():
            self.history.begin(f"drag from {ev.buttonDownScenePos()}")
        self.state["mouseMode"] = pg.ViewBox.PanMode if pans else pg.ViewBox.RectMode
        super().mouseDragEvent(ev, axis)

    def showAxRect(self, ax, **kwargs) -> None:
        """Zoom to a box; a box that is hardly more than a line along the axis keeps the height."""
        ax = ax.normalized()
        view = self.viewRect()
        if ax.height() < _LEAST_BOX_HEIGHT * view.height():
            ax.setTop(view.top())
            ax.setBottom(view.bottom())
        if ax.width() > 0:
            self.history.begin(f"box {ax}")
            super().showAxRect(ax, padding=0, **kwargs)

    def mouseClickEvent(self, ev) -> None:
        sides = {
            Qt.MouseButton.BackButton: self.history.back,
            Qt.MouseButton.ForwardButton: self.history.forward,
        }
        if ev.button() in sides:
            ev.accept()
            sides[ev.button()]()
        elif ev.double():
            ev.accept()
            self.double_clicked.emit()
        else:
            super().mouseClickEvent(ev)


class StillViewBox(pg.ViewBox):
    """A view that follows another one and leaves the mouse alone."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.disableAutoRange()

    def wheelEvent(self, ev, axis=None) -> None:
        ev.ignore()

    def mouseDragEvent(self, ev, axis=None) -> None:
        ev.ignore()
