"""A memory of spectra: the nearest vote, one's own molecule never does."""

from __future__ import annotations

import json

import pytest
import torch

from engine.networks.spectrum_memory import MemoryConfig, SpectrumMemory
from engine.networks.symspectra import SymSpectraConfig, without_noise


def lines_at(*places, size=600):
    spectrum = torch.zeros(1, size)
    spectrum[0, list(places)] = 1.0
    return spectrum


def memory_of(spectra, truth, **settings):
    memory = SpectrumMemory(MemoryConfig("13C NMR", len(spectra), truth.shape[1], **settings))
    memory.remember(memory.blurred(spectra), truth)
    return memory


@pytest.fixture
def three():
    """Remembered: two spectra with a line near 100 and the group 0, one at 400 with the group 1."""
    spectra = torch.cat([lines_at(100, 200), lines_at(101, 210), lines_at(400, 500)])
    return memory_of(spectra, torch.tensor([[1, 0], [1, 0], [0, 1]]))


def test_the_most_similar_spectra_vote(three):
    near = torch.sigmoid(three(lines_at(102, 203)))
    far = torch.sigmoid(three(lines_at(399, 503)))
    assert near[0, 0] > 0.9 and near[0, 1] < 0.1
    assert far[0, 0] < 0.1 and far[0, 1] > 0.9


def test_only_the_nearest_ones_vote(three):
    single = memory_of(
        torch.cat([lines_at(100, 200), lines_at(101, 210), lines_at(400, 500)]),
        torch.tensor([[1, 0], [0, 1], [0, 1]]),
        neighbours=1,
    )
    share = single.config.share
    expected = (1 - share) + share / 3
    assert torch.sigmoid(single(lines_at(100, 200)))[0, 0] == pytest.approx(expected, abs=1e-4)


def test_an_own_molecule_does_not_vote(three):
    places = three.embed(three.blurred(lines_at(100, 200))).repeat(2, 1)
    keys, truth = three.keys.float() / 127, three.truth
    own = torch.tensor([[False, False, False], [True, True, False]])
    chances = three.vote(places, keys, truth, own)
    assert chances[0, 0] > 0.9 and chances[0, 1] < 0.1
    assert chances[1, 0] < 0.1 and chances[1, 1] > 0.9


def test_groups_are_kept_as_they_were_given():
    generator = torch.Generator().manual_seed(1)
    for labels in (1, 8, 37):
        truth = torch.rand(20, labels, generator=generator) < 0.3
        memory = memory_of(torch.rand(20, 600, generator=generator), truth)
        assert torch.equal(memory.truth > 0, truth)


def test_a_group_that_no_neighbour_has_stays_possible(three):
    logits = three(lines_at(102, 203))
    assert torch.isfinite(logits).all()
    assert torch.sigmoid(logits)[0, 1] == pytest.approx(three.config.share / 3, abs=1e-3)


def test_neither_shift_nor_strength_of_lines_changes_much(three):
    usual = three.embed(three.blurred(lines_at(100, 200)))
    moved = three.embed(three.blurred(lines_at(101, 199)))
    weaker = lines_at(100, 200)
    weaker[0, 200] = 0.4
    weak = three.embed(three.blurred(weaker))
    other = three.embed(three.blurred(lines_at(130, 260)))
    assert (usual * moved).sum() > 0.9
    assert (usual * weak).sum() > 0.9
    assert (usual * other).sum() < 0.5


def test_eight_bits_keep_the_places(three):
    places = three.embed(three.blurred(torch.cat([lines_at(100, 200), lines_at(400, 500)])))
    kept = three.keys[[0, 2]].float() / 127
    assert kept == pytest.approx(places.detach(), abs=0.5 / 127)


def test_a_configuration_with_memories_goes_through_json():
    memory = MemoryConfig("MS/MS+", 7, 37, blur=0.5, step=1, power=1.0)
    config = SymSpectraConfig(
        ("IR", "MS/MS+"), ("a", "b"), (1, 0), memories=(memory,), quiet=("13C NMR",)
    )
    assert SymSpectraConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_noise_floor_takes_noise_and_leaves_lines():
    generator = torch.Generator().manual_seed(3)
    clean = lines_at(50, 300, 301, 550) * 0.8
    noisy = clean + 0.05 * torch.randn(1, 600, generator=generator)
    quiet = without_noise(noisy)
    assert (quiet != 0).sum() < 12
    assert set(torch.nonzero(quiet[0] > 0.5).squeeze(1).tolist()) == {50, 300, 301, 550}
    assert torch.equal(without_noise(clean), clean)
