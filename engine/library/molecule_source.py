"""Molecules streamed from files of any size: SMILES lists, SDF and CSV, gzipped or not."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SUFFIXES = (
    ".smi",
    ".smiles",
    ".txt",
    ".ism",
    ".can",
    ".sdf",
    ".sd",
    ".mol",
    ".csv",
    ".tsv",
    ".tab",
)

# A record longer than this is no molecule that shifts can be predicted of.
_LONGEST_LINE = 1 << 20
_LONGEST_RECORD = 4 << 20
_SMILES_COLUMNS = (
    "smiles", "canonicalsmiles", "isomericsmiles", "connectivitysmiles", "structure", "smi",
    "canonical", "rdkitsmiles", "moleculesmiles",
)  # fmt: skip
_NAME_COLUMNS = (
    "name", "title", "compoundname", "moleculename", "preferredname", "prefname", "chebiname",
    "commonname", "synonym", "iupacname", "id", "identifier", "cid", "chebiid", "compoundid",
)  # fmt: skip
_NAME_TAGS = (
    "PUBCHEM_IUPAC_NAME", "ChEBI NAME", "ChEBI Name", "NAME", "Name", "name", "COMMON_NAME",
    "GENERIC_NAME", "Title", "iupac_name", "CHEMBL_ID", "chembl_id", "PUBCHEM_COMPOUND_CID",
    "ChEBI ID", "DATABASE_ID", "coconut_id", "ID",
)  # fmt: skip


class SourceError(ValueError):
    """A file that molecules were expected in cannot be read, with what was found."""


@dataclass(frozen=True)
class MoleculeRecord:
    """One record as it stands in the file.

    ``text`` is a SMILES, or a molblock where it has several lines; ``name`` may be empty;
    ``place`` says where it is (``line 12``, ``record 3``); ``done`` is the share of the file that
    was read before it, None when the size is not known.
    """

    text: str
    name: str
    place: str
    done: float | None = None


def read_molecules(path: Path | str) -> Iterator[MoleculeRecord]:
    """The records of a file in their order, broken ones included.

    The kind is known by content: ``$$$$`` and counts lines are an SDF, a header with a column of
    SMILES a CSV (comma, semicolon or tab), all else SMILES lines with a name after a blank or tab.
    Empty lines, ``#`` comments and a header line of a SMILES file are passed over. Raises
    :class:`SourceError` when the file cannot be opened, is damaged, or holds something else.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            opened = _Opened(raw, size)
            kind, delimiter = _kind_of(opened, path.name)
            if kind == "sdf":
                yield from _sdf(opened)
            elif kind == "csv":
                yield from _csv(opened, delimiter, path.name)
            else:
                yield from _smiles(opened)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise SourceError(f"{path.name} is a damaged gzip file: {error}") from None


class _Opened:
    """Lines of a file, unpacked where it is gzipped, and how much of it has been read."""

    def __init__(self, raw: BinaryIO, size: int) -> None:
        self._raw, self._size = raw, size
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        self._file = gzip.GzipFile(fileobj=raw) if packed else raw
        self._ahead = b""

    @property
    def done(self) -> float | None:
        return min(self._raw.tell() / self._size, 1.0) if self._size else None

    def peek(self, count: int = 1 << 16) -> str:
        """The first bytes as text, which :meth:`lines` gives again."""
        while len(self._ahead) < count:
            block = self._file.read(count - len(self._ahead))
            if not block:
                break
            self._ahead += block
        return self._ahead.decode("utf-8-sig", errors="replace")

    def lines(self) -> Iterator[str]:
        """All lines without their ends; one that is too long comes cut."""
        held = self._ahead.removeprefix(b"\xef\xbb\xbf")
        too_long = False
        while True:
            block = self._file.read(1 << 18)
            parts = (held + block).splitlines(keepends=True)
            held = b""
            if block and parts and (not parts[-1].endswith(b"\n")):
                held = parts.pop()
            for part in parts:
                if not too_long:
                    yield part[:_LONGEST_LINE].decode("utf-8", errors="replace").rstrip("\r\n")
                too_long = False
            if len(held) > _LONGEST_LINE:
                if not too_long:
                    yield held[:_LONGEST_LINE].decode("utf-8", errors="replace")
                held, too_long = b"", True
            if not block:
                if held and not too_long:
                    yield held.decode("utf-8", errors="replace")
                return


