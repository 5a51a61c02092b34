"""Candidates: searched and ranked in the background, shown as cards, taken as the structure."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from specgui.document import findings as state
from specgui.document.candidates import Query
from specgui.views.candidate_model import CANDIDATE_ROLE
from specgui.views.candidate_model import facts as card_facts
from specgui.views.candidate_text_dialog import CandidateTextDialog, could_be_smiles
from tests.specgui.candidate_fakes import FakeVerbs


@pytest.fixture
def verbs(engine, monkeypatch, tmp_path) -> FakeVerbs:
    made = FakeVerbs()
    made.install(monkeypatch, tmp_path / "libraries")
    yield made
    made.hold.set()


@pytest.fixture
def searched(opened, verbs, settle, qtbot):
    """The window after a click on Search."""
    opened.show_panel("candidates")
    qtbot.mouseClick(opened.candidates.query.search_button, Qt.MouseButton.LeftButton)
    settle()
    return opened


def _cards(window) -> list[str]:
    cards = window.candidates.list.cards
    return [cards.index(row, 0).data(CANDIDATE_ROLE).smiles for row in range(cards.rowCount())]


def _click(window, qtbot, row: int) -> None:
    cards = window.candidates.list
    place = cards.visualRect(cards.cards.index(row, 0)).center()
    qtbot.mouseClick(cards.viewport(), Qt.MouseButton.LeftButton, pos=place)


def _sample(window):
    return window.workspace.selection.sample


def test_a_search_brings_cards_best_first(searched, verbs):
    assert _cards(searched) == ["CC(C)=O", "CCC=O", "OCC=C", "CC(=O)c1ccccc1"]
    assert "50,000 in Starter" in searched.candidates.summary.text()
    assert searched.candidates.notes.toolTip() == "a note"
    query = verbs.searches[0]
    assert query.formula == "" and query.mass_range is None and query.groups == ()
    assert not searched.workspace.document.is_changed or not _sample(searched).typed_structure


def test_the_limits_reach_the_search(opened, verbs, settle, qtbot):
    opened.show_panel("candidates")
    bar = opened.candidates.query
    bar.limits_button.setChecked(True)
    bar.formula_box.setText("C3H6O")
    bar.low_box.setText("50")
    bar.high_box.setText("60,5")
    ketone = next(a for a in bar.groups_menu.actions() if a.text() == "Ketone")
    ketone.trigger()
    assert {a.text() for a in bar.groups_menu.actions()} == {"Ketone", "Alkane"}
    assert bar.limits_button.text().startswith("Limits (3)")
    qtbot.keyClick(bar.formula_box, Qt.Key.Key_Return)
    settle()
    query = verbs.searches[0]
    assert (query.formula, query.mass_range, query.groups) == ("C3H6O", (50, 60.5), ("Ketone",))


@pytest.mark.parametrize(
    "box, text", [("formula_box", "Xx3"), ("low_box", "light"), ("high_box", "-1")]
)
def test_a_field_that_cannot_be_read_is_marked(opened, verbs, settle, box, text):
    opened.show_panel("candidates")
    field = getattr(opened.candidates.query, box)
    field.setText(text)
    opened.candidates.query.search_button.click()
    settle()
    assert not verbs.searches and field.property("invalid") and field.toolTip()
    assert opened.candidates.query.limits.isVisible()


def test_only_the_ticked_nuclei_are_given(window, engine, verbs, settle, tmp_path, carbon):
    from dataclasses import replace

    engine.spectra["h.dx"] = [replace(carbon, technique="1H NMR", title="a proton")]
    window.workspace.open_paths([tmp_path / "b.dx", tmp_path / "h.dx"])
    settle()
    window.workspace.candidates.search(_sample(window), Query(nuclei=("1H NMR",)))
    settle()
    assert [str(s.technique) for s in verbs.searches[0].sample.spectra] == ["1H NMR"]


def test_without_nmr_the_panel_says_what_to_do(window, settle, verbs, tmp_path):
    assert "Open a" in window.candidates.notice.text()
    window.workspace.open_paths([tmp_path / "a.dx"])
    settle()
    assert "neither" in window.candidates.notice.text()
    assert not window.candidates.query.search_button.isEnabled()
    assert not window.registry.is_enabled(window.registry.commands["candidates.search"])


def test_nothing_found_says_what_to_do(opened, verbs, settle):
    verbs.count = 0
    opened.workspace.candidates.search(_sample(opened), Query(formula="C3H6O"))
    settle()
    assert "Nothing was found among 50,000" in opened.candidates.notice.text()
    assert "limits" in opened.candidates.notice.text()


def test_without_a_library_the_reason_is_shown(opened, verbs, settle):
    verbs.error = ValueError("there is no molecule library here")
    opened.workspace.candidates.search(_sample(opened), Query())
    settle()
    assert "no molecule library" in opened.candidates.notice.text()
    assert not any("library" in problem.message for problem in opened.workspace.problems)


def test_a_fault_is_among_the_problems(opened, verbs, settle):
    verbs.error = RuntimeError("out of memory")
    opened.workspace.candidates.search(_sample(opened), Query())
    settle()
    assert any("out of memory" in problem.message for problem in opened.workspace.problems)


def test_a_search_can_be_cancelled(opened, verbs, settle, qtbot):
    opened.show_panel("candidates")
    verbs.hold.clear()
    button = opened.candidates.query.search_button
    button.click()
    qtbot.waitUntil(lambda: bool(verbs.searches))
    assert button.text() == "Cancel"
    button.click()
    settle()
    assert button.text() == "Search"
    assert opened.workspace.candidates.candidates.of(_sample(opened)).state == state.NONE


def test_a_cancelled_search_leaves_the_cards_before(searched, verbs, settle, qtbot):
    verbs.hold.clear()
    searched.candidates.search()
    qtbot.waitUntil(lambda: len(verbs.searches) == 2)
    searched.workspace.candidates.cancel(_sample(searched))
    settle()
    assert len(_cards(searched)) == 4


def test_a_click_overlays_the_predicted_spectrum(searched, qtbot, settle):
    _click(searched, qtbot, 0)
    settle()
    mirror = searched.stack.plots["13C NMR"].canvas.mirror
    assert [signal.ppm for signal in mirror.signals] == [200.0, 31.0]
    assert "acetone" in mirror.label
    qtbot.keyClick(searched.candidates.list, Qt.Key.Key_Escape)
    settle()
    assert mirror.is_empty


def test_a_candidate_becomes_the_structure_and_can_be_undone(searched, qtbot, settle):
    _click(searched, qtbot, 1)
    qtbot.keyClick(searched.candidates.list, Qt.Key.Key_Return)
    settle()
    assert _sample(searched).structure == "CCC=O"
    # The peaks were assigned to it, which is a part of the choice.
    assert _sample(searched).assignments
    searched.workspace.document.undo_stack.undo()
    settle()
    assert _sample(searched) is not None and _sample(searched).structure is None
    assert len(_cards(searched)) == 4


def test_the_smiles_can_be_copied(searched, qtbot):
    _click(searched, qtbot, 1)
    qtbot.mouseClick(searched.candidates.copy_button, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "CCC=O"


def test_drawings_mark_the_difference_to_the_best_or_to_the_structure(searched, settle):
    cards = searched.candidates.list
    other = cards.cards.index(1, 0).data(CANDIDATE_ROLE)
    assert cards.drawing_of(other).reference == "CC(C)=O"
    searched.workspace.document.set_structure(_sample(searched).id, "CCCO")
    settle()
    assert cards.drawing_of(other).reference == "CCCO"


def test_the_cards_can_be_ordered(searched):
    box = searched.candidates.order_box
    box.setCurrentIndex(box.findData("name"))
    box.activated.emit(box.currentIndex())
    assert _cards(searched) == ["CC(C)=O", "CC(=O)c1ccccc1", "CCC=O", "OCC=C"]


def test_of_a_thousand_cards_those_in_view_are_drawn(opened, verbs, settle, monkeypatch, qtbot):
    drawn = []
    from specgui.workers import drawing_cards

    real = drawing_cards.drawn

    def watched(card):
        drawn.append((card, threading.current_thread()))
        return real(card)

    monkeypatch.setattr(drawing_cards, "drawn", watched)
    verbs.count, verbs.differ = 1000, True
    opened.show_panel("candidates")
    opened.workspace.candidates.search(_sample(opened), Query(top=1000))
    settle()
    cards = opened.candidates.list
    assert cards.cards.rowCount() == 1000
    qtbot.waitUntil(lambda: cards.picture_of(cards.cards.candidates[0]) is not None, timeout=30000)
    settle()
    assert len(drawn) < 40
    cards.verticalScrollBar().setValue(cards.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: cards.picture_of(cards.cards.candidates[-1]) is not None, timeout=30000)
    settle()
    assert len(drawn) < 80
    assert len({card for card, _ in drawn}) == len(drawn)
    assert threading.main_thread() not in {thread for _, thread in drawn}


def test_other_spectra_make_the_candidates_stale_until_undone(searched, settle, tmp_path):
    document, sample = searched.workspace.document, _sample(searched)
    document.remove(spectrum_ids=[sample.spectra[-1].id])
    settle()
    assert searched.candidates.stale.isVisible() and len(_cards(searched)) == 4
    document.undo_stack.undo()
    settle()
    assert not searched.candidates.stale.isVisible()


# ranking


def test_a_pasted_list_is_ranked_with_probabilities(opened, verbs, settle, qtbot):
    QApplication.clipboard().setText("CC(C)=O acetone\n\n# others\nCCC=O propanal\n")
    opened.registry.run("candidates.rank_text")
    dialog = opened.findChild(CandidateTextDialog)
    assert dialog.text().startswith("CC(C)=O acetone")
    dialog.accept()
    settle()
    assert verbs.ranked == [["CC(C)=O acetone", "CCC=O propanal"]]
    card = opened.candidates.list.cards.index(0, 0).data(CANDIDATE_ROLE)
    assert (card.name, card.probability, card.formula) == ("acetone", 0.8, "C3H6O")
    assert "Probability 80%" in card_facts(card)


def test_a_file_of_candidates_is_ranked(opened, verbs, settle, tmp_path):
    path = tmp_path / "isomers.smi"
    path.write_text("# two isomers\nCC(C)=O\nCCC=O\tpropanal\n", encoding="utf-8")
    opened.workspace.candidates.rank(_sample(opened), path)
    settle()
    assert _cards(opened) == ["CC(C)=O", "CCC=O"]
    assert "isomers.smi" in opened.candidates.summary.text()


def test_a_file_that_holds_no_candidates_is_explained(opened, verbs, settle, tmp_path):
    opened.workspace.candidates.rank(_sample(opened), tmp_path / "missing.smi")
    settle()
    assert "missing.smi cannot be read" in opened.candidates.notice.text()


@pytest.mark.parametrize(
    "text, could", [("CC(=O)O acid", True), ("Dear colleague,", False), ("", False), ("123", False)]
)
def test_only_what_could_be_smiles_is_taken_from_the_clipboard(text, could):
    assert could_be_smiles(text) is could


# projects


def test_a_project_keeps_candidates_and_verifications(searched, verbs, settle, qtbot, tmp_path):
    workspace = searched.workspace
    workspace.candidates.verify(_sample(searched), "CC(C)=O", "acetone")
    settle()
    path = tmp_path / "kept.specgui"
    with qtbot.waitSignal(workspace.document.file_changed, timeout=10000):
        workspace.save_project(path, lambda _: None, pytest.fail)
    settle()
    workspace.new_project()
    settle()
    assert not _cards(searched)
    workspace.open_project(path)
    settle()
    workspace.selection.choose_sample(workspace.document.samples[0].id)
    settle()
    assert len(_cards(searched)) == 4
    check = workspace.candidates.checks.of(_sample(searched))
    assert check.title == "acetone" and check.verification.score == 0.62
    assert check.verification.tests[0].detail.startswith("All 3 signals")
    assert len(verbs.searches) == 1
