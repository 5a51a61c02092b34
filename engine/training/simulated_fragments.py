"""Fragments of library molecules, broken at their bonds: masses, elements and groups to learn from.

Measured mass spectra are of some thousand molecules. Before them a network can learn from many
more what a mass says of its elements, and which fragments and losses go with which groups: every
molecule is cut at one bond, or at two (two of a ring, or two that free a middle part), as MetFrag
does (S. Wolf, S. Schmidt, M. Mueller-Hannemann, S. Neumann, BMC Bioinformatics 11 (2010) 148).
What an ion keeps of the hydrogens is drawn from the even-electron rule. The heights are a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.chemistry.formula_candidates import ELEMENTS
from engine.encoding.fragments import FragmentSets
from engine.training.group_tensors import generator_for

FRAGMENTS = 48
_PAIRS = 40
PROTON = 1.00727646688
ELECTRON = 0.00054857990907
# The share of the fragments that a drawn spectrum shows, least and most.
_KEPT_SHARE = (0.3, 0.9)


@dataclass(frozen=True, eq=False)
class SimulatedFragments:
    """Fragments of ``n`` molecules of the train split.

    ``composition`` int8 ``(n, 48, 10)``: atoms of ``ELEMENTS`` in each fragment, bonds open;
    ``cuts`` int8 ``(n, 48)``: bonds broken, 0 where there is no fragment; ``weight`` float16
    ``(n, 48)``: how likely it is; ``whole`` ``(n, 10)``: the molecule; ``labels`` bool ``(n, 37)``.
    """

    composition: np.ndarray
    cuts: np.ndarray
    weight: np.ndarray
    whole: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **{name: getattr(self, name) for name in self.__annotations__})
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> SimulatedFragments:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in cls.__annotations__})


def simulate(
    candidates: Iterable[tuple[str, str, np.ndarray]], seed: int = 0
) -> SimulatedFragments:
    """Cut the molecules ``(key, SMILES, labels (37,))``; those of other elements are left out."""
    from rdkit import Chem

    columns: dict[str, list] = {n: [] for n in SimulatedFragments.__annotations__}
    for key, smiles, labels in candidates:
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None or any(a.GetSymbol() not in ELEMENTS for a in molecule.GetAtoms()):
            continue
        if "." in smiles or any(a.GetNumRadicalElectrons() for a in molecule.GetAtoms()):
            continue
        parts, whole = fragments_of(molecule, generator_for(key, seed))
        composition = np.zeros((FRAGMENTS, len(ELEMENTS)), np.int8)
        cuts, weight = np.zeros(FRAGMENTS, np.int8), np.zeros(FRAGMENTS, np.float16)
        for place, (atoms, broken, likely) in enumerate(parts[:FRAGMENTS]):
            composition[place], cuts[place], weight[place] = atoms, broken, likely
        for name, value in zip(columns, (composition, cuts, weight, whole, labels), strict=True):
            columns[name].append(value)
    return SimulatedFragments(**{name: np.array(values) for name, values in columns.items()})


def fragments_of(
    molecule, rng: np.random.Generator
) -> tuple[list[tuple[np.ndarray, int, float]], np.ndarray]:
    """Fragments ``(atoms of ELEMENTS (10,), bonds broken, weight)`` of an RDKit molecule, the most
    likely first, and the atoms of the whole."""
    size = molecule.GetNumAtoms()
    neighbours = [0] * size
    bonds, weights, rings = [], [], []
    for bond in molecule.GetBonds():
        first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        neighbours[first] |= 1 << second
        neighbours[second] |= 1 << first
        bonds.append((first, second))
        weights.append(_ease(bond))
        rings.append(bond.IsInRing())
    member = _membership(molecule)

    found: dict[int, list[float]] = {}
    ease, in_ring = np.array(weights), np.array(rings, bool)

    def cut(chosen: tuple[int, ...]) -> None:
        likely = float(np.prod(ease[list(chosen)])) * 0.3 ** (len(chosen) - 1)
        opened = neighbours.copy()
        for index in chosen:
            first, second = bonds[index]
            opened[first] &= ~(1 << second)
            opened[second] &= ~(1 << first)
        for start in {atom for index in chosen for atom in bonds[index]}:
            part = _connected(opened, start)
            if part.bit_count() == size:
                continue
            broken = sum(((part >> a) & 1) != ((part >> b) & 1) for a, b in bonds)
            entry = found.setdefault(part, [float(broken), 0.0])
            entry[1] += likely

    open_bonds = np.flatnonzero(~in_ring)
    for index in open_bonds.tolist():
        cut((index,))
    if len(bonds) > 1:
        for _ in range(_PAIRS):
            first, second = rng.choice(len(bonds), 2, replace=False, p=ease / ease.sum()).tolist()
            if in_ring[first] == in_ring[second]:
                cut((first, second))
    ranked = sorted(found.items(), key=lambda item: -item[1][1] * rng.uniform(0.3, 1.0))
    parts = [
        (_count(part, member), int(broken), likely)
        for part, (broken, likely) in ranked
        if part.bit_count() >= 1 and broken <= 4
    ]
    return parts, _count((1 << size) - 1, member)


def _ease(bond) -> float:
    """How easily a bond breaks: to heteroatoms and at branches more easily, double bonds hardly."""
    ends = bond.GetBeginAtom(), bond.GetEndAtom()
    order = bond.GetBondTypeAsDouble()
    likely = 1.0 if order == 1.0 else 0.15 if order == 1.5 else 0.1
    hetero = sum(atom.GetSymbol() != "C" for atom in ends)
    likely *= (1.0, 2.5, 2.0)[hetero]
    beside_carbonyl = any(
        n.GetBondTypeAsDouble() == 2.0 for atom in ends for n in atom.GetBonds() if n is not bond
    )
    return likely * (1.5 if beside_carbonyl and order == 1.0 else 1.0)


def _connected(neighbours: list[int], start: int) -> int:
    """The atoms, a bit each, that hang together with ``start``."""
    part = front = 1 << start
    while front:
        near = 0
        while front:
            low = front & -front
            near |= neighbours[low.bit_length() - 1]
            front ^= low
        front = near & ~part
        part |= front
    return part


def _membership(molecule) -> list[tuple[int, int, int]]:
    """``(place in ELEMENTS, times, atoms as bits)``: which atoms are of an element; and which hold
    so many hydrogens."""
    masks: dict[tuple[int, int], int] = {}
    for atom in molecule.GetAtoms():
        bit = 1 << atom.GetIdx()
        own = ELEMENTS.index(atom.GetSymbol()), 1
        masks[own] = masks.get(own, 0) | bit
        if atom.GetTotalNumHs():
            hydrogen = ELEMENTS.index("H"), atom.GetTotalNumHs()
            masks[hydrogen] = masks.get(hydrogen, 0) | bit
    return [(place, times, mask) for (place, times), mask in masks.items()]


def _count(part: int, member: list[tuple[int, int, int]]) -> np.ndarray:
    atoms = np.zeros(len(ELEMENTS), np.int64)
    for place, times, mask in member:
        atoms[place] += times * (part & mask).bit_count()
    return atoms


def masses() -> np.ndarray:
    """Monoisotopic masses of ``ELEMENTS`` in u, ``(10,)``."""
    from engine.chemistry.formula import parse_formula

    return np.array([parse_formula(element).monoisotopic_mass for element in ELEMENTS])


def drawn_spectra(
    simulated: SimulatedFragments, members: np.ndarray, ionization: str, rng: np.random.Generator
) -> tuple[FragmentSets, np.ndarray]:
    """Spectra of some molecules, drawn anew, and the atoms of each fragment ``(b, 49, 10)``.

    ``ionization`` ``esi`` draws the polarity of each and the usual adducts; ``ei`` radical cations.
    The precursor's own peak is the last fragment.
    """
    composition = simulated.composition[members].astype(np.float64)
    cuts = simulated.cuts[members].astype(int)
    whole = simulated.whole[members].astype(np.float64)
    size, hydrogen = len(members), ELEMENTS.index("H")
    positive = rng.random(size) < 0.65 if ionization == "esi" else np.ones(size, bool)
    charge = np.where(positive, 1, -1)
    steps = rng.choice([0, 1, 2], size=cuts.shape, p=[0.5, 0.4, 0.1])
    if ionization == "esi":
        # Even electrons: closed-shell parts with a proton more, or less.
        shift = cuts + charge[:, None] - 2 * steps
        ion_shift = charge
    else:
        shift = rng.choice([0, -1, 1, -2], size=cuts.shape, p=[0.6, 0.2, 0.15, 0.05])
        ion_shift = np.zeros(size, int)
    composition[:, :, hydrogen] += shift
    parent = whole.copy()
    parent[:, hydrogen] += ion_shift
    atoms = np.concatenate([composition, parent[:, None]], axis=1)
    present = np.concatenate([cuts > 0, np.ones((size, 1), bool)], axis=1)
    present &= (atoms >= 0).all(2)
    mz = atoms @ masses() - charge[:, None] * ELECTRON
    weight = np.concatenate(
        [simulated.weight[members].astype(float), np.full((size, 1), 0.5)], axis=1
    )
    # What holds nitrogen keeps a positive charge more easily, what holds oxygen a negative one.
    holder = np.where(positive, ELEMENTS.index("N"), ELEMENTS.index("O"))
    held = np.take_along_axis(atoms, holder[:, None, None], axis=2)[:, :, 0]
    weight = weight * np.where(held > 0, 2.0, 1.0) * np.exp(rng.normal(0, 1.2, weight.shape))
    keep = rng.random(weight.shape) < rng.uniform(*_KEPT_SHARE, (size, 1))
    present &= keep & (mz > 15)
    present[:, -1] |= ~present.any(1)
    intensity = np.where(present, np.maximum(weight, 1e-6), 0.0)
    intensity = intensity / intensity.max(1, keepdims=True)
    neutral = whole @ masses()
    precursor = neutral + charge * PROTON
    known = np.ones(size, bool) if ionization == "esi" else np.zeros(size, bool)
    return (
        FragmentSets.of(
            np.where(intensity > 0, mz, 0.0),
            intensity,
            polarity=charge,
            precursor=np.where(known, precursor, np.nan),
            adduct=np.where(known, np.where(positive, 1, 2), 0),
        ),
        atoms,
    )
