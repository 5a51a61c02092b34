"""Tables of shifts to a trained predictor: labels, loss, resuming and saving."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import AllChem

from engine.chemistry.structure import molecule_key
from engine.library.shift_model import load_shift_model
from engine.training import shift_training
from engine.training.shift_model_training import train_shift_model
from engine.training.shift_tables import ShiftTensors, read_shift_records, shift_tensors
from engine.training.shift_training import ShiftPlan, gather, rearranged, train_shifts

# Shifts that depend on the element beside a carbon alone, so that a small network learns them.
_BESIDE = {"O": 60.0, "N": 45.0, "C": 20.0}


def _row(smiles: str, source: str, exchanged: bool = False) -> dict:
    molecule = Chem.MolFromSmiles(smiles)
    carbons, hydrogens, peaks = {}, {}, []
    for atom in molecule.GetAtoms():
        if atom.GetSymbol() != "C":
            continue
        beside = sorted(n.GetSymbol() for n in atom.GetNeighbors())[-1:] or ["C"]
        ppm = _BESIDE[beside[0]] + atom.GetTotalNumHs()
        carbons[str(atom.GetIdx())] = [ppm]
        hydrogens[str(atom.GetIdx())] = [ppm / 20]
        peaks.append({"ppm": ppm, "n": 1, "mult": "SDTQ"[min(atom.GetTotalNumHs(), 3)]})
    if exchanged:
        names = list(carbons)
        carbons = dict(zip(names, [carbons[n] for n in reversed(names)], strict=True))
    return {
        "key": molecule_key(smiles),
        "smiles": smiles,
        "assigned_smiles": smiles,
        "assignment_source": source,
        "c13": peaks,
        "h1": [{"ppm": v[0], "n": 1} for v in hydrogens.values()],
        "c13_atoms": carbons,
        "h1_atoms": hydrogens if source == "human_molblock" else {},
        "meta": {"13C": {"solvent": "Chloroform-D1 (CDCl3)"}, "1H": {}},
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    smiles = ["C" * a + x + "C" * b for a in range(1, 6) for b in range(0, 5) for x in ("O", "N")]
    rows = {"train": [], "valid": []}
    for number, one in enumerate(dict.fromkeys(smiles)):
        split = "valid" if number % 5 == 0 else "train"
        source = ("human_molblock", "inferred")[number % 3 == 0 and split == "train"]
        rows[split].append(_row(one, source, exchanged=source == "inferred"))
    for split, found in rows.items():
        with gzip.open(folder / f"nmr_{split}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in found)
    return folder


def _record(data, smiles: str, source: str, **changes):
    with gzip.open(data / "nmr_one.jsonl.gz", "wt") as file:
        file.write(json.dumps({**_row(smiles, source), **changes}) + "\n")
    return next(iter(read_shift_records(data, "one", dft=False)))


def test_assigned_shifts_stand_at_their_atoms(data):
    record = _record(data, "CCO", "human_molblock")
    np.testing.assert_allclose(record.targets[:2, 0], [23.0, 62.0])
    np.testing.assert_allclose(record.targets[:2, 1], [1.15, 3.1])
    assert np.isnan(record.targets[2]).all()
    assert not record.loose
    assert record.solvents == (1, 0)


def test_two_hydrogens_of_one_carbon_give_mean_and_split(data):
    record = _record(data, "CCO", "human_molblock", h1_atoms={"1": [3.5, 3.9]})
    assert record.targets[1, 1] == pytest.approx(3.7)
    assert record.split[1] == pytest.approx(0.4)


def test_misprints_are_left_out(data):
    record = _record(data, "CCO", "human_molblock", c13_atoms={"0": [1700.0], "1": [60.0]})
    assert np.isnan(record.targets[0, 0])
    assert record.targets[1, 0] == 60.0


def test_inferred_shifts_may_change_places_among_carbons_with_as_many_hydrogens(data):
    record = _record(data, "CCOC", "inferred")
    assert record.loose
    assert record.kind.tolist() == [3, 2, -1, 3]
    wrong = _record(data, "CCOC", "inferred", c13=[{"ppm": 20, "n": 3, "mult": "Q"}])
    assert wrong.kind.tolist() == [0, 0, -1, 0]


def test_rearranging_is_the_matching_of_least_distance():
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(1)
    target, guess = rng.normal(100, 40, 9), rng.normal(100, 40, 9)
    sets = np.array([0, 0, 0, 0, 1, 1, 1, -1, -1])
    found = rearranged(*map(torch.tensor, (target, guess, sets))).numpy()
    np.testing.assert_allclose(found[7:], target[7:])
    for members in (slice(0, 4), slice(4, 7)):
        cost = np.abs(guess[members, None] - target[None, members])
        best = cost[linear_sum_assignment(cost)].sum()
        assert np.abs(guess[members] - found[members]).sum() == pytest.approx(best)
        assert sorted(found[members]) == sorted(target[members])


def test_free_peaks_are_matched_in_order_and_only_when_as_many(data):
    record = _record(data, "CCO", "inferred", h1=[{"ppm": 3.6, "n": 1}, {"ppm": 1.2, "n": 1}])
    tensors = shift_tensors([record])
    batch = gather(tensors, np.array([0]))
    guess = torch.tensor([1.0, 4.0, 2.0])
    found = shift_training._with_free_peaks(batch, guess, tensors).numpy()
    np.testing.assert_allclose(found[:2], [1.2, 3.6])
    three = [{"ppm": p, "n": 1} for p in (1.2, 2.6, 3.6)]
    tensors = shift_tensors([_record(data, "CCO", "inferred", h1=three)])
    batch = gather(tensors, np.array([0]))
    assert np.isnan(shift_training._with_free_peaks(batch, guess, tensors).numpy()).all()


def test_the_dft_table_gives_heavy_atoms_their_shifts(tmp_path):
    molecule = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    numbers = {a.GetIdx(): a.GetSymbol() for a in molecule.GetAtoms() if a.GetSymbol() != "O"}
    shifts = {
        str(n): 50.0 + n if s == "C" else 1.0 + n / 10 for n, s in numbers.items() if s != "O"
    }
    row = {
        "key": molecule_key("CCO"),
        "split": "train",
        "molblock": Chem.MolToMolBlock(molecule),
        "dft_shifts": shifts,
        "exp_c13_shifts": {"1": 58.3},
    }
    for name, rows in (("nmr_shifts_3d", [row]), ("nmr_train", [])):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(r) + "\n" for r in rows)
    (record,) = read_shift_records(tmp_path, "train")
    assert record.targets[:2, 2].tolist() == [50.0, 51.0]
    assert record.targets[1, 0] == pytest.approx(58.3)
    methyl = [float(shifts[str(n.GetIdx())]) for n in molecule.GetAtomWithIdx(0).GetNeighbors()
              if n.GetSymbol() == "H"]  # fmt: skip
    assert record.targets[0, 3] == pytest.approx(np.mean(methyl))


def test_tensors_survive_a_file(data, tmp_path):
    tensors = shift_tensors(list(read_shift_records(data, "train", dft=False)))
    tensors.save(tmp_path / "t.npz")
    again = ShiftTensors.load(tmp_path / "t.npz")
    for name, values in tensors.__dict__.items():
        np.testing.assert_array_equal(values, getattr(again, name))
    graph = again.graphs(np.array([3]))[0]
    assert len(graph) == again.starts[4] - again.starts[3]


def test_a_network_learns_and_its_file_predicts(data, tmp_path, monkeypatch):
    plan = ShiftPlan(
        epochs=30, batch_size=4, learning_rate=4e-3, width=32, depth=3, dropout=0.0, averaging=0.9
    )
    path = train_shift_model(data, tmp_path, plan, report=lambda line: None)
    model = load_shift_model(path)
    (shifts,) = model.predict([Chem.MolFromSmiles("CCCCOCC")])
    wanted = np.array([_BESIDE["C"] + 3, 22, 22, 62, np.nan, 62, 23])
    np.testing.assert_allclose(shifts.carbon[:, 0], wanted, atol=6.0)
    assert np.isnan(shifts.hydrogen[4]).all()
    assert (shifts.carbon[[0, 1], 1] > 0).all()


def test_a_stopped_training_goes_on_where_it_was(data, tmp_path):
    records = {s: list(read_shift_records(data, s, dft=False)) for s in ("train", "valid")}
    train, valid = (shift_tensors(records[s]) for s in ("train", "valid"))
    plan = ShiftPlan(epochs=2, batch_size=8, width=16, depth=2, dropout=0.0)
    whole = train_shifts(plan, train, valid, tmp_path / "whole")
    steps = iter(range(100))
    train_shifts(plan, train, valid, tmp_path / "stopped", is_cancelled=lambda: next(steps) == 2)
    resumed = train_shifts(plan, train, valid, tmp_path / "stopped")
    members = np.arange(len(valid))
    one = shift_training.predict_tensors(whole, valid, members)[0]
    two = shift_training.predict_tensors(resumed, valid, members)[0]
    np.testing.assert_allclose(one, two, atol=1e-3)
    with pytest.raises(ValueError, match="another plan"):
        train_shifts(replace(plan, epochs=3), train, valid, tmp_path / "stopped")
