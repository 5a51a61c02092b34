"""Write one spectrum as JCAMP-DX 5.01: XYDATA, XYPOINTS, PEAK TABLE, or complex NTUPLES."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.spectra import Spectrum, Technique

_DATA_TYPE = {
    Technique.IR: "INFRARED SPECTRUM",
    Technique.RAMAN: "RAMAN SPECTRUM",
    Technique.UV_VIS: "UV/VIS SPECTRUM",
    Technique.MS: "MASS SPECTRUM",
    Technique.MS_MS: "MASS SPECTRUM",
}
_X_UNITS = {"1/cm": "1/CM", "nm": "NANOMETERS", "ppm": "PPM", "m/z": "M/Z", "s": "SECONDS"}
_Y_UNITS = {
    "intensity": "ARBITRARY UNITS",
    "absorbance": "ABSORBANCE",
    "transmittance": "TRANSMITTANCE",
    "reflectance": "REFLECTANCE",
    "kubelka-munk": "KUBELKA-MUNK",
}
_TEXT_LABELS = (
    ("instrument", "SPECTROMETER/DATA SYSTEM"),
    ("date", "LONG DATE"),
    ("name", "NAMES"),
    ("cas", "CAS REGISTRY NO"),
    ("formula", "MOLFORM"),
    ("phase", "STATE"),
    ("solvent", ".SOLVENT NAME"),
    ("pulse_sequence", ".PULSE SEQUENCE"),
    ("inlet", ".INLET"),
    ("smiles", "$SMILES"),
    ("inchi", "$INCHI"),
    ("inchikey", "$INCHIKEY"),
    ("adduct", "$ADDUCT"),
    ("precursor_mz", "$PRECURSOR MZ"),
    ("frequency_mhz", ".OBSERVE FREQUENCY"),
    ("spectrometer_reference_mhz", "$SF"),
    ("scans", ".AVERAGES"),
    ("retention_index", "$RETENTION INDEX"),
    ("molecular_weight", "MW"),
    ("resolution_per_cm", "RESOLUTION"),
)


def write_jcamp(spectrum: Spectrum, path: str | Path) -> None:
    """Write a spectrum to ``path``, replacing the file in one step.

    Numbers are printed with 12 significant digits. Evenly spaced axes become XYDATA, others
    XYPOINTS, sticks a PEAK TABLE, complex spectra and FIDs two NTUPLES pages. Raises ``OSError``.
    """
    lines = [*_header(spectrum)]
    if spectrum.kind == "fid" or spectrum.y_imaginary is not None:
        lines += _ntuples(spectrum)
    else:
        lines += _table(spectrum)
    lines.append("##END=")
    write_atomically(path, "\n".join(lines) + "\n")


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, beside ``path`` and rename: no half file is ever seen."""
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:60]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _plain(text: object) -> str:
    """Text as a record's value: on one line, and nothing in it that opens a record or a comment."""
    if isinstance(text, float):
        return _number(text)
    return re.sub(r"\${2,}", "$", " ".join(str(text).split()))


def _number(value: float) -> str:
    return f"{value:.12g}"


def _exact(value: float) -> str:
    return f"{value:.17g}"


def _header(spectrum: Spectrum) -> Iterable[str]:
    technique, metadata = spectrum.technique, spectrum.metadata
    yield f"##TITLE= {_plain(spectrum.title)}"
    yield "##JCAMP-DX= 5.01"
    if technique.is_nmr:
        kind = {"fid": "NMR FID", "sticks": "NMR PEAK TABLE"}.get(spectrum.kind, "NMR SPECTRUM")
    else:
        kind = _DATA_TYPE[technique]
        if technique.is_mass and spectrum.kind == "continuous":
            kind = f"CONTINUOUS {kind}"
        elif spectrum.kind == "sticks" and not technique.is_mass:
            kind = kind.replace("SPECTRUM", "PEAK TABLE")
    yield f"##DATA TYPE= {kind}"
    yield f"##DATA CLASS= {_data_class(spectrum)}"
    yield f"##ORIGIN= {_plain(metadata.get('origin', 'SpecGUI'))}"
    yield f"##OWNER= {_plain(metadata.get('owner', ''))}"
    yield "##$SPECGUI AXES= as labelled"
    if technique.is_nmr:
        yield f"##.OBSERVE NUCLEUS= ^{technique.nucleus}"
    if technique.is_mass:
        # A precursor alone would make MS/MS of it, and libraries name one for EI spectra too.
        yield f"##$MS LEVEL= {2 if technique == Technique.MS_MS else 1}"
    for key, label in _TEXT_LABELS:
        value = metadata.get(key)
        if value not in (None, ""):
            yield f"##{label}= {_plain(value)}"
    if "temperature_k" in metadata:
        yield f"##TEMPERATURE= {_plain(metadata['temperature_k'])} K"
    if "ionization" in metadata or "polarity" in metadata:
        sign = {"positive": "+", "negative": "-"}.get(metadata.get("polarity"), "")
        yield f"##.IONIZATION MODE= {_plain(metadata.get('ionization', ''))}{sign}"
    if "collision_energy" in metadata:
        unit = _plain(metadata.get("collision_energy_unit", ""))
        yield f"##.COLLISION ENERGY= {_plain(metadata['collision_energy'])} {unit}"
    if "retention_time_s" in metadata:
        yield f"##.RETENTION TIME= {_plain(metadata['retention_time_s'])} SECONDS"
    if spectrum.kind == "fid":
        mode = _plain(metadata.get("acquisition_mode", "simultaneous")).upper()
        yield f"##.ACQUISITION MODE= {mode}"
        delay = metadata.get("group_delay_points")
        if delay:
            yield f"##$GRPDLY= {_exact(float(delay))}"
        if metadata.get("carrier_ppm") is not None:
            yield f"##$CARRIER PPM= {_exact(float(metadata['carrier_ppm']))}"
    if metadata.get("molblock"):
        yield "##$MOLFILE=\n" + str(metadata["molblock"]).rstrip("\n").replace("##", "# #")


