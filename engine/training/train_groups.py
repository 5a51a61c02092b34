"""The training of group predictors on prepared tensors: one loop for every network, resumable."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.symspectra import SymSpectra
from engine.training.checkpoints import restore_checkpoint, save_checkpoint, warmed_cosine
from engine.training.group_batches import GroupBatch, Source, epoch_batches, gather
from engine.training.group_networks import GROUP_NETWORKS, logits_of, network_kind
from engine.training.group_tensors import GroupTensors

NETWORKS = tuple(GROUP_NETWORKS)
SETTLING_BATCHES = 400


@dataclass(frozen=True)
class TrainingPlan:
    """What a training does; a checkpoint resumes only under the same plan.

    ``epochs`` is the length of the learning-rate schedule, ``stop_after`` ends it before its end;
    ``dropout`` and ``beta`` (the weight of the information terms) apply to the networks that have
    them. ``objective`` is one of :data:`engine.training.imbalance.OBJECTIVES`; ``label_weights``
    say how much a positive of each group counts under "reweighted".
    """

    network: str
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    averaging: float = 0.999
    precision: str = "32-true"
    seed: int = 0
    dropout: float = 0.3
    stop_after: int | None = None
    beta: float = 1e-6
    objective: str = "cross-entropy"
    label_weights: tuple[float, ...] = ()


def build_network(kind: str, dropout: float = 0.3) -> nn.Module:
    """A fresh network of :data:`GROUP_NETWORKS`; raises ``ValueError`` for an unknown kind."""
    return network_kind(kind).build(TrainingPlan(kind, dropout=dropout))


def group_logits(network: nn.Module, spectra: dict[str, Tensor]) -> Tensor:
    """Logits ``B x K`` of any of the networks."""
    return logits_of(network(spectra))


def batch_loss(
    network: nn.Module, batch: GroupBatch, teaching: float, plan: TrainingPlan
) -> Tensor:
    """The loss of one batch by the objective of the plan's network."""
    return network_kind(plan.network).loss(network, batch, plan, teaching)


class AveragedWeights:
    """An exponential moving average of a network's weights; buffers are copied."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for own, new in zip(self.network.parameters(), network.parameters(), strict=True):
            own.lerp_(new, 1 - decay)
        for own, new in zip(self.network.buffers(), network.buffers(), strict=True):
            own.copy_(new)


@torch.no_grad()
def settle_normalisation(network: nn.Module, batches: Iterable[GroupBatch]) -> None:
    """Find batch normalisation's statistics anew, as means over ``batches``.

    Averaged weights never saw the batches whose running statistics they carry, and those are of the
    last few batches only: with them micro-F1 swings by several hundredths from epoch to epoch.
    Layers that no batch reaches, of channels that are not trained, keep what they have.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d)]
    before = [(layer.momentum, copy.deepcopy(layer.state_dict())) for layer in layers]
    device = next(network.parameters()).device
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    for batch in batches:
        group_logits(network, batch.to(device).spectra)
    for layer, (momentum, state) in zip(layers, before, strict=True):
        if layer.num_batches_tracked == 0:
            layer.load_state_dict(state)
        layer.momentum = momentum
        layer.eval()


@torch.no_grad()
def predict_tensors(
    network: nn.Module,
    tensors: GroupTensors,
    pattern: tuple[bool, ...],
    molecules: np.ndarray,
    batch_size: int = 512,
) -> np.ndarray:
    """Logits ``(len(molecules), 37)`` from the channels of ``pattern``, first rendering."""
    network.eval()
    weights = next(network.parameters(), None)
    device = torch.device("cpu") if weights is None else weights.device
    parts = []
    for start in range(0, len(molecules), batch_size):
        batch = gather(tensors, molecules[start : start + batch_size], pattern).to(device)
        parts.append(group_logits(network, batch.spectra).float().cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, len(GROUP_NAMES)), np.float32)


def quick_scores(network: nn.Module, tensors: GroupTensors) -> dict[str, float]:
    """Micro-F1 at threshold 0.5 of each single channel and of IR+13C+1H, at most 1500 molecules."""
    scores = {}
    patterns = {name: (name,) for name in CHANNEL_NAMES}
    patterns["IR+13C+1H"] = ("IR", "13C NMR", "1H NMR")
    for label, names in patterns.items():
        wanted = np.isin(CHANNEL_NAMES, names)
        members = np.flatnonzero((tensors.presence | ~wanted).all(1))[:1500]
        if len(members) == 0:
            continue
        present = predict_tensors(network, tensors, tuple(wanted.tolist()), members) > 0
        truth = tensors.labels[members] > 0
        scores[label] = float(2 * (present & truth).sum() / max(1, present.sum() + truth.sum()))
    return scores


