"""Chromatograms that mzML files hold ready-made, and runs inside zip archives."""

from __future__ import annotations

import base64
import shutil
import zipfile

import numpy as np
import pytest

from engine.formats import FormatError, open_many, open_spectra
from engine.formats.packed_file import on_disk
from engine.formats.run_chromatogram import follows_time, read_chromatogram, read_scan
from engine.formats.run_file import RunFile, ScanChoice, read_choice
from tests.engine.formats.chromatogram_files import TOTAL, chromatogram, write


def test_a_real_file_of_transitions_agrees_with_its_xml(samples):
    from lxml import etree

    path = samples / "ms" / "arrayChromatograms.mzML"
    read = read_chromatogram(path)
    elements = list(etree.parse(str(path)).iter("{*}chromatogram"))
    assert len(read.stored) == len(elements) == 66
    assert (read.detector, read.scan_ids) == ("1 total ions, 65 SRM", ())
    for one, element in zip(read.stored, elements, strict=True):
        assert len(one) == int(element.get("defaultArrayLength"))
        if one.kind == "SRM":
            said = f"Q1={round(one.precursor_mz, 1):g} Q3={round(one.product_mz, 1):g}"
            assert said in element.get("id")
    times, y, *_ = elements[1].iter("{*}binary")
    minutes = np.frombuffer(base64.b64decode(times.text), "<f8")
    np.testing.assert_allclose(read.stored[1].retention_time_s, minutes * 60)
    counts = np.frombuffer(base64.b64decode(y.text), "<f4")
    np.testing.assert_array_equal(read.stored[1].intensity, counts)


def test_transitions_are_named_and_their_times_are_seconds(tmp_path):
    path = write(
        tmp_path,
        chromatogram("a", [0.0, 0.5], [1, 2], transition=(124.1, 51.1), packed=True),
        chromatogram("b", [0.0, 30.0, 60.0], [3, 4, 5], kind=TOTAL, unit="UO:0000010"),
        chromatogram("pump 2", [0.0, 1.0], [7, 8], kind="MS:1000626"),
    )
    assert follows_time(path)
    read = read_chromatogram(path)
    assert [one.name for one in read.stored] == ["Total ions", "SRM 124.1 → 51.1 (+)", "pump 2"]
    assert read.retention_time_s.tolist() == [0, 30, 60]
    assert read.total_ion_current.tolist() == [3, 4, 5]
    assert read.stored[1].retention_time_s.tolist() == [0, 30]
    assert read.nearest_scan(30) is None
    with pytest.raises(FormatError, match="found 0 scans"):
        read_scan(path, 0)
    with pytest.raises(FormatError, match="3 chromatograms and no scan: the window shows them"):
        open_spectra(path)


def test_a_broken_chromatogram_loses_no_other(tmp_path):
    cut = chromatogram("cut", [0.0, 1.0], [1.0])
    damaged = chromatogram("damaged", [0.0], [1.0]).replace("<binary>", "<binary>*")
    path = write(tmp_path, cut, damaged, chromatogram("whole", [0.0, 1.0], [5.0, 6.0]))
    read = read_chromatogram(path)
    assert [one.name for one in read.stored] == ["whole"]
    assert "2 times and 1 intensities" in read.warnings[0]
    with pytest.raises(FormatError, match="cut was left out: it has 2 times"):
        read_chromatogram(write(tmp_path, cut, name="none.mzML"))


def test_a_file_that_ends_in_the_middle_gives_what_was_before(tmp_path):
    path = write(tmp_path, *[chromatogram(f"c{n}", [0.0, 1.0], [n, n]) for n in range(3)])
    text = path.read_text()
    path.write_text(text[: text.rindex("<chromatogram ") + 60])
    read = read_chromatogram(path)
    assert [one.name for one in read.stored] == ["c0", "c1"]
    assert read.warnings


def test_chromatograms_beside_scans_are_kept_too(lc_run):
    text = lc_run.read_text()
    more = chromatogram("UV 254 nm", [0.0, 1.0, 2.0], [1, 9, 1], kind="MS:1000812")
    lc_run.write_text(text.replace("</spectrumList>", f"</spectrumList>{more}"))
    read = read_chromatogram(lc_run)
    assert len(read.scan_ids) == 62
    (stored,) = read.stored
    assert (stored.name, stored.kind, stored.intensity.tolist()) == (
        "UV 254 nm", "absorption", [1, 9, 1],
    )  # fmt: skip


# archives


@pytest.fixture
def packed_run(lc_run, tmp_path):
    """A zip with a run in a folder and a spectrum beside it, and the run that is in it."""
    archive = tmp_path / "day.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.write(lc_run, "day 1/run.mzML")
        opened.writestr("note.txt", "nothing")
    return archive, lc_run


def test_a_run_in_a_zip_is_a_run_and_its_scans_are_those_of_the_file(packed_run):
    archive, plain = packed_run
    runs: list = []
    spectra, errors = open_many([archive], runs=runs)
    assert (runs, spectra, errors) == ([archive / "day 1" / "run.mzML"], [], [])
    opened, reference = RunFile.open(runs[0]), RunFile.open(plain)
    np.testing.assert_array_equal(
        opened.chromatogram.total_ion_current, reference.chromatogram.total_ion_current
    )
    choice = ScanChoice(place=15)
    for scan in (opened.chosen(choice), read_choice(runs[0], choice)):
        np.testing.assert_array_equal(scan.y, reference.chosen(choice).y)
        assert scan.source.path == str(runs[0]), "not the unpacked copy, which will be gone"
    mean = opened.chosen(ScanChoice(times=(28, 32)))
    np.testing.assert_allclose(mean.y, reference.chosen(ScanChoice(times=(28, 32))).y)


def test_without_runs_apart_the_scans_of_a_zip_are_spectra(packed_run):
    assert len(open_spectra(packed_run[0])) == 62


def test_errors_name_the_path_in_the_archive(packed_run, tmp_path):
    archive, _ = packed_run
    run = archive / "day 1" / "run.mzML"
    with pytest.raises(FormatError, match="found 62 scans") as caught:
        read_choice(run, ScanChoice(place=99))
    assert caught.value.path == str(run)
    with pytest.raises(FormatError, match="none of this name"):
        RunFile.open(archive / "missing.mzML")
    with pytest.raises(FormatError, match="points outside"):
        _evil(tmp_path / "evil.zip")
    archive.unlink()
    with pytest.raises(FormatError):
        RunFile.open(run)


def _evil(path) -> None:
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("../out.mzML", "<mzML/>")
    on_disk(path / "../out.mzML")


def test_a_changed_archive_is_unpacked_again(packed_run, tmp_path):
    archive, plain = packed_run
    run = archive / "day 1" / "run.mzML"
    assert on_disk(run) == on_disk(run) != run
    assert on_disk(plain) == plain and on_disk(tmp_path / "none") == tmp_path / "none"
    first = on_disk(run)
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as opened:
        opened.writestr("day 1/run.mzML", plain.read_text().replace("run", "RUN"))
    shutil.move(other, archive)
    assert on_disk(run) != first
