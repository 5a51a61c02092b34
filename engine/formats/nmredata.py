"""NMReDATA records (``.nmredata.sdf``): a structure, its assigned signals, and their spectra.

Format: M. Pupier et al., Magn. Reson. Chem. 56 (2018) 703, tags as of version 1.1 and 2.0
(nmredata.org). The peaks of each one-dimensional spectrum become sticks; the spectrum that they
were taken from is read too where the record points into its own folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.nmr_binary import TWO_DIMENSIONAL, positive
from engine.formats.nmredata_tags import (
    Assignment,
    Item,
    Peak,
    assignments,
    couplings,
    first_line,
    items,
    number,
    spectrum_item,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Technique

MAX_BYTES = 32 << 20
MAX_RECORDS = 100
MAX_SPECTRA = 100
"""One-dimensional spectra of one record."""

RECORD = "nmredata_record"
"""Metadata key of a spectrum that was read because this record points to it."""

_EXPECTED = "an NMReDATA record with a 1-D spectrum or assigned shifts"
_SNIFFED = 1 << 20
_LONGEST_MOLBLOCK = 100_000
_COUNTS = re.compile(rb"\bV[23]000\s*$", re.MULTILINE)
_SPECTRUM = re.compile(r"NMREDATA_(1D_(\d{1,3}[A-Z][a-z]?)(?:_[\w-]+)?(?:#\d+)?)")
# Isotopes whose shifts are reported for an element.
_ISOTOPES = {"H": "1H", "C": "13C", "N": "15N", "F": "19F", "P": "31P", "Si": "29Si", "B": "11B"}


@dataclass(frozen=True)
class _Molecule:
    """The structure of a record: metadata of each spectrum, and its atoms' elements."""

    metadata: dict[str, str]
    elements: tuple[str, ...] | None = None
    hydrogens: tuple[int, ...] = ()  # on each atom, those that are atoms of their own too


@dataclass(frozen=True)
class _Record:
    """One record: where it stands, its molecule and assignments, what is said for all spectra."""

    path: Path
    prefix: str
    molecule: _Molecule
    assigned: dict[str, Assignment]
    shared: dict[str, Any]


def sniff(path: Path, head: bytes) -> float:
    """1.0 for a structure file whose first megabyte names an NMReDATA item."""
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"##", b"$$", b"<")):
        return 0.0
    if not _COUNTS.search(head):
        return 0.0
    try:
        with open(path, "rb") as file:
            return 1.0 if b"<NMREDATA_" in file.read(_SNIFFED) else 0.0
    except OSError:
        return 0.0


