"""What becomes of the functional groups without a band: the same spectra with a region taken out.

The region is taken out of the encoded spectrum, which is what the network reads (see
:mod:`engine.encoding.removal`: infrared keeps a straight baseline there, NMR and mass spectra
nothing), and the network is asked again. Everything else stays, so that a probability that falls
tells how much the prediction rests on the region. It is said of the network, not of the molecule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.encoding.channels import Channel, channel
from engine.encoding.removal import removed
from engine.encoding.sample_encoding import EncodedSample, encode_sample
from engine.library.group_model import GroupModel, ModelCard, default_group_model
from engine.spectra import Sample
from engine.tasks.group_sources import read_sources

HOW = {
    "IR": "the spectrum follows a straight baseline there",
    "NMR": "no lines are left there",
    "MS": "no fragments are left there",
}
_NUMBER = r"[-−+]?(?:\d+(?:\.\d*)?|\.\d+)"
_REGION = re.compile(
    rf"\s*(?P<technique>[A-Za-z0-9/+\- ]*[A-Za-z+\-])\s*:\s*(?P<start>{_NUMBER})\s*(?:-|–|\.\.)\s*"
    rf"(?P<end>{_NUMBER})\s*"
)


@dataclass(frozen=True)
class GroupChange:
    """One group's calibrated probability with the region (``before``) and ``after`` its removal."""

    name: str
    before: float
    after: float
    threshold: float

    @property
    def change(self) -> float:
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "present_before": self.before >= self.threshold,
            "present_after": self.after >= self.threshold,
        }


@dataclass(frozen=True)
class Counterfactual:
    """Every group without the region ``start`` < ``end`` (axis unit) of one spectrum.

    ``spectrum`` is its index in the sample, ``removal`` says what stands in the region's place, and
    ``groups`` come in the order of the change, the largest first. ``is_empty`` tells that there was
    nothing in the region to take out: then nothing changes.
    """

    technique: str
    spectrum: int
    start: float
    end: float
    removal: str
    is_empty: bool
    groups: tuple[GroupChange, ...]
    model: ModelCard

    def group(self, name: str) -> GroupChange:
        """One group's change; raises ``KeyError`` for a name that the model does not know."""
        for group in self.groups:
            if group.name == name:
                return group
        raise KeyError(f"{name!r} is none of the groups of {self.model.name}")

    def to_dict(self) -> dict[str, Any]:
        return {
            "technique": self.technique,
            "from": self.start,
            "to": self.end,
            "removal": self.removal,
            "empty": self.is_empty,
            "groups": [group.to_dict() for group in self.groups],
            "model": self.model.to_dict(),
        }


def parse_region(text: str) -> tuple[str, float, float]:
    """A region as it is typed, ``IR:1650-1800``: technique, start < end.

    Raises ``ValueError`` with the text and what would be right.
    """
    found = _REGION.fullmatch(text)
    if not found:
        raise ValueError(f"no region: {text!r}; right is TECHNIQUE:FROM-TO, such as IR:1650-1800")
    start, end = sorted(float(found[name].replace("−", "-")) for name in ("start", "end"))
    if start == end:
        raise ValueError(f"an empty region: {text!r}; right is TECHNIQUE:FROM-TO, FROM below TO")
    return found["technique"].strip(), start, end


