"""The signals that a molecule is expected to give, with what tells them apart besides the shift."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.chemistry.predicted_shifts import MoleculeShifts

# Equivalent atoms at most so many bonds apart may show apart where the surroundings are chiral.
_NEAR = 4


@dataclass(frozen=True)
class ExpectedSignal:
    """One expected signal: that of a set of equivalent atoms.

    ``atoms`` are heavy atoms (for 1H those that carry the hydrogens); ``ppm`` and ``uncertainty``
    in ppm; ``nuclei`` counts the carbons or hydrogens, ``hydrogens`` those on one of the atoms;
    ``split`` (ppm): how far apart two hydrogens of one atom are expected. ``neighbours``: the
    fewest and the most couplings that a 1H pattern may show; None where that cannot be told.

    ``kind`` says how often it has no peak, and two of them. 13C: ``single`` atom, ``ring`` (two or
    more, across an aromatic ring or otherwise far apart), ``twin`` (two or more near each other,
    as the methyls of an isopropyl group), each with ``, no H`` where it carries none. 1H: ``CH``,
    ``CH3``, ``CH2`` (the molecule has no stereocentre and the atom is in no ring), ``CH2, chiral``,
    ``XH`` (on N, O, S) and, for sets of atoms, the same with ``twin``. Twins that are known to
    show apart have a word more: ``rotor`` (on the nitrogen of an amide), ``alkene`` (on one end of
    a double bond, without its stereochemistry), ``chiral`` (the molecule has a stereocentre).
    """

    technique: str
    atoms: tuple[int, ...]
    ppm: float
    uncertainty: float
    nuclei: int
    hydrogens: int
    kind: str
    split: float = 0.0
    neighbours: tuple[int, int] | None = None


def expected_signals(
    molecule, shifts: MoleculeShifts, technique: str
) -> tuple[ExpectedSignal, ...]:
    """The signals of ``13C NMR`` or ``1H NMR`` of an RDKit molecule, by descending shift.

    ``shifts`` are its predicted ones; the molecule has no explicit hydrogens.
    """
    signals = shifts.signals(technique)
    if not signals:
        return ()
    apart = _distances(molecule) if any(len(s.atoms) > 1 for s in signals) else None
    carbon = technique == "13C NMR"
    chiral = _may_be_chiral(molecule)
    found = []
    for signal in signals:
        atoms = signal.atoms
        twin = len(atoms) > 1 and _are_near(molecule, atoms, apart)
        if carbon:
            kind = "single" if len(atoms) == 1 else "ring"
            kind = "twin" + _apart(molecule, atoms, chiral) if twin else kind
            kind += ", no H" if signal.hydrogens == 0 else ""
            found.append(
                ExpectedSignal(
                    technique, atoms, signal.ppm, signal.uncertainty, signal.nuclei,
                    signal.hydrogens, kind,
                )
            )  # fmt: skip
            continue
        kind = "XH" if signal.exchangeable else f"CH{signal.hydrogens}".replace("CH1", "CH")
        if kind == "CH2":
            ring = molecule.GetAtomWithIdx(atoms[0]).IsInRing()
            kind += ", chiral" if ring or chiral else ""
        found.append(
            ExpectedSignal(
                technique, atoms, signal.ppm, signal.uncertainty, signal.nuclei, signal.hydrogens,
                kind + (", twin" + _apart(molecule, atoms, chiral) if twin else ""),
                float(np.mean([shifts.split[a] for a in atoms])) if signal.hydrogens == 2 else 0.0,
                _couplings(molecule, atoms[0], shifts),
            )
        )  # fmt: skip
    return tuple(found)


def _distances(molecule) -> np.ndarray:
    from rdkit import Chem

    return Chem.GetDistanceMatrix(molecule)


def _are_near(molecule, atoms: Iterable[int], apart: np.ndarray) -> bool:
    """Whether they are near each other and not merely opposite each other in an aromatic ring."""
    atoms = list(atoms)
    if any(molecule.GetAtomWithIdx(atom).GetIsAromatic() for atom in atoms):
        return False
    return bool(min(apart[atoms[0], other] for other in atoms[1:]) <= _NEAR)


_ROTOR = "[NX3;$(N[#6]=[O,S,N]),$(N[#7]=O)]"
_ALKENE = "[CX3;!R;$(C=[C,N])]"


def _apart(molecule, atoms: tuple[int, ...], chiral: bool) -> str:
    """Why twins may show apart, as a word of their kind; empty where nothing is known."""
    from rdkit import Chem

    between = set(Chem.GetShortestPath(molecule, atoms[0], atoms[1])[1:-1])
    for word, pattern in (("rotor", _pattern(_ROTOR)), ("alkene", _pattern(_ALKENE))):
        if any(found[0] in between for found in molecule.GetSubstructMatches(pattern)):
            return f", {word}"
    return ", chiral" if chiral else ""


@cache
def _pattern(smarts: str):
    from rdkit import Chem

    return Chem.MolFromSmarts(smarts)


def _may_be_chiral(molecule) -> bool:
    from rdkit import Chem

    return bool(
        Chem.FindMolChiralCenters(molecule, includeUnassigned=True, useLegacyImplementation=False)
    )


def _couplings(molecule, number: int, shifts: MoleculeShifts) -> tuple[int, int] | None:
    """The hydrogens three bonds away: fewest without those that exchange or are equivalent, most
    with all of them, with a geminal one, and with those across an aromatic ring."""
    atom = molecule.GetAtomWithIdx(number)
    if atom.GetAtomicNum() != 6:
        return None
    low = high = 0
    for bond in atom.GetBonds():
        other = bond.GetOtherAtom(atom)
        hydrogens = int(shifts.hydrogens[other.GetIdx()])
        high += hydrogens
        if other.GetAtomicNum() == 6 and shifts.classes[other.GetIdx()] != shifts.classes[number]:
            low += hydrogens
        if other.GetAtomicNum() in (9, 15):
            low, high = low + 1, high + 1
    if shifts.hydrogens[number] == 2 and shifts.split[number] > 0:
        high += 1
    if atom.GetIsAromatic():
        high += 2
    return low, high
