"""Reads mass-spectrometer runs in XML: mzML (PSI) and mzXML (ISB), scan by scan.

Format: HUPO-PSI "mzML" 1.1 with the accessions of the PSI-MS vocabulary. Runs hold thousands of
scans: the first ``MOST_SCANS`` scans or ``MOST_POINTS`` points are read and a warning tells what
was left out. pyteomics is not used here: its mzML reader needs psims, which fetches the vocabulary
over the network, and it inflates compressed arrays without a bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import mzxml, xml_run
from engine.formats.errors import FormatError
from engine.formats.mass_record import ionization, positive_number, summary
from engine.formats.reader import Reader
from engine.formats.xml_run import (
    CHUNK,
    EXPECTED,
    LONGEST_SCAN,
    Run,
    decode,
    refuse_document_type,
    scan_spectrum,
    scan_title,
    sorted_points,
)
from engine.spectra import Source, Spectrum, Technique

_MS_LEVEL, _CENTROID, _PROFILE = "MS:1000511", "MS:1000127", "MS:1000128"
_POSITIVE, _NEGATIVE = "MS:1000130", "MS:1000129"
_START_TIME, _MINUTE = "MS:1000016", "UO:0000031"
_SELECTED_ION, _ISOLATION_TARGET, _CHARGE = "MS:1000744", "MS:1000827", "MS:1000041"
_COLLISION_ENERGY, _NORMALIZED_ENERGY = "MS:1000045", "MS:1000138"
_MZ, _INTENSITY, _WAVELENGTH = "MS:1000514", "MS:1000515", "MS:1000617"
_SERIAL_NUMBER, _CUSTOMIZATION = "MS:1000529", "MS:1000032"
_NUMBER_TYPES = {
    "MS:1000519": "<i4", "MS:1000521": "<f4", "MS:1000522": "<i8", "MS:1000523": "<f8",
}  # fmt: skip
_ZLIB, _UNCOMPRESSED = "MS:1000574", "MS:1000576"


def sniff(path: Path, head: bytes) -> float:
    """Certain when the root element is mzML, indexedmzML or mzXML."""
    text = head.replace(b"\0", b"")
    return 1.0 if re.search(rb"<(?:\w+:)?(indexedmzML|mzML|mzXML)[\s>]", text) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The scans of a run, each a spectrum, MS1 and MSn alike; raises ``FormatError`` for none.

    XML that ends too soon loses only its last scan. A document type is refused: it could define
    entities that swell or reach for other files.
    """
    run = Run(path)
    try:
        refuse_document_type(path)
        for spectrum in _scans(path, run):
            if len(run.spectra) >= xml_run.MOST_SCANS:
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


