"""Keeps every edit of the document in a recovery journal, without waiting for the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from specgui.document.document import Document

if TYPE_CHECKING:
    from engine.library.project_journal import ProjectJournal, Recovery


def recovery_folder() -> Path:
    """Where journals lie: in the user's own state folder of the program."""
    from platformdirs import user_state_path

    return user_state_path("SpecGUI", appauthor=False) / "recovery"


class Autosave(QObject):
    """A journal from the first edit on; ``failed`` says, once, why edits are not kept.

    Without a folder nothing is kept.
    """

    failed = Signal(str)

    def __init__(
        self, document: Document, folder: Path | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._folder = folder
        self._journal: ProjectJournal | None = None
        self._kept: tuple | None = None
        self._gave_up = False
        document.changed.connect(self.keep)
        document.file_changed.connect(self.keep)

    def keep(self) -> None:
        """Write down the document as it is, unless that is written already."""
        document = self._document
        now = (document.state, document.path, document.is_changed)
        if self._kept == now or (self._journal is None and not document.is_changed):
            return
        journal = self._journal or self._begin()
        if journal is not None:
            self._kept = now
            path = str(document.path) if document.path else None
            journal.record(document.state, path, document.is_changed)

    def wait(self) -> None:
        """Return when the last edit is on the disk."""
        if self._journal is not None:
            self._journal.wait()

    def end(self) -> None:
        """Delete the journal: what it holds is saved, or not wanted."""
        if self._journal is not None:
            self._journal.close(discard=True)
        self._journal = self._kept = None

    def adopt(self, journal: ProjectJournal) -> None:
        """Go on with a journal that was left behind."""
        self.end()
        journal.on_failure = self.failed.emit
        self._journal = journal

    def leftovers(self) -> list[tuple[ProjectJournal, Recovery]]:
        """What a program that was killed left behind; the caller closes each journal."""
        if self._folder is None or not self._folder.is_dir():
            return []
        from engine.library.project_journal import leftovers

        try:
            return leftovers(self._folder)
        except OSError:
            return []

    def _begin(self) -> ProjectJournal | None:
        if self._folder is None or self._gave_up:
            return None
        import sqlite3

        from engine.library.project_journal import JournalInUseError, ProjectJournal

        try:
            self._journal = ProjectJournal.create(self._folder, self.failed.emit)
        except (OSError, sqlite3.Error, JournalInUseError) as error:
            self._gave_up = True
            self.failed.emit(f"{self._folder} cannot be written to ({error})")
        return self._journal
