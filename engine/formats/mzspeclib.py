"""Reads spectral libraries in mzSpecLib text (.mzspeclib, .mzlib.txt), as PSI and matchms write it.

Format: HUPO-PSI "mzSpecLib" 1.0, text encoding. Its sibling in JSON is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.formats.errors import FormatError
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
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum

_SECTION = re.compile(r"<(\w+)(?:\s+(\w+))?(?:=(.*))?>\s*$")
_ATTRIBUTE = re.compile(r"(?:\[(\d+)\])?([A-Za-z]\w*:\w+)\|[^=]*=(.*)$")
_TERM = re.compile(r"[A-Za-z]\w*:\w+\|(.*)$")
_UNIT, _SET_NAME = "UO:0000000", "MS:1003212"
_OTHER_NAME, _OTHER_VALUE = "MS:1003275", "MS:1003276"
_NAME, _PEAK_COUNT, _LEVEL, _CHARGE = "MS:1003061", "MS:1003059", "MS:1000511", "MS:1000041"
_POLARITY, _RETENTION_TIME = "MS:1000465", "MS:1000894"
_COLLISION_ENERGY, _NORMALIZED_ENERGY = "MS:1000045", "MS:1000138"
_IONIZATION_TYPE = "MS:1000008"
# From the m/z that was measured and is sure to the one that was only aimed at or computed.
_PRECURSORS = ("MS:1003208", "MS:1000744", "MS:1000827", "MS:1003053")
_COPIED = {
    "formula": ("MS:1000866", "formula"),
    "smiles": ("MS:1000868", "smiles"),
    "inchi": ("MS:1003403", "inchi"),
    "inchikey": ("MS:1002894", "inchikey"),
    "cas": ("cas", "casno", "cas#", "cas number"),
    "instrument": ("MS:1000031", "instrument"),
    "adduct": ("MS:1002813", "adduct"),
    "peptide": ("MS:1003270", "MS:1003169"),
    "identifier": ("MS:1003237",),
    "scan": ("MS:1003057",),
}


class _Attributes:
    """The attributes of a section by accession, or by name where the vocabulary has none."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.units: dict[str, str] = {}
        self.sets: list[str] = []
        self._groups: dict[str, list[str]] = {}  # what else is said in a numbered group

    def add(self, line: str) -> None:
        """Note a line such as ``[1]MS:1000045|collision energy=30``; others are passed over."""
        found = _ATTRIBUTE.match(line.strip())
        if not found:
            return
        group, accession, value = found.groups()
        value = value.strip()
        members = self._groups.setdefault(group, []) if group else []
        if accession == _SET_NAME:
            self.sets.append(value)
        elif accession == _UNIT:
            for member in members:
                self.units.setdefault(member, _without_accession(value))
        elif accession == _OTHER_NAME:
            members.append(value.casefold())
        elif accession == _OTHER_VALUE:
            if members:
                self.values.setdefault(members[-1], value)
        else:
            members.append(accession)
            self.values.setdefault(accession, value)

    def fill_in(self, other: _Attributes) -> None:
        """Take over what the other one says and this one does not."""
        for key, value in other.values.items():
            if key not in self.values:
                self.values[key] = value
                if key in other.units:
                    self.units[key] = other.units[key]


def _without_accession(value: str) -> str:
    """The name in a value that is itself a term: ``MS:1000130|positive scan``."""
    found = _TERM.match(value)
    return found.group(1) if found else value


