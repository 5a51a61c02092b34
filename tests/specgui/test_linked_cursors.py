"""The crosshair at the same shift in plots of one and of two dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from engine.spectra import Spectrum2D
from specgui.appearance import LIGHT
from specgui.views.contour_canvas import ContourCanvas
from specgui.views.linked_cursors import LinkedCursors
from specgui.views.plot_canvas import PlotCanvas
from specgui.workers.contouring import show_matrix
from specgui.workers.presenting import Presentation


def _trace(technique: str, low: float, high: float) -> PlotCanvas:
    x = np.linspace(low, high, 500)
    shown = Presentation(
        x, np.ones(500), "ppm", "intensity", "continuous", y_range=(0.0, 1.0), peaks=()
    )
    made = PlotCanvas(LIGHT)
    made.show_presentation(shown, technique, descending=True)
    return made


def _plane(other: str | None, y_unit: str = "ppm") -> ContourCanvas:
    x, y = np.linspace(10, 0, 60), np.linspace(150, 0, 50)
    z = np.random.default_rng(1).normal(size=(50, 60))
    made = ContourCanvas(LIGHT)
    made.show_matrix(show_matrix(Spectrum2D("1H NMR", other, x, y, z, y_unit=y_unit)))
    return made


@pytest.fixture
def canvases(qtbot):
    made = {
        "1H": _trace("1H NMR", 0, 12), "13C": _trace("13C NMR", 0, 220),
        "HSQC": _plane("13C NMR"), "COSY": _plane("1H NMR"), "array": _plane(None, "s"),
    }  # fmt: skip
    cursors = LinkedCursors()
    for canvas in made.values():
        qtbot.addWidget(canvas)
        cursors.add(canvas)
    made["cursors"] = cursors
    return made


def _lines(canvas: ContourCanvas) -> list[float | None]:
    return [float(line.value()) if line.isVisible() else None for line in canvas._lines]


def _line(canvas: PlotCanvas) -> float | None:
    return float(canvas._line.value()) if canvas._line.isVisible() else None


def test_a_proton_trace_draws_its_line_in_every_plane(canvases):
    canvases["1H"].hovered.emit(7.2, "")
    assert _lines(canvases["HSQC"]) == [7.2, None]
    assert _lines(canvases["COSY"]) == [7.2, 7.2], "where the partners of a signal are, too"
    assert _lines(canvases["array"]) == [7.2, None]
    assert _line(canvases["13C"]) is None
    canvases["1H"].hovered.emit(None, "")
    assert all(_lines(canvases[name]) == [None, None] for name in ("HSQC", "COSY", "array"))


def test_a_carbon_trace_draws_its_line_along_the_other_axis(canvases):
    canvases["13C"].hovered.emit(128.0, "")
    assert _lines(canvases["HSQC"]) == [None, 128.0]
    assert _lines(canvases["COSY"]) == [None, None]


def test_the_crosshair_of_a_plane_is_in_both_traces(canvases):
    canvases["HSQC"]._put_crosshair(7.2, 128.0)
    assert _line(canvases["1H"]) == pytest.approx(7.2, abs=0.02)
    assert _line(canvases["13C"]) == pytest.approx(128.0, abs=0.3)
    assert _lines(canvases["COSY"]) == [7.2, 7.2]
    assert _lines(canvases["HSQC"]) == [7.2, 128.0], "its own stays"
    canvases["HSQC"]._leave()
    assert _line(canvases["1H"]) is None and _line(canvases["13C"]) is None
    canvases["COSY"]._put_crosshair(3.0, 8.0)
    assert _line(canvases["1H"]) == pytest.approx(3.0, abs=0.02), "along x: there is one line"


def test_what_has_no_such_axis_loses_its_line_alone(canvases):
    canvases["1H"].hovered.emit(7.2, "")
    canvases["13C"].hovered.emit(50.0, "")
    assert _lines(canvases["HSQC"]) == [None, 50.0]
    assert _lines(canvases["COSY"]) == [None, None]
