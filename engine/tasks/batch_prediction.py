"""The functional groups of many samples: one after the other into the network, read in parallel.

Each entry of a folder is one sample. Reading and encoding run in worker processes, which need no
torch; the network is asked about many samples at once. What it says is the same as of single
samples, without the regions that speak for each group, which take most of the time of those.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.encoding.sample_encoding import EncodedSample, encode_sample
from engine.spectra import Sample, Spectrum
from engine.tasks.familiarity import doubts

if TYPE_CHECKING:
    from engine.library.group_model import GroupModel, ModelCard

AT_ONCE = 64
_FEW = 12


@dataclass(frozen=True)
class BatchEntry:
    """One sample of a folder: its name and the path that holds its spectra."""

    name: str
    path: Path


@dataclass(frozen=True, eq=False)
class BatchResult:
    """What is said of one entry: probabilities ``(K,)`` in the order of the model's labels.

    ``error`` is why there are none. ``notes`` are about files of the entry that were not read.
    """

    entry: BatchEntry
    labels: tuple[str, ...] = ()
    probabilities: np.ndarray | None = None
    present: np.ndarray | None = None
    techniques_used: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def is_read(self) -> bool:
        return self.probabilities is not None

    @property
    def groups_present(self) -> list[str]:
        """The names of those present, most probable first."""
        if self.probabilities is None or self.present is None:
            return []
        order = np.argsort(-self.probabilities, kind="stable")
        return [self.labels[k] for k in order if self.present[k]]

    def to_dict(self) -> dict[str, Any]:
        """One line of the batch: as of a single sample, the evidence left out."""
        groups = []
        if self.probabilities is not None and self.present is not None:
            order = np.lexsort((-self.probabilities, ~self.present))
            groups = [
                {
                    "name": self.labels[k],
                    "probability": round(float(self.probabilities[k]), 4),
                    "present": bool(self.present[k]),
                }
                for k in order
            ]
        return {
            "sample": self.entry.name,
            "source": str(self.entry.path),
            "groups": groups,
            "techniques_used": list(self.techniques_used),
            "warnings": [*self.warnings, *self.notes],
            "doubts": list(self.doubts),
        }


@dataclass(frozen=True, eq=False)
class _Read:
    """What a worker gives back of an entry."""

    sample: Sample | None = None
    encoded: EncodedSample | None = None
    techniques: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""


def entries_of(folder: str | Path) -> list[BatchEntry]:
    """The samples of a folder, by name: each file and each subfolder is one.

    A subfolder's files are spectra of one compound; one that is an instrument's own folder is one
    spectrum. Hidden entries are left out. Raises ``NotADirectoryError`` for what is no folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    names = sorted(os.listdir(folder), key=lambda name: (name.casefold(), name))
    return [BatchEntry(name, folder / name) for name in names if not name.startswith(".")]


