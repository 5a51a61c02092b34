"""The benchmark of importance maps: do they point where the network looks, and where chemists do?

Two tests of every method of :mod:`engine.encoding.attribution` and of the maps that are shown, on
groups that a molecule has and that the network names:

- deletion (:mod:`engine.evaluation.deletion`): the regions that a map calls the most important are
  taken out, more and more of them, beside as many at random;
- textbook windows (:mod:`engine.chemistry.map_windows`): the share of maps whose maximum lies in a
  window of a correlation table. ``signal`` beside it is the share of the spectrum's signal that
  lies in the windows: what a map that knows nothing would get.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.map_windows import MapWindow, map_windows, window_sources
from engine.encoding.attribution import (
    Maps,
    Spectra,
    gate_map,
    gradient_times_input,
    integrated_gradients,
    logits_of,
    masking_map,
)
from engine.encoding.channels import channel
from engine.evaluation.deletion import (
    COUNTS,
    area_between,
    deletions,
    regions_at_random,
    regions_by_map,
)
from engine.library.group_model import GroupModel, default_group_model, load_group_model
from engine.tasks.importance import group_maps
from engine.training.group_calibration import SUBSETS
from engine.training.group_tables import GroupRecord, read_group_records
from engine.training.group_tensors import EVALUATION_VARIANTS, renderings

INPUTS = {name: SUBSETS[name] for name in ("IR", "13C", "1H", "MS/MS+", "MS/MS-", "IR+13C+1H")}
SHOWN, MASKING, RANDOM = "shown", "masking", "random map"
RENDERING_SEED = 20
MOLECULES = 400
DRAWS = 5
_PER_LABEL = 25
_LABELS_DELETED = 2
_STEPS = 8
_ENOUGH = 10
_AIM = 0.8
_FIELDS = {
    "IR": "infrared", "13C NMR": "carbon", "1H NMR": "proton", "MS/MS+": "positive",
    "MS/MS-": "negative",
}  # fmt: skip


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The tables as ``specgui benchmark maps`` asks for them."""
    return map_benchmark(
        options.data, options.split, options.model, options.queries or MOLECULES, report=report
    )


