"""The Processing panel: steps are seen, changed with a preview, and every edit can be undone."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QInputDialog

from engine.library.processing_presets import PresetStore
from engine.processing import Chain, Step, apply, default_chain
from engine.spectra import Spectrum


@pytest.fixture
def fid() -> Spectrum:
    t = np.arange(4096) / 4000
    rng = np.random.default_rng(0)
    values = sum(np.exp((2j * np.pi * hz - 4) * t) for hz in (-900, 150, 160, 1200))
    values = values * np.exp(0.9j) + 0.02 * (rng.normal(size=4096) + 1j * rng.normal(size=4096))
    return Spectrum(
        "1H NMR", t, values.real, "s", kind="fid", y_imaginary=values.imag, title="a fid",
        metadata={"frequency_mhz": 400.0, "carrier_ppm": 5.0},
    )  # fmt: skip


@pytest.fixture
def panel(opened, settle, tmp_path):
    """The panel in front, over an infrared, a carbon and a mass spectrum."""
    opened.processing.menus.presets.store = PresetStore(tmp_path / "presets.json")
    opened.show_processing()
    settle()
    return opened.processing


@pytest.fixture
def nmr(window, settle, engine, fid, tmp_path):
    """The panel over a FID."""
    # The libraries of the steps are loaded here, not while a test waits for a job.
    apply(default_chain(fid), fid)
    engine.spectra["fid.dx"] = [fid]
    window.workspace.open_paths([tmp_path / "fid.dx"])
    settle()
    window.show_processing()
    settle()
    return window.processing


def names(panel):
    return [step.name for step in panel._workspace.processing.steps]


def titles(menu, fill):
    fill()
    return [action.text() for action in menu.actions() if action.isEnabled() and action.text()]


def infrared_entry(window):
    return window.workspace.selection.shown("IR")


def drawn(window, technique):
    return window.stack.plots[technique].canvas.presentation


def test_the_default_steps_of_a_fid_are_listed_with_their_units(nmr, fid):
    assert names(nmr) == [step.name for step in default_chain(fid).steps]
    rows = {row.title: row.summary for row in nmr.list.rows}
    assert rows["Exponential apodization"] == "0.3 Hz"
    assert rows["Zero filling"] == "2 × the next power of two"
    assert nmr._workspace.processing.is_default


def test_a_step_is_added_where_it_suits_in_one_edit(nmr, window, settle):
    before = window.workspace.document.undo_stack.count()
    nmr.add_step("gaussian")
    settle()
    assert names(nmr).index("gaussian") == names(nmr).index("fourier_transform") - 1
    assert window.workspace.document.undo_stack.count() == before + 1
    assert nmr.list.currentRow() == names(nmr).index("gaussian")
    window.workspace.document.undo_stack.undo()
    settle()
    assert "gaussian" not in names(nmr) and nmr._workspace.processing.is_default


def test_the_menu_offers_what_suits(panel, opened, settle):
    offered = titles(
        panel.add_menu, lambda: panel.menus.fill_add(panel.add_menu, -1, panel.add_step)
    )
    assert {"To absorbance", "ATR correction", "Removal of spikes"} <= set(offered)
    assert not {"Phase", "Centroids", "Exponential apodization", "Base line and noise"} & set(
        offered
    )
    panel.add_step("correct_atr")
    settle()
    assert names(panel) == ["to_absorbance", "correct_atr"]
    assert drawn(opened, "IR").y_unit == "absorbance"
    panel.show_technique("MS")
    settle()
    assert "Remove small peaks" in titles(
        panel.add_menu, lambda: panel.menus.fill_add(panel.add_menu, -1, panel.add_step)
    )


def test_a_changed_number_is_previewed_and_escape_gives_back_what_was(panel, opened, settle, qtbot):
    panel.add_step("to_absorbance")
    panel.add_step("smooth")
    settle()
    edits = opened.workspace.document.undo_stack.count()
    was = drawn(opened, "IR").y
    panel.step_editor.fields["window_points"].box.setValue(101)
    settle()
    assert drawn(opened, "IR").note == "Preview"
    assert not np.array_equal(drawn(opened, "IR").y, was)
    assert opened.workspace.document.undo_stack.count() == edits
    qtbot.keyClick(panel.step_editor.fields["window_points"].box, Qt.Key.Key_Escape)
    settle()
    np.testing.assert_array_equal(drawn(opened, "IR").y, was)
    assert panel.step_editor.fields["window_points"].box.value() == 9
    assert opened.workspace.document.undo_stack.count() == edits


def test_enter_makes_one_edit_of_all_changes(panel, opened, settle, qtbot, infrared):
    panel.add_step("smooth")
    settle()
    edits = opened.workspace.document.undo_stack.count()
    for points in (21, 31, 41):
        panel.step_editor.fields["window_points"].box.setValue(points)
    panel.step_editor.fields["order"].box.setValue(2)
    qtbot.keyClick(panel.step_editor.fields["order"].box, Qt.Key.Key_Return)
    settle()
    chain = Chain((Step("smooth", {"window_points": 41, "order": 2}),))
    assert infrared_entry(opened).chain == chain
    assert opened.workspace.document.undo_stack.count() == edits + 1
    np.testing.assert_allclose(drawn(opened, "IR").y, apply(chain, infrared).ascending.y)
    assert drawn(opened, "IR").note == "Processed"
    assert repr(dict(chain.steps[0].parameters)) in opened.workspace.document.script


def test_an_error_is_said_beside_its_step_and_is_not_applied(panel, opened, settle):
    panel.add_step("smooth")
    panel.add_step("baseline")
    panel.choose_step(0)
    settle()
    panel.step_editor.fields["window_points"].box.setValue(10)
    settle()
    wrong, after = panel.list.rows
    assert wrong.is_error and "odd number" in wrong.message and not after.reached
    assert "odd number" in panel.message.text() and panel.message.isVisible()
    assert not panel.apply_button.isEnabled()
    panel.choose_step(1)
    panel._on_step(1)
    settle()
    assert infrared_entry(opened).chain.steps[0].parameters["window_points"] == 9


def test_choosing_another_step_accepts_what_was_changed(panel, opened, settle):
    panel.add_step("smooth")
    panel.add_step("baseline")
    settle()
    panel.step_editor.fields["smoothness"].box.setValue(5)
    settle()
    panel.list.setCurrentRow(0)
    settle()
    assert infrared_entry(opened).chain.steps[1].parameters["smoothness"] == 5
    assert not opened.workspace.processing.is_draft


def test_steps_are_moved_switched_and_removed_by_keys(panel, opened, settle, qtbot):
    panel.add_step("to_absorbance")
    panel.add_step("smooth")
    settle()
    panel.list.setFocus()
    qtbot.keyClick(panel.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    settle()
    assert names(panel) == ["smooth", "to_absorbance"] and panel.list.currentRow() == 0
    qtbot.keyClick(panel.list, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(panel.list, Qt.Key.Key_Space)
    settle()
    assert names(panel) == ["to_absorbance", "smooth"]
    assert [s.enabled for s in infrared_entry(opened).chain.steps] == [True, False]
    assert "enabled=False" in opened.workspace.document.script
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    settle()
    assert names(panel) == ["to_absorbance"]
    # The sample itself was not taken out by that key.
    assert len(opened.workspace.document.samples) == 1


def test_the_box_of_a_step_switches_it(panel, opened, settle, qtbot):
    panel.add_step("smooth")
    settle()
    place = panel.list.visualItemRect(panel.list.item(0)).topLeft() + QPoint(15, 13)
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle()
    assert not infrared_entry(opened).chain.steps[0].enabled


def test_a_drop_goes_between_the_lines(panel, settle):
    for name in ("to_absorbance", "smooth", "baseline"):
        panel.add_step(name)
    settle()
    bottom = panel.list.visualItemRect(panel.list.item(2)).bottom() - 2
    assert panel.list._target(QPoint(40, bottom)) == 3
    assert panel.list._target(QPoint(40, 4)) == 0
    panel.list.moved.emit(0, 2)
    settle()
    assert names(panel) == ["smooth", "baseline", "to_absorbance"]


def test_default_and_as_read(nmr, window, settle):
    nmr.show_as_read()
    settle()
    assert names(nmr) == [] and drawn(window, "1H NMR").x_unit == "s"
    window.registry.run("processing.default")
    settle()
    assert len(names(nmr)) > 4 and drawn(window, "1H NMR").x_unit == "ppm"


# phase


def test_phase_by_hand_takes_what_the_automatic_found(nmr, window, settle):
    upright = drawn(window, "1H NMR").y
    window.registry.run("processing.phase_by_hand")
    settle()
    assert "phase" in names(nmr) and "automatic_phase" not in names(nmr)
    assert abs(drawn(window, "1H NMR").y - upright).max() < 0.02 * upright.max()
    step = nmr._workspace.processing.steps[names(nmr).index("phase")]
    assert step.parameters["pivot_ppm"] is not None
    assert nmr.pivot.position == pytest.approx(step.parameters["pivot_ppm"], abs=1e-3)


def test_sliders_turn_the_phase_and_the_automatic_turns_it_back(nmr, window, settle):
    nmr.phase_by_hand()
    settle()
    upright = drawn(window, "1H NMR").y
    edits = window.workspace.document.undo_stack.count()
    for degrees in (20, 60, 90):
        nmr.phase_editor.zero_slider.setValue(nmr.phase_editor.zero_slider.value() + degrees)
    settle()
    assert abs(drawn(window, "1H NMR").y - upright).max() > 0.1 * upright.max()
    nmr.phase_editor.automatic.click()
    settle()
    assert abs(drawn(window, "1H NMR").y - upright).max() < 0.05 * upright.max()
    assert window.workspace.document.undo_stack.count() == edits


def test_moving_the_pivot_turns_nothing(nmr, window, settle):
    nmr.phase_by_hand()
    settle()
    nmr.phase_editor.first_slider.setValue(120)
    settle()
    before = drawn(window, "1H NMR").y
    nmr.pivot.moved.emit(6.5)
    settle()
    step = nmr._workspace.processing.steps[names(nmr).index("phase")]
    assert step.parameters["pivot_ppm"] == pytest.approx(6.5, abs=1e-3)
    assert abs(drawn(window, "1H NMR").y - before).max() < 1e-3 * abs(before).max()
    # From here on the first order leaves the new pivot alone.
    at = np.argmin(abs(drawn(window, "1H NMR").x - 6.5))
    still = drawn(window, "1H NMR").y[at]
    nmr.phase_editor.first_slider.setValue(300)
    settle()
    now = drawn(window, "1H NMR").y
    assert (
        abs(now[at] - still) < 0.01 * abs(now).max()
        and abs(now - before).max() > 0.1 * before.max()
    )


def test_the_zoom_survives_a_preview(nmr, window, settle):
    nmr.phase_by_hand()
    settle()
    view = window.stack.plots["1H NMR"].canvas.view
    view.setRange(xRange=(4.0, 6.0), yRange=(-100.0, 300.0), padding=0)
    nmr.phase_editor.zero_slider.setValue(nmr.phase_editor.zero_slider.value() + 50)
    settle()
    assert np.allclose(view.viewRange(), [[4.0, 6.0], [-100.0, 300.0]])


# other spectra and presets


def test_all_spectra_of_a_technique_in_one_edit(window, engine, settle, infrared, mass, tmp_path):
    absorbing = Spectrum("IR", infrared.x, infrared.y, "1/cm", "absorbance", title="is absorbance")
    engine.spectra["x.dx"] = [infrared, infrared, absorbing, mass]
    engine.spectra["y.dx"] = [infrared]
    for name in ("y.dx", "x.dx"):
        window.workspace.open_paths([tmp_path / name])
        settle()
    window.workspace.selection.choose_sample(window.workspace.document.samples[1].id)
    window.show_processing()
    settle()
    window.processing.add_step("to_absorbance")
    settle()
    edits = window.workspace.document.undo_stack.count()
    window.registry.run("processing.apply_project")
    settle()
    chains = [e.chain for s in window.workspace.document.samples for e in s.spectra]
    wanted = Chain((Step("to_absorbance"),))
    assert chains == [wanted, wanted, wanted, wanted, None]
    assert window.workspace.document.undo_stack.count() == edits + 1
    assert window.workspace.document.script.count("set_chain") == 4
    window.workspace.document.undo_stack.undo()
    assert [e.chain for s in window.workspace.document.samples for e in s.spectra] == [
        None, wanted, None, None, None,
    ]  # fmt: skip


def test_a_spectrum_that_the_steps_do_not_suit_is_left_and_said(
    window, engine, settle, infrared, tmp_path
):
    other = Spectrum("IR", infrared.x, infrared.y, "1/cm", "intensity", title="of another scale")
    engine.spectra["x.dx"] = [infrared, other]
    window.workspace.open_paths([tmp_path / "x.dx"])
    settle()
    window.show_processing()
    settle()
    window.processing.add_step("to_absorbance")
    settle()
    window.registry.run("processing.apply_sample")
    settle()
    assert window.workspace.document.samples[0].spectra[1].chain is None
    assert any("of another scale" in p.message for p in window.workspace.problems)


def test_presets_are_kept_used_renamed_and_deleted(panel, opened, settle, monkeypatch):
    answers = iter([("my way", True), ("our way", True)])
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: next(answers))
    presets = panel.menus.presets
    panel.add_step("smooth")
    settle()
    presets.save()
    opened.workspace.processing.use(None)
    settle()
    assert names(panel) == []

    def listed():
        return titles(
            panel.more_menu, lambda: panel.menus.fill_more(panel.more_menu, panel.show_as_read)
        )

    assert "my way" in listed()
    next(a for a in panel.more_menu.actions() if a.text() == "my way").trigger()
    settle()
    assert names(panel) == ["smooth"]
    presets.rename(presets.store.all()[0])
    assert "our way" in listed()
    panel.show_technique("13C NMR")
    settle()
    assert "our way" not in listed()
    presets.delete(presets.store.all()[0])
    assert presets.store.all() == []


def test_a_damaged_file_of_presets_is_said(panel, opened):
    presets = panel.menus.presets
    presets.store.path.write_text("nonsense")
    panel.menus.fill_more(panel.more_menu, panel.show_as_read)
    assert any("damaged" in p.message for p in opened.workspace.problems)


# following


def test_the_panel_follows_the_plot_in_use(panel, opened, qtbot):
    assert panel.chooser.currentText().startswith("IR")
    opened.activateWindow()
    opened.stack.plots["13C NMR"].canvas.setFocus()
    qtbot.waitUntil(lambda: panel.chooser.currentText().startswith("13C NMR"), timeout=5000)


def test_a_preview_ends_when_its_spectrum_goes(panel, opened, settle):
    panel.add_step("smooth")
    settle()
    panel.step_editor.fields["window_points"].box.setValue(51)
    settle()
    entry = infrared_entry(opened)
    opened.workspace.document.remove(spectrum_ids=[entry.id])
    settle()
    assert not opened.workspace.processing.is_draft
    opened.workspace.document.undo_stack.undo()
    settle()
    assert drawn(opened, "IR").note == "Processed"
    assert infrared_entry(opened).chain == Chain((Step("smooth"),))


def test_closing_keeps_what_is_previewed(panel, opened, settle):
    panel.add_step("smooth")
    settle()
    panel.step_editor.fields["window_points"].box.setValue(51)
    settle()
    opened.projects.may_close()
    assert infrared_entry(opened).chain.steps[0].parameters["window_points"] == 51


def test_commands_say_that_the_script_has_the_processing(panel, opened, settle):
    panel.add_step("smooth")
    settle()
    dialog = opened.projects.show_commands()
    texts = [label.text() for label in dialog.findChildren(type(panel.message))]
    dialog.close()
    assert any("Copy as script" in text for text in texts)


def test_a_number_may_be_typed_in_any_way(panel, settle, qtbot):
    panel.add_step("baseline")
    settle()
    box = panel.step_editor.fields["smoothness"].box
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "5,25")
    assert box.value() == 5.25
    assert not panel.step_editor.fields["order"].box.isVisible()
    panel.step_editor.fields["method"].box.setCurrentIndex(1)
    settle()
    assert panel.step_editor.fields["order"].box.isVisible() and not box.isVisible()
