"""What runs share: reading XML scan by scan, binary arrays, and the scans' spectra."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
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
                found = f"{self.chromatograms} chromatograms and no scan: the window shows them"
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


class ScanHeader(NamedTuple):
    """What a scan says about itself, known without unpacking its arrays."""

    scan: str
    seconds: float | None  # retention time
    level: int  # of MS; 0 for a scan of another detector
    total: float | None  # total ion current, None where it is not said
    base_peak: float | None  # intensity of the base peak
    precursor_mz: float | None = None  # of MSn


ScanHandler = Callable[[Any, Run], Any]
"""Takes a finished XML element; for a scan gives its spectrum, None for one without points."""

_SCANS = ("spectrum", "peaks")
_CHROMATOGRAM = "chromatogram"


def read_run(path: Path, handlers: Mapping[str, ScanHandler]) -> list[Spectrum]:
    """The first ``MOST_SCANS`` scans of a run; raises ``FormatError`` when there is none.

    ``handlers`` has a function for each element (by its name without namespace) that tells
    something. XML that ends too soon loses only its last scan.
    """
    run = Run(path)
    try:
        for spectrum in scans(path, run, handlers):
            if len(run.spectra) >= MOST_SCANS:
                run.cut = True
                break
            run.spectra.append(spectrum)
    except OSError as error:
        raise FormatError(path, "a readable file", error.strerror or str(error)) from error
    except FormatError as error:
        if not run.spectra:
            raise
        run.broken.append(error.found)
    return run.result()


def scans(
    path: Path,
    run: Run,
    handlers: Mapping[str, ScanHandler],
    chunks: Iterable[bytes] | None = None,
) -> Iterator[Any]:
    """What ``handlers`` make of each scan (an element ``spectrum`` or ``peaks``), as it is read.

    The file is streamed (or ``chunks``, a part of it), and ends after ``MOST_POINTS`` points in
    ``run``. A scan whose handler raises ``ValueError`` is noted in ``run.broken``. Raises
    ``FormatError`` for a document type (it could define entities that swell or reach for other
    files), for XML that is broken or cut, once the scans before are given, and for a thousand
    broken scans.
    """
    from lxml import etree

    refuse_document_type(path)
    parser = etree.XMLPullParser(
        events=("start", "end"), huge_tree=True, resolve_entities=False, no_network=True,
        load_dtd=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    waiting = 0
    for chunk in _chunks(path) if chunks is None else chunks:
        waiting += len(chunk)
        try:
            parser.feed(chunk)
            failure = None
        except etree.XMLSyntaxError as error:
            failure = error
        for event, element in parser.read_events():
            name = element.tag.rpartition("}")[2]
            if event == "start":
                _note(name, element, run)
                continue
            if name in _SCANS and name in handlers:
                waiting = 0
                run.seen += 1
                try:
                    found = handlers[name](element, run)
                except SwellError as error:
                    raise FormatError(path, EXPECTED, f"scan {run.seen}: {error}") from error
                except ValueError as error:
                    run.broken.append(f"scan {run.seen} was left out: {error}")
                    found = None
                    if len(run.broken) > 1000:
                        raise FormatError(path, EXPECTED, summary(run.broken)) from error
                if found is not None:
                    yield found
                if run.points >= MOST_POINTS:
                    run.cut = True
                    return
            elif name in handlers:
                if name == _CHROMATOGRAM:
                    waiting = 0
                handlers[name](element, run)
            if _is_done_with(name, element):
                _forget(element)
        if failure is not None:
            raise FormatError(path, "well-formed XML", f"a break in it: {_line(failure)}")
        if waiting > LONGEST_SCAN:
            raise FormatError(path, "scans", f"{waiting >> 20} MB of XML without one")
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise FormatError(path, "well-formed XML", f"an end too soon: {_line(error)}") from error


def _chunks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _note(name: str, element: Any, run: Run) -> None:
    """What start tags tell: how many scans there should be, and mzXML's default for peaks."""
    if name in ("spectrumList", "msRun"):
        text = element.get("count") or element.get("scanCount")
        run.declared = int(text) if text and text.isdecimal() else None
    elif name == "dataProcessing" and element.get("centroided") is not None:
        run.centroided = element.get("centroided") in ("1", "true")


def _is_done_with(name: str, element: Any) -> bool:
    if name == "scan":  # in mzML a scan is a part of its spectrum, in mzXML it is the spectrum
        parent = element.getparent()
        return parent is None or not parent.tag.endswith("scanList")
    return name in ("spectrum", "chromatogram", "peaks", "offset", "sourceFile")


def _forget(element: Any) -> None:
    # Elements before this one are done too; an mzXML scan keeps its attributes for its own peaks.
    if element.tag.endswith("peaks"):
        element.text = None
        return
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


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
    except (expat.ExpatError, ValueError, LookupError) as error:  # an unknown encoding, too
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
    with np.errstate(invalid="ignore"):  # damaged bytes may be signalling NaN
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
