"""Fits the measures of familiarity: on train's spectra, with limits from valid's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.encoding.channels import CHANNEL_NAMES, channel
from engine.library.familiarity import (
    FILE,
    MOST_CHANNELS,
    ORDINARY,
    ChannelFamiliarity,
    Familiarity,
    features,
)
from engine.training.group_batches import augment
from engine.training.group_tensors import GroupTensors
from engine.training.strange_inputs import KINDS, STRANGE_INPUTS

FALSE_ALARMS = 0.02
# Of the false alarms, so much is left to the measure that knows no strange inputs.
DISTANCE_SHARE = 0.1
_ROWS = 9_000
_DIRECTIONS = 40
_HIDDEN = (128, 64)
_ROUNDS = 5
_EPOCHS = 3
_BATCH = 256
_DISTORTED = 0.6


def train_familiarity(
    data: Path,
    folder: Path,
    epochs: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> Path:
    """Fit on the prepared tensors of ``folder`` (rendered from ``data`` where missing).

    Writes and returns ``folder/familiarity.npz``.
    """
    ordinary = {
        name: ordinary_spectra(prepared_tensors(data, folder, name, report), _ROWS, seed)
        for name in ("train", "valid")
    }
    fitted = fit_familiarity(
        ordinary["train"], ordinary["valid"], epochs or _EPOCHS, seed, report=report
    )
    path = folder / FILE
    fitted.save(path)
    return path


def prepared_tensors(
    data: Path, folder: Path, name: str, report: Callable[[str], None]
) -> GroupTensors:
    """One set of the tensors that the networks are trained on."""
    path = folder / "prepared" / f"{name}.npz"
    if not path.exists():
        from engine.training.group_training import prepared

        prepared(data, folder / "prepared", report)
    return GroupTensors.load(path)


def ordinary_spectra(tensors: GroupTensors, most: int, seed: int) -> dict[str, np.ndarray]:
    """At most ``most`` encoded spectra ``(n, 600)`` of each channel, drawn at random."""
    rng = np.random.default_rng(seed)
    chosen = {}
    for name in CHANNEL_NAMES:
        values = tensors.values[name]
        rows = np.arange(len(values))
        if len(rows) > most:
            rows = np.sort(rng.choice(len(values), most, replace=False))
        kept = values[rows].astype(np.float32)
        chosen[name] = kept[np.any(kept, axis=1)]
    return chosen


def varied(name: str, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ordinary spectra as instruments vary them: the augmentation that the networks train with,
    and infrared as attenuated total reflection, coarser resolution and sloping ground make it."""
    if name == "IR":
        values = _measured_otherwise(values, rng)
    parts = [
        augment(name, torch.from_numpy(values[start : start + 32]), rng, _DISTORTED).numpy()
        for start in range(0, len(values), 32)
    ]
    return np.concatenate(parts) if parts else values


