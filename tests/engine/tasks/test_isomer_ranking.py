"""Candidates ranked by what they explain."""

from __future__ import annotations

import json
from concurrent.futures import CancelledError

import numpy as np
import pytest
from rdkit import Chem

from engine.cli import main
from engine.spectra import Sample, Spectrum
from engine.tasks import isomer_ranking, rank
from engine.tasks.isomer_ranking import Candidate, bracketed_charge, read_candidates

# Measured: butyl methyl ketone (hexan-2-one), CDCl3.
HEXANONE = (209.1, 43.5, 29.8, 26.0, 22.4, 13.9)
CANDIDATES = ("CCCCC(C)=O hexan-2-one", "CCCC(=O)CC hexan-3-one", "O=C1CCCCC1", "CC(=O)C(C)(C)C")


def carbons(*shifts: float) -> Spectrum:
    x = np.array(sorted(shifts))
    return Spectrum("13C NMR", x, np.ones(len(x)), "ppm", "intensity", "sticks")


def precursor(mz: float, adduct: str) -> Spectrum:
    metadata = {"precursor_mz": mz, "adduct": adduct, "polarity": "positive"}
    return Spectrum(
        "MS/MS", [55.0, 83.0], [1.0, 0.5], "m/z", "intensity", "sticks", metadata=metadata
    )


def test_the_right_isomer_comes_first():
    result = rank(Sample((carbons(*HEXANONE),)), CANDIDATES)
    assert result.hits[0].name == "hexan-2-one" and result.hits[0].probability > 0.9
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4]
    assert sum(hit.probability for hit in result.hits) == pytest.approx(1)
    assert all(0 <= hit.score <= 1 for hit in result.hits)


@pytest.mark.parametrize("answers", [0, 2, 4, 5])
def test_it_ends_soon_when_it_is_cancelled(answers, monkeypatch, rule_predictor):
    """Asked before each candidate, each chunk of predictions and each match."""
    monkeypatch.setattr(isomer_ranking, "_CHUNK", 2)
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > answers

    with pytest.raises(CancelledError):
        rank(Sample((carbons(*HEXANONE),)), CANDIDATES, rule_predictor, cancelled)
    assert len(asked) == answers + 1


def test_chunks_change_nothing(monkeypatch, rule_predictor):
    sample = Sample((carbons(*HEXANONE),))
    whole = rank(sample, CANDIDATES, rule_predictor)
    monkeypatch.setattr(isomer_ranking, "_CHUNK", 1)
    assert rank(sample, CANDIDATES, rule_predictor) == whole


def test_one_structure_written_twice_shares_its_probability():
    result = rank(Sample((carbons(*HEXANONE),)), ("CC(=O)CCCC", "CCCCC(C)=O", "CCCC(=O)CC"))
    first, second = result.hits[:2]
    assert first.probability == pytest.approx(second.probability)
    assert first.probability < 0.51


def test_the_mass_tells_formulae_apart():
    # Without a mass 13C alone cannot tell these two well: the shifts are the same but for one.
    spectra = (carbons(*HEXANONE),)
    wrong = rank(Sample((*spectra, precursor(115.1117, "[M+H]+"))), CANDIDATES)
    right = rank(Sample((*spectra, precursor(101.0961, "[M+H]+"))), CANDIDATES)
    assert right.hits[0].name == "hexan-2-one"
    cyclic = next(h for h in right.hits if h.smiles == "O=C1CCCCC1")
    before = next(h for h in wrong.hits if h.smiles == "O=C1CCCCC1")
    assert cyclic.probability <= before.probability
    known = rank(Sample(spectra, formula="C6H10O"), CANDIDATES)
    assert next(h for h in known.hits if h.smiles == "O=C1CCCCC1").probability > before.probability


def test_what_cannot_be_read_is_named_and_left_out():
    result = rank(Sample((carbons(*HEXANONE),)), ("CCCCC(C)=O", "C1CC", "", Candidate("xx", "y")))
    assert len(result.hits) == 1
    assert "C1CC" in result.warnings[0]
    with pytest.raises(ValueError, match="no candidate can be read"):
        rank(Sample((carbons(*HEXANONE),)), ("C1CC",))
    with pytest.raises(ValueError, match="no candidate can be read"):
        rank(Sample((carbons(*HEXANONE),)), ())
    with pytest.raises(ValueError, match="13C or 1H NMR"):
        rank(Sample(), CANDIDATES)


def test_candidates_are_read_from_smiles_and_sdf(tmp_path):
    listed = tmp_path / "c.smi"
    listed.write_text("# mine\nCCO ethanol\n\nCCC\tpropane gas\n", encoding="utf-8")
    assert read_candidates(listed) == [
        Candidate("CCO", "ethanol"),
        Candidate("CCC", "propane gas"),
    ]
    blocks = tmp_path / "c.sdf"
    with Chem.SDWriter(str(blocks)) as writer:
        for smiles, name in (("CCO", "ethanol"), ("CCN", "ethylamine")):
            molecule = Chem.MolFromSmiles(smiles)
            molecule.SetProp("_Name", name)
            molecule.SetProp("ID", "7")
            writer.write(molecule)
    assert read_candidates(blocks) == [Candidate("CCO", "ethanol"), Candidate("CCN", "ethylamine")]
    empty = tmp_path / "e.smi"
    empty.write_text("\n")
    with pytest.raises(ValueError, match="holds no candidates"):
        read_candidates(empty)
    with pytest.raises(ValueError, match="cannot be read"):
        read_candidates(tmp_path / "missing.smi")


@pytest.mark.parametrize(
    ("given", "read"), [("C2H6O", "C2H6O"), ("C2H8N+", "[C2H8N]+"), ("C4H4O4-2", "[C4H4O4]2-")]
)
def test_charges_are_put_behind_brackets(given, read):
    assert bracketed_charge(given) == read


def test_the_command_lists_every_candidate(tmp_path, capsys):
    spectrum = tmp_path / "s.txt"
    shifts = ", ".join(map(str, HEXANONE))
    spectrum.write_text(f"13C NMR (101 MHz, CDCl3) δ {shifts}", encoding="utf-8")
    listed = tmp_path / "c.smi"
    listed.write_text("\n".join(CANDIDATES), encoding="utf-8")
    assert main(["rank", str(spectrum), "--candidates", str(listed), "--json"]) == 0
    hits = json.loads(capsys.readouterr().out)["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    assert hits[0]["smiles"] == "CCCCC(C)=O"
    missing = ["rank", str(spectrum), "--candidates", str(tmp_path / "no.smi")]
    assert main(missing) == 3
    assert main([*missing[:3], str(listed), "--formula", "Xx9"]) == 2
    assert "--formula" in capsys.readouterr().err
