"""Fragment spectra as sets: exact masses stay exact, and what is unknown stays unknown."""

from __future__ import annotations

import numpy as np
import pytest

from engine.encoding.electron_ionisation import (
    is_electron_ionisation,
    said_to_be_electron_ionisation,
)
from engine.encoding.fragments import (
    ADDUCTS,
    MAXIMUM_FRAGMENTS,
    OTHER,
    adduct_index,
    assumed_precursors,
    fragment_row,
    fragment_sets,
)
from engine.spectra import Sample, Spectrum

# Caffeine, C8H10N4O2: monoisotopic mass 194.0804, [M+H]+ 195.0877; it loses CH3NCO (57.0215).
CAFFEINE = {
    "mz": [110.0713, 138.0662, 195.0877],
    "intensity": [0.2, 1.0, 0.6],
    "precursor_mz": 195.0877,
    "adduct": "[M+H]+",
    "polarity": "positive",
    "collision_energy": 30.0,
    "collision_energy_unit": "NCE%",
}


def test_masses_losses_and_the_molecule_are_exact():
    sets = fragment_sets([CAFFEINE])
    assert sets.neutral_mass[0] == pytest.approx(194.0804, abs=2e-4)
    tokens = sets.tensors()
    assert tokens["kind"].tolist() == [[0, 0, 0, 1, 2]]
    assert tokens["loss"][0, 1].item() == pytest.approx(57.0215, abs=1e-4)
    assert tokens["loss_nominal"][0, :3].tolist() == [85, 57, 0]
    assert tokens["defect"][0, 1].item() == pytest.approx(0.0662, abs=1e-5)
    assert tokens["loss_exact"][0, :3].all() and not tokens["loss_known"][0, 3:].any()
    # Normalised collision energy is per m/z 500.
    assert sets.energy_ev[0] == pytest.approx(30 * 195.0877 / 500)


def test_what_is_unknown_is_flagged_and_no_number():
    sets = fragment_sets([{"mz": [77.0386, 105.0335], "intensity": [1, 2], "adduct": float("nan")}])
    assert np.isnan([sets.precursor[0], sets.neutral_mass[0], sets.energy[0]]).all()
    tokens = sets.tensors()
    assert tokens["present"].tolist() == [[True, True, False, False]]
    assert not tokens["loss_known"].any() and not tokens["precursor_known"].any()
    assert tokens["energy"].tolist() == [[0, 0, 0, 0]]
    assert tokens["adduct"].tolist() == [0] and tokens["polarity"].tolist() == [0]
    zero = fragment_sets([{**CAFFEINE, "collision_energy": 0.0}])
    assert np.isnan(zero.energy[0])


@pytest.mark.parametrize(
    ("unit", "adduct", "expected"),
    [
        ("eV", "[M+H]+", 20.0),
        ("V", "[M+2H]2+", 40.0),
        ("NCE", "[M+H]+", 20.0 * 195.0877 / 500),
        ("unspecified", "[M+H]+", None),
        (None, "[M+H]+", None),
    ],
)
def test_energies_are_brought_to_electronvolts_by_the_unit_said(unit, adduct, expected):
    row = {**CAFFEINE, "collision_energy": 20.0, "collision_energy_unit": unit, "adduct": adduct}
    sets = fragment_sets([row])
    energy = sets.tensors()["energy"][0]
    if expected is None:
        assert np.isnan(sets.energy_ev[0])
        assert energy.tolist() == pytest.approx([0, 0, 1, 0.4])
    else:
        assert sets.energy_ev[0] == pytest.approx(expected)
        assert energy.tolist() == pytest.approx([1, expected / 50, 0, 0], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "polarity", "known"),
    [
        ("[M+HCOO]-", None, "[M+HCOO]-"),
        ("M+FA-H", "negative", "[M+HCOO]-"),
        ("[M+H-H2O]+", None, "[M-H2O+H]+"),
        ("[M+2H]++", None, "[M+2H]2+"),
        ("M-H", "negative", "[M-H]-"),
        ("M+.", None, "[M]+"),
    ],
)
def test_an_ion_is_known_however_it_is_written(name, polarity, known):
    assert ADDUCTS[adduct_index(name, polarity)] == known


def test_other_ions_are_not_taken_for_known_ones():
    assert adduct_index("[3M+Na]+") == OTHER
    assert adduct_index("nonsense") == OTHER
    assert adduct_index(None) == 0


