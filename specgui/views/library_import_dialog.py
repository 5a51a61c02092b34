"""Asks how a file of molecules becomes a library: its name, and of a table which columns."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from specgui.actions.command_lines import command_line
from specgui.workers.job_board import Request
from specgui.workers.library_jobs import LibraryOrder, looking_at_table
from specgui.workspace import Workspace

_LEAST_WIDTH = 560
_SHOWN = 5
_PREVIEW = 190
_SUFFIXES = (".gz", ".smi", ".smiles", ".ism", ".can", ".txt", ".sdf", ".sd", ".mol", ".csv",
             ".tsv", ".tab")  # fmt: skip


class LibraryImportDialog(QDialog):
    """Collects a name and the columns; ``order`` says what is to be built."""

    def __init__(self, path: Path, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Import {path.name}")
        self.setMinimumWidth(_LEAST_WIDTH)
        self._path = path
        self._jobs = workspace.jobs
        self._taken = {one.name.lower() for one in workspace.libraries.libraries}
        self._columns = None
        self._key = ("look at table", id(self))
        self.name_box = QLineEdit(_proposed(path))
        self.name_box.setAccessibleName("Name of the library")
        self.smiles_box, self.title_box = QComboBox(), QComboBox()
        self.smiles_box.setAccessibleName("Column of the SMILES")
        self.title_box.setAccessibleName("Column of the names")
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(12)
        self.form.addRow("Name", self.name_box)
        self.form.addRow("SMILES in column", self.smiles_box)
        self.form.addRow("Names in column", self.title_box)
        self.preview = QTableWidget()
        self.preview.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.preview.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.preview.verticalHeader().hide()
        self.preview.setFixedHeight(_PREVIEW)
        self.preview.horizontalHeader().setStretchLastSection(True)
        self.preview.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.preview.setAccessibleName("The first rows of the table")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.command = QLabel()
        self.command.setProperty("role", "muted")
        self.command.setWordWrap(True)
        kind = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kind.Ok | kind.Cancel)
        self.buttons.button(kind.Ok).setText("Build")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.setSpacing(10)
        layout.addLayout(self.form)
        layout.addWidget(self.preview)
        layout.addWidget(self.message)
        layout.addWidget(self.command)
        layout.addWidget(self.buttons)
        self._show_columns(False)
        self.name_box.textChanged.connect(self._check)
        self.smiles_box.currentIndexChanged.connect(self._check)
        self.finished.connect(lambda _: self._jobs.cancel(self._key))
        from engine.library.column_choice import is_table

        if is_table(path):
            self.message.setText("Reading the columns…")
            self._jobs.submit(
                Request(
                    self._key, f"Reading {path.name}", looking_at_table(path), "library list",
                    on_done=self._on_columns, on_error=partial(self._on_unread), quiet=True,
                )
            )  # fmt: skip
        self._is_table = is_table(path)
        self._error = ""
        self._check()

    def order(self) -> LibraryOrder:
        """What is to be built, as it was chosen."""
        if self._columns is None:
            return LibraryOrder(self.name_box.text().strip(), self._path)
        return LibraryOrder(
            self.name_box.text().strip(), self._path, self.smiles_box.currentData(),
            self.title_box.currentData(),
        )  # fmt: skip

    def _on_columns(self, columns) -> None:
        self._columns = columns
        for number, title in enumerate(columns.titles):
            self.smiles_box.addItem(title or f"Column {number + 1}", number)
            self.title_box.addItem(title or f"Column {number + 1}", number)
        self.title_box.insertItem(0, "(no names)", None)
        self.smiles_box.setCurrentIndex(-1 if columns.smiles is None else columns.smiles)
        self.title_box.setCurrentIndex(0 if columns.name is None else columns.name + 1)
        self.preview.setColumnCount(len(columns.titles))
        self.preview.setHorizontalHeaderLabels(columns.titles)
        self.preview.setRowCount(min(len(columns.rows), _SHOWN))
        for row, cells in enumerate(columns.rows[:_SHOWN]):
            for column, text in enumerate(cells[: len(columns.titles)]):
                self.preview.setItem(row, column, QTableWidgetItem(text[:200]))
        self._show_columns(True)
        self._check()

    def _on_unread(self, error: Exception) -> None:
        self._error = str(error)
        self._check()

    def _show_columns(self, shown: bool) -> None:
        for row in (1, 2):
            self.form.setRowVisible(row, shown)
        self.preview.setVisible(shown)
        self.adjustSize()

    def _check(self, *_args) -> None:
        from engine.library.library_files import checked_name

        name, problem, note = self.name_box.text().strip(), self._error, ""
        try:
            name = checked_name(name)
        except ValueError as error:
            problem = problem or str(error)
        if self._columns is not None and self.smiles_box.currentIndex() < 0:
            problem = problem or "Choose the column that holds the SMILES."
        if not problem and name.lower() in self._taken:
            note = "A library of this name is there; the new one takes its place when it is done."
        waiting = self._is_table and self._columns is None and not problem
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(
            not problem and not waiting
        )
        self.name_box.setProperty("invalid", bool(problem) and not self._error)
        self.name_box.style().polish(self.name_box)
        self.message.setProperty("role", "error" if problem else "muted")
        self.message.style().polish(self.message)
        self.message.setText(problem or note or ("Reading the columns…" if waiting else ""))
        self.message.setVisible(bool(self.message.text()))
        line = command_line("library", ["build", name, str(self._path)])
        columns = "\nThere the columns are found by their titles." if self._is_table else ""
        self.command.setText(f"The same in a terminal: {line}{columns}")


def _proposed(path: Path) -> str:
    """The file's name without its suffixes, as far as it can name a library."""
    name = path.name
    while Path(name).suffix.lower() in _SUFFIXES:
        name = Path(name).stem
    kept = "".join(c if c.isalnum() or c in " .+-_" else " " for c in name).strip(" .+-_")
    return kept[:80] or "Library"
