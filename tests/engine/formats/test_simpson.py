"""SIMPSON files: a real simulation against its own input and spectrum, small ones as written."""

from __future__ import annotations

import math
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.errors import FormatError
from engine.formats.simpson import READER
from engine.processing.chain import apply, default_chain
from engine.processing.peaks import pick_peaks

INPUT = """spinsys {{
  channels 13C 1H
  nuclei {nuclei}
  shift 1 10p 0 0 0 0 0
}}
par {{
  proton_frequency {proton}   # of a 9.4 T magnet
  detect_operator {operator}
  np 8
}}
"""


def text(values: np.ndarray, **header) -> str:
    entries = {"NP": len(values), "SW": 8000, "TYPE": "FID"} | header
    lines = ["SIMP", *(f"{key}={value}" for key, value in entries.items()), "DATA"]
    return "\n".join([*lines, *(f"{v.real:.9g} {v.imag:.9g}" for v in values), "END", ""])


def packed(values: np.ndarray, **header) -> str:
    """SIMPSON's own binary form, bit by bit: fraction and exponent, six bits to a character."""
    raw = []
    for value in np.column_stack([values.real, values.imag]).ravel():
        fraction, exponent = math.frexp(abs(value))
        word = int(fraction * (1 << 23)) | (exponent + 127) << 23 | (value < 0) << 31
        raw += [word >> shift & 255 for shift in (0, 8, 16, 24)]
    raw += [0] * (-len(raw) % 3)
    codes = []
    for a, b, c in zip(raw[0::3], raw[1::3], raw[2::3], strict=True):
        codes += [a & 63, a >> 6 << 4 | b & 15, b >> 4 << 2 | c & 3, c >> 2]
    letters = "".join(chr(code + 33) for code in codes)
    lines = [letters[i : i + 64] for i in range(0, len(letters), 64)]
    entries = {"NP": len(values), "SW": 8000, "TYPE": "FID", "FORMAT": "BINARY"} | header
    head = ["SIMP", *(f"{key}={value}" for key, value in entries.items()), "DATA"]
    return "\n".join([*head, *lines, "END", ""])


VALUES = np.array([1 - 2j, 0.125 + 0j, -300.5 + 4j, 0 - 1e-6j, 5e7 + 0.1j, 6 + 7j, 8 - 9j])


@pytest.mark.parametrize("form", [text, packed])
def test_a_fid_as_text_and_packed(tmp_path, form):
    path = tmp_path / "a.fid"
    path.write_text(form(VALUES))
    (tmp_path / "a.in").write_text(INPUT.format(nuclei="13C 1H", proton="400e6", operator="I1p"))
    (spectrum,) = READER.read(path)
    assert spectrum.technique == "13C NMR" and spectrum.kind == "fid" and not spectrum.warnings
    np.testing.assert_allclose(spectrum.y, VALUES.real, rtol=3e-7)
    np.testing.assert_allclose(spectrum.y_imaginary, VALUES.imag, rtol=3e-7)
    np.testing.assert_allclose(spectrum.x, np.arange(7) / 8000)
    assert spectrum.metadata["frequency_mhz"] == pytest.approx(400 * 0.25145020)


def test_packed_data_against_nmrglue(tmp_path):
    from nmrglue.fileio import simpson

    path = tmp_path / "a.fid"
    path.write_text(packed(VALUES))
    _, data = simpson.read(str(path))
    (spectrum,) = READER.read(path)
    np.testing.assert_allclose(spectrum.y + 1j * spectrum.y_imaginary, np.asarray(data).ravel())


def test_a_spectrum_has_its_axis(tmp_path):
    path = tmp_path / "a.spe"
    path.write_text(text(np.arange(4) + 1j, TYPE="SPE", REF=1000))
    (tmp_path / "a.in").write_text(INPUT.format(nuclei="13C 1H", proton="400e6", operator="I2p"))
    (spectrum,) = READER.read(path)
    # REF - SW/2 = -3000 Hz and on by 2000 Hz, at 400 MHz; drawn from high to low.
    assert spectrum.technique == "1H NMR"
    np.testing.assert_allclose(spectrum.x, [7.5, 2.5, -2.5, -7.5])
    np.testing.assert_array_equal(spectrum.y, [3, 2, 1, 0])


@pytest.mark.parametrize(
    ("nuclei", "operator", "isotope"),
    [("13C 1H", "I1p", "13C"), ("13C 1H", "-I2m", "1H"), ("13C 13C", "Inp", "13C"),
     ("27Al 1H", "I1c", "27Al")],
)  # fmt: skip
def test_the_detect_operator_names_the_nucleus(tmp_path, nuclei, operator, isotope):
    (tmp_path / "a.fid").write_text(text(VALUES))
    (tmp_path / "a.in").write_text(INPUT.format(nuclei=nuclei, proton="4e8", operator=operator))
    assert READER.read(tmp_path / "a.fid")[0].technique == f"{isotope} NMR"


def test_without_its_input_the_defaults_are_said(tmp_path):
    (tmp_path / "a.spe").write_text(text(VALUES, TYPE="SPE"))
    (spectrum,) = open_spectra(tmp_path / "a.spe")
    assert spectrum.technique == "1H NMR" and spectrum.metadata["frequency_mhz"] == 400
    assert "does not lie beside it" in spectrum.warnings[0]
    (spectrum,) = open_spectra(tmp_path / "a.spe", technique="13C NMR")
    assert spectrum.technique == "13C NMR"
    assert spectrum.metadata["frequency_mhz"] == pytest.approx(100.58008)


