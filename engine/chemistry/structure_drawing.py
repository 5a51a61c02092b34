"""What a 2D drawing of a structure consists of: atoms at places, bonds, and the classes of atoms.

Nothing is painted here: the window paints it live, so that atoms can be pointed at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure

WEDGE, HASH, EITHER = "wedge", "hash", "either"
BOND_LENGTH = 1.5
"""The length of a drawn bond in the unit of a molblock (RDKit's standard)."""


@dataclass(frozen=True)
class DrawnAtom:
    """An atom of a drawing.

    ``number`` counts from 0 as the structure was given; ``x`` and ``y`` in bond lengths, y upward;
    ``hydrogens`` are those that are not atoms of the drawing; ``radicals`` unpaired electrons;
    ``problem`` says what is wrong with its valence, "" for nothing.
    """

    number: int
    element: str
    x: float
    y: float
    hydrogens: int = 0
    charge: int = 0
    isotope: int = 0
    radicals: int = 0
    problem: str = ""


@dataclass(frozen=True)
class DrawnBond:
    """A bond between two atom numbers; ``order`` 1 to 3.

    ``stereo`` is "", ``wedge``, ``hash`` or ``either``, narrow at ``first``. ``side`` tells where
    the second line of a double bond is: 1 to the left on the way from first to second, -1 to the
    right, 0 on both sides of the middle.
    """

    first: int
    second: int
    order: int = 1
    stereo: str = ""
    side: int = 0


@dataclass(frozen=True)
class Drawing:
    """A structure as it is drawn; ``classes`` gives the equivalent atoms of each, itself too."""

    atoms: tuple[DrawnAtom, ...] = ()
    bonds: tuple[DrawnBond, ...] = ()
    classes: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def atom(self, number: int) -> DrawnAtom | None:
        return next((atom for atom in self.atoms if atom.number == number), None)

    def neighbours(self, number: int) -> tuple[int, ...]:
        """The atoms bonded to one, in the order of the bonds."""
        pairs = [(b.first, b.second) for b in self.bonds if number in (b.first, b.second)]
        return tuple(second if first == number else first for first, second in pairs)

    def equivalents(self, number: int) -> tuple[int, ...]:
        """The atoms that the symmetry of the structure makes equal to one, itself among them."""
        return self.classes.get(number, (number,))


def drawing_of(structure: Structure) -> Drawing:
    """The drawing of a structure; the coordinates it was given with are kept when they are 2D.

    Hydrogens given as atoms are not drawn, but counted on their atoms (deuterium is drawn).
    Raises ``ValueError`` when RDKit cannot read the molblock.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDepictor
    from rdkit.Chem.Draw import rdMolDraw2D

    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(structure.molblock, removeHs=False)
        if molecule is None:
            raise ValueError("the structure cannot be drawn: its molblock cannot be read")
        for atom in molecule.GetAtoms():
            atom.SetIntProp("given number", atom.GetIdx())
        bare = Chem.RemoveHs(molecule)
        if bare.GetConformer().Is3D() or _overlap(bare):
            rdDepictor.Compute2DCoords(bare)
        ranks = list(Chem.CanonicalRankAtoms(bare, breakTies=False, includeChirality=False))
        drawn = rdMolDraw2D.PrepareMolForDrawing(
            bare, kekulize=True, addChiralHs=False, wedgeBonds=True, forceCoords=False
        )
    numbers = [atom.GetIntProp("given number") for atom in bare.GetAtoms()]
    places = drawn.GetConformer().GetPositions()[:, :2] / mean_bond_length(drawn)
    atoms = tuple(
        drawn_atom(atom, numbers[atom.GetIdx()], *map(float, places[atom.GetIdx()]))
        for atom in drawn.GetAtoms()
    )
    bonds = tuple(_drawn_bond(drawn, bond, numbers, places) for bond in drawn.GetBonds())
    alike: dict[int, list[int]] = {}
    for number, rank in zip(numbers, ranks, strict=True):
        alike.setdefault(rank, []).append(number)
    classes = {number: tuple(members) for members in alike.values() for number in members}
    return Drawing(atoms, bonds, classes)


def drawn_atom(atom, number: int, x: float, y: float, problem: str = "") -> DrawnAtom:
    """An RDKit atom as it is drawn."""
    return DrawnAtom(
        number, atom.GetSymbol(), x, y, atom.GetTotalNumHs(), atom.GetFormalCharge(),
        atom.GetIsotope(), atom.GetNumRadicalElectrons(), problem,
    )  # fmt: skip


def mean_bond_length(molecule) -> float:
    """The mean length of the bonds in a molecule's first conformer, 1.5 without bonds."""
    places = molecule.GetConformer().GetPositions()
    lengths = [
        math.dist(places[b.GetBeginAtomIdx()], places[b.GetEndAtomIdx()])
        for b in molecule.GetBonds()
    ]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    return mean if mean > 1e-3 else BOND_LENGTH


def _drawn_bond(molecule, bond, numbers: list[int], places) -> DrawnBond:
    from rdkit import Chem

    order = {2.0: 2, 3.0: 3}.get(bond.GetBondTypeAsDouble(), 1)
    direction = Chem.BondDir
    stereo = {
        direction.BEGINWEDGE: WEDGE, direction.BEGINDASH: HASH, direction.UNKNOWN: EITHER,
    }.get(bond.GetBondDir(), "")  # fmt: skip
    first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    side = side_of(molecule, bond, places) if order == 2 else 0
    return DrawnBond(numbers[first], numbers[second], order, stereo, side)


def side_of(molecule, bond, places) -> int:
    """On which side the second line of a double bond is: in its ring, else where more atoms are.

    ``places`` ``(atoms, 2)``. 0 (both sides of the middle) for an end such as C=O, and where both
    sides have as many.
    """
    first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    if bond.GetBeginAtom().GetDegree() == 1 or bond.GetEndAtom().GetDegree() == 1:
        return 0

    def left(atom: int) -> float:
        (ax, ay), (bx, by), (x, y) = places[first], places[second], places[atom]
        return (bx - ax) * (y - ay) - (by - ay) * (x - ax)

    rings = [set(r) for r in molecule.GetRingInfo().AtomRings() if {first, second} <= set(r)]
    if rings:
        # Of several rings the one with most double bonds, then the smallest.
        ring = min(rings, key=lambda r: (-_double_bonds(molecule, r), len(r)))
        balance = sum(left(atom) for atom in ring)
    else:
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        around = {n.GetIdx() for end in ends for n in end.GetNeighbors()} - {first, second}
        balance = sum(math.copysign(1, left(atom)) for atom in around)
    return 0 if abs(balance) < 1e-6 else (1 if balance > 0 else -1)


def _double_bonds(molecule, ring: set[int]) -> int:
    return sum(
        b.GetBondTypeAsDouble() == 2.0
        for b in molecule.GetBonds()
        if {b.GetBeginAtomIdx(), b.GetEndAtomIdx()} <= ring
    )


def _overlap(molecule) -> bool:
    # A molblock with every atom at the origin is common; it would be drawn as one spot.
    places = molecule.GetConformer().GetPositions()
    return len(places) > 1 and float(abs(places - places[0]).max()) < 0.1
