"""NMR in JCAMP-DX: the observed nucleus, the ppm scale, and what a FID's transform needs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from engine.formats.axis_units import nucleus_of
from engine.formats.bruker_parameters import Parameters, group_delay_points
from engine.formats.jcamp_records import Block, first_number

# Gyromagnetic ratio over 2 pi in MHz/T (IUPAC 2001), to tell the nucleus from frequency and field.
_MHZ_PER_TESLA = (
    ("1H", 42.577), ("19F", 40.078), ("31P", 17.235), ("11B", 13.663), ("13C", 10.708),
    ("29Si", 8.465), ("2H", 6.536), ("15N", 4.316),
)  # fmt: skip


def observed_nucleus(block: Block, ppm_span: float | None) -> tuple[str, list[str]]:
    """The isotope that a block observed, ``13C``; a guess with a warning where none is named."""
    for label in (".OBSERVENUCLEUS", "$NUC1", "$NUCLEUS", "$OBSERVENUCLEUS", ".NUCLEUS", "$XNUC"):
        for text in block.all(label):
            nucleus = nucleus_of(text)
            if nucleus:
                return nucleus, []
    frequency, field = block.number_of(".OBSERVEFREQUENCY", "$SFO1"), block.number_of(".FIELD")
    if frequency and field:
        ratio = frequency / field
        nucleus, gamma = min(_MHZ_PER_TESLA, key=lambda pair: abs(pair[1] - ratio))
        if abs(gamma - ratio) < 0.02 * gamma:
            return nucleus, [f"no nucleus is named: {nucleus} follows from frequency and field"]
    for text in (block.title, block.get("$EXPERIMENT", ".PULSESEQUENCE", "$PULPROG")):
        nucleus = nucleus_of(text)
        if nucleus in ("1H", "13C", "19F", "31P", "15N", "29Si", "11B"):
            return nucleus, [f"no nucleus is named: taken for {nucleus} because of {text[:60]!r}"]
    if ppm_span is not None and ppm_span > 40:
        return "13C", [f"no nucleus is named: taken for 13C as the axis spans {ppm_span:.0f} ppm"]
    return "1H", ["no nucleus is named: taken for 1H"]


def shift_axis(block: Block, x: np.ndarray, unit: str) -> tuple[np.ndarray, list[str]]:
    """An axis ``(n,)`` in Hz or ppm as shifts in ppm, and warnings.

    Hz are divided by the frequency of 0 ppm ($SF) or the observe frequency; the zero comes from
    .SHIFT REFERENCE (which point has which shift), from Bruker's $OFFSET (shift of the highest
    point), or is that of the file. Raises ``ValueError`` when Hz come without a frequency.
    """
    observe, reference = _frequencies(block)
    frequency = reference or observe
    span = float(np.ptp(x))
    warnings: list[str] = []
    if unit == "Hz" and frequency and 0 < span < 0.15 * frequency and abs(x).max() < 1000:
        if _is_plausible_shift_range(x):
            warnings.append(
                f"the axis is labelled Hz but runs from {x[0]:g} to {x[-1]:g}: taken for ppm"
            )
            unit = "ppm"
    elif unit == "ppm" and frequency and span > 1500 and _is_narrow(block):
        warnings.append(
            f"the axis is labelled ppm but runs from {x[0]:g} to {x[-1]:g}: taken for Hz"
        )
        unit = "Hz"
    if unit == "ppm":
        return x, warnings
    if not frequency:
        raise ValueError("an axis in Hz without an observe frequency")
    shifts = x / frequency
    anchor = _reference_point(block, len(x))
    if anchor is not None:
        point, shift = anchor
        at_point = np.interp(point - 1, np.arange(len(x)), shifts)
        return shifts + (shift - at_point), warnings
    offset = block.number_of("$OFFSET")
    if offset is not None and abs(offset) < 1e4 and reference:
        return shifts + (offset - shifts.max()), warnings
    warnings.append("the file names no shift reference: 0 ppm was put at 0 Hz of its axis")
    return shifts, warnings


def _is_narrow(block: Block) -> bool:
    """Whether the nucleus has no shifts thousands of ppm apart, as platinum or cobalt have."""
    return nucleus_of(block.get(".OBSERVENUCLEUS", "$NUC1")) in ("1H", "13C", "15N", "31P", "29Si")


def _is_plausible_shift_range(x: np.ndarray) -> bool:
    return -300 < float(x.min()) < float(x.max()) < 400


def _frequencies(block: Block) -> tuple[float | None, float | None]:
    """Observe frequency and frequency of 0 ppm in MHz, where known."""
    observe = block.number_of(".OBSERVEFREQUENCY", "$SFO1")
    reference = block.number_of("$SF")
    if reference is not None and observe and abs(reference - observe) > 1e-3 * observe:
        reference = None
    usable = [f if f is not None and 0 < f < 2500 else None for f in (observe, reference)]
    return usable[0], usable[1]


def _reference_point(block: Block, n: int) -> tuple[float, float] | None:
    """Point number (from 1) and shift of .SHIFT REFERENCE, or None."""
    parts = [part.strip() for part in block.get(".SHIFTREFERENCE").strip("()").split(",")]
    if len(parts) < 4:
        return None
    if not parts[1]:
        # A reference without a compound is a template's: Q Magnetics writes the middle and 0.
        return None
    point, shift = first_number(parts[2]), first_number(parts[3])
    if point is None or shift is None or not 0 <= point <= n + 1 or abs(shift) > 1e4:
        return None
    return point, shift


def turns_backwards(block: Block) -> str:
    """Why a FID turns as exp(-2 pi i f t), against the convention here; "" if it does not.

    The standard does not fix the sign. Bruker and those who follow it write exp(+2 pi i f t) and
    say REVERSE where it is not so; JEOL's spectrometers record the other sign.
    """
    if block.get("$REVERSE").lower() in ("yes", "true", "1"):
        return "$REVERSE says so"
    if re.search(r"\bjeol\b|jnm-", block.get("SPECTROMETERDATASYSTEM", "ORIGIN"), re.IGNORECASE):
        return "the spectrometer is JEOL's"
    return ""


def fid_metadata(block: Block, dwell: float, points: int) -> tuple[dict[str, Any], list[str]]:
    """What a Fourier transform needs to know of a FID with this dwell time in s.

    ``sweep_width_hz``, ``spectrometer_reference_mhz``, ``carrier_ppm``, ``group_delay_points``
    and ``acquisition_mode`` (``simultaneous``, ``sequential``, ``single``), where known.
    """
    metadata: dict[str, Any] = {"sweep_width_hz": 1.0 / dwell}
    observe, reference = _frequencies(block)
    if reference:
        metadata["spectrometer_reference_mhz"] = reference
    carrier = block.number_of("$CARRIERPPM")
    transmitter = block.number_of("$SFO1") or observe
    if carrier is None and reference and transmitter and transmitter != reference:
        carrier = (transmitter - reference) / reference * 1e6
    if (carrier is None or abs(carrier) > 1e4) and (reference or observe):
        # The point numbers of .SHIFT REFERENCE count through the spectrum, whose centre is n/2.
        size = block.number_of("$SI") or points
        anchor = _reference_point(block, max(round(size), points))
        carrier = None
        if anchor is not None:
            width = 1.0 / dwell / (reference or observe)
            total = points if anchor[0] > 1 else size
            carrier = anchor[1] + (anchor[0] - 1 - total / 2) / total * width
    if carrier is not None:
        metadata["carrier_ppm"] = carrier
    mode = block.get(".ACQUISITIONMODE").upper()
    aq_mod = block.number_of("$AQMOD")
    metadata["acquisition_mode"] = (
        "sequential" if "SEQ" in mode or aq_mod == 2
        else "single" if "SINGLE" in mode or aq_mod == 0
        else "simultaneous"
    )  # fmt: skip
    names = ("DIGMOD", "GRPDLY", "DECIM", "DSPFVS")
    own = {name: block.get(f"${name}") for name in names}
    delay, warnings = group_delay_points(Parameters({k: v for k, v in own.items() if v}))
    if delay:
        metadata["group_delay_points"] = delay
    return metadata, warnings
