"""Computed vibrations rendered as an infrared spectrometer would have measured them.

GFN2-xTB's errors are systematic by the bond that stretches, so each vibration is moved by the
factor of its bond to where the vapour shows it, and its intensity corrected likewise; what is left
of the error is drawn at random for every rendering. Condensed phases displace the stretches of C=O
and displace and broaden those of O-H and N-H; a gas shows the rotational envelope of its band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.chemistry.line_shapes import binned_lines

PHASES = ("gas", "solution", "liquid", "solid")


@dataclass(frozen=True)
class StretchCorrection:
    """How the computed stretch of one kind of bond becomes the measured one.

    ``smarts``: two atoms, hydrogens explicit; ``factor`` and its ``spread`` multiply the
    wavenumber, ``gain`` the intensity with the log-normal ``gain_spread``. ``bonded`` (1/cm) and
    ``bonded_width`` are the displacement by and the width in hydrogen bonds, ``bonded_gain`` the
    intensity they add.
    """

    name: str
    smarts: str
    factor: float
    spread: float
    gain: float = 1.0
    gain_spread: float = 0.5
    bonded: float = 0.0
    bonded_width: float = 0.0
    bonded_gain: float = 1.0


# Order matters: the first pattern that fits a bond wins. Factors are usual vapour-phase positions
# of the group, rounded and not taken from one table, over the median of what GFN2-xTB computes for
# the same bond; ``bonded`` of a C=O is the step from vapour to the condensed phase.
STRETCHES = (
    StretchCorrection(
        "aliphatic nitrile", "[CX2;$(*[CX4])]#[NX1]", 0.9375, 0.004, 0.03, 0.9, -8, 4
    ),
    StretchCorrection("nitrile", "[CX2]#[NX1]", 0.943, 0.004, 0.10, 0.8, -8, 4),
    StretchCorrection("isocyanide and diazo", "[*]#[*;!#6]", 0.94, 0.01, 0.5, 0.8),
    StretchCorrection("cumulated carbon", "[CX2]=[O,S,N,C]", 0.955, 0.015, 1.0, 0.5),
    StretchCorrection("alkyne", "[CX2]#[CX2]", 0.945, 0.008, 0.7, 0.9),
    StretchCorrection("alkynyl C-H", "[CX2]-[#1]", 0.980, 0.003, 4.0, 0.4, -25, 40, 1.3),
    StretchCorrection("acid O-H", "[OX2](C=[O,S])-[#1]", 1.0385, 0.004, 2.5, 0.5, -550, 600, 8.0),
    StretchCorrection("phenol O-H", "[OX2](c)-[#1]", 1.0395, 0.004, 2.5, 0.5, -310, 300, 5.0),
    StretchCorrection("O-H", "[OX2]-[#1]", 1.0365, 0.004, 3.0, 0.5, -320, 300, 6.0),
    StretchCorrection("amide N-H", "[NX3](C=O)-[#1]", 1.006, 0.006, 3.0, 0.5, -180, 110, 4.0),
    StretchCorrection("pyrrole N-H", "[nX3]-[#1]", 1.020, 0.004, 3.5, 0.4, -160, 180, 3.0),
    StretchCorrection("arylamine N-H", "[NX3](c)-[#1]", 0.994, 0.005, 3.0, 0.5, -60, 60, 2.5),
    StretchCorrection("alkylamine N-H", "[NX3]([CX4])-[#1]", 0.995, 0.006, 0.6, 0.8, -60, 90, 4.0),
    StretchCorrection("N-H", "[#7]-[#1]", 0.995, 0.008, 2.5, 0.6, -80, 90, 2.5),
    StretchCorrection("S-H", "[#16]-[#1]", 1.064, 0.005, 0.04, 0.8, -20, 25, 2.0),
    StretchCorrection("aldehyde C-H", "[CX3](=O)-[#1]", 0.985, 0.009, 1.0, 0.5),
    StretchCorrection("sp3 C-H", "[CX4]-[#1]", 0.9775, 0.005, 1.0, 0.4),
    StretchCorrection("aryl C-H", "c-[#1]", 0.988, 0.004, 0.35, 0.4),
    StretchCorrection("sp2 C-H", "[#6]-[#1]", 0.988, 0.005, 0.5, 0.6),
    StretchCorrection(
        "aryl acid C=O", "[CX3;$(*c)]([OX2][#1])=[OX1]", 1.003, 0.006, 1, 0.3, -70, 20
    ),
    StretchCorrection("acid C=O", "[CX3]([OX2][#1])=[OX1]", 0.994, 0.005, 1.0, 0.3, -72, 20),
    StretchCorrection("carbonate", "[CX3]([OX2])([OX2])=[OX1]", 0.963, 0.010, 1.0, 0.3, -20, 8),
    StretchCorrection("urethane", "[CX3]([OX2])([#7])=[OX1]", 0.970, 0.008, 1.0, 0.3, -45, 15),
    StretchCorrection("urea", "[CX3]([#7])([#7])=[OX1]", 0.978, 0.010, 1.0, 0.3, -60, 20),
    StretchCorrection("lactam", "[CX3;R]([#7;R])=[OX1]", 0.972, 0.010, 1.0, 0.3, -50, 20),
    StretchCorrection("amide C=O", "[CX3]([#7])=[OX1]", 0.983, 0.007, 1.0, 0.3, -60, 20),
    StretchCorrection(
        "aryl ester C=O", "[CX3;!R;$(*c)]([OX2])=[OX1]", 1.005, 0.006, 1.0, 0.3, -22, 8
    ),
    StretchCorrection(
        "enoate C=O", "[CX3;!R;$(*C=C)]([OX2])=[OX1]", 1.004, 0.006, 1.0, 0.3, -24, 8
    ),
    StretchCorrection("formate C=O", "[CX3;H1]([OX2])=[OX1]", 0.983, 0.006, 1.0, 0.3, -26, 8),
    StretchCorrection("ester C=O", "[CX3]([OX2])=[OX1]", 0.994, 0.006, 1.0, 0.3, -22, 8),
    StretchCorrection("acyl halide", "[CX3]([F,Cl,Br])=[OX1]", 0.991, 0.006, 1.0, 0.3, -16, 8),
    StretchCorrection("aryl aldehyde", "[CX3;H1;$(*c)]=[OX1]", 0.991, 0.006, 1.0, 0.3, -22, 8),
    StretchCorrection("enone", "[CX3;$(*c),$(*C=C)]=[OX1]", 0.988, 0.008, 1.0, 0.3, -22, 8),
    StretchCorrection("aldehyde C=O", "[CX3;H1]=[OX1]", 0.9745, 0.006, 1.0, 0.3, -18, 8),
    StretchCorrection("cyclopentanone", "[CX3;r4,r5]=[OX1]", 0.960, 0.010, 1.0, 0.3, -20, 8),
    StretchCorrection("C=O", "[#6]=[OX1]", 0.9765, 0.006, 1.0, 0.3, -21, 8),
    StretchCorrection("acid C-O", "[CX3](=O)-[OX2;H1]", 1.018, 0.012, 1.0, 0.4, 60, 30),
    StretchCorrection("ester C-O", "[CX3](=O)-[OX2]", 1.030, 0.012, 1.0, 0.35),
    StretchCorrection("nitro", "[NX3](=O)-[OX1]", 0.932, 0.007, 1.0, 0.4, -15, 6),
    StretchCorrection("nitro", "[NX3]([OX1])=[OX1]", 0.932, 0.007, 1.0, 0.4, -15, 6),
    StretchCorrection("aryl C-F", "c-F", 1.010, 0.008, 1.2, 0.4),
    StretchCorrection("C-F", "[#6]-F", 1.035, 0.015, 1.2, 0.4),
    StretchCorrection("sulfoxide", "[SX3]=[OX1]", 0.965, 0.012, 1.0, 0.4, -40, 15),
    StretchCorrection("sulfone", "[#16]=[OX1]", 1.045, 0.012, 1.0, 0.4, -15, 8),
    StretchCorrection("C-Cl", "[#6]-Cl", 1.04, 0.030, 1.5, 0.5),
    StretchCorrection("C-Br and C-I", "[#6]-[Br,I]", 1.02, 0.025, 1.5, 0.5),
)


@dataclass(frozen=True)
class Inversion:
    """The wagging of an amine, far from its harmonic wavenumber and very broad.

    It is recognised in molecules that hold ``smarts`` by where the computation puts it and by its
    ``intensity`` (km/mol, at least); ``factor`` and ``spread`` multiply its wavenumber.
    """

    smarts: str
    between: tuple[float, float]
    intensity: float
    factor: float
    spread: float


INVERSIONS = (
    Inversion("[CX4][NX3;!H0;!$(N[C,S]=[O,S,N])]", (770.0, 970.0), 60.0, 0.87, 0.03),
    Inversion("c[NX3;H2]", (400.0, 720.0), 110.0, 1.14, 0.08),
)
# GFN2-xTB makes the C-H stretches of an arene some three times too strong, their out-of-plane
# bending less than half as strong as it is, and leaves next to nothing of its ring vibrations:
# benzene's at 3047, 673, 1484 and 1038 1/cm have about 80, 80, 14 and 9 km/mol and are given 238,
# 33, 0 and 0. Bounds and mean of what is added (1/cm, km/mol), and the gain of the bending.
_RING_VIBRATIONS = ((1440.0, 1640.0, 6.0), (980.0, 1100.0, 3.0))
_ARYL_BENDING = (640.0, 900.0, 2.3)
_SKELETON = StretchCorrection("skeleton", "[*]~[*]", 0.990, 0.008, 1.0, 0.55)


@cache
def _patterns() -> tuple:
    from rdkit import Chem

    return tuple(Chem.MolFromSmarts(correction.smarts) for correction in STRETCHES)


@cache
def _inverting() -> tuple:
    from rdkit import Chem

    return tuple(Chem.MolFromSmarts(inversion.smarts) for inversion in INVERSIONS)


@dataclass(frozen=True, eq=False)
class Vibrations:
    """A molecule's computed vibrations, each with the corrections of the bonds that it stretches.

    ``wavenumbers`` (1/cm) and ``intensities`` (km/mol) ``(n,)``; ``kinds`` ``(n,)`` the index into
    ``STRETCHES`` of the leading bond, -1 for skeleton; ``shares`` ``(n,)`` how much of the
    vibration that stretch is; ``rotation`` the mean rotational constant (1/cm); ``inversions``
    ``(n,)`` the index into ``INVERSIONS``, -1 for all other vibrations; ``aromatic`` says whether
    the molecule has an aromatic C-H.
    """

    wavenumbers: np.ndarray
    intensities: np.ndarray
    kinds: np.ndarray
    shares: np.ndarray
    rotation: float
    inversions: np.ndarray
    aromatic: bool = False


def vibrations_of(record: Mapping) -> Vibrations:
    """The vibrations of one ``ir_xtb`` record (fields smiles, elements, xyz, freq, ir, stretch)."""
    from rdkit import Chem

    molecule = Chem.AddHs(Chem.MolFromSmiles(record["smiles"]))
    kind_of_bond: dict[frozenset, int] = {}
    for index, pattern in enumerate(_patterns()):
        for match in molecule.GetSubstructMatches(pattern, maxMatches=4000):
            ends = _bond_of_match(molecule, match)
            if ends is not None:
                kind_of_bond.setdefault(ends, index)
    wavenumbers = np.array(record["freq"], dtype=float)
    kinds = np.full(len(wavenumbers), -1)
    shares = np.zeros(len(wavenumbers))
    for vibration, first, second, share in record["stretch"]:
        kind = kind_of_bond.get(frozenset((first, second)), -1)
        if kind >= 0 and kind == kinds[vibration]:
            shares[vibration] = min(1.0, shares[vibration] + share)
        elif kind >= 0 and share > shares[vibration]:
            kinds[vibration], shares[vibration] = kind, share
    intensities = np.array(record["ir"], dtype=float)
    stretched = {vibration for vibration, *_ in record["stretch"]}
    inversions = np.full(len(wavenumbers), -1)
    for index, (pattern, inversion) in enumerate(zip(_inverting(), INVERSIONS, strict=True)):
        if molecule.HasSubstructMatch(pattern):
            low, high = inversion.between
            fits = (wavenumbers > low) & (wavenumbers < high) & (intensities > inversion.intensity)
            fits[list(stretched)] = False
            inversions[fits] = index
    rotation = _rotation(molecule, record)
    aromatic = any(
        atom.GetIsAromatic() and atom.GetAtomicNum() == 6 and atom.GetTotalNumHs(True)
        for atom in molecule.GetAtoms()
    )
    return Vibrations(wavenumbers, intensities, kinds, shares, rotation, inversions, aromatic)


def _bond_of_match(molecule, match: Sequence[int]) -> frozenset | None:
    """The bond that a stretch pattern means: from its first atom to its last."""
    ends = (match[0], match[-1])
    if molecule.GetBondBetweenAtoms(*ends) is None:
        return None
    return frozenset(ends)


def _rotation(molecule, record: Mapping) -> float:
    """The mean rotational constant in 1/cm: 16.8576 / I, I in atomic mass units times square Å."""
    masses = np.array([atom.GetMass() for atom in molecule.GetAtoms()])
    places = np.array(record["xyz"], dtype=float)
    if len(places) != len(masses):
        return 0.05
    places = places - (masses[:, None] * places).sum(0) / masses.sum()
    inertia = (masses[:, None] * places**2).sum() * 2 / 3
    return 16.8576 / max(inertia, 1.0)


def render_infrared(
    vibrations: Vibrations,
    edges: np.ndarray,
    rng: np.random.Generator,
    *,
    phase: str | None = None,
    correct: bool = True,
    doubt: float = 1.0,
) -> np.ndarray:
    """The absorbance of a molecule, averaged over the bins of ``edges`` ``(n + 1,)`` (1/cm).

    ``phase`` is one of ``PHASES``, drawn when None. ``correct=False`` leaves out the factors of
    the stretches (one global factor, for ablation); ``doubt`` multiplies the spread of what the
    corrections leave uncertain. Returns ``(n,)``, with a maximum drawn between
    0.2 and 1.6, or flattened where a film is thick.
    """
    if phase is None:
        phase = PHASES[rng.choice(4, p=[0.45, 0.2, 0.2, 0.15])]
    gas = phase == "gas"
    positions, areas = _placed(vibrations, rng, correct, doubt)
    count = len(positions)
    if gas:
        widths = rng.uniform(8, 28) * np.exp(rng.normal(0, 0.25, count))
        gaussian = np.full(count, rng.uniform(0, 0.6))
        if rng.uniform() < 0.3:
            _condense(vibrations, positions, areas, widths, gaussian, phase, rng)
    else:
        scale = {"solution": (8, 16), "liquid": (10, 20), "solid": (8, 18)}[phase]
        widths = rng.uniform(*scale) * np.exp(rng.normal(0, 0.35, count))
        gaussian = np.full(count, rng.uniform(0, 0.5))
        _condense(vibrations, positions, areas, widths, gaussian, phase, rng)
    wagging = vibrations.inversions >= 0
    widths[wagging] = rng.uniform(40, 110)
    positions, areas, widths, gaussian = _fermi_resonance(
        vibrations, positions, areas, widths, gaussian, gas, rng
    )
    if gas:
        positions, areas, widths, gaussian = _rotational_envelope(
            positions, areas, widths, gaussian, vibrations.rotation, rng
        )
    inside = (positions > edges[0] - 200) & (positions < edges[-1] + 200) & (areas > 0)
    spectrum = binned_lines(
        edges, positions[inside], areas[inside], widths[inside], gaussian[inside]
    )
    centres = (edges[1:] + edges[:-1]) / 2
    spectrum = spectrum + _overtones(positions, areas, edges, rng)
    spectrum = spectrum / max(spectrum.max(), 1e-9)
    return _measured(spectrum, centres, gas, rng)


def _placed(
    vibrations: Vibrations, rng: np.random.Generator, correct: bool, doubt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and areas after the corrections; one draw a kind of bond, and one a line."""
    count = len(vibrations.wavenumbers)
    corrections = [*STRETCHES, _SKELETON]
    systematic = np.array([rng.normal(c.factor, doubt * c.spread) for c in corrections])
    gains = np.array([c.gain * np.exp(rng.normal(0, doubt * c.gain_spread)) for c in corrections])
    skeleton = rng.normal(0.990, 0.004 * doubt) + rng.normal(0, doubt * _SKELETON.spread, count)
    shares = np.clip(vibrations.shares * 1.15, 0, 1)
    factors = np.where(
        vibrations.kinds >= 0,
        shares * systematic[vibrations.kinds] + (1 - shares) * skeleton,
        skeleton,
    )
    # Only the antisymmetric stretch of a nitro group is too high; the symmetric one is right.
    nitro = np.isin(vibrations.kinds, [i for i, c in enumerate(STRETCHES) if c.name == "nitro"])
    factors = np.where(nitro & (vibrations.wavenumbers < 1500), skeleton, factors)
    log_gain = np.where(vibrations.kinds >= 0, shares * np.log(gains[vibrations.kinds]), 0.0)
    areas = vibrations.intensities * np.exp(log_gain + rng.normal(0, 0.4 * doubt, count))
    for index, inversion in enumerate(INVERSIONS):
        factor = rng.normal(inversion.factor, doubt * inversion.spread)
        factors = np.where(vibrations.inversions == index, factor, factors)
    if vibrations.aromatic:
        areas = _aromatic(vibrations, areas, doubt, rng)
    if not correct:
        return vibrations.wavenumbers * 0.975, vibrations.intensities.copy()
    return vibrations.wavenumbers * factors + rng.normal(0, 2, count), areas


