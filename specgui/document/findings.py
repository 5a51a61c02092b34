"""What was found about each sample: the group identification, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from engine.tasks.group_identification import (
        GroupIdentification,
        GroupPrediction,
        ImportanceMap,
    )
    from specgui.document.sample_entry import SampleEntry

NONE, RUNNING, DONE, NO_MODEL, UNSUITABLE, FAILED, CANCELLED = (
    "none",
    "running",
    "done",
    "no model",
    "unsuitable",
    "failed",
    "cancelled",
)


@dataclass(frozen=True, eq=False)
class Finding:
    """The state of a sample's group identification; ``message`` says why there is no result."""

    state: str = NONE
    identification: GroupIdentification | None = None
    message: str = ""

    def map_of(self, spectrum_index: int) -> ImportanceMap | None:
        """The importance map of the sample's n-th spectrum, None where the network read none."""
        if self.identification is None:
            return None
        return next((m for m in self.identification.maps if m.spectrum == spectrum_index), None)

    def group(self, name: str | None) -> GroupPrediction | None:
        if self.identification is None or name is None:
            return None
        return next((g for g in self.identification.groups if g.name == name), None)

    @property
    def gate_ranges(self) -> tuple[tuple[str, float, float], ...]:
        """Technique, and the gates at the ends of its colours, for each map."""
        maps = self.identification.maps if self.identification else ()
        return tuple((m.technique, *gate_range(m)) for m in maps)


def gate_range(importance: ImportanceMap) -> tuple[float, float]:
    """The gates that the lowest and the highest colour stand for in one spectrum.

    Each spectrum has its own range, since the network keeps nearly all of one technique and only
    parts of another; at least 0.2 apart, or differences that mean nothing would look like much.
    """
    low, high = float(importance.gate.min()), float(importance.gate.max())
    return min(low, high - 0.2), high


class Findings(QObject):
    """Findings by what they rest on (``SampleEntry.basis``): an undone edit finds its old one."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._by_key: dict[tuple, Finding] = {}

    def of(self, sample: SampleEntry | None) -> Finding:
        return self.at(sample.basis) if sample else Finding()

    def at(self, key: tuple) -> Finding:
        """The finding about exactly these spectra, processed so."""
        return self._by_key.get(key, Finding())

    def replace_all(self, findings: dict[tuple, Finding]) -> None:
        """Forget every finding and take these: another project is open."""
        self._by_key = dict(findings)
        self.changed.emit()

    def put(self, key: tuple, finding: Finding) -> None:
        self._by_key[key] = finding
        self.changed.emit()

    def mark_running(self, key: tuple) -> None:
        """Note that a prediction runs; an earlier result stays in view meanwhile."""
        self.put(key, replace(self.at(key), state=RUNNING, message=""))
