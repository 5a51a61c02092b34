"""Reads Thermo (Nicolet) OMNIC spectra (.spa) and groups of them (.spg).

The layout is not published by Thermo; it is as users have found it: a title at byte 30, from byte
304 a table of 16-byte entries (key, offset and length of a section), and sections of numbers and
text. Checked against spectrochempy-omnic 0.2.1, which is not used: it needs a network library and
trusts every length in a file. Series (.srs) are laid out otherwise.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import Axes
from engine.formats.errors import FormatError
from engine.formats.jcamp_records import first_number
from engine.formats.optical_binary import (
    BinaryFile,
    gather,
    open_binary,
    optical_spectrum,
    raman_shift,
    stated_phase,
    text_of,
)
from engine.formats.reader import Reader
from engine.formats.table_guess import usual_y_unit
from engine.spectra import Source, Spectrum, Technique

_MAGIC = b"Spectral Data File"
_TITLE, _COUNT, _DATE, _TABLE, _ENTRY = 30, 294, 296, 304, 16
_TITLE_BYTES = 256
_HEADER, _ORDINATES, _COMMENT, _HISTORY, _NAME = 0x02, 0x03, 0x04, 0x1B, 0x6B
_MOST_ENTRIES = 20_000
_MOST_TEXT = 1 << 16

_X_UNITS = {1: "1/cm", 3: "nm", 4: "um", 32: "1/cm"}
_DATA_POINTS, _RAMAN_SHIFT = 2, 32
# Code of the ordinates: unit, and whether in percent.
_Y_UNITS = {
    11: ("reflectance", True), 12: ("log(1/R)", False), 15: ("single beam", False),
    16: ("transmittance", True), 17: ("absorbance", False), 20: ("kubelka-munk", False),
    21: ("reflectance", False), 26: ("photoacoustic", False), 31: ("intensity", False),
}  # fmt: skip
_VOLTS, _RAMAN_INTENSITY = 22, 31

# What the history of the measurement tells, line by line.
_SAID = {
    "instrument": r"(?:instrument|spectrometer|bench)(?: name| model)?",
    "detector": r"detector",
    "beam_splitter": r"beam ?splitter",
    "light_source": r"source",
    "accessory": r"accessory|sampling accessory|smart accessory id",
    "apodization": r"apodization",
}


@dataclass(frozen=True)
class _Entry:
    key: int
    offset: int
    length: int


@dataclass(frozen=True)
class _Record:
    """One spectrum of the file: its header, ordinates, and where its name is (0: at the start)."""

    header: _Entry
    ordinates: _Entry
    name: int


def sniff(path: Path, head: bytes) -> float:
    """Certain for the words that every OMNIC spectrum begins with."""
    return 1.0 if head.startswith(_MAGIC) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The spectrum of an .spa file, or all of an .spg file.

    Micrometres become 1/cm, percent of transmittance or reflectance fractions. Raises
    ``FormatError`` where sections are missing or out of reach, and for interferograms.
    """
    path = Path(path)
    with open_binary(path) as file:
        if file.read(0, len(_MAGIC), "the words 'Spectral Data File'") != _MAGIC:
            raise FormatError(path, "an OMNIC file ('Spectral Data File')", "other first bytes")
        entries = _entries(file)
        records = _records(file, entries)
        comments, history = (_notes(file, entries, key) for key in (_COMMENT, _HISTORY))

        def one(index: int) -> Spectrum:
            return _spectrum(file, records[index], comments, history, index, len(records))

        return gather(path, len(records), one)


def _entries(file: BinaryFile) -> list[_Entry]:
    (count,) = file.unpack("<H", _COUNT, "the length of the table of sections")
    held = (file.size - _TABLE) // _ENTRY
    entries = []
    for index in range(min(count or _MOST_ENTRIES, held, _MOST_ENTRIES)):
        at = _TABLE + index * _ENTRY
        key, _, offset, length = file.unpack("<BBII", at, "the table of sections")
        if key == 0 and offset == 0:
            break
        entries.append(_Entry(key, offset, length))
    return entries


def _records(file: BinaryFile, entries: list[_Entry]) -> list[_Record]:
    headers = [e for e in entries if e.key == _HEADER]
    ordinates = [e for e in entries if e.key == _ORDINATES]
    names = [e.offset for e in entries if e.key == _NAME]
    if not headers or not ordinates:
        missing = "header" if not headers else "ordinates"
        raise FormatError(file.path, "the sections of a spectrum (keys 2 and 3)", f"no {missing}")
    count = min(len(headers), len(ordinates))
    if len(names) != count or count == 1:
        names = [0] * count
    return [_Record(headers[i], ordinates[i], names[i]) for i in range(count)]


