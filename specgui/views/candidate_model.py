"""The candidates as a list model, and the orders in which they can be shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt

from specgui.document.candidates import Candidate
from specgui.views.group_model import percent

CANDIDATE_ROLE = Qt.ItemDataRole.UserRole + 1

ORDERS = {
    "rank": "Best first",
    "matched": "Most peaks matched",
    "name": "By name",
    "formula": "By formula",
    "check": "Best verified first",
}


class CandidateModel(QAbstractListModel):
    """One row a candidate in the chosen order; ``scores`` of verifications are by SMILES."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self.candidates: tuple[Candidate, ...] = ()
        self.scores: dict[str, float] = {}
        self._order = "rank"
        self._rows: list[Candidate] = []

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = tuple(candidates)
        self._arrange()

    def set_order(self, order: str) -> None:
        """Show the candidates in one of the ``ORDERS``; equal ones stay by their rank."""
        self._order = order if order in ORDERS else "rank"
        self._arrange()

    def set_scores(self, scores: dict[str, float]) -> None:
        """Take the scores of the verifications that there are."""
        if scores == self.scores:
            return
        self.scores = scores
        if self._order == "check":
            self._arrange()
        elif self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def row_of(self, candidate: Candidate | None) -> int:
        """The row of a candidate, -1 for one that is not there."""
        return self._rows.index(candidate) if candidate in self._rows else -1

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        if not index.isValid():
            return None
        candidate = self._rows[index.row()]
        if role == CANDIDATE_ROLE:
            return candidate
        if role == Qt.ItemDataRole.DisplayRole:
            return candidate.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{candidate.name}\n{candidate.smiles}" if candidate.name else candidate.smiles
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join((f"{candidate.rank}. {candidate.title}", *facts(candidate)))
        return None

    def _arrange(self) -> None:
        self.beginResetModel()
        self._rows = sorted(self.candidates, key=self._key)
        self.endResetModel()

    def _key(self, candidate: Candidate) -> tuple:
        first: object = 0
        if self._order == "matched":
            first = -(candidate.matched or 0)
        elif self._order == "name":
            first = (not candidate.name, candidate.name.casefold())
        elif self._order == "formula":
            first = candidate.formula
        elif self._order == "check":
            first = -self.scores.get(candidate.smiles, -2.0)
        return (first, candidate.rank)


def facts(candidate: Candidate) -> tuple[str, ...]:
    """What a card says beside name and formula: probability or score, and the peaks."""
    said = []
    if candidate.probability is not None:
        said.append(f"Probability {percent(candidate.probability)}")
    if candidate.matched is not None:
        said.append(f"Score {score_text(candidate.score)}")
        of = f" of {candidate.peaks}" if candidate.peaks else ""
        s = "" if candidate.matched == 1 and not of else "s"
        said.append(f"{candidate.matched}{of} peak{s}")
    return tuple(said)


def score_text(score: float) -> str:
    """A score with three digits that mean something."""
    if not math.isfinite(score):
        return "–"
    return f"{score:.3g}" if abs(score) < 100 else f"{score:.0f}"
