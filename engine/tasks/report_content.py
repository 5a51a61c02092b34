"""What a report says, apart from how it looks: facts, tables and sentences, all as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from engine.spectra import Spectrum

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.processing.chain import Chain, Step
    from engine.processing.peaks import Peak
    from engine.tasks.group_identification import GroupIdentification, GroupPrediction

MOST_ROWS = 120
"""Peaks of one spectrum that are listed; the highest are."""

_UNITS = {"1/cm": "cm⁻¹", "nm": "nm", "ppm": "ppm", "m/z": "m/z", "s": "s"}
_X_TITLES = {
    "1/cm": "Wavenumber (cm⁻¹)",
    "nm": "Wavelength (nm)",
    "ppm": "Chemical shift δ (ppm)",
    "m/z": "m/z",
    "s": "Time (s)",
}
_FACTS = (
    ("name", "Compound in the file", ""),
    ("frequency_mhz", "Frequency", "MHz"),
    ("solvent", "Solvent", ""),
    ("concentration", "Concentration", ""),
    ("temperature_k", "Temperature", "K"),
    ("instrument", "Instrument", ""),
    ("pulse_program", "Pulse program", ""),
    ("scans", "Scans", ""),
    ("phase", "State", ""),
    ("resolution_per_cm", "Resolution", "cm⁻¹"),
    ("ionization", "Ionization", ""),
    ("polarity", "Polarity", ""),
    ("adduct", "Adduct", ""),
    ("precursor_mz", "Precursor m/z", ""),
    ("retention_time_s", "Retention time", "s"),
    ("origin", "Origin", ""),
    ("owner", "Owner", ""),
    ("licence", "Licence", ""),
)
_LONGEST_FACT = 200
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_MOST_REGIONS = 3


@dataclass(frozen=True)
class Table:
    """Column titles, rows of as many cells, and what was left out ("" for nothing)."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class GroupRow:
    """A group that is present; ``in_structure`` None when no structure is known."""

    name: str
    probability: float
    regions: tuple[str, ...]
    in_structure: bool | None


def unit(x_unit: str) -> str:
    """The unit of an axis as it is printed."""
    return _UNITS.get(x_unit, x_unit)


def x_title(spectrum: Spectrum) -> str:
    """The title of a spectrum's horizontal axis."""
    if spectrum.technique == "Raman" and spectrum.x_unit == "1/cm":
        return "Raman shift (cm⁻¹)"
    return _X_TITLES.get(spectrum.x_unit, spectrum.x_unit)


def y_title(spectrum: Spectrum) -> str:
    """The title of its vertical axis; intensities are relative to the highest."""
    if spectrum.y_unit == "transmittance":
        return "Transmittance (%)"
    if spectrum.y_unit == "intensity":
        return "Relative intensity (%)"
    return spectrum.y_unit[:1].upper() + spectrum.y_unit[1:]


def plain(text: object, longest: int = _LONGEST_FACT) -> str:
    """A text on one line without control characters, cut where it is too long."""
    line = "".join(letter for letter in " ".join(str(text).split()) if letter.isprintable())
    line = line.encode("utf-8", "replace").decode("utf-8")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def decimals(spectrum: Spectrum) -> int:
    """Digits after the point that a position stands for, by the custom of the technique."""
    technique = spectrum.technique
    if technique.is_nmr:
        return 2 if technique.nucleus == "1H" else 1
    if technique.is_mass:
        nominal = abs(spectrum.x - spectrum.x.round()).max() < 0.01
        return 0 if nominal else 4 if spectrum.kind == "sticks" else 2
    return 0


def number(value: float, digits: int) -> str:
    """A number with so many digits after the point, and the true minus sign."""
    return f"{value:z.{digits}f}".replace("-", "−")


def source_name(spectrum: Spectrum) -> str:
    """Which file: its name, or the last parts of the path of an experiment's folder."""
    path = PurePath(spectrum.source.path)
    name = path.name if path.suffix else "/".join(path.parts[-4:]).lstrip("/")
    return plain(f"{name} ({spectrum.source.block})" if spectrum.source.block else name)


def spectrum_title(spectrum: Spectrum) -> str:
    """What to call a spectrum: its title, or its file where that says no more than a number."""
    title = plain(spectrum.title, 120)
    if len(title) > 2 and not title.isdigit():
        return title
    path = PurePath(spectrum.source.path)
    return plain("/".join(path.parts[-2:]) if path.name.isdigit() else path.name) or title


