"""The status bar's part for jobs: what runs, how far it is, and a button that cancels it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QToolButton, QWidget

from specgui.appearance import Appearance
from specgui.views.elided_label import ElidedLabel
from specgui.views.paced_refresh import PacedRefresh
from specgui.workers.job_board import JobBoard

_STEPS = 1000
_LEAST_PAUSE_MS = 60


class JobStatus(QWidget):
    """Shows the first running job and how many wait behind it."""

    def __init__(self, jobs: JobBoard, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._appearance = appearance
        self.text = ElidedLabel()
        self.text.setProperty("role", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(150)
        self.bar.setAccessibleName("Progress")
        self.cancel = QToolButton()
        self.cancel.setToolTip("Cancel (Ctrl+.)")
        self.cancel.setAccessibleName("Cancel the running jobs")
        self.cancel.clicked.connect(self._on_cancel)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 4, 0)
        layout.setSpacing(8)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.bar)
        layout.addWidget(self.cancel)
        # Hundreds of jobs begin and end in a second when a folder is opened.
        paced = PacedRefresh(self.refresh, _LEAST_PAUSE_MS, self, jobs.is_idle)
        jobs.changed.connect(paced.ask)
        appearance.changed.connect(self._on_theme)
        self._on_theme()
        self.refresh()

    def refresh(self) -> None:
        jobs = self._jobs.visible_jobs
        self.bar.setVisible(bool(jobs))
        self.cancel.setVisible(bool(jobs))
        if not jobs:
            self.text.setText("Ready")
            return
        job = jobs[0]
        waiting = f"   (+{len(jobs) - 1} more)" if len(jobs) > 1 else ""
        self.text.setText(f"{job.text or job.request.title}{waiting}")
        if job.fraction is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _STEPS)
            self.bar.setValue(round(job.fraction * _STEPS))

    def _on_cancel(self) -> None:
        self._jobs.cancel_all(visible_only=True)

    def _on_theme(self) -> None:
        self.cancel.setIcon(self._appearance.icon("cancel"))
