"""Molecules and peak lists put together into the batches that K-M3AID takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.chemistry.molecular_graph import MolecularGraph
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.predicted_shifts import NUCLEI

if TYPE_CHECKING:
    import torch

    from engine.networks.peak_encoder import PeakBatch


def signal_weights(graphs: Sequence[MolecularGraph]) -> torch.Tensor:
    """For each atom of all graphs 1 over the number of atoms equivalent to it, ``(V,)``."""
    import torch

    counts = [np.bincount(g.classes)[g.classes] for g in graphs]
    return torch.from_numpy((1.0 / np.concatenate(counts)).astype(np.float32))


def peak_batch(spectra: Iterable[Mapping[str, Iterable[ObservedPeak]]]) -> PeakBatch:
    """The peaks of several compounds, each given by technique; other techniques are left out.

    Of a 13C peak the attached hydrogens are used where they are known. Raises ``ValueError`` for a
    shift that is no finite number.
    """
    import torch

    from engine.networks.peak_encoder import PeakBatch

    columns: tuple[list, ...] = ([], [], [], [])
    size = 0
    for spectrum in spectra:
        for nucleus, technique in enumerate(NUCLEI):
            for peak in spectrum.get(technique, ()):
                if not math.isfinite(peak.ppm):
                    raise ValueError(f"a {technique} peak lies at {peak.ppm} ppm: not a number")
                attached = peak.attached if nucleus == 0 else None
                known = isinstance(attached, int) and 0 <= attached <= 3
                row = (peak.ppm, nucleus, attached + 1 if known else 0, size)
                for column, value in zip(columns, row, strict=True):
                    column.append(value)
        size += 1
    ppm, *numbers = columns
    return PeakBatch(
        torch.tensor(ppm, dtype=torch.float32),
        *(torch.tensor(column, dtype=torch.int64) for column in numbers),
        size,
    )
