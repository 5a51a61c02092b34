"""What does not come from the sample: spikes of cosmic rays, and the lines of the air."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.processing.atmosphere import CARBON_DIOXIDE, remove_atmosphere
from engine.processing.spikes import despike
from engine.spectra import Spectrum


def raman(noise=1.0, seed=0):
    x = np.linspace(200, 3200, 1500)
    bands = ((800, 8, 300), (1000, 6, 900), (1450, 12, 200), (2900, 25, 600))
    y = 50 + sum(h / (1 + ((x - c) / w) ** 2) for c, w, h in bands)
    return x, y + noise * np.random.default_rng(seed).normal(size=len(x))


@pytest.mark.parametrize(
    ("place", "width"),
    [(0, 1), (1499, 1), (3, 2), (250, 1), (250, 2), (400, 1), (403, 2), (1200, 2), (1350, 1)],
)
def test_a_spike_goes_wherever_it_stands(place, width):
    x, y = raman()
    spoilt = y.copy()
    spoilt[place : place + width] += 500
    cleaned = despike(Spectrum("Raman", x, spoilt, "1/cm"))
    # On the sharpest band of 900 some of the band's own height is a guess.
    assert np.abs(cleaned.y - y).max() < (320 if 395 < place < 405 else 25)
    assert "1 spike was" in cleaned.warnings[0]


@given(st.integers(0, 10_000))
def test_without_spikes_nothing_changes(seed):
    x, y = raman(seed=seed)
    np.testing.assert_array_equal(despike(Spectrum("Raman", x, y, "1/cm")).y, y)


def test_the_direction_is_kept_to():
    x, y = raman()
    y[700] -= 300
    assert despike(Spectrum("Raman", x, y, "1/cm")).y[700] == y[700]
    for direction in ("down", "both"):
        assert despike(Spectrum("Raman", x, y, "1/cm"), direction=direction).y[700] > 40


def test_a_real_raman_spectrum_keeps_its_bands(samples):
    from engine import open_spectra

    for spectrum in open_spectra(samples / "ir" / "27_raman_renishaw.wdf")[:3]:
        spoilt = spectrum.y.copy()
        spoilt[len(spoilt) // 3] += 2 * np.ptp(spoilt)
        before, after = despike(spectrum), despike(Spectrum("Raman", spectrum.x, spoilt, "1/cm"))
        assert np.abs(before.y - spectrum.y).max() < 0.2 * np.ptp(spectrum.y)
        assert np.abs(after.y - spectrum.y).max() < 0.2 * np.ptp(spectrum.y)


def humid(step=1.0):
    """An absorbance with broad and sharp bands, and the same with lines of air on it."""
    x = np.arange(400.0, 4000.0, step)
    own = 0.9 * np.exp(-(((x - 1735) / 9) ** 2)) + 0.3 * np.exp(-(((x - 2900) / 40) ** 2))
    own += 0.4 * np.exp(-(((x - 1250) / 12) ** 2)) + 0.1 * np.exp(-(((x - 3400) / 150) ** 2))
    rng = np.random.default_rng(3)
    air = np.zeros_like(x)
    for low, high, lines in ((1320, 1980, 90), (3520, 3950, 80)):
        for centre in rng.uniform(low, high, lines):
            air += rng.exponential(0.01) / (1 + ((x - centre) / 1.5) ** 2)
    for low, high in CARBON_DIOXIDE:
        middle, wide = (low + high) / 2, (high - low) / 5
        air += 0.2 * np.exp(-(((x - middle) / wide) ** 2)) * (1 + 0.3 * np.sin(x * 2))
    return x, own, own + air


def test_lines_of_the_air_get_weak_and_bands_stay():
    x, own, wet = humid()
    cleaned = remove_atmosphere(Spectrum("IR", x[::-1], wet[::-1], "1/cm", "absorbance"))
    y = cleaned.y[::-1]
    for low, high in CARBON_DIOXIDE:
        inside = (x > low) & (x < high)
        assert np.abs(y - own)[inside].max() < 0.02
    water = ((x > 1330) & (x < 1650)) | ((x > 3550) & (x < 3900))
    before, after = np.gradient(wet - own)[water].std(), np.gradient(y - own)[water].std()
    assert after < 0.5 * before
    carbonyl = np.abs(x - 1735) < 6
    assert y[carbonyl].max() == pytest.approx(wet[carbonyl].max(), rel=0.03)
    elsewhere = (x > 700) & (x < 1290)
    np.testing.assert_array_equal(y[elsewhere], wet[elsewhere])


def test_each_kind_of_line_can_be_left():
    x, _, wet = humid()
    spectrum = Spectrum("IR", x, wet, "1/cm", "absorbance")
    np.testing.assert_array_equal(remove_atmosphere(spectrum, False, False).y, wet)
    only_water = remove_atmosphere(spectrum, carbon_dioxide=False).y
    np.testing.assert_array_equal(only_water[(x > 2200) & (x < 2450)], wet[(x > 2200) & (x < 2450)])


@given(st.integers(1, 60), st.floats(0.5, 60))
def test_any_piece_of_an_axis_is_taken(points, step):
    x = 2300.0 + step * np.arange(points)
    spectrum = Spectrum("IR", x, np.linspace(0, 1, points), "1/cm", "absorbance")
    assert np.isfinite(remove_atmosphere(spectrum).y).all()


def test_other_axes_are_refused():
    mass = Spectrum("MS", [10.0, 20.0], [1.0, 2.0], "m/z", kind="sticks")
    with pytest.raises(ValueError, match="1/cm"):
        remove_atmosphere(mass)
    with pytest.raises(ValueError, match="continuous"):
        despike(mass)
