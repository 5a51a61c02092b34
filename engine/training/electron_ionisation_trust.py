"""How far the network for electron ionisation is trusted beside the open model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_evidence import AddedSource, SourceTrust, joined_logits
from engine.library.group_model import (
    Calibration,
    GroupModel,
    default_group_model,
    load_group_model,
)
from engine.training.fragment_tables import mean_by_molecule, read_fragments
from engine.training.fragment_training import table_logits
from engine.training.group_calibration import fitted_calibration
from engine.training.group_tables import evaluation_keys
from engine.training.group_tensors import GroupTensors
from engine.training.memory_trust import relative_weights
from engine.training.source_trust import SourceLogits, keys_to_rows, rewrite
from engine.training.train_groups import predict_tensors

_LEAST_CASES = 50


def join_electron_ionisation(
    path: Path,
    data: Path,
    valid: GroupTensors,
    base: GroupModel | None = None,
    sources: Sequence[SourceLogits] = (),
    report: Callable[[str], None] = print,
) -> None:
    """Fit what the EI model at ``path`` (no suffix) counts beside ``base``, into its JSON.

    ``base`` is the open model that ships when None; ``sources`` are its own further sources'
    logits for the molecules of ``valid``, in the order of ``base.sources``. For every set of
    channels that a molecule with an EI spectrum has there is a case; sets of one size share a trust
    where they have 50 cases, and all sets the calibration.
    """
    base = base or default_group_model()
    branch = load_group_model(path)
    table = read_fragments(data, "ei", "valid", evaluation_keys(data))
    members, means = mean_by_molecule(table, table_logits(branch.network, table), None)
    own = {table.keys[m]: means[i] for i, m in enumerate(members.tolist())}
    rows = {key: row for key, row in keys_to_rows(valid.keys.tolist()).items() if key in own}
    cases = _cases(base, valid, rows, own, sources)
    trusts = _trusts(cases)
    source = AddedSource("groups-ei", "fragments", "EI", SourceTrust(tuple(trusts)))
    calibration = branch.calibration
    joined = [
        joined_logits(logits, [(source, ei)], [*names, "EI"]) for names, logits, ei, _ in cases
    ]
    if joined:
        truth = np.concatenate([case[3] for case in cases])
        size = truth.shape[1]
        together = fitted_calibration(np.concatenate(joined), truth, np.ones(size), np.zeros(size))
        calibration = replace(calibration, containing={"EI": together})
    calibration = Calibration(calibration.other, calibration.by_channels, calibration.containing)
    report(f"EI beside others: {json.dumps(source.trust.to_dict())}, {len(rows)} molecules")
    rewrite(path, sources=[source.to_dict()], calibration=calibration.to_dict())


Case = tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]
"""Channels beside EI, the open model's joined logits ``(n, 37)``, those of EI, and the truth."""


def _cases(base, valid, rows, own, sources) -> list[Case]:
    cases = []
    for count in range(1, len(CHANNEL_NAMES) + 1):
        for names in combinations(CHANNEL_NAMES, count):
            wanted = np.isin(CHANNEL_NAMES, names)
            keys = [k for k, r in rows.items() if valid.presence[r][wanted].all()]
            if not keys:
                continue
            places = np.array([rows[key] for key in keys])
            logits = predict_tensors(base.network, valid, tuple(wanted.tolist()), places)
            added = [
                (source, entry.values[places])
                for source, entry in zip(base.sources, sources, strict=False)
                if source.channel in names
            ]
            logits = joined_logits(logits, added, names)
            truth = valid.labels[places] > 0
            cases.append((names, logits, np.array([own[key] for key in keys]), truth))
    return cases


def _trusts(cases: Sequence[Case]) -> list[float]:
    """For one channel (EI alone, where it needs none), two, three and so on, EI among them."""
    trusts = [1.0]
    for count in range(1, len(CHANNEL_NAMES) + 1):
        alike = [case for case in cases if len(case[0]) == count]
        enough = sum(len(case[3]) for case in alike) >= _LEAST_CASES
        if enough:
            inputs = np.stack([np.concatenate([case[i] for case in alike]) for i in (1, 2)])
            truth = np.concatenate([case[3] for case in alike])
            trusts.append(float(relative_weights(inputs, truth)[1]))
        else:
            trusts.append(trusts[-1])
    return trusts
