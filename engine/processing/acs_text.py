"""NMR data as papers print them: ``1H NMR (400 MHz, CDCl3) δ 8.12 (d, J = 7.9 Hz, 1H), ...``."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from engine.processing.multiplets import Multiplet
from engine.processing.peaks import Peak
from engine.processing.referencing import find_solvent

STYLES = ("plain", "unicode", "html")

# How papers write the solvents that they do not write out.
_PRINTED = {
    "chloroform-d": "CDCl3", "methanol-d4": "CD3OD", "acetonitrile-d3": "CD3CN",
    "deuterium oxide": "D2O", "benzene-d6": "C6D6", "dichloromethane-d2": "CD2Cl2",
    "tetrahydrofuran-d8": "THF-d8", "trifluoroacetic acid-d": "CF3COOD",
    "acetic acid-d4": "CD3COOD", "cyclohexane-d12": "C6D12", "nitromethane-d3": "CD3NO2",
    "chlorobenzene-d5": "C6D5Cl", "bromobenzene-d5": "C6D5Br",
    "1,1,2,2-tetrachloroethane-d2": "C2D2Cl4",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def proton_text(
    multiplets: Sequence[Multiplet],
    frequency_mhz: float | None = None,
    solvent: str | None = None,
    style: str = "plain",
    decimals: int = 2,
    labels: Mapping[int, str] | None = None,
) -> str:
    """The 1H line of a paper, from high to low ppm; empty without multiplets.

    Each multiplet has its shift with ``decimals`` (an ``m``, whose centre means little, the range
    of its lines), multiplicity, couplings in Hz with one decimal, largest first, and protons.
    Multiplets without protons (``n_h`` None: traces) are left out, unless none has any; then all
    are given without. ``labels``: what to add by the index of a multiplet (``CH3``).
    ``style``: ``plain``, ``unicode`` (raised and lowered digits) or ``html`` (with italic J).
    Raises ``ValueError`` for another style.
    """
    _check(style)
    counted = any(m.n_h for m in multiplets)
    entries = []
    order = sorted(range(len(multiplets)), key=lambda index: -multiplets[index].position)
    for index in order:
        multiplet = multiplets[index]
        if counted and not multiplet.n_h:
            continue
        details = [multiplet.multiplicity]
        if multiplet.j_hz:
            letter = "<i>J</i>" if style == "html" else "J"
            values = ", ".join(f"{j:.1f}" for j in sorted(multiplet.j_hz, reverse=True))
            details.append(f"{letter} = {values} Hz")
        if multiplet.n_h:
            details.append(f"{multiplet.n_h}H")
        if labels and index in labels:
            details.append(_formula(labels[index], style))
        entries.append(f"{printed_shift(multiplet, decimals)} ({', '.join(details)})")
    return _line("1H", frequency_mhz, solvent, entries, style)


def printed_shift(multiplet: Multiplet, decimals: int = 2) -> str:
    """The shift of a multiplet; of an ``m``, whose centre means little, the range of its lines."""
    high, low = (_number(value, decimals) for value in (multiplet.high, multiplet.low))
    if multiplet.multiplicity.split()[-1:] == ["m"] and high != low:
        return f"{high} to {low}" if low.startswith("-") else f"{high}–{low}"
    return _number(multiplet.position, decimals)


def carbon_text(
    shifts: Sequence[float | Peak],
    frequency_mhz: float | None = None,
    solvent: str | None = None,
    style: str = "plain",
    nucleus: str = "13C",
    labels: Mapping[int, str] | None = None,
) -> str:
    """The 13C line of a paper (or that of another nucleus), from high to low ppm.

    ``shifts`` in ppm, or peaks. One decimal each; neighbours that would look the same get two,
    and stay twice where even those are equal. ``labels``: what to add in brackets by the index of
    a shift (``C-3``). Empty without shifts. Raises ``ValueError`` for another style than those of
    :func:`proton_text`.
    """
    _check(style)
    given = [float(s.position if isinstance(s, Peak) else s) for s in shifts]
    order = sorted(range(len(given)), key=lambda index: -given[index])
    coarse = [_number(given[index], 1) for index in order]
    entries = []
    for index, text in zip(order, coarse, strict=True):
        entry = _number(given[index], 2) if coarse.count(text) > 1 else text
        if labels and index in labels:
            entry += f" ({_formula(labels[index], style)})"
        entries.append(entry)
    return _line(nucleus, frequency_mhz, solvent, entries, style)


def printed_solvent(name: str | None) -> str:
    """A solvent as papers write it (``CDCl3``, ``DMSO-d6``), or as it was given; may be empty."""
    solvent = find_solvent(name)
    if solvent is None:
        return " ".join(str(name or "").split())
    return _PRINTED.get(solvent.name, solvent.name)


def _check(style: str) -> None:
    if style not in STYLES:
        raise ValueError(f"style {style!r}; right is {', '.join(STYLES)}")


def _number(value: float, decimals: int) -> str:
    """Rounded, without a minus before zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def _line(
    nucleus: str,
    frequency_mhz: float | None,
    solvent: str | None,
    entries: Sequence[str],
    style: str,
) -> str:
    if not entries:
        return ""
    conditions = [f"{frequency_mhz:.0f} MHz"] if frequency_mhz else []
    if printed := printed_solvent(solvent):
        conditions.append(_formula(printed, style))
    brackets = f" ({', '.join(conditions)})" if conditions else ""
    isotope, element = re.match(r"(\d*)(.*)", nucleus).groups()
    if style == "unicode":
        isotope = isotope.translate(_SUPERSCRIPTS)
    elif style == "html":
        isotope = f"<sup>{isotope}</sup>"
    return f"{isotope}{element} NMR{brackets} δ {', '.join(entries)}."


def _formula(text: str, style: str) -> str:
    """The numbers of atoms lowered: those after an element or a bracket, and of ``-d6``."""
    if style == "plain":
        return text
    if style == "html":
        text = html.escape(text, quote=False)

    def lowered(found: re.Match[str]) -> str:
        if style == "html":
            return f"<sub>{found.group()}</sub>"
        return found.group().translate(_SUBSCRIPTS)

    return re.sub(r"(?<=[A-Z\])])\d+|(?<=[A-Z][a-z])\d+|(?<=-d)\d+", lowered, text)
