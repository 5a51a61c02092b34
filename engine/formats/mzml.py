"""Reads mass-spectrometer runs in XML: mzML (PSI) and mzXML (ISB), scan by scan.

Format: HUPO-PSI "mzML" 1.1 with the accessions of the PSI-MS vocabulary. Runs hold thousands of
scans: the first ``MOST_SCANS`` scans or ``MOST_POINTS`` points are read and a warning tells what
was left out. pyteomics is not used here: its mzML reader needs psims, which fetches the vocabulary
over the network, and it inflates compressed arrays without a bound.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import mzxml, xml_run
from engine.formats.mass_record import ionization, numbers, positive_number
from engine.formats.reader import Reader
from engine.formats.xml_run import (
    Run,
    ScanHeader,
    decode,
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
_TOTAL_ION_CURRENT, _BASE_PEAK_INTENSITY = "MS:1000285", "MS:1000505"
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
    """The scans of a run, each a spectrum, MS1 and MSn alike; raises ``FormatError`` for none."""
    return xml_run.read_run(path, HANDLERS)


def cv_parameters(element: Any, run: Run) -> dict[str, Any]:
    """The cvParam elements below by accession, with those of the groups that it refers to."""
    found: dict[str, Any] = {}
    for reference in element.iter("{*}referenceableParamGroupRef"):
        for parameter in run.groups.get(reference.get("ref"), ()):
            found.setdefault(parameter.get("accession"), parameter)
    for parameter in element.iter("{*}cvParam"):
        found.setdefault(parameter.get("accession"), parameter)
    return found


def _mzml_group(element: Any, run: Run) -> None:
    # Copies, not elements: several threads may read scans of one run.
    run.groups[element.get("id")] = [dict(p.attrib) for p in element.iter("{*}cvParam")]


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


def scan_header(element: Any, run: Run) -> ScanHeader:
    """What the parameters of a ``spectrum`` element tell; its arrays stay packed."""
    return _header(element, run, cv_parameters(element, run))


def _header(element: Any, run: Run, parameters: dict[str, Any]) -> ScanHeader:
    number = re.search(r"\bscan=(\d+)", element.get("id") or "")
    seconds = None
    if _START_TIME in parameters:
        # A run may begin at 0, which positive_number takes for "not known".
        seconds = next(iter(numbers(parameters[_START_TIME].get("value") or "")), None)
        if seconds is not None and parameters[_START_TIME].get("unitAccession") == _MINUTE:
            seconds = round(seconds * 60, 6)
    optical = _WAVELENGTH in parameters and _MZ not in parameters
    level = 0 if optical else int(_value(parameters, _MS_LEVEL) or 1)
    return ScanHeader(
        number.group(1) if number else str(run.seen),
        seconds,
        level,
        _value(parameters, _TOTAL_ION_CURRENT),
        _value(parameters, _BASE_PEAK_INTENSITY),
        _precursor(parameters) if level > 1 else None,
    )


def _precursor(parameters: dict[str, Any]) -> float | None:
    return _value(parameters, _SELECTED_ION) or _value(parameters, _ISOLATION_TARGET)


def _value(parameters: dict[str, Any], accession: str) -> float | None:
    found = parameters.get(accession)
    return None if found is None else positive_number(found.get("value"))


def _mzml_scan(element: Any, run: Run) -> Spectrum | None:
    arrays = {}
    for array in element.iter("{*}binaryDataArray"):
        parameters = cv_parameters(array, run)
        role = next((r for r in (_MZ, _INTENSITY, _WAVELENGTH) if r in parameters), None)
        if role is not None:
            arrays[role] = unpacked(array, parameters)
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
    parameters = cv_parameters(element, run)
    scan, seconds, level, _, _, precursor = _header(element, run, parameters)
    warnings = []
    declared = element.get("defaultArrayLength") or ""
    if declared.isdecimal() and int(declared) != len(x):
        warnings.append(f"the scan declares {declared} points and holds {len(x)}")
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
    metadata.update(
        ms_level=level,
        polarity="positive" if _POSITIVE in parameters
        else "negative" if _NEGATIVE in parameters else None,
        ionization=run.ion_source,
    )  # fmt: skip
    if level > 1:
        charge = _value(parameters, _CHARGE)
        metadata.update(precursor_mz=precursor, charge=int(charge) if charge else None)
        for accession, unit in ((_NORMALIZED_ENERGY, "NCE"), (_COLLISION_ENERGY, "eV")):
            energy = _value(parameters, accession)
            if energy is not None:
                metadata.update(collision_energy=energy, collision_energy_unit=unit)
    centroided = True if _CENTROID in parameters else False if _PROFILE in parameters else None
    return scan_spectrum(run, scan, level, centroided, x, y, metadata, warnings)


def unpacked(array: Any, said: dict[str, Any]) -> np.ndarray:
    """The numbers of a ``binaryDataArray`` whose parameters are ``said``; raises ``ValueError``."""
    number_type = next((t for a, t in _NUMBER_TYPES.items() if a in said), None)
    if number_type is None:
        raise ValueError("an array does not say how its numbers are stored")
    if _ZLIB not in said and _UNCOMPRESSED not in said:
        names = [p.get("name") for p in said.values() if "ompress" in (p.get("name") or "")]
        if names:
            raise ValueError(f"its arrays are packed with {names[0]}, which is not read")
    return decode(array.findtext("{*}binary"), number_type, _ZLIB in said)


HANDLERS = {
    "spectrum": _mzml_scan,
    "referenceableParamGroup": _mzml_group,
    "instrumentConfiguration": _mzml_instrument,
    "chromatogram": _chromatogram,
    "peaks": mzxml.read_scan,
    "msInstrument": mzxml.read_instrument,
    "instrument": mzxml.read_instrument,
}
HEADERS = {"spectrum": scan_header, "peaks": mzxml.scan_header}
READER = Reader("mzML or mzXML", (".mzml", ".mzxml", ".xml"), sniff, read)
