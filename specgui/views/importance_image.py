"""An importance map as an image along the axis: the strip below a trace, the shading behind it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage

from specgui.appearance import Theme

_COLUMNS = 1200
_SHADING_ALPHA = 150


def warm_colours(theme: Theme) -> np.ndarray:
    """The theme's importance colours as a table of shape (256, 4), RGBA bytes, low to high."""
    stops = np.array([QColor(c).getRgb()[:3] for c in theme.importance], dtype=float)
    places = np.linspace(0, 1, len(stops))
    at = np.linspace(0, 1, 256)
    table = np.full((256, 4), 255, dtype=np.uint8)
    for channel in range(3):
        table[:, channel] = np.round(np.interp(at, places, stops[:, channel]))
    return table


def shading_colours(theme: Theme) -> np.ndarray:
    """One warm hue from invisible to plain, shape (256, 4), for shading behind a trace."""
    table = np.empty((256, 4), dtype=np.uint8)
    table[:, :3] = QColor(theme.importance[3 if not theme.is_dark else 4]).getRgb()[:3]
    table[:, 3] = np.linspace(0, _SHADING_ALPHA, 256)
    return table


class ImportanceImage(pg.GraphicsObject):
    """Colours over the whole height of its view, one for each place on the axis."""

    def __init__(self, smooth: bool = True) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._pixels: np.ndarray | None = None
        self._extent = (0.0, 1.0)
        self._smooth = smooth

    @property
    def is_empty(self) -> bool:
        return self._image is None

    def clear(self) -> None:
        self._image = self._pixels = None
        self.update()

    def set_map(
        self, x: np.ndarray, values: np.ndarray, low: float, high: float, table: np.ndarray
    ) -> None:
        """Show ``values`` (n,) at ``x`` (n,), rising; ``low``..``high`` spans the colour table."""
        at = np.linspace(x[0], x[-1], _COLUMNS)
        levels = (np.interp(at, x, values) - low) / max(high - low, 1e-9)
        self._pixels = np.ascontiguousarray(
            table[(np.clip(np.nan_to_num(levels), 0, 1) * 255).astype(int)]
        )
        # QImage does not copy: the array is kept as long as the image is.
        self._image = QImage(
            self._pixels.data, _COLUMNS, 1, _COLUMNS * 4, QImage.Format.Format_RGBA8888
        )
        self._extent = (float(x[0]), float(x[-1]))
        self.prepareGeometryChange()
        self.update()

    def colour_at(self, position: float) -> QColor | None:
        """The colour shown at a place of the axis, None where nothing is shown."""
        low, high = self._extent
        if self._pixels is None or not low <= position <= high or high <= low:
            return None
        column = int((position - low) / (high - low) * (_COLUMNS - 1))
        return QColor(*(int(v) for v in self._pixels[column]))

    def boundingRect(self) -> QRectF:
        view = self.viewRect()
        return QRectF(view) if view is not None else QRectF()

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()

    def dataBounds(self, *_args, **_kwargs):
        """It takes the height of its view, so it never widens the view."""
        return None

    def paint(self, painter, *_args) -> None:
        if self._image is None:
            return
        view, (low, high) = self.viewRect(), self._extent
        painter.setRenderHint(painter.RenderHint.SmoothPixmapTransform, self._smooth)
        painter.drawImage(QRectF(low, view.top(), high - low, view.height()), self._image)
