"""Which of some candidate structures has these spectra: each with its posterior probability."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.predicted_shifts import NUCLEI, ShiftPredictor
from engine.spectra import Sample

# Nats: what an ion at another mass, or another formula than the one known, speaks against a
# molecule. Wrong annotations of files happen, so it is no proof.
_WRONG_MASS = 12.0
_WRONG_FORMULA = 12.0
_PRICE_OF_A_BAD_PEAK = 6.0
MOST_CANDIDATES = 100_000
_CHUNK = 500  # molecules that are predicted between two looks at whether to go on


@dataclass(frozen=True)
class Candidate:
    """A structure that may be the compound: ``smiles`` as given and a ``name``, or empty."""

    smiles: str
    name: str = ""


@dataclass(frozen=True)
class RankedCandidate:
    """``probability`` is the posterior among the candidates, equally likely before; ``score``, 0 to
    1, falls with what the spectra leave unexplained, whatever the other candidates are."""

    rank: int
    smiles: str
    name: str
    score: float
    probability: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "rank": self.rank,
            "smiles": self.smiles,
            "name": self.name,
            "score": round(self.score, 4),
            "probability": float(f"{self.probability:.4g}"),
        }


@dataclass(frozen=True)
class Ranking:
    """Every candidate, best first."""

    hits: tuple[RankedCandidate, ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "hits": [hit.to_dict() for hit in self.hits],
            "warnings": list(self.warnings),
        }


def rank(
    sample: Sample | Sequence[Sample],
    candidates: Sequence[str | Candidate],
    predictor: ShiftPredictor | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Ranking | list[Ranking]:
    """All candidates by how well they explain a sample's 13C, 1H and mass spectra.

    ``candidates`` are SMILES (or InChI), each with a name after a blank, or :class:`Candidate`.
    Those that cannot be read are left out and named in ``warnings``; stereoisomers whose predicted
    shifts are equal share their probability. Takes one sample, or a list and then returns a list.
    Raises ``ValueError`` when no candidate can be read and for a sample without peaks;
    :class:`NoModelError` when no weights are installed;
    :class:`concurrent.futures.CancelledError` soon after ``is_cancelled`` says so.
    """
    if not isinstance(sample, Sample):
        return [rank(one, candidates, predictor, is_cancelled) for one in sample]
    from engine.tasks.assignment import peaks_of, solvents_of

    known, molecules, warnings = _read(candidates, is_cancelled)
    peaks, notes = peaks_of(sample)
    costs = candidate_costs(peaks, molecules, solvents_of(sample), predictor, is_cancelled)
    other = _mass_costs(sample, molecules, is_cancelled)
    return _ranked(known, costs, other, peaks, (*warnings, *notes))


def read_candidates(path: Path) -> list[Candidate]:
    """The candidates of a file: text with a SMILES and a name in each line, or ``.sdf``.

    Raises ``ValueError`` where the file cannot be read or holds none.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    if path.suffix.lower() in (".sdf", ".mol", ".mdl"):
        found = _of_blocks(text)
    else:
        found = []
        for line in text.splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                smiles, _, name = line.strip().replace("\t", " ").partition(" ")
                found.append(Candidate(smiles, name.strip()))
    if not found:
        raise ValueError(f"{path.name} holds no candidates: one SMILES a line, or an SDF, is right")
    if len(found) > MOST_CANDIDATES:
        raise ValueError(
            f"{path.name} holds {len(found):,} candidates; at most {MOST_CANDIDATES:,} are ranked "
            "(a library is searched instead)"
        )
    return found


def _of_blocks(text: str) -> list[Candidate]:
    from engine.chemistry.structure import parse_structure

    found = []
    for block in text.replace("\r\n", "\n").split("$$$$\n"):
        if not block.strip():
            continue
        try:
            structure = parse_structure(block.split("\n> ", 1)[0])
            found.append(Candidate(structure.smiles, structure.name))
        except ValueError as error:
            found.append(Candidate("", str(error)))
    return found


def _stop_if(is_cancelled: Callable[[], bool]) -> None:
    from concurrent.futures import CancelledError

    if is_cancelled():
        raise CancelledError


