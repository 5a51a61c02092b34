"""From raw two-dimensional data to a spectrum: windows, transforms and phases of both axes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from engine.processing.phase_search import HALF_DWELLS, area_phase
from engine.spectra import Spectrum2D

MOST_COLUMNS, MOST_ROWS = 8192, 2048
"""Points of the axes of what comes out, at most."""

_MOST_POINTS = 1 << 23  # complex numbers held at once, about
_LEAST_ROWS = 256
_TRACES = 16
_RIDGE = 8.0  # times the median of a column
# A mirrored homonuclear spectrum has its diagonal on the other one by this factor.
_MIRRORED = 2.0


def transform_2d(raw: Spectrum2D) -> Spectrum2D:
    """The spectrum of raw data, ppm falling along both axes; any other comes back as it is.

    Along x: the digital filter's delay taken off, a window, zeros, the transform. Along y the same
    after ``metadata["quadrature"]``: rows of ``States`` and ``States-TPPI`` in pairs,
    ``Echo-AntiEcho`` turned into such pairs, ``TPPI`` as a real transform, ``QF`` as a complex one
    (mirrored, unless ``metadata["coherence"]`` says ``antiecho``). QF is shown as magnitude, with
    sine bells; the others in the phases of both axes that make the area of the lines smallest
    (absorption has less than dispersion), with squared cosine bells. The mirror image of a
    homonuclear spectrum, told by its diagonal, is mended with a warning.

    ``metadata["processing"]`` says in words what was done. Raises ``ValueError`` where an axis has
    no frequency or no width.
    """
    if raw.kind != "fid":
        return raw
    quadrature = str(raw.metadata.get("quadrature", "States"))
    is_magnitude = quadrature == "QF"
    rows, x = _transformed_rows(raw, is_magnitude)
    warnings: list[str] = []
    done = ["sine bells" if is_magnitude else "squared cosine bells", "zero filling"]
    if raw.metadata.get("group_delay_points"):
        done.append("removal of the digital filter")
    done.append(f"Fourier transforms ({quadrature})")
    if quadrature == "TPPI":
        z, y, phased = _tppi(raw, rows)
    elif quadrature == "QF":
        z, y = _along_y(raw, rows, is_magnitude)
        z, phased = np.abs(z if raw.metadata.get("coherence") == "antiecho" else z[::-1]), False
    else:
        z, y, phased = _pairs(raw, rows, quadrature)
    if phased:
        done.append("automatic phases")
    else:
        done.append("magnitude")
        if not is_magnitude:
            warnings.append("No phases gave upright lines: the magnitude is shown.")
    if raw.is_homonuclear and _is_mirrored(x, y, z):
        z = z[::-1]
        warnings.append(
            "The indirect axis came out mirrored, as the diagonal shows, and was turned round."
        )
    metadata = {
        key: value
        for key, value in raw.metadata.items()
        if key not in ("group_delay_points", "quadrature", "acquisition_mode")
    }
    return replace(
        raw,
        x=x,
        y=y,
        z=np.ascontiguousarray(z, dtype=np.float32),
        x_unit="ppm",
        y_unit="ppm",
        kind="continuous",
        metadata={**metadata, "processing": ", ".join(done)},
    ).with_warnings(*warnings)


# the direct axis


def _transformed_rows(raw: Spectrum2D, is_magnitude: bool) -> tuple[np.ndarray, np.ndarray]:
    """The rows after the transform along x, complex64 ``(ny, mx)``, and their falling shifts."""
    from scipy.fft import fft, fftshift

    ny, nx = raw.z.shape
    delay = float(raw.metadata.get("group_delay_points") or 0.0)
    delay = delay if 0 < delay < nx / 2 else 0.0
    most = min(MOST_COLUMNS, 1 << max(5, (_MOST_POINTS // ny).bit_length() - 1))
    size = min(2 * _power_of_two(nx), most)
    values = raw.z[:, :size] * _window(min(nx, size), delay, is_magnitude)
    if delay == 0.0:
        values[:, 0] *= 0.5
    rows = fft(values, size, axis=1).astype(np.complex64)
    if delay:
        turns = np.fft.fftfreq(size) * delay
        rows *= np.exp(2j * np.pi * turns).astype(np.complex64)
    rows = fftshift(rows, axes=1)[:, ::-1]
    return rows, _shifts(raw, "", size)


def _power_of_two(size: int) -> int:
    return 1 << max(0, size - 1).bit_length()


def _window(size: int, delay: float, is_magnitude: bool) -> np.ndarray:
    """A sine bell for magnitudes, a squared cosine bell else; float32 ``(size,)``."""
    t = np.abs(np.arange(size) - delay) / max(size - delay, 1.0)
    bell = np.sin(np.pi * t) if is_magnitude else np.cos(0.5 * np.pi * np.minimum(t, 1.0)) ** 2
    return bell.astype(np.float32)


def _shifts(raw: Spectrum2D, prefix: str, size: int) -> np.ndarray:
    """Falling shifts in ppm of ``size`` points of an axis, the carrier at the point size/2."""
    width = raw.metadata.get(f"{prefix}sweep_width_hz")
    observe = raw.metadata.get(f"{prefix}frequency_mhz")
    reference = raw.metadata.get(f"{prefix}spectrometer_reference_mhz") or observe
    for value, what in ((width, "sweep_width_hz"), (reference, "frequency_mhz")):
        if not value or not math.isfinite(value) or value <= 0:
            raise ValueError(f"a ppm axis needs metadata {prefix}{what} above 0, found {value!r}")
    carrier = raw.metadata.get(f"{prefix}carrier_ppm")
    if carrier is None:
        carrier = (observe - reference) / reference * 1e6 if observe else 0.0
    hertz = (np.arange(size) - size // 2) * (width / size)
    return (carrier + hertz / reference)[::-1]


# the indirect axis


def _along_y(
    raw: Spectrum2D, values: np.ndarray, is_magnitude: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Complex increments ``(n, mx)`` transformed along y, and the falling shifts."""
    from scipy.fft import fft, fftshift

    size = _rows_wanted(len(values), values.shape[1])
    values = values[:size] * _window(min(len(values), size), 0.0, is_magnitude)[:, None]
    values[0] *= 0.5
    z = fftshift(fft(values, size, axis=0).astype(np.complex64), axes=0)[::-1]
    return z, _shifts(raw, "indirect_", size)


