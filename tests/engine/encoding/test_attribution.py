"""Attribution methods on a network whose dependence is known: one logit is one point's value."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.encoding.attribution import (
    gate_map,
    gradient_times_input,
    integrated_gradients,
    logits_of,
    masking_map,
    specific,
    stretches_of,
)
from engine.encoding.removal import removed

LINES = (60, 61, 200, 340, 341, 342, 510)
KEY = 341


class OnePoint(torch.nn.Module):
    """Logits: three times the value at KEY of 13C; the same of another line; a constant."""

    def forward(self, spectra):
        values = spectra["13C NMR"]
        return torch.stack([3 * values[:, KEY], values[:, 200], torch.ones(len(values))], dim=1)


@pytest.fixture
def spectra():
    carbon = np.zeros(600, np.float32)
    carbon[list(LINES)] = (0.5, 0.8, 0.6, 0.3, 0.9, 0.2, 1.0)
    places = np.arange(600)
    infrared = 0.02 + 0.7 * np.exp(-0.5 * ((places - 220) / 4.0) ** 2)
    return {"13C NMR": carbon, "IR": infrared.astype(np.float32)}


@pytest.mark.parametrize("method", [gradient_times_input, integrated_gradients])
def test_a_gradients_maximum_is_at_the_point_that_counts(method, spectra):
    maps = method(OnePoint(), spectra)
    assert maps["13C NMR"].shape == (600, 3)
    assert maps["13C NMR"][:, 0].argmax() == KEY and maps["13C NMR"][:, 1].argmax() == 200
    assert not maps["13C NMR"][:, 2].any() and not maps["IR"].any()


def test_integrated_gradients_add_up_to_what_the_logit_gains(spectra):
    class Squares(torch.nn.Module):
        def forward(self, batch):
            return (batch["13C NMR"] ** 2).sum(1, keepdim=True)

    maps = integrated_gradients(Squares(), spectra, steps=32)
    assert maps["13C NMR"].sum() == pytest.approx((spectra["13C NMR"] ** 2).sum(), rel=1e-4)


def test_masking_asks_any_function_and_finds_the_line(spectra):
    asked = []

    def function(batch):
        asked.append({name: tuple(values.shape) for name, values in batch.items()})
        return OnePoint()(batch)

    maps, logits = masking_map(function, spectra, with_logits=True)
    assert logits == pytest.approx([2.7, 0.6, 1.0], abs=1e-6)
    assert maps["13C NMR"][:, 0].argmax() == KEY
    assert maps["13C NMR"][KEY, 0] == pytest.approx(2.7, abs=1e-6)
    assert maps["13C NMR"][:, 1].argmax() == 200 and not maps["IR"].any()
    # The whole, then the stretches of each channel in one batch, the others beside them.
    assert len(asked) == 3
    assert all(len(set(shapes.values())) == 1 for shapes in asked)


def test_an_output_with_logits_serves_too(spectra):
    class Output:
        logits = torch.tensor([[1.0, 2.0]])

    assert logits_of(lambda batch: Output())({}).tolist() == [[1.0, 2.0]]


def test_infrared_is_masked_in_windows_that_overlap(spectra):
    class OneBand(torch.nn.Module):
        def forward(self, batch):
            return batch["IR"][:, 216:225].sum(1, keepdim=True)

    maps = masking_map(logits_of(OneBand()), {"IR": spectra["IR"]})
    assert abs(int(maps["IR"][:, 0].argmax()) - 220) <= 2


def test_only_stretches_that_take_something_away_are_asked_about(spectra):
    assert len(stretches_of("13C NMR", np.zeros(600))) == 0
    cut = stretches_of("13C NMR", spectra["13C NMR"])
    assert [np.flatnonzero(mask).tolist() for mask in cut.masks] == [
        [60, 61], [200], [340, 341, 342], [510],
    ]  # fmt: skip
    assert len(stretches_of("13C NMR", spectra["13C NMR"], most_lines=2)) == 2
    flat = stretches_of("IR", np.full(600, 0.3))
    assert len(flat) == 0


def test_what_costs_every_group_alike_tells_little_of_one():
    effects = np.zeros((600, 4))
    effects[100] = 2.0
    effects[300, 0] = 1.8
    maps = specific(effects)
    assert maps[:, 0].argmax() == 300 and (maps >= 0).all()
    assert specific(-effects).max() == 0


def test_gates_lie_on_the_points_of_their_tokens():
    along = gate_map(np.array([0.0, 0.0, 1.0, 0.0]), 600)
    assert along.shape == (600,) and abs(along.argmax() - 374.5) <= 0.5


def test_nmr_and_masses_leave_nothing_and_infrared_its_baseline(spectra):
    without = removed("13C NMR", spectra["13C NMR"], 340, 343)
    assert not without[340:343].any() and without[510] == 1.0
    infrared = spectra["IR"]
    rest = removed("IR", infrared, 200, 240)
    assert rest[200:240].max() < 0.03 and np.array_equal(rest[:200], infrared[:200])
    assert (rest <= infrared).all()


@pytest.mark.parametrize(("start", "stop"), [(50, 50), (60, 50), (700, 800), (-20, 0)])
def test_an_empty_region_changes_nothing(start, stop, spectra):
    for name, values in spectra.items():
        assert np.array_equal(removed(name, values, start, stop), values)
