"""Where a command writes: what is wrong with the place is said before the work begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from engine.commands.outcome import BAD_USAGE, CommandError


def checked_output(out: str | Path, inputs: Iterable[str | Path] = ()) -> Path:
    """The path to write to; raises ``CommandError`` for a folder, a place that is not there, and
    one of the ``inputs``."""
    path = Path(out)
    if path.is_dir():
        raise CommandError(BAD_USAGE, f"--out {path} is a folder: name a file")
    if not path.absolute().parent.is_dir():
        raise CommandError(BAD_USAGE, f"--out {path}: the folder {path.parent} does not exist")
    for file in inputs:
        if path.exists() and Path(file).exists() and path.samefile(file):
            raise CommandError(BAD_USAGE, f"--out {path} is the file that is read")
    return path


def written(path: Path, write: Callable[[], None]) -> None:
    """Call ``write``; raises ``CommandError`` when the file cannot be written."""
    try:
        write()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(BAD_USAGE, f"{path} cannot be written: {reason}") from error
