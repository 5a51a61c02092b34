"""Opens any path: chooses the reader by content, walks folders, looks into zip archives."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path

from engine.formats import containers
from engine.formats.errors import FormatError
from engine.formats.nmredata import RECORD
from engine.formats.reader import Reader
from engine.formats.signatures import ForeignFormat, foreign_format
from engine.spectra import Source, Spectrum, Technique

MOST_TEXT = 512 << 20
"""Bytes of the largest file that a reader of text is given."""

MOST_SPECTRA = 50_000
"""Spectra that one folder or archive gives at most."""

_HEAD = 4096
_READABLE = "a file in a format that is read"
_MODULES = (
    "bruker", "varian", "jeol", "nmrpipe", "sparky", "simpson", "nmrml", "nmredata",
    "jcamp", "mzml", "mzdata", "andi", "mzspeclib", "mztab",
    "mgf", "msp", "massbank",
    "spc", "opus", "omnic", "wdf", "labspec", "nmr_line", "delimited_text",
)  # fmt: skip
# These stream their file or check its size against what it declares; the others read text.
_UNLIMITED = (
    "bruker", "varian", "jeol", "nmrpipe", "sparky",
    "mzml", "mzdata", "andi", "spc", "opus", "omnic", "wdf",
)  # fmt: skip

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


@cache
def readers() -> dict[str, Reader]:
    """Every reader by the name of its module."""
    return {name: import_module(f"engine.formats.{name}").READER for name in _MODULES}


def open_spectra(path: str | os.PathLike[str], technique: str | None = None) -> list[Spectrum]:
    """Every spectrum of a file, of a folder (an experiment, or files and folders of them) or a zip.

    ``technique`` is the technique of a file that does not name its own, such as a table of
    numbers. In a folder or a zip a broken file does not lose the others: the first spectrum
    carries a warning that names it. Raises ``FormatError`` when there is no spectrum, with what
    was expected and what was found, and ``ValueError`` for an unknown technique.
    """
    return _open(Path(path), None if technique is None else Technique(technique), _never)


def open_many(
    paths: Iterable[str | os.PathLike[str]],
    on_progress: Callable[[int, int, str], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    technique: str | None = None,
) -> tuple[list[Spectrum], list[tuple[str, str]]]:
    """Open several paths: their spectra, and ``(path, message)`` of each that gave none.

    ``on_progress(done, total, path)`` is called before each path and once at the end with an empty
    path; ``is_cancelled`` is asked between files, and what was read until then is returned.
    """
    paths = [os.fspath(path) for path in paths]
    wanted = None if technique is None else Technique(technique)
    cancelled = is_cancelled or _never
    spectra: list[Spectrum] = []
    errors: list[tuple[str, str]] = []
    for done, path in enumerate(paths):
        if cancelled():
            break
        if on_progress is not None:
            on_progress(done, len(paths), path)
        try:
            spectra += _open(Path(path), wanted, cancelled)
        except FormatError as error:
            if cancelled():
                break
            errors.append((path, str(error)))
    else:
        if on_progress is not None:
            on_progress(len(paths), len(paths), "")
    return spectra, errors


def _never() -> bool:
    return False


def _open(path: Path, technique: Technique | None, cancelled: Callable[[], bool]) -> list[Spectrum]:
    try:
        kind = path.stat()
        if stat.S_ISDIR(kind.st_mode):
            return _open_folder(path, technique, cancelled)
        head = _head(path, kind)
    except (OSError, ValueError) as error:
        raise _unreachable(path, error) from error
    if containers.is_zip(head):
        return _open_zip(path, technique, cancelled)
    return _read(path, head, kind.st_size, technique)


def _unreachable(path: Path, error: Exception) -> FormatError:
    if isinstance(error, FileNotFoundError):
        return FormatError(path, "a file or folder", "nothing at this path")
    if isinstance(error, PermissionError):
        return FormatError(path, "a file that you may read", "no permission to read it")
    return FormatError(path, "a readable file", getattr(error, "strerror", None) or str(error))


def _head(path: Path, kind: os.stat_result) -> bytes:
    if not stat.S_ISREG(kind.st_mode):
        raise FormatError(path, "a file or folder", "a device or a pipe")
    if kind.st_size == 0:
        raise FormatError(path, "a spectrum", "an empty file")
    with open(path, "rb") as file:
        return file.read(_HEAD)


def _choose(path: Path, head: bytes) -> tuple[str, Reader] | None:
    """The reader that is surest; of equally sure ones, the one that has the file's suffix."""
    suffix = path.suffix.lower()
    best, choice = (0.0, False), None
    for module, reader in readers().items():
        score = reader.sniff(path, head)
        claim = (score, suffix in reader.suffixes)
        if score > 0 and claim > best:
            best, choice = claim, (module, reader)
    return choice


