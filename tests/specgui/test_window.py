"""The window opens, shows, predicts and lets go: clicked, typed and looked at."""

from __future__ import annotations

import subprocess
import sys

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit

from specgui.document import findings as state
from specgui.views.grouping_dialog import GroupingDialog
from specgui.views.sample_model import SPECTRA_MIME


def _drop(window, paths) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, drop)


def test_it_begins_with_a_way_to_begin(window):
    assert window.centre.currentWidget() is window.empty
    assert window.empty.open_button.isVisible() and window.empty.example_button.isVisible()
    assert "Open spectra" in window.groups.notice.text()


def test_dropped_files_become_one_sample(window, settle, tmp_path):
    _drop(window, [tmp_path / "a.dx", tmp_path / "b.dx"])
    settle()
    (sample,) = window.workspace.document.samples
    assert sample.techniques == ("IR", "13C NMR")
    assert window.centre.currentWidget() is window.stack
    assert list(window.stack.plots) == ["IR", "13C NMR"]


def test_nothing_in_the_window_swallows_a_drop(opened):
    for plot in opened.stack.plots.values():
        assert not plot.canvas.acceptDrops() and not plot.canvas.viewport().acceptDrops()
    for line in (opened.groups.filter_box, opened.structure.smiles_box):
        assert not line.acceptDrops()


def test_a_bad_file_is_a_problem_and_its_neighbours_open(window, settle, tmp_path):
    window.workspace.open_paths([tmp_path / "poem.txt", tmp_path / "a.dx"])
    settle()
    assert [s.techniques for s in window.workspace.document.samples] == [("IR",)]
    (problem,) = window.workspace.problems
    assert problem.file_name == "poem.txt" and "poetry" in problem.message and problem.advice
    assert window.panel_is_open("problems")
    row = [window.problems.list.item(0, column).text() for column in range(3)]
    assert row[0] == "poem.txt" and "poetry" in row[1] and row[2]


def test_a_call_that_only_fails_leaves_the_window_as_it_was(window, settle, tmp_path):
    window.workspace.open_paths([tmp_path / "poem.txt"])
    settle()
    assert window.centre.currentWidget() is window.empty
    assert len(window.workspace.problems) == 1


def test_axes_are_drawn_in_the_direction_of_the_technique(opened):
    inverted = {t: plot.canvas.view.xInverted() for t, plot in opened.stack.plots.items()}
    assert inverted == {"IR": True, "13C NMR": True, "MS": False}
    for plot in opened.stack.plots.values():
        assert plot.canvas.strip_view.xInverted() == plot.canvas.view.xInverted()


def test_axes_say_their_units(opened):
    said = {
        technique: (
            plot.canvas.bottom_axis.labelText,
            plot.canvas.left_axis.labelText,
        )
        for technique, plot in opened.stack.plots.items()
    }
    assert said == {
        "IR": ("Wavenumber (cm⁻¹)", "Transmittance (%)"),
        "13C NMR": ("Chemical shift δ (ppm)", "Intensity (%)"),
        "MS": ("m/z", "Intensity (%)"),
    }


def test_prediction_starts_by_itself(opened, engine):
    sample = opened.workspace.selection.sample
    assert [s.techniques for s in engine.identified] == [sample.as_sample().techniques]
    assert opened.workspace.findings.of(sample).state == state.DONE
    assert "MS" in opened.groups.summary.text().split("not used")[1]
    assert "Not read by the model" in opened.stack.plots["MS"].note.text()


def test_warnings_are_seen(opened):
    plot = opened.stack.plots["13C NMR"]
    assert plot.warnings.isVisible() and "solvent" in plot.warnings.toolTip()
    assert not opened.stack.plots["IR"].warnings.isVisible()
    assert "the solvent is a guess" in [p.message for p in opened.workspace.problems]


def test_a_stopped_reading_opens_nothing(window, settle, engine, tmp_path, qtbot):
    engine.hold.clear()
    window.workspace.open_paths([tmp_path / "a.dx", tmp_path / "b.dx"])
    qtbot.waitUntil(lambda: window.jobs.cancel.isVisible())
    assert "Reading" in window.jobs.text.text()
    qtbot.mouseClick(window.jobs.cancel, Qt.MouseButton.LeftButton)
    engine.hold.set()
    settle()
    assert window.workspace.document.samples == ()
    assert window.jobs.text.text() == "Ready" and not window.jobs.cancel.isVisible()


def test_a_cancelled_prediction_says_so_and_can_be_started_again(
    window, settle, engine, tmp_path, qtbot
):
    engine.hold.clear()
    engine.open_many = None
    window.workspace.document.add_samples([("x", engine.spectra["a.dx"])])
    window.workspace.selection.choose_sample(window.workspace.document.samples[0].id)
    qtbot.waitUntil(lambda: "Naming" in window.groups.notice.text())
    window.workspace.jobs.cancel_all(visible_only=True)
    assert "cancelled" in window.groups.notice.text()
    engine.hold.set()
    settle()
    qtbot.mouseClick(window.groups.retry, Qt.MouseButton.LeftButton)
    settle()
    assert window.groups.table.isVisible()


