"""Gates, their relaxed samples, and the information bound against the paper's sums."""

from __future__ import annotations

import math

import pytest
import torch

from engine.networks.importance_gate import ImportanceGate, information_bound, relaxed_bernoulli


def test_a_gate_scores_every_token_and_starts_open():
    torch.manual_seed(0)
    gate = ImportanceGate(16)
    logits = gate(torch.randn(3, 50, 16))
    assert logits.shape == (3, 50)
    assert torch.sigmoid(logits).mean() > 0.7


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8])
def test_relaxed_samples_lie_between_0_and_1_and_choose_as_often_as_p_says(probability):
    torch.manual_seed(1)
    logits = torch.full((20_000,), math.log(probability / (1 - probability)))
    sample = relaxed_bernoulli(logits)
    assert sample.min() >= 0 and sample.max() <= 1
    # sigmoid(a + L) > 1/2 exactly where a logistic variable exceeds -a: with probability p.
    assert (sample > 0.5).float().mean() == pytest.approx(probability, abs=0.02)
    hard = relaxed_bernoulli(logits, temperature=0.01)
    assert hard.mean() == pytest.approx(probability, abs=0.02)
    assert ((hard < 0.05) | (hard > 0.95)).float().mean() > 0.9


def test_the_mean_of_a_relaxed_sample_at_temperature_1_is_the_papers_integral():
    torch.manual_seed(2)
    probability = 0.7
    odds = probability / (1 - probability)
    sample = relaxed_bernoulli(torch.full((50_000,), math.log(odds)))
    uniform = (torch.arange(100_000) + 0.5) / 100_000
    expected = (odds * uniform / (odds * uniform + 1 - uniform)).mean()
    assert sample.mean() == pytest.approx(expected.item(), abs=0.01)


def test_gradients_flow_through_the_sample():
    logits = torch.zeros(10, requires_grad=True)
    relaxed_bernoulli(logits).sum().backward()
    assert (logits.grad > 0).all()


def test_the_information_bound_is_equations_26_and_31():
    torch.manual_seed(3)
    size, count, width = 3, 5, 4
    gates, tokens = torch.rand(size, count), torch.randn(size, count, width)
    mean, deviation = torch.randn(width), torch.rand(width) + 0.5
    total = 0.0
    for i in range(size):
        a = sum((1 - float(gates[i, j])) ** 2 for j in range(count))
        squares = []
        for c in range(width):
            b = sum(
                float(gates[i, j]) * float((tokens[i, j, c] - mean[c]) / deviation[c])
                for j in range(count)
            )
            squares.append(b**2)
        b_squared = sum(squares) / width
        total += -0.5 * math.log(a) + a / (2 * count) + b_squared / (2 * count)
    bound = information_bound(gates, tokens, mean, deviation)
    assert bound.item() == pytest.approx(total / size, rel=1e-5)


def test_letting_nothing_through_costs_less_than_letting_all_through():
    torch.manual_seed(4)
    tokens, mean, deviation = torch.randn(2, 30, 8) + 1, torch.zeros(8), torch.ones(8)
    closed = information_bound(torch.full((2, 30), 0.01), tokens, mean, deviation)
    opened = information_bound(torch.full((2, 30), 0.99), tokens, mean, deviation)
    assert closed < opened
    whole = information_bound(torch.ones(2, 30), tokens, mean, deviation)
    assert torch.isfinite(whole)
