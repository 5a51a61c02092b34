"""Write mass spectra in Mascot generic format (.mgf), as GNPS and SIRIUS read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.formats.jcamp_writer import write_atomically
from engine.formats.mass_writing import one_line, sticks_of
from engine.spectra import Spectrum, Technique

_TEXTS = (
    ("adduct", "ADDUCT"),
    ("ionization", "ION_SOURCE"),
    ("instrument", "SOURCE_INSTRUMENT"),
    ("name", "NAME"),
    ("formula", "FORMULA"),
    ("smiles", "SMILES"),
    ("inchi", "INCHI"),
    ("inchikey", "INCHIKEY"),
    ("scan", "SCANS"),
    ("identifier", "SPECTRUMID"),
    ("licence", "LICENSE"),
)


def write_mgf(spectra: Spectrum | Sequence[Spectrum], path: str | Path) -> None:
    """Write stick spectra over m/z to ``path``, one block each, replacing the file in one step.

    m/z have all of their digits, intensities 12. Peaks that are not finite are left out. Raises
    ``ValueError`` for a spectrum that is not made of sticks over m/z, and ``OSError``.
    """
    several = [spectra] if isinstance(spectra, Spectrum) else list(spectra)
    blocks = ["\n".join(_block(spectrum)) for spectrum in several]
    write_atomically(path, "\n\n".join(blocks) + "\n")


def _block(spectrum: Spectrum) -> Iterable[str]:
    peaks = sticks_of(spectrum)
    metadata = spectrum.metadata
    yield "BEGIN IONS"
    yield f"TITLE={one_line(spectrum.title)}"
    if metadata.get("precursor_mz") is not None:
        yield f"PEPMASS={one_line(metadata['precursor_mz'])}"
    charge = metadata.get("charge")
    if charge:
        yield f"CHARGE={abs(int(charge))}{'+' if int(charge) > 0 else '-'}"
    if metadata.get("polarity"):
        yield f"IONMODE={one_line(metadata['polarity'])}"
    level = 1
    if spectrum.technique == Technique.MS_MS:
        level = max(2, int(metadata.get("ms_level") or 2))
    yield f"MSLEVEL={level}"
    if metadata.get("retention_time_s") is not None:
        yield f"RTINSECONDS={one_line(metadata['retention_time_s'])}"
    energy = metadata.get("collision_energy")
    if energy is not None:
        unit = metadata.get("collision_energy_unit", "")
        yield f"COLLISION_ENERGY={one_line(f'{one_line(energy)} {unit}')}"
    elif metadata.get("collision_energy_text"):
        yield f"COLLISION_ENERGY={one_line(metadata['collision_energy_text'])}"
    for key, label in _TEXTS:
        if metadata.get(key) not in (None, ""):
            yield f"{label}={one_line(metadata[key])}"
    yield from (f"{mz!r} {height:.12g}" for mz, height in peaks)
    yield "END IONS"
