"""Printed spectra: axes as in the field, labels that cover nothing, importance in its place."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.spectra import Spectrum
from engine.tasks.group_identification import ImportanceMap
from engine.tasks.report import prepare_plot, write_figure
from engine.tasks.report_drawing import Plot, draw_panels, elided, print_style, reduced, x_limits
from engine.tasks.report_labels import above_sticks, spread


def bands(technique="IR", x_unit="1/cm", y_unit="absorbance", low=400.0, high=4000.0, **metadata):
    x = np.linspace(low, high, 4000)
    width = (high - low) / 300
    y = sum(
        height * np.exp(-(((x - low - share * (high - low)) / width) ** 2))
        for share, height in ((0.3, 0.9), (0.36, 0.5), (0.8, 0.3))
    )
    y = 0.95 * 10 ** (-y) if y_unit == "transmittance" else y
    return Spectrum(technique, x, y, x_unit, y_unit, title="bands", metadata=metadata)


def drawn(plot: Plot, width=170.0, height=62.0):
    """The figure's axes and the texts in them, with their boxes in pixels at 72 to the inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with print_style():
        figure = draw_panels([plot], width, height)
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        texts = {
            text.get_text(): text.get_window_extent(renderer)
            for axes in figure.axes for text in axes.texts
        }  # fmt: skip
        return figure.axes, texts, figure.bbox


@pytest.mark.parametrize(
    ("spectrum", "descending"),
    [
        (bands(), True),
        (bands("Raman", y_unit="intensity"), True),
        (bands("1H NMR", "ppm", "intensity", -1, 13), True),
        (bands("UV-Vis", "nm", low=200, high=800), False),
        (Spectrum("MS", [15, 43, 58], [30, 100, 20], "m/z", kind="sticks"), False),
    ],
)
def test_ir_and_nmr_run_from_high_to_low(spectrum, descending):
    (axes,), _, _ = drawn(prepare_plot(spectrum))
    left, right = axes.get_xlim()
    assert (left > right) == descending


@pytest.mark.parametrize("y_unit", ["absorbance", "transmittance"])
def test_every_band_is_labelled_clear_of_the_trace(y_unit):
    plot = prepare_plot(bands(y_unit=y_unit))
    (axes,), texts, page = drawn(plot)
    assert sorted(texts) == ["1480", "1696", "3280"]
    line = max(axes.lines, key=lambda line: len(line.get_xdata()))
    points = axes.transData.transform(np.column_stack(line.get_data()))
    for box in texts.values():
        inside = (points[:, 0] > box.x0) & (points[:, 0] < box.x1)
        assert not ((points[inside, 1] > box.y0) & (points[inside, 1] < box.y1)).any()
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    # Bands of a transmittance hang down: so do their labels.
    below = max(box.y1 for box in texts.values()) < points[:, 1].min()
    assert below == (y_unit == "transmittance")


def test_labels_of_a_crowd_do_not_touch():
    shifts = 7.0 + np.arange(40) * 0.02
    (_,), texts, page = drawn(prepare_plot(Spectrum("1H NMR", shifts, shifts * 0 + 1, "ppm",
                                                   kind="sticks")))  # fmt: skip
    boxes = sorted(texts.values(), key=lambda box: box.x0)
    assert len(boxes) >= 30
    for one, other in pairwise(boxes):
        assert one.x1 <= other.x0
    assert page.x0 <= boxes[0].x0 and boxes[-1].x1 <= page.x1


def test_the_tallest_sticks_of_a_mass_spectrum_are_labelled():
    rng = np.random.default_rng(0)
    spectrum = Spectrum(
        "MS", np.arange(20, 320.0), rng.exponential(10, 300) + 0.2, "m/z", kind="sticks"
    )
    (_,), texts, _ = drawn(prepare_plot(spectrum))
    tallest = spectrum.x[np.argsort(-spectrum.y)[:5]]
    assert {f"{x:.0f}" for x in tallest} <= set(texts)
    boxes = list(texts.values())
    assert not any(
        one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1
        for i, one in enumerate(boxes) for other in boxes[:i]
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=40), st.floats(0.1, 2.5))
def test_spread_keeps_order_distance_and_bounds(places, apart):
    wanted = np.sort(places)
    moved = spread(wanted, apart, 0, 100)
    assert (np.diff(moved) >= apart - 1e-9).all()
    assert moved[0] >= -1e-9 and moved[-1] <= 100 + 1e-9
    if (np.diff(wanted) >= apart).all():
        np.testing.assert_allclose(moved, wanted, atol=1e-9)


def test_spread_moves_two_at_one_place_equally():
    np.testing.assert_allclose(spread([5, 5], 2, 0, 10), [4, 6])
    np.testing.assert_allclose(spread([0, 0, 9], 2, 0, 10), [0, 2, 9])
    with pytest.raises(ValueError, match="apart"):
        spread([1, 2, 3], 6, 0, 10)


def test_a_label_without_room_is_left_out():
    boxes = above_sticks(
        np.array([5.0, 5.5, 6.0, 6.5]), np.array([9.0, 8.9, 8.8, 8.7]), [8] * 4, 2, (12, 12), 0.5
    )
    assert boxes[0] is not None and None in boxes


