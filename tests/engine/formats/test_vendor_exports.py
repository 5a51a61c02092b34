"""Files as vendors' programs export them: technique, axis, values and units come out right."""

from __future__ import annotations

import time

import numpy as np
import pytest

from engine.formats import FormatError, open_spectra

WAVENUMBERS = np.linspace(4000.0, 400.0, 301)
PERCENT = 90.0 - 60.0 * np.exp(-(((WAVENUMBERS - 1700.0) / 25.0) ** 2))
SHIFTS = np.linspace(14.0, -2.0, 1024)
LINES = 1000.0 / (1.0 + ((SHIFTS - 7.26) / 0.02) ** 2)


def opened(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return open_spectra(path)


def affn(x, y):
    return "\n".join(
        f"{x[i]:.4f} " + " ".join(f"{v:.0f}" for v in y[i : i + 6]) for i in range(0, len(x), 6)
    )


def jcamp(table, **labels):
    header = {
        "TITLE": "sample", "JCAMP-DX": "4.24", "DATA TYPE": "INFRARED SPECTRUM", "XUNITS": "1/CM",
        "YUNITS": "%T", "XFACTOR": "1", "YFACTOR": "0.0001", "FIRSTX": "4000", "LASTX": "400",
        "NPOINTS": "301",
    }  # fmt: skip
    header |= {key.replace("_", " "): value for key, value in labels.items()}
    lines = [f"##{key}={value}" for key, value in header.items() if value is not None]
    return "\n".join([*lines, "##XYDATA=(X++(Y..Y))", table, "##END=", ""])


def is_the_infrared_spectrum(spectrum, axis=WAVENUMBERS):
    assert (spectrum.technique, spectrum.x_unit) == ("IR", "1/cm")
    assert (spectrum.y_unit, spectrum.kind) == ("transmittance", "continuous")
    np.testing.assert_allclose(spectrum.x, axis, atol=1e-2)
    np.testing.assert_allclose(spectrum.y, PERCENT / 100, atol=2e-6)


def test_jcamp_in_percent_as_perkinelmer_writes_it(tmp_path):
    (spectrum,) = opened(tmp_path, "a.dx", jcamp(affn(WAVENUMBERS, PERCENT * 1e4)))
    is_the_infrared_spectrum(spectrum)
    assert spectrum.warnings == ()


def test_jcamp_without_lastx_and_npoints_has_no_false_warning(tmp_path):
    labels = {"LASTX": None, "NPOINTS": None, "DELTAX": "-12"}
    (spectrum,) = opened(tmp_path, "a.dx", jcamp(affn(WAVENUMBERS, PERCENT * 1e4), **labels))
    is_the_infrared_spectrum(spectrum)
    assert spectrum.warnings == ()


def test_jcamp_whose_header_runs_the_other_way_than_its_lines(tmp_path):
    labels = {"FIRSTX": "400", "LASTX": "4000"}
    (spectrum,) = opened(tmp_path, "a.dx", jcamp(affn(WAVENUMBERS, PERCENT * 1e4), **labels))
    is_the_infrared_spectrum(spectrum)
    assert "contradict" in spectrum.warnings[0]


def test_jcamp_gas_phase_in_micrometres_with_a_wrong_deltax(tmp_path):
    x = np.linspace(2.0, 15.9, 140)
    y = np.round(1000 - 600 * np.exp(-(((x - 5.8) / 0.1) ** 2)))
    labels = {
        "XUNITS": "MICROMETERS", "YUNITS": "TRANSMITTANCE", "YFACTOR": "0.001", "FIRSTX": "2.0",
        "LASTX": "15.9", "DELTAX": "000.011626", "NPOINTS": "140", "MOLFORM": "C3 H6 O",
        "STATE": "GAS (200 mmHg DILUTED TO A TOTAL PRESSURE OF 760 mmHg)",
        "CAS_REGISTRY_NO": "67-64-1",
    }  # fmt: skip
    (spectrum,) = opened(tmp_path, "a.jdx", jcamp(affn(x, y), **labels))
    assert (spectrum.x_unit, spectrum.y_unit) == ("1/cm", "transmittance")
    np.testing.assert_allclose(spectrum.x, 1e4 / x)
    np.testing.assert_allclose(spectrum.y, y / 1000)
    said = spectrum.metadata
    assert (said["phase"], said["cas"], said["formula"]) == ("gas", "67-64-1", "C3H6O")
    assert spectrum.warnings == ("DELTAX says 0.011626 but the step is 0.1",)


def test_jcamp_with_tabs_comments_and_without_an_end(tmp_path):
    table = affn(WAVENUMBERS, PERCENT * 1e4).replace(" ", "\t").replace("\n", " $$ 12 points\r\n")
    text = jcamp("$$ a comment 1 2 3\n" + table).replace("##END=\n", "")
    (spectrum,) = opened(tmp_path, "a.jdx", text)
    is_the_infrared_spectrum(spectrum)


@pytest.mark.parametrize("word", ["NaN", "nan", "inf", "-INF", "1.#QNAN"])
def test_jcamp_words_for_no_number_are_not_squeezed_digits(tmp_path, word):
    labels = {"FIRSTX": "1000", "LASTX": "1003", "NPOINTS": "4", "YUNITS": "ABSORBANCE"}
    (spectrum,) = opened(tmp_path, "a.jdx", jcamp(f"1000 5000 {word} 7000 8000", **labels))
    assert spectrum.x.tolist() == [1000, 1002, 1003]
    np.testing.assert_allclose(spectrum.y, [0.5, 0.7, 0.8])
    assert spectrum.warnings == ("points that are not finite, left out: 1",)


MOLFILE = """
  drawn

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.0000    0.0000    0.0000 C   0  0
    2.0000    0.0000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
M  END
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("ended", [True, False])
def test_jcamp_link_of_a_structure_a_mass_and_an_infrared_spectrum(tmp_path, end, ended):
    text = (
        "##TITLE=ethanol\n##JCAMP-DX=5.01\n##DATA TYPE=LINK\n##BLOCKS=4\n##MOLFORM=C2 H6 O\n"
        f"##TITLE=structure\n##JCAMP-CS=3.7\n##BLOCK_ID=1\n##$MOLFILE=\n{MOLFILE}##END=\n"
        "##TITLE=MS\n##JCAMP-DX=5.00\n##DATA TYPE=MASS SPECTRUM\n##.IONIZATION MODE=EI+\n"
        "##XUNITS=M/Z\n##YUNITS=RELATIVE ABUNDANCE\n##NPOINTS=4\n##PEAK TABLE=(XY..XY)\n"
        "27,224 29,234\n31,1000 45,515\n##END=\n"
        + jcamp(affn(WAVENUMBERS, PERCENT * 1e4))
        + "##END=\n"
    )
    text = text if ended else text.replace("##END=\n", "")
    mass, infrared = opened(tmp_path, "a.jdx", text.replace("\n", end))
    assert (mass.technique, mass.metadata["ionization"]) == ("MS", "EI")
    assert mass.x.tolist() == [27, 29, 31, 45] and mass.y.tolist() == [224, 234, 1000, 515]
    is_the_infrared_spectrum(infrared)
    for spectrum in (mass, infrared):
        assert spectrum.metadata["formula"] == "C2H6O"
        assert spectrum.metadata["molblock"].endswith("M  END\n")


def columns(x, y, separator=",", form="{:.4f}", comma=False):
    rows = [separator.join((form.format(a), form.format(b))) for a, b in zip(x, y, strict=True)]
    text = "\n".join(rows)
    return text.replace(".", ",") if comma else text


@pytest.mark.parametrize(
    "content",
    [
        "PerkinElmer Spectrum,,\nTitle,Aspirin\n\ncm-1,%T\n" + columns(WAVENUMBERS, PERCENT),
        "cm-1;%T\r\n" + columns(WAVENUMBERS, PERCENT, ";", comma=True),
        "sep=;\nWavenumber (cm-1);Transmittance (%)\n"
        + columns(WAVENUMBERS, PERCENT, ";", comma=True),
        '\ufeff"Wavenumber (cm-1)","Transmittance (%)"\r\n'
        + columns(WAVENUMBERS, PERCENT, form='"{:.4f}"'),
        '"cm-1","%T"\n' + columns(WAVENUMBERS, PERCENT, form='"{:,.4f}"'),
        '"cm-1","%T"\n'
        + columns(WAVENUMBERS, PERCENT, "|", '"{:.4f}"', comma=True).replace("|", ","),
        ("Wavenumber (cm-1)\tTransmittance (%)\r\n" + columns(WAVENUMBERS, PERCENT, "\t")).encode(
            "utf-16"
        ),
        b"\xfe\xff"
        + ("cm-1;%T\r\n" + columns(WAVENUMBERS, PERCENT, ";", comma=True)).encode("utf-16-be"),
        "TITLE\tx\nDATA TYPE\tINFRARED SPECTRUM\nORIGIN\tJASCO\nXUNITS\t1/CM\nYUNITS\t%T\n"
        "FIRSTX\t4000\nNPOINTS\t301\nXYDATA\n"
        + columns(WAVENUMBERS, PERCENT, "\t")
        + "\n\n##### Extended Information\n[Comments]\n",
    ],
)
def test_tables_in_percent_transmittance(tmp_path, content):
    (spectrum,) = opened(tmp_path, "a.csv", content)
    assert (spectrum.technique, spectrum.x_unit) == ("IR", "1/cm")
    assert spectrum.y_unit == "transmittance" and len(spectrum) == len(WAVENUMBERS)
    np.testing.assert_allclose(spectrum.x, WAVENUMBERS, atol=1e-4)
    np.testing.assert_allclose(spectrum.y, PERCENT / 100, atol=1e-6)


def test_the_axis_repeated_before_every_spectrum(tmp_path):
    x = np.arange(800.0, 189.0, -1.0)
    y = 0.8 * np.exp(-(((x - 273.0) / 15.0) ** 2))
    rows = "\n".join(f"{a:.2f},{b:.6f},{a:.2f},{2 * b:.6f}" for a, b in zip(x, y, strict=True))
    header = "Sample1,,Sample2,\nWavelength (nm),Abs,Wavelength (nm),Abs\n"
    first, second = opened(tmp_path, "a.csv", header + rows)
    assert first.technique == second.technique == "UV-Vis"
    np.testing.assert_allclose(second.x, x)
    np.testing.assert_allclose(second.y, 2 * y, atol=1e-6)
    assert first.source.block == "column 2" and second.source.block == "column 4"


def test_a_running_number_before_the_axis_is_no_axis(tmp_path):
    rows = "\n".join(f"{i};{785 + i / 10:.2f};{100 + 2 * i};{60 + i % 7}" for i in range(400))
    header = (
        "File Version;BWSpec4\nlaser_wavelength;785\nPixel;Wavelength;Raman Shift;Raw data #1\n"
    )
    (raman,) = opened(tmp_path, "a.txt", header + rows)
    assert (raman.technique, raman.x[0], raman.x[-1]) == ("Raman", 100, 898)
    text = "#,m/z,z,Abund\n1,110.0713,1,12.5\n2,138.0662,1,100\n3,195.0877,1,55.5\n"
    (mass,) = opened(tmp_path, "b.csv", text)
    assert (mass.technique, mass.kind) == ("MS", "sticks")
    assert mass.x.tolist() == [110.0713, 138.0662, 195.0877] and mass.y.tolist() == [
        12.5,
        100,
        55.5,
    ]


def test_shift_real_and_imaginary_part_without_a_header(tmp_path):
    rows = "\n".join(f"{a:.6f}\t{b:.6f}\t{-b / 3:.6f}" for a, b in zip(SHIFTS, LINES, strict=True))
    (spectrum,) = opened(tmp_path, "a.txt", rows)
    assert (spectrum.technique, spectrum.kind) == ("1H NMR", "continuous")
    np.testing.assert_allclose(spectrum.x, SHIFTS, atol=1e-6)
    np.testing.assert_allclose(spectrum.y_imaginary, -LINES / 3, atol=1e-5)


def test_mgf_as_it_comes(tmp_path):
    text = "BEGIN IONS\nPEPMASS=195.0877\nCHARGE=2-\n110 1\n\nEND IONS\n"
    (whole,) = opened(tmp_path, "a.mgf", "\ufeff" + text)
    assert whole.warnings == ()  # a blank line before END IONS is no cut
    assert (whole.metadata["charge"], whole.metadata["polarity"]) == (-2, "negative")
    (cut,) = opened(tmp_path, "b.mgf", text.replace("\nEND IONS\n", ""))
    assert "END IONS is missing" in cut.warnings[0]
    (silent,) = opened(tmp_path, "c.mgf", text.replace("PEPMASS=195.0877\n", ""))
    assert silent.technique == "MS/MS" and "PEPMASS" in silent.warnings[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("line.jdx", jcamp("1000 " + "1 " * 8_000_000)),
        ("labels.jdx", "##TITLE=x\n" + "##A=\n" * 2_000_000),
        ("rows.csv", "400;1\n401;2\n" * 2_000_000),
        ("wide.csv", ("1," * 900 + "1\n") * 8_000),
        ("quotes.csv", "cm-1,A\n" + '",' * 400_000 + "\n4000,1\n3999,1\n"),
        ("shifts.txt", "1H NMR (400 MHz, CDCl3) δ " + "7.26, " * 500_000),
        ("headers.txt", "1H NMR (400 MHz, CDCl3) δ 7.26 (s, 1H) " * 90_000),
        ("brackets.txt", "1H NMR (400 MHz, CDCl3) δ 7.26 " + "(" * 4_000_000),
        ("records.msp", "Name: x\nNum Peaks: 1\n1 1\n\n" * 60_000),
        ("blocks.mgf", "BEGIN IONS\nPEPMASS=3\n1 1\nEND IONS\n" * 60_000),
    ],
)
def test_endless_text_is_answered_in_time(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    begun = time.process_time()  # not the clock on the wall: the machine may be busy
    try:
        assert open_spectra(path)
    except FormatError as error:
        assert "\n" not in str(error)
    assert time.process_time() - begun < 5


def test_an_error_is_one_line(tmp_path):
    error = FormatError("a\nb.jdx", "this\n  and that", "a\x1b[2J\r\nb")
    assert str(error) == "a b.jdx: expected this and that, found a�[2J b"
