"""K-M3AID: molecules and atoms beside spectra and peaks in two shared spaces.

Paper: "Molecular Identification and Peak Assignment: Leveraging Multi-Level Multimodal Alignment on
NMR" (K-M3AID), section 3.2 and appendix B.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from engine.networks.graph_encoder import (
    GraphBatch,
    GraphEncoder,
    GraphEncoderConfig,
    sum_over_molecules,
)
from engine.networks.peak_encoder import (
    CARBON,
    HYDROGEN,
    GridPeakEncoder,
    PaperPeakEncoder,
    PeakBatch,
    position_vector,
)
from engine.networks.projection_head import ProjectionHead
from engine.networks.spectrum_encoder import (
    ConvolutionSpectrumEncoder,
    PeakSetEncoder,
    PooledSpectrum,
    ResidualBlocks,
    pooled_peaks,
)

FORMS = ("paper", "extended")
# The middle of the shifts of each nucleus and the size of a unit, ppm.
_CENTRES, _UNITS = {CARBON: 90.0, HYDROGEN: 4.0}, {CARBON: 50.0, HYDROGEN: 2.5}
_ATOMIC_NUMBER, _HYDROGENS = 0, 4  # columns of the atoms' features


@dataclass(frozen=True)
class KM3AIDConfig:
    """``graph``: the graph encoder; ``form``: as in the paper, or extended to both nuclei;
    ``communication``: the node encoder shares the graph encoder's weights; ``spectrum``: of the
    paper's form, a set of peaks or ``convolution``; ``projection``: width of the heads;
    ``embedding``: width of the extended form's graph-level space."""

    graph: GraphEncoderConfig
    form: str = "paper"
    communication: bool = True
    spectrum: str = "set"
    projection: int = 512
    embedding: int = 128
    trunk: int = 384

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form {self.form!r} is none of {', '.join(FORMS)}")

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "graph": self.graph.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> KM3AIDConfig:
        return cls(**{**values, "graph": GraphEncoderConfig.from_dict(values["graph"])})


@dataclass
class MoleculeOutput:
    """``embedding`` ``B x d`` of the molecules; ``nodes`` ``V x width``, the states from which
    atoms are projected; ``hydrogens`` ``(V,)`` on each atom; ``shifts`` ``{nucleus: (V x 2)}``, ppm
    and expected error of every atom, in the extended form."""

    embedding: Tensor
    nodes: Tensor
    hydrogens: Tensor
    shifts: dict[int, Tensor]


