"""A chain step by step: what each step gave, said, or failed by, and what could follow it."""

from __future__ import annotations

import numpy as np
import pytest

from engine.processing import Chain, Step, apply, default_chain
from engine.processing.chain_run import run_chain
from engine.spectra import Spectrum


@pytest.fixture
def infrared():
    x = np.linspace(4000, 400, 1801)
    return Spectrum("IR", x, 1 - 0.6 * np.exp(-(((x - 1700) / 20) ** 2)), "1/cm", "transmittance")


@pytest.fixture
def fid():
    t = np.arange(2048) / 4000
    values = np.exp((2j * np.pi * 700 - 5) * t + 0.7j)
    return Spectrum(
        "1H NMR", t, values.real, "s", kind="fid", y_imaginary=values.imag,
        metadata={"frequency_mhz": 400.0, "carrier_ppm": 5.0},
    )  # fmt: skip


def test_it_gives_what_applying_gives(fid):
    chain = default_chain(fid)
    run = run_chain(chain, fid)
    np.testing.assert_array_equal(run.result.y, apply(chain, fid).y)
    assert run.failed is None and all(outcome.reached for outcome in run.outcomes)
    assert run.before(0) is fid and run.before(1) is run.outcomes[0].spectrum


def test_a_failing_step_is_named_and_ends_the_run(infrared):
    chain = Chain((Step("to_absorbance"), Step("smooth", {"window_points": 8}), Step("baseline")))
    run = run_chain(chain, infrared)
    assert run.failed == 1 and "odd number" in run.outcomes[1].error
    assert not run.outcomes[2].reached
    assert run.result.y_unit == "absorbance"


def test_a_step_switched_off_keeps_its_place_and_does_nothing(infrared):
    chain = Chain((Step("to_absorbance", {}, False), Step("smooth")))
    assert run_chain(chain, infrared).result.y_unit == "transmittance"
    assert apply(chain, infrared).y_unit == "transmittance"
    assert Chain.from_dict(chain.to_dict()) == chain != Chain((Step("to_absorbance"),))
    with pytest.raises(ValueError, match="true or false"):
        Step("smooth", {}, "no")


def test_only_what_follows_the_change_is_done_again(infrared):
    first = run_chain(Chain((Step("to_absorbance"), Step("smooth"))), infrared)
    second = run_chain(
        Chain((Step("to_absorbance"), Step("smooth", {"window_points": 21}))), infrared, first
    )
    assert second.outcomes[0] is first.outcomes[0]
    assert second.outcomes[1] is not first.outcomes[1]
    other = run_chain(second.chain, infrared.with_warnings("another"), first)
    assert other.outcomes[0] is not first.outcomes[0]


def test_warnings_belong_to_the_step_that_gave_them(infrared):
    dark = Spectrum("IR", infrared.x, infrared.y - 0.9, "1/cm", "transmittance", warnings=("old",))
    run = run_chain(Chain((Step("to_absorbance"), Step("smooth"))), dark)
    assert len(run.outcomes[0].notes) == 1 and "no light" in run.outcomes[0].notes[0]
    assert run.outcomes[1].notes == ()


def test_cancelling_ends_it_between_two_steps(infrared):
    asked = iter([False, True])
    chain = Chain((Step("to_absorbance"), Step("smooth")))
    assert run_chain(chain, infrared, is_cancelled=lambda: next(asked)) is None


def test_it_knows_where_a_step_can_stand(fid, infrared):
    run = run_chain(default_chain(fid), fid)
    names = [step.name for step in run.chain.steps]
    transform = names.index("fourier_transform")
    assert run.place_for("gaussian", len(names)) == transform
    assert run.place_for("phase", 0) == len(names)
    assert run.place_for("phase", transform + 1) == transform + 1
    assert run.place_for("centroid", 0) is None
    bare = run_chain(Chain(), fid)
    assert bare.prepared["phase"] == 0 and bare.place_for("phase", 0) is None
    optical = run_chain(Chain(), infrared)
    assert optical.prepared == {"correct_atr": 0}


def test_a_fault_in_a_step_is_an_error_of_that_step(infrared, monkeypatch):
    def broken(spectrum, **parameters):
        raise ZeroDivisionError("nothing to divide by")

    from engine.processing.steps import STEP_KINDS

    monkeypatch.setitem(STEP_KINDS["smooth"].__dict__, "function", broken)
    run = run_chain(Chain((Step("smooth"),)), infrared)
    assert "nothing to divide by" in run.outcomes[0].error and run.result is infrared
