"""The data items of an NMReDATA record: their lines, assignments, couplings and peaks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

MAX_PEAKS = 20_000
"""Lines of one item that are read."""

_LONGEST_LINE = 20_000
_ITEM = re.compile(r"^>[^<\n]*<([^>\n]+)>[^\n]*$", re.MULTILINE)
_NUMBER = r"[+-]?\d{1,6}(?:\.\d{0,8})?"
_SHIFT = re.compile(rf"({_NUMBER})(?:\s*(?:-|to)\s*({_NUMBER}))?")
_KEY = re.compile(r"([A-Za-z]\w*)\s*=\s*(.*)")
_ATOM = re.compile(r"(H?)(\d{1,4})")
_COUPLING = re.compile(r"([+-]?\d{1,4}(?:\.\d{0,6})?)\s*(?:\((.*)\))?")
_BROAD = re.compile(r"^br?\.?\s*(?=[sdtqm])")


@dataclass(frozen=True)
class Assignment:
    """A signal and the atoms that give it.

    ``atoms`` are numbers of the record's structure from 0; with ``attached`` the signal is that of
    the hydrogens on these atoms, which are no atoms of their own in the structure.
    """

    label: str
    shift: float
    atoms: tuple[int, ...]
    attached: bool
    interchangeable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peak:
    """A signal of a 1-D spectrum: ``low`` and ``high`` in ppm are the same unless it is a range."""

    low: float
    high: float
    labels: tuple[str, ...] = ()
    multiplicity: str | None = None
    j_hz: tuple[float, ...] = ()
    partners: tuple[str, ...] = ()
    nuclei: int | None = None
    integral: float | None = None
    intensity: float | None = None
    width_hz: float | None = None


@dataclass(frozen=True)
class Item:
    """One spectrum's data item: its properties by lower-case name, and its peaks."""

    properties: dict[str, str] = field(default_factory=dict)
    peaks: tuple[Peak, ...] = ()


def items(text: str) -> dict[str, str]:
    """The data items of one SDF record by name (``NMREDATA_1D_1H``), each with its raw text."""
    found = list(_ITEM.finditer(text))
    named: dict[str, str] = {}
    for match, end in zip(found, [*(m.start() for m in found[1:]), len(text)], strict=False):
        named.setdefault(match.group(1).strip(), text[match.end() : end].strip("\r\n"))
    return named


def lines(text: str) -> Iterator[str]:
    """The lines of an item without comments and without those that say nothing.

    A backslash ends a line, and line ends within it mean nothing, as some programs break lines
    anywhere; a comment goes from ``;`` to the end of the line as it stands in the file. Items
    without a backslash are written one line to a line.
    """
    physical = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    folded = "\\" in text
    waiting = ""
    for raw in physical:
        said, semicolon, _ = raw.partition(";")
        *ended, rest = said.split("\\") if folded else (said, "")
        for piece in ended:
            yield from _said(waiting + piece)
            waiting = ""
        if len(waiting) < _LONGEST_LINE:  # what goes on and on is no entry
            waiting += rest
        if semicolon:
            yield from _said(waiting)
            waiting = ""
    yield from _said(waiting)


def _said(line: str) -> Iterator[str]:
    line = line.strip() if len(line) < _LONGEST_LINE else ""
    if line:
        yield line


def first_line(text: str | None) -> str:
    return next(lines(text or ""), "")


