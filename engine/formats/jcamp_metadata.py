"""What the header of a JCAMP-DX block says of sample and instrument, under the spectrum's keys."""

from __future__ import annotations

import re
from typing import Any

from engine.formats.jcamp_records import Block, first_number

_PHASES = (
    ("gas", r"\bgas|vapou?r"),
    ("solution", r"solution|\bdissolved|% in |\bin (?:ccl4|cs2|chcl3|water)"),
    ("liquid", r"liquid|\bneat\b|\bmelt|\bfilm\b.*liq"),
    ("solid", r"solid|kbr|nujol|mull|pellet|crystal|powder|disc\b|disk\b"),
)
_TEXT_KEYS = (
    ("origin", ("ORIGIN",)),
    ("owner", ("OWNER",)),
    ("date", ("LONGDATE", "DATE")),
    ("instrument", ("SPECTROMETERDATASYSTEM", "SPECTROMETER", "INSTRUMENT", "$INSTRUM")),
    ("pulse_sequence", (".PULSESEQUENCE", "$PULPROG")),
    ("inlet", (".INLET",)),
    ("sampling", ("SAMPLINGPROCEDURE",)),
    ("reference", ("SOURCEREFERENCE",)),
    ("description", ("SAMPLEDESCRIPTION",)),
    ("inchi", ("$INCHI", "INCHI")),
    ("inchikey", ("$INCHIKEY", "INCHIKEY")),
    ("smiles", ("$SMILES", "SMILES", "$CANONICALSMILES")),
    ("adduct", ("$ADDUCT", ".ADDUCT", "PRECURSORTYPE", "$PRECURSORTYPE")),
)
_INHERITED = frozenset(("origin", "owner", "inchi", "inchikey", "smiles", "instrument"))
_NUMBER_KEYS = (
    ("frequency_mhz", (".OBSERVEFREQUENCY", "$SFO1", "$SF", "$XFREQ")),
    ("scans", (".AVERAGES", "$NS")),
    ("resolution_per_cm", ("RESOLUTION",)),
    ("retention_index", ("$RETENTIONINDEX", ".RETENTIONINDEX")),
    ("precursor_mz", (
        ".PRECURSORMZ", ".PRECURSORMASS", ".PRECURSOR", ".PARENTION", ".PARENTMASS", "$PRECURSORMZ",
        "$PEPMASS", "PRECURSORMZ", "PRECURSOR", ".MSMSPRECURSOR", "$PRECURSOR")),
)  # fmt: skip


def metadata_of(block: Block, nmr: bool, mass: bool) -> dict[str, Any]:
    """The metadata of a block's spectra, from its LINK block where the block is silent."""
    if (nmr, mass) not in block.metadata:
        block.metadata[nmr, mass] = _metadata(block, nmr, mass)
    return dict(block.metadata[nmr, mass])


