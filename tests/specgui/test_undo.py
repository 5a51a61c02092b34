"""Every edit of the document has a name, is undone and redone, and there is no last one to undo."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtCore import Qt

from engine.formats.run_file import ScanChoice
from engine.library.project import Assignment
from engine.processing import Chain, Peak, SignalAnalysis, Step
from engine.spectra import Spectrum
from specgui.document import Document


def _spectrum(title: str) -> Spectrum:
    return Spectrum("MS", [1.0, 2.0], [1.0, 2.0], "m/z", kind="sticks", title=title)


@pytest.fixture
def document(qapp) -> Document:
    made = Document()
    contents = [("one", [_spectrum("a"), _spectrum("b")]), ("two", [_spectrum("c")])]
    made.add_samples(contents, runs=[[], ["run.mzML"]])
    return made


CHAIN = Chain((Step("baseline"),))
ANALYSIS = SignalAnalysis(reference=0)
# What each edit does to "one" (spectra a and b) and "two" (c), and what the Edit menu calls it.
EDITS = {
    "Open three": lambda d, s: d.add_samples([("three", [_spectrum("d")])]),
    "Open 2 samples": lambda d, s: d.add_samples([("three", []), ("four", [])]),
    "New sample": lambda d, s: d.add_empty_sample(),
    "Rename to benzil": lambda d, s: d.rename(s[0].id, "benzil"),
    "Set structure": lambda d, s: d.set_structure(s[0].id, "CCO"),
    "Process b": lambda d, s: d.set_chain(s[0].key[1], CHAIN),
    "Process 2 spectra": lambda d, s: d.set_chains(s[0].key, CHAIN),
    "Analyse signals of a": lambda d, s: d.set_analysis(s[0].key[0], ANALYSIS),
    "Clear signals": lambda d, s: d.set_analysis(s[0].key[0], ANALYSIS, "Clear signals"),
    "Edit peaks of a": lambda d, s: d.set_peaks(s[0].key[0], [Peak(1.0, 1.0, 0.0)]),
    "Assign peaks": lambda d, s: d.set_assignments(s[0].id, [Assignment(0, s[0].key[0], 1.0)]),
    "Keep it": lambda d, s: d.keep_scan(s[1].runs[0].id, ScanChoice(place=3), _spectrum("it")),
    "Remove run.mzML": lambda d, s: d.remove([], [], [s[1].runs[0].id]),
    "Move spectrum to two": lambda d, s: d.move_spectra([s[0].key[0]], s[1].id),
    "Move 2 spectra to two": lambda d, s: d.move_spectra(s[0].key, s[1].id),
    "New sample b": lambda d, s: d.move_to_new_sample([s[0].key[1]]),
    "Split one": lambda d, s: d.split(s[0].id),
    "Remove two": lambda d, s: d.remove([s[1].id]),
    "Remove a": lambda d, s: d.remove([], [s[0].key[0]]),
    "Remove": lambda d, s: d.remove([s[1].id], [s[0].key[0]]),
}


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_one_named_step(document, name):
    before, steps = document.state, document.undo_stack.count()
    EDITS[name](document, document.samples)
    after = document.state
    assert after is not before and document.undo_stack.count() == steps + 1
    assert document.undo_stack.undoText() == name
    document.undo_stack.undo()
    assert document.state is before and document.undo_stack.redoText() == name
    document.undo_stack.redo()
    assert document.state is after


def test_every_way_to_edit_is_among_these():
    edits = {
        name
        for name in vars(Document)
        if name.startswith(("add_", "set_", "move_")) or name in ("rename", "split", "remove")
    }
    used = {
        name for edit in EDITS.values() for name in edit.__code__.co_names if name in vars(Document)
    }
    assert edits <= used


def test_what_changes_nothing_is_no_step(document):
    one = document.samples[0]
    steps = document.undo_stack.count()
    document.rename(one.id, "one")
    document.set_structure(one.id, None)
    document.set_chain(one.key[0], None)
    document.set_chains(one.key, None)
    document.set_peaks(one.key[0], None)
    document.set_analysis(one.key[0], None)
    document.set_assignments(one.id, [])
    document.move_spectra([one.key[0]], one.id)
    document.remove()
    document.split(document.samples[1].id)
    assert document.undo_stack.count() == steps


def test_what_names_nothing_that_is_there_is_no_step(document):
    steps = document.undo_stack.count()
    document.rename(0, "x")
    document.set_structure(0, "CCO")
    document.set_chain(0, CHAIN)
    document.move_spectra([0], document.samples[0].id)
    document.move_spectra(document.samples[0].key, 0)
    document.remove([0], [0])
    assert document.move_to_new_sample([0]) is None and document.split(0) == []
    assert document.undo_stack.count() == steps


def test_a_thousand_edits_are_undone(document):
    before = document.state
    for number in range(1000):
        document.rename(document.samples[0].id, f"name {number}")
    document.undo_stack.undo()
    assert document.samples[0].name == "name 998"
    for _ in range(999):
        document.undo_stack.undo()
    assert document.state is before and document.undo_stack.canUndo()


def test_documents_are_collected_with_their_steps(qapp):
    code = """
