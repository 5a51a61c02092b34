"""The 37 functional groups, judged on molecules that a chemist would name, and their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.functional_groups import (
    FUNCTIONAL_GROUPS,
    GROUP_NAMES,
    group_atoms,
    groups_of,
)
from engine.chemistry.label_order import iupac_order

# For each group a molecule that has it, and one near to it that has not.
EXAMPLES = {
    "Acid anhydride": ("CC(=O)OC(C)=O", "CC(=O)OCC"),
    "Acyl halide": ("CC(=O)Cl", "CC(=O)CCl"),
    "Alcohol": ("CCO", "CCOCC"),
    "Aldehyde": ("O=Cc1ccccc1", "CC(C)=O"),
    "Alkane": ("CCCC", "c1ccccc1"),
    "Alkene": ("C=Cc1ccccc1", "c1ccccc1"),
    "Alkyne": ("CC#CC", "CC#N"),
    "Amide": ("CC(N)=O", "CCNC"),
    "Amine": ("CCN", "CC(N)=O"),
    "Arene": ("Cc1ccccc1", "c1ccsc1"),
    "Azo compound": ("c1ccccc1N=Nc1ccccc1", "c1ccccc1NNc1ccccc1"),
    "Carbamate": ("CCOC(N)=O", "CCOC(C)=O"),
    "Carboxylic acid": ("OC(=O)c1ccccc1", "COC(=O)c1ccccc1"),
    "Enamine": ("C=CN(C)C", "C=CCN(C)C"),
    "Enol": ("CC(O)=CC(C)=O", "CC(=O)CC(C)=O"),
    "Ester": ("CC(=O)OCC", "CC(=O)O"),
    "Ether": ("CCOCC", "CCO"),
    "Haloalkane": ("CCBr", "CC[Si](C)(C)Cl"),
    "Hydrazine": ("CNNC", "CN=NC"),
    "Hydrazone": ("CC(C)=NN", "CC(C)=NC"),
    "Imide": ("O=C1CCC(=O)N1", "O=C1CCCN1"),
    "Imine": ("CC(C)=NC", "CC(C)=NO"),
    "Isocyanate": ("O=C=Nc1ccccc1", "S=C=Nc1ccccc1"),
    "Isothiocyanate": ("S=C=Nc1ccccc1", "N#CSc1ccccc1"),
    "Ketone": ("CC(=O)c1ccccc1", "CC=O"),
    "Nitrile": ("CC#N", "[C-]#[N+]C"),
    "Phenol": ("Oc1ccccc1", "OCc1ccccc1"),
    "Phosphine": ("c1ccc(cc1)P(c1ccccc1)c1ccccc1", "O=P(c1ccccc1)(c1ccccc1)c1ccccc1"),
    "Sulfide": ("CSC", "CS"),
    "Sulfonamide": ("Cc1ccc(cc1)S(N)(=O)=O", "CS(C)(=O)=O"),
    "Sulfonate": ("COS(C)(=O)=O", "CS(=O)(=O)O"),
    "Sulfone": ("CS(C)(=O)=O", "CS(C)=O"),
    "Sulfonic acid": ("Cc1ccc(cc1)S(=O)(=O)O", "COS(C)(=O)=O"),
    "Sulfoxide": ("CS(C)=O", "CS(C)(=O)=O"),
    "Thial": ("CC=S", "CC(C)=S"),
    "Thioamide": ("CC(N)=S", "CC(N)=O"),
    "Thiol": ("CCS", "CSC"),
}


def names_in(smiles: str) -> set[str]:
    from rdkit import Chem

    found = groups_of(Chem.MolFromSmiles(smiles))
    return {name for name, here in zip(GROUP_NAMES, found, strict=True) if here}


def test_the_table_has_37_groups_numbered_from_one():
    assert [group.number for group in FUNCTIONAL_GROUPS] == list(range(1, 38))
    assert len(set(GROUP_NAMES)) == 37
    assert set(EXAMPLES) == set(GROUP_NAMES)


@pytest.mark.parametrize("name", GROUP_NAMES)
def test_a_group_is_found_where_it_is_and_not_beside_it(name):
    has, lacks = EXAMPLES[name]
    assert name in names_in(has)
    assert name not in names_in(lacks)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        # The table's own ways: an acid's OH is an "Alcohol", an ester's oxygen an "Ether".
        ("CC(=O)Oc1ccccc1C(=O)O",
         {"Alcohol", "Alkane", "Arene", "Carboxylic acid", "Ester", "Ether"}),
        ("CC(=O)OC(C)=O", {"Acid anhydride", "Alkane", "Ester", "Ether"}),
        ("O=C=Nc1ccccc1", {"Arene", "Isocyanate"}),
        ("CC(N)=S", {"Alkane", "Amine", "Thioamide"}),
        ("CC(=O)Nc1ccc(O)cc1", {"Alcohol", "Alkane", "Amide", "Arene", "Phenol"}),
        # A nitro group's nitrogen has three neighbours: the table counts it as an amine.
        ("C[N+](=O)[O-]", {"Alkane", "Amine"}),
        # Aromatic oxygen, sulfur and nitrogen: no ether, but a sulfide, and no amine.
        ("c1ccoc1", set()),
        ("c1ccsc1", {"Sulfide"}),
        ("c1ccncc1", set()),
        ("O=C1CCC(=O)N1", {"Alkane", "Amide", "Imide"}),
    ],
)  # fmt: skip
def test_all_groups_of_known_molecules(smiles, expected):
    assert names_in(smiles) == expected


def test_the_list_with_h_in_it_means_an_attached_hydrogen():
    # As SMARTS read "[#6,H]": the neighbour is a carbon, or has one hydrogen, as formic acid's OH.
    assert "Aldehyde" in names_in("OC=O")
    assert "Aldehyde" not in names_in("C=O")
    assert "Aldehyde" not in names_in("COC=O")


def test_the_vector_of_groups_is_boolean():
    from rdkit import Chem

    found = groups_of(Chem.MolFromSmiles("C"))
    assert (found.dtype, found.shape) == (bool, (37,))


@settings(max_examples=30, deadline=None)
@given(
    smiles=st.sampled_from([has for has, _ in EXAMPLES.values()]), seed=st.integers(0, 10**6)
)  # fmt: skip
def test_the_order_of_the_atoms_does_not_matter(smiles, seed):
    from rdkit import Chem

    molecule = Chem.MolFromSmiles(smiles)
    order = np.random.default_rng(seed).permutation(molecule.GetNumAtoms()).tolist()
    shuffled = Chem.RenumberAtoms(molecule, order)
    assert (groups_of(molecule) == groups_of(shuffled)).all()


def test_atoms_of_a_group_are_numbered_as_given():
    from rdkit import Chem

    aspirin = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    assert [set(match) for match in group_atoms(aspirin, "Carboxylic acid")] == [{10, 11, 12}]
    assert [set(match) for match in group_atoms(aspirin, "Arene")] == [set(range(4, 10))]
    assert group_atoms(aspirin, "Nitrile") == []
    with pytest.raises(KeyError, match="Nitro"):
        group_atoms(aspirin, "Nitro")


def test_the_iupac_order_names_every_group_once_acids_first():
    order = iupac_order()
    assert sorted(order) == list(range(37))
    named = [GROUP_NAMES[index] for index in order]
    assert named[0] == "Carboxylic acid"
    # P-41: acids, anhydrides, esters, acid halides, amides, nitriles, aldehydes, ketones,
    # hydroxy compounds, thiols, amines, imines; ethers, halogens and hydrocarbons after them.
    seniority = [
        "Carboxylic acid", "Sulfonic acid", "Acid anhydride", "Ester", "Acyl halide", "Amide",
        "Nitrile", "Aldehyde", "Ketone", "Alcohol", "Thiol", "Amine", "Imine", "Ether",
        "Haloalkane", "Alkane",
    ]  # fmt: skip
    assert [name for name in named if name in seniority] == seniority


def test_real_tables_hold_every_common_group(tables):
    from itertools import islice

    from rdkit import Chem, rdBase

    from engine.training.group_tables import table_rows

    with rdBase.BlockLogs():
        molecules = [
            Chem.MolFromSmiles(row["smiles"])
            for row in islice(table_rows(tables, "nmr", "valid"), 300)
        ]
        share = np.mean([groups_of(molecule) for molecule in molecules if molecule], axis=0)
    frequent = {name for name, value in zip(GROUP_NAMES, share, strict=True) if value > 0.1}
    assert {"Alkane", "Arene", "Alcohol", "Ether", "Amine", "Ester"} <= frequent
