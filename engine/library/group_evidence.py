"""Further sources of evidence beside a group network, and how far each is trusted.

A network reads vectors of 600 points. What they lose (a fragment's exact mass, a peak's exact
shift) other networks can read: each gives logits for one channel of a sample, which are added,
times a trust, to the logits of the network before these are calibrated. A trust is fitted on the
validation split for each set of channels, since what a source adds depends on what is known
already; a source is never trusted below 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SourceTrust:
    """What a source's logits count beside the network's.

    ``by_count`` for one channel present, two, and so on (the last serves larger sets);
    ``by_channels`` for sets that have a trust of their own.
    """

    by_count: tuple[float, ...] = (0.0,)
    by_channels: Mapping[frozenset[str], float] = field(default_factory=dict)

    def for_channels(self, names: Collection[str]) -> float:
        """The trust where these channels are present."""
        own = self.by_channels.get(frozenset(names))
        if own is not None:
            return own
        return self.by_count[min(max(len(names), 1), len(self.by_count)) - 1]

    def to_dict(self) -> dict[str, Any]:
        return {
            "by_count": [round(value, 4) for value in self.by_count],
            "by_channels": [
                {"channels": sorted(names), "trust": round(value, 4)}
                for names, value in self.by_channels.items()
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SourceTrust:
        by_count = tuple(float(value) for value in values["by_count"])
        by_channels = {
            frozenset(entry["channels"]): float(entry["trust"]) for entry in values["by_channels"]
        }
        every = [*by_count, *by_channels.values()]
        if not by_count or not all(0 <= value < 1e3 for value in every):
            raise ValueError(f"trusts {every}; right are some of 0 or more")
        return cls(by_count, by_channels)


@dataclass(frozen=True)
class AddedSource:
    """One more network for one channel.

    ``model`` names its weights as they ship (``groups-fragments``); ``reader`` how a sample's
    spectra become its input (``fragments``); ``channel`` which of them it reads.
    """

    model: str
    reader: str
    channel: str
    trust: SourceTrust = SourceTrust()

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "reader": self.reader,
            "channel": self.channel,
            "trust": self.trust.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AddedSource:
        trust = SourceTrust.from_dict(values["trust"])
        return cls(str(values["model"]), str(values["reader"]), str(values["channel"]), trust)


def sources_of(values: Iterable[Mapping[str, Any]]) -> tuple[AddedSource, ...]:
    """The sources that a model's JSON lists; raises ``KeyError`` or ``ValueError``."""
    return tuple(AddedSource.from_dict(entry) for entry in values)


def joined_logits(
    logits: np.ndarray | None,
    added: Sequence[tuple[AddedSource, np.ndarray]],
    channels: Collection[str],
) -> np.ndarray:
    """The mean of the network's logits ``(..., K)``, which weigh 1, and those of the sources, each
    weighed by its trust. A mean, so that sets of channels without a calibration of their own can
    share one, however far a source is trusted.

    ``channels`` are all that are present, the sources' own among them. Where the network read
    nothing (None) a source counts as it is. Raises ``ValueError`` with nothing to join.
    """
    if logits is None:
        if not added:
            raise ValueError("no logits to join: neither the network nor a source read anything")
        return np.mean([values for _, values in added], axis=0)
    total, weight = np.array(logits, dtype=float), 1.0
    for source, values in added:
        trust = source.trust.for_channels(channels)
        total, weight = total + trust * values, weight + trust
    return total / weight
