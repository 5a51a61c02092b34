"""A two-dimensional spectrum as it was read: a matrix over a direct and an indirect axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.spectra.spectrum import Source
from engine.spectra.technique import Technique

KINDS_2D = ("continuous", "fid")
QUADRATURES = ("QF", "TPPI", "States", "States-TPPI", "Echo-AntiEcho")
"""How the rows of raw data tell the sign of a frequency along y.

``QF``: not at all, each row a point of one complex signal (or of a modulated one). ``TPPI``: rows a
quarter of a turn apart. ``States``: a cosine and a sine row for each increment; ``States-TPPI``:
so, every other pair with its sign changed. ``Echo-AntiEcho``: an echo and an antiecho row for each.
"""


@dataclass(frozen=True, eq=False)
class Spectrum2D:
    """One two-dimensional spectrum, or the raw data of one.

    ``x`` ``(nx,)`` is the direct axis (F2), ``y`` ``(ny,)`` the indirect one (F1), both float64 and
    strictly monotonic; ``z`` has shape ``(ny, nx)``: float32 for ``continuous``, complex64 for
    ``fid``. ``technique`` is that of the nucleus along x, ``technique_y`` that along y, None where
    y is no shift (a delay, a gradient). Units are ``ppm``, ``s`` for raw data, or what the file
    says. ``z`` is not copied when it has its type already, so the caller gives it away.

    Raw data: x turns as exp(+2πi·f·t) like a FID's, and so do the pairs of ``States`` rows along y.
    y counts seconds of the evolution time row by row; of the two rows of a pair each counts half an
    increment.

    ``metadata`` holds what belongs to x and to the whole under the keys of ``Spectrum``, what
    belongs to y under the same keys with ``indirect_`` before them (``indirect_frequency_mhz``,
    ``indirect_spectrometer_reference_mhz``, ``indirect_carrier_ppm``,
    ``indirect_sweep_width_hz``); raw data also ``quadrature``, one of ``QUADRATURES``, and with
    ``QF`` also ``coherence``: ``echo`` (the default: what turns one way along x turns the other way
    along y) or ``antiecho``.

    Raises ``ValueError`` when the arrays contradict this.
    """

    technique: Technique
    technique_y: Technique | None
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    x_unit: str = "ppm"
    y_unit: str = "ppm"
    kind: str = "continuous"
    title: str = ""
    source: Source = field(default_factory=Source)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "technique", Technique(self.technique))
        if self.technique_y is not None:
            object.__setattr__(self, "technique_y", Technique(self.technique_y))
        if self.kind not in KINDS_2D:
            raise ValueError(f"kind {self.kind!r} is not one of {', '.join(KINDS_2D)}")
        for name in ("x", "y"):
            axis = np.array(getattr(self, name), dtype=np.float64)
            if axis.ndim != 1 or len(axis) < 1:
                raise ValueError(f"{name} must hold points in one dimension, got {axis.shape}")
            if not np.isfinite(axis).all():
                raise ValueError(f"{name} holds values that are not finite")
            steps = np.diff(axis)
            if len(axis) > 1 and not ((steps > 0).all() or (steps < 0).all()):
                raise ValueError(f"{name} must rise or fall strictly")
            axis.setflags(write=False)
            object.__setattr__(self, name, axis)
        z = np.asarray(self.z, dtype=np.complex64 if self.kind == "fid" else np.float32).view()
        if z.shape != (len(self.y), len(self.x)):
            raise ValueError(f"z is {z.shape}, but the axes have {len(self.y)} and {len(self.x)}")
        z.setflags(write=False)
        object.__setattr__(self, "z", z)
        if not self.x_unit or not self.y_unit:
            raise ValueError("an axis needs a unit")
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        object.__setattr__(self, "warnings", tuple(self.warnings))

    @property
    def shape(self) -> tuple[int, int]:
        """Points along x and along y."""
        return len(self.x), len(self.y)

    @property
    def size_text(self) -> str:
        """``1024 × 256``: points along x, then along y."""
        return f"{len(self.x)} × {len(self.y)}"

    @property
    def name(self) -> str:
        """``1H–13C 2D NMR``: what its axes are."""
        if self.technique_y is None:
            return f"{self.technique} by {self.y_unit}"
        return f"{self.technique.nucleus}–{self.technique_y.nucleus} 2D NMR"

    @property
    def is_homonuclear(self) -> bool:
        """Whether both axes are shifts of the same nucleus."""
        return self.technique_y == self.technique

    @property
    def ascending(self) -> Spectrum2D:
        """The same spectrum with both axes rising; ``z`` is a view."""
        flip_x = len(self.x) > 1 and self.x[1] < self.x[0]
        flip_y = len(self.y) > 1 and self.y[1] < self.y[0]
        if not flip_x and not flip_y:
            return self
        step_x, step_y = -1 if flip_x else 1, -1 if flip_y else 1
        return replace(self, x=self.x[::step_x], y=self.y[::step_y], z=self.z[::step_y, ::step_x])

    def with_warnings(self, *sentences: str) -> Spectrum2D:
        """The same spectrum with these sentences added to its warnings."""
        return replace(self, warnings=(*self.warnings, *sentences))

    def __reduce__(self):
        return (
            type(self),
            (
                self.technique, self.technique_y, self.x, self.y, np.ascontiguousarray(self.z),
                self.x_unit, self.y_unit, self.kind, self.title, self.source, dict(self.metadata),
                self.warnings,
            ),
        )  # fmt: skip