def _read(
    candidates: Sequence[str | Candidate], is_cancelled: Callable[[], bool] = lambda: False
) -> tuple[list[Candidate], list, list[str]]:
    from rdkit import Chem, rdBase

    known, molecules, bad = [], [], []
    with rdBase.BlockLogs():
        for number, given in enumerate(candidates, 1):
            _stop_if(is_cancelled)
            if not isinstance(given, Candidate):
                text, _, name = str(given).strip().replace("\t", " ").partition(" ")
                given = Candidate(text, name.strip())
            inchi = given.smiles.startswith("InChI=")
            read = Chem.MolFromInchi if inchi else Chem.MolFromSmiles
            molecule = read(given.smiles) if given.smiles and len(given.smiles) < 5000 else None
            if molecule is None or molecule.GetNumAtoms() == 0:
                bad.append(f"candidate {number} ({given.smiles[:40] or given.name[:60]!r})")
                continue
            known.append(given)
            molecules.append(molecule)
    if not known:
        raise ValueError(
            "no candidate can be read as a structure"
            + (f": {', '.join(bad[:3])}" if bad else ", since none was given")
        )
    warnings = []
    if bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        warnings.append(f"No structure, left out: {', '.join(bad[:5])}{more}.")
    return known, molecules, warnings


def candidate_costs(
    peaks: Mapping[str, Sequence[ObservedPeak]],
    molecules: Sequence,
    solvents: Mapping[str, str | None] | None = None,
    predictor: ShiftPredictor | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, np.ndarray]:
    """The cost (nats) of a sample's peaks for each molecule, ``(K,)``, by technique.

    Molecules are predicted ``_CHUNK`` at a time, between which ``is_cancelled`` is asked;
    :class:`concurrent.futures.CancelledError` follows it.
    """
    from engine.chemistry.spectrum_match import SignalRows, match_costs
    from engine.library.shift_model import default_shift_predictor

    predictor = predictor or default_shift_predictor()
    costs = {}
    predicted: dict[str | None, list] = {}
    for technique in NUCLEI:
        own = peaks.get(technique)
        if not own:
            continue
        solvent = (solvents or {}).get(technique)
        if solvent not in predicted:
            predicted[solvent] = []
            for first in range(0, len(molecules), _CHUNK):
                _stop_if(is_cancelled)
                chunk = list(molecules[first : first + _CHUNK])
                predicted[solvent] += predictor.predict(chunk, solvent)
        _stop_if(is_cancelled)
        rows = SignalRows.of(technique, [s.signals(technique) for s in predicted[solvent]])
        costs[technique] = np.asarray(match_costs(own, rows), float)
    return costs


def _mass_costs(
    sample: Sample, molecules: Sequence, is_cancelled: Callable[[], bool] = lambda: False
) -> np.ndarray:
    """Nats against each molecule from its formula: the one known, and the mass spectra."""
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    from engine.chemistry.formula import parse_formula
    from engine.tasks.mass_evidence import mass_evidence

    wanted = None
    if sample.formula:
        try:
            wanted = parse_formula(sample.formula)
        except ValueError:
            wanted = None
    by_formula: dict[str, float] = {}
    costs = []
    for molecule in molecules:
        _stop_if(is_cancelled)
        text = CalcMolFormula(molecule)
        if text not in by_formula:
            cost = 0.0
            try:
                formula = parse_formula(bracketed_charge(text))
            except ValueError:
                formula = None
            if formula is not None:
                if wanted is not None and formula.atoms != wanted.atoms:
                    cost += _WRONG_FORMULA
                seen = mass_evidence(sample, formula)
                if seen and not any(one.found for one in seen):
                    sure = any(one.known_ion for one in seen)
                    cost += _WRONG_MASS if sure else _WRONG_MASS / 4
            by_formula[text] = cost
        costs.append(by_formula[text])
    return np.array(costs)


def bracketed_charge(text: str) -> str:
    """RDKit's ``C2H6N+`` as :func:`parse_formula` reads it: the charge after a bracket."""
    sign = next((place for place in range(len(text)) if text[place] in "+-"), None)
    if sign is None:
        return text
    body, charge = text[:sign], text[sign:]
    return f"[{body}]{charge[1:]}{charge[0]}"


def _ranked(known, costs, other, peaks, warnings) -> Ranking:
    from engine.chemistry.peak_assignment import ranking_constants
    from engine.chemistry.spectrum_match import ideal_cost, posterior

    constants = ranking_constants()
    spectra = sum(constants.weight(technique) * values for technique, values in costs.items())
    probability = posterior(spectra + other * constants.temperature, constants.temperature)
    ideal = sum(ideal_cost(technique, peaks[technique]) for technique in costs)
    count = sum(len(peaks[technique]) for technique in costs)
    whole = sum(costs.values()) + other
    order = np.lexsort((np.arange(len(known)), -probability))
    hits = tuple(
        RankedCandidate(
            place,
            known[k].smiles,
            known[k].name,
            float(np.exp(-max(float(whole[k]) - ideal, 0.0) / (_PRICE_OF_A_BAD_PEAK * count))),
            float(probability[k]),
        )
        for place, k in enumerate(order.tolist(), 1)
    )
    return Ranking(hits, warnings)
