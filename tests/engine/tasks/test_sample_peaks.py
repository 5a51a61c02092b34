"""The peaks of a sample: listed, picked or out of a FID, with what DEPT tells."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Sample, Spectrum, open_spectra
from engine.processing.peaks import Peak, carbon_lines
from engine.tasks.sample_peaks import observed_peaks


def carbon(lines, program="", x=None, solvent=None):
    """A continuous 13C spectrum with lines of heights, 8 Hz wide at 100 MHz."""
    x = np.arange(220.0, -10.0, -0.02) if x is None else x
    rng = np.random.default_rng(1)
    y = 1e-4 * rng.standard_normal(len(x))
    for place, height in lines.items():
        y += height / (1 + ((x - place) / 0.04) ** 2)
    metadata = {"frequency_mhz": 100.6, "pulse_program": program, "solvent": solvent}
    return Spectrum("13C NMR", x, y, "ppm", metadata=metadata)


def test_listed_peaks_are_taken_as_they_are(tmp_path):
    path = tmp_path / "paper.txt"
    path.write_text(
        "1H NMR (400 MHz, CDCl3) δ 7.26 (s, 5H), 2.35 (s, 3H).\n"
        "13C NMR (101 MHz, CDCl3) δ 137.8, 129.1, 128.3, 125.4, 21.4.\n",
        encoding="utf-8",
    )
    found = observed_peaks(Sample(tuple(open_spectra(path))))
    assert [p.ppm for p in found["13C NMR"]] == [137.8, 129.1, 128.3, 125.4, 21.4]
    assert [(p.ppm, p.multiplicity, p.nuclei) for p in found["1H NMR"]] == [
        (7.26, "s", 5.0), (2.35, "s", 3.0),
    ]  # fmt: skip


def test_lines_of_solvent_and_reference_are_left_out():
    spectrum = carbon({77.16: 5.0, 0.0: 1.0, 170.2: 1.0, 60.5: 2.0}, solvent="CDCl3")
    found = observed_peaks(Sample((spectrum,)))["13C NMR"]
    assert [round(p.ppm, 1) for p in found] == [170.2, 60.5]


def test_dept_tells_the_hydrogens():
    plain = carbon({170.0: 0.5, 70.0: 1.0, 60.0: 1.0, 14.0: 1.0})
    edited = carbon({70.0: 1.0, 60.0: -1.0, 14.0: 1.0}, "dept135")
    only_ch = carbon({70.0: 1.0}, "dept90")
    found = observed_peaks(Sample((edited, plain)))["13C NMR"]
    assert [(round(p.ppm), p.attached) for p in found] == [
        (170, 0),
        (70, None),
        (60, 2),
        (14, None),
    ]
    found = observed_peaks(Sample((plain, edited, only_ch)))["13C NMR"]
    assert [p.attached for p in found] == [0, 1, 2, 3]


def test_dept_alone_is_a_spectrum_too():
    found = observed_peaks(Sample((carbon({70.0: 1.0, 60.0: -1.0}, "deptsp135"),)))["13C NMR"]
    assert [(round(p.ppm), p.attached) for p in found] == [(70, None), (60, 2)]


def test_a_repeated_spectrum_counts_once():
    spectrum = carbon({70.0: 1.0, 20.0: 1.0})
    assert len(observed_peaks(Sample((spectrum, spectrum)))["13C NMR"]) == 2


def test_other_spectra_have_no_peaks_for_it():
    infrared = Spectrum("IR", np.arange(400.0, 500.0), np.zeros(100), "1/cm", "absorbance")
    assert observed_peaks(Sample((infrared,))) == {}


def test_a_fid_is_processed_first():
    time = np.arange(4096) / 25_000.0
    hertz = 100.6 * (60.0 - 100.0)
    signal = np.exp(2j * np.pi * hertz * time - time / 0.05)
    fid = Spectrum(
        "13C NMR", time, signal.real, "s", kind="fid", y_imaginary=signal.imag,
        metadata={"frequency_mhz": 100.6, "carrier_ppm": 100.0, "sweep_width_hz": 25_000.0},
    )  # fmt: skip
    found = observed_peaks(Sample((fid,)))["13C NMR"]
    highest = max(found, key=lambda peak: peak.height)
    assert highest.ppm == pytest.approx(60.0, abs=0.1)


def test_side_lobes_and_humps_are_no_carbons():
    lines = [Peak(126.5, 0.97, 0.015), Peak(121.5, 1.0, 0.015), Peak(180.7, 0.16, 0.014)]
    feet = [Peak(126.73, 0.05, 0.03), Peak(126.25, 0.05, 0.015), Peak(121.7, 0.04, 0.02)]
    hump = [Peak(259.1, 0.3, 3.7)]
    assert carbon_lines([*lines, *feet, *hump]) == lines
    # As low, but beside nothing: a carbon without hydrogens.
    weak = Peak(140.0, 0.02, 0.015)
    assert carbon_lines([*lines, weak]) == [*lines, weak]
    assert carbon_lines([*lines, weak], least=0.05) == lines
    assert carbon_lines([]) == []


def test_the_carbons_of_a_real_fid_are_found(samples, tmp_path):
    import zipfile

    archive = samples / "nmr" / "14_nmredata" / "arborinine_1D_assignments.zip"
    with zipfile.ZipFile(archive) as held:
        names = [n for n in held.namelist() if "/11/" in n and "/pdata" not in n]
        held.extractall(tmp_path, names)
    (experiment,) = {(tmp_path / n).parent for n in names if n.endswith("/fid")}
    (spectrum,) = open_spectra(experiment)
    assert spectrum.kind == "fid"
    peaks = observed_peaks(Sample((spectrum,)))["13C NMR"]
    # Arborinine, C16H15NO4, has sixteen different carbons.
    assert len(peaks) == 16
