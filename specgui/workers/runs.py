"""Reading runs off the GUI thread: the chromatogram, single scans, means and extracted ions."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from specgui.workers.job_board import Ticket
from specgui.workers.presenting import Presentation, marks_of, present

if TYPE_CHECKING:
    import numpy as np

    from engine.formats.run_file import RunFile, ScanChoice
    from engine.spectra import Spectrum


def opening_run(path: str) -> Callable[[Ticket], Generator]:
    """The verb: returns a ``RunFile``."""

    def verb(ticket: Ticket) -> Generator[None, None, RunFile]:
        from engine.formats.run_file import RunFile

        def tell(scans: int, declared: int | None) -> None:
            ticket.report(min(scans / declared, 1.0) if declared else None, f"{scans:,} scans")

        yield
        return RunFile.open(path, ticket.is_cancelled, tell)

    return verb


def scanning(file: RunFile, choice: ScanChoice) -> Callable[[Ticket], Generator]:
    """The verb: returns the wanted spectrum and its presentation, without peaks."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[Spectrum, Presentation]]:
        yield
        spectrum = file.chosen(choice, ticket.is_cancelled)
        return spectrum, present(spectrum, "")[0]

    return verb


def picking_scan(spectrum: Spectrum, presentation: Presentation) -> Callable[[Ticket], Generator]:
    """The verb: returns the presentation with its peaks."""

    def verb(ticket: Ticket) -> Generator[None, None, Presentation]:
        yield
        return replace(presentation, peaks=marks_of(spectrum.ascending))

    return verb


def extracting(
    file: RunFile, mz: float, tolerance: float, ms_level: int
) -> Callable[[Ticket], Generator]:
    """The verb: returns the intensity of an ion in each scan, shape ``(scans,)``."""

    def verb(ticket: Ticket) -> Generator[None, None, np.ndarray]:
        def tell(share: float) -> None:
            ticket.report(share, f"m/z {mz:g}")

        yield
        return file.extracted_ion(mz, tolerance, ms_level, ticket.is_cancelled, tell)

    return verb
