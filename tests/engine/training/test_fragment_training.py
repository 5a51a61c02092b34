"""Training on fragments: licences, simulated cuts, variation, and that a training resumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.chemistry.formula_candidates import ELEMENTS
from engine.encoding.fragments import ADDUCTS, fragment_sets
from engine.training import fragment_training as training
from engine.training.fragment_batches import measured_batches, merged, strongest, varied
from engine.training.fragment_tables import FragmentTable, mean_by_molecule, read_fragments
from engine.training.fragment_training import FragmentPlan, build_network, fit
from engine.training.simulated_fragments import (
    drawn_spectra,
    fragments_of,
    masses,
    simulate,
)

Chem = pytest.importorskip("rdkit.Chem")

MOLECULES = {
    "LFQSCWFLJHTTHZ-A": "CCO",
    "CSCPPACGZOOCGX-B": "CC(C)=O",
    "YXFVVABEGXRONW-C": "Cc1ccccc1",
    "BAVYZALUXZFZLV-D": "CN",
}


def row(key, licence="open", polarity="positive", **more):
    return {
        "key": key, "smiles": MOLECULES[key], "mz": [43.0178, 58.0413], "intensity": [1.0, 0.4],
        "polarity": polarity, "licence_class": licence,
    } | more  # fmt: skip


@pytest.fixture
def tables(tmp_path, table_writer):
    keys = list(MOLECULES)
    rows = [row(keys[0]), row(keys[0], "noncommercial"), row(keys[1], "share-alike", "negative")]
    rows += [row(keys[2], "noncommercial"), row(keys[3])]
    for name in ("ms_esi_train", "ms_esi_valid", "ms_ei_train", "ms_ei_valid"):
        table_writer(tmp_path / f"{name}.jsonl.gz", rows)
    return tmp_path


def test_open_weights_see_open_rows_alone(tables):
    keys = list(MOLECULES)
    esi = read_fragments(tables, "esi", "train")
    assert esi.keys == (keys[0], keys[1], keys[3]) and len(esi.sets) == 3
    ei = read_fragments(tables, "ei", "train")
    assert len(ei.keys) == 4 and len(ei.sets) == 5
    assert np.isfinite(ei.sets.precursor).all()
    assert read_fragments(tables, "esi", "train", {keys[0]}).keys == (keys[1], keys[3])


def test_the_spectra_of_a_molecule_are_averaged_by_polarity(tables):
    table = read_fragments(tables, "ei", "train")
    logits = np.arange(5.0)[:, None] * np.ones((1, 37))
    members, means = mean_by_molecule(table, logits, 1)
    assert dict(zip(members.tolist(), means[:, 0].tolist(), strict=True)) == {0: 0.5, 2: 3.0, 3: 4}
    assert mean_by_molecule(table, logits, 1, 1)[1][0, 0] == 0.0
    assert mean_by_molecule(table, logits, -1)[0].tolist() == [1]


def test_a_molecule_is_cut_into_its_parts():
    parts, whole = fragments_of(Chem.MolFromSmiles("CCO"), np.random.default_rng(0))
    assert dict(zip(ELEMENTS, whole.tolist(), strict=True)) | {"C": 2, "H": 6, "O": 1} == dict(
        zip(ELEMENTS, whole.tolist(), strict=True)
    )
    single = [atoms for atoms, cuts, _ in parts if cuts == 1]
    # CH3 + CH2OH and C2H5 + OH: the two sides of each bond make up the whole.
    assert sorted(round(float(atoms @ masses()), 3) for atoms in single) == [
        15.023, 17.003, 29.039, 31.018,
    ]  # fmt: skip
    assert np.array_equal(sum(single), 2 * whole)


def test_drawn_ions_have_the_masses_of_their_atoms():
    simulated = simulate([("A", "Cc1ccccc1", np.zeros(37, bool)), ("B", "C[Si]C", np.zeros(37))])
    assert len(simulated) == 1  # silicon is none of the elements
    sets, atoms = drawn_spectra(simulated, np.array([0, 0]), "ei", np.random.default_rng(1))
    shown = sets.present
    from_atoms = atoms @ masses() - 0.00054858
    assert np.allclose(sets.mz[shown], from_atoms[shown], atol=1e-6)
    assert np.allclose(from_atoms[:, -1], 92.0621, atol=1e-3)
    esi, _ = drawn_spectra(simulated, np.zeros(30, int), "esi", np.random.default_rng(1))
    assert np.allclose(esi.neutral_mass, 92.0626, atol=1e-3)
    assert {ADDUCTS[a] for a in esi.adduct} == {"[M+H]+", "[M-H]-"}


def test_varied_spectra_stay_within_their_bounds():
    rows = [{"mz": [43.0178, 71.0491, 99.0441], "intensity": [1, 0.5, 0.1], "precursor_mz": 117.05}]
    sets = fragment_sets(rows * 300)
    other = varied(sets, np.random.default_rng(0), unit_share=0.3)
    kept = other.present
    assert kept[:, 0].mean() > 0.95 > kept[:, 2].mean() > 0.6
    exact = other.exact[:, None] & kept
    error = (other.mz - sets.mz)[exact] / sets.mz[exact] * 1e6
    assert 1 < np.std(error) < 5 and np.abs(error).max() < 40
    assert 0.2 < (~other.exact).mean() < 0.4
    assert 0.1 < np.isnan(other.precursor).mean() < 0.3
    assert np.allclose(other.intensity.max(1), 1.0)


def test_merged_energies_have_no_energy():
    rows = [{"mz": [43.0], "intensity": [1], "collision_energy": 10, "collision_energy_unit": "eV"}]
    one = fragment_sets(rows)
    two = fragment_sets([{**rows[0], "mz": [58.0], "collision_energy": 40}])
    both = merged(one, two)
    assert sorted(both.mz[both.present].tolist()) == [43.0, 58.0]
    assert np.isnan(both.energy[0])
    assert strongest(both, 1).mz.shape == (1, 1)


PLAN = FragmentPlan("esi", 1, 2, 2, 0.1, batch_size=8, width=16, learning_rate=3e-3)


@pytest.fixture
def learnable():
    """Molecules whose group is in the mass of one fragment."""
    rng = np.random.default_rng(0)
    rows, labels = [], np.zeros((40, 37), bool)
    for index in range(40):
        labels[index, 0] = index % 2
        mark = 60.0211 if index % 2 else 60.0575
        rows.append(
            {"mz": [mark, *rng.uniform(80, 200, 4).round(4)], "intensity": [1, *rng.random(4)],
             "polarity": "positive"}
        )  # fmt: skip
    keys = tuple(str(i) for i in range(40))
    return FragmentTable(fragment_sets(rows), np.arange(40), keys, labels)


@pytest.fixture
def simulated():
    return simulate(
        [(smiles, smiles, np.arange(37) == n) for n, smiles in enumerate(MOLECULES.values())]
    )


def test_a_training_resumes_to_the_same_weights(learnable, simulated, tmp_path, monkeypatch):
    whole = fit(PLAN, learnable, learnable, simulated, tmp_path / "whole", lambda line: None)
    real, calls = training.batch_loss, []

    def killed(network, batch):
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return real(network, batch)

    monkeypatch.setattr(training, "_SAVED_EVERY_S", -1.0)
    monkeypatch.setattr(training, "batch_loss", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(PLAN, learnable, learnable, simulated, tmp_path / "cut", lambda line: None)
    monkeypatch.setattr(training, "batch_loss", real)
    resumed = fit(PLAN, learnable, learnable, simulated, tmp_path / "cut", lambda line: None)
    # Dropout draws from torch's generator, which the checkpoint keeps.
    for one, two in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-6)
    with pytest.raises(ValueError, match="another plan"):
        fit(
            replace(PLAN, width=32, learning_rate=1e-4), learnable, learnable, simulated,
            tmp_path / "cut",
        )  # fmt: skip


def test_a_group_in_the_decimals_of_one_fragment_is_learnt(learnable, tmp_path):
    plan = replace(PLAN, simulated_epochs=0, epochs=25, averaging=0.9)
    network = fit(plan, learnable, learnable, None, tmp_path, lambda line: None)
    logits = training.table_logits(network, learnable)[:, 0]
    assert ((logits > 0) == learnable.labels[:, 0]).mean() > 0.9


def test_a_batch_holds_both_polarities_and_all_molecules(tables):
    table = read_fragments(tables, "ei", "train")
    rng = np.random.default_rng(0)
    batches = list(measured_batches(table, 2, 1, rng, ionization="ei"))
    assert sum(len(b.labels) for b in batches) == 4
    assert build_network(PLAN)(batches[0].fragments).shape == (2, 37)


def test_the_shipped_names_and_licences_part_the_two(tables, tmp_path, learnable):
    network = build_network(replace(PLAN, ionization="ei"))
    path = training.save_fragment_model(tmp_path / "groups-ei", network, learnable, learnable)
    from engine.library.group_model import load_group_model

    model = load_group_model(path)
    assert model.channels == ("EI",) and "noncommercial" in model.card.licence
    assert "noncommercial" not in training.LICENCES["esi"]


def test_the_whole_way_leaves_a_model_and_its_baseline(tables, tmp_path, monkeypatch):
    from engine.library.group_model import load_group_model
    from engine.training import fragment_models
    from engine.training.fragment_baseline import baseline_logits, load_baseline

    small = replace(PLAN, epochs=1, batch_size=2)
    monkeypatch.setitem(training.PLANS, "esi", (small, replace(small, simulated_epochs=0)))
    candidates = [(s, s, np.arange(37) == n) for n, s in enumerate(MOLECULES.values())]
    monkeypatch.setattr(training, "choose_candidates", lambda *a, **more: candidates)
    said = []
    path = fragment_models.train_fragment_model(
        tables, tmp_path / "runs", "esi", report=said.append
    )
    model = load_group_model(path)
    assert model.channels == ("MS/MS+", "MS/MS-")
    assert model.card.licence == training.LICENCES["esi"]
    # Three open molecules, and one epoch of simulated ones before.
    assert [line for line in said if '"epoch"' in line and '"of"' in line]
    baseline = load_baseline(path.parent / "baseline-esi.safetensors")
    table = read_fragments(tables, "esi", "valid")
    assert baseline_logits(baseline, table.sets).shape == (3, 37)
    # Once more, and nothing is left to do.
    said.clear()
    fragment_models.train_fragment_model(tables, tmp_path / "runs", "esi", report=said.append)
    assert not [line for line in said if '"of"' in line or "baseline" in line]
