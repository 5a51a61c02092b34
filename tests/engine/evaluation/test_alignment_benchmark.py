"""The alignment benchmark on tables of ten molecules: a row for every model and evidence."""

from __future__ import annotations

import gzip
import json

import pytest
import torch

from engine.chemistry.predicted_shifts import NUCLEI
from engine.cli import main
from engine.evaluation.alignment import EVIDENCE, alignment_benchmark, format_table
from engine.library.alignment_model import save_alignment_model
from engine.library.group_model import NoModelError
from engine.training.alignment_training import AlignmentPlan, build_network
from engine.training.group_tables import MissingTableError


@pytest.fixture
def data(tmp_path, table_writer, assigned_rows):
    table_writer(tmp_path / "nmr_valid.jsonl.gz", assigned_rows())
    with gzip.open(tmp_path / "library_smiles.txt.gz", "wt") as lines:
        lines.write("\n".join(["CCO", *("C" * n for n in range(4, 24))]) + "\n")
    return tmp_path


@pytest.fixture
def model(tmp_path):
    def make(variant, path, techniques):
        torch.manual_seed(0)
        network = build_network(AlignmentPlan(variant, width=16, depth=2)).eval()
        about = {"name": variant, "version": "1", "licence": "MIT", "techniques": techniques}
        save_alignment_model(tmp_path / path, network, about)
        return tmp_path / path

    return make


def test_the_extended_form_has_a_row_for_every_evidence(data, model):
    path = model("extended", "ours", list(NUCLEI))
    result = alignment_benchmark(data, "valid", sizes=(5, 20), model=path)
    assert [row["evidence"] for row in result["rows"]] == list(EVIDENCE)
    for row in result["rows"]:
        assert row["spectra"] == 10
        assert 0 <= row["batch of 128"] <= 1
        for found in row["retrieval"].values():
            assert found["5"]["top 1"] >= found["20"]["top 1"]
            assert found["20"]["top 25"] == 1.0 or found["20"]["top 25"] >= found["20"]["top 1"]
    assert result["rows"][1]["nodes"]["molecules"] == 10
    text = format_table(result)
    assert "| extended | 13C + 1H | 10 |" in text
    assert "vectors of 128" in text


def test_variants_of_a_folder_stand_in_one_table(data, model, tmp_path, capsys):
    for variant in ("k-m3aid", "sp-id"):
        model(variant, f"runs/alignment/{variant}/alignment-{variant}", ["13C NMR"])
    arguments = ["benchmark", "alignment", "--data", str(data), "--split", "valid", "--sizes", "5"]
    code = main([*arguments, "--folder", str(tmp_path / "runs"), "--json"])
    out, err = capsys.readouterr()
    assert code == 0
    names = [row["model"] for row in json.loads(out)["rows"]]
    assert {"k-m3aid", "sp-id"} <= set(names)
    assert "no wp-id in" in err


def test_what_is_missing_is_said(data, model, tmp_path):
    path = model("extended", "ours", list(NUCLEI))
    with pytest.raises(MissingTableError, match="nmr_test"):
        alignment_benchmark(data, "test", model=path)
    with pytest.raises(NoModelError, match="gone"):
        alignment_benchmark(data, "valid", model=tmp_path / "gone")
