"""The ppm scale: solvents' residual lines, and the shift that puts one where it belongs."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, replace

import numpy as np

from engine.installation import resource
from engine.processing.noise import noise_level
from engine.spectra import Spectrum

_MATCH = 0.9
_TMS_WINDOW_PPM = {"1H": 0.05, "13C": 0.5}
_DEFAULT_WINDOW_PPM = {"1H": 0.1, "13C": 1.0}
ANYWHERE = "solvent anywhere"
TARGETS = ("auto", "solvent", "TMS", ANYWHERE)
# Where lines of a nucleus may lie, generously, in ppm.
_PLAUSIBLE_PPM = {"1H": (-6.0, 22.0), "13C": (-40.0, 260.0)}
_UNIQUE = 0.03


@dataclass(frozen=True)
class SolventLine:
    """A signal of the solvent: shift in ppm, number of lines, their spacing in Hz.

    ``lines`` is 0 where the signal is too complex or too variable to be a reference.
    """

    shift: float
    lines: int
    spacing_hz: float = 0.0


@dataclass(frozen=True)
class Solvent:
    """A deuterated solvent: its residual 1H and its 13C signals, and where water shows in it."""

    name: str
    aliases: tuple[str, ...]
    proton: tuple[SolventLine, ...]
    carbon: tuple[SolventLine, ...]
    water: float | None

    def lines(self, nucleus: str | None) -> tuple[SolventLine, ...]:
        return {"1H": self.proton, "13C": self.carbon}.get(nucleus or "", ())


@functools.cache
def solvents() -> tuple[Solvent, ...]:
    """All solvents of ``resources/tables/nmr_solvents.json``."""
    table = json.loads(resource("tables", "nmr_solvents.json").read_text(encoding="utf-8"))
    return tuple(
        Solvent(
            name=entry["name"],
            aliases=tuple(entry["aliases"]),
            proton=tuple(SolventLine(*line) for line in entry["1H"]),
            carbon=tuple(SolventLine(*line) for line in entry["13C"]),
            water=entry["water"],
        )
        for entry in table["solvents"]
    )


def find_solvent(name: str | None) -> Solvent | None:
    """The solvent of this name, in any of the ways that instruments spell it, else None."""
    name = str(name or "")
    key = _plain(name)
    if not key:
        return None
    spelled = {_plain(n): s for s in solvents() for n in (s.name, *s.aliases)}
    # "Chloroform-d 90vol%", "CDCl3 + TMS", "DMSO-d6/CCl4 (9:1)": the first word is the solvent.
    first = _plain(re.split(r"[\s,;/+]", name.strip(), maxsplit=1)[0])
    return spelled.get(key) or spelled.get(first)


def _plain(name: str) -> str:
    """The name without case, brackets, hyphens and spaces."""
    return re.sub(r"[^a-z0-9+]", "", name.lower())


def solvent_mask(spectrum: Spectrum) -> np.ndarray:
    """Which points (bool, shape ``(n,)``) lie under a line of the solvent in the metadata."""
    mask = np.zeros(len(spectrum), dtype=bool)
    for centre, half in _solvent_regions(spectrum):
        mask |= np.abs(spectrum.x - centre) <= half
    return mask


def near_solvent_line(spectrum: Spectrum, position: float, offset: float = 0.0) -> bool:
    """Whether a position in ppm is that of a line of the solvent, or of water in it.

    ``offset`` (ppm) is what has to be added to the axis, see :func:`reference_offset`.
    """
    place = position + offset
    return any(abs(place - centre) <= half for centre, half in _solvent_regions(spectrum))


def reference_offset(spectrum: Spectrum) -> float:
    """What has to be added to the ppm axis to put the solvent's line, or TMS, where it belongs.

    0 where no such line is found, for nuclei without a table, and for what is no continuous
    spectrum over ppm: then the axis is taken as it is.
    """
    nucleus = spectrum.technique.nucleus
    if nucleus not in _DEFAULT_WINDOW_PPM or spectrum.x_unit != "ppm":
        return 0.0
    if spectrum.kind != "continuous":
        return 0.0
    return float(reference_axis(spectrum).x[0] - spectrum.x[0])


def _solvent_regions(spectrum: Spectrum) -> list[tuple[float, float]]:
    solvent = find_solvent(spectrum.metadata.get("solvent"))
    if solvent is None:
        return []
    nucleus = spectrum.technique.nucleus
    mhz = float(spectrum.metadata.get("frequency_mhz") or 100.0)
    slack = {"1H": 0.02, "13C": 0.25}.get(nucleus or "", 0.0)
    regions = [
        (line.shift, slack + max(0, line.lines - 1) / 2 * line.spacing_hz / mhz)
        for line in solvent.lines(nucleus)
    ]
    if nucleus == "1H" and solvent.water is not None:
        regions.append((solvent.water, 0.05))
    return regions


def shift_axis(spectrum: Spectrum, shift_ppm: float = 0.0) -> Spectrum:
    """The spectrum with ``shift_ppm`` added to its ppm axis."""
    if spectrum.x_unit != "ppm":
        raise ValueError(f"referencing needs a ppm axis, got {spectrum.x_unit!r}")
    return replace(spectrum, x=spectrum.x + shift_ppm)


def reference_axis(
    spectrum: Spectrum, target: str = "auto", window_ppm: float | None = None
) -> Spectrum:
    """The spectrum shifted so that the solvent's residual line (or TMS) has its tabulated shift.

    ``target`` ``solvent`` takes the solvent of the metadata, ``TMS`` a singlet near 0 ppm,
    ``auto`` the solvent if it can be found, else TMS. A line is taken only where the spectrum
    has the shape of the expected multiplet (the normalised correlation with it is at least 0.9)
    within ``window_ppm`` of its place (default 0.1 for 1H, 1 for 13C; TMS 0.05 and 0.5); else the
    axis stays, because a wrong line is worse than the spectrometer's own reference. Warnings say
    what was shifted. Other nuclei come back unchanged.

    ``solvent anywhere`` is for an axis whose zero nobody knows: the solvent's multiplet is looked
    for everywhere. It has to have three lines or more, to be the only place of its shape, and to
    leave every tall line where lines of the nucleus may lie.
    """
    if spectrum.x_unit != "ppm":
        raise ValueError(f"referencing needs a ppm axis, got {spectrum.x_unit!r}")
    if target not in TARGETS:
        raise ValueError(f"target {target!r}; right is {', '.join(TARGETS)}")
    nucleus = spectrum.technique.nucleus or ""
    if nucleus not in _DEFAULT_WINDOW_PPM:
        return spectrum
    window = _DEFAULT_WINDOW_PPM[nucleus] if window_ppm is None else window_ppm
    solvent = find_solvent(spectrum.metadata.get("solvent"))
    if target == ANYWHERE:
        return spectrum if solvent is None else _found_anywhere(spectrum, solvent)
    candidates = []
    if target in ("auto", "solvent") and solvent is not None:
        candidates += [
            (line, window, f"the signal of {solvent.name}")
            for line in solvent.lines(nucleus)
            if line.lines
        ]
    if target in ("auto", "TMS"):
        width = _TMS_WINDOW_PPM[nucleus] if window_ppm is None else window_ppm
        candidates.append((SolventLine(0.0, 1), width, "TMS (DSS, TSP)"))
    for line, width, name in candidates:
        found = _find_line(spectrum, line, width)
        if found is not None:
            return _referenced(spectrum, line.shift - found, f"{name} at {line.shift:g} ppm")
    return spectrum


def _found_anywhere(spectrum: Spectrum, solvent: Solvent) -> Spectrum:
    """The spectrum referenced to the solvent's one multiplet, wherever it stands; else as it is."""
    nucleus = spectrum.technique.nucleus or ""
    low, high = _PLAUSIBLE_PPM[nucleus]
    up = spectrum.ascending
    tall = up.x[up.y > 0.1 * np.nanmax(up.y)] if np.isfinite(up.y).any() else up.x[:0]
    for line in solvent.lines(nucleus):
        place = _only_place(up, line) if line.lines >= 3 else None
        if place is None:
            continue
        shift = line.shift - place
        if len(tall) and low <= tall[0] + shift and tall[-1] + shift <= high:
            to = f"the signal of {solvent.name} at {line.shift:g} ppm"
            return _referenced(spectrum, shift, to)
    return spectrum


