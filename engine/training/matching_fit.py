"""What fits the prices of the peak matching to assignments by people, for the shift predictor at
hand: ``specgui train matching``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.expected_signals import ExpectedSignal, expected_signals
from engine.chemistry.molecular_graph import molecular_graph
from engine.chemistry.peak_assignment import MatchingPrices, match_peaks, student_cost
from engine.chemistry.predicted_shifts import NUCLEI, MoleculeShifts, ShiftPredictor
from engine.chemistry.spectrum_match import SignalRows, match_costs
from engine.training.assigned_peaks import (
    AssignedMolecule,
    assigned_molecules,
    true_shifts,
    without_multiplicities,
)
from engine.training.isomer_groups import MeasuredMolecule, isomer_groups

# Lists in the tables are not always complete; in a spectrum few signals have no peak at all.
_MOST_MISSING = {"13C NMR": 0.08, "1H NMR": 0.25}
_START = {"13C NMR": (1.0, 0.3, 1.0, 8.0), "1H NMR": (0.15, 0.02, 1.0, 6.0)}
_NEAR_ONE = 0.02
_SHARED = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_EXTRA = {"13C NMR": (6.0, 8.0, 10.0, 12.0), "1H NMR": (4.0, 6.0, 8.0, 10.0)}


@dataclass(frozen=True, eq=False)
class _Case:
    """One spectrum: its expected signals, its peaks, and the true shifts of each signal."""

    signals: tuple[ExpectedSignal, ...]
    peaks: tuple
    truth: tuple[frozenset[float], ...]


def fit_matching(
    data: Path,
    path: Path,
    predictor: ShiftPredictor | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Fit the prices of both nuclei and write them to ``path`` as JSON; returns what was written.

    How often signals have no peak and two peaks is counted on the train and valid splits; what
    depends on the predictor (errors, prices of shared and extra peaks, confidence) is fitted on
    valid, whose molecules the predictor has not seen.
    """
    from engine.library.shift_model import default_shift_predictor

    predictor = predictor or default_shift_predictor()
    valid = list(assigned_molecules(data, ["valid"]))
    counted = outcomes([*assigned_molecules(data, ["train"]), *valid])
    cases = {technique: _cases(valid, predictor, technique) for technique in NUCLEI}
    written: dict[str, Any] = {
        "about": "Prices of the matching of peaks to atoms, in nats; engine.chemistry."
        "peak_assignment says what each is. Written by 'specgui train matching'.",
        "predictor": predictor.name,
    }
    for technique in NUCLEI:
        prices = _fitted(technique, cases[technique], counted, report)
        written[technique] = prices.to_dict()
    written["ranking"] = ranking_fit(data, predictor, report)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    return written


def ranking_fit(
    data: Path, predictor: ShiftPredictor, report: Callable[[str], None] = lambda line: None
) -> dict[str, float]:
    """The temperature, and the weight of 1H beside 13C, that make the true molecules of valid's
    groups of isomers most probable."""
    from scipy.optimize import minimize

    tables = [_isomer_costs(group, predictor) for group in isomer_groups(data, "valid", 3)]

    def loss(logs: np.ndarray) -> float:
        temperature, proton = np.exp(logs)
        total, count = 0.0, 0
        for carbon, hydrogen, own in tables:
            costs = (carbon + proton * hydrogen) / temperature
            costs = costs - costs.min(1, keepdims=True)
            share = np.exp(-costs)
            right = (share * own).sum(1) / share.sum(1)
            total -= float(np.log(np.maximum(right, 1e-9)).sum())
            count += len(right)
        # Few molecules of valid's groups have both spectra: the weights are held near 1.
        return total / max(1, count) + _NEAR_ONE * float((logs**2).sum())

    found = minimize(loss, np.zeros(2), method="Nelder-Mead")
    temperature, proton = np.exp(np.clip(found.x, -1, 1))
    report(f"ranking: temperature {temperature:.2f}, 1H weighs {proton:.2f}")
    return {"temperature": round(float(temperature), 4), "proton": round(float(proton), 4)}


def _isomer_costs(group: list[MeasuredMolecule], predictor: ShiftPredictor):
    """Costs ``(2Q, K)`` of the 13C and of the 1H peaks of each molecule, with and without
    multiplicities, and which of the ``K`` it is."""
    keys = sorted({molecule.key for molecule in group})
    distinct = [next(m for m in group if m.key == key) for key in keys]
    predicted: dict[str | None, list[MoleculeShifts]] = {}
    tables = {technique: np.zeros((2 * len(group), len(keys))) for technique in NUCLEI}
    for technique, table in tables.items():
        for q, query in enumerate(group):
            peaks = query.peaks.get(technique)
            if not peaks:
                continue
            solvent = query.solvents[technique]
            if solvent not in predicted:
                predicted[solvent] = predictor.predict([m.molecule for m in distinct], solvent)
            rows = SignalRows.of(technique, [s.signals(technique) for s in predicted[solvent]])
            table[q] = match_costs(peaks, rows)
            table[len(group) + q] = match_costs(without_multiplicities(peaks), rows)
    own = np.array([[query.key == key for key in keys] for query in group], float)
    return tables["13C NMR"], tables["1H NMR"], np.concatenate([own, own])


def outcomes(molecules: list[AssignedMolecule]) -> Counter:
    """How often signals of a kind have 0, 1 and 2 peaks: counts by ``(technique, kind, peaks)``."""
    counts: Counter = Counter()
    for found in molecules:
        graph = molecular_graph(found.molecule)
        blank = np.zeros((len(graph), 2))
        carbon = np.where(graph.elements[:, None] == 6, blank, np.nan)
        hydrogen = np.where(graph.hydrogens[:, None] > 0, blank, np.nan)
        shifts = MoleculeShifts(
            carbon, hydrogen, blank[:, 0], graph.classes, graph.hydrogens, graph.elements
        )
        for technique, filed in found.atoms.items():
            for signal in expected_signals(found.molecule, shifts, technique):
                counts[technique, signal.kind, min(len(true_shifts(signal, filed)), 2)] += 1
    return counts


