"""A banner over the groups: these spectra are unlike those that the network knows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from specgui.appearance import Appearance

TITLE = "These spectra are unlike those the network knows: read the probabilities with care."
_ICON = 18
_MOST = 3


class DoubtBanner(QFrame):
    """Shown only while there are doubts; each is a line of its own, all are in the tooltip."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("doubt")
        self._appearance = appearance
        self._picture = QLabel()
        self.title = QLabel(TITLE)
        self.title.setProperty("role", "title")
        self.reasons = QLabel()
        for label in (self.title, self.reasons):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        texts = QVBoxLayout()
        texts.setSpacing(3)
        texts.addWidget(self.title)
        texts.addWidget(self.reasons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 7)
        layout.setSpacing(8)
        layout.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(texts, 1)
        appearance.changed.connect(self._on_theme)
        self._on_theme()
        self.show_doubts(())

    def show_doubts(self, doubts: Sequence[str]) -> None:
        """Show these sentences, or nothing when there are none."""
        shown = list(doubts[:_MOST])
        if len(doubts) > _MOST:
            shown.append(f"And {len(doubts) - _MOST} more.")
        self.reasons.setText("\n".join(shown))
        self.setToolTip("\n".join(doubts))
        self.setAccessibleName(" ".join([TITLE, *doubts]) if doubts else "")
        self.setVisible(bool(doubts))
        self._keep_whole()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._keep_whole()

    def _keep_whole(self) -> None:
        """A layout that is short of room would cut wrapped lines off."""
        for label in (self.title, self.reasons):
            label.setMinimumHeight(max(0, label.heightForWidth(label.width())))

    def _on_theme(self) -> None:
        icon = self._appearance.icon("warning", "warning")
        self._picture.setPixmap(icon.pixmap(_ICON, _ICON))
