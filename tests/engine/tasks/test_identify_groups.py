"""The verb as others call it: a sample in, the contract's dictionary out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import channel
from engine.library.group_model import (
    Calibration,
    LabelCalibration,
    NoModelError,
    load_group_model,
    save_group_model,
)
from engine.spectra import Sample, Spectrum
from engine.tasks import identify_groups


@pytest.fixture
def model(tmp_path, small_network, plain_calibration, description):
    save_group_model(tmp_path / "m", small_network(), plain_calibration, description)
    return load_group_model(tmp_path / "m")


def infrared(**more):
    x = np.arange(4000, 399, -2.0)
    return Spectrum(
        "IR", x, 0.7 * np.exp(-0.5 * ((x - 1715) / 12) ** 2), "1/cm", "absorbance", **more
    )


def carbon():
    return Spectrum("13C NMR", [30.8, 206.7], [2.0, 1.0], "ppm", kind="sticks")


def fragments(mz, **metadata):
    return Spectrum(
        "MS/MS",
        mz,
        np.ones(len(mz)),
        "m/z",
        kind="sticks",
        metadata={"polarity": "positive"} | metadata,
    )


def test_the_dictionary_has_the_keys_of_the_contract(model):
    result = identify_groups(Sample((infrared(), carbon())), model)
    content = result.to_dict()
    assert list(content) == ["groups", "techniques_used", "model", "warnings", "doubts"]
    assert content["techniques_used"] == ["IR", "13C NMR"]
    assert content["model"] == {"name": "Small", "version": "7", "licence": "MIT"}
    assert content["warnings"] == []
    assert sorted(group["name"] for group in content["groups"]) == sorted(GROUP_NAMES)
    for group in content["groups"]:
        assert list(group) == ["name", "probability", "present", "evidence"]
        assert 0 <= group["probability"] <= 1
        assert isinstance(group["present"], bool)
        for region in group["evidence"]:
            assert list(region) == ["technique", "from", "to", "weight"]
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_groups_come_most_probable_first_those_present_before_the_others(model):
    groups = identify_groups(Sample(infrared()), model).groups
    order = [(-group.present, -group.probability) for group in groups]
    assert order == sorted(order)
    assert all(group.present == (group.probability >= group.threshold) for group in groups)


def test_evidence_lies_on_the_axes_and_its_weights_are_shares(model):
    result = identify_groups(Sample((infrared(), carbon())), model)
    windows = {"IR": (400, 4000), "13C NMR": (-10, 230)}
    some = 0
    for group in result.groups:
        for region in group.evidence:
            low, high = windows[region.technique]
            assert low - 0.01 <= region.start < region.end <= high + 0.01
            assert 0 < region.weight <= 1
            assert region.spectrum == ("IR", "13C NMR").index(region.technique)
            some += 1
        weights = [region.weight for region in group.evidence]
        assert weights == sorted(weights, reverse=True)
        assert sum(weights) <= 1 + 1e-6
    assert some > 0


def test_maps_are_gates_and_shares_of_one_maximum(model):
    result = identify_groups(Sample((infrared(), carbon())), model)
    assert [(m.technique, m.spectrum) for m in result.maps] == [("IR", 0), ("13C NMR", 1)]
    for importance in result.maps:
        assert importance.x == pytest.approx(channel(importance.technique).centres)
        assert importance.gate.shape == (600,)
        assert importance.gate.min() > 0 and importance.gate.max() < 1
        assert set(importance.by_group) == set(GROUP_NAMES)
    for name in GROUP_NAMES:
        along = np.concatenate([importance.by_group[name] for importance in result.maps])
        assert along.min() >= 0
        assert along.max() == pytest.approx(1.0) or along.max() == 0


def test_a_list_comes_back_as_a_list(model):
    samples = [Sample(infrared()), Sample(carbon())]
    results = identify_groups(samples, model)
    assert isinstance(results, list)
    assert [result.techniques_used for result in results] == [("IR",), ("13C NMR",)]
    alone = identify_groups(samples[1], model)
    assert results[1].to_dict() == alone.to_dict()
    assert identify_groups([], model) == []


@pytest.mark.parametrize(
    ("spectra", "words"),
    [
        ((), "the sample holds no spectra"),
        ((Spectrum("Raman", [100.0, 200.0], [1.0, 2.0], "1/cm", title="r"),), "r is not used"),
        ((fragments([700.0]),), "no fragments between 0 and 600 m/z"),
        ((Spectrum("MS", [43.0, 58.0], [1.0, 0.3], "m/z", kind="sticks"),), "single-stage"),
    ],
)
def test_nothing_that_can_be_used_is_an_error_with_the_reason(model, spectra, words):
    with pytest.raises(ValueError, match="no functional groups can be predicted: ") as raised:
        identify_groups(Sample(spectra), model)
    assert words in str(raised.value)


def test_spectra_that_are_not_used_are_named_in_the_warnings(model):
    raman = Spectrum("Raman", [100.0, 200.0], [1.0, 2.0], "1/cm", title="laser")
    result = identify_groups(Sample((raman, infrared())), model)
    assert result.techniques_used == ("IR",)
    assert result.maps[0].spectrum == 1
    assert len(result.to_dict()["warnings"]) == 1
    assert "laser is not used" in result.to_dict()["warnings"][0]


def test_merged_fragments_share_one_map_that_counts_once(model):
    one = identify_groups(Sample(fragments([43.0, 91.05, 119.08])), model)
    two = identify_groups(
        Sample((fragments([43.0, 91.05, 119.08]), fragments([43.0, 91.05, 119.08]))), model
    )
    assert [importance.spectrum for importance in two.maps] == [0, 1]
    assert two.techniques_used == ("MS/MS",)
    for first, second in zip(one.groups, two.groups, strict=True):
        assert second.probability == pytest.approx(first.probability, abs=1e-4)
        assert [r.weight for r in second.evidence] == pytest.approx(
            [r.weight for r in first.evidence], abs=1e-3
        )


def test_the_calibration_of_the_techniques_at_hand_is_used(tmp_path, small_network, description):
    usual = LabelCalibration(np.zeros(37), np.full(37, 1.0), np.full(37, 0.5))
    of_infrared = LabelCalibration(np.zeros(37), np.full(37, -1.0), np.full(37, 0.2))
    calibration = Calibration(usual, {frozenset({"IR"}): of_infrared})
    save_group_model(tmp_path / "m", small_network(), calibration, description)
    model = load_group_model(tmp_path / "m")
    alone = identify_groups(Sample(infrared()), model).groups[0]
    assert (alone.probability, alone.threshold) == (pytest.approx(0.2689, abs=1e-4), 0.2)
    both = identify_groups(Sample((infrared(), carbon())), model).groups[0]
    assert (both.probability, both.threshold) == (pytest.approx(0.7311, abs=1e-4), 0.5)


def test_a_model_of_fewer_channels_uses_and_names_only_those(
    tmp_path, small_network, plain_calibration, description
):
    network = small_network(channels=("IR",))
    save_group_model(tmp_path / "m", network, plain_calibration, description)
    model = load_group_model(tmp_path / "m")
    result = identify_groups(Sample((carbon(), infrared())), model)
    assert result.techniques_used == ("IR",)
    assert [importance.spectrum for importance in result.maps] == [1]
    with pytest.raises(ValueError, match="no channel is present"):
        identify_groups(Sample(carbon()), model)


def test_the_evidence_is_found_where_the_network_looks(tmp_path, description):
    """A network taught that one group is a band at 1715 1/cm points to 1715 1/cm."""
    from engine.networks.symspectra import SymSpectra, SymSpectraConfig
    from engine.training.group_objective import ObjectiveWeights, symspectra_loss

    torch.manual_seed(0)
    config = SymSpectraConfig(
        ("IR",), ("Alcohol", "Ketone"), (1, 0), stem=8, width=16, pools=(2, 4), heads=2, reduced=4,
        fused=32, dropout=0.1,
    )  # fmt: skip
    network = SymSpectra(config).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    axis = torch.from_numpy(channel("IR").centres).float()
    for _ in range(90):
        here = (torch.rand(32) < 0.5).float()
        elsewhere = 600 + 900 * torch.rand(32, 3)
        bands = torch.cat([elsewhere, torch.full((32, 1), 1715.0)], 1)
        heights = torch.cat([torch.full((32, 3), 0.7), 0.7 * here.unsqueeze(1)], 1)
        lines = torch.exp(-0.5 * ((axis - bands.unsqueeze(-1)) / 15) ** 2)
        labels = torch.stack([torch.zeros(32), here], 1)
        output = network({"IR": (heights.unsqueeze(-1) * lines).sum(1)}, labels, 0.5)
        loss = symspectra_loss(output, labels, ObjectiveWeights())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    as_it_is = Calibration(LabelCalibration(np.ones(2), np.zeros(2), np.full(2, 0.5)), {})
    save_group_model(tmp_path / "m", network, as_it_is, {**description, "train_positives": [1, 1]})
    x = np.arange(400, 4000.0)
    y = sum(0.7 * np.exp(-0.5 * ((x - at) / 15) ** 2) for at in (720, 1100, 1360, 1715))
    measured = Spectrum("IR", x, y, "1/cm", "absorbance")
    result = identify_groups(Sample(measured), load_group_model(tmp_path / "m"))
    best = result.groups[0]
    assert (best.name, best.present) == ("Ketone", True)
    assert best.probability > 0.8
    assert not any(group.present for group in result.groups[1:])
    strongest = best.evidence[0]
    assert strongest.technique == "IR"
    assert strongest.start - 60 <= 1715 <= strongest.end + 60
    assert strongest.weight > 0.3


def test_without_installed_weights_it_says_so(monkeypatch, tmp_path):
    from engine import installation
    from engine.library.group_model import default_group_model

    default_group_model.cache_clear()
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path / "engine")
    with pytest.raises(NoModelError, match="no trained model"):
        identify_groups(Sample(infrared()))
    default_group_model.cache_clear()
