"""The shift predictor that ships: chemistry it must know, and files that are not whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rdkit import Chem

from engine.library.group_model import NoModelError
from engine.library.shift_model import default_shift_predictor, load_shift_model, save_shift_model


def _carbon(smiles: str, solvent=None) -> np.ndarray:
    return default_shift_predictor().predict([Chem.MolFromSmiles(smiles)], solvent)[0].carbon


@pytest.mark.parametrize(
    ("smiles", "published"),
    [
        # Textbook shifts in CDCl3, by the atoms of the SMILES.
        ("CCOC(C)=O", [14.2, 60.4, None, 171.1, 21.0, None]),
        ("CC(C)=O", [30.9, 206.9, 30.9, None]),
        ("Cc1ccccc1", [21.5, 137.9, 129.1, 128.3, 125.4, 128.3, 129.1]),
        ("C1CCCCC1", [26.9] * 6),
    ],
)
def test_known_molecules_have_their_shifts(smiles, published):
    found = _carbon(smiles)
    for (ppm, error), expected in zip(found, published, strict=True):
        if expected is None:
            assert np.isnan(ppm)
        else:
            assert ppm == pytest.approx(expected, abs=3.0)
            assert 0 < error < 10


def test_protons_follow_their_carbons():
    shifts = default_shift_predictor().predict([Chem.MolFromSmiles("CCOC(C)=O")])[0]
    ethyl, methylene, acetyl = (shifts.hydrogen[i, 0] for i in (0, 1, 4))
    assert ethyl == pytest.approx(1.26, abs=0.25)
    assert methylene == pytest.approx(4.12, abs=0.25)
    assert acetyl == pytest.approx(2.04, abs=0.25)
    assert np.isnan(shifts.hydrogen[3, 0])


def test_equivalent_atoms_have_one_value():
    found = _carbon("CC(C)c1ccc(C)cc1")
    assert found[0, 0] == found[2, 0]
    assert found[4, 0] == found[9, 0]


def test_a_batch_predicts_as_each_alone_and_keeps_the_order():
    smiles = ["c1ccc2ccccc2c1", "C", "CCO", "OC(=O)c1ccccc1C(=O)O"]
    molecules = [Chem.MolFromSmiles(s) for s in smiles]
    together = default_shift_predictor().predict(molecules)
    for molecule, shifts in zip(molecules, together, strict=True):
        (alone,) = default_shift_predictor().predict([molecule])
        np.testing.assert_allclose(shifts.carbon, alone.carbon, atol=1e-3)
        assert len(shifts.elements) == molecule.GetNumAtoms()


def test_nothing_is_predicted_of_nothing():
    predictor = default_shift_predictor()
    assert predictor.predict([]) == []
    (empty,) = predictor.predict([Chem.MolFromSmiles("")])
    assert empty.carbon.shape == (0, 2)
    assert empty.signals("13C NMR") == ()


def test_a_file_that_is_not_whole_is_no_model(tmp_path):
    model = default_shift_predictor()
    card = {**model.card.to_dict(), "uncertainty_scale": model.uncertainty_scale}
    save_shift_model(tmp_path / "m", model.networks, card, model.memory)
    again = load_shift_model(tmp_path / "m")
    molecule = Chem.MolFromSmiles("CCO")
    np.testing.assert_allclose(
        again.predict([molecule])[0].carbon, model.predict([molecule])[0].carbon
    )
    weights = tmp_path / "m.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(NoModelError, match="m cannot be loaded"):
        load_shift_model(tmp_path / "m")
    (tmp_path / "m.json").write_text(json.dumps({"name": "m"}))
    with pytest.raises(NoModelError):
        load_shift_model(tmp_path / "m")
    with pytest.raises(NoModelError):
        load_shift_model(tmp_path / "absent")
