"""Molecules come out of SMILES, SDF and CSV files whatever their size, and nothing is lost."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from engine.library.molecule_source import SourceError, read_molecules


def _read(path):
    return [(record.text, record.name) for record in read_molecules(path)]


def test_smiles_with_and_without_names(tmp_path):
    path = tmp_path / "list.smi"
    path.write_text("# a comment\nCCO ethanol\n\nCC(=O)O\tacetic acid\tacid\tC2H4O2\nc1ccccc1\r\n")
    assert _read(path) == [("CCO", "ethanol"), ("CC(=O)O", "acetic acid"), ("c1ccccc1", "")]


def test_a_header_line_is_no_molecule(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("smiles name\nCCO ethanol\n")
    assert _read(path) == [("CCO", "ethanol")]


def test_a_gzipped_file_is_read_whatever_its_name(tmp_path):
    path = tmp_path / "list.smi"
    path.write_bytes(gzip.compress(b"CCO ethanol\nCCC propane\n"))
    assert _read(path) == [("CCO", "ethanol"), ("CCC", "propane")]


def test_a_table_is_read_by_its_header(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('id,Name,Canonical SMILES\n1,"ethanol, pure",CCO\n2,,CCC\n3,short\n')
    assert _read(path) == [("CCO", "ethanol, pure"), ("CCC", ""), ("", "short")]


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_other_delimiters(tmp_path, delimiter):
    path = tmp_path / "table.tsv"
    path.write_text(delimiter.join(("smiles", "name")) + "\n" + delimiter.join(("CCO", "ethanol")))
    assert _read(path) == [("CCO", "ethanol")]


def test_an_sdf_gives_blocks_and_names(tmp_path):
    path = tmp_path / "list.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for smiles, title, name in (("CCO", "ethanol", ""), ("CCC", "1234", "propane")):
            molecule = Chem.MolFromSmiles(smiles)
            molecule.SetProp("_Name", title)
            if name:
                molecule.SetProp("ChEBI NAME", name)
            writer.write(molecule)
    found = list(read_molecules(path))
    assert [record.name for record in found] == ["ethanol", "propane"]
    assert [Chem.MolToSmiles(Chem.MolFromMolBlock(r.text)) for r in found] == ["CCO", "CCC"]


def test_a_broken_record_of_an_sdf_does_not_hide_the_next(tmp_path):
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    path = tmp_path / "list.sdf"
    path.write_text(f"{block}$$$$\nrubbish\n$$$$\n{block}$$$$\n")
    found = list(read_molecules(path))
    assert [record.place for record in found] == ["record 1", "record 2", "record 3"]
    assert Chem.MolFromMolBlock(found[2].text) is not None


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"\x00\x01\x02", "no text"), (gzip.compress(b"CCO\n" * 999)[:20], "damaged")],
)
def test_what_holds_no_list_is_told(tmp_path, content, said):
    path = tmp_path / "list.smi"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said):
        list(read_molecules(path))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SourceError, match=r"none\.smi"):
        list(read_molecules(tmp_path / "none.smi"))


def test_a_line_without_end_is_not_kept_in_memory(tmp_path):
    path = tmp_path / "long.smi"
    path.write_text("C" * (5 << 20) + "\nCCO ethanol\n")
    found = list(read_molecules(path))
    assert found[-1].text == "CCO"
    assert max(len(record.text) for record in found) <= 1 << 20


@given(
    st.lists(
        st.text(st.characters(codec="ascii", exclude_characters="#\r\n\t \",\x0b\x0c\x1c\x1d\x1e"
                              "\x1f\x00"), min_size=1, max_size=300),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_every_line_of_a_list_comes_once(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lines") / "list.smi"
    path.write_bytes("".join(f"{line}\n" for line in ["CCO", *lines]).encode())
    assert [record.text for record in read_molecules(path)] == ["CCO", *lines]
