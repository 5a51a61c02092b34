"""Command lines that do without a window what was done in it, and the dialog that shows them."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.library.project import SampleEntry
from engine.library.project_script import openable

_LEAST_WIDTH = 620


def command_line(verb: str, files: Iterable[str], *options: str) -> str:
    """One command as this system's shell takes it."""
    words = ["specgui", verb, *files, *options]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def commands_of(sample: SampleEntry) -> list[tuple[str, str]]:
    """What each command does with a sample's files, and its line; empty without files."""
    paths = [entry.spectrum.source.path for entry in sample.spectra]
    files = list(dict.fromkeys(openable(path) for path in paths if path))
    if not files:
        return []
    lines = [
        ("Name the functional groups", command_line("predict", files)),
        ("List what the files hold", command_line("inspect", files)),
    ]
    lines += [
        (f"Pick the peaks of {os.path.basename(file)}", command_line("peaks", [file]))
        for file in files[:3]
    ]
    smiles = (sample.structure or "").strip()
    if smiles and "\n" not in smiles and {"13C NMR", "1H NMR"} & set(sample.techniques):
        line = command_line("assign", files, "--structure", smiles)
        lines.append(("Assign the peaks to the atoms", line))
    return lines


class CommandLinesDialog(QDialog):
    """Shows lines to be copied, each under what it does, and a note below them."""

    def __init__(
        self,
        title: str,
        lines: Sequence[tuple[str, str]],
        parent: QWidget | None = None,
        note: str = "",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(_LEAST_WIDTH)
        self._text = "\n".join(line for _, line in lines)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.setSpacing(6)
        intro = QLabel("The same in a terminal, without a window (--json prints JSON):")
        intro.setProperty("role", "title")
        layout.addWidget(intro)
        self.boxes: list[QLineEdit] = []
        for what, line in lines:
            label = QLabel(what)
            label.setProperty("role", "muted")
            box = QLineEdit(line)
            box.setReadOnly(True)
            box.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
            box.setAccessibleName(what)
            box.setCursorPosition(0)
            label.setBuddy(box)
            layout.addSpacing(4)
            layout.addWidget(label)
            layout.addWidget(box)
            self.boxes.append(box)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy_button = QPushButton("Copy all")
        buttons.addButton(self.copy_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.clicked.connect(self.copy)
        buttons.rejected.connect(self.reject)
        if note:
            said = QLabel(note)
            said.setProperty("role", "notice")
            said.setWordWrap(True)
            layout.addSpacing(6)
            layout.addWidget(said)
        layout.addSpacing(8)
        layout.addWidget(buttons)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def copy(self) -> None:
        """Put all lines on the clipboard."""
        QGuiApplication.clipboard().setText(self._text)
