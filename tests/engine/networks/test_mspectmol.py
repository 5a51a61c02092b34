"""MSpecTmol: equations 6 to 8, 22 and 25 by hand, any primary, any subset of the channels."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.mspectmol import (
    MSpecTmol,
    MSpecTmolConfig,
    foresight_error,
    redundancy,
)
from engine.training.mspectmol_objective import MSpecTmolWeights, mspectmol_loss

SMALL = {
    "stem": 4, "width": 6, "pools": (4, 5), "reduced": 3, "fused": 16, "dropout": 0.1,
}  # fmt: skip


def network_of(seed: int = 0, channels=CHANNEL_NAMES, labels=("a", "b", "c"), **changes):
    torch.manual_seed(seed)
    network = MSpecTmol(MSpecTmolConfig(channels, labels, **(SMALL | changes)))
    # Learned vectors that begin at 0 are given values, so that what they do is seen.
    with torch.no_grad():
        for parameter in (*network.absent.values(), *network.leading.values()):
            parameter.normal_(0, 0.5)
        for name, buffer in network.named_buffers():
            if name.startswith("noise_mean"):
                buffer.normal_()
    return network.eval()


def spectra_of(names, size=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(size, 600, generator=generator) for name in names}


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def perceptron(gate, tokens):
    """A gate's logits from its weights: ``B x L x F -> B x L``."""
    first, last = gate.score[0], gate.score[2]
    weights = [w.detach().numpy() for w in (first.weight, first.bias, last.weight, last.bias)]
    hidden = np.maximum(tokens @ weights[0].T + weights[1], 0)
    return (hidden @ weights[2].T + weights[3])[..., 0]


def tokens_of(network, name, spectra):
    from engine.networks.token_encoder import module_name

    return network.encoders[module_name(name)](spectra[name]).detach().numpy()


@pytest.mark.parametrize("primary", CHANNEL_NAMES)
def test_every_subset_of_the_channels_is_taken_whatever_the_primary(primary):
    network = network_of(primary=primary)
    for count in range(1, 6):
        for names in combinations(CHANNEL_NAMES, count):
            output = network(spectra_of(names))
            assert output.logits.shape == (2, 3) and torch.isfinite(output.logits).all()
            assert set(output.gates) == set(names)
            if primary in names:
                assert output.primary == primary
            assert output.primary_logits is None and output.redundancy is None


def test_a_batch_without_the_primary_takes_the_next_that_is_preferred():
    config = MSpecTmolConfig(CHANNEL_NAMES, ("a",), primary="IR", preference=("MS/MS-", "1H NMR"))
    assert config.primary_of(["13C NMR", "1H NMR", "IR"]) == "IR"
    assert config.primary_of(["13C NMR", "1H NMR", "MS/MS-"]) == "MS/MS-"
    assert config.primary_of(["13C NMR", "1H NMR"]) == "1H NMR"
    # Neither primary nor preferred: in the order of the channels.
    assert config.primary_of(["MS/MS+", "13C NMR"]) == "13C NMR"


def test_no_channel_and_an_unknown_primary_are_refused():
    network = network_of()
    for nothing in ({}, {"Raman": torch.zeros(1, 600)}):
        with pytest.raises(ValueError, match="no channel is present"):
            network(nothing)
    with pytest.raises(ValueError, match="primary 'UV-Vis' is none of IR"):
        MSpecTmolConfig(CHANNEL_NAMES, ("a",), primary="UV-Vis")
    with pytest.raises(ValueError, match="prior 'flat' is none of"):
        network_of(prior="flat")


