"""Making a spectrum ready to be drawn: default processing, infrared scale, peaks with labels."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.spectra import Spectrum
from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.processing import Chain, Peak

_MOST_MARKS = 400


@dataclass(frozen=True)
class PeakMark:
    """A peak to be labelled: where its tip is drawn, and whether it points down (transmittance).

    ``atoms`` are the names of those it belongs to, "" for none.
    """

    x: float
    y: float
    label: str
    points_down: bool = False
    atoms: str = ""


@dataclass(frozen=True, eq=False)
class Presentation:
    """A spectrum as it is drawn: ``x`` ascending, both axes finite or masked, and what was done.

    ``peaks`` are tallest first; None while they are still being picked.
    """

    x: np.ndarray
    y: np.ndarray
    x_unit: str
    y_unit: str
    kind: str
    note: str = ""
    note_detail: str = ""
    peaks: tuple[PeakMark, ...] | None = None
    all_finite: bool = True
    y_range: tuple[float, float] = (0.0, 1.0)


def present(
    spectrum: Spectrum, ir_scale: str, chain: Chain | None = None
) -> tuple[Presentation, Spectrum]:
    """Process a spectrum, put an infrared one on the wanted scale, and sort the axis.

    Without a chain of the chemist's a raw FID gets the default one, other spectra none.
    """
    note = detail = ""
    if chain is not None:
        spectrum, note, detail = _processed(spectrum, chain)
    elif spectrum.kind == "fid":
        from engine.processing.chain import apply, default_chain

        chain = default_chain(spectrum)
        try:
            spectrum = apply(chain, spectrum)
            note = "Raw FID, processed to be shown"
            detail = "Default processing: " + ", ".join(step.title.lower() for step in chain.steps)
        except ValueError as error:
            note, detail = "Raw FID, shown as it is", f"It cannot be processed: {error}"
    if spectrum.technique == "IR" and ir_scale in ("transmittance", "absorbance"):
        spectrum, converted = _on_scale(spectrum, ir_scale)
        note = "; ".join(part for part in (note, converted) if part)
    shown = spectrum.ascending
    finite = bool(np.isfinite(shown.y).all())
    values = shown.y if finite else shown.y[np.isfinite(shown.y)]
    y_range = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    presentation = Presentation(
        shown.x, shown.y, shown.x_unit, shown.y_unit, shown.kind,
        note=note, note_detail=detail, all_finite=finite, y_range=y_range,
    )  # fmt: skip
    return presentation, shown


def marks_of(spectrum: Spectrum, picked: Iterable[Peak] | None = None) -> tuple[PeakMark, ...]:
    """The peaks of an ascending spectrum, tallest first: those given, else as the engine picks."""
    from engine.processing.peaks import pick_peaks

    if spectrum.kind == "fid":
        return ()
    down = spectrum.y_unit == "transmittance"
    # The deepest dip of a transmittance is its tallest peak.
    found = pick_peaks(spectrum) if picked is None else picked
    peaks = sorted(found, key=lambda p: p.height if down else -abs(p.height))
    decimals = _decimals(spectrum)
    marks = []
    for peak in peaks[:_MOST_MARKS]:
        index = _nearest(spectrum.x, peak.position)
        marks.append(
            PeakMark(
                float(peak.position),
                float(spectrum.y[index]),
                f"{peak.position:z.{decimals}f}",
                points_down=down,
            )
        )
    return tuple(marks)


def presenting(
    spectrum: Spectrum, ir_scale: str, chain: Chain | None = None
) -> Callable[[Ticket], Generator]:
    """The verb: returns a presentation without peaks, and the spectrum to pick them from."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[Presentation, Spectrum]]:
        yield
        return present(spectrum, ir_scale, chain)

    return verb


def picking(presentation: Presentation, shown: Spectrum) -> Callable[[Ticket], Generator]:
    """The verb: returns the presentation with its peaks. Drawing does not wait for it."""

    def verb(ticket: Ticket) -> Generator[None, None, Presentation]:
        yield
        return replace(presentation, peaks=marks_of(shown))

    return verb


def _processed(spectrum: Spectrum, chain: Chain) -> tuple[Spectrum, str, str]:
    """The spectrum after a chain that was chosen, with a note and its detail."""
    from engine.processing import apply

    if not chain.enabled_steps:
        return spectrum, "", ""
    steps = ", ".join(step.title.lower() for step in chain.enabled_steps)
    try:
        return apply(chain, spectrum), "Processed", f"Processing: {steps}"
    except ValueError as error:
        return spectrum, "Shown as recorded", f"It cannot be processed: {error}"


def _on_scale(spectrum: Spectrum, scale: str) -> tuple[Spectrum, str]:
    from engine.processing.infrared import to_absorbance, to_transmittance

    convert = to_absorbance if scale == "absorbance" else to_transmittance
    if spectrum.y_unit == scale:
        return spectrum, ""
    try:
        return convert(spectrum), f"Converted from {spectrum.y_unit}"
    except ValueError as error:
        return spectrum, f"Shown as recorded: {error}"


def _decimals(spectrum: Spectrum) -> int:
    """Digits after the point that a label can stand for, by convention of the technique."""
    technique = spectrum.technique
    if technique.nucleus == "1H":
        return 2
    if technique.is_nmr:
        return 1
    if technique.is_mass:
        integral = np.abs(spectrum.x - np.round(spectrum.x)).max() < 0.01
        return 0 if integral else 2 if spectrum.kind == "sticks" else 1
    return 0


def _nearest(x: np.ndarray, position: float) -> int:
    index = int(np.clip(np.searchsorted(x, position), 1, max(len(x) - 1, 1)))
    if index < len(x) and abs(x[index] - position) < abs(x[index - 1] - position):
        return index
    return index - 1
