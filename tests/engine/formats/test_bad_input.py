"""Files that are cut, huge, empty, or lie: a clear error within seconds, and bounded memory."""

from __future__ import annotations

import os
import random
import struct
import time
import tracemalloc
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, containers, open_spectra, registry

SUFFIXES = (
    ".jdx", ".csv", ".txt", ".mgf", ".msp", ".msl", ".mzML", ".mzXML", ".zip", ".spc", ".0", "",
)  # fmt: skip

HEADER = """##TITLE=x
##JCAMP-DX=4.24
##DATA TYPE=INFRARED SPECTRUM
##XUNITS=1/CM
##YUNITS=ABSORBANCE
##FIRSTX=1000
##LASTX=1002
##NPOINTS={points}
##XFACTOR=1
##YFACTOR=1
##XYDATA=(X++(Y..Y))
{data}
##END=
"""


def _refused(path, seconds: float = 2.0) -> FormatError:
    """The error that the path gives; it must come in time, without filling the memory."""
    registry.readers()
    tracemalloc.start()
    begun = time.monotonic()
    try:
        with pytest.raises(FormatError) as caught:
            open_spectra(path)
        taken, (_, peak) = time.monotonic() - begun, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < seconds, f"{taken:.1f} s"
    assert peak < 200 << 20, f"{peak >> 20} MB"
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file(tmp_path, suffix):
    path = tmp_path / f"empty{suffix}"
    path.write_bytes(b"")
    assert _refused(path).found == "an empty file"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_random_bytes_under_a_known_suffix(tmp_path, suffix):
    path = tmp_path / f"rubbish{suffix}"
    path.write_bytes(random.Random(suffix).randbytes(20_000))
    assert "binary data" in str(_refused(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sparse_file_of_two_gigabytes(tmp_path, suffix):
    path = tmp_path / f"sparse{suffix}"
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    _refused(path, seconds=1.0)


@pytest.mark.parametrize("size", [300 << 20, 2 << 30])
@pytest.mark.parametrize(
    "head",
    [
        HEADER.format(points=3, data="1000 1 2 3"),
        "Name: x\nNum Peaks: 2\n10 1\n20 2\n",
        "BEGIN IONS\nPEPMASS=3\n1 1\n",
        "1000,1\n1001,2\n1002,3\n",
    ],
)
def test_text_that_goes_on_as_zeros(tmp_path, head, size):
    path = tmp_path / "sparse.txt"
    path.write_text(head)
    os.truncate(path, size)
    _refused(path, seconds=1.0)


def test_an_mzml_file_that_goes_on_as_zeros(tmp_path):
    path = tmp_path / "sparse.mzML"
    path.write_text('<?xml version="1.0"?><mzML><run><spectrumList count="1">')
    os.truncate(path, 2 << 30)
    _refused(path, seconds=1.0)


def test_a_jcamp_file_that_declares_a_million_million_points(tmp_path):
    path = tmp_path / "lie.jdx"
    path.write_text(HEADER.format(points=10**12, data="1000 1 2 3"))
    begun = time.monotonic()
    with suppress(FormatError):  # three points may be read, with a warning
        (spectrum,) = open_spectra(path)
        assert len(spectrum) == 3
        assert spectrum.warnings
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("value", ["NaN", "?", "1e999", "-inf"])
def test_ordinates_that_are_no_numbers(tmp_path, value):
    path = tmp_path / "nan.jdx"
    path.write_text(HEADER.format(points=3, data=f"1000 1 {value} 3"))
    with suppress(FormatError):
        (spectrum,) = open_spectra(path)
        assert spectrum.warnings


def test_a_missing_path(tmp_path):
    error = _refused(tmp_path / "nowhere.jdx")
    assert error.expected == "a file or folder"
    assert error.found == "nothing at this path"
    assert "nowhere.jdx" in str(error)


@pytest.mark.parametrize("name", ["\0", "a" * 5000])
def test_a_path_that_cannot_be(name):
    _refused(name)


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "secret.jdx"
    path.write_text(HEADER.format(points=1, data="1 1"))

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(registry, "_head", forbidden)
    assert _refused(path).found == "no permission to read it"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.jdx")
    assert _refused(tmp_path / "pipe.jdx").found == "a device or a pipe"
    assert "a device or a pipe" in _refused(tmp_path).found


def test_an_archive_that_swells(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"{number}.jdx", bytes(32 << 20))
    assert path.stat().st_size < 1 << 20
    assert "swells" in _refused(path).found


def test_an_archive_that_lies_about_its_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "FREE_OF_RATIO", 1 << 16)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jdx", bytes(8 << 20))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", data, data.index(mark) + offset, 100)
    path.write_bytes(data)
    _refused(path)


@pytest.mark.parametrize("keep", [10, 100, 0.5, 0.95])
def test_a_cut_archive(tmp_path, keep):
    path = tmp_path / "cut.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jdx", random.Random(1).randbytes(5000))
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    assert "cut" in _refused(path).found


def test_an_archive_with_an_endless_list_of_members(tmp_path):
    path = tmp_path / "endless.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jdx", "x")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x05\x06") + 12, 1 << 30)
    path.write_bytes(data)
    _refused(path)


def test_an_encrypted_archive(tmp_path):
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jdx", "x")
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    assert "password" in _refused(path).found


def test_a_fault_in_a_reader_is_an_error_of_the_file(tmp_path, monkeypatch):
    from dataclasses import replace

    def faulty(path):
        raise RecursionError("maximum recursion depth exceeded")

    readers = registry.readers()
    broken = {**readers, "msp": replace(readers["msp"], read=faulty)}
    monkeypatch.setattr(registry, "readers", lambda: broken)
    path = tmp_path / "a.msp"
    path.write_text("Name: a\nNum Peaks: 1\n1 1\n")
    assert "breaks its reader" in str(_refused(path))


def test_cut_sample_files_are_errors_or_spectra(samples, tmp_path):
    for folder in ("ir", "ms"):
        for path in sorted((samples / folder).iterdir()):
            data = path.read_bytes()
            if len(data) > 300_000:
                continue
            for part in (0.02, 0.4, 0.93):
                cut = tmp_path / path.name
                cut.write_bytes(data[: int(len(data) * part)])
                with suppress(FormatError):
                    assert open_spectra(cut), path.name


@settings(max_examples=80, deadline=None)
@given(st.binary(min_size=1, max_size=400), st.sampled_from(SUFFIXES))
def test_any_bytes_are_an_error_or_a_spectrum(tmp_path_factory, data, suffix):
    path = tmp_path_factory.mktemp("any") / f"any{suffix}"
    path.write_bytes(data)
    with suppress(FormatError):
        assert open_spectra(path)
