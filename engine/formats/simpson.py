"""SIMPSON's simulated NMR data: FIDs and spectra, as text or in its packed binary form.

Layout: M. Bak, J. T. Rasmussen, N. C. Nielsen, J. Magn. Reson. 147 (2000) 296, and the program's
own reader. The files hold points and a spectral width, but neither nucleus nor frequency: those
come from the input file that SIMPSON was run with, which lies beside them as a rule. nmrglue's
reader is not used: it allocates the declared number of points unseen, fails at a line with two
``=``, and unpacks binary data byte by byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of
from engine.formats.errors import FormatError
from engine.formats.nmr_binary import (
    MAX_POINTS,
    fid,
    finite,
    positive,
    shift_spectrum,
    two_dimensional,
)
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Technique

MAX_ELEMENTS = 64
"""Data sets of one file that are given."""

DEFAULT_PROTON_HZ = 400e6
"""SIMPSON's own proton frequency where the input file sets none."""

_EXPECTED = "SIMPSON data (SIMP, NP=, SW=, DATA)"
_MOST_HEADER_LINES = 200
_LINES_AT_ONCE = 1 << 16
_MAX_INPUT = 1 << 20
_KEY = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*")
_OPERATOR = re.compile(r"I(n|\d+)[a-z]")

# Frequency of each nucleus where protons have 100 (Ξ of R. K. Harris et al., Pure Appl. Chem. 73
# (2001) 1795).
_RATIO = {
    "1H": 100.0, "2H": 15.350609, "6Li": 14.716086, "7Li": 38.863797, "9Be": 14.051813,
    "10B": 10.743658, "11B": 32.083974, "13C": 25.145020, "14N": 7.226317, "15N": 10.136767,
    "17O": 13.556457, "19F": 94.094011, "23Na": 26.451900, "25Mg": 6.121635, "27Al": 26.056859,
    "29Si": 19.867187, "31P": 40.480742, "33S": 7.676000, "35Cl": 9.797909, "45Sc": 24.291747,
    "51V": 26.302948, "71Ga": 30.496704, "77Se": 19.071513, "79Br": 25.053980, "81Br": 27.006518,
    "87Rb": 32.720454, "93Nb": 24.476170, "111Cd": 21.215480, "113Cd": 22.193175,
    "117Sn": 35.632259, "119Sn": 37.290632, "125Te": 31.549769, "129Xe": 27.810186,
    "133Cs": 13.116142, "139La": 14.125641, "183W": 4.166387, "195Pt": 21.496784,
    "199Hg": 17.910822, "205Tl": 57.683838, "207Pb": 20.920599,
}  # fmt: skip


@dataclass(frozen=True)
class _Data:
    """The header of a file, its points of shape ``(elements, n)``, and what was doubtful."""

    header: dict[str, str]
    points: np.ndarray
    warnings: list[str]


def sniff(path: Path, head: bytes) -> float:
    """Certain for a first line ``SIMP``."""
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)
    return 1.0 if len(first) == 2 and first[0].strip() == b"SIMP" else 0.0


