"""The command palette: every command by its name, with its shortcut."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from specgui.actions.registry import Command, CommandRegistry
from specgui.appearance import Appearance

_ID = Qt.ItemDataRole.UserRole
_KEYS = Qt.ItemDataRole.UserRole + 1
_WIDTH, _HEIGHT, _TOP = 560, 420, 70


class _CommandDelegate(QStyledItemDelegate):
    """Adds the shortcut at the right end of the line."""

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option, index) -> QSize:
        return QSize(_WIDTH - 60, option.fontMetrics.height() + 12)

    def paint(self, painter, option, index) -> None:
        super().paint(painter, option, index)
        keys = index.data(_KEYS)
        if keys:
            painter.save()
            painter.setPen(QColor(self._appearance.theme.muted))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(option.rect.adjusted(0, 0, -10, 0), flags, keys)
            painter.restore()


class CommandPalette(QDialog):
    """Type a part of a name, choose with the arrows, Enter does it, Esc goes away."""

    def __init__(self, registry: CommandRegistry, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("All commands")
        self._registry = registry
        self._appearance = appearance
        self.line = QLineEdit()
        self.line.setPlaceholderText("What do you want to do?")
        self.line.setAccessibleName("Find a command")
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("Commands")
        self.list.setItemDelegate(_CommandDelegate(appearance, self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        frame = QFrame()
        frame.setObjectName("palette")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(8, 8, 8, 8)
        inside.addWidget(self.line)
        inside.addWidget(self.list)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(frame)
        self.line.textChanged.connect(self._fill)
        self.line.returnPressed.connect(self._run_current)
        self.list.itemClicked.connect(self._run)
        self._fill("")
        width = min(_WIDTH, parent.width() - 40)
        self.resize(width, min(_HEIGHT, parent.height() - 2 * _TOP))
        self.move(parent.mapToGlobal(parent.rect().topLeft()).x() + (parent.width() - width) // 2,
                  parent.mapToGlobal(parent.rect().topLeft()).y() + _TOP)  # fmt: skip

    def eventFilter(self, watched, event) -> bool:
        if watched is self.line and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(event.key(), 0)
            if step:
                row = self.list.currentRow() + step
                self.list.setCurrentRow(max(0, min(row, self.list.count() - 1)))
                return True
        return super().eventFilter(watched, event)

    def _fill(self, text: str) -> None:
        self.list.clear()
        words = text.lower().split()
        fitting = [
            command
            for command in self._registry.commands.values()
            if command.id != "help.palette" and self._fits(command, words)
        ]
        # What can be done now comes first.
        for command in sorted(fitting, key=lambda c: not self._registry.is_enabled(c)):
            self.list.addItem(self._item(command))
        self.list.setCurrentRow(0)

    def _fits(self, command: Command, words: list[str]) -> bool:
        text = f"{command.menu} {self._registry.title(command)} {command.tip}".lower()
        return all(word in text for word in words)

    def _item(self, command: Command) -> QListWidgetItem:
        item = QListWidgetItem(f"{command.menu}: {self._registry.title(command).rstrip('…')}")
        item.setData(_ID, command.id)
        if command.shortcuts:
            keys = QKeySequence(command.shortcuts[0])
            item.setData(_KEYS, keys.toString(QKeySequence.SequenceFormat.NativeText))
        if not self._registry.is_enabled(command):
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
        item.setToolTip(command.tip or command.title)
        return item

    def _run_current(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._run(item)

    def _run(self, item: QListWidgetItem) -> None:
        if not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        registry, command_id = self._registry, item.data(_ID)
        self.close()
        registry.action(command_id).trigger()
