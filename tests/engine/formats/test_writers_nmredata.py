"""What is written as NMReDATA reads back: structure, signals, couplings and assignments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chemistry.structure import parse_structure
from engine.formats import nmredata, open_spectra
from engine.formats.nmredata_writer import write_nmredata
from engine.spectra import Source, Spectrum

ETHANOL = parse_structure("CCO")


def proton(peaks, **metadata) -> Spectrum:
    told = {"peaks": peaks, "frequency_mhz": 400.13} | metadata
    x = np.arange(len(peaks)) * 1.0
    return Spectrum("1H NMR", x, x * 0 + 1, "ppm", kind="sticks", metadata=told)


PEAKS = [
    {"position": 3.69, "multiplicity": "q", "j_hz": [7.1], "n_h": 2, "atoms": [1], "label": "b",
     "integral": 2.01},
    {"position": 1.22, "multiplicity": "t", "j_hz": [7.1], "n_h": 3, "atoms": [0], "label": "a"},
    {"position": 2.65, "low": 2.5, "high": 2.8, "multiplicity": "m", "n_h": 1},
]  # fmt: skip


def test_signals_and_assignments_read_back(tmp_path):
    path = tmp_path / "a.sdf"
    write_nmredata(proton(PEAKS, solvent="CDCl3", temperature_k=298.15), ETHANOL, path)
    (back,) = nmredata.read(path)
    assert back.metadata["smiles"] == "CCO"
    assert (back.metadata["solvent"], back.metadata["temperature_k"]) == ("CDCl3", 298.15)
    assert back.metadata["frequency_mhz"] == 400.13
    methyl, hydroxyl, methylene = back.metadata["peaks"]
    for read, written in ((methyl, PEAKS[1]), (methylene, PEAKS[0])):
        for key in ("position", "multiplicity", "j_hz", "n_h", "atoms", "label"):
            assert read[key] == written[key]
    assert methylene["integral"] == 2.01
    assert (hydroxyl["low"], hydroxyl["high"], hydroxyl["multiplicity"]) == (2.5, 2.8, "m")
    # Hydrogens are no atoms of this structure: the tag names the atoms that carry them.
    assert "\nb, 3.6900, H2\\\n" in path.read_text()


def test_rdkit_reads_the_record(tmp_path):
    from rdkit import Chem

    write_nmredata(proton(PEAKS), ETHANOL, tmp_path / "a.sdf")
    (molecule,) = Chem.SDMolSupplier(str(tmp_path / "a.sdf"))
    assert Chem.MolToSmiles(molecule) == "CCO"
    told = molecule.GetPropsAsDict()
    assert told["NMREDATA_VERSION"] in ("1.1\\", 1.1)
    assert "3.6900, S=q, J=7.10, N=2, L=b, E=2.01\\" in told["NMREDATA_1D_1H"]


def test_published_records_keep_their_signals(tmp_path, samples):
    for name in ("Asunaprevir", "HAN006_2a_03", "10027836"):
        spectra = open_spectra(samples / "nmr" / "14_nmredata" / f"{name}.nmredata.sdf")
        structure = parse_structure(spectra[0].metadata["molblock"])
        path = tmp_path / f"{name}.nmredata.sdf"
        write_nmredata(spectra, structure, path)
        back = nmredata.read(path)
        assert [s.technique for s in back] == [s.technique for s in spectra]
        for read, before in zip(back, spectra, strict=True):
            np.testing.assert_allclose(read.x, before.x, atol=1e-4)
            assert read.metadata["smiles"] == before.metadata["smiles"]
            assert read.metadata.get("assignments") == before.metadata.get("assignments")
            assert read.metadata.get("couplings") == before.metadata.get("couplings")
            for one, other in zip(read.metadata["peaks"], before.metadata["peaks"], strict=True):
                for key in ("multiplicity", "n_h", "atoms", "label"):
                    assert one.get(key) == other.get(key), (name, key)
                assert one["j_hz"] == pytest.approx(other["j_hz"], abs=0.006)


@st.composite
def signals(draw):
    count = draw(st.integers(1, 10))
    labels = st.text(" ,;&|=<>()\\äH-", max_size=6)
    shifts = draw(
        st.lists(
            st.integers(-20_000, 140_000), min_size=count, max_size=count, unique=True
        )
    )  # fmt: skip
    return [
        {
            "position": shift / 10_000,
            "multiplicity": draw(st.sampled_from(["s", "d", "dd", "br d", "tt"])),
            "j_hz": draw(st.lists(st.integers(50, 3000).map(lambda j: j / 100), max_size=3)),
            "n_h": draw(st.integers(1, 9)),
            "label": draw(st.just("") | labels.map(f"{number}_".__add__)),
            "atoms": draw(st.lists(st.integers(0, 1), max_size=2, unique=True)),
        }
        for number, shift in enumerate(shifts)
    ]


@settings(max_examples=80, deadline=None)
@given(signals())
def test_any_signals_read_back(tmp_path_factory, peaks):
    path = tmp_path_factory.getbasetemp() / "any.sdf"
    write_nmredata(proton(peaks), ETHANOL, path)
    (back,) = nmredata.read(path)
    told = sorted(peaks, key=lambda peak: peak["position"])
    assert len(back.metadata["peaks"]) == len(told)
    assert back.warnings == ()
    for read, written in zip(back.metadata["peaks"], told, strict=True):
        assert read["position"] == pytest.approx(written["position"], abs=1e-9)
        assert read["multiplicity"] == written["multiplicity"]
        assert read["j_hz"] == pytest.approx(written["j_hz"])
        assert read["atoms"] == sorted(written["atoms"])


def test_atoms_of_a_structure_with_its_hydrogens_are_named_as_they_are(tmp_path):
    methane = parse_structure("[H]C([H])([H])[H]")
    peak = {"position": 0.23, "n_h": 4, "atoms": [0, 2, 3, 4]}
    write_nmredata(proton([peak]), methane, tmp_path / "a.sdf")
    (back,) = nmredata.read(tmp_path / "a.sdf")
    assert back.metadata["peaks"][0]["atoms"] == [0, 2, 3, 4]
    assert back.metadata["assignments"][0]["element"] == "H"


def test_sticks_without_a_list_are_the_signals(tmp_path):
    carbon = Spectrum("13C NMR", [18.2, 58.0], [1.0, -0.5], "ppm", kind="sticks")
    write_nmredata([carbon, carbon], ETHANOL, tmp_path / "a.sdf")
    one, other = nmredata.read(tmp_path / "a.sdf")
    assert one.x.tolist() == other.x.tolist() == [18.2, 58.0]
    assert one.y.tolist() == [1, -1]
    assert one.source.block != other.source.block


def test_the_spectrum_beside_the_record_is_pointed_to(tmp_path):
    from engine.formats.jcamp_writer import write_jcamp

    x = np.linspace(5, 0, 64)
    inside = tmp_path / "data" / "h.jdx"
    inside.parent.mkdir()
    write_jcamp(Spectrum("1H NMR", x, np.exp(-x), "ppm", metadata={"frequency_mhz": 400}), inside)
    measured = Spectrum(
        "1H NMR", x, np.exp(-x), "ppm", source=Source(str(inside)), metadata={"peaks": PEAKS}
    )
    write_nmredata(measured, ETHANOL, tmp_path / "a.sdf")
    sticks, original = nmredata.read(tmp_path / "a.sdf")
    assert (sticks.kind, original.kind, len(original)) == ("sticks", "continuous", 64)
    elsewhere = tmp_path / "out" / "a.sdf"
    elsewhere.parent.mkdir()
    write_nmredata(measured, ETHANOL, elsewhere)
    assert "Location" not in elsewhere.read_text()


def test_what_is_no_record_is_refused(tmp_path):
    nothing = Spectrum("1H NMR", [1, 2, 3], [0, 1, 0], "ppm")
    infrared = Spectrum("IR", [1000, 1001], [0, 1], "1/cm", "absorbance", "sticks")
    wrong = proton([{"position": 1.0, "atoms": [3]}])
    cases = ((nothing, "no signals"), (infrared, "NMR"), (wrong, "atom 3"), ([], "needs"))
    for spectrum, word in cases:
        with pytest.raises(ValueError, match=word):
            write_nmredata(spectrum, ETHANOL, tmp_path / "a.sdf")
    assert list(tmp_path.iterdir()) == []
