"""Columns of text: the dialects that instruments and people write, and what the reader says."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats.delimited_text import READER, read
from engine.formats.errors import FormatError


def table(folder, text, name="a.csv", technique=None):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read(path, technique)


IR_ROWS = [
    (4000 - 2 * i, 0.9 - 0.5 * np.exp(-(((4000 - 2 * i) - 1700) ** 2) / 400)) for i in range(1800)
]


@pytest.mark.parametrize("separator", [",", ";", "\t", "  "])
@pytest.mark.parametrize("header", ["", "wavenumber{0}transmittance\n"])
def test_separators_with_and_without_header(tmp_path, separator, header):
    rows = "\n".join(f"{x}{separator}{y:.6f}" for x, y in IR_ROWS)
    (spectrum,) = table(tmp_path, header.format(separator) + rows)
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "transmittance")
    assert len(spectrum) == 1800 and spectrum.x[0] == 4000
    assert spectrum.warnings[0].startswith("taken for IR because")


@pytest.mark.parametrize("separator", [";", "\t", " "])
def test_decimal_commas(tmp_path, separator):
    rows = "\n".join(f"{x},25{separator}{y:.6f}".replace(".", ",") for x, y in IR_ROWS)
    (spectrum,) = table(tmp_path, rows)
    assert spectrum.x[0] == 4000.25 and spectrum.y.max() == pytest.approx(0.9)


def test_further_columns_are_further_spectra(tmp_path):
    text = "Wavenumber (cm-1),%T sample A,%T sample B\n4000,99,98\n3000,50,40\n2000,90,91\n"
    first, second = table(tmp_path, text)
    assert first.y.tolist() == [0.99, 0.5, 0.9] and second.y.tolist() == [0.98, 0.4, 0.91]
    assert first.title != second.title


@pytest.mark.parametrize(
    ("text", "technique", "kind", "x_unit"),
    [
        ("wavelength (nm);Abs\n200;0,12\n201;0,13\n202;0,15\n", "UV-Vis", "continuous", "nm"),
        ("ppm\tintensity\n10\t1\n9\t2\n8\t1.5\n", "1H NMR", "continuous", "ppm"),
        ("# 13C NMR\nppm intensity\n200 1\n100 2\n0 1\n", "13C NMR", "continuous", "ppm"),
        ("m/z intensity\n50 10\n77 100\n105 60\n", "MS", "sticks", "m/z"),
        ("precursor m/z: 195.08\nm/z,int\n138.06,100\n110.07,40\n", "MS/MS", "sticks", "m/z"),
        ("39 12\n51 30\n52 12\n77 100\n78 20\n123 50\n", "MS", "sticks", "m/z"),
        ("Raman shift (cm-1),counts\n100,5\n200,6\n300,7\n", "Raman", "continuous", "1/cm"),
    ],
)
def test_what_headers_and_axes_say(tmp_path, text, technique, kind, x_unit):
    (spectrum,) = table(tmp_path, text)
    assert (spectrum.technique, spectrum.kind, spectrum.x_unit) == (technique, kind, x_unit)
    assert any("taken for" in w for w in spectrum.warnings)


def test_a_technique_asked_for_is_taken(tmp_path):
    (spectrum,) = table(tmp_path, "1,2\n2,3\n3,1\n", technique="13C NMR")
    assert spectrum.technique == "13C NMR" and spectrum.x_unit == "ppm"
    assert not any("taken for 13C" in w for w in spectrum.warnings)
    with pytest.raises(ValueError):
        table(tmp_path, "1,2\n2,3\n", technique="smell")


@pytest.mark.parametrize(
    "text", ["", "hello\nworld\n", "x,y\n", "1\n2\n3\n", "nan,nan\nnan,1\n", "\0\0"]
)
def test_what_is_no_table_is_refused(tmp_path, text):
    with pytest.raises(FormatError):
        table(tmp_path, text)


def test_real_files(samples):
    (dpt,) = read(samples / "ir/24_bruker_dpt.dpt")
    assert (dpt.technique, len(dpt), dpt.y_unit) == ("IR", 1816, "transmittance")
    assert dpt.x[[0, -1]].tolist() == [4000.1161, 499.53234]
    (csv,) = read(samples / "ir/26_csv_noheader.CSV")
    assert (csv.technique, len(csv)) == ("IR", 3736)
    assert csv.x[[0, -1]].tolist() == [399.1926, 4000.605]
    (dart,) = read(samples / "ms/dart_AcetylFentanyl_60V.txt", "MS/MS")
    # Acetylfentanyl: 188.143 is the fragment C13H18N.
    assert dart.kind == "sticks" and np.abs(dart.x - 188.1434).min() < 0.005
    (ions,) = read(samples / "ms/predator_masslist.txt")
    assert ions.technique == "MS" and ions.kind == "sticks"
    for name in (
        "ir/24_bruker_dpt.dpt",
        "ir/26_csv_noheader.CSV",
        "ms/dart_AcetylFentanyl_60V.txt",
    ):
        path = samples / name
        assert 0.2 <= READER.sniff(path, path.read_bytes()[:4096]) <= 0.4


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789.,;\t -+eE\nabm/zp%T#", max_size=300))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text(text)
    READER.sniff(path, path.read_bytes())
    with contextlib.suppress(FormatError):
        assert read(path)
