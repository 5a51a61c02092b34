"""The baseline network: absent channels are planes of zeros."""

from __future__ import annotations

import json

import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.cnn_1d import Cnn1d, Cnn1dConfig


def test_absent_channels_are_zero(small_cnn):
    network = small_cnn().eval()
    values = torch.rand(4, 600)
    zero = torch.zeros(4, 600)
    alone = network({"1H NMR": values})
    assert alone.shape == (4, 37)
    filled = network({name: values if name == "1H NMR" else zero for name in CHANNEL_NAMES})
    assert torch.equal(alone, filled)
    assert not torch.allclose(alone, network({"IR": values}))


def test_a_molecule_does_not_depend_on_its_neighbours(small_cnn):
    network = small_cnn().eval()
    values = torch.rand(4, 600)
    together = network({"IR": values})
    alone = network({"IR": values[2:3]})
    assert torch.allclose(alone[0], together[2], atol=1e-5)


def test_no_channel_at_all_is_refused(small_cnn):
    for nothing in ({}, {"Raman": torch.zeros(1, 600)}):
        with pytest.raises(ValueError, match="no channel is present"):
            small_cnn().eval()(nothing)


def test_the_layers_are_those_of_the_paper():
    config = Cnn1dConfig(("IR",), tuple("abc"))
    with torch.device("meta"):
        network = Cnn1d(config)
    convolutions = [m for m in network.layers if isinstance(m, torch.nn.Conv1d)]
    dense = [m for m in network.layers if isinstance(m, torch.nn.Linear)]
    assert [(m.out_channels, m.kernel_size) for m in convolutions] == [(31, (11,)), (62, (11,))]
    assert [m.out_features for m in dense] == [4927, 2785, 1574, 3]
    assert dense[0].in_features == 62 * 150


def test_a_config_rebuilds_its_network(small_cnn):
    network = small_cnn().eval()
    config = Cnn1dConfig.from_dict(json.loads(json.dumps(network.config.to_dict())))
    assert config == network.config
    again = Cnn1d(config).eval()
    again.load_state_dict(network.state_dict())
    values = torch.rand(2, 600)
    assert torch.equal(again({"IR": values}), network({"IR": values}))
