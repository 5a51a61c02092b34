"""The middle of the window: the plots of the chosen sample, one for each technique."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document import Finding
from specgui.views.colour_key import ColourKey
from specgui.views.contour_stack import ContourStack
from specgui.views.elided_label import ElidedLabel
from specgui.views.linked_cursors import LinkedCursors
from specgui.views.run_view import RunView
from specgui.views.spectrum_plot import SpectrumPlot
from specgui.workspace import Workspace


class SpectrumStack(QWidget):
    """Keeps one plot per technique and refreshes what an event concerns."""

    menu_wanted = Signal(QPoint)  # where on the screen
    peak_dragged = Signal(str, float, QPoint, bool)  # as of SpectrumPlot

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._appearance = appearance
        self._plots: dict[str, SpectrumPlot] = {}
        self._sample_id: int | None = None
        self._cursors = LinkedCursors(self)
        self._finding: Finding | None = None

        self.name = ElidedLabel()
        self.name.setProperty("role", "title")
        self.key = ColourKey(appearance)
        header = QHBoxLayout()
        header.setContentsMargins(4, 2, 4, 0)
        header.addWidget(self.name, 1)
        header.addWidget(self.key)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setObjectName("stack")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(6)
        self.run_view = RunView(workspace, appearance)
        self.splitter.addWidget(self.run_view)
        for canvas in self.run_view.canvases:
            self._cursors.add(canvas)
        self.contours = ContourStack(workspace, appearance, self._cursors)
        self.contours.menu_wanted.connect(self.menu_wanted)
        self.splitter.addWidget(self.contours)
        self.nothing = QLabel(
            "This sample holds no spectra yet.\nDrag spectra here from another sample, "
            "or open files."
        )
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setProperty("role", "muted")
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll.setWidget(self.splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(6)
        layout.addLayout(header)
        layout.addWidget(self.scroll, 1)
        layout.addWidget(self.nothing, 1)

        workspace.selection.sample_changed.connect(self.refresh)
        workspace.selection.spectra_changed.connect(self._refresh_plots)
        workspace.selection.group_changed.connect(self._refresh_importance)
        workspace.findings.changed.connect(self._on_findings)
        workspace.removals.changed.connect(self._refresh_importance)
        workspace.presented.connect(self._on_presented)
        workspace.options.changed.connect(self._on_option)
        workspace.assigning.changed.connect(self._refresh_peaks)
        workspace.assigning.linked_changed.connect(self._refresh_links)
        appearance.changed.connect(self._on_theme)
        self.refresh()

    @property
    def plots(self) -> dict[str, SpectrumPlot]:
        """The plots by technique, top to bottom."""
        return self._plots

    @property
    def focused_plot(self) -> SpectrumPlot | None:
        """The plot that has the keyboard, else None."""
        widget = self.window().focusWidget()
        if widget is None:
            return None
        return next((p for p in self._plots.values() if p.isAncestorOf(widget)), None)

    def targets(self) -> list[SpectrumPlot]:
        """The plots that a zoom command means: the one with the keyboard, else all."""
        focused = self.focused_plot
        return [focused] if focused else list(self._plots.values())

    def target_canvases(self) -> list:
        """The same as canvases, those of a run among them."""
        run_canvases = [c for c in self.run_view.canvases if not self.run_view.isHidden()]
        run_canvases += self.contours.canvases
        widget = self.window().focusWidget()
        if widget in run_canvases:
            return [widget]
        canvases = [plot.canvas for plot in self.targets()]
        return canvases if self.focused_plot else [*run_canvases, *canvases]

    def refresh(self) -> None:
        """Show the chosen sample; its plots are made new when its techniques are others."""
        sample = self._workspace.selection.sample
        techniques = [str(t) for t in sample.techniques] if sample else []
        if techniques != list(self._plots) or (sample and sample.id != self._sample_id):
            self._make_plots(techniques)
        self._sample_id = sample.id if sample else None
        self.name.setText(sample.name if sample else "")
        runs = bool(sample and sample.runs)
        self.run_view.setVisible(runs)
        held = self.contours.refresh() or runs or bool(techniques)
        self.scroll.setVisible(held)
        self.nothing.setVisible(sample is not None and not held)
        self._refresh_plots()
        self._refresh_key()

    def _make_plots(self, techniques: list[str]) -> None:
        for plot in self._plots.values():
            plot.setParent(None)
            plot.deleteLater()
        self._plots = {}
        for technique in techniques:
            plot = SpectrumPlot(technique, self._workspace, self._appearance)
            plot.menu_wanted.connect(self.menu_wanted)
            plot.peak_dragged.connect(self.peak_dragged)
            self._cursors.add(plot.canvas)
            self._plots[technique] = plot
            self.splitter.addWidget(plot)
        # A run has two plots in one.
        self.splitter.setSizes([2000, 2000] + [1000] * len(techniques))

    def _refresh_plots(self) -> None:
        self.run_view.refresh()
        for plot in self._plots.values():
            plot.refresh()

    def _on_findings(self) -> None:
        # Those of other samples, which come by hundreds, change nothing here.
        finding = self._workspace.findings.of(self._workspace.selection.sample)
        if finding is not self._finding:
            self._refresh_importance()

    def _refresh_importance(self) -> None:
        for plot in self._plots.values():
            plot.refresh_importance()
        self._refresh_key()

    def _refresh_key(self) -> None:
        finding = self._workspace.findings.of(self._workspace.selection.sample)
        self._finding = finding
        self.key.setVisible(
            finding.identification is not None and self._workspace.options["importance"]
        )
        self.key.describe(self._workspace.selection.group, finding.gate_ranges)

    def _on_presented(self, spectrum_id: int) -> None:
        for plot in self._plots.values():
            if plot.entry is not None and plot.entry.id == spectrum_id:
                plot.refresh()

    def _refresh_peaks(self) -> None:
        for plot in self._plots.values():
            plot.refresh_peaks()

    def _refresh_links(self) -> None:
        for plot in self._plots.values():
            plot.refresh_links()

    def _on_option(self, name: str) -> None:
        if name == "peak_labels":
            self._refresh_peaks()
        elif name == "importance":
            self._refresh_importance()
        elif name == "ir_scale":
            self._refresh_plots()

    def _on_theme(self) -> None:
        self.run_view.set_theme()
        self.contours.set_theme()
        for plot in self._plots.values():
            plot.set_theme()
        self.key.update()
