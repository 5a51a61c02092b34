"""Pure functions on spectra, and the ordered, editable, serialisable chain of them."""

from engine.processing.acs_text import carbon_text, proton_text
from engine.processing.chain import Chain, Step, apply, default_chain
from engine.processing.integration import Integral, find_regions, integrate, normalise
from engine.processing.multiplets import Multiplet, analyse_multiplets
from engine.processing.peaks import Peak, pick_peaks
from engine.processing.signal_analysis import SignalAnalysis, analyse_signals

__all__ = [
    "Chain",
    "Integral",
    "Multiplet",
    "Peak",
    "SignalAnalysis",
    "Step",
    "analyse_multiplets",
    "analyse_signals",
    "apply",
    "carbon_text",
    "default_chain",
    "find_regions",
    "integrate",
    "normalise",
    "pick_peaks",
    "proton_text",
]
