"""How long the verbs take on this machine: groups of many samples, of one, of a folder; search."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from engine.chemistry.example_sample import example_files
from engine.encoding.channels import POINTS
from engine.library.group_model import GroupModel, default_group_model
from engine.spectra import Sample

SAMPLES = 10_000
_AT_ONCE = 512
_TRIPLE = ("IR", "13C NMR", "1H NMR")
_REPEATS = 9
_COPIES = 200
_QUERIES = 9
_WINDOW_SECONDS = 600

# What is asked for (seconds or milliseconds on two cores), beside what is measured.
AIMS = {
    "groups of 10,000 samples of IR+13C+1H, once encoded": "under 20 s (2 s on a large GPU)",
    "one sample, from its files to its groups with their regions": "under 150 ms",
    "search by 13C and 1H in the library that is open": "under 1 s at a million molecules",
    "window usable after its start": "under 1.5 s",
}


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The measurements as ``specgui benchmark speed`` asks for them; the split plays no part."""
    return speed_benchmark(split=options.split, report=report)


def speed_benchmark(
    split: str = "",
    samples: int = SAMPLES,
    copies: int = _COPIES,
    window: bool = True,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """A row for each measurement; one that cannot be made says why. Raises
    :class:`NoModelError` when no group model is installed."""
    import torch

    model = default_group_model()
    rows: list[dict[str, Any]] = []

    def measure(task: str, unit: str, verb: Callable[[], float]) -> None:
        report(task)
        row: dict[str, Any] = {"task": task, "unit": unit, "aim": AIMS.get(task, "")}
        try:
            row |= {"value": round(verb(), 3), "reason": ""}
        except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
            row |= {"value": None, "reason": str(error) or type(error).__name__}
        rows.append(row)

    measure(
        f"groups of {samples:,} samples of IR+13C+1H, once encoded",
        "s",
        lambda: seconds_for_encoded(model, samples),
    )
    if torch.cuda.is_available():
        measure(
            f"groups of {samples:,} samples of IR+13C+1H, on the GPU",
            "s",
            lambda: seconds_for_encoded(model, samples, "cuda"),
        )
    measure("one sample, from its files to its groups with their regions", "ms", one_sample)
    measure("of that, reading the files", "ms", reading)
    measure("of that, how ordinary the spectra are", "ms", familiarity)
    measure(
        f"a folder of {copies:,} samples, files to groups",
        "samples/s",
        lambda: copies / seconds_for_folder(copies),
    )
    measure("search by 13C and 1H in the library that is open", "ms", search_time)
    if window:
        measure("window usable after its start", "s", lambda: _window("start_s"))
        measure("first paint of 1,000,000 points", "ms", lambda: _window("first_paint_ms"))
        measure("one step of a pan over 1,000,000 points", "ms", lambda: _window("pan_ms"))
    measure("most memory of this process", "MiB", peak_memory)
    return {
        "benchmark": "speed",
        "split": split,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        },
        "model": model.card.to_dict(),
        "further_sources": [source.model for source in model.sources],
        "rows": rows,
    }  # fmt: skip


def seconds_for_encoded(model: GroupModel, samples: int, device: str = "cpu") -> float:
    """Seconds of the network and its calibration for so many encoded samples."""
    import torch

    rng = np.random.default_rng(0)
    names = [name for name in _TRIPLE if name in model.channels]
    spectra = {
        name: torch.from_numpy(rng.random((_AT_ONCE, POINTS)).astype(np.float32)).to(device)
        for name in names
    }
    calibration = model.calibration.for_channels(names)
    network = model.network.to(device)

    def predict(count: int) -> None:
        output = network({name: values[:count] for name, values in spectra.items()})
        logits = output if isinstance(output, torch.Tensor) else output.logits
        calibration.probabilities(logits.double().cpu().numpy())

    try:
        with torch.no_grad():
            predict(min(_AT_ONCE, samples))
            started = time.perf_counter()
            for first in range(0, samples, _AT_ONCE):
                predict(min(_AT_ONCE, samples - first))
            return time.perf_counter() - started
    finally:
        model.network.to("cpu")


def one_sample() -> float:
    """Milliseconds, the median, of the example's four files to its groups, all loaded before."""
    from engine.formats import open_many
    from engine.tasks.groups import identify_groups

    def once() -> None:
        spectra, _ = open_many(example_files())
        identify_groups(Sample(tuple(spectra)))

    return _milliseconds(once)


def reading() -> float:
    from engine.formats import open_many

    return _milliseconds(lambda: open_many(example_files()))


def familiarity() -> float:
    from engine.encoding.sample_encoding import encode_sample
    from engine.formats import open_many
    from engine.tasks.familiarity import doubts

    spectra, _ = open_many(example_files())
    encoded = encode_sample(Sample(tuple(spectra)))
    return _milliseconds(lambda: doubts(encoded))


def seconds_for_folder(copies: int) -> float:
    """Seconds of a batch over so many copies of the example, the workers' start included."""
    from engine.tasks.batch_prediction import entries_of, predict_batch

    with tempfile.TemporaryDirectory() as folder:
        for number in range(copies):
            place = Path(folder) / f"sample-{number:05d}"
            place.mkdir()
            for file in example_files():
                shutil.copy(file, place)
        started = time.perf_counter()
        failed = [result.error for result in predict_batch(entries_of(folder)) if result.error]
        seconds = time.perf_counter() - started
    if failed:
        raise RuntimeError(f"{len(failed)} of {copies} failed: {failed[0]}")
    return seconds


def search_time() -> float:
    from engine.formats import open_many
    from engine.tasks.molecule_search import search

    spectra, _ = open_many(example_files())
    sample = Sample(tuple(s for s in spectra if s.technique in ("13C NMR", "1H NMR")))
    return _milliseconds(lambda: search(sample), _QUERIES)


_WINDOW: dict[str, float] = {}


def _window(figure: str) -> float:
    """A figure of the window's own measurement, which is another process since it needs Qt."""
    if not _WINDOW:
        done = subprocess.run(
            [sys.executable, "-m", "specgui.measure_speed"], capture_output=True, text=True,
            timeout=_WINDOW_SECONDS, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )  # fmt: skip
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"the window could not be measured: {last}")
        found = json.loads(done.stdout)
        _WINDOW.update({"start_s": found["start_s"], **found["plots"][0]})
    return _WINDOW[figure]


def peak_memory() -> float:
    """MiB; raises ``RuntimeError`` where the system does not tell."""
    try:
        import resource
    except ImportError as error:
        raise RuntimeError("this system does not tell") from error
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _milliseconds(verb: Callable[[], object], repeats: int = _REPEATS) -> float:
    verb()
    took = []
    for _ in range(repeats):
        started = time.perf_counter()
        verb()
        took.append(1000 * (time.perf_counter() - started))
    return median(took)


def format_table(result: dict[str, Any]) -> str:
    """The measurements as a Markdown table."""
    lines = ["| what | measured | unit | asked for |", "|---|--:|---|---|"]
    for row in result["rows"]:
        value = "–" if row["value"] is None else _figure(row["value"])
        said = f"not measured: {row['reason']}" if row["reason"] else row["aim"]
        lines.append(f"| {row['task']} | {value} | {row['unit']} | {said} |")
    machine = result["machine"]
    further = dict.fromkeys(result.get("further_sources", ()))
    if further:
        lines += ["", f"The first row is of the network alone, without {', '.join(further)}."]
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    lines += [
        "",
        f"{machine['cores']} cores ({machine['processor']}), {machine['threads']} threads{gpu}; "
        f"{result['model']['name']} {result['model']['version']}",
    ]
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
