"""The signals of an NMR spectrum as records and reports list them: multiplets, or picked lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.spectra import Spectrum

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure


def nmr_signals(spectrum: Spectrum, structure: Structure | None = None) -> list[dict[str, Any]]:
    """The signals, in the form of the ``peaks`` of a spectrum's metadata.

    Those that the file lists; else the multiplets of a continuous 1H spectrum whose frequency is
    known (``integral`` in units of y times ppm); else the picked lines without the solvent's.
    Protons are counted so that they are those of the ``structure``, but for exchanging ones that
    do not show. Empty for what is not an NMR spectrum over ppm.
    """
    if not spectrum.technique.is_nmr or spectrum.x_unit != "ppm":
        return []
    told = spectrum.metadata.get("peaks")
    if told:
        return [dict(peak) for peak in told]
    continuous = spectrum.kind == "continuous"
    if continuous and spectrum.technique.nucleus == "1H" and spectrum.metadata.get("frequency_mhz"):
        from engine.processing.multiplets import analyse_multiplets

        multiplets = analyse_multiplets(spectrum)
        counts = [found.n_h for found in multiplets]
        if structure is not None and multiplets:
            counts = _counts([found.area for found in multiplets], structure)
        return [
            {
                "position": found.position, "low": found.low, "high": found.high,
                "multiplicity": found.multiplicity, "j_hz": list(found.j_hz), "n_h": count,
                "integral": found.area, "width_hz": found.width_hz,
            }
            for found, count in zip(multiplets, counts, strict=True)
        ]  # fmt: skip
    from engine.processing.peaks import pick_peaks

    mhz = float(spectrum.metadata.get("frequency_mhz") or 0)
    signals = []
    for peak in reversed(pick_peaks(spectrum, drop_solvent=True)):
        signal: dict[str, Any] = {"position": peak.position, "intensity": peak.height}
        if mhz and peak.width:
            signal["width_hz"] = peak.width * mhz
        signals.append(signal)
    return signals


def with_signals(spectrum: Spectrum, structure: Structure | None = None) -> Spectrum:
    """The spectrum, a FID transformed, with its signals as the ``peaks`` of its metadata.

    Raises ``ValueError`` when the FID cannot be processed or the spectrum is not NMR over ppm.
    """
    from engine.processing.chain import apply, default_chain

    if not spectrum.technique.is_nmr:
        raise ValueError(f"NMR signals need an NMR spectrum, got {spectrum.technique}")
    processed = apply(default_chain(spectrum), spectrum)
    return replace(
        processed, metadata={**processed.metadata, "peaks": nmr_signals(processed, structure)}
    )


def _counts(areas: Sequence[float], structure: Structure) -> list[int | None]:
    """Areas as protons: of the sums that the structure allows, that which leaves least over."""
    from rdkit import Chem, rdBase

    from engine.processing.integration import whole_numbers

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(structure.smiles)
    hydrogens = [(atom.GetSymbol(), atom.GetTotalNumHs()) for atom in molecule.GetAtoms()]
    all_of_them = sum(count for _, count in hydrogens)
    on_carbon = sum(count for symbol, count in hydrogens if symbol == "C")
    whole = sum(max(area, 0.0) for area in areas)
    if all_of_them == 0 or whole <= 0:
        return [None] * len(areas)

    def left_over(total: int) -> float:
        shares = [max(area, 0.0) / whole * total for area in areas]
        return max(abs(share - max(1, round(share))) for share in shares)

    # Where two sums do as well, the exchanging protons are more often seen than not.
    totals = range(all_of_them, max(on_carbon, 1) - 1, -1)
    best = min(totals, key=lambda total: round(left_over(total), 2))
    return [count or None for count in whole_numbers(areas, best)]
