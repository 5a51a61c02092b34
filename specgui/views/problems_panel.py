"""The Problems panel: which file, what is wrong with it, and what to do."""

from __future__ import annotations

from textwrap import shorten

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document import Problem, Problems
from specgui.document.problems import ERROR
from specgui.views.paced_refresh import PacedRefresh

_HEADERS = ("File", "Problem", "What to do")
_MOST_LINES = 300
_LONGEST_TEXT = 200
_LEAST_PAUSE_MS = 400


class ProblemsPanel(QWidget):
    """A line for each problem; the newest is in view."""

    def __init__(self, problems: Problems, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._problems = problems
        self._appearance = appearance
        self.list = QTableWidget(0, len(_HEADERS))
        self.list.setHorizontalHeaderLabels(_HEADERS)
        self.list.setWordWrap(True)
        self.list.setShowGrid(False)
        self.list.setTabKeyNavigation(False)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.list.setAlternatingRowColors(True)
        self.list.setAccessibleName("Problems")
        self.list.verticalHeader().hide()
        mode = QHeaderView.ResizeMode
        self.list.verticalHeader().setSectionResizeMode(mode.ResizeToContents)
        header = self.list.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, mode.Interactive)
        header.setSectionResizeMode(1, mode.Stretch)
        header.setSectionResizeMode(2, mode.Stretch)
        header.resizeSection(0, 190)
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        self.clear = QPushButton("Clear")
        self.clear.clicked.connect(problems.clear)
        row = QHBoxLayout()
        row.addWidget(self.count, 1)
        row.addWidget(self.clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 6)
        layout.setSpacing(4)
        layout.addWidget(self.list, 1)
        layout.addLayout(row)
        self._listed: list[Problem] = []
        # A folder of files can bring problems by the hundred: lines take a while to be laid out.
        paced = PacedRefresh(self.refresh, _LEAST_PAUSE_MS, self)
        problems.changed.connect(paced.ask)
        appearance.changed.connect(self._on_theme)
        self.refresh()

    def _on_theme(self) -> None:
        self._listed = []
        self.list.setRowCount(0)
        self.refresh()

    def refresh(self) -> None:
        problems = list(self._problems)
        errors = sum(problem.severity == ERROR for problem in problems)
        warnings = len(problems) - errors
        shown = problems[-_MOST_LINES:]
        # Lines that are there already stay: a folder can bring hundreds, a few at a time.
        before = self._listed
        gone = next((n for n in range(len(before)) if before[n] is shown[0]), len(before)) if (
            shown
        ) else len(before)  # fmt: skip
        kept = len(before) - gone
        if before[gone:] != shown[:kept]:
            gone, kept = len(before), 0
        for _ in range(gone):
            self.list.removeRow(0)
        self._listed = shown
        self.list.setRowCount(len(shown))
        for row, problem in enumerate(shown[kept:], kept):
            name = "error" if problem.severity == ERROR else "warning"
            for column, text in enumerate((problem.file_name, problem.message, problem.advice)):
                item = QTableWidgetItem(shorten(text, _LONGEST_TEXT, placeholder=" …"))
                item.setToolTip(problem.path if column == 0 else text)
                self.list.setItem(row, column, item)
            first = self.list.item(row, 0)
            first.setIcon(self._appearance.icon(name, name))
            first.setData(
                Qt.ItemDataRole.AccessibleTextRole,
                f"{name} in {problem.file_name}: {problem.message}",
            )
        self.list.scrollToBottom()
        text = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
        older = len(problems) - len(shown)
        self.count.setText(f"{text} (the last {_MOST_LINES} are listed)" if older else text)
        self.clear.setEnabled(bool(problems))
