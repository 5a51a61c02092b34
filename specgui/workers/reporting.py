"""Writing a report of a sample off the GUI thread, as it stands in the window."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from specgui.document.assignments import TECHNIQUES
from specgui.document.sample_entry import SampleEntry
from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.tasks.assignment import Assignment
    from engine.tasks.group_identification import GroupIdentification

_READING, _DRAWING = 0.5, 0.9


def writing_report(
    sample: SampleEntry, path: Path, identification: GroupIdentification | None, date: str
) -> Callable[[Ticket], Generator]:
    """The verb: writes the report of a sample (PDF or HTML by suffix); returns its warnings.

    ``identification`` is what the window shows of the groups; None lets the network speak, when
    there is one. Raises ``ValueError`` without spectra and ``OSError``.
    """

    def verb(ticket: Ticket) -> Generator[None, None, tuple[str, ...]]:
        ticket.report(0.0, f"Report of {sample.name}")
        yield
        from engine.library.group_model import NoModelError
        from engine.tasks.report import prepare_report, write_report

        def tell(share: float, what: str) -> None:
            ticket.report(share * _DRAWING, what)

        said = {
            "analyses": {i: e.analysis for i, e in enumerate(sample.spectra) if e.analysis},
            "chains": {i: e.chain for i, e in enumerate(sample.spectra) if e.chain is not None},
            "peaks": {i: e.peaks for i, e in enumerate(sample.spectra) if e.peaks is not None},
            "assignment": assignment_of(sample),
            "date": date, "is_cancelled": ticket.is_cancelled, "on_progress": tell,
        }  # fmt: skip
        yield
        missing: tuple[str, ...] = ()
        try:
            report = prepare_report(sample.as_sample(), identification=identification, **said)
        except NoModelError as error:
            missing = (f"The groups are left out: {error}",)
            report = prepare_report(sample.as_sample(), with_groups=False, **said)
        if ticket.is_cancelled():
            raise CancelledError
        ticket.report(_DRAWING, f"Writing {path.name}")
        yield
        write_report(report, path)
        return missing

    return verb


def assignment_of(sample: SampleEntry) -> Assignment | None:
    """A sample's assignments as the engine gives them; None without any or without a structure."""
    if not sample.assignments or not sample.structure:
        return None
    from engine.chemistry.structure import parse_structure
    from engine.chemistry.structure_drawing import drawing_of
    from engine.tasks.assignment import Assignment, AtomAssignment

    try:
        structure = parse_structure(sample.structure)
        drawing = drawing_of(structure)
    except ValueError:
        return None
    elements = {technique: element for element, technique in TECHNIQUES.items()}
    techniques = {e.id: str(e.spectrum.technique) for e in sample.spectra}
    known = []
    for one in sample.assignments:
        element = elements.get(techniques.get(one.spectrum, ""))
        if element is not None:
            known.append(
                AtomAssignment(
                    one.atom, element, one.position, _known(one.predicted), _known(one.uncertainty),
                    one.confidence or 0.0, tuple(sorted(drawing.equivalents(one.atom))), one.fixed,
                )
            )  # fmt: skip
    return Assignment(structure, tuple(known))


def _known(value: float | None) -> float:
    return nan if value is None else value
