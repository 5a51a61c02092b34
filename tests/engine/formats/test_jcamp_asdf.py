"""The compressed number forms of JCAMP-DX against an encoder written from the standard's tables."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats.jcamp_asdf import TableError, decode_ordinates, decode_pairs

_SQZ = ("@ABCDEFGHI", "@abcdefghi")
_DIF = ("%JKLMNOPQR", "%jklmnopqr")
_DUP = " STUVWXYZs"


def _squeezed(value: int, letters: tuple[str, str]) -> str:
    digits = str(abs(value))
    return letters[value < 0][int(digits[0])] + digits[1:]


def _repeat(count: int) -> str:
    digits = str(count)
    return _DUP[int(digits[0])] + digits[1:]


def _with_repeats(tokens: list[str], use: bool) -> str:
    text, index = "", 0
    while index < len(tokens):
        count = 1
        while use and index + count < len(tokens) and tokens[index + count] == tokens[index]:
            count += 1
        text += tokens[index] + (_repeat(count) if count > 1 else "")
        index += count
    return text


def encode(values: list[int], form: str, per_line: int = 9, repeats: bool = False) -> str:
    """An (X++(Y..Y)) table with X = 0, 1, 2... as ``AFFN``, ``PAC``, ``SQZ`` or ``DIF``."""
    lines, start = [], 0
    while start < len(values):
        row = values[start : start + per_line]
        if form == "DIF":
            tokens = [_squeezed(b - a, _DIF) for a, b in pairwise(row)]
            body = _squeezed(row[0], _SQZ) + _with_repeats(tokens, repeats)
        elif form == "SQZ":
            body = _with_repeats([_squeezed(v, _SQZ) for v in row], repeats)
        elif form == "PAC":
            body = "".join(f"{v:+d}" for v in row)
        else:
            body = " " + " ".join(map(str, row))
        lines.append(f"{start}{body}")
        # In DIF form the next line opens with a check: it repeats the last point of this one.
        checked = form == "DIF" and len(row) > 1
        start += len(row) - 1 if checked and start + len(row) < len(values) else len(row)
    if form == "DIF" and len(values) > 1 and not lines[-1][-1:].isspace() and len(row) > 1:
        lines.append(f"{len(values) - 1}{_squeezed(values[-1], _SQZ)}   ")
    return "\n".join(lines) + "\n"


_ORDINATES = st.lists(st.integers(-(10**9), 10**9) | st.integers(-2, 2), min_size=1, max_size=80)


@settings(max_examples=150, deadline=None)
@given(
    _ORDINATES, st.sampled_from(["AFFN", "PAC", "SQZ", "DIF"]), st.integers(2, 30), st.booleans()
)
def test_every_form_gives_back_what_was_encoded(values, form, per_line, repeats):
    table = decode_ordinates(encode(values, form, per_line, repeats), len(values))
    assert table.y.tolist() == values
    assert table.line_x.tolist() == table.line_index.tolist()
    assert not table.warnings


def test_the_worked_example_of_the_standard():
    # McDonald and Wilks 1988, table of forms: 1 2 3 3 2 1 0 -1 -2 -3 in all of them.
    expected = [1, 2, 3, 3, 2, 1, 0, -1, -2, -3]
    for text in (
        "0 1 2 3 3 2 1 0 -1 -2 -3",
        "0+1+2+3+3+2+1+0-1-2-3",
        "0ABCCBA@abc",
        "0AJJ%jjjjjj",
        "0AJT%jX",
    ):
        assert decode_ordinates(text).y.tolist() == expected, text


def test_forms_mixed_in_one_table_and_signs_that_separate():
    table = decode_ordinates("10 100-200+30 ? 1.2E+05\n15 3D2 .5\n")
    np.testing.assert_array_equal(table.y, [100, -200, 30, np.nan, 1.2e5, 300, 0.5])
    assert decode_ordinates("10 5 +6A7%J T\n").y.tolist() == [5, 6, 17, 17, 18, 19]


def test_a_failed_check_is_said_and_the_point_still_counted_once():
    table = decode_ordinates("0A0JJ\n2A2JJ\n4A9JJ\n6B1JJ\n8B3")
    assert len(table.y) == 9
    assert any("1 of 4 lines" in w for w in table.warnings)


def test_differences_without_check_values():
    table = decode_ordinates("0A0JJ\n3B5JJ\n6C5JJ\n9D5JJ\n", 12)
    assert table.y.tolist() == [10, 11, 12, 25, 26, 27, 35, 36, 37, 45, 46, 47]


def test_decimal_commas_only_where_they_must_be():
    assert decode_ordinates("400,5 0,12 0,13\n401,5 0,14 0,15\n").y.tolist() == [
        0.12,
        0.13,
        0.14,
        0.15,
    ]
    assert decode_pairs("15,10 26,10\n27,90").tolist() == [[15, 10], [26, 10], [27, 90]]
    assert decode_pairs("15,5 10,2\n26,5 11,2", declared=2).tolist() == [[15.5, 10.2], [26.5, 11.2]]
    assert decode_pairs("1.5;2\n 3,4; 5,6").tolist() == [[1.5, 2], [3, 4], [5, 6]]


def test_repeats_that_ask_for_too_much_are_refused_at_once():
    started = time.perf_counter()
    with pytest.raises(TableError):
        decode_ordinates("0A1s99999999999999")
    assert time.perf_counter() - started < 5


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789+-.,;? \n@%AJSsZajDEe$x\xe9", max_size=200))
def test_any_text_is_decoded_or_refused(text):
    for decode in (decode_ordinates, decode_pairs):
        try:
            decode(text)
        except TableError:
            continue


def test_a_million_points_come_back():
    generator = np.random.default_rng(1)
    values = np.cumsum(generator.integers(-300, 300, 1_000_000))
    values[1000:3000] = 7
    text = encode(values.tolist(), "DIF", 20, repeats=True)
    np.testing.assert_array_equal(decode_ordinates(text).y, values)
