"""One global matching of observed peaks to the signals that a molecule is expected to give.

Each signal takes one peak, or two when its nuclei are not alike in the file (diastereotopic ones),
or none; a peak may hold several signals, or none. Every outcome has a price in nats, minus the
logarithm of how often it happens, so that the cheapest matching is the most probable one. Prices
are in ``resources/tables/peak_matching.json``, fitted by ``specgui train matching``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from engine.chemistry.expected_signals import ExpectedSignal
from engine.installation import resource

_FORBIDDEN = 1e6
# Signals on one peak beyond the second cost as much each as the second does.
_MOST_ON_ONE_PEAK = 4
_ROUNDS, _DAMPING = 100, 0.3
# Competitions for so many peaks are summed over exactly, without matches less likely than this.
_MOST_EXACT, _NEGLIGIBLE = 9, 1e-3
_LARGEST_INTEGRAL_PRICE = 5.0


@dataclass(frozen=True)
class MatchingPrices:
    """What the outcomes of one nucleus cost, in nats unless said otherwise.

    ``freedom``, ``scale`` and ``floor``: a deviation from the predicted shift is Student-t
    distributed with so many degrees of freedom and the scale ``hypot(scale * uncertainty, floor)``
    in ppm. ``missing`` and ``split``: probabilities that a signal of a kind has no peak, and two
    peaks (:class:`ExpectedSignal` names the kinds); ``apart``: how far (ppm) two peaks of one
    signal are from their middle where nothing is predicted. ``shared``: a signal on the peak of
    another one; ``extra``: a peak without a signal. ``wrong_hydrogens``: the probability that a
    multiplicity letter is wrong. ``pattern``: a coupling more or fewer than the neighbours have.
    ``temperature`` divides all costs where probabilities are made of them; ``confidence``: slope
    and offset of a logistic curve on the log-odds of a match.
    """

    freedom: float
    scale: float
    floor: float
    missing: Mapping[str, float]
    split: Mapping[str, float]
    apart: float
    shared: float
    extra: float
    wrong_hydrogens: float = 0.003
    pattern: float = 0.8
    temperature: float = 1.0
    confidence: tuple[float, float] = (1.0, 0.0)

    def to_dict(self) -> dict[str, Any]:
        def plain(value):
            if isinstance(value, Mapping):
                return {name: plain(one) for name, one in value.items()}
            return [plain(one) for one in value] if isinstance(value, tuple) else round(value, 5)

        return {name: plain(value) for name, value in self.__dict__.items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> MatchingPrices:
        return cls(**{**content, "confidence": tuple(content["confidence"])})


@cache
def matching_prices(technique: str) -> MatchingPrices:
    """The prices for ``13C NMR`` or ``1H NMR``; raises ``KeyError`` for another technique."""
    table = json.loads(resource("tables", "peak_matching.json").read_text(encoding="utf-8"))
    return MatchingPrices.from_dict(table[technique])


@dataclass(frozen=True)
class RankingConstants:
    """How costs of whole spectra become probabilities of molecules.

    ``temperature`` divides the costs (errors of one spectrum are not independent); ``proton``
    weighs the 1H spectrum beside the 13C spectrum.
    """

    temperature: float
    proton: float

    def weight(self, technique: str) -> float:
        return self.proton if technique == "1H NMR" else 1.0


@cache
def ranking_constants() -> RankingConstants:
    """The constants that ship with the prices."""
    table = json.loads(resource("tables", "peak_matching.json").read_text(encoding="utf-8"))
    return RankingConstants(**table["ranking"])


@dataclass(frozen=True, eq=False)
class Matching:
    """The cheapest matching of one spectrum.

    ``peaks[i]``: the numbers of the peaks of signal ``i`` (none, one, or two by descending shift);
    ``confidence[i]``: the probability that they are the true ones; ``extra``: the peaks that no
    signal took; ``cost`` in nats.
    """

    peaks: tuple[tuple[int, ...], ...]
    confidence: np.ndarray
    extra: tuple[int, ...]
    cost: float


@dataclass
class _Rows:
    """What is to be matched: a row for each signal, two for one that is split.

    ``costs`` ``(rows, peaks)`` and ``missing`` ``(rows,)`` in nats; ``signal`` ``(rows,)``.
    """

    costs: np.ndarray
    missing: np.ndarray
    signal: np.ndarray
    price: float = 0.0
    shared: np.ndarray = field(default_factory=lambda: np.zeros(0))


def match_peaks(
    signals: Sequence[ExpectedSignal],
    peaks: Sequence,
    prices: MatchingPrices,
    fixed: Mapping[int, Sequence[int]] | None = None,
    corrections: np.ndarray | None = None,
    with_confidence: bool = True,
) -> Matching:
    """The cheapest matching of observed peaks (:class:`ObservedPeak`) to expected signals.

    ``fixed`` maps a signal's number to the numbers of the peaks that it must have (none, one or
    two). ``corrections`` ``(signals,)`` in ppm is added to the predicted shifts. Without
    ``with_confidence`` all confidences are NaN, which is quicker. Raises ``ValueError`` where a
    fixed pair names a signal or peak that is not there.
    """
    fixed = _checked(fixed or {}, len(signals), len(peaks))
    if not signals:
        return Matching((), np.zeros(0), tuple(range(len(peaks))), prices.extra * len(peaks))
    single, double = _tables(signals, peaks, prices, corrections)
    choices = _Choices(signals, peaks, prices, single, double, fixed)
    halved = {i for i, own in fixed.items() if len(own) > 1}
    rows = choices.rows(halved)
    chosen, cost = _cheapest(rows, prices)
    free = [i for i, s in enumerate(signals) if prices.split.get(s.kind, 0) > 0 and i not in fixed]
    # A signal is split where that makes the whole matching cheaper, the likeliest first.
    free.sort(key=lambda i: -prices.split[signals[i].kind])
    improved = bool(free) and len(peaks) > 1
    while improved:
        improved = False
        for i in free:
            trial = halved ^ {i}
            rows_then = choices.rows(trial)
            chosen_then, cost_then = _cheapest(rows_then, prices)
            if cost_then < cost - 1e-9:
                halved, rows, chosen, cost = trial, rows_then, chosen_then, cost_then
                improved = True
    found: list[list[int]] = [[] for _ in signals]
    for row, peak in enumerate(chosen):
        if peak >= 0 and peak not in found[rows.signal[row]]:
            found[rows.signal[row]].append(int(peak))
    confidence = np.full(len(signals), np.nan)
    if with_confidence:
        shares = _marginals(rows, prices)
        certain = np.ones(len(signals))
        np.multiply.at(certain, rows.signal, shares[np.arange(len(chosen)), chosen])
        confidence = _calibrated(certain, prices)
        confidence[list(fixed)] = 1.0
    ordered = tuple(tuple(sorted(own, key=lambda j: -peaks[j].ppm)) for own in found)
    taken = {j for own in ordered for j in own}
    return Matching(
        ordered, confidence, tuple(j for j in range(len(peaks)) if j not in taken), float(cost)
    )


def peak_probabilities(
    signals: Sequence[ExpectedSignal], peaks: Sequence, prices: MatchingPrices
) -> np.ndarray:
    """The probability ``(signals, peaks + 1)`` of each peak for each signal; the last is no peak.

    Signals count with one peak each. Uncalibrated marginals over all matchings.
    """
    single, double = _tables(signals, peaks, prices, None)
    rows = _Choices(signals, peaks, prices, single, double, {}).rows(set())
    return _marginals(rows, prices)


def _checked(fixed, signals: int, peaks: int) -> dict[int, tuple[int, ...]]:
    for signal, own in fixed.items():
        if not 0 <= signal < signals:
            raise ValueError(f"signal {signal} of {signals} is to be fixed")
        if len(own) > 2 or not all(0 <= peak < peaks for peak in own):
            raise ValueError(f"peaks {list(own)} of {peaks} are to be fixed to one signal")
    return {signal: tuple(own) for signal, own in fixed.items()}


# --- prices --------------------------------------------------------------------------------------


def _tables(signals, peaks, prices: MatchingPrices, corrections):
    """Minus log density of each peak for each signal ``(n, m)``, and for its halves ``(2, n, m)``,
    with all evidence but the shifts of the others."""
    n, m = len(signals), len(peaks)
    observed = np.array([peak.ppm for peak in peaks], float).reshape(1, m)
    places = np.array([s.ppm for s in signals], float).reshape(n, 1)
    if corrections is not None:
        places = places + np.asarray(corrections, float).reshape(n, 1)
    sizes = np.array([s.uncertainty for s in signals], float).reshape(n, 1)
    scale = deviation_scale(sizes, prices)
    other = _other_evidence(signals, peaks, prices)
    single = student_cost(observed - places, scale, prices.freedom) + other
    half = np.array([s.split for s in signals], float).reshape(n, 1) / 2
    wide = np.hypot(scale, np.where(half > 0, half / 2, prices.apart))
    double = np.stack(
        [
            student_cost(observed - places - sign * half, wide, prices.freedom) + other
            for sign in (1, -1)
        ]
    )
    return single, double


def deviation_scale(uncertainty: np.ndarray | float, prices: MatchingPrices) -> np.ndarray:
    """The scale (ppm) of Student's t distribution of the deviations from a predicted shift."""
    return np.hypot(prices.scale * np.asarray(uncertainty, float), prices.floor)


