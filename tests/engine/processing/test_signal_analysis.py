"""Analyses of signals: what is found in known spectra, and what each edit does to the others."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.processing.integration import COMPOUND, SOLVENT, Integral
from engine.processing.multiplets import Multiplet, analyse_region, overrule
from engine.processing.signal_analysis import (
    SignalAnalysis,
    add_integral,
    add_multiplet,
    analyse_signals,
    measure_integral,
    remeasured,
    remove_integral,
    remove_multiplet,
    set_nuclei,
    set_protons,
)
from engine.spectra import Spectrum

MHZ = 400.0


def spectrum_of(lines, *, shift=0.0, height=1.0, solvent="CDCl3") -> Spectrum:
    """Lorentz lines of ``(ppm, area)``, 1 Hz wide, with a little noise."""
    x = np.linspace(12, -1, 65536)
    y = np.zeros(len(x))
    half = 0.5 / MHZ
    for ppm, area in lines:
        y += area / np.pi * half / ((x - ppm - shift) ** 2 + half**2)
    y += np.random.default_rng(1).normal(size=len(x)) * 1e-4 * y.max()
    metadata = {"frequency_mhz": MHZ, "solvent": solvent}
    return Spectrum("1H NMR", x, height * y, "ppm", metadata=metadata)


def ethyl() -> list[tuple[float, float]]:
    """CH2 at 4.1, CH3 at 1.2, J = 7.1 Hz."""
    j = 7.1 / MHZ
    quartet = [(4.1 + (k - 1.5) * j, 2 * w / 8) for k, w in enumerate((1, 3, 3, 1))]
    triplet = [(1.2 + (k - 1) * j, 3 * w / 4) for k, w in enumerate((1, 2, 1))]
    return quartet + triplet


def integral(low: float, high: float, area: float, nuclei: float | None = None) -> Integral:
    return Integral(low, high, area, nuclei=nuclei)


def multiplet(low: float, high: float, area: float) -> Multiplet:
    return Multiplet((low + high) / 2, low, high, (low, high), "m", area=area)


@pytest.mark.parametrize("shift", [0.0, 0.06])
def test_all_signals_of_an_ethyl_group_in_chloroform(shift):
    """The solvent's line is marked and left out, on an axis that nobody referenced too."""
    found = analyse_signals(spectrum_of([*ethyl(), (7.26, 0.3)], shift=shift))
    assert [(m.multiplicity, m.n_h) for m in found.multiplets] == [("q", 2), ("t", 3)]
    assert [m.position for m in found.multiplets] == pytest.approx(
        [4.1 + shift, 1.2 + shift], abs=1e-3
    )
    assert [m.j_hz[0] for m in found.multiplets] == pytest.approx([7.1, 7.1], abs=0.05)
    kinds = [(i.kind, i.nuclei is None) for i in found.integrals]
    assert kinds == [(SOLVENT, True), (COMPOUND, False), (COMPOUND, False)]
    assert [i.nuclei for i in found.integrals[1:]] == pytest.approx([2, 3], rel=0.03)


def test_known_protons_set_the_scale():
    found = analyse_signals(spectrum_of(ethyl()), count=lambda multiplets: [4, 6])
    assert [m.n_h for m in found.multiplets] == [4, 6]
    assert [i.nuclei for i in found.integrals] == pytest.approx([4, 6], rel=0.03)


def test_the_first_integral_is_one_nucleus_and_sets_the_scale():
    one = add_integral(SignalAnalysis(), integral(1, 2, 30.0))
    two = add_integral(one, integral(3, 4, 60.0))
    assert [i.nuclei for i in two.integrals] == [2.0, 1.0], "high to low ppm"
    assert [i.low for i in two.integrals] == [3, 1] and two.reference == 1


def test_a_number_that_is_said_normalises_all():
    two = add_integral(add_integral(SignalAnalysis(), integral(1, 2, 30)), integral(3, 4, 61))
    three = set_nuclei(two, two.integrals[1], 3.0)
    assert [i.nuclei for i in three.integrals] == pytest.approx([6.1, 3.0])
    with pytest.raises(ValueError, match="above 0"):
        set_nuclei(two, two.integrals[1], 0.0)
    with pytest.raises(ValueError, match="no longer"):
        set_nuclei(two, integral(5, 6, 1.0), 1.0)


def test_moving_the_end_of_the_reference_changes_the_others_not_itself():
    two = add_integral(add_integral(SignalAnalysis(), integral(1, 2, 30)), integral(3, 4, 60))
    two = set_nuclei(two, two.integrals[1], 3.0)
    moved = add_integral(two, integral(0.9, 2, 40), replacing=two.integrals[1])
    assert [i.nuclei for i in moved.integrals] == pytest.approx([4.5, 3.0])
    other = add_integral(two, integral(3, 4.2, 80), replacing=two.integrals[0])
    assert [i.nuclei for i in other.integrals] == pytest.approx([8.0, 3.0])
    assert len(other.integrals) == 2 and other.integrals[1].nuclei == 3.0


