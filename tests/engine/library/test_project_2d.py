"""Two-dimensional spectra in projects: kept in files and journals, moved, removed, in scripts."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from engine.library import project_database_2d
from engine.library.project import Project
from engine.library.project_file import read_project, save_project
from engine.library.project_journal import ProjectJournal
from engine.library.project_script import script_of
from engine.spectra import Source, Spectrum, Spectrum2D


def _plane(title: str = "HSQC", kind: str = "continuous", source: str = "") -> Spectrum2D:
    z = np.random.default_rng(3).normal(size=(5, 7))
    unit = "ppm" if kind == "continuous" else "s"
    axes = (np.linspace(9, 1, 7), np.linspace(150, 10, 5))
    return Spectrum2D(
        "1H NMR", "13C NMR", *axes, z if kind == "continuous" else z + 2j * z, unit, unit, kind,
        title, Source(source, "pdata/1"), {"solvent": "CDCl3", "indirect_carrier_ppm": 80.0},
        ("a warning",),
    )  # fmt: skip


def _line(title: str = "a proton") -> Spectrum:
    return Spectrum("1H NMR", [1.0, 2.0], [0.0, 1.0], "ppm", title=title)


def _project() -> Project:
    project = Project()
    project.add_sample("both", [_line()], spectra_2d=[_plane(), _plane("raw", "fid")])
    project.add_sample("alone", spectra_2d=[_plane("COSY")])
    return project


def _titles(project: Project) -> list[list[str]]:
    return [[e.title for e in (*sample.spectra, *sample.spectra_2d)] for sample in project.samples]


def test_a_file_keeps_them_as_they_are(tmp_path):
    project = _project()
    opened = read_project(save_project(tmp_path / "a", project))
    assert opened.problems == ()
    for before, after in zip(project.samples, opened.state.samples, strict=True):
        assert len(before.spectra_2d) == len(after.spectra_2d)
        for one, other in zip(before.spectra_2d, after.spectra_2d, strict=True):
            for name in ("x", "y", "z"):
                assert np.array_equal(getattr(one.spectrum, name), getattr(other.spectrum, name))
            for name in ("technique", "technique_y", "kind", "title", "source", "warnings"):
                assert getattr(one.spectrum, name) == getattr(other.spectrum, name)
            assert dict(one.spectrum.metadata) == dict(other.spectrum.metadata)
    ids = [e.id for s in opened.state.samples for e in (*s.spectra, *s.spectra_2d)]
    assert len(ids) == len(set(ids))


def test_a_journal_follows_every_edit(tmp_path):
    project = _project()
    journal = ProjectJournal.create(tmp_path)
    journal.record(project.state)
    first, second = project.samples
    project.move([first.spectra_2d[0].id], second.id)
    project.remove(spectra=[first.spectra_2d[1].id])
    journal.record(project.state)
    journal.wait()
    state, problems = journal.read()
    journal.close(discard=True)
    assert not problems and _titles(Project(state)) == [["a proton"], ["COSY", "HSQC"]]


def test_a_damaged_one_does_not_lose_the_others(tmp_path):
    path = save_project(tmp_path / "a", _project())
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"UPDATE {project_database_2d.TABLE} SET z = x WHERE title = 'COSY'")
        db.commit()
    opened = read_project(path)
    assert len(opened.problems) == 1 and "COSY" in opened.problems[0]
    assert _titles(Project(opened.state)) == [["a proton", "HSQC", "raw"], []]


def test_they_are_moved_split_and_removed_like_others():
    project = _project()
    first, second = project.samples
    project.move([first.key[0], first.spectra_2d[1].id], second.id)
    assert _titles(project) == [["HSQC"], ["a proton", "COSY", "raw"]]
    project.move([project.samples[0].spectra_2d[0].id], second.id)
    assert _titles(project) == [["a proton", "COSY", "raw", "HSQC"]]
    made = project.move_to_new_sample([project.samples[0].spectra_2d[0].id])
    assert project.sample(made).name == "COSY"
    project.split(project.samples[0].id)
    assert _titles(project) == [["a proton"], ["raw"], ["HSQC"], ["COSY"]]
    project.remove(spectra=[project.samples[1].spectra_2d[0].id])
    assert _titles(project) == [["a proton"], [], ["HSQC"], ["COSY"]]
    assert project.state.history[-1].title == "Remove raw"


def test_no_verb_gets_them():
    assert [len(sample.spectra) for sample in _project().as_samples()] == [1, 0]


def test_the_script_does_it_again(samples):
    path = samples / "nmr/11_sparky/2d_hmqc.ucsf"
    from engine import open_spectra_2d

    (plane,) = open_spectra_2d(path)
    project = Project()
    first = project.add_sample("hmqc", files=[path], spectra_2d=[plane])
    second = project.add_sample("others")
    project.move([project.sample(first).spectra_2d[0].id], second)
    text = script_of(project.state)
    names: dict = {}
    exec(compile(text, "script", "exec"), names)
    again = names["project"]
    assert _titles(again) == _titles(project) == [["2d_hmqc"]]
    assert np.array_equal(again.samples[0].spectra_2d[0].spectrum.z, plane.z)


def test_files_of_both_kinds_are_read_by_the_right_function(tmp_path):
    one, other = tmp_path / "h.txt", tmp_path / "hsqc"
    one.write_text("")
    other.mkdir()
    line = Spectrum("1H NMR", [1.0, 2.0], [0.0, 1.0], "ppm", source=Source(str(one)))
    project = Project()
    project.add_sample("a", [line], [one, other], spectra_2d=[_plane(source=str(other))])
    said = project.state.history[0].line
    assert said.count("open_spectra(") == 1 and repr(str(one)) in said
    assert f"spectra_2d=open_spectra_2d({str(other)!r})" in said


@pytest.mark.parametrize("kind", ["continuous", "fid"])
def test_the_matrix_is_stored_once(tmp_path, kind):
    plane = _plane(kind=kind)
    project = Project()
    project.add_sample("a", spectra_2d=[plane])
    project.add_sample("b", spectra_2d=[plane])
    path = save_project(tmp_path / "a", project)
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute("SELECT count(*) FROM arrays").fetchone()
    assert count == 3