def test_gates_are_equation_6_and_kept_tokens_equation_7():
    network = network_of(primary="13C NMR")
    spectra = spectra_of(("IR", "13C NMR", "MS/MS+"))
    core = network._core(spectra)
    main, infrared, masses = (tokens_of(network, n, spectra) for n in ("13C NMR", "IR", "MS/MS+"))
    own = sigmoid(perceptron(network.primary_gates["13C_NMR"], main))[..., None]
    kept = own * main + (1 - own) * network.noise_mean_13C_NMR.numpy()
    assert core.primary == "13C NMR"
    assert core.gates["13C NMR"].detach().numpy() == pytest.approx(own[..., 0], abs=1e-5)
    assert core.kept["13C NMR"].detach().numpy() == pytest.approx(kept, abs=1e-5)
    for name, key, tokens in (("IR", "IR", infrared), ("MS/MS+", "MS_MS_positive", masses)):
        joined = np.concatenate([main, tokens, kept], axis=-1)
        gate = sigmoid(perceptron(network.auxiliary_gates[key], joined))[..., None]
        noise = getattr(network, f"noise_mean_{key}").numpy()
        assert core.gates[name].detach().numpy() == pytest.approx(gate[..., 0], abs=1e-5)
        expected = gate * tokens + (1 - gate) * noise
        assert core.kept[name].detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_in_training_gates_are_equation_8_with_noise_of_the_tokens_own_moments():
    network = network_of().train()
    spectra = spectra_of(("IR",), size=5)
    encoded = network.encoders["IR"](spectra["IR"]).detach()
    torch.manual_seed(11)
    core = network._core(spectra)
    torch.manual_seed(11)
    uniform = torch.rand(5, network.config.tokens).numpy()
    normal, tokens = torch.randn_like(encoded).numpy(), encoded.numpy()
    open_share = sigmoid(perceptron(network.primary_gates["IR"], tokens))
    logistic = np.log(open_share / (1 - open_share)) + np.log(uniform / (1 - uniform))
    gate = sigmoid(logistic)[..., None]
    flat = tokens.reshape(-1, tokens.shape[-1])
    mean, deviation = flat.mean(0), flat.std(0, ddof=1)
    expected = gate * tokens + (1 - gate) * (mean + deviation * normal)
    assert core.kept["IR"].detach().numpy() == pytest.approx(expected, abs=1e-4)
    # The gates that are shown are p, not the sample.
    assert core.gates["IR"].detach().numpy() == pytest.approx(open_share, abs=1e-5)
    # Equation 25, as a mean over the batch, tokens and features.
    moved, narrowed = gate * (tokens - mean) / deviation, 1 - gate
    divergence = 0.5 * (-np.log(narrowed**2) - 1 + moved**2 + narrowed**2)
    assert core.rates["IR"].item() == pytest.approx(divergence.mean(), rel=1e-3)


def closed_or_open(network, bias):
    with torch.no_grad():
        for gate in (*network.primary_gates.values(), *network.auxiliary_gates.values()):
            gate.score[-1].weight.zero_()
            gate.score[-1].bias.fill_(bias)
    return network


@pytest.mark.parametrize("prior", ["gaussian", "laplace", "gamma"])
def test_closed_gates_carry_nothing_and_open_ones_all(prior):
    spectra = spectra_of(("IR", "1H NMR"), size=6)
    closed = closed_or_open(network_of(prior=prior), -40.0).train()(spectra)
    assert closed.primary_rate.item() == pytest.approx(0.0, abs=1e-4)
    assert closed.auxiliary_rate.item() == pytest.approx(0.0, abs=1e-4)
    network = closed_or_open(network_of(prior=prior), 40.0).train()
    opened = network(spectra)
    # At least the cost of narrowing to a millionth.
    least = -np.log(1e-6) - 1
    assert opened.primary_rate.item() > least
    assert opened.auxiliary_rate.item() > least
    logits = closed_or_open(network_of(prior=prior), -40.0)
    other = spectra_of(("IR", "1H NMR"), size=6, seed=5)
    assert torch.allclose(logits(spectra).logits, logits(other).logits, atol=1e-5)


def test_the_primary_is_gated_by_itself_and_an_auxiliary_by_both():
    network = network_of(primary="IR")
    spectra = spectra_of(("IR", "1H NMR"))
    gates = network(spectra).gates
    alone = network({"IR": spectra["IR"]}).gates
    assert set(alone) == {"IR"} and torch.equal(alone["IR"], gates["IR"])
    other_primary = network({**spectra, "IR": spectra["IR"].flip(1)}).gates
    assert not torch.allclose(other_primary["1H NMR"], gates["1H NMR"])
    other_auxiliary = network({**spectra, "1H NMR": spectra["1H NMR"].flip(1)}).gates
    assert torch.equal(other_auxiliary["IR"], gates["IR"])