def student_entropy(freedom: float) -> float:
    """The mean of :func:`student_cost` at a scale of 1 ppm: the entropy in nats."""
    from scipy.special import betaln, digamma

    half = (freedom + 1) / 2
    return float(
        half * (digamma(half) - digamma(freedom / 2))
        + 0.5 * np.log(freedom)
        + betaln(freedom / 2, 0.5)
    )


def student_cost(deviation: np.ndarray, scale: np.ndarray, freedom: float) -> np.ndarray:
    """Minus the log density (1/ppm) of Student's t distribution at a deviation in ppm."""
    from scipy.special import gammaln

    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi)
    return (
        0.5 * (freedom + 1) * np.log1p((deviation / scale) ** 2 / freedom)
        + np.log(scale)
        - constant
    )


def _other_evidence(signals, peaks, prices: MatchingPrices) -> np.ndarray:
    """What hydrogens, integrals and patterns say, ``(n, m)`` in nats; 0 where nothing is known."""
    price = np.zeros((len(signals), len(peaks)))
    wrong = prices.wrong_hydrogens
    carbon = bool(signals) and signals[0].technique == "13C NMR"
    for j, peak in enumerate(peaks):
        attached = peak.attached if carbon else None
        if attached is not None:
            right = np.array([s.hydrogens == attached for s in signals])
            price[:, j] += np.where(right, -np.log1p(-wrong), -np.log(wrong / 3))
        if carbon:
            continue
        if peak.nuclei is not None and np.isfinite(peak.nuclei) and peak.nuclei > 0:
            price[:, j] += [_integral_price(s, float(peak.nuclei)) for s in signals]
        couplings = couplings_of(peak.multiplicity)
        if couplings is not None:
            price[:, j] += [_pattern_price(s, couplings, prices.pattern) for s in signals]
    return price


