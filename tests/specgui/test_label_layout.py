"""Labels over lines: none covers another, and no line crosses a label."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from specgui.views.label_layout import LabelWish, lay_out

WIDTH = 800.0


def _wish(x: float, *widths: float, weight: float = 1.0) -> LabelWish:
    return LabelWish(x, widths or (160.0, 80.0, 30.0), weight)


def _check(wishes, places, rows: int, width: float = WIDTH) -> None:
    boxes = []
    for wish, place in zip(wishes, places, strict=True):
        if place is not None:
            wide = wish.widths[place.form]
            assert place.left >= 0 and place.left + wide <= width + 1e-6
            assert 0 <= place.row < rows
            boxes.append((wish.x, place.left, place.left + wide, place.row))
    for k, (x, left, right, row) in enumerate(boxes):
        assert left - 4.1 <= x <= right + 4.1, "a label stands over its line"
        for other_x, other_left, other_right, other_row in boxes[k + 1 :]:
            if row == other_row:
                assert right <= other_left or other_right <= left
            elif row > other_row:
                assert not other_left < x < other_right, "the line of the upper crosses the lower"
            else:
                assert not left < other_x < right, "the line of the upper crosses the lower"


def test_labels_with_room_are_in_full_and_centred():
    wishes = [_wish(100.0), _wish(400.0), _wish(700.0)]
    places = lay_out(wishes, WIDTH, 1)
    assert [(p.form, p.left, p.row) for p in places] == [(0, 20, 0), (0, 320, 0), (0, 620, 0)]


def test_a_crowd_uses_the_rows_that_are_there():
    wishes = [_wish(300.0 + 25 * k) for k in range(5)]
    places = lay_out(wishes, WIDTH, 5)
    assert all(place is not None and place.form == 0 for place in places)
    _check(wishes, places, 5)


def test_labels_are_shortened_where_rows_are_few():
    wishes = [_wish(300.0 + 40 * k) for k in range(4)]
    places = lay_out(wishes, WIDTH, 1)
    assert all(place is not None for place in places) and {p.form for p in places} & {1, 2}
    _check(wishes, places, 1)


def test_the_least_weight_goes_when_all_are_short():
    wishes = [_wish(300.0, 50, weight=5), _wish(305.0, 50, weight=1), _wish(310.0, 50, weight=3)]
    places = lay_out(wishes, 120.0 + 300.0, 1)
    assert places[1] is None and places[0] is not None


def test_a_label_wider_than_the_plot_is_left_out():
    assert lay_out([_wish(10.0, 900.0)], WIDTH, 2) == [None]


def test_two_that_stand_back_to_back_do_not_meet():
    wishes = [_wish(426.0, 10.0), _wish(433.0, 10.0)]
    _check(wishes, lay_out(wishes, WIDTH, 1), 1)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(0, WIDTH), min_size=1, max_size=40), st.integers(1, 5),
    st.lists(st.floats(10, 200), min_size=1, max_size=3),
)  # fmt: skip
def test_whatever_the_crowd_nothing_meets(places, rows, widths):
    wishes = [_wish(x, *sorted(widths, reverse=True), weight=k) for k, x in enumerate(places)]
    _check(wishes, lay_out(wishes, WIDTH, rows), rows)
