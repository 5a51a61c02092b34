"""The spectra predicted of the sample's own structure, mirrored under the measured ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from specgui.document import Problem
from specgui.views.predicted_sticks import PredictedSticks
from specgui.views.spectrum_stack import SpectrumStack
from specgui.workers.assigning import predicting_shifts
from specgui.workers.job_board import Request
from specgui.workspace import Workspace

if TYPE_CHECKING:
    from engine.chemistry.predicted_shifts import PredictedSignal

_LAYER = "structure"
_KEY = ("predict structure",)
_ADVICE = "The measured spectra are shown without it."
_MOST_KEPT = 20


class StructurePrediction(QObject):
    """Draws the prediction while the option is on; pointing at a stick points at its atoms."""

    def __init__(self, workspace: Workspace, stack: SpectrumStack) -> None:
        super().__init__(stack)
        self._workspace = workspace
        self._stack = stack
        self._made: dict[tuple, tuple[PredictedSignal, ...]] = {}
        self._drawn: dict[str, tuple[PredictedSticks, tuple]] = {}
        workspace.assigning.changed.connect(self.refresh)
        workspace.options.changed.connect(lambda name: self.refresh(name == "predicted"))

    def refresh(self, wanted: bool = True) -> None:
        """Draw what is predicted of the structure in view, or ask for it."""
        if not wanted:
            return
        assigning = self._workspace.assigning
        structure, techniques = assigning.structure, assigning.techniques
        on = self._workspace.options["predicted"] and structure is not None
        signals: tuple[PredictedSignal, ...] = ()
        if on and techniques:
            key = (structure.molblock, techniques, self._solvent())
            if key not in self._made:
                self._ask(key)
            signals = self._made.get(key, ())
        for technique, plot in self._stack.plots.items():
            sticks, shown = self._drawn.get(technique, (None, None))
            if sticks is None or sticks.plot is not plot:
                if not signals:
                    continue
                sticks, shown = PredictedSticks(plot, _LAYER), None
                sticks.band.pointed_at.connect(partial(self._point_at, sticks))
            if shown is not signals:
                self._drawn[technique] = (sticks, signals)
                sticks.show(signals, "Predicted of the structure")

    def _point_at(self, sticks: PredictedSticks, atoms: tuple[int, ...]) -> None:
        if sticks.is_on_top:
            self._workspace.assigning.point_at_atoms(atoms)

    def _ask(self, key: tuple) -> None:
        if self._workspace.jobs.has((*_KEY, key)):
            return
        self._workspace.jobs.submit(
            Request(
                (*_KEY, key), "Predicting the spectrum of the structure",
                predicting_shifts(*key), "predict",
                on_done=partial(self._on_made, key), on_error=partial(self._on_failed, key),
            )
        )  # fmt: skip

    def _on_made(self, key: tuple, signals: tuple[PredictedSignal, ...]) -> None:
        while len(self._made) >= _MOST_KEPT:
            del self._made[next(iter(self._made))]
        self._made[key] = signals
        self.refresh()

    def _on_failed(self, key: tuple, error: Exception) -> None:
        self._made[key] = ()
        self._workspace.problems.add(Problem("Predicted spectrum", str(error), _ADVICE))

    def _solvent(self) -> str | None:
        sample = self._workspace.selection.sample
        said = {
            str(e.spectrum.metadata["solvent"]) for e in sample.spectra
            if e.spectrum.technique.is_nmr and e.spectrum.metadata.get("solvent")
        }  # fmt: skip
        return said.pop() if len(said) == 1 else None
