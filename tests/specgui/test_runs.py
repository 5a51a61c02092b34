"""A run in the window: chromatogram, scans by click, drag and key, ions, and kept scans."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from specgui.open_runs import BASE_PEAK, ION, TOTAL, Trace
from specgui.views.trace_choice import mz_of, tolerance_in_mz

_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def opened_run(window, settle, lc_run):
    """The window with a sample that has a run alone."""
    (made,) = window.workspace.document.add_samples([("compounds", [])], runs=[[str(lc_run)]])
    window.workspace.selection.choose_sample(made)
    settle()
    return window


def _place(canvas, minutes: float, height: float = 0.5) -> QPoint:
    tall = canvas.presentation.y_range[1]
    return canvas.mapFromScene(canvas.view.mapViewToScene(QPointF(minutes, height * tall)))


def _drag(qtbot, canvas, first: float, last: float, keys=Qt.KeyboardModifier.NoModifier) -> None:
    start, end = _place(canvas, first), _place(canvas, last)
    qtbot.mousePress(canvas.viewport(), _LEFT, keys, start)
    for share in (0.3, 0.7, 1.0):
        between = QPointF(start) + QPointF(end - start) * share
        qtbot.mouseMove(canvas.viewport(), between.toPoint())
        qtbot.wait(15)
    qtbot.mouseRelease(canvas.viewport(), _LEFT, keys, end)
    # Qt remembers the keys of the last event: they are let go, or the next choice would be added.
    qtbot.mouseClick(canvas, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier)


def test_it_begins_with_the_chromatogram_and_the_scan_of_its_highest_point(opened_run, lc_run):
    view = opened_run.stack.run_view
    assert view.isVisible() and opened_run.centre.currentWidget() is opened_run.stack
    shown = view.chromatogram.presentation
    assert len(shown.x) == 60 and shown.x_unit == "min"
    assert shown.x[np.argmax(shown.y)] == pytest.approx(0.5)
    assert view.chromatogram.bottom_axis.labelText == "Retention time (min)"
    assert "scan 16" in view.scan_title.text()
    assert view.scan.presentation.x.tolist() == [100.0, 195.1, 310.2]
    assert view.table.model().rowCount() == 2
    assert view.table.model().index(0, 1).data() == "195.1000"
    assert len(opened_run.workspace.problems) == 0


def test_a_click_shows_the_scan_there(opened_run, settle, qtbot):
    view = opened_run.stack.run_view
    qtbot.mouseClick(view.chromatogram.viewport(), _LEFT, pos=_place(view.chromatogram, 80 / 60))
    settle()
    assert "scan 41," in view.scan_title.text()


def test_keys_go_from_scan_to_scan_of_the_level(opened_run, settle, qtbot):
    view = opened_run.stack.run_view
    qtbot.keyClick(view.chromatogram, Qt.Key.Key_Right)
    settle()
    assert "scan 17," in view.scan_title.text(), "the MS/MS scan between is another level"
    opened_run.registry.run("run.previous")
    settle()
    assert "scan 16," in view.scan_title.text()
    qtbot.keyClick(view.scan, Qt.Key.Key_PageUp)
    settle()
    assert "scan 6," in view.scan_title.text()
    for _ in range(2):
        qtbot.keyClick(view.scan, Qt.Key.Key_PageUp)
        settle()
    assert "scan 1," in view.scan_title.text(), "there is none before the first"


def test_a_drag_is_the_mean_and_one_with_ctrl_its_background(opened_run, settle, qtbot):
    view = opened_run.stack.run_view
    _drag(qtbot, view.chromatogram, 27 / 60, 33 / 60)
    settle()
    assert "mean of 3 scans" in view.scan_title.text()
    assert view.scan.presentation.y[0] == pytest.approx(50)
    whole = view.chromatogram.view.viewRange()[0]
    _drag(qtbot, view.chromatogram, 49 / 60, 57 / 60, Qt.KeyboardModifier.ControlModifier)
    settle()
    assert view.scan_title.text().endswith("minus 4 scans")
    assert view.scan.presentation.x.tolist() == pytest.approx([195.1])
    assert view.chromatogram.view.viewRange()[0] == whole, "a drag along the time does not zoom"


def test_a_range_without_a_scan_says_so(opened_run, settle):
    view = opened_run.stack.run_view
    before = view.scan_title.text()
    view.chromatogram.mean_wanted.emit(30.2, 30.4)
    settle()
    assert view.scan_title.text() == before
    assert not opened_run.workspace.problems


def test_a_fragment_spectrum_is_kept_and_predicted_from(opened_run, settle, engine):
    view, document = opened_run.stack.run_view, opened_run.workspace.document
    assert not engine.identified, "a run alone is nothing to predict from"
    view.table.selectRow(0)
    settle()
    assert "MS/MS of 195.1" in view.scan_title.text()
    opened_run.registry.action("run.keep").trigger()
    settle()
    (sample,) = document.samples
    (kept,) = sample.spectra
    assert kept.spectrum.technique == "MS/MS" and kept.spectrum.metadata["precursor_mz"] == 195.1
    assert len(engine.identified) == 1
    assert list(opened_run.stack.plots) == ["MS/MS"]
    assert document.undo_stack.undoText().startswith("Keep scan 101")
    document.undo_stack.undo()
    settle()
    assert not document.samples[0].spectra and document.samples[0].runs
    assert view.isVisible()


def test_traces_of_all_ions_the_base_peak_and_one_ion(opened_run, settle):
    view = opened_run.stack.run_view
    runs, run = opened_run.workspace.runs, opened_run.stack.run_view.run
    total = view.chromatogram.presentation.y.copy()
    assert runs.trace(run) == Trace(TOTAL)
    runs.show_trace(run, Trace(BASE_PEAK))
    settle()
    assert view.chromatogram.presentation.y.max() == pytest.approx(1000)
    view.trace.mz.setText("310.2")
    view.trace.tolerance.setText("50 ppm")
    view.trace.mz.returnPressed.emit()
    settle()
    assert runs.trace(run).kind == ION
    shown = view.chromatogram.presentation
    assert shown.x[np.argmax(shown.y)] == pytest.approx(80 / 60)
    runs.show_trace(run, Trace())
    settle()
    np.testing.assert_array_equal(view.chromatogram.presentation.y, total)


def test_what_is_typed_for_an_ion():
    assert mz_of("195.0877") == mz_of(" 195,0877 ") == 195.0877
    assert mz_of("coffee") is mz_of("-5") is mz_of("") is mz_of("0") is None
    assert tolerance_in_mz("10 ppm", 200.0) == pytest.approx(0.002)
    assert tolerance_in_mz("5mDa", 200.0) == pytest.approx(0.005)
    assert tolerance_in_mz("0.3", 200.0) == 0.3
    assert tolerance_in_mz("wide", 200.0) is None


def test_a_file_that_is_gone_is_said_and_can_be_tried_again(window, settle, lc_run):
    text = lc_run.read_text()
    lc_run.unlink()
    (made,) = window.workspace.document.add_samples([("gone", [])], runs=[[str(lc_run)]])
    window.workspace.selection.choose_sample(made)
    settle()
    view = window.stack.run_view
    assert "cannot be shown" in view.message.text() and view.again_button.isVisible()
    (problem,) = window.workspace.problems
    assert problem.file_name == "run.mzML" and problem.advice
    lc_run.write_text(text)
    view.again_button.click()
    settle()
    assert "scan 16" in view.scan_title.text()


def test_a_run_is_a_row_of_the_tree_and_can_be_removed(opened_run, settle):
    tree, document = opened_run.tree, opened_run.workspace.document
    model = tree.model()
    row = model.index(0, 0, model.index_of_sample(document.samples[0].id))
    assert model.rowCount(row.parent()) == 1 and row.data() == "Run"
    tree.setCurrentIndex(row)
    assert tree.chosen() == ([], []) and len(tree.chosen_runs()) == 1
    opened_run.registry.run("edit.remove")
    settle()
    assert not document.samples[0].runs
    assert not opened_run.stack.run_view.isVisible() and opened_run.stack.nothing.isVisible()


def test_the_cursor_is_at_the_same_place_in_plots_of_one_axis(opened_run, settle):
    view = opened_run.stack.run_view
    view.table.selectRow(0)
    settle()
    view.keep()
    settle()
    plot = opened_run.stack.plots["MS/MS"]
    view.scan.hovered.emit(138.1, "here")
    assert "138.1" in plot.readout.text()
    assert view.readout.text() == "", "minutes are another axis"
    view.scan.hovered.emit(None, "")
    assert plot.readout.text() == ""
