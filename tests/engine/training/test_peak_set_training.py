"""Simulated spectra of a library's molecules, and the training on them."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import CHANNEL_NAMES
from engine.training.group_tensors import GroupTensors
from engine.training.peak_set_training import (
    PeakSetPlan,
    peak_batches,
    train_peak_set,
)
from engine.training.simulated_spectra import (
    SimulatedSpectra,
    molecules_to_simulate,
)


def library(carbon=((50.0, 0.0),), proton=((4.0, 0.0),), size=6):
    """A made library of ``size`` molecules with these (ppm, error) signals; the second half of it
    holds the first group."""
    arrays = {
        "key": np.array([f"KEY{number:011d}".encode() for number in range(size)]),
        "groups": (np.arange(size) >= size // 2).astype(np.uint64),
    }
    for short, signals, steps in (("carbon", carbon, 100), ("proton", proton, 1000)):
        count = len(signals)
        arrays[f"{short}_at"] = (np.arange(size + 1) * count).astype(np.uint64)
        values = np.array(signals * size)
        arrays[f"{short}_ppm"] = np.round(values[:, 0] * steps).astype(np.int16)
        arrays[f"{short}_error"] = np.round(values[:, 1] * steps).astype(np.uint16)
        for name, value in (("nuclei", 1), ("hydrogens", 1), ("exchangeable", 0)):
            arrays[f"{short}_{name}"] = np.full(count * size, value, np.uint8)
    return SimpleNamespace(arrays=arrays)


def test_only_molecules_of_the_train_split_are_simulated():
    made = library(size=400)
    chosen = molecules_to_simulate(made, excluded={"KEY00000000007"})
    keys = [made.arrays["key"][number] for number in chosen]
    assert all(int(hashlib.sha1(key).hexdigest(), 16) % 100 < 75 for key in keys)
    assert b"KEY00000000007" not in keys
    assert 240 < len(chosen) < 360


def test_lines_lie_at_the_predicted_shifts():
    simulated = SimulatedSpectra(library(carbon=((50.0, 0.0), (120.1, 0.0))), np.arange(6))
    spectra, labels = simulated.draw(64, ("13C NMR",), np.random.default_rng(0))
    values = spectra["13C NMR"]
    assert values.shape == (64, 600)
    assert labels.shape == (64, len(GROUP_NAMES))
    # (50 + 10) / 240 * 600 = 150; (120.1 + 10) / 240 * 600 = 325.25
    assert (values[:, 150] > 0).all()
    assert (values[:, 325] > 0).all()
    others = np.delete(values, [150, 325], axis=1)
    # What else there is, is one line or two of a solvent, in some.
    assert 0 < (others > 0).any(axis=1).mean() < 1
    assert (others > 0).sum(axis=1).max() <= 4
    np.testing.assert_allclose(values.max(axis=1), 1.0)


def test_uncertain_signals_wander():
    certain, doubtful = (
        SimulatedSpectra(library(carbon=((50.0, error),)), np.arange(6)) for error in (0.0, 4.0)
    )
    rng = np.random.default_rng(1)
    assert (certain.draw(100, ("13C NMR",), rng)[0]["13C NMR"][:, 150] > 0).mean() == 1.0
    assert (doubtful.draw(100, ("13C NMR",), rng)[0]["13C NMR"][:, 150] > 0).mean() < 0.5


def test_labels_are_those_of_the_molecules():
    simulated = SimulatedSpectra(library(), np.array([0, 5]))
    labels = simulated.labels(np.array([0, 5]))
    assert labels[:, 0].tolist() == [0.0, 1.0]
    assert not labels[:, 1:].any()


def measured(size=24) -> GroupTensors:
    """Molecules with a 13C line at bin 100, and with one at 400 when they hold the first group."""
    labels = np.zeros((size, len(GROUP_NAMES)), np.uint8)
    labels[::2, 0] = 1
    values = np.zeros((size, 600), np.float16)
    values[:, 100] = 1
    values[::2, 400] = 1
    empty = np.zeros((0, 600), np.float16)
    return GroupTensors(
        np.array([f"m{n}" for n in range(size)]),
        labels,
        {name: values if name == "13C NMR" else empty for name in CHANNEL_NAMES},
        {name: np.arange(size) * (name == "13C NMR") for name in CHANNEL_NAMES},
        {name: np.full(size, int(name == "13C NMR")) for name in CHANNEL_NAMES},
    )


def test_measured_batches_grow_more():
    plan = PeakSetPlan(epochs=2, steps=150, batch_size=4, measured_first=0.0, measured_last=1.0)
    simulated = SimulatedSpectra(library(carbon=((0.0, 0.0),)), np.arange(6))
    shares = []
    for epoch in range(2):
        carbon = [b for b in peak_batches(plan, measured(), simulated, epoch)
                  if list(b.spectra) == ["13C NMR"]]  # fmt: skip
        # The simulated line lies in bin 25, where no measured one does, whatever is augmented.
        shares.append(np.mean([float(b.spectra["13C NMR"][:, 25].min()) < 0.2 for b in carbon]))
    assert shares[0] < 0.45 < 0.55 < shares[1]


@pytest.fixture(scope="module")
def plan():
    return PeakSetPlan(epochs=2, steps=3, batch_size=8)


def test_a_stopped_training_goes_on_where_it_was(plan, tmp_path):
    simulated = SimulatedSpectra(library(), np.arange(6))
    asked = {"train": measured(), "valid": measured(8), "simulated": simulated}
    whole = train_peak_set(plan, **asked, folder=tmp_path / "whole")
    steps = iter(range(100))
    train_peak_set(
        plan, **asked, folder=tmp_path / "stopped", is_cancelled=lambda: next(steps) == 3
    )
    resumed = train_peak_set(plan, **asked, folder=tmp_path / "stopped")
    spectra = {"13C NMR": torch.from_numpy(measured(4).values["13C NMR"].astype(np.float32))}
    with torch.no_grad():
        assert torch.allclose(whole(spectra), resumed(spectra), atol=1e-4)
