"""Whether a sample's spectra are like those that the networks know, and if not, why."""

from __future__ import annotations

from engine.encoding.channels import channel
from engine.encoding.sample_encoding import EncodedSample
from engine.library.familiarity import Familiarity, Strange, default_familiarity

NOISE_CLARITY = 4.8
"""A tallest NMR signal below so many times the noise of a bin is no signal (white noise reaches it
once in a thousand spectra)."""

_NOISE = "little in it rises above the noise"
_AXIS = "its {signals} lie where organic compounds rarely show any; check technique and axis"
_REASONS = {
    "noise": _NOISE,
    "axis": _AXIS,
    "ordinate": "its bands seem to point down; is it transmittance or absorbance?",
    "mixture": "it looks like a mixture of several compounds",
    "blank": "it shows little beside a solvent or a single signal",
}
_UNLIKE = "it is unlike the spectra that the networks were trained on"


def doubts(encoded: EncodedSample, measures: Familiarity | None = None) -> tuple[str, ...]:
    """A sentence for each technique whose spectrum is unlike what the networks know.

    With no ``measures`` those that ship are taken; where none are installed only signals that do
    not rise above the noise are told. The sentence names the technique and the reason.
    """
    measures = measures if measures is not None else default_familiarity()
    found: dict[str, str] = {}
    for name, clarity in encoded.clarity.items():
        if clarity < NOISE_CLARITY:
            found[name] = _sentence(name, _NOISE)
    if measures is not None:
        for strange in measures.doubted(encoded.values):
            found.setdefault(strange.channel, _reason(strange))
    return tuple(found[name] for name in encoded.values if name in found)


def _reason(strange: Strange) -> str:
    return _sentence(strange.channel, _REASONS.get(strange.kind or "", _UNLIKE))


def _sentence(name: str, reason: str) -> str:
    technique = channel(name).technique
    signals = {"IR": "bands", "MS/MS": "fragments"}.get(technique, "signals")
    said = reason.format(signals=signals)
    end = "" if said.endswith("?") else "."
    return f"{name}: {said}{end}"
