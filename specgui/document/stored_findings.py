"""Findings as a project file keeps them: the identification as JSON with its maps as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specgui.document.findings import DONE, Finding

if TYPE_CHECKING:
    from engine.tasks.group_identification import GroupIdentification

GROUPS = "groups"


def stored(finding: Finding) -> dict[str, Any]:
    """By kind of prediction, what is to be kept of a finding; empty without a result."""
    found = finding.identification
    if finding.state != DONE or found is None:
        return {}
    content = {
        "groups": [
            {
                "name": group.name,
                "probability": group.probability,
                "threshold": group.threshold,
                "evidence": [
                    [e.technique, e.start, e.end, e.weight, e.spectrum] for e in group.evidence
                ],
            }
            for group in found.groups
        ],
        "techniques_used": list(found.techniques_used),
        "model": found.model.to_dict(),
        "warnings": list(found.warnings),
        "doubts": list(found.doubts),
        "maps": [
            {
                "technique": m.technique,
                "spectrum": m.spectrum,
                "x": m.x,
                # Three digits of an importance are more than a colour shows.
                "gate": np.asarray(m.gate, "<f2"),
                "names": list(m.by_group),
                "by_group": np.asarray(list(m.by_group.values()), "<f2"),
            }
            for m in found.maps
        ],
    }
    return {GROUPS: content}


def restored(predictions: dict[str, Any], spectra: int) -> Finding | None:
    """The finding about a sample of so many spectra; None when there is no whole one."""
    content = predictions.get(GROUPS)
    if content is None:
        return None
    try:
        return Finding(DONE, _identification(content, spectra))
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def _identification(content: dict[str, Any], spectra: int) -> GroupIdentification:
    from engine.library.group_model import ModelCard
    from engine.tasks.group_identification import (
        Evidence,
        GroupIdentification,
        GroupPrediction,
        ImportanceMap,
    )

    groups = tuple(
        GroupPrediction(
            str(group["name"]), float(group["probability"]), float(group["threshold"]),
            tuple(
                Evidence(str(t), float(start), float(end), float(weight), int(place))
                for t, start, end, weight, place in group["evidence"]
            ),
        )
        for group in content["groups"]
    )  # fmt: skip
    maps = []
    for m in content["maps"]:
        x, gate = np.asarray(m["x"], float), np.asarray(m["gate"], float)
        rows = np.asarray(m["by_group"], float).reshape(len(m["names"]), len(x))
        if gate.shape != x.shape or not 0 <= m["spectrum"] < spectra:
            raise ValueError("a map that does not fit its spectrum")
        by_group = dict(zip(map(str, m["names"]), rows, strict=True))
        maps.append(ImportanceMap(str(m["technique"]), int(m["spectrum"]), x, gate, by_group))
    card = content["model"]
    model = ModelCard(str(card["name"]), str(card["version"]), str(card["licence"]))
    used = tuple(map(str, content["techniques_used"]))
    return GroupIdentification(
        groups, used, model, tuple(map(str, content["warnings"])), tuple(maps),
        tuple(map(str, content.get("doubts", ()))),
    )  # fmt: skip
