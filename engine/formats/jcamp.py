"""JCAMP-DX files: IR, Raman, UV-Vis, NMR and mass spectra, FIDs, single or in LINK blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import jcamp_ntuples
from engine.formats.axis_units import (
    Axes,
    convert_optical,
    in_order,
    is_profile,
    technique_of,
    x_unit_of,
    y_unit_of,
)
from engine.formats.errors import FormatError, Only2DError
from engine.formats.jcamp_asdf import MAX_POINTS, TableError, decode_ordinates, decode_pairs
from engine.formats.jcamp_axis import DeclaredAxis, build_axis
from engine.formats.jcamp_metadata import metadata_of, structure_of
from engine.formats.jcamp_nmr import fid_metadata, observed_nucleus, shift_axis, turns_backwards
from engine.formats.jcamp_ntuples import Page, TwoDimensionalError
from engine.formats.jcamp_peaks import read_assignments
from engine.formats.jcamp_records import Block, Record, read_text, split_blocks
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Spectrum2D, Technique

MAX_SPECTRA = 10_000
"""Spectra that are read of one file."""

_EXPECTED = "a JCAMP-DX file (##TITLE= ...)"
_TABLES = ("XYDATA", "XYPOINTS", "PEAKTABLE", "PEAKASSIGNMENTS", "DATATABLE")
# Data types that JCAMP-DX knows and this program does not show.
_OTHER_DATA = re.compile(
    r"CHROMATOGRAM|INTERFEROGRAM|CYCLIC|VOLTAMM|THERMO|DIFFRACT|CIRCULAR DICHROISM|FLUORESC"
    r"|ISOTHERM|ELECTRON SPIN|\bESR\b|\bEPR\b|ION MOBILITY|TOXIC|EMISSION",
    re.IGNORECASE,
)
# Written by jcamp_writer: its labels are right, so no axis of its files is second-guessed.
TRUSTED_LABEL = "$SPECGUIAXES"


@dataclass
class _Table:
    """A data table of a block before its units are known."""

    page: Page
    sticks: bool
    peaks: list[dict[str, Any]] | None = None


def sniff(path: Path, head: bytes) -> float:
    """How surely this is JCAMP-DX: 1 with TITLE and JCAMP-DX among its first labels."""
    text = head.replace(b"\0", b"")[:4096].decode("latin-1").upper().lstrip("\ufeffÿþï»¿ \t\r\n")
    labels = {re.sub(r"[\s\-/_]", "", name) for name in re.findall(r"##([^=\r\n]{1,80})=", text)}
    if "TITLE" not in labels and not labels & {"JCAMPDX", "JCAMPCS"}:
        return 0.0
    if labels & {"JCAMPDX", "JCAMPCS"}:
        # Bruker's parameter files call themselves JCAMP-DX too, but hold parameters only.
        return 0.1 if "PARAMETER VALUES" in text.replace("_", " ") else 1.0
    return 0.9 if text.startswith(("##", "$$")) else 0.5


def read(path: Path) -> list[Spectrum]:
    """Every spectrum of a JCAMP-DX file, in the file's order.

    A block that cannot be read is named in the first spectrum's warnings. Raises ``FormatError``
    when no block can be read.
    """
    path = Path(path)
    blocks = split_blocks(read_text(path, _EXPECTED), path)
    structures = [s for s in map(structure_of, blocks) if s]
    spectra: list[Spectrum] = []
    failures: list[str] = []
    holding = [b for b in blocks if any(_is_table(r.label) for r in b.records)]
    points, only_2d = 0, True
    for block in holding:
        if len(spectra) >= MAX_SPECTRA or points > MAX_POINTS:
            failures.append(f"only the first {len(spectra)} spectra were read")
            break
        where = f"block {block.number}" if len(blocks) > 1 else ""
        try:
            # Factors and exponents may run over; what is not finite then is dropped with a warning.
            with np.errstate(all="ignore"):
                found, problems = _spectra_of(block, path, where)
        except ValueError as error:  # TableError, and what Spectrum refuses
            failures.append(f"{where}: {error}" if where else str(error))
            only_2d &= isinstance(error, TwoDimensionalError)
            continue
        spectra += found
        points += sum(map(len, found))
        failures += [f"{where}: {p}" if where else p for p in problems]
    if not spectra:
        if failures:
            kind = Only2DError if only_2d else FormatError
            raise kind(path, "a spectrum of one dimension", "; ".join(failures[:3]))
        kinds = ", ".join(sorted({b.get("DATATYPE") for b in blocks} - {""})) or "no data type"
        raise FormatError(path, "a JCAMP-DX block with data", f"none ({kinds})")
    if len(structures) == 1:
        spectra = [_with_structure(s, structures[0]) for s in spectra]
    if failures:
        shown = "; ".join(failures[:5]) + (" ..." if len(failures) > 5 else "")
        spectra[0] = spectra[0].with_warnings(f"not everything could be read: {shown}")
    return spectra


def _is_table(label: str) -> bool:
    return label in _TABLES


def _with_structure(spectrum: Spectrum, structure: dict[str, str]) -> Spectrum:
    from dataclasses import replace

    return replace(spectrum, metadata={**structure, **spectrum.metadata})


def _spectra_of(block: Block, path: Path, where: str) -> tuple[list[Spectrum], list[str]]:
    types = block.all("DATATYPE")
    named = " ".join(types)
    if _OTHER_DATA.search(named) and not any(technique_of(t) for t in types):
        raise TableError(f"data of the type {types[0][:60]!r}, which is not shown yet")
    problems: list[str] = []
    tables: list[_Table] = []
    if any(r.label == "NTUPLES" for r in block.records):
        pages, problems = jcamp_ntuples.read_pages(block)
        tables += [_Table(page, page.listed and not page.points) for page in pages]
    else:
        points = 0
        for record in block.records:
            if _is_table(record.label):
                if len(tables) >= MAX_SPECTRA or points > MAX_POINTS:
                    problems.append(f"only the first {len(tables)} tables were read")
                    break
                try:
                    tables.append(_read_table(block, record))
                    points += len(tables[-1].page.y)
                except TwoDimensionalError:
                    raise
                except TableError as error:
                    problems.append(str(error))
    spectra: list[Spectrum] = []
    for number, table in enumerate(tables, 1):
        place = where
        if len(tables) > 1:
            page = table.page.label or f"table {number}"
            place = f"{where}, {page}" if where else page
        try:
            spectra.append(_spectrum(block, table, Source(str(path), place)))
        except ValueError as error:
            problems.append(f"{table.page.label or 'the table'}: {error}")
    if not spectra:
        raise TableError("; ".join(problems[:3]) or "no data table")
    return spectra, problems


def _read_table(block: Block, record: Record) -> _Table:
    form = re.sub(r"[ ,\t]", "", record.table_format.upper())
    if not form:
        form = "(X++(Y..Y))" if record.label == "XYDATA" else "(XY..XY)"
    x_unit = (block.get("XUNITS") or block.get("XLABEL"))[:60]
    y_unit = (block.get("YUNITS") or block.get("YLABEL"))[:60]
    points = block.number_of("NPOINTS")
    count = round(points) if points is not None and points < 1e15 else None
    x_factor = block.number_of("XFACTOR") or 1.0
    y_factor = block.number_of("YFACTOR") or 1.0
    if "++" in form:
        table = decode_ordinates(record.table, count)
        declared = DeclaredAxis(
            block.number_of("FIRSTX"),
            block.number_of("LASTX"),
            block.number_of("DELTAX"),
            points,
            x_factor,
        )
        x, warnings = build_axis(table, declared)
        page = Page(x, table.y * y_factor, x_unit, y_unit, listed=False)
        page.warnings = table.warnings + warnings + _check_first_y(block, page.y, y_factor)
        return _Table(page, sticks=False)
    if record.label == "PEAKASSIGNMENTS" or re.match(r"\(XY[WM]*A\)", form):
        x, y, peaks = read_assignments(record.table, form)
        return _Table(Page(x * x_factor, y * y_factor, x_unit, y_unit, True), True, peaks)
    width = 3 if re.match(r"\(XY[A-Z]\.\.", form) else 2
    if not form.startswith("(") or not re.match(r"\(XY", form):
        raise TableError(f"a table of the unknown form {record.table_format[:40]!r}")
    pairs = decode_pairs(record.table, width, count)
    page = Page(pairs[:, 0] * x_factor, pairs[:, 1] * y_factor, x_unit, y_unit, listed=True)
    if count is not None and count != len(pairs):
        page.warnings.append(f"NPOINTS says {count} but the table holds {len(pairs)} points")
    if not x_factor == y_factor == 1.0 and _factors_do_not_apply(block, pairs):
        page.x, page.y = pairs[:, 0].copy(), pairs[:, 1].copy()
        page.warnings.append("XFACTOR and YFACTOR contradict FIRSTX and were not applied")
    return _Table(page, sticks=record.label == "PEAKTABLE")


def _factors_do_not_apply(block: Block, pairs: np.ndarray) -> bool:
    first, factor = block.number_of("FIRSTX"), block.number_of("XFACTOR")
    if first is None or not first or factor in (None, 0.0, 1.0):
        return False
    ends = pairs[[0, -1], 0]
    return (
        bool(np.isclose(ends, first, rtol=1e-4).any())
        and not np.isclose(ends * factor, first, rtol=1e-4).any()
    )


def _check_first_y(block: Block, y: np.ndarray, factor: float) -> list[str]:
    """FIRSTY against the data: a wrong YFACTOR shows here."""
    first = block.number_of("FIRSTY")
    if not first or not y[0] or factor == 1.0:
        return []
    ratio = y[0] / first
    # FIRSTY may be given before scaling, rounded to an integer, or in percent.
    known = (1.0, factor, 1 / factor, 100.0, 0.01)
    if any(abs(ratio / k - 1) < 0.05 for k in known) or abs(y[0] - first) <= 1:
        return []
    # Shimadzu writes the lowest ordinate there, cut to an integer.
    if first == int(block.number_of("MINY") or 0.0):
        return []
    return [f"FIRSTY says {first:.6g} but the first ordinate is {y[0]:.6g}"]


def _spectrum(block: Block, table: _Table, source: Source) -> Spectrum:
    page = table.page
    types = block.all("DATATYPE")
    trusted = bool(block.get(TRUSTED_LABEL))
    unit = x_unit_of(page.x_unit) if page.x_unit else None
    warnings = list(page.warnings)
    is_nmr = any(re.search(r"NMR|MAGNETIC RESONANCE", t, re.IGNORECASE) for t in types)
    is_nmr = is_nmr or bool(block.get(".OBSERVENUCLEUS", ".OBSERVEFREQUENCY"))
    if is_nmr:
        return _nmr_spectrum(block, table, source, unit, types, warnings)
    technique, said = _technique(types, unit, page.x, page.listed)
    warnings += said
    mass = technique.is_mass
    y_unit, percent = y_unit_of(page.y_unit)
    metadata = metadata_of(block, nmr=False, mass=mass)
    if mass:
        unit = "m/z"
        technique, said = _mass_stage(technique, metadata, block)
        warnings += said
        y_unit = "intensity"
    elif unit in (None, "Hz", "ppm", "m/z", "s", "ms", "us"):
        given = f"{page.x_unit!r}" if page.x_unit else "nothing"
        unit = "nm" if technique == Technique.UV_VIS else "1/cm"
        warnings.append(f"the x unit is given as {given}: taken for {unit}")
    axes = Axes(page.x, page.y, unit, y_unit, warnings=warnings)
    kind = "sticks" if table.sticks else "continuous"
    if mass:
        kind = _mass_kind(table, types)
    else:
        convert_optical(axes, technique, percent, trusted)
        _say_unknown_y(axes)
    if page.coordinate is not None:
        metadata.update(_page_coordinate(page.coordinate, mass))
    in_order(axes, kind, merge="sum" if mass else "first")
    if mass and (axes.x < 0).any():
        raise TableError("negative m/z")
    return _finish(block, technique, axes, kind, source, metadata, table.peaks)


def _finish(
    block: Block,
    technique: Technique,
    axes: Axes,
    kind: str,
    source: Source,
    metadata: dict[str, Any],
    peaks: list[dict[str, Any]] | None,
) -> Spectrum:
    if len(axes.x) == 0:
        raise TableError("no finite point in the table")
    if peaks:
        metadata["peaks"] = peaks
    title = " ".join(block.title.split())
    return Spectrum(
        technique, axes.x, axes.y, axes.x_unit, axes.y_unit, kind, title, source, metadata,
        tuple(dict.fromkeys(axes.warnings)), axes.y_imaginary,
    )  # fmt: skip


def _nmr_spectrum(
    block: Block,
    table: _Table,
    source: Source,
    unit: str | None,
    types: list[str],
    warnings: list[str],
) -> Spectrum:
    page = table.page
    metadata = metadata_of(block, nmr=True, mass=False)
    y_unit = "intensity"
    is_fid = unit in ("s", "ms", "us") or (unit is None and any("FID" in t.upper() for t in types))
    x = page.x
    if is_fid:
        x = x * {"ms": 1e-3, "us": 1e-6}.get(unit or "s", 1.0)
        axes = Axes(x, page.y, "s", y_unit, page.y_imaginary, warnings)
        in_order(axes, "fid")
        if len(axes.x) < 2 or axes.x[-1] <= axes.x[0]:
            raise TableError("a FID whose time does not rise")
        dwell = float(axes.x[-1] - axes.x[0]) / (len(axes.x) - 1)
        said_nucleus, said = observed_nucleus(block, None)
        found, doubts = fid_metadata(block, dwell, len(axes.x))
        axes.warnings += said + doubts
        reason = turns_backwards(block)
        if reason and axes.y_imaginary is not None and not block.get(TRUSTED_LABEL):
            axes.y_imaginary = -axes.y_imaginary
            axes.warnings.append(
                f"its imaginary part was negated because {reason}: the FID turns backwards"
            )
        metadata.update(found)
        if metadata.get("carrier_ppm") is None:
            axes.warnings.append(
                "the file does not say which shift its centre has: shifts count from there until "
                "the spectrum is referenced"
            )
        kind = "fid"
    else:
        if unit is None:
            unit = "Hz" if np.ptp(x) > 1000 else "ppm"
            axis = f"{page.x_unit!r}" if page.x_unit else "nothing"
            warnings.append(f"the x unit is given as {axis}: taken for {unit}")
        if unit not in ("Hz", "ppm"):
            raise TableError(f"an NMR axis in {page.x_unit!r}")
        x, said = shift_axis(block, x, unit)
        axes = Axes(x, page.y, "ppm", y_unit, page.y_imaginary, warnings + said)
        kind = "sticks" if table.sticks or _is_peak_list(page, block) else "continuous"
        in_order(axes, kind)
        said_nucleus, said = observed_nucleus(block, float(np.ptp(x)))
        axes.warnings += said
        reference = block.number_of("$SF")
        if reference and metadata.get("frequency_mhz"):
            metadata["spectrometer_reference_mhz"] = reference
    metadata["nucleus"] = said_nucleus
    if page.coordinate is not None and page.coordinate[0].upper() not in ("N", "PAGE NUMBER"):
        metadata.update(_page_coordinate(page.coordinate, False))
    technique = Technique.nmr(said_nucleus)
    return _finish(block, technique, axes, kind, source, metadata, table.peaks)


def _technique(
    types: list[str], unit: str | None, x: np.ndarray, listed: bool
) -> tuple[Technique, list[str]]:
    named = list(dict.fromkeys(t for t in map(technique_of, types) if t))
    if len(named) == 1:
        return named[0], []
    by_unit = {
        "1/cm": Technique.IR,
        "um": Technique.IR,
        "nm": Technique.UV_VIS,
        "m/z": Technique.MS,
    }
    if named:
        chosen = by_unit.get(unit or "", named[0])
        chosen = chosen if chosen in named else named[0]
        return chosen, [f"two data types are given ({', '.join(named)}): taken for {chosen}"]
    if unit in by_unit:
        chosen = by_unit[unit]
        return chosen, [f"no data type is given: taken for {chosen} because of the x unit"]
    if unit is None and not types and not listed and 300 < x.min() < x.max() < 16000:
        return Technique.IR, ["no data type is given: taken for IR because of the axis"]
    raise TableError(
        f"data of the type {(types or ['none'])[0][:60]!r} and an axis in {unit or 'no unit'}"
    )


_MS_MS = re.compile(r"ms ?/ ?ms|\bms[2-9]\b|product ion|daughter|tandem", re.IGNORECASE)


def _mass_stage(
    technique: Technique, metadata: dict[str, Any], block: Block
) -> tuple[Technique, list[str]]:
    level = block.number_of(".MSLEVEL", "$MSLEVEL", "MSLEVEL")
    mode = block.get(".SCANMODE", "$SCANMODE", ".MSMS", "SAMPLINGPROCEDURE", ".SCANTYPE")
    if technique == Technique.MS_MS or (level and level >= 2) or _MS_MS.search(mode):
        return Technique.MS_MS, []
    if "precursor_mz" in metadata and (level is None or level >= 2):
        return Technique.MS_MS, ["taken for MS/MS because a precursor ion is named"]
    return technique, []


def _mass_kind(table: _Table, types: list[str]) -> str:
    page = table.page
    if any("CONTINUOUS" in t.upper() for t in types):
        return "continuous"
    if table.sticks and not page.listed:
        return "sticks"
    steps = np.abs(np.diff(page.x))
    stepped = not page.listed and len(steps) > 0 and steps.min() < 0.4
    return "continuous" if stepped or is_profile(page.x) else "sticks"


def _is_peak_list(page: Page, block: Block) -> bool:
    """Whether NMR XYPOINTS are a peak list after all: few, and far from even."""
    steps = np.abs(np.diff(page.x))
    return (
        page.listed
        and page.y_imaginary is None
        and not block.get(TRUSTED_LABEL)
        and len(page.x) < 300
        and (len(steps) < 2 or float(steps.max()) > 3 * float(steps.min()))
    )


def _page_coordinate(coordinate: tuple[str, str, float], mass: bool) -> dict[str, Any]:
    name, unit, value = coordinate
    if mass or "RETENTION" in name.upper():
        if not re.search(r"TIME|^T$|RT", name.upper()):
            return {"page": value}
        return {"retention_time_s": value * 60 if "MIN" in unit.upper() else value}
    return {"row_coordinate": value, "row_coordinate_name": f"{name} ({unit})" if unit else name}


def _say_unknown_y(axes: Axes) -> None:
    known = ("absorbance", "transmittance", "reflectance", "intensity", "kubelka-munk")
    if axes.y_unit not in known:
        axes.warnings.append(
            f"the y unit {axes.y_unit!r} is kept as it is: heights are no absorbances"
        )


def read_2d(path: Path) -> list[Spectrum2D]:
    """The two-dimensional spectra of a file; see :mod:`jcamp_2d`."""
    from engine.formats import jcamp_2d

    return jcamp_2d.read(Path(path))


READER = Reader("JCAMP-DX", (".jdx", ".dx", ".jcamp", ".jcm"), sniff, read, read_2d)
