"""Takes a list of SMILES, one on each line with a name after it if there is one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

_SIZE = (520, 380)
_MOST_PASTED = 200_000


class CandidateTextDialog(QDialog):
    """The text on the clipboard is there already when its first word could be a SMILES."""

    def __init__(self, clipboard: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Rank candidates")
        self.resize(*_SIZE)
        label = QLabel("Candidates as SMILES, one on each line, a name after it if you like:")
        label.setWordWrap(True)
        self.box = QPlainTextEdit()
        self.box.setPlaceholderText("CC(=O)Oc1ccccc1C(=O)O aspirin\nOC(=O)c1ccccc1O salicylic acid")
        self.box.setTabChangesFocus(True)
        self.box.setAccessibleName("Candidates as SMILES")
        if could_be_smiles(clipboard):
            self.box.setPlainText(clipboard.strip())
            self.box.selectAll()
        label.setBuddy(self.box)
        kind = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kind.Ok | kind.Cancel)
        self.buttons.button(kind.Ok).setText("Rank")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.addWidget(label)
        layout.addWidget(self.box, 1)
        layout.addSpacing(6)
        layout.addWidget(self.buttons)
        self.box.textChanged.connect(self._check)
        self._check()

    def text(self) -> str:
        """The list as it stands."""
        return self.box.toPlainText()

    def _check(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(
            bool(self.text().strip())
        )


def could_be_smiles(text: str) -> bool:
    """Whether the first word of a text consists of what SMILES are made of."""
    words = text.split(maxsplit=1) if len(text) < _MOST_PASTED else []
    allowed = set("BCNOPSFIHKLVZMWXTYRAGEDUclnosbrpageitudhfmykv0123456789()[]=#@+-/\\.%:*$~")
    return bool(words) and set(words[0]) <= allowed and any(c in "CNOcno" for c in words[0])
