"""NMRPipe files of two dimensions: spectra (``.ft2``, ``.dat``) and raw data (``.fid``).

Layout: F. Delaglio's ``fdatap.h``: after the header, rows of the fast axis (FDDIMORDER1), each as
its real points and, where they are complex, its imaginary ones; where the slow axis is complex its
real and imaginary rows alternate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.matrix import Matrix, read_matrix, read_raw_rows
from engine.formats.nmr_binary import (
    indirect,
    labelled_isotope,
    positive,
    processed_2d,
    raw_2d,
)
from engine.formats.nmrpipe import Header, acquisition_metadata, read_header, turned
from engine.spectra import Source, Spectrum2D, Technique

_HEADER = 2048
_PHASES = {0: "QF", 1: "TPPI", 2: "States"}  # FD2DPHASE
_ALTERNATE_PAIRS = (2, 18)  # FDF1AQSIGN of States-TPPI


def read(path: Path) -> list[Spectrum2D]:
    """The spectrum or the raw data of a file, as one entry; none of a file of one dimension.

    Raises ``FormatError``, for data that are transformed along one axis only too.
    """
    header = read_header(path)
    if header.dimensions < 2:
        return []
    fast = header.dimension if header.dimension in (1, 2) else 2
    layout = _Layout(
        fast=fast,
        columns=_size(header, "FDSIZE"),
        rows=_size(header, "FDSPECNUM"),
        fast_complex=_is_complex(header, fast),
        slow_complex=_is_complex(header, 3 - fast),
    )
    # Dimension 2 is the direct one, whichever of the two is stored as rows.
    axes = [_axis(header, dimension) for dimension in (2, 1)]
    done = [header[f"FDF{dimension}FTFLAG"] != 0 for dimension in (2, 1)]
    if all(done):
        return [_spectrum(header, layout, *axes)]
    if any(done):
        raise FormatError(
            path, "data transformed along both axes, or along none",
            "data transformed along one (save them after the second Fourier transform)",
        )  # fmt: skip
    return [_raw(header, layout, *axes)]


@dataclass(frozen=True)
class _Layout:
    """How the numbers lie: the fast dimension, and rows of it; complex ones hold twice as much."""

    fast: int
    columns: int
    rows: int
    fast_complex: bool
    slow_complex: bool

    @property
    def numbers(self) -> int:
        """Numbers of a row."""
        return self.columns * (2 if self.fast_complex else 1)


@dataclass(frozen=True)
class _Axis:
    dimension: int
    isotope: str
    frequency: float | None
    width: float | None
    origin: float
    warnings: list[str]

    def shifts(self, path: Path, places: np.ndarray, size: int) -> np.ndarray:
        """Shifts in ppm of places in points from 0; ORIG is the last point's distance in Hz."""
        if self.frequency is None or self.width is None:
            raise FormatError(path, "frequency and spectral width of both axes", "none")
        return (self.origin + self.width / size * (size - 1 - places)) / self.frequency


def _size(header: Header, name: str) -> int:
    size = header[name]
    if not 1 <= size < 1 << 31:
        raise FormatError(header.path, f"a number of points ({name})", f"{size:g}")
    return round(size)


def _is_complex(header: Header, dimension: int) -> bool:
    return header["FDQUADFLAG"] == 0 and header[f"FDF{dimension}QUADFLAG"] == 0


def _axis(header: Header, dimension: int) -> _Axis:
    frequency = positive(header[f"FDF{dimension}OBS"], 2500)
    isotope, warnings = labelled_isotope(header.label(dimension), frequency)
    return _Axis(
        dimension, isotope, frequency, positive(header[f"FDF{dimension}SW"]),
        header[f"FDF{dimension}ORIG"], warnings,
    )  # fmt: skip


def _metadata(header: Header, x: _Axis, y: _Axis) -> dict[str, Any]:
    return (
        {"nucleus": x.isotope}
        | acquisition_metadata(header, x.frequency)
        | {"sweep_width_hz": x.width}
        | indirect(
            {
                "nucleus": y.isotope,
                "frequency_mhz": y.frequency,
                "spectrometer_reference_mhz": y.frequency,
                "sweep_width_hz": y.width,
            }
        )
    )


def _spectrum(header: Header, layout: _Layout, x: _Axis, y: _Axis) -> Spectrum2D:
    path = header.path
    is_transposed = layout.fast == 1
    stored = read_matrix(
        path, np.dtype(f"{header.order}f4"), (layout.rows, layout.numbers), None, _HEADER
    )
    rows = stored.rows[:: 2 if layout.slow_complex else 1]
    step = 2 if layout.slow_complex else 1
    if layout.fast_complex or layout.slow_complex:
        if len(stored.columns) < layout.numbers or len(stored.rows) < layout.rows // 2:
            raise FormatError(path, "real points", "complex ones that are too many to be read")
        z = np.ascontiguousarray(stored.z[::step, : layout.columns])
        stored = Matrix(z, np.arange(z.shape[1]) * 1.0, np.arange(z.shape[0]) * 1.0,
                        stored.warnings)  # fmt: skip
        rows = stored.rows
    sizes = layout.columns, layout.rows // step
    z, columns = stored.z, stored.columns
    if is_transposed:
        z, columns, rows, sizes = np.ascontiguousarray(z.T), rows, columns, sizes[::-1]
    return processed_2d(
        Technique.nmr(x.isotope), Technique.nmr(y.isotope), x.shifts(path, columns, sizes[0]),
        y.shifts(path, rows, sizes[1]), z, title=header.title, source=Source(str(path)),
        metadata={k: v for k, v in _metadata(header, x, y).items() if v is not None},
        warnings=(*stored.warnings, *x.warnings, *y.warnings),
    )  # fmt: skip


def _raw(header: Header, layout: _Layout, x: _Axis, y: _Axis) -> Spectrum2D:
    path = header.path
    if layout.fast != 2 or not layout.fast_complex:
        raise FormatError(path, "raw data of complex rows along the direct axis", "others")
    size = 4 * layout.numbers
    places = (_HEADER + row * size for row in range(layout.rows))
    values, warnings = read_raw_rows(
        path, np.dtype(f"{header.order}f4"), places, layout.numbers, layout.rows
    )
    rows = values[:, : layout.columns] + 1j * values[:, layout.columns :]
    rows = turned(rows, header["FDF2AQSIGN"])
    quadrature = _PHASES.get(round(header["FD2DPHASE"]), "States")
    sign = round(header["FDF1AQSIGN"])
    if quadrature == "States" and not layout.slow_complex:
        quadrature = "TPPI"
    if quadrature == "States":
        if sign in _ALTERNATE_PAIRS:
            quadrature = "States-TPPI"
        if sign in (16, 17, 18):
            rows = rows.copy()
            rows[1::2] *= -1
    metadata = _metadata(header, x, y)
    metadata["sweep_width_hz"] = None
    if x.frequency and x.width:
        metadata["carrier_ppm"] = header.carrier_ppm(2, x.frequency, x.width, layout.columns)
    if y.frequency and y.width:
        increments = max(1, layout.rows // (1 if quadrature in ("QF", "TPPI") else 2))
        metadata["indirect_carrier_ppm"] = header.carrier_ppm(1, y.frequency, y.width, increments)
    if header["FDDMXFLAG"] == 0 and 0 < header["FDDMXVAL"] < 1e5:
        metadata["group_delay_points"] = header["FDDMXVAL"]
    return raw_2d(
        Source(str(path)), rows, (x.isotope, y.isotope), (x.width, y.width), quadrature, metadata,
        header.title, [*warnings, *x.warnings, *y.warnings],
    )  # fmt: skip
