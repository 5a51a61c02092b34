"""Raw two-dimensional data of Varian and Agilent spectrometers.

Parameters: "VnmrJ User Programming" and the VnmrJ command reference (``ni``, ``sw1``, ``phase``,
``f1coef``, ``refsource1``, ``axis``). The increments are the slowest loop; the values of ``phase``
alternate within each.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of
from engine.formats.bruker_parameters import read_title
from engine.formats.errors import FormatError
from engine.formats.matrix import measured_rows, read_raw_rows
from engine.formats.nmr_binary import indirect, many_dimensional, positive, raw_2d, unevenly_sampled
from engine.formats.varian import (
    INDIRECT,
    Layout,
    Procpar,
    experiment_of,
    is_2d,
    open_folder,
    reference_of,
)
from engine.spectra import Source, Spectrum2D

# Channels: where their nucleus and their frequency stand.
_CHANNELS = {"sfrq": ("tn", "sfrq"), "dfrq": ("dn", "dfrq"), "dfrq2": ("dn2", "dfrq2")}
_AXIS_CHANNELS = {"p": "sfrq", "h": "sfrq", "d": "dfrq", "1": "dfrq", "2": "dfrq2"}
_HETERONUCLEAR = re.compile(r"hsqc|hmqc|hmbc|hetcor|hxcorr|cigar", re.IGNORECASE)


def read(path: Path) -> list[Spectrum2D]:
    """The raw data of a two-dimensional experiment; none of a one-dimensional one.

    Raises ``FormatError`` for more dimensions, or arrays of two-dimensional experiments.
    """
    folder, data, layout, procpar = open_folder(path)
    if not is_2d(layout, procpar):
        return []
    sizes = [procpar.number(name) or 0 for name in INDIRECT]
    if sum(size > 1 for size in sizes) > 1:
        raise many_dimensional(folder, 1 + sum(size > 1 for size in sizes))
    # Where VnmrJ keeps which increments of a sparse experiment were measured.
    if (folder / "sampling.sch").is_file():
        raise unevenly_sampled(folder)
    if sizes[0] <= 1:
        raise FormatError(folder, "increments of the first indirect axis (ni)", "of another one")
    increments = round(min(sizes[0], 1 << 20))
    isotope, metadata, warnings = experiment_of(folder, procpar)
    per_increment = layout.rows // increments
    if per_increment not in (1, 2) or per_increment * increments != layout.rows:
        # A stopped experiment may hold fewer rows than were asked for.
        per_increment = max(1, len(procpar["phase"].values)) if "phase" in procpar else 1
        if per_increment > 2 or layout.rows > per_increment * increments:
            raise FormatError(
                folder, f"one or two FIDs for each of {increments} increments",
                f"{layout.rows} FIDs: an array of two-dimensional spectra",
            )  # fmt: skip
    values, found = _numbers(data, layout)
    warnings += found
    # Varian's receivers turn as exp(-2πi·f·t), against the convention here.
    rows = (values[:, 0::2] - 1j * values[:, 1::2]).astype(np.complex64)
    rows, quadrature, found = _combined(rows, per_increment, procpar)
    warnings += found
    other, own = _indirect(procpar, isotope)
    title, comment = read_title(folder / "text")
    if comment:
        metadata["comment"] = comment
    if quadrature == "QF" and _coefficients(procpar) == [1, 0, 0, 1]:
        metadata["coherence"] = "antiecho"
    return [
        raw_2d(
            Source(str(folder), "fid"), rows, (isotope, other),
            (procpar.number("sw"), procpar.number("sw1")), quadrature, metadata | indirect(own),
            title or procpar.text("samplename") or folder.name.removesuffix(".fid"), warnings,
        )
    ]  # fmt: skip


def _numbers(data: Path, layout: Layout) -> tuple[np.ndarray, list[str]]:
    """All rows of the file as they were measured, float32 ``(rows, numbers)``."""
    dtype = layout.checked_dtype(data)
    if layout.numbers < 4:
        raise FormatError(data, "points along the direct axis", f"{layout.numbers // 2}")
    places = (layout.place(row)[1] for row in range(layout.rows))
    numbers = layout.numbers // 2 * 2
    values, warnings = read_raw_rows(data, dtype, places, numbers, layout.rows)
    if layout.headers and dtype.kind == "i":
        with data.open("rb") as file:
            for row in range(len(values)):
                file.seek(layout.place(row)[0])
                scale = int.from_bytes(file.read(2), "big", signed=True)
                # Integers that would have overflowed were halved so often while they were summed.
                if 0 < scale < 32:
                    values[row] *= 2.0**scale
    values, found = measured_rows(values)
    return values, warnings + found


def _combined(
    rows: np.ndarray, per_increment: int, procpar: Procpar
) -> tuple[np.ndarray, str, list[str]]:
    """The rows as a quadrature knows them: pairs are put together as ``f1coef`` says."""
    phases = procpar["phase"].values if "phase" in procpar else ()
    if per_increment == 1:
        return rows, "TPPI" if tuple(phases[:1]) == ("3",) else "QF", []
    rows = rows[: len(rows) // 2 * 2]
    factors = _coefficients(procpar)
    if len(factors) != 8:
        return rows, "States", []
    first, second = rows[0::2], rows[1::2]
    real_1, imaginary_1, real_2, imaginary_2 = (
        complex(factors[k], factors[k + 1]) for k in (0, 4, 2, 6)
    )
    # The coefficients are for receivers that turn the other way, along both axes.
    combined = np.empty_like(rows)
    combined[0::2] = real_1 * first + real_2 * second
    combined[1::2] = -(imaginary_1 * first + imaginary_2 * second)
    return combined, "States", []


def _coefficients(procpar: Procpar) -> list[float]:
    """``f1coef``: what of the real and imaginary parts of the rows makes a point along y."""
    try:
        return [float(word) for word in procpar.text("f1coef").split()]
    except ValueError:
        return []


def _indirect(procpar: Procpar, isotope: str) -> tuple[str, dict[str, Any]]:
    """The isotope along y, and what is known of that axis."""
    channel = procpar.text("refsource1")
    if channel not in _CHANNELS:
        channel = _AXIS_CHANNELS.get(procpar.text("axis")[1:2], "")
    if channel not in _CHANNELS:
        channel = "dfrq" if _HETERONUCLEAR.search(procpar.text("seqfil", "pslabel")) else "sfrq"
    nucleus, frequency = _CHANNELS[channel]
    observe = positive(procpar.number(frequency), 2500)
    reference, carrier = reference_of(procpar, observe, "1")
    return nucleus_of(procpar.text(nucleus)) or isotope, {
        "frequency_mhz": observe,
        "spectrometer_reference_mhz": reference,
        "carrier_ppm": carrier,
    }