def read(path: Path) -> list[Spectrum]:
    """The peak lists of each record as stick spectra, each with the spectrum it was taken from.

    Sticks: ``x`` in ppm ascending (equal shifts are 1e-4 apart), ``y`` the nuclei of each signal,
    negative where the record gives it a negative intensity. Metadata: ``smiles``, ``molblock``,
    ``formula``; ``peaks`` as in a paper's NMR line (``position``, ``multiplicity``, ``j_hz``,
    ``n_h``, ``count``, ``low``, ``high``, ``label``) with ``atoms``; ``assignments``, dicts of
    ``label``, ``shift``, ``element``, ``atoms`` and ``count``. Atom numbers are those of the
    molblock from 0; for hydrogens that are no atoms of it, those of the atoms that carry them.
    Raises ``FormatError``.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FormatError(path, f"a file of at most {MAX_BYTES >> 20} MB", f"{size >> 20} MB")
    text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
    records = re.split(r"^\$\$\$\$[^\n]*\n?", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    records = [record for record in records if "<NMREDATA_" in record]
    spectra: list[Spectrum] = []
    problems: list[str] = []
    for index, record in enumerate(records[:MAX_RECORDS], 1):
        prefix = f"record {index} " if len(records) > 1 else ""
        spectra += _record(path, prefix, record, problems)
    if len(records) > MAX_RECORDS:
        problems.append(f"only the first {MAX_RECORDS} of {len(records)} records were read")
    if not spectra:
        if "<NMREDATA_2D_" in text and "<NMREDATA_1D_" not in text:
            raise FormatError(path, _EXPECTED, TWO_DIMENSIONAL)
        raise FormatError(path, _EXPECTED, "; ".join(problems[:3]) or "neither")
    if problems:
        said = "; ".join(problems[:5]) + ("; ..." if len(problems) > 5 else "")
        spectra[0] = spectra[0].with_warnings(f"Not everything was read: {said}")
    return spectra


READER = Reader("NMReDATA", (".sdf",), sniff, read)


def _record(path: Path, prefix: str, text: str, problems: list[str]) -> list[Spectrum]:
    """The spectra of one record; what is wrong with it goes to ``problems``."""
    block, end, data = text.partition("M  END")
    molecule = _molecule(block + end + "\n", problems)
    found = items(data if end else text)
    atoms = None if molecule.elements is None else len(molecule.elements)
    assigned, wrong = assignments(found.get("NMREDATA_ASSIGNMENT", ""), atoms)
    problems += wrong
    record = _Record(
        path, prefix, molecule, {entry.label: entry for entry in assigned}, _shared(found)
    )
    spectra: list[Spectrum] = []
    places: list[str] = []
    for name, raw in found.items():
        tag = _SPECTRUM.fullmatch(name)
        if tag is None:
            continue
        if len(spectra) >= MAX_SPECTRA:
            problems.append(f"only the first {MAX_SPECTRA} spectra of a record were read")
            break
        item, wrong = spectrum_item(raw)
        problems += [f"{tag.group(1)}: {reason}" for reason in wrong]
        places += [v for k, v in item.properties.items() if k.endswith("_location")]
        if item.peaks:
            spectra.append(_sticks(record, tag.group(1), tag.group(2), item))
        else:
            problems.append(f"{tag.group(1)} lists no peaks")
    if not any(_SPECTRUM.fullmatch(name) for name in found):
        spectra += _from_assignments(record)
    return spectra + _originals(record, places, problems)


def _molecule(block: str, problems: list[str]) -> _Molecule:
    from engine.chemistry.structure import parse_structure

    if len(block) > _LONGEST_MOLBLOCK:
        problems.append(f"its structure is not used: a molblock of {len(block)} characters")
        return _Molecule({})
    try:
        structure = parse_structure(block)
    except ValueError as error:
        problems.append(f"its structure is not used: {error}")
        return _Molecule({})
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():  # RDKit writes its complaints to stderr
        molecule = Chem.MolFromMolBlock(structure.molblock, removeHs=False)
    if molecule is None:
        problems.append("its structure is not used: RDKit cannot read it back")
        return _Molecule({})
    atoms = list(molecule.GetAtoms())
    metadata = {
        "smiles": structure.smiles, "molblock": structure.molblock, "formula": structure.formula,
        "name": structure.name,
    }  # fmt: skip
    return _Molecule(
        {key: text for key, text in metadata.items() if text},
        tuple(atom.GetSymbol() for atom in atoms),
        tuple(atom.GetTotalNumHs(includeNeighbors=True) for atom in atoms),
    )


def _shared(found: Mapping[str, str]) -> dict[str, Any]:
    """What a record says for all of its spectra."""
    kelvin = number(first_line(found.get("NMREDATA_TEMPERATURE")).rstrip(" K"))
    known = {
        "solvent": first_line(found.get("NMREDATA_SOLVENT")),
        "temperature_k": kelvin if kelvin is not None and 50 < kelvin < 1000 else None,
        "concentration": first_line(found.get("NMREDATA_CONCENTRATION")),
        "couplings": [
            {"labels": [first, second], "j_hz": hertz}
            for first, second, hertz in couplings(found.get("NMREDATA_J", ""))
        ],
    }
    return {key: value for key, value in known.items() if value}


# --- sticks -------------------------------------------------------------------------------------


def _sticks(record: _Record, tag: str, isotope: str, item: Item) -> Spectrum:
    element = isotope.lstrip("0123456789")
    told = _counts(record)
    signs = []
    peaks = []
    for peak in sorted(item.peaks, key=lambda peak: peak.low + peak.high):
        peaks.append(_peak_entry(record, peak, isotope, told))
        signs.append(-1.0 if peak.intensity is not None and peak.intensity < 0 else 1.0)
    own = {
        "frequency_mhz": positive(number(item.properties.get("larmor")), 2500),
        "pulse_program": item.properties.get("pulseprogram") or None,
    }
    warnings = []
    unknown = sum(peak["n_h"] is None for peak in peaks) if isotope == "1H" else 0
    if unknown:
        warnings.append(
            f"No number of hydrogens is known for {unknown} of {len(peaks)} signals: taken as 1."
        )
    return _stick_spectrum(record, tag, isotope, element, peaks, signs, own, warnings)


def _stick_spectrum(
    record: _Record,
    tag: str,
    isotope: str,
    element: str,
    peaks: list[dict[str, Any]],
    signs: list[float],
    own: Mapping[str, Any],
    warnings: list[str],
) -> Spectrum:
    x = np.array([peak["position"] for peak in peaks])
    for index in range(1, len(x)):
        x[index] = max(x[index], x[index - 1] + 1e-4)
    told = _counts(record)
    metadata = {
        "nucleus": isotope,
        **record.molecule.metadata,
        **record.shared,
        **own,
        "peaks": peaks,
        "assignments": [
            _assignment_entry(record, entry, told)
            for entry in record.assigned.values()
            if _element(record, entry) == element
        ],
    }
    return Spectrum(
        technique=Technique.nmr(isotope),
        x=x,
        y=np.array([sign * peak["count"] for sign, peak in zip(signs, peaks, strict=True)]),
        x_unit="ppm",
        kind="sticks",
        title=_title(record),
        source=Source(str(record.path), record.prefix + tag),
        metadata={key: value for key, value in metadata.items() if value is not None},
        warnings=tuple(warnings),
    )


def _title(record: _Record) -> str:
    """The compound's name; programs leave a number or a letter there, the file's name is better."""
    name = record.molecule.metadata.get("name", "")
    return name if len(name) > 2 else record.path.name.split(".")[0]


def _from_assignments(record: _Record) -> list[Spectrum]:
    """Sticks at the assigned shifts, for a record that describes no 1-D spectrum."""
    by_element: dict[str, list[Assignment]] = {}
    for entry in record.assigned.values():
        by_element.setdefault(_element(record, entry), []).append(entry)
    told = _counts(record)
    spectra = []
    for element, entries in by_element.items():
        if element not in _ISOTOPES:
            continue
        isotope = _ISOTOPES[element]
        peaks = [
            _peak_entry(record, Peak(entry.shift, entry.shift, (entry.label,)), isotope, told)
            for entry in sorted(entries, key=lambda entry: entry.shift)
        ]
        warning = "The record describes no 1-D spectrum: these are the shifts of its assignments."
        tag, signs = f"assignments {isotope}", [1.0] * len(peaks)
        spectra.append(_stick_spectrum(record, tag, isotope, element, peaks, signs, {}, [warning]))
    return spectra


def _element(record: _Record, entry: Assignment) -> str:
    """The element whose signal it is; "" where the structure is not known."""
    if entry.attached:
        return "H"
    elements = record.molecule.elements
    return "" if elements is None else elements[entry.atoms[0]]


def _counts(record: _Record) -> dict[str, int]:
    """The nuclei of each assigned signal by its label.

    Hydrogens on an atom are shared out among the signals that name it, such as those of the two
    hydrogens of a CH2.
    """
    sharing: dict[int, int] = {}
    for entry in record.assigned.values():
        for atom in entry.atoms if entry.attached else ():
            sharing[atom] = sharing.get(atom, 0) + 1
    counts = {}
    for entry in record.assigned.values():
        if not entry.attached:
            counts[entry.label] = len(entry.atoms)
        elif record.molecule.hydrogens:
            on_atoms = (record.molecule.hydrogens[a] // sharing[a] for a in entry.atoms)
            counts[entry.label] = max(1, sum(on_atoms))
    return counts


def _assignment_entry(
    record: _Record, entry: Assignment, told: Mapping[str, int]
) -> dict[str, Any]:
    found = {
        "label": entry.label, "shift": entry.shift, "element": _element(record, entry),
        "atoms": list(entry.atoms), "count": told.get(entry.label, 1),
    }  # fmt: skip
    if entry.interchangeable:
        found["interchangeable"] = list(entry.interchangeable)
    return found


def _peak_entry(
    record: _Record, peak: Peak, isotope: str, told: Mapping[str, int]
) -> dict[str, Any]:
    known = [label for label in peak.labels if label in record.assigned]
    count = sum(told.get(label, 0) for label in known) or peak.nuclei
    entry: dict[str, Any] = {
        "position": round((peak.low + peak.high) / 2, 6),
        "multiplicity": peak.multiplicity,
        "j_hz": list(peak.j_hz),
        "n_h": count if isotope == "1H" else None,
        "count": count or 1,
        "low": peak.low,
        "high": peak.high,
        "atoms": sorted({atom for label in known for atom in record.assigned[label].atoms}),
    }
    partners = list(peak.partners) if any(peak.partners) else None
    more = {
        "label": ", ".join(peak.labels), "j_partners": partners, "integral": peak.integral,
        "intensity": peak.intensity, "width_hz": peak.width_hz,
    }  # fmt: skip
    return entry | {key: value for key, value in more.items() if value not in (None, "")}


# --- the spectra that the peaks were taken from --------------------------------------------------


def _originals(record: _Record, places: Iterable[str], problems: list[str]) -> list[Spectrum]:
    """The one-dimensional spectra that the record points to within its own folder."""
    spectra: list[Spectrum] = []
    for target in dict.fromkeys(_target(record.path, place) for place in places):
        if target is None:
            continue
        try:
            found = _read_original(target)
        except FormatError as error:
            if error.found != TWO_DIMENSIONAL:
                problems.append(f"{target.name}: {error.found}")
            continue
        about = {**record.molecule.metadata, **record.shared, RECORD: str(record.path)}
        spectra += [replace(s, metadata={**about, **s.metadata}) for s in found]
    return spectra


def _target(path: Path, place: str) -> Path | None:
    """The file or folder that ``file:name/10/pdata/1/`` means, None for one that is not there.

    Only what lies below the record's own folder counts, links followed: a record may come from
    anybody.
    """
    place = re.sub(r"^file:(?://)?", "", place.strip(), flags=re.IGNORECASE).replace("\\", "/")
    if not place or "\0" in place or re.match(r"[A-Za-z][\w+.-]*:", place):
        return None
    target = Path(os.path.normpath(path.parent / place))
    try:
        folder, real = path.parent.resolve(), target.resolve()
        if real == folder or not real.is_relative_to(folder) or not real.exists():
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    return target


def _read_original(target: Path) -> list[Spectrum]:
    """The spectra of one experiment or file; folders of many are not walked."""
    from engine.formats.registry import MOST_TEXT, readers

    head = b""
    if target.is_file():
        if not 0 < target.stat().st_size <= MOST_TEXT:
            return []
        with target.open("rb") as file:
            head = file.read(4096)
    # A record is no spectrum that a record may point to: two could point at each other.
    sure = [(reader.sniff(target, head), reader) for n, reader in readers().items() if n != _SELF]
    best, reader = max(sure, key=lambda pair: pair[0])
    return reader.read(target) if best > 0 else []


_SELF = "nmredata"
