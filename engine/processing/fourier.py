"""From a FID to a spectrum on the ppm axis: digital filter, zero filling, Fourier transform."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from engine.processing.fid import (
    complex_points,
    dwell_time,
    group_delay,
    require_fid,
    times,
    with_points,
    wrapped_points,
)
from engine.spectra import Spectrum

MAX_POINTS = 1 << 23
"""A FID is not filled to more points than this."""


def remove_group_delay(spectrum: Spectrum) -> Spectrum:
    """The FID shifted so that its first point is at the excitation.

    A digital filter delays the signal by ``group_delay_points``, in general not a whole number.
    The shift is a first-order phase in the frequency domain, exact for any fraction. What the
    filter wrote before the excitation goes, as in a circle, to the end of the FID (before
    time 0); metadata ``points_before_zero`` says how many points those are, so that later
    windows and zero filling treat them rightly. Nothing is cut away, which would bend the base
    line ("smiles") at the edges of the spectrum.
    """
    require_fid(spectrum, "removal of the digital filter")
    delay = group_delay(spectrum)
    if delay == 0.0:
        return spectrum
    if not 0 < delay < len(spectrum):
        left = with_points(spectrum, complex_points(spectrum), group_delay_points=0.0)
        return left.with_warnings(
            f"The file names a group delay of {delay:g} points, which does not fit a FID of "
            f"{len(spectrum)}: it was ignored."
        )
    values = complex_points(spectrum)
    turns = np.fft.fftfreq(len(values)) * delay
    values = np.fft.ifft(np.fft.fft(values) * np.exp(2j * np.pi * turns))
    return with_points(
        spectrum, values, group_delay_points=0.0, points_before_zero=math.ceil(delay)
    )


def zero_fill(spectrum: Spectrum, factor: int = 2) -> Spectrum:
    """The FID filled with zeros to ``factor`` times the next power of two of its length.

    ``factor`` 1 fills to the power of two only. The zeros go before the points that lie before
    time 0, where there are such. Never more than ``MAX_POINTS`` points.
    """
    require_fid(spectrum, "zero filling")
    if factor not in (1, 2, 4, 8, 16):
        raise ValueError(f"the zero filling factor is {factor}; right is 1, 2, 4, 8 or 16")
    size = min(factor << (len(spectrum) - 1).bit_length(), max(MAX_POINTS, len(spectrum)))
    values = complex_points(spectrum)
    split = len(values) - wrapped_points(spectrum)
    zeros = np.zeros(size - len(values))
    return with_points(spectrum, np.concatenate([values[:split], zeros, values[split:]]))


def fourier_transform(
    spectrum: Spectrum, halve_first_point: bool = True, reverse: bool = False
) -> Spectrum:
    """The spectrum of a FID: complex, ppm falling, a digital filter's delay removed on the way.

    A FID turns as exp(+2πi·f·t), f the distance from ``carrier_ppm`` in Hz; ``reverse`` is for
    one that turns the other way. A FID without an imaginary part is taken as
    ``acquisition_mode`` says: ``sequential`` (both channels in turn, each half a dwell time
    apart, Redfield's scheme; the carrier is the centre) or ``single`` (one channel, the carrier
    at the low end). ``halve_first_point`` avoids the constant offset that a discrete transform
    gives to a FID whose first point is at time 0; it is left out where a digital filter stands.
    Raises ``ValueError`` when the metadata lack ``frequency_mhz``.
    """
    require_fid(spectrum, "the Fourier transform")
    had_filter = group_delay(spectrum) > 0 or wrapped_points(spectrum) > 0
    spectrum = remove_group_delay(spectrum)
    values = complex_points(spectrum)
    if halve_first_point and not had_filter and abs(times(spectrum)[0]) < dwell_time(spectrum) / 2:
        values[0] *= 0.5
    dwell = dwell_time(spectrum)
    size = len(values)
    if spectrum.y_imaginary is not None:
        transformed = np.fft.fftshift(np.fft.fft(values))
        hertz = np.fft.fftshift(np.fft.fftfreq(size, dwell))
    else:
        transformed, hertz = _transform_real(values.real, dwell, spectrum)
    if reverse:
        # The complex conjugate of a FID has the mirrored, conjugate spectrum: absorption stays.
        hertz, transformed = -hertz[::-1], np.conj(transformed[::-1])
    x, warnings = ppm_axis(spectrum, hertz)
    metadata = {
        k: v
        for k, v in spectrum.metadata.items()
        if k not in ("group_delay_points", "points_before_zero", "acquisition_mode")
    }
    transformed = transformed[::-1]
    return replace(
        spectrum,
        x=x[::-1],
        y=transformed.real,
        y_imaginary=transformed.imag,
        x_unit="ppm",
        kind="continuous",
        metadata=metadata,
    ).with_warnings(*warnings)


def _transform_real(
    values: np.ndarray, dwell: float, spectrum: Spectrum
) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum and frequencies (rising) of a FID of real points."""
    if spectrum.metadata.get("acquisition_mode") == "sequential":
        # Signs + + - - turn the two channels, read in turn, into one real signal whose apparent
        # frequency is SW/2 - f: rising order is falling shift, with the conjugate phase.
        signs = np.array([1.0, 1.0, -1.0, -1.0])[np.arange(len(values)) % 4]
        apparent = np.fft.rfftfreq(len(values), dwell)
        transformed = np.conj(np.fft.rfft(values * signs))
        return transformed[::-1], (0.25 / dwell - apparent)[::-1]
    return np.fft.rfft(values), np.fft.rfftfreq(len(values), dwell)


def ppm_axis(spectrum: Spectrum, hertz: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Shifts in ppm for distances ``hertz`` from the carrier, and what is doubtful about them.

    delta = carrier + f / SF, SF the frequency of 0 ppm (``spectrometer_reference_mhz``); without
    ``carrier_ppm`` the carrier is (``frequency_mhz`` - SF) / SF.
    """
    observe = spectrum.metadata.get("frequency_mhz")
    reference = spectrum.metadata.get("spectrometer_reference_mhz") or observe
    if not reference or not math.isfinite(reference) or reference <= 0:
        raise ValueError(
            f"a ppm axis needs metadata frequency_mhz in MHz above 0, found {reference!r}"
        )
    carrier = spectrum.metadata.get("carrier_ppm")
    warnings = []
    if carrier is None and observe and spectrum.metadata.get("spectrometer_reference_mhz"):
        carrier = (observe - reference) / reference * 1e6
    if carrier is None:
        carrier = 0.0
        warnings.append(
            "The file does not say which shift the carrier has: 0 ppm was put at the centre."
        )
    return carrier + np.asarray(hertz) / reference, warnings
