"""A sample's measured spectra as the network's input: which go to which channel, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.chemistry.line_shapes import binned_lines
from engine.chemistry.nmr_rendering import multiplet
from engine.encoding.channels import ELECTRON_IONISATION, Channel, channel
from engine.encoding.electron_ionisation import is_electron_ionisation
from engine.encoding.vectors import (
    bin_means,
    clarity_of,
    encode_masses,
    normalise_infrared,
    normalise_nmr,
)
from engine.processing.chain import apply, default_chain
from engine.processing.infrared import to_absorbance
from engine.processing.mass import centroid
from engine.spectra import Sample, Spectrum

_STICK_WIDTH_HZ = 1.5
_MAXIMUM_SCANS = 20
_NOT_USED = " is not used: "


@dataclass(frozen=True, eq=False)
class EncodedSample:
    """``values`` ``{channel: (600,)}`` ascending along the axis; ``sources`` ``{channel: indices}``
    of the spectra in the sample that a channel was made of; ``warnings`` about those not used;
    ``clarity`` of measured NMR curves: their tallest signal over the noise of a bin."""

    values: dict[str, np.ndarray]
    sources: dict[str, tuple[int, ...]]
    warnings: tuple[str, ...]
    clarity: dict[str, float] = field(default_factory=dict)


def encode_sample(sample: Sample, electron_ionisation: bool = False) -> EncodedSample:
    """Encode every spectrum that a channel takes; the rest is named in the warnings.

    With ``electron_ionisation`` such mass spectra are among the ``sources``, as channel ``EI``;
    they have no values, since the network that reads them takes their fragments.

    Of several IR or NMR spectra of one channel the first that can be encoded is taken; MS/MS
    spectra of one polarity are merged. Raises nothing for a spectrum that cannot be used.
    """
    values: dict[str, np.ndarray] = {}
    sources: dict[str, tuple[int, ...]] = {}
    warnings: list[str] = []
    clarity: dict[str, float] = {}
    masses: dict[str, list[int]] = {}
    for index, spectrum in enumerate(sample.spectra):
        name = _name(spectrum, index)
        target = channel_of(spectrum)
        if electron_ionisation and is_electron_ionisation(spectrum):
            sources[ELECTRON_IONISATION.name] = (
                *sources.get(ELECTRON_IONISATION.name, ()), index
            )[:_MAXIMUM_SCANS]  # fmt: skip
        elif target is None:
            warnings.append(f"{name} is not used: {_why_not(spectrum)}")
        elif target.startswith("MS/MS"):
            masses.setdefault(target, []).append(index)
        elif target in values:
            warnings.append(f"{name} is not used: another {target} spectrum was read before it")
        else:
            try:
                encoded, remarks, clear = _encoded(spectrum)
            except ValueError as error:
                warnings.append(f"{name} is not used: {error}")
                continue
            warnings.extend(f"{name}: {remark}" for remark in remarks)
            if not np.any(encoded):
                window = channel(target)
                warnings.append(
                    f"{name} is not used: it holds no signal between {window.low:g} and "
                    f"{window.high:g} {window.unit}"
                )
                continue
            values[target], sources[target] = encoded, (index,)
            if clear is not None:
                clarity[target] = clear
    for target, members in masses.items():
        chosen, remarks = _one_precursor(sample, members)
        warnings.extend(remarks)
        try:
            merged = np.sum([encode_fragments(sample.spectra[index]) for index in chosen], axis=0)
        except ValueError as error:
            warnings.append(f"{target} is not used: {error}")
            continue
        if not merged.any():
            warnings.append(f"{target} is not used: no fragments between 0 and 600 m/z")
            continue
        values[target] = merged / np.linalg.norm(merged)
        sources[target] = tuple(chosen)
    return EncodedSample(values, sources, _merged(warnings), clarity)


def _merged(warnings: list[str]) -> tuple[str, ...]:
    """The warnings, with the same reason for more than three spectra said once."""
    by_reason: dict[str, list[str]] = {}
    for warning in warnings:
        name, found, reason = warning.partition(_NOT_USED)
        by_reason.setdefault(reason if found else "", []).append(name if found else warning)
    merged = list(by_reason.pop("", []))
    for reason, names in by_reason.items():
        if len(names) > 3:
            merged.append(f"{len(names)} spectra, {names[0]} first, are not used: {reason}")
        else:
            merged += [f"{name}{_NOT_USED}{reason}" for name in names]
    return tuple(merged)


def channel_of(spectrum: Spectrum) -> str | None:
    """The name of the channel that takes a spectrum, or None."""
    if spectrum.technique in ("IR", "1H NMR", "13C NMR"):
        return str(spectrum.technique)
    if spectrum.technique == "MS/MS":
        return "MS/MS-" if _negative(spectrum) else "MS/MS+"
    return None


def encode_spectrum(spectrum: Spectrum) -> tuple[np.ndarray, list[str]]:
    """One IR or NMR spectrum as ``(600,)``, and remarks on how it was taken.

    A raw FID goes through the default processing chain, a peak list is drawn as lines. Raises
    ``ValueError`` for what cannot be encoded.
    """
    values, remarks, _ = _encoded(spectrum)
    return values, remarks


def _encoded(spectrum: Spectrum) -> tuple[np.ndarray, list[str], float | None]:
    """:func:`encode_spectrum`, and the clarity of an NMR curve."""
    if spectrum.technique not in ("IR", "1H NMR", "13C NMR"):
        raise ValueError(_why_not(spectrum))
    target = channel(str(spectrum.technique))
    remarks: list[str] = []
    if spectrum.kind == "fid":
        processed = apply(default_chain(spectrum), spectrum)
        if not _referenced(spectrum, processed):
            raise ValueError("its file does not say where 0 ppm is, and no known line tells")
        remarks += [w for w in processed.warnings if w not in spectrum.warnings]
        spectrum = processed
    if spectrum.technique != "IR":
        if spectrum.kind == "sticks":
            return normalise_nmr(_drawn(spectrum, target)), remarks, None
        means = bin_means(spectrum.x, spectrum.y, target)
        low, high = spectrum.ascending.x[[0, -1]]
        measured = (target.centres >= low) & (target.centres <= high)
        return normalise_nmr(means), remarks, clarity_of(means[measured])
    if spectrum.y_unit == "transmittance":
        absorbance = to_absorbance(spectrum)
        remarks += [w for w in absorbance.warnings if w not in spectrum.warnings]
        spectrum = absorbance
    if spectrum.kind == "sticks":
        means = binned_lines(
            target.edges, spectrum.x, np.nan_to_num(spectrum.y), np.full(len(spectrum), 15.0), 0.3
        )
    else:
        means = bin_means(spectrum.x, spectrum.y, target)
    top = float(np.max(means, initial=0.0))
    if top <= 0:
        return np.zeros_like(means), remarks, None
    # Other ordinates, and absorbances of very thin or thick samples, are brought to 1.
    if spectrum.kind == "sticks" or spectrum.y_unit != "absorbance" or not 0.3 <= top <= 2.0:
        means = means / top
        remarks.append("the ordinate was scaled to a maximum of 1")
    return normalise_infrared(means), remarks, None


def _referenced(fid: Spectrum, processed: Spectrum) -> bool:
    """Whether a processed FID's ppm axis rests on the file or on a known line, not on a guess."""
    return any(
        fid.metadata.get(name) is not None for name in ("carrier_ppm", "spectrometer_reference_mhz")
    ) or bool(processed.metadata.get("reference"))


