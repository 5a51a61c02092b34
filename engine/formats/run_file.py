"""A run that is looked at for a while: its chromatogram, and any scan of it without delay.

A run in XML has to be read from its beginning to reach a scan. Here the places of the scans in the
file are looked up once, so that a scan near the end of gigabytes is there at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import andi, xml_run
from engine.formats import run_chromatogram as runs
from engine.formats.errors import FormatError
from engine.formats.mass_record import summary
from engine.formats.packed_file import on_disk
from engine.formats.run_chromatogram import RunChromatogram, read_chromatogram, read_scan
from engine.formats.scan_mean import without_background
from engine.formats.xml_run import Run
from engine.spectra import Spectrum

_MZXML = re.compile(rb"<mzXML[\s>]")
_SCAN_TAGS = {True: re.compile(rb"<scan[\s>]"), False: re.compile(rb"<spectrum[\s>]")}
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*\?>")
_OVERLAP = 16  # bytes of a tag that may lie on both sides of a chunk's end
_HEAD = 4096


@dataclass(frozen=True)
class ScanChoice:
    """What is wanted of a run: the scan at a ``place`` in its chromatogram, or a mean of scans.

    ``times`` are the first and the last of a mean in s, ``background`` those of the scans whose
    mean is to be taken from it; ``ms_level`` is that of all of them.
    """

    place: int | None = None
    times: tuple[float, float] | None = None
    background: tuple[float, float] | None = None
    ms_level: int = 1

    @property
    def said(self) -> dict[str, Any]:
        """The fields that are not what they are by default."""
        default = ScanChoice()
        return {k: v for k, v in asdict(self).items() if v != getattr(default, k)}


def read_choice(
    path: str | os.PathLike[str],
    choice: ScanChoice,
    is_cancelled: Callable[[], bool] | None = None,
) -> Spectrum:
    """What is wanted of a run in a file, or in a zip archive; see ``RunFile.chosen``."""
    there = on_disk(path)
    with _errors_about(path):
        found = _chosen(
            choice, partial(read_scan, there), partial(runs.read_mean_scan, there), path,
            is_cancelled,
        )  # fmt: skip
    return _from(path, found)


def _from(path: str | os.PathLike[str], spectrum: Spectrum) -> Spectrum:
    """The spectrum with a path as its source, whatever copy it was read from."""
    return replace(spectrum, source=replace(spectrum.source, path=str(path)))


@contextmanager
def _errors_about(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors name this path, not the unpacked copy that was read."""
    try:
        yield
    except FormatError as error:
        raise type(error)(path, error.expected, error.found) from error


def _chosen(
    choice: ScanChoice,
    scan: Callable[[int], Spectrum],
    mean: Callable[..., Spectrum],
    path: str | os.PathLike[str],
    is_cancelled: Callable[[], bool] | None,
) -> Spectrum:
    if choice.times is None:
        return scan(choice.place if choice.place is not None else -1)
    found = mean(*choice.times, choice.ms_level, is_cancelled)
    if choice.background is None:
        return found
    behind = mean(*choice.background, choice.ms_level, is_cancelled)
    try:
        return without_background(found, behind)
    except ValueError as error:
        raise FormatError(path, "scans above their background", str(error)) from error


