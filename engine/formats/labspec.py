"""Reads Horiba LabSpec text (.txt): a Raman spectrum, or the rows of a series or map.

LabSpec writes its settings as lines ``#Laser=<tab>532nm_Edge``, then either two columns (shift,
intensity) or, for series and maps, a line of shifts behind one or two empty fields and a line for
each spectrum: its place or time, then its intensities.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.jcamp_records import first_number, read_text
from engine.formats.optical_binary import (
    MAX_POINTS,
    MAX_SPECTRA,
    gather,
    iso_date,
    optical_spectrum,
    raman_shift,
    stated_phase,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Technique

_EXPECTED = "LabSpec text: settings as #Name= lines, then columns of numbers"
_MAX_BYTES = 256 << 20
_FIRST = (b"#acq. time (s)", b"#accumulations", b"#axistype[", b"#laser", b"#instrument")
_SETTING = re.compile(r"#([^=\t]{1,60})=\s*(.*)$")
_UNITS = (("1/cm", r"1/cm|cm-1|cm⁻¹|cm\^-1"), ("nm", r"\bnm\b"), ("eV", r"\bev\b"))
_PLACES = {"position_x_um": "x (µm)", "position_y_um": "y (µm)", "position_z_um": "z (µm)"}


@dataclass(frozen=True)
class _Table:
    """The numbers of the file: the axis ``(n,)``, and place (or time) and heights of each row."""

    x: np.ndarray
    places: list[list[float]]
    rows: list[np.ndarray | str]  # text: what a row holds instead of a height for each shift
    declared: int
    warnings: tuple[str, ...] = ()


def sniff(path: Path, head: bytes) -> float:
    """0.95 for settings that only LabSpec writes, one a line, at the beginning."""
    lines = head.removeprefix(b"\xef\xbb\xbf").lower().split(b"\n")[:8]
    known = sum(line.startswith(_FIRST) and b"=" in line for line in lines)
    return 0.95 if lines[0].startswith(b"#") and known >= 2 else 0.0


def read(path: Path) -> list[Spectrum]:
    """The spectrum, or those of a series or map, at most ``MAX_SPECTRA``, with settings.

    Wavelengths and energies become Raman shift in 1/cm from the laser that the settings name.
    Raises ``FormatError`` where there are no columns of numbers or the unit has no laser.
    """
    path = Path(path)
    lines = read_text(path, _EXPECTED, _MAX_BYTES).split("\n")
    settings, start = _settings(lines)
    table = _table(lines[start:], path)
    x, warnings = _shift(table.x, settings, path)
    metadata = _metadata(settings)
    title = settings.get("title") or settings.get("sample") or path.stem
    count = len(table.rows)

    def one(index: int) -> Spectrum:
        y, place = table.rows[index], table.places[index]
        if isinstance(y, str):
            raise FormatError(path, f"{len(x)} heights of spectrum {index + 1}", y)
        several = table.declared > 1
        return optical_spectrum(
            Source(str(path), f"spectrum {index + 1}" if several else ""),
            Technique.RAMAN, x, y, "1/cm", "intensity",
            title=f"{title} ({index + 1} of {table.declared})" if several else title,
            metadata=_placed(metadata, place),
            warnings=(*table.warnings, *warnings),
        )  # fmt: skip

    spectra = gather(path, count, one)
    if table.declared > count:
        spectra[0] = spectra[0].with_warnings(
            f"the file holds {table.declared} spectra; the first {count} were read"
        )
    return spectra


def _settings(lines: list[str]) -> tuple[dict[str, str], int]:
    """The settings by their names in small letters, and the line after them."""
    settings: dict[str, str] = {}
    for number, line in enumerate(lines):
        if not line.startswith("#") and line.strip():
            return settings, number
        found = _SETTING.match(line.strip())
        if found:
            settings.setdefault(found.group(1).strip().lower(), found.group(2).strip()[:200])
    return settings, len(lines)


def _table(lines: list[str], path: Path) -> _Table:
    lines = [line.rstrip("\r") for line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        raise FormatError(path, _EXPECTED, "no line of numbers")
    first = lines[0].split("\t")
    empty = next((i for i, text in enumerate(first) if text.strip()), 0)
    if empty == 0:
        return _columns(lines, path)
    x = _numbers(first[empty:])
    if x is None or not 2 <= len(x) <= MAX_POINTS:
        raise FormatError(path, "a line of shifts behind empty fields", lines[0].strip()[:40])
    places: list[list[float]] = []
    rows: list[np.ndarray | str] = []
    for line in lines[1 : 1 + MAX_SPECTRA]:
        fields = line.split("\t")
        heights = _numbers(fields[empty:])
        place = _numbers(fields[:empty])
        usable = place is not None and np.isfinite(place).all()
        places.append(place.tolist() if usable else [])
        if heights is None or len(heights) != len(x):
            rows.append("text" if heights is None else f"{len(heights)}")
        else:
            rows.append(heights)
    if not rows:
        raise FormatError(path, "spectra below the line of shifts", "none")
    return _Table(x, places, rows, len(lines) - 1)


def _columns(lines: list[str], path: Path) -> _Table:
    pairs = [_numbers(_fields(line)[:2]) for line in lines]
    good = [pair for pair in pairs if pair is not None and len(pair) == 2]
    if not good:
        raise FormatError(path, _EXPECTED, f"a line “{lines[0].strip()[:40]}”")
    skipped = len(lines) - len(good)
    warnings = (f"lines without two numbers, left out: {skipped}",) if skipped else ()
    values = np.array(good)
    return _Table(values[:, 0], [[]], [values[:, 1]], 1, warnings)


def _fields(line: str) -> list[str]:
    fields = re.split(r"[\t; ]+", line.strip())
    return fields if len(fields) > 1 else line.strip().split(",")


def _numbers(fields: list[str]) -> np.ndarray | None:
    """The fields as numbers, decimal commas included; None when one is none."""
    while fields and not fields[-1].strip():
        fields = fields[:-1]
    try:
        return np.array([float(text.replace(",", ".")) for text in fields])
    except ValueError:
        return None


def _shift(
    x: np.ndarray, settings: dict[str, str], path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The axis as Raman shift; its unit is a setting, or stands beside the range."""
    named = settings.get("axisunit[1]", "") or " ".join(k for k in settings if "range" in k)
    unit = next((u for u, pattern in _UNITS if re.search(pattern, named.lower())), "1/cm")
    if unit == "1/cm":
        return x, ()
    try:
        shift, warnings = raman_shift(x, unit, _laser_nm(settings))
    except ValueError as error:
        raise FormatError(path, "an axis of Raman shift", f"one in {unit}; {error}") from error
    return shift, tuple(warnings)


