"""Environments of atoms: equal where a chemist sees equal carbons, and the shifts they predict."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.shift_environments import (
    RADIUS,
    EnvironmentShifts,
    atom_environments,
    predicted_peaks,
)

SMILES = (
    "Cc1ccccc1", "c1ccccc1", "CC(C)(C)O", "CC(=O)Oc1ccccc1C(=O)O", "C1CCCCC1", "CCOC(=O)CC",
    "OC(=O)CCC(=O)O", "Clc1ccc(Cl)cc1", "C1CC1C2CCC2",
)  # fmt: skip


def molecule_of(smiles):
    from rdkit import Chem

    return Chem.MolFromSmiles(smiles)


@pytest.mark.parametrize("smiles", SMILES)
def test_equal_surroundings_are_the_symmetry_classes_of_small_molecules(smiles):
    from rdkit import Chem

    molecule = molecule_of(smiles)
    ranks = list(Chem.CanonicalRankAtoms(molecule, breakTies=False))
    own = [levels[-1] for levels in atom_environments(molecule)]
    pairs = set(zip(ranks, own, strict=True))
    assert len(pairs) == len(set(ranks)) == len(set(own))


@settings(max_examples=25, deadline=None)
@given(smiles=st.sampled_from(SMILES), seed=st.integers(0, 10**6))
def test_environments_move_with_their_atoms(smiles, seed):
    from rdkit import Chem

    molecule = molecule_of(smiles)
    order = np.random.default_rng(seed).permutation(molecule.GetNumAtoms()).tolist()
    shuffled = atom_environments(Chem.RenumberAtoms(molecule, order))
    original = atom_environments(molecule)
    assert shuffled == [original[place] for place in order]


def test_a_larger_radius_never_joins_what_a_smaller_one_tells_apart():
    levels = atom_environments(molecule_of("CC(=O)Oc1ccccc1C(=O)O"))
    assert all(len(of_atom) == RADIUS + 1 for of_atom in levels)
    counts = [len({of_atom[radius] for of_atom in levels}) for radius in range(RADIUS + 1)]
    assert counts == sorted(counts)


def test_hashes_are_the_same_in_every_process():
    code = (
        "from rdkit import Chem; from engine.chemistry.shift_environments import "
        "atom_environments; print(atom_environments(Chem.MolFromSmiles('CCO'))[1])"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert said[0] == said[1] == f"{atom_environments(molecule_of('CCO'))[1]}\n"


def test_mean_and_spread_are_those_of_the_observations():
    key = (1, 2, 3, 4, 5)
    table = EnvironmentShifts.fitted([(key, 20.0), (key, 22.0), (key, 27.0)])
    mean, deviation, count = table.tables[4][5]
    assert (mean, count) == (pytest.approx(23.0), 3)
    assert deviation == pytest.approx(np.std([20, 22, 27]))
    ppm, sigma = table.predict(key)
    assert ppm == pytest.approx(23.0)
    assert sigma == pytest.approx(np.hypot(np.std([20, 22, 27]), 1.2 / np.sqrt(3)))


def test_the_largest_radius_seen_twice_gives_the_shift():
    table = EnvironmentShifts.fitted(
        [((1, 2, 3, 4, 5), 10.0), ((1, 2, 3, 40, 50), 20.0), ((1, 2, 30, 4, 5), 60.0)]
    )
    # Radius 4 is hash 5 (10 and 60, twice), whatever the smaller radii say.
    assert table.predict((1, 2, 3, 4, 5))[0] == pytest.approx(35.0)
    # Hash 50 was seen once, 40 once: radius 2 (hash 3) was seen twice.
    assert table.predict((1, 2, 3, 40, 50))[0] == pytest.approx(15.0)
    # At radius 2 a single observation is enough; at radius 1 all three count.
    assert table.predict((1, 2, 30, 400, 500))[0] == pytest.approx(60.0)
    assert table.predict((1, 2, 300, 400, 500))[0] == pytest.approx(30.0)
    assert table.predict((1, 20, 300, 400, 500)) is None


def fitted_on(smiles, shifts, repeats=2):
    levels = atom_environments(molecule_of(smiles))
    pairs = [(levels[atom], ppm) for atom, ppm in shifts.items()]
    return EnvironmentShifts.fitted(pairs * repeats)


def test_toluene_has_five_carbon_signals_of_its_own_shifts():
    # 13C of toluene in CDCl3: CH3 21.4, ipso 137.9, ortho 129.0, meta 128.2, para 125.3.
    shifts = {0: 21.4, 1: 137.9, 2: 129.0, 3: 128.2, 4: 125.3, 5: 128.2, 6: 129.0}
    peaks = predicted_peaks(molecule_of("Cc1ccccc1"), fitted_on("Cc1ccccc1", shifts), 6)
    found = {round(peak["ppm"], 1): (peak["n"], peak["mult"]) for peak in peaks}
    assert found == {
        21.4: (1, "Q"), 137.9: (1, "S"), 129.0: (2, "D"), 128.2: (2, "D"), 125.3: (1, "D"),
    }  # fmt: skip
    assert all(0 < peak["sigma"] < 2 for peak in peaks)


def test_hydrogens_on_carbon_must_be_known_those_on_oxygen_need_not():
    table = fitted_on("CCO", {0: 1.2, 1: 3.7})
    peaks = predicted_peaks(molecule_of("CCO"), table, 1, 0.05)
    assert sorted((round(p["ppm"], 1), p["n"], p["mult"]) for p in peaks) == [
        (1.2, 1, None), (3.7, 1, None),
    ]  # fmt: skip
    assert predicted_peaks(molecule_of("c1ccccc1"), table, 1) is None
    assert predicted_peaks(molecule_of("C#N"), table, 6) is None


def test_shifts_of_real_molecules_come_back_within_a_few_ppm(tables):
    from itertools import islice

    from rdkit import Chem

    from engine.training.group_tables import table_rows

    def observed(split, count):
        for row in islice(table_rows(tables, "nmr", split), count):
            molecule = Chem.MolFromSmiles(row.get("assigned_smiles") or "")
            if molecule is None or not row.get("c13_atoms"):
                continue
            levels = atom_environments(molecule)
            for atom, values in row["c13_atoms"].items():
                yield from ((levels[int(atom)], ppm) for ppm in values)

    table = EnvironmentShifts.fitted(observed("train", 3000))
    errors = [
        abs(found[0] - ppm)
        for levels, ppm in observed("valid", 300)
        if (found := table.predict(levels)) is not None
    ]
    assert len(errors) > 500
    assert np.median(errors) < 4.0
    assert Counter(error < 30 for error in errors)[True] > 0.97 * len(errors)
