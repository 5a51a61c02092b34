"""Molecules made up of random lines, with a group that a line tells and one that none does."""

from __future__ import annotations

import numpy as np
import pytest

from engine.encoding.channels import CHANNEL_NAMES
from engine.training.group_tensors import stack

TELLING, IDLE = 0, 1


def _spectrum(rng, telling):
    """Four random lines from 100 on; a molecule of the first group also has one near 40."""
    spectrum = np.zeros(600)
    spectrum[rng.integers(100, 600, 4)] = 1.0
    if telling:
        spectrum[rng.integers(38, 43)] = 0.5
    return spectrum


@pytest.fixture
def made_up():
    """Tensors of ``count`` molecules: two renderings in 13C for two of three, all in IR."""

    def make(count, seed=0):
        rng = np.random.default_rng(seed)

        def rows():
            for number in range(count):
                labels = np.zeros(37, bool)
                labels[TELLING], labels[IDLE] = rng.random(2) < 0.5
                spectra = {name: [] for name in CHANNEL_NAMES}
                spectra["IR"] = [_spectrum(rng, labels[TELLING])]
                if number % 3:
                    spectra["13C NMR"] = [_spectrum(rng, labels[TELLING]) for _ in range(2)]
                yield f"key{seed}-{number}", labels, spectra

        return stack(rows())

    return make
