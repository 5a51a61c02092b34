"""The training of the shift predictor on prepared tensors, resumable at any moment."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.chemistry.shift_memory import RADII, ShiftMemory
from engine.networks.graph_batches import ATOM_VALUES, BOND_VALUES, atom_columns, bond_columns
from engine.networks.graph_encoder import GraphBatch, GraphEncoderConfig
from engine.networks.shift_network import ShiftNetwork, ShiftNetworkConfig, ShiftOutput
from engine.processing.solvent_number import SOLVENT_VALUES
from engine.training.checkpoints import restore_checkpoint, save_checkpoint, warmed_cosine
from engine.training.shift_tables import SOURCES, TARGETS, ShiftTensors
from engine.training.train_groups import AveragedWeights

# What an error of one ppm weighs in each output, and how much the source of a label is trusted.
_SCALE = (0.6, 4.0, 0.15, 1.0)
_SOURCE_WEIGHT = {"inferred": 0.5, "order_from_predicted_list": 0.9, "": 0.25}
_FREE_WEIGHT = 0.25
_NO_SOLVENT = 0.5
# How many molecules of a batch go without their memory, as atoms of new kinds have to.
_FORGOTTEN = 0.1
_WARM_UP = 0.3


@dataclass(frozen=True)
class ShiftPlan:
    """What a training does; a checkpoint resumes only under the same plan.

    ``epochs`` is the length of the learning-rate schedule, ``stop_after`` ends it before its end;
    ``memory``: whether the network reads what was measured for alike atoms.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    width: int = 192
    depth: int = 6
    dropout: float = 0.05
    averaging: float = 0.999
    seed: int = 0
    memory: bool = True
    stop_after: int | None = None


def build_shift_network(plan: ShiftPlan) -> ShiftNetwork:
    """A fresh network with all features of the molecular graph."""
    encoder = GraphEncoderConfig(
        ATOM_VALUES, BOND_VALUES, atom_columns(), bond_columns(),
        plan.width, plan.depth, 2, plan.dropout, "layer", True, True,
    )  # fmt: skip
    radii = len(RADII) if plan.memory else 0
    return ShiftNetwork(
        ShiftNetworkConfig(encoder, TARGETS, SOLVENT_VALUES, 256, plan.dropout, radii)
    )


@dataclass(frozen=True)
class ShiftBatch:
    """``graph`` of B molecules with V atoms; ``solvents`` ``(B, 2)``; ``targets`` ``(V, 4)`` and
    ``split`` ``(V,)`` with NaN where unknown; ``weight`` ``(V,)``; ``exchange`` ``(V,)``: the set
    of carbons among which the 13C shifts may be exchanged, -1 for none; ``members``: molecules;
    ``memory`` ``(V, 24)`` or None."""

    graph: GraphBatch
    solvents: Tensor
    targets: Tensor
    split: Tensor
    weight: Tensor
    exchange: Tensor
    members: np.ndarray
    memory: Tensor | None


def gather(tensors: ShiftTensors, members: np.ndarray) -> ShiftBatch:
    """The batch of some molecules."""
    rows = tensors.rows(members)
    sizes = tensors.starts[members + 1] - tensors.starts[members]
    molecule = np.repeat(np.arange(len(members)), sizes)
    first = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    edge_sizes = tensors.edge_starts[members + 1] - tensors.edge_starts[members]
    edges = np.concatenate(
        [np.arange(tensors.edge_starts[m], tensors.edge_starts[m + 1]) for m in members]
    )
    ends = tensors.ends[:, edges].astype(np.int64) + np.repeat(first, edge_sizes)
    graph = GraphBatch(
        torch.from_numpy(tensors.atoms[rows]),
        torch.from_numpy(tensors.bonds[edges]),
        torch.from_numpy(ends),
        torch.from_numpy(molecule),
        len(members),
    )
    trust = np.array([_SOURCE_WEIGHT.get(s, 1.0) for s in SOURCES], np.float32)
    loose = tensors.loose[members][molecule] & (tensors.kind[rows] >= 0)
    return ShiftBatch(
        graph,
        torch.from_numpy(tensors.solvents[members].astype(np.int64)),
        torch.from_numpy(tensors.targets[rows]),
        torch.from_numpy(tensors.split[rows]),
        torch.from_numpy(trust[tensors.source[members]][molecule]),
        torch.from_numpy(np.where(loose, molecule * 8 + tensors.kind[rows], -1)),
        members,
        None if tensors.memory is None else torch.from_numpy(tensors.memory[rows]),
    )


