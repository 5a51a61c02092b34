"""How ordinary an encoded spectrum is: whether the networks were trained on anything like it.

Two measures for each channel, of the same features of a spectrum's 600 points:

- ``distance``: the negative log-likelihood, per feature, under a Gaussian with few free directions
  (probabilistic principal components: Tipping and Bishop, J. R. Stat. Soc. B 1999, 61, 611),
  fitted to ordinary spectra alone. It knows nothing of how a spectrum can be strange.
- ``strangeness``: the log odds against "ordinary" of a small perceptron that was also shown
  strange inputs made from ordinary ones (outlier exposure: Hendrycks, Mazeika, Dietterich, ICLR
  2019). It also says what the spectrum looks like instead.

Nothing here depends on the network that names the groups, and nothing needs torch.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

FILE = "familiarity.npz"
MOST_CHANNELS = 5
ORDINARY = "ordinary"
_STEP, _BLUR = 3, 2.0
_LEVELS = (0.02, 0.1, 0.3)
_UNREADABLE = (OSError, KeyError, TypeError, ValueError, EOFError, BadZipFile, zlib.error)


@cache
def _blur() -> np.ndarray:
    """Gaussian means of neighbouring points, sampled at every third: ``(600, 200)``."""
    places = np.arange(600)
    centres = np.arange(1, 600, _STEP)
    weights = np.exp(-0.5 * ((places[:, None] - centres) / _BLUR) ** 2)
    return (weights / weights.sum(0)).astype(np.float32)


def features(values: np.ndarray) -> np.ndarray:
    """What is looked at of encoded spectra ``(n, 600)``: ``(n, 223)``.

    The blurred curve by its signed square root, so that weak signals count, and 23 numbers of its
    form: how many maxima, how much of the axis is filled, where, how rough and how negative it is.
    """
    values = np.asarray(values, dtype=np.float32)
    curve = values @ _blur()
    return np.concatenate([np.sign(curve) * np.sqrt(np.abs(curve)), _form(values)], axis=1)


def _form(values: np.ndarray) -> np.ndarray:
    top = np.maximum(values.max(1, keepdims=True), 1e-6)
    scaled = values / top
    inner = scaled[:, 1:-1]
    peaks = (inner > scaled[:, :-2]) & (inner >= scaled[:, 2:])
    places = np.linspace(0, 1, values.shape[1], dtype=np.float32)
    weight = np.clip(scaled, 0, None)
    total = np.maximum(weight.sum(1), 1e-6)
    share = weight / total[:, None]
    centre = share @ places
    spread = np.sqrt(np.maximum(share @ places**2 - centre**2, 0))
    filled = scaled > _LEVELS[0]
    size = np.maximum(np.abs(scaled).mean(1), 1e-6)
    ordered = np.sort(scaled, axis=1)[:, [60, 150, 300, 450, 540]]
    numbers = [
        *(np.log1p((peaks & (inner > height)).sum(1)) for height in _LEVELS),
        *((scaled > height).mean(1) for height in _LEVELS),
        np.log(total),
        np.log1p(1 / np.maximum((share**2).sum(1), 1e-6)),
        -(share * np.log(share + 1e-9)).sum(1),
        top[:, 0], np.sqrt(np.maximum(-scaled.min(1), 0)), np.sqrt(np.abs(values).mean(1)),
        np.abs(np.diff(scaled, axis=1)).mean(1) / size,
        np.abs(np.diff(scaled, n=2, axis=1)).mean(1) / size,
        centre, spread,
        filled.argmax(1) / filled.shape[1], filled[:, ::-1].argmax(1) / filled.shape[1],
        *ordered.T,
    ]  # fmt: skip
    return np.stack(numbers, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class ChannelFamiliarity:
    """The two measures of one channel and where their alarms begin.

    ``centre`` and ``scale`` ``(F,)`` standardise the features; ``directions`` ``(F, k)`` are
    orthonormal, with ``variances`` ``(k,)`` along them and ``rest`` across; ``layers`` are the
    perceptron's weights and biases, ``kinds`` what its outputs stand for, the first ordinary.
    ``limits`` ``(2, 5)``: distance and strangeness above which a spectrum is doubted, when 1 to 5
    channels of a sample are looked at.
    """

    centre: np.ndarray
    scale: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    rest: float
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    kinds: tuple[str, ...]
    limits: np.ndarray

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Features ``(n, F)`` in units of their ordinary spread, held within 8."""
        return np.clip((features(values) - self.centre) / self.scale, -8, 8)

    def measures(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance and strangeness ``(2, n)``, and the most likely strange kind, index ``(n,)``."""
        return self.measures_of(self.standardised(values))

    def measures_of(self, standardised: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = standardised @ self.directions
        across = (standardised**2).sum(1) - (along**2).sum(1)
        distance = (along**2 / self.variances).sum(1) + across / self.rest
        hidden = standardised
        for number, (weight, bias) in enumerate(self.layers):
            hidden = hidden @ weight + bias
            if number < len(self.layers) - 1:
                hidden = np.maximum(hidden, 0)
        hidden = hidden - hidden.max(1, keepdims=True)
        odds = np.log(np.exp(hidden[:, 1:]).sum(1) + 1e-30) - hidden[:, 0]
        return np.stack([distance / len(self.directions), odds]), hidden[:, 1:].argmax(1) + 1


@dataclass(frozen=True)
class Strange:
    """Why one channel of a sample is doubted.

    ``kind`` is what it looks like, None where it is only far from all that is ordinary;
    ``excess`` how far the measure is beyond its limit.
    """

    channel: str
    kind: str | None
    excess: float


@dataclass(frozen=True, eq=False)
class Familiarity:
    """The measures of every channel; ``false_alarms`` is the share of ordinary samples doubted."""

    channels: Mapping[str, ChannelFamiliarity]
    false_alarms: float

    def doubted(self, spectra: Mapping[str, np.ndarray]) -> tuple[Strange, ...]:
        """The doubtful ones of a sample's encoded spectra ``{channel: (600,)}``."""
        known = {name: spectra[name] for name in self.channels if name in spectra}
        found = []
        for name, values in known.items():
            strange = self.verdicts(name, values[None], len(known))[0]
            if strange is not None:
                found.append(strange)
        return tuple(found)

    def verdicts(self, name: str, values: np.ndarray, together: int) -> list[Strange | None]:
        """For spectra ``(n, 600)`` of one channel, looked at beside ``together - 1`` others."""
        own = self.channels[name]
        measures, kinds = own.measures(values)
        limits = own.limits[:, min(together, MOST_CHANNELS) - 1]
        verdicts: list[Strange | None] = []
        for (distance, odds), kind in zip(measures.T, kinds, strict=True):
            if odds > limits[1]:
                verdicts.append(Strange(name, own.kinds[kind], float(odds - limits[1])))
            elif distance > limits[0]:
                verdicts.append(Strange(name, None, float(distance - limits[0])))
            else:
                verdicts.append(None)
        return verdicts

    def scores(self, name: str, values: np.ndarray) -> np.ndarray:
        """One number for each spectrum, the larger the stranger; 0 is the limit for one channel."""
        own = self.channels[name]
        measures, _ = own.measures(values)
        return (measures - own.limits[:, :1]).max(0)

    def save(self, path: Path) -> None:
        """Write the measures as arrays alone, atomically."""
        arrays: dict[str, np.ndarray] = {}
        about: dict[str, object] = {"false_alarms": self.false_alarms, "channels": {}}
        for number, (name, own) in enumerate(self.channels.items()):
            about["channels"][name] = {
                "number": number, "kinds": own.kinds, "rest": own.rest, "layers": len(own.layers)
            }  # fmt: skip
            stored = {
                "centre": own.centre, "scale": own.scale, "directions": own.directions,
                "variances": own.variances, "limits": own.limits,
            }  # fmt: skip
            for layer, (weight, bias) in enumerate(own.layers):
                stored |= {f"weight{layer}": weight, f"bias{layer}": bias}
            arrays |= {f"{number}.{key}": value.astype(_kept(key)) for key, value in stored.items()}
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **arrays)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Familiarity:
        """Read what :meth:`save` wrote; raises ``ValueError`` for anything else."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                about = json.loads(bytes(arrays["about"]))
                return cls(
                    {
                        name: _channel(arrays, entry)
                        for name, entry in about["channels"].items()
                    },
                    float(about["false_alarms"]),
                )  # fmt: skip
        except _UNREADABLE as error:
            raise ValueError(f"{path.name} cannot be read: {error}") from error


def _kept(key: str) -> type:
    return np.float32 if key in ("limits", "centre", "scale", "variances") else np.float16


def _channel(arrays: Mapping[str, np.ndarray], entry: Mapping) -> ChannelFamiliarity:
    def stored(key: str) -> np.ndarray:
        return arrays[f"{entry['number']}.{key}"].astype(np.float32)

    layers = [(stored(f"weight{n}"), stored(f"bias{n}")) for n in range(entry["layers"])]
    return ChannelFamiliarity(
        stored("centre"), stored("scale"), stored("directions"), stored("variances"),
        float(entry["rest"]), tuple(layers), tuple(entry["kinds"]), stored("limits"),
    )  # fmt: skip


@cache
def default_familiarity() -> Familiarity | None:
    """The measures that ship; None when they are not installed or cannot be read."""
    from engine.installation import model

    try:
        return Familiarity.load(model(FILE))
    except (FileNotFoundError, ValueError):
        return None
