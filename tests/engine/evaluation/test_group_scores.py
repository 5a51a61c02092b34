"""Scores against counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.evaluation.group_scores import TIERS, score

NAMES = ("a", "b", "c")


def test_scores_of_four_molecules_counted_by_hand():
    probabilities = np.array([[0.9, 0.2, 0.1], [0.8, 0.7, 0.1], [0.3, 0.6, 0.1], [0.6, 0.1, 0.2]])
    truth = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]], bool)
    scores = score(probabilities, np.array([0.5, 0.5, 0.5]), truth, NAMES, np.array([10, 1000, 9]))
    # a: predicted 1, 2, 4, true 1, 2, 3: two hits, F1 = 4/6. b: predicted 2, 3, true 2: 2/3.
    assert scores.samples == 4
    assert scores.by_group == {
        "a": (3, pytest.approx(4 / 6)), "b": (1, pytest.approx(2 / 3)), "c": (0, 0.0),
    }  # fmt: skip
    assert scores.micro_f1 == pytest.approx(2 * 3 / (5 + 4))
    # c has no positives and is not defined.
    assert scores.macro_f1 == pytest.approx((4 / 6 + 2 / 3) / 2)
    # The first two molecules are wholly right.
    assert scores.sample_accuracy == 0.5
    assert scores.tiers["low"] == pytest.approx(4 / 6)
    assert scores.tiers["medium"] == pytest.approx(2 / 3)
    assert math.isnan(scores.tiers["high"])


def test_each_label_has_its_own_threshold():
    probabilities = np.array([[0.3, 0.3, 0.3]])
    truth = np.array([[True, False, True]])
    scores = score(probabilities, np.array([0.3, 0.31, 0.2]), truth, NAMES, np.zeros(3))
    assert scores.micro_f1 == scores.macro_f1 == scores.sample_accuracy == 1.0


def test_tiers_cover_every_count_once():
    for count in (0, 1, 399, 400, 3999, 4000, 10**6):
        assert sum(low <= count < high for _, low, high in TIERS) == 1
    assert [name for name, _, _ in TIERS] == ["low", "medium", "high"]


def test_the_calibration_error_is_the_weighted_gap_of_ten_bins():
    # Two bins: three predictions of 0.25 with one right, one of 0.95 that is wrong.
    probabilities = np.array([[0.25, 0.25], [0.25, 0.95]])
    truth = np.array([[True, False], [False, False]])
    scores = score(probabilities, np.full(2, 0.5), truth, ("a", "b"), np.zeros(2))
    expected = (3 * abs(0.25 - 1 / 3) + 1 * 0.95) / 4
    assert scores.calibration_error == pytest.approx(expected)


def test_calibrated_probabilities_have_a_small_error_and_certainty_fits_in():
    rng = np.random.default_rng(0)
    probabilities = rng.random((4000, 3))
    truth = rng.random((4000, 3)) < probabilities
    scores = score(probabilities, np.full(3, 0.5), truth, NAMES, np.zeros(3))
    assert scores.calibration_error < 0.02
    sure = score(np.ones((2, 3)), np.full(3, 0.5), np.ones((2, 3), bool), NAMES, np.zeros(3))
    assert sure.calibration_error == 0


def test_no_molecules_have_no_scores():
    nothing = np.zeros((0, 3))
    scores = score(nothing, np.full(3, 0.5), nothing.astype(bool), NAMES, np.zeros(3))
    assert scores.samples == 0
    assert math.isnan(scores.macro_f1) and math.isnan(scores.sample_accuracy)
    assert scores.calibration_error == 0
