"""Projects are saved, opened, recovered and asked about: clicked and looked at."""

from __future__ import annotations

import shutil

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from engine.library.project_file import open_project, save_project
from engine.library.project_journal import leftovers
from specgui.application import make_window
from specgui.settings import Settings

_WAIT_MS = 8000
ANSWER = QMessageBox.StandardButton


@pytest.fixture
def save_to(monkeypatch):
    """A function that makes the dialogs answer with a path."""

    def answer(path) -> None:
        for name in ("getSaveFileName", "getOpenFileName"):
            monkeypatch.setattr(QFileDialog, name, staticmethod(lambda *_: (str(path), "")))

    return answer


@pytest.fixture
def make(qtbot, engine, tmp_path):
    """A function that makes a window as the program does, over a folder for recovery."""
    windows = []

    def made(folder: str = "recovery"):
        store = QSettings(str(tmp_path / f"{folder}.ini"), QSettings.Format.IniFormat)
        window = make_window(Settings(store), tmp_path / folder, asks_on_close=True)
        window.show()
        windows.append(window)
        return window

    yield made
    engine.hold.set()
    for window in windows:
        window.projects.asks_on_close = False
        window.close()
        window.deleteLater()


@pytest.fixture
def ready(qtbot):
    """A function that waits until no job of a window runs."""

    def wait(window) -> None:
        qtbot.waitUntil(window.workspace.jobs.is_idle, timeout=_WAIT_MS)
        qtbot.wait(20)

    return wait


def _trigger(window, command: str) -> None:
    window.registry.refresh()
    assert window.registry.action(command).isEnabled(), command
    window.registry.action(command).trigger()


def _answer(window, button) -> None:
    box = window.projects.question
    assert box is not None and box.isVisible()
    box.button(button).click()


def _names(window) -> list[str]:
    return [sample.name for sample in window.workspace.document.samples]


# save and open


def test_saving_names_the_window_and_keeps_everything(opened, ready, save_to, tmp_path):
    document = opened.workspace.document
    document.set_structure(document.samples[0].id, "CC(C)=O")
    ready(opened)  # the structure's atoms are assigned by then: that is an edit too
    assert opened.windowTitle() == "Untitled project[*] – SpecGUI" and opened.isWindowModified()
    save_to(tmp_path / "acetone")
    _trigger(opened, "file.save")
    ready(opened)
    assert (tmp_path / "acetone.specgui").is_file()
    assert opened.windowTitle() == "acetone[*] – SpecGUI" and not opened.isWindowModified()
    opened.registry.refresh()
    assert not opened.registry.action("file.save").isEnabled(), "there is nothing to save"
    project = open_project(tmp_path / "acetone.specgui")
    assert [s.name for s in project.samples] == [s.name for s in document.samples]
    assert project.samples[0].typed_structure == "CC(C)=O"
    assert project.samples[0].techniques == ("IR", "13C NMR", "MS")


