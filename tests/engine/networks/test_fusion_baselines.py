"""The fusion baselines: any subset of spectra, and each fuses where its name says."""

from __future__ import annotations

import json

import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.convolution_blocks import FusionConfig
from engine.networks.early_fusion import EarlyFusionCnn
from engine.networks.late_fusion import LateFusionCnn
from engine.networks.mid_fusion import MidFusionCnn
from engine.networks.patch_transformer import PatchTransformer, PatchTransformerConfig

LABELS = tuple("abcdefg")
SMALL = {"filters": (3, 4), "features": 8, "hidden": 8}


def build(kind, seed=0, **changes):
    torch.manual_seed(seed)
    if kind is PatchTransformer:
        sizes = {"embedding": 16, "feedforward": 16, "layers": 1, "heads": 2, "hidden": 8} | changes
        return kind(PatchTransformerConfig(CHANNEL_NAMES, LABELS, **sizes)).eval()
    return kind(FusionConfig(CHANNEL_NAMES, LABELS, **(SMALL | changes))).eval()


KINDS = pytest.mark.parametrize(
    "kind", [EarlyFusionCnn, MidFusionCnn, LateFusionCnn, PatchTransformer]
)


@pytest.fixture
def spectra():
    generator = torch.Generator().manual_seed(1)
    return {name: torch.rand(3, 600, generator=generator) for name in CHANNEL_NAMES}


@KINDS
def test_every_subset_is_taken_and_every_channel_counts(kind, spectra):
    network = build(kind)
    complete = network(spectra)
    assert complete.shape == (3, len(LABELS))
    for name in CHANNEL_NAMES:
        assert network({name: spectra[name]}).shape == (3, len(LABELS))
        without = {n: values for n, values in spectra.items() if n != name}
        assert not torch.allclose(network(without), complete, atol=1e-6)


@KINDS
def test_an_absent_channel_is_not_an_empty_spectrum(kind, spectra):
    network = build(kind)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    alone = network({"IR": spectra["IR"]})
    empty = {name: torch.zeros(3, 600) for name in CHANNEL_NAMES}
    assert not torch.allclose(alone, network({**empty, "IR": spectra["IR"]}), atol=1e-5)


@KINDS
def test_what_is_unknown_changes_nothing_and_nothing_known_is_refused(kind, spectra):
    network = build(kind)
    ir = {"IR": spectra["IR"]}
    assert torch.equal(network(ir), network({**ir, "Raman": torch.rand(3, 600)}))
    for nothing in ({}, {"Raman": torch.rand(3, 600)}):
        with pytest.raises(ValueError, match="no channel is present"):
            network(nothing)


@KINDS
def test_a_config_rebuilds_its_network(kind, spectra):
    network = build(kind)
    config = type(network.config).from_dict(json.loads(json.dumps(network.config.to_dict())))
    assert config == network.config
    again = kind(config).eval()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(spectra), network(spectra))


def test_late_fusion_is_the_mean_of_the_probabilities_that_each_gives_alone(spectra):
    network = build(LateFusionCnn)
    two = {name: spectra[name] for name in ("IR", "1H NMR")}
    alone = [torch.sigmoid(network({name: values})) for name, values in two.items()]
    assert torch.allclose(torch.sigmoid(network(two)), torch.stack(alone).mean(0), atol=1e-6)


def test_late_fusion_of_one_spectrum_is_its_own_prediction(spectra):
    network = build(LateFusionCnn)
    own = network.predictors["IR"](spectra["IR"])
    assert torch.allclose(network({"IR": spectra["IR"]}), own, atol=1e-5)
    # The mean of far-away logits stays finite: no probability is rounded to 0 or 1.
    with torch.no_grad():
        network.predictors["IR"][1][-1].bias.fill_(300.0)
        network.predictors["1H_NMR"][1][-1].bias.fill_(300.0)
    both = network({name: spectra[name] for name in ("IR", "1H NMR")})
    assert torch.isfinite(both).all() and (both > 250).all()


def test_early_fusion_sees_all_spectra_as_one_line(spectra):
    network = build(EarlyFusionCnn)
    seen = []
    network.encoder.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    network({"13C NMR": spectra["13C NMR"]})
    place = CHANNEL_NAMES.index("13C NMR") * 600
    assert seen[0].shape == (3, 600 * len(CHANNEL_NAMES))
    assert torch.equal(seen[0][:, place : place + 600], spectra["13C NMR"])
    assert seen[0].sum() == pytest.approx(spectra["13C NMR"].sum().item())


def test_mid_fusion_encodes_each_spectrum_alone(spectra):
    network = build(MidFusionCnn)
    seen = []
    for name, encoder in network.encoders.items():
        encoder.register_forward_hook(lambda module, given, made, name=name: seen.append(name))
    network({"IR": spectra["IR"], "13C NMR": spectra["13C NMR"]})
    assert sorted(seen) == ["13C_NMR", "IR"]


def test_the_transformer_relates_patches_of_different_spectra(spectra):
    """A patch of one spectrum changes what another spectrum's patch contributes."""
    network = build(PatchTransformer)
    seen = []
    network.encoder.register_forward_hook(lambda module, given, made: seen.append((given[0], made)))
    network({"IR": spectra["IR"], "1H NMR": spectra["1H NMR"]})
    changed = spectra["1H NMR"].clone()
    changed[:, 300:330] += 2.0
    network({"IR": spectra["IR"], "1H NMR": changed})
    (before, first), (after, second) = seen
    assert before.shape == (3, 2 * 20, 16)
    assert torch.equal(before[:, :20], after[:, :20])
    assert not torch.allclose(first[:, :20], second[:, :20], atol=1e-6)


def test_patches_must_fill_the_spectrum():
    with pytest.raises(ValueError, match="600 points are no whole number of patches of 7"):
        PatchTransformerConfig(CHANNEL_NAMES, LABELS, patch=7)
