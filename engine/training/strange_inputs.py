"""Strange inputs made from ordinary ones: what goes wrong at the spectrometer and at the desk.

Each kind turns encoded spectra of one channel into what a fault would have made of them: a wrong
axis, another technique's numbers, noise, two compounds in one tube. Some are shown to the
measures of familiarity when they are fitted, the others (``fitted`` False) only measure them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.chemistry.line_shapes import binned_lines
from engine.chemistry.nmr_rendering import render_carbon, render_proton
from engine.encoding.channels import POINTS, channel
from engine.encoding.vectors import (
    clarity_of,
    encode_masses,
    normalise_infrared,
    normalise_nmr,
)

INFRARED, PROTON, CARBON = "IR", "1H NMR", "13C NMR"
POSITIVE, NEGATIVE = "MS/MS+", "MS/MS-"
NMR = (PROTON, CARBON)
MASSES = (POSITIVE, NEGATIVE)
CURVES = (INFRARED, *NMR)

NOISE, AXIS, ORDINATE, MIXTURE, BLANK = "noise", "axis", "ordinate", "mixture", "blank"
KINDS = (NOISE, AXIS, ORDINATE, MIXTURE, BLANK)
"""What a spectrum can look like instead of an ordinary one."""

Maker = Callable[[str, Mapping[str, np.ndarray], int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class StrangeInput:
    """``make(channel, ordinary, count, rng)`` gives bin means ``(count, 600)``.

    ``ordinary`` holds encoded spectra ``(n, 600)`` of every channel that there are any of.
    ``looks_like`` is one of :data:`KINDS`. ``fitted`` tells whether the measures see it
    when they are fitted.
    """

    name: str
    channels: tuple[str, ...]
    looks_like: str
    make: Maker
    fitted: bool = True

    def encoded(
        self,
        name: str,
        ordinary: Mapping[str, np.ndarray],
        count: int,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spectra ``(count, 600)`` as the sample encoding gives them, and their clarity
        ``(count,)``, infinite where none is measured. A row of zeros is one that it refuses."""
        means = self.make(name, ordinary, count, rng)
        clarity = np.full(count, np.inf)
        if name in NMR:
            clarity = np.array([clarity_of(row) for row in means])
        return encode_means(name, means).astype(np.float32), clarity


def to_means(name: str, values: np.ndarray) -> np.ndarray:
    """Bin means of encoded spectra, up to their scale: the square root of NMR is undone."""
    return values**2 if name in NMR else values


def encode_means(name: str, means: np.ndarray) -> np.ndarray:
    """Bin means ``(n, 600)`` as the sample encoding would take them."""
    if name in NMR:
        return normalise_nmr(means)
    if name in MASSES:
        return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    top = means.max(1, keepdims=True)
    odd = (top < 0.3) | (top > 2.0)
    return normalise_infrared(np.where(odd & (top > 0), means / np.maximum(top, 1e-9), means))


def _drawn(
    name: str, ordinary: Mapping[str, np.ndarray], count: int, rng: np.random.Generator
) -> np.ndarray:
    rows = rng.integers(0, len(ordinary[name]), count)
    return to_means(name, ordinary[name][rows].astype(np.float64))


def resampled(means: np.ndarray, source: str, edges: np.ndarray) -> np.ndarray:
    """Means of a channel's curves ``(n, 600)`` between ``edges`` ``(m + 1,)`` of its axis.

    The running integral is read at the edges, so that no line between two points is lost; where
    less than half of a bin lies inside the channel's window it is 0. Returns ``(n, m)``.
    """
    own = channel(source).edges
    integral = np.concatenate([np.zeros((len(means), 1)), np.cumsum(means, axis=1)], axis=1)
    inside = np.clip(edges, own[0], own[-1])
    position = (inside - own[0]) / (own[1] - own[0])
    left = np.minimum(position.astype(int), POINTS - 1)
    part = position - left
    at_edge = integral[:, left] * (1 - part) + integral[:, left + 1] * part
    covered = np.abs(np.diff(position))
    wide = covered > 0.5 * np.abs(np.diff(edges)) / (own[1] - own[0])
    found = np.abs(np.diff(at_edge, axis=1)) / np.maximum(covered, 1e-12)
    return np.where(wide & (covered > 0), found, 0.0)


