"""Reads Mascot generic format (.mgf), as instruments, GNPS and SIRIUS write it.

Format: Matrix Science, "Mascot generic format" (data file format help page). The reader of
pyteomics gives up a whole file at the first broken block and passes NaN on: blocks are read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.formats.mass_record import (
    Record,
    adduct,
    check_length,
    collision_energy,
    ionization,
    mass_spectrum,
    ms_level,
    numbers,
    polarity,
    positive_number,
    read_lines,
    read_records,
    said,
    technique_of,
    trailing_adduct,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum

_COMMENTS = ("#", ";", "!", "/")
# Marks a block without its END IONS; no line of a file holds a zero byte.
_CUT = "\0"
_PARAMETER = re.compile(r"\s*([A-Za-z][\w .\[\]/-]*?)\s*=(.*)")
_COPIED = {
    "smiles": ("SMILES",),
    "inchi": ("INCHI",),
    "inchikey": ("INCHIKEY", "INCHI_KEY"),
    "formula": ("FORMULA", "MOLECULAR_FORMULA"),
    "instrument": ("SOURCE_INSTRUMENT", "INSTRUMENT", "INSTRUMENT_TYPE"),
    "licence": ("LICENSE", "LICENCE"),
    "identifier": ("SPECTRUMID", "SPECTRUM_ID", "FEATURE_ID"),
    "scan": ("SCANS",),
}


def sniff(path: Path, head: bytes) -> float:
    """Certain when a BEGIN IONS line is in the head; likely after Mascot's search parameters."""
    text = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf")
    lines = [line.strip().upper() for line in text.removeprefix(b"\xff\xfe").splitlines()]
    if b"BEGIN IONS" in lines:
        return 1.0
    if path.suffix.lower() == ".mgf":
        told = [line for line in lines if line and line[:1] not in b"#;!/"]
        return 0.6 if told and all(re.match(rb"\w+=", line) for line in told) else 0.0
    return 0.0


def read(path: Path) -> list[Spectrum]:
    """Every block of the file, one spectrum each; raises ``FormatError`` when none is good."""
    return read_records(path, _blocks(path), _spectrum, "peaks between BEGIN IONS and END IONS")


def _blocks(path: Path) -> Iterator[Record]:
    # Parameters before the first block hold for every block that does not say otherwise.
    header: list[str] = []
    block: list[str] | None = None
    count = 0
    for line in read_lines(path):
        mark = line.strip().upper()
        if mark == "BEGIN IONS":
            if block is not None:
                yield str(count), [*block, _CUT]
            count += 1
            block = list(header)
        elif mark == "END IONS":
            if block is not None:
                yield str(count), block
            block = None
        elif block is not None:
            block.append(line)
            check_length(path, block)
        elif _PARAMETER.match(line):
            header.append(line)
            check_length(path, header)
    if block is not None:
        yield str(count), [*block, _CUT]


def _spectrum(path: Path, block: str, lines: list[str]) -> Spectrum:
    parameters: dict[str, str] = {}
    mz: list[float] = []
    intensity: list[float] = []
    unread = 0
    cut = lines[-1:] == [_CUT]
    for line in lines[:-1] if cut else lines:
        stripped = line.strip()
        if not stripped or stripped.startswith(_COMMENTS):
            continue
        found = _PARAMETER.match(stripped)
        if found:
            parameters[found.group(1).upper().replace(" ", "_")] = found.group(2).strip()
            continue
        words = stripped.replace(",", " ").split()
        try:
            # Mascot lets the intensity be left out; such a peak counts as 1.
            x, y = float(words[0]), float(words[1]) if len(words) > 1 else 1.0
        except ValueError:
            unread += 1
            continue
        mz.append(x)
        intensity.append(y)
    warnings = [f"lines that are no peaks, left out: {unread}"] if unread else []
    if cut:
        warnings.append("END IONS is missing: the block may have been cut")
    metadata = _metadata(parameters)
    title = parameters.get("TITLE") or metadata.get("name") or f"spectrum {block}"
    technique = technique_of(
        metadata.get("ms_level"), metadata.get("precursor_mz"), metadata.get("ionization")
    )
    silent = metadata.get("ms_level") is None and metadata.get("precursor_mz") is None
    if silent and metadata.get("ionization") != "EI":
        # The format is made for MS/MS; full scans say MSLEVEL=1.
        technique = "MS/MS"
        warnings.append("the block names no PEPMASS: taken for MS/MS, as MGF files are")
    return mass_spectrum(
        mz, intensity, technique=technique, title=title, source=Source(str(path), block),
        metadata=metadata, warnings=warnings,
    )  # fmt: skip


def _metadata(parameters: dict[str, str]) -> dict[str, Any]:
    def first(*keys: str) -> str | None:
        return next((text for key in keys if (text := said(parameters.get(key)))), None)

    charge = _charge(parameters.get("CHARGE"))
    sign = polarity(first("IONMODE", "ION_MODE", "POLARITY"))
    if sign is None and charge:
        sign = "positive" if charge > 0 else "negative"
    if charge and sign == "negative":
        charge = -abs(charge)  # GNPS writes CHARGE=1 for anions too
    name, ion = first("NAME", "COMPOUND_NAME", "COMPOUND"), first("ADDUCT", "PRECURSORTYPE", "ION")
    if name:
        name, trailing = trailing_adduct(name)
        ion = ion or trailing
    metadata: dict[str, Any] = {key: first(*spellings) for key, spellings in _COPIED.items()}
    metadata.update(
        name=name,
        adduct=adduct(ion, sign),
        polarity=sign,
        charge=charge,
        ms_level=ms_level(first("MSLEVEL", "MS_LEVEL")),
        precursor_mz=positive_number(first("PEPMASS", "PRECURSOR_MZ", "PRECURSORMZ")),
        ionization=ionization(
            parameters.get("ION_SOURCE"), parameters.get("IONIZATION"),
            parameters.get("SOURCE_INSTRUMENT"), parameters.get("INSTRUMENT_TYPE"),
        ),
        retention_time_s=_seconds(first("RTINSECONDS")),
        **collision_energy(first("COLLISION_ENERGY", "COLLISIONENERGY")),
    )  # fmt: skip
    return metadata


def _charge(text: str | None) -> int | None:
    found = re.match(r"\s*([+-]?)(\d+)([+-]?)", text or "")
    if not found or int(found.group(2)[:3]) == 0:
        return None
    return int(found.group(2)[:3]) * (-1 if "-" in (found.group(1), found.group(3)) else 1)


def _seconds(text: str | None) -> float | None:
    # RTINSECONDS may be a range, 604.5-605.1: its start counts.
    values = numbers((text or "").split("-")[0])
    return values[0] if values and values[0] >= 0 else None


READER = Reader("MGF", (".mgf",), sniff, read)
