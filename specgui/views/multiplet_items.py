"""Multiplets over a spectrum as a paper draws them: trees of their couplings, with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPolygonF

from specgui.appearance import Theme
from specgui.views.label_layout import LabelPlace, LabelWish, lay_out
from specgui.views.plot_band import PlotBand
from specgui.views.plot_labels import small_font

_ROW_GAP = 3.0
_GAP = 8.0
_LEAST_TREE = 9.0
_FORK = 7.0
# A tree that is narrower than this in pixels is drawn as one line.
_NARROW = 5.0
_MARGIN = 3.0
_MOST_LABELS = 80


@dataclass(frozen=True)
class SignalLabel:
    """What stands over a signal: ``forms`` of its text, longest first, and its tree.

    ``levels`` are the places in ppm of the lines after each coupling, the first that of the
    centre; of a multiplet without couplings its ends. ``region`` in ppm names the signal;
    ``is_mark``: a line of the solvent or the like, that belongs to no compound.
    """

    x: float
    forms: tuple[str, ...]
    levels: tuple[tuple[float, ...], ...]
    region: tuple[float, float]
    weight: float = 1.0
    is_mark: bool = False
    tip: str = ""


class MultipletBand(PlotBand):
    """A band above a view that names what stands below; it has no height without signals."""

    chosen = Signal(object)  # the SignalLabel that was clicked, None beside all
    edit_wanted = Signal(object)  # that was clicked twice

    def __init__(self, view: pg.ViewBox, theme: Theme) -> None:
        super().__init__(view, theme)
        self._signals: tuple[SignalLabel, ...] = ()
        self._chosen: tuple[float, float] | None = None
        self._most_rows = 1
        self._wanted = (0.0, 0)
        self.drawn: list[tuple[str, QRectF, SignalLabel]] = []

    @property
    def is_empty(self) -> bool:
        return not self._signals

    @property
    def signals(self) -> tuple[SignalLabel, ...]:
        return self._signals

    def show_signals(self, signals: Sequence[SignalLabel]) -> None:
        self._signals = tuple(sorted(signals, key=lambda s: -s.weight)[:_MOST_LABELS])
        self.update()

    def set_chosen(self, region: tuple[float, float] | None) -> None:
        self._chosen = region
        self.update()

    def height_for(
        self, width: float, tall: float, home: tuple[float, float], font: QFont
    ) -> float:
        """The height that the labels need where the whole axis ``home`` (ppm) is in view.

        ``tall`` is that of the plot in pixels: a low one has room for few rows.
        """
        if not self._signals:
            return 0.0
        self._most_rows = 1 if tall < 190 else 2 if tall < 280 else 3 if tall < 420 else 5
        metrics = QFontMetricsF(small_font(font))
        scale = width / max(abs(home[1] - home[0]), 1e-9)
        wishes = [
            LabelWish(
                (home[1] - s.x) * scale if self._view.xInverted() else (s.x - home[0]) * scale,
                self._widths(s, metrics), s.weight,
            )
            for s in self._signals
        ]  # fmt: skip
        places = lay_out(wishes, width, self._most_rows, _GAP)
        rows = 1 + max((place.row for place in places if place is not None), default=0)
        self._most_rows = rows
        row = metrics.height() + _ROW_GAP
        return rows * row + self._tree_height(tall) + _MARGIN

    def _tree_height(self, tall: float) -> float:
        deepest = max((len(s.levels) for s in self._signals), default=1)
        return _LEAST_TREE if tall < 190 else _LEAST_TREE + _FORK * min(deepest, 4)

    def _widths(self, signal: SignalLabel, metrics: QFontMetricsF) -> tuple[float, ...]:
        return tuple(metrics.horizontalAdvance(form) + 2 for form in signal.forms)

    def paint(self, painter, *_args) -> None:
        self.drawn = []
        font = self._ready(painter)
        if font is None:
            return
        size = self.size()
        metrics = QFontMetricsF(font)
        row_height = metrics.height() + _ROW_GAP
        tree = max(_LEAST_TREE, size.height() - _MARGIN - self._most_rows * row_height)
        seen = [s for s in self._signals if 0 <= self.column(s.x) <= size.width()]
        wishes = [LabelWish(self.column(s.x), self._widths(s, metrics), s.weight) for s in seen]
        places = lay_out(wishes, size.width(), self._most_rows, _GAP)
        top_of_tree = size.height() - tree
        for signal, place in zip(seen, places, strict=True):
            self._paint_tree(painter, signal, top_of_tree, size.height())
            if place is not None:
                bottom = top_of_tree - 1 - place.row * row_height
                self._paint_label(painter, signal, place, metrics, bottom, top_of_tree)

    def _colour(self, signal: SignalLabel) -> QColor:
        if signal.is_mark:
            return QColor(self._theme.muted)
        chosen = self._chosen is not None and signal.region == self._chosen
        return QColor(self._theme.accent if chosen else self._theme.text)

    def _paint_label(
        self, painter, signal: SignalLabel, place: LabelPlace, metrics, bottom: float, foot: float
    ) -> None:
        x = self.column(signal.x)
        text = signal.forms[place.form]
        width = metrics.horizontalAdvance(text) + 2
        box = QRectF(place.left, bottom - metrics.height(), width, metrics.height())
        colour = self._colour(signal)
        if self._chosen is not None and signal.region == self._chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.accent_soft))
            painter.drawRoundedRect(box.adjusted(-3, 0, 3, 0), 3, 3)
        painter.setPen(pg.mkPen(colour, width=1))
        if place.row > 0:
            line = QColor(colour)
            line.setAlpha(110)
            painter.setPen(pg.mkPen(line, width=1))
            painter.drawLine(QPointF(x, box.bottom()), QPointF(x, foot))
            painter.setPen(pg.mkPen(colour, width=1))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        self.drawn.append((text, box, signal))

    def _paint_tree(self, painter, signal: SignalLabel, top: float, bottom: float) -> None:
        """From the centre down, a fork for each coupling; a bracket where there is none."""
        colour = self._colour(signal)
        style = Qt.PenStyle.DotLine if signal.is_mark else Qt.PenStyle.SolidLine
        painter.setPen(pg.mkPen(colour, width=1, style=style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        columns = [[self.column(ppm) for ppm in level] for level in signal.levels]
        outer = [column for level in columns for column in level]
        if signal.is_mark or not outer or max(outer) - min(outer) < _NARROW:
            x = self.column(signal.x)
            painter.drawLine(QPointF(x, top), QPointF(x, bottom - 2))
            return
        if len(columns) == 1:
            left, right = min(columns[0]), max(columns[0])
            middle = top + min(4.0, (bottom - top) / 2)
            x = self.column(signal.x)
            painter.drawLine(QPointF(x, top), QPointF(x, middle))
            ends = (QPointF(left, middle + 4), QPointF(left, middle))
            painter.drawPolyline(
                QPolygonF([*ends, QPointF(right, middle), QPointF(right, middle + 4)])
            )
            return
        step = (bottom - 2 - top) / (len(columns) - 0.5)
        y = top
        painter.drawLine(QPointF(columns[0][0], y), QPointF(columns[0][0], y + step * 0.3))
        for upper, lower in pairwise(columns):
            each = len(lower) // max(len(upper), 1)
            for index, x in enumerate(upper):
                for child in lower[index * each : (index + 1) * each]:
                    foot = y + step
                    painter.drawLine(QPointF(x, y + step * 0.3), QPointF(child, foot))
                    painter.drawLine(QPointF(child, foot), QPointF(child, foot + step * 0.3))
            y += step

    # the mouse

    def signal_at(self, place: QPointF) -> SignalLabel | None:
        """The signal whose label, or tree, is at a place in the band."""
        for _, box, signal in self.drawn:
            if box.adjusted(-2, -1, 2, 1).contains(place):
                return signal
        near = [s for s in self._signals if abs(self.column(s.x) - place.x()) < 8]
        return min(near, key=lambda s: abs(self.column(s.x) - place.x()), default=None)

    def mouseClickEvent(self, ev) -> None:
        if ev.button() != Qt.MouseButton.LeftButton:
            ev.ignore()
            return
        ev.accept()
        signal = self.signal_at(ev.pos())
        if ev.double():
            if signal is not None:
                self.edit_wanted.emit(signal)
        else:
            self.chosen.emit(signal)

    def hoverEvent(self, ev) -> None:
        signal = None if ev.isExit() else self.signal_at(ev.pos())
        self.setToolTip(signal.tip if signal is not None else "")
