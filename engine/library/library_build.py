"""Building a molecule library from a file, in chunks that outlive a kill."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from engine.chemistry.predicted_shifts import ShiftPredictor
from engine.library.library_chunk import library_chunk, write_chunk
from engine.library.library_files import (
    MANIFEST,
    LibraryError,
    Manifest,
    checked_name,
    library_path,
    move_folder,
    write_json,
)
from engine.library.library_merge import merge_chunks
from engine.library.molecule_library import MoleculeLibrary
from engine.library.molecule_source import MoleculeRecord, SourceError, read_molecules

CHUNK = 2000
"""Records of one chunk: what a kill loses at most, for each worker."""

_PENDING_FILE = "building.json"
_CHUNKS = "chunks"
_AHEAD = 2
_LOCKS: defaultdict[str, Lock] = defaultdict(Lock)


@dataclass(frozen=True)
class BuildProgress:
    """``molecules`` read so far, ``done`` as a share of the whole (0 to 1), None when unknown."""

    molecules: int
    done: float | None
    stage: str = "predicting"


@dataclass
class _Job:
    """What is being built, as it stands in ``building.json``."""

    name: str
    sources: list[list]
    model: str
    limit: int | None
    extra: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def build_library(
    name: str,
    source: Path | str | Sequence[Path],
    predictor: ShiftPredictor | None = None,
    folder: Path | None = None,
    workers: int = 0,
    limit: int | None = None,
    extra: Sequence[str] = (),
    unnamed: Collection[Path] = (),
    report: Callable[[BuildProgress], None] = lambda progress: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    licence: str = "",
) -> MoleculeLibrary:
    """A library of the molecules in a file, or several, under ``folder`` (None: the user's).

    Goes on where an earlier build of the same name from the same file stopped, whatever stopped
    it; a finished library of that name is replaced when the new one is done. ``predictor`` None is
    the one that ships; ``workers`` processes work beside this one (0: all is done in this one;
    they take the predictor that ships). ``limit`` takes that many records; ``extra`` are SMILES
    put before the file's; in the files that are ``unnamed`` what stands beside a SMILES is no name.
    Duplicates by key are one molecule, the first; lines that are no molecules are counted and told
    in the manifest. Two threads that build one library wait for each other.

    Raises :class:`SourceError` for a file that cannot be read or holds no molecule,
    :class:`LibraryError` for a name that is none, and
    :class:`concurrent.futures.CancelledError` soon after ``is_cancelled`` says so; then the
    finished chunks stay for the next time.
    """
    sources = [Path(source)] if isinstance(source, str | Path) else list(source)
    target = library_path(checked_name(name), folder)
    with _LOCKS[str(target)]:
        model = predictor.name if predictor is not None else _shipped_model()
        job = _Job(name, [_identity(path) for path in sources], model, limit, list(extra))
        pending = target.with_name(f".{target.name}.building")
        _prepare(pending, job)
        chunks = pending / _CHUNKS
        records = _records(sources, extra, limit, unnamed)
        total = _run(records, chunks, predictor, workers, report, is_cancelled)
        report(BuildProgress(total, None, "putting together"))
        if is_cancelled():
            raise CancelledError
        paths = [_chunk_path(chunks, number) for number in range(_chunk_count(total))]
        whole = pending / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        whole.mkdir()
        counts = merge_chunks(paths, whole, is_cancelled)
        if counts.size == 0:
            reason = counts.first_broken[0] if counts.first_broken else "it has no records"
            shutil.rmtree(pending, ignore_errors=True)
            raise SourceError(f"{_titles(sources)} holds no molecule: {reason}")
        manifest = Manifest(
            name=name, size=counts.size, model=model, source=_titles(sources), licence=licence,
            created=time.strftime("%Y-%m-%dT%H:%M:%S"), records=total, broken=counts.broken,
            duplicates=counts.duplicates, first_broken=counts.first_broken,
        )  # fmt: skip
        write_json(whole / MANIFEST, manifest.to_dict())
        _put_in_place(whole, target)
        shutil.rmtree(pending, ignore_errors=True)
    return MoleculeLibrary.open(target)


def unfinished_builds(folder: Path | None = None) -> dict[str, str]:
    """Names of libraries whose building was stopped, with the file they are made of."""
    from engine.library.library_files import libraries_folder

    found = {}
    for path in sorted((folder or libraries_folder()).glob(f".*.building/{_PENDING_FILE}")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found[str(content["name"])] = str(content["sources"][0][0])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
    return found


def _shipped_model() -> str:
    from engine.library.shift_model import default_shift_predictor

    return default_shift_predictor().name


def _prepare(pending: Path, job: _Job) -> None:
    """The folder of a build; chunks of another file or model in it are thrown away."""
    try:
        known = json.loads((pending / _PENDING_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    if known != job.to_dict():
        shutil.rmtree(pending, ignore_errors=True)
    try:
        (pending / _CHUNKS).mkdir(parents=True, exist_ok=True)
        write_json(pending / _PENDING_FILE, job.to_dict())
    except OSError as error:
        raise LibraryError(f"no library can be written in {pending.parent}: {error}") from None


def _identity(path: Path) -> list:
    """What a file is known again by: its path, size and time."""
    try:
        stat = path.stat()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    return [str(path.resolve()), stat.st_size, stat.st_mtime]


def _titles(sources: Sequence[Path]) -> str:
    return ", ".join(path.name for path in sources)


def _records(
    sources: Sequence[Path], extra: Sequence[str], limit: int | None, unnamed: Collection[Path]
) -> Iterator[MoleculeRecord]:
    for number, smiles in enumerate(extra, 1):
        yield MoleculeRecord(smiles, "", f"extra {number}", 0.0)
    yield from islice(_of_files(sources, unnamed), limit)


def _of_files(sources: Sequence[Path], unnamed: Collection[Path]) -> Iterator[MoleculeRecord]:
    if len(sources) == 1 and not unnamed:
        yield from read_molecules(sources[0])
        return
    sizes = [path.stat().st_size for path in sources]
    before = 0
    for path, size in zip(sources, sizes, strict=True):
        for record in read_molecules(path):
            done = (before + (record.done or 0.0) * size) / max(sum(sizes), 1)
            name = "" if path in unnamed else record.name
            yield replace(record, name=name, place=f"{path.name}, {record.place}", done=done)
        before += size


def _run(
    records: Iterable[MoleculeRecord],
    chunks: Path,
    predictor: ShiftPredictor | None,
    workers: int,
    report: Callable[[BuildProgress], None],
    is_cancelled: Callable[[], bool],
) -> int:
    """Make every chunk that is not there yet; the number of records."""
    total = number = 0
    finished = 0
    stream = iter(records)
    waiting: deque[tuple[Future, int, float | None]] = deque()
    pool = _pool(workers) if workers else None
    if pool is None and predictor is None:
        from engine.library.shift_model import default_shift_predictor

        predictor = default_shift_predictor()

    def collect(least: int) -> None:
        nonlocal finished
        while len(waiting) > least:
            future, count, done = waiting[0]
            while not future.done():
                if is_cancelled():
                    raise CancelledError
                _wait(future)
            future.result()
            waiting.popleft()
            finished += count
            report(BuildProgress(finished, done))

    try:
        while block := list(islice(stream, CHUNK)):
            if is_cancelled():
                raise CancelledError
            total += len(block)
            path = _chunk_path(chunks, number)
            number += 1
            if path.exists():
                finished += len(block)
                report(BuildProgress(finished, block[-1].done))
            elif pool is not None:
                waiting.append((pool.submit(_make, block, path), len(block), block[-1].done))
                collect(workers * _AHEAD)
            else:
                make_chunk(block, path, predictor)
                finished += len(block)
                report(BuildProgress(finished, block[-1].done))
        collect(0)
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
    return total


def _wait(future: Future) -> None:
    from concurrent.futures import wait

    wait([future], timeout=0.2)


def _pool(workers: int) -> ProcessPoolExecutor:
    import multiprocessing

    # A fresh process each: a fork of a program with threads (Qt, torch) may lock up.
    return ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_single_threaded
    )


def _single_threaded() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)


def _make(records: list[MoleculeRecord], path: Path) -> None:
    from engine.library.shift_model import default_shift_predictor

    make_chunk(records, path, default_shift_predictor())


def make_chunk(records: Sequence[MoleculeRecord], path: Path, predictor: ShiftPredictor) -> None:
    """Predict the molecules of records and write them as one chunk."""
    arrays, broken = library_chunk(records, predictor)
    write_chunk(path, arrays, broken)


def _chunk_path(chunks: Path, number: int) -> Path:
    return chunks / f"{number:06d}.npz"


def _chunk_count(records: int) -> int:
    return -(-records // CHUNK)


def _put_in_place(whole: Path, target: Path) -> None:
    """The new folder under its name; the old one of that name is gone only afterwards."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    had = target.exists()
    if had:
        move_folder(target, old)
    try:
        move_folder(whole, target)
    except (LibraryError, OSError):
        if had:
            old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
