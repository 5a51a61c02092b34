"""The decoder names labels one after another, and is taught only in training."""

from __future__ import annotations

import pytest
import torch

from engine.networks.label_decoder import LabelDecoder


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    module = LabelDecoder(12, (2, 0, 3, 1), hidden=16, embedding=8)
    # The embeddings start small; larger ones make what a label says to the next visible.
    with torch.no_grad():
        module.previous.mul_(30)
    return module.eval().requires_grad_(False)


def test_logits_come_in_the_labels_own_order_and_start_from_the_prior(decoder):
    fused, prior = torch.randn(5, 12), torch.randn(5, 4)
    logits = decoder(fused, prior)
    assert logits.shape == (5, 4)
    lifted = decoder(fused, prior + torch.tensor([0.0, 100.0, 0.0, 0.0]))
    # Label 1 is named last: nobody hears of its prior, and it moves by just that.
    assert lifted[:, [0, 2, 3]] == pytest.approx(logits[:, [0, 2, 3]])
    assert lifted[:, 1] == pytest.approx(logits[:, 1] + 100)


def test_a_label_hears_only_those_named_before_it(decoder):
    fused, prior = torch.randn(3, 12), torch.zeros(3, 4)
    logits = decoder(fused, prior)
    changed = decoder(fused, prior + torch.tensor([5.0, 0.0, 0.0, 0.0]))
    moved = (changed - logits).abs().amax(0) > 1e-6
    # Order 2, 0, 3, 1: label 2 was named before label 0.
    assert moved.tolist() == [True, True, False, True]


def test_taught_labels_take_the_place_of_the_networks_own(decoder):
    fused, prior = torch.randn(3, 12), torch.zeros(3, 4)
    no, yes = torch.zeros(3, 4), torch.ones(3, 4)
    own = decoder(fused, prior)
    assert decoder(fused, prior, yes, teaching=0.0) == pytest.approx(own)
    taught = [decoder(fused, prior, truth, teaching=1.0) for truth in (no, yes)]
    first = 2
    assert taught[0][:, first] == pytest.approx(own[:, first])
    assert (taught[0] - taught[1]).abs().amax(0)[[0, 3, 1]].min() > 1e-4


def test_the_order_is_not_among_the_weights(decoder):
    assert "order" not in decoder.state_dict()
