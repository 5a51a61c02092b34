"""Training of the fragment networks: simulated spectra first, then measured ones; resumable."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from engine.chemistry.formula_candidates import ELEMENTS
from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.fragments import ADDUCTS
from engine.library.group_model import Calibration, LabelCalibration, save_group_model
from engine.networks.fragment_set_network import (
    FragmentSetConfig,
    FragmentSetNetwork,
    fragment_logits,
)
from engine.training.checkpoints import restore_checkpoint, save_checkpoint, warmed_cosine
from engine.training.fragment_batches import FragmentBatch, measured_batches, simulated_batches
from engine.training.fragment_tables import (
    POLARITIES,
    FragmentTable,
    mean_by_molecule,
    read_fragments,
)
from engine.training.group_calibration import fitted_calibration
from engine.training.group_tables import evaluation_keys
from engine.training.simulated_fragments import SimulatedFragments, simulate
from engine.training.simulated_nmr import choose_candidates
from engine.training.train_groups import AveragedWeights

NAMES = {"esi": "groups-fragments", "ei": "groups-ei"}
TITLES = {"esi": "Fragment set network", "ei": "Fragment set network (EI)"}
CHANNELS = {"esi": tuple(POLARITIES), "ei": ("EI",)}
LICENCES = {
    "esi": "MIT; trained on open and share-alike MassBank records",
    "ei": "noncommercial (CC BY-NC-SA); trained on MassBank records of noncommercial licences",
}
SIMULATED_MOLECULES, SCANNED = 24_000, 40_000
_SAVED_EVERY_S = 45.0
# What the elements count beside the groups while the network sees simulated fragments.
_COMPOSITION_SHARE = 0.3
# Atoms are learnt in these units: carbon and hydrogen are many.
_ATOM_UNITS = np.array([8.0, 10.0] + [1.5] * (len(ELEMENTS) - 2), np.float32)


@dataclass(frozen=True)
class FragmentPlan:
    """What a training does; a checkpoint resumes only under the same plan.

    ``simulated_epochs`` come first, with their own course of the learning rate; ``per_molecule``
    spectra of each molecule and polarity are in an epoch; ``unit_share`` of the spectra lose their
    decimals.
    """

    ionization: str
    simulated_epochs: int
    epochs: int
    per_molecule: int
    unit_share: float
    batch_size: int = 64
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.03
    averaging: float = 0.997
    dropout: float = 0.2
    width: int = 160
    layers: int = 0
    seed: int = 0


# Each stage begins with the averaged weights of the one before, at a high rate again: with one
# course of as many epochs the rate would be low for most of them. How the shipped weights were
# trained.
PLANS: dict[str, tuple[FragmentPlan, ...]] = {
    "esi": (
        FragmentPlan("esi", 1, 8, 3, 0.08),
        FragmentPlan("esi", 0, 7, 3, 0.08, learning_rate=1.2e-3),
        FragmentPlan("esi", 0, 8, 3, 0.08, learning_rate=1e-3, dropout=0.35, weight_decay=0.1),
    ),
    "ei": (
        FragmentPlan("ei", 1, 9, 2, 0.3),
        FragmentPlan("ei", 0, 8, 2, 0.3, learning_rate=1.2e-3),
        FragmentPlan("ei", 0, 14, 2, 0.3, learning_rate=1.2e-3),
    ),
}


def build_network(plan: FragmentPlan) -> FragmentSetNetwork:
    """A fresh network of a plan."""
    torch.manual_seed(plan.seed)
    return FragmentSetNetwork(
        FragmentSetConfig(
            GROUP_NAMES, CHANNELS[plan.ionization], len(ADDUCTS), plan.width, plan.layers,
            dropout=plan.dropout,
        )
    )  # fmt: skip


def simulated_fragments(
    data: Path, folder: Path, report: Callable[[str], None]
) -> SimulatedFragments:
    """Those of ``folder/simulated.npz``, made where they are missing."""
    path = folder / "simulated.npz"
    if not path.exists():
        report("cutting library molecules into fragments")
        library = data / "library_smiles.txt.gz"
        candidates = choose_candidates(
            library, SIMULATED_MOLECULES, SCANNED, evaluation_keys(data), seed=3
        )
        simulate(candidates).save(path)
    return SimulatedFragments.load(path)


def train_fragments(
    data: Path,
    folder: Path,
    ionization: str = "esi",
    epochs: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> Path:
    """Train (or resume) in ``folder/fragments``; returns the model's path without suffix.

    ``epochs`` shortens or lengthens every stage's part on measured spectra. Molecules of the
    measured-IR evaluation set are left out.
    """
    plans = [
        replace(plan, seed=seed, epochs=plan.epochs if epochs is None else epochs)
        for plan in PLANS[ionization]
    ]
    run = folder / "fragments"
    run.mkdir(parents=True, exist_ok=True)
    excluded = evaluation_keys(data)
    report("reading the tables")
    train = read_fragments(data, ionization, "train", excluded)
    valid = read_fragments(data, ionization, "valid", excluded)
    simulated = simulated_fragments(data, run, report)
    name = f"{ionization}{f'-{seed}' if seed else ''}"
    network = None
    for number, plan in enumerate(plans, 1):
        network = fit(
            plan, train, valid, simulated, run / f"{name}-stage-{number}", report, network
        )
    return save_fragment_model(run / NAMES[ionization], network, train, valid)


def save_fragment_model(
    path: Path, network: FragmentSetNetwork, train: FragmentTable, valid: FragmentTable
) -> Path:
    """Calibrate on the validation split and write ``path.safetensors`` and ``path.json``."""
    ionization = "ei" if network.config.channels == CHANNELS["ei"] else "esi"
    description = {
        "kind": "fragment-set",
        "name": TITLES[ionization],
        "version": "1",
        "licence": LICENCES[ionization],
        "train_positives": train.labels.sum(0).tolist(),
    }
    save_group_model(path, network, fit_fragment_calibration(network, valid), description)
    return path


def polarities_of(network: FragmentSetNetwork) -> dict[str, int | None]:
    """Which polarity of the table each of a network's channels is; None takes all."""
    return {name: POLARITIES.get(name) for name in network.config.channels}


