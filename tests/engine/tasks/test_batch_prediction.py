"""Many samples: the same answers as one by one, and no entry stops the others."""

from __future__ import annotations

import csv
import json
import shutil
from concurrent.futures.process import BrokenProcessPool

import pytest

from engine import cli
from engine.chemistry.example_sample import example_files
from engine.formats import open_many
from engine.library import model_choice
from engine.library.group_model import load_group_model, save_group_model
from engine.spectra import Sample
from engine.tasks import batch_prediction, identify_groups
from engine.tasks.batch_prediction import entries_of, predict_batch


@pytest.fixture
def model(tmp_path, small_network, plain_calibration, description):
    save_group_model(tmp_path / "model", small_network(), plain_calibration, description)
    return load_group_model(tmp_path / "model")


@pytest.fixture
def folder(tmp_path):
    """Vanillin as a subfolder of four files, its IR alone, a broken file and a hidden one."""
    place = tmp_path / "batch"
    (place / "B vanillin").mkdir(parents=True)
    for file in example_files():
        shutil.copy(file, place / "B vanillin")
    shutil.copy(example_files()[0], place / "a-ir.jdx")
    (place / "c-broken.spc").write_bytes(b"nothing of the kind")
    (place / ".hidden").write_text("no sample")
    return place


def test_each_entry_is_a_sample_in_the_order_of_names(folder, tmp_path):
    assert [entry.name for entry in entries_of(folder)] == ["a-ir.jdx", "B vanillin",
                                                            "c-broken.spc"]  # fmt: skip
    with pytest.raises(NotADirectoryError, match="not a folder"):
        entries_of(folder / "a-ir.jdx")
    assert entries_of(tmp_path / "batch" / "B vanillin")


def test_a_batch_says_what_single_samples_say(folder, model):
    alone, whole, broken = predict_batch(entries_of(folder), model, workers=0)
    spectra, _ = open_many([folder / "B vanillin"])
    wanted = identify_groups(Sample(tuple(spectra)), model)
    said = {group["name"]: group["probability"] for group in whole.to_dict()["groups"]}
    assert said == pytest.approx({g.name: g.probability for g in wanted.groups}, abs=2e-4)
    assert whole.techniques_used == wanted.techniques_used
    assert whole.doubts == wanted.doubts
    assert alone.techniques_used == ("IR",)
    assert whole.groups_present == [g.name for g in wanted.groups if g.present]
    assert broken.error and not broken.is_read


def test_workers_give_the_same_in_the_same_order(folder, model):
    here = list(predict_batch(entries_of(folder), model, workers=0))
    there = list(predict_batch(entries_of(folder), model, workers=1))
    assert [r.entry.name for r in there] == [r.entry.name for r in here]
    for one, other in zip(here, there, strict=True):
        assert one.to_dict() == other.to_dict() and bool(one.error) == bool(other.error)


def test_an_entry_that_kills_its_reader_is_an_error_and_the_rest_goes_on(
    folder, model, monkeypatch
):
    def in_processes(entries, read, workers):
        for entry in entries:
            if entry.name == "B vanillin":
                raise BrokenProcessPool
            yield read(entry.path)

    monkeypatch.setattr(batch_prediction, "_in_processes", in_processes)
    results = list(predict_batch(entries_of(folder), model, workers=2))
    assert [result.is_read for result in results] == [True, False, False]
    assert "ended the process" in results[1].error


def _without_spectra(sample):
    return Sample((), name=sample.name)


def test_samples_can_be_changed_before_they_are_encoded(folder, model):
    results = list(predict_batch(entries_of(folder), model, prepare=_without_spectra, workers=0))
    assert not any(result.is_read for result in results)


def test_progress_is_told(folder, model, monkeypatch):
    monkeypatch.setattr(batch_prediction, "AT_ONCE", 2)
    told = []
    list(predict_batch(entries_of(folder), model, workers=0,
                       on_progress=lambda done, total: told.append((done, total))))  # fmt: skip
    assert told == [(2, 3), (3, 3)]


@pytest.fixture
def run(model, monkeypatch, capsys):
    def call(*arguments):
        code = cli.main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err.splitlines()

    monkeypatch.setattr(model_choice, "chosen_group_model", lambda name: model)
    return call


def test_the_command_writes_a_table(run, folder, tmp_path):
    out = tmp_path / "groups.csv"
    code, text, err = run("predict", "--batch", folder, "--out", out, "--workers", 0)
    assert code == 0 and "2 samples" in text and "1 could not be read" in text
    assert any("3 of 3 samples" in line for line in err)
    assert any("c-broken.spc" in line for line in err)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["sample"] for row in rows] == ["a-ir.jdx", "B vanillin"]
    assert 0 <= float(rows[0]["Ketone"]) <= 1 and rows[0]["techniques used"] == "IR"
    assert not (tmp_path / "groups.csv.part").exists()


def test_the_command_writes_lines_of_json(run, folder, tmp_path):
    out = tmp_path / "groups.json"
    code, text, _ = run("predict", "--batch", folder, "--out", out, "--workers", 0, "--json")
    document = json.loads(text)
    assert code == 0 and document["read"] == 2
    assert [error["source"] for error in document["errors"]] == [str(folder / "c-broken.spc")]
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["sample"] for line in lines] == ["a-ir.jdx", "B vanillin"]
    assert set(lines[0]) >= {"groups", "techniques_used", "warnings", "doubts"}
    assert len(lines[0]["groups"]) == 37


def test_without_a_file_the_samples_are_in_the_document(run, folder):
    code, text, _ = run("predict", "--batch", folder, "--workers", 0, "--json")
    assert code == 0
    names = [sample["sample"] for sample in json.loads(text)["samples"]]
    assert names == ["a-ir.jdx", "B vanillin"]


def test_bad_usage_is_said_and_a_folder_of_nothing_is_no_input(run, folder, tmp_path):
    assert run("predict", "--batch", folder / "a-ir.jdx")[0] == 2
    assert run("predict", "--batch", folder, "--out", tmp_path / "x.pdf")[0] == 2
    assert run("predict", "--batch", folder, "--structure", "CCO")[0] == 2
    assert run("predict", folder, "--out", tmp_path / "x.csv")[0] == 2
    assert run("predict", "--batch", folder, "--technique", "X-ray")[0] == 2
    (tmp_path / "empty").mkdir()
    assert run("predict", "--batch", tmp_path / "empty")[0] == 3
    (tmp_path / "empty" / "bad.spc").write_bytes(b"nothing")
    code, _, err = run("predict", "--batch", tmp_path / "empty", "--out", tmp_path / "y.csv")
    assert code == 3 and "bad.spc" in err[-1]
    assert not (tmp_path / "y.csv").exists() and not (tmp_path / "y.csv.part").exists()


def test_names_cannot_become_formulas_of_a_spreadsheet(run, folder, tmp_path):
    (folder / "a-ir.jdx").rename(folder / "=1+2.jdx")
    run("predict", "--batch", folder, "--out", tmp_path / "g.csv", "--workers", 0)
    with (tmp_path / "g.csv").open(encoding="utf-8", newline="") as file:
        assert "'=1+2.jdx" in [row[0] for row in csv.reader(file)]
