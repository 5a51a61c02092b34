"""Structures are read from what chemists have, keep their atom numbers, and are drawn."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.structure import depict_svg, molecule_key, parse_structure, split_of

VANILLIN = "COc1cc(C=O)ccc1O"
VANILLIN_INCHI = "InChI=1S/C8H8O3/c1-11-8-4-6(5-9)2-3-7(8)10/h2-5,10H,1H3"
VANILLIN_KEY = "MWOOGOJBHIARFG"  # PubChem CID 1183
ETHANOL_BLOCK = """ethanol
  written by hand

  3  2  0  0  0  0  0  0  0  0999 V2000
    2.5980    0.0000    0.0000 O   0  0
    1.2990    0.7500    0.0000 C   0  0
    0.0000    0.0000    0.0000 C   0  0
  1  2  1  0
  2  3  1  0
M  END
"""


@pytest.mark.parametrize("text", [VANILLIN, f"{VANILLIN} vanillin", VANILLIN_INCHI])
def test_vanillin_is_read_from_line_notations(text):
    structure = parse_structure(text)
    assert structure.formula == "C8H8O3"
    assert structure.key == VANILLIN_KEY
    assert {"Aldehyde", "Phenol", "Ether", "Arene"} <= structure.groups
    assert not structure.groups & {"Ketone", "Ester", "Amine"}


def test_the_name_behind_a_smiles_is_kept():
    assert parse_structure("CCO ethyl alcohol").name == "ethyl alcohol"
    assert parse_structure("CCO\tethanol").name == "ethanol"


def test_a_molblock_keeps_its_atom_order_and_name():
    structure = parse_structure(ETHANOL_BLOCK)
    assert (structure.name, structure.formula, structure.smiles) == ("ethanol", "C2H6O", "CCO")
    atoms = [line.split()[3] for line in structure.molblock.splitlines()[4:7]]
    assert atoms == ["O", "C", "C"]


@pytest.mark.parametrize("leading", [0, 1, 2])
def test_a_molblock_pasted_without_its_first_lines_is_read(leading):
    pasted = "\n".join(ETHANOL_BLOCK.splitlines()[3 - leading :])
    assert parse_structure(pasted).formula == "C2H6O"


def test_windows_line_ends_are_no_matter():
    assert parse_structure(ETHANOL_BLOCK.replace("\n", "\r\n")).formula == "C2H6O"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("one.mol", ETHANOL_BLOCK),
        ("many.sdf", ETHANOL_BLOCK + "> <ID>\n1\n\n$$$$\nbroken\n$$$$\n"),
        ("list.smi", "CCO ethanol\nCCC propane\n"),
    ],
)
def test_the_first_structure_of_a_file_is_read(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    for given_path in (path, str(path)):
        structure = parse_structure(given_path)
        assert (structure.smiles, structure.name) == ("CCO", "ethanol")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("C1CC", "not a valid SMILES"),
        ("c1cccc1", "kekulize"),
        ("N(C)(C)(C)(C)C", "valence"),
        ("InChI=1S/none", "not a valid InChI"),
        ("three\nlines\nof prose", "counts line"),
        (ETHANOL_BLOCK[:150], "cannot be read"),
        ("nowhere/molecule.mol", "no structure file"),
        ("C" * 100_000, "too long"),
    ],
)
def test_what_is_no_structure_is_said_in_one_line(text, said, capfd):
    with pytest.raises(ValueError, match=said) as caught:
        parse_structure(text)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="CNOcn[]()=#1234+-@/\\H%. \nM", max_size=40))
def test_any_text_is_a_structure_or_a_value_error(text):
    try:
        structure = parse_structure(text)
    except ValueError:
        return
    again = parse_structure(structure.smiles)
    assert again.formula == structure.formula


@given(st.sampled_from(["C[C@H](N)C(=O)O", "C/C=C\\C", "OC1CCCCC1", "O=C(O)c1ccccc1", "CC#N"]))
def test_the_molblock_holds_the_same_molecule_as_the_smiles(smiles):
    structure = parse_structure(smiles)
    assert parse_structure(structure.molblock).smiles == structure.smiles


def test_a_charged_and_an_isotopic_formula():
    assert parse_structure("[NH4+]").formula == "H4N+"
    assert parse_structure("CC(=O)[O-].[Na+]").formula == "C2H3NaO2"


@pytest.mark.parametrize(
    # SHA-1 of the key by another implementation: printf '%s' KEY | sha1sum, modulo 100.
    ("key", "split"),
    [("MWOOGOJBHIARFG", "train"), ("RZVAJINKPMORJF", "valid")],
)
def test_the_split_of_a_molecule(key, split):
    assert split_of(key) == split


def test_the_split_agrees_with_every_table(tables):
    import gzip
    import json

    for split in ("valid", "test"):
        with gzip.open(tables / f"nmr_{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(next(lines)) for _ in range(50)]
        assert {split_of(row["key"]) for row in rows} == {split}
        assert all(molecule_key(row["smiles"]) == row["key"] for row in rows[:20])


def test_no_key_for_what_is_no_molecule():
    with pytest.raises(ValueError, match="not a valid SMILES"):
        molecule_key("not a molecule")


def test_the_atoms_of_a_group_have_the_numbers_of_the_given_structure():
    assert parse_structure(VANILLIN).atoms_of("Aldehyde") == (4, 5, 6)
    with_hydrogens = parse_structure("[H]OC([H])([H])C")
    assert with_hydrogens.atoms_of("Alcohol") == (1, 2)
    assert with_hydrogens.atoms_of("Ketone") == ()


def _colours(svg: str) -> set[str]:
    return set(re.findall(r"#[0-9A-F]{6}", svg))


def test_the_drawing_is_transparent_and_light_on_dark():
    bright, dark = depict_svg(VANILLIN), depict_svg(VANILLIN, dark=True)
    for svg in (bright, dark):
        root = ElementTree.fromstring(svg.encode())
        assert root.get("width") == "320px"
        assert not [e for e in root if e.tag.endswith("rect")], "a background is drawn"
    assert "#000000" in _colours(bright)
    assert "#000000" not in _colours(dark)


def test_marked_atoms_and_the_bonds_between_them_are_drawn_as_such():
    plain, marked = depict_svg(VANILLIN), depict_svg(VANILLIN, highlight_atoms=[5, 6])
    new = _colours(marked) - _colours(plain)
    assert len(new) == 1
    classes = re.findall(rf"class='([^']*)'[^>]*(?:fill|stroke):{new.pop()}", marked)
    assert {"atom-5", "atom-6"} <= set(" ".join(classes).split())
    assert "atom-7" not in " ".join(classes)


def test_drawn_atoms_carry_the_numbers_of_the_given_structure():
    svg = depict_svg("[H]OCC", highlight_atoms=[1])
    numbers = {int(n) for n in re.findall(r"\batom-(\d+)", svg)}
    assert numbers == {1, 2, 3}
    with pytest.raises(ValueError, match="atom 99 is not in the structure"):
        depict_svg(VANILLIN, highlight_atoms=[99])
