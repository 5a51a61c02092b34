"""Varian and Agilent NMR folders (``fid`` with ``procpar``): FIDs, single or arrayed.

Two-dimensional data are read by ``varian_2d``.

File layout: "VnmrJ User Programming", chapter "Parameters and Data": a file header of 32 bytes,
then blocks of 28-byte headers and traces, all big-endian. nmrglue decodes single parameters; its
readers of whole files are not used, because they allocate what the header declares before they look
at the file's size and fail at the first parameter that is cut or damaged.
"""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of
from engine.formats.bruker_parameters import read_title
from engine.formats.errors import FormatError
from engine.formats.nmr_binary import MAX_POINTS, fid, load_points, only_2d, positive
from engine.formats.parameter_text import read_parameter_text
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Spectrum2D

MAX_ROWS = 64
"""FIDs of an arrayed experiment that are given."""

_FILE_HEADER, _BLOCK_HEADER = 32, 28
_SPECTRUM, _LONG, _FLOAT = 0x2, 0x4, 0x8  # bits of the file's status
INDIRECT = ("ni", "ni2", "ni3")  # increments of the indirect dimensions
_MAX_PROCPAR = 16 << 20
_MAX_ROWS_DECLARED = 1 << 24
# The first line of a parameter: name, subtype, basictype and eight more fields.
_PARAMETER = re.compile(r"^[A-Za-z_]\w* \d \d(?: \S+){8} *$", re.MULTILINE)
_ARRAY_ENTRY = re.compile(r"\(([^()]*)\)|([^,()]+)")
_UNITS = {"3": "s", "5": "hz", "6": "us"}  # by subtype: delay, frequency, pulse


@dataclass(frozen=True)
class Layout:
    """The file header: FIDs in the file, traces of a block, numbers of a trace, bytes of each."""

    rows: int
    traces: int
    numbers: int
    width: int
    trace_bytes: int
    block_bytes: int
    headers: int
    dtype: np.dtype
    transformed: bool

    def place(self, row: int) -> tuple[int, int]:
        """The bytes at which the block of a trace and its numbers begin."""
        block, trace = divmod(row, self.traces)
        start = _FILE_HEADER + block * self.block_bytes
        return start, start + self.headers * _BLOCK_HEADER + trace * self.trace_bytes

    def checked_dtype(self, data: Path) -> np.dtype:
        """The type of the numbers; raises ``FormatError`` when the header contradicts itself."""
        if self.dtype.itemsize != self.width:
            raise FormatError(
                data,
                f"numbers of {self.dtype.itemsize} bytes, as the file's status says",
                f"numbers of {self.width} bytes",
            )
        return self.dtype


@dataclass(frozen=True)
class Parameter:
    """A parameter of procpar: its values as text; ``active`` False when it is switched off."""

    values: tuple[str, ...]
    active: bool
    unit: str = ""


class Procpar(dict[str, Parameter]):
    """The parameters of an experiment by name."""

    def text(self, *names: str) -> str:
        """The first value of the first of these that has one that is not blank, else ``""``."""
        for name in names:
            if name in self and self[name].values:
                value = " ".join(self[name].values[0].split())
                if value:
                    return value
        return ""

    def number(self, name: str) -> float | None:
        """The first value as a finite number, None when it is none or switched off."""
        if name not in self or not self[name].active:
            return None
        return _number(self.text(name))


def sniff(path: Path, head: bytes) -> float:
    """1.0 for a folder with ``fid`` and ``procpar`` and for these files in it.

    0.9 for a ``fid`` or ``procpar`` of Varian's layout that stands alone.
    """
    try:
        path = Path(path)
        if path.is_dir():
            return 1.0 if (path / "fid").is_file() and _procpar_path(path) is not None else 0.0
        if path.name.lower() == "procpar" and _PARAMETER.match(head.decode("latin-1")):
            return 1.0 if (path.parent / "fid").is_file() else 0.9
        if layout_of(head) is None:
            return 0.0
        return 1.0 if _procpar_path(path.parent) is not None else 0.9
    except OSError:
        return 0.0


