"""Tabulated intensities are the logarithm of the integral of the signals' densities in each bin."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy.stats import cauchy

from engine.chemistry.signal_intensities import AXES, STEP, intensity_levels


@pytest.mark.parametrize("technique", AXES)
def test_a_signal_fills_the_bins_around_it(technique):
    axis = AXES[technique]
    middle = axis.first + axis.width * (axis.bins / 2 + 0.3)
    error = 2 * axis.width
    levels = intensity_levels(axis, np.array([1]), np.array([middle]), np.array([error]), 3)
    assert levels.shape == (axis.bins, 3)
    assert not levels[:, [0, 2]].any()
    scale = axis.factor * error + axis.floor
    edges = axis.first + axis.width * np.arange(axis.bins + 1)
    share = np.diff(cauchy.cdf(edges, middle, scale)) / axis.width
    expected = np.log1p(share / axis.background) / STEP
    near = np.abs(edges[:-1] - middle) < 20 * axis.width
    assert levels[near, 1] == pytest.approx(np.minimum(expected[near], 255), abs=0.51)


def test_signals_add_up():
    axis = AXES["13C NMR"]
    one = intensity_levels(axis, np.array([0]), np.array([100.0]), np.array([1.0]), 1)
    two = intensity_levels(axis, np.array([0, 0]), np.full(2, 100.0), np.full(2, 1.0), 1)
    place = axis.bin_of(100.0)
    gained = (float(two[place, 0]) - float(one[place, 0])) * STEP
    assert gained == pytest.approx(log(2), abs=0.1)


def test_what_lies_beyond_the_axis_is_in_its_last_bins():
    axis = AXES["13C NMR"]
    assert axis.bin_of(np.array([-500.0, 900.0])).tolist() == [0, axis.bins - 1]
    levels = intensity_levels(axis, np.array([0]), np.array([400.0]), np.array([1.0]), 1)
    assert levels[-1, 0] > 100
