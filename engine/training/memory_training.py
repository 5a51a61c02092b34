"""Fitting a memory of spectra: which spectra are alike is learnt from the groups they share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy

from engine.networks.spectrum_memory import MemoryConfig, SpectrumMemory
from engine.networks.symspectra import SymSpectra
from engine.training.group_tensors import GroupTensors

# Infrared has none: remembered are computed spectra, and a measured one is to be unlike them.
MEMORY_SETTINGS: dict[str, dict[str, Any]] = {
    "13C NMR": {"blur": 2.5, "step": 2, "power": 0.6},
    "1H NMR": {"blur": 2.5, "step": 2, "power": 0.6},
    "MS/MS+": {"blur": 0.5, "step": 1, "power": 1.0},
    "MS/MS-": {"blur": 0.5, "step": 1, "power": 1.0},
}
# Steps of the fitting, and how many vote in each: the largest memory takes the longest.
MEMORY_STEPS = 1500
_LONGER = {"13C NMR": (4000, 6000)}
_QUERIES = 256
_CANDIDATES = 4000
_LEAST_ENTRIES = 100


def memory_members(tensors: GroupTensors, channel: str) -> np.ndarray:
    """The molecules that a memory of ``channel`` holds, in the order of its entries."""
    return np.flatnonzero(tensors.count[channel] > 0)


def fit_memory(
    tensors: GroupTensors,
    channel: str,
    steps: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> SpectrumMemory:
    """Learn a channel's embedding so that the others' votes name a molecule's groups; fill it.

    Each of ``steps`` (None: what the channel's shipped memory took) asks for 256 molecules, one
    rendering of each, among some thousand others, the mean of whose renderings they are compared
    with; no molecule votes for itself, so the loss is that of unseen molecules.
    Raises ``ValueError`` when fewer than 100 molecules have the channel.
    """
    members = memory_members(tensors, channel)
    if len(members) < _LEAST_ENTRIES:
        raise ValueError(
            f"a memory of {channel} needs {_LEAST_ENTRIES} molecules, there are {len(members)}"
        )
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(tensors.labels[members].astype(np.float32))
    config = MemoryConfig(channel, len(members), labels.shape[1], **MEMORY_SETTINGS[channel])
    memory = SpectrumMemory(config)
    first, count = tensors.first[channel][members], tensors.count[channel][members]
    values = tensors.values[channel]
    means = np.stack(
        [values[f : f + c].astype(np.float32).mean(0) for f, c in zip(first, count, strict=True)]
    )
    remembered = torch.cat([memory.blurred(torch.from_numpy(p)) for p in np.array_split(means, 32)])
    optimizer = torch.optim.AdamW(memory.parameters(), lr=1.5e-3, weight_decay=0.02)
    queries = min(_QUERIES, len(members) // 2)
    usual, candidates = _LONGER.get(channel, (MEMORY_STEPS, _CANDIDATES))
    steps = usual if steps is None else steps
    losses = []
    for step in range(steps):
        rate = 1.5e-3 * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        asked = rng.choice(len(members), queries, replace=False)
        voting = rng.choice(len(members), min(candidates, len(members)), replace=False)
        rows = first[asked] + (rng.random(queries) * count[asked]).astype(int)
        spectra = torch.from_numpy(values[rows].astype(np.float32))
        places = memory.embed(memory.blurred(spectra), learning=True)
        others = memory.embed(remembered[voting], learning=True)
        own = torch.from_numpy(asked[:, None] == voting[None])
        chance = memory.vote(places, others, labels[voting], own)
        loss = binary_cross_entropy(chance.clamp(1e-5, 1 - 1e-5), labels[asked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        if step % 250 == 249:
            report(f"{channel} memory, step {step + 1}: loss {np.mean(losses[-250:]):.4f}")
    memory.remember(remembered, labels)
    return memory


def fitted_memories(
    tensors: GroupTensors,
    folder: Path,
    steps: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> list[SpectrumMemory]:
    """The memories of all channels that have enough molecules, read from ``folder`` or fitted."""
    from safetensors.torch import load_file, save_file

    memories = []
    for channel, settings in MEMORY_SETTINGS.items():
        entries = len(memory_members(tensors, channel))
        if entries < _LEAST_ENTRIES:
            report(f"no memory of {channel}: only {entries} molecules have it")
            continue
        path = folder / f"{SymSpectra.key_of(channel)}.safetensors"
        if path.exists():
            config = MemoryConfig(channel, entries, tensors.labels.shape[1], **settings)
            memory = SpectrumMemory(config)
            memory.load_state_dict(load_file(str(path)))
        else:
            memory = fit_memory(tensors, channel, steps, seed, report)
            folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            save_file(memory.state_dict(), str(part))
            part.replace(path)
        memories.append(memory)
    return memories