def printed_formula(formula: str) -> str:
    """A formula with lowered numbers; one with isotopes in brackets is left as it is."""
    return formula if "[" in formula else formula.translate(_LOWERED)


def spectrum_facts(spectrum: Spectrum) -> list[tuple[str, str]]:
    """What the file says of the measurement, as pairs of label and text."""
    first, last = (f"{value:.6g}".replace("-", "−") for value in (spectrum.x[0], spectrum.x[-1]))
    facts = [
        ("File", source_name(spectrum)),
        ("Data", f"{spectrum.kind}, {len(spectrum)} points, {first} to {last} "
         f"{unit(spectrum.x_unit)}, {spectrum.y_unit}"),
    ]  # fmt: skip
    for key, label, its_unit in _FACTS:
        value = spectrum.metadata.get(key)
        if value in (None, "", ()):
            continue
        text = f"{value:.8g}" if isinstance(value, float) else plain(value)
        facts.append((label, f"{text} {its_unit}".rstrip()))
    energy = spectrum.metadata.get("collision_energy")
    if energy is not None:
        its_unit = plain(spectrum.metadata.get("collision_energy_unit", ""))
        facts.append(("Collision energy", f"{energy:g} {its_unit}".rstrip()))
    return facts


def step_sentences(chain: Chain) -> list[str]:
    """The processing steps in their order, each with its parameters and their units."""
    return [_step(step) for step in chain.enabled_steps]


def _step(step: Step) -> str:
    from engine.processing.steps import step_kind

    told = []
    for parameter in step_kind(step.name).parameters:
        if not parameter.counts(step.parameters):
            continue
        value = step.parameters[parameter.name]
        text = {None: parameter.none_means, True: "yes", False: "no"}.get(value)
        if text is None or (isinstance(value, int) and not isinstance(value, bool)):
            text = f"{value:g}" if isinstance(value, float) else str(value)
        told.append(f"{parameter.title.lower()} {text} {parameter.unit}".rstrip())
    return f"{step.title}: {', '.join(told)}" if told else step.title


# --- peaks and signals ---------------------------------------------------------------------------


def peak_table(spectrum: Spectrum, peaks: Sequence[Peak]) -> Table:
    """The peaks: position, height and width, in the order of the axis as it is drawn."""
    from engine.processing.referencing import near_solvent_line

    kept = sorted(peaks, key=lambda peak: -_tallness(spectrum, peak))[:MOST_ROWS]
    kept.sort(key=lambda peak: peak.position, reverse=spectrum.technique.descending_axis)
    highest = max((abs(peak.height) for peak in peaks), default=0.0) or 1.0
    note = f"The {len(kept)} highest of {len(peaks)} peaks." if len(kept) < len(peaks) else ""
    if spectrum.technique.is_mass and spectrum.kind == "sticks" and len(peaks) < len(spectrum):
        note = f"{note} Those of at least 1 % of the base peak.".strip()
    mhz = float(spectrum.metadata.get("frequency_mhz") or 0)
    nmr, sticks = spectrum.technique.is_nmr, spectrum.kind == "sticks"
    digits = decimals(spectrum) + (1 if nmr else 0)
    header = ["δ (ppm)" if nmr else unit(spectrum.x_unit), _height_title(spectrum)]
    if not sticks:
        header.append("Width (Hz)" if nmr and mhz else f"Width ({unit(spectrum.x_unit)})")
    rows = []
    for peak in kept:
        place = number(peak.position, digits)
        if nmr and near_solvent_line(spectrum, peak.position):
            place += " *"
        row = [place, _height(spectrum, peak.height, highest)]
        if not sticks:
            row.append(
                number(peak.width * (mhz if nmr and mhz else 1), 4 if nmr and not mhz else 1)
            )
        rows.append(tuple(row))
    if any("*" in row[0] for row in rows):
        solvent = plain(spectrum.metadata.get("solvent", ""))
        note = f"{note} * where {solvent} or water in it shows.".strip()
    return Table(tuple(header), tuple(rows), note)


def _tallness(spectrum: Spectrum, peak: Peak) -> float:
    # The deepest dip of a transmittance is its tallest peak.
    return -peak.height if spectrum.y_unit == "transmittance" else abs(peak.height)


