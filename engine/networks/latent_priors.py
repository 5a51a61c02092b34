"""Priors of gated tokens: the noise that closed gates let in, and what open gates cost.

SymSpectra appendix G and MSpecTmol appendix L compare a standard normal, a Laplace(0, 1) and a
Gamma(1, 1) prior q(t) of the latent tokens; neither says how the noise and the divergence follow.
Here the noise e of a token is drawn from the prior itself, moved and scaled to a channel's own
tokens, so that in those units a gate g leaves of a token h

    t = g h + (1 - g) e,    e ~ q,

which is again of the prior's family, moved by g h and narrowed to 1 - g. Its divergence from q has
a closed form for all three, is 0 where the gate is closed, and grows without limit as it opens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from engine.networks.importance_gate import information_bound

_TINY = 1e-6
_NARROW = 1e-3


@dataclass(frozen=True)
class LatentPrior:
    """One family.

    ``latent`` makes tokens fit for it (``B x L x C``, the same out); ``place`` says from ``mean``
    and ``deviation`` (``C``) of a channel's tokens what is taken off them and what they are divided
    by; ``draw`` makes standard noise like a tensor; ``divergence(gates, tokens)`` is the KL
    divergence of each standardised token under a gate of the same shape, in nats.
    """

    name: str
    latent: Callable[[Tensor], Tensor]
    place: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    draw: Callable[[Tensor], Tensor]
    divergence: Callable[[Tensor, Tensor], Tensor]

    def noise(self, like: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
        """Noise like the tokens ``B x L x C`` of a channel with ``mean`` and ``deviation``.

        Its mean is ``mean`` for every family.
        """
        location, scale = self.place(mean, deviation)
        return location + scale * self.draw(like)

    def standardised(self, tokens: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
        """Tokens in the units of the noise."""
        location, scale = self.place(mean, deviation)
        return (tokens - location) / scale.clamp_min(_NARROW)

    def rate(self, gates: Tensor, tokens: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
        """The divergence of a sample's tokens, ``B x C``: the mean over the L tokens."""
        standard = self.standardised(tokens, mean, deviation)
        return self.divergence(gates.unsqueeze(-1), standard).mean(1)

    def bound(self, gates: Tensor, tokens: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
        """SymSpectra's information bound, a scalar.

        For the Gaussian prior eqs 18 and 19, which speak of the sum of all tokens. A sum of Laplace
        or Gamma variables has no such form; for those it is the mean of the tokens' own
        divergences, which is about as large.
        """
        if self.name == "gaussian":
            return information_bound(gates, tokens, mean, deviation.clamp_min(_NARROW))
        return self.rate(gates, tokens, mean, deviation).mean()


def _left(gates: Tensor) -> Tensor:
    return (1 - gates).clamp_min(_TINY)


def gaussian_divergence(gates: Tensor, tokens: Tensor) -> Tensor:
    """KL[N(g h, (1 - g)^2) || N(0, 1)] (MSpecTmol eqs 25 and 28)."""
    narrowed = _left(gates)
    return 0.5 * ((gates * tokens) ** 2 + narrowed**2 - 1) - narrowed.log()


def laplace_divergence(gates: Tensor, tokens: Tensor) -> Tensor:
    """KL[Laplace(g h, 1 - g) || Laplace(0, 1)]."""
    narrowed = _left(gates)
    moved = (gates * tokens).abs()
    return moved + narrowed * torch.exp(-moved / narrowed) - narrowed.log() - 1


def gamma_divergence(gates: Tensor, tokens: Tensor) -> Tensor:
    """KL of g h + (1 - g) Gamma(1, 1) from Gamma(1, 1), for tokens that are not negative."""
    narrowed = _left(gates)
    return gates * tokens + narrowed - narrowed.log() - 1


def _laplace_noise(like: Tensor) -> Tensor:
    uniform = (torch.rand_like(like) - 0.5).clamp(-0.5 + _TINY, 0.5 - _TINY)
    return -uniform.sign() * torch.log1p(-2 * uniform.abs())


def _gamma_noise(like: Tensor) -> Tensor:
    return -torch.log1p(-torch.rand_like(like).clamp_max(1 - _TINY))


def _centred(mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    return mean, deviation


def _from_zero(mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """Gamma(1, 1) begins at 0 and has its scale as its mean."""
    return torch.zeros_like(mean), mean


PRIORS = {
    prior.name: prior
    for prior in (
        LatentPrior("gaussian", lambda t: t, _centred, torch.randn_like, gaussian_divergence),
        LatentPrior("laplace", lambda t: t, _centred, _laplace_noise, laplace_divergence),
        LatentPrior("gamma", softplus, _from_zero, _gamma_noise, gamma_divergence),
    )
}


def latent_prior(name: str) -> LatentPrior:
    """The family of a name; raises ``ValueError`` with the known names for another."""
    if name not in PRIORS:
        raise ValueError(f"prior {name!r} is none of {', '.join(PRIORS)}")
    return PRIORS[name]
