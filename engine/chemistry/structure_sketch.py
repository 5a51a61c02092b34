"""A structure while it is drawn: atoms at places and bonds, edited by making another one.

A sketch may be impossible while it is drawn; what is wrong with it is said, atom by atom. Places
are in bond lengths, y upward.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.chemistry.structure_drawing import (
    BOND_LENGTH,
    EITHER,
    HASH,
    WEDGE,
    Drawing,
    DrawnAtom,
    DrawnBond,
    mean_bond_length,
    side_of,
)

MOST_ATOMS = 999
"""A V2000 molblock has no room for more."""

_STEREO_CODES = {WEDGE: 1, HASH: 6, EITHER: 4}
_BARE = 15  # the valence in a molblock that means none


@dataclass(frozen=True)
class SketchAtom:
    """An atom at a place; hydrogens are implied unless drawn, or the atom is ``bare``."""

    element: str
    x: float
    y: float
    charge: int = 0
    isotope: int = 0
    radicals: int = 0
    bare: bool = False


@dataclass(frozen=True)
class SketchBond:
    """A bond between two atoms by their indices; ``stereo`` as of a drawn bond, narrow at first."""

    first: int
    second: int
    order: int = 1
    stereo: str = ""

    def joins(self, one: int, other: int) -> bool:
        return {self.first, self.second} == {one, other}


@dataclass(frozen=True)
class Sketch:
    """Atoms in the order in which they were drawn, and bonds; every edit returns another one.

    Edits raise ``ValueError`` where they make no sense (an index that is not there, an element
    that there is not, an atom bonded to itself, too many atoms).
    """

    atoms: tuple[SketchAtom, ...] = ()
    bonds: tuple[SketchBond, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.atoms)

    # what is there

    def neighbours(self, atom: int) -> tuple[int, ...]:
        pairs = [(b.first, b.second) for b in self.bonds if atom in (b.first, b.second)]
        return tuple(second if first == atom else first for first, second in pairs)

    def bond_between(self, one: int, other: int) -> int | None:
        """The index of the bond between two atoms."""
        return next((k for k, bond in enumerate(self.bonds) if bond.joins(one, other)), None)

    def atom_near(self, x: float, y: float, reach: float = 0.35) -> int | None:
        """The index of the nearest atom within reach."""
        near = [(math.hypot(a.x - x, a.y - y), k) for k, a in enumerate(self.atoms)]
        nearest = min(near, default=None)
        return nearest[1] if nearest is not None and nearest[0] <= reach else None

    def bond_near(self, x: float, y: float, reach: float = 0.25) -> int | None:
        """The index of the nearest bond within reach of its line, ends left to the atoms."""
        near = [(self._from_bond(bond, x, y), k) for k, bond in enumerate(self.bonds)]
        nearest = min(near, default=None)
        return nearest[1] if nearest is not None and nearest[0] <= reach else None

    def _from_bond(self, bond: SketchBond, x: float, y: float) -> float:
        a, b = self.atoms[bond.first], self.atoms[bond.second]
        length = math.hypot(b.x - a.x, b.y - a.y) or 1e-9
        along = ((x - a.x) * (b.x - a.x) + (y - a.y) * (b.y - a.y)) / length**2
        if not 0.0 <= along <= 1.0:
            return math.inf
        return abs((b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x)) / length

    # edits

    def add_atom(self, element: str, x: float, y: float) -> Sketch:
        """Put an atom at a place; it is the last one then."""
        _check_element(element)
        if len(self.atoms) >= MOST_ATOMS:
            raise ValueError(f"a drawing holds at most {MOST_ATOMS} atoms")
        return replace(self, atoms=(*self.atoms, SketchAtom(element, float(x), float(y))))

    def set_element(self, atom: int, element: str) -> Sketch:
        """Make an atom one of another element; its isotope and unpaired electrons go away."""
        _check_element(element)
        return self._with_atom(atom, element=element, isotope=0, radicals=0, bare=False)

    def change_charge(self, atom: int, by: int) -> Sketch:
        """Add to the formal charge of an atom, which stays between -4 and 4."""
        charge = max(-4, min(4, self.atom(atom).charge + by))
        return self._with_atom(atom, charge=charge)

    def move(self, atoms: Iterable[int], dx: float, dy: float) -> Sketch:
        """Shift some atoms, in bond lengths."""
        moved = set(atoms)
        return replace(
            self,
            atoms=tuple(
                replace(a, x=a.x + dx, y=a.y + dy) if k in moved else a
                for k, a in enumerate(self.atoms)
            ),
        )

    def add_bond(self, first: int, second: int, order: int = 1, stereo: str = "") -> Sketch:
        """Bond two atoms; a bond that is there already gets this order."""
        self.atom(first), self.atom(second)
        if first == second:
            raise ValueError(f"atom {first} cannot be bonded to itself")
        if order not in (1, 2, 3):
            raise ValueError(f"a bond of order {order}; right is 1, 2 or 3")
        if stereo and stereo not in _STEREO_CODES:
            raise ValueError(f"a {stereo!r} bond; right is {', '.join(_STEREO_CODES)}")
        made = SketchBond(first, second, order, stereo if order == 1 else "")
        known = self.bond_between(first, second)
        if known is None:
            return replace(self, bonds=(*self.bonds, made))
        return self._with_bond(known, made)

    def cycle_bond(self, bond: int) -> Sketch:
        """Single, double, triple, and single again."""
        known = self.bond(bond)
        return self._with_bond(bond, replace(known, order=known.order % 3 + 1, stereo=""))

    def set_order(self, bond: int, order: int) -> Sketch:
        known = self.bond(bond)
        return self.add_bond(known.first, known.second, order)

    def set_stereo(self, bond: int, stereo: str) -> Sketch:
        """Make a bond a wedge or a hash; once more turns it round, and then makes it plain."""
        known = self.bond(bond)
        if known.stereo != stereo:
            return self._with_bond(bond, replace(known, order=1, stereo=stereo))
        # Narrow at the later atom: it has been turned already.
        if known.first > known.second:
            return self._with_bond(bond, SketchBond(known.second, known.first, 1))
        return self._with_bond(bond, SketchBond(known.second, known.first, 1, stereo))

    def remove(self, atoms: Iterable[int] = (), bonds: Iterable[int] = ()) -> Sketch:
        """Take atoms with their bonds, and bonds away; the others keep their order."""
        gone, cut = set(atoms), set(bonds)
        kept = [k for k in range(len(self.atoms)) if k not in gone]
        place = {old: new for new, old in enumerate(kept)}
        left = tuple(
            replace(b, first=place[b.first], second=place[b.second])
            for k, b in enumerate(self.bonds)
            if k not in cut and b.first in place and b.second in place
        )
        return Sketch(tuple(self.atoms[k] for k in kept), left)

    def extend(self, other: Sketch) -> Sketch:
        """Put another sketch to the right of this one."""
        if not self.atoms or not other.atoms:
            return other if other.atoms else self
        if len(self.atoms) + len(other.atoms) > MOST_ATOMS:
            raise ValueError(f"a drawing holds at most {MOST_ATOMS} atoms")
        gap = max(a.x for a in self.atoms) + 1.5 - min(a.x for a in other.atoms)
        base = len(self.atoms)
        moved = other.move(range(len(other.atoms)), gap, 0.0)
        bonds = tuple(replace(b, first=b.first + base, second=b.second + base) for b in moved.bonds)
        return Sketch((*self.atoms, *moved.atoms), (*self.bonds, *bonds))

    def atom(self, index: int) -> SketchAtom:
        if not 0 <= index < len(self.atoms):
            raise ValueError(f"atom {index}; the drawing has {len(self.atoms)}")
        return self.atoms[index]

    def bond(self, index: int) -> SketchBond:
        if not 0 <= index < len(self.bonds):
            raise ValueError(f"bond {index}; the drawing has {len(self.bonds)}")
        return self.bonds[index]

    def _with_atom(self, index: int, **changes) -> Sketch:
        changed = replace(self.atom(index), **changes)
        return replace(self, atoms=(*self.atoms[:index], changed, *self.atoms[index + 1 :]))

    def _with_bond(self, index: int, changed: SketchBond) -> Sketch:
        return replace(self, bonds=(*self.bonds[:index], changed, *self.bonds[index + 1 :]))

    # chemistry

    def molblock(self) -> str:
        """The sketch as a V2000 molblock, its atoms in their order, its wedges as drawn."""
        lines = ["", "  SpecGUI           2D", "", f"{len(self.atoms):3d}{len(self.bonds):3d}"
                 "  0  0  0  0  0  0  0  0999 V2000"]  # fmt: skip
        bonds: dict[int, int] = {}
        for bond in self.bonds:
            for end in (bond.first, bond.second):
                bonds[end] = bonds.get(end, 0) + bond.order
        for number, atom in enumerate(self.atoms):
            x, y = atom.x * BOND_LENGTH, atom.y * BOND_LENGTH
            valence = (bonds.get(number, 0) or _BARE) if atom.bare else 0
            lines.append(
                f"{x:10.4f}{y:10.4f}{0:10.4f} {atom.element:<3} 0  0  0  0  0{valence:3d}"
                + "  0" * 6
            )
        for bond in self.bonds:
            code = _STEREO_CODES.get(bond.stereo, 0)
            lines.append(f"{bond.first + 1:3d}{bond.second + 1:3d}{bond.order:3d}{code:3d}")
        radical = {1: 2, 2: 3}  # doublet, triplet
        for tag, values in (
            ("CHG", {k: a.charge for k, a in enumerate(self.atoms) if a.charge}),
            ("ISO", {k: a.isotope for k, a in enumerate(self.atoms) if a.isotope}),
            ("RAD", {k: radical[a.radicals] for k, a in enumerate(self.atoms) if a.radicals in
                     radical}),
        ):  # fmt: skip
            lines += [f"M  {tag}  1 {k + 1:3d} {value:3d}" for k, value in values.items()]
        return "\n".join([*lines, "M  END", ""])

    def _raw(self):
        """The RDKit molecule, not sanitized, with its hydrogens counted as far as can be."""
        from rdkit import Chem, rdBase

        with rdBase.BlockLogs():
            molecule = Chem.MolFromMolBlock(self.molblock(), removeHs=False, sanitize=False)
            molecule.UpdatePropertyCache(strict=False)
            Chem.FastFindRings(molecule)
        return molecule

    def problems(self) -> dict[int, str]:
        """What is wrong, by atom: valences that there are not."""
        from rdkit import Chem, rdBase

        if not self.atoms:
            return {}
        found = {}
        with rdBase.BlockLogs():
            for problem in Chem.DetectChemistryProblems(self._raw()):
                if hasattr(problem, "GetAtomIdx"):
                    index = problem.GetAtomIdx()
                    atom = self.atoms[index]
                    bonds = sum(b.order for b in self.bonds if index in (b.first, b.second))
                    charge = f"{atom.charge:+d} " if atom.charge else ""
                    found[index] = f"{atom.element} {charge}with {bonds} bonds"
        return found

    def formula(self) -> str:
        """In Hill order; "" for an empty sketch."""
        from rdkit.Chem.rdMolDescriptors import CalcMolFormula

        return CalcMolFormula(self._raw()) if self.atoms else ""

    def masses(self) -> tuple[float, float]:
        """The monoisotopic and the molar mass in g/mol; zeros for an empty sketch."""
        from rdkit.Chem.Descriptors import ExactMolWt, MolWt

        if not self.atoms:
            return 0.0, 0.0
        molecule = self._raw()
        return ExactMolWt(molecule), MolWt(molecule)

    def smiles(self) -> str:
        """The canonical SMILES; raises ``ValueError`` when it is no possible molecule."""
        from engine.chemistry.structure import parse_structure

        return parse_structure(self.molblock()).smiles

    def drawing(self) -> Drawing:
        """What is to be painted, with the implied hydrogens and what is wrong."""
        if not self.atoms:
            return Drawing()
        molecule, wrong = self._raw(), self.problems()
        places = [(a.x, a.y) for a in self.atoms]
        atoms = tuple(
            DrawnAtom(
                k, a.element, a.x, a.y,
                0 if k in wrong else molecule.GetAtomWithIdx(k).GetTotalNumHs(),
                a.charge, a.isotope, a.radicals, wrong.get(k, ""),
            )
            for k, a in enumerate(self.atoms)
        )  # fmt: skip
        bonds = tuple(
            DrawnBond(
                b.first, b.second, b.order, b.stereo,
                side_of(molecule, molecule.GetBondWithIdx(k), places) if b.order == 2 else 0,
            )
            for k, b in enumerate(self.bonds)
        )  # fmt: skip
        return Drawing(atoms, bonds)

    def cleaned(self) -> Sketch:
        """The same with RDKit's 2D coordinates, and wedges where they are best seen then.

        Raises ``ValueError`` for what is no possible molecule.
        """
        from rdkit.Chem import rdDepictor

        if not self.atoms:
            return self
        molecule = _molecule(self.molblock())
        rdDepictor.Compute2DCoords(molecule)
        return _sketch_of(molecule)


def sketch_from(text: str) -> Sketch:
    """The sketch of a SMILES, an InChI or a molblock, its atoms in their order.

    2D coordinates are kept. Raises ``ValueError`` with a sentence on what is wrong with the text,
    and for more than 999 atoms.
    """
    from rdkit.Chem import rdDepictor

    from engine.chemistry.structure import parse_structure

    molecule = _molecule(parse_structure(text).molblock)
    if molecule.GetNumAtoms() > MOST_ATOMS:
        raise ValueError(
            f"a drawing holds at most {MOST_ATOMS} atoms, not {molecule.GetNumAtoms()}"
        )
    places = molecule.GetConformer().GetPositions()
    if molecule.GetConformer().Is3D() or (len(places) > 1 and abs(places - places[0]).max() < 0.1):
        rdDepictor.Compute2DCoords(molecule)
    return _sketch_of(molecule)


def _check_element(symbol: str) -> None:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        try:
            Chem.GetPeriodicTable().GetAtomicNumber(symbol)
        except RuntimeError:
            raise ValueError(f"there is no element {symbol!r}") from None


def _molecule(molblock: str):
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(molblock, removeHs=False)
    if molecule is None:
        raise ValueError("what is drawn is no possible molecule")
    return molecule


def _sketch_of(molecule) -> Sketch:
    """The sketch of a molecule with 2D coordinates."""
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    drawn = rdMolDraw2D.PrepareMolForDrawing(
        molecule, kekulize=True, addChiralHs=False, wedgeBonds=True, forceCoords=False
    )
    places = drawn.GetConformer().GetPositions() / mean_bond_length(drawn)
    atoms = tuple(
        SketchAtom(
            atom.GetSymbol(), float(places[k][0]), float(places[k][1]), atom.GetFormalCharge(),
            atom.GetIsotope(), atom.GetNumRadicalElectrons(),
            atom.GetNoImplicit() and not atom.GetTotalNumHs(),
        )
        for k, atom in enumerate(drawn.GetAtoms())
    )  # fmt: skip
    direction = Chem.BondDir
    stereo = {direction.BEGINWEDGE: WEDGE, direction.BEGINDASH: HASH, direction.UNKNOWN: EITHER}
    bonds = tuple(
        SketchBond(
            bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(),
            {2.0: 2, 3.0: 3}.get(bond.GetBondTypeAsDouble(), 1), stereo.get(bond.GetBondDir(), ""),
        )
        for bond in drawn.GetBonds()
    )  # fmt: skip
    return Sketch(atoms, bonds)
