"""NMRPipe files: FIDs and spectra of one dimension, and of two (``nmrpipe_2d``).

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
    many_dimensional,
    only_2d,
    positive,
    shift_spectrum,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Spectrum2D

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
    header = read_header(path)
    if header.dimensions > 1:
        raise only_2d(path)
    points, warnings = _points(header)
    frequency = positive(header.axis("OBS"), 2500)
    isotope, found = labelled_isotope(header.label(header.dimension), frequency)
    warnings += found
    title = header.title
    width = positive(header.axis("SW"))
    metadata = acquisition_metadata(header, frequency)
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


def read_2d(path: Path) -> list[Spectrum2D]:
    """The two-dimensional data of a file, none of a 1-D one; see :mod:`nmrpipe_2d`."""
    from engine.formats import nmrpipe_2d

    return nmrpipe_2d.read(Path(path))


READER = Reader("NMRPipe", (".fid", ".ft1", ".ft2", ".dat"), sniff, read, read_2d)


def read_header(path: Path) -> Header:
    """The header of a file of one or two dimensions; raises ``FormatError``."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    order = _byte_order(head)
    if order is None or len(head) < _HEADER:
        raise FormatError(path, f"an NMRPipe header of {_HEADER} bytes", f"{len(head)} bytes")
    header = Header(path, head, order)
    if header.dimensions > 2:
        raise many_dimensional(path, header.dimensions)
    return header


class Header:
    """The numbers of the header by their names in fdatap.h; those that are not finite are 0."""

    def __init__(self, path: Path, head: bytes, order: str) -> None:
        from nmrglue.fileio.pipe import fdata_dic

        self.path, self.order = path, order
        self._places = fdata_dic
        self._words = np.frombuffer(head, dtype=f"{order}f4")
        self._head = head
        dimension = self["FDDIMORDER1"]
        self.dimension = int(dimension) if dimension in _LABELS else 2
        # Files of one dimension may count none, and those of two may say one.
        count = self["FDDIMCOUNT"]
        self.dimensions = int(count) if 1 < count < 9 else 2 if self["FDSPECNUM"] > 1 else 1
        self.title = _text(head[_TITLE])

    def __getitem__(self, name: str) -> float:
        value = float(self._words[int(self._places[name])])
        return value if math.isfinite(value) else 0.0

    def axis(self, name: str) -> float:
        """A number of the first stored dimension's axis: ``SW`` is FDF2SW in most files."""
        return self[f"FDF{self.dimension}{name}"]

    def label(self, dimension: int) -> str:
        """What the axis of a dimension is called."""
        return _text(self._head[4 * _LABELS[dimension] :][:8])

    def carrier_ppm(self, dimension: int, frequency: float, width: float, size: int) -> float:
        """The shift of the carrier of a dimension that is not transformed, in ppm."""
        # The carrier is the point after the middle: ORIG + SW/2 - SW/n Hz from 0 ppm.
        hertz = self[f"FDF{dimension}ORIG"] + width * (size - 1 - size // 2) / size
        carrier, named = hertz / frequency, self[f"FDF{dimension}CAR"]
        # CAR says the same to a point, where it was filled in.
        return named if abs(named - carrier) < 2 * width / size / frequency else carrier


def _byte_order(head: bytes) -> str | None:
    for order in "<>":
        if head[4:12] == struct.pack(f"{order}I", _FORMAT) + struct.pack(f"{order}f", _ORDER):
            return order
    return None


def _text(raw: bytes) -> str:
    return " ".join(raw.split(b"\0", 1)[0].decode("utf-8", "replace").split())


def _points(header: Header) -> tuple[np.ndarray, list[str]]:
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
    header: Header,
    source: Source,
    points: np.ndarray,
    isotope: str,
    width: float | None,
    metadata: dict[str, Any],
    title: str,
    warnings: list[str],
) -> Spectrum:
    points = turned(points, header.axis("AQSIGN"))
    frequency = metadata.get("spectrometer_reference_mhz")
    if frequency and width:
        size = round(header["FDSIZE"])
        metadata["carrier_ppm"] = header.carrier_ppm(header.dimension, frequency, width, size)
    if header["FDDMXFLAG"] == 0 and 0 < header["FDDMXVAL"] < 1e5:
        metadata["group_delay_points"] = header["FDDMXVAL"]
    return fid(source, points, isotope, width, metadata, title, warnings)


def turned(points: np.ndarray, sign: float) -> np.ndarray:
    """Complex points after what FDFnAQSIGN says that a transform has to do first."""
    sign = round(sign)
    if sign in _ALTERNATE:
        points = points.copy()
        points[..., 1::2] *= -1.0
    return np.conj(points) if sign in _NEGATE else points


def acquisition_metadata(header: Header, frequency: float | None) -> dict[str, Any]:
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
