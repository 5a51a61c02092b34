"""JCAMP-DX files: real ones against what is known of them, and small ones for each trap."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from engine.formats.errors import FormatError
from engine.formats.jcamp import READER, read

IR = """##TITLE=Test $$ a comment
##JCAMP-DX=4.24
##DATA TYPE=INFRARED SPECTRUM
##ORIGIN=o
##OWNER=o
##X UNITS=1/CM
##Y_UNITS=ABSORBANCE
##XFACTOR=1
##YFACTOR=0.001
##FIRSTX=400
##LASTX=430
##NPOINTS=4
##XYDATA=(X++(Y..Y))
400 1 2 $$ in the data
420 3 4
##END=
"""


def write(folder: Path, text: str, name: str = "a.jdx", encoding: str = "latin-1") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def one(folder: Path, text: str):
    spectra = read(write(folder, text))
    assert len(spectra) == 1
    return spectra[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_comments_and_odd_labels(tmp_path, end):
    spectrum = one(tmp_path, IR.replace("\n", end))
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "absorbance")
    assert spectrum.x.tolist() == [400, 410, 420, 430]
    np.testing.assert_allclose(spectrum.y, [0.001, 0.002, 0.003, 0.004])
    assert spectrum.title == "Test" and spectrum.warnings == ()


def test_latin_1_and_utf_8(tmp_path):
    for encoding in ("latin-1", "utf-8"):
        path = write(tmp_path, IR.replace("Test", "Säure"), encoding=encoding)
        assert read(path)[0].title == "Säure"


def test_wrong_counts_follow_the_data(tmp_path):
    spectrum = one(tmp_path, IR.replace("NPOINTS=4", "NPOINTS=1000000000000"))
    assert len(spectrum) == 4 and any("NPOINTS" in w for w in spectrum.warnings)
    assert spectrum.x.tolist() == [400, 410, 420, 430]


def test_lastx_that_contradicts_the_lines_follows_the_lines(tmp_path):
    spectrum = one(tmp_path, IR.replace("LASTX=430", "LASTX=4000"))
    np.testing.assert_allclose(spectrum.x, [400, 410, 420, 430])
    assert any("LASTX" in w for w in spectrum.warnings)


def test_a_cut_file_keeps_the_declared_step(tmp_path):
    lines = "\n".join(f"{400 + 10 * i} 1 2" for i in range(0, 40, 2))
    text = IR.replace("400 1 2 $$ in the data\n420 3 4", lines)
    text = text.replace("430", "1390").replace("NPOINTS=4", "NPOINTS=100").replace("##END=\n", "")
    spectrum = one(tmp_path, text)
    assert len(spectrum) == 40 and spectrum.x[-1] == pytest.approx(790)


def test_micrometres_become_wavenumbers(tmp_path):
    text = IR.replace("1/CM", "MICROMETERS").replace("=400", "=2.5").replace("=430", "=4")
    text = text.replace("400 1 2", "2.5 1 2").replace("420 3", "3.5 3")
    np.testing.assert_allclose(one(tmp_path, text).x, [4000, 1e4 / 3, 1e4 / 3.5, 2500])
    mislabelled = text.replace("MICROMETERS", "1/CM")
    spectrum = one(tmp_path, mislabelled)
    np.testing.assert_allclose(spectrum.x, [4000, 1e4 / 3, 1e4 / 3.5, 2500])
    assert any("labelled 1/cm" in w for w in spectrum.warnings)


def test_percent_transmittance(tmp_path):
    percent = IR.replace("ABSORBANCE", "%T").replace("0.001", "10")
    assert one(tmp_path, percent).y.tolist() == [0.1, 0.2, 0.3, 0.4]
    unsaid = one(tmp_path, IR.replace("ABSORBANCE", "TRANSMITTANCE").replace("0.001", "10"))
    assert unsaid.y.tolist() == [0.1, 0.2, 0.3, 0.4]
    assert any("percent" in w for w in unsaid.warnings)
    fraction = one(tmp_path, IR.replace("ABSORBANCE", "TRANSMITTANCE").replace("0.001", ".2"))
    assert fraction.y[-1] == pytest.approx(0.8) and fraction.warnings == ()


def test_descending_axis_stays_descending(tmp_path):
    text = IR.replace("=400", "=430").replace("LASTX=430", "LASTX=400")
    text = text.replace("400 1 2", "430 1 2").replace("420 3", "410 3")
    assert one(tmp_path, text).x.tolist() == [430, 420, 410, 400]


def test_one_broken_block_does_not_lose_its_neighbours(tmp_path):
    broken = IR.replace("400 1 2 $$ in the data\n420 3 4", "no numbers here")
    link = (
        "##TITLE=both\n##JCAMP-DX=4.24\n##DATA TYPE=LINK\n##BLOCKS=2\n##CAS REGISTRY NO=67-64-1\n"
    )
    spectra = read(write(tmp_path, link + broken + IR + "##END=\n"))
    assert len(spectra) == 1 and spectra[0].metadata["cas"] == "67-64-1"
    assert any("block 2" in w for w in spectra[0].warnings)


def test_structure_block_goes_to_the_spectra_of_its_link(tmp_path):
    structure = (
        "##TITLE=s\n##JCAMP-CS=3.7\n##ATOMLIST=\n 1 C 3\n 2 C 2\n 3 O 1\n##BONDLIST=\n"
        " 1 2 S\n 2 3 S\n##END=\n"
    )
    spectrum = one(tmp_path, "##TITLE=l\n##DATA TYPE=LINK\n" + structure + IR + "##END=\n")
    from rdkit import Chem

    assert Chem.MolToSmiles(Chem.MolFromMolBlock(spectrum.metadata["molblock"])) == "CCO"


NMR = """##TITLE=n
##JCAMP-DX=5.01
##DATA TYPE=NMR SPECTRUM
##.OBSERVE FREQUENCY=100.5
##.OBSERVE NUCLEUS=^13C
{extra}##XUNITS=HZ
##YUNITS=ARBITRARY UNITS
##XFACTOR=1
##YFACTOR=1
##FIRSTX=20100
##LASTX=0
##NPOINTS=5
##XYDATA=(X++(Y..Y))
20100 1 2 3 4 5
##END=
"""


@pytest.mark.parametrize(
    ("extra", "first", "last"),
    [
        ("", 200.0, 0.0),
        ("##.SHIFT REFERENCE=INTERNAL, TMS, 1, 190.0\n", 190.0, -10.0),
        ("##.SHIFT REFERENCE=INTERNAL, TMS, 5, -5\n", 195.0, -5.0),
        ("##$SF=100.5\n##$OFFSET=205\n", 205.0, 5.0),
    ],
)
def test_hertz_become_ppm_with_each_kind_of_reference(tmp_path, extra, first, last):
    spectrum = one(tmp_path, NMR.format(extra=extra))
    assert spectrum.technique == "13C NMR" and spectrum.x_unit == "ppm"
    assert spectrum.x[[0, -1]] == pytest.approx([first, last])


def test_scans_of_a_mass_ntuples_block(tmp_path):
    text = """##TITLE=run