def _has_known_suffix(path: Path) -> bool:
    return any(path.suffix.lower() in reader.suffixes for reader in readers().values())


def _read(path: Path, head: bytes, size: int, technique: Technique | None) -> list[Spectrum]:
    foreign = foreign_format(path, head)
    if foreign is not None:
        raise _not_read(path, foreign)
    choice = _choose(path, head)
    if choice is None:
        known = ", ".join(reader.name for reader in readers().values())
        raise UnknownFormatError(path, f"a known format ({known})", _description(head))
    module, reader = choice
    if module not in _UNLIMITED:
        _check_text(path, size)
    return _call(reader, path, technique)


class UnknownFormatError(FormatError):
    """The file is none that holds spectra: in a folder it is passed over in silence."""


def _not_read(path: Path, foreign: ForeignFormat) -> FormatError:
    kind = FormatError if foreign.spectral else UnknownFormatError
    return kind(path, _READABLE, foreign.found)


def _call(reader: Reader, path: Path, technique: Technique | None) -> list[Spectrum]:
    try:
        if technique is not None and "technique" in signature(reader.read).parameters:
            return reader.read(path, technique=technique)
        return reader.read(path)
    except FormatError:
        raise
    except MemoryError as error:
        raise FormatError(path, f"readable {reader.name}", "more data than memory") from error
    except OSError as error:
        raise _unreachable(path, error) from error
    except Exception as error:
        # A reader's fault must not take the window down; the log keeps where it happened.
        _log.exception("the %s reader failed on %s", reader.name, path)
        found = f"something that breaks its reader ({error})"
        raise FormatError(path, f"readable {reader.name}", found) from error


def _check_text(path: Path, size: int) -> None:
    """Refuse text that is too large to read, or padded with zeros as a broken copy leaves it."""
    if size > MOST_TEXT:
        raise FormatError(path, f"a file of at most {MOST_TEXT >> 20} MB", f"{size >> 20} MB")
    if size > _HEAD:
        with open(path, "rb") as file:
            file.seek(size - _HEAD)
            if not file.read(_HEAD).strip(b"\0"):
                raise FormatError(
                    path, "text to the end of the file", "zero bytes: its copy was interrupted"
                )


def _description(head: bytes) -> str:
    if not head.strip(b"\0"):
        return "zero bytes only"
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    if control > len(head) // 50:
        return f"binary data that begins with {head[:4].hex(' ')}"
    beginning = " ".join(head[:200].decode("utf-8", "replace").split())[:40]
    return f"text that begins with “{beginning}”" if beginning else "blank text"


# Folders and archives


@dataclass
class _Walk:
    """What a walk through a folder has found so far."""

    root: Path
    technique: Technique | None
    cancelled: Callable[[], bool]
    in_archive: bool = False
    spectra: list[Spectrum] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    own: FormatError | None = None  # what was wrong with the folder itself
    seen: int = 0
    cut: bool = False

    def full(self) -> bool:
        if self.seen >= containers.MOST_ENTRIES or len(self.spectra) >= MOST_SPECTRA:
            self.cut = True
        return self.cut or self.cancelled()

    def failed(self, path: Path, error: FormatError) -> None:
        what = error.found
        if error.expected != _READABLE and not what.endswith("not shown yet"):
            what = f"expected {error.expected}, found {what}"
        name = path.relative_to(self.root).as_posix()
        if name == ".":
            self.own = error
        self.problems.append(what if name == "." else f"{name}: {what}")


def _open_folder(
    folder: Path, technique: Technique | None, cancelled: Callable[[], bool]
) -> list[Spectrum]:
    walk = _Walk(folder, technique, cancelled)
    _visit(folder, walk, 0)
    return _result(folder, walk, "a folder of spectra")


