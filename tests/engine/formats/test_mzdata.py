"""mzData runs, checked with another file of the same run and with files that the tests write."""

from __future__ import annotations

import base64
import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, open_spectra
from engine.formats.mzdata import READER

PARAMETER = '<cvParam cvLabel="psi" accession="{}" name="{}" value="{}"/>'
PRECURSOR = (
    '<precursor msLevel="{}" spectrumRef="1"><ionSelection>'
    + PARAMETER.format("PSI:1000040", "MassToChargeRatio", "{}")
    + PARAMETER.format("PSI:1000041", "ChargeState", "{}")
    + "</ionSelection><activation>"
    + PARAMETER.format("PSI:1000045", "CollisionEnergy", "28.00")
    + PARAMETER.format("PSI:1000046", "EnergyUnits", "{}")
    + "</activation></precursor>"
)


def _data(values, kind: str) -> str:
    array = np.asarray(values, kind)
    precision = array.itemsize * 8
    endian = "big" if kind[0] == ">" else "little"
    text = base64.b64encode(array.tobytes()).decode()
    return f'<data precision="{precision}" endian="{endian}" length="{len(array)}">{text}</data>'


def _scan(x, y, level=1, kind="<f4", mode="discrete", parameters="", precursors="") -> str:
    return (
        '<spectrum id="7"><spectrumDesc><spectrumSettings>'
        f'<acqSpecification spectrumType="{mode}" methodOfCombination="sum" count="1"/>'
        f'<spectrumInstrument msLevel="{level}">'
        + PARAMETER.format("PSI:1000037", "Polarity", "Negative")
        + (parameters or PARAMETER.format("PSI:1000038", "TimeInMinutes", "1.5"))
        + "</spectrumInstrument></spectrumSettings>"
        + (f"<precursorList>{precursors}</precursorList>" if precursors else "")
        + f"</spectrumDesc><mzArrayBinary>{_data(x, kind)}</mzArrayBinary>"
        f"<intenArrayBinary>{_data(y, kind)}</intenArrayBinary></spectrum>"
    )


def _run(*scans: str, prolog: str = "") -> str:
    return (
        f'<?xml version="1.0"?>{prolog}<mzData version="1.05"><description><instrument>'
        "<instrumentName>LCQ Deca</instrumentName><source>"
        + PARAMETER.format("PSI:1000008", "IonizationType", "ESI")
        + "</source></instrument></description>"
        + f'<spectrumList count="{len(scans)}">{"".join(scans)}</spectrumList></mzData>'
    )


def _read(tmp_path, text: str):
    path = tmp_path / "run.mzData.xml"
    path.write_text(text)
    return READER.read(path)


def test_the_same_run_in_mzxml_agrees(samples):
    from pyteomics import mzxml

    spectra = open_spectra(samples / "ms" / "tiny.mzData.xml")
    with mzxml.MzXML(str(samples / "ms" / "pyteomics_test.mzXML"), use_index=False) as reference:
        expected = list(reference)
    assert len(spectra) == len(expected) == 2
    for ours, theirs in zip(spectra, expected, strict=True):
        np.testing.assert_allclose(ours.x, theirs["m/z array"], rtol=1e-7)
        np.testing.assert_array_equal(ours.y, theirs["intensity array"])
        assert ours.metadata["scan"] == theirs["num"]
        assert ours.metadata["ms_level"] == theirs["msLevel"]
        assert ours.metadata["retention_time_s"] == pytest.approx(
            theirs["retentionTime"] * 60, abs=1e-3
        )
        assert ours.kind == "sticks"
    assert spectra[1].metadata["precursor_mz"] == pytest.approx(
        expected[1]["precursorMz"][0]["precursorMz"], abs=5e-3
    )
    assert spectra[1].metadata["collision_energy"] == expected[1]["collisionEnergy"]
    # Its last scan is empty and its last tag is broken.
    assert "a break in it" in spectra[0].warnings[-1]


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">f8"])
def test_number_types(tmp_path, kind):
    (spectrum,) = _read(tmp_path, _run(_scan([50, 75.5, 100], [1, 2, 3], kind=kind)))
    assert spectrum.x.tolist() == [50, 75.5, 100]
    assert spectrum.y.tolist() == [1, 2, 3]
    assert (spectrum.technique, spectrum.kind) == ("MS", "sticks")
    assert dict(spectrum.metadata) == {
        "scan": "7", "retention_time_s": 90, "instrument": "LCQ Deca", "ms_level": 1,
        "polarity": "negative", "ionization": "ESI",
    }  # fmt: skip


