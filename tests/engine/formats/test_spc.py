"""GRAMS SPC files of every layout give their spectra in our units; damaged ones say why not."""

from __future__ import annotations

import struct
import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, open_spectra, optical_binary, spc

X = np.linspace(400.0, 4000.0, 37)
Y = 0.05 + 0.9 * np.exp(-(((X - 1700.0) / 150.0) ** 2))

# Flags and codes as SPC.H names them.
TSPREC, TMULTI, TALABS, TXYXYS, TXVALS = 1, 4, 32, 64, 128
WAVENUMBER, MICROMETRE, NANOMETRE, MINUTES, MASS, PPM, RAMAN = 1, 2, 3, 5, 9, 10, 13
ARBITRARY, INTERFEROGRAM, ABSORBANCE, COUNTS, PERCENT, TRANSMISSION = 0, 1, 2, 4, 11, 128
FLOAT = -128


def fixed(y, exponent, bits):
    return np.round(np.asarray(y) * 2.0 ** (bits - exponent)).astype(f"i{bits // 8}")


def ordinates(y, order, exponent, flags):
    if exponent == FLOAT:
        return np.asarray(y, f"{order}f4").tobytes()
    bits = 16 if flags & TSPREC else 32
    return fixed(y, exponent, bits).astype(f"{order}i{bits // 8}").tobytes()


def subheader(order, exponent=0, index=0, z=0.0, points=0):
    return struct.pack(f"{order}BbHfffiif4x", 0, exponent, index, z, z, 0.0, points, 1, 0.0)


def header(
    order="<", flags=0, exponent=FLOAT, points=37, first=400.0, last=4000.0, subfiles=1,
    x=WAVENUMBER, y=ABSORBANCE, z=0, experiment=0, date=0, resolution=b"", source=b"", memo=b"",
    labels=b"", log=0,
):  # fmt: skip
    version = 0x4B if order == "<" else 0x4C
    start = struct.pack(
        f"{order}BBBbiddiBBBBI", flags, version, experiment, exponent, points, first, last,
        subfiles, x, y, z, 0, date,
    )  # fmt: skip
    texts = struct.pack("9s9s2x32x130s30s", resolution, source, memo, labels)
    return (start + texts + struct.pack(f"{order}i", log)).ljust(512, b"\0")


def single(order="<", exponent=FLOAT, flags=0, heights=Y, **said):
    return (
        header(order, flags=flags, exponent=exponent, **said)
        + subheader(order, exponent)
        + ordinates(heights, order, exponent, flags)
    )


def old(y=Y, exponent=1, flags=0, x_code=WAVENUMBER, y_code=ABSORBANCE, count=1):
    year = 1993 | 3 << 12  # the high bits are the unit of z
    start = struct.pack(
        "<BBhfffBBHBBBB", flags, 0x4D, exponent, len(y), 400.0, 4000.0, x_code, y_code, year,
        11, 22, 8, 46,
    )  # fmt: skip
    rest = struct.pack("8s2x2x28x130s30x", b"8 cm-1", b"film of polystyrene")
    parts = [start + rest]
    for index in range(count):
        words = fixed(np.asarray(y) * (index + 1), exponent, 32).astype(">i4").view(">u2")
        # High word first, each word with its low byte first.
        parts += [subheader("<", exponent, index), words.astype("<u2").tobytes()]
    return b"".join(parts)


def opened(folder, content, name="a.spc"):
    path = folder / name
    path.write_bytes(content)
    return open_spectra(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("exponent", "flags", "tolerance"),
    [(FLOAT, 0, 1e-7), (1, 0, 1e-9), (-3, 0, 1e-9), (1, TSPREC, 2e-5)],
)
def test_evenly_spaced_ordinates_of_each_kind(tmp_path, order, exponent, flags, tolerance):
    y = Y if exponent != -3 else Y / 16
    (spectrum,) = opened(tmp_path, single(order, exponent, flags, y))
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "absorbance")
    np.testing.assert_allclose(spectrum.x, X)
    np.testing.assert_allclose(spectrum.y, y, atol=tolerance)
    assert spectrum.warnings == ()


