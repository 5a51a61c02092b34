"""Tables whose columns a chemist chooses: what is found in them, and the list made of them."""

from __future__ import annotations

import gzip
from concurrent.futures import CancelledError

import pytest

from engine.library.column_choice import is_table, table_columns, write_smiles_list
from engine.library.molecule_source import SourceError, read_molecules

_TABLE = """id;Compound Name;what it is
1;acetone;CC(C)=O
2;"propanal; of old";CCC=O

3;nothing;
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "stock.csv"
    path.write_text(_TABLE, encoding="utf-8")
    return path


def test_titles_rows_and_likely_columns_are_found(table):
    columns = table_columns(table)
    assert columns.titles == ("id", "Compound Name", "what it is") and columns.delimiter == ";"
    assert columns.rows[1] == ("2", "propanal; of old", "CCC=O")
    # No title says SMILES: the cells do.
    assert (columns.smiles, columns.name) == (2, 1)


def test_the_chosen_columns_become_a_list_that_the_library_reads(table, tmp_path):
    target = tmp_path / "made" / "stock.smi"
    assert write_smiles_list(table, target, 2, 1) == 3
    records = list(read_molecules(target))
    assert [(r.text, r.name) for r in records] == [
        ("CC(C)=O", "acetone"), ("CCC=O", "propanal; of old"), ("-", "nothing"),
    ]  # fmt: skip
    assert [path.name for path in target.parent.iterdir()] == ["stock.smi"]


def test_a_gzipped_table_is_read_too(tmp_path):
    path = tmp_path / "stock.csv.gz"
    path.write_bytes(gzip.compress(b"smiles,name\nCCO,ethanol\n"))
    assert is_table(path) and table_columns(path).smiles == 0
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(SourceError, match="damaged gzip"):
        table_columns(path)


def test_a_stop_leaves_nothing_behind(table, tmp_path):
    target = tmp_path / "made" / "stock.smi"
    with pytest.raises(CancelledError):
        write_smiles_list(table, target, 2, 1, is_cancelled=lambda: True)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("content, said", [(b"", "is empty"), (b"a\x00b,c\n1,2\n", "is no text")])
def test_what_is_no_table_is_refused(tmp_path, content, said):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said):
        table_columns(path)
    with pytest.raises(SourceError, match="there is no file"):
        table_columns(tmp_path / "missing.csv")


def test_sdf_and_smiles_lists_are_no_tables():
    assert not is_table("a.sdf") and not is_table("a.smi.gz") and is_table("A.TSV")
