"""Single NMR peaks, and sets of them, as vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

CARBON, HYDROGEN = 0, 1
"""The numbers of the nuclei 13C and 1H."""

UNKNOWN_MULTIPLICITY = 0
MULTIPLICITIES = 5
"""Of a 13C peak: 0 not known, 1 to 4 for 0 to 3 hydrogens on the carbon. Of a 1H peak always 0."""

# Centre of the first feature, distance of the centres, number of them, and width, in ppm.
_GRIDS = {
    CARBON: ((-10.0, 1.0, 246, 0.9), (-10.0, 5.0, 50, 4.0)),
    HYDROGEN: ((-1.0, 0.1, 151, 0.08), (-1.0, 0.5, 31, 0.4)),
}


@dataclass(frozen=True)
class PeakBatch:
    """The peaks of several spectra: P peaks, B spectra (a spectrum: all peaks of one compound).

    ``ppm`` ``(P,)``; ``nucleus`` ``(P,)``: :data:`CARBON` or :data:`HYDROGEN`; ``multiplicity``
    ``(P,)``: see :data:`MULTIPLICITIES`; ``spectrum`` ``(P,)``: the spectrum of each peak.
    """

    ppm: Tensor
    nucleus: Tensor
    multiplicity: Tensor
    spectrum: Tensor
    size: int

    def to(self, device: torch.device | str) -> PeakBatch:
        return PeakBatch(
            *(getattr(self, n).to(device) for n in ("ppm", "nucleus", "multiplicity", "spectrum")),
            self.size,
        )


def position_features(nucleus: int) -> int:
    """How many features :func:`position_vector` gives."""
    return sum(count for _, _, count, _ in _GRIDS[nucleus])


def position_vector(ppm: Tensor, nucleus: int, spread: Tensor | None = None) -> Tensor:
    """Shifts ``(P,)`` as Gaussians on a fine and a coarse grid, ``P x F``.

    ``spread`` ``(P,)`` (ppm) is the uncertainty of each shift: the features are then those that
    are expected of a shift drawn from a normal distribution.
    """
    parts = []
    for first, step, count, width in _GRIDS[nucleus]:
        centres = first + step * torch.arange(count, device=ppm.device, dtype=ppm.dtype)
        distance = ppm[:, None] - centres
        if spread is None:
            parts.append(torch.exp(distance.square() * (-0.5 / width**2)))
        else:
            variance = width**2 + spread.square()
            bell = torch.exp(distance.square() * (-0.5 / variance)[:, None])
            parts.append(bell * (width / variance.sqrt())[:, None])
    return torch.cat(parts, dim=1)


class PaperPeakEncoder(nn.Module):
    """The peak encoder of K-M3AID: position and multiplicity of each peak -> ``P x width``."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.position = nn.Linear(1, width)
        self.multiplicity = nn.Embedding(MULTIPLICITIES, width)
        self.mlp = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )

    def forward(self, peaks: PeakBatch) -> Tensor:
        # In units of 10 ppm around the middle, since networks learn on numbers of about one.
        position = self.position(((peaks.ppm - 100.0) / 10.0)[:, None])
        return self.mlp(torch.cat([position, self.multiplicity(peaks.multiplicity)], dim=1))


class GridPeakEncoder(nn.Module):
    """Peaks of both nuclei, their positions on grids: ``P x width``."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.carbon = nn.Linear(position_features(CARBON), width)
        self.hydrogen = nn.Linear(position_features(HYDROGEN), width)
        self.multiplicity = nn.Embedding(MULTIPLICITIES, width)
        self.nucleus = nn.Embedding(2, width)
        # Positions first of all: else the multiplicities alone would decide in the beginning.
        for layer in (self.carbon, self.hydrogen):
            nn.init.normal_(layer.weight, std=0.5)
        for table in (self.multiplicity, self.nucleus):
            nn.init.normal_(table.weight, std=0.3)
        self.mlp = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.GELU())

    def forward(self, peaks: PeakBatch, spread: Tensor | None = None) -> Tensor:
        """``spread`` ``(P,)``: how uncertain each position is, ppm, of peaks that are expected."""
        hidden = self.multiplicity(peaks.multiplicity) + self.nucleus(peaks.nucleus)
        for nucleus, layer in ((CARBON, self.carbon), (HYDROGEN, self.hydrogen)):
            members = torch.nonzero(peaks.nucleus == nucleus)[:, 0]
            own = None if spread is None else spread[members]
            vectors = layer(position_vector(peaks.ppm[members], nucleus, own))
            hidden = hidden.index_add(0, members, vectors.to(hidden.dtype))
        return self.mlp(hidden)
