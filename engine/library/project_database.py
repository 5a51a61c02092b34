"""The tables of a project in SQLite: writing what changed, reading it all, older versions."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from engine.library import project_database_2d
from engine.library.project import (
    Action,
    Assignment,
    ProjectState,
    RunEntry,
    SampleEntry,
    SpectrumEntry,
)
from engine.library.project_values import from_json, to_json
from engine.spectra import Source, Spectrum

APPLICATION_ID = 0x53504543
"""What SQLite's header says of whose file it is: "SPEC"."""

FORMAT_VERSION = 4
"""1: samples, spectra, structures, chains, history. 2: peaks, assignments and predictions too.
3: integrals and multiplets; runs, by their paths; two-dimensional spectra. 4: what is predicted of
assignments, and which are fixed."""

TABLES = ("meta", "arrays", "spectra", "samples", "history", "predictions")

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE arrays(digest TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE spectra(
    id INTEGER PRIMARY KEY, technique TEXT NOT NULL, x_unit TEXT NOT NULL, y_unit TEXT NOT NULL,
    kind TEXT NOT NULL, title TEXT NOT NULL, path TEXT NOT NULL, block TEXT NOT NULL,
    x TEXT NOT NULL, y TEXT NOT NULL, y_imaginary TEXT,
    metadata TEXT NOT NULL, warnings TEXT NOT NULL, chain TEXT, peaks TEXT, analysis TEXT);
CREATE TABLE samples(
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, name TEXT NOT NULL, structure TEXT,
    spectra TEXT NOT NULL, assignments TEXT NOT NULL DEFAULT '[]',
    runs TEXT NOT NULL DEFAULT '[]');
CREATE TABLE history(position INTEGER PRIMARY KEY, title TEXT NOT NULL, line TEXT NOT NULL);
CREATE TABLE predictions(
    sample INTEGER NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY(sample, kind));
"""

_MIGRATIONS = {
    1: """
ALTER TABLE spectra ADD COLUMN peaks TEXT;
ALTER TABLE samples ADD COLUMN assignments TEXT NOT NULL DEFAULT '[]';
CREATE TABLE predictions(
    sample INTEGER NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY(sample, kind));
""",
    2: """
ALTER TABLE spectra ADD COLUMN analysis TEXT;
ALTER TABLE samples ADD COLUMN runs TEXT NOT NULL DEFAULT '[]';
"""
    + project_database_2d.SCHEMA,
    3: "",
}

# Arrays of one project may be shared, so that it is larger in memory than as a file; not endlessly.
_SPREAD, _SLACK = 8, 256 << 20

DAMAGED = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged database raises; the second when SQLite's message quotes the damage."""

# What values raise that were never written so.
_SENSELESS = (ValueError, TypeError, KeyError, OverflowError, RecursionError)

_SPECTRUM_COLUMNS = (
    "technique, x_unit, y_unit, kind, title, path, block, x, y, y_imaginary, metadata, warnings, "
    "chain, peaks, analysis"
)

_digests: WeakKeyDictionary[Spectrum, tuple[str | None, ...]] = WeakKeyDictionary()


# writing


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty project."""
    for statement in (_SCHEMA + project_database_2d.SCHEMA).split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")


def clear(connection: sqlite3.Connection) -> None:
    """Take everything out but the arrays, which are found again by their contents."""
    for table in ("spectra", "samples", "history", "predictions", project_database_2d.TABLE):
        connection.execute(f"DELETE FROM {table}")


def known_arrays(connection: sqlite3.Connection) -> set[str]:
    """The digests of the arrays that are there."""
    return {digest for (digest,) in connection.execute("SELECT digest FROM arrays")}


def write_changes(
    connection: sqlite3.Connection, before: ProjectState, after: ProjectState, known: set[str]
) -> None:
    """Bring the tables from one state to another; ``known`` gets the arrays that were added."""
    old = {sample.id: sample for sample in before.samples}
    new = {sample.id: sample for sample in after.samples}
    old_entries = {e.id: e for sample in before.samples for e in sample.spectra}
    new_entries = {e.id: e for sample in after.samples for e in sample.spectra}
    for entry in new_entries.values():
        if old_entries.get(entry.id) is not entry:
            _write_spectrum(connection, entry, known)
    for sample in new.values():
        if old.get(sample.id) is not sample:
            connection.execute(
                "INSERT OR REPLACE INTO samples VALUES(?, ?, ?, ?, ?, ?, ?)",
                (
                    sample.id, sample.number, _text(sample.name), _text(sample.typed_structure),
                    json.dumps(sample.key),
                    json.dumps([assigned.to_json() for assigned in sample.assignments]),
                    json.dumps([[run.id, _text(run.path)] for run in sample.runs]),
                ),
            )  # fmt: skip
    _delete(connection, "samples", old.keys() - new.keys())
    _delete(connection, "spectra", old_entries.keys() - new_entries.keys())
    _write_history(connection, before, after)
    project_database_2d.write_changes(connection, before, after, known)
    write_meta(connection, {"order": list(new), "numbered": after.numbered})


def write_meta(connection: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    """Set values by their names; they are kept as JSON."""
    connection.executemany(
        "INSERT OR REPLACE INTO meta VALUES(?, ?)",
        [(key, to_json(value)) for key, value in values.items()],
    )


def write_prediction(
    connection: sqlite3.Connection, sample_id: int, kind: str, content: Any
) -> None:
    """Keep what a verb said about a sample; ``content`` is JSON with arrays."""
    connection.execute(
        "INSERT OR REPLACE INTO predictions VALUES(?, ?, ?)", (sample_id, kind, to_json(content))
    )


def _write_history(
    connection: sqlite3.Connection, before: ProjectState, after: ProjectState
) -> None:
    same = 0
    for old, new in zip(before.history, after.history, strict=False):
        if old is not new:
            break
        same += 1
    if same < len(before.history):
        connection.execute("DELETE FROM history WHERE position >= ?", (same,))
    connection.executemany(
        "INSERT INTO history VALUES(?, ?, ?)",
        [
            (position, _text(action.title), _text(action.line))
            for position, action in enumerate(after.history[same:], same)
        ],
    )


def _write_spectrum(connection: sqlite3.Connection, entry: SpectrumEntry, known: set[str]) -> None:
    spectrum = entry.spectrum
    arrays = (spectrum.x, spectrum.y, spectrum.y_imaginary)
    digests = _digests.get(spectrum)
    if digests is None:
        digests = tuple(None if a is None else _digest(_bytes(a)) for a in arrays)
        _digests[spectrum] = digests
    for digest, array in zip(digests, arrays, strict=True):
        if digest is not None and digest not in known:
            connection.execute("INSERT OR IGNORE INTO arrays VALUES(?, ?)", (digest, _bytes(array)))
            known.add(digest)
    chain = None if entry.chain is None else to_json(entry.chain.to_dict())
    peaks = None if entry.peaks is None else to_json([p.to_dict() for p in entry.peaks])
    analysis = None if entry.analysis is None else to_json(entry.analysis.to_dict())
    connection.execute(
        f"INSERT OR REPLACE INTO spectra(id, {_SPECTRUM_COLUMNS}) VALUES({'?, ' * 15}?)",
        (
            entry.id, str(spectrum.technique), spectrum.x_unit, _text(spectrum.y_unit),
            spectrum.kind, _text(spectrum.title), _text(spectrum.source.path),
            _text(spectrum.source.block), *digests, to_json(dict(spectrum.metadata)),
            to_json(list(spectrum.warnings)), chain, peaks, analysis,
        ),
    )  # fmt: skip


def _delete(connection: sqlite3.Connection, table: str, ids: Iterable[int]) -> None:
    connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(i,) for i in ids])


def _text(text: str | None) -> str | None:
    """Text that SQLite takes: bytes that were no text in a file's name become question marks."""
    return None if text is None else str(text).encode("utf-8", "replace").decode("utf-8")


def _bytes(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array, dtype="<f8").tobytes()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# reading


class BrokenProjectError(Exception):
    """The database is no whole project; the text says what was found."""


def be_wary(connection: sqlite3.Connection) -> None:
    """Let a connection run nothing that a file brings along, nor stumble over its text."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.text_factory = lambda data: data.decode("utf-8", "replace")


def check(connection: sqlite3.Connection, size: int) -> int:
    """The format version of a project of ``size`` bytes; raises ``BrokenProjectError``."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise BrokenProjectError("an SQLite database of another program")
    if version > FORMAT_VERSION:
        raise BrokenProjectError(
            f"format {version}, which a newer SpecGUI has written (this one reads up to "
            f"{FORMAT_VERSION}): update SpecGUI to open it"
        )
    if version < 1:
        raise BrokenProjectError(f"format {version}, which there never was")
    # Nothing in it may compute: a view or a trigger would be a stranger's program.
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    for kind, name, sql in rows:
        if kind not in ("table", "index") or "VIRTUAL" in str(sql).upper():
            raise BrokenProjectError(f"a {kind} {str(name)[:40]!r} that no project has")
    tables = {name for kind, name, _ in rows if kind == "table"}
    missing = [name for name in TABLES if name not in tables]
    if version < 2 and "predictions" in missing:
        missing.remove("predictions")
    if missing:
        raise BrokenProjectError(f"no table {', '.join(missing)}")
    (total,) = connection.execute("SELECT total(length(data)) FROM arrays").fetchone()
    if total > size:
        raise BrokenProjectError(f"{total:.0f} bytes of arrays in a file of {size}")
    return version


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables of an older version to this one, within the caller's transaction."""
    for step in range(version, FORMAT_VERSION):
        for statement in _MIGRATIONS[step].split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")


def read_meta(connection: sqlite3.Connection) -> dict[str, Any]:
    """The values of :func:`write_meta`; those that are broken are left out."""
    values = {}
    for key, value in connection.execute("SELECT key, value FROM meta"):
        try:
            values[key] = from_json(value)
        except ValueError:
            continue
    return values


def read_state(connection: sqlite3.Connection, size: int) -> tuple[ProjectState, list[str]]:
    """The state, and a sentence for each part that is damaged and was left out.

    Raises ``BrokenProjectError`` and ``sqlite3.Error`` when nothing can be read.
    """
    meta = read_meta(connection)
    problems: list[str] = []
    samples: dict[int, SampleEntry] = {}
    reading = _Reading(connection, _SPREAD * size + _SLACK)
    rows = connection.execute(
        "SELECT id, number, name, structure, spectra, assignments, runs FROM samples ORDER BY id"
    )
    for row in _surviving(rows, "samples", problems):
        try:
            sample = _read_sample(row, reading, problems)
        except _SENSELESS as error:
            problems.append(f"sample {str(row[2])[:60]!r} is damaged and left out: {error}")
            continue
        samples[sample.id] = sample
    entries_2d = project_database_2d.read_all(connection, _surviving, reading.data, problems)
    for sample_id in samples.keys() & entries_2d.keys():
        samples[sample_id] = replace(samples[sample_id], spectra_2d=entries_2d[sample_id])
    order = [i for i in _numbers(meta.get("order")) if i in samples]
    ordered = [samples[i] for i in dict.fromkeys((*order, *samples))]
    rows = connection.execute("SELECT title, line FROM history ORDER BY position")
    history = [Action(str(t), str(line)) for t, line in _surviving(rows, "history", problems)]
    last = max([0, *(s.number for s in ordered), *_numbers([meta.get("numbered", 0)])])
    return ProjectState(tuple(ordered), tuple(history), last), problems


def read_predictions(connection: sqlite3.Connection) -> dict[int, dict[str, Any]]:
    """What verbs said, by sample id and kind; a broken one is left out: it can be made again."""
    found: dict[int, dict[str, Any]] = {}
    rows = connection.execute("SELECT sample, kind, content FROM predictions")
    for sample_id, kind, content in _surviving(rows, "predictions", []):
        try:
            found.setdefault(int(sample_id), {})[str(kind)] = from_json(content)
        except _SENSELESS:
            continue
    return found


class _Reading:
    """Reads spectra by their ids, each once, within a bound of memory."""

    def __init__(self, connection: sqlite3.Connection, most_bytes: int) -> None:
        self._connection = connection
        self._left = most_bytes
        self._seen: set[int] = set()

    def spectrum(self, spectrum_id: int) -> SpectrumEntry:
        """Raises ``ValueError`` for one that is damaged, missing or in two samples."""
        if spectrum_id in self._seen:
            raise ValueError("it is in two places")
        self._seen.add(spectrum_id)
        try:
            row = self._connection.execute(
                f"SELECT {_SPECTRUM_COLUMNS} FROM spectra WHERE id = ?", (spectrum_id,)
            ).fetchone()
            return self._entry(spectrum_id, row)
        except DAMAGED as error:
            raise ValueError(str(error)) from error
        except ValueError:
            raise
        except _SENSELESS as error:
            raise ValueError(f"a value that makes no sense ({error})") from error

    def _entry(self, spectrum_id: int, row: tuple | None) -> SpectrumEntry:
        if row is None:
            raise ValueError("it is missing")
        technique, x_unit, y_unit, kind, title, path, block, *digests, about, warnings = row[:12]
        x, y, imaginary = (None if d is None else self._array(d) for d in digests)
        spectrum = Spectrum(
            technique, x, y, x_unit, str(y_unit), kind, str(title), Source(str(path), str(block)),
            from_json(about), tuple(map(str, from_json(warnings))), imaginary,
        )  # fmt: skip
        return SpectrumEntry(
            spectrum_id, spectrum, _chain(row[12]), _peaks(row[13]), _analysis(row[14])
        )

    def _array(self, digest: str) -> np.ndarray:
        data = self.data(digest)
        if len(data) % 8:
            raise ValueError("its data are missing")
        return np.frombuffer(data, "<f8")

    def data(self, digest: str) -> bytes:
        """The bytes of an array, checked; raises ``ValueError`` for one that is damaged."""
        found = self._connection.execute(
            "SELECT data FROM arrays WHERE digest = ?", (digest,)
        ).fetchone()
        data = found[0] if found else None
        if not isinstance(data, bytes):
            raise ValueError("its data are missing")
        self._left -= len(data)
        if self._left < 0:
            raise BrokenProjectError("spectra that are many times larger than the file")
        if _digest(data) != digest:
            raise ValueError("its data do not have the checksum that was written with them")
        return data


def _read_sample(row: tuple, reading: _Reading, problems: list[str]) -> SampleEntry:
    sample_id, number, name, structure, spectra, assignments, runs = row
    entries = []
    for position, spectrum_id in enumerate(_numbers(json.loads(spectra)), 1):
        try:
            entries.append(reading.spectrum(spectrum_id))
        except ValueError as error:
            problems.append(
                f"spectrum {position} of {str(name)[:60]!r} is damaged and left out: {error}"
            )
    ids = {entry.id for entry in entries}
    assigned = []
    for one in json.loads(assignments):
        entry = Assignment.from_json(one)
        if entry is not None and entry.spectrum in ids:
            assigned.append(entry)
    known = tuple(RunEntry(int(run_id), str(path)) for run_id, path in json.loads(runs))
    return SampleEntry(
        int(sample_id), str(name), tuple(entries), None if structure is None else str(structure),
        tuple(assigned), int(number), known,
    )  # fmt: skip


def _chain(text: str | None):
    if text is None:
        return None
    from engine.processing import Chain

    return Chain.from_dict(from_json(text))


def _peaks(text: str | None):
    if text is None:
        return None
    from engine.processing import Peak

    return tuple(
        Peak(float(p["position"]), float(p["height"]), float(p["width"])) for p in from_json(text)
    )


def _analysis(text: str | None):
    if text is None:
        return None
    from engine.processing import SignalAnalysis

    return SignalAnalysis.from_dict(from_json(text))


def _numbers(values: Any) -> list[int]:
    """The whole numbers of a list; anything else is none."""
    if not isinstance(values, (list, tuple)):
        return []
    return [v for v in values if isinstance(v, int) and not isinstance(v, bool)]


def _surviving(rows: Iterator[tuple], what: str, problems: list[str]) -> Iterator[tuple]:
    """Rows until a damaged page ends them, which is said."""
    try:
        yield from rows
    except DAMAGED as error:
        problems.append(f"some {what} are damaged and left out: {error}")
