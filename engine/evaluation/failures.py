"""Where group predictors fail: confusions, sizes, scaffolds, reliability, and every group."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluation.group_scores import score
from engine.evaluation.groups import RENDERING_SEED
from engine.library.group_model import (
    BASELINE_MODEL,
    GroupModel,
    default_group_model,
    load_group_model,
)
from engine.training.group_calibration import SUBSETS, members_of, subset_logits
from engine.training.group_tables import MissingTableError, read_group_records, table_rows
from engine.training.group_tensors import EVALUATION_VARIANTS, prepare

TASKS = ("IR", "13C", "1H", "IR+13C+1H")
GROUP_COUNTS = ((0, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 99))
HEAVY_ATOMS = ((1, 7), (8, 10), (11, 15), (16, 20), (21, 30), (31, 999))
LARGEST = 0.1
SCAFFOLDS = ("no ring", "scaffold in train", "scaffold not in train")
_TABLES = ("nmr", "ir_xtb", "ms_esi")
_BINS = 10


@dataclass(frozen=True, eq=False)
class MoleculeFacts:
    """Of ``n`` molecules: heavy atoms ``(n,)`` and which of :data:`SCAFFOLDS` each is, ``(n,)``."""

    heavy: np.ndarray
    scaffold: np.ndarray


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The analysis as ``specgui benchmark failures`` asks for it."""
    return failure_analysis(
        options.data, options.split, options.model, options.baseline, report=report
    )