def rearranged(targets: Tensor, predicted: Tensor, exchange: Tensor) -> Tensor:
    """13C shifts ``(V,)`` exchanged within their sets so that they fit the prediction best.

    In one dimension the matching of two sets with the least sum of distances runs in order.
    """
    known = torch.nonzero((exchange >= 0) & torch.isfinite(targets))[:, 0]
    sets, ppm, guess = exchange[known].numpy(), targets[known].numpy(), predicted[known].numpy()
    by_target, by_guess = np.lexsort((ppm, sets)), np.lexsort((guess, sets))
    result = targets.clone()
    result[known[by_guess]] = targets[known[by_target]]
    return result


def shift_loss(batch: ShiftBatch, output: ShiftOutput, tensors: ShiftTensors) -> Tensor:
    """Absolute errors, and the likelihood of their sizes under a Laplace distribution.

    The uncertainty is fitted to the errors as they are: it does not excuse a large one.
    """
    predicted = output.ppm.detach().cpu()
    targets = batch.targets.clone()
    targets[:, 0] = rearranged(targets[:, 0], predicted[:, 0], batch.exchange)
    targets[:, 1] = _with_free_peaks(batch, predicted[:, 1], tensors)
    known = torch.isfinite(targets)
    error = (output.ppm - torch.nan_to_num(targets)).abs()
    weight = batch.weight[:, None] * torch.tensor(_SCALE)
    # The likelihood is without a unit, so every output has the same part in it.
    likelihood = error.detach() * torch.exp(-output.log_error) + output.log_error
    per_atom = weight * error.clamp(max=40.0) + 0.3 * batch.weight[:, None] * likelihood
    loss = torch.where(known, per_atom, 0.0).sum() / known.sum().clamp(min=1)
    apart = torch.isfinite(batch.split)
    if apart.any():
        split = (output.split - torch.nan_to_num(batch.split)).abs()
        loss = loss + torch.where(apart, split, 0.0).sum() / len(batch.members)
    return loss


def _with_free_peaks(batch: ShiftBatch, predicted: Tensor, tensors: ShiftTensors) -> Tensor:
    """1H targets, with unassigned peaks matched in order to the predicted signals.

    Only where there are as many peaks as signals of hydrogens on carbon: else a signal would be
    taught the shift of another.
    """
    targets = batch.targets[:, 1].clone()
    first = 0
    for member in batch.members:
        own = slice(tensors.starts[member], tensors.starts[member + 1])
        size = own.stop - own.start
        free = tensors.free[tensors.free_starts[member] : tensors.free_starts[member + 1]]
        if len(free):
            carriers = (tensors.atoms[own, 0] == 6) & (tensors.atoms[own, 4] > 0)
            classes = tensors.classes[own]
            signals = np.unique(classes[carriers])
            if len(signals) == len(free):
                guess = predicted[first : first + size].numpy()
                means = np.array([guess[classes == c].mean() for c in signals])
                order = signals[np.argsort(means)]
                for number, ppm in zip(order, np.sort(free), strict=True):
                    for atom in np.flatnonzero((classes == number) & carriers):
                        targets[first + atom] = float(ppm)
        first += size
    return targets