def _metadata(block: Block, nmr: bool, mass: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, labels in _TEXT_KEYS:
        text = block.get(*labels, inherited=key in _INHERITED).strip("<> ")
        if text and text.lower() not in ("none", "undefined", "not specified"):
            found[key] = " ".join(text.split())
    for key, labels in _NUMBER_KEYS:
        value = block.number_of(*labels)
        if value is None:
            continue
        if (key == "frequency_mhz" and not (nmr and 0 < value < 2500)) or (
            key == "resolution_per_cm" and (nmr or mass or value <= 0)
        ):
            continue
        if key == "precursor_mz" and not (mass and value > 0):
            continue
        found[key] = int(value) if key == "scans" else value
    names = block.get("NAMES", "CASNAME", inherited=True)
    name = (re.split(r"\n", names)[0] if names else block.title).strip()
    if name:
        found["name"] = name
    cas = re.search(r"\b([1-9]\d{1,6}-\d\d-\d)\b", block.get("CASREGISTRYNO", inherited=True))
    if cas:
        found["cas"] = cas.group(1)
    formula = plain_formula(block.get("MOLFORM", "$MOLFORM", inherited=True))
    if formula:
        found["formula"] = formula
    weight = first_number(block.get("MW", inherited=True))
    if weight and weight > 0:
        found["molecular_weight"] = weight
    phase = phase_of(block.get("STATE", inherited=True))
    if phase:
        found["phase"] = phase
    if nmr:
        solvent = _solvent(block)
        if solvent:
            found["solvent"] = solvent
    if mass:
        found.update(_ionization(block))
    kelvin = temperature_k(block)
    if kelvin:
        found["temperature_k"] = kelvin
    return found


def phase_of(state: str) -> str | None:
    """The phase of matter that a STATE record names."""
    lowered = state.lower()
    for phase, pattern in _PHASES:
        if re.search(pattern, lowered):
            return phase
    return None


def plain_formula(text: str) -> str | None:
    """A MOLFORM (``C8 H10``, ``C H3 C O C H3``, ``C6H6N2O2*HCl``) in Hill notation, or None.

    JCAMP-DX writes subscripts after their element and separates with blanks; ``*`` and ``.`` join
    the parts of an adduct, each with a number before it.
    """
    text = re.sub(r"[\s/_]|\^\d+", "", text.replace("·", "*"))
    if not text:
        return None
    counts: dict[str, int] = {}
    for part in re.split(r"[*.]", text):
        found = re.fullmatch(r"(\d{0,3})((?:[A-Z][a-z]?\d{0,4})+)", part)
        if not found:
            return None
        times = int(found.group(1) or 1)
        for element, number in re.findall(r"([A-Z][a-z]?)(\d*)", found.group(2)):
            counts[element] = counts.get(element, 0) + times * int(number or 1)
    first = ["C", "H"] if "C" in counts else []
    order = [e for e in first if e in counts] + sorted(e for e in counts if e not in first)
    return "".join(f"{e}{counts[e] if counts[e] > 1 else ''}" for e in order if counts[e])


def temperature_k(block: Block) -> float | None:
    """The sample's temperature; without a unit TEMPERATURE is in degrees Celsius by standard."""
    text = block.get("TEMPERATURE", ".TEMPERATURE")
    value = first_number(text)
    if value is not None:
        if re.search(r"\bK\b|kelvin", text) or (value > 200 and "C" not in text.upper()):
            return value if value > 0 else None
        if re.search(r"\d\s*°?\s*F\b", text):
            return round((value - 32) / 1.8 + 273.15, 4)
        return round(value + 273.15, 6) if value > -273.15 else None
    kelvin = block.number_of("$TE")
    return kelvin if kelvin and kelvin > 0 else None


def _solvent(block: Block) -> str | None:
    solvent = block.get(".SOLVENTNAME", "$SOLVENT", "SOLVENT").strip("<> ")
    if solvent:
        return solvent
    # ISAS writes it into the sample's description, Varian into a comment.
    for record in block.records:
        if len(record.raw) < 100_000:
            found = re.search(r"\bsolvent\s*=\s*([\w\[\]-]+)", record.raw, re.IGNORECASE)
            if found:
                return found.group(1)
    return None


_IONIZATION = re.compile(
    r"\b(EI|CI|ESI|APCI|APPI|MALDI|FAB|FD|FI|LSIMS|DART|DESI|NCI|PCI|TSP|LDI|ICP)\b", re.IGNORECASE
)


def _ionization(block: Block) -> dict[str, Any]:
    found: dict[str, Any] = {}
    text = block.get(".IONIZATIONMODE", ".IONIZATION", "IONIZATION", "$IONIZATION", "$IONMODE")
    mode = _IONIZATION.search(text)
    if mode:
        found["ionization"] = mode.group(1).upper()
    elif re.search(r"electron (?:impact|ioni)", text, re.IGNORECASE):
        found["ionization"] = "EI"
    sign = text + " " + block.get(".POLARITY", "$POLARITY", "POLARITY")
    if re.search(r"\+|positiv", sign, re.IGNORECASE):
        found["polarity"] = "positive"
    elif re.search(r"(?:EI|CI|SI|LDI|FAB)\s*-|negativ|^\s*-\s*$", sign, re.IGNORECASE):
        found["polarity"] = "negative"
    energy = block.get(".COLLISIONENERGY", "$COLLISIONENERGY", "COLLISIONENERGY")
    value = first_number(energy)
    if value is not None:
        found["collision_energy"] = value
        unit = re.search(r"%|\bNCE\b|\beV\b|\bV\b", energy, re.IGNORECASE)
        found["collision_energy_unit"] = unit.group() if unit else "eV"
    value = first_number(block.get(".IONIZATIONENERGY", "$IONIZATIONENERGY", "IONIZATIONENERGY"))
    if value is not None:
        found["ionization_energy_ev"] = value
    text = block.get(".RETENTIONTIME", "RETENTIONTIME", "$RETENTIONTIME")
    value = first_number(text)
    if value is not None:
        minutes = re.search(r"min", text, re.IGNORECASE)
        found["retention_time_s"] = value * 60 if minutes else value
    return found


def structure_of(block: Block) -> dict[str, str]:
    """The structure that a block holds, as ``molblock``; empty when there is none.

    A molfile under a private label, or the atom and bond lists of JCAMP-CS 3.7 (Gasteiger et al.,
    Appl. Spectrosc. 45 (1991) 4).
    """
    for record in block.records:
        if (
            record.label in ("$MOLFILE", "MOLFILE", "$MOLBLOCK", "MOLBLOCK")
            and "M  END" in record.raw
        ):
            lines = record.raw.split("\n")
            counts = next(
                (i for i, line in enumerate(lines) if re.search(r"V[23]000\s*$", line)), None
            )
            end = next(i for i, line in enumerate(lines) if line.startswith("M  END"))
            if counts is not None and counts < end:
                header = [line.strip() for line in lines[max(0, counts - 3) : counts]]
                header = [""] * (3 - len(header)) + header
                return {"molblock": "\n".join([*header, *lines[counts : end + 1], ""])}
    if not block.get("ATOMLIST"):
        return {}
    return _connection_table(block)


def _connection_table(block: Block) -> dict[str, str]:
    atoms: dict[int, str] = {}
    for line in block.get("ATOMLIST").split("\n"):
        found = re.match(r"\s*(\d{1,4})\s+([A-Z][a-z]?)\b", line)
        if found:
            atoms[int(found.group(1))] = found.group(2)
    bonds = []
    orders = {"S": 1, "D": 2, "T": 3, "A": 4, "1": 1, "2": 2, "3": 3}
    for line in block.get("BONDLIST").split("\n"):
        found = re.match(r"\s*(\d{1,4})\s+(\d{1,4})\s+([SDTA123])", line)
        if found and int(found.group(1)) in atoms and int(found.group(2)) in atoms:
            bonds.append((int(found.group(1)), int(found.group(2)), orders[found.group(3)]))
    if not atoms or len(atoms) > 999 or len(bonds) > 999:
        return {}
    places: dict[int, tuple[float, float]] = {}
    for line in block.get("XYRASTER").split("\n"):
        found = re.match(r"\s*(\d{1,4})\s+(-?\d+)\s+(-?\d+)", line)
        if found:
            places[int(found.group(1))] = (int(found.group(2)) / 100, int(found.group(3)) / 100)
    charges = [
        (int(number), int(charge))
        for charge, number in re.findall(r"(?m)^\s*([+-]\d)\s+(\d{1,4})\b", block.get("CHARGE"))
        if int(number) in atoms
    ]
    rank = {number: i + 1 for i, number in enumerate(atoms)}
    lines = ["", "", "", f"{len(atoms):3d}{len(bonds):3d}  0  0  0  0  0  0  0  0999 V2000"]
    for number, element in atoms.items():
        x, y = places.get(number, (0.0, 0.0))
        lines.append(
            f"{x:10.4f}{y:10.4f}{0.0:10.4f} {element:<3} 0  0  0  0  0  0  0  0  0  0  0  0"
        )
    lines += [f"{rank[a]:3d}{rank[b]:3d}{order:3d}  0" for a, b, order in bonds]
    lines += [f"M  CHG  1{rank[number]:4d}{charge:4d}" for number, charge in charges]
    return {"molblock": "\n".join([*lines, "M  END", ""])}
