"""Surroundings by number, and the shifts remembered for them."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from engine.chemistry.environment_codes import environment_codes
from engine.chemistry.molecular_graph import molecular_graph
from engine.chemistry.shift_environments import atom_environments
from engine.chemistry.shift_memory import MEMORY_FEATURES, RADII, ShiftMemory


def _codes(smiles: str) -> np.ndarray:
    graph = molecular_graph(Chem.MolFromSmiles(smiles))
    return environment_codes(graph.atoms, graph.bonds, graph.ends)


def test_codes_agree_with_another_implementation():
    smiles = [
        "CCO", "CCCO", "Cc1ccc(C)cc1", "Cc1cccc(C)c1", "OC(=O)c1ccccc1O", "C1CC2CCC1C2",
        "CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C)C(=O)N2C",
    ]  # fmt: skip
    ours = np.concatenate([_codes(s) for s in smiles])
    theirs = [e for s in smiles for e in atom_environments(Chem.MolFromSmiles(s))]
    for radius in range(5):
        own = ours[:, radius]
        other = np.unique([str(e[radius]) for e in theirs], return_inverse=True)[1]
        same_own = own[:, None] == own[None]
        same_other = other[:, None] == other[None]
        # The other one also looks at rings of every size: ours may not tell apart less than it.
        assert (same_own >= same_other).all()
        assert (same_own == same_other).mean() > 0.99


def test_codes_do_not_depend_on_order_or_stereochemistry():
    assert _codes("CCO").tolist() == _codes("OCC")[::-1].tolist()
    np.testing.assert_array_equal(_codes("C/C=C/C"), _codes("C/C=C\\C"))
    np.testing.assert_array_equal(_codes("C[C@H](N)O"), _codes("C[C@@H](N)O"))


def test_codes_are_those_of_every_machine():
    # Weights that ship are looked up by these numbers: another value would find nothing.
    assert _codes("CCO")[2].tolist() == [
        -9127195068086515590, -8347236285439279197, -5247997108235202562, -6464254787190905935,
        7463769491675872225,
    ]  # fmt: skip


def test_a_radius_tells_atoms_apart_that_differ_so_far_away():
    butanol, pentanol = _codes("CCCCO"), _codes("CCCCCO")
    assert butanol[0, 3] == pentanol[0, 3]
    assert butanol[0, 4] != pentanol[0, 4]


@pytest.fixture
def three():
    """Propane, butane and propane again, each with its own methyl shift."""
    codes = np.concatenate([_codes("CCC"), _codes("CCCC"), _codes("CCC")])
    shifts = np.full((10, 2), np.nan)
    shifts[[0, 2], 0] = 15.0
    shifts[[3, 6], 0] = 13.0
    shifts[[7, 9], 0] = 16.0
    molecule = np.repeat([0, 1, 2], [3, 4, 3])
    return codes, shifts, molecule


def _first(features: np.ndarray, atom: int) -> np.ndarray:
    """Known, mean in ppm, spread and count of 13C at radius 2."""
    known, mean, _, count = features.reshape(-1, 2, len(RADII), 4)[atom, 0, 0]
    return np.array([known, 90 + 50 * mean, np.expm1(5 * count)])


def test_the_mean_of_alike_atoms_is_remembered(three):
    codes, shifts, _ = three
    memory = ShiftMemory.fitted(codes, shifts)
    features = memory.features(_codes("CCC"))
    assert features.shape == (3, MEMORY_FEATURES)
    np.testing.assert_allclose(_first(features, 0), [1, 15.5, 4], rtol=1e-5)
    assert not memory.features(_codes("N")).any()


def test_no_molecule_remembers_itself(three):
    codes, shifts, molecule = three
    memory = ShiftMemory.fitted(codes, shifts)
    features = memory.features_without_own(codes, shifts, molecule)
    np.testing.assert_allclose(_first(features, 0), [1, 16.0, 2], rtol=1e-5)
    np.testing.assert_allclose(_first(features, 7), [1, 15.0, 2], rtol=1e-5)
    assert not features[3].any()  # nothing else is known of butane's methyl


def test_a_memory_without_a_molecule_is_one_never_fitted_on_it(three):
    codes, shifts, molecule = three
    rng = np.random.default_rng(0)
    codes = np.concatenate([codes] * 4)
    shifts = np.concatenate([shifts + rng.normal(0, 2, shifts.shape) for _ in range(4)])
    molecule = np.concatenate([molecule + 3 * i for i in range(4)])
    features = ShiftMemory.fitted(codes, shifts).features_without_own(codes, shifts, molecule)
    for left_out in range(12):
        others = molecule != left_out
        memory = ShiftMemory.fitted(codes[others], shifts[others])
        np.testing.assert_allclose(features[~others], memory.features(codes[~others]), atol=1e-5)


def test_a_memory_survives_its_arrays(three):
    codes, shifts, _ = three
    memory = ShiftMemory.fitted(codes, shifts)
    again = ShiftMemory.from_arrays(memory.to_arrays())
    np.testing.assert_allclose(again.features(codes), memory.features(codes), atol=0.02)
    broken = memory.to_arrays()
    broken["memory.13C.2.mean"] = broken["memory.13C.2.mean"][:-1]
    with pytest.raises(ValueError, match="one length"):
        ShiftMemory.from_arrays(broken)
