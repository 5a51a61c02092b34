"""File formats: one reader each, and the registry that chooses by a file's content."""

from engine.formats.errors import FormatError, Only2DError
from engine.formats.reader import Reader
from engine.formats.registry import open_many, open_spectra, open_spectra_2d

__all__ = [
    "FormatError",
    "Only2DError",
    "Reader",
    "open_many",
    "open_spectra",
    "open_spectra_2d",
]
