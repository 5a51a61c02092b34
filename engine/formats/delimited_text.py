"""Spectra in columns of text: CSV, TSV, blanks, decimal commas, with or without headers."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import (
    Axes,
    convert_optical,
    in_order,
    is_profile,
    technique_of,
    x_unit_of,
    y_unit_of,
)
from engine.formats.errors import FormatError
from engine.formats.jcamp_records import first_number, read_text
from engine.formats.reader import Reader
from engine.formats.table_guess import guess_technique, usual_x_unit, usual_y_unit
from engine.spectra import Source, Spectrum, Technique

_EXPECTED = "a text file with columns of numbers"
_MAX_BYTES = 64 << 20
_MAX_LINE = 1 << 20
_ROWS_AT_ONCE = 1 << 16
_MAX_COLUMNS = 1024
_MAX_VALUES = 3_000_000
_SAMPLE = 1 << 18
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d{1,3})?"
_IS_NUMBER = re.compile(rf"{_NUMBER}$")
_COMMA_NUMBER = re.compile(r"[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d{1,3})?$")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d*$")
_MISSING = frozenset(("", "nan", "na", "n/a", "-", "null", "none", "inf", "-inf", "#n/a", "?"))
_SETTING = re.compile(r"^[#;%!/* \t]*([A-Za-z][\w .()/-]{1,40}?)\s*[:=,\t]\s*(.+)$")
_TEXT_SETTINGS = {
    "solvent": "solvent", "instrument": "instrument", "formula": "formula", "smiles": "smiles",
    "name": "name", "polarity": "polarity", "adduct": "adduct",
}  # fmt: skip
_NUMBER_SETTINGS = {
    "frequency mhz": "frequency_mhz", "frequency (mhz)": "frequency_mhz",
    "temperature k": "temperature_k", "precursor mz": "precursor_mz",
    "precursor m/z": "precursor_mz", "retention time s": "retention_time_s",
}  # fmt: skip


@dataclass
class _Columns:
    """The numbers of a text file and the words before them."""

    values: np.ndarray  # (rows, columns), NaN where a field is empty
    names: list[str]
    preamble: list[str]
    warnings: list[str] = field(default_factory=list)
    before: int = 0  # columns of the file to the left of these


def sniff(path: Path, head: bytes) -> float:
    """0.2 to 0.4 for lines of two or more numbers, so that every specific format wins.

    0.9 for a table that names its technique first, as those that this program writes.
    """
    if not head or (b"\0" in head[:1024] and head[:2] not in (b"\xff\xfe", b"\xfe\xff")):
        return 0.0
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
    lines = [line.strip() for line in head.decode(encoding, "ignore").splitlines() if line.strip()]
    # The last line of the head may be cut.
    lines = lines[:-1] if len(lines) > 1 and len(head) >= 4096 else lines
    numeric = [line for line in lines if len(_plain_numbers(line)) >= 2]
    if not numeric:
        return 0.0
    if lines[0].lower().lstrip("\ufeffï»¿").startswith("# technique:"):
        return 0.9
    share = len(numeric) / len(lines)
    known = path.suffix.lower() in READER.suffixes
    if share > 0.7:
        return 0.4 if known else 0.35
    return 0.3 if known and len(numeric) >= 2 else 0.2 if len(numeric) >= 5 else 0.0


def _plain_numbers(line: str) -> list[str]:
    """The fields of a line that holds nothing but numbers, else an empty list."""
    if '"' in line:
        line = re.sub(r'"([^"]*)"', _unquoted, line)
    fields = [f.strip("\" '") for f in re.split(r"[;\t ]+|,(?=\s*[^\d\s]|\d+\.|\s|\d)", line)]
    fields = [f for f in fields if f]
    if all(_IS_NUMBER.match(f) or _COMMA_NUMBER.match(f) for f in fields):
        return fields
    return []


def _unquoted(found: re.Match[str]) -> str:
    text = found.group(1)
    return text.replace(",", "" if _THOUSANDS.match(text) else ".")


def read(path: Path, technique: str | None = None) -> list[Spectrum]:
    """The spectra of a text table: the first column is x, each further one a spectrum.

    ``technique`` says what it is; without it header words, then the range of the axis decide, and
    the first warning says so. Raises ``FormatError`` when there is no table of numbers or nothing
    tells what it is, ``ValueError`` for an unknown technique.
    """
    path = Path(path)
    wanted = Technique(technique) if technique is not None else None
    text = read_text(path, _EXPECTED, _MAX_BYTES)
    spectra: list[Spectrum] = []
    tables = _tables(_parse(text, path))
    for table in tables:
        spectra += _read_table(path, table, wanted, len(tables) > 1)
    if not spectra:
        raise FormatError(path, _EXPECTED, "no column with finite ordinates")
    return spectra


def _tables(table: _Columns) -> list[_Columns]:
    """The columns grouped behind their axes: a running number before the axis is left out.

    UV-Vis programs repeat the axis before every spectrum: "Wavelength, Abs, Wavelength, Abs".
    """
    names = table.names if len(table.names) == table.values.shape[1] else []
    if not names:
        return [table]
    first = 0
    x = table.values[:, 0]
    if x_unit_of(names[0]) is None and len(x) > 1 and (np.diff(x) == 1).all():
        axes = [i for i in range(1, len(names) - 1) if x_unit_of(names[i])]
        shifts = [i for i in axes if x_unit_of(names[i]) == "1/cm"]
        first = (shifts or axes or [0])[0]
    again = [
        i for i in range(first + 1, len(names) - 1) if names[i].lower() == names[first].lower()
    ]
    starts = [first, *again] if x_unit_of(names[first]) else [first]
    tables = []
    for start, stop in zip(starts, [*starts[1:], len(names)], strict=True):
        values = table.values[:, start:stop]
        values = values[np.isfinite(values[:, 0])]
        if len(values) and stop - start > 1:
            part = replace(table, values=values, names=names[start:stop], before=start)
            tables.append(part)
    return tables or [table]


def _read_table(
    path: Path, table: _Columns, wanted: Technique | None, numbered: bool
) -> list[Spectrum]:
    settings, metadata = _settings(table.preamble)
    x = table.values[:, 0]
    if not np.isfinite(x).any():
        raise FormatError(path, _EXPECTED, "a first column without finite numbers")
    words = " ".join([*table.preamble, *table.names])
    x_name = table.names[0] if table.names else ""
    unit = x_unit_of(x_name) if x_name else None
    if unit is None:
        unit = next((u for u in map(x_unit_of, _axis_words(table.preamble)) if u), None)
    warnings = list(table.warnings)
    chosen = wanted
    if chosen is None and "technique" in settings:
        chosen = _named(settings["technique"])
    if chosen is None:
        y = table.values[:, 1][np.isfinite(table.values[:, 1])]
        chosen, reason = guess_technique(
            x, unit, words, " ".join(table.names[1:]) or words, float(y.max(initial=0.0))
        )
        if chosen is None:
            raise FormatError(
                path, "an axis or header that names IR, Raman, UV-Vis, NMR or MS", reason
            )
        warnings.insert(0, f"taken for {chosen} because {reason}")
    names = table.names if len(table.names) == table.values.shape[1] else []
    used = [
        i
        for i in range(1, table.values.shape[1])
        if not names
        or not (names[i].lower() == "imaginary" or _is_side_column(names[i], chosen, i))
    ]
    spectra: list[Spectrum] = []
    column = 1
    while column < table.values.shape[1]:
        name = names[column] if names else ""
        imaginary = None
        if names and column + 1 < len(names) and names[column + 1].lower() == "imaginary":
            imaginary = table.values[:, column + 1]
        elif not table.names and chosen.is_nmr and table.values.shape[1] == 3:
            # MestReNova writes shift, real and imaginary part, without a header.
            imaginary = table.values[:, 2]
            used = [1]
            warnings.append("the third column was taken for the imaginary part")
        several = numbered or len(used) > 1
        if not _is_side_column(name, chosen, column):
            spectrum = _spectrum(
                path, table, chosen, unit, column, name, imaginary, several, settings, metadata,
                warnings,
            )  # fmt: skip
            if spectrum is not None:
                spectra.append(spectrum)
        column += 1 if imaginary is None else 2
    return spectra


def _named(text: str) -> Technique | None:
    try:
        return Technique(text.strip())
    except ValueError:
        return technique_of(text)


def _axis_words(preamble: list[str]) -> list[str]:
    """Those preamble lines that speak of an axis or a unit."""
    pattern = r"(?i)\b(?:x[ _-]?(?:units?|axis|label)|wave|m/z|ppm|cm-1|1/cm|raman shift)\b"
    return [
        re.sub(r"(?i)^.*?x[ _-]?(?:units?|axis|label)\W*", "", line)
        for line in preamble
        if re.search(pattern, line) and len(line) < 200
    ]


_SIDE = re.compile(r"(?i)^(?:s/?n|res(?:olution|\.)?|width|fwhm|charge|z|noise|no\.?|#)\s*$")
_OTHER_HEIGHT = re.compile(r"(?i)^(?:i ?%|rel.*%|area)\s*$")


def _is_side_column(name: str, technique: Technique, column: int) -> bool:
    """Whether a column of a mass list says something about the peaks besides their heights."""
    if not technique.is_mass:
        return False
    name = name.strip()
    return bool(_SIDE.match(name)) or (column > 1 and (not name or bool(_OTHER_HEIGHT.match(name))))


def _parse(text: str, path: Path) -> _Columns:
    if text.count("\n") > _MAX_VALUES // 2:
        raise FormatError(path, f"at most {_MAX_VALUES // 2} lines", "more")
    lines = text.split("\n")
    if max(map(len, lines)) > _MAX_LINE:
        raise FormatError(path, _EXPECTED, f"a line of more than {_MAX_LINE} characters")
    split, decimal_comma, start = _dialect(lines, path)
    rows: list[list[float]] = []
    parts: list[np.ndarray] = []
    width = skipped = count = 0
    for line in lines[start:]:
        line = line.strip()
        if not line or line[0] in "#;%!":
            continue
        row = _row(split(line), decimal_comma)
        if row is None or len(row) < 2:
            skipped += 1
            continue
        if len(row) > _MAX_COLUMNS:
            raise FormatError(path, f"at most {_MAX_COLUMNS} columns", f"{len(row)}")
        rows.append(row)
        count += len(row)
        if count > _MAX_VALUES:
            raise FormatError(path, f"at most {_MAX_VALUES} numbers", "more")
        if len(rows) == _ROWS_AT_ONCE:
            width = width or _usual_width(rows)
            parts.append(_rectangle(rows, width))
            rows = []
    if not rows and not parts:
        raise FormatError(path, _EXPECTED, "no line with two numbers")
    width = width or _usual_width(rows)
    if rows:
        parts.append(_rectangle(rows, width))
    values = np.concatenate(parts)
    full = ~np.isnan(values).all(axis=0)
    full[:2] = True
    preamble = [line.strip() for line in lines[:start] if line.strip()][:200]
    names: list[str] = []
    if preamble:
        candidate = [n.strip().strip("\"'") for n in split(preamble[-1].lstrip("#%!*/ \t"))]
        while candidate and not candidate[-1]:
            candidate.pop()
        if len(candidate) >= width and any(re.search("[A-Za-zδ%]", n) for n in candidate):
            names = candidate[:width]
        elif not _SETTING.match(preamble[-1]):
            # Names with blanks in them, in a file whose columns blanks separate.
            wide = re.split(r"\t|\s{2,}|[,;]", preamble[-1].lstrip("#%!*/ "))
            names = [n.strip() for n in wide] if len(wide) == width else []
    if names:
        preamble = preamble[:-1]
        names = [n for n, keep in zip(names, full, strict=True) if keep]
    warnings = []
    if skipped:
        lines_were = "1 line" if skipped == 1 else f"{skipped} lines"
        warnings.append(f"{lines_were} between or after the numbers left out")
    if decimal_comma:
        warnings.append("commas were taken for decimal points")
    return _Columns(values[:, full], names, preamble, warnings)


def _usual_width(rows: list[list[float]]) -> int:
    return max(2, int(np.median([len(row) for row in rows[:1000]])))


def _rectangle(rows: list[list[float]], width: int) -> np.ndarray:
    """The rows as ``(len(rows), width)``, NaN where a row is short."""
    if all(len(row) == width for row in rows):
        return np.array(rows)
    values = np.full((len(rows), width), np.nan)
    for index, row in enumerate(rows):
        values[index, : min(len(row), width)] = row[:width]
    return values


def _dialect(lines: list[str], path: Path):
    """How fields are separated, whether commas are decimal points, the first numeric line."""
    tried = (
        ("\t", False), (";", False), (",", False), (None, False),
        ("\t", True), (";", True), (None, True), (",", True),
    )  # fmt: skip
    best, best_score = None, (0, 0.0, 0)
    sample: list[str] = []
    seen = 0
    for line in lines[:4000]:
        seen += len(line)
        if seen > _SAMPLE and len(sample) > 100:
            break
        sample.append(line.strip())
    for separator, decimal_comma in tried:
        split = _splitter(separator)
        start, count, columns = None, 0, 0
        for index, line in enumerate(sample):
            if not line or line[0] in "#;%!" or (separator and separator not in line):
                continue
            values = _row(split(line), decimal_comma)
            if values is not None and len(values) >= 2:
                start = index if start is None else start
                count += 1
                columns = max(columns, len(values))
        # Of two readings that take as many lines, integer pairs "15,10" are two columns.
        score = (count, -tried.index((separator, decimal_comma)) / 10, columns)
        if start is not None and score > best_score:
            best, best_score = (split, decimal_comma, start), score
    if best is None:
        found = "no line with two numbers" if any(sample) else "an empty file"
        raise FormatError(path, _EXPECTED, found)
    return best


def _splitter(separator: str | None):
    if separator is None:
        return str.split

    def split(line: str) -> list[str]:
        line = line.rstrip(separator + " \t")
        if '"' not in line:
            return line.split(separator)
        try:
            return next(csv.reader([line], delimiter=separator))
        except (csv.Error, StopIteration):
            return line.split(separator)

    return split


def _row(fields: list[str], decimal_comma: bool) -> list[float] | None:
    """The numbers of a line's fields, or None if one of them is no number."""
    values = []
    for text in fields:
        text = text.strip().strip("\"'")
        if _THOUSANDS.match(text) and not decimal_comma:
            text = text.replace(",", "")
        if decimal_comma:
            if not _COMMA_NUMBER.match(text) and text.lower() not in _MISSING:
                return None
            text = text.replace(",", ".")
        if _IS_NUMBER.match(text):
            values.append(float(text.replace("D", "E").replace("d", "e")))
        elif text.lower() in _MISSING:
            values.append(float("nan"))
        else:
            return None
    if not values or np.isnan(values[0]):
        return None
    return values


