"""Formulae for a mass: all that there are, sifted by the rules, the right one among the first."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.adducts import parse_adduct
from engine.chemistry.formula import Formula, parse_formula
from engine.chemistry.formula_candidates import (
    ELEMENTS,
    STRICT_RULES,
    formula_candidates,
    obeys_nitrogen_rule,
)
from engine.chemistry.isotope_pattern import isotope_pattern

# Drugs and natural products of all the elements.
KNOWN = (
    "C8H10N4O2", "C9H8O4", "C16H13ClN2O", "C17H18FN3O3", "C22H24N2O8", "C47H51NO14",
    "C14H11Cl2NO2", "C25H29I2NO3", "C8H9NO2", "C21H23ClFNO2", "C16H18N2O4S", "C10H16N5O13P3",
    "C6H8O6", "C27H46O", "C10H12BrNO2", "C12H19Cl3O8", "C8HF17O3S", "C2H7NO3S",
)  # fmt: skip


def by_hand(mass, window):
    """Every composition by plain recursion."""
    masses = {e: parse_formula(e).monoisotopic_mass for e in ELEMENTS}
    order = sorted(ELEMENTS, key=lambda e: -masses[e])
    found = set()

    def deeper(index, left, counts):
        element = order[index]
        if index == len(order) - 1:
            last = round(left / masses[element])
            if last >= 0 and abs(left - last * masses[element]) <= window:
                found.add(str(Formula.of({**counts, element: last})))
            return
        for number in range(int((left + window) / masses[element]) + 1):
            deeper(index + 1, left - number * masses[element], {**counts, element: number})

    deeper(0, mass, {})
    return found


@pytest.mark.parametrize("mass", [45.99, 121.95, 180.0634])
def test_without_rules_every_composition_is_found(mass):
    candidates = formula_candidates(mass, 50, elements=ELEMENTS, rules=(), limit=None)
    found = [str(c.formula) for c in candidates]
    assert len(found) == len(set(found))
    assert set(found) == by_hand(mass, mass * 50e-6)


@pytest.mark.parametrize("text", KNOWN)
@pytest.mark.parametrize("name", ["[M+H]+", "[M-H]-", "[M+Na]+", None])
def test_known_molecules_keep_the_rules(text, name):
    formula = parse_formula(text)
    mass = formula.monoisotopic_mass
    mz = parse_adduct(name).mz(mass) if name else mass
    candidates = formula_candidates(mz * (1 + 1e-6), 3, name, elements=ELEMENTS, limit=None)
    (own,) = [c for c in candidates if c.formula == formula]
    assert own.error_ppm == pytest.approx(1.0, abs=1e-3)
    assert own.unsaturation == formula.unsaturation
    assert max(abs(c.error_ppm) for c in candidates) <= 3.001


def test_the_isotope_pattern_finds_the_formula():
    rng = np.random.default_rng(0)
    alone, together = [], []
    for text in KNOWN:
        formula = parse_formula(text)
        ion = parse_adduct("[M+H]+").ion(formula)
        pattern = isotope_pattern(ion, peak_width=0.02, minimum_percent=0.5)
        mz = pattern.mz * (1 + rng.normal(0, 1e-6, len(pattern.mz)))
        height = pattern.share * (1 + rng.normal(0, 0.02, len(pattern.mz)))
        measured = mz[np.argmin(abs(mz - ion.mz))]
        for ranks, peaks in ((alone, None), (together, (mz, height))):
            found = formula_candidates(
                measured, 5, "[M+H]+", ELEMENTS, isotope_peaks=peaks, limit=None
            )
            ranks.append([c.formula for c in found].index(formula))
    assert np.median(together) < np.median(alone) or np.median(together) == 0
    assert sum(rank < 5 for rank in together) >= 14
    assert sum(rank < 5 for rank in together) >= sum(rank < 5 for rank in alone) + 3


def test_rules_forbid_what_they_say():
    def texts(mass, **choices):
        return {str(c.formula) for c in formula_candidates(mass, 5, limit=None, **choices)}

    radical = parse_formula("C6H11O6").monoisotopic_mass
    assert "C6H11O6" in texts(radical, rules=())
    assert "C6H11O6" not in texts(radical)
    tetrachloride = parse_formula("CCl4").monoisotopic_mass
    assert "CCl4" not in texts(tetrachloride, elements=ELEMENTS)
    assert "CCl4" in texts(tetrachloride, elements=ELEMENTS, rules=("valences",))
    taurine = parse_formula("C2H7NO3S").monoisotopic_mass
    assert "C2H7NO3S" in texts(taurine) and "C2H7NO3S" not in texts(taurine, rules=STRICT_RULES)
    # nothing has 73 hydrogens at this mass, whatever the sum says
    assert all(c.formula["H"] <= 72 for c in formula_candidates(450.5, 1000, rules=("atoms",)))


def test_ranges_of_elements():
    found = formula_candidates(
        180.06339, 20, elements={"C": (6, 8), "H": (0, 20), "O": (2, 6), "N": (0, 4)}, rules=()
    )
    assert any(str(c.formula) == "C6H12O6" for c in found)
    assert all(6 <= c.formula["C"] <= 8 and c.formula["O"] >= 2 for c in found)
    assert formula_candidates(16.0313, 5, elements={"C": (2, 3)}) == []


@settings(max_examples=40, deadline=None)
@given(
    c=st.integers(1, 30), n=st.integers(0, 6), o=st.integers(0, 8), s=st.integers(0, 2),
    rings=st.integers(0, 8),
)  # fmt: skip
def test_any_molecule_of_usual_valences_passes_seniors_rule(c, n, o, s, rings):
    # At most one ring or double bond to each bond of the chain: more may be no molecule (CH2).
    rings = min(rings, c - 1)
    hydrogens = 2 * c + n + 2 - 2 * rings
    formula = Formula.of({"C": c, "H": hydrogens, "N": n, "O": o, "S": s})
    found = formula_candidates(
        formula.monoisotopic_mass, 1, elements=("C", "H", "N", "O", "S"), rules=("valences",),
        limit=None,
    )  # fmt: skip
    assert formula in [f.formula for f in found]
    assert all(obeys_nitrogen_rule(f.formula) for f in found)


def test_nitrogen_rule():
    assert obeys_nitrogen_rule(parse_formula("C5H5N")) and obeys_nitrogen_rule(
        parse_formula("C6H6")
    )
    assert obeys_nitrogen_rule(parse_formula("[C5H6N]+"))
    assert obeys_nitrogen_rule(parse_formula("[C6H6]+"))


def test_a_large_mass_takes_seconds():
    start = time.perf_counter()
    found = formula_candidates(853.33089, 5, elements=("C", "H", "N", "O", "P", "S", "Cl"))
    assert time.perf_counter() - start < 10
    assert any(str(c.formula) == "C47H51NO14" for c in found)


@pytest.mark.parametrize(
    ("mass", "choices", "what"),
    [
        (0.0, {}, "mass"),
        (float("nan"), {}, "mass"),
        (100.0, {"tolerance_ppm": 0.0}, "ppm"),
        (5000.0, {}, "sought up to"),
        (100.0, {"elements": ("C", "Fe")}, "Fe"),
        (100.0, {"rules": ("golden",)}, "golden"),
        (100.0, {"elements": {"C": (3, 1)}}, "rising"),
        (100.0, {"isotope_peaks": ([1.0], [1.0])}, "adduct"),
        (1500.0, {"elements": ELEMENTS, "rules": (), "tolerance_ppm": 1000.0}, "fewer"),
    ],
)
def test_bad_choices(mass, choices, what):
    with pytest.raises(ValueError, match=what):
        formula_candidates(mass, **choices)
