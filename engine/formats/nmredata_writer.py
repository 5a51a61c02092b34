"""Write a structure with its NMR signals as an NMReDATA record (``.nmredata.sdf``), version 1.1.

Format: M. Pupier et al., Magn. Reson. Chem. 56 (2018) 703; tags and attributes as on nmredata.org.
One-dimensional spectra only.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.formats.jcamp_writer import write_atomically
from engine.formats.mass_writing import one_line
from engine.spectra import Spectrum

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure

VERSION = "1.1"
_SEPARATORS = re.compile(r"[,;\\&|=<>()\s]+")


def write_nmredata(
    spectra: Spectrum | Sequence[Spectrum], structure: Structure, path: str | Path
) -> None:
    """Write one record to ``path``, replacing the file in one step.

    The signals of each spectrum are its ``metadata["peaks"]`` (dicts of ``position`` in ppm and,
    where known, ``low``, ``high``, ``multiplicity``, ``j_hz``, ``n_h``, ``integral``,
    ``intensity``, ``width_hz``, ``label`` and ``atoms``), else its sticks. Their assignments are
    ``metadata["assignments"]``, as the reader of this format gives them, else made of the atoms
    that the peaks name. Atoms are numbered from 0 in the order of ``structure``. A spectrum whose
    file lies below the folder of ``path`` is pointed to.

    Raises ``ValueError`` for a spectrum that is not NMR, has no signals, or names an atom that the
    structure has not; ``OSError`` when the file cannot be written.
    """
    several = [spectra] if isinstance(spectra, Spectrum) else list(spectra)
    if not several:
        raise ValueError("an NMReDATA record needs a one-dimensional NMR spectrum")
    record = _Record(structure, Path(path))
    write_atomically(path, record.text(several))


class _Record:
    """Collects the labels of a record's signals while its spectra are written."""

    def __init__(self, structure: Structure, path: Path) -> None:
        self._structure = structure
        self._folder = path.absolute().parent
        self._elements = _elements(structure)
        # label: (shift in ppm, atoms from 0, whether they carry the nuclei that give the signal)
        self._assigned: dict[str, tuple[float, tuple[int, ...], bool]] = {}
        self._interchangeable: set[tuple[str, ...]] = set()

    def text(self, spectra: Sequence[Spectrum]) -> str:
        items = {}
        counts: Counter[str] = Counter()
        for spectrum in spectra:
            if not spectrum.technique.is_nmr or spectrum.x_unit != "ppm":
                raise ValueError(f"an NMReDATA record holds NMR spectra, got {spectrum.technique}")
            nucleus = spectrum.technique.nucleus
            counts[nucleus] += 1
            more = f"#{counts[nucleus]}" if counts[nucleus] > 1 else ""
            items[f"1D_{nucleus}{more}"] = list(self._spectrum(spectrum))
        header = {"VERSION": [VERSION], "LEVEL": ["1" if self._interchangeable else "0"]}
        for key, tag, unit in (("solvent", "SOLVENT", ""), ("temperature_k", "TEMPERATURE", " K")):
            said = {one_line(s.metadata[key]) for s in spectra if s.metadata.get(key)}
            if len(said) == 1:
                header[tag] = [said.pop().replace("\\", "/").replace(";", ",") + unit]
        header["ASSIGNMENT"] = list(self._assignments())
        couplings = list(_couplings(spectra))
        if couplings:
            header["J"] = couplings
        parts = [self._structure.molblock.rstrip("\n")]
        for tag, rows in (header | items).items():
            if rows or tag == "ASSIGNMENT":
                parts += [f">  <NMREDATA_{tag}>", *(f"{row}\\" for row in rows), ""]
        return "\n".join([*parts, "$$$$", ""])

    def _spectrum(self, spectrum: Spectrum) -> Iterable[str]:
        mhz = spectrum.metadata.get("frequency_mhz")
        if mhz:
            yield f"Larmor={float(mhz):.10g}"
        location = self._location(spectrum)
        if location:
            yield f"Spectrum_Location=file:{location}"
        program = _SEPARATORS.sub(" ", one_line(spectrum.metadata.get("pulse_program") or ""))
        if program.strip():
            yield f"Pulseprogram={program.strip()}"
        labels = self._take_assignments(spectrum)
        rows = [self._peak(spectrum, peak, labels) for peak in _signals(spectrum)]
        if not rows:
            raise ValueError(f"the {spectrum.technique} spectrum has no signals to write")
        yield from rows

    def _location(self, spectrum: Spectrum) -> str:
        """The place of the spectrum's own file below the record's folder, else ""."""
        if not spectrum.source.path or spectrum.kind == "sticks":
            return ""
        try:
            inside = Path(spectrum.source.path).absolute().relative_to(self._folder)
        except ValueError:
            return ""
        place = inside.as_posix()
        return "" if place == "." or set(";\\\n") & set(place) or ".." in inside.parts else place

    def _take_assignments(self, spectrum: Spectrum) -> dict[str, str]:
        """Keeps what the spectrum says of its assignments: their labels as they are written."""
        written = {}
        element = (spectrum.technique.nucleus or "").lstrip("0123456789")
        for entry in spectrum.metadata.get("assignments") or ():
            label = _label(entry.get("label"))
            if not label or not entry.get("atoms"):
                continue
            self._assign(label, entry["shift"], entry["atoms"], entry.get("element", element))
            written[str(entry["label"])] = label
        for entry in spectrum.metadata.get("assignments") or ():
            names = (entry.get("label"), *entry.get("interchangeable", ()))
            if len(names) > 1 and all(str(name) in written for name in names):
                self._interchangeable.add(tuple(sorted(written[str(name)] for name in names)))
        return written

    def _assign(self, label: str, shift: float, atoms: Iterable[int], element: str) -> None:
        numbers = tuple(dict.fromkeys(int(atom) for atom in atoms))
        for number in numbers:
            if not 0 <= number < len(self._elements):
                raise ValueError(
                    f"a signal is assigned to atom {number}; the structure's atoms are 0 to "
                    f"{len(self._elements) - 1}"
                )
        attached = element == "H" and any(self._elements[n] != "H" for n in numbers)
        self._assigned.setdefault(label, (float(shift), numbers, attached))

    def _assignments(self) -> Iterable[str]:
        for names in sorted(self._interchangeable):
            yield f"Interchangeable={', '.join(names)}"
        for label, (shift, numbers, attached) in self._assigned.items():
            atoms = (f"{'H' if attached else ''}{number + 1}" for number in numbers)
            yield f"{label}, {shift:.4f}, {', '.join(atoms)}"

    def _peak(self, spectrum: Spectrum, peak: Mapping[str, Any], labels: Mapping[str, str]) -> str:
        low, high = (float(peak.get(end) or peak["position"]) for end in ("low", "high"))
        multiplicity = _SEPARATORS.sub(" ", str(peak.get("multiplicity") or "")).strip()
        # A multiplet is told by its range; of a pattern with couplings the centre says more.
        ranged = multiplicity in ("m", "") and high - low >= 5e-5
        place = f"{high:.4f}-{low:.4f}" if ranged else f"{peak['position']:.4f}"
        fields = [place]
        if multiplicity:
            fields.append(f"S={'bs' if multiplicity == 'br s' else multiplicity}")
        if peak.get("j_hz"):
            partners = list(peak.get("j_partners") or [""] * len(peak["j_hz"]))
            fields.append("J=" + ",".join(map(_coupling, peak["j_hz"], partners)))
        nuclei = peak.get("n_h") or (peak.get("count") if peak.get("count", 1) > 1 else None)
        if nuclei:
            fields.append(f"N={int(nuclei)}")
        names = self._names(spectrum, peak, labels)
        if names:
            fields.append(f"L={'&'.join(names)}")
        for key, name in (("integral", "E"), ("intensity", "I"), ("width_hz", "W")):
            value = peak.get(key)
            if value is not None and math.isfinite(value):
                fields.append(f"{name}={value:.6g}")
        return ", ".join(fields)

    def _names(
        self, spectrum: Spectrum, peak: Mapping[str, Any], labels: Mapping[str, str]
    ) -> list[str]:
        """The labels of a peak; where it names atoms without one, the label is made for it."""
        told = [part.strip() for part in re.split("[,&|]", str(peak.get("label") or ""))]
        names = [labels.get(name) or _label(name) for name in told if name]
        if names and any(name in self._assigned for name in names):
            return names
        if not peak.get("atoms"):
            return names
        element = (spectrum.technique.nucleus or "").lstrip("0123456789")
        stem = names[0] if names else f"{element}{'_'.join(str(a + 1) for a in peak['atoms'])}"
        label, more = stem, 1
        while label in self._assigned:
            more += 1
            label = f"{stem}_{more}"
        self._assign(label, peak["position"], peak["atoms"], element)
        return [label]