def read(path: Path, technique: str | None = None) -> list[Spectrum]:
    """The FID or the spectrum of a file, or each data set of a file of several.

    Nucleus and frequency come from the input file beside it (``name.in``, ``name.tcl``); without
    one the nucleus is that of ``technique``, else 1H, in SIMPSON's default field (protons at 400
    MHz), which a warning says. A FID's ``y`` + i·``y_imaginary`` turns as exp(+2πi·f·t), f the
    distance from the carrier in Hz. Raises ``FormatError``, for two-dimensional data too.
    """
    path = Path(path)
    data = _read(path)
    width = positive(_number(data.header.get("SW")))
    if width is None:
        raise FormatError(path, "the spectral width (SW=) in Hz", data.header.get("SW", "none"))
    reference = _number(data.header.get("REF")) or 0.0
    isotope, proton_hz, warnings = _conditions(path, technique)
    ratio = _RATIO.get(isotope)
    if ratio is None:
        raise FormatError(path, "a nucleus whose frequency is known", isotope)
    frequency = proton_hz * 1e-6 * ratio / 100.0
    warnings = [*data.warnings, *warnings]
    metadata: dict[str, Any] = {
        "instrument": "SIMPSON (simulated)",
        "frequency_mhz": frequency,
        "spectrometer_reference_mhz": frequency,
    }
    is_fid = data.header.get("TYPE", "FID").upper() != "SPE"
    spectra = []
    for number, points in enumerate(data.points, 1):
        several = len(data.points) > 1
        source = Source(str(path), f"data set {number}" if several else "")
        title = path.stem
        if is_fid:
            own = metadata | {"carrier_ppm": reference / frequency}
            spectra.append(fid(source, points, isotope, width, own, title, warnings))
        else:
            # The first point lies at REF - SW/2, the last one a step below REF + SW/2.
            declared = round(_number(data.header.get("NP")) or len(points))
            hertz = reference - width / 2 + width / declared * np.arange(len(points))
            own = metadata | {"sweep_width_hz": width}
            x = hertz[::-1] / frequency
            spectra.append(shift_spectrum(source, x, points[::-1], isotope, own, title, warnings))
    return spectra


