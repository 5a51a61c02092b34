"""Functional groups from a set of fragments with exact masses.

Every token carries each mass twice: its nominal mass as a learnt word, its decimals as Fourier
features (sinusoidal embeddings of m/z: G. Voronov et al., "Multi-scale sinusoidal embeddings",
2022) that the word gates, for the fragment and for the neutral loss from the precursor. Precursor
and neutral molecule are tokens too. Attention among the tokens (J. Lee et al., "Set Transformer",
ICML 2019) comes in as many layers as the configuration says, none included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu, scaled_dot_product_attention

_KINDS = 3
_POLARITIES = 3
# Periods in u: of the decimals, down to a few mu, and of the whole masses.
_FINE_PERIODS = tuple(2.0**-k for k in range(8))
_COARSE_PERIODS = (2.0, 7.0, 14.0, 28.0, 64.0, 160.0, 400.0, 1000.0, 2500.0)


@dataclass(frozen=True)
class FragmentSetConfig:
    """``labels`` name the outputs, ``channels`` what spectra the network is for.

    ``words`` nominal masses of fragments, and ``loss_words`` of losses, have a word of their own;
    ``adducts`` and ``elements`` count what the encoding tells apart.
    """

    labels: tuple[str, ...]
    channels: tuple[str, ...]
    adducts: int
    width: int = 160
    layers: int = 0
    heads: int = 4
    hidden: int = 256
    joined: int = 512
    words: int = 700
    loss_words: int = 400
    elements: int = 10
    dropout: float = 0.15

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"labels": list(self.labels), "channels": list(self.channels)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FragmentSetConfig:
        lists = {name: tuple(values[name]) for name in ("labels", "channels")}
        return cls(**{**values, **lists})


class _Layer(nn.Module):
    """Attention among the tokens of a spectrum, then each by itself: ``B x N x D`` in and out."""

    def __init__(self, config: FragmentSetConfig) -> None:
        super().__init__()
        self.heads, self.share = config.heads, config.dropout
        self.before_mixing, self.before_bending = (nn.LayerNorm(config.width) for _ in range(2))
        self.mix = nn.Linear(config.width, 3 * config.width)
        self.mixed = nn.Linear(config.width, config.width)
        self.enter = nn.Linear(config.width, config.hidden)
        self.leave = nn.Linear(config.hidden, config.width)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        size, count, width = tokens.shape
        parts = self.mix(self.before_mixing(tokens))
        query, key, value = (
            part.reshape(size, count, self.heads, -1).transpose(1, 2)
            for part in parts.chunk(3, dim=2)
        )
        seen = scaled_dot_product_attention(query, key, value, present[:, None, None])
        seen = self.mixed(seen.transpose(1, 2).reshape(size, count, width))
        tokens = tokens + dropout(seen, self.share, self.training)
        bent = self.leave(gelu(self.enter(self.before_bending(tokens))))
        return tokens + dropout(bent, self.share, self.training)


class _MassWords(nn.Module):
    """A mass as what is learnt of its nominal mass, and of its decimals at that nominal mass.

    ``B x N x D``: word + gate * W fourier(decimals). The gate makes the decimals mean something
    else at m/z 43 (C3H7 or C2H3O) than at 44.
    """

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.word = nn.Embedding(words, width)
        self.gate = nn.Embedding(words, width)
        self.decimals = nn.Linear(2 * len(_FINE_PERIODS), width, bias=False)
        nn.init.normal_(self.word.weight, std=0.1)
        nn.init.normal_(self.gate.weight, mean=1.0, std=0.3)
        self.register_buffer("periods", torch.tensor(_FINE_PERIODS), persistent=False)

    def forward(self, words: Tensor, decimals: Tensor, exact: Tensor) -> Tensor:
        phase = 2 * math.pi * decimals.unsqueeze(2) / self.periods
        fine = torch.cat([phase.sin(), phase.cos()], dim=2) * exact.unsqueeze(2)
        return self.word(words) + self.gate(words) * self.decimals(fine)


class FragmentSetNetwork(nn.Module):
    """``fragments`` (the tensors of ``FragmentSets.tensors``) to logits ``B x K``.

    Without layers it is a deep set (M. Zaheer et al., NIPS 2017): every token by itself, then
    their mean and maximum.
    """

    def __init__(self, config: FragmentSetConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.mass = _MassWords(config.words + 1, width)
        self.lost = _MassWords(config.loss_words + 2, width)
        self.kind = nn.Embedding(_KINDS, width)
        # Whole masses of fragment and loss, four flags, and the height in three scales.
        self.enter = nn.Linear(4 * len(_COARSE_PERIODS) + 4 + 3, width)
        self.bend = nn.Linear(width, width)
        self.adduct = nn.Embedding(config.adducts, width)
        self.polarity = nn.Embedding(_POLARITIES, width)
        self.sides = nn.Linear(5, width)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.after = nn.LayerNorm(width)
        self.join = nn.Linear(3 * width, config.joined)
        self.mixed = nn.Linear(config.joined, config.joined)
        self.groups = nn.Linear(config.joined, len(config.labels))
        # What a fragment is made of: learnt from simulated fragments, a help for the layers below.
        self.composition = nn.Linear(width, config.elements)
        for table in (self.kind, self.adduct, self.polarity):
            nn.init.normal_(table.weight, std=0.1)
        self.register_buffer("coarse", torch.tensor(_COARSE_PERIODS), persistent=False)

    def forward(self, fragments: Mapping[str, Tensor]) -> Tensor:
        """Logits ``B x K``."""
        return self.read(self.tokens(fragments), fragments)

    def tokens(self, fragments: Mapping[str, Tensor]) -> Tensor:
        """States ``B x (1 + N) x D``: the spectrum as a whole, then its tokens."""
        config = self.config
        height, known = fragments["intensity"], fragments["loss_known"]
        features = torch.cat(
            [
                self._whole_mass(fragments["mz"]),
                self._whole_mass(fragments["loss"]) * known.unsqueeze(2),
                torch.stack(
                    [
                        fragments["exact"].float(),
                        known.float(),
                        fragments["loss_exact"].float(),
                        (fragments["nominal"] > config.words).float(),
                        height,
                        height.sqrt(),
                        torch.log10(height.clamp_min(1e-4)) / 4 + 1,
                    ],
                    dim=2,
                ),
            ],
            dim=2,
        )
        mass = fragments["nominal"].clamp(0, config.words)
        # Place 0 of the losses is "unknown", a loss of 0 u is place 1.
        lost = (fragments["loss_nominal"].clamp(0, config.loss_words) + 1) * known
        tokens = self.enter(features) + self.kind(fragments["kind"])
        tokens = tokens + self.mass(mass, fragments["defect"], fragments["exact"])
        tokens = tokens + self.lost(lost, fragments["loss_defect"], fragments["loss_exact"])
        tokens = tokens + self.bend(gelu(tokens))
        sides = torch.cat(
            [fragments["energy"], fragments["precursor_known"].unsqueeze(1).float()], dim=1
        )
        whole = self.sides(sides) + self.adduct(fragments["adduct"])
        whole = whole + self.polarity(fragments["polarity"])
        tokens = torch.cat([whole.unsqueeze(1), tokens], dim=1)
        present = torch.cat([torch.ones_like(fragments["present"][:, :1]), fragments["present"]], 1)
        tokens = dropout(tokens, config.dropout / 2, self.training)
        for layer in self.layers:
            tokens = layer(tokens, present)
        return self.after(tokens)

    def read(self, tokens: Tensor, fragments: Mapping[str, Tensor]) -> Tensor:
        """Logits ``B x K`` of the states: the whole, their mean by height, and their maxima."""
        whole, parts = tokens[:, 0], tokens[:, 1:]
        present = fragments["present"].unsqueeze(2)
        weight = (fragments["intensity"].sqrt() + 0.05).unsqueeze(2) * present
        mean = (parts * weight).sum(1) / weight.sum(1).clamp_min(1e-6)
        top = parts.masked_fill(~present, -1e4).amax(1).clamp_min(-10.0)
        share = self.config.dropout
        joined = dropout(torch.cat([whole, mean, top], dim=1), share, self.training)
        joined = dropout(gelu(self.join(joined)), share, self.training)
        joined = joined + dropout(gelu(self.mixed(joined)), share, self.training)
        return self.groups(joined)

    def _whole_mass(self, mass: Tensor) -> Tensor:
        """Coarse Fourier features ``B x N x 18`` of masses in u."""
        phase = 2 * math.pi * mass.unsqueeze(2) / self.coarse
        return torch.cat([phase.sin(), phase.cos()], dim=2)


def fragment_logits(network: FragmentSetNetwork, fragments: Mapping[str, Tensor]) -> Tensor:
    """Logits ``(B, 37)`` of a batch as ``FragmentSets.tensors`` makes it, without gradients."""
    network.eval()
    with torch.no_grad():
        return network(fragments)
