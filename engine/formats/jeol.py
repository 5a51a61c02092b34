"""JEOL Delta files (``.jdf``): FIDs and processed spectra; two-dimensional ones in ``jeol_2d``.

Layout: JEOL's "Delta data format", version 1.2: a big-endian header of 1360 bytes, parameters of
64 bytes each, and one block of numbers for the real and one for the imaginary part. nmrglue's
reader is not used: it multiplies strings and numbers by ten to whatever power the file names,
takes the blanks out of ``orders`` (which is a list), gives up at unit prefixes above kilo, reads
dates wrong and unpacks number by number before it looks at the file's size.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of
from engine.formats.errors import FormatError
from engine.formats.nmr_binary import (
    fid,
    load_points,
    many_dimensional,
    only_2d,
    positive,
    shift_spectrum,
    two_dimensional,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Spectrum2D

MAGIC = {b"JEOL.NMR": ">", b"RMN.LEOJ": "<"}
HEADER = 1360
_MAX_PARAMETERS = 20_000
REAL, COMPLEX = 1, 3
SECOND, PPM, HERTZ, _CELSIUS, _KELVIN = 28, 26, 13, 4, 14
_STRING, _INTEGER, _FLOAT = 0, 1, 2
# Places in the header.
_TITLE, _POINTS, _FIRST, _LAST = 48, 176, 208, 240
_AXIS_START, _AXIS_STOP, _COMMENT, _AXIS_TITLE = 272, 336, 680, 808
_BASE_FREQUENCY, _ZERO_POINT, _PARAMETERS, _DATA = 1064, 1128, 1212, 1284
_EPOCH = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Value:
    """A parameter's value; ``unit`` is Delta's number of the unit, prefixes are multiplied in."""

    value: str | int | float
    unit: int


@dataclass(frozen=True)
class DeltaFile:
    """What the header and the parameters say; numbers of one axis only."""

    path: Path
    dtype: np.dtype
    axis_type: int
    unit: int
    scale: float
    points: int
    first: int
    last: int
    start: float
    stop: float
    base_mhz: float | None
    zero_point: float
    data: int
    title: str
    comment: str
    axis_title: str
    tile: int
    parameters: dict[str, Value]

    def text(self, *names: str) -> str:
        """The first of these parameters that is a string and not blank, else ``""``."""
        for name in names:
            found = self.parameters.get(name)
            if found is not None and isinstance(found.value, str) and found.value:
                return found.value
        return ""

    def number(self, name: str) -> float | None:
        """A parameter as a finite number, else None."""
        found = self.parameters.get(name)
        if found is None or isinstance(found.value, str) or not math.isfinite(found.value):
            return None
        return float(found.value)


def sniff(path: Path, head: bytes) -> float:
    """Certain for the first eight bytes of a Delta file."""
    return 1.0 if head[:8] in MAGIC else 0.0


def read(path: Path) -> list[Spectrum]:
    """The FID or the processed spectrum of a Delta file.

    A FID's ``y`` + i·``y_imaginary`` turns as exp(+2πi·f·t), f = (shift − ``carrier_ppm``) ·
    ``spectrometer_reference_mhz`` in Hz; ``group_delay_points`` is that of Delta's digital filter.
    Raises ``FormatError``, for two-dimensional data too.
    """
    path = Path(path)
    file = open_file(path)
    isotope = nucleus_of(file.text("x_domain")) or nucleus_of(file.axis_title)
    if isotope is None:
        raise FormatError(path, "the observed nucleus (x_domain)", file.text("x_domain") or "none")
    points, warnings = _points(file)
    metadata = metadata_of(file)
    if file.comment:
        metadata["comment"] = file.comment
    source = Source(str(path))
    if file.unit == SECOND:
        return [_fid(file, source, points, isotope, metadata, warnings)]
    x = shifts_of(file, np.arange(len(points)), metadata.get("spectrometer_reference_mhz"))
    metadata["sweep_width_hz"] = file.number("x_sweep")
    return [shift_spectrum(source, x, points, isotope, metadata, file.title, warnings)]


def read_2d(path: Path) -> list[Spectrum2D]:
    """The two-dimensional data of a file, none of a 1-D one; see :mod:`jeol_2d`."""
    from engine.formats import jeol_2d

    return jeol_2d.read(Path(path))


READER = Reader("JEOL Delta", (".jdf",), sniff, read, read_2d)


def is_2d(head: bytes) -> bool:
    """Whether a header is that of two dimensions: data format 2, or 12 of small tiles."""
    return head[14] & 0x3F in (2, 12) and sum(kind != 0 for kind in head[24:32]) == 2


# --- header and parameters ----------------------------------------------------------------------


def open_file(path: Path, axis: int | None = None) -> DeltaFile:
    """A file of one dimension, or of two as one of its axes (0: direct, 1: indirect) sees it.

    Raises ``FormatError``, also for an axis of a file of one dimension.
    """
    index = axis or 0
    with path.open("rb") as stream:
        head = stream.read(HEADER)
        if head[:8] not in MAGIC or len(head) < HEADER:
            raise FormatError(
                path, f"the header of a JEOL Delta file, {HEADER} bytes", f"{len(head)} bytes"
            )
        order = MAGIC[head[:8]]
        little = head[8] == 1

        def numbers(kind: str, place: int, count: int = 1) -> tuple[Any, ...]:
            return struct.unpack_from(f"{order}{count}{kind}", head, place)

        axis_types = head[24:32]
        points = numbers("I", _POINTS, 8)
        if axis is None and is_2d(head):
            raise only_2d(path)
        # The data format's number is that of its dimensions.
        if not is_2d(head) and (
            head[14] & 0x3F != 1 or head[12] > 1 or any(kind != 0 for kind in axis_types[1:])
        ):
            raise many_dimensional(path, head[12]) if head[12] > 2 else two_dimensional(path)
        if head[14] >> 6 > 1:
            raise FormatError(path, "numbers of 4 or 8 bytes", "a type that Delta has not defined")
        prefix, unit = struct.unpack_from(">Bb", head, 32 + 2 * index)
        parameters = parameters_of(stream, numbers("I", _PARAMETERS)[0], little)
    first, last = numbers("I", _FIRST, 8)[index], numbers("I", _LAST, 8)[index]
    if not 0 <= first <= last < points[index]:
        raise FormatError(
            path, f"a range within its {points[index]} points", f"points {first} to {last}"
        )
    return DeltaFile(
        path=path,
        dtype=np.dtype(("<" if little else ">") + ("f4" if head[14] >> 6 else "f8")),
        axis_type=axis_types[index],
        unit=unit,
        scale=prefix_factor(prefix),
        points=points[index],
        first=first,
        last=last,
        start=numbers("d", _AXIS_START, 8)[index],
        stop=numbers("d", _AXIS_STOP, 8)[index],
        base_mhz=positive(numbers("d", _BASE_FREQUENCY, 8)[index], 2500),
        zero_point=numbers("d", _ZERO_POINT, 8)[index],
        data=numbers("I", _DATA)[0],
        title=text_of(head[_TITLE : _TITLE + 124]),
        comment=text_of(head[_COMMENT : _COMMENT + 128]),
        axis_title=text_of(head[_AXIS_TITLE + 32 * index :][:32]),
        tile=4 if head[14] & 0x3F == 12 else 32,
        parameters=parameters,
    )


def parameters_of(stream: Any, place: int, little: bool) -> dict[str, Value]:
    """The parameters by their names in lower case, as many as there are before the file ends."""
    order = "<" if little else ">"
    stream.seek(place)
    opening = stream.read(16)
    if place < HEADER or len(opening) < 16:
        return {}
    size, low, high, _ = struct.unpack(f"{order}4I", opening)
    if size != 64 or not low <= high < _MAX_PARAMETERS:
        return {}
    raw = stream.read(64 * (high - low + 1))
    found: dict[str, Value] = {}
    for begin in range(0, len(raw) - 63, 64):
        record = raw[begin : begin + 64]
        (scaler,) = struct.unpack_from(f"{order}h", record, 4)
        prefix, unit = struct.unpack_from(">Bb", record, 6)
        (kind,) = struct.unpack_from(f"{order}i", record, 32)
        if kind == _STRING:
            value: str | int | float = text_of(record[16:32])
        elif kind == _INTEGER:
            value = struct.unpack_from(f"{order}i", record, 16)[0]
        elif kind == _FLOAT:
            value = struct.unpack_from(f"{order}d", record, 16)[0]
        else:
            continue
        if not isinstance(value, str):
            if abs(scaler) > 30:
                continue
            factor = 10.0**scaler * prefix_factor(prefix)
            value = value if factor == 1 else value * factor
        name = text_of(record[36:64]).lower().replace(" ", "_")
        found.setdefault(name, Value(value, unit))
    return found


def prefix_factor(byte: int) -> float:
    """The factor of the unit's prefix in the upper four bits: 1 milli, 2 micro, -1 kilo..."""
    power = byte >> 4
    return 10.0 ** (-3 * (power - 16 if power > 7 else power))


