"""What is kept between starts: window, panels, theme and view options."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings

from specgui.document import ViewOptions

# Raised when the set of panels changes: an old state would put them into odd places.
LAYOUT_VERSION = 4
_LAST_FOLDER = "files/last_folder"
_RECENT = "files/recent_projects"
_MOST_RECENT = 10
_THEME = "appearance/mode"


class Settings:
    """A thin layer over ``QSettings`` that gives each value its type back."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store if store is not None else QSettings("SpecGUI", "SpecGUI")

    @property
    def theme_mode(self) -> str:
        return str(self._store.value(_THEME, "system"))

    @theme_mode.setter
    def theme_mode(self, mode: str) -> None:
        self._store.setValue(_THEME, mode)

    @property
    def last_folder(self) -> str:
        return str(self._store.value(_LAST_FOLDER, ""))

    @last_folder.setter
    def last_folder(self, folder: str) -> None:
        self._store.setValue(_LAST_FOLDER, folder)

    @property
    def recent_projects(self) -> list[str]:
        """The paths of the projects opened or saved last, the newest first."""
        # A list of one comes back as text from some kinds of store.
        saved = self._store.value(_RECENT) or []
        return [saved] if isinstance(saved, str) else [str(path) for path in saved]

    def add_recent_project(self, path: str) -> None:
        paths = [path, *(other for other in self.recent_projects if other != path)]
        self._store.setValue(_RECENT, paths[:_MOST_RECENT])

    def forget_recent_projects(self) -> None:
        self._store.remove(_RECENT)

    def load_options(self, options: ViewOptions) -> None:
        """Set the options that were saved; a value of another type is not taken."""
        for name, default in list(options.items()):
            saved = self._store.value(f"view/{name}")
            if isinstance(default, bool) and saved is not None:
                options[name] = str(saved).lower() in ("true", "1")
            elif isinstance(saved, str):
                options[name] = saved

    def save_options(self, options: ViewOptions) -> None:
        for name, value in options.items():
            self._store.setValue(f"view/{name}", value)

    def window_state(self) -> tuple[QByteArray, QByteArray] | None:
        """(geometry, panels) of the last time, None at the first start."""
        geometry, panels = self._store.value("window/geometry"), self._store.value("window/panels")
        if isinstance(geometry, QByteArray) and isinstance(panels, QByteArray):
            return geometry, panels
        return None

    def save_window_state(self, geometry: QByteArray, panels: QByteArray) -> None:
        self._store.setValue("window/geometry", geometry)
        self._store.setValue("window/panels", panels)
        self._store.sync()

    def forget_window_state(self) -> None:
        self._store.remove("window")
