"""mzSpecLib text: what the format's terms mean, and damage."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, open_spectra
from engine.formats.mzspeclib import READER

HEADER = """<mzSpecLib>
MS:1003186|library format version=1.0
MS:1003188|library name=two compounds
<AttributeSet Spectrum=all>
MS:1000511|ms level=2
MS:1000465|scan polarity=MS:1000129|negative scan
[1]MS:1000045|collision energy=20.0
[1]UO:0000000|unit=UO:0000266|electronvolt
<AttributeSet Spectrum=orbitrap>
MS:1000031|instrument model=MS:1001911|Q Exactive
<AttributeSet Analyte=all>
<AttributeSet Interpretation=all>
"""
BENZOIC_ACID = """<Spectrum=1>
MS:1003061|library spectrum name=Benzoic acid
MS:1000744|selected ion m/z=121.0295
MS:1003212|library attribute set name=orbitrap
[1]MS:1000894|retention time=2.5
[1]UO:0000000|unit=UO:0000031|minute
[2]MS:1003275|other attribute name=CAS
[2]MS:1003276|other attribute value=65-85-0
MS:1003059|number of peaks=2
<Analyte=1>
MS:1000866|molecular formula=C7H6O2
MS:1000868|SMILES string=OC(=O)c1ccccc1
MS:1002894|InChIKey=WPYMKLBDIGXBTP-UHFFFAOYSA-N
MS:1002813|adduct ion formula=[M-H]-
<Interpretation=1>
MS:1003290|number of unassigned peaks among top 20 peaks=0
<Peaks>
77.0397\t55.5\t?
121.0295\t100\t?

"""
PHENOL = """<Spectrum=2>
MS:1003061|library spectrum name=Phenol
[1]MS:1000045|collision energy=35.0
[1]UO:0000000|unit=UO:0000266|electronvolt
MS:1003208|experimental precursor monoisotopic m/z=93.0346
<Peaks>
93.0346 10
"""


def _read(tmp_path, text: str):
    path = tmp_path / "library.mzspeclib"
    path.write_text(text)
    return READER.read(path)


def test_a_real_library(samples):
    (spectrum,) = open_spectra(samples / "ms" / "Hydrogen_chloride.mzspeclib")
    assert (spectrum.title, spectrum.technique, spectrum.kind) == (
        "Hydrogen chloride", "MS", "sticks",
    )  # fmt: skip
    assert spectrum.x.tolist() == [35, 36, 37, 38]
    # 35Cl and 37Cl are found as 3 to 1.
    assert spectrum.y[1] / spectrum.y[3] == pytest.approx(75.8 / 24.2, rel=0.05)
    assert spectrum.metadata["formula"] == "ClH"
    assert not spectrum.warnings


def test_attributes_of_spectra_analytes_and_sets(tmp_path):
    acid, phenol = _read(tmp_path, HEADER + BENZOIC_ACID + PHENOL)
    assert dict(acid.metadata) == {
        "name": "Benzoic acid", "formula": "C7H6O2", "smiles": "OC(=O)c1ccccc1",
        "inchikey": "WPYMKLBDIGXBTP-UHFFFAOYSA-N", "cas": "65-85-0", "adduct": "[M-H]-",
        "instrument": "Q Exactive", "polarity": "negative", "ms_level": 2,
        "precursor_mz": 121.0295, "retention_time_s": 150, "collision_energy": 20,
        "collision_energy_unit": "eV",
    }  # fmt: skip
    assert (acid.x.tolist(), acid.y.tolist()) == ([77.0397, 121.0295], [55.5, 100])
    assert acid.source.block == "1"
    # A spectrum's own value goes before that of its set.
    assert phenol.metadata["collision_energy"] == 35
    assert "instrument" not in phenol.metadata
    assert (acid.technique, phenol.technique) == ("MS/MS", "MS/MS")
    assert not acid.warnings and not phenol.warnings


def test_a_time_without_unit_is_left_out(tmp_path):
    text = BENZOIC_ACID.replace("[1]UO:0000000|unit=UO:0000031|minute\n", "")
    (spectrum,) = _read(tmp_path, HEADER + text)
    assert "retention_time_s" not in spectrum.metadata
    assert spectrum.warnings == ("the retention time has no unit and was left out",)


def test_a_broken_spectrum_does_not_lose_its_neighbours(tmp_path):
    empty = "<Spectrum=3>\nMS:1003061|library spectrum name=Nothing\n<Peaks>\n"
    lying = PHENOL.replace("<Peaks>\n", "MS:1003059|number of peaks=9\n<Peaks>\nx y\n")
    first, second = _read(tmp_path, HEADER + BENZOIC_ACID + empty + lying)
    assert first.warnings == ("record 3 was left out: it holds no peaks",)
    assert second.warnings == (
        "lines that are no peaks, left out: 1", "the record declares 9 peaks and holds 1",
    )  # fmt: skip


def test_clusters_are_no_spectra(tmp_path):
    cluster = "<Cluster=1>\nMS:1003268|spectrum cluster member spectrum keys=1\n"
    assert len(_read(tmp_path, HEADER + cluster + BENZOIC_ACID + cluster)) == 1
    with pytest.raises(FormatError, match="expected library spectra with peaks, found none"):
        _read(tmp_path, HEADER + cluster)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_spectra_within_seconds(tmp_path_factory, data):
    text = (HEADER + BENZOIC_ACID + PHENOL).encode()
    at = data.draw(st.integers(0, len(text)))
    noise = data.draw(st.binary(max_size=40))
    rest = text[at + len(noise) :] if data.draw(st.booleans()) else b""
    path = tmp_path_factory.mktemp("mzspeclib") / "damaged.mzspeclib"
    path.write_bytes(text[:at] + noise + rest)
    begun = time.monotonic()
    with suppress(FormatError):
        assert READER.read(path)
    assert time.monotonic() - begun < 5
