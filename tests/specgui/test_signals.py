"""Integrals, multiplets and peaks in the window: tools of the mouse, the table, undo, the text."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit

import engine.tasks.report_signals  # noqa: F401 - it is there when engine.tasks is a fake
from engine.spectra import Spectrum
from specgui.views.signal_model import COUPLINGS, INTEGRAL, KIND, PROTONS
from specgui.views.signals_panel import couplings_in

MHZ = 400.0
LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


def _proton(points: int = 65536, **metadata) -> Spectrum:
    """An ethyl group and an aromatic doublet in chloroform, whose own line is there too."""
    x = np.linspace(12, -1, points)
    j = 7.1 / MHZ
    lines = [(4.1 + (k - 1.5) * j, 2 * w / 8) for k, w in enumerate((1, 3, 3, 1))]
    lines += [(1.2 + (k - 1) * j, 3 * w / 4) for k, w in enumerate((1, 2, 1))]
    lines += [(6.8 - 4.2 / MHZ, 0.5), (6.8 + 4.2 / MHZ, 0.5), (7.26, 0.2)]
    half = 0.5 / MHZ
    y = sum(a / np.pi * half / ((x - place) ** 2 + half**2) for place, a in lines)
    y = y + np.random.default_rng(3).normal(size=points) * 1e-4 * y.max()
    metadata = {"frequency_mhz": MHZ, "solvent": "CDCl3", **metadata}
    return Spectrum("1H NMR", x, y, "ppm", metadata=metadata, title="ethyl")


@pytest.fixture
def ethyl(window, engine, settle, tmp_path):
    """The window with a 1H spectrum of an ethyl group."""
    engine.spectra["h.dx"] = [_proton()]
    window.workspace.open_paths([tmp_path / "h.dx"])
    settle()
    return window


@pytest.fixture
def plot(ethyl):
    return ethyl.stack.plots["1H NMR"]


@pytest.fixture
def entry(ethyl):
    """A function that gives the spectrum's entry as it is now."""
    return lambda: ethyl.workspace.selection.shown("1H NMR")


@pytest.fixture
def analysed(ethyl, settle):
    ethyl.registry.action("signals.analyse").trigger()
    settle()
    return ethyl


def _place(canvas, ppm: float, share: float = 0.5) -> QPoint:
    """Where a shift is on the canvas, at a share of the height from the top."""
    view = canvas.view
    local = QPointF(view.mapFromView(QPointF(ppm, 0)).x(), share * view.height())
    return canvas.mapFromScene(view.mapToScene(local))


def _drag(qtbot, canvas, start: float, end: float) -> None:
    first, last = _place(canvas, start), _place(canvas, end)
    qtbot.mouseMove(canvas.viewport(), first)
    qtbot.mousePress(canvas.viewport(), LEFT, pos=first)
    for share in (0.3, 0.7, 1.0):
        qtbot.mouseMove(canvas.viewport(), first + (last - first) * share)
        qtbot.wait(15)
    qtbot.mouseRelease(canvas.viewport(), LEFT, pos=last)


def _double_click(qtbot, canvas, place: QPoint) -> None:
    qtbot.mouseClick(canvas.viewport(), LEFT, pos=place)
    qtbot.mouseDClick(canvas.viewport(), LEFT, pos=place)
    qtbot.mouseRelease(canvas.viewport(), LEFT, pos=place)


def test_the_analysis_is_one_step_and_is_drawn(analysed, plot, entry):
    found = entry().analysis
    assert [(m.multiplicity, m.n_h) for m in found.multiplets] == [("d", 1), ("q", 2), ("t", 3)]
    plot.canvas.grab()
    texts = [text for text, _, _ in plot.signals.multiplets.drawn]
    assert any(text.startswith("δ 6.80 (d, J = 8.4 Hz, 1H)") for text in texts)
    assert "CDCl₃" in texts
    assert (
        sorted(text for text, _, _ in plot.signals.integrals.drawn)
        == pytest.approx(["1.00", "2.00", "3.00"], abs=0.05)
        or len(plot.signals.integrals.drawn) == 3
    )
    stack = analysed.workspace.document.undo_stack
    assert stack.count() == 2 and stack.undoText().startswith("Analyse signals")
    stack.undo()
    assert entry().analysis is None and plot.signals.multiplets.signals == ()


def test_labels_that_are_drawn_do_not_overlap(analysed, plot):
    plot.canvas.grab()
    boxes = [box for _, box, _ in plot.signals.multiplets.drawn]
    for number, box in enumerate(boxes):
        assert not any(box.intersects(other) for other in boxes[number + 1 :])


