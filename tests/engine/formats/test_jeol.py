"""JEOL Delta files: real ones against nmrglue and published shifts, small ones as written here."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.errors import FormatError
from engine.formats.jeol import READER
from engine.processing.chain import apply, default_chain
from engine.processing.peaks import pick_peaks

SECOND, PPM, HERTZ, CELSIUS = 28, 26, 13, 4
PARAMETERS = {
    "x_domain": "Proton", "x_offset": (5.0, PPM, 0), "x_freq": (400e6, HERTZ, 0),
    "x_sweep": (8000.0, HERTZ, 0), "solvent": "CHLOROFORM-D", "total_scans": 16,
    "temp_get": (25.0, CELSIUS, 0), "digital_filter": "FALSE", "experiment": "proton.jxp",
    "inst_model_number": "JNM-ECZ400S",
}  # fmt: skip


def parameter(order: str, name: str, value) -> bytes:
    """One record: class, scaler, units, value, type of the value, name."""
    unit, prefix, kind = 0, 0, 0
    if isinstance(value, tuple):
        value, unit, prefix = value
    if isinstance(value, str):
        raw = value.encode().ljust(16)
    elif isinstance(value, int):
        raw, kind = struct.pack(f"{order}i12x", value), 1
    else:
        raw, kind = struct.pack(f"{order}d8x", value), 2
    units = struct.pack(">Bb8x", (prefix % 16) << 4 | 1, unit)
    return (
        b"\0" * 4 + struct.pack(f"{order}h", 0) + units + raw + struct.pack(f"{order}i", kind)
        + name.encode().ljust(28)
    )  # fmt: skip


def jdf(
    values: np.ndarray, *, order: str = "<", kind: str = "f8", unit: int = SECOND, axis=(0.0, 1.0),
    offsets=None, dimensions: int = 1, form: int = 1, title: str = "Menthol", **changed,
) -> bytes:  # fmt: skip
    """A Delta file: a big-endian header of 1360 bytes, parameters, real and imaginary blocks."""
    count = len(values)
    first, last = offsets or (0, count - 1)
    records = [parameter(order, *item) for item in (PARAMETERS | changed).items()]
    head = bytearray(1360)
    head[:8] = b"JEOL.NMR"
    head[8:13] = bytes([order == "<", 1, 0, 1, dimensions])
    head[14] = (kind == "f4") << 6 | form
    head[24] = 3 if np.iscomplexobj(values) else 1
    if dimensions > 1:
        head[25] = 1
    head[32:34] = struct.pack(">Bb", 1, unit)
    head[48 : 48 + len(title)] = title.encode()
    struct.pack_into(">8I", head, 176, count, *[1] * 7)
    struct.pack_into(">I", head, 208, first)
    struct.pack_into(">I", head, 240, last)
    struct.pack_into(">d", head, 272, axis[0])
    struct.pack_into(">d", head, 336, axis[1])
    struct.pack_into(">d", head, 1064, 400.0)
    start = 1360 + 16 + 64 * len(records)
    struct.pack_into(">2I", head, 1212, 1360, start - 1360)
    struct.pack_into(">I", head, 1284, start)
    opening = struct.pack(f"{order}4I", 64, 0, len(records) - 1, 64 * len(records))
    blocks = [values.real, values.imag] if np.iscomplexobj(values) else [values]
    data = b"".join(block.astype(f"{order}{kind}").tobytes() for block in blocks)
    return bytes(head) + opening + b"".join(records) + data


def write(path: Path, *arguments, **named) -> Path:
    path.write_bytes(jdf(*arguments, **named))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f8", "f4"])
def test_a_fid_in_both_byte_orders_and_both_types(tmp_path, order, kind):
    values = np.arange(8) + 1j * np.arange(8, 16)
    path = write(tmp_path / "a.jdf", values, order=order, kind=kind, axis=(0, 7 / 8000))
    (spectrum,) = READER.read(path)
    assert spectrum.technique == "1H NMR" and spectrum.kind == "fid"
    assert spectrum.title == "Menthol"
    np.testing.assert_array_equal(spectrum.y, values.real)
    np.testing.assert_array_equal(spectrum.y_imaginary, -values.imag)
    np.testing.assert_allclose(spectrum.x, np.arange(8) / 8000)
    meta = spectrum.metadata
    assert meta["carrier_ppm"] == 5.0 and meta["sweep_width_hz"] == 8000
    assert meta["spectrometer_reference_mhz"] == 400.0
    assert meta["frequency_mhz"] == pytest.approx(400.002)
    assert meta["temperature_k"] == 298.15 and meta["scans"] == 16
    assert meta["solvent"] == "CHLOROFORM-D" and meta["instrument"] == "JNM-ECZ400S"


@pytest.mark.parametrize("shift", [-1.0, 2.5, 11.0])
def test_a_line_behind_a_digital_filter_comes_out_at_its_shift(tmp_path, shift):
    # Two stages: (9 - 1) / 2 / (4 * 2) + (17 - 1) / 2 / 2 = 4.5 points of delay.
    times = (np.arange(8192) - 4.5) / 8000
    hertz = (shift - 5.0) * 400.0
    values = np.exp((-2j * np.pi * hertz - 3.0) * times) * (times >= 0)
    path = write(
        tmp_path / "a.jdf", values, digital_filter="TRUE", orders="2  9 17", factors="4  2"
    )
    (fid,) = READER.read(path)
    assert fid.metadata["group_delay_points"] == 4.5
    spectrum = apply(default_chain(fid), fid)
    peak = max(pick_peaks(spectrum), key=lambda peak: peak.height)
    assert peak.position == pytest.approx(shift, abs=0.005)
    # What phase is left is that of a fraction of a point, not of 4.5 turns.
    assert abs(spectrum.metadata.get("phase_deg", (0, 0))[1]) < 270


def test_a_filter_that_is_not_described_is_said(tmp_path):
    path = write(tmp_path / "a.jdf", np.ones(8) + 0j, digital_filter="TRUE")
    (fid,) = READER.read(path)
    assert fid.metadata["group_delay_points"] == 0 and "digital filter" in fid.warnings[0]


def test_unit_prefixes(tmp_path):
    changed = {"x_sweep": (8.0, HERTZ, -1), "x_freq": (400.0, HERTZ, -2)}  # kHz, MHz
    (fid,) = READER.read(write(tmp_path / "a.jdf", np.ones(8) + 0j, **changed))
    assert fid.metadata["sweep_width_hz"] == pytest.approx(8000)


@pytest.mark.parametrize("values", [np.arange(8.0), np.arange(8) - 2j])
def test_a_processed_spectrum_between_its_ends(tmp_path, values):
    path = write(tmp_path / "a.jdf", values, unit=PPM, axis=(12.0, -2.0), offsets=(2, 6))
    (spectrum,) = READER.read(path)
    assert spectrum.kind == "continuous" and spectrum.x_unit == "ppm"
    np.testing.assert_allclose(spectrum.x, [12.0, 8.5, 5.0, 1.5, -2.0])
    np.testing.assert_array_equal(spectrum.y, values.real[2:7])
    if np.iscomplexobj(values):
        np.testing.assert_array_equal(spectrum.y_imaginary, [2.0] * 5)


def test_an_axis_in_hertz_becomes_ppm(tmp_path):
    path = write(tmp_path / "a.jdf", np.arange(5.0), unit=HERTZ, axis=(4000.0, 0.0))
    np.testing.assert_allclose(READER.read(path)[0].x, [10.0, 7.5, 5.0, 2.5, 0.0])


@pytest.mark.parametrize("changed", [{"dimensions": 2}, {"form": 2}, {"form": 12}])
def test_two_dimensional_data_are_named(tmp_path, changed):
    path = write(tmp_path / "a.jdf", np.ones(8), **changed)
    with pytest.raises(FormatError, match=r"two-dimensional data, .* \(open the same experiment"):
        READER.read(path)


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(FormatError, match="nucleus"):
        READER.read(write(tmp_path / "a.jdf", np.ones(8) + 0j, x_domain="none"))
    with pytest.raises(FormatError, match="points 2 to 9"):
        READER.read(write(tmp_path / "b.jdf", np.ones(8) + 0j, offsets=(2, 9)))
    with pytest.raises(FormatError, match="ends of its axis"):
        READER.read(write(tmp_path / "c.jdf", np.ones(8), unit=PPM, axis=(3.0, 3.0)))
    (tmp_path / "d.jdf").write_bytes(b"JEOL.NMR" + bytes(40))
    with pytest.raises(FormatError, match="header"):
        READER.read(tmp_path / "d.jdf")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        # The imaginary block of so many points would lie far behind the file's end.
        ({176: (1 << 32) - 1}, "data points"),
        ({176: (1 << 32) - 1, 240: (1 << 32) - 2}, "data points"),
        ({240: (1 << 32) - 1}, "a range within"),
        ({1284: (1 << 32) - 1}, "data points"),
        ({1284: 8}, "points after the header"),
    ],
)
def test_numbers_that_lie(tmp_path, numbers, expected):
    data = bytearray(jdf(np.ones(8) + 0j))
    for place, number in numbers.items():
        struct.pack_into(">I", data, place, number)
    (tmp_path / "a.jdf").write_bytes(data)
    begun = time.monotonic()
    with pytest.raises(FormatError, match=expected):
        READER.read(tmp_path / "a.jdf")
    assert time.monotonic() - begun < 5


def test_parameters_that_lie_cost_nothing(tmp_path):
    path = write(tmp_path / "a.jdf", np.ones(8) + 0j)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 1360 + 8, (1 << 32) - 1)  # a count
    path.write_bytes(data)
    with pytest.raises(FormatError, match="nucleus"):
        READER.read(path)
    data = bytearray(jdf(np.ones(8) + 0j))
    struct.pack_into("<h", data, 1360 + 16 + 64 + 4, 32767)  # ten to the power of 32767
    path.write_bytes(data)
    assert "carrier_ppm" not in READER.read(path)[0].metadata


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cut=st.integers(0, 2400), place=st.integers(0, 2400), byte=st.integers(0, 255),
    unit=st.sampled_from([SECOND, PPM, HERTZ]),
)  # fmt: skip
def test_cut_or_changed_anywhere(tmp_path, cut, place, byte, unit):
    data = bytearray(jdf(np.ones(16) + 0j, unit=unit, axis=(9.0, 1.0))[: max(cut, 8)])
    if place < len(data):
        data[place] = byte
    path = tmp_path / "cut.jdf"
    path.write_bytes(data)
    try:
        assert READER.read(path)
    except FormatError as error:
        assert "expected" in str(error)


# --- real experiments ---------------------------------------------------------------------------

FILES = {
    "Resveratrol1_11280u600u_MeOD.jdf": ("1H NMR", 599.775, 44984),
    "Rutin_3080ug200uL_DMSOd6_qHNMR_400MHz_Jeol.jdf": ("1H NMR", 399.786, 32768),
    "phosphorus.jdf": ("31P NMR", 202.358, 32768),
}


@pytest.mark.parametrize("name", FILES)
def test_points_and_header_against_nmrglue(samples, name):
    from nmrglue.fileio import jeol

    (fid,) = open_spectra(samples / "nmr/08_jeol_jdf" / name)
    technique, frequency, points = FILES[name]
    assert (fid.technique, len(fid)) == (technique, points)
    assert fid.metadata["frequency_mhz"] == pytest.approx(frequency, abs=0.001)
    header, data = jeol.read(str(samples / "nmr/08_jeol_jdf" / name))
    np.testing.assert_array_equal(fid.y + 1j * fid.y_imaginary, np.asarray(data).ravel())
    assert fid.x[-1] == pytest.approx(header["header"]["data_axis_stop"][0], rel=1e-9)
    assert fid.metadata["carrier_ppm"] == pytest.approx(header["parameters"]["x_offset"])
    assert fid.title == header["header"]["title"]


def _lines(path: Path, solvent: float, taken_for: float) -> np.ndarray:
    """Peaks in ppm of the default chain, moved so that the solvent's line is at its shift."""
    (fid,) = open_spectra(path)
    spectrum = apply(default_chain(fid), fid)
    assert not [warning for warning in spectrum.warnings if "doubtful" in warning]
    positions = np.array([peak.position for peak in pick_peaks(spectrum)])
    found = positions[np.argmin(np.abs(positions - solvent))]
    assert abs(found - taken_for) < 0.06  # Delta's own scale, from the lock
    return positions + solvent - found


