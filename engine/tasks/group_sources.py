"""What the further sources of a group model say of a sample, and where they saw it.

A reader turns the spectra of one channel into a source's logits; :data:`READERS` names them as a
model's JSON does. One more kind of source is one more entry there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.encoding.channels import channel
from engine.encoding.sample_encoding import EncodedSample
from engine.library.group_evidence import AddedSource, joined_logits
from engine.library.group_model import GroupModel, LabelCalibration, default_group_model
from engine.spectra import Sample, Spectrum

Region = tuple[float, float]
# So many fragments of all spectra together are left out in turn, at least these of each.
_MASKED_FRAGMENTS, _LEAST_MASKED = 64, 8


@dataclass(frozen=True, eq=False)
class SourceReading:
    """One source's word on a sample: ``logits`` ``(K,)``.

    ``effects`` ``(600, K)``, on the grid of the source's channel: what each logit loses without
    the signals in a bin; None where it was not asked for.
    """

    source: AddedSource
    logits: np.ndarray
    effects: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class SourceReadings:
    """All sources' words on one sample, and how they are joined with the network's."""

    channels: frozenset[str]
    readings: tuple[SourceReading, ...] = ()

    def joined(self, logits: np.ndarray | None) -> np.ndarray:
        """The logits ``(K,)`` that the calibration takes; ``logits`` of the network, None where
        it read nothing."""
        added = [(reading.source, reading.logits) for reading in self.readings]
        return joined_logits(logits, added, self.channels)

    def calibration(self, model: GroupModel) -> LabelCalibration:
        """The calibration of what :meth:`joined` gives."""
        return model.calibration_of(self.channels, bool(self.readings))

    @property
    def effects(self) -> dict[str, np.ndarray]:
        """By channel, what the sources' signals do to the joined logits, ``(600, K)``."""
        alone = not any(name != "EI" for name in self.channels)
        found: dict[str, np.ndarray] = {}
        for reading in self.readings:
            if reading.effects is not None:
                trust = 1.0 if alone else reading.source.trust.for_channels(self.channels)
                name = reading.source.channel
                found[name] = found.get(name, 0.0) + trust * reading.effects
        return found


def read_sources(
    model: GroupModel,
    sample: Sample,
    encoded: EncodedSample,
    with_effects: bool = False,
    without: Mapping[str, Region] | None = None,
) -> SourceReadings:
    """Ask every source whose channel the sample has.

    ``without`` takes the signals of a region out of a channel. Raises :class:`NoModelError` when
    the weights of a source are not installed.
    """
    present = frozenset(n for n in (*encoded.values, *encoded.sources) if _counts(model, n))
    readings = []
    for source in model.sources:
        members = encoded.sources.get(source.channel)
        if not members:
            continue
        spectra = [sample.spectra[index] for index in members]
        region = (without or {}).get(source.channel)
        reading = READERS[source.reader](
            default_group_model(source.model), source, spectra, region, with_effects
        )
        if reading is not None:
            readings.append(reading)
    return SourceReadings(present, tuple(readings))


def _counts(model: GroupModel, name: str) -> bool:
    return name in model.channels or any(source.channel == name for source in model.sources)


def read_fragment_sets(
    model: GroupModel,
    source: AddedSource,
    spectra: Sequence[Spectrum],
    region: Region | None = None,
    with_effects: bool = False,
) -> SourceReading | None:
    """The fragment network's logits, the mean over the spectra; None when no fragment is left."""
    from engine.encoding.fragments import assumed_precursors, fragment_row, fragment_sets
    from engine.networks.fragment_set_network import fragment_logits

    rows = [_without_region(fragment_row(spectrum), region) for spectrum in spectra]
    sets = fragment_sets([row for row in rows if len(row["mz"])])
    sets = sets[sets.present.any(1)]
    if len(sets) == 0:
        return None
    if source.channel == "EI":
        sets = assumed_precursors(sets)
    tensors = sets.tensors()
    logits = fragment_logits(model.network, tensors).double().numpy()
    effects = None
    if with_effects:
        effects = _masking_effects(model, sets, logits, source.channel)
    return SourceReading(source, logits.mean(0), effects)


def _without_region(row: dict, region: Region | None) -> dict:
    if region is None:
        return row
    mz = np.asarray(row["mz"])
    kept = (mz < region[0]) | (mz > region[1])
    return {**row, "mz": mz[kept], "intensity": np.asarray(row["intensity"])[kept]}


def _masking_effects(model: GroupModel, sets, logits: np.ndarray, name: str) -> np.ndarray:
    """What the mean logits lose without each of the strongest fragments, in its bin."""
    from engine.networks.fragment_set_network import fragment_logits

    grid = channel(name)
    effects = np.zeros((len(grid.centres), logits.shape[1]))
    most = max(_LEAST_MASKED, _MASKED_FRAGMENTS // len(sets))
    for index in range(len(sets)):
        one = sets[index : index + 1]
        places = np.flatnonzero(one.present[0])
        places = places[np.argsort(-one.intensity[0, places], kind="stable")[:most]]
        if len(places) < 2:
            # A single fragment cannot be left out: all that is said rests on it.
            lost = logits[index][None]
        else:
            tensors = {
                key: value.expand(len(places), *value.shape[1:]).clone()
                for key, value in one.tensors().items()
            }
            tensors["present"][range(len(places)), places] = False
            # A fragment left out has no height either, which the network's mean would count.
            tensors["intensity"][range(len(places)), places] = 0.0
            lost = logits[index] - fragment_logits(model.network, tensors).double().numpy()
        bins = np.searchsorted(grid.edges, one.mz[0, places], side="right") - 1
        inside = (bins >= 0) & (bins < len(effects))
        np.add.at(effects, bins[inside], lost[inside] / len(sets))
    return effects


READERS: dict[str, Callable[..., SourceReading | None]] = {"fragments": read_fragment_sets}


def alone_gate(effects: np.ndarray) -> np.ndarray:
    """For a channel that only sources read: how much each bin counts over all groups, 0 to 1."""
    weight = np.clip(effects, 0, None).sum(1)
    return weight / weight.max() if weight.max() > 0 else weight
