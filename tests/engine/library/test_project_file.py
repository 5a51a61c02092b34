"""A project comes back from its file as it was, and a broken or foreign file is told apart."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats.errors import FormatError
from engine.library import project_database, project_database_2d
from engine.library.project import Assignment, Project
from engine.library.project_file import (
    FORMAT_VERSION,
    ProjectWriteError,
    is_project,
    open_project,
    read_project,
    save_project,
)
from engine.library.project_script import script_of
from engine.library.project_values import from_json, to_json
from engine.processing import Chain, Integral, Multiplet, Peak, SignalAnalysis, Step
from engine.spectra import Source, Spectrum

ROOT = Path(__file__).resolve().parents[3]
METADATA = {
    "frequency_mhz": 400.13,
    "solvent": "CDCl₃",
    "peaks": [{"position": 7.26, "multiplicity": "s", "j_hz": (), "n_h": None}],
    "counts": (1, 2.5, True, None),
    "grid": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "raw": b"\x00\xff",
    "scale": np.float64(2.0),
    "sites": {1: "a", 2: "b"},
    "phase": 1 + 2j,
}


def _fid() -> Spectrum:
    t = np.arange(256) / 4000.0
    signal = np.exp(-t * 20) * np.exp(2j * np.pi * 700 * t)
    return Spectrum(
        "1H NMR", t, signal.real, "s", kind="fid", title="a FID", metadata=METADATA,
        source=Source("/data/1/fid", "block 1"), warnings=("a doubt",), y_imaginary=signal.imag,
    )  # fmt: skip


def _mass(title: str = "a mass") -> Spectrum:
    return Spectrum("MS", [15, 43, 58], [30.0, np.nan, 25.0], "m/z", kind="sticks", title=title)


def _project() -> Project:
    """A project with something of everything."""
    project = Project()
    first = project.add_sample("acetone", [_fid(), _mass()])
    project.add_sample("empty")
    fid, mass = project.spectra(first)
    project.set_structure(first, "CC(=O)C")
    chain = Chain((Step("exponential", {"line_broadening_hz": 0.7}), Step("fourier_transform")))
    project.set_chain(fid, chain)
    project.set_peaks(mass, [Peak(43.0, 100.0, 0.0)])
    project.set_assignments(first, [Assignment(2, mass, 43.0)])
    integrals = (Integral(2.1, 2.3, 6.0, nuclei=6.0), Integral(1.5, 1.6, 0.1, kind="water"))
    acetyl = Multiplet(2.2, 2.2, 2.2, (2.1, 2.3), "s", n_h=6, area=6.0, lines=((2.2, 1.0),))
    project.set_analysis(fid, SignalAnalysis(integrals, (acetyl,), reference=0))
    return project


def _content(state) -> tuple:
    """What has to come back, whatever the ids."""
    samples = []
    for sample in state.samples:
        entries = [
            (
                e.spectrum.technique, e.spectrum.x.tobytes(), e.spectrum.y.tobytes(),
                None if e.spectrum.y_imaginary is None else e.spectrum.y_imaginary.tobytes(),
                e.spectrum.x_unit, e.spectrum.y_unit, e.spectrum.kind, e.spectrum.title,
                e.spectrum.source, to_json(dict(e.spectrum.metadata)), e.spectrum.warnings,
                e.chain, e.peaks, e.analysis,
            )
            for e in sample.spectra
        ]  # fmt: skip
        assigned = [(a.atom, sample.key.index(a.spectrum), a.position) for a in sample.assignments]
        samples.append((sample.name, sample.number, sample.typed_structure, entries, assigned))
    return samples, state.history, state.numbered


# what comes back


def test_everything_in_a_project_comes_back(tmp_path):
    project = _project()
    maps = {"groups": {"maps": [np.linspace(0, 1, 5)], "names": ["Ketone"]}}
    path = save_project(tmp_path / "acetone", project, {project.samples[0].id: maps})
    assert path.name == "acetone.specgui" and is_project(path)
    opened = read_project(path)
    assert _content(opened.state) == _content(project.state)
    assert opened.problems == () and opened.version == FORMAT_VERSION
    about = opened.state.samples[0].spectra[0].spectrum.metadata
    assert about["counts"] == (1, 2.5, True, None) and about["raw"] == b"\x00\xff"
    assert np.array_equal(about["grid"], METADATA["grid"]) and about["sites"] == {1: "a", 2: "b"}
    said = opened.predictions[opened.state.samples[0].id]["groups"]
    assert np.array_equal(said["maps"][0], maps["groups"]["maps"][0])
    ids = {s.id for s in project.samples} & {s.id for s in opened.state.samples}
    assert not ids, "what is read gets ids of its own"


def test_a_saved_file_is_one_plain_database_that_others_can_read(tmp_path):
    path = save_project(tmp_path / "a.specgui", _project())
    assert [p.name for p in tmp_path.iterdir()] == ["a.specgui"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        rows = connection.execute("SELECT digest, data FROM arrays").fetchall()
        (y,) = connection.execute("SELECT y FROM spectra WHERE title = 'a mass'").fetchone()
    assert all(hashlib.sha256(data).hexdigest() == digest for digest, data in rows)
    assert np.array_equal(np.frombuffer(dict(rows)[y], "<f8"), [30.0, np.nan, 25.0], equal_nan=True)


def test_equal_arrays_are_kept_once(tmp_path):
    project = Project()
    project.add_sample("a", [_mass("one"), _mass("two")])
    path = save_project(tmp_path / "a.specgui", project)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM arrays").fetchone() == (2,)


def test_a_reopened_project_is_edited_further(tmp_path):
    path = save_project(tmp_path / "a.specgui", _project())
    project = open_project(path)
    added = project.add_sample("late", [_mass("late")])
    assert project.sample(added).number == 3
    assert project.state.history[-1].line.startswith("sample_3 = ")
    save_project(path, project)
    assert _content(read_project(path).state) == _content(project.state)


@pytest.mark.parametrize(
    "name",
    [
        "nmr/01_bruker_1d_1H_aspirin-1h",
        "nmr/06_varian_1d_hop",
        "ir/01_jcamp_DIFDUP_pctT_ATR_shimadzu_caffeine.dx",
        "ir/27_raman_renishaw.wdf",
        "ms/pyteomics_test.mzML",
        "ms/massbank_five_spectra.msp",
    ],
)
def test_real_files_come_back_with_all_they_say(tmp_path, samples, name):
    from engine import open_spectra

    path = samples / name
    project = Project()
    project.add_sample("real", open_spectra(path), [path])
    opened = read_project(save_project(tmp_path / "a.specgui", project))
    assert opened.problems == () and _content(opened.state) == _content(project.state)
    before, after = (p.samples[0].spectra for p in (project, opened.state))
    for one, two in zip(before, after, strict=True):
        assert repr(dict(one.spectrum.metadata)) == repr(dict(two.spectrum.metadata))
    made: dict = {}
    exec(script_of(opened.state), made)
    again = made["samples"][0].spectra
    assert [s.y.tobytes() for s in again] == [e.spectrum.y.tobytes() for e in before]


def test_names_that_are_no_text_can_be_saved(tmp_path):
    project = Project()
    odd = Spectrum("MS", [1.0], [1.0], "m/z", title="x\udcff", source=Source("/d/\udcfe"))
    project.add_sample("n\udcff", [odd])
    (sample,) = read_project(save_project(tmp_path / "a.specgui", project)).state.samples
    assert (sample.name, sample.spectra[0].title) == ("n?", "x?")


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
    | st.floats(allow_nan=False) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=6) | st.sampled_from(["(tuple)", "(pairs)"]), inner,
                      max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(_values)
def test_metadata_keep_their_types(value):
    again = from_json(to_json(value))
    assert again == value and type(again) is type(value)


def test_an_id_that_is_not_there_is_said():
    project = _project()
    with pytest.raises(ValueError, match="no sample 0"):
        project.rename(0, "x")
    with pytest.raises(ValueError, match="no spectrum 0"):
        project.set_chain(0, None)
    with pytest.raises(ValueError, match="has no spectrum"):
        project.set_assignments(project.samples[1].id, [Assignment(0, 0, 1.0)])


def test_assignments_go_with_what_they_are_about():
    project = _project()
    sample = project.samples[0]
    project.remove([], [sample.key[1]])
    assert project.samples[0].assignments == ()
    project = _project()
    project.set_structure(project.samples[0].id, "CCC=O")
    assert project.samples[0].assignments == (), "its atoms are others"


# other versions and other files

_FIRST_VERSION = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE arrays(digest TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE spectra(
    id INTEGER PRIMARY KEY, technique TEXT NOT NULL, x_unit TEXT NOT NULL, y_unit TEXT NOT NULL,
    kind TEXT NOT NULL, title TEXT NOT NULL, path TEXT NOT NULL, block TEXT NOT NULL,
    x TEXT NOT NULL, y TEXT NOT NULL, y_imaginary TEXT,
    metadata TEXT NOT NULL, warnings TEXT NOT NULL, chain TEXT);
CREATE TABLE samples(
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, name TEXT NOT NULL, structure TEXT,
    spectra TEXT NOT NULL);
CREATE TABLE history(position INTEGER PRIMARY KEY, title TEXT NOT NULL, line TEXT NOT NULL);
PRAGMA application_id = 0x53504543;
PRAGMA user_version = 1;
"""