##JCAMP-DX=5.00
##DATA TYPE=MASS SPECTRUM
##DATA CLASS=NTUPLES
##NTUPLES=MASS SPECTRUM
##VAR_NAME=MASS, INTENSITY, RETENTION TIME
##SYMBOL=X, Y, T
##VAR_TYPE=INDEPENDENT, DEPENDENT, INDEPENDENT
##VAR_FORM=AFFN, AFFN, AFFN
##UNITS=M/Z, RELATIVE ABUNDANCE, MINUTES
##FACTOR=1, 1, 1
##PAGE=T=1.5
##NPOINTS=2
##DATA TABLE=(XY..XY), PEAKS
50,10; 51,20
##PAGE=T=2.0
##NPOINTS=1
##DATA TABLE=(XY..XY), PEAKS
77,100
##END NTUPLES=MASS SPECTRUM
##END=
"""
    first, second = read(write(tmp_path, text))
    assert (first.technique, first.kind, first.x.tolist()) == ("MS", "sticks", [50, 51])
    assert first.metadata["retention_time_s"] == 90 and second.metadata["retention_time_s"] == 120


def test_peak_assignments(tmp_path):
    text = (
        NMR.format(extra="")
        .split("##XYDATA")[0]
        .replace("HZ", "PPM")
        .replace("SPECTRUM", "PEAK ASSIGNMENTS")
    )
    text += "##PEAK ASSIGNMENTS=(XYMA)\n(128.5, 10, d, <C-2, C-6>)\n(20.1, 5, q, <CH3>)\n##END=\n"
    spectrum = one(tmp_path, text)
    assert spectrum.kind == "sticks" and spectrum.x.tolist() == [20.1, 128.5]
    assert spectrum.metadata["peaks"][0]["assignment"] == "C-2, C-6"


def test_what_cannot_be_shown_is_said_plainly(tmp_path, samples):
    with pytest.raises(FormatError, match="two-dimensional data"):
        read(samples / "nmr/09_jcamp/ethylbenzene_cosy_2d_ntuples.jdx")
    for text, words in (
        ("", "empty"),
        ("hello", "no labelled record"),
        ("\0\1\2##", "binary"),
        (IR.replace("INFRARED SPECTRUM", "GAS CHROMATOGRAM"), "CHROMATOGRAM"),
        (IR.split("##XYDATA")[0], "none"),
    ):
        with pytest.raises(FormatError, match=words):
            read(write(tmp_path, text))
    with pytest.raises(FormatError):
        read(tmp_path / "missing.jdx")


def test_a_huge_sparse_file_is_refused_at_once(tmp_path):
    path = tmp_path / "sparse.jdx"
    with path.open("wb") as file:
        file.write(b"##TITLE=x\n##JCAMP-DX=4.24\n")
        file.truncate(2 << 30)
    started = time.perf_counter()
    with pytest.raises(FormatError, match="MB"):
        read(path)
    assert time.perf_counter() - started < 5


def test_sniff(samples, tmp_path):
    for path in (samples / "nmr/09_jcamp").iterdir():
        assert READER.sniff(path, path.read_bytes()[:4096]) >= 0.9
    acqus = samples / "nmr/01_bruker_1d_1H_aspirin-1h/1/acqus"
    assert READER.sniff(acqus, acqus.read_bytes()[:4096]) < 0.3
    assert READER.sniff(tmp_path / "a.jdx", b"wavenumber,absorbance\n400,1\n") == 0


@pytest.mark.parametrize("source", ["ir", "fid"])
def test_cut_and_mutated_files_are_read_or_refused(tmp_path, samples, source):
    if source == "ir":
        original = (samples / "ir/01_jcamp_DIFDUP_pctT_ATR_shimadzu_caffeine.dx").read_bytes()
    else:
        whole = (samples / "nmr/09_jcamp/TESTFID.DX").read_bytes()
        original = whole[:9000] + whole[80000:90000]
    dice = random.Random(7)
    path = tmp_path / "a.dx"
    for _ in range(150):
        data = bytearray(original)
        for _ in range(dice.randrange(1, 8)):
            data[dice.randrange(len(data) if dice.random() < 0.3 else 1500)] = dice.randrange(256)
        if dice.random() < 0.5:
            data = data[: dice.randrange(len(data))]
        path.write_bytes(bytes(data))
        try:
            assert read(path)
        except FormatError:
            continue


# Real files, against what is known of the compound or printed in the file.


@pytest.mark.parametrize(
    ("name", "points", "first", "last", "y_unit", "band", "upwards"),
    [
        ("01_jcamp_DIFDUP_pctT_ATR_shimadzu_caffeine.dx",
         3320, 799.53, 4000.54, "transmittance", 1652, False),
        ("03_jcamp_edited_two_DATATYPE_keys_acetone.jdx",
         3320, 799.53, 4000.54, "transmittance", 1713, False),
        ("04_jcamp_AFFN_T01_liquid_coblentz_ethylbenzene.jdx",
         1991, 589.43, 3942.42, "transmittance", 2979, False),
        ("06_jcamp_AFFN_absorbance_gas_EPA_butylisocyanate.jdx",
         880, 450, 3966, "absorbance", 2278, True),
        ("07_jcamp_quantIR_molar_units_acetone.jdx",
         14106, 574.93, 3975.08, "(micromol/mol)-1m-1 (base 10)", 1739, True),
        ("09_jcamp_PAC_T_descending_PE1800.DX",
         3301, 4000, 700, "transmittance", 1189, False),
        ("11_jcamp_AFFN_labcalc.DX",
         3435, 249.74, 3699.74, "transmittance", 756, False),
    ],
)  # fmt: skip
def test_real_infrared(samples, name, points, first, last, y_unit, band, upwards):
    (spectrum,) = read(samples / "ir" / name)
    assert spectrum.technique == "IR" and len(spectrum) == points and spectrum.y_unit == y_unit
    assert spectrum.x[[0, -1]] == pytest.approx([first, last], abs=0.01)
    strongest = spectrum.y.argmax() if upwards else spectrum.y.argmin()
    assert spectrum.x[strongest] == pytest.approx(band, abs=1)


def test_printed_extremes_of_shimadzu(samples):
    (spectrum,) = read(samples / "ir/01_jcamp_DIFDUP_pctT_ATR_shimadzu_caffeine.dx")
    assert 100 * spectrum.y.min() == pytest.approx(76.62, abs=0.006)
    assert 100 * spectrum.y.max() == pytest.approx(103.83, abs=0.006)


def test_four_forms_of_one_spectrum_agree(samples):
    folder = samples / "nmr/09_jcamp"
    affn, pac, sqz = (read(folder / f"BRUK{form}.DX")[0] for form in ("AFFN", "PAC", "SQZ"))
    assert np.array_equal(affn.y, pac.y) and np.array_equal(affn.y, sqz.y)
    assert (affn.y.max(), affn.y.min()) == (972201806, -27593530)  # MAXY and MINY
    (dif,) = read(folder / "BRUKDIF.DX")
    assert (dif.y.max(), dif.y.min(), len(dif)) == (972201806, -27593239, 16384)


def test_aspirin_against_the_bruker_files(samples):
    (spectrum,) = read(samples / "nmr/09_jcamp/bruker_aspirin_1h.dx")
    folder = samples / "nmr/01_bruker_1d_1H_aspirin-1h-processed/1/pdata/1"
    raw = np.fromfile(folder / "1r", dtype="<i4")
    assert np.corrcoef(raw, spectrum.y)[0, 1] > 0.999
    assert spectrum.x[0] == 15.47866 and spectrum.x[-1] == pytest.approx(-0.478, abs=1e-3)
    region = (spectrum.x > 2) & (spectrum.x < 3)
    assert spectrum.x[region][spectrum.y[region].argmax()] == pytest.approx(2.29, abs=0.01)
    (fid,) = read(samples / "nmr/09_jcamp/bruker_aspirin_1h_fid_ntuples.dx")
    assert (fid.kind, fid.x_unit, len(fid)) == ("fid", "s", 8192)
    assert fid.metadata["group_delay_points"] == pytest.approx(61.0208, abs=1e-3)
    assert fid.metadata["carrier_ppm"] == pytest.approx(7.5)
    raw = np.fromfile(samples / "nmr/01_bruker_1d_1H_aspirin-1h/1/fid", dtype=">i4")[:16384]
    # The JCAMP file holds the very points of the raw file.
    np.testing.assert_array_equal(fid.y, raw[::2])
    np.testing.assert_array_equal(fid.y_imaginary, raw[1::2])


def _lines_of_fid(spectrum, count, apart):
    meta = spectrum.metadata
    height = np.abs(np.fft.fftshift(np.fft.fft(spectrum.y + 1j * spectrum.y_imaginary)))
    hertz = np.fft.fftshift(np.fft.fftfreq(len(spectrum), 1 / meta["sweep_width_hz"]))
    ppm = meta.get("carrier_ppm", 0.0) + hertz / meta["frequency_mhz"]
    found: list[float] = []
    for index in np.argsort(-height):
        if all(abs(ppm[index] - other) > apart for other in found):
            found.append(float(ppm[index]))
        if len(found) == count:
            return sorted(found)


def test_fids_turn_the_same_way(samples):
    folder = samples / "nmr/09_jcamp"
    (fid,), (spectrum,) = read(folder / "TESTFID.DX"), read(folder / "TESTSPEC.DX")
    centre = spectrum.x[len(spectrum) // 2]
    top = spectrum.x[spectrum.y.argmax()] - centre
    assert any(abs(line - top) < 0.05 for line in _lines_of_fid(fid, 1, 1.0))
    # Ethyl crotonate: 1.28 CH3, 1.87 =C-CH3, 4.17 OCH2; Oxford's file says REVERSE.
    (crotonate,) = read(folder / "oxford_benchtop_1h.jdx")
    np.testing.assert_allclose(_lines_of_fid(crotonate, 3, 0.3), [1.28, 1.95, 4.17], atol=0.15)


def test_a_relaxation_series_is_its_rows(samples):
    rows = read(samples / "nmr/09_jcamp/nanalysis_pseudo2d_T1.jdx")
    assert len(rows) == 8 and {r.kind for r in rows} == {"fid"}
    delays = [r.metadata["row_coordinate"] for r in rows]
    assert delays == [0.01, 0.0346526, 0.12008, 0.41611, 1.44193, 4.99666, 17.3147, 60]
    assert rows[0].y[0] == pytest.approx(-1936.2, abs=0.6) and len(rows[0]) == 2048
    # Inversion recovery: the first point changes its sign between the third and fourth delay.
    assert [r.y[0] > 0 for r in rows] == [False] * 3 + [True] * 5


@pytest.mark.parametrize(
    ("name", "count", "points", "base_peak"),
    [("ISAS_MS1.DX", 1, 26, 128), ("TNT_nist_webbook.jdx", 1, 116, 210),
     ("ethanol_ms.jdx", 1, 12, 31), ("shimadzu_CH4_CI.jdx", 145, 50, 243)],
)  # fmt: skip
def test_real_mass_spectra(samples, name, count, points, base_peak):
    spectra = read(samples / "ms" / name)
    first = spectra[0]
    assert len(spectra) == count and len(first) == points
    assert (first.technique, first.kind, first.x_unit) == ("MS", "sticks", "m/z")
    assert first.x[first.y.argmax()] == base_peak


def test_link_and_points(samples):
    first, second = read(samples / "ir/16_jcamp_LINK_compound.jdx")
    assert len(first) == len(second) == 2074
    assert first.y.max() == pytest.approx(0.529274) and second.y.max() == pytest.approx(1.205558)
    (visible,) = read(samples / "ir/14_jcamp_XYPOINTS_uvvis_4-nitroaniline.jdx")
    assert (visible.technique, visible.x_unit, len(visible)) == ("UV-Vis", "nm", 193)
    assert visible.x[visible.y.argmax()] == pytest.approx(368.4, abs=0.1)


def test_varian_in_ppm_agrees_with_nmrglue(samples):
    import nmrglue

    path = samples / "nmr/09_jcamp/varian_1h.jdx"
    (spectrum,) = read(path)
    _, data = nmrglue.jcampdx.read(str(path))
    np.testing.assert_allclose(np.asarray(data), spectrum.y, rtol=1e-9)
    assert spectrum.metadata["solvent"] == "CDCL3"
