"""How well predicted signals explain observed peaks: the cost of their best alignment.

The model: each signal of a molecule is seen with an error of heavy tails whose scale is its
predicted uncertainty, alone or under the peak of another signal, or it is missing; each peak that
no signal explains is an extra one, anywhere on the axis. The cost is the negative logarithm (nats)
of the likelihood of the peaks under the best such reading, so costs of molecules for the same peaks
can be compared, and ``exp(-cost)`` is proportional to a molecule's posterior for equal priors.
The best reading that keeps the order of shifts is found by dynamic programming (Needleman and
Wunsch, J. Mol. Biol. 1970, 48, 443), for all molecules of a batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lgamma, log, pi

import numpy as np

from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.predicted_shifts import PredictedSignal

TEMPERATURE = 1.0
"""What costs are divided by before they are probabilities."""

_FAR = np.float32(1e4)


@dataclass(frozen=True)
class MatchPrices:
    """The parameters of the likelihood for one nucleus.

    ``degrees`` of freedom of Student's t, the error's distribution; its scale is
    ``factor * uncertainty + floor`` (ppm). ``missing``: the price of a signal without a peak by
    hydrogens on the atom (0 to 3), and that of one on N, O, S. ``extra``: the price of a peak
    without a signal. ``width``: two signals nearer than this (ppm) are seen as one peak.
    ``split``: the price of a second peak for the hydrogens of one CH2. ``wrong_hydrogens``: the
    price of a peak with another number of attached hydrogens than the signal. ``weight``: what the
    whole cost is multiplied with; below 1 where misses come together, as in a list that leaves out
    the aromatic protons, so that they do not outweigh another nucleus.
    """

    degrees: float
    factor: float
    floor: float
    missing: tuple[float, float, float, float]
    missing_exchangeable: float
    extra: float
    width: float
    split: float
    wrong_hydrogens: float
    weight: float = 1.0


PRICES = {
    "13C NMR": MatchPrices(1.9, 0.9, 0.45, (2.2, 1.4, 2.9, 2.2), 2.5, 7.5, 1.2, 20.0, 10.0),
    "1H NMR": MatchPrices(4.9, 0.8, 0.02, (2.0, 3.8, 2.3, 3.0), 2.25, 5.0, 0.1, 1.0, 5.0, 0.74),
}
"""Fitted on the valid split by ``python -m engine.training.match_prices --data DIR``."""


@dataclass(frozen=True, eq=False)
class SignalRows:
    """Predicted signals of ``K`` molecules, by rising shift, filled up to the longest (``N``).

    ``ppm`` and ``uncertainty`` ``(N, K)`` float32; ``hydrogens`` ``(N, K)`` on one atom,
    ``nuclei`` ``(N, K)``, ``exchangeable`` ``(N, K)``; ``count`` ``(K,)`` signals of each.
    """

    technique: str
    ppm: np.ndarray
    uncertainty: np.ndarray
    hydrogens: np.ndarray
    nuclei: np.ndarray
    exchangeable: np.ndarray
    count: np.ndarray

    def __len__(self) -> int:
        return self.ppm.shape[1]

    @classmethod
    def of(cls, technique: str, molecules: Sequence[Sequence[PredictedSignal]]) -> SignalRows:
        """The signals of each molecule, in any order."""
        ordered = [sorted(signals, key=lambda s: s.ppm) for signals in molecules]
        count = np.array([len(signals) for signals in ordered], np.int64)
        shape = (int(count.max(initial=0)), len(ordered))
        fields = [np.zeros(shape, np.float32) for _ in range(2)]
        fields += [np.zeros(shape, np.int16), np.zeros(shape, np.int16), np.zeros(shape, bool)]
        names = ("ppm", "uncertainty", "hydrogens", "nuclei", "exchangeable")
        for k, signals in enumerate(ordered):
            for name, values in zip(names, fields, strict=True):
                values[: len(signals), k] = [getattr(signal, name) for signal in signals]
        return cls(technique, *fields, count)

    def with_hydrogens(self, number: int) -> SignalRows:
        """Only the signals of carbons with so many hydrogens (3: three and more)."""
        inside = np.arange(self.ppm.shape[0])[:, None] < self.count[None, :]
        wanted = inside & (np.minimum(self.hydrogens, 3) == number)
        count = wanted.sum(axis=0)
        first = np.argsort(~wanted, axis=0, kind="stable")[: int(count.max(initial=0))]
        names = ("ppm", "uncertainty", "hydrogens", "nuclei", "exchangeable")
        taken = (np.take_along_axis(getattr(self, name), first, axis=0) for name in names)
        return SignalRows(self.technique, *taken, count)


@dataclass(frozen=True)
class Match:
    """The best reading of peaks as signals.

    ``pairs`` of ``(peak, signal)`` by their index as given, several signals under one peak as
    several pairs; ``extra`` peaks and ``missing`` signals have no partner; ``cost`` in nats.
    """

    cost: float
    pairs: tuple[tuple[int, int], ...]
    extra: tuple[int, ...]
    missing: tuple[int, ...]


def match_cost(peaks: Sequence[ObservedPeak], signals: Sequence[PredictedSignal]) -> float:
    """The cost (nats) of the best reading of peaks as one molecule's predicted signals."""
    technique = signals[0].technique if signals else "13C NMR"
    return float(match_costs(peaks, SignalRows.of(technique, [signals]))[0])


