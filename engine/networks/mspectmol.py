"""MSpecTmol: groups from a primary spectrum and auxiliary ones, by an information bottleneck.

``papers``: MSpecTmol, sections 2.1 and 2.2, appendices F and L. Where the paper is silent, or
speaks of one fixed set of spectra only:

- Any channel can be the primary one: ``primary`` where it is present, else the first that is of
  ``preference``. The others that are present are auxiliary; without any, T_m speaks alone.
- Each auxiliary channel has an encoder and gates of its own. (The paper lays two spectra end to end
  and convolves over the seam; its eq. 6 needs as many auxiliary tokens as primary ones, which two
  spectra end to end do not have.) Eq. 6 is taken as printed for each of them: token i of a channel
  beside token i of the primary.
- Tokens carry a learned position. The kept tokens of a channel are narrowed to ``reduced`` features
  each, flattened and projected; the fused representation is their sum, with a learned vector for
  each absent channel and one that says which was the primary.
- Noise (eq. 7) has the mean and deviation of the batch's own tokens, and without sampling
  (inference) its running mean; a gate then takes its mean p.
- Eqs 25 and 28 need a Gaussian p(t | x): it is the one that eq. 7 makes of a token under its gate,
  in the units of the noise (:mod:`engine.networks.latent_priors`). With the statistics of H alone,
  as below eq. 22, no gate would ever be asked to close. The sums over J are means over tokens and
  features here: as sums, even over the 960 of a narrow network (here 14,400 a channel), they closed
  all gates to under 0.02 within 120 steps at an alpha and beta of 1e-6, and nothing was learnt.
- Eq. 22 needs p(t_a | t_m), for which the paper gives no model. A small network foresees the
  auxiliary part of the fused representation from the primary's, and the Gaussian has the moments of
  that regression over a batch. The primary is not moved by this term: what both know is to be
  dropped from the auxiliary ("supplementary"). It is a mean over features, not a sum: at its weight
  of 1 a sum over hundreds would drown the rest.

Gates are the importance maps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.networks.importance_gate import ImportanceGate, relaxed_bernoulli
from engine.networks.latent_priors import latent_prior
from engine.networks.token_encoder import SpectrumEncoder, TokenGrid, module_name


@dataclass(frozen=True)
class MSpecTmolConfig(TokenGrid):
    """Everything that rebuilds the network.

    ``preference`` follows appendix H: techniques by how well each does alone, on our validation
    split. ``asymmetric`` False is the uniform bottleneck of Table 4: every channel is gated by its
    own tokens alone and none is the primary one. ``prior`` is one of ``PRIORS`` (appendix L),
    ``temperature`` that of eq. 8 (appendix J). Raises ``ValueError`` for a primary channel that is
    none of ``channels``.
    """

    channels: tuple[str, ...]
    labels: tuple[str, ...]
    primary: str = "IR"
    preference: tuple[str, ...] = ("13C NMR", "MS/MS-", "MS/MS+", "1H NMR")
    points: int = 600
    stem: int = 48
    width: int = 96
    kernel: int = 11
    pools: tuple[int, int] = (2, 2)
    max_pooling: bool = True
    reduced: int = 16
    fused: int = 512
    dropout: float = 0.3
    temperature: float = 1.0
    prior: str = "gaussian"
    asymmetric: bool = True

    def __post_init__(self) -> None:
        if self.primary not in self.channels:
            raise ValueError(f"primary {self.primary!r} is none of {', '.join(self.channels)}")

    def primary_of(self, present: Iterable[str]) -> str:
        """The primary one of the channels that are present; raises ``ValueError`` without any."""
        present = set(present)
        for name in (self.primary, *self.preference, *self.channels):
            if name in present and name in self.channels:
                return name
        raise ValueError(f"no channel is present: expected one of {self.channels}")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MSpecTmolConfig:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


# Not frozen: Lightning Fabric converts the precision of its tensors in place.
@dataclass
class MSpecTmolOutput:
    """``logits`` ``B x K`` from all that is present, p(Y | T_m, T_a); ``gates``: p of each channel
    that is present, ``B x L``; ``primary``: which channel was the primary one.

    In training also ``primary_logits``, p(Y | T_m); the divergences ``redundancy`` (L_MI1, mean
    over features), ``primary_rate`` (L_MI2) and ``auxiliary_rate`` (L_MI3, the sum over channels;
    both means over the batch, tokens and features); and ``foresight``, the error of the network
    that foresees the auxiliary from the primary. ``redundancy``, ``auxiliary_rate`` and
    ``foresight`` are 0 where there is no auxiliary channel.
    """

    logits: Tensor
    gates: dict[str, Tensor]
    primary: str
    primary_logits: Tensor | None = None
    redundancy: Tensor | None = None
    primary_rate: Tensor | None = None
    auxiliary_rate: Tensor | None = None
    foresight: Tensor | None = None


@dataclass
class _Core:
    """The gated tokens ``T`` (``B x L x C``), gates (``B x L``) and rates of each channel."""

    primary: str
    kept: dict[str, Tensor]
    gates: dict[str, Tensor]
    rates: dict[str, Tensor]


class MSpecTmol(nn.Module):
    """The network; see the module's text. Input: ``{channel: B x 600}``, present channels only."""

    def __init__(self, config: MSpecTmolConfig) -> None:
        super().__init__()
        self.config = config
        self.prior = latent_prior(config.prior)
        width, fused, labels = config.width, config.fused, len(config.labels)
        names = [module_name(name) for name in config.channels]
        self.encoders = nn.ModuleDict({name: SpectrumEncoder(config) for name in names})
        self.primary_gates = nn.ModuleDict({name: ImportanceGate(width) for name in names})
        if config.asymmetric:
            self.auxiliary_gates = nn.ModuleDict(
                {name: ImportanceGate(3 * width) for name in names}
            )
        self.reduce = nn.ModuleDict({name: nn.Linear(width, config.reduced) for name in names})
        self.project = nn.ModuleDict(
            {name: nn.Linear(config.tokens * config.reduced, fused) for name in names}
        )
        self.absent = nn.ParameterDict({name: nn.Parameter(torch.zeros(fused)) for name in names})
        self.leading = nn.ParameterDict({name: nn.Parameter(torch.zeros(fused)) for name in names})
        self.input_dropout = nn.Dropout(config.dropout)
        self.supplemented = _predictor(fused, labels, config.dropout)
        if config.asymmetric:
            self.alone = _predictor(fused, labels, config.dropout)
            self.foresee = nn.Sequential(
                nn.LayerNorm(fused), nn.Linear(fused, fused // 4), nn.ReLU(),
                nn.Linear(fused // 4, fused),
            )  # fmt: skip
        for name in names:
            self.register_buffer(f"noise_mean_{name}", torch.zeros(width))

    def forward(self, spectra: Mapping[str, Tensor], terms: bool = True) -> MSpecTmolOutput:
        """Logits and gates; in training mode, unless ``terms`` is False, also what eq. 14 needs."""
        core = self._core(spectra)
        parts = {name: self._part(name, kept) for name, kept in core.kept.items()}
        output = MSpecTmolOutput(self._logits(parts, core.primary), core.gates, core.primary)
        if not (self.training and terms):
            return output
        leading = parts[core.primary]
        none = leading.new_zeros(())
        others = [name for name in parts if name != core.primary]
        output.primary_rate = core.rates[core.primary]
        output.auxiliary_rate = sum((core.rates[name] for name in others), none)
        output.redundancy = output.foresight = none
        if self.config.asymmetric:
            output.primary_logits = self.alone(leading + self._lead(core.primary))
            if others:
                auxiliary = sum(parts[name] for name in others)
                foreseen = self.foresee(leading.detach())
                output.foresight = foresight_error(foreseen, auxiliary)
                output.redundancy = redundancy(foreseen, auxiliary)
        return output

    def masking_effects(
        self, spectra: Mapping[str, Tensor], reach: int = 1
    ) -> tuple[MSpecTmolOutput, dict[str, Tensor]]:
        """How much each logit falls when a stretch of one channel's tokens is replaced by noise.

        For one sample (``{channel: 1 x 600}``) in evaluation mode. Around each token, ``reach``
        neighbours to both sides are set to the mean of the injected noise (eq. 7 with the gate
        closed; the gates elsewhere stay as they are) and the prediction is made again. Returns the
        output for the whole sample and ``{channel: L x K}``, positive where a region speaks for a
        group.
        """
        core = self._core(spectra)
        parts = {name: self._part(name, kept) for name, kept in core.kept.items()}
        output = MSpecTmolOutput(self._logits(parts, core.primary), core.gates, core.primary)
        effects = {}
        for name, kept in core.kept.items():
            length = kept.shape[1]
            places = torch.arange(length, device=kept.device)
            hidden = (places[None] - places[:, None]).abs() <= reach
            mean = getattr(self, f"noise_mean_{module_name(name)}")
            masked = torch.where(hidden.unsqueeze(-1), mean, kept.expand(length, -1, -1))
            changed = {n: part.expand(length, -1) for n, part in parts.items()}
            changed[name] = self._part(name, masked)
            effects[name] = output.logits - self._logits(changed, core.primary)
        return output, effects

    def _core(self, spectra: Mapping[str, Tensor]) -> _Core:
        """Core spectrum extraction (section 2.2.2): gates, and tokens with noise injected."""
        present = [name for name in self.config.channels if name in spectra]
        primary = self.config.primary_of(present)
        tokens = {
            name: self.prior.latent(self.encoders[module_name(name)](spectra[name]))
            for name in present
        }
        core = _Core(primary, {}, {}, {})
        for name in sorted(present, key=lambda name: name != primary):
            asked = tokens[name]
            if name == primary or not self.config.asymmetric:
                logits = self.primary_gates[module_name(name)](asked)
            else:
                asked = torch.cat([tokens[primary], asked, core.kept[primary]], dim=-1)
                logits = self.auxiliary_gates[module_name(name)](asked)
            self._keep(core, name, tokens[name], logits)
        return core

    def _keep(self, core: _Core, name: str, tokens: Tensor, logits: Tensor) -> None:
        """Eq. 7, and eqs 25 and 28, of one channel, into ``core``."""
        running_mean = getattr(self, f"noise_mean_{module_name(name)}")
        core.gates[name] = torch.sigmoid(logits)
        if not self.training:
            gate = core.gates[name].unsqueeze(-1)
            core.kept[name] = gate * tokens + (1 - gate) * running_mean
            return
        with torch.no_grad():
            flat = tokens.detach().float().flatten(0, 1)
            mean, deviation = flat.mean(0), flat.std(0)
            running_mean.lerp_(mean, 0.02)
        gate = relaxed_bernoulli(logits.float(), self.config.temperature)
        noise = self.prior.noise(tokens, mean, deviation)
        core.kept[name] = gate.unsqueeze(-1) * tokens + (1 - gate.unsqueeze(-1)) * noise
        core.rates[name] = self.prior.rate(gate, tokens.float(), mean, deviation).mean()

    def _part(self, name: str, kept: Tensor) -> Tensor:
        """One channel's share of the fused representation, ``B x L x C -> B x D``."""
        narrow = self.reduce[module_name(name)](kept)
        return self.project[module_name(name)](self.input_dropout(narrow.flatten(1)))

    def _lead(self, primary: str) -> Tensor:
        return self.leading[module_name(primary)]

    def _logits(self, parts: Mapping[str, Tensor], primary: str) -> Tensor:
        total = sum(parts.values())
        if self.config.asymmetric:
            total = total + self._lead(primary)
        for name in self.config.channels:
            if name not in parts:
                total = total + self.absent[module_name(name)]
        return self.supplemented(total)


def _predictor(fused: int, labels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(fused), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(fused, fused), nn.LayerNorm(fused), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(fused, labels),
    )  # fmt: skip


def _standardised(values: Tensor) -> Tensor:
    """Each feature of ``B x D`` with mean 0 and variance 1 over the batch."""
    values = values.float()
    centred = values - values.mean(0)
    return centred / centred.square().mean(0).clamp_min(1e-8).sqrt()


def foresight_error(foreseen: Tensor, auxiliary: Tensor) -> Tensor:
    """The mean squared error of a foreseen ``t_a``, ``B x D`` both; it moves ``foreseen`` alone."""
    return (foreseen.float() - _standardised(auxiliary.detach())).square().mean()


def redundancy(foreseen: Tensor, auxiliary: Tensor) -> Tensor:
    """L_MI1: KL[p(t_a | t_m) || N(0, I)] by eq. 22, mean over the batch and the features.

    ``foreseen`` and ``auxiliary`` ``B x D``. Standardised over the batch, a feature of ``t_a`` has
    given ``t_m`` the mean r z and the variance 1 - r^2, where z is what was foreseen and r how far
    the two correlate. It moves ``auxiliary`` alone, away from what could be foreseen.
    """
    expected, found = _standardised(foreseen.detach()), _standardised(auxiliary)
    correlation = (expected * found).mean(0).clamp(-0.999, 0.999)
    mean, variance = correlation * expected, 1 - correlation.square()
    return (0.5 * (-variance.log() - 1 + mean.square() + variance)).mean()