def _aromatic(vibrations: Vibrations, areas: np.ndarray, doubt: float, rng) -> np.ndarray:
    """Areas with an arene's bending strengthened and its ring vibrations put back."""
    free = (vibrations.kinds < 0) & (vibrations.inversions < 0)
    at = vibrations.wavenumbers
    low, high, gain = _ARYL_BENDING
    bending = free & (at > low) & (at < high)
    areas = np.where(bending, areas * gain * np.exp(rng.normal(0, 0.3 * doubt)), areas)
    for low, high, mean in _RING_VIBRATIONS:
        ring = free & (at > low) & (at < high)
        areas = areas + ring * rng.exponential(mean, len(areas))
    return areas


def _fermi_resonance(vibrations, positions, areas, widths, gaussian, gas, rng):
    """Saturated C-H stretches share their intensity with overtones of the bending below them, and
    are broader in condensed phases than other bands."""
    kind = [index for index, c in enumerate(STRETCHES) if c.name == "sp3 C-H"]
    stretches = np.isin(vibrations.kinds, kind)
    if not stretches.any():
        return positions, areas, widths, gaussian
    share = rng.uniform(0.1, 0.45)
    lent = areas[stretches] * share
    areas = np.where(stretches, areas * (1 - share), areas)
    widths = np.where(stretches, widths * (1.0 if gas else rng.uniform(1.2, 2.2)), widths)
    below = positions[stretches] - rng.uniform(30, 100, int(stretches.sum()))
    return (
        np.concatenate([positions, below]),
        np.concatenate([areas, lent]),
        np.concatenate([widths, widths[stretches]]),
        np.concatenate([gaussian, gaussian[stretches]]),
    )