def _height_title(spectrum: Spectrum) -> str:
    known = {"transmittance": "T (%)", "absorbance": "A", "intensity": "Height (%)"}
    return known.get(spectrum.y_unit) or plain(spectrum.y_unit, 24)


def _height(spectrum: Spectrum, height: float, highest: float) -> str:
    if spectrum.y_unit == "absorbance":
        return number(height, 3)
    if spectrum.y_unit not in ("transmittance", "intensity"):
        return f"{height:.4g}".replace("-", "−")
    scale = 100 if spectrum.y_unit == "transmittance" else 100 / highest
    return number(height * scale, 1)


def signal_table(
    spectrum: Spectrum, signals: Sequence[dict[str, Any]], counted: bool = True
) -> Table:
    """The signals of an NMR spectrum, high to low shift: multiplicity, couplings and nuclei.

    ``counted``: the numbers are those of nuclei, not only the ratio of the areas.
    """
    digits = decimals(spectrum)
    rows = []
    for signal in sorted(signals, key=lambda entry: -entry["position"])[:MOST_ROWS]:
        low, high = (signal.get(end) or signal["position"] for end in ("low", "high"))
        place = number(signal["position"], digits)
        if signal.get("multiplicity") == "m" and high - low >= 0.5 * 10**-digits:
            place = f"{number(high, digits)}–{number(low, digits)}"
        couplings = ", ".join(f"{j:.1f}" for j in signal.get("j_hz") or ())
        nuclei = signal.get("n_h") or signal.get("count") or ""
        atoms = ", ".join(str(atom) for atom in signal.get("atoms") or ())
        rows.append((place, plain(signal.get("multiplicity") or ""), couplings, f"{nuclei}", atoms))
    header = (
        "δ (ppm)",
        "Multiplicity",
        "J (Hz)",
        "Nuclei" if counted else "Ratio",
        "Atoms, from 0",
    )
    used = [column for column in range(5) if column == 0 or any(row[column] for row in rows)]
    note = ""
    if len(rows) < len(signals):
        note = f"The {len(rows)} signals at the highest shift of {len(signals)}."
    return Table(
        tuple(header[column] for column in used),
        tuple(tuple(row[column] for column in used) for row in rows),
        note,
    )


# --- groups --------------------------------------------------------------------------------------


def group_rows(
    identification: GroupIdentification, structure: Structure | None
) -> tuple[GroupRow, ...]:
    """The groups that are present, most probable first, with the regions that speak for them."""
    return tuple(
        GroupRow(
            group.name,
            group.probability,
            tuple(_regions(group)),
            None if structure is None else group.name in structure.groups,
        )
        for group in identification.groups
        if group.present
    )


def _regions(group: GroupPrediction) -> Iterable[str]:
    from engine.chemistry.known_bands import bands_in

    for region in sorted(group.evidence, key=lambda region: -region.weight)[:_MOST_REGIONS]:
        # High to low, as the axes of IR and NMR are drawn.
        its_unit, digits = "cm⁻¹", 0
        first, last = region.end, region.start
        if region.technique.endswith("NMR"):
            its_unit, digits = "ppm", 2 if region.technique.startswith("1H") else 1
        elif region.technique.startswith("MS"):
            its_unit, digits, first, last = "m/z", 0, region.start, region.end
        text = f"{region.technique} {number(first, digits)}–{number(last, digits)} {its_unit}"
        known = bands_in(region.technique, region.start, region.end, group.name)
        yield f"{text} ({known[0].name})" if known else text


def group_sentences(identification: GroupIdentification, structure: Structure | None) -> list[str]:
    """What else there is to say: the groups below their thresholds, and those not found."""
    absent = [group for group in identification.groups if not group.present]
    said = []
    if identification.doubts:
        said.append(
            "These spectra are unlike those that the network knows, and the probabilities deserve "
            f"less trust. {' '.join(identification.doubts)}"
        )
    if absent:
        listed = ", ".join(f"{group.name} {group.probability:.0%}" for group in absent)
        said.append(f"Below their thresholds: {listed}.")
    if structure is not None:
        missed = [group.name for group in absent if group.name in structure.groups]
        if missed:
            said.append(f"In the structure, but not found: {', '.join(missed)}.")
    return said