def test_decimals_of_unit_resolution_tell_nothing():
    sets = fragment_sets([{"mz": [43.0, 58.0, 71.1], "intensity": [1, 2, 3], "precursor_mz": 99.0}])
    tokens = sets.tensors()
    assert not tokens["exact"].any() and not tokens["loss_exact"].any()
    assert tokens["loss_known"][0, :3].all()
    assert tokens["nominal"][0, :3].tolist() == [43, 58, 71]


def test_the_strongest_fragments_are_kept_in_order():
    mz = np.arange(100.0, 300.0) + 0.05
    height = np.arange(200.0) + 1
    row = {"mz": [*mz, np.nan, 5000.0, 90.0], "intensity": [*height, 1e9, 1e9, -1.0]}
    sets = fragment_sets([row])
    assert sets.present.sum() == MAXIMUM_FRAGMENTS
    assert sets.mz[0, 0] == 200.05 and sets.mz[0, -1] == 299.05
    assert sets.intensity.max() == 1.0


def test_a_spectrum_without_fragments_is_an_empty_set():
    sets = fragment_sets([{"mz": [], "intensity": []}])
    assert not sets.present.any() and not sets.exact[0]
    assert not sets.tensors()["present"].any()
    assert np.isnan(assumed_precursors(sets).precursor[0])


def test_of_electron_ionisation_the_heaviest_ion_stands_for_the_precursor():
    # Toluene: M+. at 92 with its isotope peak at 93, base peak 91, and a trace of something else.
    row = {
        "mz": [39.0, 65.0, 91.0, 92.0, 93.0, 150.0],
        "intensity": [0.2, 0.14, 1.0, 0.7, 0.05, 0.002],
    }
    sets = assumed_precursors(fragment_sets([row]))
    assert sets.precursor[0] == 91.0  # the tallest of the heaviest cluster
    assert np.isnan(sets.neutral_mass[0])
    assert sets.tensors()["loss"][0, 0].item() == 52.0


def test_a_profile_is_centroided_and_another_axis_refused():
    x = np.linspace(90.0, 110.0, 2001)
    y = np.exp(-0.5 * ((x - 100.05) / 0.02) ** 2)
    row = fragment_row(Spectrum("MS/MS", x, y, "m/z", metadata={"precursor_mz": 150.1}))
    assert np.asarray(row["mz"]) == pytest.approx([100.05], abs=0.01)
    assert row["precursor_mz"] == 150.1 and row["adduct"] is None
    with pytest.raises(ValueError, match="m/z"):
        fragment_row(Spectrum("IR", [1.0, 2.0], [1.0, 2.0], "1/cm", kind="sticks"))


def mass(**metadata):
    return Spectrum("MS", [43.0, 58.0], [1.0, 0.3], "m/z", kind="sticks", metadata=metadata)


@pytest.mark.parametrize(
    ("spectrum", "is_ei"),
    [
        (mass(ionization="EI"), True),
        (mass(ionization="EI", polarity="negative"), False),
        (mass(ionization="ESI"), False),
        (mass(), False),
        (mass(collision_energy=70.0, collision_energy_unit="eV"), True),
        (mass(collision_energy=20.0, collision_energy_unit="eV"), False),
        (mass(collision_energy=70.0, collision_energy_unit="NCE"), False),
        (mass(ionization_energy_ev=70.0), True),
        (mass(ionization_energy_ev=15.0), False),
        (mass(ionization="CI", collision_energy=70.0, collision_energy_unit="eV"), False),
    ],
)
def test_electron_ionisation_is_what_the_file_says(spectrum, is_ei):
    assert is_electron_ionisation(spectrum) is is_ei


def test_a_jcamp_file_tells_it_by_the_energy(tmp_path):
    from engine import open_spectra

    lines = [
        "##TITLE= x", "##JCAMP-DX= 5.00", "##DATA TYPE= MASS SPECTRUM", "##DATA CLASS= PEAK TABLE",
        "##.IONIZATION ENERGY= 70 eV", "##XUNITS= M/Z", "##YUNITS= RELATIVE ABUNDANCE",
        "##NPOINTS= 2", "##PEAK TABLE= (XY..XY)", "43,100", "58,30", "##END=",
    ]  # fmt: skip
    path = tmp_path / "x.jdx"
    path.write_text("\n".join(lines) + "\n")
    (spectrum,) = open_spectra(path)
    assert spectrum.metadata["ionization_energy_ev"] == 70.0
    assert is_electron_ionisation(spectrum)


def test_the_user_can_say_that_it_is_electron_ionisation():
    said = said_to_be_electron_ionisation(Sample((mass(), mass(ionization="ESI"))))
    assert [is_electron_ionisation(s) for s in said.spectra] == [True, False]