def test_what_the_header_says(tmp_path):
    content = single(
        date=1997 << 20 | 3 << 16 | 9 << 11 | 8 << 6 | 46, resolution=b"4.0 CM-1",
        source=b"DL_FTS20", memo=b"Benzene, capillary film",
    )  # fmt: skip
    (spectrum,) = opened(tmp_path, content)
    assert spectrum.title == "Benzene, capillary film"
    assert dict(spectrum.metadata) == {
        "date": "1997-03-09T08:46:00", "resolution_per_cm": 4.0, "instrument": "DL_FTS20",
        "phase": "liquid",
    }  # fmt: skip


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_axis_of_its_own(tmp_path, order):
    x = np.geomspace(4000.0, 400.0, 37)
    content = (
        header(order, flags=TXVALS)
        + x.astype(f"{order}f4").tobytes()
        + subheader(order, FLOAT)
        + Y.astype(f"{order}f4").tobytes()
    )
    (spectrum,) = opened(tmp_path, content)
    np.testing.assert_allclose(spectrum.x, x, rtol=1e-6)
    np.testing.assert_allclose(spectrum.y, Y, rtol=1e-6)


def test_several_subfiles_on_one_axis(tmp_path):
    parts = [header(flags=TMULTI, exponent=0, subfiles=3, z=MINUTES)]
    for index, exponent in enumerate((1, 3, FLOAT)):
        parts.append(subheader("<", exponent, index, z=index * 0.5))
        parts.append(ordinates(Y * (index + 1), "<", exponent, 0))
    spectra = opened(tmp_path, b"".join(parts))
    assert len(spectra) == 3
    for index, spectrum in enumerate(spectra):
        np.testing.assert_allclose(spectrum.y, Y * (index + 1), atol=1e-6)
        assert spectrum.source.block == f"subfile {index + 1}"
        assert (spectrum.metadata["z"], spectrum.metadata["z_unit"]) == (index * 0.5, "min")


def own_axes(directory=True, order="<", lie=None):
    lengths = (5, 9, 3)
    body, entries, at = b"", b"", 512
    for index, length in enumerate(lengths):
        x = 100.0 + np.cumsum(np.arange(length) + 1.0)
        y = np.arange(length) * 100.0 + index
        part = subheader(order, 15, index, points=length)
        part += x.astype(f"{order}f4").tobytes() + ordinates(y, order, 15, 0)
        place = at if lie is None or lie[0] != index else lie[1]
        entries += struct.pack(f"{order}IIf", place, len(part), float(index))
        body += part
        at += len(part)
    start = header(
        order, flags=TMULTI | TXYXYS | TXVALS, exponent=0, x=MASS, y=ARBITRARY, subfiles=3,
        points=at if directory else 0,
    )  # fmt: skip
    return start + body + (entries if directory else b"")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("directory", [True, False])
def test_subfiles_with_axes_of_their_own(tmp_path, directory, order):
    spectra = opened(tmp_path, own_axes(directory, order))
    assert [len(s) for s in spectra] == [5, 9, 3]
    assert {(s.technique, s.x_unit, s.kind) for s in spectra} == {("MS", "m/z", "sticks")}
    assert spectra[1].x.tolist() == [101, 103, 106, 110, 115, 121, 128, 136, 145]
    np.testing.assert_allclose(spectra[1].y, np.arange(9) * 100.0 + 1, atol=1e-4)


def test_a_lost_subfile_does_not_lose_its_neighbours(tmp_path):
    spectra = opened(tmp_path, own_axes(lie=(1, 1 << 30)))
    assert [len(s) for s in spectra] == [5, 3]
    assert "1 of 3 spectra could not be read: spectrum 2" in spectra[0].warnings[0]


def test_subfiles_that_the_file_does_not_reach(tmp_path):
    content = header(flags=TMULTI, subfiles=5000, exponent=FLOAT)
    content += (subheader("<", FLOAT) + Y.astype("<f4").tobytes()) * 3
    spectra = opened(tmp_path, content)
    assert len(spectra) == 3
    assert "of 5000 subfiles only the first 3" in spectra[0].warnings[0]


def test_no_more_spectra_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(optical_binary, "MAX_SPECTRA", 4)
    monkeypatch.setattr(spc, "MAX_SPECTRA", 4)
    content = header(flags=TMULTI, subfiles=9, exponent=FLOAT)
    content += (subheader("<", FLOAT) + Y.astype("<f4").tobytes()) * 9
    spectra = opened(tmp_path, content)
    assert len(spectra) == 4
    assert "of 9 subfiles only the first 4" in spectra[0].warnings[0]


def test_the_old_format(tmp_path):
    (spectrum,) = opened(tmp_path, old(np.where(X > 3000, -Y, Y)))
    np.testing.assert_allclose(spectrum.x, X, rtol=1e-6)
    np.testing.assert_allclose(spectrum.y, np.where(X > 3000, -Y, Y), atol=1e-9)
    assert spectrum.title == "film of polystyrene"
    assert spectrum.metadata["date"] == "1993-11-22T08:46:00"
    assert spectrum.metadata["resolution_per_cm"] == 8


