"""Reads Bruker OPUS files (.0, .1, ...): the result spectrum, else the single channel.

The layout is not published by Bruker; it is as users have found it: a header of 24 bytes, a
directory of blocks, each with a type of bit fields, a length in 32-bit words and an offset, blocks
of parameters (three letters, type, length, value) and blocks of ordinates. Checked against
brukeropus 1.4.3 and opusFC 1.5.0. Neither is used: brukeropus never ends on a parameter of
negative length and allocates what a series declares, opusFC is compiled code without source.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.optical_binary import (
    BinaryFile,
    gather,
    iso_date,
    open_binary,
    optical_spectrum,
    raman_shift,
    stated_phase,
    text_of,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Technique

_MAGIC = b"\x0a\x0a\xfe\xfe"
_EXPECTED = "a Bruker OPUS file"
_MOST_BLOCKS = 2000
_MOST_RESULTS = 64
_MOST_PARAMETER_BYTES = 1 << 16
# Descriptions of one kind, and bytes of data, up to which heights are compared to pair them.
_MOST_COMPARED, _MOST_COMPARED_BYTES = 8, 1 << 20

_SAMPLE, _REFERENCE = 1, 2  # which measurement a block belongs to; 3 is their ratio
_STATUS = 1  # the kind of parameter block that describes the ordinates of a block of data
_DIRECTORY, _SINGLE_CHANNEL = 13, 1
_IMAGINARY = 2

# Kinds of result spectra: the name OPUS shows, and the unit of y.
_RESULTS = {
    4: ("AB", "absorbance"), 5: ("TR", "transmittance"), 6: ("KM", "kubelka-munk"),
    10: ("RAM", "intensity"), 11: ("EMI", "intensity"), 12: ("RFL", "reflectance"),
    15: ("LRF", "log(1/R)"), 16: ("ATR", "absorbance"), 17: ("PAS", "intensity"),
    18: ("TR", "transmittance"), 19: ("AB", "absorbance"),
}  # fmt: skip
_RAMAN = 10
_X_UNITS = {"WN": "1/cm", "MI": "um", "NM": "nm"}
_OTHER_DATA = {2: "an interferogram", 3: "a phase", 7: "a trace", 8: "a GC run", 9: "a GC run"}


@dataclass(frozen=True)
class _Block:
    """An entry of the directory; ``size`` in bytes."""

    code: int
    offset: int
    size: int

    @property
    def part(self) -> int:
        return self.code & 3

    @property
    def stage(self) -> int:
        return self.code >> 2 & 3

    @property
    def parameter(self) -> int:
        return self.code >> 4 & 63

    @property
    def data(self) -> int:
        return self.code >> 10 & 127

    @property
    def derivative(self) -> int:
        return self.code >> 17 & 3

    @property
    def extension(self) -> int:
        return self.code >> 19

    @property
    def described(self) -> int:
        """The code without the kind of parameter: a block of data and its status share it."""
        return self.code & ~(63 << 4)

    @property
    def is_plain_data(self) -> bool:
        return (
            self.parameter == 0 and self.extension == 0 and self.part != _IMAGINARY
            and self.data not in (0, _DIRECTORY)
        )  # fmt: skip


Parameters = dict[str, Any]


def sniff(path: Path, head: bytes) -> float:
    """Certain for the four bytes that every OPUS file begins with."""
    return 1.0 if head.startswith(_MAGIC) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The result spectra (absorbance, transmittance, Raman...), else the sample's single channel.

    Micrometres become 1/cm; transmittance is a fraction in these files. Raises ``FormatError``
    where there is no spectrum, such as in a file of interferograms or a series.
    """
    path = Path(path)
    with open_binary(path) as file:
        blocks = _directory(file)
        chosen = [b for b in blocks if b.is_plain_data and b.data in _RESULTS]
        single = [b for b in blocks if b.is_plain_data and b.data == _SINGLE_CHANNEL]
        if not chosen:
            chosen = [b for b in single if b.stage != _REFERENCE] or single
        if not chosen:
            raise FormatError(path, "a result or single-channel spectrum", _found(blocks))
        listed = len(chosen)
        chosen = chosen[:_MOST_RESULTS]
        said, unread = _parameters(file, blocks)
        names, statuses = _names(chosen), _statuses(file, blocks, chosen)

        def one(index: int) -> Spectrum:
            return _spectrum(file, chosen[index], statuses[index], said, names[index])

        spectra = gather(path, len(chosen), one)
    if listed > len(chosen):
        spectra[0] = spectra[0].with_warnings(
            f"the file lists {listed} spectra; the first {len(chosen)} were read"
        )
    if unread:
        spectra[0] = spectra[0].with_warnings(
            f"{unread} blocks of parameters could not be read: the description may be incomplete"
        )
    return spectra


