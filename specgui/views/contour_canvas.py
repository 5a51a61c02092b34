"""The drawing area of a two-dimensional spectrum: contours, traces along two sides, crosshair."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFont

from specgui.appearance import Theme
from specgui.views.axis_text import x_title
from specgui.views.contour_items import ContourItem, ContourViewBox
from specgui.views.spectrum_view_box import StillViewBox
from specgui.workers.contouring import Contours, ShownMatrix

_TOP, _LEFT = 58, 66  # pixels for the traces
_RIGHT_AXIS_WIDTH = 58
_STEP_PIXELS, _LONG_STEP = 1, 10
_PAN = 0.15
_DECIMALS = {"1H": 3, "19F": 2}
Trace = tuple[np.ndarray, np.ndarray]


class ContourCanvas(pg.GraphicsLayoutWidget):
    """Draws what it is given; says what part is in view, and where the crosshair is."""

    hovered = Signal(object, str)  # the place along x (None: left), and the readout's text
    followed = Signal(str)  # the readout's text while another plot has the mouse
    range_changed = Signal()
    level_wanted = Signal(float)  # steps up or down

    def __init__(self, theme: Theme, parent=None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.ci.setContentsMargins(6, 4, 2, 2)
        self.ci.layout.setHorizontalSpacing(0)
        self.ci.layout.setVerticalSpacing(0)
        self._theme = theme
        self._matrix: ShownMatrix | None = None
        self._traces: tuple[Trace, ...] = ()
        self.axis_key: tuple[str, str] | None = None
        self.axis_key_y: tuple[str, str] | None = None

        self.view = ContourViewBox()
        self.top_view, self.left_view = StillViewBox(), StillViewBox()
        self.bottom_axis, self.right_axis = pg.AxisItem("bottom"), pg.AxisItem("right")
        self.ci.addItem(self.top_view, 0, 1)
        self.ci.addItem(self.left_view, 1, 0)
        self.ci.addItem(self.view, 1, 1)
        self.ci.addItem(self.right_axis, 1, 2)
        self.ci.addItem(self.bottom_axis, 2, 1)
        self.ci.layout.setRowFixedHeight(0, _TOP)
        self.ci.layout.setColumnFixedWidth(0, _LEFT)
        self.ci.layout.setRowStretchFactor(1, 1)
        self.ci.layout.setColumnStretchFactor(1, 1)
        self.right_axis.setWidth(_RIGHT_AXIS_WIDTH)
        for axis in (self.bottom_axis, self.right_axis):
            axis.linkToView(self.view)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickTextOffset=2)
        self.top_view.setXLink(self.view)
        self.left_view.setYLink(self.view)

        self.contours = ContourItem(theme)
        self.top_trace, self.left_trace = pg.PlotCurveItem(), pg.PlotCurveItem()
        self.top_view.addItem(self.top_trace, ignoreBounds=True)
        self.left_view.addItem(self.left_trace, ignoreBounds=True)
        self.view.addItem(self.contours, ignoreBounds=True)
        self._lines = [pg.InfiniteLine(angle=angle, movable=False) for angle in (90, 0)]
        for line in self._lines:
            line.setZValue(40)
            line.hide()
            self.view.addItem(line, ignoreBounds=True)

        self.view.double_clicked.connect(self.reset)
        self.view.level_wanted.connect(self.level_wanted)
        self.view.sigRangeChanged.connect(self._on_range_changed)
        self.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self.set_theme(theme)

    # what is shown

    @property
    def matrix(self) -> ShownMatrix | None:
        return self._matrix

    @property
    def crosshair(self) -> tuple[float, float] | None:
        """The shifts at the crosshair, None while it is not shown."""
        if not self._lines[0].isVisible() or not self._lines[1].isVisible():
            return None
        return float(self._lines[0].value()), float(self._lines[1].value())

    def show_matrix(self, matrix: ShownMatrix) -> None:
        """Take a spectrum: its axes, and its whole extent in view."""
        if matrix is self._matrix:
            return
        before = self._matrix
        self._matrix = matrix
        spectrum = matrix.spectrum
        self.axis_key = (spectrum.x_unit, str(spectrum.technique))
        upright = spectrum.technique_y
        self.axis_key_y = None if upright is None else (spectrum.y_unit, str(upright))
        style = {"color": self._theme.axis}
        self.bottom_axis.setLabel(_axis_title(spectrum.x_unit, spectrum.technique), **style)
        self.right_axis.setLabel(_axis_title(spectrum.y_unit, spectrum.technique_y), **style)
        for view in (self.view, self.top_view):
            view.invertX(spectrum.x_unit != "s")
        # Low shifts are at the top right, as in every journal.
        for view in (self.view, self.left_view):
            view.invertY(True)
        self.contours.set_contours(None, self._bounds())
        if before is None or before.extent != matrix.extent:
            left, right, low, high = matrix.extent
            self.view.set_home((left, right), (low, high))

    def show_nothing(self) -> None:
        """Take the spectrum away."""
        self._matrix = None
        self.contours.set_contours(None, QRectF())
        self._traces = ()
        for trace in (self.top_trace, self.left_trace):
            trace.setData([], [])
        self._leave()

    def show_contours(self, contours: Contours | None) -> None:
        if self._matrix is not None:
            self.contours.set_contours(contours, self._bounds())

    def show_traces(self, top: Trace, left: Trace) -> None:
        """Draw 1-D traces along the top and the left, each ``(positions, heights)``, rising."""
        self._traces = tuple(
            (places[np.isfinite(heights)], heights[np.isfinite(heights)])
            for places, heights in (top, left)
        )
        self.top_trace.setData(*self._traces[0])
        # Peaks point away from the contours.
        self.left_trace.setData(-self._traces[1][1], self._traces[1][0])
        self._fit_traces()

    def _fit_traces(self) -> None:
        """Let the tallest peak in view fill the height of each trace."""
        left, right, low, high = self.view.part()
        ends = (left, right), (low, high)
        for number, ((places, heights), (first, last)) in enumerate(
            zip(self._traces, ends, strict=False)
        ):
            seen = heights[np.searchsorted(places, first) : np.searchsorted(places, last)]
            if len(seen) == 0:
                continue
            least, most = min(float(seen.min()), 0.0), max(float(seen.max()), 0.0)
            room = 0.06 * ((most - least) or 1.0)
            if number == 0:
                self.top_view.setYRange(least - room, most + room, padding=0)
            else:
                self.left_view.setXRange(-most - room, -least + room, padding=0)

    def _bounds(self) -> QRectF:
        left, right, low, high = self._matrix.extent
        return QRectF(left, low, right - left, high - low)

    # moving

    def reset(self) -> None:
        self.view.go_home()

    def zoom(self, factor: float) -> None:
        self.view.zoom(factor)

    def pan(self, share: float) -> None:
        self.view.pan(share)

    def follow(self, x: float | None, y: float | None = None) -> None:
        """Put lines where the crosshair of another plot with one of these axes is.

        ``x`` is its place along the direct axis, ``y`` along the indirect one; None: no line.
        """
        for line, place in zip(self._lines, (x, y), strict=True):
            if place is not None and self._matrix is not None:
                line.setPos(place)
            line.setVisible(place is not None and self._matrix is not None)
        self.followed.emit("")

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.setBackground(theme.plot)
        self.contours.set_theme(theme)
        tick_font = QFont(self.font())
        tick_font.setPointSizeF(max(tick_font.pointSizeF() * 0.86, 7.0))
        for axis in (self.bottom_axis, self.right_axis):
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.axis))
            axis.setTickFont(tick_font)
        self.view.setBorder(pg.mkPen(theme.border))
        for trace in (self.top_trace, self.left_trace):
            trace.setPen(pg.mkPen(theme.trace, width=1))
        for line in self._lines:
            line.setPen(pg.mkPen(theme.crosshair, width=1, style=Qt.PenStyle.DashLine))

    # the mouse and the keyboard

    def _on_range_changed(self, *_args) -> None:
        self._fit_traces()
        self.range_changed.emit()

    def _on_mouse_moved(self, place: QPointF) -> None:
        if self._matrix is None or not self.view.sceneBoundingRect().contains(place):
            self._leave()
            return
        at = self.view.mapSceneToView(place)
        self._put_crosshair(at.x(), at.y())

    def _put_crosshair(self, x: float, y: float) -> None:
        for line, value in zip(self._lines, (x, y), strict=True):
            line.setPos(value)
            line.show()
        self.hovered.emit(x, self._readout(x, y))

    def _readout(self, x: float, y: float) -> str:
        """Both places and the height there, in percent of the tallest peak."""
        matrix, spectrum = self._matrix, self._matrix.spectrum
        text = f"δ {_place(x, spectrum.x_unit, spectrum.technique)} / "
        text += _place(y, spectrum.y_unit, spectrum.technique_y)
        left, right, low, high = matrix.extent
        if left <= x <= right and low <= y <= high and matrix.highest > 0:
            value = matrix.z[_nearest(matrix.y, y), _nearest(matrix.x, x)] / matrix.highest
            text += f"   {100 * value:.1f} %"
        return text

    def keyPressEvent(self, event) -> None:
        """Arrow keys move the crosshair (with Ctrl in long steps), with Shift what is in view."""
        steps = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
        }  # fmt: skip
        step = steps.get(Qt.Key(event.key()))
        if step is None or self._matrix is None:
            super().keyPressEvent(event)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.view.pan(_PAN * step[0], -_PAN * step[1])
        else:
            long = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            pixels = _LONG_STEP if long else _STEP_PIXELS
            view = self.view.viewRect()
            x, y = self.crosshair or (view.center().x(), view.center().y())
            wide, tall = self.view.viewPixelSize()
            across = -step[0] if self.view.xInverted() else step[0]
            x = min(max(x + across * pixels * wide, view.left()), view.right())
            y = min(max(y + step[1] * pixels * tall, view.top()), view.bottom())
            self._put_crosshair(x, y)
        event.accept()

    def leaveEvent(self, event) -> None:
        self._leave()
        super().leaveEvent(event)

    def _leave(self) -> None:
        if any(line.isVisible() for line in self._lines):
            for line in self._lines:
                line.hide()
            self.hovered.emit(None, "")


def _axis_title(unit: str, technique) -> str:
    if unit == "ppm" and technique is not None:
        return f"{technique.nucleus} {x_title(unit).lower()}"
    return x_title(unit).capitalize() if unit == "row" else x_title(unit)


def _place(value: float, unit: str, technique) -> str:
    if unit != "ppm":
        return f"{unit} {value:.4g}"
    nucleus = technique.nucleus if technique is not None else ""
    return f"{value:.{_DECIMALS.get(nucleus, 2)}f}"


def _nearest(axis: np.ndarray, value: float) -> int:
    index = int(np.clip(np.searchsorted(axis, value), 1, max(len(axis) - 1, 1)))
    if index < len(axis) and abs(axis[index] - value) < abs(axis[index - 1] - value):
        return index
    return index - 1