def _integral_price(signal: ExpectedSignal, integral: float) -> float:
    """A signal has at most the peak's nuclei; what is left must come from other signals."""
    nuclei = signal.nuclei / (2 if signal.kind.startswith("CH2") and integral < 1.5 else 1)
    off = (nuclei - integral) / (0.15 + 0.12 * integral)
    if off > 0:
        return min(0.5 * off * off, _LARGEST_INTEGRAL_PRICE)
    return min(0.125 * off * off, 1.5)


_COUPLINGS = {
    "s": 0, "br s": 0, "d": 1, "t": 2, "q": 3, "quint": 4, "quin": 4, "p": 4, "sext": 5, "sxt": 5,
    "hex": 5, "sept": 6, "spt": 6, "hept": 6, "oct": 7, "non": 8,
}  # fmt: skip


def couplings_of(pattern: str | None) -> int | None:
    """How many couplings a 1H pattern shows (``dd``: 2, ``q``: 3); None for ``m`` and unknowns."""
    if not pattern or not isinstance(pattern, str):
        return None
    text = pattern.strip().lower()
    if text.startswith(("br", "b")):
        return None
    if text in _COUPLINGS:
        return _COUPLINGS[text]
    if all(letter in "sdtq" for letter in text):
        return sum(_COUPLINGS[letter] for letter in text)
    return None


