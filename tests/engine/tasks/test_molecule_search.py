"""Search finds the molecule whose signals a spectrum shows, among those that come into question."""

from __future__ import annotations

import json
from concurrent.futures import CancelledError

import numpy as np
import pytest
from rdkit import Chem

from engine import Sample, Spectrum, cli
from engine.library import library_search
from engine.library.library_build import build_library
from engine.library.library_files import LibraryError
from engine.library.library_search import alignment_costs, search_library, tabulated_scores
from engine.tasks import search
from engine.tasks.sample_peaks import observed_peaks

CHAINS = ["C" * n for n in range(2, 9)]
MOLECULES = [
    *CHAINS, "CCO", "CCCO", "CC(C)O", "CC(C)=O", "CCC(C)=O", "CC(=O)O", "CCC(=O)O", "c1ccccc1",
    "Cc1ccccc1", "CCc1ccccc1", "Oc1ccccc1", "Nc1ccccc1", "COc1ccccc1", "CC#N", "CCC#N", "CC(=O)OC",
    "CC(=O)OCC", "C1CCOC1", "C1CCNC1", "CCN", "CCCN", "CC(N)=O", "CN(C)C=O", "OCC1CC1", "CCCCCO",
]  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory, rule_predictor):
    folder = tmp_path_factory.mktemp("libraries")
    source = folder / "list.smi"
    source.write_text("".join(f"{smiles} molecule {smiles}\n" for smiles in MOLECULES))
    return build_library("chemicals", source, rule_predictor, folder)


@pytest.fixture
def sample_of(rule_predictor):
    def made(smiles, techniques=("13C NMR",), **known):
        shifts = rule_predictor.predict([Chem.MolFromSmiles(smiles)])[0]
        spectra = []
        for technique in techniques:
            off = 0.1 if technique == "13C NMR" else 0.005
            x = sorted({round(s.ppm + off, 4) for s in shifts.signals(technique)})
            spectra.append(Spectrum(technique, np.array(x), np.ones(len(x)), "ppm", kind="sticks"))
        return Sample(tuple(spectra), **known)

    return made


@pytest.mark.parametrize("smiles", ["CCC(C)=O", "Cc1ccccc1", "CC(=O)OCC", "COc1ccccc1"])
@pytest.mark.parametrize("techniques", [("13C NMR",), ("1H NMR",), ("13C NMR", "1H NMR")])
def test_the_own_molecule_comes_first(library, sample_of, smiles, techniques):
    sample = sample_of(smiles, techniques)
    result = search(sample, library)
    first = result.hits[0]
    assert first.smiles == smiles
    assert first.name == f"molecule {smiles}"
    assert first.matched == first.peaks == sum(len(s) for s in sample.spectra)
    assert [hit.rank for hit in result.hits] == list(range(1, 26))
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] <= 1
    assert sum(hit.probability for hit in result.hits) <= 1.0001


def test_conditions_leave_out_what_does_not_meet_them(library, sample_of):
    sample = sample_of("CCC(C)=O")
    isomers = search(sample, library, formula="C4 H8 O")
    assert {hit.formula for hit in isomers.hits} == {"C4H8O"}
    assert len(isomers.hits) == 3
    assert isomers.hits[0].smiles == "CCC(C)=O"
    acids = search(sample, library, groups=["Carboxylic acid"])
    assert {hit.smiles for hit in acids.hits} == {"CC(=O)O", "CCC(=O)O"}
    light = search(sample, library, mass_range=(43.9, 46.1))
    assert {hit.smiles for hit in light.hits} == {"CCC", "CCO", "CCN"}
    none = search(sample, library, formula="C60")
    assert none.hits == ()
    assert "No molecule" in none.warnings[0]


def test_a_charged_formula_is_looked_up_as_it_is_written(tmp_path, rule_predictor, sample_of):
    source = tmp_path / "salts.smi"
    source.write_text("C[N+](C)(C)C\nCC(=O)[O-]\nCCO\n")
    salts = build_library("salts", source, rule_predictor, tmp_path)
    for formula, smiles in (("[C4H12N]+", "C[N+](C)(C)C"), ("C2H3O2-", "CC(=O)[O-]")):
        hits = search(sample_of("CCO"), salts, formula=formula).hits
        assert [hit.smiles for hit in hits] == [smiles]


def test_the_formula_of_the_sample_counts_unless_it_is_taken_back(library, sample_of):
    sample = sample_of("CCC(C)=O", formula="C2H6O")
    said = search(sample, library)
    assert [hit.smiles for hit in said.hits] == ["CCO"]
    assert any("C2H6O" in sentence for sentence in said.warnings)
    assert search(sample, library, formula="").hits[0].smiles == "CCC(C)=O"


def test_a_list_of_samples_gives_a_list(library, sample_of):
    found = search([sample_of("CCO"), sample_of("CC#N")], library, top=1)
    assert [result.hits[0].smiles for result in found] == ["CCO", "CC#N"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"formula": "C4H8Xx"}, "Xx"),
        ({"mass_range": (5, 1)}, "mass range"),
        ({"groups": ["Ketones"]}, "Ketones"),
        ({"top": 0}, "top"),
    ],
)
def test_what_cannot_be_asked_is_told(library, sample_of, asked, said):
    with pytest.raises(ValueError, match=said):
        search(sample_of("CCO"), library, **asked)


def test_a_sample_without_peaks_is_told(library):
    infrared = Spectrum("IR", np.arange(400.0, 500.0), np.zeros(100), "1/cm", "absorbance")
    with pytest.raises(ValueError, match="13C"):
        search(Sample((infrared,)), library)


