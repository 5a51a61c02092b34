"""Spectra as the tensors that networks take."""
