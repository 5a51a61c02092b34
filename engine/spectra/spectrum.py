"""A spectrum as it was read: immutable arrays, their units, and what the file says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.spectra.technique import Technique

KINDS = ("continuous", "sticks", "fid")
X_UNITS = ("1/cm", "nm", "ppm", "m/z", "s")


@dataclass(frozen=True)
class Source:
    """Where a spectrum came from: the path as given, and the block, scan or record in it."""

    path: str = ""
    block: str = ""

    def __str__(self) -> str:
        return f"{self.path}#{self.block}" if self.block else self.path


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One spectrum.

    ``x`` and ``y`` are float64 of shape ``(n,)``; ``x`` is strictly monotonic (either direction).
    ``y_imaginary`` has the same shape where the data are complex (a FID, a phase-sensitive
    spectrum), else None. ``x_unit`` is one of ``1/cm``, ``nm``, ``ppm``, ``m/z``, ``s``;
    ``y_unit`` ``absorbance``, ``transmittance`` (a fraction), ``intensity``, ...; ``kind`` one of
    ``continuous``, ``sticks``, ``fid``.

    ``metadata`` holds what the file says, each value in the unit its key names:
    ``frequency_mhz`` (of the observed nucleus), ``solvent``, ``temperature_k``, ``instrument``,
    ``polarity`` (``positive``/``negative``), ``precursor_mz``, ``adduct``, ``collision_energy``
    with ``collision_energy_unit``, ``ionization`` (``EI``, ``ESI``...), ``phase`` (of matter:
    ``gas``, ``liquid``, ``solution``, ``solid``), ``smiles``, ``formula``, ``name``,
    ``peaks`` (a paper's or a file's peak list: dicts with ``position``, ``multiplicity``,
    ``j_hz``, ``n_h``). ``warnings`` are sentences about what was doubtful and how it was taken.

    Raises ``ValueError`` when the arrays contradict this.
    """

    technique: Technique
    x: np.ndarray
    y: np.ndarray
    x_unit: str
    y_unit: str = "intensity"
    kind: str = "continuous"
    title: str = ""
    source: Source = Source()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    y_imaginary: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "technique", Technique(self.technique))
        for name in ("x", "y", "y_imaginary"):
            values = getattr(self, name)
            if values is None:
                continue
            array = np.array(values, dtype=np.float64)
            if array.ndim != 1:
                raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if len(self.x) == 0:
            raise ValueError("a spectrum needs at least one point")
        if len(self.x) != len(self.y):
            raise ValueError(f"x has {len(self.x)} points but y has {len(self.y)}")
        if self.y_imaginary is not None and len(self.y_imaginary) != len(self.y):
            raise ValueError(
                f"y has {len(self.y)} points but its imaginary part {len(self.y_imaginary)}"
            )
        if not np.isfinite(self.x).all():
            raise ValueError("x holds values that are not finite")
        if len(self.x) > 1:
            steps = np.diff(self.x)
            if not ((steps > 0).all() or (steps < 0).all()):
                raise ValueError("x must rise or fall strictly")
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")
        if self.x_unit not in X_UNITS:
            raise ValueError(f"x_unit {self.x_unit!r} is not one of {', '.join(X_UNITS)}")
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        object.__setattr__(self, "warnings", tuple(self.warnings))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def ascending(self) -> Spectrum:
        """The same spectrum with ``x`` rising."""
        if len(self.x) < 2 or self.x[1] > self.x[0]:
            return self
        imaginary = None if self.y_imaginary is None else self.y_imaginary[::-1]
        return replace(self, x=self.x[::-1], y=self.y[::-1], y_imaginary=imaginary)

    def with_warnings(self, *sentences: str) -> Spectrum:
        """The same spectrum with these sentences added to its warnings."""
        return replace(self, warnings=(*self.warnings, *sentences))

    def __reduce__(self):
        return (
            type(self),
            (
                self.technique, self.x, self.y, self.x_unit, self.y_unit, self.kind, self.title,
                self.source, dict(self.metadata), self.warnings, self.y_imaginary,
            ),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sample:
    """The spectra of one compound, with its formula and structure where they are known.

    ``formula`` in Hill order, ``structure`` as SMILES or a molblock; both None when unknown.
    """

    spectra: tuple[Spectrum, ...] = ()
    formula: str | None = None
    structure: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        spectra = (self.spectra,) if isinstance(self.spectra, Spectrum) else tuple(self.spectra)
        object.__setattr__(self, "spectra", spectra)

    @property
    def techniques(self) -> tuple[Technique, ...]:
        """The techniques present, each once, in the order of the spectra."""
        return tuple(dict.fromkeys(s.technique for s in self.spectra))
