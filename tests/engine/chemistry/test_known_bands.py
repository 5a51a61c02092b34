"""The correlation table holds for compounds whose spectra are published."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.known_bands import bands_in, known_bands

# NMR of common compounds in CDCl3: Fulmer et al., Organometallics 2010, 29, 2176, table 1 and 2.
# Other NMR shifts and the infrared positions: SDBS (AIST) and the NIST Chemistry WebBook, rounded;
# NCS, NCO, C=S and PH positions: Bellamy, The Infra-red Spectra of Complex Molecules.
PUBLISHED = [
    ("acetic anhydride", "Acid anhydride", "IR", 1827),
    ("acetic anhydride", "Acid anhydride", "IR", 1766),
    ("acetic anhydride", "Acid anhydride", "13C NMR", 166.6),
    ("acetyl chloride", "Acyl halide", "IR", 1806),
    ("benzoyl chloride", "Acyl halide", "IR", 1774),
    ("acetyl chloride", "Acyl halide", "13C NMR", 170.3),
    ("ethanol", "Alcohol", "IR", 3340),
    ("ethanol", "Alcohol", "IR", 1050),
    ("ethanol vapour", "Alcohol", "IR", 3670),
    ("ethanol", "Alcohol", "1H NMR", 3.72),
    ("ethanol", "Alcohol", "13C NMR", 58.28),
    ("tert-butanol", "Alcohol", "13C NMR", 69.15),
    ("benzaldehyde", "Aldehyde", "IR", 1703),
    ("benzaldehyde", "Aldehyde", "IR", 2738),
    ("benzaldehyde", "Aldehyde", "IR", 2820),
    ("benzaldehyde", "Aldehyde", "1H NMR", 10.0),
    ("benzaldehyde", "Aldehyde", "13C NMR", 192.3),
    ("n-hexane", "Alkane", "IR", 2959),
    ("n-hexane", "Alkane", "1H NMR", 0.88),
    ("n-hexane", "Alkane", "13C NMR", 14.14),
    ("1-octene", "Alkene", "IR", 1642),
    ("1-octene", "Alkene", "IR", 910),
    ("propylene", "Alkene", "1H NMR", 5.83),
    ("propylene", "Alkene", "13C NMR", 133.91),
    ("phenylacetylene", "Alkyne", "IR", 3291),
    ("phenylacetylene", "Alkyne", "IR", 2111),
    ("phenylacetylene", "Alkyne", "1H NMR", 3.06),
    ("phenylacetylene", "Alkyne", "13C NMR", 83.6),
    ("acetanilide", "Amide", "IR", 1664),
    ("acetanilide", "Amide", "IR", 1557),
    ("acetanilide", "Amide", "IR", 3294),
    ("N,N-dimethylformamide", "Amide", "1H NMR", 8.02),
    ("N,N-dimethylformamide", "Amide", "13C NMR", 162.62),
    ("aniline", "Amine", "IR", 3429),
    ("aniline", "Amine", "IR", 1620),
    ("triethylamine", "Amine", "1H NMR", 2.53),
    ("triethylamine", "Amine", "13C NMR", 46.25),
    ("toluene", "Arene", "IR", 1496),
    ("toluene", "Arene", "IR", 728),
    ("toluene", "Arene", "1H NMR", 7.17),
    ("toluene", "Arene", "13C NMR", 137.89),
    ("azobenzene", "Azo compound", "1H NMR", 7.92),
    ("azobenzene", "Azo compound", "13C NMR", 152.7),
    ("azobenzene", "Azo compound", "Raman", 1440),
    ("ethyl carbamate", "Carbamate", "IR", 1690),
    ("ethyl carbamate", "Carbamate", "13C NMR", 157.2),
    ("acetic acid", "Carboxylic acid", "IR", 1714),
    ("acetic acid vapour, monomer", "Carboxylic acid", "IR", 1788),
    ("acetic acid", "Carboxylic acid", "13C NMR", 175.99),
    ("acetylacetone, enol", "Enol", "1H NMR", 15.5),
    ("acetylacetone, enol", "Enol", "13C NMR", 191.0),
    ("acetylacetone, enol", "Enol", "1H NMR", 5.51),
    ("ethyl acetate", "Ester", "IR", 1742),
    ("ethyl acetate", "Ester", "IR", 1241),
    ("ethyl acetate", "Ester", "1H NMR", 4.12),
    ("ethyl acetate", "Ester", "13C NMR", 171.36),
    ("diethyl ether", "Ether", "IR", 1124),
    ("diethyl ether", "Ether", "1H NMR", 3.48),
    ("diethyl ether", "Ether", "13C NMR", 65.91),
    ("anisole", "Ether", "IR", 1247),
    ("anisole", "Ether", "13C NMR", 55.1),
    ("1,2-dichloroethane", "Haloalkane", "1H NMR", 3.73),
    ("1,2-dichloroethane", "Haloalkane", "13C NMR", 43.50),
    ("iodomethane", "Haloalkane", "13C NMR", -20.7),
    ("benzotrifluoride", "Haloalkane", "19F NMR", -62.7),
    ("chlorobenzene", "Haloalkane", "13C NMR", 134.3),
    ("phenylhydrazine", "Hydrazine", "13C NMR", 151.2),
    ("benzaldehyde phenylhydrazone", "Hydrazone", "13C NMR", 137.3),
    ("phthalimide", "Imide", "IR", 1745),
    ("succinimide", "Imide", "1H NMR", 2.77),
    ("N-benzylideneaniline", "Imine", "IR", 1627),
    ("N-benzylideneaniline", "Imine", "1H NMR", 8.46),
    ("N-benzylideneaniline", "Imine", "13C NMR", 160.4),
    ("phenyl isocyanate", "Isocyanate", "IR", 2270),
    ("phenyl isocyanate", "Isocyanate", "13C NMR", 129.5),
    ("phenyl isothiocyanate", "Isothiocyanate", "IR", 2080),
    ("phenyl isothiocyanate", "Isothiocyanate", "13C NMR", 135.5),
    ("acetone", "Ketone", "IR", 1715),
    ("acetophenone", "Ketone", "IR", 1685),
    ("cyclopentanone", "Ketone", "IR", 1746),
    ("acetone", "Ketone", "1H NMR", 2.17),
    ("acetone", "Ketone", "13C NMR", 207.07),
    ("acetone", "Ketone", "13C NMR", 30.92),
    ("acetonitrile", "Nitrile", "IR", 2254),
    ("benzonitrile", "Nitrile", "IR", 2229),
    ("acetonitrile", "Nitrile", "1H NMR", 2.10),
    ("acetonitrile", "Nitrile", "13C NMR", 116.43),
    ("phenol", "Phenol", "IR", 1224),
    ("phenol", "Phenol", "13C NMR", 155.1),
    ("salicylaldehyde", "Phenol", "1H NMR", 11.0),
    ("triphenylphosphine", "Phosphine", "IR", 1434),
    ("triphenylphosphine", "Phosphine", "31P NMR", -5.4),
    ("diphenylphosphine", "Phosphine", "31P NMR", -40.0),
    ("diphenylphosphine", "Phosphine", "IR", 2285),
    ("dimethyl sulfide", "Sulfide", "1H NMR", 2.12),
    ("dimethyl sulfide", "Sulfide", "13C NMR", 18.2),
    ("p-toluenesulfonamide", "Sulfonamide", "IR", 1327),
    ("p-toluenesulfonamide", "Sulfonamide", "IR", 1160),
    ("methyl tosylate", "Sulfonate", "IR", 1360),
    ("methyl tosylate", "Sulfonate", "1H NMR", 2.45),
    ("dimethyl sulfone", "Sulfone", "1H NMR", 2.99),
    ("dimethyl sulfone", "Sulfone", "13C NMR", 42.6),
    ("diphenyl sulfone", "Sulfone", "IR", 1309),
    ("methanesulfonic acid", "Sulfonic acid", "13C NMR", 39.6),
    ("dimethyl sulfoxide", "Sulfoxide", "IR", 1050),
    ("dimethyl sulfoxide", "Sulfoxide", "1H NMR", 2.62),
    ("dimethyl sulfoxide", "Sulfoxide", "13C NMR", 40.76),
    ("thiopivaldehyde", "Thial", "1H NMR", 11.67),
    ("thiopivaldehyde", "Thial", "13C NMR", 255.6),
    ("thioacetamide", "Thioamide", "13C NMR", 207.2),
    ("thiourea", "Thioamide", "13C NMR", 183.8),
    ("1-butanethiol", "Thiol", "IR", 2565),
    ("ethanethiol", "Thiol", "1H NMR", 1.33),
    ("thiophenol", "Thiol", "1H NMR", 3.45),
    ("ethanethiol", "Thiol", "13C NMR", 19.3),
]


@pytest.mark.parametrize(("compound", "group", "technique", "position"), PUBLISHED)
def test_a_published_position_lies_in_a_band_of_its_group(compound, group, technique, position):
    assert bands_in(technique, position, position, group), compound


def test_every_group_has_infrared_and_nmr_bands():
    for technique in ("IR", "1H NMR", "13C NMR"):
        covered = {band.group for band in known_bands() if band.technique == technique}
        assert covered == set(GROUP_NAMES)


def test_fragment_windows_hold_the_mass_of_their_ion():
    # Exact masses of the ions from the elements' monoisotopic masses, less an electron.
    hydrogen, carbon, nitrogen, oxygen, electron = (
        1.00782503,
        12.0,
        14.00307401,
        15.99491462,
        5.4858e-4,
    )
    ions = {
        "Arene": 7 * carbon + 7 * hydrogen - electron,
        "Phenol": 7 * carbon + 7 * hydrogen + oxygen - electron,
        "Ketone": 7 * carbon + 5 * hydrogen + oxygen - electron,
        "Amine": 3 * carbon + 8 * hydrogen + nitrogen - electron,
        "Ester": 8 * carbon + 5 * hydrogen + 3 * oxygen - electron,
    }
    for group, mass in ions.items():
        assert bands_in("MS/MS", mass, mass, group), group


def test_bands_are_regions_with_a_name_and_no_doubles():
    bands = known_bands()
    assert len(bands) == len(set(bands)) >= 150
    assert all(math.isfinite(b.low) and b.low < b.high and b.name for b in bands)


def test_the_band_that_fills_the_region_comes_before_one_that_merely_covers_it():
    first = bands_in("IR", 2240, 2260)[0]
    assert (first.group, first.name) == ("Nitrile", "C≡N stretch")
    assert bands_in("IR", 2265, 2235)[0].group == "Nitrile"


def test_a_region_far_from_everything_holds_nothing():
    assert bands_in("IR", 3900, 3999) == []
    assert bands_in("UV-Vis", 200, 400) == []


@given(st.floats(-300, 4000), st.floats(-300, 4000), st.sampled_from(["IR", "1H NMR", "13C NMR"]))
def test_what_comes_back_touches_the_region_and_the_order_of_its_ends_is_free(a, b, technique):
    found = bands_in(technique, a, b)
    assert found == bands_in(technique, b, a)
    assert all(band.low <= max(a, b) and band.high >= min(a, b) for band in found)


# The atom of each group's SMARTS whose shift, or whose hydrogens' shift, tells the group.
TELLING_CARBON = {
    "Aldehyde": 0,
    "Carboxylic acid": 0,
    "Ester": 1,
    "Amide": 1,
    "Ketone": 1,
    "Nitrile": 1,
    "Alkyne": 0,
    "Alkane": 0,
    "Phenol": 1,
    "Arene": 0,
    "Alkene": 0,
    "Thioamide": 1,
}
TELLING_HYDROGEN = {"Alkane": 0, "Alkene": 0, "Arene": 3}


@pytest.mark.parametrize(
    ("technique", "column", "telling"),
    [("13C NMR", "c13_atoms", TELLING_CARBON), ("1H NMR", "h1_atoms", TELLING_HYDROGEN)],
)
def test_measured_shifts_lie_in_the_bands_of_their_group(tables, technique, column, telling):
    import gzip
    import json

    from rdkit import Chem

    from engine.chemistry.functional_groups import group_atoms

    inside, seen = dict.fromkeys(telling, 0), dict.fromkeys(telling, 0)
    with gzip.open(tables / "nmr_valid.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            if '"human_molblock"' not in line:
                continue
            row = json.loads(line)
            molecule = Chem.MolFromSmiles(row["assigned_smiles"])
            for group, index in telling.items():
                for atoms in group_atoms(molecule, group):
                    for shift in row.get(column, {}).get(str(atoms[index]), ()):
                        seen[group] += 1
                        inside[group] += bool(bands_in(technique, shift, shift, group))
    shares = {group: inside[group] / seen[group] for group in seen if seen[group] >= 20}
    assert len(shares) >= len(telling) * 0.7
    assert min(shares.values()) > 0.9, shares