def _scans(path: Path, run: Run) -> Iterator[Spectrum]:
    from lxml import etree

    parser = etree.XMLPullParser(
        events=("start", "end"), huge_tree=True, resolve_entities=False, no_network=True,
        load_dtd=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    handlers = {
        "spectrum": _mzml_scan,
        "referenceableParamGroup": _mzml_group,
        "instrumentConfiguration": _mzml_instrument,
        "chromatogram": _chromatogram,
        "peaks": mzxml.read_scan,
        "msInstrument": mzxml.read_instrument,
        "instrument": mzxml.read_instrument,
    }
    waiting = 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
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
                if name in ("spectrum", "peaks"):
                    waiting = 0
                    run.seen += 1
                    try:
                        spectrum = handlers[name](element, run)
                    except xml_run.SwellError as error:
                        raise FormatError(path, EXPECTED, f"scan {run.seen}: {error}") from error
                    except ValueError as error:
                        run.broken.append(f"scan {run.seen} was left out: {error}")
                        spectrum = None
                        if len(run.broken) > 1000:
                            raise FormatError(path, EXPECTED, summary(run.broken)) from error
                    if spectrum is not None:
                        yield spectrum
                    if run.points >= xml_run.MOST_POINTS:
                        run.cut = True
                        return
                elif name in handlers:
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
            raise FormatError(
                path, "well-formed XML", f"an end too soon: {_line(error)}"
            ) from error


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


def _parameters(element: Any, run: Run) -> dict[str, Any]:
    """The cvParam elements below by accession, with those of the groups that it refers to."""
    found: dict[str, Any] = {}
    for reference in element.iter("{*}referenceableParamGroupRef"):
        for parameter in run.groups.get(reference.get("ref"), ()):
            found.setdefault(parameter.get("accession"), parameter)
    for parameter in element.iter("{*}cvParam"):
        found.setdefault(parameter.get("accession"), parameter)
    return found


def _mzml_group(element: Any, run: Run) -> None:
    run.groups[element.get("id")] = list(element.iter("{*}cvParam"))


def _mzml_instrument(element: Any, run: Run) -> None:
    models = list(element.findall("{*}cvParam"))
    for reference in element.findall("{*}referenceableParamGroupRef"):
        models += run.groups.get(reference.get("ref"), [])
    for parameter in models:
        if parameter.get("accession") not in (_SERIAL_NUMBER, _CUSTOMIZATION):
            run.instrument = run.instrument or parameter.get("name")
    for source in element.iter("{*}source"):
        names = [parameter.get("name") for parameter in source.iter("{*}cvParam")]
        run.ion_source = run.ion_source or ionization(*names)


def _chromatogram(element: Any, run: Run) -> None:
    run.chromatograms += 1


def _mzml_scan(element: Any, run: Run) -> Spectrum | None:
    arrays = {}
    for array in element.iter("{*}binaryDataArray"):
        parameters = _parameters(array, run)
        role = next((r for r in (_MZ, _INTENSITY, _WAVELENGTH) if r in parameters), None)
        if role is not None:
            arrays[role] = _mzml_array(array, parameters)
    axis = _MZ if _MZ in arrays else _WAVELENGTH
    if axis not in arrays or _INTENSITY not in arrays:
        raise ValueError("it has no m/z and intensity arrays")
    x, y = arrays[axis], arrays[_INTENSITY]
    run.points += len(x)
    if len(x) != len(y):
        raise ValueError(f"it has {len(x)} m/z values and {len(y)} intensities")
    if len(x) == 0:
        run.empty += 1
        return None
    parameters = _parameters(element, run)
    warnings = []
    declared = element.get("defaultArrayLength") or ""
    if declared.isdecimal() and int(declared) != len(x):
        warnings.append(f"the scan declares {declared} points and holds {len(x)}")

    def value(accession: str) -> float | None:
        return (
            positive_number(parameters[accession].get("value")) if accession in parameters else None
        )

    identifier = element.get("id") or ""
    number = re.search(r"\bscan=(\d+)", identifier)
    scan = number.group(1) if number else str(run.seen)
    seconds = value(_START_TIME)
    if seconds is not None and parameters[_START_TIME].get("unitAccession") == _MINUTE:
        seconds = round(seconds * 60, 6)
    metadata: dict[str, Any] = {
        "scan": scan,
        "retention_time_s": seconds,
        "instrument": run.instrument,
    }
    if axis == _WAVELENGTH:
        return Spectrum(
            Technique.UV_VIS, *sorted_points(x, y), "nm", "intensity", "continuous",
            scan_title(scan, "UV-Vis", seconds), Source(str(run.path), scan),
            {key: item for key, item in metadata.items() if item is not None}, tuple(warnings),
        )  # fmt: skip
    level = int(value(_MS_LEVEL) or 1)
    metadata.update(
        ms_level=level,
        polarity="positive" if _POSITIVE in parameters
        else "negative" if _NEGATIVE in parameters else None,
        ionization=run.ion_source,
    )  # fmt: skip
    if level > 1:
        charge = value(_CHARGE)
        metadata.update(
            precursor_mz=value(_SELECTED_ION) or value(_ISOLATION_TARGET),
            charge=int(charge) if charge else None,
        )
        for accession, unit in ((_NORMALIZED_ENERGY, "NCE"), (_COLLISION_ENERGY, "eV")):
            if value(accession) is not None:
                metadata.update(collision_energy=value(accession), collision_energy_unit=unit)
    centroided = True if _CENTROID in parameters else False if _PROFILE in parameters else None
    return scan_spectrum(run, scan, level, centroided, x, y, metadata, warnings)


def _mzml_array(array: Any, parameters: dict[str, Any]) -> np.ndarray:
    number_type = next((t for a, t in _NUMBER_TYPES.items() if a in parameters), None)
    if number_type is None:
        raise ValueError("an array does not say how its numbers are stored")
    if _ZLIB not in parameters and _UNCOMPRESSED not in parameters:
        names = [p.get("name") for p in parameters.values() if "ompress" in (p.get("name") or "")]
        if names:
            raise ValueError(f"its arrays are packed with {names[0]}, which is not read")
    return decode(array.findtext("{*}binary"), number_type, _ZLIB in parameters)


READER = Reader("mzML or mzXML", (".mzml", ".mzxml", ".xml"), sniff, read)
