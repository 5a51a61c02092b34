"""The contour plots of the chosen sample, one for each pair of axes, below one another."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from specgui.appearance import Appearance
from specgui.views.contour_canvas import ContourCanvas
from specgui.views.contour_plot import ContourPlot
from specgui.views.linked_cursors import LinkedCursors
from specgui.workspace import Workspace


class ContourStack(QWidget):
    """Makes the plots that the chosen sample needs, and keeps them up to date."""

    menu_wanted = Signal(QPoint)  # where on the screen

    def __init__(
        self, workspace: Workspace, appearance: Appearance, cursors: LinkedCursors, parent=None
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._appearance = appearance
        self._cursors = cursors
        self._plots: dict[str, ContourPlot] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        workspace.selection.spectra_changed.connect(self._refresh_plots)

    @property
    def plots(self) -> dict[str, ContourPlot]:
        """The plots by the names of their axes, top to bottom."""
        return self._plots

    @property
    def canvases(self) -> list[ContourCanvas]:
        return [plot.canvas for plot in self._plots.values()]

    def refresh(self) -> bool:
        """Show the chosen sample; returns whether it has anything to show here."""
        names = self._workspace.contours.names(self._workspace.selection.sample)
        if names != list(self._plots):
            for plot in self._plots.values():
                plot.setParent(None)
                plot.deleteLater()
            self._plots = {}
            for name in names:
                plot = ContourPlot(name, self._workspace, self._appearance)
                plot.menu_wanted.connect(self.menu_wanted)
                self._cursors.add(plot.canvas)
                self._plots[name] = plot
                self.layout().addWidget(plot, 1)
        self._refresh_plots()
        self.setVisible(bool(names))
        return bool(names)

    def set_theme(self) -> None:
        for plot in self._plots.values():
            plot.set_theme()

    def _refresh_plots(self) -> None:
        for plot in self._plots.values():
            plot.refresh()
