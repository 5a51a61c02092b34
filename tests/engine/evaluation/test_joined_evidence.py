"""Sources beside a network in the benchmarks: weighed in where they speak, and calibrated."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.evaluation.joined_evidence import JoinedModel
from engine.library.group_evidence import AddedSource, SourceTrust
from engine.training.group_tensors import GroupTensors
from engine.training.source_trust import SourceLogits


class Flat(torch.nn.Module):
    """Logits of one, whatever it sees."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, spectra):
        return self.weight.expand(len(next(iter(spectra.values()))), 37)


@pytest.fixture
def joined():
    size = 6
    here = {"13C NMR", "MS/MS+"}
    tensors = GroupTensors(
        np.arange(size).astype(str),
        np.zeros((size, 37), np.uint8),
        {n: np.zeros((size if n in here else 0, 600), np.float16) for n in CHANNEL_NAMES},
        {n: np.arange(size) * (n in here) for n in CHANNEL_NAMES},
        {n: np.full(size, int(n in here)) for n in CHANNEL_NAMES},
    )
    source = AddedSource("other", "fragments", "MS/MS+", SourceTrust((2.0, 0.5)))
    said = np.arange(size)[:, None] * np.ones(37)
    model = SimpleNamespace(
        network=Flat(),
        sources=(source,),
        calibration_of=lambda names, is_joined: ("sum" if is_joined else "alone", tuple(names)),
    )
    return JoinedModel(model, tensors, (SourceLogits(source, said, np.ones(size, bool)),))


def test_a_source_counts_by_its_trust_where_its_channel_is(joined):
    members = np.array([1, 4])
    assert joined.logits(("13C NMR",), members)[:, 0].tolist() == [1.0, 1.0]
    assert joined.logits(("MS/MS+",), members)[:, 0].tolist() == [1.0, 3.0]
    assert joined.logits(("13C NMR", "MS/MS+"), members)[:, 0].tolist() == [1.0, 2.0]


def test_joined_logits_have_their_own_calibration(joined):
    assert joined.calibration(("13C NMR",))[0] == "alone"
    assert joined.calibration(("13C NMR", "MS/MS+"))[0] == "sum"


def test_other_renderings_keep_the_sources(joined):
    again = joined.with_tensors(joined.tensors)
    logits, truth = again.subset(("MS/MS+",))
    assert logits[5, 0] == pytest.approx(11 / 3)
    assert truth.shape == (6, 37)


def test_models_without_sources_need_no_table(joined, tmp_path):
    model = SimpleNamespace(network=Flat(), sources=())
    assert JoinedModel.of(model, joined.tensors, tmp_path, "test").sources == ()
