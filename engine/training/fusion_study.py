"""The comparison of networks that fuse spectra: one data set, one budget, one trainer for all.

The setting is that of both papers: molecules that have IR, 13C and 1H, all three from the train
split, with modality dropout, so that each trained network also serves every subset of the three.
Every network is built at the size of :data:`STUDY_SIZE`, sees the same molecules, batches and
renderings in the same order (seeded), for the same number of epochs, and has its calibration and
thresholds fitted on the same molecules of the validation split.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.library.group_model import (
    Calibration,
    GroupModel,
    ModelCard,
    load_group_model,
    save_group_model,
)
from engine.training.boosted_trees import fit_trees, load_trees, save_trees
from engine.training.fusion_data import StudyData, study_data
from engine.training.group_batches import Source
from engine.training.group_calibration import fit_calibration
from engine.training.group_networks import GROUP_NETWORKS
from engine.training.imbalance import positive_weights
from engine.training.mlsmote import oversampled
from engine.training.train_groups import TrainingPlan, build_network, train

EPOCHS = 24
STUDIES = ("all", "rare", "scaffold", "largest")
RARE_SHARES = (25, 50, 75, 100)
TREES = "boosted-trees"
LICENCE = "MIT; trained on nmrshiftdb2"
# What a network's configuration is changed to, of those fields that it has. At the shipped sizes
# the whole comparison would take days on one processor core.
STUDY_SIZE: dict[str, Any] = {
    "stem": 24, "width": 48, "pools": (4, 4), "reduced": 16, "fused": 96, "rank": 128,
}  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One row of the comparison: a network of ``GROUP_NETWORKS`` (or the trees) and its remedy."""

    name: str
    network: str
    objective: str = "cross-entropy"
    oversampled: bool = False


# Both papers' networks hardly move in so few steps at the rate that suits the others: of 0.001 and
# 0.003, SymSpectra's micro-F1 on the validation split after three epochs was 0.517 and 0.577.
# MSpecTmol and the Transformer, which began as slowly, have the same.
_RATES = {"symspectra": 3e-3, "mspectmol": 3e-3, "transformer": 3e-3}
_RATE = 1e-3
# In this order: a comparison that is cut short has its main rows.
_MAIN = (
    "cnn-1d", "symspectra", "mspectmol", "mid-fusion", "transformer", "early-fusion", "late-fusion",
)  # fmt: skip
_REMEDIES = (
    Member("cnn-1d-focal", "cnn-1d", objective="focal"),
    Member("cnn-1d-reweighted", "cnn-1d", objective="reweighted"),
    Member("cnn-1d-mlsmote", "cnn-1d", oversampled=True),
)


def members_of_study(study: str = "all") -> dict[str, Member]:
    """The rows of a study by name: for "all" every network there is, else the two compared."""
    if study not in STUDIES:
        raise ValueError(f"study {study!r} is none of {', '.join(STUDIES)}")
    if study != "all":
        return {name: Member(name, name) for name in ("cnn-1d", "symspectra")}
    # One part of either paper's network changed; what needs mass spectra is not of this study.
    others = [
        name for name in GROUP_NETWORKS
        if name.startswith(("symspectra-", "mspectmol-")) and not name.endswith("-ms")
    ]  # fmt: skip
    main = [Member(name, name) for name in (*_MAIN, TREES)]
    return {m.name: m for m in (*main, *_REMEDIES, *(Member(name, name) for name in others))}


def chosen_members(study: str, only: Iterable[str] | None) -> list[Member]:
    """The members asked for, all when ``only`` is None; ``ValueError`` for an unknown name."""
    known = members_of_study(study)
    unknown = [name for name in only or () if name not in known]
    if unknown:
        raise ValueError(f"member {unknown[0]!r} is none of {', '.join(known)}")
    return [known[name] for name in only or known]


def at_study_size(network: nn.Module, channels: tuple[str, ...]) -> nn.Module:
    """A fresh network of the same kind with the sizes and channels of the study."""
    known = {field.name for field in fields(network.config)}
    changes = {k: v for k, v in {**STUDY_SIZE, "channels": channels}.items() if k in known}
    return type(network)(replace(network.config, **changes))


def fresh_network(kind: str, channels: tuple[str, ...], plan: TrainingPlan) -> nn.Module:
    """The untrained network of a member; the plan's seed decides its weights."""
    with torch.device("meta"):
        full = build_network(kind, plan.dropout)
    torch.manual_seed(plan.seed)
    return at_study_size(full, channels)


