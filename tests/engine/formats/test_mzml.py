"""mzML and mzXML runs, checked with pyteomics and with what the files print about themselves."""

from __future__ import annotations

import base64
import time
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, xml_run
from engine.formats.mzml import READER

PARAMETER = '<cvParam cvRef="MS" accession="{}" name="{}" value="{}"/>'


def _array(
    values, accession: str, kind="MS:1000523", packed=False, raw: bytes | None = None
) -> str:
    data = np.asarray(values, "<f8" if kind == "MS:1000523" else "<f4").tobytes()
    data = raw if raw is not None else zlib.compress(data) if packed else data
    return (
        "<binaryDataArray>"
        + PARAMETER.format(kind, "number type", "")
        + PARAMETER.format("MS:1000574" if packed else "MS:1000576", "compression", "")
        + PARAMETER.format(accession, "array", "")
        + f"<binary>{base64.b64encode(data).decode()}</binary></binaryDataArray>"
    )


def _scan(x, y, level=1, mode="MS:1000127", length=None, **options) -> str:
    return (
        f'<spectrum index="0" id="scan=7" defaultArrayLength="{length or len(x)}">'
        + PARAMETER.format("MS:1000511", "ms level", level)
        + (PARAMETER.format(mode, "mode", "") if mode else "")
        + '<scanList><scan><cvParam accession="MS:1000016" name="scan start time" value="1.5" '
        'unitAccession="UO:0000031"/></scan></scanList>'
        "<binaryDataArrayList>"
        + _array(x, "MS:1000514", **options)
        + _array(y, "MS:1000515", **options)
        + "</binaryDataArrayList></spectrum>"
    )


def _run(*scans: str, prolog: str = "") -> str:
    return (
        f'<?xml version="1.0"?>{prolog}<mzML xmlns="http://psi.hupo.org/ms/mzml"><run>'
        f'<spectrumList count="{len(scans)}">{"".join(scans)}</spectrumList></run></mzML>'
    )


def _read(tmp_path, text: str):
    path = tmp_path / "run.mzML"
    path.write_text(text)
    return READER.read(path)


def test_profile_scans_agree_with_what_the_file_prints(samples):
    first, second = READER.read(samples / "ms" / "pyteomics_test.mzML")
    for spectrum in (first, second):
        assert (spectrum.technique, spectrum.kind, len(spectrum)) == ("MS", "continuous", 19914)
        top = int(spectrum.y.argmax())
        assert spectrum.x[top] == pytest.approx(810.415283203125, rel=1e-6)  # base peak m/z
        # The instrument computed its base peak before it stored the profile.
        assert spectrum.y[top] == pytest.approx(1471973.875, rel=1e-3)
    assert first.x[0] == 200.00018816645022  # lowest observed m/z, 64 bit
    assert first.x[-1] == 2000.0099466203771
    assert second.x[0] == pytest.approx(200.00018816645022, rel=1e-7)  # 32 bit, zlib
    assert first.metadata["instrument"] == "LTQ FT"
    assert first.metadata["ionization"] == "ESI"
    assert first.metadata["polarity"] == "positive"
    assert first.metadata["retention_time_s"] == pytest.approx(0.004935 * 60)


def test_a_run_with_both_stages(samples):
    spectra = READER.read(samples / "ms" / "pwiz_small_zlib.mzML")
    assert len(spectra) == 48  # spectrumList count
    tandem = [spectrum for spectrum in spectra if spectrum.technique == "MS/MS"]
    assert {spectrum.kind for spectrum in tandem} == {"sticks"}
    assert tandem[0].metadata["precursor_mz"] == pytest.approx(810.79)
    assert tandem[0].metadata["collision_energy"] == 35
    assert tandem[0].metadata["ms_level"] == 2
    assert "scan 3" in tandem[0].title and "RT" in tandem[0].title


@pytest.mark.parametrize("name", ["pyteomics_test.mzXML", "bruker_solarix_SRFA.mzXML"])
def test_mzxml_agrees_with_pyteomics(samples, name):
    from pyteomics import mzxml

    path = samples / "ms" / name
    spectra = READER.read(path)
    with mzxml.MzXML(str(path), use_index=False) as reference:
        expected = list(reference)
    assert len(spectra) == len(expected)
    for ours, theirs in zip(spectra, expected, strict=True):
        np.testing.assert_array_equal(ours.x, theirs["m/z array"].astype(float))
        np.testing.assert_array_equal(ours.y, theirs["intensity array"].astype(float))
        assert ours.metadata["ms_level"] == theirs["msLevel"]
        assert ours.metadata["retention_time_s"] == pytest.approx(theirs["retentionTime"] * 60)
        assert ours.kind == "sticks"
        if "precursorMz" in theirs:
            assert ours.metadata["precursor_mz"] == theirs["precursorMz"][0]["precursorMz"]


def test_files_that_hold_no_spectrum_say_what_they_hold(samples):
    with pytest.raises(FormatError, match="66 chromatograms and no scan"):
        READER.read(samples / "ms" / "arrayChromatograms.mzML")
    # Its peaks decode to m/z of -2 and 0: the file is a mock-up.
    with pytest.raises(FormatError, match="an m/z of -2 is impossible"):
        READER.read(samples / "ms" / "tiny3.0.mzXML")


@pytest.mark.parametrize("kind", ["MS:1000521", "MS:1000523"])
@pytest.mark.parametrize("packed", [False, True])
def test_number_types_and_compression(tmp_path, kind, packed):
    (spectrum,) = _read(tmp_path, _run(_scan([50, 75.5, 100], [1, 2, 3], kind=kind, packed=packed)))
    assert spectrum.x.tolist() == [50, 75.5, 100]
    assert spectrum.y.tolist() == [1, 2, 3]
    assert spectrum.metadata["retention_time_s"] == 90
    assert spectrum.source.block == "7"


