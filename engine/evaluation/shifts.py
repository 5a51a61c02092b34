"""The shift benchmark: errors on atoms that people assigned, beside mean shifts by environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.predicted_shifts import NUCLEI
from engine.chemistry.shift_environments import EnvironmentShifts, atom_environments
from engine.library.shift_model import ShiftModel, default_shift_predictor, load_shift_model
from engine.training.group_tables import MissingTableError
from engine.training.shift_tables import ShiftRecord, read_shift_records

# What few observations and a small radius add to the uncertainty, in units of 13C.
_ENVIRONMENT_SCALE = {"13C NMR": 1.0, "1H NMR": 0.05}
# An atom whose surroundings were never seen gets the mean of all.
_MEAN = {"13C NMR": (90.0, 50.0), "1H NMR": (4.0, 2.5)}


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark shifts`` asks for it."""
    return shift_benchmark(options.data, options.split, options.model, report)


def shift_benchmark(
    data: Path,
    split: str,
    model: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Mean and median absolute error, ppm, on ``human_molblock`` rows only, each atom counted.

    A hydrogen shift is the mean over the hydrogens of its heavy atom. The baseline is the mean over
    the assigned training atoms with the same surroundings (HOSE code, radius 4 to 0). The DFT rows
    compare with the 13C experiments of ``nmr_shifts_3d``. ``expected`` is the mean of the errors
    that the predictor expects; ``rank correlation`` that of expected and found errors (Spearman).
    """
    predictor = load_shift_model(model) if model else default_shift_predictor()
    report(f"reading the {split} tables")
    records = list(read_shift_records(data, split))
    if not records:
        raise MissingTableError(f"no shifts of split {split!r} in {data}")
    human = [r for r in records if r.source == "human_molblock"]
    report("fitting the environments on the train split")
    environments = fit_environments(data)
    rows = []
    for name, shifts in (
        ("GIN", _network_shifts(predictor, human)),
        ("environments", _environment_shifts(environments, human)),
    ):
        report(f"scoring {name}")
        for column, technique in enumerate(NUCLEI):
            rows += _rows(name, technique, human, [s[column] for s in shifts], column)
        bound = [np.where((r.graph.elements == 6)[:, None], s[1], np.nan) for r, s in
                 zip(human, shifts, strict=True)]  # fmt: skip
        rows += _rows(name, "1H NMR", human, bound, 1, "the same, on carbon")
    dft = [r for r in records if r.source == "dft" and np.isfinite(r.targets[:, 0]).any()]
    if dft:
        found = [s[0] for s in _network_shifts(predictor, dft)]
        rows += _rows("GIN", "13C NMR", dft, found, 0, "experiments of the DFT table")
        own = [np.stack([r.targets[:, 2], np.full(len(r.graph), np.nan)], 1) for r in dft]
        rows += _rows("DFT", "13C NMR", dft, own, 0, "experiments of the DFT table")
    return {
        "benchmark": "shifts",
        "split": split,
        "molecules": len(human),
        "model": predictor.card.to_dict(),
        "rows": rows,
    }


def fit_environments(data: Path) -> dict[str, EnvironmentShifts]:
    """The baseline: means over all assigned atoms of the train split, inferred ones too."""
    from rdkit import Chem

    seen: dict[str, list] = {technique: [] for technique in NUCLEI}
    for record in read_shift_records(data, "train", dft=False):
        codes = atom_environments(Chem.MolFromSmiles(record.smiles))
        for column, technique in enumerate(NUCLEI):
            ppm = record.targets[:, column]
            seen[technique] += [(codes[a], float(ppm[a])) for a in np.flatnonzero(np.isfinite(ppm))]
    return {technique: EnvironmentShifts.fitted(pairs) for technique, pairs in seen.items()}


def _network_shifts(predictor: ShiftModel, records: list[ShiftRecord]) -> list[tuple]:
    """Shift and expected error of every atom, each ``(V, 2)``, for 13C and for 1H."""
    from engine.processing.solvent_number import SOLVENTS

    found: list[tuple | None] = [None] * len(records)
    # Molecules of one solvent together; 13C and 1H of one molecule may have been measured apart.
    for column, field in enumerate(("carbon", "hydrogen")):
        numbers = np.array([r.solvents[column] for r in records])
        for number in np.unique(numbers):
            solvent = SOLVENTS[number - 1] if 1 <= number <= len(SOLVENTS) else None
            chosen = np.flatnonzero(numbers == number)
            shifts = predictor.predict([records[i].graph for i in chosen], solvent)
            for i, own in zip(chosen, shifts, strict=True):
                found[i] = (*(found[i] or ()), getattr(own, field))
    return found


def _environment_shifts(fitted: dict[str, EnvironmentShifts], records: list[ShiftRecord]) -> list:
    from rdkit import Chem

    found = []
    for record in records:
        codes = atom_environments(Chem.MolFromSmiles(record.smiles))
        own = []
        for technique in NUCLEI:
            scale = _ENVIRONMENT_SCALE[technique]
            values = [fitted[technique].predict(c, scale) or _MEAN[technique] for c in codes]
            own.append(np.array(values))
        found.append(tuple(own))
    return found


def _rows(name, technique, records, shifts, column, of="assigned by people") -> list[dict]:
    error, expected = [], []
    for record, own in zip(records, shifts, strict=True):
        off = np.abs(own[:, 0] - record.targets[:, column])
        known = np.isfinite(off)
        error.append(off[known])
        expected.append(own[known, 1])
    error, expected = np.concatenate(error), np.concatenate(expected)
    if len(error) == 0:
        return []
    row = {
        "model": name,
        "technique": technique,
        "atoms of": of,
        "atoms": len(error),
        "mean absolute error": round(float(error.mean()), 4),
        "median": round(float(np.median(error)), 4),
        "90th percentile": round(float(np.quantile(error, 0.9)), 4),
    }
    if np.isfinite(expected).all():
        from scipy.stats import spearmanr

        row["expected"] = round(float(expected.mean()), 4)
        row["rank correlation"] = round(float(spearmanr(error, expected).statistic), 3)
    return [row]


def format_table(result: dict[str, Any]) -> str:
    """The rows as text."""
    lines = [
        f"Chemical shifts, {result['split']} split, {result['molecules']} molecules assigned by "
        "people; errors in ppm",
        f"{'model':14}{'nucleus':10}{'atoms of':32}{'atoms':>7}{'MAE':>8}{'median':>8}"
        f"{'90 %':>8}{'expected':>10}",
    ]
    for row in result["rows"]:
        lines.append(
            f"{row['model']:14}{row['technique']:10}{row['atoms of']:32}{row['atoms']:>7}"
            f"{row['mean absolute error']:>8.3f}{row['median']:>8.3f}"
            f"{row['90th percentile']:>8.3f}{row.get('expected', float('nan')):>10.3f}"
        )
    return "\n".join(lines)
