"""Assigning peaks to atoms, and predicting shifts, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.library.assignment_entry import Assignment
from specgui.document.assignments import TECHNIQUES
from specgui.document.sample_entry import SampleEntry
from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.chemistry.predicted_shifts import PredictedSignal
    from engine.chemistry.structure_drawing import Drawing

FixedPair = tuple[str, int, float | None]
"""Element, atom and shift in ppm (None: no peak) of what a person said."""


@dataclass(frozen=True)
class Assigned:
    """What the engine found: assignments as a project keeps them, and the peaks left over."""

    assignments: tuple[Assignment, ...]
    unassigned: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()


def assigning(
    sample: SampleEntry, fixed: Iterable[FixedPair], as_told: bool = False
) -> Callable[[Ticket], Generator]:
    """The verb: returns :class:`Assigned` for a sample with a structure.

    ``as_told``: what the files themselves say of assignments is taken as fixed too.
    """
    fixed = tuple(fixed)

    def verb(ticket: Ticket) -> Generator[None, None, Assigned]:
        ticket.report(None, f"Assigning the peaks of {sample.name}")
        yield
        from engine.library.edited_sample import edited_sample
        from engine.tasks.assignment import assign

        prepared = edited_sample(sample)
        told: tuple[FixedPair, ...] = ()
        if as_told:
            from engine.tasks.assignment_records import told_assignments

            told = told_assignments(sample.as_sample())
        yield
        warnings = ()
        try:
            found = assign(prepared, fixed=fixed + told)
        except ValueError as error:
            if not told:
                raise
            found = assign(prepared, fixed=fixed)
            warnings = (f"What the file assigns cannot be kept: {error}.",)
        return Assigned(
            tuple(_kept(sample, found)),
            tuple((str(t), _number(p)) for t, p in found.unassigned),
            (*warnings, *found.warnings),
        )

    return verb


def _kept(sample: SampleEntry, found) -> Iterable[Assignment]:
    """The engine's assignments under the ids of the sample's spectra."""
    spectra = {}
    for entry in sample.spectra:
        spectra.setdefault(str(entry.spectrum.technique), entry.id)
    for one in found.assignments:
        spectrum = spectra.get(TECHNIQUES.get(one.element, ""))
        if spectrum is not None:
            yield Assignment(
                int(one.atom), spectrum, _number(one.peak), _number(one.predicted),
                _number(one.uncertainty), _number(one.confidence), bool(one.fixed),
            )  # fmt: skip


def _number(value) -> float | None:
    return None if value is None else round(float(value), 5)


def drawing_structure(structure) -> Callable[[Ticket], Generator]:
    """The verb: returns the ``Drawing`` of a structure, and the atoms of each of its groups."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[Drawing, dict[str, tuple[int, ...]]]]:
        yield
        from engine.chemistry.structure_drawing import drawing_of
        from specgui.workers import drawing_structures

        drawing = drawing_of(structure)
        yield
        groups = {}
        for group in sorted(structure.groups):
            groups[group] = drawing_structures.atoms_of_group(structure, group)
            yield
        return drawing, groups

    return verb


def predicting_shifts(
    structure: str, techniques: Iterable[str], solvent: str | None
) -> Callable[[Ticket], Generator]:
    """The verb: returns the signals that are expected of a structure."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[PredictedSignal, ...]]:
        yield
        from engine.tasks.shifts import predict_shifts

        return predict_shifts(structure, tuple(techniques), solvent)

    return verb
