"""Reads MassBank records (.txt): one, or several ended by ``//``.

Format: MassBank consortium, "MassBank record format" 2.6. The column ``int.`` is read, not the
rounded ``rel.int.``.
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
    polarity,
    positive_number,
    read_lines,
    read_records,
    said,
    technique_of,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum

_FIELD = re.compile(r"([A-Z]+\$?[A-Z_/]*):(?:\s+(.*)|$)")
_SECTIONS = ("AC$MASS_SPECTROMETRY", "AC$CHROMATOGRAPHY", "MS$FOCUSED_ION", "CH$LINK")


def sniff(path: Path, head: bytes) -> float:
    """Certain when an ACCESSION line opens the file and another field of the format follows."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not re.match(rb"\s*ACCESSION:\s", text):
        return 0.0
    return 1.0 if re.search(rb"^(RECORD_TITLE:|CH\$|AC\$|PK\$)", text, re.MULTILINE) else 0.7


def read(path: Path) -> list[Spectrum]:
    """Every record, one spectrum each; raises ``FormatError`` when none is good."""
    return read_records(path, _records(path), _spectrum, "a MassBank record with PK$PEAK lines")


def _records(path: Path) -> Iterator[Record]:
    record: list[str] = []
    for line in read_lines(path):
        ends = line.strip() == "//"
        if record and (ends or line.startswith("ACCESSION:")):
            yield _accession(record), record
            record = []
        if line.strip() and not ends:
            record.append(line)
            check_length(path, record)
    if record:
        yield _accession(record), record


def _accession(record: list[str]) -> str:
    name = record[0].partition(":")[2] if record[0].startswith("ACCESSION:") else record[0]
    return name.strip()[:80]


def _spectrum(path: Path, block: str, lines: list[str]) -> Spectrum:
    fields: dict[str, str] = {}
    mz: list[float] = []
    intensity: list[float] = []
    unread = 0
    in_peaks = False
    for line in lines:
        found = _FIELD.match(line)
        if found:
            key, text = found.group(1), (found.group(2) or "").strip()
            in_peaks = key == "PK$PEAK"
            if key in _SECTIONS:
                subkey, _, text = text.partition(" ")
                key = f"{key}: {subkey}"
            fields.setdefault(key, text)
        elif in_peaks:
            try:
                x, y = (float(word) for word in line.split()[:2])
            except ValueError:
                unread += 1
                continue
            mz.append(x)
            intensity.append(y)
    warnings = [f"lines that are no peaks, left out: {unread}"] if unread else []
    declared = positive_number(fields.get("PK$NUM_PEAK"))
    if declared is not None and int(declared) != len(mz):
        warnings.append(f"the record declares {int(declared)} peaks and holds {len(mz)}")
    metadata = _metadata(fields)
    metadata["identifier"] = block
    technique = technique_of(
        metadata.get("ms_level"), metadata.get("precursor_mz"), metadata.get("ionization")
    )
    return mass_spectrum(
        mz, intensity, technique=technique, title=fields.get("RECORD_TITLE") or block,
        source=Source(str(path), block), metadata=metadata, warnings=warnings,
    )  # fmt: skip


def _metadata(fields: dict[str, str]) -> dict[str, Any]:
    def measured(key: str) -> str | None:
        return said(fields.get(f"AC$MASS_SPECTROMETRY: {key}"))

    def focused(key: str) -> str | None:
        return said(fields.get(f"MS$FOCUSED_ION: {key}"))

    instrument_type = said(fields.get("AC$INSTRUMENT_TYPE"))
    sign = polarity(measured("ION_MODE"))
    ion = focused("PRECURSOR_TYPE") or focused("ION_TYPE")
    return {
        "name": said(fields.get("CH$NAME")),
        "formula": said(fields.get("CH$FORMULA")),
        "smiles": said(fields.get("CH$SMILES")),
        "inchi": said(fields.get("CH$IUPAC")),
        "inchikey": said(fields.get("CH$LINK: INCHIKEY")),
        "cas": said(fields.get("CH$LINK: CAS")),
        "instrument": said(fields.get("AC$INSTRUMENT")),
        "instrument_type": instrument_type,
        "licence": said(fields.get("LICENSE")),
        "polarity": sign,
        "ms_level": ms_level(measured("MS_TYPE")),
        "ionization": ionization(measured("IONIZATION"), instrument_type),
        "precursor_mz": positive_number(focused("PRECURSOR_M/Z")),
        "adduct": adduct(ion, sign),
        "retention_time_s": _seconds(fields.get("AC$CHROMATOGRAPHY: RETENTION_TIME")),
        **collision_energy(measured("COLLISION_ENERGY")),
    }


def _seconds(text: str | None) -> float | None:
    value = positive_number(text)
    if value is None:
        return None
    return round(value * 60, 6) if "min" in text.lower() else value


READER = Reader("MassBank record", (".txt", ".massbank"), sniff, read)
