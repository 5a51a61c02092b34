"""Commands and the registry that turns each into one Qt action."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from specgui.appearance import Appearance


@dataclass(frozen=True)
class Command:
    """One thing that can be done.

    ``run``, ``enabled`` and ``checked`` take the window. A command with ``checked`` is a switch.
    ``shortcuts`` are in Qt's portable text; the first is shown. ``tip`` says more than the title.
    """

    id: str
    title: str
    menu: str
    run: Callable[[Any], None]
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    enabled: Callable[[Any], bool] | None = None
    checked: Callable[[Any], bool] | None = None
    label: Callable[[Any], str] | None = None


class CommandRegistry(QObject):
    """The commands of a window by id, each with its action; ``refresh`` updates their state."""

    def __init__(
        self, window: QWidget, appearance: Appearance, commands: Iterable[Command]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._appearance = appearance
        self.commands: dict[str, Command] = {}
        self._actions: dict[str, QAction] = {}
        for command in commands:
            self._add(command)
        appearance.changed.connect(self._set_icons)
        self._set_icons()

    def action(self, command_id: str) -> QAction:
        return self._actions[command_id]

    def of_menu(self, menu: str) -> list[Command]:
        return [command for command in self.commands.values() if command.menu == menu]

    def is_enabled(self, command: Command) -> bool:
        return command.enabled is None or bool(command.enabled(self._window))

    def title(self, command: Command) -> str:
        return command.label(self._window) if command.label else command.title

    def run(self, command_id: str) -> None:
        """Do it, unless it is not possible now."""
        command = self.commands[command_id]
        if self.is_enabled(command):
            command.run(self._window)

    def refresh(self) -> None:
        """Bring enablement, switches and titles up to date."""
        for command_id, command in self.commands.items():
            action = self._actions[command_id]
            action.setEnabled(self.is_enabled(command))
            if command.label:
                action.setText(self.title(command))
            if command.checked:
                action.setChecked(bool(command.checked(self._window)))

    def _add(self, command: Command) -> None:
        if command.id in self.commands:
            raise ValueError(f"two commands are called {command.id!r}")
        action = QAction(command.title, self._window)
        action.setObjectName(command.id)
        action.setShortcuts([QKeySequence(keys) for keys in command.shortcuts])
        action.setCheckable(command.checked is not None)
        shown = QKeySequence(command.shortcuts[0]).toString(
            QKeySequence.SequenceFormat.NativeText
        ) if command.shortcuts else ""  # fmt: skip
        tip = command.tip or command.title.rstrip("…")
        action.setToolTip(f"{tip} ({shown})" if shown else tip)
        action.setStatusTip(tip)
        action.triggered.connect(lambda _checked=False, name=command.id: self._on_triggered(name))
        self._window.addAction(action)
        self.commands[command.id] = command
        self._actions[command.id] = action

    def _on_triggered(self, command_id: str) -> None:
        self.run(command_id)
        self.refresh()

    def _set_icons(self) -> None:
        for command_id, command in self.commands.items():
            if command.icon:
                self._actions[command_id].setIcon(self._appearance.icon(command.icon))