def test_the_uniform_bottleneck_gates_every_channel_by_itself():
    network = network_of(asymmetric=False)
    spectra = spectra_of(("IR", "1H NMR"))
    gates = network(spectra).gates
    changed = network({**spectra, "IR": spectra["IR"].flip(1)}).gates
    assert torch.equal(changed["1H NMR"], gates["1H NMR"])
    output = network.train()(spectra)
    assert output.primary_logits is None
    loss = mspectmol_loss(output, torch.zeros(2, 3), MSpecTmolWeights())
    assert torch.isfinite(loss)


def test_gates_are_between_0_and_1_one_for_each_token_and_150_as_in_the_paper():
    network = network_of(pools=(2, 2))
    gates = network(spectra_of(CHANNEL_NAMES, size=3)).gates
    assert MSpecTmolConfig(CHANNEL_NAMES, ("a",)).tokens == 150
    for gate in gates.values():
        assert gate.shape == (3, 150)
        assert gate.min() > 0 and gate.max() < 1


def test_a_molecule_does_not_depend_on_its_neighbours_in_the_batch():
    network = network_of()
    spectra = spectra_of(("IR", "13C NMR"), size=4)
    together = network(spectra).logits
    for number in range(4):
        alone = network({name: values[number : number + 1] for name, values in spectra.items()})
        assert torch.allclose(alone.logits[0], together[number], atol=1e-5)


def test_redundancy_is_equation_22_of_the_regression_on_what_was_foreseen():
    generator = np.random.default_rng(0)
    foreseen = generator.normal(size=(50, 3))
    auxiliary = np.stack(
        [
            3 * foreseen[:, 0] + generator.normal(size=50),
            generator.normal(size=50) + 7,
            -0.2 * foreseen[:, 2] + 0.1 * generator.normal(size=50),
        ],
        axis=1,
    )
    total = []
    for column in range(3):
        expected = foreseen[:, column] - foreseen[:, column].mean()
        expected /= foreseen[:, column].std()
        r = np.corrcoef(foreseen[:, column], auxiliary[:, column])[0, 1]
        for z in expected:
            total.append(0.5 * (-np.log(1 - r**2) - 1 + (r * z) ** 2 + (1 - r**2)))
    found = redundancy(torch.tensor(foreseen), torch.tensor(auxiliary)).item()
    assert found == pytest.approx(np.mean(total), rel=1e-4)
    # Which is the mutual information of two Gaussians, -log(1 - r^2) / 2.
    correlations = [np.corrcoef(foreseen[:, c], auxiliary[:, c])[0, 1] for c in range(3)]
    assert found == pytest.approx(np.mean(-0.5 * np.log(1 - np.square(correlations))), rel=1e-4)


def test_redundancy_moves_the_auxiliary_and_foresight_what_foresees():
    foreseen = torch.randn(20, 4, requires_grad=True)
    auxiliary = (foreseen.detach() + torch.randn(20, 4)).requires_grad_(True)
    before = redundancy(foreseen, auxiliary)
    before.backward()
    assert foreseen.grad is None and auxiliary.grad.abs().max() > 0
    after = redundancy(foreseen, auxiliary - 5 * auxiliary.grad)
    assert after < before
    auxiliary.grad = None
    foresight_error(foreseen, auxiliary).backward()
    assert auxiliary.grad is None and foreseen.grad.abs().max() > 0


def test_one_molecule_and_equal_features_have_no_redundancy():
    for auxiliary in (torch.randn(1, 4), torch.ones(6, 4)):
        foreseen = torch.randn(len(auxiliary), 4)
        assert redundancy(foreseen, auxiliary).item() == pytest.approx(0.0, abs=1e-6)


def test_in_training_every_term_is_there_and_a_primary_alone_has_no_auxiliary_terms():
    network = network_of().train()
    both = network(spectra_of(("IR", "1H NMR"), size=8))
    assert both.primary_logits.shape == (8, 3)
    for term in ("redundancy", "primary_rate", "auxiliary_rate", "foresight"):
        assert getattr(both, term).item() > 0
    alone = network(spectra_of(("IR",), size=8))
    assert alone.primary_rate > 0
    assert alone.redundancy == alone.auxiliary_rate == alone.foresight == 0