READER = Reader("SIMPSON", (".fid", ".spe"), sniff, read)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _read(path: Path) -> _Data:
    header: dict[str, str] = {}
    with path.open(encoding="latin-1") as file:
        begun = False
        for line in islice(iter(lambda: file.readline(4096), ""), _MOST_HEADER_LINES):
            if line.strip() == "DATA":
                begun = True
                break
            found = _KEY.fullmatch(line)
            if found:
                header.setdefault(found.group(1).upper(), found.group(2))
        if not begun:
            raise FormatError(path, _EXPECTED, f"no DATA after {len(header)} entries")
        points, elements = (_number(header.get(k, d)) for k, d in (("NP", ""), ("NELEM", "1")))
        if (_number(header.get("NI")) or 0) > 1:
            raise two_dimensional(path)
        if points is None or not 1 <= points <= 1 << 31:
            raise FormatError(path, "a number of points (NP=)", header.get("NP", "none"))
        if elements is None or not 1 <= elements <= 1 << 31:
            raise FormatError(path, "a number of data sets (NELEM=)", header.get("NELEM", ""))
        points, elements = round(points), round(elements)
        warnings = []
        # The first data sets that together hold no more than one file may.
        shown = min(elements, MAX_ELEMENTS, max(1, MAX_POINTS // points))
        if shown < elements:
            warnings.append(f"{elements} data sets are declared; the first {shown} are shown.")
        wanted = 2 * shown * min(points, MAX_POINTS)
        if header.get("FORMAT", "TEXT").upper() == "BINARY":
            if header.get("PREC", "SINGLE").upper() == "DOUBLE":
                raise FormatError(path, "text or packed single precision", "double precision")
            values = _packed(path, file, wanted)
        else:
            values = _text(file, wanted)
    values = values[: len(values) // 2 * 2]
    if len(values) == 0:
        raise FormatError(path, f"{points} points", "none")
    if len(values) < wanted:
        warnings.append(
            f"{path.name} is cut short: {wanted // 2} points are declared, {len(values) // 2} "
            "were found."
        )
    values, found = finite(values, path)
    complex_values = values[0::2] + 1j * values[1::2]
    if shown == 1:
        return _Data(header, complex_values[None, :], [*warnings, *found])
    whole = len(complex_values) // points
    if whole == 0:
        return _Data(header, complex_values[None, :], [*warnings, *found])
    shaped = complex_values[: whole * points].reshape(whole, points)
    return _Data(header, shaped, [*warnings, *found])


def _text(file: Any, wanted: int) -> np.ndarray:
    """Up to ``wanted`` numbers of lines that hold two, as far as they are numbers."""
    pieces: list[np.ndarray] = []
    count = 0
    while count < wanted:
        lines = list(islice(iter(lambda: file.readline(256), ""), _LINES_AT_ONCE))
        words = "".join(lines).split()
        ended = not lines
        try:
            piece = np.array(words, dtype=np.float64)
        except ValueError:
            ended = True
            good = 0
            while good < len(words) and _is_number(words[good]):
                good += 1
            piece = np.array(words[:good], dtype=np.float64)
        pieces.append(piece[: wanted - count])
        count += len(pieces[-1])
        if ended:
            break
    return np.concatenate(pieces)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _packed(path: Path, file: Any, wanted: int) -> np.ndarray:
    """Up to ``wanted`` numbers: four characters from ``!`` on hold three bytes, low bits first.

    The bytes are those of 4-byte numbers, lowest first: 23 bits mantissa, 8 exponent (plus 127), 1
    sign. Unlike IEEE numbers they have no hidden bit: the mantissa is a fraction of 1.
    """
    characters = -(-wanted * 4 // 3) * 4
    # Lines of 64 characters and their ends.
    text = file.read(characters + characters // 32 + 64)
    codes = np.frombuffer(text.encode("latin-1"), dtype=np.uint8)
    codes = codes[(codes != 10) & (codes != 13)][:characters]
    codes = codes[: len(codes) // 4 * 4]
    values = codes.astype(np.int64) - 33
    bad = np.flatnonzero((values < 0) | (values > 63))
    if len(bad):
        values = values[: bad[0] // 4 * 4]
    a, b, c, d = values.reshape(-1, 4).T
    packed = np.stack(
        [a | (b << 2 & 0xC0), b & 0x0F | (c << 2 & 0xF0), c & 0x03 | (d << 2 & 0xFC)], axis=1
    )
    raw = packed.astype(np.uint8).ravel()
    words = raw[: len(raw) // 4 * 4].view("<u4")[:wanted]
    mantissa = (words & 0x7FFFFF) / float(1 << 23)
    exponent = (words >> 23 & 0xFF).astype(np.int64) - 127
    return np.where(words >> 31, -1.0, 1.0) * np.ldexp(mantissa, exponent)


def _conditions(path: Path, technique: str | None) -> tuple[str, float, list[str]]:
    """The observed isotope, the proton frequency in Hz, and what was taken for granted."""
    told = Technique(technique).nucleus if technique else None
    for place in (path.with_suffix(".in"), path.with_suffix(".tcl"), path.with_suffix("")):
        if place == path or not place.is_file():
            continue
        try:
            with place.open(encoding="latin-1") as file:
                text = re.sub(r"#[^\n]*", "", file.read(_MAX_INPUT))
        except OSError:
            continue
        if "spinsys" not in text:
            continue
        isotope = told or _observed(text)
        frequency = re.search(r"\bproton_frequency\s+([\d.eE+]+)", text)
        hertz = positive(_number(frequency.group(1)) if frequency else DEFAULT_PROTON_HZ, 2.5e9)
        if isotope is not None and hertz is not None and hertz > 1e4:
            return isotope, hertz, []
    isotope = told or "1H"
    warning = (
        "The file names neither nucleus nor frequency, and SIMPSON's input file (.in) does not "
        f"lie beside it: taken for {isotope} where protons have 400 MHz, SIMPSON's default."
    )
    return isotope, DEFAULT_PROTON_HZ, [warning]


def _observed(text: str) -> str | None:
    """The isotope that the detect operator of an input file observes."""
    nuclei = _words(text, "nuclei")
    channels = _words(text, "channels")
    operator = _OPERATOR.search(" ".join(_words(text, "detect_operator")))
    spin = operator.group(1) if operator else "n"
    if spin != "n" and 0 < int(spin) <= len(nuclei):
        return nucleus_of(nuclei[int(spin) - 1])
    return next((n for n in map(nucleus_of, [*channels, *nuclei]) if n), None)


def _words(text: str, name: str) -> list[str]:
    found = re.search(rf"^\s*{name}\s+([^\n}}]+)", text, re.MULTILINE)
    return found.group(1).split() if found else []