def test_a_drag_integrates_and_the_first_is_one(ethyl, plot, entry, settle, qtbot):
    qtbot.keyClick(plot.canvas, Qt.Key.Key_I)
    assert ethyl.workspace.signals.tools.name == "integral"
    _drag(qtbot, plot.canvas, 1.4, 1.0)
    settle()
    _drag(qtbot, plot.canvas, 4.0, 4.3)
    settle()
    upper, lower = entry().analysis.integrals
    assert (lower.low, lower.high) == pytest.approx((1.0, 1.4), abs=0.03)
    assert lower.nuclei == pytest.approx(1.0) and upper.nuclei == pytest.approx(2 / 3, rel=0.05)
    assert ethyl.workspace.document.undo_stack.count() == 3


def test_an_end_is_dragged_and_delete_takes_the_integral_under_the_mouse(
    ethyl, plot, entry, settle, qtbot
):
    ethyl.workspace.signals.add_integral(entry(), 1.0, 1.4)
    settle()
    ethyl.workspace.signals.tools.choose("integral")
    _drag(qtbot, plot.canvas, 1.4, 2.0)
    settle()
    (one,) = entry().analysis.integrals
    assert one.high == pytest.approx(2.0, abs=0.03) and one.low == pytest.approx(1.0)
    for ppm in (8.0, 1.5):
        qtbot.mouseMove(plot.canvas.viewport(), _place(plot.canvas, ppm))
        qtbot.wait(30)  # the scene looks at the mouse a hundred times a second
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Delete)
    assert entry().analysis is None and len(ethyl.workspace.document.samples) == 1
    ethyl.workspace.document.undo_stack.undo()
    assert len(entry().analysis.integrals) == 1


def test_a_number_is_typed_on_an_integral_and_all_follow(analysed, plot, entry, settle, qtbot):
    canvas, band = plot.canvas, plot.signals.integrals
    canvas.grab()
    _, box, _ = max(band.drawn, key=lambda drawn: drawn[2].integral.nuclei)
    _double_click(qtbot, canvas, canvas.mapFromScene(band.mapToScene(box.center())))
    editor = plot.signals.editor
    assert editor.isVisible()
    editor.clear()
    qtbot.keyClicks(editor, "9")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    settle()
    assert not editor.isVisible()
    numbers = [i.nuclei for i in entry().analysis.integrals if i.nuclei is not None]
    assert numbers == pytest.approx([3, 6, 9], rel=0.05)
    assert [m.n_h for m in entry().analysis.multiplets] == [3, 6, 9]


def test_escape_leaves_the_number_as_it_was(analysed, plot, entry, qtbot):
    before = entry().analysis
    plot.canvas.grab()
    _, box, _ = plot.signals.integrals.drawn[0]
    place = plot.canvas.mapFromScene(plot.signals.integrals.mapToScene(box.center()))
    _double_click(qtbot, plot.canvas, place)
    qtbot.keyClicks(plot.signals.editor, "7")
    qtbot.keyClick(plot.signals.editor, Qt.Key.Key_Escape)
    assert not plot.signals.editor.isVisible() and entry().analysis is before


def test_a_drag_with_the_multiplet_tool_analyses_the_region(ethyl, plot, entry, settle, qtbot):
    qtbot.keyClick(plot.canvas, Qt.Key.Key_M)
    _drag(qtbot, plot.canvas, 6.9, 6.7)
    settle()
    (found,) = entry().analysis.multiplets
    assert found.multiplicity == "d" and found.j_hz == pytest.approx((8.4,), abs=0.05)
    assert found.n_h == 1 and len(entry().analysis.integrals) == 1
    assert ethyl.workspace.signals.chosen == (entry().id, found.region)
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Escape)
    assert ethyl.workspace.signals.tools.name == "zoom"


def test_a_region_without_a_line_is_refused_and_changes_nothing(ethyl, entry, settle):
    ethyl.workspace.signals.add_multiplet(entry(), 9.0, 9.4)
    settle()
    assert entry().analysis is None
    assert "No line" in ethyl.statusBar().currentMessage()


