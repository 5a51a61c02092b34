"""The comparison of networks: the same data and budget for all, stopped and gone on with."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.training import fusion_study
from engine.training.fusion_data import (
    STUDY_CHANNELS,
    StudyData,
    complete,
    rare_groups,
    study_data,
    subset,
    test_tensors,
    with_fewer_positives,
)
from engine.training.fusion_study import (
    TREES,
    Member,
    chosen_members,
    fresh_network,
    load_member,
    member_path,
    members_of_study,
    plan_of,
    train_member,
    train_study,
)
from engine.training.group_calibration import subset_logits
from engine.training.group_networks import GROUP_NETWORKS
from engine.training.group_tables import MissingTableError
from engine.training.group_tensors import GroupTensors, stack
from engine.training.train_groups import TrainingPlan

pytest.importorskip("lightning_fabric")
test_tensors.__test__ = False
TELLING = 4


def molecules(count, seed=0):
    """Molecules with IR, 13C and 1H in which a line near point 40 tells one group."""
    rng = np.random.default_rng(seed)

    def rows():
        for number in range(count):
            labels = np.zeros(37, bool)
            labels[TELLING], labels[8] = rng.random(2) < [0.5, 0.3]
            spectra = {name: [] for name in CHANNEL_NAMES}
            for name in STUDY_CHANNELS:
                spectrum = 0.02 * rng.random(600)
                spectrum[rng.integers(100, 600, 4)] = 1.0
                if labels[TELLING]:
                    spectrum[36:45] = 0.8
                spectra[name] = [spectrum]
            yield f"key{seed}-{number}", labels, spectra

    return stack(rows())


@pytest.fixture
def data():
    return StudyData(molecules(160), molecules(60, 1), STUDY_CHANNELS, np.arange(37))


@pytest.fixture
def folder(tmp_path, data):
    """A folder of runs whose study has these made-up data."""
    own = tmp_path / "fusion" / "data"
    data.train.save(own / "train.npz")
    data.valid.save(own / "valid.npz")
    np.save(own / "positives.npy", data.table_positives)
    return tmp_path


def test_every_network_of_the_papers_and_every_baseline_is_a_member():
    members = members_of_study()
    assert {"cnn-1d", "transformer", "early-fusion", "mid-fusion", "late-fusion"} <= set(members)
    assert {"symspectra", "mspectmol", TREES, "cnn-1d-focal", "cnn-1d-mlsmote"} <= set(members)
    assert all(m.network in GROUP_NETWORKS or m.network == TREES for m in members.values())
    assert {m.objective for m in members.values()} == {"cross-entropy", "focal", "reweighted"}
    assert list(members_of_study("scaffold")) == ["cnn-1d", "symspectra"]
    with pytest.raises(ValueError, match="'sacffold' is none of all, rare, scaffold, largest"):
        members_of_study("sacffold")
    with pytest.raises(ValueError, match="'cnn' is none of cnn-1d, symspectra"):
        chosen_members("all", ["cnn"])


def test_every_member_is_built_at_the_size_of_the_study():
    plan = TrainingPlan("cnn-1d", seed=3)
    for member in members_of_study().values():
        if member.network == TREES:
            continue
        network = fresh_network(member.network, STUDY_CHANNELS, plan)
        assert network.config.channels == STUDY_CHANNELS
        size = sum(parameter.numel() for parameter in network.parameters())
        assert 50_000 < size < 4_000_000, member.name
        again = fresh_network(member.network, STUDY_CHANNELS, plan)
        pairs = zip(network.parameters(), again.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_all_members_share_one_plan_but_for_what_they_are(data):
    plans = [plan_of(m, data, 5) for m in members_of_study().values() if m.network != TREES]
    own = {"network": "", "objective": "cross-entropy", "label_weights": (), "learning_rate": 0.0}
    same = {replace(plan, **own) for plan in plans}
    assert len(same) == 1 and same.pop().seed == 5
    rates = {plan.network: plan.learning_rate for plan in plans}
    assert rates["symspectra-gru"] == rates["symspectra"] == rates["mspectmol"] > rates["cnn-1d"]
    weighted = [plan for plan in plans if plan.objective == "reweighted"]
    assert all(len(plan.label_weights) == 37 for plan in weighted) and weighted


def f1_of(model, tensors, channels):
    logits, truth = subset_logits(model.network, tensors, channels)
    calibration = model.calibration.for_channels(channels)
    present = calibration.probabilities(logits) >= calibration.threshold
    hits = (present & truth)[:, TELLING].sum()
    return 2 * hits / (present[:, TELLING].sum() + truth[:, TELLING].sum())


@pytest.mark.parametrize(
    "member",
    [
        Member("mid-fusion-mlsmote", "mid-fusion", oversampled=True),
        Member("mid-fusion-focal", "mid-fusion", objective="focal"),
        Member(TREES, TREES),
    ],
    ids=lambda member: member.name,
)
def test_a_member_learns_and_is_read_again(member, data, tmp_path):
    path = tmp_path / "runs" / member.name
    train_member(member, data, path, 0, 4, lambda line: None)
    model, content = load_member(path, member)
    assert content["epochs"] == (None if member.network == TREES else 4)
    assert content["core_seconds"] > 0
    assert content["molecules"] == len(data.train)
    assert model.channels == STUDY_CHANNELS and model.train_positives.tolist() == list(range(37))
    unseen = molecules(80, 2)
    for channels in (STUDY_CHANNELS, ("IR",)):
        assert f1_of(model, unseen, channels) > 0.8
    assert not list((tmp_path / "runs").rglob("last.ckpt"))


def test_trees_take_every_subset_and_unseen_groups_are_unlikely(data, tmp_path):
    member = members_of_study()[TREES]
    train_member(member, data, tmp_path / "trees", 0, 1, lambda line: None)
    model, _ = load_member(tmp_path / "trees", member)
    alone, _ = subset_logits(model.network, data.valid, ("13C NMR",))
    whole, _ = subset_logits(model.network, data.valid, STUDY_CHANNELS)
    assert alone.shape == whole.shape == (60, 37)
    assert not np.allclose(alone[:, TELLING], whole[:, TELLING])
    assert (whole[:, 20] < -10).all()
    with pytest.raises(ValueError, match="no channel is present"):
        model.network({"Raman": torch.zeros(1, 600)})


def test_trees_that_are_not_whole_are_refused(data, tmp_path):
    member = members_of_study()[TREES]
    train_member(member, data, tmp_path / "trees", 0, 1, lambda line: None)
    content = json.loads((tmp_path / "trees.json").read_text())
    for broken in ({"boosters": content["boosters"][:3]}, {"config": {}}):
        (tmp_path / "trees.json").write_text(json.dumps({**content, **broken}))
        with pytest.raises(ValueError, match=r"trees\.json holds"):
            load_member(tmp_path / "trees", member)


def test_a_study_that_was_stopped_goes_on_and_what_is_done_stays(folder, tmp_path, monkeypatch):
    said = []
    straight = train_member

    def stopping(member, *rest):
        if member.name == "late-fusion":
            raise KeyboardInterrupt
        straight(member, *rest)

    monkeypatch.setattr(fusion_study, "train_member", stopping)
    names = ["mid-fusion", "late-fusion"]
    with pytest.raises(KeyboardInterrupt):
        train_study(tmp_path, folder, "all", names, 0, 1, said.append)
    done = member_path(folder, "all", "mid-fusion", 0).with_suffix(".safetensors")
    before = done.read_bytes()
    monkeypatch.setattr(fusion_study, "train_member", straight)
    said.clear()
    assert train_study(tmp_path, folder, "all", names, 0, 1, said.append) == folder / "fusion"
    assert done.read_bytes() == before
    assert not any("training mid-fusion" in line for line in said)
    assert any("training late-fusion" in line for line in said)
    assert member_path(folder, "all", "late-fusion", 0).with_suffix(".json").exists()
    with pytest.raises(ValueError, match="trained for 1 epochs, not 2"):
        train_study(tmp_path, folder, "all", names, 0, 2, said.append)


def test_a_member_goes_on_within_its_training(data, tmp_path):
    """What was stopped in its second epoch predicts as what was not stopped."""
    member = members_of_study()["late-fusion"]
    train_member(member, data, tmp_path / "straight", 0, 2, lambda line: None)
    seen = []

    def stop(line):
        seen.append(line)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_member(member, data, tmp_path / "stopped", 0, 2, stop)
    assert not (tmp_path / "stopped.json").exists()
    train_member(member, data, tmp_path / "stopped", 0, 2, seen.append)
    assert [json.loads(line.partition(": ")[2])["epoch"] for line in seen] == [0, 1, 1]
    one, other = (load_member(tmp_path / n, member)[0] for n in ("straight", "stopped"))
    whole = [subset_logits(m.network, data.valid, STUDY_CHANNELS)[0] for m in (one, other)]
    assert np.allclose(*whole, atol=1e-3)


def test_only_molecules_with_all_three_are_kept(data):
    tensors = molecules(10)
    tensors.count["1H NMR"][[2, 5]] = 0
    kept = complete(tensors)
    assert kept.keys.tolist() == [k for i, k in enumerate(tensors.keys) if i not in (2, 5)]
    place = kept.first["13C NMR"][4]
    assert (kept.values["13C NMR"][place] == tensors.values["13C NMR"][6]).all()
    assert len(kept.values["1H NMR"]) == 8


def test_prepared_tensors_and_tables_give_the_same_molecules(small_tables, tmp_path):
    from engine.training.group_tables import evaluation_keys, read_group_records
    from engine.training.group_tensors import TRAINING_VARIANTS, prepare

    fresh = study_data(small_tables, tmp_path / "fresh", "all")
    excluded = evaluation_keys(small_tables)
    records = read_group_records(small_tables, "train", excluded)
    prepare(records, TRAINING_VARIANTS, training=True).save(tmp_path / "runs/prepared/train.npz")
    taken = study_data(small_tables, tmp_path / "runs", "all")
    assert not excluded & set(fresh.train.keys.tolist())
    assert len(fresh.train) == 9
    assert taken.train.keys.tolist() == fresh.train.keys.tolist()
    assert taken.table_positives.tolist() == fresh.table_positives.tolist()
    for name in STUDY_CHANNELS:
        assert (taken.train.values[name] == fresh.train.values[name]).all()
        assert taken.train.first[name].tolist() == fresh.train.first[name].tolist()
    largest = study_data(small_tables, tmp_path / "runs", "largest")
    parts = [set(t.keys.tolist()) for t in (largest.train, largest.valid, largest.test)]
    assert set.union(*parts) == set(fresh.train.keys.tolist())
    assert sum(map(len, parts)) == 9 and parts[2]
    with pytest.raises(ValueError, match="'half' is no part of the study"):
        study_data(small_tables, tmp_path / "runs", "half")


def test_missing_tables_are_said(tmp_path):
    with pytest.raises(MissingTableError, match="nmr_"):
        study_data(tmp_path / "nowhere", tmp_path, "all")


def labelled(counts, size=400):
    labels = np.zeros((size, 37), np.uint8)
    for group, count in counts.items():
        labels[:count, group] = 1
    return labels


def test_rare_groups_are_the_rarest_that_can_be_scored():
    train = labelled({0: 300, 1: 19, 2: 25, 3: 30, 4: 40, 5: 50, 6: 60})
    valid = labelled({0: 30, 1: 9, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6})
    assert rare_groups(train, valid) == (3, 4, 5, 6)


def test_fewer_positives_are_a_part_of_more_and_other_molecules_stay():
    size = 400
    empty = {name: np.zeros((0, 600), np.float16) for name in CHANNEL_NAMES}
    none = {name: np.zeros(size, np.int64) for name in CHANNEL_NAMES}
    labels = labelled({3: 40, 7: 200}, size)
    tensors = GroupTensors(np.arange(size).astype(str), labels, empty, none, none)
    kept = {share: with_fewer_positives(tensors, (3,), share) for share in (0.25, 0.5, 1.0)}
    assert [int(kept[share].labels[:, 3].sum()) for share in kept] == [10, 20, 40]
    assert set(kept[0.25].keys) < set(kept[0.5].keys) < set(kept[1.0].keys)
    assert all((part.labels[:, 3] == 0).sum() == 360 for part in kept.values())
    assert len(subset(tensors, np.array([4, 2]))) == 2