def predict_batch(
    entries: Sequence[BatchEntry],
    model: GroupModel | None = None,
    *,
    technique: str | None = None,
    prepare: Callable[[Sample], Sample] | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[BatchResult]:
    """The results in the order of the entries, as they come.

    A broken entry gives a result with its ``error`` and stops nothing, not even when reading it
    kills a worker. ``prepare``, a function of a module, changes each sample before it is encoded.
    ``workers`` is the number of reading processes (one for each core when None;
    0 reads here). ``on_progress(done, total)`` is called after each network call. Raises
    :class:`NoModelError` when no weights are installed.
    """
    if model is None:
        from engine.library.group_model import default_group_model

        model = default_group_model()
    needed = frozenset(source.channel for source in model.sources)
    read_one = partial(_read, technique=technique, needed=needed, prepare=prepare)
    done = 0
    waiting: list[tuple[BatchEntry, _Read]] = []
    for entry, read in zip(entries, _readings(entries, read_one, workers), strict=True):
        waiting.append((entry, read))
        if len(waiting) == AT_ONCE:
            yield from _predicted(model, waiting)
            done += len(waiting)
            on_progress(done, len(entries))
            waiting = []
    if waiting:
        yield from _predicted(model, waiting)
        on_progress(done + len(waiting), len(entries))


def _readings(
    entries: Sequence[BatchEntry], read: Callable[[Path], _Read], workers: int | None
) -> Iterator[_Read]:
    wanted = (os.cpu_count() or 1) if workers is None else workers
    if wanted < 1 or (workers is None and len(entries) <= _FEW):
        yield from (read(entry.path) for entry in entries)
        return
    position = 0
    while position < len(entries):
        try:
            for reading in _in_processes(entries[position:], read, wanted):
                yield reading
                position += 1
        except BrokenProcessPool:
            # One of those that were being read killed its process: read the next alone, and go on.
            try:
                alone = entries[position : position + 1]
                reading = next(_in_processes(alone, read, 1))
            except BrokenProcessPool:
                reading = _Read(error="reading it ended the process that read it")
            yield reading
            position += 1


def _in_processes(
    entries: Sequence[BatchEntry], read: Callable[[Path], _Read], workers: int
) -> Iterator[_Read]:
    """Readings in order; no more than some are ahead, so that memory stays bounded."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(entries)), context, _quiet) as pool:
        ahead: list[Future[_Read]] = []
        following = iter(entries)
        try:
            for entry in following:
                ahead.append(pool.submit(read, entry.path))
                if len(ahead) >= 2 * AT_ONCE:
                    yield ahead.pop(0).result()
            while ahead:
                yield ahead.pop(0).result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _quiet() -> None:
    import warnings

    warnings.simplefilter("ignore")


def _read(
    path: Path,
    technique: str | None,
    needed: Collection[str],
    prepare: Callable[[Sample], Sample] | None,
) -> _Read:
    """Read and encode one entry, in a worker; every error is said, none is raised."""
    from engine.formats import open_many

    try:
        spectra, errors = open_many([path], technique=technique)
        notes = tuple(" ".join(message.split()) for _, message in errors)
        if not spectra:
            return _Read(error="; ".join(notes) or "no spectrum is in it")
        sample = Sample(tuple(spectra), name=path.name)
        sample = prepare(sample) if prepare is not None else sample
        encoded = encode_sample(sample, "EI" in needed)
    except MemoryError:
        return _Read(error="it does not fit into memory")
    except Exception as error:  # a fault in a reader concerns its own file alone
        return _Read(error=f"{type(error).__name__}: {' '.join(str(error).split())}")
    techniques = tuple(
        (name, str(sample.spectra[index].technique))
        for name, indices in encoded.sources.items()
        for index in indices
    )
    return _Read(_light(sample, encoded, needed), encoded, techniques, notes)


def _light(sample: Sample, encoded: EncodedSample, needed: Collection[str]) -> Sample:
    """The sample with two points in the place of every spectrum that no further source reads."""
    kept = {index for name in needed for index in encoded.sources.get(name, ())}
    spectra = tuple(
        spectrum
        if index in kept
        else Spectrum(spectrum.technique, [0.0, 1.0], [0.0, 0.0], spectrum.x_unit)
        for index, spectrum in enumerate(sample.spectra)
    )
    return Sample(spectra, name=sample.name)


def _predicted(
    model: GroupModel, readings: Sequence[tuple[BatchEntry, _Read]]
) -> Iterator[BatchResult]:
    logits = _network_logits(model, [read.encoded for _, read in readings])
    for (entry, read), own in zip(readings, logits, strict=True):
        yield _result(model, entry, read, own)


def _network_logits(
    model: GroupModel, samples: Sequence[EncodedSample | None]
) -> list[np.ndarray | None]:
    """Logits ``(K,)`` of each sample, those with the same channels asked about together."""
    import torch

    together: dict[tuple[str, ...], list[int]] = {}
    for index, encoded in enumerate(samples):
        if encoded is not None:
            names = tuple(name for name in model.channels if name in encoded.values)
            if names:
                together.setdefault(names, []).append(index)
    found: list[np.ndarray | None] = [None] * len(samples)
    for names, members in together.items():
        spectra = {
            name: torch.from_numpy(
                np.stack([samples[index].values[name] for index in members]).astype(np.float32)
            )
            for name in names
        }
        with torch.no_grad():
            output = model.network(spectra)
        logits = output if isinstance(output, torch.Tensor) else output.logits
        for index, row in zip(members, logits.double().numpy(), strict=True):
            found[index] = row
    return found


def _result(
    model: GroupModel, entry: BatchEntry, read: _Read, logits: np.ndarray | None
) -> BatchResult:
    from engine.tasks.group_sources import read_sources

    if read.encoded is None or read.sample is None:
        return BatchResult(entry, error=read.error)
    encoded = read.encoded
    try:
        readings = read_sources(model, read.sample, encoded)
        joined = readings.joined(logits)
    except ValueError:
        reasons = "; ".join(encoded.warnings) or "it holds no spectrum that the network reads"
        return BatchResult(entry, notes=read.notes, error=f"no groups can be predicted: {reasons}")
    calibration = readings.calibration(model)
    probabilities = calibration.probabilities(joined)
    used = dict.fromkeys(
        technique for name, technique in read.techniques if name in readings.channels
    )
    return BatchResult(
        entry, model.labels, probabilities, probabilities >= calibration.threshold, tuple(used),
        encoded.warnings, doubts(encoded), read.notes,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class BatchTotals:
    """What a batch came to: its errors as ``(source, message)``, and how long it took."""

    samples: int
    errors: tuple[tuple[str, str], ...]
    doubted: int
    seconds: float
    model: ModelCard


def write_batch(
    results: Iterable[BatchResult], model: GroupModel, write: Callable[[BatchResult], None]
) -> BatchTotals:
    """Give every result with groups to ``write``, and count."""
    started = time.perf_counter()
    errors: list[tuple[str, str]] = []
    samples = doubted = 0
    for result in results:
        if result.is_read:
            samples += 1
            doubted += bool(result.doubts)
            write(result)
        else:
            errors.append((str(result.entry.path), f"{result.entry.name}: {result.error}"))
    seconds = time.perf_counter() - started
    return BatchTotals(samples, tuple(errors), doubted, seconds, model.card)
