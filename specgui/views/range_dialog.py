"""Asks for a range of the axis to go to, as it is said: 7.0-7.5."""

from __future__ import annotations

import re

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

_NUMBER = r"[-−+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[-+]?\d+)?"
_APART = r"\s*(?:to|bis|\.\.\.?|…|[-−–—:;/]|\s)\s*"
_RANGE = re.compile(rf"\s*({_NUMBER}){_APART}({_NUMBER})\s*\S{{0,8}}\s*", re.IGNORECASE)
_LEAST_WIDTH = 360


def parse_range(text: str) -> tuple[float, float] | None:
    """The range that a text says, low < high; None for one that says none.

    ``7.0-7.5``, ``-2 to 12``, ``1800 … 1600 cm-1``, ``7,0–7,5``.
    """
    found = _RANGE.fullmatch(text)
    if not found:
        return None
    low, high = sorted(float(part.replace("−", "-").replace(",", ".")) for part in found.groups())
    return (low, high) if low < high < float("inf") else None


class RangeDialog(QDialog):
    """One line to type a range into."""

    def __init__(
        self, axis: str, shown: tuple[float, float], parent: QWidget | None = None
    ) -> None:
        """``axis`` is the axis's title, ``shown`` the range in view."""
        super().__init__(parent)
        self.setWindowTitle("Go to range")
        self.setMinimumWidth(_LEAST_WIDTH)
        self.label = QLabel(f"From where to where to show: {axis}")
        self.line = QLineEdit(f"{shown[0]:.6g} - {shown[1]:.6g}")
        self.line.setAccessibleName("Range")
        self.line.setPlaceholderText("7.0-7.5")
        self.line.selectAll()
        self.label.setBuddy(self.line)
        kind = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kind.Ok | kind.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.line.textChanged.connect(self._check)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.addWidget(self.label)
        layout.addWidget(self.line)
        layout.addSpacing(8)
        layout.addWidget(self.buttons)

    def chosen(self) -> tuple[float, float] | None:
        """The range as typed."""
        return parse_range(self.line.text())

    def _check(self) -> None:
        good = self.chosen() is not None
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(good)
        self.line.setProperty("invalid", not good)
        self.line.style().unpolish(self.line)
        self.line.style().polish(self.line)
