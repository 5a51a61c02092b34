"""Knows formats that are not read by their first bytes, so that an error can name them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_CONVERT = "export it as JCAMP-DX or CSV"
_CONVERT_RUN = "convert it to mzML"
_UNPACK = "unpack it first"

# First bytes, the format's name, what to do.
_SPECTRA: tuple[tuple[bytes, str, str], ...] = (
    (b"Spectral Exte File", "Thermo OMNIC series (SRS)", _CONVERT),
    (b"PEPE", "PerkinElmer SP", _CONVERT),
    (b"\x89HDF\r\n\x1a\n", "HDF5", "export its spectra as JCAMP-DX, CSV or mzML"),
    (b"\x01\xa1F\0i\0n\0n\0i\0g\0a\0n\0", "Thermo RAW", _CONVERT_RUN),
    (b"\x01\x32\0\0GC / MS DATA FILE", "Agilent ChemStation MS", _CONVERT_RUN),
)
_NO_SPECTRA: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document: open the spectrum's own file"),
    (b"\x89PNG", "a PNG picture: open the spectrum's own file"),
    (b"\xff\xd8\xff", "a JPEG picture: open the spectrum's own file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"an OLE document (old Office, or Shimadzu): {_CONVERT}"),
    (b"\x1f\x8b", f"a gzip archive: {_UNPACK}"),
    (b"BZh", f"a bzip2 archive: {_UNPACK}"),
    (b"\xfd7zXZ\0", f"an xz archive: {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive: {_UNPACK}"),
    (b"Rar!\x1a\x07", f"a RAR archive: {_UNPACK}"),
    (b"VjCD0100", "a ChemDraw file: it holds a structure, no spectrum"),
)

# Root elements of XML formats.
_SPECTRA_ROOTS = {
    b"cml": ("CML", _CONVERT),
    b"animl": ("AnIML", _CONVERT),
}
_NO_SPECTRA_ROOTS = {
    b"cdxml": "a ChemDraw file: it holds a structure, no spectrum",
    b"html": "a web page: save the spectrum's file itself, not the page that shows it",
}


@dataclass(frozen=True)
class ForeignFormat:
    """A format that is known but not read; ``spectral`` when its files hold spectra."""

    found: str
    spectral: bool


def _later(name: str, advice: str) -> ForeignFormat:
    return ForeignFormat(f"{name} data; that format is not read yet ({advice})", True)


def foreign_format(path: Path, head: bytes) -> ForeignFormat | None:
    """The format of a file that is known but not read; None for any other.

    ``head`` holds the first 4096 bytes of the file, ``b""`` for a folder. Never raises.
    """
    if not head:
        return None
    text = head.removeprefix(b"\xef\xbb\xbf")
    for beginning, name, advice in _SPECTRA:
        if text.startswith(beginning):
            return _later(name, advice)
    for beginning, found in _NO_SPECTRA:
        if text.startswith(beginning):
            return ForeignFormat(found, False)
    root = _root_element(text)
    if root in _SPECTRA_ROOTS:
        return _later(*_SPECTRA_ROOTS[root])
    if root in _NO_SPECTRA_ROOTS:
        return ForeignFormat(_NO_SPECTRA_ROOTS[root], False)
    return next((form for recognises, form in _RULES if recognises(path, head)), None)


def _root_element(text: bytes) -> bytes | None:
    text = text.replace(b"\0", b"").lstrip()
    if not text.startswith(b"<"):
        return None
    found = re.search(rb"<(?:!DOCTYPE\s+)?(?:\w+:)?([A-Za-z]\w*)", text)
    return found.group(1).lower() if found else None


def _is_structure_file(path: Path, head: bytes) -> bool:
    # JCAMP-DX files hold whole molfiles beside their spectra.
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"##", b"$$")):
        return False
    if re.search(rb"\bV[23]000\s*$", head, re.MULTILINE) is None:
        return False
    try:
        with open(path, "rb") as file:
            return b"<NMREDATA_" not in file.read(1 << 20)
    except OSError:
        return True


_RULES: tuple[tuple[Callable[[Path, bytes], bool], ForeignFormat], ...] = (
    (
        _is_structure_file,
        ForeignFormat("an MDL structure file: it holds a structure, no spectrum", False),
    ),
    (
        # SQLite's application id, as engine.library.project_database writes it.
        lambda path, head: head.startswith(b"SQLite format 3\0") and head[68:72] == b"SPEC",
        ForeignFormat("a SpecGUI project: open it in the window", False),
    ),
)
