"""MassBank records: EI, ESI and MALDI as published, and several in one file."""

from __future__ import annotations

import pytest

from engine.formats import FormatError
from engine.formats.massbank import READER

RECORD = """ACCESSION: MSBNK-Test-TS000001
RECORD_TITLE: Ethanol; GC-EI-TOF; MS
LICENSE: CC0
CH$NAME: Ethanol
AC$INSTRUMENT_TYPE: GC-EI-TOF
AC$MASS_SPECTROMETRY: MS_TYPE MS
PK$NUM_PEAK: 2
PK$PEAK: m/z int. rel.int.
  31.018 500.5 999
  45.034 250.2 499
//
"""


def _read(tmp_path, text: str):
    path = tmp_path / "records.txt"
    path.write_text(text, encoding="utf-8")
    return READER.read(path)


def test_electron_ionization(samples):
    (spectrum,) = READER.read(samples / "ms" / "massbank_EI.txt")
    assert (spectrum.technique, spectrum.kind, len(spectrum)) == ("MS", "sticks", 56)
    assert spectrum.metadata["ionization"] == "EI"
    assert spectrum.metadata["formula"] == "C8H18O"
    assert spectrum.metadata["inchikey"] == "MUPPEBVXFKNMCI-MRVPVSSYSA-N"
    assert spectrum.metadata["retention_time_s"] == pytest.approx(6.44 * 60)
    assert spectrum.metadata["licence"] == "CC BY"
    assert (spectrum.x[0], spectrum.y[0]) == (26.016, 2)


def test_electrospray_tandem(samples):
    (spectrum,) = READER.read(samples / "ms" / "massbank_ESI_pos.txt")
    assert (spectrum.technique, len(spectrum)) == ("MS/MS", 15)
    metadata = spectrum.metadata
    assert metadata["precursor_mz"] == 230.0552
    assert metadata["adduct"] == "[M+H]+"
    assert (metadata["collision_energy"], metadata["collision_energy_unit"]) == (40, "%")
    assert (metadata["ionization"], metadata["polarity"]) == ("ESI", "positive")
    # The annotations come before the peaks and are no peaks.
    assert spectrum.y[0] == 349996.2


def test_maldi_and_a_licence_that_forbids_trade(samples):
    (peptide,) = READER.read(samples / "ms" / "massbank_MALDI_peptide.txt")
    assert (peptide.technique, peptide.metadata["ionization"]) == ("MS/MS", "MALDI")
    assert len(peptide) == 49
    (phenol,) = READER.read(samples / "ms" / "massbank_EI_JP_NCSA.txt")
    assert phenol.metadata["licence"] == "CC BY-NC-SA"
    assert phenol.y.max() == 99.99


def test_several_records_and_a_broken_one(tmp_path):
    empty = RECORD.replace("000001", "000002").replace("  31.018", "//").split("//")[0] + "//\n"
    last = RECORD.replace("000001", "000003").removesuffix("//\n")
    spectra = _read(tmp_path, RECORD + empty + last)
    assert [s.source.block[-1] for s in spectra] == ["1", "3"]
    assert "TS000002 was left out" in spectra[0].warnings[0]
    assert spectra[0].y.tolist() == [500.5, 250.2]


def test_a_cut_record_says_so(tmp_path):
    (spectrum,) = _read(tmp_path, RECORD[: RECORD.index("  45.034")])
    assert spectrum.warnings == ("the record declares 2 peaks and holds 1",)


def test_steps_of_collision_energy_are_kept_as_text(tmp_path):
    field = "AC$MASS_SPECTROMETRY: COLLISION_ENERGY 15, 30, 45 eV (stepped)\n"
    (spectrum,) = _read(tmp_path, RECORD.replace("PK$NUM", field + "PK$NUM"))
    assert "collision_energy" not in spectrum.metadata
    assert spectrum.metadata["collision_energy_text"] == "15, 30, 45 eV (stepped)"


def test_a_record_without_peaks_is_an_error(tmp_path):
    with pytest.raises(FormatError, match="no peaks"):
        _read(tmp_path, RECORD.split("PK$NUM")[0])
