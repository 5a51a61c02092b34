"""The matching of peaks to signals: one cheapest reading of all peaks, and how sure it is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from rdkit import Chem
from scipy.stats import t as student

from engine.chemistry.expected_signals import ExpectedSignal, expected_signals
from engine.chemistry.molecular_graph import molecular_graph
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.peak_assignment import (
    MatchingPrices,
    couplings_of,
    match_peaks,
    matching_prices,
    peak_probabilities,
    student_cost,
    student_entropy,
)
from engine.chemistry.predicted_shifts import NUCLEI, MoleculeShifts

PRICES = MatchingPrices(
    freedom=3.0, scale=1.0, floor=0.05, missing={"single": 0.02}, split={"twin": 0.4}, apart=1.0,
    shared=2.0, extra=8.0,
)  # fmt: skip


def signal(ppm: float, error: float = 1.0, hydrogens: int = 1, kind: str = "single", **more):
    return ExpectedSignal("13C NMR", (0,), ppm, error, 1, hydrogens, kind, **more)


def peaks(*shifts: float) -> list[ObservedPeak]:
    return [ObservedPeak(shift) for shift in shifts]


def shifts_of(smiles: str, value: float = 50.0) -> tuple:
    molecule = Chem.MolFromSmiles(smiles)
    graph = molecular_graph(molecule)
    column = np.full((len(graph), 2), value)
    carbon = np.where(graph.elements[:, None] == 6, column, np.nan)
    hydrogen = np.where(graph.hydrogens[:, None] > 0, column, np.nan)
    return molecule, MoleculeShifts(
        carbon, hydrogen, np.zeros(len(graph)), graph.classes, graph.hydrogens, graph.elements
    )


def test_student_cost_is_the_density_of_scipy():
    off = np.array([-3.0, 0.0, 0.7])
    expected = -student.logpdf(off, 3.4, scale=0.8)
    assert student_cost(off, np.array(0.8), 3.4) == pytest.approx(expected)
    assert student_entropy(3.4) == pytest.approx(student(3.4).entropy())


def test_two_signals_do_not_take_one_peak_when_two_are_there():
    # Both signals are nearest to 128.0; alone each would take it.
    matching = match_peaks([signal(128.1), signal(128.4)], peaks(130.0, 128.0), PRICES)
    assert matching.peaks == ((1,), (0,))
    assert matching.extra == ()


def test_the_cheapest_of_all_permutations_is_found():
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 20, 6)
    seen = peaks(*(places + rng.normal(0, 2, 6)))
    signals = [
        signal(place, error) for place, error in zip(places, rng.uniform(0.5, 3, 6), strict=True)
    ]
    found = match_peaks(signals, seen, PRICES)
    cost = np.array(
        [
            student_cost(
                np.array([p.ppm for p in seen]) - s.ppm, np.hypot(s.uncertainty, 0.05), 3.0
            )
            for s in signals
        ]
    )
    best = min(
        itertools.permutations(range(6)), key=lambda order: cost[range(6), list(order)].sum()
    )
    assert [own[0] for own in found.peaks] == list(best)


def test_multiplicities_decide_between_like_shifts_but_may_be_wrong():
    signals = [signal(30.0, hydrogens=2), signal(30.4, hydrogens=3)]
    seen = [ObservedPeak(30.5, hydrogens=2), ObservedPeak(30.0, multiplicity="Q")]
    assert match_peaks(signals, seen, PRICES).peaks == ((0,), (1,))
    # A letter that contradicts a shift 60 ppm away is taken for wrong.
    far = [ObservedPeak(90.0, hydrogens=1), ObservedPeak(30.0, hydrogens=2)]
    apart = [signal(90.0, hydrogens=2), signal(30.0, hydrogens=1)]
    assert match_peaks(apart, far, PRICES).peaks == ((0,), (1,))


def test_more_peaks_than_signals_and_more_signals_than_peaks():
    matching = match_peaks([signal(60.0), signal(20.0)], peaks(60.2, 45.0, 20.1), PRICES)
    assert matching.peaks == ((0,), (2,)) and matching.extra == (1,)
    shared = match_peaks([signal(60.0), signal(60.1), signal(20.0)], peaks(60.2, 20.1), PRICES)
    assert shared.peaks == ((0,), (0,), (1,))
    alone = match_peaks([signal(60.0), signal(200.0)], peaks(60.2), PRICES)
    assert alone.peaks == ((0,), ()) and alone.confidence[1] > 0.5


def test_twins_take_one_peak_or_two():
    twin = signal(22.0, kind="twin")
    assert match_peaks([twin], peaks(22.8, 21.3), PRICES).peaks == ((0, 1),)
    assert match_peaks([twin], peaks(22.1), PRICES).peaks == ((0,),)
    # A single carbon never takes two.
    assert match_peaks([signal(22.0)], peaks(22.8, 21.3), PRICES).extra != ()


def test_fixed_pairs_are_kept_and_the_rest_gives_way():
    signals = [signal(130.0), signal(128.0)]
    seen = peaks(130.0, 128.0)
    matching = match_peaks(signals, seen, PRICES, fixed={0: (1,)})
    assert matching.peaks == ((1,), (0,))
    assert matching.confidence[0] == 1
    assert match_peaks(signals, seen, PRICES, fixed={0: ()}).peaks[0] == ()
    with pytest.raises(ValueError, match="signal 7 of 2"):
        match_peaks(signals, seen, PRICES, fixed={7: (0,)})
    with pytest.raises(ValueError, match="peaks"):
        match_peaks(signals, seen, PRICES, fixed={0: (9,)})


def test_marginals_are_those_of_all_matchings_counted_one_by_one():
    signals = [signal(130.0, 2.0), signal(128.5, 2.0), signal(127.0, 2.0)]
    seen = peaks(129.6, 128.4, 127.5)
    # With sharing and gaps too dear to matter, the matchings are the six permutations.
    prices = MatchingPrices(3.0, 1.0, 0.05, {"single": 1e-6}, {}, 1.0, 20.0, 30.0)
    cost = np.array(
        [
            student_cost(np.array([p.ppm for p in seen]) - s.ppm, np.hypot(2.0, 0.05), 3.0)
            for s in signals
        ]
    )
    exact = np.zeros((3, 3))
    for order in itertools.permutations(range(3)):
        weight = np.exp(-cost[range(3), list(order)].sum())
        exact[range(3), list(order)] += weight
    exact /= exact.sum(1, keepdims=True)
    found = peak_probabilities(signals, seen, prices)[:, :3]
    assert found == pytest.approx(exact, abs=1e-3)


def test_confidence_is_less_where_peaks_could_be_exchanged():
    close = match_peaks([signal(128.4), signal(128.2)], peaks(128.4, 128.2), PRICES)
    apart = match_peaks([signal(60.0), signal(20.0)], peaks(60.2, 20.3), PRICES)
    assert close.confidence.max() < 0.8 < 0.95 < apart.confidence.min()


def test_integrals_and_patterns_of_protons_count():
    prices = matching_prices("1H NMR")
    methyl = ExpectedSignal("1H NMR", (0,), 2.3, 0.2, 3, 3, "CH3", neighbours=(0, 0))
    methylene = ExpectedSignal("1H NMR", (1,), 2.4, 0.2, 2, 2, "CH2", neighbours=(3, 3))
    seen = [
        ObservedPeak(2.42, nuclei=3.0, multiplicity="s"),
        ObservedPeak(2.31, nuclei=2.0, multiplicity="q"),
    ]
    assert match_peaks([methyl, methylene], seen, prices).peaks == ((0,), (1,))
    bare = [ObservedPeak(2.42), ObservedPeak(2.31)]
    assert match_peaks([methyl, methylene], bare, prices).peaks == ((1,), (0,))


@pytest.mark.parametrize(
    ("pattern", "couplings"),
    [
        ("s", 0), ("dd", 2), ("q", 3), ("ddt", 4), ("sept", 6), ("m", None), ("br s", None),
        (None, None),
    ],
)  # fmt: skip
def test_patterns_are_read(pattern, couplings):
    assert couplings_of(pattern) == couplings


def test_nothing_to_match_is_no_fault():
    assert match_peaks([], peaks(1.0), PRICES).extra == (0,)
    nothing = match_peaks([signal(10.0)], [], PRICES)
    assert nothing.peaks == ((),) and nothing.confidence[0] > 0.9


def test_kinds_tell_which_equivalent_atoms_may_show_apart():
    kinds = {}
    for smiles in ("CC(C)O", "CC(C)C(N)C(=O)O", "CN(C)C=O", "CC(C)=CC", "c1ccccc1C"):
        molecule, shifts = shifts_of(smiles)
        found = expected_signals(molecule, shifts, "13C NMR")
        kinds[smiles] = {s.kind for s in found if len(s.atoms) > 1}
    assert kinds["CC(C)O"] == {"twin"}
    assert kinds["CC(C)C(N)C(=O)O"] == {"twin, chiral"}
    assert kinds["CN(C)C=O"] == {"twin, rotor"}
    assert kinds["CC(C)=CC"] == {"twin, alkene"}
    assert kinds["c1ccccc1C"] == {"ring"}


def test_neighbours_of_ethanol():
    molecule, shifts = shifts_of("CCO")
    by_atom = {s.atoms: s for s in expected_signals(molecule, shifts, "1H NMR")}
    assert by_atom[(0,)].neighbours == (2, 2)
    assert by_atom[(1,)].neighbours == (3, 4)  # the hydroxyl may couple
    assert by_atom[(2,)].kind == "XH"


def test_prices_survive_their_file():
    for technique in NUCLEI:
        prices = matching_prices(technique)
        again = MatchingPrices.from_dict(prices.to_dict())
        assert again == prices
