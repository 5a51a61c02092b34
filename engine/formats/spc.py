"""Reads Galactic/Thermo GRAMS files (.spc), old and new, little- and big-endian.

Format: Galactic Industries, "A Brief Guide to SPC File Format and Using GSPCIO" and the header
``SPC.H`` (1997): a main header of 512 bytes (224 in the old format 0x4D), the abscissae where they
are not evenly spaced, and subfiles of a 32-byte header and the ordinates. spc-io reads neither the
old nor the big-endian format and needs pandas, so it is not used.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import spc_labels
from engine.formats.axis_units import Axes, is_profile
from engine.formats.errors import FormatError
from engine.formats.jcamp_records import first_number
from engine.formats.optical_binary import (
    MAX_POINTS,
    MAX_SPECTRA,
    BinaryFile,
    gather,
    iso_date,
    open_binary,
    optical_spectrum,
    raman_shift,
    stated_phase,
    text_of,
)
from engine.formats.reader import Reader
from engine.formats.table_guess import usual_y_unit
from engine.spectra import Source, Spectrum, Technique

_NEW = "BBBbiddiBBBBI9s9sH32s130s30siIBBHf48sfifB187s"
_OLD = "BBhfffBBHBBBB8sHH28s130s30s"
_SUBFILE = "BbHfffiif4s"
_DIRECTORY = "IIf"
_SUBFILE_BYTES, _DIRECTORY_BYTES = 32, 12

# Flags of the first byte, by their names in SPC.H.
_TSPREC, _TMULTI, _TALABS, _TXYXYS, _TXVALS = 0x01, 0x04, 0x20, 0x40, 0x80
_FLOAT = -128  # the exponent that says: ordinates are IEEE floats
_MAX_LOG = 1 << 16


@dataclass(frozen=True)
class _Header:
    """The main header; ``points`` of a file with own axes is the offset of their directory."""

    order: str  # "<" or ">"
    old: bool
    flags: int
    experiment: int
    exponent: int
    points: int
    first: float
    last: float
    subfiles: int
    x_code: int
    y_code: int
    z_code: int
    date: str | None
    resolution: str
    instrument: str
    memo: str
    labels: tuple[str, ...]
    log: dict[str, str]

    @property
    def own_axes(self) -> bool:
        return bool(self.flags & _TXYXYS) and not self.old

    @property
    def shared_axis(self) -> bool:
        return bool(self.flags & _TXVALS) and not self.own_axes and not self.old

    @property
    def multiple(self) -> bool:
        return bool(self.flags & _TMULTI) or self.subfiles > 1


@dataclass(frozen=True)
class _Subfile:
    exponent: int
    points: int
    z: float


def sniff(path: Path, head: bytes) -> float:
    """0.9 for a main header whose point count and axis make sense; the format has no magic."""
    if len(head) < 256 or not any(byte < 9 for byte in head[:32]):
        return 0.0
    version = head[1]
    if version in (0x4B, 0x4C):
        order = "<" if version == 0x4B else ">"
        points, first, last, subfiles = struct.unpack(f"{order}iddi", head[4:28])
        sound = 0 <= points < 1 << 31 and 0 <= subfiles < 1 << 24
    elif version == 0x4D:
        points, first, last = struct.unpack("<fff", head[4:16])
        sound = 1 <= points < 1 << 30 and points == int(points)
    else:
        return 0.0
    ends = all(math.isfinite(end) and (end == 0 or 1e-9 < abs(end) < 1e9) for end in (first, last))
    return 0.9 if sound and ends else 0.0


def read(path: Path) -> list[Spectrum]:
    """The spectrum of each subfile, at most ``MAX_SPECTRA`` of them.

    Abscissae become 1/cm or nm (ppm, m/z), ordinates fractions where they are transmittance.
    Raises ``FormatError`` for a header or data that are not there, and for chromatograms,
    interferograms and other axes that are no spectrum's.
    """
    path = Path(path)
    with open_binary(path) as file:
        header = _header(file)
        if header.y_code == spc_labels.INTERFEROGRAM or header.x_code == 255:
            raise FormatError(
                path, "a spectrum", "an interferogram: transform it where it was made"
            )
        if header.y_code == spc_labels.COMPLEX:
            raise FormatError(path, "real ordinates", "complex ones")
        starts, declared = _starts(file, header)
        shared = _shared_axis(file, header)

        def one(index: int) -> Spectrum:
            return _spectrum(file, header, starts[index], shared, index, len(starts))

        spectra = gather(path, len(starts), one)
    if declared > len(starts):
        most = f"at most {MAX_SPECTRA} are read" if len(starts) == MAX_SPECTRA else "the file ends"
        spectra[0] = spectra[0].with_warnings(
            f"of {declared} subfiles only the first {len(starts)} were read: {most}"
        )
    return spectra


def _header(file: BinaryFile) -> _Header:
    version = file.read(0, 2, "the version of an SPC file")[1]
    if version == 0x4D:
        return _old_header(file)
    if version not in (0x4B, 0x4C):
        raise FormatError(file.path, "an SPC file of version 4B, 4C or 4D", f"{version:02X}")
    order = "<" if version == 0x4B else ">"
    fields = file.unpack(order + _NEW, 0, "the main header of an SPC file")
    flags, _, experiment, exponent, points, first, last, subfiles, x, y, z, _ = fields[:12]
    date, resolution, instrument, _, _, memo, labels, log = fields[12:20]
    day = iso_date(date >> 20, date >> 16 & 15, date >> 11 & 31, date >> 6 & 31, min(date & 63, 59))
    return _Header(
        order, False, flags, experiment, exponent, points, first, last, max(subfiles, 1), x, y, z,
        day, text_of(resolution), text_of(instrument), text_of(memo),
        _labels(labels) if flags & _TALABS else (), _log(file, order, log),
    )  # fmt: skip


def _old_header(file: BinaryFile) -> _Header:
    fields = file.unpack("<" + _OLD, 0, "the main header of an SPC file")
    flags, _, exponent, points, first, last, x, y, year, month, day, hour, minute = fields[:13]
    resolution, _, _, _, memo, labels = fields[13:]
    if not math.isfinite(points) or not 1 <= points < 1 << 31:
        raise FormatError(file.path, "a number of points", f"{points:g}")
    # The four high bits of the year are the unit of z.
    date = iso_date(year & 0xFFF, month, day, hour, minute)
    named = flags & _TALABS or x == spc_labels.NAMED or y == spc_labels.NAMED
    return _Header(
        "<", True, flags, 0, -128 if exponent == 128 else exponent, int(points), first, last, 1,
        x, y, year >> 12, date, text_of(resolution), "", text_of(memo),
        _labels(labels) if named else (), {},
    )  # fmt: skip


def _labels(raw: bytes) -> tuple[str, ...]:
    return tuple(text_of(part) for part in raw.split(b"\0")[:3])


def _log(file: BinaryFile, order: str, offset: int) -> dict[str, str]:
    """The ``key = value`` lines of the log; empty where there is none or it is out of reach."""
    if not 512 <= offset <= file.size - 64:
        return {}
    size, _, text_offset = file.unpack(f"{order}III", offset, "the log's header")
    start = offset + text_offset
    end = min(offset + size, file.size, start + _MAX_LOG)
    if text_offset < 64 or end <= start:
        return {}
    entries: dict[str, str] = {}
    for line in file.read(start, end - start, "the log").split(b"\n"):
        key, equals, value = line.partition(b"=")
        if equals and len(key) < 64:
            entries.setdefault(text_of(key).lower(), text_of(value)[:200])
    return entries


# Where the subfiles are


def _width(header: _Header) -> int:
    # Floats have four bytes, whatever the flag says; it then counts for nothing.
    return 2 if header.flags & _TSPREC and header.exponent != _FLOAT else 4


def _starts(file: BinaryFile, header: _Header) -> tuple[list[int], int]:
    """Where subfiles begin, for as many as the file reaches, and how many there should be."""
    if header.own_axes:
        return _own_starts(file, header), header.subfiles
    begin = 224 if header.old else 512
    if header.shared_axis:
        begin += 4 * max(header.points, 0)
    step = _SUBFILE_BYTES + max(header.points, 1) * _width(header)
    reached = max(1, -(-(file.size - begin - _SUBFILE_BYTES) // step))
    # The old format does not count its subfiles.
    declared = header.subfiles
    if header.old and header.flags & _TMULTI:
        declared = reached
    count = min(declared, reached, MAX_SPECTRA)
    return [begin + index * step for index in range(count)], declared


def _own_starts(file: BinaryFile, header: _Header) -> list[int]:
    """Where subfiles with axes of their own begin: from their directory, or one after the other."""
    count = min(header.subfiles, MAX_SPECTRA)
    place = header.points
    held = min(count, (file.size - place) // _DIRECTORY_BYTES)
    if place >= 512 and held > 0:
        listed = [
            file.unpack(header.order + _DIRECTORY, place + i * _DIRECTORY_BYTES, "the directory")[0]
            for i in range(held)
        ]
        if 512 <= listed[0] < file.size:
            return listed
    starts, at = [512], 512
    while len(starts) < count and at + _SUBFILE_BYTES <= file.size:
        points = _subfile(file, header, at).points
        at += _SUBFILE_BYTES + points * (4 + _width(header))
        if points < 1 or at >= file.size:
            break
        starts.append(at)
    return starts


def _subfile(file: BinaryFile, header: _Header, offset: int) -> _Subfile:
    _, exponent, _, z, _, _, points, *_ = file.unpack(
        header.order + _SUBFILE, offset, "the header of a subfile"
    )
    own = header.multiple or header.own_axes
    if header.exponent == _FLOAT or exponent == _FLOAT:
        exponent = _FLOAT
    elif not own or (exponent == 0 and (header.old or not header.multiple)):
        exponent = header.exponent
    if not header.own_axes:
        points = header.points
    return _Subfile(exponent, points, z if math.isfinite(z) else 0.0)


# Axes and ordinates


def _shared_axis(file: BinaryFile, header: _Header) -> np.ndarray | None:
    """The axis of all subfiles, ``(n,)``; None where each has its own."""
    if header.own_axes:
        return None
    if header.shared_axis:
        values, _ = file.numbers(512, f"{header.order}f4", header.points, "the axis")
        return values.astype(np.float64)
    if not 1 <= header.points <= MAX_POINTS or not math.isfinite(header.last - header.first):
        ends = f"{header.points} points from {header.first:g} to {header.last:g}"
        raise FormatError(file.path, f"1 to {MAX_POINTS} points between two ends", ends)
    return np.linspace(header.first, header.last, header.points)


def _ordinates(
    file: BinaryFile, header: _Header, subfile: _Subfile, offset: int
) -> tuple[np.ndarray, list[str]]:
    """The heights ``(n,)`` of a subfile: floats, or fractions of 2 to the exponent."""
    what = "ordinates"
    if subfile.exponent == _FLOAT:
        values, warnings = file.numbers(offset, f"{header.order}f4", subfile.points, what)
        return values.astype(np.float64), warnings
    if abs(subfile.exponent) > 127:
        raise FormatError(file.path, "an exponent of -127 to 127", f"{subfile.exponent}")
    if _width(header) == 2:
        values, warnings = file.numbers(offset, f"{header.order}i2", subfile.points, what)
        return values * 2.0 ** (subfile.exponent - 16), warnings
    if not header.old:
        values, warnings = file.numbers(offset, f"{header.order}i4", subfile.points, what)
        return values * 2.0 ** (subfile.exponent - 32), warnings
    # The old format has the high 16 bits before the low ones, each with its low byte first.
    values, warnings = file.numbers(offset, "<u4", subfile.points, what)
    swapped = ((values << np.uint32(16)) | (values >> np.uint32(16))).view(np.int32)
    return swapped * 2.0 ** (subfile.exponent - 32), warnings


def _spectrum(
    file: BinaryFile,
    header: _Header,
    start: int,
    shared: np.ndarray | None,
    index: int,
    count: int,
) -> Spectrum:
    subfile = _subfile(file, header, start)
    begin = start + _SUBFILE_BYTES
    warnings: list[str] = []
    if shared is None:
        axis, warnings = file.numbers(begin, f"{header.order}f4", subfile.points, "the axis")
        x = axis.astype(np.float64)
        begin += 4 * subfile.points
    else:
        x = shared
    y, cut = _ordinates(file, header, subfile, begin)
    x = x[: len(y)]
    said = spc_labels.axes_of(
        header.x_code, header.y_code, header.experiment, header.labels,
        " ".join((header.memo, header.instrument, *header.log.values())), x, file.path,
    )  # fmt: skip
    metadata = _metadata(header, said.technique)
    if count > 1:
        metadata |= {"z": subfile.z, "z_unit": spc_labels.Z_UNITS.get(header.z_code)}
    x_unit, more = said.x_unit, [*warnings, *cut, *said.warnings]
    if said.technique == Technique.RAMAN and x_unit != "1/cm":
        try:
            x, found = raman_shift(x, x_unit, metadata.get("laser_wavelength_nm"))
        except ValueError as error:
            raise FormatError(
                file.path, "a Raman shift", f"an axis in {x_unit}; {error}"
            ) from error
        x_unit, more = "1/cm", [*more, *found]
    y_unit = said.y_unit
    if not y_unit:
        axes = Axes(x, y, x_unit, "")
        finite = (np.isfinite(x) & np.isfinite(y)).any()
        y_unit = usual_y_unit(said.technique, axes) if finite else "intensity"
        more += axes.warnings
    title = header.memo or file.path.stem
    return optical_spectrum(
        Source(str(file.path), f"subfile {index + 1}" if count > 1 else ""),
        said.technique, x, y, x_unit, y_unit,
        percent=said.percent,
        kind="sticks" if said.technique.is_mass and not is_profile(x) else "continuous",
        title=f"{title} ({index + 1} of {count})" if count > 1 else title,
        metadata=metadata,
        warnings=more,
    )  # fmt: skip


def _metadata(header: _Header, technique: Technique) -> dict[str, Any]:
    words = " ".join((header.memo, header.log.get("sample state", "")))
    metadata: dict[str, Any] = {
        "instrument": header.instrument or spc_labels.logged(header.log, "instrument"),
        "date": header.date,
        "laser_wavelength_nm": spc_labels.laser_nm(header.log),
        "phase": stated_phase(words) if technique.is_vibrational else None,
        "nucleus": technique.nucleus,
    }
    resolution = first_number(header.resolution)
    if resolution and resolution > 0:
        if technique.is_vibrational:
            metadata["resolution_per_cm"] = resolution
        elif technique == Technique.UV_VIS:
            metadata["resolution_nm"] = resolution
    return metadata


READER = Reader("GRAMS SPC", (".spc",), sniff, read)
