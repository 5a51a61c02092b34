"""The window: panels around the stack of spectra, and what commands ask of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDockWidget,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QWidget,
)

from specgui.actions.commands import COMMANDS
from specgui.actions.exports import Exports
from specgui.actions.menus import build_menus, build_toolbar, fill_menu
from specgui.actions.projects import ProjectFiles
from specgui.actions.registry import CommandRegistry
from specgui.actions.removal_commands import REMOVAL_MENU
from specgui.appearance import Appearance
from specgui.settings import LAYOUT_VERSION, Settings
from specgui.views.assignment_panel import AssignmentPanel
from specgui.views.candidates_panel import CandidatesPanel
from specgui.views.command_palette import CommandPalette
from specgui.views.empty_state import EmptyState
from specgui.views.grouping_dialog import GroupingDialog
from specgui.views.groups_panel import GroupsPanel
from specgui.views.job_status import JobStatus
from specgui.views.overlay_view import OverlayView
from specgui.views.peak_drag import PeakDrag
from specgui.views.predicted_overlay import PredictedOverlay
from specgui.views.problems_panel import ProblemsPanel
from specgui.views.processing_panel import ProcessingPanel
from specgui.views.sample_tree import SampleTree
from specgui.views.signals_panel import SignalsPanel
from specgui.views.spectrum_stack import SpectrumStack
from specgui.views.structure_panel import StructurePanel
from specgui.views.structure_prediction import StructurePrediction
from specgui.views.verification_view import VerificationView
from specgui.workspace import Workspace

_DEFAULT_SIZE = (1280, 800)
_SCREEN_SHARE = 0.8
_LEAST_SIZE = (860, 560)
_TREE_MENU = (
    "edit.rename", "edit.new_sample", "edit.split", "edit.remove", "groups.identify",
    "view.compare",
)  # fmt: skip
_VEIL_MARGIN = 14
_PROBLEMS = 200
_LEAST_CENTRE = 420


class MainWindow(QMainWindow):
    """Puts the views together; opening, dropping and closing happen here."""

    def __init__(
        self,
        workspace: Workspace,
        appearance: Appearance,
        settings: Settings | None = None,
        asks_on_close: bool = False,
    ) -> None:
        super().__init__()
        self.workspace = workspace
        self.appearance = appearance
        self.settings = settings if settings is not None else Settings()
        self._docks: dict[str, QDockWidget] = {}
        self._problem_count = 0
        self.setObjectName("window")
        self.projects = ProjectFiles(self, asks_on_close)
        self.exports = Exports(self)
        self.setMinimumSize(*_LEAST_SIZE)
        self.setAcceptDrops(True)
        self.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.AllowNestedDocks
        )  # fmt: skip
        self.settings.load_options(workspace.options)
        self.registry = CommandRegistry(self, appearance, COMMANDS)
        self._make_views()
        build_menus(self, self.registry)
        build_toolbar(self, self.registry)
        self._veil = QLabel("Drop to open as one sample", self)
        self._veil.setObjectName("dropveil")
        self._veil.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._veil.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._veil.hide()
        # Many signals can come at once: the state of the commands is brought up to date after them.
        self._refresh_soon = QTimer(self)
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.setInterval(0)
        self._refresh_soon.timeout.connect(self.registry.refresh)
        self._connect()
        self._restore_layout()
        self._on_document_changed()
        self.registry.refresh()

    # parts

    def _make_views(self) -> None:
        self.empty = EmptyState(self.appearance)
        self.stack = SpectrumStack(self.workspace, self.appearance)
        self.centre = QStackedWidget()
        self.centre.addWidget(self.empty)
        self.centre.addWidget(self.stack)
        self.overlay = OverlayView(self.workspace, self.appearance)
        self.centre.addWidget(self.overlay)
        # Less than the comparison would like: on a small screen the panels need room too.
        self.centre.setMinimumWidth(_LEAST_CENTRE)
        self.setCentralWidget(self.centre)
        self.tree = SampleTree(self.workspace, self.appearance)
        self.groups = GroupsPanel(self.workspace, self.appearance)
        self.structure = StructurePanel(self.workspace, self.appearance)
        self.processing = ProcessingPanel(self.workspace, self.appearance, self.stack)
        self.signals = SignalsPanel(self.workspace, self.appearance)
        self.candidates = CandidatesPanel(self.workspace, self.appearance)
        self.verification = VerificationView(self.workspace, self.appearance)
        self.assignment = AssignmentPanel(self.workspace, self.appearance)
        StructurePrediction(self.workspace, self.stack)
        PredictedOverlay(self.stack, self.workspace.candidates)
        self.drag = PeakDrag(self, self.structure.view, self.workspace.assigning)
        self.problems = ProblemsPanel(self.workspace.problems, self.appearance)
        area = Qt.DockWidgetArea
        self._add_dock("samples", "Samples", self.tree, area.LeftDockWidgetArea)
        self._add_dock("groups", "Groups", self.groups, area.RightDockWidgetArea)
        self._add_dock("candidates", "Candidates", self.candidates, area.RightDockWidgetArea)
        self._add_dock("verification", "Verification", self.verification, area.RightDockWidgetArea)
        self._add_dock("structure", "Structure", self.structure, area.RightDockWidgetArea)
        self._add_dock("assignment", "Assignment", self.assignment, area.RightDockWidgetArea)
        self._add_dock("processing", "Processing", self.processing, area.RightDockWidgetArea)
        self._add_dock("signals", "Signals", self.signals, area.RightDockWidgetArea)
        self._add_dock("problems", "Problems", self.problems, area.BottomDockWidgetArea)
        self.setCorner(Qt.Corner.BottomLeftCorner, area.LeftDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, area.RightDockWidgetArea)
        self.jobs = JobStatus(self.workspace.jobs, self.appearance)
        self.statusBar().addPermanentWidget(self.jobs, 1)
        self.statusBar().setSizeGripEnabled(False)

    def _add_dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> None:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock_{name}")
        dock.setWidget(widget)
        feature = QDockWidget.DockWidgetFeature
        dock.setFeatures(feature.DockWidgetMovable | feature.DockWidgetClosable)
        dock.visibilityChanged.connect(self._refresh_commands)
        self.addDockWidget(area, dock)
        self._docks[name] = dock

    def _connect(self) -> None:
        workspace = self.workspace
        workspace.document.changed.connect(self._on_document_changed)
        workspace.problems.changed.connect(self._on_problems_changed)
        workspace.grouping_asked.connect(self._ask_for_grouping)
        self.empty.open_wanted.connect(self.ask_for_files)
        self.empty.example_wanted.connect(workspace.open_example)
        self.tree.menu_wanted.connect(self._show_tree_menu)
        self.stack.menu_wanted.connect(self._show_plot_menu)
        self.overlay.closed.connect(lambda: self.show_overlay(False))
        self.tree.several_chosen.connect(lambda: self.overlay.follow(*self.tree.chosen()))
        self.processing.said.connect(lambda text: self.statusBar().showMessage(text, 5000))
        workspace.processing.changed.connect(self._refresh_commands)
        self.signals.analyse_wanted.connect(self.analyse_signals)
        self.signals.copy_wanted.connect(lambda: self.registry.run("signals.copy_text"))
        self.candidates.command_wanted.connect(self.registry.run)
        self.verification.verify_wanted.connect(
            lambda: self.registry.run("candidates.verify_structure")
        )
        workspace.candidates.chosen_changed.connect(self._refresh_commands)
        self.structure.draw_wanted.connect(lambda: self.registry.run("structure.draw"))
        self.assignment.command_wanted.connect(self.registry.run)
        for source in (self.stack, self.assignment):
            source.peak_dragged.connect(self.drag.follow)
        workspace.assigning.refused.connect(lambda text: self.statusBar().showMessage(text, 6000))
        workspace.assigning.changed.connect(self._refresh_commands)
        workspace.assigning.linked_changed.connect(self._refresh_commands)
        workspace.signals.text_ready.connect(self._copy_signals)
        workspace.signals.refused.connect(lambda text: self.statusBar().showMessage(text, 6000))
        workspace.signals.edit_wanted.connect(self._edit_signal)
        workspace.signals.tools.changed.connect(self._refresh_commands)
        for signal in (
            workspace.selection.sample_changed, workspace.selection.group_changed,
            workspace.findings.changed, workspace.jobs.changed, workspace.options.changed,
            workspace.document.undo_stack.indexChanged, self.appearance.changed,
            workspace.document.file_changed,
        ):  # fmt: skip
            signal.connect(self._refresh_commands)

    def _refresh_commands(self, *_args) -> None:
        self._refresh_soon.start()

    # layout

    def _restore_layout(self) -> None:
        saved = self.settings.window_state()
        if saved is not None:
            geometry, panels = saved
            if self.restoreGeometry(geometry) and self.restoreState(panels, LAYOUT_VERSION):
                return
        screen = self.screen().availableGeometry()
        wide, tall = screen.width(), screen.height()
        self.resize(
            min(max(_DEFAULT_SIZE[0], round(wide * _SCREEN_SHARE)), wide),
            min(max(_DEFAULT_SIZE[1], round(tall * _SCREEN_SHARE)), tall),
        )
        self._set_default_layout()

    def _set_default_layout(self) -> None:
        """Panels in their places, wide enough for their contents, the spectra with the rest."""
        area = Qt.DockWidgetArea
        for name, place in (
            ("samples", area.LeftDockWidgetArea), ("groups", area.RightDockWidgetArea),
            ("candidates", area.RightDockWidgetArea), ("verification", area.RightDockWidgetArea),
            ("assignment", area.RightDockWidgetArea),
            ("structure", area.RightDockWidgetArea), ("processing", area.RightDockWidgetArea),
            ("signals", area.RightDockWidgetArea),
            ("problems", area.BottomDockWidgetArea),
        ):  # fmt: skip
            self.addDockWidget(place, self._docks[name])
            self._docks[name].setVisible(name != "problems" or len(self.workspace.problems) > 0)
        self.tabifyDockWidget(self._docks["groups"], self._docks["candidates"])
        self.tabifyDockWidget(self._docks["candidates"], self._docks["verification"])
        # Beside the structure, not behind it: its lines are dragged onto atoms.
        self.tabifyDockWidget(self._docks["verification"], self._docks["assignment"])
        self.tabifyDockWidget(self._docks["structure"], self._docks["processing"])
        self.tabifyDockWidget(self._docks["processing"], self._docks["signals"])
        # Tabs exist once the window is laid out: a dock that is raised before stays behind.
        QTimer.singleShot(0, self, self._docks["structure"].raise_)
        QTimer.singleShot(0, self, self._docks["groups"].raise_)
        self.fit_panels()

    def fit_panels(self) -> None:
        """Give the side panels their share of the window's width."""
        left = max(220, min(360, round(self.width() * 0.18)))
        right = max(370, min(560, round(self.width() * 0.25)))
        docks = self._docks
        self.resizeDocks(
            [docks["samples"], docks["groups"]], [left, right], Qt.Orientation.Horizontal
        )
        tall = self.height()
        self.resizeDocks(
            [docks["groups"], docks["structure"]], [round(tall * 0.6), round(tall * 0.4)],
            Qt.Orientation.Vertical,
        )  # fmt: skip
        self.resizeDocks([docks["problems"]], [_PROBLEMS], Qt.Orientation.Vertical)

    def reset_layout(self) -> None:
        self.settings.forget_window_state()
        self._set_default_layout()

    def toggle_panel(self, name: str) -> None:
        dock = self._docks[name]
        dock.setVisible(not self.panel_is_open(name))
        if self.panel_is_open(name):
            dock.raise_()

    def panel_is_open(self, name: str) -> bool:
        return not self._docks[name].isHidden()

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def set_theme_mode(self, mode: str) -> None:
        self.settings.theme_mode = mode
        self.appearance.apply(mode)

    # opening

    def ask_for_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(
            self, "Open the spectra of one compound", self.settings.last_folder, "All files (*)"
        )
        if files:
            self.settings.last_folder = str(Path(files[0]).parent)
            self.workspace.open_paths(files)

    def ask_for_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Open a folder of spectra", self.settings.last_folder
        )
        if folder:
            self.settings.last_folder = str(Path(folder).parent)
            self.workspace.open_paths([folder])

    def ask_for_picture(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Save picture of the spectra", self.settings.last_folder, "PNG picture (*.png)"
        )
        if path and not self.stack.grab().save(path if path.endswith(".png") else f"{path}.png"):
            QMessageBox.warning(self, "SpecGUI", f"{path} could not be written.")

    def _ask_for_grouping(self, plan) -> None:
        dialog = GroupingDialog(plan, self)
        try:
            if dialog.exec() == QDialog.DialogCode.Accepted:
                self.workspace.read(dialog.chosen())
        finally:
            dialog.deleteLater()

    def dragEnterEvent(self, event) -> None:
        if _dropped_paths(event.mimeData()):
            self._show_veil()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event) -> None:
        self._veil.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event) -> None:
        self._veil.hide()
        paths = _dropped_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.workspace.open_paths(paths)

    def _show_veil(self) -> None:
        margin = _VEIL_MARGIN
        self._veil.setGeometry(self.rect().adjusted(margin, margin, -margin, -margin))
        self._veil.raise_()
        self._veil.show()

    # editing

    def new_sample(self) -> None:
        """An empty sample, or one of the spectra chosen in the tree."""
        _, spectra = self.tree.chosen()
        document = self.workspace.document
        made = document.move_to_new_sample(spectra) if spectra else document.add_empty_sample()
        self.workspace.selection.choose_sample(made)

    def rename_sample(self) -> None:
        self._open_panel("samples")
        self.tree.rename_current()

    def split_sample(self) -> None:
        made = self.workspace.document.split(self.workspace.selection.sample_id)
        if made:
            self.workspace.selection.choose_sample(made[0])

    def remove_chosen(self) -> None:
        """Remove the signal under the mouse, what is chosen in the tree, or the sample in view."""
        if any(plot.signals.remove_under_mouse() for plot in self.stack.plots.values()):
            return
        (samples, spectra), runs = self.tree.chosen(), self.tree.chosen_runs()
        nothing = not samples and not spectra and not runs
        if nothing and self.workspace.selection.sample_id is not None:
            samples = [self.workspace.selection.sample_id]
        self.workspace.document.remove(samples, spectra, runs)

    def focus_structure(self) -> None:
        self._open_panel("structure")
        self.structure.focus_entry()

    def focus_group_filter(self) -> None:
        self._open_panel("groups")
        self.groups.filter_box.setFocus()

    def copy_groups(self) -> None:
        """Put the found groups on the clipboard, one line each: name, probability, techniques."""
        finding = self.workspace.findings.of(self.workspace.selection.sample)
        if finding.identification is None:
            return
        lines = []
        for group in finding.identification.groups:
            if group.present:
                seen = ", ".join(dict.fromkeys(str(e.technique) for e in group.evidence))
                lines.append(f"{group.name}\t{group.probability:.1%}\t{seen}")
        QGuiApplication.clipboard().setText("\n".join(lines))
        self.statusBar().showMessage(f"{len(lines)} groups copied", 3000)

    def show_processing(self) -> ProcessingPanel:
        """Bring the Processing panel to the front."""
        self._open_panel("processing")
        return self.processing

    def analyse_signals(self) -> None:
        """Analyse the spectrum that the Signals panel lists."""
        if self.signals.entry is not None:
            self.workspace.signals.analyse(self.signals.entry)

    def _edit_signal(self) -> None:
        self._open_panel("signals")
        self.signals.edit_chosen()

    def _copy_signals(self, text: str, rich: str) -> None:
        """Put the text of a paper on the clipboard, with italics and indices where those go."""
        if not text:
            self.statusBar().showMessage("No signal is there to be copied", 5000)
            return
        content = QMimeData()
        content.setText(text)
        content.setHtml(rich)
        QGuiApplication.clipboard().setMimeData(content)
        self.statusBar().showMessage(f"Copied: {text}", 8000)

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self._open_panel(name)

    def _open_panel(self, name: str) -> None:
        self._docks[name].show()
        self._docks[name].raise_()

    # help

    def show_palette(self) -> CommandPalette:
        palette = CommandPalette(self.registry, self.appearance, self)
        palette.show()
        palette.line.setFocus()
        return palette

    def show_about(self) -> None:
        from engine import __version__

        QMessageBox.about(
            self, "About SpecGUI",
            f"<b>SpecGUI {__version__}</b><p>IR, NMR and MS spectra, the functional groups they "
            "show, and where they show them.</p><p>Everything runs on this computer: no account, "
            "no network. MIT licence.</p><p>Spectra: the wheel zooms (with Ctrl the height), a "
            "drag zooms to a box, Shift and a drag pans, a double click or F shows everything."
            "</p>",
        )  # fmt: skip

    def show_overlay(self, shown: bool) -> None:
        """Compare spectra in the middle of the window, or show one sample's again."""
        self.centre.setCurrentWidget(self.overlay if shown else self.stack)
        (self.overlay.canvas if shown else self.tree).setFocus()
        self._refresh_commands()

    # following

    def _on_document_changed(self) -> None:
        wanted = self.stack if self.workspace.document.samples else self.empty
        if wanted is self.stack and self.centre.currentWidget() is self.overlay:
            wanted = self.overlay
        if self.centre.currentWidget() is not wanted:
            # The keyboard goes where one goes on from: not to whatever comes next in the tab order.
            (self.tree if wanted is self.stack else self.empty.open_button).setFocus()
            self.centre.setCurrentWidget(wanted)
        self._refresh_commands()

    def _on_problems_changed(self) -> None:
        """A new error opens the panel; warnings show where they belong and wait there."""
        errors = sum(p.severity == "error" for p in self.workspace.problems)
        if errors > self._problem_count:
            opened = not self.panel_is_open("problems")
            self._open_panel("problems")
            if opened:
                self.resizeDocks([self._docks["problems"]], [_PROBLEMS], Qt.Orientation.Vertical)
        self._problem_count = errors
        count = len(self.workspace.problems)
        self._docks["problems"].setWindowTitle(f"Problems ({count})" if count else "Problems")

    def _show_tree_menu(self, place: QPoint) -> None:
        self._show_menu(list(_TREE_MENU), self.tree.viewport().mapToGlobal(place))

    def _show_plot_menu(self, place: QPoint) -> None:
        spectrum = [command.id for command in self.registry.of_menu("Spectrum")]
        self._show_menu([*REMOVAL_MENU, *spectrum], place)

    def _show_menu(self, command_ids: list[str], place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.registry.refresh()
        fill_menu(menu, self.registry, command_ids)
        menu.popup(place)

    def changeEvent(self, event) -> None:
        if event.type() == QEvent.Type.WindowStateChange:
            self._refresh_commands()
        super().changeEvent(event)

    def closeEvent(self, event) -> None:
        if not self.projects.may_close():
            event.ignore()
            return
        self.settings.save_window_state(self.saveGeometry(), self.saveState(LAYOUT_VERSION))
        self.settings.save_options(self.workspace.options)
        self._refresh_soon.stop()
        # A worker may need a moment to end; nobody has to look at a dead window meanwhile.
        self.hide()
        self.workspace.shut_down()
        super().closeEvent(event)


def _dropped_paths(data) -> list[str]:
    """The local files and folders of a drop."""
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
