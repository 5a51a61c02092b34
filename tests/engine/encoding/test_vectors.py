"""Vectors of 600 points: bin means against integrals, fragments against the paper's equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.encoding.channels import CHANNEL_NAMES, CHANNELS, POINTS, channel
from engine.encoding.vectors import bin_means, encode_masses, normalise_infrared, normalise_nmr

IR = channel("IR")


def test_channels_are_the_five_inputs_of_the_network():
    assert CHANNEL_NAMES == ("IR", "1H NMR", "13C NMR", "MS/MS+", "MS/MS-")
    for one in CHANNELS:
        assert one.edges.shape == (POINTS + 1,)
        assert one.centres.shape == (POINTS,)
        assert (one.edges[0], one.edges[-1]) == (one.low, one.high)
        assert (np.diff(one.centres) > 0).all()
        assert channel(one.name) is one
    with pytest.raises(KeyError, match="Raman"):
        channel("Raman")


@settings(max_examples=40, deadline=None)
@given(
    points=st.integers(30, 3000), low=st.floats(0, 1500), high=st.floats(2500, 5000),
    intercept=st.floats(-3, 3), slope=st.floats(-1e-3, 1e-3), falling=st.booleans(),
)  # fmt: skip
def test_a_straight_line_has_its_middle_height_as_mean(
    points, low, high, intercept, slope, falling
):
    x = np.linspace(low, high, points)
    if falling:
        x = x[::-1]
    means = bin_means(x, intercept + slope * x, IR)
    covered = (IR.edges[:-1] >= low) & (IR.edges[1:] <= high)
    assert means[covered] == pytest.approx((intercept + slope * IR.centres)[covered], abs=1e-6)
    outside = (IR.edges[1:] <= low) | (IR.edges[:-1] >= high)
    assert (means[outside] == 0).all()


def test_means_are_integrals_over_the_bins_on_an_uneven_axis():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(380, 4020, 20000))
    y = np.exp(-(((x - 1715) / 9) ** 2)) + 0.5 * np.exp(-(((x - 2950) / 30) ** 2))
    means = bin_means(x, y, IR)
    for number in (218, 219, 220, 424, 425):
        inner = np.linspace(IR.edges[number], IR.edges[number + 1], 2001)
        expected = np.interp(inner, x, y).mean()
        assert means[number] == pytest.approx(expected, abs=2e-4)


def test_a_line_a_hundredth_of_a_bin_wide_keeps_its_area():
    carbon = channel("13C NMR")
    x = np.linspace(-20, 240, 65536)
    y = 1 / (1 + ((x - 128.37) / 0.02) ** 2)
    means = bin_means(x, y, carbon)
    assert carbon.centres[means.argmax()] == pytest.approx(128.37, abs=0.2)
    assert means.sum() * 0.4 == pytest.approx(np.pi * 0.02, rel=0.01)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_ascending_and_descending_axes_encode_alike(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.choice(np.arange(300, 4200, 0.5), 900, replace=False))
    y = rng.normal(size=900)
    assert bin_means(x, y, IR) == pytest.approx(bin_means(x[::-1], y[::-1], IR))


def test_points_that_are_not_numbers_are_left_out():
    x = np.arange(400, 4001.0)
    y = 0.3 + 1e-4 * x
    holes = y.copy()
    holes[100:110] = np.nan
    holes[2000] = np.inf
    assert bin_means(x, holes, IR) == pytest.approx(bin_means(x, y, IR))
    assert (bin_means(x, np.full(3601, np.nan), IR) == 0).all()
    assert (bin_means(x[:1], y[:1], IR) == 0).all()


def test_a_range_outside_the_window_is_zero():
    x = np.arange(4100, 8000.0)
    assert (bin_means(x, np.ones_like(x), IR) == 0).all()
    part = np.arange(1000, 2000.0)
    means = bin_means(part, np.ones_like(part), IR)
    inside = (IR.edges[:-1] >= 1000) & (IR.edges[1:] <= 1999)
    assert (means[inside] == 1).all()
    assert (means[(IR.centres < 990) | (IR.centres > 2010)] == 0).all()


def test_nmr_is_lifted_scaled_and_rooted():
    means = np.full(600, 5.0)
    means[100], means[200] = 9.0, 5.04
    encoded = normalise_nmr(means)
    assert encoded[100] == 1.0
    assert encoded[200] == pytest.approx(np.sqrt(0.01))
    assert encoded[0] == 0
    assert (normalise_nmr(np.zeros(600)) == 0).all()
    assert normalise_nmr(np.stack([means, 3 * means])) == pytest.approx(np.stack([encoded] * 2))


def test_noise_of_empty_bins_does_not_show_and_lines_above_it_do():
    rng = np.random.default_rng(0)
    means = rng.normal(0, 1.0, (50, 600))
    means[:, 100], means[:, 200] = 100.0, 20.0
    encoded = normalise_nmr(means)
    assert np.abs(encoded[:, 200] - np.sqrt(17 / 97)).max() < 0.05
    # Of normal noise 0.13 % lies above three deviations.
    empty = np.delete(encoded, (100, 200), axis=1)
    assert (empty > 0).mean() < 0.005
    assert empty.max() < 0.2


def test_absorbances_keep_their_height_between_bounds():
    assert normalise_infrared(np.array([-4, -0.2, 0.7, 9])).tolist() == [-0.5, -0.2, 0.7, 3.0]


# --- fragments ------------------------------------------------------------------------------------


def equations_34_to_38(mz, intensity, sigma=4.0):
    """SymSpectra's appendix F.3, term by term; intensities enter by their square root."""
    from scipy.interpolate import CubicSpline

    x = np.arange(6000)
    vector = np.zeros(6000)
    for mass, height in zip(mz, intensity, strict=True):
        place = np.floor(10 * mass)
        kernel = np.exp(-((x - place) ** 2) / (2 * sigma**2))
        vector += np.sqrt(height) * kernel / kernel.sum()
    sampled = np.maximum(0, CubicSpline(x, vector)(np.linspace(0, 5999, 600)))
    return sampled / (np.linalg.norm(sampled) + 1e-9)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.floats(5, 595), st.floats(1e-3, 1)), min_size=1, max_size=30)
)  # fmt: skip
def test_fragments_follow_the_papers_equations(peaks):
    mz, intensity = np.array(peaks).T
    assert encode_masses(mz, intensity) == pytest.approx(
        equations_34_to_38(mz, intensity), abs=2e-3
    )


