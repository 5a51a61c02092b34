"""The tools of the mouse on a plot, and which of them is in use."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

ZOOM, PEAK, INTEGRAL, MULTIPLET = "zoom", "peak", "integral", "multiplet"
WITHOUT = "without"


@dataclass(frozen=True)
class Tool:
    """A tool by its name, the key that takes it up, its icon, and what it does."""

    name: str
    title: str
    key: str
    icon: str
    tip: str


TOOLS = (
    Tool(ZOOM, "Zoom", "Z", "zoom", "Drag a box to zoom in, double click to see everything"),
    Tool(
        PEAK, "Pick peaks", "P", "pick",
        "Click picks the nearest maximum; Shift or Alt and a click removes a peak",
    ),
    Tool(
        INTEGRAL, "Integrate", "I", "integral",
        "Drag over a signal to integrate it, drag an end to move it; Delete removes the integral "
        "under the mouse, a double click says how many nuclei it is",
    ),
    Tool(
        MULTIPLET, "Multiplets", "M", "multiplet",
        "Drag over a signal to analyse it as one multiplet; Delete removes the one under the mouse",
    ),
    Tool(
        WITHOUT, "Leave a band out", "W", "without",
        "Drag over a band to see what the groups would be without it; nothing is changed",
    ),
)  # fmt: skip


class PlotTools(QObject):
    """Which tool is in use, in all plots of a window."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = ZOOM

    @property
    def name(self) -> str:
        return self._name

    @property
    def tool(self) -> Tool:
        return next(tool for tool in TOOLS if tool.name == self._name)

    def choose(self, name: str) -> None:
        """Take up a tool; that in use is put down for the zoom."""
        if name not in [tool.name for tool in TOOLS]:
            raise ValueError(f"tool {name!r}; right is {', '.join(t.name for t in TOOLS)}")
        if name != self._name:
            self._name = name
            self.changed.emit()
