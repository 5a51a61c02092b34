"""What each fault makes of a spectrum, against what is known of the fault."""

from __future__ import annotations

import numpy as np
import pytest

from engine.encoding.channels import CHANNEL_NAMES, channel
from engine.encoding.vectors import normalise_nmr
from engine.training.strange_inputs import (
    KINDS,
    STRANGE_INPUTS,
    encode_means,
    mixed,
    resampled,
    to_means,
)

BY_NAME = {strange.name: strange for strange in STRANGE_INPUTS}


def line(name: str, *places: float, height: float = 1.0) -> np.ndarray:
    """One spectrum ``(1, 600)`` with a line in the bin of each place."""
    means = np.zeros((1, 600))
    for place in places:
        means[0, np.searchsorted(channel(name).edges, place) - 1] = height
    return means


def places(name: str, values: np.ndarray, level: float = 0.3) -> list[float]:
    """Where a spectrum is high, on its axis."""
    return channel(name).centres[np.flatnonzero(values > level)].tolist()


@pytest.fixture
def ordinary():
    rng = np.random.default_rng(0)
    found = {}
    for name in CHANNEL_NAMES:
        rows = np.zeros((20, 600))
        for row in rows:
            row[rng.integers(20, 580, 6)] = rng.uniform(0.3, 1.0, 6)
        found[name] = encode_means(name, rows).astype(np.float32)
    return found


@pytest.mark.parametrize("strange", STRANGE_INPUTS, ids=lambda strange: strange.name)
def test_every_kind_gives_spectra_of_600_points(strange, ordinary):
    assert strange.looks_like in KINDS
    for name in strange.channels:
        values, clarity = strange.encoded(name, ordinary, 7, np.random.default_rng(1))
        assert values.shape == (7, 600) and clarity.shape == (7,)
        assert np.isfinite(values).all()
        again, _ = strange.encoded(name, ordinary, 7, np.random.default_rng(1))
        assert (again == values).all()


def test_some_kinds_are_kept_from_the_fit():
    held = [strange for strange in STRANGE_INPUTS if not strange.fitted]
    assert {"mixture 1:1:1", "axis reversed", "the other polarity"} <= {s.name for s in held}
    assert len({strange.name for strange in STRANGE_INPUTS}) == len(STRANGE_INPUTS)


def test_encoding_undoes_the_square_root():
    means = np.random.default_rng(2).random((3, 600)) ** 8
    encoded = normalise_nmr(means)
    assert normalise_nmr(to_means("13C NMR", encoded)) == pytest.approx(encoded, abs=1e-9)


def test_a_shift_of_20_ppm_moves_lines_by_20_ppm(ordinary):
    found = {**ordinary, "13C NMR": encode_means("13C NMR", line("13C NMR", 100.0))}
    shifted, _ = BY_NAME["axis off by 20 ppm"].encoded(
        "13C NMR", found, 12, np.random.default_rng(0)
    )
    at = {round(place) for row in shifted for place in places("13C NMR", row)}
    assert at == {80, 120}


def test_reversal_mirrors_the_axis(ordinary):
    found = {**ordinary, "13C NMR": encode_means("13C NMR", line("13C NMR", 170.0))}
    values, _ = BY_NAME["axis reversed"].encoded("13C NMR", found, 1, np.random.default_rng(0))
    assert places("13C NMR", values[0]) == [pytest.approx(-10 + 230 - 170, abs=0.4)]


def test_a_proton_spectrum_on_a_carbon_axis_is_crowded_at_its_own_numbers(ordinary):
    found = {**ordinary, "1H NMR": encode_means("1H NMR", line("1H NMR", 3.9, 7.3))}
    values, _ = BY_NAME["1H spectrum filed as 13C"].encoded(
        "13C NMR", found, 1, np.random.default_rng(0)
    )
    at = places("13C NMR", values[0], 0.05)
    assert at and all(3.4 < place < 7.8 for place in at)


def test_3000_nm_is_the_band_at_3333_wavenumbers(ordinary):
    band = np.exp(-0.5 * ((channel("IR").centres - 3333.3) / 60) ** 2)[None]
    found = {**ordinary, "IR": band.astype(np.float32)}
    values, _ = BY_NAME["nanometres taken for 1/cm"].encoded(
        "IR", found, 1, np.random.default_rng(0)
    )
    assert channel("IR").centres[values[0].argmax()] == pytest.approx(3000, abs=7)
    # Below 2500 nm there is nothing that was measured between 400 and 4000 1/cm.
    assert not values[0][channel("IR").centres < 2490].any()


def test_reading_a_curve_at_its_own_places_gives_it_back():
    curve = np.random.default_rng(3).random((2, 600))
    assert resampled(curve, "IR", channel("IR").edges) == pytest.approx(curve)


def test_a_mixture_of_one_compound_with_itself_is_that_compound():
    alone = {"13C NMR": encode_means("13C NMR", line("13C NMR", 20.0, 60.0, 130.0))}
    means = mixed(2)("13C NMR", alone, 3, np.random.default_rng(0))
    assert encode_means("13C NMR", means) == pytest.approx(np.repeat(alone["13C NMR"], 3, 0))


def test_a_mixture_holds_the_lines_of_both():
    both = {"13C NMR": encode_means(
        "13C NMR", np.concatenate([line("13C NMR", 20.0), line("13C NMR", 170.0)])
    )}  # fmt: skip
    means = mixed(2)("13C NMR", both, 40, np.random.default_rng(0))
    counts = {len(places("13C NMR", row)) for row in encode_means("13C NMR", means)}
    assert counts == {1, 2}


def test_noise_alone_has_no_clarity_and_a_spectrum_has(ordinary):
    rng = np.random.default_rng(5)
    _, clarity = BY_NAME["noise alone"].encoded("1H NMR", ordinary, 200, rng)
    assert (clarity < 4.8).mean() > 0.98
    _, clarity = BY_NAME["axis off by 2 ppm"].encoded("1H NMR", ordinary, 20, rng)
    assert (clarity > 4.8).all()
