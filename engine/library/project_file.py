"""Project files (.specgui): a whole project in one SQLite file that is replaced at once.

Spectra are kept as copies, with the path of the raw file they came from and a checksum. A file of
an older version opens; saving writes the present one.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine import __version__
from engine.formats.errors import FormatError
from engine.library import project_database as database
from engine.library.project import Project, ProjectState, renumbered
from engine.library.project_database import FORMAT_VERSION

__all__ = ["FORMAT_VERSION", "SUFFIX", "OpenedProject", "ProjectWriteError", "is_project",
           "open_project", "read_project", "save_project"]  # fmt: skip

SUFFIX = ".specgui"

_MAGIC = b"SQLite format 3\0"
_EXPECTED = "a SpecGUI project"


class ProjectWriteError(OSError):
    """A project could not be written; what was at its path before is still there."""


@dataclass(frozen=True)
class OpenedProject:
    """What a project file held: the state, what verbs had said, and what was damaged.

    ``predictions`` are by the samples' ids in ``state`` and the kind of prediction; ``version`` is
    the format version that the file had.
    """

    state: ProjectState
    predictions: dict[int, dict[str, Any]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    version: int = FORMAT_VERSION


def is_project(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a project, by its suffix or by what the file says of itself."""
    path = Path(path)
    if path.suffix.lower() == SUFFIX:
        return not path.is_dir()
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return _is_ours(head)


def _is_ours(head: bytes) -> bool:
    return head.startswith(_MAGIC) and head[68:72] == database.APPLICATION_ID.to_bytes(4, "big")


# saving


def save_project(
    path: str | os.PathLike[str],
    project: Project | ProjectState,
    predictions: Mapping[int, Mapping[str, Any]] | None = None,
) -> Path:
    """Write a project and only then put it in the place of what was there; returns its path.

    A suffix is added when there is none. ``predictions`` maps the ids of samples to what verbs
    said, by kind: JSON with arrays. Raises ``ProjectWriteError`` with the cause.
    """
    state = project.state if isinstance(project, Project) else project
    target = Path(path)
    if not target.suffix:
        target = target.with_name(target.name + SUFFIX)
    # Through a link, the file that it names is replaced, not the link.
    target = Path(os.path.realpath(target))
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        _write(part, state, predictions or {})
        os.replace(part, target)
        _sync_folder(target.parent)
    except (OSError, sqlite3.Error, MemoryError) as error:
        raise ProjectWriteError(f"{target.name} could not be saved: {_cause(error)}") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _write(path: Path, state: ProjectState, predictions: Mapping[int, Mapping[str, Any]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # No journal: until it is renamed this file is nobody's.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        database.create(connection)
        database.write_changes(connection, ProjectState(), state, set())
        database.write_meta(connection, {"program": f"SpecGUI {__version__}"})
        for sample in state.samples:
            for kind, content in predictions.get(sample.id, {}).items():
                database.write_prediction(connection, sample.id, kind, content)
        connection.execute("COMMIT")
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a renaming last through a power cut, where folders can be opened."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError:
            pass  # not every file system can; the file itself is safe
        finally:
            os.close(handle)


def _cause(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or "out of memory"
    known = {
        "unable to open database file": "its folder is not there or cannot be written to",
        "database or disk is full": "the disk is full",
        "attempt to write a readonly database": "its folder cannot be written to",
    }
    return known.get(text, text[:1].lower() + text[1:])


# opening


def open_project(path: str | os.PathLike[str]) -> Project:
    """The project of a file, to be edited further; damaged parts are left out.

    Raises ``FormatError`` when the file is no project, or one that cannot be read.
    """
    return Project(read_project(path).state)


def read_project(path: str | os.PathLike[str]) -> OpenedProject:
    """Everything in a project file; raises ``FormatError`` when it is none or cannot be read."""
    path = Path(path)
    size = _check_head(path)
    try:
        with closing(_connect(path)) as connection:
            version = database.check(connection, size)
            if version == FORMAT_VERSION:
                return _read(connection, size, version)
            # The file stays as it is until it is saved: the copy is brought up to date.
            with closing(sqlite3.connect("")) as copy:
                connection.backup(copy)
                database.be_wary(copy)
                database.migrate(copy, version)
                return _read(copy, size, version)
    except database.BrokenProjectError as error:
        raise FormatError(path, _EXPECTED, str(error)) from error
    except database.DAMAGED as error:
        raise FormatError(path, f"{_EXPECTED} that is whole", f"a damaged one ({error})") from error
    except MemoryError as error:
        raise FormatError(path, _EXPECTED, "more data than memory") from error


def _read(connection: sqlite3.Connection, size: int, version: int) -> OpenedProject:
    stored, problems = database.read_state(connection, size)
    predictions = database.read_predictions(connection)
    state = renumbered(stored)
    by_id = {
        new.id: predictions[old.id]
        for old, new in zip(stored.samples, state.samples, strict=True)
        # What was said about spectra that are no longer all there would mislead.
        if old.id in predictions and not problems
    }
    return OpenedProject(state, by_id, tuple(problems), version)


def _check_head(path: Path) -> int:
    """The size of what may be a project; raises ``FormatError`` for anything else."""
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode):
            found = "a folder" if stat.S_ISDIR(kind.st_mode) else "a device or a pipe"
            raise FormatError(path, _EXPECTED, found)
        with open(path, "rb") as file:
            head = file.read(72)
    except FileNotFoundError as error:
        raise FormatError(path, _EXPECTED, "nothing at this path") from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise FormatError(path, "a file that can be read", cause) from error
    if kind.st_size == 0:
        raise FormatError(path, _EXPECTED, "an empty file")
    if not head.startswith(_MAGIC):
        raise FormatError(path, _EXPECTED, "a file of another kind")
    return kind.st_size


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    place = Path(os.path.abspath(path)).as_posix()
    place = place if place.startswith("/") else f"/{place}"
    connection = sqlite3.connect(f"file://{quote(place)}?mode=ro", uri=True)
    try:
        database.be_wary(connection)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