@pytest.mark.parametrize("form", [text, packed])
def test_several_data_sets(tmp_path, form):
    values = np.concatenate([VALUES, 2 * VALUES, 3 * VALUES])
    (tmp_path / "a.fid").write_text(form(values, NP=7, NELEM=3))
    spectra = READER.read(tmp_path / "a.fid")
    assert [s.source.block for s in spectra] == ["data set 1", "data set 2", "data set 3"]
    np.testing.assert_allclose(spectra[2].y, 3 * VALUES.real, rtol=3e-7)


def test_two_dimensional_data_are_named(tmp_path):
    (tmp_path / "a.fid").write_text(text(VALUES, NI=2, SW1=1000))
    with pytest.raises(FormatError, match=r"two-dimensional data, .* \(open the same experiment"):
        READER.read(tmp_path / "a.fid")
    (tmp_path / "b.fid").write_text(text(VALUES, NI=1))
    assert len(READER.read(tmp_path / "b.fid")) == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [({"NP": ""}, "number of points"), ({"NP": -4}, "number of points"), ({"SW": 0}, "width"),
     ({"SW": "nan"}, "width"), ({"NELEM": "x"}, "data sets"),
     ({"FORMAT": "BINARY", "PREC": "DOUBLE"}, "precision")],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, header, expected):
    (tmp_path / "a.fid").write_text(text(VALUES, **header))
    with pytest.raises(FormatError, match=expected):
        READER.read(tmp_path / "a.fid")


@pytest.mark.parametrize("form", [text, packed])
@pytest.mark.parametrize("header", [{"NP": 2_000_000_000}, {"NELEM": 2_000_000_000}])
def test_sizes_that_lie(tmp_path, form, header):
    (tmp_path / "a.fid").write_text(form(VALUES, **header))
    begun = time.monotonic()
    (spectrum,) = READER.read(tmp_path / "a.fid")[:1]
    np.testing.assert_allclose(spectrum.y[:6], VALUES.real[:6], rtol=3e-7)
    assert any("cut short" in warning for warning in spectrum.warnings)
    assert time.monotonic() - begun < 5


def test_what_is_no_number_ends_the_data(tmp_path):
    (tmp_path / "a.fid").write_text(text(VALUES).replace("6 7", "6 oops"))
    (spectrum,) = READER.read(tmp_path / "a.fid")
    np.testing.assert_allclose(spectrum.y, VALUES.real[:5])
    assert "cut short" in spectrum.warnings[0]


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    binary=st.booleans(), cut=st.integers(0, 260), tail=st.binary(max_size=40),
    keep_input=st.booleans(), junk=st.binary(max_size=80),
)  # fmt: skip
def test_cut_anywhere(tmp_path, binary, cut, tail, keep_input, junk):
    path = tmp_path / "cut.fid"
    path.write_bytes((packed if binary else text)(VALUES).encode()[:cut] + tail)
    (tmp_path / "cut.in").write_bytes(b"spinsys" * keep_input + junk)
    try:
        assert READER.read(path)
    except FormatError as error:
        assert "expected" in str(error)


# --- a real simulation --------------------------------------------------------------------------


def test_a_real_fid_gives_the_spectrum_that_simpson_made_of_it(samples):
    folder = samples / "nmr/12_simpson"
    (fid,), (made,) = open_spectra(folder / "ethanol.fid"), open_spectra(folder / "ethanol.spe")
    assert fid.technique == made.technique == "1H NMR" and len(fid) == len(made) == 4096
    assert fid.metadata["frequency_mhz"] == made.metadata["frequency_mhz"] == 400
    # The first point halved, as SIMPSON does it, and transformed.
    points = fid.y + 1j * fid.y_imaginary
    points[0] /= 2
    transformed = np.fft.fftshift(np.fft.fft(points))[::-1]
    np.testing.assert_allclose(transformed.real, made.y, atol=1e-4)
    np.testing.assert_allclose(transformed.imag, made.y_imaginary, atol=1e-4)
    # The input file's shifts: CH3 at 1, CH2 at 3.5 and OH at 7 ppm, J = 30 Hz.
    for spectrum in (apply(default_chain(fid), fid), made):
        lines = np.array([peak.position for peak in pick_peaks(spectrum)])
        j = 30 / 400
        expected = [1 - j, 1, 1 + j, 3.5 - 1.5 * j, 3.5 - j / 2, 3.5 + j / 2, 3.5 + 1.5 * j, 7]
        np.testing.assert_allclose(lines, expected, atol=0.004)


def test_real_points_against_nmrglue(samples):
    from nmrglue.fileio import simpson

    for name in ("ethanol.fid", "ethanol.spe"):
        path = samples / "nmr/12_simpson" / name
        (spectrum,) = open_spectra(path)
        _, data = simpson.read(str(path))
        data = np.asarray(data).ravel()
        data = data if spectrum.kind == "fid" else data[::-1]
        np.testing.assert_allclose(spectrum.y, data.real, rtol=1e-6)
        np.testing.assert_allclose(spectrum.y_imaginary, data.imag, rtol=1e-6)


def test_content_decides(samples, tmp_path):
    shutil.copyfile(samples / "nmr/12_simpson/ethanol.spe", tmp_path / "renamed.dat")
    (spectrum,) = open_spectra(tmp_path / "renamed.dat")
    assert spectrum.kind == "continuous" and len(spectrum.warnings) == 1


def test_the_input_file_is_no_spectrum(samples):
    assert READER.sniff(Path("ethanol.in"), b"spinsys {\n nuclei 1H\n") == 0
    assert len(open_spectra(samples / "nmr/12_simpson")) == 2
