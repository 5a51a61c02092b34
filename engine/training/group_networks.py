"""The networks that one trainer serves: how each is built from a plan, and how its loss is taken.

A kind is added here as one entry of :data:`GROUP_NETWORKS`; training, calibration, evaluation and
the comparison of networks find it by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.label_order import iupac_order
from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.cnn_1d import Cnn1d, Cnn1dConfig
from engine.networks.convolution_blocks import FusionConfig
from engine.networks.early_fusion import EarlyFusionCnn
from engine.networks.late_fusion import LateFusionCnn
from engine.networks.mid_fusion import MidFusionCnn
from engine.networks.patch_transformer import PatchTransformer, PatchTransformerConfig
from engine.networks.symspectra import SymSpectra, SymSpectraConfig
from engine.training.bottleneck_variants import MSPECTMOL_VARIANTS, SYMSPECTRA_VARIANTS
from engine.training.group_batches import GroupBatch
from engine.training.group_objective import ObjectiveWeights, symspectra_loss
from engine.training.imbalance import label_loss

if TYPE_CHECKING:
    from engine.training.train_groups import TrainingPlan

Build = Callable[["TrainingPlan"], nn.Module]
Loss = Callable[[nn.Module, GroupBatch, "TrainingPlan", float], Tensor]


@dataclass(frozen=True)
class GroupNetworkKind:
    """A network for groups as it is trained.

    ``build(plan)`` makes a fresh network, whose forward takes any subset of ``{channel: B x 600}``
    and returns logits ``B x K``, or an output with ``.logits``. ``loss(network, batch, plan,
    teaching)`` is the scalar loss of one batch; ``teaching`` is the share of labels that a decoder
    is told while it trains.
    """

    name: str
    build: Build
    loss: Loss


def logits_of(output: Tensor | object) -> Tensor:
    """The logits ``B x K`` of what a network returns."""
    return output if isinstance(output, Tensor) else output.logits


def direct_loss(
    network: nn.Module, batch: GroupBatch, plan: TrainingPlan, teaching: float
) -> Tensor:
    """The plan's objective (cross entropy, or a remedy of imbalance) on the logits alone."""
    return label_loss(plan)(logits_of(network(batch.spectra)).float(), batch.labels).mean()


def _symspectra(plan: TrainingPlan) -> nn.Module:
    return SymSpectra(
        SymSpectraConfig(CHANNEL_NAMES, GROUP_NAMES, iupac_order(), dropout=plan.dropout)
    )


def symspectra_kind_loss(
    network: nn.Module, batch: GroupBatch, plan: TrainingPlan, teaching: float
) -> Tensor:
    """SymSpectra's own objective (eqs 8 to 12) with the plan's beta."""
    output = network(batch.spectra, batch.labels, teaching)
    return symspectra_loss(output, batch.labels, ObjectiveWeights(plan.beta), label_loss(plan))


def _cnn_1d(plan: TrainingPlan) -> nn.Module:
    return Cnn1d(Cnn1dConfig(CHANNEL_NAMES, GROUP_NAMES))


def _transformer(plan: TrainingPlan) -> nn.Module:
    return PatchTransformer(PatchTransformerConfig(CHANNEL_NAMES, GROUP_NAMES))


def _fusion(network: Callable[[FusionConfig], nn.Module]) -> Build:
    return lambda plan: network(FusionConfig(CHANNEL_NAMES, GROUP_NAMES, dropout=plan.dropout))


GROUP_NETWORKS: dict[str, GroupNetworkKind] = {
    kind.name: kind
    for kind in (
        GroupNetworkKind("symspectra", _symspectra, symspectra_kind_loss),
        GroupNetworkKind("cnn-1d", _cnn_1d, direct_loss),
        *(
            GroupNetworkKind(name, build, symspectra_kind_loss)
            for name, build in SYMSPECTRA_VARIANTS.items()
        ),
        *(GroupNetworkKind(name, *parts) for name, parts in MSPECTMOL_VARIANTS.items()),
        GroupNetworkKind("transformer", _transformer, direct_loss),
        GroupNetworkKind("early-fusion", _fusion(EarlyFusionCnn), direct_loss),
        GroupNetworkKind("mid-fusion", _fusion(MidFusionCnn), direct_loss),
        GroupNetworkKind("late-fusion", _fusion(LateFusionCnn), direct_loss),
    )
}


def network_kind(name: str) -> GroupNetworkKind:
    """The kind of this name; raises ``ValueError`` with the known names for another."""
    try:
        return GROUP_NETWORKS[name]
    except KeyError:
        raise ValueError(f"network {name!r} is none of {', '.join(GROUP_NETWORKS)}") from None
