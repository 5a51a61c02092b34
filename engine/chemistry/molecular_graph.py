"""A molecule as the graph that networks read: atoms, bonds and stereochemical relations.

Two sets of features: :data:`ATOM_FEATURES` and :data:`BOND_FEATURES` tell all that a shift depends
on; of them, those of the K-M3AID paper (appendix B.1) are :data:`PAPER_ATOM_FEATURES` and
:data:`PAPER_BOND_FEATURES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Name of each column and the number of values it can take.
ATOM_FEATURES = {
    "atomic number": 120,
    "chirality": 3,  # none, R, S
    "hybridisation": 7,
    "degree": 7,
    "hydrogens": 5,
    "formal charge": 5,  # -2 ... +2
    "aromatic": 2,
    "smallest ring": 9,  # 0 when in none, 3 to 7, 8 for 8 and more
    "rings": 5,
    "largest ring": 9,
}
BOND_FEATURES = {
    "type": 6,  # single, double, triple, aromatic, other, a stereochemical relation
    "direction": 3,  # none, Z, E
    "conjugated": 2,
    "smallest ring": 9,
    "relation": 9,  # 0 for a bond; else cis or trans, as in RELATIONS
}
PAPER_ATOM_FEATURES = ("atomic number", "chirality", "hybridisation")
PAPER_BOND_FEATURES = ("type", "direction")

# Two substituents of one ring, 1 to 3 bonds of the ring apart, and two of one double bond.
RELATIONS = (
    "", "cis-1,2", "trans-1,2", "cis-1,3", "trans-1,3", "cis-1,4", "trans-1,4", "Z", "E",
)  # fmt: skip
_RELATION_BOND = 5

_HYBRIDISATIONS = ("S", "SP", "SP2", "SP3", "SP3D", "SP3D2")
_BOND_TYPES = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")


@dataclass(frozen=True, eq=False)
class MolecularGraph:
    """The heavy atoms of a molecule and what connects them.

    ``atoms`` ``(V, 10)`` and ``bonds`` ``(E, 5)``: feature indices, columns in the order of
    :data:`ATOM_FEATURES` and :data:`BOND_FEATURES`; ``ends`` ``(2, E)``: the atoms from and to
    which each directed edge runs, every bond twice; ``classes`` ``(V,)``: atoms of one number are
    equivalent by the symmetry of the graph.
    """

    atoms: np.ndarray
    bonds: np.ndarray
    ends: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.atoms)

    @property
    def hydrogens(self) -> np.ndarray:
        """Hydrogens on each atom, ``(V,)``."""
        return self.atoms[:, list(ATOM_FEATURES).index("hydrogens")]

    @property
    def elements(self) -> np.ndarray:
        """Atomic numbers, ``(V,)``."""
        return self.atoms[:, 0]


def molecular_graph(molecule) -> MolecularGraph:
    """The graph of an RDKit molecule without explicit hydrogens; its atoms keep their numbers."""
    from rdkit import Chem

    Chem.AssignStereochemistry(molecule, cleanIt=False, force=False)
    rings = molecule.GetRingInfo()
    sizes: list[list[int]] = [[] for _ in range(molecule.GetNumAtoms())]
    for ring in rings.AtomRings():
        for atom in ring:
            sizes[atom].append(len(ring))
    atoms = [_atom_features(a, sizes[a.GetIdx()]) for a in molecule.GetAtoms()]
    ends, bonds = [], []
    for bond in molecule.GetBonds():
        first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        features = _bond_features(bond, rings)
        ends += [(first, second), (second, first)]
        bonds += [features, features]
    for first, second, relation in _relations(molecule):
        ends += [(first, second), (second, first)]
        bonds += [(_RELATION_BOND, 0, 0, 0, relation)] * 2
    ranks = Chem.CanonicalRankAtoms(molecule, breakTies=False, includeChirality=False)
    return MolecularGraph(
        np.array(atoms, np.int16).reshape(-1, len(ATOM_FEATURES)),
        np.array(bonds, np.int16).reshape(-1, len(BOND_FEATURES)),
        np.array(ends, np.int32).reshape(-1, 2).T.copy(),
        np.unique(np.array(ranks, np.int32), return_inverse=True)[1].astype(np.int32),
    )


def _atom_features(atom, ring_sizes: list[int]) -> tuple[int, ...]:
    hybridisation = str(atom.GetHybridization())
    code = atom.GetProp("_CIPCode") if atom.HasProp("_CIPCode") else ""
    return (
        min(atom.GetAtomicNum(), 119),
        ("", "R", "S").index(code) if code in ("R", "S") else 0,
        _HYBRIDISATIONS.index(hybridisation) + 1 if hybridisation in _HYBRIDISATIONS else 0,
        min(atom.GetDegree(), 6),
        min(atom.GetTotalNumHs(), 4),
        min(max(atom.GetFormalCharge(), -2), 2) + 2,
        int(atom.GetIsAromatic()),
        min(min(ring_sizes, default=0), 8),
        min(len(ring_sizes), 4),
        min(max(ring_sizes, default=0), 8),
    )


def _bond_features(bond, rings) -> tuple[int, ...]:
    kind, stereo = str(bond.GetBondType()), str(bond.GetStereo())
    size = rings.MinBondRingSize(bond.GetIdx())
    return (
        _BOND_TYPES.index(kind) if kind in _BOND_TYPES else 4,
        {"STEREOZ": 1, "STEREOCIS": 1, "STEREOE": 2, "STEREOTRANS": 2}.get(stereo, 0),
        int(bond.GetIsConjugated()),
        min(size, 8),
        0,
    )


def _relations(molecule) -> Iterator[tuple[int, int, int]]:
    """Pairs of substituents that stereochemistry puts on one or on opposite sides."""
    yield from _double_bond_relations(molecule)
    yield from _ring_relations(molecule)


def _double_bond_relations(molecule) -> Iterator[tuple[int, int, int]]:
    for bond in molecule.GetBonds():
        stereo = str(bond.GetStereo())
        named = list(bond.GetStereoAtoms())
        if stereo not in ("STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS") or len(named) != 2:
            continue
        same = stereo in ("STEREOZ", "STEREOCIS")
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        for one in begin.GetNeighbors():
            for other in end.GetNeighbors():
                if one.GetIdx() == end.GetIdx() or other.GetIdx() == begin.GetIdx():
                    continue
                swaps = (one.GetIdx() != named[0]) + (other.GetIdx() != named[1])
                together = same if swaps % 2 == 0 else not same
                yield one.GetIdx(), other.GetIdx(), 7 if together else 8


def _ring_relations(molecule) -> Iterator[tuple[int, int, int]]:
    from rdkit import Chem

    chiral = [
        atom.GetIdx()
        for atom in molecule.GetAtoms()
        if str(atom.GetChiralTag()) in ("CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW")
    ]
    if len(chiral) < 2:
        return
    # With its hydrogen as an atom every stereocentre has four neighbours in the tag's order.
    whole = Chem.AddHs(molecule, onlyOnAtoms=chiral)
    heavy = molecule.GetNumAtoms()
    centres = set(chiral)
    seen = set()
    for ring in molecule.GetRingInfo().AtomRings():
        size = len(ring)
        if size > 12:
            continue
        above = {
            place: _sides(whole.GetAtomWithIdx(atom), ring[place - 1], ring[(place + 1) % size])
            for place, atom in enumerate(ring)
            if atom in centres
        }
        for place, sides in above.items():
            for other, other_sides in above.items():
                apart = min((other - place) % size, (place - other) % size)
                if other <= place or not 1 <= apart <= 3:
                    continue
                for one, side in sides.items():
                    for two, other_side in other_sides.items():
                        pair = (min(one, two), max(one, two))
                        if one >= heavy or two >= heavy or one == two or pair in seen:
                            continue
                        seen.add(pair)
                        yield one, two, 2 * apart - 1 + int(side != other_side)


def _sides(centre, before: int, after: int) -> dict[int, bool]:
    """On which side of a ring, run through from ``before`` to ``after``, each substituent lies."""
    order = [b.GetOtherAtomIdx(centre.GetIdx()) for b in centre.GetBonds()]
    outside = [atom for atom in order if atom not in (before, after)]
    if len(order) != 4 or len(outside) != 2:
        return {}
    wanted = [before, after, *outside]
    places = [order.index(atom) for atom in wanted]
    swaps = sum(a > b for i, a in enumerate(places) for b in places[i + 1 :])
    clockwise = (str(centre.GetChiralTag()) == "CHI_TETRAHEDRAL_CW") ^ bool(swaps % 2)
    return {outside[0]: clockwise, outside[1]: not clockwise}
