"""Chromatograms of runs and scans picked from them, checked with pyteomics and scipy."""

from __future__ import annotations

import base64
import time
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, open_spectra, xml_run
from engine.formats.run_chromatogram import (
    is_run,
    read_chromatogram,
    read_mean_scan,
    read_scan,
)

PARAMETER = '<cvParam accession="{}" value="{}" unitAccession="{}"/>'


def _array(values, accession: str) -> str:
    text = base64.b64encode(np.asarray(values, "<f8").tobytes()).decode()
    return (
        "<binaryDataArray>"
        + PARAMETER.format("MS:1000523", "", "")
        + PARAMETER.format("MS:1000576", "", "")
        + PARAMETER.format(accession, "", "")
        + f"<binary>{text}</binary></binaryDataArray>"
    )


def _scan(number, seconds, x, y, level=1, said="", polarity="MS:1000130", binary=None) -> str:
    arrays = binary or _array(x, "MS:1000514") + _array(y, "MS:1000515")
    return (
        f'<spectrum index="0" id="function=1 scan={number}" defaultArrayLength="{len(x)}">'
        + PARAMETER.format("MS:1000511", level, "")
        + PARAMETER.format("MS:1000127", "", "")
        + PARAMETER.format(polarity, "", "")
        + said
        + "<scanList><scan>"
        + PARAMETER.format("MS:1000016", seconds, "UO:0000010")
        + f"</scan></scanList><binaryDataArrayList>{arrays}</binaryDataArrayList></spectrum>"
    )


def _write(tmp_path, *scans: str):
    path = tmp_path / "run.mzML"
    text = f'<spectrumList count="{len(scans)}">{"".join(scans)}</spectrumList>'
    path.write_text(f"<mzML><run>{text}</run></mzML>")
    return path


@pytest.mark.parametrize("name", ["pyteomics_test.mzXML", "bruker_solarix_SRFA.mzXML"])
def test_mzxml_agrees_with_pyteomics(samples, name):
    from pyteomics import mzxml

    path = samples / "ms" / name
    chromatogram = read_chromatogram(path)
    with mzxml.MzXML(str(path), use_index=False) as reference:
        scans = list(reference)
    assert chromatogram.scan_ids == tuple(scan["num"] for scan in scans)
    assert chromatogram.ms_level.tolist() == [scan["msLevel"] for scan in scans]
    np.testing.assert_allclose(
        chromatogram.retention_time_s, [scan["retentionTime"] * 60 for scan in scans]
    )
    for place, scan in enumerate(scans):
        expected = scan.get("totIonCurrent", scan["intensity array"].sum())
        assert chromatogram.total_ion_current[place] == pytest.approx(expected)
        assert chromatogram.base_peak_intensity[place] == pytest.approx(
            scan["intensity array"].max()
        )
        np.testing.assert_array_equal(read_scan(path, place).y, scan["intensity array"])


def test_mzdata_is_summed_as_the_mzxml_of_the_same_run(samples):
    summed = read_chromatogram(samples / "ms" / "tiny.mzData.xml")
    said = read_chromatogram(samples / "ms" / "pyteomics_test.mzXML")
    assert summed.scan_ids == said.scan_ids
    np.testing.assert_allclose(summed.retention_time_s, said.retention_time_s, atol=1e-3)
    # The mzXML gives its totals with six digits.
    np.testing.assert_allclose(summed.total_ion_current, said.total_ion_current, rtol=1e-5)
    np.testing.assert_array_equal(summed.base_peak_intensity, said.base_peak_intensity)
    assert "a break in it" in summed.warnings[0]


