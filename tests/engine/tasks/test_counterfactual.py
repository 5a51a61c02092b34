"""Groups without a band: what changes, what does not, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import channel
from engine.library.group_model import Calibration, GroupModel, LabelCalibration, ModelCard
from engine.spectra import Sample, Spectrum
from engine.tasks import identify_groups, without_region
from engine.tasks.counterfactual import parse_region, points_of

KETONE, ESTER = GROUP_NAMES.index("Ketone"), GROUP_NAMES.index("Ester")


class TwoBands(torch.nn.Module):
    """A ketone by the infrared around 1715, an ester by the 13C line around 170; the rest never."""

    def forward(self, spectra):
        size = len(next(iter(spectra.values())))
        logits = torch.full((size, len(GROUP_NAMES)), -4.0)
        if "IR" in spectra:
            first, last = points_of(channel("IR"), 1690, 1740)
            logits[:, KETONE] += 12 * spectra["IR"][:, first:last].amax(1)
        if "13C NMR" in spectra:
            first, last = points_of(channel("13C NMR"), 168, 172)
            logits[:, ESTER] += 8 * spectra["13C NMR"][:, first:last].amax(1)
        return logits


@pytest.fixture
def model():
    size = len(GROUP_NAMES)
    plain = LabelCalibration(np.ones(size), np.zeros(size), np.full(size, 0.5))
    return GroupModel(
        TwoBands(), GROUP_NAMES, ("IR", "13C NMR"), Calibration(plain, {}),
        ModelCard("two bands", "1", "MIT"), np.ones(size),
    )  # fmt: skip


@pytest.fixture
def sample():
    x = np.arange(4000, 399, -2.0)
    y = 0.02 + 0.8 * np.exp(-0.5 * ((x - 1715) / 12) ** 2) + 0.5 * np.exp(-(((x - 2950) / 30) ** 2))
    infrared = Spectrum("IR", x, y, "1/cm", "absorbance")
    carbon = Spectrum("13C NMR", [14.2, 60.4, 170.0], [1.0, 1.0, 0.6], "ppm", kind="sticks")
    return Sample((infrared, carbon))


def test_without_its_band_a_group_is_gone_and_the_others_stay(sample, model):
    found = without_region(sample, "IR", 1800, 1650, model)
    assert (found.technique, found.spectrum, found.start, found.end) == ("IR", 0, 1650, 1800)
    ketone = found.group("Ketone")
    assert ketone.before > 0.9 and ketone.after < 0.1 and found.groups[0] is ketone
    assert found.group("Ester").change == 0 and not found.is_empty
    assert "baseline" in found.removal


def test_before_is_what_the_prediction_says(sample, model):
    found = without_region(sample, 1, 165, 175, model)
    said = {group.name: group.probability for group in identify_groups(sample, model).groups}
    assert {g.name: g.before for g in found.groups} == pytest.approx(said)
    assert found.technique == "13C NMR" and found.group("Ester").after < 0.05


@pytest.mark.parametrize(("technique", "low", "high"), [("13C", 90, 120), ("IR", 2000, 2300)])
def test_an_empty_region_changes_nothing(technique, low, high, sample, model):
    found = without_region(sample, technique, low, high, model)
    assert all(abs(group.change) < 1e-6 for group in found.groups)
    assert found.is_empty or technique == "IR"


def test_the_map_of_a_network_without_gates_points_at_its_band(sample, model):
    result = identify_groups(sample, model)
    infrared, carbon = result.maps
    assert abs(infrared.x[infrared.by_group["Ketone"].argmax()] - 1715) < 20
    assert abs(carbon.x[carbon.by_group["Ester"].argmax()] - 170) < 1
    assert infrared.by_group["Ketone"].max() == pytest.approx(1)
    band = next(g for g in result.groups if g.name == "Ketone").evidence[0]
    assert band.start < 1715 < band.end


def test_where_a_group_is_typical_counts(sample, model):
    from dataclasses import replace

    typical = np.zeros((600, len(GROUP_NAMES)))
    changed = replace(model, typical={"IR": typical})
    maps = identify_groups(sample, changed).maps
    assert maps[0].by_group["Ketone"].max() == pytest.approx(1)


def test_the_dictionary_is_json(sample, model):
    content = without_region(sample, "13C NMR", 165, 175, model).to_dict()
    assert json.loads(json.dumps(content)) == content
    first = content["groups"][0]
    assert first["name"] == "Ester" and first["present_before"] and not first["present_after"]


@pytest.mark.parametrize(
    ("spectrum", "low", "high", "reason"),
    [
        ("1H NMR", 1, 2, "not among"),
        (5, 1, 2, "not read"),
        ("IR", 5, 6, "outside"),
        ("13C", 900, 950, "outside"),
        ("IR", float("nan"), 1700, "outside"),
    ],
)
def test_what_is_not_read_is_refused_with_the_reason(spectrum, low, high, reason, sample, model):
    with pytest.raises(ValueError, match=reason):
        without_region(sample, spectrum, low, high, model)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("IR:1650-1800", ("IR", 1650, 1800)),
        ("13C NMR: 180 – 165.5", ("13C NMR", 165.5, 180)),
        ("1H:-0.5-0.5", ("1H", -0.5, 0.5)),
        ("MS/MS+:90..96", ("MS/MS+", 90, 96)),
    ],
)
def test_regions_are_read_as_typed(text, region):
    assert parse_region(text) == region


@pytest.mark.parametrize("text", ["", "IR", "1650-1800", "IR:1650", "IR:a-b", "IR:5-5", ":1-2"])
def test_what_is_no_region_is_refused(text):
    with pytest.raises(ValueError, match="right is"):
        parse_region(text)
