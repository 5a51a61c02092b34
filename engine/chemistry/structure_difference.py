"""In which atoms a molecule differs from another: what is outside their largest common part."""

from __future__ import annotations

from collections import Counter

_LEAST_COMMON = 0.34
"""A common part of a smaller share of the atoms says nothing about a difference."""

Environment = tuple


def different_atoms(smiles: str, reference: str, timeout_s: int = 1) -> tuple[int, ...]:
    """The heavy atoms of a molecule that a reference does not have, numbered as in ``smiles``.

    They are those outside the maximum common substructure (RDKit's ``rdFMCS``: equal elements and
    bond orders, rings only on whole rings). Where that is not found within ``timeout_s`` seconds,
    those whose surroundings (element, charge, hydrogens, bonds and neighbours) the reference does
    not have as often. Equal molecules give none; so do molecules with hardly anything in common,
    where all would be marked and nothing be seen. Raises ``ValueError`` for what is no SMILES.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdFMCS

    with rdBase.BlockLogs():
        (molecule, numbers), (other, _) = _molecule(smiles), _molecule(reference)
        if Chem.MolToSmiles(molecule) == Chem.MolToSmiles(other):
            return ()
        common = rdFMCS.FindMCS(
            [molecule, other], timeout=timeout_s, ringMatchesRingOnly=True, completeRingsOnly=True
        )
        if common.canceled or not common.smartsString:
            shared = _shared_by_surroundings(molecule, other)
        else:
            query = Chem.MolFromSmarts(common.smartsString)
            shared = set(_nearest_match(molecule, other, query))
    if len(shared) < _LEAST_COMMON * molecule.GetNumAtoms():
        return ()
    return tuple(number for atom, number in enumerate(numbers) if atom not in shared)


def _molecule(smiles: str):
    """The molecule without hydrogens as atoms, and the number of each of its atoms as given."""
    from rdkit import Chem

    parameters = Chem.SmilesParserParams()
    parameters.removeHs = False
    given = Chem.MolFromSmiles(smiles, parameters)
    if given is None or given.GetNumAtoms() == 0:
        raise ValueError(f"{smiles[:60]!r} is not a valid SMILES")
    for atom in given.GetAtoms():
        atom.SetIntProp("given", atom.GetIdx())
    bare = Chem.RemoveHs(given)
    return bare, [atom.GetIntProp("given") for atom in bare.GetAtoms()]


def _nearest_match(molecule, other, query) -> tuple[int, ...]:
    """Of the places of the common part, one whose atoms carry as many hydrogens as the other's.

    The substituents of the molecule are then marked, not atoms that happen to be like them.
    """
    target = other.GetSubstructMatch(query)
    hydrogens = [other.GetAtomWithIdx(a).GetTotalNumHs() for a in target]

    def agreement(match: tuple[int, ...]) -> int:
        return sum(
            molecule.GetAtomWithIdx(a).GetTotalNumHs() == h
            for a, h in zip(match, hydrogens, strict=True)
        )

    matches = molecule.GetSubstructMatches(query, uniquify=False, maxMatches=200)
    return max(matches, key=agreement, default=())


def _shared_by_surroundings(molecule, other) -> set[int]:
    """The atoms whose surroundings the other molecule has too, each of its atoms used once."""
    left = Counter(_surroundings(atom) for atom in other.GetAtoms())
    shared = set()
    for atom in molecule.GetAtoms():
        surroundings = _surroundings(atom)
        if left[surroundings] > 0:
            left[surroundings] -= 1
            shared.add(atom.GetIdx())
    return shared


def _surroundings(atom) -> Environment:
    around = sorted(
        (int(bond.GetBondType()), bond.GetOtherAtom(atom).GetAtomicNum())
        for bond in atom.GetBonds()
    )
    own = (atom.GetAtomicNum(), atom.GetFormalCharge(), atom.GetTotalNumHs(), atom.IsInRing())
    return (*own, tuple(around))
