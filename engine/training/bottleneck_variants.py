"""The networks of both papers as they are compared: MSpecTmol, and each with one part changed.

Names follow the paper's own tables: label orders, decoders and priors of SymSpectra (Tables 4, 9
and 6), primary techniques, priors, ablations and the uniform bottleneck of MSpecTmol (Table 1,
appendix L, Fig. 11, Table 4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.mspectmol import MSpecTmol, MSpecTmolConfig
from engine.networks.symspectra import SymSpectra, SymSpectraConfig
from engine.training.group_batches import GroupBatch
from engine.training.imbalance import label_loss
from engine.training.label_orders import named_order
from engine.training.mspectmol_objective import MSpecTmolWeights, mspectmol_loss

if TYPE_CHECKING:
    from engine.training.train_groups import TrainingPlan

Build = Callable[["TrainingPlan"], nn.Module]
Loss = Callable[[nn.Module, GroupBatch, "TrainingPlan", float], Tensor]


def _symspectra(plan: TrainingPlan, order: str = "iupac", **changes) -> nn.Module:
    return SymSpectra(
        SymSpectraConfig(
            CHANNEL_NAMES, GROUP_NAMES, named_order(order), dropout=plan.dropout, **changes
        )
    )


def _mspectmol(plan: TrainingPlan, **changes) -> nn.Module:
    return MSpecTmol(MSpecTmolConfig(CHANNEL_NAMES, GROUP_NAMES, dropout=plan.dropout, **changes))


def _mspectmol_loss(
    network: nn.Module, batch: GroupBatch, plan: TrainingPlan, teaching: float, **left_out: float
) -> Tensor:
    """Eq. 14 with the plan's beta as alpha and as beta, which the paper has alike."""
    weights = replace(MSpecTmolWeights(alpha=plan.beta, beta=plan.beta), **left_out)
    return mspectmol_loss(network(batch.spectra), batch.labels, weights, label_loss(plan))


SYMSPECTRA_VARIANTS: dict[str, Build] = {
    "symspectra-order-mi": partial(_symspectra, order="mutual-information"),
    "symspectra-order-gnn": partial(_symspectra, order="graph"),
    "symspectra-gru": partial(_symspectra, decoder="gru"),
    "symspectra-transformer": partial(_symspectra, decoder="transformer"),
    "symspectra-laplace": partial(_symspectra, prior="laplace"),
    "symspectra-gamma": partial(_symspectra, prior="gamma"),
}
"""SymSpectra with one part changed; its objective stays."""

MSPECTMOL_VARIANTS: dict[str, tuple[Build, Loss]] = {
    "mspectmol": (_mspectmol, _mspectmol_loss),
    "mspectmol-primary-13c": (partial(_mspectmol, primary="13C NMR"), _mspectmol_loss),
    "mspectmol-primary-1h": (partial(_mspectmol, primary="1H NMR"), _mspectmol_loss),
    "mspectmol-primary-ms": (partial(_mspectmol, primary="MS/MS+"), _mspectmol_loss),
    "mspectmol-laplace": (partial(_mspectmol, prior="laplace"), _mspectmol_loss),
    "mspectmol-gamma": (partial(_mspectmol, prior="gamma"), _mspectmol_loss),
    "mspectmol-no-pred": (_mspectmol, partial(_mspectmol_loss, primary=0.0)),
    "mspectmol-no-mi1": (_mspectmol, partial(_mspectmol_loss, redundancy=0.0)),
    "mspectmol-no-mi2": (_mspectmol, partial(_mspectmol_loss, alpha=0.0)),
    "mspectmol-no-mi3": (_mspectmol, partial(_mspectmol_loss, beta=0.0)),
    "mspectmol-no-mi1-mi3": (_mspectmol, partial(_mspectmol_loss, redundancy=0.0, beta=0.0)),
    "mspectmol-uniform": (partial(_mspectmol, asymmetric=False), _mspectmol_loss),
}
"""MSpecTmol, and it with one part changed or one term of its objective left out."""
