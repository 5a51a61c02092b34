"""Peaks and atoms in the window: assigned, linked both ways, dragged, fixed, undone, written."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from specgui.document.assignments import CARBON
from specgui.views.assignment_model import CONFIDENCE, MEASURED, text_of


@pytest.fixture
def assigned(opened, settle):
    """The window with acetone as the structure; its 13C peaks were assigned by themselves."""
    document, sample = opened.workspace.document, opened.workspace.selection.sample
    document.set_structure(sample.id, "CC(C)=O")
    settle()
    opened._open_panel("assignment")
    opened._open_panel("structure")
    return opened


def _assigning(window):
    return window.workspace.assigning


def _plot(window):
    return window.stack.plots[CARBON]


def _measured(window) -> dict[tuple[int, ...], float | None]:
    return {s.atoms: s.position for s in _assigning(window).signals if s.atoms}


def _click_atom(window, qtbot, number: int) -> None:
    view = window.structure.view
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.place_of(number).toPoint())


def test_a_sample_with_a_structure_is_assigned_by_itself(assigned):
    assert _measured(assigned) == {(1,): 206.7, (0, 2): 30.9}
    assert assigned.workspace.document.undo_stack.undoText() == "Set structure"


def test_it_is_not_assigned_again_after_an_undo(assigned, engine, settle):
    runs = len(engine.assigned)
    assigned.registry.action("edit.undo").trigger()
    settle()
    assert len(engine.assigned) == runs and _measured(assigned) == {}
    assert assigned.workspace.selection.sample.structure is None, "both are one step"
    assigned.registry.action("edit.redo").trigger()
    settle()
    assert len(engine.assigned) == runs
    assert _measured(assigned) == {(1,): 206.7, (0, 2): 30.9}


def test_an_edit_between_keeps_the_steps_apart(opened, engine, settle):
    document, sample = opened.workspace.document, opened.workspace.selection.sample
    document.set_structure(sample.id, "CC(C)=O")
    document.rename(sample.id, "acetone")
    settle()
    stack = document.undo_stack
    assert stack.undoText() == "Assign peaks"
    stack.undo()
    assert (stack.undoText(), document.samples[0].structure) == ("Rename to acetone", "CC(C)=O")


def test_it_can_be_told_to_wait(opened, engine, settle):
    opened.workspace.options["auto_assign"] = False
    sample = opened.workspace.selection.sample
    opened.workspace.document.set_structure(sample.id, "CC(C)=O")
    settle()
    assert engine.assigned == []
    opened.registry.refresh()
    opened.registry.action("assign.run").trigger()
    settle()
    assert _measured(opened) == {(1,): 206.7, (0, 2): 30.9}


def test_an_atom_marks_its_peaks_with_its_equivalents(assigned, qtbot):
    _click_atom(assigned, qtbot, 0)
    assert _assigning(assigned).link.atoms == {0, 2}
    assert assigned.structure.view.marks.lit == {0, 2}
    assert _plot(assigned).links.lit == {30.9}
    _click_atom(assigned, qtbot, 2)
    assert _plot(assigned).links.lit == frozenset(), "a lit atom is chosen no more"


def test_a_peak_lights_its_atoms(assigned, qtbot):
    plot = _plot(assigned)
    scene = plot.canvas.view.mapViewToScene(QPointF(206.7, 0.2))
    qtbot.mouseClick(
        plot.canvas.viewport(), Qt.MouseButton.LeftButton, pos=plot.canvas.mapFromScene(scene)
    )
    assert assigned.structure.view.marks.lit == {1}
    chosen = assigned.assignment.chosen()
    assert [signal.atoms for signal in chosen] == [(1,)]


def test_a_line_of_the_table_lights_both(assigned, qtbot):
    table, proxy = assigned.assignment.table, assigned.assignment.proxy
    rows = {proxy.index(r, 0).data(): r for r in range(proxy.rowCount())}
    assert set(rows) == {"C1", "C0, C2", "no atom"}
    place = table.visualRect(proxy.index(rows["C0, C2"], MEASURED)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert assigned.structure.view.marks.lit == {0, 2}
    assert _plot(assigned).links.lit == {30.9}


def test_labels_of_assigned_peaks_name_the_atoms(assigned):
    marks = {mark.label: mark.atoms for mark in _plot(assigned).canvas.labels.peaks}
    assert marks["206.7"] == "C1" and marks["30.9"] == "C0, C2" and marks["128.0"] == ""


def test_uncertain_atoms_are_hatched_and_said(assigned):
    assert assigned.structure.view.marks.hatched == {1}
    model = assigned.assignment.model
    row = next(k for k, s in enumerate(model.signals) if s.atoms == (1,))
    cell = model.index(row, CONFIDENCE)
    brush = cell.data(Qt.ItemDataRole.BackgroundRole)
    assert brush.style() == Qt.BrushStyle.BDiagPattern
    assert "uncertain" in cell.data(Qt.ItemDataRole.AccessibleTextRole)
    assert "1 uncertain" in assigned.assignment.summary.text()


def test_a_dragged_label_reassigns_and_is_undone(assigned, qtbot, settle, engine):
    plot, view = _plot(assigned), assigned.structure.view
    qtbot.wait(50)
    plot.canvas.grab()
    box = next(box for mark, box in plot.canvas.labels.placed if mark.label == "128.0")
    viewport = plot.canvas.viewport()
    start = box.center().toPoint()
    target = viewport.mapFromGlobal(view.mapToGlobal(view.place_of(1).toPoint()))
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.2, 0.5, 0.8, 1.0):
        way = QPointF(target - start) * share
        qtbot.mouseMove(viewport, start + way.toPoint(), delay=60)

    def is_over_the_atom() -> bool:
        # The plot takes only so many moves of the mouse in a second.
        qtbot.mouseMove(viewport, target + QPoint(0, 1))
        qtbot.mouseMove(viewport, target)
        return view.target == 1

    qtbot.waitUntil(is_over_the_atom, timeout=10000)
    assert assigned.drag.is_running
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=target)
    settle()
    assert not assigned.drag.is_running and view.target is None
    assert engine.assigned[-1][1] == (("C", 1, 128.0),)
    assert _measured(assigned) == {(1,): 128.0, (0, 2): 30.9}
    fixed = [s.fixed for s in _assigning(assigned).signals if s.atoms == (1,)]
    assert fixed == [True]
    assert assigned.workspace.document.undo_stack.undoText() == "Assign 128.00 to C1"
    assigned.registry.action("edit.undo").trigger()
    assert _measured(assigned) == {(1,): 206.7, (0, 2): 30.9}


def test_a_line_can_be_dragged_too(assigned, qtbot, settle):
    table, proxy = assigned.assignment.table, assigned.assignment.proxy
    view = assigned.structure.view
    row = next(r for r in range(proxy.rowCount()) if proxy.index(r, 0).data() == "no atom")
    start = table.visualRect(proxy.index(row, MEASURED)).center()
    viewport = table.viewport()
    target = viewport.mapFromGlobal(view.mapToGlobal(view.place_of(0).toPoint()))
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 1.0):
        qtbot.mouseMove(viewport, start + (QPointF(target - start) * share).toPoint(), delay=30)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=target)
    settle()
    assert _measured(assigned)[(0, 2)] == 128.0


def test_escape_ends_a_drag(assigned, qtbot):
    view = assigned.structure.view
    place = view.mapToGlobal(view.place_of(1).toPoint())
    assigned.drag.follow(CARBON, 128.0, place, False)
    assert view.target == 1
    qtbot.keyClick(assigned, Qt.Key.Key_Escape)
    assert not assigned.drag.is_running and view.target is None
    assigned.drag.follow(CARBON, 128.0, place, True)
    assert _measured(assigned) == {(1,): 206.7, (0, 2): 30.9}


def test_a_peak_cannot_go_to_an_atom_of_another_element(assigned, engine):
    runs, said = len(engine.assigned), []
    _assigning(assigned).refused.connect(said.append)
    _assigning(assigned).fix(CARBON, 128.0, 3)
    assert said == ["Atom 3 is O: a 13C peak belongs to a carbon."]
    assert len(engine.assigned) == runs


def test_a_typed_shift_is_fixed_and_unfixed(assigned, settle, engine):
    model = assigned.assignment.model
    row = next(k for k, s in enumerate(model.signals) if s.atoms == (1,))
    model.setData(model.index(row, MEASURED), "128,0")
    settle()
    assert _measured(assigned)[(1,)] == 128.0
    model.setData(model.index(row, MEASURED), "many")
    _assigning(assigned).unfix([s for s in _assigning(assigned).signals if s.fixed])
    settle()
    assert engine.assigned[-1][1] == () and _measured(assigned)[(1,)] == 206.7


def test_a_peak_that_is_moved_leaves_the_atom_it_was_fixed_to(assigned, settle, engine):
    _assigning(assigned).fix(CARBON, 128.0, 1)
    settle()
    _assigning(assigned).fix(CARBON, 128.0, 0)
    settle()
    assert engine.assigned[-1][1] == (("C", 0, 128.0),)


def test_two_quick_edits_lose_nothing(assigned, settle, engine):
    _assigning(assigned).fix(CARBON, 128.0, 1)
    _assigning(assigned).fix(CARBON, 206.7, 0)
    settle()
    assert engine.assigned[-1][1] == (("C", 1, 128.0), ("C", 0, 206.7))
    assert _measured(assigned) == {(1,): 128.0, (0, 2): 206.7}


def test_clearing_is_one_step_and_nothing_starts_again(assigned, settle, engine):
    runs = len(engine.assigned)
    assigned.registry.refresh()
    assigned.registry.action("assign.clear").trigger()
    settle()
    assert _measured(assigned) == {} and len(engine.assigned) == runs
    assert not assigned.assignment.table.isVisible()


def test_the_table_sorts_by_number(assigned):
    proxy = assigned.assignment.proxy
    assigned.assignment.table.sortByColumn(MEASURED, Qt.SortOrder.AscendingOrder)
    assert [proxy.index(r, MEASURED).data() for r in range(3)] == ["206.7", "128.0", "30.9"]
    assigned.assignment.table.sortByColumn(MEASURED, Qt.SortOrder.DescendingOrder)
    assert [proxy.index(r, MEASURED).data() for r in range(3)] == ["30.9", "128.0", "206.7"]


def test_a_failure_is_said_in_the_panel(opened, settle, engine):
    sample = opened.workspace.selection.sample
    engine.error = ValueError("no peak is left")
    opened.workspace.document.set_structure(sample.id, "CC(C)=O")
    settle()
    assert opened.assignment.notice.text() == "⚠ No peak is left"
    assert all(problem.severity == "warning" for problem in opened.workspace.problems)


def test_another_structure_has_no_assignments_of_the_old_one(assigned, settle, engine):
    sample = assigned.workspace.selection.sample
    assigned.workspace.options["auto_assign"] = False
    assigned.workspace.document.set_structure(sample.id, "CCC")
    settle()
    assert _measured(assigned) == {}


def test_the_predicted_spectrum_hangs_below(assigned, settle):
    canvas = _plot(assigned).canvas
    assert canvas.mirror is None
    assigned.registry.action("assign.predicted").trigger()
    settle()
    assert [s.ppm for s in canvas.mirror.signals] == [200.0, 31.0]
    assert canvas.mirror.isVisible() and canvas.mirror.size().height() > 30
    at = canvas.mirror.column(31.0)
    assert canvas.mirror.signal_at(at).atoms == (0, 2)
    canvas.mirror.pointed_at.emit((0, 2))
    assert assigned.structure.view.marks.lit == {0, 2}
    canvas.mirror.pointed_at.emit(())
    assigned.registry.action("assign.predicted").trigger()
    assert not canvas.mirror.isVisible()


def test_layers_of_predictions_lie_over_each_other(assigned, settle):
    from engine.chemistry.predicted_shifts import PredictedSignal
    from specgui.views.predicted_sticks import PredictedSticks

    plot = _plot(assigned)
    own, other = PredictedSticks(plot, "structure"), PredictedSticks(plot)
    own.show([PredictedSignal(CARBON, (1,), 200.0, 2.0, 1, 0)], "own")
    other.show([PredictedSignal(CARBON, (4,), 100.0, 2.0, 1, 0)], "candidate")
    assert own.band is other.band and own.band.label == "candidate" and other.is_on_top
    other.clear()
    assert own.band.label == "own" and [s.ppm for s in own.band.signals] == [200.0]
    own.show([PredictedSignal("1H NMR", (1,), 2.0, 0.1, 3, 3)], "own")
    assert own.band.is_empty, "signals of another nucleus are not of this plot"


def test_the_differences_are_measured_less_predicted(assigned):
    signal = next(s for s in _assigning(assigned).signals if s.atoms == (1,))
    assert signal.difference == pytest.approx(6.7)
    assert text_of(signal, 5) == "+6.7" and text_of(signal, MEASURED) == "206.7"


def test_what_was_assigned_is_in_the_project_file(assigned, settle, tmp_path):
    from engine.library.project_file import read_project, save_project

    _assigning(assigned).fix(CARBON, 128.0, 1)
    settle()
    path = tmp_path / "p.specgui"
    save_project(path, assigned.workspace.document.state)
    (sample,) = read_project(path).state.samples
    told = {(a.atom, a.position, a.fixed, a.confidence) for a in sample.assignments}
    assert told == {(1, 128.0, True, 0.5), (0, 30.9, False, 0.995), (2, 30.9, False, 0.995)}
