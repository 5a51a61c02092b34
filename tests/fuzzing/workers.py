"""Opens damaged files in child processes with limits, and notes all that is not as promised."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import logging
import mmap
import os
import resource
import shutil
import signal
import struct
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fuzzing.mutations import Case, Damage, damaged_archive

LONGEST_TEXT = 2000
"""Characters of an error or a warning that still fits a window."""

MOST_WARNINGS = 200
_POLL_SECONDS = 0.2
_WAITED_FOR = 60  # times the limit of processor time until a file that only waits counts as stuck
_FILES_OF_A_WORKER = 5000


@dataclass(frozen=True)
class Finding:
    """A promise that a case broke.

    ``kind`` is one of ``raised``, ``caught`` (a reader's fault that the registry turned into an
    error), ``hang``, ``memory``, ``crash``, ``result``, ``text`` and ``leak``; ``place`` is the
    same for cases of the same cause.
    """

    index: int
    kind: str
    place: str
    detail: str
    recipe: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Processor seconds and bytes of address space that opening one file may take."""

    seconds: float = 5.0
    memory: int = 2 << 30


@dataclass
class Counts:
    """What came out of the files, and the slowest and the largest of them."""

    done: int = 0
    opened: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    slowest: int = -1
    largest_mb: float = 0.0
    largest: int = -1


# One file


def write_case(case: Case, folder: Path, number: int, index: int) -> Path:
    """Write a case below a folder; returns the path to open."""
    path = folder / case.name
    if case.as_zip:
        path = folder / f"{case.name}.zip"
        path.write_bytes(damaged_archive(case, number, index))
        return path
    if set(case.members) == {""}:
        path.write_bytes(case.members[""])
        return path
    path.mkdir()
    for name, content in case.members.items():
        with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    return path


class _Faults(logging.Handler):
    """Keeps the errors that the registry caught in a reader and logged."""

    def __init__(self) -> None:
        super().__init__()
        self.caught: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.caught.append(record.exc_info[1])


def catch_faults() -> _Faults:
    """Listen to what the engine logs."""
    faults = _Faults()
    logging.getLogger("engine").addHandler(faults)
    return faults


def findings_of(
    path: Path, index: int, technique: str | None, faults: _Faults
) -> Iterator[Finding]:
    """Open a path, and give each promise that this breaks; one of kind ``refused`` is no fault."""
    from engine.formats import FormatError, Only2DError, open_spectra, open_spectra_2d

    faults.caught.clear()
    plane = False
    try:
        spectra = open_spectra(path, technique)
        yield from _of_result(spectra, index)
    except FormatError as error:
        plane = isinstance(error, Only2DError)
        yield from _of_error(error, index)
        yield Finding(index, "refused", "", "")
    except Exception as error:
        yield Finding(index, "raised", _place(error), _shown(error))
    if plane or index % 5 == 0:
        try:
            yield from _of_result(open_spectra_2d(path), index)
        except FormatError as error:
            yield from _of_error(error, index)
        except Exception as error:
            yield Finding(index, "raised", "open_spectra_2d: " + _place(error), _shown(error))
    for error in faults.caught:
        yield Finding(index, "caught", _place(error), _shown(error))
    if path.is_file():
        yield from _of_run(path, index)


def _of_run(path: Path, index: int) -> Iterator[Finding]:
    """What is wrong with a run's chromatogram and with scans chosen from it."""
    from engine.formats import FormatError
    from engine.formats.run_chromatogram import is_run
    from engine.formats.run_file import RunFile

    if not is_run(path):
        return
    try:
        run = RunFile.open(path)
        times = run.chromatogram.retention_time_s
        for verb in (
            lambda: run.scan(index % 3),
            lambda: run.mean(float(times[0]), float(times[-1])),
            lambda: run.extracted_ion(100.0, 50.0),
        ):
            with contextlib.suppress(FormatError):
                verb()
    except FormatError:
        pass
    except Exception as error:
        yield Finding(index, "raised", "run: " + _place(error), _shown(error))


def _of_result(spectra: list, index: int) -> Iterator[Finding]:
    from engine.commands.outcome import to_json
    from engine.spectra import Spectrum, Spectrum2D

    if not spectra or not all(isinstance(spectrum, Spectrum | Spectrum2D) for spectrum in spectra):
        yield Finding(index, "result", "no spectra", repr(spectra)[:300])
        return
    for spectrum in spectra[:200]:
        try:
            to_json({"metadata": spectrum.metadata, "title": spectrum.title})
            str(spectrum.source).encode("utf-8", "surrogateescape")
            json.dumps([spectrum.title, *spectrum.warnings])
        except Exception as error:
            yield Finding(index, "result", "metadata: " + _place(error), _shown(error))
        if len(spectrum.warnings) > MOST_WARNINGS:
            yield Finding(index, "text", "warnings", f"{len(spectrum.warnings)} warnings")
        for warning in spectrum.warnings:
            if len(warning) > LONGEST_TEXT:
                yield Finding(index, "text", "warning " + warning[:24], warning[:300])


