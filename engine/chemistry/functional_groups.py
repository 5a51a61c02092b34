"""The 37 functional groups, as SMARTS, of SymSpectra's Table 8 (appendix H).

The table's text reached us through optical recognition. Repaired against it: blanks inside the
patterns; group 10 (arene), whose ring had lost an atom (``[cX3]1[cX3] [cX3] [cX3] [cX3]1``, and a
hydrocarbon ring of five aromatic carbons is no arene), is the six-membered ring of aromatic
carbons; group 35 (thial), whose ``=-S`` is ``=S``; the name of group 24 ("Iothiocyanate").
``!$ (NC=O)`` of group 9 is ``!$(NC=O)``. The ``[#6,H]`` of groups 4 and 35 is kept: in SMARTS,
``H`` inside a list is "one attached hydrogen", so formic acid is an aldehyde by its OH, and
formaldehyde, whose carbon has two hydrogens, is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class FunctionalGroup:
    """One group: its number in Table 8, name and SMARTS."""

    number: int
    name: str
    smarts: str


_TABLE_8 = (
    ("Acid anhydride", "[CX3](=[OX1])[OX2][CX3](=[OX1])"),
    ("Acyl halide", "[CX3](=[OX1])[F,Cl,Br,I]"),
    ("Alcohol", "[#6][OX2H]"),
    ("Aldehyde", "[CX3H1](=O)[#6,H]"),
    ("Alkane", "[CX4;H3,H2]"),
    ("Alkene", "[CX3]=[CX3]"),
    ("Alkyne", "[CX2]#[CX2]"),
    ("Amide", "[NX3][CX3](=[OX1])[#6]"),
    ("Amine", "[NX3;H2,H1,H0;!$(NC=O)]"),
    ("Arene", "[cX3]1[cX3][cX3][cX3][cX3][cX3]1"),
    ("Azo compound", "[#6][NX2]=[NX2][#6]"),
    ("Carbamate", "[NX3][CX3](=[OX1])[OX2H0]"),
    ("Carboxylic acid", "[CX3](=O)[OX2H]"),
    ("Enamine", "[NX3][CX3]=[CX3]"),
    ("Enol", "[OX2H][#6X3]=[#6]"),
    ("Ester", "[#6][CX3](=O)[OX2H0][#6]"),
    ("Ether", "[OD2]([#6])[#6]"),
    ("Haloalkane", "[#6][F,Cl,Br,I]"),
    ("Hydrazine", "[NX3][NX3]"),
    ("Hydrazone", "[NX3][NX2]=[#6]"),
    ("Imide", "[CX3](=[OX1])[NX3][CX3](=[OX1])"),
    ("Imine", "[$([CX3]([#6])[#6]),$([CX3H][#6])]=[$([NX2][#6]),$([NX2H])]"),
    ("Isocyanate", "[NX2]=[C]=[O]"),
    ("Isothiocyanate", "[NX2]=[C]=[S]"),
    ("Ketone", "[#6][CX3](=O)[#6]"),
    ("Nitrile", "[NX1]#[CX2]"),
    ("Phenol", "[OX2H][cX3]:[c]"),
    ("Phosphine", "[PX3]"),
    ("Sulfide", "[#16X2H0]"),
    ("Sulfonamide", "[#16X4]([NX3])(=[OX1])(=[OX1])[#6]"),
    ("Sulfonate", "[#16X4](=[OX1])(=[OX1])([#6])[OX2H0]"),
    ("Sulfone", "[#16X4](=[OX1])(=[OX1])([#6])[#6]"),
    ("Sulfonic acid", "[#16X4](=[OX1])(=[OX1])([#6])[OX2H]"),
    ("Sulfoxide", "[#16X3]=[OX1]"),
    ("Thial", "[CX3H1](=S)[#6,H]"),
    ("Thioamide", "[NX3][CX3]=[SX1]"),
    ("Thiol", "[#16X2H]"),
)

FUNCTIONAL_GROUPS = tuple(
    FunctionalGroup(number, name, smarts) for number, (name, smarts) in enumerate(_TABLE_8, 1)
)
GROUP_NAMES = tuple(group.name for group in FUNCTIONAL_GROUPS)


@cache
def _patterns() -> tuple:
    from rdkit import Chem

    return tuple(Chem.MolFromSmarts(group.smarts) for group in FUNCTIONAL_GROUPS)


def groups_of(molecule) -> np.ndarray:
    """Which groups an RDKit molecule holds: bool of shape ``(37,)`` in the order of Table 8."""
    return np.array([molecule.HasSubstructMatch(pattern) for pattern in _patterns()])


def group_atoms(molecule, name: str) -> list[tuple[int, ...]]:
    """The atoms of each occurrence of a group; raises ``KeyError`` for an unknown name."""
    if name not in GROUP_NAMES:
        raise KeyError(f"{name!r} is none of the {len(GROUP_NAMES)} functional groups")
    return list(molecule.GetSubstructMatches(_patterns()[GROUP_NAMES.index(name)]))