def _open_zip(
    path: Path, technique: Technique | None, cancelled: Callable[[], bool]
) -> list[Spectrum]:
    try:
        with tempfile.TemporaryDirectory(prefix="specgui-", ignore_cleanup_errors=True) as name:
            root = Path(name).resolve()
            problems = containers.unpack(path, root)
            walk = _Walk(root, technique, cancelled, in_archive=True, problems=problems)
            _visit(root, walk, 0)
    except OSError as error:
        raise _unreachable(path, error) from error
    spectra = _result(path, walk, "an archive of spectra")
    return [
        replace(spectrum, source=_in_archive(spectrum.source, root, path)) for spectrum in spectra
    ]


def _in_archive(source: Source, root: Path, archive: Path) -> Source:
    """The source of an unpacked file as a path that goes on inside its archive."""
    try:
        member = Path(source.path).relative_to(root).as_posix()
    except ValueError:
        return Source(str(archive), source.block)
    return Source(f"{archive}/{member}" if member != "." else str(archive), source.block)


def _visit(folder: Path, walk: _Walk, depth: int) -> None:
    choice = _choose(folder, b"")
    try:
        if choice is not None:
            walk.spectra += _call(choice[1], folder, walk.technique)
            return
        foreign = foreign_format(folder, b"")
        if foreign is not None:
            raise _not_read(folder, foreign)
        for path in containers.entries(folder):
            if walk.full():
                return
            walk.seen += 1
            if path.is_dir():
                if depth < containers.MOST_DEPTH:
                    _visit(path, walk, depth + 1)
                else:
                    walk.cut = True
            else:
                _visit_file(path, walk)
    except FormatError as error:
        walk.failed(folder, error)
    except OSError as error:
        walk.failed(folder, _unreachable(folder, error))


def _visit_file(path: Path, walk: _Walk) -> None:
    try:
        kind = path.stat()
        if kind.st_size == 0 and not _has_known_suffix(path):
            return
        head = _head(path, kind)
        if containers.is_zip(head):
            if path.suffix.lower() not in ("", ".zip"):
                return  # Office documents and programs' projects are zip archives too
            if walk.in_archive:
                raise FormatError(path, "a spectrum", "an archive in an archive: unpack it first")
            walk.spectra += _open_zip(path, walk.technique, walk.cancelled)
        else:
            walk.spectra += _read(path, head, kind.st_size, walk.technique)
    except UnknownFormatError:
        return  # notes, pictures and lists lie beside spectra everywhere
    except FormatError as error:
        walk.failed(path, error)
    except (OSError, ValueError) as error:
        walk.failed(path, _unreachable(path, error))


def _without_repeats(spectra: list[Spectrum]) -> list[Spectrum]:
    """The spectra without those that an NMReDATA record in the same folder gave already."""
    given: set[str] = set()
    kept: dict[str, Spectrum] = {}
    for spectrum in spectra:
        if RECORD in spectrum.metadata:
            given.add(str(spectrum.source))
            kept.setdefault(str(spectrum.source), spectrum)
    if not given:
        return spectra
    return [s for s in spectra if str(s.source) not in given or kept[str(s.source)] is s]


def _result(path: Path, walk: _Walk, expected: str) -> list[Spectrum]:
    walk.spectra = _without_repeats(walk.spectra)
    shown = "; ".join(walk.problems[:5])
    if len(walk.problems) > 5:
        shown += f"; and {len(walk.problems) - 5} more"
    if not walk.spectra:
        if walk.own is not None and len(walk.problems) == 1:
            raise FormatError(path, walk.own.expected, walk.own.found)
        found = shown or ("no file that is a spectrum" if walk.seen else "nothing in it")
        raise FormatError(path, expected, found)
    warnings = [f"not everything could be read: {shown}"] if shown else []
    if walk.cut:
        warnings.append(
            f"only a part was read: {walk.seen} files were looked at and {len(walk.spectra)} "
            f"spectra read (at most {containers.MOST_ENTRIES} and {MOST_SPECTRA}, "
            f"{containers.MOST_DEPTH} folders deep)"
        )
    if warnings:
        walk.spectra[0] = walk.spectra[0].with_warnings(*warnings)
    return walk.spectra
