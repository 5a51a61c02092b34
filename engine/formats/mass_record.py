"""What the text formats of mass spectrometry share: their peaks, and the words of their headers."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.spectra import Source, Spectrum, Technique

# A block's title and the lines in it.
Record = tuple[str, list[str]]

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LONGEST_LINE = 1 << 20
_MOST_LINES = 1_000_000
_MOST_BROKEN = 1000
MOST_RECORDS = 20_000
"""Spectra that are read of one file: more are a library, not the spectra of a compound."""
_EMPTY_WORDS = frozenset({"", "n/a", "na", "none", "null", "unknown", "-"})

# The ionization methods as instruments and libraries abbreviate them; longer words first, so that
# APCI is not taken for CI.
_IONIZATION = re.compile(
    r"(?<![A-Z])(NANO-?ESI|NSI|ESI|APCI|APPI|AP-?MALDI|MALDI|DESI|DART|LDI|FAB|FD|FI|EI|CI)(?![A-Z])"
)
_ADDUCT = re.compile(r"\[?\d*M(?:[+-]\d*[A-Za-z][A-Za-z0-9]*)*\]?\d*[+-]*[*.]?")


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file without their ends: UTF-8, UTF-16 with its mark, or Latin-1.

    The file is streamed. Raises ``FormatError`` for a line of more than a million characters or
    for zero bytes, which no such text holds, and for a file that cannot be opened.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(4)
        encoding = "utf-8-sig"
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        # Old libraries are Latin-1; what is not UTF-8 is read as that, byte by byte.
        with open(path, encoding=encoding, errors="surrogateescape", newline=None) as file:
            while line := file.readline(_LONGEST_LINE):
                if len(line) == _LONGEST_LINE:
                    raise FormatError(path, "lines of text", "a line of over a million characters")
                if "\0" in line:
                    raise FormatError(path, "lines of text", "zero bytes (the file is damaged)")
                yield _as_latin(line.rstrip("\r\n"))
    except OSError as error:
        raise FormatError(path, "a readable file", error.strerror or str(error)) from error
    except UnicodeError as error:
        raise FormatError(path, "lines of text", f"bytes that are no text ({error})") from error


def _as_latin(line: str) -> str:
    if line.isascii():
        return line
    return re.sub("[\udc80-\udcff]", lambda found: chr(ord(found.group()) - 0xDC00), line)


def read_records(
    path: Path,
    records: Iterable[Record],
    parse: Callable[[Path, str, list[str]], Spectrum],
    expected: str,
) -> list[Spectrum]:
    """Parse every record; those that raise ``ValueError`` become a warning on the first good one.

    Raises ``FormatError`` when none is good (the look ends after a thousand bad ones). ``records``
    may itself raise one midway (a damaged tail); the records before it still count.
    """
    spectra: list[Spectrum] = []
    broken: list[str] = []
    lost = 0
    try:
        for block, lines in records:
            if len(spectra) >= MOST_RECORDS:
                broken.append(f"only the first {MOST_RECORDS} records were read")
                break
            try:
                spectra.append(parse(path, block, lines))
            except ValueError as error:
                lost += 1
                if lost <= 3:
                    broken.append(f"record {block} was left out: {error}")
                if not spectra and lost >= _MOST_BROKEN:
                    break
    except FormatError as error:
        broken.append(f"the file could not be read to its end: {error.found}")
    what = "; ".join(broken) + (f"; and {lost - 3} more records" if lost > 3 else "")
    if not spectra:
        raise FormatError(path, expected, what or "none")
    if what:
        spectra[0] = spectra[0].with_warnings(what)
    return spectra


def check_length(path: Path, lines: list[str]) -> None:
    """Raise ``FormatError`` for a record of a million lines: no spectrum has so many peaks."""
    if len(lines) > _MOST_LINES:
        raise FormatError(path, "records of peaks", f"one of over {_MOST_LINES} lines")


def summary(sentences: list[str]) -> str:
    """The first three sentences, and how many more there are; empty for none."""
    shown = "; ".join(sentences[:3])
    return f"{shown}; and {len(sentences) - 3} more" if len(sentences) > 3 else shown


def mass_spectrum(
    mz: Iterable[float],
    intensity: Iterable[float],
    *,
    technique: str,
    title: str = "",
    source: Source = Source(),  # noqa: B008 - frozen
    metadata: Mapping[str, Any] | None = None,
    kind: str = "sticks",
    warnings: Iterable[str] = (),
) -> Spectrum:
    """A spectrum from m/z and intensities in any order, both of shape ``(n,)``.

    Points are sorted by m/z; those at exactly the same m/z are added together; those that are not
    finite are left out; each of the last two is said in the warnings. Raises ``ValueError`` when
    nothing is left or an m/z is negative.
    """
    x = np.asarray(mz, dtype=np.float64)
    y = np.asarray(intensity, dtype=np.float64)
    said = list(warnings)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.all():
        said.append(f"{int((~finite).sum())} of {len(x)} peaks are not numbers and were left out")
        x, y = x[finite], y[finite]
    if len(x) == 0:
        raise ValueError("it holds no peaks")
    if x.min() < 0:
        raise ValueError(f"an m/z of {x.min():g} is impossible (the peaks run to {x.max():g})")
    if len(x) > 1 and not (np.diff(x) > 0).all():
        merged, where = np.unique(x, return_inverse=True)
        if len(merged) < len(x):
            said.append(
                f"{len(x) - len(merged)} peaks repeat the m/z of another and were added to it"
            )
        x, y = merged, np.bincount(where, weights=y, minlength=len(merged))
    return Spectrum(
        Technique(technique), x, y, "m/z", "intensity", kind, title, source,
        {key: value for key, value in (metadata or {}).items() if value not in (None, "")},
        tuple(said),
    )  # fmt: skip


def numbers(text: str) -> list[float]:
    """The finite numbers in a text, in their order."""
    found = (float(match) for match in _NUMBER.findall(text))
    return [value for value in found if math.isfinite(value)]


def positive_number(text: str | None) -> float | None:
    """The number that a text begins with when it is above zero: 0 and -1 mean "not known"."""
    found = _NUMBER.match((text or "").strip())
    value = float(found.group()) if found else 0.0
    return value if math.isfinite(value) and value > 0 else None


def said(text: str | None) -> str | None:
    """A header's text, or None when it only says that nothing is known."""
    text = (text or "").strip()
    return None if text.casefold() in _EMPTY_WORDS else text


