"""Adducts: their m/z as tables print them, and as real records have them."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.adducts import parse_adduct, usual_adducts
from engine.chemistry.formula import Formula, parse_formula

# m/z of the ions of M = 853.33089, as the customary ESI adduct calculators print them.
PRINTED = {
    "[M+H]+": 854.338166, "[M+NH4]+": 871.364713, "[M+Na]+": 876.320108, "[M+K]+": 892.294048,
    "[M+2H]2+": 427.672721, "[M+H+Na]2+": 438.663692, "[M+3H]3+": 285.450906,
    "[M+ACN+H]+": 895.364713, "[M+2Na-H]+": 898.302050, "[2M+H]+": 1707.669056,
    "[2M+Na]+": 1729.650998, "[M-H]-": 852.323614, "[M+Cl]-": 888.300292,
    "[M+FA-H]-": 898.329091, "[M+HCOO]-": 898.329091, "[M-2H]2-": 425.658169,
    "[M-H2O-H]-": 834.313050, "[2M-H]-": 1705.654504,
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_printed_values(name):
    adduct = parse_adduct(name)
    assert adduct.mz(853.33089) == pytest.approx(PRINTED[name], abs=1.5e-3)
    assert adduct.neutral_mass(adduct.mz(853.33089)) == pytest.approx(853.33089)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("M+.", "[M]+"), ("M+•", "[M]+."), ("[M]+*", "[M]+"), ("[M+2H]++", "[M+2H]2+"),
        ("[M-H2O+H]+", "[M+H-H2O]+"), ("[M+HCOOH-H]-", "[M+HCOO]-"), ("[M–H]⁻", "[M-H]-"),
        ("[M+CH3COOH-H]-", "[M+OAc]-"),
    ],
)  # fmt: skip
def test_spellings(name, other):
    one, two = parse_adduct(name), parse_adduct(other)
    assert one.charge == two.charge and one.molecules == two.molecules
    assert one.mz(100.0) == pytest.approx(two.mz(100.0), abs=1e-9)


def test_ion_formula():
    caffeine = parse_formula("C8H10N4O2")
    assert str(parse_adduct("[M+H]+").ion(caffeine)) == "[C8H11N4O2]+"
    assert str(parse_adduct("[2M+Na]+").ion(caffeine)) == "[C16H20N8NaO4]+"
    for adduct in (*usual_adducts("positive"), *usual_adducts("negative")):
        try:
            ion = adduct.ion(caffeine)
        except ValueError:  # it cannot lose what it has not
            continue
        assert ion.mz == pytest.approx(adduct.mz(caffeine.monoisotopic_mass), abs=1e-9)
    with pytest.raises(ValueError, match="not part"):
        parse_adduct("[M-Br]+").ion(caffeine)


def test_usual_adducts_have_their_polarity():
    assert [a.name for a in usual_adducts("positive")][:4] == [
        "[M+H]+", "[M+Na]+", "[M+NH4]+", "[M+K]+",
    ]  # fmt: skip
    for polarity in ("positive", "negative"):
        assert {a.polarity for a in usual_adducts(polarity)} == {polarity}
    with pytest.raises(ValueError, match="neutral"):
        usual_adducts("neutral")


def test_charge_from_the_polarity():
    assert parse_adduct("M-H", "negative").charge == -1
    assert parse_adduct("M+Cl", "negative").mz(100) == pytest.approx(134.9694, abs=1e-4)
    with pytest.raises(ValueError, match="no charge"):
        parse_adduct("M+H")


@pytest.mark.parametrize(
    "name", ["", "[M+H", "H+", "[X+H]+", "[M+Qq]+", "[M+h]+", "[99M+H]+", "M+999+", "[M+H]0+"]
)
def test_what_is_no_ion(name):
    with pytest.raises(ValueError):
        parse_adduct(name)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="M2+-HNa[]4.( )CO", max_size=14))
def test_no_text_breaks_the_reader(name):
    try:
        adduct = parse_adduct(name)
    except ValueError:
        return
    assert adduct.charge != 0 and adduct.molecules >= 1


def test_precursors_of_real_records(tables):
    """Records of an open collection: precursor m/z given with three decimals or more."""
    from rdkit import Chem
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    agreeing = total = 0
    with gzip.open(tables / "ms_esi_valid.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            name, mz = row.get("adduct"), row.get("precursor_mz")
            if number % 5 or not isinstance(name, str) or not mz or round(mz, 2) == mz:
                continue
            formula = parse_formula(CalcMolFormula(Chem.MolFromSmiles(row["smiles"])))
            if formula.charge:
                continue
            mass = Formula(formula.atoms).monoisotopic_mass
            total += 1
            agreeing += abs(parse_adduct(name, row["polarity"]).mz(mass) - mz) < max(
                1e-5 * mz, 2e-3
            )
    assert total > 200 and agreeing / total > 0.95