def test_a_cancelled_search_stops(library, sample_of):
    with pytest.raises(CancelledError):
        search(sample_of("CCO"), library, is_cancelled=lambda: True)


def test_a_short_shortlist_finds_what_comparing_all_does(library, sample_of):
    for smiles in MOLECULES:
        peaks = observed_peaks(sample_of(smiles))
        whole = search_library(library, peaks)
        short = search_library(library, peaks, shortlist=8)
        assert not whole.shortlisted
        assert short.shortlisted
        assert short.compared == 8
        assert short.costs[0] == pytest.approx(whole.costs[0])


def test_the_table_is_summed_over_blocks(library, sample_of, monkeypatch):
    peaks = observed_peaks(sample_of("CCCO"))
    whole = tabulated_scores(library, peaks)
    levels = library.arrays["carbon_levels"][0]
    blocks = np.zeros((9, len(levels), 4), np.uint8)
    for number in range(len(library)):
        blocks[number // 4, :, number % 4] = levels[:, number]
    monkeypatch.setitem(library.arrays, "carbon_levels", blocks)
    assert tabulated_scores(library, peaks) == pytest.approx(whole)


def test_another_score_adds_to_the_shortlist(library, sample_of):
    peaks = observed_peaks(sample_of("CCCO"))
    outsider = int(np.argmin(tabulated_scores(library, peaks)))
    scores = np.zeros(len(library))
    scores[outsider] = 1.0
    plain = search_library(library, peaks, shortlist=3)
    both = search_library(library, peaks, shortlist=3, other_scores=[lambda found: scores])
    assert outsider not in plain.numbers
    assert outsider in both.numbers
    assert set(plain.numbers) <= set(both.numbers)


def test_costs_do_not_depend_on_what_is_aligned_together(library, sample_of, monkeypatch):
    peaks = observed_peaks(sample_of("CCc1ccccc1"))
    numbers = np.arange(len(library))
    whole = alignment_costs(library, peaks, numbers)
    monkeypatch.setattr(library_search, "_ROWS", 5)
    assert alignment_costs(library, peaks, numbers) == pytest.approx(whole, abs=1e-4)


class TestCommands:
    @pytest.fixture(autouse=True)
    def own_folder(self, library, monkeypatch):
        monkeypatch.setenv("SPECGUI_LIBRARIES", str(library.folder.parent))

    @pytest.fixture
    def line(self, tmp_path, rule_predictor):
        shifts = rule_predictor.predict([Chem.MolFromSmiles("CCC(C)=O")])[0].signals("13C NMR")
        path = tmp_path / "line.txt"
        values = ", ".join(f"{s.ppm:.1f}" for s in shifts)
        path.write_text(f"13C NMR (101 MHz, CDCl3) δ {values}.\n", encoding="utf-8")
        return str(path)

    def _json(self, capsys, *arguments):
        assert cli.main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    def test_search(self, line, capsys):
        found = self._json(capsys, "search", line, "--library", "chemicals", "--top", "3")
        assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
        assert found["hits"][0]["smiles"] == "CCC(C)=O"
        assert found["library"] == {"name": "chemicals", "size": len(MOLECULES)}
        assert found["elapsed_ms"] > 0
        assert any("rule 1" in sentence for sentence in found["warnings"])

    def test_search_takes_the_only_library(self, line, capsys):
        found = self._json(capsys, "search", line, "--group", "ketone", "--mass-range", "70:75")
        assert [hit["smiles"] for hit in found["hits"]] == ["CCC(C)=O"]

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (("--library", "none"), 4),
            (("--formula", "Xx"), 2),
            (("--mass-range", "a:b"), 2),
            (("--group", "nothing"), 2),
            (("--top", "0"), 2),
        ],
    )
    def test_search_with_bad_options(self, line, capsys, options, code):
        assert cli.main(["search", line, *options]) == code
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1

    def test_search_without_any_file(self, tmp_path, capsys):
        assert cli.main(["search", str(tmp_path / "none.dx")]) == 3

    def test_libraries_are_listed_and_told_of(self, capsys):
        listed = self._json(capsys, "library", "list")["libraries"]
        assert [(one["name"], one["size"]) for one in listed] == [("chemicals", len(MOLECULES))]
        told = self._json(capsys, "library", "info", "chemicals")
        assert told["model"] == "rule 1"
        assert cli.main(["library", "info", "none"]) == 4

    def test_build_and_remove(self, tmp_path, capsys, monkeypatch, rule_predictor):
        monkeypatch.setenv("SPECGUI_LIBRARIES", str(tmp_path / "own"))
        monkeypatch.setattr(
            "engine.library.shift_model.default_shift_predictor", lambda: rule_predictor
        )
        source = tmp_path / "few.csv"
        source.write_text("smiles,name\nCCO,ethanol\nnothing,x\n")
        built = self._json(capsys, "library", "build", "few", str(source), "--workers", "0")
        assert (built["size"], built["broken"]) == (1, 1)
        assert cli.main(["library", "remove", "few"]) == 0
        assert cli.main(["library", "remove", "few"]) == 4
        assert cli.main(["library", "build", "few", str(tmp_path / "none.smi")]) == 3
        assert cli.main(["library", "build", "a/b", str(source)]) == 2


def test_a_library_is_found_by_its_folder(library, sample_of):
    assert search(sample_of("CCO"), str(library.folder)).library_name == "chemicals"
    with pytest.raises(LibraryError, match="elsewhere"):
        search(sample_of("CCO"), "/elsewhere/library")
