"""A library is built from a file, survives stops, and finds molecules by what they are."""

from __future__ import annotations

import json
from concurrent.futures import CancelledError

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.Descriptors import ExactMolWt

from engine.library import library_build
from engine.library.library_build import build_library, unfinished_builds
from engine.library.library_files import LibraryError, list_libraries, remove_library
from engine.library.molecule_library import MoleculeLibrary
from engine.library.molecule_source import SourceError

LINES = [
    "CCO ethanol", "CC(C)=O acetone", "CC(=O)O acetic acid", "c1ccccc1 benzene", "OCC",
    "no molecule", "CC#N", "Cc1ccccc1 toluene", "CCC(C)=O butanone", "CCCC=O butanal", "C1CCOC1",
    "CC(=O)OCC", "N#CC acetonitrile", "[Na+].[Cl-]", "O",
]  # fmt: skip


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "list.smi"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.fixture
def library(source, tmp_path, rule_predictor):
    return build_library("mine", source, rule_predictor, tmp_path / "libraries")


def test_it_holds_each_molecule_once_in_the_order_of_the_file(library):
    assert len(library) == 12
    assert [library.smiles(k) for k in range(4)] == ["CCO", "CC(C)=O", "CC(=O)O", "c1ccccc1"]
    assert library.manifest.records == len(LINES)
    assert library.manifest.duplicates == 2
    assert library.manifest.broken == 1
    assert "line 6" in library.manifest.first_broken[0]


def test_a_duplicate_gives_its_name_to_one_without(library):
    assert library.smiles(4) == "CC#N"
    assert library.molecule_name(4) == "acetonitrile"


def test_molecules_are_found_by_key_formula_mass_and_groups(library):
    assert library.with_key("CSCPPACGZOOCGX") == 1  # acetone
    assert library.with_key("AAAAAAAAAAAAAA") is None
    names = [library.molecule_name(k) for k in library.with_formula("C4H8O")]
    assert names == ["butanone", "butanal", ""]
    assert len(library.with_formula("C9H9")) == 0
    acetone = ExactMolWt(Chem.MolFromSmiles("CC(C)=O"))
    assert list(library.with_mass(acetone - 0.001, acetone + 0.001)) == [1]
    ketones = [library.molecule_name(k) for k in library.with_groups(["Ketone"])]
    assert ketones == ["acetone", "butanone"]
    with pytest.raises(ValueError, match="Ketones"):
        library.with_groups(["Ketones"])


def test_signals_are_those_of_the_predictor(library, rule_predictor):
    for technique in ("13C NMR", "1H NMR"):
        numbers = np.arange(len(library))[::-1]
        rows = library.signal_rows(technique, numbers)
        for column, number in enumerate(numbers):
            molecule = Chem.MolFromSmiles(library.smiles(number))
            expected = rule_predictor.predict([molecule])[0].signals(technique)[::-1]
            count = rows.count[column]
            assert count == len(expected)
            assert rows.ppm[:count, column] == pytest.approx([s.ppm for s in expected], abs=0.006)
            # Signals at one place may come in either order.
            fields = ("hydrogens", "nuclei", "exchangeable")
            held = zip(
                *(getattr(rows, name)[:count, column].tolist() for name in fields), strict=True
            )
            assert sorted(held) == sorted((s.hydrogens, s.nuclei, s.exchangeable) for s in expected)


def test_a_stopped_build_goes_on_where_it_was(source, tmp_path, rule_predictor, monkeypatch):
    monkeypatch.setattr(library_build, "CHUNK", 4)
    folder, asked = tmp_path / "libraries", []

    class Counting(type(rule_predictor)):
        def predict(self, molecules, solvent=None):
            asked.append(len(molecules))
            return super().predict(molecules, solvent)

    with pytest.raises(CancelledError):
        build_library("mine", source, Counting(), folder, is_cancelled=lambda: len(asked) >= 2)
    assert unfinished_builds(folder) == {"mine": str(source)}
    assert list_libraries(folder) == []
    before = len(asked)
    library = build_library("mine", source, Counting(), folder)
    assert len(library) == 12
    assert len(asked) == 4  # four chunks in all: those of the first time were kept
    assert before == 2
    assert unfinished_builds(folder) == {}


