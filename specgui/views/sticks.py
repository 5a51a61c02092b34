"""A stick spectrum drawn as one path, whatever the number of sticks."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF


class Sticks(pg.GraphicsObject):
    """Vertical lines from zero; of the sticks that share a pixel only the tallest is drawn."""

    def __init__(self, x: np.ndarray, y: np.ndarray, pen) -> None:
        """``x`` (n,) rising, ``y`` (n,)."""
        super().__init__()
        self._x, self._y = x, np.nan_to_num(y)
        self._pen = pg.mkPen(pen)
        low, high = min(0.0, float(self._y.min())), max(0.0, float(self._y.max()))
        self._bounds = QRectF(float(x[0]), low, float(x[-1] - x[0]), high - low)
        self._drawn: tuple | None = None
        self._path = None
        self._tops = (x[:0], y[:0])

    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """The tips of the sticks that were drawn last: x (n,) rising, y (n,)."""
        return self._tops

    def set_pen(self, pen) -> None:
        self._pen = pg.mkPen(pen)
        self.update()

    def nearest(self, position: float, reach: float) -> tuple[float, float] | None:
        """The tallest stick within ``reach`` of a position, or None."""
        first, last = np.searchsorted(self._x, (position - reach, position + reach))
        if first == last:
            return None
        index = first + int(np.argmax(np.abs(self._y[first:last])))
        return float(self._x[index]), float(self._y[index])

    def boundingRect(self) -> QRectF:
        return self._bounds

    def dataBounds(self, ax, frac=1.0, orthoRange=None):
        if ax == 0:
            return (self._bounds.left(), self._bounds.right())
        return (self._bounds.top(), self._bounds.bottom())

    def viewRangeChanged(self) -> None:
        self._drawn = None

    def paint(self, painter, *_args) -> None:
        view = self.viewRect()
        columns = max(int(self.getViewBox().width() * 2), 2)
        wanted = (view.left(), view.right(), columns)
        if wanted != self._drawn:
            self._path, self._drawn = self._make_path(*wanted), wanted
        painter.setPen(self._pen)
        painter.setRenderHint(painter.RenderHint.Antialiasing, False)
        painter.drawPath(self._path)

    def _make_path(self, left: float, right: float, columns: int):
        first, last = np.searchsorted(self._x, (left, right))
        x, y = self._x[first:last], self._y[first:last]
        if len(x) > columns:
            column = ((x - left) / max(right - left, 1e-300) * columns).astype(int)
            starts = np.flatnonzero(np.diff(column, prepend=-1))
            tops, bottoms = np.maximum.reduceat(y, starts), np.minimum.reduceat(y, starts)
            x, y = x[starts], np.where(tops >= -bottoms, tops, bottoms)
        self._tops = (x, y)
        ends = np.zeros(2 * len(x))
        ends[1::2] = y
        return pg.arrayToQPath(np.repeat(x, 2), ends, connect="pairs")
