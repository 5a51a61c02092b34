"""Fitting prices makes the own molecule of a spectrum more probable."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest

from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.predicted_shifts import PredictedSignal
from engine.chemistry.spectrum_match import PRICES, SignalRows
from engine.training.match_prices import Trial, fitted_prices, price_trials, surprise


def _trials(error):
    """Own molecules that are off by ``error`` ppm, beside others off by 6 ppm and more."""
    rng = np.random.default_rng(0)
    trials = []
    for _ in range(30):
        places = np.sort(rng.uniform(10, 180, 4))
        peaks = tuple(ObservedPeak(p) for p in places + rng.normal(0, error, 4))
        others = [places + rng.normal(0, 6, 4) for _ in range(12)]
        signals = [
            [PredictedSignal("13C NMR", (0,), float(p), 2.0, 1, 1) for p in own]
            for own in (places, *others)
        ]
        trials.append(Trial(peaks, SignalRows.of("13C NMR", signals), np.zeros(13)))
    return trials


def test_fitted_prices_are_better_and_follow_the_errors():
    sure = fitted_prices("13C NMR", _trials(0.3))
    assert surprise(_trials(0.3), sure) < surprise(_trials(0.3), PRICES["13C NMR"])
    unsure = fitted_prices("13C NMR", _trials(5.0))
    width = {name: p.factor * 2.0 + p.floor for name, p in (("sure", sure), ("unsure", unsure))}
    assert width["sure"] < width["unsure"]


def test_trials_are_made_of_the_tables(small_tables, tmp_path, rule_predictor):
    shutil.copy(small_tables / "nmr_valid.jsonl.gz", tmp_path)
    with gzip.open(tmp_path / "library_smiles.txt.gz", "wt") as lines:
        lines.write("CCC\nCCCC\nCCCCO\nCCCN\n")
    trials = price_trials(tmp_path, tmp_path / "libraries", rule_predictor, queries=6)
    assert len(trials["13C NMR"]) == 12
    assert len(trials["1H NMR"]) == 6
    assert all(len(trial.rows) == len(trial.beside) for trial in trials["1H NMR"])
    assert surprise(trials["13C NMR"], PRICES["13C NMR"]) == pytest.approx(
        np.mean([surprise([t], PRICES["13C NMR"]) for t in trials["13C NMR"]])
    )