def _write_first_version(path: Path) -> None:
    x, y = (np.array(v, "<f8").tobytes() for v in ([15.0, 43.0], [1.0, 2.0]))
    digests = [hashlib.sha256(data).hexdigest() for data in (x, y)]
    chain = json.dumps({"steps": []})
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_FIRST_VERSION)
        db.executemany("INSERT INTO arrays VALUES(?, ?)", zip(digests, (x, y), strict=True))
        db.execute(
            "INSERT INTO spectra VALUES(8, 'MS', 'm/z', 'intensity', 'sticks', 'old scan', "
            "'/d/a.msp', '1', ?, ?, NULL, '{\"name\": \"old\"}', '[\"a doubt\"]', ?)",
            (*digests, chain),
        )
        db.execute("INSERT INTO samples VALUES(3, 1, 'old one', 'CCO', '[8]')")
        db.execute("INSERT INTO samples VALUES(2, 2, 'old two', NULL, '[]')")
        db.execute("INSERT INTO meta VALUES('order', '[3, 2]')")
        db.execute("INSERT INTO history VALUES(0, 'Open old one', 'sample_1 = ...')")
        db.commit()


def test_a_project_of_the_first_version_opens_and_stays_as_it_is(tmp_path):
    path = tmp_path / "old.specgui"
    _write_first_version(path)
    before = path.read_bytes()
    opened = read_project(path)
    assert opened.version == 1 and opened.problems == ()
    first, second = opened.state.samples
    assert (first.name, first.structure, second.name) == ("old one", "CCO", "old two")
    (entry,) = first.spectra
    assert entry.spectrum.y.tolist() == [1.0, 2.0] and entry.chain == Chain()
    assert entry.analysis is None
    assert entry.spectrum.warnings == ("a doubt",) and entry.peaks is None
    assert opened.state.numbered == 2
    assert path.read_bytes() == before
    save_project(path, opened.state)
    assert read_project(path).version == FORMAT_VERSION
    assert _content(read_project(path).state) == _content(opened.state)