def _of_error(error: Exception, index: int) -> Iterator[Finding]:
    text = str(error)
    if "\n" in text or len(text) > LONGEST_TEXT:
        yield Finding(index, "text", "error " + error.expected[:24], text[:300])
    cause = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            yield Finding(index, "memory", _place(cause), _shown(cause))
            return
        cause = cause.__cause__
    if "more data than memory" in text:
        yield Finding(index, "memory", "in a folder", text[:300])


def _place(error: BaseException) -> str:
    """The error's type, and the deepest line of the program that it passed."""
    return f"{type(error).__name__} at {_own_line(traceback.extract_tb(error.__traceback__))}"


def _own_line(frames: traceback.StackSummary) -> str:
    """The deepest line in the engine, or the deepest at all."""
    own = [frame for frame in frames if f"{os.sep}engine{os.sep}" in frame.filename] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"


def _shown(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    return "".join(lines)[-3000:]


# Many files


class _Progress:
    """Counters that a worker shares with its parent: the place it has come to, and counts."""

    _FORM = struct.Struct("qqqqdqdq")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, self._FORM.size)
        self.set(-1, Counts())

    def set(self, index: int, counts: Counts) -> None:
        self._memory[:] = self._FORM.pack(index, *asdict(counts).values())

    def get(self) -> tuple[int, Counts]:
        index, *counts = self._FORM.unpack(self._memory[:])
        return index, Counts(*counts)


def serve(
    damage: Damage, number: int, first: int, last: int, progress: _Progress, folder: Path,
    out: Path, limits: Limits,
) -> None:  # fmt: skip
    """Open the cases from ``first`` up to ``last``; findings become lines of a file in ``out``."""
    trace = open(out / f"trace-{os.getpid()}.txt", "w", buffering=1)  # noqa: SIM115 - until the end
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    faulthandler.enable(trace)
    # The handler in C prints where the program is, then the signal ends the process.
    faulthandler.register(signal.SIGPROF, trace, chain=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(limits.memory)
    faults = catch_faults()
    heard: list[str] = []
    warnings.simplefilter("always")
    warnings.showwarning = lambda message, category, *_: heard.append(
        f"{category.__name__} at {_own_line(traceback.extract_stack())}: {message}"
    )
    counts = progress.get()[1]
    root = folder / str(os.getpid())
    with open(out / "findings.jsonl", "a", buffering=1) as lines:
        open_files = _open_files()
        for index in range(first, last):
            progress.set(index, counts)
            root.mkdir()
            case = damage.case(index)
            path = write_case(case, root, number, index)
            largest, refused = _largest_mb(), False
            begun = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, limits.seconds)
            found = list(findings_of(path, index, case.technique, faults))
            signal.setitimer(signal.ITIMER_PROF, 0)
            taken = time.process_time() - begun
            for one in found:
                if one.kind == "refused":
                    refused = True
                else:
                    _tell(lines, one, case)
            for text in dict.fromkeys(heard):
                _tell(lines, Finding(index, "text", text.partition(": ")[0], text[:300]), case)
            heard.clear()
            faults.caught.clear()
            counts.done += 1
            counts.refused += refused
            counts.opened += not refused
            if taken > counts.slowest_s:
                counts.slowest_s, counts.slowest = taken, index
            grown = _largest_mb() - largest
            if grown > counts.largest_mb:
                counts.largest_mb, counts.largest = grown, index
            shutil.rmtree(root)
            if index % 500 == 499:
                gc.collect()
                if _open_files() > open_files:
                    leak = Finding(index, "leak", "open files", f"more than before {index - 499}")
                    _tell(lines, leak, case)
                    open_files = _open_files()
    progress.set(last, counts)


def _limit_memory(more: int) -> None:
    """Let the process map ``more`` bytes beyond what it has mapped now."""
    try:
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        mapped = 1 << 30
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more, resource.RLIM_INFINITY))


def _largest_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


def _tell(lines, finding: Finding, case: Case) -> None:
    said = asdict(finding) | {"recipe": case.recipe}
    lines.write(json.dumps(said, ensure_ascii=True) + "\n")