def polarity(text: str | None) -> str | None:
    """``positive`` or ``negative`` from ``POSITIVE``, ``P``, ``+``, ``neg``..."""
    word = (text or "").strip().casefold()
    if word in ("+", "1", "1+") or word.startswith("p"):
        return "positive"
    if word in ("-", "-1", "1-") or (word.startswith("n") and word not in _EMPTY_WORDS):
        return "negative"
    return None


def ionization(*texts: str | None) -> str | None:
    """The abbreviation (``EI``, ``ESI``...) in the first text that names an ionization."""
    for text in texts:
        upper = (text or "").upper()
        found = _IONIZATION.search(upper)
        if found:
            word = found.group(1).replace("-", "")
            return "ESI" if word in ("NANOESI", "NSI") else word
        if upper.startswith("ELECTRON I"):
            return "EI"
        if "ELECTROSPRAY" in upper:
            return "ESI"
        if "CHEMICAL IONI" in upper:
            return "APCI" if "ATMOSPHERIC" in upper else "CI"
    return None


def ms_level(text: str | None) -> int | None:
    """The level n of ``MS``, ``MS2``, ``MS/MS``, ``2``..."""
    word = (text or "").strip().upper().replace(" ", "")
    if word in ("MS/MS", "MSMS", "MSN"):
        return 2
    found = re.fullmatch(r"(?:MS)?(\d{0,2})", word)
    if not found or not word:
        return None
    return int(found.group(1) or 1) or None


def collision_energy(text: str | None) -> dict[str, Any]:
    """``collision_energy`` and its unit from ``40 eV``, ``70eV``, ``40% (nominal)``, ``30 NCE``.

    A ramp or several steps have no one value: then only ``collision_energy_text`` is there.
    """
    words = said(text)
    if words is None:
        return {}
    values = numbers(re.sub(r"(?<=\d)\s*[-–](?=\s*\d)", " ", words))
    if len(values) != 1 or values[0] < 0:
        return {"collision_energy_text": words} if values else {}
    result: dict[str, Any] = {"collision_energy": values[0]}
    unit = re.search(r"(NCE|keV|eV|kV|V\b|%)", words, re.IGNORECASE)
    if unit:
        spelled = {"nce": "NCE", "kev": "keV", "ev": "eV", "kv": "kV", "v": "V", "%": "%"}
        result["collision_energy_unit"] = spelled[unit.group(1).casefold()]
    return result


def adduct(text: str | None, sign: str | None = None) -> str | None:
    """An adduct with brackets and charge where they are clear: ``M-H`` (negative) is ``[M-H]-``."""
    word = said(text)
    if word is None or not _ADDUCT.fullmatch(word):
        return word
    if word.startswith("["):
        return word if word[-1] != "]" or sign is None else word + _sign(sign)
    body = re.fullmatch(r"(.*?)([+-]?)", word)
    if body.group(2):
        return f"[{body.group(1)}]{body.group(2)}"
    return f"[{word}]{_sign(sign)}" if sign else word


def _sign(sign: str) -> str:
    return "+" if sign == "positive" else "-"


def trailing_adduct(name: str) -> tuple[str, str | None]:
    """A name without the adduct that ends it (``Fuberidazole M-H``), and the adduct."""
    head, _, tail = name.rpartition(" ")
    if head and len(tail) > 1 and _ADDUCT.fullmatch(tail):
        return head.rstrip(), tail
    return name, None


def technique_of(level: int | None, precursor: float | None, ion_source: str | None) -> str:
    """``MS`` or ``MS/MS``: by the level where it is said, else by a precursor that is not EI's."""
    if level is not None:
        return "MS/MS" if level > 1 else "MS"
    return "MS/MS" if precursor is not None and ion_source != "EI" else "MS"
