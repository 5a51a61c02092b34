"""The list of processing steps: name, parameters in a line, and what is wrong with each."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from specgui.appearance import Appearance

_ROW = Qt.ItemDataRole.UserRole
_BOX = 14
_LEFT = 8
_TEXT_LEFT = _LEFT + _BOX + 8
_ICON = 14


@dataclass(frozen=True)
class StepRow:
    """One line: ``message`` is an error, or a warning where ``is_error`` is not set."""

    title: str
    summary: str = ""
    enabled: bool = True
    message: str = ""
    is_error: bool = False
    reached: bool = True

    @property
    def spoken(self) -> str:
        """The line for a screen reader."""
        said = [self.title, self.summary, "" if self.enabled else "switched off"]
        if self.message:
            said.append(f"{'Error' if self.is_error else 'Note'}: {self.message}")
        return ", ".join(part for part in said if part)


class _StepDelegate(QStyledItemDelegate):
    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        row: StepRow = index.data(_ROW)
        line = option.fontMetrics.height()
        return QSize(120, line + 10 + (line + 2 if row.message else 0))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        option = QStyleOptionViewItem(option)
        self.initStyleOption(option, index)
        row: StepRow = index.data(_ROW)
        option.text = ""
        option.state &= ~QStyle.StateFlag.State_HasFocus
        option.widget.style().drawControl(
            QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget
        )
        theme = self._appearance.theme
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = option.fontMetrics.height()
        first = QRectF(option.rect.left(), option.rect.top() + 5, option.rect.width(), line)
        self._paint_box(painter, first, row)
        works = row.enabled and row.reached
        left, right = first.left() + _TEXT_LEFT, first.right() - 8
        title = option.fontMetrics.elidedText(
            row.title, Qt.TextElideMode.ElideRight, int(right - left)
        )
        painter.setPen(QColor(theme.text if works else theme.muted))
        painter.drawText(
            QRectF(left, first.top(), right - left, line), Qt.AlignmentFlag.AlignVCenter, title
        )
        taken = option.fontMetrics.horizontalAdvance(title) + 14
        room = QRectF(left + taken, first.top(), right - left - taken, line)
        painter.setPen(QColor(theme.muted))
        if room.width() > 24:
            said = option.fontMetrics.elidedText(
                row.summary, Qt.TextElideMode.ElideRight, int(room.width())
            )
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(room, flags, said)
        if row.message:
            self._paint_message(painter, option, row, first.bottom() + 2, left, right)
        painter.restore()

    def _paint_box(self, painter: QPainter, line: QRectF, row: StepRow) -> None:
        theme = self._appearance.theme
        box = box_of(line)
        painter.setPen(QPen(QColor(theme.accent if row.enabled else theme.muted), 1))
        painter.setBrush(QColor(theme.accent if row.enabled else theme.panel))
        painter.drawRoundedRect(box, 3, 3)
        if row.enabled:
            pen = QPen(QColor(theme.on_accent), 1.8)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            x, y, size = box.left(), box.top(), box.width()
            corner = QPointF(x + 0.42 * size, y + 0.72 * size)
            painter.drawLine(QPointF(x + 0.22 * size, y + 0.52 * size), corner)
            painter.drawLine(corner, QPointF(x + 0.78 * size, y + 0.3 * size))

    def _paint_message(self, painter, option, row: StepRow, top, left, right) -> None:
        theme = self._appearance.theme
        name, role = ("error", "error") if row.is_error else ("warning", "warning")
        line = option.fontMetrics.height()
        icon = QRectF(left, top + (line - _ICON) / 2, _ICON, _ICON)
        self._appearance.icon(name, role).paint(painter, icon.toRect())
        room = QRectF(left + _ICON + 5, top, right - left - _ICON - 5, line)
        painter.setPen(QColor(getattr(theme, role)))
        text = option.fontMetrics.elidedText(
            row.message, Qt.TextElideMode.ElideRight, int(room.width())
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)


def box_of(line: QRectF) -> QRectF:
    """Where in a line the box is that switches a step."""
    return QRectF(line.left() + _LEFT, line.center().y() - _BOX / 2, _BOX, _BOX)


class StepList(QListWidget):
    """Says what is wanted and changes nothing itself: ``set_rows`` follows.

    Space switches a step off or on, Delete takes it out, Alt and an arrow (or a drag) moves it.
    """

    chosen = Signal(int)  # -1 for none
    moved = Signal(int, int)  # from, to: its number afterwards
    removed = Signal(int)
    switched = Signal(int, bool)

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._rows: list[StepRow] = []
        self._filling = False
        self.setItemDelegate(_StepDelegate(appearance, self))
        self.setAccessibleName("Processing steps")
        self.setToolTip("Space switches a step, Delete takes it out, Alt+Up and Alt+Down move it")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setUniformItemSizes(False)
        self.setMouseTracking(True)
        self.currentRowChanged.connect(self._on_current)
        appearance.changed.connect(self.viewport().update)

    @property
    def rows(self) -> list[StepRow]:
        return list(self._rows)

    def set_rows(self, rows: list[StepRow], current: int) -> None:
        """Show these lines and choose one (-1: none), without saying that it was chosen."""
        self._filling = True
        same_titles = [r.title for r in rows] == [r.title for r in self._rows]
        if not same_titles:
            self.clear()
            for row in rows:
                self.addItem(QListWidgetItem(row.title))
        for number, row in enumerate(rows):
            item = self.item(number)
            if item.data(_ROW) != row:
                item.setData(_ROW, row)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, row.spoken)
                tip = [f"{row.title}: {row.summary}" if row.summary else row.title, row.message]
                item.setToolTip("\n".join(part for part in tip if part))
        self._rows = list(rows)
        if self.currentRow() != current:
            self.setCurrentRow(current)
        self.doItemsLayout()
        self._filling = False

    def height_of_rows(self) -> int:
        """Pixels that all lines need."""
        return sum(self.sizeHintForRow(n) for n in range(self.count())) + 2 * self.frameWidth() + 4

    def sizeHint(self) -> QSize:
        return QSize(220, max(self.height_of_rows(), 40))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if self.currentItem() is not None:
            self.scrollToItem(self.currentItem())

    def _on_current(self, number: int) -> None:
        if not self._filling:
            self.chosen.emit(number)

    def event(self, event: QEvent) -> bool:
        # Delete and Alt with an arrow mean other things elsewhere in the window.
        if event.type() == QEvent.Type.ShortcutOverride and self._means(event) is not None:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        number, meaning = self.currentRow(), self._means(event)
        if meaning is None or number < 0:
            super().keyPressEvent(event)
        elif meaning == "remove":
            self.removed.emit(number)
        elif meaning == "switch":
            self.switched.emit(number, not self._rows[number].enabled)
        elif 0 <= number + meaning < self.count():
            self.moved.emit(number, number + meaning)

    @staticmethod
    def _means(event) -> str | int | None:
        key, alt = event.key(), event.modifiers() == Qt.KeyboardModifier.AltModifier
        if alt:
            return {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(key)
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return None
        return {
            Qt.Key.Key_Delete: "remove", Qt.Key.Key_Backspace: "remove", Qt.Key.Key_Space: "switch",
        }.get(key)  # fmt: skip

    def mousePressEvent(self, event) -> None:
        place = event.position().toPoint()
        index = self.indexAt(place)
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            rect = self.visualRect(index)
            top = QRectF(rect.left(), rect.top() + 5, rect.width(), self.fontMetrics().height())
            if box_of(top).adjusted(-5, -5, 4, 5).contains(event.position()):
                self.setCurrentRow(index.row())
                self.switched.emit(index.row(), not self._rows[index.row()].enabled)
                return
        super().mousePressEvent(event)

    # dragging: what comes from elsewhere belongs to the window

    def dragEnterEvent(self, event) -> None:
        if event.source() is self:
            super().dragEnterEvent(event)
        else:
            event.ignore()

    def dropEvent(self, event) -> None:
        if event.source() is not self:
            event.ignore()
            return
        number = self.currentRow()
        to = self._target(event.position().toPoint())
        # Copying lets the view keep the line: the steps are moved, and the lines follow them.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        to -= to > number
        if 0 <= number != to:
            QTimer.singleShot(0, self, lambda: self.moved.emit(number, to))

    def _target(self, place) -> int:
        """Before which line a drop at this place puts a step."""
        index = self.indexAt(place)
        if not index.isValid():
            return self.count()
        return index.row() + (place.y() > self.visualRect(index).center().y())
