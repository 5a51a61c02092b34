"""nmrML files: the FID and the processed spectra of a one-dimensional NMR experiment.

Schema: D. Schober et al., Anal. Chem. 90 (2018) 649, ``nmrML.xsd`` 1.0 and its release candidates.
nmrglue's reader is not used: it needs xmltodict, expands entities, inflates without a bound and
knows no parameter. Files by the project's converters label units and number formats wrongly now and
then, so numbers are checked against each other.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.nmr_binary import (
    fid,
    finite,
    labelled_isotope,
    positive,
    shift_spectrum,
    two_dimensional,
)
from engine.formats.reader import Reader
from engine.formats.xml_run import refuse_document_type
from engine.spectra import Source, Spectrum

MAX_BYTES = 64 << 20
"""Bytes of the largest file that is read."""

MAX_ARRAY = 64 << 20
"""Bytes of one array, unpacked."""

MAX_SPECTRA = 64

_EXPECTED = "an nmrML file with a 1-D FID or spectrum"
_NUMBERS = {
    "complex128": "<f8", "float64": "<f8", "double": "<f8", "complex64": "<f4", "float32": "<f4",
    "float": "<f4", "int32": "<i4", "integer32": "<i4", "complex32int": "<i4", "int64": "<i8",
}  # fmt: skip
_MANY = ("acquisitionMultiD", "acquisition2D", "spectrumMultiD", "spectrum2D")
# Their receivers turn as exp(-2πi·f·t), and converters copy the numbers as they are.
_TURN_BACKWARDS = ("varian", "vnmr", "agilent", "jeol")


@dataclass
class _Conditions:
    """What the acquisition parameters say."""

    isotope: str = "1H"
    width_hz: float | None = None
    group_delay: float = 0.0
    declared: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def sniff(path: Path, head: bytes) -> float:
    """Certain when the root element is nmrML."""
    text = head.replace(b"\0", b"")
    begun = text.find(b"<nmrML")
    return 1.0 if begun >= 0 and b"<" not in _without_prolog(text[:begun]) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The processed spectra of a file, then its FID.

    A FID's ``y`` + i·``y_imaginary`` turns as exp(+2πi·f·t), f = (shift − ``carrier_ppm``) ·
    ``spectrometer_reference_mhz`` in Hz. A broken array does not lose the others. Raises
    ``FormatError``, for a document type and for two-dimensional data too.
    """
    path = Path(path)
    root, problems = _parse(path)
    conditions = _conditions(root)
    spectra: list[Spectrum] = []
    for number, element in enumerate(_all(root, "spectrum1D"), 1):
        if number > MAX_SPECTRA:
            problems.append(f"only the first {MAX_SPECTRA} spectra were read")
            break
        name = element.get("id") or str(number)
        try:
            spectra.append(_spectrum(path, name, element, conditions))
        except (ValueError, FormatError) as error:
            problems.append(f"spectrum {name}: {_reason(error)}")
    for element in _all(root, "fidData"):
        try:
            spectra.append(_fid(path, root, element, conditions, spectra))
        except (ValueError, FormatError) as error:
            problems.append(f"FID: {_reason(error)}")
        break
    if not spectra:
        if any(next(_all(root, name), None) is not None for name in _MANY):
            raise two_dimensional(path)
        raise FormatError(path, _EXPECTED, "; ".join(problems[:3]) or "neither")
    if problems:
        spectra[0] = spectra[0].with_warnings(f"Not everything was read: {'; '.join(problems[:5])}")
    return spectra


READER = Reader("nmrML", (".nmrml",), sniff, read)


def _without_prolog(text: bytes) -> bytes:
    """What stands before the root element, without the XML declaration and comments."""
    while (begun := text.find(b"<?")) >= 0 and (end := text.find(b"?>", begun)) >= 0:
        text = text[:begun] + text[end + 2 :]
    while (begun := text.find(b"<!--")) >= 0 and (end := text.find(b"-->", begun)) >= 0:
        text = text[:begun] + text[end + 3 :]
    return text


def _reason(error: Exception) -> str:
    if isinstance(error, FormatError):
        return f"expected {error.expected}, found {error.found}"
    return str(error)


def _parse(path: Path) -> tuple[Any, list[str]]:
    """The root element, of a cut file as far as it goes, and what is wrong with the XML."""
    from lxml import etree

    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FormatError(path, f"a file of at most {MAX_BYTES >> 20} MB", f"{size >> 20} MB")
    refuse_document_type(path)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, recover=True,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    with path.open("rb") as file:
        try:
            root = etree.parse(file, parser).getroot()
        except etree.XMLSyntaxError as error:
            raise FormatError(path, "well-formed XML", str(error)) from error
    if root is None:
        raise FormatError(path, "well-formed XML", "no element that can be read")
    errors = [entry.message.strip() for entry in parser.error_log[:1]]
    return root, [f"the XML is damaged ({errors[0]})"] if errors else []


