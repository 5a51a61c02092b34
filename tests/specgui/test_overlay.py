"""Spectra of several samples over each other: colours, offsets, mirror images, readouts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from engine.spectra import Spectrum
from specgui.appearance import DARK, LIGHT
from specgui.views.overlay_canvas import MIRRORED, OVERLAID, STACKED
from specgui.views.overlay_colours import look_of
from specgui.views.overlay_view import MOST_TRACES

# Machado, Oliveira, Fernandes, IEEE Trans. Vis. Comput. Graph. 15 (2009) 1291: full deficiencies.
_DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                 [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip


def _linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    xyz = _XYZ @ linear / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_differ_for_everybody_and_stand_out_from_the_ground(theme):
    colours = [look_of(number, theme).colour for number in range(8)]
    ground = _linear(theme.plot) @ _XYZ[1]
    for colour in colours:
        own = _linear(colour) @ _XYZ[1]
        assert (max(own, ground) + 0.05) / (min(own, ground) + 0.05) >= 3.0
    for matrix in _DEFICIENCIES.values():
        labs = [_lab(np.clip(np.asarray(matrix) @ _linear(c), 0, 1)) for c in colours]
        for number, lab in enumerate(labs):
            for other in labs[number + 1 :]:
                assert np.linalg.norm(lab - other) > 25


def test_after_eight_the_dashes_change():
    assert look_of(8, LIGHT).colour == look_of(0, LIGHT).colour
    assert look_of(8, LIGHT).style != look_of(0, LIGHT).style


@pytest.fixture
def three(window, settle, carbon):
    """The window with three samples of a carbon spectrum each, of heights 1, 2 and 4."""
    contents = [
        (f"s{factor}", [replace(carbon, y=carbon.y * factor, warnings=())]) for factor in (1, 2, 4)
    ]
    window.workspace.document.add_samples(contents)
    settle()
    return window


def _choose_all(window) -> None:
    model = window.tree.model()
    window.tree.clearSelection()
    for sample in window.workspace.document.samples:
        window.tree.selectionModel().select(
            model.index_of_sample(sample.id), window.tree.selectionModel().SelectionFlag.Select
        )


def _set_mode(view, mode: str) -> None:
    view.mode.setCurrentIndex(view.mode.findData(mode))
    view.mode.activated.emit(view.mode.currentIndex())


def test_chosen_samples_are_drawn_over_each_other_and_left_again(three, settle):
    _choose_all(three)
    three.registry.action("view.compare").trigger()
    settle()
    assert three.centre.currentWidget() is three.overlay
    assert [sample.name for sample, _ in three.overlay.entries] == ["s1", "s2", "s4"]
    names = [three.overlay.legend.item(row, 0).text() for row in range(3)]
    assert names == ["s1", "s2", "s4"]
    assert three.overlay.canvas.view.xInverted()
    assert three.registry.action("view.compare").isChecked()
    three.registry.action("view.compare").trigger()
    assert three.centre.currentWidget() is three.stack


def test_a_sample_with_nothing_to_compare_is_compared_with_the_others(three, settle):
    three.tree.clearSelection()
    three.registry.run("view.compare")
    settle()
    assert [sample.name for sample, _ in three.overlay.entries] == ["s1", "s2", "s4"]


def test_heights_offsets_and_mirror_images(three, settle):
    view = three.overlay
    view.compare([s.id for s in three.workspace.document.samples])
    three.show_overlay(True)
    settle()
    canvas = view.canvas
    assert canvas.factors == pytest.approx([4, 2, 1], rel=1e-3) and canvas.offsets == [0, 0, 0]
    view.normalise.setChecked(False)
    assert canvas.factors == [1, 1, 1]
    view.normalise.setChecked(True)
    _set_mode(view, STACKED)
    view.step.setValue(50)
    tall = canvas._traces[2].shown.y_range[1]
    assert canvas.offsets == pytest.approx([0, 0.5 * tall, tall], rel=1e-3)
    low, high = canvas.view.viewRange()[1]
    assert low < 0 and high > 2 * tall * 0.99
    _set_mode(view, MIRRORED)
    assert np.sign(canvas.factors).tolist() == [1, -1, 1]
    _set_mode(view, OVERLAID)
    assert canvas.offsets == [0, 0, 0]


def test_the_cursor_tells_the_value_of_each(three, settle):
    view = three.overlay
    view.compare([s.id for s in three.workspace.document.samples])
    three.show_overlay(True)
    view.normalise.setChecked(False)
    settle()
    place = view.canvas.view.mapViewToScene(QPointF(30.9, 1.0))
    view.canvas._on_mouse_moved(place)
    values = [view.legend.item(row, 1).text() for row in range(3)]
    assert all(value.endswith("%") for value in values) and len(set(values)) == 1
    assert "ppm" in view.note.text()
    view.canvas._on_mouse_moved(QPointF(-5, -5))
    assert view.legend.item(0, 1).text() == ""


def test_one_can_be_switched_off_and_a_removed_one_goes(three, settle):
    view = three.overlay
    view.compare([s.id for s in three.workspace.document.samples])
    three.show_overlay(True)
    settle()
    view.legend.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    assert [t.item.isVisible() for t in view.canvas._traces] == [True, False, True]
    three.workspace.document.remove([three.workspace.document.samples[0].id])
    settle()
    assert [sample.name for sample, _ in view.entries] == ["s2", "s4"]
    assert [t.item.isVisible() for t in view.canvas._traces] == [False, True]


def test_infrared_of_two_scales_is_compared_on_one(window, settle, infrared):
    x = infrared.x
    other = Spectrum("IR", x, np.full(len(x), 0.3), "1/cm", "absorbance", title="absorbs")
    ids = window.workspace.document.add_samples([("a", [infrared]), ("b", [other])])
    window.overlay.compare(ids)
    window.show_overlay(True)
    settle()
    shown = [trace.shown.y_unit for trace in window.overlay.canvas._traces]
    assert shown == ["absorbance", "absorbance"]


def test_sticks_are_compared_as_mirror_images(window, settle, mass):
    ids = window.workspace.document.add_samples([("a", [mass]), ("b", [mass])])
    window.overlay.compare(ids)
    window.show_overlay(True)
    _set_mode(window.overlay, MIRRORED)
    settle()
    window.overlay.canvas.grab()
    assert window.overlay.canvas.factors == [1, -1]
    view = window.overlay.canvas.view
    window.overlay.canvas._on_mouse_moved(view.mapViewToScene(QPointF(43.0, 1.0)))
    assert window.overlay.legend.item(1, 1).text() == "43.0000  100.0 %"


def test_too_many_are_cut_and_it_says_so(window, settle, mass):
    ids = window.workspace.document.add_samples([(f"s{n}", [mass]) for n in range(MOST_TRACES + 5)])
    window.overlay.compare(ids)
    window.show_overlay(True)
    settle()
    assert len(window.overlay.canvas._traces) == MOST_TRACES
    assert f"The first {MOST_TRACES} of {MOST_TRACES + 5}" in window.overlay.note.text()


def test_without_a_choice_the_samples_own_spectra_are_compared(window, settle, mass):
    titled = [replace(mass, title=title) for title in ("10 eV", "20 eV")]
    window.workspace.document.add_samples([("energies", titled)])
    settle()
    window.tree.clearSelection()
    window.registry.run("view.compare")
    settle()
    names = [window.overlay.legend.item(row, 0).text() for row in range(2)]
    assert names == ["10 eV", "20 eV"]
