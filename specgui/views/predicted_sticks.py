"""A predicted spectrum drawn mirrored under the measured one: sticks as wide as they are unsure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient

from specgui.appearance import Theme
from specgui.views.plot_band import PlotBand

if TYPE_CHECKING:
    from engine.chemistry.predicted_shifts import PredictedSignal
    from specgui.views.spectrum_plot import SpectrumPlot

_SHARE, _LEAST, _MOST = 0.24, 36.0, 150.0
_REACH = 6.0
_LEAST_STICK = 0.3
# A mean absolute error is this share of the standard deviation of a normal distribution.
_MEAN_ERROR_OF_DEVIATION = math.sqrt(2 / math.pi)


class MirrorBand(PlotBand):
    """Hangs a stick for each signal from the measured spectrum, over the width of its error.

    The longest stick has the most nuclei. ``pointed_at`` carries the atoms of the signal under
    the mouse, an empty tuple for none.
    """

    pointed_at = Signal(object)

    def __init__(self, view: pg.ViewBox, theme: Theme) -> None:
        super().__init__(view, theme)
        self.signals: tuple[PredictedSignal, ...] = ()
        self.label = ""
        self.layer = ""
        self._layers: dict[str, tuple[tuple[PredictedSignal, ...], str]] = {}
        self._pointed: PredictedSignal | None = None
        self.setAcceptHoverEvents(True)

    @property
    def is_empty(self) -> bool:
        return not self.signals

    def set_layer(self, name: str, signals: tuple[PredictedSignal, ...], label: str) -> None:
        """Put a layer on top of the others; one without signals is taken away."""
        self._layers.pop(name, None)
        if signals:
            self._layers[name] = (signals, label)
        self.signals, self.label = next(reversed(self._layers.values()), ((), ""))
        self.layer = next(reversed(self._layers), "")
        self._pointed = None
        self.setToolTip("")
        self.update()

    def height_for(self, tall: float) -> float:
        """The height in pixels that the band takes of a canvas ``tall`` pixels high."""
        return 0.0 if self.is_empty else max(_LEAST, min(_SHARE * tall, _MOST))

    def signal_at(self, column: float) -> PredictedSignal | None:
        """The signal whose stick is nearest to a column of pixels, within reach."""
        near = [(abs(self.column(s.ppm) - column), n, s) for n, s in enumerate(self.signals)]
        nearest = min(near, default=None)
        return nearest[2] if nearest is not None and nearest[0] <= _REACH else None

    def hoverMoveEvent(self, event) -> None:
        self._point_at(self.signal_at(event.pos().x()))

    def hoverLeaveEvent(self, _event) -> None:
        self._point_at(None)

    def _point_at(self, signal: PredictedSignal | None) -> None:
        if signal is self._pointed:
            return
        self._pointed = signal
        self.setToolTip("" if signal is None else told(signal))
        self.pointed_at.emit(() if signal is None else signal.atoms)
        self.update()

    def paint(self, painter, *_args) -> None:
        font = self._ready(painter)
        if font is None:
            return
        wide, tall = self.size().width(), self.size().height()
        painter.setPen(pg.mkPen(self._theme.border, width=1))
        painter.drawLine(QPointF(0, 0.5), QPointF(wide, 0.5))
        metrics = QFontMetricsF(font)
        most = max(signal.nuclei for signal in self.signals)
        room = tall - metrics.height() - 4
        taken: list[QRectF] = [self._paint_label(painter, metrics, wide, tall)]
        for signal in sorted(self.signals, key=lambda s: s is self._pointed):
            share = _LEAST_STICK + (1 - _LEAST_STICK) * signal.nuclei / max(most, 1)
            self._paint_stick(painter, signal, share * room)
        for signal in sorted(self.signals, key=lambda s: s is not self._pointed):
            share = _LEAST_STICK + (1 - _LEAST_STICK) * signal.nuclei / max(most, 1)
            self._paint_number(painter, metrics, signal, share * room, taken)

    def _paint_label(self, painter, metrics: QFontMetricsF, wide: float, tall: float) -> QRectF:
        text = metrics.elidedText(self.label, Qt.TextElideMode.ElideRight, wide * 0.6)
        width = metrics.horizontalAdvance(text)
        # At the right: fewer signals are at low shifts.
        box = QRectF(wide - width - 6, tall - metrics.height() - 1, width, metrics.height())
        painter.setPen(QColor(self._theme.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        return box

    def _paint_stick(self, painter, signal: PredictedSignal, length: float) -> None:
        middle = self.column(signal.ppm)
        edge = self.column(signal.ppm + signal.uncertainty / _MEAN_ERROR_OF_DEVIATION)
        half = max(abs(edge - middle), 1.0)
        colour = QColor(self._theme.warning)
        pointed = signal is self._pointed
        ground = QLinearGradient(middle - 2 * half, 0, middle + 2 * half, 0)
        for place in np.linspace(0, 1, 9):
            shade = QColor(colour)
            # Two standard deviations to each side.
            shade.setAlphaF((0.5 if pointed else 0.28) * math.exp(-((4 * place - 2) ** 2) / 2))
            ground.setColorAt(float(place), shade)
        painter.fillRect(QRectF(middle - 2 * half, 1, 4 * half, length), ground)
        painter.setPen(pg.mkPen(colour, width=2 if pointed else 1))
        painter.drawLine(QPointF(middle, 1), QPointF(middle, length))

    def _paint_number(self, painter, metrics, signal, length: float, taken: list[QRectF]) -> None:
        text = ", ".join(map(str, signal.atoms[:4])) + ("…" if len(signal.atoms) > 4 else "")
        width = metrics.horizontalAdvance(text)
        box = QRectF(self.column(signal.ppm) - width / 2, length, width, metrics.height())
        if any(box.adjusted(-3, 0, 3, 0).intersects(other) for other in taken):
            return
        painter.setPen(QColor(self._theme.text if signal is self._pointed else self._theme.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        taken.append(box)


def told(signal: PredictedSignal) -> str:
    """What a tool tip says of a predicted signal."""
    digits = 2 if signal.technique == "1H NMR" else 1
    atoms = ", ".join(map(str, signal.atoms))
    hydrogens = f"\n{signal.nuclei}H" if signal.technique == "1H NMR" else ""
    exchanging = ", exchanging" if signal.exchangeable else ""
    return (
        f"Predicted {signal.ppm:.{digits}f} ± {signal.uncertainty:.{digits}f} ppm\n"
        f"Atom{'s' * (len(signal.atoms) > 1)} {atoms}{hydrogens}{exchanging}"
    )


class PredictedSticks:
    """Predicted signals on one plot, in one of its layers.

    A plot shows one layer: that which was shown last; when it is cleared, the one before.
    """

    def __init__(self, plot: SpectrumPlot, layer: str = "candidate") -> None:
        self._plot = plot
        self._canvas = plot.canvas
        self._layer = layer
        if self._canvas.mirror is None:
            self._canvas.mirror = MirrorBand(self._canvas.view, self._canvas.theme)
            self._canvas.fit_mirror()

    @property
    def plot(self) -> SpectrumPlot:
        return self._plot

    @property
    def band(self) -> MirrorBand:
        return self._canvas.mirror

    @property
    def is_on_top(self) -> bool:
        """Whether it is this layer that is shown."""
        return self.band.layer == self._layer

    def show(self, signals: Sequence[PredictedSignal], label: str) -> None:
        """Draw the signals of this plot's technique; ``label`` says what was predicted from."""
        technique = str(self._plot.technique)
        own = tuple(s for s in signals if s.technique == technique)
        self.band.set_layer(self._layer, own, label)
        self._canvas.fit_mirror()

    def clear(self) -> None:
        """Draw none of this layer."""
        self.show((), "")
