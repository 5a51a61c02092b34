"""The mass-spectrum benchmark: its rows, and that what is fitted is fitted on valid alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation import fragments as benchmark
from engine.library.group_model import GroupModel, ModelCard
from engine.training.fragment_tables import read_fragments
from engine.training.group_tables import MissingTableError

SMILES = {"A": "CCO", "B": "CC(C)=O", "C": "CCN", "D": "CCC(=O)O"}
# Each group has a fragment of its own here.
MARK = {"A": 31.0178, "B": 43.0178, "C": 30.0338, "D": 45.0335}


@pytest.fixture
def tables(tmp_path, table_writer):
    rng = np.random.default_rng(0)

    def rows(split, size):
        made = []
        for index in range(size):
            kind = "ABCD"[index % 4]
            for polarity in ("positive", "negative") if index % 2 else ("positive",):
                made.append(
                    {"key": f"{split}{index}", "smiles": SMILES[kind],
                     "mz": [MARK[kind], *rng.uniform(60, 200, 3).round(4).tolist()],
                     "intensity": [1.0, *rng.random(3).tolist()], "polarity": polarity,
                     "licence_class": "open"}
                )  # fmt: skip
        return made

    for split, size in (("valid", 40), ("test", 24)):
        for ionization in ("esi", "ei"):
            table_writer(tmp_path / f"ms_{ionization}_{split}.jsonl.gz", rows(split, size))
    return tmp_path


class Speaker:
    """A stand-in for a network: it knows the marks."""

    def __init__(self, strength):
        self.strength = strength

    def __call__(self, table, polarity):
        first = table.sets.mz[:, 0]
        logits = np.full((len(first), 37), -4.0)
        for index, mz in enumerate(first):
            kind = min(MARK, key=lambda k: abs(MARK[k] - mz))
            row = next(i for i, s in enumerate(SMILES) if s == kind)
            logits[index] = self.strength * (known(kind) - 0.5) + 0.01 * row
        return logits


def known(kind):
    from rdkit import Chem

    from engine.chemistry.functional_groups import groups_of

    return groups_of(Chem.MolFromSmiles(SMILES[kind])).astype(float)


@pytest.fixture
def speakers(monkeypatch, plain_calibration):
    import torch

    from engine.chemistry.functional_groups import GROUP_NAMES

    card = ModelCard("Fragments", "1", "MIT")
    model = GroupModel(
        torch.nn.Linear(2, 2), GROUP_NAMES, (), plain_calibration, card, np.full(37, 500)
    )

    def made(ionization, baselines):
        said = {"SymSpectra": Speaker(0.0)} if ionization == "esi" else {}
        return said | {"fragment network": Speaker(8.0)}, model

    monkeypatch.setattr(benchmark, "_speakers", made)


def test_each_input_has_a_row_for_each_network(tables, speakers):
    result = benchmark.fragment_benchmark(tables, "test")
    by_input = {}
    for row in result["rows"]:
        by_input.setdefault(row["input"], {})[row["model"]] = row
    assert set(by_input) == {
        f"{task}, {label}"
        for task in ("MS/MS+", "MS/MS-", "EI")
        for label in ("first spectrum", "all spectra")
    }
    rows = by_input["MS/MS+, first spectrum"]
    assert set(rows) == {"SymSpectra", "fragment network", "fragment network beside SymSpectra"}
    assert rows["fragment network"]["samples"] == 24
    assert rows["fragment network"]["micro_f1"] == 1.0
    # What knows nothing is not listened to, and spoils nothing.
    assert rows["fragment network beside SymSpectra"]["micro_f1"] == 1.0
    assert rows["SymSpectra"]["micro_f1"] < 0.9
    assert set(by_input["EI, all spectra"]) == {"fragment network"}
    assert by_input["MS/MS-, first spectrum"]["fragment network"]["samples"] == 12
    text = benchmark.format_table(result)
    assert "| EI, first spectrum | 24 | fragment network | 1.000 |" in text


def test_a_missing_folder_is_said(tmp_path, speakers):
    with pytest.raises(MissingTableError, match="no mass spectra"):
        benchmark.fragment_benchmark(tmp_path, "test")


def test_the_vectors_of_the_baseline_are_those_of_the_group_networks(tables):
    from engine.encoding.vectors import encode_masses
    from engine.training.fragment_baseline import binned

    table = read_fragments(tables, "esi", "test")
    sets = table.sets[:3]
    shown = sets.present[0]
    expected = encode_masses(sets.mz[0][shown], sets.intensity[0][shown])
    assert binned(sets).shape == (3, 600)
    assert np.allclose(binned(sets)[0], expected, atol=1e-6)