def _notes(file: BinaryFile, entries: list[_Entry], key: int) -> str:
    """The lines of the comments or the history; what cannot be read of them is left out."""
    parts = []
    for entry in entries:
        if entry.key == key and len(parts) < 1000:
            length = min(entry.length, _MOST_TEXT, file.size - entry.offset)
            if length > 0:
                raw = file.read(entry.offset, length, "text").replace(b"\0", b"\n")
                parts += [text_of(line) for line in re.split(rb"[\r\n]+", raw)]
    return "\n".join(part for part in parts if part)


def _spectrum(
    file: BinaryFile, record: _Record, comments: str, history: str, index: int, count: int
) -> Spectrum:
    at = record.header.offset
    fields = file.unpack("<4xIB3xB3xff12xI12xI", at, "the header of a spectrum")
    points, x_code, y_code, first, last, scans, background_scans = fields
    if x_code == _DATA_POINTS or y_code == _VOLTS:
        raise FormatError(file.path, "a spectrum", "an interferogram: transform it in OMNIC")
    unit = _X_UNITS.get(x_code)
    if unit is None:
        raise FormatError(file.path, "an axis in 1/cm, nm or um", f"an axis of kind {x_code}")
    if not math.isfinite(last - first):
        raise FormatError(file.path, "the ends of the axis", f"{first:g} and {last:g}")
    if 4 * points > record.ordinates.length:
        found = f"{points} points in a section of {record.ordinates.length} bytes"
        raise FormatError(file.path, "ordinates that fit their section", found)
    y, warnings = file.numbers(record.ordinates.offset, "<f4", points, "y")
    x = np.linspace(first, last, points)[: len(y)]
    raman = x_code == _RAMAN_SHIFT or y_code == _RAMAN_INTENSITY
    technique = Technique.RAMAN if raman else Technique.IR
    if unit == "nm" and min(first, last) <= 750:
        technique = Technique.UV_VIS
    metadata = _metadata(f"{comments}\n{history}", technique)
    if raman and unit != "1/cm":
        try:
            x, found = raman_shift(x, unit, metadata.get("laser_wavelength_nm"))
        except ValueError as error:
            raise FormatError(file.path, "a Raman shift", f"an axis in {unit}; {error}") from error
        unit, warnings = "1/cm", [*warnings, *found]
    y_unit, percent = _Y_UNITS.get(y_code, ("", False))
    if y_unit == "single beam":
        y_unit = "intensity"
        warnings.append("a single-beam spectrum: it was not divided by its background")
    if not y_unit:
        axes = Axes(x, y.astype(np.float64), unit, "")
        known = bool(np.isfinite(y).any())
        y_unit = usual_y_unit(technique, axes) if known else "intensity"
        warnings += [f"ordinates of an unknown kind ({y_code})", *axes.warnings]
    metadata |= {
        "scans": scans if 0 < scans < 1 << 24 else None,
        "background_scans": background_scans if 0 < background_scans < 1 << 24 else None,
    }
    title, metadata["date"] = _title_and_date(file, record)
    metadata["phase"] = stated_phase(f"{title} {comments}") if not raman else None
    return optical_spectrum(
        Source(str(file.path), f"spectrum {index + 1}" if count > 1 else ""),
        technique, x, y, unit, y_unit,
        percent=percent,
        title=title or file.path.stem,
        metadata=metadata,
        warnings=warnings,
    )  # fmt: skip


def _title_and_date(file: BinaryFile, record: _Record) -> tuple[str, str | None]:
    """The title, and the time of measurement: seconds since 1899-12-31 00:00 UTC."""
    place = (record.name, record.name + _TITLE_BYTES) if record.name else (_TITLE, _DATE)
    try:
        title = text_of(file.read(place[0], _TITLE_BYTES, "the title"))
        (seconds,) = file.unpack("<I", place[1], "the date")
    except FormatError:
        return "", None
    moment = datetime(1899, 12, 31) + timedelta(seconds=seconds)
    return title, f"{moment.isoformat()}+00:00" if moment.year > 1970 else None


def _metadata(notes: str, technique: Technique) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    for key, label in _SAID.items():
        found = re.search(rf"(?im)^\s*(?:{label})\s*:\s*(\S.{{0,80}})$", notes)
        metadata[key] = found.group(1).strip() if found else None
    found = re.search(r"(?im)^\s*resolution\s*:\s*([\d.,]+)", notes)
    if found:
        metadata["resolution_per_cm"] = first_number(found.group(1).rstrip(".,"))
    found = re.search(r"(?im)^\s*raman laser frequency\s*:\s*([\d.]+)", notes)
    if found and technique == Technique.RAMAN:
        wavenumber = first_number(found.group(1))
        if wavenumber and 5000 < wavenumber < 50_000:
            metadata["laser_wavelength_nm"] = 1e7 / wavenumber
    return metadata


READER = Reader("Thermo OMNIC", (".spa", ".spg"), sniff, read)
