"""A band above or below a plot, with what is written at places of the plot's axis."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont

from specgui.appearance import Theme
from specgui.views.plot_labels import small_font

_LEAST_HEIGHT = 4


class PlotBand(pg.GraphicsWidget):
    """Follows the axis of a view; a subclass says what it holds and paints it."""

    def __init__(self, view: pg.ViewBox, theme: Theme) -> None:
        super().__init__()
        self._view = view
        self._theme = theme
        view.sigRangeChanged.connect(self._on_moved)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to paint."""
        return True

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def column(self, ppm: float) -> float:
        """Where a place of the axis stands, in pixels of the band."""
        return self._view.mapFromView(QPointF(ppm, 0.0)).x()

    def _on_moved(self, *_args) -> None:
        if not self.is_empty:
            self.update()

    def _ready(self, painter) -> QFont | None:
        """The painter's font, made ready to paint in the band; None where there is no room."""
        size = self.size()
        if self.is_empty or size.height() < _LEAST_HEIGHT:
            return None
        font = small_font(painter.font())
        painter.setFont(font)
        painter.setRenderHint(painter.RenderHint.TextAntialiasing)
        painter.setRenderHint(painter.RenderHint.Antialiasing)
        painter.setClipRect(QRectF(0, 0, size.width(), size.height()))
        return font