def test_importance_darkens_where_the_map_is_high():
    x = np.linspace(400, 4000, 600)
    gate = np.where((x > 1600) & (x < 1800), 0.9, 0.1)
    importance = ImportanceMap("IR", 0, x, gate, {"Ketone": np.where(x > 3500, 1.0, 0.0)})
    plot = Plot(bands(), (), importance, ("Ketone",))
    axes, texts, _ = drawn(plot, height=plot.height_mm)
    assert {"Importance", "Ketone"} <= set(texts)
    darkest = {
        text: [path.get_extents() for path in strip.collections[-1].get_paths()]
        for strip, text in zip(axes[1:], ("Importance", "Ketone"), strict=True)
    }
    (gates,), (ketone,) = darkest["Importance"], darkest["Ketone"]
    assert (gates.x0, gates.x1) == pytest.approx((1600, 1800), abs=8)
    assert (ketone.x0, ketone.x1) == pytest.approx((3500, 4000), abs=8)
    assert all(strip.get_xlim() == axes[0].get_xlim() for strip in axes[1:])


def test_a_towering_solvent_does_not_flatten_the_compound():
    x = np.linspace(0, 200, 8000)
    lines = ((77.16, 50.0), (130.0, 1.0), (20.0, 0.8))
    y = sum(height * np.exp(-(((x - at) / 0.1) ** 2)) for at, height in lines)
    spectrum = Spectrum("13C NMR", x, y, "ppm", metadata={"solvent": "CDCl3",
                                                         "frequency_mhz": 100.0})  # fmt: skip
    (axes,), _, _ = drawn(prepare_plot(spectrum))
    line = max(axes.lines, key=lambda line: len(line.get_xdata()))
    shift, height = line.get_data()
    low, high = axes.get_ylim()
    assert np.max(height[np.abs(shift - 130) < 1]) - low > 0.6 * (high - low)
    assert height.max() < high


def test_an_nmr_axis_ends_where_signals_end():
    left, right = x_limits(prepare_plot(bands("1H NMR", "ppm", "intensity", -4, 16)))
    assert (left, right) == (pytest.approx(12.5, abs=0.1), pytest.approx(-0.5))
    plot = prepare_plot(bands("1H NMR", "ppm", "intensity", -4, 16), (2.0, 3.5))
    assert x_limits(plot) == (3.5, 2.0)


def test_a_long_trace_is_drawn_with_few_points_and_the_same_extremes():
    rng = np.random.default_rng(1)
    x, y = np.arange(1_000_000.0), rng.normal(size=1_000_000)
    y[123_456], y[654_321], y[500_000:500_700] = 50, -60, np.nan
    few_x, few_y = reduced(x, y)
    assert len(few_x) < 20_000 and (np.diff(few_x) > 0).all()
    assert (np.nanmax(few_y), np.nanmin(few_y)) == (50, -60)
    assert np.isnan(few_y[np.argmin(np.abs(few_x - 500_350))])
    assert (few_x[0], few_x[-1]) == (0, 999_999)


@pytest.mark.parametrize(
    "spectrum",
    [
        Spectrum("IR", [1000], [0.5], "1/cm", "absorbance"),
        Spectrum("MS", [0.0], [0.0], "m/z", kind="sticks"),
        Spectrum("1H NMR", [1, 2, 3, 4], [np.nan] * 4, "ppm"),
        Spectrum("13C NMR", [77.0], [-1.0], "ppm", kind="sticks"),
        Spectrum("UV-Vis", [200, 300, 400], [1, 1, 1], "nm", "absorbance"),
        Spectrum("29Si NMR", [-5, 0, 5], [1e300, -1e300, np.inf], "ppm", title="$x^2$ \n\x00"),
    ],
)
def test_odd_spectra_are_drawn_too(tmp_path, spectrum):
    write_figure([prepare_plot(spectrum)], tmp_path / "a.svg", 84)
    assert (tmp_path / "a.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_figures_have_the_size_of_print(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_figure([prepare_plot(bands())] * 2, path, 84, 100, 254)
    if suffix == "png":
        from PIL import Image

        with Image.open(path) as image:
            assert image.size == (840, 1000)
            assert image.info["dpi"] == pytest.approx((254, 254), abs=0.1)
    elif suffix == "svg":
        head = path.read_text()[:1000]
        assert f'width="{84 / 25.4 * 72:.6f}'[:11] in head
        assert "<image" not in path.read_text()  # vector only
    else:
        assert b"/MediaBox [ 0 0 238.11" in path.read_bytes()
    first = path.read_bytes()
    write_figure([prepare_plot(bands())] * 2, path, 84, 100, 254)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    "sizes", [(10, 60, 300), (170, 5, 300), (170, 60, 5), (2000, 2000, 2000), (np.nan, 60, 300)]
)
def test_sizes_that_are_no_print_are_refused(tmp_path, sizes):
    with pytest.raises(ValueError):
        write_figure([prepare_plot(bands())], tmp_path / "a.png", *sizes)
    assert list(tmp_path.iterdir()) == []


def test_a_long_title_is_cut_to_its_room():
    with print_style():
        assert elided("short", 100) == "short"
        cut = elided("a title without an end " * 30, 50)
        assert cut.endswith("…") and 10 < len(cut) < 60
