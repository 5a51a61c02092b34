"""A chemist's spectra as the network's input: what goes where, and what is said about the rest."""

from __future__ import annotations

import numpy as np
import pytest

from engine.encoding.channels import channel
from engine.encoding.sample_encoding import channel_of, encode_sample, encode_spectrum
from engine.encoding.vectors import encode_masses
from engine.formats import open_spectra
from engine.spectra import Sample, Source, Spectrum


def infrared(height=0.8, y_unit="absorbance", at=1715.0, **more):
    x = np.arange(4000, 399, -1.0)
    absorbance = height * np.exp(-0.5 * ((x - at) / 12) ** 2)
    y = absorbance if y_unit != "transmittance" else 10**-absorbance
    return Spectrum("IR", x, y, "1/cm", y_unit, **more)


def sticks(technique, x, y=None, unit="ppm", **metadata):
    y = np.ones(len(x)) if y is None else y
    return Spectrum(technique, x, y, unit, "intensity", "sticks", metadata=metadata)


def fragments(mz, intensity, **metadata):
    return sticks("MS/MS", mz, intensity, "m/z", **metadata)


# --- infrared -------------------------------------------------------------------------------------


def test_transmittance_and_absorbance_of_one_sample_encode_alike():
    absorbance, _ = encode_spectrum(infrared())
    transmittance, _ = encode_spectrum(infrared(y_unit="transmittance"))
    assert transmittance == pytest.approx(absorbance, abs=1e-6)
    assert channel("IR").centres[absorbance.argmax()] == pytest.approx(1715, abs=6)
    assert absorbance.max() == pytest.approx(0.8, abs=0.03)


def test_ascending_and_descending_files_encode_alike():
    falling = infrared()
    rising = Spectrum("IR", falling.x[::-1], falling.y[::-1], "1/cm", "absorbance")
    assert encode_spectrum(rising)[0] == pytest.approx(encode_spectrum(falling)[0])


@pytest.mark.parametrize(
    ("spectrum", "said"),
    [
        (infrared(0.8), []),
        (infrared(0.02), ["the ordinate was scaled to a maximum of 1"]),
        (infrared(40.0), ["the ordinate was scaled to a maximum of 1"]),
        (infrared(730.0, "intensity"), ["the ordinate was scaled to a maximum of 1"]),
    ],
)
def test_ordinates_that_cannot_be_absorbances_are_scaled_and_it_is_said(spectrum, said):
    encoded, remarks = encode_spectrum(spectrum)
    assert remarks == said
    assert encoded.max() == pytest.approx(1.0 if said else 0.8, abs=0.03)


def test_opaque_bands_are_said():
    spectrum = infrared(9.0, "transmittance")
    encoded, remarks = encode_spectrum(spectrum)
    assert any("let no light through" in remark for remark in remarks)
    assert encoded.max() == 1.0


def test_holes_in_a_spectrum_do_not_spread():
    whole = infrared()
    y = whole.y.copy()
    y[1000:1010] = np.nan
    torn = Spectrum("IR", whole.x, y, "1/cm", "absorbance")
    encoded, _ = encode_spectrum(torn)
    assert np.isfinite(encoded).all()
    assert encoded == pytest.approx(encode_spectrum(whole)[0], abs=0.01)


def test_a_list_of_infrared_bands_is_drawn_as_bands():
    encoded, remarks = encode_spectrum(sticks("IR", [1240.0, 1740.0, 2980.0], unit="1/cm"))
    centres = channel("IR").centres
    assert remarks == ["the ordinate was scaled to a maximum of 1"]
    for place in (1240, 1740, 2980):
        assert encoded[np.abs(centres - place) < 7].max() > 0.8
    assert encoded[np.abs(centres - 2300) < 200].max() < 0.02


# --- NMR ------------------------------------------------------------------------------------------


