"""Mass spectra of electron ionisation: how they are told from others, and said to be such."""

from __future__ import annotations

from dataclasses import replace

from engine.spectra import Sample, Spectrum

# The usual energy of the electrons is 70 eV; libraries take from 65 to 80 as the same.
_ELECTRON_ENERGIES = (65.0, 80.0)


def is_electron_ionisation(spectrum: Spectrum) -> bool:
    """Whether a spectrum is single-stage and its file says electrons made its ions.

    The file names the ionisation ``EI``; or none, but an energy of 65 to 80 eV (of the ionisation,
    or as some libraries write it, of a collision), which no single-stage spectrum has from
    elsewhere. A spectrum of negative ions is none.
    """
    if spectrum.technique != "MS":
        return False
    if str(spectrum.metadata.get("polarity") or "").lower().startswith("neg"):
        return False
    named = str(spectrum.metadata.get("ionization") or "").upper()
    if named:
        return "EI" in named.replace("-", " ").split()
    energy = spectrum.metadata.get("ionization_energy_ev")
    if energy is None:
        unit = str(spectrum.metadata.get("collision_energy_unit") or "").lower()
        energy = spectrum.metadata.get("collision_energy") if unit in ("ev", "v") else None
    if isinstance(energy, bool) or not isinstance(energy, (int, float)):
        return False
    return _ELECTRON_ENERGIES[0] <= energy <= _ELECTRON_ENERGIES[1]


def said_to_be_electron_ionisation(sample: Sample) -> Sample:
    """The sample with its single-stage mass spectra of no named ionisation said to be of ``EI``."""
    return replace(sample, spectra=tuple(_said(spectrum) for spectrum in sample.spectra))


def _said(spectrum: Spectrum) -> Spectrum:
    silent = spectrum.technique == "MS" and not spectrum.metadata.get("ionization")
    if not silent:
        return spectrum
    return replace(spectrum, metadata={**spectrum.metadata, "ionization": "EI"})
