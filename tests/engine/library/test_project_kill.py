"""A program that is killed at any instant loses at most the last edit."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from engine.library.project_file import read_project
from engine.library.project_journal import ProjectJournal, leftovers

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("project_editor.py")
CAN_FORK = hasattr(os, "fork")
# Where each editor is a new interpreter, so many of them would take minutes.
KILLS = 200 if CAN_FORK else 20
LONGEST_S = 0.12


@pytest.fixture(scope="module")
def editor():
    """The editor's module: the row of states that every editor makes."""
    spec = importlib.util.spec_from_file_location("project_editor", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Killer:
    """Starts editors and kills each after a while."""

    def __init__(self) -> None:
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self._server = self._start() if CAN_FORK else None

    def run(self, folder: Path, seconds: float) -> None:
        if self._server is None:
            process = self._start(str(folder))
            self._wait_for(folder / "edits", process)
            time.sleep(seconds)
            process.kill()
            process.wait()
            return
        self._server.stdin.write(f"{folder}\n")
        self._server.stdin.flush()
        child = int(self._server.stdout.readline())
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        assert self._server.stdout.readline() == "gone\n"

    def close(self) -> None:
        if self._server is not None:
            self._server.stdin.close()
            self._server.wait(10)
            self._server.stdout.close()

    def _start(self, *arguments: str) -> subprocess.Popen:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), *arguments],
            env=self._environment, stdin=pipe, stdout=pipe, text=True,
        )  # fmt: skip

    @staticmethod
    def _wait_for(path: Path, process: subprocess.Popen) -> None:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.005)


@pytest.fixture
def killer():
    made = Killer()
    yield made
    made.close()


def _announced(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_a_kill_at_any_moment_loses_at_most_the_last_edit(tmp_path, editor, killer):
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    row = editor.states()
    known: list[tuple] = [((), (), 0)]
    edits, saves, recovered_ones = 0, 0, 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        seconds = chance.uniform(0, LONGEST_S)
        killer.run(folder, seconds)
        made, saved = _announced(folder / "edits"), _announced(folder / "saved")
        known += [editor.content(state) for state in islice(row, max(0, made + 2 - len(known)))]
        where = f"kill {number} of seed {seed} after {seconds:.4f} s, {made} edits, {saved} saved"

        # What a saved file has need not be recovered; the journal says so.
        kept = 0
        file = folder / "project.specgui"
        if file.exists():
            opened = read_project(file)
            assert not opened.problems, where
            found = editor.content(opened.state)
            kept = _position(found, known, made)
            # The state after a saving, whether or not the editor came to say that it saved.
            savings = [saved * editor.SAVE_EVERY, (saved + 1) * editor.SAVE_EVERY]
            assert found in [known[place] for place in savings if place < len(known)], where
        else:
            assert saved == 0, where
        for journal, _ in leftovers(folder / "journals"):
            state, problems = journal.read()
            journal.close(discard=False)
            assert problems == (), where
            kept = _position(editor.content(state), known, made)
            recovered_ones += 1
        assert made - 1 <= kept <= made + 1, f"{where}: {kept} edits are left"
        edits, saves = edits + made, saves + saved
    assert recovered_ones > KILLS / 4
    assert edits > KILLS and saves > 0


def _position(found: tuple, known: list[tuple], last: int) -> int:
    """How many edits lead to a state; an undone one leads to an earlier state again."""
    places = [place for place in range(len(known)) if known[place] == found]
    assert places, "a state that never was"
    return min(places, key=lambda place: abs(place - last))


def test_work_goes_on_in_a_recovered_journal(tmp_path, editor, killer):
    # A kill just after a saving leaves nothing to recover: then another is needed.
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        killer.run(folder, 0.2 + 0.01 * number)
        found = leftovers(folder / "journals")
        if found:
            break
    ((journal, recovery),) = found
    assert recovery.names and recovery.last_edit and abs(time.time() - recovery.edited) < 60
    state, _ = journal.read()
    journal.record(state)
    journal.close(discard=False)
    again = ProjectJournal.take(journal.path)
    assert editor.content(again.read()[0]) == editor.content(state)
    again.close(discard=True)
    assert list((folder / "journals").iterdir()) == []
