"""The training of the peak-set network: measured NMR spectra, and ever more of them, among
simulated ones of library molecules."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import CHANNEL_NAMES, channel
from engine.library.library_build import build_library
from engine.library.library_files import LibraryError
from engine.library.molecule_library import MoleculeLibrary
from engine.networks.peak_set import PeakChannel, PeakSet, PeakSetConfig
from engine.training.checkpoints import restore_checkpoint, save_checkpoint, warmed_cosine
from engine.training.group_batches import GroupBatch, gather
from engine.training.group_tables import MissingTableError, evaluation_keys
from engine.training.group_tensors import GroupTensors
from engine.training.simulated_spectra import SimulatedSpectra, molecules_to_simulate
from engine.training.train_groups import AveragedWeights, predict_tensors

_PATTERNS = (("13C NMR",), ("1H NMR",), ("13C NMR", "1H NMR"))
_PATTERN_SHARES = (0.4, 0.3, 0.3)
_WARM_UP = 0.3
LIBRARY_TABLE = "library_smiles.txt.gz"
SIMULATED = 1_020_000


@dataclass(frozen=True)
class PeakSetPlan:
    """What a training does; a checkpoint resumes only under the same plan.

    ``epochs`` of ``steps`` batches each; the share of measured batches rises from
    ``measured_first`` to ``measured_last``, so that the network ends on what instruments show.
    """

    epochs: int = 7
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.12
    measured_first: float = 0.30
    measured_last: float = 0.85
    averaging: float = 0.999
    seed: int = 0


def peak_set_config(dropout: float = 0.12) -> PeakSetConfig:
    """The shipped network's: 13C peaks as they stand, 1H lines gathered into multiplets."""
    carbon, proton = channel("13C NMR"), channel("1H NMR")
    return PeakSetConfig(
        (
            PeakChannel(
                carbon.name, carbon.low, carbon.high, 0.0, 32, 0.08,
                (480.0, 240.0, 120.0, 60.0, 30.0, 15.0, 8.0, 4.0, 2.0), 241,
            ),
            PeakChannel(
                proton.name, proton.low, proton.high, 2.0, 24, 0.06,
                (28.0, 14.0, 7.0, 3.5, 1.75, 0.9, 0.45, 0.22), 141,
            ),
        ),
        GROUP_NAMES,
        dropout=dropout,
    )  # fmt: skip


def peak_batches(
    plan: PeakSetPlan,
    train: GroupTensors,
    simulated: SimulatedSpectra,
    epoch: int,
) -> Iterator[GroupBatch]:
    """The batches of one epoch, each of one pattern of channels, measured or simulated."""
    rng = np.random.default_rng([plan.seed, epoch])
    pools = {
        names: np.flatnonzero(train.presence[:, np.isin(CHANNEL_NAMES, names)].all(1))
        for names in _PATTERNS
    }
    for step in range(plan.steps):
        names = _PATTERNS[rng.choice(len(_PATTERNS), p=_PATTERN_SHARES)]
        done = (epoch + step / plan.steps) / plan.epochs
        share = plan.measured_first + (plan.measured_last - plan.measured_first) * done
        if rng.random() < share and len(pools[names]):
            members = rng.choice(pools[names], plan.batch_size)
            pattern = tuple(name in names for name in CHANNEL_NAMES)
            yield gather(train, members, pattern, rng)
        else:
            drawn, labels = simulated.draw(plan.batch_size, names, rng)
            spectra = {name: torch.from_numpy(values) for name, values in drawn.items()}
            yield GroupBatch(spectra, torch.from_numpy(labels))


def train_peak_set(
    plan: PeakSetPlan,
    train: GroupTensors,
    valid: GroupTensors,
    simulated: SimulatedSpectra,
    folder: Path,
    *,
    checkpoint_seconds: float = 180.0,
    is_cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[dict[str, Any]], None] = lambda line: None,
) -> PeakSet:
    """Train, or resume the training in ``folder``; returns the network of averaged weights."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    network = PeakSet(peak_set_config(plan.dropout))
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
    )
    averaged = AveragedWeights(network, plan.averaging)
    checkpoint = folder / "last.ckpt"
    begin = (0, 0)
    if checkpoint.exists():
        begin = restore_checkpoint(checkpoint, plan, network, averaged, optimizer)
    saved = time.monotonic()
    for epoch in range(begin[0], plan.epochs):
        started, losses = time.monotonic(), []
        for step, batch in enumerate(peak_batches(plan, train, simulated, epoch)):
            if (epoch, step) < begin:
                continue
            rate = warmed_cosine(
                plan.learning_rate, epoch + step / plan.steps, plan.epochs, _WARM_UP
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            losses.append(_step(network, optimizer, batch))
            averaged.update(network)
            cancelled = is_cancelled()
            if cancelled or time.monotonic() - saved > checkpoint_seconds:
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (epoch, step + 1))
                saved = time.monotonic()
            if cancelled:
                return averaged.network
        line = {
            "epoch": epoch,
            "loss": round(float(np.mean(losses)), 5) if losses else None,
            "seconds": round(time.monotonic() - started, 1),
            **valid_scores(averaged.network, valid),
        }
        with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        report(line)
        save_checkpoint(checkpoint, plan, network, averaged, optimizer, (epoch + 1, 0))
        saved = time.monotonic()
    return copy.deepcopy(averaged.network).eval()


def _step(network: PeakSet, optimizer: torch.optim.Optimizer, batch: GroupBatch) -> float:
    network.train()
    loss: Tensor = cross_entropy(network(batch.spectra), batch.labels)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


def valid_scores(network: PeakSet, valid: GroupTensors) -> dict[str, float]:
    """Micro-F1 at probability one half for each pattern of channels that is trained."""
    scores = {}
    for names in _PATTERNS:
        wanted = np.isin(CHANNEL_NAMES, names)
        members = np.flatnonzero((valid.presence | ~wanted).all(1))
        if not len(members):
            continue
        said = predict_tensors(network, valid, tuple(wanted.tolist()), members) > 0
        truth = valid.labels[members] > 0
        f1 = 2 * (said & truth).sum() / max(1, said.sum() + truth.sum())
        scores["+".join(n.split()[0] for n in names)] = round(float(f1), 4)
    return scores


def trained_companion(
    data: Path,
    folder: Path,
    train: GroupTensors,
    valid: GroupTensors,
    plan: PeakSetPlan,
    report: Callable[[str], None] = print,
) -> PeakSet:
    """Train (or resume) the companion of SymSpectra in ``folder/peak-set-<seed>``.

    The spectra are simulated of the first molecules of the library table, whose signals the shift
    predictor that ships has to predict before: the longest part, resumed like the rest. Raises
    :class:`MissingTableError` when the table is not in ``data``.
    """
    source = data / LIBRARY_TABLE
    if not source.is_file():
        raise MissingTableError(f"no {LIBRARY_TABLE} in {data}: give the folder with --data")
    name, place = f"simulated {SIMULATED}", folder / "libraries"
    try:
        library = MoleculeLibrary.named(name, place)
    except LibraryError:
        report(f"predicting the signals of {SIMULATED} molecules")
        library = build_library(name, source, folder=place, limit=SIMULATED)
    members = molecules_to_simulate(library, evaluation_keys(data))
    return train_peak_set(
        plan,
        train,
        valid,
        SimulatedSpectra(library, members),
        folder / f"peak-set-{plan.seed}",
        report=lambda line: report(f"peak set: {json.dumps(line)}"),
    )