def _noise_alone(name, ordinary, count, rng):
    noise = rng.normal(0, 1, (count, POINTS))
    if name in MASSES:
        peaks = [
            encode_masses(rng.uniform(20, 600, n), rng.exponential(1, n))
            for n in rng.integers(100, 500, count)
        ]
        return np.array(peaks)
    if name == INFRARED:
        # Detectors' noise about zero or about a level, white or smoothed by the apodisation.
        smooth = rng.random((count, 1)) < 0.5
        blurred = np.stack([noise, np.roll(noise, 1, 1), np.roll(noise, -1, 1)]).mean(0)
        noise = np.where(smooth, blurred, noise) * rng.uniform(0.02, 0.5, (count, 1))
        noise = noise + rng.uniform(-0.2, 0.6, (count, 1))
    return noise


def noisy(sigma: float) -> Maker:
    """White noise of ``sigma`` times the tallest signal."""

    def make(name, ordinary, count, rng):
        means = _drawn(name, ordinary, count, rng)
        top = means.max(1, keepdims=True)
        means = means + sigma * top * rng.normal(0, 1, means.shape)
        return np.clip(means, 0, None) if name in MASSES else means

    return make


def _level_line(name, ordinary, count, rng):
    axis = np.linspace(-1, 1, POINTS)
    level = rng.uniform(0.05, 1.0, (count, 1)) + rng.uniform(-0.3, 0.3, (count, 1)) * axis
    return level + rng.normal(0, 1, (count, POINTS)) * 0.003


def _moved(bins: tuple[int, int]) -> Maker:
    def make(name, ordinary, count, rng):
        means = _drawn(name, ordinary, count, rng)
        by = rng.integers(bins[0], bins[1] + 1, count) * rng.choice([-1, 1], count)
        places = np.arange(POINTS) - by[:, None]
        inside = (places >= 0) & (places < POINTS)
        moved = np.take_along_axis(means, np.clip(places, 0, POINTS - 1), 1)
        return np.where(inside, moved, 0.0)

    return make


def _stretched(name, ordinary, count, rng):
    """An axis with a wrong factor: a wrong spectrometer frequency or a wrong laser wavelength."""
    means = np.clip(_drawn(name, ordinary, count, rng), 0, None)
    edges = channel(name).edges
    factors = np.exp(rng.uniform(np.log(1.3), np.log(2.5), count) * rng.choice([-1, 1], count))
    read = [resampled(means[i : i + 1], name, edges * f)[0] for i, f in enumerate(factors)]
    return np.array(read)


def _reversed(name, ordinary, count, rng):
    return _drawn(name, ordinary, count, rng)[:, ::-1]


def _filed_as(source: str) -> Maker:
    """The numbers of another technique's axis, taken for this one's."""

    def make(name, ordinary, count, rng):
        means = _drawn(source, ordinary, count, rng)
        read = resampled(np.clip(means, 0, None), source, channel(name).edges)
        if name in MASSES:
            read = np.sqrt(read)
        return read

    return make


def _same_points(source: str) -> Maker:
    """Another technique's points without their axis, laid over this one's whole window."""

    def make(name, ordinary, count, rng):
        means = _drawn(source, ordinary, count, rng)
        return np.clip(means[:, :: rng.choice([-1, 1])], 0, None)

    return make


def _nanometres(name, ordinary, count, rng):
    """An axis of nanometres taken for wavenumbers: all that is above 2500 nm, to 4000."""
    means = np.clip(_drawn(name, ordinary, count, rng), 0, None)
    return resampled(means, name, 1e7 / channel(name).edges)


def _transmittance_as_absorbance(name, ordinary, count, rng):
    return 10.0 ** -np.clip(_drawn(name, ordinary, count, rng), -0.2, 3)


def mixed(parts: int) -> Maker:
    """Equal amounts of so many compounds, as far as heights of the tallest signals tell amounts."""

    def make(name, ordinary, count, rng):
        total = 0.0
        for _ in range(parts):
            means = _drawn(name, ordinary, count, rng)
            total = total + means / np.maximum(means.max(1, keepdims=True), 1e-9)
        return total / parts if name == INFRARED else total

    return make


