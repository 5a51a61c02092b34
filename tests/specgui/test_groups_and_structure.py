"""Groups, their regions in the spectra, and the structure they are compared with."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from specgui.views.group_model import EXTRA, HIT, MISSED, NAME, ROW_ROLE


def _listed(window) -> list[str]:
    proxy = window.groups.proxy
    return [proxy.index(row, NAME).data() for row in range(proxy.rowCount())]


def _choose(window, qtbot, name: str) -> None:
    table, proxy = window.groups.table, window.groups.proxy
    row = _listed(window).index(name)
    place = table.visualRect(proxy.index(row, NAME)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def _row(window, name: str):
    return next(r for r in window.groups.model.rows if r.name == name)


def _structure(window, qtbot, settle, text: str) -> None:
    window.structure.smiles_box.setText(text)
    qtbot.keyClick(window.structure.smiles_box, Qt.Key.Key_Return)
    settle()


def test_present_groups_are_listed_first_and_alone(opened, qtbot):
    assert _listed(opened) == ["Ketone", "Alkane"]
    qtbot.mouseClick(
        opened.groups.absent_box,
        Qt.MouseButton.LeftButton,
        pos=QPoint(8, opened.groups.absent_box.height() // 2),
    )
    assert _listed(opened)[:3] == ["Ketone", "Alkane", "Ester"] and len(_listed(opened)) == 37


def test_a_name_finds_absent_groups_too(opened, qtbot):
    qtbot.keyClicks(opened.groups.filter_box, "este")
    assert _listed(opened) == ["Ester"]


def test_groups_can_be_ordered_by_name(opened):
    opened.workspace.options["group_order"] = "name"
    assert _listed(opened) == ["Alkane", "Ketone"]


def test_without_a_chosen_group_the_gates_are_shown(opened):
    canvas = opened.stack.plots["IR"].canvas
    assert not canvas.gate_image.is_empty and canvas.shading.is_empty
    # The fake gate rises along the axis: the colour of its low end is lighter than of its high.
    low, high = canvas.gate_image.colour_at(500), canvas.gate_image.colour_at(3900)
    assert low.lightness() > high.lightness()
    assert opened.stack.plots["MS"].canvas.gate_image.is_empty
    assert opened.stack.key.isVisible()


def test_choosing_a_group_shades_its_regions_in_every_technique(opened, qtbot):
    _choose(opened, qtbot, "Ketone")
    assert opened.workspace.selection.group == "Ketone"
    for technique, inside, outside in (("IR", 1715, 3000), ("13C NMR", 206.7, 60)):
        shading = opened.stack.plots[technique].canvas.shading
        assert shading.colour_at(inside).alpha() > 100 > 5 > shading.colour_at(outside).alpha()
    assert "ketone" in opened.stack.key.title.text()
    bands = [band.text for band in opened.stack.plots["IR"].canvas.labels.bands]
    assert any("C=O" in text for text in bands)
    _choose(opened, qtbot, "Ketone")
    assert opened.workspace.selection.group is None
    assert opened.stack.plots["IR"].canvas.shading.is_empty


def test_the_shading_reaches_the_screen(opened, qtbot):
    plot = opened.stack.plots["IR"]
    opened.workspace.options["peak_labels"] = False

    def colour_beside_the_band():
        scene = plot.canvas.view.mapViewToScene(QPointF(1745, 0.2))
        place = plot.canvas.mapFromScene(scene)
        return plot.canvas.grab().toImage().pixelColor(place)

    before = colour_beside_the_band()
    _choose(opened, qtbot, "Ketone")
    qtbot.wait(20)
    after = colour_beside_the_band()
    assert before.name() == "#ffffff"
    assert after.red() > after.blue() + 40


def test_importance_can_be_turned_off(opened):
    opened.registry.action("groups.importance").trigger()
    canvas = opened.stack.plots["IR"].canvas
    assert canvas.gate_image.is_empty and not opened.stack.key.isVisible()


def test_hovering_names_value_and_unit(opened, qtbot):
    plot = opened.stack.plots["IR"]
    scene = plot.canvas.view.mapViewToScene(QPointF(1715, 0.5))
    plot.canvas._on_mouse_moved(scene)
    assert plot.readout.text().startswith("171") and "cm⁻¹" in plot.readout.text()
    assert "% T" in plot.readout.text()
    plot.canvas._leave()
    assert plot.readout.text() == ""


def test_a_known_structure_tells_hits_from_misses(opened, qtbot, settle):
    _structure(opened, qtbot, settle, "CC(C)=O")
    agreement = {name: _row(opened, name).agreement for name in ("Ketone", "Ester", "Alkane")}
    assert agreement == {"Ketone": HIT, "Ester": MISSED, "Alkane": EXTRA}
    assert _listed(opened) == ["Ketone", "Alkane", "Ester"], "a missed group is not hidden"
    assert not opened.structure.view.is_empty
    assert "<sub>3</sub>" in opened.structure.formula.text()


def test_the_signs_differ_without_colour():
    from specgui.views.group_model import AGREEMENT_SIGNS

    assert len(set(AGREEMENT_SIGNS.values())) == len(AGREEMENT_SIGNS)


def test_a_bad_smiles_is_explained_and_can_be_undone(opened, qtbot, settle):
    _structure(opened, qtbot, settle, "not a thing")
    assert opened.structure.error.isVisible()
    assert "not a valid SMILES" in opened.structure.error.text()
    opened.registry.action("edit.undo").trigger()
    settle()
    assert not opened.structure.error.isVisible()


def test_disagreement_comes_first_when_wanted(opened, qtbot, settle):
    _structure(opened, qtbot, settle, "CC(C)=O")
    opened.workspace.options["group_order"] = "agreement"
    assert _listed(opened) == ["Ester", "Alkane", "Ketone"]


def test_the_groups_can_be_copied(opened, qapp):
    opened.registry.action("groups.copy").trigger()
    lines = qapp.clipboard().text().split("\n")
    assert lines[0] == "Ketone\t97.0%\tIR, 13C NMR" and len(lines) == 2


def test_rows_tell_their_story_to_a_screen_reader(opened):
    index = opened.groups.proxy.index(0, 1)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Probability: 97%"
    assert index.data(ROW_ROLE).present


@pytest.mark.parametrize("probability, text", [(0.999, ">99%"), (0.001, "<1%"), (0.456, "46%")])
def test_probabilities_never_claim_certainty(probability, text):
    from specgui.views.group_model import percent

    assert percent(probability) == text
