"""Noise, levels and smaller copies of matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.processing.contours import (
    contour_levels,
    has_negative_peaks,
    lowest_level,
    matrix_noise,
    reduced,
    skyline,
)


def _peaks(noise: float) -> np.ndarray:
    z = np.random.default_rng(2).normal(scale=noise, size=(200, 300))
    z[50, 60], z[120, 200] = 100.0, -40.0
    return z.astype(np.float32)


def test_noise_is_found_beside_peaks():
    assert matrix_noise(_peaks(1.0)) == pytest.approx(1.0, rel=0.05)
    assert matrix_noise(np.zeros((50, 50))) == 0.0


def test_the_lowest_level_lies_above_noise_and_below_peaks():
    z = _peaks(1.0)
    lowest = lowest_level(z, matrix_noise(z))
    assert 6 < lowest < 30
    assert has_negative_peaks(z, lowest)
    # Where there is hardly any noise, levels do not go down into rounding.
    assert lowest_level(_peaks(1e-9), 1e-9) == pytest.approx(0.2)
    assert lowest_level(np.zeros((4, 4)), 0.0) > 0


@given(st.floats(1e-6, 1e6), st.floats(1.01, 1e9))
def test_levels_rise_by_one_ratio(lowest, span):
    levels = contour_levels(lowest, lowest * span)
    assert 1 <= len(levels) <= 15 and levels[0] == lowest and levels[-1] < lowest * span * 1.001
    ratios = np.diff(np.log(levels))
    assert (ratios > 0.33).all() and np.ptp(ratios) < 1e-6 if len(ratios) else True


def test_a_projection_keeps_signs():
    z = np.array([[1.0, -5.0, 0.0], [2.0, 3.0, 0.0]])
    assert skyline(z, 0).tolist() == [2, -5, 0] and skyline(z, 1).tolist() == [-5, 3]


def test_a_smaller_copy_keeps_peaks_at_their_places():
    x, y, z = np.arange(300.0), np.arange(200.0), _peaks(0.1)
    small_x, small_y, small = reduced(x, y, z, 90, 50)
    assert small.shape == (len(small_y), len(small_x)) and small.shape <= (50, 90)
    assert small.max() == z.max() and small.min() == z.min()
    row, column = np.unravel_index(small.argmin(), small.shape)
    assert abs(small_y[row] - 120) <= 4 and abs(small_x[column] - 200) <= 4
    assert reduced(x, y, z, 300, 200)[2] is z
