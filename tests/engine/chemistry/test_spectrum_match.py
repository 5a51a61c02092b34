"""The cost of a reading of peaks as signals, against counting out all readings by hand."""

from __future__ import annotations

from itertools import combinations
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from engine.chemistry.observed_peaks import ObservedPeak, peak_list
from engine.chemistry.predicted_shifts import PredictedSignal
from engine.chemistry.spectrum_match import (
    PRICES,
    SignalRows,
    match,
    match_cost,
    match_costs,
    matched_peaks,
    posterior,
)

CARBON = PRICES["13C NMR"]


def signal(ppm, error=1.0, hydrogens=1, technique="13C NMR", exchangeable=False, nuclei=1):
    return PredictedSignal(technique, (0,), ppm, error, nuclei, hydrogens, exchangeable)


def alone(ppm, of):
    """Minus the logarithm of the density of one peak for one signal, by SciPy."""
    scale = CARBON.factor * of.uncertainty + CARBON.floor
    return -student.logpdf((ppm - of.ppm) / scale, CARBON.degrees) + log(scale)


def by_hand(peaks, signals):
    """The least cost over all ways to give peaks runs of signals in order."""
    peaks, signals = sorted(peaks), sorted(signals, key=lambda s: s.ppm)

    def best(i, j):
        if i == len(peaks):
            return sum(CARBON.missing[s.hydrogens] for s in signals[j:])
        found = best(i + 1, j) + CARBON.extra
        for first in range(j, len(signals)):
            skipped = sum(CARBON.missing[s.hydrogens] for s in signals[j:first])
            cost = skipped + alone(peaks[i], signals[first])
            for last in range(first, len(signals)):
                if last > first:
                    cost += alone(peaks[i], signals[last]) - log(CARBON.width)
                found = min(found, cost + best(i + 1, last + 1))
        return found

    return best(0, 0)


def test_one_peak_on_one_signal_costs_its_density():
    assert match_cost([ObservedPeak(50.7)], [signal(50.0)]) == pytest.approx(
        alone(50.7, signal(50.0)), abs=1e-4
    )


def test_what_is_missing_and_what_is_extra_has_its_price():
    near = alone(20.0, signal(20.0))
    missing = match_cost([ObservedPeak(20.0)], [signal(20.0), signal(90.0, hydrogens=0)])
    assert missing == pytest.approx(near + CARBON.missing[0], abs=1e-4)
    extra = match_cost([ObservedPeak(20.0), ObservedPeak(170.0)], [signal(20.0)])
    assert extra == pytest.approx(near + CARBON.extra, abs=1e-4)
    assert match_cost([ObservedPeak(20.0)], []) == pytest.approx(CARBON.extra)


shifts = st.floats(0, 200).map(lambda x: round(x, 1))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(shifts, min_size=1, max_size=4),
    st.lists(st.tuples(shifts, st.floats(0.2, 8), st.integers(0, 3)), max_size=4),
)
def test_the_cost_is_the_least_of_all_readings_in_order(peaks, described):
    signals = [signal(ppm, round(error, 2), h) for ppm, error, h in described]
    found = match_cost([ObservedPeak(ppm) for ppm in peaks], signals)
    assert found == pytest.approx(by_hand(peaks, signals), rel=1e-3, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(shifts, min_size=1, max_size=6),
    st.lists(st.lists(st.tuples(shifts, st.integers(0, 3)), max_size=6), min_size=1, max_size=5),
)
def test_many_molecules_at_once_cost_what_each_does(peaks, molecules):
    observed = [ObservedPeak(ppm, hydrogens=k % 4) for k, ppm in enumerate(peaks)]
    lists = [[signal(ppm, 1.0, h) for ppm, h in one] for one in molecules]
    together = match_costs(observed, SignalRows.of("13C NMR", lists))
    assert together == pytest.approx([match_cost(observed, one) for one in lists], abs=1e-3)


def test_the_reading_itself_has_that_cost():
    signals = [signal(20.0), signal(21.0), signal(77.0), signal(150.0, hydrogens=0)]
    peaks = [ObservedPeak(150.4), ObservedPeak(20.5), ObservedPeak(230.0)]
    found = match(peaks, signals)
    assert found.pairs == ((1, 0), (1, 1), (0, 3))
    assert found.extra == (2,)
    assert found.missing == (2,)
    assert found.cost == pytest.approx(match_cost(peaks, signals), abs=1e-3)


def test_known_hydrogens_speak_against_the_wrong_carbon():
    observed = [ObservedPeak(30.0, multiplicity="Q"), ObservedPeak(31.0, multiplicity="T")]
    right = [signal(30.5, 1.0, 2), signal(31.5, 1.0, 3)]  # in the other order
    wrong = [signal(30.0, 1.0, 1), signal(31.0, 1.0, 1)]
    assert match_cost(observed, right) < match_cost(observed, wrong)
    blind = [ObservedPeak(peak.ppm) for peak in observed]
    assert match_cost(blind, right) > match_cost(blind, wrong)


def test_hydrogens_of_one_methylene_may_show_at_two_places():
    def proton(hydrogens):
        return [signal(3.0, 0.1, hydrogens, "1H NMR", nuclei=hydrogens)]

    two = [ObservedPeak(2.9), ObservedPeak(3.1)]
    assert match_cost(two, proton(2)) < match_cost(two, proton(3)) - 1


def test_exchanging_hydrogens_are_missed_cheaply():
    peak = [ObservedPeak(1.2)]
    methyl = signal(1.2, 0.1, 3, "1H NMR")
    gone = match_cost(peak, [methyl, signal(5.0, 1.0, 1, "1H NMR", exchangeable=True)])
    seen = match_cost(peak, [methyl, signal(5.0, 1.0, 1, "1H NMR")])
    assert gone < seen


def test_matched_peaks_are_counted():
    rows = SignalRows.of("13C NMR", [[signal(20.0), signal(60.0)], [signal(20.0)], []])
    peaks = [ObservedPeak(20.1), ObservedPeak(60.2), ObservedPeak(180.0)]
    assert list(matched_peaks(peaks, rows)) == [2, 1, 0]


def test_probabilities_follow_the_differences_of_costs():
    found = posterior(np.array([3.0, 3.0 + log(2), inf]), temperature=1.0)
    assert found == pytest.approx([2 / 3, 1 / 3, 0])
    assert len(posterior(np.zeros(0))) == 0


@pytest.mark.parametrize(("letter", "number"), [("S", 0), ("d", 1), ("CH2", 2), ("q", 3), (2, 2)])
def test_multiplicities_are_numbers_of_hydrogens(letter, number):
    assert ObservedPeak(1.0, multiplicity=letter).attached == number
    assert ObservedPeak(1.0).attached is None


def test_a_list_of_a_table_has_each_peak_once():
    entries = [{"ppm": 77.1, "n": 2, "mult": "D"}, {"ppm": 20, "n": 1}, {"ppm": 77.1, "n": 1,
               "mult": "D"}]  # fmt: skip
    found = peak_list(entries)
    assert [(p.ppm, p.attached) for p in found] == [(20.0, None), (77.1, 1)]
    assert [p.attached for p in peak_list(entries, multiplicities=False)] == [None, None]


def test_order_of_peaks_and_signals_does_not_matter():
    peaks = [ObservedPeak(x) for x in (10.0, 60.0, 140.0)]
    signals = [signal(12.0), signal(58.0), signal(141.0)]
    costs = {
        round(match_cost(list(p), list(s)), 4)
        for p in (peaks, peaks[::-1])
        for s in combinations(signals[::-1], 3)
    }
    assert len(costs) == 1
