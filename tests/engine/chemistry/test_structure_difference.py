"""What is marked in a molecule is what the other one does not have."""

from __future__ import annotations

import pytest
from rdkit import Chem

from engine.chemistry.structure_difference import different_atoms


def _marked(smiles: str, reference: str, **options) -> str:
    """The marked atoms as SMILES fragments."""
    atoms = different_atoms(smiles, reference, **options)
    parameters = Chem.SmilesParserParams()
    parameters.removeHs = False
    molecule = Chem.MolFromSmiles(smiles, parameters)
    return Chem.MolFragmentToSmiles(molecule, atoms) if atoms else ""


@pytest.mark.parametrize(
    "smiles, reference, marked",
    [
        ("CC(=O)Oc1ccccc1C(=O)O", "Oc1ccccc1C(=O)O", "CC=O"),  # the acetyl of aspirin
        ("CCOC(C)=O", "COC(C)=O", "C"),
        ("Clc1ccccc1", "Brc1ccccc1", "Cl"),
        ("C1CCCCC1", "C1CCCCC1", ""),
        ("OC1CCCCC1", "C1CCCCC1O", ""),  # written in another order
    ],
)
def test_what_the_reference_lacks_is_marked(smiles, reference, marked):
    assert _marked(smiles, reference) == marked


def test_atoms_are_numbered_as_given_with_hydrogens_among_them():
    assert different_atoms("[H]OC([H])([H])Cl", "[H]OC([H])[H]") == (5,)


def test_molecules_with_hardly_anything_in_common_are_not_painted_all_over():
    assert different_atoms("CCCCCCCCCC", "c1ccncc1") == ()


def test_when_the_search_takes_too_long_surroundings_decide():
    # Two fused systems on which the exact search takes minutes.
    cholesterol = "CC(C)CCCC(C)C1CCC2C1(CCC3C2CC=C4C3(CCC(C4)O)C)C"
    ketone = "CC(C)CCCC(C)C1CCC2C1(CCC3C2CC=C4C3(CCC(C4)=O)C)C"
    atoms = different_atoms(ketone, cholesterol, timeout_s=1)
    molecule = Chem.MolFromSmiles(ketone)
    oxygen = next(a.GetIdx() for a in molecule.GetAtoms() if a.GetSymbol() == "O")
    assert oxygen in atoms and len(atoms) <= 4


def test_what_is_no_smiles_is_refused():
    with pytest.raises(ValueError, match="'nonsense' is not a valid SMILES"):
        different_atoms("nonsense", "CC")