def _only_place(up: Spectrum, line: SolventLine) -> float | None:
    """Where (ppm) a rising spectrum has the shape of a multiplet; None for nowhere or twice."""
    from scipy.signal import fftconvolve, find_peaks

    mhz = float(up.metadata.get("frequency_mhz") or 0.0)
    if mhz <= 0 or len(up) < 64:
        return None
    step = float(np.median(np.diff(up.x))) * mhz
    carbon = up.technique.nucleus == "13C"
    half = (line.lines - 1) / 2 * line.spacing_hz
    size = 2 * max(4, round((half + (20.0 if carbon else 8.0)) / step)) + 1
    if line.spacing_hz < 2 * step or len(up) < 4 * size:
        return None
    y = np.nan_to_num(up.y)
    ones = np.ones(size)
    total, squares = (fftconvolve(values, ones, mode="valid") for values in (y, y * y))
    norms = np.sqrt(np.maximum(squares - total**2 / size, 0.0))
    best = np.full(len(total), -1.0)
    for width_hz in (1.5, 3.0, 6.0, 12.0) if carbon else (0.6, 1.2, 2.5, 5.0):
        pattern = _multiplet(line, step, size, width_hz)
        pattern -= pattern.mean()
        product = fftconvolve(y, pattern[::-1], mode="valid")
        with np.errstate(divide="ignore", invalid="ignore"):
            likeness = product / (norms * np.sqrt((pattern**2).sum()))
        # Where a piece is as flat as rounding errors, its likeness means nothing.
        flat = norms < 10 * noise_level(y) + 1e-9 * norms.max()
        best = np.maximum(best, np.where(np.isfinite(likeness) & ~flat, likeness, -1.0))
    places = find_peaks(best, height=_MATCH, distance=size)[0]
    places = places[np.argsort(best[places])[::-1]]
    if len(places) == 0 or (len(places) > 1 and best[places[1]] > best[places[0]] - _UNIQUE):
        return None
    top, offset = int(places[0]), 0.0
    a, b, c = best[top - 1 : top + 2]
    if a + c - 2 * b < 0:
        offset = float(np.clip((a - c) / (2 * (a + c - 2 * b)), -0.5, 0.5))
    return float(up.x[top + size // 2]) + offset * step / mhz


def _referenced(spectrum: Spectrum, shift: float, to: str) -> Spectrum:
    metadata = {**spectrum.metadata, "reference": to}
    if abs(shift) < 5e-5:
        return replace(spectrum, metadata=metadata)
    return replace(spectrum, x=spectrum.x + shift, metadata=metadata).with_warnings(
        f"The axis was shifted by {shift:+.4f} ppm, to put {to}."
    )


def _find_line(spectrum: Spectrum, line: SolventLine, window: float) -> float | None:
    """Where (ppm) the multiplet of ``line`` stands within ``window`` of its place, or None."""
    mhz = float(spectrum.metadata.get("frequency_mhz") or 0.0)
    if mhz <= 0 or len(spectrum) < 64:
        return None
    up = spectrum.ascending
    step = float(np.median(np.diff(up.x))) * mhz
    carbon = spectrum.technique.nucleus == "13C"
    half = (line.lines - 1) / 2 * line.spacing_hz
    margin = half + (20.0 if carbon else 8.0)
    reach = window + margin / mhz
    first, last = np.searchsorted(up.x, (line.shift - reach, line.shift + reach))
    piece = up.y[first:last]
    size = 2 * max(4, round(margin / step)) + 1
    # A window that the spectrum does not cover, or hardly more than a template, says nothing.
    if first == 0 or last == len(up) or len(piece) < size + 4 or size > 4096:
        return None
    noise = noise_level(up.y)
    windows = np.lib.stride_tricks.sliding_window_view(piece, size)
    if windows.size > 1 << 24:
        return None
    centred = windows - windows.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1))
    middle = windows.max(axis=1) - np.median(windows, axis=1)
    best: tuple[float, np.ndarray, int] | None = None
    for width_hz in (1.5, 3.0, 6.0, 12.0) if carbon else (0.6, 1.2, 2.5, 5.0):
        pattern = _multiplet(line, step, size, width_hz)
        pattern -= pattern.mean()
        with np.errstate(divide="ignore", invalid="ignore"):
            likeness = centred @ pattern / (norms * np.sqrt((pattern**2).sum()))
        likeness = np.where(np.isfinite(likeness) & (middle > 10 * noise), likeness, -1.0)
        top = int(np.argmax(likeness))
        if best is None or likeness[top] > best[0]:
            best = (float(likeness[top]), likeness, top)
    if best is None or best[0] < _MATCH:
        return None
    _, likeness, top = best
    offset = 0.0
    if 0 < top < len(likeness) - 1:
        a, b, c = likeness[top - 1 : top + 2]
        if a + c - 2 * b < 0:
            offset = float(np.clip((a - c) / (2 * (a + c - 2 * b)), -0.5, 0.5))
    place = float(up.x[first + top + size // 2]) + offset * step / mhz
    return place if abs(place - line.shift) <= window else None


def _multiplet(line: SolventLine, step_hz: float, size: int, width_hz: float) -> np.ndarray:
    """Lorentzian multiplet of coupling to deuterium (spin 1), centred, shape ``(size,)``.

    n = (lines - 1) / 2 deuterons give the trinomial heights: 1:1:1, 1:2:3:2:1, 1:3:6:7:6:3:1.
    """
    heights = np.ones(1)
    for _ in range((line.lines - 1) // 2):
        heights = np.convolve(heights, np.ones(3))
    axis = (np.arange(size) - size // 2) * step_hz
    places = (np.arange(len(heights)) - (len(heights) - 1) / 2) * line.spacing_hz
    half = width_hz / 2
    return (heights[:, None] * half**2 / ((axis - places[:, None]) ** 2 + half**2)).sum(axis=0)
