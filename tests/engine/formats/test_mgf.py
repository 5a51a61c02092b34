"""Mascot generic format: real libraries, and the spellings of its writers."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError
from engine.formats.mgf import READER

BLOCK = """BEGIN IONS
TITLE=caffeine
PEPMASS=195.0877 1000.0
CHARGE=1+
RTINSECONDS=302.5
110.0713 20.5
138.0662 100
END IONS
"""


def _read(tmp_path, text: str, name: str = "spectra.mgf"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return READER.read(path)


def test_gnps_library_agrees_with_pyteomics(samples):
    from pyteomics import mgf

    path = samples / "ms" / "gnps_pesticides_neg.mgf"
    spectra = READER.read(path)
    with mgf.read(str(path), use_index=False) as reference:
        expected = list(reference)
    assert len(spectra) == len(expected) == 76
    for ours, theirs in zip(spectra, expected, strict=True):
        np.testing.assert_allclose(ours.x, theirs["m/z array"])
        np.testing.assert_allclose(ours.y, theirs["intensity array"])
        assert ours.metadata["precursor_mz"] == pytest.approx(theirs["params"]["pepmass"][0])
        assert ours.metadata["smiles"] == theirs["params"]["smiles"]
        assert (ours.technique, ours.kind, ours.x_unit) == ("MS/MS", "sticks", "m/z")
        assert ours.metadata["polarity"] == "negative"


def test_gnps_name_gives_up_its_adduct(samples):
    first = READER.read(samples / "ms" / "gnps_pesticides_neg.mgf")[0]
    assert first.metadata["adduct"] == "[M-H]-"
    assert first.metadata["name"].endswith("1H-benzimidazole")
    assert first.metadata["charge"] == -1


def test_fields_of_a_block(tmp_path):
    (spectrum,) = _read(tmp_path, BLOCK)
    assert spectrum.technique == "MS/MS"
    assert spectrum.title == "caffeine"
    assert spectrum.metadata["precursor_mz"] == 195.0877
    assert spectrum.metadata["polarity"] == "positive"
    assert spectrum.metadata["retention_time_s"] == 302.5
    assert spectrum.x.tolist() == [110.0713, 138.0662]
    assert spectrum.y.tolist() == [20.5, 100.0]


def test_level_one_is_single_stage_ms(tmp_path):
    (spectrum,) = _read(tmp_path, BLOCK.replace("CHARGE=1+", "MSLEVEL=1"))
    assert spectrum.technique == "MS"


def test_unsorted_repeated_and_broken_peaks(tmp_path):
    text = BLOCK.replace("110.0713 20.5", "150 1\n110 2\n110 3\nnot a peak\n120 nan\n90 7 1+")
    (spectrum,) = _read(tmp_path, text)
    assert spectrum.x.tolist() == [90, 110, 138.0662, 150]
    assert spectrum.y.tolist() == [7, 5, 100, 1]
    assert len(spectrum.warnings) == 3


def test_a_broken_block_does_not_lose_its_neighbours(tmp_path):
    empty = "BEGIN IONS\nTITLE=empty\nPEPMASS=100\nEND IONS\n"
    spectra = _read(tmp_path, BLOCK + empty + BLOCK)
    assert [spectrum.source.block for spectrum in spectra] == ["1", "3"]
    assert "record 2" in spectra[0].warnings[0]


def test_a_cut_file_keeps_what_is_there(tmp_path):
    whole, cut = _read(tmp_path, BLOCK + BLOCK[: BLOCK.index("138.0662")])
    assert not whole.warnings
    assert "END IONS is missing" in cut.warnings[0]
    assert cut.x.tolist() == [110.0713]


def test_search_parameters_before_the_first_block_hold_for_all(tmp_path):
    text = "COM=a search\nCHARGE=1-\n\n" + BLOCK.replace("CHARGE=1+\n", "")
    assert READER.sniff(tmp_path / "x.mgf", text.encode()) == 1.0
    (spectrum,) = _read(tmp_path, text)
    assert spectrum.metadata["polarity"] == "negative"


def test_no_blocks_is_an_error(tmp_path):
    with pytest.raises(FormatError, match="BEGIN IONS"):
        _read(tmp_path, "COM=nothing follows\n")


peak = st.tuples(
    st.floats(1, 5000, allow_nan=False), st.floats(0, 1e9, allow_nan=False, allow_subnormal=False)
)


@settings(max_examples=50, deadline=None)
@given(st.lists(peak, min_size=1, max_size=30, unique_by=lambda pair: pair[0]))
def test_any_peaks_come_back_sorted(tmp_path_factory, peaks):
    lines = "\n".join(f"{x!r} {y!r}" for x, y in peaks)
    text = f"BEGIN IONS\nPEPMASS=10\n{lines}\nEND IONS\n"
    (spectrum,) = _read(tmp_path_factory.mktemp("mgf"), text)
    assert list(zip(spectrum.x, spectrum.y, strict=True)) == sorted(peaks)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(BLOCK)))
def test_damage_is_an_error_or_a_spectrum(tmp_path_factory, noise, at):
    path = tmp_path_factory.mktemp("mgf") / "damaged.mgf"
    path.write_bytes(BLOCK[:at].encode() + noise + BLOCK[at:].encode())
    with suppress(FormatError):
        assert READER.read(path)
