"""A saved K-M3AID gives the same vectors again, of any molecules and spectra."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rdkit import Chem

from engine.chemistry.molecular_graph import molecular_graph
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.predicted_shifts import NUCLEI, MoleculeShifts
from engine.library.alignment_model import (
    DEFAULT_MODEL,
    PAPER_MODEL,
    default_alignment_model,
    load_alignment_model,
    save_alignment_model,
)
from engine.library.group_model import NoModelError
from engine.training.alignment_training import AlignmentPlan, build_network

PEAKS = {
    "13C NMR": (ObservedPeak(18.2, multiplicity="Q"), ObservedPeak(58.0)),
    "1H NMR": (ObservedPeak(1.2), ObservedPeak(3.7)),
}
DESCRIPTION = {"name": "Small", "version": "3", "licence": "MIT", "techniques": list(NUCLEI)}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    network = build_network(AlignmentPlan("extended", width=16, depth=2)).eval()
    save_alignment_model(tmp_path / "model", network, DESCRIPTION)
    return tmp_path / "model"


def test_vectors_have_unit_length_and_come_in_order(saved):
    model = load_alignment_model(saved)
    molecules = [Chem.MolFromSmiles(s) for s in ("c1ccccc1C", "CCO", "C" * 60, "CC(C)=O")]
    vectors = model.embed_molecules(molecules)
    assert vectors.shape == (4, model.dimensions) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    alone = model.embed_molecules([molecular_graph(molecules[1])])
    assert alone[0] == pytest.approx(vectors[1], abs=1e-5)
    assert model.name == "Small 3"
    spectrum = model.embed_spectrum(PEAKS)
    assert spectrum.shape == (model.dimensions,) and spectrum.dtype == np.float32
    assert np.linalg.norm(spectrum) == pytest.approx(1.0, abs=1e-5)


def test_nothing_and_a_molecule_without_atoms(saved):
    model = load_alignment_model(saved)
    assert model.embed_molecules([]).shape == (0, model.dimensions)
    vectors = model.embed_molecules([Chem.MolFromSmiles(""), Chem.MolFromSmiles("CC")])
    assert not vectors[0].any() and vectors[1].any()


def test_spectra_of_one_technique_do(saved):
    model = load_alignment_model(saved)
    both = model.embed_spectrum(PEAKS)
    for technique in NUCLEI:
        one = model.embed_spectrum({technique: PEAKS[technique], "IR": (ObservedPeak(1700.0),)})
        assert not np.allclose(one, both, atol=1e-3)
    with pytest.raises(ValueError, match=r"13C NMR or 1H NMR are needed.* have IR"):
        model.embed_spectrum({"IR": (ObservedPeak(1700.0),)})


def test_atoms_and_peaks_are_scored_by_technique(saved):
    model = load_alignment_model(saved)
    scores = model.peak_scores(Chem.MolFromSmiles("CCO"), PEAKS)
    assert {name: found.shape for name, found in scores.items()} == dict.fromkeys(NUCLEI, (3, 2))
    assert list(model.peak_scores(Chem.MolFromSmiles("CCO"), {"13C NMR": PEAKS["13C NMR"]})) == [
        "13C NMR"
    ]


def test_known_shifts_take_the_place_of_the_models_own(saved):
    model = load_alignment_model(saved)
    molecule = Chem.MolFromSmiles("CCO")
    own = model.embed_molecules([molecule])[0]

    def shifts(carbons, uncertainty):
        carbon = np.array([[ppm, uncertainty] for ppm in (*carbons, np.nan)])
        hydrogen = np.array([[1.2, 0.1], [3.7, 0.1], [2.6, 1.0]])
        graph = molecular_graph(molecule)
        classes = (graph.classes, graph.hydrogens, graph.elements)
        return MoleculeShifts(carbon, hydrogen, np.zeros(3), *classes)

    right, wrong = shifts((18.2, 58.0), 0.5), shifts((140.0, 150.0), 0.5)
    vectors = model.embed_molecules([molecule] * 2, [right, wrong])
    assert np.isfinite(vectors).all() and not np.allclose(vectors[0], own, atol=1e-3)
    spectrum = model.embed_spectrum({"13C NMR": PEAKS["13C NMR"]})
    assert vectors[0] @ spectrum > vectors[1] @ spectrum
    for known, place in ((right, 0), (shifts((58.0, 18.2), 0.5), 1)):
        scores = model.peak_scores(molecule, {"13C NMR": PEAKS["13C NMR"]}, known)
        assert scores["13C NMR"][0].argmax() == place


@pytest.mark.parametrize("damage", ["cut", "config", "gone"])
def test_a_damaged_model_is_refused(saved, damage):
    weights, config = saved.with_suffix(".safetensors"), saved.with_suffix(".json")
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "config":
        config.write_text(config.read_text().replace('"width": 16', '"width": 24'))
    else:
        weights.unlink()
    with pytest.raises(NoModelError, match="the model model cannot be loaded"):
        load_alignment_model(saved)


@pytest.mark.parametrize("name", [DEFAULT_MODEL, PAPER_MODEL])
def test_the_weights_that_ship_find_ethyl_acetate(name):
    model = default_alignment_model(name)
    smiles = ["CCOC(C)=O", "CCO", "CC(C)=O", "COC(=O)CC", "c1ccccc1", "CCCC(=O)O", "CC(=O)OC"]
    vectors = model.embed_molecules([Chem.MolFromSmiles(s) for s in smiles])
    letters = ((14.2, "Q"), (21.0, "Q"), (60.4, "T"), (171.1, "S"))
    peaks = tuple(ObservedPeak(ppm, multiplicity=letter) for ppm, letter in letters)
    spectrum = model.embed_spectrum({"13C NMR": peaks})
    assert smiles[int((vectors @ spectrum).argmax())] == "CCOC(C)=O"
