"""How a group's line is painted: probability bar with threshold tick, badges, and the truth."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from specgui.appearance import Appearance
from specgui.views.group_model import (
    AGREEMENT,
    AGREEMENT_SIGNS,
    EXTRA,
    HIT,
    MISSED,
    NAME,
    PROBABILITY,
    ROW_ROLE,
    GroupRow,
    percent,
)

_BAR_HEIGHT = 7
_NUMBER = ">99%"
_MOST_BADGES = 3
# A technique with less of the evidence than this does not speak for a group.
_LEAST_SHARE = 0.05
_SHORT = {"1H NMR": "¹H", "13C NMR": "¹³C", "19F NMR": "¹⁹F", "31P NMR": "³¹P", "UV-Vis": "UV"}


class GroupDelegate(QStyledItemDelegate):
    """Paints every column from the line itself."""

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        row: GroupRow = index.data(ROW_ROLE)
        bold = QFont(option.font)
        bold.setBold(True)
        metrics = QFontMetrics(bold)
        width = {
            NAME: metrics.horizontalAdvance(row.name) + 18,
            PROBABILITY: 110,
            AGREEMENT: metrics.horizontalAdvance(AGREEMENT_SIGNS[MISSED]) + 14,
        }.get(index.column(), self._badges_width(option.fontMetrics, row) + 12)
        return QSize(width, metrics.height() + 12)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        option = QStyleOptionViewItem(option)
        self.initStyleOption(option, index)
        row: GroupRow = index.data(ROW_ROLE)
        option.text = ""
        option.state &= ~QStyle.StateFlag.State_HasFocus
        option.widget.style().drawControl(
            QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRectF(option.rect).adjusted(8, 0, -6, 0)
        if index.column() == NAME:
            self._paint_name(painter, option, room, row)
        elif index.column() == PROBABILITY:
            self._paint_probability(painter, option, room, row)
        elif index.column() == AGREEMENT:
            self._paint_agreement(painter, option, room, row)
        else:
            self._paint_badges(painter, option, room, row)
        painter.restore()

    def _paint_name(self, painter, option, room: QRectF, row: GroupRow) -> None:
        theme = self._appearance.theme
        option.font.setBold(row.present)
        painter.setFont(option.font)
        painter.setPen(QColor(theme.text if row.present or row.known else theme.muted))
        name = painter.fontMetrics().elidedText(
            row.name, Qt.TextElideMode.ElideRight, int(room.width())
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, name)

    def _paint_probability(self, painter, option, room: QRectF, row: GroupRow) -> None:
        if row.probability is None:
            return
        theme = self._appearance.theme
        number_width = option.fontMetrics.horizontalAdvance(_NUMBER)
        bar = QRectF(room)
        bar.setRight(room.right() - number_width - 8)
        bar.setTop(room.center().y() - _BAR_HEIGHT / 2)
        bar.setHeight(_BAR_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hover))
        painter.drawRoundedRect(bar, 3, 3)
        filled = QRectF(bar)
        filled.setWidth(max(bar.width() * row.probability, 2))
        painter.setBrush(QColor(theme.accent if row.present else theme.disabled))
        painter.drawRoundedRect(filled, 3, 3)
        tick = bar.left() + bar.width() * row.threshold
        painter.setBrush(QColor(theme.text))
        painter.drawRect(QRectF(tick - 0.75, bar.top() - 4, 1.5, _BAR_HEIGHT + 8))
        painter.setPen(QColor(theme.text if row.present else theme.muted))
        number = QRectF(bar.right() + 8, room.top(), number_width, room.height())
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(number, flags, percent(row.probability))

    def _paint_agreement(self, painter, option, room: QRectF, row: GroupRow) -> None:
        theme = self._appearance.theme
        colour = {HIT: theme.success, MISSED: theme.error, EXTRA: theme.warning}
        text = AGREEMENT_SIGNS[row.agreement]
        option.font.setBold(True)
        painter.setFont(option.font)
        painter.setPen(QColor(colour.get(row.agreement, theme.muted)))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_badges(self, painter, option, room: QRectF, row: GroupRow) -> None:
        theme = self._appearance.theme
        font = option.font
        font.setPointSizeF(font.pointSizeF() * 0.86)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        left, height = room.left(), metrics.height() + 2
        for name in self._badge_names(row):
            width = metrics.horizontalAdvance(name) + 8
            if left + width > room.right() + 6:
                break
            box = QRectF(left, room.center().y() - height / 2, width, height)
            painter.setPen(QColor(theme.border))
            painter.setBrush(QColor(theme.raised))
            painter.drawRoundedRect(box, 3, 3)
            painter.setPen(QColor(theme.text if row.present else theme.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)
            left += width + 3

    def _badges_width(self, metrics, row: GroupRow) -> int:
        names = self._badge_names(row)
        return sum(metrics.horizontalAdvance(name) + 11 for name in names)

    @staticmethod
    def _badge_names(row: GroupRow) -> list[str]:
        total = sum(weight for _, weight in row.techniques) or 1.0
        names = [n for n, weight in row.techniques if weight / total >= _LEAST_SHARE]
        return [_SHORT.get(name, name) for name in names[:_MOST_BADGES]]
