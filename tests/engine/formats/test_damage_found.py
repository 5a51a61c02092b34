"""Damage that the fuzzer once found a reader to stumble over, in its smallest form."""

from __future__ import annotations

import logging
import struct
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.formats import FormatError, open_spectra
from engine.formats.run_chromatogram import read_chromatogram
from tests.engine.formats import test_mzml, test_nmredata, test_nmrpipe, test_omnic
from tests.engine.formats.test_vendor_exports import jcamp

CSV = "Wavenumber (cm-1),A\n4000,1\n3000,2\n2000,1\n"


@pytest.fixture(autouse=True)
def no_fault_is_caught(caplog):
    """Fails a test in which the registry had to catch a reader's own fault, or a warning came."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not faults, faults[0].exc_text


def _file(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_many_tables_in_one_block_take_no_more_time_each(tmp_path):
    table = "##XYDATA=(X++(Y..Y))\n10 1 2 3\n##A=\n" * 1500
    labels = {
        "FIRSTX": "10", "LASTX": "8", "NPOINTS": "3", "DATA TYPE": "NMR SPECTRUM", "XUNITS": "PPM",
    }  # fmt: skip
    text = jcamp("10 1 2 3", **labels).replace("##END=", f"{table}##END=")
    begun = time.process_time()
    spectra = open_spectra(_file(tmp_path, "a.jdx", text))
    assert len(spectra) == 1501
    assert time.process_time() - begun < 8


def test_repeats_in_a_short_table_ask_for_no_more_than_a_spectrum(tmp_path):
    text = jcamp("1000@S9999999\n")
    with pytest.raises(FormatError, match=r"ordinates|DUP"):
        open_spectra(_file(tmp_path, "a.jdx", text))


@pytest.mark.parametrize("unit", ["<a>" * 3000, "mol " * 3000])
def test_a_unit_without_an_end_is_cut_where_it_is_said(tmp_path, unit):
    for label in ("XUNITS", "YUNITS"):
        labels = {"FIRSTX": "1000", "LASTX": "1002", "NPOINTS": "3", label: unit}
        (spectrum,) = open_spectra(_file(tmp_path, "a.jdx", jcamp("1000 1 2 3", **labels)))
        assert all(len(said) < 300 for said in spectrum.warnings) and len(spectrum.y_unit) <= 60


def test_what_an_error_quotes_is_cut(tmp_path):
    error = FormatError(tmp_path / "a.x", "a" * 5000, "b\n" * 5000)
    assert len(str(error)) < 2000 and "\n" not in str(error) and str(error).endswith("…")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_an_archive_leaves_its_neighbours(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("bad.csv", CSV * 50)
        archive.writestr("good.csv", CSV)
    data = bytearray(path.read_bytes())
    start = 30 + len("bad.csv")
    data[start + 4 : start + 24] = bytes(20)
    path.write_bytes(data)
    (spectrum,) = open_spectra(path)
    assert spectrum.source.path.endswith("good.csv")
    assert "bad.csv" in " ".join(spectrum.warnings)


@pytest.mark.parametrize(
    ("offset", "value"), [(6, b"\xff\xff"), (10, b"\x63\x00"), (28, b"\x00\x00")]
)  # the version that unpacks it, its method, the length of its name
def test_a_list_of_members_that_makes_no_sense(tmp_path, offset, value):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + offset
    data[at : at + len(value)] = value
    path.write_bytes(data)
    with pytest.raises(FormatError):
        open_spectra(path)


def test_an_encoding_that_there_is_not(tmp_path):
    text = '<?xml version="1.0" encoding="ISO-8859-99"?><mzXML></mzXML>'
    path = _file(tmp_path, "a.mzXML", text)
    for read in (open_spectra, read_chromatogram):
        with pytest.raises(FormatError, match="XML"):
            read(path)


def test_a_level_of_mass_spectrometry_that_there_is_not(tmp_path):
    scan = test_mzml._scan([50.0, 60.0], [1.0, 2.0], level="9" * 30)
    run = read_chromatogram(_file(tmp_path, "a.mzML", test_mzml._run(scan)))
    assert run.ms_level.tolist() == [100]


def test_an_atom_that_rdkit_itself_does_not_survive(tmp_path):
    carbon = "1.2990    0.7500    0.0000 C   "
    broken = test_nmredata.ETHANOL.replace(f"{carbon}0", f"{carbon}1844674407370955161")
    assert broken != test_nmredata.ETHANOL
    text = test_nmredata.record(
        structure=broken, VERSION="1.1", ASSIGNMENT=test_nmredata.ASSIGNED,
        _1D_1H=test_nmredata.PROTON,
    )  # fmt: skip
    (spectrum,) = open_spectra(_file(tmp_path, "a.nmredata.sdf", text))
    assert len(spectrum) == 3 and spectrum.warnings


def test_a_cut_spectrum_of_an_unknown_kind(tmp_path):
    content = test_omnic.single(y=99)[:-4]
    (spectrum,) = open_spectra(_file(tmp_path, "a.spa", content))
    assert len(spectrum) == test_omnic.POINTS - 1


def test_numbers_that_signal(tmp_path):
    content = bytearray(test_nmrpipe.pipe(np.arange(4.0), F2FTFLAG=1))
    struct.pack_into("<I", content, 2048, 0x7F800001)
    (spectrum,) = open_spectra(_file(tmp_path, "a.ft1", content))
    assert spectrum.y[0] == 0 and spectrum.warnings


def test_ions_of_one_mass_with_an_imaginary_part(tmp_path):
    text = (
        "# technique: MS\n# kind: sticks\nm/z [m/z],intensity,imaginary\n"
        "50,1,1\n50,2,2\n60,3,3\n"
    )  # fmt: skip
    (spectrum,) = open_spectra(_file(tmp_path, "a.csv", text))
    assert spectrum.y.tolist() == [3, 3] and spectrum.y_imaginary.tolist() == [3, 3]


def test_a_table_of_one_line_that_names_its_technique(tmp_path):
    text = "# technique: MS/MS\n# kind: sticks\nm/z [m/z],intensity\n141.0194,999\n"
    (spectrum,) = open_spectra(_file(tmp_path, "a.csv", text))
    assert (spectrum.technique, spectrum.x.tolist()) == ("MS/MS", [141.0194])
