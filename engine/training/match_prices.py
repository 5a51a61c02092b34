"""Fits the prices of a spectrum's reading (:data:`engine.chemistry.spectrum_match.PRICES`).

``python -m engine.training.match_prices --data DIR`` prints them, as they stand there. The measured
molecules of the validation split are told apart from the molecules of a library that fit best; the
prices are those that make the own molecule most probable, by changing one after the other.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.chemistry.observed_peaks import ObservedPeak, peak_list
from engine.chemistry.predicted_shifts import ShiftPredictor
from engine.chemistry.spectrum_match import PRICES, MatchPrices, SignalRows, match_costs
from engine.library.library_build import build_library
from engine.library.library_search import alignment_costs, tabulated_scores
from engine.training.group_tables import table_rows

DECOYS = 120
QUERIES = 400
LIBRARY = 10_000

_ROUNDS = 2
_LEAST_GAIN = 1e-3
# How each price is changed: by a factor, or by a sum (nats); and its least and greatest value.
_FACTORS = {
    "degrees": (1.5, 1.5, 10.0), "factor": (1.25, 0.2, 3.0), "floor": (1.4, 0.01, 2.0),
    "width": (1.5, 0.02, 3.0), "weight": (1.3, 0.05, 2.0),
}  # fmt: skip
_SUMS = {
    "extra": (1.0, 2.0, 15.0), "wrong_hydrogens": (1.0, 1.0, 10.0), "split": (1.0, 0.5, 20.0),
    "missing_exchangeable": (0.3, 0.1, 6.0),
}  # fmt: skip
_MISSING = (0.5, 0.3, 6.0)
_OF_TECHNIQUE = {
    "13C NMR": ("degrees", "factor", "floor", "width", "extra", "wrong_hydrogens", "missing"),
    "1H NMR": ("degrees", "factor", "floor", "width", "extra", "split", "missing_exchangeable",
               "missing", "weight"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trial:
    """One reading to be priced: peaks, the signals of the own molecule first and then those of
    others, and what other evidence costs each, ``(K,)``."""

    peaks: tuple[ObservedPeak, ...]
    rows: SignalRows
    beside: np.ndarray


def fitted_prices(
    technique: str, trials: Sequence[Trial], report: Callable[[str], None] = lambda line: None
) -> MatchPrices:
    """The prices with the least :func:`surprise`, from those of today on."""
    prices = PRICES[technique]
    least = surprise(trials, prices)
    report(f"{technique}: {least:.4f}")
    for part in (1.0, 0.5)[:_ROUNDS]:
        for name in _OF_TECHNIQUE[technique]:
            for place in range(4) if name == "missing" else (None,):
                for sign in (1, -1):
                    changed, value = _changed(prices, name, place, sign * part), None
                    while changed != prices:
                        value = surprise(trials, changed)
                        if value > least - _LEAST_GAIN:
                            break
                        prices, least = changed, value
                        changed = _changed(prices, name, place, sign * part)
            report(f"{technique}, {name}: {least:.4f}")
    return prices


def surprise(trials: Sequence[Trial], prices: MatchPrices) -> float:
    """Minus the logarithm of the own molecule's probability (nats), mean over the trials."""
    total = 0.0
    for trial in trials:
        costs = trial.beside + match_costs(trial.peaks, trial.rows, prices)
        lower = costs.min() - costs
        total -= lower[0] - np.log(np.exp(lower).sum())
    return float(total / max(len(trials), 1))


def _changed(prices: MatchPrices, name: str, place: int | None, step: float) -> MatchPrices:
    if name == "missing":
        size, least, most = _MISSING
        values = list(prices.missing)
        values[place] = round(float(np.clip(values[place] + step * size, least, most)), 3)
        return replace(prices, missing=tuple(values))
    if name in _FACTORS:
        size, least, most = _FACTORS[name]
        value = getattr(prices, name) * size**step
    else:
        size, least, most = _SUMS[name]
        value = getattr(prices, name) + step * size
    return replace(prices, **{name: round(float(np.clip(value, least, most)), 4)})


def price_trials(
    data: Path,
    folder: Path,
    predictor: ShiftPredictor | None = None,
    queries: int = QUERIES,
    library: int = LIBRARY,
    seed: int = 1,
) -> dict[str, list[Trial]]:
    """Trials of 13C, with and without multiplicities, and of 1H beside 13C, from the valid split.

    Raises ``MissingTableError`` when a table is not in ``data``.
    """
    rows = [row for row in table_rows(data, "nmr", "valid") if row["c13"]]
    random.Random(seed).shuffle(rows)
    chosen = rows[:queries]
    decoys = build_library(
        "fit of prices", data / "library_smiles.txt.gz", predictor, folder, limit=library,
        extra=[row["smiles"] for row in chosen],
    )  # fmt: skip
    trials: dict[str, list[Trial]] = {technique: [] for technique in PRICES}
    for row in chosen:
        own = decoys.with_key(row["key"])
        peaks = {"13C NMR": peak_list(row["c13"], multiplicities=False)}
        if own is None or not peaks["13C NMR"]:
            continue
        best = np.argsort(-tabulated_scores(decoys, peaks))[: 4 * DECOYS]
        best = best[np.argsort(alignment_costs(decoys, peaks, best))[:DECOYS]]
        numbers = np.concatenate([[own], best[best != own]])
        carbon = decoys.signal_rows("13C NMR", numbers)
        nothing = np.zeros(len(numbers))
        trials["13C NMR"] += [
            Trial(peaks["13C NMR"], carbon, nothing),
            Trial(peak_list(row["c13"]), carbon, nothing),
        ]
        if row["h1"]:
            beside = match_costs(peaks["13C NMR"], carbon).astype(np.float64)
            proton = decoys.signal_rows("1H NMR", numbers)
            trials["1H NMR"].append(Trial(peak_list(row["h1"], False), proton, beside))
    return trials


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.training.match_prices")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the tables")
    parser.add_argument("--folder", type=Path, default=Path("runs/libraries"))
    parser.add_argument("--queries", type=int, default=QUERIES)
    options = parser.parse_args(arguments)
    trials = price_trials(options.data, options.folder, queries=options.queries)
    for technique, own in trials.items():
        if own:
            prices = fitted_prices(technique, own, lambda line: print(line, file=sys.stderr))
            print(f'    "{technique}": {prices},')
    return 0


if __name__ == "__main__":
    sys.exit(main())
