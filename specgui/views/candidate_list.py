"""The cards of the candidates: a list that draws only what is in view."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from specgui.appearance import Appearance
from specgui.document.candidates import Candidate
from specgui.views.candidate_model import (
    CANDIDATE_ROLE,
    CandidateModel,
    facts,
)
from specgui.views.card_drawings import CardDrawings
from specgui.workers.drawing_cards import CardDrawing

_PICTURE = QSize(142, 96)
_MARGIN, _GAP = 6, 10
_BAR = 5
_ASK_MS = 30
_AHEAD = 12
"""Cards beyond the view that are drawn too."""
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FITS, AGAINST = 0.3, -0.3
"""From where on a verification speaks for and against a structure."""


class CandidateList(QListView):
    """Cards in the chosen order; ``card_chosen`` carries a candidate, or None for none."""

    card_chosen = Signal(object)
    card_activated = Signal(object)
    menu_wanted = Signal(object, QPoint)

    def __init__(self, drawings: CardDrawings, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._drawings = drawings
        self._appearance = appearance
        self._reference = ""
        self.cards = CandidateModel(self)
        self.setModel(self.cards)
        self.setItemDelegate(CardDelegate(self, appearance))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMouseTracking(True)
        self.setAccessibleName("Candidate structures")
        self._following = False
        self._ask_soon = QTimer(self)
        self._ask_soon.setSingleShot(True)
        self._ask_soon.setInterval(_ASK_MS)
        self._ask_soon.timeout.connect(self._ask_for_drawings)
        self.selectionModel().selectionChanged.connect(self._on_selected)
        self.doubleClicked.connect(lambda index: self.card_activated.emit(candidate_at(index)))
        self.customContextMenuRequested.connect(self._on_menu)
        # Not start itself: it would take the value for its milliseconds.
        self.verticalScrollBar().valueChanged.connect(lambda _: self._ask_soon.start())
        self.cards.modelReset.connect(self._ask_soon.start)
        drawings.drawn.connect(self._on_drawn)
        appearance.changed.connect(self._on_theme)

    @property
    def chosen(self) -> Candidate | None:
        indexes = self.selectedIndexes()
        return candidate_at(indexes[0]) if indexes else None

    def set_candidates(self, candidates) -> None:
        if tuple(candidates) != self.cards.candidates:
            self.cards.set_candidates(candidates)
            self.scrollToTop()

    def set_order(self, order: str) -> None:
        """Show the cards in another order, from the top; the chosen one stays chosen."""
        chosen = self.chosen
        self._following = True
        self.cards.set_order(order)
        self._following = False
        self.choose(chosen)
        self.scrollToTop()

    def set_reference(self, smiles: str) -> None:
        """Mark in each drawing the atoms that this structure does not have; empty for none."""
        if smiles != self._reference:
            self._reference = smiles
            self.viewport().update()
            self._ask_soon.start()

    def choose(self, candidate: Candidate | None) -> None:
        """Mark the card of a candidate."""
        if candidate == self.chosen:
            return
        self._following = True
        self.selectionModel().clear()
        row = self.cards.row_of(candidate)
        if row >= 0:
            self.setCurrentIndex(self.cards.index(row))
        self._following = False

    def drawing_of(self, candidate: Candidate) -> CardDrawing:
        """What the picture of a card depends on."""
        reference = self._reference
        return CardDrawing(
            candidate.smiles, "" if reference == candidate.smiles else reference,
            _PICTURE.width(), _PICTURE.height(), self._appearance.theme.is_dark,
            self.devicePixelRatioF(),
        )  # fmt: skip

    def picture_of(self, candidate: Candidate):
        """The drawing of a card, None while it is made."""
        return self._drawings.of(self.drawing_of(candidate))

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen is not None:
            self.card_activated.emit(self.chosen)
        elif event.key() == Qt.Key.Key_Escape and self.chosen is not None:
            self.selectionModel().clear()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._ask_soon.start()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._ask_soon.start()

    def hideEvent(self, event) -> None:
        self._ask_soon.stop()
        super().hideEvent(event)

    def _ask_for_drawings(self) -> None:
        """Have drawn what is in view and what comes next, from the top of the view on."""
        count = self.cards.rowCount()
        if not count or not self.isVisible():
            self._drawings.ask(())
            return
        first = max(self.indexAt(QPoint(4, 4)).row(), 0)
        last = self.indexAt(QPoint(4, self.viewport().height() - 4)).row()
        last = count - 1 if last < 0 else last
        rows = [*range(first, min(last + _AHEAD, count - 1) + 1), *range(max(first - 3, 0), first)]
        self._drawings.ask([self.drawing_of(candidate_at(self.cards.index(row))) for row in rows])

    def _on_drawn(self, drawing: CardDrawing) -> None:
        self.viewport().update()

    def _on_theme(self) -> None:
        self.viewport().update()
        self._ask_soon.start()

    def _on_selected(self, *_args) -> None:
        if not self._following:
            self.card_chosen.emit(self.chosen)

    def _on_menu(self, place: QPoint) -> None:
        index = self.indexAt(place)
        if index.isValid():
            self.setCurrentIndex(index)
            self.menu_wanted.emit(candidate_at(index), self.viewport().mapToGlobal(place))


class CardDelegate(QStyledItemDelegate):
    """Paints a card: the structure, then name, formula, how well it fits, and its verification."""

    def __init__(self, view: CandidateList, appearance: Appearance) -> None:
        super().__init__(view)
        self._view = view
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        lines = 5 * option.fontMetrics.lineSpacing() + _BAR + 10
        return QSize(280, max(_PICTURE.height(), lines) + 2 * _MARGIN + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        option = QStyleOptionViewItem(option)
        self.initStyleOption(option, index)
        option.text = ""
        option.state &= ~QStyle.StateFlag.State_HasFocus
        option.widget.style().drawControl(
            QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget
        )
        candidate = candidate_at(index)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._appearance.theme
        room = QRectF(option.rect).adjusted(_MARGIN, _MARGIN, -_MARGIN - 2, -_MARGIN)
        picture = QRectF(room.left(), room.top(), _PICTURE.width(), _PICTURE.height())
        painter.setPen(QColor(theme.border))
        painter.setBrush(QColor(theme.plot))
        painter.drawRoundedRect(picture.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        drawn = self._view.picture_of(candidate)
        if drawn is None:
            painter.setPen(QColor(theme.muted))
            painter.drawText(picture, Qt.AlignmentFlag.AlignCenter, "…")
        elif not drawn.isNull():
            painter.drawPixmap(picture.topLeft(), drawn)
        text = room.adjusted(_PICTURE.width() + _GAP, 0, 0, 0)
        self._paint_text(painter, option, text, candidate)
        painter.setPen(QColor(theme.border))
        bottom = option.rect.bottom() + 0.5
        painter.drawLine(room.bottomLeft().toPoint().x(), bottom, int(room.right()), bottom)
        painter.restore()

    def _paint_text(self, painter, option, room: QRectF, candidate: Candidate) -> None:
        theme = self._appearance.theme
        line = option.fontMetrics.lineSpacing()
        bold = QFont(option.font)
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(QColor(theme.text))
        top = room.top() + 1
        name = f"{candidate.rank}  {candidate.title}"
        self._line(painter, room, top, name, Qt.TextElideMode.ElideRight)
        painter.setFont(option.font)
        painter.setPen(QColor(theme.muted))
        top += line + 1
        self._line(painter, room, top, candidate.formula.translate(_SUBSCRIPTS))
        top += line + 3
        if candidate.probability is not None:
            share = min(max(candidate.probability, 0.0), 1.0)
            bar = QRectF(room.left(), top, room.width(), _BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.border))
            painter.drawRoundedRect(bar, 2.5, 2.5)
            bar.setWidth(max(bar.width() * share, 3))
            painter.setBrush(QColor(theme.accent))
            painter.drawRoundedRect(bar, 2.5, 2.5)
            top += _BAR + 3
        painter.setPen(QColor(theme.text))
        said = facts(candidate)
        self._line(painter, room, top, said[0] if said else "")
        if said[1:]:
            top += line
            self._line(painter, room, top, " · ".join(said[1:]))
        check = self._view.cards.scores.get(candidate.smiles)
        if check is not None:
            top += line
            word, role = verdict_of(check)
            painter.setPen(QColor(getattr(theme, role)))
            self._line(painter, room, top, f"{word} ({check:+.2f})")

    @staticmethod
    def _line(painter, room, top, text, mode=Qt.TextElideMode.ElideRight) -> None:
        metrics = painter.fontMetrics()
        box = QRectF(room.left(), top, room.width(), metrics.lineSpacing())
        painter.drawText(
            box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(text, mode, int(room.width())),
        )  # fmt: skip


def verdict_of(score: float) -> tuple[str, str]:
    """A verification's score in two or three words, and the theme's colour for it."""
    if score >= FITS:
        return "✓ Verified: fits", "success"
    if score <= AGAINST:
        return "✗ Verified: does not fit", "error"
    return "○ Verified: open", "warning"


def candidate_at(index: QModelIndex) -> Candidate | None:
    return index.data(CANDIDATE_ROLE)
