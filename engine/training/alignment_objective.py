"""The losses of K-M3AID: molecules beside spectra, and atoms beside peaks.

Equations are those of the paper (sections 3.1, 3.2, 4.1 and 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

VARIANTS = ("k-m3aid", "sp-id", "wp-id", "no-communication")


@dataclass(frozen=True)
class NodeTarget:
    """How near shifts say that atoms and peaks belong together.

    ``kind``: ``knowledge`` (eqs 9-10 with the temperatures ``tau_1`` and ``tau_2``, in ppm) or
    ``pairs``: all within ``threshold`` ppm (eq. 12 with 0, eq. 13 with 1).
    """

    kind: str = "knowledge"
    tau_1: float = 1e-5
    tau_2: float = 10.0
    threshold: float = 0.0


def node_target(variant: str) -> NodeTarget:
    """The target of a variant; raises ``ValueError`` for an unknown one."""
    if variant in ("k-m3aid", "no-communication"):
        return NodeTarget()
    if variant == "sp-id":
        return NodeTarget("pairs")
    if variant == "wp-id":
        return NodeTarget("pairs", threshold=1.0)
    raise ValueError(f"variant {variant!r} is none of {', '.join(VARIANTS)}")


def knowledge_span(ppm: Tensor, tau_1: float = 1e-5, tau_2: float = 10.0) -> Tensor:
    """Eq. 10: ``softmax(tau_2 / (|ppm_i - ppm_j| + tau_1))``, ``n -> n x n``, rows summing to 1."""
    apart = (ppm[:, None] - ppm[None, :]).abs_()
    return torch.softmax(apart.add_(tau_1).reciprocal_().mul_(tau_2), dim=1)


def paired(ppm: Tensor, threshold: float) -> Tensor:
    """Eqs 12 and 13: which atoms and peaks are a pair, ``n -> n x n`` of 0 and 1."""
    # Shifts are given to 0.01 ppm; in single precision equal differences differ by less.
    return ((ppm[:, None] - ppm[None, :]).abs() <= threshold + 1e-4).to(ppm.dtype)


def node_loss(
    nodes: Tensor, peaks: Tensor, ppm: Tensor, target: NodeTarget, weights: Tensor | None = None
) -> Tensor:
    """Eqs 1-4 and 11, both ways: ``n`` atoms ``n x d`` beside the peak of each ``n x d``.

    ``weights`` ``(n,)``: how much each pair is trusted. With knowledge span each atom's target sums
    to 1 (section 3.1); a pair of the other variants counts as much as any other pair.
    """
    logits = nodes @ peaks.T
    weights = torch.ones_like(ppm) if weights is None else weights
    if target.kind == "knowledge":
        wanted = knowledge_span(ppm, target.tau_1, target.tau_2) * weights[:, None]
    else:
        wanted = paired(ppm, target.threshold) * weights[:, None] * weights[None, :]
    share = wanted.sum().clamp(min=1e-6)
    rows = -(wanted * log_softmax(logits, dim=1)).sum() / share
    columns = -(wanted * log_softmax(logits.T, dim=1)).sum() / share
    return 0.5 * (rows + columns)


def molecule_loss(similarity: Tensor, identity: Tensor) -> Tensor:
    """Eqs 6-8, both ways: ``B x B`` logits of molecules and spectra, pairs on the diagonal.

    ``identity`` ``(B,)``: further measurements of a molecule are no wrong answers, so they are left
    out of the sums.
    """
    same = identity[:, None] == identity[None, :]
    same.fill_diagonal_(False)
    similarity = similarity.masked_fill(same, float("-inf"))
    own = torch.arange(len(similarity), device=similarity.device)
    rows = log_softmax(similarity, dim=1)[own, own]
    columns = log_softmax(similarity, dim=0)[own, own]
    return -0.5 * (rows + columns).mean()


def shift_loss(predicted: Tensor, ppm: Tensor, weights: Tensor, unit: float) -> Tensor:
    """Shifts ``n x 2`` (ppm and expected error) beside measured ones ``(n,)``.

    Absolute error in ``unit`` ppm, and the likelihood of errors of that size (Laplace), which
    teaches the expected error only.
    """
    if len(ppm) == 0:
        return predicted.sum() * 0.0
    error = (predicted[:, 0] - ppm).abs()
    expected = predicted[:, 1]
    each = error.clamp(max=20 * unit) / unit + 0.3 * (error.detach() / expected + expected.log())
    return (each * weights).sum() / weights.sum().clamp(min=1e-6)
