"""Calibration and decision thresholds of a group predictor, fitted on the validation split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_model import Calibration, LabelCalibration
from engine.training.group_tensors import GroupTensors
from engine.training.train_groups import predict_tensors

# What a chemist brings: each technique alone, and the usual sets.
SUBSETS: dict[str, tuple[str, ...]] = {
    "IR": ("IR",),
    "1H": ("1H NMR",),
    "13C": ("13C NMR",),
    "MS/MS+": ("MS/MS+",),
    "MS/MS-": ("MS/MS-",),
    "13C+1H": ("13C NMR", "1H NMR"),
    "IR+13C+1H": ("IR", "13C NMR", "1H NMR"),
}


def members_of(tensors: GroupTensors, names: Sequence[str]) -> tuple[np.ndarray, tuple[bool, ...]]:
    """The molecules that have all these channels, and the presence pattern of just these."""
    wanted = np.isin(CHANNEL_NAMES, names)
    return np.flatnonzero((tensors.presence | ~wanted).all(1)), tuple(wanted.tolist())


def subset_logits(
    network: torch.nn.Module, tensors: GroupTensors, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``(n, 37)`` and truth bool ``(n, 37)`` of molecules that have all these channels."""
    members, pattern = members_of(tensors, names)
    return predict_tensors(network, tensors, pattern, members), tensors.labels[members] > 0


def fit_calibration(
    network: torch.nn.Module, valid: GroupTensors, doubtful: GroupTensors | None = None
) -> Calibration:
    """Platt scaling and F1 thresholds for each of :data:`SUBSETS`, and for all of them together.

    ``doubtful`` holds valid molecules whose computed infrared is rendered with more doubt; the
    calibration of IR alone is fitted on it, since measured IR differs from computed IR by more than
    its renderings differ from each other.
    """
    parts = {label: subset_logits(network, valid, names) for label, names in SUBSETS.items()}
    if doubtful is not None:
        parts["IR"] = subset_logits(network, doubtful, SUBSETS["IR"])
    logits = np.concatenate([part[0] for part in parts.values()])
    truth = np.concatenate([part[1] for part in parts.values()])
    other = fitted_calibration(logits, truth, np.ones(truth.shape[1]), np.zeros(truth.shape[1]))
    return Calibration(
        other,
        {
            frozenset(names): fitted_calibration(*parts[label], other.slope, other.offset)
            for label, names in SUBSETS.items()
            if len(parts[label][1])
        },
    )


def fitted_calibration(
    logits: np.ndarray, truth: np.ndarray, slope: np.ndarray, offset: np.ndarray
) -> LabelCalibration:
    """One calibration, drawn towards a given slope and offset where there are few positives."""
    slope, offset = _platt(logits, truth, slope, offset)
    probabilities = 1 / (1 + np.exp(-(slope * logits + offset)))
    grid = np.linspace(0.15, 0.75, 61)
    whole = grid[np.argmax([_f1(probabilities >= t, truth) for t in grid])]
    threshold = np.full(truth.shape[1], whole)
    for label in range(truth.shape[1]):
        positives = truth[:, label].sum()
        scores = np.array([_f1(probabilities[:, label] >= t, truth[:, label]) for t in grid])
        # The fewer positives, the less a label's own best threshold is trusted.
        trust = positives / (positives + 50)
        threshold[label] = trust * grid[int(np.argmax(scores))] + (1 - trust) * whole
    return LabelCalibration(slope, offset, threshold)


def _platt(
    logits: np.ndarray, truth: np.ndarray, towards_slope: np.ndarray, towards_offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    values, target = torch.from_numpy(logits).double(), torch.from_numpy(truth).double()
    centre, level = torch.from_numpy(towards_slope), torch.from_numpy(towards_offset)
    slope = centre.clone().double().requires_grad_(True)
    offset = level.clone().double().requires_grad_(True)
    optimizer = torch.optim.LBFGS([slope, offset], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(
            slope * values + offset, target, reduction="sum"
        )
        total = entropy + 5.0 * ((slope - centre) ** 2).sum() + 1.0 * ((offset - level) ** 2).sum()
        total.backward()
        return total

    optimizer.step(loss)
    return slope.detach().clamp_min(0.05).numpy(), offset.detach().numpy()


def _f1(present: np.ndarray, truth: np.ndarray) -> float:
    return 2 * (present & truth).sum() / max(1, present.sum() + truth.sum())
