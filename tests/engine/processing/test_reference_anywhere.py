"""An axis whose zero nobody knows is referenced to the solvent's multiplet, or left alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formats import open_spectra
from engine.processing import apply, default_chain, pick_peaks
from engine.processing.referencing import ANYWHERE, reference_axis
from engine.spectra import Spectrum

MHZ = 100.0


def _spectrum(*lines, solvent="CDCl3", noise=0.002, size=32768, low=-120.0, high=120.0):
    """Lorentzian lines of 1.5 Hz at (ppm, height), 13C at 100 MHz."""
    x = np.linspace(low, high, size)
    y = np.random.default_rng(3).normal(scale=noise, size=size)
    for place, height in lines:
        y += height / (1 + ((x - place) * MHZ / 0.75) ** 2)
    return Spectrum("13C NMR", x, y, "ppm", metadata={"solvent": solvent, "frequency_mhz": MHZ})


def _triplet(place: float, height: float = 0.3):
    return [(place + shift, height) for shift in (-0.32, 0.0, 0.32)]


COMPOUND = ((-95.0, 0.5), (-81.6, 0.5), (15.2, 0.5), (17.5, 1.0), (33.9, 0.2))


@pytest.mark.parametrize("place", [-33.44, 60.0, -100.0])
def test_the_triplet_of_chloroform_is_found_wherever_it_stands(place):
    near = [(place + 20 + n, 1.0) for n in (0, 3, 30)]
    found = reference_axis(_spectrum(*near, *_triplet(place)), ANYWHERE)
    assert found.x[0] == pytest.approx(-120 + 77.16 - place, abs=0.01)
    assert "chloroform-d" in found.metadata["reference"] and "was shifted" in found.warnings[-1]


@pytest.mark.parametrize(
    "lines",
    [
        COMPOUND,  # no solvent
        (*COMPOUND, (-33.4, 0.6)),  # a singlet
        (*COMPOUND, *_triplet(-33.4), *_triplet(50.0)),  # two of the shape
        ((110.0, 1.0), *_triplet(-100.0)),  # a line would come to lie at 287 ppm
        (*COMPOUND, *_triplet(-33.4, 0.004)),  # in the noise
        (*COMPOUND, (-33.72, 0.3), (-33.4, 0.6), (-33.08, 0.3)),  # 1:2:1
    ],
)
def test_the_axis_stays_where_the_solvent_is_not_sure(lines):
    spectrum = _spectrum(*lines)
    assert reference_axis(spectrum, ANYWHERE) is spectrum


def test_another_solvent_is_not_taken_for_it():
    spectrum = _spectrum(*COMPOUND, *_triplet(-33.4), solvent="DMSO-d6")
    assert reference_axis(spectrum, ANYWHERE) is spectrum
    unknown = _spectrum(*COMPOUND, *_triplet(-33.4), solvent="neat")
    assert reference_axis(unknown, ANYWHERE) is unknown


def test_a_fid_without_a_reference_has_the_shifts_of_the_literature(samples):
    (fid,) = open_spectra(samples / "nmr" / "09_jcamp" / "TESTFID.DX")
    assert fid.metadata.get("carrier_ppm") is None
    shown = apply(default_chain(fid), fid)
    found = sorted(p.position for p in pick_peaks(shown))
    # Ethylbenzene in CDCl3: Fulmer et al. and SDBS agree within 0.3 ppm.
    for expected in (15.7, 29.0, 77.16, 125.7, 127.9, 128.4, 144.3):
        assert np.abs(np.array(found) - expected).min() < 0.35
    assert "110.6" in " ".join(shown.warnings)
