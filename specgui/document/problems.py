"""What went wrong, with the file's name and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Problem:
    """One line of the Problems panel: where, what, and what to do."""

    path: str
    message: str
    advice: str = ""
    severity: str = ERROR

    @property
    def file_name(self) -> str:
        return Path(self.path).name or self.path


class Problems(QObject):
    """The problems since the start, oldest first; the same one is listed once."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._problems: dict[Problem, None] = {}

    def __len__(self) -> int:
        return len(self._problems)

    def __iter__(self):
        return iter(tuple(self._problems))

    def add(self, *problems: Problem) -> None:
        new = [p for p in dict.fromkeys(problems) if p not in self._problems]
        if new:
            self._problems.update(dict.fromkeys(new))
            self.changed.emit()

    def clear(self) -> None:
        if self._problems:
            self._problems.clear()
            self.changed.emit()
