"""A trained model as files: it comes back as it was, and what is broken is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.library import group_model
from engine.library.group_model import (
    Calibration,
    LabelCalibration,
    NoModelError,
    default_group_model,
    load_group_model,
    save_group_model,
)


@pytest.fixture
def saved(tmp_path, small_network, plain_calibration, description):
    path = tmp_path / "small"
    save_group_model(path, small_network(), plain_calibration, description)
    return path


@pytest.mark.parametrize("kind", ["symspectra", "cnn-1d"])
def test_a_model_comes_back_as_it_was(
    kind, tmp_path, small_network, small_cnn, plain_calibration, description
):
    network = (small_network if kind == "symspectra" else small_cnn)().eval()
    save_group_model(tmp_path / "m", network, plain_calibration, {**description, "kind": kind})
    model = load_group_model(tmp_path / "m")
    spectra = {name: torch.rand(3, 600) for name in CHANNEL_NAMES[:3]}
    with torch.no_grad():
        before, after = network(spectra), model.network(spectra)
    if kind == "symspectra":
        before, after = before.logits, after.logits
    # Weights are stored in half precision.
    assert torch.allclose(before, after, atol=5e-3)
    assert after.dtype == torch.float32
    assert not model.network.training
    assert model.channels == CHANNEL_NAMES
    assert model.labels == network.config.labels
    assert model.card.to_dict() == {"name": "Small", "version": "7", "licence": "MIT"}
    assert model.train_positives.tolist() == list(range(37))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.json", "m.safetensors"]


def test_a_model_that_is_read_and_written_again_stays_exactly_the_same(saved, description):
    first = load_group_model(saved)
    again = saved.with_name("again")
    save_group_model(again, first.network, first.calibration, description)
    spectra = {"IR": torch.rand(2, 600)}
    with torch.no_grad():
        logits = [load_group_model(p).network(spectra).logits for p in (saved, again)]
    assert torch.equal(*logits)
    assert saved.with_suffix(".json").read_text() == again.with_suffix(".json").read_text()


def test_a_calibration_comes_back_for_each_set_of_channels():
    rng = np.random.default_rng(0)
    made = [LabelCalibration(*rng.random((3, 37)).round(5)) for _ in range(3)]
    calibration = Calibration(
        made[0], {frozenset({"IR"}): made[1], frozenset({"13C NMR", "1H NMR"}): made[2]}
    )
    read = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    for names, expected in (
        (["IR"], made[1]), (["1H NMR", "13C NMR"], made[2]), (["MS/MS+"], made[0]),
        (["IR", "1H NMR"], made[0]),
    ):  # fmt: skip
        found = read.for_channels(names)
        for part in ("slope", "offset", "threshold"):
            assert getattr(found, part) == pytest.approx(getattr(expected, part))


def test_probabilities_are_the_logistic_of_slope_and_offset():
    calibration = LabelCalibration(np.full(37, 2.0), np.full(37, -1.0), np.full(37, 0.5))
    logits = np.linspace(-3, 3, 74).reshape(2, 37)
    expected = 1 / (1 + np.exp(-(2 * logits - 1)))
    assert calibration.probabilities(logits) == pytest.approx(expected)
    assert np.isfinite(calibration.probabilities(np.full(37, -1e9))).all()


def change(path, **changes):
    content = json.loads(path.read_text())
    for name, value in changes.items():
        if value is None:
            del content[name]
        else:
            content[name] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.with_suffix(".safetensors").unlink(),
        lambda path: path.with_suffix(".safetensors").write_bytes(b""),
        lambda path: path.with_suffix(".safetensors").write_bytes(b"\x00" * 4000),
        lambda path: path.with_suffix(".safetensors").write_bytes(
            path.with_suffix(".safetensors").read_bytes()[:-1000]
        ),
        lambda path: path.with_suffix(".json").unlink(),
        lambda path: path.with_suffix(".json").write_text("{"),
        lambda path: path.with_suffix(".json").write_text("[]"),
        lambda path: path.with_suffix(".json").write_bytes(b"\xff\xfe"),
        lambda path: change(path.with_suffix(".json"), kind="transformer"),
        lambda path: change(path.with_suffix(".json"), kind="cnn-1d"),
        lambda path: change(path.with_suffix(".json"), licence=None),
        lambda path: change(path.with_suffix(".json"), calibration=None),
        lambda path: change(path.with_suffix(".json"), calibration={"other": {}}),
        lambda path: change(path.with_suffix(".json"), config={"width": 3}),
        lambda path: change(path.with_suffix(".json"), config={"unknown": 3}),
    ],
)
def test_what_is_missing_or_broken_is_one_error_with_the_models_name(saved, damage):
    damage(saved)
    with pytest.raises(NoModelError, match="the model small cannot be loaded"):
        load_group_model(saved)


def test_weights_of_another_network_are_refused(
    saved, small_network, plain_calibration, description
):
    other = saved.with_name("other")
    save_group_model(other, small_network(width=24), plain_calibration, description)
    other.with_suffix(".safetensors").replace(saved.with_suffix(".safetensors"))
    with pytest.raises(NoModelError, match="size mismatch"):
        load_group_model(saved)


def test_weights_are_no_pickle(saved):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle of the weights was executed",))

    saved.with_suffix(".safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(NoModelError):
        load_group_model(saved)


def test_a_model_that_is_not_installed_is_said(monkeypatch, tmp_path):
    from engine import installation

    default_group_model.cache_clear()
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path / "engine")
    with pytest.raises(NoModelError, match="no trained model for functional groups"):
        default_group_model()
    default_group_model.cache_clear()


def test_the_installed_model_is_read_once(monkeypatch, tmp_path, saved):
    from engine import installation

    default_group_model.cache_clear()
    models = tmp_path / "models"
    models.mkdir()
    for suffix in (".safetensors", ".json"):
        name = group_model.DEFAULT_MODEL
        saved.with_suffix(suffix).replace((models / name).with_suffix(suffix))
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path / "engine")
    assert default_group_model() is default_group_model()
    default_group_model.cache_clear()