def without_region(
    sample: Sample,
    spectrum: str | int,
    start: float,
    end: float,
    model: GroupModel | None = None,
) -> Counterfactual:
    """The groups of a sample with and without a region of one of its spectra.

    ``spectrum`` is a technique (``IR``, ``13C NMR``; ``13C`` will do) or the index of the spectrum
    in the sample; ``start`` and ``end`` are in its axis unit, in either order.

    Raises ``ValueError`` where the network reads no such spectrum, or the region lies outside what
    it reads, and :class:`NoModelError` when no weights are installed.
    """
    model = model or default_group_model()
    encoded = encode_sample(sample, model.reads_electron_ionisation)
    low, high = min(start, end), max(start, end)
    name = _channel_of(sample, encoded, spectrum)
    if name not in {*model.channels, *(source.channel for source in model.sources)}:
        raise ValueError(f"{model.card.name} does not read {name}")
    grid = channel(name)
    if not np.isfinite([low, high]).all() or high <= grid.low or low >= grid.high:
        raise ValueError(
            f"the region {low:g} to {high:g} {grid.unit} lies outside what the network reads of "
            f"{name}: {grid.low:g} to {grid.high:g} {grid.unit}"
        )
    before, thresholds = _probabilities(model, sample, encoded)
    rest = encoded.values
    if name in rest:
        rest = {**rest, name: removed(name, rest[name], *points_of(grid, low, high))}
    after, _ = _probabilities(model, sample, replace(encoded, values=rest), {name: (low, high)})
    changes = [
        GroupChange(label, float(before[k]), float(after[k]), float(thresholds[k]))
        for k, label in enumerate(model.labels)
    ]
    changes.sort(key=lambda group: (-abs(group.change), -group.before))
    members = encoded.sources[name]
    index = spectrum if isinstance(spectrum, int) else members[0]
    kind = "IR" if name == "IR" else "NMR" if name.endswith("NMR") else "MS"
    is_empty = _is_empty(sample, encoded, rest, name, members, (low, high))
    return Counterfactual(
        grid.technique, index, low, high, HOW[kind], is_empty, tuple(changes), model.card
    )


def points_of(grid: Channel, low: float, high: float) -> tuple[int, int]:
    """The points of a channel's grid whose middles lie in a region, half-open; at least one."""
    centres = grid.centres
    first = int(np.searchsorted(centres, low, side="left"))
    last = int(np.searchsorted(centres, high, side="right"))
    if last <= first:
        first = int(np.argmin(np.abs(centres - (low + high) / 2)))
        last = first + 1
    return first, last


def _channel_of(sample: Sample, encoded: EncodedSample, spectrum: str | int) -> str:
    """The channel that a spectrum was read into; raises ``ValueError`` where none was."""
    if not encoded.sources:
        reasons = "; ".join(encoded.warnings) or "the sample holds no spectra"
        raise ValueError(f"no functional groups can be predicted: {reasons}")
    read = ", ".join(encoded.sources)
    if isinstance(spectrum, int):
        for name, indices in encoded.sources.items():
            if spectrum in indices:
                return name
        raise ValueError(f"spectrum {spectrum} of the sample is not read; those read: {read}")
    wanted = spectrum.strip().lower()
    names = [n for n in encoded.sources if n.lower() == wanted]
    names = names or [n for n in encoded.sources if _short(n) == _short(wanted)]
    names = names or [n for n in encoded.sources if channel(n).technique.lower() == wanted]
    if len(names) != 1:
        found = "is not among the spectra read" if not names else "may mean several spectra"
        raise ValueError(f"{spectrum!r} {found}: {read}")
    return names[0]


def _short(name: str) -> str:
    """A technique without the word NMR and without the polarity of a mass spectrum."""
    return name.lower().removesuffix("nmr").strip().rstrip("+-")


def _holds_fragments(sample: Sample, members: tuple[int, ...], low: float, high: float) -> bool:
    spectra = [sample.spectra[index] for index in members]
    return any(((s.x >= low) & (s.x <= high) & (s.y > 0)).any() for s in spectra)


def _is_empty(sample, encoded, rest, name, members, region: tuple[float, float]) -> bool:
    """Whether nothing was there to take out: no point of the encoded spectrum, and no fragment."""
    if name in rest and not np.array_equal(rest[name], encoded.values[name]):
        return False
    if name == "IR" or name.endswith("NMR"):
        return True
    spectra = [sample.spectra[index] for index in members]
    return not any(((s.x >= region[0]) & (s.x <= region[1]) & (s.y > 0)).any() for s in spectra)


def _probabilities(
    model: GroupModel,
    sample: Sample,
    encoded: EncodedSample,
    without: dict[str, tuple[float, float]] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities ``(K,)`` by the network and its further sources, and thresholds."""
    import torch

    from engine.encoding.attribution import logits_of

    used = {n: v for n, v in encoded.values.items() if n in model.channels}
    logits = None
    if used:
        rows = {n: torch.from_numpy(v.astype(np.float32))[None] for n, v in used.items()}
        logits = logits_of(model.network)(rows)[0].double().numpy()
    further = read_sources(model, sample, encoded, without=without)
    calibration = further.calibration(model)
    return calibration.probabilities(further.joined(logits)), calibration.threshold
