"""Whole NMR spectra, given as their peaks, as vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from engine.networks.peak_encoder import (
    CARBON,
    HYDROGEN,
    MULTIPLICITIES,
    PeakBatch,
    position_features,
    position_vector,
)

_FIRST, _LAST, _BINS = -50.0, 350.0, 4000


class ConvolutionSpectrumEncoder(nn.Module):
    """A 13C spectrum as 4000 bins of 0.1 ppm that are 0 or 1 -> ``B x 768``, unit length.

    The shape of the encoder that K-M3AID takes, ready trained, from CReSS (Yang et al., Anal. Chem.
    2021): one convolution, two residual blocks, one linear layer. Its weights are not published
    with the paper; here it is trained with the rest. Peaks of other nuclei are not seen.
    """

    width = 768

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(1, 32, kernel_size=400, stride=200, padding=200)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(672, 672), nn.ReLU(), nn.Linear(672, 672)) for _ in range(2)
        )
        self.last = nn.Linear(672, self.width)

    def forward(self, peaks: PeakBatch) -> Tensor:
        kept = (peaks.nucleus == CARBON) & (peaks.ppm >= _FIRST) & (peaks.ppm < _LAST)
        bins = ((peaks.ppm[kept] - _FIRST) * (_BINS / (_LAST - _FIRST))).long()
        drawn = peaks.ppm.new_zeros(peaks.size, _BINS)
        drawn[peaks.spectrum[kept], bins] = 1.0
        hidden = torch.relu(self.convolution(drawn[:, None])).flatten(1)
        for block in self.blocks:
            hidden = torch.relu(hidden + block(hidden))
        return normalize(self.last(hidden), dim=1)


def pooled_peaks(
    vectors: Tensor, multiplicity: Tensor, owner: Tensor, size: int, nucleus: int
) -> Tensor:
    """Sums of position vectors ``P x F`` over the peaks of each owner, ``size x (classes F)``.

    For 13C the first F are of all peaks, then those of each known multiplicity.
    """
    whole = vectors.new_zeros(size, vectors.shape[1]).index_add_(0, owner, vectors)
    if nucleus == HYDROGEN:
        return whole
    known = torch.nonzero(multiplicity > 0)[:, 0]
    classes = MULTIPLICITIES - 1
    places = owner[known] * classes + multiplicity[known] - 1
    by_class = vectors.new_zeros(size * classes, vectors.shape[1])
    by_class = by_class.index_add_(0, places, vectors[known]).view(size, -1)
    return torch.cat([whole, by_class], dim=1)


class PooledSpectrum(nn.Module):
    """Position vectors pooled over the peaks, seen through one linear layer: ``B x width``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.carbon = nn.Linear(position_features(CARBON) * MULTIPLICITIES, width)
        self.hydrogen = nn.Linear(position_features(HYDROGEN), width, bias=False)
        # A random projection to begin with, in which like spectra are near each other already.
        nn.init.normal_(self.carbon.weight, std=0.1)
        nn.init.normal_(self.hydrogen.weight, std=0.1)
        nn.init.zeros_(self.carbon.bias)

    def forward(self, carbon: Tensor, hydrogen: Tensor) -> Tensor:
        return self.carbon(carbon) + self.hydrogen(hydrogen)


class PeakSetEncoder(nn.Module):
    """Peaks of 13C, 1H or both as one set -> ``B x width``.

    The sum over the peaks knows no order, and is that of a longer set when more is measured;
    ``state`` tells which nuclei are there and whether carbons' multiplicities are known.
    """

    def __init__(self, width: int = 384, depth: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.width = width
        self.pooled = PooledSpectrum(width)
        self.state = nn.Linear(3, width, bias=False)
        nn.init.zeros_(self.state.weight)
        self.blocks = ResidualBlocks(width, depth, dropout)

    def forward(self, peaks: PeakBatch) -> Tensor:
        parts, there = [], []
        for nucleus in (CARBON, HYDROGEN):
            members = torch.nonzero(peaks.nucleus == nucleus)[:, 0]
            owner = peaks.spectrum[members]
            vectors = position_vector(peaks.ppm[members], nucleus)
            parts.append(
                pooled_peaks(vectors, peaks.multiplicity[members], owner, peaks.size, nucleus)
            )
            there.append(_any(owner, peaks.size, vectors))
        known = torch.nonzero(peaks.multiplicity > 0)[:, 0]
        there.append(_any(peaks.spectrum[known], peaks.size, parts[0]))
        hidden = self.pooled(*parts) + self.state(torch.stack(there, dim=1))
        return self.blocks(hidden)


class ResidualBlocks(nn.Module):
    """``h <- h + MLP(norm(h))``, ``depth`` times: ``n x width -> n x width``."""

    def __init__(self, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 2 * width),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(2 * width, width),
            )
            for _ in range(depth)
        )

    def forward(self, hidden: Tensor) -> Tensor:
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return hidden


def _any(owners: Tensor, size: int, like: Tensor) -> Tensor:
    found = like.new_zeros(size)
    found[owners] = 1.0
    return found
