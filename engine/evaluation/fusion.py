"""The comparison of networks that fuse spectra, beside the model that ships: one table.

``specgui train fusion`` makes the rows; here they are measured on a split that none of them saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.evaluation.group_scores import score
from engine.library.group_model import GroupModel, NoModelError, default_group_model
from engine.training.fusion_data import (
    STUDY_CHANNELS,
    StudyData,
    rare_groups,
    study_data,
    test_tensors,
)
from engine.training.fusion_study import (
    STUDIES,
    Member,
    chosen_members,
    load_member,
    member_path,
    study_parts,
)
from engine.training.group_calibration import subset_logits
from engine.training.group_tensors import GroupTensors

INPUTS: dict[str, tuple[str, ...]] = {
    "IR+13C+1H": STUDY_CHANNELS,
    "13C+1H": ("13C NMR", "1H NMR"),
    "IR": ("IR",),
    "13C": ("13C NMR",),
    "1H": ("1H NMR",),
}
SHIPPED = "shipped"
RENDERING_SEED = 20
_FIGURES = ("micro_f1", "macro_f1", "sample_accuracy", "low", "medium", "high", "calibration_error")


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark fusion`` asks for it."""
    return fusion_benchmark(
        options.data, options.folder, options.split, options.study, options.only, report
    )


