"""NMRPipe files: a real FID against its own processed spectrum, small ones as written here."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.errors import FormatError, Only2DError
from engine.formats.nmrpipe import READER
from engine.processing.chain import Chain, Step, apply, default_chain
from engine.processing.peaks import pick_peaks

# Words of the header as fdatap.h numbers them.
WORD = {
    "SIZE": 99, "SPECNUM": 219, "QUADFLAG": 106, "DIMCOUNT": 9, "DIMORDER1": 24, "DMXVAL": 40,
    "DMXFLAG": 41, "YEAR": 296, "MONTH": 294, "DAY": 295, "TEMPERATURE": 157,
    "F2SW": 100, "F2OBS": 119, "F2ORIG": 101, "F2CAR": 66, "F2FTFLAG": 220, "F2QUADFLAG": 56,
    "F2AQSIGN": 64, "F1SW": 229, "F1OBS": 218,
}  # fmt: skip


def pipe(values: np.ndarray, order: str = "<", label: bytes = b"13C", **numbers) -> bytes:
    """A header of 512 floats, the real points, and the imaginary ones of complex ``values``."""
    header = np.zeros(512, f"{order}f4")
    raw = bytearray(header.tobytes())
    struct.pack_into(f"{order}I", raw, 4, 0x4F6EEEEF)
    struct.pack_into(f"{order}f", raw, 8, 2.345)
    flag = 0.0 if np.iscomplexobj(values) else 1.0
    known = {
        "SIZE": len(values), "SPECNUM": 1, "DIMCOUNT": 1, "DIMORDER1": 2, "QUADFLAG": flag,
        "F2QUADFLAG": flag, "F2SW": 20000.0, "F2OBS": 100.0, "F2ORIG": 0.0,
    }  # fmt: skip
    for name, number in (known | numbers).items():
        struct.pack_into(f"{order}f", raw, 4 * WORD[name], number)
    raw[16 * 4 : 16 * 4 + len(label)] = label
    raw[297 * 4 : 297 * 4 + 7] = b"Menthol"
    parts = [values.real, values.imag] if np.iscomplexobj(values) else [values]
    return bytes(raw) + b"".join(part.astype(f"{order}f4").tobytes() for part in parts)


def write(path: Path, *arguments, **named) -> Path:
    path.write_bytes(pipe(*arguments, **named))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("values", [np.arange(4.0), np.arange(4) + 2j])
def test_a_spectrum_in_both_byte_orders(tmp_path, order, values):
    # The last of four points lies at ORIG, each one before it 5000 Hz (50 ppm) higher.
    path = write(tmp_path / "a.ft1", values, order, F2FTFLAG=1, F2ORIG=-1000.0)
    (spectrum,) = READER.read(path)
    assert spectrum.technique == "13C NMR" and spectrum.kind == "continuous"
    np.testing.assert_allclose(spectrum.x, [140.0, 90.0, 40.0, -10.0])
    np.testing.assert_array_equal(spectrum.y, values.real)
    if np.iscomplexobj(values):
        np.testing.assert_array_equal(spectrum.y_imaginary, values.imag)
    assert spectrum.title == "Menthol"
    assert spectrum.metadata["frequency_mhz"] == 100.0


@pytest.mark.parametrize(
    ("label", "isotope"),
    [(b"1H", "1H"), (b"HN", "1H"), (b"C13", "13C"), (b"CA", "13C"), (b"15N", "15N"),
     (b"N", "15N"), (b"19F", "19F"), (b"31P", "31P")],
)  # fmt: skip
def test_labels_name_nuclei(tmp_path, label, isotope):
    (spectrum,) = READER.read(write(tmp_path / "a", np.ones(4), label=label, F2FTFLAG=1))
    assert spectrum.technique == f"{isotope} NMR" and not spectrum.warnings


def test_a_label_without_a_nucleus_leaves_it_to_the_frequency(tmp_path):
    path = write(tmp_path / "a", np.ones(4), label=b"X", F2FTFLAG=1, F2OBS=125.757789)
    (spectrum,) = READER.read(path)
    assert spectrum.technique == "13C NMR" and "taken for 13C" in spectrum.warnings[0]
    path = write(tmp_path / "b", np.ones(4), label=b"X", F2FTFLAG=1, F2OBS=77.0)
    (spectrum,) = READER.read(path)
    assert spectrum.technique == "1H NMR" and "taken for 1H" in spectrum.warnings[0]


def _fid(shift: float, carrier: float = 100.0, size: int = 2048) -> np.ndarray:
    times = np.arange(size) / 20000
    return np.exp((2j * np.pi * (shift - carrier) * 100.0 - 20.0) * times)


@pytest.mark.parametrize("sign", [0, 2, 16])
@pytest.mark.parametrize("shift", [20.0, 145.0])
def test_a_fid_comes_out_at_its_shift(tmp_path, sign, shift):
    values = _fid(shift)
    if sign == 16:
        values = np.conj(values)
    if sign:
        values[1::2] *= -1
    origin = 100.0 * 100.0 - 10000.0 + 20000.0 / 2048
    path = write(
        tmp_path / "a.fid", values, F2AQSIGN=sign, F2CAR=100.0, F2ORIG=origin, TEMPERATURE=25.0,
        YEAR=2023, MONTH=6, DAY=2,
    )  # fmt: skip
    (fid,) = READER.read(path)
    assert fid.kind == "fid" and fid.metadata["carrier_ppm"] == pytest.approx(100.0)
    assert fid.metadata["temperature_k"] == 298.15 and fid.metadata["date"] == "2023-06-02"
    (peak,) = pick_peaks(apply(default_chain(fid), fid))
    assert peak.position == pytest.approx(shift, abs=0.01)


def test_a_carrier_that_was_not_filled_in_follows_from_the_origin(tmp_path):
    origin = 100.0 * 100.0 - 10000.0 + 20000.0 / 2048
    (fid,) = READER.read(write(tmp_path / "a.fid", _fid(20.0), F2CAR=0.0, F2ORIG=origin))
    assert fid.metadata["carrier_ppm"] == pytest.approx(100.0, abs=0.01)


@pytest.mark.parametrize(("done", "delay"), [(0, 67.5), (1, None)])
def test_a_digital_filter_that_is_still_there(tmp_path, done, delay):
    (fid,) = READER.read(write(tmp_path / "a.fid", _fid(1.0), DMXVAL=67.5, DMXFLAG=done))
    assert fid.metadata.get("group_delay_points") == delay


def test_more_dimensions_are_named(tmp_path):
    for numbers in ({"DIMCOUNT": 2}, {"SPECNUM": 8}):
        with pytest.raises(Only2DError, match="two-dimensional data"):
            READER.read(write(tmp_path / "a.ft2", np.ones(4), F2FTFLAG=1, **numbers))
    with pytest.raises(FormatError, match=r"3 dimensions, which is not shown yet \(open one"):
        READER.read(write(tmp_path / "a.ft3", np.ones(4), F2FTFLAG=1, DIMCOUNT=3))


@pytest.mark.parametrize(("name", "expected"), [("F2OBS", "frequency"), ("F2SW", "width")])
@pytest.mark.parametrize("number", [0.0, float("nan"), -5.0])
def test_an_axis_needs_frequency_and_width(tmp_path, name, expected, number):
    with pytest.raises(FormatError, match=expected):
        READER.read(write(tmp_path / "a.ft1", np.ones(4), F2FTFLAG=1, **{name: number}))


def test_a_size_that_lies(tmp_path):
    begun = time.monotonic()
    (spectrum,) = READER.read(write(tmp_path / "a", np.ones(4), F2FTFLAG=1, SIZE=2e9))
    assert len(spectrum) == 4 and "cut short" in spectrum.warnings[0]
    for size in (0.0, 1e30, float("nan")):
        with pytest.raises(FormatError, match="points"):
            READER.read(write(tmp_path / "b", np.ones(4), F2FTFLAG=1, SIZE=size))
    assert time.monotonic() - begun < 5


def test_a_percent_sign_in_the_name_is_only_a_name(tmp_path):
    assert len(READER.read(write(tmp_path / "100%03d.fid", _fid(1.0)))) == 1


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cut=st.integers(0, 2300), place=st.integers(0, 2047), value=st.binary(min_size=4, max_size=4),
    flag=st.integers(0, 1),
)  # fmt: skip
def test_cut_or_changed_anywhere(tmp_path, cut, place, value, flag):
    data = bytearray(pipe(np.ones(32) + 1j, F2FTFLAG=flag)[:cut])
    data[place : place + 4] = value[: max(0, len(data) - place)]
    path = tmp_path / "cut.fid"
    path.write_bytes(data)
    try:
        assert READER.read(path)
    except FormatError as error:
        assert "expected" in str(error)


# --- real files ---------------------------------------------------------------------------------


def test_points_and_axis_against_nmrglue(samples):
    import nmrglue

    for name in ("1d_19F.fid", "1d_19F.ft1"):
        path = samples / "nmr/10_nmrpipe" / name
        (spectrum,) = open_spectra(path)
        header, data = nmrglue.pipe.read(str(path))
        assert spectrum.technique == "19F NMR" and len(spectrum) == len(data)
        np.testing.assert_array_equal(spectrum.y, data.real)
        assert spectrum.metadata["frequency_mhz"] == pytest.approx(470.522)
        if spectrum.kind == "fid":
            np.testing.assert_array_equal(spectrum.y_imaginary, data.imag)
            assert spectrum.metadata["carrier_ppm"] == -130.0
            assert spectrum.metadata["group_delay_points"] == pytest.approx(67.98965)
        else:
            axis = nmrglue.pipe.make_uc(header, data).ppm_scale()
            np.testing.assert_allclose(spectrum.x, axis, atol=1e-5)


def test_the_fid_gives_the_spectrum_that_nmrpipe_made_of_it(samples):
    folder = samples / "nmr/10_nmrpipe"
    (fid,), (made,) = open_spectra(folder / "1d_19F.fid"), open_spectra(folder / "1d_19F.ft1")
    # As its header says: 5 Hz of line broadening, filled to 32768 points, 49 degrees.
    steps = (
        Step("exponential", {"line_broadening_hz": 5.0}),
        Step("zero_fill", {"factor": 2}),
        Step("fourier_transform"),
        Step("phase", {"zero_order_deg": 49.0}),
    )
    spectrum = apply(Chain(steps), fid)
    first = int(np.argmin(np.abs(spectrum.x - made.x[0])))
    piece = slice(first, first + len(made))
    np.testing.assert_allclose(spectrum.x[piece], made.x, atol=2e-5)
    # Slopes, because NMRPipe took the broad background of the probe off.
    here, there = np.diff(spectrum.y[piece]), np.diff(made.y)
    assert np.corrcoef(here, there)[0, 1] > 0.999
    assert np.corrcoef(here[1:], there[:-1])[0, 1] < 0.995


def test_real_two_dimensional_files(samples):
    for name in ("2d_hmqc.fid", "2d_hmqc.ft2"):
        with pytest.raises(Only2DError, match="two-dimensional data"):
            open_spectra(samples / "nmr/10_nmrpipe" / name)
