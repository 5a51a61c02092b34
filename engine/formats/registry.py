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

import numpy as np

from engine.formats import containers
from engine.formats.errors import FormatError, Only2DError
from engine.formats.nmredata import RECORD
from engine.formats.reader import Reader
from engine.formats.run_chromatogram import follows_time
from engine.formats.signatures import ForeignFormat, foreign_format
from engine.spectra import Source, Spectrum, Spectrum2D, Technique

MOST_TEXT = 512 << 20
"""Bytes of the largest file that a reader of text is given."""

MOST_SPECTRA = 50_000
"""Spectra that one folder or archive gives at most."""

MOST_BYTES_2D = 1 << 30
"""Bytes of two-dimensional spectra that one folder or archive gives at most, about."""

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
_RUNS = ("mzml", "mzdata", "andi")

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
    was expected and what was found, and ``ValueError`` for an unknown technique. Two-dimensional
    data are left to :func:`open_spectra_2d`: a path that holds nothing else raises
    ``Only2DError``, which is a ``FormatError``.
    """
    wanted = None if technique is None else Technique(technique)
    return _open(Path(path), _Wish(wanted)).spectra


def open_spectra_2d(path: str | os.PathLike[str]) -> list[Spectrum2D]:
    """Every two-dimensional spectrum of a path, as :func:`open_spectra` gives the others.

    Raises ``FormatError`` when there is none.
    """
    found = _open(Path(path), _Wish(with_2d=True)).spectra_2d
    if not found:
        raise FormatError(path, "two-dimensional spectra", "none, but others")
    return found


def open_many(
    paths: Iterable[str | os.PathLike[str]],
    on_progress: Callable[[int, int, str], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    technique: str | None = None,
    spectra_2d: list[Spectrum2D] | None = None,
    runs: list[Path] | None = None,
) -> tuple[list[Spectrum], list[tuple[str, str]]]:
    """Open several paths: their spectra, and ``(path, message)`` of each that gave none.

    A list that is given as ``spectra_2d`` gets the two-dimensional spectra; without one, a path
    that holds nothing else is among the errors. A list that is given as ``runs`` gets the paths of
    runs (LC-MS, GC-MS), which are then not read as single scans.

    ``on_progress(done, total, path)`` is called before each path and once at the end with an empty
    path; ``is_cancelled`` is asked between files, and what was read until then is returned.
    """
    paths = [os.fspath(path) for path in paths]
    wanted = None if technique is None else Technique(technique)
    cancelled = is_cancelled or _never
    wish = _Wish(wanted, spectra_2d is not None, cancelled, runs is not None)
    spectra: list[Spectrum] = []
    errors: list[tuple[str, str]] = []
    for done, path in enumerate(paths):
        if cancelled():
            break
        if on_progress is not None:
            on_progress(done, len(paths), path)
        try:
            contents = _open(Path(path), wish)
            spectra += contents.spectra
            if spectra_2d is not None:
                spectra_2d += contents.spectra_2d
            if runs is not None:
                runs += contents.runs
            errors += [(path, f"{Path(path).name}: {note}") for note in contents.notes]
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


@dataclass(frozen=True)
class _Wish:
    """What is wanted of a path."""

    technique: Technique | None = None
    with_2d: bool = False
    cancelled: Callable[[], bool] = _never
    runs_apart: bool = False


@dataclass
class _Contents:
    """What a path gave; ``notes`` are the warnings about one that gave runs alone."""

    spectra: list[Spectrum] = field(default_factory=list)
    spectra_2d: list[Spectrum2D] = field(default_factory=list)
    runs: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: _Contents) -> None:
        self.spectra += other.spectra
        self.spectra_2d += other.spectra_2d
        self.runs += other.runs

    def warn(self, *sentences: str) -> None:
        """Add sentences to the warnings of the first spectrum."""
        found = self.spectra or self.spectra_2d
        if found:
            found[0] = found[0].with_warnings(*sentences)
        else:
            self.notes += sentences


def _open(path: Path, wish: _Wish) -> _Contents:
    try:
        kind = path.stat()
        if stat.S_ISDIR(kind.st_mode):
            return _open_folder(path, wish)
        head = _head(path, kind)
    except (OSError, ValueError) as error:
        raise _unreachable(path, error) from error
    if containers.is_zip(head):
        return _open_zip(path, wish)
    return _read(path, head, kind.st_size, wish)


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


def _read(path: Path, head: bytes, size: int, wish: _Wish) -> _Contents:
    foreign = foreign_format(path, head)
    if foreign is not None:
        raise _not_read(path, foreign)
    choice = _choose(path, head)
    if choice is None:
        known = ", ".join(reader.name for reader in readers().values())
        raise UnknownFormatError(path, f"a known format ({known})", _description(head))
    module, reader = choice
    if wish.runs_apart and module in _RUNS and follows_time(path):
        return _Contents(runs=[path])
    if module not in _UNLIMITED:
        _check_text(path, size)
    return _call(reader, path, wish)


class UnknownFormatError(FormatError):
    """The file is none that holds spectra: in a folder it is passed over in silence."""


def _not_read(path: Path, foreign: ForeignFormat) -> FormatError:
    kind = FormatError if foreign.spectral else UnknownFormatError
    return kind(path, _READABLE, foreign.found)


def _call(reader: Reader, path: Path, wish: _Wish) -> _Contents:
    contents, failure = _Contents(), None
    try:
        contents.spectra = _guarded(reader, reader.read, path, wish.technique)
    except FormatError as error:
        failure = error
    if wish.with_2d and reader.read_2d is not None:
        try:
            contents.spectra_2d = _guarded(reader, reader.read_2d, path)
        except FormatError as error:
            if failure is None:
                contents.warn(f"Not read: {error}")
            elif isinstance(failure, Only2DError):
                failure = error
    if failure is not None:
        if not contents.spectra_2d:
            raise failure
        if not isinstance(failure, Only2DError):
            contents.warn(f"Not read: {failure}")
    return contents


def _guarded(
    reader: Reader, read: Callable, path: Path, technique: Technique | None = None
) -> list:
    """What a reader gives; whatever else it raises becomes a ``FormatError``."""
    more = technique is not None and "technique" in signature(read).parameters
    try:
        # Damaged bytes may be any numbers: readers look at what comes out, not on the way.
        with np.errstate(all="ignore"):
            return read(path, technique=technique) if more else read(path)
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
    wish: _Wish
    in_archive: bool = False
    found: _Contents = field(default_factory=_Contents)
    problems: list[str] = field(default_factory=list)
    own: FormatError | None = None  # what was wrong with the folder itself
    seen: int = 0
    cut: bool = False

    def full(self) -> bool:
        if self.seen >= containers.MOST_ENTRIES or len(self.found.spectra) >= MOST_SPECTRA:
            self.cut = True
        if sum(s.z.nbytes for s in self.found.spectra_2d) >= MOST_BYTES_2D:
            self.cut = True
        return self.cut or self.wish.cancelled()

    def failed(self, path: Path, error: FormatError) -> None:
        what = error.found
        plain = isinstance(error, Only2DError) or "not shown yet" in what
        if error.expected != _READABLE and not plain:
            what = f"expected {error.expected}, found {what}"
        name = path.relative_to(self.root).as_posix()
        if name == ".":
            self.own = error
        self.problems.append(what if name == "." else f"{name}: {what}")


def _open_folder(folder: Path, wish: _Wish) -> _Contents:
    walk = _Walk(folder, wish)
    _visit(folder, walk, 0)
    return _result(folder, walk, "a folder of spectra")


def _open_zip(path: Path, wish: _Wish) -> _Contents:
    try:
        with tempfile.TemporaryDirectory(prefix="specgui-", ignore_cleanup_errors=True) as name:
            root = Path(name).resolve()
            problems = containers.unpack(path, root)
            walk = _Walk(root, wish, in_archive=True, problems=problems)
            _visit(root, walk, 0)
    except OSError as error:
        raise _unreachable(path, error) from error
    found = _result(path, walk, "an archive of spectra")
    for spectra in (found.spectra, found.spectra_2d):
        spectra[:] = [replace(s, source=_in_archive(s.source, root, path)) for s in spectra]
    # A run goes on being read: from its archive, for the unpacked one is gone.
    found.runs = [Path(_in_archive(Source(str(run), ""), root, path).path) for run in found.runs]
    return found


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
            walk.found.add(_call(choice[1], folder, walk.wish))
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
            walk.found.add(_open_zip(path, walk.wish))
        else:
            walk.found.add(_read(path, head, kind.st_size, walk.wish))
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


def _result(path: Path, walk: _Walk, expected: str) -> _Contents:
    found = walk.found
    found.spectra = _without_repeats(found.spectra)
    shown = "; ".join(walk.problems[:5])
    if len(walk.problems) > 5:
        shown += f"; and {len(walk.problems) - 5} more"
    if not found.spectra and not found.spectra_2d and not found.runs:
        if walk.own is not None and len(walk.problems) == 1:
            raise type(walk.own)(path, walk.own.expected, walk.own.found)
        said = shown or ("no file that is a spectrum" if walk.seen else "nothing in it")
        raise FormatError(path, expected, said)
    warnings = [f"not everything could be read: {shown}"] if shown else []
    if walk.cut:
        warnings.append(
            f"only a part was read: {walk.seen} files were looked at and {len(found.spectra)} "
            f"spectra read (at most {containers.MOST_ENTRIES} and {MOST_SPECTRA}, "
            f"{containers.MOST_DEPTH} folders deep)"
        )
    if warnings:
        found.warn(*warnings)
    return found
