"""Trusts in further sources: what tells something counts, what tells nothing does not."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_evidence import AddedSource
from engine.library.group_model import load_group_model, save_group_model
from engine.training import source_trust
from engine.training.group_tensors import GroupTensors
from engine.training.source_trust import (
    SourceLogits,
    fit_joined_calibration,
    fit_sources,
    rewrite,
)

SIZE = 240


class Weak(torch.nn.Module):
    """A network whose logits are a weak hint, drawn from the first point of a spectrum."""

    def __init__(self):
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self, spectra):
        return sum(values[:, :37] for values in spectra.values()) * 2 + self.nothing


@pytest.fixture(scope="module")
def valid():
    """Molecules with 13C and MS/MS+, every one both; the spectra hint at the labels."""
    rng = np.random.default_rng(0)
    labels = rng.random((SIZE, 37)) < 0.3
    values = {}
    for name in CHANNEL_NAMES:
        spectra = np.zeros((SIZE, 600), np.float16)
        spectra[:, :37] = (labels - 0.5) + rng.normal(0, 1.0, labels.shape)
        values[name] = spectra
    has = {name: name in ("13C NMR", "MS/MS+") for name in CHANNEL_NAMES}
    return GroupTensors(
        np.arange(SIZE).astype(str),
        labels.astype(np.uint8),
        values,
        {name: np.arange(SIZE) for name in CHANNEL_NAMES},
        {name: np.full(SIZE, int(has[name])) for name in CHANNEL_NAMES},
    )


def source(valid, strength, channel="MS/MS+"):
    rng = np.random.default_rng(1)
    truth = valid.labels > 0
    values = strength * (truth - 0.5) + rng.normal(0, 1.0, truth.shape)
    return SourceLogits(AddedSource("m", "fragments", channel), values, np.ones(SIZE, bool))


def test_what_tells_something_is_trusted_and_noise_is_not(valid):
    (good,) = fit_sources(Weak(), valid, [source(valid, 3.0)])
    (noise,) = fit_sources(Weak(), valid, [source(valid, 0.0)])
    alone = frozenset({"MS/MS+"})
    assert good.trust.by_channels[alone] > 0.5
    assert noise.trust.by_channels[alone] < 0.1
    # Beside 13C it counts by another number, which goes on falling for larger sets.
    assert good.trust.for_channels({"MS/MS+", "13C NMR"}) == good.trust.by_count[1]
    assert good.trust.by_count[1] >= good.trust.by_count[2] >= good.trust.by_count[-1] > 0.5


@pytest.mark.parametrize(
    ("trusts", "following"),
    [([], 0.0), ([2.0], 2.0), ([4.0, 1.0], 0.25), ([1.0, 3.0], 3.0), ([0.0, 0.0], 0.0)],
)
def test_a_trust_goes_on_as_it_fell(trusts, following):
    assert source_trust._continued(trusts) == following


def test_sources_of_a_list_are_fitted_together(valid):
    """Two copies of one source share what one alone would get."""
    one = source(valid, 3.0)
    single = fit_sources(Weak(), valid, [one])[0].trust.by_count[1]
    both = [s.trust.by_count[1] for s in fit_sources(Weak(), valid, [one, one])]
    assert sum(both) == pytest.approx(single, rel=0.05)
    other = fit_sources(Weak(), valid, [one, source(valid, 3.0, "13C NMR")])
    assert set(other[1].trust.by_channels) == {frozenset({"13C NMR"})}


def test_the_calibration_is_of_the_joined_logits(valid):
    sources = [source(valid, 3.0)]
    fitted = fit_sources(Weak(), valid, sources)
    calibration = fit_joined_calibration(Weak(), valid, fitted, sources)
    assert {frozenset({"MS/MS+"}), frozenset({"13C NMR", "MS/MS+"})} <= set(calibration.by_channels)
    members = np.arange(SIZE)
    logits = 2 * valid.values["MS/MS+"][members, :37].astype(float)
    trust = fitted[0].trust.for_channels({"MS/MS+"})
    joined = (logits + trust * sources[0].values) / (1 + trust)
    probabilities = calibration.for_channels({"MS/MS+"}).probabilities(joined)
    assert abs(probabilities.mean() - valid.labels.mean()) < 0.02
    loss = -np.log(np.where(valid.labels > 0, probabilities, 1 - probabilities)).mean()
    assert loss < 0.35  # without the source it is 0.55


def test_a_models_json_is_changed_and_the_rest_kept(
    tmp_path, small_network, plain_calibration, description
):
    save_group_model(tmp_path / "m", small_network(), plain_calibration, description)
    before = json.loads((tmp_path / "m.json").read_text())
    added = AddedSource("groups-fragments", "fragments", "MS/MS+")
    rewrite(tmp_path / "m", sources=[added.to_dict()])
    after = json.loads((tmp_path / "m.json").read_text())
    assert {k: v for k, v in after.items() if k != "sources"} == before
    assert load_group_model(tmp_path / "m").sources == (added,)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.json", "m.safetensors"]


def test_electron_ionisation_gets_its_trust_and_one_calibration_for_its_sets(
    valid, tmp_path, table_writer, plain_calibration
):
    """Its molecules are those of the tensors, and its network is fresh: it is hardly trusted."""
    from engine.chemistry.functional_groups import GROUP_NAMES
    from engine.library.group_model import GroupModel, ModelCard
    from engine.training.electron_ionisation_trust import join_electron_ionisation
    from engine.training.fragment_tables import read_fragments
    from engine.training.fragment_training import FragmentPlan, build_network, save_fragment_model

    rows = [
        {"key": str(index), "smiles": "CCO", "mz": [31.0, 45.0 + index % 7], "intensity": [1, 0.5],
         "polarity": "positive", "licence_class": "noncommercial"}
        for index in range(80)
    ]  # fmt: skip
    table_writer(tmp_path / "ms_ei_valid.jsonl.gz", rows)
    table = read_fragments(tmp_path, "ei", "valid")
    network = build_network(FragmentPlan("ei", 0, 1, 1, 0.0, width=16)).eval()
    path = save_fragment_model(tmp_path / "groups-ei", network, table, table)
    base = GroupModel(
        Weak(), GROUP_NAMES, CHANNEL_NAMES, plain_calibration, ModelCard("w", "1", "MIT"),
        np.ones(37),
    )  # fmt: skip
    said = []
    join_electron_ionisation(path, tmp_path, valid, base, report=said.append)
    model = load_group_model(path)
    (source,) = model.sources
    assert (source.model, source.channel) == ("groups-ei", "EI")
    assert source.trust.by_count[0] == 1.0
    # What the network says tells nothing of these labels.
    assert source.trust.for_channels({"EI", "13C NMR"}) < 1.0
    assert set(model.calibration.containing) == {"EI"}
    assert frozenset({"EI"}) in model.calibration.by_channels
    assert "80 molecules" in said[-1]