def test_points_in_any_order_come_back_rising(tmp_path):
    (spectrum,) = _read(tmp_path, _run(_scan([100, 50, 50, 75], [1, 2, 3, np.nan])))
    assert spectrum.x.tolist() == [50, 100]
    assert spectrum.y.tolist() == [5, 1]
    assert len(spectrum.warnings) == 2


def test_a_scan_that_does_not_say_its_mode(tmp_path):
    x = np.linspace(100, 101, 200)
    profile = np.exp(-(((x - 100.5) / 0.05) ** 2))
    rng = np.random.default_rng(1)
    first, second = _read(
        tmp_path,
        _run(
            _scan(x, profile, mode=None), _scan(np.arange(200) + 50.0, rng.random(200), mode=None)
        ),
    )
    assert (first.kind, second.kind) == ("continuous", "sticks")
    assert "does not say" in first.warnings[-1]


def test_a_broken_scan_does_not_lose_its_neighbours(tmp_path):
    good = _scan([50, 60], [1, 2])
    bad = _scan([50, 60], [1, 2], packed=True, raw=b"\x78\x9cnot zlib")
    spectra = _read(tmp_path, _run(good, bad, _scan([], []), good))
    assert len(spectra) == 2
    said = " ".join(spectra[0].warnings)
    assert "scan 2 was left out: its compressed array is damaged" in said
    assert "1 scans without peaks" in said


def test_a_cut_file_keeps_the_scans_before_the_cut(tmp_path):
    text = _run(_scan([50, 60], [1, 2]), _scan([50, 60], [1, 2]))
    spectra = _read(tmp_path, text[: text.rindex("<binaryDataArray>") + 40])
    assert len(spectra) == 1
    assert "an end too soon" in spectra[0].warnings[-1]


def test_declared_sizes_are_not_believed(tmp_path):
    (spectrum,) = _read(tmp_path, _run(_scan([50, 60], [1, 2], length=10**12)))
    assert len(spectrum) == 2
    assert spectrum.warnings == ("the scan declares 1000000000000 points and holds 2",)


def test_an_array_that_swells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_run, "MOST_POINTS_OF_A_SCAN", 1 << 15)
    bomb = zlib.compress(bytes(1 << 24))
    with pytest.raises(FormatError, match="swells"):
        _read(tmp_path, _run(_scan([50], [1], packed=True, raw=bomb)))


def test_a_long_run_is_cut_with_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_run, "MOST_SCANS", 3)
    spectra = _read(tmp_path, _run(*[_scan([50, 60], [1, 2])] * 5))
    assert len(spectra) == 3
    assert spectra[0].warnings[0].startswith("the first 3 of 5 scans were read")
    assert not _read(tmp_path, _run(*[_scan([50, 60], [1, 2])] * 3))[0].warnings


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE mzML [<!ENTITY a "b">]>',
        '<!DOCTYPE mzML [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        f"<!--{'x' * 100_000}--><!DOCTYPE mzML>",
    ],
)
def test_a_document_type_is_refused(tmp_path, prolog):
    with pytest.raises(FormatError, match="DOCTYPE"):
        _read(tmp_path, _run(_scan([50], [1]), prolog=prolog))


def test_numpress_is_named(tmp_path):
    scan = _scan([50], [1]).replace("MS:1000576", "MS:1002312").replace(
        'name="compression"', 'name="MS-Numpress linear prediction compression"'
    )  # fmt: skip
    with pytest.raises(
        FormatError, match="MS-Numpress linear prediction compression, which is not"
    ):
        _read(tmp_path, _run(scan))


def test_mzxml_with_arrays_apart_and_nested_scans(tmp_path):
    def peaks(values, content: str) -> str:
        text = base64.b64encode(np.asarray(values, ">f8").tobytes()).decode()
        return f'<peaks precision="64" byteOrder="network" contentType="{content}">{text}</peaks>'

    path = tmp_path / "run.mzXML"
    path.write_text(
        '<mzXML><msRun scanCount="2"><scan num="1" msLevel="1" peaksCount="2" centroided="1" '
        f'retentionTime="PT1M2S" polarity="-">{peaks([50, 60], "m/z")}'
        f'{peaks([1, 2], "intensity")}<scan num="2" msLevel="2" peaksCount="1" centroided="1">'
        f'<precursorMz precursorCharge="1">60.5</precursorMz>{peaks([50, 9], "m/z-int")}</scan>'
        "</scan></msRun></mzXML>"
    )
    first, second = READER.read(path)
    assert (first.x.tolist(), first.y.tolist()) == ([50, 60], [1, 2])
    assert first.metadata["retention_time_s"] == 62
    assert first.metadata["polarity"] == "negative"
    assert (second.technique, second.metadata["precursor_mz"]) == ("MS/MS", 60.5)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_a_spectrum_within_seconds(tmp_path_factory, data):
    text = _run(_scan([50, 60], [1, 2], packed=True), _scan([50, 60], [1, 2])).encode()
    at = data.draw(st.integers(0, len(text)))
    noise = data.draw(st.binary(max_size=40))
    path = tmp_path_factory.mktemp("mzml") / "damaged.mzML"
    path.write_bytes(text[:at] + noise + text[at + len(noise) :])
    begun = time.monotonic()
    with suppress(FormatError):
        assert READER.read(path)
    assert time.monotonic() - begun < 5