def match_costs(
    peaks: Sequence[ObservedPeak], rows: SignalRows, prices: MatchPrices | None = None
) -> np.ndarray:
    """The cost (nats) of the best reading as the signals of each of ``K`` molecules, ``(K,)``.

    Order is kept among all peaks; where the hydrogens of every 13C peak are known, a reading that
    keeps it only among the carbons of one kind may be better, and is taken then.
    """
    prices = prices or PRICES[rows.technique]
    costs = _order_kept(peaks, rows, prices)
    if rows.technique == "13C NMR" and peaks and all(p.attached is not None for p in peaks):
        by_kind = np.zeros_like(costs)
        for kind in range(4):
            of_kind = [p for p in peaks if min(p.attached, 3) == kind]
            by_kind += _order_kept(of_kind, rows.with_hydrogens(kind), prices)
        costs = np.minimum(costs, by_kind)
    return costs * costs.dtype.type(prices.weight)


def match(peaks: Sequence[ObservedPeak], signals: Sequence[PredictedSignal]) -> Match:
    """The best reading of peaks as one molecule's signals that keeps the order of shifts.

    Its ``cost`` is that of this order; :func:`match_costs` may know a better one where hydrogens
    are known.
    """
    technique = signals[0].technique if signals else "13C NMR"
    prices = PRICES[technique]
    of_peak = sorted(range(len(peaks)), key=lambda i: peaks[i].ppm)
    of_signal = sorted(range(len(signals)), key=lambda j: signals[j].ppm)
    rows = SignalRows.of(technique, [signals])
    stages: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    cost = float(_order_kept(peaks, rows, prices, stages)[0])
    pairs: list[tuple[int, int]] = []
    missing: list[int] = []
    i, j, on = len(peaks), len(signals), False
    prices_of_missing = _missing_prices(rows, prices, np.zeros(rows.ppm.shape, bool))[:, 0]
    while i or j:
        if i == 0:
            missing.append(of_signal[j - 1])
            j -= 1
            continue
        best, alone, single = (stage[:, 0] for stage in stages[i])
        before = stages[i - 1][0][:, 0]
        if not on and not np.isclose(best[j], alone[j - 1] if j else np.inf, atol=1e-3):
            if j and np.isclose(best[j], best[j - 1] + prices_of_missing[j - 1], atol=1e-3):
                missing.append(of_signal[j - 1])
                j -= 1
            else:
                i -= 1
            continue
        # Signal j is on peak i: the first there, one of several, or for a second time.
        pairs.append((of_peak[i - 1], of_signal[j - 1]))
        here = alone[j - 1]
        if np.isclose(here, before[j - 1] + single[j - 1], atol=1e-3):
            i, j, on = i - 1, j - 1, False
        elif j > 1 and np.isclose(
            here, alone[j - 2] + single[j - 1] - np.log(prices.width), atol=1e-3
        ):
            j, on = j - 1, True
        else:
            i, on = i - 1, True
    used = {peak for peak, _ in pairs}
    extra = tuple(k for k in range(len(peaks)) if k not in used)
    return Match(prices.weight * cost, tuple(reversed(pairs)), extra, tuple(sorted(missing)))


