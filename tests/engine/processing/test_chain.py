"""Chains of steps: defaults, checks, and their form in JSON."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.processing import Chain, Step, apply, default_chain
from engine.processing.steps import PARAMETER_TYPES, STEP_KINDS
from engine.spectra import Spectrum


def infrared():
    return Spectrum("IR", np.linspace(4000, 400, 500), np.full(500, 0.5), "1/cm", "transmittance")


def test_every_step_has_what_an_editor_needs():
    for name, kind in STEP_KINDS.items():
        assert name == kind.name and kind.title
        assert Step(name).parameters == kind.defaults
        for parameter in kind.parameters:
            assert parameter.type in PARAMETER_TYPES and parameter.title
            assert parameter.check(parameter.default) == parameter.default


@given(
    st.lists(
        st.one_of(
            st.sampled_from(sorted(STEP_KINDS)).map(Step),
            st.floats(-100, 100).map(lambda v: Step("exponential", {"line_broadening_hz": v})),
            st.integers(0, 12).map(lambda v: Step("baseline", {"order": v})),
        )
    )
)
def test_json_and_back(steps):
    chain = Chain(tuple(steps))
    assert Chain.from_dict(json.loads(json.dumps(chain.to_dict()))) == chain
    assert pickle.loads(pickle.dumps(chain)) == chain
    hash(chain)


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("fly", {}, "'fly'"),
        ("exponential", {"lb": 1}, "'lb'"),
        ("exponential", {"line_broadening_hz": "wide"}, "'wide'"),
        ("exponential", {"line_broadening_hz": float("nan")}, "finite"),
        ("exponential", {"line_broadening_hz": 1e9}, "at most 1000"),
        ("zero_fill", {"factor": 3}, "1, 2, 4"),
        ("baseline", {"order": 2.5}, "whole number"),
        ("fourier_transform", {"reverse": 1}, "true or false"),
    ],
)
def test_bad_steps_say_what_is_right(name, parameters, says):
    with pytest.raises(ValueError, match=says):
        Step(name, parameters)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_a_chain_or_a_value_error(form):
    for candidate in (form, {"steps": form}, {"steps": [{"name": form, "parameters": form}]}):
        try:
            Chain.from_dict(candidate)
        except ValueError as error:
            assert str(error)


def test_steps_apply_in_order_and_do_not_touch_the_input():
    spectrum = infrared()
    chain = Chain((Step("to_absorbance"), Step("to_transmittance")))
    np.testing.assert_allclose(apply(chain, spectrum).y, 0.5)
    assert apply(Chain(), spectrum) is spectrum
    assert (spectrum.y == 0.5).all() and spectrum.y_unit == "transmittance"


def test_a_step_that_does_not_suit_is_named():
    with pytest.raises(ValueError, match=r"step 2 \(Fourier transform\)"):
        apply(Chain((Step("to_absorbance"), Step("fourier_transform"))), infrared())


def test_default_chain_is_for_fids_only():
    assert len(default_chain(infrared())) == 0
    fid = Spectrum(
        "13C NMR", np.arange(64) / 1000, np.ones(64), "s", kind="fid", y_imaginary=np.zeros(64),
        metadata={"frequency_mhz": 100.0, "pulse_program": "dept135", "group_delay_points": 3.2},
    )  # fmt: skip
    chain = default_chain(fid)
    names = [step.name for step in chain.steps]
    assert names[0] == "exponential" and names[-1] == "reference"
    assert "remove_group_delay" in names
    assert chain.steps[0].parameters["line_broadening_hz"] == 1.0
    assert chain.steps[names.index("automatic_phase")].parameters["signs"] == "mixed"
    assert np.isfinite(apply(chain, fid).y).all()


@pytest.mark.parametrize("points", [1, 2, 3, 10, 17])
def test_tiny_fids_do_not_crash(points):
    fid = Spectrum(
        "1H NMR", np.arange(points) / 1000, np.ones(points), "s", kind="fid",
        y_imaginary=np.ones(points),
        metadata={"frequency_mhz": 400.0, "sweep_width_hz": 1000.0, "group_delay_points": 70.0},
    )  # fmt: skip
    assert np.isfinite(apply(default_chain(fid), fid).y).all()
