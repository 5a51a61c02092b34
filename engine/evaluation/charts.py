"""Charts as SVG for a page with a light and a dark form: bars, lines and heat maps.

Matplotlib draws them in stand-in colours; these become CSS variables of the page, which gives
them their values for light and for dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from engine.tasks.report_drawing import new_page, print_style
from engine.tasks.report_html import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_MM = 190.0
SERIES = 10
_SMALL = 6.5
# What matplotlib draws with, and the variable that takes its place.
INK, MUTED, GRID, GROUND, HEAT = "#010203", "#040506", "#070809", "#0a0b0c", "#0d0e0f"
COLOURS = {INK: "--ink", MUTED: "--muted", GRID: "--grid", GROUND: "--ground", HEAT: "--heat"} | {
    f"#10111{number}": f"--series-{number}" for number in range(SERIES)
}
# The palette of Okabe and Ito, which colour-blind readers can tell apart, in an order and in
# shades that keep a contrast of 3 with the ground.
LIGHT_SERIES = (
    "#0072b2", "#c65100", "#007a5a", "#a8508a", "#8a6d00", "#2f86b8", "#57616d", "#1b2128",
    "#b3261e", "#5b4bb5",
)  # fmt: skip
DARK_SERIES = (
    "#5cb3e6", "#ff9147", "#3fcfa4", "#e394c4", "#e6c84a", "#9fd4f2", "#a3adb8", "#e8ebee",
    "#ff8a80", "#b3a6f5",
)  # fmt: skip
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "h", "<")
_LEGEND_MM = 4.2


@dataclass(frozen=True)
class Line:
    """Points ``x``, ``y`` of equal length joined by a line; None in ``y`` leaves a gap."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]


def series_colour(number: int) -> str:
    return f"#10111{number % SERIES}"


def bar_chart(
    name: str,
    title: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    x_title: str,
    most: float | None = 1.0,
) -> str:
    """Horizontal bars: for each category one of each series, values written beside them."""
    count = max(1, len(series))
    height = 22 + len(categories) * (3.0 + 3.4 * count)
    with _style(name) as page:
        figure = page(WIDTH_MM, height)
        axes = figure.add_axes(_box(height, left=50, right=24, bottom=11, top=8))
        thick = 0.8 / count
        for number, (label, values) in enumerate(series.items()):
            places = [row - 0.4 + thick * (number + 0.5) for row in range(len(categories))]
            widths = [value if _known(value) else 0.0 for value in values]
            axes.barh(places, widths, thick * 0.86, color=series_colour(number), label=label)
            for place, value in zip(places, values, strict=True):
                axes.annotate(
                    f"{value:.3f}" if _known(value) else "–", (value if _known(value) else 0.0,
                    place), (2, 0), textcoords="offset points", va="center", fontsize=_SMALL,
                    color=MUTED,
                )  # fmt: skip
        axes.set_yticks(range(len(categories)), categories)
        axes.set_ylim(len(categories) - 0.4, -0.6)
        axes.set_xlim(0, most)
        axes.set_xlabel(x_title)
        _finish(axes, grid="x")
        if count > 1:
            _legend(axes, count)
        return _svg(figure, name, title)


