"""An assignment keeps what was predicted and said of it, in files and scripts, old and new."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.library.assignment_entry import Assignment
from engine.library.edited_sample import edited_sample
from engine.library.project import Project
from engine.processing import Multiplet, Peak, SignalAnalysis
from engine.spectra import Spectrum

ENTRIES = [
    Assignment(3, 7, 128.5), Assignment(3, 7, None, 120.0, 2.5, 0.4),
    Assignment(0, 1, 1.25, 0.0, None, None), Assignment(0, 1, 1.25, fixed=True),
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES)
def test_json_and_python_make_it_again(entry):
    assert Assignment.from_json(json.loads(json.dumps(entry.to_json()))) == entry
    assert eval(entry.line(str(entry.spectrum)), {"Assignment": Assignment}) == entry


def test_a_plain_one_is_written_as_older_versions_did():
    assert Assignment(3, 7, 128.5).to_json() == [3, 7, 128.5]


@pytest.mark.parametrize(
    "values", [5, [], [1, 2], ["1", 2, 3.0], [1, 2, "x"], [1, 2, float("nan")], [1, 2, 3.0, 4, 5]]
)
def test_damage_is_no_assignment(values):
    assert Assignment.from_json(values) is None


def _project() -> tuple[Project, int]:
    x = np.linspace(0, 10, 2001)
    proton = Spectrum("1H NMR", x, 1 / (1 + ((x - 2) / 0.01) ** 2), "ppm")
    carbon = Spectrum("13C NMR", x * 20, 1 / (1 + ((x - 3) / 0.01) ** 2), "ppm")
    project = Project()
    return project, project.add_sample("one", [proton, carbon])


def test_the_engine_gets_the_peaks_as_they_were_edited():
    project, sample = _project()
    untouched = edited_sample(project.sample(sample))
    assert [s.kind for s in untouched.spectra] == ["continuous", "continuous"]
    first, second = project.spectra(sample)
    multiplet = Multiplet(2.0, 1.9, 2.1, (1.8, 2.2), "t", (7.0,), 3)
    project.set_analysis(first, SignalAnalysis(multiplets=(multiplet,)))
    project.set_peaks(second, [Peak(60.0, 2.0, 0.1), Peak(20.0, 1.0, 0.1)])
    proton, carbon = edited_sample(project.sample(sample)).spectra
    assert proton.kind == carbon.kind == "sticks"
    assert proton.metadata["peaks"][0]["n_h"] == 3
    assert proton.metadata["peaks"][0]["multiplicity"] == "t"
    assert carbon.x.tolist() == [20.0, 60.0] and carbon.y.tolist() == [1.0, 2.0]
    from engine.tasks.sample_peaks import observed_peaks

    peaks = observed_peaks(edited_sample(project.sample(sample)))
    assert [(p.ppm, p.nuclei) for p in peaks["1H NMR"]] == [(2.0, 3)]
    assert [p.ppm for p in peaks["13C NMR"]] == [60.0, 20.0]


def test_peaks_at_one_place_stay_apart():
    project, sample = _project()
    _, second = project.spectra(sample)
    project.set_peaks(second, [Peak(60.0, 2.0, 0.1), Peak(60.0, 1.0, 0.1)])
    carbon = edited_sample(project.sample(sample)).spectra[1]
    assert len(carbon.x) == 2 and carbon.x[0] < carbon.x[1]
    assert replace(carbon).kind == "sticks"
