"""Calibration brings probabilities to frequencies, and thresholds to where F1 is best."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.training.group_calibration import (
    SUBSETS,
    fit_calibration,
    members_of,
    subset_logits,
)
from engine.training.group_tables import read_group_records
from engine.training.group_tensors import EVALUATION_VARIANTS, GroupTensors, prepare


class Overconfident(torch.nn.Module):
    """Reads the true log odds off the first points of a spectrum, and exaggerates them."""

    def __init__(self, scale=3, shift=1):
        super().__init__()
        self.scale, self.shift = scale, shift
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def forward(self, spectra):
        return self.scale * next(iter(spectra.values()))[:, :37] + self.shift


def infrared_only(log_odds, seed):
    """Molecules with IR alone, whose labels follow the log odds in their first 37 points."""
    rng = np.random.default_rng(seed)
    size = len(log_odds)
    values = np.zeros((size, 600), np.float32)
    values[:, :37] = log_odds
    truth = rng.random((size, 37)) < 1 / (1 + np.exp(-log_odds))
    nothing, empty = np.zeros(size, np.int64), np.zeros((0, 600), np.float32)
    return GroupTensors(
        np.arange(size).astype(str),
        truth.astype(np.uint8),
        {n: values if n == "IR" else empty for n in CHANNEL_NAMES},
        {n: np.arange(size) if n == "IR" else nothing for n in CHANNEL_NAMES},
        {n: np.ones(size, np.int64) if n == "IR" else nothing for n in CHANNEL_NAMES},
    )


@pytest.fixture(scope="module")
def valid():
    return infrared_only(np.random.default_rng(0).normal(-0.5, 1.5, (500, 37)), seed=1)


def log_loss(probabilities, truth):
    kept = np.clip(np.where(truth, probabilities, 1 - probabilities), 1e-12, None)
    return -np.log(kept).mean()


def plain(logits):
    return 1 / (1 + np.exp(-logits.astype(float)))


def f1(present, truth):
    return 2 * (present & truth).sum() / (present.sum() + truth.sum())


def test_overconfidence_is_taken_back(valid):
    network = Overconfident()
    calibration = fit_calibration(network, valid)
    logits, truth = subset_logits(network, valid, ("IR",))
    of_all, of_infrared = calibration.other, calibration.for_channels(["IR"])
    before = log_loss(plain(logits), truth)
    after = log_loss(of_all.probabilities(logits), truth)
    assert after < before - 0.1
    # Its own calibration fits a subset at least as well as that of all together.
    assert log_loss(of_infrared.probabilities(logits), truth) <= after
    assert of_all.slope.mean() == pytest.approx(1 / 3, abs=0.06)
    assert of_all.offset.mean() == pytest.approx(-1 / 3, abs=0.1)
    assert (of_all.slope > 0).all()


def test_logits_that_are_right_are_not_made_worse(valid):
    network = Overconfident(scale=1, shift=0)
    calibration = fit_calibration(network, valid)
    logits, truth = subset_logits(network, valid, ("IR",))
    assert log_loss(calibration.other.probabilities(logits), truth) <= log_loss(
        plain(logits), truth
    )


def test_thresholds_raise_f1_over_one_half(valid):
    network = Overconfident()
    calibration = fit_calibration(network, valid).for_channels(["IR"])
    logits, truth = subset_logits(network, valid, ("IR",))
    probabilities = calibration.probabilities(logits)
    assert f1(probabilities >= calibration.threshold, truth) > f1(probabilities >= 0.5, truth)
    assert ((calibration.threshold >= 0.15) & (calibration.threshold <= 0.75)).all()


def test_a_group_without_positives_takes_the_common_threshold(valid):
    from dataclasses import replace

    labels = valid.labels.copy()
    labels[:, [5, 6]] = 0
    calibration = fit_calibration(Overconfident(), replace(valid, labels=labels)).other
    grid = np.linspace(0.15, 0.75, 61)
    assert calibration.threshold[5] == calibration.threshold[6]
    assert np.abs(grid - calibration.threshold[5]).min() < 1e-9
    assert np.isfinite(calibration.slope).all() and np.isfinite(calibration.offset).all()


def test_infrared_alone_is_calibrated_on_its_doubtful_renderings(valid):
    network = Overconfident()
    # In these, what the network reads says nothing of the labels.
    rng = np.random.default_rng(2)
    doubtful = infrared_only(rng.normal(-0.5, 1.5, (500, 37)), seed=3)
    doubtful.values["IR"][:, :37] = rng.normal(-0.5, 1.5, (500, 37))
    sure, unsure = fit_calibration(network, valid), fit_calibration(network, valid, doubtful)
    assert unsure.for_channels(["IR"]).slope.mean() < 0.3 * sure.for_channels(["IR"]).slope.mean()


def test_sets_that_nobody_fitted_share_one_calibration(valid):
    calibration = fit_calibration(Overconfident(), valid)
    assert calibration.for_channels(["IR", "MS/MS+"]) is calibration.other
    assert calibration.for_channels(["13C NMR"]) is calibration.other
    assert calibration.for_channels(iter(["IR"])) is calibration.by_channels[frozenset({"IR"})]


def test_subsets_are_the_molecules_that_have_all_of_their_channels(small_tables, small_cnn):
    tensors = prepare(read_group_records(small_tables, "valid"), EVALUATION_VARIANTS)
    tensors.count["IR"][:5] = 0
    members, pattern = members_of(tensors, SUBSETS["IR+13C+1H"])
    assert members.tolist() == list(range(5, 12))
    assert pattern == (True, True, True, False, False)
    logits, truth = subset_logits(small_cnn(), tensors, ("IR",))
    assert logits.shape == truth.shape == (7, 37)
    assert truth.dtype == bool
