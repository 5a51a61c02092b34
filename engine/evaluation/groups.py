"""The functional-group benchmark: every technique alone and together, beside its baseline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES
from engine.encoding.sample_encoding import encode_spectrum
from engine.encoding.vectors import normalise_nmr
from engine.evaluation.group_scores import score
from engine.evaluation.joined_evidence import JoinedModel
from engine.library.group_model import (
    BASELINE_MODEL,
    GroupModel,
    default_group_model,
    load_group_model,
)
from engine.spectra import Spectrum
from engine.training.group_calibration import SUBSETS
from engine.training.group_tables import (
    GroupRecord,
    MissingTableError,
    read_group_records,
    table_rows,
)
from engine.training.group_tensors import (
    EVALUATION_VARIANTS,
    GroupTensors,
    prepare,
)
from engine.training.train_groups import predict_tensors

NOISE_LEVELS = (0.02, 0.05, 0.10)
PHASES = ("gas", "solution", "liquid", "solid")
PEAK_LISTS = {"13C NMR": "carbon", "1H NMR": "proton"}
RENDERING_SEED = 20


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark groups`` asks for it."""
    return group_benchmark(
        options.data, options.split, options.model, options.baseline, report=report
    )


def group_benchmark(
    data: Path,
    split: str,
    model: Path | None = None,
    baseline: Path | None = None,
    seed: int = RENDERING_SEED,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Every row of the table as a dict; see :func:`format_table`.

    ``model`` and ``baseline`` are paths (without suffix) of a trained SymSpectra and 1D-CNN, the
    ones that ship when None. ``seed`` draws the renderings of the peak lists and vibrations. Raises
    :class:`MissingTableError` when the split's tables are not in ``data``.
    """
    report(f"reading the {split} tables")
    records = read_group_records(data, split)
    report(f"rendering the spectra of {len(records)} molecules")
    tensors = prepare(records, EVALUATION_VARIANTS, seed)
    models = {
        "SymSpectra": load_group_model(model) if model else default_group_model(),
        "1D-CNN": load_group_model(baseline) if baseline else default_group_model(BASELINE_MODEL),
    }
    train_positives = models["SymSpectra"].train_positives
    rows: list[dict[str, Any]] = []
    for name, model in models.items():
        report(f"scoring {name}")
        joined = JoinedModel.of(model, tensors, data, split)
        rows += _technique_rows(name, joined, train_positives)
        rows += _list_rows(name, joined, records, train_positives)
        rows += _noise_rows(name, joined, train_positives)
        rows += _measured_infrared_rows(name, joined, data, train_positives)
    return {
        "benchmark": "groups",
        "split": split,
        "seed": seed,
        "molecules": len(records),
        "models": {
            name: {
                **model.card.to_dict(),
                "parameters": sum(p.numel() for p in model.network.parameters()),
                "seconds_for_10000": round(_seconds_for(model, tensors, 10_000), 2),
            }
            for name, model in models.items()
        },
        "rows": rows,
    }


def _row(
    name, task, joined: JoinedModel, channels, logits, truth, train_positives
) -> dict[str, Any]:
    calibration = joined.calibration(channels)
    scores = score(
        calibration.probabilities(logits),
        calibration.threshold,
        truth,
        joined.model.labels,
        train_positives,
    )
    return {"model": name, "input": task, **asdict(scores)}


def _technique_rows(name, joined: JoinedModel, train_positives) -> list[dict[str, Any]]:
    rows = []
    for task, names in SUBSETS.items():
        logits, truth = joined.subset(names)
        if len(truth):
            rows.append(_row(name, task, joined, names, logits, truth, train_positives))
    logits, truth = joined.subset(CHANNEL_NAMES)
    if len(truth):
        rows.append(
            _row(name, "all five techniques", joined, CHANNEL_NAMES, logits, truth, train_positives)
        )
    rows.append(_everything_row(name, joined, train_positives))
    return rows


def _list_rows(name, joined: JoinedModel, records, train_positives) -> list[dict[str, Any]]:
    """NMR given as the tables' bare peak lists, each peak as high as it has atoms.

    They go through the same encoding as a list pasted from a paper: no line shapes, no noise, no
    other lines, and no intensities that tell a quaternary carbon.
    """
    rows, tensors = [], joined.tensors
    for technique in PEAK_LISTS:
        values = listed_peaks(records, tensors, technique)
        listed = replace(tensors, values={**tensors.values, technique: values})
        logits, truth = joined.with_tensors(listed).subset((technique,))
        if len(truth):
            task = f"{technique.split()[0]}, peak list"
            rows.append(_row(name, task, joined, (technique,), logits, truth, train_positives))
    return rows


def listed_peaks(records: list[GroupRecord], tensors: GroupTensors, technique: str) -> np.ndarray:
    """The values ``(rows, 600)`` of an NMR channel with every spectrum drawn from its bare list."""
    values = tensors.values[technique].copy()
    for index, record in enumerate(records):
        if tensors.count[technique][index] == 0:
            continue
        counts: dict[float, float] = {}
        for peak in getattr(record, PEAK_LISTS[technique]):
            counts[peak["ppm"]] = counts.get(peak["ppm"], 0.0) + float(peak.get("n") or 1)
        places = np.array(sorted(counts))
        heights = np.array([counts[place] for place in places.tolist()])
        drawn = Spectrum(technique, places, heights, "ppm", "intensity", "sticks")
        values[tensors.first[technique][index]] = encode_spectrum(drawn)[0]
    return values


def _everything_row(name, joined: JoinedModel, train_positives) -> dict[str, Any]:
    """Every molecule with all the techniques that it has, each set of them calibrated as such."""
    model, tensors = joined.model, joined.tensors
    probabilities = np.zeros(tensors.labels.shape)
    thresholds = np.zeros(tensors.labels.shape)
    some = tensors.presence.any(1)
    for pattern in np.unique(tensors.presence[some], axis=0):
        members = np.flatnonzero((tensors.presence == pattern).all(1))
        names = np.array(CHANNEL_NAMES)[pattern].tolist()
        logits = joined.logits(names, members)
        calibration = joined.calibration(names)
        probabilities[members] = calibration.probabilities(logits)
        thresholds[members] = calibration.threshold
    scores = score(
        probabilities[some],
        thresholds[some],
        tensors.labels[some] > 0,
        model.labels,
        train_positives,
    )
    return {"model": name, "input": "all that a molecule has", **asdict(scores)}


def _noise_rows(name, joined: JoinedModel, train_positives) -> list[dict[str, Any]]:
    """IR+13C+1H with Gaussian noise of sigma on the 600 points (SymSpectra, appendix J).

    Two rows each: noise before the encoding, as on an instrument, where the encoding can act
    against it, and noise on what is encoded. Sigma is in absorbance for IR; for NMR, whose encoding
    is the root of the min-max scaled spectrum, it is relative to the tallest line.
    """
    names = SUBSETS["IR+13C+1H"]
    rows, tensors = [], joined.tensors
    for sigma in NOISE_LEVELS:
        for place, before in (("", True), (" after encoding", False)):
            rng = np.random.default_rng([RENDERING_SEED, int(sigma * 1000)])
            values = dict(tensors.values)
            for channel in names:
                clean = tensors.values[channel].astype(np.float32)
                noise = rng.normal(0, sigma, clean.shape)
                encodes = before and channel != "IR"
                noisy = normalise_nmr(clean**2 + noise) if encodes else clean + noise
                values[channel] = noisy.astype(np.float32)
            disturbed = replace(tensors, values=values)
            logits, truth = joined.with_tensors(disturbed).subset(names)
            if len(truth):
                task = f"IR+13C+1H, noise {sigma:.2f}{place}"
                rows.append(_row(name, task, joined, names, logits, truth, train_positives))
    return rows


def measured_infrared(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured IR: encoded ``(n, 600)``, truth bool ``(n, 37)`` and phase of each.

    ``train groups`` leaves these molecules out by every technique.
    """
    from rdkit import Chem

    from engine.chemistry.functional_groups import groups_of

    encoded, truth, phases = [], [], []
    for row in table_rows(data, "ir_real", "eval"):
        molecule = Chem.MolFromSmiles(row["smiles"])
        if molecule is None:
            continue
        absorbance = np.array(row["absorbance"], dtype=float)
        wavenumbers = row["first_wavenumber"] + row["step"] * np.arange(len(absorbance))
        measured = np.isfinite(absorbance)
        spectrum = Spectrum("IR", wavenumbers[measured], absorbance[measured], "1/cm", "absorbance")
        encoded.append(encode_spectrum(spectrum)[0])
        truth.append(groups_of(molecule))
        phases.append(row["phase"])
    spectra = np.array(encoded, dtype=np.float32)
    return spectra, np.array(truth), np.array(phases)


def _measured_infrared_rows(
    name, joined: JoinedModel, data, train_positives
) -> list[dict[str, Any]]:
    try:
        encoded, truth, phases = measured_infrared(data)
    except MissingTableError:
        return []
    if len(encoded) == 0:
        return []
    logits = infrared_logits(joined.model.network, encoded)
    rows = []
    groups = {phase: phases == phase for phase in PHASES}
    groups["condensed"] = phases != "gas"
    groups["all phases"] = np.ones(len(phases), bool)
    for phase, members in groups.items():
        if members.any():
            task = f"measured IR, {phase}"
            rows.append(
                _row(name, task, joined, ("IR",), logits[members], truth[members], train_positives)
            )
    return rows


def infrared_logits(network, encoded: np.ndarray) -> np.ndarray:
    """Logits ``(n, 37)`` of encoded IR spectra ``(n, 600)``."""
    size = len(encoded)
    nothing = np.zeros(size, np.int64)
    empty = np.zeros((0, encoded.shape[1]), np.float32)
    tensors = GroupTensors(
        np.arange(size).astype(str),
        np.zeros((size, 37), np.uint8),
        {n: encoded if n == "IR" else empty for n in CHANNEL_NAMES},
        {n: np.arange(size) if n == "IR" else nothing for n in CHANNEL_NAMES},
        {n: np.ones(size, np.int64) if n == "IR" else nothing for n in CHANNEL_NAMES},
    )
    pattern = tuple(n == "IR" for n in CHANNEL_NAMES)
    return predict_tensors(network, tensors, pattern, np.arange(size))


def _seconds_for(model: GroupModel, tensors: GroupTensors, samples: int) -> float:
    """Seconds to predict so many samples, each with IR, 13C and 1H where the table has them."""
    names = SUBSETS["IR+13C+1H"]
    wanted = np.isin(CHANNEL_NAMES, names)
    members = np.flatnonzero((tensors.presence | ~wanted).all(1))
    if len(members) == 0:
        members = np.flatnonzero(tensors.presence.any(1))[:1]
        wanted = tensors.presence[members[0]]
    repeated = np.resize(members, samples)
    started = time.perf_counter()
    predict_tensors(model.network, tensors, tuple(wanted.tolist()), repeated)
    return time.perf_counter() - started


def format_table(result: dict[str, Any]) -> str:
    """The benchmark as a Markdown table."""
    head = (
        "| input | n | model | micro-F1 | macro-F1 | exact | low | medium | high | ECE |\n"
        "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    order = list(dict.fromkeys(row["input"] for row in result["rows"]))
    lines = []
    for task in order:
        for row in (r for r in result["rows"] if r["input"] == task):
            tiers = " | ".join(_figure(row["tiers"][t]) for t in ("low", "medium", "high"))
            lines.append(
                f"| {task} | {row['samples']} | {row['model']} | {_figure(row['micro_f1'])} | "
                f"{_figure(row['macro_f1'])} | {_figure(row['sample_accuracy'])} | {tiers} | "
                f"{_figure(row['calibration_error'])} |"
            )
    about = [
        f"split {result['split']}, {result['molecules']} molecules, rendering seed {result['seed']}"
    ]
    for name, card in result["models"].items():
        about.append(
            f"{name} {card['version']}: {card['parameters'] / 1e6:.1f} M parameters, "
            f"{card['seconds_for_10000']:.1f} s for 10,000 samples of IR+13C+1H"
        )
    return head + "\n".join(lines) + "\n\n" + "\n".join(about)


def _figure(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.3f}"
