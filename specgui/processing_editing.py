"""The processing of the spectrum in hand as it is edited: a draft, its preview, and one edit each.

A parameter that is changed makes a draft: it is computed in the background and drawn in the place
of the spectrum. Accepting it is one edit of the document; rejecting it leaves no trace. What
changes the list of steps (adding, removing, moving, switching) is an edit at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from specgui.document import Problem, SpectrumEntry
from specgui.document.problems import WARNING
from specgui.workers.job_board import Request
from specgui.workers.processing import FoundPhase, Processed, Tried, phasing, processing, trying

if TYPE_CHECKING:
    from engine.processing import Chain, Step
    from engine.processing.chain_run import ChainRun, Outcome
    from engine.spectra import Spectrum
    from specgui.workspace import Workspace

_LANE = "process"
_KEY = ("process",)
# A run that is younger is waited for, so that a preview shows while a slider moves on and on.
_PATIENCE_S = 0.25
_TRY_ADVICE = "It is left as it was. Process it on its own."
SAMPLE, PROJECT = "sample", "project"


class ProcessingEditing(QObject):
    """Edits one spectrum's chain; ``changed`` follows whatever is to be seen of it."""

    changed = Signal()
    phase_found = Signal(str)  # what the automatic phase remarked, empty for nothing
    applied = Signal(str)  # what was done to other spectra

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._id: int | None = None
        self._base: tuple[SpectrumEntry, Chain | None] | None = None
        self._committed: tuple[Step, ...] | None = None
        self._draft: tuple[Step, ...] | None = None
        self._edited: int | None = None
        self._run: ChainRun | None = None
        self._active = False
        self._call = 0
        self._started: float | None = None
        self._again = False
        workspace.document.changed.connect(self._follow_document)
        workspace.options.changed.connect(self._on_option)

    # what is there

    @property
    def entry(self) -> SpectrumEntry | None:
        """The spectrum whose processing is edited."""
        return self._workspace.document.spectrum(self._id)

    @property
    def steps(self) -> tuple[Step, ...] | None:
        """The steps as they are shown: the draft's, else those that are applied; None: not known
        yet."""
        return self._committed if self._draft is None else self._draft

    @property
    def is_draft(self) -> bool:
        """Whether something was changed that is not accepted yet."""
        return self._draft is not None

    @property
    def is_acceptable(self) -> bool:
        """Whether there is a draft, and the step that was changed did not fail."""
        if self._draft is None:
            return False
        outcome = self.outcome(self._edited) if self._edited is not None else None
        return outcome is None or not outcome.error

    @property
    def is_default(self) -> bool:
        """Whether the chemist chose no processing."""
        return self._draft is None and self._base is not None and self._base[1] is None

    @property
    def is_busy(self) -> bool:
        return self._started is not None

    @property
    def run(self) -> ChainRun | None:
        """What came of the steps as they are shown; None while that is computed."""
        if self._run is None or self._run.chain.steps != self.steps:
            return None
        return self._run

    @property
    def last_run(self) -> ChainRun | None:
        """What came of the steps the last time; they may have changed since."""
        return self._run

    def before(self, number: int) -> Spectrum | None:
        """The spectrum that a step gets; None while it is not known."""
        run, steps = self._run, self.steps
        if run is None or steps is None or number > len(run.outcomes):
            return None
        return run.before(number) if run.chain.steps[:number] == steps[:number] else None

    def outcome(self, number: int) -> Outcome | None:
        """What came of a step; None while it is not known."""
        run, steps = self._run, self.steps
        if run is None or steps is None or number >= len(run.outcomes):
            return None
        same = run.chain.steps[: number + 1] == steps[: number + 1]
        return run.outcomes[number] if same else None

    # what is edited

    def set_target(self, spectrum_id: int | None) -> None:
        """Edit another spectrum; a draft of the one before is accepted."""
        if spectrum_id == self._id:
            return
        self.accept()
        self._id = spectrum_id
        self._reset()

    def set_active(self, active: bool) -> None:
        """Compute what came of the steps only while somebody looks at it."""
        if active != self._active:
            self._active = active
            if active and self.run is None:
                self._compute()

    # the draft

    def change(self, number: int, parameters: Mapping[str, Any]) -> None:
        """Give a step other parameters, as a draft; a value out of range is not taken."""
        from engine.processing import Step

        steps = self.steps
        if steps is None or not 0 <= number < len(steps):
            return
        step = steps[number]
        try:
            changed = Step(step.name, {**step.parameters, **parameters}, step.enabled)
        except ValueError:
            return
        if changed == step:
            return
        edited = (*steps[:number], changed, *steps[number + 1 :])
        self._edited = number
        self._draft = None if edited == self._committed else edited
        if self._draft is None:
            self._drop_preview()
        self._compute()
        self.changed.emit()

    def accept(self) -> None:
        """Make the draft the spectrum's processing: one edit. One that fails is given up."""
        if not self.is_acceptable:
            self.reject()
        draft, self._draft = self._draft, None
        if draft is not None:
            self._commit(draft)

    def reject(self) -> None:
        """Go back to what is applied."""
        if self._draft is not None:
            self._draft = None
            self._drop_preview()
            self._compute()
            self.changed.emit()

    # edits at once

    def add(self, name: str, wanted: int | None = None) -> int | None:
        """Put a step in before number ``wanted`` (None: at the end), or where it suits.

        A step that prepares for it comes along where one is needed. Returns its number.
        """
        from engine.processing import Step
        from engine.processing.steps import step_kind

        self.accept()
        steps = self.steps
        if steps is None:
            return None
        place = len(steps) if wanted is None else min(wanted, len(steps))
        new = [Step(name)]
        run = self.run
        if run is not None:
            fitting = run.place_for(name, place)
            if fitting is not None:
                place = fitting
                new = [Step(name, _proposed(name, run, place))]
            elif name in run.prepared:
                place = run.prepared[name]
                new = [Step(step_kind(name).prepared_by), Step(name)]
        self._commit((*steps[:place], *new, *steps[place:]))
        return place + len(new) - 1

    def remove(self, number: int) -> None:
        """Take a step out."""
        self.accept()
        steps = self.steps
        if steps is not None and 0 <= number < len(steps):
            self._commit((*steps[:number], *steps[number + 1 :]))

    def move(self, number: int, to: int) -> None:
        """Put a step at another place: ``to`` is its number afterwards."""
        self.accept()
        steps = list(self.steps or ())
        if 0 <= number < len(steps) and 0 <= to < len(steps) and to != number:
            steps.insert(to, steps.pop(number))
            self._commit(tuple(steps))

    def switch(self, number: int, enabled: bool) -> None:
        """Switch a step off or on again."""
        from dataclasses import replace

        self.accept()
        steps = self.steps
        if steps is not None and 0 <= number < len(steps) and steps[number].enabled != enabled:
            switched = replace(steps[number], enabled=enabled)
            self._commit((*steps[:number], switched, *steps[number + 1 :]))

    def use(self, chain: Chain | None) -> None:
        """Take another chain; None: the default one of the kind of spectrum."""
        self.reject()
        if self._id is not None:
            self._workspace.document.set_chain(self._id, chain)

    # phase

    def phase_by_hand(self) -> int | None:
        """A phase step to be turned by hand: the one there is, else in the place of an automatic
        one, with what that found, else a new one. Returns its number, None where none suits."""
        from engine.processing import Step

        self.accept()
        steps, run = self.steps, self.run
        if steps is None:
            return None
        names = [step.name if step.enabled else "" for step in steps]
        if "phase" in names:
            return len(names) - 1 - names[::-1].index("phase")
        if "automatic_phase" not in names:
            suits = run is not None and (
                run.place_for("phase", len(steps)) is not None or "phase" in run.prepared
            )
            return self.add("phase", self._phase_place(steps, run)) if suits else None
        number = names.index("automatic_phase")
        parameters: dict[str, Any] = {}
        if run is not None:
            parameters = _proposed("phase", run, number)
            after = run.outcomes[number].spectrum
            before = run.before(number)
            found = after.metadata.get("phase_deg") if after is not None else None
            if found is not None and before is not None and found is not before.metadata.get(
                "phase_deg"
            ):  # fmt: skip
                parameters |= about_pivot(
                    float(found[0]), float(found[1]), before, parameters.get("pivot_ppm")
                )
        self._commit((*steps[:number], Step("phase", parameters), *steps[number + 1 :]))
        return number

    @staticmethod
    def _phase_place(steps: Sequence[Step], run: ChainRun | None) -> int | None:
        """Right behind the transform, where phases belong: before base line and reference."""
        names = [step.name for step in steps]
        if "fourier_transform" in names:
            return names.index("fourier_transform") + 1
        return 0 if run is not None and "phase" in run.suiting(0) else None

    def find_phase(self, number: int) -> None:
        """Turn a phase step further to where the lines are purest absorption, as a draft."""
        run = self.run
        if run is None or not 0 <= number < len(run.outcomes) or self._id is None:
            return
        before, after = run.before(number), run.outcomes[number].spectrum
        if before is None or after is None:
            return
        self._workspace.jobs.submit(
            Request(
                ("find phase",), "Finding the phase", phasing(after), _LANE,
                on_done=partial(self._on_phase, self._id, number, before, self.steps),
                on_error=partial(self._on_failed, "The phase cannot be found"),
            )
        )  # fmt: skip

    def _on_phase(
        self, spectrum_id: int, number: int, before: Spectrum, steps: tuple, found: FoundPhase
    ) -> None:
        if spectrum_id != self._id or steps != self.steps:
            return
        old = steps[number].parameters
        turn = about_pivot(found.zero, found.first, before, old["pivot_ppm"])
        zero = old["zero_order_deg"] + turn["zero_order_deg"]
        self.change(
            number,
            {
                "zero_order_deg": round((zero + 180.0) % 360.0 - 180.0, 2),
                "first_order_deg": round(old["first_order_deg"] + turn["first_order_deg"], 2),
            },
        )
        self.phase_found.emit(found.said)

    # other spectra

    def others(self, scope: str) -> list[SpectrumEntry]:
        """The other spectra of this technique and kind, in the sample or in the project."""
        return list(self._others(scope))

    def has_others(self, scope: str) -> bool:
        """Whether there are such."""
        return any(True for _ in self._others(scope))

    def _others(self, scope: str) -> Iterator[SpectrumEntry]:
        entry = self.entry
        if entry is None:
            return
        document = self._workspace.document
        sample = document.sample_of(entry.id)
        samples = document.samples if scope == PROJECT else ((sample,) if sample else ())
        technique, kind = entry.spectrum.technique, entry.spectrum.kind
        for one in samples:
            for other in one.spectra:
                spectrum = other.spectrum
                if other.id != entry.id and (spectrum.technique, spectrum.kind) == (
                    technique, kind,
                ):  # fmt: skip
                    yield other

    def apply_to_others(self, scope: str) -> None:
        """Process the other spectra of this technique in the same way, as one edit."""
        self.accept()
        entry, others = self.entry, self.others(scope)
        if entry is None or not others:
            return
        chain = entry.chain
        if chain is None:
            self._on_tried(None, Tried(tuple(other.id for other in others), ()))
            return
        what = f"{len(others)} spectra" if len(others) > 1 else others[0].title
        self._workspace.jobs.submit(
            Request(
                ("apply processing",), f"Processing {what}", trying(others, chain), "try",
                on_done=partial(self._on_tried, chain),
                on_error=partial(self._on_failed, "The processing cannot be applied"),
            )
        )  # fmt: skip

    def _on_tried(self, chain: Chain | None, tried: Tried) -> None:
        self._workspace.document.set_chains(tried.good, chain)
        self._workspace.problems.add(
            *(Problem(path, f"{title} cannot be processed like this: {why}", _TRY_ADVICE, WARNING)
              for path, title, why in tried.bad)
        )  # fmt: skip
        count = len(tried.good)
        said = f"{count} other {'spectrum is' if count == 1 else 'spectra are'} processed like this"
        if tried.bad:
            said += f", {len(tried.bad)} cannot be: see Problems"
        self.applied.emit(said)

    # how

    def _commit(self, steps: tuple[Step, ...]) -> None:
        from engine.processing import Chain

        if self._id is None:
            return
        if steps == self._committed:
            self._drop_preview()
            self.changed.emit()
            return
        self._workspace.document.set_chain(self._id, Chain(steps))

    def _follow_document(self) -> None:
        entry = self.entry
        base = (entry, entry.chain) if entry is not None else None
        if entry is None and self._id is None:
            return
        if base is None or self._base is None or base[1] != self._base[1]:
            # Of a removed spectrum the id stays: an undo brings it back.
            self._reset()

    def _reset(self) -> None:
        """Begin with the spectrum's processing as the document has it."""
        self._workspace.jobs.cancel(_KEY)
        self._drop_preview()
        entry = self.entry
        self._base = (entry, entry.chain) if entry is not None else None
        self._draft = self._edited = None
        self._started, self._again = None, False
        self._committed = None
        if entry is None or (self._run is not None and self._run.source is not entry.spectrum):
            self._run = None
        if entry is not None:
            self._committed = entry.chain.steps if entry.chain is not None else None
            if entry.chain is None and entry.spectrum.kind != "fid":
                self._committed = ()
        self._compute()
        self.changed.emit()

    def _drop_preview(self) -> None:
        self._workspace.end_preview()

    def _compute(self) -> None:
        """Find out, in the background, what comes of the steps; the newest wish wins."""
        from engine.processing import Chain

        entry = self.entry
        if entry is None or not (self._active or self.is_draft):
            return
        if self._started is not None and monotonic() - self._started < _PATIENCE_S:
            self._again = True
            return
        self._again = False
        steps = self.steps
        chain = None if steps is None else Chain(steps)
        scale = self._workspace.options["ir_scale"] if entry.spectrum.technique == "IR" else ""
        verb = processing(
            entry.spectrum, chain, scale, self._run, self._edited, is_preview=self.is_draft
        )
        self._call += 1
        self._workspace.jobs.submit(
            Request(
                _KEY, f"Processing {entry.title}", verb, _LANE,
                on_done=partial(self._on_processed, self._call),
                on_error=partial(self._on_failed, f"{entry.title} cannot be processed"),
                quiet=True,
            ),
            first=True,
        )  # fmt: skip
        self._started = monotonic()

    def _on_processed(self, call: int, processed: Processed | None) -> None:
        if call != self._call:
            return
        self._started = None
        entry = self.entry
        if processed is None or entry is None or processed.run.source is not entry.spectrum:
            return
        self._run = processed.run
        if self.steps is None:
            self._committed = processed.run.chain.steps
        if self.is_draft and processed.presentation is not None:
            self._workspace.show_preview(entry.id, processed.presentation)
        # Offers are not looked for during a preview.
        stale = self._run.chain.steps != self.steps
        if self._again or stale:
            self._compute()
        self.changed.emit()

    def _on_failed(self, what: str, error: Exception) -> None:
        self._started = None
        entry = self.entry
        path = entry.spectrum.source.path or entry.title if entry else "Processing"
        self._workspace.problems.add(
            Problem(path, f"{what}: {error}", "Choose Default processing, or other parameters.")
        )
        self.changed.emit()

    def _on_option(self, name: str) -> None:
        if name == "ir_scale" and self.is_draft:
            self._compute()


def about_pivot(
    zero: float, first: float, spectrum: Spectrum, pivot_ppm: float | None
) -> dict[str, float]:
    """Parameters of a phase step about a pivot, from angles (degrees) about the first point."""
    from engine.processing.phasing import pivot_place

    zero += first * pivot_place(spectrum, pivot_ppm)
    return {
        "zero_order_deg": round((zero + 180.0) % 360.0 - 180.0, 2),
        "first_order_deg": round(first, 2),
    }


def _proposed(name: str, run: ChainRun, place: int) -> dict[str, Any]:
    """Parameters that suit the spectrum better than the defaults: the pivot at its tallest peak."""
    spectrum = run.before(place)
    if name != "phase" or spectrum is None:
        return {}
    import numpy as np

    strength = np.abs(np.nan_to_num(spectrum.y))
    if spectrum.y_imaginary is not None:
        strength = np.hypot(strength, np.nan_to_num(spectrum.y_imaginary))
    return {"pivot_ppm": round(float(spectrum.x[int(np.argmax(strength))]), 4)}
