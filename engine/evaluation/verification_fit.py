"""What fits the judgements of the verification: ``specgui train verification``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.predicted_shifts import ShiftPredictor
from engine.evaluation.verification_cases import RIGHT, Candidate, Query, verification_cases
from engine.tasks.verification import WORST

_RIDGE = 1e-3
# One signal more never speaks for a structure, nor does a larger surprise: weights that come out
# above 0 are held at 0.
_LARGEST_WEIGHT = 0.0


def fit_verification(
    data: Path,
    path: Path,
    predictor: ShiftPredictor | None = None,
    count: int = 400,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Fit each test and the verdict on valid and write them to ``path`` as JSON.

    Each is a logistic regression between right structures and decoys, which weigh as much
    together as the right ones do. Returns what was written.
    """
    from engine.library.shift_model import default_shift_predictor

    predictor = predictor or default_shift_predictor()
    queries = verification_cases(data, "valid", predictor, count, 0, report, flaws=True)
    table = fit_judgements(queries)
    table = {
        "about": "Judgements of the verification: log-odds of each test, and their weights in the "
        "verdict. Written by 'specgui train verification'.",
        "predictor": predictor.name,
        **table,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    return table


def fit_judgements(queries: Sequence[Query]) -> dict[str, Any]:
    """``tests``, ``verdict`` and ``offset`` as :func:`judgements_from` reads them."""
    candidates = [candidate for query in queries for candidate in query.candidates]
    right = np.array([candidate.kind == RIGHT for candidate in candidates], float)
    names = sorted({name for candidate in candidates for name in candidate.features})
    tests: dict[str, Any] = {}
    odds = np.zeros((len(candidates), len(names) + 1))
    for column, name in enumerate(names):
        members = np.array([name in candidate.features for candidate in candidates])
        if members.sum() < 20 or not 0 < right[members].mean() < 1:
            continue
        features = np.array([c.features[name] for c in candidates if name in c.features])
        weights, offset = logistic(features, right[members], _LARGEST_WEIGHT)
        own = features @ weights + offset
        odds[members, column] = own
        tests[name] = {
            "weights": [round(float(w), 5) for w in weights],
            "offset": round(float(offset), 5),
            "power": round(max(0.0, 2 * roc_auc(own, right[members]) - 1), 4),
        }
    odds[:, -1] = np.minimum(odds[:, :-1].min(1), 0.0)
    weights, offset = logistic(odds, right, least=0.0)
    return {
        "tests": tests,
        "verdict": {
            name: round(float(weight), 5)
            for name, weight in zip([*names, WORST], weights, strict=True)
            if name in tests or name == WORST
        },
        "offset": round(float(offset), 5),
    }


def odds_of(candidate: Candidate, table: dict[str, Any]) -> dict[str, float]:
    """The log-odds of each test of a candidate."""
    return {
        name: float(np.dot(table["tests"][name]["weights"], features))
        + table["tests"][name]["offset"]
        for name, features in candidate.features.items()
        if name in table["tests"]
    }


def logistic(
    features: np.ndarray, right: np.ndarray, most: float | None = None, least: float | None = None
) -> tuple[np.ndarray, float]:
    """Weights (within ``least`` and ``most``) and offset of a logistic regression in which both
    classes weigh the same."""
    from scipy.optimize import minimize

    balance = np.where(right > 0, 0.5 / max(right.mean(), 1e-9), 0.5 / max(1 - right.mean(), 1e-9))

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        signed = np.where(right > 0, -1.0, 1.0)
        z = signed * (features @ values[:-1] + values[-1])
        slope = balance * signed / (1 + np.exp(-np.clip(z, -50, 50))) / len(right)
        total = (balance * np.logaddexp(0, z)).mean() + _RIDGE * (values[:-1] ** 2).sum()
        gradient = np.append(features.T @ slope + 2 * _RIDGE * values[:-1], slope.sum())
        return float(total), gradient

    bounds = [(least, most)] * features.shape[1] + [(None, None)]
    start = np.zeros(features.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:-1], float(found[-1])


def roc_auc(scores: np.ndarray, right: np.ndarray) -> float:
    """The area under the ROC curve: how often a right one scores above a wrong one."""
    from scipy.stats import rankdata

    positive = right > 0
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))