def read(path: Path) -> list[Spectrum]:
    """The FID of an experiment, or those of an arrayed one, in the order of its blocks.

    ``y`` + i·``y_imaginary`` turns as exp(+2πi·f·t), f = (shift − ``carrier_ppm``) ·
    ``spectrometer_reference_mhz`` in Hz. FIDs of an array carry ``row``, ``rows`` and
    ``arrayed``: what was arrayed with its value, each under its name and unit (``d2_s``,
    ``pw_us``, ``tof_hz``). Raises ``FormatError``, for two-dimensional experiments too.
    """
    folder, data, layout, procpar = open_folder(Path(path))
    if is_2d(layout, procpar):
        raise only_2d(folder)
    return _fids(folder, data, layout, procpar)


def read_2d(path: Path) -> list[Spectrum2D]:
    """The raw data of a two-dimensional experiment; see :mod:`varian_2d`."""
    from engine.formats import varian_2d

    return varian_2d.read(Path(path))


READER = Reader("Varian/Agilent NMR folder", (".fid",), sniff, read, read_2d)


def open_folder(path: Path) -> tuple[Path, Path, Layout, Procpar]:
    """The folder of an experiment, its data, their layout and its parameters.

    Raises ``FormatError`` when something is missing, or the data are no FIDs.
    """
    folder = path if path.is_dir() else path.parent
    data = path if path.is_file() and path.name.lower() != "procpar" else folder / "fid"
    if not data.is_file():
        raise FormatError(path, "a Varian FID (a file named fid)", "none")
    parameter_file = _procpar_path(folder)
    if parameter_file is None:
        raise FormatError(path, "the parameters (procpar) beside the FID", "none")
    procpar = read_procpar(parameter_file)
    with data.open("rb") as file:
        layout = layout_of(file.read(_FILE_HEADER))
    if layout is None:
        raise FormatError(data, "a Varian FID", "a header whose sizes contradict each other")
    if layout.transformed:
        raise FormatError(data, "a FID", "a transformed spectrum")
    if layout.rows > _MAX_ROWS_DECLARED:
        raise FormatError(data, f"at most {_MAX_ROWS_DECLARED} FIDs", f"{layout.rows} declared")
    return folder, data, layout, procpar


def is_2d(layout: Layout, procpar: Procpar) -> bool:
    """Whether the FIDs are the increments of an indirect dimension."""
    return layout.rows > 1 and any((procpar.number(name) or 0) > 1 for name in INDIRECT)


def read_procpar(path: Path) -> Procpar:
    """The parameters of a procpar file; those that are cut or damaged are left out.

    Raises ``FormatError`` when it holds none or cannot be opened.
    """
    from nmrglue.fileio.varian import get_parameter

    text = read_parameter_text(path, _MAX_PROCPAR, "a readable procpar file")
    parameters = Procpar()
    places = [match.start() for match in _PARAMETER.finditer(text)]
    for start, end in pairwise([*places, len(text)]):
        try:
            entry = get_parameter(io.BytesIO(text[start:end].encode("utf-8")))
        except (IndexError, ValueError):
            continue
        values = tuple(value[:4096] for value in entry["values"])
        parameters.setdefault(
            entry["name"],
            Parameter(values, entry["active"] != "0", _UNITS.get(entry["subtype"], "")),
        )
    if not parameters:
        raise FormatError(path, "parameters as VnmrJ writes them", "none")
    return parameters


def _procpar_path(folder: Path) -> Path | None:
    """procpar beside the FID, or above it where the FID lies in an ``acqfil`` folder."""
    places = [folder, folder.parent] if folder.name == "acqfil" else [folder]
    return next((p / "procpar" for p in places if (p / "procpar").is_file()), None)


