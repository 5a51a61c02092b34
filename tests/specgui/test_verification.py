"""Verification: a score with its verdict, the tests behind it, and stale when spectra change."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from tests.specgui.candidate_fakes import FakeVerbs


@pytest.fixture
def verbs(engine, monkeypatch, tmp_path) -> FakeVerbs:
    made = FakeVerbs()
    made.install(monkeypatch, tmp_path / "libraries")
    yield made
    made.hold.set()


@pytest.fixture
def verified(opened, verbs, settle):
    """The window after the sample's structure was typed and verified."""
    sample = opened.workspace.selection.sample
    opened.workspace.document.set_structure(sample.id, "CC(C)=O")
    settle()
    opened.registry.run("candidates.verify_structure")
    settle()
    return opened


def test_without_a_structure_there_is_nothing_to_verify(opened, verbs):
    assert "no structure yet" in opened.verification.notice.text()
    assert not opened.verification.button.isVisible()
    assert not opened.registry.is_enabled(opened.registry.commands["candidates.verify_structure"])


def test_score_verdict_and_tests_are_shown(verified, verbs):
    view = verified.verification
    assert verbs.verified == ["CC(C)=O"]
    assert view.gauge.score == 0.62 and "speak for" in view.verdict.text()
    assert view.gauge.accessibleName() == "Score +0.62 of -1 to 1"
    shown = [row for row in view.rows if not row.isHidden()]
    assert [row.name.text() for row in shown] == ["13C shifts", "Groups", "1H shifts"]
    assert shown[1].number.text() == "−0.50" and "Ester" in shown[1].detail.text()
    assert shown[2].number.text() == "–" and shown[2].bar.score is None
    assert "no mass spectrum" in view.notes.text()


def test_a_negative_score_is_painted_left_of_the_middle(verified):
    bar = next(row.bar for row in verified.verification.rows if row.bar.score == -0.5)
    theme = verified.appearance.theme
    image = bar.grab().toImage()
    ratio = bar.devicePixelRatioF()

    def colour(share: float) -> str:
        return image.pixelColor(round(bar.width() * share * ratio), round(4 * ratio)).name()

    assert colour(0.3) == theme.error
    assert colour(0.1) == colour(0.8) == theme.border


def test_other_spectra_make_it_stale_until_undone(verified, settle, verbs):
    document, sample = verified.workspace.document, verified.workspace.selection.sample
    document.remove(spectrum_ids=[sample.spectra[-1].id])
    settle()
    assert verified.verification.stale.isVisible()
    document.undo_stack.undo()
    settle()
    assert not verified.verification.stale.isVisible()
    document.remove(spectrum_ids=[sample.spectra[-1].id])
    verified.verification.button.click()
    settle()
    assert not verified.verification.stale.isVisible() and len(verbs.verified) == 2


def test_a_candidate_is_verified_without_becoming_the_structure(opened, verbs, settle, qtbot):
    opened.show_panel("candidates")
    opened.candidates.search()
    settle()
    cards = opened.candidates.list
    cards.setCurrentIndex(cards.cards.index(1, 0))
    qtbot.mouseClick(opened.candidates.verify_button, Qt.MouseButton.LeftButton)
    settle()
    assert verbs.verified == ["CCC=O"]
    assert opened.verification.title.text() == "propanal"
    assert opened.workspace.selection.sample.structure is None
    assert cards.cards.scores == {"CCC=O": 0.62}


def test_why_it_cannot_be_verified_is_said(opened, verbs, settle):
    verbs.error = ValueError("the sample has no NMR spectrum")
    sample = opened.workspace.selection.sample
    opened.workspace.candidates.verify(sample, "CC(C)=O")
    settle()
    assert "has no NMR spectrum" in opened.verification.notice.text()


def test_a_cancelled_verification_leaves_the_earlier_one(verified, verbs, settle, qtbot):
    verbs.hold.clear()
    verified.registry.run("candidates.verify_structure")
    qtbot.waitUntil(lambda: len(verbs.verified) == 2)
    assert "Verifying" in verified.verification.notice.text()
    verified.workspace.jobs.cancel_all()
    verbs.hold.set()
    settle()
    assert verified.verification.gauge.isVisible() and not verified.verification.notice.isVisible()
