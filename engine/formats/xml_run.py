"""What mzML and mzXML runs share: what is known so far, binary arrays, and the scans' spectra."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.mass_record import mass_spectrum, summary
from engine.spectra import Source, Spectrum

MOST_SCANS = 2000
MOST_POINTS = 20_000_000
MOST_POINTS_OF_A_SCAN = 1 << 23
CHUNK = 1 << 20
LONGEST_SCAN = 1 << 27
"""Bytes of XML between two scans."""

EXPECTED = "at least one scan with peaks"


class SwellError(ValueError):
    """A compressed array that unpacks to more than any scan holds: nothing after it is read."""


@dataclass
class Run:
    """What is known about a run so far."""

    path: Path
    spectra: list[Spectrum] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    points: int = 0  # unpacked so far, in scans that were left out too
    seen: int = 0
    empty: int = 0
    chromatograms: int = 0
    declared: int | None = None
    cut: bool = False
    instrument: str | None = None
    ion_source: str | None = None
    centroided: bool | None = None
    groups: dict[str, list[Any]] = field(default_factory=dict)

    def result(self) -> list[Spectrum]:
        """The spectra, the first with what was left out; raises ``FormatError`` when none."""
        if not self.spectra:
            found = summary(self.broken)
            if not found and self.empty:
                found = f"{self.empty} scans without peaks"
            if not found and self.chromatograms:
                found = f"{self.chromatograms} chromatograms and no scan"
            raise FormatError(self.path, EXPECTED, found or "none")
        warnings = []
        if self.cut:
            of = f" of {self.declared}" if self.declared else ""
            warnings.append(
                f"the first {len(self.spectra)}{of} scans were read: a run is cut after "
                f"{MOST_SCANS} scans or {MOST_POINTS} points"
            )
        if self.empty:
            warnings.append(f"{self.empty} scans without peaks were left out")
        if self.broken:
            warnings.append(summary(self.broken))
        if warnings:
            self.spectra[0] = self.spectra[0].with_warnings(*warnings)
        return self.spectra


def refuse_document_type(path: Path) -> None:
    """Raise ``FormatError`` when the XML declares a document type before its root element."""

    class _RootReached(Exception):  # noqa: N818 - it ends the look, and is no error
        pass

    def doctype(*_: object) -> None:
        raise FormatError(path, "XML without a document type", "a DOCTYPE declaration")

    def root(*_: object) -> None:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                parser.Parse(chunk)
                if file.tell() > LONGEST_SCAN:
                    raise FormatError(path, "an XML root element", "none in the first 128 MB")
    except _RootReached:
        return
    except (expat.ExpatError, ValueError) as error:
        raise FormatError(path, "well-formed XML", str(error)) from error
    raise FormatError(path, "an XML root element", "none")


def decode(text: str | None, number_type: str, compressed: bool) -> np.ndarray:
    """Base64 to an array of shape ``(n,)``; raises ``ValueError`` for text or sizes that lie."""
    try:
        data = base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"its base64 text is damaged ({error})") from error
    if compressed and data:
        most = MOST_POINTS_OF_A_SCAN * 16
        inflater = zlib.decompressobj()
        try:
            inflated = inflater.decompress(data, most + 1)
        except zlib.error as error:
            raise ValueError(f"its compressed array is damaged ({error})") from error
        if len(inflated) > most:
            raise SwellError(f"its compressed array swells to more than {most >> 20} MB")
        if not inflater.eof:
            raise ValueError("its compressed array is cut")
        data = inflated
    size = np.dtype(number_type).itemsize
    if len(data) % size:
        raise ValueError(f"an array of {len(data)} bytes is no whole number of {size}-byte values")
    return np.frombuffer(data, number_type).astype(np.float64)


def scan_spectrum(
    run: Run,
    scan: str,
    level: int,
    centroided: bool | None,
    x: np.ndarray,
    y: np.ndarray,
    metadata: dict[str, Any],
    warnings: list[str],
) -> Spectrum:
    """The spectrum of one scan; ``centroided`` None lets the points themselves decide."""
    if centroided is None:
        centroided = not _looks_like_profile(x, y)
        kind = "centroids" if centroided else "a profile"
        warnings.append(f"the file does not say whether the scan is centroided; taken as {kind}")
    seconds = metadata.get("retention_time_s")
    technique = "MS/MS" if level > 1 else "MS"
    precursor = metadata.get("precursor_mz")
    what = technique if precursor is None else f"{technique} of {precursor:g}"
    return mass_spectrum(
        x, y, technique=technique, title=scan_title(scan, what, seconds),
        source=Source(str(run.path), scan), metadata=metadata,
        kind="sticks" if centroided else "continuous", warnings=warnings,
    )  # fmt: skip


def scan_title(scan: str, what: str, seconds: float | None) -> str:
    when = "" if seconds is None else f", RT {seconds / 60:.2f} min"
    return f"scan {scan}, {what}{when}"


def _looks_like_profile(x: np.ndarray, y: np.ndarray) -> bool:
    """A profile climbs and falls over several points: few of its points are local maxima.

    In a list of centroids neighbours are independent, and a third of them are.
    """
    if len(x) < 50:
        return False
    y = y[np.argsort(x, kind="stable")]
    maxima = (y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:])
    return float(maxima.mean()) < 0.22


def sorted_points(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    merged, first = np.unique(x, return_index=True)
    return merged, y[first]