def _condense(vibrations, positions, areas, widths, gaussian, phase, rng) -> None:
    """Displace and broaden the stretches that a condensed phase moves, in place.

    In solution hydrogen bonds may be missing in part. Of a gas only the carboxylic acids, which
    stay together in pairs, are treated so.
    """
    free_share = rng.uniform(0.3, 1.0) if phase == "solution" and rng.uniform() < 0.5 else 0.0
    bonds = rng.uniform(0.75, 1.2) * (1 - free_share)
    medium = rng.uniform(0.7, 1.15)
    for line, kind in enumerate(vibrations.kinds):
        if kind < 0 or STRETCHES[kind].bonded == 0 or vibrations.shares[line] < 0.3:
            continue
        correction = STRETCHES[kind]
        acid = "acid" in correction.name
        if phase == "gas" and not acid:
            continue
        hydrogen = correction.smarts.endswith("[#1]")
        strength = bonds if hydrogen or acid else medium
        positions[line] += correction.bonded * strength * rng.normal(1.0, 0.15)
        extra = correction.bonded_width * strength * rng.uniform(0.6, 1.3)
        widths[line] = np.hypot(widths[line], extra)
        areas[line] *= 1 + (correction.bonded_gain - 1) * strength
        if extra > 60:
            gaussian[line] = 0.9


