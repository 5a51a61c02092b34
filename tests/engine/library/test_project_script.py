"""The script of a project repeats its edits without a window."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats.errors import FormatError
from engine.library.project import Assignment, Project
from engine.library.project_script import script_of
from engine.processing import Chain, Integral, Multiplet, Peak, SignalAnalysis, Step
from engine.spectra import Spectrum

ROOT = Path(__file__).resolve().parents[3]
_SPEC = importlib.util.spec_from_file_location(
    "project_editor", Path(__file__).with_name("project_editor.py")
)
_EDITOR = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_EDITOR)


def _mass(title: str) -> Spectrum:
    return Spectrum("MS", [15, 43, 58], [30.0, np.nan, 25.0], "m/z", kind="sticks", title=title)


_EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "rename", "structure", "move", "new", "split", "remove", "chain", "peaks",
             "analysis", "assign"]
        ),
        st.integers(0, 7), st.integers(0, 7),
    ),
    max_size=10,
)  # fmt: skip


def _edit(project: Project, kind: str, one: int, two: int) -> None:
    if kind == "add" or not project.samples:
        project.add_sample(f"s {one}", [_mass(f"m{two}"), _mass(f"n{two}")][: two % 3])
        return
    sample = project.samples[one % len(project.samples)]
    spectra = [e.id for s in project.samples for e in s.spectra]
    if kind == "rename":
        project.rename(sample.id, f"quote \" and ' {two}")
    elif kind == "structure":
        project.set_structure(sample.id, [None, "CCO", "\n  x\n\nM  END"][two % 3])
    elif kind == "remove":
        project.remove([sample.id] if two % 2 else [], spectra[:1])
    elif kind == "split":
        project.split(sample.id)
    elif not spectra:
        return
    elif kind == "move":
        project.move([spectra[two % len(spectra)]], sample.id)
    elif kind == "new":
        project.move_to_new_sample([spectra[two % len(spectra)]])
    elif kind == "chain":
        project.set_chain(spectra[two % len(spectra)], [None, Chain()][one % 2])
    elif kind == "analysis":
        integral = Integral(float(two), two + 1.5, one / 3, nuclei=None if one % 2 else 2.0)
        found = Multiplet(two + 0.7, two + 0.5, two + 0.9, (float(two), two + 1.5), "d", (7.1,), 2)
        analysis = SignalAnalysis((integral,), (found,), [None, 0][one % 2])
        project.set_analysis(spectra[two % len(spectra)], analysis if one else None)
    elif kind == "peaks":
        project.set_peaks(spectra[two % len(spectra)], [Peak(float(one), 1.0, 0.0)])
    elif sample.spectra:
        project.set_assignments(sample.id, [Assignment(one, sample.key[0], 1.5)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_EDITS)
def test_the_script_of_any_edits_repeats_them(edits):
    project = Project()
    for edit in edits:
        _edit(project, *edit)
    made: dict = {}
    exec(script_of(project.state), made)
    again = made["project"]
    assert [s.name for s in made["samples"]] == [s.name for s in project.samples]

    def told(state):
        samples, _, numbered = _EDITOR.content(state)
        return samples, numbered

    assert told(again.state) == told(project.state)


def test_a_script_reads_the_files_again_and_processes_them(tmp_path):
    path = tmp_path / "it's a table.csv"
    path.write_text("1/cm,absorbance\n" + "".join(f"{400 + i},{i % 7}\n" for i in range(200)))
    from engine import open_spectra

    project = Project()
    sample = project.add_sample("a table", open_spectra(path), [path])
    project.set_chain(project.spectra(sample)[0], Chain((Step("baseline"),)))
    script = tmp_path / "again.py"
    text = script_of(project.state)
    assert f"open_spectra({str(path)!r})" in text
    check = "import sys\nassert not {'PySide6', 'torch'} & set(sys.modules)\n"
    last = "print(samples[0].spectra[0].y.sum())\n"
    script.write_text(text + check + last, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *_, listed, total = done.stdout.splitlines()
    assert listed.split("\t")[:2] == ["a table", "IR"]
    assert float(total) == pytest.approx(project.as_samples()[0].spectra[0].y.sum())


def test_a_long_spectrum_without_a_file_leaves_a_place_for_one():
    project, x = Project(), np.arange(6000.0)
    project.add_sample("simulated", [Spectrum("IR", x, x, "1/cm", title="model")])
    text = script_of(project.state)
    assert len(text) < 1000 and "PUT THE FILE OF model HERE" in text
    with pytest.raises(FormatError, match="nothing at this path"):
        exec(text, {})
