"""Graphs of molecules: symmetry, hydrogens and stereochemistry as chemists know them."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from engine.chemistry.molecular_graph import (
    ATOM_FEATURES,
    BOND_FEATURES,
    RELATIONS,
    molecular_graph,
)


def _graph(smiles: str):
    return molecular_graph(Chem.MolFromSmiles(smiles))


def _relations(smiles: str) -> set[tuple[int, int, str]]:
    graph = _graph(smiles)
    return {
        (min(a, b), max(a, b), RELATIONS[bond[4]])
        for a, b, bond in zip(*graph.ends.tolist(), graph.bonds, strict=True)
        if bond[4]
    }


@pytest.mark.parametrize(
    ("smiles", "classes"),
    [("Cc1ccc(C)cc1", 3), ("CC(C)O", 3), ("c1ccccc1", 1), ("CC(C)c1ccccc1", 6), ("CCO", 3)],
)
def test_equivalent_atoms_are_of_one_class(smiles, classes):
    assert len(np.unique(_graph(smiles).classes)) == classes


def test_every_feature_is_within_its_values():
    for smiles in ("C[N+](C)(C)CC([O-])=O", "[Na+].[Cl-]", "F/C=C/F", "C1CC2CCC1C2", "[SiH4]"):
        graph = _graph(smiles)
        assert (graph.atoms < list(ATOM_FEATURES.values())).all()
        assert (graph.atoms >= 0).all()
        assert (graph.bonds < list(BOND_FEATURES.values())).all()


def test_hydrogens_and_elements_are_those_of_the_molecule():
    graph = _graph("CC(=O)NCc1ccccc1")
    assert graph.hydrogens.tolist() == [3, 0, 0, 1, 2, 0, 1, 1, 1, 1, 1]
    assert graph.elements.tolist() == [6, 6, 8, 7, 6, 6, 6, 6, 6, 6, 6]


def test_each_bond_runs_both_ways():
    graph = _graph("CCO")
    assert sorted(map(tuple, graph.ends.T.tolist())) == [(0, 1), (1, 0), (1, 2), (2, 1)]


@pytest.mark.parametrize(
    ("smiles", "apart"),
    [
        ("C[C@H]1CCCC[C@H]1O", "1,2"),
        ("C[C@@H]1CCCC[C@H]1O", "1,2"),
        ("C[C@H]1C[C@H](C)C1", "1,3"),
        ("C[C@H]1C[C@@H](C)C1", "1,3"),
        ("C[C@H]1CC[C@H](O)CC1", "1,4"),
        ("C[C@H]1CC[C@@H](O)CC1", "1,4"),
    ],
)
def test_cis_and_trans_agree_with_the_geometry(smiles, apart):
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(molecule, randomSeed=1) == 0
    place = molecule.GetConformer().GetPositions()
    ring = place[list(molecule.GetRingInfo().AtomRings()[0])]
    normal = np.linalg.svd(ring - ring.mean(0))[2][2]
    ((one, two, relation),) = _relations(smiles)
    # Which side a substituent is on compared with the hydrogen of the same carbon.
    sides = []
    for substituent in (one, two):
        carbon = molecule.GetAtomWithIdx(substituent).GetNeighbors()[0]
        hydrogen = next(n.GetIdx() for n in carbon.GetNeighbors() if n.GetAtomicNum() == 1)
        sides.append((place[substituent] - place[hydrogen]) @ normal > 0)
    assert relation == ("cis-" if sides[0] == sides[1] else "trans-") + apart


def test_enantiomers_have_the_same_relations_and_diastereomers_do_not():
    one, mirror = "C[C@H]1CCCC[C@H]1O", "C[C@@H]1CCCC[C@@H]1O"
    assert _relations(one) == _relations(mirror) != _relations("C[C@@H]1CCCC[C@H]1O")


def test_substituents_of_a_double_bond_are_z_or_e():
    assert _relations("C/C=C/C") == {(0, 3, "E")}
    assert _relations("C/C=C\\C") == {(0, 3, "Z")}
    # With three substituents each pair across the bond is told.
    assert _relations("C/C=C(/C)CC") == {(0, 3, "E"), (0, 4, "Z")}


def test_no_stereochemistry_no_relations():
    assert _relations("CC1CCCCC1O") == set()
    assert _relations("CC=CC") == set()


def test_a_single_atom_is_a_graph():
    graph = _graph("C")
    assert len(graph) == 1
    assert graph.ends.shape == (2, 0)
    assert graph.bonds.shape == (0, len(BOND_FEATURES))
