"""Two-dimensional JEOL Delta files (``.jdf``): raw data and processed spectra.

Layout: JEOL's "Delta data format", version 1.2: blocks of numbers in tiles of 32 or 4 points, one
for each combination of real and imaginary along the two axes: real-real, then imaginary along x,
then both again imaginary along y. Where both axes share one complex number there are two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of
from engine.formats.errors import FormatError
from engine.formats.jeol import (
    COMPLEX,
    HEADER,
    MAGIC,
    REAL,
    SECOND,
    DeltaFile,
    group_delay_of,
    is_2d,
    metadata_of,
    open_file,
    shifts_of,
)
from engine.formats.matrix import MAX_NUMBERS, Matrix, read_matrix
from engine.formats.nmr_binary import indirect, positive, processed_2d, raw_2d
from engine.spectra import Source, Spectrum2D, Technique

_TPPI, _SHARED = 2, 4


def read(path: Path) -> list[Spectrum2D]:
    """The data of a file as one entry, none of a file of one dimension; raises ``FormatError``."""
    with path.open("rb") as stream:
        head = stream.read(HEADER)
    if head[:8] not in MAGIC or len(head) < HEADER or not is_2d(head):
        return []
    x, y = open_file(path, 0), open_file(path, 1)
    isotopes = [
        nucleus_of(axis.text(f"{name}_domain")) or nucleus_of(axis.axis_title)
        for axis, name in ((x, "x"), (y, "y"))
    ]
    if isotopes[0] is None:
        raise FormatError(path, "the observed nucleus (x_domain)", x.text("x_domain") or "none")
    metadata = metadata_of(x) | {"nucleus": isotopes[0]}
    if x.comment:
        metadata["comment"] = x.comment
    own = {"nucleus": isotopes[1], **_indirect(y)}
    if x.unit == SECOND:
        return [_raw(x, y, isotopes[0], isotopes[1] or isotopes[0], metadata, own)]
    return [_processed(x, y, (isotopes[0], isotopes[1]), metadata, own)]


def _indirect(y: DeltaFile) -> dict[str, Any]:
    """Frequencies along y, by the parameters that Delta has for it."""
    hertz = y.number("y_freq")
    base = y.base_mhz or positive(None if hertz is None else hertz * 1e-6, 2500)
    offset = y.number("y_offset")
    return {
        "frequency_mhz": base * (1 + (offset or 0.0) * 1e-6) if base else None,
        "spectrometer_reference_mhz": base,
        "carrier_ppm": offset if offset is not None and abs(offset) < 1e4 else None,
        "sweep_width_hz": positive(y.number("y_sweep")),
    }


def _section(x: DeltaFile, y: DeltaFile, number: int) -> Matrix:
    """One block of numbers, cut to the points that count."""
    if x.data < HEADER:
        raise FormatError(x.path, "points after the header", f"their place is {x.data}")
    shape = (-(-y.points // y.tile) * y.tile, -(-x.points // x.tile) * x.tile)
    size = shape[0] * shape[1] * x.dtype.itemsize
    stored = read_matrix(x.path, x.dtype, shape, (y.tile, x.tile), x.data + number * size)
    rows = (stored.rows >= y.first) & (stored.rows <= y.last)
    columns = (stored.columns >= x.first) & (stored.columns <= x.last)
    if not rows.any() or not columns.any():
        raise FormatError(x.path, "points in the part that counts", "none")
    return Matrix(
        np.ascontiguousarray(stored.z[rows][:, columns]), stored.columns[columns] - x.first,
        stored.rows[rows] - y.first, stored.warnings,
    )  # fmt: skip


def _processed(
    x: DeltaFile,
    y: DeltaFile,
    isotopes: tuple[str, str | None],
    metadata: dict[str, Any],
    own: dict[str, Any],
) -> Spectrum2D:
    real = _section(x, y, 0)
    z = real.z
    if x.axis_type == y.axis_type == _SHARED:
        # One complex number for both axes has no phase that suits both: its magnitude is shown.
        z = np.hypot(z, _section(x, y, 1).z)
    metadata["sweep_width_hz"] = x.number("x_sweep")
    base = metadata.get("spectrometer_reference_mhz")
    other = isotopes[1]
    if other is not None and y.unit != SECOND:
        values, unit = shifts_of(y, real.rows, own["spectrometer_reference_mhz"]), "ppm"
    else:
        values, unit, other = real.rows + 1.0, "row", None
    return processed_2d(
        Technique.nmr(isotopes[0]), Technique.nmr(other) if other else None,
        shifts_of(x, real.columns, base), values, z, "ppm", unit, title=x.title,
        source=Source(str(x.path)),
        metadata={k: v for k, v in metadata.items() if v is not None} | indirect(own),
        warnings=tuple(real.warnings),
    )  # fmt: skip


def _raw(
    x: DeltaFile,
    y: DeltaFile,
    isotope: str,
    other: str,
    metadata: dict[str, Any],
    own: dict[str, Any],
) -> Spectrum2D:
    if y.unit != SECOND:
        raise FormatError(x.path, "raw data along both axes", "data transformed along one")
    if x.axis_type not in (COMPLEX, _SHARED):
        raise FormatError(
            x.path, "complex points along the direct axis", f"Delta's type {x.axis_type}"
        )
    if x.points * y.points > MAX_NUMBERS:
        raise FormatError(
            x.path, f"at most {MAX_NUMBERS >> 20} million points",
            f"{x.points * y.points >> 20} million",
        )  # fmt: skip
    real, imaginary = _section(x, y, 0), _section(x, y, 1)
    warnings = list(real.warnings)
    count = min(len(real.z), len(imaginary.z))
    # JEOL's receivers turn as exp(-2πi·f·t) along both axes, against the convention here.
    rows = (real.z[:count] - 1j * imaginary.z[:count]).astype(np.complex64)
    quadrature = "TPPI" if y.axis_type == _TPPI else "QF"
    if y.axis_type == COMPLEX:
        sine = _section(x, y, 2).z, _section(x, y, 3).z
        count = min(count, len(sine[0]), len(sine[1]))
        pairs = np.empty((2 * count, rows.shape[1]), np.complex64)
        pairs[0::2] = rows[:count]
        pairs[1::2] = -(sine[0][:count] - 1j * sine[1][:count])
        rows, quadrature = pairs, "States"
    elif y.axis_type not in (REAL, _TPPI, _SHARED):
        raise FormatError(x.path, "real or complex points", f"Delta's type {y.axis_type} along y")
    offset = x.number("x_offset")
    metadata["carrier_ppm"] = offset if offset is not None and abs(offset) < 1e4 else None
    delay, found = group_delay_of(x)
    metadata["group_delay_points"] = delay or None
    widths = []
    for axis, name in ((x, "x"), (y, "y")):
        width = positive(axis.number(f"{name}_sweep"))
        duration = (axis.stop - axis.start) * axis.scale
        if width is None and duration > 0:
            width = (axis.last - axis.first) / duration
        widths.append(width)
    own = {key: value for key, value in own.items() if key != "sweep_width_hz"}
    return raw_2d(
        Source(str(x.path)), rows, (isotope, other), (widths[0], widths[1]), quadrature,
        metadata | indirect(own), x.title, [*warnings, *found],
    )  # fmt: skip
