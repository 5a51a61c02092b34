"""What readers of NMR instrument files share: points within a file's size, FIDs and ppm axes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of
from engine.formats.bruker_parameters import Parameters, nucleus
from engine.formats.errors import FormatError, Only2DError
from engine.spectra import Source, Spectrum, Spectrum2D, Technique

MAX_POINTS = 1 << 23
"""Numbers read of one block of a file at most; no spectrometer writes 1-D data near this length."""

TWO_DIMENSIONAL = "two-dimensional data, which are not shown yet"
_OTHER_FILE = "open the same experiment as Bruker, Varian, JEOL or NMRPipe data"
_PLANE = "open one of its planes, or a projection, as a file of two dimensions"
_UNEVEN = "open the spectrum as the spectrometer, or NMRPipe, reconstructed it"

# What processing programs call the axis of a nucleus: HN, CA, CO, N...
_AXIS_LABEL = re.compile(r"([HCNFP])[A-Z]{0,2}")
_LETTERS = {"H": "1H", "C": "13C", "N": "15N", "F": "19F", "P": "31P"}


def only_2d(path: Path) -> Only2DError:
    """The error of a reader of 1-D data for two-dimensional data, which another function reads."""
    return Only2DError(
        path, "a one-dimensional NMR experiment",
        "two-dimensional data, which the window shows, but which are not used here",
    )  # fmt: skip


def two_dimensional(path: Path) -> FormatError:
    """The error for an experiment of two dimensions in a format of which one is read."""
    return FormatError(
        path, "a one-dimensional NMR experiment", f"{TWO_DIMENSIONAL} ({_OTHER_FILE})"
    )


def unevenly_sampled(path: Path) -> FormatError:
    """The error for rows that were measured at some of the increments only (NUS)."""
    return FormatError(path, "rows at even steps", f"non-uniform sampling ({_UNEVEN})")


def many_dimensional(path: Path, dimensions: int) -> FormatError:
    """The error for an experiment of three or more dimensions."""
    return FormatError(
        path, "an NMR experiment of one or two dimensions",
        f"one of {dimensions} dimensions, which is not shown yet ({_PLANE})",
    )  # fmt: skip


def indirect(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to the indirect axis, under the keys that ``Spectrum2D.metadata`` has for it."""
    return {f"indirect_{key}": value for key, value in metadata.items() if value is not None}


def positive(value: float | None, most: float = 1e12) -> float | None:
    """``value`` when it is a finite number above 0 and at most ``most``, else None."""
    if value is None or not math.isfinite(value) or not 1e-9 < value <= most:
        return None
    return float(value)


def load_points(
    path: Path, dtype: np.dtype, declared: int, offset: int
) -> tuple[np.ndarray, list[str]]:
    """Up to ``declared`` numbers from a byte offset as float64 ``(n,)``, and what was doubtful.

    Never more than the file holds or ``MAX_POINTS``; numbers that are not finite become 0. Raises
    ``FormatError`` when there is not one number.
    """
    held = max(0, path.stat().st_size - offset) // dtype.itemsize
    if declared < 1 or held < 1:
        found = "none" if declared > 0 else f"{declared} declared"
        raise FormatError(path, f"{max(declared, 1)} data points", found)
    warnings = []
    if held < declared:
        warnings.append(
            f"{path.name} is cut short: {declared} numbers are declared, {held} were found."
        )
    count = min(declared, held)
    if count > MAX_POINTS:
        warnings.append(f"{path.name} holds {count} numbers; the first {MAX_POINTS} were read.")
        count = MAX_POINTS
    values = np.fromfile(path, dtype=dtype, count=count, offset=offset).astype(np.float64)
    values, found = finite(values, path)
    return values, warnings + found


def finite(values: np.ndarray, path: Path) -> tuple[np.ndarray, list[str]]:
    """``values`` with those that are no numbers as 0, and a warning that counts them.

    Raises ``FormatError`` when none is a number.
    """
    bad = ~np.isfinite(values) | (np.abs(values) > 1e150)
    if bad.all():
        raise FormatError(path, "data points", "not one finite number")
    if not bad.any():
        return values, []
    return np.where(bad, 0.0, values), [
        f"{int(bad.sum())} points of {path.name} are not numbers; taken as 0."
    ]


def labelled_isotope(label: str, frequency_mhz: float | None) -> tuple[str, list[str]]:
    """The isotope that an axis label (``1H``, ``HN``, ``C13``) names, and a warning for a guess.

    A label that names none (``X``) leaves it to the frequency, which gives proton away where the
    magnet is a common one; at last it is taken for 1H.
    """
    named = nucleus_of(label)
    if named:
        return named, []
    letters = _AXIS_LABEL.fullmatch(label.strip().upper())
    if letters:
        return _LETTERS[letters.group(1)], []
    if frequency_mhz:
        guess, warnings = nucleus(Parameters({"BF1": str(frequency_mhz)}), Parameters({}))
        if guess is not None:
            return guess, warnings
    return "1H", ["No nucleus is named: taken for 1H."]


