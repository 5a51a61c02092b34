"""Further sources in the verb: fragments beside the vectors, and electron ionisation by choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.fragments import ADDUCTS
from engine.library import model_choice
from engine.library.group_evidence import AddedSource, SourceTrust
from engine.library.group_model import (
    NoModelError,
    load_group_model,
    save_group_model,
)
from engine.library.model_choice import chosen_group_model
from engine.library.model_choice import model_choice as choice_of
from engine.networks.fragment_set_network import FragmentSetConfig, FragmentSetNetwork
from engine.spectra import Sample, Spectrum
from engine.tasks import group_sources, identify_groups, without_region
from engine.tasks.group_sources import read_sources


def fragment_model(path, channels, plain_calibration, description, **more):
    torch.manual_seed(3)
    config = FragmentSetConfig(GROUP_NAMES, channels, len(ADDUCTS), width=16, hidden=16, joined=16)
    described = {**description, "kind": "fragment-set", **more}
    save_group_model(path, FragmentSetNetwork(config), plain_calibration, described)
    return load_group_model(path)


@pytest.fixture
def models(tmp_path, small_network, plain_calibration, description, monkeypatch):
    """The open model with fragments beside it, and the branch for electron ionisation."""
    trust = SourceTrust((1.0, 0.5))
    sources = [
        AddedSource("groups-fragments", "fragments", name, trust) for name in ("MS/MS+", "MS/MS-")
    ]
    save_group_model(
        tmp_path / "open", small_network(), plain_calibration,
        {**description, "sources": [source.to_dict() for source in sources]},
    )  # fmt: skip
    ei = AddedSource("groups-ei", "fragments", "EI", trust)
    made = {
        "groups-symspectra": load_group_model(tmp_path / "open"),
        "groups-fragments": fragment_model(
            tmp_path / "f", ("MS/MS+", "MS/MS-"), plain_calibration, description
        ),
        "groups-ei": fragment_model(
            tmp_path / "e", ("EI",), plain_calibration, description,
            licence="noncommercial", name="Electrons", sources=[ei.to_dict()],
        ),
    }  # fmt: skip

    def found(name="groups-symspectra"):
        if name not in made:
            raise NoModelError(f"{name} is missing")
        return made[name]

    for module in (group_sources, model_choice):
        monkeypatch.setattr(module, "default_group_model", found)
    chosen_group_model.cache_clear()
    yield made
    chosen_group_model.cache_clear()


def msms(mz=(43.0178, 71.0491, 99.0441), **metadata):
    return Spectrum(
        "MS/MS", mz, np.linspace(1.0, 0.4, len(mz)), "m/z", kind="sticks",
        metadata={"polarity": "positive", "precursor_mz": 117.0546, "adduct": "[M+H]+"} | metadata,
    )  # fmt: skip


def electrons(mz=(39.0, 65.0, 91.0, 92.0), **metadata):
    return Spectrum(
        "MS", mz, np.linspace(0.2, 1.0, len(mz)), "m/z", kind="sticks",
        metadata={"ionization": "EI"} | metadata,
    )  # fmt: skip


def infrared():
    x = np.arange(4000, 399, -2.0)
    return Spectrum("IR", x, np.exp(-0.5 * ((x - 1715) / 12) ** 2), "1/cm", "absorbance")


def probabilities(result):
    return np.array(
        [next(g.probability for g in result.groups if g.name == n) for n in GROUP_NAMES]
    )


def test_fragments_speak_beside_the_vector_by_their_trust(models):
    model = models["groups-symspectra"]
    sample = Sample(msms())
    alone = identify_groups(sample, replace(model, sources=()))
    both = identify_groups(sample, model)
    logits = read_sources(
        model, sample, group_sources_encoded(sample)
    ).readings[0].logits  # fmt: skip
    odds = [np.log(p / (1 - p)) for p in map(probabilities, (alone, both))]
    assert np.allclose(odds[1], (odds[0] + logits) / 2, atol=1e-4)
    # With two techniques the trust is the half.
    two = Sample((msms(), infrared()))
    before, after = (
        np.log(p / (1 - p))
        for p in (
            probabilities(identify_groups(two, replace(model, sources=()))),
            probabilities(identify_groups(two, model)),
        )
    )
    assert np.allclose(after, (before + 0.5 * logits) / 1.5, atol=1e-4)


def group_sources_encoded(sample):
    from engine.encoding.sample_encoding import encode_sample

    return encode_sample(sample)


def test_a_sample_without_mass_spectra_is_as_before(models):
    model = models["groups-symspectra"]
    sample = Sample(infrared())
    one, two = (identify_groups(sample, m) for m in (model, replace(model, sources=())))
    assert np.array_equal(probabilities(one), probabilities(two))


def test_exact_masses_and_side_inputs_count(models):
    model = models["groups-symspectra"]
    first = probabilities(identify_groups(Sample(msms()), model))
    for other in (
        msms((43.0542, 71.0491, 99.0441)),
        msms(precursor_mz=145.0495),
        msms(adduct="[M+Na]+"),
        msms(collision_energy=40.0, collision_energy_unit="eV"),
    ):
        assert np.abs(probabilities(identify_groups(Sample(other), model)) - first).max() > 1e-6


def test_several_spectra_of_one_molecule_are_averaged(models):
    model = models["groups-symspectra"]
    one, two = msms(), msms((55.0178, 73.0284, 101.0597))
    logits = [
        read_sources(model, s, group_sources_encoded(s)).readings[0].logits
        for s in (Sample(one), Sample(two), Sample((one, two)))
    ]
    assert np.allclose(logits[2], (logits[0] + logits[1]) / 2, atol=1e-5)


def test_open_weights_show_electron_ionisation_only(models):
    model = chosen_group_model("open")
    with pytest.raises(ValueError, match="noncommercial model"):
        identify_groups(Sample(electrons()), model)
    result = identify_groups(Sample((infrared(), electrons())), model)
    assert result.techniques_used == ("IR",)
    assert any("noncommercial" in warning for warning in result.warnings)
    assert result.model.licence == "MIT"


def test_the_noncommercial_choice_reads_it_and_says_its_licence(models):
    model = chosen_group_model("noncommercial")
    result = identify_groups(Sample(electrons()), model)
    assert result.techniques_used == ("MS",)
    assert result.to_dict()["model"] == {
        "name": "Small with Electrons", "version": "7", "licence": "noncommercial",
    }  # fmt: skip
    assert not result.warnings
    (found,) = result.maps
    assert found.technique == "MS" and found.x.shape == found.gate.shape == (600,)
    named = next(iter(found.by_group.values()))
    assert named.shape == (600,)
    total = np.sum(list(found.by_group.values()), axis=0)
    assert set(np.flatnonzero(total)) <= {39, 65, 91, 92}
    # Beside infrared it counts by its trust.
    both = identify_groups(Sample((infrared(), electrons())), model)
    assert both.techniques_used == ("IR", "MS")


def test_a_fragment_left_out_changes_the_groups(models):
    model = models["groups-symspectra"]
    found = without_region(Sample(msms()), "MS/MS", 70.5, 71.5, model)
    assert not found.is_empty and abs(found.groups[0].change) > 0
    ei = chosen_group_model("noncommercial")
    without = without_region(Sample(electrons()), "MS", 91.5, 92.5, ei)
    assert not without.is_empty and abs(without.groups[0].change) > 0
    nothing = without_region(Sample(electrons()), "MS", 200.0, 210.0, ei)
    assert nothing.is_empty and abs(nothing.groups[0].change) < 1e-9


def test_the_map_shows_which_fragment_spoke(models):
    model = models["groups-symspectra"]
    sample = Sample(msms())
    encoded = group_sources_encoded(sample)
    reading = read_sources(model, sample, encoded, with_effects=True).readings[0]
    assert set(np.flatnonzero(np.abs(reading.effects).sum(1))) <= {43, 71, 99}
    left = msms((43.0178, 99.0441))
    kept = Spectrum("MS/MS", left.x, [1.0, 0.4], "m/z", kind="sticks", metadata=left.metadata)
    rest = read_sources(model, Sample(kept), encoded).readings[0].logits
    assert np.allclose(reading.effects[71], reading.logits - rest, atol=1e-4)


def test_an_unknown_choice_and_a_missing_branch_are_said(models):
    with pytest.raises(ValueError, match="open or noncommercial"):
        choice_of("free")
    del models["groups-ei"]
    chosen_group_model.cache_clear()
    with pytest.raises(NoModelError, match="groups-ei"):
        chosen_group_model("noncommercial")


def test_sums_have_their_own_calibration_and_the_network_keeps_its_own(models):
    from engine.library.group_model import Calibration, LabelCalibration

    joined = Calibration(LabelCalibration(np.ones(37), np.full(37, 3.0), np.full(37, 0.9)), {})
    plain = models["groups-symspectra"]
    model = replace(plain, joined_calibration=joined)

    def odds(sample, one):
        p = probabilities(identify_groups(sample, one))
        return np.log(p / (1 - p))

    assert np.allclose(odds(Sample(infrared()), model), odds(Sample(infrared()), plain))
    assert np.allclose(odds(Sample(msms()), model) - odds(Sample(msms()), plain), 3.0, atol=1e-3)
    assert identify_groups(Sample(msms()), model).groups[0].threshold == 0.9
    # Without any fragment in the region's rest the calibration is that of the sum all the same.
    found = without_region(Sample(msms()), "MS/MS", 70.5, 71.5, model)
    assert found.groups[0].threshold == 0.9
