"""The training of K-M3AID and its variants on prepared tensors, resumable at any moment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.chemistry.molecular_graph import PAPER_ATOM_FEATURES, PAPER_BOND_FEATURES
from engine.chemistry.predicted_shifts import NUCLEI
from engine.networks.graph_batches import ATOM_VALUES, BOND_VALUES, atom_columns, bond_columns
from engine.networks.graph_encoder import GraphEncoderConfig
from engine.networks.k_m3aid import KM3AID, KM3AIDConfig, MoleculeOutput
from engine.networks.peak_encoder import CARBON, HYDROGEN
from engine.networks.shift_network import ShiftNetwork
from engine.training.alignment_batches import (
    AlignmentBatch,
    AtomPeaks,
    Disturbance,
    epoch,
    gather,
)
from engine.training.alignment_objective import (
    NodeTarget,
    molecule_loss,
    node_loss,
    node_target,
    shift_loss,
)
from engine.training.alignment_scores import quick_scores
from engine.training.alignment_states import AtomStates, gather_known
from engine.training.alignment_tables import INFERRED, SIMULATED, AlignmentTensors
from engine.training.checkpoints import restore_checkpoint, save_checkpoint, warmed_cosine
from engine.training.train_groups import AveragedWeights

EXTENDED = "extended"
# The unit of a shift's error in the loss and of the knowledge span, ppm for each nucleus.
_UNITS = {CARBON: 2.0, HYDROGEN: 0.15}
_SPAN_UNITS = {CARBON: 1.0, HYDROGEN: 0.065}
_LARGEST_NODE_SET = {"paper": 800, "extended": 500}

_WARM_UP = 0.33


@dataclass(frozen=True)
class AlignmentPlan:
    """What a training does; a checkpoint resumes only under the same plan.

    ``variant``: one of the objective's, or ``extended``. ``molecule``, ``node`` and ``shift`` are
    the weights of the losses; ``inferred`` the trust in inferred assignments, whose peaks are
    sorted by the network's own predicted shifts after ``resort_after`` epochs (extended form).
    """

    variant: str = "k-m3aid"
    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    averaging: float = 0.0
    seed: int = 0
    precision: str = "32-true"
    molecule: float = 0.1
    node: float = 0.9
    shift: float = 0.0
    inferred: float = 0.5
    resort_after: int = 0
    alike: float = 0.0
    jitter: float = 0.0
    offset: float = 0.0
    lost: float = 0.0
    foreign: float = 0.0
    unknown: float = 0.0
    width: int = 128
    depth: int = 5

    @property
    def disturbance(self) -> Disturbance:
        return Disturbance(
            self.jitter, self.offset, self.lost, self.foreign, self.unknown,
            self.variant == EXTENDED,
        )  # fmt: skip


def plan_of(
    variant: str, seed: int = 0, epochs: int | None = None, stage: str = ""
) -> AlignmentPlan:
    """How the weights that ship, and the variants beside them, are trained.

    The extended form on a shift predictor's graph encoder has two stages: the molecules, and with
    ``stage`` ``atoms`` what projects atoms and peaks.
    """
    if variant == EXTENDED:
        plan = AlignmentPlan(
            EXTENDED, 7, 512, 1.5e-3, 0.02, 0.995, seed, molecule=1.0, node=0.3, alike=0.5,
            jitter=0.5, offset=0.7, lost=0.04, foreign=0.25, unknown=0.4, width=192, depth=6,
        )  # fmt: skip
        if stage == "atoms":
            plan = replace(
                plan, epochs=3, batch_size=96, learning_rate=1e-3, averaging=0.99, molecule=0.0,
                node=1.0, alike=0.0,
            )  # fmt: skip
        return plan if epochs is None else replace(plan, epochs=epochs)
    plan = AlignmentPlan(
        variant, 10, 256, 2e-3, precision="bf16-mixed", seed=seed, jitter=1.0, offset=0.5
    )
    return plan if epochs is None else replace(plan, epochs=epochs)


def build_network(plan: AlignmentPlan) -> KM3AID:
    """A fresh network of a plan's variant."""
    if plan.variant == EXTENDED:
        graph = GraphEncoderConfig(
            ATOM_VALUES, BOND_VALUES, atom_columns(), bond_columns(),
            plan.width, plan.depth, 2, 0.05, "layer", True, True,
        )  # fmt: skip
        return KM3AID(KM3AIDConfig(graph, EXTENDED))
    node_target(plan.variant)  # raises for an unknown variant
    graph = GraphEncoderConfig(
        ATOM_VALUES, BOND_VALUES, atom_columns(PAPER_ATOM_FEATURES),
        bond_columns(PAPER_BOND_FEATURES), plan.width, plan.depth, 2, 0.2, "batch",
    )  # fmt: skip
    return KM3AID(KM3AIDConfig(graph, "paper", plan.variant != "no-communication"))


