"""Splits by scaffold and by size: no part knows the other's scaffolds, or its large molecules."""

from __future__ import annotations

import pytest
from rdkit import Chem

from engine.training.molecule_splits import largest_split, scaffold_of, scaffold_split

RINGS = (
    "c1ccccc1", "C1CCCCC1", "c1ccncc1", "c1ccc2ccccc2c1", "C1CCOC1", "c1ccsc1", "C1CCNCC1",
    "c1ccc2[nH]ccc2c1", "C1CC1", "C1CCCCC1=O", "c1cc[nH]c1", "C1CCCC1", "c1ccoc1", "C1COCCN1",
)  # fmt: skip
CHAINS = ("", "C", "CC", "CCC", "CO", "CCO", "CN", "ClC")


@pytest.fixture(scope="module")
def molecules():
    made = [chain + ring for ring in RINGS for chain in CHAINS] + ["CCO", "CCCO", "CCN"]
    return {f"key{number:03d}": smiles for number, smiles in enumerate(made)}


def parts_of(split):
    return {part: {k for k, p in split.items() if p == part} for part in ("train", "valid", "test")}


def test_no_scaffold_is_in_two_parts(molecules):
    split = scaffold_split(molecules, test=0.2, valid=0.2)
    assert set(split) == set(molecules)
    parts = parts_of(split)
    scaffolds = {p: {scaffold_of(molecules[key]) for key in keys} for p, keys in parts.items()}
    assert all(parts.values())
    assert not scaffolds["train"] & scaffolds["test"]
    assert not scaffolds["valid"] & scaffolds["test"]
    assert not scaffolds["train"] & scaffolds["valid"]
    assert len(parts["test"]) <= 0.2 * len(molecules) + 1


def test_like_scaffolds_stay_together(molecules):
    """With so wide a cut that all scaffolds with a ring are one cluster, nothing can be split."""
    one = scaffold_split(molecules, test=0.2, valid=0.2, cut=5.0)
    assert set(one.values()) == {"train"}


def test_the_test_part_is_farther_away_than_a_random_one(molecules):
    from engine.training.molecule_splits import _tanimoto_distances

    split = scaffold_split(molecules, test=0.2, valid=0.0)
    names = sorted({scaffold_of(smiles) for smiles in molecules.values()})
    tested = {scaffold_of(molecules[key]) for key in parts_of(split)["test"]}
    distances = _tanimoto_distances(names)
    means = {name: distances[row].mean() for row, name in enumerate(names)}
    away = [means[name] for name in tested]
    stays = [means[name] for name in names if name not in tested]
    assert sum(away) / len(away) > sum(stays) / len(stays)


def test_scaffolds_are_rings_and_what_links_them():
    assert scaffold_of("Cc1ccccc1CCc1ccncc1O") == Chem.CanonSmiles("c1ccccc1CCc1ccncc1")
    assert scaffold_of("C[C@H](N)C(=O)O") == ""


def test_the_largest_molecules_are_the_test_part(molecules):
    split = largest_split(molecules, test=0.1, valid=0.1)
    parts = parts_of(split)
    heavy = {key: Chem.MolFromSmiles(s).GetNumHeavyAtoms() for key, s in molecules.items()}
    assert len(parts["test"]) == round(0.1 * len(molecules))
    assert len(parts["valid"]) == round(0.1 * len(molecules))
    assert min(heavy[k] for k in parts["test"]) >= max(
        heavy[k] for k in parts["train"] | parts["valid"]
    )


@pytest.mark.parametrize("divide", [scaffold_split, largest_split])
def test_the_same_molecules_are_split_the_same_way(divide, molecules):
    backwards = dict(reversed(molecules.items()))
    assert divide(molecules) == divide(backwards)
