"""The isomer benchmark: whose spectrum is it, among all molecules of its formula?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.expected_signals import expected_signals
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.peak_assignment import match_peaks, matching_prices, ranking_constants
from engine.chemistry.predicted_shifts import MoleculeShifts, ShiftPredictor
from engine.chemistry.spectrum_match import posterior
from engine.evaluation.assignment import installed_aligners, reliability
from engine.evaluation.environment_predictor import EnvironmentPredictor
from engine.tasks.isomer_ranking import candidate_costs
from engine.training.assigned_peaks import without_multiplicities
from engine.training.group_tables import MissingTableError
from engine.training.isomer_groups import MeasuredMolecule, isomer_groups

LEAST, _LEAST_OTHERWISE = 10, 4
_CARBON, _PROTON = "13C NMR", "1H NMR"


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark isomers`` asks for it."""
    return isomer_benchmark(options.data, options.split, options.model, report)


def isomer_benchmark(
    data: Path,
    split: str,
    model: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Every group of at least 10 isomers in the split: the share of spectra whose own molecule
    ranks first among all of the group. A split without such a group (valid) gives those of at
    least 4.

    Molecules with one key (first InChIKey block) count as the same. ``all groups`` are those in
    which every spectrum is right. Raises :class:`MissingTableError`.
    """
    from engine.library.shift_model import default_shift_predictor, load_shift_model

    report(f"reading the {split} tables")
    least, groups = LEAST, isomer_groups(data, split, LEAST)
    if not groups:
        least, groups = _LEAST_OTHERWISE, isomer_groups(data, split, _LEAST_OTHERWISE)
    if not groups:
        raise MissingTableError(f"no groups of isomers in split {split!r} of {data}")
    if least < LEAST:
        report(f"no group of {LEAST} isomers in {split}: groups of at least {least} are taken")
    predictor = load_shift_model(model) if model else default_shift_predictor()
    report("fitting the environments on the train split")
    baseline = EnvironmentPredictor.fitted(data)
    constants = ranking_constants()
    methods: list[tuple[str, str, Callable[..., np.ndarray]]] = [
        ("predicted shifts, matched", "13C, multiplicities, 1H", _matched(predictor, True, True)),
        ("predicted shifts, matched", "13C, multiplicities", _matched(predictor, True, False)),
        ("predicted shifts, matched", "13C, 1H", _matched(predictor, False, True)),
        ("predicted shifts, matched", "13C", _matched(predictor, False, False)),
        ("predicted shifts, global matching", "13C, multiplicities", _assigned(predictor)),
        ("environments, matched", "13C", _matched(baseline, False, False)),
        ("environments, nearest peak", "13C", _nearest(baseline)),
    ]
    for aligner in installed_aligners(report):
        methods.append((f"{aligner.name}, embedding", "13C, multiplicities", _embedded(aligner)))
    rows = []
    for method, evidence, costs in methods:
        report(f"{method}: {evidence}")
        rows.append(_row(method, evidence, groups, costs, constants.temperature))
    return {
        "benchmark": "isomers",
        "split": split,
        "least": least,
        "groups": len(groups),
        "spectra": sum(len(group) for group in groups),
        "model": predictor.name,
        "rows": rows,
    }


def _row(method, evidence, groups, costs, temperature) -> dict[str, Any]:
    right, top, whole, sure = [], [], [], []
    for group in groups:
        keys = np.array([molecule.key for molecule in group])
        _, first = np.unique(keys, return_index=True)
        distinct = [group[i] for i in np.sort(first)]
        table = costs(group, distinct)
        names = np.array([molecule.key for molecule in distinct])
        own = names[None, :] == keys[:, None]
        best = np.argsort(table, axis=1, kind="stable")
        won = own[np.arange(len(group)), best[:, 0]]
        right += won.tolist()
        top += [bool(own[q, best[q, :3]].any()) for q in range(len(group))]
        whole.append(bool(won.all()))
        sure += [float(posterior(costs_of, temperature).max()) for costs_of in table]
    row = {
        "method": method,
        "evidence": evidence,
        "first": round(float(np.mean(right)), 4),
        "among the first 3": round(float(np.mean(top)), 4),
        "all groups": round(float(np.mean(whole)), 4),
    }
    if "matching" in method or "matched" in method:  # costs in nats, of which posteriors are made
        row["reliability"] = reliability(np.array(sure), np.array(right))
    return row


def group_costs(
    group: Sequence[MeasuredMolecule],
    distinct: Sequence[MeasuredMolecule],
    predictor: ShiftPredictor,
    multiplicities: bool,
    technique: str,
) -> np.ndarray:
    """The cost (nats) of each spectrum of a group for each distinct molecule, ``(Q, K)``; rows of
    zeros for those without the technique."""
    table = np.zeros((len(group), len(distinct)))
    molecules = [molecule.molecule for molecule in distinct]
    cached = CachedPredictor(predictor, molecules)
    for q, query in enumerate(group):
        peaks = query.peaks.get(technique)
        if peaks:
            own = peaks if multiplicities else without_multiplicities(peaks)
            table[q] = candidate_costs({technique: own}, molecules, query.solvents, cached)[
                technique
            ]
    return table


class CachedPredictor:
    """A predictor that asks for the shifts of a list of molecules once for each solvent."""

    def __init__(self, predictor: ShiftPredictor, molecules: Sequence) -> None:
        self._predictor = predictor
        self._molecules = list(molecules)
        self._known: dict[str | None, dict[int, MoleculeShifts]] = {}
        self.name = predictor.name

    def predict(self, molecules: Sequence, solvent: str | None = None) -> list[MoleculeShifts]:
        """The shifts of some of the molecules."""
        if solvent not in self._known:
            found = self._predictor.predict(self._molecules, solvent)
            self._known[solvent] = {
                id(molecule): shifts
                for molecule, shifts in zip(self._molecules, found, strict=True)
            }
        return [self._known[solvent][id(molecule)] for molecule in molecules]


def _matched(predictor: ShiftPredictor, multiplicities: bool, proton: bool):
    weight = ranking_constants().proton

    def costs(group, distinct) -> np.ndarray:
        table = group_costs(group, distinct, predictor, multiplicities, _CARBON)
        if proton:
            table = table + weight * group_costs(
                group, distinct, predictor, multiplicities, _PROTON
            )
        return table

    return costs


def _assigned(predictor: ShiftPredictor):
    prices = matching_prices(_CARBON)

    def costs(group, distinct) -> np.ndarray:
        molecules = [molecule.molecule for molecule in distinct]
        cached = CachedPredictor(predictor, molecules)
        table = np.zeros((len(group), len(distinct)))
        for q, query in enumerate(group):
            shifts = cached.predict(molecules, query.solvents[_CARBON])
            for k, (molecule, own) in enumerate(zip(molecules, shifts, strict=True)):
                signals = expected_signals(molecule, own, _CARBON)
                table[q, k] = match_peaks(
                    signals, query.peaks[_CARBON], prices, with_confidence=False
                ).cost
        return table

    return costs


def _embedded(aligner):
    """Minus the cosine of the vectors of spectrum and molecule."""

    def costs(group, distinct) -> np.ndarray:
        molecules = aligner.embed_molecules([molecule.molecule for molecule in distinct])
        spectra = aligner.embed_spectra([{_CARBON: q.peaks[_CARBON]} for q in group])
        return -(spectra @ molecules.T).astype(float)

    return costs


def _nearest(predictor: ShiftPredictor):
    """The mean distance of each peak from the nearest expected one, and the other way round."""

    def costs(group, distinct) -> np.ndarray:
        expected = [
            np.array([signal.ppm for signal in shifts.signals(_CARBON)])
            for shifts in predictor.predict([molecule.molecule for molecule in distinct])
        ]
        return np.array([[_distance(q.peaks[_CARBON], e) for e in expected] for q in group])

    return costs


def _distance(peaks: Sequence[ObservedPeak], expected: np.ndarray) -> float:
    if len(expected) == 0:
        return 1e3
    apart = np.abs(np.array([peak.ppm for peak in peaks])[:, None] - expected[None, :])
    return float(apart.min(1).mean() + apart.min(0).mean())


def format_table(result: Mapping[str, Any]) -> str:
    """The benchmark as a Markdown table."""
    lines = [
        "| method | evidence | own molecule first | among 3 | groups all right | ECE |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        error = row.get("reliability", {}).get("error")
        lines.append(
            f"| {row['method']} | {row['evidence']} | {100 * row['first']:.1f} "
            f"| {100 * row['among the first 3']:.1f} | {100 * row['all groups']:.1f} "
            f"| {'' if error is None else f'{error:.3f}'} |"
        )
    lines += [
        "",
        f"split {result['split']}, {result['groups']} groups of at least {result['least']} "
        f"isomers, {result['spectra']} spectra; shifts by {result['model']}",
    ]
    return "\n".join(lines)
