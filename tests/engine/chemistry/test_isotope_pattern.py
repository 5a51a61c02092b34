"""Isotope patterns: binomials, another library's isotopologues, and a measured chlorine."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.formula import isotopes, parse_formula
from engine.chemistry.isotope_pattern import compare_isotopes, isotope_pattern, whole_mass_pattern


def test_two_isotopes_give_a_binomial():
    light, heavy = isotopes("Br")
    pattern = isotope_pattern(parse_formula("Br4"))
    expected = [comb(4, k) * heavy.abundance**k * light.abundance ** (4 - k) for k in range(5)]
    assert pattern.share == pytest.approx(expected, rel=1e-9)
    assert np.diff(pattern.mz) == pytest.approx([heavy.mass - light.mass] * 4)
    assert pattern.relative.max() == 100


def test_every_isotopologue_against_a_plain_sum_over_isotopes():
    pattern = isotope_pattern(parse_formula("C2H3ClO"), minimum_percent=1e-4)
    plain = {}
    atoms = [isotopes(a) for a in ("C", "C", "H", "H", "H", "Cl", "O")]
    for chosen in itertools.product(*atoms):
        mass = round(sum(i.mass for i in chosen), 6)
        plain[mass] = plain.get(mass, 0) + np.prod([i.abundance for i in chosen])
    top = max(plain.values())
    plain = {m: s for m, s in sorted(plain.items()) if s >= 1e-6 * top}
    assert pattern.mz == pytest.approx(list(plain), abs=2e-6)
    assert pattern.share == pytest.approx(list(plain.values()), rel=1e-6)


def test_agrees_with_another_library():
    reference = pytest.importorskip("pyteomics.mass")
    formula = parse_formula("C6H5Cl2NOS")
    ours = isotope_pattern(formula, minimum_percent=0.1)
    theirs = sorted(
        (reference.calculate_mass(composition=found), share)
        for found, share in reference.isotopologues(
            composition=reference.Composition(formula=str(formula)),
            report_abundance=True, overall_threshold=1e-5, isotope_threshold=1e-5,
        )
    )  # fmt: skip
    masses, shares = np.array(theirs).T
    for mass, share in zip(ours.mz, ours.share, strict=True):
        near = int(np.argmin(abs(masses - mass)))
        assert masses[near] == pytest.approx(mass, abs=5e-5)
        # The abundances come from different editions of the tables (S: 4.29 and 4.25 %).
        assert shares[near] == pytest.approx(share, rel=0.04)


def test_resolution_joins_lines_at_their_mean():
    formula = parse_formula("[C34H54Cl3N7O7S2]+")
    exact = isotope_pattern(formula, minimum_percent=1e-5)
    coarse = isotope_pattern(formula, peak_width=0.3)
    assert np.diff(coarse.mz) == pytest.approx(1.0, abs=0.01)
    second = (exact.mz > coarse.mz[0] + 1.5) & (exact.mz < coarse.mz[0] + 2.5)
    assert coarse.share[2] == pytest.approx(exact.share[second].sum(), rel=1e-3)
    assert coarse.mz[2] == pytest.approx(np.average(exact.mz[second], weights=exact.share[second]))
    # 34S (1.9958) and 37Cl (1.99705) stay one at this width, 13C2 (2.0067) is apart.
    fine = isotope_pattern(formula, peak_width=0.004)
    beside = fine.mz[(fine.mz > fine.mz[0] + 1.9) & (fine.mz < fine.mz[0] + 2.1)] - fine.mz[0]
    assert len(beside) == 2 and beside == pytest.approx([1.9968, 2.0066], abs=6e-4)


@settings(max_examples=25, deadline=None)
@given(
    carbon=st.integers(1, 60), hydrogen=st.integers(1, 80), chlorine=st.integers(0, 6),
    tin=st.integers(0, 2), charge=st.integers(1, 3),
)  # fmt: skip
def test_quick_pattern_is_the_exact_one_by_mass_number(carbon, hydrogen, chlorine, tin, charge):
    formula = parse_formula(f"[C{carbon}H{hydrogen}Cl{chlorine}Sn{tin}S]{charge}+")
    masses, shares = whole_mass_pattern(formula)
    exact = isotope_pattern(formula, minimum_percent=1e-6)
    neutral = exact.mz * charge + charge * 0.000548579909
    number = np.argmin(abs(neutral[:, None] - masses[None, :]), axis=1)
    for offset in np.flatnonzero(shares > 1e-3):
        lines = number == offset
        assert exact.share[lines].sum() == pytest.approx(shares[offset], rel=1e-3)
        mean = np.average(neutral[lines], weights=exact.share[lines])
        assert mean == pytest.approx(masses[offset], abs=1e-4)


def test_a_protein_has_its_average_mass():
    insulin = parse_formula("C257H383N65O77S6")
    pattern = isotope_pattern(insulin, peak_width=0.05, minimum_percent=1e-6)
    assert pattern.mz[0] == pytest.approx(5803.638, abs=0.01)
    assert pattern.share.sum() == pytest.approx(1, abs=1e-4)
    mean = np.average(pattern.mz, weights=pattern.share)
    assert mean == pytest.approx(insulin.average_mass, abs=0.002)


def test_own_pattern_scores_one_and_another_less():
    ion = parse_formula("[C12H10Cl2NO2]+")
    pattern = isotope_pattern(ion, peak_width=0.01)
    noise = np.array([120.1, 150.2, pattern.mz[-1] + 30])
    mz = np.concatenate([pattern.mz * (1 + 2e-6), noise])
    height = np.concatenate([pattern.share, [0.3, 0.2, 0.4]])
    own = compare_isotopes(ion, mz, height)
    assert own.score > 0.98 and own.likelihood > 0.95 and own.spacing_error_ppm < 1
    assert [p.offset for p in own.peaks][:3] == [0, 1, 2]
    without_chlorine = parse_formula("[C16H12N3O]+")
    shift = without_chlorine.mz - ion.mz
    other = compare_isotopes(without_chlorine, mz + shift, height)
    assert other.score < 0.75 and other.likelihood < 1e-6
    assert compare_isotopes(ion, mz + 1, height).score == 0
    assert compare_isotopes(ion, [], []).score == 0
    with pytest.raises(ValueError, match="no charge"):
        compare_isotopes(parse_formula("C6H6"), mz, height)


def test_bad_choices():
    with pytest.raises(ValueError, match="atoms"):
        isotope_pattern(parse_formula("C") - parse_formula("C"))
    with pytest.raises(ValueError, match="width"):
        isotope_pattern(parse_formula("C"), peak_width=-1)


def test_a_measured_carbon_pattern(samples):
    """TNT by electron ionisation: m/z 210 is the molecule less OH, 211 its isotopologues."""
    reader = pytest.importorskip("engine.formats.registry")
    (spectrum, *_) = reader.open_spectra(samples / "ms/TNT_nist_webbook.jdx")
    heights = dict(zip(np.round(spectrum.x), spectrum.y, strict=True))
    fragment = parse_formula("[C7H4N3O5]+")
    expected = isotope_pattern(fragment, peak_width=0.5).relative[1]
    assert heights[211] / heights[210] * 100 == pytest.approx(expected, abs=4)
    match = compare_isotopes(fragment, spectrum.x, spectrum.y, tolerance_ppm=500.0)
    assert match.shared_intensity > 0.95
    chlorinated = parse_formula("[C8H2ClN2O3]+")  # 208.97, 210.97: the pattern is not this one
    assert compare_isotopes(chlorinated, spectrum.x, spectrum.y, 5000.0).shared_intensity < 0.9
