"""Back and forward through what was in view, and ranges that are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt

from specgui.views.range_dialog import RangeDialog, parse_range
from specgui.views.zoom_history import ViewPart, ZoomHistory


class _View:
    def __init__(self) -> None:
        self.part: ViewPart | None = None
        self.now = 0.0
        self.history = ZoomHistory(lambda: self.part, self._show, lambda: self.now)

    def _show(self, part) -> None:
        self.part = part

    def go(self, gesture: str, low: float, after_s: float = 5.0) -> None:
        self.now += after_s
        self.history.begin(gesture)
        self.part = ViewPart((low, low + 1), (0.0, 1.0))


def test_every_gesture_is_one_step_back_and_forward():
    view = _View()
    for low in (1, 2, 3):
        view.go("box", low)
    seen = []
    while view.history.can_go_back:
        view.history.back()
        seen.append(view.part and view.part.x[0])
    assert seen == [2, 1, None]
    while view.history.can_go_forward:
        view.history.forward()
    assert view.part.x[0] == 3


def test_turns_of_the_wheel_are_one_gesture():
    view = _View()
    view.go("box", 1)
    for low in (2, 3, 4):
        view.go("wheel", low, after_s=0.1)
    view.history.back()
    assert view.part.x[0] == 1


def test_a_new_gesture_forgets_what_was_ahead():
    view = _View()
    view.go("box", 1)
    view.go("box", 2)
    view.history.back()
    view.go("pan", 7)
    assert not view.history.can_go_forward
    view.history.back()
    assert view.part.x[0] == 1


def test_a_gesture_that_changed_nothing_is_no_step():
    view = _View()
    view.go("box", 1)
    view.now += 5
    view.history.begin("box")
    view.history.back()
    assert view.part is None


@given(st.lists(st.sampled_from(["gesture", "back", "forward"]), max_size=40))
def test_back_and_forward_undo_each_other(steps):
    view = _View()
    for number, step in enumerate(steps):
        if step == "gesture":
            view.go("box", number)
        else:
            getattr(view.history, step)()
        if view.history.can_go_back:
            before = view.part
            view.history.back()
            view.history.forward()
            assert view.part == before


def _canvas(window):
    return window.stack.plots["13C NMR"].canvas


def test_commands_and_keys_go_back_in_the_window(opened, qtbot):
    canvas = _canvas(opened)
    canvas.setFocus()
    whole = canvas.view.viewRange()
    canvas.view.show_x_range(100, 150)
    canvas.view.show_x_range(120, 130)
    opened.registry.refresh()
    qtbot.keyClick(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert canvas.view.viewRange()[0] == pytest.approx([100, 150])
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    assert canvas.view.viewRange()[0] == pytest.approx(whole[0])
    opened.registry.refresh()
    qtbot.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert canvas.view.viewRange()[0] == pytest.approx([100, 150])


def test_the_side_buttons_of_the_mouse_go_back_and_forward(opened, qtbot):
    canvas = _canvas(opened)
    canvas.view.show_x_range(100, 150)
    middle = canvas.viewport().rect().center()
    qtbot.mouseClick(canvas.viewport(), Qt.MouseButton.BackButton, pos=middle)
    assert canvas.view.is_home
    qtbot.mouseClick(canvas.viewport(), Qt.MouseButton.ForwardButton, pos=middle)
    assert canvas.view.viewRange()[0] == pytest.approx([100, 150])


def test_the_whole_is_the_whole_after_a_resize_too(opened, qtbot):
    canvas = _canvas(opened)
    canvas.view.show_x_range(100, 150)
    opened.resize(1000, 700)
    qtbot.wait(30)
    canvas.go_back()
    assert canvas.view.is_home


def test_the_history_survives_another_scale(opened, settle):
    canvas = opened.stack.plots["IR"].canvas
    canvas.view.show_x_range(1600, 1800)
    opened.registry.run("spectrum.ir_toggle")
    settle()
    canvas.go_back()
    assert canvas.view.is_home


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7.0-7.5", (7.0, 7.5)), ("7.5 - 7.0", (7.0, 7.5)), ("-2 to 12", (-2.0, 12.0)),
        ("1800…1600 cm-1", (1600.0, 1800.0)), ("7,0–7,5", (7.0, 7.5)), ("-3--1", (-3.0, -1.0)),
        ("100 200", (100.0, 200.0)), ("1e2:2e2", (100.0, 200.0)), ("0.5..1", (0.5, 1.0)),
    ],
)  # fmt: skip
def test_ranges_as_chemists_type_them(text, found):
    assert parse_range(text) == found


@pytest.mark.parametrize("text", ["", "7", "7-7", "seven", "7.0.1-8", "1e999-2", "5-6-7-8-9-10-11"])
def test_what_is_no_range(text):
    assert parse_range(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_range_or_none(text):
    found = parse_range(text)
    assert found is None or found[0] < found[1]


def test_the_dialog_takes_a_range_only(qtbot):
    dialog = RangeDialog("Chemical shift", (0.0, 12.0))
    qtbot.addWidget(dialog)
    dialog.line.setText("7.0-7.5")
    ok = dialog.buttons.buttons()[0]
    assert dialog.chosen() == (7.0, 7.5) and ok.isEnabled()
    dialog.line.setText("7")
    assert not ok.isEnabled()
