"""A program that edits a project until it is killed; it runs beside the tests, without a window.

It reads folders from its input, one a line. For each it forks a process that edits, prints that
process's number, and then ``gone`` when the process has ended. With a folder as its argument it
edits at once.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

import numpy as np

from engine.library.project import Assignment, Project, ProjectState
from engine.library.project_file import save_project
from engine.library.project_journal import ProjectJournal
from engine.spectra import Spectrum

SAVE_EVERY = 7


def _spectrum(number: int) -> Spectrum:
    x = np.arange(1.0, 200.0)
    return Spectrum("MS", x, np.sin(x * number), "m/z", kind="sticks", title=f"scan {number}")


def states():
    """The endless row of states, always the same: each is one edit, or its undoing, further."""
    project, earlier = Project(), []
    for number in count(1):
        before = project.state
        kind = number % 9
        samples = project.samples
        if kind in (1, 3):
            spectra = [_spectrum(number), _spectrum(number + 1)]
            project.add_sample(f"sample {number}", spectra)
        elif kind == 2:
            project.set_structure(samples[-1].id, "C" * (number % 30 + 1))
        elif kind == 4:
            project.move_to_new_sample([samples[-1].key[0]])
        elif kind == 5:
            last = samples[-1]
            project.set_assignments(last.id, [Assignment(0, last.key[0], float(number))])
        elif kind == 6 and len(samples) > 6:
            project.remove([samples[0].id])
        elif kind == 7:
            project.split(samples[-2].id)
        elif kind == 8 and earlier:
            project.state = earlier.pop()
        if project.state is before:
            project.rename(samples[number % len(samples)].id, f"renamed {number}")
        if kind != 8:
            earlier = [*earlier[-3:], before]
        yield project.state


def content(state: ProjectState) -> tuple:
    """What has to be the same again, whatever the ids."""
    return (
        tuple(
            (
                sample.name,
                sample.number,
                sample.typed_structure,
                tuple(
                    (e.title, e.spectrum.y.tobytes(), e.chain, e.peaks, e.analysis)
                    for e in sample.spectra
                ),
                tuple((a.atom, a.position) for a in sample.assignments),
            )
            for sample in state.samples
        ),
        state.history,
        state.numbered,
    )


def edit(folder: Path) -> None:
    """Edit, and announce each edit when it is handed over and each saving when it is done."""
    flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
    edits, saved = os.open(folder / "edits", flags), os.open(folder / "saved", flags)
    journal = ProjectJournal.create(folder / "journals")
    for number, state in enumerate(states(), 1):
        journal.record(state)
        os.write(edits, b".")
        if number % SAVE_EVERY == 0:
            path = save_project(folder / "project.specgui", state)
            os.write(saved, b".")
            journal.record(state, str(path), changed=False)


def serve() -> None:
    """Fork an editor for each folder of the input."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            edit(Path(line.rstrip("\n")))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        edit(Path(sys.argv[1]))
    else:
        serve()
