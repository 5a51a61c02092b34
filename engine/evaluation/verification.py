"""The verification benchmark: right structures against isomers and near neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluation.assignment import reliability
from engine.evaluation.environment_predictor import EnvironmentPredictor
from engine.evaluation.verification_cases import (
    ISOMER,
    NEIGHBOUR,
    RIGHT,
    Query,
    verification_cases,
)
from engine.evaluation.verification_fit import roc_auc
from engine.tasks.verification import judgements, verdict_odds

_COUNT = 400
_SEED = 1
# Scores nearer to each other than this prefer neither of two structures.
_UNDECIDED = 0.1
# Fewer tests than all, by the names they begin with.
_EVIDENCE = (
    ("all tests", ("13C", "1H", "groups", "IR")),
    ("13C, 1H and their groups", ("13C", "1H", "groups")),
    ("13C and 1H", ("13C", "1H")),
    ("13C", ("13C",)),
    ("13C shifts", ("13C shifts",)),
    ("13C signals", ("13C signals",)),
    ("1H", ("1H",)),
    ("groups", ("groups",)),
    ("IR", ("IR",)),
)


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark verification`` asks for it."""
    count = getattr(options, "queries", None) or _COUNT
    return verification_benchmark(options.data, options.split, options.model, count, report)


def verification_benchmark(
    data: Path,
    split: str,
    model: Path | None = None,
    count: int = _COUNT,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Right structures and decoys of ``count`` molecules of a split.

    ``AUC`` is the area under the ROC curve against decoys of a kind; ``accuracy`` the share of
    structures on the right side of 0, right ones and decoys weighing the same. Of the pairs of a
    spectrum's own structure and an isomer, ``preferred`` are those whose own structure scores
    higher by more than 0.1, ``unsolved`` those that are nearer to each other. Raises
    :class:`MissingTableError`.
    """
    from engine.library.shift_model import default_shift_predictor, load_shift_model

    predictor = load_shift_model(model) if model else default_shift_predictor()
    queries = verification_cases(data, split, predictor, count, _SEED, report)
    rows = [_row("verification", name, queries, begin) for name, begin in _EVIDENCE]
    report("the same with the shifts of environments")
    baseline = EnvironmentPredictor.fitted(data)
    plain = verification_cases(data, split, baseline, count, _SEED, report)
    rows.append(_row("environments", "13C", plain, ("13C",)))
    return {
        "benchmark": "verification",
        "split": split,
        "molecules": len(queries),
        "seed": _SEED,
        "model": predictor.name,
        "rows": [row for row in rows if row is not None],
    }


def _row(method, evidence, queries: Sequence[Query], begin) -> dict[str, Any] | None:
    known, _, _ = judgements()
    scores: list[np.ndarray] = []
    kinds: list[list[str]] = []
    for query in queries:
        own = []
        for candidate in query.candidates:
            odds = {
                name: known[name].odds(features)
                for name, features in candidate.features.items()
                if name in known and name.startswith(begin)
            }
            own.append(float(np.tanh(verdict_odds(odds) / 2)) if odds else np.nan)
        if np.isfinite(own).all():
            scores.append(np.array(own))
            kinds.append([candidate.kind for candidate in query.candidates])
    if not scores:
        return None
    row: dict[str, Any] = {"method": method, "evidence": evidence, "molecules": len(scores)}
    for kind in (ISOMER, NEIGHBOUR):
        taken = [
            (score, name == RIGHT)
            for own, names in zip(scores, kinds, strict=True)
            if kind in names
            for score, name in zip(own, names, strict=True)
            if name in (RIGHT, kind)
        ]
        values, right = np.array([t[0] for t in taken]), np.array([t[1] for t in taken], bool)
        row[kind] = {
            "structures": len(taken),
            "AUC": _rounded(roc_auc(values, right)),
            "accuracy": _rounded(((values[right] > 0).mean() + (values[~right] <= 0).mean()) / 2),
        }
    row["isomer pairs"] = pair_shares(scores, kinds)
    probability = np.concatenate([(own + 1) / 2 for own in scores])
    truth = np.concatenate([np.array(names) == RIGHT for names in kinds])
    # As many right structures as decoys, as the score means it.
    repeats = np.where(truth, max(1, round((~truth).sum() / max(1, truth.sum()))), 1)
    row["reliability"] = reliability(np.repeat(probability, repeats), np.repeat(truth, repeats))
    return row


def pair_shares(scores: Sequence[np.ndarray], kinds: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Of all pairs of the own structure and an isomer: how many prefer which."""
    gaps = np.array(
        [
            own[names.index(RIGHT)] - score
            for own, names in zip(scores, kinds, strict=True)
            for score, name in zip(own, names, strict=True)
            if name == ISOMER
        ]
    )
    if len(gaps) == 0:
        return {"pairs": 0, "preferred": None, "unsolved": None, "wrong": None}
    return {
        "pairs": len(gaps),
        "preferred": _rounded((gaps > _UNDECIDED).mean()),
        "unsolved": _rounded((np.abs(gaps) <= _UNDECIDED).mean()),
        "wrong": _rounded((gaps < -_UNDECIDED).mean()),
    }


def _rounded(value: float) -> float:
    return round(float(value), 4)


def format_table(result: Mapping[str, Any]) -> str:
    """The benchmark as a Markdown table."""
    lines = [
        "| method | evidence | molecules | AUC isomers | accuracy | AUC neighbours | accuracy "
        "| pairs | preferred | unsolved | wrong | ECE |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        pairs = row["isomer pairs"]
        shares = " | ".join(
            "" if pairs[name] is None else f"{100 * pairs[name]:.1f}"
            for name in ("preferred", "unsolved", "wrong")
        )
        kinds = " | ".join(
            f"{row[kind]['AUC']:.3f} | {100 * row[kind]['accuracy']:.1f}"
            for kind in (ISOMER, NEIGHBOUR)
        )
        lines.append(
            f"| {row['method']} | {row['evidence']} | {row['molecules']} | {kinds} "
            f"| {pairs['pairs']} | {shares} | {row['reliability']['error']:.3f} |"
        )
    lines += [
        "",
        f"split {result['split']}, {result['molecules']} molecules, seed {result['seed']}; shifts "
        f"by {result['model']}",
    ]
    return "\n".join(lines)
