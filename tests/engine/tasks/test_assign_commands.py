"""``convert --assign`` and ``report --assign`` write what the assignment found."""

from __future__ import annotations

import json

import pytest

from engine import cli
from engine.formats import open_spectra
from engine.tasks import assignment
from engine.tasks.assignment import Assignment, AtomAssignment


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err.splitlines()

    return call


@pytest.fixture
def ethanol(tmp_path):
    path = tmp_path / "ethanol.txt"
    path.write_text("13C NMR (101 MHz, CDCl3) δ 58.0, 18.1.\n", encoding="utf-8")
    return path


@pytest.fixture
def found(monkeypatch):
    """The assignment that is found: methyl at 18.1, methylene at 58.0."""

    def assign(sample, structure=None, fixed=()):
        assert structure is not None or sample.structure
        pairs = [(0, 18.1), (1, 58.0)]
        return Assignment(
            structure,
            tuple(AtomAssignment(a, "C", p, p + 0.4, 1.5, 0.97, (a,)) for a, p in pairs),
            (), ("a warning",),
        )  # fmt: skip

    monkeypatch.setattr(assignment, "assign", assign)


def test_a_record_holds_the_assignments(run, tmp_path, ethanol, found):
    out = tmp_path / "e.nmredata.sdf"
    code, _, err = run(
        "convert", ethanol, "--to", "nmredata", "--structure", "CCO", "--assign", "--out", out
    )
    assert code == 0 and any("a warning" in line for line in err)
    (back,) = open_spectra(out)
    told = {(entry["shift"], tuple(entry["atoms"])) for entry in back.metadata["assignments"]}
    assert told == {(18.1, (0,)), (58.0, (1,))}
    run("convert", ethanol, "--to", "nmredata", "--structure", "CCO", "--out", out)
    assert not open_spectra(out)[0].metadata["assignments"]


def test_a_report_lists_them(run, tmp_path, ethanol, found):
    out = tmp_path / "e.html"
    code, text, _ = run(
        "report", ethanol, "--structure", "CCO", "--assign", "--no-groups", "--out", out, "--json"
    )
    assert code == 0 and json.loads(text)["written"] == str(out)
    page = out.read_text(encoding="utf-8")
    assert "<h2>Assignment</h2>" in page and "18.5 ± 1.5" in page and "58.0 (C-1)" in page


def test_assigning_belongs_to_records_alone(run, tmp_path, ethanol):
    code, _, err = run("convert", ethanol, "--to", "csv", "--assign", "--out", tmp_path / "e.csv")
    assert code == 2 and "--assign goes with --to nmredata" in err[-1]


def test_without_a_structure_nothing_is_assigned(run, tmp_path, ethanol):
    code, _, err = run("report", ethanol, "--assign", "--no-groups", "--out", tmp_path / "e.html")
    assert code == 3 and "structure" in err[-1]
