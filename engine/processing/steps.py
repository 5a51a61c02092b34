"""The table of processing steps: names, titles, parameters with their ranges, and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.processing import (
    apodization,
    atmosphere,
    baseline,
    fourier,
    infrared,
    mass,
    phasing,
    referencing,
    spikes,
)
from engine.processing.step_kind import PARAMETER_TYPES, Parameter, StepKind
from engine.spectra import Spectrum

__all__ = ["GROUPS", "PARAMETER_TYPES", "STEP_KINDS", "Parameter", "StepKind", "step_kind"]

_FID, _PHASE, _CLEAN, _SCALE, _AXIS, _MASS = GROUPS = (
    "FID",
    "Phase",
    "Base line and noise",
    "Intensity",
    "Axis",
    "Mass peaks",
)
"""The groups of the table, in the order of a menu."""


def _fid(spectrum: Spectrum) -> bool:
    return spectrum.kind == "fid"


def _complex(spectrum: Spectrum) -> bool:
    return spectrum.kind == "continuous" and spectrum.y_imaginary is not None


def _continuous(spectrum: Spectrum) -> bool:
    return spectrum.kind == "continuous"


def _ppm(spectrum: Spectrum) -> bool:
    return spectrum.x_unit == "ppm"


def _optical(spectrum: Spectrum) -> bool:
    return spectrum.kind == "continuous" and not (
        spectrum.technique.is_nmr or spectrum.technique.is_mass
    )


def _in(unit: str) -> Callable[[Spectrum], bool]:
    return lambda spectrum: spectrum.y_unit == unit


def _number(name: str, title: str, default: float | None, **more: Any) -> Parameter:
    return Parameter(name, title, "float", default, **more)


_FID_STEPS = (
    StepKind(
        "exponential", "Exponential apodization",
        (_number("line_broadening_hz", "Line broadening", 0.3, unit="Hz", minimum=-100,
                 maximum=1000, increment=0.1),),
        apodization.exponential, _fid, _FID,
        "Less noise; every line gets wider by the line broadening",
    ),
    StepKind(
        "gaussian", "Gaussian apodization",
        (
            _number("line_broadening_hz", "Line broadening", -0.3, unit="Hz", minimum=-100,
                    maximum=100, increment=0.1),
            _number("maximum", "Place of the maximum", 0.1, minimum=0.001, maximum=1,
                    increment=0.01),
        ),
        apodization.gaussian, _fid, _FID,
        "Narrower lines (a line broadening below 0), for more noise",
    ),
    StepKind(
        "sine_bell", "Sine bell apodization",
        (
            _number("shift_deg", "Shift", 90.0, unit="°", minimum=0, maximum=179, increment=5),
            Parameter("power", "Power", "choice", 1, choices=(1, 2)),
        ),
        apodization.sine_bell, _fid, _FID,
        "Ends a FID smoothly that was cut off; 90° is a cosine bell",
    ),
    StepKind(
        "zero_fill", "Zero filling",
        (Parameter("factor", "Length", "choice", 2, unit="× the next power of two",
                   choices=(1, 2, 4, 8, 16)),),
        fourier.zero_fill, _fid, _FID, "More points in the spectrum",
    ),
    StepKind(
        "remove_group_delay", "Removal of the digital filter", (), fourier.remove_group_delay,
        _fid, _FID, "Moves the start of the FID to the excitation",
    ),
    StepKind(
        "fourier_transform", "Fourier transform",
        (
            Parameter("halve_first_point", "Halve the first point", "bool", True),
            Parameter("reverse", "Mirror the spectrum", "bool", False),
        ),
        fourier.fourier_transform, _fid, _FID, "From the FID to the spectrum",
    ),
)  # fmt: skip

_PHASE_STEPS = (
    StepKind(
        "phase", "Phase",
        (
            _number("zero_order_deg", "Zero order", 0.0, unit="°", minimum=-3600, maximum=3600,
                    increment=1),
            _number("first_order_deg", "First order", 0.0, unit="°", minimum=-360000,
                    maximum=360000, increment=5),
            _number("pivot_ppm", "Pivot", None, unit="ppm", minimum=-10000, maximum=10000,
                    optional=True, none_means="at the first point", increment=0.1),
        ),
        phasing.phase, _complex, _PHASE,
        "Phase by hand: one angle for all, and one that grows along the axis",
        prepared_by="fourier_transform",
    ),
    StepKind(
        "automatic_phase", "Automatic phase",
        (
            Parameter("signs", "Lines point", "choice", "positive", choices=("positive", "mixed")),
            Parameter("first_order", "Find the first order too", "bool", True),
            _number("magnitude_below", "Magnitude if quality is below", 0.2, minimum=0, maximum=1,
                    increment=0.05),
        ),
        phasing.automatic_phase, _complex, _PHASE,
        "Finds the phase in which the lines are purest absorption",
        prepared_by="fourier_transform",
    ),
    StepKind(
        "magnitude", "Magnitude", (), phasing.magnitude, _complex, _PHASE,
        "The absolute value: free of phase, with broader lines",
        prepared_by="fourier_transform",
    ),
)  # fmt: skip

_CLEANING_STEPS = (
    StepKind(
        "baseline", "Base line",
        (
            Parameter("method", "Method", "choice", "aspls", choices=baseline.METHODS),
            _number("smoothness", "Smoothness (log10)", 7.0, minimum=0, maximum=12, increment=0.5,
                    only_if=("method", ("aspls", "signal-free"))),
            Parameter("order", "Order of the polynomial", "int", 3, minimum=0, maximum=12,
                      only_if=("method", ("polynomial",))),
        ),
        baseline.correct_baseline, _continuous, _CLEAN, "Makes the ground between the bands flat",
    ),
    StepKind(
        "smooth", "Smoothing (Savitzky-Golay)",
        (
            Parameter("window_points", "Window", "int", 9, unit="points", minimum=3, maximum=1001,
                      increment=2),
            Parameter("order", "Order of the polynomial", "int", 3, minimum=0, maximum=8),
        ),
        infrared.smooth, _continuous, _CLEAN, "Less noise; bands narrower than the window suffer",
    ),
    StepKind(
        "despike", "Removal of spikes",
        (
            _number("threshold", "Above noise", 8.0, unit="times", minimum=1, maximum=1000,
                    increment=1),
            _number("widest_points", "Not wider than", 3.0, unit="points", minimum=1, maximum=50,
                    increment=0.5),
            Parameter("direction", "Spikes point", "choice", "up", choices=spikes.DIRECTIONS),
        ),
        spikes.despike, _optical, _CLEAN,
        "Takes out what cosmic rays and disturbances leave: peaks narrower than any band",
    ),
    StepKind(
        "remove_atmosphere", "Removal of atmospheric lines",
        (
            Parameter("carbon_dioxide", "Carbon dioxide", "bool", True),
            Parameter("water_vapour", "Water vapour", "bool", True),
            _number("narrower_than", "Water lines narrower than", 8.0, unit="1/cm", minimum=1,
                    maximum=40, increment=1, only_if=("water_vapour", (True,))),
        ),
        atmosphere.remove_atmosphere,
        lambda s: s.technique == "IR" and s.x_unit == "1/cm" and s.kind == "continuous",
        _CLEAN, "Takes out the lines of the air in the instrument",
    ),
)  # fmt: skip

_SCALE_STEPS = (
    StepKind(
        "to_absorbance", "To absorbance",
        (_number("floor", "Least transmittance", infrared.TRANSMITTANCE_FLOOR, minimum=1e-12,
                 maximum=0.5),),
        infrared.to_absorbance, _in("transmittance"), _SCALE, "From transmittance to absorbance",
    ),
    StepKind(
        "to_transmittance", "To transmittance", (), infrared.to_transmittance, _in("absorbance"),
        _SCALE, "From absorbance to transmittance",
    ),
    StepKind(
        "correct_atr", "ATR correction",
        (_number("reference_wavenumber", "Unchanged at", 1000.0, unit="1/cm", minimum=1,
                 maximum=20000, increment=100),),
        infrared.correct_atr,
        lambda s: s.y_unit == "absorbance" and s.x_unit == "1/cm",
        _SCALE, "Undoes that light of long waves reaches deeper into the sample",
        prepared_by="to_absorbance",
    ),
    StepKind(
        "normalise", "Normalise to the highest peak",
        (_number("maximum", "Highest intensity", 100.0, minimum=1e-9, maximum=1e12,
                 increment=10),),
        mass.normalise_to_base_peak,
        lambda s: s.kind != "fid" and s.y_unit not in ("transmittance", "absorbance"),
        _SCALE, "Scales the spectrum to its highest peak",
    ),
)  # fmt: skip

_OTHER_STEPS = (
    StepKind(
        "reference", "Reference to solvent or TMS",
        (
            Parameter("target", "Reference", "choice", "auto", choices=referencing.TARGETS),
            _number("window_ppm", "Search within", None, unit="ppm", minimum=0.001, maximum=50,
                    optional=True, increment=0.05),
        ),
        referencing.reference_axis, _ppm, _AXIS,
        "Puts the line of the solvent or of TMS where it belongs",
        prepared_by="fourier_transform",
    ),
    StepKind(
        "shift_axis", "Shift of the axis",
        (_number("shift_ppm", "Shift", 0.0, unit="ppm", minimum=-1000, maximum=1000,
                 increment=0.01),),
        referencing.shift_axis, _ppm, _AXIS, "Adds a number to the ppm axis",
        prepared_by="fourier_transform",
    ),
    StepKind(
        "centroid", "Centroids",
        (_number("noise_factor", "Above noise", None, unit="times", minimum=0, maximum=1000,
                 optional=True, increment=1),),
        mass.centroid, lambda s: s.x_unit == "m/z" and s.kind == "continuous", _MASS,
        "From a profile to one stick for each peak",
    ),
    StepKind(
        "remove_small_sticks", "Remove small peaks",
        (_number("minimum_percent", "Below", 0.1, unit="% of the base peak", minimum=0,
                 maximum=100, increment=0.1),),
        mass.remove_small_sticks, lambda s: s.technique.is_mass and s.kind == "sticks", _MASS,
        "Leaves the sticks that rise above a share of the base peak", prepared_by="centroid",
    ),
)  # fmt: skip

STEP_KINDS: Mapping[str, StepKind] = {
    kind.name: kind
    for kind in (*_FID_STEPS, *_PHASE_STEPS, *_CLEANING_STEPS, *_SCALE_STEPS, *_OTHER_STEPS)
}


def step_kind(name: str) -> StepKind:
    """The step of this name; raises ``ValueError`` that lists the right names."""
    try:
        return STEP_KINDS[name]
    except (KeyError, TypeError):
        raise ValueError(
            f"unknown processing step {name!r}; right is {', '.join(STEP_KINDS)}"
        ) from None