def text_of(raw: bytes) -> str:
    text = raw.split(b"\0", 1)[0]
    try:
        return " ".join(text.decode("utf-8").split())
    except UnicodeDecodeError:
        return " ".join(text.decode("latin-1").split())


# --- points and axes ----------------------------------------------------------------------------


def _points(file: DeltaFile) -> tuple[np.ndarray, list[str]]:
    """The points between the first and the last that count, real or complex."""
    if file.axis_type not in (REAL, COMPLEX):
        raise FormatError(
            file.path, "real or complex points", f"an axis of Delta's type {file.axis_type}"
        )
    width, count = file.dtype.itemsize, file.last - file.first + 1
    place = file.data + width * file.first
    if file.data < HEADER:
        raise FormatError(file.path, "points after the header", f"their place is {file.data}")
    real, warnings = load_points(file.path, file.dtype, count, place)
    if file.axis_type == REAL:
        return real, warnings
    # The imaginary block follows the whole real one: a cut file loses the end of it.
    imaginary, found = load_points(file.path, file.dtype, count, place + width * file.points)
    size = min(len(real), len(imaginary))
    # JEOL's receivers turn as exp(-2πi·f·t), against the convention here.
    return real[:size] - 1j * imaginary[:size], [*warnings, *found]


def _fid(
    file: DeltaFile,
    source: Source,
    points: np.ndarray,
    isotope: str,
    metadata: dict[str, Any],
    warnings: list[str],
) -> Spectrum:
    width = positive(file.number("x_sweep"))
    duration = (file.stop - file.start) * file.scale
    if width is None and math.isfinite(duration) and duration > 0:
        width = (file.last - file.first) / duration
    offset = file.number("x_offset")
    base = metadata.get("spectrometer_reference_mhz")
    if offset is None and width is not None and base and positive(abs(file.zero_point)):
        # Where 0 ppm lies, as a fraction of the spectral width from the carrier.
        offset = file.zero_point * width / base
    metadata["carrier_ppm"] = offset if offset is not None and abs(offset) < 1e4 else None
    delay, found = group_delay_of(file)
    metadata["group_delay_points"] = delay
    return fid(source, points, isotope, width, metadata, file.title, [*warnings, *found])


