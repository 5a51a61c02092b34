"""Fixtures that many tests share."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import numpy as np
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


def _mzml_scan(number: int, seconds: float, x, y, precursor: float | None) -> str:
    def parameter(accession: str, value: object = "", unit: str = "") -> str:
        return f'<cvParam accession="{accession}" value="{value}" unitAccession="{unit}"/>'

    def array(values, accession: str) -> str:
        text = base64.b64encode(np.asarray(values, "<f8").tobytes()).decode()
        kind = parameter("MS:1000523") + parameter("MS:1000576") + parameter(accession)
        return f"<binaryDataArray>{kind}<binary>{text}</binary></binaryDataArray>"

    said = parameter("MS:1000744", precursor) if precursor is not None else ""
    level = parameter("MS:1000511", 1 if precursor is None else 2)
    return (
        f'<spectrum id="scan={number}" defaultArrayLength="{len(x)}">{level}'
        + parameter("MS:1000127") + parameter("MS:1000130") + said
        + f"<scanList><scan>{parameter('MS:1000016', seconds, 'UO:0000010')}</scan></scanList>"
        + f'<binaryDataArrayList>{array(x, "MS:1000514")}{array(y, "MS:1000515")}'
        + "</binaryDataArrayList></spectrum>\n"
    )  # fmt: skip


@pytest.fixture
def lc_run(tmp_path) -> Path:
    """An mzML run of 60 full scans, one every 2 s from 0 s on, and two MS/MS scans.

    The ion 195.1 has its peak at 30 s (1000 high, standard deviation 4 s), the ion 310.2 at 80 s
    (500 high); 100.0 is background, always 50. Fragments of 195.1 are recorded at 31 s, of 310.2
    at 81 s, as scans 101 and 102.
    """
    text = []
    for number in range(60):
        seconds = 2.0 * number
        heights = [
            50.0,
            1000 * np.exp(-(((seconds - 30) / 4) ** 2) / 2),
            500 * np.exp(-(((seconds - 80) / 4) ** 2) / 2),
        ]
        text.append(_mzml_scan(number + 1, seconds, [100.0, 195.1, 310.2], heights, None))
        if seconds == 30:
            text.append(_mzml_scan(101, 31.0, [138.1, 195.1], [80.0, 20.0], 195.1))
        if seconds == 80:
            text.append(_mzml_scan(102, 81.0, [250.1, 310.2], [60.0, 10.0], 310.2))
    path = tmp_path / "run.mzML"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<mzML><run>'
        f'<spectrumList count="{len(text)}">{"".join(text)}</spectrumList></run></mzML>'
    )
    return path
