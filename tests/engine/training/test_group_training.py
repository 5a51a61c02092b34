"""From tables to a model file: what is prepared once, and that the whole way can be gone."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_model import load_group_model
from engine.training import group_training, peak_set_training, train_groups
from engine.training.group_tables import MissingTableError, read_group_records
from engine.training.group_training import Stage, prepared, sources_of, stages_of
from engine.training.group_training import train_groups as way

pytest.importorskip("lightning_fabric")


@pytest.fixture
def data(small_tables, tmp_path):
    """The small tables with a small library."""
    folder = tmp_path / "data"
    shutil.copytree(small_tables, folder)
    with gzip.open(folder / "library_smiles.txt.gz", "wt") as lines:
        lines.write("\n".join("C" * n + "O" for n in range(2, 20)) + "\n")
    return folder


def test_tensors_are_rendered_once(data, tmp_path):
    said = []
    first = prepared(data, tmp_path / "prepared", said.append)
    assert len(said) == len(first) >= 4
    assert {"train", "valid", "infrared_completed", "simulated"} <= set(first)
    # Three of the twelve molecules have a measured infrared spectrum.
    assert len(first["train"]) == len(first["valid"]) == 9
    said.clear()
    # The second time neither tables nor a rendering are needed.
    second = prepared(tmp_path / "nowhere", tmp_path / "prepared", said.append)
    assert said == []
    for name, tensors in first.items():
        for channel in CHANNEL_NAMES:
            assert np.array_equal(tensors.values[channel], second[name].values[channel])


def test_molecules_of_the_measured_infrared_are_in_no_tensor(data, tmp_path, table_writer):
    keys = [record.key for record in read_group_records(data, "train")]
    keys += [record.key for record in read_group_records(data, "valid")]
    table_writer(data / "ir_real_eval.jsonl.gz", [{"key": key} for key in keys[::3]])
    tensors = prepared(data, tmp_path / "prepared", lambda line: None)
    for prepared_molecules in tensors.values():
        assert not set(keys[::3]) & set(prepared_molecules.keys.tolist())
    assert len(tensors["train"]) == len(tensors["valid"]) == 8


def test_a_missing_folder_of_tables_is_said(tmp_path):
    with pytest.raises(MissingTableError, match="nmr_train"):
        prepared(tmp_path / "nowhere", tmp_path / "prepared", lambda line: None)


def test_an_epoch_mixes_the_sources(data, tmp_path):
    tensors = prepared(data, tmp_path / "prepared", lambda line: None)
    sources = sources_of(tensors, 0.25)
    assert sources[0].tensors is tensors["train"] and sources[0].share == 1
    assert any(source.only == ("IR",) for source in sources)
    assert all(source.tensors is not tensors["valid"] for source in sources)


@pytest.mark.parametrize("kind", ["symspectra", "cnn-1d"])
def test_the_whole_way_from_tables_to_a_model(
    kind, data, tmp_path, monkeypatch, small_network, small_cnn
):
    build = {"symspectra": small_network, "cnn-1d": small_cnn}
    monkeypatch.setattr(train_groups, "build_network", lambda name, dropout: build[name]())
    plan = train_groups.TrainingPlan(kind, batch_size=8, precision="32-true")
    monkeypatch.setattr(group_training, "stages_of", lambda *a: (Stage(plan, 1.0),) * 2)
    small = peak_set_training.PeakSetPlan(epochs=1, steps=2, batch_size=8)
    monkeypatch.setattr(group_training, "COMPANION", small)
    said = []
    path = way(data, tmp_path / "runs", kind, epochs=1, report=said.append)
    model = load_group_model(path)
    assert model.labels == model.network.config.labels
    assert model.card.licence.startswith("MIT")
    assert model.train_positives.shape == (37,)
    assert (tmp_path / "runs" / kind / "stage-2" / "last.ckpt").exists()
    assert any('"epoch": 0' in line for line in said)
    if kind == "symspectra":
        assert model.network.companion.channels == ("13C NMR", "1H NMR")
        assert any(line.startswith("peak set:") for line in said)
        # A dozen molecules tell nothing of the fragment network, which is asked all the same.
        assert any("none is joined" in line or "not joined" in line for line in said)
        assert model.sources == ()


def test_plans_differ_by_network_and_seed():
    assert all(stage.plan.seed == 3 for stage in stages_of("symspectra", seed=3))
    assert all(stage.plan.network == "cnn-1d" for stage in stages_of("cnn-1d"))
