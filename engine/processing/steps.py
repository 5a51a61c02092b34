"""The table of processing steps: names, titles, parameters with their ranges, and functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.processing import apodization, baseline, fourier, infrared, mass, phasing, referencing
from engine.spectra import Spectrum

PARAMETER_TYPES = ("float", "int", "bool", "choice")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a step, as an editor needs it.

    ``type`` is one of ``PARAMETER_TYPES``; ``minimum`` and ``maximum`` hold for numbers,
    ``choices`` for a choice; ``optional`` allows None, which means "found by the step itself".
    """

    name: str
    title: str
    type: str
    default: Any
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    optional: bool = False

    def check(self, value: Any) -> Any:
        """``value`` in this parameter's type; raises ``ValueError`` with what is right."""
        if value is None and self.optional:
            return None
        if self.type == "bool":
            if isinstance(value, bool):
                return value
            raise self._wrong(value, "true or false")
        if self.type == "choice":
            if value in self.choices and not isinstance(value, bool):
                return value
            raise self._wrong(value, ", ".join(map(str, self.choices)))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(value, "a number")
        if not math.isfinite(value):
            raise self._wrong(value, "a finite number")
        if self.type == "int" and value != int(value):
            raise self._wrong(value, "a whole number")
        if self.minimum is not None and value < self.minimum:
            raise self._wrong(value, f"at least {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise self._wrong(value, f"at most {self.maximum:g}")
        return int(value) if self.type == "int" else float(value)

    def _wrong(self, value: Any, right: str) -> ValueError:
        return ValueError(f"{self.title.lower()} is {value!r}; right is {right}")


@dataclass(frozen=True)
class StepKind:
    """A step that a chain may hold: ``function(spectrum, **parameters) -> Spectrum``.

    ``suits`` says whether the step can be applied to a spectrum as it is.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    function: Callable[..., Spectrum]
    suits: Callable[[Spectrum], bool]

    @property
    def defaults(self) -> dict[str, Any]:
        return {parameter.name: parameter.default for parameter in self.parameters}

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters: those given, checked, and the defaults of the others."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                right = ", ".join(known) or "none"
                raise ValueError(f"{self.title}: unknown parameter {name!r}; right is {right}")
        try:
            return {n: p.check(given[n]) if n in given else p.default for n, p in known.items()}
        except ValueError as error:
            raise ValueError(f"{self.title}: {error}") from error


def _fid(spectrum: Spectrum) -> bool:
    return spectrum.kind == "fid"


def _complex(spectrum: Spectrum) -> bool:
    return spectrum.kind == "continuous" and spectrum.y_imaginary is not None


def _continuous(spectrum: Spectrum) -> bool:
    return spectrum.kind == "continuous"


def _ppm(spectrum: Spectrum) -> bool:
    return spectrum.x_unit == "ppm"


def _in(unit: str) -> Callable[[Spectrum], bool]:
    return lambda spectrum: spectrum.y_unit == unit


def _number(name: str, title: str, default: float | None, **more: Any) -> Parameter:
    return Parameter(name, title, "float", default, **more)


_TABLE = (
    StepKind(
        "exponential",
        "Exponential apodization",
        (
            _number(
                "line_broadening_hz", "Line broadening", 0.3, unit="Hz", minimum=-100, maximum=1000
            ),
        ),
        apodization.exponential,
        _fid,
    ),
    StepKind(
        "gaussian",
        "Gaussian apodization",
        (
            _number(
                "line_broadening_hz", "Line broadening", -0.3, unit="Hz", minimum=-100, maximum=100
            ),
            _number("maximum", "Place of the maximum", 0.1, minimum=0.001, maximum=1),
        ),
        apodization.gaussian,
        _fid,
    ),
    StepKind(
        "sine_bell",
        "Sine bell apodization",
        (
            _number("shift_deg", "Shift", 90.0, unit="°", minimum=0, maximum=179),
            Parameter("power", "Power", "choice", 1, choices=(1, 2)),
        ),
        apodization.sine_bell,
        _fid,
    ),
    StepKind(
        "zero_fill",
        "Zero filling",
        (
            Parameter(
                "factor", "Times the next power of two", "choice", 2, choices=(1, 2, 4, 8, 16)
            ),
        ),
        fourier.zero_fill,
        _fid,
    ),
    StepKind(
        "remove_group_delay", "Removal of the digital filter", (), fourier.remove_group_delay, _fid
    ),
    StepKind(
        "fourier_transform",
        "Fourier transform",
        (
            Parameter("halve_first_point", "Halve the first point", "bool", True),
            Parameter("reverse", "Mirror the spectrum", "bool", False),
        ),
        fourier.fourier_transform,
        _fid,
    ),
    StepKind(
        "phase",
        "Phase",
        (
            _number("zero_order_deg", "Zero order", 0.0, unit="°", minimum=-3600, maximum=3600),
            _number(
                "first_order_deg", "First order", 0.0, unit="°", minimum=-360000, maximum=360000
            ),
        ),
        phasing.phase,
        _complex,
    ),
    StepKind(
        "automatic_phase",
        "Automatic phase",
        (
            Parameter("signs", "Lines point", "choice", "positive", choices=("positive", "mixed")),
            Parameter("first_order", "Find the first order too", "bool", True),
            _number("magnitude_below", "Magnitude if quality is below", 0.2, minimum=0, maximum=1),
        ),
        phasing.automatic_phase,
        _complex,
    ),
    StepKind("magnitude", "Magnitude", (), phasing.magnitude, _complex),
    StepKind(
        "baseline",
        "Base line",
        (
            Parameter("method", "Method", "choice", "aspls", choices=baseline.METHODS),
            _number("smoothness", "Smoothness (log10)", 7.0, minimum=0, maximum=12),
            Parameter("order", "Order of the polynomial", "int", 3, minimum=0, maximum=12),
        ),
        baseline.correct_baseline,
        _continuous,
    ),
    StepKind(
        "reference",
        "Reference to solvent or TMS",
        (
            Parameter("target", "Reference", "choice", "auto", choices=referencing.TARGETS),
            _number(
                "window_ppm",
                "Search within",
                None,
                unit="ppm",
                minimum=0.001,
                maximum=50,
                optional=True,
            ),
        ),
        referencing.reference_axis,
        _ppm,
    ),
    StepKind(
        "shift_axis",
        "Shift of the axis",
        (_number("shift_ppm", "Shift", 0.0, unit="ppm", minimum=-1000, maximum=1000),),
        referencing.shift_axis,
        _ppm,
    ),
    StepKind(
        "to_absorbance",
        "To absorbance",
        (
            _number(
                "floor",
                "Least transmittance",
                infrared.TRANSMITTANCE_FLOOR,
                minimum=1e-12,
                maximum=0.5,
            ),
        ),
        infrared.to_absorbance,
        _in("transmittance"),
    ),
    StepKind(
        "to_transmittance", "To transmittance", (), infrared.to_transmittance, _in("absorbance")
    ),
    StepKind(
        "smooth",
        "Smoothing (Savitzky-Golay)",
        (
            Parameter("window_points", "Window", "int", 9, unit="points", minimum=3, maximum=1001),
            Parameter("order", "Order of the polynomial", "int", 3, minimum=0, maximum=8),
        ),
        infrared.smooth,
        _continuous,
    ),
    StepKind(
        "correct_atr",
        "ATR correction",
        (
            _number(
                "reference_wavenumber",
                "Unchanged at",
                1000.0,
                unit="1/cm",
                minimum=1,
                maximum=20000,
            ),
        ),
        infrared.correct_atr,
        lambda s: s.y_unit == "absorbance" and s.x_unit == "1/cm",
    ),
    StepKind(
        "centroid",
        "Centroids",
        (_number("noise_factor", "Above noise", None, minimum=0, maximum=1000, optional=True),),
        mass.centroid,
        lambda s: s.x_unit == "m/z" and s.kind == "continuous",
    ),
    StepKind(
        "normalise",
        "Base peak to",
        (_number("maximum", "Highest intensity", 100.0, minimum=1e-9, maximum=1e12),),
        mass.normalise_to_base_peak,
        lambda s: s.technique.is_mass,
    ),
    StepKind(
        "remove_small_sticks",
        "Remove small peaks",
        (
            _number(
                "minimum_percent", "Below", 0.1, unit="% of the base peak", minimum=0, maximum=100
            ),
        ),
        mass.remove_small_sticks,
        lambda s: s.technique.is_mass and s.kind == "sticks",
    ),
)

STEP_KINDS: Mapping[str, StepKind] = {kind.name: kind for kind in _TABLE}


def step_kind(name: str) -> StepKind:
    """The step of this name; raises ``ValueError`` that lists the right names."""
    try:
        return STEP_KINDS[name]
    except (KeyError, TypeError):
        raise ValueError(
            f"unknown processing step {name!r}; right is {', '.join(STEP_KINDS)}"
        ) from None
