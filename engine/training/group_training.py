"""From tables to a calibrated group predictor: prepare once, train or resume, calibrate, save."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.library.group_model import NoModelError, save_group_model
from engine.networks.cnn_1d import factored
from engine.training.group_batches import Source
from engine.training.group_calibration import fit_calibration
from engine.training.group_tables import (
    MissingTableError,
    evaluation_keys,
    read_group_records,
)
from engine.training.group_tensors import (
    EVALUATION_VARIANTS,
    TRAINING_VARIANTS,
    GroupTensors,
    prepare,
    stack,
)
from engine.training.memory_training import fitted_memories
from engine.training.memory_trust import (
    QUIET_CHANNELS,
    fit_trust,
    with_companion,
    with_memories,
    with_noise_floor,
)
from engine.training.peak_set_training import PeakSetPlan, trained_companion
from engine.training.simulated_nmr import (
    choose_candidates,
    completed_infrared_rows,
    fit_environments,
    simulated_rows,
)
from engine.training.source_trust import join_sources
from engine.training.train_groups import TrainingPlan, train

LICENCE = "MIT; trained on nmrshiftdb2 and open MassBank records"
NAMES = {"symspectra": "SymSpectra", "cnn-1d": "1D-CNN"}
SIMULATED = 400_000
SCANNED = 500_000
BASELINE_RANK = 256
COMPANION = PeakSetPlan()


def prepared(data: Path, folder: Path, report: Callable[[str], None]) -> dict[str, GroupTensors]:
    """The tensors of ``folder``, rendered from the tables in ``data`` where they are missing.

    The molecules of the measured-IR evaluation set are in none of them, by any technique.
    """
    excluded = evaluation_keys(data)

    def tensors(name: str, make: Callable[[], GroupTensors]) -> GroupTensors:
        path = folder / f"{name}.npz"
        if not path.exists():
            report(f"rendering {name}")
            make().save(path)
        return GroupTensors.load(path)

    def simulated() -> GroupTensors:
        candidates = choose_candidates(data / "library_smiles.txt.gz", SIMULATED, SCANNED, excluded)
        return stack(simulated_rows(candidates, *fit_environments(data, excluded)))

    def doubtful() -> GroupTensors:
        records = [r for r in read_group_records(data, "valid", excluded) if r.infrared]
        variants = {**EVALUATION_VARIANTS, "IR": 3}
        return prepare(records, variants, seed=7, doubt=2.0)

    def completed() -> GroupTensors:
        records = read_group_records(data, "train", excluded)
        environments = fit_environments(data, excluded)
        return stack(completed_infrared_rows(records, *environments, variants=12))

    return {
        "train": tensors(
            "train",
            lambda: prepare(
                read_group_records(data, "train", excluded), TRAINING_VARIANTS, training=True
            ),
        ),
        "valid": tensors(
            "valid",
            lambda: prepare(read_group_records(data, "valid", excluded), EVALUATION_VARIANTS),
        ),
        "valid_doubtful": tensors("valid_doubtful", doubtful),
        "infrared_completed": tensors("infrared_completed", completed),
        "simulated": tensors("simulated", simulated),
    }


def sources_of(
    tensors: dict[str, GroupTensors], simulated: float, distorted: float = 0.0
) -> list[Source]:
    """The mix of one epoch: all measured molecules, the IR ones once more alone, those with NMR
    filled in, and the share ``simulated`` of the simulated ones; ``distorted`` as in Source."""
    return [
        Source(tensors["train"], 1.0, distorted=distorted),
        Source(tensors["train"], 1.0, ("IR",), distorted),
        Source(tensors["infrared_completed"], 1.0, distorted=distorted),
        Source(tensors["simulated"], simulated),
    ]


@dataclass(frozen=True)
class Stage:
    """One part of a training: its plan, the share of the simulated molecules in an epoch, that of
    the infrared batches that are distorted, and the channels that get a noise floor before it."""

    plan: TrainingPlan
    simulated: float
    distorted: float = 0.0
    quiet: tuple[str, ...] = ()


def stages_of(network: str, seed: int = 0) -> tuple[Stage, ...]:
    """How SymSpectra's shipped weights were trained, and the like for a new baseline.

    SymSpectra sees many simulated NMR spectra first, for the rare groups, and nearly only measured
    ones after that: kept to the end, the simulated ones cost it accuracy on the measured. The
    last stage makes noise harmless and closes the gates where nothing is to be seen.
    """
    if network == "cnn-1d":
        plan = TrainingPlan(
            network, 8, 256, 3e-4, averaging=0.995, precision="bf16-mixed", seed=seed
        )
        return (Stage(plan, 0.08),)
    first = TrainingPlan(network, 24, 128, 1e-3, seed=seed, dropout=0.15, stop_after=4)
    second = TrainingPlan(network, 20, 128, 1e-3, seed=seed, dropout=0.15)
    third = TrainingPlan(network, 6, 128, 3e-4, seed=seed, dropout=0.15, beta=1e-3)
    return (
        Stage(first, 0.12, distorted=0.6),
        Stage(second, 0.03, distorted=0.6),
        Stage(third, 0.03, distorted=0.4, quiet=QUIET_CHANNELS),
    )


def train_groups(
    data: Path,
    folder: Path,
    network: str = "symspectra",
    epochs: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> Path:
    """Train (or resume) in ``folder/<network>``; returns the model's path without suffix.

    ``epochs`` shortens or lengthens the schedule of every stage.
    """
    tensors = prepared(data, folder / "prepared", report)
    run = folder / (network if seed == 0 else f"{network}-{seed}")
    trained = None
    for number, stage in enumerate(stages_of(network, seed), 1):
        plan = stage.plan
        if epochs is not None:
            plan = replace(plan, epochs=epochs, stop_after=None)
        if stage.quiet:
            trained = with_noise_floor(trained, stage.quiet)
        trained = train(
            plan,
            sources_of(tensors, stage.simulated, stage.distorted),
            tensors["valid"],
            run / f"stage-{number}",
            start=trained,
            report=lambda line, number=number: report(f"stage {number}: {json.dumps(line)}"),
        )
    report("calibrating on the validation split")
    path = run / f"groups-{network}"
    if network == "cnn-1d":
        trained = factored(trained, BASELINE_RANK)
    else:
        memories = fitted_memories(tensors["train"], run / "memories", seed=seed, report=report)
        trained = with_memories(trained, memories)
        plan = COMPANION if epochs is None else replace(COMPANION, epochs=epochs)
        companion = trained_companion(
            data, folder, tensors["train"], tensors["valid"], replace(plan, seed=seed), report
        )
        trained = with_companion(trained, companion)
        trust = fit_trust(trained, tensors["valid"])
        report(f"trust in the memories and the companion: {json.dumps(trust)}")
    calibration = fit_calibration(trained, tensors["valid"], tensors["valid_doubtful"])
    save_group_model(
        path,
        trained,
        calibration,
        {
            "kind": network,
            "name": NAMES[network],
            "version": "1",
            "licence": LICENCE,
            "train_positives": tensors["train"].labels.sum(0).tolist(),
        },
    )
    if network == "symspectra":
        _listen_to_fragments(path, data, tensors, report)
    return path


def _listen_to_fragments(path: Path, data: Path, tensors, report: Callable[[str], None]) -> None:
    """Join the fragment network that ships to the model at ``path``, where both it and the table
    that its trust is fitted on are there."""
    try:
        join_sources(path, data, tensors["valid"], report=report)
    except (NoModelError, MissingTableError) as error:
        report(f"fragments are not joined: {error}")
