"""File formats: one reader each, and the registry that chooses by a file's content."""

from engine.formats.errors import FormatError
from engine.formats.reader import Reader
from engine.formats.registry import open_many, open_spectra

__all__ = ["FormatError", "Reader", "open_many", "open_spectra"]
