"""The comparison's table: every trained member a row, the shipped model last."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.commands.benchmark import BENCHMARKS
from engine.encoding.channels import CHANNEL_NAMES
from engine.evaluation import fusion
from engine.evaluation.fusion import INPUTS, SHIPPED, format_table, fusion_benchmark
from engine.library.group_model import NoModelError, load_group_model, save_group_model
from engine.training.fusion_data import STUDY_CHANNELS, study_data
from engine.training.fusion_study import fresh_network, member_path, train_study
from engine.training.train_groups import TrainingPlan


@pytest.fixture
def save_member(tmp_path, plain_calibration, description):
    """Write an untrained member of the study, as if it had been trained."""

    def save(name, seed=0, part="all", seconds=12.4):
        path = member_path(tmp_path, part, name, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        network = fresh_network(name, STUDY_CHANNELS, TrainingPlan(name, seed=seed))
        more = {"kind": name, "core_seconds": seconds, "epochs": 8, "seed": seed, "molecules": 9}
        save_group_model(path, network, plain_calibration, {**description, **more})
        return path

    return save


@pytest.fixture
def shipped(tmp_path, small_network, plain_calibration, description, monkeypatch):
    save_group_model(tmp_path / "ships", small_network(), plain_calibration, description)
    monkeypatch.setattr(fusion, "default_group_model", lambda: load_group_model(tmp_path / "ships"))


def test_it_is_one_of_the_benchmarks():
    assert BENCHMARKS["fusion"] == "fusion"


def test_every_member_and_seed_is_scored_on_each_input(
    save_member, shipped, small_tables, tmp_path
):
    save_member("mid-fusion")
    save_member("mid-fusion", seed=1)
    save_member("late-fusion")
    result = fusion_benchmark(small_tables, tmp_path, "test")
    assert result["molecules"] == 12 and result["split"] == "test"
    assert result["trained_on"] == [9] and result["epochs"] == [8]
    assert [row["model"] for row in result["rows"]][-1] == SHIPPED
    by_model = {}
    for row in result["rows"]:
        by_model.setdefault((row["model"], row["seed"]), []).append(row["input"])
    assert set(by_model) == {
        ("mid-fusion", 0), ("mid-fusion", 1), ("late-fusion", 0), (SHIPPED, 0)
    }  # fmt: skip
    assert all(inputs == list(INPUTS) for inputs in by_model.values())
    table = format_table(json.loads(json.dumps(result)))
    assert "| mid-fusion (2 seeds) | " in table and " ± " in table
    assert f"| {SHIPPED} |" in table
    assert "12 molecules with IR, 13C and 1H" in table


def test_the_figures_are_those_of_the_network_and_its_thresholds(
    save_member, small_tables, tmp_path
):
    path = save_member("late-fusion")
    result = fusion_benchmark(small_tables, tmp_path, "test", only=["late-fusion"])
    row = next(r for r in result["rows"] if r["input"] == "IR")
    from engine.training.fusion_data import test_tensors
    from engine.training.train_groups import predict_tensors

    tested = test_tensors(small_tables, "test", fusion.RENDERING_SEED)
    pattern = tuple(name == "IR" for name in CHANNEL_NAMES)
    network = load_group_model(path).network
    present = predict_tensors(network, tested, pattern, np.arange(12)) >= 0
    truth = tested.labels > 0
    hits = (present & truth).sum()
    assert row["micro_f1"] == pytest.approx(2 * hits / (present.sum() + truth.sum()))
    assert {r["model"] for r in result["rows"]} == {"late-fusion"}


def test_nothing_trained_is_said(small_tables, tmp_path):
    with pytest.raises(NoModelError, match="specgui train fusion"):
        fusion_benchmark(small_tables, tmp_path)
    with pytest.raises(ValueError, match="'most' is none of all, rare, scaffold, largest"):
        fusion_benchmark(small_tables, tmp_path, study="most")


def test_a_new_split_is_measured_on_its_own_test_part(save_member, small_tables, tmp_path):
    save_member("cnn-1d", part="largest")
    result = fusion_benchmark(small_tables, tmp_path, "test", "largest")
    data = study_data(small_tables, tmp_path, "largest")
    assert result["molecules"] == len(data.test) < len(data.train)
    assert "largest" in result["split"]
    assert "largest" in format_table(result)


def test_the_rare_study_is_a_table_of_groups_by_share(
    save_member, small_tables, tmp_path, monkeypatch
):
    for share in (25, 100):
        save_member("cnn-1d", part=f"rare-{share}")
    monkeypatch.setattr(fusion, "rare_groups", lambda train, valid: (16, 19))
    result = fusion_benchmark(small_tables, tmp_path, "test", "rare")
    lines = format_table(result).splitlines()
    assert all(group in lines[0] for group in result["groups"])
    assert [line.split("|")[2].strip() for line in lines[2:4]] == ["25 %", "100 %"]


def test_the_command_line_trains_and_tells_of_wrong_names(small_tables, tmp_path, capsys):
    from engine.cli import main

    pytest.importorskip("lightning_fabric")
    common = ["fusion", "--data", str(small_tables), "--folder", str(tmp_path)]
    assert main(["train", *common, "--only", "late-fusion", "--epochs", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == str(tmp_path / "fusion")
    assert member_path(tmp_path, "all", "late-fusion", 0).with_suffix(".safetensors").exists()
    assert main(["train", *common, "--only", "cnn"]) == 2
    assert main(["benchmark", *common, "--only", "cnn"]) == 2
    assert "'cnn' is none of cnn-1d" in capsys.readouterr().err
    assert train_study(small_tables, tmp_path, "all", ["late-fusion"], 0, 1) == tmp_path / "fusion"
