"""The retrieval benchmark: measured spectra looked up in libraries of 10^2 to 10^6 molecules."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.observed_peaks import ObservedPeak, peak_list
from engine.evaluation.retrieval_baselines import EnvironmentLibrary, embedding_scores
from engine.library.group_model import NoModelError
from engine.library.library_build import BuildProgress, build_library
from engine.library.library_files import LibraryError, library_path
from engine.library.library_search import (
    SHORTLIST,
    alignment_costs,
    search_library,
    tabulated_scores,
)
from engine.library.molecule_library import MoleculeLibrary
from engine.training.group_tables import MissingTableError, table_rows

SIZES = (100, 1_000, 10_000)
QUERIES = 1_000
TOPS = (1, 5, 10, 25)

EMBEDDINGS = {
    "K-M3AID as in the paper, embedding alone": "alignment-k-m3aid-paper",
    "K-M3AID extended, embedding alone": "alignment-k-m3aid",
}
"""The alignment models by the names of their files."""

_LIBRARY_FILE = "library_smiles.txt.gz"
_SEED = 0
_TIMED = 200
_LARGEST_EXACT = 10_000

Peaks = dict[str, tuple[ObservedPeak, ...]]


@dataclass(frozen=True, eq=False)
class Query:
    """A measured molecule: its key, formula, and its number in the library of the queries."""

    key: str
    carbon: tuple[ObservedPeak, ...]
    carbon_with_hydrogens: tuple[ObservedPeak, ...]
    proton: tuple[ObservedPeak, ...]
    number: int
    formula: str

    def evidence(self, name: str) -> Peaks | None:
        """The peaks of one of :data:`EVIDENCE`; None where a part of them was not measured."""
        carbon = self.carbon_with_hydrogens if "multiplicities" in name else self.carbon
        if "1H" not in name:
            return {"13C NMR": carbon}
        return {"13C NMR": carbon, "1H NMR": self.proton} if self.proton else None


EVIDENCE = ("13C", "13C, multiplicities", "13C + 1H", "13C, multiplicities + 1H")


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark retrieval`` asks for it."""
    return retrieval_benchmark(
        options.data, options.split, options.sizes or SIZES, options.queries or QUERIES,
        options.folder / "libraries", report,
    )  # fmt: skip


def retrieval_benchmark(
    data: Path,
    split: str,
    sizes: Sequence[int] = SIZES,
    queries: int = QUERIES,
    folder: Path = Path("runs/libraries"),
    report: Callable[[str], None] = lambda line: None,
    workers: int = 2,
) -> dict[str, Any]:
    """How often the own molecule of a 13C spectrum is among the first 1, 5, 10 and 25.

    The queries are the first ``queries`` rows with 13C of a seeded shuffle of the split. A library
    of size ``n`` is the first ``n`` molecules of ``library_smiles.txt.gz`` with the molecules of
    all queries (``"all queries"``), or with that of the query alone (``"own molecule"``). Molecules
    are the same when the first blocks of their InChIKeys are; ties count against us, and a molecule
    that is not in the shortlist is not found. Predicted libraries are kept in ``folder`` and made
    once for each model. Raises ``MissingTableError`` when a table is not in ``data``.
    """
    sizes = tuple(sorted(set(sizes)))
    rows = [row for row in table_rows(data, "nmr", split) if row["c13"]]
    random.Random(_SEED).shuffle(rows)
    base = _library(data, sizes[-1], folder, workers, report)
    own = _query_library(rows[:queries], split, folder, report)
    asked = list(_queries(rows[:queries], own))
    if not asked:
        raise MissingTableError(f"no 13C spectra of split {split!r} in {data}")
    table: list[dict[str, Any]] = []
    speed: dict[str, Any] = {}
    ranking = _Ranking(base, own, sizes)
    for name in EVIDENCE:
        report(f"searching with {name}")
        of = [(q, q.evidence(name)) for q in asked]
        of = [(q, peaks) for q, peaks in of if peaks is not None]
        if not of:
            continue
        results = [ranking.ranks(q, peaks) for q, peaks in of]
        table += _table(name, [q for q, _ in of], results, sizes)
        report(_summary(table, name, "all queries"))
        speed[name] = _speed(base, [peaks for _, peaks in of[:_TIMED]])
        if name == "13C + 1H":  # the same queries without their 1H
            results = [ranking.ranks(q, q.evidence("13C")) for q, _ in of]
            table += _table("13C, of those with 1H", [q for q, _ in of], results, sizes)
    table += _baselines(data, base, own, asked, sizes, report)
    report("comparing with the alignment of all molecules")
    return {
        "benchmark": "retrieval",
        "split": split,
        "queries": len(asked),
        "model": base.manifest.model,
        "library": len(base),
        "shortlist": SHORTLIST,
        "rows": table,
        "milliseconds": speed,
        "recall": _recall(base, asked, sizes),
    }


