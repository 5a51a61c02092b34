"""The signals of an NMR spectrum as records and reports list them: multiplets, or picked lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.spectra import Spectrum

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.processing import Multiplet, Peak, SignalAnalysis


def nmr_signals(
    spectrum: Spectrum,
    structure: Structure | None = None,
    analysis: SignalAnalysis | None = None,
) -> list[dict[str, Any]]:
    """The signals, in the form of the ``peaks`` of a spectrum's metadata.

    Those of the ``analysis`` that a person made; else those that the file lists; else the
    multiplets of a continuous 1H spectrum whose frequency is known (``integral`` in units of y
    times ppm); else the picked lines without the solvent's. Protons are counted so that they are
    those of the ``structure``, but for exchanging ones that do not show. Empty for what is not an
    NMR spectrum over ppm.
    """
    if not spectrum.technique.is_nmr or spectrum.x_unit != "ppm":
        return []
    if analysis is not None and analysis.multiplets:
        return [_signal(found, found.n_h) for found in analysis.multiplets]
    told = spectrum.metadata.get("peaks")
    if told:
        return [dict(peak) for peak in told]
    continuous = spectrum.kind == "continuous"
    if continuous and spectrum.technique.nucleus == "1H" and spectrum.metadata.get("frequency_mhz"):
        from engine.processing.multiplets import analyse_multiplets

        multiplets = analyse_multiplets(spectrum)
        counts = [found.n_h for found in multiplets]
        if structure is not None and multiplets:
            counts = proton_counts(multiplets, structure)
        return [_signal(found, count) for found, count in zip(multiplets, counts, strict=True)]
    from engine.processing.peaks import compound_peaks

    mhz = float(spectrum.metadata.get("frequency_mhz") or 0)
    signals = []
    for peak in reversed(compound_peaks(spectrum)):
        signal: dict[str, Any] = {"position": peak.position, "intensity": peak.height}
        if mhz and peak.width:
            signal["width_hz"] = peak.width * mhz
        signals.append(signal)
    return signals


def _signal(found: Multiplet, count: int | None) -> dict[str, Any]:
    return {
        "position": found.position, "low": found.low, "high": found.high,
        "multiplicity": found.multiplicity, "j_hz": list(found.j_hz), "n_h": count,
        "integral": found.area, "width_hz": found.width_hz,
    }  # fmt: skip


def signal_line(
    spectrum: Spectrum,
    signals: Sequence[Mapping[str, Any]],
    style: str = "plain",
    with_labels: bool = False,
) -> str:
    """Signals of :func:`nmr_signals` as the line of a paper, see ``engine.processing.acs_text``.

    "" without signals, and for 1H signals whose multiplicity nobody knows. ``style`` is ``plain``,
    ``unicode`` or ``html``. ``with_labels`` names the atoms of the signals that have any.
    """
    from engine.processing.acs_text import carbon_text, proton_text
    from engine.processing.multiplets import Multiplet
    from engine.tasks.assignment_records import atom_label

    mhz = float(spectrum.metadata.get("frequency_mhz") or 0) or None
    solvent = spectrum.metadata.get("solvent")
    nucleus = spectrum.technique.nucleus or ""
    labels = {
        index: atom_label(nucleus, signal["atoms"])
        for index, signal in enumerate(signals)
        if with_labels and signal.get("atoms")
    }
    if nucleus != "1H":
        shifts = [float(signal["position"]) for signal in signals]
        return carbon_text(shifts, mhz, solvent, style, nucleus=nucleus, labels=labels)
    multiplets = []
    for signal in signals if any(signal.get("multiplicity") for signal in signals) else ():
        place = float(signal["position"])
        low, high = (float(signal.get(end) or place) for end in ("low", "high"))
        word = str(signal.get("multiplicity") or "m")
        couplings = tuple(float(j) for j in signal.get("j_hz") or ())
        count = signal.get("n_h")
        multiplets.append(
            Multiplet(place, low, high, (low, high), word, couplings, count and int(count))
        )
    return proton_text(multiplets, mhz, solvent, style, labels=labels)


def said_signals(
    spectrum: Spectrum,
    analysis: SignalAnalysis | None = None,
    peaks: Sequence[Peak] | None = None,
    structure: Structure | None = None,
) -> list[dict[str, Any]]:
    """The signals of an NMR spectrum as a person left them, else as :func:`nmr_signals` finds them.

    ``analysis`` and ``peaks`` are what a person made of the spectrum; peaks alone say nothing of
    the multiplets of a 1H spectrum.
    """
    by_hand = analysis is not None and analysis.multiplets
    if peaks is not None and not by_hand and spectrum.technique.nucleus != "1H":
        return [peak.to_dict() for peak in peaks]
    return nmr_signals(spectrum, structure, analysis)


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


def proton_counts(multiplets: Sequence[Multiplet], structure: Structure) -> list[int | None]:
    """How many protons each has: of the sums that the structure allows, that with least over.

    Broad singlets, as of exchanging protons, may be there in part: they get what the others leave,
    at least one each while there is one. None for an area that is less than a proton's.
    """
    from rdkit import Chem, rdBase

    from engine.processing.integration import whole_numbers

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(structure.smiles)
    hydrogens = [(atom.GetSymbol(), atom.GetTotalNumHs()) for atom in molecule.GetAtoms()]
    all_of_them = sum(count for _, count in hydrogens)
    on_carbon = sum(count for symbol, count in hydrogens if symbol == "C")
    areas = [max(found.area, 0.0) for found in multiplets]
    broad = [k for k, found in enumerate(multiplets) if found.multiplicity == "br s"]
    sharp = [k for k in range(len(areas)) if k not in broad] or broad
    whole = sum(areas[k] for k in sharp)
    if all_of_them == 0 or whole <= 0:
        return [None] * len(areas)

    def left_over(total: int) -> float:
        shares = [areas[k] / whole * total for k in sharp]
        return max(abs(share - max(1, round(share))) for share in shares)

    # Where two sums do as well, the exchanging protons are more often seen than not: those that
    # are broad are not among the sharp ones.
    most = max(all_of_them - (len(broad) if sharp is not broad else 0), on_carbon, 1)
    totals = range(most, max(on_carbon, 1) - 1, -1)
    best = min(totals, key=lambda total: round(left_over(total), 2))
    counts: list[int | None] = [None] * len(areas)
    of_sharp = whole_numbers([areas[k] for k in sharp], best)
    for k, count in zip(sharp, of_sharp, strict=True):
        counts[k] = count or None
    left = all_of_them - best
    for k in () if sharp is broad else sorted(broad, key=lambda k: -areas[k]):
        counts[k] = min(left, max(1, round(areas[k] / whole * best))) or None
        left -= counts[k] or 0
    return counts
