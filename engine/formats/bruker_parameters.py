"""Bruker's parameter files (acqus, procs): their values, and what they say about an experiment."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.formats.errors import FormatError
from engine.formats.parameter_text import read_parameter_text

_MAX_BYTES = 4 << 20
_ENTRY = re.compile(r"^##\$?([^=\n]{1,64})=[ \t]*(.*?)(?=^##|^\$\$|\Z)", re.MULTILINE | re.DOTALL)


_RATIOS = (
    ("1H", 1.0), ("13C", 0.25145020), ("19F", 0.94094011), ("31P", 0.40480742), ("11B", 0.32083974),
    ("29Si", 0.19867187), ("15N", 0.10136767),
)  # fmt: skip


class Parameters(dict[str, str]):
    """The entries of a parameter file as text, keyed by name without the ``$``."""

    def text(self, *names: str) -> str:
        """The first of these that is set, without its angle brackets; "" when none is."""
        for name in names:
            value = self.get(name, "").strip()
            if value.startswith("<"):
                value = value[1:].split(">", 1)[0]
            value = " ".join(value.split())
            if value and value.lower() not in ("off", "none", "unknown"):
                return value
        return ""

    def number(self, *names: str) -> float | None:
        """The first of these that is a finite number, else None."""
        for name in names:
            try:
                value = float(self.get(name, "").strip())
            except ValueError:
                continue
            if math.isfinite(value):
                return value
        return None

    def positive_number(self, *names: str) -> float | None:
        """The first of these that is a finite number above 0 and below 1e12, else None."""
        for name in names:
            value = self.number(name)
            if value is not None and 1e-9 < value < 1e12:
                return value
        return None

    def integer(self, name: str) -> int | None:
        value = self.number(name)
        return None if value is None or abs(value) > 1e15 else round(value)

    def positive_integer(self, name: str) -> int | None:
        value = self.integer(name)
        return value if value is not None and value > 0 else None


def read_parameters(path: Path) -> Parameters:
    """The entries of an acqus or procs file; a file cut short gives those before the cut.

    Raises ``FormatError`` when it holds no entry or cannot be opened. nmrglue's reader is not
    used: at a string or an array that the end of the file cuts off it reads on for ever, and it
    stops at the first blank line.
    """
    text = read_parameter_text(path, _MAX_BYTES, "a readable parameter file")
    entries = Parameters()
    for name, value in _ENTRY.findall(text):
        entries.setdefault(name.strip(), value[:4096])
    if not entries:
        raise FormatError(path, "parameters as ##$NAME= value", "none")
    return entries


def read_title(path: Path | None) -> tuple[str, str]:
    """First line of a title file, and its whole text when there is more; "" where there is none."""
    if path is None:
        return "", ""
    try:
        with path.open("rb") as file:
            raw = file.read(65536)
    except OSError:
        return "", ""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = "".join(c for c in text if c.isprintable() or c in "\n\r\t")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "", ""
    return lines[0], "\n".join(lines) if len(lines) > 1 else ""


def nucleus(acqus: Parameters, procs: Parameters) -> tuple[str | None, list[str]]:
    """The observed isotope (``13C``), and a warning where no file names it but BF1 gives it away.

    Spectrometers are built so that protons resonate at a multiple of 50 MHz and 0.13 MHz: the base
    frequency divided by the isotope's ratio (IUPAC 2001) must come out there. None when not.
    """
    for value in (acqus.text("NUC1"), acqus.text("NUCLEUS"), procs.text("AXNUC")):
        found = re.fullmatch(r"(\d{1,3})([A-Z][a-z]?)", value)
        if found:
            return value, []
    base = acqus.positive_number("BF1", "SFO1") or procs.positive_number("SF")
    for isotope, ratio in _RATIOS:
        proton = (base or 0.0) / ratio
        if 150 < proton < 1300 and abs((proton - 0.13 + 25) % 50 - 25) < 0.1:
            return isotope, [f"No nucleus is named: taken for {isotope} because of {base:g} MHz."]
    return None, []


def group_delay_points(acqus: Parameters) -> tuple[float, list[str]]:
    """The delay of the digital filter in complex points, and what is doubtful about it.

    GRPDLY where the spectrometer wrote it (0 is a delay too, -1 means not set); else the value
    for DECIM and DSPFVS: DSPFVS 10 to 12 from the table that nmrglue carries, 13 by its closed
    form 3 - 1/(2 DECIM). Analogue acquisition (DIGMOD 0) has none.
    """
    if acqus.integer("DIGMOD") == 0:
        return 0.0, []
    delay = acqus.number("GRPDLY")
    # A spectrometer from before GRPDLY was introduced, or a converter, may leave a 0 beside a
    # firmware version whose filter does delay.
    firmware, decimation = acqus.integer("DSPFVS"), acqus.number("DECIM")
    old = firmware is not None and 10 <= firmware <= 13
    if delay is not None and (delay > 0 or (delay == 0 and not old)):
        if delay < 1e5:
            return delay, []
        return 0.0, [f"GRPDLY is {delay:g} points, which cannot be; no group delay was taken."]
    if firmware is None or decimation is None or decimation <= 1 or not old:
        return 0.0, []
    if firmware == 13:
        return 3.0 - 0.5 / decimation, []
    from nmrglue.fileio.bruker import bruker_dsp_table

    value = bruker_dsp_table.get(firmware, {}).get(round(decimation))
    if value is None:
        return 0.0, [
            f"No group delay is known for DSPFVS {firmware} and DECIM {decimation:g}: the "
            "spectrum may need a first-order phase of many turns."
        ]
    return float(value), []


def acquisition_metadata(acqus: Parameters, isotope: str) -> dict[str, Any]:
    """What acqus says about the measurement, under the keys of ``Spectrum.metadata``."""
    metadata: dict[str, Any] = {"nucleus": isotope}
    for key, value in (
        ("solvent", acqus.text("SOLVENT")),
        ("pulse_program", acqus.text("PULPROG")),
        ("instrument", acqus.text("INSTRUM")),
        ("probe", acqus.text("PROBHD")),
        ("frequency_mhz", acqus.positive_number("SFO1", "BF1")),
        ("scans", acqus.positive_integer("NS")),
    ):
        if value:
            metadata[key] = value
    temperature = acqus.number("TE")
    if temperature is not None and 50 < temperature < 1000:
        metadata["temperature_k"] = temperature
    seconds = acqus.integer("DATE")
    if seconds is not None and 0 < seconds < 1 << 33:
        metadata["date"] = datetime.fromtimestamp(seconds, UTC).isoformat()
    return metadata
