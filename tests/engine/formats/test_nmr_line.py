"""A paper's NMR line: what was printed comes out as shifts, couplings and counts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats.errors import FormatError
from engine.formats.nmr_line import READER, parse_nmr_lines, read


def one(text):
    (spectrum,) = parse_nmr_lines(text)
    return spectrum


@pytest.mark.parametrize(
    "text",
    [
        "13C NMR (151 MHz, CDCl3) δ 157.4, 149.8, 77.2.",
        "¹³C NMR (CDCl₃, 151 MHz): δ = 157.4, 149.8, 77.2",
        "13C{1H} NMR (151 MHz, CDCl3) delta 157.4, 149.8, 77.2 ppm.",
        "^13C-NMR (CDCl3, 151 MHz) δ (ppm): 157.4; 149.8; 77.2",
        "C-13 NMR (151 MHz, CDCl3): 157.4, 149.8 and 77.2. HRMS (ESI) m/z calcd 150.0681",
        "13C NMR (151 MHz, CDCl3) δ 157,4; 149,8; 77,2",
        "13C NMR (151 MHz, CDCl3) δ\n157.4\n149.8\n77.2\n",
    ],
)
def test_spellings_of_a_carbon_line(text):
    spectrum = one(text)
    assert (spectrum.technique, spectrum.kind, spectrum.x_unit) == ("13C NMR", "sticks", "ppm")
    assert spectrum.x.tolist() == [77.2, 149.8, 157.4]
    assert spectrum.metadata["frequency_mhz"] == 151 and spectrum.metadata["solvent"] == "CDCl3"


def test_a_proton_line():
    spectrum = one(
        "1H NMR (400 MHz, DMSO-d6) δ 9.21 (dd, J = 4.3, 1.7 Hz, 1H), 8.0–7.9 (m, 2H), "
        "2.05 (br. s., 1H, OH), 1.20 (app t, ³J(H,H) = 7.1 Hz, 3H, CH3)."
    )
    first, second, third, fourth = spectrum.metadata["peaks"]
    assert (first["position"], first["multiplicity"], first["j_hz"], first["n_h"]) == (
        9.21,
        "dd",
        [4.3, 1.7],
        1,
    )
    assert (second["position"], second["low"], second["high"], second["n_h"]) == (7.95, 7.9, 8.0, 2)
    assert (third["multiplicity"], third["label"]) == ("br s", "OH")
    assert (fourth["multiplicity"], fourth["j_hz"], fourth["n_h"]) == ("app t", [7.1], 3)
    assert spectrum.x.tolist() == [1.2, 2.05, 7.95, 9.21] and spectrum.y.tolist() == [3, 1, 2, 1]
    assert spectrum.metadata["solvent"] == "DMSO-d6"


@pytest.mark.parametrize(
    ("details", "multiplicity", "couplings", "n_h"),
    [
        ("(1H, d, J=8.0 Hz)", "d", [8.0], 1),
        ("(2H, t, J 7.6)", "t", [7.6], 2),
        ("(d, J = 6.0, 2H)", "d", [6.0], 2),
        ("(dt, J = 3.3 and 5 Hz, 1 H)", "dt", [3.3, 5.0], 1),
        ("(s, 2 × 3H)", "s", [], 6),
        (", d, J = 8.0 Hz, 2H", "d", [8.0], 2),
        ("(ddd, ³JHH = 10.1, ³JHH = 5.2, ²JHH = 2.0 Hz, 1H)", "ddd", [10.1, 5.2, 2.0], 1),
        ("[quint, J = 7.0 Hz, 2H]", "quint", [7.0], 2),
    ],
)
def test_orders_of_the_brackets(details, multiplicity, couplings, n_h):
    (peak,) = one(f"1H NMR (300 MHz, CDCl3) δ 7.26 {details}.").metadata["peaks"]
    assert (peak["multiplicity"], peak["j_hz"], peak["n_h"]) == (multiplicity, couplings, n_h)


def test_counts_labels_and_equal_shifts():
    spectrum = one(
        "13C NMR (100 MHz, CDCl3) δ 170.2 (C=O), 128.5 (2 × C), 128.4 (2C), 128.4, "
        "115.3 (d, 2JC-F = 21.5 Hz)"
    )
    peaks = spectrum.metadata["peaks"]
    assert [p["count"] for p in peaks] == [1, 2, 2, 1, 1] and peaks[0]["label"] == "C=O"
    assert peaks[-1]["j_hz"] == [21.5]
    assert spectrum.x.tolist() == pytest.approx([115.3, 128.4, 128.4001, 128.5, 170.2], abs=1e-9)
    assert sorted(spectrum.y.tolist()) == [1, 1, 1, 2, 2]


def test_several_nuclei_in_one_text(tmp_path):
    path = tmp_path / "si.txt"
    path.write_text(
        "Compound 3. 1H NMR (300 MHz, CDCl3): δ 7.30 (m, 5H), 4.65 (s, 2H); 13C{1H} NMR (75 MHz, "
        "CDCl3): "
        "δ 140.9, 128.6, 65.3; 19F NMR (376 MHz, CDCl3) δ −62.5 (s, 3F); ³¹P NMR (162 MHz) δ 29.1.",
        encoding="utf-8",
    )
    spectra = read(path)
    assert [s.technique for s in spectra] == ["1H NMR", "13C NMR", "19F NMR", "31P NMR"]
    assert [len(s) for s in spectra] == [2, 3, 1, 1]
    assert spectra[2].x[0] == -62.5 and spectra[2].y[0] == 3
    assert READER.sniff(path, path.read_bytes()) > 0.4


PROSE = (
    "",
    "nothing",
    "The 1H NMR spectrum was recorded on a Bruker instrument.",
    "We took a proton NMR at 400 MHz in CDCl3",
    "The 1H NMR was measured at 400 MHz, 298 K with 16 scans.",
    "1H NMR (400 MHz, CDCl3) was used. 16 scans were taken",
    "1H NMR (400 MHz) 16 scans",
    "1H NMR: 16 scans, 30° pulse",
    "13C NMR spectra (100 MHz) were recorded on a Bruker 400.",
    "1H NMR spectra were recorded in CDCl3 at 400 MHz: see page 12.",
    "Purity by 1H NMR: 95%",
    "1H NMR: 3.5 mg, 95%",
    "The mixture was, by 1H NMR (CDCl3), 3:1 dr",
    "1H NMR, 13C NMR and 2D NMR data: 5, 6, 7",
    "Samples for 1H NMR (500 MHz, D2O) were prepared in 5 mm tubes.",
    "1H NMR (400 MHz, CDCl3) δ 400, 500",
)


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_no_spectrum(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    assert READER.sniff(path, path.read_bytes()) == 0
    with pytest.raises(FormatError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "1H NMR (400 MHz, CDCl3) δ 7.26 (d, J = 8.0 Hz, 2H), 2.10 (s, 3H).",
        "1H NMR (400 MHz, CDCl3, 25 °C): δ=7.26 (d, 3J(H,H)=8.0 Hz, 2H; ArH), 2.10 ppm (s, 3H)",
        "δH (400 MHz; CDCl3; Me4Si) 7.26 (2 H, d, J 8.0, ArH) and 2.10 (3 H, s, Me)",
        "1H NMR (400 MHz, CDCl3), δ, ppm (J, Hz): 7.26 (2H, d, J = 8.0, H-3); 2.10 (3H, s, CH3)",
        "1H NMR, δ, ppm (400 MHz, CDCl3): 7.26 d (2H, J 8.0 Hz), 2.10 s (3H)",
        "1H NMR δ (CDCl3, 400 MHz): 7.26 (d, J = 8 Hz, 2H), 2.10 (s, 3H)",
        "RMN 1H (400 MHz, CDCl3) δ 7,26 (d, J = 8 Hz, 2H); 2,10 (s, 3H)",
        "1H NMR 400 MHz, CDCl3: 7.26 (d, J = 8 Hz, 2H), 2.10 (s, 3H)",
        "The 1H NMR spectrum (400 MHz, CDCl3) showed signals at δ 7.26 (d, J = 8 Hz, 2H) and 2.10 "
        "(s, 3H). The melting point was 120 °C.",
        "1H NMR (400MHz, CDCl3) δ7.26(d,J=8Hz,2H), 2.1(s,3H)",
    ],
)
def test_styles_of_the_journals(line):
    spectrum = one(line)
    assert spectrum.technique == "1H NMR"
    assert spectrum.x.tolist() == [2.1, 7.26] and spectrum.y.tolist() == [3, 2]
    assert [p["multiplicity"] for p in spectrum.metadata["peaks"]] == ["d", "s"]
    assert spectrum.metadata["peaks"][0]["j_hz"] == [8.0]
    assert spectrum.metadata["frequency_mhz"] == 400 and spectrum.metadata["solvent"] == "CDCl3"
    assert spectrum.warnings == ()


def test_a_bare_header_needs_decimals():
    assert one("1H NMR: 7.26 (s, 1H), 2.1 (s, 3H)").x.tolist() == [2.1, 7.26]


def test_shifts_beyond_the_window_of_the_nucleus_are_left_out():
    spectrum = one("13C NMR (101 MHz, CDCl3) δ 1700, 128.5, 21.0")
    assert spectrum.x.tolist() == [21.0, 128.5]
    assert "1700" in spectrum.warnings[0] and "-50 to 260 ppm" in spectrum.warnings[0]
    assert one("195Pt NMR (86 MHz, CDCl3) δ -4012.").x.tolist() == [-4012.0]
    assert one("1H NMR (400 MHz, C6D6) δ -12.3 (t, 1H, IrH)").x.tolist() == [-12.3]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 2200), min_size=1, max_size=30, unique=True))
def test_printed_shifts_come_back(tenths):
    shifts = [t / 10 for t in sorted(tenths, reverse=True)]
    spectrum = one("13C NMR (101 MHz, CDCl3) δ " + ", ".join(f"{s:.1f}" for s in shifts) + ".")
    assert spectrum.x.tolist() == pytest.approx(sorted(shifts))


@settings(max_examples=200, deadline=None)
@given(st.text("13CHNMR δ().,;J=z–0123456789 sdtm×\n[]", max_size=120))
def test_any_text_after_a_header_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        parse_nmr_lines("1H NMR (400 MHz) δ " + text)
