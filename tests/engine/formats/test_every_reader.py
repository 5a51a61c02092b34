"""Every reader, on every layout that the tests write: cut anywhere and edited anyhow."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, Only2DError, open_spectra, open_spectra_2d
from engine.formats.registry import readers
from engine.spectra import Spectrum, Spectrum2D
from tests.fuzzing.seeds import Seed, written_seeds

SEEDS = {f"{number}-{seed.name}": seed for number, seed in enumerate(written_seeds())}
# What each of these layouts holds is no spectrum, which its reader says.
_REFUSED = ("a.mztab", "b.cdf")
_CUTS = 40
_CHIEF = ("proc2s", "acqu2s", "acqus", "fid", "procs", "1r", "procpar", "a.sdf", "a.fid")


def _chief(seed: Seed) -> str:
    """The member that is damaged: the file itself, or the ones of a folder that are read first."""
    names = [name for name, _ in seed.members]
    return next((n for chief in _CHIEF for n in names if n.rpartition("/")[2] == chief), names[0])


def _write(folder: Path, seed: Seed, changed: dict[str, bytes]) -> Path:
    path = folder / seed.name
    for name, content in (dict(seed.members) | changed).items():
        target = path / name if name else path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return path


def _read_all(path: Path, caplog) -> list[Spectrum | Spectrum2D]:
    """What the registry makes of a path; fails for a fault that it caught in a reader."""
    caplog.clear()
    spectra: list[Spectrum | Spectrum2D] = []
    try:
        try:
            spectra += open_spectra(path)
        except Only2DError:
            spectra += open_spectra_2d(path)
    except FormatError as error:
        assert "\n" not in str(error) and len(str(error)) < 2500
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not faults, faults[0].exc_text or faults[0].getMessage()
    assert all(isinstance(spectrum, Spectrum | Spectrum2D) for spectrum in spectra)
    return spectra


def test_there_is_a_layout_for_every_reader(tmp_path):
    found = set()
    for number, seed in enumerate(SEEDS.values()):
        path = _write(tmp_path / str(number), seed, {})
        inside = [path, *(p for p in path.rglob("*") if p.is_file())] if path.is_dir() else [path]
        for one in inside:
            head = b"" if one.is_dir() else one.read_bytes()[:4096]
            sure = {name: reader.sniff(one, head) for name, reader in readers().items()}
            if max(sure.values()) > 0:
                found.add(max(sure, key=sure.get))
    assert found == set(readers())


@pytest.mark.parametrize("name", SEEDS)
def test_a_whole_file_opens(tmp_path, caplog, name):
    spectra = _read_all(_write(tmp_path, SEEDS[name], {}), caplog)
    assert bool(spectra) == (SEEDS[name].name not in _REFUSED)


@pytest.mark.parametrize("name", SEEDS)
def test_a_file_cut_anywhere_opens_or_says_why(tmp_path, caplog, name):
    seed = SEEDS[name]
    member = _chief(seed)
    content = dict(seed.members)[member]
    step = max(1, len(content) // _CUTS)
    for length in {*range(0, len(content), step), *range(len(content) - 5, len(content))}:
        if length >= 0:
            _read_all(_write(tmp_path, seed, {member: content[:length]}), caplog)


@st.composite
def edited(draw, content: bytes) -> bytes:
    """A file after some edits: bytes set, blocks removed, repeated or put in."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, max(0, len(changed) - 1)))
        last = min(len(changed), first + draw(st.integers(0, 12)))
        block = bytes(changed[first:last])
        changed[first:last] = draw(
            st.binary(max_size=8)
            | st.just(block * 2)
            | st.sampled_from([b"", b"-1", b"nan", b"1e999", b"9" * 30, b"\xff" * 8, bytes(8)])
        )
    return bytes(changed)


@pytest.mark.parametrize("name", SEEDS)
@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(data=st.data())
def test_an_edited_file_opens_or_says_why(tmp_path_factory, caplog, name, data):
    seed = SEEDS[name]
    member = _chief(seed)
    content = data.draw(edited(dict(seed.members)[member]))
    folder = tmp_path_factory.getbasetemp() / f"edited-{name}"
    _read_all(_write(folder, seed, {member: content}), caplog)
