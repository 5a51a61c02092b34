"""Leaving a band out in the window: by the chosen group, a drag or the panel, and back again."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu

from specgui.band_removal import change_text, without_line


@pytest.fixture
def ketone(opened):
    """The window with the ketone chosen."""
    opened.workspace.selection.choose_group("Ketone")
    return opened


def _labels(window, technique: str) -> list[str]:
    return [band.text for band in window.stack.plots[technique].canvas.labels.bands]


def _results(window):
    return window.workspace.removals.of(window.workspace.selection.sample)


def test_the_chosen_groups_band_is_left_out_and_the_result_stands_beside_it(ketone, settle):
    ketone.registry.run("groups.without_band")
    settle()
    (found,) = _results(ketone)
    assert found.technique == "IR" and found.start < 1715 < found.end
    assert "without: 0.97 → 0.31" in _labels(ketone, "IR")
    assert ketone.stack.plots["IR"].removed.regions == ((found.start, found.end),)
    assert "without: 0.97 → 0.31" not in _labels(ketone, "13C NMR")
    assert "Ketone 0.97 → 0.31" in ketone.groups.without.text()
    assert ketone.groups.without.isVisible()


def test_without_a_chosen_group_no_band_is_meant(opened):
    command = opened.registry.commands["groups.without_band"]
    assert not opened.registry.is_enabled(command)


def test_the_command_names_the_band_that_it_means(ketone):
    command = ketone.registry.commands["groups.without_band"]
    assert ketone.registry.title(command) == "Without this band (IR 1670–1760)"


def test_a_drag_with_the_tool_leaves_a_region_out(opened, settle):
    plot = opened.stack.plots["13C NMR"]
    opened.registry.run("signals.tool_without")
    assert plot.signals.layer.cursor().shape() == Qt.CursorShape.CrossCursor
    plot.signals.layer.dragged.emit(200.0, 210.0)
    settle()
    (found,) = _results(opened)
    assert (found.technique, found.start, found.end) == ("13C NMR", 200.0, 210.0)
    # No group is chosen: the one that changes the most is told.
    assert _labels(opened, "13C NMR") == ["Ketone without: 0.97 → 0.31"]


def test_an_empty_region_says_that_nothing_was_there(ketone, settle):
    sample = ketone.workspace.selection.sample
    ketone.workspace.removals.ask(sample, ketone.workspace.selection.shown("IR"), 3000, 3100)
    settle()
    assert "without: nothing was here" in _labels(ketone, "IR")


def test_a_region_over_an_earlier_one_takes_its_place_and_all_can_be_put_back(ketone, settle):
    sample, entry = ketone.workspace.selection.sample, ketone.workspace.selection.shown("IR")
    for low, high in ((1650, 1750), (1700, 1800), (2900, 3000)):
        ketone.workspace.removals.ask(sample, entry, low, high)
        settle()
    assert [(found.start, found.end) for found in _results(ketone)] == [(1700, 1800), (2900, 3000)]
    ketone.registry.run("groups.with_everything")
    assert _results(ketone) == () and ketone.stack.plots["IR"].removed.regions == ()
    assert not ketone.groups.without.isVisible()


def test_an_edit_hides_the_result_and_undo_brings_it_back(ketone, settle):
    ketone.registry.run("groups.without_band")
    settle()
    entry = ketone.workspace.selection.shown("13C NMR")
    ketone.workspace.document.remove((), [entry.id])
    settle()
    assert _results(ketone) == ()
    ketone.workspace.document.undo_stack.undo()
    settle()
    assert len(_results(ketone)) == 1


def test_the_panel_offers_a_groups_strongest_band(opened, settle):
    groups = opened.groups
    place = groups.table.visualRect(groups.proxy.index(0, 0)).center()
    groups.table.customContextMenuRequested.emit(QPoint(place))
    (menu,) = groups.findChildren(QMenu)
    assert opened.workspace.selection.group == "Ketone"
    menu.actions()[0].trigger()
    menu.close()
    settle()
    assert len(_results(opened)) == 1


def test_what_the_engine_refuses_is_listed_as_a_problem(ketone, engine, settle):
    engine.error = ValueError("the region lies outside")
    ketone.registry.run("groups.without_band")
    settle()
    assert [p.message for p in ketone.workspace.problems][-1] == "the region lies outside"
    assert _results(ketone) == ()


def test_the_window_is_not_held_up(ketone, engine, settle):
    engine.hold.clear()
    ketone.registry.run("groups.without_band")
    assert _results(ketone) == () and not ketone.workspace.jobs.is_idle()
    engine.hold.set()
    settle()
    assert len(_results(ketone)) == 1


def test_a_line_tells_the_band_and_the_chosen_group_first(ketone, settle):
    ketone.registry.run("groups.without_band")
    settle()
    (found,) = _results(ketone)
    assert without_line(found, "Alkane").endswith(": Alkane 0.80 → 0.80, Ketone 0.97 → 0.31")
    assert change_text(found.groups[0]) == "0.97 → 0.31"
