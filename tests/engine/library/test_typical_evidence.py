"""Where a network finds groups as a rule: written beside its weights, and read with them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.library.group_model import load_group_model, save_group_model
from engine.library.typical_evidence import (
    load_typical_evidence,
    save_typical_evidence,
    typical_path,
)

LABELS = ("Ketone", "Ester")


def test_it_is_read_as_it_was_written_to_8_bits(tmp_path):
    typical = {"13C NMR": np.linspace(0, 1, 1200).reshape(600, 2)}
    file = save_typical_evidence(tmp_path / "m", typical, LABELS)
    assert file == tmp_path / "m-maps.safetensors" and not list(tmp_path.glob("*.part"))
    read = load_typical_evidence(tmp_path / "m", LABELS)
    assert read["13C NMR"] == pytest.approx(typical["13C NMR"], abs=0.5 / 255 + 1e-9)


def test_a_model_without_it_has_none(tmp_path):
    assert load_typical_evidence(tmp_path / "m", LABELS) == {}


def test_that_of_other_groups_or_sizes_is_refused(tmp_path):
    save_typical_evidence(tmp_path / "m", {"IR": np.ones((600, 2))}, LABELS)
    with pytest.raises(ValueError, match="group-maps"):
        load_typical_evidence(tmp_path / "m", ("Ketone", "Amide"))
    save_typical_evidence(tmp_path / "m", {"IR": np.ones((500, 2))}, LABELS)
    with pytest.raises(ValueError, match="right is"):
        load_typical_evidence(tmp_path / "m", LABELS)


def test_a_damaged_file_is_refused_with_its_name(tmp_path):
    typical_path(tmp_path / "m").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"m-maps\.safetensors"):
        load_typical_evidence(tmp_path / "m", LABELS)


def test_a_model_brings_it_along(tmp_path, small_network, plain_calibration, description):
    path = tmp_path / "m"
    save_group_model(path, small_network(), plain_calibration, description)
    assert load_group_model(path).typical == {}
    labels = load_group_model(path).labels
    save_typical_evidence(path, {"IR": np.ones((600, len(labels)))}, labels)
    assert list(load_group_model(path).typical) == ["IR"]