def test_a_sharp_line_in_a_file_and_in_a_list_encode_alike():
    x = np.linspace(-20, 240, 131072)
    half = 1.5 / 125.8 / 2
    lines = [(171.1, 1.0), (60.4, 2.0), (21.0, 2.0)]
    y = sum(area * half / np.pi / ((x - ppm) ** 2 + half**2) for ppm, area in lines)
    file = Spectrum("13C NMR", x[::-1], y[::-1], "ppm")
    places, areas = zip(*sorted(lines), strict=True)
    listed = sticks("13C NMR", places, areas, frequency_mhz=125.8)
    assert encode_spectrum(listed)[0] == pytest.approx(encode_spectrum(file)[0], abs=0.03)


def test_a_coupled_file_and_a_papers_line_encode_alike(tmp_path):
    x = np.linspace(-2, 14, 131072)
    half = 1.5 / 400.0 / 2
    y = np.zeros_like(x)
    triplet, quartet = ((-1, 1), (0, 2), (1, 1)), ((-1.5, 1), (-0.5, 3), (0.5, 3), (1.5, 1))
    for ppm, hydrogens, lines in ((1.26, 3, triplet), (2.04, 3, ((0, 1),)), (4.12, 2, quartet)):
        total = sum(share for _, share in lines)
        for step, share in lines:
            place = ppm + step * 7.1 / 400.0
            y += hydrogens * share / total * half / np.pi / ((x - place) ** 2 + half**2)
    path = tmp_path / "line.txt"
    path.write_text(
        "1H NMR (400 MHz, CDCl3) δ 4.12 (q, J = 7.1 Hz, 2H), 2.04 (s, 3H), "
        "1.26 (t, J = 7.1 Hz, 3H)."
    )
    (listed,) = open_spectra(path)
    file = Spectrum("1H NMR", x, y, "ppm")
    assert encode_spectrum(listed)[0] == pytest.approx(encode_spectrum(file)[0], abs=0.03)


def test_each_signal_of_a_papers_line_keeps_its_own_integral(tmp_path):
    path = tmp_path / "line.txt"
    path.write_text("1H NMR (400 MHz, CDCl3) δ 9.80 (s, 1H), 5.00 (s, 4H), 1.20 (s, 9H).")
    encoded, _ = encode_spectrum(open_spectra(path)[0])
    centres = channel("1H NMR").centres
    heights = [encoded[np.abs(centres - ppm) < 0.06].sum() for ppm in (9.8, 5.0, 1.2)]
    areas = [(encoded[np.abs(centres - ppm) < 0.06] ** 2).sum() for ppm in (9.8, 5.0, 1.2)]
    assert heights == sorted(heights)
    assert np.array(areas) / areas[0] == pytest.approx([1, 4, 9], rel=0.05)


@pytest.mark.parametrize(
    ("letters", "lines"),
    [("d", 2), ("t", 3), ("app t", 3), ("br q", 4), ("quint", 5), ("p", 5), ("sext", 6),
     ("sept", 7), ("hept", 7), ("m", 2)],
)  # fmt: skip
def test_the_letters_of_a_multiplet_say_how_often_it_splits(letters, lines):
    # J = 28 Hz at 400 MHz is three bins, so the lines of a multiplet stay apart.
    peaks = [{"position": 5.0, "multiplicity": letters, "j_hz": [28.0]}]
    encoded, _ = encode_spectrum(sticks("1H NMR", [5.0], frequency_mhz=400.0, peaks=peaks))
    inner = (encoded[1:-1] > encoded[:-2]) & (encoded[1:-1] >= encoded[2:]) & (encoded[1:-1] > 0.1)
    assert inner.sum() == lines


def test_peaks_that_do_not_fit_the_axis_are_taken_as_plain_lines():
    plain = encode_spectrum(sticks("1H NMR", [1.0, 2.0], frequency_mhz=400.0))[0]
    odd = [{"position": 400.0}, {"position": 800.0}]
    for peaks in ([{"position": 1.0}], ["a", "b"], [{"ppm": 1}, {"ppm": 2}], odd):
        encoded = encode_spectrum(sticks("1H NMR", [1.0, 2.0], frequency_mhz=400.0, peaks=peaks))
        assert encoded[0] == pytest.approx(plain)


