"""A run that stays open: every scan as from the beginning of the file, ions, backgrounds."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from engine.formats import FormatError, open_many
from engine.formats.run_chromatogram import FEW_SCANS, follows_time, read_mean_scan, read_scan
from engine.formats.run_file import RunFile, ScanChoice, read_choice
from engine.formats.scan_mean import without_background
from engine.spectra import Spectrum


def _same(one: Spectrum, other: Spectrum) -> bool:
    return (
        np.array_equal(one.x, other.x)
        and np.array_equal(one.y, other.y)
        and (one.title, one.source, dict(one.metadata), one.warnings)
        == (other.title, other.source, dict(other.metadata), other.warnings)
    )


@pytest.mark.parametrize(
    "name",
    ["pwiz_small_zlib.mzML", "matchms_testdata.mzML", "pyteomics_test.mzXML",
     "bruker_solarix_SRFA.mzXML", "pyteomics_test.mzML", "advion-gcms.cdf"],
)  # fmt: skip
def test_a_scan_by_its_place_in_the_file_is_the_one_read_from_the_beginning(samples, name):
    path = samples / "ms" / name
    run = RunFile.open(path)
    assert (run.offsets is not None) == (not name.endswith(".cdf"))
    for place in range(len(run.chromatogram)):
        assert _same(run.scan(place), read_scan(path, place))


def test_a_mean_by_places_is_the_one_read_from_the_beginning(samples):
    path = samples / "ms" / "pwiz_small_zlib.mzML"
    run = RunFile.open(path)
    first, last = np.quantile(run.chromatogram.retention_time_s, [0.2, 0.6])
    assert _same(run.mean(first, last), read_mean_scan(path, first, last))


def test_what_is_not_where_it_seems_is_read_from_the_beginning(lc_run):
    text = lc_run.read_text()
    # A comment that looks like a scan: the places can no longer be told by looking for tags.
    lc_run.write_text(text.replace("<mzML>", '<mzML><!-- <spectrum id="none"> -->', 1))
    run = RunFile.open(lc_run)
    assert run.offsets is None
    assert run.scan(15).y[1] == pytest.approx(1000)
    assert np.nanmax(run.extracted_ion(195.1, 0.01)) == pytest.approx(1000)


def test_utf_16_is_read_from_the_beginning(lc_run):
    text = lc_run.read_text().replace("UTF-8", "UTF-16")
    lc_run.write_bytes(text.encode("utf-16"))
    try:
        run = RunFile.open(lc_run)
    except FormatError:
        return  # not taken for a run at all: said, not guessed
    assert run.offsets is None and len(run.chromatogram) == 62


def test_precursors_are_listed_with_their_times(lc_run):
    chromatogram = RunFile.open(lc_run).chromatogram
    fragments = chromatogram.ms_level == 2
    assert chromatogram.precursor_mz[fragments].tolist() == [195.1, 310.2]
    assert chromatogram.retention_time_s[fragments].tolist() == [31, 81]
    assert np.isnan(chromatogram.precursor_mz[~fragments]).all()


def test_an_extracted_ion_has_its_peak_alone(lc_run):
    run = RunFile.open(lc_run)
    current = run.extracted_ion(195.0, 0.2)
    level = run.chromatogram.ms_level
    assert np.isnan(current[level == 2]).all()
    seconds = run.chromatogram.retention_time_s[level == 1]
    expected = 1000 * np.exp(-(((seconds - 30) / 4) ** 2) / 2)
    np.testing.assert_allclose(current[level == 1], expected, atol=1e-9)
    assert run.extracted_ion(195.0, 0.05)[level == 1].max() == 0
    assert run.extracted_ion(138.1, 0.05, ms_level=2)[level == 2].tolist() == [80, 0]


def test_an_extracted_ion_of_andi_is_the_sum_in_its_window(samples):
    run = RunFile.open(samples / "ms" / "agilent-gcms.cdf")
    current = run.extracted_ion(84.0, 0.5)
    for place in (0, 187, 190, 3000):
        scan = run.scan(place)
        inside = (scan.x >= 83.5) & (scan.x <= 84.5)
        assert current[place] == pytest.approx(scan.y[inside].sum())


def test_an_extraction_can_be_stopped(lc_run):
    told: list[float] = []
    current = RunFile.open(lc_run).extracted_ion(
        195.1, 0.1, is_cancelled=lambda: True, on_progress=told.append
    )
    assert np.isfinite(current).sum() == 1


def test_a_background_leaves_what_rises_above_it(lc_run):
    choice = ScanChoice(times=(28, 32), background=(50, 60))
    for found in (RunFile.open(lc_run).chosen(choice), read_choice(lc_run, choice)):
        np.testing.assert_allclose(found.x, [195.1])
        assert found.y[0] == pytest.approx(1000 * (1 + 2 * np.exp(-1 / 8)) / 3, rel=1e-3)
        assert found.title.endswith("minus 6 scans")
        assert found.metadata["background_scans"] == 6
    with pytest.raises(FormatError, match="nothing rises above the background"):
        RunFile.open(lc_run).chosen(ScanChoice(times=(4, 8), background=(28, 32)))


def test_a_background_of_a_profile_is_taken_off_point_by_point():
    x = np.linspace(100, 101, 101)
    peak, ground = np.exp(-(((x - 100.5) / 0.05) ** 2)), np.full(101, 0.2)

    def profile(y, polarity="positive"):
        return Spectrum("MS", x, y, "m/z", metadata={"polarity": polarity})

    left = without_background(profile(peak + ground), profile(ground))
    np.testing.assert_allclose(left.y, peak, atol=1e-12)
    assert left.y.min() >= 0
    with pytest.raises(ValueError, match="another way"):
        without_background(profile(peak), profile(ground, "negative"))


def test_a_file_that_changed_is_not_read_as_the_old_one(lc_run):
    run = RunFile.open(lc_run)
    lc_run.write_text(lc_run.read_text() + "\n")
    for reads in (lambda: run.scan(0), lambda: run.mean(0, 9), lambda: run.extracted_ion(195, 1)):
        with pytest.raises(FormatError, match="another content"):
            reads()
    lc_run.unlink()
    with pytest.raises(FormatError):
        run.scan(0)


def test_what_is_a_run_and_what_are_a_few_spectra(samples, lc_run, tmp_path):
    taken = {path.name for path in (samples / "ms").iterdir() if follows_time(path)}
    assert taken == {
        "advion-gcms.cdf", "agilent-gcms.cdf", "agilent-gcms-tic.cdf", "pwiz_small_zlib.mzML",
        "arrayChromatograms.mzML",
    }  # fmt: skip
    assert follows_time(lc_run)
    one_time = tmp_path / "library.mzML"
    text = lc_run.read_text()
    for number in range(60):
        text = text.replace(f'"MS:1000016" value="{2.0 * number}"', '"MS:1000016" value="7.0"')
    one_time.write_text(text)
    assert not follows_time(one_time), "spectra of one time are no chromatogram"
    few = tmp_path / "few.mzML"
    parts = lc_run.read_text().split("<spectrum id")
    few.write_text("<spectrum id".join(parts[: FEW_SCANS + 1]) + "</spectrumList></run></mzML>")
    assert not follows_time(few)
    assert not follows_time(tmp_path) and not follows_time(tmp_path / "nothing")


def test_runs_are_set_apart_from_spectra_in_folders_too(lc_run, samples, tmp_path):
    shutil.copy(samples / "ms" / "ethanol_ms.jdx", tmp_path)
    runs: list = []
    spectra, errors = open_many([tmp_path], runs=runs)
    assert runs == [lc_run] and len(spectra) == 1 and not errors
    spectra, _ = open_many([tmp_path])
    assert len(spectra) == 63


def test_a_folder_of_runs_alone_names_what_was_broken(lc_run, tmp_path):
    (tmp_path / "broken.dx").write_text("##TITLE=cut\n##JCAMP-DX=5.0\n##DATA TYPE=INFRA")
    runs: list = []
    spectra, errors = open_many([tmp_path], runs=runs)
    assert runs == [lc_run] and not spectra
    assert len(errors) == 1 and "broken.dx" in errors[0][1]
