"""The objective against a slow evaluation of the paper's equations 9 to 12."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.networks.symspectra import SymSpectraOutput
from engine.training.group_objective import (
    ObjectiveWeights,
    conditional_information,
    symspectra_loss,
)


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def entropy(logit, truth):
    return -math.log(sigmoid(logit) if truth else 1 - sigmoid(logit))


def divergence(logit, other):
    """Expectation over Y of log p(Y|all) / p(Y|all but one), Y as the first believes."""
    p, q = sigmoid(logit), sigmoid(other)
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


@pytest.fixture
def output():
    torch.manual_seed(0)
    return SymSpectraOutput(
        torch.randn(6, 4), torch.randn(6, 4), {}, torch.tensor(123.0),
        {"IR": torch.randn(6, 4), "13C NMR": torch.randn(6, 4)},
    )  # fmt: skip


@pytest.fixture
def labels():
    return (torch.rand(6, 4, generator=torch.Generator().manual_seed(1)) < 0.4).float()


def information_by_hand(output):
    return np.array(
        [
            [
                max(
                    divergence(float(output.main_logits[i, j]), float(logits[i, j]))
                    for logits in output.without.values()
                )
                for j in range(4)
            ]
            for i in range(6)
        ]
    )


def test_information_is_that_of_the_most_informative_channel(output):
    information = conditional_information(output)
    assert information.numpy() == pytest.approx(information_by_hand(output), rel=1e-4)
    assert not information.requires_grad


def test_a_channel_that_is_not_missed_tells_nothing():
    logits = torch.randn(3, 4)
    output = SymSpectraOutput(logits, logits, {}, torch.tensor(0.0), {"IR": logits.clone()})
    assert conditional_information(output).abs().max() < 1e-6


@pytest.mark.parametrize("weights", [ObjectiveWeights(), ObjectiveWeights(1e-3, 1.5, 2.0, 0.2)])
def test_the_loss_is_equation_10_with_the_weights_of_11_and_12(output, labels, weights):
    information = information_by_hand(output)
    of_sample = information.mean(1)
    sample = 1 + weights.s1 * (of_sample - of_sample.mean()) / of_sample.std(ddof=1)
    feature = 1 + weights.s2 * (information - information.mean()) / information.std(ddof=1)
    supervised = np.mean(
        [
            np.mean(
                [
                    (
                        entropy(float(output.logits[i, j]), labels[i, j])
                        + weights.main * entropy(float(output.main_logits[i, j]), labels[i, j])
                    )
                    * max(0, feature[i, j])
                    for j in range(4)
                ]
            )
            * max(0, sample[i])
            for i in range(6)
        ]
    )
    auxiliary = np.mean(
        [
            entropy(float(logits[i, j]), labels[i, j])
            for logits in output.without.values()
            for i in range(6)
            for j in range(4)
        ]
    )
    loss = symspectra_loss(output, labels, weights)
    assert loss.item() == pytest.approx(supervised + auxiliary + weights.beta * 123.0, rel=1e-4)


def test_equal_information_weighs_all_alike(labels):
    logits = torch.zeros(6, 4)
    output = SymSpectraOutput(logits, logits, {}, torch.tensor(0.0), {"IR": logits})
    loss = symspectra_loss(output, labels, ObjectiveWeights())
    assert loss.item() == pytest.approx(2.5 * math.log(2), rel=1e-4)


def test_the_papers_weights_are_the_defaults():
    weights = ObjectiveWeights()
    assert (weights.beta, weights.s1, weights.s2) == (1e-6, 0.3, 0.3)
