"""From FID to spectrum: analytic FIDs, TopSpin's own result, and nmrglue's as a second opinion."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.processing import Chain, Step, apply, default_chain, pick_peaks
from engine.processing.apodization import exponential, gaussian, sine_bell
from engine.processing.baseline import METHODS, correct_baseline
from engine.processing.fourier import fourier_transform, remove_group_delay, zero_fill
from engine.processing.noise import noise_level
from engine.processing.phasing import automatic_phase, magnitude, phase, phase_quality
from engine.processing.referencing import find_solvent, reference_axis, solvents
from engine.spectra import Spectrum

WIDTH, MHZ, CARRIER = 6000.0, 400.0, 5.0


def simulated(
    lines,
    *,
    points=8192,
    delay=0.0,
    phase_deg=0.0,
    noise=0.0,
    width_hz=2.0,
    technique="1H NMR",
    **metadata,
):
    """FID of ``(ppm, amplitude)`` lines: FWHM ``width_hz``, first point ``delay`` points early."""
    t = (np.arange(points) - delay) / WIDTH
    fid = np.zeros(points, complex)
    for ppm, amplitude in lines:
        hertz = (ppm - CARRIER) * MHZ
        fid += amplitude * np.exp((2j * np.pi * hertz - np.pi * width_hz) * t) * (t >= 0)
    if delay:
        # What a digital filter does: the ideal signal, band-limited and delayed.
        fine = np.zeros(points, complex)
        t0 = np.arange(points) / WIDTH
        for ppm, amplitude in lines:
            hertz = (ppm - CARRIER) * MHZ
            fine += amplitude * np.exp((2j * np.pi * hertz - np.pi * width_hz) * t0)
        fine[0] /= 2
        turns = np.fft.fftfreq(points) * delay
        fid = np.fft.ifft(np.fft.fft(fine) * np.exp(-2j * np.pi * turns))
    fid = fid * np.exp(1j * np.deg2rad(phase_deg))
    rng = np.random.default_rng(1)
    fid = fid + noise * (rng.normal(size=points) + 1j * rng.normal(size=points))
    return Spectrum(
        technique,
        np.arange(points) / WIDTH,
        fid.real,
        "s",
        kind="fid",
        y_imaginary=fid.imag,
        metadata={
            "frequency_mhz": MHZ,
            "spectrometer_reference_mhz": MHZ,
            "carrier_ppm": CARRIER,
            "sweep_width_hz": WIDTH,
            "group_delay_points": delay,
        }
        | metadata,
    )


def test_lines_stand_at_their_shift_with_their_width_and_area():
    spectrum = fourier_transform(zero_fill(simulated([(7.26, 1.0), (2.0, 3.0)]), 4))
    assert spectrum.x_unit == "ppm" and spectrum.kind == "continuous"
    assert spectrum.x[0] > spectrum.x[-1]
    peaks = pick_peaks(spectrum)
    assert [p.position for p in peaks] == pytest.approx([2.0, 7.26], abs=2e-4)
    assert [p.width * MHZ for p in peaks] == pytest.approx([2.0, 2.0], rel=0.02)
    assert peaks[0].height / peaks[1].height == pytest.approx(3.0, rel=0.01)
    # pure absorption without a constant offset
    assert abs(np.median(spectrum.y)) < 1e-3 * peaks[0].height


def test_apodization_broadens_by_what_it_says():
    fid = simulated([(4.0, 1.0)])
    spectrum = fourier_transform(zero_fill(exponential(fid, 3.0), 4))
    (peak,) = pick_peaks(spectrum)
    assert peak.width * MHZ == pytest.approx(5.0, rel=0.02)
    narrowed = fourier_transform(zero_fill(gaussian(fid, -2.0, 0.3), 4))
    assert max(pick_peaks(narrowed), key=lambda p: p.height).width * MHZ < 2.0
    window = sine_bell(fid).y / fid.y
    assert window[0] == pytest.approx(1.0) and abs(window[-1]) < 1e-9


@settings(max_examples=15, deadline=None)
@given(delay=st.floats(1.0, 80.0))
def test_group_delay_of_any_fraction_is_removed_exactly(delay):
    lines = [(8.0, 1.0), (1.0, 2.0)]
    wanted = fourier_transform(simulated(lines))
    found = fourier_transform(simulated(lines, delay=delay))
    np.testing.assert_allclose(found.y, wanted.y, atol=2e-3 * wanted.y.max())


def test_group_delay_may_be_removed_before_or_after_zero_filling():
    fid = simulated([(8.0, 1.0), (1.0, 2.0)], delay=67.98, noise=0.01)
    early = fourier_transform(exponential(zero_fill(remove_group_delay(fid)), 1.0))
    late = fourier_transform(remove_group_delay(zero_fill(exponential(fid, 1.0))))
    np.testing.assert_allclose(early.y, late.y, atol=2e-2 * late.y.max())
    assert early.x == pytest.approx(late.x)


def test_impossible_group_delay_is_said_and_ignored():
    fid = simulated([(4.0, 1.0)], points=64, group_delay_points=500.0)
    assert "500" in remove_group_delay(fid).warnings[0]


def test_real_fids():
    t = np.arange(8192) / (2 * WIDTH)
    hertz = 3.0 * MHZ  # 8 ppm
    decay = np.exp(-np.pi * 2 * t)
    angle = 2 * np.pi * hertz * t
    turns = np.where(np.arange(8192) % 2 == 0, np.cos(angle), np.sin(angle))
    fid = Spectrum(
        "1H NMR", t, turns * decay, "s", kind="fid",
        metadata={"frequency_mhz": MHZ, "carrier_ppm": CARRIER, "acquisition_mode": "sequential"},
    )  # fmt: skip
    spectrum = fourier_transform(zero_fill(fid))
    assert spectrum.x[np.argmax(spectrum.y)] == pytest.approx(8.0, abs=2e-3)
    assert np.ptp(spectrum.x) == pytest.approx(WIDTH / MHZ, rel=0.01)


def test_mirrored_fid_can_be_reversed():
    fid = simulated([(7.0, 1.0)])
    mirrored = Spectrum(
        fid.technique, fid.x, fid.y, "s", kind="fid", y_imaginary=-fid.y_imaginary,
        metadata=fid.metadata,
    )  # fmt: skip
    spectrum = fourier_transform(zero_fill(mirrored), reverse=True)
    assert spectrum.x[np.argmax(spectrum.y)] == pytest.approx(7.0, abs=1e-3)


def test_without_a_frequency_there_is_no_ppm_axis():
    fid = Spectrum("1H NMR", [0, 1e-3], [1, 0], "s", kind="fid", y_imaginary=[0, 0])
    with pytest.raises(ValueError, match="frequency_mhz"):
        fourier_transform(fid)
    unknown = Spectrum(
        "1H NMR", [0, 1e-3], [1, 0], "s", kind="fid", y_imaginary=[0, 0],
        metadata={"frequency_mhz": 400.0},
    )  # fmt: skip
    assert "carrier" in fourier_transform(unknown).warnings[0]


LINES = [(9.0, 1.0), (7.3, 2.0), (6.1, 0.5), (4.2, 1.0), (3.3, 3.0), (1.9, 0.3), (0.9, 1.2)]


@settings(max_examples=12, deadline=None)
@given(
    zero=st.floats(-180, 180), first=st.floats(-150, 150), noise=st.sampled_from([0.0, 0.02, 0.2])
)
def test_automatic_phase_finds_the_phase_that_was_put_in(zero, first, noise):
    clean = fourier_transform(zero_fill(simulated(LINES, noise=noise)))
    found = automatic_phase(phase(clean, zero, first))
    error = np.corrcoef(found.y, clean.y)[0, 1]
    assert error > (0.999 if noise < 0.1 else 0.99)
    strong = np.abs(clean.y) > 0.1 * clean.y.max()
    turned = np.rad2deg(
        np.angle(
            (found.y + 1j * found.y_imaginary)[strong] / (clean.y + 1j * clean.y_imaginary)[strong]
        )
    )
    assert np.abs(turned).max() < 6.0


def test_automatic_phase_of_lines_that_point_both_ways():
    lines = [(ppm, a * (-1) ** i) for i, (ppm, a) in enumerate(LINES)]
    clean = fourier_transform(zero_fill(simulated(lines, noise=0.01)))
    found = automatic_phase(phase(clean, 77.0, -40.0), signs="mixed")
    assert abs(np.corrcoef(found.y, clean.y)[0, 1]) > 0.999


def test_automatic_phase_leaves_a_right_phase_and_noise_alone():
    clean = fourier_transform(zero_fill(simulated(LINES, noise=0.01)))
    again = automatic_phase(clean)
    assert np.corrcoef(again.y, clean.y)[0, 1] > 0.9999
    for amplitude in (0.0, 1.0):
        empty = fourier_transform(simulated([], noise=amplitude))
        answer = automatic_phase(empty)
        assert np.isfinite(answer.y).all() and "No signal" in answer.warnings[-1]
        np.testing.assert_array_equal(answer.y, empty.y)


def test_phase_survives_a_rolling_base_line_and_points_that_are_no_numbers():
    fid = simulated(LINES, noise=0.01)
    y = fid.y.copy()
    y[:3] *= [3.0, 1.6, 1.2]
    y[4000] = np.nan
    broken = Spectrum(
        "1H NMR", fid.x, y, "s", kind="fid", y_imaginary=fid.y_imaginary, metadata=fid.metadata
    )
    spectrum = apply(default_chain(broken), broken)
    assert np.isfinite(spectrum.y).all()
    for ppm, _ in LINES:
        assert min(abs(p.position - ppm) for p in pick_peaks(spectrum)) < 0.002


def test_quality_tells_absorption_from_dispersion():
    clean = fourier_transform(zero_fill(simulated(LINES)))
    values = clean.y + 1j * clean.y_imaginary
    assert phase_quality(values) > 0.98
    assert phase_quality(values * 1j) < 0.5
    assert phase_quality(values, "mixed") > phase_quality(values * 1j, "mixed")
    assert "magnitude" in magnitude(clean).warnings[-1]


@pytest.mark.parametrize("method", METHODS)
def test_base_line_goes_and_lines_stay(method):
    spectrum = fourier_transform(zero_fill(simulated(LINES, noise=0.001)))
    k = np.linspace(-1, 1, len(spectrum))
    rolling = 0.05 * spectrum.y.max() * (1 + k + k**2)
    lifted = Spectrum("1H NMR", spectrum.x, spectrum.y + rolling, "ppm")
    flat = correct_baseline(lifted, method)
    assert np.abs(flat.y - spectrum.y).max() < 0.02 * spectrum.y.max()


def test_solvent_names_as_instruments_spell_them():
    for spelling, name in (
        ("CDCl3", "chloroform-d"), ("CDCL3", "chloroform-d"), ("DMSO", "DMSO-d6"),
        ("DMSO-d6", "DMSO-d6"), ("dmso_d6", "DMSO-d6"), ("MeOD", "methanol-d4"),
        ("CD3OD_SPE", "methanol-d4"), ("Acetone", "acetone-d6"), ("Pyr", "pyridine-d5"),
        ("H2O+D2O", "deuterium oxide"), ("Chloroform-d 90vol%", "chloroform-d"),
    ):  # fmt: skip
        assert find_solvent(spelling).name == name
    assert find_solvent("") is None and find_solvent(None) is None
    assert find_solvent("unobtainium") is None
    assert len(solvents()) >= 25


def multiplet(shift, lines, spacing_hz):
    heights = np.ones(1)
    for _ in range((lines - 1) // 2):
        heights = np.convolve(heights, np.ones(3))
    places = (np.arange(lines) - (lines - 1) / 2) * spacing_hz / MHZ
    return [(shift + p, h) for p, h in zip(places, heights, strict=True)]


def test_referencing_to_the_solvent_multiplet():
    lines = [(ppm, 5 * a) for ppm, a in LINES] + multiplet(2.53, 5, 1.9)
    fid = simulated(lines, width_hz=0.6, noise=0.01, points=32768, solvent="DMSO")
    spectrum = fourier_transform(zero_fill(fid))
    referenced = reference_axis(spectrum)
    assert referenced.x[0] - spectrum.x[0] == pytest.approx(-0.03, abs=5e-4)
    assert "-0.03" in referenced.warnings[-1] and "2.5 ppm" in referenced.warnings[-1]


def test_no_reference_without_a_credible_line():
    # no DMSO quintet here, but a singlet that does not look like one
    fid = simulated([*LINES, (2.53, 1.0)], width_hz=1.0, noise=0.01, solvent="DMSO")
    spectrum = fourier_transform(zero_fill(fid))
    np.testing.assert_array_equal(reference_axis(spectrum).x, spectrum.x)


def test_reference_to_tms():
    fid = simulated([*LINES, (0.02, 1.0)], width_hz=1.0, noise=0.01)
    spectrum = fourier_transform(zero_fill(fid))
    assert reference_axis(spectrum).x[0] - spectrum.x[0] == pytest.approx(-0.02, abs=5e-4)


# --- real measurements --------------------------------------------------------------------------


def bruker(path):
    from engine.formats.bruker import READER

    return READER.read(path)[0]


def topspin_peaks(folder):
    text = (folder / "pdata/1/peaklist.xml").read_text()
    return [float(v) for v in re.findall(r'<Peak1D F1="([\d.]+)"', text)]


@pytest.mark.parametrize(("name", "tolerance"), [("aspirin-1h", 0.003), ("naphtoicAcid-1h", 0.001)])
def test_raw_fid_gives_the_peaks_of_topspin(samples, name, tolerance):
    folder = samples / f"nmr/01_bruker_1d_1H_{name}/1"
    fid = bruker(folder)
    spectrum = apply(default_chain(fid), fid)
    found = np.array([p.position for p in pick_peaks(spectrum)])
    for wanted in topspin_peaks(folder):
        assert np.abs(found - wanted).min() < tolerance


def test_raw_fid_gives_the_spectrum_of_topspin(samples):
    raw = bruker(samples / "nmr/01_bruker_1d_1H_aspirin-1h/1")
    wanted = bruker(samples / "nmr/01_bruker_1d_1H_aspirin-1h-processed/1")
    chain = Chain(
        tuple(
            Step("zero_fill", {"factor": 4}) if s.name == "zero_fill" else s
            for s in default_chain(raw).steps
        )
    )
    found = apply(chain, raw)
    y = np.interp(wanted.x[::-1], found.x[::-1], found.y[::-1])[::-1]
    assert np.corrcoef(y, wanted.y)[0, 1] > 0.999
    # With TopSpin's phase instead of ours nothing but the phase may differ.
    turned = np.exp(1j * np.deg2rad(1.0))
    best = max(
        np.corrcoef(((found.y + 1j * found.y_imaginary) * turned**k).real[:-1], wanted.y[1:])[0, 1]
        for k in range(-3, 4)
    )
    assert best > 0.9995


def test_nmrglue_agrees(samples):
    import nmrglue

    folder = samples / "nmr/05_bruker_pseudo2d_invrec/inversionRecovery2D/1"
    from engine.formats.bruker import READER

    fid = READER.read(folder)[9]
    parameters, data = nmrglue.bruker.read(str(folder))
    theirs = nmrglue.proc_base.fft(nmrglue.proc_base.zf_size(data[9], 8192))
    theirs = nmrglue.bruker.remove_digital_filter(parameters, theirs, post_proc=True)[::-1]
    # nmrglue takes the delay in points of the unfilled FID: whole points, same number of points
    spectrum = fourier_transform(zero_fill(fid, 2), halve_first_point=False)
    ours = np.abs(spectrum.y + 1j * spectrum.y_imaginary)
    assert np.corrcoef(ours, np.abs(theirs))[0, 1] > 0.99999


def test_fid_in_jcamp_gives_the_same_spectrum(samples):
    jcamp = pytest.importorskip("engine.formats.jcamp")
    (fid,) = jcamp.READER.read(samples / "nmr/09_jcamp/bruker_aspirin_1h_fid_ntuples.dx")
    ours = bruker(samples / "nmr/01_bruker_1d_1H_aspirin-1h/1")
    one, two = apply(default_chain(fid), fid), apply(default_chain(ours), ours)
    assert one.x == pytest.approx(two.x, abs=1e-4)
    assert np.corrcoef(one.y, two.y)[0, 1] > 0.9999


def test_noise_level_of_known_noise():
    rng = np.random.default_rng(0)
    y = rng.normal(size=20000) * 0.3
    assert noise_level(y) == pytest.approx(0.3, rel=0.1)
    y[5000:5100] += 50.0
    assert noise_level(y + np.linspace(0, 30, 20000)) == pytest.approx(0.3, rel=0.15)
    filled = fourier_transform(zero_fill(simulated([], noise=1.0), 8))
    assert noise_level(filled.y) == pytest.approx(np.std(filled.y), rel=0.3)


# phase about a pivot, and under a rolling base line


def test_the_first_order_turns_about_the_pivot():
    spectrum = apply(Chain((Step("fourier_transform"),)), simulated([(3.0, 1.0), (7.0, 1.0)]))
    pivot = float(spectrum.x[2000])
    plain, turned = phase(spectrum, 20.0), phase(spectrum, 20.0, 300.0, pivot)
    assert turned.y[2000] == pytest.approx(plain.y[2000])
    assert abs(turned.y - plain.y).max() > 0.1 * abs(plain.y).max()
    # The same without a pivot: the angle at the first point is that much smaller.
    same = phase(spectrum, 20.0 - 300.0 * 2000 / len(spectrum), 300.0)
    np.testing.assert_allclose(turned.y, same.y, atol=1e-9 * abs(same.y).max())


@pytest.mark.parametrize("angle", [-150, -60, 0, 49, 120])
def test_automatic_phase_of_one_broad_line_on_a_high_rolling_ground(angle):
    line = apply(Chain((Step("fourier_transform"),)), simulated([(6.2, 1.0)], width_hz=60.0))
    k = np.linspace(-1, 1, len(line))
    height = abs(line.y).max()
    ground = height * (0.8 - 0.06 * k - 0.05 * k**2 + 0.3j * (1 + 0.2 * k))
    noise = np.random.default_rng(4).normal(size=(2, len(line))) * 0.02 * height
    values = line.y + 1j * line.y_imaginary + ground + noise[0] + 1j * noise[1]
    values = values * np.exp(1j * np.deg2rad(angle))
    spoilt = Spectrum(
        "19F NMR", line.x, values.real, "ppm", y_imaginary=values.imag,
        metadata={"frequency_mhz": MHZ},
    )  # fmt: skip
    found = automatic_phase(spoilt)
    zero, first = found.metadata.get("phase_deg", (0.0, 0.0))
    place = float(np.argmax(line.y)) / len(line)
    error = (zero + first * place + angle + 180) % 360 - 180
    assert abs(error) < 6


def test_automatic_phase_of_a_real_line_on_a_rolling_ground(samples):
    """NMRPipe's own processing of this FID turned the line by 51 degrees."""
    from engine import open_spectra

    fid = open_spectra(samples / "nmr" / "10_nmrpipe" / "1d_19F.fid")[0]
    zero, first = apply(default_chain(fid), fid).metadata["phase_deg"]
    assert (zero, first) == (pytest.approx(51, abs=3), 0.0)


def test_a_rolling_base_line_of_carbon_is_levelled_and_its_lines_are_kept():
    x = np.linspace(-30, 250, 65536)
    roll = 0.1 * np.cos((x + 30) / 280 * 2 * np.pi * 2.5)
    places = (20.0, 56.0, 126.5, 127.0, 170.0)
    lines = sum(1 / (1 + ((x - c) / 0.008) ** 2) for c in places)
    chain = default_chain(Spectrum("13C NMR", np.arange(64.0), np.ones(64), "s", kind="fid"))
    step = next(step for step in chain.steps if step.name == "baseline")
    levelled = step(Spectrum("13C NMR", x, lines + roll, "ppm"))
    between = (lines < 0.002) & (x > -15) & (x < 235)
    assert np.abs(levelled.y[between]).max() < 0.02
    for place in places:
        near = np.abs(x - place) < 0.05
        assert levelled.y[near].max() == pytest.approx(lines[near].max(), abs=0.02)
