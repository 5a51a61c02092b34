"""Refreshing at most so often, however many events ask for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


class PacedRefresh(QObject):
    """Calls ``refresh`` at once, then not before ``pause_ms`` (ms) is over, then once for all.

    What is asked for while ``is_urgent`` says so is never put off.
    """

    def __init__(
        self,
        refresh: Callable[[], None],
        pause_ms: int,
        parent: QObject,
        is_urgent: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(parent)
        self._refresh = refresh
        self._is_urgent = is_urgent
        self._is_late = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(pause_ms)
        self._pause.timeout.connect(self._after_pause)

    def ask(self) -> None:
        if self._pause.isActive() and not self._is_urgent():
            self._is_late = True
        else:
            self._pause.start()
            self._refresh()

    def _after_pause(self) -> None:
        if self._is_late:
            self._is_late = False
            self.ask()
