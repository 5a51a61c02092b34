"""Reads mzXML scans; :mod:`engine.formats.mzml` reads the file and calls these.

Format: ISB "mzXML" 2.0 to 3.2.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np

from engine.formats.mass_record import ionization, polarity, positive_number
from engine.formats.xml_run import Run, ScanHeader, decode, scan_spectrum
from engine.spectra import Spectrum


def read_instrument(element: Any, run: Run) -> None:
    """Note the instrument and its ion source from an ``msInstrument`` element."""

    def text(name: str) -> str:
        found = element.find(f"{{*}}{name}")
        return "" if found is None else found.get("value", "")

    model, maker = text("msModel"), text("msManufacturer")
    run.instrument = run.instrument or (model if maker in model else f"{maker} {model}".strip())
    run.ion_source = run.ion_source or ionization(text("msIonisation"))


def scan_header(peaks: Any, run: Run) -> ScanHeader | None:
    """What the attributes of the scan around a ``peaks`` element tell; None for half of a scan."""
    if (peaks.get("contentType") or peaks.get("pairOrder")) == "m/z":
        return None
    scan = peaks.getparent()
    return ScanHeader(
        scan.get("num") or str(run.seen),
        _duration(scan.get("retentionTime")),
        int(positive_number(scan.get("msLevel")) or 1),
        positive_number(scan.get("totIonCurrent")),
        positive_number(scan.get("basePeakIntensity")),
        positive_number(scan.findtext("{*}precursorMz")),
    )


def read_scan(peaks: Any, run: Run) -> Spectrum | None:
    """The scan that a ``peaks`` element ends; None for one without points, or for half of a scan.

    Raises ``ValueError`` for a scan that cannot be read.
    """
    scan = peaks.getparent()
    content = peaks.get("contentType") or peaks.get("pairOrder") or "m/z-int"
    number_type = ">f8" if peaks.get("precision") == "64" else ">f4"
    compression = peaks.get("compressionType") or "none"
    if compression not in ("none", "zlib"):
        raise ValueError(f"its peaks are packed with {compression}, which is not read")
    values = decode(peaks.text, number_type, compression == "zlib")
    run.points += (len(values) + 1) // 2
    if content != "m/z-int":
        # mzXML 3 may hold the two arrays apart; the scan is whole when the second has come.
        if content == "m/z":
            scan.set("_mz", base64.b64encode(values.tobytes()).decode())
            run.seen -= 1
            return None
        if content != "intensity" or scan.get("_mz") is None:
            raise ValueError(f"its peaks are of the kind {content}, which is not read")
        x, y = np.frombuffer(base64.b64decode(scan.attrib.pop("_mz"))), values
    else:
        if len(values) % 2:
            raise ValueError(f"{len(values)} values are no whole pairs of m/z and intensity")
        x, y = values[0::2], values[1::2]
    if len(x) != len(y):
        raise ValueError(f"it has {len(x)} m/z values and {len(y)} intensities")
    if len(x) == 0:
        run.empty += 1
        return None
    warnings = []
    declared = scan.get("peaksCount") or ""
    # A list of one zero pair is how some converters write a scan without peaks.
    if declared == "0" and not x.any():
        run.empty += 1
        return None
    if declared.isdecimal() and int(declared) != len(x):
        warnings.append(f"the scan declares {declared} points and holds {len(x)}")
    level = int(positive_number(scan.get("msLevel")) or 1)
    metadata: dict[str, Any] = {
        "scan": scan.get("num"),
        "retention_time_s": _duration(scan.get("retentionTime")),
        "instrument": run.instrument,
        "ms_level": level,
        "polarity": polarity(scan.get("polarity")),
        "ionization": run.ion_source,
    }
    precursor = scan.find("{*}precursorMz")
    if precursor is not None:
        charge = positive_number(precursor.get("precursorCharge"))
        metadata.update(
            precursor_mz=positive_number(precursor.text), charge=int(charge) if charge else None
        )
    energy = positive_number(scan.get("collisionEnergy"))
    if energy is not None:
        metadata.update(collision_energy=energy, collision_energy_unit="eV")
    flag = scan.get("centroided")
    centroided = run.centroided if flag is None else flag in ("1", "true")
    number = scan.get("num") or str(run.seen)
    return scan_spectrum(run, number, level, centroided, x, y, metadata, warnings)


def _duration(text: str | None) -> float | None:
    """Seconds of an XML duration such as ``PT353.43S`` or ``PT5M53.43S``."""
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", (text or "").strip())
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