def _blank(name, ordinary, count, rng):
    """A tube with solvent and no compound: a vanishing one beside its own lines."""
    edges = channel(name).edges
    render = render_proton if name == PROTON else render_carbon
    middle = 2.0 if name == PROTON else 60.0
    peaks = [{"ppm": middle, "n": 1}]
    rows = []
    for _ in range(count):
        curve = render(peaks, edges, rng)
        place = int(np.searchsorted(edges, middle)) - 1
        curve[max(0, place - 6) : place + 7] = np.median(curve)
        rows.append(curve)
    return np.array(rows)


# Usual bands (1/cm), their widths and relative heights, of what is not a molecule of the networks'
# world: Nakamoto, Infrared and Raman Spectra of Inorganic and Coordination Compounds; for polymers
# Hummel and Scholl, Atlas of Polymer and Plastics Analysis. Rounded.
_SALTS = (
    ((1430, 110, 1.0), (875, 12, 0.4), (713, 12, 0.2)),  # carbonate
    ((1110, 90, 1.0), (615, 25, 0.5)),  # sulfate
    ((1380, 70, 1.0), (830, 12, 0.25)),  # nitrate
    ((1030, 110, 1.0), (570, 40, 0.6)),  # phosphate
    ((1085, 100, 1.0), (800, 35, 0.3), (465, 40, 0.7)),  # silica
    ((3400, 380, 1.0), (1640, 70, 0.35), (650, 250, 0.4)),  # water
    ((3620, 40, 0.6), (1030, 70, 1.0), (915, 20, 0.5), (540, 35, 0.7), (470, 30, 0.7)),  # kaolin
    ((550, 110, 1.0), (450, 70, 0.7)),  # iron and titanium oxides
    ((3145, 180, 1.0), (1402, 25, 0.9)),  # ammonium
)
_POLYMERS = (
    ((1205, 40, 1.0), (1150, 35, 0.9), (640, 18, 0.4), (555, 15, 0.25), (505, 15, 0.4)),  # PTFE
    ((2963, 18, 0.4), (1260, 14, 0.9), (1090, 55, 1.0), (1020, 50, 1.0), (800, 25, 0.9)),  # PDMS
)


def _of_bands(tables) -> Maker:
    def make(name, ordinary, count, rng):
        edges = channel(name).edges
        rows = []
        for _ in range(count):
            bands = np.array(tables[rng.integers(len(tables))], dtype=float)
            places = bands[:, 0] + rng.normal(0, 6, len(bands))
            widths = bands[:, 1] * rng.uniform(0.8, 1.25, len(bands))
            heights = bands[:, 2] * rng.uniform(0.7, 1.3, len(bands))
            curve = binned_lines(edges, places, heights * widths, widths, 0.3)
            curve = curve / curve.max() + rng.normal(0, 0.004, POINTS)
            rows.append(curve * rng.uniform(0.5, 1.2))
        return np.array(rows)

    return make


def _any_bands(name, ordinary, count, rng):
    """A few bands at any places, of any widths: what has no structure that chemistry gives."""
    edges = channel(name).edges
    span = edges[-1] - edges[0]
    rows = []
    for number in rng.integers(1, 7, count):
        places = rng.uniform(edges[0], edges[-1], number)
        widths = span * np.exp(rng.uniform(np.log(0.003), np.log(0.1), number))
        heights = rng.uniform(0.1, 1.0, number)
        curve = binned_lines(edges, places, heights * widths, widths, 0.3)
        curve = curve / curve.max() + rng.normal(0, 0.004, POINTS)
        rows.append(curve * rng.uniform(0.5, 1.2))
    return np.array(rows)


def _any_lines(name, ordinary, count, rng):
    """Lines at any places with any heights, as many as compounds show."""
    rows = np.zeros((count, POINTS))
    for row, number in zip(rows, rng.integers(2, 25, count), strict=True):
        row[rng.integers(0, POINTS, number)] = rng.exponential(1.0, number)
    return rows + rng.normal(0, 1e-3, rows.shape)


