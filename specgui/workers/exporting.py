"""Writing what was made of a sample into files, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from specgui.document.sample_entry import SampleEntry, SpectrumEntry
from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.spectra import Spectrum


def atoms_in(sample: SampleEntry, spectrum_id: int) -> tuple[tuple[float, int], ...]:
    """Shift in ppm and atom of each assigned peak of a spectrum."""
    return tuple(
        (a.position, a.atom)
        for a in sample.assignments
        if a.spectrum == spectrum_id and a.position is not None
    )


def writing_nmredata(
    sample: SampleEntry, structure: Structure, path: Path
) -> Callable[[Ticket], Generator]:
    """The verb: writes a sample's NMR spectra with its assignments; returns how many signals.

    Raises ``ValueError`` without a signal to write, and ``OSError``.
    """

    def verb(ticket: Ticket) -> Generator[None, None, int]:
        ticket.report(None, f"Writing {path.name}")
        yield
        from engine.formats.nmredata_writer import write_nmredata

        spectra = []
        for entry in sample.spectra:
            if entry.spectrum.technique.is_nmr:
                spectra.append(_with_signals(sample, entry, structure))
                yield
        spectra = [s for s in spectra if s.metadata.get("peaks")]
        if not spectra:
            raise ValueError("there is no NMR signal to write")
        write_nmredata(spectra, structure, path)
        return sum(len(spectrum.metadata["peaks"]) for spectrum in spectra)

    return verb


def _with_signals(sample: SampleEntry, entry: SpectrumEntry, structure: Structure) -> Spectrum:
    """A spectrum, processed, with its signals and their atoms in its metadata."""
    from engine.processing import apply, default_chain
    from engine.tasks.assignment_records import with_atoms
    from engine.tasks.report_signals import said_signals

    spectrum = entry.processed()
    if spectrum.kind == "fid":
        spectrum = apply(default_chain(spectrum), spectrum)
    signals = said_signals(spectrum, entry.analysis, entry.peaks, structure)
    told = replace(spectrum, metadata={**spectrum.metadata, "peaks": signals})
    pairs = atoms_in(sample, entry.id)
    return with_atoms(told, pairs) if pairs else told
