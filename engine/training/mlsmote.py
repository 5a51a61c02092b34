"""MLSMOTE: made-up molecules for rare groups, between a molecule and its like.

Charte, Rivera, del Jesus and Herrera, Knowledge-Based Systems 89 (2015) 385, with their "ranking"
of label sets. No maintained Python library has it (imbalanced-learn knows one label only).
"""

from __future__ import annotations

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES, POINTS
from engine.training.group_tensors import GroupTensors


def imbalance_ratios(labels: np.ndarray) -> np.ndarray:
    """IRLbl ``(K,)`` of labels ``(n, K)``: positives of the commonest label to those of each.

    NaN for a label without positives, which takes no part in the mean.
    """
    positives = (labels > 0).sum(0).astype(float)
    return np.where(positives > 0, positives.max(initial=0) / np.maximum(positives, 1), np.nan)


def minority_labels(labels: np.ndarray) -> np.ndarray:
    """The labels whose imbalance ratio is above the mean of all."""
    ratios = imbalance_ratios(labels)
    return np.flatnonzero(ratios > np.nanmean(ratios)) if np.isfinite(ratios).any() else np.zeros(0)


def mlsmote(
    features: np.ndarray, labels: np.ndarray, rng: np.random.Generator, neighbours: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """New samples ``(m, d)`` and their labels ``(m, K)``, one for each positive of each minority
    label that has another positive beside it.

    Features lie between the seed and one of its nearest ``neighbours`` of that label, each feature
    at its own random part of the way; a label is set when more than half of the seed and its
    neighbours have it.
    """
    features, labels = np.asarray(features, float), np.asarray(labels) > 0
    made, sets = [], []
    for label in minority_labels(labels):
        bag = np.flatnonzero(labels[:, label])
        if len(bag) < 2:
            continue
        squares = (features[bag] ** 2).sum(1)
        distances = squares[:, None] + squares - 2 * features[bag] @ features[bag].T
        np.fill_diagonal(distances, np.inf)
        for place, seed in enumerate(bag):
            near = bag[np.argsort(distances[place], kind="stable")[: min(neighbours, len(bag) - 1)]]
            reference = features[rng.choice(near)]
            part = rng.random(features.shape[1])
            made.append(features[seed] + part * (reference - features[seed]))
            votes = labels[near].sum(0) + labels[seed]
            sets.append(votes > (len(near) + 1) / 2)
    if not made:
        return np.zeros((0, features.shape[1])), np.zeros((0, labels.shape[1]), bool)
    return np.array(made), np.array(sets)


def oversampled(
    tensors: GroupTensors, channels: tuple[str, ...], rng: np.random.Generator
) -> GroupTensors:
    """The made-up molecules for tensors of which every molecule has all ``channels``.

    Neighbours are found on the first renderings of the channels side by side.
    """
    side = [tensors.values[name][tensors.first[name]].astype(np.float32) for name in channels]
    features, labels = mlsmote(np.concatenate(side, axis=1), tensors.labels, rng)
    size = len(features)
    here = {name: name in channels for name in CHANNEL_NAMES}
    parts = dict(zip(channels, np.split(features, len(channels), axis=1), strict=True))
    empty = np.zeros((0, POINTS), np.float16)
    return GroupTensors(
        np.array([f"made up {number}" for number in range(size)]),
        labels.astype(np.uint8),
        {n: parts[n].astype(np.float16) if here[n] else empty for n in CHANNEL_NAMES},
        {n: np.arange(size) * here[n] for n in CHANNEL_NAMES},
        {n: np.full(size, int(here[n])) for n in CHANNEL_NAMES},
    )
