"""Signals put together from the shifts of atoms."""

from __future__ import annotations

import numpy as np
import pytest

from engine.chemistry.predicted_shifts import MoleculeShifts

NAN = float("nan")


@pytest.fixture
def isopropanol() -> MoleculeShifts:
    # CC(O)C: two methyls, the carbinol carbon, the oxygen
    return MoleculeShifts(
        carbon=np.array([[25.0, 0.5], [64.0, 1.0], [NAN, NAN], [25.0, 0.5]]),
        hydrogen=np.array([[1.2, 0.1], [4.0, 0.2], [2.2, 1.0], [1.2, 0.1]]),
        split=np.zeros(4),
        classes=np.array([0, 1, 2, 0]),
        hydrogens=np.array([3, 1, 1, 3]),
        elements=np.array([6, 6, 8, 6]),
    )


def test_equivalent_carbons_are_one_signal(isopropanol):
    signals = isopropanol.signals("13C NMR")
    assert [(s.atoms, s.ppm, s.nuclei, s.hydrogens) for s in signals] == [
        ((1,), 64.0, 1, 1),
        ((0, 3), 25.0, 2, 3),
    ]


def test_proton_signals_count_hydrogens_and_tell_exchangeable_ones(isopropanol):
    signals = isopropanol.signals("1H NMR")
    assert [(s.atoms, s.nuclei, s.exchangeable) for s in signals] == [
        ((1,), 1, False),
        ((2,), 1, True),
        ((0, 3), 6, False),
    ]


def test_another_nucleus_is_refused(isopropanol):
    with pytest.raises(ValueError, match="19F NMR"):
        isopropanol.signals("19F NMR")
