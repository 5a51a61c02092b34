"""NMReDATA records: published ones against their spectra and structures, small ones as written."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.errors import FormatError
from engine.formats.nmredata import READER
from engine.formats.nmredata_tags import lines
from engine.processing.peaks import pick_peaks

ETHANOL = """ethanol
  hand

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.2990    0.7500    0.0000 C   0  0
    2.5981    0.0000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
M  END
"""
JCAMP = """##TITLE=measured
##JCAMP-DX=5.01
##DATA TYPE=NMR SPECTRUM
##.OBSERVE FREQUENCY=400.0
##.OBSERVE NUCLEUS=^1H
##XUNITS=PPM
##YUNITS=ARBITRARY UNITS
##FIRSTX=4
##LASTX=0
##NPOINTS=5
##XFACTOR=1
##YFACTOR=1
##FIRSTY=1
##XYDATA=(X++(Y..Y))
4 1 2 3 2 1
##END=
"""


def record(*, structure: str = ETHANOL, **items: str) -> str:
    """An SDF record: a structure and items named without their common beginning."""
    text = structure
    for name, lines_of_it in items.items():
        tag = name.removeprefix("_")
        ended = "\n".join(f"{line}\\" for line in lines_of_it.strip().split("\n"))
        text += f">  <NMREDATA_{tag}>\n{ended}\n\n"
    return text + "$$$$\n"


ASSIGNED = "a, 1.18, H1\nb, 3.65, H2\nc, 17.9, 1\nd, 58.0, 2\ne, 2.61, H3"
PROTON = (
    "Larmor=400.13\nPulseprogram=zg30\n3.65, S=q, J=7.0(a), L=b, E=20.1\n"
    "1.18, S=t, J=7.0(b), L=a\n2.61, S=bs, L=e"
)


def write(folder: Path, name: str = "a.nmredata.sdf", **items: str) -> Path:
    items = {"VERSION": "1.1", "SOLVENT": "CDCl3", "ASSIGNMENT": ASSIGNED, "_1D_1H": PROTON} | items
    path = folder / name
    path.write_text(record(**items))
    return path


def test_peaks_are_sticks_with_their_atoms(tmp_path):
    (spectrum,) = READER.read(write(tmp_path, TEMPERATURE="300.5 K", J="a, b, 7.02"))
    assert spectrum.technique == "1H NMR" and spectrum.kind == "sticks"
    np.testing.assert_allclose(spectrum.x, [1.18, 2.61, 3.65])
    np.testing.assert_array_equal(spectrum.y, [3, 1, 2])  # CH3, OH, CH2
    assert [p["multiplicity"] for p in spectrum.metadata["peaks"]] == ["t", "br s", "q"]
    assert spectrum.title == "ethanol" and spectrum.source.block == "1D_1H"
    meta = spectrum.metadata
    assert meta["smiles"] == "CCO" and meta["formula"] == "C2H6O" and "M  END" in meta["molblock"]
    assert meta["frequency_mhz"] == 400.13 and meta["pulse_program"] == "zg30"
    assert meta["solvent"] == "CDCl3" and meta["temperature_k"] == 300.5
    assert meta["couplings"] == [{"labels": ["a", "b"], "j_hz": 7.02}]
    first = meta["peaks"][0]
    assert first["position"] == 1.18 and first["multiplicity"] == "t" and first["j_hz"] == [7.0]
    assert first["n_h"] == 3 and first["atoms"] == [0] and first["label"] == "a"
    assert first["j_partners"] == ["b"]
    assert meta["assignments"] == [
        {"label": "a", "shift": 1.18, "element": "H", "atoms": [0], "count": 3},
        {"label": "b", "shift": 3.65, "element": "H", "atoms": [1], "count": 2},
        {"label": "e", "shift": 2.61, "element": "H", "atoms": [2], "count": 1},
    ]


def test_carbons_and_signs(tmp_path):
    dept = "Larmor=100.6\nPulseprogram=dept135\n58.0, L=d, I=-95.1\n17.9, L=c, I=80.2"
    proton, carbon = READER.read(write(tmp_path, **{"_1D_13C#2": dept}))
    assert (proton.technique, carbon.technique) == ("1H NMR", "13C NMR")
    np.testing.assert_array_equal(carbon.y, [1, -1])
    assert [entry["atoms"] for entry in carbon.metadata["assignments"]] == [[0], [1]]
    assert carbon.source.block == "1D_13C#2"
    assert carbon.metadata["peaks"][1]["intensity"] == -95.1


def test_hydrogens_that_are_atoms_count_themselves(tmp_path):
    structure = (
        "m\n\n\n  5  4  0  0  0  0  0  0  0  0999 V2000\n"
        + "".join(f"{i:10.4f}{0:10.4f}{0:10.4f} {e:<3} 0  0\n" for i, e in enumerate("CHHHH"))
        + "".join(f"  1{i:3d}  1  0\n" for i in range(2, 6))
        + "M  END\n"
    )
    path = tmp_path / "a.sdf"
    path.write_text(
        record(structure=structure, ASSIGNMENT="x, 0.2, 2, 3, 4, 5", _1D_1H="0.2, S=s, L=x")
    )
    (spectrum,) = READER.read(path)
    assert spectrum.y[0] == 4 and spectrum.metadata["peaks"][0]["atoms"] == [1, 2, 3, 4]
    assert spectrum.metadata["assignments"][0]["element"] == "H"


def test_ranges_equal_shifts_and_several_labels(tmp_path):
    peaks = "3.60-3.70, S=m, L=a, b\n3.65, L=e\n1.18, L=a&b"
    (spectrum,) = READER.read(write(tmp_path, _1D_1H=peaks))
    np.testing.assert_allclose(spectrum.x, [1.18, 3.65, 3.6501])
    (broad,) = [peak for peak in spectrum.metadata["peaks"] if peak["low"] == 3.6]
    assert (broad["position"], broad["high"], broad["n_h"]) == (3.65, 3.7, 5)
    assert broad["atoms"] == [0, 1]
    assert spectrum.metadata["peaks"][0]["atoms"] == [0, 1]


def test_signals_of_one_atom_share_its_hydrogens(tmp_path):
    assigned = "b1, 3.6, H2\nb2, 3.7, H2\nInterchangeable=b1, b2"
    path = write(tmp_path, ASSIGNMENT=assigned, _1D_1H="3.6, L=b1\n3.7, L=b2")
    (spectrum,) = READER.read(path)
    np.testing.assert_array_equal(spectrum.y, [1, 1])
    assert spectrum.metadata["assignments"][0]["interchangeable"] == ["b2"]


def test_comments_and_line_ends(tmp_path):
    assert list(lines("a, 1.13\n01, H3\\\nb, 2; about b\\\n;all of it\n3, 4\\ ;after\n5, 6\\")) == [
        "a, 1.1301, H3", "b, 2", "3, 4", "5, 6",
    ]  # fmt: skip
    assert list(lines("Larmor=400\n1.2, L=a\n\n")) == ["Larmor=400", "1.2, L=a"]


def test_without_1d_spectra_the_assignments_are_shown(tmp_path):
    path = tmp_path / "a.sdf"
    path.write_text(record(ASSIGNMENT=ASSIGNED, _2D_13C_1J_1H="CorrType=HSQC\nc/a"))
    proton, carbon = READER.read(path)
    np.testing.assert_allclose(carbon.x, [17.9, 58.0])
    np.testing.assert_allclose(proton.x, [1.18, 2.61, 3.65])
    assert "no 1-D spectrum" in proton.warnings[0]


def test_two_dimensional_records_are_named(tmp_path):
    path = tmp_path / "a.sdf"
    path.write_text(record(_2D_13C_1J_1H="CorrType=HSQC\n58.0/3.65"))
    with pytest.raises(FormatError, match="two-dimensional data, which are not shown yet"):
        READER.read(path)


def test_what_is_wrong_is_said_and_the_rest_is_read(tmp_path):
    assigned = ASSIGNED + "\nf, 9.9, 77\nnonsense"
    (spectrum,) = READER.read(write(tmp_path, ASSIGNMENT=assigned, **{"_1D_13C": "Larmor=100"}))
    (warning,) = spectrum.warnings
    for words in ("'f, 9.9, 77' names an atom", "'nonsense' cannot be read", "1D_13C lists no"):
        assert words in warning
    impossible = ETHANOL.replace(" O ", " F ").replace("  3  2  0", "  3  3  0")
    impossible = impossible.replace("  2  3  1  0", "  2  3  1  0\n  1  3  1  0")
    path = tmp_path / "b.sdf"
    path.write_text(record(structure=impossible, _1D_1H="1.2, S=s, N=3"))
    (spectrum,) = READER.read(path)
    assert "structure is not used" in spectrum.warnings[-1] and "smiles" not in spectrum.metadata
    np.testing.assert_array_equal(spectrum.y, [3])


def test_records_of_several_compounds(tmp_path):
    path = tmp_path / "a.sdf"
    plain = ETHANOL + "$$$$\n"
    path.write_text(record(_1D_1H="1.2, N=3") + plain + record(_1D_1H="2.2, N=1"))
    spectra = READER.read(path)
    assert [s.source.block for s in spectra] == ["record 1 1D_1H", "record 2 1D_1H"]


# --- the spectra that a record points to ---------------------------------------------------------


@pytest.mark.parametrize("key", ["Spectrum_Location", "Jcamp_Location", "jcamp_location"])
def test_a_spectrum_below_the_record_comes_with_it(tmp_path, key):
    (tmp_path / "spectra").mkdir()
    (tmp_path / "spectra" / "h.jdx").write_text(JCAMP)
    path = write(tmp_path, _1D_1H=f"{key}=file:spectra/h.jdx\n" + PROTON)
    sticks, measured = READER.read(path)
    assert (sticks.kind, measured.kind) == ("sticks", "continuous")
    assert measured.source.path == str(tmp_path / "spectra" / "h.jdx")
    assert measured.metadata["smiles"] == "CCO" and measured.metadata["solvent"] == "CDCl3"
    # In a folder or an archive the spectrum is met twice and given once.
    assert len(open_spectra(tmp_path)) == 2
    with zipfile.ZipFile(tmp_path.parent / f"{tmp_path.name}.zip", "w") as archive:
        for file in tmp_path.rglob("*.*"):
            if file.is_file():
                archive.write(file, file.relative_to(tmp_path))
    assert len(open_spectra(archive.filename)) == 2


@pytest.mark.parametrize(
    "place",
    ["file:../outside/h.jdx", "/outside/h.jdx", "file:///outside/h.jdx", "https://nmr.org/h.jdx",
     "file:undefined", "file:.", "file:", "file:in/../../outside/h.jdx", "C:\\outside\\h.jdx",
     "file:link.jdx", "file:a.nmredata.sdf", "file:folder", "file:nul\0"],
)  # fmt: skip
def test_what_a_record_may_not_point_to(tmp_path, place):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (inside / "folder").mkdir(parents=True)
    (outside / "h.jdx").write_text(JCAMP)
    (inside / "folder" / "h.jdx").write_text(JCAMP)
    if hasattr(os, "symlink"):
        (inside / "link.jdx").symlink_to(outside / "h.jdx")
    place = place.replace("/outside", str(outside)) if place.startswith("/") else place
    path = write(inside, _1D_1H=f"Spectrum_Location={place}\n" + PROTON)
    begun = time.monotonic()
    (spectrum,) = READER.read(path)
    assert spectrum.kind == "sticks"
    assert time.monotonic() - begun < 5


def test_a_broken_spectrum_does_not_lose_the_peaks(tmp_path):
    (tmp_path / "h.jdx").write_text(JCAMP.replace("4 1 2 3 2 1", ""))
    path = write(tmp_path, _1D_1H="Spectrum_Location=file:h.jdx\n" + PROTON)
    (spectrum,) = READER.read(path)
    assert "h.jdx" in spectrum.warnings[0]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(0, 900), place=st.integers(0, 900), junk=st.binary(max_size=20))
def test_cut_or_changed_anywhere(tmp_path, cut, place, junk):
    data = record(ASSIGNMENT=ASSIGNED, J="a, b, 7", _1D_1H=PROTON, _1D_13C="58.0, L=d").encode()
    path = tmp_path / "cut.sdf"
    path.write_bytes((data[:place] + junk + data[place + len(junk) :])[:cut])
    try:
        assert READER.read(path)
    except FormatError as error:
        assert "expected" in str(error)


# --- published records --------------------------------------------------------------------------

FOLDER = "nmr/14_nmredata"


@pytest.mark.parametrize(
    ("name", "formula", "counts"),
    [
        ("10027836.nmredata.sdf", "C12H18O5", {"1H NMR": 16}),
        ("Asunaprevir.nmredata.sdf", "C35H46ClN5O9S", {"1H NMR": 15, "13C NMR": 35}),
        ("HAN006_2a_03.nmredata.sdf", "C38H62N12O14", {"1H NMR": 20}),
    ],
)
def test_published_records(samples, name, formula, counts):
    spectra = open_spectra(samples / FOLDER / name)
    assert {str(s.technique): len(s) for s in spectra} == counts
    for spectrum in spectra:
        assert spectrum.metadata["formula"] == formula
        assert spectrum.metadata["solvent"] in ("CDCl3", "DMSO", "(CD3)2CO")
        from rdkit import Chem

        molecule = Chem.MolFromMolBlock(spectrum.metadata["molblock"], removeHs=False)
        for entry in spectrum.metadata["assignments"]:
            elements = {molecule.GetAtomWithIdx(a).GetSymbol() for a in entry["atoms"]}
            if entry["element"] == "C":
                assert elements == {"C"}
    # Every hydrogen on carbon is listed in this one: 18 hydrogens in all.
    if name.startswith("10027836"):
        assert spectra[0].y.sum() == 18


def test_arborinine_with_the_spectra_that_the_record_points_to(samples, tmp_path):
    archive = samples / FOLDER / "arborinine_1D_assignments.zip"
    spectra = open_spectra(archive)
    kinds = [(s.kind, str(s.technique)) for s in spectra]
    techniques = ["1H NMR", "13C NMR", "13C NMR"]
    assert kinds == [("sticks", t) for t in techniques] + [("continuous", t) for t in techniques]
    proton, carbon = spectra[0], spectra[1]
    assert proton.y.sum() == 15 and proton.metadata["formula"] == "C16H15NO4"
    assert len(carbon) == 16
    # The peaks of the record stand in TopSpin's spectra of the same experiments.
    for sticks, measured in ((proton, spectra[3]), (carbon, spectra[4])):
        assert measured.metadata["smiles"] == sticks.metadata["smiles"]
        lines_there = np.array([peak.position for peak in pick_peaks(measured)])
        # A proton's multiplet has its middle between lines: at most 12 Hz away.
        allowed = 0.025 if sticks is proton else 0.02
        for shift in sticks.x:
            assert np.min(np.abs(lines_there - shift)) < allowed
    # The record by itself, unpacked, gives the same.
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    (alone,) = tmp_path.glob("*.sdf")
    assert [s.kind for s in open_spectra(alone)] == [s.kind for s in spectra]
    shutil.rmtree(tmp_path / "dj_ca_2017_ernestin_EN4")
    assert [s.kind for s in open_spectra(alone)] == ["sticks"] * 3
