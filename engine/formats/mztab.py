"""Knows mzTab and mzTab-M (.mztab): they hold no spectra, and the error says what they hold.

Format: HUPO-PSI "mzTab" 1.0 and "mzTab-M" 2.x. Their rows give the m/z, retention time and
abundance of features over a whole run, one value a feature, and only refer to the spectra in the
runs' own files. Drawn as sticks they would look like the spectrum of one compound and be none.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import NoReturn
from urllib.parse import unquote

from engine.formats.errors import FormatError
from engine.formats.mass_record import read_lines
from engine.formats.reader import Reader

_ROWS = {
    "SML": "small molecules", "SMF": "features", "SME": "evidence",
    "PRT": "proteins", "PEP": "peptides", "PSM": "peptide matches",
}  # fmt: skip
_MOST_RUNS_NAMED = 3


def sniff(path: Path, head: bytes) -> float:
    """Certain when a line of the head gives the version of mzTab."""
    return 1.0 if re.search(rb"^MTD\tmzTab-version\t", head, re.MULTILINE) else 0.0


def read(path: Path) -> NoReturn:
    """Raise ``FormatError`` with what the file lists and which runs hold its spectra."""
    version = "?"
    runs: list[str] = []
    counts = dict.fromkeys(_ROWS, 0)
    for line in read_lines(path):
        fields = line.split("\t", 3)
        if fields[0] in counts:
            counts[fields[0]] += 1
        elif fields[0] == "MTD" and len(fields) > 2:
            if fields[1] == "mzTab-version":
                version = fields[2].strip()
            elif re.fullmatch(r"ms_run\[\d+\]-location", fields[1]) and len(runs) < 1000:
                name = PurePosixPath(unquote(fields[2].strip()).replace("\\", "/")).name
                if name not in ("", "null"):
                    runs.append(name)
    listed = ", ".join(f"{_ROWS[key]} {count}" for key, count in counts.items() if count)
    found = f"mzTab {version}, which holds no spectra but tables (rows: {listed or 'none'})"
    if runs:
        more = len(runs) - _MOST_RUNS_NAMED
        named = ", ".join(runs[:_MOST_RUNS_NAMED]) + (f" and {more} more" if more > 0 else "")
        found += f"; open the runs that it was made from: {named}"
    raise FormatError(path, "spectra", found)


READER = Reader("mzTab", (".mztab",), sniff, read)
