"""Does this structure fit these spectra? Tests of each kind of evidence, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.chemistry.predicted_shifts import NUCLEI, ShiftPredictor
from engine.chemistry.structure import Structure, heavy_atoms
from engine.installation import resource
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.chemistry.structure_fit import StructureFit
    from engine.tasks.group_identification import GroupIdentification

VERDICTS = (
    (0.8, "The structure fits the spectra."),
    (0.3, "The structure probably fits the spectra."),
    (-0.3, "The spectra do not decide."),
    (-0.8, "The structure probably does not fit the spectra."),
    (-1.1, "The structure does not fit the spectra."),
)
# Log-odds that mass spectra give, and how much of a verdict each is worth. An ion at the right
# mass speaks for a formula, which isomers share; none where one must be speaks against it.
_ION_FOUND, _ION_MISSING, _ION_NOT_SEEN = 0.7, -5.0, -1.0
_MASS_SIGNIFICANCE = {True: 0.9, False: 0.4}
_ISOTOPES_MIDDLE, _ISOTOPES_SLOPE, _ISOTOPES_SIGNIFICANCE = 0.75, 8.0, 0.6
_PROTONS_SLACK = 0.15
WORST = "worst test"


@dataclass(frozen=True)
class VerificationTest:
    """One test: ``score`` from -1 (against the structure) to 1 (for it); ``significance``, 0 to 1,
    tells how well the test knows right structures from wrong ones; ``detail`` is a sentence."""

    name: str
    score: float
    significance: float
    detail: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "score": round(self.score, 4),
            "significance": round(self.significance, 4),
            "detail": self.detail,
        }


@dataclass(frozen=True)
class Verification:
    """``score`` from -1 to 1: twice the probability that the structure is right, less 1, where
    half of the structures asked about are isomers or near neighbours of the right one."""

    score: float
    verdict: str
    tests: tuple[VerificationTest, ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "score": round(self.score, 4),
            "verdict": self.verdict,
            "tests": [test.to_dict() for test in self.tests],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Judgement:
    """A logistic judgement: log-odds ``offset + weights . features``; ``power``, 0 to 1: twice the
    area under its ROC curve less 1, on the molecules it was fitted on."""

    weights: tuple[float, ...]
    offset: float
    power: float

    def odds(self, features: np.ndarray) -> float:
        return float(np.dot(self.weights, features) + self.offset)


@cache
def judgements() -> tuple[dict[str, Judgement], dict[str, float], float]:
    """The judgement of each test, its weight in the verdict, and the verdict's offset."""
    table = json.loads(resource("tables", "verification.json").read_text(encoding="utf-8"))
    return judgements_from(table)


def judgements_from(
    table: Mapping[str, Any],
) -> tuple[dict[str, Judgement], dict[str, float], float]:
    """The same from the content of such a file."""
    tests = {
        name: Judgement(tuple(entry["weights"]), float(entry["offset"]), float(entry["power"]))
        for name, entry in table["tests"].items()
    }
    return tests, {n: float(v) for n, v in table["verdict"].items()}, float(table["offset"])


