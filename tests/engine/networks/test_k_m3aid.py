"""K-M3AID: shapes, what its embeddings may and may not depend on, and the communication channel."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem

from engine.chemistry.molecular_graph import molecular_graph
from engine.chemistry.observed_peaks import ObservedPeak
from engine.networks.graph_batches import (
    ATOM_VALUES,
    BOND_VALUES,
    atom_columns,
    bond_columns,
    graph_batch,
)
from engine.networks.graph_encoder import GraphEncoderConfig
from engine.networks.k_m3aid import KM3AID, KM3AIDConfig
from engine.networks.peak_batches import peak_batch, signal_weights
from engine.networks.peak_encoder import CARBON, HYDROGEN, position_vector

GRAPH = GraphEncoderConfig(
    ATOM_VALUES, BOND_VALUES, atom_columns(), bond_columns(), 16, 2, 2, 0.0, "layer", True, True
)
FORMS = [
    KM3AIDConfig(GRAPH, "paper", projection=32, trunk=24),
    KM3AIDConfig(GRAPH, "paper", spectrum="convolution", projection=32, trunk=24),
    KM3AIDConfig(GRAPH, "extended", projection=32, embedding=12, trunk=24),
]
ETHANOL = {"13C NMR": (ObservedPeak(18.2, multiplicity="Q"), ObservedPeak(58.0, multiplicity="T"))}
ACETONE = {"13C NMR": (ObservedPeak(30.8), ObservedPeak(206.7))}
BOTH = {**ETHANOL, "1H NMR": (ObservedPeak(1.2), ObservedPeak(3.7))}


def network(config) -> KM3AID:
    torch.manual_seed(0)
    return KM3AID(config).eval()


def graphs(*smiles):
    return [molecular_graph(Chem.MolFromSmiles(s)) for s in smiles]


def embedded(net, *smiles):
    found = graphs(*smiles)
    with torch.no_grad():
        return net.molecules(graph_batch(found), signal_weights(found))


@pytest.mark.parametrize("config", FORMS)
def test_molecules_and_spectra_meet_in_one_space(config):
    net = network(config)
    width = 32 if config.form == "paper" else 12
    out = embedded(net, "CCO", "CC(C)=O", "c1ccccc1")
    spectra = net.spectra(peak_batch([ETHANOL, ACETONE]))
    assert out.embedding.shape == (3, width)
    assert spectra.shape == (2, width)
    assert net.similarity(out.embedding, spectra).shape == (3, 2)
    assert net.node_vectors(out, torch.arange(13), CARBON).shape == (13, 32)
    assert net.peak_vectors(peak_batch([ETHANOL])).shape == (2, 32)


@pytest.mark.parametrize("config", FORMS)
def test_an_embedding_does_not_depend_on_the_neighbours_in_the_batch(config):
    net = network(config)
    together = embedded(net, "CCO", "c1ccccc1").embedding
    alone = embedded(net, "c1ccccc1").embedding
    assert torch.allclose(together[1], alone[0], atol=1e-5)
    with torch.no_grad():
        pair = net.spectra(peak_batch([ETHANOL, ACETONE]))
        single = net.spectra(peak_batch([ACETONE]))
    assert torch.allclose(pair[1], single[0], atol=1e-5)


def test_a_spectrum_is_a_set():
    net = network(FORMS[2])
    with torch.no_grad():
        forward = net.spectra(peak_batch([BOTH]))
        turned = {technique: tuple(reversed(peaks)) for technique, peaks in BOTH.items()}
        assert torch.allclose(forward, net.spectra(peak_batch([turned])), atol=1e-6)
        assert not torch.allclose(forward, net.spectra(peak_batch([ETHANOL])), atol=1e-3)


def test_the_extended_form_begins_with_like_spectra_near_each_other():
    net = network(FORMS[2])
    near = {"13C NMR": (ObservedPeak(18.5), ObservedPeak(57.8))}
    plain = {"13C NMR": tuple(replace(p, multiplicity=None) for p in ETHANOL["13C NMR"])}
    with torch.no_grad():
        vectors = net.spectra(peak_batch([plain, near, ACETONE]))
    assert vectors.norm(dim=1) == pytest.approx(torch.ones(3), abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_equivalent_atoms_give_one_signal():
    weights = signal_weights(graphs("CC(C)=O", "c1ccccc1"))
    assert weights.tolist() == pytest.approx([0.5, 1, 0.5, 1, *[1 / 6] * 6])


def test_only_without_communication_do_nodes_have_an_encoder_of_their_own():
    shared = network(FORMS[0])
    apart = network(replace(FORMS[0], communication=False))
    assert shared.node_encoder is None
    for net, reaches in ((shared, True), (apart, False)):
        found = graphs("CCO")
        out = net.molecules(graph_batch(found), signal_weights(found))
        net.node_vectors(out, torch.arange(3), CARBON).square().sum().backward()
        grown = [p.grad is not None for p in net.graph_encoder.parameters()]
        assert any(grown) is reaches


def test_shifts_lie_where_chemical_shifts_lie_and_errors_are_positive():
    out = embedded(network(FORMS[2]), "CCO")
    assert set(out.shifts) == {CARBON, HYDROGEN}
    assert (out.shifts[CARBON][:, 0] - 90).abs().max() < 150
    assert all((values[:, 1] > 0).all() for values in out.shifts.values())


def test_the_features_of_an_uncertain_shift_are_those_expected_over_its_distribution():
    draws = torch.tensor(np.random.default_rng(0).normal(120.3, 2.0, 20_000), dtype=torch.float32)
    mean = position_vector(draws, CARBON).mean(0)
    expected = position_vector(torch.tensor([120.3]), CARBON, torch.tensor([2.0]))[0]
    assert torch.allclose(mean, expected, atol=0.015)


def test_a_peak_batch_says_what_is_known_of_each_peak():
    batch = peak_batch([BOTH, {"IR": (ObservedPeak(1700.0),)}, ACETONE])
    assert batch.size == 3
    assert batch.spectrum.tolist() == [0, 0, 0, 0, 2, 2]
    assert batch.nucleus.tolist() == [CARBON, CARBON, HYDROGEN, HYDROGEN, CARBON, CARBON]
    assert batch.multiplicity.tolist() == [4, 3, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="nan ppm"):
        peak_batch([{"13C NMR": (ObservedPeak(math.nan),)}])


def test_a_configuration_survives_its_dictionary():
    for config in FORMS:
        assert KM3AIDConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match="form 'new' is none of paper, extended"):
        KM3AIDConfig(GRAPH, "new")