def test_a_project_of_the_second_version_opens(tmp_path):
    """Before integrals and multiplets, runs and two-dimensional spectra were kept."""
    project = _project()
    project.set_analysis(project.samples[0].key[0], None)
    path = save_project(tmp_path / "second", project)
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE spectra DROP COLUMN analysis")
        db.execute("ALTER TABLE samples DROP COLUMN runs")
        db.execute(f"DROP TABLE {project_database_2d.TABLE}")
        db.execute("PRAGMA user_version = 2")
        db.commit()
    opened = read_project(path)
    assert opened.version == 2 and opened.problems == ()
    assert _content(opened.state) == _content(project.state)


def test_a_damaged_analysis_is_said(tmp_path):
    path = save_project(tmp_path / "a", _project())
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE spectra SET analysis = '{\"integrals\": 7}' WHERE analysis IS NOT NULL")
        db.commit()
    opened = read_project(path)
    assert len(opened.problems) == 1 and "analysis" in opened.problems[0]


def _changed(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("PRAGMA user_version = 99", "format 99, which a newer SpecGUI has written"),
        ("PRAGMA user_version = 0", "format 0"),
        ("PRAGMA application_id = 7", "an SQLite database of another program"),
        ("DROP TABLE history", "no table history"),
        ("CREATE VIEW v AS SELECT 1", "a view 'v'"),
        ("CREATE TRIGGER t AFTER DELETE ON meta BEGIN SELECT 1; END", "a trigger 't'"),
    ],
)
def test_what_no_project_is_gets_told(tmp_path, statement, found):
    path = _changed(save_project(tmp_path / "a.specgui", _project()), statement)
    with pytest.raises(FormatError) as caught:
        read_project(path)
    assert found in caught.value.found


def test_files_of_other_kinds_are_told(tmp_path):
    text, empty = tmp_path / "a.specgui", tmp_path / "b.specgui"
    text.write_text("##TITLE=x\n##JCAMP-DX=4.24\n")
    empty.touch()
    cases = {
        text: "a file of another kind", empty: "an empty file", tmp_path: "a folder",
        tmp_path / "none.specgui": "nothing at this path",
    }  # fmt: skip
    for path, found in cases.items():
        with pytest.raises(FormatError) as caught:
            read_project(path)
        assert (caught.value.expected, caught.value.found) == ("a SpecGUI project", found)


def test_a_project_is_known_by_its_content_too(tmp_path):
    path = save_project(tmp_path / "a.specgui", _project()).rename(tmp_path / "a.bin")
    other = tmp_path / "other.bin"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t(x)")
    assert is_project(path) and not is_project(other) and not is_project(tmp_path)
    assert not is_project(tmp_path / "none.dx")


