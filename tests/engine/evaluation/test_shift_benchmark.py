"""The shift benchmark counts what it says."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from engine.evaluation.shifts import _rows, format_table, shift_benchmark
from engine.library.group_model import ModelCard
from engine.training.group_tables import MissingTableError
from engine.training.shift_tables import read_shift_records


def _row(smiles: str, key: str, carbons: dict, source: str = "human_molblock") -> dict:
    return {
        "key": key,
        "smiles": smiles,
        "assigned_smiles": smiles,
        "assignment_source": source,
        "c13": [],
        "h1": [],
        "c13_atoms": carbons,
        "h1_atoms": {},
        "meta": {},
    }


@pytest.fixture
def data(tmp_path):
    tables = {
        "train": [_row("CCO", "A", {"0": [18.0], "1": [58.0]})],
        "test": [
            _row("CCO", "B", {"0": [18.5], "1": [59.0]}),
            _row("CCN", "C", {"0": [1.0]}, source="inferred"),
        ],
    }
    for split, rows in tables.items():
        with gzip.open(tmp_path / f"nmr_{split}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def test_only_atoms_that_people_assigned_count(data):
    result = shift_benchmark(data, "test")
    rows = {(r["model"], r["technique"]): r for r in result["rows"]}
    assert result["molecules"] == 1
    baseline = rows["environments", "13C NMR"]
    assert baseline["atoms"] == 2
    assert baseline["mean absolute error"] == pytest.approx(0.75)
    assert rows["GIN", "13C NMR"]["atoms"] == 2
    assert "environments" in format_table(result)


def test_a_row_is_of_the_errors(data):
    record = next(iter(read_shift_records(data, "test", dft=False)))
    shifts = [np.array([[20.5, 1.0], [58.0, 2.0], [np.nan, np.nan]])]
    (row,) = _rows("x", "13C NMR", [record], shifts, 0)
    assert row["mean absolute error"] == pytest.approx(1.5)
    assert row["median"] == pytest.approx(1.5)
    assert row["expected"] == pytest.approx(1.5)
    assert row["rank correlation"] == pytest.approx(-1.0)


def test_no_tables_no_numbers(tmp_path):
    with pytest.raises(MissingTableError):
        shift_benchmark(tmp_path, "test")


def test_a_card_names_the_model(data):
    assert set(shift_benchmark(data, "test")["model"]) == set(ModelCard("", "", "").to_dict())