def test_several_spectra_in_the_old_format(tmp_path):
    spectra = opened(tmp_path, old(exponent=3, flags=TMULTI, count=3))
    assert len(spectra) == 3
    np.testing.assert_allclose(spectra[2].y, 3 * Y, atol=1e-8)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"x": RAMAN, "y": COUNTS}, ("Raman", "1/cm", "intensity")),
        ({"x": WAVENUMBER, "y": COUNTS, "memo": b"FT-Raman of sulphur"},
         ("Raman", "1/cm", "intensity")),
        ({"x": WAVENUMBER, "experiment": 11, "y": COUNTS}, ("Raman", "1/cm", "intensity")),
        ({"x": NANOMETRE, "first": 250, "last": 700}, ("UV-Vis", "nm", "absorbance")),
        ({"x": NANOMETRE, "first": 1100, "last": 2498}, ("IR", "1/cm", "absorbance")),
        ({"x": MICROMETRE, "first": 2.5, "last": 25}, ("IR", "1/cm", "absorbance")),
        ({"x": ARBITRARY, "experiment": 4}, ("IR", "1/cm", "absorbance")),
        ({"x": ARBITRARY, "flags": TALABS, "labels": b"Wavelength (nm)\0Absorbance\0",
          "first": 250, "last": 700, "y": ARBITRARY}, ("UV-Vis", "nm", "absorbance")),
        ({"x": PPM, "first": 12, "last": -1, "y": ARBITRARY}, ("1H NMR", "ppm", "intensity")),
        ({"x": PPM, "first": 220, "last": -10, "y": ARBITRARY}, ("13C NMR", "ppm", "intensity")),
        ({"x": PPM, "first": 20, "last": -90, "y": ARBITRARY, "memo": b"19F of C6H5F"},
         ("19F NMR", "ppm", "intensity")),
    ],
)  # fmt: skip
def test_codes_and_labels_become_our_units(tmp_path, codes, expected):
    (spectrum,) = opened(tmp_path, single(**codes))
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == expected
    first, last = codes.get("first", 400), codes.get("last", 4000)
    per_centimetre = {MICROMETRE: 1e4, NANOMETRE: 1e7}.get(codes["x"])
    if per_centimetre and spectrum.x_unit == "1/cm":
        first, last = per_centimetre / first, per_centimetre / last
    np.testing.assert_allclose(spectrum.x[[0, -1]], [first, last])


@pytest.mark.parametrize(
    ("code", "scale", "said"),
    [(TRANSMISSION, 1, ""), (TRANSMISSION, 100, "percent"), (PERCENT, 100, "percent")],
)
def test_transmittance_becomes_a_fraction(tmp_path, code, scale, said):
    transmittance = 10.0**-Y
    (spectrum,) = opened(tmp_path, single(heights=scale * transmittance, y=code))
    assert spectrum.y_unit == "transmittance"
    np.testing.assert_allclose(spectrum.y, transmittance, rtol=1e-6)
    assert said in " ".join(spectrum.warnings) and bool(said) == bool(spectrum.warnings)


def log_block(lines):
    text = "\r\n".join(lines).encode() + b"\0"
    return struct.pack("<5i44x", 64 + len(text), 4096, 64, 0, 0) + text


def test_the_log_names_laser_and_instrument(tmp_path):
    body = subheader("<", FLOAT) + Y.astype("<f4").tobytes()
    place = 512 + len(body)
    content = header(x=RAMAN, y=COUNTS, log=place) + body
    content += log_block(["Instrument = inVia", "Laser wavelength=785.1 nm", "no equals sign"])
    (spectrum,) = opened(tmp_path, content)
    assert spectrum.metadata["instrument"] == "inVia"
    assert spectrum.metadata["laser_wavelength_nm"] == 785.1


def test_wavelengths_of_a_raman_spectrum_need_the_laser(tmp_path):
    body = subheader("<", FLOAT) + Y.astype("<f4").tobytes()
    said = {"x": NANOMETRE, "y": COUNTS, "experiment": 11, "first": 540.0, "last": 600.0}
    with pytest.raises(FormatError, match="laser"):
        opened(tmp_path, header(**said) + body)
    content = header(log=512 + len(body), **said) + body + log_block(["laser=532.0"])
    (spectrum,) = opened(tmp_path, content)
    np.testing.assert_allclose(spectrum.x[0], 1e7 / 532 - 1e7 / 540)
    assert spectrum.x_unit == "1/cm" and "532" in spectrum.warnings[0]


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        ({"x": MINUTES}, "minutes"),
        ({"x": ARBITRARY}, "arbitrary units"),
        ({"x": ARBITRARY, "experiment": 1}, "a gas chromatogram"),
        ({"y": INTERFEROGRAM}, "an interferogram"),
        ({"first": 500.0, "last": 500.0}, "37 points from 500 to 500"),
    ],
)
def test_what_is_no_spectrum_is_refused_by_name(tmp_path, codes, found):
    with pytest.raises(FormatError, match=found):
        opened(tmp_path, single(**codes))


