"""The assignment benchmark: peaks given back to the atoms that people assigned them to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.expected_signals import ExpectedSignal, expected_signals
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.peak_assignment import match_peaks, matching_prices
from engine.chemistry.predicted_shifts import NUCLEI, MoleculeShifts, ShiftPredictor
from engine.evaluation.environment_predictor import EnvironmentPredictor
from engine.training.assigned_peaks import (
    AssignedMolecule,
    assigned_molecules,
    true_shifts,
    without_multiplicities,
)
from engine.training.group_tables import MissingTableError

SIZES = (("<10", 0, 9), ("10-20", 10, 20), (">20", 21, 10**6))
_BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0001)


@dataclass(frozen=True, eq=False)
class _Scored:
    """One molecule: which signals of known shifts are right, their atoms and confidence."""

    carbons: int
    right: np.ndarray
    atoms: np.ndarray
    confidence: np.ndarray


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark assignment`` asks for it."""
    return assignment_benchmark(options.data, options.split, options.model, report)


def assignment_benchmark(
    data: Path,
    split: str,
    model: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Every method on the molecules that people assigned (``human_molblock`` rows only).

    A signal (a set of equivalent atoms) counts once and is right when it got exactly the shifts
    that people filed at its atoms; signals without a filed shift do not count, but may take peaks.
    ``right`` is the share over all signals, ``mean of molecules`` the mean of each molecule's
    share, ``mean of molecules, atoms`` the same with every atom counted, as K-M3AID reports it;
    ``whole`` are molecules with all of their signals right. ``model`` is a trained shift predictor
    without its suffix; the one that ships when None. Raises :class:`MissingTableError`.
    """
    from engine.library.shift_model import default_shift_predictor, load_shift_model

    report(f"reading the {split} tables")
    molecules = list(assigned_molecules(data, [split]))
    if not molecules:
        raise MissingTableError(f"no assigned molecules of split {split!r} in {data}")
    predictor = load_shift_model(model) if model else default_shift_predictor()
    report("fitting the environments on the train split")
    baseline = EnvironmentPredictor.fitted(data)
    rows = []
    for technique in NUCLEI:
        own = [found for found in molecules if technique in found.atoms]
        report(f"{technique}: {len(own)} molecules")
        if not own:
            continue
        predicted = predictions(own, predictor, technique)
        means = predictions(own, baseline, technique)
        both = (("shifts and multiplicities", True), ("shifts", False))
        for evidence, known in both:
            rows.append(
                _row(technique, "global matching", evidence, own, predicted, _global, known)
            )
        for method, shifts, way in (
            ("global matching, environments", means, _global),
            ("least differences, environments", means, _least_differences),
            ("nearest peak", predicted, _nearest),
            ("nearest peak, environments", means, _nearest),
        ):
            rows.append(_row(technique, method, "shifts", own, shifts, way, False))
    rows += _alignment_rows(molecules, report)
    return {
        "benchmark": "assignment",
        "split": split,
        "molecules": len(molecules),
        "model": predictor.name,
        "rows": rows,
    }


def predictions(
    molecules: Sequence[AssignedMolecule], predictor: ShiftPredictor, technique: str
) -> list[MoleculeShifts]:
    """The shifts of each molecule in the solvent of its spectrum."""
    found: list[MoleculeShifts | None] = [None] * len(molecules)
    by_solvent: dict[str | None, list[int]] = {}
    for index, molecule in enumerate(molecules):
        by_solvent.setdefault(molecule.solvents[technique], []).append(index)
    for solvent, members in by_solvent.items():
        shifts = predictor.predict([molecules[i].molecule for i in members], solvent)
        for index, own in zip(members, shifts, strict=True):
            found[index] = own
    return found


def _row(technique, method, evidence, molecules, predicted, way, multiplicities) -> dict[str, Any]:
    scored, started = [], time.perf_counter()
    for found, shifts in zip(molecules, predicted, strict=True):
        signals = expected_signals(found.molecule, shifts, technique)
        peaks = found.peaks[technique]
        peaks = peaks if multiplicities else without_multiplicities(peaks)
        matched, confidence = way(signals, peaks, technique)
        truth = [true_shifts(signal, found.atoms[technique]) for signal in signals]
        known = np.array([bool(shifts) for shifts in truth], bool)
        right = np.array([own == true for own, true in zip(matched, truth, strict=True)], bool)
        atoms = np.array([len(signal.atoms) for signal in signals])
        if known.any():
            scored.append(
                _Scored(found.carbons, right[known], atoms[known], np.asarray(confidence)[known])
            )
    seconds = time.perf_counter() - started
    row = {"technique": technique, "method": method, "evidence": evidence, **summary(scored)}
    row["ms a molecule"] = round(1000 * seconds / max(1, len(molecules)), 2)
    if way is _global:
        row["reliability"] = reliability(
            np.concatenate([s.confidence for s in scored]),
            np.concatenate([s.right for s in scored]),
        )
    return row


def _global(signals: Sequence[ExpectedSignal], peaks: Sequence[ObservedPeak], technique: str):
    matching = match_peaks(signals, peaks, matching_prices(technique))
    return [frozenset(peaks[j].ppm for j in own) for own in matching.peaks], matching.confidence


def _nearest(signals: Sequence[ExpectedSignal], peaks: Sequence[ObservedPeak], technique: str):
    """Each signal takes the nearest peak, whatever the others take."""
    places = np.array([peak.ppm for peak in peaks])
    found = [frozenset([float(places[np.abs(places - s.ppm).argmin()])]) for s in signals]
    return found, np.full(len(signals), np.nan)


def _least_differences(
    signals: Sequence[ExpectedSignal], peaks: Sequence[ObservedPeak], technique: str
):
    """One peak for each signal with the least sum of differences: with as many peaks as signals,
    both in order of their shifts."""
    from scipy.optimize import linear_sum_assignment

    places = np.array([peak.ppm for peak in peaks])
    expected = np.array([signal.ppm for signal in signals])
    at, column = linear_sum_assignment(np.abs(expected[:, None] - places[None, :]))
    taken = dict(zip(at.tolist(), column.tolist(), strict=True))
    found = [
        frozenset([float(places[taken[i]])]) if i in taken else frozenset()
        for i in range(len(signals))
    ]
    return found, np.full(len(signals), np.nan)


def summary(scored: Sequence[_Scored]) -> dict[str, Any]:
    """The scores of one method."""
    shares = [float(s.right.mean()) for s in scored]
    by_atoms = [float((s.right * s.atoms).sum() / s.atoms.sum()) for s in scored]
    whole = {}
    for name, low, high in SIZES:
        members = [bool(s.right.all()) for s in scored if low <= s.carbons <= high]
        whole[name] = {
            "molecules": len(members),
            "share": round(float(np.mean(members)), 4) if members else None,
        }
    return {
        "molecules": len(scored),
        "signals": int(sum(len(s.right) for s in scored)),
        "right": round(float(np.concatenate([s.right for s in scored]).mean()), 4),
        "mean of molecules": round(float(np.mean(shares)), 4),
        "mean of molecules, atoms": round(float(np.mean(by_atoms)), 4),
        "whole": whole,
    }


def reliability(confidence: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Mean confidence and share of right ones by bins of confidence, and the mean gap (ECE)."""
    bins, gap = [], 0.0
    for low, high in pairwise(_BINS):
        members = (confidence >= low) & (confidence < high)
        if members.any():
            said, found = float(confidence[members].mean()), float(right[members].mean())
            bins.append(
                {"n": int(members.sum()), "confidence": round(said, 3), "right": round(found, 3)}
            )
            gap += members.mean() * abs(said - found)
    return {"error": round(float(gap), 4), "bins": bins}


def _alignment_rows(molecules, report) -> list[dict[str, Any]]:
    """K-M3AID's independent argmax over the peaks, for those of its models that are installed."""
    rows = []
    for aligner in installed_aligners(report):
        report(f"scoring {aligner.name}")
        for technique in aligner.techniques:
            rows += _alignment_row(molecules, aligner, technique)
    return rows


def installed_aligners(report: Callable[[str], None]) -> list:
    """The K-M3AID models that are installed: the paper's, and the one that ships."""
    from engine.library.alignment_model import DEFAULT_MODEL, PAPER_MODEL, default_alignment_model
    from engine.library.group_model import NoModelError

    found = []
    for name in (PAPER_MODEL, DEFAULT_MODEL):
        try:
            found.append(default_alignment_model(name))
        except NoModelError as error:
            report(str(error))
    return found


def _alignment_row(molecules, aligner, technique: str) -> list[dict[str, Any]]:
    """Every atom takes the peak of its highest score, as the paper assigns; atoms count, not
    signals."""
    scored = []
    for found in molecules:
        if technique not in found.atoms:
            continue
        peaks = found.peaks[technique]
        scores = aligner.peak_scores(found.molecule, {technique: peaks})[technique]
        best = scores.argmax(axis=1)
        right = np.array(
            [peaks[int(best[atom])].ppm in filed for atom, filed in found.atoms[technique].items()]
        )
        blank = np.full(len(right), np.nan)
        scored.append(_Scored(found.carbons, right, np.ones(len(right)), blank))
    if not scored:
        return []
    row = {"technique": technique, "method": f"{aligner.name}, independent argmax"}
    return [{**row, "evidence": "shifts and multiplicities", **summary(scored)}]


def format_table(result: Mapping[str, Any]) -> str:
    """The benchmark as a Markdown table."""
    lines = [
        "| nucleus | method | evidence | signals | right | of molecules | of atoms | whole <10 C "
        "| 10-20 | >20 | ECE |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        whole = " | ".join(_percent(row["whole"][name]["share"]) for name, _, _ in SIZES)
        error = row.get("reliability", {}).get("error")
        lines.append(
            f"| {row['technique'].split()[0]} | {row['method']} | {row['evidence']} "
            f"| {row['signals']} | {_percent(row['right'])} | {_percent(row['mean of molecules'])} "
            f"| {_percent(row['mean of molecules, atoms'])} | {whole} "
            f"| {'' if error is None else f'{error:.3f}'} |"
        )
    counts = ", ".join(
        f"{name}: {result['rows'][0]['whole'][name]['molecules']}" for name, _, _ in SIZES
    )
    lines += [
        "",
        f"split {result['split']}, {result['molecules']} molecules assigned by people (13C, by "
        f"carbons: {counts}); shifts by {result['model']}",
    ]
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"
