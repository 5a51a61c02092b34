"""Offers what a program that was ended in the middle of work left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from engine.library.project_journal import Recovery

_MOST_NAMES = 3


class RecoveryDialog(QDialog):
    """One row for each project: recover one, delete one, or leave all for the next start."""

    recover_wanted = Signal(int)
    delete_wanted = Signal(int)

    def __init__(self, found: Sequence[Recovery], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Recover unsaved work")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.setSpacing(8)
        title = QLabel("SpecGUI was ended before this was saved.")
        title.setProperty("role", "title")
        layout.addWidget(title)
        self.list = QListWidget()
        self.list.setAccessibleName("Projects to recover")
        self.list.setMinimumSize(460, 120)
        self.list.setAlternatingRowColors(False)
        for place, recovery in enumerate(found):
            item = QListWidgetItem(_description(recovery))
            item.setData(Qt.ItemDataRole.UserRole, place)
            if recovery.project_path:
                item.setToolTip(recovery.project_path)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        layout.addWidget(self.list)
        hint = QLabel("What you do not recover or delete is offered again at the next start.")
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        layout.addWidget(hint)
        buttons = QDialogButtonBox()
        role = QDialogButtonBox.ButtonRole
        self.recover_button = QPushButton("Recover")
        self.recover_button.setProperty("primary", True)
        self.recover_button.setDefault(True)
        self.delete_button = QPushButton("Delete")
        self.later_button = QPushButton("Not now")
        buttons.addButton(self.recover_button, role.AcceptRole)
        buttons.addButton(self.delete_button, role.DestructiveRole)
        buttons.addButton(self.later_button, role.RejectRole)
        layout.addSpacing(4)
        layout.addWidget(buttons)
        buttons.rejected.connect(self.reject)
        self.recover_button.clicked.connect(self._recover)
        self.delete_button.clicked.connect(self._delete)
        self.list.itemActivated.connect(self._recover)

    def _recover(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.recover_wanted.emit(item.data(Qt.ItemDataRole.UserRole))
            self.accept()

    def _delete(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.delete_wanted.emit(item.data(Qt.ItemDataRole.UserRole))
            self.list.takeItem(self.list.row(item))
        if self.list.count() == 0:
            self.reject()


def _description(recovery: Recovery) -> str:
    """Two lines: which project and when, and what is in it."""
    name = Path(recovery.project_path).name if recovery.project_path else "Untitled project"
    edited = QDateTime.fromSecsSinceEpoch(int(recovery.edited))
    when = QLocale().toString(edited, QLocale.FormatType.ShortFormat)
    names = ", ".join(recovery.names[:_MOST_NAMES]) or "no samples"
    more = len(recovery.names) - _MOST_NAMES
    inside = f"{names} and {more} more" if more > 0 else names
    last = f"; last edit: {recovery.last_edit}" if recovery.last_edit else ""
    return f"{name}, {when}\n{inside}{last}"
