"""The help pages open from the menu, follow the theme, and say what the program really does."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QColor, QTextTable
from PySide6.QtWidgets import QApplication

from engine.installation import resource
from specgui.views.help_window import PAGES, HelpWindow, page_text, shortcuts_text


@pytest.fixture
def help_window(window, qtbot):
    def show(page: str) -> HelpWindow:
        window.registry.action(f"help.{page}").trigger()
        return window.findChild(HelpWindow)

    yield show
    shown = window.findChild(HelpWindow)
    if shown is not None:
        shown.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_from_its_command(help_window, page):
    shown = help_window(page)
    assert shown.isVisible() and not shown.isModal()
    assert shown.browser.isReadOnly()
    assert shown.browser.toPlainText().startswith(PAGES[page])
    assert "cannot be shown" not in shown.browser.toPlainText()


def test_the_same_window_goes_to_the_other_page(help_window, window):
    first, second = help_window("formats"), help_window("projects")
    assert first is second and len(window.findChildren(HelpWindow)) == 1
    assert second.browser.toPlainText().startswith("Projects")


def test_a_link_leads_to_its_page(help_window):
    shown = help_window("projects")
    shown.browser.anchorClicked.emit(QUrl("formats.md"))
    assert shown.browser.toPlainText().startswith("File formats")
    shown.browser.anchorClicked.emit(QUrl("file:///etc/passwd"))
    assert shown.browser.toPlainText().startswith("File formats")


def test_a_page_is_drawn_in_the_theme(help_window, window):
    shown = help_window("formats")
    for mode in ("dark", "light"):
        window.set_theme_mode(mode)
        document = shown.browser.document()
        table = next(f for f in document.rootFrame().childFrames() if isinstance(f, QTextTable))
        assert table.format().borderBrush().color() == QColor(window.appearance.theme.border)
        assert shown.browser.palette().base().color() == QColor(window.appearance.theme.panel)


def test_nothing_is_wider_than_the_page(help_window):
    for page in PAGES:
        shown = help_window(page)
        QApplication.processEvents()
        assert shown.browser.horizontalScrollBar().maximum() == 0, page


def test_every_key_is_listed(window):
    text = shortcuts_text(window.registry).replace("\\", "")
    for command in window.registry.commands.values():
        for keys in command.shortcuts:
            assert f"**{keys}**" in text, command.id


# What the pages claim, against the code. The window's engine is a fake: the real one is asked
# before it is in place.


@pytest.fixture(scope="module")
def formats_page() -> str:
    return resource("help", "formats.md").read_text(encoding="utf-8")


def _tables(text: str) -> list[dict[str, list[str]]]:
    found, table = [], {}
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            table[cells[0]] = cells[1:]
        elif table:
            found.append(table)
            table = {}
    return found


def test_every_reader_is_in_the_list_with_its_suffixes(formats_page):
    from engine.formats.registry import readers

    listed = _tables(formats_page)[0]
    for reader in readers().values():
        assert reader.name in listed, reader.name
        said = set(re.findall(r"`(\.\w+)`", listed[reader.name][0]))
        if reader.name == "Bruker OPUS":  # a range of them
            assert {".0", ".9"} <= said <= set(reader.suffixes)
        elif reader.suffixes:  # a folder, or text under any name, has none of its own
            assert said == set(reader.suffixes), reader.name
        assert ("2D" in listed[reader.name][2]) == (reader.read_2d is not None), reader.name
        details = formats_page.split("## NMR")[1]
        assert all(word in details for word in reader.name.split(" or ")), reader.name
    assert set(listed) - {"Format", "---"} == {reader.name for reader in readers().values()}


def test_everything_that_is_written_is_listed(formats_page):
    from engine.commands.convert import _WRITERS

    commands = " ".join(cells[0] for cells in _tables(formats_page)[1].values())
    for name in _WRITERS:
        assert f"--to {name}`" in commands


def test_every_format_that_is_known_and_not_read_is_named(formats_page):
    from engine.formats import signatures

    named = " ".join(_tables(formats_page)[2]).lower()
    for _, name, _ in signatures._SPECTRA:
        assert name.lower().removesuffix(" ms") in named or name.lower() in named, name
    for name, _ in signatures._SPECTRA_ROOTS.values():
        assert name.lower() in named
    for _, found in signatures._NO_SPECTRA:
        word = re.match(r"an? (\w[\w-]*)", found).group(1)
        assert word.lower() in named or "office" in named, found


def test_the_limits_are_those_of_the_code(formats_page):
    from engine.formats import (
        bruker,
        containers,
        delimited_text,
        jcamp_records,
        mass_record,
        optical_binary,
        registry,
        varian,
        xml_run,
    )

    page = " ".join(formats_page.split())
    for said in (
        f"at most {optical_binary.MAX_SPECTRA} spectra",
        f"after {xml_run.MOST_SCANS} scans or {xml_run.MOST_POINTS // 10**6} million points",
        f"up to {mass_record.MOST_RECORDS:,} records",
        f"text of at most {registry.MOST_TEXT >> 20} MB",
        f"tables of numbers {delimited_text._MAX_BYTES >> 20} MB",
        f"JCAMP-DX {jcamp_records.MAX_BYTES >> 20} MB",
        f"at most {containers.MOST_UNPACKED >> 30} GB",
        f"more than {containers.MOST_RATIO} times their size",
        f"{containers.MOST_ENTRIES:,} files and {registry.MOST_SPECTRA:,} spectra",
        f"at most {bruker.MAX_ROWS}",
        f"at most {varian.MAX_ROWS}, each",
    ):
        assert said in page, said


def test_the_recovery_folder_is_the_one_in_use():
    import sys

    from specgui.document.autosave import recovery_folder

    said = {"linux": "~/.local/state/SpecGUI/recovery"}.get(sys.platform)
    if said is None:
        pytest.skip("the folder of this system is not checked")
    assert said in page_text("projects")
    assert recovery_folder().as_posix().endswith("SpecGUI/recovery")


def test_a_missing_page_says_so(monkeypatch):
    def missing(*parts):
        raise FileNotFoundError("help/formats.md is missing")

    monkeypatch.setattr("specgui.views.help_window.resource", missing)
    assert "cannot be shown: help/formats.md is missing" in page_text("formats")