def batch_loss(
    network: KM3AID, batch: AlignmentBatch, plan: AlignmentPlan, resort: bool = False
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of the losses of a batch, and each of them."""
    if batch.known is None:
        out = network.molecules(batch.graph, batch.weights)
    else:
        known = batch.known
        out = network.molecules_from_atoms(
            known.vectors, batch.graph, batch.weights, known.shifts, plan.molecule > 0
        )
    losses = {}
    if plan.molecule:
        similarity = network.similarity(out.embedding, network.spectra(batch.peaks)).float()
        losses["molecule"] = molecule_loss(similarity, batch.identity)
    pairs = dict(batch.pairs)
    for nucleus, found in pairs.items():
        if resort and out.shifts and nucleus == CARBON:
            pairs[nucleus] = found.rearranged(out.shifts[nucleus][found.atoms, 0])
    target = node_target("k-m3aid" if plan.variant == EXTENDED else plan.variant)
    if plan.variant == EXTENDED:
        # With the paper's tau_1 only equal shifts count; a wider one teaches which are near.
        target = NodeTarget(tau_1=1.0, tau_2=10.0)
    if plan.node:
        losses["node"] = sum(
            _node_loss(network, out, found, target, nucleus)
            for nucleus, found in pairs.items()
            if len(found) > 1
        )
    if out.shifts and plan.shift:
        losses["shift"] = sum(
            shift_loss(
                out.shifts[nucleus][found.atoms], found.peaks.ppm, found.trust, _UNITS[nucleus]
            )
            for nucleus, found in pairs.items()
        )
    weights = {"molecule": plan.molecule, "node": plan.node, "shift": plan.shift}
    return sum(weights[name] * loss for name, loss in losses.items()), losses


def _node_loss(
    network: KM3AID, out: MoleculeOutput, pairs: AtomPeaks, target: NodeTarget, nucleus: int
) -> Tensor:
    """Of a large batch only the first molecules' atoms: the logits are atoms by atoms."""
    largest = _LARGEST_NODE_SET[network.config.form]
    if len(pairs) > largest:
        pairs = pairs.chosen(torch.arange(largest, device=pairs.atoms.device))
    unit = _SPAN_UNITS[nucleus] if network.config.form == EXTENDED else 1.0
    return node_loss(
        network.node_vectors(out, pairs.atoms, nucleus).float(),
        network.peak_vectors(pairs.peaks).float(),
        pairs.peaks.ppm / unit,
        target,
        pairs.trust,
    )


def train_alignment(
    plan: AlignmentPlan,
    train: AlignmentTensors,
    valid: AlignmentTensors,
    folder: Path,
    *,
    start: ShiftNetwork | None = None,
    states: AtomStates | None = None,
    begin_with: KM3AID | None = None,
    checkpoint_seconds: float = 120.0,
    is_cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[dict[str, Any]], None] = lambda line: None,
) -> KM3AID:
    """Train, or resume the training in ``folder``; returns the network.

    ``start``: a trained shift predictor whose encoder is to be the extended form's graph encoder;
    with ``states``, its atoms of ``train``, it stays as it is. ``begin_with``: a network whose
    weights are the first ones; what has no part in the plan's losses stays as it is.
    ``folder/last.ckpt`` is written every ``checkpoint_seconds`` (to a part file, then renamed),
    ``folder/log.jsonl`` grows by a line an epoch. With averaging the averaged network is returned.
    """
    from lightning_fabric import Fabric

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision=plan.precision)
    network = build_network(plan)
    if start is not None:
        take_shifts(network, start)
    if begin_with is not None:
        network.load_state_dict(begin_with.state_dict())
    if states is not None:
        network.level.requires_grad_(plan.molecule > 0)
        network.graph_encoder.requires_grad_(False)
        network.level.shift_heads.requires_grad_(False)
    network = network.to(fabric.device)
    optimizer = torch.optim.AdamW(
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        lr=plan.learning_rate,
        weight_decay=plan.weight_decay,
        fused=True,
    )
    averaged = AveragedWeights(network, plan.averaging) if plan.averaging else None
    result = averaged.network if averaged else network
    checkpoint = folder / "last.ckpt"
    begin = (0, 0)
    if checkpoint.exists():
        begin = restore_checkpoint(checkpoint, plan, network, averaged, optimizer)
    nuclei = network.nuclei
    if plan.molecule:
        measured = train.presence[:, list(nuclei)].any(1)
        eligible = np.flatnonzero(measured | (train.source == SIMULATED))
    else:
        eligible = np.flatnonzero((train.source > 0) & (train.source < SIMULATED))
    total = max(1, len(eligible) // plan.batch_size)
    trust = {INFERRED: plan.inferred}
    saved = time.monotonic()
    for number in range(begin[0], plan.epochs):
        rng = np.random.default_rng([plan.seed, number])
        started, sums, steps = time.monotonic(), {}, 0
        for step, members in enumerate(epoch(train, eligible, plan.batch_size, rng, plan.alike)):
            own = np.random.default_rng([plan.seed, number, step])
            if (number, step) < begin:
                continue
            for group in optimizer.param_groups:
                group["lr"] = warmed_cosine(
                    plan.learning_rate, number + step / total, plan.epochs, _WARM_UP
                )
            network.train()
            if states is None:
                batch = gather(train, members, nuclei, trust, plan.disturbance, own)
            else:
                batch = gather_known(train, states, members, plan.disturbance, own)
            batch = batch.to(fabric.device)
            with fabric.autocast():
                loss, parts = batch_loss(network, batch, plan, number >= plan.resort_after)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            if averaged:
                averaged.update(network)
            steps += 1
            for name, part in parts.items():
                sums[name] = sums.get(name, 0.0) + float(part.detach())
            if is_cancelled():
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (number, step + 1))
                return result.cpu()
            if time.monotonic() - saved > checkpoint_seconds:
                save_checkpoint(checkpoint, plan, network, averaged, optimizer, (number, step + 1))
                saved = time.monotonic()
        line = {
            "epoch": number,
            "seconds": round(time.monotonic() - started, 1),
            **{name: round(value / max(1, steps), 4) for name, value in sums.items()},
            **quick_scores(result, valid),
        }
        with (folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        report(line)
        save_checkpoint(checkpoint, plan, network, averaged, optimizer, (number + 1, 0))
        saved = time.monotonic()
    return result.cpu().eval()


def take_shifts(network: KM3AID, trained: ShiftNetwork) -> None:
    """Give the extended form the graph encoder and the heads of a shift predictor.

    Raises ``ValueError`` if its encoder has another shape, or if it reads a memory beside the
    graph.
    """
    if trained.config.encoder != network.config.graph or getattr(trained, "memory", None):
        raise ValueError(
            f"a shift predictor on graphs alone with the encoder {network.config.graph} is "
            f"needed, not {trained.config}"
        )
    network.graph_encoder.load_state_dict(trained.encoder.state_dict())
    for name, head in zip(NUCLEI, network.level.shift_heads, strict=True):
        head.load_state_dict(trained.heads[name].state_dict())
