"""What the writers of text formats of mass spectrometry share: plain words, and the peaks."""

from __future__ import annotations

import numpy as np

from engine.spectra import Spectrum


def one_line(value: object) -> str:
    """A value as text on one line, without control characters and lone surrogates."""
    if isinstance(value, float):
        return f"{value:.12g}"
    text = " ".join(str(value).split())
    text = "".join(letter for letter in text if letter.isprintable())
    return text.encode("utf-8", "replace").decode("utf-8")


def sticks_of(spectrum: Spectrum) -> list[tuple[float, float]]:
    """The finite peaks of a stick spectrum as pairs of m/z and intensity, by rising m/z.

    Raises ``ValueError`` for what is not sticks over m/z, and where no peak is finite.
    """
    if spectrum.x_unit != "m/z":
        raise ValueError(f"peaks over m/z are needed, got {spectrum.technique}")
    if spectrum.kind != "sticks":
        raise ValueError("sticks are needed, got a profile: take its centroids first")
    spectrum = spectrum.ascending
    finite = np.isfinite(spectrum.y)
    if not finite.any():
        raise ValueError("no peak has a finite intensity")
    return list(zip(spectrum.x[finite].tolist(), spectrum.y[finite].tolist(), strict=True))