def layout_of(head: bytes) -> Layout | None:
    """The file header, or None when its sizes do not follow from one another."""
    if len(head) < _FILE_HEADER:
        return None
    blocks, traces, numbers, width, trace, block, _, status, headers = struct.unpack(
        ">6i2hi", head[:_FILE_HEADER]
    )
    sound = (
        blocks > 0 and traces > 0 and numbers > 1 and width in (2, 4) and 0 <= headers < 10
        and trace == numbers * width and block == traces * trace + _BLOCK_HEADER * headers
    )  # fmt: skip
    if not sound:
        return None
    kind = "f4" if status & _FLOAT else "i4" if status & _LONG else "i2"
    return Layout(
        rows=blocks * traces,
        traces=traces,
        numbers=numbers,
        width=width,
        trace_bytes=trace,
        block_bytes=block,
        headers=headers,
        dtype=np.dtype(f">{kind}"),
        transformed=bool(status & _SPECTRUM),
    )


def _fids(folder: Path, data: Path, layout: Layout, procpar: Procpar) -> list[Spectrum]:
    rows = layout.rows
    isotope, metadata, warnings = experiment_of(folder, procpar)
    title, comment = read_title(folder / "text")
    title = title or procpar.text("samplename") or folder.name.removesuffix(".fid")
    if comment:
        metadata["comment"] = comment
    values, found = _array_values(procpar, rows)
    warnings += found
    # A budget keeps the sum of all rows within what one file may hold.
    shown = max(1, min(rows, MAX_ROWS, MAX_POINTS // min(layout.numbers, MAX_POINTS)))
    spectra: list[Spectrum] = []
    empty = 0
    for row in range(shown):
        try:
            points, found = _row(data, layout, row)
        except FormatError:
            if not spectra:
                raise
            break
        if rows > 1 and not points.any():
            empty += 1
            continue
        own = dict(metadata)
        if rows > 1:
            own |= {"row": row + 1, "rows": rows}
            if values:
                own["arrayed"] = values[row]
        source = Source(str(folder), f"fid {row + 1}" if rows > 1 else "fid")
        spectra.append(
            fid(source, points, isotope, procpar.number("sw"), own, title, [*warnings, *found])
        )
    if not spectra:
        raise FormatError(data, "FIDs", f"{shown} of zeros only")
    if empty:
        spectra[0] = spectra[0].with_warnings(f"FIDs of zeros only, left out: {empty}.")
    if rows > len(spectra) + empty:
        spectra[0] = spectra[0].with_warnings(
            f"{rows} FIDs are declared; the first {len(spectra) + empty} were read."
        )
    return spectra


def _row(data: Path, layout: Layout, row: int) -> tuple[np.ndarray, list[str]]:
    """The complex points ``(numbers / 2,)`` of one trace."""
    start, first = layout.place(row)
    dtype = layout.checked_dtype(data)
    values, warnings = load_points(data, dtype, layout.numbers, first)
    if layout.headers and dtype.kind == "i":
        with data.open("rb") as file:
            file.seek(start)
            scale = int.from_bytes(file.read(2), "big", signed=True)
        # Integers that would have overflowed were halved so many times while they were summed.
        if 0 < scale < 32:
            values = values * 2.0**scale
    pairs = len(values) // 2
    # Varian's receivers turn as exp(-2πi·f·t), against the convention here.
    return values[0 : 2 * pairs : 2] - 1j * values[1 : 2 * pairs : 2], warnings


def experiment_of(folder: Path, procpar: Procpar) -> tuple[str, dict[str, Any], list[str]]:
    """The isotope, what procpar says about the measurement, and what is doubtful about it."""
    channel = procpar.text("tn")
    isotope = "2H" if channel.lower() == "lk" else nucleus_of(channel)  # lk: the lock channel
    if isotope is None:
        raise FormatError(folder, "the observed nucleus (tn in procpar)", channel or "none")
    warnings = []
    observe = positive(procpar.number("sfrq"), 2500)
    reference, carrier = reference_of(procpar, observe)
    temperature = procpar.number("temp")
    if procpar.text("proc") == "rft":
        warnings.append("The FID was acquired one channel after the other: shifts may be mirrored.")
    metadata = {
        "solvent": procpar.text("solvent") or None,
        "pulse_program": procpar.text("seqfil", "pslabel") or None,
        "instrument": procpar.text("instrument", "console") or None,
        "probe": procpar.text("probe_") or None,
        "frequency_mhz": observe,
        "scans": _whole(procpar.number("ct")) or _whole(procpar.number("nt")),
        "temperature_k": None
        if temperature is None or not -200 < temperature < 400
        else round(temperature + 273.15, 6),
        "date": _date(procpar.text("time_run", "date")),
        "spectrometer_reference_mhz": reference,
        "carrier_ppm": carrier,
    }
    return isotope, {k: v for k, v in metadata.items() if v is not None}, warnings


def reference_of(
    procpar: Procpar, observe: float | None, axis: str = ""
) -> tuple[float | None, float | None]:
    """The frequency of 0 ppm in MHz and the shift of the carrier in ppm, where known.

    rfl is the distance of the reference line from the right end of the spectrum, rfp its shift,
    both in Hz; both 0 where nobody referenced the spectrum. reffrq is the frequency of 0 ppm.
    ``axis`` is what the parameters of an indirect axis have at the end of their names.
    """
    reference = positive(procpar.number(f"reffrq{axis}"), 2500)
    if observe is None:
        return reference, None
    if reference is not None and abs(reference - observe) > 0.01 * observe:
        reference = None
    width = positive(procpar.number(f"sw{axis}"))
    line, shift = procpar.number(f"rfl{axis}"), procpar.number(f"rfp{axis}")
    if width is not None and line is not None and shift is not None and (line or shift):
        offset = width / 2 - line + shift
        reference = reference or observe - offset * 1e-6
        carrier = offset / reference
    elif reference is not None:
        carrier = (observe - reference) / reference * 1e6
    else:
        return None, None
    return reference, carrier if abs(carrier) < 1e4 else None


def _array_values(procpar: Procpar, rows: int) -> tuple[list[dict[str, Any]], list[str]]:
    """What was arrayed, as a dict for each FID; empty where nothing was or it is not clear.

    ``array`` names parameters in a list whose last entry varies fastest; those in brackets vary
    together.
    """
    text = procpar.text("array")
    if rows < 2 or not text:
        return [], []
    entries = [
        [name.strip() for name in (group or single).split(",") if name.strip()]
        for group, single in _ARRAY_ENTRY.findall(text)
    ]
    entries = [entry for entry in entries if entry]
    lengths = [_length(procpar, entry) for entry in entries]
    if 0 in lengths or math.prod(lengths) != rows:
        return [], [f"{rows} FIDs do not fit what procpar says was arrayed ({text})."]
    return [
        {
            key: value
            for entry, index in zip(entries, np.unravel_index(row, lengths), strict=True)
            for name in entry
            for key, value in _value(procpar, name, int(index))
        }
        for row in range(min(rows, MAX_ROWS))
    ], []


def _length(procpar: Procpar, names: Iterable[str]) -> int:
    lengths = {len(procpar[name].values) if name in procpar else 0 for name in names}
    return lengths.pop() if len(lengths) == 1 else 0


def _value(procpar: Procpar, name: str, index: int) -> Iterable[tuple[str, Any]]:
    parameter = procpar[name]
    number = _number(parameter.values[index])
    key = f"{name}_{parameter.unit}" if parameter.unit and number is not None else name
    yield key, parameter.values[index] if number is None else number


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _whole(value: float | None) -> int | None:
    return round(value) if value is not None and 0 < value < 1e12 else None


def _date(text: str) -> str | None:
    """``20091023T110048`` as ISO 8601; other spellings as they are."""
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", text)
    if found is None:
        return text or None
    return "{}-{}-{}T{}:{}:{}".format(*found.groups())
