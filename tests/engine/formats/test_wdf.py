"""Renishaw WDF files give single spectra, series and maps in Raman shift; damaged ones say why."""

from __future__ import annotations

import struct
import time
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, open_spectra, optical_binary, wdf

POINTS = 30
SHIFT = np.linspace(1800.0, 100.0, POINTS)
COUNTS = 200.0 + 5000.0 * np.exp(-(((SHIFT - 520.0) / 60.0) ** 2))
LASER_NM = 532.25

RAMAN_SHIFT, WAVENUMBER, NANOMETRE, EV, MICRON, COUNT_UNIT, CELSIUS = 1, 2, 3, 4, 5, 6, 21
FREQUENCY, SPATIAL_X, SPATIAL_Y, TEMPERATURE, FLAGS = 19, 3, 4, 9, 17
MULTITRACK = 8


def section(name, body, size=None):
    return struct.pack("<4sIQ", name, 0, len(body) + 16 if size is None else size) + body


def header(points=POINTS, spectra=1, collected=None, x=None, flags=0, origins=0, laser=None):
    wavenumber = 1e7 / LASER_NM if laser is None else laser
    start = struct.pack("<4sIQQ16s12x", b"WDF1", 1, 512, flags, b"")
    start += struct.pack(
        "<IIIQQIIII", 0, 0, points, spectra, spectra if collected is None else collected, 3, 1,
        points if x is None else x, origins,
    )  # fmt: skip
    start += struct.pack("<24s4HII", b"WiRE", 4, 1, 0, 4308, 1, 1 if spectra == 1 else 3)
    # 2017-05-16 14:49:12 UTC in units of 100 ns since 1601.
    start += struct.pack("<QQIf", 131394197520000000, 0, COUNT_UNIT, wavenumber)
    return (start + bytes(48) + struct.pack("<32s160s", b"chemist", b"Silicon")).ljust(512, b"\0")


def axis(x=SHIFT, unit=RAMAN_SHIFT, kind=FREQUENCY):
    return section(b"XLST", struct.pack("<II", kind, unit) + np.asarray(x, "<f4").tobytes())


def data(*rows):
    return section(b"DATA", b"".join(np.asarray(row, "<f4").tobytes() for row in rows))


def origin(kind, unit, values, form="<d"):
    body = b"".join(struct.pack(form, value) for value in values)
    return struct.pack("<II16s", kind, unit, b"") + body


def origins(*parts):
    return section(b"ORGN", struct.pack("<I", len(parts)) + b"".join(parts))


def text(key, value):
    raw = value.encode()
    return struct.pack("<BBHI", ord("u"), 0, key, len(raw)) + raw


def custom(key, name):
    return struct.pack("<BBHI", ord("k"), 0, key, len(name)) + name.encode()


def properties(*items):
    body = b"".join(items)
    return b"PSET" + struct.pack("<I", len(body)) + body


def nested(key, *items):
    body = b"".join(items)
    return struct.pack("<BBHI", ord("p"), 0, key, len(body)) + body


STATE = section(b"WXIS", properties(
    custom(0x8001, "Microscope"), custom(0x8002, "System Configuration"), custom(0x8003, "Grating"),
    nested(0x8001, text(1023, "x50")), nested(0x8002, text(1019, "532 nm edge"),
                                              text(0x8003, "1800 l/mm (vis)")),
))  # fmt: skip
PLAN = section(b"WXDM", properties(
    custom(0x8001, "Exposure Time"), struct.pack("<BBHi", ord("i"), 0, 0x8001, 10000),
))  # fmt: skip


def opened(folder, *sections):
    path = folder / "a.wdf"
    path.write_bytes(b"".join(sections))
    return open_spectra(path)


