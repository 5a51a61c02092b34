"""Peaks and atoms: what is assigned to what, which of it is chosen, and how it is changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from specgui.document import Problem, SampleEntry
from specgui.document.assignments import (
    ELEMENTS,
    AssignedSignal,
    atom_names,
    signals_of,
)
from specgui.workers.assigning import Assigned, FixedPair, assigning, drawing_structure
from specgui.workers.job_board import Request

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.chemistry.structure_drawing import Drawing
    from engine.library.project import ProjectState
    from specgui.workspace import Workspace

_LANE = "assign"
_ADVICE = "Check the structure and the spectra, then assign again."
NEAR = {"C": 0.05, "H": 0.005}
"""Shifts in ppm that are the same peak."""


@dataclass(frozen=True)
class Link:
    """Atoms and peaks that belong together: ``places`` are techniques with shifts in ppm."""

    atoms: frozenset[int] = frozenset()
    places: frozenset[tuple[str, float]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.atoms or self.places)


@dataclass(frozen=True)
class AssignmentState:
    """Beside the assignments themselves: whether a job runs, and what it said at last."""

    running: bool = False
    message: str = ""
    warnings: tuple[str, ...] = ()
    unassigned: tuple[tuple[str, float], ...] = ()


class AssignmentEditing(QObject):
    """Assignments of a workspace's samples, and what is lit of them in the chosen one."""

    changed = Signal()  # the signals of the chosen sample, or their state, are others
    linked_changed = Signal()  # other atoms and peaks are chosen, or pointed at
    drawing_changed = Signal()  # the drawing of the chosen sample's structure is another
    refused = Signal(str)  # why an edit is not possible

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._states: dict[int, AssignmentState] = {}
        self._tried: set[tuple] = set()
        self._pending: dict[int, tuple[FixedPair, ...]] = {}
        self._drawings: dict[str, tuple[Drawing, dict[str, tuple[int, ...]]] | None] = {}
        self._listed: tuple[tuple, tuple[AssignedSignal, ...]] = ((None, None, None), ())
        self._link = self._pointed = Link()
        self._followed: SampleEntry | None = None
        workspace.document.changed.connect(self._follow)
        workspace.selection.sample_changed.connect(self._follow)
        workspace.structure_changed.connect(self._follow)

    # structures as they are drawn

    @property
    def structure(self) -> Structure | None:
        """The structure of the chosen sample, as far as it is known and was read."""
        structure = self._workspace.structure_of(self._workspace.selection.sample)
        return None if isinstance(structure, ValueError) else structure

    @property
    def drawing(self) -> Drawing | None:
        """The drawing of the chosen sample's structure; None without one, or while it is made."""
        found = self._drawn()
        return found[0] if found else None

    def atoms_of_group(self, group: str | None) -> tuple[int, ...]:
        """The atoms of a functional group in the chosen sample's structure."""
        found = self._drawn()
        return found[1].get(group, ()) if found and group else ()

    def _drawn(self) -> tuple[Drawing, dict[str, tuple[int, ...]]] | None:
        structure = self.structure
        if structure is None:
            return None
        key = ("drawing", structure.molblock)
        if structure.molblock not in self._drawings and not self._workspace.jobs.has(key):
            self._workspace.jobs.submit(
                Request(
                    key, "Drawing the structure", drawing_structure(structure), "depict",
                    on_done=partial(self._on_drawn, structure.molblock),
                    on_error=partial(self._on_not_drawn, structure.molblock), quiet=True,
                )
            )  # fmt: skip
        return self._drawings.get(structure.molblock)

    def _on_drawn(self, molblock: str, made: tuple) -> None:
        self._drawings[molblock] = made
        self.drawing_changed.emit()
        self.changed.emit()

    def _on_not_drawn(self, molblock: str, error: Exception) -> None:
        self._drawings[molblock] = None
        self._workspace.problems.add(Problem("Structure", _sentence(error), _ADVICE))

    # what is assigned

    @property
    def state(self) -> AssignmentState:
        """What there is to say of the chosen sample's assignment."""
        sample = self._workspace.selection.sample
        return self._states.get(sample.id, AssignmentState()) if sample else AssignmentState()

    @property
    def signals(self) -> tuple[AssignedSignal, ...]:
        """The signals of the chosen sample, with the peaks that no atom was found for."""
        sample = self._workspace.selection.sample
        if sample is None:
            return ()
        left = self.state.unassigned if sample.assignments else ()
        # Asked for at every move of the mouse.
        basis = (sample, self.drawing, left)
        if any(a is not b for a, b in zip(basis, self._listed[0], strict=True)):
            self._listed = (basis, signals_of(*basis))
        return self._listed[1]

    @property
    def can_assign(self) -> bool:
        """Whether the chosen sample has a structure that could be read, and a spectrum for it."""
        return self.structure is not None and self.techniques != ()

    @property
    def techniques(self) -> tuple[str, ...]:
        """The techniques of the chosen sample whose peaks can be assigned."""
        sample = self._workspace.selection.sample
        return tuple(t for t in ELEMENTS if sample is not None and t in sample.techniques)

    # assigning

    def assign(self) -> None:
        """Assign the chosen sample; what a person fixed stays."""
        sample = self._workspace.selection.sample
        if sample is not None and self.can_assign:
            self._run(sample, self._fixed(sample), "Assign peaks", as_told=not sample.assignments)

    def fix(self, technique: str, position: float | None, atom: int) -> None:
        """Say which peak an atom has (None: none); the rest is assigned anew around it."""
        sample, drawing = self._workspace.selection.sample, self.drawing
        if sample is None or drawing is None:
            return
        element = ELEMENTS.get(technique, "")
        refusal = self._why_not(element, atom)
        if refusal:
            self.refused.emit(refusal)
            return
        own = set(drawing.equivalents(atom))
        # A peak that is moved leaves the atoms that it was fixed to.
        kept = [
            (e, a, p) for e, a, p in self._fixed(sample)
            if e != element or (a not in own and not _same(element, p, position))
        ]  # fmt: skip
        name = f"{element}{atom}"
        title = f"{name} has no peak" if position is None else f"Assign {position:.2f} to {name}"
        self._run(sample, [*kept, (element, atom, position)], title)

    def unfix(self, signals: Iterable[AssignedSignal]) -> None:
        """Let the program decide again about some signals."""
        sample = self._workspace.selection.sample
        loose = {(s.element, atom) for s in signals if s.fixed for atom in s.atoms}
        if sample is not None and loose:
            kept = [pair for pair in self._fixed(sample) if pair[:2] not in loose]
            self._run(sample, kept, "Unfix assignment")

    def clear(self) -> None:
        """Take all assignments of the chosen sample away."""
        sample = self._workspace.selection.sample
        if sample is not None and sample.assignments:
            self._workspace.jobs.cancel((_LANE, sample.id))
            self._workspace.document.set_assignments(sample.id, (), "Clear assignments")

    def _why_not(self, element: str, atom: int) -> str:
        drawn = self.drawing.atom(atom) if self.drawing is not None else None
        if drawn is None:
            return f"The structure has no atom {atom}."
        if element == "C" and drawn.element != "C":
            return f"Atom {atom} is {drawn.element}: a 13C peak belongs to a carbon."
        if element == "H" and not drawn.hydrogens:
            return f"Atom {atom} carries no hydrogen: a 1H peak belongs to an atom that does."
        return ""

    def _fixed(self, sample: SampleEntry) -> list[FixedPair]:
        """What a person said, with what a job is still working on."""
        if self._workspace.jobs.has((_LANE, sample.id)) and sample.id in self._pending:
            return list(self._pending[sample.id])
        techniques = {e.id: str(e.spectrum.technique) for e in sample.spectra}
        return [
            (ELEMENTS[techniques[a.spectrum]], a.atom, a.position)
            for a in sample.assignments
            if a.fixed and techniques.get(a.spectrum) in ELEMENTS
        ]

    def _run(
        self,
        sample: SampleEntry,
        fixed: list[FixedPair],
        title: str,
        as_told: bool = False,
        by_itself: bool = False,
    ) -> None:
        self._tried.add(_attempt(sample))
        # Before the state says "running": its cancelling would overwrite that.
        self._workspace.jobs.cancel((_LANE, sample.id))
        self._pending[sample.id] = tuple(fixed)
        self._set_state(sample.id, AssignmentState(True, unassigned=self.state.unassigned))
        self._workspace.jobs.submit(
            Request(
                (_LANE, sample.id), f"Assigning peaks of {sample.name}",
                assigning(sample, fixed, as_told), _LANE,
                on_done=partial(self._on_assigned, sample, title, by_itself),
                on_error=partial(self._on_failed, sample),
                on_cancelled=partial(self._set_state, sample.id, AssignmentState()),
            ),
            first=sample.id == self._workspace.selection.sample_id,
        )  # fmt: skip

    def _on_assigned(
        self, sample: SampleEntry, title: str, by_itself: bool, found: Assigned
    ) -> None:
        self._pending.pop(sample.id, None)
        now = self._workspace.document.sample(sample.id)
        if now is None or _attempt(now) != _attempt(sample):
            self._set_state(sample.id, AssignmentState())
            return
        self._states[sample.id] = AssignmentState(False, "", found.warnings, found.unassigned)
        document = self._workspace.document
        write = document.follow_structure if by_itself else document.set_assignments
        write(sample.id, found.assignments, title)
        self.changed.emit()

    def _on_failed(self, sample: SampleEntry, error: Exception) -> None:
        message = _sentence(error)
        self._pending.pop(sample.id, None)
        self._set_state(sample.id, AssignmentState(message=message))
        expected = isinstance(error, ValueError | ImportError) or "NoModel" in type(error).__name__
        if not expected:
            self._workspace.problems.add(Problem("Assignment", message, _ADVICE))

    def _set_state(self, sample_id: int, state: AssignmentState) -> None:
        self._states[sample_id] = state
        self.changed.emit()

    # assigning by itself

    def leave_alone(self, state: ProjectState) -> None:
        """Assign nothing of a project that is opened: it is as it was left."""
        self._states.clear()
        self._tried = {_attempt(sample) for sample in state.samples}

    def _follow(self) -> None:
        """A sample with a structure and NMR spectra is assigned once it is looked at."""
        sample = self._workspace.selection.sample
        if sample is not self._followed:
            before, self._followed = self._followed, sample
            if before is None or sample is None or before.id != sample.id:
                self._link = self._pointed = Link()
                self.linked_changed.emit()
            else:
                self._relink()
        wanted = self._workspace.options["auto_assign"] and self.can_assign
        if wanted and not sample.assignments and _attempt(sample) not in self._tried:
            self._run(sample, [], "Assign peaks", as_told=True, by_itself=True)
        self.drawing_changed.emit()
        self.changed.emit()

    # what is chosen

    @property
    def link(self) -> Link:
        """The atoms and peaks that are chosen."""
        return self._link

    @property
    def pointed(self) -> Link:
        """The atoms and peaks that the mouse points at."""
        return self._pointed

    def choose_atom(self, atom: int | None) -> None:
        """Choose an atom, its equivalents, and all their peaks; None: nothing."""
        self._set_link(self._link_of_atoms(() if atom is None else (atom,)))

    def choose_peak(self, technique: str, position: float | None) -> None:
        """Choose a peak, its atoms with their equivalents, and their other peaks."""
        self._set_link(self._link_of_peak(technique, position))

    def choose_signal(self, signal: AssignedSignal | None) -> None:
        """Choose what stands in one line of the table."""
        if signal is None:
            self._set_link(Link())
        elif signal.position is not None:
            self._set_link(self._link_of_peak(signal.technique, signal.position))
        else:
            self._set_link(self._link_of_atoms(signal.atoms))

    def point_at_atoms(self, atoms: Iterable[int] = ()) -> None:
        """The mouse is over some atoms, or over none."""
        self._set_pointed(self._link_of_atoms(atoms))

    def point_at_peak(self, technique: str, position: float | None) -> None:
        """The mouse is over a peak, or over none."""
        self._set_pointed(self._link_of_peak(technique, position))

    def _link_of_atoms(self, atoms: Iterable[int]) -> Link:
        drawing = self.drawing
        wanted = {
            alike for atom in atoms
            for alike in (drawing.equivalents(atom) if drawing is not None else (atom,))
        }  # fmt: skip
        places = {s.place for s in self.signals if s.place and wanted & set(s.atoms)}
        return Link(frozenset(wanted), frozenset(places))

    def _link_of_peak(self, technique: str, position: float | None) -> Link:
        if position is None:
            return Link()
        element = ELEMENTS.get(technique, "")
        atoms = {
            atom for signal in self.signals for atom in signal.atoms
            if signal.technique == technique and _same(element, signal.position, position)
        }  # fmt: skip
        link = self._link_of_atoms(atoms)
        return Link(link.atoms, link.places | {(technique, position)})

    def _set_link(self, link: Link) -> None:
        if link != self._link:
            self._link = link
            self.linked_changed.emit()

    def _set_pointed(self, link: Link) -> None:
        if link != self._pointed:
            self._pointed = link
            self.linked_changed.emit()

    def _relink(self) -> None:
        """After an edit the chosen atoms have other peaks; a chosen peak without atoms stays."""
        self._pointed = Link()
        if self._link.atoms:
            self._link = self._link_of_atoms(self._link.atoms)
        self.linked_changed.emit()

    # words

    def told_of(self, atom: int) -> str:
        """What is known of an atom's peaks, one line each."""
        lines = []
        for signal in self.signals:
            if atom not in signal.atoms:
                continue
            digits = 1 if signal.element == "C" else 2
            shown = "no peak" if signal.position is None else f"{signal.position:.{digits}f} ppm"
            sure = "fixed" if signal.fixed else ""
            if not sure and signal.confidence is not None and signal.position is not None:
                sure = f"{signal.confidence:.0%}"
            lines.append(f"{signal.technique}: {shown}" + (f" ({sure})" if sure else ""))
        return "\n".join(lines)

    def names_at(self, technique: str, position: float) -> str:
        """The atoms at a peak, for its label; "" for none."""
        element = ELEMENTS.get(technique, "")
        return ", ".join(
            atom_names(s, 3) for s in self.signals
            if s.atoms and s.technique == technique and _same(element, s.position, position)
        )  # fmt: skip


def _attempt(sample: SampleEntry) -> tuple:
    return (sample.id, sample.structure, sample.basis)


def _same(element: str, one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= NEAR.get(element, 0.0)


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
