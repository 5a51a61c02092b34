"""Measures what one feels: the start, the first paint and the pan of long traces.

Run it with ``python -m specgui.measure_speed``; it draws offscreen unless told otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median

POINTS = (1_000_000, 10_000_000)
_STARTS = 3
_PANS = 20
_SIZE = (1280, 800)

# Runs in a fresh interpreter; the window is usable when its first paint is done and the event
# loop has nothing left to do.
_START = """
import sys, time
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
application = QApplication([])
from specgui.application import make_window
from specgui.settings import Settings
window = make_window(Settings(QSettings({ini!r}, QSettings.Format.IniFormat)))
window.show()
for _ in range(3):
    application.processEvents()
print(time.time())
heavy = [m for m in ("torch", "rdkit", "nmrglue", "PySide6.QtWebEngineCore") if m in sys.modules]
print(",".join(heavy))
window.close()
"""


def measure_start(folder: str) -> tuple[float, list[str]]:
    """Seconds from the start of the process to a usable window, and heavy modules it loaded."""
    code = _START.format(ini=os.path.join(folder, "speed.ini"))
    times, heavy = [], []
    for _ in range(_STARTS):
        begun = time.time()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split("\n")
        times.append(float(done[0]) - begun)
        heavy = [name for name in done[1].split(",") if name]
    return median(times), heavy


def measure_plot(points: int, gaps: bool = False) -> dict[str, float]:
    """Milliseconds of the first paint of a spectrum, and of one step of a pan and of a zoom.

    The pan goes through half of the axis, the zoom from the whole to a thousandth. ``gaps`` leaves
    points out, as a detector that was switched off does.
    """
    import numpy as np
    from PySide6.QtWidgets import QApplication

    from engine.spectra import Spectrum
    from specgui.appearance import LIGHT
    from specgui.views.plot_canvas import PlotCanvas
    from specgui.workers.presenting import present

    application = QApplication.instance() or QApplication([])
    x = np.linspace(0, 12, points)
    noise = np.random.default_rng(0).normal(scale=0.01, size=points)
    y = noise + sum(
        h / (1 + ((x - c) / 0.002) ** 2) for c, h in ((1.2, 1.0), (3.7, 0.6), (7.3, 0.8))
    )
    if gaps:
        y[points // 3 : points // 3 + 1000] = np.nan
    shown, _ = present(Spectrum("1H NMR", x, y, "ppm"), "")
    canvas = PlotCanvas(LIGHT)
    canvas.resize(*_SIZE)
    canvas.show()
    application.processEvents()
    begun = time.perf_counter()
    canvas.show_presentation(shown, "1H NMR", descending=True)
    canvas.grab()
    first_paint = time.perf_counter() - begun
    # Half of the axis in view is the worst case: most points, and clipping cannot keep them.
    canvas.view.setXRange(2, 8, padding=0)
    canvas.grab()
    pans = [_timed(canvas, lambda step=n: canvas.pan(0.01 if step % 2 else -0.01)) for n in
            range(_PANS)]  # fmt: skip
    canvas.view.go_home()
    zooms = [_timed(canvas, lambda: canvas.zoom(0.7)) for _ in range(_PANS)]
    hovers = [_timed(canvas, lambda at=n: canvas.follow(1.0 + 0.1 * at)) for n in range(_PANS)]
    canvas.close()
    canvas.deleteLater()
    application.processEvents()
    return {
        "first_paint_ms": round(first_paint * 1000, 1),
        "pan_ms": round(median(pans) * 1000, 1),
        "zoom_ms": round(median(zooms) * 1000, 1),
        "cursor_ms": round(median(hovers) * 1000, 1),
    }


def _timed(canvas, change) -> float:
    """Seconds from a change to its picture."""
    begun = time.perf_counter()
    change()
    canvas.grab()
    return time.perf_counter() - begun


def measure() -> dict:
    """All of it, in seconds and milliseconds."""
    import tempfile

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        start, heavy = measure_start(folder)
    plots = [{"points": points, **measure_plot(points)} for points in POINTS]
    plots.append({"points": POINTS[-1], "gaps": True, **measure_plot(POINTS[-1], gaps=True)})
    return {"start_s": round(start, 3), "heavy_modules_at_start": heavy, "plots": plots}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
