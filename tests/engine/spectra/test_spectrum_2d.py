"""A two-dimensional spectrum: what it holds, and what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from engine.spectra import Spectrum2D


def _spectrum(**changed) -> Spectrum2D:
    given = {
        "technique": "1H NMR", "technique_y": "13C NMR", "x": [9.0, 6.0, 3.0], "y": [150.0, 20.0],
        "z": np.arange(6.0).reshape(2, 3),
    }  # fmt: skip
    return Spectrum2D(**(given | changed))


def test_it_has_two_axes_and_a_name():
    spectrum = _spectrum()
    assert spectrum.shape == (3, 2) and spectrum.size_text == "3 × 2"
    assert spectrum.name == "1H–13C 2D NMR" and not spectrum.is_homonuclear
    assert spectrum.z.dtype == np.float32
    assert _spectrum(technique_y=None, y_unit="row").name == "1H NMR by row"


def test_rising_axes_turn_the_matrix_with_them():
    rising = _spectrum().ascending
    assert rising.x.tolist() == [3, 6, 9] and rising.y.tolist() == [20, 150]
    assert rising.z.tolist() == [[5, 4, 3], [2, 1, 0]]
    assert rising.ascending is rising


def test_it_cannot_be_changed_and_survives_a_pickle():
    spectrum = _spectrum(metadata={"solvent": "CDCl3"}, warnings=["odd"])
    for array in (spectrum.x, spectrum.y, spectrum.z):
        with pytest.raises(ValueError):
            array[0] = 1
    again = pickle.loads(pickle.dumps(spectrum))
    assert again.metadata == {"solvent": "CDCl3"} and again.warnings == ("odd",)
    assert np.array_equal(again.z, spectrum.z) and again.name == spectrum.name


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"z": np.ones((3, 2))}, "axes"),
        ({"x": [1.0, 1.0, 2.0]}, "strictly"),
        ({"y": [1.0, np.nan]}, "finite"),
        ({"kind": "sticks"}, "kind"),
        ({"y_unit": ""}, "unit"),
        ({"technique": "2D"}, "technique"),
    ],
)
def test_contradictions_are_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        _spectrum(**changed)