def test_a_single_spectrum(tmp_path):
    comment = section(b"TEXT", b"a powder of silicon\0")
    (spectrum,) = opened(tmp_path, header(), data(COUNTS), axis(), comment, PLAN, STATE)
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("Raman", "1/cm", "intensity")
    np.testing.assert_allclose(spectrum.x, SHIFT, rtol=1e-6)
    np.testing.assert_allclose(spectrum.y, COUNTS, rtol=1e-6)
    assert spectrum.title == "Silicon" and spectrum.warnings == ()
    assert dict(spectrum.metadata) == {
        "laser_wavelength_nm": pytest.approx(LASER_NM, rel=1e-6), "laser": "532 nm edge",
        "grating": "1800 l/mm (vis)", "objective": "x50", "exposure_s": 10.0, "accumulations": 3,
        "instrument": "Renishaw", "software": "WiRE 4.1.0.4308", "comment": "a powder of silicon",
        "date": "2017-05-16T14:49:12+00:00", "phase": "solid",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("x", "unit"),
    [
        (1e7 / (1e7 / LASER_NM - SHIFT), NANOMETRE),
        (1e7 / LASER_NM - SHIFT, WAVENUMBER),
        ((1e7 / LASER_NM - SHIFT) / 8065.544, EV),
    ],
)
def test_other_axes_become_raman_shift(tmp_path, x, unit):
    (spectrum,) = opened(tmp_path, header(), data(COUNTS), axis(x, unit))
    assert spectrum.x_unit == "1/cm"
    np.testing.assert_allclose(spectrum.x, SHIFT, atol=0.01)
    assert "532.25 nm" in spectrum.warnings[0]
    with pytest.raises(FormatError, match="laser"):
        opened(tmp_path, header(laser=float("nan")), data(COUNTS), axis(x, unit))


def the_map(count=6, collected=None):
    where = origins(
        origin(SPATIAL_X, MICRON, range(count)),
        origin(SPATIAL_Y | 0x80000000, MICRON, [-y for y in range(count)]),
        origin(TEMPERATURE, CELSIUS, [25.0 + i for i in range(count)]),
        origin(FLAGS, 0, [int(i == 2) for i in range(count)], "<Q"),
    )
    rows = [COUNTS * (i + 1) for i in range(count)]
    return header(spectra=count, collected=collected, origins=4), data(*rows), axis(), where


def test_a_map_gives_its_spectra_with_their_places(tmp_path):
    spectra = opened(tmp_path, *the_map())
    assert len(spectra) == 6
    for index, spectrum in enumerate(spectra):
        np.testing.assert_allclose(spectrum.y, COUNTS * (index + 1), rtol=1e-6)
        said = spectrum.metadata
        assert (said["position_x_um"], said["position_y_um"]) == (index, -index)
        assert said["temperature_k"] == pytest.approx(298.15 + index)
        assert spectrum.source.block == f"spectrum {index + 1}"
        assert bool(spectrum.warnings) == (index == 2)
    assert "saturated" in spectra[2].warnings[0]


def test_a_measurement_that_was_stopped(tmp_path):
    spectra = opened(tmp_path, *the_map(collected=4))
    assert len(spectra) == 4 and "6 spectra were planned; 4" in spectra[0].warnings[0]


def test_no_more_spectra_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(optical_binary, "MAX_SPECTRA", 2)
    monkeypatch.setattr(wdf, "MAX_SPECTRA", 2)
    spectra = opened(tmp_path, *the_map())
    assert len(spectra) == 2 and "declares 6 spectra; the first 2" in spectra[0].warnings[0]


def test_spectra_that_the_data_do_not_reach(tmp_path):
    spectra = opened(tmp_path, header(spectra=5), data(COUNTS, COUNTS * 2), axis())
    assert len(spectra) == 2
    assert "3 of 5 spectra could not be read: spectrum 3" in spectra[0].warnings[0]


def test_properties_that_lie_lose_only_themselves(tmp_path):
    lies = [
        section(b"WXIS", b"PSET" + struct.pack("<I", 1 << 31) + bytes(40)),
        section(b"WXIS", properties(struct.pack("<BBHI", ord("i"), 0x80, 1, 1 << 31))),
        section(b"WXIS", properties(struct.pack("<BBHi", ord("i"), 0, 9999, 1))),
        section(b"WXIS", properties(text(1023, "x50")), size=1 << 40),
    ]
    for lie in lies:
        begun = time.monotonic()
        (spectrum,) = opened(tmp_path, header(), data(COUNTS), axis(), lie)
        np.testing.assert_allclose(spectrum.y, COUNTS, rtol=1e-6)
        assert "objective" not in spectrum.metadata
        assert time.monotonic() - begun < 5


