"""Runs (mzML, mzXML, mzData, ANDI) as chromatograms, and single scans or means picked from them.

``open_spectra`` gives the first scans of a run; these functions show all of it without holding it:
the chromatogram of every scan, then the one scan, or the mean over the one peak, that is wanted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import andi, mzdata, mzml, xml_run
from engine.formats.errors import FormatError
from engine.formats.mass_record import summary
from engine.formats.scan_mean import ScanMean
from engine.formats.stored_chromatogram import (
    ChromatogramCollector,
    StoredChromatogram,
    kinds_said,
)
from engine.formats.xml_run import Run, ScanHandler, ScanHeader
from engine.spectra import Spectrum

_XML_FORMATS = (mzml, mzdata)
_HEAD = 4096
_TELL_EVERY = 100
_HIGHEST_LEVEL = 100
FEW_SCANS = 20
"""A file with no more scans is taken for spectra, not for a chromatogram."""

_EXPECTED = "a run: mzML, mzXML, mzData or ANDI"


@dataclass(frozen=True, eq=False)
class RunChromatogram:
    """A run's intensity against time; every array has one entry a scan, in the file's order.

    ``retention_time_s`` (NaN where the file does not say), ``total_ion_current`` and
    ``base_peak_intensity`` (as the file gives them, else from the scan's points; NaN for a scan
    that cannot be read) are float64 of shape ``(n,)``. ``ms_level`` is 1 for full scans, n for
    MSn, 0 for scans of another detector. ``scan_ids`` are the file's own names of the scans; the
    place of a scan in these arrays is what ``read_scan`` takes. ``precursor_mz`` (NaN where there
    is none) is that of MSn scans.

    A file that holds a trace and no scans has ``scan_ids`` of length 0: its ordinates are in
    ``total_ion_current``, its base peaks are NaN, and ``detector`` names it. ``stored`` are the
    chromatograms that an mzML file holds ready-made (SRM transitions, UV, totals), whether it has
    scans or not; of a file that has those alone the first gives the arrays.
    """

    path: str
    retention_time_s: np.ndarray
    total_ion_current: np.ndarray
    base_peak_intensity: np.ndarray
    ms_level: np.ndarray
    scan_ids: tuple[str, ...]
    precursor_mz: np.ndarray
    detector: str = ""
    warnings: tuple[str, ...] = ()
    stored: tuple[StoredChromatogram, ...] = ()

    def __len__(self) -> int:
        return len(self.retention_time_s)

    def nearest_scan(self, seconds: float, ms_level: int = 1) -> int | None:
        """The place of the scan of a level whose retention time is nearest; None for none."""
        distance = np.where(
            self.ms_level == ms_level, np.abs(self.retention_time_s - seconds), np.nan
        )
        if not self.scan_ids or np.isnan(distance).all():
            return None
        return int(np.nanargmin(distance))


def is_run(path: str | os.PathLike[str]) -> bool:
    """Whether the first bytes of a file are those of a run; False for what cannot be opened."""
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except (OSError, ValueError):
        return False
    return any(module.sniff(path, head) > 0 for module in (*_XML_FORMATS, andi))


def follows_time(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a run along a separation, and no collection of a few spectra.

    That is more than ``FEW_SCANS`` scans of which most were taken at times of their own, or the
    trace of a detector without scans, or chromatograms alone. Looks at the first scans only;
    False for what is no run.
    """
    path = Path(path)
    if not is_run(path):
        return False
    try:
        handlers = xml_handlers(path)
        if handlers is None:
            if andi.chromatogram(path) is not None:
                return True
            with andi.opened(path) as run:
                return _are_times_of_a_run(run.seconds[: FEW_SCANS + 1].tolist())
        run = Run(path)
        headers = xml_run.scans(path, run, _headers_only(*handlers))
        times = [row.seconds for row in islice(headers, FEW_SCANS + 1)]
        return _are_times_of_a_run(times) or (not run.seen and run.chromatograms > 0)
    except (FormatError, OSError):
        return False


def _are_times_of_a_run(seconds: list[float | None]) -> bool:
    known = [s for s in seconds if s is not None and np.isfinite(s)]
    return len(seconds) > FEW_SCANS and 2 * len(set(known)) > len(seconds)