@pytest.mark.parametrize("name", ["pwiz_small_zlib.mzML", "matchms_testdata.mzML"])
def test_mzml_rows_are_the_scans_of_the_file(samples, name):
    path = samples / "ms" / name
    chromatogram = read_chromatogram(path)
    spectra = open_spectra(path)
    assert chromatogram.scan_ids == tuple(spectrum.source.block for spectrum in spectra)
    assert chromatogram.ms_level.tolist() == [s.metadata["ms_level"] for s in spectra]
    for place in (0, len(spectra) // 2, len(spectra) - 1):
        scan = read_scan(path, place)
        np.testing.assert_array_equal(scan.x, spectra[place].x)
        assert scan.title == spectra[place].title
        # The instrument finds its base peak before the conversion stores the points.
        assert chromatogram.base_peak_intensity[place] == pytest.approx(scan.y.max(), rel=0.1)


@pytest.mark.parametrize(("name", "first", "last"), [
    ("agilent-gcms.cdf", 110.0, 125.0), ("advion-gcms.cdf", 0.0, 30.0),
])  # fmt: skip
def test_andi_agrees_with_scipy(samples, name, first, last):
    from scipy.io import netcdf_file

    path = samples / "ms" / name
    with netcdf_file(path, "r", mmap=False) as file:
        of = {key: np.array(variable.data) for key, variable in file.variables.items()}
    chromatogram = read_chromatogram(path)
    np.testing.assert_array_equal(chromatogram.retention_time_s, of["scan_acquisition_time"])
    np.testing.assert_array_equal(chromatogram.total_ion_current, of["total_intensity"])
    highest = np.maximum.reduceat(of["intensity_values"], of["scan_index"])
    np.testing.assert_array_equal(chromatogram.base_peak_intensity, highest)
    mean = read_mean_scan(path, first, last)
    when = chromatogram.retention_time_s
    inside = (when >= first) & (when <= last)
    assert mean.metadata["merged_scans"] == inside.sum() > 5
    assert mean.y.sum() == pytest.approx(chromatogram.total_ion_current[inside].mean(), rel=1e-3)


def test_the_mean_over_a_peak_of_a_gcms_run_is_its_compound(samples):
    mean = read_mean_scan(samples / "ms" / "agilent-gcms.cdf", 115.0, 121.0)
    tallest = np.argsort(mean.y)[-4:]
    # Dichloromethane, the solvent that the file's comment names: M+ 84 and 86, loss of Cl 49, 51.
    assert np.floor(mean.x[tallest] + 0.3).tolist() == [51, 86, 84, 49]
    ions = dict(zip(np.floor(mean.x + 0.3), mean.y, strict=True))
    assert ions[86] / ions[84] == pytest.approx(0.65, abs=0.05)  # two chlorines


def test_a_trace_without_scans(samples):
    path = samples / "ms" / "agilent-gcms-tic.cdf"
    assert is_run(path)
    trace = read_chromatogram(path)
    assert (len(trace), trace.scan_ids, trace.detector) == (1645, (), "MSD1 TIC, MS File")
    assert np.isnan(trace.base_peak_intensity).all()
    assert trace.nearest_scan(60) is None
    with pytest.raises(FormatError, match="no mass spectra"):
        read_scan(path, 0)


def test_what_the_file_says_goes_before_sums(tmp_path):
    said = PARAMETER.format("MS:1000285", 77, "") + PARAMETER.format("MS:1000505", 7, "")
    path = _write(
        tmp_path, _scan(3, 0, [50, 60], [1, 2], said=said), _scan(3, 10, [50, 60], [3, 4]),
        _scan(5, 20, [], []),
    )  # fmt: skip
    chromatogram = read_chromatogram(path)
    assert chromatogram.total_ion_current.tolist() == [77, 7, 0]
    assert chromatogram.base_peak_intensity.tolist() == [7, 4, 0]
    assert chromatogram.retention_time_s.tolist() == [0, 10, 20]
    assert chromatogram.scan_ids == ("3", "3", "5")
    # Scans of two functions share their number; their place tells them apart.
    assert read_scan(path, 1).y.tolist() == [3, 4]
    assert chromatogram.nearest_scan(12) == 1
    assert chromatogram.nearest_scan(12, ms_level=2) is None


def test_a_broken_scan_keeps_its_place(tmp_path):
    broken = _scan(2, 10, [50], [1], binary="<binaryDataArray><binary>?</binary></binaryDataArray>")
    path = _write(tmp_path, _scan(1, 0, [50], [1]), broken, _scan(3, 20, [50], [5]))
    chromatogram = read_chromatogram(path)
    np.testing.assert_array_equal(chromatogram.total_ion_current, [1, np.nan, 5])
    assert "scan 2 cannot be read" in chromatogram.warnings[0]
    assert read_scan(path, 2).y.tolist() == [5]
    with pytest.raises(FormatError, match="expected peaks in scan 2, found scan 2 was left out"):
        read_scan(path, 1)
    for place in (3, -1):
        with pytest.raises(FormatError, match="found 3 scans"):
            read_scan(path, place)
    mean = read_mean_scan(path, 0, 20)
    assert mean.y.tolist() == [3]
    assert "scan 2 was left out" in mean.warnings[-1]


def test_a_mean_takes_its_range_and_level_and_polarity(tmp_path):
    path = _write(
        tmp_path, _scan(1, 0, [50.0], [100]), _scan(2, 10, [50.0], [2]),
        _scan(3, 11, [50.0], [1000], level=2), _scan(4, 12, [50.0], [500], polarity="MS:1000129"),
        _scan(5, 20, [50.0, 60.0], [4, 8]), _scan(6, 21, [50.0], [100]),
    )  # fmt: skip
    mean = read_mean_scan(path, 10, 20)
    assert (mean.x.tolist(), mean.y.tolist()) == ([50, 60], [3, 4])
    assert mean.metadata["retention_time_s"] == 15
    assert "1 scans of another polarity" in mean.warnings[-1]
    assert read_mean_scan(path, 10, 20, ms_level=2).y.tolist() == [1000]
    with pytest.raises(FormatError, match="MS level 1 from 30 to 40 s, found none with peaks"):
        read_mean_scan(path, 30, 40)


def test_cancelling(tmp_path):
    path = _write(tmp_path, *[_scan(n, n, [50], [1]) for n in range(9)])
    answers = iter([False, True])
    stopped = read_chromatogram(path, lambda: next(answers))
    assert (len(stopped), stopped.warnings) == (2, ("reading was stopped after 2 scans",))
    answers = iter([False, True])
    mean = read_mean_scan(path, 0, 9, is_cancelled=lambda: next(answers))
    assert mean.metadata["merged_scans"] == 2
    assert "only the first 2 scans" in mean.warnings[-1]


def test_a_long_run_is_whole_and_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_run, "MOST_SCANS", 10)
    monkeypatch.setattr(xml_run, "MOST_POINTS", 1000)
    x = np.linspace(50, 500, 2000)
    path = _write(tmp_path, *[_scan(n, n, x, np.full(2000, n + 1.0)) for n in range(300)])
    tracemalloc.start()
    try:
        chromatogram = read_chromatogram(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert chromatogram.total_ion_current.tolist() == [2000.0 * (n + 1) for n in range(300)]
    assert peak < 6 << 20  # the run's points are 300 * 2000 * 16 bytes
    mean = read_mean_scan(path, 0, 299)
    np.testing.assert_allclose(mean.y, 150.5)


def test_other_files_are_no_runs(tmp_path):
    path = tmp_path / "notes.txt"
    for content in (b"", b"50 1\n60 2\n"):
        path.write_bytes(content)
        assert not is_run(path)
        with pytest.raises(FormatError, match="a run: mzML, mzXML, mzData or ANDI"):
            read_chromatogram(path)
    assert not is_run(tmp_path / "nothing")
    with pytest.raises(FormatError):
        read_chromatogram(tmp_path / "nothing")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_a_chromatogram_within_seconds(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("run")
    text = _write(folder, _scan(1, 0, [50, 60], [1, 2]), _scan(2, 9, [50], [3])).read_bytes()
    at = data.draw(st.integers(0, len(text)))
    noise = data.draw(st.binary(max_size=40))
    rest = text[at + len(noise) :] if data.draw(st.booleans()) else b""
    path = folder / "damaged.mzML"
    path.write_bytes(text[:at] + noise + rest)
    begun = time.monotonic()
    with suppress(FormatError):
        chromatogram = read_chromatogram(path)
        assert len(chromatogram) == len(chromatogram.scan_ids) == len(chromatogram.ms_level)
    for reads in (lambda: read_scan(path, 1), lambda: read_mean_scan(path, 0, 10)):
        with suppress(FormatError):
            reads()
    assert time.monotonic() - begun < 5
