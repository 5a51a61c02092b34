"""Samples can be edited, and every edit undone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.spectra import Spectrum
from specgui.document import Document, Findings, Problem, Problems, Selection
from specgui.document.findings import Finding


def _spectrum(title: str) -> Spectrum:
    return Spectrum("MS", [1.0, 2.0], [1.0, 2.0], "m/z", kind="sticks", title=title)


@pytest.fixture
def document(qapp) -> Document:
    made = Document()
    made.add_samples([("one", [_spectrum("a"), _spectrum("b")]), ("two", [_spectrum("c")])])
    return made


def _names(document: Document) -> list[str]:
    return [sample.name for sample in document.samples]


def _titles(document: Document) -> list[list[str]]:
    return [[entry.title for entry in sample.spectra] for sample in document.samples]


def test_rename_is_undone_and_redone(document):
    document.rename(document.samples[0].id, "  benzoin ")
    assert _names(document) == ["benzoin", "two"]
    document.undo_stack.undo()
    assert _names(document) == ["one", "two"]
    document.undo_stack.redo()
    assert _names(document) == ["benzoin", "two"]


def test_an_empty_name_is_not_taken(document):
    document.rename(document.samples[0].id, "   ")
    assert _names(document) == ["one", "two"]


def test_a_spectrum_moves_and_goes_back(document):
    moved = document.samples[0].spectra[0].id
    document.move_spectra([moved], document.samples[1].id)
    assert _titles(document) == [["b"], ["c", "a"]]
    document.undo_stack.undo()
    assert _titles(document) == [["a", "b"], ["c"]]


def test_a_sample_emptied_by_moving_goes_away_and_comes_back(document):
    document.move_spectra([document.samples[1].spectra[0].id], document.samples[0].id)
    assert _titles(document) == [["a", "b", "c"]]
    document.undo_stack.undo()
    assert _titles(document) == [["a", "b"], ["c"]]


def test_spectra_move_to_a_new_sample_in_one_step(document):
    ids = [entry.id for entry in document.samples[0].spectra[1:]]
    document.move_to_new_sample(ids)
    assert _titles(document) == [["a"], ["c"], ["b"]]
    document.undo_stack.undo()
    assert _titles(document) == [["a", "b"], ["c"]]


def test_remove_of_samples_and_spectra_is_undone(document):
    first, second = document.samples
    document.remove([second.id], [first.spectra[0].id])
    assert _titles(document) == [["b"]]
    document.undo_stack.undo()
    assert _titles(document) == [["a", "b"], ["c"]]


def test_split_makes_one_sample_of_each_spectrum(document):
    document.split(document.samples[0].id)
    assert _names(document) == ["a", "b", "two"]
    document.undo_stack.undo()
    assert _names(document) == ["one", "two"]


def test_structure_comes_from_the_files_until_one_is_typed(qapp):
    document = Document()
    spectrum = Spectrum("MS", [1.0], [1.0], "m/z", kind="sticks", metadata={"smiles": "CCO"})
    (sample_id,) = document.add_samples([("ethanol", [spectrum])])
    assert document.sample(sample_id).structure == "CCO"
    document.set_structure(sample_id, "CC=O")
    assert document.sample(sample_id).as_sample().structure == "CC=O"
    document.undo_stack.undo()
    assert document.sample(sample_id).structure == "CCO"


def test_files_that_disagree_give_no_structure(qapp):
    document = Document()
    both = [
        Spectrum("MS", [1.0], [1.0], "m/z", kind="sticks", metadata={"smiles": smiles})
        for smiles in ("CCO", "CC")
    ]
    document.add_samples([("library", both)])
    assert document.samples[0].structure is None


def test_the_neighbour_is_chosen_when_a_sample_is_removed(document):
    selection = Selection(document)
    first, second = document.samples
    selection.choose_sample(first.id)
    document.remove([first.id])
    assert selection.sample_id == second.id
    document.remove([second.id])
    assert selection.sample is None


def test_an_undone_edit_finds_its_finding_again(document):
    findings = Findings()
    sample = document.samples[0]
    findings.put(sample.key, Finding("done", message="found"))
    document.remove([], [sample.spectra[0].id])
    assert findings.of(document.samples[0]).state == "none"
    document.undo_stack.undo()
    assert findings.of(document.samples[0]).message == "found"


def test_the_same_problem_is_listed_once(qapp):
    problems = Problems()
    problems.add(Problem("x/a.dx", "broken"), Problem("x/a.dx", "broken"))
    problems.add(Problem("x/a.dx", "broken"))
    assert [p.file_name for p in problems] == ["a.dx"]


_edits = st.lists(
    st.tuples(st.sampled_from(["rename", "move", "remove", "split", "new"]), st.integers(0, 9)),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(_edits)
def test_undoing_all_edits_brings_back_the_first_state(qapp, edits):
    document = Document()
    document.add_samples([("one", [_spectrum("a"), _spectrum("b")]), ("two", [_spectrum("c")])])
    document.undo_stack.clear()
    before = document.samples
    for kind, number in edits:
        if not document.samples:
            document.add_empty_sample()
        sample = document.samples[number % len(document.samples)]
        entries = [e.id for s in document.samples for e in s.spectra]
        if kind == "rename":
            document.rename(sample.id, f"name {number}")
        elif kind == "move" and entries:
            document.move_spectra([entries[number % len(entries)]], sample.id)
        elif kind == "remove":
            document.remove([sample.id])
        elif kind == "split":
            document.split(sample.id)
        else:
            document.add_empty_sample()
    after = document.samples
    while document.undo_stack.canUndo():
        document.undo_stack.undo()
    assert document.samples is before
    while document.undo_stack.canRedo():
        document.undo_stack.redo()
    assert document.samples is after or not edits


def test_what_one_call_opens_bit_by_bit_is_one_step(qapp):
    document = Document()
    document.add_samples([("one", [_spectrum("a")])], call=7)
    document.add_samples([("two", [_spectrum("b")])], call=7)
    document.add_samples([("three", [_spectrum("c")])], call=8)
    document.undo_stack.undo()
    assert _names(document) == ["one", "two"]
    document.undo_stack.undo()
    assert _names(document) == []
    document.undo_stack.redo()
    assert _names(document) == ["one", "two"]
