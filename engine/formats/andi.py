"""Reads ANDI files (.cdf): runs of GC-MS and LC-MS in NetCDF, scan by scan.

Format: ASTM E2077 "Analytical Data Interchange Protocol for Mass Spectrometric Data". Its sister
for chromatograms (ASTM E1947), which exports of GC-MS often are, holds no spectra: the error says
so, and :mod:`engine.formats.run_chromatogram` shows its trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import xml_run
from engine.formats.errors import FormatError
from engine.formats.mass_record import ionization, polarity
from engine.formats.reader import Reader
from engine.formats.xml_run import Run, scan_spectrum
from engine.spectra import Spectrum

_EXPECTED = "ANDI/MS data with scans"
_POINTS_AT_ONCE = 1 << 20
_MOST_BROKEN = 1000
_ARRAYS = ("scan_index", "mass_values", "intensity_values")
# NetCDF fills what was never written with 9.97e36; ANDI writers put -9999 for "not known".
_FILL = 9.9e36


def sniff(path: Path, head: bytes) -> float:
    """Certain for the first bytes of NetCDF classic: only ``read`` sees what the file holds."""
    return 1.0 if head.startswith((b"CDF\x01", b"CDF\x02")) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The first scans of a run, each a spectrum; raises ``FormatError`` for none."""
    with opened(path) as andi:
        run = andi.run
        run.empty = int((andi.count == 0).sum())
        for place in np.flatnonzero(andi.count):
            if len(run.broken) > _MOST_BROKEN:
                break
            if len(run.spectra) >= xml_run.MOST_SCANS or run.points >= xml_run.MOST_POINTS:
                run.cut = True
                break
            try:
                spectrum = andi.spectrum(place)
            except ValueError as error:
                run.broken.append(f"scan {place + 1} was left out: {error}")
            else:
                run.spectra.append(spectrum)
        return run.result()


@dataclass
class AndiRun:
    """An open run: where its scans lie in the file; their points are read when they are asked for.

    ``first``, ``count`` (int64) and ``seconds`` (retention times, NaN where unknown) have shape
    ``(scans,)``; ``run`` collects what was wrong.
    """

    file: Any
    run: Run
    first: np.ndarray
    count: np.ndarray
    seconds: np.ndarray
    ids: list[str]
    whole: np.ndarray = field(init=False)  # scans that lie in the file, and in no other scan

    def __post_init__(self) -> None:
        variables = self.file.variables
        points = min(variables[name].data.size for name in ("mass_values", "intensity_values"))
        end = self.first + self.count
        self.whole = (self.first >= 0) & (self.count > 0) & (end <= points)
        order = np.flatnonzero(self.whole)
        order = order[np.argsort(self.first[order], kind="stable")]
        inside = end[order][:-1] > self.first[order][1:]
        self.whole[order[:-1][inside]] = False

    def __len__(self) -> int:
        return len(self.first)

    def spectrum(self, place: int) -> Spectrum:
        """The scan at a place in the file, from 0; ``ValueError`` for one that cannot be read."""
        if self.count[place] == 0:
            raise ValueError("it holds no peaks")
        if not self.whole[place]:
            raise ValueError(
                f"it has {self.count[place]} points from point {self.first[place]} on, which lie "
                "outside of the file or in another scan"
            )
        window = slice(self.first[place], self.first[place] + self.count[place])
        self.run.points += int(self.count[place])
        seconds = float(self.seconds[place])
        metadata = {
            "scan": self.ids[place],
            "retention_time_s": None if np.isnan(seconds) else round(seconds, 6),
            "instrument": self.run.instrument,
            "ms_level": 1,
            "polarity": polarity(_attribute(self.file, "test_ionization_polarity")),
            "ionization": self.run.ion_source,
            "sample": _attribute(self.file, "experiment_title") or None,
        }
        return scan_spectrum(
            self.run, self.ids[place], 1, self.run.centroided,
            _values(self.file, "mass_values", window),
            _values(self.file, "intensity_values", window), metadata, [],
        )  # fmt: skip

    def intensities(self) -> tuple[np.ndarray, np.ndarray]:
        """The total ion current and the base peak's intensity of each scan, shapes ``(scans,)``.

        Where the file does not give a scan's total it is the sum over its points. Scans that
        cannot be read are NaN, empty ones 0.
        """
        total = _known(self.file, "total_intensity", len(self))
        summed, highest = self._over_scans(None, np.add, np.maximum)
        return np.where(np.isnan(total) | (total <= 0), summed, total), highest

    def ion_current(self, low: float, high: float) -> np.ndarray:
        """The summed intensity from m/z ``low`` to ``high`` in each scan, shape ``(scans,)``.

        Scans that cannot be read are NaN.
        """
        return self._over_scans((low, high), np.add)[0]

    def _over_scans(
        self, window: tuple[float, float] | None, *functions: np.ufunc
    ) -> list[np.ndarray]:
        """The intensities of each scan, only those in a window of m/z, reduced by functions."""
        found = [np.where(self.count == 0, 0.0, np.nan) for _ in functions]
        order = np.flatnonzero(self.whole)
        order = order[np.argsort(self.first[order], kind="stable")]
        while len(order):
            start = self.first[order[0]]
            end = self.first[order] + self.count[order]
            block = order[: max(1, int(np.searchsorted(end, start + _POINTS_AT_ONCE, "right")))]
            stop = int(self.first[block[-1]] + self.count[block[-1]])
            y = np.nan_to_num(_values(self.file, "intensity_values", slice(start, stop)))
            if window is not None:
                mz = _values(self.file, "mass_values", slice(start, stop))
                y = np.where((mz >= window[0]) & (mz <= window[1]), y, 0.0)
            # Pairs of first and last: what lies between two scans is left out.
            edges = np.column_stack([self.first[block], end[: len(block)]]).ravel() - start
            y = np.append(y, 0.0)
            for function, values in zip(functions, found, strict=True):
                values[block] = function.reduceat(y, edges)[::2]
            order = order[len(block) :]
        return found


