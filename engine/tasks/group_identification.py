"""What a group prediction says: probabilities, the evidence in each spectrum, and its maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.library.group_model import ModelCard


@dataclass(frozen=True)
class Evidence:
    """A region of one technique's axis that speaks for a group.

    ``start`` < ``end`` in the axis unit of the technique; ``weight`` is the region's share of the
    whole map of its group over all techniques, 0 to 1. ``spectrum`` is the index of the spectrum
    in the sample.
    """

    technique: str
    start: float
    end: float
    weight: float
    spectrum: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "technique": self.technique,
            "from": self.start,
            "to": self.end,
            "weight": round(self.weight, 4),
        }


@dataclass(frozen=True)
class GroupPrediction:
    """One functional group: calibrated probability, its decision threshold, and its evidence."""

    name: str
    probability: float
    threshold: float
    evidence: tuple[Evidence, ...] = ()

    @property
    def present(self) -> bool:
        return self.probability >= self.threshold

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "probability": round(self.probability, 4),
            "present": self.present,
            "evidence": [region.to_dict() for region in self.evidence],
        }


@dataclass(frozen=True, eq=False)
class ImportanceMap:
    """Importance along the axis of one spectrum of the sample.

    ``x`` has shape ``(600,)`` in the unit of the spectrum, ascending. ``gate`` ``(600,)`` holds the
    network's importance gates p, 0 to 1. ``by_group`` maps a group's name to its own map
    ``(600,)``: what the group's logit loses without that place, above what groups lose there on the
    whole and where the network finds this group as a rule (:mod:`engine.tasks.importance`); not
    negative, scaled so that the maps of one group over all spectra have the maximum 1.
    """

    technique: str
    spectrum: int
    x: np.ndarray
    gate: np.ndarray
    by_group: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class GroupIdentification:
    """The functional groups of one sample, most probable first.

    ``techniques_used`` are the techniques that the network read, ``maps`` one importance map for
    each spectrum that was read. ``doubts`` are sentences, each naming a technique whose spectrum
    is unlike what the network knows, and why: with any, the probabilities deserve less trust.
    """

    groups: tuple[GroupPrediction, ...]
    techniques_used: tuple[str, ...]
    model: ModelCard
    warnings: tuple[str, ...] = ()
    maps: tuple[ImportanceMap, ...] = ()
    doubts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "groups": [group.to_dict() for group in self.groups],
            "techniques_used": list(self.techniques_used),
            "model": self.model.to_dict(),
            "warnings": list(self.warnings),
            "doubts": list(self.doubts),
        }