def sniff(path: Path, head: bytes) -> float:
    """Certain when the first line opens an mzSpecLib section."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return 1.0 if re.match(rb"<mzSpecLib[\s>]", text, re.IGNORECASE) else 0.0


def read(path: Path) -> list[Spectrum]:
    """Every spectrum of the library; raises ``FormatError`` when none has peaks."""
    sets: dict[tuple[str, str], _Attributes] = {}

    def parse(path: Path, block: str, lines: list[str]) -> Spectrum:
        return _spectrum(path, block, lines, sets)

    return read_records(path, _records(path, sets), parse, "library spectra with peaks")


def _records(path: Path, sets: dict[tuple[str, str], _Attributes]) -> Iterator[Record]:
    """The spectra of the file; its attribute sets go into ``sets`` by kind and name."""
    record: list[str] = []
    block: str | None = None
    current: _Attributes | None = None
    for line in read_lines(path):
        section = _SECTION.match(line) if line.startswith("<") else None
        kind, of, name = section.groups() if section else ("", None, None)
        if kind in ("Spectrum", "Cluster", "AttributeSet") and block is not None:
            yield block, record
            record, block = [], None
        if kind == "Spectrum":
            block, current = (name or "").strip(), None
        elif kind == "AttributeSet":
            key = ((of or "").casefold(), (name or "").strip())
            current = sets.setdefault(key, _Attributes())
            if len(sets) > 1000:
                raise FormatError(path, "a spectral library", "over a thousand attribute sets")
        elif kind in ("Cluster", "mzSpecLib"):
            current = None
        elif block is not None:
            record.append(line)
            check_length(path, record)
        elif current is not None:
            current.add(line)
    if block is not None:
        yield block, record


def _spectrum(
    path: Path, block: str, lines: list[str], sets: dict[tuple[str, str], _Attributes]
) -> Spectrum:
    own, analytes = _Attributes(), []
    current: _Attributes | None = own
    mz: list[float] = []
    intensity: list[float] = []
    unread = 0
    in_peaks = False
    for line in lines:
        section = _SECTION.match(line)
        if section:
            kind = section.group(1)
            in_peaks = kind == "Peaks"
            current = None
            if kind == "Analyte":
                current = _Attributes()
                analytes.append(current)
        elif in_peaks and line.strip():
            try:
                x, y = (float(word) for word in line.split()[:2])
            except ValueError:
                unread += 1
                continue
            mz.append(x)
            intensity.append(y)
        elif current is not None:
            current.add(line)
    _fill_from_sets(own, "spectrum", sets)
    for analyte in analytes:
        _fill_from_sets(analyte, "analyte", sets)
    warnings = [f"lines that are no peaks, left out: {unread}"] if unread else []
    declared = positive_number(own.values.get(_PEAK_COUNT))
    if declared is not None and int(declared) != len(mz):
        warnings.append(f"the record declares {int(declared)} peaks and holds {len(mz)}")
    if len(analytes) > 1:
        warnings.append(f"the spectrum has {len(analytes)} analytes: the first one is shown")
    if _RETENTION_TIME in own.values and _RETENTION_TIME not in own.units:
        warnings.append("the retention time has no unit and was left out")
    name = said(own.values.get(_NAME))
    if analytes:
        own.fill_in(analytes[0])
    metadata = _metadata(own)
    metadata["name"] = None if metadata["peptide"] else name
    technique = technique_of(metadata["ms_level"], metadata["precursor_mz"], metadata["ionization"])
    return mass_spectrum(
        mz, intensity, technique=technique, title=name or f"spectrum {block}",
        source=Source(str(path), block), metadata=metadata, warnings=warnings,
    )  # fmt: skip


def _fill_from_sets(
    attributes: _Attributes, kind: str, sets: dict[tuple[str, str], _Attributes]
) -> None:
    for name in (*attributes.sets, "all"):
        if (kind, name) in sets:
            attributes.fill_in(sets[kind, name])


def _metadata(attributes: _Attributes) -> dict[str, Any]:
    def first(*keys: str) -> str | None:
        found = (said(_without_accession(attributes.values.get(key, ""))) for key in keys)
        return next((text for text in found if text), None)

    sign = polarity(first(_POLARITY))
    charge = next(iter(numbers(first(_CHARGE) or "")), None)
    metadata: dict[str, Any] = {key: first(*keys) for key, keys in _COPIED.items()}
    metadata.update(
        adduct=adduct(metadata["adduct"], sign),
        polarity=sign,
        charge=int(charge) if charge else None,
        ms_level=ms_level(first(_LEVEL)),
        precursor_mz=positive_number(first(*_PRECURSORS)),
        ionization=ionization(first(_IONIZATION_TYPE), first("ionization"), metadata["instrument"]),
        retention_time_s=_seconds(attributes),
    )
    energy, normalized = first(_COLLISION_ENERGY), first(_NORMALIZED_ENERGY)
    if energy is not None:
        electronvolt = attributes.units.get(_COLLISION_ENERGY) == "electronvolt"
        metadata.update(collision_energy(f"{energy} eV" if electronvolt else energy))
    elif normalized is not None:
        metadata.update(collision_energy(f"{normalized} NCE"))
    return metadata


def _seconds(attributes: _Attributes) -> float | None:
    """The retention time; None where its unit is not said: files give minutes and seconds."""
    value = next(iter(numbers(attributes.values.get(_RETENTION_TIME, ""))), None)
    unit = attributes.units.get(_RETENTION_TIME)
    if value is None or value < 0 or unit not in ("second", "minute"):
        return None
    return round(value * 60, 6) if unit == "minute" else value


READER = Reader("mzSpecLib text", (".mzspeclib", ".mzlib"), sniff, read)
