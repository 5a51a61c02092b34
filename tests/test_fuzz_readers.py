"""The fuzzer: a small run of it over every reader, and that it sees the faults it is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and POSIX limits")


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def test_damaged_files_give_spectra_or_a_format_error(tmp_path):
    done = _run("-m", "tests.fuzz_readers", "--count", "400", "--seed", "7", "--out", tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "400 files" in done.stdout and " 0 kinds of findings" in done.stdout


def test_damaged_real_files_do_too(tmp_path, samples):
    done = _run(
        "-m", "tests.fuzz_readers", "--samples", samples, "--count", "200", "--seed", "7",
        "--out", tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


# Readers with one fault each, by the remainder of the file's number.
_PLANTED = """
import os, sys
from dataclasses import replace
import numpy as np
from engine.formats import registry
from tests import fuzz_readers
from tests.fuzzing import workers

kept = registry.readers()
faults = {1: lambda: {}["missing"], 2: lambda: os.abort(), 3: lambda: hang(),
          4: lambda: np.ones(1 << 40), 5: lambda: []}

def hang():
    while True:
        pass

def opened(path, technique=None):
    number = workers.CURRENT
    if number in faults:
        return faults[number]()
    raise registry.FormatError(path, "a spectrum", "none")

def current(path, index, *more):
    workers.CURRENT = index
    return findings_of(path, index, *more)

findings_of, workers.findings_of = workers.findings_of, current
import engine.formats
engine.formats.open_spectra = opened
sys.exit(fuzz_readers.main(sys.argv[1:]))
"""


def test_each_kind_of_fault_is_found_and_the_rest_of_the_run_goes_on(tmp_path):
    done = _run(
        "-c", _PLANTED, "--count", "8", "--seconds", "1", "--memory-mb", "512", "--out", tmp_path
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = (tmp_path / "findings.jsonl").read_text().splitlines()
    found = {(entry["index"], entry["kind"]) for entry in map(json.loads, lines)}
    assert found == {(1, "raised"), (2, "crash"), (3, "hang"), (4, "raised"), (5, "result")}
    assert "8 files" in done.stdout
    for number in range(1, 6):
        assert any((tmp_path / str(number)).iterdir()), f"file {number} is kept"
    hang = next(json.loads(line) for line in lines if '"hang"' in line)
    assert "in hang" in hang["detail"]  # where the program was


def test_a_run_gives_the_same_files_again(tmp_path):
    for name in ("one", "other"):
        assert (
            _run(
                "-m", "tests.fuzz_readers", "--only", "11", "--seed", "3", "--out", tmp_path / name
            ).returncode
            == 0
        )
    one, other = (
        {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*")
         if p.is_file()}
        for name in ("one", "other")
    )  # fmt: skip
    assert one == other and one
