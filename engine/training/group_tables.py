"""The tables of spectra as molecules with their groups: reading, and what may be used."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

OPEN_LICENCES = ("open", "share-alike")
MAXIMUM_MASS_SPECTRA = 6


@dataclass
class GroupRecord:
    """All spectra of one molecule in the tables: ``labels`` bool ``(37,)``; lists may be empty."""

    key: str
    smiles: str
    labels: np.ndarray
    carbon: list[Mapping[str, Any]] = field(default_factory=list)
    proton: list[Mapping[str, Any]] = field(default_factory=list)
    solvents: dict[str, str | None] = field(default_factory=dict)
    proton_mhz: float | None = None
    infrared: Mapping[str, Any] | None = None
    positive: list[Mapping[str, Any]] = field(default_factory=list)
    negative: list[Mapping[str, Any]] = field(default_factory=list)


class MissingTableError(FileNotFoundError):
    """A table that a training or benchmark needs is not in the data folder."""


def table_rows(data: Path, name: str, split: str) -> Iterator[dict[str, Any]]:
    """The rows of ``<name>_<split>.jsonl.gz``, or those of ``<name>.jsonl.gz`` whose field says so.

    Raises :class:`MissingTableError` with the path when neither is there.
    """
    own = Path(data) / f"{name}_{split}.jsonl.gz"
    shared = Path(data) / f"{name}.jsonl.gz"
    if own.exists():
        with gzip.open(own, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    elif shared.exists():
        with gzip.open(shared, "rt", encoding="utf-8") as lines:
            yield from (row for row in map(json.loads, lines) if row.get("split") == split)
    else:
        raise MissingTableError(f"no table {own.name} in {data}: give the folder with --data")


def _labels(smiles: str) -> np.ndarray | None:
    from rdkit import Chem

    from engine.chemistry.functional_groups import groups_of

    molecule = Chem.MolFromSmiles(smiles)
    return None if molecule is None else groups_of(molecule)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def evaluation_keys(data: Path) -> set[str]:
    """Molecules of the measured-IR evaluation set, of which no spectrum may be trained on."""
    path = Path(data) / "ir_real_eval.jsonl.gz"
    if not path.exists():
        return set()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return {json.loads(line)["key"] for line in lines}


def read_group_records(
    data: Path, split: str, excluded: Collection[str] = frozenset()
) -> list[GroupRecord]:
    """Every molecule of a split with a 13C, 1H, IR (computed) or open MS/MS spectrum.

    Mass spectra of noncommercial licences and molecules whose keys are ``excluded`` are left out.
    Tables that are missing are skipped as long as one is there.
    """
    from rdkit import RDLogger

    RDLogger.DisableLog("rdApp.*")
    records: list[GroupRecord] = []
    by_key: dict[str, GroupRecord] = {}

    def record_of(row: Mapping[str, Any], name: str) -> GroupRecord | None:
        """The molecule's record; stereoisomers measured apart (further NMR rows) get one each."""
        known = by_key.get(row["key"])
        if known is not None and name != "nmr":
            return known
        labels = _labels(row["smiles"])
        if labels is None:
            return None
        record = GroupRecord(row["key"], row["smiles"], labels)
        records.append(record)
        by_key.setdefault(row["key"], record)
        return record

    missing = []
    for name, take in (("nmr", _take_nmr), ("ir_xtb", _take_infrared), ("ms_esi", _take_masses)):
        try:
            for row in table_rows(data, name, split):
                record = None if row["key"] in excluded else record_of(row, name)
                if record is not None:
                    take(record, row)
        except MissingTableError as error:
            missing.append(error)
    if not records:
        raise missing[0] if missing else MissingTableError(f"no rows of split {split!r} in {data}")
    return [
        r for r in records
        if r.carbon or r.proton or r.infrared or r.positive or r.negative
    ]  # fmt: skip


def _take_nmr(record: GroupRecord, row: Mapping[str, Any]) -> None:
    record.carbon = row.get("c13") or []
    record.proton = row.get("h1") or []
    meta = row.get("meta") or {}
    for nucleus in ("13C", "1H"):
        record.solvents[nucleus] = (meta.get(nucleus) or {}).get("solvent")
    proton = meta.get("1H") or {}
    mhz = _number(next((v for k, v in proton.items() if "mhz" in k.lower() or "field" in k), None))
    record.proton_mhz = mhz if mhz and 40 < mhz < 1300 else None


def _take_infrared(record: GroupRecord, row: Mapping[str, Any]) -> None:
    record.infrared = row


def _take_masses(record: GroupRecord, row: Mapping[str, Any]) -> None:
    if row.get("licence_class") not in OPEN_LICENCES:
        return
    spectra = {"positive": record.positive, "negative": record.negative}.get(row.get("polarity"))
    if spectra is not None and len(spectra) < MAXIMUM_MASS_SPECTRA:
        spectra.append({"mz": row["mz"], "intensity": row["intensity"]})
