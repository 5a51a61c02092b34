"""Write mass spectra as a library in NIST's text format (.msp)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.formats.jcamp_writer import write_atomically
from engine.formats.mass_writing import one_line, sticks_of
from engine.spectra import Spectrum, Technique

_TEXTS = (
    ("adduct", "Precursor_type"),
    ("ionization", "Ionization"),
    ("instrument", "Instrument"),
    ("instrument_type", "Instrument_type"),
    ("formula", "Formula"),
    ("cas", "CASNO"),
    ("smiles", "SMILES"),
    ("inchi", "InChI"),
    ("inchikey", "InChIKey"),
    ("identifier", "DB#"),
    ("licence", "License"),
    ("retention_index", "RetentionIndex"),
)


def write_msp(spectra: Spectrum | Sequence[Spectrum], path: str | Path) -> None:
    """Write stick spectra over m/z to ``path``, one record each, replacing the file in one step.

    The record's name is the compound's, else the title. m/z have all of their digits, intensities
    12; a retention time is in minutes, as the format has it. Peaks that are not finite are left
    out. Raises ``ValueError`` for a spectrum that is not made of sticks over m/z, and ``OSError``.
    """
    several = [spectra] if isinstance(spectra, Spectrum) else list(spectra)
    records = ["\n".join(_record(spectrum)) for spectrum in several]
    write_atomically(path, "\n\n".join(records) + "\n")


def _record(spectrum: Spectrum) -> Iterable[str]:
    peaks = sticks_of(spectrum)
    metadata = spectrum.metadata
    yield f"Name: {one_line(metadata.get('name') or spectrum.title) or 'unknown'}"
    if spectrum.technique == Technique.MS_MS:
        yield f"Spectrum_type: MS{max(2, int(metadata.get('ms_level') or 2))}"
    else:
        yield "Spectrum_type: MS1"
    if metadata.get("precursor_mz") is not None:
        yield f"PrecursorMZ: {one_line(metadata['precursor_mz'])}"
    if metadata.get("polarity"):
        yield f"Ion_mode: {str(metadata['polarity'])[:1].upper()}"
    energy = metadata.get("collision_energy")
    if energy is not None:
        unit = metadata.get("collision_energy_unit", "")
        yield f"Collision_energy: {one_line(f'{one_line(energy)} {unit}')}"
    elif metadata.get("collision_energy_text"):
        yield f"Collision_energy: {one_line(metadata['collision_energy_text'])}"
    if metadata.get("retention_time_s") is not None:
        yield f"RetentionTime: {float(metadata['retention_time_s']) / 60:.10g}"
    for key, label in _TEXTS:
        if metadata.get(key) not in (None, ""):
            yield f"{label}: {one_line(metadata[key])}"
    yield f"Num Peaks: {len(peaks)}"
    yield from (f"{mz!r} {height:.12g}" for mz, height in peaks)
