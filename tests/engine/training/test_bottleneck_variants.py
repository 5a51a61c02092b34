"""Every variant of both papers' networks is built as named, trained by its objective, and kept."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

import pytest
import torch

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_model import load_group_model, save_group_model
from engine.networks.symspectra import SymSpectra, SymSpectraConfig
from engine.training.bottleneck_variants import MSPECTMOL_VARIANTS, SYMSPECTRA_VARIANTS
from engine.training.group_batches import GroupBatch
from engine.training.group_networks import GROUP_NETWORKS
from engine.training.label_orders import named_order
from engine.training.train_groups import TrainingPlan

SMALL = {"stem": 4, "width": 8, "pools": (4, 5), "reduced": 2, "fused": 16}
VARIANTS = (*SYMSPECTRA_VARIANTS, *MSPECTMOL_VARIANTS)
CHANGED = {
    "symspectra-order-mi": {"order": named_order("mutual-information")},
    "symspectra-order-gnn": {"order": named_order("graph")},
    "symspectra-gru": {"decoder": "gru"},
    "symspectra-transformer": {"decoder": "transformer"},
    "symspectra-laplace": {"prior": "laplace"},
    "symspectra-gamma": {"prior": "gamma"},
    "mspectmol-primary-13c": {"primary": "13C NMR"},
    "mspectmol-primary-1h": {"primary": "1H NMR"},
    "mspectmol-primary-ms": {"primary": "MS/MS+"},
    "mspectmol-laplace": {"prior": "laplace"},
    "mspectmol-gamma": {"prior": "gamma"},
    "mspectmol-uniform": {"asymmetric": False},
}


@cache
def built(name):
    """The type and the config of a variant's network."""
    network = GROUP_NETWORKS[name].build(TrainingPlan(name, dropout=0.1))
    return type(network), network.config


def small(name, seed=0):
    """The network of a variant, made narrow."""
    network, config = built(name)
    torch.manual_seed(seed)
    return network(replace(config, **SMALL))


def batch_of(names=("IR", "1H NMR", "13C NMR"), size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    spectra = {name: torch.rand(size, 600, generator=generator) for name in names}
    labels = (torch.rand(size, 37, generator=generator) < 0.3).float()
    return GroupBatch(spectra, labels)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_its_network_in_what_its_name_says(name):
    values, plain = (asdict(built(which)[1]) for which in (name, name.split("-")[0]))
    found = {key: value for key, value in values.items() if value != plain[key]}
    assert found == CHANGED.get(name, {})


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_learns_a_batch_by_heart(name):
    network, kind = small(name).train(), GROUP_NETWORKS[name]
    plan, batch = TrainingPlan(name), batch_of(size=8)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(16):
        loss = kind.loss(network, batch, plan, 0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-4:]) < 0.97 * sum(losses[:4])


@pytest.mark.parametrize("name", [name for name in MSPECTMOL_VARIANTS if "-no-" in name])
def test_a_term_that_is_left_out_moves_nothing(name):
    """Against the whole objective on the same draws: it differs by the terms that are named."""
    left_out = {
        "mspectmol-no-pred": ("pred",), "mspectmol-no-mi1": ("mi1",), "mspectmol-no-mi2": ("mi2",),
        "mspectmol-no-mi3": ("mi3",), "mspectmol-no-mi1-mi3": ("mi1", "mi3"),
    }[name]  # fmt: skip
    network, batch = small(name).train(), batch_of()
    plan = TrainingPlan(name, beta=0.01)
    losses = []
    for kind in (GROUP_NETWORKS["mspectmol"], GROUP_NETWORKS[name]):
        torch.manual_seed(3)
        losses.append(kind.loss(network, batch, plan, 0.0).item())
    torch.manual_seed(3)
    output = network(batch.spectra)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    terms = {
        "pred": 0.7 * entropy(output.primary_logits, batch.labels).item(),
        "mi1": (output.redundancy + output.foresight).item(),
        "mi2": 0.01 * output.primary_rate.item(),
        "mi3": 0.01 * output.auxiliary_rate.item(),
    }
    expected = sum(terms[term] for term in left_out)
    assert losses[0] - losses[1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", ["symspectra-gru", "symspectra-transformer", "symspectra-gamma",
                                  "mspectmol", "mspectmol-uniform"])  # fmt: skip
def test_a_variant_is_saved_under_its_name_and_comes_back(
    name, tmp_path, plain_calibration, description
):
    network = small(name).eval()
    save_group_model(tmp_path / "m", network, plain_calibration, {**description, "kind": name})
    model = load_group_model(tmp_path / "m")
    assert type(model.network) is type(network) and model.network.config == network.config
    spectra = batch_of(CHANNEL_NAMES[:3], size=1).spectra
    with torch.no_grad():
        before, effects = network.masking_effects(spectra)
        after, again = model.network.masking_effects(spectra)
    # Weights are stored in half precision.
    assert torch.allclose(before.logits, after.logits, atol=1e-2)
    assert set(effects) == set(again) == set(before.gates) == set(CHANNEL_NAMES[:3])


def test_a_config_from_before_the_variants_is_the_network_it_was(small_network):
    network = small_network().eval()
    values = network.config.to_dict()
    for name in ("decoder", "prior"):
        del values[name]
    config = SymSpectraConfig.from_dict(values)
    assert config == network.config and (config.decoder, config.prior) == ("lstm", "gaussian")
    again = SymSpectra(config).eval()
    again.load_state_dict(network.state_dict(), strict=True)


def test_the_weights_that_ship_are_loaded_whole_with_the_paper_s_decoder_and_prior():
    from engine.library.group_model import NoModelError, default_group_model

    try:
        network = default_group_model().network
    except NoModelError as error:
        pytest.skip(str(error))
    if not isinstance(network, SymSpectra):
        pytest.skip("the model that ships is another network")
    assert (network.config.decoder, network.config.prior) == ("lstm", "gaussian")
    assert network.config.labels == GROUP_NAMES
    # A carbonyl stretch: at 1720 1/cm more carbonyl groups than at 1400.
    axis = torch.linspace(403, 3997, 600)
    carbonyl, other = (torch.exp(-0.5 * ((axis - at) / 15) ** 2)[None] for at in (1720, 1400))
    with torch.no_grad():
        logits = [network({"IR": band}).logits[0] for band in (carbonyl, other)]
    ketone = GROUP_NAMES.index("Ketone")
    assert logits[0][ketone] > logits[1][ketone] + 1