def _settings(preamble: list[str]) -> tuple[dict[str, str], dict[str, Any]]:
    settings: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    for line in preamble:
        found = _SETTING.match(line)
        if not found:
            continue
        key = found.group(1).strip().lower().replace("_", " ")
        value = found.group(2).strip().strip(",;\"' \t")
        settings.setdefault(key, value)
        if key in _TEXT_SETTINGS and value:
            metadata[_TEXT_SETTINGS[key]] = value
        elif key in _NUMBER_SETTINGS:
            number = first_number(value)
            if number is not None:
                metadata[_NUMBER_SETTINGS[key]] = number
    return settings, metadata


def _spectrum(
    path: Path,
    table: _Columns,
    technique: Technique,
    unit: str | None,
    column: int,
    name: str,
    imaginary: np.ndarray | None,
    several: bool,
    settings: dict[str, str],
    metadata: dict[str, Any],
    warnings: list[str],
) -> Spectrum | None:
    x, y = table.values[:, 0], table.values[:, column]
    if not (np.isfinite(x) & np.isfinite(y)).any():
        return None
    y_words = (
        name or settings.get("yunits") or settings.get("y units") or settings.get("y axis", "")
    )
    y_unit, percent = y_unit_of(y_words) if y_words else ("", False)
    own = settings.get("technique") is not None and settings.get("kind") is not None
    kind = settings["kind"] if own and settings["kind"] in ("continuous", "sticks", "fid") else None
    known = ("transmittance", "absorbance", "reflectance", "intensity", "kubelka-munk")
    if not own and y_unit not in known and "mol" not in y_unit:
        # A column's name is a sample's more often than a unit; the preamble may name one.
        spoken = [y_unit_of(line) for line in table.preamble if len(line) < 80]
        y_unit, percent = next((s for s in spoken if s[0] in known[:3]), ("", False))
    axes = Axes(x, y, unit or usual_x_unit(technique), y_unit, imaginary, list(warnings))
    if technique.is_vibrational or technique == Technique.UV_VIS:
        if axes.x_unit not in ("1/cm", "nm", "um"):
            axes.x_unit = usual_x_unit(technique)
        if not axes.y_unit:
            axes.y_unit = usual_y_unit(technique, axes)
        convert_optical(axes, technique, percent, trusted=own)
    else:
        axes.y_unit = axes.y_unit or "intensity"
        _convert_other_x(axes, technique, metadata)
    if kind is None:
        kind = "continuous"
        if axes.x_unit == "s":
            kind = "fid"
        elif technique.is_mass and not is_profile(axes.x):
            kind = "sticks"
    in_order(axes, kind, merge="sum" if technique.is_mass else "first")
    if len(axes.x) == 0:
        return None
    title = settings.get("title", "")
    if several and name and not own:
        title = f"{title} {name}".strip()
    if technique.is_nmr:
        metadata = {**metadata, "nucleus": technique.nucleus}
    return Spectrum(
        technique, axes.x, axes.y, axes.x_unit, axes.y_unit, kind, title or path.stem,
        Source(str(path), f"column {table.before + column + 1}" if several else ""), metadata,
        tuple(dict.fromkeys(axes.warnings)), axes.y_imaginary,
    )  # fmt: skip


def _convert_other_x(axes: Axes, technique: Technique, metadata: dict[str, Any]) -> None:
    if technique.is_mass:
        axes.x_unit = "m/z"
        return
    if axes.x_unit in ("ms", "us"):
        axes.x = axes.x * {"ms": 1e-3, "us": 1e-6}[axes.x_unit]
        axes.x_unit = "s"
    if axes.x_unit == "Hz":
        frequency = metadata.get("frequency_mhz")
        if frequency and 0 < frequency < 2500:
            axes.x, axes.x_unit = axes.x / frequency, "ppm"
            axes.warnings.append("0 ppm was put at 0 Hz of the file's axis")
        else:
            raise FormatError("text", "frequency_mhz beside an axis in Hz", "none")
    if axes.x_unit not in ("ppm", "s"):
        axes.x_unit = "ppm"


READER = Reader(
    "Delimited text", (".csv", ".txt", ".tsv", ".dpt", ".xy", ".asc", ".dat", ".prn"), sniff, read
)