def map_benchmark(
    data: Path,
    split: str,
    model: Path | None = None,
    molecules: int = MOLECULES,
    compared: int | None = None,
    seed: int = RENDERING_SEED,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Both tests for each of :data:`INPUTS`, on up to ``molecules`` of the split each.

    Of them ``compared`` (a fifth by default) are mapped by all methods and deleted from; the others
    test the windows of the shown maps and of masking alone. Raises :class:`MissingTableError` when
    the split's tables are not in ``data``, and ``ValueError`` for fewer than one molecule.
    """
    if molecules < 1:
        raise ValueError(f"{molecules} molecules; at least 1 is needed")
    compared = max(1, molecules // 5) if compared is None else compared
    loaded = load_group_model(model) if model else default_group_model()
    report(f"reading the {split} tables")
    records = read_group_records(data, split)
    windows, regions, areas, counts = [], [], [], {}
    for name, channels in INPUTS.items():
        rng = np.random.default_rng([seed, len(name), molecules])
        chosen = chosen_records(records, channels, molecules, rng)
        counts[name] = len(chosen)
        if not chosen:
            continue
        report(f"{name}: mapping {len(chosen)} molecules")
        test = _InputTest(loaded, channels, rng)
        for number, record in enumerate(chosen):
            test.add(record, _encoded(record, channels, seed), number < compared)
        windows += [{"input": name, **row} for row in test.window_rows()]
        regions += [{"input": name, **row} for row in test.region_rows()]
        areas += [{"input": name, **row} for row in test.area_rows()]
    return {
        "benchmark": "maps",
        "split": split,
        "seed": seed,
        "model": loaded.card.to_dict(),
        "molecules": counts,
        "compared": compared,
        "draws": DRAWS,
        "counts": list(COUNTS),
        "windows": windows,
        "regions": regions,
        "areas": areas,
        "sources": window_sources(),
    }


def chosen_records(
    records: Sequence[GroupRecord],
    channels: Sequence[str],
    molecules: int,
    rng: np.random.Generator,
) -> list[GroupRecord]:
    """Up to ``molecules`` that have all the channels: in turn one of each group, the rarest first,
    so that rare groups are seen often enough."""
    able = [r for r in records if all(getattr(r, _FIELDS[name]) for name in channels)]
    order = [able[i] for i in rng.permutation(len(able)).tolist()]
    if not order:
        return []
    truth = np.array([r.labels for r in order])
    queues = [np.flatnonzero(truth[:, k])[:_PER_LABEL].tolist() for k in range(truth.shape[1])]
    queues.sort(key=len)
    taken: dict[int, None] = {}
    for turn in range(_PER_LABEL):
        for queue in queues:
            if turn < len(queue):
                taken.setdefault(queue[turn])
    for index in range(len(order)):
        taken.setdefault(index)
    picked = [order[i] for i in list(taken)[:molecules]]
    return [picked[i] for i in rng.permutation(len(picked)).tolist()]


def _encoded(record: GroupRecord, channels: Sequence[str], seed: int) -> dict[str, np.ndarray]:
    drawn = renderings(record, EVALUATION_VARIANTS, seed)
    return {n: np.asarray(drawn[n][0], np.float32) for n in channels if len(drawn[n])}


def all_maps(
    model: GroupModel, spectra: Spectra, labels: Sequence[int], rng: np.random.Generator | None
) -> dict[str, Maps]:
    """The maps of some labels by every method, ``{method: {channel: (600, len(labels))}}``.

    With ``rng`` None only the maps that are shown and plain masking. Methods that a network does
    not allow (it has no gates) are left out.
    """
    function = logits_of(model.network)
    effects = masking_map(function, spectra)
    columns = list(labels)
    found = {
        SHOWN: _of(group_maps(effects, model.typical), columns),
        MASKING: _of(effects, columns),
    }
    if rng is None:
        return found
    found["specific masking"] = _of(group_maps(effects, {}), columns)
    found["gradient × input"] = gradient_times_input(model.network, spectra, columns)
    found["integrated gradients"] = integrated_gradients(model.network, spectra, columns, _STEPS)
    gates, by_token = _gates_and_token_masking(model, spectra)
    if gates:
        found["gates"] = {n: np.repeat(g[:, None], len(columns), 1) for n, g in gates.items()}
        found["gates × masking"] = {
            n: found[MASKING][n] * gates[n][:, None] for n in found[MASKING]
        }
    if by_token:
        found["gates × token masking"] = {
            n: np.clip(by_token[n][:, columns], 0, None) * gates[n][:, None] for n in by_token
        }
    found[RANDOM] = {n: rng.random((len(v), len(columns))) for n, v in spectra.items()}
    return found


def _of(maps: Maps, columns: list[int]) -> Maps:
    return {name: values[:, columns] for name, values in maps.items()}


def _gates_and_token_masking(model: GroupModel, spectra: Spectra) -> tuple[Maps, Maps]:
    """Gates ``(600,)`` and the effects of SymSpectra's own masking of gated tokens ``(600, K)``."""
    import torch

    rows = {n: torch.from_numpy(np.asarray(v, np.float32))[None] for n, v in spectra.items()}
    effects = {}
    with torch.no_grad():
        if hasattr(model.network, "masking_effects"):
            output, effects = model.network.masking_effects(rows)
        else:
            output = model.network(rows)
    gates = {
        n: gate_map(g[0].double().numpy(), len(spectra[n]))
        for n, g in getattr(output, "gates", {}).items()
    }
    by_token = {
        n: np.stack([gate_map(column, len(spectra[n])) for column in e.double().numpy().T], axis=1)
        for n, e in effects.items()
    }
    return gates, by_token


@dataclass
class _Case:
    """One group of one molecule in the deletion test: probabilities after each count."""

    random: np.ndarray  # (draws, counts)
    by_method: dict[str, np.ndarray]


class _InputTest:
    """Both tests on one set of channels."""

    def __init__(
        self, model: GroupModel, channels: Sequence[str], rng: np.random.Generator
    ) -> None:
        self._model = model
        self._channels = channels
        self._calibration = model.calibration.for_channels(channels)
        self._function = logits_of(model.network)
        self._rng = rng
        self._windows = [w for w in map_windows() if w.technique in channels]
        self._hits: dict[str, dict[str, list[bool]]] = {}
        self._signal: dict[str, list[float]] = {}
        self._regions: dict[tuple[str, str], int] = {}
        self._cases: list[_Case] = []

    def add(self, record: GroupRecord, spectra: dict[str, np.ndarray], compare: bool) -> None:
        """Test one molecule; one whose spectra hold nothing is passed over."""
        if len(spectra) < len(self._channels) or not all(v.any() for v in spectra.values()):
            return
        probabilities = self._probabilities([spectra])[0]
        named = (probabilities >= self._calibration.threshold) & record.labels
        labels = np.flatnonzero(named).tolist()
        if not labels:
            return
        maps = all_maps(self._model, spectra, labels, self._rng if compare else None)
        self._look_through_windows(record, spectra, labels, maps)
        if compare:
            self._delete(spectra, labels, maps)

    def _probabilities(self, rows: Sequence[Spectra]) -> np.ndarray:
        import torch

        batch = {
            n: torch.from_numpy(np.stack([row[n] for row in rows]).astype(np.float32))
            for n in self._channels
        }
        return self._calibration.probabilities(self._function(batch).double().numpy())

    def _look_through_windows(self, record, spectra, labels, maps) -> None:
        from rdkit import Chem

        molecule = Chem.MolFromSmiles(record.smiles)
        for column, label in enumerate(labels):
            for window in self._windows:
                if window.group != self._model.labels[label] or not window.asks_about(molecule):
                    continue
                places = channel(str(window.technique)).centres
                inside = window.holds(places)
                key = f"{window.technique}|{window.name}"
                signal = np.abs(spectra[str(window.technique)])
                self._signal.setdefault(key, []).append(float(signal[inside].sum() / signal.sum()))
                for method, found in maps.items():
                    top = int(np.argmax(found[str(window.technique)][:, column]))
                    self._hits.setdefault(key, {}).setdefault(method, []).append(bool(inside[top]))
                    if method == SHOWN:
                        self._count_region(key, window, float(places[top]))

    def _count_region(self, key: str, window: MapWindow, place: float) -> None:
        what = next((w for low, high, w in window.regions if low <= place <= high), "elsewhere")
        self._regions[key, what] = self._regions.get((key, what), 0) + 1

    def _delete(self, spectra: Spectra, labels: list[int], maps: dict[str, Maps]) -> None:
        chosen = self._rng.permutation(len(labels))[:_LABELS_DELETED].tolist()
        rows: list[Spectra] = []
        for _ in range(DRAWS):
            rows += deletions(spectra, regions_at_random(spectra, COUNTS[-1], self._rng))
        for method in maps:
            for column in chosen:
                of_label = {n: values[:, column] for n, values in maps[method].items()}
                rows += deletions(spectra, regions_by_map(spectra, of_label, COUNTS[-1]))
        after = self._probabilities(rows).reshape(-1, len(COUNTS), len(self._model.labels))
        for place, column in enumerate(chosen):
            label = labels[column]
            first = DRAWS + place
            by_method = {
                method: after[first + number * len(chosen), :, label]
                for number, method in enumerate(maps)
            }
            self._cases.append(_Case(after[:DRAWS, :, label], by_method))

    def window_rows(self) -> list[dict[str, Any]]:
        """A row for each window: ``share`` by method, of all ``n`` for the first two methods."""
        rows = []
        for window in self._windows:
            key = f"{window.technique}|{window.name}"
            if key in self._hits:
                hits = self._hits[key]
                rows.append(
                    {
                        "window": window.name,
                        "technique": str(window.technique),
                        "n": len(hits[SHOWN]),
                        "n_compared": len(hits.get(RANDOM, ())),
                        "signal": float(np.mean(self._signal[key])),
                        "share": {method: float(np.mean(h)) for method, h in hits.items()},
                        "hits": {method: int(np.sum(h)) for method, h in hits.items()},
                    }
                )  # fmt: skip
        return rows

    def region_rows(self) -> list[dict[str, Any]]:
        """Where the maxima of the shown maps lay, by what shows there."""
        return [
            {"technique": key.split("|")[0], "window": key.split("|")[1], "what": what, "n": n}
            for (key, what), n in self._regions.items()
        ]

    def area_rows(self) -> list[dict[str, Any]]:
        """For each method the area between random and map, with its spread over the draws."""
        if not self._cases:
            return []
        random = np.mean([case.random for case in self._cases], axis=0)
        rows = []
        for method in self._cases[0].by_method:
            curve = np.mean([case.by_method[method] for case in self._cases], axis=0)
            areas = [area_between(draw, curve) for draw in random]
            rows.append(
                {
                    "method": method,
                    "cases": len(self._cases),
                    "area": float(np.mean(areas)),
                    "spread": float(np.std(areas, ddof=1)),
                    "curve": [float(v) for v in curve],
                    "random": [float(v) for v in random.mean(0)],
                }
            )
        return rows


def format_table(result: dict[str, Any]) -> str:
    """Both tests as Markdown tables."""
    areas = result["areas"]
    inputs = list(dict.fromkeys(row["input"] for row in areas))
    methods = list(dict.fromkeys(row["method"] for row in areas))
    lines = ["Area between the curves of random and mapped deletions (± over the random draws)", ""]
    lines += [
        "| method | " + " | ".join(inputs) + " | mean |",
        "|---|" + "--:|" * (len(inputs) + 1),
    ]
    found = {(row["method"], row["input"]): row for row in areas}
    for method in methods:
        rows = [found.get((method, name)) for name in inputs]
        told = ["" if r is None else f"{r['area']:.3f} ± {r['spread']:.3f}" for r in rows]
        mean = np.mean([r["area"] for r in rows if r is not None])
        lines.append(f"| {method} | " + " | ".join(told) + f" | {mean:.3f} |")
    shares = list(dict.fromkeys(m for row in result["windows"] for m in row["share"]))
    lines += ["", "Share of true positives whose maximum lies in a textbook window", ""]
    lines += [
        "| input | technique | window | n | signal | " + " | ".join(shares) + " |",
        "|---|---|---|--:|" + "--:|" * (len(shares) + 1),
    ]
    for row in result["windows"]:
        told = [f"{row['share'][m]:.2f}" if m in row["share"] else "" for m in shares]
        lines.append(
            f"| {row['input']} | {row['technique']} | {row['window']} | {row['n']} | "
            f"{row['signal']:.2f} | " + " | ".join(told) + " |"
        )
    lines += ["", *_reached(result)]
    lines += [
        f"- split {result['split']}, rendering seed {result['seed']}, {result['model']['name']} "
        f"{result['model']['version']}; all methods on {result['compared']} molecules per input, "
        f"{SHOWN} and {MASKING} on all",
    ]
    return "\n".join(lines)


def _reached(result: dict[str, Any]) -> list[str]:
    """How many windows with enough cases reach the aim with the shown maps, alone and together."""
    lines = []
    for alone in (True, False):
        rows = [
            r for r in result["windows"]
            if ("+" in r["input"] and not r["input"].startswith("MS")) != alone
            and r["n"] >= _ENOUGH
        ]  # fmt: skip
        if rows:
            good = sum(r["share"][SHOWN] >= _AIM for r in rows)
            cases = sum(r["n"] for r in rows)
            hits = sum(r["hits"][SHOWN] for r in rows)
            lines.append(
                f"- {'each technique alone' if alone else 'IR+13C+1H'}: {good} of {len(rows)} "
                f"windows with at least {_ENOUGH} cases reach {_AIM:.0%}; {hits} of {cases} maxima "
                f"({hits / cases:.0%}) in their window"
            )
    return lines
