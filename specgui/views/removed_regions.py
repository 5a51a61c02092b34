"""Marks on a plot where bands were left out: hatched ground between two dashed lines."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor

from specgui.appearance import Theme

_ALPHA = 60


class RemovedRegions(pg.GraphicsObject):
    """Covers the height of its view over each region, behind the trace."""

    def __init__(self, view: pg.ViewBox, theme: Theme) -> None:
        super().__init__(view)
        self._view = view
        self._theme = theme
        self._regions: tuple[tuple[float, float], ...] = ()
        self.setZValue(-5)
        view.sigResized.connect(self._on_changed)
        view.sigRangeChanged.connect(self._on_changed)

    @property
    def regions(self) -> tuple[tuple[float, float], ...]:
        """What is marked: (low, high) in the unit of the axis."""
        return self._regions

    def set_regions(self, regions: Sequence[tuple[float, float]]) -> None:
        self._regions = tuple(regions)
        self.update()

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

    def paint(self, painter, *_args) -> None:
        width, height = self._view.width(), self._view.height()
        edge = QColor(self._theme.accent)
        ground = QColor(edge)
        ground.setAlpha(_ALPHA)
        for low, high in self._regions:
            ends = [self._view.mapFromView(QPointF(place, 0.0)).x() for place in (low, high)]
            left, right = min(ends), max(ends)
            if right < 0 or left > width:
                continue
            box = QRectF(left, 0, right - left, height)
            painter.fillRect(box, QBrush(ground, Qt.BrushStyle.BDiagPattern))
            painter.setPen(pg.mkPen(edge, width=1, style=Qt.PenStyle.DashLine))
            for column in (left, right):
                painter.drawLine(QPointF(column, 0), QPointF(column, height))
