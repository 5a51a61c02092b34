"""Reads spectral libraries in NIST's text format (.msp, .msl), in the spellings of its writers.

Format: NIST MS Search user's guide, "Spectrum in text (MSP) format"; AMDIS .MSL; the exports of
MoNA, MassBank, MS-DIAL (RIKEN) and RECETOX. Retention times without a unit are minutes, as AMDIS
and MS-DIAL write them.
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

_FIELD = re.compile(r"\s*([A-Za-z][\w #/.$-]*?)\s*:(.*)")
_QUOTED_FIELD = re.compile(r'"([^"=]+)=([^"]*)"')
_PAIR = re.compile(
    r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)[\s,:]+([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"[^"]*"')
_NAME = re.compile(r"\s*NAME\s*:", re.IGNORECASE)
_COUNT = re.compile(r"\s*NUM\s?PEAKS\s*:", re.IGNORECASE)
_COPIED = {
    "name": ("name",),
    "formula": ("formula", "form", "molecularformula"),
    "smiles": ("smiles", "computedsmiles"),
    "inchi": ("inchi", "computedinchi"),
    "inchikey": ("inchikey",),
    "cas": ("casno", "cas#", "cas"),
    "instrument": ("instrument",),
    "instrument_type": ("instrumenttype",),
    "licence": ("license", "licence"),
    "identifier": ("db#", "accession", "nist#"),
}


def sniff(path: Path, head: bytes) -> float:
    """Certain when a Name field comes first and Num Peaks follows; likely when one is missing."""
    text = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf")
    lines = [line.strip().upper() for line in text.splitlines()]
    told = [line for line in lines if line and line[:1] not in b"#;"]
    name = bool(told) and re.match(rb"NAME\s*:", told[0]) is not None
    count = any(re.match(rb"NUM\s?PEAKS\s*:", line) for line in told)
    if name and count:
        return 1.0
    if count:
        return 0.8
    return 0.7 if name and path.suffix.lower() in READER.suffixes else 0.0


def read(path: Path) -> list[Spectrum]:
    """Every record of the library, one spectrum each; raises ``FormatError`` when none is good."""
    return read_records(path, _records(path), _spectrum, "library records with peaks")


def _records(path: Path) -> Iterator[Record]:
    record: list[str] = []
    peaks_begun = False
    count = 0
    for line in read_lines(path):
        begins = _NAME.match(line) is not None
        # A blank line ends a record only after its peaks: some writers leave one in the header.
        if record and (begins or (peaks_begun and not line.strip())):
            count += 1
            yield str(count), record
            record, peaks_begun = [], False
        if line.strip():
            record.append(line)
            check_length(path, record)
            peaks_begun = peaks_begun or _is_count(line)
    if record:
        yield str(count + 1), record


def _is_count(line: str) -> bool:
    return _COUNT.match(line) is not None


def _spectrum(path: Path, block: str, lines: list[str]) -> Spectrum:
    at = next((number for number, line in enumerate(lines) if _is_count(line)), None)
    if at is None:
        raise ValueError("it has no Num Peaks line")
    fields = _fields(lines[:at])
    declared = positive_number(lines[at].split(":", 1)[1])
    # What follows the count on its own line is peaks too.
    on_the_line = re.sub(r"^\s*\d*", "", lines[at].split(":", 1)[1])
    mz, intensity = _peaks([on_the_line, *lines[at + 1 :]])
    metadata = _metadata(fields)
    warnings = []
    if declared is None or int(declared) != len(mz):
        count = "no number of peaks" if declared is None else f"{int(declared)} peaks"
        warnings.append(f"the record declares {count} and holds {len(mz)}")
    technique = technique_of(
        metadata.get("ms_level"), metadata.get("precursor_mz"), metadata.get("ionization")
    )
    return mass_spectrum(
        mz, intensity, technique=technique, title=fields.get("name") or f"record {block}",
        source=Source(str(path), block), metadata=metadata, warnings=warnings,
    )  # fmt: skip


def _peaks(lines: list[str]) -> tuple[list[float], list[float]]:
    """Pairs in any of the spellings: a line each, several a line, in parentheses, after ``;``.

    Annotations, quoted or not, follow the pair that they belong to.
    """
    mz: list[float] = []
    intensity: list[float] = []
    for line in lines:
        if '"' in line:
            line = _QUOTED.sub(" ", line)
        if "(" in line:
            parts = re.split(r"[()]", line)
        elif ";" in line:
            parts = line.split(";")
        else:
            words = line.replace(",", " ").split()
            plain = len(words) > 2 and len(words) % 2 == 0
            if plain and all(_PAIR.fullmatch(f"{word} 0") for word in words):
                parts = [" ".join(words[i : i + 2]) for i in range(0, len(words), 2)]
            else:
                parts = [line]
        for part in parts:
            pair = _PAIR.match(part.strip())
            if pair:
                mz.append(float(pair.group(1)))
                intensity.append(float(pair.group(2)))
    return mz, intensity


def _fields(lines: list[str]) -> dict[str, str]:
    """Field names in lower case without blanks, ``_`` and ``/``; the first of a repeated one."""
    fields: dict[str, str] = {}

    def keep(key: str, text: str) -> None:
        fields.setdefault(re.sub(r"[\s_/-]", "", key).lower(), text.strip())

    comments = []
    for line in lines:
        found = _FIELD.match(line)
        if not found:
            continue
        key, text = found.groups()
        if key.strip().lower() in ("comment", "comments"):
            comments.append(text)
        elif "#" in key and ";" in text:  # NIST: "CAS#: 64-17-5;  NIST#: 291264"
            first, *others = text.split(";")
            keep(key, first)
            for other in filter(None, map(_FIELD.match, others)):
                keep(*other.groups())
        else:
            keep(key, text)
    # The comments of MoNA ("key=value") fill in what the fields leave out.
    for key, text in (pair for comment in comments for pair in _QUOTED_FIELD.findall(comment)):
        keep(key, text)
    for comment in comments:
        parent = re.search(r"\bParent=([\d.]+)", comment)
        if parent:
            keep("parent", parent.group(1))
    return fields


def _metadata(fields: dict[str, str]) -> dict[str, Any]:
    def first(*keys: str) -> str | None:
        return next((text for key in keys if (text := said(fields.get(key)))), None)

    sign = polarity(first("ionmode", "ionizationmode", "polarity"))
    ion = adduct(first("precursortype", "adduct", "iontype", "adductionname"), sign)
    if sign is None and ion and ion.rstrip("*.").endswith(("+", "-")):
        sign = "positive" if ion.rstrip("*.").endswith("+") else "negative"
    metadata: dict[str, Any] = {key: first(*spellings) for key, spellings in _COPIED.items()}
    metadata.update(
        adduct=ion,
        polarity=sign,
        ms_level=ms_level(first("mslevel", "spectrumtype", "mstype")),
        precursor_mz=positive_number(first("precursormz", "precursorm", "parent")),
        ionization=ionization(
            fields.get("ionization"), fields.get("instrumenttype"), fields.get("ionsource"),
            fields.get("ionizationmode"), fields.get("instrument"),
        ),
        retention_time_s=_retention_time(first("retentiontime", "rt", "rtinseconds"), fields),
        retention_index=positive_number(first("retentionindex", "ri")),
        **collision_energy(first("collisionenergy", "ce")),
    )  # fmt: skip
    return metadata


def _retention_time(text: str | None, fields: dict[str, str]) -> float | None:
    value = positive_number(text)
    if value is None:
        return None
    seconds = "rtinseconds" in fields or re.search(r"\d\s*s(ec|$)", text or "", re.IGNORECASE)
    return value if seconds else round(value * 60, 6)


READER = Reader("MSP library", (".msp", ".msl"), sniff, read)
