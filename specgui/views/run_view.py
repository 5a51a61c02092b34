"""A run in the window: its chromatogram, the scan below it, and its MS/MS scans beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.open_runs import ION, STORED, Trace, main_level
from specgui.views.chromatogram_plot import ChromatogramPlot, SteppedCanvas
from specgui.views.elided_label import ElidedLabel
from specgui.views.msms_table import MsMsTable
from specgui.views.trace_choice import TraceChoice
from specgui.workspace import Workspace

if TYPE_CHECKING:
    from engine.formats.run_chromatogram import RunChromatogram
    from engine.formats.run_file import RunFile
    from engine.library.project import RunEntry

_LEAST_HEIGHT = 330
_TABLE_WIDTH = 200
_LEAST_TABLE = 120
_HINT = (
    "Click: the scan there. Drag: the mean of the scans between. Ctrl and drag: the background "
    "that is taken off it. Arrow keys: from scan to scan."
)


class RunView(QFrame):
    """Shows the run of the chosen sample that is in view."""

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("plot")
        self.setMinimumHeight(_LEAST_HEIGHT)
        self._workspace = workspace
        self._appearance = appearance
        self._runs = workspace.runs
        self._run: RunEntry | None = None
        self._drawn: tuple | None = None
        self._make_chromatogram()
        self._make_scan()
        self.table = MsMsTable()
        self.table.scan_chosen.connect(self.show_place)
        self.plots = QSplitter(Qt.Orientation.Vertical)
        self.plots.setChildrenCollapsible(False)
        self.plots.addWidget(self.chromatogram)
        self.plots.addWidget(self._scan_part)
        self.parts = QSplitter(Qt.Orientation.Horizontal)
        self.parts.addWidget(self.plots)
        self.parts.addWidget(self.table)
        self.parts.setSizes([1000, _TABLE_WIDTH])
        self.parts.setStretchFactor(0, 1)
        self.table.setMinimumWidth(_LEAST_TABLE)
        self.message = QLabel()
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setProperty("role", "muted")
        self.again_button = QPushButton("Try again")
        self.again_button.clicked.connect(self._try_again)
        waiting = QWidget()
        column = QVBoxLayout(waiting)
        column.addStretch()
        column.addWidget(self.message)
        column.addWidget(self.again_button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch()
        self._pages = QStackedLayout()
        self._pages.addWidget(waiting)
        self._pages.addWidget(self.parts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addLayout(self._header())
        layout.addLayout(self._pages, 1)
        self._runs.opened.connect(self._on_event)
        self._runs.trace_changed.connect(self._on_event)
        self._runs.scan_wanted.connect(self._on_event)
        self._runs.scan_read.connect(self._on_event)
        workspace.jobs.changed.connect(self._refresh_message)
        self.set_theme()

    # parts

    def _header(self) -> QHBoxLayout:
        badge = QLabel("Run")
        badge.setProperty("role", "technique")
        badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.title = ElidedLabel()
        self.readout = ElidedLabel()
        self.readout.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.readout.setAccessibleName("Value under the mouse, chromatogram")
        self.readout.hide()
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.trace = TraceChoice()
        self.trace.chosen.connect(self._on_trace_chosen)
        self.previous_button = _step_button("Previous run", lambda: self._step_run(-1))
        self.next_button = _step_button("Next run", lambda: self._step_run(1))
        self.counter = QLabel()
        self.counter.setProperty("role", "muted")
        header = QHBoxLayout()
        header.setContentsMargins(8, 5, 8, 0)
        header.setSpacing(8)
        header.addWidget(badge)
        header.addWidget(self.title, 1)
        header.addWidget(self.readout, 1)
        for widget in (self.note, self.trace, self.previous_button, self.counter,
                       self.next_button):  # fmt: skip
            header.addWidget(widget)
        self.chromatogram.hovered.connect(lambda _, text: self._show_readout(text))
        self.chromatogram.followed.connect(self._show_readout)
        return header

    def _make_chromatogram(self) -> None:
        self.chromatogram = ChromatogramPlot(self._appearance.theme)
        self.chromatogram.setAccessibleName("Chromatogram")
        self.chromatogram.setToolTip(_HINT)
        self.chromatogram.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.chromatogram.time_clicked.connect(self._on_time_clicked)
        self.chromatogram.mean_wanted.connect(self._on_mean_wanted)
        self.chromatogram.background_wanted.connect(self._on_background_wanted)
        self.chromatogram.stepped.connect(self.step_scan)

    def _make_scan(self) -> None:
        self.scan = SteppedCanvas(self._appearance.theme)
        self.scan.setAccessibleName("Scan of the run")
        self.scan.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.scan.stepped.connect(self.step_scan)
        self.scan_title = ElidedLabel()
        self.scan_readout = _readout("Value under the mouse, scan")
        self.scan.hovered.connect(lambda _, text: self.scan_readout.setText(text))
        self.scan.followed.connect(self.scan_readout.setText)
        self.keep_button = QPushButton("Keep this scan")
        self.keep_button.setToolTip(
            "Put it among the spectra of the sample, to be predicted from (K)"
        )
        self.keep_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.keep_button.clicked.connect(self.keep)
        self.earlier_button = _step_button("Previous scan", lambda: self.step_scan(-1))
        self.later_button = _step_button("Next scan", lambda: self.step_scan(1))
        header = QHBoxLayout()
        header.setContentsMargins(8, 3, 8, 0)
        header.setSpacing(8)
        header.addWidget(self.scan_title, 1)
        for widget in (self.scan_readout, self.earlier_button, self.later_button, self.keep_button):
            header.addWidget(widget)
        self._scan_part = QWidget()
        column = QVBoxLayout(self._scan_part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(self.scan, 1)

    @property
    def canvases(self) -> tuple[ChromatogramPlot, SteppedCanvas]:
        """The plots, top to bottom."""
        return self.chromatogram, self.scan

    @property
    def run(self) -> RunEntry | None:
        return self._run

    # showing

    def refresh(self) -> None:
        """Show the run of the chosen sample, as far as it is read."""
        sample = self._workspace.selection.sample
        run = self._runs.chosen(sample)
        if run is None:
            self._run = None
            return
        if self._run is None or run.id != self._run.id:
            self._run, self._drawn = run, None
            self._show_readout("")
        several = len(sample.runs) > 1
        for widget in (self.previous_button, self.counter, self.next_button):
            widget.setVisible(several)
        if several:
            place = sample.runs.index(run)
            self.counter.setText(f"{place + 1} of {len(sample.runs)}")
            self.previous_button.setEnabled(place > 0)
            self.next_button.setEnabled(place < len(sample.runs) - 1)
        self.title.setText(run.title)
        self.title.setToolTip(run.path)
        file = self._runs.file(run)
        self.trace.setEnabled(file is not None)
        if file is None:
            self._pages.setCurrentIndex(0)
            self.note.setText("")
            self._refresh_message()
            return
        self._pages.setCurrentIndex(1)
        self._refresh_chromatogram(run, file)
        self._refresh_scan(run, file)

    def set_theme(self) -> None:
        for canvas in self.canvases:
            canvas.set_theme(self._appearance.theme)
        for button in (self.previous_button, self.earlier_button):
            button.setIcon(self._appearance.icon("previous"))
        for button in (self.next_button, self.later_button):
            button.setIcon(self._appearance.icon("next"))

    def _refresh_message(self) -> None:
        if self._run is None or self._pages.currentIndex() != 0:
            return
        failure = self._runs.failure(self._run)
        self.again_button.setVisible(bool(failure))
        if failure:
            self.message.setText(f"{self._run.title} cannot be shown.\n{failure}")
            return
        jobs = self._workspace.jobs.jobs
        job = next((j for j in jobs if j.request.key == ("run", self._run.id)), None)
        said = f"\n{job.text}" if job is not None and job.text else ""
        self.message.setText(f"Reading {self._run.title}…{said}")

    def _refresh_chromatogram(self, run: RunEntry, file: RunFile) -> None:
        trace, intensity = self._runs.trace(run), self._runs.intensities(run)
        chromatogram = file.chromatogram
        has_scans = bool(chromatogram.scan_ids)
        self.trace.show_trace(
            trace, bool(np.isfinite(chromatogram.base_peak_intensity).any()), has_scans,
            [one.name for one in chromatogram.stored],
        )  # fmt: skip
        self._refresh_note(trace, intensity, chromatogram)
        if intensity is None or self._drawn == (run.id, file, trace):
            return
        is_new = self._drawn is None or self._drawn[:2] != (run.id, file)
        self._drawn = (run.id, file, trace)
        level = main_level(file)
        seconds = chromatogram.retention_time_s
        if trace.kind == STORED:
            times = chromatogram.stored[trace.place].retention_time_s
            self.chromatogram.show_chromatogram(times, intensity)
        else:
            of_level = chromatogram.ms_level == level
            self.chromatogram.show_chromatogram(seconds[of_level], intensity[of_level])
        if is_new:
            above = np.flatnonzero(chromatogram.ms_level > level)
            self.chromatogram.show_ticks(seconds[above])
            self.table.show_scans(above, seconds, chromatogram.precursor_mz, chromatogram.scan_ids)
            self.table.setVisible(len(above) > 0)
            self._scan_part.setVisible(has_scans)

    def _refresh_note(self, trace: Trace, intensity, chromatogram: RunChromatogram) -> None:
        if trace.kind == ION and trace.mz is not None:
            self.note.setText("" if intensity is not None else "Reading…")
        elif trace.kind == STORED and not chromatogram.scan_ids:
            self.note.setText(f"Chromatograms alone: {chromatogram.detector}")
        else:
            self.note.setText(chromatogram.detector)

    def _refresh_scan(self, run: RunEntry, file: RunFile) -> None:
        shown, wanted = self._runs.scan(run), self._runs.wanted(run)
        seconds = file.chromatogram.retention_time_s
        if wanted is not None and wanted.times is not None:
            self.chromatogram.mark_mean(wanted.times, wanted.background)
        else:
            self.chromatogram.mark_scan(None if wanted is None else float(seconds[wanted.place]))
        self.table.follow(None if wanted is None else wanted.place)
        self.keep_button.setEnabled(self._runs.can_keep(run))
        if shown is None:
            self.scan_title.setText("Click in the chromatogram to see a scan")
            return
        is_read = shown.choice == wanted
        self.scan_title.setText(shown.spectrum.title if is_read else "Reading…")
        if not is_read or self.scan.presentation is shown.presentation:
            return
        kept = None if self.scan.view.is_home else self.scan.view.viewRange()[0]
        technique = str(shown.spectrum.technique)
        self.scan.show_presentation(shown.presentation, technique, descending=False)
        self.scan.show_peaks(self._workspace.options["peak_labels"])
        if kept is not None:
            self.scan.view.setXRange(*kept, padding=0)

    def _show_readout(self, text: str) -> None:
        """The value under the mouse, in the place of the title: there is no room for both."""
        self.readout.setText(text)
        self.readout.setVisible(bool(text))
        self.title.setVisible(not text)

    def _on_event(self, run_id: int) -> None:
        sample = self._workspace.selection.sample
        if sample is not None and any(run.id == run_id for run in sample.runs):
            self.refresh()

    # choosing

    def show_place(self, place: int) -> None:
        """Show the scan at a place in the chromatogram."""
        file = self._file()
        if file is not None and 0 <= place < len(file.chromatogram.scan_ids):
            level = int(file.chromatogram.ms_level[place])
            self._show(place=place, ms_level=level)

    def step_scan(self, step: int) -> None:
        """Go on by so many scans of the level of the one in view, in the order of their times."""
        file, wanted = self._file(), self._runs.wanted(self._run) if self._run else None
        if file is None or wanted is None:
            return
        chromatogram = file.chromatogram
        places = np.flatnonzero(chromatogram.ms_level == wanted.ms_level)
        if wanted.times is not None:
            place = chromatogram.nearest_scan(sum(wanted.times) / 2, wanted.ms_level)
        else:
            place = wanted.place
        at = int(np.searchsorted(places, place)) + (0 if wanted.times is not None else step)
        if len(places):
            self.show_place(int(places[min(max(at, 0), len(places) - 1)]))

    def keep(self) -> None:
        """Put the scan in view among the spectra of the sample."""
        kept = self._runs.keep_scan(self._run)
        if kept is not None:
            self._workspace.selection.choose_spectrum(kept)

    def _show(self, **said) -> None:
        from engine.formats.run_file import ScanChoice

        self._runs.show_scan(self._run, ScanChoice(**said))

    def _file(self) -> RunFile | None:
        return None if self._run is None else self._runs.file(self._run)

    def _on_time_clicked(self, seconds: float) -> None:
        file = self._file()
        if file is not None:
            place = file.chromatogram.nearest_scan(seconds, main_level(file))
            if place is not None:
                self.show_place(place)

    def _on_mean_wanted(self, first: float, last: float) -> None:
        file, before = self._file(), self._runs.wanted(self._run)
        if file is None or not self._has_scans(file, first, last):
            self.refresh()
            return
        background = before.background if before is not None else None
        self._show(times=(first, last), background=background, ms_level=main_level(file))

    def _on_background_wanted(self, first: float, last: float) -> None:
        file, before = self._file(), self._runs.wanted(self._run)
        if file is None or before is None or not self._has_scans(file, first, last):
            self.refresh()
            return
        times = before.times
        if times is None:
            when = float(file.chromatogram.retention_time_s[before.place])
            times = (when, when)
        self._show(times=times, background=(first, last), ms_level=before.ms_level)

    def _has_scans(self, file: RunFile, first: float, last: float) -> bool:
        """Whether a range has a scan to average; a note says so when it has none."""
        chromatogram = file.chromatogram
        seconds = chromatogram.retention_time_s[chromatogram.ms_level == main_level(file)]
        found = bool(chromatogram.scan_ids) and bool(((seconds >= first) & (seconds <= last)).any())
        if not found:
            self.note.setText("No scan in that range")
        return found

    def _on_trace_chosen(self, trace: Trace) -> None:
        if self._run is not None:
            self._runs.show_trace(self._run, trace)

    def _step_run(self, step: int) -> None:
        sample = self._workspace.selection.sample
        if sample is not None and self._run in sample.runs:
            place = sample.runs.index(self._run) + step
            if 0 <= place < len(sample.runs):
                self._runs.choose(sample.runs[place].id)

    def _try_again(self) -> None:
        if self._run is not None:
            self._runs.open_again(self._run)
            self.refresh()


def _readout(name: str) -> QLabel:
    label = QLabel()
    label.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    label.setAccessibleName(name)
    return label


def _step_button(name: str, on_clicked) -> QToolButton:
    button = QToolButton()
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(on_clicked)
    return button
