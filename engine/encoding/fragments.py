"""Mass spectra as sets of fragments with exact masses, and what is known of how they were made.

A vector of 600 points cannot tell CO from C2H4, 0.036 u apart. Here each fragment keeps its m/z, so
that its mass defect and the mass that the ion lost say what it is made of. What a file does not
tell (the precursor, its adduct, the collision energy; the decimals of an instrument that has none)
is flagged as unknown and never stands as a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from engine.spectra import Spectrum

MAXIMUM_FRAGMENTS = 100
LARGEST_MZ = 2000.0
# Nominal masses: the mean defect of organic ions is about 0.5 u in 1000 u.
_NOMINAL = 1.0005
# Kinds of token: a fragment, the precursor ion, the neutral molecule.
FRAGMENT, PRECURSOR, MOLECULE = 0, 1, 2
# The adducts that networks know by name; 0 is unknown, the last is any other.
ADDUCTS = (
    "", "[M+H]+", "[M-H]-", "[M]+", "[M+Na]+", "[M+NH4]+", "[M+K]+", "[M+HCOO]-", "[M+CH3COO]-",
    "[M+Cl]-", "[M-H2O+H]+", "[M+2H]2+", "[M-2H]2-", "[M]-", "[2M+H]+", "[M-2H]-", "other",
)  # fmt: skip
OTHER = len(ADDUCTS) - 1
# Units of the collision energy; 0 is an energy of no said unit.
ENERGY_UNITS = ("", "eV", "V", "NCE")
# Normalised collision energy is per m/z 500 (Thermo, product support bulletin 104).
_NCE_MZ = 500.0
_ENERGY_SCALE = 50.0


@dataclass(frozen=True, eq=False)
class FragmentSets:
    """``n`` fragment spectra.

    ``mz`` float64 and ``intensity`` (base peak 1) are ``(n, k)``, in any order; an intensity of 0
    is no fragment. ``exact`` bool ``(n,)``: the masses have decimals that tell something.
    ``precursor`` ``(n,)`` m/z, NaN where unknown, ``precursor_exact`` likewise; ``adduct`` int
    ``(n,)`` indexes :data:`ADDUCTS`; ``energy`` ``(n,)``, NaN where unknown, and ``energy_unit``
    int ``(n,)`` of :data:`ENERGY_UNITS`; ``polarity`` int ``(n,)``: 1, -1, or 0 where unknown.
    """

    mz: np.ndarray
    intensity: np.ndarray
    exact: np.ndarray
    precursor: np.ndarray
    precursor_exact: np.ndarray
    adduct: np.ndarray
    energy: np.ndarray
    energy_unit: np.ndarray
    polarity: np.ndarray

    def __len__(self) -> int:
        return len(self.mz)

    @classmethod
    def of(cls, mz: np.ndarray, intensity: np.ndarray, **known: np.ndarray) -> FragmentSets:
        """Sets of exact masses; of the rest only what is given is known."""
        size = len(mz)
        precursor = known.pop("precursor", np.full(size, np.nan))
        values = {
            "exact": np.ones(size, bool),
            "precursor": precursor,
            "precursor_exact": np.isfinite(precursor),
            "adduct": np.zeros(size, int),
            "energy": np.full(size, np.nan),
            "energy_unit": np.zeros(size, int),
            "polarity": np.zeros(size, int),
        }
        return cls(mz, intensity, **{**values, **known})

    def __getitem__(self, rows) -> FragmentSets:
        """Some of the spectra, in any way that numpy takes rows."""
        return FragmentSets(**{name: getattr(self, name)[rows] for name in self.__annotations__})

    def replace(self, **values: np.ndarray) -> FragmentSets:
        return replace(self, **values)

    @property
    def present(self) -> np.ndarray:
        """Which places hold a fragment, bool ``(n, k)``."""
        return self.intensity > 0

    @property
    def neutral_mass(self) -> np.ndarray:
        """The molecule's mass in u ``(n,)`` by precursor and adduct; NaN where one is unknown."""
        molecules, charge, change = _adduct_table()
        with np.errstate(invalid="ignore"):
            mass = (self.precursor * charge[self.adduct] - change[self.adduct]) / molecules[
                self.adduct
            ]
        return np.where(mass > 0, mass, np.nan)

    @property
    def energy_ev(self) -> np.ndarray:
        """The collision energy in eV ``(n,)``; NaN where it or its unit is unknown.

        A voltage accelerates an ion of charge 1, 2... by so many times its number; NCE is per m/z
        500 and unknown without a precursor.
        """
        _, charge, _ = _adduct_table()
        charge = np.nan_to_num(charge[self.adduct], nan=1.0)
        factor = np.array([np.nan, 1.0, 1.0, 1.0])[self.energy_unit]
        factor = np.where(self.energy_unit == ENERGY_UNITS.index("V"), charge, factor)
        normalised = self.energy_unit == ENERGY_UNITS.index("NCE")
        return self.energy * np.where(normalised, self.precursor / _NCE_MZ, factor)

    def tensors(self, device: str = "cpu") -> dict[str, Tensor]:
        """What :class:`engine.networks.fragment_set_network.FragmentSetNetwork` takes.

        ``B`` spectra of up to ``N`` tokens: the fragments, then the precursor, then the molecule.
        ``kind``, ``nominal``, ``loss_nominal`` int64, ``mz``, ``defect``, ``loss``,
        ``loss_defect``, ``intensity`` float32 and ``present``, ``exact``, ``loss_known``,
        ``loss_exact`` bool are ``(B, N)``; the side inputs ``adduct``, ``polarity`` (0 unknown, 1
        positive, 2 negative) int64, ``energy`` ``(B, 4)`` and ``precursor_known`` bool.
        """
        import torch

        arrays = self._tokens()
        arrays.update(self._side_inputs())
        return {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}

    def _tokens(self) -> dict[str, np.ndarray]:
        used = self.present.any(0)
        width = int(np.flatnonzero(used)[-1]) + 1 if used.any() else 1
        size = len(self)
        neutral = self.neutral_mass
        extra = np.stack([self.precursor, neutral], axis=1)
        mz = np.concatenate([self.mz[:, :width], np.nan_to_num(extra)], axis=1)
        present = np.concatenate([self.present[:, :width], np.isfinite(extra)], axis=1)
        intensity = np.concatenate([self.intensity[:, :width], np.zeros((size, 2))], axis=1)
        columns = [self.exact] * width + [self.precursor_exact] * 2
        exact = np.stack(columns, axis=1)
        kind = np.zeros(mz.shape, np.int64)
        kind[:, -2], kind[:, -1] = PRECURSOR, MOLECULE
        loss = self.precursor[:, None] - mz
        # Fragments of ions of several charges lie above the precursor: no loss, but known so.
        known = np.isfinite(loss) & present & (kind == FRAGMENT) & (loss > -1.0)
        loss = np.where(known, loss, 0.0)
        both = known & exact & self.precursor_exact[:, None]
        mz = np.where(present, mz, 0.0)
        return {
            "kind": kind,
            "present": present,
            "mz": mz.astype(np.float32),
            "nominal": _nominal(mz),
            "defect": _fraction(mz),
            "exact": exact & present,
            "loss": loss.astype(np.float32),
            "loss_nominal": _nominal(loss),
            "loss_defect": _fraction(loss),
            "loss_known": known,
            "loss_exact": both,
            "intensity": intensity.astype(np.float32),
        }

    def _side_inputs(self) -> dict[str, np.ndarray]:
        volts = self.energy_ev
        bare = np.where(self.energy_unit == 0, self.energy, np.nan)
        energy = [
            part
            for value in (volts, bare)
            for part in (np.isfinite(value), np.nan_to_num(value) / _ENERGY_SCALE)
        ]
        return {
            "adduct": self.adduct.astype(np.int64),
            "polarity": np.where(self.polarity < 0, 2, self.polarity).astype(np.int64),
            "energy": np.clip(np.stack(energy, axis=1), 0, 4).astype(np.float32),
            "precursor_known": np.isfinite(self.precursor),
        }