def _directory(file: BinaryFile) -> list[_Block]:
    magic, _, offset, _, count = file.unpack("<4sdiii", 0, "the header of an OPUS file")
    if magic != _MAGIC:
        raise FormatError(file.path, _EXPECTED, f"a file that begins with {magic.hex(' ')}")
    held = (file.size - offset) // 12
    if not 24 <= offset <= file.size - 12 or count < 1:
        found = f"{count} blocks listed at byte {offset} of {file.size}"
        raise FormatError(file.path, "a directory of blocks", found)
    blocks = []
    for index in range(min(count, held, _MOST_BLOCKS)):
        code, words, start = file.unpack("<Iii", offset + 12 * index, "the directory")
        if start <= 0:
            break
        if words >= 0:
            blocks.append(_Block(code, start, 4 * words))
    if not blocks:
        raise FormatError(file.path, "a directory of blocks", "an empty one")
    return blocks


def _found(blocks: list[_Block]) -> str:
    if any(b.extension == 2 and b.data for b in blocks):
        return "a series of spectra (3D): save its spectra one by one"
    kinds = [_OTHER_DATA[b.data] for b in blocks if b.data in _OTHER_DATA and not b.parameter]
    return " and ".join(sorted(set(kinds))) or "only parameters"


def _names(blocks: list[_Block]) -> list[str]:
    """``AB``, ``TR``, or ``AB 1``, ``AB 2`` where a kind comes twice."""
    names = [_RESULTS[b.data][0] if b.data in _RESULTS else _channel(b) for b in blocks]
    return [
        f"{name} {names[: i + 1].count(name)}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def _channel(block: _Block) -> str:
    return {_SAMPLE: "ScSm", _REFERENCE: "ScRf"}.get(block.stage, "Sc")


# Parameters


def _entries(raw: bytes) -> Iterator[tuple[str, Any]]:
    """Name and value of each parameter of a block, to its END or as far as they are whole."""
    at = 0
    while at + 8 <= len(raw):
        name = raw[at : at + 3]
        kind, words = struct.unpack_from("<HH", raw, at + 4)
        value = raw[at + 8 : at + 8 + 2 * words]
        if name == b"END" or not name.isalnum() or len(value) < 2 * words:
            return
        if kind == 0 and len(value) >= 4:
            yield name.decode("ascii"), struct.unpack_from("<i", value)[0]
        elif kind == 1 and len(value) >= 8:
            yield name.decode("ascii"), struct.unpack_from("<d", value)[0]
        elif kind >= 2:
            yield name.decode("ascii"), value
        at += 8 + 2 * words


def _block_parameters(file: BinaryFile, block: _Block) -> Parameters:
    size = min(block.size, _MOST_PARAMETER_BYTES)
    return dict(_entries(file.read(block.offset, size, "a block of parameters")))


def _parameters(file: BinaryFile, blocks: list[_Block]) -> tuple[Parameters, int]:
    """What the file says of sample and measurement, and how many blocks were out of reach."""
    said: Parameters = {}
    unread = 0
    for block in blocks:
        if block.parameter > _STATUS and block.stage != _REFERENCE and block.extension == 0:
            try:
                found = _block_parameters(file, block)
            except FormatError:
                unread += 1
                continue
            for name, value in found.items():
                said.setdefault(name, value)
    page = said.get("CPG")
    encoding = f"cp{page}" if isinstance(page, int) and 0 < page < 70000 else "utf-8"
    for name, value in said.items():
        if isinstance(value, bytes):
            said[name] = text_of(value, encoding)
    return said, unread


def _text(said: Parameters, name: str) -> str:
    return str(said.get(name, ""))


def _number(said: Parameters, *names: str) -> float | None:
    """The first of these parameters that is a finite number above 0, written as text or not."""
    for name in names:
        try:
            value = float(said[name])
        except (KeyError, ValueError):
            continue
        if math.isfinite(value) and value > 0:
            return value
    return None


# Ordinates


def _statuses(
    file: BinaryFile, blocks: list[_Block], chosen: list[_Block]
) -> list[Parameters | None]:
    """The parameters that describe each block of data, None where there are none.

    Several spectra of one kind have as many descriptions, told apart by the heights they name,
    else by their order.
    """
    found: dict[int, list[Parameters]] = {}
    for block in blocks:
        if block.parameter == _STATUS:
            try:
                found.setdefault(block.described, []).append(_block_parameters(file, block))
            except FormatError:
                continue
    statuses = []
    for block in chosen:
        candidates = found.get(block.described, [])
        if 1 < len(candidates) <= _MOST_COMPARED and block.size <= _MOST_COMPARED_BYTES:
            candidates.sort(key=lambda status, block=block: _mismatch(file, block, status))
        # The last one stays: a copied spectrum may share its original's description.
        statuses.append(candidates.pop(0) if len(candidates) > 1 else next(iter(candidates), None))
    return statuses


def _mismatch(file: BinaryFile, block: _Block, status: Parameters) -> float:
    """How far the heights of a block lie from those of a description; infinite if they cannot."""
    try:
        y, _ = _ordinates(file, block, status)
    except FormatError:
        return math.inf
    ends = [status.get("MNY"), status.get("MXY")]
    if not all(isinstance(end, float) and math.isfinite(end) for end in ends):
        return 1e300
    return abs(float(np.nanmin(y)) - ends[0]) + abs(float(np.nanmax(y)) - ends[1])


def _ordinates(file: BinaryFile, block: _Block, status: Parameters) -> tuple[np.ndarray, list[str]]:
    points, kind = status.get("NPT"), status.get("DPF", 1)
    if not isinstance(points, int) or points < 1 or 4 * points > block.size:
        found = f"{points} points in a block of {block.size} bytes"
        raise FormatError(file.path, "a number of points (NPT) that fits its block", found)
    if kind not in (1, 2):
        raise FormatError(file.path, "ordinates as floats or integers (DPF 1 or 2)", f"DPF {kind}")
    values, warnings = file.numbers(block.offset, "<f4" if kind == 1 else "<i4", points, "y")
    factor = status.get("CSF", 1.0)
    if not isinstance(factor, float) or not math.isfinite(factor) or factor == 0:
        factor = 1.0
    return values.astype(np.float64) * factor, warnings


def _spectrum(
    file: BinaryFile, block: _Block, status: Parameters | None, said: Parameters, name: str
) -> Spectrum:
    if status is None:
        raise FormatError(file.path, f"the description of {name} (data status)", "none")
    y, warnings = _ordinates(file, block, status)
    first, last = status.get("FXV"), status.get("LXV")
    if not (isinstance(first, float) and isinstance(last, float) and math.isfinite(last - first)):
        raise FormatError(file.path, "the ends of the axis (FXV, LXV)", f"{first} and {last}")
    x = np.linspace(first, last, status["NPT"])
    code = status.get("DXU", b"WN")
    code = text_of(code) if isinstance(code, bytes) else str(code)
    unit = _X_UNITS.get(code)
    if unit is None:
        raise FormatError(file.path, "an axis in 1/cm, um or nm (DXU WN, MI, NM)", code)
    laser = _laser_nm(said)
    technique = Technique.RAMAN if block.data == _RAMAN else Technique.IR
    if technique == Technique.RAMAN:
        if unit == "1/cm" and min(first, last) > 4000 and laser:  # beyond any Raman shift
            x, found = raman_shift(x, unit, laser)
            warnings += found
        elif unit != "1/cm":
            try:
                x, found = raman_shift(x, unit, laser)
            except ValueError as error:
                raise FormatError(file.path, "a Raman shift", f"{unit}; {error}") from error
            unit = "1/cm"
            warnings += found
    elif unit == "nm" and min(first, last) <= 750:
        technique = Technique.UV_VIS
    y_unit = _RESULTS.get(block.data, ("", "intensity"))[1]
    if block.derivative:
        y_unit = f"{y_unit}, derivative {block.derivative}"
        warnings.append(f"a derivative of order {block.derivative}, as it was stored")
    if block.data == _SINGLE_CHANNEL:
        warnings.append("a single-channel spectrum: it was not divided by its background")
    return optical_spectrum(
        Source(str(file.path), name), technique, x, y, unit, y_unit,
        title=_text(said, "SNM") or file.path.stem,
        metadata=_metadata(said, status, technique, laser),
        warnings=warnings,
    )  # fmt: skip


def _laser_nm(said: Parameters) -> float | None:
    """The Raman laser's wavelength in nm; RLW holds it, or its wavenumber in 1/cm."""
    value = _number(said, "RLW")
    if value is None:
        return None
    if 200 <= value <= 2000:
        return value
    return 1e7 / value if 5000 < value < 50_000 else None


def _metadata(
    said: Parameters, status: Parameters, technique: Technique, laser: float | None
) -> dict[str, Any]:
    scans = _number(said, "ASS", "NSS")
    metadata: dict[str, Any] = {
        "date": _date(status),
        "instrument": _text(said, "INS"),
        "accessory": _text(said, "ACC"),
        "detector": _text(said, "DTC"),
        "beam_splitter": _text(said, "BMS"),
        "light_source": _text(said, "SRC"),
        "apodization": _text(said, "APF"),
        "experiment": _text(said, "EXP"),
        "sample_form": _text(said, "SFM"),
        "resolution_per_cm": _number(said, "RES"),
        "scans": int(scans) if scans else None,
        "phase": stated_phase(f"{_text(said, 'SFM')} {_text(said, 'SNM')}"),
    }
    if technique == Technique.RAMAN:
        metadata |= {"laser_wavelength_nm": laser, "laser_power_mw": _number(said, "RLP", "SRL")}
    return metadata


def _date(status: Parameters) -> str | None:
    """DAT (day/month/year, or year/month/day) and TIM (``13:09:58.095 (GMT+1)``) as ISO 8601."""
    day, clock = (
        text_of(value) if isinstance(value := status.get(name), bytes) else ""
        for name in ("DAT", "TIM")
    )
    found = re.match(r"(\d{1,4})/(\d{1,2})/(\d{1,4})", day)
    if not found:
        return None
    first, month, last = map(int, found.groups())
    year, day_of_month = (first, last) if first > 31 else (last, first)
    time = re.match(r"(\d{1,2}):(\d{2}):(\d{2})", clock)
    iso = iso_date(year, month, day_of_month, *(map(int, time.groups()) if time else ()))
    zone = re.search(r"GMT([+-])(\d{1,2})(?::(\d{2}))?", clock)
    if iso and time and zone:
        iso += f"{zone[1]}{int(zone[2]):02d}:{zone[3] or '00'}"
    return iso


READER = Reader(
    "Bruker OPUS", (".0", ".1", ".2", ".3", ".4", ".5", ".6", ".7", ".8", ".9"), sniff, read
)
