"""A plain network on 600 bins, the baseline of the fragment networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.fragments import FragmentSets
from engine.encoding.vectors import encode_masses
from engine.training.fragment_tables import FragmentTable

BINS = 600


def binned(sets: FragmentSets) -> np.ndarray:
    """The spectra as the group networks take them, ``(n, 600)`` (``encode_masses``)."""
    rows = [
        encode_masses(mz[height > 0], height[height > 0])
        for mz, height in zip(sets.mz, sets.intensity, strict=True)
    ]
    return np.array(rows, np.float32).reshape(-1, BINS)


def build_baseline() -> nn.Module:
    """An MLP of 600 bins with two hidden layers: ``B x 600 -> B x 37``."""
    return nn.Sequential(
        nn.Dropout(0.1), nn.Linear(BINS, 512), nn.GELU(), nn.Dropout(0.4),
        nn.Linear(512, 256), nn.GELU(), nn.Dropout(0.4), nn.Linear(256, len(GROUP_NAMES)),
    )  # fmt: skip


def train_baseline(
    train: FragmentTable,
    path: Path,
    epochs: int = 30,
    per_molecule: int = 3,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> nn.Module:
    """Train on the same spectra and write ``path`` (safetensors, and JSON of its settings)."""
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    network = build_baseline()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.02)
    course = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    spectra = torch.from_numpy(binned(train.sets))
    labels = torch.from_numpy(train.labels[train.molecule].astype(np.float32))
    members = [r for p in (1, -1) for r in train.rows_by_molecule(p).values()]
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        network.train()
        drawn = rng.permutation(
            np.concatenate([rng.permutation(rows)[:per_molecule] for rows in members])
        )
        losses = []
        for start in range(0, len(drawn), 128):
            rows = torch.from_numpy(drawn[start : start + 128])
            noisy = spectra[rows] * torch.empty(len(rows), BINS).uniform_(0.7, 1.3)
            loss = cross_entropy(network(noisy), labels[rows], reduction="sum") / len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        course.step()
        if epoch % 10 == 9:
            report(json.dumps({"epoch": epoch + 1, "loss": round(float(np.mean(losses)), 4)}))
    network.eval()
    part = path.with_suffix(".part")
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, str(part))
    part.replace(path)
    return network


def load_baseline(path: Path) -> nn.Module:
    """What :func:`train_baseline` wrote; raises ``OSError`` when it is missing."""
    from safetensors.torch import load_file

    network = build_baseline()
    network.load_state_dict(load_file(str(path)))
    return network.eval()


@torch.no_grad()
def baseline_logits(network: nn.Module, sets: FragmentSets) -> np.ndarray:
    """Logits ``(n, 37)``."""
    spectra: Tensor = torch.from_numpy(binned(sets))
    return np.concatenate([network(part).numpy() for part in spectra.split(1024)])
