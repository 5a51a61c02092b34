"""Integrals: areas of known lines, the regions that hold them, and whole numbers of nuclei."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.processing import Peak, apply, default_chain
from engine.processing.integration import (
    COMPOUND,
    REFERENCE,
    SATELLITE,
    SOLVENT,
    WATER,
    Integral,
    find_regions,
    integral_curve,
    integrate,
    normalise,
    whole_numbers,
)
from engine.spectra import Spectrum

MHZ = 400.0


def spectrum_of(lines, *, noise=1e-4, shift=0.0, base=None, technique="1H NMR", **metadata):
    """Lorentz lines of ``(ppm, area, full width in Hz)`` on a descending axis."""
    x = np.linspace(12, -1, 65536)
    y = np.zeros(len(x))
    for ppm, area, width in lines:
        half = width / MHZ / 2
        y += area / np.pi * half / ((x - ppm - shift) ** 2 + half**2)
    y += np.random.default_rng(0).normal(size=len(x)) * noise * y.max()
    if base is not None:
        y += base(x)
    return Spectrum(technique, x, y, "ppm", metadata={"frequency_mhz": MHZ, **metadata})


def doublet(ppm, area, j, width=1.0):
    return [(ppm - j / 2 / MHZ, area / 2, width), (ppm + j / 2 / MHZ, area / 2, width)]


def test_areas_are_proportional_whatever_the_widths():
    spectrum = spectrum_of(
        [(2.1, 3.0, 0.8), (3.5, 2.0, 1.5), *doublet(7.2, 1.0, 8.0), *doublet(6.1, 1.0, 16.0)]
    )
    regions = find_regions(spectrum)
    assert [len(r.peaks) for r in regions] == [1, 1, 2, 2]
    assert all(r.low < r.peaks[0].position <= r.peaks[-1].position < r.high for r in regions)
    areas = [i.area for i in integrate(spectrum, regions)]
    assert np.array(areas) / areas[0] * 3 == pytest.approx([3, 2, 1, 1], rel=0.02)
    normalised = normalise(integrate(spectrum, regions), 7)
    assert [i.nuclei for i in normalised] == pytest.approx([3, 2, 1, 1], rel=0.02)
    by_methyl = normalise(integrate(spectrum, regions), 3, reference=0)
    assert [i.nuclei for i in by_methyl] == pytest.approx([3, 2, 1, 1], rel=0.02)


def test_an_area_is_that_of_the_line_within_the_ends():
    """The integral of a Lorentz line from -a to a is 2 / pi * atan(2 a / width) of its area."""
    spectrum = spectrum_of([(5.0, 2.0, 4.0)], noise=0)
    for reach in (0.005, 0.05, 0.5):
        (integral,) = integrate(spectrum, [(5.0 + reach, 5.0 - reach)])
        expected = 2.0 * 2 / np.pi * np.arctan(2 * reach * MHZ / 4.0)
        assert integral.area == pytest.approx(expected, rel=2e-3)
        assert integral.low == pytest.approx(5.0 - reach)


def test_bias_and_slope_are_taken_off():
    lines = [(2.1, 1.0, 1.0), (6.0, 1.0, 1.0)]
    region = [(1.9, 2.3), (5.8, 6.2)]
    plain = [i.area for i in integrate(spectrum_of(lines), region)]
    level = 0.4 * max(plain)
    raised = spectrum_of(lines, base=lambda x: level + 0 * x)
    assert integrate(raised, region)[0].area > 1.1 * plain[0]
    for correction in ("bias", "linear"):
        corrected = integrate(raised, region, correction)
        assert [i.area for i in corrected] == pytest.approx(plain, rel=0.01)
        assert corrected[0].bias == pytest.approx(level, rel=0.05)
    sloping = spectrum_of(lines, base=lambda x: level * (x - 1.0))
    corrected = integrate(sloping, region, "linear")
    assert [i.area for i in corrected] == pytest.approx(plain, rel=0.01)
    assert corrected[1].slope == pytest.approx(level, rel=0.05)


@pytest.mark.parametrize("correction", ["none", "linear"])
def test_the_curve_rises_to_the_area(correction):
    spectrum = spectrum_of(doublet(3.0, 2.0, 7.0), base=lambda x: 0.1 + 0.05 * x)
    (integral,) = integrate(spectrum, [(2.9, 3.1)], correction)
    ppm, area = integral_curve(spectrum, integral)
    assert (ppm[0], ppm[-1]) == (3.1, 2.9) and (np.diff(ppm) < 0).all()
    assert area[0] == 0 and area[-1] == pytest.approx(integral.area, rel=1e-6)


def test_what_is_not_the_compound():
    j = 140.0 / MHZ / 2
    lines = [
        (7.26, 0.5, 1.0), (1.56, 0.4, 2.0), (0.0, 0.3, 0.8), (3.75, 3.0, 0.8),
        (3.75 - j, 0.0165, 0.8), (3.75 + j, 0.0165, 0.8), (6.8, 2.0, 1.0),
    ]  # fmt: skip
    kinds = {0: REFERENCE, 1: WATER, 7: SOLVENT, 6: COMPOUND}
    for shift in (0.0, 0.06):  # as measured, and on an axis that nobody referenced
        regions = find_regions(spectrum_of(lines, shift=shift, solvent="CDCl3", noise=2e-5))
        for region in regions:
            place = (region.low + region.high) / 2 - shift
            if abs(place - 3.75) < 0.05:
                assert region.kind == COMPOUND
            elif 3 < place < 4.5:
                assert region.kind == SATELLITE
            else:
                assert region.kind == kinds[int(place + 0.2)]
        assert len(regions) == 7
    unknown = find_regions(spectrum_of(lines))
    assert {r.kind for r in unknown} == {COMPOUND, REFERENCE, SATELLITE}


def test_the_solvent_among_the_signals():
    lines = [*doublet(7.28, 1.0, 8.0), (7.26, 0.3, 1.0), *doublet(7.6, 1.0, 8.0)]
    first, second = find_regions(spectrum_of(lines, solvent="CDCl3"))
    assert (first.kind, first.holds_solvent) == (COMPOUND, True)
    assert (second.kind, second.holds_solvent) == (COMPOUND, False)


def test_quintet_of_a_deuterated_methyl_is_the_solvent():
    quintet = [(2.5 + k * 1.9 / MHZ, n / 19, 0.8) for k, n in zip(range(-2, 3), (1, 2, 3, 2, 1))]  # noqa: B905
    spectrum = spectrum_of([*quintet, (3.33, 1.0, 3.0), (4.2, 1.0, 1.0)], solvent="DMSO-d6")
    assert [r.kind for r in find_regions(spectrum)] == [SOLVENT, WATER, COMPOUND]


@pytest.mark.parametrize(
    ("areas", "numbers"),
    [
        ([1.0, 1.0, 3.0], [1, 1, 3]),
        ([0.97, 2.06, 3.1], [1, 2, 3]),
        ([2.0, 3.0], [2, 3]),
        ([200.0, 300.0, 101.0], [2, 3, 1]),
        ([9.2, 0.98, 1.02, 3.05], [9, 1, 1, 3]),
        ([1.0, 1.02, 0.99, 0.02], [1, 1, 1, 0]),
        ([6.0, 6.1, 1.0], [6, 6, 1]),
        ([5.0], [1]),
        ([1.0, -0.3], [1, 0]),
        ([0.0, 0.0], [0, 0]),
        ([], []),
    ],
)
def test_whole_numbers(areas, numbers):
    assert whole_numbers(areas) == numbers


def test_whole_numbers_of_a_known_total():
    assert whole_numbers([1.3, 1.0, 0.95, 1.1, 0.9, 2.9], 8) == [1, 1, 1, 1, 1, 3]
    assert whole_numbers([1.0, 1.0, 3.0], 10) == [2, 2, 6]
    assert whole_numbers([1.0, 1.0, 0.01], 2) == [1, 1, 0]


@settings(max_examples=100, deadline=None)
@given(
    numbers=st.lists(st.integers(1, 9), min_size=3, max_size=8), unit=st.floats(1e-9, 1e9),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_whole_numbers_are_found_again(numbers, unit, seed):
    numbers = [1, *numbers]
    areas = np.array(numbers) * unit * np.random.default_rng(seed).uniform(0.99, 1.01, len(numbers))
    assert whole_numbers(areas) == numbers
    assert whole_numbers(areas, sum(numbers)) == numbers
    assert sum(whole_numbers(areas, 3 * sum(numbers))) == 3 * sum(numbers)


def test_what_has_no_integrals():
    noise = np.random.default_rng(0).normal(size=8192)
    empty = Spectrum("1H NMR", np.linspace(10, 0, 8192), noise, "ppm")
    assert find_regions(empty) == []
    assert integrate(empty, []) == []
    broken = spectrum_of([(5.0, 1.0, 1.0)])
    y = broken.y.copy()
    y[100:200] = np.nan
    gap = Spectrum("1H NMR", broken.x, y, "ppm", metadata=broken.metadata)
    assert len(find_regions(gap)) == 1
    assert np.isfinite(integrate(gap, [(11, 12)])[0].area)


def test_thousands_of_peaks_take_seconds():
    rng = np.random.default_rng(0)
    y = rng.exponential(size=200_000) ** 3
    crowded = Spectrum("1H NMR", np.linspace(12, 0, len(y)), y, "ppm")
    peaks = [Peak(float(p), float(h), 1e-4) for p, h in zip(crowded.x[::50], y[::50], strict=True)]
    start = time.perf_counter()
    find_regions(crowded, peaks)
    assert time.perf_counter() - start < 5


def test_bad_calls():
    spectrum = spectrum_of([(5.0, 1.0, 1.0)])
    with pytest.raises(ValueError, match="20"):
        integrate(spectrum, [(5.0, 20.0)])
    with pytest.raises(ValueError, match="parabola"):
        integrate(spectrum, [(4.0, 5.0)], "parabola")
    with pytest.raises(ValueError, match="fid"):
        find_regions(Spectrum("1H NMR", [0.0, 1.0], [1.0, 0.0], "s", kind="fid"))
    with pytest.raises(ValueError, match="sticks"):
        integrate(Spectrum("1H NMR", [1.0, 2.0], [1.0, 2.0], "ppm", kind="sticks"), [(1, 2)])
    with pytest.raises(ValueError, match="above 0"):
        normalise([Integral(0, 1, -2.0)], 3)


def test_aspirin_counts_its_protons(samples):
    """From the FID, and from the manufacturer's own processing of the same measurement."""
    reader = pytest.importorskip("engine.formats.registry")
    found = []
    for name in ("01_bruker_1d_1H_aspirin-1h", "01_bruker_1d_1H_aspirin-1h-processed"):
        (spectrum,) = reader.open_spectra(samples / "nmr" / name)
        spectrum = apply(default_chain(spectrum), spectrum)
        regions = [r for r in find_regions(spectrum) if r.kind == COMPOUND]
        assert len(regions) == 6  # four aromatic, acid, acetyl; its satellites are none
        integrals = normalise(integrate(spectrum, regions), 3, reference=0)
        found.append([i.nuclei for i in integrals][:5])
    assert found[0] == pytest.approx([3, 1, 1, 1, 1], abs=0.13)
    assert found[0] == pytest.approx(found[1], abs=0.06)
