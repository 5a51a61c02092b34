"""Equation 14, term by term."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
import torch

from engine.networks.mspectmol import MSpecTmolOutput
from engine.training.imbalance import focal_loss
from engine.training.mspectmol_objective import MSpecTmolWeights, mspectmol_loss

LABELS = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
NONE = MSpecTmolWeights(0, 0, 0, 0, 0)


@pytest.fixture
def output():
    return MSpecTmolOutput(
        torch.tensor([[0.3, -1.0], [2.0, 0.5]]), {}, "IR",
        torch.tensor([[-0.4, 0.2], [0.1, -3.0]]),
        torch.tensor(0.11), torch.tensor(13.0), torch.tensor(17.0), torch.tensor(0.9),
    )  # fmt: skip


def entropy(logits):
    total = 0.0
    for row, truths in zip(logits.tolist(), LABELS.tolist(), strict=True):
        for logit, truth in zip(row, truths, strict=True):
            p = 1 / (1 + math.exp(-logit))
            total -= math.log(p if truth else 1 - p)
    return total / 4


def terms(output, weights):
    return {
        "supplemented": weights.supplemented * entropy(output.logits),
        "primary": weights.primary * entropy(output.primary_logits),
        "redundancy": weights.redundancy * 0.11 + (0.9 if weights.redundancy else 0.0),
        "alpha": weights.alpha * 13.0,
        "beta": weights.beta * 17.0,
    }


def test_the_papers_weights_are_the_defaults():
    assert MSpecTmolWeights() == MSpecTmolWeights(1.0, 0.7, 1.0, 1e-6, 1e-6)


@pytest.mark.parametrize("weights", [MSpecTmolWeights(), MSpecTmolWeights(2, 0.1, 3, 0.2, 0.4)])
def test_the_loss_is_the_sum_of_equation_14_and_of_what_foresees(output, weights):
    loss = mspectmol_loss(output, LABELS, weights).item()
    assert loss == pytest.approx(sum(terms(output, weights).values()), rel=1e-5)


@pytest.mark.parametrize("name", [field.name for field in fields(MSpecTmolWeights)])
def test_each_term_can_stand_alone_or_be_left_out(output, name):
    weights = MSpecTmolWeights(2, 0.1, 3, 0.2, 0.4)
    every = terms(output, weights)
    alone = replace(NONE, **{name: getattr(weights, name)})
    assert mspectmol_loss(output, LABELS, alone).item() == pytest.approx(every[name], rel=1e-5)
    without = replace(weights, **{name: 0.0})
    rest = sum(value for term, value in every.items() if term != name)
    assert mspectmol_loss(output, LABELS, without).item() == pytest.approx(rest, rel=1e-5)


def test_with_no_term_left_it_says_so(output):
    with pytest.raises(ValueError, match="no term of the objective is left"):
        mspectmol_loss(output, LABELS, NONE)


def test_another_loss_of_labels_takes_the_place_of_cross_entropy(output):
    weights = replace(NONE, supplemented=1.0)
    found = mspectmol_loss(output, LABELS, weights, focal_loss).item()
    assert found == pytest.approx(focal_loss(output.logits, LABELS).mean().item())
