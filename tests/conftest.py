"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_SHARED = Path(
    os.environ.get("SPECGUI_SHARED", Path(__file__).resolve().parents[1] / ".." / "shared")
)


def _shared_folder(name: str) -> Path:
    folder = (_SHARED / name).resolve()
    if not folder.is_dir():
        pytest.skip(f"the shared {name} folder is not here (set SPECGUI_SHARED to its parent)")
    return folder


@pytest.fixture
def samples() -> Path:
    """The folder of real instrument files, or the test is skipped."""
    return _shared_folder("samples")


@pytest.fixture
def tables() -> Path:
    """The folder of training and evaluation tables, or the test is skipped."""
    return _shared_folder("data")
