"""Scores of multi-label group predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A group's tier by its positives in the train split (SymSpectra, appendix O, scaled to our table:
# the paper's 600 and 5000 of 794,000 molecules are far below what 37,000 molecules can hold).
TIERS = (("low", 0, 400), ("medium", 400, 4000), ("high", 4000, 10**9))


@dataclass(frozen=True)
class GroupScores:
    """Scores over ``samples`` molecules; F1 over no positives at all counts as not defined.

    ``macro_f1`` is the mean over the groups that have positives here; ``tiers`` likewise within
    each frequency tier; ``calibration_error`` the expected error over ten bins of probability.
    """

    samples: int
    micro_f1: float
    macro_f1: float
    sample_accuracy: float
    tiers: dict[str, float]
    calibration_error: float
    by_group: dict[str, tuple[int, float]]


def score(
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    truth: np.ndarray,
    names: tuple[str, ...],
    train_positives: np.ndarray,
) -> GroupScores:
    """Score ``(n, K)`` probabilities against truth; ``train_positives`` ``(K,)`` set the tiers."""
    present = probabilities >= thresholds
    hit = (present & truth).sum(0)
    f1 = 2 * hit / np.maximum(1, present.sum(0) + truth.sum(0))
    seen = truth.sum(0) > 0
    tiers = {}
    for tier, low, high in TIERS:
        members = seen & (train_positives >= low) & (train_positives < high)
        tiers[tier] = float(f1[members].mean()) if members.any() else float("nan")
    return GroupScores(
        samples=len(truth),
        micro_f1=float(2 * hit.sum() / max(1, present.sum() + truth.sum())),
        macro_f1=float(f1[seen].mean()) if seen.any() else float("nan"),
        sample_accuracy=float((present == truth).all(1).mean()) if len(truth) else float("nan"),
        tiers=tiers,
        calibration_error=_calibration_error(probabilities, truth),
        by_group={
            name: (int(n), float(value))
            for name, n, value in zip(names, truth.sum(0), f1, strict=True)
        },
    )


def _calibration_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean of |confidence - frequency| over ten bins, weighted by their counts."""
    flat, right = probabilities.ravel(), truth.ravel()
    bins = np.minimum((flat * 10).astype(int), 9)
    total = 0.0
    for number in range(10):
        members = bins == number
        if members.any():
            total += members.sum() * abs(flat[members].mean() - right[members].mean())
    return float(total / max(1, len(flat)))
