"""Bruker NMR folders: where the files of an experiment lie, and what their numbers are."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.formats.bruker_parameters import Parameters, read_parameters
from engine.formats.errors import FormatError

MAX_PROCNOS = 32
"""Processed spectra of one experiment that are looked at."""

# What pulse programs of real two-dimensional experiments are called.
_INDIRECT = re.compile(
    r"cosy|hsqc|hmqc|hmbc|noesy|roesy|tocsy|mlev|dipsi|hetcor|inadequate|jres|adequate",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Experiment:
    """What lies in one experiment folder; any part may be missing."""

    folder: Path
    acqus: Parameters
    fid: Path | None
    ser: Path | None
    procnos: tuple[Path, ...]


def entry_of(folder: Path, *names: str) -> Path | None:
    """The file of the first of these names in ``folder`` that is there, whatever its case."""
    try:
        present = {
            entry.name.lower(): entry.name for entry in os.scandir(folder) if entry.is_file()
        }
    except OSError:
        return None
    for name in names:
        if name in present:
            return folder / present[name]
    return None


def holds_data(folder: Path) -> bool:
    """Whether a folder is an experiment with data, its pdata folder or one of the procnos."""
    if entry_of(folder, "acqus", "acqu"):
        if entry_of(folder, "fid", "ser"):
            return True
        # Bruker's mass spectrometers write an acqus too: without a pdata folder it is not NMR.
        return bool(procnos_of(folder / "pdata"))
    if entry_of(folder, "procs", "proc"):
        return entry_of(folder, "1r", "2rr") is not None
    return bool(procnos_of(folder if folder.name.lower() == "pdata" else folder / "pdata"))


def procnos_of(pdata: Path) -> tuple[Path, ...]:
    """The procno folders that hold data, by number."""
    try:
        folders = [e.path for e in os.scandir(pdata) if e.name.isdigit() and e.is_dir()]
    except OSError:
        return ()
    folders = [Path(f) for f in sorted(folders, key=lambda f: int(Path(f).name))[:MAX_PROCNOS]]
    return tuple(f for f in folders if entry_of(f, "1r", "2rr"))


def open_experiment(path: Path) -> tuple[Experiment, Path | None]:
    """The experiment that ``path`` belongs to, and the one procno asked for, if one was."""
    if not path.exists():
        raise FormatError(path, "a Bruker experiment folder", "nothing of that name")
    folder = path if path.is_dir() else path.parent
    only = None
    if entry_of(folder, "1r", "2rr"):
        only = folder
        if folder.parent.name.lower() == "pdata":
            folder = folder.parent.parent
    elif folder.name.lower() == "pdata":
        folder = folder.parent
    acqus = entry_of(folder, "acqus", "acqu")
    return (
        Experiment(
            folder=folder,
            acqus=read_parameters(acqus) if acqus else Parameters({}),
            fid=entry_of(folder, "fid"),
            ser=entry_of(folder, "ser"),
            procnos=procnos_of(folder / "pdata"),
        ),
        only,
    )


def sample_type(kind: int | None, big_endian: bool, declared: int, size: int) -> np.dtype:
    """The sample type that DTYPA or DTYPP names: 0 int32, 2 float64; 1 is either float."""
    order = ">" if big_endian else "<"
    if kind == 2:
        return np.dtype(order + "f8")
    if kind == 1:
        return np.dtype(order + ("f8" if size >= 8 * declared else "f4"))
    return np.dtype(order + "i4")


def raw_type(acqus: Parameters, declared: int, size: int) -> np.dtype:
    """The sample type of raw data."""
    return sample_type(acqus.integer("DTYPA"), acqus.integer("BYTORDA") == 1, declared, size)


def row_bytes(points: int, dtype: np.dtype) -> int:
    """Bytes from one row of a ser to the next, which starts on a block of 1024 (TopSpin manual)."""
    return -(-points * dtype.itemsize // 1024) * 1024


def is_pseudo_2d(experiment: Experiment) -> bool:
    """Whether the rows are 1-D experiments of their own, a delay or a gradient apart.

    The indirect dimension of such data is not Fourier transformed (FT_mod of proc2s is 0). Where
    nobody processed them, a list of the values lies beside them; but TopSpin leaves lists of
    frequencies beside any experiment, and those that are phase-sensitive along y are never arrays.
    """
    folder = experiment.folder
    if entry_of(folder, "acqu3s"):
        return False
    for procno in experiment.procnos:
        path = entry_of(procno, "proc2s", "proc2")
        if path is not None and entry_of(procno, "2rr"):
            mode = read_parameters(path).integer("FT_mod")
            if mode is not None:
                return mode == 0
    second = entry_of(folder, "acqu2s", "acqu2")
    phase_sensitive = second and (read_parameters(second).integer("FnMODE") or 0) > 2
    if phase_sensitive or _INDIRECT.search(experiment.acqus.text("PULPROG")):
        return False
    lists = ("vdlist", "vplist", "vclist", "valist", "vtlist", "difflist", "difframp", "fq1list")
    return entry_of(folder, *lists) is not None


def carrier_ppm(acqus: Parameters, reference_mhz: float) -> float | None:
    """Shift at the centre of the spectrum: (SFO1 - SF) / SF in ppm."""
    observe = acqus.positive_number("SFO1")
    if observe is None:
        base, offset = acqus.positive_number("BF1"), acqus.number("O1")
        if base is None or offset is None:
            return None
        observe = base + offset * 1e-6
    return (observe - reference_mhz) / reference_mhz * 1e6


def reference_mhz(experiment: Experiment) -> float | None:
    """SF of the lowest procno that has parameters, which may hold no spectrum (0 ppm is there)."""
    pdata = experiment.folder / "pdata"
    try:
        names = sorted((e.name for e in os.scandir(pdata) if e.name.isdigit()), key=int)
    except OSError:
        names = []
    for name in names[:MAX_PROCNOS]:
        path = entry_of(pdata / name, "procs", "proc")
        if path is not None:
            try:
                reference = read_parameters(path).positive_number("SF")
            except FormatError:
                continue  # BF1 stands in for it
            if reference is not None:
                return reference
    return None
