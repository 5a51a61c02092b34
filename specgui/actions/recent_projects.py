"""The submenu of the projects that were opened or saved last."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu


class RecentProjects(QObject):
    """Fills its menu each time it is opened; a file that is gone is listed, but cannot be chosen.

    ``window`` has ``settings`` with the paths and ``projects`` that opens one.
    """

    def __init__(self, window, parent: QMenu) -> None:
        super().__init__(parent)
        self._window = window
        self.menu = QMenu("Open recent project", parent)
        self.menu.setObjectName("recent_projects")
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self.fill)
        self.fill()

    def fill(self) -> None:
        """List the paths as they are known now."""
        self.menu.clear()
        paths = [Path(path) for path in self._window.settings.recent_projects]
        names = [path.name for path in paths]
        for path in paths:
            # Two projects of one name are told apart by their folders.
            title = path.stem if names.count(path.name) == 1 else f"{path.stem} ({path.parent})"
            action = self.menu.addAction(title.replace("&", "&&"))
            action.setToolTip(str(path))
            action.setEnabled(path.exists())
            action.triggered.connect(lambda _=False, chosen=path: self._open(chosen))
        if paths:
            self.menu.addSeparator()
            self.menu.addAction("Clear this list").triggered.connect(self._clear)
        else:
            self.menu.addAction("No project was saved yet").setEnabled(False)

    def _open(self, path: Path) -> None:
        self._window.projects.open(path)

    def _clear(self) -> None:
        self._window.settings.forget_recent_projects()
