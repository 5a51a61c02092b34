"""The benchmarks of assignment, isomers and verification count what they say."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from engine.evaluation.assignment import (
    SIZES,
    _nearest,
    _Scored,
    assignment_benchmark,
    format_table,
    reliability,
    summary,
)
from engine.evaluation.isomers import format_table as isomer_table
from engine.evaluation.isomers import isomer_benchmark
from engine.evaluation.verification import pair_shares
from engine.evaluation.verification_cases import Candidate, Query
from engine.evaluation.verification_fit import fit_judgements, logistic, odds_of, roc_auc
from engine.training.assigned_peaks import assigned_molecules, observed_from_table
from engine.training.group_tables import MissingTableError


def row(
    smiles: str, key: str, carbons: dict, source: str | None = "human_molblock", **more
) -> dict:
    listed = sorted({ppm for values in carbons.values() for ppm in values})
    return {
        "key": key,
        "smiles": smiles,
        "assigned_smiles": smiles,
        "assignment_source": source,
        "c13": [{"ppm": ppm, "n": 1} for ppm in listed],
        "h1": [],
        "c13_atoms": carbons,
        "h1_atoms": {},
        "meta": {},
        **more,
    }


@pytest.fixture
def data(tmp_path):
    ketones = {
        "CCCCC(C)=O": {
            "0": [13.9], "1": [22.4], "2": [26.0], "3": [43.5], "4": [209.1], "5": [29.8],
        },
        "CCCC(=O)CC": {
            "0": [13.8], "1": [17.4], "2": [44.4], "3": [211.7], "5": [35.9], "6": [7.9],
        },
        "CC(C)C(=O)CC": {"0": [18.4], "1": [40.9], "3": [215.4], "5": [33.5], "6": [7.9]},
        "CC(=O)CC(C)C": {"0": [30.3], "1": [208.8], "3": [52.8], "4": [24.6], "5": [22.5]},
    }  # fmt: skip
    tables = {
        "train": [row("CCO", "A", {"0": [18.0], "1": [58.0]})],
        "valid": [
            row("CC(C)O", "B", {"0": [25.3], "1": [64.3]}),
            row("CCN", "C", {"0": [1.0]}, source="inferred"),
            *(row(smiles, smiles, atoms, None) for smiles, atoms in ketones.items()),
        ],
    }
    for split, rows in tables.items():
        with gzip.open(tmp_path / f"nmr_{split}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(one) + "\n" for one in rows)
    return tmp_path


def test_only_human_assignments_are_scored_and_equivalent_carbons_count_once(data):
    result = assignment_benchmark(data, "valid")
    assert result["molecules"] == 1
    ours = result["rows"][0]
    assert ours["signals"] == 2 and ours["right"] == 1.0
    assert ours["whole"]["<10"] == {"molecules": 1, "share": 1.0}
    assert "global matching" in format_table(result)
    with pytest.raises(MissingTableError):
        assignment_benchmark(data, "test")


def test_shares_are_of_signals_of_molecules_and_of_atoms():
    def scored(carbons, right, atoms):
        return _Scored(carbons, np.array(right), np.array(atoms), np.zeros(len(right)))

    found = summary([scored(6, [True, False], [1, 3]), scored(12, [True], [2])])
    assert found["right"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["mean of molecules"] == 0.75
    assert found["mean of molecules, atoms"] == pytest.approx((0.25 + 1) / 2)
    assert [found["whole"][name]["share"] for name, _, _ in SIZES] == [0.0, 1.0, None]


def test_the_baseline_gives_one_peak_to_many(data):
    (found,) = assigned_molecules(data, ["valid"])
    assert found.carbons == 3

    class One:
        def __init__(self, ppm):
            self.ppm = ppm

    peaks = observed_from_table([{"ppm": 20.0}, {"ppm": 60.0}, {"ppm": 60.0}], "13C NMR")
    assert len(peaks) == 2
    matched, _ = _nearest([One(22), One(25)], peaks, "13C NMR")
    assert matched == [frozenset({20.0})] * 2


def test_reliability_is_the_gap_between_said_and_found():
    sure = np.array([0.95] * 10 + [0.6] * 10)
    right = np.array([1] * 9 + [0] + [1] * 6 + [0] * 4)
    found = reliability(sure, right)
    assert found["error"] == pytest.approx(0.5 * 0.05, abs=1e-3)
    assert [part["n"] for part in found["bins"]] == [10, 10]


def test_isomers_rank_among_their_group(data):
    result = isomer_benchmark(data, "valid")
    assert (result["least"], result["groups"], result["spectra"]) == (4, 1, 4)
    ours = result["rows"][0]
    assert ours["first"] == 1.0 and ours["all groups"] == 1.0
    assert "own molecule first" in isomer_table(result)


def test_area_under_the_curve_is_the_share_of_ordered_pairs():
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    assert roc_auc(scores, np.array([0, 0, 1, 1])) == pytest.approx(0.75)
    assert roc_auc(np.ones(4), np.array([0, 1, 0, 1])) == pytest.approx(0.5)


def test_the_logistic_finds_its_weights_again():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, 2))
    right = (rng.random(4000) < 1 / (1 + np.exp(-(1.5 * x[:, 0] - 0.5)))).astype(float)
    weights, offset = logistic(x, right)
    assert weights == pytest.approx([1.5, 0.0], abs=0.15)
    # With both classes weighing the same the offset is that of equal numbers.
    assert abs(offset) < 0.5
    held, _ = logistic(x, right, most=0.0)
    assert held[0] == 0


def test_judgements_tell_right_structures_from_decoys():
    rng = np.random.default_rng(4)

    def candidate(kind: str) -> Candidate:
        surprise = rng.normal() + (kind != "right") * 4
        return Candidate(kind, kind, "C", {"13C shifts": np.array([surprise])})

    queries = [
        Query(str(number), tuple(candidate(kind) for kind in ("right", "isomer")))
        for number in range(40)
    ]
    table = fit_judgements(queries)
    odds = [[odds_of(c, table)["13C shifts"] for c in q.candidates] for q in queries]
    assert np.mean([right > 0 > wrong for right, wrong in odds]) > 0.9
    assert table["tests"]["13C shifts"]["power"] > 0.9


def test_pairs_are_preferred_unsolved_or_wrong():
    shares = pair_shares(
        [np.array([0.9, 0.85, -0.5]), np.array([0.1, 0.9])],
        [["right", "isomer", "isomer"], ["right", "isomer"]],
    )
    assert shares["pairs"] == 3
    assert shares["preferred"] == shares["unsolved"] == shares["wrong"] == pytest.approx(0.3333)