def test_a_raw_fid_goes_through_the_default_processing():
    count, width, frequency = 16384, 8000.0, 400.0
    time = np.arange(count) / width
    # +800 Hz from a carrier at 4.7 ppm is 6.7 ppm, -1200 Hz is 1.7 ppm.
    signal = sum(np.exp((2j * np.pi * hertz - 2 * np.pi) * time) for hertz in (800, -1200))
    fid = Spectrum(
        "1H NMR", time, signal.real, "s", "intensity", "fid", y_imaginary=signal.imag,
        metadata={"frequency_mhz": frequency, "carrier_ppm": 4.7, "sweep_width_hz": width},
    )  # fmt: skip
    encoded, _ = encode_spectrum(fid)
    centres = channel("1H NMR").centres
    near = (np.abs(centres - 6.7) < 0.1) | (np.abs(centres - 1.7) < 0.1)
    # A line on the border of two bins is shared by them: the root of one half.
    assert encoded[np.abs(centres - 6.7) < 0.1].max() > 0.65
    assert encoded[np.abs(centres - 1.7) < 0.1].max() > 0.65
    assert encoded[~near].max() < 0.25


def test_real_files_of_nmr_and_infrared_can_be_encoded(samples):
    from engine.formats import FormatError

    encoded = 0
    for path in sorted(samples.rglob("*.jdx"))[:8] + sorted(samples.rglob("*.dx"))[:8]:
        try:
            spectra = open_spectra(path)
        except FormatError:
            continue
        for spectrum in spectra:
            if spectrum.technique in ("IR", "1H NMR", "13C NMR") and spectrum.kind != "fid":
                values, _ = encode_spectrum(spectrum)
                assert values.shape == (600,)
                assert np.isfinite(values).all()
                encoded += 1
    assert encoded > 0


# --- samples --------------------------------------------------------------------------------------


def test_every_channel_of_a_whole_sample():
    sample = Sample(
        (
            infrared(),
            sticks("1H NMR", [1.2, 3.7], frequency_mhz=400.0),
            sticks("13C NMR", [18.2, 58.0]),
            fragments([29.0, 47.0], [1.0, 0.5], polarity="positive"),
            fragments([45.0], [1.0], polarity="negative"),
        )
    )
    encoded = encode_sample(sample)
    assert set(encoded.values) == {"IR", "1H NMR", "13C NMR", "MS/MS+", "MS/MS-"}
    assert all(vector.shape == (600,) for vector in encoded.values.values())
    assert encoded.sources == {
        "IR": (0,), "1H NMR": (1,), "13C NMR": (2,), "MS/MS+": (3,), "MS/MS-": (4,),
    }  # fmt: skip
    assert encoded.warnings == ()


@pytest.mark.parametrize(
    ("technique", "unit", "words"),
    [
        ("Raman", "1/cm", "not Raman"),
        ("UV-Vis", "nm", "not UV-Vis"),
        ("19F NMR", "ppm", "not 19F NMR"),
        ("MS", "m/z", "single-stage mass spectrum"),
    ],
)
def test_a_technique_that_the_network_does_not_read_is_named(technique, unit, words):
    other = Spectrum(technique, np.arange(1.0, 9), np.ones(8), unit, title="the other")
    encoded = encode_sample(Sample((other, infrared())))
    assert list(encoded.values) == ["IR"]
    (warning,) = encoded.warnings
    assert warning.startswith("the other is not used: ")
    assert words in warning
    assert channel_of(other) is None
    with pytest.raises(ValueError, match="the network reads"):
        encode_spectrum(other)


def test_fragments_are_no_matter_for_the_encoding_of_one_spectrum():
    with pytest.raises(ValueError, match="MS/MS"):
        encode_spectrum(fragments([50.0], [1.0]))


def test_a_second_spectrum_of_one_technique_is_named_and_left():
    second = infrared(at=2200.0, title="second")
    encoded = encode_sample(Sample((infrared(), second)))
    assert encoded.sources["IR"] == (0,)
    assert encoded.values["IR"] == pytest.approx(encode_spectrum(infrared())[0])
    assert encoded.warnings == ("second is not used: another IR spectrum was read before it",)