def group_delay_of(file: DeltaFile) -> tuple[float, list[str]]:
    """The delay of the digital filter in complex points, and what is doubtful about it.

    The filter is a chain of symmetric stages: ``orders`` holds the number of stages and the
    coefficients of each, ``factors`` by how much each thins the points out. A stage of n
    coefficients delays by (n - 1) / 2 of its own input points.
    """
    if file.text("digital_filter").upper() != "TRUE":
        return 0.0, []
    try:
        stages, *orders = (int(word) for word in file.text("orders").split())
        factors = [int(word) for word in file.text("factors").split()]
    except ValueError:
        stages, orders, factors = 0, [], []
    usable = 0 < stages == len(orders) == len(factors) and min(*orders, *factors) > 0
    if not usable:
        return 0.0, [
            "The file does not describe its digital filter: the spectrum may need a first-order "
            "phase of many turns."
        ]
    delay = sum((order - 1) / 2 / math.prod(factors[stage:]) for stage, order in enumerate(orders))
    return delay, []


def shifts_of(file: DeltaFile, places: np.ndarray, base: float | None) -> np.ndarray:
    """Shifts in ppm of places in points from the first that counts, along an axis in ppm or Hz.

    ``base`` is the frequency of 0 ppm in MHz. Raises ``FormatError`` for an axis of another kind.
    """
    start, stop = file.start * file.scale, file.stop * file.scale
    if file.unit == HERTZ:
        if not base:
            raise FormatError(file.path, "the frequency of 0 ppm for its axis in Hz", "none")
        start, stop = start / base, stop / base
    elif file.unit != PPM:
        raise FormatError(
            file.path, "an axis in seconds, ppm or Hz", f"Delta's unit number {file.unit}"
        )
    if not (math.isfinite(start) and math.isfinite(stop)) or (start == stop and len(places) > 1):
        raise FormatError(file.path, "the ends of its axis", f"{file.start:g} and {file.stop:g}")
    return start + (stop - start) / max(1, file.last - file.first) * places


def metadata_of(file: DeltaFile) -> dict[str, Any]:
    base = file.base_mhz
    if base is None:
        hertz = file.number("x_freq")
        base = positive(None if hertz is None else hertz * 1e-6, 2500)
    offset = file.number("x_offset")
    seconds = file.number("actual_start_time")
    scans = file.number("total_scans") or file.number("scans")
    known = {
        "solvent": file.text("solvent"),
        "pulse_program": file.text("experiment"),
        "instrument": file.text("inst_model_number"),
        "probe": file.text("probe_attributes"),
        "frequency_mhz": base * (1 + (offset or 0.0) * 1e-6) if base else None,
        "spectrometer_reference_mhz": base,
        "scans": round(scans) if scans and 0 < scans < 1e12 else None,
        "temperature_k": _kelvin(file),
        "date": (_EPOCH + timedelta(seconds=seconds)).isoformat()
        if seconds and 0 < seconds < 1 << 32
        else None,
    }
    return {key: value for key, value in known.items() if value}


def _kelvin(file: DeltaFile) -> float | None:
    found, value = file.parameters.get("temp_get"), file.number("temp_get")
    if found is None or value is None or found.unit not in (_CELSIUS, _KELVIN):
        return None
    kelvin = value + 273.15 if found.unit == _CELSIUS else value
    return round(kelvin, 6) if 50 < kelvin < 1000 else None