def test_a_click_picks_the_nearest_maximum_and_shift_takes_it_away(
    ethyl, plot, entry, settle, qtbot
):
    canvas = plot.canvas
    canvas.view.setXRange(6.7, 6.9, padding=0)
    before = len(canvas.presentation.peaks)
    qtbot.keyClick(canvas, Qt.Key.Key_P)
    for modifier, change in ((SHIFT, -1), (Qt.KeyboardModifier.NoModifier, 0)):
        place = _place(canvas, 6.812)
        qtbot.mouseMove(canvas.viewport(), place)
        qtbot.mouseClick(canvas.viewport(), LEFT, modifier, pos=place)
        settle()
        assert len(entry().peaks) == before + change
    picked = min(entry().peaks, key=lambda peak: abs(peak.position - 6.8105))
    assert picked.position == pytest.approx(6.8 + 4.2 / MHZ, abs=5e-4)
    assert picked.width * MHZ == pytest.approx(1.0, rel=0.3)
    assert len(canvas.labels.peaks) == before
    ethyl.registry.action("signals.clear_peaks").trigger()
    settle()
    assert entry().peaks == () and canvas.labels.peaks == ()
    ethyl.registry.run("signals.pick_again")
    assert entry().peaks is None and len(canvas.labels.peaks) == before


def test_peaks_of_infrared_and_sticks_are_picked_by_hand(opened, settle):
    signals = opened.workspace.signals
    wanted = (("IR", 1700.0, 20.0, 1715.0), ("MS", 57.6, 1.0, 58.0))
    for technique, near, reach, place in wanted:
        entry = opened.workspace.selection.shown(technique)
        opened.workspace.document.set_peaks(entry.id, ())
        signals.pick(opened.workspace.selection.shown(technique), near, reach)
        settle()
        peaks = opened.workspace.selection.shown(technique).peaks
        assert [peak.position for peak in peaks] == pytest.approx([place], abs=2.0)
        marks = opened.stack.plots[technique].canvas.labels.peaks
        assert [mark.points_down for mark in marks] == [technique == "IR"]


def test_the_table_lists_the_signals_and_chooses_them_in_the_plot(analysed, plot, entry, qtbot):
    panel = analysed.signals
    rows = panel.model.rows
    assert [row.texts[KIND] for row in rows] == ["CDCl₃", "d", "q", "t"]
    assert [row.texts[PROTONS] for row in rows] == ["", "1", "2", "3"]
    assert rows[2].texts[COUPLINGS] == "7.1" and rows[0].is_mark
    assert "6H" in panel.summary.text()
    panel.table.selectRow(2)
    assert analysed.workspace.signals.chosen == (entry().id, rows[2].region)
    plot.canvas.grab()
    _, box, _ = next(d for d in plot.signals.multiplets.drawn if "(t" in d[0])
    place = plot.canvas.mapFromScene(plot.signals.multiplets.mapToScene(box.center()))
    qtbot.mouseClick(plot.canvas.viewport(), LEFT, pos=place)
    assert [index.row() for index in panel.table.selectionModel().selectedRows()] == [3]


def _type(window, row: int, column: int, text: str) -> None:
    model = window.signals.model
    model.setData(model.index(row, column), text)


def test_a_multiplet_is_overruled_in_the_table(analysed, entry, settle):
    _type(analysed, 2, KIND, "m")
    settle()
    changed = entry().analysis.multiplets[1]
    assert (changed.multiplicity, changed.j_hz, changed.overruled) == ("m", (), True)
    assert "–" in analysed.signals.model.rows[2].texts[0]
    _type(analysed, 2, KIND, "q")
    settle()
    fitted = entry().analysis.multiplets[1]
    assert fitted.j_hz == pytest.approx((7.1,), abs=0.1)
    _type(analysed, 2, COUPLINGS, "7,0;")
    settle()
    assert entry().analysis.multiplets[1].j_hz == pytest.approx((7.1,), abs=0.1), "not a number"
    _type(analysed, 2, COUPLINGS, "7.0")
    settle()
    assert entry().analysis.multiplets[1].j_hz == (7.0,)
    _type(analysed, 2, PROTONS, "4")
    _type(analysed, 3, INTEGRAL, "6")
    settle()
    assert [m.n_h for m in entry().analysis.multiplets] == [2, 4, 6]
    stack = analysed.workspace.document.undo_stack
    assert stack.undoText() == "Normalise integrals to 6"
    for _ in range(5):
        stack.undo()
    assert [m.n_h for m in entry().analysis.multiplets] == [1, 2, 3]


@pytest.mark.parametrize(("column", "text"), [(KIND, "xyz"), (COUPLINGS, "7.1, 3"), (PROTONS, "x")])
def test_what_makes_no_sense_is_said_and_changes_nothing(analysed, entry, settle, column, text):
    before = entry().analysis
    _type(analysed, 2, column, text)
    settle()
    assert entry().analysis is before
    assert analysed.signals.refusal.text() and not analysed.signals.refusal.isHidden()


