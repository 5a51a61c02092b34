"""Which atom each peak belongs to: the peaks of a sample matched to the atoms of its structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.expected_signals import ExpectedSignal, expected_signals
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.peak_assignment import MatchingPrices, match_peaks, matching_prices
from engine.chemistry.predicted_shifts import NUCLEI, MoleculeShifts, ShiftPredictor
from engine.chemistry.structure import Structure, heavy_atoms, parse_structure
from engine.spectra import Sample

ELEMENTS = {"13C NMR": "C", "1H NMR": "H"}
# A shift that a person gave is that of a peak when it is as near as this, in ppm.
_SAME_PEAK = {"13C NMR": 0.06, "1H NMR": 0.012}

FixedPair = tuple[str, int, float | None]


@dataclass(frozen=True)
class AtomAssignment:
    """The peak of one atom.

    ``atom`` is numbered as in the structure given, from 0; for ``element`` "H" it is the heavy
    atom that carries the hydrogens. ``peak``, ``predicted`` and ``uncertainty`` in ppm, ``peak``
    None where the atom has none; ``confidence``: the probability, 0 to 1, that this is right;
    ``equivalent``: all atoms of its class; ``fixed``: a person said so. Two hydrogens of one atom
    with a peak each have an entry each.
    """

    atom: int
    element: str
    peak: float | None
    predicted: float
    uncertainty: float
    confidence: float
    equivalent: tuple[int, ...]
    fixed: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "atom": self.atom,
            "element": self.element,
            "peak": None if self.peak is None else round(self.peak, 4),
            "predicted": round(self.predicted, 3),
            "uncertainty": round(self.uncertainty, 3),
            "confidence": round(self.confidence, 4),
            "equivalent": list(self.equivalent),
            "fixed": self.fixed,
        }


@dataclass(frozen=True)
class Assignment:
    """All peaks of a sample's 13C and 1H spectra and the atoms of its structure.

    ``unassigned`` are ``(technique, ppm)`` of the peaks that no atom has.
    """

    structure: Structure
    assignments: tuple[AtomAssignment, ...]
    unassigned: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "structure": self.structure.smiles,
            "assignments": [one.to_dict() for one in self.assignments],
            "unassigned": [
                {"technique": technique, "ppm": round(ppm, 4)} for technique, ppm in self.unassigned
            ],
            "warnings": list(self.warnings),
        }


def assign(
    sample: Sample | Sequence[Sample],
    structure: Structure | str | Path | None = None,
    fixed: Iterable[FixedPair] = (),
    predictor: ShiftPredictor | None = None,
) -> Assignment | list[Assignment]:
    """Match the 13C and 1H peaks of a sample to the atoms of a structure, all at once.

    ``structure`` is a SMILES, an InChI, a molblock or a file of one; the sample's own where None.
    ``fixed`` holds ``(element, atom, ppm)`` that are kept while the rest is found anew; ppm None
    keeps an atom without a peak. Takes one sample, or a list and then returns a list. Raises
    ``ValueError`` for a structure that cannot be read, for a sample without peaks, and for a pair
    that cannot be kept; :class:`NoModelError` when no weights are installed.
    """
    if not isinstance(sample, Sample):
        return [assign(one, structure, fixed, predictor) for one in sample]
    known = structure_of(sample, structure)
    peaks, warnings = peaks_of(sample)
    return assign_peaks(peaks, known, fixed, solvents_of(sample), predictor, warnings)


def structure_of(sample: Sample, structure: Structure | str | Path | None) -> Structure:
    """The structure given, or the sample's own; raises ``ValueError`` where there is none."""
    if isinstance(structure, Structure):
        return structure
    text = structure if structure is not None else sample.structure
    if text is None:
        text = next(
            (s.metadata["smiles"] for s in sample.spectra if s.metadata.get("smiles")), None
        )
    if text is None:
        raise ValueError("no structure is known for this sample: give one as SMILES or as a file")
    return parse_structure(text)


def peaks_of(sample: Sample) -> tuple[dict[str, tuple[ObservedPeak, ...]], tuple[str, ...]]:
    """The peaks of a sample by technique, and what was doubtful; raises ``ValueError`` for none."""
    from engine.tasks.sample_peaks import observed_peaks

    peaks = observed_peaks(sample)
    if not any(peaks.get(technique) for technique in NUCLEI):
        present = ", ".join(sample.techniques) or "no spectra"
        raise ValueError(
            f"peaks of a 13C or 1H NMR spectrum are needed; the sample has {present}, and no such "
            "peaks in it"
        )
    return peaks, ()


def solvents_of(sample: Sample) -> dict[str, str | None]:
    """The solvent of each technique as the files name it."""
    named: dict[str, str | None] = {}
    for spectrum in sample.spectra:
        if spectrum.metadata.get("solvent"):
            named.setdefault(str(spectrum.technique), str(spectrum.metadata["solvent"]))
    return {t: named.get(t) or next(iter(named.values()), None) for t in NUCLEI}


