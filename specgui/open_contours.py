"""The two-dimensional spectra that are looked at: which one, from which level, and its lines."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from engine.library.spectrum_2d_entry import Spectrum2DEntry
from specgui.document import Document, Problem, Problems, SampleEntry
from specgui.workers.contouring import Contours, ShownMatrix, contouring, showing_matrix
from specgui.workers.job_board import JobBoard, Request

_ADVICE = "Open the spectrum as the spectrometer processed it, if there is one."
_LEVEL_STEP = 1.25
_LEAST_NOISE, _MOST_SHARE = 1.5, 0.95
View = tuple[float, float, float, float]


class OpenContours(QObject):
    """Makes matrices and contours in the background; each signal carries the id of its spectrum."""

    matrix_ready = Signal(int)  # it can be drawn, or the reason why not
    level_changed = Signal(int)
    contours_ready = Signal(int)
    chosen_changed = Signal()

    def __init__(
        self, document: Document, problems: Problems, jobs: JobBoard, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._problems = problems
        self._jobs = jobs
        self._chosen: dict[tuple[int, str], int] = {}
        self._matrices: dict[int, ShownMatrix] = {}
        self._failures: dict[int, str] = {}
        self._levels: dict[int, float] = {}
        self._contours: dict[int, Contours] = {}
        self._drawn_for: dict[int, tuple[View, float]] = {}
        document.changed.connect(self._forget_removed)

    # which

    def names(self, sample: SampleEntry | None) -> list[str]:
        """What pairs of axes the spectra of a sample have, each once: one plot shows one pair."""
        entries = sample.spectra_2d if sample else ()
        return list(dict.fromkeys(entry.spectrum.name for entry in entries))

    def of_name(self, sample: SampleEntry | None, name: str) -> tuple[Spectrum2DEntry, ...]:
        entries = sample.spectra_2d if sample else ()
        return tuple(entry for entry in entries if entry.spectrum.name == name)

    def shown(self, sample: SampleEntry | None, name: str) -> Spectrum2DEntry | None:
        """The spectrum that the plot of a pair of axes shows."""
        entries = self.of_name(sample, name)
        wanted = self._chosen.get((sample.id, name)) if sample else None
        return next((e for e in entries if e.id == wanted), entries[0] if entries else None)

    def choose(self, spectrum_id: int) -> None:
        """Show a spectrum in the plot of its axes."""
        sample = self._document.sample_of(spectrum_id)
        entry = self._document.spectrum_2d(spectrum_id)
        if sample is not None and entry is not None:
            self._chosen[(sample.id, entry.spectrum.name)] = spectrum_id
            self.chosen_changed.emit()

    # matrix

    def matrix(self, entry: Spectrum2DEntry) -> ShownMatrix | None:
        """The matrix as it is drawn; None while it is made, then ``matrix_ready`` follows."""
        key = ("matrix", entry.id)
        if entry.id in self._matrices or entry.id in self._failures or self._jobs.has(key):
            return self._matrices.get(entry.id)
        self._jobs.submit(
            Request(
                key, f"Preparing {entry.title}", showing_matrix(entry.spectrum), "contours",
                on_done=partial(self._on_matrix, entry),
                on_error=partial(self._on_failed, entry),
            ),
            first=True,
        )  # fmt: skip
        return None

    def failure(self, entry: Spectrum2DEntry) -> str:
        """Why a spectrum cannot be drawn, ``""`` when it can."""
        return self._failures.get(entry.id, "")

    def _on_matrix(self, entry: Spectrum2DEntry, matrix: ShownMatrix) -> None:
        if self._document.spectrum_2d(entry.id) is not None:
            self._matrices[entry.id] = matrix
            self.matrix_ready.emit(entry.id)

    def _on_failed(self, entry: Spectrum2DEntry, error: Exception) -> None:
        said = " ".join(str(error).split()) or type(error).__name__
        self._failures[entry.id] = said
        self._problems.add(
            Problem(
                entry.spectrum.source.path or entry.title,
                f"{entry.title} cannot be shown: {said}", _ADVICE,
            )
        )  # fmt: skip
        self.matrix_ready.emit(entry.id)

    # levels and lines

    def lowest(self, entry: Spectrum2DEntry) -> float | None:
        """The lowest level of a spectrum; None while its matrix is made."""
        matrix = self._matrices.get(entry.id)
        return None if matrix is None else self._levels.get(entry.id, matrix.lowest)

    def step_level(self, entry: Spectrum2DEntry, steps: float) -> None:
        """Raise the lowest level by so many steps, or lower it; not into the noise's own depth."""
        matrix, lowest = self._matrices.get(entry.id), self.lowest(entry)
        if matrix is None or lowest is None or steps == 0:
            return
        least = max(_LEAST_NOISE * matrix.noise, 1e-6 * matrix.highest)
        most = max(_MOST_SHARE * matrix.highest, least)
        wanted = min(max(lowest * _LEVEL_STEP**steps, least), most)
        if wanted != lowest:
            self._levels[entry.id] = wanted
            self.level_changed.emit(entry.id)

    def reset_level(self, entry: Spectrum2DEntry) -> None:
        """Go back to the level that is sensible to begin with."""
        if self._levels.pop(entry.id, None) is not None:
            self.level_changed.emit(entry.id)

    def contours(self, entry: Spectrum2DEntry, view: View) -> Contours | None:
        """The lines to draw now; when they do not suit the view, better ones follow.

        ``contours_ready`` says when. What is being drawn for another view is given up.
        """
        matrix, lowest = self.matrix(entry), self.lowest(entry)
        found = self._contours.get(entry.id)
        if matrix is None or lowest is None or (found is not None and found.suits(view, lowest)):
            return found
        if found is not None and self._drawn_for.get(entry.id) == (view, lowest):
            return found
        self._jobs.submit(
            Request(
                ("contours", entry.id), f"Contours of {entry.title}",
                contouring(matrix, view, lowest), "contours",
                on_done=partial(self._on_contours, entry, view, lowest),
                on_error=partial(self._on_failed, entry), quiet=True,
            ),
            first=True,
        )  # fmt: skip
        return found

    def _on_contours(
        self, entry: Spectrum2DEntry, view: View, lowest: float, contours: Contours
    ) -> None:
        if entry.id in self._matrices:
            self._contours[entry.id] = contours
            self._drawn_for[entry.id] = view, lowest
            self.contours_ready.emit(entry.id)

    def _forget_removed(self) -> None:
        """Drop what was drawn of removed spectra; undo makes it again."""
        present = {e.id for sample in self._document.samples for e in sample.spectra_2d}
        for kept in (
            self._matrices, self._failures, self._levels, self._contours, self._drawn_for,
        ):  # fmt: skip
            for spectrum_id in kept.keys() - present:
                del kept[spectrum_id]
