"""The mass-spectrum benchmark: exact fragments beside vectors of 600 points, and both together.

Every row is calibrated on the validation split in the same way, and so is what one network counts
beside another; nothing is fitted on the split that is scored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluation.group_scores import score
from engine.library.group_model import GroupModel, default_group_model
from engine.training.fragment_baseline import baseline_logits, binned, load_baseline
from engine.training.fragment_tables import (
    POLARITIES,
    FragmentTable,
    mean_by_molecule,
    read_fragments,
)
from engine.training.fragment_training import NAMES, table_logits
from engine.training.group_calibration import fitted_calibration
from engine.training.group_tables import MissingTableError, evaluation_keys
from engine.training.memory_trust import relative_weights
from engine.training.train_groups import group_logits

# A molecule with its first spectrum, as the group benchmark has it, and with all of them.
SPECTRA = {"first spectrum": 1, "all spectra": None}


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark fragments`` asks for it."""
    return fragment_benchmark(options.data, options.split, options.folder / "fragments", report)


def fragment_benchmark(
    data: Path,
    split: str,
    baselines: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Every row of the table as a dict; see :func:`format_table`.

    ``baselines`` is where ``train fragments`` left its baselines; without them their rows are left
    out. Raises :class:`MissingTableError` and :class:`NoModelError`.
    """
    rows: list[dict[str, Any]] = []
    models: dict[str, Any] = {}
    for ionization in ("esi", "ei"):
        try:
            scored = read_fragments(data, ionization, split)
            # What is fitted is fitted on what every technique may learn from.
            valid = read_fragments(data, ionization, "valid", evaluation_keys(data))
        except MissingTableError as error:
            report(str(error))
            continue
        speakers, model = _speakers(ionization, baselines)
        models[model.card.name] = {
            **model.card.to_dict(),
            "parameters": sum(p.numel() for p in model.network.parameters()),
        }
        report(f"scoring {ionization}: {len(scored.sets)} spectra")
        rows += _rows(ionization, speakers, valid, scored, model)
    if not rows:
        raise MissingTableError(f"no mass spectra of split {split!r} in {data}")
    return {"benchmark": "fragments", "split": split, "models": models, "rows": rows}


Speaker = Callable[[FragmentTable, int | None], np.ndarray]
"""Logits ``(n, 37)`` of every spectrum of a table; only those of the polarity are used."""


def _speakers(ionization: str, baselines: Path | None) -> tuple[dict[str, Speaker], GroupModel]:
    model = default_group_model(NAMES[ionization])
    speakers: dict[str, Speaker] = {}
    path = (baselines or Path()) / f"baseline-{ionization}.safetensors"
    if path.exists():
        network = load_baseline(path)
        speakers["600-bin MLP"] = lambda table, polarity: baseline_logits(network, table.sets)
    if ionization == "esi":
        speakers["SymSpectra"] = _vector_logits
    speakers["fragment network"] = lambda table, polarity: table_logits(model.network, table)
    return speakers, model


def _vector_logits(table: FragmentTable, polarity: int | None) -> np.ndarray:
    """Those of the default model's own network, without further sources."""
    import torch

    model = default_group_model()
    channel = next(name for name, sign in POLARITIES.items() if sign == polarity)
    rows = np.flatnonzero(table.sets.polarity == polarity)
    found = np.zeros((len(table.sets), len(model.labels)), np.float32)
    with torch.no_grad():
        for part in np.array_split(rows, max(1, len(rows) // 256)):
            spectra = torch.from_numpy(binned(table.sets[part]))
            found[part] = group_logits(model.network, {channel: spectra}).float().numpy()
    return found


def _rows(ionization, speakers, valid, scored, model) -> list[dict[str, Any]]:
    polarities = POLARITIES if ionization == "esi" else {"EI": None}
    rows = []
    for task, polarity in polarities.items():
        said = {
            name: (speaker(valid, polarity), speaker(scored, polarity))
            for name, speaker in speakers.items()
        }
        for label, most in SPECTRA.items():
            inputs = {
                name: [
                    (table.labels[members], means)
                    for table, logits in zip((valid, scored), pair, strict=True)
                    for members, means in [mean_by_molecule(table, logits, polarity, most)]
                ]
                for name, pair in said.items()
            }
            if "SymSpectra" in inputs:
                inputs["fragment network beside SymSpectra"] = _beside(
                    inputs["SymSpectra"], inputs["fragment network"]
                )
            for name, (fitted, judged) in inputs.items():
                if len(fitted[0]) and len(judged[0]):
                    row = _row(fitted, judged, model)
                    rows.append({"model": name, "input": f"{task}, {label}", **row})
    return rows


def _beside(first, second) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both logits, the second's times its trust, which is fitted on the validation split."""
    truth, values = first[0]
    weights = relative_weights(np.stack([values, second[0][1]]), truth)
    return [(one[0], one[1] + weights[1] * two[1]) for one, two in zip(first, second, strict=True)]


def _row(fitted, judged, model: GroupModel) -> dict[str, Any]:
    size = len(model.labels)
    calibration = fitted_calibration(
        fitted[1].astype(float), fitted[0], np.ones(size), np.zeros(size)
    )
    truth, logits = judged
    return asdict(
        score(
            calibration.probabilities(logits),
            calibration.threshold,
            truth,
            model.labels,
            model.train_positives,
        )
    )


def format_table(result: dict[str, Any]) -> str:
    """The benchmark as a Markdown table."""
    lines = [
        "| input | n | model | micro-F1 | macro-F1 | exact | ECE |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        figures = [row[n] for n in ("micro_f1", "macro_f1", "sample_accuracy", "calibration_error")]
        lines.append(
            f"| {row['input']} | {row['samples']} | {row['model']} | "
            + " | ".join(f"{value:.3f}" for value in figures)
            + " |"
        )
    about = [f"split {result['split']}"]
    for name, card in result["models"].items():
        about.append(
            f"{name} {card['version']}: {card['parameters'] / 1e6:.1f} M parameters, "
            f"{card['licence']}"
        )
    return "\n".join(lines) + "\n\n" + "\n".join(about)