def test_one_damaged_spectrum_leaves_its_neighbours(tmp_path):
    path = save_project(tmp_path / "a.specgui", _project())
    data = bytearray(path.read_bytes())
    place = data.find(np.array([30.0, np.nan], "<f8").tobytes())
    data[place] ^= 1
    path.write_bytes(data)
    opened = read_project(path)
    assert [e.title for e in opened.state.samples[0].spectra] == ["a FID"]
    (problem,) = opened.problems
    assert "spectrum 2 of 'acetone'" in problem and "checksum" in problem
    assert opened.state.samples[0].assignments == () and len(opened.state.samples) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE spectra SET metadata = '{' WHERE title = 'a mass'",
        "UPDATE spectra SET kind = 'song' WHERE title = 'a mass'",
        "UPDATE spectra SET peaks = '[1]' WHERE title = 'a mass'",
        'UPDATE spectra SET chain = \'{"steps": [{"name": "magic"}]}\' WHERE title = \'a mass\'',
        "UPDATE spectra SET x = y WHERE title = 'a mass'",
        "UPDATE spectra SET warnings = x'ff' WHERE title = 'a mass'",
        "DELETE FROM spectra WHERE title = 'a mass'",
        "UPDATE arrays SET data = 'text' WHERE digest = (SELECT y FROM spectra WHERE "
        "title = 'a mass')",
    ],
)
def test_a_senseless_spectrum_is_left_out(tmp_path, statement):
    path = _changed(save_project(tmp_path / "a.specgui", _project()), statement)
    opened = read_project(path)
    assert [e.title for e in opened.state.samples[0].spectra] == ["a FID"]
    assert len(opened.problems) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE samples SET spectra = '{}' WHERE name = 'acetone'",
        "UPDATE samples SET spectra = 'x' WHERE name = 'acetone'",
        "UPDATE samples SET assignments = '[[1]]', spectra = '[[]]' WHERE name = 'acetone'",
        "UPDATE samples SET assignments = '5' WHERE name = 'acetone'",
        "UPDATE samples SET spectra = '[99999999999999999999999]' WHERE name = 'acetone'",
        "UPDATE samples SET number = 'many' WHERE name = 'acetone'",
        "UPDATE meta SET value = '\"x\"'",
        "UPDATE meta SET value = 'x'",
        "UPDATE history SET title = x'ff', line = 7",
    ],
)
def test_senseless_samples_do_not_take_the_others_along(tmp_path, statement):
    path = _changed(save_project(tmp_path / "a.specgui", _project()), statement)
    assert "empty" in [s.name for s in read_project(path).state.samples]


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    project = Project()
    project.add_sample("many", [_mass(str(n)) for n in range(500)])
    path = save_project(tmp_path / "a.specgui", project)
    assert len(read_project(path).state.samples[0].spectra) == 500
    monkeypatch.setattr(project_database, "_SLACK", 0)
    monkeypatch.setattr(project_database, "_SPREAD", 0.1)
    with pytest.raises(FormatError, match="many times larger"):
        read_project(path)


@settings(max_examples=120, deadline=2000)
@given(st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_no_damage_raises_anything_else(tmp_path_factory, place, value, cut):
    folder = tmp_path_factory.getbasetemp() / "damage"
    whole = folder / "whole.specgui"
    if not whole.exists():
        folder.mkdir(exist_ok=True)
        save_project(whole, _project())
    data = bytearray(whole.read_bytes())
    place %= len(data)
    if cut:
        del data[place:]
    else:
        data[place] = value
    path = folder / "damaged.specgui"
    path.write_bytes(data)
    try:
        opened = read_project(path)
    except FormatError as error:
        assert str(error).startswith("damaged.specgui: expected")
    else:
        assert len(opened.state.samples) <= 2


# writing


def test_a_saving_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = save_project(tmp_path / "a.specgui", _project())
    before = path.read_bytes()

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(project_database, "write_changes", full)
    with pytest.raises(ProjectWriteError, match=r"a\.specgui could not be saved: the disk is full"):
        save_project(path, Project())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.specgui"]


def test_saving_where_there_is_no_folder_says_so(tmp_path):
    with pytest.raises(ProjectWriteError, match="its folder is not there"):
        save_project(tmp_path / "none" / "a.specgui", Project())


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_saving_through_a_link_keeps_the_link(tmp_path):
    (tmp_path / "real").mkdir()
    real = save_project(tmp_path / "real" / "a.specgui", Project())
    link = tmp_path / "link.specgui"
    link.symlink_to(real)
    save_project(link, _project())
    assert link.is_symlink() and len(read_project(real).state.samples) == 2


def test_the_store_needs_neither_window_nor_network():
    code = (
        "import sys, engine.library.project_journal, engine.library.project_file; "
        "print(sorted({'PySide6', 'torch', 'rdkit', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr
