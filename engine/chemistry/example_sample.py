"""The example that ships, vanillin: spectra rendered from published shifts, bands and fragments.

No instrument measured these files; positions, couplings and fragment formulas are the published
ones, widths, noise, baseline and solvent lines are typical of an instrument. Rendered anew with
``python -m engine.chemistry.example_sample``; the seed is fixed, so the files come out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.chemistry.line_shapes import binned_lines
from engine.chemistry.nmr_rendering import multiplet, solvent_named
from engine.installation import resource

NAME = "Vanillin"
FORMULA = "C8H8O3"
SMILES = "COc1cc(C=O)ccc1O"
FILE_NAMES = ("vanillin-ir.jdx", "vanillin-1h.jdx", "vanillin-13c.jdx", "vanillin-msms.mgf")

_SEED = 121335  # vanillin's CAS number
_PROVENANCE = (
    "Rendered by SpecGUI from published values, not measured: see README.md beside this file."
)
_PROTON_MHZ = 400.13
_CARBON_MHZ = 100.62
_NMR_POINTS = 32_768


@dataclass(frozen=True)
class ProtonSignal:
    """A 1H signal: shift in ppm, protons, first-order couplings in Hz, line width in Hz."""

    ppm: float
    protons: float
    couplings_hz: tuple[float, ...] = ()
    width_hz: float = 0.9


# In CDCl3. Numbered as 4-hydroxy-3-methoxybenzaldehyde.
PROTON_SIGNALS = (
    ProtonSignal(9.82, 1),  # CHO
    ProtonSignal(7.43, 1, (8.0, 1.8)),  # H-6
    ProtonSignal(7.41, 1, (1.8,)),  # H-2
    ProtonSignal(7.04, 1, (8.0,)),  # H-5
    ProtonSignal(6.27, 1, (), 8.0),  # OH
    ProtonSignal(3.96, 3),  # OCH3
)

# Shift in ppm (CDCl3) and height beside a CH: a carbon without hydrogens relaxes slowly.
CARBON_SIGNALS = (
    (191.0, 0.75),  # CHO
    (151.8, 0.32),  # C-4
    (147.2, 0.30),  # C-3
    (129.8, 0.35),  # C-1
    (127.5, 1.00),  # C-6
    (114.4, 1.00),  # C-5
    (108.8, 0.95),  # C-2
    (56.1, 0.85),  # OCH3
)

# Position and width in 1/cm, absorbance at the maximum; KBr disc.
INFRARED_BANDS = (
    (3180, 270, 0.34),  # O-H, hydrogen-bonded
    (3075, 30, 0.05),  # aromatic C-H
    (3015, 25, 0.06),
    (2975, 22, 0.06),  # CH3
    (2945, 24, 0.08),
    (2862, 24, 0.07),  # CHO, with O-CH3 beside it
    (2840, 18, 0.05),
    (2740, 26, 0.06),  # CHO
    (1666, 17, 0.86),  # C=O, conjugated
    (1590, 13, 0.74),  # ring
    (1511, 11, 0.83),  # ring
    (1465, 12, 0.46),  # CH3
    (1430, 13, 0.52),
    (1373, 12, 0.14),  # CHO, in plane
    (1300, 15, 0.58),
    (1267, 16, 0.76),  # aryl-O
    (1200, 14, 0.50),
    (1172, 12, 0.52),
    (1154, 12, 0.66),
    (1123, 12, 0.46),
    (1029, 11, 0.48),  # O-CH3
    (858, 11, 0.34),  # C-H out of plane, lone H
    (813, 11, 0.38),  # C-H out of plane, two neighbours
    (733, 11, 0.48),
    (633, 11, 0.36),
    (591, 12, 0.36),
    (543, 11, 0.14),
)

# Formula (C, H, O) of each product ion of [M+H]+ and its height, base peak 100; electrospray,
# about 20 eV. The heights are rounded: they change with the instrument.
FRAGMENTS = (
    ((8, 9, 3), 22.0),  # [M+H]+
    ((7, 9, 2), 40.0),  # loss of CO
    ((7, 5, 2), 1.5),  # loss of CH3OH
    ((6, 7, 2), 8.0),  # loss of C2H2O
    ((6, 6, 2), 4.0),  # loss of CO and CH3
    ((6, 5, 1), 100.0),  # loss of CO and CH3OH
    ((6, 4, 1), 16.0),
    ((5, 5, 0), 28.0),  # further loss of CO
)
_MASSES = np.array([12.0, 1.00782503207, 15.99491461956])  # C, H, O, the lightest isotopes
_ELECTRON = 0.00054857990946


def example_files() -> list[Path]:
    """The example's spectra: IR, 1H NMR, 13C NMR and MS/MS of one compound.

    Raises ``FileNotFoundError`` when the installation lacks them.
    """
    return [resource("examples", "vanillin", name) for name in FILE_NAMES]


def write_example(folder: str | Path) -> list[Path]:
    """Render the example's files into a folder and return their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = (_infrared_file(), _proton_file(), _carbon_file(), _tandem_file())
    paths = [folder / name for name in FILE_NAMES]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="ascii", newline="\n")
    return paths


def fragment_mz(carbons: int, hydrogens: int, oxygens: int) -> float:
    """m/z of a singly charged cation CcHhOo."""
    return float(_MASSES @ [carbons, hydrogens, oxygens]) - _ELECTRON


def _lines_at(x: np.ndarray, lines: Sequence[tuple[float, float, float]], gaussian: float = 0.0):
    """Lines of (position, area, full width at half maximum) on an ascending, even grid."""
    step = x[1] - x[0]
    edges = np.append(x - step / 2, x[-1] + step / 2)
    position, area, width = np.array(lines, dtype=float).T
    return binned_lines(edges, position, area, width, gaussian)


def _infrared_file() -> str:
    rng = np.random.default_rng(_SEED)
    x = np.arange(400.0, 4001.0, 2.0)  # 4 1/cm resolution, two points each
    gaussian = 0.35
    # The area that gives a pseudo-Voigt line of width 1 the height 1.
    unit_area = 1.0 / (gaussian * 0.9394372787 + (1 - gaussian) * 2 / np.pi)
    lines = [(at, height * width * unit_area, width) for at, width, height in INFRARED_BANDS]
    absorbance = _lines_at(x, lines, gaussian)
    absorbance += 0.035 + 0.03 * (x - 400) / 3600  # a KBr disc scatters more at high wavenumbers
    absorbance += rng.normal(0, 0.0006, len(x))
    header = {
        "TITLE": f"{NAME}, IR",
        "JCAMP-DX": "4.24",
        "DATA TYPE": "INFRARED SPECTRUM",
        **_compound_records(),
        "STATE": "solid, KBr disc",
        "RESOLUTION": "4",
    }
    return _jcamp(header, x, absorbance, "1/CM", "ABSORBANCE", 1e-5)


def _proton_file() -> str:
    rng = np.random.default_rng(_SEED + 1)
    chloroform = solvent_named("CDCl3")
    signals = (
        *PROTON_SIGNALS,
        ProtonSignal(chloroform.proton[0], 0.3),
        ProtonSignal(chloroform.water, 0.25, (), 2.5),
        ProtonSignal(0.0, 0.35),  # TMS
    )
    lines = []
    for signal in signals:
        offsets, shares = multiplet([(coupling, 1) for coupling in signal.couplings_hz])
        lines += [
            (
                signal.ppm + offset / _PROTON_MHZ,
                signal.protons * share,
                signal.width_hz / _PROTON_MHZ,
            )
            for offset, share in zip(offsets, shares, strict=True)
        ]
    x = np.linspace(-1.0, 13.0, _NMR_POINTS)
    return _nmr_file(x, lines, "^1H", _PROTON_MHZ, 0.0004, rng)


def _carbon_file() -> str:
    rng = np.random.default_rng(_SEED + 2)
    width = 1.6 / _CARBON_MHZ
    lines = [(ppm, height, width) for ppm, height in CARBON_SIGNALS]
    for ppm, coupling, count in solvent_named("CDCl3").carbon:
        for place in range(count):
            offset = (place - (count - 1) / 2) * coupling / _CARBON_MHZ
            lines.append((ppm + offset, 1.4, width))
    lines.append((0.0, 0.5, width))  # TMS
    x = np.linspace(-10.0, 230.0, _NMR_POINTS)
    return _nmr_file(x, lines, "^13C", _CARBON_MHZ, 0.008, rng)


def _nmr_file(
    x: np.ndarray,
    lines: Sequence[tuple[float, float, float]],
    nucleus: str,
    frequency_mhz: float,
    noise: float,
    rng: np.random.Generator,
) -> str:
    """A JCAMP-DX text; ``noise`` is its standard deviation as a share of the highest line."""
    intensity = _lines_at(x, lines)
    intensity /= intensity.max()
    along = (x - x[0]) / (x[-1] - x[0])
    intensity += 0.001 * np.sin(2 * np.pi * (0.7 * along + 0.1))
    intensity += rng.normal(0, noise, len(x))
    header = {
        "TITLE": f"{NAME}, {nucleus[1:]} NMR",
        "JCAMP-DX": "5.01",
        "DATA TYPE": "NMR SPECTRUM",
        "DATA CLASS": "XYDATA",
        **_compound_records(),
        ".OBSERVE FREQUENCY": f"{frequency_mhz:.2f}",
        ".OBSERVE NUCLEUS": nucleus,
        ".SOLVENT NAME": "CDCl3",
        ".SHIFT REFERENCE": f"INTERNAL, TMS, {int(np.argmin(np.abs(x[::-1]))) + 1}, 0.0",
        "TEMPERATURE": "25",
    }
    # One unit of the integers is a quarter of the noise: finer digits would only store noise.
    return _jcamp(header, x[::-1], intensity[::-1], "PPM", "ARBITRARY UNITS", noise / 4)


def _compound_records() -> dict[str, str]:
    return {
        "ORIGIN": "SpecGUI example",
        "OWNER": "MIT licence",
        "NAMES": f"{NAME}; 4-hydroxy-3-methoxybenzaldehyde",
        "MOLFORM": "C8 H8 O3",
        "CAS REGISTRY NO": "121-33-5",
    }


def _jcamp(
    header: dict[str, str], x: np.ndarray, y: np.ndarray, x_unit: str, y_unit: str, y_factor: float
) -> str:
    """A JCAMP-DX text with an even x axis and integer ordinates (AFFN), lines of 80 characters."""
    ordinates = np.rint(y / y_factor).astype(int)
    y_factor_text = f"{y_factor:.6g}"
    records = [f"##{label}={value}" for label, value in header.items()]
    records[2:2] = [f"$$ {_PROVENANCE}"]
    records += [
        f"##XUNITS={x_unit}",
        f"##YUNITS={y_unit}",
        f"##FIRSTX={x[0]:.10g}",
        f"##LASTX={x[-1]:.10g}",
        f"##DELTAX={(x[-1] - x[0]) / (len(x) - 1):.10g}",
        f"##FIRSTY={ordinates[0] * float(y_factor_text):.6g}",
        f"##MAXY={ordinates.max() * float(y_factor_text):.6g}",
        f"##MINY={ordinates.min() * float(y_factor_text):.6g}",
        f"##NPOINTS={len(x)}",
        "##XFACTOR=1",
        f"##YFACTOR={y_factor_text}",
        "##XYDATA=(X++(Y..Y))",
    ]
    line = ""
    for position, ordinate in zip(x, ordinates, strict=True):
        if line and len(line) + len(f" {ordinate}") <= 80:
            line += f" {ordinate}"
            continue
        if line:
            records.append(line)
        line = f"{position:.6f} {ordinate}" if x_unit == "PPM" else f"{position:g} {ordinate}"
    return "\n".join([*records, line, "##END=", ""])


def _tandem_file() -> str:
    rng = np.random.default_rng(_SEED + 3)
    peaks = sorted((fragment_mz(*formula), height) for formula, height in FRAGMENTS)
    # A time-of-flight instrument reads m/z to a few parts per million.
    peaks = [(mz * (1 + rng.normal(0, 2e-6)), height) for mz, height in peaks]
    return "\n".join(
        [
            f"# {_PROVENANCE}",
            "BEGIN IONS",
            f"TITLE={NAME}, MS/MS of [M+H]+",
            f"PEPMASS={fragment_mz(8, 9, 3):.4f}",
            "CHARGE=1+",
            "IONMODE=positive",
            "MSLEVEL=2",
            "ADDUCT=[M+H]+",
            "COLLISION_ENERGY=20 eV",
            "SOURCE_INSTRUMENT=ESI-QTOF",
            f"NAME={NAME}",
            f"FORMULA={FORMULA}",
            f"SMILES={SMILES}",
            *(f"{mz:.4f} {height:.1f}" for mz, height in peaks),
            "END IONS",
            "",
        ]
    )


if __name__ == "__main__":
    for written in write_example(resource("examples") / "vanillin"):
        print(written)
