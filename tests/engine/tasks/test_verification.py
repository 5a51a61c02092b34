"""Structures held against spectra."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.chemistry.formula import parse_formula
from engine.chemistry.isotope_pattern import isotope_pattern
from engine.cli import main
from engine.formats import open_spectra
from engine.spectra import Sample, Spectrum
from engine.tasks import verify
from engine.tasks.mass_evidence import mass_evidence
from engine.tasks.verification import VERDICTS, group_features, judgements, verdict_of

LINES = (
    "13C NMR (101 MHz, CDCl3) δ 166.5, 132.8, 130.5, 129.5, 128.3, 60.9, 14.3\n"
    "1H NMR (400 MHz, CDCl3) δ 8.05 (d, J = 7.7 Hz, 2H), 7.54 (t, J = 7.4 Hz, 1H), "
    "7.43 (t, J = 7.6 Hz, 2H), 4.38 (q, J = 7.1 Hz, 2H), 1.39 (t, J = 7.1 Hz, 3H).\n"
)


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text(LINES, encoding="utf-8")
    return path


@pytest.fixture
def sample(lines):
    return Sample(tuple(open_spectra(lines)))


def ions(formula: str, mz_shift: float = 0.0, **metadata) -> Spectrum:
    pattern = isotope_pattern(parse_formula(formula), 0.02)
    return Spectrum(
        "MS", pattern.mz + mz_shift, pattern.share, "m/z", "intensity", "sticks",
        metadata={"polarity": "positive", **metadata},
    )  # fmt: skip


def test_the_right_structure_passes_and_an_isomer_does_not(sample):
    right, wrong = verify(sample, "CCOC(=O)c1ccccc1"), verify(sample, "COC(=O)Cc1ccccc1")
    assert right.score > 0.8 and "fits" in right.verdict
    assert wrong.score < -0.3 and "not fit" in wrong.verdict
    names = [test.name for test in right.tests]
    assert names[:4] == ["13C shifts", "13C signals", "1H shifts", "1H signals"]
    assert "groups" in names
    for test in (*right.tests, *wrong.tests):
        assert -1 <= test.score <= 1 and 0 <= test.significance <= 1 and test.detail.endswith(".")
    worst = next(test for test in wrong.tests if test.name == "13C shifts")
    assert worst.score < -0.5 and "worst is" in worst.detail


def test_too_many_protons_speak_against_a_structure(sample):
    test = {t.name: t for t in verify(sample, "O=C(O)c1ccccc1").tests}
    assert test["1H signals"].score < 0.3
    assert "10 protons of 6" in test["1H signals"].detail


def test_a_structure_without_carbon_does_not_fit(sample):
    result = verify(sample, "[Na+].[Cl-]")
    assert result.score < -0.8
    assert any("None of 7 peaks" in test.detail for test in result.tests)


def test_the_molecular_ion_and_its_isotopes_are_tested(sample):
    spectra = (*sample.spectra, ions("[C9H11O2]+"))
    tests = {t.name: t for t in verify(Sample(spectra), "CCOC(=O)c1ccccc1").tests}
    assert tests["MS formula"].score > 0 and "[M+H]+" in tests["MS formula"].detail
    assert tests["MS isotopes"].score > 0
    chlorine = {t.name: t for t in verify(Sample(spectra), "ClCOC(=O)c1ccccc1").tests}
    assert chlorine["MS formula"].score < 0 and "MS isotopes" not in chlorine
    named = Spectrum(
        "MS/MS", [105.03], [1.0], "m/z", "intensity", "sticks",
        metadata={"precursor_mz": 151.0754, "adduct": "[M+H]+"},
    )  # fmt: skip
    alone = verify(Sample((named,)), "CCOC(=O)c1ccccc1")
    assert {t.name: t for t in alone.tests}["MS formula"].score > 0
    other = verify(Sample((named,)), "CCOC(=O)c1ccncc1")
    detail = {t.name: t.detail for t in other.tests}["MS formula"]
    assert other.score < -0.8 and "none of the usual ions" in detail


def test_masses_are_allowed_what_their_digits_allow():
    formula = parse_formula("C9H10O2")
    whole = Spectrum(
        "MS", [105.0, 122.0, 150.0], [100.0, 30.0, 20.0], "m/z", "intensity", "sticks",
        metadata={"ionization": "EI"},
    )  # fmt: skip
    (evidence,) = mass_evidence(Sample((whole,)), formula)
    assert evidence.found is not None and evidence.found.name == "M+."
    (exact,) = mass_evidence(Sample((ions("[C9H11O2]+", 0.01),)), formula)
    assert exact.found is None and not exact.known_ion
    with_nothing = Spectrum("MS/MS", [105.0], [1.0], "m/z", "intensity", "sticks")
    assert mass_evidence(Sample((with_nothing,)), formula) == ()


def test_surprising_groups_cost_more():
    probabilities = {"Ester": 0.95, "Ketone": 0.05}
    right = group_features(probabilities, frozenset({"Ester"}))
    wrong = group_features(probabilities, frozenset({"Ketone"}))
    assert right[0] < 0 < wrong[0]


def test_more_that_is_unexplained_never_speaks_for_a_structure():
    tests, weights, _ = judgements()
    assert {"13C shifts", "13C signals", "1H shifts", "1H signals", "groups"} <= set(tests)
    assert all(weight <= 0 for judgement in tests.values() for weight in judgement.weights)
    assert all(weight >= 0 for weight in weights.values())


def test_every_score_has_a_verdict():
    assert len({verdict_of(score) for score in np.linspace(-1, 1, 50)}) == len(VERDICTS)


def test_bad_input_is_told(sample):
    with pytest.raises(ValueError, match="not a valid SMILES"):
        verify(sample, "C1CC")
    with pytest.raises(ValueError, match="give one as SMILES"):
        verify(sample)
    with pytest.raises(ValueError, match="nothing can be tested"):
        verify(Sample(), "CCO")
    phosphorus = Spectrum("31P NMR", [3.0], [1.0], "ppm", "intensity", "sticks")
    with pytest.raises(ValueError, match="31P NMR"):
        verify(Sample((phosphorus,)), "CCO")


def test_the_command_prints_the_contract(lines, capsys):
    assert main(["verify", str(lines), "--structure", "CCOC(=O)c1ccccc1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert -1 <= document["score"] <= 1 and document["verdict"]
    assert {"name", "score", "significance", "detail"} == set(document["tests"][0])
    assert main(["verify", str(lines), "--structure", "C1CC"]) == 2
    assert "not a valid SMILES" in capsys.readouterr().err
