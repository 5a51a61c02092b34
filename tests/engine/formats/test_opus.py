"""Bruker OPUS files give their result spectrum, else the single channel, or say what they hold."""

from __future__ import annotations

import struct
import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, open_spectra, opus

POINTS = 40
X = np.linspace(4000.0, 400.0, POINTS)
ABSORBANCE = 0.02 + 0.8 * np.exp(-(((X - 1700.0) / 90.0) ** 2))

# Fields of a block's type: measurement, kind of parameters, kind of data.
SAMPLE, REFERENCE, RATIO = 1 << 2, 2 << 2, 3 << 2
STATUS, INSTRUMENT, ACQUISITION, OPTICS, ORIGIN = (n << 4 for n in (1, 2, 3, 6, 10))
SINGLE, INTERFEROGRAM, AB, TR, RAMAN, DIRECTORY = (n << 10 for n in (1, 2, 4, 5, 10, 13))
AMPLITUDE = 3
SERIES = 2 << 19


def parameters(**said):
    parts = []
    for name, value in said.items():
        if isinstance(value, int):
            kind, raw = 0, struct.pack("<i", value)
        elif isinstance(value, float):
            kind, raw = 1, struct.pack("<d", value)
        else:
            raw = value.encode("cp1252") + b"\0"
            kind, raw = 2, raw + b"\0" * (len(raw) % 2)
        parts.append(name.encode() + b"\0" + struct.pack("<HH", kind, len(raw) // 2) + raw)
    raw = b"".join(parts) + b"END\0" + bytes(4)
    return raw + bytes(-len(raw) % 4)


def status(y=ABSORBANCE, **said):
    return parameters(**{
        "DPF": 1, "NPT": len(y), "FXV": 4000.0, "LXV": 400.0, "CSF": 1.0,
        "MXY": float(np.max(y)), "MNY": float(np.min(y)), "DXU": "WN",
        "DAT": "06/02/2020", "TIM": "13:09:58.095 (GMT+1)",
    } | said)  # fmt: skip


def opus_file(*blocks):
    """Blocks as ``(type, bytes)``, or ``(type, bytes, offset, words)`` where these lie."""
    at = 24 + 12 * (len(blocks) + 1)
    entries = [struct.pack("<Iii", DIRECTORY, 3 * (len(blocks) + 1), 24)]
    body = b""
    for code, raw, *lie in blocks:
        place, words = lie or (at, len(raw) // 4)
        entries.append(struct.pack("<Iii", code, words, place))
        body += raw
        at += len(raw)
    start = struct.pack("<4sdiii", b"\n\n\xfe\xfe", 920622.0, 24, 40, len(entries))
    return start + b"".join(entries) + body


def data(y, factor=1.0):
    return (np.asarray(y) / factor).astype("<f4").tobytes()


def pair(code, y=ABSORBANCE, **said):
    return (code, data(y, said.get("CSF", 1.0))), (code | STATUS, status(y, **said))


ORIGIN_BLOCK = (ORIGIN, parameters(SNM="Thymol in µm", SFM="KBr pellet", CNM="x", CPG=1252))
ABOUT = (
    ORIGIN_BLOCK,
    (INSTRUMENT, parameters(INS="TENSOR 27", ASS=32, RLW=9393.6)),
    (OPTICS, parameters(ACC="ATR platinum", DTC="RT-DLaTGS", BMS="KBr", SRC="MIR")),
    (ACQUISITION, parameters(RES=4.0, NSS=64, PLF="AB")),
    (REFERENCE | INSTRUMENT, parameters(INS="the reference's", ASS=16)),
)
SAMPLE_CHANNEL = pair(AMPLITUDE | SAMPLE | SINGLE, 10.0**-ABSORBANCE)
REFERENCE_CHANNEL = pair(AMPLITUDE | REFERENCE | SINGLE, np.ones(POINTS))
INTERFEROGRAMS = pair(AMPLITUDE | SAMPLE | INTERFEROGRAM, np.cos(np.arange(90.0)), DXU="PNT")
RESULT = pair(AMPLITUDE | RATIO | AB)


def opened(folder, *blocks):
    path = folder / "a.0"
    path.write_bytes(opus_file(*blocks))
    return open_spectra(path)


def test_the_result_spectrum_is_preferred(tmp_path):
    (spectrum,) = opened(
        tmp_path, *INTERFEROGRAMS, *SAMPLE_CHANNEL, *RESULT, *ABOUT, *REFERENCE_CHANNEL
    )
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "absorbance")
    np.testing.assert_allclose(spectrum.x, X)
    np.testing.assert_allclose(spectrum.y, ABSORBANCE, rtol=1e-6)
    assert spectrum.source.block == "AB" and spectrum.warnings == ()
    assert spectrum.title == "Thymol in µm"
    assert dict(spectrum.metadata) == {
        "date": "2020-02-06T13:09:58+01:00", "instrument": "TENSOR 27", "scans": 32,
        "accessory": "ATR platinum", "detector": "RT-DLaTGS", "beam_splitter": "KBr",
        "light_source": "MIR", "resolution_per_cm": 4.0, "sample_form": "KBr pellet",
        "phase": "solid",
    }  # fmt: skip


def test_without_a_result_the_sample_s_single_channel(tmp_path):
    (spectrum,) = opened(tmp_path, *REFERENCE_CHANNEL, *SAMPLE_CHANNEL)
    assert (spectrum.source.block, spectrum.y_unit) == ("ScSm", "intensity")
    np.testing.assert_allclose(spectrum.y, 10.0**-ABSORBANCE, rtol=1e-6)
    assert "not divided by its background" in spectrum.warnings[0]


def test_a_background_alone(tmp_path):
    (spectrum,) = opened(tmp_path, *REFERENCE_CHANNEL)
    assert spectrum.source.block == "ScRf"


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (TR, {}, ("IR", "1/cm", "transmittance")),
        (6 << 10, {}, ("IR", "1/cm", "kubelka-munk")),
        (12 << 10, {}, ("IR", "1/cm", "reflectance")),
        (16 << 10, {}, ("IR", "1/cm", "absorbance")),
        (AB, {"DXU": "MI", "FXV": 2.5, "LXV": 25.0}, ("IR", "1/cm", "absorbance")),
        (RAMAN, {"FXV": 3500.0, "LXV": 50.0}, ("Raman", "1/cm", "intensity")),
    ],
)
def test_kinds_of_results(tmp_path, code, said, expected):
    (spectrum,) = opened(tmp_path, *pair(AMPLITUDE | RATIO | code, **said))
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == expected


