"""The recovery journal: every edit is on the disk before the next one is made.

It is a project's database in WAL mode, in a folder of the program's own. Its process holds a lock
on it, which the system lets go when the process ends in whatever way; a journal without a lock was
left behind by a program that was killed.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.library import project_database as database
from engine.library.project import ProjectState, renumbered
from engine.library.project_database import FORMAT_VERSION, BrokenProjectError

SUFFIX = ".journal"
_BROKEN = ".broken"
# A journal without tables that is younger may be one that another window is just making.
_YOUNG_S = 60.0


class JournalInUseError(Exception):
    """Another program that runs writes this journal."""


@dataclass(frozen=True)
class Recovery:
    """What a journal holds: where the project lies (None: it was never saved), and what it was.

    ``edited`` is the time of the last edit in seconds since 1970, ``names`` those of the samples,
    ``last_edit`` the title of the last edit.
    """

    project_path: str | None
    edited: float
    names: tuple[str, ...]
    last_edit: str


class ProjectJournal:
    """Keeps the states of one project, each in one transaction.

    ``record`` hands a state to a thread and first waits for the one before, so a kill loses at most
    the last edit. ``on_failure`` is called on that thread, once until a state is kept again, with a
    sentence: then the disk is full, or the like.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, on_failure: Callable[[str], None]
    ) -> None:
        self.path = path
        self._connection = connection
        self.on_failure = on_failure
        self._failed = False
        self._thread: threading.Thread | None = None
        self._written: ProjectState | None = None
        self._known = database.known_arrays(connection)

    @classmethod
    def create(
        cls, folder: Path, on_failure: Callable[[str], None] = lambda message: None
    ) -> ProjectJournal:
        """A new journal in a folder; raises ``OSError`` or ``sqlite3.Error``."""
        folder.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = folder / f"{stamp}-{secrets.token_hex(4)}{SUFFIX}"
        connection = _connect(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            database.create(connection)
            connection.execute("COMMIT")
            return cls(path, connection, on_failure)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def take(
        cls, path: Path, on_failure: Callable[[str], None] = lambda message: None
    ) -> ProjectJournal:
        """Take over a journal that was left behind, and its lock.

        Raises ``JournalInUseError``, ``BrokenProjectError`` when it holds no project (yet), and
        ``sqlite3.Error``.
        """
        connection = _connect(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            version = database.check(connection, _size(path))
            database.migrate(connection, version)
            connection.execute("COMMIT")
            return cls(path, connection, on_failure)
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise JournalInUseError(str(path)) from error
            raise

    def record(
        self, state: ProjectState, project_path: str | None = None, changed: bool = True
    ) -> None:
        """Keep a state in the background; ``changed`` says whether it differs from the file."""
        self.wait()
        about = {"path": project_path, "changed": changed, "edited": time.time()}
        self._thread = threading.Thread(
            target=self._write, args=(state, about), name="project journal"
        )
        self._thread.start()

    def wait(self) -> None:
        """Return when the state that was recorded last is on the disk."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def recovery(self) -> Recovery | None:
        """What can be recovered; None when the project's file has it all."""
        meta = database.read_meta(self._connection)
        if not meta.get("changed"):
            return None
        order = meta.get("order")
        place = {str(i): n for n, i in enumerate(order if isinstance(order, list) else ())}
        rows = self._connection.execute("SELECT id, name FROM samples").fetchall()
        rows.sort(key=lambda row: place.get(str(row[0]), len(place)))
        names = tuple(str(name) for _, name in rows)
        last = self._connection.execute(
            "SELECT title FROM history ORDER BY position DESC LIMIT 1"
        ).fetchone()
        path, edited = meta.get("path"), meta.get("edited")
        return Recovery(
            path if isinstance(path, str) else None,
            float(edited) if isinstance(edited, (int, float)) else 0.0,
            names, str(last[0]) if last else "",
        )  # fmt: skip

    def read(self) -> tuple[ProjectState, tuple[str, ...]]:
        """The state it holds, and what was damaged; raises as ``take``."""
        state, problems = database.read_state(self._connection, _size(self.path))
        return renumbered(state), tuple(problems)

    def close(self, discard: bool) -> None:
        """Let go of it; ``discard`` deletes it."""
        self.wait()
        self._connection.close()
        if discard:
            _delete(self.path)

    def _write(self, state: ProjectState, about: dict[str, Any]) -> None:
        connection, known = self._connection, set(self._known)
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if self._written is None:
                    database.clear(connection)
                before = self._written or ProjectState()
                database.write_changes(connection, before, state, known)
                database.write_meta(connection, about)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError, MemoryError) as error:
            if not self._failed:
                self._failed = True
                self.on_failure(str(error) or type(error).__name__)
            return
        self._failed = False
        self._written, self._known = state, known


def leftovers(folder: Path) -> list[tuple[ProjectJournal, Recovery]]:
    """Journals with edits that no file has, newest first; the caller closes each.

    Journals with nothing to recover are deleted, broken ones set aside under another suffix, those
    of running programs and of newer versions left alone.
    """
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        touched = _last_write(path)
        try:
            journal = ProjectJournal.take(path)
        except JournalInUseError:
            continue
        except (*database.DAMAGED, BrokenProjectError, OSError):
            _set_aside(path, touched)
            continue
        try:
            recovery = journal.recovery()
        except database.DAMAGED:
            journal.close(discard=False)
            _set_aside(path, touched)
            continue
        if recovery is None:
            journal.close(discard=True)
        else:
            found.append((journal, recovery))
    return sorted(found, key=lambda pair: -pair[1].edited)


def _last_write(path: Path) -> float:
    """When a file was written last, in seconds since 1970; now for one that is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def _set_aside(path: Path, touched: float) -> None:
    """Put a journal that cannot be read out of the way; delete it when it never held anything."""
    try:
        with open(path, "rb") as file:
            head = file.read(72)
        ours = head[68:72] == database.APPLICATION_ID.to_bytes(4, "big")
        newer = ours and int.from_bytes(head[60:64], "big") > FORMAT_VERSION
        if newer or time.time() - touched < _YOUNG_S:
            return
        if head[68:72] in (b"", b"\0\0\0\0") and _size(Path(f"{path}-wal")) == 0:
            _delete(path)
        else:
            path.replace(path.with_suffix(_BROKEN))
    except OSError:
        return


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # Before the first access: then the lock is kept, and no shared memory is needed.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        database.be_wary(connection)
    except sqlite3.Error as error:
        connection.close()
        if "locked" in str(error):
            raise JournalInUseError(str(path)) from error
        raise
    return connection


def _size(path: Path) -> int:
    """Bytes of a journal with what its log has not yet handed over; 0 when it is not there."""
    total = 0
    for part in (path, Path(f"{path}-wal")):
        try:
            total += part.stat().st_size
        except OSError:
            continue
    return total


def _delete(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
