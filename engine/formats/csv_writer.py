"""Write one spectrum as comma-separated text with a header that names technique, axes and units."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.formats.jcamp_writer import write_atomically
from engine.spectra import Spectrum

X_NAMES = {
    "1/cm": "wavenumber",
    "nm": "wavelength",
    "ppm": "chemical shift",
    "m/z": "m/z",
    "s": "time",
}


def write_csv(spectrum: Spectrum, path: str | Path) -> None:
    """Write a spectrum to ``path``, replacing the file in one step.

    ``#`` lines give technique, kind and title; then a line of column names with their units in
    brackets, then x, y and, for complex data, the imaginary part with 12 significant digits (x
    with all of its digits). Raises ``OSError``.
    """
    write_atomically(path, "\n".join(_lines(spectrum)) + "\n")


def _lines(spectrum: Spectrum) -> Iterable[str]:
    yield f"# technique: {spectrum.technique}"
    yield f"# kind: {spectrum.kind}"
    if spectrum.title:
        yield f"# title: {' '.join(spectrum.title.split())}"
    for key in ("frequency_mhz", "solvent", "temperature_k", "precursor_mz", "polarity", "formula"):
        if spectrum.metadata.get(key) not in (None, ""):
            yield f"# {key}: {' '.join(str(spectrum.metadata[key]).split())}"
    names = [f"{X_NAMES[spectrum.x_unit]} [{spectrum.x_unit}]", spectrum.y_unit.replace(",", ";")]
    columns = [spectrum.x.tolist(), spectrum.y.tolist()]
    if spectrum.y_imaginary is not None:
        names.append("imaginary")
        columns.append(spectrum.y_imaginary.tolist())
    yield ",".join(names)
    for x, *rest in zip(*columns, strict=True):
        yield ",".join([repr(x), *(f"{value:.12g}" for value in rest)])