def _kind_of(opened: _Opened, name: str) -> tuple[str, str]:
    """``sdf``, ``csv`` or ``smiles``, and the delimiter of a CSV."""
    start = opened.peek()
    if not start.strip():
        raise SourceError(f"{name} is empty; a list of molecules was expected")
    if "\x00" in start:
        raise SourceError(f"{name} is no text; SMILES lines, an SDF or a CSV file were expected")
    if re.search(r"^\s*\d+.{20,}V[23]000", start, re.M) or "\n$$$$" in start:
        return "sdf", ""
    header = next(line for line in start.splitlines() if line.strip())
    for delimiter in "\t,;":
        cells = [_plain(cell) for cell in next(csv.reader([header], delimiter=delimiter), [])]
        if len(cells) > 1 and any(cell in _SMILES_COLUMNS for cell in cells):
            return "csv", delimiter
    return "smiles", ""


def _plain(cell: str) -> str:
    return re.sub(r"[^a-z]", "", cell.lower())


def _smiles(opened: _Opened) -> Iterator[MoleculeRecord]:
    for number, line in enumerate(opened.lines(), 1):
        text, name = _split(line.strip())
        if not text or text.startswith("#") or (number == 1 and _plain(text) in _SMILES_COLUMNS):
            continue
        yield MoleculeRecord(text, name, f"line {number}", opened.done)


def _split(line: str) -> tuple[str, str]:
    """SMILES and name: the first two fields of a line with tabs, else before and after a blank."""
    if "\t" in line:
        fields = line.split("\t")
        return fields[0].strip('" '), fields[1].strip('" ')
    text, _, name = line.partition(" ")
    return text.strip('",'), name.strip(' "')


def _csv(opened: _Opened, delimiter: str, name: str) -> Iterator[MoleculeRecord]:
    lines = (line.replace("\x00", "") for line in opened.lines())
    rows = csv.reader(lines, delimiter=delimiter)
    header: list[str] = []
    smiles_column = name_column = -1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield MoleculeRecord("", "", f"line {rows.line_num}: {error}", opened.done)
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header = [_plain(cell) for cell in row]
            smiles_column = next(header.index(c) for c in _SMILES_COLUMNS if c in header)
            name_column = next((header.index(c) for c in _NAME_COLUMNS if c in header), -1)
            continue
        text = row[smiles_column].strip() if smiles_column < len(row) else ""
        called = row[name_column].strip() if 0 <= name_column < len(row) else ""
        yield MoleculeRecord(text, called, f"line {rows.line_num}", opened.done)


def _sdf(opened: _Opened) -> Iterator[MoleculeRecord]:
    block: list[str] = []
    length, number = 0, 1
    for line in opened.lines():
        if line.startswith("$$$$"):
            yield _sdf_record(block, number, length, opened.done)
            block, length, number = [], 0, number + 1
            continue
        length += len(line) + 1
        if length <= _LONGEST_RECORD:
            block.append(line)
    if any(line.strip() for line in block):
        yield _sdf_record(block, number, length, opened.done)


def _sdf_record(block: list[str], number: int, length: int, done: float | None) -> MoleculeRecord:
    place = f"record {number}"
    if length > _LONGEST_RECORD:
        return MoleculeRecord("", "", f"{place} of {length:,} characters", done)
    end = next((k for k, line in enumerate(block) if line.startswith("M  END")), len(block) - 1)
    title = block[0].strip() if block else ""
    tags: dict[str, str] = {}
    for k in range(end + 1, len(block) - 1):
        found = re.match(r">.*<([^>]+)>", block[k])
        if found:
            tags.setdefault(found[1], block[k + 1].strip())
    called = next((tags[tag] for tag in _NAME_TAGS if tags.get(tag)), "")
    # A title that is only a number is a row of a database; its name says more.
    name = called if called and (not title or title.isdigit()) else title
    return MoleculeRecord("\n".join(block[: end + 1]) + "\n", name, place, done)
