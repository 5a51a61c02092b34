"""The drawing area of one spectrum: trace, labels, crosshair, and the importance strip below."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont

from specgui.appearance import Theme
from specgui.views.axis_text import readout, x_title, y_scale, y_title
from specgui.views.importance_image import ImportanceImage, shading_colours, warm_colours
from specgui.views.plot_labels import BandLabel, PlotLabels
from specgui.views.spectrum_view_box import SpectrumViewBox, StillViewBox
from specgui.views.sticks import Sticks
from specgui.workers.presenting import PeakMark, Presentation

_LEFT_AXIS_WIDTH = 58
_STRIP_HEIGHT = 12
_REACH_PIXELS = 8
_SAME_HEIGHT = 3.0
# Rows from top to bottom; those above and below the view are for bands that stand beside the trace,
# the mirror for what is predicted.
BAND_ABOVE_ROW, _VIEW_ROW, MIRROR_ROW, BAND_BELOW_ROW, _STRIP_ROW, _AXIS_ROW = range(6)


def _note_finite_x(trace: pg.PlotDataItem) -> None:
    """Tell an item that gaps are in y alone.

    pyqtgraph would look through all of x, and copy it, for every picture of a trace with gaps.
    """
    dataset = getattr(trace, "_dataset", None)
    if dataset is not None:
        dataset.xAllFinite = True


def _extent(shown: Presentation) -> tuple[float, float]:
    """The ends of the axis to show: beyond the outermost sticks, so that they have labels."""
    low, high = float(shown.x[0]), float(shown.x[-1])
    room = 0.04 * (high - low) if shown.kind == "sticks" else 0.0
    return low - room, high + room


def _as_tall(before: Presentation, shown: Presentation) -> bool:
    """Whether a part in view of the one spectrum shows about as much of the other."""
    spans = sorted(high - low for low, high in (before.y_range, shown.y_range))
    return before.y_unit == shown.y_unit and spans[1] <= _SAME_HEIGHT * spans[0]


class _QuantityAxis(pg.AxisItem):
    """An axis without numbers where the quantity has no meaning: there is only room for labels."""

    def __init__(self) -> None:
        super().__init__("left")
        self.limits = (-np.inf, np.inf)

    def tickValues(self, minVal, maxVal, size):
        low, high = self.limits
        return [
            (spacing, [value for value in values if low <= value <= high])
            for spacing, values in super().tickValues(minVal, maxVal, size)
        ]


class PlotCanvas(pg.GraphicsLayoutWidget):
    """Draws what it is given; says where the mouse is and when a reset is wanted."""

    hovered = Signal(object, str)  # the place on the axis (None: left), and the readout's text
    followed = Signal(str)  # the readout's text where another plot's cursor is; empty: nowhere
    range_changed = Signal()
    mirror = None  # the band of predicted signals, once there are any

    def __init__(self, theme: Theme, parent=None, view: SpectrumViewBox | None = None) -> None:
        super().__init__(parent)
        # What is dropped belongs to the window, not to the scene.
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.ci.setContentsMargins(2, 4, 10, 2)
        self.ci.layout.setHorizontalSpacing(0)
        self.ci.layout.setVerticalSpacing(0)
        self._theme = theme
        self._presentation: Presentation | None = None
        self._trace: pg.PlotDataItem | Sticks | None = None
        self._scale = 1.0
        self.axis_key: tuple[str, str] | None = None  # plots with the same one share their cursor
        self._strip_visible = False

        # A view and its axes, not pyqtgraph's PlotItem: that one brings menus of its own, which
        # outlive it.
        self.view = SpectrumViewBox() if view is None else view
        self.strip_view = StillViewBox()
        self.left_axis = _QuantityAxis()
        self.bottom_axis = pg.AxisItem("bottom")
        self.ci.addItem(self.left_axis, _VIEW_ROW, 0)
        self.ci.addItem(self.view, _VIEW_ROW, 1)
        self.ci.addItem(self.strip_view, _STRIP_ROW, 1)
        self.ci.addItem(self.bottom_axis, _AXIS_ROW, 1)
        self.ci.layout.setRowStretchFactor(_VIEW_ROW, 1)
        self.ci.layout.setColumnStretchFactor(1, 1)
        self.left_axis.linkToView(self.view)
        self.bottom_axis.linkToView(self.view)
        self.left_axis.setWidth(_LEFT_AXIS_WIDTH)
        self.left_axis.setStyle(maxTickLevel=0)
        self.bottom_axis.setStyle(tickTextOffset=2)
        for axis in (self.left_axis, self.bottom_axis):
            axis.enableAutoSIPrefix(False)
            axis.setStyle(showValues=False)
        self.strip_view.setXLink(self.view)
        self.strip_view.setYRange(0, 1, padding=0)

        self.shading = ImportanceImage()
        self.shading.setZValue(-20)
        self.gate_image = ImportanceImage()
        self.labels = PlotLabels(theme)
        self.labels.keep_off(self._drawn_trace)
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.setZValue(40)
        self._line.hide()
        self._dot = pg.ScatterPlotItem(size=6, pxMode=True)
        self._dot.setZValue(41)
        self.view.addItem(self.shading, ignoreBounds=True)
        self.view.addItem(self.labels, ignoreBounds=True)
        self.view.addItem(self._line, ignoreBounds=True)
        self.view.addItem(self._dot, ignoreBounds=True)
        self.strip_view.addItem(self.gate_image, ignoreBounds=True)

        self.view.double_clicked.connect(self.reset)
        self.view.sigRangeChanged.connect(self._on_range_changed)
        self.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self.set_strip_visible(False)
        self.set_theme(theme)

    # what is shown

    @property
    def theme(self) -> Theme:
        return self._theme

    @property
    def presentation(self) -> Presentation | None:
        return self._presentation

    @property
    def trace(self):
        """The item that draws the spectrum."""
        return self._trace

    def show_presentation(self, shown: Presentation, technique: str, descending: bool) -> None:
        """Draw a spectrum; the part in view is kept when only its height changed meaning."""
        before = self._presentation
        self._presentation = shown
        self.axis_key = (shown.x_unit, technique if shown.x_unit == "ppm" else "")
        if before is not None and before.x is shown.x and before.y is shown.y:
            self.labels.set_peaks(shown.peaks or ())
            return
        same_axis = before is not None and np.array_equal(before.x[[0, -1]], shown.x[[0, -1]])
        kept_x = self.view.viewRange()[0] if same_axis and not self.view.is_home else None
        kept_y = self.view.chosen_height() if kept_x and _as_tall(before, shown) else None
        if self._trace is not None:
            self.view.removeItem(self._trace)
        pen = pg.mkPen(self._theme.trace, width=1)
        if shown.kind == "sticks":
            self._trace = Sticks(shown.x, shown.y, pen)
            self.view.addItem(self._trace, ignoreBounds=True)
        else:
            self._trace = pg.PlotDataItem(
                pen=pen, antialias=False, skipFiniteCheck=shown.all_finite,
                connect="all" if shown.all_finite else "finite",
            )  # fmt: skip
            self.view.addItem(self._trace, ignoreBounds=True)
            # Clipping needs the view: pyqtgraph fails on an item that clips while it is added.
            self._trace.setClipToView(True)
            self._trace.setDownsampling(auto=True, method="peak")
        for view in (self.view, self.strip_view):
            view.invertX(descending and shown.x_unit != "s")
        self._label_axes(technique)
        for axis in (self.left_axis, self.bottom_axis):
            axis.setStyle(showValues=True)
        low, high = shown.y_range
        if shown.kind == "sticks" or shown.y_unit == "transmittance":
            low = min(low, 0.0)
        down = shown.y_unit == "transmittance"
        if down:
            high = max(high, 1.0) if high < 1.5 else high
        self.view.set_home(_extent(shown), (low, high), down)
        if kept_x is not None:
            self.view.setXRange(*kept_x, padding=0)
        if kept_y is not None:
            self.view.setYRange(*kept_y, padding=0)
        if isinstance(self._trace, pg.PlotDataItem):
            self._trace.setData(shown.x, shown.y)
            _note_finite_x(self._trace)
        self.labels.set_peaks(shown.peaks or ())

    def show_peaks(self, visible: bool) -> None:
        peaks = self._presentation.peaks if self._presentation and visible else ()
        self.set_peaks(peaks or ())

    def set_peaks(self, peaks: tuple[PeakMark, ...]) -> None:
        self.labels.set_peaks(peaks)
        self._keep_top_room()

    def set_bands(self, bands: tuple[BandLabel, ...]) -> None:
        self.labels.set_bands(bands)
        self._keep_top_room()

    def _keep_top_room(self) -> None:
        """Room above the tallest peak for bands, and for the atoms that labels name."""
        room, font = 0.0, self.font()
        if self.labels.bands:
            rows = self.labels.band_rows(self.view.height())
            room += rows * self.labels.band_height(font) + 2
        if any(peak.atoms for peak in self.labels.peaks):
            room += self.labels.line_height(font)
        self.view.set_top_room(room)

    def show_importance(
        self, x: np.ndarray, values: np.ndarray, low: float, high: float, shade: bool
    ) -> None:
        """The strip shows ``values`` along ``x``; ``shade`` colours the plot's ground as well."""
        self.gate_image.set_map(x, values, low, high, warm_colours(self._theme))
        self.set_strip_visible(True)
        if shade:
            self.shading.set_map(x, values, low, high, shading_colours(self._theme))
        else:
            self.shading.clear()

    def set_band(self, band: pg.GraphicsWidget, row: int, height: float) -> None:
        """Put a band above or below the view, or give it another height in pixels; 0 hides it."""
        if band not in self.ci.items:
            self.ci.addItem(band, row, 1)
        self.ci.layout.setRowFixedHeight(row, height)
        band.setVisible(height > 0)

    def fit_mirror(self) -> None:
        """Give the band of predicted signals the height that it needs in a canvas of this size."""
        if self.mirror is not None:
            self.set_band(self.mirror, MIRROR_ROW, self.mirror.height_for(float(self.height())))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.fit_mirror()

    def hide_importance(self) -> None:
        self.gate_image.clear()
        self.shading.clear()
        self.set_strip_visible(False)

    def set_strip_visible(self, visible: bool) -> None:
        self._strip_visible = visible
        self._set_strip_border()
        self.ci.layout.setRowFixedHeight(_STRIP_ROW, _STRIP_HEIGHT if visible else 0)
        self.strip_view.setVisible(visible)

    def _set_strip_border(self) -> None:
        pen = pg.mkPen(self._theme.border, width=1) if self._strip_visible else None
        self.strip_view.setBorder(pen)

    # moving

    def reset(self) -> None:
        self.view.show_whole()

    def go_back(self) -> None:
        self.view.history.back()

    def go_forward(self) -> None:
        self.view.history.forward()

    def zoom(self, factor: float) -> None:
        self.view.zoom(factor)

    def pan(self, share: float) -> None:
        self.view.pan(share)

    # looks

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.setBackground(theme.plot)
        self.labels.set_theme(theme)
        if self.mirror is not None:
            self.mirror.set_theme(theme)
        tick_font = QFont(self.font())
        tick_font.setPointSizeF(max(tick_font.pointSizeF() * 0.86, 7.0))
        for axis in (self.left_axis, self.bottom_axis):
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.axis))
            axis.setTickFont(tick_font)
        self._set_strip_border()
        pen = pg.mkPen(theme.trace, width=1)
        if isinstance(self._trace, Sticks):
            self._trace.set_pen(pen)
        elif self._trace is not None:
            self._trace.setPen(pen)
        self._line.setPen(pg.mkPen(theme.crosshair, width=1, style=Qt.PenStyle.DashLine))
        self._dot.setBrush(QColor(theme.accent))
        self._dot.setPen(pg.mkPen(theme.plot, width=1))

    def _label_axes(self, technique: str) -> None:
        shown = self._presentation
        self._scale = y_scale(shown.y_unit, shown.y_range[1])
        left = self.left_axis
        left.setScale(self._scale)
        low, high = shown.y_range
        low = min(low, 0.0) if shown.kind == "sticks" or shown.y_unit == "transmittance" else low
        slack = 0.05 * (high - low)
        left.limits = (low - slack, high + slack)
        style = {"color": self._theme.axis}
        left.setLabel(y_title(shown.y_unit), **style)
        self.bottom_axis.setLabel(x_title(shown.x_unit, technique), **style)

    # the mouse

    def _on_range_changed(self, *_args) -> None:
        self.range_changed.emit()

    def _on_mouse_moved(self, place: QPointF) -> None:
        over_plot = self.view.sceneBoundingRect().contains(place)
        over_strip = self.strip_view.sceneBoundingRect().contains(place)
        if self._presentation is None or not (over_plot or over_strip):
            self._leave()
            return
        position = self.view.mapSceneToView(place).x()
        self.hovered.emit(position, self._put_cursor(position))

    def follow(self, position: float | None) -> None:
        """Put the crosshair where that of another plot with the same axis is; None: nowhere."""
        if position is not None and self._presentation is not None:
            self.followed.emit(self._put_cursor(position))
        elif self._line.isVisible():
            self._hide_cursor()
            self.followed.emit("")

    def _put_cursor(self, position: float) -> str:
        """Put the crosshair at a place on the axis; returns the readout's text."""
        point = self._point_at(position)
        if point is None:
            self._line.setPos(position)
            self._dot.setData([], [])
            text = readout(position, 0.0, self._presentation.x_unit, "none", 1.0).rsplit("    ")[0]
        else:
            self._line.setPos(point[0])
            self._dot.setData([point[0]], [point[1]])
            shown = self._presentation
            text = readout(*point, shown.x_unit, shown.y_unit, self._scale)
        self._line.show()
        return text

    def _hide_cursor(self) -> None:
        self._line.hide()
        self._dot.setData([], [])

    def _drawn_trace(self) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(self._trace, Sticks):
            return self._trace.drawn()
        x, y = self._trace.curve.getData() if self._trace is not None else (None, None)
        nothing = np.empty(0)
        return (nothing, nothing) if x is None else (x, y)

    def _point_at(self, position: float) -> tuple[float, float] | None:
        """The point of the spectrum under the mouse; of sticks the one within reach."""
        shown = self._presentation
        if isinstance(self._trace, Sticks):
            return self._trace.nearest(position, _REACH_PIXELS * self.view.viewPixelSize()[0])
        if not shown.x[0] <= position <= shown.x[-1]:
            return None
        index = min(int(np.searchsorted(shown.x, position)), len(shown.x) - 1)
        y = float(shown.y[index])
        return (float(shown.x[index]), y) if np.isfinite(y) else None

    def leaveEvent(self, event) -> None:
        self._leave()
        super().leaveEvent(event)

    def _leave(self) -> None:
        if self._line.isVisible():
            self._hide_cursor()
            self.hovered.emit(None, "")
