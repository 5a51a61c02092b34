"""Lets the crosshair stand at the same place in all plots that have the same axis."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from shiboken6 import isValid

from specgui.views.plot_canvas import PlotCanvas


class LinkedCursors(QObject):
    """Canvases follow each other's mouse; those that are gone are forgotten."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvases: list[PlotCanvas] = []

    def add(self, canvas: PlotCanvas) -> None:
        """Let a canvas take part."""
        self._canvases = [one for one in self._canvases if isValid(one)]
        if canvas not in self._canvases:
            self._canvases.append(canvas)
            canvas.hovered.connect(partial(self._on_hovered, canvas))

    def _on_hovered(self, moved: PlotCanvas, position: float | None, _text: str) -> None:
        for canvas in self._canvases:
            if canvas is moved or not isValid(canvas):
                continue
            same = canvas.axis_key is not None and canvas.axis_key == moved.axis_key
            canvas.follow(position if same else None)
