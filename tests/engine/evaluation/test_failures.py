"""The analysis of failures, against cases counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.evaluation.failures import (
    TASKS,
    by_group,
    confusions,
    failure_analysis,
    format_table,
    largest_members,
    molecule_facts,
    murcko_scaffold,
    reliability,
    strongest_confusions,
)
from engine.library.group_model import save_group_model
from engine.training.group_tables import MissingTableError


def test_confusions_are_shares_of_the_missed():
    truth = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 1], [1, 0, 0]], bool)
    present = np.array([[0, 1, 0], [0, 0, 0], [0, 1, 1], [1, 1, 0]], bool)
    # Group 0 was missed three times; in two of these group 1 was wrongly given. The fourth
    # molecule's group 0 was found: its wrong group 1 is no confusion of it.
    assert confusions(present, truth).tolist() == [
        [0.0, pytest.approx(2 / 3), 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0],
    ]  # fmt: skip


def test_a_right_group_is_no_confusion():
    truth, present = np.array([[True, True]]), np.array([[False, True]])
    assert not confusions(present, truth).any()


def test_only_groups_missed_often_are_listed():
    matrix = [[0.0, 0.5, 0.2], [0.9, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert strongest_confusions(matrix, ["a", "b", "c"], [9, 4, 0]) == [
        ("a", "b", 0.5), ("a", "c", 0.2),
    ]  # fmt: skip


def test_reliability_counts_every_probability_once():
    probabilities = np.array([[0.05, 0.05], [0.05, 0.95], [1.0, 0.55]])
    truth = np.array([[False, True], [False, True], [True, False]])
    rows = reliability(probabilities, truth)
    assert [(row["from"], row["count"]) for row in rows] == [(0.0, 3), (0.5, 1), (0.9, 2)]
    assert rows[0]["observed"] == pytest.approx(1 / 3) and rows[0]["predicted"] == pytest.approx(
        0.05
    )
    assert rows[2]["observed"] == 1.0 and rows[2]["predicted"] == pytest.approx(0.975)


def test_each_group_has_its_own_figures():
    truth = np.array([[1, 0], [1, 0], [0, 0]], bool)
    present = np.array([[1, 0], [0, 0], [1, 1]], bool)
    a, b = by_group(present, truth, ("a", "b"), np.array([100, 7]))
    assert a == {
        "name": "a", "positives": 2, "train_positives": 100, "f1": 0.5, "precision": 0.5,
        "recall": 0.5,
    }  # fmt: skip
    assert (b["f1"], b["precision"], b["recall"]) == (None, 0.0, None)


def test_the_largest_are_a_tenth():
    heavy = np.array([3, 9, 9, 5, 4, 1, 2, 8, 7, 6, 9])
    assert np.flatnonzero(largest_members(heavy)).tolist() == [1]
    assert largest_members(np.array([4])).tolist() == [True]


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [("CCO", ""), ("Cc1ccccc1", "c1ccccc1"), ("CC(=O)Nc1ccccc1CCC1CC1", "c1ccc(CCC2CC2)cc1"),
     ("O=C1CCCCC1C", "O=C1CCCCC1")],
)  # fmt: skip
def test_scaffolds_are_rings_and_what_joins_them(smiles, scaffold):
    assert murcko_scaffold(smiles) == scaffold


def test_scaffolds_are_looked_up_in_train():
    facts = molecule_facts(["CCO", "CCc1ccccc1", "C1CC1C"], {"Oc1ccccc1", "CCCC"})
    assert facts.scaffold.tolist() == ["no ring", "scaffold in train", "scaffold not in train"]
    assert facts.heavy.tolist() == [3, 8, 4]


@pytest.fixture(scope="module")
def analysis(small_tables, tmp_path_factory):
    import torch

    from engine.chemistry.functional_groups import GROUP_NAMES
    from engine.encoding.channels import CHANNEL_NAMES
    from engine.library.group_model import Calibration, LabelCalibration
    from engine.networks.cnn_1d import Cnn1d, Cnn1dConfig

    torch.manual_seed(0)
    network = Cnn1d(Cnn1dConfig(CHANNEL_NAMES, GROUP_NAMES, filters=(3, 4), dense=(16, 8)))
    plain = Calibration(LabelCalibration(np.ones(37), np.zeros(37), np.full(37, 0.5)), {})
    folder = tmp_path_factory.mktemp("models")
    about = {"kind": "cnn-1d", "name": "Small", "version": "1", "licence": "MIT",
             "train_positives": list(range(37))}  # fmt: skip
    save_group_model(folder / "c", network, plain, about)
    return failure_analysis(small_tables, "test", folder / "c", folder / "c")


def test_every_model_and_task_is_analysed(analysis):
    entries = analysis["entries"]
    assert [(e["model"], e["input"]) for e in entries] == [
        (model, task) for model in ("shipped", "1D-CNN") for task in TASKS
    ]
    for entry in entries:
        for key in ("by_groups", "by_heavy_atoms", "by_scaffold"):
            assert sum(row["samples"] for row in entry[key]) == entry["samples"] == 12
        assert entry["largest"]["samples"] + entry["largest"]["others"]["samples"] == 12
        assert sum(row["count"] for row in entry["reliability"]) == 12 * 37
        assert np.shape(entry["confusions"]) == (37, 37)
    # The same molecules stand in train and test here.
    kinds = {row["scaffold"] for row in entries[0]["by_scaffold"]}
    assert kinds == {"no ring", "scaffold in train"}


def test_the_tables_can_be_written_from_kept_results(analysis):
    text = format_table(json.loads(json.dumps(analysis)))
    assert "Accuracy by heavy atoms" in text and "| IR+13C+1H | 1D-CNN |" in text
    assert "nan" not in text.lower()
    for line in text.splitlines():
        assert line.startswith("|") == line.endswith("|") or not line.startswith("|")


def test_missing_tables_are_said(tmp_path):
    with pytest.raises(MissingTableError):
        failure_analysis(tmp_path, "test")