def test_without_a_model_the_spectra_are_still_shown(window, settle, engine, tmp_path):
    from engine.tasks import NoModelError

    engine.error = NoModelError("models/groups.safetensors is missing")
    window.workspace.open_paths([tmp_path / "a.dx"])
    settle()
    assert "groups.safetensors is missing" in window.groups.notice.text()
    assert len(window.workspace.problems) == 0
    assert window.stack.plots["IR"].canvas.trace is not None


def test_a_failing_prediction_is_a_problem(window, settle, engine, tmp_path):
    engine.error = RuntimeError("out of memory")
    window.workspace.open_paths([tmp_path / "a.dx"])
    settle()
    assert "out of memory" in window.groups.notice.text()
    assert "out of memory" in next(iter(window.workspace.problems)).message
    assert window.groups.retry.isVisible()


def test_spectra_that_the_model_cannot_read_are_no_failure(window, settle, engine, tmp_path):
    engine.error = ValueError("the network reads fragment spectra")
    window.workspace.open_paths([tmp_path / "c.dx"])
    settle()
    assert "fragment spectra" in window.groups.notice.text()
    assert len(window.workspace.problems) == 0 and not window.groups.retry.isVisible()


def test_renaming_in_the_tree_can_be_undone(opened, qtbot):
    tree = opened.tree
    opened.registry.action("edit.rename").trigger()
    editor = tree.findChild(QLineEdit)
    editor.setText("acetone")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [s.name for s in opened.workspace.document.samples] == ["acetone"])
    opened.registry.action("edit.undo").trigger()
    assert [s.name for s in opened.workspace.document.samples] != ["acetone"]


def test_a_spectrum_dragged_to_another_sample_moves(opened, settle):
    document, model = opened.workspace.document, opened.tree.model()
    opened.registry.action("edit.new_sample").trigger()
    first, second = document.samples
    assert opened.stack.nothing.isVisible()
    data = model.mimeData([model.index_of_spectrum(first.spectra[0].id)])
    assert data.hasFormat(SPECTRA_MIME)
    target = model.index_of_sample(second.id)
    model.dropMimeData(data, Qt.DropAction.MoveAction, -1, -1, target)
    settle()
    assert [s.techniques for s in document.samples] == [("13C NMR", "MS"), ("IR",)]
    assert list(opened.stack.plots) == ["IR"]
    opened.registry.action("edit.undo").trigger()
    settle()
    assert [s.techniques for s in document.samples] == [("IR", "13C NMR", "MS"), ()]


def test_removing_the_last_sample_brings_the_beginning_back(opened, settle):
    opened.registry.action("edit.remove").trigger()
    assert opened.centre.currentWidget() is opened.empty
    opened.registry.action("edit.undo").trigger()
    settle()
    assert opened.centre.currentWidget() is opened.stack
    assert opened.stack.plots["IR"].canvas.trace is not None


def test_a_click_on_a_spectrum_shows_it(window, settle, engine, tmp_path, qtbot):
    engine.spectra["two.dx"] = engine.spectra["a.dx"] * 2
    window.workspace.open_paths([tmp_path / "two.dx"])
    settle()
    plot = window.stack.plots["IR"]
    assert plot.counter.text() == "1 of 2"
    second = window.workspace.document.samples[0].spectra[1]
    index = window.tree.model().index_of_spectrum(second.id)
    place = window.tree.visualRect(index).center()
    qtbot.mouseClick(window.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert plot.entry.id == second.id and plot.counter.text() == "2 of 2"
    qtbot.mouseClick(plot.previous_button, Qt.MouseButton.LeftButton)
    assert plot.counter.text() == "1 of 2"
    settle()


def test_a_folder_of_many_asks_how_they_belong_together(window, settle, tmp_path, monkeypatch):
    for name in ("a.dx", "b.dx", "c.dx", "d.dx", "e.dx"):
        (tmp_path / "lab").mkdir(exist_ok=True)
        (tmp_path / "lab" / name).write_text("x")
    asked = []

    def answer(dialog):
        asked.append([button.text() for button in dialog._buttons.buttons()])
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(GroupingDialog, "exec", answer)
    window.workspace.open_paths([tmp_path / "lab"])
    settle()
    assert asked and "5" in asked[0][0]
    assert [s.name for s in window.workspace.document.samples] == ["a", "b", "c", "d"]
    assert [p.file_name for p in window.workspace.problems if p.severity == "error"] == ["e.dx"]


def test_panels_and_options_are_kept(window, qtbot):
    from specgui.application import make_window

    window.workspace.options["peak_labels"] = False
    window.toggle_panel("structure")
    window.set_theme_mode("dark")
    window.close()
    again = make_window(window.settings)
    try:
        again.show()
        assert again.workspace.options["peak_labels"] is False
        assert not again.panel_is_open("structure") and again.panel_is_open("groups")
        assert again.appearance.theme.name == "dark"
    finally:
        again.close()
        again.deleteLater()


def test_a_process_that_copied_something_ends_well():
    code = """
from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QApplication
from specgui.application import release_clipboard
application = QApplication([])
content = QMimeData()
content.setHtml("<b>1</b>H NMR")
application.clipboard().setMimeData(content)
release_clipboard()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr.decode()
