"""Lines averaged over bins, against the analytic shape integrated numerically."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.line_shapes import binned_lines


def pseudo_voigt(x, position, area, width, gaussian):
    """Heights of a line of an ``area``; ``width`` is the full width at half maximum."""
    lorentz = (width / 2 / np.pi) / ((x - position) ** 2 + (width / 2) ** 2)
    gauss = np.sqrt(4 * np.log(2) / np.pi) / width
    gauss = gauss * np.exp(-4 * np.log(2) * ((x - position) / width) ** 2)
    return area * ((1 - gaussian) * lorentz + gaussian * gauss)


@settings(max_examples=40, deadline=None)
@given(
    position=st.floats(-2, 12), width=st.floats(0.05, 5), gaussian=st.floats(0, 1),
    area=st.floats(0.01, 100),
)  # fmt: skip
def test_bins_hold_the_mean_of_the_line(position, width, gaussian, area):
    edges = np.linspace(0, 10, 26)
    means = binned_lines(
        edges, np.array([position]), np.array([area]), np.array([width]), np.array([gaussian])
    )
    inner = 400
    x = np.linspace(0, 10, 25 * inner + 1)
    heights = pseudo_voigt(x, position, area, width, gaussian)
    middle = (heights[1:] + heights[:-1]) / 2
    expected = middle.reshape(25, inner).mean(1)
    assert means == pytest.approx(expected, rel=2e-3, abs=2e-5 * area)


def test_many_lines_add_up():
    rng = np.random.default_rng(0)
    edges = np.linspace(0, 100, 301)
    positions, areas = rng.uniform(5, 95, 20), rng.uniform(0.5, 2, 20)
    widths, shares = rng.uniform(0.01, 2, 20), rng.uniform(0, 1, 20)
    together = binned_lines(edges, positions, areas, widths, shares)
    apart = sum(
        binned_lines(edges, *(values[i : i + 1] for values in (positions, areas, widths, shares)))
        for i in range(20)
    )
    assert together == pytest.approx(apart, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("bins", [10, 600, 5000])
@pytest.mark.parametrize("gaussian", [0.0, 0.5, 1.0])
def test_area_is_conserved_however_narrow_the_line(bins, gaussian):
    edges = np.linspace(0, 240, bins + 1)
    means = binned_lines(edges, np.array([101.37]), np.array([3.0]), np.array([0.01]), gaussian)
    # A Lorentz line has 2/pi * half width / distance outside the window.
    assert (means * np.diff(edges)).sum() == pytest.approx(3.0, rel=1e-3)
    assert means.min() >= -1e-4


def test_full_width_at_half_maximum():
    edges = np.linspace(-5, 5, 20001)
    centres = (edges[1:] + edges[:-1]) / 2
    for gaussian in (0.0, 1.0):
        means = binned_lines(edges, np.zeros(1), np.ones(1), np.array([1.3]), gaussian)
        above = centres[means >= means.max() / 2]
        assert above[-1] - above[0] == pytest.approx(1.3, abs=0.01)


def test_no_lines_are_a_flat_spectrum():
    nothing = np.zeros(0)
    assert (binned_lines(np.linspace(0, 1, 11), nothing, nothing, nothing) == np.zeros(10)).all()


def test_a_list_of_a_hundred_thousand_lines_takes_little_memory():
    import tracemalloc

    count = 100_000
    positions = np.linspace(0, 200, count)
    tracemalloc.start()
    means = binned_lines(np.linspace(0, 200, 101), positions, np.ones(count), np.full(count, 0.01))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert means[1:-1] == pytest.approx(np.full(98, count / 200), rel=0.01)
    assert peak < 50e6
