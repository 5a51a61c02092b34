"""Presets of processing: kept, renamed, deleted, and a damaged file that loses nothing else."""

from __future__ import annotations

import json

import pytest

from engine.library.processing_presets import Preset, PresetError, PresetStore
from engine.processing import Chain, Step
from engine.spectra import Technique


def preset(name, technique="IR", for_fid=False, window=9):
    chain = Chain((Step("to_absorbance"), Step("smooth", {"window_points": window}, False)))
    return Preset(name, Technique(technique), for_fid, chain)


@pytest.fixture
def store(tmp_path):
    return PresetStore(tmp_path / "new folder" / "presets.json")


def test_what_is_saved_is_there_for_another_window(store):
    store.save(preset("plain"))
    store.save(preset("Wide", window=21))
    store.save(preset("plain", "1H NMR", for_fid=True))
    other = PresetStore(store.path)
    assert other.of("IR", False) == [preset("plain"), preset("Wide", window=21)]
    assert [p.name for p in other.of("1H NMR", True)] == ["plain"]
    assert other.of("1H NMR", False) == [] and not other.damage


def test_the_same_name_is_one_preset(store):
    store.save(preset("Plain"))
    store.save(preset("plain", window=21))
    assert store.all() == [preset("plain", window=21)]


def test_renaming_and_deleting(store):
    store.save(preset("a"))
    store.save(preset("b"))
    with pytest.raises(ValueError, match="already"):
        store.rename(preset("a"), " B ")
    with pytest.raises(ValueError, match="empty"):
        store.rename(preset("a"), "  ")
    assert store.rename(preset("a"), "c  d").name == "c d"
    store.delete(preset("b"))
    assert [p.name for p in store.all()] == ["c d"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"presets": 3}', b"[" * 9999]
)
def test_a_damaged_file_is_put_aside(store, content):
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    assert store.all() == []
    assert len(store.damage) == 1 and "damaged" in store.damage[0]
    store.save(preset("new"))
    assert [p.name for p in PresetStore(store.path).all()] == ["new"]
    aside = [p for p in store.path.parent.iterdir() if "damaged" in p.name]
    assert [p.read_bytes() for p in aside] == [content]


def test_a_preset_of_a_later_version_stays_in_the_file(store):
    store.save(preset("mine"))
    content = json.loads(store.path.read_text("utf-8"))
    later = {"name": "x", "technique": "IR", "steps": [{"name": "denoise_2031"}]}
    content["presets"].append(later)
    store.path.write_text(json.dumps(content), "utf-8")
    assert [p.name for p in store.all()] == ["mine"] and "denoise_2031" in store.damage[0]
    store.delete(preset("mine"))
    assert json.loads(store.path.read_text("utf-8"))["presets"] == [later]


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    store = PresetStore(tmp_path / "file" / "presets.json")
    with pytest.raises(PresetError, match="presets"):
        store.save(preset("a"))
