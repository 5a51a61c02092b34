"""NMR data as papers print them: ``13C NMR (151 MHz, CDCl3) δ 157.4, ...`` as stick spectra."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.errors import FormatError
from engine.formats.jcamp_records import read_text
from engine.formats.reader import Reader
from engine.spectra import Source, Spectrum, Technique

_EXPECTED = "an NMR line such as '13C NMR (151 MHz, CDCl3) δ 157.4, 149.8'"
_MAX_BYTES = 4 << 20
_MAX_PEAKS = 20_000
_MAX_LINES = 2000
_ELEMENTS = "H|C|F|P|N|B|Si|Se|Sn|Pt|Li|Na|Al|O|S|Hg|Pb|Te|Cd|W|Rh"
_TRANSLATED = str.maketrans(
    {
        **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789", strict=True)),
        **dict.fromkeys("–—−‐‑‒―⁻﹣－", "-"), **dict.fromkeys("′’‘ʹ＇´`", "'"),
        **dict.fromkeys("″“”", '"'),
        **dict.fromkeys("\u00a0\u2009\u202f\u2002\u2003\u2005\u2006\u200a", " "),
        **dict.fromkeys("\u200b\ufeff\u00ad", ""), "×": "x", "✕": "x", "·": ".", "∙": ".",
        "，": ",", "；": ";", "（": "(", "）": ")", "：": ":", "≈": "~",
    }
)  # fmt: skip
_HEADER = re.compile(
    r"(?<![\w.])(?:\^?\{?(?P<mass>\d{1,3})\}?\^?[ -]?(?P<element>" + _ELEMENTS + r")"
    r"|(?P<element2>" + _ELEMENTS + r")-?(?P<mass2>\d{1,3}))"
    r"(?:\s*[\{\[\(]\s*\^?\d{1,2}\s?[HF]\s*[\}\]\)])?"
    r"(?:\s*-?\s*(?:DEPT|CPMAS|APT|UDEFT)[- ]?\d{0,3}Q?)?\s*-?\s*(?:NMR|RMN|N\.M\.R\.)"
    r"|(?<!\w)(?:NMR|RMN)[ -]\^?(?P<mass3>\d{1,3})\^?(?P<element3>H|C|F|P)(?![\w])(?!\s*-?\s*NMR)"
    r"(?:\s*\{1?H\})?",
)
_WORD_HEADER = re.compile(r"(?i)(?<!\w)(?P<word>proton|carbon|fluorine|phosphorus)\s+NMR")
# The Royal Society's journals: "δH (400 MHz; CDCl3) 7.26 (1 H, s)".
_DELTA_HEADER = re.compile(
    r"(?<!\w)δ\s?_?(?P<element>[HCFP])(?=\s*[({\[][^()\n]{0,60}?(?:MHz|CD|DMSO|D2O|C6D6))"
)
_DELTA_ISOTOPES = {"H": "1H", "C": "13C", "F": "19F", "P": "31P"}
_WORD = {"proton": "1H", "carbon": "13C", "fluorine": "19F", "phosphorus": "31P"}
_DELTA = re.compile(r"(?:δ|\bdelta\b|\bd\s*(?=[=:(]?\s*-?\d+\.\d)|\bppm\b)", re.IGNORECASE)
_NUMBER = r"[+-]?\d{1,4}(?:\.\d{1,5})?"
_SHIFT = re.compile(
    rf"(?<![\w.=])(?P<a>{_NUMBER})(?:\s*(?:-|to)\s*(?P<b>-?\d{{1,4}}(?:\.\d{{1,5}})?))?(?!\w|\.\d)"
)
_FREQUENCY = re.compile(r"(\d{2,4}(?:\.\d+)?)\s*-?\s*MHz", re.IGNORECASE)
_TEMPERATURE = re.compile(r"(-?\d{1,3}(?:\.\d+)?)\s*(°\s*C|º\s*C|K\b)", re.IGNORECASE)
_SOLVENT = re.compile(
    r"(?<!\w)("
    r"CD\s?Cl\s?_?3|CD2Cl2|DMSO(?:-?\s?d_?6)?|\(CD3\)2SO|\(CD3\)2CO|(?:CD3)2CO|CD3OD|MeOD(?:-?d4)?"
    r"|methanol-d4|MeOH-d4|acetone(?:-?d6)?|C6D6|benzene-?d6|D2O|CD3CN|acetonitrile-d3|THF-?d8|d8-THF"
    r"|toluene-?d8|C7D8|pyridine-?d5|C5D5N|d6-DMSO|d6-acetone|d4-MeOH|d4-methanol|CDCl2CDCl2|C2D2Cl4"
    r"|TCE-d2|DMF-?d7|d7-DMF|TFA-?d|CF3COOD|CF3CO2D|chloroform-?d|CCl4|o-DCB-d4|dioxane-d8|CD3COOD"
    r"|AcOD-d4|C6D5Br|C6D5Cl|CDCl3/CD3OD|none|neat)(?!\w)",
    re.IGNORECASE,
)
_CONDITION = re.compile(f"(?:{_FREQUENCY.pattern})|(?:{_SOLVENT.pattern})", re.IGNORECASE)
_LEAD = re.compile(r"[\s,.-]*(?:(?:spectr(?:um|al|a)|data)\b[\s,]*){0,2}", re.IGNORECASE)
# What stands between the brackets with the conditions and the first shift.
_MARK = re.compile(
    r"\s+|[:=,;]|δ(?:\s?_?[HCFPN](?![a-z]))?|delta\b|d(?=\s*[=:(]?\s*-?\d+\.\d)|(?:in\s+)?ppm\b"
    r"|\.(?=\s)",
    re.IGNORECASE,
)
_LOOSE_END = re.compile(r"δ|\bdelta\b|[:=]|\bppm\b", re.IGNORECASE)
_PLAIN_CONDITIONS = re.compile(
    rf"(?:[\s,;/()-]|\b(?:in|at|TMS|Me4Si|int|std|{_TEMPERATURE.pattern})|{_FREQUENCY.pattern}"
    rf"|{_SOLVENT.pattern})*",
    re.IGNORECASE,
)
_AFTER_SHIFT = re.compile(
    r"\s*(?:$|[,;.(\[/&\n-]|ppm\b|and\b|x\b|\d+\s?C\b|(?:br|app)\b|[sdtqm]{1,4}\b)", re.IGNORECASE
)
_COUPLING = re.compile(
    r"(?<![A-Za-z])(?:\d\s*)?J(?:\s*[_(]?[A-Za-z0-9',-]+?\)?)?(?:\s*[=~:]\s*|\s+(?=\d))(?P<list>[^;A-Za-z]*?)(?=\d?J|[;A-Za-z]|$)"
)
_MULTIPLICITY = re.compile(
    r"(?i)^(?:(?:apparent|app?|ps(?:eudo)?|v)\.?\s*)?(?:(?:br(?:oad)?|bs)\.?\s*)?"
    r"(?:(?:[sdtqmp]|quint|quin|sext|sept|hept|non|oct|pent)(?:(?:of)?\s*(?:[sdtqmp]|quint|quin|sext|sept))*)?"
    r"(?:\.?\s*(?:br(?:oad)?)\.?)?$"
)
_WORDS = (
    ("singlet", "s"), ("doublets", "d"), ("doublet", "d"), ("triplets", "t"), ("triplet", "t"),
    ("quartets", "q"), ("quartet", "q"), ("quintet", "quint"), ("pentet", "quint"),
    ("sextet", "sext"), ("septet", "sept"), ("heptet", "sept"), ("multiplet", "m"),
)  # fmt: skip
_HYDROGENS = re.compile(r"(?<![\w.=-])(\d{1,3})\s*x?\s*(\d{1,3})?\s*H(?![a-zA-Z\d(])")
_COUNT = re.compile(
    r"(?i)(?<![\w.])(\d{1,3})\s*(?:x\s*)?(?:"
    + _ELEMENTS
    + r")s?(?![\w])|(?<![\w.])(\d{1,3})\s*x(?!\w)"
    r"|(?<!\w)x\s*(\d{1,3})(?![\w.])"
)


_COUNT_OUTSIDE = re.compile(r"\s*(?:x\s*\d{1,2}\b|\d{1,2}\s*x?\s*C\b)")
# "7.26, d, J = 8.0 Hz, 2H": details without brackets.
_DETAILS_OUTSIDE = re.compile(
    r"\s*,?\s*(?:\d{1,2}\s*H\s*,\s*)?(?:(?:br|app)\.?\s*)?[sdtqm]{1,4}\b(?!\.)"
    r"(?:[,\s]*\d?J[^;()\n]{0,60}?Hz)?(?:[,\s]*\d{1,2}\s*H\b)?"
)
_BEFORE_BRACKET = re.compile(r"\s*(?:ppm\b)?\s*(?=[(\[])")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")


def sniff(path: Path, head: bytes) -> float:
    """0.9 when an NMR header with shifts after it opens the text, less when it comes later."""
    if b"\0" in head or not head:
        return 0.0
    text = _plain(head.decode("utf-8", "ignore"))
    if text.lstrip().startswith(("##", "<", "{")):
        return 0.0
    for start, end, nucleus in _headers(text):
        shifts = _split_conditions(text[end : end + 300])[1]
        if _believable(_peaks(shifts, nucleus), nucleus):
            return 0.9 if start < 200 else 0.35
    return 0.0


def read(path: Path) -> list[Spectrum]:
    """The NMR lines of a text file, each as one stick spectrum. Raises ``FormatError``."""
    path = Path(path)
    text = read_text(path, _EXPECTED, _MAX_BYTES)
    try:
        return parse_nmr_lines(text, str(path))
    except ValueError as error:
        raise FormatError(path, _EXPECTED, str(error)) from error


def parse_nmr_lines(text: str, path: str = "") -> list[Spectrum]:
    """The NMR lines in a text as stick spectra, in their order.

    ``x`` are shifts in ppm, ascending (a range ``8.0-7.9`` is its middle, equal shifts are 1e-4
    apart), ``y`` the nuclei of each: its ``n_h`` in a 1H line, its count (``2 x C``) elsewhere.
    ``metadata["peaks"]`` lists, in the paper's order, dicts of ``position``, ``multiplicity``,
    ``j_hz``, ``n_h``, ``count``, ``low``, ``high`` and, where given, ``label``. Raises
    ``ValueError`` when the text has no NMR line with shifts.
    """
    text = _plain(text)
    headers = _headers(text)
    if not headers:
        raise ValueError("no '<nucleus> NMR' in it")
    spectra: list[Spectrum] = []
    for index, (start, end, nucleus) in enumerate(headers):
        stop = headers[index + 1][0] if index + 1 < len(headers) else len(text)
        body = text[end:stop]
        conditions, shifts = _split_conditions(body)
        listed = _peaks(shifts, nucleus)
        peaks = _believable(listed, nucleus)
        if not peaks:
            continue
        block = f"line {text.count(chr(10), 0, start) + 1}" if len(headers) > 1 else ""
        title = " ".join(text[start:end].split())
        spectrum = _spectrum(nucleus, conditions, peaks, title, Source(path, block))
        if len(peaks) < len(listed):
            low, high = window_of(nucleus)
            outside = [p["position"] for p in listed if p not in peaks]
            spectrum = spectrum.with_warnings(
                f"left out as no {nucleus} shifts ({low:g} to {high:g} ppm): "
                + ", ".join(f"{shift:g}" for shift in outside[:5])
            )
        spectra.append(spectrum)
    if not spectra:
        raise ValueError("no list of shifts after the NMR header (δ 7.26, ...)")
    return spectra


def _plain(text: str) -> str:
    """One spelling of primes, dashes, blanks, superscripts and Greek letters."""
    text = text.translate(_TRANSLATED)
    text = re.sub(r"<sup>|</sup>|<sub>|</sub>|</?i>|</?b>|\*\*", "", text)
    return text.replace("∂", "δ").replace("ð", "δ").replace("Δ", "δ")


def _headers(text: str) -> list[tuple[int, int, str]]:
    """Start, end and nucleus of each ``<nucleus> NMR``."""
    found = []
    for match in islice(_HEADER.finditer(text), _MAX_LINES):
        element = match["element"] or match["element2"] or match["element3"]
        mass = match["mass"] or match["mass2"] or match["mass3"]
        found.append((match.start(), match.end(), f"{int(mass)}{element}"))
    for match in islice(_WORD_HEADER.finditer(text), _MAX_LINES):
        found.append((match.start(), match.end(), _WORD[match["word"].lower()]))
    for match in islice(_DELTA_HEADER.finditer(text), _MAX_LINES):
        inside_a_line = any(0 <= match.start() - end < 80 for _, end, _ in found)
        if not inside_a_line:
            found.append((match.start(), match.end(), _DELTA_ISOTOPES[match["element"]]))
    return sorted(found)[:_MAX_LINES]


def _bracketed(text: str, start: int) -> int:
    """The index after the bracket that closes the one at ``start``, or -1."""
    depth = 0
    for index in range(start, min(len(text), start + 2000)):
        if text[index] in "([{":
            depth += 1
        elif text[index] in ")]}":
            depth -= 1
            if depth == 0:
                return index + 1
    return -1


def _split_conditions(body: str) -> tuple[str, str]:
    """The conditions (frequency, solvent) of a line and its shifts; "" where no list follows.

    A list follows where δ (or delta, ppm) or a colon stands right before a number, or where
    brackets with a frequency or a solvent do: other numbers after "NMR" are prose.
    """
    conditions, said = "", ""
    position = start = _LEAD.match(body).end()
    while True:
        if position < len(body) and body[position] in "([":
            end = _bracketed(body, position)
            inside = body[position:end] if end > 0 else ""
            if not _speaks_of_conditions(inside):
                break
            conditions += inside
        else:
            found = _MARK.match(body, position)
            if not found:
                break
            end = found.end()
            said += found.group()
        position = end
    certain = _CONDITION.search(conditions) or _DELTA.search(conditions + said)
    # Without δ or conditions, "NMR: 95, ..." may be a yield; shifts have decimals.
    introduced = certain or ":" in said or "=" in said
    if introduced and _opens_list(body, position, decimals=not certain):
        return conditions, body[position:]
    return _split_loose(body, start)


def _split_loose(body: str, start: int) -> tuple[str, str]:
    """The same where the conditions are in no brackets: ``100 MHz, CDCl3: 157.4`` and the like."""
    for found in _LOOSE_END.finditer(body, start, start + 200):
        before = body[start : found.start()]
        is_delta = found.group() not in ":="
        if "\n\n" in before or not (is_delta or _is_conditions_only(before)):
            break
        position = found.end()
        while after := _MARK.match(body, position):
            position = after.end()
        if _opens_list(body, position):
            return before, body[position:]
    plain = _PLAIN_CONDITIONS.match(body, start)
    named = plain and _CONDITION.search(plain.group())
    if named and _opens_list(body, plain.end(), decimals=True):
        return plain.group(), body[plain.end() :]
    return "", ""


def _speaks_of_conditions(inside: str) -> bool:
    return bool(
        _CONDITION.search(inside) or _DELTA.search(inside) or re.search("(?i)ppm|TMS|J.*Hz", inside)
    )


def _is_conditions_only(text: str) -> bool:
    rest = re.sub(_PLAIN_CONDITIONS, "", text, count=1)
    return not re.search(r"\w", rest)


def _opens_list(text: str, position: int, decimals: bool = False) -> bool:
    """Whether a shift stands here, and not a number that counts or measures something else."""
    text = text[position : position + 60]
    found = _SHIFT.match(text)
    if not found or (decimals and not re.search(r"\d[.,]\d", found.group() + text[found.end() :])):
        return False
    return _AFTER_SHIFT.match(text, found.end()) is not None


def _entries(text: str) -> list[tuple[str, str]]:
    """Pairs of shift text and the brackets after it, up to the end of the list."""
    entries: list[tuple[str, str]] = []
    position = 0
    if ";" in text and not re.search(r"\d\.\d", text[:200]):
        # "157,4; 149,8": semicolons separate, commas are decimal points.
        text = _DECIMAL_COMMA.sub(".", text)
    while position < len(text) and len(entries) < _MAX_PEAKS:
        found = _SHIFT.search(text, position)
        if not found:
            break
        between = text[position : found.start()]
        # A full stop, or a run of words, ends the list: what follows is HRMS, IR or prose.
        if entries and _ends_list(between):
            break
        if not entries and re.search(r"[A-Za-z]{4,}.*[A-Za-z]{4,}", between):
            break
        position = found.end()
        brackets = []
        loose = _COUNT_OUTSIDE.match(text, position) or _DETAILS_OUTSIDE.match(text, position)
        if loose and loose.group().strip(" ,\n"):
            brackets.append(loose.group())
            position = loose.end()
        while True:
            tail = _BEFORE_BRACKET.match(text, position)
            if not tail:
                break
            end = _bracketed(text, tail.end())
            if end < 0:
                rest = text[tail.end() : tail.end() + 2000].split("\n")[0]
                brackets.append(rest[1:])
                position = tail.end() + len(rest)
                break
            brackets.append(text[tail.end() + 1 : end - 1])
            position = end
        counted = _COUNT_OUTSIDE.match(text, position) if brackets else None
        if counted:
            brackets.append(counted.group())
            position = counted.end()
        entries.append((found.group(), "; ".join(brackets)))
    return entries


def _ends_list(between: str) -> bool:
    stop = re.search(r"\.(?=\s|$)", between)
    words = re.findall(r"[A-Za-z]{3,}", between)
    harmless = {
        "and",
        "ppm",
        "overlapping",
        "overlapped",
        "isomer",
        "major",
        "minor",
        "rotamer",
        "the",
    }
    return bool(
        (stop and (re.search(r"[A-Z]", between[stop.end() :]) or "\n" in between[stop.end() :]))
        or re.search(
            r"\b(?:HRMS|LRMS|MS|IR|ESI|Anal|mp|m\.p|m/z|Rf|FTIR|UV|calcd|found)\b", between
        )
        or "\n\n" in between
        or any(word.lower() not in harmless for word in words)
    )


_WINDOWS = {"1H": (-50.0, 25.0), "2H": (-50.0, 25.0), "13C": (-50.0, 260.0)}
_LIGHT = ("19F", "31P", "15N", "11B", "29Si", "7Li", "6Li", "23Na", "27Al", "17O", "33S")


def window_of(nucleus: str) -> tuple[float, float]:
    """The shifts in ppm that are believed of a nucleus; hydrides of metals reach -50 in 1H."""
    heavy = (-20_000.0, 20_000.0)
    return _WINDOWS.get(nucleus, (-400.0, 600.0) if nucleus in _LIGHT else heavy)


def _peaks(text: str, nucleus: str) -> list[dict[str, Any]]:
    peaks = []
    for shift, inside in _entries(text):
        found = _SHIFT.fullmatch(shift)
        first = float(found["a"])
        second = float(found["b"]) if found["b"] else first
        peak: dict[str, Any] = {
            "position": round((first + second) / 2, 6),
            "multiplicity": None,
            "j_hz": [],
            "n_h": None,
            "count": 1,
            "low": min(first, second),
            "high": max(first, second),
        }
        peak.update(_details(inside, nucleus))
        if nucleus == "1H" and peak["n_h"] is not None:
            peak["count"] = peak["n_h"]
        peaks.append(peak)
    return peaks


def _believable(peaks: list[dict[str, Any]], nucleus: str) -> list[dict[str, Any]]:
    low, high = window_of(nucleus)
    return [peak for peak in peaks if low <= peak["low"] and peak["high"] <= high]


def _details(inside: str, nucleus: str) -> dict[str, Any]:
    """Multiplicity, couplings, hydrogens, count and label from the brackets after a shift."""
    details: dict[str, Any] = {}
    couplings: list[float] = []
    inside = re.sub(r"(?<=[\d.])\s*(?:and|&|/)\s*(?=\d)", ", ", inside)
    for found in _COUPLING.finditer(inside):
        couplings += [float(v) for v in re.findall(r"\d+(?:\.\d+)?", found["list"])][:10]
    # Numbers of hydrogens may have been swallowed after a coupling without its unit: "J = 7.1, 3H".
    rest = _COUPLING.sub(_keep_hydrogens, inside)
    if couplings:
        trimmed = _COUPLING.findall(inside)
        tail = _HYDROGENS.search(inside)
        if (
            tail
            and not re.search(r"Hz", inside)
            and trimmed
            and couplings[-1] == float(tail.group(1))
        ):
            couplings.pop()
        details["j_hz"] = couplings
    hydrogens = _HYDROGENS.search(rest) or _HYDROGENS.search(inside)
    if hydrogens and nucleus != "13C":
        n = int(hydrogens.group(1)) * int(hydrogens.group(2) or 1)
        if 0 < n < 500:
            details["n_h"] = n
    labels = []
    for part in re.split(r"[;,]", rest):
        part = part.strip()
        if not part:
            continue
        word = part.lower()
        for name, letter in _WORDS:
            word = word.replace(name, letter)
        word = re.sub(r"\.(?!\d)", " ", word).strip()
        if "multiplicity" not in details and _MULTIPLICITY.match(word) and word:
            details["multiplicity"] = _spelling(word)
            continue
        if _HYDROGENS.fullmatch(part) or re.fullmatch(r"(?:\d\s*)?J?|Hz|[\d.\s=~-]*(?:Hz)?", part):
            continue
        count = _COUNT.fullmatch(part) if nucleus != "1H" else None
        if count:
            number = int(next(g for g in count.groups() if g))
            if 0 < number < 200:
                details["count"] = number
            continue
        if re.search("[A-Za-z]", part):
            labels.append(part)
    if nucleus != "1H" and "count" not in details:
        for label in labels:
            found = re.match(r"(\d{1,2})\s*x\s*\S|(?:.*\S\s)?x\s*(\d{1,2})$", label)
            if found:
                details["count"] = int(found.group(1) or found.group(2))
                break
    if labels:
        details["label"] = ", ".join(labels)
    return details


def _keep_hydrogens(found: re.Match[str]) -> str:
    tail = re.search(r"[,;]?\s*\d{1,3}\s*$", found["list"])
    return tail.group() if tail else ""


def _spelling(word: str) -> str:
    """``br s``, ``app t``, ``dd`` for their many spellings."""
    word = re.sub(r"\s+of\s+|\s+", " ", word.replace(".", " ")).strip()
    prefix = ""
    if re.match(r"app?\b|apparent|ps(?:eudo)?\b", word):
        prefix, word = "app ", re.sub(r"^(?:apparent|app?|pseudo|ps)\s*", "", word)
    if word == "bs":
        word = "br s"
    if re.search(r"^br(?:oad)?|br(?:oad)?$", word):
        prefix, word = prefix + "br ", re.sub(r"^br(?:oad)?\s*|\s*br(?:oad)?$", "", word)
    word = word.replace(" ", "")
    return (prefix + word).strip()


def _spectrum(
    nucleus: str, conditions: str, peaks: list[dict[str, Any]], title: str, source: Source
) -> Spectrum:
    metadata: dict[str, Any] = {"nucleus": nucleus, "peaks": peaks}
    frequency = _FREQUENCY.search(conditions)
    if frequency and float(frequency.group(1)) > 0:
        metadata["frequency_mhz"] = float(frequency.group(1))
    solvent = _SOLVENT.search(conditions)
    if solvent and solvent.group(1).lower() != "none":
        metadata["solvent"] = solvent.group(1)
    temperature = _TEMPERATURE.search(conditions)
    if temperature:
        value = float(temperature.group(1))
        kelvin = value if temperature.group(2).upper().startswith("K") else value + 273.15
        metadata["temperature_k"] = round(kelvin, 6)
    warnings = []
    uncounted = sum(p["n_h"] is None for p in peaks) if nucleus == "1H" else 0
    if uncounted:
        warnings.append(
            f"no number of hydrogens is given for {uncounted} of {len(peaks)} signals: taken as 1"
        )
    order = sorted(range(len(peaks)), key=lambda i: peaks[i]["position"])
    x = np.array([peaks[i]["position"] for i in order])
    y = np.array([float(peaks[i]["count"]) for i in order])
    for index in range(1, len(x)):
        x[index] = max(x[index], x[index - 1] + 1e-4)
    return Spectrum(
        Technique.nmr(nucleus), x, y, "ppm", "intensity", "sticks", title, source, metadata,
        tuple(warnings),
    )  # fmt: skip


READER = Reader("NMR line", (".txt", ".md"), sniff, read)