def test_fragments_do_not_depend_on_the_scale_of_the_detector():
    mz, intensity = np.array([43.02, 91.05, 320.4]), np.array([10.0, 100.0, 30.0])
    encoded = encode_masses(mz, intensity)
    assert np.linalg.norm(encoded) == pytest.approx(1.0)
    assert encode_masses(mz, 1e6 * intensity) == pytest.approx(encoded)
    assert encode_masses(mz[::-1], intensity[::-1]) == pytest.approx(encoded)
    centres = channel("MS/MS+").centres
    assert centres[encoded.argmax()] == pytest.approx(91.05, abs=1.0)


def test_fragments_out_of_range_or_without_intensity_do_not_count():
    encoded = encode_masses(np.array([100.0]), np.array([1.0]))
    noisy = encode_masses(
        np.array([-1.0, 100.0, 200.0, 300.0, 600.0, 1200.0]),
        np.array([9.0, 1.0, 0.0, np.nan, 5.0, 50.0]),
    )
    assert noisy == pytest.approx(encoded)
    assert (encode_masses(np.zeros(0), np.zeros(0)) == 0).all()
    assert (encode_masses(np.array([700.0]), np.array([1.0])) == 0).all()
    assert encode_masses(np.array([0.0, 599.99]), np.ones(2)).shape == (600,)
