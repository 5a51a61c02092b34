"""Sparky (UCSF) spectra: ``.ucsf`` files of one or two dimensions.

Layout: ``ucsffile.cc`` of Sparky: a header of 180 bytes, 128 bytes for each axis, then tiles of
big-endian floats. nmrglue decodes the headers; its readers know two to four dimensions only, and
allocate what the header declares before they look at the file's size.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.matrix import read_matrix
from engine.formats.nmr_binary import (
    indirect,
    labelled_isotope,
    load_points,
    many_dimensional,
    only_2d,
    positive,
    processed_2d,
    shift_spectrum,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Spectrum2D, Technique

_MAGIC = b"UCSF NMR"
_NUMBER = np.dtype(">f4")
_FILE_HEADER, _AXIS_HEADER = 180, 128
_AXES, _COMPONENTS, _ENCODING = 10, 11, 12


def sniff(path: Path, head: bytes) -> float:
    """Certain for the first eight bytes of a UCSF file."""
    return 1.0 if head.startswith(_MAGIC) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The spectrum of a file with one axis. Raises ``FormatError``, for more axes too."""
    path = Path(path)
    axes = _axes(path)
    if len(axes) > 1:
        raise only_2d(path)
    (axis,) = axes
    # Tiles of one axis follow each other; only the last one may be padded.
    y, warnings = load_points(path, _NUMBER, axis.size, _FILE_HEADER + _AXIS_HEADER)
    return [
        shift_spectrum(
            Source(str(path)), axis.shifts(np.arange(len(y))), y, axis.isotope, axis.metadata,
            path.stem, [*warnings, *axis.warnings],
        )
    ]  # fmt: skip


def read_2d(path: Path) -> list[Spectrum2D]:
    """The spectrum of a file with two axes; none of one. Raises ``FormatError``."""
    path = Path(path)
    axes = _axes(path)
    if len(axes) < 2:
        return []
    # The first axis of the header changes slowest: it is the indirect one.
    y, x = axes
    place = _FILE_HEADER + 2 * _AXIS_HEADER
    matrix = read_matrix(path, _NUMBER, (y.size, x.size), (y.tile, x.tile), place)
    return [
        processed_2d(
            Technique.nmr(x.isotope), Technique.nmr(y.isotope), x.shifts(matrix.columns),
            y.shifts(matrix.rows), matrix.z, title=path.stem, source=Source(str(path)),
            metadata={"nucleus": x.isotope, **x.metadata}
            | indirect({"nucleus": y.isotope, **y.metadata}),
            warnings=(*matrix.warnings, *x.warnings, *y.warnings),
        )
    ]  # fmt: skip


READER = Reader("Sparky (UCSF)", (".ucsf",), sniff, read, read_2d)


@dataclass(frozen=True)
class _Axis:
    """One axis of the header."""

    size: int
    tile: int
    centre: float
    frequency: float
    width: float
    isotope: str
    warnings: list[str]

    def shifts(self, places: np.ndarray) -> np.ndarray:
        """Shifts in ppm of places counted in points from 0."""
        step = self.width / self.frequency / self.size
        return self.centre + (self.size / 2 - places) * step

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "frequency_mhz": self.frequency,
            "spectrometer_reference_mhz": self.frequency,
            "sweep_width_hz": self.width,
        }


def _axes(path: Path) -> list[_Axis]:
    """The one or two axes of a file; raises ``FormatError`` for more, or for complex numbers."""
    with path.open("rb") as file:
        head = file.read(_FILE_HEADER + 2 * _AXIS_HEADER)
    count = head[_AXES] if len(head) > _ENCODING else 0
    needed = _FILE_HEADER + min(max(count, 1), 2) * _AXIS_HEADER
    if not head.startswith(_MAGIC) or len(head) < needed:
        raise FormatError(path, f"a UCSF header of {needed} bytes", f"{len(head)} bytes")
    if count > 2:
        raise many_dimensional(path, count)
    if count < 1 or head[_COMPONENTS] != 1 or head[_ENCODING] != 0:
        raise FormatError(
            path, "one or two axes of real numbers of 4 bytes",
            f"{count} axes, {head[_COMPONENTS]} components, encoding {head[_ENCODING]}",
        )  # fmt: skip
    places = [_FILE_HEADER + number * _AXIS_HEADER for number in range(count)]
    return [_checked_axis(path, head[place : place + _AXIS_HEADER]) for place in places]


def _checked_axis(path: Path, raw: bytes) -> _Axis:
    axis = _axis(raw)
    size, tile = axis["npoints"], axis["bsize"]
    frequency = positive(axis["spectrometer_freq"], 2500)
    width, centre = positive(axis["spectral_width"]), axis["xmtr_freq"]
    if frequency is None or width is None or not abs(centre) < 1e5:
        raise FormatError(
            path, "frequency, width and centre of the axis",
            f"{axis['spectrometer_freq']:g} MHz, {axis['spectral_width']:g} Hz, {centre:g} ppm",
        )  # fmt: skip
    if not 0 < size < 1 << 31 or tile < 1:
        raise FormatError(path, "a number of points and a tile size", f"{size} and {tile}")
    isotope, warnings = labelled_isotope(axis["nucleus"], frequency)
    return _Axis(size, tile, centre, frequency, width, isotope, warnings)


def _axis(raw: bytes) -> dict[str, Any]:
    from nmrglue.fileio.sparky import axisheader2dic, get_axisheader

    fields = list(get_axisheader(io.BytesIO(raw)))
    # nmrglue decodes the nucleus as UTF-8 and fails at other bytes.
    fields[0] = fields[0].split(b"\0", 1)[0].decode("ascii", "replace").encode()
    return axisheader2dic(fields)
