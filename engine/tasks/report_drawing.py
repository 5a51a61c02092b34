"""Draws spectra for print: axes as chemists draw them, labelled peaks, importance under the trace.

All sizes are in millimetres or points of paper; nothing is drawn as pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from engine.spectra import Spectrum
from engine.tasks.report_content import decimals, number, spectrum_title, x_title, y_title
from engine.tasks.report_labels import above_sticks, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from engine.processing.peaks import Peak
    from engine.tasks.group_identification import ImportanceMap

PANEL_HEIGHT_MM = 62.0
STRIP_MM = 3.2
MM = 1 / 25.4
"""Inches in a millimetre."""

INK, MUTED, TRACE = "#1b2128", "#57616d", "#16405e"
WARM = ("#ffffff", "#fff0c2", "#fdcf6b", "#f79a3a", "#dd5a1f", "#a5281b", "#5f0f17")
FONTS = ("DejaVu Sans",)
# Writing that the font that comes along lacks is taken from one of these where it is installed.
_MORE_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Yu Gothic", "Hiragino Sans", "MS Gothic",
    "Microsoft YaHei", "PingFang SC", "SimHei", "Malgun Gothic", "Apple SD Gothic Neo",
    "Noto Sans Devanagari", "Nirmala UI", "Noto Sans Thai",
)  # fmt: skip
_SMALL, _USUAL, _TITLE = 6.0, 7.0, 8.0
_LEFT_MM, _RIGHT_MM, _NAMES_MM, _BOTTOM_MM, _TOP_MM = 14.0, 3.0, 36.0, 11.0, 6.0
_LABEL_ZONE_MM, _LABEL_APART_MM = 13.0, 2.5
_MOST_LABELS = 40
_COLUMNS = 3000
_MOST_STICKS = 2000
_LEVELS = 12
# A solvent line this many times as tall as the compound's is cut off at the top.
_TOWERS = 1.3

# Ends of the axis in ppm that are always drawn, and the room beside the outermost peaks.
_USUAL_SHIFTS = {"1H": (-0.5, 10.0, 0.5), "13C": (-5.0, 200.0, 8.0)}

_one_at_a_time = Lock()


@dataclass(frozen=True, eq=False)
class Plot:
    """What one panel shows.

    ``spectrum`` after processing; ``peaks`` those to be labelled; ``importance`` the map of the
    network, None where it read nothing; ``groups`` the groups whose maps stand under the gates.
    """

    spectrum: Spectrum
    peaks: tuple[Peak, ...] = ()
    importance: ImportanceMap | None = None
    groups: tuple[str, ...] = ()
    x_range: tuple[float, float] | None = None

    @property
    def height_mm(self) -> float:
        """The usual height of the panel, with its strips."""
        return PANEL_HEIGHT_MM + STRIP_MM * self.strips

    @property
    def strips(self) -> int:
        return 0 if self.importance is None else 1 + len(self.groups)


@contextmanager
def print_style(salt: str = "specgui") -> Iterator[None]:
    """Matplotlib as this module needs it, whatever its user has set; one thread at a time.

    ``salt`` goes into the identifiers of an SVG, which are the same for the same drawing.
    """
    import logging
    import warnings

    import matplotlib

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    with (
        _one_at_a_time,
        warnings.catch_warnings(),
        matplotlib.rc_context(rc={k: v for k, v in matplotlib.rcParamsDefault.items()
                                  if k not in ("backend", "interactive")}),
    ):  # fmt: skip
        warnings.simplefilter("ignore")  # of letters that no font has
        matplotlib.rcParams.update(
            {
                "font.family": [*FONTS, *_installed_fonts()], "font.size": _USUAL,
                "text.parse_math": False, "text.usetex": False, "svg.hashsalt": salt,
                "svg.fonttype": "path", "pdf.fonttype": 42, "axes.linewidth": 0.5,
                "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK,
                "xtick.color": INK, "ytick.color": INK, "xtick.major.width": 0.5,
                "ytick.major.width": 0.5, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
                "xtick.minor.width": 0.4, "xtick.minor.size": 1.5, "axes.unicode_minus": True,
                "axes.labelsize": _USUAL, "xtick.labelsize": _USUAL, "ytick.labelsize": _USUAL,
                "xtick.major.pad": 1.5, "ytick.major.pad": 1.5, "axes.labelpad": 2.0,
                "figure.facecolor": "white", "savefig.facecolor": "white", "figure.dpi": 72,
            }
        )  # fmt: skip
        yield


def _installed_fonts() -> list[str]:
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return [name for name in _MORE_FONTS if name in there]


def text_width_mm(text: str, points: float = _USUAL, bold: bool = False) -> float:
    """How wide a text is in print; only within :func:`print_style`."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not text:
        return 0.0
    font = FontProperties(size=points, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72 / MM


def elided(text: str, width_mm: float, points: float = _USUAL, bold: bool = False) -> str:
    """The text, its end given up for an ellipsis where it is wider than it may be."""
    if text_width_mm(text, points, bold) <= width_mm:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width_mm(text[:middle].rstrip() + "…", points, bold) <= width_mm:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def new_page(width_mm: float, height_mm: float) -> Figure:
    """An empty white figure of this size."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_mm * MM, height_mm * MM))


def draw_panels(plots: Sequence[Plot], width_mm: float, height_mm: float) -> Figure:
    """A figure with one panel under the other, each with its share of the height."""
    figure = new_page(width_mm, height_mm)
    whole = sum(plot.height_mm for plot in plots)
    top = 0.0
    for plot in plots:
        height = height_mm * plot.height_mm / whole
        draw_panel(figure, plot, (0.0, top, width_mm, height))
        top += height
    return figure


def draw_panel(figure: Figure, plot: Plot, box: tuple[float, float, float, float]) -> None:
    """Draw a spectrum into ``box``: left, top, width and height in mm from the upper left."""
    left, top, width, height = box
    page_width, page_height = (size / MM for size in figure.get_size_inches())
    right = _RIGHT_MM
    if plot.groups and plot.importance is not None:
        names = ("Importance", *plot.groups)
        right = min(_NAMES_MM, 2.5 + max(text_width_mm(name, _SMALL) for name in names))
    inner = width - _LEFT_MM - right
    strips_mm = STRIP_MM * plot.strips + (1.0 if plot.strips else 0.0)
    trace_mm = height - _TOP_MM - _BOTTOM_MM - strips_mm

    def axes_at(from_top: float, its_height: float) -> Axes:
        return figure.add_axes(
            (
                (left + _LEFT_MM) / page_width,
                1 - (top + from_top + its_height) / page_height,
                inner / page_width,
                its_height / page_height,
            )
        )

    axes = axes_at(_TOP_MM, trace_mm)
    technique = plot.spectrum.technique
    title = f"{technique} · {spectrum_title(plot.spectrum)}"
    figure.text(
        (left + 1) / page_width, 1 - (top + 0.8) / page_height,
        elided(title, width - 2, _TITLE, bold=True),
        fontsize=_TITLE, fontweight="bold", va="top",
    )  # fmt: skip
    limits = x_limits(plot)
    axes.set_xlim(*limits)
    _trace(axes, plot, limits, (inner, trace_mm))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    lowest = axes
    if plot.importance is not None:
        rows = [("Importance", plot.importance.gate, True)]
        rows += [(name, plot.importance.by_group[name], False) for name in plot.groups]
        for index, (name, values, is_gate) in enumerate(rows):
            strip = axes_at(_TOP_MM + trace_mm + 1.0 + index * STRIP_MM, STRIP_MM - 0.5)
            strip.set_xlim(*limits)
            _strip(strip, plot.importance.x, values, is_gate)
            strip.set_yticks([])
            strip.tick_params(bottom=False, labelbottom=False)
            for spine in strip.spines.values():
                spine.set_linewidth(0.3)
                spine.set_edgecolor("#b9c0c8")
            place, align, room = (1 + 1 / inner, "left", right - 1.5)
            if not plot.groups:
                place, align, room = (-1 / inner, "right", _LEFT_MM - 1)
            strip.text(
                place, 0.45, elided(name, room, _SMALL), transform=strip.transAxes, ha=align,
                va="center", fontsize=_SMALL, color=INK if is_gate else MUTED,
            )  # fmt: skip
            lowest = strip
        axes.tick_params(labelbottom=False)
        lowest.tick_params(bottom=True, labelbottom=True)
    _ticks(lowest, limits)
    if lowest is not axes:
        axes.xaxis.set_major_locator(lowest.xaxis.get_major_locator())
    lowest.set_xlabel(x_title(plot.spectrum), fontstyle="italic" if technique.is_mass else "normal")


def x_limits(plot: Plot) -> tuple[float, float]:
    """The ends of the axis, left to right: high to low for IR and NMR.

    An NMR axis is drawn as far as there are signals, and at least over the usual shifts.
    """
    spectrum = plot.spectrum
    low, high = float(spectrum.x.min()), float(spectrum.x.max())
    if plot.x_range is not None:
        low, high = min(plot.x_range), max(plot.x_range)
    elif spectrum.technique.is_nmr and spectrum.x_unit == "ppm":
        usual = _USUAL_SHIFTS.get(spectrum.technique.nucleus or "")
        places = [peak.position for peak in plot.peaks]
        if usual is not None and places:
            wanted = min(usual[0], min(places) - usual[2]), max(usual[1], max(places) + usual[2])
            if spectrum.kind == "sticks":
                low, high = wanted
            else:
                low, high = max(low, wanted[0]), min(high, wanted[1])
        elif spectrum.kind == "sticks":
            beside = 0.05 * (high - low) or 1.0
            low, high = low - beside, high + beside
    elif spectrum.kind == "sticks":
        beside = 0.03 * (high - low) or max(1.0, 0.02 * abs(high))
        low, high = max(0.0, low - beside), high + beside
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return (high, low) if spectrum.technique.descending_axis else (low, high)


def solvent_cut(plot: Plot) -> str:
    """The sentence about solvent lines that are cut off at the top, "" where none is."""
    tallest, shown = _reaches(plot)
    if tallest <= _TOWERS * shown:
        return ""
    solvent = plot.spectrum.metadata.get("solvent")
    return f"Lines of the solvent ({solvent}) taller than the compound's are cut off in the figure."


def _reaches(plot: Plot) -> tuple[float, float]:
    """The height of the tallest peak, and of the tallest that is not the solvent's."""
    spectrum = plot.spectrum
    if not (spectrum.technique.is_nmr and spectrum.kind == "continuous" and plot.peaks):
        return 0.0, 0.0
    from engine.processing.referencing import near_solvent_line

    tallest = max(peak.height for peak in plot.peaks)
    own = [p.height for p in plot.peaks if not near_solvent_line(spectrum, p.position)]
    shown = max(own, default=tallest)
    return tallest, shown if shown > 0 else tallest


def _trace(axes: Axes, plot: Plot, limits: tuple[float, float], size_mm) -> None:
    spectrum = plot.spectrum.ascending
    inside = (spectrum.x >= min(limits)) & (spectrum.x <= max(limits))
    # One point beyond each end, so that the line runs to the frame.
    inside[:-1] |= inside[1:]
    inside[1:] |= inside[:-1].copy()
    x, y = spectrum.x[inside], spectrum.y[inside]
    finite = y[np.isfinite(y)]
    if len(finite) == 0:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "No values in this range", transform=axes.transAxes, ha="center")
        return
    down = spectrum.y_unit == "transmittance"
    highest = float(np.abs(finite).max()) or 1.0
    tallest, shown = _reaches(plot)
    if tallest > _TOWERS * shown and plot.x_range is None:
        highest = shown
    scale = {"transmittance": 100.0, "intensity": 100.0 / highest}.get(spectrum.y_unit, 1.0)
    y = y * scale
    low, high = float(finite.min()) * scale, float(finite.max()) * scale
    if spectrum.kind == "sticks" or (spectrum.technique.is_mass and low >= 0):
        low, high = min(0.0, low), max(0.0, high)
    if spectrum.y_unit == "intensity":
        high = min(high, 100.0)
    span = (high - low) or abs(high) or 1.0
    labels = _labels(plot, limits)
    sticks_above = spectrum.technique.is_mass
    zone = 6.0 if sticks_above else _LABEL_ZONE_MM if labels else 2.0
    zone = min(zone, 0.4 * size_mm[1])
    trace_share = 1 - zone / size_mm[1]
    margin = 0.0 if spectrum.kind == "sticks" and low == 0 else 0.03 * span
    whole = (span + 2 * margin) / trace_share
    if down and labels:
        axes.set_ylim(high + margin - whole, high + margin)
    else:
        axes.set_ylim(low - margin, low - margin + whole)
    top = high + margin
    if spectrum.kind == "sticks":
        x, y = _tallest_sticks(x, y)
        axes.vlines(x, 0, np.minimum(y, top), colors=TRACE, linewidth=0.7)
        axes.axhline(0, color=INK, linewidth=0.4)
    else:
        axes.plot(*reduced(x, np.minimum(y, top)), color=TRACE, linewidth=0.5, antialiased=True)
    _y_axis(axes, spectrum, (low, high))
    if sticks_above:
        _labels_above(axes, labels, scale, size_mm)
    elif labels:
        _labels_with_leaders(axes, labels, scale, size_mm, down)


