"""Batches: modality dropout keeps a channel, mixing takes its shares, augmentation its limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.encoding.channels import CHANNEL_NAMES
from engine.training.group_batches import Source, augment, epoch_batches, gather
from engine.training.group_tensors import GroupTensors


def tensors_of(presence, seed=0):
    """Molecule i has label bits of its number, and its number as every value of its spectra."""
    presence = np.asarray(presence, bool)
    size = len(presence)
    labels = ((np.arange(size)[:, None] >> np.arange(37).clip(max=30)) & 1).astype(np.uint8)
    values, first, count = {}, {}, {}
    for column, name in enumerate(CHANNEL_NAMES):
        members = np.flatnonzero(presence[:, column])
        rows = np.repeat(members, 2)
        values[name] = np.repeat(rows[:, None], 600, axis=1).astype(np.float16)
        count[name] = np.where(presence[:, column], 2, 0)
        first[name] = np.cumsum(count[name]) - count[name]
    return GroupTensors(np.arange(size).astype(str), labels, values, first, count)


def numbers(batch):
    return (batch.labels[:, :31].numpy() @ (2.0 ** np.arange(31))).astype(int)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), keep_all=st.floats(0, 1), size=st.integers(9, 64))
def test_modality_dropout_keeps_at_least_one_channel_that_is_there(seed, keep_all, size):
    rng = np.random.default_rng(seed)
    presence = rng.random((80, 5)) < 0.5
    presence[:, 2] |= ~presence.any(1)
    tensors = tensors_of(presence)
    for batch in epoch_batches([Source(tensors)], size, rng, keep_all):
        assert batch.spectra
        assert 8 <= len(batch.labels) <= size
        for name, values in batch.spectra.items():
            assert values.shape == (len(batch.labels), 600)
            assert torch.isfinite(values).all()
            assert presence[numbers(batch), CHANNEL_NAMES.index(name)].all()


def test_without_dropout_every_molecule_comes_once_with_all_its_channels():
    tensors = tensors_of(np.ones((64, 5)))
    batches = list(epoch_batches([Source(tensors)], 16, np.random.default_rng(0), keep_all=1.0))
    assert all(set(batch.spectra) == set(CHANNEL_NAMES) for batch in batches)
    assert sorted(np.concatenate([numbers(batch) for batch in batches])) == list(range(64))


def test_dropout_drops_about_half_of_the_channels():
    tensors = tensors_of(np.ones((4000, 5)))
    rng = np.random.default_rng(0)
    batches = list(epoch_batches([Source(tensors)], 64, rng, keep_all=0.0))
    kept = sum(len(batch.spectra) * len(batch.labels) for batch in batches)
    # One half of five, and one of the 1 in 32 that would have lost all.
    assert kept / sum(len(b.labels) for b in batches) == pytest.approx(2.5 + 1 / 32, abs=0.06)


@pytest.mark.parametrize(("share", "expected"), [(1.0, 400), (0.25, 100), (2.5, 1000)])
def test_a_source_gives_its_share_of_passes(share, expected):
    source = Source(tensors_of(np.ones((400, 5))), share)
    batches = list(epoch_batches([source], 25, np.random.default_rng(1), keep_all=1.0))
    assert sum(len(batch.labels) for batch in batches) == expected


def test_a_source_of_one_technique_gives_only_that():
    presence = np.ones((40, 5), bool)
    presence[20:, 0] = False
    source = Source(tensors_of(presence), only=("IR",))
    batches = list(epoch_batches([source], 10, np.random.default_rng(2)))
    assert all(set(batch.spectra) == {"IR"} for batch in batches)
    assert sorted(np.concatenate([numbers(batch) for batch in batches])) == list(range(20))


def test_the_same_generator_gives_the_same_batches():
    sources = [Source(tensors_of(np.ones((100, 5)))), Source(tensors_of(np.ones((50, 5))), 0.5)]
    orders = [
        [numbers(b).tolist() for b in epoch_batches(sources, 16, np.random.default_rng(5))]
        for _ in range(2)
    ]
    assert orders[0] == orders[1]


def test_without_a_generator_the_first_rendering_comes_as_it_is():
    tensors = tensors_of(np.ones((10, 5)))
    tensors.values["IR"][::2] += np.float16(0.5)
    batch = gather(tensors, np.array([7, 3]), (True, False, False, False, False))
    assert list(batch.spectra) == ["IR"]
    assert batch.spectra["IR"][:, 0].tolist() == [7.5, 3.5]
    assert numbers(batch).tolist() == [7, 3]
    moved = batch.to(torch.device("cpu"))
    assert torch.equal(moved.labels, batch.labels)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(CHANNEL_NAMES))
def test_augmentation_moves_a_peak_by_a_point_at_most(seed, name):
    values = torch.zeros(6, 600)
    places = torch.tensor([100, 200, 250, 300, 400, 500])
    values[torch.arange(6), places] = 1.0
    torch.manual_seed(seed)
    kept = values.clone()
    changed = augment(name, values, np.random.default_rng(seed))
    assert changed.shape == (6, 600)
    assert torch.isfinite(changed).all()
    assert ((changed.argmax(1) - places).abs() <= 1).all()
    assert torch.equal(values, kept)
    if name.startswith("MS/MS"):
        assert changed.norm(dim=1) == pytest.approx(torch.ones(6), abs=1e-4)
        assert (changed[values == 0] == 0).all()


def test_distortion_moves_infrared_bands_but_keeps_them_recognisable():
    places = torch.arange(600.0)
    band = torch.exp(-0.5 * ((places - 220) / 3) ** 2).repeat(32, 1)
    moved = augment("IR", band, np.random.default_rng(3), distorted=1.0)
    tops = moved.argmax(1)
    assert moved.shape == band.shape and moved.isfinite().all()
    # 220 bins are 1720 1/cm; the bands lie within about 60 1/cm of it, not all at one place.
    assert (tops - 220).abs().max() <= 10
    assert len(set(tops.tolist())) > 3
