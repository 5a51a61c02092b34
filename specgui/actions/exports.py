"""What the window writes for other programs: records of NMR data."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from specgui.document import Problem
from specgui.workers.exporting import writing_nmredata
from specgui.workers.job_board import Request

_SUFFIX = ".nmredata.sdf"
_FILTER = f"NMReDATA records (*{_SUFFIX})"
_SHOWN_MS = 6000


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
        name = "".join(c if c.isalnum() or c in " -_." else "_" for c in sample.name).strip(" .")
        proposed = Path(settings.last_folder) / f"{name or 'sample'}{_SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Export as NMReDATA", str(proposed), _FILTER
        )
        if path:
            settings.last_folder = str(Path(path).parent)
            self.write_nmredata(Path(path if path.endswith(".sdf") else f"{path}{_SUFFIX}"))

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
            self._workspace.problems.add(
                Problem(str(path), f"is not written: {error}", "Choose another place.")
            )

        self._workspace.jobs.submit(
            Request(
                ("export", str(path)), f"Writing {path.name}",
                writing_nmredata(sample, structure, path), "export", on_done=done, on_error=failed,
            )
        )  # fmt: skip