def read_chromatogram(
    path: str | os.PathLike[str],
    is_cancelled: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> RunChromatogram:
    """The chromatogram of a whole run, read scan by scan.

    ``is_cancelled`` is asked between scans; the chromatogram then ends there and says so.
    ``on_progress(scans, declared)`` is told now and then how many of how many scans were read. A
    file that ends too soon gives its scans up to there, with a warning. Raises ``FormatError``.
    """
    path = Path(path)
    cancelled = is_cancelled or (lambda: False)
    handlers = xml_handlers(path)
    if handlers is None:
        return _andi_chromatogram(path)
    run = Run(path)
    rows: list[ScanHeader] = []
    warnings: list[str] = []
    stored = ChromatogramCollector.new()
    wanted = {**_headers_only(*handlers)}
    if "chromatogram" in wanted:
        wanted["chromatogram"] = stored
    try:
        for row in xml_run.scans(path, run, wanted):
            rows.append(row)
            if on_progress is not None and len(rows) % _TELL_EVERY == 0:
                on_progress(len(rows), run.declared)
            if cancelled():
                warnings.append(f"reading was stopped after {len(rows)} scans")
                break
    except FormatError as error:
        if not rows and not stored.found:
            raise
        run.broken.append(error.found)
    except OSError as error:
        raise FormatError(path, "a readable file", error.strerror or str(error)) from error
    run.broken += stored.broken
    if not rows and stored.found:
        return _of_stored(path, stored.found, run.broken)
    if not rows:
        run.result()  # raises the error that says what the run holds instead
    if run.broken:
        warnings.append(summary(run.broken))
    ids, seconds, levels, totals, highest, precursors = zip(*rows, strict=True)
    return RunChromatogram(
        str(path), np.array(seconds, dtype=np.float64), np.array(totals, dtype=np.float64),
        np.array(highest, dtype=np.float64),
        np.array([min(level, _HIGHEST_LEVEL) for level in levels], dtype=np.int64), ids,
        np.array(precursors, dtype=np.float64), "", tuple(warnings), tuple(stored.found),
    )  # fmt: skip


def _of_stored(path: Path, stored: list[StoredChromatogram], broken: list[str]) -> RunChromatogram:
    """The chromatogram of a file without scans: the total of its ions, else its first one."""
    stored = sorted(stored, key=lambda one: one.kind != "total ions")
    first = stored[0]
    unknown = np.full(len(first), np.nan)
    return RunChromatogram(
        str(path), first.retention_time_s, first.intensity, unknown,
        np.zeros(len(first), dtype=np.int64), (), unknown, kinds_said(stored),
        (summary(broken),) if broken else (), tuple(stored),
    )  # fmt: skip


def read_scan(path: str | os.PathLike[str], place: int) -> Spectrum:
    """The scan at a place in a run (from 0, as in its chromatogram).

    Raises ``FormatError`` when the file has no such scan or it cannot be read.
    """
    path = Path(path)
    handlers = xml_handlers(path)
    if handlers is None:
        with andi.opened(path) as run:
            if not 0 <= place < len(run):
                raise FormatError(path, f"a scan {place + 1}", f"{len(run)} scans")
            try:
                return run.spectrum(place)
            except ValueError as error:
                raise FormatError(path, f"peaks in scan {place + 1}", str(error)) from error
    found = Run(path)
    spectra = _wanted_scans(path, found, *handlers, lambda _, at: at == place)
    spectrum = next(spectra, None)
    if spectrum is not None:
        return spectrum
    if found.seen <= place or place < 0:
        raise FormatError(path, f"a scan {place + 1}", f"{found.seen} scans")
    what = summary(found.broken) or "a scan without peaks"
    raise FormatError(path, f"peaks in scan {place + 1}", what)


def read_mean_scan(
    path: str | os.PathLike[str],
    first_s: float,
    last_s: float,
    ms_level: int = 1,
    is_cancelled: Callable[[], bool] | None = None,
) -> Spectrum:
    """The mean of the scans of a level with retention times from ``first_s`` to ``last_s`` (s).

    Scans of another polarity, precursor, collision energy or mode than the first are left out,
    which a warning says; so does one for scans that cannot be read. A cancelled mean is that of
    the scans until then. Raises ``FormatError`` when no scan lies there.
    """
    path = Path(path)
    run = Run(path)
    scans = _scans_between(path, run, first_s, last_s, ms_level)
    expected = f"scans of MS level {ms_level} from {first_s:g} to {last_s:g} s"
    return mean_of(scans, run, expected, is_cancelled)


def mean_of(
    scans: Iterable[Spectrum],
    run: Run,
    expected: str,
    is_cancelled: Callable[[], bool] | None = None,
) -> Spectrum:
    """The mean of scans as they come; what ``run`` notes as broken meanwhile becomes a warning.

    Raises ``FormatError`` with ``expected`` when there is none.
    """
    cancelled = is_cancelled or (lambda: False)
    mean, stopped = ScanMean(), False
    for scan in scans:
        mean.add(scan)
        if cancelled():
            stopped = True
            break
    if not mean.count:
        raise FormatError(run.path, expected, summary(run.broken) or "none with peaks")
    warnings = []
    if stopped:
        warnings.append(f"only the first {mean.count} scans of the range are in the mean")
    if run.broken:
        warnings.append(summary(run.broken))
    return mean.spectrum().with_warnings(*warnings)


def xml_handlers(
    path: Path,
) -> tuple[dict[str, ScanHandler], dict[str, Callable[..., ScanHeader | None]]] | None:
    """The handlers of a run's XML elements and of its scans' headers; None for ANDI.

    Raises ``FormatError`` for other files.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise FormatError(path, "a readable file", error.strerror or str(error)) from error
    for module in _XML_FORMATS:
        if module.sniff(path, head) > 0:
            return module.HANDLERS, module.HEADERS
    if andi.sniff(path, head) > 0:
        return None
    raise FormatError(path, _EXPECTED, "another format" if head else "an empty file")


def is_xml(path: Path) -> bool:
    """Whether a run is in XML; raises ``FormatError`` for what is no run."""
    return xml_handlers(path) is not None


def scans_of_level(path: Path, ms_level: int) -> Iterator[tuple[int, Spectrum]]:
    """The place and the spectrum of each scan of a level that can be read, of a run in XML."""
    places: list[int] = []

    def wants(header: ScanHeader, at: int) -> bool:
        places.append(at)
        return header.level == ms_level

    for spectrum in _wanted_scans(path, Run(path), *xml_handlers(path), wants):
        yield places[-1], spectrum


def _headers_only(
    handlers: dict[str, ScanHandler], headers: dict[str, Callable[..., ScanHeader | None]]
) -> dict[str, ScanHandler]:
    """Handlers that give a scan's header and unpack its points only for sums that it lacks."""

    def bound(name: str) -> ScanHandler:
        read, read_header = handlers[name], headers[name]

        def row(element: Any, run: Run) -> ScanHeader | None:
            try:
                header = read_header(element, run)
            except ValueError as error:
                header = ScanHeader(str(run.seen), None, 0, np.nan, np.nan)
                _note_broken(run, error)
            if header is None:
                return read(element, run)
            if None not in (header.total, header.base_peak):
                return header
            try:
                spectrum = read(element, run)
            except xml_run.SwellError:
                raise
            except ValueError as error:
                _note_broken(run, error)
                total = highest = np.nan
            else:
                y = np.zeros(1) if spectrum is None else np.nan_to_num(spectrum.y)
                total, highest = float(y.sum()), float(y.max())
            run.points = 0  # points are not held: no run has too many
            return header._replace(
                total=total if header.total is None else header.total,
                base_peak=highest if header.base_peak is None else header.base_peak,
            )

        return row

    return {**handlers, **{name: bound(name) for name in headers}}


def _note_broken(run: Run, error: ValueError) -> None:
    if len(run.broken) < 1000:
        run.broken.append(f"scan {run.seen} cannot be read: {error}")


def _wanted_scans(
    path: Path,
    run: Run,
    handlers: dict[str, ScanHandler],
    headers: dict[str, Callable[..., ScanHeader | None]],
    wants: Callable[[ScanHeader, int], bool],
) -> Iterator[Spectrum]:
    """The spectra of the scans whose header, and place in the file, are wanted."""

    def bound(name: str) -> ScanHandler:
        read, read_header = handlers[name], headers[name]

        def spectrum(element: Any, run: Run) -> Spectrum | None:
            header = read_header(element, run)
            found = None
            if header is None or wants(header, run.seen - 1):
                found = read(element, run)
                run.points = 0  # scans are not held: no run has too many points
            return found

        return spectrum

    wanted = {**handlers, **{name: bound(name) for name in headers}}
    try:
        yield from xml_run.scans(path, run, wanted)
    except FormatError as error:
        run.broken.append(error.found)
    except OSError as error:
        raise FormatError(path, "a readable file", error.strerror or str(error)) from error


def _scans_between(
    path: Path, run: Run, first_s: float, last_s: float, ms_level: int
) -> Iterator[Spectrum]:
    handlers = xml_handlers(path)
    if handlers is not None:

        def wants(header: ScanHeader, _: int) -> bool:
            when = header.seconds
            return header.level == ms_level and when is not None and first_s <= when <= last_s

        yield from _wanted_scans(path, run, *handlers, wants)
        return
    with andi.opened(path) as opened:
        inside = (opened.seconds >= first_s) & (opened.seconds <= last_s) & (opened.count > 0)
        for place in np.flatnonzero(inside) if ms_level == 1 else ():
            try:
                scan = opened.spectrum(place)
            except ValueError as error:
                run.broken.append(f"scan {place + 1} was left out: {error}")
                continue
            yield scan


def _andi_chromatogram(path: Path) -> RunChromatogram:
    trace = andi.chromatogram(path)
    if trace is not None:
        seconds, y, detector = trace
        unknown = np.full(len(y), np.nan)
        level = np.zeros(len(y), dtype=np.int64)
        return RunChromatogram(str(path), seconds, y, unknown, level, (), unknown, detector)
    with andi.opened(path) as run:
        total, highest = run.intensities()
        warnings = list(run.run.broken)
        unread = int(((~run.whole) & (run.count != 0)).sum())
        if unread:
            warnings.append(f"{unread} scans cannot be read: they lie outside of the file")
        return RunChromatogram(
            str(path), run.seconds, total, highest, np.ones(len(run), dtype=np.int64),
            tuple(run.ids), np.full(len(run), np.nan), "", tuple(warnings),
        )  # fmt: skip