def failure_analysis(
    data: Path,
    split: str,
    model: Path | None = None,
    baseline: Path | None = None,
    seed: int = RENDERING_SEED,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """An entry for each model and each of :data:`TASKS` that the split has molecules of.

    ``model`` and ``baseline`` are paths (without suffix) of trained models, the ones that ship when
    None. Raises :class:`MissingTableError` when the split's tables are not in ``data``.
    """
    models = {
        "shipped": load_group_model(model) if model else default_group_model(),
        "1D-CNN": load_group_model(baseline) if baseline else default_group_model(BASELINE_MODEL),
    }
    report(f"rendering the spectra of the {split} split")
    records = read_group_records(data, split)
    tensors = prepare(records, EVALUATION_VARIANTS, seed)
    report("scaffolds of the train split")
    facts = molecule_facts([record.smiles for record in records], train_smiles(data))
    entries = []
    for name, own in models.items():
        for task in TASKS:
            report(f"{name} on {task}")
            members, _ = members_of(tensors, SUBSETS[task])
            if len(members) == 0:
                continue
            logits, truth = subset_logits(own.network, tensors, SUBSETS[task])
            chosen = MoleculeFacts(facts.heavy[members], facts.scaffold[members])
            entry = _entry(own, SUBSETS[task], logits, truth, chosen)
            entries.append({"model": name, "input": task, **entry})
    return {
        "benchmark": "failures",
        "split": split,
        "seed": seed,
        "labels": list(models["shipped"].labels),
        "train_positives": models["shipped"].train_positives.tolist(),
        "models": {name: own.card.to_dict() for name, own in models.items()},
        "entries": entries,
    }


def _entry(
    model: GroupModel,
    names: tuple[str, ...],
    logits: np.ndarray,
    truth: np.ndarray,
    facts: MoleculeFacts,
) -> dict[str, Any]:
    calibration = model.calibration.for_channels(names)
    probabilities = calibration.probabilities(logits)
    present = probabilities >= calibration.threshold

    def figures(members: np.ndarray) -> dict[str, Any]:
        own = score(
            probabilities[members], calibration.threshold, truth[members], model.labels,
            model.train_positives,
        )  # fmt: skip
        return {
            "samples": own.samples, "micro_f1": own.micro_f1, "macro_f1": own.macro_f1,
            "sample_accuracy": own.sample_accuracy,
        }  # fmt: skip

    counts = truth.sum(1)
    largest = largest_members(facts.heavy)
    return {
        **figures(np.ones(len(truth), bool)),
        "confusions": confusions(present, truth).tolist(),
        "by_groups": [
            {"groups": _range(low, high), **figures((counts >= low) & (counts <= high))}
            for low, high in GROUP_COUNTS
            if ((counts >= low) & (counts <= high)).any()
        ],
        "by_heavy_atoms": [
            {"heavy_atoms": _range(low, high), **figures(within)}
            for low, high in HEAVY_ATOMS
            if (within := (facts.heavy >= low) & (facts.heavy <= high)).any()
        ],
        "by_scaffold": [
            {"scaffold": kind, **figures(facts.scaffold == kind)}
            for kind in SCAFFOLDS
            if (facts.scaffold == kind).any()
        ],
        "largest": {
            "from_heavy_atoms": int(facts.heavy[largest].min()),
            **figures(largest),
            "others": figures(~largest),
        },
        "reliability": reliability(probabilities, truth),
        "by_group": by_group(present, truth, model.labels, model.train_positives),
    }


def confusions(present: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """For each missed group the groups wrongly given in its stead, ``(K, K)``.

    ``present`` and ``truth`` bool ``(n, K)``. Row i: of the molecules whose group i was missed, the
    share that was wrongly given group j (SymSpectra, Fig. 8, where each row is normalised by its
    sum instead; here rows tell how often nothing was given for it). Rows without a miss are 0.
    """
    missed, wrong = (truth & ~present).astype(float), (present & ~truth).astype(float)
    return (missed.T @ wrong) / np.maximum(missed.sum(0), 1)[:, None]


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> list[dict[str, Any]]:
    """Over ten bins of probability: the mean of it, the share that was true, and the count."""
    flat, right = probabilities.ravel(), truth.ravel()
    bins = np.minimum((flat * _BINS).astype(int), _BINS - 1)
    return [
        {
            "from": number / _BINS, "to": (number + 1) / _BINS,
            "predicted": float(flat[bins == number].mean()),
            "observed": float(right[bins == number].mean()),
            "count": int((bins == number).sum()),
        }
        for number in range(_BINS)
        if (bins == number).any()
    ]  # fmt: skip


def by_group(
    present: np.ndarray, truth: np.ndarray, labels: Iterable[str], train_positives: np.ndarray
) -> list[dict[str, Any]]:
    """Every group with its F1, precision and recall here, and its positives here and in train."""
    hit, given, real = (present & truth).sum(0), present.sum(0), truth.sum(0)
    return [
        {
            "name": name, "positives": int(real[k]), "train_positives": int(train_positives[k]),
            "f1": float(2 * hit[k] / (given[k] + real[k])) if real[k] else None,
            "precision": float(hit[k] / given[k]) if given[k] else None,
            "recall": float(hit[k] / real[k]) if real[k] else None,
        }
        for k, name in enumerate(labels)
    ]  # fmt: skip


def largest_members(heavy: np.ndarray) -> np.ndarray:
    """The tenth of the molecules with most heavy atoms, bool ``(n,)``; ties by their order."""
    chosen = np.zeros(len(heavy), bool)
    chosen[np.argsort(-heavy, kind="stable")[: max(1, round(LARGEST * len(heavy)))]] = True
    return chosen


def train_smiles(data: Path) -> set[str]:
    """The molecules of the train split, by any table that is there."""
    found: set[str] = set()
    for name in _TABLES:
        try:
            found |= {row["smiles"] for row in table_rows(data, name, "train")}
        except MissingTableError:
            continue
    return found


def molecule_facts(smiles: list[str], train: set[str]) -> MoleculeFacts:
    """Sizes, and whether Murcko scaffolds (Bemis and Murcko, J. Med. Chem. 1996, 39, 2887) occur
    in train."""
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")
    known = {murcko_scaffold(text) for text in train}
    heavy, kinds = [], []
    for text in smiles:
        heavy.append(Chem.MolFromSmiles(text).GetNumHeavyAtoms())
        own = murcko_scaffold(text)
        kinds.append(SCAFFOLDS[0] if not own else SCAFFOLDS[1 if own in known else 2])
    return MoleculeFacts(np.array(heavy), np.array(kinds))


def murcko_scaffold(smiles: str) -> str:
    """The canonical SMILES of a molecule's ring systems and what joins them; "" without a ring."""
    from rdkit import Chem
    from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetRingInfo().NumRings() == 0:
        return ""
    return Chem.MolToSmiles(GetScaffoldForMol(molecule), isomericSmiles=False)


def _range(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low} and more" if high in (99, 999) else f"{low} to {high}"


def strongest_confusions(
    matrix: list[list[float]], labels: list[str], missed: list[int], most: int = 12
) -> list[tuple[str, str, float]]:
    """The pairs (missed, given instead, share) of groups missed at least five times."""
    pairs = [
        (labels[i], labels[j], value)
        for i, row in enumerate(matrix)
        if missed[i] >= 5
        for j, value in enumerate(row)
        if value > 0
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:most]


def misses(entry: dict[str, Any]) -> list[int]:
    """How often each group was missed."""
    return [
        round(group["positives"] * (1 - (group["recall"] or 0.0))) for group in entry["by_group"]
    ]


def format_table(result: dict[str, Any]) -> str:
    """The analysis as Markdown tables."""
    lines: list[str] = []
    for title, key, label in (
        ("Accuracy by number of groups", "by_groups", "groups"),
        ("Accuracy by heavy atoms", "by_heavy_atoms", "heavy_atoms"),
        ("Accuracy by scaffold", "by_scaffold", "scaffold"),
    ):
        lines += [
            f"{title}:", "",
            f"| input | model | {label.replace('_', ' ')} | n | micro-F1 | macro-F1 | exact |",
            "|---|---|---|--:|--:|--:|--:|",
        ]  # fmt: skip
        for entry in result["entries"]:
            lines += [
                f"| {entry['input']} | {entry['model']} | {row[label]} | {_cells(row)} |"
                for row in entry[key]
            ]
        lines.append("")
    lines += [
        "The tenth with most heavy atoms, beside the others:", "",
        "| input | model | molecules | n | micro-F1 | macro-F1 | exact |",
        "|---|---|---|--:|--:|--:|--:|",
    ]  # fmt: skip
    for entry in result["entries"]:
        large, head = entry["largest"], f"| {entry['input']} | {entry['model']} |"
        lines.append(f"{head} from {large['from_heavy_atoms']} atoms | {_cells(large)} |")
        lines.append(f"{head} the others | {_cells(large['others'])} |")
    lines += ["", *_confusion_lines(result), "", *_reliability_lines(result)]
    lines += ["", *_group_lines(result), ""]
    lines.append(f"split {result['split']}, rendering seed {result['seed']}")
    return "\n".join(lines)


def _confusion_lines(result: dict[str, Any]) -> list[str]:
    lines = [
        "Strongest confusions (of the molecules whose group was missed, the share that was wrongly "
        "given another; groups missed five times and more):", "",
        "| input | model | missed | given | share |", "|---|---|---|---|--:|",
    ]  # fmt: skip
    for entry in result["entries"]:
        pairs = strongest_confusions(entry["confusions"], result["labels"], misses(entry), 6)
        lines += [
            f"| {entry['input']} | {entry['model']} | {missed} | {given} | {share:.2f} |"
            for missed, given, share in pairs
        ]
    return lines


def _reliability_lines(result: dict[str, Any]) -> list[str]:
    lines = [
        "Reliability:", "",
        "| input | model | predicted | observed | n |", "|---|---|--:|--:|--:|",
    ]  # fmt: skip
    for entry in result["entries"]:
        lines += [
            f"| {entry['input']} | {entry['model']} | {row['predicted']:.3f} | "
            f"{row['observed']:.3f} | {row['count']} |"
            for row in entry["reliability"]
        ]
    return lines


def _group_lines(result: dict[str, Any]) -> list[str]:
    names = [f"{entry['model']}, {entry['input']}" for entry in result["entries"]]
    lines = [
        "F1 of every group (and its positives):", "",
        f"| group | in train | {' | '.join(names)} |", "|---|--:|" + "--:|" * len(names),
    ]  # fmt: skip
    order = np.argsort(result["train_positives"], kind="stable")
    for k in order.tolist():
        cells = [
            f"{_figure(entry['by_group'][k]['f1'])} ({entry['by_group'][k]['positives']})"
            for entry in result["entries"]
        ]
        lines.append(
            f"| {result['labels'][k]} | {result['train_positives'][k]} | {' | '.join(cells)} |"
        )
    return lines


def _cells(row: dict[str, Any]) -> str:
    figures = (row["micro_f1"], row["macro_f1"], row["sample_accuracy"])
    return " | ".join([str(row["samples"]), *map(_figure, figures)])


def _figure(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"
