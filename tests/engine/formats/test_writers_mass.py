"""What is written as MGF or MSP reads back, here and with other readers."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import mgf, msp, open_spectra
from engine.formats.mgf_writer import write_mgf
from engine.formats.msp_writer import write_msp
from engine.spectra import Spectrum

WRITERS = [(write_mgf, mgf), (write_msp, msp)]
METADATA = {
    "name": "Vanillin", "formula": "C8H8O3", "smiles": "COc1cc(C=O)ccc1O", "adduct": "[M+H]+",
    "polarity": "positive", "precursor_mz": 153.0546, "ionization": "ESI", "instrument": "QTOF",
    "inchikey": "MWOOGOJBHIARFG-UHFFFAOYSA-N", "collision_energy": 20.0,
    "collision_energy_unit": "eV", "retention_time_s": 123.6, "identifier": "X1", "licence": "CC0",
}  # fmt: skip


def tandem(**changes) -> Spectrum:
    more = {"metadata": METADATA, "title": "Vanillin"} | changes
    return Spectrum(
        "MS/MS", [65.0387, 93.03340000000001, 153.0546], [28.0, 100.0, 1e-7], "m/z", kind="sticks",
        **more,
    )  # fmt: skip


@pytest.mark.parametrize(("write", "reader"), WRITERS)
def test_all_that_is_said_of_a_spectrum_reads_back(tmp_path, write, reader):
    write(tandem(), tmp_path / "a")
    (back,) = reader.read(tmp_path / "a")
    assert (back.technique, back.kind, back.title) == ("MS/MS", "sticks", "Vanillin")
    assert back.x.tolist() == tandem().x.tolist()  # every digit
    np.testing.assert_allclose(back.y, tandem().y, rtol=1e-11)
    assert {key: back.metadata[key] for key in METADATA} == METADATA
    assert back.warnings == ()


@st.composite
def libraries(draw):
    text = st.text(max_size=20)
    spectra = []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(1, 12))
        steps = draw(st.lists(st.floats(1e-3, 200), min_size=n, max_size=n))
        heights = draw(st.lists(st.floats(0, 1e12), min_size=n, max_size=n))
        metadata = {key: draw(text) for key in ("name", "smiles", "instrument", "adduct")}
        metadata["precursor_mz"] = draw(st.floats(1, 5000))
        spectra.append(
            Spectrum(
                draw(st.sampled_from(["MS", "MS/MS"])), np.cumsum(steps), heights, "m/z",
                kind="sticks", title=draw(text), metadata=metadata,
            )
        )  # fmt: skip
    return spectra


@pytest.mark.parametrize(("write", "reader"), WRITERS)
@settings(max_examples=80, deadline=None)
@given(spectra=libraries())
def test_any_library_reads_back(tmp_path_factory, write, reader, spectra):
    path = tmp_path_factory.getbasetemp() / "library"
    write(spectra, path)
    back = reader.read(path)
    assert [s.technique for s in back] == [s.technique for s in spectra]
    for read, given_ in zip(back, spectra, strict=True):
        np.testing.assert_array_equal(read.x, given_.x)
        np.testing.assert_allclose(read.y, given_.y, rtol=1e-11)
        assert read.metadata["precursor_mz"] == pytest.approx(given_.metadata["precursor_mz"])


def test_pyteomics_reads_the_mgf(tmp_path, samples):
    from pyteomics import mgf as theirs

    spectra = open_spectra(samples / "ms" / "gnps_pesticides_neg.mgf")
    write_mgf(spectra, tmp_path / "a.mgf")
    with theirs.read(str(tmp_path / "a.mgf"), use_index=False) as blocks:
        read = list(blocks)
    assert len(read) == len(spectra) > 50
    for block, spectrum in zip(read, spectra, strict=True):
        np.testing.assert_array_equal(block["m/z array"], spectrum.x)
        np.testing.assert_allclose(block["intensity array"], spectrum.y, rtol=1e-11)
        assert float(block["params"]["pepmass"][0]) == spectrum.metadata["precursor_mz"]


def test_the_msp_is_as_the_format_has_it(tmp_path, samples):
    spectra = open_spectra(samples / "ms" / "massbank_five_spectra.msp")
    write_msp(spectra, tmp_path / "a.msp")
    records = (tmp_path / "a.msp").read_text().strip().split("\n\n")
    assert len(records) == len(spectra) == 5
    for record, spectrum in zip(records, spectra, strict=True):
        lines = record.split("\n")
        assert lines[0].startswith("Name: ")
        at = next(k for k, line in enumerate(lines) if line.startswith("Num Peaks: "))
        assert int(lines[at][11:]) == len(lines) - at - 1 == len(spectrum)
        assert all(re.fullmatch(r"[\d.]+ [\d.e+]+", line) for line in lines[at + 1 :])
        assert f"PrecursorMZ: {spectrum.metadata['precursor_mz']:.12g}" in lines


@pytest.mark.parametrize(("write", "reader"), WRITERS)
def test_an_ei_spectrum_stays_single_stage(tmp_path, samples, write, reader):
    (spectrum,) = open_spectra(samples / "ms" / "massbank_EI.txt")
    write(spectrum, tmp_path / "a")
    (back,) = reader.read(tmp_path / "a")
    assert (back.technique, back.metadata["ionization"]) == ("MS", "EI")
    np.testing.assert_array_equal(back.x, spectrum.x)


@pytest.mark.parametrize(("write", "reader"), WRITERS)
def test_text_of_a_header_cannot_make_a_record(tmp_path, write, reader):
    evil = "a\nEND IONS\n\nBEGIN IONS\r1 1\x85Name: b\x00\ud800"
    write(tandem(title=evil, metadata={"name": evil, "smiles": evil}), tmp_path / "a")
    (back,) = reader.read(tmp_path / "a")
    assert back.x.tolist() == tandem().x.tolist()


@pytest.mark.parametrize(("write", "reader"), WRITERS)
def test_peaks_that_are_no_numbers_are_left_out(tmp_path, write, reader):
    holes = Spectrum("MS", [1, 2, 3], [5, math.nan, math.inf], "m/z", kind="sticks")
    write(holes, tmp_path / "a")
    (back,) = reader.read(tmp_path / "a")
    assert (back.x.tolist(), back.y.tolist()) == ([1], [5])
    with pytest.raises(ValueError, match="finite"):
        write(Spectrum("MS", [1], [math.nan], "m/z", kind="sticks"), tmp_path / "b")


@pytest.mark.parametrize(("write", "reader"), WRITERS)
def test_what_is_no_peak_list_is_refused(tmp_path, write, reader):
    profile = Spectrum("MS", [1, 2, 3], [0, 1, 0], "m/z")
    infrared = Spectrum("IR", [1000, 1001], [0, 1], "1/cm", "absorbance")
    for spectrum, word in ((profile, "centroids"), (infrared, "m/z")):
        with pytest.raises(ValueError, match=word):
            write([tandem(), spectrum], tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