def _all(root: Any, name: str) -> Iterator[Any]:
    """The elements of this name, whatever their namespace."""
    return root.iter("{*}" + name)


def _first(root: Any, *names: str) -> Any:
    for name in names:
        found = next(_all(root, name), None)
        if found is not None:
            return found
    return None


def _number(element: Any, attribute: str = "value") -> float | None:
    try:
        value = float(element.get(attribute))
    except (AttributeError, TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _megahertz(element: Any) -> float | None:
    """A frequency in MHz; one that is too small or too large for its unit is in the other one."""
    value = _number(element)
    if value is not None and value > 1e5:
        value *= 1e-6
    return positive(value, 2500)


def _conditions(root: Any) -> _Conditions:
    found = _Conditions()
    settings = _first(root, "acquisitionParameterSet")
    scope = settings if settings is not None else root
    dimension = _first(scope, "DirectDimensionParameterSet", "directDimensionParameterSet")
    dimension = dimension if dimension is not None else scope
    observe = _megahertz(_first(dimension, "irradiationFrequency"))
    reference = _megahertz(_first(dimension, "effectiveExcitationField"))
    if observe and reference and abs(reference - observe) > 0.01 * observe:
        reference = None  # the schema asks for a field in tesla here; converters write 0 ppm
    nucleus = _first(dimension, "acquisitionNucleus")
    label = "" if nucleus is None else nucleus.get("name") or ""
    found.isotope, found.warnings = labelled_isotope(label, observe or reference)
    width = _first(dimension, "sweepWidth")
    found.width_hz = positive(_number(width))
    in_ppm = width is not None and _is_ppm(width)
    if in_ppm and found.width_hz and (observe or reference):
        found.width_hz *= observe or reference
    found.declared = _count(dimension.get("numberOfDataPoints"))
    delay = _number(_first(scope, "groupDelay"))
    found.group_delay = delay if delay is not None and 0 < delay < 1e5 else 0.0
    carrier = None
    if observe and reference:
        carrier = (observe - reference) / reference * 1e6
        carrier = carrier if abs(carrier) < 1e4 else None
    found.metadata = {
        "frequency_mhz": observe or reference,
        "spectrometer_reference_mhz": reference or observe,
        "carrier_ppm": carrier,
        "scans": _count(scope.get("numberOfScans")),
        "temperature_k": _kelvin(_first(scope, "sampleAcquisitionTemperature")),
        "pulse_program": _pulse_program(_first(scope, "pulseSequence")),
        "solvent": _name(_first(root, "solventType")),
        **_instrument(root),
    }
    return found


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and 0 < len(text) < 12 and int(text) else None


def _is_ppm(element: Any) -> bool:
    unit = (element.get("unitName") or "").lower()
    return unit == "ppm" or "parts per million" in unit


def _name(element: Any) -> str | None:
    return None if element is None else element.get("name") or None


def _kelvin(element: Any) -> float | None:
    value = _number(element)
    if value is None:
        return None
    kelvin = value + 273.15 if "celsius" in (element.get("unitName") or "").lower() else value
    return round(kelvin, 6) if 50 < kelvin < 1000 else None


def _pulse_program(element: Any) -> str | None:
    if element is None:
        return None
    said = [child.get("value") or child.get("name") for child in element]
    return element.get("name") or next((text for text in said if text), None)


def _instrument(root: Any) -> dict[str, str]:
    configuration = _first(root, "instrumentConfiguration")
    if configuration is None:
        return {}
    parameters = {
        child.get("name"): child.get("value") for child in configuration if child.get("name")
    }
    model = parameters.get("Instrument Name") or next(
        (name for name, value in parameters.items() if not value), None
    )
    found = {"instrument": model, "probe": parameters.get("ProbeHead")}
    return {key: text for key, text in found.items() if text}


def _values(element: Any, path: Path, expected: int | None) -> tuple[np.ndarray, list[str]]:
    """The numbers of an array, float64 ``(n,)``, and what is doubtful about them.

    ``expected`` numbers, or twice as many, tell which number format is right where the file names
    a wrong one. Raises ``ValueError`` for an array that is empty or damaged.
    """
    named = (element.get("byteFormat") or "").lower()
    compressed = (element.get("compressed") or "").lower() in ("true", "1", "zlib")
    data = _bytes(element.text or "", compressed)
    kinds = dict.fromkeys([_NUMBERS.get(named, "<f8"), "<f8", "<i4", "<f4"])
    fitting = []
    for kind in kinds:
        size = np.dtype(kind).itemsize
        if len(data) % size:
            continue
        with np.errstate(invalid="ignore"):  # bytes of another format may be no numbers
            values = np.frombuffer(data, kind).astype(np.float64)
        strange = ~(np.abs(values) < 1e30) | ((np.abs(values) < 1e-30) & (values != 0))
        if strange.mean() < 0.5:
            fits = expected is not None and len(values) in (expected, 2 * expected)
            fitting.append((not fits, len(fitting), kind, values))
    if not fitting:
        raise ValueError(f"its {len(data)} bytes are no numbers of the format {named or 'none'}")
    _, _, kind, values = min(fitting)
    values, warnings = finite(values, path)
    if _NUMBERS.get(named) != kind:
        warnings.append(f"The numbers are labelled {named or 'with no format'}; read as {kind}.")
    return values, warnings


def _bytes(text: str, compressed: bool) -> bytes:
    """What base64 text holds, inflated; raises ``ValueError`` for damage and for what swells."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"its base64 text is damaged ({error})") from error
    if compressed:
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(data, MAX_ARRAY + 1)
        except zlib.error as error:
            raise ValueError(f"its compressed array is damaged ({error})") from error
        if data and not inflater.eof and len(data) <= MAX_ARRAY:
            raise ValueError("its compressed array is cut")
    if not data:
        raise ValueError("its array is empty")
    if len(data) > MAX_ARRAY:
        raise ValueError(f"its array is larger than {MAX_ARRAY >> 20} MB")
    return data


def _fid(
    path: Path, root: Any, element: Any, conditions: _Conditions, spectra: list[Spectrum]
) -> Spectrum:
    values, warnings = _values(element, path, conditions.declared)
    pairs = len(values) // 2
    points = values[0 : 2 * pairs : 2] + 1j * values[1 : 2 * pairs : 2]
    if _turns_backwards(root):
        points = np.conj(points)
    metadata = dict(conditions.metadata)
    if metadata["carrier_ppm"] is None and spectra and conditions.width_hz:
        metadata["carrier_ppm"] = _centre(spectra[0], conditions)
    metadata["group_delay_points"] = conditions.group_delay
    return fid(
        Source(str(path), "FID"), points, conditions.isotope, conditions.width_hz, metadata,
        path.stem.removesuffix(".fid"), [*conditions.warnings, *warnings],
    )  # fmt: skip


def _turns_backwards(root: Any) -> bool:
    words = [
        (child.get("name") or "").lower()
        for name in ("sourceFile", "instrumentConfiguration", "software")
        for element in _all(root, name)
        for child in (element, *element)
    ]
    return any(vendor in word for word in words for vendor in _TURN_BACKWARDS)


def _centre(spectrum: Spectrum, conditions: _Conditions) -> float | None:
    """The middle of a processed spectrum that spans the whole spectral width, in ppm."""
    frequency = conditions.metadata["spectrometer_reference_mhz"]
    if not frequency or not conditions.width_hz or len(spectrum) < 2:
        return None
    span = abs(float(spectrum.x[0] - spectrum.x[-1])) * frequency
    if abs(span - conditions.width_hz) > 0.01 * conditions.width_hz:
        return None
    return float(spectrum.x[0] + spectrum.x[-1]) / 2


def _spectrum(path: Path, name: str, element: Any, conditions: _Conditions) -> Spectrum:
    array = _first(element, "spectrumDataArray")
    if array is None:
        raise ValueError("it holds no spectrumDataArray")
    declared = _count(element.get("numberOfDataPoints"))
    y, warnings = _values(array, path, declared)
    imaginary, x = None, None
    pairs = (array.get("byteFormat") or "").lower().startswith("complex")
    if len(y) % 2 == 0 and len(y) > 2 and (len(y) == 2 * (declared or 0) or pairs):
        first, second = y[0::2], y[1::2]
        steps = np.diff(first)
        if (steps > 0).all() or (steps < 0).all():
            x, y = first, second
        else:
            y, imaginary = first, second
    if x is None:
        x = _axis(_first(element, "xAxis"), len(y), conditions)
    points = y if imaginary is None else y + 1j * imaginary
    metadata = {k: v for k, v in conditions.metadata.items() if k != "carrier_ppm"}
    metadata["sweep_width_hz"] = conditions.width_hz
    return shift_spectrum(
        Source(str(path), name), x, points, conditions.isotope, metadata, path.stem,
        [*conditions.warnings, *warnings],
    )  # fmt: skip


def _axis(element: Any, count: int, conditions: _Conditions) -> np.ndarray:
    """The ppm axis ``(count,)`` from the values of its ends; raises ``ValueError``."""
    start, end = _number(element, "startValue"), _number(element, "endValue")
    if start is None or end is None or start == end:
        raise ValueError("it has no x axis with a start and an end")
    frequency = conditions.metadata["spectrometer_reference_mhz"]
    unit = (element.get("unitName") or "").lower()
    if "hertz" in unit or unit == "hz":
        if not frequency:
            raise ValueError("its axis is in Hz, and no frequency is known")
        start, end = start / frequency, end / frequency
    # The schema does not say whether the end is the last point or one step behind it: where the
    # ends lie the whole spectral width apart it is the latter.
    whole = None
    if conditions.width_hz and frequency:
        whole = conditions.width_hz / frequency
    steps = count if whole and abs(abs(end - start) / whole - 1) < 0.25 / count else count - 1
    return start + (end - start) / max(1, steps) * np.arange(count)
