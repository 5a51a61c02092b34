"""Raw two-dimensional data: every quadrature at the right shifts, phases, and a real experiment."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formats import open_spectra_2d
from engine.processing.phase_search import area_phase
from engine.processing.transform_2d import transform_2d
from engine.spectra import Spectrum2D

X_MHZ, Y_MHZ = 400.0, 100.0
X_WIDTH, Y_WIDTH = 4000.0, 10000.0
X_CARRIER, Y_CARRIER = 5.0, 80.0

METADATA = {
    "frequency_mhz": X_MHZ, "spectrometer_reference_mhz": X_MHZ, "carrier_ppm": X_CARRIER,
    "indirect_frequency_mhz": Y_MHZ, "indirect_spectrometer_reference_mhz": Y_MHZ,
    "indirect_carrier_ppm": Y_CARRIER,
}  # fmt: skip


def rows(quadrature: str, peaks, columns: int = 512, increments: int = 128) -> np.ndarray:
    """Rows (ny, nx) of ``(x ppm, y ppm, height)`` peaks, complex, as ``Spectrum2D`` has them."""
    t = np.arange(columns) / X_WIDTH
    count = 2 * increments if quadrature == "TPPI" else increments
    t1 = np.arange(count) / (Y_WIDTH * (2 if quadrature == "TPPI" else 1))
    first = np.zeros((count, columns), complex)
    second = np.zeros((count, columns), complex)
    for x, y, height in peaks:
        line = height * np.exp((2j * np.pi * (x - X_CARRIER) * X_MHZ - 30.0) * t)
        angle = 2 * np.pi * (y - Y_CARRIER) * Y_MHZ * t1
        fade = np.exp(-60.0 * t1)[:, None]
        if quadrature == "QF":
            first += fade * np.exp(-1j * angle)[:, None] * line
        elif quadrature == "TPPI":
            first += fade * np.cos(angle + np.pi / 2 * np.arange(count))[:, None] * line
        elif quadrature == "Echo-AntiEcho":
            first += fade * np.exp(-1j * angle)[:, None] * line
            second += fade * np.exp(1j * angle)[:, None] * line
        else:
            first += fade * np.cos(angle)[:, None] * line
            second += fade * np.sin(angle)[:, None] * line
    if quadrature in ("QF", "TPPI"):
        return first
    if quadrature == "States-TPPI":
        first[1::2] *= -1
        second[1::2] *= -1
    pairs = np.empty((2 * count, columns), complex)
    pairs[0::2], pairs[1::2] = first, second
    return pairs


def tallest(spectrum, count: int) -> list[tuple[float, float, float]]:
    """The tallest peaks of a spectrum as ``(x, y, height)``, tallest first."""
    z, found = spectrum.z.copy(), []
    for _ in range(count):
        row, column = np.unravel_index(np.argmax(np.abs(z)), z.shape)
        found.append((spectrum.x[column], spectrum.y[row], float(z[row, column])))
        near_y = np.abs(spectrum.y - spectrum.y[row]) < 8
        near_x = np.abs(spectrum.x - spectrum.x[column]) < 0.4
        z[np.ix_(near_y, near_x)] = 0
    return found


PEAKS = ((7.2, 128.4, 1.0), (3.6, 52.0, 0.8), (1.3, 95.0, -0.6))


def _raw(values: np.ndarray, quadrature: str, other: str = "13C NMR", **more) -> Spectrum2D:
    metadata = METADATA | {
        "sweep_width_hz": X_WIDTH, "indirect_sweep_width_hz": Y_WIDTH, "quadrature": quadrature,
    }  # fmt: skip
    return Spectrum2D(
        "1H NMR", other, np.arange(values.shape[1]) / X_WIDTH, np.arange(values.shape[0]) * 1e-4,
        values, "s", "s", "fid", metadata=metadata | more,
    )  # fmt: skip


@pytest.mark.parametrize("quadrature", ["States", "States-TPPI", "Echo-AntiEcho", "TPPI", "QF"])
def test_peaks_come_out_at_their_shifts(quadrature):
    spectrum = transform_2d(_raw(rows(quadrature, PEAKS), quadrature))
    assert spectrum.kind == "continuous" and spectrum.x_unit == spectrum.y_unit == "ppm"
    found = tallest(spectrum, 3)
    for (x, y, height), (true_x, true_y, true_height) in zip(found, PEAKS, strict=True):
        assert x == pytest.approx(true_x, abs=0.02) and y == pytest.approx(true_y, abs=0.6)
        if quadrature != "QF":
            assert np.sign(height) == np.sign(true_height)
    assert quadrature in spectrum.metadata["processing"]


def test_the_antiecho_alone_is_not_mirrored():
    raw = _raw(np.conj(rows("QF", PEAKS[:1])), "QF", coherence="antiecho")
    # Conjugate rows turn the other way along both axes.
    ((x, y, _),) = tallest(transform_2d(raw), 1)
    assert x == pytest.approx(10.0 - PEAKS[0][0], abs=0.02)
    assert y == pytest.approx(PEAKS[0][1], abs=0.6)


@pytest.mark.parametrize("delay", [0.0, 20.5])
def test_phases_and_a_digital_filter(delay):
    values = rows("States", PEAKS[:2])
    if delay:
        turns = np.fft.fftfreq(1024) * delay
        padded = np.fft.fft(np.pad(values, ((0, 0), (0, 512))), axis=1)
        values = np.fft.ifft(padded * np.exp(-2j * np.pi * turns), axis=1)[:, :512]
    raw = _raw(values * np.exp(1j * 1.1), "States", group_delay_points=delay)
    spectrum = transform_2d(raw)
    assert "automatic phases" in spectrum.metadata["processing"] and not spectrum.warnings
    # Absorption: what is below zero is small.
    assert spectrum.z.min() > -0.12 * spectrum.z.max()
    (x, y, _), *_ = tallest(spectrum, 1)
    assert x == pytest.approx(PEAKS[0][0], abs=0.02) and y == pytest.approx(PEAKS[0][1], abs=0.6)


def test_half_an_increment_of_delay_is_a_phase_of_180_degrees():
    t1 = (np.arange(128) + 0.5) / Y_WIDTH
    t = np.arange(512) / X_WIDTH
    pairs = np.zeros((256, 512), complex)
    for x, y in ((7.0, 120.0), (2.0, 45.0)):
        line = np.exp((2j * np.pi * (x - 5.0) * 400.0 - 30.0) * t)
        angle = 2 * np.pi * (y - 80.0) * 100.0 * t1
        pairs[0::2] += np.cos(angle)[:, None] * line * np.exp(-60 * t1)[:, None]
        pairs[1::2] += np.sin(angle)[:, None] * line * np.exp(-60 * t1)[:, None]
    spectrum = transform_2d(_raw(pairs, "States"))
    assert spectrum.z.min() > -0.15 * spectrum.z.max()


def test_a_mirrored_homonuclear_spectrum_is_turned_round():
    metadata = {
        "indirect_frequency_mhz": 400.0, "indirect_spectrometer_reference_mhz": 400.0,
        "indirect_carrier_ppm": 5.0, "indirect_sweep_width_hz": 4000.0,
    }  # fmt: skip
    t1 = np.arange(128) / 4000.0
    t = np.arange(512) / X_WIDTH
    values = np.zeros((128, 512), complex)
    for shift in (7.5, 3.0, 1.0):
        hertz = (shift - 5.0) * 400.0
        line = np.exp((2j * np.pi * hertz - 30.0) * t)
        values += np.exp((2j * np.pi * hertz - 30.0) * t1)[:, None] * line  # antiecho
    spectrum = transform_2d(_raw(values, "QF", "1H NMR", **metadata))
    assert "mirrored" in spectrum.warnings[0]
    for x, y, _ in tallest(spectrum, 3):
        assert x == pytest.approx(y, abs=0.05)


def test_noise_alone_has_no_phase_and_an_axis_needs_its_frequency():
    noise = np.random.default_rng(1).normal(size=(2, 256, 256))
    raw = _raw(noise[0] + 1j * noise[1], "States")
    assert area_phase(noise[0] + 1j * noise[1]) is None
    assert "magnitude" in transform_2d(raw).warnings[0]
    with pytest.raises(ValueError, match="indirect_frequency_mhz"):
        transform_2d(
            _raw(raw.z, "QF", indirect_frequency_mhz=None, indirect_spectrometer_reference_mhz=None)
        )


def test_a_spectrum_stays_as_it_is(samples):
    (processed,) = open_spectra_2d(samples / "nmr/11_sparky/2d_hmqc.ucsf")
    assert transform_2d(processed) is processed


def test_a_real_hmqc_is_what_nmrpipe_made_of_it(samples):
    folder = samples / "nmr/10_nmrpipe"
    (raw,) = open_spectra_2d(folder / "2d_hmqc.fid")
    (theirs,) = open_spectra_2d(folder / "2d_hmqc.ft2")
    assert raw.metadata["quadrature"] == "States-TPPI"
    assert _agreement(transform_2d(raw), theirs, (6.1, 10.9)) > 0.93


def test_a_real_cosy_is_what_topspin_made_of_it(samples):
    folder = samples / "nmr/05b_bruker_2d_cosy/cyclosporin_cosy/1"
    (raw,) = open_spectra_2d(folder / "ser")
    (theirs,) = open_spectra_2d(folder)
    ours = transform_2d(raw)
    assert not ours.warnings
    assert _agreement(ours, theirs, (-0.9, 9.9)) > 0.8


def _agreement(ours: Spectrum2D, theirs: Spectrum2D, ends: tuple[float, float]) -> float:
    """Correlation of our points with theirs at the same shifts."""
    from scipy.interpolate import RegularGridInterpolator

    rising = theirs.ascending
    there = RegularGridInterpolator(
        (rising.y, rising.x), rising.z, bounds_error=False, fill_value=0.0
    )
    part = (ours.x > ends[0]) & (ours.x < ends[1])
    x, y = np.meshgrid(ours.x[part], ours.y)
    return float(np.corrcoef(there((y, x)).ravel(), ours.z[:, part].ravel())[0, 1])
