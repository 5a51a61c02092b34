"""A file of chromatograms alone in the window, and a run inside a zip archive."""

from __future__ import annotations

import zipfile

import numpy as np

from specgui.open_runs import STORED, TOTAL, Trace
from tests.engine.formats.chromatogram_files import TOTAL as TOTAL_IONS
from tests.engine.formats.chromatogram_files import chromatogram, write


def _open(window, settle, path):
    (made,) = window.workspace.document.add_samples([("runs", [])], runs=[[str(path)]])
    window.workspace.selection.choose_sample(made)
    settle()
    return window.stack.run_view


def test_transitions_are_offered_and_drawn_one_by_one(window, settle, tmp_path):
    path = write(
        tmp_path,
        chromatogram("total", [0.0, 1.0, 2.0], [1, 5, 1], kind=TOTAL_IONS),
        chromatogram("a", [3.0, 4.0], [2, 9], transition=(124.1, 51.1)),
    )
    view = _open(window, settle, path)
    assert view.chromatogram.isVisible() and not view.scan.isVisible()
    assert view.note.text() == "Chromatograms alone: 1 total ions, 1 SRM"
    assert view.trace.kinds.currentText() == "Total ions"
    np.testing.assert_array_equal(view.chromatogram.presentation.y, [1, 5, 1])
    offered = [view.trace.kinds.itemText(n) for n in range(view.trace.kinds.count())]
    assert offered[3:] == ["Total ions", "SRM 124.1 → 51.1 (+)"]
    possible = [view.trace.kinds.model().item(n).isEnabled() for n in range(5)]
    assert possible == [False, False, False, True, True], "there are no scans to add up"
    view.trace.kinds.setCurrentIndex(4)
    view.trace.kinds.activated.emit(4)
    settle()
    assert window.workspace.runs.trace(view.run) == Trace(STORED, place=1)
    assert view.chromatogram.presentation.x.tolist() == [3, 4]
    metrics = view.trace.kinds.fontMetrics()
    assert view.trace.kinds.width() > metrics.horizontalAdvance("SRM 124.1 → 51.1 (+)"), "clipped"
    assert not window.workspace.problems


def test_a_run_in_a_zip_is_shown_and_its_scan_kept(window, settle, tmp_path, lc_run):
    archive = tmp_path / "day.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(lc_run, "run.mzML")
    view = _open(window, settle, archive / "run.mzML")
    assert "scan 16" in view.scan_title.text()
    assert window.workspace.runs.trace(view.run) == Trace(TOTAL)
    view.table.selectRow(0)
    settle()
    view.keep()
    settle()
    (kept,) = window.workspace.document.samples[0].spectra
    assert kept.spectrum.source.path == str(archive / "run.mzML")


def test_the_list_of_transitions_stays_narrow(window, settle, tmp_path):
    names = [chromatogram(f"a very long name {n} " * 8, [0.0, 1.0], [1, 2], kind="MS:1000626")
             for n in range(70)]  # fmt: skip
    view = _open(window, settle, write(tmp_path, *names))
    assert view.trace.kinds.width() <= 260 and view.trace.kinds.maxVisibleItems() == 20