def encode_fragments(spectrum: Spectrum) -> np.ndarray:
    """One MS/MS spectrum as ``(600,)``."""
    if spectrum.kind == "continuous":
        spectrum = centroid(spectrum)
    return encode_masses(spectrum.x, spectrum.y)


def _drawn(spectrum: Spectrum, target: Channel) -> np.ndarray:
    """A peak list as lines of 1.5 Hz, split by its couplings where they are given."""
    frequency = spectrum.metadata.get("frequency_mhz") or (
        400.0 if target.name == "1H NMR" else 100.0
    )
    spectrum = spectrum.ascending
    positions, areas = [], []
    for peak, place, area in zip(_peaks_of(spectrum), spectrum.x, spectrum.y, strict=True):
        lines, shares = multiplet(
            _splittings(str(peak.get("multiplicity") or ""), peak.get("j_hz") or [])
        )
        positions.append(place + lines / frequency)
        areas.append((area if np.isfinite(area) and area > 0 else 1.0) * shares)
    positions, areas = np.concatenate(positions), np.concatenate(areas)
    widths = np.full(len(positions), _STICK_WIDTH_HZ / frequency)
    return binned_lines(target.edges, positions, areas, widths)


def _peaks_of(spectrum: Spectrum) -> Sequence[Mapping]:
    """What is known of each peak of an ascending list; a paper lists them in its own order."""
    peaks = spectrum.metadata.get("peaks") or ()
    whole = all(isinstance(peak, Mapping) and "position" in peak for peak in peaks)
    if len(peaks) != len(spectrum) or not whole:
        return [{}] * len(spectrum)
    return sorted(peaks, key=lambda peak: peak["position"])