def verify(
    sample: Sample | Sequence[Sample],
    structure: Structure | str | Path | None = None,
    predictor: ShiftPredictor | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Verification | list[Verification]:
    """Test a structure against all spectra of a sample.

    ``structure`` is a SMILES, an InChI, a molblock or a file of one; the sample's own where None.
    Takes one sample, or a list and then returns a list. Raises ``ValueError`` for a structure that
    cannot be read and for a sample in which nothing can be tested; :class:`NoModelError` when no
    weights are installed; :class:`concurrent.futures.CancelledError` soon after ``is_cancelled``
    says so.
    """
    if not isinstance(sample, Sample):
        return [verify(one, structure, predictor, is_cancelled) for one in sample]
    from engine.tasks.assignment import structure_of

    known = structure_of(sample, structure)
    warnings: list[str] = []
    odds: dict[str, float] = {}
    tests: list[VerificationTest] = []
    fits = _fits(sample, known, predictor, warnings)
    for name, (own, test) in shift_tests(fits, _protons(known)).items():
        odds[name] = own
        tests.append(test)
    for name, (own, test) in _group_tests(sample, known, warnings, is_cancelled).items():
        odds[name] = own
        tests.append(test)
    mass_odds = 0.0
    for own, test in _mass_tests(sample, known):
        mass_odds += own
        tests.append(test)
    if not tests:
        present = ", ".join(sample.techniques) or "no spectra"
        raise ValueError(
            f"nothing can be tested: the sample has {present}; 13C or 1H NMR, IR or mass spectra "
            "are needed"
        )
    score = float(np.tanh((verdict_odds(odds) + mass_odds) / 2))
    return Verification(score, verdict_of(score), tuple(tests), tuple(warnings))


def verdict_of(score: float) -> str:
    """The sentence for a score."""
    return next(text for least, text in VERDICTS if score >= least)


def verdict_odds(odds: Mapping[str, float]) -> float:
    """The log-odds that the tests that were made come to together."""
    if not odds:
        return 0.0
    _, weights, offset = judgements()
    total = offset + sum(weights.get(name, 0.0) * own for name, own in odds.items())
    return total + weights.get(WORST, 0.0) * worst_odds(odds)


def worst_odds(odds: Mapping[str, float]) -> float:
    """The log-odds of the test that speaks most against the structure, 0 where none does: what
    one kind of evidence rules out, others cannot make up for."""
    return min(0.0, *odds.values()) if odds else 0.0


# --- NMR -----------------------------------------------------------------------------------------


def _fits(sample, structure, predictor, warnings: list[str]) -> dict[str, StructureFit]:
    from engine.tasks.assignment import solvents_of
    from engine.tasks.sample_peaks import observed_peaks

    peaks = observed_peaks(sample)
    if not any(peaks.get(technique) for technique in NUCLEI):
        if any(s.technique in NUCLEI for s in sample.spectra):
            warnings.append("No peaks were found in the NMR spectra.")
        return {}
    molecule, _ = heavy_atoms(structure)
    return structure_fits(peaks, molecule, solvents_of(sample), predictor)


def structure_fits(
    peaks: Mapping[str, Sequence],
    molecule,
    solvents: Mapping[str, str | None] | None = None,
    predictor: ShiftPredictor | None = None,
) -> dict[str, StructureFit]:
    """How the peaks of each technique fit an RDKit molecule."""
    from engine.chemistry.expected_signals import expected_signals
    from engine.chemistry.peak_assignment import matching_prices
    from engine.chemistry.structure_fit import fit_structure
    from engine.library.shift_model import default_shift_predictor

    predictor = predictor or default_shift_predictor()
    found, predicted = {}, {}
    for technique in NUCLEI:
        own = tuple(peaks.get(technique) or ())
        if own:
            solvent = (solvents or {}).get(technique)
            if solvent not in predicted:
                predicted[solvent] = predictor.predict([molecule], solvent)[0]
            signals = expected_signals(molecule, predicted[solvent], technique)
            found[technique] = fit_structure(technique, signals, own, matching_prices(technique))
    return found


def _protons(structure: Structure) -> int:
    from engine.chemistry.formula import parse_formula
    from engine.tasks.isomer_ranking import bracketed_charge

    return parse_formula(bracketed_charge(structure.formula))["H"]


def shift_tests(
    fits: Mapping[str, StructureFit], protons: int
) -> dict[str, tuple[float, VerificationTest]]:
    """The tests of shifts and of numbers of each technique: log-odds and test by name."""
    known, _, _ = judgements()
    found = {}
    for fit in fits.values():
        details = {
            "shifts": _shift_sentence(fit),
            "signals": _count_sentence(fit, protons),
            "multiplicities": _multiplicity_sentence(fit),
        }
        for name, features in fit.features().items():
            judgement = known.get(name)
            if judgement is None:
                continue
            odds = judgement.odds(features)
            detail = details[name.split()[1]]
            if name == "1H signals":
                odds += _proton_odds(fit, protons)
            weight = len(fit.peaks) / (len(fit.peaks) + 2.0)
            found[name] = (
                odds,
                VerificationTest(
                    name, float(np.tanh(odds / 2)), float(judgement.power * weight), detail
                ),
            )
    return found


def _proton_odds(fit: StructureFit, protons: int) -> float:
    """More protons in the integrals than the structure has speak against it.

    Where there are foreign peaks the scale of the integrals may be wrong, and nothing is said.
    """
    counted = [peak.nuclei for peak in fit.peaks]
    if not counted or fit.extra or any(n is None or not np.isfinite(n) for n in counted):
        return 0.0
    over = sum(counted) - protons * (1 + _PROTONS_SLACK)
    return -min(4.0, 1.5 * over) if over > 0.5 else 0.0


def _shift_sentence(fit: StructureFit) -> str:
    if not fit.pairs:
        return f"None of {len(fit.peaks)} peaks can be that of an atom of the structure."
    mean = float(np.abs(fit.deviation).mean())
    usual = float(np.mean([fit.signals[i].uncertainty for i, _ in fit.pairs]))
    worst = int(np.argmax(fit.surprise))
    signal, peak = fit.pairs[worst]
    text = (
        f"{len({j for _, j in fit.pairs})} of {len(fit.peaks)} peaks are matched, "
        f"{mean:.2f} ppm off on average ({usual:.2f} expected)"
    )
    if fit.surprise[worst] > 2.0:
        one = fit.signals[signal]
        text += (
            f"; worst is {fit.peaks[peak].ppm:.2f} where {one.ppm:.2f} ± {one.uncertainty:.2f} ppm "
            "is expected"
        )
    return text + "."


def _multiplicity_sentence(fit: StructureFit) -> str:
    return (
        f"{fit.known_hydrogens - fit.wrong_hydrogens} of {fit.known_hydrogens} peaks whose "
        "multiplicity is known have the hydrogens of their atom."
    )


def _count_sentence(fit: StructureFit, protons: int) -> str:
    hidden = [i for i in fit.missing if fit.signals[i].kind.startswith("XH")]
    text = (
        f"{len(fit.peaks)} peaks for {len(fit.signals)} expected signals: {len(fit.extra)} peaks "
        f"too many, {len(fit.missing) - len(hidden)} signals without a peak"
    )
    counted = [peak.nuclei for peak in fit.peaks if peak.nuclei is not None]
    if fit.nucleus == "1H" and counted and len(counted) == len(fit.peaks):
        text += f"; {sum(counted):.0f} protons of {protons} in the structure"
    return text + "."


# --- groups --------------------------------------------------------------------------------------


def group_features(probabilities: Mapping[str, float], present: frozenset[str]) -> np.ndarray:
    """How much less likely a structure's groups are than usual, in nats, compressed.

    The total over the 37 groups of minus the log probability of being present or absent, less its
    expectation under the prediction itself.
    """
    surprise = 0.0
    for name, probability in probabilities.items():
        p = min(max(float(probability), 0.005), 0.995)
        entropy = -p * np.log(p) - (1 - p) * np.log1p(-p)
        surprise += -np.log(p if name in present else 1 - p) - entropy
    return np.array([np.arcsinh(surprise)])


def _group_tests(sample, structure, warnings, is_cancelled):
    from engine.tasks.groups import identify_groups

    known, _, _ = judgements()
    found: dict[str, tuple[float, VerificationTest]] = {}
    infrared = tuple(s for s in sample.spectra if s.technique == "IR")
    for name, spectra in (("groups", sample.spectra), ("IR", infrared)):
        judgement = known.get(name)
        if judgement is None or not spectra:
            continue
        if name == "IR" and len(infrared) == len(sample.spectra) and "groups" in found:
            odds, test = found.pop("groups")
            found["IR"] = (
                odds, VerificationTest("IR", test.score, test.significance, test.detail)
            )  # fmt: skip
            continue
        try:
            result = identify_groups(Sample(spectra), is_cancelled=is_cancelled)
        except ValueError as error:
            if name == "IR":
                warnings.append(f"IR is not tested: {error}")
            continue
        odds = judgement.odds(
            group_features({g.name: g.probability for g in result.groups}, structure.groups)
        )
        found[name] = (
            odds,
            VerificationTest(
                name,
                float(np.tanh(odds / 2)),
                judgement.power,
                _group_sentence(result, structure, name),
            ),
        )
    return found


def _group_sentence(result: GroupIdentification, structure: Structure, name: str) -> str:
    sure_present = [g for g in result.groups if g.present and g.name not in structure.groups]
    sure_absent = [g for g in result.groups if g.probability < 0.1 and g.name in structure.groups]
    seen = sum(g.present and g.name in structure.groups for g in result.groups)
    used = "IR" if name == "IR" else ", ".join(result.techniques_used)
    text = f"{used} shows {seen} of the structure's {len(structure.groups)} functional groups"
    if sure_present:
        text += "; shown but not in it: " + ", ".join(
            f"{g.name} ({g.probability:.0%})" for g in sure_present[:3]
        )
    if sure_absent:
        text += "; in it but not shown: " + ", ".join(
            f"{g.name} ({_bands(g.name) if name == 'IR' else f'{g.probability:.0%}'})"
            for g in sure_absent[:3]
        )
    return text + "."


def _bands(group: str) -> str:
    from engine.chemistry.known_bands import known_bands

    own = [b for b in known_bands() if b.group == group and b.technique == "IR"]
    shown = ", ".join(f"{band.low:.0f}–{band.high:.0f}" for band in own[:2])
    return f"{shown} 1/cm" if shown else "no band known"


# --- mass ----------------------------------------------------------------------------------------


def _mass_tests(sample, structure) -> list[tuple[float, VerificationTest]]:
    from engine.chemistry.formula import parse_formula
    from engine.tasks.isomer_ranking import bracketed_charge
    from engine.tasks.mass_evidence import mass_evidence

    seen = mass_evidence(sample, parse_formula(bracketed_charge(structure.formula)))
    if not seen:
        return []
    tests = []
    best = max(seen, key=lambda one: (one.found is not None, one.known_ion))
    if best.found is not None:
        odds = _ION_FOUND
        detail = (
            f"{best.found.name} of {structure.formula} is seen at m/z {best.mz:.4f}, "
            f"{best.error_ppm:+.1f} ppm off."
        )
    else:
        odds = _ION_MISSING if best.known_ion else _ION_NOT_SEEN
        place = f"m/z {best.mz:.4f} is" if best.mz is not None else "no peak is"
        detail = (
            f"{place} none of the usual ions of {structure.formula} within "
            f"{best.tolerance_ppm:.0f} ppm."
            if best.mz is not None
            else f"No ion of {structure.formula} is seen within {best.tolerance_ppm:.0f} ppm."
        )
    tests.append(
        (
            odds,
            VerificationTest(
                "MS formula", float(np.tanh(odds / 2)), _MASS_SIGNIFICANCE[best.known_ion], detail
            ),
        )
    )
    patterns = [one.isotopes for one in seen if one.isotopes is not None]
    if patterns:
        match = max(patterns, key=lambda one: one.score)
        odds = float(np.clip(_ISOTOPES_SLOPE * (match.score - _ISOTOPES_MIDDLE), -3.0, 1.0))
        detail = (
            f"The isotope pattern agrees by {match.shared_intensity:.0%} with that of "
            f"{structure.formula}."
        )
        tests.append(
            (
                odds,
                VerificationTest(
                    "MS isotopes", float(np.tanh(odds / 2)), _ISOTOPES_SIGNIFICANCE, detail
                ),
            )
        )
    return tests
