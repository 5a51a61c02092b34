"""The Processing panel: the steps of the spectrum in hand, and the editor of the chosen one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.views.elided_label import ElidedLabel
from specgui.views.phase_editor import PhaseEditor
from specgui.views.pivot_line import PivotLine
from specgui.views.processing_menus import ProcessingMenus
from specgui.views.spectrum_stack import SpectrumStack
from specgui.views.step_editor import StepEditor
from specgui.views.step_list import StepList, StepRow
from specgui.views.step_text import summary
from specgui.workspace import Workspace

_ICON = QSize(16, 16)
_LEAST_LIST = 50
_LEAST_EDITOR = 72
_HEADER = 26


class ProcessingPanel(QWidget):
    """Follows the plot that was used last; every change goes through ``workspace.processing``."""

    said = Signal(str)  # for the status bar

    def __init__(
        self, workspace: Workspace, appearance: Appearance, stack: SpectrumStack, parent=None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._appearance = appearance
        self._stack = stack
        self._editing = workspace.processing
        self._technique: str | None = None
        self._shown_id: int | None = None
        self._current = -1
        self._remark = ""
        self._waiting: Callable[[], None] | None = None
        self.menus = ProcessingMenus(workspace, self)
        self.pivot = PivotLine(appearance, self)
        self._make_widgets()
        self._arrange()
        self._connect()
        self._on_theme()
        self.refresh()

    # parts

    def _make_widgets(self) -> None:
        self.chooser = QComboBox()
        self.chooser.setAccessibleName("Spectrum to process")
        self.chooser.setToolTip("The spectrum whose processing is shown: that of the plot in use")
        self.chooser.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.chooser.setMinimumContentsLength(12)
        self.chooser.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.add_button = self._tool("Add a step", "Add a step where it suits", "Add")
        self.add_menu = self._menu(
            self.add_button,
            lambda: self.menus.fill_add(self.add_menu, self._current, self.add_step),
        )
        self.more_button = self._tool(
            "More about processing", "Default processing, other spectra, presets"
        )
        self.more_menu = self._menu(
            self.more_button, lambda: self.menus.fill_more(self.more_menu, self.show_as_read)
        )
        self.list = StepList(self._appearance)
        self.list.setMinimumHeight(_LEAST_LIST)
        self.nothing = QLabel()
        self.nothing.setProperty("role", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.title = ElidedLabel()
        self.title.setProperty("role", "title")
        self.up_button = self._tool("Move the step up", "Apply the step earlier (Alt+Up)")
        self.down_button = self._tool("Move the step down", "Apply the step later (Alt+Down)")
        self.remove_button = self._tool("Remove the step", "Take the step out (Delete)")
        self.step_editor = StepEditor()
        self.phase_editor = PhaseEditor()
        self.by_hand = QPushButton("By hand")
        self.by_hand.setToolTip("Put a phase to be turned by hand in its place, as it was found")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Go back to what was (Esc)")
        self.apply_button = QPushButton("Apply")
        self.apply_button.setProperty("primary", True)
        self.apply_button.setToolTip("Make this the spectrum's processing (Enter)")

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.chooser, 1)
        top.addWidget(self.add_button)
        top.addWidget(self.more_button)
        header = QHBoxLayout()
        header.setSpacing(0)
        header.addWidget(self.title, 1)
        # Either the ones or the others, at one height: nothing jumps under a slider in hand.
        for button in (self.by_hand, self.up_button, self.down_button, self.remove_button):
            header.addWidget(button)
        header.addWidget(self.cancel_button)
        header.addSpacing(4)
        header.addWidget(self.apply_button)
        header.addStrut(_HEADER)
        self.editor = QFrame()
        self.editor.setObjectName("stepeditor")
        inside = QVBoxLayout(self.editor)
        inside.setContentsMargins(10, 2, 8, 5)
        inside.setSpacing(4)
        inside.addLayout(header)
        inside.addWidget(self.step_editor)
        inside.addWidget(self.phase_editor)
        inside.addWidget(self.message)
        # In a low panel the editor scrolls, rather than that something is cut off.
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setWidget(self.editor)
        self.scroll.setMinimumHeight(_LEAST_EDITOR)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.nothing, 1)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.scroll, 0)
        layout.addStretch(0)

    def _connect(self) -> None:
        editing, selection = self._editing, self._workspace.selection
        editing.changed.connect(self.refresh)
        editing.phase_found.connect(self._on_phase_found)
        editing.applied.connect(self.said)
        selection.sample_changed.connect(self._follow_selection)
        selection.spectra_changed.connect(self._follow_selection)
        self._appearance.changed.connect(self._on_theme)
        self.chooser.activated.connect(self._on_spectrum)
        self.list.chosen.connect(self._on_step)
        self.list.moved.connect(self._on_moved)
        self.list.removed.connect(editing.remove)
        self.list.switched.connect(editing.switch)
        self.up_button.clicked.connect(lambda: self._on_moved(self._current, self._current - 1))
        self.down_button.clicked.connect(lambda: self._on_moved(self._current, self._current + 1))
        self.remove_button.clicked.connect(lambda: editing.remove(self._current))
        self.step_editor.changed.connect(lambda name, value: self._change({name: value}))
        self.phase_editor.changed.connect(self._change)
        self.phase_editor.automatic_wanted.connect(lambda: editing.find_phase(self._current))
        self.pivot.moved.connect(self._on_pivot_moved)
        self.by_hand.clicked.connect(self.phase_by_hand)
        self.cancel_button.clicked.connect(editing.reject)
        self.apply_button.clicked.connect(editing.accept)
        QApplication.instance().focusChanged.connect(self._on_focus)

    # showing

    def refresh(self) -> None:
        """Show the steps as they are, what came of each, and the editor of the chosen one."""
        editing = self._editing
        steps = editing.steps
        if editing.entry is None or editing.entry.id != self._shown_id:
            self._shown_id = editing.entry.id if editing.entry else None
            self._current, self._remark, self._waiting = -1, "", None
        self._current = min(self._current, len(steps or ()) - 1)
        if not editing.is_draft:
            self._remark = ""
        self.list.set_rows([self._row(n) for n in range(len(steps or ()))], self._current)
        self.list.setMaximumHeight(max(_LEAST_LIST, self.list.height_of_rows()))
        self.nothing.setText(self._notice())
        self.nothing.setVisible(not steps)
        self.list.setVisible(bool(steps))
        self.add_button.setEnabled(editing.entry is not None and steps is not None)
        self.more_button.setEnabled(editing.entry is not None)
        self._refresh_editor()
        self._refresh_pivot()
        if self._waiting is not None and editing.run is not None:
            waiting, self._waiting = self._waiting, None
            QTimer.singleShot(0, self, waiting)

    def _row(self, number: int) -> StepRow:
        step, outcome = self._editing.steps[number], self._editing.outcome(number)
        text = summary(step)
        if outcome is None:
            return StepRow(step.title, text, step.enabled)
        if outcome.error:
            return StepRow(step.title, text, step.enabled, outcome.error, is_error=True)
        note = " ".join(outcome.notes)
        return StepRow(step.title, text, step.enabled, note, reached=outcome.reached)

    def _notice(self) -> str:
        entry = self._editing.entry
        if entry is None and self._workspace.selection.sample is not None:
            return "There is no spectrum to process in this sample: of a run, keep a scan."
        if entry is None:
            return "Open spectra, and the steps of their processing are listed here."
        if self._editing.steps is None:
            return "Looking at the processing…"
        return "No processing: the spectrum is shown as read.\nAdd a step, or take a preset."

    def _refresh_editor(self) -> None:
        editing, number = self._editing, self._current
        steps = editing.steps or ()
        self.scroll.setVisible(0 <= number < len(steps))
        if self.scroll.isHidden():
            self.step_editor.set_step(None)
            return
        step = steps[number]
        from engine.processing.steps import step_kind

        kind = step_kind(step.name)
        self.title.setText(step.title)
        self.title.setToolTip(kind.tip)
        self.up_button.setEnabled(number > 0)
        self.down_button.setEnabled(number < len(steps) - 1)
        is_phase = step.name == "phase"
        self.phase_editor.setVisible(is_phase)
        self.step_editor.setVisible(not is_phase and bool(kind.parameters))
        if is_phase:
            self.phase_editor.set_step(step, editing.before(number))
            self.step_editor.set_step(None)
        else:
            self.step_editor.set_step(step)
        by_hand = step.name == "automatic_phase" and step.enabled and not editing.is_draft
        self.by_hand.setVisible(by_hand)
        for button in (self.up_button, self.down_button, self.remove_button):
            button.setVisible(not editing.is_draft)
        for button in (self.cancel_button, self.apply_button):
            button.setVisible(editing.is_draft)
        self.apply_button.setEnabled(editing.is_acceptable)
        row = self._row(number)
        text, role = row.message or self._remark, "error" if row.is_error else "warning"
        if not text and not kind.parameters:
            text, role = kind.tip, "muted"
        if self.message.property("role") != role:
            self.message.setProperty("role", role)
            self.message.style().polish(self.message)
        self.message.setText(text)
        self.message.setVisible(bool(text))
        self._fit_editor()

    def _fit_editor(self) -> None:
        """Give the editor the height that it needs, as far as the list keeps two lines."""
        self.editor.layout().activate()
        wide = self.scroll.viewport().width()
        layout = self.editor.layout()
        needed = layout.totalHeightForWidth(wide) if layout.hasHeightForWidth() else 0
        needed = max(needed, layout.totalSizeHint().height())
        room = self.height() - self.chooser.height() - _LEAST_LIST - 26
        self.scroll.setFixedHeight(max(_LEAST_EDITOR, min(needed, room)))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if not self.scroll.isHidden():
            self._fit_editor()

    def _refresh_pivot(self) -> None:
        """The pivot's line stands where its shift is drawn, after referencing and the like."""
        steps, number = self._editing.steps or (), self._current
        shows = (
            self.isVisible() and 0 <= number < len(steps) and steps[number].name == "phase"
            and steps[number].enabled
        )  # fmt: skip
        axes = self._axes() if shows else None
        plot = self._stack.plots.get(self._technique) if axes else None
        canvas = getattr(plot, "canvas", None)
        if canvas is None or self.phase_editor.pivot is None:
            self.pivot.hide()
            return
        (first, last), (drawn_first, drawn_last) = axes
        share = (self.phase_editor.pivot - first) / (last - first)
        self.pivot.show_in(canvas, drawn_first + share * (drawn_last - drawn_first))

    def _axes(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """The ends of the axis that the phase gets, and of the one that is drawn."""
        axis, run = self.phase_editor.axis, self._editing.last_run
        if axis is None or run is None or axis[0] == axis[1] or run.result.x_unit != "ppm":
            return None
        return axis[:2], (float(run.result.x[0]), float(run.result.x[-1]))

    # following

    def _follow_selection(self) -> None:
        """List the spectra that are shown, and take the one of the same technique as before."""
        entries = self._workspace.selection.shown_entries()
        titles = [f"{e.spectrum.technique} · {e.title}" for e in entries]
        ids = [e.id for e in entries]
        if [self.chooser.itemData(n) for n in range(self.chooser.count())] != ids or titles != [
            self.chooser.itemText(n) for n in range(self.chooser.count())
        ]:
            self.chooser.clear()
            for entry, title in zip(entries, titles, strict=True):
                self.chooser.addItem(title, entry.id)
                self.chooser.setItemData(
                    self.chooser.count() - 1, title, Qt.ItemDataRole.ToolTipRole
                )
        techniques = [str(e.spectrum.technique) for e in entries]
        if self._technique not in techniques:
            self._technique = techniques[0] if techniques else None
        place = techniques.index(self._technique) if self._technique is not None else -1
        self.chooser.setCurrentIndex(place)
        self.chooser.setEnabled(len(ids) > 1)
        self._editing.set_target(ids[place] if place >= 0 else None)
        self.refresh()

    def _on_spectrum(self, index: int) -> None:
        entry = self._workspace.document.spectrum(self.chooser.itemData(index))
        if entry is not None:
            self.show_technique(str(entry.spectrum.technique))

    def show_technique(self, technique: str) -> None:
        """Show the steps of the spectrum that the plot of a technique shows."""
        if technique != self._technique:
            self._technique = technique
            self._follow_selection()

    def _on_focus(self, _old, new) -> None:
        plot = self._stack.focused_plot if new is not None else None
        technique = getattr(plot, "technique", None)
        if technique is not None:
            self.show_technique(str(technique))

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._editing.set_active(True)
        self._follow_selection()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._editing.set_active(False)
        self.pivot.hide()

    # editing

    def when_ready(self, do: Callable[[], None]) -> None:
        """Do something as soon as it is known what comes of the steps."""
        if self._editing.run is not None:
            do()
        else:
            self._waiting = do

    def choose_step(self, number: int) -> None:
        """Open the editor of a step."""
        self._current = number
        self.refresh()
        if self.list.currentItem() is not None:
            self.list.scrollToItem(self.list.currentItem())

    def add_step(self, name: str) -> None:
        """Add a step after the chosen one, or where it suits, and open its editor."""
        wanted = self._current + 1 if self._current >= 0 else None
        number = self._editing.add(name, wanted)
        if number is not None:
            self.choose_step(number)

    def phase_by_hand(self) -> None:
        """Open the editor of a phase to be turned by hand."""
        number = self._editing.phase_by_hand()
        if number is None:
            self.said.emit("There is no phase to turn in this spectrum")
            return
        self.choose_step(number)
        self.phase_editor.zero_slider.setFocus()

    def find_phase(self) -> None:
        """Turn a phase by hand further, else let an automatic step find it."""
        names = [step.name if step.enabled else "" for step in self._editing.steps or ()]
        if "phase" in names:
            number = self._editing.phase_by_hand()
            self.choose_step(number)
            self._editing.find_phase(number)
        elif "automatic_phase" in names:
            self.choose_step(names.index("automatic_phase"))
        else:
            self.add_step("automatic_phase")

    def _change(self, parameters: dict) -> None:
        self._remark = ""
        self._editing.change(self._current, parameters)

    def _on_step(self, number: int) -> None:
        self._editing.accept()
        self._current = number
        self.refresh()

    def _on_moved(self, number: int, to: int) -> None:
        self._current = to
        self._editing.move(number, to)

    def _on_pivot_moved(self, place: float) -> None:
        axes = self._axes()
        if axes is not None:
            (first, last), (drawn_first, drawn_last) = axes
            share = (place - drawn_first) / (drawn_last - drawn_first)
            self.phase_editor.move_pivot(first + share * (last - first))

    def _on_phase_found(self, remark: str) -> None:
        self._remark = remark
        self._refresh_editor()
        if remark and not self._editing.is_draft:
            self.said.emit(remark)

    def keyPressEvent(self, event) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape and self._editing.is_draft:
            self._editing.reject()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._editing.is_draft:
            self._editing.accept()
        else:
            super().keyPressEvent(event)

    def show_as_read(self) -> None:
        """Take every step away."""
        from engine.processing import Chain

        self._editing.use(Chain())

    def _tool(self, name: str, tip: str, text: str = "") -> QToolButton:
        button = QToolButton()
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setIconSize(_ICON)
        if text:
            button.setText(text)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        return button

    def _menu(self, button: QToolButton, fill) -> QMenu:
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(fill)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return menu

    def _on_theme(self) -> None:
        for button, icon in (
            (self.add_button, "add"), (self.more_button, "more"), (self.up_button, "move-up"),
            (self.down_button, "move-down"), (self.remove_button, "remove"),
        ):  # fmt: skip
            button.setIcon(self._appearance.icon(icon))
        self.pivot.hide()
        self._refresh_pivot()