def _laser_nm(settings: dict[str, str]) -> float | None:
    for key in ("laser", "laser (nm)"):
        value = first_number(settings.get(key, ""))
        if value and 200 <= value <= 2000:
            return value
    return None


def _placed(metadata: dict[str, Any], place: list[float]) -> dict[str, Any]:
    """With the numbers before a row's heights: the stage moved from where the settings say."""
    if not place:
        return metadata
    kept = {key: value for key, value in metadata.items() if key not in _PLACES}
    return kept | {"place": tuple(place)}


def _metadata(settings: dict[str, str]) -> dict[str, Any]:
    words = f"{settings.get('sample', '')} {settings.get('remark', '')}"
    metadata: dict[str, Any] = {
        "laser_wavelength_nm": _laser_nm(settings),
        "exposure_s": _positive(settings.get("acq. time (s)")),
        "instrument": settings.get("instrument"),
        "detector": settings.get("detector"),
        "grating": settings.get("grating"),
        "objective": settings.get("objective"),
        "sample": settings.get("sample"),
        "comment": settings.get("remark"),
        "date": _date(settings.get("acquired") or settings.get("date") or ""),
        "phase": stated_phase(words),
    }
    scans = _positive(settings.get("accumulations"))
    metadata["accumulations"] = int(scans) if scans and scans < 1e6 else None
    for key, name in _PLACES.items():
        metadata[key] = first_number(settings.get(name, ""))
    return metadata


def _positive(text: str | None) -> float | None:
    value = first_number(text or "")
    return value if value is not None and value > 0 else None


def _date(text: str) -> str | None:
    """``10.12.2019 10:16:02`` (day first) or ``2019/12/10 10:16`` as ISO 8601."""
    found = re.match(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?",
                     text)  # fmt: skip
    if not found:
        return None
    first, month, last = (int(found[i]) for i in (1, 2, 3))
    year, day = (first, last) if first > 31 else (last, first)
    return iso_date(year, month, day, *(int(found[i] or 0) for i in (4, 5, 6)))


READER = Reader("LabSpec text", (), sniff, read)
