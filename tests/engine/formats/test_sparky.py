"""Sparky files: one axis as written here, the axis of a real spectrum, more axes refused."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.errors import FormatError, Only2DError
from engine.formats.sparky import READER


def ucsf(
    values: np.ndarray, *, nucleus: bytes = b"1H", tile: int = 0, frequency: float = 500.0,
    width: float = 5000.0, centre: float = 5.0, points: int = 0, axes: int = 1,
    components: int = 1, encoding: int = 0,
) -> bytes:  # fmt: skip
    """A UCSF file: header of 180 bytes, 128 for the axis, tiles of floats, the last one padded."""
    tile = tile or len(values)
    head = bytearray(180)
    head[:8] = b"UCSF NMR"
    head[10:14] = bytes([axes, components, encoding, 2])
    axis = struct.pack(
        ">6sH3I6f", nucleus, 0, points or len(values), len(values), tile, frequency, width, centre,
        0, 0, 0,
    )  # fmt: skip
    padded = np.zeros(-(-len(values) // tile) * tile)
    padded[: len(values)] = values
    return bytes(head) + axis.ljust(128, b"\0") * max(1, axes) + padded.astype(">f4").tobytes()


def write(path: Path, *arguments, **named) -> Path:
    path.write_bytes(ucsf(*arguments, **named))
    return path


@pytest.mark.parametrize("tile", [4, 3])
def test_a_spectrum_with_its_axis(tmp_path, tile):
    # 10 ppm over four points; the middle, 5 ppm, is the third one.
    path = write(tmp_path / "a.ucsf", np.arange(4.0), tile=tile)
    (spectrum,) = open_spectra(path)
    assert spectrum.technique == "1H NMR" and spectrum.kind == "continuous"
    np.testing.assert_allclose(spectrum.x, [10.0, 7.5, 5.0, 2.5])
    np.testing.assert_array_equal(spectrum.y, np.arange(4))
    assert spectrum.metadata["frequency_mhz"] == 500 and spectrum.title == "a"
    assert not spectrum.warnings


def test_the_axis_of_a_real_spectrum_that_was_saved_by_nmrpipe(samples, tmp_path):
    (real,) = open_spectra(samples / "nmr/10_nmrpipe/1d_19F.ft1")
    frequency, width = real.metadata["frequency_mhz"], real.metadata["sweep_width_hz"]
    # Sparky keeps the shift of the point n/2, counted from 0.
    middle = float(np.interp(len(real) / 2, np.arange(len(real)), real.x))
    path = write(
        tmp_path / "b.ucsf", real.y, nucleus=b"19F", frequency=frequency, width=width,
        centre=middle, tile=1024,
    )  # fmt: skip
    (spectrum,) = READER.read(path)
    np.testing.assert_allclose(spectrum.x, real.x, atol=2e-5)
    np.testing.assert_allclose(spectrum.y, real.y, rtol=1e-6)


def test_more_axes_are_named(samples, tmp_path):
    with pytest.raises(Only2DError, match="two-dimensional data"):
        open_spectra(samples / "nmr/11_sparky/2d_hmqc.ucsf")
    with pytest.raises(FormatError, match=r"not shown yet \(open one of its planes"):
        READER.read(write(tmp_path / "a.ucsf", np.ones(4), axes=3))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"frequency": 0.0}, "frequency"),
        ({"frequency": float("nan")}, "frequency"),
        ({"width": -1.0}, "width"),
        ({"centre": float("inf")}, "centre"),
        ({"components": 2}, "real numbers"),
        ({"encoding": 1}, "real numbers"),
        ({"axes": 0}, "one or two axes"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, changed, expected):
    with pytest.raises(FormatError, match=expected):
        READER.read(write(tmp_path / "a.ucsf", np.ones(4), **changed))


def test_a_size_that_lies(tmp_path):
    begun = time.monotonic()
    (spectrum,) = READER.read(write(tmp_path / "a.ucsf", np.ones(4), points=1 << 30))
    assert len(spectrum) == 4 and "cut short" in spectrum.warnings[0]
    assert time.monotonic() - begun < 5


def test_a_nucleus_in_other_bytes_is_a_guess(tmp_path):
    (spectrum,) = READER.read(write(tmp_path / "a.ucsf", np.ones(4), nucleus=b"\xff\xfe"))
    assert "taken for 1H" in spectrum.warnings[0]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(0, 400), place=st.integers(0, 307), byte=st.integers(0, 255))
def test_cut_or_changed_anywhere(tmp_path, cut, place, byte):
    data = bytearray(ucsf(np.ones(16))[:cut])
    if place < len(data):
        data[place] = byte
    path = tmp_path / "cut.ucsf"
    path.write_bytes(data)
    try:
        assert READER.read(path)
    except FormatError as error:
        assert "expected" in str(error)
