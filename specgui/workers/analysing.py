"""Reading signals from a spectrum in the background: integrals, multiplets, peaks, their text."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.spectra import Spectrum
from specgui.workers.job_board import Ticket
from specgui.workers.presenting import PeakMark, Presentation, marks_of

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.processing import Integral, Multiplet, Peak, SignalAnalysis

_MOST_CURVE_POINTS = 800

Verb = Callable[[Ticket], Generator[None, None, Any]]


@dataclass(frozen=True, eq=False)
class IntegralCurve:
    """The running integral from the high end of a region: ppm and area, both ``(n,)``."""

    integral: Integral
    x: np.ndarray
    area: np.ndarray


@dataclass(frozen=True, eq=False)
class ShownSignals:
    """What is drawn of a spectrum's analysis, measured in the spectrum as it is shown.

    ``marks`` are the peaks as the chemist edited them, None where they are those picked.
    """

    analysis: SignalAnalysis
    curves: tuple[IntegralCurve, ...] = ()
    marks: tuple[PeakMark, ...] | None = None


@dataclass(frozen=True)
class Picked:
    """The peak that was pointed at, and all peaks of the spectrum if those were asked for."""

    peak: Peak | None
    all: tuple[Peak, ...] | None = None


def shown_spectrum(spectrum: Spectrum, shown: Presentation) -> Spectrum:
    """The spectrum as it is drawn, with the metadata of its file."""
    return replace(
        spectrum, x=shown.x, y=shown.y, x_unit=shown.x_unit, y_unit=shown.y_unit, kind=shown.kind,
        y_imaginary=None,
    )  # fmt: skip


def measuring(
    spectrum: Spectrum,
    shown: Presentation,
    analysis: SignalAnalysis | None,
    peaks: Sequence[Peak] | None,
) -> Verb:
    """The verb: returns the :class:`ShownSignals` of an analysis in the spectrum as shown."""

    def verb(ticket: Ticket) -> Generator[None, None, ShownSignals]:
        from engine.processing.integration import COMPOUND, integral_curve
        from engine.processing.signal_analysis import SignalAnalysis, remeasured

        drawn = shown_spectrum(spectrum, shown)
        marks = None if peaks is None else marks_of(drawn, peaks)
        if analysis is None or drawn.x_unit != "ppm" or drawn.kind != "continuous":
            return ShownSignals(analysis or SignalAnalysis(), marks=marks)
        now = remeasured(analysis, drawn)
        curves = []
        for integral in now.integrals:
            yield
            inside = drawn.x[0] <= integral.low and integral.high <= drawn.x[-1]
            if integral.kind == COMPOUND and inside:
                curves.append(IntegralCurve(integral, *_thinned(*integral_curve(drawn, integral))))
        return ShownSignals(now, tuple(curves), marks)

    return verb


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(x) <= _MOST_CURVE_POINTS:
        return x, y
    kept = np.linspace(0, len(x) - 1, _MOST_CURVE_POINTS).round().astype(int)
    return x[kept], y[kept]


def analysing_all(
    spectrum: Spectrum, shown: Presentation, structure: Structure | None = None
) -> Verb:
    """The verb: returns the analysis of all signals, its protons those of a known structure."""

    def verb(ticket: Ticket) -> Generator[None, None, SignalAnalysis]:
        from concurrent.futures import CancelledError

        from engine.processing.signal_analysis import SignalAnalysis, analyse_signals
        from engine.tasks.report_signals import proton_counts

        yield
        count = None if structure is None else partial(proton_counts, structure=structure)
        drawn = shown_spectrum(spectrum, shown)
        try:
            return analyse_signals(drawn, count, ticket.is_cancelled)
        except CancelledError:
            return SignalAnalysis()

    return verb


def measuring_integral(spectrum: Spectrum, shown: Presentation, low: float, high: float) -> Verb:
    """The verb: returns the integral of a region in ppm."""

    def verb(ticket: Ticket) -> Generator[None, None, Integral]:
        from engine.processing.signal_analysis import measure_integral

        yield
        return measure_integral(shown_spectrum(spectrum, shown), low, high)

    return verb


def analysing_region(spectrum: Spectrum, shown: Presentation, low: float, high: float) -> Verb:
    """The verb: returns the multiplet (None: no line) and the integral of a region in ppm."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[Multiplet | None, Integral]]:
        from engine.processing.multiplets import analyse_region
        from engine.processing.signal_analysis import measure_integral

        drawn = shown_spectrum(spectrum, shown)
        integral = measure_integral(drawn, low, high)
        yield
        return analyse_region(drawn, integral.low, integral.high), integral

    return verb


def overruling(
    spectrum: Spectrum,
    shown: Presentation,
    multiplet: Multiplet,
    multiplicity: str,
    j_hz: Sequence[float] | None,
) -> Verb:
    """The verb: returns the multiplet as a person sees it, with fitted couplings unless given."""

    def verb(ticket: Ticket) -> Generator[None, None, Multiplet]:
        from engine.processing.multiplets import overrule

        yield
        return overrule(shown_spectrum(spectrum, shown), multiplet, multiplicity, j_hz)

    return verb


def picking_at(
    spectrum: Spectrum, shown: Presentation, position: float, reach: float, with_all: bool
) -> Verb:
    """The verb: returns what was :class:`Picked` at a place, both in the unit of the axis."""

    def verb(ticket: Ticket) -> Generator[None, None, Picked]:
        from engine.processing.peaks import peak_near, pick_peaks

        drawn = shown_spectrum(spectrum, shown)
        found = peak_near(drawn, position, reach)
        yield
        return Picked(found, tuple(pick_peaks(drawn)) if with_all else None)

    return verb


def picking_all(spectrum: Spectrum, shown: Presentation) -> Verb:
    """The verb: returns all peaks but the solvent's."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[Peak, ...]]:
        from engine.processing.peaks import compound_peaks

        yield
        return tuple(compound_peaks(shown_spectrum(spectrum, shown)))

    return verb


def writing_text(
    parts: Sequence[tuple[Spectrum, Presentation, SignalAnalysis | None, tuple[Peak, ...] | None]],
    structure: Structure | None = None,
    atoms: Sequence[Sequence[tuple[float, int]]] = (),
) -> Verb:
    """The verb: returns the lines of a paper for NMR spectra, as plain text and as HTML.

    A spectrum that was not analysed is read as it is by default, with the protons of a known
    structure, and not changed. ``atoms``: shift in ppm and atom of the assigned peaks of each.
    """

    def verb(ticket: Ticket) -> Generator[None, None, tuple[str, str]]:
        from engine.tasks.assignment_records import with_atoms
        from engine.tasks.report_signals import said_signals, signal_line

        lines = []
        for number, (spectrum, shown, analysis, peaks) in enumerate(parts):
            yield
            drawn = shown_spectrum(spectrum, shown)
            signals = said_signals(drawn, analysis, peaks, structure)
            assigned = atoms[number] if number < len(atoms) else ()
            if assigned:
                told = replace(drawn, metadata={**drawn.metadata, "peaks": signals})
                signals = with_atoms(told, assigned).metadata["peaks"]
            lines.append(
                [signal_line(drawn, signals, s, bool(assigned)) for s in ("plain", "html")]
            )
        said = [line for line in lines if line[0]]
        return "\n".join(plain for plain, _ in said), "<br>\n".join(rich for _, rich in said)

    return verb