def line_chart(
    name: str,
    title: str,
    panels: Mapping[str, Sequence[Line]],
    x_title: str,
    y_title: str,
    *,
    ticks: Sequence[str] | None = None,
    logarithmic: bool = False,
    diagonal: bool = False,
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> str:
    """One panel beside the other with the same axes; ``ticks`` name the places 0, 1, 2, ..."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    lines = dict.fromkeys(line.name for panel in panels.values() for line in panel)
    numbers = {line: number for number, line in enumerate(lines)}
    # Names as wide as in print, about 1.35 mm a letter, and the sample of the line before each.
    beside = max(1, int((WIDTH_MM - 14) // (12 + 1.35 * max(map(len, numbers), default=1))))
    above = _LEGEND_MM * (-(-len(numbers) // beside) - 1) if len(numbers) > 1 else 0.0
    height = 72.0 * rows + above
    with _style(name) as page:
        figure = page(WIDTH_MM, height)
        for index, (heading, content) in enumerate(panels.items()):
            left = 14 + (index % columns) * WIDTH_MM / columns
            width = WIDTH_MM / columns - 18
            top = 72.0 * (index // columns) + 11 + above
            axes = figure.add_axes(
                (left / WIDTH_MM, 1 - (top + 46) / height, width / WIDTH_MM, 46 / height)
            )
            if diagonal:
                axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, dashes=(4, 3))
            for line in content:
                number = numbers[line.name]
                axes.plot(
                    line.x, [value if _known(value) else float("nan") for value in line.y],
                    color=series_colour(number), marker=_MARKERS[number % len(_MARKERS)],
                    markersize=3.2, linewidth=1.2, label=line.name,
                )  # fmt: skip
            if logarithmic:
                _logarithmic(axes)
            if ticks is not None:
                axes.set_xticks(range(len(ticks)), ticks)
                axes.set_xlim(-0.3, len(ticks) - 0.7)
            if limits is not None:
                axes.set_ylim(limits[0] - 0.02, limits[1] + 0.02)
            axes.set_xlabel(x_title)
            axes.set_ylabel(y_title)
            axes.set_title(heading, fontsize=7.5, loc="left", fontweight="bold", color=INK, pad=3)
            _finish(axes, grid="both")
        if len(numbers) > 1:
            handles = {h.get_label(): h for a in figure.axes for h in a.get_lines()}
            figure.legend(
                [handles[line] for line in numbers], list(numbers), loc="upper left",
                bbox_to_anchor=(10 / WIDTH_MM, 1), ncols=min(beside, len(numbers)), frameon=False,
                fontsize=_SMALL + 0.5, borderaxespad=0.2, handlelength=1.6,
            )  # fmt: skip
        return _svg(figure, name, title)


def scatter_chart(name: str, title: str, lines: Sequence[Line], x_title: str, y_title: str) -> str:
    """Points without lines over a logarithmic axis."""
    height = 78.0
    with _style(name) as page:
        figure = page(WIDTH_MM, height)
        axes = figure.add_axes(_box(height, left=14, right=4, bottom=11, top=10))
        for number, line in enumerate(lines):
            axes.plot(
                line.x, [value if _known(value) else float("nan") for value in line.y],
                color=series_colour(number), marker=_MARKERS[number % len(_MARKERS)],
                markersize=3.4, linestyle="none", label=line.name,
            )  # fmt: skip
        _logarithmic(axes)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel(x_title)
        axes.set_ylabel(y_title)
        _finish(axes, grid="both")
        _legend(axes, len(lines))
        return _svg(figure, name, title)


def heat_map(
    name: str,
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    y_title: str,
    x_title: str,
) -> str:
    """Shares from 0 to 1 as squares of growing opacity; the numbers from 0.1 on are written."""
    side = min(6.0, (WIDTH_MM - 44) / max(1, len(columns)))
    height = 40 + side * len(rows)
    with _style(name) as page:
        from matplotlib.patches import Rectangle

        figure = page(WIDTH_MM, height)
        box = (
            38 / WIDTH_MM, 6 / height, side * len(columns) / WIDTH_MM, side * len(rows) / height
        )  # fmt: skip
        axes = figure.add_axes(box)
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                if value > 0.004:
                    axes.add_patch(
                        Rectangle(
                            (j - 0.46, i - 0.46), 0.92, 0.92, facecolor=HEAT, linewidth=0,
                            alpha=min(1.0, 0.08 + 0.92 * value),
                        )
                    )  # fmt: skip
                if value >= 0.1:
                    axes.text(
                        j, i, f"{100 * value:.0f}", ha="center", va="center", fontsize=5,
                        color=GROUND if value > 0.5 else INK,
                    )  # fmt: skip
        axes.set_xticks(range(len(columns)), columns, rotation=90)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel(x_title)
        axes.set_ylabel(y_title)
        _finish(axes)
        return _svg(figure, name, title)


def page_variables() -> str:
    """The CSS that gives the charts' variables their values, light and dark."""

    def series(colours: Sequence[str]) -> str:
        return " ".join(f"--series-{n}: {colour};" for n, colour in enumerate(colours))

    light = (
        "--ink: #1b2128; --muted: #57616d; --grid: #e2e6ea; --ground: #ffffff; --heat: #0b6680; "
        "--rule: #d6dadf; --accent: #0b6680; --raised: #f6f7f8; "
    )
    dark = (
        "--ink: #e8ebee; --muted: #a3adb8; --grid: #2c323a; --ground: #16191d; --heat: #5cc0dd; "
        "--rule: #343b44; --accent: #5cc0dd; --raised: #1d2126; "
    )
    return (
        f":root {{ color-scheme: light dark; {light}{series(LIGHT_SERIES)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark}{series(DARK_SERIES)} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {light}{series(LIGHT_SERIES)} }} }}"
    )


@contextmanager
def _style(name: str) -> Iterator[Callable[[float, float], Figure]]:
    """The print style with text as text and stand-in colours; gives what makes a figure."""
    with print_style(name):
        import matplotlib

        matplotlib.rcParams.update(
            {
                "svg.fonttype": "none", "text.color": INK, "axes.labelcolor": INK,
                "axes.edgecolor": MUTED, "xtick.color": INK, "ytick.color": INK,
                "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
                "legend.labelcolor": INK,
            }
        )  # fmt: skip
        yield new_page


def _box(height: float, left: float, right: float, bottom: float, top: float):
    """A rectangle of a figure from its margins in mm."""
    return (
        left / WIDTH_MM, bottom / height, 1 - (left + right) / WIDTH_MM,
        1 - (bottom + top) / height,
    )  # fmt: skip


def _finish(axes: Axes, grid: str = "") -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if grid:
        axes.grid(True, axis=grid, color=GRID, linewidth=0.5)
        axes.set_axisbelow(True)


def _logarithmic(axes: Axes) -> None:
    """Powers of ten written as plain numbers: an SVG text has no raised exponents."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, place: f"{value:,.0f}")


def _legend(axes: Axes, entries: int) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(5, entries), frameon=False,
        fontsize=_SMALL + 0.5, borderaxespad=0.3, handlelength=1.2,
    )  # fmt: skip


def _known(value: float | None) -> bool:
    return value is not None and value == value


def _svg(figure: Figure, name: str, title: str) -> str:
    file = StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    svg = inline_svg(file.getvalue(), name, title)
    for colour, variable in COLOURS.items():
        svg = svg.replace(colour, f"var({variable})")
    return f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>"
