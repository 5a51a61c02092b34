"""Two-dimensional spectra on the command line: inspect lists them, the others say they do not."""

from __future__ import annotations

import json

import pytest

from engine.cli import main


def test_inspect_lists_both_axes(samples, capsys):
    path = samples / "nmr/11_sparky/2d_hmqc.ucsf"
    assert main(["inspect", str(path)]) == 0
    assert "568 × 256" in capsys.readouterr().out
    assert main(["inspect", str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["spectra"] == [] and document["errors"] == []
    (entry,) = document["spectra_2d"]
    assert entry["technique"] == "1H NMR" and entry["technique_y"] == "15N NMR"
    assert entry["points"] == [568, 256] and entry["kind"] == "continuous"
    assert entry["x_first"] == pytest.approx(10.996, abs=0.001)
    assert entry["y_last"] == pytest.approx(107.372, abs=0.001)


def test_inspect_of_a_folder_with_both(samples, capsys):
    assert main(["inspect", str(samples / "nmr/10_nmrpipe"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["spectra"]) == 2 and len(document["spectra_2d"]) == 2


@pytest.mark.parametrize("verb", ["peaks", "predict"])
def test_the_others_say_that_they_do_not_use_it(samples, capsys, verb):
    path = samples / "nmr/11_sparky/2d_hmqc.ucsf"
    assert main([verb, str(path)]) == 3
    said = capsys.readouterr().err
    assert "two-dimensional" in said and "not used here" in said and "568 × 256" in said


def test_the_1d_beside_it_is_used_all_the_same(samples, capsys):
    assert main(["peaks", str(samples / "nmr/10_nmrpipe"), "--spectrum", "2"]) == 0
    outcome = capsys.readouterr()
    assert "-123.6" in outcome.out and outcome.err.count("not used here") == 2
