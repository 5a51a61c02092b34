"""Peaks: where lines were put, and not in the noise."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.processing import pick_peaks
from engine.processing.peaks import peak_near
from engine.spectra import Spectrum


def lorentzians(x, lines):
    return sum(h * (w / 2) ** 2 / ((x - p) ** 2 + (w / 2) ** 2) for p, h, w in lines)


@settings(max_examples=30, deadline=None)
@given(
    shift=st.floats(-0.5, 0.5), width=st.floats(0.05, 0.4), falling=st.booleans(),
    height=st.floats(1e-6, 1e9),
)  # fmt: skip
def test_position_height_and_width_of_lines(shift, width, falling, height):
    x = np.linspace(0, 20, 8001)
    lines = [(5 + shift, height, width), (15 + shift, height / 3, width)]
    y = lorentzians(x, lines)
    if falling:
        x, y = x[::-1], y[::-1]
    peaks = pick_peaks(Spectrum("1H NMR", x, y, "ppm"))
    assert [p.position for p in peaks] == pytest.approx([l[0] for l in lines], abs=1e-3)  # noqa: E741
    assert [p.height for p in peaks] == pytest.approx([l[1] for l in lines], rel=0.01)  # noqa: E741
    assert [p.width for p in peaks] == pytest.approx([width, width], rel=0.05)


def test_uneven_axis():
    x = np.sort(np.random.default_rng(0).uniform(0, 10, 4000))
    (peak,) = pick_peaks(Spectrum("UV-Vis", x, np.exp(-(((x - 4) / 0.5) ** 2)), "nm"))
    assert peak.position == pytest.approx(4.0, abs=0.02)
    assert peak.width == pytest.approx(2 * 0.5 * np.sqrt(np.log(2)), rel=0.03)


def test_transmittance_bands_point_down():
    x = np.linspace(400, 4000, 1801)
    y = 0.95 - lorentzians(x, [(1712, 0.8, 20), (2950, 0.3, 60)])
    y += np.random.default_rng(0).normal(size=len(x)) * 0.002
    peaks = pick_peaks(Spectrum("IR", x, y, "1/cm", "transmittance"))
    assert [p.position for p in peaks] == pytest.approx([1712, 2950], abs=4)
    assert peaks[0].height == pytest.approx(0.15, abs=0.02)


def test_noise_is_not_picked():
    y = np.random.default_rng(0).normal(size=65536)
    assert pick_peaks(Spectrum("13C NMR", np.arange(65536.0), y, "ppm")) == []


def test_carbon_lines_beside_a_towering_solvent():
    x = np.linspace(0, 220, 65536)
    solvent = [(77.16 + d, 300.0, 0.02) for d in (-0.32, 0.0, 0.32)]
    carbons = [(20.1, 1.0, 0.02), (128.4, 2.0, 0.02), (170.3, 0.6, 0.02)]
    y = lorentzians(x, solvent + carbons) + np.random.default_rng(0).normal(size=len(x)) * 0.02
    spectrum = Spectrum(
        "13C NMR", x, y, "ppm", metadata={"solvent": "CDCl3", "frequency_mhz": 100.6}
    )
    assert len(pick_peaks(spectrum)) == 6
    peaks = pick_peaks(spectrum, drop_solvent=True)
    assert [p.position for p in peaks] == pytest.approx([20.1, 128.4, 170.3], abs=0.01)


def test_inverted_lines():
    x = np.linspace(0, 200, 20001)
    y = lorentzians(x, [(50, 1.0, 0.1)]) - lorentzians(x, [(100, 1.0, 0.1)])
    dept = Spectrum("13C NMR", x, y, "ppm", metadata={"pulse_program": "deptsp135"})
    assert [p.position for p in pick_peaks(dept)] == pytest.approx([50, 100], abs=0.01)
    plain = Spectrum("13C NMR", x, y, "ppm")
    assert [p.position for p in pick_peaks(plain)] == pytest.approx([50], abs=0.01)
    assert [p.position for p in pick_peaks(plain, direction="down")] == pytest.approx(
        [100], abs=0.01
    )


def test_sticks_are_their_own_peaks():
    mass = Spectrum("MS", [41.0, 43.0, 58.0], [0.5, 100.0, 30.0], "m/z", kind="sticks")
    assert [(p.position, p.height, p.width) for p in pick_peaks(mass)] == [
        (43.0, 100.0, 0.0), (58.0, 30.0, 0.0),
    ]  # fmt: skip
    assert len(pick_peaks(mass, min_height=0.0)) == 3
    paper = Spectrum("13C NMR", [14.1, 60.3, 171.1], [1.0, 1.0, 1.0], "ppm", kind="sticks")
    assert len(pick_peaks(paper)) == 3


def test_what_has_no_peaks():
    for y in ([0.0] * 50, [1.0] * 50, list(range(50)), [np.nan] * 50):
        assert pick_peaks(Spectrum("IR", np.arange(50.0), y, "1/cm", "absorbance")) == []
    assert pick_peaks(Spectrum("IR", [1.0], [1.0], "1/cm", "absorbance")) == []
    fid = Spectrum("1H NMR", [0.0, 1.0], [1.0, 0.0], "s", kind="fid")
    with pytest.raises(ValueError, match="FID"):
        pick_peaks(fid)
    with pytest.raises(ValueError, match="sideways"):
        pick_peaks(Spectrum("IR", [1.0, 2.0], [1.0, 2.0], "1/cm"), direction="sideways")


def test_a_million_points_take_less_than_a_second():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 220, 10**6)
    y = rng.normal(size=10**6) * 0.01 + lorentzians(x, [(p, 1, 0.05) for p in range(5, 215, 10)])
    spectrum = Spectrum("13C NMR", x, y, "ppm")
    start = time.perf_counter()
    assert len(pick_peaks(spectrum)) == 21
    assert time.perf_counter() - start < 5


def test_infrared_of_a_real_molecule_has_tens_of_bands(samples):
    jcamp = pytest.importorskip("engine.formats.jcamp")
    path = samples / "ir/04_jcamp_AFFN_T01_liquid_coblentz_ethylbenzene.jdx"
    peaks = pick_peaks(jcamp.READER.read(path)[0])
    assert 15 <= len(peaks) <= 60
    # bands of ethylbenzene that every table gives: ring stretches, CH3, out-of-plane C-H
    for band in (698, 746, 1453, 1496, 1605, 2966):
        assert min(abs(p.position - band) for p in peaks) < 20


def test_the_solvent_is_found_on_an_axis_that_nobody_referenced():
    x = np.linspace(-1, 12, 65536)
    about = {"solvent": "CDCl3", "frequency_mhz": 400.0}
    lines = [(7.26 + 0.07, 1.0, 0.002), (2.1 + 0.07, 0.6, 0.002)]
    y = lorentzians(x, lines) + np.random.default_rng(0).normal(size=len(x)) * 1e-4
    peaks = pick_peaks(Spectrum("1H NMR", x, y, "ppm", metadata=about), drop_solvent=True)
    assert [p.position for p in peaks] == pytest.approx([2.17], abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "place", "top"), [("absorbance", 3.8, 4.0), ("transmittance", 4.3, 4.0)]
)
def test_the_peak_that_somebody_points_at(kind, place, top):
    """The top of the hill (or the bottom of the dip), whatever the noise, or none on a slope."""
    x = np.linspace(0, 10, 2001)[::-1]
    hills = lorentzians(x, [(top, 0.8, 0.6), (7.5, 0.5, 0.2)])
    y = hills if kind == "absorbance" else 1 - hills
    found = peak_near(Spectrum("IR", x, y, "1/cm", kind), place, 0.25)
    assert found.position == pytest.approx(top, abs=0.01)
    assert found.width == pytest.approx(0.6, rel=0.1)
    assert found.height == pytest.approx(0.8 if kind == "absorbance" else 0.2, abs=0.02)


def test_a_stick_is_pointed_at_and_nothing_where_none_is():
    sticks = Spectrum("MS", [15, 43, 44, 58], [30, 100, 3, 25], "m/z", kind="sticks")
    assert peak_near(sticks, 43.6, 1.0).position == 43
    assert peak_near(sticks, 50.0, 1.0) is None
    slope = Spectrum("IR", np.arange(100.0), np.arange(100.0), "1/cm", "absorbance")
    assert peak_near(slope, 50.0, 3.0) is None


def test_inverted_lines_are_as_wide_as_upright_ones():
    x = np.linspace(0, 100, 20001)
    y = sum(h / (1 + ((x - c) / 0.05) ** 2) for c, h in ((20, 1.0), (40, -1.0), (60, 1.0)))
    spectrum = Spectrum("13C NMR", x, y, "ppm", metadata={"pulse_program": "dept135"})
    widths = {round(p.position): p.width for p in pick_peaks(spectrum)}
    assert widths == pytest.approx({20: 0.1, 40: 0.1, 60: 0.1}, rel=0.05)
