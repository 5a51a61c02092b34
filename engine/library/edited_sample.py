"""A project's sample for the engine's verbs, with the peaks as the chemist edited them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.spectra import Sample, Spectrum

if TYPE_CHECKING:
    from engine.library.project import SampleEntry, SpectrumEntry


def edited_sample(entry: SampleEntry) -> Sample:
    """The sample after the chains that were chosen; NMR spectra with edited signals as sticks.

    The sticks of a 1H spectrum are its multiplets, with their patterns and protons as the ``peaks``
    of the metadata; those of another nucleus the edited peaks. Raises ``ValueError`` as a step of a
    chain does.
    """
    spectra = tuple(_edited(spectrum) or spectrum.processed() for spectrum in entry.spectra)
    return replace(entry.as_sample(), spectra=spectra)


def _edited(entry: SpectrumEntry) -> Spectrum | None:
    """The sticks of what a person made of a spectrum, None where it is as it was found."""
    technique = entry.spectrum.technique
    if not technique.is_nmr:
        return None
    if technique.nucleus == "1H":
        multiplets = entry.analysis.multiplets if entry.analysis is not None else ()
        told = [
            {"position": m.position, "multiplicity": m.multiplicity, "n_h": m.n_h,
             "j_hz": list(m.j_hz), "low": m.low, "high": m.high}
            for m in multiplets
        ]  # fmt: skip
        heights = [max(float(m.area), 0.0) or 1.0 for m in multiplets]
    else:
        told = [{"position": p.position} for p in entry.peaks or ()]
        heights = [p.height for p in entry.peaks or ()]
    return _sticks(entry.spectrum, told, heights) if told else None


def _sticks(spectrum: Spectrum, told: list[dict[str, Any]], heights: list[float]) -> Spectrum:
    order = sorted(range(len(told)), key=lambda k: told[k]["position"])
    x = np.array([told[k]["position"] for k in order], float)
    for k in range(1, len(x)):  # strictly monotonic, as a spectrum is
        x[k] = max(x[k], np.nextafter(x[k - 1], np.inf))
    return replace(
        spectrum, x=x, y=np.array([heights[k] for k in order], float), x_unit="ppm",
        y_unit="intensity", kind="sticks", y_imaginary=None,
        metadata={**spectrum.metadata, "peaks": [told[k] for k in order]},
    )  # fmt: skip
