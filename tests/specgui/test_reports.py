"""A report from the window: PDF or HTML by the file's name, in the background, errors said."""

from __future__ import annotations

from concurrent.futures import CancelledError

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from engine.library.project import Assignment, Project
from engine.processing import Chain, Peak, Step
from engine.spectra import Spectrum
from engine.tasks import report
from specgui.actions.exports import _with_suffix
from specgui.workers.job_board import Ticket
from specgui.workers.reporting import assignment_of, writing_report


@pytest.fixture
def asked(monkeypatch):
    """What the file dialog answers; it notes what it was asked with."""
    answer = {"path": "", "kind": "", "asked": []}

    def ask(_parent, title, proposed, filters):
        answer["asked"].append((title, proposed, filters))
        return answer["path"], answer["kind"]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    return answer


@pytest.fixture
def prepared(monkeypatch):
    """The engine's report in a few words; its own tests and those below look at a whole one."""
    made = []

    def prepare(sample, **said):
        made.append((sample, said))
        return sample.name

    monkeypatch.setattr(report, "prepare_report", prepare)
    monkeypatch.setattr(report, "write_report", lambda name, path: path.write_text(name))
    return made


@pytest.mark.parametrize("suffix", [".pdf", ".html"])
def test_it_is_written_under_the_name_that_was_chosen(
    opened, settle, asked, tmp_path, prepared, suffix, engine
):
    runs = len(engine.identified)
    asked["path"] = str(tmp_path / f"all{suffix}")
    opened.registry.action("file.report").trigger()
    settle()
    (_, proposed, filters) = asked["asked"][0]
    assert proposed.endswith(".pdf") and "*.pdf" in filters and "*.html" in filters
    ((sample, said),) = prepared
    assert (tmp_path / f"all{suffix}").read_text() == sample.name
    assert f"all{suffix}" in opened.statusBar().currentMessage()
    assert said["identification"].groups[0].name == "Ketone"
    assert len(engine.identified) == runs, "the network is not asked again"
    assert not [p for p in opened.workspace.problems if "all" in p.path]


def test_nothing_is_written_when_the_dialog_is_left(opened, settle, asked, prepared):
    opened.registry.action("file.report").trigger()
    settle()
    assert not prepared


def test_a_place_that_cannot_be_written_to_is_a_problem(opened, settle, tmp_path, prepared):
    opened.exports.write_report(tmp_path / "missing" / "all.html")
    settle()
    assert len(prepared) == 1
    (problem,) = [p for p in opened.workspace.problems if p.path.endswith("all.html")]
    assert "is not written" in problem.message and problem.advice == "Choose another place."


def test_it_needs_a_spectrum(window):
    window.registry.refresh()
    assert not window.registry.action("file.report").isEnabled()


def test_a_name_without_a_suffix_gets_that_of_the_filter(tmp_path):
    assert _with_suffix(tmp_path / "v1.2", "HTML pages (*.html *.htm)").name == "v1.2.html"
    assert _with_suffix(tmp_path / "a", "").name == "a.pdf"
    assert _with_suffix(tmp_path / "a.HTM", "PDF documents (*.pdf)").name == "a.HTM"


# what it says


@pytest.fixture
def project(carbon):
    made = Project()
    sample = made.add_sample("acetone", [carbon])
    made.set_structure(sample, "CC(C)=O")
    return made, sample


def test_chosen_steps_and_edited_peaks_and_assignments_are_told(project, monkeypatch, tmp_path):
    made, sample = project
    (spectrum,) = made.spectra(sample)
    made.set_chain(spectrum, Chain((Step("smooth"),)))
    made.set_peaks(spectrum, [Peak(206.7, 0.4, 0.1), Peak(30.9, 1.0, 0.1)])
    made.set_assignments(sample, [Assignment(1, spectrum, 206.7, fixed=True)])
    written = []
    monkeypatch.setattr(report, "write_report", lambda found, path: written.append(found))
    told: list[str] = []
    ticket = Ticket()
    monkeypatch.setattr(ticket, "report", lambda share, text="": told.append(text))
    verb = writing_report(made.sample(sample), tmp_path / "a.html", _none(), "2026-01-31")
    for _ in verb(ticket):
        pass
    (found,) = written
    (section,) = found.sections
    assert "moothing" in " ".join(section.steps)
    assert [round(p.position, 1) for p in section.plot.peaks] == [206.7, 30.9]
    assert found.date == "2026-01-31" and found.name == "acetone"
    ((atoms, ppm, predicted, difference, sure),) = found.assignment.rows
    assert (atoms, ppm, predicted, difference, sure) == ("C1", "206.7", "–", "", "said")
    assert any("a carbon" in text for text in told)


def _none():
    from engine.tasks.group_identification import GroupIdentification, ModelCard

    return GroupIdentification((), (), ModelCard("fake", "1", "MIT"))


def test_atoms_that_symmetry_makes_equal_are_one_signal(project):
    made, sample = project
    (spectrum,) = made.spectra(sample)
    made.set_assignments(sample, [Assignment(a, spectrum, 30.9, 31.0, 1.0, 0.9) for a in (0, 2)])
    found = assignment_of(made.sample(sample))
    assert [one.equivalent for one in found.assignments] == [(0, 2), (0, 2)]
    assert [one.element for one in found.assignments] == ["C", "C"]
    assert assignment_of(made.sample(made.add_sample("none"))) is None


def test_a_cancelled_report_leaves_no_file(project, tmp_path):
    made, sample = project
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(CancelledError):
        for _ in writing_report(made.sample(sample), tmp_path / "a.html", _none(), "")(ticket):
            pass
    assert not (tmp_path / "a.html").exists()


def test_an_infrared_alone_without_a_model(monkeypatch, tmp_path):
    from engine.library import group_model

    def none(*_args, **_said):
        raise group_model.NoModelError("no weights")

    monkeypatch.setattr("engine.tasks.groups.identify_groups", none)
    made = Project()
    x = np.linspace(400, 4000, 500)
    sample = made.add_sample("one", [Spectrum("IR", x, np.ones(500), "1/cm", "transmittance")])
    generator = writing_report(made.sample(sample), tmp_path / "a.html", None, "")(Ticket())
    with pytest.raises(StopIteration) as ended:
        while True:
            next(generator)
    assert ended.value.value == ("The groups are left out: no weights",)
    assert (tmp_path / "a.html").is_file()
