"""The table of a project's two-dimensional spectra in SQLite: writing what changed, reading it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from engine.library.project import ProjectState
from engine.library.project_values import from_json, to_json
from engine.library.spectrum_2d_entry import Spectrum2DEntry
from engine.spectra import Source, Spectrum2D

TABLE = "spectra_2d"

SCHEMA = """
CREATE TABLE spectra_2d(
    id INTEGER PRIMARY KEY, sample INTEGER NOT NULL, position INTEGER NOT NULL,
    technique TEXT NOT NULL, technique_y TEXT, x_unit TEXT NOT NULL, y_unit TEXT NOT NULL,
    kind TEXT NOT NULL, title TEXT NOT NULL, path TEXT NOT NULL, block TEXT NOT NULL,
    x TEXT NOT NULL, y TEXT NOT NULL, z TEXT NOT NULL,
    metadata TEXT NOT NULL, warnings TEXT NOT NULL);
"""
"""``x``, ``y`` and ``z`` are digests of arrays: 8-byte floats, and 4-byte ones (pairs of them where
the kind is ``fid``)."""

_COLUMNS = (
    "id, sample, position, technique, technique_y, x_unit, y_unit, kind, title, path, block, "
    "x, y, z, metadata, warnings"
)
_SENSELESS = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
_Z_TYPES = {"continuous": "<f4", "fid": "<c8"}

_digests: WeakKeyDictionary[Spectrum2D, tuple[str, ...]] = WeakKeyDictionary()


def write_changes(
    connection: sqlite3.Connection, before: ProjectState, after: ProjectState, known: set[str]
) -> None:
    """Bring the table from one state to another; ``known`` gets the arrays that were added."""
    old, new = _placed(before), _placed(after)
    for entry_id, (sample_id, position, entry) in new.items():
        if old.get(entry_id) != (sample_id, position, entry):
            _write(connection, sample_id, position, entry, known)
    connection.executemany(
        f"DELETE FROM {TABLE} WHERE id = ?", [(i,) for i in old.keys() - new.keys()]
    )


def _placed(state: ProjectState) -> dict[int, tuple[int, int, Spectrum2DEntry]]:
    return {
        entry.id: (sample.id, position, entry)
        for sample in state.samples
        for position, entry in enumerate(sample.spectra_2d)
    }


def _write(
    connection: sqlite3.Connection,
    sample_id: int,
    position: int,
    entry: Spectrum2DEntry,
    known: set[str],
) -> None:
    spectrum = entry.spectrum
    types = ("<f8", "<f8", _Z_TYPES[spectrum.kind])
    arrays = (spectrum.x, spectrum.y, spectrum.z)
    digests = _digests.get(spectrum)
    if digests is None or not known.issuperset(digests):
        made = [np.ascontiguousarray(a, dtype=t) for a, t in zip(arrays, types, strict=True)]
        digests = tuple(hashlib.sha256(memoryview(a).cast("B")).hexdigest() for a in made)
        _digests[spectrum] = digests
        for digest, array in zip(digests, made, strict=True):
            if digest not in known:
                data = memoryview(array).cast("B")
                connection.execute("INSERT OR IGNORE INTO arrays VALUES(?, ?)", (digest, data))
                known.add(digest)
    values = (
        entry.id, sample_id, position, str(spectrum.technique),
        None if spectrum.technique_y is None else str(spectrum.technique_y),
        _text(spectrum.x_unit), _text(spectrum.y_unit), spectrum.kind, _text(spectrum.title),
        _text(spectrum.source.path), _text(spectrum.source.block), *digests,
        to_json(dict(spectrum.metadata)), to_json(list(spectrum.warnings)),
    )  # fmt: skip
    places = ", ".join("?" * len(values))
    connection.execute(f"INSERT OR REPLACE INTO {TABLE}({_COLUMNS}) VALUES({places})", values)


def _text(text: str) -> str:
    """Text that SQLite takes: bytes that were no text in a file's name become question marks."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def read_all(
    connection: sqlite3.Connection,
    rows: Callable[[Any, str, list[str]], Any],
    data_of: Callable[[str], bytes],
    problems: list[str],
) -> dict[int, tuple[Spectrum2DEntry, ...]]:
    """The entries of each sample by its id; a damaged one is left out and named in ``problems``.

    ``rows`` yields those rows of a cursor that can be read, ``data_of`` gives the checked bytes of
    an array by its digest.
    """
    found: dict[int, list[Spectrum2DEntry]] = {}
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (TABLE,)).fetchone()
    if known is None:
        return {}
    cursor = connection.execute(f"SELECT {_COLUMNS} FROM {TABLE} ORDER BY sample, position")
    for row in rows(cursor, "two-dimensional spectra", problems):
        try:
            found.setdefault(int(row[1]), []).append(_entry(row, data_of))
        except _SENSELESS as error:
            problems.append(
                f"two-dimensional spectrum {str(row[8])[:60]!r} is damaged and left out: {error}"
            )
    return {sample_id: tuple(entries) for sample_id, entries in found.items()}


def _entry(row: tuple, data_of: Callable[[str], bytes]) -> Spectrum2DEntry:
    (
        entry_id, _, _, technique, technique_y, x_unit, y_unit, kind, title, path, block,
        *digests, about, warnings,
    ) = row  # fmt: skip
    if kind not in _Z_TYPES:
        raise ValueError(f"a kind {str(kind)[:20]!r} that there is not")
    x, y = (np.frombuffer(data_of(digest), "<f8") for digest in digests[:2])
    z = np.frombuffer(data_of(digests[2]), _Z_TYPES[kind]).reshape(len(y), len(x))
    spectrum = Spectrum2D(
        technique, technique_y, x, y, z, str(x_unit), str(y_unit), kind, str(title),
        Source(str(path), str(block)), from_json(about), tuple(map(str, from_json(warnings))),
    )  # fmt: skip
    return Spectrum2DEntry(int(entry_id), spectrum)
