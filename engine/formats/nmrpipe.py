"""NMRPipe files: one-dimensional FIDs and spectra.

Layout: F. Delaglio's ``fdatap.h``: a header of 512 floats, then the real points and, where the
data are complex, the imaginary ones. The places in the header come from nmrglue; its readers are
not used, because they load whatever size the file has, take a ``%`` in a file's name for a mask of
3-D planes, and fail at a title that is not UTF-8.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.nmr_binary import (
    fid,
    labelled_isotope,
    load_points,
    positive,
    shift_spectrum,
    two_dimensional,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum

_HEADER = 2048
_FORMAT, _ORDER = 0x4F6EEEEF, 2.345
_TITLE, _COMMENT = slice(297 * 4, 312 * 4), slice(312 * 4, 352 * 4)
_LABELS = {1: 18, 2: 16, 3: 20, 4: 22}  # place of FDFnLABEL by n, in words of 4 bytes
# FDFnAQSIGN: what a Fourier transform has to do first, as programs after NMRPipe's FT take it.
_ALTERNATE, _NEGATE = (1, 2, 16, 17, 18), (16, 17, 18)


def sniff(path: Path, head: bytes) -> float:
    """Certain for the two numbers that mark the floating-point format, in either byte order."""
    return 1.0 if _byte_order(head) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The FID or the spectrum of a file.

    A FID's ``y`` + i·``y_imaginary`` turns as exp(+2πi·f·t), f = (shift − ``carrier_ppm``) ·
    ``spectrometer_reference_mhz`` in Hz; ``group_delay_points`` where a digital filter has not
    been removed yet. Raises ``FormatError``, for data of more dimensions too.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(_HEADER)
    order = _byte_order(head)
    if order is None or len(head) < _HEADER:
        raise FormatError(path, f"an NMRPipe header of {_HEADER} bytes", f"{len(head)} bytes")
    header = _Header(path, head, order)
    if header["FDDIMCOUNT"] > 1 or header["FDSPECNUM"] > 1:
        raise two_dimensional(path)
    points, warnings = _points(header)
    frequency = positive(header.axis("OBS"), 2500)
    label = _text(head[4 * _LABELS[header.dimension] :][:8])
    isotope, found = labelled_isotope(label, frequency)
    warnings += found
    title = _text(head[_TITLE])
    width = positive(header.axis("SW"))
    metadata = _metadata(header, frequency)
    source = Source(str(path))
    if header.axis("FTFLAG") == 0:
        return [_fid(header, source, points, isotope, width, metadata, title, warnings)]
    if frequency is None or width is None:
        missing = "frequency" if frequency is None else "spectral width"
        raise FormatError(path, f"the {missing} that a ppm axis needs", "none")
    metadata["sweep_width_hz"] = width
    # ORIG is the frequency of the last point in Hz from 0 ppm; the axis falls from the first.
    steps = len(points) - 1 - np.arange(len(points))
    x = (header.axis("ORIG") + width / len(points) * steps) / frequency
    return [shift_spectrum(source, x, points, isotope, metadata, title, warnings)]


READER = Reader("NMRPipe", (".fid", ".ft1"), sniff, read)


class _Header:
    """The numbers of the header by their names in fdatap.h; those that are not finite are 0."""

    def __init__(self, path: Path, head: bytes, order: str) -> None:
        from nmrglue.fileio.pipe import fdata_dic

        self.path, self.order = path, order
        self._places = fdata_dic
        self._words = np.frombuffer(head, dtype=f"{order}f4")
        dimension = self["FDDIMORDER1"]
        self.dimension = int(dimension) if dimension in _LABELS else 2

    def __getitem__(self, name: str) -> float:
        value = float(self._words[int(self._places[name])])
        return value if math.isfinite(value) else 0.0

    def axis(self, name: str) -> float:
        """A number of the direct dimension's axis: ``SW`` is FDF2SW in most files."""
        return self[f"FDF{self.dimension}{name}"]


def _byte_order(head: bytes) -> str | None:
    for order in "<>":
        if head[4:12] == struct.pack(f"{order}I", _FORMAT) + struct.pack(f"{order}f", _ORDER):
            return order
    return None


def _text(raw: bytes) -> str:
    return " ".join(raw.split(b"\0", 1)[0].decode("utf-8", "replace").split())


def _points(header: _Header) -> tuple[np.ndarray, list[str]]:
    size = header["FDSIZE"]
    if not 1 <= size < 1 << 31:
        raise FormatError(header.path, "a number of points (FDSIZE)", f"{size:g}")
    size = round(size)
    dtype = np.dtype(f"{header.order}f4")
    # Some programs set only the flag of the whole file, some only that of the axis.
    if header["FDQUADFLAG"] == 1 or header.axis("QUADFLAG") == 1:
        return load_points(header.path, dtype, size, _HEADER)
    real, warnings = load_points(header.path, dtype, size, _HEADER)
    imaginary, found = load_points(header.path, dtype, size, _HEADER + 4 * size)
    size = min(len(real), len(imaginary))
    return real[:size] + 1j * imaginary[:size], [*warnings, *found]


def _fid(
    header: _Header,
    source: Source,
    points: np.ndarray,
    isotope: str,
    width: float | None,
    metadata: dict[str, Any],
    title: str,
    warnings: list[str],
) -> Spectrum:
    sign = round(header.axis("AQSIGN"))
    if sign in _ALTERNATE:
        points = points.copy()
        points[1::2] *= -1.0
    if sign in _NEGATE:
        points = np.conj(points)
    frequency = metadata.get("spectrometer_reference_mhz")
    if frequency and width:
        # The carrier is the point after the middle: ORIG + SW/2 - SW/n Hz from 0 ppm.
        size = round(header["FDSIZE"])
        carrier = (header.axis("ORIG") + width * (size - 1 - size // 2) / size) / frequency
        named = header.axis("CAR")
        # CAR says the same to a point, where it was filled in.
        near = abs(named - carrier) < 2 * width / size / frequency
        metadata["carrier_ppm"] = named if near else carrier
    if header["FDDMXFLAG"] == 0 and 0 < header["FDDMXVAL"] < 1e5:
        metadata["group_delay_points"] = header["FDDMXVAL"]
    return fid(source, points, isotope, width, metadata, title, warnings)


def _metadata(header: _Header, frequency: float | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if frequency is not None:
        metadata |= {"frequency_mhz": frequency, "spectrometer_reference_mhz": frequency}
    year, month, day = (round(header[f"FD{part}"]) for part in ("YEAR", "MONTH", "DAY"))
    if 1980 < year < 2200 and 1 <= month <= 12 and 1 <= day <= 31:
        metadata["date"] = f"{year}-{month:02}-{day:02}"
    celsius = header["FDTEMPERATURE"]
    if 0 < celsius < 1000:  # 0 where nobody filled it in
        metadata["temperature_k"] = round(celsius + (273.15 if celsius < 150 else 0.0), 6)
    return metadata
