"""Assignments in what is written and read: records of signals with atoms, lines of a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from engine.spectra import Sample, Spectrum

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.tasks.assignment import Assignment, AtomAssignment
    from engine.tasks.report_content import Table

_ELEMENTS = {"13C": "C", "1H": "H"}
# Shifts of one peak, in ppm, as programs round them.
_SAME = {"13C": 0.06, "1H": 0.012}

FixedPair = tuple[str, int, float]


def told_assignments(sample: Sample) -> tuple[FixedPair, ...]:
    """Element, atom and shift (ppm) of what a sample's own files assign, without double ones.

    Atoms are those of the structure in the file, so there are none where the sample has another
    structure; hydrogens that are atoms of it are named by the atom that carries them. Signals that
    the file calls interchangeable are left out.
    """
    found: dict[FixedPair, None] = {}
    for spectrum in sample.spectra:
        entries = spectrum.metadata.get("assignments") or ()
        block = spectrum.metadata.get("molblock")
        if not entries or not block or sample.structure != block:
            continue
        carriers = _carriers(str(block))
        for entry in entries:
            element = entry.get("element") or _ELEMENTS.get(spectrum.technique.nucleus or "", "")
            if element not in _ELEMENTS.values() or entry.get("interchangeable"):
                continue
            for atom in entry.get("atoms") or ():
                carrier = carriers.get(int(atom))
                if carrier is not None:
                    found[(str(element), carrier, float(entry["shift"]))] = None
    return tuple(found)


def _carriers(molblock: str) -> dict[int, int]:
    """For each atom the one that an assignment names: a hydrogen's neighbour, else itself."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(molblock, removeHs=False)
    if molecule is None:
        return {}
    return {
        atom.GetIdx(): atom.GetNeighbors()[0].GetIdx()
        if atom.GetAtomicNum() == 1 and atom.GetDegree() == 1
        else atom.GetIdx()
        for atom in molecule.GetAtoms()
    }


def pairs_of(assignment: Assignment) -> dict[str, list[tuple[float, int]]]:
    """By element, the shift and the atom of each peak that was assigned."""
    pairs: dict[str, list[tuple[float, int]]] = {}
    for one in assignment.assignments:
        if one.peak is not None:
            pairs.setdefault(one.element, []).append((float(one.peak), int(one.atom)))
    return pairs


def with_atoms(spectrum: Spectrum, pairs: Iterable[tuple[float, int]]) -> Spectrum:
    """The spectrum with the atoms of its signals, in the ``peaks`` of its metadata.

    ``pairs`` are shifts in ppm and atoms, from 0. A shift belongs to the signal whose range holds
    it, else to the nearest; one that no signal is near to is a signal of its own. What the file
    said of assignments, and the atoms that it gave its signals, is taken away.
    """
    nucleus = spectrum.technique.nucleus or ""
    near = _SAME.get(nucleus, 0.05)
    told = ("atoms", "label")
    signals: list[dict[str, Any]] = [
        {key: value for key, value in peak.items() if key not in told}
        for peak in spectrum.metadata.get("peaks") or ()
    ]
    for shift, atom in pairs:
        signal = _signal_at(signals, shift, near)
        if signal is None:
            signal = {"position": shift}
            signals.append(signal)
        atoms = signal.setdefault("atoms", [])
        if atom not in atoms:
            atoms.append(atom)
    for signal in signals:
        if "atoms" in signal:
            signal["atoms"] = sorted(signal["atoms"])
    kept = {k: v for k, v in spectrum.metadata.items() if k not in ("assignments", "couplings")}
    return replace(spectrum, metadata={**kept, "peaks": signals})


def _signal_at(signals: Sequence[dict[str, Any]], shift: float, near: float):
    def away(signal: dict[str, Any]) -> tuple[float, float]:
        place = float(signal["position"])
        low, high = (float(signal.get(end) or place) for end in ("low", "high"))
        return max(low - shift, shift - high, 0.0), abs(place - shift)

    best = min(signals, key=away, default=None)
    return best if best is not None and away(best)[0] <= near else None


def record_spectra(
    spectra: Sequence[Spectrum], structure: Structure, assignment: Assignment | None = None
) -> list[Spectrum]:
    """NMR spectra as a record holds them: with their signals, and the atoms that were assigned.

    The peaks of a nucleus are those of its first spectrum. FIDs are transformed. Raises
    ``ValueError`` as :func:`engine.tasks.report_signals.with_signals`.
    """
    from engine.tasks.report_signals import with_signals

    left = {} if assignment is None else pairs_of(assignment)
    written = []
    for spectrum in spectra:
        told = with_signals(spectrum, structure)
        pairs = left.pop(_ELEMENTS.get(spectrum.technique.nucleus or "", ""), None)
        written.append(told if pairs is None else with_atoms(told, pairs))
    return written


def assignment_table(assignment: Assignment) -> Table:
    """The assigned signals, carbon first and by descending shift, equivalent atoms together."""
    from engine.tasks.report_content import Table

    found: dict[tuple, list[AtomAssignment]] = {}
    for one in assignment.assignments:
        found.setdefault((one.element, one.equivalent, one.peak), []).append(one)
    lines = []
    for (element, _, peak), ones in found.items():
        digits = 1 if element == "C" else 2
        first = max(ones, key=lambda one: one.fixed)
        atoms = ", ".join(f"{element}{one.atom}" for one in sorted(ones, key=lambda o: o.atom))
        predicted = isfinite(first.predicted)  # not where a person alone spoke
        sure = "said" if first.fixed else "" if peak is None else _share(first.confidence)
        cells = (
            atoms,
            "–" if peak is None else _number(peak, digits),
            f"{_number(first.predicted, digits)} ± {first.uncertainty:.{digits}f}"
            if predicted
            else "–",
            "" if peak is None or not predicted else _number(peak - first.predicted, digits),
            sure,
        )
        shift = (first.predicted if predicted else 0.0) if peak is None else peak
        lines.append(((element != "C", -shift), cells))
    header = ("Atoms, from 0", "δ (ppm)", "Predicted", "Difference", "Confidence")
    note = ""
    if assignment.unassigned:
        left = ", ".join(
            f"{technique} {_number(ppm, 1 if technique.startswith('13C') else 2)}"
            for technique, ppm in assignment.unassigned
        )
        note = f"Without an atom: {left} ppm."
    return Table(header, tuple(cells for _, cells in sorted(lines)), note)


def _share(confidence: float) -> str:
    return ">99%" if confidence > 0.99 else f"{confidence:.0%}"


def _number(value: float, digits: int) -> str:
    return f"{value:z.{digits}f}".replace("-", "−")


def atom_label(nucleus: str, atoms: Iterable[int]) -> str:
    """Atoms of a signal as papers name them: ``C-3``, ``H-3, H-5``."""
    element = _ELEMENTS.get(nucleus, nucleus.lstrip("0123456789"))
    return ", ".join(f"{element}-{atom}" for atom in atoms)
