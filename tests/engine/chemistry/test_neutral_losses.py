"""Neutral losses: the table is sound, and textbook fragmentations are found."""

from __future__ import annotations

import numpy as np
import pytest

from engine.chemistry.formula import parse_formula
from engine.chemistry.neutral_losses import find_losses, neutral_losses


def test_the_table():
    losses = neutral_losses()
    assert len({loss.formula for loss in losses}) == len(losses) > 100
    for loss in losses:
        # a radical has an odd number of electrons, and so a half degree of unsaturation
        assert loss.radical == (loss.formula.unsaturation % 1 != 0), loss
        assert loss.name and loss.origin and parse_formula(loss.label) == loss.formula


def test_losses_of_protonated_caffeine():
    """MS/MS of caffeine: 195.0877 loses methyl isocyanate (138.0662), then CO (110.0713)."""
    mz = [195.0877, 138.0662, 123.0427, 110.0713, 83.0604]
    found = find_losses(mz, [30, 100, 5, 20, 8], precursor_mz=195.0877)
    first = found[0]
    assert (first.loss.label, first.from_precursor) == ("C2H3NO", True)
    assert abs(first.error) < 1e-3
    assert ("CO", 138.0662, 110.0713) in [(f.loss.label, f.from_mz, f.to_mz) for f in found]
    assert ("CH3", 138.0662, 123.0427) in [(f.loss.label, f.from_mz, f.to_mz) for f in found]


def test_near_masses_are_told_apart():
    def only(difference):
        (found,) = find_losses([300.0, 300.0 - difference], [1, 1])
        return found.loss.label

    assert only(27.99491) == "CO" and only(28.00615) == "N2" and only(28.0313) == "C2H4"
    assert only(79.95682) == "SO3" and only(79.96633) == "HPO3" and only(79.92616) == "HBr"


def test_a_precursor_that_is_not_shown_and_a_charge():
    (found,) = find_losses([182.0812], [7.0], precursor_mz=200.0918)
    assert (found.loss.label, found.from_precursor, found.intensity) == ("H2O", True, 7.0)
    (double,) = find_losses([400.0, 400.0 - 18.01056 / 2], [1, 2], charge=2)
    assert double.loss.label == "H2O"
    assert find_losses([195.1, 300.2], [1, 1], precursor_mz=195.1) == []


def test_nominal_masses_and_the_formula():
    """Electron ionisation of ethyl benzoate (150): 122 (C2H4), 105 (C2H5O), 77 (then CO)."""
    mz, height = [150.0, 122.0, 105.0, 77.0, 51.0], [20, 30, 100, 50, 20]
    molecule = parse_formula("C9H10O2")
    found = find_losses(mz, height, 150.0, least_tolerance=0.3, precursor=molecule)
    pairs = {(f.from_mz, f.to_mz): {loss.label for loss in (f.loss, *f.others)} for f in found}
    # whole mass numbers cannot tell ethoxyl from carboxyl, nor CO from ethene
    assert pairs[150.0, 105.0] == {"C2H5O", "CHO2"} and pairs[105.0, 77.0] == {"CO", "C2H4"}
    assert pairs[150.0, 122.0] == {"CO", "C2H4"}
    assert "C2H7N" in {
        loss.label
        for f in find_losses([150.0, 105.0], [1, 1], least_tolerance=0.3)
        for loss in (f.loss, *f.others)
    }


def test_hard_input():
    assert find_losses([], []) == []
    assert find_losses([np.nan, 100.0], [1.0, np.inf]) == []
    rng = np.random.default_rng(0)
    many = find_losses(np.sort(rng.uniform(50, 900, 5000)), rng.uniform(size=5000))
    assert len(many) < 200 * 200
    with pytest.raises(ValueError, match="charge"):
        find_losses([100.0], [1.0], charge=0)
