"""A sample as the window knows it: an identity that survives renaming, and its spectra."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from engine.spectra import Sample, Spectrum

_ids = count(1)


@dataclass(frozen=True, eq=False)
class SpectrumEntry:
    """One spectrum with the number by which the window refers to it."""

    id: int
    spectrum: Spectrum

    @classmethod
    def new(cls, spectrum: Spectrum) -> SpectrumEntry:
        return cls(next(_ids), spectrum)

    @property
    def title(self) -> str:
        """What to call it: the file's own title, else the file's name."""
        title = self.spectrum.title.strip()
        return " ".join(title.split()) if title else self.file_name or str(self.spectrum.technique)

    @property
    def file_name(self) -> str:
        return Path(self.spectrum.source.path).name


@dataclass(frozen=True, eq=False)
class SampleEntry:
    """One compound: name, spectra, and the structure the chemist typed (None: the files' own)."""

    id: int
    name: str
    spectra: tuple[SpectrumEntry, ...] = ()
    typed_structure: str | None = None

    @classmethod
    def new(cls, name: str, spectra: tuple[Spectrum, ...] = ()) -> SampleEntry:
        return cls(next(_ids), name, tuple(SpectrumEntry.new(s) for s in spectra))

    @property
    def key(self) -> tuple[int, ...]:
        """What a finding about this sample depends on: which spectra it holds."""
        return tuple(entry.id for entry in self.spectra)

    @property
    def techniques(self) -> tuple[str, ...]:
        """The techniques present, each once, in the order in which they are stacked."""
        present = dict.fromkeys(entry.spectrum.technique for entry in self.spectra)
        return tuple(sorted(present, key=_stacking_order))

    @property
    def warning_count(self) -> int:
        return sum(len(entry.spectrum.warnings) for entry in self.spectra)

    @property
    def structure(self) -> str | None:
        """The structure's text: as typed, else the one on which the files agree, else None."""
        if self.typed_structure is not None:
            return self.typed_structure or None
        for key in ("molblock", "smiles"):
            said = {
                str(e.spectrum.metadata[key]) for e in self.spectra if e.spectrum.metadata.get(key)
            }
            if len(said) == 1:
                return said.pop()
        return None

    def of_technique(self, technique: str) -> tuple[SpectrumEntry, ...]:
        return tuple(e for e in self.spectra if e.spectrum.technique == technique)

    def as_sample(self) -> Sample:
        """The engine's view of this sample."""
        formulae = {e.spectrum.metadata.get("formula") for e in self.spectra} - {None}
        return Sample(
            tuple(entry.spectrum for entry in self.spectra),
            formula=formulae.pop() if len(formulae) == 1 else None,
            structure=self.structure,
            name=self.name,
        )


_ORDER = ("IR", "Raman", "UV-Vis", "1H NMR", "13C NMR", "19F NMR", "31P NMR", "MS", "MS/MS")


def _stacking_order(technique: str) -> tuple[float, str]:
    position = _ORDER.index(technique) if technique in _ORDER else _ORDER.index("MS") - 0.5
    return (position, technique)
