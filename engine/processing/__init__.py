"""Pure functions on spectra, and the ordered, editable, serialisable chain of them."""

from engine.processing.chain import Chain, Step, apply, default_chain
from engine.processing.peaks import Peak, pick_peaks

__all__ = ["Chain", "Peak", "Step", "apply", "default_chain", "pick_peaks"]