def test_absolute_wavenumbers_of_a_raman_spectrum_become_shifts(tmp_path):
    said = {"FXV": 9393.6, "LXV": 5893.6}
    (spectrum,) = opened(tmp_path, *pair(AMPLITUDE | RATIO | RAMAN, **said), *ABOUT)
    np.testing.assert_allclose(spectrum.x[[0, -1]], [0.0, 3500.0], atol=1e-6)
    assert spectrum.metadata["laser_wavelength_nm"] == pytest.approx(1064.55, abs=0.01)
    assert "Raman shift" in spectrum.warnings[0]


def test_the_scaling_factor_and_whole_numbers(tmp_path):
    (spectrum,) = opened(tmp_path, *pair(AMPLITUDE | RATIO | AB, CSF=0.25))
    np.testing.assert_allclose(spectrum.y, ABSORBANCE, rtol=1e-6)
    whole = np.arange(POINTS, dtype="<i4") * 1000
    blocks = (AB | RATIO, whole.tobytes()), (AB | RATIO | STATUS, status(whole, DPF=2, CSF=1e-3))
    (spectrum,) = opened(tmp_path, *blocks)
    np.testing.assert_allclose(spectrum.y, np.arange(POINTS))


def test_two_results_of_one_kind_find_their_descriptions(tmp_path):
    shifted = ABSORBANCE + 1.0
    first, first_status = pair(AMPLITUDE | RATIO | AB, FXV=3000.0)
    second, second_status = pair(AMPLITUDE | RATIO | AB, shifted, FXV=2000.0)
    spectra = opened(tmp_path, first, second, second_status, first_status)
    assert [(s.source.block, s.x[0]) for s in spectra] == [("AB 1", 3000.0), ("AB 2", 2000.0)]
    np.testing.assert_allclose(spectra[1].y, shifted, rtol=1e-6)


def test_a_broken_result_does_not_lose_the_other(tmp_path):
    broken, its_status = pair(AMPLITUDE | RATIO | TR, NPT=1 << 28)
    (spectrum,) = opened(tmp_path, broken, its_status, *RESULT)
    assert spectrum.y_unit == "absorbance"
    assert "1 of 2 spectra could not be read: spectrum 1" in spectrum.warnings[0]
    assert "points in a block of 160 bytes" in spectrum.warnings[0]