def _measured_otherwise(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Infrared ``(n, 600)``: the depth of an evanescent wave falls with the wavenumber, a coarse
    resolution blurs, scattering lifts the ground at high wavenumbers or low ones."""
    size = len(values)
    relative = channel("IR").centres / 1700.0
    tilted = values * relative ** -rng.choice([0.0, 0.0, 1.0], (size, 1))
    blurred = (np.roll(values, 1, 1) + 2 * values + np.roll(values, -1, 1)) / 4
    tilted = np.where(rng.random((size, 1)) < 0.3, blurred, tilted)
    axis = np.linspace(-1, 1, values.shape[1])
    ground = rng.exponential(0.04, (size, 1)) * (1 + rng.uniform(-1, 1, (size, 1)) * axis)
    lifted = tilted + np.where(rng.random((size, 1)) < 0.5, ground, 0.0)
    top = lifted.max(1, keepdims=True)
    return (lifted / np.where(top > 2.0, top, 1.0)).astype(np.float32)


def strange_spectra(
    name: str, ordinary: Mapping[str, np.ndarray], count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """``count`` spectra of each fitted strange input of a channel, and the index of its kind."""
    values, kinds = [], []
    for strange in STRANGE_INPUTS:
        if not strange.fitted or name not in strange.channels:
            continue
        try:
            made, _ = strange.encoded(name, ordinary, count, rng)
        except (KeyError, ValueError):  # the technique that it is made of is not in the tables
            continue
        made = made[np.any(made, axis=1)]
        values.append(made)
        kinds.append(np.full(len(made), 1 + KINDS.index(strange.looks_like)))
    return np.concatenate(values), np.concatenate(kinds)


def fit_familiarity(
    train: Mapping[str, np.ndarray],
    valid: Mapping[str, np.ndarray],
    epochs: int = _EPOCHS,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> Familiarity:
    """The measures of every channel that both have ordinary spectra ``{channel: (n, 600)}`` of."""
    channels = {}
    for name in CHANNEL_NAMES:
        if len(train.get(name, ())) < 8 or len(valid.get(name, ())) < 8:
            continue
        report(f"fitting {name} on {len(train[name])} spectra")
        present = {key: values for key, values in train.items() if len(values)}
        channels[name] = _fit_channel(name, present, valid[name], epochs, seed)
    return Familiarity(channels, FALSE_ALARMS)


def _fit_channel(
    name: str,
    train: Mapping[str, np.ndarray],
    valid: np.ndarray,
    epochs: int,
    seed: int,
) -> ChannelFamiliarity:
    rng = np.random.default_rng([seed, CHANNEL_NAMES.index(name)])
    torch.manual_seed(seed)
    clean = train[name]
    looked_at = features(np.concatenate([clean, varied(name, clean, rng)]))
    centre = looked_at.mean(0)
    scale = np.maximum(looked_at.std(0), 0.05)
    standardised = np.clip((looked_at - centre) / scale, -8, 8)
    directions, variances, rest = _principal_components(standardised)

    def strange(count: int) -> tuple[np.ndarray, np.ndarray]:
        values, kinds = strange_spectra(name, train, count, rng)
        return np.clip((features(values) - centre) / scale, -8, 8), kinds

    layers = _fit_perceptron(standardised, strange, epochs, seed)
    unlimited = ChannelFamiliarity(
        centre, scale, directions, variances, rest, layers, (ORDINARY, *KINDS),
        np.zeros((2, MOST_CHANNELS), np.float32),
    )  # fmt: skip
    population = np.concatenate([valid, *(varied(name, valid, rng) for _ in range(3))])
    weight = np.concatenate([np.full(len(valid), 3.0), np.ones(3 * len(valid))])
    measures, _ = unlimited.measures(population)
    return ChannelFamiliarity(
        centre, scale, directions, variances, rest, layers, unlimited.kinds,
        _limits(measures, weight),
    )  # fmt: skip


def _principal_components(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Directions ``(F, k)``, variances along them, and the variance of the rest (eqs 7 and 8)."""
    covariance = np.cov(values, rowvar=False)
    variances, vectors = np.linalg.eigh(covariance)
    kept = min(_DIRECTIONS, len(variances) - 1)
    rest = max(float(variances[:-kept].mean()), 1e-3)
    return (
        vectors[:, -kept:].astype(np.float32),
        np.maximum(variances[-kept:], rest).astype(np.float32),
        rest,
    )


def _fit_perceptron(
    ordinary: np.ndarray,
    strange: Callable[[int], tuple[np.ndarray, np.ndarray]],
    epochs: int,
    seed: int,
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Cross entropy over ordinary and the kinds of strangeness, each kind with new examples in
    every round, half of the weight on what is ordinary."""
    torch.manual_seed(seed)
    sizes = (ordinary.shape[1], *_HIDDEN, 1 + len(KINDS))
    linear = [nn.Linear(*pair) for pair in pairwise(sizes)]
    network = nn.Sequential(
        nn.Dropout(0.1), linear[0], nn.ReLU(), nn.Dropout(0.1), linear[1], nn.ReLU(), linear[2]
    )
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.01)
    steps = _ROUNDS * epochs * (2 * len(ordinary) // _BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    inputs = len(STRANGE_INPUTS)
    usual = torch.from_numpy(ordinary.astype(np.float32))
    count = max(16, len(ordinary) // inputs)
    for _ in range(_ROUNDS):
        values, kinds = strange(count)
        odd, target = torch.from_numpy(values.astype(np.float32)), torch.from_numpy(kinds)
        for _ in range(epochs):
            for chosen in torch.randperm(len(usual)).split(_BATCH):
                other = torch.randint(0, len(odd), (len(chosen),))
                logits = network(torch.cat([usual[chosen], odd[other]]))
                wanted = torch.cat([torch.zeros(len(chosen), dtype=torch.long), target[other]])
                loss = nn.functional.cross_entropy(logits, wanted)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return tuple(
        (layer.weight.detach().T.numpy().copy(), layer.bias.detach().numpy().copy())
        for layer in linear
    )


def _limits(measures: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Quantiles ``(2, 5)`` of both measures over ordinary spectra, for 1 to 5 channels at once.

    The false alarms of a sample are shared among its channels and both measures.
    """
    shares = (DISTANCE_SHARE, 1 - DISTANCE_SHARE)
    limits = np.zeros((2, MOST_CHANNELS), np.float32)
    for row, (values, share) in enumerate(zip(measures, shares, strict=True)):
        order = np.argsort(values)
        above = 1 - np.cumsum(weight[order]) / weight.sum()
        for together in range(1, MOST_CHANNELS + 1):
            wanted = FALSE_ALARMS * share / together
            limits[row, together - 1] = values[order][np.argmax(above <= wanted)]
    return limits