def matched_peaks(
    peaks: Sequence[ObservedPeak], rows: SignalRows, prices: MatchPrices | None = None
) -> np.ndarray:
    """How many of the peaks a signal explains in the best reading, ``(K,)`` int.

    The cost's slope over the price of an extra peak is the number of those.
    """
    prices = prices or PRICES[rows.technique]
    small = 1e-3
    wide = replace(
        rows, ppm=rows.ppm.astype(np.float64), uncertainty=rows.uncertainty.astype(np.float64)
    )
    more = replace(prices, extra=prices.extra + small)
    slope = match_costs(peaks, wide, more) - match_costs(peaks, wide, prices)
    slope /= small * prices.weight
    return len(peaks) - np.rint(slope).astype(np.int64)


def posterior(costs: np.ndarray, temperature: float = TEMPERATURE) -> np.ndarray:
    """Probabilities of molecules by their costs (nats), equal beforehand: a softmax."""
    if len(costs) == 0:
        return np.zeros(0)
    weights = np.exp(-(np.asarray(costs, np.float64) - np.min(costs)) / temperature)
    return weights / weights.sum()


def ideal_cost(technique: str, peaks: Sequence[ObservedPeak]) -> float:
    """The cost (nats) of these peaks for a molecule that is predicted without any error."""
    prices = PRICES[technique]
    return prices.weight * len(peaks) * (np.log(prices.floor) + _log_norm(prices.degrees))


def _order_kept(
    peaks: Sequence[ObservedPeak],
    rows: SignalRows,
    prices: MatchPrices,
    stages: list[tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None,
) -> np.ndarray:
    """The cost of the best reading that keeps the order of shifts, ``(K,)``.

    ``stages`` gets the tables after each number of peaks, from none on: best, signal on the last
    peak, and one signal on that peak alone.
    """
    signals, molecules = rows.ppm.shape
    kind = rows.ppm.dtype
    padding = np.arange(signals)[:, None] >= rows.count[None, :]
    missing = _missing_prices(rows, prices, padding)
    scale = prices.factor * rows.uncertainty + kind.type(prices.floor)
    constant = np.log(scale) + kind.type(_log_norm(prices.degrees))
    constant[padding] = _FAR
    half = kind.type((prices.degrees + 1) / 2)
    width = kind.type(np.log(prices.width))
    splits = rows.technique == "1H NMR"
    twofold = np.where(rows.hydrogens == 2, kind.type(prices.split), _FAR).astype(kind)
    # best[j]: all peaks so far and the first j signals; on[j]: signal j is on the last peak.
    best = np.zeros((signals + 1, molecules), kind)
    np.cumsum(missing, axis=0, out=best[1:])
    on = np.full((signals, molecules), _FAR, kind)
    if stages is not None:
        stages.append((best, on, on))
    for peak in sorted(peaks, key=lambda one: one.ppm):
        error = (kind.type(peak.ppm) - rows.ppm) / scale
        error *= error
        error /= kind.type(prices.degrees)
        cost = np.log1p(error, out=error)
        cost *= half
        cost += constant
        if peak.attached is not None and not splits:
            cost += (rows.hydrogens != peak.attached) * kind.type(prices.wrong_hydrogens)
        single = cost.copy() if stages is not None else cost
        alone = best[:-1] + cost
        if splits:
            np.minimum(alone, on + cost + twofold, out=alone)
        share = cost
        share -= width
        now = best + kind.type(prices.extra)
        for j in range(signals):
            if j:
                share[j] += alone[j - 1]
                np.minimum(alone[j], share[j], out=alone[j])
            below = now[j + 1]
            np.minimum(below, alone[j], out=below)
            np.minimum(below, now[j] + missing[j], out=below)
        best, on = now, alone
        if stages is not None:
            stages.append((best, on, single))
    return best[-1].copy()


def _missing_prices(rows: SignalRows, prices: MatchPrices, padding: np.ndarray) -> np.ndarray:
    table = np.asarray(prices.missing, rows.ppm.dtype)
    missing = table[np.clip(rows.hydrogens, 0, 3)]
    missing[rows.exchangeable] = prices.missing_exchangeable
    missing[padding] = 0
    return missing


def _log_norm(degrees: float) -> float:
    """Minus the logarithm of the density of Student's t at 0."""
    return lgamma(degrees / 2) - lgamma((degrees + 1) / 2) + 0.5 * log(degrees * pi)
