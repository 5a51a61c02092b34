"""Simulated spectra: only of train molecules, and with the shifts that the table predicts."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from engine.chemistry.shift_environments import EnvironmentShifts, atom_environments
from engine.chemistry.structure import molecule_key, split_of
from engine.encoding.channels import CHANNEL_NAMES, channel
from engine.training.group_tables import GroupRecord
from engine.training.simulated_nmr import (
    choose_candidates,
    completed_infrared_rows,
    fit_environments,
    simulated_rows,
)

ETHANOL = {"carbon": {0: 18.2, 1: 58.0}, "proton": {0: 1.2, 1: 3.7}}


@pytest.fixture
def environments():
    from rdkit import Chem

    levels = atom_environments(Chem.MolFromSmiles("CCO"))
    return tuple(
        EnvironmentShifts.fitted([(levels[atom], ppm) for atom, ppm in shifts.items()] * 50)
        for shifts in ETHANOL.values()
    )


@pytest.fixture
def library(tmp_path):
    """Alkyl alcohols, and a few sulfoxides among them."""
    smiles = ["C" * n + "O" for n in range(2, 40)] + ["C" * n + "S(C)=O" for n in range(1, 8)]
    path = tmp_path / "library.txt.gz"
    with gzip.open(path, "wt") as lines:
        lines.write("\n".join([*smiles, "not a molecule", "C"]) + "\n")
    return path


def test_candidates_are_train_molecules_rare_groups_first(library):
    chosen = choose_candidates(library, 10, 1000, excluded=set())
    keys = [key for key, _, _ in chosen]
    assert len(chosen) == 10
    assert len(set(keys)) == 10
    for key, smiles, labels in chosen:
        assert key == molecule_key(smiles)
        assert split_of(key) == "train"
        assert labels.shape == (37,)
    # Sulfoxides are 7 of 45 in the library, and most of the first that are chosen.
    assert sum("S(" in smiles for _, smiles, _ in chosen[:5]) >= 3


def test_excluded_molecules_and_those_beyond_the_scan_are_not_chosen(library):
    everything = choose_candidates(library, 1000, 1000, excluded=set())
    excluded = {key for key, _, _ in everything[:5]}
    rest = choose_candidates(library, 1000, 1000, excluded)
    assert {key for key, _, _ in rest} == {key for key, _, _ in everything} - excluded
    few = choose_candidates(library, 1000, 10, excluded=set())
    assert all("S(" not in smiles for _, smiles, _ in few)


def test_a_simulated_spectrum_shows_the_predicted_shifts(environments):
    labels = np.zeros(37, bool)
    ((key, found, rows),) = simulated_rows([("K", "CCO", labels)], *environments)
    assert key == "K" and found is labels
    assert set(rows) == set(CHANNEL_NAMES)
    assert rows["IR"] == [] and rows["MS/MS+"] == []
    for name, shifts in (("13C NMR", ETHANOL["carbon"]), ("1H NMR", ETHANOL["proton"])):
        (vector,) = rows[name]
        reach = 2.0 if name == "13C NMR" else 0.15
        for ppm in shifts.values():
            assert vector[np.abs(channel(name).centres - ppm) < reach].max() > 0.1


def test_molecules_with_unknown_surroundings_are_left_out(environments):
    candidates = [("K", "c1ccccc1", np.zeros(37, bool))]
    assert list(simulated_rows(candidates, *environments)) == []


def test_missing_nmr_is_filled_in_beside_computed_infrared(environments, computed_infrared):
    row = computed_infrared("CCO")
    labels = np.zeros(37, bool)
    peaks = [{"ppm": 100.0, "n": 1}]
    records = [
        GroupRecord("A", "CCO", labels, infrared=row),
        GroupRecord("B", "CCO", labels, infrared=row, carbon=peaks),
        GroupRecord("C", "CCO", labels, infrared=row, carbon=peaks, proton=[{"ppm": 9.0}]),
        GroupRecord("D", "CCO", labels, carbon=peaks),
    ]
    made = {key: rows for key, _, rows in completed_infrared_rows(records, *environments, 3)}
    assert set(made) == {"A", "B"}
    assert [len(made["A"][n]) for n in ("IR", "1H NMR", "13C NMR")] == [3, 1, 1]
    centres = channel("13C NMR").centres
    # What was measured is kept.
    measured, predicted = made["B"]["13C NMR"][0], made["A"]["13C NMR"][0]
    assert measured[np.abs(centres - 100) < 2].max() > 0.3
    assert predicted[np.abs(centres - 58) < 2].max() > 0.1


def test_environments_are_fitted_on_the_assigned_rows_of_train_only(tmp_path, table_writer):
    row = {
        "key": "A", "smiles": "CCO", "assigned_smiles": "CCO",
        "assignment_source": "human_molblock", "c13_atoms": {"0": [18.0], "1": [58.0, 60.0]},
        "h1_atoms": {"0": [1.2]},
    }  # fmt: skip
    inferred = {**row, "assignment_source": "inferred", "c13_atoms": {}, "h1_atoms": {"0": [9.9]}}
    unassigned = {"key": "B", "smiles": "CCO", "c13": [{"ppm": 1.0}]}
    table_writer(tmp_path / "nmr_train.jsonl.gz", [row, inferred, unassigned])
    table_writer(tmp_path / "nmr_test.jsonl.gz", [{**row, "c13_atoms": {"0": [99.0]}}])
    from rdkit import Chem

    carbon, proton = fit_environments(tmp_path)
    levels = atom_environments(Chem.MolFromSmiles("CCO"))
    assert carbon.tables[4][levels[1][4]] == (59.0, 1.0, 2)
    assert carbon.tables[4][levels[0][4]][0] == 18.0
    assert proton.tables[4][levels[0][4]] == (1.2, pytest.approx(0, abs=1e-6), 1)
