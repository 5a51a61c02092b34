"""Doubts as the chemist reads them, with the measures that ship."""

from __future__ import annotations

import numpy as np
import pytest

from engine.chemistry.example_sample import example_files
from engine.encoding.sample_encoding import EncodedSample, encode_sample
from engine.encoding.vectors import clarity_of
from engine.formats import open_many
from engine.library.familiarity import Familiarity, Strange, default_familiarity
from engine.library.group_model import load_group_model, save_group_model
from engine.spectra import Sample, Spectrum
from engine.tasks import identify_groups
from engine.tasks.familiarity import doubts


@pytest.fixture(scope="module")
def example() -> tuple[Spectrum, ...]:
    return tuple(open_many(example_files())[0])


def doubts_of(*spectra: Spectrum) -> tuple[str, ...]:
    return doubts(encode_sample(Sample(spectra)))


def changed(spectrum: Spectrum, x=None, y=None, technique=None, x_unit=None) -> Spectrum:
    return Spectrum(
        technique or spectrum.technique, spectrum.x if x is None else x,
        spectrum.y if y is None else y, x_unit or spectrum.x_unit, spectrum.y_unit, spectrum.kind,
        metadata=dict(spectrum.metadata),
    )  # fmt: skip


def of(example, technique: str) -> Spectrum:
    return next(s for s in example if s.technique == technique)


def test_measures_ship_for_every_channel():
    measures = default_familiarity()
    assert measures is not None
    assert set(measures.channels) == {"IR", "1H NMR", "13C NMR", "MS/MS+", "MS/MS-"}
    assert measures.false_alarms == pytest.approx(0.02)


def test_the_example_is_not_doubted(example):
    assert doubts_of(*example) == ()
    for spectrum in example:
        assert doubts_of(spectrum) == ()


def test_noise_alone_is_told_of_or_not_read_at_all():
    x = np.linspace(-20, 230, 16384)
    told = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        noise = Spectrum("13C NMR", x, rng.normal(0, 1, len(x)), "ppm")
        encoded = encode_sample(Sample((noise,)))
        if encoded.values:
            assert doubts(encoded) == ("13C NMR: little in it rises above the noise.",)
            told += 1
        else:
            assert "holds no signal" in encoded.warnings[0]
    assert told >= 2


def test_a_noisy_detector_is_doubted():
    rng = np.random.default_rng(4)
    axis = np.arange(4000, 399, -2.0)
    noise = Spectrum("IR", axis, 0.3 + rng.normal(0, 0.1, len(axis)), "1/cm", "absorbance")
    assert len(doubts_of(noise)) == 1 and doubts_of(noise)[0].startswith("IR: ")


def test_a_spectrum_beside_its_noise_is_not_noise(example):
    carbon = of(example, "13C NMR")
    assert encode_sample(Sample((carbon,))).clarity["13C NMR"] > 20


def test_a_proton_spectrum_filed_as_carbon_is_doubted(example):
    said = doubts_of(changed(of(example, "1H NMR"), technique="13C NMR"))
    assert len(said) == 1 and said[0].startswith("13C NMR: ")


def test_transmittance_taken_for_absorbance_is_doubted(example):
    infrared = of(example, "IR")
    said = doubts_of(changed(infrared, y=10.0 ** -np.clip(infrared.y, 0, None)))
    assert len(said) == 1 and "transmittance" in said[0]


def test_only_the_strange_technique_is_named(example):
    carbon = of(example, "13C NMR")
    odd = changed(of(example, "IR"), y=np.full(len(of(example, "IR")), 0.4))
    said = doubts_of(carbon, odd)
    assert [text.split(":")[0] for text in said] == ["IR"]


def test_a_peak_list_has_no_noise_to_rise_above():
    listed = Spectrum("13C NMR", [14.1, 60.3, 171.0], [1.0, 1.0, 1.0], "ppm", kind="sticks")
    encoded = encode_sample(Sample((listed,)))
    assert encoded.clarity == {}


def test_clarity_is_the_tallest_over_the_noise():
    rng = np.random.default_rng(0)
    means = rng.normal(3.0, 0.5, 600)
    means[100] = 3.0 + 50.0
    assert clarity_of(means) == pytest.approx(100, rel=0.1)
    noise = [clarity_of(rng.normal(0, 2, 600)) for _ in range(300)]
    assert 2.8 < np.median(noise) < 3.6 and np.mean(np.array(noise) > 4.8) < 0.02
    assert clarity_of(np.zeros(600)) == clarity_of(np.ones(3)) == float("inf")


@pytest.mark.parametrize(
    ("channel", "kind", "wanted"),
    [
        (
            "IR",
            "axis",
            "IR: its bands lie where organic compounds rarely show any; check technique and axis.",
        ),
        ("13C NMR", "mixture", "13C NMR: it looks like a mixture of several compounds."),
        ("MS/MS-", None, "MS/MS-: it is unlike the spectra that the networks were trained on."),
    ],
)
def test_reasons_name_the_technique(channel, kind, wanted, monkeypatch):
    measures = Familiarity({}, 0.02)
    monkeypatch.setattr(
        Familiarity, "doubted", lambda self, spectra: (Strange(channel, kind, 1.0),)
    )
    assert doubts(EncodedSample({channel: np.ones(600)}, {}, ()), measures) == (wanted,)


def test_without_measures_noise_is_still_told(monkeypatch):
    monkeypatch.setattr("engine.tasks.familiarity.default_familiarity", lambda: None)
    encoded = EncodedSample({"1H NMR": np.ones(600)}, {}, (), {"1H NMR": 3.0})
    assert doubts(encoded) == ("1H NMR: little in it rises above the noise.",)
    assert doubts(EncodedSample({"IR": np.ones(600)}, {}, ())) == ()


def test_the_result_carries_its_doubts(
    tmp_path, small_network, plain_calibration, description, example
):
    save_group_model(tmp_path / "m", small_network(), plain_calibration, description)
    model = load_group_model(tmp_path / "m")
    odd = changed(of(example, "1H NMR"), technique="13C NMR")
    result = identify_groups(Sample((odd,)), model)
    assert result.to_dict()["doubts"] == list(result.doubts) == list(doubts_of(odd))
    assert identify_groups(Sample(example), model).to_dict()["doubts"] == []
