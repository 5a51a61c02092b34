"""Reads mass-spectrometer runs in mzData (PSI), the XML format that mzML came after, scan by scan.

Format: HUPO-PSI "mzData" 1.04 and 1.05. Its arrays are base64 of plain numbers, never compressed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats import xml_run
from engine.formats.mass_record import ionization, numbers, polarity, positive_number
from engine.formats.reader import Reader
from engine.formats.xml_run import Run, ScanHeader, decode, scan_spectrum
from engine.spectra import Spectrum

# The parameters by accession (1.05) and by name (1.04 has no accessions).
_IONIZATION = ("PSI:1000008", "IonizationType")
_PEAK_PROCESSING = ("PSI:1000035", "PeakProcessing")
_POLARITY = ("PSI:1000037", "Polarity")
_MINUTES = ("PSI:1000038", "TimeInMinutes", "time.min")
_SECONDS = ("PSI:1000039", "TimeInSeconds", "time.sec")
_PRECURSOR = ("PSI:1000040", "MassToChargeRatio", "mz")
_CHARGE = ("PSI:1000041", "ChargeState", "charge")
_COLLISION_ENERGY = ("PSI:1000045", "CollisionEnergy")
_ENERGY_UNIT = ("PSI:1000046", "EnergyUnits", "EnergyUnit")
_NUMBER_TYPES = {("32", "little"): "<f4", ("32", "big"): ">f4",
                 ("64", "little"): "<f8", ("64", "big"): ">f8"}  # fmt: skip


def sniff(path: Path, head: bytes) -> float:
    """Certain when the root element is mzData."""
    return 1.0 if re.search(rb"<(?:\w+:)?mzData[\s>]", head.replace(b"\0", b"")) else 0.0


def read(path: Path) -> list[Spectrum]:
    """The scans of a run, each a spectrum, MS1 and MSn alike; raises ``FormatError`` for none."""
    return xml_run.read_run(path, HANDLERS)


def scan_header(element: Any, run: Run) -> ScanHeader:
    """What the description of a ``spectrum`` element tells; its arrays stay packed.

    mzData has no parameters for the total ion current and the base peak.
    """
    instrument = element.find("{*}spectrumDesc/{*}spectrumSettings/{*}spectrumInstrument")
    level, seconds = 1, None
    if instrument is not None:
        level = int(positive_number(instrument.get("msLevel")) or 1)
        seconds = next(iter(numbers(_value(instrument, _SECONDS) or "")), None)
        minutes = next(iter(numbers(_value(instrument, _MINUTES) or "")), None)
        if seconds is None and minutes is not None:
            seconds = round(minutes * 60, 6)
    precursor = _precursor(element).get("precursor_mz") if level > 1 else None
    return ScanHeader(element.get("id") or str(run.seen), seconds, level, None, None, precursor)


def _values(element: Any, keys: tuple[str, ...]) -> list[str]:
    """The values of a parameter below an element, by its accession or one of its names."""
    return [
        parameter.get("value") or ""
        for parameter in element.iter("{*}cvParam", "{*}userParam")
        if parameter.get("accession") in keys or parameter.get("name") in keys
    ]


def _value(element: Any, keys: tuple[str, ...]) -> str | None:
    return next(iter(_values(element, keys)), None)


def _read_scan(element: Any, run: Run) -> Spectrum | None:
    x, y = _array(element, "mzArrayBinary"), _array(element, "intenArrayBinary")
    run.points += len(x)
    if len(x) != len(y):
        raise ValueError(f"it has {len(x)} m/z values and {len(y)} intensities")
    if len(x) == 0:
        run.empty += 1
        return None
    scan, seconds, level, *_ = scan_header(element, run)
    warnings = []
    declared = element.find("{*}mzArrayBinary/{*}data").get("length") or ""
    if declared.isdecimal() and int(declared) != len(x):
        warnings.append(f"the scan declares {declared} points and holds {len(x)}")
    metadata: dict[str, Any] = {
        "scan": scan,
        "retention_time_s": seconds,
        "instrument": run.instrument,
        "ms_level": level,
        "polarity": polarity(_value(element, _POLARITY)),
        "ionization": run.ion_source,
    }
    if level > 1:
        metadata.update(_precursor(element))
    centroided = _centroided(element, run, warnings)
    return scan_spectrum(run, scan, level, centroided, x, y, metadata, warnings)


def _array(element: Any, name: str) -> np.ndarray:
    data = element.find(f"{{*}}{name}/{{*}}data")
    if data is None:
        raise ValueError(f"it has no {name}")
    stored = (data.get("precision") or "32", data.get("endian") or "little")
    if stored not in _NUMBER_TYPES:
        raise ValueError(f"its numbers are of {stored[0]} bits, {stored[1]}-endian: not known")
    return decode(data.text, _NUMBER_TYPES[stored], compressed=False)


def _precursor(element: Any) -> dict[str, Any]:
    # Of the chain of an MS3 scan the last stage is the scan's own.
    stages = list(element.iter("{*}precursor"))
    if not stages:
        return {}
    stage = max(stages, key=lambda stage: positive_number(stage.get("msLevel")) or 0)
    charges = {positive_number(text) for text in _values(stage, _CHARGE)} - {None}
    found: dict[str, Any] = {"precursor_mz": positive_number(_value(stage, _PRECURSOR))}
    if len(charges) == 1:  # some files list every charge that it might have
        found["charge"] = int(charges.pop())
    energy = positive_number(_value(stage, _COLLISION_ENERGY))
    if energy is not None:
        unit = (_value(stage, _ENERGY_UNIT) or "").casefold()
        spelled = {"electronvolt": "eV", "ev": "eV", "percent": "NCE"}
        found.update(collision_energy=energy, collision_energy_unit=spelled.get(unit))
    return found


def _centroided(element: Any, run: Run, warnings: list[str]) -> bool | None:
    """Whether the scan is of centroids: the required attribute counts, then the parameters."""
    settings = element.find("{*}spectrumDesc/{*}spectrumSettings/{*}acqSpecification")
    kind = _is_discrete(None if settings is None else settings.get("spectrumType"))
    processing = _is_discrete(_value(element, _PEAK_PROCESSING))
    if kind is None:
        return run.centroided if processing is None else processing
    if processing not in (None, kind):
        taken = "centroids" if kind else "a profile"
        warnings.append(
            "the spectrumType and the PeakProcessing of the scan contradict each other; "
            f"taken as {taken}"
        )
    return kind


def _is_discrete(text: str | None) -> bool | None:
    word = (text or "").casefold()
    if word.startswith(("discrete", "centroid")):
        return True
    return False if word.startswith(("continuous", "profile")) else None


def _read_instrument(element: Any, run: Run) -> None:
    name = element.findtext("{*}instrumentName")
    run.instrument = run.instrument or " ".join((name or "").split()) or None
    run.ion_source = run.ion_source or ionization(_value(element, _IONIZATION))


def _read_processing(element: Any, run: Run) -> None:
    run.centroided = _is_discrete(_value(element, _PEAK_PROCESSING))


HANDLERS = {
    "spectrum": _read_scan,
    "instrument": _read_instrument,
    "processingMethod": _read_processing,
}
HEADERS = {"spectrum": scan_header}
READER = Reader("mzData", (".mzdata", ".xml"), sniff, read)
