"""The benchmark on tables of twelve molecules: a row for every technique and model."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation import groups, joined_evidence
from engine.evaluation.groups import format_table, group_benchmark, measured_infrared
from engine.library.group_model import NoModelError, load_group_model, save_group_model
from engine.training.group_tables import MissingTableError

INPUTS = [
    "IR", "1H", "13C", "MS/MS+", "MS/MS-", "13C+1H", "IR+13C+1H", "all five techniques",
    "all that a molecule has", "13C, peak list", "1H, peak list",
    "IR+13C+1H, noise 0.02", "IR+13C+1H, noise 0.02 after encoding",
    "IR+13C+1H, noise 0.05", "IR+13C+1H, noise 0.05 after encoding",
    "IR+13C+1H, noise 0.10", "IR+13C+1H, noise 0.10 after encoding",
    "measured IR, gas", "measured IR, liquid", "measured IR, condensed",
    "measured IR, all phases",
]  # fmt: skip


@pytest.fixture
def trained(tmp_path, small_network, small_cnn, plain_calibration, description, monkeypatch):
    """Paths of a small SymSpectra and a small 1D-CNN; timing takes 20 samples."""
    seconds = groups._seconds_for
    monkeypatch.setattr(
        groups, "_seconds_for", lambda model, tensors, _: seconds(model, tensors, 20)
    )
    save_group_model(tmp_path / "s", small_network(), plain_calibration, description)
    cnn = {**description, "kind": "cnn-1d", "version": "2"}
    save_group_model(tmp_path / "c", small_cnn(), plain_calibration, cnn)
    return tmp_path / "s", tmp_path / "c"


@pytest.fixture
def result(small_tables, trained):
    return group_benchmark(small_tables, "test", *trained)


def test_every_technique_has_a_row_beside_its_baseline(result):
    for name in ("SymSpectra", "1D-CNN"):
        rows = [row for row in result["rows"] if row["model"] == name]
        assert [row["input"] for row in rows] == INPUTS
        for row in rows:
            assert row["samples"] == {"measured IR, gas": 2, "measured IR, all phases": 3}.get(
                row["input"], 1 if row["input"].startswith("measured") else 12
            )
            assert 0 <= row["micro_f1"] <= 1
            assert len(row["by_group"]) == 37
    assert result["split"] == "test"
    assert result["molecules"] == 12
    assert result["models"]["1D-CNN"]["version"] == "2"
    assert result["models"]["SymSpectra"]["parameters"] > 1000


def test_the_same_run_gives_the_same_numbers(result, small_tables, trained):
    again = group_benchmark(small_tables, "test", *trained)
    assert repr(again["rows"]) == repr(result["rows"])


def test_the_table_shows_every_row_once(result):
    text = format_table(result)
    for task in INPUTS:
        assert text.count(f"| {task} | ") == 2
    lines = text.splitlines()
    widths = {line.count("|") for line in lines if line.startswith("|")}
    assert widths == {11}
    assert "split test, 12 molecules" in text
    assert "nan" not in text


def test_a_perfect_model_scores_one(small_tables, trained, monkeypatch):
    from engine.training.group_tables import read_group_records

    truth = {record.smiles: record.labels for record in read_group_records(small_tables, "test")}
    order = np.array(list(truth.values()))
    monkeypatch.setattr(
        joined_evidence, "predict_tensors", lambda network, tensors, pattern, members: 9.0 * (
            2.0 * tensors.labels[members] - 1
        )
    )  # fmt: skip
    result = group_benchmark(small_tables, "test", *trained)
    row = next(r for r in result["rows"] if r["input"] == "all that a molecule has")
    assert (row["micro_f1"], row["macro_f1"], row["sample_accuracy"]) == (1.0, 1.0, 1.0)
    counts = {name: n for name, (n, _) in row["by_group"].items()}
    assert list(counts.values()) == order.sum(0).tolist()


def test_molecules_without_any_usable_spectrum_do_not_stop_it(tmp_path, table_writer, trained):
    rows = [
        {"key": key, "smiles": "CCO", "polarity": "positive", "licence_class": "open", "mz": [mz],
         "intensity": [1.0]}
        for key, mz in (("A", 900.0), ("B", 45.0), ("C", 31.0))
    ]  # fmt: skip
    table_writer(tmp_path / "ms_esi_test.jsonl.gz", rows)
    result = group_benchmark(tmp_path, "test", *trained)
    samples = {row["input"]: row["samples"] for row in result["rows"]}
    assert samples == {"MS/MS+": 2, "all that a molecule has": 2}


def test_measured_infrared_is_encoded_with_its_phase(small_tables):
    encoded, truth, phases = measured_infrared(small_tables)
    assert encoded.shape == (3, 600)
    assert truth.shape == (3, 37)
    assert phases.tolist() == ["gas", "liquid", "gas"]
    # The band at 1715, and nothing where nothing was measured (below 550).
    assert abs(400 + 6 * (encoded[0].argmax() + 0.5) - 1715) < 6
    assert (encoded[:, :24] == 0).all()


def test_missing_tables_and_models_are_said(small_tables, tmp_path, trained):
    with pytest.raises(MissingTableError, match="nmr_hidden"):
        group_benchmark(small_tables, "hidden", *trained)
    with pytest.raises(MissingTableError, match="nmr_test"):
        group_benchmark(tmp_path / "nowhere", "test", *trained)
    with pytest.raises(NoModelError, match="nothing cannot be loaded"):
        group_benchmark(small_tables, "test", tmp_path / "nothing")


def test_real_measured_infrared_can_be_encoded(tables, trained):
    encoded, truth, phases = measured_infrared(tables)
    assert len(encoded) == len(truth) == len(phases) > 100
    assert np.isfinite(encoded).all()
    # The table is scaled to a maximum of 1; the mean over a bin is lower for a sharp band.
    assert encoded.max() <= 1.001
    assert encoded.max(1).min() > 0.2
    assert np.median(encoded.max(1)) > 0.9
    logits = groups.infrared_logits(load_group_model(trained[0]).network, encoded[:50])
    assert logits.shape == (50, 37)
