"""The Assignment panel: which peak belongs to which atom, how well it fits, and how sure it is."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QPoint, QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document.assignments import AssignedSignal
from specgui.views.assignment_model import (
    ATOMS,
    CONFIDENCE,
    DIFFERENCE,
    HYDROGENS,
    MEASURED,
    NUCLEUS,
    PREDICTED,
    SIGNAL_ROLE,
    SORT_ROLE,
    AssignmentModel,
)
from specgui.workspace import Workspace

_LONGEST = {
    NUCLEUS: "13C", HYDROGENS: "H", MEASURED: "−188.88", PREDICTED: "−188.8", DIFFERENCE: "−18.8",
    CONFIDENCE: ">99%",
}  # fmt: skip
_PADDING = 20
_LEAST_BUTTON = 52


class AssignmentTable(QTableView):
    """A line can be dragged onto an atom; Delete unfixes, Esc chooses none."""

    dragged = Signal(object, QPoint, bool)  # the AssignedSignal, the place on the screen, dropped
    unfix_wanted = Signal()
    cleared = Signal()

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._pressed: tuple[QPoint, AssignedSignal] | None = None
        self._dragging = False

    def mousePressEvent(self, event) -> None:
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        signal = index.data(SIGNAL_ROLE) if index.isValid() else None
        left = event.button() == Qt.MouseButton.LeftButton
        held = left and signal is not None and signal.position is not None
        self._pressed = (event.position().toPoint(), signal) if held else None

    def mouseMoveEvent(self, event) -> None:
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        way = (event.position().toPoint() - self._pressed[0]).manhattanLength()
        if self._dragging or way >= QApplication.startDragDistance():
            self._dragging = True
            self.dragged.emit(self._pressed[1], event.globalPosition().toPoint(), False)

    def mouseReleaseEvent(self, event) -> None:
        pressed, dragging = self._pressed, self._dragging
        self._pressed, self._dragging = None, False
        if pressed is not None and dragging:
            self.dragged.emit(pressed[1], event.globalPosition().toPoint(), True)
        super().mouseReleaseEvent(event)

    def event(self, event) -> bool:
        # The window has a shortcut of its own on this key.
        if event.type() == event.Type.ShortcutOverride and event.key() == Qt.Key.Key_Delete:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.unfix_wanted.emit()
        elif event.key() == Qt.Key.Key_Escape and self.state() != self.State.EditingState:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)


class AssignmentPanel(QWidget):
    """Lists the signals of the chosen sample with their atoms; choosing one lights them."""

    command_wanted = Signal(str)  # the id of a command
    # A line is dragged: technique, shift in ppm, where on the screen, whether it is dropped.
    peak_dragged = Signal(str, float, QPoint, bool)

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._assigning = workspace.assigning
        self._following = False
        self.assign = self._button("Assign", "Assign the peaks to atoms (Ctrl+J)", "assign.run")
        self.unfix = self._button(
            "Unfix", "Let the program decide again about the chosen lines (Del)", ""
        )
        self.unfix.clicked.connect(self.unfix_chosen)
        self.clear = self._button("Clear", "Take all assignments away", "assign.clear")
        self.copy = self._button(
            "Copy", "Copy the NMR data with the atoms as a paper prints them",
            "assign.copy_text",
        )  # fmt: skip
        self.notice = QLabel()
        self.notice.setProperty("role", "notice")
        self.notice.setWordWrap(True)
        self.model = AssignmentModel(appearance, self)
        self.proxy = QSortFilterProxyModel(self)
        self.proxy.setSourceModel(self.model)
        self.proxy.setSortRole(SORT_ROLE)
        self.table = AssignmentTable()
        self.table.setModel(self.proxy)
        self._set_up_table()
        self.summary = QLabel()
        self.summary.setProperty("role", "muted")
        self.summary.setWordWrap(True)
        self._filler = QWidget()
        row = QHBoxLayout()
        row.addWidget(self.assign)
        row.addWidget(self.unfix)
        row.addWidget(self.clear)
        row.addStretch(1)
        row.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.notice)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.summary)
        layout.addWidget(self._filler, 1)

        self.model.fixed.connect(self._on_typed)
        self.table.selectionModel().selectionChanged.connect(self._on_chosen)
        self.table.dragged.connect(self._on_dragged)
        self.table.unfix_wanted.connect(self.unfix_chosen)
        self.table.cleared.connect(lambda: self._assigning.choose_atom(None))
        self._assigning.changed.connect(self.refresh)
        self._assigning.linked_changed.connect(self._follow_choice)
        workspace.selection.sample_changed.connect(self.refresh)
        appearance.changed.connect(self.table.viewport().update)
        self.refresh()

    def _button(self, text: str, tip: str, command: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setMinimumWidth(_LEAST_BUTTON)  # narrow panels cut a word rather than the samples
        if command:
            button.clicked.connect(lambda: self.command_wanted.emit(command))
        return button

    def _set_up_table(self) -> None:
        table = self.table
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        triggers = QAbstractItemView.EditTrigger
        table.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setAlternatingRowColors(True)
        table.setSortingEnabled(True)
        table.verticalHeader().hide()
        table.setAccessibleName("Assignments")
        header, mode = table.horizontalHeader(), QHeaderView.ResizeMode
        header.setHighlightSections(False)
        header.setMinimumSectionSize(26)
        header.setSectionResizeMode(mode.Fixed)
        header.setSectionResizeMode(ATOMS, mode.Stretch)
        metrics = self.fontMetrics()
        for column, longest in _LONGEST.items():
            header.resizeSection(column, metrics.horizontalAdvance(longest) + _PADDING)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.verticalHeader().setSectionResizeMode(mode.ResizeToContents)

    # what is shown

    def refresh(self) -> None:
        """List the chosen sample's signals, or say what is missing."""
        signals, state = self._assigning.signals, self._assigning.state
        self._following = True
        self.model.set_signals(signals)
        self._following = False
        shown = bool(signals)
        techniques = {signal.technique for signal in signals}
        self.table.setColumnHidden(NUCLEUS, True)
        self.table.setColumnHidden(HYDROGENS, len(techniques) == 0)
        self.table.setColumnHidden(PREDICTED, all(s.predicted is None for s in signals))
        self.table.setVisible(shown)
        self.summary.setVisible(shown)
        self._filler.setVisible(not shown)
        self.assign.setEnabled(self._assigning.can_assign and not state.running)
        self.assign.setText("Assigning…" if state.running else "Assign")
        self.clear.setEnabled(shown)
        self.copy.setEnabled(shown)
        notice = self._notice(shown)
        self.notice.setText(notice)
        self.notice.setVisible(bool(notice))
        self.summary.setText(self._summary(signals))
        self._refresh_buttons()
        self._follow_choice()

    def _notice(self, shown: bool) -> str:
        state = self._assigning.state
        if state.message:
            return f"⚠ {state.message[:1].upper()}{state.message[1:]}"
        if shown:
            return " ".join(f"{w[:1].upper()}{w[1:].rstrip('.')}." for w in state.warnings)
        if self._workspace.selection.sample is None:
            return "Open an NMR spectrum, and its peaks are assigned here."
        if not self._assigning.techniques:
            return "This sample holds no 13C or 1H NMR spectrum."
        if self._assigning.structure is None:
            return "No structure known: draw it, type it, or take a candidate."
        if state.running:
            return "The peaks are being assigned…"
        return "Not assigned yet. Assign matches all peaks to the atoms of the structure."

    @staticmethod
    def _summary(signals: tuple[AssignedSignal, ...]) -> str:
        parts = []
        for technique in dict.fromkeys(signal.technique for signal in signals):
            own = [s for s in signals if s.technique == technique]
            both = [abs(s.difference) for s in own if s.difference is not None]
            if not both:
                continue
            digits = 1 if technique.startswith("13C") else 2
            mean = sum(both) / len(both)
            parts.append(f"{technique}: {len(both)} assigned, mean |Δ| {mean:.{digits}f} ppm")
        doubtful = sum(signal.is_uncertain for signal in signals)
        left = sum(not signal.atoms for signal in signals)
        if doubtful:
            parts.append(f"{doubtful} uncertain")
        if left:
            parts.append(f"{left} peak{'s' * (left > 1)} without an atom")
        return " · ".join(parts)

    # choosing

    def chosen(self) -> list[AssignedSignal]:
        """The signals of the chosen lines."""
        rows = self.table.selectionModel().selectedRows(ATOMS)
        return [index.data(SIGNAL_ROLE) for index in rows]

    def _on_chosen(self, *_args) -> None:
        if self._following:
            return
        chosen = self.chosen()
        self._refresh_buttons()
        self._assigning.choose_signal(chosen[0] if len(chosen) == 1 else None)

    def _refresh_buttons(self) -> None:
        self.unfix.setEnabled(any(signal.fixed for signal in self.chosen()))

    def _follow_choice(self) -> None:
        """Choose the lines of the peaks and atoms that are lit elsewhere."""
        link = self._assigning.link
        wanted = [
            self.proxy.mapFromSource(self.model.index(row, MEASURED))
            for row, signal in enumerate(self.model.signals)
            if (signal.place in link.places if signal.place else set(signal.atoms) & link.atoms)
        ]
        selection, flag = self.table.selectionModel(), QItemSelectionModel.SelectionFlag
        if {i.row() for i in selection.selectedRows(MEASURED)} == {i.row() for i in wanted}:
            return
        chosen_here = self.chosen()
        several = len(chosen_here) > 1 and not link
        if several:
            return
        self._following = True
        selection.clearSelection()
        for index in wanted:
            selection.select(index, flag.Select | flag.Rows)
        if wanted:
            self.table.scrollTo(wanted[0])
        self._following = False
        self._refresh_buttons()

    # editing

    def unfix_chosen(self) -> None:
        """Let the program decide again about the chosen lines."""
        self._assigning.unfix(self.chosen())

    def _on_dragged(self, signal: AssignedSignal, place: QPoint, dropped: bool) -> None:
        self.peak_dragged.emit(signal.technique, signal.position, place, dropped)

    def _on_typed(self, signal: AssignedSignal, text: str) -> None:
        if text in ("-", "–", "−"):
            self._assigning.fix(signal.technique, None, signal.atoms[0])
            return
        try:
            position = float(text.replace(",", ".").replace("−", "-").removesuffix("ppm").strip())
        except ValueError:
            self._assigning.refused.emit(f"“{text}” is no shift in ppm.")
            return
        self._assigning.fix(signal.technique, position, signal.atoms[0])
