"""The alignment benchmark: K-M3AID and its variants on molecules and on atoms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.library.alignment_model import (
    DEFAULT_MODEL,
    PAPER_MODEL,
    AlignmentModel,
    default_alignment_model,
    load_alignment_model,
)
from engine.library.group_model import NoModelError
from engine.networks.peak_encoder import CARBON, HYDROGEN
from engine.training.alignment_objective import VARIANTS
from engine.training.alignment_scores import (
    batch_accuracy,
    molecule_embeddings,
    node_accuracy,
    retrieval_ranks,
    spectrum_embeddings,
)
from engine.training.alignment_tables import (
    AlignmentTensors,
    alignment_tensors,
    library_records,
    read_alignment_records,
)
from engine.training.group_tables import MissingTableError

SIZES = (100, 1_000, 10_000)
TOPS = (1, 5, 10, 25)
SHUFFLES = 5
_LIBRARY = "library_smiles.txt.gz"
# What of a spectrum is shown: the nuclei, and whether carbons' hydrogens are known.
EVIDENCE = {
    "13C": ((CARBON,), False),
    "13C, multiplicities": ((CARBON,), True),
    "1H": ((HYDROGEN,), True),
    "13C + 1H": ((CARBON, HYDROGEN), False),
    "13C, multiplicities + 1H": ((CARBON, HYDROGEN), True),
}


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark alignment`` asks for it."""
    return alignment_benchmark(
        options.data, options.split, options.folder / "alignment",
        options.sizes or SIZES, options.model, report,
    )  # fmt: skip


