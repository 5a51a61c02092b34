"""A set of peaks as the network's input: NMR peaks as tokens of a transformer.

A vector of 600 points asks a network to learn at every place anew what a peak is. Here peaks are
found first; each becomes a token that knows its shift exactly (waves of several lengths, Vaswani et
al., NeurIPS 2017, and an embedding interpolated along the axis), and attention relates them
(Lee et al., Set Transformer, ICML 2019). The blurred vector goes in beside them.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, conv1d, pad, scaled_dot_product_attention

from engine.networks.convolution_blocks import module_name

_TINY = 1e-9


@dataclass(frozen=True)
class PeakChannel:
    """How one channel's vector of ``points`` over ``low`` to ``high`` (ppm) becomes peaks.

    The squared vector (the encoding took its square root) is blurred by ``blur`` points before its
    maxima are looked for; those above ``threshold`` of the square root count, the ``peaks``
    tallest at most. ``waves``: lengths in ppm; ``knots``: places of the embedding along the axis.
    """

    channel: str
    low: float
    high: float
    blur: float
    peaks: int
    threshold: float
    waves: tuple[float, ...]
    knots: int
    points: int = 600

    @property
    def features(self) -> int:
        """Two for each wave; height, area of three and of seven points, and the skew of those."""
        return 2 * len(self.waves) + 4


@dataclass(frozen=True)
class PeakSetConfig:
    """``channels`` are the inputs, ``labels`` the outputs; ``hidden``: width behind the tokens;
    ``blurs``: standard deviation and step, in points, of the vectors that go in beside them."""

    channels: tuple[PeakChannel, ...]
    labels: tuple[str, ...]
    width: int = 128
    depth: int = 2
    heads: int = 4
    hidden: int = 512
    dropout: float = 0.1
    blurs: tuple[tuple[float, int], ...] = ((2.5, 2), (7.5, 5))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PeakSetConfig:
        """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is no configuration."""
        channels = tuple(
            PeakChannel(**{**channel, "waves": tuple(channel["waves"])})
            for channel in values["channels"]
        )
        blurs = tuple((float(width), int(step)) for width, step in values["blurs"])
        return cls(
            **{**values, "channels": channels, "labels": tuple(values["labels"]), "blurs": blurs}
        )


class PeakTokens(nn.Module):
    """The peaks of a channel's vectors, ``B x points`` -> features ``B x P x F``, which of the P
    places hold a peak ``B x P``, and their positions in ppm ``B x P``."""

    def __init__(self, config: PeakChannel) -> None:
        super().__init__()
        self.config = config
        offsets = torch.arange(-6, 7).float()
        kernel = (
            torch.exp(-0.5 * (offsets / config.blur) ** 2)
            if config.blur > 0
            else (offsets == 0).float()
        )
        step = (config.high - config.low) / config.points
        places = config.low + step * (torch.arange(config.points) + 0.5)
        waves = 2 * math.pi / torch.tensor(config.waves)
        self.register_buffer("kernel", kernel / kernel.sum(), persistent=False)
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("waves", waves, persistent=False)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        config = self.config
        areas = vectors.clamp_min(0) ** 2
        blurred = conv1d(areas[:, None], self.kernel[None, None], padding=6)[:, 0]
        left, right = pad(blurred, (1, 0))[:, :-1], pad(blurred, (0, 1))[:, 1:]
        is_peak = (blurred > left) & (blurred >= right) & (blurred.sqrt() > config.threshold)
        top, index = torch.where(is_peak, blurred, 0.0).topk(config.peaks, dim=1)

        def at_peaks(values: Tensor) -> Tensor:
            return values.gather(1, index)

        near, far = at_peaks(_summed(areas, 1)), at_peaks(_summed(areas, 3))
        position = at_peaks(_summed(areas * self.places, 1)) / near.clamp_min(_TINY)
        centre = at_peaks(_summed(areas * self.places, 3)) / far.clamp_min(_TINY)
        phase = position.unsqueeze(-1) * self.waves
        features = [
            phase.sin(), phase.cos(),
            torch.stack([at_peaks(blurred).clamp_min(0).sqrt(), near.clamp_min(0).sqrt(),
                         far.clamp_min(0).sqrt(), centre - position], dim=-1),
        ]  # fmt: skip
        return torch.cat(features, dim=-1), top > 0, position


def _summed(values: Tensor, reach: int) -> Tensor:
    """Sums over each point and ``reach`` neighbours to both sides."""
    size = 2 * reach + 1
    return avg_pool1d(pad(values, (reach, reach))[:, None], size, 1)[:, 0] * size


class PeakSet(nn.Module):
    """Vectors ``{channel: B x 600}`` of any of its channels -> logits ``B x K``.

    Raises ``ValueError`` when none of its channels is there; others are ignored.
    """

    def __init__(self, config: PeakSetConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.width, config.hidden
        by_name = {module_name(channel.channel): channel for channel in config.channels}
        self.tokens = nn.ModuleDict({n: PeakTokens(c) for n, c in by_name.items()})
        self.enter = nn.ModuleDict({n: nn.Linear(c.features, width) for n, c in by_name.items()})
        self.places = nn.ModuleDict({n: nn.Embedding(c.knots, width) for n, c in by_name.items()})
        self.whole = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.blocks = nn.ModuleList(
            _Block(width, config.heads, config.dropout) for _ in range(config.depth)
        )
        size = 0
        for number, (deviation, step) in enumerate(config.blurs):
            points = config.channels[0].points
            centres = torch.arange(0, points, step).float()
            grid = torch.arange(points).float()
            blur = torch.exp(-0.5 * ((grid[:, None] - centres) / deviation) ** 2)
            self.register_buffer(f"blur_{number}", blur, persistent=False)
            size += len(centres)
        self.curve = nn.ModuleDict(
            {
                n: nn.Sequential(
                    nn.LayerNorm(size), nn.Linear(size, hidden), nn.Dropout(config.dropout)
                )
                for n in by_name
            }
        )
        self.absent = nn.ParameterDict({n: nn.Parameter(torch.zeros(hidden)) for n in by_name})
        self.join = nn.Linear(2 * width, hidden)
        self.head = nn.Sequential(
            nn.GELU(), nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.GELU(),
            nn.Dropout(config.dropout), nn.Linear(hidden, len(config.labels)),
        )  # fmt: skip

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that it reads."""
        return tuple(channel.channel for channel in self.config.channels)

    def pattern(self, names: Container[str]) -> int:
        """Which of its channels are among ``names``, a bit each."""
        return sum(1 << place for place, name in enumerate(self.channels) if name in names)

    def forward(self, spectra: Mapping[str, Tensor]) -> Tensor:
        parts, masks, curves = [], [], []
        for channel in self.config.channels:
            name = module_name(channel.channel)
            if channel.channel not in spectra:
                curves.append(self.absent[name])
                continue
            vectors = spectra[channel.channel]
            features, found, position = self.tokens[name](vectors)
            parts.append(self.enter[name](features) + self._along_axis(name, channel, position))
            masks.append(found)
            curves.append(self.curve[name](self._blurred(vectors)))
        if not parts:
            raise ValueError(f"no channel is present: expected one of {self.channels}")
        size = len(parts[0])
        tokens = torch.cat([self.whole.expand(size, -1, -1), *parts], dim=1)
        always = torch.ones(size, 1, dtype=torch.bool, device=tokens.device)
        attended = self._attended(tokens, torch.cat([always, *masks], dim=1))
        return self.head(sum(curves) + self.join(attended))

    def _attended(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """The first token after attention and the mean of all, ``B x 2d``.

        Only places that hold a peak go through the layers.
        """
        size = len(tokens)
        longest = int(mask.sum(1).max())
        order = mask.float().sort(dim=1, descending=True, stable=True)[1][:, :longest]
        tokens = tokens.gather(1, order.unsqueeze(-1).expand(-1, -1, tokens.shape[2]))
        mask = mask.gather(1, order)
        filled = mask.flatten().nonzero()[:, 0]
        packed = tokens.flatten(0, 1).index_select(0, filled)
        for block in self.blocks:
            packed = block(packed, mask, filled)
        counts = mask.sum(1)
        first = counts.cumsum(0) - counts
        sums = packed.new_zeros(size, packed.shape[1]).index_add(0, filled // longest, packed)
        return torch.cat([packed[first], sums / counts.unsqueeze(1)], dim=1)

    def _along_axis(self, name: str, channel: PeakChannel, position: Tensor) -> Tensor:
        """The embedding between its knots, ``B x P`` -> ``B x P x d``."""
        last = channel.knots - 1
        along = (position - channel.low) / (channel.high - channel.low) * last
        along = along.clamp(0, last - 1e-3)
        knot = along.floor().long()
        part = (along - knot).unsqueeze(-1)
        table = self.places[name]
        return table(knot) * (1 - part) + table(knot + 1) * part

    def _blurred(self, vectors: Tensor) -> Tensor:
        raised = (vectors.clamp_min(0) + 1e-6) ** 1.2
        blurs = (getattr(self, f"blur_{n}") for n in range(len(self.config.blurs)))
        return torch.cat([(raised @ blur + _TINY).sqrt() for blur in blurs], dim=1)


class _Block(nn.Module):
    """Attention and two layers, normalised before each; on packed tokens ``N x d``."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)
        self.before_layers = nn.LayerNorm(width)
        self.layers = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, packed: Tensor, mask: Tensor, filled: Tensor) -> Tensor:
        """``mask`` ``B x T``; ``filled`` ``(N,)``: the flat places of the packed tokens in it."""
        size, longest = mask.shape
        width = packed.shape[1]
        mixed = self.attend(self.before_attention(packed))
        padded = packed.new_zeros(size * longest, 3 * width).index_copy(0, filled, mixed)
        split = padded.view(size, longest, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        seen = seen.transpose(1, 2).reshape(size * longest, width).index_select(0, filled)
        packed = packed + self.dropout(self.leave(seen))
        return packed + self.dropout(self.layers(self.before_layers(packed)))
