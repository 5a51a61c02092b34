"""Molecules out of the columns of a table that a chemist chose: a CSV file as a SMILES list."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from engine.library.molecule_source import SourceError

TABLE_SUFFIXES = (".csv", ".tsv", ".tab")
_DELIMITERS = ",;\t|"
_SHOWN_ROWS = 50
_LONGEST = 1 << 20
_SMILES_WORDS, _NAME_WORDS = ("smiles", "structure"), ("name", "title", "compound", "id")
_EACH = 5000


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table: their titles, the first rows, and which are likely meant.

    ``smiles`` is the number of the column that holds SMILES, ``name`` that of the names; None where
    no column looks like it.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str
    smiles: int | None = None
    name: int | None = None


def is_table(path: Path | str) -> bool:
    """Whether a file is called like a table of columns (a gzipped one too)."""
    return Path(str(path).lower().removesuffix(".gz")).suffix in TABLE_SUFFIXES


def table_columns(path: Path | str) -> TableColumns:
    """The columns of a CSV file with a header; raises ``SourceError`` for what is none."""
    path = Path(path)
    with _opened(path) as file:
        start = file.read(1 << 16)
    if not start.strip():
        raise SourceError(f"{path.name} is empty; a table with a column of SMILES was expected")
    if "\x00" in start:
        raise SourceError(f"{path.name} is no text; a table with a column of SMILES was expected")
    header = next(line for line in start.splitlines() if line.strip())
    delimiter = max(_DELIMITERS, key=header.count)
    lines = start.splitlines()
    whole = lines if len(start) < 1 << 16 else lines[:-1]
    try:
        rows = [r for r in islice(csv.reader(whole, delimiter=delimiter), _SHOWN_ROWS + 1) if r]
    except csv.Error as error:
        raise SourceError(f"{path.name} is a damaged table: {error}") from None
    titles, rows = tuple(cell.strip() for cell in rows[0]), [tuple(row) for row in rows[1:]]
    smiles = _column(titles, _SMILES_WORDS)
    if smiles is None:
        smiles = _column_of_smiles(rows, len(titles))
    return TableColumns(titles, tuple(rows), delimiter, smiles, _column(titles, _NAME_WORDS))


def write_smiles_list(
    source: Path | str,
    target: Path,
    smiles: int,
    name: int | None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Write two columns of a CSV file as SMILES lines with names; returns how many.

    ``target`` is there whole or not at all. Raises ``SourceError`` for a file that cannot be read,
    ``OSError`` for one that cannot be written, ``CancelledError`` soon after ``is_cancelled``.
    """
    columns = table_columns(source)
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        with _opened(Path(source)) as file, part.open("w", encoding="utf-8", newline="\n") as out:
            for row in _rows(file, columns.delimiter):
                if count % _EACH == 0 and is_cancelled():
                    raise CancelledError
                text = row[smiles].strip() if smiles < len(row) else ""
                called = row[name] if name is not None and name < len(row) else ""
                out.write(f"{''.join(text.split()) or '-'}\t{' '.join(called.split())}\n")
                count += 1
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return count


def _rows(file: TextIO, delimiter: str) -> Iterator[list[str]]:
    lines = (line.replace("\x00", "")[:_LONGEST] for line in file)
    reader = csv.reader(lines, delimiter=delimiter)
    header = True
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            row = ["-"]
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            yield row
        header = False


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """The text of a file, unpacked where it is gzipped."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            yield io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    except (EOFError, gzip.BadGzipFile) as error:
        raise SourceError(f"{path.name} is a damaged gzip file: {error}") from None
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}") from None


def _column(titles: tuple[str, ...], words: tuple[str, ...]) -> int | None:
    """The first column whose title has one of the words, the earlier words first."""
    for word in words:
        for number, title in enumerate(titles):
            if word in title.lower().replace("_", " ").split() or title.lower() == word:
                return number
    return next(
        (
            n
            for n, title in enumerate(titles)
            if any(len(w) > 2 and w in title.lower() for w in words)
        ),
        None,
    )


def _column_of_smiles(rows: list[tuple[str, ...]], count: int) -> int | None:
    """The column whose first cells are SMILES of more than two atoms."""
    from rdkit import Chem, rdBase

    def is_smiles(cell: str) -> bool:
        molecule = Chem.MolFromSmiles(cell) if cell and len(cell) < 500 else None
        return molecule is not None and molecule.GetNumAtoms() > 2

    with rdBase.BlockLogs():
        for number in range(count):
            cells = [row[number].strip() for row in rows[:10] if number < len(row)]
            if cells and sum(map(is_smiles, cells)) > len(cells) / 2:
                return number
    return None
