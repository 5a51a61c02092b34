"""From tables to the shift predictor that ships: prepare once, train or resume, scale, save."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.chemistry.predicted_shifts import NUCLEI
from engine.library.shift_model import save_shift_model
from engine.training.group_tables import evaluation_keys
from engine.training.shift_tables import SOURCES, ShiftTensors, read_shift_records, shift_tensors
from engine.training.shift_training import ShiftPlan, predict_tensors, remember, train_shifts

# The first network only tells which of the inferred shifts are to be remembered, and where.
FIRST = ShiftPlan(epochs=24, stop_after=12, memory=False)

LICENCE = "MIT; trained on nmrshiftdb2 and the CASCADE DFT shifts"
NAME = "GIN shifts"
VERSION = "1"


def prepared(data: Path, folder: Path, report: Callable[[str], None]) -> dict[str, ShiftTensors]:
    """The tensors of ``folder``, made from the tables in ``data`` where they are missing.

    The molecules of the measured-IR evaluation set are in none of them.
    """
    tensors = {}
    for split in ("train", "valid"):
        path = folder / f"{split}.npz"
        if not path.exists():
            report(f"reading the {split} shifts")
            shift_tensors(list(read_shift_records(data, split, evaluation_keys(data)))).save(path)
        tensors[split] = ShiftTensors.load(path)
    return tensors


def uncertainty_scale(networks, valid: ShiftTensors) -> dict[str, float]:
    """What brings the mean of the expected errors to that of the errors, on atoms of the
    validation split that people assigned."""
    members = np.flatnonzero(valid.source == SOURCES.index("human_molblock"))
    found = [predict_tensors(network, valid, members) for network in networks]
    ppm = np.mean([f[0] for f in found], axis=0)
    expected = np.exp(np.mean([np.log(f[1]) for f in found], axis=0))
    truth = valid.targets[valid.rows(members)]
    scale = {}
    for column, technique in enumerate(NUCLEI):
        error = np.abs(ppm[:, column] - truth[:, column])
        known = np.isfinite(error)
        scale[technique] = round(float(error[known].mean() / expected[known, column].mean()), 4)
    return scale


def train_shift_model(
    data: Path,
    folder: Path,
    plan: ShiftPlan | None = None,
    members: int = 1,
    report: Callable[[str], None] = print,
) -> Path:
    """Train (or resume) ``members`` networks that differ in their seed, in ``folder/shifts``.

    Before them a first one without a memory. Returns the path, without suffix, of the model that
    holds them all.
    """
    plan = plan or ShiftPlan()
    run = folder / "shifts"
    tensors = prepared(data, run / "prepared", report)
    first = replace(FIRST, **{n: getattr(plan, n) for n in ("width", "depth", "seed")})
    if plan.epochs < FIRST.stop_after:
        first = replace(first, epochs=plan.epochs, stop_after=None)
    cleaner = train_shifts(
        first,
        tensors["train"],
        tensors["valid"],
        run / "first",
        report=lambda line: report(f"first network: {json.dumps(line)}"),
    )
    report("remembering the shifts of alike atoms")
    memory, tensors["train"], tensors["valid"] = remember(
        cleaner, tensors["train"], tensors["valid"]
    )
    networks = []
    for number in range(members):
        own = replace(plan, seed=plan.seed + number)
        networks.append(
            train_shifts(
                own,
                tensors["train"],
                tensors["valid"],
                run / f"seed-{own.seed}",
                report=lambda line, n=number: report(f"network {n + 1}: {json.dumps(line)}"),
            )
        )
    path = run / "shifts-gin"
    save_shift_model(
        path,
        networks,
        {
            "name": NAME,
            "version": VERSION,
            "licence": LICENCE,
            "uncertainty_scale": uncertainty_scale(networks, tensors["valid"]),
        },
        memory,
    )
    return path
