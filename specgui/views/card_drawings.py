"""The drawings of structure cards: made in the background for what is in view, and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from specgui.workers.drawing_cards import CardDrawing, drawing
from specgui.workers.job_board import JobBoard, Request

_KEY = ("cards",)
_MOST_KEPT = 800


class CardDrawings(QObject):
    """Keeps the drawings used last; ``drawn`` follows each new one."""

    drawn = Signal(object)  # the CardDrawing

    def __init__(self, jobs: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._kept: OrderedDict[CardDrawing, QPixmap] = OrderedDict()
        self._asked: tuple[CardDrawing, ...] = ()

    def of(self, card: CardDrawing) -> QPixmap | None:
        """The drawing, None while it is not there; an empty one of what cannot be drawn."""
        found = self._kept.get(card)
        if found is not None:
            self._kept.move_to_end(card)
        return found

    def ask(self, cards: Sequence[CardDrawing]) -> None:
        """Draw these, in this order; what was asked for before and is not among them is dropped."""
        missing = tuple(card for card in dict.fromkeys(cards) if card not in self._kept)
        if missing == self._asked and (not missing or self._jobs.has(_KEY)):
            return
        self._asked = missing
        self._jobs.cancel(_KEY)
        if missing:
            self._jobs.submit(
                Request(
                    _KEY, "Drawing structures", drawing(missing), "cards",
                    on_partial=self._on_drawn, on_error=self._on_failed, quiet=True,
                )
            )  # fmt: skip

    def _on_drawn(self, result: tuple[CardDrawing, QImage]) -> None:
        card, image = result
        self._kept[card] = QPixmap.fromImage(image)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        self.drawn.emit(card)

    def _on_failed(self, _error: Exception) -> None:
        """A card without a drawing still says its SMILES; what is left is drawn when next asked."""
        self._asked = ()