def test_a_multiplet_brings_its_integral_and_goes_with_it():
    base = set_nuclei(*(lambda a: (a, a.integrals[0]))(
        add_integral(SignalAnalysis(), integral(1, 2, 30))), 3.0)  # fmt: skip
    both = add_multiplet(base, multiplet(6.9, 7.1, 20.4), integral(6.9, 7.1, 20.4))
    assert both.multiplets[0].n_h == 2 and len(both.integrals) == 2
    again = add_multiplet(both, multiplet(6.95, 7.1, 20.0), integral(6.95, 7.1, 20.0))
    assert len(again.multiplets) == 1 and len(again.integrals) == 2, "it is the same signal"
    assert remove_multiplet(both, both.multiplets[0]).integrals == base.integrals


def test_a_multiplet_takes_the_place_of_a_mark_of_the_solvent():
    marked = SignalAnalysis((Integral(7.2, 7.3, 5.0, kind=SOLVENT),))
    taken = add_multiplet(marked, multiplet(7.2, 7.3, 5.0), integral(7.2, 7.3, 5.0))
    assert [i.kind for i in taken.integrals] == [COMPOUND]


def test_protons_that_were_said_stay_when_all_are_normalised_anew():
    two = SignalAnalysis()
    for low, area in ((1, 30.0), (3, 20.0)):
        two = add_multiplet(two, multiplet(low, low + 1, area), integral(low, low + 1, area))
    said = set_protons(two, two.multiplets[0], 5)
    by_methyl = set_nuclei(said, said.integrals[1], 3.0)
    assert [m.n_h for m in by_methyl.multiplets] == [5, 3]
    measured = set_protons(by_methyl, by_methyl.multiplets[0], None)
    assert [m.n_h for m in measured.multiplets] == [2, 3]
    with pytest.raises(ValueError, match="1 to 999"):
        set_protons(two, two.multiplets[0], 0)


def test_a_spectrum_of_another_height_has_the_same_nuclei():
    spectrum = spectrum_of(ethyl())
    found = analyse_signals(spectrum)
    again = remeasured(found, replace(spectrum, y=spectrum.y * 1e6))
    assert [i.nuclei for i in again.integrals] == pytest.approx([i.nuclei for i in found.integrals])
    assert again.integrals[0].area == pytest.approx(1e6 * found.integrals[0].area)


def test_a_region_is_cut_off_at_the_ends_of_the_axis():
    measured = measure_integral(spectrum_of(ethyl()), 20.0, 3.5)
    assert measured.high == pytest.approx(12.0) and measured.area == pytest.approx(2.0, rel=0.05)
    with pytest.raises(ValueError, match="points"):
        measure_integral(spectrum_of(ethyl()), 20.0, 19.0)


def test_a_broad_singlet_in_one_word_is_taken():
    found = analyse_signals(spectrum_of(ethyl())).multiplets[0]
    changed = overrule(spectrum_of(ethyl()), found, "bs")
    assert changed.overruled and changed.j_hz == ()


_NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
_AREAS = st.just(0.0) | st.floats(1e-3, 1e6) | st.floats(-1e6, -1e-3)
_INTEGRALS = st.builds(
    lambda low, wide, area, nuclei: Integral(low, low + wide, area, nuclei=nuclei),
    _NUMBERS, st.floats(0.01, 5), _AREAS, st.none() | _NUMBERS,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(_INTEGRALS, max_size=5), st.booleans())
def test_json_gives_the_same_analysis_back(integrals, has_reference):
    reference = 0 if has_reference and integrals else None
    analysis = SignalAnalysis(tuple(integrals), (multiplet(1, 2, 3.5),), reference)
    assert SignalAnalysis.from_dict(json.loads(json.dumps(analysis.to_dict()))) == analysis


@settings(max_examples=40, deadline=None)
@given(st.lists(_INTEGRALS, min_size=1, max_size=6, unique_by=lambda i: i.low))
def test_all_integrals_share_one_scale_and_leave_without_a_trace(integrals):
    analysis = SignalAnalysis()
    for one in integrals:
        analysis = add_integral(analysis, one)
    scale = analysis.nuclei_per_area
    for one in analysis.integrals:
        if scale is not None and one.nuclei is not None:
            assert one.nuclei == pytest.approx(one.area * scale, rel=1e-6, abs=1e-6)
    for one in integrals:
        analysis = remove_integral(analysis, one)
    assert not analysis


@pytest.mark.parametrize(
    "damage",
    [
        {"integrals": 3}, {"multiplets": [{}]}, {"reference": 9}, {"reference": "x"},
        {"integrals": [{"low": 2, "high": 1, "area": 0, "bias": 0, "slope": 0,
                        "kind": "compound", "nuclei": None}]},
        {"integrals": [{"low": 1, "high": 2, "area": float("nan"), "bias": 0, "slope": 0,
                        "kind": "compound", "nuclei": None}]},
        {"integrals": [{"low": 1, "high": 2, "area": 0, "bias": 0, "slope": 0,
                        "kind": "poetry", "nuclei": None}]},
    ],
)  # fmt: skip
def test_what_is_no_analysis_is_refused(damage):
    with pytest.raises(ValueError):
        SignalAnalysis.from_dict({"integrals": [], "multiplets": [], "reference": None, **damage})


def test_a_region_of_noise_is_no_multiplet_but_a_weak_broad_hump_is():
    noise = spectrum_of(ethyl())
    assert analyse_region(noise, 8.0, 10.0) is None
    hump = 5e-4 * noise.y.max() * np.exp(-(((noise.x - 9.0) / 0.15) ** 2))
    found = analyse_region(replace(noise, y=noise.y + hump), 8.0, 10.0)
    assert found is not None and found.position == pytest.approx(9.0, abs=0.05)
