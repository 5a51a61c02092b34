"""Remedies of imbalance against their formulas and against data worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.training.imbalance import (
    OBJECTIVES,
    focal_loss,
    label_loss,
    plain_loss,
    positive_weights,
)
from engine.training.mlsmote import imbalance_ratios, minority_labels, mlsmote, oversampled
from engine.training.train_groups import TrainingPlan


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize(("logit", "label"), [(0.0, 1), (2.0, 1), (-3.0, 1), (1.5, 0), (-4.0, 0)])
def test_focal_loss_is_its_formula(logit, label, gamma):
    p = 1 / (1 + math.exp(-logit))
    right = p if label else 1 - p
    expected = -((1 - right) ** gamma) * math.log(right)
    loss = focal_loss(torch.tensor([[logit]]), torch.tensor([[float(label)]]), gamma)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_focal_loss_without_gamma_is_cross_entropy():
    logits, labels = torch.randn(4, 5), (torch.rand(4, 5) < 0.5).float()
    assert torch.allclose(focal_loss(logits, labels, 0.0), plain_loss(logits, labels))


def test_positives_of_rare_groups_weigh_the_root_of_negatives_per_positive():
    labels = np.zeros((100, 4), np.uint8)
    labels[:20, 0] = 1  # 80 negatives to 20: 4, root 2
    labels[:90, 1] = 1  # more positives than negatives: not below 1
    labels[:1, 2] = 1  # 99: root 9.95
    assert positive_weights(labels) == (2.0, 1.0, pytest.approx(9.9499), pytest.approx(10.0))
    assert positive_weights(np.zeros((10_000, 1))) == (20.0,)


def test_reweighting_multiplies_positives_alone():
    plan = TrainingPlan("cnn-1d", objective="reweighted", label_weights=(3.0, 1.0))
    logits, labels = torch.tensor([[0.4, -0.2], [1.0, 0.3]]), torch.tensor([[1.0, 0], [0, 1.0]])
    loss, plain = label_loss(plan)(logits, labels), plain_loss(logits, labels)
    assert torch.allclose(loss / plain, torch.tensor([[3.0, 1.0], [1.0, 1.0]]))


def test_objectives_are_chosen_by_name():
    assert label_loss(TrainingPlan("cnn-1d")) is plain_loss
    assert label_loss(TrainingPlan("cnn-1d", objective="focal")) is focal_loss
    with pytest.raises(ValueError, match=f"'hinge' is none of {', '.join(OBJECTIVES)}"):
        label_loss(TrainingPlan("cnn-1d", objective="hinge"))
    with pytest.raises(ValueError, match="label_weights"):
        label_loss(TrainingPlan("cnn-1d", objective="reweighted"))


# Eight samples on a line; label 0 in six, label 1 in four, label 2 in two (0 and 1).
PLACES = np.array([[0.0, 0], [1, 10], [2, 0], [3, 0], [4, 0], [5, 0], [6, 0], [7, 0]])
SETS = np.array(
    [[1, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
)


def test_imbalance_ratios_worked_out_by_hand():
    assert imbalance_ratios(SETS).tolist() == [1.0, 1.5, 3.0]
    # The mean is 5.5 / 3 = 1.83.
    assert minority_labels(SETS).tolist() == [2]
    with_none = np.c_[SETS, np.zeros(8, int)]
    assert np.isnan(imbalance_ratios(with_none)[3])
    assert minority_labels(with_none).tolist() == [2]
    assert len(minority_labels(np.zeros((3, 2)))) == 0


def test_made_up_samples_lie_between_a_seed_and_its_neighbour():
    made, sets = mlsmote(PLACES, SETS, np.random.default_rng(0))
    # One for each of the two positives of label 2; each has the other as its only neighbour.
    assert made.shape == (2, 2)
    assert ((made >= [0, 0]) & (made <= [1, 10])).all()
    # Each feature goes its own part of the way.
    assert not np.allclose(made[:, 0], made[:, 1] / 10)
    # Of seed and neighbour both have labels 0 and 2; only one has label 1, which is not over half.
    assert sets.tolist() == [[True, False, True]] * 2


def test_neighbours_are_the_nearest_that_have_the_label():
    """Ten positives of a rare label, in two places far apart: nothing is made between them."""
    features = np.r_[np.linspace(0, 1, 5), np.linspace(100, 101, 5), np.full(90, 50.0)][:, None]
    labels = np.zeros((100, 3), int)
    labels[:10, 0] = 1
    labels[:, 1] = 1
    labels[:90, 2] = 1
    made, sets = mlsmote(features, labels, np.random.default_rng(3), neighbours=4)
    assert len(made) == 10
    assert ((made < 1.01) | (made > 99.99)).all()
    assert sets.all(0).tolist() == [True, True, True]


def test_a_label_with_one_positive_makes_nothing():
    labels = np.zeros((20, 2), int)
    labels[:, 0], labels[0, 1] = 1, 1
    made, sets = mlsmote(np.random.default_rng(0).random((20, 3)), labels, np.random.default_rng(0))
    assert made.shape == (0, 3) and sets.shape == (0, 2)


def test_made_up_molecules_are_tensors_of_the_same_channels(made_up):
    tensors = made_up(60)
    both = tensors.presence[:, [CHANNEL_NAMES.index(n) for n in ("IR", "13C NMR")]].all(1)
    from engine.training.fusion_data import complete

    whole = complete(tensors, ("IR", "13C NMR"))
    assert len(whole) == both.sum()
    whole.labels[:, 20] = 0
    whole.labels[:3, 20] = 1
    extra = oversampled(whole, ("IR", "13C NMR"), np.random.default_rng(0))
    assert len(extra) == 3 and (extra.labels[:, 20] == 1).all()
    assert extra.presence.sum(0).tolist() == [
        3 * (name in ("IR", "13C NMR")) for name in CHANNEL_NAMES
    ]
    first = whole.values["IR"][whole.first["IR"][:3]].astype(float)
    inside = (extra.values["IR"] >= first.min(0) - 0.01) & (
        extra.values["IR"] <= first.max(0) + 0.01
    )
    assert inside.all()
