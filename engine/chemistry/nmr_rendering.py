"""Peak lists rendered as an NMR spectrometer would have measured them, averaged over grid bins.

Peak lists carry no line shapes. A rendering draws what a list leaves out at random from the ranges
that instruments show: line widths, multiplets, solvent and reference lines, shimming, noise,
baseline. Nothing is taken from the structure, so a rendering tells no more than its list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.chemistry.line_shapes import binned_lines


@dataclass(frozen=True)
class SolventLines:
    """A deuterated solvent: 13C lines (ppm, J(C,D) in Hz, lines), residual 1H and water shifts."""

    name: str
    carbon: tuple[tuple[float, float, int], ...]
    proton: tuple[float, ...]
    water: float


# Shifts of residual protons, carbons and water: Fulmer et al., Organometallics 2010, 29, 2176.
SOLVENTS = (
    SolventLines("chloroform", ((77.16, 32.0, 3),), (7.26,), 1.56),
    SolventLines("dmso", ((39.52, 21.0, 7),), (2.50,), 3.33),
    SolventLines("methanol", ((49.00, 21.4, 7),), (3.31, 4.87), 4.87),
    SolventLines("acetone", ((29.84, 19.4, 7), (206.26, 0.0, 1)), (2.05,), 2.84),
    SolventLines("pyridine", ((123.9, 25.0, 3), (135.9, 24.5, 3), (150.3, 27.5, 3)),
                 (7.22, 7.58, 8.74), 4.96),
    SolventLines("benzene", ((128.06, 24.3, 3),), (7.16,), 0.40),
    SolventLines("acetonitrile", ((1.32, 21.0, 7), (118.26, 0.0, 1)), (1.94,), 2.13),
    SolventLines("water", (), (4.79,), 4.79),
    SolventLines("dichloromethane", ((53.84, 27.2, 5),), (5.32,), 1.52),
)  # fmt: skip
_SOLVENT_FREQUENCY = np.array([0.62, 0.15, 0.08, 0.05, 0.03, 0.02, 0.01, 0.02, 0.02])
_ALIASES = {
    "chloroform": ("chloroform", "cdcl3"),
    "dmso": ("dmso", "sulphoxide", "sulfoxide"),
    "methanol": ("methanol", "cd3od", "meod"),
    "acetone": ("acetone", "(cd3)2co"),
    "pyridine": ("pyridin",),
    "benzene": ("benzene", "c6d6"),
    "acetonitrile": ("acetonitrile", "cd3cn"),
    "water": ("water", "d2o", "deuteriumoxide"),
    "dichloromethane": ("dichloromethane", "methylenchloride", "cd2cl2"),
}

# Splittings (numbers of equivalent neighbours) seen beside a proton, and their share, by the
# region of its shift; and the couplings in Hz that go with the region.
_PATTERNS = {
    "aliphatic": (((), 0.25), ((1,), 0.15), ((2,), 0.2), ((3,), 0.1), ((1, 1), 0.15),
                  ((2, 2), 0.08), ((1, 1, 1), 0.07)),
    "heteroatom": (((), 0.35), ((1,), 0.15), ((2,), 0.2), ((3,), 0.1), ((1, 1), 0.2)),
    "olefinic": (((), 0.2), ((1,), 0.35), ((1, 1), 0.35), ((1, 2), 0.1)),
    "aromatic": (((), 0.15), ((1,), 0.4), ((1, 1), 0.33), ((1, 1, 1), 0.12)),
    "downfield": (((), 0.85), ((1,), 0.15)),
}  # fmt: skip
_COUPLINGS = {
    "aliphatic": (7.0, 1.5),
    "heteroatom": (6.8, 1.5),
    "olefinic": (11.0, 4.0),
    "aromatic": (7.6, 1.0),
    "downfield": (3.0, 1.5),
}
_LETTERS = {"s": (), "d": (1,), "t": (2,), "q": (3,), "m": (1, 1, 1), "p": (4,), "u": (1, 1)}


def solvent_named(text: str | None) -> SolventLines | None:
    """The solvent that a table or an instrument means by a name, or None."""
    low = (text or "").lower()
    for solvent in SOLVENTS:
        if any(alias in low for alias in _ALIASES[solvent.name]):
            return solvent
    return None


def _draw_solvent(text: str | None, rng: np.random.Generator) -> SolventLines:
    named = solvent_named(text)
    if named is not None:
        return named
    return SOLVENTS[rng.choice(len(SOLVENTS), p=_SOLVENT_FREQUENCY)]


def multiplet(splittings: Sequence[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    """First-order lines of couplings ``(J in Hz, equivalent neighbours)``: offsets (Hz), shares."""
    offsets, shares = np.zeros(1), np.ones(1)
    for coupling, neighbours in splittings:
        for _ in range(neighbours):
            offsets = np.concatenate([offsets - coupling / 2, offsets + coupling / 2])
            shares = np.concatenate([shares, shares]) / 2
    return offsets, shares


def _region(ppm: float) -> str:
    if ppm > 9.2:
        return "downfield"
    if ppm > 6.3:
        return "aromatic"
    if ppm > 4.6:
        return "olefinic"
    return "heteroatom" if ppm > 3.0 else "aliphatic"


def _splittings(
    ppm: float, letters: str | None, rng: np.random.Generator
) -> list[tuple[float, int]]:
    """The couplings of a signal: from its multiplicity letters, or drawn for its region."""
    region = _region(ppm)
    mean, spread = _COUPLINGS[region]
    word = (letters or "").lower().replace("br", "").replace("app", "").strip()
    if word and all(letter in _LETTERS for letter in word):
        neighbours = [n for letter in word for n in _LETTERS[letter]]
    else:
        patterns = _PATTERNS[region]
        weights = np.array([share for _, share in patterns])
        neighbours = list(patterns[rng.choice(len(patterns), p=weights / weights.sum())][0])
    couplings = []
    for index, count in enumerate(neighbours):
        small = index > 0 and region in ("aromatic", "olefinic")
        coupling = rng.normal(1.8, 0.6) if small else rng.normal(mean, spread)
        couplings.append((max(0.5, float(coupling)), count))
    return couplings


def _with_noise_and_baseline(
    spectrum: np.ndarray, signal: float, noise: float, drift: float, rng: np.random.Generator
) -> np.ndarray:
    """Add white noise of ``noise * signal`` a bin and a slow wave of at most ``drift * signal``."""
    axis = np.linspace(0, 1, len(spectrum))
    wave = np.sin(2 * np.pi * (axis * rng.uniform(0.3, 1.5) + rng.uniform()))
    return (
        spectrum
        + rng.normal(0, max(noise * signal, 1e-12), len(spectrum))
        + rng.uniform(-drift, drift) * signal * wave
    )


def render_carbon(
    peaks: Sequence[Mapping],
    edges: np.ndarray,
    rng: np.random.Generator,
    *,
    solvent: str | None = None,
    spread: np.ndarray | float = 0.15,
) -> np.ndarray:
    """A 13C spectrum of a peak list, averaged over bins.

    ``peaks``: mappings with ``ppm``, ``n`` (atoms) and, where known, ``mult`` (S, D, T, Q by
    attached hydrogens); ``edges`` ``(n + 1,)`` ppm ascending; ``spread`` (ppm) the standard
    deviation of each shift (concentration, temperature, or the error of a predicted shift).
    Returns ``(n,)``, arbitrary height.
    """
    ppm = np.array([peak["ppm"] for peak in peaks], dtype=float)
    count = np.array([peak.get("n") or 1 for peak in peaks], dtype=float)
    bare = np.array([str(peak.get("mult") or "").upper() == "S" for peak in peaks])
    ppm = ppm + rng.normal(0, 0.15) + rng.normal(0, 1, len(ppm)) * spread
    # Without attached hydrogens there is little Overhauser gain and slow relaxation.
    areas = (
        count * np.exp(rng.normal(0, 0.25, len(ppm))) * np.where(bare, rng.uniform(0.25, 0.7), 1)
    )
    frequency = rng.choice([75.5, 100.6, 125.8, 150.9])
    width = rng.uniform(0.8, 4.0) / frequency
    positions, heights = [ppm], [areas]
    if rng.uniform() < 0.5:
        strength = np.median(areas) * np.exp(rng.uniform(np.log(0.2), np.log(8.0)))
        for centre, coupling, lines in _draw_solvent(solvent, rng).carbon:
            offsets = (np.arange(lines) - (lines - 1) / 2) * coupling / frequency
            shares = np.array([1, 3, 6, 7, 6, 3, 1]) if lines == 7 else np.ones(lines)
            positions.append(centre + offsets)
            heights.append(strength * shares / shares.sum() * (0.15 if lines == 1 else 1))
    if rng.uniform() < 0.25:
        positions.append(np.zeros(1))
        heights.append(np.median(areas) * rng.uniform(0.2, 2, 1))
    positions, heights = np.concatenate(positions), np.concatenate(heights)
    spectrum = binned_lines(edges, positions, heights, np.full(len(positions), width))
    signal = float(np.median(areas)) / float(edges[1] - edges[0])
    noise = 0.04 * rng.uniform() ** 2
    return _with_noise_and_baseline(spectrum, signal, noise, 0.03, rng)


def render_list(
    peaks: Sequence[Mapping],
    edges: np.ndarray,
    rng: np.random.Generator,
    *,
    nucleus: str,
    spread: float,
) -> np.ndarray:
    """A peak list drawn as it stands in a paper, averaged over bins: no noise, no other lines.

    Heights are the numbers of atoms, or all alike, as lists are read from a text. Protons are split
    by couplings in one half of the cases, for papers that give them. Otherwise as
    :func:`render_carbon`; ``nucleus`` is 13C or 1H.
    """
    frequency = 400.0 if nucleus == "1H" else 100.0
    counted = rng.uniform() < 0.5
    split = nucleus == "1H" and rng.uniform() < 0.5
    offset = rng.normal(0, spread / 2)
    positions, heights = [], []
    for peak in peaks:
        ppm = peak["ppm"] + offset + rng.normal(0, spread)
        lines = _splittings(peak["ppm"], peak.get("mult"), rng) if split else ()
        offsets, shares = multiplet(lines)
        positions.append(ppm + offsets / frequency)
        heights.append(((peak.get("n") or 1) if counted else 1) * shares)
    places, areas = np.concatenate(positions), np.concatenate(heights)
    return binned_lines(edges, places, areas, np.full(len(places), 1.5 / frequency))


def render_proton(
    peaks: Sequence[Mapping],
    edges: np.ndarray,
    rng: np.random.Generator,
    *,
    solvent: str | None = None,
    frequency_mhz: float | None = None,
    spread: np.ndarray | float = 0.02,
) -> np.ndarray:
    """A 1H spectrum of a peak list, averaged over bins.

    ``peaks``: mappings with ``ppm``, ``n`` and, where known, ``mult`` (letters such as ``dd``);
    missing multiplicities are drawn for the region of the shift. ``frequency_mhz`` is drawn from
    300 to 600 when unknown. Otherwise as :func:`render_carbon`.
    """
    frequency = frequency_mhz or rng.choice([300.1, 400.1, 500.1, 600.1])
    shift = rng.normal(0, 0.015)
    spread = np.broadcast_to(spread, len(peaks))
    positions, heights, widths = [], [], []
    width = rng.uniform(0.6, 2.5)
    areas = np.array([peak.get("n") or 1 for peak in peaks], dtype=float)
    areas = areas * np.exp(rng.normal(0, 0.4, len(areas)))
    for peak, area, sigma in zip(peaks, areas, spread, strict=True):
        letters = peak.get("mult")
        ppm = peak["ppm"]
        offsets, shares = multiplet(_splittings(ppm, letters, rng))
        positions.append(ppm + shift + rng.normal() * sigma + offsets / frequency)
        heights.append(area * shares)
        broad = "br" in str(letters).lower() or rng.uniform() < 0.04
        widths.append(np.full(len(offsets), rng.uniform(8, 40) if broad else width) / frequency)
    median = float(np.median(areas))
    if rng.uniform() < 0.5:
        lines = _draw_solvent(solvent, rng)
        strength = median * np.exp(rng.uniform(np.log(0.02), np.log(2.0)))
        extra = np.array([*lines.proton, lines.water + rng.normal(0, 0.03)])
        strengths = np.full(len(extra), strength)
        strengths[-1] *= rng.uniform(0, 1.5)
        positions.append(extra)
        heights.append(strengths)
        widths.append(np.full(len(extra), width * 1.3) / frequency)
    if rng.uniform() < 0.35:
        positions.append(np.zeros(1))
        heights.append(median * rng.uniform(0.05, 1, 1))
        widths.append(np.full(1, width / frequency))
    positions, heights = np.concatenate(positions), np.concatenate(heights)
    spectrum = binned_lines(edges, positions, heights, np.concatenate(widths))
    signal = median / (8 * float(edges[1] - edges[0]))
    return _with_noise_and_baseline(spectrum, signal, 0.03 * rng.uniform() ** 2, 0.02, rng)