def test_times_in_seconds_and_the_names_of_version_1_04(tmp_path):
    seconds = PARAMETER.format("PSI:1000039", "TimeInSeconds", "0")
    old = '<cvParam cvLabel="psi" accession="" name="time.min" value="2"/>'
    first, second = _read(
        tmp_path, _run(_scan([50], [1], parameters=seconds), _scan([50], [1], parameters=old))
    )
    assert first.metadata["retention_time_s"] == 0
    assert second.metadata["retention_time_s"] == 120


def test_a_precursor_and_the_last_of_several(tmp_path):
    stages = PRECURSOR.format(1, 500.5, 2, "Percent") + PRECURSOR.format(2, 210.25, 1, "eV")
    second, third = _read(
        tmp_path,
        _run(
            _scan([50, 60], [1, 2], level=2, precursors=PRECURSOR.format(1, 661.65, 3, "Percent")),
            _scan([50, 60], [1, 2], level=3, precursors=stages),
        ),
    )
    assert second.technique == "MS/MS"
    assert second.metadata["precursor_mz"] == 661.65
    assert second.metadata["charge"] == 3
    assert second.metadata["collision_energy"] == 28
    assert second.metadata["collision_energy_unit"] == "NCE"
    assert third.metadata["precursor_mz"] == 210.25
    assert third.metadata["collision_energy_unit"] == "eV"


def test_charges_that_are_only_guessed_are_left_out(tmp_path):
    guessed = PRECURSOR.format(1, 445.35, 2, "eV").replace(
        "</ionSelection>", PARAMETER.format("PSI:1000041", "ChargeState", 3) + "</ionSelection>"
    )
    (spectrum,) = _read(tmp_path, _run(_scan([50], [1], level=2, precursors=guessed)))
    assert "charge" not in spectrum.metadata


def test_profiles_and_contradictions(tmp_path):
    both = PARAMETER.format("PSI:1000035", "PeakProcessing", "discrete")
    profile, doubtful = _read(
        tmp_path,
        _run(
            _scan([50, 60], [1, 2], mode="continuous"),
            _scan([50, 60], [1, 2], mode="continuous", parameters=both),
        ),
    )
    assert profile.kind == doubtful.kind == "continuous"
    assert not profile.warnings
    assert "contradict each other; taken as a profile" in doubtful.warnings[0]


def test_a_broken_scan_does_not_lose_its_neighbours(tmp_path):
    good = _scan([50, 60], [1, 2])
    uneven = _scan([50, 60], [1, 2, 3])
    damaged = good.replace("<data ", "<data>AAA</data><data ", 1)
    endless = good.replace('endian="little"', 'endian="middle"')
    spectra = _read(tmp_path, _run(good, uneven, damaged, endless, _scan([], []), good))
    assert len(spectra) == 2
    said = " ".join(spectra[0].warnings)
    assert "1 scans without peaks" in said
    assert "scan 2 was left out: it has 2 m/z values and 3 intensities" in said
    assert "scan 3 was left out: its base64 text is damaged" in said
    assert "scan 4 was left out: its numbers are of 32 bits, middle-endian" in said


def test_declared_sizes_are_not_believed(tmp_path):
    lying = _scan([50, 60], [1, 2]).replace('length="2"', 'length="1000000000000"')
    (spectrum,) = _read(tmp_path, _run(lying))
    assert len(spectrum) == 2
    assert spectrum.warnings == ("the scan declares 1000000000000 points and holds 2",)


def test_a_cut_file_keeps_the_scans_before_the_cut(tmp_path):
    text = _run(_scan([50, 60], [1, 2]), _scan([50, 60], [1, 2]))
    (spectrum,) = _read(tmp_path, text[: text.rindex("<intenArrayBinary>") + 40])
    assert "an end too soon" in spectrum.warnings[-1]
    with pytest.raises(FormatError, match="an end too soon"):
        _read(tmp_path, text[: text.index("<mzArrayBinary>")])


def test_a_document_type_is_refused(tmp_path):
    prolog = '<!DOCTYPE mzData [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    with pytest.raises(FormatError, match="DOCTYPE"):
        _read(tmp_path, _run(_scan([50], [1]), prolog=prolog))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_a_spectrum_within_seconds(tmp_path_factory, data):
    text = _run(_scan([50, 60], [1, 2]), _scan([50, 60], [1, 2], kind=">f8")).encode()
    at = data.draw(st.integers(0, len(text)))
    noise = data.draw(st.binary(max_size=40))
    rest = text[at + len(noise) :] if data.draw(st.booleans()) else b""
    path = tmp_path_factory.mktemp("mzdata") / "damaged.mzData"
    path.write_bytes(text[:at] + noise + rest)
    begun = time.monotonic()
    with suppress(FormatError):
        assert READER.read(path)
    assert time.monotonic() - begun < 5