def _data_class(spectrum: Spectrum) -> str:
    if spectrum.kind == "fid" or spectrum.y_imaginary is not None:
        return "NTUPLES"
    if spectrum.kind == "sticks":
        return "PEAK TABLE"
    return "XYDATA" if _is_even(spectrum.x) else "XYPOINTS"


def _is_even(x: np.ndarray) -> bool:
    """Whether first, last and count give the axis back to 10 digits."""
    if len(x) < 3:
        return False
    straight = np.linspace(x[0], x[-1], len(x))
    return bool(np.abs(x - straight).max() <= 1e-10 * np.abs(x).max())


def _table(spectrum: Spectrum) -> Iterable[str]:
    x, y = spectrum.x, spectrum.y
    yield f"##XUNITS= {_X_UNITS[spectrum.x_unit]}"
    yield f"##YUNITS= {_plain(_Y_UNITS.get(spectrum.y_unit, spectrum.y_unit))}"
    yield "##XFACTOR= 1"
    yield "##YFACTOR= 1"
    yield f"##FIRSTX= {_exact(x[0])}"
    yield f"##LASTX= {_exact(x[-1])}"
    yield f"##FIRSTY= {_number(y[0])}"
    yield f"##MAXX= {_exact(x.max())}"
    yield f"##MINX= {_exact(x.min())}"
    yield f"##MAXY= {_number(y.max())}"
    yield f"##MINY= {_number(y.min())}"
    yield f"##NPOINTS= {len(x)}"
    kind = _data_class(spectrum)
    if kind == "XYDATA":
        yield f"##DELTAX= {_exact((x[-1] - x[0]) / (len(x) - 1))}"
        yield "##XYDATA= (X++(Y..Y))"
        yield from _stepped(x, y)
    else:
        yield f"##{kind}= (XY..XY)"
        yield from (
            f"{_exact(a)}, {_number(b)}" for a, b in zip(x.tolist(), y.tolist(), strict=True)
        )


def _stepped(x: np.ndarray, y: np.ndarray) -> Iterable[str]:
    abscissae, ordinates = x.tolist(), y.tolist()
    for start in range(0, len(ordinates), 3):
        row = " ".join(_number(v) for v in ordinates[start : start + 3])
        yield f"{_number(abscissae[start])} {row}"


def _ntuples(spectrum: Spectrum) -> Iterable[str]:
    fid = spectrum.kind == "fid"
    x = spectrum.x
    name = "NMR FID" if fid else "NMR SPECTRUM"
    parts = [("R", "REAL", spectrum.y)]
    if spectrum.y_imaginary is not None:
        parts.append(("I", "IMAG", spectrum.y_imaginary))
    stem = "FID" if fid else "SPECTRUM"
    even = _is_even(x) or len(x) < 3

    def row(label: str, first: str, rest: Iterable[str], last: str) -> str:
        return f"##{label}= " + ", ".join([first, *rest, last])

    yield f"##NTUPLES= {name}"
    yield row(
        "VAR_NAME",
        "TIME" if fid else "CHEMICAL SHIFT",
        [f"{stem}/{p}" for _, p, _ in parts],
        "PAGE NUMBER",
    )
    yield row("SYMBOL", "X", [s for s, _, _ in parts], "N")
    yield row("VAR_TYPE", "INDEPENDENT", ["DEPENDENT"] * len(parts), "PAGE")
    yield row("VAR_FORM", "AFFN", ["AFFN"] * len(parts), "AFFN")
    yield row("VAR_DIM", str(len(x)), [str(len(x))] * len(parts), str(len(parts)))
    yield row("UNITS", _X_UNITS[spectrum.x_unit], ["ARBITRARY UNITS"] * len(parts), "")
    yield row("FIRST", _exact(x[0]), [_number(v[0]) for _, _, v in parts], "1")
    yield row("LAST", _exact(x[-1]), [_number(v[-1]) for _, _, v in parts], str(len(parts)))
    yield row("FACTOR", "1", ["1"] * len(parts), "1")
    for page, (symbol, _, values) in enumerate(parts, 1):
        yield f"##PAGE= N={page}"
        if even:
            yield f"##DATA TABLE= (X++({symbol}..{symbol})), XYDATA"
            yield from _stepped(x, values)
        else:
            yield f"##DATA TABLE= (X{symbol}..X{symbol}), XYPOINTS"
            yield from (
                f"{_exact(a)}, {_number(b)}"
                for a, b in zip(x.tolist(), values.tolist(), strict=True)
            )
    yield f"##END NTUPLES= {name}"
