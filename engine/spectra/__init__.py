"""What a spectrum is: technique, axes with their units, and the sample it belongs to."""

from engine.spectra.spectrum import KINDS, X_UNITS, Sample, Source, Spectrum
from engine.spectra.spectrum_2d import Spectrum2D
from engine.spectra.technique import Technique

__all__ = ["KINDS", "X_UNITS", "Sample", "Source", "Spectrum", "Spectrum2D", "Technique"]
