"""Bruker NMR folders: processed 1-D spectra (pdata/N/1r) and free induction decays (fid, ser)."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.bruker_parameters import (
    Parameters,
    acquisition_metadata,
    group_delay_points,
    nucleus,
    read_parameters,
    read_title,
)
from engine.formats.errors import FormatError
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Technique

MAX_POINTS = 1 << 23
"""Points read from one file at most; no spectrometer writes 1-D data near this length."""

MAX_ROWS = 64
"""Rows of a pseudo-2D experiment that are given as FIDs of their own."""

_MAX_PROCNOS = 32
_DATA_FILES = ("fid", "ser", "1r", "1i", "2rr", "acqus", "acqu", "procs", "proc")
_TWO_D = "two-dimensional data, which are not shown yet"


@dataclass(frozen=True)
class _Experiment:
    """What lies in one experiment folder; any part may be missing."""

    folder: Path
    acqus: Parameters
    fid: Path | None
    ser: Path | None
    procnos: tuple[Path, ...]


def sniff(path: Path, head: bytes) -> float:
    """1.0 for an experiment, pdata or procno folder, and for the data files that lie in them."""
    try:
        path = Path(path)
        if path.is_dir():
            return 1.0 if _holds_data(path) else 0.0
        if path.name.lower() not in _DATA_FILES:
            return 0.0
        # Varian calls its data "fid" too; Bruker's always has its parameters beside it.
        beside = {"1r": "procs", "1i": "procs", "2rr": "procs"}.get(path.name.lower(), "acqus")
        if path.name.lower() in ("acqus", "acqu", "procs", "proc"):
            return 1.0 if b"##" in head and _holds_data(path.parent) else 0.0
        return 1.0 if _entry(path.parent, beside, beside[:-1]) else 0.0
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
    experiment, only = _open(path)
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
    lost = [str(p) for p in problems if p.found != _TWO_D]
    return [spectra[0].with_warnings(*(f"Not read: {text}" for text in lost)), *spectra[1:]]


def read_fid(path: Path) -> list[Spectrum]:
    """The raw data of the experiment that ``path`` belongs to, processed data or not.

    One FID, or the rows of a pseudo-2D experiment. ``x`` in seconds from the first point stored;
    ``y`` + i·``y_imaginary`` turns as exp(+2πi·f·t), f = (shift − ``carrier_ppm``) ·
    ``spectrometer_reference_mhz`` in Hz; the metadata say what a Fourier transform needs:
    ``frequency_mhz``, ``spectrometer_reference_mhz``, ``carrier_ppm``, ``sweep_width_hz``,
    ``group_delay_points``, ``acquisition_mode``. Raises ``FormatError``.
    """
    experiment, _ = _open(Path(path))
    return _read_raw(experiment)


READER = Reader("Bruker NMR folder", (), sniff, read)


# --- where things lie ---------------------------------------------------------------------------


def _entry(folder: Path, *names: str) -> Path | None:
    """The file of the first of these names in ``folder`` that is there, whatever its case."""
    try:
        present = {
            entry.name.lower(): entry.name for entry in os.scandir(folder) if entry.is_file()
        }
    except OSError:
        return None
    for name in names:
        if name in present:
            return folder / present[name]
    return None


def _holds_data(folder: Path) -> bool:
    if _entry(folder, "acqus", "acqu"):
        if _entry(folder, "fid", "ser"):
            return True
        # Bruker's mass spectrometers write an acqus too: without a pdata folder it is not NMR.
        return bool(_procnos(folder / "pdata"))
    if _entry(folder, "procs", "proc"):
        return _entry(folder, "1r", "2rr") is not None
    return bool(_procnos(folder if folder.name.lower() == "pdata" else folder / "pdata"))


def _procnos(pdata: Path) -> tuple[Path, ...]:
    """The procno folders that hold data, by number."""
    try:
        folders = [e.path for e in os.scandir(pdata) if e.name.isdigit() and e.is_dir()]
    except OSError:
        return ()
    folders = [Path(f) for f in sorted(folders, key=lambda f: int(Path(f).name))[:_MAX_PROCNOS]]
    return tuple(f for f in folders if _entry(f, "1r", "2rr"))


def _open(path: Path) -> tuple[_Experiment, Path | None]:
    """The experiment that ``path`` belongs to, and the one procno asked for, if one was."""
    if not path.exists():
        raise FormatError(path, "a Bruker experiment folder", "nothing of that name")
    folder = path if path.is_dir() else path.parent
    only = None
    if _entry(folder, "1r", "2rr"):
        only = folder
        if folder.parent.name.lower() == "pdata":
            folder = folder.parent.parent
    elif folder.name.lower() == "pdata":
        folder = folder.parent
    acqus = _entry(folder, "acqus", "acqu")
    return (
        _Experiment(
            folder=folder,
            acqus=read_parameters(acqus) if acqus else Parameters({}),
            fid=_entry(folder, "fid"),
            ser=_entry(folder, "ser"),
            procnos=_procnos(folder / "pdata"),
        ),
        only,
    )


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


def _sample_type(kind: int | None, big_endian: bool, declared: int, size: int) -> np.dtype:
    """The sample type that DTYPA or DTYPP names: 0 int32, 2 float64; 1 is either float."""
    order = ">" if big_endian else "<"
    if kind == 2:
        return np.dtype(order + "f8")
    if kind == 1:
        return np.dtype(order + ("f8" if size >= 8 * declared else "f4"))
    return np.dtype(order + "i4")


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


def _read_processed(experiment: _Experiment, folder: Path) -> Spectrum:
    real = _entry(folder, "1r")
    if real is None:
        raise FormatError(folder, "a 1-D spectrum (1r)", _TWO_D)
    parameter_file = _entry(folder, "procs", "proc")
    if parameter_file is None:
        raise FormatError(folder, "processing parameters (procs)", "none")
    procs = read_parameters(parameter_file)
    acqus = experiment.acqus
    isotope, warnings = nucleus(acqus, procs)
    if isotope is None:
        raise FormatError(folder, "the observed nucleus (NUC1 or AXNUC)", "none")

    points = procs.positive_integer("SI")
    size = real.stat().st_size
    dtype = _sample_type(procs.integer("DTYPP"), procs.integer("BYTORDP") == 1, points or 0, size)
    y, found = _load(real, dtype, points)
    warnings += found
    y, found = _scaled(y, procs.number("NC_proc"), "NC_proc")
    warnings += found
    imaginary = None
    imaginary_file = _entry(folder, "1i")
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
        carrier = _carrier_ppm(acqus, reference)
        if carrier is None:
            raise FormatError(folder, "the shift of the first point (OFFSET)", "none")
        offset = carrier + width / reference / 2
        warnings.append("OFFSET is missing: the axis was placed by the carrier frequency.")
    step = width / reference / (points or len(y))
    x = offset - step * np.arange(len(y))
    _check_axis(x, folder)

    title, comment = read_title(_entry(folder, "title"))
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


def _carrier_ppm(acqus: Parameters, reference_mhz: float) -> float | None:
    """Shift at the centre of the spectrum: (SFO1 - SF) / SF in ppm."""
    observe = acqus.positive_number("SFO1")
    if observe is None:
        base, offset = acqus.positive_number("BF1"), acqus.number("O1")
        if base is None or offset is None:
            return None
        observe = base + offset * 1e-6
    return (observe - reference_mhz) / reference_mhz * 1e6


def _reference_mhz(experiment: _Experiment) -> float | None:
    """SF of the lowest procno that has parameters, which may hold no spectrum (0 ppm is there)."""
    pdata = experiment.folder / "pdata"
    try:
        names = sorted((e.name for e in os.scandir(pdata) if e.name.isdigit()), key=int)
    except OSError:
        names = []
    for name in names[:_MAX_PROCNOS]:
        path = _entry(pdata / name, "procs", "proc")
        if path is not None:
            try:
                reference = read_parameters(path).positive_number("SF")
            except FormatError:
                continue  # BF1 stands in for it
            if reference is not None:
                return reference
    return None


def _read_raw(experiment: _Experiment) -> list[Spectrum]:
    if experiment.fid is not None:
        return [_fid(experiment, experiment.fid, "fid")]
    if experiment.ser is None:
        raise FormatError(experiment.folder, "raw data (fid or ser)", "none")
    if not _is_pseudo_2d(experiment):
        raise FormatError(experiment.folder, "1-D or pseudo-2D data", _TWO_D)
    return _rows(experiment, experiment.ser)


def _is_pseudo_2d(experiment: _Experiment) -> bool:
    """Whether the rows are 1-D experiments of their own, a delay or a gradient apart.

    The indirect dimension of such data is not Fourier transformed (FT_mod of proc2s is 0), and
    a list of the values lies beside the data.
    """
    if _entry(experiment.folder, "acqu3s"):
        return False
    lists = ("vdlist", "vplist", "vclist", "valist", "vtlist", "difflist", "difframp", "fq1list")
    if _entry(experiment.folder, *lists):
        return True
    pdata = experiment.folder / "pdata"
    for folder in _procnos(pdata):
        path = _entry(folder, "proc2s", "proc2")
        if path is not None:
            return read_parameters(path).integer("FT_mod") == 0
    return False


def _raw_type(acqus: Parameters, declared: int, size: int) -> np.dtype:
    return _sample_type(acqus.integer("DTYPA"), acqus.integer("BYTORDA") == 1, declared, size)


def _rows(experiment: _Experiment, ser: Path) -> list[Spectrum]:
    points = experiment.acqus.positive_integer("TD")
    if points is None:
        raise FormatError(ser, "the number of points of a row (TD in acqus)", "none")
    size = ser.stat().st_size
    width = _raw_type(experiment.acqus, points, size).itemsize
    # Every row of a ser starts on a block of 1024 bytes (TopSpin manual, file ser).
    stride = math.ceil(points * width / 1024) * 1024
    rows = math.ceil(size / stride)
    second = _entry(experiment.folder, "acqu2s", "acqu2")
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


def _fid(experiment: _Experiment, path: Path, block: str, offset: int = 0) -> Spectrum:
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
    dtype = _raw_type(acqus, declared or 0, path.stat().st_size)
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
    reference = _reference_mhz(experiment) or acqus.positive_number("BF1")
    carrier = None if reference is None else _carrier_ppm(acqus, reference)
    metadata |= _known(
        spectrometer_reference_mhz=reference,
        carrier_ppm=carrier,
        sweep_width_hz=width,
        group_delay_points=delay,
        acquisition_mode=mode,
    )
    title, comment = "", ""
    for folder in sorted((experiment.folder / "pdata").glob("[0-9]*"))[:_MAX_PROCNOS]:
        title, comment = read_title(_entry(folder, "title"))
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
