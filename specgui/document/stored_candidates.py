"""Candidates and verifications as a project file keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specgui.document.candidates import RANK, SEARCH, Candidate, CandidateFinding, CheckFinding
from specgui.document.findings import DONE

CANDIDATES, CHECKS = "candidates", "verifications"


def stored(candidates: CandidateFinding | None, checks: Iterable[CheckFinding]) -> dict[str, Any]:
    """By kind of prediction, what is to be kept; empty without results."""
    kept: dict[str, Any] = {}
    if candidates is not None and candidates.candidates:
        kept[CANDIDATES] = {
            "origin": candidates.origin,
            "source": candidates.source,
            "size": candidates.size,
            "elapsed_ms": candidates.elapsed_ms,
            "warnings": list(candidates.warnings),
            "candidates": [
                [c.rank, c.smiles, c.name, c.formula, c.score, c.probability, c.matched, c.peaks]
                for c in candidates.candidates
            ],
        }
    found = [
        {
            "smiles": check.smiles,
            "title": check.title,
            "score": check.verification.score,
            "verdict": check.verification.verdict,
            "tests": [
                [t.name, t.score, t.significance, t.detail] for t in check.verification.tests
            ],
            "warnings": list(check.verification.warnings),
        }
        for check in checks
        if check.verification is not None
    ]
    if found:
        kept[CHECKS] = found
    return kept


def restored_candidates(predictions: dict[str, Any]) -> CandidateFinding | None:
    """The candidates among a sample's predictions; None when there are no whole ones."""
    content = predictions.get(CANDIDATES)
    if content is None:
        return None
    try:
        cards = tuple(
            Candidate(
                int(rank), str(smiles), str(name), str(formula), float(score),
                _float(probability), _int(matched), _int(peaks),
            )
            for rank, smiles, name, formula, score, probability, matched, peaks
            in content["candidates"]
        )  # fmt: skip
        origin = RANK if content["origin"] == RANK else SEARCH
        return CandidateFinding(
            DONE, origin, str(content["source"]), int(content["size"]), cards,
            _float(content["elapsed_ms"]), tuple(map(str, content["warnings"])),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return None


def restored_checks(predictions: dict[str, Any]) -> tuple[CheckFinding, ...]:
    """The whole verifications among a sample's predictions."""
    content = predictions.get(CHECKS)
    if not isinstance(content, list):
        return ()
    found = []
    for one in content:
        try:
            found.append(_check(one))
        except (KeyError, TypeError, ValueError):
            continue
    return tuple(found)


def _check(content: dict[str, Any]) -> CheckFinding:
    from engine.tasks.verification import Verification, VerificationTest

    tests = tuple(
        VerificationTest(str(name), float(score), float(significance), str(detail))
        for name, score, significance, detail in content["tests"]
    )
    verification = Verification(
        float(content["score"]), str(content["verdict"]), tests,
        tuple(map(str, content["warnings"])),
    )  # fmt: skip
    return CheckFinding(DONE, str(content["smiles"]), str(content["title"]), verification)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
