"""Runs in a project: kept by their path, with the scans that were taken from them."""

from __future__ import annotations

import sqlite3

from engine.formats.run_file import ScanChoice, read_choice
from engine.library.project import Project
from engine.library.project_file import open_project, save_project
from engine.library.project_script import script_of


def _project(lc_run) -> tuple[Project, int]:
    project = Project()
    sample = project.add_sample("two compounds", runs=[lc_run])
    for choice in (
        ScanChoice(place=16, ms_level=2),
        ScanChoice(times=(26.0, 34.0), background=(50.0, 60.0)),
    ):
        project.keep_scan(sample, str(lc_run), choice, read_choice(lc_run, choice))
    return project, sample


def test_a_project_file_keeps_the_path_and_the_scans(lc_run, tmp_path):
    project, _ = _project(lc_run)
    path = save_project(tmp_path / "kept.specgui", project)
    lc_run.unlink()
    (sample,) = open_project(path).samples
    assert [run.path for run in sample.runs] == [str(lc_run)]
    assert sample.techniques == ("MS", "MS/MS")
    fragments = sample.of_technique("MS/MS")[0].spectrum
    assert fragments.metadata["precursor_mz"] == 195.1 and fragments.source.block == "101"


def test_a_file_of_the_version_before_has_no_runs(tmp_path):
    project = Project()
    project.add_sample("empty")
    path = save_project(tmp_path / "old.specgui", project)
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE samples DROP COLUMN runs")
        db.execute("ALTER TABLE spectra DROP COLUMN analysis")
        for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%2d%'"
        ).fetchall():
            db.execute(f"DROP TABLE {name}")
        columns = {row[1] for row in db.execute("PRAGMA table_info(samples)")}
        for name in columns & {"spectra_2d"}:
            db.execute(f"ALTER TABLE samples DROP COLUMN {name}")
        db.execute("PRAGMA user_version = 2")
    db.close()
    (sample,) = open_project(path).samples
    assert sample.name == "empty" and sample.runs == ()


def test_the_script_reads_the_same_scans_again(lc_run):
    project, _ = _project(lc_run)
    names: dict = {}
    exec(script_of(project.state).split("\nsamples =")[0], names)
    (made,), (wanted,) = names["project"].samples, project.samples
    assert [run.path for run in made.runs] == [str(lc_run)]
    for one, other in zip(made.spectra, wanted.spectra, strict=True):
        assert one.spectrum.x.tolist() == other.spectrum.x.tolist()
        assert one.spectrum.y.tolist() == other.spectrum.y.tolist()
        assert one.title == other.title


def test_a_run_stays_when_its_spectra_leave(lc_run):
    project, sample = _project(lc_run)
    other = project.add_sample("other")
    project.move(project.spectra(sample), other)
    assert [len(s.runs) for s in project.samples] == [1, 0]
    first, second = project.split(other)
    assert not project.sample(first).runs and not project.sample(second).runs
    project.remove(runs=[project.sample(sample).runs[0].id])
    assert not project.sample(sample).runs
    assert "runs[0].id" in script_of(project.state)
