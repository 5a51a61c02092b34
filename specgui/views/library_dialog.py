"""The molecule libraries: what there is, what is being built, and how to make and remove them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from specgui.actions.command_lines import CommandLinesDialog, command_line
from specgui.appearance import Appearance
from specgui.views.library_import_dialog import LibraryImportDialog
from specgui.workers.library_jobs import READY, UNFINISHED, ListedLibrary
from specgui.workspace import Workspace

_SIZE = (760, 460)
_TITLES = ("Library", "Molecules", "Model", "Built", "State")
_NAME, _COUNT, _MODEL, _DATE, _STATE = range(len(_TITLES))
_STEPS = 1000
_FILES = (
    "Molecules (*.smi *.smiles *.txt *.sdf *.sd *.csv *.tsv *.smi.gz *.sdf.gz *.csv.gz *.txt.gz);;"
    "All files (*)"
)
_LIBRARY_ROLE = Qt.ItemDataRole.UserRole + 1


class _ProgressCell(QWidget):
    """A progress bar in the middle of a cell of the table."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMinimumWidth(120)
        self.bar.setAccessibleName(f"Progress of {name}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.addWidget(self.bar)


class LibraryDialog(QDialog):
    """Stays beside the work while libraries are built; closing it stops nothing."""

    def __init__(self, workspace: Workspace, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Molecule libraries")
        self._workspace = workspace
        self._shelf = workspace.libraries
        self._rows: tuple[tuple, ...] = ()
        self.notice = QLabel()
        self.notice.setProperty("role", "notice")
        self.notice.setWordWrap(True)
        self.table = QTableWidget(0, len(_TITLES))
        self.table.setHorizontalHeaderLabels(_TITLES)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.setAccessibleName("Molecule libraries")
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(90)
        self.import_button = QPushButton("Import…")
        self.import_button.setProperty("primary", True)
        self.import_button.setToolTip("Make a library of a SMILES, SDF or CSV file")
        self.cancel_button = QPushButton("Stop")
        self.cancel_button.setToolTip("Stop building; what is finished is kept to go on with")
        self.resume_button = QPushButton("Go on")
        self.resume_button.setToolTip("Go on building where it was stopped")
        self.remove_button = QPushButton("Remove…")
        self.command_button = QPushButton("Show command")
        self.command_button.setToolTip("Show the command line that builds this library")
        self.detail = QLabel()
        self.detail.setProperty("role", "muted")
        self.detail.setWordWrap(True)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (
            self.import_button, self.resume_button, self.cancel_button, self.remove_button,
            self.command_button,
        ):  # fmt: skip
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        row.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.notice)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.detail)
        layout.addLayout(row)
        self.import_button.clicked.connect(self.ask_for_file)
        self.cancel_button.clicked.connect(self._on_cancel)
        self.resume_button.clicked.connect(self._on_resume)
        self.remove_button.clicked.connect(self._on_remove)
        self.command_button.clicked.connect(self._on_command)
        self.table.itemSelectionChanged.connect(self._refresh_buttons)
        self._shelf.changed.connect(self.refresh)
        room = parent.size()
        self.resize(min(_SIZE[0], room.width() - 40), min(_SIZE[1], room.height() - 40))
        self.refresh()
        self._shelf.refresh()

    def refresh(self) -> None:
        """Show the libraries as they are now."""
        shown = self._listed()
        layout = tuple((one.name, one.state, one.size, one.is_stale, one.model) for one in shown)
        if layout != self._rows:
            self._rows = layout
            self._fill(shown)
        for row in range(self.table.rowCount()):
            self._refresh_state(row)
        self.notice.setText(
            "No library is here yet. Import a list of molecules (SMILES, SDF or CSV) to search it "
            "with the spectra of a sample."
        )
        self.notice.setVisible(not shown and self._shelf.is_known)
        self._refresh_buttons()

    def _listed(self) -> list[ListedLibrary]:
        """The libraries, and those of which nothing is there but the job that builds them."""
        listed = list(self._shelf.libraries)
        known = {one.name for one in listed}
        new = [name for name in self._shelf.in_work if name not in known]
        return listed + [ListedLibrary(name, UNFINISHED) for name in new]

    def _fill(self, libraries: list[ListedLibrary]) -> None:
        chosen = self.chosen
        self.table.setRowCount(0)
        self.table.setRowCount(len(libraries))
        for row, one in enumerate(libraries):
            texts = (
                one.name, f"{one.size:,}" if one.size else "", one.model,
                one.created[:10], "",
            )  # fmt: skip
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                item.setData(_LIBRARY_ROLE, one)
                self.table.setItem(row, column, item)
            if chosen is not None and (one.name, one.state) == (chosen.name, chosen.state):
                self.table.selectRow(row)
        if self.table.rowCount() and self.chosen is None:
            self.table.selectRow(0)

    def _refresh_state(self, row: int) -> None:
        one: ListedLibrary = self.table.item(row, _NAME).data(_LIBRARY_ROLE)
        job = self._shelf.job_of(one.name)
        building = job is not None and (one.state == UNFINISHED or one.name not in self._unfinished)
        cell = self.table.cellWidget(row, _STATE)
        if building:
            if cell is None:
                cell = _ProgressCell(one.name)
                self.table.setCellWidget(row, _STATE, cell)
            bar = cell.bar
            bar.setRange(0, 0 if job.fraction is None and job.running else _STEPS)
            bar.setValue(round((job.fraction or 0.0) * _STEPS))
            text = ""
        else:
            if cell is not None:
                self.table.removeCellWidget(row, _STATE)
            text = state_text(one)
        self.table.item(row, _STATE).setText(text)

    @property
    def _unfinished(self) -> set[str]:
        return {one.name for one in self._shelf.libraries if one.state == UNFINISHED}

    @property
    def chosen(self) -> ListedLibrary | None:
        """The library whose line is chosen."""
        items = self.table.selectedItems()
        return items[0].data(_LIBRARY_ROLE) if items else None

    def _refresh_buttons(self) -> None:
        one = self.chosen
        job = self._shelf.job_of(one.name) if one else None
        stopped = one is not None and job is None and (one.state == UNFINISHED or one.is_part)
        self.cancel_button.setVisible(job is not None)
        self.resume_button.setVisible(stopped)
        self.remove_button.setEnabled(one is not None and job is None)
        self.command_button.setEnabled(one is not None and bool(one.source or one.is_starter))
        self.detail.setText(_detail(one, job.text if job else "") if one else "")

    # what can be done

    def ask_for_file(self) -> None:
        """Choose a file of molecules and build a library of it."""
        path, _ = QFileDialog.getOpenFileName(self, "Import molecules", "", _FILES)
        if path:
            self.import_file(Path(path))

    def import_file(self, path: Path) -> None:
        """Ask how to take a file, then build."""
        dialog = LibraryImportDialog(path, self._workspace, self)
        dialog.finished.connect(partial(self._on_import, dialog))
        dialog.open()

    def _on_import(self, dialog: LibraryImportDialog, result: int) -> None:
        if result == QDialog.DialogCode.Accepted:
            self._shelf.build(dialog.order())
        dialog.deleteLater()

    def _on_cancel(self) -> None:
        if self.chosen is not None:
            self._shelf.cancel(self.chosen.name)

    def _on_resume(self) -> None:
        if self.chosen is not None:
            self._shelf.resume(self.chosen)

    def _on_remove(self) -> None:
        one = self.chosen
        if one is None:
            return
        what = f"{one.size:,} molecules" if one.state == READY else "What was finished of it"
        question = QMessageBox(
            QMessageBox.Icon.Question, "Remove a library", f"Remove the library {one.name}?",
            QMessageBox.StandardButton.Cancel, self,
        )  # fmt: skip
        question.setInformativeText(
            f"{what} will be gone from this computer. The file that it was made of stays."
        )
        remove = question.addButton("Remove", QMessageBox.ButtonRole.DestructiveRole)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.buttonClicked.connect(
            lambda button: self._shelf.remove(one.name) if button is remove else None
        )
        question.open()

    def _on_command(self) -> None:
        one = self.chosen
        if one is not None:
            files = [] if one.is_starter else [one.source]
            line = command_line("library", ["build", one.name, *files])
            CommandLinesDialog(
                "Show command", [(f"Build the library {one.name}", line),
                                 ("List the libraries", command_line("library", ["list"]))], self,
            ).show()  # fmt: skip


def state_text(library: ListedLibrary) -> str:
    """The state of a library in a word or two."""
    if library.state == UNFINISHED:
        return "stopped"
    return "older model" if library.is_stale else "ready"


def _detail(library: ListedLibrary, progress: str) -> str:
    parts = [progress] if progress else []
    if library.source:
        parts.append(f"Made of {Path(library.source).name}.")
    if library.is_stale:
        parts.append(
            "Its spectra were predicted by an older model: import its file again for better hits."
        )
    if library.is_part:
        parts.append("Only the compounds with names are in it as yet; go on to add the others.")
    parts += [f"{note}." for note in library.notes]
    if library.state == UNFINISHED and not progress:
        parts.append("Building was stopped; go on, and what is finished is not made again.")
    return " ".join(parts)
