"""How well observed peaks fit the signals expected of one structure, as numbers to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.chemistry.expected_signals import ExpectedSignal
from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.peak_assignment import (
    Matching,
    MatchingPrices,
    deviation_scale,
    match_peaks,
    student_cost,
    student_entropy,
)


@dataclass(frozen=True, eq=False)
class StructureFit:
    """The cheapest matching of one spectrum with one structure, and what it leaves unexplained.

    ``nucleus`` ``13C`` or ``1H``; ``signals`` and ``peaks`` as they were matched; ``pairs`` are
    ``(signal, peak)`` numbers and ``deviation`` ``(pairs,)`` measured less predicted shift in ppm;
    ``surprise`` ``(pairs,)`` in nats: how much less likely each deviation is than one of the
    predicted size (0 on average for the right structure); ``extra`` peaks and ``missing`` signals
    by number; ``wrong_hydrogens``: pairs whose peak has another number of attached hydrogens, of
    ``known_hydrogens`` whose peak tells one.
    """

    nucleus: str
    signals: tuple[ExpectedSignal, ...]
    peaks: tuple[ObservedPeak, ...]
    pairs: tuple[tuple[int, int], ...]
    deviation: np.ndarray
    surprise: np.ndarray
    extra: tuple[int, ...]
    missing: tuple[int, ...]
    wrong_hydrogens: int
    known_hydrogens: int

    @property
    def shift_features(self) -> np.ndarray:
        """For a logistic judgement of the shifts: the surprise of all pairs over the root of their
        number, compressed; that of all (at most 40 nats) and of the worst one (at most 12), as
        parts of 10 nats."""
        if not self.pairs:
            return np.array([3.0, 4.0, 1.2])
        total = float(self.surprise.sum())
        return np.array(
            [
                np.arcsinh(total / np.sqrt(len(self.pairs))),
                np.clip(total, -5.0, 40.0) / 10,
                min(float(self.surprise.max()), 12.0) / 10,
            ]
        )

    @property
    def count_features(self) -> np.ndarray:
        """For a judgement of the numbers: extra peaks and missing signals, each compressed."""
        usual = [i for i in self.missing if not self.signals[i].kind.startswith("XH")]
        return np.log1p(np.array([len(self.extra), len(usual)], dtype=float))

    @property
    def multiplicity_features(self) -> np.ndarray | None:
        """For a judgement of the attached hydrogens: wrong ones, compressed, and their share; None
        where no peak tells them."""
        if not self.known_hydrogens:
            return None
        wrong = self.wrong_hydrogens
        return np.array([np.log1p(wrong), wrong / self.known_hydrogens])

    def features(self) -> dict[str, np.ndarray]:
        """The features of each test by its name: shifts, signals and, where known, multiplicities
        of the nucleus."""
        if not self.peaks:
            return {}
        nucleus = self.nucleus
        found = {
            f"{nucleus} shifts": self.shift_features,
            f"{nucleus} signals": self.count_features,
        }
        told = self.multiplicity_features
        if told is not None:
            found[f"{nucleus} multiplicities"] = told
        return found


def fit_structure(
    technique: str,
    signals: Sequence[ExpectedSignal],
    peaks: Sequence[ObservedPeak],
    prices: MatchingPrices,
) -> StructureFit:
    """Match a spectrum's peaks with the expected signals and collect what is left."""
    matching: Matching = match_peaks(signals, peaks, prices, with_confidence=False)
    pairs, deviation, scale = [], [], []
    wrong = told = 0
    carbon = technique == "13C NMR"
    for number, (signal, own) in enumerate(zip(signals, matching.peaks, strict=True)):
        apart = signal.split / 2 if signal.split > 0 else prices.apart
        for place, peak in enumerate(own):
            # The two peaks of one signal are expected on both sides of its shift.
            side = 0.0 if len(own) < 2 else (apart if place == 0 else -apart)
            pairs.append((number, peak))
            deviation.append(peaks[peak].ppm - signal.ppm - side)
            scale.append(deviation_scale(signal.uncertainty, prices))
            attached = peaks[peak].attached if carbon else None
            told += attached is not None
            wrong += attached is not None and attached != signal.hydrogens
    sizes = np.array(scale, float)
    off = np.array(deviation, float)
    surprise = np.zeros(0)
    if len(pairs):
        usual = np.log(sizes) + student_entropy(prices.freedom)
        surprise = student_cost(off, sizes, prices.freedom) - usual
    missing = tuple(i for i, own in enumerate(matching.peaks) if not own)
    return StructureFit(
        technique.split()[0], tuple(signals), tuple(peaks), tuple(pairs), off, surprise,
        matching.extra, missing, wrong, told,
    )  # fmt: skip
