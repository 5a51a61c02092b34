"""Tables rendered into tensors: the same seed gives the same, and files keep them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.encoding.channels import CHANNEL_NAMES
from engine.encoding.vectors import encode_masses
from engine.training.group_tables import GroupRecord, read_group_records
from engine.training.group_tensors import (
    EVALUATION_VARIANTS,
    TRAINING_VARIANTS,
    GroupTensors,
    generator_for,
    prepare,
)


@pytest.fixture(scope="module")
def records(small_tables):
    return read_group_records(small_tables, "train")


def test_every_molecule_has_the_renderings_that_were_asked_for(records):
    variants = {"IR": 3, "1H NMR": 2, "13C NMR": 4, "MS/MS+": 6, "MS/MS-": 6}
    tensors = prepare(records, variants)
    assert len(tensors) == 12
    assert tensors.labels.shape == (12, 37)
    assert tensors.presence.all()
    assert (tensors.count["IR"] == 3).all() and (tensors.count["13C NMR"] == 4).all()
    # Of measured spectra there are as many as were measured.
    assert (tensors.count["MS/MS+"] == 1).all()
    for name in CHANNEL_NAMES:
        assert tensors.values[name].shape == (tensors.count[name].sum(), 600)
        assert np.isfinite(tensors.values[name]).all()
        ends = tensors.first[name] + tensors.count[name]
        assert (tensors.first[name][1:] == ends[:-1]).all()
    first = tensors.first["13C NMR"][0]
    assert not np.allclose(tensors.values["13C NMR"][first], tensors.values["13C NMR"][first + 1])


def test_the_same_seed_gives_the_same_tensors_in_any_order(records):
    one = prepare(records, EVALUATION_VARIANTS, seed=3)
    turned = prepare(records[::-1], EVALUATION_VARIANTS, seed=3)
    other = prepare(records, EVALUATION_VARIANTS, seed=4)
    for name in ("IR", "1H NMR", "13C NMR"):
        assert (one.values[name] == turned.values[name][::-1]).all()
        assert not np.allclose(one.values[name], other.values[name])


def test_shifts_vary_more_in_training_than_in_evaluation(records):
    """By how far the tallest line of ethanol's CH2 (58.0 ppm) strays."""
    ethanol = [record for record in records if record.smiles == "CCO"]
    variants = {**EVALUATION_VARIANTS, "13C NMR": 60}
    window = slice(int((52 + 10) / 0.4), int((64 + 10) / 0.4))
    spreads = []
    for training in (False, True):
        rows = prepare(ethanol, variants, training=training).values["13C NMR"]
        spreads.append(rows[:, window].argmax(1).std())
    assert spreads[1] > 1.5 * spreads[0]


def test_a_molecules_generator_is_its_own():
    draws = [generator_for(key, seed).random() for key, seed in (("A", 0), ("B", 0), ("A", 1))]
    assert len(set(draws)) == 3
    assert generator_for("A", 0).random() == draws[0]


def test_missing_spectra_are_no_rows():
    labels = np.zeros(37, bool)
    records = [
        GroupRecord("A", "CC", labels, carbon=[{"ppm": 6.5}]),
        GroupRecord("B", "CCC", labels, positive=[{"mz": [43.05], "intensity": [1.0]}]),
        # Fragments above the window leave nothing to see.
        GroupRecord("C", "CCCC", labels, negative=[{"mz": [900.0], "intensity": [1.0]}]),
    ]
    tensors = prepare(records, TRAINING_VARIANTS)
    assert tensors.presence.tolist() == [
        [False, False, True, False, False],
        [False, False, False, True, False],
        [False] * 5,
    ]
    assert tensors.values["IR"].shape == (0, 600)
    encoded = encode_masses(np.array([43.05]), np.array([1.0]))
    assert tensors.values["MS/MS+"][0] == pytest.approx(encoded, abs=1e-3)


def test_tensors_are_saved_and_read_back(records, tmp_path):
    tensors = prepare(records, EVALUATION_VARIANTS)
    path = tmp_path / "new folder" / "test.npz"
    tensors.save(path)
    read = GroupTensors.load(path)
    assert read.keys.tolist() == tensors.keys.tolist()
    assert (read.labels == tensors.labels).all()
    for name in CHANNEL_NAMES:
        assert (read.values[name] == tensors.values[name]).all()
        assert read.values[name].dtype == np.float16
        assert (read.first[name] == tensors.first[name]).all()
        assert (read.count[name] == tensors.count[name]).all()
    assert [entry.name for entry in path.parent.iterdir()] == ["test.npz"]


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, keys=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        GroupTensors.load(path)
