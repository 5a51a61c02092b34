"""The open samples, and every edit of them as one undoable step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

from engine.library.project import (
    Assignment,
    Project,
    ProjectState,
    RunEntry,
    SampleEntry,
    SpectrumEntry,
)
from engine.library.project_script import script_of
from engine.library.spectrum_2d_entry import Spectrum2DEntry
from engine.spectra import Spectrum, Spectrum2D
from specgui.document.lookup import Lookup
from specgui.document.undo_stack import UndoStack

if TYPE_CHECKING:
    from engine.formats.run_file import ScanChoice
    from engine.processing import Chain, Peak, SignalAnalysis

Samples = tuple[SampleEntry, ...]
Made = TypeVar("Made")


class Document(QObject):
    """The samples in the order of the tree, and the project file that they are kept in.

    The state is one immutable project, so an edit is a pair of states (before, after) and undoing
    it cannot miss anything. ``changed`` follows every edit, undo and redo; ``file_changed`` follows
    when the path is another one, or the state becomes or stops to be the one in the file.
    """

    changed = Signal()
    file_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = ProjectState()
        self._found = Lookup(self._state)
        self._saved: ProjectState | None = self._state
        self._path: Path | None = None
        self.undo_stack = UndoStack(self._set_state, self)

    @property
    def state(self) -> ProjectState:
        return self._state

    @property
    def samples(self) -> Samples:
        return self._state.samples

    @property
    def path(self) -> Path | None:
        """The project file; None before the first saving."""
        return self._path

    @property
    def name(self) -> str:
        """What to call the project."""
        return self._path.stem if self._path else "Untitled project"

    @property
    def is_changed(self) -> bool:
        """Whether there is something that the project file does not have."""
        return self._state is not self._saved

    @property
    def script(self) -> str:
        """Python that makes these samples again without a window."""
        return script_of(self._state)

    def sample(self, sample_id: int | None) -> SampleEntry | None:
        return self._lookup.samples.get(sample_id)

    def sample_of(self, spectrum_id: int) -> SampleEntry | None:
        """The sample that holds a spectrum, of one or of two dimensions, or a run."""
        return self._lookup.owners.get(spectrum_id)

    def spectrum(self, spectrum_id: int | None) -> SpectrumEntry | None:
        return self._lookup.spectra.get(spectrum_id)

    def spectrum_2d(self, spectrum_id: int | None) -> Spectrum2DEntry | None:
        """A two-dimensional spectrum; its id is none of the others'."""
        return self._lookup.spectra_2d.get(spectrum_id)

    def run(self, run_id: int | None) -> RunEntry | None:
        return self._lookup.runs.get(run_id)

    @property
    def _lookup(self) -> Lookup:
        if self._found.state is not self._state:
            self._found = Lookup(self._state)
        return self._found

    # the file

    def load(self, state: ProjectState, path: Path | None = None, is_changed: bool = False) -> None:
        """Take another project in the place of this one; what was done before is not undone."""
        self.undo_stack.clear()
        self._path = path
        self._saved = None if is_changed else state
        self._state = state
        self.changed.emit()
        self.file_changed.emit()

    def mark_saved(self, state: ProjectState, path: Path) -> None:
        """Note that a file has this state; edits that were made meanwhile it does not have."""
        self._saved, self._path = state, path
        self.file_changed.emit()

    # edits: each does nothing when what it names is not there

    def add_samples(
        self,
        contents: Iterable[tuple[str, Iterable[Spectrum]]],
        call: int | None = None,
        files: Sequence[Sequence[Path]] | None = None,
        runs: Sequence[Sequence[str]] | None = None,
        spectra_2d: Sequence[Sequence[Spectrum2D]] | None = None,
    ) -> list[int]:
        """Append one sample for each ``(name, spectra)``; returns the new ids.

        ``files`` are the paths that were read for each, ``runs`` those of its runs, ``spectra_2d``
        its two-dimensional spectra. What comes with the same ``call`` one after the other is one
        step to be undone.
        """
        contents = list(contents)
        origins = files if files is not None else [None] * len(contents)
        runs = runs if runs is not None else [()] * len(contents)
        two_dimensional = spectra_2d if spectra_2d is not None else [()] * len(contents)

        def edit(project: Project) -> list[int]:
            return [
                # What a run's own file gave is not read again as spectra.
                project.add_sample(name, spectra, None if held else paths, held, two)
                for (name, spectra), paths, held, two in zip(
                    contents, origins, runs, two_dimensional, strict=True
                )
            ]

        text = f"Open {len(contents)} samples" if len(contents) > 1 else ""
        return self._edit(edit, text, call)

    def keep_scan(self, run_id: int, choice: ScanChoice, spectrum: Spectrum) -> int | None:
        """Append what was chosen of a run to the spectra of its sample; returns its id."""
        sample, run = self.sample_of(run_id), self.run(run_id)
        if run is None:
            return None
        return self._edit(lambda project: project.keep_scan(sample.id, run.path, choice, spectrum))

    def add_empty_sample(self) -> int:
        names = {s.name for s in self.samples}
        number = next(n for n in range(1, len(names) + 2) if f"Sample {n}" not in names)
        return self._edit(lambda project: project.add_sample(f"Sample {number}"))

    def rename(self, sample_id: int, name: str) -> None:
        """Give a sample another name; an empty one is not taken."""
        if self.sample(sample_id):
            self._edit(lambda project: project.rename(sample_id, name))

    def set_structure(self, sample_id: int, text: str | None) -> None:
        """Type a structure (SMILES or molblock); None goes back to what the files say."""
        if self.sample(sample_id):
            self._edit(lambda project: project.set_structure(sample_id, text))

    def set_chain(self, spectrum_id: int, chain: Chain | None) -> None:
        """Choose a spectrum's processing; None goes back to the default of its kind."""
        if self.spectrum(spectrum_id):
            self._edit(lambda project: project.set_chain(spectrum_id, chain))

    def set_chains(self, spectrum_ids: Iterable[int], chain: Chain | None) -> None:
        """Choose the same processing for several spectra, as one step."""
        wanted = [i for i in spectrum_ids if self.spectrum(i)]

        def edit(project: Project) -> None:
            for spectrum_id in wanted:
                project.set_chain(spectrum_id, chain)

        self._edit(edit, f"Process {len(wanted)} spectra" if len(wanted) > 1 else "")

    def set_peaks(self, spectrum_id: int, peaks: Iterable[Peak] | None) -> None:
        """Set a spectrum's peaks as edited; None goes back to those that are picked."""
        if self.spectrum(spectrum_id):
            self._edit(lambda project: project.set_peaks(spectrum_id, peaks))

    def set_analysis(
        self, spectrum_id: int, analysis: SignalAnalysis | None, title: str = ""
    ) -> None:
        """Set a spectrum's integrals and multiplets; None takes them away."""
        if self.spectrum(spectrum_id):
            self._edit(lambda project: project.set_analysis(spectrum_id, analysis, title))

    def set_assignments(
        self, sample_id: int, assignments: Iterable[Assignment], title: str = ""
    ) -> None:
        """Set which peaks of a sample belong to which atoms of its structure."""
        if self.sample(sample_id):
            self._edit(lambda project: project.set_assignments(sample_id, assignments, title))

    def follow_structure(
        self, sample_id: int, assignments: Iterable[Assignment], title: str = ""
    ) -> None:
        """Set the assignments that follow from a structure.

        They are one step with the structure when that was the last one, else a step of their own.
        """
        before = self.undo_stack.before
        old = next((s for s in before.samples if s.id == sample_id), None) if before else None
        now = self.sample(sample_id)
        if now is None or old is None or old.structure == now.structure:
            self.set_assignments(sample_id, assignments, title)
            return
        project = Project(self._state)
        project.set_assignments(sample_id, assignments, title)
        if project.state is not self._state:
            self.undo_stack.extend(project.state)

    def move_spectra(self, spectrum_ids: Iterable[int], target_id: int) -> None:
        """Move spectra to the end of another sample; a sample left without spectra goes away."""
        wanted = self._present(spectrum_ids)
        if wanted and self.sample(target_id):
            self._edit(lambda project: project.move(wanted, target_id))

    def move_to_new_sample(self, spectrum_ids: Iterable[int]) -> int | None:
        """Make a sample of some spectra, named after the first; returns its id."""
        wanted = self._present(spectrum_ids)
        if not wanted:
            return None
        return self._edit(lambda project: project.move_to_new_sample(wanted))

    def split(self, sample_id: int | None) -> list[int]:
        """Make one sample of each spectrum of a sample; returns their ids."""
        sample = self.sample(sample_id)
        if sample is None or len(sample.spectra) + len(sample.spectra_2d) < 2:
            return []
        return self._edit(lambda project: project.split(sample.id))

    def remove(
        self,
        sample_ids: Iterable[int] = (),
        spectrum_ids: Iterable[int] = (),
        run_ids: Iterable[int] = (),
    ) -> None:
        """Take samples, single spectra and runs out of the document; files are not touched."""
        samples = [sample_id for sample_id in sample_ids if self.sample(sample_id)]
        spectra, runs = self._present(spectrum_ids), list(run_ids)
        self._edit(lambda project: project.remove(samples, spectra, runs))

    def _present(self, spectrum_ids: Iterable[int]) -> list[int]:
        return [i for i in spectrum_ids if self.spectrum(i) or self.spectrum_2d(i)]

    def _edit(
        self, edit: Callable[[Project], Made], text: str = "", call: int | None = None
    ) -> Made:
        """Do an edit of the project as one step; one that changes nothing is no step."""
        project = Project(self._state)
        made = edit(project)
        after = project.state
        if after is not self._state:
            title = text or after.history[-1].title
            self.undo_stack.push(title, self._state, after, call)
        return made

    def _set_state(self, state: ProjectState) -> None:
        was_changed = self.is_changed
        self._state = state
        self.changed.emit()
        if self.is_changed != was_changed:
            self.file_changed.emit()
