"""Remedies of label imbalance (SymSpectra, Table 2): focal loss, reweighting and MLSMOTE."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

if TYPE_CHECKING:
    from engine.training.train_groups import TrainingPlan

LabelLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits and labels ``B x K`` to the loss of each label of each molecule, ``B x K``."""

OBJECTIVES = ("cross-entropy", "focal", "reweighted")


def plain_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy, ``B x K``."""
    return cross_entropy(logits, labels, reduction="none")


def focal_loss(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """``-(1 - p_t)^gamma log p_t`` with p_t the probability of the truth, ``B x K``.

    Lin et al., Focal loss for dense object detection (2017), eq. 4: what is already well predicted
    counts little. Their alpha, one number for all labels, is left to reweighting.
    """
    entropy = cross_entropy(logits, labels, reduction="none")
    return (-torch.expm1(-entropy)) ** gamma * entropy


def positive_weights(labels: np.ndarray, highest: float = 20.0) -> tuple[float, ...]:
    """How much a positive of each group counts: the root of negatives per positive.

    ``labels`` ``(n, K)``. The root, and ``highest``, since with the bare ratio (thousands for a
    group of a few molecules) its few positives drown all other groups.
    """
    positives = (np.asarray(labels) > 0).sum(0)
    ratio = (len(labels) - positives) / np.maximum(positives, 1)
    return tuple(np.clip(np.sqrt(ratio), 1.0, highest).round(4).tolist())


def reweighted_loss(weights: tuple[float, ...]) -> LabelLoss:
    """Cross entropy in which a positive of group k counts ``weights[k]`` times."""

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        counts = torch.tensor(weights, dtype=logits.dtype, device=logits.device)
        return cross_entropy(logits, labels, reduction="none", pos_weight=counts)

    return loss


def label_loss(plan: TrainingPlan) -> LabelLoss:
    """The loss of single labels that a plan asks for; raises ``ValueError`` for another name."""
    if plan.objective == "cross-entropy":
        return plain_loss
    if plan.objective == "focal":
        return focal_loss
    if plan.objective == "reweighted":
        if not plan.label_weights:
            raise ValueError("the objective 'reweighted' needs label_weights, one for each group")
        return reweighted_loss(plan.label_weights)
    raise ValueError(f"objective {plan.objective!r} is none of {', '.join(OBJECTIVES)}")
