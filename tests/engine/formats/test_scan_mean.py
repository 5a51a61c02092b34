"""The mean of scans: intensities are kept, ions stay apart, profiles keep their shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import scan_mean
from engine.formats.scan_mean import ScanMean
from engine.spectra import Source, Spectrum


def _scan(x, y, kind="sticks", seconds=60.0, block="1", **metadata) -> Spectrum:
    return Spectrum(
        "MS", np.asarray(x, float), np.asarray(y, float), "m/z", "intensity", kind,
        source=Source("run.cdf", block), metadata={"retention_time_s": seconds} | metadata,
    )  # fmt: skip


def _mean(*scans: Spectrum) -> Spectrum:
    mean = ScanMean()
    for scan in scans:
        mean.add(scan)
    return mean.spectrum()


def test_ions_of_a_quadrupole_wander_by_tenths():
    mean = _mean(
        _scan([41.1, 43.0, 57.1], [10, 100, 50], seconds=60, block="5"),
        _scan([41.0, 43.1, 58.0], [30, 300, 40], seconds=120, block="6"),
    )
    assert mean.x == pytest.approx([41.025, 43.075, 57.1, 58.0])
    assert mean.y.tolist() == [20, 200, 25, 20]
    assert mean.metadata["retention_time_s"] == 90
    assert mean.metadata["merged_scans"] == 2
    assert mean.title == "mean of 2 scans (5-6), MS, RT 1.00 to 2.00 min"
    assert mean.source.block == "5-6"


def test_ions_of_high_resolution_stay_apart():
    mean = _mean(_scan([85.0284, 127.0390], [1, 4]), _scan([85.0648, 127.0391], [3, 4]))
    assert mean.x == pytest.approx([85.0284, 85.0648, 127.03905])
    assert mean.y.tolist() == [0.5, 1.5, 4]


def test_the_noise_of_many_scans_does_not_bridge_ions():
    rng = np.random.default_rng(3)
    scans = []
    for _ in range(200):
        x = np.arange(50, 150) + rng.uniform(-0.45, 0.45, 100)  # an ion trap with noise only
        scans.append(_scan(x, np.ones(100)))
    mean = _mean(*scans)
    assert 95 < len(mean) < 140
    assert mean.y.sum() == pytest.approx(100)


def test_profiles_on_one_axis_are_added_point_by_point():
    x = np.linspace(100, 101, 50)
    first, second = np.sin(x * 9) + 1, np.cos(x * 9) + 1
    mean = _mean(_scan(x, first, "continuous"), _scan(x, second, "continuous"))
    np.testing.assert_array_equal(mean.x, x)
    np.testing.assert_allclose(mean.y, (first + second) / 2)
    assert mean.kind == "continuous"


def test_profiles_on_drifting_axes_keep_their_shape():
    def peak(x):
        return np.exp(-(((x - 200.02) / 0.01) ** 2)) + 0.5 * np.exp(-(((x - 205.0) / 0.01) ** 2))

    scans = []
    for drift in np.linspace(0, 0.0019, 12):
        stretches = [np.arange(199.9, 200.1, 0.002), np.arange(204.9, 205.1, 0.002)]
        x = np.concatenate(stretches if drift > 0.001 else stretches[:1]) + drift
        scans.append(_scan(x, peak(x), "continuous"))
    mean = _mean(*scans)
    near = np.abs(mean.x - 200.02) < 0.05
    np.testing.assert_allclose(mean.y[near], peak(mean.x[near]), atol=0.01)
    far = np.abs(mean.x - 205) < 0.05
    share = sum(len(scan) > 101 for scan in scans) / 12
    np.testing.assert_allclose(mean.y[far], share * peak(mean.x[far]), atol=0.01)
    # Nothing was measured between the stretches, and nothing is drawn there.
    assert np.interp(202.5, mean.x, mean.y) < 0.01
    assert len(mean) < 220


def test_scans_of_another_kind_are_left_out():
    mean = ScanMean()
    assert mean.add(_scan([50], [1], polarity="positive"))
    assert not mean.add(_scan([50], [9], polarity="negative"))
    assert not mean.add(_scan([50, 51], [9, 9], "continuous", polarity="positive"))
    spectrum = mean.spectrum()
    assert spectrum.y.tolist() == [1]
    assert "2 scans of another polarity" in spectrum.warnings[-1]


def test_no_scans():
    with pytest.raises(ValueError, match="no scans"):
        ScanMean().spectrum()


_STICKS = st.lists(st.floats(10, 1000), min_size=1, max_size=30, unique=True).map(sorted)


@settings(max_examples=60, deadline=None)
@given(st.lists(_STICKS, min_size=1, max_size=8), st.booleans())
def test_intensity_is_kept_whatever_the_scans(sticks, in_parts):
    mean = ScanMean()
    limit = scan_mean._POINTS_AT_ONCE
    scan_mean._POINTS_AT_ONCE = 20 if in_parts else limit
    try:
        for x in sticks:
            mean.add(_scan(x, np.arange(1, len(x) + 1)))
        spectrum = mean.spectrum()
    finally:
        scan_mean._POINTS_AT_ONCE = limit
    total = sum(len(x) * (len(x) + 1) / 2 for x in sticks)
    assert spectrum.y.sum() * len(sticks) == pytest.approx(total)
    assert min(map(min, sticks)) <= spectrum.x[0] and spectrum.x[-1] <= max(map(max, sticks))
