"""What the window writes for people and other programs: reports, and records of NMR data."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QDate, QObject, Qt
from PySide6.QtWidgets import QFileDialog

from specgui.document import Problem
from specgui.workers.exporting import writing_nmredata
from specgui.workers.job_board import Request
from specgui.workers.reporting import writing_report

_SUFFIX = ".nmredata.sdf"
_FILTER = f"NMReDATA records (*{_SUFFIX})"
_REPORTS = {".pdf": "PDF documents (*.pdf)", ".html": "HTML pages (*.html *.htm)"}
_SHOWN_MS = 6000
_ELSEWHERE = "Choose another place."


class Exports(QObject):
    """Asks for a file and writes it in the background."""

    def __init__(self, window) -> None:
        super().__init__(window)
        self._window = window
        self._workspace = window.workspace

    def nmredata(self) -> None:
        """Write the chosen sample's structure, signals and assignments as an NMReDATA record."""
        sample = self._workspace.selection.sample
        if sample is None or self._workspace.assigning.structure is None:
            return
        settings = self._window.settings
        proposed = Path(settings.last_folder) / f"{_file_name(sample.name)}{_SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Export as NMReDATA", str(proposed), _FILTER
        )
        if path:
            settings.last_folder = str(Path(path).parent)
            self.write_nmredata(Path(path if path.endswith(".sdf") else f"{path}{_SUFFIX}"))

    def report(self) -> None:
        """Write a report of the chosen sample, as PDF or HTML by what the file is called."""
        sample = self._workspace.selection.sample
        if sample is None or not sample.spectra:
            return
        settings = self._window.settings
        proposed = Path(settings.last_folder) / f"{_file_name(sample.name)}.pdf"
        path, kind = QFileDialog.getSaveFileName(
            self._window, "Write a report", str(proposed), ";;".join(_REPORTS.values())
        )
        if path:
            settings.last_folder = str(Path(path).parent)
            self.write_report(_with_suffix(Path(path), kind))

    def write_report(self, path: Path) -> None:
        """Write the report to a file; the status bar says when it is done."""
        sample = self._workspace.selection.sample

        def done(missing: tuple[str, ...]) -> None:
            self._window.statusBar().showMessage(f"Wrote {path.name}", _SHOWN_MS)
            self._workspace.problems.add(
                *(Problem(str(path), text, "The rest of it is written.", "warning")
                  for text in missing)
            )  # fmt: skip

        def failed(error: Exception) -> None:
            is_disk = isinstance(error, OSError)
            said = (error.strerror if is_disk else "") or str(error) or type(error).__name__
            advice = _ELSEWHERE if is_disk else "Check the spectra and their processing."
            self._workspace.problems.add(Problem(str(path), f"is not written: {said}", advice))

        found = self._workspace.findings.of(sample).identification
        date = QDate.currentDate().toString(Qt.DateFormat.ISODate)
        self._workspace.jobs.submit(
            Request(
                ("report", str(path)), f"Writing {path.name}",
                writing_report(sample, path, found, date), "export",
                on_done=done, on_error=failed,
            )
        )  # fmt: skip

    def write_nmredata(self, path: Path) -> None:
        """Write the record to a file; the status bar says when it is done."""
        sample = self._workspace.selection.sample
        structure = self._workspace.assigning.structure

        def done(count: int) -> None:
            self._window.statusBar().showMessage(
                f"Wrote {path.name}: {count} signals, {len(sample.assignments)} assignments",
                _SHOWN_MS,
            )

        def failed(error: Exception) -> None:
            self._workspace.problems.add(Problem(str(path), f"is not written: {error}", _ELSEWHERE))

        self._workspace.jobs.submit(
            Request(
                ("export", str(path)), f"Writing {path.name}",
                writing_nmredata(sample, structure, path), "export", on_done=done, on_error=failed,
            )
        )  # fmt: skip


def _file_name(name: str) -> str:
    """A sample's name as a file may be called."""
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in name).strip(" .") or "sample"


def _with_suffix(path: Path, kind: str) -> Path:
    """The path with a suffix that a report may have: its own, else that of the chosen filter."""
    if path.suffix.lower() in (".pdf", ".html", ".htm"):
        return path
    chosen = next((suffix for suffix, text in _REPORTS.items() if text == kind), ".pdf")
    return path.with_name(path.name + chosen)