def _rotational_envelope(positions, areas, widths, gaussian, rotation, rng):
    """Split each gas band in its P, Q and R branches, apart by 2.36 sqrt(B T) (1/cm)."""
    temperature = rng.uniform(298, 500)
    apart = 2.36 * np.sqrt(rotation * temperature)
    q_share = np.clip(rng.beta(1.2, 1.2, len(positions)), 0.05, 0.95)
    wing = (1 - q_share) / 2
    branch_width = np.full(len(positions), 0.75 * apart)
    return (
        np.concatenate([positions, positions - apart / 2, positions + apart / 2]),
        np.concatenate([areas * q_share, areas * wing, areas * wing]),
        np.concatenate([widths, np.hypot(widths, branch_width), np.hypot(widths, branch_width)]),
        np.concatenate([gaussian, np.full(2 * len(positions), 0.8)]),
    )


def _overtones(positions, areas, edges, rng) -> np.ndarray:
    """Weak overtone and combination bands, two to six of the strong fundamentals'."""
    strong = np.argsort(areas)[-8:]
    count = int(rng.integers(0, 6))
    if count == 0 or len(strong) < 2:
        return np.zeros(len(edges) - 1)
    first, second = rng.choice(strong, count), rng.choice(strong, count)
    places = (positions[first] + positions[second]) * rng.uniform(0.97, 1.0, count)
    strengths = np.minimum(areas[first], areas[second]) * rng.uniform(0.005, 0.05, count)
    return binned_lines(edges, places, strengths, rng.uniform(15, 50, count), 0.5)


