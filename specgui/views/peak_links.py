"""Peaks that belong to atoms on a plot: names on labels, marks on those lit, clicks and drags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF

from specgui.appearance import Theme
from specgui.document.assignments import PROTON, AssignedSignal, atom_names
from specgui.views.plot_labels import PlotLabels, small_font
from specgui.workers.presenting import PeakMark, Presentation

_REACH = 7.0
_TAG_MARGIN = 4.0
# Half the width in ppm of a 1H signal whose lines nobody has analysed.
_HALF_WIDTH = {PROTON: 0.03}
_NEAR = {PROTON: 0.005}
_NEAR_CARBON = 0.05


@dataclass(frozen=True)
class PeakPlace:
    """A peak that can be pointed at: its shift, and the range of its lines, in ppm."""

    ppm: float
    low: float
    high: float
    names: str = ""


def places_of(
    technique: str,
    signals: Sequence[AssignedSignal],
    regions: Sequence[tuple[float, float]] = (),
) -> list[PeakPlace]:
    """The peaks of a technique that were assigned, or could not be; ``regions`` of multiplets."""
    named: dict[float, list[str]] = {}
    for signal in signals:
        if signal.technique == technique and signal.position is not None:
            named.setdefault(signal.position, []).append(atom_names(signal, 3))
    half = _HALF_WIDTH.get(technique, 0.0)
    found = []
    for ppm, names in named.items():
        inside = [r for r in regions if r[0] <= ppm <= r[1]]
        low, high = inside[0] if inside else (ppm - half, ppm + half)
        found.append(PeakPlace(ppm, low, high, ", ".join(filter(None, names))))
    return found


def named_marks(
    technique: str, marks: Sequence[PeakMark], places: Sequence[PeakPlace], shown: Presentation
) -> tuple[PeakMark, ...]:
    """Peaks to be labelled, with the atoms that they belong to; assigned ones come first.

    Of the lines of a multiplet the tallest has the names. An assigned peak that is not among the
    picked ones gets a mark of its own.
    """
    near = _NEAR.get(technique, _NEAR_CARBON)
    kept, named = list(marks), []
    for place in places:
        if not place.names:
            continue
        inside = [m for m in kept if place.low - near <= m.x <= place.high + near]
        best = max(inside, key=lambda m: abs(m.y), default=None)
        if best is not None:
            kept.remove(best)
        else:
            digits = 2 if technique == PROTON else 1
            y = float(np.interp(place.ppm, shown.x, np.nan_to_num(shown.y)))
            best = PeakMark(place.ppm, y, f"{place.ppm:z.{digits}f}")
        named.append(replace(best, atoms=place.names))
    return (*named, *kept)


class PeakLinks(pg.GraphicsObject):
    """Lies over a plot: marks lit peaks, and lets peaks be chosen and dragged to atoms.

    Takes the mouse only where a peak, or the label of one, is under it.
    """

    chosen = Signal(object)  # the shift of a peak in ppm, None: beside all
    pointed = Signal(object)
    dragged = Signal(float, QPoint, bool)  # the shift, where on the screen, whether it is dropped

    def __init__(self, view: pg.ViewBox, labels: PlotLabels, theme: Theme) -> None:
        super().__init__(view)
        self._view = view
        self._labels = labels
        self._theme = theme
        self._places: Callable[[], Sequence[PeakPlace]] = tuple
        self._is_active: Callable[[], bool] = lambda: True
        self._lit: frozenset[float] = frozenset()
        self._pointed: frozenset[float] = frozenset()
        self._under: float | None = None
        self._held: float | None = None
        self.setZValue(25)
        view.sigResized.connect(self._on_changed)
        view.sigRangeChanged.connect(self._on_changed)

    def places_from(
        self, places: Callable[[], Sequence[PeakPlace]], is_active: Callable[[], bool]
    ) -> None:
        """Where to ask for the peaks, and whether the mouse is free for them."""
        self._places, self._is_active = places, is_active

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def mark(self, lit: frozenset[float], pointed: frozenset[float]) -> None:
        """Mark peaks by their shifts: those chosen, and those pointed at."""
        if (lit, pointed) != (self._lit, self._pointed):
            self._lit, self._pointed = lit, pointed
            self.update()

    @property
    def lit(self) -> frozenset[float]:
        return self._lit

    def boundingRect(self) -> QRectF:
        return QRectF(self._view.rect())

    def viewRangeChanged(self) -> None:
        pass

    def _on_changed(self, *_args) -> None:
        self.prepareGeometryChange()
        self.update()

    # places

    def _column(self, ppm: float) -> float:
        return self._view.mapFromView(QPointF(ppm, 0.0)).x()

    def label_at(self, place: QPointF) -> float | None:
        """The shift of the peak whose label is under a place of the view."""
        at = self._view.mapToScene(place)
        for mark, box in self._labels.placed:
            if box.adjusted(-2, -2, 2, 2).contains(at):
                return self._snapped(mark.x)
        return None

    def peak_at(self, place: QPointF) -> float | None:
        """The shift of the peak, or of its label, under a place of the view; None for none."""
        label = self.label_at(place)
        if label is not None:
            return label
        found, places = [], self._places()
        for peak in places:
            ends = sorted((self._column(peak.low), self._column(peak.high)))
            away = max(ends[0] - place.x(), place.x() - ends[1], 0.0)
            found.append((away, abs(self._column(peak.ppm) - place.x()), peak.ppm))
        found += [
            (away := abs(self._column(mark.x) - place.x()), away, mark.x)
            for mark in self._labels.peaks
        ]
        nearest = min(found, default=None)
        return self._snapped(nearest[2]) if nearest and nearest[0] <= _REACH else None

    def _snapped(self, ppm: float) -> float:
        """The shift of the signal to which a line belongs, else the line's."""
        inside = [p for p in self._places() if p.low - 1e-6 <= ppm <= p.high + 1e-6]
        near = inside or [p for p in self._places() if abs(p.ppm - ppm) <= _NEAR_CARBON / 2]
        return min(near, key=lambda p: abs(p.ppm - ppm)).ppm if near else ppm

    # the mouse

    def hoverEvent(self, ev) -> None:
        under = None
        if not ev.isExit() and self._is_active():
            under = self.peak_at(ev.pos())
        on_label = under is not None and self.label_at(ev.pos()) is not None
        if on_label:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()
        if under != self._under:
            self._under = under
            self.pointed.emit(under)

    def mouseClickEvent(self, ev) -> None:
        if not self._is_active() or ev.button() != Qt.MouseButton.LeftButton or ev.double():
            ev.ignore()
            return
        peak = self.peak_at(ev.pos())
        if peak is None and not self._lit:
            ev.ignore()
            return
        ev.accept()
        again = peak is not None and any(abs(peak - lit) < 1e-9 for lit in self._lit)
        self.chosen.emit(None if again else peak)

    def mouseDragEvent(self, ev) -> None:
        if ev.isStart():
            free = self._is_active() and ev.button() == Qt.MouseButton.LeftButton
            self._held = self.label_at(ev.buttonDownPos()) if free else None
        if self._held is None:
            ev.ignore()
            return
        ev.accept()
        at = ev.screenPos()
        self.dragged.emit(self._held, QPoint(round(at.x()), round(at.y())), bool(ev.isFinish()))
        if ev.isFinish():
            self._held = None

    # looks

    def paint(self, painter, *_args) -> None:
        if not self._lit and not self._pointed:
            return
        font = small_font(painter.font())
        font.setBold(True)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        tall = self._view.height()
        places = {place.ppm: place for place in self._places()}
        for ppm in sorted(self._lit | self._pointed):
            place = places.get(ppm) or PeakPlace(ppm, ppm, ppm)
            left, right = sorted((self._column(place.low), self._column(place.high)))
            left, right = min(left, right - 3), max(right, left + 3)
            if right < 0 or left > self._view.width():
                continue
            colour = QColor(self._theme.accent)
            ground = QColor(colour)
            ground.setAlpha(60 if ppm in self._lit else 26)
            painter.fillRect(QRectF(left, 0, right - left, tall), ground)
            painter.setPen(pg.mkPen(colour, width=1))
            middle = self._column(ppm)
            painter.drawLine(QPointF(middle, 0), QPointF(middle, tall))
            if place.names:
                self._paint_tag(painter, metrics, middle, place.names, ppm in self._lit)

    def _paint_tag(self, painter, metrics, middle: float, text: str, lit: bool) -> None:
        wide = metrics.horizontalAdvance(text) + 2 * _TAG_MARGIN
        left = min(max(middle - wide / 2, 1.0), max(self._view.width() - wide - 1, 1.0))
        box = QRectF(left, 2, wide, metrics.height() + 2)
        colour = QColor(self._theme.accent)
        painter.setPen(pg.mkPen(colour, width=1))
        painter.setBrush(colour if lit else QColor(self._theme.plot))
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(self._theme.on_accent if lit else self._theme.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
