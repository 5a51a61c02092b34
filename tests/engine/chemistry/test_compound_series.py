"""Series named by rule: structures, formulae and names that textbooks print."""

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from engine.chemistry.compound_series import compound_series

SERIES = {compound.name: compound for compound in compound_series()}


def test_every_formula_is_that_of_its_structure():
    wrong = [
        compound.name
        for compound in SERIES.values()
        if CalcMolFormula(Chem.MolFromSmiles(compound.smiles)) != compound.formula
    ]
    assert wrong == []
    assert len(SERIES) > 900


def test_no_compound_stands_in_it_twice():
    compounds = list(compound_series())
    keys = {Chem.MolToInchiKey(Chem.MolFromSmiles(compound.smiles)) for compound in compounds}
    assert len(keys) == len(SERIES) == len(compounds)


@pytest.mark.parametrize(
    ("name", "smiles"),
    [
        ("octan-2-one", "CCCCCCC(C)=O"),
        ("(2Z)-hex-2-ene", r"CCC/C=C\C"),
        ("hepta-1,6-diene", "C=CCCCC=C"),
        ("3-methylheptane", "CCCCC(C)CC"),
        ("2-methylbutan-2-ol", "CCC(C)(C)O"),
        ("cyclooctanone", "O=C1CCCCCCC1"),
        ("heptanedinitrile", "N#CCCCCCC#N"),
        ("N-methylpentan-1-amine", "CCCCCNC"),
        ("2-methylpropyl hexanoate", "CCCCCC(=O)OCC(C)C"),
        ("ethyl formate", "CCOC=O"),
        ("5-phenylpentanoic acid", "OC(=O)CCCCc1ccccc1"),
        ("3-bromophenol", "Oc1cccc(Br)c1"),
        ("methyl 2-hydroxybenzoate", "COC(=O)c1ccccc1O"),
        ("1-(4-methylphenyl)ethan-1-one", "CC(=O)c1ccc(C)cc1"),
        ("1-[3-(trifluoromethyl)phenyl]ethan-1-one", "CC(=O)c1cccc(C(F)(F)F)c1"),
        ("1-bromo-2-chlorobenzene", "Clc1ccccc1Br"),
        ("1,3-dimethylbenzene", "Cc1cccc(C)c1"),
        ("pyridine-3-carboxamide", "NC(=O)c1cccnc1"),
        ("2-methylnaphthalene", "Cc1ccc2ccccc2c1"),
    ],
)
def test_a_name_means_its_structure(name, smiles):
    assert Chem.CanonSmiles(SERIES[name].smiles) == Chem.CanonSmiles(smiles)