def _measured(spectrum, centres, gas, rng) -> np.ndarray:
    """Instrument effects: path length, baseline, saturation, percent-T rounding, noise."""
    peak = np.exp(rng.uniform(np.log(0.2), np.log(1.6)))
    # A film between plates is often too thick for its strongest bands.
    thick = not gas and rng.uniform() < 0.35
    if thick:
        peak = rng.uniform(1.6, 6.0)
    spectrum = spectrum * peak
    axis = (centres - centres[0]) / (centres[-1] - centres[0])
    if rng.uniform() < 0.7:
        offset = rng.uniform(0, 0.03 if gas else 0.15) * peak
        slope = rng.uniform(-1, 1) * (0.03 if gas else 0.08) * peak
        wave = rng.uniform(0, 0.03) * peak
        turns = rng.uniform(0.5, 2)
        spectrum = (
            spectrum
            + offset
            + slope * (axis - 0.5)
            + wave * np.sin(2 * np.pi * (turns * axis + rng.uniform()))
        )
    if thick or rng.uniform() < 0.3:
        # Stray light and a finite dynamic range flatten strong bands.
        floor = rng.uniform(0.001, 0.05)
        spectrum = -np.log10(10 ** (-spectrum) * (1 - floor) + floor)
    if rng.uniform() < 0.3:
        percent = np.round(100 * 10 ** (-spectrum), int(rng.integers(0, 2)))
        spectrum = -np.log10(np.clip(percent, 0.1, None) / 100)
    noise = rng.uniform() ** 3 * 0.02 * min(peak, 1.6)
    spectrum = spectrum + rng.normal(0, max(noise, 1e-9), len(spectrum))
    if not gas and rng.uniform() < 0.25:
        # Moisture and a trace of carbon dioxide.
        lines = np.array([3400.0, 1635.0, 2349.0])
        width = np.array([350.0, 60.0, 30.0])
        height = np.array([0.04, 0.015, 0.02]) * rng.uniform(0, 1.5, 3) * peak
        spectrum = spectrum + (
            height * np.exp(-0.5 * ((centres[:, None] - lines) / (width / 2.355)) ** 2)
        ).sum(1)
    return spectrum
