"""Reading files off the GUI thread: what belongs together, then the engine's readers."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.spectra import Spectrum, Spectrum2D

# What tells an instrument's experiment folder from a folder of them (Bruker TopSpin, VnmrJ).
_EXPERIMENT_FILES = {"fid", "ser", "acqus", "acqu", "procpar", "procs", "1r", "pdata"}
_MOST_ENTRIES = 5000
_TELL_EVERY_S = 0.3
_REPORT_EVERY_S = 0.05
_TELL_MANY_EVERY_S = 1.0
_MANY = 100
# A folder with this many files or fewer is taken for one compound without asking.
_FEW = 4


@dataclass(frozen=True)
class Batch:
    """Paths that are to become one sample."""

    name: str
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class ReadingPlan:
    """How the paths of one call can be grouped.

    ``together`` is one sample of everything. ``by_folder`` and ``by_file`` are offered when a
    folder holds several things, else they are empty and nobody needs to be asked.
    """

    together: tuple[Batch, ...]
    by_folder: tuple[Batch, ...] = ()
    by_file: tuple[Batch, ...] = ()

    @property
    def is_ambiguous(self) -> bool:
        return len(self.by_folder) > 1 or len(self.by_file) > 1


@dataclass(frozen=True, eq=False)
class ReadResult:
    """What one batch gave: its spectra, ``(path, message)`` for what could not be read, the paths
    of runs, which are not read here, and its two-dimensional spectra."""

    batch: Batch
    spectra: tuple[Spectrum, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    runs: tuple[str, ...] = ()
    spectra_2d: tuple[Spectrum2D, ...] = ()

    @property
    def name(self) -> str:
        """The batch's name; when that came from a file that could not be read, another's."""
        failed = {path for path, _ in self.errors}
        good = self.good_paths
        first = self.batch.paths[0] if self.batch.paths else None
        taken_from_failed = str(first) in failed and self.batch.name == _readable_name(first)
        return common_name(good) if good and taken_from_failed else self.batch.name

    @property
    def good_paths(self) -> list[Path]:
        """The paths that gave spectra."""
        failed = {path for path, _ in self.errors}
        return [path for path in self.batch.paths if str(path) not in failed]


def is_experiment(folder: Path) -> bool:
    """Whether a folder is one instrument experiment, by the files in it."""
    return not _EXPERIMENT_FILES.isdisjoint(entry.name for entry in _entries(folder))


def plan_reading(paths: Sequence[Path]) -> ReadingPlan:
    """Group the paths of one open or drop; looks at names only, two folders deep."""
    paths = tuple(Path(p) for p in paths)
    together = (Batch(common_name(paths), paths),)
    plain: list[Path] = []
    by_folder: list[Batch] = []
    by_file: list[Batch] = []
    for path in paths:
        if not path.is_dir() or is_experiment(path):
            plain.append(path)
            continue
        loose, folders = _contents(path)
        # Bruker keeps the experiments of one compound as numbered folders side by side.
        numbered = all(p.is_dir() and p.name.isdigit() for p in loose)
        if not folders and (numbered or len(loose) <= _FEW):
            plain.append(path)
            continue
        by_folder.extend(Batch(p.name, (p,)) for p in folders)
        if loose:
            by_folder.append(Batch(path.name, tuple(loose)))
        inside = [p for folder in folders for part in _contents(folder) for p in part]
        by_file.extend(Batch(_readable_name(p), (p,)) for p in (*loose, *inside))
    if not by_folder:
        return ReadingPlan(together)
    if plain:
        by_folder.append(Batch(common_name(plain), tuple(plain)))
        by_file.extend(Batch(_readable_name(p), (p,)) for p in plain)
    return ReadingPlan(together, tuple(by_folder), tuple(by_file))


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """(files and experiments, other folders) directly in a folder."""
    loose, folders = [], []
    for entry in _entries(folder):
        path = Path(entry.path)
        (folders if entry.is_dir() and not is_experiment(path) else loose).append(path)
    return loose, folders


def planning(paths: Sequence[Path]) -> Callable[[Ticket], Generator]:
    """The verb that finds out what the paths hold."""

    def verb(ticket: Ticket) -> Generator[None, None, ReadingPlan]:
        ticket.report(None, "Looking at what was dropped")
        yield
        return plan_reading(paths)

    return verb


def reading(batches: Sequence[Batch]) -> Callable[[Ticket], Generator]:
    """The verb that reads batches one after the other.

    It yields tuples of ``ReadResult``, those of a fraction of a second together, so that a window
    that shows hundreds of them has not hundreds of times the work.
    """

    def verb(ticket: Ticket) -> Generator[tuple[ReadResult, ...] | None, None, None]:
        from engine.formats import open_many

        ready: list[ReadResult] = []
        told = reported = -_TELL_EVERY_S

        def report(share: float, text: str) -> None:
            # Small files are read by hundreds a second: nobody reads that many names.
            nonlocal reported
            if monotonic() - reported >= _REPORT_EVERY_S:
                reported = monotonic()
                ticket.report(share, text)

        for number, batch in enumerate(batches):

            def on_progress(done: int, total: int, path: str, number=number) -> None:
                share = done / total if total else 1.0
                name = f"Reading {Path(path).name}" if path else ""
                report((number + share) / len(batches), name)

            report(number / len(batches), f"Reading {batch.name}")
            yield None
            runs: list[Path] = []
            spectra_2d: list[Spectrum2D] = []
            spectra, errors = open_many(
                list(batch.paths), on_progress=on_progress, is_cancelled=ticket.is_cancelled,
                runs=runs, spectra_2d=spectra_2d,
            )  # fmt: skip
            found = tuple((str(path), str(message)) for path, message in errors)
            held = tuple(map(str, runs))
            ready.append(ReadResult(batch, tuple(spectra), found, held, tuple(spectra_2d)))
            # The more there are in the window, the more it has to do for each message.
            pause = _TELL_EVERY_S if number < _MANY else _TELL_MANY_EVERY_S
            if monotonic() - told >= pause or number == len(batches) - 1:
                told = monotonic()
                yield tuple(ready)
                ready = []

    return verb


def _entries(folder: Path) -> list[os.DirEntry]:
    """Visible entries of a folder, by name; a folder that cannot be listed has none."""
    try:
        with os.scandir(folder) as found:
            entries = [e for e, _ in zip(found, range(_MOST_ENTRIES), strict=False)]
    except OSError:
        return []
    return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)


def common_name(paths: Sequence[Path]) -> str:
    """A sample's first name: the one file's, else what all names begin with, else the folder's."""
    names = [_readable_name(p) for p in paths]
    if len(names) == 1:
        return names[0]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    shared = "".join(letters[0] for letters in alike).rstrip(" _-.0123456789")
    if len(shared) >= 3:
        return shared
    parents = {p.resolve().parent for p in paths}
    return parents.pop().name if len(parents) == 1 else names[0]


def _readable_name(path: Path) -> str:
    """The file's stem; of an experiment folder with a number for a name, its parent's name."""
    if path.name.isdigit() and path.parent.name:
        return f"{path.parent.name}/{path.name}"
    return path.stem if path.suffix and not path.is_dir() else path.name
