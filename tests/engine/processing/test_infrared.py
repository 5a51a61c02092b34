"""Infrared steps: the two scales, the floor, smoothing and the base line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.processing.baseline import correct_baseline
from engine.processing.infrared import correct_atr, smooth, to_absorbance, to_transmittance
from engine.spectra import Spectrum

X = np.linspace(400, 4000, 901)


def infrared(y, unit):
    return Spectrum("IR", X, y, "1/cm", unit)


@given(st.lists(st.floats(1e-4, 1.5), min_size=2, max_size=50))
def test_transmittance_to_absorbance_and_back(values):
    spectrum = Spectrum("IR", np.arange(float(len(values))), values, "1/cm", "transmittance")
    absorbance = to_absorbance(spectrum)
    assert absorbance.y_unit == "absorbance"
    np.testing.assert_allclose(absorbance.y, -np.log10(values), atol=1e-12)
    np.testing.assert_allclose(to_transmittance(absorbance).y, values, rtol=1e-9)


def test_no_light_is_clipped_and_said():
    y = np.full(901, 0.5)
    y[:3] = [0.0, -0.02, 1e-9]
    spectrum = to_absorbance(infrared(y, "transmittance"))
    assert (spectrum.y[:3] == 4.0).all() and np.isfinite(spectrum.y).all()
    assert "3 of 901" in spectrum.warnings[0]


def test_other_units_are_refused():
    for function in (to_absorbance, to_transmittance):
        with pytest.raises(ValueError, match="'intensity'"):
            function(infrared(np.ones(901), "intensity"))


def test_smoothing_keeps_a_parabola_and_lowers_noise():
    parabola = (X / 1000) ** 2
    np.testing.assert_allclose(smooth(infrared(parabola, "absorbance")).y, parabola, atol=1e-9)
    noise = np.random.default_rng(0).normal(size=901)
    assert smooth(infrared(noise, "absorbance"), 21, 2).y.std() < 0.5
    with pytest.raises(ValueError, match="odd"):
        smooth(infrared(noise, "absorbance"), 10)


def test_base_line_of_both_scales():
    bands = 0.8 * np.exp(-(((X - 1700) / 20) ** 2)) + 0.4 * np.exp(-(((X - 2900) / 40) ** 2))
    tilt = 0.1 + 0.2 * (X - 400) / 3600
    flat = correct_baseline(infrared(bands + tilt, "absorbance"))
    np.testing.assert_allclose(flat.y, bands, atol=0.02)
    flat = correct_baseline(infrared(10 ** -(bands + tilt), "transmittance"))
    np.testing.assert_allclose(flat.y, 10**-bands, atol=0.05)


def test_atr_depth():
    corrected = correct_atr(infrared(np.ones(901), "absorbance"), 1000.0)
    assert np.interp(1000, X, corrected.y) == pytest.approx(1.0)
    assert np.interp(500, X, corrected.y) == pytest.approx(0.5)