def test_packed_properties_are_unpacked_within_bounds(tmp_path):
    packed = zlib.compress(bytes(80 << 20), 9)
    item = struct.pack("<BBHII", ord("u"), 0x40, 1023, len(packed) + 4, 80 << 20) + packed
    bomb = section(b"WXIS", properties(item))
    begun = time.monotonic()
    (spectrum,) = opened(tmp_path, header(), data(COUNTS), axis(), bomb)
    assert "objective" not in spectrum.metadata and time.monotonic() - begun < 5


def test_a_section_without_length_ends(tmp_path):
    stop = section(b"WXDA", b"", size=0)
    begun = time.monotonic()
    (spectrum,) = opened(tmp_path, header(), data(COUNTS), axis(), stop, PLAN)
    assert len(spectrum) == POINTS and "exposure_s" not in spectrum.metadata
    with pytest.raises(FormatError, match="axis"):
        opened(tmp_path, header(), data(COUNTS), stop, axis())
    assert time.monotonic() - begun < 5


def test_a_cut_file_gives_what_is_there(tmp_path):
    path = tmp_path / "a.wdf"
    path.write_bytes((header() + axis() + data(COUNTS))[:-40])
    (spectrum,) = open_spectra(path)
    assert len(spectrum) == POINTS - 10 and "cut short" in spectrum.warnings[0]
    np.testing.assert_allclose(spectrum.x, SHIFT[:-10], rtol=1e-6)


@pytest.mark.parametrize(
    ("sections", "found"),
    [
        ((header(), axis()), "DATA"),
        ((header(), data(COUNTS)), "XLST"),
        ((header(points=1 << 31), data(COUNTS), axis()), "2147483648"),
        ((header(x=1 << 31), data(COUNTS), axis()), "bytes for 2147483648 points"),
        ((header(points=10, x=POINTS), data(COUNTS), axis()), "30 x values for 10 points"),
        ((header(flags=MULTITRACK), data(COUNTS), axis()), "each track"),
        ((header(), data(COUNTS), axis(unit=16)), "Pixels"),
        ((header(), data(COUNTS), axis(unit=999)), "999"),
        ((header(), data(np.full(POINTS, np.nan)), axis()), "not one point"),
        ((header(spectra=0, collected=0), data(COUNTS), axis()), "0 spectra"),
    ],
)
def test_what_is_no_spectrum_is_refused_by_name(tmp_path, sections, found):
    with pytest.raises(FormatError, match=found):
        opened(tmp_path, *sections)


WHOLE = b"".join((*the_map(), PLAN, STATE))


@settings(max_examples=150, deadline=None)
@given(drawn=st.data())
def test_a_damaged_file_is_an_error_or_a_spectrum(tmp_path_factory, damaged, drawn):
    path = tmp_path_factory.mktemp("cut") / "a.wdf"
    path.write_bytes(damaged(WHOLE, drawn))
    begun = time.monotonic()
    with suppress(FormatError):
        assert wdf.read(path)
    assert time.monotonic() - begun < 5


def test_graphene_of_a_microscope(samples):
    (spectrum,) = open_spectra(samples / "ir" / "27_raman_renishaw.wdf")
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("Raman", "1/cm", "intensity")
    # Count, ends, heights and laser as renishawWiRE 0.1.16, another reader, gives them.
    assert len(spectrum) == 1015
    np.testing.assert_allclose(spectrum.x[[0, -1]], [2787.5144, 1226.2753], rtol=1e-7)
    np.testing.assert_allclose(
        spectrum.y[[0, 1, -2, -1]], [47.09271, 63.394028, 27.639141, 21.815458], rtol=1e-6
    )
    tallest = np.argsort(spectrum.y)[-3:]
    np.testing.assert_allclose(spectrum.x[tallest], [2676.2039, 2674.8005, 2671.994], rtol=1e-7)
    np.testing.assert_allclose(spectrum.y[tallest], [1828.7476, 1839.0671, 1863.256], rtol=1e-7)
    assert spectrum.metadata["laser_wavelength_nm"] == pytest.approx(532.2500935076091)
    assert spectrum.title == "Single scan measurement 1"
    # The 2D band of graphene at a laser of 532 nm, and its G band.
    g = (spectrum.x > 1500) & (spectrum.x < 1650)
    assert abs(spectrum.x[g][np.argmax(spectrum.y[g])] - 1582) < 8
    assert spectrum.metadata["date"].startswith("2017-05-16T14:49:12")
