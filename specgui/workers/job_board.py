"""The running and waiting jobs: lanes, cancelling, progress, and results back on the GUI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal
from superqt.utils import create_worker

_LEAST_THREADS = 4
_SHUTDOWN_S = 20.0


class Ticket(QObject):
    """What a verb gets to report progress and to learn that it is no longer wanted.

    It lives on the GUI thread; a verb may call ``report`` and read ``cancelled`` from any thread.
    """

    reported = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def is_cancelled(self) -> bool:
        """The same as ``cancelled``, as the callback that the engine takes."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        self._cancelled.set()

    def report(self, fraction: float | None, text: str = "") -> None:
        """Progress from 0 to 1 (None: unknown) and what is being done now."""
        if not self._cancelled.is_set():
            self.reported.emit(fraction, text)


@dataclass
class _Outcome:
    value: Any = None
    error: Exception | None = None


Verb = Callable[[Ticket], Generator[Any, None, Any]]


@dataclass(frozen=True)
class Request:
    """A job to be done.

    Requests with the same ``key`` replace each other; those of one ``lane`` run one at a time.
    ``verb`` is a generator function: it runs on a worker thread, what it yields goes to
    ``on_partial``, what it returns to ``on_done``; these, ``on_error`` and ``on_cancelled`` are
    called on the GUI thread. ``quiet`` jobs are too short to be shown in the status bar.
    """

    key: tuple
    title: str
    verb: Verb
    lane: str
    on_done: Callable[[Any], None] | None = None
    on_error: Callable[[Exception], None] | None = None
    on_partial: Callable[[Any], None] | None = None
    on_cancelled: Callable[[], None] | None = None
    quiet: bool = False


def _guarded(verb: Verb, ticket: Ticket) -> Generator[Any, None, _Outcome]:
    """Run a verb and return its error as a value.

    superqt swallows a RuntimeError of a generator (and then never says "finished"), and torch
    raises little else.
    """
    if ticket.cancelled:
        return _Outcome()
    try:
        value = yield from verb(ticket)
    except Exception as error:
        return _Outcome(error=error)
    return _Outcome(value)


class Job(QObject):
    """One request on its way: waiting, running, or ended."""

    changed = Signal()
    ended = Signal(object)

    def __init__(self, request: Request, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.request = request
        self.fraction: float | None = None
        self.text = ""
        self.running = False
        self._ticket = Ticket(self)
        self._ticket.reported.connect(self._on_reported, Qt.ConnectionType.QueuedConnection)
        self._worker = None

    @property
    def cancelled(self) -> bool:
        return self._ticket.cancelled

    def start(self) -> None:
        self.running = True
        self._worker = create_worker(_guarded, self.request.verb, self._ticket, _start_thread=False)
        queued = Qt.ConnectionType.QueuedConnection
        self._worker.yielded.connect(self._on_yielded, queued)
        self._worker.returned.connect(self._on_returned, queued)
        self._worker.finished.connect(self._on_finished, queued)
        QThreadPool.globalInstance().start(self._worker)

    def cancel(self) -> None:
        if self._ticket.cancelled:
            return
        self._ticket.cancel()
        if self._worker is not None:
            self._worker.quit()
        if self.request.on_cancelled is not None:
            self.request.on_cancelled()

    def _on_reported(self, fraction: float | None, text: str) -> None:
        self.fraction, self.text = fraction, text
        self.changed.emit()

    def _on_yielded(self, value: Any) -> None:
        if value is not None and not self.cancelled and self.request.on_partial is not None:
            self.request.on_partial(value)

    def _on_returned(self, outcome: _Outcome) -> None:
        if self.cancelled:
            return
        if outcome.error is not None:
            if self.request.on_error is None:
                raise outcome.error
            self.request.on_error(outcome.error)
        elif self.request.on_done is not None:
            self.request.on_done(outcome.value)

    def _on_finished(self) -> None:
        self.running = False
        self.ended.emit(self)


@dataclass
class _Lane:
    running: Job | None = None
    waiting: list[Job] = field(default_factory=list)


class JobBoard(QObject):
    """Starts jobs, one at a time in each lane; a later request cancels the earlier of its key."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes: dict[str, _Lane] = {}
        self._by_key: dict[tuple, Job] = {}
        self._closed = False
        pool = QThreadPool.globalInstance()
        pool.setMaxThreadCount(max(pool.maxThreadCount(), _LEAST_THREADS))

    @property
    def jobs(self) -> list[Job]:
        """Running jobs first, then the waiting ones; cancelled ones are no longer listed."""
        running = [lane.running for lane in self._lanes.values() if lane.running]
        waiting = [job for lane in self._lanes.values() for job in lane.waiting]
        return [job for job in (*running, *waiting) if not job.cancelled]

    def jobs_of(self, lane: str) -> list[Job]:
        """The same of one lane alone, however many wait in others."""
        found = self._lanes.get(lane)
        if found is None:
            return []
        running = [found.running] if found.running else []
        return [job for job in (*running, *found.waiting) if not job.cancelled]

    @property
    def visible_jobs(self) -> list[Job]:
        return [job for job in self.jobs if not job.request.quiet]

    def is_idle(self) -> bool:
        """Whether no worker runs, cancelled ones included."""
        return all(lane.running is None and not lane.waiting for lane in self._lanes.values())

    def submit(self, request: Request, first: bool = False) -> None:
        """Queue a job; ``first`` puts it before the others that wait in its lane."""
        if self._closed:
            return
        self.cancel(request.key)
        lane = self._lanes.setdefault(request.lane, _Lane())
        job = Job(request, self)
        job.changed.connect(self.changed)
        job.ended.connect(self._on_ended)
        self._by_key[request.key] = job
        lane.waiting.insert(0 if first else len(lane.waiting), job)
        self._advance(lane)

    def prefer(self, key: tuple) -> None:
        """Let a waiting job be the next of its lane."""
        for lane in self._lanes.values():
            lane.waiting.sort(key=lambda job: job.request.key != key)

    def has(self, key: tuple) -> bool:
        return key in self._by_key

    def cancel(self, key: tuple) -> None:
        if key in self._by_key:
            self._cancel([self._by_key[key]])

    def cancel_all(self, visible_only: bool = False) -> None:
        self._cancel(self.visible_jobs if visible_only else self.jobs)

    def shut_down(self) -> bool:
        """Cancel everything and wait for the threads; False when one would not end in time."""
        self._closed = True
        self.cancel_all()
        pool, last = QThreadPool.globalInstance(), monotonic() + _SHUTDOWN_S
        # Asleep, not in waitForDone: that keeps the interpreter, which a worker needs to end.
        while pool.activeThreadCount() > 0 and monotonic() < last:
            sleep(0.01)
        return pool.waitForDone(0)

    def _cancel(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._by_key.pop(job.request.key, None)
            job.cancel()
        for name in {job.request.lane for job in jobs}:
            lane = self._lanes[name]
            for job in [job for job in lane.waiting if job.cancelled]:
                job.deleteLater()
            lane.waiting = [job for job in lane.waiting if not job.cancelled]
        if jobs:
            self.changed.emit()

    def _advance(self, lane: _Lane) -> None:
        if lane.running is None and lane.waiting and not self._closed:
            lane.running = lane.waiting.pop(0)
            lane.running.start()
        self.changed.emit()

    def _on_ended(self, job: Job) -> None:
        lane = self._lanes[job.request.lane]
        if self._by_key.get(job.request.key) is job:
            del self._by_key[job.request.key]
        if lane.running is job:
            lane.running = None
        job.deleteLater()
        self._advance(lane)