def _pattern_price(signal: ExpectedSignal, couplings: int, price: float) -> float:
    if signal.neighbours is None:
        return 0.0
    low, high = signal.neighbours
    return price * min(max(low - couplings, couplings - high, 0), 4)


# --- the matching --------------------------------------------------------------------------------


class _Choices:
    """Rows of costs for any choice of the signals that are split."""

    def __init__(self, signals, peaks, prices, single, double, fixed) -> None:
        n = len(signals)
        missing = np.array([prices.missing.get(s.kind, 0.02) for s in signals])
        split = np.array([prices.split.get(s.kind, 0.0) for s in signals])
        self.shared = np.array([self._shared_price(p, prices) for p in peaks])
        with np.errstate(divide="ignore"):
            self.whole = -np.log1p(-np.minimum(split, 0.99))
            self.split = np.minimum(-np.log(split), _FORBIDDEN)
        self.missing = -np.log(np.clip(missing, 1e-6, 1))
        self.single = single - np.log1p(-np.clip(missing, 0, 0.95))[:, None]
        self.double = double
        self.signals = n
        for i, own in fixed.items():
            self._fix(i, own)

    @staticmethod
    def _shared_price(peak, prices: MatchingPrices) -> float:
        integral = peak.nuclei
        # A peak of many nuclei holds several signals more often than one of a single nucleus.
        if integral is None or not np.isfinite(integral):
            return prices.shared
        return prices.shared + (1.5 if integral < 1.5 else -1.0)

    def _fix(self, i: int, own: tuple[int, ...]) -> None:
        self.missing[i] = 0.0 if not own else _FORBIDDEN
        for table, places in ((self.single[i], own), *zip(self.double[:, i], own, strict=False)):
            kept = np.atleast_1d(places).astype(int)
            values = table[kept].copy()
            table[:] = _FORBIDDEN
            # A pair that a person fixed is not judged.
            table[kept] = np.minimum(values, 20.0)

    def rows(self, halved: set[int]) -> _Rows:
        whole = np.array([i for i in range(self.signals) if i not in halved], int)
        parts = np.array(sorted(halved), int)
        never = np.full(len(parts), _FORBIDDEN)
        price = float(self.whole[whole].sum() + self.split[parts].sum())
        return _Rows(
            np.concatenate([self.single[whole], self.double[0][parts], self.double[1][parts]]),
            np.concatenate([self.missing[whole], never, never]),
            np.concatenate([whole, parts, parts]),
            price,
            self.shared,
        )


def _cheapest(rows: _Rows, prices: MatchingPrices) -> tuple[np.ndarray, float]:
    """The peak of each row (-1 for none) in the cheapest matching, and its cost.

    An assignment problem: each peak is a column once with the price of an extra peak taken off,
    and further times at the price of sharing; each row has a column of its own for no peak.
    """
    from scipy.optimize import linear_sum_assignment

    n, m = rows.costs.shape
    if m == 0:
        return np.full(n, -1), float(rows.missing.sum()) + rows.price
    copies = [rows.costs - prices.extra]
    copies += [rows.costs + rows.shared] * (min(_MOST_ON_ONE_PEAK, n) - 1)
    none = np.full((n, n), _FORBIDDEN)
    np.fill_diagonal(none, rows.missing)
    table = np.concatenate([*copies, none], axis=1)
    at, column = linear_sum_assignment(table)
    total = float(table[at, column].sum()) + prices.extra * m + rows.price
    chosen = np.where(column < m * len(copies), column % m, -1)
    return chosen, total


