"""Two-dimensional spectra in the window: contours, levels, zoom, crosshair, tree and commands."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication

from engine.spectra import Source, Spectrum2D
from specgui.appearance import DARK, LIGHT
from specgui.views.contour_canvas import ContourCanvas
from specgui.views.contour_items import contour_colours
from specgui.views.sample_model import DETAIL_ROLE
from specgui.workers.contouring import contours_of, show_matrix

NAME = "1H–13C 2D NMR"
PEAKS = ((7.0, 128.0, 1.0), (3.5, 55.0, 0.6), (1.5, 30.0, -0.5))


def _plane(title: str = "HSQC", nx: int = 300, ny: int = 200, noise: float = 0.002, **more):
    x, y = np.linspace(10, 0, nx), np.linspace(160, 0, ny)
    z = np.random.default_rng(4).normal(scale=noise, size=(ny, nx))
    for at_x, at_y, height in PEAKS:
        z += height * np.exp(-(((x - at_x) / 0.08) ** 2) - (((y - at_y) / 1.5)[:, None] ** 2))
    return Spectrum2D(
        "1H NMR", more.pop("other", "13C NMR"), x, y, z, title=title, source=Source("/data/hsqc"),
        **more,
    )  # fmt: skip


def _inside(lines, at_x: float, at_y: float) -> bool:
    return any(
        bool((np.hypot((line.x - at_x) / 0.3, (line.y - at_y) / 5) < 1).any()) for line in lines
    )


# what is drawn


def test_contours_lie_around_the_peaks_and_nowhere_else():
    matrix = show_matrix(_plane())
    found = contours_of(matrix, matrix.extent, matrix.lowest)
    assert found.whole and not found.cut
    up = [line for line in found.lines if line.level > 0]
    down = [line for line in found.lines if line.level < 0]
    assert _inside(up, 7.0, 128.0) and _inside(up, 3.5, 55.0) and not _inside(up, 1.5, 30.0)
    assert _inside(down, 1.5, 30.0) and not _inside(down, 7.0, 128.0)
    for line in found.lines:
        near = [np.hypot((line.x - x) / 0.5, (line.y - y) / 8) < 1 for x, y, _ in PEAKS]
        assert np.logical_or.reduce(near).all()
    levels = sorted({abs(line.level) for line in found.lines})
    assert np.allclose(np.diff(np.log(levels)), np.log(levels[1] / levels[0]))


def test_into_the_noise_the_low_levels_are_left_out_not_the_peaks():
    matrix = show_matrix(_plane(nx=1100, ny=1100, noise=0.05))
    found = contours_of(matrix, matrix.extent, 0.2 * matrix.noise)
    assert found.cut and _inside(found.lines, 7.0, 128.0)
    assert sum(len(line.x) for line in found.lines) < 1_500_000


def test_a_large_matrix_is_drawn_finer_where_one_looks_closer():
    matrix = show_matrix(_plane(nx=2600, ny=1500))
    whole = contours_of(matrix, matrix.extent, matrix.lowest)
    assert not whole.whole and _inside(whole.lines, 7.0, 128.0)
    assert whole.suits(matrix.extent, matrix.lowest)
    part = (6.5, 7.5, 120.0, 135.0)
    assert not whole.suits(part, matrix.lowest) and not whole.suits(matrix.extent, 2.0)
    closer = contours_of(matrix, part, matrix.lowest)
    assert closer.whole and closer.suits(part, matrix.lowest)
    count = sum(len(line.x) for line in closer.lines)
    near = sum(int((np.abs(line.x - 7) < 0.6).sum()) for line in whole.lines)
    assert count > 1.5 * near


def test_raw_data_are_processed_and_said(samples):
    from engine.formats.registry import open_spectra_2d

    (raw,) = open_spectra_2d(samples / "nmr/10_nmrpipe/2d_hmqc.fid")
    matrix = show_matrix(raw)
    assert matrix.spectrum.kind == "continuous" and "Raw data" in matrix.note
    assert "Fourier" in matrix.note_detail


# the canvas


@pytest.fixture
def canvas(qtbot):
    made = ContourCanvas(LIGHT)
    made.resize(700, 500)
    matrix = show_matrix(_plane())
    made.show_matrix(matrix)
    made.show_traces((matrix.x, matrix.top), (matrix.y, matrix.left))
    made.show_contours(contours_of(matrix, matrix.extent, matrix.lowest))
    made.show()
    qtbot.waitExposed(made)
    QApplication.processEvents()
    yield made
    made.close()
    made.deleteLater()


def _pixel(canvas, x: float, y: float) -> QPoint:
    return canvas.mapFromScene(canvas.view.mapViewToScene(QPointF(x, y)))


def _wheel(canvas, place: QPoint, turn: int, held=Qt.KeyboardModifier.NoModifier) -> None:
    where = QPointF(place)
    event = QWheelEvent(
        where, QPointF(canvas.viewport().mapToGlobal(place)), QPoint(), QPoint(0, turn),
        Qt.MouseButton.NoButton, held, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), event)


def test_both_axes_fall_and_peaks_are_where_they_belong(canvas):
    assert _pixel(canvas, 7.0, 80).x() < _pixel(canvas, 3.5, 80).x()
    assert _pixel(canvas, 5, 128).y() > _pixel(canvas, 5, 55).y()
    picture = canvas.grab().toImage()
    for (x, y, height), colour in zip(PEAKS, (LIGHT.trace, LIGHT.trace, LIGHT.error), strict=True):
        at, wanted = _pixel(canvas, x, y), QColor(colour)
        seen = [
            picture.pixelColor(at.x() + dx, at.y() + dy)
            for dx in range(-12, 13)
            for dy in range(-12, 13)
        ]
        strong = min(
            seen, key=lambda c: abs(c.red() - wanted.red()) + abs(c.blue() - wanted.blue())
        )
        assert abs(strong.red() - wanted.red()) < 90, (x, height)
    assert canvas.bottom_axis.labelText.startswith("1H")
    assert canvas.right_axis.labelText.startswith("13C")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_two_colours_are_apart_from_the_ground_and_each_other(theme):
    def luminance(colour: str) -> float:
        parts = [c / 255 for c in QColor(colour).getRgb()[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    positive, negative = contour_colours(theme)
    ground = luminance(theme.plot)
    for colour in (positive, negative):
        light, dark = sorted((luminance(colour), ground), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4.5
    hues = [QColor(colour).hsvHue() for colour in (positive, negative)]
    assert min(abs(hues[0] - hues[1]), 360 - abs(hues[0] - hues[1])) > 90


def test_the_wheel_moves_the_level_and_zooms_with_ctrl(canvas, qtbot):
    place = _pixel(canvas, 7.0, 128.0)
    before = canvas.view.viewRange()
    with qtbot.waitSignal(canvas.level_wanted) as caught:
        _wheel(canvas, place, 120)
    assert caught.args[0] == pytest.approx(-1) and canvas.view.viewRange() == before
    _wheel(canvas, place, 240, Qt.KeyboardModifier.ControlModifier)
    after = canvas.view.viewRange()
    for k in (0, 1):
        assert after[k][1] - after[k][0] < before[k][1] - before[k][0]
    # What is under the mouse stays there.
    assert (_pixel(canvas, 7.0, 128.0) - place).manhattanLength() <= 3


def test_a_drag_zooms_to_a_box_and_a_double_click_shows_everything(canvas, qtbot):
    home = canvas.view.part()
    first, last = _pixel(canvas, 8.0, 110.0), _pixel(canvas, 6.0, 140.0)
    view = canvas.viewport()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=first)
    qtbot.mouseMove(view, (first + last) / 2)
    qtbot.mouseMove(view, last)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=last)
    left, right, low, high = canvas.view.part()
    assert (left, right) == pytest.approx((6.0, 8.0), abs=0.15)
    assert (low, high) == pytest.approx((110, 140), abs=3)
    # The traces fill their height with what is in view.
    assert canvas.top_view.viewRange()[1][1] == pytest.approx(1.06, abs=0.1)
    canvas.view.double_clicked.emit()
    assert canvas.view.part() == pytest.approx(home)


def test_arrow_keys_move_the_crosshair_and_the_part_in_view(canvas, qtbot):
    said = []
    canvas.hovered.connect(lambda place, text: said.append(text))
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    first = canvas.crosshair
    qtbot.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(canvas, Qt.Key.Key_Down)
    x, y = canvas.crosshair
    assert x < first[0] and y > first[1]
    assert said[-1].startswith(f"δ {x:.3f} / {y:.2f}")
    canvas.view.setRange(xRange=(4, 6), yRange=(60, 90), padding=0)
    before = canvas.view.part()
    qtbot.keyClick(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    after = canvas.view.part()
    assert after[0] > before[0] and after[2] < before[2]


def test_the_readout_has_the_height_at_the_crosshair(canvas):
    assert canvas._readout(7.0, 128.0).endswith("%")
    assert float(canvas._readout(7.0, 128.0).split()[-2]) > 95
    assert "%" not in canvas._readout(12.0, 128.0)


def test_nothing_shown_and_something_again(canvas):
    matrix = canvas.matrix
    canvas.show_nothing()
    QApplication.processEvents()
    assert canvas.matrix is None and not canvas.contours.paths
    canvas.show_matrix(matrix)
    canvas.show_contours(contours_of(matrix, matrix.extent, matrix.lowest))
    assert canvas.contours.paths and canvas.view.sceneBoundingRect().width() > 300


# the window


@pytest.fixture
def two(window, settle, carbon):
    """A sample of a carbon spectrum and three two-dimensional ones, shown."""
    planes = [
        _plane(), _plane("HMBC", warnings=("odd",)), _plane("COSY", other="1H NMR"),
    ]  # fmt: skip
    ids = window.workspace.document.add_samples([("both", [carbon])], spectra_2d=[planes])
    window.workspace.selection.choose_sample(ids[0])
    settle()
    return window


def test_each_pair_of_axes_has_its_plot(two, settle):
    plots = two.stack.contours.plots
    assert list(plots) == [NAME, "1H–1H 2D NMR"]
    assert list(two.stack.plots) == ["13C NMR"]
    plot = plots[NAME]
    assert plot.entry.title == "HSQC" and plot.canvas.contours.paths
    assert plot.counter.text() == "1 of 2" and plot.level.text().startswith("from")
    plot.next_button.click()
    settle()
    assert plot.entry.title == "HMBC" and plot.canvas.contours.paths
    assert not plot.warnings.isHidden() and plot.warnings.text() == "1"
    # The sample's own carbon spectrum stands at the left, the projection above.
    assert len(plot.canvas.left_trace.getData()[0]) == 8192
    assert len(plot.canvas.top_trace.getData()[0]) == 300


def test_the_tree_lists_them_and_shows_what_is_chosen(two, settle):
    model = two.tree.model()
    sample = model.index_of_sample(two.workspace.selection.sample_id)
    rows = [model.index(row, 0, sample) for row in range(model.rowCount(sample))]
    assert [row.data() for row in rows] == ["13C NMR", NAME, NAME, "1H–1H 2D NMR"]
    assert rows[2].data(DETAIL_ROLE) == "HMBC"
    assert "does not use it" in rows[1].data(Qt.ItemDataRole.ToolTipRole)
    two.tree.setCurrentIndex(rows[2])
    settle()
    assert two.stack.contours.plots[NAME].entry.title == "HMBC"
    two.registry.action("edit.remove").trigger()
    settle()
    assert [e.title for e in two.workspace.selection.sample.spectra_2d] == ["HSQC", "COSY"]
    assert two.stack.contours.plots[NAME].entry.title == "HSQC"
    two.registry.action("edit.undo").trigger()
    settle()
    assert len(two.workspace.selection.sample.spectra_2d) == 3


def test_commands_move_levels_and_the_part_in_view(two, settle):
    plot = two.stack.contours.plots[NAME]
    contours = two.workspace.contours
    before, lines = contours.lowest(plot.entry), len(plot.canvas.contours.paths)
    two.registry.action("contours.lower").trigger()
    settle()
    assert contours.lowest(plot.entry) < before and len(plot.canvas.contours.paths) >= lines
    two.registry.action("contours.raise").trigger()
    two.registry.action("contours.raise").trigger()
    settle()
    assert contours.lowest(plot.entry) > before
    two.registry.action("contours.reset").trigger()
    settle()
    assert contours.lowest(plot.entry) == before
    home = plot.canvas.view.part()
    two.registry.action("spectrum.zoom_in").trigger()
    assert plot.canvas.view.part() != home
    two.registry.action("spectrum.reset").trigger()
    assert plot.canvas.view.part() == pytest.approx(home)


def test_a_sample_of_nothing_else_is_shown_and_not_predicted(window, settle, engine):
    ids = window.workspace.document.add_samples([("alone", [])], spectra_2d=[[_plane()]])
    window.workspace.selection.choose_sample(ids[0])
    settle()
    assert window.stack.contours.isVisible() and not window.stack.nothing.isVisible()
    assert not engine.identified
    assert "no groups are named from them" in window.groups._notice(
        window.workspace.selection.sample, window.workspace.findings.of(None)
    )
    assert window.registry.is_enabled(window.registry.commands["contours.lower"])
    empty = window.workspace.document.add_empty_sample()
    window.workspace.selection.choose_sample(empty)
    settle()
    assert not window.stack.contours.isVisible() and window.stack.nothing.isVisible()
    assert not window.registry.is_enabled(window.registry.commands["contours.lower"])


def test_what_cannot_be_drawn_is_a_problem(window, settle):
    broken = Spectrum2D(
        "1H NMR", "13C NMR", np.arange(32) * 1e-3, np.arange(32) * 1e-4,
        np.ones((32, 32), complex), "s", "s", "fid", "broken", metadata={"quadrature": "QF"},
    )  # fmt: skip
    ids = window.workspace.document.add_samples([("a", [])], spectra_2d=[[broken]])
    window.workspace.selection.choose_sample(ids[0])
    settle()
    (problem,) = window.workspace.problems
    assert "broken cannot be shown" in problem.message and problem.advice
    plot = window.stack.contours.plots[NAME]
    assert plot.message.isVisible() and "cannot be shown" in plot.message.text()


def test_a_theme_reaches_the_contours(two):
    two.set_theme_mode("dark")
    canvas = two.stack.contours.plots[NAME].canvas
    assert canvas.backgroundBrush().color().name() == DARK.plot


def test_files_bring_them(qtbot, tmp_path, samples):
    from PySide6.QtCore import QSettings

    from specgui.application import make_window
    from specgui.settings import Settings

    made = make_window(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)))
    made.show()
    try:
        made.workspace.open_paths([samples / "nmr/11_sparky/2d_hmqc.ucsf"])
        qtbot.waitUntil(made.workspace.jobs.is_idle, timeout=30_000)
        qtbot.wait(20)
        plot = made.stack.contours.plots["1H–15N 2D NMR"]
        assert plot.canvas.contours.paths and len(made.workspace.problems) == 0
        saved = []
        made.workspace.save_project(tmp_path / "a.specgui", saved.append, saved.append)
        qtbot.waitUntil(lambda: bool(saved), timeout=30_000)
        made.workspace.open_project(saved[0])
        qtbot.waitUntil(made.workspace.jobs.is_idle, timeout=30_000)
        qtbot.wait(20)
        assert made.stack.contours.plots["1H–15N 2D NMR"].canvas.contours.paths
    finally:
        made.close()
        made.deleteLater()
