"""Coupling patterns: names, and lines as counted by hand and by the renderer of peak lists."""

from __future__ import annotations

import numpy as np
import pytest

from engine.chemistry.nmr_rendering import multiplet
from engine.processing.coupling_patterns import coupling_pattern, lines_of, pattern_named


@pytest.mark.parametrize(
    ("name", "partners"),
    [
        ("s", ()), ("d", (1,)), ("t", (2,)), ("q", (3,)), ("p", (4,)), ("quint", (4,)),
        ("sext", (5,)), ("sept", (6,)), ("hept", (6,)), ("non", (8,)), ("dd", (1, 1)),
        ("dt", (1, 2)), ("td", (2, 1)), ("ddd", (1, 1, 1)), ("dquint", (1, 4)), ("ddt", (1, 1, 2)),
        ("br s", ()), ("br. d", (1,)), ("app t", (2,)), ("app. td", (2, 1)), ("t of d", (2, 1)),
        ("DD", (1, 1)), ("dsept", (1, 6)), ("qd", (3, 1)), ("s br", ()), ("bs", ()), ("brd", (1,)),
    ],
)  # fmt: skip
def test_names(name, partners):
    assert pattern_named(name).partners == partners
    assert pattern_named(pattern_named(name).name).partners == partners


@pytest.mark.parametrize("name", ["", "m", "x", "dm", "br", "sd", "doublet-ish", "d" * 13])
def test_what_is_no_pattern(name):
    with pytest.raises(ValueError):
        pattern_named(name)


def test_lines_by_hand():
    offsets, shares = lines_of(pattern_named("q"), [7.0])
    assert offsets.tolist() == [-10.5, -3.5, 3.5, 10.5]
    assert shares.tolist() == [1 / 8, 3 / 8, 3 / 8, 1 / 8]
    offsets, shares = lines_of(pattern_named("dt"), [10.0, 2.0])
    assert offsets.tolist() == [-7, -5, -3, 3, 5, 7]
    assert shares.tolist() == [1 / 8, 1 / 4, 1 / 8, 1 / 8, 1 / 4, 1 / 8]
    # a triplet in disguise
    offsets, shares = lines_of(pattern_named("dd"), [7.0, 7.0])
    assert (offsets.tolist(), shares.tolist()) == ([-7, 0, 7], [0.25, 0.5, 0.25])
    with pytest.raises(ValueError, match="couplings"):
        lines_of(pattern_named("dd"), [7.0])


@pytest.mark.parametrize("partners", [(1,), (2, 1), (1, 1, 3), (6,), (8,), (1, 2, 2), (1, 1, 1, 1)])
def test_lines_as_another_part_of_the_program_draws_them(partners):
    couplings = np.linspace(15, 2.3, len(partners))
    offsets, shares = lines_of(coupling_pattern(partners), couplings)
    theirs, weights = multiplet(list(zip(couplings, partners, strict=True)))
    rounded = np.round(theirs, 6)
    places = np.unique(rounded)
    assert offsets == pytest.approx(places, abs=1e-5)
    assert shares == pytest.approx([weights[rounded == place].sum() for place in places])


def test_unseen_splittings_merge():
    offsets, shares = lines_of(pattern_named("dd"), [8.0, 0.4], merge_within_hz=0.5)
    assert (offsets.tolist(), shares.tolist()) == ([-4, 4], [0.5, 0.5])