def _near(lines: np.ndarray, shift: float) -> float:
    return float(np.min(np.abs(lines - shift)))


def test_resveratrol_has_its_published_shifts(samples):
    path = samples / "nmr/08_jeol_jdf/Resveratrol1_11280u600u_MeOD.jdf"
    lines = _lines(path, solvent=3.31, taken_for=3.31)
    # 1H NMR (CD3OD) of trans-resveratrol: doublets at 7.36 and 6.77 (8.6 Hz), 6.97 and 6.81
    # (16.3 Hz) and 6.46 (2.2 Hz), a triplet at 6.17 (2.2 Hz).
    for centre, coupling in ((7.36, 8.6), (6.77, 8.6), (6.97, 16.3), (6.81, 16.3), (6.46, 2.2)):
        for side in (-0.5, 0.5):
            assert _near(lines, centre + side * coupling / 599.8) < 0.02
    assert _near(lines, 6.17) < 0.02


def test_rutin_has_its_published_shifts(samples):
    path = samples / "nmr/08_jeol_jdf/Rutin_3080ug200uL_DMSOd6_qHNMR_400MHz_Jeol.jdf"
    lines = _lines(path, solvent=2.50, taken_for=2.50)
    # 1H NMR (DMSO-d6) of rutin: 12.60 (s, OH-5), 6.84 (d, 8.5), 6.38 (d, 2.0), 6.19 (d, 2.0),
    # 5.34 (d, 7.4), 0.99 (d, 6.2).
    assert _near(lines, 12.60) < 0.02
    for centre, coupling in ((6.84, 8.5), (6.38, 2.0), (6.19, 2.0), (5.34, 7.4), (0.99, 6.2)):
        for side in (-0.5, 0.5):
            assert _near(lines, centre + side * coupling / 399.8) < 0.012