def assign_peaks(
    peaks: Mapping[str, Sequence[ObservedPeak]],
    structure: Structure,
    fixed: Iterable[FixedPair] = (),
    solvents: Mapping[str, str | None] | None = None,
    predictor: ShiftPredictor | None = None,
    warnings: Iterable[str] = (),
) -> Assignment:
    """As :func:`assign`, for peaks by technique."""
    from engine.library.shift_model import default_shift_predictor

    predictor = predictor or default_shift_predictor()
    molecule, given = heavy_atoms(structure)
    wanted = _by_element(fixed, given, molecule)
    notes = list(warnings)
    entries: list[AtomAssignment] = []
    unassigned: list[tuple[str, float]] = []
    predicted: dict[str | None, MoleculeShifts] = {}
    for technique in NUCLEI:
        own = tuple(peaks.get(technique) or ())
        if not own:
            continue
        solvent = (solvents or {}).get(technique)
        if solvent not in predicted:
            predicted[solvent] = predictor.predict([molecule], solvent)[0]
        shifts = predicted[solvent]
        signals = expected_signals(molecule, shifts, technique)
        if not signals:
            nucleus = "carbon" if technique == "13C NMR" else "hydrogen"
            notes.append(f"the structure has no {nucleus}, so no {technique} peak belongs to it")
        pairs = wanted.get(ELEMENTS[technique], {})
        own, kept = _fixed_peaks(technique, signals, own, pairs, given)
        matching = match_peaks(signals, own, _prices(technique), kept)
        for number, signal in enumerate(signals):
            entries += _entries(
                signal, number in kept, [own[j].ppm for j in matching.peaks[number]],
                float(matching.confidence[number]), pairs, given,
            )  # fmt: skip
        unassigned += [(technique, own[j].ppm) for j in matching.extra]
        if len(own) > 1.5 * max(1, _most_peaks(signals)):
            notes.append(
                f"{len(own)} peaks of {technique} for {len(signals)} expected signals: many cannot "
                "be of this structure"
            )
    entries.sort(key=lambda entry: (entry.element, entry.atom, -(entry.peak or -1e9)))
    return Assignment(structure, tuple(entries), tuple(unassigned), tuple(notes))


def _prices(technique: str) -> MatchingPrices:
    return matching_prices(technique)


def _most_peaks(signals: Sequence[ExpectedSignal]) -> int:
    return sum(2 if len(s.atoms) > 1 or s.hydrogens == 2 else 1 for s in signals)


def _by_element(
    fixed: Iterable[FixedPair], given: Sequence[int], molecule
) -> dict[str, dict[int, list[float | None]]]:
    """Fixed shifts by element and atom of the molecule; raises ``ValueError`` for no such atom."""
    place = {number: atom for atom, number in enumerate(given)}
    found: dict[str, dict[int, list[float | None]]] = {}
    for element, number, ppm in fixed:
        if element not in ELEMENTS.values():
            raise ValueError(f"a pair is fixed for {element!r}; right is 'C' or 'H'")
        if number not in place:
            raise ValueError(f"atom {number} of a fixed pair is no heavy atom of the structure")
        atom = molecule.GetAtomWithIdx(place[number])
        if (atom.GetAtomicNum() != 6) if element == "C" else (atom.GetTotalNumHs() == 0):
            lacks = "is no carbon" if element == "C" else "carries no hydrogen"
            raise ValueError(f"atom {number} {lacks}, so it has no {element} peak")
        if ppm is not None and not np.isfinite(ppm):
            raise ValueError(f"a shift of {ppm} ppm is fixed to atom {number}")
        found.setdefault(element, {}).setdefault(place[number], []).append(ppm)
    return found


def _fixed_peaks(
    technique: str,
    signals: Sequence[ExpectedSignal],
    peaks: tuple[ObservedPeak, ...],
    pairs: Mapping[int, list[float | None]],
    given: Sequence[int],
) -> tuple[tuple[ObservedPeak, ...], dict[int, tuple[int, ...]]]:
    """The peaks, with those that a person added, and the numbers of the fixed ones by signal."""
    kept: dict[int, tuple[int, ...]] = {}
    for number, signal in enumerate(signals):
        said = [ppm for atom in signal.atoms for ppm in pairs.get(atom, ())]
        if not said:
            continue
        places: list[int] = []
        for ppm in sorted({p for p in said if p is not None}, reverse=True):
            near = min(range(len(peaks)), key=lambda j: abs(peaks[j].ppm - ppm), default=None)
            if near is None or abs(peaks[near].ppm - ppm) > _SAME_PEAK[technique]:
                peaks = (*peaks, ObservedPeak(float(ppm)))
                near = len(peaks) - 1
            if near not in places:
                places.append(near)
        if len(places) > 2:
            named = ", ".join(str(given[atom]) for atom in signal.atoms)
            raise ValueError(
                f"{len(places)} shifts are fixed to equivalent atoms ({named}); at most two can be"
            )
        kept[number] = tuple(places)
    return peaks, kept


def _entries(
    signal: ExpectedSignal,
    fixed: bool,
    shifts: Sequence[float],
    confidence: float,
    pairs: Mapping[int, list[float | None]],
    given: Sequence[int],
) -> list[AtomAssignment]:
    """One entry for each atom of a signal, or two where both of its hydrogens have a peak."""
    equivalent = tuple(sorted(given[atom] for atom in signal.atoms))
    element = ELEMENTS[signal.technique]
    blank = AtomAssignment(
        -1, element, None, signal.ppm, signal.uncertainty, confidence, equivalent
    )
    found = []
    both = signal.technique == "1H NMR" and signal.hydrogens == 2 and len(shifts) == 2
    for place, atom in enumerate(signal.atoms):
        said = pairs.get(atom)
        if both:
            own: Sequence[float | None] = shifts
        elif said and len(shifts) == 2:
            near = said[0] if said[0] is not None else shifts[0]
            own = [min(shifts, key=lambda ppm, near=near: abs(ppm - near))]
        elif len(shifts) == 2:
            own = [shifts[place * 2 // len(signal.atoms)]]
        else:
            own = shifts or [None]
        found += [
            replace(blank, atom=given[atom], peak=ppm, fixed=fixed and bool(said)) for ppm in own
        ]
    return found
