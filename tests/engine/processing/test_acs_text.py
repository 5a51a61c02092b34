"""A paper's NMR lines: printed as journals ask, and read back by the reader of such lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats.nmr_line import parse_nmr_lines
from engine.processing import Peak, apply, default_chain
from engine.processing.acs_text import STYLES, carbon_text, printed_solvent, proton_text
from engine.processing.coupling_patterns import pattern_named
from engine.processing.multiplets import Multiplet, analyse_multiplets


def of(position, multiplicity, n_h, *couplings, half=0.02):
    return Multiplet(
        position, position - half, position + half, (position - 0.1, position + 0.1),
        multiplicity, tuple(couplings), n_h,
    )  # fmt: skip


QUINOLINE = (
    of(7.4, "m", 2, half=0.034), of(9.212, "dd", 1, 4.28, 1.71), of(2.05, "br s", 1),
    of(1.2, "t", 3, 7.13), of(0.9, "d", None, 6.6),
)  # fmt: skip


def test_a_proton_line_as_it_is_printed():
    text = proton_text(QUINOLINE, 400.13, "CDCl3")
    assert text == (
        "1H NMR (400 MHz, CDCl3) δ 9.21 (dd, J = 4.3, 1.7 Hz, 1H), 7.43–7.37 (m, 2H), "
        "2.05 (br s, 1H), 1.20 (t, J = 7.1 Hz, 3H)."
    )


def test_raised_and_lowered_digits():
    labels = {3: "CH2CH3", 1: "H<2>"}
    assert proton_text(QUINOLINE[3:4], 500, "DMSO", "unicode", labels={0: "CH3"}) == (
        "¹H NMR (500 MHz, DMSO-d₆) δ 1.20 (t, J = 7.1 Hz, 3H, CH₃)."
    )
    html = proton_text(QUINOLINE, 500, "MeOD", "html", labels=labels)
    assert html.startswith("<sup>1</sup>H NMR (500 MHz, CD<sub>3</sub>OD) δ 9.21 (dd, <i>J</i> = ")
    assert "CH<sub>2</sub>CH<sub>3</sub>" in html and "H&lt;2&gt;" in html


def test_lines_without_conditions_or_protons():
    assert proton_text([of(3.1, "s", None)]) == "1H NMR δ 3.10 (s)."
    assert proton_text([]) == "" and carbon_text([]) == ""
    assert proton_text([of(-0.002, "s", 9)]) == "1H NMR δ 0.00 (s, 9H)."
    assert proton_text([of(3.0, "m", 1, half=0.001)]) == "1H NMR δ 3.00 (m, 1H)."


def test_a_carbon_line_as_it_is_printed():
    peaks = [Peak(29.84, 1, 0.1), Peak(170.233, 1, 0.1), Peak(128.54, 1, 0.1), Peak(128.49, 1, 0.1)]
    assert carbon_text(peaks, 100.61, "CDCl3") == (
        "13C NMR (101 MHz, CDCl3) δ 170.2, 128.54, 128.49, 29.8."
    )
    assert carbon_text([-62.51], 376.5, nucleus="19F") == "19F NMR (376 MHz) δ -62.5."


def test_carbons_that_look_the_same_get_a_second_decimal():
    assert carbon_text([128.54, 128.47, 21.0]) == "13C NMR δ 128.54, 128.47, 21.0."
    assert carbon_text([128.501, 128.502]) == "13C NMR δ 128.50, 128.50."


@pytest.mark.parametrize(
    ("given_name", "printed"),
    [
        ("CDCl3", "CDCl3"), ("chloroform-d", "CDCl3"), ("DMSO", "DMSO-d6"), ("MeOD", "CD3OD"),
        ("Acetone", "acetone-d6"), ("cd3od", "CD3OD"), ("C6D6", "C6D6"), ("D2O", "D2O"),
        ("liquid  crystal", "liquid crystal"), ("", ""), (None, ""),
    ],
)  # fmt: skip
def test_solvents(given_name, printed):
    assert printed_solvent(given_name) == printed


MULTIPLETS = st.lists(
    st.tuples(
        st.floats(-0.9, 14.0), st.integers(1, 18),
        st.sampled_from(["s", "d", "t", "q", "p", "sext", "sept", "dd", "dt", "td", "ddd", "ddt",
                         "tt", "qd", "br s", "m", "app t", "dsept"]),
        st.lists(st.floats(0.6, 20), min_size=3, max_size=3), st.floats(0.011, 0.3),
    ), min_size=1, max_size=12, unique_by=lambda entry: round(entry[0], 1),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(MULTIPLETS, st.sampled_from(STYLES), st.sampled_from(["CDCl3", "DMSO-d6", "CD3OD", None]))
def test_what_is_printed_is_read_back(entries, style, solvent):
    multiplets = []
    for position, n_h, name, couplings, half in entries:
        words = 0 if name in ("s", "br s", "m") else len(pattern_named(name).partners)
        multiplets.append(of(position, name, n_h, *couplings[:words], half=half))
    (spectrum,) = parse_nmr_lines(proton_text(multiplets, 600.13, solvent, style))
    assert spectrum.technique == "1H NMR" and spectrum.metadata["frequency_mhz"] == 600
    assert spectrum.metadata.get("solvent") == solvent
    ordered = sorted(multiplets, key=lambda m: -m.position)
    read = spectrum.metadata["peaks"]
    assert len(read) == len(ordered)
    for mine, theirs in zip(ordered, read, strict=True):
        assert theirs["multiplicity"] == mine.multiplicity and theirs["n_h"] == mine.n_h
        assert theirs["j_hz"] == pytest.approx(sorted(mine.j_hz, reverse=True), abs=0.051)
        assert theirs["position"] == pytest.approx(mine.position, abs=0.011)
        if mine.multiplicity == "m":
            ends = (theirs["low"], theirs["high"])
            assert ends == pytest.approx((mine.low, mine.high), abs=0.0051)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-5, 219), min_size=1, max_size=30), st.sampled_from(STYLES))
def test_carbons_are_read_back(shifts, style):
    (spectrum,) = parse_nmr_lines(carbon_text(shifts, 150.9, "CDCl3", style))
    assert spectrum.technique == "13C NMR"
    read = [peak["position"] for peak in spectrum.metadata["peaks"]]
    assert read == pytest.approx(sorted(shifts, reverse=True), abs=0.0501)


def test_another_style():
    with pytest.raises(ValueError, match="latex"):
        proton_text([], style="latex")
    with pytest.raises(ValueError, match="latex"):
        carbon_text([1.0], style="latex")


def test_aspirin_as_a_paper_prints_it(samples):
    reader = pytest.importorskip("engine.formats.registry")
    (spectrum,) = reader.open_spectra(samples / "nmr/01_bruker_1d_1H_aspirin-1h")
    spectrum = apply(default_chain(spectrum), spectrum)
    text = proton_text(
        analyse_multiplets(spectrum, protons=8),
        spectrum.metadata["frequency_mhz"],
        spectrum.metadata["solvent"],
    )
    assert text.startswith("1H NMR (300 MHz, CDCl3) δ ")
    (read,) = parse_nmr_lines(text)
    assert read.y.sum() == 8
    assert [p["multiplicity"] for p in read.metadata["peaks"]] == [
        "br s", "dd", "ddd", "td", "dd", "s",
    ]  # fmt: skip