def epoch(tensors: ShiftTensors, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches of molecules of like size, in random order."""
    order = rng.permutation(len(tensors))
    atoms = tensors.starts[order + 1] - tensors.starts[order]
    # Within chunks of many batches the molecules are sorted by size, so that no batch is huge.
    chunk = 50 * size
    batches = []
    for start in range(0, len(order), chunk):
        part = order[start : start + chunk]
        part = part[np.argsort(atoms[start : start + chunk], kind="stable")]
        batches += [part[i : i + size] for i in range(0, len(part), size)]
    for number in rng.permutation(len(batches)):
        yield np.sort(batches[number])


def train_shifts(
    plan: ShiftPlan,
    train: ShiftTensors,
    valid: ShiftTensors,
    folder: Path,
    *,
    checkpoint_seconds: float = 120.0,
    is_cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[dict[str, Any]], None] = lambda line: None,
) -> ShiftNetwork:
    """Train, or resume the training in ``folder``; returns the network of averaged weights."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    network = build_shift_network(plan)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
    )
    averaged = AveragedWeights(network, plan.averaging)
    checkpoint = folder / "last.ckpt"
    begin = (0, 0)
    if checkpoint.exists():
        begin = restore_checkpoint(checkpoint, plan, network, averaged, optimizer)
    total = math.ceil(len(train) / plan.batch_size)
    saved = time.monotonic()
    for number in range(begin[0], plan.stop_after or plan.epochs):
        rng = np.random.default_rng([plan.seed, number])
        started, losses = time.monotonic(), []
        for step, members in enumerate(epoch(train, plan.batch_size, rng)):
            hidden = rng.random(len(members)) < _NO_SOLVENT
            if (number, step) < begin:
                if train.memory is not None:
                    rng.random(len(members))
                continue
            for group in optimizer.param_groups:
                group["lr"] = warmed_cosine(
                    plan.learning_rate, number + step / total, plan.epochs, _WARM_UP
                )
            network.train()
            batch = gather(train, members)
            batch.solvents[torch.from_numpy(hidden)] = 0
            if batch.memory is not None:
                forgotten = torch.from_numpy(rng.random(len(members)) < _FORGOTTEN)
                batch.memory[forgotten[batch.graph.molecule]] = 0
            loss = shift_loss(batch, network(batch.graph, batch.solvents, batch.memory), train)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            averaged.update(network)
            losses.append(float(loss.detach()))
            if is_cancelled():
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (number, step + 1))
                return averaged.network
            if time.monotonic() - saved > checkpoint_seconds:
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (number, step + 1))
                saved = time.monotonic()
        line = {
            "epoch": number,
            "loss": round(float(np.mean(losses)), 4) if losses else None,
            "seconds": round(time.monotonic() - started, 1),
            **valid_errors(averaged.network, valid),
        }
        with (folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        report(line)
        save_checkpoint(checkpoint, plan, network, averaged, optimizer, (number + 1, 0))
        saved = time.monotonic()
    return averaged.network


@torch.no_grad()
def predict_tensors(
    network: ShiftNetwork, tensors: ShiftTensors, members: np.ndarray, batch_size: int = 256
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shifts ``(V, T)``, expected errors ``(V, T)`` and splits ``(V,)`` of the members' atoms.

    Equivalent atoms get the mean of theirs.
    """
    network.eval()
    parts = []
    for start in range(0, len(members), batch_size):
        batch = gather(tensors, members[start : start + batch_size])
        out = network(batch.graph, batch.solvents, batch.memory)
        parts.append((out.ppm.numpy(), out.log_error.exp().numpy(), out.split.numpy()))
    ppm, error, split = (np.concatenate(p) for p in zip(*parts, strict=True))
    sizes = tensors.starts[members + 1] - tensors.starts[members]
    code = np.repeat(np.arange(len(members)), sizes) * 1000 + tensors.classes[tensors.rows(members)]
    _, inverse, count = np.unique(code, return_inverse=True, return_counts=True)
    for values in (ppm, error):
        for column in range(values.shape[1]):
            values[:, column] = (np.bincount(inverse, values[:, column]) / count)[inverse]
    return ppm, error, split


# An inferred shift this far (ppm) from what is predicted is a misprint, or at the wrong atom.
_DOUBTFUL = (15.0, 1.5)


def cleaned_shifts(network: ShiftNetwork, tensors: ShiftTensors) -> np.ndarray:
    """13C and 1H shifts ``(V, 2)`` to be remembered: inferred ones at the atoms where a first
    network expects them, without those that it does not believe; people's as they are."""
    members = np.arange(len(tensors))
    ppm, _, _ = predict_tensors(network, tensors, members)
    shifts = tensors.targets[:, :2].copy()
    source = np.repeat(tensors.source, np.diff(tensors.starts))
    molecule = np.repeat(members, np.diff(tensors.starts))
    loose = tensors.loose[molecule] & (tensors.kind >= 0)
    exchange = torch.from_numpy(np.where(loose, molecule * 8 + tensors.kind, -1))
    shifts[:, 0] = rearranged(
        torch.from_numpy(shifts[:, 0]), torch.from_numpy(ppm[:, 0]), exchange
    ).numpy()
    doubtful = np.abs(shifts - ppm[:, :2]) > np.array(_DOUBTFUL)
    by_people = source == SOURCES.index("human_molblock")
    shifts[doubtful & ~by_people[:, None]] = np.nan
    return shifts


def remember(
    network: ShiftNetwork, train: ShiftTensors, valid: ShiftTensors
) -> tuple[ShiftMemory, ShiftTensors, ShiftTensors]:
    """The memory of the train split, and both splits with theirs; no molecule remembers itself."""
    shifts, codes = cleaned_shifts(network, train), train.environment_codes()
    memory = ShiftMemory.fitted(codes, shifts)
    own = memory.features_without_own(codes, shifts, train.molecule_of_atom)
    met = memory.features(valid.environment_codes())
    return memory, replace(train, memory=own), replace(valid, memory=met)


def valid_errors(network: ShiftNetwork, tensors: ShiftTensors) -> dict[str, float]:
    """Mean and median absolute errors (ppm) over atoms that people assigned."""
    members = np.flatnonzero(tensors.source == SOURCES.index("human_molblock"))
    ppm, expected, _ = predict_tensors(network, tensors, members)
    truth = tensors.targets[tensors.rows(members)]
    found = {}
    for column, name in enumerate(("13C", "1H")):
        error = np.abs(ppm[:, column] - truth[:, column])
        known = np.isfinite(error)
        found[name] = round(float(error[known].mean()), 4)
        found[f"{name} median"] = round(float(np.median(error[known])), 4)
        found[f"{name} expected"] = round(float(expected[known, column].mean()), 4)
    return found