def _signals(spectrum: Spectrum) -> list[Mapping[str, Any]]:
    peaks = spectrum.metadata.get("peaks")
    if peaks:
        return sorted(peaks, key=lambda peak: -float(peak["position"]))
    if spectrum.kind != "sticks":
        return []
    rows = zip(spectrum.x.tolist(), spectrum.y.tolist(), strict=True)
    return [
        {"position": x, "intensity": y} for x, y in sorted(rows, reverse=True) if math.isfinite(y)
    ]


def _couplings(spectra: Iterable[Spectrum]) -> Iterable[str]:
    rows = {}
    for spectrum in spectra:
        for entry in spectrum.metadata.get("couplings") or ():
            first, second = map(_label, entry["labels"])
            rows[f"{first}, {second}, {entry['j_hz']:.2f}"] = None
    return rows


def _coupling(hertz: float, partner: str) -> str:
    name = _label(partner)
    return f"{hertz:.2f}({name})" if name else f"{hertz:.2f}"


def _label(text: object) -> str:
    """A label without the characters that the format gives a meaning."""
    return _SEPARATORS.sub("_", one_line("" if text is None else text)).strip("_")


def _elements(structure: Structure) -> list[str]:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(structure.molblock, removeHs=False)
    return [atom.GetSymbol() for atom in molecule.GetAtoms()]
