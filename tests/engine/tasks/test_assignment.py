"""Peaks of samples given to the atoms of their structures."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from engine.cli import main
from engine.formats import open_spectra
from engine.spectra import Sample, Spectrum
from engine.tasks import assign

ETHYL_BENZOATE = "CCOC(=O)c1ccccc1"
LINES = (
    "13C NMR (101 MHz, CDCl3) δ 166.5, 132.8, 130.5, 129.5, 128.3, 60.9, 14.3\n"
    "1H NMR (400 MHz, CDCl3) δ 8.05 (d, J = 7.7 Hz, 2H), 7.54 (t, J = 7.4 Hz, 1H), "
    "7.43 (t, J = 7.6 Hz, 2H), 4.38 (q, J = 7.1 Hz, 2H), 1.39 (t, J = 7.1 Hz, 3H).\n"
)


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "ethyl benzoate.txt"
    path.write_text(LINES, encoding="utf-8")
    return path


@pytest.fixture
def sample(lines):
    return Sample(tuple(open_spectra(lines)))


def sticks(technique: str, *shifts: float) -> Spectrum:
    x = np.array(sorted(shifts))
    return Spectrum(technique, x, np.ones(len(x)), "ppm", "intensity", "sticks")


def by_atom(result, element: str) -> dict[int, float | None]:
    return {a.atom: a.peak for a in result.assignments if a.element == element}


def test_ethyl_benzoate_as_textbooks_assign_it(sample):
    result = assign(sample, ETHYL_BENZOATE)
    carbons = by_atom(result, "C")
    assert carbons[3] == 166.5 and carbons[1] == 60.9 and carbons[0] == 14.3
    assert carbons[8] == 132.8 and carbons[7] == carbons[9] == 128.3
    protons = by_atom(result, "H")
    assert protons == {0: 1.39, 1: 4.38, 6: 8.05, 10: 8.05, 7: 7.43, 9: 7.43, 8: 7.54}
    assert result.unassigned == ()
    ortho = next(a for a in result.assignments if (a.element, a.atom) == ("C", 6))
    assert ortho.equivalent == (6, 10)
    assert all(0 <= a.confidence <= 1 for a in result.assignments)


def test_atom_numbers_are_those_of_the_structure_given(sample):
    # The same molecule written from the other end, hydrogens of the methyl group as atoms.
    result = assign(sample, "c1ccccc1C(=O)OCC([H])([H])[H]")
    carbons = by_atom(result, "C")
    assert carbons[6] == 166.5 and carbons[9] == 60.9 and carbons[10] == 14.3
    assert by_atom(result, "H")[10] == 1.39


def test_a_fixed_pair_is_kept_and_the_rest_follows(sample):
    result = assign(sample, ETHYL_BENZOATE, fixed=[("C", 8, 129.5), ("H", 8, None)])
    entry = next(a for a in result.assignments if (a.element, a.atom) == ("C", 8))
    assert entry.peak == 129.5 and entry.fixed and entry.confidence == 1
    taken = [a.peak for a in result.assignments if a.element == "C" and a.atom in (5, 6, 7)]
    assert sorted(taken) == [128.3, 130.5, 132.8]
    assert by_atom(result, "H")[8] is None
    assert ("1H NMR", 7.54) in result.unassigned


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("C", 2, 60.0), "is no carbon"),
        (("H", 3, 8.0), "carries no hydrogen"),
        (("C", 99, 60.0), "no heavy atom"),
        (("N", 0, 60.0), "right is 'C' or 'H'"),
        (("C", 0, float("nan")), "nan ppm"),
    ],
)
def test_pairs_that_cannot_be_kept_are_refused(sample, pair, message):
    with pytest.raises(ValueError, match=message):
        assign(sample, ETHYL_BENZOATE, fixed=[pair])


def test_diastereotopic_hydrogens_have_an_entry_each():
    # Styrene oxide: the two hydrogens of its CH2 are cis and trans to the ring.
    sample = Sample((sticks("1H NMR", 2.80, 3.14, 3.86, 7.26, 7.31, 7.35),))
    result = assign(sample, "C1OC1c1ccccc1")
    both = [a.peak for a in result.assignments if a.atom == 0]
    assert both == [3.14, 2.80]


def test_peaks_beyond_the_structure_stay_unassigned():
    result = assign(Sample((sticks("13C NMR", 58.0, 18.2, 171.0, 110.0, 30.0),)), "CCO")
    assert by_atom(result, "C") == {0: 18.2, 1: 58.0}
    assert len(result.unassigned) == 3
    assert any("many cannot" in warning for warning in result.warnings)


def test_the_structure_of_the_sample_is_taken(sample):
    own = Sample(sample.spectra, structure=ETHYL_BENZOATE)
    assert assign(own).to_dict() == assign(sample, ETHYL_BENZOATE).to_dict()
    assert [r.to_dict() for r in assign([own])] == [assign(own).to_dict()]
    with pytest.raises(ValueError, match="give one as SMILES"):
        assign(sample)


def test_bad_input_is_told(sample):
    with pytest.raises(ValueError, match="not a valid SMILES"):
        assign(sample, "C1CC")
    with pytest.raises(ValueError, match="13C or 1H NMR spectrum"):
        assign(Sample((sticks("31P NMR", 3.0),)), "CCO")
    with pytest.raises(ValueError, match="13C or 1H NMR spectrum"):
        assign(Sample(), "CCO")


def test_a_structure_without_carbon_gets_no_peak(sample):
    result = assign(sample, "[Na+].[Cl-]")
    assert result.assignments == ()
    assert len(result.unassigned) == 12
    assert any("no carbon" in warning for warning in result.warnings)


def test_two_hundred_atoms_take_less_than_two_seconds():
    chain = "CC(C)C(NC(=O)C(CC(C)C)NC(=O)C(C)NC(=O)CN)C(=O)"
    smiles = chain + "NCC(=O)" + "".join("NC(CC(C)C)C(=O)" for _ in range(22)) + "O"
    rng = np.random.default_rng(0)
    sample = Sample(
        (
            sticks("13C NMR", *rng.uniform(15, 60, 150).tolist(), *rng.uniform(168, 175, 28)),
            sticks("1H NMR", *rng.uniform(0.8, 8.5, 120).tolist()),
        )
    )
    assign(Sample((sticks("13C NMR", 58.0),)), "CCO")  # the weights are loaded once
    before = time.process_time()
    result = assign(sample, smiles)
    assert len(result.structure.molblock) > 0
    assert len({a.atom for a in result.assignments if a.element == "C"}) > 120
    assert time.process_time() - before < 2.0


def test_the_command_prints_the_contract(lines, capsys):
    assert main(["assign", str(lines), "--structure", ETHYL_BENZOATE, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    first = document["assignments"][0]
    assert {"atom", "element", "peak", "predicted", "confidence"} <= set(first)
    assert main(["assign", str(lines), "--structure", "C1CC", "--json"]) == 2
    assert "not a valid SMILES" in capsys.readouterr().err
    assert main(["assign", str(lines), "--structure", "CCO", "--fix", "C4"]) == 2
    assert "right is" in capsys.readouterr().err
    assert main(["assign", str(lines), "--json"]) == 3
