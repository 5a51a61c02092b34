"""A trained group predictor as it ships: network, calibration, thresholds and provenance."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.library.group_evidence import AddedSource, sources_of
from engine.library.typical_evidence import load_typical_evidence

if TYPE_CHECKING:
    import torch

DEFAULT_MODEL = "groups-symspectra"
BASELINE_MODEL = "groups-cnn-1d"


@dataclass(frozen=True)
class ModelCard:
    """Which weights spoke, and on which licence they are."""

    name: str
    version: str
    licence: str

    def to_dict(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version, "licence": self.licence}


class NoModelError(RuntimeError):
    """No trained weights are installed for a verb."""


@dataclass(frozen=True, eq=False)
class LabelCalibration:
    """Platt scaling and decision thresholds: ``slope``, ``offset`` and ``threshold`` ``(37,)``."""

    slope: np.ndarray
    offset: np.ndarray
    threshold: np.ndarray

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of logits ``(..., 37)``."""
        from scipy.special import expit

        return expit(self.slope * logits + self.offset)

    def to_dict(self) -> dict[str, list[float]]:
        return {
            name: [round(float(v), 5) for v in getattr(self, name)]
            for name in ("slope", "offset", "threshold")
        }

    @classmethod
    def from_dict(cls, values: dict[str, list[float]]) -> LabelCalibration:
        return cls(*(np.array(values[name]) for name in ("slope", "offset", "threshold")))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted on the validation split, for each usual set of channels and for all others together.

    A network is not equally sure of itself with one technique and with three: ``by_channels`` maps
    a set of channel names to its own calibration, ``containing`` a channel to that of all further
    sets which hold it; ``other`` serves every other set.
    """

    other: LabelCalibration
    by_channels: dict[frozenset[str], LabelCalibration]
    containing: dict[str, LabelCalibration] = field(default_factory=dict)

    def for_channels(self, names: Iterable[str]) -> LabelCalibration:
        """The calibration of a set of channels."""
        names = frozenset(names)
        if names in self.by_channels:
            return self.by_channels[names]
        return next((c for name, c in self.containing.items() if name in names), self.other)

    def to_dict(self) -> dict[str, Any]:
        return {
            "other": self.other.to_dict(),
            "by_channels": [
                {"channels": sorted(names), **calibration.to_dict()}
                for names, calibration in self.by_channels.items()
            ],
            "containing": [
                {"channel": name, **calibration.to_dict()}
                for name, calibration in self.containing.items()
            ],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        return cls(
            LabelCalibration.from_dict(values["other"]),
            {
                frozenset(entry["channels"]): LabelCalibration.from_dict(entry)
                for entry in values["by_channels"]
            },
            {
                str(entry["channel"]): LabelCalibration.from_dict(entry)
                for entry in values.get("containing", ())
            },
        )


@dataclass(frozen=True, eq=False)
class GroupModel:
    """``network`` in evaluation mode; ``labels`` name its outputs, ``channels`` its inputs.

    ``train_positives`` ``(37,)``: how many measured molecules of its training held each group.
    ``sources`` are further networks whose logits are added to its own; such sums have the
    ``joined_calibration``, the network alone has ``calibration``.
    ``typical`` ``{channel: (600, 37)}``: where it finds each group as a rule, 0 to 1; may be empty.
    """

    network: torch.nn.Module
    labels: tuple[str, ...]
    channels: tuple[str, ...]
    calibration: Calibration
    card: ModelCard
    train_positives: np.ndarray
    sources: tuple[AddedSource, ...] = ()
    typical: dict[str, np.ndarray] = field(default_factory=dict)
    joined_calibration: Calibration | None = None

    def calibration_of(self, names: Iterable[str], is_joined: bool) -> LabelCalibration:
        """The calibration of a set of channels: of a sum with sources, or the network's alone."""
        chosen = self.joined_calibration if is_joined else None
        return (chosen or self.calibration).for_channels(names)

    @property
    def reads_electron_ionisation(self) -> bool:
        return any(source.channel == "EI" for source in self.sources)


def save_group_model(
    path: Path, network: torch.nn.Module, calibration: Calibration, description: dict[str, Any]
) -> None:
    """Write ``path.safetensors`` and ``path.json``; ``description`` has kind, name,
    version, licence and train_positives.

    Weights are stored in half precision, which halves the file.
    """
    from safetensors.torch import save_file

    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    part = path.with_suffix(".part")
    save_file(tensors, str(part))
    part.chmod(0o644)
    content = {
        **description,
        "config": network.config.to_dict(),
        "calibration": calibration.to_dict(),
    }
    text = path.with_suffix(".text")
    text.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path.with_suffix(".safetensors"))
    text.replace(path.with_suffix(".json"))


def load_group_model(path: Path) -> GroupModel:
    """Read what :func:`save_group_model` wrote; raises :class:`NoModelError` if it is not whole."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from engine.networks.cnn_1d import Cnn1d, Cnn1dConfig
    from engine.networks.convolution_blocks import FusionConfig
    from engine.networks.early_fusion import EarlyFusionCnn
    from engine.networks.fragment_set_network import FragmentSetConfig, FragmentSetNetwork
    from engine.networks.late_fusion import LateFusionCnn
    from engine.networks.mid_fusion import MidFusionCnn
    from engine.networks.mspectmol import MSpecTmol, MSpecTmolConfig
    from engine.networks.patch_transformer import PatchTransformer, PatchTransformerConfig
    from engine.networks.symspectra import SymSpectra, SymSpectraConfig

    kinds = {
        "symspectra": (SymSpectra, SymSpectraConfig),
        "cnn-1d": (Cnn1d, Cnn1dConfig),
        "mspectmol": (MSpecTmol, MSpecTmolConfig),
        "transformer": (PatchTransformer, PatchTransformerConfig),
        "early-fusion": (EarlyFusionCnn, FusionConfig),
        "mid-fusion": (MidFusionCnn, FusionConfig),
        "late-fusion": (LateFusionCnn, FusionConfig),
        "fragment-set": (FragmentSetNetwork, FragmentSetConfig),
    }
    try:
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        # A variant ("symspectra-gru") is told from its family by its config alone.
        named = str(content["kind"])
        kind = next((k for k in kinds if named.startswith(f"{k}-")), named)
        network_type, config_type = kinds[kind]
        config = config_type.from_dict(content["config"])
        network = network_type(config)
        network.load_state_dict(load_file(str(path.with_suffix(".safetensors"))))
        card = ModelCard(content["name"], content["version"], content["licence"])
        calibration = Calibration.from_dict(content["calibration"])
        positives = np.array(content["train_positives"])
        sources = sources_of(content.get("sources", ()))
        joined = content.get("joined_calibration")
        joined = Calibration.from_dict(joined) if joined else None
        typical = load_typical_evidence(path, config.labels)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise NoModelError(f"the model {path.name} cannot be loaded: {error}") from error
    network.eval()
    return GroupModel(
        network, config.labels, config.channels, calibration, card, positives, sources,
        typical, joined,
    )  # fmt: skip


@cache
def default_group_model(name: str = DEFAULT_MODEL) -> GroupModel:
    """A model that ships; raises :class:`NoModelError` when it is not installed."""
    from engine.installation import model

    try:
        weights = model(f"{name}.safetensors")
    except FileNotFoundError as error:
        raise NoModelError(f"no trained model for functional groups: {error}") from error
    return load_group_model(weights.with_suffix(""))