def alignment_benchmark(
    data: Path,
    split: str,
    folder: Path = Path("runs/alignment"),
    sizes: Sequence[int] = SIZES,
    model: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Every row of the table as a dict; see :func:`format_table`.

    Graph level: the share of spectra nearest to their own molecule of 128 (the paper's Table 1),
    mean and standard deviation over shuffles, and retrieval by embedding alone among the first
    molecules of the library with the query's own (``"own molecule"``) or with those of all queries
    (``"all queries"``). Node level: atoms nearest to their own peak of the molecule's assigned
    peaks, on molecules that people assigned. Models: those that ship, and the variants found in
    ``folder`` as ``specgui train alignment`` writes them; or ``model`` alone. Raises
    :class:`MissingTableError` when the split's table is not in ``data``, and
    :class:`NoModelError` without any model.
    """
    models = _models(folder, model, report)
    report(f"reading the {split} table")
    records = list(read_alignment_records(data, split))
    if not records:
        raise MissingTableError(f"no NMR peaks of split {split!r} in {data}")
    tensors = alignment_tensors(records)
    library = _library(data, max(sizes), {r.key for r in records}, report)
    rows: list[dict[str, Any]] = []
    for name, entry in models.items():
        report(f"scoring {name}")
        rows += _rows(name, entry, tensors, library, sizes)
    return {
        "benchmark": "alignment",
        "split": split,
        "molecules": len(tensors),
        "sizes": list(sizes),
        "models": {
            name: {
                **entry.card.to_dict(),
                "parameters": sum(p.numel() for p in entry.network.parameters()),
                "dimensions": entry.dimensions,
            }
            for name, entry in models.items()
        },
        "rows": rows,
    }


def _models(folder: Path, model: Path | None, report) -> dict[str, AlignmentModel]:
    if model is not None:
        entry = load_alignment_model(model)
        return {entry.card.name: entry}
    found: dict[str, AlignmentModel] = {}
    for name in (DEFAULT_MODEL, PAPER_MODEL):
        try:
            entry = default_alignment_model(name)
        except NoModelError as error:
            report(str(error))
        else:
            found[entry.card.name] = entry
    for variant in VARIANTS:
        path = folder / variant / f"alignment-{variant}"
        if path.with_suffix(".safetensors").exists():
            entry = load_alignment_model(path)
            found.setdefault(entry.card.name, entry)
        elif variant != "k-m3aid":
            report(f"no {variant} in {folder}: left out (specgui train alignment makes it)")
    if not found:
        raise NoModelError(f"no trained K-M3AID is installed or in {folder}")
    return found


def _library(data: Path, size: int, own: set[str], report) -> AlignmentTensors | None:
    path = Path(data) / _LIBRARY
    if not path.is_file():
        report(f"no {_LIBRARY} in {data}: retrieval is left out")
        return None
    report(f"reading {size:,} molecules of the library")
    return alignment_tensors(list(library_records(path, size, usable=lambda key: key not in own)))


def _rows(
    name: str,
    model: AlignmentModel,
    tensors: AlignmentTensors,
    library: AlignmentTensors | None,
    sizes: Sequence[int],
) -> list[dict[str, Any]]:
    network = model.network
    everything = np.arange(len(tensors))
    molecules = molecule_embeddings(network, tensors, everything)
    others = None
    if library is not None:
        others = molecule_embeddings(network, library, np.arange(len(library)))
    atoms = {nucleus: node_accuracy(network, tensors, nucleus) for nucleus in network.nuclei}
    rows = []
    for evidence, (nuclei, multiplicities) in EVIDENCE.items():
        if not set(nuclei) <= set(network.nuclei):
            continue
        if network.config.form == "paper" and not multiplicities:
            continue  # it is trained with them
        members = np.flatnonzero(tensors.presence[:, list(nuclei)].all(1))
        if len(members) == 0:
            continue
        spectra = spectrum_embeddings(network, tensors, members, nuclei, multiplicities)
        own, identity = molecules[members], tensors.identity[members]
        batches = [batch_accuracy(own, spectra, identity, seed) for seed in range(SHUFFLES)]
        row = {
            "model": name,
            "evidence": evidence,
            "spectra": len(members),
            "batch of 128": float(np.mean(batches)),
            "batch of 128, deviation": float(np.std(batches)),
            "retrieval": {},
        }
        if len(nuclei) == 1 and multiplicities:
            row["nodes"] = atoms[nuclei[0]]
        if others is not None:
            for kept in ("own molecule", "all queries"):
                row["retrieval"][kept] = {}
                for size in sizes:
                    ranks = retrieval_ranks(
                        own, spectra, identity, others[:size], kept == "all queries"
                    )
                    row["retrieval"][kept][str(size)] = {
                        f"top {top}": float((ranks < top).mean()) for top in TOPS
                    }
        rows.append(row)
    return rows


def format_table(result: Mapping[str, Any]) -> str:
    """The benchmark as Markdown tables."""
    lines = [
        "| model | spectrum | n | batch of 128 | atoms right | molecules wholly right |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        nodes = row.get("nodes") or {}
        lines.append(
            f"| {row['model']} | {row['evidence']} | {row['spectra']} | "
            f"{_percent(row['batch of 128'])} ± {_percent(row['batch of 128, deviation'])} | "
            f"{_percent(nodes.get('atoms right'))} | {_percent(nodes.get('wholly right'))} |"
        )
    sizes = [str(size) for size in result["sizes"]]
    lines += [
        "",
        "| model | spectrum | beside the library | "
        + " | ".join(f"top 1/5/25 of {int(size):,}" for size in sizes)
        + " |",
        "|---|---|---|" + "--:|" * len(sizes),
    ]
    for row in result["rows"]:
        for kept, found in row["retrieval"].items():
            cells = " | ".join(
                " / ".join(_percent(found[size][f"top {top}"]) for top in (1, 5, 25))
                for size in sizes
            )
            lines.append(f"| {row['model']} | {row['evidence']} | {kept} | {cells} |")
    lines += ["", f"split {result['split']}, {result['molecules']} measurements; percent"]
    for name, card in result["models"].items():
        lines.append(
            f"{name} {card['version']}: {card['parameters'] / 1e6:.1f} M parameters, vectors of "
            f"{card['dimensions']}"
        )
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "" if value is None or value != value else f"{100 * value:.1f}"
