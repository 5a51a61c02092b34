"""The benchmark of strange inputs on tables of twelve molecules."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.unknown import format_table, roc_area, unknown_benchmark
from engine.training.group_tables import MissingTableError


def test_the_roc_area_is_the_chance_to_rank_rightly():
    assert roc_area(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1.0
    assert roc_area(np.array([0.0, 2.0]), np.array([1.0, 3.0])) == 0.75
    assert roc_area(np.array([1.0, 1.0]), np.array([1.0])) == 0.5
    assert roc_area(np.array([0.0, 1.0]), np.array([np.inf, -1.0])) == 0.5


@pytest.fixture(scope="module")
def result(small_tables):
    return unknown_benchmark(small_tables, "test", count=20)


def test_ordinary_and_strange_inputs_have_their_rows(result):
    ordinary = {row["input"]: row for row in result["ordinary"]}
    assert ordinary["13C"]["samples"] == 12
    assert ordinary["measured IR, gas"]["samples"] == 2
    assert {"IR", "IR+13C+1H", "13C, peak list"} <= set(ordinary)
    for row in [*result["ordinary"], *result["strange"]]:
        assert 0 <= row.get("doubted", row.get("detected")) <= 1
    kinds = {(row["input"], row["channel"]) for row in result["strange"]}
    assert ("axis reversed", "13C NMR") in kinds and ("mixture 1:1", "MS/MS+") in kinds
    assert len(kinds) == len(result["strange"])


def test_noise_alone_is_detected_in_every_technique(result):
    found = {row["channel"]: row for row in result["strange"] if row["input"] == "noise alone"}
    assert set(found) == {"IR", "1H NMR", "13C NMR", "MS/MS+", "MS/MS-"}
    assert min(row["detected"] for row in found.values()) >= 0.9
    assert min(row["roc_area"] for row in found.values()) >= 0.9


def test_the_table_shows_every_row(result):
    text = format_table(result)
    for row in result["strange"]:
        assert f"| {row['input']} | {row['channel']} |" in text
    assert "split test" in text and "2% false alarms" in text


def test_missing_tables_are_said(tmp_path):
    with pytest.raises(MissingTableError):
        unknown_benchmark(tmp_path, "test")
