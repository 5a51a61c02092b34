"""A two-dimensional spectrum in a project, and how the project's script reads it again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.library.project_script import openable
from engine.spectra import Spectrum, Spectrum2D


@dataclass(frozen=True, eq=False)
class Spectrum2DEntry:
    """One two-dimensional spectrum, by a number as that of a spectrum."""

    id: int
    spectrum: Spectrum2D

    @property
    def title(self) -> str:
        """What to call it: the file's own title, else the file's name."""
        title = " ".join(self.spectrum.title.split())
        return title or Path(self.spectrum.source.path).name or self.spectrum.name

    @property
    def name(self) -> str:
        """What to call a sample of this spectrum alone."""
        return str(self.spectrum.metadata.get("name") or self.title)


def reading_2d(spectra: Iterable[Spectrum2D]) -> str:
    """The argument, a comma first, that reads two-dimensional spectra again; empty without any."""
    names = dict.fromkeys(openable(s.source.path) for s in spectra)
    if not names:
        return ""
    return ", spectra_2d=" + " + ".join(f"open_spectra_2d({name!r})" for name in names)


def files_of(
    spectra: Sequence[Spectrum],
    spectra_2d: Sequence[Spectrum2D],
    files: Sequence[str | os.PathLike[str]] | None,
) -> list[str | os.PathLike[str]] | None:
    """Those of the files that gave other spectra than two-dimensional ones."""
    if files is None or not spectra_2d:
        return None if files is None else list(files)
    return [
        file for file in files
        if _gave(file, spectra) or not _gave(file, spectra_2d)
    ]  # fmt: skip


def _gave(file: str | os.PathLike[str], spectra: Sequence[Spectrum] | Sequence[Spectrum2D]) -> bool:
    """Whether one of these came from a file or folder, or from the experiment around it."""
    place = Path(os.path.abspath(file))
    sources = {Path(os.path.abspath(s.source.path)) for s in spectra if s.source.path}
    return any(s.is_relative_to(place) or place.is_relative_to(s) for s in sources)
