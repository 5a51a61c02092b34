"""A build that is killed at any moment goes on with the chunks that it had finished."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.library import library_build
from engine.library.library_build import build_library

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import importlib.util, sys
from pathlib import Path
from engine.library import library_build
library_build.CHUNK = 5
root, source, folder = map(Path, sys.argv[1:])
spec = importlib.util.spec_from_file_location("shared", root / "tests/engine/conftest.py")
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
library_build.build_library("killed", source, shared.RulePredictor(), folder)
"""
MOLECULES = 400


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "list.smi"
    chains = (f"{'C' * (k % 20 + 1)}O{'C' * (k // 20)}" for k in range(MOLECULES))
    path.write_text("".join(f"{smiles} number {k}\n" for k, smiles in enumerate(chains)))
    return path


def test_what_was_finished_is_kept_and_the_rest_is_made(
    source, tmp_path, rule_predictor, monkeypatch
):
    folder = tmp_path / "libraries"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(ROOT), str(source), str(folder)], env=environment
    )
    try:
        while process.poll() is None and len(list(folder.rglob("*.npz"))) < 3:
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}
    monkeypatch.setattr(library_build, "CHUNK", 5)
    kept = {}

    def look(progress):
        if progress.stage != "predicting":
            kept.update({p.name: p.stat().st_mtime_ns for p in folder.rglob("*.npz")})

    resumed = build_library("killed", source, rule_predictor, folder, report=look)
    whole = build_library("whole", source, rule_predictor, folder)
    # Where the machine was so quick that it was done before the kill, all is made again.
    assert all(kept[name] == finished[name] for name in finished)
    assert len(resumed) == len(whole)
    for name, values in whole.arrays.items():
        assert np.array_equal(resumed.arrays[name], values), name
