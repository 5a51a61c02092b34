"""The retrieval benchmark counts ranks as its protocol says, ties against us."""

from __future__ import annotations

import gzip
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from rdkit import Chem

from engine.evaluation import retrieval
from engine.evaluation.retrieval import format_table, retrieval_benchmark
from engine.evaluation.retrieval_baselines import nearest_peak_distance
from engine.library.group_model import NoModelError

DECOYS = [
    "CCC", "CCCC", "CCCCO", "CCCN", "c1ccncc1", "CCOCC", "C1CCCCC1", "CC(C)C(=O)O", "CCBr",
    "CC(=O)c1ccccc1", "COC(C)=O", "CCCC#N", "NCCO", "OCCO", "C1CCOC1", "CCC(=O)CC", "CC(C)=O",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(small_tables, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("retrieval")
    with gzip.open(tmp_path / "library_smiles.txt.gz", "wt") as lines:
        lines.write("".join(f"{smiles}\n" for smiles in DECOYS))
    shutil.copy(small_tables / "nmr_valid.jsonl.gz", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def result(data, small_tables, rule_predictor):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "_model_slug", lambda: "rule")
        patch.setattr("engine.library.shift_model.default_shift_predictor", lambda: rule_predictor)
        patch.setattr("engine.library.alignment_model.default_alignment_model", _no_alignment_model)
        patch.setattr("engine.evaluation.shifts.read_shift_records", _assigned_records())
        return retrieval_benchmark(data, "valid", (5, 16), 10, data / "libraries", workers=0)


def _no_alignment_model(name):
    raise NoModelError("none")


def _assigned_records():
    """The shifts of the small tables have no assignments: those of a rule stand in."""

    def read(data, split, dft=True):
        for smiles in DECOYS:
            molecule = Chem.MolFromSmiles(smiles)
            targets = np.full((molecule.GetNumAtoms(), 4), np.nan)
            for atom in molecule.GetAtoms():
                if atom.GetAtomicNum() == 6:
                    targets[atom.GetIdx(), 0] = 20.0 * atom.GetDegree()
            yield SimpleNamespace(smiles=smiles, targets=targets)

    return read


def _rows(result, method, library):
    return {
        row["size"]: row
        for row in result["rows"]
        if (row["method"], row["library"], row["spectra"]) == (method, library, "all")
    }


def test_the_table_has_all_methods_and_sizes(result):
    methods = {row["method"] for row in result["rows"]}
    assert {"13C", "13C + 1H", "tabulated intensities alone"} <= methods
    assert any(method.startswith("mean shifts") for method in methods)
    assert result["queries"] == 10
    assert {row["size"] for row in result["rows"]} == {5, 16}
    text = format_table(result)
    assert "13C + 1H" in text
    assert "milliseconds a query" in text


def test_more_molecules_make_it_harder_and_more_places_easier(result):
    for method in ("13C", "13C + 1H", "tabulated intensities alone"):
        alone, together = (_rows(result, method, w) for w in ("own molecule", "all queries"))
        for row in (*alone.values(), *together.values()):
            shares = [row[f"top {k}"] for k in (1, 5, 10, 25)]
            assert shares == sorted(shares)
        assert alone[16]["top 1"] <= alone[5]["top 1"]
        assert together[16]["top 1"] <= alone[16]["top 1"]


def test_a_known_formula_never_makes_it_harder(result):
    known = _rows(result, "13C", "formula known")
    free = _rows(result, "13C", "all queries")
    assert all(known[size]["top 1"] >= free[size]["top 1"] for size in (5, 16))


def test_predicted_libraries_are_kept_for_the_next_time(result, data):
    names = {path.name for path in (data / "libraries").iterdir() if path.is_dir()}
    assert names == {"retrieval rule 16", "queries valid 10 rule"}


def test_the_nearest_peak_distance_by_hand():
    peaks = np.array([10.0, 50.0])
    shifts = np.array([[12.0, 49.0, 90.0], [10.0, 50.0, np.nan], [np.nan] * 3])
    first = (2 + 1 + 40) / 3 + (2 + 1) / 2
    assert nearest_peak_distance(peaks, shifts) == pytest.approx([first, 0.0, np.inf])
    one = nearest_peak_distance(np.array([20.0]), np.array([[18.0, 25.0]]))
    assert one == pytest.approx([(2 + 5) / 2 + 2])
