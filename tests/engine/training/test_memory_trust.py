"""Memories beside a network: unheard until they are trusted, and trusted for what they know."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.networks.peak_set import PeakChannel, PeakSet, PeakSetConfig
from engine.networks.symspectra import SymSpectra, SymSpectraConfig
from engine.training import memory_trust
from engine.training.memory_training import fit_memory
from engine.training.memory_trust import (
    LIMIT,
    fit_trust,
    relative_weights,
    with_companion,
    with_memories,
    with_noise_floor,
)

TELLING, IDLE = 0, 1


def carbon(tensors, count):
    return torch.from_numpy(tensors.values["13C NMR"][:count].astype(np.float32))


def silent(network):
    """The network with logits of 0 whatever it sees."""
    with torch.no_grad():
        for part in (network.main, network.decoder.out):
            for parameter in part.parameters():
                parameter.zero_()
    return network


def test_a_memory_is_not_heard_until_it_is_trusted(small_network, made_up):
    known = made_up(180)
    network = small_network().eval()
    grown = with_memories(network, [fit_memory(known, "13C NMR", steps=5)])
    assert isinstance(grown, SymSpectra)
    spectra = {"13C NMR": carbon(known, 4), "IR": torch.rand(4, 600)}
    with torch.no_grad():
        before = network(spectra).logits
        assert torch.allclose(grown(spectra).logits, before, atol=1e-6)
        grown.trust_13C_NMR[1] = 2.0
        votes = grown.votes(spectra)["13C NMR"]
        assert torch.allclose(grown(spectra).logits, before + 2 * votes, atol=1e-5)
        alone = {"13C NMR": spectra["13C NMR"]}
        assert torch.allclose(grown(alone).logits, network(alone).logits, atol=1e-6)
    assert not any(p.requires_grad for p in grown.memories.parameters())


def test_trust_goes_to_a_memory_that_knows_more_than_the_network(small_network, made_up):
    known, valid = made_up(1200), made_up(300, seed=1)
    network = with_memories(
        silent(small_network().eval()), [fit_memory(known, "13C NMR", steps=120)]
    )
    trust = fit_trust(network, valid)["13C NMR"]
    assert trust[0] > 1.0
    members = np.flatnonzero(valid.count["13C NMR"])
    rows = torch.from_numpy(valid.first["13C NMR"][members])
    spectra = torch.from_numpy(valid.values["13C NMR"].astype(np.float32))[rows]
    with torch.no_grad():
        found = network({"13C NMR": spectra}).logits[:, TELLING] > 0
    assert (found.numpy() == valid.labels[members, TELLING]).mean() > 0.95


def test_no_weight_goes_to_logits_of_nothing():
    rng = np.random.default_rng(3)
    truth = rng.random((2000, 37)) < 0.4
    telling = np.where(truth, 1.0, -1.0) + rng.normal(0, 1, truth.shape)
    nothing = rng.normal(0, 2, truth.shape)
    opposite = -telling
    weights = relative_weights(np.stack([telling, nothing, opposite]), truth)
    assert weights[0] == 1.0
    assert weights[1] < 0.05 and weights[2] < 0.05
    # Beside a network that knows nothing there is a limit, so that no logit becomes absurd.
    assert relative_weights(np.stack([nothing, telling]), truth)[1] == LIMIT


def test_a_noise_floor_makes_noise_harmless(small_network, made_up):
    network = small_network().eval()
    quiet = with_noise_floor(network, ("13C NMR",)).eval()
    clean = carbon(made_up(9), 4)
    noisy = clean + 0.03 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        loud = (network({"13C NMR": noisy}).logits - network({"13C NMR": clean}).logits).abs()
        less = (quiet({"13C NMR": noisy}).logits - quiet({"13C NMR": clean}).logits).abs()
        assert torch.equal(quiet({"13C NMR": clean}).logits, network({"13C NMR": clean}).logits)
    assert less.mean() < 0.5 * loud.mean()


def test_masking_empties_the_same_stretch_for_the_memory(small_network, made_up):
    """A memory alone that speaks: the effect of a place is the fall of its vote without it."""
    memory = fit_memory(made_up(1200), "13C NMR", steps=120)
    network = with_memories(silent(small_network().eval()), [memory])
    with torch.no_grad():
        network.trust_13C_NMR.fill_(1.0)
        spectrum = torch.zeros(1, 600)
        spectrum[0, [40, 300, 420]] = 1.0
        output, effects = network.masking_effects({"13C NMR": spectrum})
        assert output.logits == pytest.approx(network({"13C NMR": spectrum}).logits, abs=1e-5)
    telling = effects["13C NMR"][:, TELLING]
    each = 600 // network.config.tokens
    assert abs(int(telling.argmax()) - 40 // each) <= 1
    assert telling.max() > 1.0


@pytest.fixture
def companion():
    torch.manual_seed(3)
    channels = (
        PeakChannel("13C NMR", -10.0, 230.0, 0.0, 8, 0.08, (240.0, 24.0), 25),
        PeakChannel("1H NMR", -1.0, 13.0, 2.0, 8, 0.06, (14.0, 1.4), 15),
    )
    return PeakSet(PeakSetConfig(channels, GROUP_NAMES, 16, 1, 2, 24)).eval()


def test_a_companion_is_heard_as_far_as_it_is_trusted(small_network, companion):
    network = small_network().eval()
    grown = with_companion(network, companion)
    spectra = {"13C NMR": torch.rand(4, 600), "IR": torch.rand(4, 600)}
    with torch.no_grad():
        before = network(spectra).logits
        assert torch.allclose(grown(spectra).logits, before, atol=1e-6)
        # 13C alone of its channels is there (1), beside one more channel (two in all).
        grown.trust_companion[1, 1] = 2.0
        said = companion({"13C NMR": spectra["13C NMR"]})
        assert torch.allclose(grown(spectra).logits, before + 2 * said, atol=1e-4)
        both = {**spectra, "1H NMR": torch.rand(4, 600)}
        assert torch.allclose(grown(both).logits, network(both).logits, atol=1e-6)
        nothing = {"IR": spectra["IR"]}
        assert torch.allclose(grown(nothing).logits, network(nothing).logits, atol=1e-6)
    assert SymSpectraConfig.from_dict(grown.config.to_dict()) == grown.config


def test_what_the_companion_sees_is_in_the_masking_effects(small_network, companion):
    grown = with_companion(silent(small_network().eval()), companion)
    grown.trust_companion[1, 0] = 1.0
    spectrum = torch.zeros(1, 600)
    spectrum[0, 300] = 1.0
    with torch.no_grad():
        output, effects = grown.masking_effects({"13C NMR": spectrum})
        lost = output.logits[0] - companion({"13C NMR": torch.zeros(1, 600)})[0]
    size = effects["13C NMR"].abs().sum(1)
    at = round(300 / 600 * len(size))
    assert torch.allclose(effects["13C NMR"][at], lost, atol=1e-4)
    assert size[0] < 1e-4 < size[at]


@pytest.mark.parametrize("sign", [1, -1])
def test_trust_goes_to_a_companion_that_knows_more_than_the_network(
    small_network, made_up, sign, monkeypatch
):
    monkeypatch.setattr(memory_trust, "COMPANION_COUNTS", (1,))

    class Knowing(torch.nn.Module):
        """Knows every molecule by its 13C spectrum, and says the truth or its contrary."""

        channels = ("13C NMR",)
        pattern = PeakSet.pattern

        def forward(self, spectra):
            return telling(spectra["13C NMR"])

    valid = made_up(300, seed=1)
    rows = valid.values["13C NMR"][valid.first["13C NMR"]].astype(np.float32)
    truth = torch.from_numpy(valid.labels.astype(np.float32))

    def telling(values):
        same = (values[:, None] - torch.from_numpy(rows)[None]).abs().sum(2).argmin(1)
        return 4 * sign * (2 * truth[same] - 1)

    network = silent(small_network().eval())
    network.companion = Knowing()
    network.register_buffer("trust_companion", torch.zeros(2, 5))
    trust = fit_trust(network, valid)["companion 1"]
    assert trust[0] > 0.3 if sign > 0 else trust[0] == 0
    assert not any(trust[1:])
