"""SymSpectra takes any subset of spectra, gates them, and learns where a label shows."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.symspectra import SymSpectra, SymSpectraConfig
from engine.training.group_objective import ObjectiveWeights, symspectra_loss


def spectra_of(names, size=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(size, 600, generator=generator) for name in names}


SUBSETS = [
    names for count in range(1, 6) for names in combinations(CHANNEL_NAMES, count)
]  # fmt: skip


def test_every_subset_of_the_channels_is_taken(small_network):
    network = small_network().eval()
    for names in SUBSETS:
        output = network(spectra_of(names))
        assert output.logits.shape == output.main_logits.shape == (2, 37)
        assert torch.isfinite(output.logits).all()
        assert set(output.gates) == set(names)
        assert output.information is None and output.without == {}


def test_the_order_in_which_channels_are_given_does_not_matter(small_network):
    network = small_network().eval()
    spectra = spectra_of(CHANNEL_NAMES)
    turned = dict(reversed(spectra.items()))
    assert torch.allclose(network(turned).logits, network(spectra).logits, atol=1e-5)


def test_every_channel_counts(small_network):
    network = small_network().eval()
    spectra = spectra_of(CHANNEL_NAMES)
    whole = network(spectra).logits
    for name in CHANNEL_NAMES:
        rest = {other: values for other, values in spectra.items() if other != name}
        assert (network(rest).logits - whole).abs().max() > 1e-4
        altered = {**spectra, name: spectra[name].flip(1)}
        assert (network(altered).logits - whole).abs().max() > 1e-6


def test_no_channel_at_all_is_refused(small_network):
    network = small_network().eval()
    for nothing in ({}, {"Raman": torch.zeros(1, 600)}):
        with pytest.raises(ValueError, match="no channel is present"):
            network(nothing)


def test_a_molecule_does_not_depend_on_its_neighbours_in_the_batch(small_network):
    network = small_network().eval()
    spectra = spectra_of(("IR", "13C NMR"), size=6)
    together = network(spectra).logits
    for number in range(6):
        alone = network({name: values[number : number + 1] for name, values in spectra.items()})
        assert torch.allclose(alone.logits[0], together[number], atol=1e-5)


def test_gates_are_between_0_and_1_one_for_each_token(small_network):
    network = small_network().eval()
    gates = network(spectra_of(CHANNEL_NAMES, size=3)).gates
    for gate in gates.values():
        assert gate.shape == (3, network.config.tokens) == (3, 37)
        assert gate.min() > 0 and gate.max() < 1


@pytest.mark.parametrize("max_pooling", [True, False])
def test_the_network_of_the_paper_has_150_tokens_of_four_points(small_network, max_pooling):
    network = small_network(pools=(2, 2), max_pooling=max_pooling).eval()
    gates = network(spectra_of(("IR",), size=2)).gates
    assert network.config.tokens == gates["IR"].shape[1] == 150


@pytest.mark.parametrize("pools", [(1, 1), (2, 2), (2, 3), (3, 3), (4, 4), (3, 5)])
def test_every_token_lies_over_the_middle_of_its_points(small_network, pools):
    """Where a line of one point moves the tokens: their centre of gravity is that point."""
    network = small_network(pools=pools).eval()
    encoder, width = network.encoders["IR"], pools[0] * pools[1]
    nothing = torch.zeros(1, 600)
    with torch.no_grad():
        for place in (120, 300, 421):
            line = nothing.clone()
            line[0, place] = 1
            change = (encoder(line) - encoder(nothing)).abs().sum((0, 2))
            moved = torch.nonzero(change > 1e-6).flatten().float()
            assert network.config.tokens == len(change)
            assert (moved.mean() + 0.5) * width - 0.5 == pytest.approx(place, abs=width + 1)


def test_in_evaluation_truth_changes_nothing_and_nothing_is_drawn(small_network):
    network = small_network().eval()
    spectra, truth = spectra_of(("IR", "1H NMR")), torch.ones(2, 37)
    plain = network(spectra)
    taught = network(spectra, truth, teaching=1.0)
    assert torch.equal(taught.logits, plain.logits)
    assert taught.information is None and taught.without == {}


def test_in_training_there_are_bounds_and_one_auxiliary_prediction_a_channel(small_network):
    network = small_network().train()
    output = network(spectra_of(("IR", "1H NMR", "MS/MS+"), size=8), torch.zeros(8, 37), 0.5)
    assert output.information.ndim == 0 and torch.isfinite(output.information)
    assert set(output.without) == {"IR", "1H NMR", "MS/MS+"}
    assert all(logits.shape == (8, 37) for logits in output.without.values())
    alone = network(spectra_of(("IR",), size=8), torch.zeros(8, 37))
    assert set(alone.without) == {"IR"}


def test_training_draws_noise_and_learns_its_scale_in_its_buffers(small_network):
    network = small_network().train()
    before = network.noise_deviation_IR.clone()
    spectra, truth = spectra_of(("IR",), size=8), torch.zeros(8, 37)
    first, second = network(spectra, truth).logits, network(spectra, truth).logits
    assert not torch.allclose(first, second)
    assert not torch.allclose(network.noise_deviation_IR, before)
    untouched = network.noise_deviation_1H_NMR
    assert torch.equal(untouched, torch.ones_like(untouched))


def test_teaching_in_training_tells_later_labels_the_truth(small_network):
    spectra = spectra_of(("IR",), size=8)
    logits = []
    for truth in (torch.zeros(8, 37), torch.ones(8, 37)):
        network = small_network().train()
        with torch.no_grad():
            network.decoder.previous.mul_(30)
            torch.manual_seed(7)
            logits.append(network(spectra, truth, teaching=1.0).logits)
    first = network.config.order[0]
    assert torch.allclose(logits[0][:, first], logits[1][:, first])
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_a_config_rebuilds_its_network(small_network):
    import json

    network = small_network().eval()
    values = json.loads(json.dumps(network.config.to_dict()))
    config = SymSpectraConfig.from_dict(values)
    assert config == network.config
    again = SymSpectra(config).eval()
    again.load_state_dict(network.state_dict())
    spectra = spectra_of(CHANNEL_NAMES)
    assert torch.equal(again(spectra).logits, network(spectra).logits)


def test_masking_effects_start_from_the_same_prediction(small_network):
    network = small_network().eval()
    spectra = spectra_of(("IR", "13C NMR"), size=1)
    with torch.no_grad():
        output, effects = network.masking_effects(spectra)
        assert output.logits == pytest.approx(network(spectra).logits, abs=1e-5)
    assert {name: tuple(effect.shape) for name, effect in effects.items()} == {
        "IR": (37, 37), "13C NMR": (37, 37),
    }  # fmt: skip


def test_masking_a_token_is_what_closing_its_gate_would_be(small_network):
    """Against a slow replay: the tokens around a place replaced by the mean of the noise."""
    network = small_network().eval()
    spectra = spectra_of(("IR", "1H NMR"), size=1)
    with torch.no_grad():
        output, effects = network.masking_effects(spectra, reach=1)
        _, gated, _ = network._gated_tokens(spectra, training=False)
        for place in (0, 17, 36):
            masked = gated["IR"].clone()
            masked[0, max(0, place - 1) : place + 2] = network.noise_mean_IR
            parts = {
                "IR": network._part("IR", masked),
                "1H NMR": network._part("1H NMR", gated["1H NMR"]),
            }
            fused = network._fuse(parts)
            logits = network.decoder(fused, network.main(fused))
            expected = output.logits[0] - logits[0]
            assert effects["IR"][place] == pytest.approx(expected, abs=1e-5)


def peaks_with_labels(size, generator):
    """Spectra of random peaks; label 0 is a peak at point 150 of IR, label 1 at 400 of 13C."""
    axis = torch.arange(600.0)
    labels = (torch.rand(size, 2, generator=generator) < 0.5).float()
    spectra = {}
    for column, (name, place) in enumerate((("IR", 150.0), ("13C NMR", 400.0))):
        centres = torch.rand(size, 4, generator=generator) * 600
        # The other peaks stay away from the place that tells.
        centres = torch.where((centres - place).abs() < 25, centres + 60, centres)
        centres = torch.cat([centres, torch.full((size, 1), place)], dim=1)
        heights = torch.cat([torch.ones(size, 4), labels[:, column : column + 1]], dim=1)
        lines = torch.exp(-0.5 * ((axis - centres.unsqueeze(-1)) / 3) ** 2)
        spectra[name] = (heights.unsqueeze(-1) * lines).sum(1)
    return spectra, labels


@pytest.fixture(scope="module")
def taught():
    """A small network after 120 steps on labels that are a peak at a place."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    config = SymSpectraConfig(
        ("IR", "13C NMR"), ("a", "b"), (0, 1), stem=8, width=16, heads=2, reduced=4, fused=32,
        dropout=0.1,
    )  # fmt: skip
    network = SymSpectra(config).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    losses = []
    for _ in range(120):
        spectra, labels = peaks_with_labels(32, generator)
        loss = symspectra_loss(network(spectra, labels, 0.5), labels, ObjectiveWeights())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return network.eval(), losses