import gc
from PySide6.QtWidgets import QApplication
application = QApplication([])
from specgui.document import Document
for _ in range(3000):
    document = Document()
    document.add_samples([("one", []), ("two", [])])
    document.rename(document.samples[0].id, "other")
    document.undo_stack.undo()
    document.rename(document.samples[0].id, "another")
    del document
gc.collect()
print(sum(type(thing) is Document for thing in gc.get_objects()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr


def test_undone_edits_are_not_in_the_script(document):
    document.rename(document.samples[0].id, "wrong")
    document.undo_stack.undo()
    document.rename(document.samples[0].id, "right")
    assert "'right'" in document.script and "'wrong'" not in document.script


def test_what_is_undone_to_the_saved_state_is_unchanged(document, tmp_path):
    told = []
    document.mark_saved(document.state, tmp_path / "a.specgui")
    document.file_changed.connect(lambda: told.append(document.is_changed))
    document.rename(document.samples[0].id, "other")
    document.rename(document.samples[0].id, "another")
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert told == [True, False]


def test_edits_made_while_saving_are_not_taken_for_saved(document, tmp_path):
    state = document.state
    document.rename(document.samples[0].id, "meanwhile")
    document.mark_saved(state, tmp_path / "a.specgui")
    assert document.is_changed
    document.undo_stack.undo()
    assert not document.is_changed


def test_the_keys_undo_and_redo(opened, qtbot):
    document = opened.workspace.document
    name = document.samples[0].name
    document.rename(document.samples[0].id, "benzil")
    opened.registry.refresh()
    opened.activateWindow()
    opened.tree.setFocus()
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(opened.tree, Qt.Key.Key_Z, control)
    assert document.samples[0].name == name
    opened.registry.refresh()
    qtbot.keyClick(opened.tree, Qt.Key.Key_Z, control | shift)
    assert document.samples[0].name == "benzil"
    opened.registry.refresh()
    qtbot.keyClick(opened.tree, Qt.Key.Key_Z, control)
    opened.registry.refresh()
    qtbot.keyClick(opened.tree, Qt.Key.Key_Y, control)
    assert document.samples[0].name == "benzil"


def test_a_chain_is_shown_predicted_with_and_undone(opened, settle, engine):
    document = opened.workspace.document
    (sample,) = document.samples
    infrared = sample.spectra[0]
    before = opened.workspace.findings.of(sample).identification
    count = len(engine.identified)
    document.set_chain(infrared.id, Chain((Step("to_absorbance"),)))
    settle()
    assert len(engine.identified) == count + 1
    assert engine.identified[-1].spectra[0].y_unit == "absorbance"
    shown = opened.workspace.presentation(document.spectrum(infrared.id))
    assert shown.y_unit == "absorbance" and shown.note == "Processed"
    document.undo_stack.undo()
    settle()
    assert opened.workspace.presentation(infrared).y_unit == "transmittance"
    assert len(engine.identified) == count + 1, "its finding is known"
    assert opened.workspace.findings.of(document.samples[0]).identification is before


def test_a_chain_that_does_not_suit_says_so(opened, settle):
    document = opened.workspace.document
    mass = document.samples[0].spectra[2]
    document.set_chain(mass.id, Chain((Step("fourier_transform"),)))
    settle()
    shown = opened.workspace.presentation(document.spectrum(mass.id))
    assert shown.note == "Shown as recorded" and "step 1" in shown.note_detail
