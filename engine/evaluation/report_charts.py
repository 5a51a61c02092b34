"""Which charts go with the result of which benchmark."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.evaluation.charts import Line, bar_chart, heat_map, line_chart, scatter_chart

_TIERS = (("low", "under 400"), ("medium", "400 to 4000"), ("high", "over 4000"))
_USUAL = ("IR", "1H", "13C", "MS/MS+", "MS/MS-", "13C+1H", "IR+13C+1H")
_MEASURED = ("measured IR, gas", "measured IR, condensed", "measured IR, all phases")
_NOISE = re.compile(r"^(IR\+13C\+1H), noise (0\.\d+)( after encoding)?$")


def charts_of(name: str, result: Mapping[str, Any], prefix: str = "") -> tuple[str, ...]:
    """The charts of a benchmark's result as HTML figures; none for one that has tables alone.

    ``prefix`` keeps the names inside the drawings apart where a page shows a benchmark twice.
    """
    make = _CHARTS.get(name)
    charts = tuple(make(result)) if make else ()
    if not prefix or prefix == name:
        return charts
    return tuple(
        re.sub(rf"""(id="|#){re.escape(name)}-""", rf"\g<1>{prefix}-", chart) for chart in charts
    )


def _groups(result: Mapping[str, Any]) -> list[str]:
    rows = {(row["model"], row["input"]): row for row in result["rows"]}
    models = list(dict.fromkeys(row["model"] for row in result["rows"]))
    inputs = [i for i in (*_USUAL, *_MEASURED) if any((m, i) in rows for m in models)]

    def figures(model: str, key: Callable[[Mapping], float | None]) -> list[float | None]:
        return [key(rows[model, i]) if (model, i) in rows else None for i in inputs]

    charts = [
        bar_chart(
            "groups-micro", "Micro-F1 by input", inputs,
            {model: figures(model, lambda row: row["micro_f1"]) for model in models}, "micro-F1",
        )
    ]  # fmt: skip
    places = list(range(len(_TIERS)))
    panels = {
        task: [
            Line(model, places, [rows[model, task]["tiers"].get(tier) for tier, _ in _TIERS])
            for model in models
            if (model, task) in rows
        ]
        for task in ("IR", "13C", "1H", "IR+13C+1H")
        if any((model, task) in rows for model in models)
    }
    if panels:
        charts.append(
            line_chart(
                "groups-tiers", "Mean F1 of the groups by their positives in train", panels,
                "positives in train", "mean F1", ticks=[said for _, said in _TIERS],
            )
        )  # fmt: skip
    charts += _noise(rows, models)
    return charts


def _noise(rows: Mapping[tuple[str, str], Mapping], models: Sequence[str]) -> list[str]:
    panels: dict[str, list[Line]] = {}
    for place, heading in (("", "noise before the encoding"), (" after encoding", "noise after")):
        for model in models:
            points = {
                float(found[2]): row["micro_f1"]
                for (own, task), row in rows.items()
                if own == model and (found := _NOISE.match(task)) and (found[3] or "") == place
            }
            clean = rows.get((model, "IR+13C+1H"))
            if points and clean:
                points[0.0] = clean["micro_f1"]
                levels = sorted(points)
                line = Line(model, levels, [points[level] for level in levels])
                panels.setdefault(heading, []).append(line)
    if not panels:
        return []
    return [
        line_chart(
            "groups-noise", "Micro-F1 on IR+13C+1H under noise", panels,
            "noise (of the tallest signal; absorbance for IR)", "micro-F1",
        )
    ]  # fmt: skip


def _failures(result: Mapping[str, Any]) -> list[str]:
    entries = result["entries"]
    models = list(dict.fromkeys(entry["model"] for entry in entries))
    charts = []

    def panels(
        key: str, x: Callable[[Mapping], float], y: str, places: list[str] | None = None
    ) -> dict[str, list[Line]]:
        return {
            model: [
                Line(
                    entry["input"],
                    [places.index(row[x]) if places else row[x] for row in entry[key]],
                    [row[y] for row in entry[key]],
                )
                for entry in entries
                if entry["model"] == model
            ]
            for model in models
        }

    charts.append(
        line_chart(
            "failures-reliability", "Reliability: how often a predicted probability comes true",
            panels("reliability", "predicted", "observed"), "predicted probability", "share true",
            diagonal=True,
        )
    )  # fmt: skip
    for key, label, title in (
        ("by_heavy_atoms", "heavy_atoms", "heavy atoms"),
        ("by_groups", "groups", "groups in the molecule"),
    ):
        places = _in_order(row[label] for entry in entries for row in entry[key])
        charts.append(
            line_chart(
                f"failures-{label}", f"Micro-F1 by {title}",
                panels(key, label, "micro_f1", places), title, "micro-F1", ticks=places,
            )
        )  # fmt: skip
    kinds = list(dict.fromkeys(row["scaffold"] for e in entries for row in e["by_scaffold"]))
    shipped = [entry for entry in entries if entry["model"] == models[0]]
    charts.append(
        bar_chart(
            "failures-scaffold", "Micro-F1 by scaffold", [entry["input"] for entry in shipped],
            {
                kind: [
                    next((r["micro_f1"] for r in e["by_scaffold"] if r["scaffold"] == kind), None)
                    for e in shipped
                ]
                for kind in kinds
            },
            "micro-F1",
        )
    )  # fmt: skip
    charts.append(
        scatter_chart(
            "failures-rare", "F1 of each group by its positives in train",
            [
                Line(
                    entry["input"],
                    [max(1, group["train_positives"]) for group in entry["by_group"]],
                    [group["f1"] for group in entry["by_group"]],
                )
                for entry in shipped
            ],
            "positives in train", "F1",
        )
    )  # fmt: skip
    for number, entry in enumerate(shipped):
        kept = [k for k, row in enumerate(entry["confusions"]) if any(value > 0 for value in row)]
        if kept:
            labels = result["labels"]
            charts.append(
                heat_map(
                    f"failures-confusions-{number}",
                    f"Confusions of {entry['model']} on {entry['input']}: of the molecules whose "
                    "group was missed, the share (in percent) wrongly given another",
                    [labels[k] for k in kept], labels,
                    [entry["confusions"][k] for k in kept], "missed", "given",
                )
            )  # fmt: skip
    return charts


