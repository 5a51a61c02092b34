"""What the window shows before anything is open."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from specgui.appearance import Appearance
from specgui.appearance.icons import pixmap

_ICON = 56


class EmptyState(QWidget):
    """Three ways to begin: open, drop, or look at the example."""

    open_wanted = Signal()
    example_wanted = Signal()

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.zone = QFrame()
        self.zone.setObjectName("dropzone")
        self.zone.setMaximumSize(640, 400)
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel("Drop files here")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.8)
        font.setBold(True)
        title.setFont(font)
        text = QLabel(
            "IR, NMR and MS spectra of one compound, as files or folders.\n"
            "You see the functional groups, and where in the spectra they show."
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setProperty("role", "muted")
        text.setWordWrap(True)
        self.open_button = QPushButton("Open files")
        self.open_button.setProperty("primary", True)
        self.open_button.setToolTip("Choose files to open (Ctrl+O)")
        self.example_button = QPushButton("Open the example")
        self.example_button.setToolTip("Look around with spectra that come with the program")
        formats = QLabel(
            "JCAMP-DX · Bruker · Varian · JEOL · SPC · OPUS · mzML · mzXML · MGF · MSP · CSV · …"
        )
        formats.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats.setProperty("role", "muted")
        formats.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch(1)
        for button in (self.open_button, self.example_button):
            button.setIconSize(QSize(18, 18))
            button.setMinimumHeight(36)
            buttons.addWidget(button)
        buttons.addStretch(1)
        inside = QVBoxLayout(self.zone)
        inside.setContentsMargins(40, 36, 40, 32)
        inside.setSpacing(14)
        for widget in (self._picture, title, text):
            inside.addWidget(widget)
        inside.addSpacing(6)
        inside.addLayout(buttons)
        inside.addSpacing(6)
        inside.addWidget(formats)
        layout = QHBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(self.zone, 6, Qt.AlignmentFlag.AlignVCenter)
        layout.addStretch(1)
        self.open_button.clicked.connect(self.open_wanted)
        self.example_button.clicked.connect(self.example_wanted)
        appearance.changed.connect(self._on_theme)
        self._on_theme()

    def _on_theme(self) -> None:
        theme = self._appearance.theme
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(pixmap("specgui", theme.accent, _ICON, ratio))
        self.open_button.setIcon(self._appearance.icon("open", "on_accent"))
        self.example_button.setIcon(self._appearance.icon("example"))
