"""NIST text libraries (.msp, .msl): real ones of five writers, and the spellings of peaks."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError
from engine.formats.msp import READER


def _read(tmp_path, text: str):
    path = tmp_path / "library.msp"
    path.write_text(text, encoding="latin-1")
    return READER.read(path)


def _one(tmp_path, peaks: str, header: str = "Name: x\n"):
    (spectrum,) = _read(tmp_path, f"{header}Num Peaks: {peaks}")
    return spectrum


@pytest.mark.parametrize(
    ("name", "records"),
    [
        ("FAMES_REF.MSL", 13),
        ("MoNA-export-GC-MS-first10.msp", 10),
        ("RECETOX_GC-EI_MS_20201028.msp", 384),
        ("massbank_five_spectra.msp", 5),
    ],
)
def test_every_record_has_the_peaks_that_it_declares(samples, name, records):
    path = samples / "ms" / name
    text = path.read_text(encoding="latin-1")
    declared = [int(n) for n in re.findall(r"^num peaks:\s*(\d+)", text, re.I | re.M)]
    names = [n.strip() for n in re.findall(r"^name:(.*)$", text, re.I | re.M)]
    spectra = READER.read(path)
    assert len(spectra) == records == len(declared)
    assert [len(spectrum) for spectrum in spectra] == declared
    assert [spectrum.title for spectrum in spectra] == names
    assert not any(spectrum.warnings for spectrum in spectra)


def test_recetox_is_electron_ionization_though_it_names_a_precursor(samples):
    perylene = READER.read(samples / "ms" / "RECETOX_GC-EI_MS_20201028.msp")[0]
    assert perylene.technique == "MS"
    assert perylene.metadata["ionization"] == "EI"
    assert perylene.metadata["precursor_mz"] == 252.09323
    assert perylene.metadata["inchikey"] == "CSHWQDPOILHKBI-UHFFFAOYSA-N"
    assert perylene.metadata["licence"] == "CC BY-NC"
    assert "retention_time_s" not in perylene.metadata  # the file says -1
    assert (perylene.x[0], perylene.y[0]) == (112.03071, 49892)


def test_mona_comments_fill_in_the_metadata(samples):
    first = READER.read(samples / "ms" / "MoNA-export-GC-MS-first10.msp")[0]
    assert first.technique == "MS"
    assert first.metadata["ionization"] == "EI"
    assert first.metadata["polarity"] == "positive"
    assert first.metadata["smiles"].startswith("[O-1]")
    assert first.metadata["licence"] == "CC BY-NC-SA"
    assert "precursor_mz" not in first.metadata  # the file says 0


def test_massbank_export_is_tandem(samples):
    spectra = READER.read(samples / "ms" / "massbank_five_spectra.msp")
    assert {spectrum.technique for spectrum in spectra} == {"MS/MS"}
    acid = spectra[1]
    assert acid.metadata["adduct"] == "[M-H]-"
    assert acid.metadata["polarity"] == "negative"
    assert acid.metadata["collision_energy"] == 60
    assert acid.metadata["collision_energy_unit"] == "%"


def test_amdis_pairs_in_parentheses(samples):
    first = READER.read(samples / "ms" / "FAMES_REF.MSL")[0]
    assert first.metadata["retention_time_s"] == pytest.approx(7.812 * 60)
    assert first.metadata["retention_index"] == 800
    assert dict(zip(first.x, first.y, strict=True))[74] == 1000  # QI=74.1, the base peak


@pytest.mark.parametrize(
    "peaks",
    [
        "3\n27 180\n31 999\n45 510\n",
        "3\n27 180; 31 999; 45 510;\n",
        "3\n27 180 31 999 45 510\n",
        "3\n( 27  180) ( 31  999)\n( 45  510)\n",
        '3\n27\t180\t"C2H3+; 1 ppm"\n31\t999\t"base"\n45\t510\n',
        "3\n27 180 C2H3\n31 999 ?\n45 510 1/2\n",
        "3\n27,180\n31,999\n45,510\n",
        "3\n27:180\n31:999\n45:510\n",
        "3\n4.5e1 5.10E2\n2.7e1 1.8e+2\n31. 999\n",
    ],
)
def test_spellings_of_peaks(tmp_path, peaks):
    spectrum = _one(tmp_path, peaks)
    assert spectrum.x.tolist() == [27, 31, 45]
    assert spectrum.y.tolist() == [180, 999, 510]


def test_nist_fields_on_one_line(tmp_path):
    header = "Name: Ethanol\nCAS#: 64-17-5;  NIST#: 291264\nFormula: C2H6O\nMW: 46\n"
    spectrum = _one(tmp_path, "1\n31 999\n", header)
    assert spectrum.metadata["cas"] == "64-17-5"
    assert spectrum.metadata["identifier"] == "291264"
    assert spectrum.metadata["formula"] == "C2H6O"


def test_records_without_blank_lines_between_them(tmp_path):
    text = "NAME: a\nNum peaks: 1\n10 1\nNAME: b\n\nNum peaks: 1\n20 2\n"
    assert [spectrum.title for spectrum in _read(tmp_path, text)] == ["a", "b"]


def test_a_cut_record_says_so(tmp_path):
    spectrum = _one(tmp_path, "1000000000000\n27 180\n")
    assert spectrum.warnings == ("the record declares 1000000000000 peaks and holds 1",)


def test_a_broken_record_does_not_lose_its_neighbours(tmp_path):
    text = "Name: a\nNum Peaks: 1\n10 1\n\nName: b\nNum Peaks: 0\n\nName: c\nNum Peaks: 1\n9 9\n"
    spectra = _read(tmp_path, text)
    assert [spectrum.title for spectrum in spectra] == ["a", "c"]
    assert "record 2" in spectra[0].warnings[0]


def test_latin_1_names(tmp_path):
    assert _one(tmp_path, "1\n1 1\n", "Name: \xb5\n").title == "\xb5"


def test_nothing_but_names_is_an_error(tmp_path):
    with pytest.raises(FormatError, match="Num Peaks"):
        _read(tmp_path, "Name: a\nName: b\n")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_an_error_or_a_spectrum(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("msp") / "any.msp"
    path.write_text(f"Name: a\nNum Peaks: 3\n{text}", encoding="utf-8", errors="replace")
    READER.sniff(path, path.read_bytes()[:4096])
    with suppress(FormatError):
        assert READER.read(path)
