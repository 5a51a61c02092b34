"""What readers of binary IR, Raman and UV-Vis files share: checked reads, spectra in our units."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.formats.axis_units import Axes, convert_optical, in_order
from engine.formats.errors import FormatError
from engine.spectra import Source, Spectrum, Technique

MAX_POINTS = 1 << 22
"""Points of one spectrum at most; no spectrometer writes near as many."""

MAX_SPECTRA = 1000
"""Spectra that one map or series gives at most."""

MAX_VALUES = 1 << 23
"""Points of all the spectra of one map or series at most."""

_LARGEST = 1e150

_PHASES = (
    ("gas", r"\bgas(?:[- ]phase|eous)?\b|\bvapou?r\b"),
    ("solution", r"\bsolution\b|\bin (?:ccl4|cs2|ch2cl2|c?d?hcl3|cdcl3|water|d2o)\b"),
    ("solid", r"\bin kbr\b|\b(?:pellet|dis[ck]|nujol|mull|powder|solid)\b"),
    ("liquid", r"\bneat\b|\bliquid\b|\bcapillary film\b"),
)  # fmt: skip


class BinaryFile:
    """An open file; every read is checked against its size before anything is allocated."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.size = os.fstat(file.fileno()).st_size

    def read(self, offset: int, count: int, what: str) -> bytes:
        """``count`` bytes from ``offset``; ``FormatError`` names ``what`` where they are not."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise FormatError(
                self.path, f"{what} ({count} bytes at {offset})", f"a file of {self.size} bytes"
            )
        self.file.seek(offset)
        return self.file.read(count)

    def unpack(self, layout: str, offset: int, what: str) -> tuple[Any, ...]:
        """The fields of a ``struct`` layout at ``offset``; raises like :meth:`read`."""
        return struct.unpack(layout, self.read(offset, struct.calcsize(layout), what))

    def numbers(
        self, offset: int, dtype: str, declared: int, what: str
    ) -> tuple[np.ndarray, list[str]]:
        """Up to ``declared`` numbers from ``offset``, ``(n,)``, and a warning when the file is cut.

        Raises ``FormatError`` when not one is there, or more are declared than ``MAX_POINTS``.
        """
        width = np.dtype(dtype).itemsize
        held = max(0, self.size - offset) // width if offset >= 0 else 0
        if not 1 <= declared <= MAX_POINTS:
            raise FormatError(self.path, f"{what} of 1 to {MAX_POINTS} points", f"{declared}")
        if held == 0:
            raise FormatError(self.path, f"{what} at byte {offset}", f"a file of {self.size} bytes")
        count = min(held, declared)
        values = np.frombuffer(self.read(offset, count * width, what), dtype=dtype)
        if count == declared:
            return values, []
        return values, [f"the file is cut short: {count} of {declared} points of {what} are there"]


@contextmanager
def open_binary(path: Path) -> Iterator[BinaryFile]:
    """The file at ``path``, opened for checked reads."""
    with open(path, "rb") as file:
        yield BinaryFile(path, file)


def text_of(raw: bytes, encoding: str = "utf-8") -> str:
    """The text in a field of fixed width: up to its first zero byte, on one line."""
    raw = raw.split(b"\0", 1)[0]
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        text = raw.decode("cp1252", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def iso_date(year: int, month: int, day: int, *clock: int) -> str | None:
    """``1997-03-09T08:46:00`` of a date and its hour, minute, second; None where it is none."""
    try:
        moment = datetime(year, month, day, *clock)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat() if 1950 < year < 2200 else None


def stated_phase(text: str) -> str | None:
    """The phase of matter that a comment or sample form names, or None."""
    lowered = text.lower()
    return next((phase for phase, words in _PHASES if re.search(words, lowered)), None)


def raman_shift(x: np.ndarray, unit: str, laser_nm: float | None) -> tuple[np.ndarray, list[str]]:
    """Absolute wavelengths (``nm``, ``um``), energies (``eV``) or wavenumbers as Raman shift, 1/cm.

    ``unit`` ``1/cm`` means absolute wavenumbers. ``x`` is ``(n,)``; places where there is no light
    of that kind (0 or less) become NaN. Raises ``ValueError`` without the laser's wavelength in nm.
    """
    if laser_nm is None or not 100 < laser_nm < 1e5:
        raise ValueError("the laser's wavelength is not known")
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = {"nm": 1e7, "um": 1e4}.get(unit)
        wavenumber = factor / x if factor else x * (8065.543937 if unit == "eV" else 1.0)
        shift = np.where(x > 0, 1e7 / laser_nm - wavenumber, np.nan)
    return shift, [f"the axis in {unit} was turned into Raman shift from {laser_nm:.5g} nm"]


def optical_spectrum(
    source: Source,
    technique: Technique,
    x: np.ndarray,
    y: np.ndarray,
    x_unit: str,
    y_unit: str,
    *,
    percent: bool = False,
    kind: str = "continuous",
    title: str = "",
    metadata: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> Spectrum:
    """A spectrum of ``x`` and ``y`` ``(n,)`` in the units of the house, its points in order.

    ``x_unit`` may be ``um`` besides those of a spectrum; ``percent`` says that a transmittance or
    reflectance is given in percent. Metadata that are None are left out. Raises ``FormatError``
    when fewer than two points have an axis and a height.
    """
    length = min(len(x), len(y))
    x, y = x[:length].astype(np.float64), y[:length].astype(np.float64)
    y[~(np.abs(y) < _LARGEST)] = np.nan  # what a broken float field holds
    axes = Axes(x, y, x_unit, y_unit, None, list(warnings))
    if len(x) and not (np.isfinite(x) & np.isfinite(y)).any():
        raise FormatError(source.path, "a spectrum", "not one point with a finite x and y")
    if technique.is_vibrational or technique == Technique.UV_VIS:
        convert_optical(axes, technique, percent, trusted=False)
    in_order(axes, kind, merge="sum" if technique.is_mass else "first")
    if len(axes.x) == 0 or (len(axes.x) < 2 <= length and kind == "continuous"):
        ends = f"{length} points from {x[0]:g} to {x[-1]:g}" if length else "no point"
        raise FormatError(source.path, "an axis that rises or falls", ends)
    if length > 1 and not axes.y.any():
        axes.warnings.append("every height is 0: the copy of the file may have been interrupted")
    try:
        return Spectrum(
            technique, axes.x, axes.y, axes.x_unit, axes.y_unit, kind, title, source,
            {key: value for key, value in (metadata or {}).items() if value not in (None, "")},
            tuple(dict.fromkeys(axes.warnings)),
        )  # fmt: skip
    except ValueError as error:
        raise FormatError(source.path, "a spectrum", str(error)) from error


def gather(path: Path, declared: int, read_one: Callable[[int], Spectrum]) -> list[Spectrum]:
    """``read_one(0)`` to ``read_one(declared - 1)``, without those that raise ``FormatError``.

    Ends at ``MAX_SPECTRA`` and ``MAX_VALUES``; the first spectrum's warnings say what is missing.
    Raises the first error when no spectrum can be read.
    """
    spectra: list[Spectrum] = []
    broken: list[str] = []
    first: FormatError | None = None
    points = tried = 0
    while tried < min(declared, MAX_SPECTRA) and points < MAX_VALUES:
        tried += 1
        try:
            spectrum = read_one(tried - 1)
        except FormatError as error:
            first = first or error
            broken.append(f"spectrum {tried}: expected {error.expected}, found {error.found}")
            continue
        spectra.append(spectrum)
        points += len(spectrum)
    if not spectra:
        raise first or FormatError(path, "a spectrum", f"{declared} spectra declared")
    warnings = []
    if broken:
        warnings.append(f"{len(broken)} of {declared} spectra could not be read: {broken[0]}")
    if tried < declared:
        warnings.append(f"the file declares {declared} spectra; the first {tried} were read")
    if warnings:
        spectra[0] = spectra[0].with_warnings(*warnings)
    return spectra
