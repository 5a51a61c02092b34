"""Menus and toolbar, built from the registry."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMainWindow, QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from specgui.actions.commands import MENUS, TOOLBAR
from specgui.actions.recent_projects import RecentProjects
from specgui.actions.registry import CommandRegistry

_SEPARATED_BEFORE = {
    "file.open", "file.open_project", "file.save", "file.save_picture", "file.quit",
    "edit.new_sample", "edit.remove", "edit.structure", "edit.copy_script",
    "spectrum.back", "run.keep", "view.compare",
    "spectrum.next", "spectrum.peak_labels", "spectrum.ir_toggle", "groups.importance",
    "processing.baseline", "processing.default", "processing.apply_sample",
    "signals.analyse", "signals.pick_again", "signals.copy_text",
    "groups.without_band", "groups.copy", "spectrum.reset",
    "groups.find", "assign.run", "assign.unfix", "assign.predicted", "assign.copy_text",
    "candidates.verify_structure", "candidates.use", "candidates.libraries",
    "view.panel_samples", "view.full_screen", "view.theme_system",
}  # fmt: skip
_WITH_TEXT = {"file.open", "groups.importance", "groups.identify"}
_ICON = 20


def build_menus(window: QMainWindow, registry: CommandRegistry) -> None:
    """Fill the menu bar."""
    for name in MENUS:
        menu = window.menuBar().addMenu(f"&{name}")
        menu.setToolTipsVisible(True)
        fill_menu(menu, registry, [command.id for command in registry.of_menu(name)])
        if name == "File":
            recent = RecentProjects(window, menu)
            menu.insertMenu(registry.action("file.example"), recent.menu)


def fill_menu(menu: QMenu, registry: CommandRegistry, command_ids: list[str]) -> None:
    """Add commands to a menu, with lines between what does not belong together."""
    for command_id in command_ids:
        if command_id in _SEPARATED_BEFORE:
            menu.addSeparator()
        menu.addAction(registry.action(command_id))


def build_toolbar(window: QMainWindow, registry: CommandRegistry) -> QToolBar:
    """The toolbar: what is used most, and the way to everything else at its end."""
    bar = QToolBar("Toolbar", window)
    bar.setObjectName("toolbar")
    bar.setMovable(False)
    bar.setIconSize(QSize(_ICON, _ICON))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    for command_id in TOOLBAR:
        if command_id is None:
            bar.addSeparator()
        else:
            _add(bar, registry, command_id)
    space = QWidget()
    space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(space)
    _add(bar, registry, "help.palette", with_text=True)
    window.addToolBar(bar)
    return bar


def _add(
    bar: QToolBar, registry: CommandRegistry, command_id: str, with_text: bool = False
) -> None:
    action = registry.action(command_id)
    bar.addAction(action)
    button = bar.widgetForAction(action)
    if isinstance(button, QToolButton):
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(registry.commands[command_id].title.rstrip("…"))
        if with_text or command_id in _WITH_TEXT:
            # Qt sets the icon and the text too close together.
            action.setIconText(f" {registry.commands[command_id].title.rstrip('…')}")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
