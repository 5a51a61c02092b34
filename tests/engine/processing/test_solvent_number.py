"""Solvents as the tables and instruments name them."""

from __future__ import annotations

import pytest

from engine.processing.solvent_number import SOLVENT_VALUES, SOLVENTS, solvent_number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Chloroform-D1 (CDCl3)", "chloroform-d"),
        ("CDCl3", "chloroform-d"),
        ("Dimethylsulphoxide-D6 (DMSO-D6, C2D6SO)", "DMSO-d6"),
        ("Methanol-D4 (CD3OD)", "methanol-d4"),
        ("Deuteriumoxide (D2O)", "deuterium oxide"),
        ("CDCL3,TMS", "chloroform-d"),
    ],
)
def test_usual_solvents_are_known(text, name):
    assert SOLVENTS[solvent_number(text) - 1] == name


def test_others_are_one_number_and_silence_is_none():
    assert solvent_number("TETRACHLORO-METHANE (CCl4)") == SOLVENT_VALUES - 1
    assert solvent_number("neat") == SOLVENT_VALUES - 1
    assert [solvent_number(t) for t in (None, "", "  ", "Unreported")] == [0, 0, 0, 0]
