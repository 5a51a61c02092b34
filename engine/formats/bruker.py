"""Bruker NMR folders: processed 1-D spectra (pdata/N/1r) and free induction decays (fid, ser).

Where things lie says ``bruker_folder``; two-dimensional data are read by ``bruker_2d``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.bruker_folder import (
    MAX_PROCNOS,
    Experiment,
    carrier_ppm,
    entry_of,
    holds_data,
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
from engine.formats.errors import FormatError, Only2DError
from engine.formats.nmr_binary import only_2d
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Spectrum2D, Technique

MAX_POINTS = 1 << 23
"""Points read from one file at most; no spectrometer writes 1-D data near this length."""

MAX_ROWS = 64
"""Rows of a pseudo-2D experiment that are given as FIDs of their own."""

_DATA_FILES = ("fid", "ser", "1r", "1i", "2rr", "acqus", "acqu", "procs", "proc")


def sniff(path: Path, head: bytes) -> float:
    """1.0 for an experiment, pdata or procno folder, and for the data files that lie in them."""
    try:
        path = Path(path)
        if path.is_dir():
            return 1.0 if holds_data(path) else 0.0
        if path.name.lower() not in _DATA_FILES:
            return 0.0
        # Varian calls its data "fid" too; Bruker's always has its parameters beside it.
        beside = {"1r": "procs", "1i": "procs", "2rr": "procs"}.get(path.name.lower(), "acqus")
        if path.name.lower() in ("acqus", "acqu", "procs", "proc"):
            return 1.0 if b"##" in head and holds_data(path.parent) else 0.0
        return 1.0 if entry_of(path.parent, beside, beside[:-1]) else 0.0
    except OSError:
        return 0.0


def read(path: Path) -> list[Spectrum]:
    """The spectra of an experiment folder, of one of its procno folders, or of one data file.

    Processed spectra come back where there are any, the lowest procno first; else the FID, or for
    a pseudo-2D experiment its first ``MAX_ROWS`` rows as FIDs (:func:`read_fid` gives the FID in
    every case). A path to ``fid``, ``ser`` or ``acqus`` itself asks for the FID. Raises
    ``FormatError`` when there is nothing one-dimensional to read.
    """
    path = Path(path)
    name = path.name.lower() if not path.is_dir() else ""
    if name in ("fid", "ser"):
        return read_fid(path)
    experiment, only = open_experiment(path)
    procnos = (only,) if only else experiment.procnos
    spectra, problems = _each(procnos, lambda folder: _read_processed(experiment, folder))
    if not spectra and only is None and (experiment.fid or experiment.ser):
        try:
            spectra = _read_raw(experiment)
        except FormatError as error:
            problems.append(error)
    if not spectra:
        if problems:
            raise problems[0]
        raise FormatError(path, "a Bruker spectrum (1r) or FID (fid, ser)", "neither")
    lost = [str(p) for p in problems if not isinstance(p, Only2DError)]
    return [spectra[0].with_warnings(*(f"Not read: {text}" for text in lost)), *spectra[1:]]


def read_fid(path: Path) -> list[Spectrum]:
    """The raw data of the experiment that ``path`` belongs to, processed data or not.

    One FID, or the rows of a pseudo-2D experiment. ``x`` in seconds from the first point stored;
    ``y`` + i·``y_imaginary`` turns as exp(+2πi·f·t), f = (shift − ``carrier_ppm``) ·
    ``spectrometer_reference_mhz`` in Hz; the metadata say what a Fourier transform needs:
    ``frequency_mhz``, ``spectrometer_reference_mhz``, ``carrier_ppm``, ``sweep_width_hz``,
    ``group_delay_points``, ``acquisition_mode``. Raises ``FormatError``.
    """
    experiment, _ = open_experiment(Path(path))
    return _read_raw(experiment)


def read_2d(path: Path) -> list[Spectrum2D]:
    """The two-dimensional spectra of an experiment; see :mod:`bruker_2d`."""
    from engine.formats import bruker_2d

    return bruker_2d.read(Path(path))


READER = Reader("Bruker NMR folder", (), sniff, read, read_2d)


def _each(
    folders: tuple[Path, ...], reader: Callable[[Path], Spectrum]
) -> tuple[list[Spectrum], list[FormatError]]:
    spectra, problems = [], []
    for folder in folders:
        try:
            spectra.append(reader(folder))
        except FormatError as error:
            problems.append(error)
    return spectra, problems


# --- binary data --------------------------------------------------------------------------------


def _load(
    path: Path, dtype: np.dtype, declared: int | None, offset: int = 0
) -> tuple[np.ndarray, list[str]]:
    """Up to ``declared`` samples from a byte offset, never more than the file holds."""
    held = max(0, path.stat().st_size - offset) // dtype.itemsize
    if held == 0:
        raise FormatError(path, f"{declared or 'some'} data points", "an empty file")
    warnings = []
    wanted = declared or held
    if held < wanted:
        warnings.append(
            f"{path.name} is cut short: {wanted} points are declared, {held} were found and read."
        )
    count = min(wanted, held)
    if count > MAX_POINTS:
        warnings.append(f"{path.name} holds {count} points; the first {MAX_POINTS} were read.")
        count = MAX_POINTS
    try:
        raw = np.fromfile(path, dtype=dtype, count=count, offset=offset)
    except (OSError, ValueError) as error:
        raise FormatError(path, "readable data points", str(error)) from error
    values = raw.astype(np.float64)
    bad = ~np.isfinite(values) | (np.abs(values) > 1e150)
    if bad.all():
        raise FormatError(path, "data points", "not one finite number")
    if bad.any():
        warnings.append(f"{int(bad.sum())} points of {path.name} are not numbers; taken as 0.")
        values[bad] = 0.0
    return values, warnings


def _scaled(values: np.ndarray, exponent: float | None, name: str) -> tuple[np.ndarray, list[str]]:
    """Values times 2**exponent (NC, NC_proc), or as they are when the exponent is absurd."""
    if exponent is None:
        return values, []
    if abs(exponent) > 256:
        return values, [f"{name} is {exponent:g}, which cannot be; intensities are unscaled."]
    return values * 2.0**exponent, []


# --- processed spectra --------------------------------------------------------------------------


def _read_processed(experiment: Experiment, folder: Path) -> Spectrum:
    real = entry_of(folder, "1r")
    if real is None:
        raise only_2d(folder)
    parameter_file = entry_of(folder, "procs", "proc")
    if parameter_file is None:
        raise FormatError(folder, "processing parameters (procs)", "none")
    procs = read_parameters(parameter_file)
    acqus = experiment.acqus
    isotope, warnings = nucleus(acqus, procs)
    if isotope is None:
        raise FormatError(folder, "the observed nucleus (NUC1 or AXNUC)", "none")

    points = procs.positive_integer("SI")
    size = real.stat().st_size
    dtype = sample_type(procs.integer("DTYPP"), procs.integer("BYTORDP") == 1, points or 0, size)
    y, found = _load(real, dtype, points)
    warnings += found
    y, found = _scaled(y, procs.number("NC_proc"), "NC_proc")
    warnings += found
    imaginary = None
    imaginary_file = entry_of(folder, "1i")
    if imaginary_file is not None:
        try:
            imaginary, found = _load(imaginary_file, dtype, points)
            imaginary, _ = _scaled(imaginary, procs.number("NC_proc"), "NC_proc")
            warnings += found
        except FormatError as error:
            warnings.append(f"The imaginary part was not read: {error}")
        if imaginary is not None and len(imaginary) != len(y):
            warnings.append("The imaginary part (1i) has another length than 1r; left out.")
            imaginary = None

    reference = procs.positive_number("SF") or acqus.positive_number("BF1", "SFO1")
    if reference is None:
        raise FormatError(folder, "the reference frequency SF in MHz", "none")
    width = procs.positive_number("SW_p") or acqus.positive_number("SW_h")
    if width is None:
        raise FormatError(folder, "the spectral width SW_p in Hz", "none")
    offset = procs.number("OFFSET")
    if offset is None:
        carrier = carrier_ppm(acqus, reference)
        if carrier is None:
            raise FormatError(folder, "the shift of the first point (OFFSET)", "none")
        offset = carrier + width / reference / 2
        warnings.append("OFFSET is missing: the axis was placed by the carrier frequency.")
    step = width / reference / (points or len(y))
    x = offset - step * np.arange(len(y))
    _check_axis(x, folder)

    title, comment = read_title(entry_of(folder, "title"))
    metadata = acquisition_metadata(acqus, isotope)
    metadata["spectrometer_reference_mhz"] = reference
    metadata["sweep_width_hz"] = width
    metadata.setdefault("frequency_mhz", reference)
    if folder.name.isdigit():
        metadata["procno"] = int(folder.name)
    if comment:
        metadata["comment"] = comment
    inside = folder.parent.name.lower() == "pdata"
    return Spectrum(
        technique=Technique.nmr(isotope),
        x=x,
        y=y,
        x_unit="ppm",
        y_imaginary=imaginary,
        title=title,
        source=Source(
            str(experiment.folder if inside else folder), f"pdata/{folder.name}" if inside else ""
        ),
        metadata=metadata,
        warnings=tuple(warnings),
    )


def _check_axis(x: np.ndarray, folder: Path) -> None:
    if not np.isfinite(x[[0, -1]]).all() or (len(x) > 1 and not (np.diff(x) < 0).all()):
        raise FormatError(folder, "a falling ppm axis", f"one from {x[0]:g} to {x[-1]:g}")


# --- raw data -----------------------------------------------------------------------------------


def _read_raw(experiment: Experiment) -> list[Spectrum]:
    if experiment.fid is not None:
        return [_fid(experiment, experiment.fid, "fid")]
    if experiment.ser is None:
        raise FormatError(experiment.folder, "raw data (fid or ser)", "none")
    if not is_pseudo_2d(experiment):
        raise only_2d(experiment.folder)
    return _rows(experiment, experiment.ser)


def _rows(experiment: Experiment, ser: Path) -> list[Spectrum]:
    points = experiment.acqus.positive_integer("TD")
    if points is None:
        raise FormatError(ser, "the number of points of a row (TD in acqus)", "none")
    size = ser.stat().st_size
    stride = row_bytes(points, raw_type(experiment.acqus, points, size))
    rows = math.ceil(size / stride)
    second = entry_of(experiment.folder, "acqu2s", "acqu2")
    declared = read_parameters(second).positive_integer("TD") if second else None
    shown = min(rows, declared or rows, MAX_ROWS)
    # A row budget keeps the sum of all rows within what one file may hold.
    shown = max(1, min(shown, MAX_POINTS // max(1, min(points, MAX_POINTS))))
    spectra = []
    for row in range(shown):
        try:
            spectra.append(_fid(experiment, ser, f"ser row {row + 1}", row * stride))
        except FormatError:
            if not spectra:
                raise
            break
    if (declared or rows) > len(spectra):
        text = f"{declared or rows} rows are declared; the first {len(spectra)} are shown."
        spectra[0] = spectra[0].with_warnings(text)
    total = len(spectra)
    return [
        replace(s, metadata={**s.metadata, "row": i + 1, "rows": total})
        for i, s in enumerate(spectra)
    ]


def _fid(experiment: Experiment, path: Path, block: str, offset: int = 0) -> Spectrum:
    acqus = experiment.acqus
    if not acqus:
        raise FormatError(experiment.folder, "acquisition parameters (acqus)", "none")
    isotope, warnings = nucleus(acqus, Parameters({}))
    if isotope is None:
        raise FormatError(experiment.folder, "the observed nucleus (NUC1 in acqus)", "none")
    width = acqus.positive_number("SW_h")
    if width is None:
        ratio, observe = acqus.positive_number("SW"), acqus.positive_number("SFO1")
        if ratio is None or observe is None:
            raise FormatError(experiment.folder, "the spectral width SW_h in Hz", "none")
        width = ratio * observe

    declared = acqus.positive_integer("TD")
    dtype = raw_type(acqus, declared or 0, path.stat().st_size)
    values, found = _load(path, dtype, declared, offset)
    warnings += found
    values, found = _scaled(values, acqus.number("NC"), "NC")
    warnings += found

    mode = {0: "single", 2: "sequential"}.get(acqus.integer("AQ_mod"), "simultaneous")
    if mode == "simultaneous":
        if len(values) < 2:
            raise FormatError(path, "pairs of real and imaginary points", "one number")
        y, imaginary = values[0 : len(values) // 2 * 2 : 2], values[1::2]
        dwell = 1.0 / width
    else:
        y, imaginary = values, None
        dwell = 0.5 / width
        warnings.append(f"The FID was acquired in {mode} mode with one receiver channel at a time.")
    x = dwell * np.arange(len(y))
    if not np.isfinite(x[-1]) or (len(x) > 1 and x[1] <= 0):
        raise FormatError(experiment.folder, "a usable spectral width", f"{width:g} Hz")

    delay, found = group_delay_points(acqus)
    warnings += found
    metadata = acquisition_metadata(acqus, isotope)
    reference = reference_mhz(experiment) or acqus.positive_number("BF1")
    carrier = None if reference is None else carrier_ppm(acqus, reference)
    metadata |= _known(
        spectrometer_reference_mhz=reference,
        carrier_ppm=carrier,
        sweep_width_hz=width,
        group_delay_points=delay,
        acquisition_mode=mode,
    )
    title, comment = "", ""
    for folder in sorted((experiment.folder / "pdata").glob("[0-9]*"))[:MAX_PROCNOS]:
        title, comment = read_title(entry_of(folder, "title"))
        if title:
            break
    if comment:
        metadata["comment"] = comment
    return Spectrum(
        technique=Technique.nmr(isotope),
        x=x,
        y=y,
        x_unit="s",
        kind="fid",
        y_imaginary=imaginary,
        title=title,
        source=Source(str(experiment.folder), block),
        metadata=metadata,
        warnings=tuple(warnings),
    )


def _known(**values: Any) -> Mapping[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
