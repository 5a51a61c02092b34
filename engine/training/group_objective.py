"""SymSpectra's objective: classification weighted by mutual information, and compression."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import logsigmoid

from engine.networks.symspectra import SymSpectraOutput
from engine.training.imbalance import LabelLoss, plain_loss


@dataclass(frozen=True)
class ObjectiveWeights:
    """``beta`` of eq. 8, ``s1``, ``s2`` of eqs 11, 12; ``main``: the main predictor's share."""

    beta: float = 1e-6
    s1: float = 0.3
    s2: float = 0.3
    main: float = 0.5


def conditional_information(output: SymSpectraOutput) -> Tensor:
    """CMI of each label with its most informative channel (eq. 9), ``B x K``, without gradient.

    Eq. 9 is an expectation over Y of the log ratio of p(Y | all channels), the main predictor, to
    p(Y | all but one), the auxiliary one. It is taken here over Y as the main predictor believes
    it, which makes it their divergence (never negative), the largest over the channels left out.
    With the true label in place of the expectation, a positive that the network misses would have
    a very negative CMI and eq. 12 would give it no weight: rare groups are then never learnt.
    """
    with torch.no_grad():
        main = output.main_logits.float()
        yes = torch.sigmoid(main)
        drops = []
        for logits in output.without.values():
            other = logits.float()
            drops.append(
                yes * (logsigmoid(main) - logsigmoid(other))
                + (1 - yes) * (logsigmoid(-main) - logsigmoid(-other))
            )
        return torch.stack(drops).amax(0)


def _weights(values: Tensor, emphasis: float) -> Tensor:
    """max(0, 1 + s (v - mean) / deviation), eqs 11 and 12."""
    centred = (values - values.mean()) / values.std().clamp_min(1e-6)
    return (1 + emphasis * centred).clamp_min(0)


def symspectra_loss(
    output: SymSpectraOutput,
    labels: Tensor,
    weights: ObjectiveWeights,
    label_loss: LabelLoss = plain_loss,
) -> Tensor:
    """The total loss, a scalar: eq. 10 for decoder and main predictor, the auxiliary predictors'
    own cross entropy, and beta times the information bounds (eqs 18 and 19).

    ``label_loss`` stands for the cross entropy of eq. 10.
    """
    information = conditional_information(output)
    sample = _weights(information.mean(1), weights.s1).unsqueeze(1)
    feature = _weights(information, weights.s2)
    decoder = label_loss(output.logits.float(), labels)
    main = label_loss(output.main_logits.float(), labels)
    supervised = (sample * feature * (decoder + weights.main * main)).mean()
    auxiliary = torch.stack(
        [cross_entropy(logits.float(), labels) for logits in output.without.values()]
    ).mean()
    return supervised + auxiliary + weights.beta * output.information.float()
