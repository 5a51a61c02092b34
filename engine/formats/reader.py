"""What every file format offers to the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.spectra import Spectrum, Spectrum2D


@dataclass(frozen=True)
class Reader:
    """One file format.

    ``sniff(path, head)`` looks at the first 4096 bytes of a file (``b""`` for a folder) and says
    how sure it is, 0 (not mine) to 1 (certain); it must be fast, must not raise and may glance at
    the suffix as a tie-break only. ``read(path)`` returns at least one spectrum or raises
    ``FormatError``; one broken block does not lose its good neighbours: they come back, and the
    first of them carries a warning that names the block. Where there are only two-dimensional
    data it raises ``Only2DError``.

    ``read_2d(path)``, of formats that may hold them, returns the two-dimensional spectra, none when
    there are none, or raises ``FormatError``.
    """

    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path, bytes], float]
    read: Callable[[Path], list[Spectrum]]
    read_2d: Callable[[Path], list[Spectrum2D]] | None = None
