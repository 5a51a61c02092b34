"""A library that is open is replaced and removed, where mapped files stop that (Windows) too."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest

from engine.library import library_files
from engine.library.library_build import build_library
from engine.library.library_choice import open_library
from engine.library.library_files import LibraryError, remove_library
from engine.library.molecule_library import MoleculeLibrary


@pytest.fixture
def libraries(tmp_path, rule_predictor):
    """A folder with the library "mine" of two molecules, and a function that builds it anew."""

    def build(*lines: str) -> MoleculeLibrary:
        source = tmp_path / "list.smi"
        source.write_text("\n".join(lines))
        return build_library("mine", source, rule_predictor, tmp_path / "libraries")

    build("CCO ethanol", "CC#N")
    return tmp_path / "libraries", build


@pytest.fixture
def like_windows(monkeypatch):
    """A folder is not renamed while an array of its files lives, as Windows does it."""
    arrays: list[weakref.ref] = []
    load, replace = np.load, Path.replace

    def noting(path, *args, **kwargs):
        array = load(path, *args, **kwargs)
        if kwargs.get("mmap_mode"):
            arrays.append(weakref.ref(array))
        return array

    def refusing(self, target):
        held = [ref() for ref in arrays if ref() is not None]
        if any(self in Path(array.filename).parents for array in held):
            raise PermissionError(13, "Access is denied", str(self))
        return replace(self, target)

    monkeypatch.setattr(np, "load", noting)
    monkeypatch.setattr(Path, "replace", refusing)
    monkeypatch.setattr(library_files, "_PAUSE_S", 0.0)
    return arrays


def test_an_open_library_is_replaced(libraries, like_windows):
    folder, build = libraries
    used, cached = MoleculeLibrary.named("mine", folder), open_library("mine", folder)
    assert len(used.with_formula("C2H6O")) == len(cached.with_formula("C2H6O")) == 1
    build("CC(C)=O acetone")
    assert used.is_closed and cached.is_closed
    with pytest.raises(LibraryError, match="was replaced or removed meanwhile: search again"):
        used.smiles(0)
    assert open_library("mine", folder).smiles(0) == "CC(C)=O"
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_an_open_library_is_removed(libraries, like_windows):
    folder, _ = libraries
    used = MoleculeLibrary.named("mine", folder)
    used.with_mass(40, 50)
    remove_library("mine", folder)
    assert used.is_closed and not list(folder.iterdir())


def test_where_nothing_stops_it_a_running_search_goes_on(libraries):
    folder, build = libraries
    used = MoleculeLibrary.named("mine", folder)
    try:
        build("CC(C)=O acetone")
    finally:
        is_closed = used.is_closed
    assert is_closed or used.smiles(0) == "CCO"


def test_what_another_holds_is_said_and_the_old_library_stays(libraries, like_windows):
    folder, build = libraries
    held = np.load(folder / "mine" / "key.npy", mmap_mode="r")  # another program's
    with pytest.raises(LibraryError, match=r"a program uses it .*: close other windows"):
        build("CC(C)=O acetone")
    with pytest.raises(LibraryError, match="a program uses it"):
        remove_library("mine", folder)
    assert MoleculeLibrary.named("mine", folder).smiles(0) == "CCO"
    del held
    assert build("CC(C)=O acetone").smiles(0) == "CC(C)=O"


def test_the_old_library_comes_back_when_the_new_one_cannot_be_put_there(libraries, monkeypatch):
    folder, build = libraries
    replace = Path.replace

    def failing(self, target):
        if self.name == "whole":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="No space"):
        build("CC(C)=O acetone")
    assert MoleculeLibrary.named("mine", folder).smiles(0) == "CCO"


def test_a_closed_library_is_not_taken_out_of_the_cache(libraries):
    folder, _ = libraries
    first = open_library("mine", folder)
    assert open_library("mine", folder) is first
    first.close()
    again = open_library("mine", folder)
    assert again is not first and again.smiles(0) == "CCO"