_NEIGHBOURS = {"d": 1, "t": 2, "q": 3, "p": 4, "h": 5}
_WORDS = {"quint": "p", "quin": "p", "pent": "p", "sext": "h", "sept": "7", "hept": "7"}


def _splittings(letters: str, couplings) -> list[tuple[float, int]]:
    """Couplings with the neighbours that the multiplicity's letters say, else with one each."""
    letters = letters.lower().replace("app", "").replace("br", "")
    for word, letter in _WORDS.items():
        letters = letters.replace(word, letter)
    counts = [_NEIGHBOURS.get(letter, 6) for letter in letters if letter in {*_NEIGHBOURS, "7"}]
    return [
        (float(coupling), counts[index] if index < len(counts) else 1)
        for index, coupling in enumerate(couplings[:4])
    ]


def _one_precursor(sample: Sample, members: list[int]) -> tuple[list[int], list[str]]:
    """Spectra of one precursor: a run holds many compounds, and merging them would mean nothing."""
    precursors = [sample.spectra[i].metadata.get("precursor_mz") for i in members]
    precursors = [p if isinstance(p, (int, float)) and np.isfinite(p) else None for p in precursors]
    known = [p for p in precursors if p is not None]
    if not known or max(known) - min(known) < 0.5:
        return members[:_MAXIMUM_SCANS], []
    strength = {}
    for index, precursor in zip(members, precursors, strict=True):
        if precursor is not None:
            total = float(np.nansum(sample.spectra[index].y))
            strength[round(precursor, 1)] = strength.get(round(precursor, 1), 0.0) + total
    best = max(strength, key=strength.__getitem__)
    chosen = [
        i for i, p in zip(members, precursors, strict=True)
        if p is not None and abs(p - best) < 0.5
    ]  # fmt: skip
    remark = (
        f"{len(members)} MS/MS spectra of {len(strength)} precursors were given; only those of "
        f"m/z {best:g}, the strongest, are used: give the spectra of one compound"
    )
    return chosen[:_MAXIMUM_SCANS], [remark]


def _negative(spectrum: Spectrum) -> bool:
    polarity = str(spectrum.metadata.get("polarity") or "").lower()
    adduct = str(spectrum.metadata.get("adduct") or "")
    return polarity.startswith("neg") or (not polarity and adduct.endswith("-"))


def _name(spectrum: Spectrum, index: int) -> str:
    source = spectrum.source
    file = Path(source.path).name + (f" ({source.block})" if source.block else "")
    return spectrum.title or file or f"spectrum {index + 1}"


def _why_not(spectrum: Spectrum) -> str:
    if is_electron_ionisation(spectrum):
        return "electron ionisation is read by the noncommercial model only"
    if spectrum.technique == "MS":
        return (
            "the network reads fragment spectra (MS/MS); a single-stage mass spectrum is shown "
            "only (of electron ionisation, if you say that it is, the noncommercial model reads it)"
        )
    return f"the network reads IR, 1H NMR, 13C NMR and MS/MS, not {spectrum.technique}"
