"""Two-dimensional NMR in JCAMP-DX: NTUPLES whose pages are rows over a second shift or time.

JCAMP-DX for NMR, versions 5.01 and 6 (P. Lampen et al.; "nD NMR SPECTRUM", "nD NMR FID").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of, x_unit_of
from engine.formats.errors import FormatError
from engine.formats.jcamp_asdf import MAX_POINTS, TableError
from engine.formats.jcamp_metadata import metadata_of
from engine.formats.jcamp_nmr import fid_metadata, observed_nucleus, shift_axis, turns_backwards
from engine.formats.jcamp_ntuples import (
    Page,
    cell,
    collect_pages,
    column_of,
    join_complex,
    read_page,
    two_dimensions,
)
from engine.formats.jcamp_records import Block, Record, first_number, read_text, split_blocks
from engine.formats.matrix import MAX_RAW_NUMBERS, MAX_SIDE, matrix_of_rows
from engine.formats.nmr_binary import indirect, processed_2d, raw_2d
from engine.spectra import Source, Spectrum2D, Technique

_EXPECTED = "a JCAMP-DX file (##TITLE= ...)"
_NTUPLES = re.compile(rb"^[ \t]*##[ \t]*N[ _\-/]?TUPLES", re.MULTILINE | re.IGNORECASE)
# .ACQUISITION SCHEME, longer words first.
_SCHEMES = (
    ("STATESTPPI", "States-TPPI"), ("ECHOANTIECHO", "Echo-AntiEcho"), ("TPPI", "TPPI"),
    ("STATES", "States"), ("HYPERCOMPLEX", "States"),
)  # fmt: skip

Pages = list[tuple[str, dict[str, list[str]], Record]]


def read(path: Path) -> list[Spectrum2D]:
    """The two-dimensional spectra of a file, in its order; none of a file that has no NTUPLES.

    Raises ``FormatError`` when there are such and none can be read.
    """
    if not _may_hold_pages(path):
        return []
    spectra: list[Spectrum2D] = []
    failures: list[str] = []
    blocks = split_blocks(read_text(path, _EXPECTED), path)
    for block in blocks:
        if not any(record.label == "NTUPLES" for record in block.records):
            continue
        where = f"block {block.number}" if len(blocks) > 1 else ""
        try:
            header, pages = collect_pages(block)
            if not two_dimensions(block, header, [name for name, _, _ in pages]):
                continue
            with np.errstate(all="ignore"):
                spectra.append(_spectrum(block, header, pages, Source(str(path), where)))
        except FormatError:
            raise
        except ValueError as error:  # TableError, and what Spectrum2D refuses
            failures.append(f"{where}: {error}" if where else str(error))
    if failures and not spectra:
        raise FormatError(path, "a two-dimensional spectrum", "; ".join(failures[:3]))
    if failures:
        spectra[0] = spectra[0].with_warnings(
            f"not everything could be read: {'; '.join(failures[:5])}"
        )
    return spectra


def _may_hold_pages(path: Path) -> bool:
    """Whether the word is in the file at all: most files are not to be taken apart twice."""
    before = b""
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            if _NTUPLES.search((before + chunk).replace(b"\0", b"").replace(b"\r", b"\n")):
                return True
            before = chunk[-64:]
    return False


def _spectrum(
    block: Block, header: dict[str, list[str]], pages: Pages, source: Source
) -> Spectrum2D:
    name, own, record = pages[0]
    first = read_page(name, header | own, record)
    symbol = name.partition("=")[0].strip()
    index = column_of(header, symbol)
    coordinates = np.array([first_number(n.partition("=")[2]) or 0.0 for n, _, _ in pages])
    unit = x_unit_of(cell(header, "UNITS", index) or cell(header, "VARNAME", index))
    if not 2 <= len(first.x) <= MAX_SIDE:
        raise TableError(f"rows of {len(first.x)} points")
    isotopes, warnings = _isotopes(block, header, symbol)
    if x_unit_of(first.x_unit) in ("s", "ms", "us"):
        return _raw(block, header, pages, source, first, coordinates, isotopes, warnings)
    seen = list(dict.fromkeys(n for n, _, _ in pages))
    if len(seen) < len(pages):
        # Real and imaginary pages of a row: the real ones are the spectrum.
        pages = [p for k, p in enumerate(pages) if k == 0 or p[0] != pages[k - 1][0]]
        coordinates = np.array([first_number(n.partition("=")[2]) or 0.0 for n, _, _ in pages])
    matrix = matrix_of_rows(_rows(header, pages, len(first.x), warnings), len(pages), len(first.x))
    x_unit = x_unit_of(first.x_unit)
    if x_unit not in ("Hz", "ppm"):
        raise TableError(f"an NMR axis in {first.x_unit!r}")
    x, found = shift_axis(block, first.x, x_unit)
    warnings += found
    metadata = metadata_of(block, nmr=True, mass=False)
    reference = block.number_of("$SF")
    if reference and metadata.get("frequency_mhz"):
        metadata["spectrometer_reference_mhz"] = reference
    metadata["nucleus"] = isotopes[0]
    y, technique_y, y_unit = coordinates[: len(pages)], None, unit or "row"
    own_metadata: dict[str, Any] = {}
    if unit in ("Hz", "ppm"):
        y, own_metadata, found = _indirect_shifts(block, y, unit, isotopes)
        technique_y, y_unit = Technique.nmr(isotopes[1]), "ppm"
        warnings += found
    if not (np.diff(y) > 0).all() and not (np.diff(y) < 0).all():
        y = np.arange(1.0, len(y) + 1)
        technique_y, y_unit = None, "row"
        warnings.append("the values of the second axis do not rise or fall: rows are numbered")
    places = np.arange(len(x)), np.arange(len(y))
    return processed_2d(
        Technique.nmr(isotopes[0]), technique_y, np.interp(matrix.columns, places[0], x),
        np.interp(matrix.rows, places[1], y), matrix.z, "ppm", y_unit,
        title=" ".join(block.title.split()), source=source,
        metadata=metadata | indirect({"nucleus": isotopes[1], **own_metadata}),
        warnings=tuple(dict.fromkeys([*matrix.warnings, *first.warnings, *warnings])),
    )  # fmt: skip


def _rows(
    header: dict[str, list[str]], pages: Pages, columns: int, warnings: list[str]
) -> Iterator[np.ndarray]:
    """The rows one by one, each ``(columns,)``; one that cannot be read is zeros, with a warning.

    Factors that a page has for itself are applied by it.
    """
    broken = other = 0
    # Repeat counts may ask for far more points than the rows have.
    left = MAX_POINTS + 4 * columns * len(pages)
    for name, own, record in pages:
        try:
            if left < 0:
                raise TableError("rows that are far longer than the first")
            y = read_page(name, header | own, record).y
            left -= len(y)
        except TableError:
            broken += 1
            y = np.zeros(columns)
        if len(y) != columns:
            other += 1
            y = np.pad(y[:columns], (0, max(0, columns - len(y))))
        yield y
    if broken == len(pages):
        raise TableError("no row that can be read")
    if broken:
        warnings.append(f"{broken} rows cannot be read and are zeros")
    if other:
        warnings.append(f"{other} rows have another length than the first: cut or filled")


def _isotopes(
    block: Block, header: dict[str, list[str]], symbol: str
) -> tuple[tuple[str, str], list[str]]:
    """The nuclei along x and y."""
    isotope, warnings = observed_nucleus(block, None)
    listed = [nucleus_of(text) for text in block.get(".NUCLEUS").split(",")]
    index = column_of(header, symbol)
    other = listed[index] if index is not None and index < len(listed) else None
    if other == isotope and len(listed) > 1:
        # Some list the direct axis first.
        other = next((found for found in listed if found and found != isotope), isotope)
    for label in ("$NUC1", "$AXNUC"):
        named = [nucleus_of(text) for text in block.all(label)]
        if other is None and len(named) > 1:
            other = named[1]
    if other is None:
        warnings.append(f"the nucleus of the second axis is not named: taken for {isotope}")
    return (isotope, other or isotope), warnings


def _numbers(block: Block, label: str) -> list[float]:
    return [n for n in map(first_number, block.all(label)) if n is not None]


def _reference_mhz(block: Block, isotopes: tuple[str, str]) -> float | None:
    """The frequency of 0 ppm along y: the second of its kind in the file."""
    for label in ("$SF", "$BF1"):
        found = [value for value in _numbers(block, label) if 0 < value < 2500]
        if len(found) > 1:
            return found[1]
        if found and isotopes[0] == isotopes[1]:
            return found[0]
    return block.number_of(".OBSERVEFREQUENCY") if isotopes[0] == isotopes[1] else None


def _indirect_shifts(
    block: Block, y: np.ndarray, unit: str, isotopes: tuple[str, str]
) -> tuple[np.ndarray, dict[str, Any], list[str]]:
    """Shifts of the second axis in ppm, what is known of it, and what is doubtful."""
    reference = _reference_mhz(block, isotopes)
    metadata = {"frequency_mhz": reference, "spectrometer_reference_mhz": reference}
    if unit == "ppm":
        return y, metadata, []
    if not reference:
        raise TableError("a second axis in Hz without its frequency")
    shifts = y / reference
    offsets = _numbers(block, "$OFFSET")
    if len(offsets) > 1 and abs(offsets[1]) < 1e4:
        return shifts + (offsets[1] - shifts.max()), metadata, []
    return shifts, metadata, []


def _raw(
    block: Block,
    header: dict[str, list[str]],
    pages: Pages,
    source: Source,
    first: Page,
    coordinates: np.ndarray,
    isotopes: tuple[str, str],
    warnings: list[str],
) -> Spectrum2D:
    if len(pages) * len(first.x) > MAX_RAW_NUMBERS:
        raise TableError(f"{len(pages)} rows of {len(first.x)} points: too many to transform")
    failures: list[str] = []
    read: list[Page] = []
    left = MAX_POINTS + 4 * len(first.x) * len(pages)
    for name, own, record in pages:
        read.append(read_page(name, header | own, record))
        left -= len(read[-1].y)
        if left < 0:
            raise TableError("rows that are far longer than the first")
    joined = join_complex(read, failures)
    if any(page.y_imaginary is None for page in joined):
        raise TableError("raw data without imaginary parts")
    columns = min(len(page.y) for page in joined)
    rows = np.stack([page.y[:columns] + 1j * page.y_imaginary[:columns] for page in joined])
    rows = np.nan_to_num(rows).astype(np.complex64)
    if turns_backwards(block):
        rows = np.conj(rows)
    scale = {"ms": 1e-3, "us": 1e-6}.get(x_unit_of(first.x_unit) or "s", 1.0)
    dwell = float(first.x[-1] - first.x[0]) / (len(first.x) - 1) * scale
    values = np.array([c for k, c in enumerate(coordinates) if k == 0 or c != coordinates[k - 1]])
    step = float(np.median(np.diff(values))) if len(values) > 1 else 0.0
    if dwell <= 0 or step <= 0:
        raise TableError("raw data whose times do not rise")
    scheme = re.sub(r"[^A-Z]", "", block.get(".ACQUISITIONSCHEME").upper())
    quadrature = next((name for word, name in _SCHEMES if word in scheme), "QF")
    # Each row of a pair may have a time of its own, half an increment after the other.
    alone = quadrature == "QF" or (quadrature != "TPPI" and len(values) < len(rows))
    metadata = metadata_of(block, nmr=True, mass=False)
    found, doubts = fid_metadata(block, dwell, columns)
    metadata |= {key: value for key, value in found.items() if key != "sweep_width_hz"}
    reference = _reference_mhz(block, isotopes)
    own: dict[str, Any] = {"frequency_mhz": reference, "spectrometer_reference_mhz": reference}
    observed = _numbers(block, "$SFO1")
    if reference and len(observed) > 1:
        own["carrier_ppm"] = (observed[1] - reference) / reference * 1e6
    elif isotopes[0] == isotopes[1]:
        own["carrier_ppm"] = metadata.get("carrier_ppm")
    return raw_2d(
        source, rows, isotopes, (1.0 / dwell, (1.0 if alone else 0.5) / step), quadrature,
        metadata | indirect(own), " ".join(block.title.split()), [*warnings, *doubts, *failures],
    )  # fmt: skip
