"""Sparky (UCSF) spectra: one-dimensional ``.ucsf`` files.

Layout: ``ucsffile.cc`` of Sparky: a header of 180 bytes, 128 bytes for each axis, then tiles of
big-endian floats. nmrglue decodes the headers; its readers know two to four dimensions only, and
allocate what the header declares before they look at the file's size.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.nmr_binary import (
    labelled_isotope,
    load_points,
    positive,
    shift_spectrum,
    two_dimensional,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum

_MAGIC = b"UCSF NMR"
_FILE_HEADER, _AXIS_HEADER = 180, 128
_AXES, _COMPONENTS, _ENCODING = 10, 11, 12


def sniff(path: Path, head: bytes) -> float:
    """Certain for the first eight bytes of a UCSF file."""
    return 1.0 if head.startswith(_MAGIC) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The spectrum of a file with one axis. Raises ``FormatError``, for more axes too."""
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(_FILE_HEADER + _AXIS_HEADER)
    if not head.startswith(_MAGIC) or len(head) < _FILE_HEADER + _AXIS_HEADER:
        raise FormatError(
            path, f"a UCSF header of {_FILE_HEADER + _AXIS_HEADER} bytes", f"{len(head)} bytes"
        )
    if head[_AXES] > 1:
        raise two_dimensional(path)
    if head[_AXES] != 1 or head[_COMPONENTS] != 1 or head[_ENCODING] != 0:
        raise FormatError(
            path, "one axis of real numbers of 4 bytes",
            f"{head[_AXES]} axes, {head[_COMPONENTS]} components, encoding {head[_ENCODING]}",
        )  # fmt: skip
    axis = _axis(head[_FILE_HEADER:])
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
    # Tiles of one axis follow each other; only the last one may be padded.
    y, warnings = load_points(path, np.dtype(">f4"), size, _FILE_HEADER + _AXIS_HEADER)
    isotope, found = labelled_isotope(axis["nucleus"], frequency)
    warnings += found
    x = centre + (size / 2 - np.arange(len(y))) * (width / frequency / size)
    metadata: dict[str, Any] = {
        "frequency_mhz": frequency,
        "spectrometer_reference_mhz": frequency,
        "sweep_width_hz": width,
    }
    return [shift_spectrum(Source(str(path)), x, y, isotope, metadata, path.stem, warnings)]


READER = Reader("Sparky (UCSF)", (".ucsf",), sniff, read)


def _axis(raw: bytes) -> dict[str, Any]:
    from nmrglue.fileio.sparky import axisheader2dic, get_axisheader

    fields = list(get_axisheader(io.BytesIO(raw)))
    # nmrglue decodes the nucleus as UTF-8 and fails at other bytes.
    fields[0] = fields[0].split(b"\0", 1)[0].decode("ascii", "replace").encode()
    return axisheader2dic(fields)