def test_a_build_of_a_changed_file_starts_anew(source, tmp_path, rule_predictor, monkeypatch):
    monkeypatch.setattr(library_build, "CHUNK", 4)
    folder, seen = tmp_path / "libraries", []
    with pytest.raises(CancelledError):
        build_library(
            "mine", source, rule_predictor, folder, report=seen.append,
            is_cancelled=lambda: len(seen) >= 2,
        )  # fmt: skip
    source.write_text("CCCCC pentane\nCCCCCC hexane\nCCCCCCC heptane\n")
    library = build_library("mine", source, rule_predictor, folder)
    assert [library.molecule_name(k) for k in range(3)] == ["pentane", "hexane", "heptane"]


def test_a_chunk_cut_by_a_crash_is_told_and_made_again(
    source, tmp_path, rule_predictor, monkeypatch
):
    monkeypatch.setattr(library_build, "CHUNK", 4)
    folder, seen = tmp_path / "libraries", []
    with pytest.raises(CancelledError):
        build_library(
            "mine", source, rule_predictor, folder, report=seen.append,
            is_cancelled=lambda: len(seen) >= 2,
        )  # fmt: skip
    chunk = sorted(folder.rglob("*.npz"))[0]
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.raises(LibraryError, match="build again"):
        build_library("mine", source, rule_predictor, folder)
    assert len(build_library("mine", source, rule_predictor, folder)) == 12


def test_a_new_build_replaces_the_old_one_only_when_it_is_done(
    library, source, tmp_path, rule_predictor
):
    folder = tmp_path / "libraries"
    empty = tmp_path / "bad.smi"
    empty.write_text("rubbish\n")
    with pytest.raises(SourceError, match=r"no molecule.*rubbish"):
        build_library("mine", empty, rule_predictor, folder)
    assert len(MoleculeLibrary.named("mine", folder)) == 12


def test_a_library_of_other_weights_is_stale(library):
    assert not library.is_stale("rule 1")
    assert library.is_stale("rule 2")


def test_libraries_are_listed_and_removed(library, tmp_path):
    folder = tmp_path / "libraries"
    assert [(m.name, m.size) for m in list_libraries(folder)] == [("mine", 12)]
    remove_library("mine", folder)
    assert list_libraries(folder) == []
    with pytest.raises(LibraryError, match="mine"):
        remove_library("mine", folder)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "x" * 90, "a\\b"])
def test_a_name_that_is_no_folder_is_refused(source, tmp_path, rule_predictor, name):
    with pytest.raises(LibraryError, match="name"):
        build_library(name, source, rule_predictor, tmp_path)


def test_damaged_libraries_are_refused_with_a_sentence(library):
    manifest = library.folder / "library.json"
    content = json.loads(manifest.read_text())
    for change in ({"size": 5}, {"size": -1}, {"version": 99}, {"format": "else"}):
        manifest.write_text(json.dumps({**content, **change}))
        with pytest.raises(LibraryError):
            MoleculeLibrary.open(library.folder)
    manifest.write_text(json.dumps(content))
    cut = library.folder / "carbon_ppm.npy"
    cut.write_bytes(cut.read_bytes()[:-10])
    with pytest.raises(LibraryError, match="carbon_ppm"):
        MoleculeLibrary.open(library.folder)


def test_an_array_of_objects_is_never_loaded(library):
    np.save(library.folder / "mass.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(LibraryError, match="mass"):
        MoleculeLibrary.open(library.folder)


def test_molecules_before_the_file_and_a_limit(source, tmp_path, rule_predictor):
    library = build_library(
        "part", source, rule_predictor, tmp_path, limit=2, extra=["CCCCCCCC", "CCO"]
    )
    assert [library.smiles(k) for k in range(len(library))] == ["CCCCCCCC", "CCO", "CC(C)=O"]
    assert library.molecule_name(1) == "ethanol"