def table_logits(
    network: FragmentSetNetwork, table: FragmentTable, batch_size: int = 128
) -> np.ndarray:
    """Logits ``(n, 37)`` of every spectrum of a table."""
    logits = np.zeros((len(table.sets), len(network.config.labels)), np.float32)
    order = np.argsort(table.sets.present.sum(1), kind="stable")
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        logits[rows] = fragment_logits(network, table.sets[rows].tensors()).numpy()
    return logits


def fit_fragment_calibration(network: FragmentSetNetwork, valid: FragmentTable) -> Calibration:
    """Platt scaling and thresholds for each channel; molecules with all their spectra, and once
    more with the first alone."""
    logits = table_logits(network, valid)
    parts = {}
    for channel, polarity in polarities_of(network).items():
        means = [mean_by_molecule(valid, logits, polarity, most) for most in (None, 1)]
        parts[channel] = (
            np.concatenate([mean for _, mean in means]),
            np.concatenate([valid.labels[members] for members, _ in means]),
        )
    joined = [np.concatenate(part) for part in zip(*parts.values(), strict=True)]
    size = len(network.config.labels)
    other = fitted_calibration(*joined, np.ones(size), np.zeros(size))
    by_channels: dict[frozenset[str], LabelCalibration] = {
        frozenset((channel,)): fitted_calibration(*part, other.slope, other.offset)
        for channel, part in parts.items()
        if len(part[1])
    }
    return Calibration(other, by_channels)


def quick_scores(network: FragmentSetNetwork, valid: FragmentTable) -> dict[str, float]:
    """Loss and micro-F1 (threshold 0.4) of each channel on the validation split, by molecule."""
    logits = table_logits(network, valid)
    scores = {}
    for channel, polarity in polarities_of(network).items():
        members, means = mean_by_molecule(valid, logits, polarity)
        truth = valid.labels[members]
        if not len(truth):
            continue
        present = means >= np.log(0.4 / 0.6)
        loss = np.logaddexp(0, means) - truth * means
        scores[channel] = round(
            float(2 * (present & truth).sum() / max(1, present.sum() + truth.sum())), 4
        )
        scores[f"{channel} loss"] = round(float(loss.sum(1).mean()), 4)
    return scores