def _cases(
    molecules: list[AssignedMolecule], predictor: ShiftPredictor, technique: str
) -> list[_Case]:
    cases = []
    by_solvent: dict[str | None, list[AssignedMolecule]] = {}
    for found in molecules:
        if technique in found.atoms:
            by_solvent.setdefault(found.solvents[technique], []).append(found)
    for solvent, members in by_solvent.items():
        predicted = predictor.predict([found.molecule for found in members], solvent)
        for found, shifts in zip(members, predicted, strict=True):
            signals = expected_signals(found.molecule, shifts, technique)
            truth = tuple(true_shifts(s, found.atoms[technique]) for s in signals)
            cases.append(_Case(signals, found.peaks[technique], truth))
    return cases


def _fitted(technique: str, cases: list[_Case], counted: Counter, report) -> MatchingPrices:
    kinds = sorted({kind for name, kind, _ in counted if name == technique})
    missing, split = {}, {}
    for kind in kinds:
        none, one, two = (counted[technique, kind, n] for n in range(3))
        missing[kind] = min((none + 0.5) / (none + one + two + 2), _MOST_MISSING[technique])
        halves = kind.startswith(("twin", "CH2")) or "twin" in kind or kind.startswith("ring")
        split[kind] = (two + 0.5) / (one + two + 2) if halves else 0.0
    apart, _, shared, extra = _START[technique]
    freedom, scale, floor = _errors(cases)
    halves = [
        abs(ppm - signal.ppm)
        for case in cases
        for signal, truth in zip(case.signals, case.truth, strict=True)
        for ppm in truth
        if len(truth) == 2
    ]
    apart = float(np.median(halves)) if len(halves) > 10 else apart
    prices = MatchingPrices(freedom, scale, floor, missing, split, apart, shared, extra)
    best = -1.0
    chosen = prices
    for extra in _EXTRA[technique]:
        for shared in _SHARED:
            trial = replace(prices, shared=shared, extra=extra)
            right = _share_right(cases, trial)
            if right > best + 1e-9:
                best, chosen = right, trial
        report(f"{technique}: an extra peak at {extra:g}: {best:.4f} of the signals right")
    return _calibrated(cases, chosen, report)


def _errors(cases: list[_Case]) -> tuple[float, float, float]:
    """Freedom, scale and floor of Student's t that make the errors on valid most probable."""
    from scipy.optimize import minimize

    pairs = [
        (next(iter(truth)) - signal.ppm, signal.uncertainty)
        for case in cases
        for signal, truth in zip(case.signals, case.truth, strict=True)
        if len(truth) == 1
    ]
    deviation, size = np.array(pairs).T
    middle = float(np.median(np.abs(deviation)))

    def cost(logs: np.ndarray) -> float:
        freedom, scale, floor = np.exp(np.clip(logs, -12, 4))
        return float(student_cost(deviation, np.hypot(scale * size, floor), freedom).mean())

    found = minimize(cost, np.log([3.0, 0.7, 0.2 * middle]), method="Nelder-Mead")
    freedom, scale, floor = np.exp(np.clip(found.x, -12, 4))
    return float(max(freedom, 1.2)), float(scale), float(max(floor, 0.02 * middle))


def matched_right(
    peaks, signals, truth, prices: MatchingPrices, with_confidence: bool = True
) -> list[tuple[float, bool]]:
    """Confidence and rightness of every signal whose true shifts are known."""
    matching = match_peaks(signals, peaks, prices, with_confidence=with_confidence)
    return [
        (float(sure), frozenset(peaks[j].ppm for j in own) == known)
        for own, sure, known in zip(matching.peaks, matching.confidence, truth, strict=True)
        if known
    ]


def _share_right(cases: list[_Case], prices: MatchingPrices) -> float:
    """The share of signals right, with and without what is known beside the shifts."""
    right = [
        r
        for case in cases
        for peaks in (case.peaks, without_multiplicities(case.peaks))
        for _, r in matched_right(peaks, case.signals, case.truth, prices, False)
    ]
    return float(np.mean(right))


def _calibrated(cases: list[_Case], prices: MatchingPrices, report) -> MatchingPrices:
    """With the temperature, then slope and offset, that make right matches most probable."""
    from scipy.optimize import minimize
    from scipy.special import expit, logit

    best, chosen = np.inf, (prices, np.zeros(2))
    for temperature in (0.8, 1.0, 1.3, 1.7):
        trial = replace(prices, temperature=temperature, confidence=(1.0, 0.0))
        pairs = [
            pair
            for case in cases
            for peaks in (case.peaks, without_multiplicities(case.peaks))
            for pair in matched_right(peaks, case.signals, case.truth, trial)
        ]
        sure, right = np.array(pairs).T
        odds = logit(np.clip(sure, 1e-6, 1 - 1e-6))

        def loss(values: np.ndarray, odds=odds, right=right) -> float:
            p = np.clip(expit(values[0] * odds + values[1]), 1e-9, 1 - 1e-9)
            return float(-(right * np.log(p) + (1 - right) * np.log1p(-p)).mean())

        found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead")
        report(f"temperature {temperature:g}: log loss {found.fun:.4f}")
        if found.fun < best:
            best, chosen = found.fun, (trial, found.x)
    trial, values = chosen
    return replace(trial, confidence=(float(values[0]), float(values[1])))
