"""Finds what a project holds by its id; a folder gives thousands of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.library.project import ProjectState, RunEntry, SampleEntry, SpectrumEntry
    from engine.library.spectrum_2d_entry import Spectrum2DEntry


class Lookup:
    """The entries of one state by their ids; ``owners`` has the sample of each spectrum and run."""

    def __init__(self, state: ProjectState) -> None:
        self.state = state
        self.samples: dict[int, SampleEntry] = {s.id: s for s in state.samples}
        self.spectra: dict[int, SpectrumEntry] = {}
        self.spectra_2d: dict[int, Spectrum2DEntry] = {}
        self.runs: dict[int, RunEntry] = {}
        self.owners: dict[int, SampleEntry] = {}
        for sample in state.samples:
            for known, entries in (
                (self.spectra, sample.spectra),
                (self.spectra_2d, sample.spectra_2d),
                (self.runs, sample.runs),
            ):
                for entry in entries:
                    known[entry.id] = entry
                    self.owners[entry.id] = sample
