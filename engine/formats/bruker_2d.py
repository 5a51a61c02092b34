"""Two-dimensional Bruker data: processed spectra (pdata/N/2rr) and raw data (ser)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.bruker_folder import (
    Experiment,
    carrier_ppm,
    entry_of,
    is_pseudo_2d,
    open_experiment,
    raw_type,
    reference_mhz,
    row_bytes,
    sample_type,
)
from engine.formats.bruker_parameters import (
    Parameters,
    acquisition_metadata,
    group_delay_points,
    nucleus,
    read_parameters,
    read_title,
)
from engine.formats.errors import FormatError
from engine.formats.matrix import measured_rows, read_matrix, read_raw_rows
from engine.formats.nmr_binary import (
    indirect,
    many_dimensional,
    processed_2d,
    raw_2d,
    unevenly_sampled,
)
from engine.spectra import Source, Spectrum2D, Technique

# FnMODE of acqu2s; 0 leaves it to MC2 of proc2s.
_FN_MODES = {1: "QF", 2: "TPPI", 3: "TPPI", 4: "States", 5: "States-TPPI", 6: "Echo-AntiEcho"}
# Units of an axis that is not transformed which only say that it was one of time.
_NO_QUANTITY = ("", "ppm", "Hz", "s", "sec")
_MC2 = {0: "QF", 1: "TPPI", 2: "TPPI", 3: "States", 4: "States-TPPI", 5: "Echo-AntiEcho"}


def read(path: Path) -> list[Spectrum2D]:
    """The two-dimensional spectra of an experiment, of one of its procnos, or of one data file.

    Processed spectra where there are any, the lowest procno first; else the raw data. Arrays of 1-D
    experiments (relaxation, diffusion) with their raw data are none: their rows are spectra of
    their own. Raises ``FormatError`` when such data cannot be read.
    """
    name = path.name.lower() if not path.is_dir() else ""
    if name in ("fid", "1r", "1i"):
        return []
    experiment, only = open_experiment(path)
    procnos = [only] if only else list(experiment.procnos)
    procnos = [folder for folder in procnos if entry_of(folder, "2rr")]
    if not procnos and (experiment.ser is None or experiment.fid is not None or only):
        return []
    pseudo = is_pseudo_2d(experiment)
    if pseudo and experiment.ser is not None and not only:
        return []
    if name == "ser":
        return [_raw(experiment)]
    spectra: list[Spectrum2D] = []
    problems: list[FormatError] = []
    for folder in procnos:
        try:
            spectra.append(_processed(experiment, folder))
        except FormatError as error:
            problems.append(error)
    if not spectra and experiment.ser is not None and not only:
        try:
            spectra.append(_raw(experiment))
        except FormatError as error:
            problems.append(error)
    if not spectra:
        raise problems[0]
    if problems:
        spectra[0] = spectra[0].with_warnings(*(f"Not read: {error}" for error in problems))
    return spectra


def _parameters(folder: Path, *names: str) -> Parameters:
    """The parameters of the first of these files; none when it is missing or broken."""
    path = entry_of(folder, *names)
    try:
        return read_parameters(path) if path else Parameters({})
    except FormatError:
        return Parameters({})


# processed spectra


@dataclass(frozen=True)
class _Axis:
    """One axis of a processed spectrum."""

    size: int
    tile: int
    isotope: str | None
    metadata: dict[str, Any]
    values: np.ndarray  # at every point
    unit: str
    warnings: list[str]

    def at(self, places: np.ndarray) -> np.ndarray:
        return np.interp(places, np.arange(self.size), self.values)


def _processed(experiment: Experiment, folder: Path) -> Spectrum2D:
    procs = _parameters(folder, "procs", "proc")
    proc2s = _parameters(folder, "proc2s", "proc2")
    if not procs or not proc2s:
        raise FormatError(folder, "processing parameters (procs and proc2s)", "not both")
    acqus, acqu2s = experiment.acqus, _parameters(experiment.folder, "acqu2s", "acqu2")
    x = _axis(folder, procs, acqus, "the direct axis")
    if x.unit != "ppm" or x.isotope is None:
        raise FormatError(folder, "the observed nucleus and its shifts", "neither")
    y = _axis(folder, proc2s, acqu2s, "the indirect axis", experiment)
    path = entry_of(folder, "2rr")
    dtype = sample_type(
        procs.integer("DTYPP"), procs.integer("BYTORDP") == 1, x.size * y.size, path.stat().st_size
    )
    tiled = x.tile < x.size or y.tile < y.size
    matrix = read_matrix(
        path, dtype, (y.size, x.size), (y.tile, min(x.tile, x.size)) if tiled else None
    )
    z, warnings = matrix.z, [*matrix.warnings, *x.warnings, *y.warnings]
    exponent = procs.number("NC_proc")
    if exponent is not None and abs(exponent) <= 64:
        z *= np.float32(2.0**exponent)
    elif exponent is not None:
        warnings.append(f"NC_proc is {exponent:g}, which cannot be; intensities are unscaled.")
    title, comment = read_title(entry_of(folder, "title"))
    metadata = acquisition_metadata(acqus, x.isotope) | x.metadata
    metadata |= indirect({"nucleus": y.isotope, **y.metadata})
    if folder.name.isdigit():
        metadata["procno"] = int(folder.name)
    if comment:
        metadata["comment"] = comment
    inside = folder.parent.name.lower() == "pdata"
    return processed_2d(
        Technique.nmr(x.isotope),
        Technique.nmr(y.isotope) if y.isotope and y.unit == "ppm" else None,
        x.at(matrix.columns),
        y.at(matrix.rows),
        z,
        "ppm",
        y.unit,
        title=title,
        source=Source(
            str(experiment.folder if inside else folder), f"pdata/{folder.name}" if inside else ""
        ),
        metadata=metadata,
        warnings=tuple(warnings),
    )


def _axis(
    folder: Path,
    proc: Parameters,
    acqu: Parameters,
    what: str,
    experiment: Experiment | None = None,
) -> _Axis:
    size = proc.positive_integer("SI")
    if size is None or size > 1 << 20:
        raise FormatError(folder, f"the size of {what} (SI)", str(size or "none"))
    tile = proc.positive_integer("XDIM") or size
    if experiment is not None and proc.integer("FT_mod") == 0:
        return _plain_axis(proc, size, tile)
    isotope, warnings = nucleus(acqu, proc)
    reference = proc.positive_number("SF") or acqu.positive_number("BF1", "SFO1")
    width = proc.positive_number("SW_p") or acqu.positive_number("SW_h")
    if isotope is None and experiment is not None and reference is not None:
        own, _ = nucleus(experiment.acqus, Parameters({}))
        if abs(reference - (experiment.acqus.positive_number("BF1") or 0.0)) < 0.01 * reference:
            isotope = own
    if isotope is None or reference is None or width is None:
        missing = "nucleus" if isotope is None else "SF" if reference is None else "SW_p"
        raise FormatError(folder, f"{missing} of {what}", "none")
    offset = proc.number("OFFSET")
    if offset is None:
        centre = carrier_ppm(acqu, reference)
        if centre is None:
            raise FormatError(folder, f"the shift of the first point of {what} (OFFSET)", "none")
        offset = centre + width / reference / 2
        warnings.append(f"OFFSET is missing: {what} was placed by the carrier frequency.")
    values = offset - width / reference / size * np.arange(size)
    if not np.isfinite(values).all() or (size > 1 and not (np.diff(values) < 0).all()):
        raise FormatError(folder, f"falling shifts along {what}", f"from {offset:g} ppm")
    metadata = {
        "frequency_mhz": acqu.positive_number("SFO1", "BF1") or reference,
        "spectrometer_reference_mhz": reference,
        "sweep_width_hz": width,
    }
    return _Axis(size, tile, isotope, metadata, values, "ppm", warnings)


def _plain_axis(proc: Parameters, size: int, tile: int) -> _Axis:
    """An axis that is not transformed: that of a diffusion spectrum, or the number of the row."""
    left, right, unit = proc.number("AXLEFT"), proc.number("AXRIGHT"), proc.text("AXUNIT")
    if left is not None and right is not None and left != right and unit not in _NO_QUANTITY:
        values = np.linspace(left, right, size)
    else:
        values, unit = np.arange(1.0, size + 1), "row"
    return _Axis(size, tile, None, {}, values, unit, [])


# raw data


def _raw(experiment: Experiment) -> Spectrum2D:
    folder, acqus, ser = experiment.folder, experiment.acqus, experiment.ser
    if entry_of(folder, "acqu3s"):
        raise many_dimensional(folder, 3)
    if acqus.integer("FnTYPE") == 2 or entry_of(folder, "nuslist"):
        raise unevenly_sampled(ser)
    if acqus.integer("AQ_mod") in (0, 2):
        raise FormatError(ser, "both channels of the receiver at once", "one after the other")
    acqu2s = _parameters(folder, "acqu2s", "acqu2")
    if not acqus or not acqu2s:
        raise FormatError(folder, "acquisition parameters (acqus and acqu2s)", "not both")
    isotope, warnings = nucleus(acqus, Parameters({}))
    isotope_y, found = nucleus(acqu2s, Parameters({}))
    isotope_y = isotope_y or isotope
    warnings += found
    if isotope is None:
        raise FormatError(folder, "the observed nucleus (NUC1 in acqus)", "none")
    points, rows = acqus.positive_integer("TD"), acqu2s.positive_integer("TD")
    if points is None or rows is None:
        raise FormatError(folder, "the numbers of points (TD in acqus and acqu2s)", "not both")
    if points < 4 or points > 1 << 20 or rows > 1 << 20:
        raise FormatError(folder, "points along both axes", f"{points} and {rows}")
    size = ser.stat().st_size
    dtype = raw_type(acqus, points * rows, size)
    stride = row_bytes(points, dtype)
    values, found = read_raw_rows(ser, dtype, range(0, rows * stride, stride), points, rows)
    warnings += found
    values, found = measured_rows(values)
    warnings += found
    complex_rows = values[:, 0 : points // 2 * 2 : 2] + 1j * values[:, 1::2]
    proc2s = _first_proc2s(experiment)
    quadrature, found = _quadrature(acqus, acqu2s, proc2s)
    warnings += found
    delay, found = group_delay_points(acqus)
    warnings += found
    reference = reference_mhz(experiment) or acqus.positive_number("BF1")
    reference_y = proc2s.positive_number("SF") or acqu2s.positive_number("BF1", "SFO1")
    metadata = acquisition_metadata(acqus, isotope)
    metadata |= {
        "spectrometer_reference_mhz": reference,
        "carrier_ppm": carrier_ppm(acqus, reference) if reference else None,
        "group_delay_points": delay or None,
    }
    metadata |= indirect(
        {
            "frequency_mhz": acqu2s.positive_number("SFO1", "BF1"),
            "spectrometer_reference_mhz": reference_y,
            "carrier_ppm": carrier_ppm(acqu2s, reference_y) if reference_y else None,
        }
    )
    pdata = folder / "pdata"
    title, comment = read_title(entry_of(pdata / "1", "title"))
    if comment:
        metadata["comment"] = comment
    return raw_2d(
        Source(str(folder), "ser"), complex_rows.astype(np.complex64), (isotope, isotope_y),
        (_width(acqus), _width(acqu2s)), quadrature, metadata, title, warnings,
    )  # fmt: skip


def _width(acqu: Parameters) -> float | None:
    """The spectral width in Hz; SW in ppm is kept up to date along y where SW_h is not."""
    ratio, observe = acqu.positive_number("SW"), acqu.positive_number("SFO1", "BF1")
    if ratio is not None and observe is not None and math.isfinite(ratio * observe):
        return ratio * observe
    return acqu.positive_number("SW_h")


def _first_proc2s(experiment: Experiment) -> Parameters:
    for folder in (*experiment.procnos, experiment.folder / "pdata" / "1"):
        found = _parameters(folder, "proc2s", "proc2")
        if found:
            return found
    return Parameters({})


def _quadrature(acqus: Parameters, acqu2s: Parameters, proc2s: Parameters) -> tuple[str, list[str]]:
    """How the rows tell signs along y; a guess from the pulse program's name with a warning."""
    named = _FN_MODES.get(acqu2s.integer("FnMODE") or 0)
    if named is not None:
        return named, []
    program = acqus.text("PULPROG").lower()
    named = _MC2.get(proc2s.integer("MC2"))
    if named is None:
        if re.search(r"et(gp|f\d|$)", program):
            named = "Echo-AntiEcho"
        elif re.search(r"ph", program):
            named = "States-TPPI"
        else:
            named = "QF"
        return named, [f"The file does not say how signs along y are told: taken for {named}."]
    return named, []