@contextmanager
def opened(path: Path) -> Iterator[AndiRun]:
    """The run in a file; raises ``FormatError`` for a file that is none, with what it holds."""
    from engine.formats import netcdf

    with netcdf.opened(path) as (file, warnings):
        if _is_chromatogram(file):
            detector = _attribute(file, "detector_name") or _attribute(file, "detector_unit")
            trace = f" ({detector})" if detector else ""
            points = file.variables["ordinate_values"].data.size
            found = f"a chromatogram of {points} points{trace} and no mass spectra"
            raise FormatError(path, _EXPECTED, found)
        missing = [name for name in _ARRAYS if not _is_numeric(file, name)]
        if missing:
            found = f"NetCDF data without {', '.join(missing)}"
            raise FormatError(path, _EXPECTED, found)
        yield _run(path, file, warnings)


def _run(path: Path, file: Any, warnings: list[str]) -> AndiRun:
    first = _integers(file, "scan_index")
    points = file.variables["mass_values"].data.size
    if _is_numeric(file, "point_count"):
        count = _integers(file, "point_count")
        n = min(len(first), len(count))
        first, count = first[:n], count[:n]
    else:
        n, count = len(first), np.diff(first, append=points)
    numbered = _is_numeric(file, "actual_scan_number")
    numbers = _integers(file, "actual_scan_number") if numbered else first[:0]
    if len(numbers) != n or len(np.unique(numbers)) != n or np.min(numbers, initial=0) < 0:
        numbers = np.arange(1, n + 1)
    run = Run(path, broken=warnings, declared=n)
    kind = _attribute(file, "experiment_type").lower()
    run.centroided = True if "centroid" in kind else False if "continuum" in kind else None
    run.ion_source = ionization(_attribute(file, "test_ionization_mode"))
    words = [_text(file, f"instrument_{part}") for part in ("mfr", "model")]
    run.instrument = " ".join(filter(None, words)) or _text(file, "instrument_name") or None
    seconds = _known(file, "scan_acquisition_time", n)
    return AndiRun(file, run, first, count, seconds, [str(number) for number in numbers])


def chromatogram(path: Path) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Times in s, ordinates and the detector's name of an ANDI chromatogram; None for a run.

    Raises ``FormatError``.
    """
    from engine.formats import netcdf

    with netcdf.opened(path) as (file, _):
        if not _is_chromatogram(file):
            return None
        y = _values(file, "ordinate_values", slice(None))
        name = "raw_data_retention"
        if _is_numeric(file, name) and _array(file, name).size == len(y):
            times = _values(file, name, slice(None))
        else:
            delay = _known(file, "actual_delay_time", 1)[0]
            interval = _known(file, "actual_sampling_interval", 1)[0]
            times = np.nan_to_num(delay) + np.arange(len(y)) * interval
        if _attribute(file, "retention_unit").lower().startswith("min"):
            times = times * 60
        return times, y, _attribute(file, "detector_name")


def _is_chromatogram(file: Any) -> bool:
    return _is_numeric(file, "ordinate_values") and "mass_values" not in file.variables


def _is_numeric(file: Any, name: str) -> bool:
    """Whether a variable is there and holds one row of numbers (a single number counts)."""
    # An attribute of the variable that is called "data" takes the place of scipy's.
    data = file.variables[name].data if name in file.variables else None
    return isinstance(data, np.ndarray) and data.dtype.kind in "iuf" and data.ndim < 2


def _array(file: Any, name: str) -> np.ndarray:
    return np.atleast_1d(file.variables[name].data)


def _values(file: Any, name: str, window: slice) -> np.ndarray:
    """Float64 copies of a variable's values, scaled; NaN where it is only filled."""
    own = file.variables[name]
    scale, offset = getattr(own, "scale_factor", 1.0), getattr(own, "add_offset", 0.0)
    with np.errstate(invalid="ignore", over="ignore"):  # damaged numbers become NaN below
        values = np.ravel(_array(file, name)[window]).astype(np.float64)
        values[~(np.abs(values) < _FILL)] = np.nan
        if np.size(scale) == 1 and np.size(offset) == 1 and not isinstance(scale, bytes):
            values = values * float(scale) + float(offset)
    return values


def _integers(file: Any, name: str) -> np.ndarray:
    values = np.ravel(_array(file, name))
    if values.dtype.kind == "f":  # no file is as long as that
        values = np.clip(np.nan_to_num(values), -(1 << 40), 1 << 40)
    return values.astype(np.int64)


def _known(file: Any, name: str, n: int) -> np.ndarray:
    """``n`` values of a variable that are never negative; NaN where they are not known."""
    if not _is_numeric(file, name):
        return np.full(n, np.nan)
    values = _values(file, name, slice(None))
    if len(values) != n:
        return np.full(n, np.nan)
    return np.where(values >= 0, values, np.nan)


def _attribute(file: Any, name: str) -> str:
    return _as_text(file._attributes.get(name, b""))


def _text(file: Any, name: str) -> str:
    """A variable of characters as text; only the first line of several."""
    if name not in file.variables:
        return ""
    rows = np.atleast_2d(file.variables[name].data)
    return _as_text(rows[0].tobytes()) if rows.dtype.kind == "S" and len(rows) else ""


def _as_text(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return " ".join(text.replace("\0", " ").split())


READER = Reader("ANDI/netCDF", (".cdf", ".nc"), sniff, read)