def _library(data, size: int, folder: Path, workers: int, report) -> MoleculeLibrary:
    """The first molecules of the table's library; one that is larger serves too."""
    source = Path(data) / _LIBRARY_FILE
    if not source.is_file():
        raise MissingTableError(f"no {_LIBRARY_FILE} in {data}: give the folder with --data")
    slug = _model_slug()
    for path in sorted(folder.glob(f"retrieval {slug} *")):
        try:
            known = MoleculeLibrary.open(path)
        except LibraryError:
            continue
        if len(known) >= size:
            return known
    # Some records are no molecules, some repeat one: a little more makes the size.
    limit = size + max(50, size // 50)
    name = f"retrieval {slug} {size}"
    return build_library(
        name, source, folder=folder, workers=workers, limit=limit, report=_Telling(report)
    )


def _query_library(rows, split: str, folder: Path, report) -> MoleculeLibrary:
    name = f"queries {split} {len(rows)} {_model_slug()}"
    try:
        return MoleculeLibrary.open(library_path(name, folder))
    except LibraryError:
        pass
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / f"{name}.smi"
    listed.write_text("".join(f"{row['smiles']} {row['key']}\n" for row in rows), encoding="utf-8")
    return build_library(name, listed, folder=folder, report=_Telling(report))


def _model_slug() -> str:
    """The weights that ship, as a part of a library's name: another file, another library."""
    from engine.installation import model
    from engine.library.shift_model import DEFAULT_MODEL

    try:
        weights = model(f"{DEFAULT_MODEL}.safetensors").read_bytes()
    except FileNotFoundError as error:
        raise NoModelError(f"no trained model for chemical shifts: {error}") from error
    return hashlib.sha256(weights).hexdigest()[:10]


class _Telling:
    def __init__(self, report: Callable[[str], None]) -> None:
        self._report, self._start, self._told = report, time.monotonic(), 0.0

    def __call__(self, progress: BuildProgress) -> None:
        now = time.monotonic()
        if now - self._told > 15:
            self._told = now
            self._report(
                f"{progress.stage}: {progress.molecules:,} molecules in {now - self._start:.0f} s"
            )


def _queries(rows: Sequence[dict], own: MoleculeLibrary) -> Iterator[Query]:
    for row in rows:
        number = own.with_key(row["key"])
        carbon = peak_list(row["c13"], multiplicities=False)
        if number is None or not carbon:
            continue
        yield Query(
            row["key"], carbon, peak_list(row["c13"]),
            peak_list(row["h1"], multiplicities=False), number, own.formula(number),
        )  # fmt: skip


class _Ranking:
    """The rank of a query's own molecule in each size of library, searched as a user's is."""

    def __init__(self, base: MoleculeLibrary, own: MoleculeLibrary, sizes: Sequence[int]) -> None:
        self._base, self._own = base, own
        self._ends = [min(size, len(base)) for size in sizes]

    def ranks(self, query: Query, peaks: Peaks) -> dict[str, list[float]]:
        """For each of the ways to put together a library its ranks by size; infinity: not found."""
        base, own = self._base, self._own
        twin = base.with_key(query.key)
        scores = tabulated_scores(base, peaks)
        own_scores = tabulated_scores(own, peaks)
        others = np.flatnonzero(np.arange(len(own)) != query.number)
        own_score = own_scores[query.number]
        lists, found = [], []
        for end in self._ends:
            values = scores[:end]
            count = min(SHORTLIST, end)
            best = np.argpartition(values, end - count)[end - count :]
            lists.append(best)
            found.append(own_score >= values[best].min() if end > SHORTLIST else True)
        numbers = np.unique(np.concatenate(lists))
        costs = alignment_costs(base, peaks, numbers)
        if twin is not None:
            costs[numbers == twin] = np.inf
        own_cost = float(alignment_costs(own, peaks, np.array([query.number]))[0])
        better_own = int((alignment_costs(own, peaks, others) <= own_cost).sum())
        beaten = np.zeros(len(base), bool)
        beaten[numbers[costs <= own_cost]] = True
        alone, together = [], []
        for best, seen in zip(lists, found, strict=True):
            rank = 1 + int(beaten[best].sum())
            alone.append(float(rank) if seen else np.inf)
            together.append(float(rank + better_own) if seen else np.inf)
        return {
            "own molecule": alone,
            "all queries": together,
            "formula known": self._with_formula(query, peaks, own_cost, twin),
        }

    def _with_formula(self, query, peaks, own_cost: float, twin: int | None) -> list[float]:
        same = self._base.with_formula(query.formula)
        same = same[same != twin] if twin is not None else same
        costs = alignment_costs(self._base, peaks, same) if len(same) else np.zeros(0)
        mine = self._own.with_formula(query.formula)
        mine = mine[mine != query.number]
        extra = alignment_costs(self._own, peaks, mine) if len(mine) else np.zeros(0)
        better = int((extra <= own_cost).sum())
        return [
            float(1 + better + int((costs[same < end] <= own_cost).sum())) for end in self._ends
        ]


def _table(name: str, queries, results, sizes) -> list[dict[str, Any]]:
    rows = []
    for which in ("own molecule", "all queries", "formula known"):
        ranks = np.array([found[which] for found in results])
        rows += score_rows(name, which, queries, ranks, sizes)
    return rows


def score_rows(method: str, library: str, queries, ranks: np.ndarray, sizes) -> list[dict]:
    """Rows of the table for ranks ``(queries, sizes)``, of all and of those with 4 peaks and up."""
    peaks = np.array([len(q.carbon) for q in queries])
    rows = []
    for which, chosen in (("all", peaks > 0), ("4 peaks and more", peaks >= 4)):
        for column, size in enumerate(sizes):
            held = ranks[chosen, column]
            rows.append(
                {"method": method, "library": library, "spectra": which, "size": size,
                 "queries": int(chosen.sum())}
                | {f"top {k}": float((held <= k).mean()) if len(held) else None for k in TOPS}
            )  # fmt: skip
    return rows


def _speed(base: MoleculeLibrary, queries: Sequence[Peaks]) -> dict[str, float]:
    """Milliseconds of a search in the whole library, as a user waits for it, once it is open."""
    took = []
    for peaks in queries:
        start = time.perf_counter()
        search_library(base, peaks)
        took.append((time.perf_counter() - start) * 1000)
    return {"median": float(np.median(took)), "slowest of 20": float(np.quantile(took, 0.95))}


def _recall(base: MoleculeLibrary, queries: Sequence[Query], sizes) -> dict[str, float]:
    """How often the best molecule of all, as alignment with every one finds it, is shortlisted."""
    end = min(_LARGEST_EXACT, len(base))
    everything = np.arange(end)
    kept = {size: 0 for size in (100, 300, SHORTLIST) if size < end}
    some = queries[:_TIMED]
    for query in some:
        peaks = query.evidence("13C")
        best = int(np.argmin(alignment_costs(base, peaks, everything)))
        scores = tabulated_scores(base, peaks)[:end]
        place = int((scores >= scores[best]).sum())
        for size in kept:
            kept[size] += place <= size
    return {f"{size} of {end}": count / len(some) for size, count in kept.items()}


def _baselines(data, base, own, queries, sizes, report) -> list[dict[str, Any]]:
    rows = []
    report("searching by tabulated intensities alone")
    ends = [min(size, len(base)) for size in sizes]

    def ranked(score: Callable[[Query], tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
        alone, together = [], []
        for query in queries:
            of_base, of_own = score(query)
            twin = base.with_key(query.key)
            if twin is not None and twin < len(of_base):
                of_base[twin] = -np.inf
            mine = of_own[query.number]
            better = int((of_own >= mine).sum()) - 1
            ends_here = [end for end in ends if end <= len(of_base)]
            counts = [1 + int((of_base[:end] >= mine).sum()) for end in ends_here]
            alone.append(counts)
            together.append([count + better for count in counts])
        return {"own molecule": np.array(alone), "all queries": np.array(together)}

    def tabulated(query: Query) -> tuple[np.ndarray, np.ndarray]:
        peaks = query.evidence("13C")
        return tabulated_scores(base, peaks), tabulated_scores(own, peaks)

    scorers = [("tabulated intensities alone", tabulated)]
    for title, name in EMBEDDINGS.items():
        embedding = embedding_scores(name, base, own, report)
        if embedding is not None:
            scorers.append((title, embedding))
    for name, scorer in scorers:
        for library, ranks in ranked(scorer).items():
            rows += score_rows(name, library, queries, ranks, sizes[: ranks.shape[1]])
        report(_summary(rows, name, "all queries"))
    report("predicting by mean shifts per environment")
    environments = EnvironmentLibrary.made(data, base, own, ends[-1], report)
    some = queries[: environments.queries]
    for library, ranks in environments.ranks(some, base, ends).items():
        rows += score_rows("mean shifts per environment, nearest peak", library, some, ranks,
                           sizes[: ranks.shape[1]])  # fmt: skip
    return rows


def format_table(result: dict[str, Any]) -> str:
    """The benchmark as a Markdown table: top 1/5/10/25 in percent by the size of the library."""
    sizes = list(dict.fromkeys(row["size"] for row in result["rows"]))
    groups: dict[tuple, dict[int, dict]] = {}
    for row in result["rows"]:
        groups.setdefault((row["method"], row["library"], row["spectra"]), {})[row["size"]] = row
    lines = [
        f"| method | library with | spectra | n | {' | '.join(f'{s:,}' for s in sizes)} |",
        f"|---|---|---|--:|{'--:|' * len(sizes)}",
    ]
    for about, by_size in groups.items():
        queries = next(iter(by_size.values()))["queries"]
        cells = [
            "/".join(_percent(by_size[size][f"top {k}"]) for k in TOPS) if size in by_size else ""
            for size in sizes
        ]
        lines.append(f"| {' | '.join((*about, str(queries), *cells))} |")
    speed = "; ".join(f"{n} {v['median']:.0f}" for n, v in result["milliseconds"].items())
    recall = "; ".join(f"{n} {v:.1%}" for n, v in result["recall"].items())
    lines += [
        "",
        f"split {result['split']}, {result['queries']} queries, {result['model']}; "
        "top 1/5/10/25 in percent",
        f"milliseconds a query at {result['library']:,} molecules: {speed}",
        f"the best of all molecules is in the shortlist: {recall or 'all were compared'}",
    ]
    return "\n".join(lines)


def _summary(rows: Sequence[dict[str, Any]], method: str, library: str) -> str:
    """The share of first places by size, told as soon as it is known."""
    own = [
        row for row in rows
        if (row["method"], row["library"], row["spectra"]) == (method, library, "all")
    ]  # fmt: skip
    shares = ", ".join(f"{_percent(row['top 1'])} % of {row['size']:,}" for row in own)
    return f"{method}: first {shares}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
