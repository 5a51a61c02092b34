"""The measurement techniques and their one spelling."""

from __future__ import annotations

import re

_NMR = re.compile(r"^(\d{1,3}[A-Z][a-z]?) NMR$")
_OTHER = ("IR", "Raman", "UV-Vis", "MS", "MS/MS")


class Technique(str):
    """A technique's name as it is spelled everywhere: files, tables, JSON and window.

    ``IR``, ``Raman``, ``UV-Vis``, ``MS`` (single stage, EI included), ``MS/MS``, or
    ``<isotope> NMR`` such as ``13C NMR``. Raises ``ValueError`` for anything else.
    """

    IR: Technique
    RAMAN: Technique
    UV_VIS: Technique
    H1_NMR: Technique
    C13_NMR: Technique
    F19_NMR: Technique
    P31_NMR: Technique
    MS: Technique
    MS_MS: Technique

    __slots__ = ()

    def __new__(cls, name: str) -> Technique:
        if name not in _OTHER and not _NMR.match(name):
            raise ValueError(
                f"unknown technique {name!r}: expected {', '.join(_OTHER)} or '<isotope> NMR'"
            )
        return super().__new__(cls, name)

    @classmethod
    def nmr(cls, nucleus: str) -> Technique:
        """The NMR technique of an isotope written as ``1H``, ``13C``, ``H1`` or ``^13^C``."""
        letters = "".join(c for c in nucleus if c.isalpha()).capitalize()
        digits = "".join(c for c in nucleus if c.isdigit())
        return cls(f"{digits}{letters} NMR")

    @property
    def nucleus(self) -> str | None:
        """The isotope (``13C``) of an NMR technique, else None."""
        found = _NMR.match(self)
        return found.group(1) if found else None

    @property
    def is_nmr(self) -> bool:
        return _NMR.match(self) is not None

    @property
    def is_mass(self) -> bool:
        return self in ("MS", "MS/MS")

    @property
    def is_vibrational(self) -> bool:
        return self in ("IR", "Raman")

    @property
    def descending_axis(self) -> bool:
        """Whether the axis is drawn high to low, left to right (ppm, and 1/cm of IR and Raman)."""
        return self.is_nmr or self.is_vibrational


Technique.IR = Technique("IR")
Technique.RAMAN = Technique("Raman")
Technique.UV_VIS = Technique("UV-Vis")
Technique.H1_NMR = Technique("1H NMR")
Technique.C13_NMR = Technique("13C NMR")
Technique.F19_NMR = Technique("19F NMR")
Technique.P31_NMR = Technique("31P NMR")
Technique.MS = Technique("MS")
Technique.MS_MS = Technique("MS/MS")
