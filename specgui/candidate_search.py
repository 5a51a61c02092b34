"""Looking for a sample's molecule: searches, rankings, verifications, and what is predicted.

Results are findings about the spectra, not edits; the structure that is chosen is one edit.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from specgui.document import Problem, SampleEntry
from specgui.document import findings as state
from specgui.document.candidates import (
    NUCLEI,
    RANK,
    SEARCH,
    Candidate,
    CandidateFinding,
    CandidateFindings,
    CheckFinding,
    CheckFindings,
    Query,
    evidence_of,
)
from specgui.document.stored_candidates import restored_candidates, restored_checks, stored
from specgui.workers.job_board import Request
from specgui.workers.searching import (
    PredictedSpectra,
    predicting,
    ranking,
    searching,
    verifying,
)

if TYPE_CHECKING:
    from engine.library.project_file import OpenedProject
    from specgui.workspace import Workspace

_LANE = "candidates"
_PREDICT = ("predict candidate",)
_LIST = "pasted list"


class CandidateSearch(QObject):
    """The candidates of a workspace's samples and how their structures stand up to the spectra."""

    chosen_changed = Signal()  # another card, or none, is chosen
    predicted_changed = Signal()  # other predicted spectra are to be drawn, or none

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self.candidates = CandidateFindings(self)
        self.checks = CheckFindings(self)
        self._chosen: Candidate | None = None
        self._predicted: PredictedSpectra | None = None
        self._sample_id: int | None = None
        workspace.selection.sample_changed.connect(self._forget_choice)

    # searching and ranking

    @staticmethod
    def nuclei_of(sample: SampleEntry | None) -> tuple[str, ...]:
        """The techniques of a sample that a search can use."""
        return tuple(t for t in NUCLEI if sample is not None and t in sample.techniques)

    def search(self, sample: SampleEntry, query: Query) -> None:
        """Search a library for the molecule of a sample; a running search of it is cancelled."""
        about = CandidateFinding(origin=SEARCH, source=query.library, query=query)
        self._find(sample, searching(sample, query), f"Searching for {sample.name}",
                   about)  # fmt: skip

    def rank(self, sample: SampleEntry, candidates: Path | str) -> None:
        """Rank the molecules of a SMILES file, or of a text with one on each line."""
        source = candidates.name if isinstance(candidates, Path) else _LIST
        verb = ranking(sample, candidates, source)
        about = CandidateFinding(origin=RANK, source=source)
        self._find(sample, verb, f"Ranking candidates for {sample.name}", about)

    def progress_of(self, sample: SampleEntry) -> str:
        """What the running search or ranking of a sample does now; empty without one."""
        key = ("candidates", sample.id)
        jobs = self._workspace.jobs.jobs
        return next((job.text for job in jobs if job.request.key == key), "")

    def cancel(self, sample: SampleEntry) -> None:
        self._workspace.jobs.cancel(("candidates", sample.id))

    def _find(self, sample: SampleEntry, verb: Any, title: str, about: CandidateFinding) -> None:
        basis, key = evidence_of(sample), ("candidates", sample.id)
        self._workspace.jobs.cancel(key)
        before = self.candidates.at(basis)
        self.choose(None)
        self.candidates.mark_running(sample.id, basis, about)
        self._workspace.jobs.submit(
            Request(
                key, title, verb, _LANE,
                on_done=partial(self._on_found, sample.id, basis),
                on_error=partial(self._on_failed, sample.id, basis, about),
                on_cancelled=partial(self._on_cancelled, sample.id, basis, before),
            )
        )  # fmt: skip

    def _on_found(self, sample_id: int, basis: tuple, finding: CandidateFinding) -> None:
        self.candidates.put(sample_id, basis, finding)
        if finding.origin == SEARCH:
            # The first search made a library of the molecules that ship, of a part of them.
            self._workspace.libraries.complete_starter()

    def _on_failed(
        self, sample_id: int, basis: tuple, about: CandidateFinding, error: Exception
    ) -> None:
        failed = CandidateFinding(
            _state_of(error), about.origin, about.source, query=about.query,
            message=_sentence(error),
        )  # fmt: skip
        self.candidates.put(sample_id, basis, failed)
        if failed.state == state.FAILED:
            what = "Search" if about.origin == SEARCH else "Ranking"
            self._workspace.problems.add(Problem(what, _sentence(error), "Try again."))

    def _on_cancelled(self, sample_id: int, basis: tuple, before: CandidateFinding) -> None:
        if before.state == state.DONE:
            self.candidates.put(sample_id, basis, before)
        else:
            self.candidates.forget(basis)

    # one candidate

    @property
    def chosen(self) -> Candidate | None:
        return self._chosen

    @property
    def predicted(self) -> PredictedSpectra | None:
        """The predicted spectra of the chosen candidate, None until they are there."""
        return self._predicted

    def choose(self, candidate: Candidate | None) -> None:
        """Choose a card: its predicted spectrum is drawn under the measured one."""
        if candidate == self._chosen:
            return
        self._chosen = candidate
        self._workspace.jobs.cancel(_PREDICT)
        self._set_predicted(None)
        self.chosen_changed.emit()
        sample = self._workspace.selection.sample
        techniques = self.nuclei_of(sample)
        if candidate is not None and techniques:
            self._workspace.jobs.submit(
                Request(
                    _PREDICT, f"Predicting the spectrum of {candidate.title}",
                    predicting(candidate.smiles, candidate.title, techniques, _solvent(sample)),
                    "predict", on_done=self._set_predicted, on_error=self._on_not_predicted,
                )
            )  # fmt: skip

    def use_as_structure(self, sample: SampleEntry, candidate: Candidate) -> None:
        """Make a candidate the sample's structure, as one step that can be undone."""
        self._workspace.document.set_structure(sample.id, candidate.smiles)

    def _set_predicted(self, predicted: PredictedSpectra | None) -> None:
        if predicted is not self._predicted:
            self._predicted = predicted
            self.predicted_changed.emit()

    def _on_not_predicted(self, error: Exception) -> None:
        self._workspace.problems.add(
            Problem("Predicted spectrum", _sentence(error), "The candidate stays in the list.")
        )

    def _forget_choice(self) -> None:
        """Another sample is chosen; an edit of the same one leaves the choice."""
        if self._workspace.selection.sample_id != self._sample_id:
            self._sample_id = self._workspace.selection.sample_id
            self.choose(None)

    # verification

    def verify(self, sample: SampleEntry, smiles: str | None = None, title: str = "") -> None:
        """Ask whether a structure, without one the sample's own, fits the sample's spectra."""
        smiles = smiles or sample.structure
        if not smiles:
            return
        basis, key = evidence_of(sample), ("verify", sample.id)
        self._workspace.jobs.cancel(key)
        before = self.checks.at(basis, smiles)
        about = (sample.id, basis, smiles)
        self.checks.put(sample.id, basis, CheckFinding(state.RUNNING, smiles, title))
        self._workspace.jobs.submit(
            Request(
                key, f"Verifying {title or 'the structure'}", verifying(sample, smiles),
                _LANE, on_done=partial(self._on_verified, *about, title),
                on_error=partial(self._on_not_verified, *about, title),
                on_cancelled=partial(self._on_verifying_cancelled, *about, before),
            )
        )  # fmt: skip

    def _on_verified(
        self, sample_id: int, basis: tuple, smiles: str, title: str, verification: Any
    ) -> None:
        self.checks.put(sample_id, basis, CheckFinding(state.DONE, smiles, title, verification))

    def _on_not_verified(
        self, sample_id: int, basis: tuple, smiles: str, title: str, error: Exception
    ) -> None:
        failed = CheckFinding(_state_of(error), smiles, title, message=_sentence(error))
        self.checks.put(sample_id, basis, failed)
        if failed.state == state.FAILED:
            self._workspace.problems.add(Problem("Verification", failed.message, "Try again."))

    def _on_verifying_cancelled(
        self, sample_id: int, basis: tuple, smiles: str, before: CheckFinding
    ) -> None:
        if before.verification is not None:
            self.checks.put(sample_id, basis, before)
        else:
            self.checks.forget(sample_id, basis, smiles)

    # projects

    def kept(self) -> dict[int, dict[str, Any]]:
        """By sample, what a project file keeps: the candidates and the verifications."""
        return {
            sample.id: stored(
                None if self.candidates.is_stale(sample) else self.candidates.of(sample),
                self.checks.results_of(sample),
            )
            for sample in self._workspace.document.samples
        }

    def restore(self, opened: OpenedProject | None) -> None:
        """Take the findings of a project that was opened; None for one without any."""
        self.choose(None)
        candidates, checks = [], []
        for sample in opened.state.samples if opened else ():
            predictions = opened.predictions.get(sample.id, {})
            found = restored_candidates(predictions)
            if found is not None:
                candidates.append((sample, found))
            checks.append((sample, restored_checks(predictions)))
        self.candidates.replace_all(candidates)
        self.checks.replace_all(checks)


def _solvent(sample: SampleEntry) -> str | None:
    """The solvent that the sample's NMR spectra agree on."""
    said = {
        str(e.spectrum.metadata["solvent"]) for e in sample.spectra
        if e.spectrum.technique.is_nmr and e.spectrum.metadata.get("solvent")
    }  # fmt: skip
    return said.pop() if len(said) == 1 else None


def _state_of(error: Exception) -> str:
    """An error as the state of a finding: no model or library, unsuitable spectra, or a fault."""
    if isinstance(error, ValueError):
        return state.UNSUITABLE
    missing = (
        isinstance(error, (FileNotFoundError, LookupError)) or "NoModel" in type(error).__name__
    )
    return state.NO_MODEL if missing else state.FAILED


def _sentence(error: Exception) -> str:
    """An error as one line for a chemist."""
    text = " ".join(str(error).split())
    return text or type(error).__name__