class KM3AID(nn.Module):
    """Graph, node, spectrum and peak encoder, each with its projection head.

    ``communication`` (the paper's channel): nodes are the graph encoder's own atoms, so that what
    aligning atoms with peaks teaches reaches the molecules; without it a second graph encoder of
    the same shape serves the nodes.
    """

    def __init__(self, config: KM3AIDConfig) -> None:
        super().__init__()
        self.config = config
        width, outputs = config.graph.width, config.projection
        self.graph_encoder = GraphEncoder(config.graph)
        if config.form == "paper":
            self.level = _PaperLevel(config)
            self.peak_encoder = PaperPeakEncoder(width)
        else:
            self.level = _ExtendedLevel(config)
            self.peak_encoder = GridPeakEncoder(width)
        self.node_encoder = None if config.communication else GraphEncoder(config.graph)
        nuclei = 1 if config.form == "paper" else 2
        self.node_heads = nn.ModuleList(ProjectionHead(width, outputs) for _ in range(nuclei))
        self.peak_head = ProjectionHead(width, outputs)
        if config.form != "paper":
            for head in self.node_heads:
                nn.init.zeros_(head.norm.weight)  # atoms begin as the peaks that they should give

    @property
    def nuclei(self) -> tuple[int, ...]:
        """The nuclei that are understood."""
        return (CARBON, HYDROGEN)[: len(self.node_heads)]

    def molecules(
        self, batch: GraphBatch, weights: Tensor, shifts: dict[int, Tensor] | None = None
    ) -> MoleculeOutput:
        """``weights`` ``(V,)``: 1 over the number of atoms equivalent to each, which give one
        signal together; ``shifts`` by nucleus ``V x 2`` (ppm and expected error): known better than
        the extended form would predict them."""
        atoms = self.atoms(batch)
        nodes = atoms if self.node_encoder is None else self.node_encoder(batch)
        embedding, shifts = self.level.molecules(atoms, batch, weights, shifts)
        return MoleculeOutput(embedding, nodes, batch.atoms[:, _HYDROGENS].long(), shifts)

    def atoms(self, batch: GraphBatch) -> Tensor:
        """The graph encoder's vectors of the atoms, ``V x width``."""
        return self.graph_encoder(batch)

    def molecules_from_atoms(
        self,
        atoms: Tensor,
        batch: GraphBatch,
        weights: Tensor,
        shifts: dict[int, Tensor],
        embedded: bool = True,
    ) -> MoleculeOutput:
        """The extended form from atoms' vectors ``V x width`` and shifts that are known already.

        Not ``embedded``: the atoms alone, and no molecule in the embedding.
        """
        embedding = atoms[:0]
        if embedded:
            embedding, shifts = self.level.molecules(atoms, batch, weights, shifts)
        return MoleculeOutput(embedding, atoms, batch.atoms[:, _HYDROGENS].long(), shifts)

    def spectra(self, peaks: PeakBatch) -> Tensor:
        """Embeddings of spectra, ``B x d``."""
        return self.level.spectra(peaks)

    def node_vectors(self, out: MoleculeOutput, atoms: Tensor, nucleus: int) -> Tensor:
        """Some atoms ``(n,)`` in the space of peaks of a nucleus, ``n x projection``.

        In the extended form an atom is embedded as the peak that it should give, by the peaks' own
        encoder, and what the graph says beyond that is added.
        """
        vectors = self.node_heads[nucleus](out.nodes[atoms])
        if self.config.form == "paper":
            return vectors
        ppm, spread = out.shifts[nucleus][atoms].unbind(1)
        attached = out.hydrogens[atoms].clamp(max=3) + 1
        expected = PeakBatch(
            ppm,
            torch.full_like(attached, nucleus),
            attached if nucleus == CARBON else torch.zeros_like(attached),
            torch.zeros_like(attached),
            1,
        )
        return vectors + self.peak_head(self.peak_encoder(expected, spread))

    def peak_vectors(self, peaks: PeakBatch) -> Tensor:
        """Peaks in the space of atoms, ``P x projection``."""
        return self.peak_head(self.peak_encoder(peaks))

    def similarity(self, molecules: Tensor, spectra: Tensor) -> Tensor:
        """Logits ``B' x B`` of every molecule with every spectrum."""
        return self.level.similarity(molecules, spectra)


class _PaperLevel(nn.Module):
    """The graph level of the paper: sum pooling, readout, heads 512 wide, raw dot products."""

    def __init__(self, config: KM3AIDConfig) -> None:
        super().__init__()
        width = config.graph.width
        self.readout = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.graph_head = ProjectionHead(width, config.projection)
        if config.spectrum == "convolution":
            self.spectrum_encoder = ConvolutionSpectrumEncoder()
        else:
            self.spectrum_encoder = PeakSetEncoder(config.trunk)
        self.spectrum_head = ProjectionHead(self.spectrum_encoder.width, config.projection)

    def molecules(self, atoms: Tensor, batch: GraphBatch, weights: Tensor, shifts=None):
        return self.graph_head(self.readout(sum_over_molecules(atoms, batch))), {}

    def spectra(self, peaks: PeakBatch) -> Tensor:
        return self.spectrum_head(self.spectrum_encoder(peaks))

    def similarity(self, molecules: Tensor, spectra: Tensor) -> Tensor:
        return molecules @ spectra.T


