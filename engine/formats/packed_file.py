"""Files inside zip archives that go on being read: unpacked once, for as long as the program runs.

A run (LC-MS, GC-MS) in an archive is named by a path that goes on inside it, as in
``runs.zip/day 1/blank.mzML``; scans of it are read whenever they are looked at.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from threading import Lock

from engine.formats import containers
from engine.formats.errors import FormatError

_lock = Lock()
_unpacked: dict[tuple, Path] = {}
_folder: list[Path] = []


def on_disk(path: str | os.PathLike[str]) -> Path:
    """The path under which a file can be opened: its own, or that of its unpacked copy.

    A copy is made anew when its archive has changed. Raises ``FormatError`` for an archive that
    cannot be read or has no such member; any other path is given back as it is.
    """
    path = Path(path)
    archive = _archive_of(path)
    if archive is None:
        return path
    try:
        state = archive.stat()
        member = path.relative_to(archive).as_posix()
        key = (str(archive), state.st_size, state.st_mtime_ns, member)
        with _lock:
            if key not in _unpacked or not _unpacked[key].exists():
                _unpacked[key] = _unpack(archive, member)
            return _unpacked[key]
    except OSError as error:
        raise FormatError(path, "a readable file", error.strerror or str(error)) from error


def _archive_of(path: Path) -> Path | None:
    """The zip archive in which a path goes on; None for a path outside of one."""
    for parent in path.parents:
        try:
            if parent.is_dir():
                return None
            if parent.is_file():
                with open(parent, "rb") as file:
                    return parent if containers.is_zip(file.read(4)) else None
        except OSError:
            return None
    return None


def _unpack(archive: Path, member: str) -> Path:
    if not _folder:
        _folder.append(Path(tempfile.mkdtemp(prefix="specgui-runs-")))
        atexit.register(shutil.rmtree, _folder[0], ignore_errors=True)
    return containers.unpack_member(archive, member, Path(tempfile.mkdtemp(dir=_folder[0])))
