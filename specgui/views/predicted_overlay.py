"""The chosen candidate's predicted spectra, mirrored under the measured ones of the sample."""

from __future__ import annotations

from PySide6.QtCore import QObject

from specgui.candidate_search import CandidateSearch
from specgui.views.predicted_sticks import PredictedSticks
from specgui.views.spectrum_stack import SpectrumStack


class PredictedOverlay(QObject):
    """Follows the choice of a candidate in the plots of a stack."""

    def __init__(self, stack: SpectrumStack, search: CandidateSearch) -> None:
        super().__init__(stack)
        self._stack = stack
        self._search = search
        self._drawn: list[PredictedSticks] = []
        search.predicted_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Draw what is predicted of the chosen candidate; without one take it away again."""
        predicted = self._search.predicted
        for sticks in self._drawn:
            if self._stack.plots.get(str(sticks.plot.technique)) is sticks.plot:
                sticks.clear()
        self._drawn = []
        if predicted is None:
            return
        shown = {signal.technique for signal in predicted.signals}
        for technique, plot in self._stack.plots.items():
            if technique in shown:
                sticks = PredictedSticks(plot)
                sticks.show(predicted.signals, f"Predicted of {predicted.title}")
                self._drawn.append(sticks)