class _ShiftHead(nn.Sequential):
    """Atoms' vectors -> ppm and its expected error, ``V x 2``; the shape of a head of
    :class:`engine.networks.shift_network.ShiftNetwork`, so that one can be taken over."""

    def __init__(self, width: int, nucleus: int) -> None:
        super().__init__(
            nn.LayerNorm(width), nn.Linear(width, 256), nn.GELU(), nn.Dropout(0.05),
            nn.Linear(256, 2),
        )  # fmt: skip
        self.centre, self.unit = _CENTRES[nucleus], _UNITS[nucleus]

    def forward(self, atoms: Tensor) -> Tensor:
        outputs = super().forward(atoms).float()
        ppm = self.centre + self.unit * outputs[:, 0]
        error = outputs[:, 1].clamp(-6.0, 3.0).exp() * (self.unit / 25)
        return torch.stack([ppm, error], dim=1)


class _ExtendedLevel(nn.Module):
    """The graph level beyond the paper: molecules are also embedded by the spectrum they should
    give, through a first layer like that of measured ones.

    Every atom predicts its shifts with their errors, and whether a peak will be listed for it at
    all; those of a molecule, spread by the errors, are pooled like measured peaks. What the graph
    says beyond that is added. Cosine similarity with a learnt temperature.
    """

    def __init__(self, config: KM3AIDConfig) -> None:
        super().__init__()
        width, trunk = config.graph.width, config.trunk
        self.shift_heads = nn.ModuleList(_ShiftHead(width, n) for n in (CARBON, HYDROGEN))
        self.spectrum_encoder = PeakSetEncoder(trunk)
        self.spectrum_head = nn.Sequential(nn.LayerNorm(trunk), nn.Linear(trunk, config.embedding))
        self.listed = nn.Linear(width, 2)
        self.expected = PooledSpectrum(trunk)
        self.readout = nn.Linear(width, trunk)
        self.blocks = ResidualBlocks(trunk, 2, 0.1)
        self.graph_head = nn.Sequential(nn.LayerNorm(trunk), nn.Linear(trunk, config.embedding))
        # Both sides begin as the same function of a spectrum.
        for mine, other in (
            (self.expected, self.spectrum_encoder.pooled),
            (self.blocks, self.spectrum_encoder.blocks),
            (self.graph_head, self.spectrum_head),
        ):
            mine.load_state_dict(other.state_dict())
        for layer in (self.readout, self.listed):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.temperature = nn.Parameter(torch.tensor(2.7))  # logits are 15 times the cosine

    def predicted_shifts(self, atoms: Tensor) -> dict[int, Tensor]:
        """Shift and expected error of every atom by nucleus, ``V x 2``."""
        return {nucleus: head(atoms) for nucleus, head in enumerate(self.shift_heads)}

    def molecules(
        self,
        atoms: Tensor,
        batch: GraphBatch,
        weights: Tensor,
        shifts: dict[int, Tensor] | None = None,
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """``shifts`` in place of the predicted ones, as in training on disturbed predictions."""
        if shifts is None:
            shifts = self.predicted_shifts(atoms)
        hydrogens = batch.atoms[:, _HYDROGENS].long()
        bearing = {CARBON: batch.atoms[:, _ATOMIC_NUMBER] == 6, HYDROGEN: hydrogens > 0}
        owner = batch.molecule.long()
        listed = torch.sigmoid(self.listed(atoms).float() + 2.0) * weights[:, None]
        pooled = []
        for nucleus in (CARBON, HYDROGEN):
            atom = torch.nonzero(bearing[nucleus])[:, 0]
            shift, error = shifts[nucleus][atom].unbind(1)
            vectors = position_vector(shift, nucleus, error) * listed[atom, nucleus, None]
            attached = hydrogens[atom].clamp(max=3) + 1
            pooled.append(pooled_peaks(vectors, attached, owner[atom], batch.size, nucleus))
        summed = sum_over_molecules(atoms * weights[:, None].to(atoms.dtype), batch)
        hidden = self.expected(*pooled) + self.readout(summed)
        return normalize(self.graph_head(self.blocks(hidden)).float(), dim=1), shifts

    def spectra(self, peaks: PeakBatch) -> Tensor:
        return normalize(self.spectrum_head(self.spectrum_encoder(peaks)).float(), dim=1)

    def similarity(self, molecules: Tensor, spectra: Tensor) -> Tensor:
        return (molecules @ spectra.T) * self.temperature.exp().clamp(max=100.0)
