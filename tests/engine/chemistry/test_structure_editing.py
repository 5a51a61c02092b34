"""What is drawn is what RDKit reads: edits, rings, wedges, valences, undoing."""

from __future__ import annotations

import math

import pytest
from rdkit import Chem

from engine.chemistry.structure import parse_structure
from engine.chemistry.structure_editing import RINGS, SketchHistory, add_ring, grow, snapped, sprout
from engine.chemistry.structure_sketch import Sketch, sketch_from

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O", "C[C@@H](N)C(=O)O", "O=[N+]([O-])c1ccc(cc1)S(=O)(=O)NC#N",
    "C[C@]12CC[C@H]3[C@H]([C@@H]1CC[C@@H]2O)CCC4=CC(=O)CC[C@]34C", "F/C=C/Cl", "F/C=C\\Cl",
    "[2H]C([2H])([2H])S(=O)C([2H])([2H])[2H]", "[Na+].[Cl-]", "C", "c1cc[nH]c1", "[CH3]",
    "C[S@](=O)c1ccccc1", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "[Al]", "[H]C([H])O", "C1CC2CCC1C2",
]  # fmt: skip


def canonical(smiles: str) -> str:
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def chain(length: int) -> Sketch:
    sketch = Sketch().add_atom("C", 0, 0)
    for _ in range(length - 1):
        sketch = sprout(sketch, len(sketch.atoms) - 1)
    return sketch


@pytest.mark.parametrize("smiles", SMILES)
def test_a_structure_comes_back_with_its_stereochemistry_and_atom_order(smiles):
    given = parse_structure(smiles)
    sketch = sketch_from(smiles)
    for same in (sketch, sketch.cleaned(), sketch_from(sketch.molblock())):
        assert same.smiles() == given.smiles
        assert same.formula() == given.formula and same.problems() == {}
    block = Chem.MolFromMolBlock(given.molblock, removeHs=False)
    assert [a.element for a in sketch.atoms] == [a.GetSymbol() for a in block.GetAtoms()]


def test_inchi_and_molblock_are_taken_too():
    assert sketch_from("InChI=1S/CH4O/c1-2/h2H,1H3").smiles() == "CO"
    assert sketch_from(parse_structure("CCO").molblock).smiles() == "CCO"
    with pytest.raises(ValueError, match="not a valid SMILES"):
        sketch_from("not a thing")


def test_bonds_are_of_one_length_in_steps_of_30_degrees():
    sketch = chain(6)
    assert sketch.smiles() == "CCCCCC"
    for bond in sketch.bonds:
        a, b = sketch.atoms[bond.first], sketch.atoms[bond.second]
        angle = math.degrees(math.atan2(b.y - a.y, b.x - a.x))
        assert math.hypot(b.x - a.x, b.y - a.y) == pytest.approx(1.0)
        assert angle == pytest.approx(30 * round(angle / 30))
    places = [(a.x, a.y) for a in sketch.atoms]
    apart = [math.dist(p, q) for k, p in enumerate(places) for q in places[:k]]
    assert min(apart) > 0.9, "a zigzag, not a coil"


@pytest.mark.parametrize("degrees, wanted", [(5, 0), (16, 30), (44, 30), (-100, -90), (170, 180)])
def test_a_drag_snaps(degrees, wanted):
    angle = math.radians(degrees)
    x, y = snapped(1.0, 2.0, 1 + 3 * math.cos(angle), 2 + 3 * math.sin(angle))
    assert math.dist((x, y), (1, 2)) == pytest.approx(1.0)
    assert math.cos(math.radians(wanted)) == pytest.approx(x - 1, abs=1e-9)
    assert math.sin(math.radians(wanted)) == pytest.approx(y - 2, abs=1e-9)


def test_a_bond_to_a_place_where_an_atom_is_closes_a_ring():
    square = Sketch().add_atom("C", 0, 0)
    for x, y in ((1, 0), (1, 1), (0, 1), (0.05, 0.1)):
        square = grow(square, len(square.atoms) - 1, x, y)
    assert square.smiles() == "C1CCC1"


