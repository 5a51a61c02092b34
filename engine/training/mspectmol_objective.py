"""MSpecTmol's objective (eq. 14), every term of which can be left out."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from engine.networks.mspectmol import MSpecTmolOutput
from engine.training.imbalance import LabelLoss, plain_loss


@dataclass(frozen=True)
class MSpecTmolWeights:
    """What each term of eq. 14 counts; 0 leaves it out.

    ``supplemented`` is that of L_sup, ``primary`` of L_pred (0.7 in appendix B, where eq. 14 prints
    1), ``redundancy`` of L_MI1, ``alpha`` of L_MI2 and ``beta`` of L_MI3.
    """

    supplemented: float = 1.0
    primary: float = 0.7
    redundancy: float = 1.0
    alpha: float = 1e-6
    beta: float = 1e-6


def mspectmol_loss(
    output: MSpecTmolOutput,
    labels: Tensor,
    weights: MSpecTmolWeights,
    label_loss: LabelLoss = plain_loss,
) -> Tensor:
    """L_sup + 0.7 L_pred + L_MI1 + alpha L_MI2 + beta L_MI3, a scalar.

    ``label_loss`` stands for the cross entropy of L_sup and L_pred. With L_MI1 comes the error of
    the network that foresees the auxiliary from the primary, which moves nothing but that network.
    L_pred is left out where the network has no predictor for it (the
    uniform bottleneck). Raises ``ValueError`` when nothing is left.
    """
    terms = []
    if weights.supplemented:
        terms.append(weights.supplemented * label_loss(output.logits.float(), labels).mean())
    if weights.primary and output.primary_logits is not None:
        terms.append(weights.primary * label_loss(output.primary_logits.float(), labels).mean())
    if weights.redundancy and output.redundancy is not None:
        terms.append(weights.redundancy * output.redundancy + output.foresight)
    if weights.alpha:
        terms.append(weights.alpha * output.primary_rate)
    if weights.beta:
        terms.append(weights.beta * output.auxiliary_rate)
    if not terms:
        raise ValueError(f"no term of the objective is left: {weights}")
    return sum(terms)