def _rows_wanted(increments: int, columns: int) -> int:
    size = min(max(4 * _power_of_two(increments), _LEAST_ROWS), MOST_ROWS)
    while size > _LEAST_ROWS and size * columns > _MOST_POINTS:
        size //= 2
    return size


def _pairs(
    raw: Spectrum2D, rows: np.ndarray, quadrature: str
) -> tuple[np.ndarray, np.ndarray, bool]:
    """``States`` and its kin: real spectrum, shifts, and whether phases were found."""
    count = len(rows) // 2
    first, second = rows[0 : 2 * count : 2], rows[1 : 2 * count : 2]
    if quadrature == "Echo-AntiEcho":
        # The antiecho turns as exp(+iωt) along y like the direct axis, the echo against it.
        first, second = first + second, -1j * (second - first)
    elif quadrature == "States-TPPI":
        signs = np.where(np.arange(count) % 2, -1.0, 1.0).astype(np.float32)[:, None]
        first, second = first * signs, second * signs
    found = area_phase(_strongest_rows(first))
    if found is not None:
        turn = found.turn(first.shape[1])
        real = (first * turn).real + 1j * (second * turn).real
        z, y = _along_y(raw, real.astype(np.complex64), False)
        upright = _phased_along_y(z)
        if upright is not None:
            return upright, y, True
    z, y = _along_y(raw, (first + 1j * second).astype(np.complex64), False)
    return np.abs(z), y, False


def _tppi(raw: Spectrum2D, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Rows a quarter of a turn apart: frequency 0 of their real transform is the low edge."""
    from scipy.fft import fft

    size = _rows_wanted(len(rows) // 2 or 1, rows.shape[1])
    window = _window(min(len(rows), 2 * size), 0.0, False)[:, None]
    found = area_phase(_strongest_rows(rows))
    y = _shifts(raw, "indirect_", size)

    def transformed(values: np.ndarray) -> np.ndarray:
        values = values[: 2 * size] * window
        values[0] *= 0.5
        return fft(values, 2 * size, axis=0)[:size][::-1].astype(np.complex64)

    if found is not None:
        upright = _phased_along_y(transformed((rows * found.turn(rows.shape[1])).real))
        if upright is not None:
            return upright, y, True
    return np.abs(transformed(rows)), y, False


def _phased_along_y(z: np.ndarray) -> np.ndarray | None:
    """The real part in the phase along y that suits the strongest columns, most of it upright."""
    columns = _strongest_columns(z)
    found = area_phase(columns, HALF_DWELLS)
    if found is None:
        return None
    turn = found.turn(len(z))
    lines = (columns * turn).real
    upright = float(lines[np.abs(lines) > 0.3].sum()) >= 0
    return (z * (turn if upright else -turn)[:, None]).real


def _strongest_rows(rows: np.ndarray) -> np.ndarray:
    """The rows ``(n, m)`` of most energy: those of the first increments."""
    energy = (np.abs(rows) ** 2).sum(axis=1)
    return rows[np.argsort(energy)[::-1][:_TRACES]]


def _strongest_columns(z: np.ndarray) -> np.ndarray:
    """The columns that the clearest peaks are in, as rows of height 1, some way apart.

    The ridge of a solvent is tall, but tall everywhere: it tells no phase.
    """
    strength = np.abs(z)
    tallest = strength.max(axis=0) - _RIDGE * np.median(strength, axis=0)
    apart = max(4, len(tallest) // 200)
    chosen: list[int] = []
    for column in np.argsort(tallest)[::-1]:
        if all(abs(column - other) > apart for other in chosen):
            chosen.append(int(column))
            if len(chosen) == _TRACES:
                break
    columns = np.ascontiguousarray(z[:, chosen].T)
    return columns / np.maximum(np.abs(columns).max(axis=1, keepdims=True), 1e-30)


def _is_mirrored(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> bool:
    """Whether the mirror image of ``z`` along y has the stronger diagonal, by far."""
    low, high = max(x.min(), y.min()), min(x.max(), y.max())
    if high <= low:
        return False
    shifts = np.linspace(low, high, min(len(x), 4096))
    columns = np.clip(np.searchsorted(-x, -shifts), 0, len(x) - 1)
    rows = np.clip(np.searchsorted(-y, -shifts), 0, len(y) - 1)
    strength = np.abs(z)

    def diagonal(places: np.ndarray) -> float:
        near = [strength[np.clip(places + step, 0, len(y) - 1), columns] for step in (-1, 0, 1)]
        return float((np.max(near, axis=0) ** 2).sum())

    return diagonal(len(y) - 1 - rows) > _MIRRORED * diagonal(rows)
