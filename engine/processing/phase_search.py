"""The phase along one axis that many traces of a two-dimensional spectrum share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ABOVE_NOISE = 8.0
_MOST_POINTS = 6000
ANY_FIRST_ORDER = tuple(np.arange(-360.0, 361.0, 30.0))
"""Degrees of the first order that may be found along a direct axis."""

HALF_DWELLS = (-360.0, -180.0, 0.0, 180.0, 360.0)
"""Those along an indirect axis, whose first point lies whole halves of an increment from time 0."""

_ZERO_ORDERS = np.arange(0.0, 180.0, 7.5)
# What a turn of the first order must earn: a phase that is too steep flatters noise.
_PENALTY_PER_TURN = 0.02
_PENALTY_OF_STRAYING = 0.5
# The area in the best phase over that in the worst; lines of one phase come below.
_CONCLUSIVE = 0.93


@dataclass(frozen=True)
class AxisPhase:
    """Degrees: ``zero`` at the first point, ``first`` more at the end of the axis."""

    zero: float
    first: float

    def turn(self, size: int) -> np.ndarray:
        """The factor of each of ``size`` points, complex64."""
        angle = self.zero + self.first * np.arange(size) / max(1, size)
        return np.exp(1j * np.deg2rad(angle)).astype(np.complex64)


def area_phase(
    traces: np.ndarray, first_orders: tuple[float, ...] = ANY_FIRST_ORDER
) -> AxisPhase | None:
    """The phase that makes the absolute area of the lines of complex ``traces`` (n, m) smallest.

    The area under the foot of a dispersive line is larger than that of an absorptive one, whatever
    the sign of the line, so lines may point up and down. None when no line stands out of the noise,
    or when no phase is much better than any other. The sign of all lines together stays open. The
    first order is one of ``first_orders``, or near it.
    """
    from scipy.optimize import minimize

    traces = np.asarray(traces, np.complex64)
    strength = np.abs(traces)
    # Most points of a trace are noise: their median magnitude is 1.18 times its deviation.
    noise = float(np.median(strength)) / 1.18
    top = float(strength.max(initial=0.0))
    if not np.isfinite(top) or top <= _ABOVE_NOISE * noise or traces.shape[1] < 16:
        return None
    keep = strength > max(3.0 * noise, 0.01 * top)
    if keep.sum() > _MOST_POINTS:
        keep &= strength >= np.partition(strength.ravel(), -_MOST_POINTS)[-_MOST_POINTS]
    points = traces[keep].astype(np.complex128) / top
    places = np.nonzero(keep)[1] / traces.shape[1]
    pivot = float(np.average(places, weights=np.abs(points) ** 2))
    whole = float(np.abs(points).sum())

    def area(zero: float, first: float) -> float:
        angle = np.deg2rad(zero + first * (places - pivot))
        real = points.real * np.cos(angle) - points.imag * np.sin(angle)
        return float(np.abs(real).sum()) / whole

    def score(parameters: np.ndarray) -> float:
        near = min(abs(parameters[1] - first) for first in first_orders)
        cost = _PENALTY_PER_TURN * abs(parameters[1]) + _PENALTY_OF_STRAYING * near
        return area(*parameters) + cost / 360.0

    trials = [(score(np.array([z, f])), z, f) for f in first_orders for z in _ZERO_ORDERS]
    _, zero, first = min(trials)
    found = minimize(
        score, [zero, first], method="Nelder-Mead",
        options={
            "initial_simplex": [[zero, first], [zero + 5, first], [zero, first + 15]],
            "xatol": 0.1, "fatol": 1e-6, "maxiter": 120,
        },
    )  # fmt: skip
    zero, first = map(float, found.x)
    worst = max(area(zero + turn, first) for turn in range(0, 180, 15))
    if area(zero, first) > _CONCLUSIVE * worst:
        return None
    return AxisPhase((zero - first * pivot + 180.0) % 360.0 - 180.0, first)