def test_edits_and_undo_show_in_the_title_and_ctrl_s_saves(opened, ready, save_to, tmp_path, qtbot):
    save_to(tmp_path / "a.specgui")
    _trigger(opened, "file.save")
    ready(opened)
    document = opened.workspace.document
    document.rename(document.samples[0].id, "benzil")
    assert opened.isWindowModified()
    document.undo_stack.undo()
    assert not opened.isWindowModified()
    document.undo_stack.redo()
    opened.registry.refresh()
    opened.activateWindow()
    qtbot.keyClick(opened, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    ready(opened)
    assert open_project(tmp_path / "a.specgui").samples[0].name == "benzil"


def test_save_as_makes_another_file(opened, ready, save_to, tmp_path):
    for name in ("a.specgui", "b.specgui"):
        save_to(tmp_path / name)
        _trigger(opened, "file.save_as")
        ready(opened)
    assert opened.workspace.document.path == tmp_path / "b.specgui"
    assert (tmp_path / "a.specgui").is_file() and (tmp_path / "b.specgui").is_file()


def test_a_saving_that_fails_is_said_and_the_project_stays_changed(
    opened, ready, save_to, tmp_path
):
    save_to(tmp_path / "none" / "a.specgui")
    _trigger(opened, "file.save")
    ready(opened)
    box = opened.projects.question
    assert "not saved" in box.text() and "folder is not there" in box.informativeText()
    assert opened.workspace.document.is_changed and opened.workspace.document.path is None
    box.button(ANSWER.Ok).click()


def test_a_dropped_project_opens_with_what_was_found(
    opened, ready, save_to, tmp_path, make, engine
):
    document = opened.workspace.document
    document.set_structure(document.samples[0].id, "CC(C)=O")
    save_to(tmp_path / "a.specgui")
    _trigger(opened, "file.save")
    ready(opened)
    predicted = len(engine.identified)
    window = make()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.specgui"))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    drop = QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, drop)
    ready(window)
    (sample,) = window.workspace.document.samples
    assert sample.typed_structure == "CC(C)=O" and list(window.stack.plots) == [
        "IR", "13C NMR", "MS",
    ]  # fmt: skip
    assert window.windowTitle() == "a[*] – SpecGUI" and not window.isWindowModified()
    assert not window.workspace.document.undo_stack.canUndo()
    assert len(engine.identified) == predicted, "the finding came with the project"
    found = window.workspace.findings.of(sample).identification
    ketone = next(g for g in found.groups if g.name == "Ketone")
    assert ketone.probability == 0.97 and ketone.evidence[0].technique == "IR"
    assert len(found.maps) == 2
    assert found.maps[0].by_group["Ketone"].max() == pytest.approx(1.0, abs=0.01)


def test_a_project_and_files_together_are_read_into_it(window, ready, settle, tmp_path, infrared):
    from engine.library.project import Project

    project = Project()
    project.add_sample("kept", [infrared])
    path = save_project(tmp_path / "p.specgui", project)
    window.workspace.open_paths([tmp_path / "b.dx", path])
    settle()
    assert _names(window) == ["kept", "b"]
    assert window.workspace.document.path == path and window.workspace.document.is_changed


def test_a_broken_project_is_a_problem_and_what_is_open_stays(opened, settle, tmp_path):
    names = _names(opened)
    path = tmp_path / "bad.specgui"
    path.write_bytes(b"SQLite format 3\0 and no more")
    document = opened.workspace.document
    document.mark_saved(document.state, tmp_path / "mine.specgui")
    opened.workspace.open_paths([path])
    settle()
    assert _names(opened) == names and document.path == tmp_path / "mine.specgui"
    problem = list(opened.workspace.problems)[-1]
    assert problem.file_name == "bad.specgui" and "SpecGUI project" in problem.message


def test_a_damaged_spectrum_is_a_problem_and_the_rest_opens(window, settle, tmp_path, mass, carbon):
    from engine.library.project import Project

    project = Project()
    project.add_sample("kept", [mass, carbon])
    path = save_project(tmp_path / "p.specgui", project)
    data = bytearray(path.read_bytes())
    data[data.find(mass.y.tobytes())] ^= 1
    path.write_bytes(data)
    window.workspace.open_paths([path])
    settle()
    (sample,) = window.workspace.document.samples
    assert sample.techniques == ("13C NMR",) and window.isWindowModified()
    assert "checksum" in next(iter(window.workspace.problems)).message


def test_another_project_leaves_nothing_of_the_first(opened, settle, tmp_path, mass):
    from engine.library.project import Project

    project = Project()
    project.add_sample("other", [mass])
    path = save_project(tmp_path / "p.specgui", project)
    opened.workspace.selection.choose_group("Ketone")
    opened.workspace.open_paths([path])
    _answer(opened, ANSWER.Discard)
    settle()
    assert _names(opened) == ["other"] and list(opened.stack.plots) == ["MS"]
    assert opened.workspace.selection.sample.name == "other"
    assert opened.workspace.selection.group is None


def test_new_asks_and_begins_anew(opened, settle):
    names = _names(opened)
    _trigger(opened, "file.new_project")
    _answer(opened, ANSWER.Cancel)
    assert _names(opened) == names
    _trigger(opened, "file.new_project")
    _answer(opened, ANSWER.Discard)
    assert _names(opened) == [] and opened.centre.currentWidget() is opened.empty
    assert opened.windowTitle() == "SpecGUI" and not opened.isWindowModified()
    opened.registry.refresh()
    assert not opened.registry.action("file.new_project").isEnabled()


def test_recent_projects_are_listed_and_open(window, ready, tmp_path, mass):
    from engine.library.project import Project

    project = Project()
    project.add_sample("x", [mass])
    for name in ("one", "two"):
        window.workspace.open_paths([save_project(tmp_path / f"{name}.specgui", project)])
        ready(window)
    menu = next(m for m in window.findChildren(type(window.menuBar().actions()[0].menu()))
                if m.objectName() == "recent_projects")  # fmt: skip
    menu.aboutToShow.emit()
    assert [a.text() for a in menu.actions() if a.text()] == ["two", "one", "Clear this list"]
    (tmp_path / "two.specgui").unlink()
    menu.aboutToShow.emit()
    first, second = menu.actions()[:2]
    assert not first.isEnabled()
    second.trigger()
    ready(window)
    assert window.windowTitle() == "one[*] – SpecGUI"
    menu.aboutToShow.emit()
    menu.actions()[-1].trigger()
    menu.aboutToShow.emit()
    assert [a.isEnabled() for a in menu.actions()] == [False]


# closing


def test_closing_an_unchanged_window_does_not_ask(make):
    window = make()
    assert window.close() and window.projects.question is None


def test_closing_a_changed_window_asks(make, tmp_path, save_to, ready, engine):
    window = make()
    window.workspace.open_paths([tmp_path / "a.dx"])
    ready(window)
    assert not window.close() and window.isVisible()
    assert "Save the changes to Untitled project?" in window.projects.question.text()
    _answer(window, ANSWER.Cancel)
    assert window.isVisible()
    save_to(tmp_path / "kept.specgui")
    assert not window.close()
    _answer(window, ANSWER.Save)
    ready(window)
    assert not window.isVisible()
    assert [s.name for s in open_project(tmp_path / "kept.specgui").samples] == ["a"]
    assert list((tmp_path / "recovery").iterdir()) == [], "the journal has done its work"


def test_closing_without_saving_gives_the_edits_up(make, tmp_path, ready):
    window = make()
    window.workspace.document.add_empty_sample()
    assert not window.close()
    _answer(window, ANSWER.Discard)
    assert not window.isVisible()
    assert list((tmp_path / "recovery").iterdir()) == []


def test_a_window_whose_saving_fails_stays(make, tmp_path, save_to, ready):
    window = make()
    window.workspace.document.add_empty_sample()
    save_to(tmp_path / "none" / "a.specgui")
    window.close()
    _answer(window, ANSWER.Save)
    ready(window)
    assert window.isVisible() and "not saved" in window.projects.question.text()
    _answer(window, ANSWER.Ok)


# recovering


def _kill(window, tmp_path, name: str) -> None:
    """Leave behind in another folder what the disk holds when the program is killed now."""
    window.workspace.autosave.wait()
    shutil.copytree(tmp_path / "recovery", tmp_path / name)


def test_after_a_kill_the_work_is_offered_and_recovered(make, tmp_path, ready, save_to, engine):
    window = make()
    window.workspace.open_paths([tmp_path / "a.dx"])
    ready(window)
    document = window.workspace.document
    document.rename(document.samples[0].id, "the last edit")
    _kill(window, tmp_path, "left")

    again = make("left")
    again.projects.offer_recovery()
    dialog = again.projects.recovery_dialog
    assert dialog.isVisible() and dialog.list.count() == 1
    said = dialog.list.item(0).text()
    assert "Untitled project" in said and "last edit: Rename to the last edit" in said
    dialog.recover_button.click()
    ready(again)
    assert _names(again) == ["the last edit"] and again.isWindowModified()
    assert list(again.stack.plots) == ["IR"]
    # It is kept further, in the same journal, and the script goes on from where it was.
    again.workspace.document.add_empty_sample()
    again.workspace.autosave.wait()
    assert len(list((tmp_path / "left").glob("*.journal"))) == 1
    assert "open_spectra(" in again.workspace.document.script
    save_to(tmp_path / "kept.specgui")
    again.close()
    _answer(again, ANSWER.Save)
    ready(again)
    assert list((tmp_path / "left").iterdir()) == []


def test_a_killed_project_with_a_file_is_recovered_to_that_file(make, tmp_path, ready, save_to):
    window = make()
    document = window.workspace.document
    document.add_empty_sample()
    save_to(tmp_path / "mine.specgui")
    _trigger(window, "file.save")
    ready(window)
    _kill(window, tmp_path, "saved")
    document.rename(document.samples[0].id, "more")
    _kill(window, tmp_path, "left")
    assert leftovers(tmp_path / "saved") == [], "the file has it all"

    again = make("left")
    again.projects.offer_recovery()
    again.projects.recovery_dialog.recover_button.click()
    ready(again)
    assert _names(again) == ["more"]
    assert again.windowTitle() == "mine[*] – SpecGUI" and again.isWindowModified()


def test_what_is_not_wanted_now_is_offered_again_until_it_is_deleted(make, tmp_path):
    window = make()
    window.workspace.document.add_empty_sample()
    _kill(window, tmp_path, "left")
    again = make("left")
    for button in ("later_button", "delete_button"):
        again.projects.offer_recovery()
        assert again.projects.recovery_dialog.list.count() == 1
        getattr(again.projects.recovery_dialog, button).click()
        assert again.projects.recovery_dialog is None
    again.projects.offer_recovery()
    assert again.projects.recovery_dialog is None
    assert list((tmp_path / "left").iterdir()) == []


def test_the_work_of_a_running_window_is_not_offered(make):
    window = make()
    window.workspace.document.add_empty_sample()
    window.workspace.autosave.wait()
    again = make()
    again.projects.offer_recovery()
    assert again.projects.recovery_dialog is None


def test_looking_only_keeps_nothing(make, tmp_path):
    window = make()
    window.projects.offer_recovery()
    window.close()
    assert not (tmp_path / "recovery").exists()


def test_a_folder_that_cannot_be_written_to_is_a_problem_once(make, tmp_path):
    (tmp_path / "recovery").write_text("a file is in the way")
    window = make()
    window.workspace.document.add_empty_sample()
    window.workspace.document.add_empty_sample()
    (problem,) = window.workspace.problems
    assert problem.path == "Autosave" and "not kept" in problem.message


# as text


def test_copy_as_script_puts_python_on_the_clipboard(opened, tmp_path):
    document = opened.workspace.document
    document.set_structure(document.samples[0].id, "CC(C)=O")
    _trigger(opened, "edit.copy_script")
    script = QGuiApplication.clipboard().text()
    compile(script, "script", "exec")
    assert f"open_spectra({str(tmp_path / 'b.dx')!r})" in script
    assert "project.set_structure(sample_1, 'CC(C)=O')" in script
    assert "PySide6" not in script and "specgui" not in script.split('"""', 2)[2]


def test_there_is_no_script_of_nothing(window):
    window.registry.refresh()
    assert not window.registry.action("edit.copy_script").isEnabled()
    assert not window.registry.action("edit.show_command").isEnabled()


def test_show_command_gives_lines_for_a_terminal(opened, tmp_path):
    dialog = opened.projects.show_commands()
    lines = [box.text() for box in dialog.boxes]
    assert lines[0].startswith("specgui predict ") and str(tmp_path / "c.dx") in lines[0]
    assert lines[1].startswith("specgui inspect ") and lines[2].startswith("specgui peaks ")
    dialog.copy_button.click()
    assert QGuiApplication.clipboard().text().splitlines() == lines
    dialog.close()


def test_the_program_opens_a_project_by_its_name(qapp, qtbot, monkeypatch, tmp_path, engine, mass):
    from engine.library.project import Project
    from specgui.application import run

    project = Project()
    project.add_sample("by name", [mass])
    path = save_project(tmp_path / "p.specgui", project)
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path))
    monkeypatch.setattr("specgui.document.autosave.recovery_folder", lambda: tmp_path / "left")
    seen = []

    def run_until_closed() -> int:
        (window,) = [w for w in QApplication.topLevelWidgets() if w.objectName() == "window"]
        qtbot.waitUntil(lambda: _names(window) == ["by name"], timeout=_WAIT_MS)
        seen.append(window.windowTitle())
        qtbot.waitUntil(window.workspace.jobs.is_idle, timeout=_WAIT_MS)
        window.close()
        return 0

    monkeypatch.setattr(QApplication, "exec", staticmethod(run_until_closed))
    assert run([str(path)]) == 0
    assert seen == ["p[*] – SpecGUI"]
