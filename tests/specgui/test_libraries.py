"""Libraries: listed with their state, built in the background, stopped, gone on with, removed."""

from __future__ import annotations

import csv
import sys
import threading
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtWidgets import QMessageBox

from engine.library import library_build
from engine.library.library_files import Manifest, library_path, write_json
from specgui.actions.command_lines import CommandLinesDialog
from specgui.document.candidates import Query
from specgui.views.library_dialog import LibraryDialog
from specgui.views.library_import_dialog import LibraryImportDialog
from specgui.workers.library_jobs import LibraryOrder
from tests.specgui.candidate_fakes import FakeVerbs


class FakeBuild:
    """Stands in for the predicting, which takes long: two chunks, then the manifest."""

    def __init__(self) -> None:
        self.hold = threading.Event()
        self.hold.set()
        self.sources: list[tuple[str, str]] = []

    def build_library(self, name, source, workers, report, is_cancelled):
        self.sources.append((name, Path(source).read_text(encoding="utf-8")))
        target = library_path(name)
        pending = target.with_name(f".{name}.building")
        pending.mkdir(parents=True, exist_ok=True)
        write_json(pending / "building.json", {"name": name, "sources": [[str(source), 1, 1.0]]})
        report(library_build.BuildProgress(2000, 0.5))
        while not self.hold.wait(0.01):
            if is_cancelled():
                raise CancelledError
        report(library_build.BuildProgress(4000, None, "putting together"))
        put_library(name, 4000, "fake shifts 1", source=Path(source).name)
        (pending / "building.json").unlink()
        pending.rmdir()
        return SimpleNamespace(name=name)


def put_library(name: str, size: int, model: str, **more) -> None:
    folder = library_path(name)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(name, size, model, created="2026-11-21T10:00:00", **more)
    write_json(folder / "library.json", manifest.to_dict())


@pytest.fixture
def build(engine, monkeypatch, tmp_path) -> FakeBuild:
    FakeVerbs().install(monkeypatch, tmp_path / "libraries")
    fake = FakeBuild()
    monkeypatch.setattr(library_build, "build_library", fake.build_library)
    yield fake
    fake.hold.set()


@pytest.fixture
def dialog(window, build, settle):
    """The dialog over two libraries; one was made with another model."""
    put_library("lab", 1200, "fake shifts 1", source="lab.smi", records=1203, broken=3)
    put_library("old", 99, "older shifts 0", source="old.smi")
    window.registry.run("candidates.libraries")
    shown = window.findChild(LibraryDialog)
    settle()
    yield shown
    shown.close()


def _rows(dialog: LibraryDialog) -> list[list[str]]:
    table = dialog.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def _list_of(tmp_path) -> Path:
    path = tmp_path / "stock.smi"
    path.write_text("CCO ethanol\nCC(C)=O acetone\n", encoding="utf-8")
    return path


def test_libraries_are_listed_with_size_model_date_and_state(dialog):
    assert _rows(dialog) == [
        ["lab", "1,200", "fake shifts 1", "2026-11-21", "ready"],
        ["old", "99", "older shifts 0", "2026-11-21", "older model"],
    ]
    assert "3 of 1,203 records are no molecules" in dialog.detail.text()


def test_without_a_library_the_dialog_says_what_to_do(window, build, settle):
    window.registry.run("candidates.libraries")
    shown = window.findChild(LibraryDialog)
    settle()
    assert shown.notice.isVisible() and "Import" in shown.notice.text()
    shown.close()


def test_a_list_is_imported_under_its_name(dialog, build, settle, tmp_path, window):
    dialog.import_file(_list_of(tmp_path))
    asked = dialog.findChild(LibraryImportDialog)
    assert asked.name_box.text() == "stock" and not asked.preview.isVisible()
    assert "specgui library build stock" in asked.command.text()
    asked.accept()
    settle()
    assert [row[0] for row in _rows(dialog)] == ["lab", "old", "stock"]
    box = window.candidates.query.library_box
    assert box.findText("stock (4,000)") >= 0


