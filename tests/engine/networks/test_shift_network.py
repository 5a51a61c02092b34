"""The shift network: its outputs, and what the solvent may change."""

from __future__ import annotations

import json

import pytest
import torch
from rdkit import Chem

from engine.chemistry.molecular_graph import molecular_graph
from engine.networks.graph_batches import graph_batch
from engine.networks.shift_network import ShiftNetwork, ShiftNetworkConfig
from engine.training.shift_training import ShiftPlan, build_shift_network


@pytest.fixture
def network() -> ShiftNetwork:
    torch.manual_seed(0)
    return build_shift_network(ShiftPlan(width=16, depth=2)).eval()


def _batch(*smiles: str):
    return graph_batch([molecular_graph(Chem.MolFromSmiles(s)) for s in smiles])


def test_every_atom_gets_a_shift_an_error_and_a_split(network):
    output = network(_batch("CCO", "c1ccccc1"), torch.zeros(2, 2))
    assert output.ppm.shape == output.log_error.shape == (9, 4)
    assert output.split.shape == (9,)
    assert (output.split >= 0).all()


def test_an_untrained_solvent_changes_nothing_and_a_trained_one_its_own_nucleus(network):
    batch = _batch("CCO")
    unknown = network(batch, torch.zeros(1, 2)).ppm
    torch.testing.assert_close(network(batch, torch.tensor([[2, 2]])).ppm, unknown)
    with torch.no_grad():
        network.solvent.weight[2] = torch.linspace(-1, 1, 16)
    changed = network(batch, torch.tensor([[2, 0]])).ppm
    assert not torch.allclose(changed[:, 0], unknown[:, 0])
    torch.testing.assert_close(changed[:, 1:], unknown[:, 1:])


def test_the_config_survives_json(network):
    text = json.dumps(network.config.to_dict())
    again = ShiftNetwork(ShiftNetworkConfig.from_dict(json.loads(text)))
    again.load_state_dict(network.state_dict())


def test_a_remembered_mean_can_be_the_shift(network):
    batch = _batch("CCO")
    memory = torch.zeros(3, 2, 3, 4)
    memory[0, 0, 2] = torch.tensor([1.0, (17.9 - 90) / 50, 0.0, 0.5])
    with torch.no_grad():
        last = network.heads["13C NMR"][-1]
        last.weight[2:] = 0
        last.bias[2:] = torch.tensor([0.0, 0.0, 0.0, 50.0])
    ppm = network(batch, torch.zeros(1, 2), memory.flatten(1)).ppm[:, 0]
    assert ppm[0].item() == pytest.approx(17.9, abs=1e-3)
    # The head asks for the memory of every atom: where there is none its own value stands.
    assert abs(ppm[1].item() - 90) < 100
    assert ppm[1].item() != pytest.approx(90.0, abs=1e-6)