@pytest.mark.parametrize("name", RINGS)
def test_ring_templates(name):
    size, alternating = RINGS[name]
    ring = add_ring(Sketch(), name, 3.0, -1.0)
    assert ring.smiles() == ("c1ccccc1" if alternating else f"C1{'C' * (size - 1)}1")
    assert sum(a.x for a in ring.atoms) / size == pytest.approx(3.0)


def test_rings_are_fused_and_attached():
    benzene = add_ring(Sketch(), "benzene")
    naphthalene = add_ring(benzene, "benzene", bond=0)
    assert naphthalene.smiles() == canonical("c1ccc2ccccc2c1")
    far = [k for k, b in enumerate(naphthalene.bonds) if min(b.first, b.second) >= 6][1]
    assert add_ring(naphthalene, "benzene", bond=far).smiles() == canonical("c1ccc2cc3ccccc3cc2c1")
    assert add_ring(benzene, "cyclohexane", atom=0).smiles() == canonical("C1CCCCC1c1ccccc1")
    assert add_ring(sprout(benzene, 0), "benzene", atom=6).smiles() == canonical(
        "c1ccccc1-c1ccccc1"
    )


def test_impossible_valences_are_said_of_their_atom():
    sketch = chain(3).set_element(1, "O").cycle_bond(1)
    assert sketch.problems() == {1: "O with 3 bonds"}
    assert [atom.problem for atom in sketch.drawing().atoms] == ["", "O with 3 bonds", ""]
    with pytest.raises(ValueError):
        sketch.smiles()
    assert sketch.change_charge(1, 1).smiles() == "C=[O+]C"


def test_a_bond_goes_from_single_to_triple_and_back():
    sketch = chain(2)
    seen = []
    for _ in range(3):
        sketch = sketch.cycle_bond(0)
        seen.append(sketch.smiles())
    assert seen == ["C=C", "C#C", "CC"]


def test_wedges_make_mirror_images_and_a_third_click_a_plain_bond():
    flat = sketch_from("CC(N)(O)F")
    bond = flat.bond_between(1, 4)
    wedge, hashed = flat.set_stereo(bond, "wedge"), flat.set_stereo(bond, "hash")
    assert {wedge.smiles(), hashed.smiles()} == {
        canonical("C[C@](N)(O)F"), canonical("C[C@@](N)(O)F"),
    }  # fmt: skip
    turned = wedge.set_stereo(bond, "wedge")
    assert turned.bond(bond).first == 4 and turned.set_stereo(bond, "wedge").smiles() == "CC(N)(O)F"


def test_removing_keeps_the_order_of_the_others():
    sketch = sketch_from("CCOC(=O)N").remove(atoms=(1,))
    assert [a.element for a in sketch.atoms] == ["C", "O", "C", "O", "N"]
    assert sketch.smiles() == canonical("C.OC(=O)N")
    assert chain(3).remove(bonds=(0,)).smiles() == canonical("C.CC")


def test_formula_and_masses_are_those_of_the_molecule():
    exact, molar = sketch_from("CCO").masses()
    assert sketch_from("CCO").formula() == "C2H6O"
    assert exact == pytest.approx(46.0419, abs=1e-4) and molar == pytest.approx(46.069, abs=1e-2)


def test_edits_without_sense_are_refused():
    sketch = chain(2)
    for edit in (
        lambda: sketch.set_element(0, "Xx"), lambda: sketch.add_bond(0, 0),
        lambda: sketch.add_bond(0, 9), lambda: sketch.cycle_bond(4),
        lambda: sketch.add_bond(0, 1, 4), lambda: add_ring(sketch, "cubane"),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            edit()


def test_edits_are_undone_and_done_again():
    history = SketchHistory(chain(2))
    history.push(history.present)
    assert not history.can_undo, "no change is no step"
    history.push(history.present.cycle_bond(0))
    history.push(history.present.set_element(0, "O"))
    history.undo()
    assert history.present.smiles() == "C=C" and history.can_redo
    history.undo()
    history.redo()
    assert history.present.smiles() == "C=C"
    history.push(history.present.cycle_bond(0))
    assert not history.can_redo
