"""Lets the crosshair stand at the same place in all plots that have the same axis."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from shiboken6 import isValid

from specgui.views.contour_canvas import ContourCanvas
from specgui.views.plot_canvas import PlotCanvas

Canvas = PlotCanvas | ContourCanvas


class LinkedCursors(QObject):
    """Canvases follow each other's mouse; those that are gone are forgotten.

    A 13C trace draws its line across an HSQC, the crosshair in an HSQC one into both traces.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvases: list[Canvas] = []

    def add(self, canvas: Canvas) -> None:
        """Let a canvas take part."""
        self._canvases = [one for one in self._canvases if isValid(one)]
        if canvas not in self._canvases:
            self._canvases.append(canvas)
            canvas.hovered.connect(partial(self._on_hovered, canvas))

    def _on_hovered(self, moved: Canvas, position: float | None, _text: str) -> None:
        places = {} if position is None else {moved.axis_key: position}
        if isinstance(moved, ContourCanvas) and moved.crosshair is not None and places:
            # Along x where both axes are shifts of one nucleus.
            places.setdefault(moved.axis_key_y, moved.crosshair[1])
        places.pop(None, None)
        for canvas in self._canvases:
            if canvas is moved or not isValid(canvas):
                continue
            if isinstance(canvas, ContourCanvas):
                canvas.follow(places.get(canvas.axis_key), places.get(canvas.axis_key_y))
            else:
                canvas.follow(places.get(canvas.axis_key))
