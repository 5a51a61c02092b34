"""A sample as the window knows it: the entries of the project, by ids that survive renaming."""

from engine.library.project import RunEntry, SampleEntry, SpectrumEntry

__all__ = ["RunEntry", "SampleEntry", "SpectrumEntry"]