@dataclass
class _Worker:
    first: int
    last: int
    progress: _Progress
    process: int = 0
    seen: int = -1
    since: float = 0.0


def run(
    damage: Damage, number: int, count: int, out: Path, folder: Path, limits: Limits,
    workers: int = 1, on_progress: Callable[[int], None] | None = None,
) -> tuple[list[Finding], Counts]:  # fmt: skip
    """Open the cases 0 to ``count`` in ``workers`` processes at a time; what they found.

    A worker that ends at a file is replaced by one that goes on behind it.
    """
    (out / "findings.jsonl").write_text("")
    chunk = min(_FILES_OF_A_WORKER, max(1, -(-count // workers)))
    waiting = [_Worker(a, min(count, a + chunk), _Progress()) for a in range(0, count, chunk)]
    waiting.reverse()
    running: list[_Worker] = []
    everyone = list(waiting)
    crashes: list[Finding] = []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                worker = waiting.pop()
                _start(worker, damage, number, folder, out, limits)
                running.append(worker)
            time.sleep(_POLL_SECONDS)
            for worker in list(running):
                ended = _ended(worker, limits)
                if ended is None:
                    continue
                running.remove(worker)
                index, counts = worker.progress.get()
                trace = out / f"trace-{worker.process}.txt"
                shutil.rmtree(folder / str(worker.process), ignore_errors=True)
                if ended != "done":
                    crashes.append(_crash(index, ended, trace, damage))
                    counts.done += 1
                    worker.progress.set(index, counts)
                    worker.first = index + 1
                    if worker.first < worker.last:
                        waiting.append(worker)
                trace.unlink(missing_ok=True)
            if on_progress is not None:
                on_progress(sum(worker.progress.get()[1].done for worker in everyone))
    finally:
        for worker in running:
            os.kill(worker.process, signal.SIGKILL)
            os.waitpid(worker.process, 0)
    with open(out / "findings.jsonl", "a") as lines:
        for crash in crashes:
            lines.write(json.dumps(asdict(crash)) + "\n")
    return _read(out), _sum([worker.progress.get()[1] for worker in everyone])


def _start(
    worker: _Worker, damage: Damage, number: int, folder: Path, out: Path, limits: Limits
) -> None:
    worker.seen, worker.since = -1, time.monotonic()
    process = os.fork()
    if process:
        worker.process = process
        return
    code = 3
    try:
        serve(damage, number, worker.first, worker.last, worker.progress, folder, out, limits)
        code = 0
    except BaseException:
        with open(out / f"trace-{os.getpid()}.txt", "a") as trace:
            traceback.print_exc(file=trace)
    finally:
        os._exit(code)


def _ended(worker: _Worker, limits: Limits) -> str | None:
    """None while a worker works, ``done``, or how it ended."""
    process, status = os.waitpid(worker.process, os.WNOHANG)
    if process:
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            return "hang" if number == signal.SIGPROF else signal.Signals(number).name
        return "done" if os.WEXITSTATUS(status) == 0 else f"exit {os.WEXITSTATUS(status)}"
    index = worker.progress.get()[0]
    if index != worker.seen:
        worker.seen, worker.since = index, time.monotonic()
    elif time.monotonic() - worker.since > _WAITED_FOR * limits.seconds:
        os.kill(worker.process, signal.SIGKILL)
        os.waitpid(worker.process, 0)
        return "hang"
    return None


def _crash(index: int, ended: str, trace: Path, damage: Damage) -> Finding:
    text = trace.read_text(errors="replace") if trace.exists() else ""
    own = [line.strip() for line in text.splitlines() if "/engine/" in line]
    place = own[0] if own else (text.splitlines() or ["nowhere"])[-1]
    kind = "hang" if ended == "hang" else "crash"
    recipe = tuple(damage.case(index).recipe) if index >= 0 else ()
    return Finding(index, kind, f"{ended}: {place}"[:200], text[:3000], recipe)


def _read(out: Path) -> list[Finding]:
    found = []
    for line in (out / "findings.jsonl").read_text().splitlines():
        said = json.loads(line)
        found.append(Finding(**(said | {"recipe": tuple(said["recipe"])})))
    return sorted(found, key=lambda finding: finding.index)


def _sum(parts: list[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        total.done += part.done
        total.opened += part.opened
        total.refused += part.refused
        if part.slowest_s > total.slowest_s:
            total.slowest_s, total.slowest = part.slowest_s, part.slowest
        if part.largest_mb > total.largest_mb:
            total.largest_mb, total.largest = part.largest_mb, part.largest
    return total