def number(text: str | None) -> float | None:
    try:
        value = float((text or "").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def assignments(text: str, atom_count: int | None) -> tuple[list[Assignment], list[str]]:
    """The entries of NMREDATA_ASSIGNMENT, and what is wrong with those left out.

    ``atom_count`` None means that the structure is not known and any number may be right.
    """
    found: list[Assignment] = []
    problems: list[str] = []
    groups: list[set[str]] = []
    for line in lines(text):
        key = _KEY.fullmatch(line)
        if key:
            if key.group(1).lower() == "interchangeable":
                groups.append({label.strip() for label in key.group(2).split(",")})
            continue
        if len(found) >= MAX_PEAKS:
            problems.append(f"only the first {MAX_PEAKS} assignments were read")
            break
        label, *rest = [part.strip() for part in line.split(",")]
        shift = _SHIFT.fullmatch(rest[0]) if rest else None
        atoms = [_ATOM.fullmatch(part) for part in rest[1:]]
        if shift is None or not atoms or None in atoms:
            problems.append(f"the assignment {line[:40]!r} cannot be read")
            continue
        numbers = tuple(int(atom.group(2)) - 1 for atom in atoms)
        if min(numbers) < 0 or (atom_count is not None and max(numbers) >= atom_count):
            problems.append(f"the assignment {line[:40]!r} names an atom that is not there")
            continue
        attached = any(atom.group(1) for atom in atoms)
        found.append(Assignment(label, _middle(shift), numbers, attached))
    return [_with_interchangeable(entry, groups) for entry in found], problems


def _with_interchangeable(entry: Assignment, groups: list[set[str]]) -> Assignment:
    others = sorted(set().union(*(g for g in groups if entry.label in g)) - {entry.label})
    if not others:
        return entry
    return Assignment(entry.label, entry.shift, entry.atoms, entry.attached, tuple(others))


def _middle(shift: re.Match[str]) -> float:
    first = float(shift.group(1))
    second = float(shift.group(2)) if shift.group(2) else first
    return round((first + second) / 2, 6)


def couplings(text: str) -> list[tuple[str, str, float]]:
    """The entries of NMREDATA_J: the labels of two signals and their coupling in Hz."""
    found = []
    for line in islice(lines(text), MAX_PEAKS):
        parts = [part.strip() for part in line.split(",")]
        value = number(parts[2]) if len(parts) == 3 else None
        if value is not None:
            found.append((parts[0], parts[1], value))
    return found


def spectrum_item(text: str) -> tuple[Item, list[str]]:
    """The item of a 1-D spectrum, and what is wrong with the lines left out."""
    properties: dict[str, str] = {}
    peaks: list[Peak] = []
    problems: list[str] = []
    for line in lines(text):
        fields = [part.strip() for part in line.split(",")]
        shift = _SHIFT.fullmatch(fields[0])
        if shift is None:
            key = _KEY.fullmatch(line)
            if key:
                properties.setdefault(key.group(1).lower(), key.group(2).strip())
            # Anything else is the rest of a comment that was broken over two lines.
            continue
        if len(peaks) >= MAX_PEAKS:
            problems.append(f"only the first {MAX_PEAKS} peaks were read")
            break
        peaks.append(_peak(shift, fields[1:]))
    return Item(properties, tuple(peaks)), problems


def _peak(shift: re.Match[str], fields: list[str]) -> Peak:
    """A peak of its shift and attributes such as ``S=dd``, ``L=H1`` and ``J=9.3(H2),4.8``."""
    attributes: dict[str, list[str]] = {}
    current: list[str] = []
    for text in fields:
        key = _KEY.fullmatch(text)
        if key:
            current = attributes.setdefault(key.group(1).upper(), [])
        current.append(key.group(2).strip() if key else text)
    first = float(shift.group(1))
    second = float(shift.group(2)) if shift.group(2) else first
    values = [found for found in map(_COUPLING.fullmatch, attributes.get("J", [])) if found]

    def value(name: str) -> float | None:
        return number((attributes.get(name) or [""])[0])

    nuclei = value("N")
    labels = [part.strip() for text in attributes.get("L", []) for part in re.split("[&|]", text)]
    return Peak(
        low=min(first, second),
        high=max(first, second),
        labels=tuple(label for label in labels if label and label != "<>"),
        multiplicity=_multiplicity((attributes.get("S") or [""])[0]),
        j_hz=tuple(abs(float(found.group(1))) for found in values),
        partners=tuple(found.group(2) or "" for found in values),
        nuclei=round(nuclei) if nuclei is not None and 0 < nuclei < 1000 else None,
        integral=value("E"),
        intensity=value("I"),
        width_hz=value("W"),
    )


def _multiplicity(text: str) -> str | None:
    """A multiplicity as the rest of the program spells it: "bs" and "brs" are "br s"."""
    return _BROAD.sub("br ", text.strip().lower()) or None
