"""Peaks as tokens: what is found in a vector, and what the network may depend on."""

import pytest
import torch

from engine.networks.peak_set import PeakChannel, PeakSet, PeakSetConfig, PeakTokens

CARBON = PeakChannel("13C NMR", -10.0, 230.0, 0.0, 8, 0.08, (240.0, 24.0, 2.4), 25)
PROTON = PeakChannel("1H NMR", -1.0, 13.0, 2.0, 8, 0.06, (14.0, 1.4), 15)


def vector(channel: PeakChannel, **heights: float) -> torch.Tensor:
    """A vector with lines of the given heights (areas, before the square root) at ``p<bin>``."""
    values = torch.zeros(1, channel.points)
    for name, height in heights.items():
        values[0, int(name[1:])] = height**0.5
    return values


@pytest.fixture
def network() -> PeakSet:
    torch.manual_seed(0)
    return PeakSet(PeakSetConfig((CARBON, PROTON), ("a", "b", "c"), 16, 2, 2, 24)).eval()


def test_lone_lines_are_found_where_they_are():
    features, found, position = PeakTokens(CARBON)(vector(CARBON, p100=1.0, p300=0.25))
    assert found.sum() == 2
    # The tallest comes first; a bin is 0.4 ppm wide and its middle is meant.
    assert position[0, :2].tolist() == pytest.approx([30.2, 110.2], abs=1e-4)
    height = features[0, :2, 2 * len(CARBON.waves)]
    assert height.tolist() == pytest.approx([1.0, 0.5], abs=1e-5)


def test_a_line_on_two_bins_lies_between_them():
    _, found, position = PeakTokens(CARBON)(vector(CARBON, p100=1.0, p101=0.5))
    assert found.sum() == 1
    assert position[0, 0] == pytest.approx(30.2 + 0.4 / 3, abs=1e-4)


def test_what_is_below_the_threshold_is_no_peak():
    _, found, _ = PeakTokens(CARBON)(vector(CARBON, p100=1.0, p300=0.07**2))
    assert found.sum() == 1


def test_the_lines_of_a_multiplet_are_one_proton_peak():
    _, found, position = PeakTokens(PROTON)(
        vector(PROTON, p299=0.25, p300=0.5, p301=0.25, p400=1.0)
    )
    assert found.sum() == 2
    assert sorted(position[0, :2].tolist()) == pytest.approx([6.01167, 8.345], abs=1e-3)


@pytest.mark.parametrize("present", [("13C NMR",), ("1H NMR",), ("13C NMR", "1H NMR")])
def test_any_of_its_channels_will_do(network, present):
    spectra = {name: torch.rand(3, 600) for name in present}
    assert network(spectra).shape == (3, 3)
    assert torch.isfinite(network(spectra)).all()


def test_channels_that_it_does_not_know_change_nothing(network):
    carbon = torch.rand(2, 600)
    alone = network({"13C NMR": carbon})
    assert torch.equal(alone, network({"13C NMR": carbon, "IR": torch.rand(2, 600)}))
    with pytest.raises(ValueError, match="13C NMR"):
        network({"IR": carbon})


def test_neighbours_in_a_batch_do_not_matter(network):
    one, other = vector(CARBON, p100=1.0), vector(CARBON, p50=1.0, p120=0.5, p400=0.3)
    alone = network({"13C NMR": one})
    together = network({"13C NMR": torch.cat([one, other])})
    assert torch.allclose(alone[0], together[0], atol=1e-5)


def test_a_spectrum_without_peaks_has_finite_logits(network):
    assert torch.isfinite(network({"13C NMR": torch.zeros(2, 600)})).all()


def test_the_configuration_reads_back(network):
    again = PeakSetConfig.from_dict(network.config.to_dict())
    assert again == network.config
    PeakSet(again).load_state_dict(network.state_dict())
