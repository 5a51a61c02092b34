"""Knows formats that are not read by their first bytes, so that an error can name them."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_CONVERT = "export it as JCAMP-DX or CSV"
_CONVERT_RUN = "convert it to mzML"
_UNPACK = "unpack it first"

# First bytes, the format's name, what to do.
_SPECTRA: tuple[tuple[bytes, str, str], ...] = (
    (b"\x0a\x0a\xfe\xfe", "Bruker OPUS", _CONVERT),
    (b"Spectral Data File", "Thermo OMNIC SPA", _CONVERT),
    (b"Spectral Exte File", "Thermo OMNIC SPG", _CONVERT),
    (b"WDF1", "Renishaw WDF", _CONVERT),
    (b"PEPE", "PerkinElmer SP", _CONVERT),
    (b"JEOL.NMR", "JEOL Delta (jdf)", _CONVERT),
    (b"RMN.LEOJ", "JEOL Delta (jdf)", _CONVERT),
    (b"UCSF NMR", "Sparky", _CONVERT),
    (b"SIMP\n", "SIMPSON", _CONVERT),
    (b"SIMP\r\n", "SIMPSON", _CONVERT),
    (b"CDF\x01", "ANDI/netCDF", _CONVERT_RUN),
    (b"CDF\x02", "ANDI/netCDF", _CONVERT_RUN),
    (b"\x89HDF\r\n\x1a\n", "HDF5", "export its spectra as JCAMP-DX, CSV or mzML"),
    (b"\x01\xa1F\0i\0n\0n\0i\0g\0a\0n\0", "Thermo RAW", _CONVERT_RUN),
    (b"\x01\x32\0\0GC / MS DATA FILE", "Agilent ChemStation MS", _CONVERT_RUN),
    (b"<mzSpecLib", "mzSpecLib", "export it as MSP"),
    (b"MTD\tmzTab-", "mzTab", "open the spectra that it was made from"),
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
    b"mzdata": ("mzData", _CONVERT_RUN),
    b"nmrml": ("nmrML", _CONVERT),
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
        return _VARIAN if (path / "procpar").is_file() else None
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


def _is_mztab(path: Path, head: bytes) -> bool:
    return re.search(rb"^MTD\tmzTab-version", head, re.MULTILINE) is not None


def _is_nmrpipe(path: Path, head: bytes) -> bool:
    # FDFLTFORMAT and FDFLTORDER, the second and third of the header's 512 floats.
    return any(head[4:12] == struct.pack(f"{order}I", 0x4F6EEEEF) + struct.pack(f"{order}f", 2.345)
               for order in "<>")  # fmt: skip


def _is_spc(path: Path, head: bytes) -> bool:
    """The GRAMS header: version byte, then a point count and ends of the axis that make sense."""
    if len(head) < 256:
        return False
    version = head[1]
    if version in (0x4B, 0x4C):
        order = "<" if version == 0x4B else ">"
        points, first, last, subfiles = struct.unpack(f"{order}iddi", head[4:28])
        sound = 0 <= points < 1 << 30 and 0 <= subfiles < 1 << 24
    elif version == 0x4D:
        points, first, last = struct.unpack("<fff", head[4:16])
        sound = 1 <= points < 1 << 30
    else:
        return False
    ends = math.isfinite(first) and math.isfinite(last) and abs(first) < 1e9 and abs(last) < 1e9
    return sound and ends and all(v == 0 or abs(v) > 1e-9 for v in (first, last))


def _is_varian_fid(path: Path, head: bytes) -> bool:
    """The 32-byte header of Varian's fid: its sizes follow from one another."""
    if len(head) < 32:
        return False
    blocks, traces, points, width, trace, block = struct.unpack(">6i", head[:24])
    headers = struct.unpack(">i", head[28:32])[0]
    return (
        blocks > 0 and traces > 0 and points > 0 and width in (2, 4)
        and trace == points * width and block == traces * trace + 28 * headers
    )  # fmt: skip


def _is_procpar(path: Path, head: bytes) -> bool:
    return path.name.lower() == "procpar" and re.match(rb"\w+ \d+ \d+ \S+ \S+ ", head) is not None


def _is_structure_file(path: Path, head: bytes) -> bool:
    # JCAMP-DX files hold whole molfiles beside their spectra.
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"##", b"$$")):
        return False
    return re.search(rb"\bV[23]000\s*$", head, re.MULTILINE) is not None


def _is_nmredata(path: Path, head: bytes) -> bool:
    if not _is_structure_file(path, head):
        return False
    try:
        with open(path, "rb") as file:
            return b"<NMREDATA_" in file.read(1 << 20)
    except OSError:
        return False


_VARIAN = _later("Varian/Agilent NMR", _CONVERT)
_RULES: tuple[tuple[Callable[[Path, bytes], bool], ForeignFormat], ...] = (
    (_is_mztab, _later("mzTab", "open the spectra that it was made from")),
    (_is_nmrpipe, _later("NMRPipe", _CONVERT)),
    (_is_varian_fid, _VARIAN),
    (_is_procpar, _VARIAN),
    (_is_spc, _later("GRAMS SPC", _CONVERT)),
    (_is_nmredata, _later("NMReDATA", _CONVERT)),
    (
        _is_structure_file,
        ForeignFormat("an MDL structure file: it holds a structure, no spectrum", False),
    ),
)