def _nominal(mz: np.ndarray) -> np.ndarray:
    """The whole number of nucleons that a mass has, by its mean defect."""
    return np.rint(mz / _NOMINAL).astype(np.int64)


def _fraction(mz: np.ndarray) -> np.ndarray:
    """What follows the decimal point, in double precision before it is rounded to single."""
    return (mz - np.floor(mz)).astype(np.float32)


@cache
def _adduct_table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Molecules, charges and mass changes (u) of :data:`ADDUCTS`; NaN for those not named."""
    from engine.chemistry.adducts import parse_adduct

    rows = np.full((3, len(ADDUCTS)), np.nan)
    for place, name in enumerate(ADDUCTS[1:OTHER], 1):
        ion = parse_adduct(name)
        rows[:, place] = ion.molecules, abs(ion.charge), -ion.neutral_mass(0.0) * ion.molecules
    return rows[0], rows[1], rows[2]


@cache
def adduct_index(name: str | None, polarity: str | None = None) -> int:
    """The place of an ion's name in :data:`ADDUCTS`, however it is written: ``M+FA-H`` is
    ``[M+HCOO]-``; 0 for none, the last for one that is read but not listed."""
    from engine.chemistry.adducts import parse_adduct

    if not name:
        return 0
    try:
        ion = parse_adduct(name, polarity)
        wanted = ion.molecules, ion.charge, round(ion.neutral_mass(0.0), 3)
    except ValueError:
        return OTHER
    for place, known in enumerate(ADDUCTS[1:OTHER], 1):
        one = parse_adduct(known)
        if wanted == (one.molecules, one.charge, round(one.neutral_mass(0.0), 3)):
            return place
    return OTHER


def energy_unit_index(unit: str | None) -> int:
    """The place of a unit of collision energy in :data:`ENERGY_UNITS`; 0 where none is said."""
    text = str(unit or "").lower()
    if "nce" in text or "%" in text or "normali" in text:
        return ENERGY_UNITS.index("NCE")
    if "ev" in text:
        return ENERGY_UNITS.index("eV")
    return ENERGY_UNITS.index("V") if text in ("v", "volt", "volts") else 0


def masses_are_exact(mz: np.ndarray) -> bool:
    """Whether masses have decimals that tell something.

    Instruments of unit resolution are filed with one decimal at most; a spectrum whose masses all
    lie on tenths comes from one.
    """
    mz = np.asarray(mz, dtype=float)
    return bool(len(mz)) and bool(np.abs(mz * 10 - np.rint(mz * 10)).max() > 0.02)


def fragment_sets(rows: Sequence[Mapping[str, Any]]) -> FragmentSets:
    """Spectra given as mappings, as the tables and :func:`fragment_row` have them.

    Keys ``mz`` and ``intensity`` ``(k,)``; ``precursor_mz``, ``adduct``, ``polarity``,
    ``collision_energy`` and ``collision_energy_unit`` may be missing, None or NaN. The
    :data:`MAXIMUM_FRAGMENTS` strongest fragments are kept; m/z above 2000 and heights that are not
    positive are left out.
    """
    size = len(rows)
    mz, intensity = np.zeros((size, MAXIMUM_FRAGMENTS)), np.zeros((size, MAXIMUM_FRAGMENTS))
    exact, precursor_exact = np.zeros(size, bool), np.zeros(size, bool)
    precursor, energy = np.full(size, np.nan), np.full(size, np.nan)
    adduct, unit, polarity = (np.zeros(size, int) for _ in range(3))
    for index, row in enumerate(rows):
        x, y = np.asarray(row["mz"], dtype=float), np.asarray(row["intensity"], dtype=float)
        good = np.isfinite(x) & np.isfinite(y) & (y > 0) & (x > 0) & (x < LARGEST_MZ)
        x, y = x[good], y[good]
        order = np.sort(np.argsort(-y, kind="stable")[:MAXIMUM_FRAGMENTS])
        order = order[np.argsort(x[order], kind="stable")]
        x, y = x[order], y[order]
        if len(x):
            mz[index, : len(x)], intensity[index, : len(x)] = x, y / y.max()
        exact[index] = masses_are_exact(x)
        sign = _text(row.get("polarity")) or ""
        polarity[index] = {"p": 1, "n": -1}.get(sign[:1].lower(), 0)
        place = _number(row.get("precursor_mz"))
        if place is not None and 0 < place < 2 * LARGEST_MZ:
            precursor[index], precursor_exact[index] = place, masses_are_exact([place])
        adduct[index] = adduct_index(_text(row.get("adduct")), sign.lower() or None)
        value = _number(row.get("collision_energy"))
        if value is not None and value > 0:
            energy[index] = value
            unit[index] = energy_unit_index(_text(row.get("collision_energy_unit")))
    return FragmentSets(
        mz, intensity, exact, precursor, precursor_exact, adduct, energy, unit, polarity
    )


def assumed_precursors(sets: FragmentSets) -> FragmentSets:
    """Spectra of electron ionisation, with their heaviest ion in the place of the precursor.

    Losses are then counted from it. It is the molecular ion where that is seen: the tallest of
    the heaviest cluster above 1 % of the base peak. Its ion is not named, since it may be a
    fragment, so that no mass of the molecule is claimed.
    """
    tall = sets.intensity >= 0.01
    heaviest = np.where(tall, sets.mz, 0.0).max(1, initial=0.0)
    cluster = tall & (sets.mz > heaviest[:, None] - 4.5)
    top = np.where(cluster, sets.intensity, 0.0).argmax(1)
    assumed = np.take_along_axis(sets.mz, top[:, None], axis=1)[:, 0]
    known = heaviest > 0
    return sets.replace(
        precursor=np.where(known, assumed, np.nan),
        precursor_exact=sets.exact & known,
        adduct=np.zeros(len(sets), int),
    )


def fragment_row(spectrum: Spectrum) -> dict[str, Any]:
    """A mass spectrum as :func:`fragment_sets` takes it; a profile is centroided first.

    Raises ``ValueError`` when the axis is not m/z.
    """
    from engine.processing.mass import centroid

    if spectrum.kind == "continuous":
        spectrum = centroid(spectrum)
    if spectrum.x_unit != "m/z":
        raise ValueError(f"fragments need an m/z axis, got {spectrum.x_unit!r}")
    spectrum = spectrum.ascending
    names = (
        "precursor_mz", "adduct", "polarity", "collision_energy", "collision_energy_unit"
    )  # fmt: skip
    return {"mz": spectrum.x, "intensity": spectrum.y} | {
        name: spectrum.metadata.get(name) for name in names
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
