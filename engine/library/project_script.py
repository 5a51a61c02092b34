"""A project's edits as a Python script that needs no window."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.spectra import Spectrum

if TYPE_CHECKING:
    from engine.formats.run_file import ScanChoice
    from engine.library.project import ProjectState
    from engine.processing import Chain, Peak, SignalAnalysis

_HEADER = '''"""Repeats in Python what was done in SpecGUI."""

{imports}

project = Project()
'''
_END = """
samples = project.as_samples()
for sample in samples:
    print(sample.name, *sample.techniques, sample.structure or "", sep="\\t")
"""

# Points; longer spectra would make a script that nobody can read.
_MOST_WRITTEN_OUT = 5000

# Where each name that a line may use is found.
_HOMES = {
    "Spectrum": "engine",
    "open_spectra": "engine",
    "open_spectra_2d": "engine",
    "ScanChoice": "engine.formats.run_file",
    "read_choice": "engine.formats.run_file",
    "Assignment": "engine.library.project",
    "Project": "engine.library.project",
    "Chain": "engine.processing",
    "Integral": "engine.processing",
    "Multiplet": "engine.processing",
    "Peak": "engine.processing",
    "SignalAnalysis": "engine.processing",
    "Step": "engine.processing",
}


def script_of(state: ProjectState) -> str:
    """The script that makes the samples of a state again, from the files, and lists them."""
    lines = [action.line for action in state.history]
    body = "\n".join(lines)
    used: dict[str, list[str]] = {}
    for name, home in _HOMES.items():
        if name == "Project" or f"{name}(" in body:
            used.setdefault(home, []).append(name)
    imports = "\n".join(f"from {home} import {', '.join(used[home])}" for home in sorted(used))
    return _HEADER.format(imports=imports) + (f"\n{body}\n" if body else "") + _END


def reading(spectra: Sequence[Spectrum], files: Sequence[str | os.PathLike[str]] | None) -> str:
    """The argument, a comma first, that reads spectra again; empty without spectra.

    ``files`` are the paths that gave them; unknown, they are taken from the spectra's sources.
    What came from no file is written out when it is short, else its file has to be put in.
    """
    if not spectra:
        return ""
    if files is None:
        files = list(dict.fromkeys(s.source.path for s in spectra))
        if not all(files):
            if sum(map(len, spectra)) > _MOST_WRITTEN_OUT:
                missing = f"PUT THE FILE OF {spectra[0].title or spectra[0].technique!s} HERE"
                return f", open_spectra({missing!r})"
            return f", [{', '.join(map(_literal, spectra))}]"
    names = dict.fromkeys(openable(os.fspath(file)) for file in files)
    return ", " + " + ".join(f"open_spectra({name!r})" for name in names)


def openable(file: str) -> str:
    """The absolute path; of a member of an archive, the archive's."""
    path = whole = os.path.abspath(file)
    while not os.path.exists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path if os.path.isfile(path) else whole


def _literal(spectrum: Spectrum) -> str:
    parts = [
        repr(str(spectrum.technique)),
        _numbers(spectrum.x),
        _numbers(spectrum.y),
        repr(spectrum.x_unit),
        repr(spectrum.y_unit),
        repr(spectrum.kind),
        repr(spectrum.title),
    ]
    if spectrum.y_imaginary is not None:
        parts.append(f"y_imaginary={_numbers(spectrum.y_imaginary)}")
    return f"Spectrum({', '.join(parts)})"


def _numbers(values: np.ndarray) -> str:
    written = (repr(v) if math.isfinite(v) else f"float('{v}')" for v in values.tolist())
    return f"[{', '.join(written)}]"


def scan_text(run: str, choice: ScanChoice) -> str:
    """The arguments that read a scan, or a mean of scans, of a run and keep it."""
    parts = [f"{name}={value!r}" for name, value in choice.said.items()]
    chosen = f"ScanChoice({', '.join(parts)})"
    return f"{run!r}, {chosen}, read_choice({run!r}, {chosen})"


def chain_text(chain: Chain | None) -> str:
    """A chain as Python."""
    if chain is None:
        return "None"
    steps = [
        f"Step({step.name!r}, {dict(step.parameters)!r}{'' if step.enabled else ', enabled=False'})"
        for step in chain.steps
    ]
    return f"Chain([{', '.join(steps)}])"


def peaks_text(peaks: Iterable[Peak] | None) -> str:
    """Peaks as Python."""
    if peaks is None:
        return "None"
    return f"[{', '.join(f'Peak({p.position!r}, {p.height!r}, {p.width!r})' for p in peaks)}]"


def analysis_text(analysis: SignalAnalysis | None) -> str:
    """Integrals and multiplets as Python."""
    return repr(analysis)
