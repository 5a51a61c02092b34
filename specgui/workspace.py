"""What the window works with: the document, what was found, and the jobs that connect them.

No widget is known here: views ask the workspace and listen to it, commands call it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from specgui.assigning import AssignmentEditing
from specgui.band_removal import BandRemoval
from specgui.candidate_search import CandidateSearch
from specgui.document import (
    Document,
    Finding,
    Findings,
    Problem,
    Problems,
    SampleEntry,
    Selection,
    SpectrumEntry,
    ViewOptions,
)
from specgui.document import findings as state
from specgui.document.autosave import Autosave
from specgui.document.problems import ERROR, WARNING
from specgui.library_shelf import LibraryShelf
from specgui.model_choosing import ModelChoosing
from specgui.open_contours import OpenContours
from specgui.open_runs import OpenRuns
from specgui.processing_editing import ProcessingEditing
from specgui.signal_editing import SignalEditing
from specgui.workers.drawing_structures import parsing
from specgui.workers.job_board import JobBoard, Request
from specgui.workers.predicting import NoModelHereError, identifying
from specgui.workers.presenting import Presentation, picking, presenting
from specgui.workers.projects import opening, recovering, saving
from specgui.workers.reading import Batch, ReadingPlan, ReadResult, plan_reading, planning, reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.chemistry.known_bands import KnownBand
    from engine.chemistry.structure import Structure
    from engine.library.project import ProjectState
    from engine.library.project_journal import ProjectJournal
    from engine.spectra import Spectrum

_WARNING_ADVICE = "Shown all the same; check that it was taken as you mean it."
_OPEN_ADVICE = "Is the file complete? Of a Bruker or Varian experiment, open the folder."
_PROJECT = ("project",)
_ONE_PROJECT = "One project is open at a time: open it on its own."
_DAMAGE_ADVICE = "The rest is open. Open the raw file again, then save."
_AUTOSAVE_ADVICE = "Save the project, and make room on the disk."
_MISSING_ADVICE = "Check the path, and that its drive is there."
# A reader that knows what to do says it in brackets at the end.
_SAID_ADVICE = re.compile(r"(.+) \(((?:export|convert|open|save)[^()]+)\)$")


class Workspace(QObject):
    """The samples that are open and everything that is going on around them."""

    grouping_asked = Signal(object)  # a ReadingPlan that can be read in several ways
    presented = Signal(int)  # the id of a spectrum that can be drawn now
    structure_changed = Signal()  # a structure was read, or found to be none
    # The path of a project that is to take this one's place, and those to be read into it then.
    project_asked = Signal(object, object)

    def __init__(self, parent: QObject | None = None, recovery_folder: Path | None = None) -> None:
        super().__init__(parent)
        self.document = Document(self)
        self.autosave = Autosave(self.document, recovery_folder, self)
        self.selection = Selection(self.document, self)
        self.findings = Findings(self)
        self.problems = Problems(self)
        self.options = ViewOptions(self)
        self.jobs = JobBoard(self)
        self.runs = OpenRuns(self.document, self.problems, self.jobs, self)
        self.contours = OpenContours(self.document, self.problems, self.jobs, self)
        self.signals = SignalEditing(self)
        self.processing = ProcessingEditing(self)
        self.removals = BandRemoval(self)
        self.models = ModelChoosing(self)
        self.candidates = CandidateSearch(self)
        self.libraries = LibraryShelf(self)
        self._presentations: dict[tuple, Presentation] = {}
        self._preview: tuple[int, Presentation] | None = None
        self._structures: dict[str, Structure | ValueError] = {}
        self.assigning = AssignmentEditing(self)
        self._calls = 0
        self._shown_calls: set[int] = set()
        self.document.changed.connect(self._predict_what_is_new)
        self.document.changed.connect(self._forget_removed)
        self.selection.sample_changed.connect(self._prefer_chosen_sample)
        self.autosave.failed.connect(self._on_autosave_failed)

    # projects

    def open_project(self, path: Path, more: Sequence[Path] = ()) -> None:
        """Read a project file; it takes the place of what is open when it could be read.

        ``more`` is opened in it then.
        """
        self.jobs.submit(
            Request(
                _PROJECT, f"Opening {path.name}", opening(path), "read",
                on_done=partial(self._on_project, path, more),
                on_error=partial(self._on_project_failed, path),
            )
        )  # fmt: skip

    def new_project(self) -> None:
        """Begin anew, without a file."""
        from engine.library.project import ProjectState

        self._take_project(ProjectState(), None, {})

    def recover(self, journal: ProjectJournal, path: Path | None) -> None:
        """Take what was left in a journal in the place of what is open, and go on with it."""
        self.jobs.submit(
            Request(
                _PROJECT, "Recovering a project", recovering(journal), "read",
                on_done=partial(self._on_recovered, journal, path),
                on_error=partial(self._on_not_recovered, journal),
                on_cancelled=partial(journal.close, discard=False),
            )
        )  # fmt: skip

    def save_project(
        self,
        path: Path,
        on_done: Callable[[Path], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Write the project in the background, with what was found about its samples."""
        self.processing.accept()
        document_state = self.document.state
        found = {sample.id: self.findings.of(sample) for sample in document_state.samples}

        def saved(written: Path) -> None:
            self.document.mark_saved(document_state, written)
            on_done(written)

        self.jobs.submit(
            Request(
                ("save",), f"Saving {path.name}",
                saving(path, document_state, found, self.candidates.kept()), "save",
                on_done=saved, on_error=on_error, quiet=True,
            )
        )  # fmt: skip

    def _on_project(self, path: Path, more: Sequence[Path], result: tuple) -> None:
        opened, findings = result
        self._note_damage(path, opened.problems)
        # With the damaged parts left out it is no longer what the file holds.
        self._take_project(opened.state, path, findings, is_changed=bool(opened.problems))
        self.candidates.restore(opened)
        self.open_paths(more)

    def _on_project_failed(self, path: Path, error: Exception) -> None:
        self.problems.add(_unread(str(path), _sentence(error)))

    def _on_recovered(self, journal: ProjectJournal, path: Path | None, result: tuple) -> None:
        document_state, damaged = result
        self._note_damage(path or Path("Recovered project"), damaged)
        self._take_project(document_state, path, {}, is_changed=True, journal=journal)

    def _on_not_recovered(self, journal: ProjectJournal, error: Exception) -> None:
        self.problems.add(
            Problem(str(journal.path), f"cannot be recovered: {_sentence(error)}", "It is kept.")
        )
        journal.close(discard=False)

    def _note_damage(self, path: Path, damaged: Sequence[str]) -> None:
        self.problems.add(
            *(Problem(str(path), f"the project is damaged: {one}", _DAMAGE_ADVICE)
              for one in damaged)
        )  # fmt: skip

    def _on_autosave_failed(self, message: str) -> None:
        self.problems.add(
            Problem("Autosave", f"edits are not kept for a recovery: {message}", _AUTOSAVE_ADVICE)
        )

    def _take_project(
        self,
        document_state: ProjectState,
        path: Path | None,
        findings: dict[tuple, Finding],
        is_changed: bool = False,
        journal: ProjectJournal | None = None,
    ) -> None:
        # The job that brings the project ends with this call; what else runs is about the old one.
        for key in [job.request.key for job in self.jobs.jobs if job.request.key != _PROJECT]:
            self.jobs.cancel(key)
        self.autosave.end()
        if journal is not None:
            self.autosave.adopt(journal)
        self._presentations.clear()
        self.findings.replace_all(findings)
        self.removals.forget()
        self.candidates.restore(None)
        self.selection.choose_group(None)
        self.assigning.leave_alone(document_state)
        self.document.load(document_state, path, is_changed)

    # reading

    def open_paths(self, paths: Sequence[str | Path]) -> None:
        """Read files and folders in the background; together they are one sample unless asked."""
        paths = [Path(p) for p in paths]
        if not paths:
            return
        from engine.library.project_file import is_project

        projects = [path for path in paths if is_project(path)]
        if projects:
            self.problems.add(
                *(Problem(str(path), "is a second project", _ONE_PROJECT) for path in projects[1:])
            )
            self.project_asked.emit(projects[0], [p for p in paths if p not in projects])
            return
        if any(path.is_dir() for path in paths):
            self._calls += 1
            self.jobs.submit(
                Request(
                    ("plan", self._calls), "Looking through folders", planning(paths), "read",
                    on_done=self._on_planned,
                )
            )  # fmt: skip
        else:
            self.read(plan_reading(paths).together)

    def open_example(self) -> None:
        """Open the example spectra that come with the program, as one sample."""
        try:
            from engine.chemistry.example_sample import example_files

            paths = tuple(example_files())
        except (FileNotFoundError, ImportError) as error:
            self.problems.add(
                Problem("Example", str(error), "Install SpecGUI again to get the example back.")
            )
            return
        name = paths[0].parent.name.capitalize() if paths else ""
        self.read((Batch(f"{name} (example)", paths),))

    def read(self, batches: Sequence[Batch]) -> None:
        """Read each batch into one sample, in the background."""
        self._calls += 1
        names = batches[0].name if len(batches) == 1 else f"{len(batches)} samples"
        self.jobs.submit(
            Request(
                ("read", self._calls), f"Reading {names}", reading(batches), "read",
                on_partial=partial(self._on_read, self._calls),
                on_error=partial(self._on_read_failed, batches),
            )
        )  # fmt: skip

    def _on_planned(self, plan: ReadingPlan) -> None:
        if plan.is_ambiguous:
            self.grouping_asked.emit(plan)
        else:
            self.read(plan.together)

    def _on_read(self, call: int, results: tuple[ReadResult, ...]) -> None:
        found: list[Problem] = []
        for result in results:
            found += [_unread(path, message) for path, message in result.errors]
            found += [
                Problem(s.source.path or s.title, warning, _WARNING_ADVICE, WARNING)
                for s in (*result.spectra, *result.spectra_2d)
                for warning in s.warnings
            ]
        self.problems.add(*found)
        good = [r for r in results if r.spectra or r.runs or r.spectra_2d]
        contents = [(result.name, result.spectra) for result in good]
        ids = self.document.add_samples(
            contents, call, [result.good_paths for result in good], [r.runs for r in good],
            [r.spectra_2d for r in good],
        )  # fmt: skip
        if ids and call not in self._shown_calls:
            # The first of a call is shown; who looks at it meanwhile is not to be taken elsewhere.
            self._shown_calls.add(call)
            self.selection.choose_sample(ids[0])

    def _on_read_failed(self, batches: Sequence[Batch], error: Exception) -> None:
        path = str(batches[0].paths[0]) if batches and batches[0].paths else "Reading"
        self.problems.add(_unread(path, _sentence(error)))

    # showing

    def presentation(self, entry: SpectrumEntry, scale: str | None = None) -> Presentation | None:
        """The spectrum as it is to be drawn; None while it is made, then ``presented`` follows.

        ``scale`` is that of an infrared spectrum, None the chosen one.
        """
        if self._preview is not None and self._preview[0] == entry.id:
            return self._preview[1]
        scale = scale or self.options["ir_scale"] if entry.spectrum.technique == "IR" else ""
        found = self._presentations.get((entry.id, entry.chain, scale))
        key = ("present", entry.id, entry.chain, scale)
        if found is None and not self.jobs.has(key):
            self.jobs.submit(
                Request(
                    key, f"Preparing {entry.title}",
                    presenting(entry.spectrum, scale, entry.chain), "present",
                    on_done=partial(self._on_presented, entry, scale),
                    on_error=partial(self._on_presenting_failed, entry, scale), quiet=True,
                )
            )  # fmt: skip
        return found

    def show_preview(self, spectrum_id: int, presentation: Presentation) -> None:
        """Draw this in the place of a spectrum until the preview ends; one at a time."""
        self._preview = (spectrum_id, presentation)
        self.presented.emit(spectrum_id)

    def end_preview(self) -> None:
        """Draw the spectrum itself again."""
        preview, self._preview = self._preview, None
        if preview is not None:
            self.presented.emit(preview[0])

    def _on_presented(
        self, entry: SpectrumEntry, scale: str, made: tuple[Presentation, Spectrum]
    ) -> None:
        presentation, shown = made
        self._keep_presentation(entry, scale, presentation)
        self.jobs.submit(
            Request(
                ("peaks", entry.id, scale), f"Picking peaks of {entry.title}",
                picking(presentation, shown), "peaks",
                on_done=partial(self._keep_presentation, entry, scale),
                on_error=partial(self._on_presenting_failed, entry, scale), quiet=True,
            )
        )  # fmt: skip

    def _keep_presentation(
        self, entry: SpectrumEntry, scale: str, presentation: Presentation
    ) -> None:
        now = self.document.spectrum(entry.id)
        if now is not None and now.chain == entry.chain:
            self._presentations[(entry.id, entry.chain, scale)] = presentation
            self.presented.emit(entry.id)

    def _on_presenting_failed(self, entry: SpectrumEntry, scale: str, error: Exception) -> None:
        shown = (entry.id, entry.chain, scale) in self._presentations
        self.problems.add(
            Problem(
                entry.spectrum.source.path or entry.title,
                f"{entry.title} cannot be {'searched for peaks' if shown else 'shown'}: "
                f"{_sentence(error)}",
                "The spectrum is shown without peak labels." if shown else _OPEN_ADVICE,
                WARNING if shown else ERROR,
            )
        )  # fmt: skip

    def known_bands(
        self, technique: str, low: float, high: float, group: str | None = None
    ) -> list[KnownBand]:
        """The bands that chemists know in a region, for a group or for all of them."""
        from engine.chemistry.known_bands import bands_in

        return bands_in(technique, low, high, group=group)

    # naming groups

    def identify_groups(self, sample: SampleEntry) -> None:
        """Name the groups of a sample again; a running prediction of it is cancelled."""
        if not sample.spectra:
            return
        key = sample.basis
        # Cancelled before the state says "running": its cancelling would overwrite that.
        self.jobs.cancel(("groups", sample.id))
        self.findings.mark_running(key)
        self.jobs.submit(
            Request(
                ("groups", sample.id), f"Naming groups of {sample.name}",
                identifying(sample.name, self.models.prepared(sample), self.models.choice),
                "groups",
                on_done=partial(self._on_identified, key),
                on_error=partial(self._on_identifying_failed, key),
                on_cancelled=partial(self._on_identifying_cancelled, sample.id, key),
            ),
            first=sample.id == self.selection.sample_id,
        )  # fmt: skip

    def _on_identified(self, key: tuple, identification) -> None:
        self.findings.put(key, Finding(state.DONE, identification))

    def _on_identifying_failed(self, key: tuple, error: Exception) -> None:
        failed = state.FAILED
        if isinstance(error, NoModelHereError):
            failed = state.NO_MODEL
        elif isinstance(error, ValueError):
            failed = state.UNSUITABLE
        self.findings.put(key, Finding(failed, message=_sentence(error)))
        if failed is state.FAILED:
            self.problems.add(
                Problem("Group identification", _sentence(error), "Try again with F5.")
            )

    def _on_identifying_cancelled(self, sample_id: int, key: tuple) -> None:
        sample = self.document.sample(sample_id)
        # An edit made this prediction pointless: when it is undone, it is to start by itself.
        stopped = state.CANCELLED if sample and sample.basis == key else state.NONE
        earlier = self.findings.at(key).identification
        self.findings.put(key, Finding(state.DONE if earlier else stopped, earlier))

    def _predict_what_is_new(self) -> None:
        present = {sample.id for sample in self.document.samples}
        for key in [job.request.key for job in self.jobs.jobs_of("groups")]:
            if key[1] not in present:
                self.jobs.cancel(key)
        for sample in self.document.samples:
            if sample.spectra and self._finding_state(sample) == state.NONE:
                self.identify_groups(sample)

    def _finding_state(self, sample: SampleEntry) -> str:
        return self.findings.of(sample).state

    def _prefer_chosen_sample(self) -> None:
        if self.selection.sample_id is not None:
            self.jobs.prefer(("groups", self.selection.sample_id))

    # structures

    def structure_of(self, sample: SampleEntry | None) -> Structure | ValueError | None:
        """The sample's structure, the error of reading it, or None: unknown or being read."""
        text = sample.structure if sample else None
        if not text:
            return None
        if text not in self._structures and not self.jobs.has(("structure", text)):
            self.jobs.submit(
                Request(
                    ("structure", text), "Reading the structure", parsing(text), "structure",
                    on_done=partial(self._on_structure, text),
                    on_error=partial(self._on_structure_failed, text), quiet=True,
                )
            )  # fmt: skip
        return self._structures.get(text)

    def true_groups(self, sample: SampleEntry | None) -> frozenset[str] | None:
        """The groups of the known structure, None when it is unknown or unreadable."""
        structure = self.structure_of(sample)
        if structure is None or isinstance(structure, ValueError):
            return None
        return structure.groups

    def _on_structure(self, text: str, structure: Structure) -> None:
        self._structures[text] = structure
        self.structure_changed.emit()

    def _on_structure_failed(self, text: str, error: Exception) -> None:
        self._structures[text] = error if isinstance(error, ValueError) else ValueError(str(error))
        self.structure_changed.emit()

    # ending

    def _forget_removed(self) -> None:
        """Drop drawn data of removed spectra and given-up chains; undo makes them again."""
        present = {(e.id, e.chain) for sample in self.document.samples for e in sample.spectra}
        for key in [key for key in self._presentations if key[:2] not in present]:
            del self._presentations[key]

    def shut_down(self) -> bool:
        """Cancel all jobs and wait for their threads; what was not saved is not wanted."""
        self.autosave.end()
        return self.jobs.shut_down()


def _unread(path: str, message: str) -> Problem:
    """The problem of a path that gave no spectra; the panel has the file's name already."""
    message = message.removeprefix(f"{Path(path).name}: ")
    said = _SAID_ADVICE.match(message)
    if said:
        advice = said[2][:1].upper() + said[2][1:] + "."
        return Problem(path, said[1].rstrip("; "), advice)
    exists = Path(path).exists()
    return Problem(path, message, _OPEN_ADVICE if exists else _MISSING_ADVICE)


def _sentence(error: Exception) -> str:
    """An error as one line for a chemist."""
    text = " ".join(str(error).split())
    return text or type(error).__name__
