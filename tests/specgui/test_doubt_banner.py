"""The banner over the groups: there when spectra are strange, whole at every size, gone else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from specgui.document.findings import DONE, Finding
from specgui.document.stored_findings import restored, stored
from specgui.views.doubt_banner import TITLE

DOUBTS = (
    "IR: its bands seem to point down; is it transmittance or absorbance?",
    "13C NMR: its signals lie where organic compounds rarely show any; check technique and axis.",
)


@pytest.fixture
def doubted(opened, settle):
    """The window with a finding that carries doubts."""

    def show(doubts):
        sample = opened.workspace.selection.sample
        finding = opened.workspace.findings.of(sample)
        found = replace(finding.identification, doubts=tuple(doubts))
        opened.workspace.findings.put(sample.basis, Finding(DONE, found))
        settle()
        return opened.groups.doubt

    return show


def test_ordinary_spectra_have_no_banner(opened):
    assert not opened.groups.doubt.isVisible()


def test_doubts_are_told_over_the_groups(doubted, opened):
    banner = doubted(DOUBTS)
    assert banner.isVisible() and banner.title.text() == TITLE
    assert banner.reasons.text().splitlines() == list(DOUBTS)
    assert banner.geometry().bottom() < opened.groups.table.geometry().top()
    assert all(doubt in banner.accessibleName() for doubt in DOUBTS)
    assert not doubted(()).isVisible()


def test_no_line_is_cut_off_in_a_small_window(doubted, opened, settle):
    banner = doubted(DOUBTS)
    for size in ((1000, 640), (1280, 800)):
        opened.resize(*size)
        settle()
        for label in (banner.title, banner.reasons):
            assert label.height() >= label.heightForWidth(label.width())


def test_many_doubts_are_in_the_tooltip(doubted):
    many = tuple(f"MS/MS+: reason {n}." for n in range(5))
    banner = doubted(many)
    assert banner.reasons.text().endswith("And 2 more.")
    assert banner.toolTip().splitlines() == list(many)


def test_a_project_keeps_the_doubts(doubted, opened):
    doubted(DOUBTS)
    sample = opened.workspace.selection.sample
    kept = stored(opened.workspace.findings.of(sample))
    assert restored(kept, len(sample.spectra)).identification.doubts == DOUBTS
    del kept["groups"]["doubts"]  # as projects were written before
    assert restored(kept, len(sample.spectra)).identification.doubts == ()
