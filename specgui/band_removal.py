"""What the groups would be without a band: asked for by region, kept beside the findings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from specgui.document import Problem, SampleEntry, SpectrumEntry
from specgui.document.problems import WARNING
from specgui.workers.job_board import Request
from specgui.workers.predicting import leaving_out

if TYPE_CHECKING:
    from engine.tasks.counterfactual import Counterfactual, GroupChange
    from engine.tasks.group_identification import Evidence
    from specgui.workspace import Workspace

_LEAST_CHANGE = 0.005
_MOST_TOLD = 3
_ADVICE = "Choose a region of a spectrum that the model reads."


class BandRemoval(QObject):
    """The bands that were left out, by what each rests on: it is a view, and nothing is edited.

    An edit of the sample hides its results, and its undo shows them again, as with findings.
    """

    changed = Signal()

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._by_basis: dict[tuple, tuple[Counterfactual, ...]] = {}

    def of(self, sample: SampleEntry | None) -> tuple[Counterfactual, ...]:
        """The bands that were left out of a sample as it is now, one at a time each."""
        return self._by_basis.get(sample.basis, ()) if sample is not None else ()

    def in_spectrum(self, sample: SampleEntry | None, spectrum_id: int) -> list[Counterfactual]:
        """Those of one spectrum of the sample."""
        if sample is None or spectrum_id not in sample.key:
            return []
        index = sample.key.index(spectrum_id)
        return [found for found in self.of(sample) if found.spectrum == index]

    def ask(self, sample: SampleEntry, entry: SpectrumEntry, low: float, high: float) -> None:
        """Find out in the background what the groups would be without ``low`` to ``high``."""
        if entry.id not in sample.key:
            return
        index = sample.key.index(entry.id)
        technique = str(entry.spectrum.technique)
        self._workspace.jobs.submit(
            Request(
                ("without", sample.id, index), f"Leaving out {technique} {low:.5g} to {high:.5g}",
                leaving_out(
                    sample.name, self._workspace.models.prepared(sample), index, low, high,
                    self._workspace.models.choice,
                ),
                "groups",
                on_done=partial(self._on_done, sample.basis),
                on_error=partial(self._on_error, entry),
            ),
            first=True,
        )  # fmt: skip

    def clear(self, sample: SampleEntry | None) -> None:
        """Forget what was left out of a sample."""
        if sample is not None and self._by_basis.pop(sample.basis, None):
            self.changed.emit()

    def forget(self) -> None:
        """Forget everything: another project is open."""
        self._by_basis.clear()
        self.changed.emit()

    def evidence(self, place: float | None = None, spectrum_id: int | None = None):
        """The region that the commands mean: ``(entry, evidence)``, None where there is none.

        It is the chosen group's region at ``place`` of a spectrum; without a place its weightiest,
        in that spectrum or, without one, anywhere.
        """
        sample = self._workspace.selection.sample
        group = self._workspace.findings.of(sample).group(self._workspace.selection.group)
        if sample is None or group is None:
            return None
        best: Evidence | None = None
        for region in group.evidence:
            inside = place is None or region.start <= place <= region.end
            here = spectrum_id is None or sample.key[region.spectrum] == spectrum_id
            if inside and here and (best is None or region.weight > best.weight):
                best = region
        if best is None:
            return None
        entry = self._workspace.document.spectrum(sample.key[best.spectrum])
        return (entry, best) if entry is not None else None

    def _on_done(self, basis: tuple, found: Counterfactual | None) -> None:
        if found is None:
            return
        others = [
            one for one in self._by_basis.get(basis, ())
            if one.spectrum != found.spectrum or one.end <= found.start or found.end <= one.start
        ]  # fmt: skip
        self._by_basis[basis] = (*others, found)
        self.changed.emit()

    def _on_error(self, entry: SpectrumEntry, error: Exception) -> None:
        text = " ".join(str(error).split()) or type(error).__name__
        self._workspace.problems.add(
            Problem(entry.spectrum.source.path or entry.title, text, _ADVICE, WARNING)
        )


def told_change(found: Counterfactual, group: str | None) -> GroupChange | None:
    """The change to be told: the chosen group's, else the largest; None where nothing changes."""
    if group is not None:
        return found.group(group)
    first = found.groups[0]
    return first if abs(first.change) >= _LEAST_CHANGE else None


def change_text(change: GroupChange) -> str:
    """``0.93 → 0.31``."""
    return f"{change.before:.2f} → {change.after:.2f}"


def removal_text(found: Counterfactual, group: str | None) -> str:
    """What stands beside a band that was left out: ``without: 0.93 → 0.31``."""
    if found.is_empty:
        return "without: nothing was here"
    change = told_change(found, group)
    if change is None:
        return "without: nothing changes"
    name = "" if group is not None else f"{change.name} "
    return f"{name}without: {change_text(change)}"


def without_line(found: Counterfactual, group: str | None) -> str:
    """One line of the Groups panel: the band, and what becomes of the groups without it."""
    unit = {"IR": "1/cm", "MS/MS": "m/z"}.get(found.technique, "ppm")
    where = f"Without {found.technique} {found.start:.5g}–{found.end:.5g} {unit}"
    if found.is_empty:
        return f"{where}: nothing was here"
    told = [c for c in found.groups if abs(c.change) >= _LEAST_CHANGE][:_MOST_TOLD]
    if group is not None:
        told = [found.group(group), *(c for c in told if c.name != group)][:_MOST_TOLD]
    if not told:
        return f"{where}: nothing changes"
    return f"{where}: " + ", ".join(f"{c.name} {change_text(c)}" for c in told)
