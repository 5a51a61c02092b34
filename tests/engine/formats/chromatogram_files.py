"""Small mzML files of chromatograms alone, as a triple quadrupole gives them."""

from __future__ import annotations

import base64
import zlib

import numpy as np

PARAMETER = '<cvParam accession="{}" name="" value="{}" unitAccession="{}"/>'
SRM, TOTAL, POSITIVE, TARGET = "MS:1001473", "MS:1000235", "MS:1000130", "MS:1000827"


def _array(values, accession: str, unit: str = "", packed: bool = False) -> str:
    data = np.asarray(values, "<f8").tobytes()
    text = base64.b64encode(zlib.compress(data) if packed else data).decode()
    return (
        "<binaryDataArray>"
        + PARAMETER.format("MS:1000523", "", "")
        + PARAMETER.format("MS:1000574" if packed else "MS:1000576", "", "")
        + PARAMETER.format(accession, "", unit)
        + f"<binary>{text}</binary></binaryDataArray>"
    )


def chromatogram(name, times, y, kind=SRM, unit="UO:0000031", transition=None, packed=False):
    windows = "".join(
        f"<{tag}><isolationWindow>{PARAMETER.format(TARGET, mz, '')}</isolationWindow></{tag}>"
        for tag, mz in zip(("precursor", "product"), transition or (), strict=False)
    )
    return (
        f'<chromatogram id="{name}">'
        + PARAMETER.format(kind, "", "")
        + PARAMETER.format(POSITIVE, "", "")
        + windows
        + _array(times, "MS:1000595", unit, packed)
        + _array(y, "MS:1000515", "", packed)
        + "</chromatogram>"
    )


def write(folder, *chromatograms: str, name="srm.mzML"):
    path = folder / name
    path.write_text(
        '<?xml version="1.0"?><mzML><run><chromatogramList>'
        + "".join(chromatograms)
        + "</chromatogramList></run></mzML>"
    )
    return path