def _one_fragment(name, ordinary, count, rng):
    rows = [encode_masses(rng.uniform(30, 590, 1), np.ones(1)) for _ in range(count)]
    return np.array(rows)


def _other_polarity(name, ordinary, count, rng):
    other = NEGATIVE if name == POSITIVE else POSITIVE
    return ordinary[other][rng.integers(0, len(ordinary[other]), count)].astype(np.float64)


STRANGE_INPUTS = (
    StrangeInput("noise alone", (*CURVES, *MASSES), NOISE, _noise_alone),
    StrangeInput("noise, a third of the tallest signal", (*CURVES, *MASSES), NOISE, noisy(0.33)),
    StrangeInput("noise, a fifth of the tallest signal", CURVES, NOISE, noisy(0.2), False),
    StrangeInput("a level or sloping line", (INFRARED,), NOISE, _level_line),
    StrangeInput("solvent and no compound", NMR, BLANK, _blank),
    StrangeInput("axis off by 20 to 60 ppm", (CARBON,), AXIS, _moved((50, 150))),
    StrangeInput("axis off by 20 ppm", (CARBON,), AXIS, _moved((50, 50)), False),
    StrangeInput("axis off by 2 to 5 ppm", (PROTON,), AXIS, _moved((86, 214))),
    StrangeInput("axis off by 2 ppm", (PROTON,), AXIS, _moved((86, 86)), False),
    StrangeInput("axis off by 200 to 900 1/cm", (INFRARED,), AXIS, _moved((33, 150))),
    StrangeInput("axis off by 300 1/cm", (INFRARED,), AXIS, _moved((50, 50)), False),
    StrangeInput("axis stretched 1.3 to 2.5 times", CURVES, AXIS, _stretched),
    StrangeInput("axis reversed", CURVES, AXIS, _reversed, False),
    StrangeInput("nanometres taken for 1/cm", (INFRARED,), AXIS, _nanometres, False),
    StrangeInput("1H spectrum filed as 13C", (CARBON,), AXIS, _filed_as(PROTON)),
    StrangeInput("13C spectrum filed as 1H", (PROTON,), AXIS, _filed_as(CARBON)),
    StrangeInput("mass spectrum filed as 13C", (CARBON,), AXIS, _filed_as(POSITIVE), False),
    StrangeInput("mass spectrum filed as IR", (INFRARED,), AXIS, _filed_as(POSITIVE), False),
    StrangeInput("IR curve on a 13C axis", (CARBON,), AXIS, _same_points(INFRARED)),
    StrangeInput("IR curve on a 1H axis", (PROTON,), AXIS, _same_points(INFRARED), False),
    StrangeInput("13C curve on an IR axis", (INFRARED,), AXIS, _same_points(CARBON)),
    StrangeInput("1H curve on an IR axis", (INFRARED,), AXIS, _same_points(PROTON), False),
    StrangeInput("13C peaks filed as fragments", MASSES, AXIS, _filed_as(CARBON)),
    StrangeInput("1H peaks filed as fragments", MASSES, AXIS, _filed_as(PROTON), False),
    StrangeInput(
        "transmittance taken for absorbance", (INFRARED,), ORDINATE, _transmittance_as_absorbance
    ),
    StrangeInput("bands at any places", (INFRARED,), AXIS, _any_bands),
    StrangeInput("lines at any places", NMR, AXIS, _any_lines),
    StrangeInput("a salt, an oxide or water", (INFRARED,), AXIS, _of_bands(_SALTS), False),
    StrangeInput("PTFE or silicone", (INFRARED,), AXIS, _of_bands(_POLYMERS), False),
    StrangeInput("one fragment alone", MASSES, BLANK, _one_fragment),
    StrangeInput("the other polarity", MASSES, AXIS, _other_polarity, False),
    StrangeInput("mixture 1:1", (*CURVES, *MASSES), MIXTURE, mixed(2)),
    StrangeInput("mixture 1:1:1", (*CURVES, *MASSES), MIXTURE, mixed(3), False),
)  # fmt: skip
