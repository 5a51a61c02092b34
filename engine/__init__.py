"""The science of SpecGUI, without a window: formats, processing, networks, the chemist's verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "FormatError",
    "Sample",
    "Spectrum",
    "Spectrum2D",
    "Technique",
    "open_spectra",
    "open_spectra_2d",
]

if TYPE_CHECKING:
    from engine.formats import FormatError, open_spectra, open_spectra_2d
    from engine.spectra import Sample, Spectrum, Spectrum2D, Technique

_HOME = {
    "FormatError": "engine.formats",
    "Sample": "engine.spectra",
    "Spectrum": "engine.spectra",
    "Spectrum2D": "engine.spectra",
    "Technique": "engine.spectra",
    "open_spectra": "engine.formats",
    "open_spectra_2d": "engine.formats",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``import engine`` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
