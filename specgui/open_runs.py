"""The runs (LC-MS, GC-MS) that are looked at: their files, and what is shown of each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from specgui.document import Document, Problem, Problems, SampleEntry
from specgui.workers.job_board import JobBoard, Request
from specgui.workers.runs import extracting, opening_run, picking_scan, scanning

if TYPE_CHECKING:
    import numpy as np

    from engine.formats.run_file import RunFile, ScanChoice
    from engine.library.project import RunEntry
    from engine.spectra import Spectrum
    from specgui.workers.presenting import Presentation

TOTAL, BASE_PEAK, ION, STORED = "total ions", "base peak", "ion", "stored"
_ADVICE = "Is the file where it was, and complete? Open it again."
_SCAN_ADVICE = "Choose another scan."


@dataclass(frozen=True, eq=False)
class ShownScan:
    """A scan, or a mean of scans, as it was chosen, read and made ready to be drawn."""

    choice: ScanChoice
    spectrum: Spectrum
    presentation: Presentation


@dataclass(frozen=True)
class Trace:
    """Which intensity a chromatogram shows: ``mz`` and ``tolerance`` (m/z) of an extracted ion,
    ``place`` of one that the file holds ready-made."""

    kind: str = TOTAL
    mz: float | None = None
    tolerance: float | None = None
    place: int | None = None


@dataclass(eq=False)
class _OpenRun:
    file: RunFile | None = None
    failure: str = ""
    wanted: ScanChoice | None = None
    scan: ShownScan | None = None
    trace: Trace = Trace()
    ions: tuple[Trace, np.ndarray] | None = None


class OpenRuns(QObject):
    """Opens the runs of the document when they are looked at, and reads scans of them.

    Every signal carries the id of the run that it is about.
    """

    opened = Signal(int)  # its chromatogram is there, or the reason why there is none
    trace_changed = Signal(int)
    scan_wanted = Signal(int)  # another scan is chosen; ``scan_read`` follows
    scan_read = Signal(int)

    def __init__(
        self, document: Document, problems: Problems, jobs: JobBoard, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._problems = problems
        self._jobs = jobs
        self._open: dict[int, _OpenRun] = {}
        self._chosen: dict[int, int] = {}
        document.changed.connect(self._forget_removed)

    # which

    def chosen(self, sample: SampleEntry | None) -> RunEntry | None:
        """The run of a sample that is in view: the one chosen last, else the first."""
        if sample is None or not sample.runs:
            return None
        wanted = self._chosen.get(sample.id)
        return next((run for run in sample.runs if run.id == wanted), sample.runs[0])

    def choose(self, run_id: int) -> None:
        """Let a run be the one of its sample that is in view."""
        sample = self._document.sample_of(run_id)
        if sample is not None and self.chosen(sample).id != run_id:
            self._chosen[sample.id] = run_id
            self.opened.emit(run_id)

    # its file

    def file(self, run: RunEntry) -> RunFile | None:
        """The open run; None while it is read or when it cannot be, then ``failure`` says why."""
        known = self._open.get(run.id)
        if known is None:
            self.open_again(run)
        return self._open[run.id].file

    def open_again(self, run: RunEntry) -> None:
        """Read a run's file, whatever came of it before."""
        self._open[run.id] = _OpenRun()
        self._jobs.submit(
            Request(
                ("run", run.id), f"Reading {run.title}", opening_run(run.path), "run",
                on_done=partial(self._on_opened, run),
                on_error=partial(self._on_failed, run),
                on_cancelled=partial(self._on_cancelled, run),
            )
        )  # fmt: skip

    def failure(self, run: RunEntry) -> str:
        """Why a run cannot be shown; empty while it may still come."""
        known = self._open.get(run.id)
        return known.failure if known else ""

    # its chromatogram

    def trace(self, run: RunEntry) -> Trace:
        """What the chromatogram is to show."""
        known = self._open.get(run.id)
        return known.trace if known else Trace()

    def intensities(self, run: RunEntry) -> np.ndarray | None:
        """The intensity of each scan, or point, in the wanted trace; None while it is read."""
        known = self._open.get(run.id)
        if known is None or known.file is None:
            return None
        chromatogram = known.file.chromatogram
        if known.trace.kind == STORED:
            return chromatogram.stored[known.trace.place].intensity
        if known.trace.kind == ION:
            return known.ions[1] if known.ions and known.ions[0] == known.trace else None
        if known.trace.kind == BASE_PEAK:
            return chromatogram.base_peak_intensity
        return chromatogram.total_ion_current

    def show_trace(self, run: RunEntry, trace: Trace) -> None:
        """Show another trace; an ion's is read from the file first."""
        known = self._open.get(run.id)
        if known is None or known.file is None or known.trace == trace:
            return
        known.trace = trace
        self._jobs.cancel(("ion", run.id))
        if trace.kind == ION and (known.ions is None or known.ions[0] != trace):
            self._jobs.submit(
                Request(
                    ("ion", run.id), f"Extracting m/z {trace.mz:g}",
                    extracting(known.file, trace.mz, trace.tolerance, main_level(known.file)),
                    "run",
                    on_done=partial(self._on_extracted, run, trace),
                    on_error=partial(self._on_extracting_failed, run),
                    on_cancelled=partial(self._on_extracting_cancelled, run, trace),
                )
            )  # fmt: skip
        self.trace_changed.emit(run.id)

    # its scans

    def wanted(self, run: RunEntry) -> ScanChoice | None:
        """What was chosen last, also while it is read."""
        known = self._open.get(run.id)
        return known.wanted if known else None

    def scan(self, run: RunEntry) -> ShownScan | None:
        """The scan in view; the one before while the wanted one is read."""
        known = self._open.get(run.id)
        return known.scan if known else None

    def show_scan(self, run: RunEntry, choice: ScanChoice) -> None:
        """Read a scan, or a mean of scans; ``scan_read`` follows."""
        known = self._open.get(run.id)
        if known is None or known.file is None or known.wanted == choice:
            return
        known.wanted = choice
        self._jobs.submit(
            Request(
                ("scan", run.id), "Averaging scans" if choice.times else "Reading a scan",
                scanning(known.file, choice), "scan",
                on_done=partial(self._on_scan, run, choice),
                on_error=partial(self._on_scan_failed, run, choice),
                on_cancelled=partial(self._on_scan_cancelled, run, choice),
                quiet=choice.times is None,
            )
        )  # fmt: skip
        self.scan_wanted.emit(run.id)

    def can_keep(self, run: RunEntry | None) -> bool:
        """Whether the wanted scan is read, and is a spectrum of a mass spectrometer."""
        known = self._open.get(run.id) if run else None
        return known is not None and known.scan is not None and known.scan.choice == known.wanted

    def keep_scan(self, run: RunEntry | None) -> int | None:
        """Append the scan in view to the spectra of the run's sample; returns its id."""
        if not self.can_keep(run):
            return None
        shown = self._open[run.id].scan
        return self._document.keep_scan(run.id, shown.choice, shown.spectrum)

    # what comes back

    def _on_opened(self, run: RunEntry, file: RunFile) -> None:
        if run.id not in self._open:
            return
        self._open[run.id].file = file
        if file.chromatogram.stored and not file.chromatogram.scan_ids:
            self._open[run.id].trace = Trace(STORED, place=0)
        self._problems.add(
            *(Problem(run.path, text, "The rest of it is shown.", "warning")
              for text in file.chromatogram.warnings)
        )  # fmt: skip
        first = first_choice(file)
        self.opened.emit(run.id)
        if first is not None:
            self.show_scan(run, first)

    def _on_failed(self, run: RunEntry, error: Exception) -> None:
        if run.id in self._open:
            self._open[run.id].failure = str(error)
            self._problems.add(Problem(run.path, str(error), _ADVICE))
            self.opened.emit(run.id)

    def _on_cancelled(self, run: RunEntry) -> None:
        if run.id in self._open:
            self._open[run.id].failure = "Reading it was stopped."
            self.opened.emit(run.id)

    def _on_extracted(self, run: RunEntry, trace: Trace, current: np.ndarray) -> None:
        known = self._open.get(run.id)
        if known is not None:
            known.ions = (trace, current)
            self.trace_changed.emit(run.id)

    def _on_extracting_failed(self, run: RunEntry, error: Exception) -> None:
        self._problems.add(Problem(run.path, str(error), _ADVICE))
        self._back_to_total(run)

    def _on_extracting_cancelled(self, run: RunEntry, trace: Trace) -> None:
        known = self._open.get(run.id)
        # Another trace was chosen meanwhile: that one stays.
        if known is not None and known.trace == trace:
            self._back_to_total(run)

    def _back_to_total(self, run: RunEntry) -> None:
        if run.id in self._open:
            self._open[run.id].trace = Trace()
            self.trace_changed.emit(run.id)

    def _on_scan(
        self, run: RunEntry, choice: ScanChoice, read: tuple[Spectrum, Presentation]
    ) -> None:
        known = self._open.get(run.id)
        if known is None or known.wanted != choice:
            return
        known.scan = ShownScan(choice, *read)
        self.scan_read.emit(run.id)
        self._jobs.submit(
            Request(
                ("scan peaks", run.id), "Picking peaks of a scan", picking_scan(*read), "scan",
                on_done=partial(self._on_picked, run, known.scan), quiet=True,
                on_error=partial(self._on_scan_failed, run, choice),
            )
        )  # fmt: skip

    def _on_picked(self, run: RunEntry, scan: ShownScan, presentation: Presentation) -> None:
        known = self._open.get(run.id)
        if known is not None and known.scan is scan:
            known.scan = replace(scan, presentation=presentation)
            self.scan_read.emit(run.id)

    def _on_scan_failed(self, run: RunEntry, choice: ScanChoice, error: Exception) -> None:
        self._problems.add(Problem(run.path, str(error), _SCAN_ADVICE, "warning"))
        self._on_scan_cancelled(run, choice)

    def _on_scan_cancelled(self, run: RunEntry, choice: ScanChoice) -> None:
        known = self._open.get(run.id)
        if known is not None and known.wanted == choice:
            known.wanted = known.scan.choice if known.scan else None
            self.scan_wanted.emit(run.id)

    def _forget_removed(self) -> None:
        present = {run.id for sample in self._document.samples for run in sample.runs}
        for run_id in self._open.keys() - present:
            del self._open[run_id]
            for kind in ("run", "ion", "scan", "scan peaks"):
                self._jobs.cancel((kind, run_id))


def main_level(file: RunFile) -> int:
    """The MS level that the chromatogram is drawn of: full scans, else the lowest that there is."""
    levels = file.chromatogram.ms_level
    full = levels[levels > 0]
    return int(full.min()) if len(full) else 0


def first_choice(file: RunFile) -> ScanChoice | None:
    """The scan to begin with: that of the tallest point of the chromatogram."""
    import numpy as np

    from engine.formats.run_file import ScanChoice

    chromatogram = file.chromatogram
    if not chromatogram.scan_ids:
        return None
    level = main_level(file)
    total = np.where(chromatogram.ms_level == level, chromatogram.total_ion_current, np.nan)
    if np.isnan(total).all():
        return None
    return ScanChoice(place=int(np.nanargmax(total)), ms_level=level)