def test_heights_that_are_no_numbers(tmp_path):
    y = Y.copy()
    y[5], y[6] = np.nan, np.inf
    (spectrum,) = opened(tmp_path, single(heights=y))
    assert len(spectrum) == 35 and "not finite, left out: 2" in spectrum.warnings[0]
    with pytest.raises(FormatError, match="not one point with a finite x and y"):
        opened(tmp_path, single(heights=np.full(37, np.nan)))


def test_a_file_cut_within_its_ordinates(tmp_path):
    (spectrum,) = opened(tmp_path, single()[:-40])
    assert len(spectrum) == 27 and "cut short: 27 of 37" in spectrum.warnings[0]
    np.testing.assert_allclose(spectrum.x, X[:27])


@pytest.mark.parametrize("points", [1 << 30, (1 << 31) - 1, 0, -5])
def test_a_point_count_that_lies_is_refused_at_once(tmp_path, points):
    path = tmp_path / "a.spc"
    path.write_bytes(header(points=points) + subheader("<", FLOAT) + Y.astype("<f4").tobytes())
    begun = time.monotonic()
    with pytest.raises(FormatError):
        spc.read(path)
    assert time.monotonic() - begun < 5


WHOLE = {
    "little": single(exponent=1), "big": single(">"), "old": old(), "old multi": old(
        exponent=3, flags=TMULTI, count=3), "own axes": own_axes(), "no directory": own_axes(False),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(WHOLE))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_an_error_or_a_spectrum(tmp_path_factory, kind, data):
    content = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(2, min(600, len(content) - 1)))] = data.draw(
            st.integers(0, 255)
        )
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.mktemp("cut") / "a.spc"
    path.write_bytes(content[:cut])
    begun = time.monotonic()
    with suppress(FormatError):
        assert spc.read(path)
    assert time.monotonic() - begun < 5


def peaks(spectrum, windows):
    found = []
    for low, high in windows:
        inside = np.flatnonzero((spectrum.x > low) & (spectrum.x < high))
        found.append(float(spectrum.x[inside[np.argmax(spectrum.y[inside])]]))
    return found


def test_benzene_of_a_spectrometer(samples):
    (spectrum,) = open_spectra(samples / "ir" / "18_spc_benzene.SPC")
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "absorbance")
    # Count, ends and the three tallest points as spc-io 0.2.1 reads them.
    assert len(spectrum) == 1842
    np.testing.assert_allclose(spectrum.x[[0, -1]], [449.4299621582031, 4000.5])
    tallest = np.argsort(spectrum.y)[-3:]
    np.testing.assert_allclose(spectrum.x[tallest], [675.10904658, 671.25128446, 673.18016552])
    np.testing.assert_allclose(spectrum.y[tallest], [1.46609974, 1.46919966, 1.5], rtol=1e-7)
    # Bands of liquid benzene: out-of-plane and in-plane C-H, ring stretch, C-H stretch.
    bands = peaks(spectrum, [(600, 750), (1000, 1080), (1440, 1520), (3020, 3050)])
    np.testing.assert_allclose(bands, [674, 1036, 1479, 3036], atol=3)
    assert spectrum.metadata["resolution_per_cm"] == 4
    assert spectrum.metadata["date"] == "1997-03-09T08:46:00"
    assert spectrum.title.startswith("FT-IR Spectrum of Benzene")


def test_holmium_glass_of_a_uv_vis_spectrometer(samples):
    (spectrum,) = open_spectra(samples / "ir" / "21_spc_uvvis_holmium.SPC")
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("UV-Vis", "nm", "absorbance")
    assert len(spectrum) == 901
    assert spectrum.x[[0, -1]].tolist() == [250.0, 700.0]
    np.testing.assert_allclose(spectrum.y.max(), 3.374699831008911)
    # The certified maxima of holmium glass filters, in nm.
    bands = peaks(spectrum, [(355, 366), (415, 423), (530, 541), (630, 645)])
    np.testing.assert_allclose(bands, [360.9, 418.6, 536.4, 637.6], atol=1.0)
    assert spectrum.metadata["date"] == "1992-03-04T14:31:00"
