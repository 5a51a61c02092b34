"""The decoder names labels one after another, and is taught only in training."""

from __future__ import annotations

import pytest
import torch

from engine.networks.label_decoder import DECODERS, label_decoder

ORDER = (2, 0, 3, 1)
SIZES = {
    "lstm": {"hidden": 16, "embedding": 8},
    "gru": {"hidden": 16, "embedding": 8},
    "transformer": {"hidden": 16, "heads": 2, "depth": 2},
}


@pytest.fixture(params=DECODERS)
def decoder(request):
    torch.manual_seed(0)
    module = DECODERS[request.param](12, ORDER, **SIZES[request.param])
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


@pytest.mark.parametrize("last", ORDER)
def test_a_label_cannot_hear_one_that_comes_after_it(decoder, last):
    """By gradients, through the whole of the network's own words."""
    fused = torch.randn(2, 12)
    prior = torch.zeros(2, 4, requires_grad=True)
    decoder(fused, prior)[:, last].sum().backward()
    heard = prior.grad.abs().amax(0) > 0
    before = ORDER[: ORDER.index(last) + 1]
    assert heard.tolist() == [label in before for label in range(4)]


@pytest.mark.parametrize(("kind", "cell"), [("lstm", torch.nn.LSTMCell), ("gru", torch.nn.GRUCell)])
def test_the_cell_is_torchs_own(kind, cell):
    torch.manual_seed(1)
    decoder = DECODERS[kind](12, ORDER, **SIZES[kind]).eval().requires_grad_(False)
    fused, prior = torch.randn(3, 12), torch.randn(3, 4)
    assert isinstance(decoder.cell, cell)
    hidden = decoder.start(fused)
    state = (hidden, torch.zeros_like(hidden)) if kind == "lstm" else hidden
    told = decoder.first.expand(3, -1)
    logits = torch.empty(3, 4)
    for label in ORDER:
        state = decoder.cell(told, state)
        hidden = state[0] if kind == "lstm" else state
        logits[:, label] = prior[:, label] + decoder.out(hidden)[:, label]
        yes = torch.sigmoid(logits[:, label]).unsqueeze(1)
        told = (1 - yes) * decoder.previous[label, 0] + yes * decoder.previous[label, 1]
    assert torch.allclose(decoder(fused, prior), logits, atol=1e-5)


def test_the_transformer_a_place_at_a_time_is_the_whole_under_a_causal_mask():
    torch.manual_seed(2)
    decoder = DECODERS["transformer"](12, ORDER, **SIZES["transformer"])
    decoder = decoder.eval().requires_grad_(False)
    fused, prior = torch.randn(3, 12), torch.randn(3, 4)
    logits = decoder(fused, prior)
    yes = torch.sigmoid(logits).unsqueeze(2)
    told = (1 - yes) * decoder.previous[:, 0] + yes * decoder.previous[:, 1]
    places = torch.stack([decoder.start(fused), *(told[:, label] for label in ORDER[:-1])], 1)
    places = places + decoder.asked[list(ORDER)]
    for layer in decoder.layers:
        parts = layer.query_key_value(layer.norm(places)).unflatten(2, (3, layer.heads, -1))
        query, key, value = (part.transpose(1, 2) for part in parts.unbind(2))
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        later = torch.ones(4, 4).triu(1).bool()
        attended = scores.masked_fill(later, float("-inf")).softmax(-1) @ value
        places = places + layer.out(attended.transpose(1, 2).flatten(2))
        places = places + layer.feed_forward(places)
    found = decoder.out(decoder.norm(places))
    for step, label in enumerate(ORDER):
        expected = prior[:, label] + found[:, step, label]
        assert torch.allclose(logits[:, label], expected, atol=1e-5)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="decoder 'rnn' is none of lstm, gru, transformer"):
        label_decoder("rnn", 12, ORDER)
