"""Learning where a network finds a group: on a network that looks at known places."""

from __future__ import annotations

import numpy as np
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_model import Calibration, GroupModel, LabelCalibration, ModelCard
from engine.training.group_tensors import GroupTensors
from engine.training.typical_evidence_fit import fit_typical_evidence, molecules_of_each_group

LABELS = ("Ketone", "Ester", "Thial")
PLACES = {"Ketone": 540, "Ester": 450}


class TwoPlaces(torch.nn.Module):
    """A ketone by point 540 of 13C, an ester by point 450; a thial never."""

    def forward(self, spectra):
        values = spectra["13C NMR"]
        columns = [10 * values[:, PLACES[name]] - 3 for name in ("Ketone", "Ester")]
        return torch.stack([*columns, torch.full((len(values),), -5.0)], dim=1)


def _model() -> GroupModel:
    plain = LabelCalibration(np.ones(3), np.zeros(3), np.full(3, 0.5))
    return GroupModel(
        TwoPlaces(), LABELS, ("13C NMR",), Calibration(plain, {}), ModelCard("two", "1", "MIT"),
        np.ones(3),
    )  # fmt: skip


def _tensors(size: int = 30) -> GroupTensors:
    rng = np.random.default_rng(0)
    labels = np.zeros((size, 3), np.uint8)
    labels[: size // 2, 0] = labels[size // 2 :, 1] = labels[0, 2] = 1
    carbon = np.zeros((size, 600), np.float16)
    for row in range(size):
        carbon[row, rng.choice(400, 6, replace=False)] = 0.7
        carbon[row, 540 if labels[row, 0] else 450] = 0.8
    nothing = np.zeros((0, 600), np.float16)
    none = np.zeros(size, np.int64)
    has = {n: n == "13C NMR" for n in CHANNEL_NAMES}
    return GroupTensors(
        np.arange(size).astype(str),
        labels,
        {n: carbon if has[n] else nothing for n in CHANNEL_NAMES},
        {n: np.arange(size) if has[n] else none for n in CHANNEL_NAMES},
        {n: np.ones(size, np.int64) if has[n] else none for n in CHANNEL_NAMES},
    )


def test_each_group_is_typical_where_the_network_looks_for_it():
    typical = fit_typical_evidence(_model(), _tensors())
    assert list(typical) == ["13C NMR"]
    weights = typical["13C NMR"]
    assert weights.shape == (600, 3) and weights.min() > 0 and weights.max() <= 1
    for column, name in enumerate(PLACES):
        assert weights[:, column].argmax() == PLACES[name]
        assert weights[:400, column].max() < 0.3


def test_a_group_that_is_never_named_is_typical_anywhere():
    assert (fit_typical_evidence(_model(), _tensors())["13C NMR"][:, 2] == 1).all()


def test_every_group_is_asked_about_and_none_too_often():
    tensors = _tensors()
    chosen = molecules_of_each_group(tensors, "13C NMR", 4, np.random.default_rng(1))
    counts = tensors.labels[chosen].sum(0)
    assert 4 <= counts[0] <= 5 and counts[1] == 4 and counts[2] == 1
