"""Functional groups, structures, known bands, and spectra rendered from lists of lines."""
