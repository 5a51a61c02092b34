"""What the plot draws: scales, peaks, sticks, zoom, and raw FIDs."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from engine.spectra import Spectrum
from specgui.appearance import DARK, LIGHT
from specgui.views.axis_text import readout, x_title, y_scale
from specgui.views.importance_image import warm_colours
from specgui.views.plot_canvas import PlotCanvas
from specgui.workers.presenting import marks_of, present


@pytest.fixture
def canvas(qtbot):
    made = PlotCanvas(LIGHT)
    made.resize(900, 400)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def _show(canvas, spectrum, scale="as recorded", peaks=False):
    from dataclasses import replace

    shown, ascending = present(spectrum, scale)
    if peaks:
        shown = replace(shown, peaks=marks_of(ascending))
    canvas.show_presentation(shown, str(spectrum.technique), spectrum.technique.descending_axis)
    return shown


def test_transmittance_and_absorbance_are_each_other_s_logarithm(infrared):
    shown, _ = present(infrared, "absorbance")
    assert shown.y_unit == "absorbance" and shown.note
    assert np.allclose(shown.y, -np.log10(infrared.ascending.y))
    back, _ = present(infrared, "transmittance")
    assert np.allclose(back.y, infrared.ascending.y) and not back.note


def test_the_infrared_switch_turns_the_plot_over(opened, settle, qtbot):
    canvas = opened.stack.plots["IR"].canvas
    assert canvas.presentation.y_unit == "transmittance"
    opened.registry.action("spectrum.ir_toggle").trigger()
    settle()
    assert canvas.presentation.y_unit == "absorbance"
    assert canvas.left_axis.labelText == "Absorbance"
    opened.registry.action("spectrum.ir_toggle").trigger()
    settle()
    assert canvas.presentation.y_unit == "transmittance"


def test_the_zoom_survives_the_switch(opened, settle):
    canvas = opened.stack.plots["IR"].canvas
    canvas.view.setXRange(1600, 1800, padding=0)
    opened.registry.action("spectrum.ir_toggle").trigger()
    settle()
    assert canvas.view.viewRange()[0] == pytest.approx([1600, 1800])


def test_peaks_of_a_transmittance_point_down(infrared):
    marks = marks_of(infrared.ascending)
    assert [m.label for m in marks[:2]] == ["1715", "2950"]
    assert all(mark.points_down for mark in marks)


def test_labels_do_not_overlap(canvas):
    x = np.linspace(0, 10, 20001)
    y = sum(1 / (1 + ((x - c) / 0.003) ** 2) for c in np.linspace(4, 5, 40))
    _show(canvas, Spectrum("1H NMR", x, y, "ppm"), peaks=True)
    canvas.grab()
    boxes = [box for _, box in canvas.labels.drawn]
    assert len(boxes) > 2
    for number, box in enumerate(boxes):
        assert not any(box.intersects(other) for other in boxes[number + 1 :])


def test_labels_can_be_turned_off(opened):
    canvas = opened.stack.plots["13C NMR"].canvas
    assert canvas.labels.peaks
    opened.registry.action("spectrum.peak_labels").trigger()
    assert canvas.labels.peaks == ()


def test_a_million_points_are_drawn_by_few(canvas):
    x = np.linspace(0, 12, 1_000_000)
    y = np.zeros_like(x)
    y[123_456] = 1.0
    _show(canvas, Spectrum("1H NMR", x, y, "ppm"))
    canvas.grab()
    drawn_x, drawn_y = canvas.trace.curve.getData()
    assert len(drawn_x) < 20 * canvas.width()
    assert drawn_y.max() == 1.0, "a line one point wide must not be lost"


def test_many_sticks_are_one_path_that_keeps_the_tallest(canvas):
    x = np.linspace(50, 2000, 200_000)
    y = np.ones_like(x)
    y[77_777] = 50.0
    _show(canvas, Spectrum("MS", x, y, "m/z", kind="sticks"))
    canvas.grab()
    tips_x, tips_y = canvas.trace.drawn()
    assert len(tips_x) <= 2 * canvas.width() and tips_y.max() == 50.0


def test_a_stick_is_found_from_nearby(canvas, mass):
    _show(canvas, mass)
    assert canvas.trace.nearest(42.8, 1.0) == (43.0, 100.0)
    assert canvas.trace.nearest(50, 1.0) is None


def test_values_that_are_not_finite_are_left_out(canvas):
    y = np.sin(np.linspace(0, 9, 500))
    y[100:110] = np.nan
    shown = _show(canvas, Spectrum("UV-Vis", np.linspace(200, 800, 500), y, "nm", "absorbance"))
    canvas.grab()
    assert not shown.all_finite and np.isfinite(shown.y_range).all()


def test_a_trace_with_gaps_is_drawn_without_a_look_at_all_of_x(canvas, monkeypatch):
    y = np.sin(np.linspace(0, 9, 50_000))
    y[100:110] = np.nan
    _show(canvas, Spectrum("UV-Vis", np.linspace(200, 800, 50_000), y, "nm", "absorbance"))
    canvas.grab()
    looked: list[int] = []
    isfinite = np.isfinite

    def noting(values, *args, **kwargs):
        looked.append(np.size(values))
        return isfinite(values, *args, **kwargs)

    monkeypatch.setattr(np, "isfinite", noting)
    canvas.view.setXRange(300, 700, padding=0)
    canvas.pan(0.1)
    canvas.grab()
    assert max(looked, default=0) < 25_000, "what is drawn, not what is held"


def test_wheel_zooms_and_a_double_click_goes_back(canvas, carbon, qtbot):
    _show(canvas, carbon)
    whole = canvas.view.viewRange()[0]
    canvas.zoom(0.5)
    assert np.ptp(canvas.view.viewRange()[0]) == pytest.approx(0.5 * np.ptp(whole))
    place = canvas.mapFromScene(canvas.view.mapViewToScene(QPointF(100, 0.5)))
    qtbot.mouseDClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=place)
    # Qt's test sends the second press alone.
    qtbot.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: canvas.view.viewRange()[0] == pytest.approx(whole))


def test_a_drag_zooms_to_the_box(canvas, carbon, qtbot):
    _show(canvas, carbon)

    def place(x, y):
        return canvas.mapFromScene(canvas.view.mapViewToScene(QPointF(x, y)))

    start, end = place(150, 0.9), place(100, 0.2)
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(canvas.viewport(), left, pos=start)
    for share in (0.3, 0.6, 1.0):
        between = start + (end - start) * share
        qtbot.mouseMove(canvas.viewport(), QPoint(int(between.x()), int(between.y())))
        qtbot.wait(15)
    qtbot.mouseRelease(canvas.viewport(), left, pos=end)
    assert canvas.view.viewRange()[0] == pytest.approx([100, 150], abs=2)


def test_panning_right_goes_to_lower_shifts(canvas, carbon):
    _show(canvas, carbon)
    canvas.view.setXRange(50, 150, padding=0)
    canvas.pan(0.1)
    assert canvas.view.viewRange()[0] == pytest.approx([40, 140])


def test_a_raw_fid_is_shown_as_a_spectrum_with_a_note(qapp):
    time = np.arange(4096) / 6000.0
    signal = np.exp(2j * np.pi * 900.0 * time - time / 0.2)
    fid = Spectrum(
        "1H NMR", time, signal.real, "s", kind="fid", y_imaginary=signal.imag,
        metadata={"frequency_mhz": 400.0, "sweep_width_hz": 6000.0, "carrier_ppm": 5.0},
    )  # fmt: skip
    shown, _ = present(fid, "")
    assert "FID" in shown.note
    assert shown.x_unit == "ppm" and shown.kind == "continuous"
    assert (np.diff(shown.x) > 0).all()


@pytest.mark.parametrize(
    "point, units, text",
    [
        ((1715.24, 0.431), ("1/cm", "transmittance"), "1715.2 cm⁻¹    43.1 % T"),
        ((7.2605, 5e6), ("ppm", "intensity"), "7.261 ppm    50.0 %"),
        ((43.01784, 100.0), ("m/z", "intensity"), "m/z 43.0178    100.0 %"),
        ((254.0, 0.5), ("nm", "absorbance"), "254.0 nm    A 0.500"),
    ],
)
def test_readouts_carry_units(point, units, text):
    highest = 1e7 if units[0] == "ppm" else 100.0
    scale = y_scale(units[1], highest)
    assert readout(*point, *units, scale) == text


def test_raman_and_infrared_axes_are_named_apart():
    assert x_title("1/cm", "Raman") != x_title("1/cm", "IR")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_importance_colours_are_perceptually_ordered(theme):
    rgb = warm_colours(theme)[:, :3] / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    steps = np.diff(luminance)
    assert (steps > -1e-9).all() or (steps < 1e-9).all()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_has_enough_contrast(theme):
    def luminance(colour: str) -> float:
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(one: str, other: str) -> float:
        light, dark = sorted((luminance(one), luminance(other)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for ground in (theme.window, theme.panel, theme.raised, theme.plot):
        for ink in (theme.text, theme.muted, theme.error, theme.warning, theme.success):
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert contrast(theme.on_accent, theme.accent) >= 4.5
    assert contrast(theme.text, theme.accent_soft) >= 4.5
    assert contrast(theme.trace, theme.plot) >= 4.5
