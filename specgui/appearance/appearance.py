"""Which theme is on: follows the system until the chemist chooses one."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from engine.installation import resource
from specgui.appearance.icons import icon
from specgui.appearance.stylesheet import palette, stylesheet
from specgui.appearance.theme import DARK, LIGHT, THEMES, Theme

MODES = ("system", "light", "dark")
_DRESSED = "specgui_dressed"  # the style sheet that was put on with its palette


class Appearance(QObject):
    """Applies a theme to the application; ``changed`` lets plots and icons follow."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode = "system"
        self._theme = LIGHT
        self._icons: dict[tuple[str, str], QIcon] = {}
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_changed)

    @property
    def mode(self) -> str:
        return self._mode

    @property
    def theme(self) -> Theme:
        return self._theme

    def apply(self, mode: str | None = None) -> None:
        """Put a mode (``system``, ``light`` or ``dark``) on; an unknown one is the system's."""
        if mode is not None:
            self._mode = mode if mode in MODES else "system"
        self._theme = THEMES.get(self._mode) or self._system_theme()
        self._icons.clear()
        self._dress(QApplication.instance())
        self.changed.emit()

    def _dress(self, application: QApplication) -> None:
        """Give the application the theme's colours, unless it has them already.

        Qt polishes every widget anew for a style sheet, even for the one that it has.
        """
        try:
            folder = str(resource("icons"))
        except FileNotFoundError:
            folder = ""
        sheet = stylesheet(self._theme, folder)
        if application.property(_DRESSED) == sheet == application.styleSheet():
            return
        # A style sheet hides the name of the style below it.
        if application.property(_DRESSED) is None:
            application.setStyle("Fusion")
        application.setPalette(palette(self._theme))
        application.setStyleSheet(sheet)
        application.setProperty(_DRESSED, sheet)

    def icon(self, name: str, role: str = "text") -> QIcon:
        """An icon in one of the theme's colours."""
        key = (name, role)
        if key not in self._icons:
            self._icons[key] = icon(name, getattr(self._theme, role), self._theme.disabled)
        return self._icons[key]

    def _on_system_changed(self) -> None:
        if self._mode == "system":
            self.apply()

    @staticmethod
    def _system_theme() -> Theme:
        scheme = QGuiApplication.styleHints().colorScheme()
        return DARK if scheme == Qt.ColorScheme.Dark else LIGHT
