"""SymSpectra: groups from any subset of spectra through a symmetric information bottleneck.

``papers``: SymSpectra, sections 2.2 and 2.3. Where the paper is silent, or speaks of complete
input only:

- Any subset of channels: only the channels that are present are encoded and attended to; an absent
  one is a learned vector in the fusion.
- The joint sequence that is asked (keys and values) averages every three neighbouring tokens:
  context needs less detail than what is kept, and attention is most of the cost on a CPU.
- Tokens carry a learned position, since a pooled token would not know its wavenumber or shift.
- The gated tokens of a channel are narrowed to ``reduced`` features each, flattened (so that
  positions stay apart) and projected; the fused representation is their sum.
- The decoder corrects the main predictor's logits ("only the main predictor and the decoder is
  used for inference", Fig. 2).
- Without sampling (inference) a gate takes its mean p, and the noise its mean.

Beyond the paper, and off unless the configuration has them: a noise floor, which takes away what
lies under three times an NMR spectrum's own noise; memories of measured spectra, whose votes
are added to the decoder's logits; and a companion that reads NMR peaks as a set, whose logits are
added likewise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from engine.networks.importance_gate import ImportanceGate, relaxed_bernoulli
from engine.networks.label_decoder import label_decoder
from engine.networks.latent_priors import latent_prior
from engine.networks.peak_set import PeakSet, PeakSetConfig
from engine.networks.repeated_rows import once_for_repeated
from engine.networks.spectrum_memory import MemoryConfig, SpectrumMemory
from engine.networks.token_encoder import SpectrumEncoder, TokenGrid, module_name


@dataclass(frozen=True)
class SymSpectraConfig(TokenGrid):
    """Everything that rebuilds the network.

    ``order`` is the order of prediction, as label indices (IUPAC's, or one of
    :mod:`engine.training.label_orders`); ``decoder`` one of ``DECODERS`` (appendix P), ``prior``
    one of ``PRIORS`` (appendix G); ``quiet`` names the channels with a noise floor.
    """

    channels: tuple[str, ...]
    labels: tuple[str, ...]
    order: tuple[int, ...]
    points: int = 600
    stem: int = 48
    width: int = 96
    kernel: int = 11
    pools: tuple[int, int] = (2, 3)
    max_pooling: bool = False
    heads: int = 4
    coarsen: int = 3
    reduced: int = 24
    fused: int = 512
    dropout: float = 0.3
    quiet: tuple[str, ...] = ()
    memories: tuple[MemoryConfig, ...] = ()
    decoder: str = "lstm"
    prior: str = "gaussian"
    companion: PeakSetConfig | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SymSpectraConfig:
        known = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        memories = tuple(MemoryConfig.from_dict(memory) for memory in known.pop("memories", ()))
        companion = known.pop("companion", None)
        if companion is not None:
            companion = PeakSetConfig.from_dict(companion)
        return cls(**known, memories=memories, companion=companion)


# Not frozen: Lightning Fabric converts the precision of its tensors in place.
@dataclass
class SymSpectraOutput:
    """``logits`` and ``main_logits`` ``B x K``; ``gates``: p of each present channel, ``B x L``.

    In training also ``information``, the sum of both bounds over channels (scalar), and
    ``without`` ``{channel: B x K}``, the auxiliary predictor's logits with that channel hidden.
    """

    logits: Tensor
    main_logits: Tensor
    gates: dict[str, Tensor]
    information: Tensor | None = None
    without: dict[str, Tensor] = field(default_factory=dict)


class CrossModalAttention(nn.Module):
    """A channel's tokens ask the joint sequence (eqs 3-4): ``BxLxC, BxSxC -> BxLxC``."""

    def __init__(self, width: int, heads: int, coarsen: int) -> None:
        super().__init__()
        self.heads = heads
        self.coarsen = coarsen
        self.joint = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def keys_and_values(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of one channel's part of the joint sequence, ``B x heads x L x C/heads``.

        The linear maps act on each token alone, so the joint sequence can be put together from
        its channels' parts, and ``coarsen`` neighbours averaged.
        """
        length = tokens.shape[1] // self.coarsen * self.coarsen
        coarse = tokens[:, :length].unflatten(1, (-1, self.coarsen)).mean(2)
        key, value = self.key_value(self.joint(coarse)).chunk(2, dim=-1)
        return self._split(key), self._split(value)

    def forward(self, tokens: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor]) -> Tensor:
        attended = nn.functional.scaled_dot_product_attention(
            self._split(self.query(tokens)),
            torch.cat(list(keys), dim=2),
            torch.cat(list(values), dim=2),
        )
        return self.out(attended.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def without_noise(spectra: Tensor, deviations: float = 3.0) -> Tensor:
    """NMR spectra ``B x 600`` with 0 where they do not rise above their noise.

    Most points of an encoded NMR spectrum are empty, so the noise is 1.4826 times the median
    absolute deviation; where that is 0, nothing changes.
    """
    level = spectra.median(dim=1, keepdim=True).values
    noise = 1.4826 * (spectra - level).abs().median(dim=1, keepdim=True).values
    kept = (spectra - level) > deviations * noise
    return torch.where(kept | (noise <= 0), spectra, 0.0)


class SymSpectra(nn.Module):
    """The network; see the module's text. Input: ``{channel: B x 600}``, present channels only."""

    def __init__(self, config: SymSpectraConfig) -> None:
        super().__init__()
        self.config = config
        width, labels = config.width, len(config.labels)
        self.prior = latent_prior(config.prior)
        names = [self.key_of(name) for name in config.channels]
        self.encoders = nn.ModuleDict({name: SpectrumEncoder(config) for name in names})
        self.attention = CrossModalAttention(width, config.heads, config.coarsen)
        self.norm = nn.LayerNorm(width)
        self.gates = nn.ModuleDict({name: ImportanceGate(width) for name in names})
        self.reduce = nn.ModuleDict({name: nn.Linear(width, config.reduced) for name in names})
        self.project = nn.ModuleDict(
            {name: nn.Linear(config.tokens * config.reduced, config.fused) for name in names}
        )
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(config.fused)) for name in names}
        )
        self.input_dropout = nn.Dropout(config.dropout)
        self.fuse = nn.Sequential(
            nn.LayerNorm(config.fused), nn.ReLU(), nn.Dropout(config.dropout),
            nn.Linear(config.fused, config.fused), nn.LayerNorm(config.fused), nn.ReLU(),
            nn.Dropout(config.dropout),
        )  # fmt: skip
        self.main = nn.Linear(config.fused, labels)
        self.auxiliary = nn.Sequential(
            nn.Linear(config.fused, config.fused // 2), nn.ReLU(),
            nn.Linear(config.fused // 2, labels),
        )  # fmt: skip
        self.decoder = label_decoder(config.decoder, config.fused, config.order)
        self.memories = nn.ModuleDict()
        for memory in config.memories:
            name = self.key_of(memory.channel)
            self.memories[name] = SpectrumMemory(memory)
            self.memories[name].requires_grad_(False)
            # By how many channels are present: the more, the less a single one's memory counts.
            self.register_buffer(f"trust_{name}", torch.zeros(len(names)))
        self.companion = None
        if config.companion is not None:
            self.companion = PeakSet(config.companion).requires_grad_(False)
            # By which of its channels are present (a bit each), and by how many are in all.
            size = (2 ** len(config.companion.channels), len(names))
            self.register_buffer("trust_companion", torch.zeros(size))
        for name in names:
            self.register_buffer(f"noise_mean_{name}", torch.zeros(width))
            self.register_buffer(f"noise_deviation_{name}", torch.ones(width))

    @staticmethod
    def key_of(channel: str) -> str:
        """A channel's name as a module's name."""
        return module_name(channel)

    def forward(
        self,
        spectra: Mapping[str, Tensor],
        truth: Tensor | None = None,
        teaching: float = 0.0,
    ) -> SymSpectraOutput:
        """Logits and gates; with ``truth`` (``B x K``) in training mode also the training terms.

        Memories speak when it predicts, not while it is trained.
        """
        training = self.training and truth is not None
        spectra = self._quietened(spectra)
        gates, gated, information = self._gated_tokens(spectra, training)
        parts = {name: self._part(name, tokens) for name, tokens in gated.items()}
        fused = self._fuse(parts)
        main = self.main(fused)
        decoded = self.decoder(fused, main, truth if training else None, teaching)
        if not self.training:
            decoded = self._with_votes(decoded, self._votes(spectra, len(spectra)), len(spectra))
            decoded = self._with_companion(decoded, spectra, len(spectra))
        without = self._without_each(parts) if training else {}
        return SymSpectraOutput(decoded, main, gates, information, without)

    def _gated_tokens(
        self, spectra: Mapping[str, Tensor], training: bool
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor | None]:
        """Gates ``B x L`` and gated tokens ``B x L x C`` of present channels, and the bounds."""
        present = [name for name in self.config.channels if name in spectra]
        if not present:
            raise ValueError(f"no channel is present: expected one of {self.config.channels}")
        tokens = {
            name: once_for_repeated(self.encoders[self.key_of(name)], spectra[name])
            for name in present
        }
        keys, values = {}, {}
        for name in present:
            keys[name], values[name] = self.attention.keys_and_values(tokens[name])
        gates, gated, terms = {}, {}, []
        for name in present:
            attended = self.attention(
                tokens[name], [keys[n] for n in present], [values[n] for n in present]
            )
            hidden = self.prior.latent(self.norm(tokens[name] + attended))
            logits = self.gates[self.key_of(name)](hidden)
            gates[name] = torch.sigmoid(logits)
            gated[name], sampled = self._inject_noise(name, hidden, logits, training)
            if training:
                terms.append(self._bounds(name, hidden, sampled, tokens, keys, values, present))
        return gates, gated, torch.stack(terms).sum() if terms else None

    def masking_effects(
        self, spectra: Mapping[str, Tensor], reach: int = 1
    ) -> tuple[SymSpectraOutput, dict[str, Tensor]]:
        """How much each logit falls when a stretch of one channel's tokens is replaced by noise.

        For one sample (``{channel: 1 x 600}``) in evaluation mode. Around each token, ``reach``
        neighbours to both sides are set to the mean of the injected noise (eq. 6 with the gate
        closed), the same stretch of the spectrum is emptied for its memory, and the rest of the
        network is run again. Returns the output for the whole sample
        and ``{channel: L x K}``, positive where a region speaks for a group.
        """
        spectra = self._quietened(spectra)
        gates, gated, _ = self._gated_tokens(spectra, training=False)
        parts = {name: self._part(name, tokens) for name, tokens in gated.items()}
        fused = self._fuse(parts)
        main = self.main(fused)
        votes = self._votes(spectra, len(spectra))
        decoded = self._with_votes(self.decoder(fused, main), votes, len(spectra))
        decoded = self._with_companion(decoded, spectra, len(spectra))
        output = SymSpectraOutput(decoded, main, gates)
        effects = {}
        for name, tokens in gated.items():
            length = tokens.shape[1]
            places = torch.arange(length, device=tokens.device)
            hidden = (places[None] - places[:, None]).abs() <= reach
            mean = getattr(self, f"noise_mean_{self.key_of(name)}")
            masked = torch.where(hidden.unsqueeze(-1), mean, tokens.expand(length, -1, -1))
            rest = {n: p.expand(length, -1) for n, p in parts.items() if n != name}
            fused = self._fuse({**rest, name: self._part(name, masked)})
            others = {n: vote for n, vote in votes.items() if n != name}
            cut = spectra[name] * ~self.config.points_of(hidden)
            logits = self.decoder(fused, self.main(fused))
            cut_votes = self._votes({name: cut}, len(spectra))
            logits = self._with_votes(logits, {**others, **cut_votes}, len(spectra))
            every = {n: s.expand(length, -1) for n, s in spectra.items() if n != name}
            logits = self._with_companion(logits, {**every, name: cut}, len(spectra))
            effects[name] = output.logits - logits
        return output, effects

    def _quietened(self, spectra: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: once_for_repeated(without_noise, values) if name in self.config.quiet else values
            for name, values in spectra.items()
        }

    def votes(self, spectra: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the memories of the channels that are present say, ``{channel: B x K}`` logits."""
        return self._votes(self._quietened(spectra))

    def _votes(self, quiet: Mapping[str, Tensor], present: int | None = None) -> dict[str, Tensor]:
        """The votes of all memories; only of those trusted beside ``present`` channels if given."""
        return {
            name: once_for_repeated(self.memories[self.key_of(name)], values)
            for name, values in quiet.items()
            if self.key_of(name) in self.memories
            and (present is None or float(self._trust_in(name, present)))
        }

    def _trust_in(self, name: str, present: int) -> Tensor:
        return getattr(self, f"trust_{self.key_of(name)}")[present - 1]

    def _with_votes(self, logits: Tensor, votes: Mapping[str, Tensor], present: int) -> Tensor:
        """The decoder's logits and the votes, each as far as it is trusted beside ``present``
        channels in all."""
        for name, vote in votes.items():
            logits = logits + self._trust_in(name, present) * vote
        return logits

    def companion_logits(self, spectra: Mapping[str, Tensor]) -> Tensor | None:
        """What the companion alone says, ``B x K``; None where it has nothing to read."""
        return self._companion_logits(self._quietened(spectra))

    def _companion_logits(self, quiet: Mapping[str, Tensor]) -> Tensor | None:
        if self.companion is None or not any(name in quiet for name in self.companion.channels):
            return None
        return self.companion(quiet)

    def _with_companion(self, logits: Tensor, quiet: Mapping[str, Tensor], present: int) -> Tensor:
        if self.companion is None:
            return logits
        trust = self.trust_companion[self.companion.pattern(quiet), present - 1]
        # Where it is not trusted, it is not asked either.
        said = self._companion_logits(quiet) if float(trust) else None
        return logits if said is None else logits + trust * said

    def _part(self, name: str, tokens: Tensor) -> Tensor:
        """One channel's share of the fused representation, ``B x L x C -> B x D``."""
        narrow = self.reduce[self.key_of(name)](tokens)
        return self.project[self.key_of(name)](self.input_dropout(narrow.flatten(1)))

    def _fuse(self, parts: Mapping[str, Tensor]) -> Tensor:
        total = sum(parts.values())
        for name in self.config.channels:
            if name not in parts:
                total = total + self.absent[self.key_of(name)]
        return self.fuse(total)

    def _without_each(self, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The auxiliary predictor p(Y | T without i) for each present channel i (eq. 9).

        It learns from detached features: it measures what the others know, and must not change it.
        """
        logits = {}
        size = next(iter(parts.values()))
        for hidden in parts:
            rest = {name: part.detach() for name, part in parts.items() if name != hidden}
            fused = self._fuse(rest) if rest else self._fuse_nothing(size)
            logits[hidden] = self.auxiliary(fused.detach())
        return logits

    def _fuse_nothing(self, like: Tensor) -> Tensor:
        total = sum(self.absent[self.key_of(name)] for name in self.config.channels)
        return self.fuse(total.expand(like.shape[0], -1))

    def _inject_noise(
        self, name: str, hidden: Tensor, logits: Tensor, training: bool
    ) -> tuple[Tensor, Tensor]:
        """Tokens with what the gates drop replaced by noise (eq. 6), and the gates used."""
        mean = getattr(self, f"noise_mean_{self.key_of(name)}")
        deviation = getattr(self, f"noise_deviation_{self.key_of(name)}")
        if not training:
            gate = torch.sigmoid(logits)
            return gate.unsqueeze(-1) * hidden + (1 - gate.unsqueeze(-1)) * mean, gate
        with torch.no_grad():
            flat = hidden.detach().float().flatten(0, 1)
            mean.lerp_(flat.mean(0), 0.02)
            deviation.lerp_(flat.std(0), 0.02)
        gate = relaxed_bernoulli(logits)
        noise = self.prior.noise(hidden, mean, deviation)
        return gate.unsqueeze(-1) * hidden + (1 - gate.unsqueeze(-1)) * noise, gate

    def _bounds(self, name, hidden, sampled, tokens, keys, values, present) -> Tensor:
        """Eq. 18 of channel ``name`` plus eq. 19 from the other channels, if there are any.

        For eq. 19 the gates of the others are found anew from the others alone, on the first
        eighth of the batch: an unbiased estimate at an eighth of the cost.
        """
        mean = getattr(self, f"noise_mean_{self.key_of(name)}").clone()
        deviation = getattr(self, f"noise_deviation_{self.key_of(name)}").clone()
        bound = self.prior.bound(sampled, hidden, mean, deviation)
        others = [other for other in present if other != name]
        if not others:
            return bound
        part = slice(0, max(1, len(hidden) // 8))
        context, context_gates = [], []
        for other in others:
            attended = self.attention(
                tokens[other][part],
                [keys[n][part] for n in others],
                [values[n][part] for n in others],
            )
            state = self.prior.latent(self.norm(tokens[other][part] + attended))
            context.append(state)
            context_gates.append(relaxed_bernoulli(self.gates[self.key_of(other)](state)))
        return bound + self.prior.bound(
            torch.cat(context_gates, 1), torch.cat(context, 1), mean, deviation
        )
