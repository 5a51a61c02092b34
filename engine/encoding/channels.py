"""The input channels of the networks: which techniques, over which windows, on which grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

POINTS = 600


@dataclass(frozen=True)
class Channel:
    """One input of 600 points: its name, technique, and window (``low`` < ``high``, axis unit)."""

    name: str
    technique: str
    low: float
    high: float
    unit: str

    @property
    def edges(self) -> np.ndarray:
        """The 601 edges of the bins, ascending."""
        return np.linspace(self.low, self.high, POINTS + 1)

    @property
    def centres(self) -> np.ndarray:
        """The 600 middles of the bins, ascending."""
        edges = self.edges
        return (edges[1:] + edges[:-1]) / 2


# The windows hold 99.9 % of the peaks of nmrshiftdb2's train split.
CHANNELS = (
    Channel("IR", "IR", 400.0, 4000.0, "1/cm"),
    Channel("1H NMR", "1H NMR", -1.0, 13.0, "ppm"),
    Channel("13C NMR", "13C NMR", -10.0, 230.0, "ppm"),
    Channel("MS/MS+", "MS/MS", 0.0, 600.0, "m/z"),
    Channel("MS/MS-", "MS/MS", 0.0, 600.0, "m/z"),
)
CHANNEL_NAMES = tuple(channel.name for channel in CHANNELS)
# Electron ionisation is read as a set of fragments by a network of its own; its grid is for maps
# only, with whole masses in the middles of the bins.
ELECTRON_IONISATION = Channel("EI", "MS", -0.5, 599.5, "m/z")


def channel(name: str) -> Channel:
    """The channel of a name; raises ``KeyError``."""
    if name == ELECTRON_IONISATION.name:
        return ELECTRON_IONISATION
    return CHANNELS[CHANNEL_NAMES.index(name)] if name in CHANNEL_NAMES else _unknown(name)


def _unknown(name: str) -> Channel:
    raise KeyError(f"{name!r} is none of the channels {', '.join(CHANNEL_NAMES)}")
