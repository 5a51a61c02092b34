"""The losses against their equations, written out number by number."""

from __future__ import annotations

import math

import pytest
import torch

from engine.training.alignment_objective import (
    NodeTarget,
    knowledge_span,
    molecule_loss,
    node_loss,
    node_target,
    paired,
    shift_loss,
)

PPM = torch.tensor([20.0, 20.0, 21.0, 130.0])


def test_knowledge_span_is_equation_10():
    span = knowledge_span(PPM, tau_1=1.0, tau_2=10.0)
    weights = [math.exp(10 / (abs(20 - other) + 1)) for other in (20, 20, 21, 130)]
    assert span[0].tolist() == pytest.approx([w / sum(weights) for w in weights], rel=1e-4)
    assert span.sum(1) == pytest.approx(torch.ones(4))


def test_with_the_papers_temperatures_only_equal_shifts_count():
    assert knowledge_span(PPM)[0].tolist() == pytest.approx([0.5, 0.5, 0, 0], abs=1e-6)
    assert knowledge_span(PPM)[2].tolist() == pytest.approx([0, 0, 1, 0], abs=1e-6)


def test_pairs_are_equations_12_and_13():
    assert paired(PPM, 0.0)[0].tolist() == [1, 1, 0, 0]
    assert paired(PPM, 1.0)[2].tolist() == [1, 1, 1, 0]
    assert paired(torch.tensor([128.5, 129.5]), 1.0).tolist() == [[1, 1], [1, 1]]


def test_the_node_loss_is_the_cross_entropy_of_both_directions():
    torch.manual_seed(1)
    nodes, peaks = torch.randn(4, 6), torch.randn(4, 6)
    target = NodeTarget(tau_1=1.0, tau_2=10.0)
    span = knowledge_span(PPM, 1.0, 10.0)
    total = 0.0
    for logits in (nodes @ peaks.T, peaks @ nodes.T):
        for i in range(4):
            norm = math.log(sum(math.exp(float(x)) for x in logits[i]))
            total -= sum(float(span[i, j]) * (float(logits[i, j]) - norm) for j in range(4)) / 8
    assert float(node_loss(nodes, peaks, PPM, target)) == pytest.approx(total, rel=1e-4)


def test_at_the_optimum_the_softmax_equals_the_knowledge_span():
    """Eq. 3 and appendix A: the derivative by the logits is zero there (both ways at once where
    each shift has as many neighbours as any other)."""
    ppm = torch.tensor([20.0, 20.0, 22.0, 22.0])
    span = knowledge_span(ppm, 1.0, 10.0)
    logits = span.log().clone().requires_grad_()
    node_loss(logits, torch.eye(4), ppm, NodeTarget(tau_1=1.0, tau_2=10.0)).backward()
    assert logits.grad.abs().max() < 1e-6


def test_labels_that_are_not_trusted_do_not_count():
    torch.manual_seed(2)
    nodes, peaks = torch.randn(4, 6, requires_grad=True), torch.randn(4, 6)
    for target in (NodeTarget(), NodeTarget("pairs", threshold=1.0)):
        weights = torch.tensor([1.0, 1.0, 1.0, 0.0])
        (-node_loss(nodes * 0 + nodes, peaks, PPM, target, weights)).backward()
    with_trust = node_loss(nodes, peaks, PPM, NodeTarget(), torch.tensor([1.0, 1.0, 1.0, 0.0]))
    assert torch.isfinite(with_trust)
    assert node_loss(nodes, peaks, PPM, NodeTarget(), torch.zeros(4)).item() == 0.0


def test_the_molecule_loss_is_that_of_clip():
    logits = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    rows = [math.log(math.exp(2) + 1) - 2, math.log(math.e + math.exp(3)) - 3]
    columns = [math.log(math.exp(2) + math.e) - 2, math.log(1 + math.exp(3)) - 3]
    expected = (sum(rows) + sum(columns)) / 4
    assert molecule_loss(logits, torch.tensor([0, 1])).item() == pytest.approx(expected)


def test_another_measurement_of_the_molecule_is_no_wrong_answer():
    logits = torch.tensor([[2.0, 9.0, 0.0], [9.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
    same = molecule_loss(logits, torch.tensor([5, 5, 6]))
    apart = molecule_loss(logits, torch.tensor([4, 5, 6]))
    assert same < 0.3 < 4 < apart


def test_shift_errors_count_in_their_unit():
    predicted = torch.tensor([[100.0, 2.0], [50.0, 2.0]])
    trust = torch.tensor([1.0, 0.0])
    loss = shift_loss(predicted, torch.tensor([104.0, 90.0]), trust, unit=2.0)
    assert loss.item() == pytest.approx(4 / 2 + 0.3 * (4 / 2 + math.log(2)))
    assert shift_loss(predicted[:0], torch.zeros(0), torch.zeros(0), 2.0).item() == 0


def test_each_variant_has_its_target():
    assert node_target("k-m3aid") == node_target("no-communication") == NodeTarget()
    assert (node_target("sp-id").threshold, node_target("wp-id").threshold) == (0.0, 1.0)
    with pytest.raises(ValueError, match="variant 'x' is none of"):
        node_target("x")