@dataclass(eq=False)
class RunFile:
    """An open run. ``offsets`` are the scans' places in an XML file in bytes, int64 of shape
    ``(scans,)``; None where they could not be told for sure, and scans are then read from the
    beginning of the file on.

    Its methods may be called from several threads at once.
    """

    path: Path
    chromatogram: RunChromatogram
    offsets: np.ndarray | None
    _state: tuple[int, int]
    _preamble: Run
    _declaration: bytes = b""
    named: Path = Path()  # as it was asked for: inside an archive when ``path`` is a copy

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        is_cancelled: Callable[[], bool] | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> RunFile:
        """Read a run's chromatogram; the arguments are those of ``read_chromatogram``.

        A path may go on inside a zip archive. Raises ``FormatError``.
        """
        named, path = Path(path), on_disk(path)
        with _errors_about(named):
            state = _state_of(path)
            chromatogram = read_chromatogram(path, is_cancelled, on_progress)
            made = cls(path, chromatogram, None, state, Run(path), named=named)
            if runs.is_xml(path) and chromatogram.scan_ids:
                made._find_scans(is_cancelled or (lambda: False))
        return made

    def chosen(
        self, choice: ScanChoice, is_cancelled: Callable[[], bool] | None = None
    ) -> Spectrum:
        """The scan, or the mean of scans, that is wanted; raises ``FormatError``."""
        with _errors_about(self.named):
            found = _chosen(choice, self.scan, self.mean, self.named, is_cancelled)
        return _from(self.named, found)

    def scan(self, place: int) -> Spectrum:
        """The scan at a place in the chromatogram.

        Raises ``FormatError`` when there is none, it cannot be read or the file has changed.
        """
        self._check_state()
        if self.offsets is None or not 0 <= place < len(self.offsets):
            return read_scan(self.path, place)
        run = self._run()
        found = self._scan(place, run)
        if found is None:
            what = summary(run.broken) or "a scan without peaks"
            raise FormatError(self.path, f"peaks in scan {place + 1}", what)
        return found

    def mean(
        self,
        first_s: float,
        last_s: float,
        ms_level: int = 1,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Spectrum:
        """The mean of the scans of a level between two times; see ``read_mean_scan``."""
        self._check_state()
        if self.offsets is None:
            return runs.read_mean_scan(self.path, first_s, last_s, ms_level, is_cancelled)
        seconds = self.chromatogram.retention_time_s
        inside = (seconds >= first_s) & (seconds <= last_s)
        run = self._run()
        scans = (self._scan(place, run) for place in self._places(ms_level) if inside[place])
        expected = f"scans of MS level {ms_level} from {first_s:g} to {last_s:g} s"
        return runs.mean_of((s for s in scans if s is not None), run, expected, is_cancelled)

    def extracted_ion(
        self,
        mz: float,
        tolerance: float,
        ms_level: int = 1,
        is_cancelled: Callable[[], bool] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> np.ndarray:
        """The summed intensity within ``tolerance`` (m/z) of an ion in each scan of a level.

        Shape ``(scans,)``; NaN for scans of other levels, for those that cannot be read and, when
        it is cancelled, for the rest. ``on_progress`` gets the share that is done. Raises
        ``FormatError`` when the file has changed or holds no scans.
        """
        self._check_state()
        low, high = mz - tolerance, mz + tolerance
        n = len(self.chromatogram.scan_ids)
        if not n:
            raise FormatError(self.path, "scans to extract an ion from", "a trace without scans")
        if not runs.is_xml(self.path):
            with andi.opened(self.path) as opened:
                current = opened.ion_current(low, high)
            return current if ms_level == 1 else np.full(n, np.nan)
        current = np.full(n, np.nan)
        for place, scan in self._scans_of(ms_level):
            if place < n:
                inside = (scan.x >= low) & (scan.x <= high)
                current[place] = float(np.nansum(scan.y[inside]))
            if is_cancelled is not None and is_cancelled():
                break
            if on_progress is not None and place % 50 == 0:
                on_progress(place / n)
        return current

    # how

    def _places(self, ms_level: int) -> list[int]:
        return np.flatnonzero(self.chromatogram.ms_level == ms_level).tolist()

    def _scans_of(self, ms_level: int) -> Iterator[tuple[int, Spectrum]]:
        if self.offsets is None:
            yield from runs.scans_of_level(self.path, ms_level)
            return
        run = self._run()
        for place in self._places(ms_level):
            scan = self._scan(place, run)
            if scan is not None:
                yield place, scan

    def _scan(self, place: int, run: Run) -> Spectrum | None:
        """The scan at a place; None, with the reason noted in ``run``, when it has no peaks."""
        handlers, _ = runs.xml_handlers(self.path)
        start = int(self.offsets[place])
        last = place + 1 == len(self.offsets)
        stop = None if last else int(self.offsets[place + 1])
        run.seen = place
        # A root of its own lets the scan alone be a document that has not ended yet.
        chunks = chain([self._declaration + b"<run>"], _part(self.path, start, stop))
        try:
            found = next(xml_run.scans(self.path, run, handlers, chunks), None)
        except FormatError as error:
            # Its own text ends before the root does; what is noted tells whether that matters.
            if run.seen == place:
                run.broken.append(error.found)
            found = None
        except OSError as error:
            raise FormatError(self.path, "a readable file", error.strerror or str(error)) from error
        run.points = 0
        return found

    def _run(self) -> Run:
        """A new run that knows what stands before the first scan."""
        known = self._preamble
        return Run(
            self.path, groups=known.groups, instrument=known.instrument,
            ion_source=known.ion_source, centroided=known.centroided,
        )  # fmt: skip

    def _find_scans(self, cancelled: Callable[[], bool]) -> None:
        with open(self.path, "rb") as file:
            head = file.read(_HEAD)
        if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
            return  # UTF-16: tags are not these bytes
        offsets = _offsets(self.path, _SCAN_TAGS[bool(_MZXML.search(head))], cancelled)
        n = len(self.chromatogram.scan_ids)
        # A scan without its points is counted on one side only: nothing is where it seems then.
        if len(offsets) != n:
            return
        declared = _DECLARATION.match(head)
        self._declaration = declared.group() if declared else b""
        handlers, _ = runs.xml_handlers(self.path)
        try:
            chunks = _part(self.path, 0, int(offsets[0]))
            next(xml_run.scans(self.path, self._preamble, handlers, chunks), None)
        except FormatError:
            pass  # it ends in the middle, as it has to
        self.offsets = offsets
        for place in {0, n // 2, n - 1}:
            run = self._run()
            found = self._scan(place, run)
            if found is not None and found.source.block != self.chromatogram.scan_ids[place]:
                self.offsets = None
                return

    def _check_state(self) -> None:
        if _state_of(self.path) != self._state:
            raise FormatError(
                self.path, "the run as it was opened", "another content (open the file again)"
            )


def _state_of(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise FormatError(path, "a readable file", error.strerror or str(error)) from error
    return found.st_size, found.st_mtime_ns


def _part(path: Path, start: int, stop: int | None) -> Iterator[bytes]:
    """The bytes of a part of a file, in chunks."""
    with open(path, "rb") as file:
        file.seek(start)
        left = None if stop is None else stop - start
        while left is None or left > 0:
            chunk = file.read(xml_run.CHUNK if left is None else min(xml_run.CHUNK, left))
            if not chunk:
                return
            left = None if left is None else left - len(chunk)
            yield chunk


def _offsets(path: Path, tag: re.Pattern[bytes], cancelled: Callable[[], bool]) -> np.ndarray:
    """Where a start tag stands in a file; int64 of shape ``(n,)``."""
    found: list[int] = []
    before, at = b"", 0
    with open(path, "rb") as file:
        while (chunk := file.read(xml_run.CHUNK)) and not cancelled():
            text = before + chunk
            # What lies in the overlap alone was found with the chunk before.
            found += [at + m.start() for m in tag.finditer(text) if m.end() > len(before)]
            at += len(text) - min(_OVERLAP, len(text))
            before = text[-_OVERLAP:]
    return np.array(found, dtype=np.int64)
