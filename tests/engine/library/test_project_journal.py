"""The recovery journal keeps every edit, is its program's own, and outlives it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.library import project_database
from engine.library.project import Project
from engine.library.project_file import FORMAT_VERSION
from engine.library.project_journal import JournalInUseError, ProjectJournal, leftovers

_SPEC = importlib.util.spec_from_file_location(
    "project_editor", Path(__file__).with_name("project_editor.py")
)
_EDITOR = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_EDITOR)
content = _EDITOR.content
STATES = tuple(islice(_EDITOR.states(), 40))


@pytest.fixture
def states():
    """A row of states, each one edit or its undoing after the last."""
    return STATES


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(STATES) - 1), min_size=1, max_size=6))
def test_the_journal_follows_any_edits_and_undoings(tmp_path_factory, places):
    journal = ProjectJournal.create(tmp_path_factory.mktemp("journal"))
    try:
        for place in places:
            journal.record(STATES[place])
        journal.wait()
        state, problems = journal.read()
        assert problems == () and content(state) == content(STATES[places[-1]])
    finally:
        journal.close(discard=True)


def test_a_journal_is_offered_only_when_its_program_is_gone(tmp_path, states):
    journal = ProjectJournal.create(tmp_path)
    project = Project(states[20])
    journal.record(project.state, "/p/a.specgui")
    journal.wait()
    with pytest.raises(JournalInUseError):
        ProjectJournal.take(journal.path)
    assert leftovers(tmp_path) == []
    # What the disk holds when the program is killed now.
    gone = tmp_path / "gone"
    gone.mkdir()
    for part in tmp_path.glob("*.journal*"):
        shutil.copy(part, gone)
    ((left, recovery),) = leftovers(gone)
    assert recovery.project_path == "/p/a.specgui" and recovery.names == tuple(
        s.name for s in project.samples
    )
    assert recovery.last_edit == project.state.history[-1].title
    assert content(left.read()[0]) == content(project.state)
    left.close(discard=True)
    journal.close(discard=True)
    assert list(tmp_path.glob("**/*.journal*")) == []


def test_a_journal_of_saved_work_is_deleted(tmp_path, states):
    journal = ProjectJournal.create(tmp_path)
    journal.record(states[20])
    journal.record(states[20], "/p/a.specgui", changed=False)
    journal.close(discard=False)
    assert leftovers(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_broken_journal_is_set_aside_and_the_others_are_offered(tmp_path, states):
    journal = ProjectJournal.create(tmp_path)
    journal.record(states[20])
    journal.close(discard=False)
    broken = tmp_path / "0-broken.journal"
    broken.write_bytes(b"no database at all" * 100)
    young = tmp_path / "0-young.journal"
    young.touch()
    old = tmp_path / "0-old.journal"
    old.touch()
    for path in (broken, old):
        os.utime(path, (time.time() - 3600,) * 2)
    ((left, _),) = leftovers(tmp_path)
    left.close(discard=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0-broken.broken", "0-young.journal"]


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path, states):
    journal = ProjectJournal.create(tmp_path)
    journal.record(states[20])
    journal.close(discard=False)
    with closing(sqlite3.connect(journal.path)) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    os.utime(journal.path, (time.time() - 3600,) * 2)
    assert leftovers(tmp_path) == []
    assert journal.path.exists()


def test_a_failed_writing_is_said_once_and_made_up_for(tmp_path, monkeypatch, states):
    said: list[str] = []
    journal = ProjectJournal.create(tmp_path, said.append)
    project = Project(states[20])
    with monkeypatch.context() as patched:

        def full(*_):
            raise sqlite3.OperationalError("database or disk is full")

        patched.setattr(project_database, "write_changes", full)
        journal.record(project.state)
        journal.record(project.state)
        journal.wait()
    assert said == ["database or disk is full"]
    project.rename(project.samples[0].id, "later")
    journal.record(project.state)
    journal.wait()
    assert content(journal.read()[0]) == content(project.state)
    journal.close(discard=True)


def test_an_edit_does_not_wait_for_the_disk_but_the_next_one_does(tmp_path, monkeypatch, states):
    write, slow_s = project_database.write_changes, 0.5

    def slow(*arguments):
        time.sleep(slow_s)
        write(*arguments)

    monkeypatch.setattr(project_database, "write_changes", slow)
    journal = ProjectJournal.create(tmp_path)
    project = Project(states[20])
    begun = time.monotonic()
    journal.record(project.state)
    first = time.monotonic() - begun
    project.rename(project.samples[0].id, "next")
    journal.record(project.state)
    second = time.monotonic() - begun
    journal.close(discard=True)
    assert first < slow_s / 2 and second >= slow_s
