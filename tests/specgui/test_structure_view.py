"""The live drawing: atoms are found where they are drawn, chosen, and walked along the bonds."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt

from engine.chemistry.structure import parse_structure
from engine.chemistry.structure_drawing import drawing_of
from specgui.appearance import Appearance
from specgui.views.structure_view import StructureView


@pytest.fixture
def view(qtbot):
    appearance = Appearance()
    appearance.apply("light")
    made = StructureView(appearance)
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.set_drawing(drawing_of(parse_structure("CC(=O)Oc1ccccc1C(=O)O")))
    made.show()
    yield made
    made.close()


def _colours(view, number: int) -> set[str]:
    """The colours around an atom, off the bonds that meet there."""
    image, at = view.grab().toImage(), view.place_of(number)
    near = range(-7, 8)
    return {
        image.pixelColor(round(at.x()) + x, round(at.y()) + y).name() for x in near for y in near
    }


def _click(view, qtbot, number: int) -> None:
    at = view.place_of(number).toPoint()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at)


def test_every_atom_is_found_where_it_is_drawn(view):
    numbers = [atom.number for atom in view.drawing.atoms]
    assert numbers == list(range(13))
    assert [view.atom_at(view.place_of(n)) for n in numbers] == numbers
    assert view.atom_at(QPointF(2, 2)) is None


def test_a_click_chooses_an_atom_and_a_click_beside_none(view, qtbot):
    chosen = []
    view.atom_chosen.connect(chosen.append)
    _click(view, qtbot, 4)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPointF(2, 2).toPoint())
    assert chosen == [4, None]


def test_a_second_click_on_a_lit_atom_chooses_none(view, qtbot):
    chosen = []
    view.atom_chosen.connect(chosen.append)
    view.mark(lit=(4,))
    _click(view, qtbot, 4)
    assert chosen == [None]


def test_equivalent_atoms_are_known(view):
    view.set_drawing(drawing_of(parse_structure("CC(C)(C)c1ccccc1")))
    assert view.drawing.equivalents(0) == (0, 2, 3)
    ortho = {view.drawing.equivalents(n) for n in (5, 9)}
    assert ortho == {(5, 9)}


def test_lit_and_uncertain_atoms_look_different(view):
    plain = _colours(view, 6)
    view.mark(lit=(6,))
    lit = _colours(view, 6)
    view.mark(lit=(), hatched=(6,))
    hatched = _colours(view, 6)
    assert plain != lit != hatched != plain
    # Hatching is lines on the ground, light is a ground of its own.
    ground = view.grab().toImage().pixelColor(2, 2).name()
    assert ground in hatched


def test_arrow_keys_walk_along_the_bonds(view, qtbot):
    pointed = []
    view.atom_pointed.connect(pointed.append)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    start = view.focused
    assert start is not None
    seen = {start}
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Down) * 3:
        before = view.focused
        qtbot.keyClick(view, key)
        assert view.focused == before or view.focused in view.drawing.neighbours(before)
        seen.add(view.focused)
    assert len(seen) > 3 and pointed[0] == start


def test_enter_chooses_where_the_walk_is(view, qtbot):
    chosen = []
    view.atom_chosen.connect(chosen.append)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Left)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert chosen == [view.focused, None]


def test_zoom_keeps_the_place_under_the_mouse_and_fit_brings_all_back(view, qtbot):
    before = view.place_of(0)
    view.zoom_by(3.0, before)
    after = view.place_of(0)
    assert view.zoom == 3.0
    assert abs(after.x() - before.x()) < 0.5 and abs(after.y() - before.y()) < 0.5
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_F)
    assert view.zoom == 1.0
    inside = QPointF(0, 0), QPointF(view.width(), view.height())
    for atom in view.drawing.atoms:
        at = view.place_of(atom.number)
        assert inside[0].x() < at.x() < inside[1].x() and inside[0].y() < at.y() < inside[1].y()


def test_numbers_are_drawn_on_demand(view, qtbot):
    plain = view.grab().toImage()
    told = []
    view.numbers_toggled.connect(told.append)
    view.setFocus()
    without = view.grab().toImage()
    qtbot.keyClick(view, Qt.Key.Key_N)
    assert told == [True] and view.grab().toImage() != without
    assert plain.size() == without.size()


def test_what_is_told_of_an_atom_names_its_peaks(view):
    view.set_told({5: "13C NMR: 122.5 ppm"})
    assert view.told_of(5) == "C, atom 5, 1 H\n13C NMR: 122.5 ppm"
    assert view.told_of(2) == "O, atom 2"


@pytest.mark.parametrize(
    "smiles", ["C", "[Na+].[Cl-]", "[2H]C([2H])([2H])[S@](=O)CC", "C[N+](C)(C)CC#N", "[H][H]"]
)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_any_structure_can_be_painted(qtbot, smiles, mode):
    appearance = Appearance()
    appearance.apply(mode)
    made = StructureView(appearance)
    qtbot.addWidget(made)
    made.resize(200, 150)
    made.set_drawing(drawing_of(parse_structure(smiles)))
    made.show_numbers(True)
    made.mark(lit=(0,), grouped=(0,), hatched=(0,))
    image = made.grab().toImage()
    assert len({image.pixel(x, y) for x in range(0, 200, 2) for y in range(0, 150, 2)}) > 3
    made.close()