def fusion_benchmark(
    tables: Path,
    folder: Path,
    split: str = "test",
    study: str = "all",
    only: list[str] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Every trained member of a study, each seed a row for each of :data:`INPUTS`.

    The studies "scaffold" and "largest" split the train molecules anew, and are measured on their
    own test parts; the others on ``split``. All rows are of the molecules that have IR, 13C and 1H.
    Raises :class:`NoModelError` when nothing of the study is trained in ``folder``, ``ValueError``
    for an unknown study or member, :class:`MissingTableError` without tables.
    """
    if study not in STUDIES:
        raise ValueError(f"study {study!r} is none of {', '.join(STUDIES)}")
    members = {member.name: member for member in chosen_members(study, only)}
    found = [
        (part, member, seed, path)
        for part in study_parts(study)
        for member in members.values()
        for seed, path in trained_seeds(folder, part, member)
    ]
    if not found:
        raise NoModelError(
            f"nothing of the study {study!r} is trained in {folder / 'fusion'}: "
            "run 'specgui train fusion' first"
        )
    report(f"rendering the molecules with IR, 13C and 1H of split {split}")
    data = study_data(tables, folder, study_parts(study)[0], report)
    tested = data.test if data.test is not None else test_tensors(tables, split, RENDERING_SEED)
    rows, about = [], {}
    for part, member, seed, path in found:
        report(f"scoring {member.name} of {part}, seed {seed}")
        model, content = load_member(path, member)
        about.setdefault(member.name, _about(model, content))
        rows += _rows(member.name, part, seed, model, tested, data)
    if study == "all" and only is None:
        report("scoring the model that ships")
        model = default_group_model()
        about[SHIPPED] = {**model.card.to_dict(), **_about(model, {})}
        rows += _rows(SHIPPED, "all", 0, model, tested, data)
    result = {
        "benchmark": "fusion",
        "study": study,
        "split": split if data.test is None else f"{study} (of the train molecules)",
        "rendering_seed": RENDERING_SEED,
        "molecules": len(tested),
        "trained_on": _distinct(about, "molecules"),
        "epochs": _distinct(about, "epochs"),
        "members": about,
        "rows": rows,
    }
    if study == "rare":
        numbers = rare_groups(data.train.labels, data.valid.labels)
        result["groups"] = [GROUP_NAMES[number] for number in numbers]
    return result


def trained_seeds(folder: Path, part: str, member: Member) -> list[tuple[int, Path]]:
    """The seeds of a member that are trained, and their paths without suffix."""
    at = member_path(folder, part, member.name, 0).parent
    found = []
    for path in sorted(at.glob(f"{member.name}-*.json")):
        seed = path.stem[len(member.name) + 1 :]
        if seed.isdecimal():
            found.append((int(seed), path.with_suffix("")))
    return sorted(found)


def _about(model: GroupModel, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "parameters": sum(weights.numel() for weights in model.network.parameters()),
        "core_seconds": content.get("core_seconds"),
        "epochs": content.get("epochs"),
        "molecules": content.get("molecules"),
    }


def _distinct(about: dict[str, dict[str, Any]], field: str) -> list[int]:
    return sorted({entry[field] for entry in about.values() if entry[field]})


def _rows(
    name: str, part: str, seed: int, model: GroupModel, tested: GroupTensors, data: StudyData
) -> list[dict[str, Any]]:
    rows = []
    for task, channels in INPUTS.items():
        logits, truth = subset_logits(model.network, tested, channels)
        calibration = model.calibration.for_channels(channels)
        scores = asdict(
            score(
                calibration.probabilities(logits),
                calibration.threshold,
                truth,
                model.labels,
                data.table_positives,
            )
        )
        rows.append({"model": name, "part": part, "seed": seed, "input": task, **scores})
    return rows


def format_table(result: dict[str, Any]) -> str:
    """The comparison as Markdown: the three together in full, then micro-F1 of each input."""
    if result["study"] == "rare":
        return _rare_table(result)
    names = list(dict.fromkeys(row["model"] for row in result["rows"]))
    lines = [
        "| network | parameters | core s | micro-F1 | macro-F1 | exact | low | medium | high "
        "| ECE |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in names:
        about = result["members"][name]
        rows = _of(result, name, "IR+13C+1H")
        weights = f"{about['parameters'] / 1e6:.2f} M" if about["parameters"] else ""
        seconds = "" if about["core_seconds"] is None else f"{about['core_seconds']:.0f}"
        figures = " | ".join(_spread([_figure_of(row, f) for row in rows]) for f in _FIGURES)
        lines.append(f"| {name}{_seeds(rows)} | {weights} | {seconds} | {figures} |")
    lines += [
        "",
        f"| network, micro-F1 | {' | '.join(INPUTS)} |",
        "|---|" + "--:|" * len(INPUTS),
    ]
    for name in names:
        cells = [_spread([row["micro_f1"] for row in _of(result, name, task)]) for task in INPUTS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", _foot(result)])


def _rare_table(result: dict[str, Any]) -> str:
    """F1 of each rare group by the share of its positives, IR+13C+1H."""
    lines = [
        f"| network | positives | {' | '.join(result['groups'])} | micro-F1 | macro-F1 |",
        "|---|--:|" + "--:|" * (len(result["groups"]) + 2),
    ]
    for name in dict.fromkeys(row["model"] for row in result["rows"]):
        for part in dict.fromkeys(row["part"] for row in result["rows"]):
            rows = [row for row in _of(result, name, "IR+13C+1H") if row["part"] == part]
            if not rows:
                continue
            cells = [
                _spread([row["by_group"][group][1] for row in rows]) for group in result["groups"]
            ]
            cells += [_spread([row[f] for row in rows]) for f in ("micro_f1", "macro_f1")]
            lines.append(f"| {name}{_seeds(rows)} | {part[5:]} % | {' | '.join(cells)} |")
    return "\n".join([*lines, "", _foot(result)])


def _foot(result: dict[str, Any]) -> str:
    return (
        f"split {result['split']}, {result['molecules']} molecules with IR, 13C and 1H, rendering "
        f"seed {result['rendering_seed']}; trained on "
        f"{', '.join(map(str, result['trained_on']))} molecules for "
        f"{', '.join(map(str, result['epochs']))} epochs"
    )


def _of(result: dict[str, Any], name: str, task: str) -> list[dict[str, Any]]:
    return [row for row in result["rows"] if row["model"] == name and row["input"] == task]


def _figure_of(row: dict[str, Any], name: str) -> float:
    return row["tiers"][name] if name in row["tiers"] else row[name]


def _seeds(rows: list[dict[str, Any]]) -> str:
    return f" ({len(rows)} seeds)" if len(rows) > 1 else ""


def _spread(values: list[float]) -> str:
    """The mean, and over several seeds the sample standard deviation; empty when not defined."""
    known = np.array([value for value in values if value is not None and value == value])
    if len(known) == 0:
        return ""
    if len(known) == 1:
        return f"{known[0]:.3f}"
    return f"{known.mean():.3f} ± {known.std(ddof=1):.3f}"