def reduced(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A trace of at most some thousand points that looks the same in print.

    ``x`` and ``y`` ``(n,)``. Of each column the first, lowest, highest and last point are kept, in
    their order; values that are not finite stay a gap.
    """
    if len(x) <= 4 * _COLUMNS:
        return x, y
    edges = np.linspace(0, len(x), _COLUMNS + 1).astype(int)
    keep = set()
    for first, last in pairwise(edges.tolist()):
        part = y[first:last]
        keep |= {first, last - 1}
        holes = np.isnan(part)
        if holes.any():
            keep.add(first + int(np.argmax(holes)))
        if not holes.all():
            keep |= {first + int(np.nanargmin(part)), first + int(np.nanargmax(part))}
    kept = np.array(sorted(keep))
    return x[kept], y[kept]


def _tallest_sticks(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y = np.nan_to_num(y)
    if len(x) <= _MOST_STICKS:
        return x, y
    kept = np.sort(np.argsort(-np.abs(y), kind="stable")[:_MOST_STICKS])
    return x[kept], y[kept]


def _ticks(axes: Axes, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import AutoMinorLocator, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_minor_locator(AutoMinorLocator())
    axes.set_xlim(*limits)


def _y_axis(axes: Axes, spectrum: Spectrum, ends: tuple[float, float]) -> None:
    from matplotlib.ticker import MaxNLocator

    if spectrum.technique.is_nmr:
        # An NMR intensity has no scale of its own: chemists draw no axis.
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        return
    low, high = axes.get_ylim()
    slack = 0.03 * (ends[1] - ends[0])
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(*ends)
    axes.set_yticks([t for t in ticks if ends[0] - slack <= t <= ends[1] + slack])
    axes.set_ylim(low, high)
    axes.set_ylabel(y_title(spectrum))


def _labels(plot: Plot, limits: tuple[float, float]) -> list[tuple[Peak, str]]:
    """The peaks to be labelled, tallest first, with their labels; equal labels count once."""
    spectrum = plot.spectrum
    down = spectrum.y_unit == "transmittance"
    inside = [p for p in plot.peaks if min(limits) <= p.position <= max(limits)]
    inside.sort(key=lambda peak: peak.height if down else -abs(peak.height))
    digits = decimals(spectrum)
    chosen: dict[str, Peak] = {}
    for peak in inside:
        chosen.setdefault(number(peak.position, digits), peak)
    return [(peak, label) for label, peak in chosen.items()][:_MOST_LABELS]


def _labels_above(axes: Axes, labels, scale: float, size_mm) -> None:
    """Horizontal labels over the sticks of a mass spectrum, as many as there is room for."""
    width, height = size_mm
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    places = np.array([(peak.position - left) / (right - left) * width for peak, _ in labels])
    tops = np.array([(peak.height * scale - low) / (high - low) * height for peak, _ in labels])
    widths = [text_width_mm(label, _SMALL) for _, label in labels]
    boxes = above_sticks(places, tops, widths, 2.0, (width, height), 0.8)
    for (_, label), box in zip(labels, boxes, strict=True):
        if box is not None:
            axes.text(
                (box.left + box.width / 2) / width, box.bottom / height, label, ha="center",
                va="bottom", transform=axes.transAxes, fontsize=_SMALL,
            )  # fmt: skip


def _labels_with_leaders(axes: Axes, labels, scale: float, size_mm, down: bool) -> None:
    """Upright labels in a row beyond the trace, each joined to its peak by a thin line."""
    width, height = size_mm
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    labels = labels[: max(1, int(0.7 * width / _LABEL_APART_MM))]
    labels = sorted(
        ((p.position - left) / (right - left) * width, p.height, text) for p, text in labels
    )
    at = spread([place for place, _, _ in labels], _LABEL_APART_MM, 1.0, width - 1.0)
    longest = max(text_width_mm(text, _SMALL) for _, _, text in labels)
    edge = height - longest - 0.5
    row, knee, end = edge - 0.4, edge - 3.0, edge - 3.8
    for (place, peak_height, text), middle in zip(labels, at, strict=True):
        tip = (np.clip(peak_height * scale, low, high) - low) / (high - low) * height
        if down:
            ys = (height - row, height - knee, height - end, max(tip - 0.6, height - end))
            text_at, align = height - edge, "top"
        else:
            ys = (row, knee, end, max(min(tip + 0.6, end), 0))
            text_at, align = edge, "bottom"
        axes.plot(
            np.array([middle, place, place]) / width, np.array(ys[:3]) / height,
            transform=axes.transAxes, color=MUTED, linewidth=0.3, clip_on=False,
        )  # fmt: skip
        axes.plot(
            [place / width] * 2, [ys[2] / height, ys[3] / height],
            transform=axes.transAxes, color="#b9c0c8", linewidth=0.3, zorder=0.5,
        )  # fmt: skip
        axes.text(
            middle / width, text_at / height, text, transform=axes.transAxes, rotation=90,
            ha="center", va=align, fontsize=_SMALL,
        )  # fmt: skip


def _strip(axes: Axes, x: np.ndarray, values: np.ndarray, is_gate: bool) -> None:
    """Values ``(n,)`` at ``x`` as warm colours, each level a set of rectangles.

    The darker levels lie on the lighter ones, so that no seam shows between neighbours. The gates
    have their own range in each spectrum, of at least 0.2.
    """
    low, high = 0.0, 1.0
    if is_gate:
        high = float(values.max())
        low = min(float(values.min()), high - 0.2)
    half = (x[1] - x[0]) / 2
    level = np.ceil((values - low) / (high - low) * _LEVELS - 1e-9)
    axes.set_ylim(0, 1)
    for step in range(1, _LEVELS + 1):
        flags = np.concatenate([[False], level >= step, [False]]).astype(np.int8)
        change = np.flatnonzero(np.diff(flags))
        spans = [
            (float(x[start] - half), float(x[stop - 1] - x[start] + 2 * half))
            for start, stop in zip(change[::2], change[1::2], strict=True)
        ]
        if spans:
            axes.broken_barh(spans, (0, 1), facecolors=_warm(step / _LEVELS), linewidth=0)


def _warm(share: float) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    stops = np.array([to_rgb(colour) for colour in WARM])
    at = np.linspace(0, 1, len(stops))
    return tuple(float(np.interp(share, at, stops[:, k])) for k in range(3))
