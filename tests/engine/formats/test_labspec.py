"""LabSpec text gives a Raman spectrum, series or map with its settings, never a table of IR."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, labspec, open_spectra

SHIFT = np.linspace(100.5, 3200.2, 400)
COUNTS = 200.0 + 900.0 * np.exp(-(((SHIFT - 520.7) / 8.0) ** 2))
HEADER = (
    "#Acq. time (s)=\t10\r\n#Accumulations=\t3\r\n#Range (cm-1)=\t100...3200\r\n"
    "#Detector temperature (°C)=\t-60.12\r\n#Instrument=\tLabRAM HR Evol\r\n#Detector=\tSynapse\r\n"
    "#Objective=\tx100_VIS\r\n#Grating=\t1800 (500nm)\r\n#Laser=\t532nm_Edge\r\n#X (µm)=\t2\r\n"
    "#Y (µm)=\t-4.5\r\n#Sample=\tsilicon wafer\r\n#Title=\tSi_01\r\n#Remark=\t\r\n"
    "#Acquired=\t10.12.2019 10:16:02\r\n#AxisType[1]=\tSpectr\r\n#AxisUnit[1]=\t1/cm\r\n"
)


def pairs(x=SHIFT, y=COUNTS):
    return "".join(f"{a:.6f}\t{b:.2f}\r\n" for a, b in zip(x, y, strict=True))


def line(values, before=""):
    return before + "\t".join(f"{value:.4f}" for value in values) + "\r\n"


def opened(folder, text, encoding="utf-8"):
    path = folder / "a.txt"
    path.write_bytes(text.encode(encoding))
    return open_spectra(path)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-8-sig"])
def test_a_spectrum_and_its_settings(tmp_path, encoding):
    (spectrum,) = opened(tmp_path, HEADER + pairs(), encoding)
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("Raman", "1/cm", "intensity")
    np.testing.assert_allclose(spectrum.x, SHIFT, atol=1e-6)
    np.testing.assert_allclose(spectrum.y, COUNTS, atol=0.01)
    assert spectrum.title == "Si_01" and spectrum.warnings == ()
    assert dict(spectrum.metadata) == {
        "laser_wavelength_nm": 532.0, "exposure_s": 10.0, "accumulations": 3,
        "instrument": "LabRAM HR Evol", "detector": "Synapse", "objective": "x100_VIS",
        "grating": "1800 (500nm)", "sample": "silicon wafer", "date": "2019-12-10T10:16:02",
        "position_x_um": 2.0, "position_y_um": -4.5,
    }  # fmt: skip


def test_a_short_header_without_a_unit(tmp_path):
    text = "#Acq. time (s)=\t2.5\n#Accumulations=\t3\n#Laser (nm)=\t785 nm\n" + pairs()
    (spectrum,) = opened(tmp_path, text)
    assert spectrum.technique == "Raman" and spectrum.metadata["laser_wavelength_nm"] == 785


def test_wavelengths_become_raman_shift(tmp_path):
    wavelengths = 1e7 / (1e7 / 532.0 - SHIFT)
    for header in (
        HEADER.replace("1/cm", "nm"),
        HEADER.split("#AxisType")[0].replace("Range (cm-1)", "Range (nm)"),
    ):
        (spectrum,) = opened(tmp_path, header + pairs(wavelengths))
        np.testing.assert_allclose(spectrum.x, SHIFT, atol=0.05)
        assert "532 nm" in spectrum.warnings[0]
    with pytest.raises(FormatError, match="laser"):
        opened(tmp_path, HEADER.replace("1/cm", "nm").replace("532nm", "green") + pairs())


def test_a_map_and_a_series(tmp_path):
    rows = [line(COUNTS * (i + 1), f"{i // 2}\t{i % 2}\t") for i in range(4)]
    spectra = opened(tmp_path, HEADER + line(SHIFT, "\t\t") + "".join(rows))
    assert [s.metadata["place"] for s in spectra] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    np.testing.assert_allclose(spectra[3].x, SHIFT, atol=1e-4)
    np.testing.assert_allclose(spectra[3].y, COUNTS * 4, atol=1e-3)
    assert "position_x_um" not in spectra[3].metadata
    rows = [line(COUNTS * (i + 1), f"{i * 10}\t") for i in range(3)]
    spectra = opened(tmp_path, HEADER + line(SHIFT, "\t") + "".join(rows))
    assert [s.metadata["place"] for s in spectra] == [(0,), (10,), (20,)]


def test_a_broken_row_does_not_lose_its_neighbours(tmp_path):
    rows = [line(COUNTS, "0\t"), line(COUNTS[:7], "1\t"), "2\tbroken\r\n", line(COUNTS, "3\t")]
    spectra = opened(tmp_path, HEADER + line(SHIFT, "\t") + "".join(rows))
    assert [s.metadata["place"] for s in spectra] == [(0,), (3,)]
    assert "2 of 4 spectra could not be read: spectrum 2" in spectra[0].warnings[0]


def test_no_more_spectra_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(labspec, "MAX_SPECTRA", 2)
    rows = "".join(line(COUNTS, f"{i}\t") for i in range(5))
    spectra = opened(tmp_path, HEADER + line(SHIFT, "\t") + rows)
    assert len(spectra) == 2 and "holds 5 spectra; the first 2" in spectra[0].warnings[0]


@pytest.mark.parametrize("rest", ["", "words only\r\n", line(SHIFT, "\t"), "\t\tfoo\tbar\r\n"])
def test_settings_without_a_spectrum(tmp_path, rest):
    with pytest.raises(FormatError):
        labspec.read(write(tmp_path, HEADER + rest))


def write(folder, text):
    path = folder / "a.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_two_columns_of_counts_without_a_header(tmp_path):
    (spectrum,) = opened(tmp_path, pairs())
    assert spectrum.technique == "Raman"
    assert "as counts do" in spectrum.warnings[0]


def test_the_same_columns_in_absorbance(tmp_path):
    (spectrum,) = opened(tmp_path, pairs(y=COUNTS / 1000))
    assert (spectrum.technique, spectrum.y_unit) == ("IR", "absorbance")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_file_is_an_error_or_a_spectrum(tmp_path_factory, data):
    text = HEADER + line(SHIFT, "\t\t") + line(COUNTS, "0\t1\t") + line(COUNTS, "0\t2\t")
    path = write(tmp_path_factory.mktemp("cut"), text[: data.draw(st.integers(1, len(text)))])
    with suppress(FormatError):
        assert labspec.read(path)


def test_a_table_of_bruker_opus(samples):
    (spectrum,) = open_spectra(samples / "ir" / "24_bruker_dpt.dpt")
    assert (spectrum.technique, spectrum.y_unit, len(spectrum)) == ("IR", "transmittance", 1816)
    np.testing.assert_allclose(spectrum.x[[0, -1]], [4000.1161, 499.53234])
    assert spectrum.y[0] == 0.90603
