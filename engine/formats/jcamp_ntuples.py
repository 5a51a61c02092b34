"""JCAMP-DX NTUPLES: pages of several variables (complex FIDs and spectra, scans, series)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np

from engine.formats.jcamp_asdf import MAX_POINTS, TableError, decode_ordinates, decode_pairs
from engine.formats.jcamp_axis import DeclaredAxis, build_axis
from engine.formats.jcamp_records import Block, Record, first_number

MAX_ROWS = 64
MAX_PAGES = 5000

_COLUMNS = (
    "SYMBOL", "VARNAME", "VARTYPE", "VARFORM", "VARDIM", "UNITS", "FACTOR", "FIRST", "LAST",
)  # fmt: skip
_STEPPED = re.compile(r"\(\s*(\w+?)\s*\+\+\s*\(\s*(\w+?)\s*\.\.\s*\w+\s*\)\s*\)")
_LISTED = re.compile(
    r"\(\s*([A-Z]\d?)\s*,?\s*([A-Z]\d?)(?:\s*,?\s*([A-Z]\d?))?\s*\.\.", re.IGNORECASE
)
_INDIRECT = re.compile(
    r"cosy|hsqc|hmqc|hmbc|noesy|roesy|tocsy|hetcor|inadequate|jres", re.IGNORECASE
)


class TwoDimensionalError(TableError):
    """The data are a real two-dimensional spectrum."""


@dataclass
class Page:
    """One table in the units of the file: ``x`` and ``y`` ``(n,)``, the latter already scaled."""

    x: np.ndarray
    y: np.ndarray
    x_unit: str
    y_unit: str
    listed: bool
    label: str = ""
    y_imaginary: np.ndarray | None = None
    coordinate: tuple[str, str, float] | None = None  # name, unit and value of the page's variable
    warnings: list[str] = field(default_factory=list)
    symbol: str = ""
    points: bool = False  # listed as points of a curve, not as peaks


def read_pages(block: Block) -> tuple[list[Page], list[str]]:
    """The pages of an NTUPLES block, complex ones joined, and what was wrong with others.

    Raises ``TwoDimensionalError`` for a two-dimensional spectrum, ``TableError`` when no page can
    be read.
    """
    header, pages = collect_pages(block)
    _refuse_two_dimensions(block, header, [name for name, _, _ in pages])
    read: list[Page] = []
    failures: list[str] = []
    points = 0
    for name, own, record in pages:
        if points > MAX_POINTS or len(read) >= MAX_PAGES:
            failures.append(f"only the first {len(read)} pages were read")
            break
        try:
            read.append(read_page(name, header | own, record))
            points += len(read[-1].y)
        except TableError as error:
            failures.append(f"page {name or len(read) + 1}: {error}")
    if not read:
        raise TableError("; ".join(failures[:3]))
    return join_complex(read, failures), failures


def collect_pages(
    block: Block,
) -> tuple[dict[str, list[str]], list[tuple[str, dict[str, list[str]], Record]]]:
    """The columns of an NTUPLES block, and of each page its name, its own columns and its table.

    Raises ``TableError`` when there is no page.
    """
    start = next(i for i, r in enumerate(block.records) if r.label == "NTUPLES")
    header: dict[str, list[str]] = {}
    pages: list[tuple[str, dict[str, list[str]], Record]] = []
    page, own = "", {}
    seen_page = False
    for record in block.records[start + 1 :]:
        if record.label in ("ENDNTUPLES", "ENDTUPLES"):
            break
        if record.label == "PAGE":
            page, own, seen_page = record.text[:80], {}, True
        elif record.label in ("DATATABLE", "XYDATA", "PEAKTABLE"):
            pages.append((page, own, record))
            own = dict(own)
        elif record.label in (*_COLUMNS, "NPOINTS") and len(record.raw) < 100_000:
            values = [part.strip() for part in record.text.split(",")]
            if seen_page:
                own[record.label] = values
            else:
                header.setdefault(record.label, values)
    if not pages:
        raise TableError("NTUPLES without a DATA TABLE")
    return header, pages


def column_of(columns: dict[str, list[str]], symbol: str) -> int | None:
    symbols = [s.upper() for s in columns.get("SYMBOL", [])]
    return symbols.index(symbol.upper()) if symbol.upper() in symbols else None


def cell(columns: dict[str, list[str]], label: str, index: int | None) -> str:
    values = columns.get(label, [])
    return values[index][:60] if index is not None and index < len(values) else ""


def _refuse_two_dimensions(block: Block, header: dict[str, list[str]], names: list[str]) -> None:
    """Let series of one-dimensional rows pass (relaxation, diffusion), if they are few."""
    found = two_dimensions(block, header, names)
    if found:
        raise TwoDimensionalError(f"{found}, which are not used here")


def two_dimensions(block: Block, header: dict[str, list[str]], names: list[str]) -> str:
    """What two-dimensional data the pages are, ``""`` when they are a series of 1-D rows."""
    kinds = [kind.upper() for kind in header.get("VARTYPE", [])]
    if kinds.count("INDEPENDENT") < 2 and block.number_of("NUMDIM") != 2:
        return ""
    values = list(dict.fromkeys(names))
    rows = len(values)
    symbol = values[0].partition("=")[0].strip()
    unit = cell(header, "UNITS", column_of(header, symbol)).upper()
    what = f"two-dimensional data ({rows} rows over {symbol or 'the second axis'})"
    if rows > MAX_ROWS or "HZ" in unit or "PPM" in unit:
        return what
    coordinates = np.array([first_number(v.partition("=")[2]) or 0.0 for v in values])
    steps = np.diff(coordinates)
    even = len(steps) > 8 and steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-3)
    if even or _INDIRECT.search(block.get(".PULSESEQUENCE", "$PULPROG", "TITLE")):
        return what
    return ""


def read_page(name: str, columns: dict[str, list[str]], record: Record) -> Page:
    """One page by its columns; raises ``TableError``."""
    form = record.table_format
    stepped, listed = _STEPPED.search(form), _LISTED.search(form)
    if stepped:
        symbols = stepped.group(1), stepped.group(2)
    elif listed:
        symbols = listed.group(1), listed.group(2)
    else:
        raise TableError(f"a table of the form {form[:40]!r}")
    x_index, y_index = (column_of(columns, symbol) for symbol in symbols)
    if x_index is None or y_index is None:
        kinds = [kind.upper() for kind in columns.get("VARTYPE", [])]
        if x_index is None and "INDEPENDENT" in kinds:
            x_index = kinds.index("INDEPENDENT")
        if y_index is None and "DEPENDENT" in kinds:
            y_index = kinds.index("DEPENDENT")

    def number(label: str, index: int | None) -> float | None:
        return first_number(cell(columns, label, index))

    x_factor = number("FACTOR", x_index) or 1.0
    y_factor = number("FACTOR", y_index) or 1.0
    points = first_number(",".join(columns.get("NPOINTS", []))) or number("VARDIM", x_index)
    warnings: list[str] = []
    if stepped:
        table = decode_ordinates(record.table, round(points) if points else None)
        declared = DeclaredAxis(
            number("FIRST", x_index), number("LAST", x_index), None, points, x_factor
        )
        x, found = build_axis(table, declared)
        y = table.y * y_factor
        warnings += table.warnings + [s.replace("NPOINTS", "VAR_DIM") for s in found]
    else:
        width = 3 if listed.group(3) else 2
        pairs = decode_pairs(record.table, width, round(points) if points else None)
        x, y = pairs[:, 0] * x_factor, pairs[:, 1] * y_factor
        own_count = columns.get("NPOINTS")
        if own_count and points and round(points) != len(x):
            warnings.append(f"NPOINTS says {points:.10g} but the table holds {len(x)} points")
    page_symbol, _, page_value = name.partition("=")
    coordinate = first_number(page_value)
    page_index = column_of(columns, page_symbol.strip())
    return Page(
        x,
        y,
        cell(columns, "UNITS", x_index) or cell(columns, "VARNAME", x_index),
        cell(columns, "UNITS", y_index) or cell(columns, "VARNAME", y_index),
        listed=listed is not None and not stepped,
        label=name,
        coordinate=None
        if coordinate is None
        else (
            cell(columns, "VARNAME", page_index) or page_symbol.strip(),
            cell(columns, "UNITS", page_index),
            coordinate,
        ),
        warnings=warnings,
        symbol=symbols[1].upper(),
        points="XYPOINTS" in form.upper(),
    )


def join_complex(pages: list[Page], failures: list[str]) -> list[Page]:
    """Pages with those of imaginary points joined to the real ones before them."""
    joined: list[Page] = []
    for page in pages:
        if page.symbol != "I" or not joined or joined[-1].symbol != "R":
            joined.append(page)
            continue
        real = joined[-1]
        if real.y_imaginary is not None:
            joined.append(page)
            continue
        n = min(len(real.y), len(page.y))
        if len(real.y) != len(page.y):
            failures.append(
                f"page {page.label}: {len(page.y)} imaginary points for {len(real.y)} real ones, "
                f"{n} kept"
            )
        own = [s for s in page.warnings if s not in real.warnings]
        joined[-1] = replace(
            real, x=real.x[:n], y=real.y[:n], y_imaginary=page.y[:n], warnings=real.warnings + own
        )
    return joined