def test_a_bad_name_cannot_be_taken_and_a_known_one_is_said(dialog, tmp_path):
    dialog.import_file(_list_of(tmp_path))
    asked = dialog.findChild(LibraryImportDialog)
    ok = asked.buttons.button(asked.buttons.StandardButton.Ok)
    asked.name_box.setText("a/b")
    assert not ok.isEnabled() and "no name for a library" in asked.message.text()
    asked.name_box.setText("lab")
    assert ok.isEnabled() and "takes its place" in asked.message.text()
    asked.reject()


def test_the_columns_of_a_table_are_chosen(dialog, build, settle, tmp_path):
    path = tmp_path / "stock list.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [("Nr", "Label", "Drawn"), ("1", "ethanol", "CCO"), ("2", "acetone", "CC(C)=O")]
        )
    dialog.import_file(path)
    asked = dialog.findChild(LibraryImportDialog)
    settle()
    assert asked.smiles_box.currentText() == "Drawn" and asked.preview.rowCount() == 2
    asked.title_box.setCurrentIndex(asked.title_box.findText("Label"))
    asked.accept()
    settle()
    assert build.sources == [("stock list", "CCO\tethanol\nCC(C)=O\tacetone\n")]
    assert not list((library_path("x").parent / ".columns").iterdir())


def test_a_stopped_build_is_listed_and_gone_on_with(dialog, build, settle, tmp_path, qtbot, window):
    build.hold.clear()
    window.workspace.libraries.build(LibraryOrder("stock", _list_of(tmp_path)))
    qtbot.waitUntil(lambda: bool(build.sources))
    qtbot.waitUntil(lambda: "2,000 molecules" in window.jobs.text.text())
    row = [row[0] for row in _rows(dialog)].index("stock")
    dialog.table.selectRow(row)
    assert dialog.table.cellWidget(row, 4).bar.value() == 500
    assert not dialog.remove_button.isEnabled()
    dialog.cancel_button.click()
    settle()
    assert _rows(dialog)[row][0] == "stock" and _rows(dialog)[row][4] == "stopped"
    build.hold.set()
    dialog.table.selectRow(row)
    dialog.resume_button.click()
    settle()
    assert ["stock", "4,000"] in [line[:2] for line in _rows(dialog)]
    assert len(build.sources) == 2


def test_removing_asks_first(dialog, settle):
    def answer(text: str) -> None:
        dialog.remove_button.click()
        question = dialog.findChild(QMessageBox)
        next(b for b in question.buttons() if b.text().replace("&", "") == text).click()
        settle()

    answer("Cancel")
    assert len(_rows(dialog)) == 2
    answer("Remove")
    assert [row[0] for row in _rows(dialog)] == ["old"]
    assert not library_path("lab").exists()


def test_the_command_line_is_shown(dialog):
    dialog.command_button.click()
    shown = dialog.findChild(CommandLinesDialog)
    assert shown.boxes[0].text() == "specgui library build lab lab.smi"
    shown.close()


def test_a_file_that_cannot_be_built_is_among_the_problems(window, build, settle, tmp_path):
    window.workspace.libraries.build(LibraryOrder("gone", tmp_path / "gone.smi"))
    settle()
    problem = next(p for p in window.workspace.problems if "gone" in p.path)
    assert "cannot be built" in problem.message


def test_the_first_search_has_the_rest_of_the_starter_library_made(
    opened, build, settle, monkeypatch
):
    built = []

    def build_starter(workers, report, is_cancelled):
        built.append(workers)
        put_library("starter", 60_000, "fake shifts 1", source="named.smi, others.smi")

    choice = sys.modules["engine.library.library_choice"]
    monkeypatch.setattr(choice, "build_starter", build_starter, raising=False)
    put_library("starter", 2000, "fake shifts 1", source="named.smi")
    for _ in range(2):
        opened.workspace.candidates.search(opened.workspace.selection.sample, Query())
        settle()
    assert len(built) == 1
    assert [one.size for one in opened.workspace.libraries.searchable] == [60_000]
