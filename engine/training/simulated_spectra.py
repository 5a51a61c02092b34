"""13C and 1H spectra of library molecules, drawn anew for every batch from predicted shifts.

A molecule library holds the signals of each molecule with an uncertainty (``engine.library``). A
drawn spectrum moves each signal by as much as its prediction may err, and leaves to chance what
instruments vary: heights, multiplets, hydrogens that exchange, solvent lines; a quarter of them are
bare peak lists. It goes straight into the bins of the channel, since a million molecules rendered
and kept would be ten gigabytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import numpy as np

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.nmr_rendering import SOLVENTS
from engine.encoding.channels import POINTS, channel
from engine.library.library_chunk import PPM_STEPS, SHORT
from engine.library.molecule_library import MoleculeLibrary

CHANNELS = ("13C NMR", "1H NMR")
_LISTS = 0.25
# Of the predicted uncertainty, the scale of the Laplace distribution that is drawn from.
_ERROR_SCALE = 0.9
_SPLITTINGS_HZ = np.array([2.0, 7.0, 7.0, 7.5, 8.0, 14.0])
_FREQUENCIES_MHZ = np.array([300.0, 400.0, 500.0, 600.0])
_MOST_LINES = 5
_PASCAL = np.array(
    [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 2, 1, 0, 0], [1, 3, 3, 1, 0], [1, 4, 6, 4, 1]]
) / np.array([1.0, 2.0, 4.0, 8.0, 16.0])[:, None]  # fmt: skip
# How often a solvent's lines are seen beside a compound's.
_SOLVENT_SHARE = {"chloroform": 0.48, "dmso": 0.12, "methanol": 0.064, "acetone": 0.04}


def molecules_to_simulate(
    library: MoleculeLibrary, excluded: Collection[str] = frozenset()
) -> np.ndarray:
    """The numbers of the library's molecules that belong to the train split and are not
    ``excluded`` (keys)."""
    return np.array(
        [
            number
            for number, key in enumerate(library.arrays["key"].tolist())
            if int(hashlib.sha1(key).hexdigest(), 16) % 100 < 75 and key.decode() not in excluded
        ],
        dtype=np.int64,
    )


class SimulatedSpectra:
    """Draws encoded spectra of a library's molecules; see the module."""

    def __init__(self, library: MoleculeLibrary, members: np.ndarray) -> None:
        self.library = library
        self.members = members

    def draw(
        self, size: int, channels: Sequence[str], rng: np.random.Generator
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """``{channel: (size, 600)}`` and labels ``(size, 37)``, both float32, of molecules drawn
        with replacement. Raises ``KeyError`` for channels other than 13C and 1H."""
        chosen = self.members[rng.integers(0, len(self.members), size)]
        makers = {"13C NMR": self._carbon, "1H NMR": self._proton}
        return {name: makers[name](chosen, rng) for name in channels}, self.labels(chosen)

    def labels(self, molecules: np.ndarray) -> np.ndarray:
        """Which groups each molecule holds, float32 ``(n, 37)``."""
        held = np.asarray(self.library.arrays["groups"][molecules])
        bits = np.arange(len(GROUP_NAMES), dtype=np.uint64)
        return ((held[:, None] >> bits) & np.uint64(1)).astype(np.float32)

    def _signals(self, technique: str, molecules: np.ndarray, rng) -> dict[str, np.ndarray]:
        """All signals one after another: ``molecule`` is the place in ``molecules``."""
        arrays, short, step = self.library.arrays, SHORT[technique], PPM_STEPS[technique]
        first = arrays[f"{short}_at"][molecules].astype(np.int64)
        count = arrays[f"{short}_at"][molecules + 1].astype(np.int64) - first
        before = np.concatenate(([0], np.cumsum(count)[:-1]))
        place = np.repeat(first - before, count) + np.arange(count.sum())
        found = {
            name: arrays[f"{short}_{name}"][place]
            for name in ("ppm", "error", "nuclei", "hydrogens", "exchangeable")
        }
        moved = rng.laplace(0, _ERROR_SCALE, len(place)) * found["error"] * step
        found["ppm"] = found["ppm"] * step + moved
        found["molecule"] = np.repeat(np.arange(len(molecules)), count)
        return found

    def _carbon(self, molecules: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        size = len(molecules)
        signals = self._signals("13C NMR", molecules, rng)
        count, owner = len(signals["ppm"]), signals["molecule"]
        listed = rng.random(size) < _LISTS
        bare = signals["hydrogens"] == 0
        # Carbons without hydrogens relax slowly and come out small, or not at all.
        relaxed = np.where(bare, rng.uniform(0.2, 1.0, size)[owner], 1.0)
        height = signals["nuclei"] * np.exp(rng.normal(0, 0.3, count)) * relaxed
        height = np.where(listed[owner], 1.0, height)
        height[bare & (rng.random(count) < 0.03)] = 0
        vectors = _binned("13C NMR", owner, signals["ppm"], height, size)
        _add_solvents(vectors, "13C NMR", ~listed, 0.15, 0.0, rng)
        return _scaled(vectors)

    def _proton(self, molecules: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        size = len(molecules)
        signals = self._signals("1H NMR", molecules, rng)
        count, owner = len(signals["ppm"]), signals["molecule"]
        listed = rng.random(size) < _LISTS
        area = signals["nuclei"] * np.exp(rng.normal(0, 0.1, count))
        area = np.where(listed[owner], 1.0, area)
        area[(signals["exchangeable"] > 0) & (rng.random(count) < 0.6)] = 0
        lines = rng.integers(1, _MOST_LINES + 1, count)
        lines[(rng.random(count) < 0.35) | listed[owner]] = 1
        frequency = rng.choice(_FREQUENCIES_MHZ, size)[owner]
        coupling = rng.choice(_SPLITTINGS_HZ, count) / frequency
        number = np.arange(_MOST_LINES)
        offsets = (number[None, :] - (lines[:, None] - 1) / 2) * coupling[:, None]
        places = signals["ppm"][:, None] + offsets + rng.normal(0, 0.004, offsets.shape)
        heights = area[:, None] * _PASCAL[lines - 1]
        owners = np.repeat(owner, _MOST_LINES)
        vectors = _binned("1H NMR", owners, places.ravel(), heights.ravel(), size)
        _add_solvents(vectors, "1H NMR", ~listed, 0.01, -0.5, rng)
        return _scaled(vectors)


def _bin_of(technique: str, ppm: np.ndarray) -> np.ndarray:
    window = channel(technique)
    return np.floor((ppm - window.low) / (window.high - window.low) * POINTS).astype(int)


def _binned(technique: str, owner, ppm, height, size: int) -> np.ndarray:
    places = _bin_of(technique, ppm)
    inside = (places >= 0) & (places < POINTS)
    flat = owner[inside] * POINTS + places[inside]
    return np.bincount(flat, height[inside], minlength=size * POINTS).reshape(size, POINTS)


def _add_solvents(vectors, technique: str, allowed, spread: float, level: float, rng) -> None:
    """A line of a solvent in some of the spectra; ``level``: mean logarithm of its height."""
    for solvent in SOLVENTS:
        share = _SOLVENT_SHARE.get(solvent.name, 0.0)
        at = solvent.carbon[0][0] if technique == "13C NMR" and solvent.carbon else None
        if technique == "1H NMR":
            at = solvent.proton[0]
        if not share or at is None:
            continue
        shown = np.flatnonzero((rng.random(len(vectors)) < share) & allowed)
        places = _bin_of(technique, at + rng.normal(0, spread, len(shown)))
        vectors[shown, places] += np.exp(rng.normal(level, 1.0, len(shown)))


def _scaled(vectors: np.ndarray) -> np.ndarray:
    """The tallest is 1, and the square root taken, as the encoding of measured ones does."""
    top = vectors.max(axis=1, keepdims=True)
    return np.sqrt(vectors / np.where(top > 0, top, 1.0)).astype(np.float32)