def _in_order(labels) -> list[str]:
    """Ranges such as '8 to 10' by their first number."""
    return sorted(set(labels), key=lambda label: int(re.findall(r"\d+", label)[0]))


def _unknown(result: Mapping[str, Any]) -> list[str]:
    channels = list(dict.fromkeys(row["channel"] for row in result["strange"]))
    charts = []
    for number, name in enumerate(channels):
        rows = [row for row in result["strange"] if row["channel"] == name]
        charts.append(
            bar_chart(
                f"unknown-{number}",
                f"{name}: strange inputs that are detected (* not seen when fitted)",
                [row["input"] + ("" if row["fitted"] else " *") for row in rows],
                {"detected": [row["detected"] for row in rows]},
                "share detected",
            )
        )
    ordinary = result["ordinary"]
    most = max([0.1, *(1.15 * row["doubted"] for row in ordinary)])
    charts.append(
        bar_chart(
            "unknown-ordinary", "Ordinary inputs that are doubted",
            [row["input"] for row in ordinary],
            {"doubted": [row["doubted"] for row in ordinary]}, "share doubted", most,
        )
    )  # fmt: skip
    return charts


def _retrieval(result: Mapping[str, Any]) -> list[str]:
    panels: dict[str, list[Line]] = {}
    for row in result["rows"]:
        if row.get("spectra", "all") != "all" or "top 1" not in row:
            continue
        panel = panels.setdefault(row.get("library", ""), [])
        line = next((line for line in panel if line.name == row["method"]), None)
        if line is None:
            line = Line(row["method"], [], [])
            panel.append(line)
        line.x.append(row["size"])
        line.y.append(row["top 1"])
    if not panels:
        return []
    return [
        line_chart(
            "retrieval-top", "How often the own molecule comes first", panels,
            "molecules in the library", "top 1", logarithmic=True,
        )
    ]  # fmt: skip


def _fusion(result: Mapping[str, Any]) -> list[str]:
    if result.get("study", "all") == "rare":
        return []
    rows = [row for row in result["rows"] if row["input"] == "IR+13C+1H"]
    names = list(dict.fromkeys(row["model"] for row in rows))

    def means(figure: Callable[[Mapping], float | None]) -> list[float | None]:
        found = []
        for name in names:
            own = [value for row in rows if row["model"] == name
                   if (value := figure(row)) is not None and value == value]  # fmt: skip
            found.append(sum(own) / len(own) if own else None)
        return found

    return [
        bar_chart(
            "fusion-networks", "IR+13C+1H by network, mean of its seeds", names,
            {
                "micro-F1": means(lambda row: row["micro_f1"]),
                "macro-F1": means(lambda row: row["macro_f1"]),
                "F1 of rare groups": means(lambda row: row["tiers"].get("low")),
            },
            "F1",
        )
    ]  # fmt: skip


def _maps(result: Mapping[str, Any]) -> list[str]:
    areas = {(row["method"], row["input"]): row["area"] for row in result["areas"]}
    inputs = list(dict.fromkeys(task for _, task in areas))
    methods = list(dict.fromkeys(method for method, _ in areas))
    if not areas:
        return []
    largest = max([0.05, *(value for value in areas.values() if value is not None)])
    return [
        bar_chart(
            "maps-areas",
            "How much more a probability falls where a map is high than in random regions (area "
            "between the curves)",
            inputs, {m: [areas.get((m, task)) for task in inputs] for m in methods}, "area",
            1.2 * largest,
        )
    ]  # fmt: skip


_CHARTS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "groups": _groups,
    "failures": _failures,
    "fusion": _fusion,
    "maps": _maps,
    "unknown": _unknown,
    "retrieval": _retrieval,
}
