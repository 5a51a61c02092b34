"""A folder of mixed and damaged files in the window over the real readers: nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings, QTimer

from engine.formats.csv_writer import write_csv
from engine.formats.jcamp_writer import write_jcamp
from engine.spectra import Spectrum
from specgui.workers.reading import plan_reading
from tests.engine.formats.chromatogram_files import chromatogram, write

_WAIT_MS = 120_000
EACH = 8


def _spectra() -> dict[str, Spectrum]:
    x = np.linspace(400, 4000, 300)
    band = np.exp(-(((x - 1715) / 30) ** 2))
    return {
        "ir": Spectrum("IR", x, 1 - 0.5 * band, "1/cm", "transmittance", title="ir"),
        "raman": Spectrum("Raman", x, band, "1/cm", "intensity", title="raman"),
        "uv": Spectrum("UV-Vis", x[:200] / 4 + 150, band[:200], "nm", "absorbance", title="uv"),
    }


@pytest.fixture
def folder(tmp_path) -> Path:
    """Files of five kinds, ``EACH`` of them; of each kind one is cut, one overwritten, one empty.

    A file is called after its fate: ``good`` ones open.
    """
    made = tmp_path / "mixed"
    made.mkdir()
    masses = "NAME: a\nNum Peaks: 3\n15 30; 43 100; 58 25;\n"
    for kind in range(5):
        for number in range(EACH):
            fate = {1: "cut", 2: "noise", 3: "empty"}.get(number, "good")
            stem = f"{kind}_{number}_{fate}"
            spectrum = list(_spectra().values())[min(kind, 2)]
            if kind < 2:
                path = made / f"{stem}.jdx"
                write_jcamp(spectrum, path)
            elif kind == 2:
                path = made / f"{stem}.csv"
                write_csv(spectrum, path)
            elif kind == 3:
                path = made / f"{stem}.msp"
                path.write_text(masses)
            else:
                path = write(made, chromatogram("c", [0.0, 1.0], [1, 2]), name=f"{stem}.mzML")
            content = path.read_bytes()
            if fate == "cut":
                path.write_bytes(content[:15])
            elif fate == "noise":
                path.write_bytes(np.random.default_rng(number).bytes(len(content)))
            elif fate == "empty":
                path.write_bytes(b"")
    return made


@pytest.fixture
def real_window(qtbot, tmp_path, monkeypatch):
    from specgui.application import make_window
    from specgui.settings import Settings
    from specgui.workspace import Workspace

    # Reading is what is looked at: the network would take most of the time.
    monkeypatch.setattr(Workspace, "_predict_what_is_new", lambda self: None)
    made = make_window(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)))
    made.show()
    yield made
    made.close()
    made.deleteLater()


def _told(window) -> set[str]:
    return {Path(problem.path).name for problem in window.workspace.problems}


def _opened(window) -> set[str]:
    found = set()
    for sample in window.workspace.document.samples:
        found |= {Path(e.spectrum.source.path).name for e in sample.spectra}
        found |= {Path(run.path).name for run in sample.runs}
    return found


def test_every_file_is_opened_or_named(qtbot, real_window, folder):
    jobs = real_window.workspace.jobs
    shares: list[float] = []
    jobs.changed.connect(
        lambda: shares.extend(j.fraction for j in jobs.jobs if j.fraction is not None)
    )
    ticks: list[int] = []
    timer = QTimer(real_window)
    timer.timeout.connect(lambda: ticks.append(len(real_window.workspace.document.samples)))
    timer.start(0)
    real_window.workspace.read(plan_reading([folder]).by_file)
    qtbot.waitUntil(jobs.is_idle, timeout=_WAIT_MS)
    timer.stop()
    names = {path.name for path in folder.iterdir()}
    assert _opened(real_window) | _told(real_window) == names, "nothing is lost in silence"
    assert {n for n in names if "good" in n} == _opened(real_window)
    assert len(real_window.workspace.document.samples) == 5 * (EACH - 3)
    assert min(ticks) < 5 * (EACH - 3), "the window went on while files were read"
    assert shares and max(shares) <= 1.0


def test_a_cancelled_reading_keeps_what_was_read(qtbot, real_window, folder):
    jobs = real_window.workspace.jobs
    batches = plan_reading([folder]).by_file
    real_window.workspace.document.changed.connect(jobs.cancel_all)
    real_window.workspace.read(batches)
    qtbot.waitUntil(jobs.is_idle, timeout=_WAIT_MS)
    real_window.workspace.document.changed.disconnect(jobs.cancel_all)
    opened = _opened(real_window)
    assert opened and all("good" in name for name in opened)
    assert len(opened) < 5 * (EACH - 3)