def plan_of(member: Member, data: StudyData, seed: int, epochs: int = EPOCHS) -> TrainingPlan:
    """The one training plan, with the member's objective and its family's learning rate."""
    family = next((name for name in _RATES if member.network.startswith(name)), member.network)
    return TrainingPlan(
        member.network,
        epochs=epochs,
        batch_size=64,
        learning_rate=_RATES.get(family, _RATE),
        averaging=0.99,
        seed=seed,
        dropout=0.15,
        objective=member.objective,
        label_weights=(
            positive_weights(data.train.labels) if member.objective == "reweighted" else ()
        ),
    )


def study_parts(study: str) -> tuple[str, ...]:
    """The trainings of a study: one, or for the rare groups one for each share of positives."""
    return tuple(f"rare-{share}" for share in RARE_SHARES) if study == "rare" else (study,)


def member_path(folder: Path, part: str, member: str, seed: int) -> Path:
    """Where the weights of a member lie, without suffix."""
    return folder / "fusion" / part / f"{member}-{seed}"


def train_study(
    tables: Path,
    folder: Path,
    study: str = "all",
    only: Iterable[str] | None = None,
    seed: int = 0,
    epochs: int | None = None,
    report: Callable[[str], None] = print,
) -> Path:
    """Train, or go on with, the members of a study in ``folder/fusion``; returns that folder.

    A member that is done is not trained again, one that was stopped goes on from its checkpoint.
    Raises ``ValueError`` for unknown names, or when a finished member had another budget.
    """
    members = chosen_members(study, only)
    for part in study_parts(study):
        data = None
        for member in members:
            path = member_path(folder, part, member.name, seed)
            wanted = EPOCHS if epochs is None else epochs
            if path.with_suffix(".json").exists():
                done = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
                if done["epochs"] not in (wanted, None):
                    raise ValueError(
                        f"{path} was trained for {done['epochs']} epochs, not {wanted}: "
                        "remove it, or name another --folder"
                    )
                continue
            data = data or study_data(tables, folder, part, report)
            report(f"{part}: training {member.name}, seed {seed}")
            train_member(member, data, path, seed, wanted, report)
    return folder / "fusion"


def train_member(
    member: Member,
    data: StudyData,
    path: Path,
    seed: int,
    epochs: int,
    report: Callable[[str], None],
) -> None:
    """Train one member and write ``path.json`` with its weights beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    description = {
        "kind": member.network,
        "name": member.name,
        "version": "1",
        "licence": LICENCE,
        "train_positives": data.table_positives.tolist(),
        "epochs": None if member.network == TREES else epochs,
        "seed": seed,
        "molecules": len(data.train),
    }
    if member.network == TREES:
        trees = fit_trees(data.train, data.channels, seed)
        description["core_seconds"] = round(time.process_time() - started, 1)
        save_trees(path, trees, fit_calibration(trees, data.valid), description)
        return
    plan = plan_of(member, data, seed, epochs)
    sources = [Source(data.train)]
    if member.oversampled:
        extra = oversampled(data.train, data.channels, np.random.default_rng(seed))
        description["synthetic"] = len(extra)
        sources.append(Source(extra))
    run = path.with_suffix("")
    trained = train(
        plan,
        sources,
        data.valid,
        run,
        start=fresh_network(member.network, data.channels, plan),
        report=lambda line: report(f"{member.name}: {json.dumps(line)}"),
    )
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    # An epoch that was cut short after its line was written stands there twice.
    spent = {line["epoch"]: line["core_seconds"] for line in lines}
    description["core_seconds"] = round(sum(spent.values()), 1)
    save_group_model(path, trained, fit_calibration(trained, data.valid), description)
    (run / "last.ckpt").unlink()


def load_member(path: Path, member: Member) -> tuple[GroupModel, dict[str, Any]]:
    """A trained member and what was written beside it.

    Raises :class:`NoModelError` when its weights cannot be read, ``ValueError`` for trees.
    """
    content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    if member.network != TREES:
        return load_group_model(path), content
    trees = load_trees(path, content)
    model = GroupModel(
        trees,
        trees.config.labels,
        trees.config.channels,
        Calibration.from_dict(content["calibration"]),
        ModelCard(content["name"], content["version"], content["licence"]),
        np.array(content["train_positives"]),
    )
    return model, content