def test_parameters_out_of_reach_are_said(tmp_path):
    (spectrum,) = opened(tmp_path, *RESULT, (OPTICS, b"", 1 << 30, 20))
    assert "1 blocks of parameters could not be read" in spectrum.warnings[0]


def test_a_cut_file_gives_what_is_there(tmp_path):
    path = tmp_path / "a.0"
    content = opus_file(RESULT[1], RESULT[0])
    path.write_bytes(content[:-20])
    (spectrum,) = open_spectra(path)
    assert len(spectrum) == POINTS - 5 and "cut short" in spectrum.warnings[0]
    np.testing.assert_allclose(spectrum.x, X[:-5])


@pytest.mark.parametrize(
    ("blocks", "found"),
    [
        (INTERFEROGRAMS, "an interferogram"),
        (((AMPLITUDE | RATIO | AB | SERIES, bytes(80)),), "a series of spectra"),
        (ABOUT, "only parameters"),
        ((RESULT[0],), "description of AB"),
        (pair(AB | RATIO, DXU="LGW"), "LGW"),
        (pair(AB | RATIO, FXV=float("nan")), "nan"),
        (pair(AB | RATIO, DPF=7), "DPF 7"),
    ],
)
def test_what_is_no_spectrum_is_refused_by_name(tmp_path, blocks, found):
    with pytest.raises(FormatError, match=found):
        opened(tmp_path, *blocks)


def test_a_parameter_of_no_length_ends(tmp_path):
    bad = b"ABC\0" + struct.pack("<Hh", 0, -4) + bytes(16)
    endless = b"ABC\0" + struct.pack("<HH", 2, 0)
    begun = time.monotonic()
    (spectrum,) = opened(tmp_path, *RESULT, (OPTICS, bad), (INSTRUMENT, endless * 8000))
    assert len(spectrum) == POINTS and time.monotonic() - begun < 5


def test_many_blocks_that_all_claim_the_whole_file(tmp_path):
    code = AMPLITUDE | RATIO | AB
    blocks = [(code, b"", 24, 1 << 20)] * 900 + [(code | STATUS, b"", 24, 1 << 20)] * 900
    begun = time.monotonic()
    with pytest.raises(FormatError):
        opened(tmp_path, *blocks, (code, bytes(1 << 22)))
    assert time.monotonic() - begun < 5


WHOLE = opus_file(*INTERFEROGRAMS, *SAMPLE_CHANNEL, *RESULT, *ABOUT)


@settings(max_examples=150, deadline=None)
@given(drawn=st.data())
def test_a_damaged_file_is_an_error_or_a_spectrum(tmp_path_factory, damaged, drawn):
    path = tmp_path_factory.mktemp("cut") / "a.0"
    path.write_bytes(damaged(WHOLE, drawn))
    begun = time.monotonic()
    with suppress(FormatError):
        assert opus.read(path)
    assert time.monotonic() - begun < 5


def test_an_absorbance_of_a_spectrometer(samples):
    (spectrum,) = open_spectra(samples / "ir" / "22_bruker_opus_AB.0000")
    assert (spectrum.technique, spectrum.x_unit, spectrum.y_unit) == ("IR", "1/cm", "absorbance")
    # Count, ends and heights as brukeropus 1.4.3 and opusFC 1.5.0 read them.
    assert len(spectrum) == 2567
    np.testing.assert_allclose(spectrum.x[[0, -1]], [3998.3449384537757, 699.3889538645833])
    rows = [int(np.argmin(np.abs(spectrum.x - w))) for w in (3000, 2000, 1000)]
    np.testing.assert_allclose(
        spectrum.x[rows], [2999.4015245699866, 2000.4581106861979, 1000.2290553430989]
    )
    np.testing.assert_allclose(
        spectrum.y[rows], [0.00055789016, 0.00044513016, 0.00045837168], rtol=1e-6
    )
    assert spectrum.y.max() == 6.0
    assert spectrum.title == "MCT D317 1mm² [8500 - 700 Cm-1]"
    said = spectrum.metadata
    assert (said["instrument"], said["resolution_per_cm"], said["scans"]) == ("VERTEX 80V", 4, 32)
    assert said["date"] == "2020-02-06T13:09:58+01:00"
