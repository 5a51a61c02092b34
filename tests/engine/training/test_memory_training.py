"""Fitting memories: similarity is learnt from shared groups, and judged on unseen molecules."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.training.memory_training import fit_memory, fitted_memories

TELLING, IDLE = 0, 1


def test_a_fitted_memory_names_the_groups_of_unseen_molecules(made_up):
    known, unseen = made_up(1200), made_up(300, seed=1)
    memory = fit_memory(known, "13C NMR", steps=120)
    members = np.flatnonzero(unseen.count["13C NMR"])
    rows = unseen.first["13C NMR"][members]
    votes = memory(torch.from_numpy(unseen.values["13C NMR"][rows].astype(np.float32))) > 0
    truth = unseen.labels[members] > 0
    right = (votes.numpy() == truth).mean(0)
    assert right[TELLING] > 0.95
    # What no line tells cannot be known, so a memory must not learn it by heart either.
    assert 0.3 < right[IDLE] < 0.7


def test_few_molecules_are_no_memory(made_up, tmp_path):
    few = made_up(60)
    with pytest.raises(ValueError, match="40"):
        fit_memory(few, "13C NMR")
    said = []
    assert fitted_memories(few, tmp_path, report=said.append) == []
    assert len(said) == 4


def test_memories_are_fitted_once_and_kept(made_up, tmp_path, monkeypatch):
    known = made_up(180)
    first = fitted_memories(known, tmp_path, steps=5)
    monkeypatch.setattr(
        "engine.training.memory_training.fit_memory",
        lambda *_args, **_more: pytest.fail("a memory was fitted again"),
    )
    second = fitted_memories(known, tmp_path)
    assert len(first) == len(second) == 1
    for name, value in first[0].state_dict().items():
        assert torch.equal(value, second[0].state_dict()[name])