def test_it_learns_a_label_that_is_a_peak_at_a_place(taught):
    network, losses = taught
    assert sum(losses[-10:]) < 0.3 * sum(losses[:10])
    spectra, labels = peaks_with_labels(200, torch.Generator().manual_seed(9))
    with torch.no_grad():
        right = ((network(spectra).logits > 0) == (labels > 0)).float().mean()
    assert right > 0.95


def test_its_evidence_is_at_that_place_of_that_spectrum(taught):
    network, _ = taught
    spectra, labels = peaks_with_labels(64, torch.Generator().manual_seed(10))
    mean = {}
    for number in torch.nonzero(labels.all(1)).flatten()[:12]:
        one = {name: values[number : number + 1] for name, values in spectra.items()}
        with torch.no_grad():
            _, effects = network.masking_effects(one)
        for name, effect in effects.items():
            mean[name] = mean.get(name, 0) + effect / 12
    for label, (name, place) in enumerate((("IR", 150), ("13C NMR", 400))):
        other = "13C NMR" if name == "IR" else "IR"
        along = mean[name][:, label]
        points = 600 / network.config.tokens
        assert abs(points * (along.argmax().item() + 0.5) - 0.5 - place) <= 12
        assert along.max() > 3 * mean[other][:, label].max()


def test_with_one_spectrum_missing_it_still_tells_what_the_other_shows(taught):
    network, _ = taught
    spectra, labels = peaks_with_labels(200, torch.Generator().manual_seed(11))
    with torch.no_grad():
        logits = network({"IR": spectra["IR"]}).logits
    # It was never trained without 13C: the ranking by the peak must hold all the same.
    yes, no = logits[labels[:, 0] > 0, 0], logits[labels[:, 0] == 0, 0]
    assert (yes.unsqueeze(1) > no).float().mean() > 0.95