def test_l_pred_hears_only_the_primary():
    network = network_of().train()
    spectra = spectra_of(("IR", "1H NMR"), size=4)
    spectra["1H NMR"].requires_grad_(True)
    network(spectra).primary_logits.sum().backward()
    assert spectra["1H NMR"].grad is None or not spectra["1H NMR"].grad.any()


def test_a_config_rebuilds_its_network():
    network = network_of(prior="laplace", primary="1H NMR")
    config = MSpecTmolConfig.from_dict(json.loads(json.dumps(network.config.to_dict())))
    assert config == network.config
    again = MSpecTmol(config).eval()
    again.load_state_dict(network.state_dict())
    spectra = spectra_of(CHANNEL_NAMES)
    assert torch.equal(again(spectra).logits, network(spectra).logits)


def test_masking_a_token_is_what_closing_its_gate_would_be():
    network = network_of()
    spectra = spectra_of(("IR", "1H NMR"), size=1)
    with torch.no_grad():
        output, effects = network.masking_effects(spectra, reach=1)
        assert torch.allclose(output.logits, network(spectra).logits, atol=1e-5)
        assert {n: tuple(e.shape) for n, e in effects.items()} == dict.fromkeys(
            ("IR", "1H NMR"), (network.config.tokens, 3)
        )
        core = network._core(spectra)
        for name, key in (("IR", "IR"), ("1H NMR", "1H_NMR")):
            kept = dict(core.kept)
            kept[name] = kept[name].clone()
            kept[name][0, 6:9] = getattr(network, f"noise_mean_{key}")
            parts = {n: network._part(n, tokens) for n, tokens in kept.items()}
            expected = output.logits[0] - network._logits(parts, "IR")[0]
            assert torch.allclose(effects[name][7], expected, atol=1e-5)


def lines_with_labels(size, generator):
    """Spectra of random lines; label 0 is a line at point 150 of IR, label 1 at 400 of 13C."""
    axis = torch.arange(600.0)
    labels = (torch.rand(size, 2, generator=generator) < 0.5).float()
    spectra = {}
    for column, (name, place) in enumerate((("IR", 150.0), ("13C NMR", 400.0))):
        centres = torch.rand(size, 4, generator=generator) * 600
        centres = torch.where((centres - place).abs() < 25, centres + 60, centres)
        centres = torch.cat([centres, torch.full((size, 1), place)], dim=1)
        heights = torch.cat([torch.ones(size, 4), labels[:, column : column + 1]], dim=1)
        lines = torch.exp(-0.5 * ((axis - centres.unsqueeze(-1)) / 3) ** 2)
        spectra[name] = (heights.unsqueeze(-1) * lines).sum(1)
    return spectra, labels


@pytest.fixture(scope="module")
def taught():
    """A small network after 150 steps on labels that are a line at a place."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    config = MSpecTmolConfig(
        ("IR", "13C NMR"), ("a", "b"), primary="13C NMR", stem=8, width=16, pools=(3, 4),
        reduced=4, fused=32, dropout=0.1,
    )  # fmt: skip
    network = MSpecTmol(config).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    losses = []
    for _ in range(150):
        spectra, labels = lines_with_labels(32, generator)
        loss = mspectmol_loss(network(spectra), labels, MSpecTmolWeights())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return network.eval(), losses


def test_it_learns_what_the_primary_shows_and_what_the_auxiliary_adds(taught):
    network, _ = taught
    spectra, labels = lines_with_labels(200, torch.Generator().manual_seed(9))
    with torch.no_grad():
        right = ((network(spectra).logits > 0) == (labels > 0)).float().mean(0)
    assert right.min() > 0.93


def test_its_evidence_is_at_that_place_of_that_spectrum(taught):
    network, _ = taught
    spectra, labels = lines_with_labels(64, torch.Generator().manual_seed(10))
    mean = {}
    for number in torch.nonzero(labels.all(1)).flatten()[:12]:
        one = {name: values[number : number + 1] for name, values in spectra.items()}
        with torch.no_grad():
            _, effects = network.masking_effects(one)
        for name, effect in effects.items():
            mean[name] = mean.get(name, 0) + effect / 12
    for label, (name, place) in enumerate((("IR", 150), ("13C NMR", 400))):
        along = mean[name][:, label]
        points = 600 / network.config.tokens
        assert abs(points * (along.argmax().item() + 0.5) - 0.5 - place) <= 18
