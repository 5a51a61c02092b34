"""The divergences against numerical integrals, the noise against the distributions' own tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from engine.networks.importance_gate import information_bound
from engine.networks.latent_priors import PRIORS, latent_prior

FAMILIES = {"gaussian": stats.norm, "laplace": stats.laplace, "gamma": stats.expon}


def integral(name: str, gate: float, token: float) -> float:
    """KL of ``token * gate + (1 - gate) e`` from ``e``, by the trapezoid rule."""
    family = FAMILIES[name]
    left = family(loc=gate * token, scale=1 - gate)
    axis = np.linspace(*left.ppf([1e-13, 1 - 1e-13]), 400_001)
    density = left.pdf(axis)
    return np.trapezoid(density * (left.logpdf(axis) - family.logpdf(axis)), axis)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("gate", [0.05, 0.4, 0.9])
@pytest.mark.parametrize("token", [0.0, 0.3, 2.5])
def test_a_divergence_is_its_integral(name, gate, token):
    found = latent_prior(name).divergence(torch.tensor([gate]), torch.tensor([token]))
    assert found.item() == pytest.approx(integral(name, gate, token), abs=2e-4)
    if name != "gamma":
        mirrored = latent_prior(name).divergence(torch.tensor([gate]), torch.tensor([-token]))
        assert mirrored.item() == pytest.approx(found.item(), rel=1e-6)


@pytest.mark.parametrize("name", PRIORS)
def test_a_closed_gate_costs_nothing_and_an_open_one_the_more_the_wider(name):
    prior, token = latent_prior(name), torch.tensor(1.3)
    gates = torch.tensor([0.0, 0.2, 0.5, 0.8, 0.95, 0.999])
    costs = prior.divergence(gates, token.expand(6))
    assert costs[0].item() == pytest.approx(0.0, abs=1e-6)
    assert (costs[1:] > costs[:-1]).all()


@pytest.mark.parametrize(
    ("name", "moved"), [("gaussian", 0.5 * 1.3**2 - 0.5), ("laplace", 0.3), ("gamma", 0.3)]
)
def test_all_gates_open_cost_what_a_point_costs_that_is_a_millionth_wide(name, moved):
    cost = latent_prior(name).divergence(torch.ones(1), torch.tensor([1.3]))
    assert cost.item() == pytest.approx(-math.log(1e-6) + moved, rel=1e-4)


@pytest.mark.parametrize("name", PRIORS)
def test_noise_is_drawn_from_the_family_in_the_units_of_the_tokens(name):
    torch.manual_seed(0)
    prior = latent_prior(name)
    mean, deviation = torch.tensor([2.0, 0.7]), torch.tensor([0.5, 3.0])
    noise = prior.noise(torch.empty(40, 500, 2), mean, deviation)
    standard = prior.standardised(noise, mean, deviation).flatten(0, 1)
    for column in range(2):
        assert stats.kstest(standard[:, column].numpy(), FAMILIES[name].cdf).pvalue > 1e-3
        # Whatever the family, a closed gate's mean is the tokens' mean.
        spread = noise[..., column].std().item()
        assert noise[..., column].mean().item() == pytest.approx(
            mean[column].item(), abs=0.03 * spread
        )


def test_a_gamma_prior_makes_tokens_positive_and_the_others_leave_them():
    tokens = torch.randn(2, 5, 3)
    assert latent_prior("gamma").latent(tokens).min() > 0
    assert latent_prior("gaussian").latent(tokens) is tokens
    assert latent_prior("laplace").latent(tokens) is tokens


@pytest.mark.parametrize("name", PRIORS)
def test_the_rate_is_the_mean_over_tokens(name):
    torch.manual_seed(1)
    prior = latent_prior(name)
    tokens = prior.latent(torch.randn(3, 4, 2))
    gates, mean, deviation = torch.rand(3, 4), torch.rand(2) + 0.5, torch.rand(2) + 0.5
    rate = prior.rate(gates, tokens, mean, deviation)
    location, scale = (0, mean) if name == "gamma" else (mean, deviation)
    expected = np.zeros((3, 2))
    for i, j, c in np.ndindex(3, 4, 2):
        standard = (tokens[i, j, c] - (location if name == "gamma" else location[c])) / scale[c]
        one = prior.divergence(gates[i, j].reshape(1), standard.reshape(1))
        expected[i, c] += one.item() / 4
    assert rate.numpy() == pytest.approx(expected, rel=1e-4)


def test_the_gaussian_bound_is_that_of_the_paper_and_the_others_that_of_their_tokens():
    torch.manual_seed(2)
    tokens, gates = torch.randn(2, 6, 3), torch.rand(2, 6)
    mean, deviation = torch.zeros(3), torch.ones(3)
    gaussian = latent_prior("gaussian").bound(gates, tokens, mean, deviation)
    assert gaussian == information_bound(gates, tokens, mean, deviation)
    laplace = latent_prior("laplace")
    expected = laplace.rate(gates, tokens, mean, deviation).mean()
    assert laplace.bound(gates, tokens, mean, deviation) == expected


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="prior 'cauchy' is none of gaussian, laplace, gamma"):
        latent_prior("cauchy")