def fid(
    source: Source,
    points: np.ndarray,
    isotope: str,
    sweep_width_hz: float | None,
    metadata: Mapping[str, Any],
    title: str = "",
    warnings: Sequence[str] = (),
) -> Spectrum:
    """A FID of ``points`` ``(n,)``, complex, or real where one receiver channel was recorded.

    Complex points turn as exp(+2πi·f·t), f the distance from the carrier in Hz; ``x`` is in
    seconds from the first point. ``metadata`` entries that are None are left out. Raises
    ``FormatError`` without points or a usable spectral width.
    """
    path = Path(source.path)
    width = positive(sweep_width_hz)
    if width is None:
        raise FormatError(path, "the spectral width in Hz", str(sweep_width_hz or "none"))
    if len(points) == 0:
        raise FormatError(path, "pairs of real and imaginary points", "none")
    is_complex = np.iscomplexobj(points)
    x = np.arange(len(points)) / (width if is_complex else 2.0 * width)
    if len(x) > 1 and not (np.diff(x) > 0).all():
        raise FormatError(path, "a usable spectral width", f"{width:g} Hz")
    known = {
        "nucleus": isotope,
        **metadata,
        "sweep_width_hz": width,
        "acquisition_mode": metadata.get("acquisition_mode")
        or ("simultaneous" if is_complex else "single"),
    }
    return Spectrum(
        technique=Technique.nmr(isotope),
        x=x,
        y=points.real,
        x_unit="s",
        kind="fid",
        y_imaginary=points.imag if is_complex else None,
        title=title,
        source=source,
        metadata={key: value for key, value in known.items() if value is not None},
        warnings=tuple(warnings),
    )


def raw_2d(
    source: Source,
    rows: np.ndarray,
    techniques: tuple[str, str],
    widths_hz: tuple[float | None, float | None],
    quadrature: str,
    metadata: Mapping[str, Any],
    title: str = "",
    warnings: Sequence[str] = (),
) -> Spectrum2D:
    """Raw two-dimensional data of complex ``rows`` ``(ny, nx)``, as ``Spectrum2D`` has them.

    ``techniques`` are the isotopes along x and y, ``widths_hz`` the spectral widths. Raises
    ``FormatError`` without them.
    """
    path = Path(source.path)
    width, width_y = (positive(w) for w in widths_hz)
    if width is None or width_y is None:
        missing = "direct" if width is None else "indirect"
        raise FormatError(path, f"the spectral width of the {missing} axis in Hz", "none")
    ny, nx = rows.shape
    if nx < 2 or ny < 2:
        raise FormatError(path, "at least two points along each axis", f"{nx} and {ny}")
    x = np.arange(nx) / width
    y = np.arange(ny) / (width_y if quadrature == "QF" else 2.0 * width_y)
    for axis, hertz in ((x, width), (y, width_y)):
        if not (np.diff(axis) > 0).all():
            raise FormatError(path, "a usable spectral width", f"{hertz:g} Hz")
    known = {
        "nucleus": techniques[0],
        **metadata,
        "sweep_width_hz": width,
        "indirect_nucleus": techniques[1],
        "indirect_sweep_width_hz": width_y,
        "quadrature": quadrature,
    }
    return Spectrum2D(
        Technique.nmr(techniques[0]),
        Technique.nmr(techniques[1]),
        x,
        y,
        rows,
        "s",
        "s",
        "fid",
        title,
        source,
        {key: value for key, value in known.items() if value is not None},
        tuple(warnings),
    )


def processed_2d(*arguments: Any, source: Source, **named: Any) -> Spectrum2D:
    """A processed two-dimensional spectrum; the arguments are those of ``Spectrum2D``.

    Raises ``FormatError`` for axes that do not rise or fall strictly.
    """
    try:
        return Spectrum2D(*arguments, source=source, **named)
    except ValueError as error:
        raise FormatError(source.path, "axes of a spectrum", str(error)) from error


def shift_spectrum(
    source: Source,
    x: np.ndarray,
    points: np.ndarray,
    isotope: str,
    metadata: Mapping[str, Any],
    title: str = "",
    warnings: Sequence[str] = (),
) -> Spectrum:
    """A processed spectrum of ``points`` ``(n,)``, real or complex, at shifts ``x`` in ppm.

    Raises ``FormatError`` for an axis that does not rise or fall strictly.
    """
    steps = np.diff(x)
    if not np.isfinite(x).all() or not (len(x) < 2 or (steps > 0).all() or (steps < 0).all()):
        raise FormatError(source.path, "a ppm axis", f"one from {x[0]:g} to {x[-1]:g}")
    return Spectrum(
        technique=Technique.nmr(isotope),
        x=x,
        y=points.real,
        x_unit="ppm",
        y_imaginary=points.imag if np.iscomplexobj(points) else None,
        title=title,
        source=source,
        metadata={
            "nucleus": isotope,
            **{key: value for key, value in metadata.items() if value is not None},
        },
        warnings=tuple(warnings),
    )
