"""What every training here shares: its checkpoint, and the course of its learning rate."""

from __future__ import annotations

import math
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

Place = tuple[int, int]
"""The epoch and the number of its batch with which a training goes on."""


def save_checkpoint(
    path: Path, plan: Any, network: nn.Module, averaged: Any, optimizer: Any, place: Place
) -> None:
    """Write to a temporary file, then rename: a kill at any moment leaves a whole checkpoint.

    ``plan`` is a dataclass of plain values; ``averaged`` are the moving averages of the weights,
    None for a training without.
    """
    state = {
        "plan": asdict(plan),
        "network": network.state_dict(),
        "averaged": averaged.network.state_dict() if averaged else {},
        "steps": averaged.steps if averaged else 0,
        "optimizer": optimizer.state_dict(),
        "place": list(place),
        "random": torch.get_rng_state(),
    }
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def restore_checkpoint(
    path: Path, plan: Any, network: nn.Module, averaged: Any, optimizer: Any
) -> Place:
    """Take up what :func:`save_checkpoint` wrote; returns the place to go on from.

    Raises ``ValueError`` when it was written under another plan. What a plan has since been given
    counts as its default in a checkpoint that does not have it.
    """
    state = torch.load(path, map_location="cpu", weights_only=True)
    defaults = {f.name: f.default for f in fields(plan) if f.default is not MISSING}
    if {**defaults, **state["plan"]} != asdict(plan):
        raise ValueError(f"{path} was trained under another plan: {state['plan']}")
    network.load_state_dict(state["network"])
    if averaged:
        averaged.network.load_state_dict(state["averaged"])
        averaged.steps = state["steps"]
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return tuple(state["place"])


def warmed_cosine(rate: float, epoch: float, epochs: int, warm_up: float) -> float:
    """The learning rate at ``epoch`` (with its fraction) of ``epochs``: ``warm_up`` epochs of
    warm-up, then a cosine to a hundredth of ``rate``."""
    warm = min(1.0, epoch / warm_up + 0.02)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, epoch / epochs)))
    return rate * warm * max(0.01, cosine)
