"""Measures fitted to small made-up worlds: few false alarms, and what is strange is found."""

from __future__ import annotations

import numpy as np
import pytest

from engine.library.familiarity import Familiarity
from engine.training import familiarity_training
from engine.training.familiarity_training import (
    FALSE_ALARMS,
    fit_familiarity,
    ordinary_spectra,
    train_familiarity,
)
from engine.training.strange_inputs import STRANGE_INPUTS, encode_means


def world(seed: int, count: int) -> dict[str, np.ndarray]:
    """13C spectra with lines where compounds have them and none between 90 and 110 ppm, and IR
    spectra with bands at a few places."""
    rng = np.random.default_rng(seed)
    carbon = np.zeros((count, 600))
    for row in carbon:
        low = rng.integers(50, 220, rng.integers(2, 6))
        high = rng.integers(320, 440, rng.integers(1, 6))
        row[np.concatenate([low, high])] = 1.0
    axis = np.arange(600)
    infrared = np.zeros((count, 600))
    for row in infrared:
        for place in rng.choice([120, 180, 220, 425], 3, replace=False):
            row += np.exp(-0.5 * ((axis - place - rng.normal(0, 2)) / 3) ** 2)
    return {
        "IR": encode_means("IR", infrared).astype(np.float32),
        "13C NMR": encode_means("13C NMR", carbon).astype(np.float32),
    }


@pytest.fixture(scope="module")
def fitted() -> Familiarity:
    return fit_familiarity(world(0, 400), world(1, 300), epochs=2)


def test_ordinary_spectra_are_seldom_doubted(fitted):
    for name, values in world(2, 400).items():
        verdicts = fitted.verdicts(name, values, 1)
        assert sum(v is not None for v in verdicts) <= 400 * 4 * FALSE_ALARMS


def test_strange_spectra_are_found_also_of_kinds_not_seen(fitted):
    ordinary = world(3, 200)
    for name, wanted in (("13C NMR", "axis reversed"), ("IR", "noise alone")):
        strange = next(s for s in STRANGE_INPUTS if s.name == wanted)
        values, _ = strange.encoded(name, ordinary, 100, np.random.default_rng(0))
        found = sum(v is not None for v in fitted.verdicts(name, values, 1))
        assert found > 70, (name, wanted)


def test_more_channels_share_the_false_alarms(fitted):
    for own in fitted.channels.values():
        assert (np.diff(own.limits, axis=1) >= 0).all()
    spectra = world(4, 1)
    sample = {name: values[0] for name, values in spectra.items()}
    assert {strange.channel for strange in fitted.doubted(sample)} <= set(sample)


def test_channels_with_too_few_spectra_are_left_out(fitted):
    assert set(fitted.channels) == {"IR", "13C NMR"}


def test_the_same_seed_gives_the_same_measures():
    first, again = (fit_familiarity(world(0, 40), world(1, 40), epochs=1) for _ in range(2))
    values = world(5, 20)["IR"]
    assert first.scores("IR", values) == pytest.approx(again.scores("IR", values), abs=1e-4)


def test_the_command_fits_on_prepared_tensors(small_tables, tmp_path, monkeypatch):
    monkeypatch.setattr(familiarity_training, "_ROUNDS", 1)
    from engine.training.group_tables import read_group_records
    from engine.training.group_tensors import EVALUATION_VARIANTS, prepare

    for name in ("train", "valid"):
        records = read_group_records(small_tables, name)
        prepare(records, EVALUATION_VARIANTS).save(tmp_path / "prepared" / f"{name}.npz")
    path = train_familiarity(small_tables, tmp_path, epochs=1, report=lambda line: None)
    assert path == tmp_path / "familiarity.npz"
    assert "13C NMR" in Familiarity.load(path).channels


def test_ordinary_spectra_are_drawn_without_empty_ones():
    from engine.training.group_tensors import stack

    rows = {name: [] for name in ("IR", "1H NMR", "13C NMR", "MS/MS+", "MS/MS-")}
    spectra = {**rows, "IR": [np.ones(600), np.zeros(600)]}
    tensors = stack([(str(k), np.zeros(37), spectra) for k in range(10)])
    drawn = ordinary_spectra(tensors, 15, seed=0)
    assert 5 <= len(drawn["IR"]) <= 10 and drawn["IR"].any(1).all()
    assert len(drawn["13C NMR"]) == 0
