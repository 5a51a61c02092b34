"""Mass spectra: centroids, base peak, small sticks."""

from __future__ import annotations

import numpy as np

from engine.processing.mass import (
    centroid,
    normalise_to_base_peak,
    remove_small_sticks,
)
from engine.spectra import Spectrum


def profile(lines, noise=0.0):
    x = np.arange(100.0, 400.0, 0.002)
    y = sum(h * np.exp(-(((x - m) / 0.01) ** 2)) for m, h in lines)
    return Spectrum("MS", x, y + noise * np.random.default_rng(0).random(len(x)), "m/z")


def sticks(x, y):
    return Spectrum("MS", x, y, "m/z", kind="sticks")


def test_centroids_stand_at_the_ions():
    lines = [(121.0284, 30.0), (195.0877, 100.0), (196.0910, 11.0), (384.2201, 5.0)]
    found = centroid(profile(lines, noise=0.05))
    assert found.kind == "sticks"
    np.testing.assert_allclose(found.x, [m for m, _ in lines], atol=5e-4)
    np.testing.assert_allclose(found.y, [h for _, h in lines], rtol=0.03)
    assert centroid(found) is found


def test_empty_profile_is_kept():
    assert "noise" in centroid(profile([(200.0, 0.0)])).warnings[-1]


def test_scaling_to_the_base_peak():
    scaled = normalise_to_base_peak(sticks([50.0, 60.0], [4.0, 8.0]))
    np.testing.assert_allclose(scaled.y, [50.0, 100.0])
    assert normalise_to_base_peak(sticks([50.0], [0.0])).warnings
    assert list(remove_small_sticks(sticks([1.0, 2.0], [0.05, 100.0])).x) == [2.0]
