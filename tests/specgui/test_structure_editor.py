"""The editor: drawing with the mouse and the keys gives the structure that one meant."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from rdkit import Chem

from specgui.appearance import Appearance
from specgui.views.structure_editor import StructureEditor


@pytest.fixture
def editor(qtbot):
    appearance = Appearance()
    appearance.apply("light")
    made = StructureEditor(appearance)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def _smiles(editor) -> str:
    return editor.canvas.sketch.smiles()


def canonical(smiles: str) -> str:
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def _at(editor, atom: int) -> QPoint:
    known = editor.canvas.sketch.atom(atom)
    return editor.canvas.to_widget(known.x, known.y).toPoint()


def _middle(editor, bond: int) -> QPoint:
    known = editor.canvas.sketch.bond(bond)
    return (_at(editor, known.first) + _at(editor, known.second)) / 2


def _click(editor, qtbot, place: QPoint) -> None:
    qtbot.mouseClick(editor.canvas, Qt.MouseButton.LeftButton, pos=place)


def _drag(editor, qtbot, start: QPoint, end: QPoint) -> None:
    qtbot.mousePress(editor.canvas, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(editor.canvas, end)
    qtbot.mouseRelease(editor.canvas, Qt.MouseButton.LeftButton, pos=end)


def test_ethanol_is_drawn_with_three_gestures(editor, qtbot):
    middle = editor.canvas.rect().center()
    _drag(editor, qtbot, middle, middle + QPoint(40, -12))
    assert _smiles(editor) == "CC"
    a, b = editor.canvas.sketch.atoms
    assert math.degrees(math.atan2(b.y - a.y, b.x - a.x)) == pytest.approx(30)
    _click(editor, qtbot, _at(editor, 1))
    assert _smiles(editor) == "CCC"
    qtbot.mouseMove(editor.canvas, _at(editor, 2))
    qtbot.keyClick(editor.canvas, Qt.Key.Key_O)
    assert _smiles(editor) == "CCO"
    assert "C<sub>2</sub>H<sub>6</sub>O" in editor.formula.text()
    assert "46.07 g/mol" in editor.formula.text()


def test_two_letters_name_an_element(editor, qtbot):
    editor.take_text("CC")
    qtbot.mouseMove(editor.canvas, _at(editor, 0))
    qtbot.keyClicks(editor.canvas, "cl")
    qtbot.mouseMove(editor.canvas, _at(editor, 1))
    qtbot.keyClicks(editor.canvas, "br")
    assert _smiles(editor) == "ClBr"


def test_bonds_are_cycled_and_typed(editor, qtbot):
    editor.take_text("CC")
    _click(editor, qtbot, _middle(editor, 0))
    assert _smiles(editor) == "C=C"
    qtbot.mouseMove(editor.canvas, _middle(editor, 0))
    qtbot.keyClick(editor.canvas, Qt.Key.Key_3)
    assert _smiles(editor) == "C#C"


def test_rings_charges_and_erasing(editor, qtbot):
    editor.choose_tool("benzene")
    _click(editor, qtbot, editor.canvas.rect().center())
    assert _smiles(editor) == "c1ccccc1"
    editor.choose_element("N")
    _click(editor, qtbot, _at(editor, 0))
    assert _smiles(editor) == "c1ccncc1"
    editor.choose_tool("bond")
    editor.canvas.element = "C"
    editor.choose_tool("plus")
    _click(editor, qtbot, _at(editor, 0))
    assert _smiles(editor) == canonical("c1cc[nH+]cc1")
    editor.choose_tool("erase")
    _click(editor, qtbot, _at(editor, 0))
    assert editor.canvas.sketch.formula() == "C5H8"


def test_a_valence_error_is_marked_and_cannot_be_taken(editor, qtbot):
    editor.take_text("CO")
    editor.canvas.edit(lambda: editor.canvas.sketch.set_order(0, 3))
    assert "O with 3 bonds" in editor.problem.text() and not editor.ok.isEnabled()
    editor.undo.click()
    assert editor.problem.text() == "" and editor.ok.isEnabled()
    editor.redo.click()
    assert not editor.ok.isEnabled()


def test_an_atom_is_moved_and_the_whole_drawing(editor, qtbot):
    editor.take_text("CCO")
    editor.choose_tool("move")
    before = editor.canvas.sketch.atoms
    _drag(editor, qtbot, _at(editor, 2), _at(editor, 2) + QPoint(0, -30))
    after = editor.canvas.sketch.atoms
    assert after[:2] == before[:2] and after[2].y > before[2].y
    _drag(editor, qtbot, QPoint(10, 10), QPoint(40, 10))
    assert all(b.x > a.x for a, b in zip(after, editor.canvas.sketch.atoms, strict=True))
    editor.clean.click()
    assert _smiles(editor) == "CCO"


def test_text_is_pasted_beside_what_is_there_and_copied(editor, qtbot):
    clipboard = QApplication.clipboard()
    clipboard.setText("InChI=1S/CH4O/c1-2/h2H,1H3")
    editor.paste_text()
    editor.text_box.setText("c1ccccc1")
    qtbot.keyClick(editor.text_box, Qt.Key.Key_Return)
    assert editor.isVisible(), "Enter takes the text, not the dialog"
    assert _smiles(editor) == canonical("CO.c1ccccc1")
    editor.copy_smiles.click()
    assert clipboard.text() == canonical("CO.c1ccccc1")
    editor.copy_molfile.click()
    assert "V2000" in clipboard.text()
    clipboard.setText("nonsense")
    editor.paste_text()
    assert "not a valid SMILES" in editor.problem.text()
    assert _smiles(editor) == canonical("CO.c1ccccc1")


def test_a_wedge_is_drawn_and_turned(editor, qtbot):
    editor.take_text("CC(N)(O)F")
    editor.choose_tool("wedge")
    bond = editor.canvas.sketch.bond_between(1, 4)
    _click(editor, qtbot, _middle(editor, bond))
    assert "@" in _smiles(editor)


def test_ok_sets_the_structure_of_the_sample_as_one_step(opened, qtbot, settle):
    sample = opened.workspace.selection.sample
    opened.registry.refresh()
    opened.registry.action("structure.draw").trigger()
    dialog = opened.findChild(StructureEditor)
    dialog.canvas.edit(lambda: dialog.canvas.sketch.add_atom("C", 0, 0).add_atom("O", 1, 0))
    dialog.canvas.edit(lambda: dialog.canvas.sketch.add_bond(0, 1))
    dialog.ok.click()
    settle()
    text = opened.workspace.document.sample(sample.id).typed_structure
    assert Chem.MolToSmiles(Chem.MolFromMolBlock(text)) == "CO"
    assert [a.GetSymbol() for a in Chem.MolFromMolBlock(text).GetAtoms()] == ["C", "O"]
    while opened.workspace.document.undo_stack.undoText() != "Set structure":
        opened.workspace.document.undo_stack.undo()
    opened.workspace.document.undo_stack.undo()
    assert opened.workspace.document.sample(sample.id).typed_structure is None
