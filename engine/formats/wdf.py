"""Reads Renishaw WiRE files (.wdf): single Raman spectra, series and maps.

Renishaw's own reader (renishaw_wdf, module ``wdf``) gives the meaning of header, axis and origins.
It trusts every length in a file: a section of length 0 holds it up for ever, and packed properties
may unpack to anything. So the sections are walked here first, it is asked only for those that lie
whole in the file, and only for small properties.
"""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.optical_binary import (
    MAX_SPECTRA,
    BinaryFile,
    gather,
    open_binary,
    optical_spectrum,
    raman_shift,
    stated_phase,
    text_of,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Technique

if TYPE_CHECKING:
    from wdf import Wdf

_HEADER_BYTES, _SECTION_BYTES = 512, 16
_MOST_SECTIONS = 20_000
_MOST_POINTS = 1 << 18  # of one spectrum; a camera has some thousand columns
_MOST_PROPERTIES = 1 << 16
_MOST_COMMENT = 1 << 12

_UNITS = {"RamanShift": "1/cm", "Wavenumber": "absolute 1/cm", "Nanometre": "nm",
          "Micron": "um", "ElectronVolt": "eV"}  # fmt: skip
_PLACES = {"Spatial_X": "position_x_um", "Spatial_Y": "position_y_um", "Spatial_Z": "position_z_um"}
_SATURATED = 1


@dataclass(frozen=True)
class _Section:
    name: str
    offset: int  # of its header
    size: int  # header included


@dataclass(frozen=True)
class _Measurement:
    """What all spectra of a file share."""

    points: int
    count: int
    axis: np.ndarray
    unit: str
    title: str
    metadata: dict[str, Any]
    origins: dict[str, tuple[Any, ...]]  # values of each origin, by its type; first its unit
    warnings: tuple[str, ...]


def sniff(path: Path, head: bytes) -> float:
    """Certain for the name and size of the header that every WDF file begins with."""
    if len(head) < _SECTION_BYTES or not head.startswith(b"WDF1"):
        return 0.0
    return 1.0 if struct.unpack("<Q", head[8:16])[0] == _HEADER_BYTES else 0.6


def read(path: Path) -> list[Spectrum]:
    """Every spectrum of the file, at most ``MAX_SPECTRA`` of a map or series, each with its place.

    Wavelengths and absolute wavenumbers become Raman shift in 1/cm from the header's laser.
    Raises ``FormatError`` where header, axis or data are missing or out of reach, and for images.
    """
    path = Path(path)
    with open_binary(path) as file:
        sections = _sections(file)
        data = sections.get("DATA")
        if data is None:
            raise FormatError(path, "spectra (a DATA section)", "none")
        shared = _measurement(file, sections)

        def one(index: int) -> Spectrum:
            return _spectrum(file, data, shared, index)

        return gather(path, shared.count, one)


def _sections(file: BinaryFile) -> dict[str, _Section]:
    """The first section of each name, up to one that is broken."""
    name, size = file.unpack("<4s4xQ", 0, "the header of a WDF file")
    if name != b"WDF1" or size != _HEADER_BYTES:
        found = f"{text_of(name)} with a header of {size} bytes"
        raise FormatError(file.path, f"WDF1 with a header of {_HEADER_BYTES} bytes", found)
    sections: dict[str, _Section] = {}
    at = 0
    for _ in range(_MOST_SECTIONS):
        if at + _SECTION_BYTES > file.size:
            break
        name, size = file.unpack("<4s4xQ", at, "a section")
        if size < _SECTION_BYTES:
            break
        sections.setdefault(text_of(name).strip(), _Section(text_of(name), at, size))
        at += size
    return sections


def _measurement(file: BinaryFile, sections: dict[str, _Section]) -> _Measurement:
    from wdf import Wdf, WdfFlags

    reader = Wdf()
    file.read(0, _HEADER_BYTES, "the header of a WDF file")
    file.file.seek(0)
    reader.open_fd(file.file)
    header = reader.hdr
    points = header.npoints
    if not 1 <= points <= _MOST_POINTS:
        raise FormatError(file.path, f"1 to {_MOST_POINTS} points of a spectrum", f"{points}")
    axis = sections.get("XLST")
    if axis is None or axis.size < _SECTION_BYTES + 8 + 4 * header.xlistcount:
        found = "none" if axis is None else f"{axis.size} bytes for {header.xlistcount} points"
        raise FormatError(file.path, "an axis (XLST section) of the length declared", found)
    file.read(axis.offset, _SECTION_BYTES + 8 + 4 * header.xlistcount, "the axis")
    if header.xlistcount != points:
        found = f"{header.xlistcount} x values for {points} points"
        raise FormatError(file.path, "spectra, not images: one x for each point", found)
    flags = header.flags_ & (WdfFlags.XYXY | WdfFlags.Multitrack)
    if flags:
        raise FormatError(file.path, "one axis for all spectra", "an axis for each track")
    try:
        xlist = reader.xlist()
    except (ValueError, struct.error) as error:
        raise FormatError(file.path, "an axis with a known unit", str(error)) from error
    unit = _UNITS.get(xlist.units.name)
    if unit is None:
        raise FormatError(file.path, "an axis of Raman shift or wavelength", xlist.units.name)
    x = np.array(xlist, dtype=np.float64)
    laser = header.laser_wavenumber
    laser_nm = 1e7 / laser if math.isfinite(laser) and 1000 < laser < 1e5 else None
    warnings: list[str] = []
    if xlist.units.name != "RamanShift":
        unit = unit.removeprefix("absolute ")
        try:
            x, warnings = raman_shift(x, unit, laser_nm)
        except ValueError as error:
            raise FormatError(file.path, "a Raman shift", f"an axis in {unit}; {error}") from error
    count = header.ncollected
    if 0 < count < header.nspectra:
        warnings.append(f"{header.nspectra} spectra were planned; {count} were collected")
    count = min(count or header.nspectra, header.nspectra)
    return _Measurement(
        points, count, x, "1/cm", text_of(header.title_) or file.path.stem,
        _metadata(file, sections, reader, laser_nm), _origins(sections, reader, file, count),
        tuple(warnings),
    )  # fmt: skip


def _asked(question: Callable[[], Any]) -> Any:
    """The answer of Renishaw's reader; None where the file leaves it without one."""
    try:
        return question()
    except Exception:  # a dozen kinds, its own PsetParseError and zlib.error among them
        return None


def _metadata(
    file: BinaryFile, sections: dict[str, _Section], reader: Wdf, laser_nm: float | None
) -> dict[str, Any]:
    header = reader.hdr
    start = _asked(lambda: header.time_start)
    comment = sections.get("TEXT")
    text = ""
    if comment is not None:
        length = min(comment.size - _SECTION_BYTES, _MOST_COMMENT)
        at = comment.offset + _SECTION_BYTES
        text = text_of(file.read(at, max(0, min(length, file.size - at)), "the comment"))
    state = _properties(file, sections.get("WXIS"))
    plan = _properties(file, sections.get("WXDM"))
    exposure = _number(plan, "Exposure Time")
    serial = _first(state, "Instrument")
    return {
        "laser_wavelength_nm": laser_nm,
        "laser": _first(state, "Laser"),
        "laser_power_percent": _number(state, "ND Transmission %"),
        "grating": _first(state, "Grating"),
        "objective": _first(state, "Objective name"),
        "exposure_s": exposure / 1000 if exposure else None,
        "accumulations": header.naccum if 0 < header.naccum < 1 << 20 else None,
        "instrument": f"Renishaw {serial}" if serial else "Renishaw",
        "software": f"{text_of(header.appname_)} {header.appversion}".strip(),
        "date": start.isoformat() if start is not None and start.year > 1970 else None,
        "comment": text,
        "phase": stated_phase(f"{text_of(header.title_)} {text}"),
    }


def _properties(file: BinaryFile, section: _Section | None) -> dict[str, Any]:
    """The property set at the beginning of a section, its nested sets spread out; {} if none.

    Sets beyond ``_MOST_PROPERTIES`` bytes are passed over: what is packed in them may unpack to a
    thousand times its size.
    """
    from wdf import Pset

    if section is None or not _SECTION_BYTES < section.size <= _MOST_PROPERTIES:
        return {}
    try:
        raw = file.read(
            section.offset + _SECTION_BYTES, section.size - _SECTION_BYTES, "properties"
        )
    except FormatError:
        return {}
    properties = _asked(lambda: Pset.fromstream(io.BytesIO(raw)))
    return dict(_asked(lambda: list(_spread(properties, 0))) or []) if properties else {}


def _spread(properties: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Name and value of each property; those of outer sets come last and so win."""
    own = []
    for name, item in properties:
        value = item.value
        if hasattr(value, "items") and hasattr(value, "names"):
            if depth < 6:
                yield from _spread(value, depth + 1)
        else:
            own.append((str(name), value))
    yield from own


def _first(properties: dict[str, Any], name: str) -> str | None:
    value = properties.get(name)
    return " ".join(value.split())[:80] if isinstance(value, str) else None


def _number(properties: dict[str, Any], name: str) -> float | None:
    value = properties.get(name)
    found = re.match(r"\s*\d+(?:\.\d+)?", str(value)) if value is not None else None
    return float(found.group()) if found and float(found.group()) > 0 else None


def _origins(
    sections: dict[str, _Section], reader: Wdf, file: BinaryFile, count: int
) -> dict[str, tuple[Any, ...]]:
    """Unit and values, one for each spectrum, of the origins that are understood."""
    section = sections.get("ORGN")
    needed = _SECTION_BYTES + 4 + reader.hdr.origincount * (24 + 8 * reader.hdr.nspectra)
    if section is None or section.size < needed or section.offset + section.size > file.size:
        return {}
    shown = min(count, MAX_SPECTRA)
    found = _asked(lambda: reader.origins) or {}
    origins: dict[str, tuple[Any, ...]] = {}
    for kind, origin in found.items():
        if kind.name in (*_PLACES, "Temperature", "Flags"):
            values = _asked(lambda origin=origin: origin[0:shown])
            if values is not None and len(values) == shown:
                origins[kind.name] = (origin.dataunit.name, *values)
    return origins


def _spectrum(file: BinaryFile, data: _Section, shared: _Measurement, index: int) -> Spectrum:
    offset = _SECTION_BYTES + 4 * shared.points * index
    if offset + 4 * shared.points > data.size:
        found = f"a DATA section of {data.size} bytes"
        raise FormatError(file.path, f"spectrum {index + 1} of {shared.points} points", found)
    y, cut = file.numbers(data.offset + offset, "<f4", shared.points, "y")
    metadata, warnings = dict(shared.metadata), [*shared.warnings, *cut]
    for kind, (unit, *values) in shared.origins.items():
        value = values[index]
        if kind == "Flags":
            if value & _SATURATED:
                warnings.append("the detector was saturated at some points")
        elif kind == "Temperature":
            kelvin = {"Kelvin": 0.0, "Celcius": 273.15}.get(unit)  # the package's spelling
            if kelvin is not None and math.isfinite(value):
                metadata["temperature_k"] = value + kelvin
        elif unit == "Micron" and math.isfinite(value):
            metadata[_PLACES[kind]] = value
    several = shared.count > 1
    return optical_spectrum(
        Source(str(file.path), f"spectrum {index + 1}" if several else ""),
        Technique.RAMAN, shared.axis, y, shared.unit, "intensity",
        title=f"{shared.title} ({index + 1} of {shared.count})" if several else shared.title,
        metadata=metadata,
        warnings=warnings,
    )  # fmt: skip


READER = Reader("Renishaw WDF", (".wdf",), sniff, read)
