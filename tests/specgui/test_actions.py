"""Commands: all in the palette, enabled when they can be done, each with its own shortcut."""

from __future__ import annotations

import subprocess
import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QTreeView

from specgui.actions.commands import COMMANDS, MENUS, TOOLBAR

NEED_SPECTRA = {
    "file.save_picture", "spectrum.reset", "spectrum.zoom_in", "groups.identify",
}  # fmt: skip
NEED_SAMPLE = {"edit.rename", "edit.remove", "edit.structure"}


def _enabled(window) -> set[str]:
    window.registry.refresh()
    return {name for name in window.registry.commands if window.registry.action(name).isEnabled()}


def test_what_needs_a_sample_is_off_without_one(window):
    enabled = _enabled(window)
    assert not enabled & (NEED_SPECTRA | NEED_SAMPLE)
    assert {"file.open", "file.example", "help.palette", "edit.new_sample"} <= enabled
    assert not {"edit.undo", "edit.redo", "groups.cancel", "groups.copy"} & enabled


def test_what_needs_a_sample_is_on_with_one(opened):
    enabled = _enabled(opened)
    assert NEED_SPECTRA | NEED_SAMPLE | {"edit.undo", "groups.copy", "edit.split"} <= enabled
    assert not {"edit.redo", "groups.cancel", "view.next_sample", "groups.clear"} & enabled


def test_an_empty_sample_can_be_renamed_but_not_predicted(window):
    window.registry.action("edit.new_sample").trigger()
    enabled = _enabled(window)
    assert enabled >= NEED_SAMPLE and not NEED_SPECTRA & enabled


def test_the_infrared_switch_needs_an_infrared(window, settle, tmp_path):
    window.workspace.open_paths([tmp_path / "c.dx"])
    settle()
    assert "spectrum.ir_toggle" not in _enabled(window)
    window.workspace.open_paths([tmp_path / "a.dx"])
    settle()
    assert {"spectrum.ir_toggle", "view.next_sample"} <= _enabled(window)


def test_cancel_is_on_while_something_runs(window, engine, settle, tmp_path):
    engine.hold.clear()
    window.workspace.open_paths([tmp_path / "a.dx"])
    assert "groups.cancel" in _enabled(window)
    engine.hold.set()
    settle()
    assert "groups.cancel" not in _enabled(window)


def test_undo_says_what_it_undoes(opened):
    opened.workspace.document.rename(opened.workspace.selection.sample_id, "benzil")
    opened.registry.refresh()
    assert opened.registry.action("edit.undo").text() == "Undo: Rename to benzil"


def test_every_command_is_in_a_menu(window):
    titles = {entry.text().replace("&", "") for entry in window.menuBar().actions()}
    assert set(MENUS) <= titles
    in_menus = {
        action.objectName()
        for entry in window.menuBar().actions()
        if entry.menu()
        for action in entry.menu().actions()
    }
    assert {command.id for command in COMMANDS} <= in_menus
    assert {name for name in TOOLBAR if name} <= {command.id for command in COMMANDS}


def test_no_two_commands_share_a_shortcut():
    keys = [key for command in COMMANDS for key in command.shortcuts]
    assert len(keys) == len(set(keys))


def test_the_palette_lists_every_command_and_does_it(opened, qtbot):
    palette = opened.show_palette()
    listed = {
        palette.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(palette.list.count())
    }
    assert listed == {command.id for command in COMMANDS} - {"help.palette"}
    qtbot.keyClicks(palette.line, "peak lab")
    assert palette.list.count() == 1
    before = opened.workspace.options["peak_labels"]
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert opened.workspace.options["peak_labels"] is not before


def test_the_palette_shows_what_is_not_possible_now_as_such(window, qtbot):
    palette = window.show_palette()
    qtbot.keyClicks(palette.line, "split into")
    assert not palette.list.item(0).flags() & Qt.ItemFlag.ItemIsEnabled
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible(), "Enter on what is not possible does nothing"
    palette.close()


def test_the_theme_can_be_switched(opened):
    canvas = opened.stack.plots["IR"].canvas
    opened.registry.action("view.theme_dark").trigger()
    assert opened.appearance.theme.name == "dark"
    assert canvas.backgroundBrush().color() == QColor(opened.appearance.theme.plot)
    assert opened.palette().window().color().lightness() < 60
    opened.registry.action("view.theme_light").trigger()
    assert opened.palette().window().color().lightness() > 200
    assert opened.registry.action("view.theme_light").isChecked()


def test_everything_that_takes_the_keyboard_has_a_name(opened):
    nameless = [
        widget
        for kind in (QAbstractButton, QLineEdit, QTreeView)
        for widget in opened.findChildren(kind)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and widget.isVisible()
        and not widget.objectName().startswith("qt_")
        and not (widget.accessibleName() or getattr(widget, "text", str)())
    ]
    assert not nameless


def test_the_letter_f_shows_the_whole_spectrum(opened, qtbot):
    canvas = opened.stack.plots["13C NMR"].canvas
    canvas.zoom(0.2)
    opened.registry.action("spectrum.reset").trigger()
    assert canvas.view.is_home


def test_the_window_loads_nothing_heavy():
    heavy = ["torch", "rdkit", "nmrglue", "scipy", "lxml", "PySide6.QtWebEngineCore"]
    code = (
        "import sys, specgui.application, specgui.views.main_window; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_program_starts_and_ends(qapp, monkeypatch, tmp_path):
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from specgui.application import run

    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path))

    def run_until_closed() -> int:
        qapp.processEvents()
        (window,) = [w for w in QApplication.topLevelWidgets() if w.objectName() == "window"]
        assert window.isVisible()
        window.close()
        return 0

    monkeypatch.setattr(QApplication, "exec", staticmethod(run_until_closed))
    assert run([]) == 0
