"""Importance gates: which tokens of a spectrum are kept, and how much information they let through.

SymSpectra eqs 5-7 (gates, noise injection, concrete relaxation) and eqs 18-19 with 26 and 30-31
(the two information terms).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_TINY = 1e-6


class ImportanceGate(nn.Module):
    """An importance p in (0, 1) of each token: ``B x L x C -> B x L`` logits (eq. 5, no sigma)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(width, width // 2), nn.ReLU(), nn.Linear(width // 2, 1)
        )
        # Gates start open, so that training begins with all that the spectra say.
        nn.init.constant_(self.score[-1].bias, 2.0)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.score(tokens).squeeze(-1)


def relaxed_bernoulli(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """A differentiable sample of a Bernoulli gate (concrete relaxation, eq. 7), like ``logits``.

    The paper's eq. 7 prints the temperature on the first term only; as in Maddison et al. (2016)
    it divides both. At its value of 1 the two are the same.
    """
    uniform = torch.rand_like(logits).clamp(_TINY, 1 - _TINY)
    return torch.sigmoid((logits + torch.log(uniform) - torch.log1p(-uniform)) / temperature)


def information_bound(gates: Tensor, tokens: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """The Gaussian bound of eqs 18 and 19, a scalar: -log(A)/2 + A/2N + B^2/2N.

    ``gates`` ``B x N``, ``tokens`` ``B x N x C``, ``mean`` and ``deviation`` ``C``. A is the sum of
    (1 - gate)^2, B the gated sum of standardised tokens (eqs 26 and 31), averaged over C and B.
    """
    count = gates.shape[1]
    kept = ((1 - gates) ** 2).sum(1).clamp_min(_TINY)
    shifted = (gates.unsqueeze(-1) * (tokens - mean) / deviation).sum(1)
    bound = -0.5 * kept.log() + kept / (2 * count) + (shifted**2).mean(-1) / (2 * count)
    return bound.mean()
