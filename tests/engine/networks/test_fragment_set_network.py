"""The network of fragment sets: a set has no order, and what is absent or unknown says nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.encoding.fragments import ADDUCTS, fragment_sets
from engine.networks.fragment_set_network import (
    FragmentSetConfig,
    FragmentSetNetwork,
    fragment_logits,
)


@pytest.fixture(params=[0, 1], ids=["deep set", "attention"])
def network(request):
    torch.manual_seed(0)
    config = FragmentSetConfig(
        ("A", "B", "C"), ("MS/MS+",), len(ADDUCTS), width=32, layers=request.param, hidden=32,
        joined=32,
    )  # fmt: skip
    return FragmentSetNetwork(config).eval()


def logits(network, *rows):
    return fragment_logits(network, fragment_sets(rows).tensors())


ROW = {
    "mz": [43.0178, 71.0491, 99.0441],
    "intensity": [0.5, 1.0, 0.25],
    "precursor_mz": 117.0546,
    "adduct": "[M+H]+",
}


def test_the_order_of_the_fragments_does_not_matter(network):
    sets = fragment_sets([ROW])
    turned = sets.replace(mz=sets.mz[:, [2, 0, 1]], intensity=sets.intensity[:, [2, 0, 1]])
    assert torch.allclose(
        fragment_logits(network, sets.tensors()),
        fragment_logits(network, turned.tensors()),
        atol=1e-5,
    )


def test_a_longer_neighbour_in_the_batch_changes_nothing(network):
    long = {"mz": np.arange(50.0, 120.0) + 0.03, "intensity": np.ones(70)}
    assert torch.allclose(logits(network, ROW), logits(network, ROW, long)[:1], atol=1e-5)


def test_decimals_count_where_they_are_known(network):
    # C2H3O+ and C3H7+ have the same nominal mass.
    other = {**ROW, "mz": [43.0542, 71.0491, 99.0441]}
    assert not torch.allclose(logits(network, ROW), logits(network, other), atol=1e-4)
    rounded = fragment_sets([ROW, other])
    rounded = rounded.replace(exact=np.zeros(2, bool), precursor_exact=np.zeros(2, bool))
    first, second = fragment_logits(network, rounded.tensors())
    # Only the coarse mass is left, which differs by 0.04 u.
    assert torch.allclose(first, second, atol=5e-2)


def test_the_precursor_counts_and_its_absence_is_no_zero(network):
    without = {**ROW, "precursor_mz": None}
    elsewhere = {**ROW, "precursor_mz": 145.0495}
    three = logits(network, ROW, without, elsewhere)
    assert not torch.allclose(three[0], three[1], atol=1e-3)
    assert not torch.allclose(three[0], three[2], atol=1e-3)
    # With no precursor the adduct says nothing of the mass: only its own word is left.
    tokens = fragment_sets([without]).tensors()
    tokens["loss"] = tokens["loss"] + 5.0
    tokens["loss_nominal"] = tokens["loss_nominal"] + 5
    assert torch.allclose(fragment_logits(network, tokens), three[1:2], atol=1e-5)


def test_an_empty_spectrum_gives_finite_logits(network):
    assert torch.isfinite(logits(network, {"mz": [], "intensity": []})).all()


def test_the_configuration_rebuilds_the_network(network):
    again = FragmentSetNetwork(FragmentSetConfig.from_dict(network.config.to_dict()))
    again.load_state_dict(network.state_dict())
    assert torch.equal(logits(again, ROW), logits(network, ROW))
