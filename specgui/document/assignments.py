"""Assignments as they are shown: one line for each signal, equivalent atoms together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specgui.document.sample_entry import SampleEntry

if TYPE_CHECKING:
    from engine.chemistry.structure_drawing import Drawing
    from engine.library.project import Assignment

CARBON, PROTON = "13C NMR", "1H NMR"
ELEMENTS = {CARBON: "C", PROTON: "H"}
TECHNIQUES = {element: technique for technique, element in ELEMENTS.items()}

UNCERTAIN = 0.7
"""Assignments that are less probable than this are marked as uncertain."""


@dataclass(frozen=True)
class AssignedSignal:
    """A signal of some equivalent atoms, or a peak that no atom was found for (no ``atoms``).

    ``position`` in ppm, None where the atoms show no peak; ``hydrogens`` are those on each atom.
    """

    technique: str
    atoms: tuple[int, ...] = ()
    position: float | None = None
    predicted: float | None = None
    uncertainty: float | None = None
    confidence: float | None = None
    fixed: bool = False
    hydrogens: int = 0
    spectrum: int | None = None

    @property
    def element(self) -> str:
        return ELEMENTS[self.technique]

    @property
    def difference(self) -> float | None:
        """Measured less predicted, in ppm."""
        if self.position is None or self.predicted is None:
            return None
        return self.position - self.predicted

    @property
    def is_uncertain(self) -> bool:
        """Whether another assignment of the peak, or of the atoms, is nearly as probable."""
        told = self.confidence is not None and not self.fixed and self.position is not None
        return told and self.confidence < UNCERTAIN

    @property
    def place(self) -> tuple[str, float] | None:
        """What names its peak: the technique and the shift."""
        return None if self.position is None else (self.technique, self.position)


def signals_of(
    sample: SampleEntry, drawing: Drawing | None, unassigned: Iterable[tuple[str, float]] = ()
) -> tuple[AssignedSignal, ...]:
    """The signals of a sample's assignments, carbon first, each by descending shift.

    ``unassigned`` are peaks, by technique and shift, that no atom was found for.
    """
    techniques = {e.id: str(e.spectrum.technique) for e in sample.spectra}
    found: dict[tuple, list[Assignment]] = {}
    for one in sample.assignments:
        technique = techniques.get(one.spectrum)
        if technique in ELEMENTS:
            atoms = drawing.equivalents(one.atom) if drawing is not None else (one.atom,)
            found.setdefault((technique, atoms, one.position), []).append(one)
    signals = []
    for (technique, _, position), ones in found.items():
        atoms = tuple(sorted({one.atom for one in ones}))
        atom = drawing.atom(atoms[0]) if drawing is not None else None
        # Of equivalent atoms what was said of one holds for all.
        said = max(ones, key=lambda one: (one.fixed, one.confidence or 0.0))
        signals.append(
            AssignedSignal(
                technique, atoms, position, said.predicted, said.uncertainty, said.confidence,
                said.fixed, atom.hydrogens if atom is not None else 0, said.spectrum,
            )
        )  # fmt: skip
    taken = {signal.place for signal in signals}
    signals += [AssignedSignal(t, (), p) for t, p in unassigned if (t, p) not in taken]
    return tuple(sorted(signals, key=_order))


def _order(signal: AssignedSignal) -> tuple:
    shift = signal.position if signal.position is not None else signal.predicted
    return (signal.technique != CARBON, not signal.atoms, -(shift if shift is not None else -1e9))


def atom_names(signal: AssignedSignal, most: int = 6) -> str:
    """The atoms of a signal as they are named in the window: ``C3, C5``."""
    named = [f"{signal.element}{atom}" for atom in signal.atoms[:most]]
    return ", ".join(named) + (" …" if len(signal.atoms) > most else "")
