"""Thermo OMNIC spectra and groups are read in our units; damaged files say what is missing."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, omnic, open_spectra

POINTS = 50
X = np.linspace(4000.0, 400.0, POINTS, dtype=np.float32).astype(float)
ABSORBANCE = 0.02 + 0.8 * np.exp(-(((X - 1700.0) / 90.0) ** 2))

WAVENUMBER, DATA_POINTS, NANOMETRE, MICROMETRE, RAMAN_SHIFT = 1, 2, 3, 4, 32
REFLECTANCE, SINGLE_BEAM, TRANSMITTANCE, A, VOLTS, RAMAN_INTENSITY = 11, 15, 16, 17, 22, 31
HEADER, ORDINATES, COMMENT, HISTORY, NAME = 2, 3, 4, 0x1B, 0x6B
MOMENT = datetime(2015, 4, 9, 2, 45, 41)
SECONDS = int((MOMENT - datetime(1899, 12, 31)).total_seconds())


def spectral_header(points=POINTS, x=WAVENUMBER, y=A, first=4000.0, last=400.0):
    raw = bytearray(140)
    struct.pack_into("<III", raw, 0, 3, points, x)
    struct.pack_into("<Iff", raw, 12, y, first, last)
    struct.pack_into("<I", raw, 36, 32)
    struct.pack_into("<I", raw, 52, 256)
    struct.pack_into("<f", raw, 80, 15798.25)
    return bytes(raw)


def omnic_file(*sections, title=b"Polystyrene film", count=None):
    """Sections as ``(key, bytes)``, or ``(key, bytes, offset, length)`` where these lie."""
    start = b"Spectral Data File\r\n".ljust(30, b"\0") + title.ljust(256, b"\0")
    start = start.ljust(294, b"\0")
    start += struct.pack("<HI", len(sections) if count is None else count, SECONDS)
    start = start.ljust(304, b"\0")
    at = 304 + 16 * (len(sections) + 1)
    table, body = b"", b""
    for key, raw, *lie in sections:
        offset, length = lie or (at, len(raw))
        table += struct.pack("<BBII6x", key, 0, offset, length)
        body += raw
        at += len(raw)
    return start + table + bytes(16) + body


def single(heights=ABSORBANCE, *more, **said):
    raw = np.asarray(heights).astype("<f4").tobytes()
    return omnic_file((HEADER, spectral_header(**said)), *more, (ORDINATES, raw))


def opened(folder, content, name="a.spa"):
    path = folder / name
    path.write_bytes(content)
    return open_spectra(path)


def test_an_absorbance(tmp_path):
    history = (
        "Collect Sample\r\n\tBackground collected on Thu Apr 09\r\n\tFinal format:\tAbsorbance\r\n"
        "\tResolution:\t 4.000 from 400.0 to 4000.0\r\n\tDetector:\tMCT/A\r\n"
        "\tAtmospheric suppression: water vapor\r\n"
    )
    more = (HISTORY, history.encode() + b"\0"), (COMMENT, b"cast film, neat\0")
    (spectrum,) = opened(tmp_path, single(ABSORBANCE, *more))
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "absorbance")
    np.testing.assert_allclose(spectrum.x, X, atol=1e-3)
    np.testing.assert_allclose(spectrum.y, ABSORBANCE, rtol=1e-6)
    assert spectrum.title == "Polystyrene film" and spectrum.warnings == ()
    assert dict(spectrum.metadata) == {
        "date": "2015-04-09T02:45:41+00:00", "scans": 32, "background_scans": 256,
        "resolution_per_cm": 4.0, "detector": "MCT/A", "phase": "liquid",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "scale", "expected"),
    [
        ({"y": TRANSMITTANCE}, 100, ("IR", "1/cm", "transmittance")),
        ({"y": REFLECTANCE}, 100, ("IR", "1/cm", "reflectance")),
        ({"x": MICROMETRE, "first": 2.5, "last": 25.0, "y": TRANSMITTANCE}, 100,
         ("IR", "1/cm", "transmittance")),
        ({"x": NANOMETRE, "first": 1000.0, "last": 2500.0}, 1, ("IR", "1/cm", "absorbance")),
        ({"x": NANOMETRE, "first": 250.0, "last": 700.0}, 1, ("UV-Vis", "nm", "absorbance")),
        ({"x": RAMAN_SHIFT, "y": RAMAN_INTENSITY}, 1, ("Raman", "1/cm", "intensity")),
    ],
)  # fmt: skip
def test_codes_become_our_units(tmp_path, said, scale, expected):
    y = 0.5 + ABSORBANCE / 2
    (spectrum,) = opened(tmp_path, single(scale * y, **said))
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == expected
    np.testing.assert_allclose(spectrum.y, y, rtol=1e-6)
    assert spectrum.warnings == ()


def test_the_laser_of_a_raman_spectrum(tmp_path):
    more = ((HISTORY, b"Raman laser frequency: 9393.642 cm-1\r\n"),)
    (spectrum,) = opened(tmp_path, single(ABSORBANCE, *more, x=RAMAN_SHIFT, y=RAMAN_INTENSITY))
    assert spectrum.metadata["laser_wavelength_nm"] == pytest.approx(1064.55, abs=0.01)


def test_a_single_beam_is_said_to_be_one(tmp_path):
    (spectrum,) = opened(tmp_path, single(y=SINGLE_BEAM))
    assert spectrum.y_unit == "intensity" and "single-beam" in spectrum.warnings[0]


def group(lie=None):
    sections = []
    for index in range(3):
        name = f"spectrum {index}".encode().ljust(256, b"\0") + struct.pack("<I", SECONDS + index)
        y = (ABSORBANCE + index).astype("<f4").tobytes()
        place = (1 << 30, len(y)) if lie == index else ()
        sections += [
            (NAME, name), (HEADER, spectral_header(first=4000.0 - index)), (ORDINATES, y, *place),
        ]  # fmt: skip
    return omnic_file(*sections)


def test_a_group_of_spectra(tmp_path):
    spectra = opened(tmp_path, group(), "a.spg")
    assert [s.title for s in spectra] == ["spectrum 0", "spectrum 1", "spectrum 2"]
    assert [s.x[0] for s in spectra] == [4000.0, 3999.0, 3998.0]
    np.testing.assert_allclose(spectra[2].y, ABSORBANCE + 2, rtol=1e-6)
    assert spectra[2].metadata["date"] == "2015-04-09T02:45:43+00:00"
    assert spectra[1].source.block == "spectrum 2"


def test_a_lost_spectrum_does_not_lose_its_neighbours(tmp_path):
    spectra = opened(tmp_path, group(lie=1), "a.spg")
    assert [s.title for s in spectra] == ["spectrum 0", "spectrum 2"]
    assert "1 of 3 spectra could not be read: spectrum 2" in spectra[0].warnings[0]


def test_a_table_that_does_not_count_its_entries(tmp_path):
    heights = ABSORBANCE.astype("<f4").tobytes()
    for count in (0, 60_000):
        content = omnic_file((HEADER, spectral_header()), (ORDINATES, heights), count=count)
        assert len(opened(tmp_path, content)[0]) == POINTS


def test_a_cut_file_gives_what_is_there(tmp_path):
    (spectrum,) = opened(tmp_path, single()[:-80])
    assert len(spectrum) == POINTS - 20 and "cut short" in spectrum.warnings[0]
    np.testing.assert_allclose(spectrum.x, X[:-20], atol=1e-3)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (single(x=DATA_POINTS), "an interferogram"),
        (single(x=9), "an axis of kind 9"),
        (single(points=1 << 30), "points in a section of 200 bytes"),
        (single(points=0), "found 0"),
        (single(first=float("nan")), "nan"),
        (single(first=500.0, last=500.0), "50 points from 500 to 500"),
        (single(np.full(POINTS, np.nan)), "not one point"),
        (omnic_file((HEADER, spectral_header())), "no ordinates"),
        (omnic_file((ORDINATES, bytes(200))), "no header"),
        (omnic_file(), "no header"),
    ],
)
def test_what_is_no_spectrum_is_refused_by_name(tmp_path, content, found):
    with pytest.raises(FormatError, match=found):
        opened(tmp_path, content)


WHOLE = {"single": single(ABSORBANCE, (HISTORY, b"Resolution: 4.000\0")), "group": group()}


@pytest.mark.parametrize("kind", list(WHOLE))
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_an_error_or_a_spectrum(tmp_path_factory, kind, data):
    content = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(18, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("cut") / "a.spa"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    begun = time.monotonic()
    with suppress(FormatError):
        assert omnic.read(path)
    assert time.monotonic() - begun < 5


def test_a_spectrum_of_a_microscope(samples):
    (spectrum,) = open_spectra(samples / "ir" / "25_omnic.spa")
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "absorbance")
    # Count, ends, heights and time as spectrochempy-omnic 0.2.1 reads them.
    assert len(spectrum) == 1738
    np.testing.assert_allclose(spectrum.x[[0, 1, -1]], [3999.703125, 3997.77462784, 649.90356445])
    np.testing.assert_allclose(spectrum.y[:3], [0.04399836, 0.04312276, 0.04218995], rtol=1e-6)
    assert spectrum.y[-3:].tolist() == [6.0, 6.0, 6.0]
    assert spectrum.metadata["date"] == "2015-04-09T02:45:41+00:00"
    assert (spectrum.metadata["scans"], spectrum.metadata["background_scans"]) == (32, 256)
    # The program wrote place and local time into the title too.
    assert "Position (X,Y): 367.12, 1270.59" in spectrum.title
    assert "Thu Apr 09 04:46:25 2015 (GMT+02:00)" in spectrum.title