def train(
    plan: TrainingPlan,
    sources: list[Source],
    valid: GroupTensors,
    folder: Path,
    *,
    start: nn.Module | None = None,
    checkpoint_seconds: float = 180.0,
    is_cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[dict[str, Any]], None] = lambda line: None,
) -> nn.Module:
    """Train, or resume the training in ``folder``; returns the averaged network.

    A new training begins from the weights of ``start`` when it is given.

    ``folder/last.ckpt`` is written every ``checkpoint_seconds`` (to a temporary file, then
    renamed), ``folder/log.jsonl`` grows by a line an epoch. The checkpoint's averaged weights carry
    the last batches' normalisation; the returned network's is settled.
    """
    from lightning_fabric import Fabric

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision=plan.precision)
    # On its device from the start, so that the average and the optimizer's state are there too.
    if isinstance(start, SymSpectra):
        network = type(start)(replace(start.config, dropout=plan.dropout))
        network.load_state_dict(start.state_dict())
    elif start is not None:
        network = copy.deepcopy(start)
    else:
        network = build_network(plan.network, plan.dropout)
    network = network.to(fabric.device)
    optimizer = torch.optim.AdamW(
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        lr=plan.learning_rate,
        weight_decay=plan.weight_decay,
        fused=True,
    )
    averaged = AveragedWeights(network, plan.averaging)
    begin = (0, 0)
    checkpoint = folder / "last.ckpt"
    if checkpoint.exists():
        begin = restore_checkpoint(checkpoint, plan, network, averaged, optimizer)
    wrapped, optimizer = fabric.setup(network, optimizer)
    saved = time.monotonic()
    for epoch in range(begin[0], plan.stop_after or plan.epochs):
        rng = np.random.default_rng([plan.seed, epoch])
        expected = expected_batches(sources, plan.batch_size)
        losses, started, worked = [], time.monotonic(), time.process_time()
        for number, batch in enumerate(epoch_batches(sources, plan.batch_size, rng)):
            if epoch == begin[0] and number < begin[1]:
                continue
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(plan, epoch + number / expected)
            network.train()
            with fabric.autocast():
                loss = batch_loss(wrapped, batch.to(fabric.device), 0.5 * 0.95**epoch, plan)
            optimizer.zero_grad()
            fabric.backward(loss)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            averaged.update(network)
            losses.append(float(loss.detach()))
            if is_cancelled():
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (epoch, number + 1))
                return averaged.network.cpu()
            if time.monotonic() - saved > checkpoint_seconds:
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (epoch, number + 1))
                saved = time.monotonic()
        line = {
            "epoch": epoch,
            "loss": round(float(np.mean(losses)), 5) if losses else None,
            "seconds": round(time.monotonic() - started, 1),
            "core_seconds": round(time.process_time() - worked, 1),
            **{k: round(v, 4) for k, v in quick_scores(averaged.network, valid).items()},
        }
        with (folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        report(line)
        save_checkpoint(checkpoint, plan, network, averaged, optimizer, (epoch + 1, 0))
        saved = time.monotonic()
    rng = np.random.default_rng([plan.seed, plan.epochs])
    settling = islice(epoch_batches(sources, plan.batch_size, rng), SETTLING_BATCHES)
    settle_normalisation(averaged.network, settling)
    return averaged.network.cpu()


def expected_batches(sources: list[Source], batch_size: int) -> int:
    """Roughly how many batches an epoch has, for the learning-rate schedule."""
    total = 0.0
    for source in sources:
        presence = source.tensors.presence
        if source.only is not None:
            presence = presence & np.isin(CHANNEL_NAMES, source.only)
        total += presence.any(1).sum() * source.share
    return max(1, int(total / batch_size))


def learning_rate(plan: TrainingPlan, epoch: float) -> float:
    """Half an epoch of warm-up, then a cosine to a hundredth."""
    return warmed_cosine(plan.learning_rate, epoch, plan.epochs, 0.5)