def batch_loss(network: FragmentSetNetwork, batch: FragmentBatch) -> torch.Tensor:
    """Cross entropy of the groups, summed over them; for simulated fragments their atoms too."""
    tokens = network.tokens(batch.fragments)
    logits = network.read(tokens, batch.fragments)
    loss = cross_entropy(logits, batch.labels, reduction="sum") / len(batch.labels)
    if batch.atoms is not None:
        count = batch.atoms.shape[1]
        known = batch.fragments["present"][:, :count]
        found = network.composition(tokens[:, 1 : 1 + count][known])
        wanted = batch.atoms[known] / torch.from_numpy(_ATOM_UNITS)
        atoms = torch.nn.functional.smooth_l1_loss(found, wanted, reduction="none", beta=0.3)
        loss = loss + _COMPOSITION_SHARE * atoms.sum(1).mean()
    return loss


def fit(
    plan: FragmentPlan,
    train: FragmentTable,
    valid: FragmentTable,
    simulated: SimulatedFragments | None,
    run: Path,
    report: Callable[[str], None] = print,
    start: FragmentSetNetwork | None = None,
) -> FragmentSetNetwork:
    """Train, or resume from ``run/checkpoint.pt``; returns the averaged weights at the end.

    ``start`` gives the weights to begin with, fresh ones when None.
    """
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "checkpoint.pt"
    network = build_network(plan)
    if start is not None:
        network.load_state_dict(start.state_dict())
    averaged = AveragedWeights(network, plan.averaging)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
    )
    first, done = 0, 0
    if checkpoint.exists():
        first, done = restore_checkpoint(checkpoint, plan, network, averaged, optimizer)
    total = plan.simulated_epochs + plan.epochs
    saved = time.monotonic()
    for epoch in range(first, total):
        skip, done = done, 0
        batches, count = _epoch(plan, epoch, train, simulated)
        network.train()
        losses = []
        for number, batch in enumerate(islice(batches, skip, None), skip):
            rate = _rate(plan, epoch + number / count)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = batch_loss(network, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimizer.step()
            averaged.update(network)
            losses.append(float(loss.detach()))
            if time.monotonic() - saved > _SAVED_EVERY_S:
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (epoch, number + 1))
                saved = time.monotonic()
        save_checkpoint(checkpoint, plan, network, averaged, optimizer, (epoch + 1, 0))
        line = {"epoch": epoch + 1, "of": total, "loss": round(float(np.mean(losses or [0])), 4)}
        report(json.dumps(line | quick_scores(averaged.network, valid)))
    return averaged.network


def _epoch(
    plan: FragmentPlan, epoch: int, train: FragmentTable, simulated: SimulatedFragments | None
) -> tuple[Iterator[FragmentBatch], int]:
    """The batches of an epoch, the same in every run, and about how many they are."""
    rng = np.random.default_rng([plan.seed, epoch, 41])
    if epoch < plan.simulated_epochs and simulated is not None:
        batches = simulated_batches(simulated, plan.ionization, plan.batch_size, rng)
        return batches, max(1, len(simulated) // plan.batch_size)
    chosen = sum(
        min(plan.per_molecule, len(rows))
        for polarity in (1, -1)
        for rows in train.rows_by_molecule(polarity).values()
    )
    batches = measured_batches(
        train, plan.batch_size, plan.per_molecule, rng, plan.unit_share, ionization=plan.ionization
    )
    return batches, max(1, chosen // plan.batch_size)


def _rate(plan: FragmentPlan, epoch: float) -> float:
    """A warm-up and a cosine for each of the two parts."""
    if epoch < plan.simulated_epochs:
        # The first part ends where the second begins to learn: at half the rate, not at none.
        return warmed_cosine(plan.learning_rate, epoch, 2 * plan.simulated_epochs, 0.1)
    return warmed_cosine(plan.learning_rate, epoch - plan.simulated_epochs, plan.epochs, 0.3)
