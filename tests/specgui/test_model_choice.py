"""The choice of the model in the window: its licence is shown, and groups are named anew."""

from __future__ import annotations

import pytest

from engine.library import model_choice
from engine.library.group_model import NoModelError
from specgui.document import ViewOptions
from specgui.settings import Settings
from specgui.workers import predicting

LICENCES = {"open": "MIT, open data", "noncommercial": "CC BY-NC-SA, noncommercial"}


@pytest.fixture(autouse=True)
def licences(monkeypatch):
    monkeypatch.setattr("specgui.model_choosing.licence_of", LICENCES.__getitem__)


@pytest.fixture
def named(monkeypatch):
    """The models that the verb was asked with."""
    asked = []

    def model(choice):
        asked.append(choice)
        return {}

    monkeypatch.setattr(predicting, "_model", model)
    return asked


def row(window):
    return window.groups.model_choice


def test_the_licence_is_shown_before_anything_is_open(window):
    choice = row(window)
    assert choice.box.currentData() == "open"
    assert choice.licence.text() == "Licence: MIT, open data"
    assert choice.licence.isVisibleTo(window) and not choice.unknown.isVisibleTo(window)


def test_choosing_names_all_groups_anew_with_the_other_weights(named, engine, opened, settle):
    assert set(named) == {"open"}
    named.clear()
    box = row(opened).box
    box.setCurrentIndex(box.findData("noncommercial"))
    box.activated.emit(box.currentIndex())
    settle()
    assert named == ["noncommercial"]
    assert row(opened).unknown.isVisibleTo(opened)
    # The licence shown is that of the model which spoke.
    sample = opened.workspace.document.samples[0]
    spoke = opened.workspace.findings.of(sample).identification.model.licence
    assert row(opened).licence.text() == f"Licence: {spoke}"


def test_unnamed_ionisation_is_electron_ionisation_only_when_said(named, engine, opened, settle):
    options = opened.workspace.options
    before = len(engine.identified)
    options["unknown_is_ei"] = True
    settle()
    assert len(engine.identified) == before  # the open model does not read it anyway
    options["group_model"] = "noncommercial"
    settle()
    assert len(engine.identified) == before + 1

    def ionisation(sample):
        return next(s for s in sample.spectra if s.technique == "MS").metadata.get("ionization")

    assert ionisation(engine.identified[-1]) == "EI"
    assert ionisation(engine.identified[before - 1]) is None
    options["unknown_is_ei"] = False
    settle()
    assert ionisation(engine.identified[-1]) is None


def test_a_missing_model_is_said(window, monkeypatch):
    def missing(name):
        raise NoModelError("none")

    monkeypatch.setattr("specgui.model_choosing.licence_of", missing)
    window.workspace.options["group_model"] = "noncommercial"
    assert row(window).licence.text() == "This model is not installed."


def test_the_choice_is_kept_between_starts(tmp_path):
    from PySide6.QtCore import QSettings

    store = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    options = ViewOptions()
    assert options["group_model"] == model_choice.OPEN
    options["group_model"] = "noncommercial"
    Settings(store).save_options(options)
    again = ViewOptions()
    Settings(store).load_options(again)
    assert again["group_model"] == "noncommercial"


def test_an_unknown_choice_of_another_version_is_open(window):
    window.workspace.options["group_model"] = "something else"
    assert window.workspace.models.choice == "open"
    assert row(window).box.currentData() == "open"