def test_an_empty_first_spectrum_makes_room_for_the_second():
    empty = Spectrum("IR", np.arange(5000.0, 6000), np.ones(1000), "1/cm", "absorbance", title="a")
    encoded = encode_sample(Sample((empty, infrared())))
    assert encoded.sources["IR"] == (1,)
    assert encoded.warnings == ("a is not used: it holds no signal between 400 and 4000 1/cm",)


def test_spectra_of_one_polarity_and_precursor_are_merged():
    low = fragments([91.05], [1.0], precursor_mz=151.0754)
    high = fragments([65.04], [1.0], precursor_mz=151.0750)
    encoded = encode_sample(Sample((low, high)))
    assert encoded.sources == {"MS/MS+": (0, 1)}
    both = encode_masses(low.x, low.y) + encode_masses(high.x, high.y)
    assert encoded.values["MS/MS+"] == pytest.approx(both / np.linalg.norm(both))
    assert encoded.warnings == ()


def test_of_several_precursors_the_strongest_is_taken_and_it_is_said():
    weak = fragments([50.0], [1.0], precursor_mz=100.0)
    strong = fragments([91.05], [40.0], precursor_mz=151.1)
    nameless = fragments([60.0], [400.0], precursor_mz=float("nan"))
    encoded = encode_sample(Sample((weak, strong, nameless)))
    assert encoded.sources == {"MS/MS+": (1,)}
    assert encoded.values["MS/MS+"] == pytest.approx(encode_masses(strong.x, strong.y))
    (warning,) = encoded.warnings
    assert "3 MS/MS spectra of 2 precursors" in warning
    assert "151.1" in warning


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"polarity": "negative"}, "MS/MS-"),
        ({"polarity": "positive", "adduct": "[M+Cl]-"}, "MS/MS+"),
        ({"adduct": "[M-H]-"}, "MS/MS-"),
        ({"polarity": None, "adduct": "[M-H]-"}, "MS/MS-"),
        ({"polarity": None, "adduct": None}, "MS/MS+"),
        ({}, "MS/MS+"),
    ],
)
def test_the_polarity_chooses_the_channel(metadata, name):
    assert channel_of(fragments([50.0], [1.0], **metadata)) == name


def test_profile_fragments_are_centroided():
    x = np.linspace(40, 200, 16001)
    y = np.exp(-0.5 * ((x - 91.05) / 0.02) ** 2) + 0.3 * np.exp(-0.5 * ((x - 119.08) / 0.02) ** 2)
    profile = Spectrum("MS/MS", x, y, "m/z")
    expected = encode_masses(np.array([91.05, 119.08]), np.array([1.0, 0.3]))
    encoded = encode_sample(Sample(profile)).values["MS/MS+"]
    # One bin of 0.1 m/z of difference is allowed.
    assert float(encoded @ expected) > 0.99


def test_an_untitled_spectrum_is_called_by_its_file_and_not_by_its_folder():
    source = Source("/home/someone/compounds/unknown.jdx", "block 2")
    spectrum = Spectrum("Raman", [1.0, 2.0], [0.0, 1.0], "1/cm", "intensity", source=source)
    (said,) = encode_sample(Sample((spectrum,))).warnings
    assert said.startswith("unknown.jdx (block 2) is not used")


def test_nothing_that_cannot_be_used_raises():
    broken = (
        Spectrum("MS/MS", np.arange(3.0), np.ones(3), "s"),
        fragments([700.0, 800.0], [1.0, 1.0]),
        Spectrum("1H NMR", np.arange(4.0), np.full(4, np.nan), "ppm"),
        Spectrum("1H NMR", np.arange(1.0), np.ones(1), "s", kind="fid"),
        Spectrum("IR", np.array([1000.0]), np.array([1.0]), "1/cm", "absorbance"),
    )
    for spectrum in broken:
        encoded = encode_sample(Sample(spectrum))
        assert encoded.values == {}, spectrum
        assert len(encoded.warnings) == 1
        assert "is not used: " in encoded.warnings[0]
    assert encode_sample(Sample()).values == {}
