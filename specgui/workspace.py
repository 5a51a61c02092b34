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
from specgui.document.problems import ERROR, WARNING
from specgui.workers.drawing_structures import depicting, parsing
from specgui.workers.job_board import JobBoard, Request
from specgui.workers.predicting import NoModelHereError, identifying
from specgui.workers.presenting import Presentation, picking, presenting
from specgui.workers.reading import Batch, ReadingPlan, ReadResult, plan_reading, planning, reading

if TYPE_CHECKING:
    from engine.chemistry.known_bands import KnownBand
    from engine.chemistry.structure import Structure
    from engine.spectra import Spectrum

_WARNING_ADVICE = "Shown all the same; check that it was taken as you mean it."
_OPEN_ADVICE = "Is the file complete? Of a Bruker or Varian experiment, open the folder."
_MISSING_ADVICE = "Check the path, and that its drive is there."
# A reader that knows what to do says it in brackets at the end.
_SAID_ADVICE = re.compile(r"(.+) \(((?:export|convert|open|save)[^()]+)\)$")


class Workspace(QObject):
    """The samples that are open and everything that is going on around them."""

    grouping_asked = Signal(object)  # a ReadingPlan that can be read in several ways
    presented = Signal(int)  # the id of a spectrum that can be drawn now
    structure_changed = Signal()  # a structure was read, or found to be none
    depicted = Signal(str)  # the SVG that was asked for last

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document(self)
        self.selection = Selection(self.document, self)
        self.findings = Findings(self)
        self.problems = Problems(self)
        self.options = ViewOptions(self)
        self.jobs = JobBoard(self)
        self._presentations: dict[tuple[int, str], Presentation] = {}
        self._structures: dict[str, Structure | ValueError] = {}
        self._calls = 0
        self._shown_calls: set[int] = set()
        self.document.changed.connect(self._predict_what_is_new)
        self.document.changed.connect(self._forget_removed)
        self.selection.sample_changed.connect(self._prefer_chosen_sample)

    # reading

    def open_paths(self, paths: Sequence[str | Path]) -> None:
        """Read files and folders in the background; together they are one sample unless asked."""
        paths = [Path(p) for p in paths]
        if not paths:
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
        for result in results:
            self.problems.add(
                *(_unread(path, message) for path, message in result.errors),
                *(
                    Problem(s.source.path or s.title, warning, _WARNING_ADVICE, WARNING)
                    for s in result.spectra
                    for warning in s.warnings
                ),
            )
        contents = [(result.name, result.spectra) for result in results if result.spectra]
        ids = self.document.add_samples(contents, call=call)
        if ids and call not in self._shown_calls:
            # The first of a call is shown; who looks at it meanwhile is not to be taken elsewhere.
            self._shown_calls.add(call)
            self.selection.choose_sample(ids[0])

    def _on_read_failed(self, batches: Sequence[Batch], error: Exception) -> None:
        path = str(batches[0].paths[0]) if batches and batches[0].paths else "Reading"
        self.problems.add(_unread(path, _sentence(error)))

    # showing

    def presentation(self, entry: SpectrumEntry) -> Presentation | None:
        """The spectrum as it is to be drawn; None while it is made, then ``presented`` follows."""
        scale = self.options["ir_scale"] if entry.spectrum.technique == "IR" else ""
        found = self._presentations.get((entry.id, scale))
        key = ("present", entry.id, scale)
        if found is None and not self.jobs.has(key):
            self.jobs.submit(
                Request(
                    key, f"Preparing {entry.title}", presenting(entry.spectrum, scale), "present",
                    on_done=partial(self._on_presented, entry, scale),
                    on_error=partial(self._on_presenting_failed, entry, scale), quiet=True,
                )
            )  # fmt: skip
        return found

    def _on_presented(
        self, entry: SpectrumEntry, scale: str, made: tuple[Presentation, Spectrum]
    ) -> None:
        presentation, shown = made
        self._keep_presentation(entry.id, scale, presentation)
        self.jobs.submit(
            Request(
                ("peaks", entry.id, scale), f"Picking peaks of {entry.title}",
                picking(presentation, shown), "peaks",
                on_done=partial(self._keep_presentation, entry.id, scale),
                on_error=partial(self._on_presenting_failed, entry, scale), quiet=True,
            )
        )  # fmt: skip

    def _keep_presentation(self, spectrum_id: int, scale: str, presentation: Presentation) -> None:
        if self.document.spectrum(spectrum_id) is not None:
            self._presentations[(spectrum_id, scale)] = presentation
            self.presented.emit(spectrum_id)

    def _on_presenting_failed(self, entry: SpectrumEntry, scale: str, error: Exception) -> None:
        shown = (entry.id, scale) in self._presentations
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
        key = sample.key
        # Cancelled before the state says "running": its cancelling would overwrite that.
        self.jobs.cancel(("groups", sample.id))
        self.findings.mark_running(key)
        self.jobs.submit(
            Request(
                ("groups", sample.id), f"Naming groups of {sample.name}",
                identifying(sample.as_sample()), "groups",
                on_done=partial(self._on_identified, key),
                on_error=partial(self._on_identifying_failed, key),
                on_cancelled=partial(self._on_identifying_cancelled, sample.id, key),
            ),
            first=sample.id == self.selection.sample_id,
        )  # fmt: skip

    def _on_identified(self, key: tuple[int, ...], identification) -> None:
        self.findings.put(key, Finding(state.DONE, identification))

    def _on_identifying_failed(self, key: tuple[int, ...], error: Exception) -> None:
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

    def _on_identifying_cancelled(self, sample_id: int, key: tuple[int, ...]) -> None:
        sample = self.document.sample(sample_id)
        # An edit made this prediction pointless: when it is undone, it is to start by itself.
        stopped = state.CANCELLED if sample and sample.key == key else state.NONE
        earlier = self.findings.at(key).identification
        self.findings.put(key, Finding(state.DONE if earlier else stopped, earlier))

    def _predict_what_is_new(self) -> None:
        for key in [job.request.key for job in self.jobs.jobs if job.request.lane == "groups"]:
            if self.document.sample(key[1]) is None:
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

    def depict(self, structure: Structure, width: int, height: int, dark: bool) -> None:
        """Draw a structure with the chosen group's atoms lit; ``depicted`` brings the SVG."""
        verb = depicting(structure, width, height, dark, self.selection.group)
        self.jobs.submit(
            Request(
                ("depict",), "Drawing the structure", verb, "depict",
                on_done=self.depicted.emit, on_error=self._on_depicting_failed, quiet=True,
            )
        )  # fmt: skip

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

    def _on_depicting_failed(self, error: Exception) -> None:
        self.problems.add(Problem("Structure", f"cannot be drawn: {_sentence(error)}"))

    # ending

    def _forget_removed(self) -> None:
        """Drop drawn data of removed spectra; undo makes them again."""
        present = {entry.id for sample in self.document.samples for entry in sample.spectra}
        for key in [key for key in self._presentations if key[0] not in present]:
            del self._presentations[key]

    def shut_down(self) -> bool:
        """Cancel all jobs and wait for their threads."""
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