def test_delete_in_the_table_takes_signals_not_the_sample(analysed, entry, qtbot):
    analysed.toggle_panel("signals") if not analysed.panel_is_open("signals") else None
    table = analysed.signals.table
    table.selectRow(1)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert [m.multiplicity for m in entry().analysis.multiplets] == ["q", "t"]
    assert len(analysed.workspace.document.samples) == 1


def test_the_text_of_a_paper_goes_to_the_clipboard(analysed, settle):
    analysed.registry.action("signals.copy_text").trigger()
    settle()
    assert QGuiApplication.clipboard().text() == (
        "1H NMR (400 MHz, CDCl3) δ 6.80 (d, J = 8.4 Hz, 1H), 4.10 (q, J = 7.1 Hz, 2H), "
        "1.20 (t, J = 7.1 Hz, 3H)."
    )
    assert "<i>J</i>" in QGuiApplication.clipboard().mimeData().html()


def test_carbon_text_leaves_the_solvent_out(window, engine, settle, tmp_path, carbon):
    from dataclasses import replace

    x = carbon.x
    y = carbon.y + 2 / (1 + ((x - 77.16) / 0.05) ** 2)
    about = {"solvent": "CDCl3", "frequency_mhz": 100.6}
    engine.spectra["c13.dx"] = [replace(carbon, y=y, metadata=about)]
    window.workspace.open_paths([tmp_path / "c13.dx"])
    settle()
    window.registry.action("signals.copy_text").trigger()
    settle()
    text = QGuiApplication.clipboard().text()
    assert text == "13C NMR (101 MHz, CDCl3) δ 206.7, 128.0, 30.9."


def test_a_spectrum_without_a_frequency_has_a_problem_that_says_so(
    window, engine, settle, tmp_path
):
    engine.spectra["h.dx"] = [_proton(frequency_mhz=None)]
    window.workspace.open_paths([tmp_path / "h.dx"])
    settle()
    window.registry.action("signals.analyse").trigger()
    settle()
    assert any("frequency" in problem.message for problem in window.workspace.problems)


def test_clearing_is_one_step(analysed, entry, settle):
    analysed.registry.action("signals.clear").trigger()
    assert entry().analysis is None
    analysed.workspace.document.undo_stack.undo()
    assert len(entry().analysis.multiplets) == 3


def test_integrals_are_kept_in_the_project_and_drawn_again(analysed, plot, entry, settle, tmp_path):
    before = entry().analysis
    path = tmp_path / "signals.specgui"
    analysed.workspace.save_project(path, lambda _: None, lambda error: pytest.fail(str(error)))
    settle()
    analysed.workspace.new_project()
    analysed.workspace.open_project(path)
    settle()
    settle()
    assert entry().analysis == before
    again = analysed.stack.plots["1H NMR"]
    assert len(again.signals.multiplets.signals) == 4 and len(again.signals.curves.curves) == 3


def test_a_million_points_have_short_curves(window, engine, settle, tmp_path):
    engine.spectra["h.dx"] = [_proton(1 << 20)]
    window.workspace.open_paths([tmp_path / "h.dx"])
    settle()
    entry = window.workspace.selection.shown("1H NMR")
    window.workspace.signals.add_integral(entry, 0.0, 12.0)
    settle()
    (curve,) = window.stack.plots["1H NMR"].signals.curves.curves
    assert len(curve.x) <= 1000 and curve.area[-1] == pytest.approx(6.2, rel=0.05)


@pytest.mark.parametrize(
    ("text", "values"),
    [("8.1, 1.7", [8.1, 1.7]), ("8,1; 1,7", [8.1, 1.7]), ("8.1 1.7 Hz", [8.1, 1.7]), ("", None)],
)
def test_couplings_as_they_are_typed(text, values):
    assert couplings_in(text) == values
    for wrong in ("x", "8.1, -2", "nan", "1e9"):
        with pytest.raises(ValueError):
            couplings_in(wrong)


def test_letters_that_are_typed_into_the_table_take_up_no_tool(analysed, entry, settle, qtbot):
    analysed.signals.show()
    if not analysed.panel_is_open("signals"):
        analysed.toggle_panel("signals")
    table = analysed.signals.table
    index = analysed.signals.model.index(2, KIND)
    table.setCurrentIndex(index)
    table.edit(index)
    qtbot.waitUntil(lambda: isinstance(analysed.focusWidget(), QLineEdit))
    editor = analysed.focusWidget()
    editor.selectAll()
    qtbot.keyClicks(editor, "m")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    settle()
    assert analysed.workspace.signals.tools.name == "zoom"
    assert entry().analysis.multiplets[1].multiplicity == "m"