def _marginals(rows: _Rows, prices: MatchingPrices) -> np.ndarray:
    """The probability ``(rows, peaks + 1)`` of each peak for each row, the last that it has none.

    A peak with k signals weighs exp(-extra) for k = 0 and exp(-shared (k - 1)) for k > 0. Rows
    that compete for the same few peaks are summed over exactly, larger sets of them by messages.
    """
    heat = prices.temperature
    n, m = rows.costs.shape
    if m == 0:
        return np.ones((n, 1))
    lowest = np.minimum(rows.costs.min(1), rows.missing)
    weight = np.exp(-(rows.costs - lowest[:, None]) / heat)
    none = np.exp(-(rows.missing - lowest) / heat)
    empty = float(np.exp(-prices.extra / heat))
    shared = np.exp(-np.clip(rows.shared, 0.05, None) / heat)
    result = _by_messages(weight, none, empty, shared)
    weight = np.where((weight > _NEGLIGIBLE) | (result[:, :m] > _NEGLIGIBLE), weight, 0.0)
    for own, places in _components(weight):
        if 0 < len(places) <= _MOST_EXACT and len(own) <= 2 * _MOST_EXACT:
            part = _exactly(weight[np.ix_(own, places)], none[own], empty, shared[places])
            result[own] = 0.0
            result[np.ix_(own, np.append(places, m))] = part
    return result


def _components(weight: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The sets of rows and peaks ``(rows, peaks)`` that weights above 0 connect."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, m = weight.shape
    row, peak = np.nonzero(weight)
    graph = coo_array((np.ones(len(row)), (row, n + peak)), shape=(n + m, n + m))
    count, label = connected_components(graph, directed=False)
    del count
    return [
        (np.flatnonzero(label[:n] == number), np.flatnonzero(label[n:] == number))
        for number in np.unique(label[:n])
    ]


def _exactly(weight: np.ndarray, none: np.ndarray, empty: float, shared: np.ndarray) -> np.ndarray:
    """The marginals ``(n, m + 1)`` over all matchings of ``n`` rows and ``m`` peaks.

    Row by row over the ``2**m`` sets of peaks that are taken already, forwards and backwards.
    """
    n, m = weight.shape
    sets = np.arange(2**m)
    taken = (sets[:, None] >> np.arange(m)) & 1 > 0
    after = sets[:, None] | (1 << np.arange(m))
    # What it weighs that a row goes to a peak, given the set taken before it: (sets, m).
    price = np.where(taken, shared, 1.0)
    forward = np.zeros((n + 1, 2**m))
    forward[0, 0] = 1.0
    for i in range(n):
        forward[i + 1] = forward[i] * none[i]
        for j in range(m):
            np.add.at(forward[i + 1], after[:, j], forward[i] * weight[i, j] * price[:, j])
        forward[i + 1] /= forward[i + 1].max()
    backward = np.power(max(empty, 1e-12), m - taken.sum(1)).astype(float)
    result = np.zeros((n, m + 1))
    for i in reversed(range(n)):
        steps = weight[i] * price * backward[after]
        result[i, :m] = forward[i] @ steps
        result[i, m] = (forward[i] * none[i]) @ backward
        backward = steps.sum(1) + none[i] * backward
        backward /= backward.max()
    return result / result.sum(1, keepdims=True)


def _by_messages(
    weight: np.ndarray, none: np.ndarray, empty: float, shared: np.ndarray
) -> np.ndarray:
    """The marginals by sum-product messages between rows and peaks: the Bethe approximation of the
    permanent (Vontobel, IEEE Trans. Inf. Theory 2013, 59, 1866). For these weights of peaks the
    sum over all subsets of rows is a product over rows. It is too sure where two rows may be
    exchanged."""
    n, m = weight.shape
    message = np.ones((n, m))
    for _ in range(_ROUNDS):
        product = weight * message
        rest = none[:, None] + product.sum(1, keepdims=True) - product
        odds = weight / np.maximum(rest, 1e-300)
        logs = np.log1p(shared * odds)
        others = np.exp(np.minimum(logs.sum(0) - logs, 300.0))
        new = others / (empty + (others - 1) / shared)
        new = message**_DAMPING * new ** (1 - _DAMPING)
        change = np.abs(np.log(new) - np.log(message)).max()
        message = new
        if change < 1e-4:
            break
    product = np.concatenate([weight * message, none[:, None]], axis=1)
    return product / product.sum(1, keepdims=True)


def _calibrated(probability: np.ndarray, prices: MatchingPrices) -> np.ndarray:
    from scipy.special import expit, logit

    slope, offset = prices.confidence
    return expit(slope * logit(np.clip(probability, 1e-6, 1 - 1e-6)) + offset)


def with_prices(prices: MatchingPrices, **changes: Any) -> MatchingPrices:
    """The same prices with some changed."""
    return replace(prices, **changes)
