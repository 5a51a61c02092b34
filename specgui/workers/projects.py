"""Opening, recovering and saving projects off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgui.document.findings import Finding
from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.library.project import ProjectState
    from engine.library.project_file import OpenedProject
    from engine.library.project_journal import ProjectJournal

Findings = dict[tuple, Finding]


def opening(path: Path) -> Callable[[Ticket], Generator]:
    """The verb: returns what a project file holds, and the findings in it by their basis."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[OpenedProject, Findings]]:
        from engine.library.project_file import read_project

        ticket.report(None, f"Opening {path.name}")
        yield
        opened = read_project(path)
        yield
        return opened, _findings(opened)

    return verb


def recovering(journal: ProjectJournal) -> Callable[[Ticket], Generator]:
    """The verb: returns the state in a journal and what of it was damaged."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[ProjectState, tuple[str, ...]]]:
        ticket.report(None, "Recovering a project")
        yield
        return journal.read()

    return verb


def saving(
    path: Path,
    state: ProjectState,
    findings: Mapping[int, Finding],
    more: Mapping[int, Mapping[str, Any]] | None = None,
) -> Callable[[Ticket], Generator]:
    """The verb: writes a project with the findings of its samples; returns the file's path.

    ``more`` are other predictions to be kept: by sample, then by their kind.
    """

    def verb(ticket: Ticket) -> Generator[None, None, Path]:
        from engine.library.project_file import save_project
        from specgui.document.stored_findings import stored

        yield
        kept = {
            sample_id: {**stored(finding), **(more or {}).get(sample_id, {})}
            for sample_id, finding in findings.items()
        }
        return save_project(path, state, kept)

    return verb


def _findings(opened: OpenedProject) -> Findings:
    from specgui.document.stored_findings import restored

    found = {}
    for sample in opened.state.samples:
        predictions = opened.predictions.get(sample.id, {})
        finding = restored(predictions, len(sample.spectra))
        if finding is not None:
            found[sample.basis] = finding
    return found
