"""The shipped example opens, and shows vanillin's published values where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from engine import open_spectra
from engine.chemistry.example_sample import (
    FILE_NAMES,
    FORMULA,
    SMILES,
    example_files,
    fragment_mz,
    write_example,
)
from engine.chemistry.structure import parse_structure
from engine.spectra import Technique


@pytest.fixture(scope="module")
def example():
    spectra = [spectrum for path in example_files() for spectrum in open_spectra(path)]
    return {spectrum.technique: spectrum.ascending for spectrum in spectra}


def _peak_positions(spectrum, height: float, distance: int = 3) -> np.ndarray:
    from scipy.signal import find_peaks

    found, _ = find_peaks(spectrum.y, height=height, distance=distance, prominence=height / 3)
    return spectrum.x[found]


def _share_of(spectrum, low: float, high: float) -> float:
    """The integral over a region, its baseline taken from the region's edges."""
    inside = (spectrum.x >= low) & (spectrum.x <= high)
    x, y = spectrum.x[inside], spectrum.y[inside]
    edge = max(1, len(y) // 20)
    return float(np.trapezoid(y - np.median([*y[:edge], *y[-edge:]]), x))


def test_the_files_open_as_four_techniques_of_one_compound(example):
    assert set(example) == {
        Technique.IR,
        Technique.H1_NMR,
        Technique.C13_NMR,
        Technique.MS_MS,
    }
    assert not [warning for spectrum in example.values() for warning in spectrum.warnings]
    units = {technique: (s.x_unit, s.kind, len(s)) for technique, s in example.items()}
    assert units[Technique.IR] == ("1/cm", "continuous", 1801)
    assert units[Technique.H1_NMR] == ("ppm", "continuous", 32768)
    assert units[Technique.C13_NMR] == ("ppm", "continuous", 32768)
    assert units[Technique.MS_MS][:2] == ("m/z", "sticks")
    assert example[Technique.IR].y_unit == "absorbance"
    assert example[Technique.H1_NMR].metadata["frequency_mhz"] == pytest.approx(400.13)
    assert example[Technique.MS_MS].metadata["precursor_mz"] == pytest.approx(153.0546, abs=1e-4)


def test_the_folder_opens_as_the_same_four_spectra(example):
    spectra = open_spectra(example_files()[0].parent)
    assert {spectrum.title for spectrum in spectra} == {s.title for s in example.values()}
    assert len(spectra) == 4


def test_the_structure_is_vanillin():
    structure = parse_structure(SMILES)
    assert structure.formula == FORMULA
    assert structure.key == "MWOOGOJBHIARFG"  # PubChem CID 1183


# Infrared of vanillin as the SDBS and the NIST WebBook show it, rounded.
@pytest.mark.parametrize("band", [1666, 1590, 1511, 1267, 1154, 1029, 733])
def test_infrared_bands(example, band):
    infrared = example[Technique.IR]
    assert np.abs(_peak_positions(infrared, 0.1) - band).min() <= 4


def test_carbon_lines(example):
    carbon = example[Technique.C13_NMR]
    found = _peak_positions(carbon, 0.08, distance=10)
    published = [191.0, 151.8, 147.2, 129.8, 127.5, 114.4, 108.8, 56.1]
    solvent_and_reference = [77.48, 77.16, 76.84, 0.0]
    expected = np.sort([*published, *solvent_and_reference])
    assert len(found) == len(expected)
    assert np.abs(np.sort(found) - expected).max() < 0.03


def test_proton_signals_have_their_integrals_and_couplings(example):
    proton = example[Technique.H1_NMR]
    aldehyde = _share_of(proton, 9.6, 10.0)
    assert _share_of(proton, 3.8, 4.1) / aldehyde == pytest.approx(3, abs=0.1)
    assert _share_of(proton, 7.35, 7.5) / aldehyde == pytest.approx(2, abs=0.1)
    assert _share_of(proton, 6.95, 7.12) / aldehyde == pytest.approx(1, abs=0.1)
    lines = _peak_positions(proton, 0.05)
    doublet = lines[(lines > 7.0) & (lines < 7.1)]
    assert len(doublet) == 2
    assert np.ptp(doublet) * 400.13 == pytest.approx(8.0, abs=0.3)


def test_product_ions_are_where_their_formulas_say(example):
    # Against the masses that MassBank gives for protonated vanillin's ions.
    for formula, mass in (((8, 9, 3), 153.0546), ((7, 9, 2), 125.0597), ((6, 5, 1), 93.0335)):
        assert fragment_mz(*formula) == pytest.approx(mass, abs=2e-4)
        assert np.abs(example[Technique.MS_MS].x - mass).min() < 1e-3


def test_the_shipped_files_are_what_the_module_renders(tmp_path):
    written = write_example(tmp_path)
    assert [path.name for path in written] == list(FILE_NAMES)
    for new, shipped in zip(written, example_files(), strict=True):
        (fresh,), (old,) = open_spectra(new), open_spectra(shipped)
        np.testing.assert_allclose(fresh.x, old.x, rtol=1e-9)
        # The last digit may differ between builds of the mathematical libraries.
        np.testing.assert_allclose(fresh.y, old.y, atol=2e-3 * old.y.max())


def test_the_example_is_small_and_says_that_it_is_rendered():
    assert sum(path.stat().st_size for path in example_files()) < 1_500_000
    for path in example_files():
        assert "not measured" in path.read_text(encoding="ascii")[:400]
    assert "not measured" in (example_files()[0].parent / "README.md").read_text(encoding="utf-8")
