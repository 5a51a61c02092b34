"""Varian folders: real ones against nmrglue and known shifts, small ones as written here."""

from __future__ import annotations

import shutil
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.errors import FormatError, Only2DError
from engine.formats.varian import READER, read_procpar
from engine.processing.chain import apply, default_chain
from engine.processing.peaks import pick_peaks

PARAMETERS = {
    "tn": "C13", "sfrq": 125.7, "reffrq": 125.69, "sw": 30000.0, "np": 16, "rfl": 0.0, "rfp": 0.0,
    "solvent": "cdcl3", "seqfil": "s2pul", "console": "inova", "temp": 25.0, "nt": 64, "ct": 48,
    "time_run": "20091023T110048", "samplename": "menthol", "array": "",
}  # fmt: skip


def parameter(name: str, *values, active: int = 1, subtype: int = 1) -> str:
    """An entry of procpar: a line about it, its values, its allowed values."""
    text = isinstance(values[0], str)
    line = f"{name} {2 if text else subtype} {2 if text else 1} 0 0 0 2 1 0 {active} 64\n"
    if text:
        return line + f'{len(values)} "' + '"\n"'.join(values) + '"\n0 \n'
    return line + f"{len(values)} " + " ".join(map(str, values)) + " \n0 \n"


def write(
    folder: Path, fids: np.ndarray, kind: str = "f4", scale: int = 0, more: str = "", **changed
) -> Path:
    """A folder with the complex ``fids`` (rows, n), each in a block of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    fids = np.atleast_2d(fids)
    numbers = np.empty((len(fids), 2 * fids.shape[1]))
    numbers[:, 0::2], numbers[:, 1::2] = fids.real, fids.imag
    width = np.dtype(kind).itemsize
    size = numbers.shape[1] * width
    status = 0x1 | {"f4": 0x8, "i4": 0x4, "i2": 0}[kind]
    data = struct.pack(
        ">6i2hi", len(fids), 1, numbers.shape[1], width, size, size + 28, 0, status, 1
    )
    for row in numbers:
        data += struct.pack(">4hi4f", scale, 1, 1, 0, 4, 0, 0, 0, 0)
        data += row.astype(f">{kind}").tobytes()
    (folder / "fid").write_bytes(data)
    entries = [parameter(name, value) for name, value in (PARAMETERS | changed).items()]
    (folder / "procpar").write_text("".join(entries) + more)
    return folder


def test_a_fid_has_what_its_parameters_say(tmp_path):
    values = np.arange(8) + 1j * np.arange(8, 16)
    folder = write(tmp_path / "a.fid", values)
    (folder / "text").write_text("Menthol in CDCl3\nsecond line\n")
    (spectrum,) = READER.read(folder)
    assert spectrum.technique == "13C NMR" and spectrum.kind == "fid" and spectrum.x_unit == "s"
    np.testing.assert_allclose(spectrum.x, np.arange(8) / 30000)
    np.testing.assert_array_equal(spectrum.y, values.real)
    np.testing.assert_array_equal(spectrum.y_imaginary, -values.imag)
    assert spectrum.title == "Menthol in CDCl3"
    meta = spectrum.metadata
    assert meta["frequency_mhz"] == 125.7 and meta["sweep_width_hz"] == 30000
    assert meta["spectrometer_reference_mhz"] == 125.69
    assert meta["carrier_ppm"] == pytest.approx((125.7 - 125.69) / 125.69 * 1e6)
    assert meta["solvent"] == "cdcl3" and meta["pulse_program"] == "s2pul"
    assert meta["temperature_k"] == 298.15 and meta["scans"] == 48
    assert meta["date"] == "2009-10-23T11:00:48"


@pytest.mark.parametrize("shift", [-20.0, 77.0, 140.0])
def test_a_line_comes_out_at_its_shift(tmp_path, shift):
    hertz = (shift - 60.0) * 125.69
    times = np.arange(4096) / 30000
    # Varian's receivers turn the other way round.
    values = np.exp((-2j * np.pi * hertz - 10.0) * times)
    folder = write(tmp_path / "a.fid", values, sfrq=125.69 * (1 + 60e-6))
    (fid,) = READER.read(folder)
    spectrum = apply(default_chain(fid), fid)
    (peak,) = pick_peaks(spectrum)
    assert peak.position == pytest.approx(shift, abs=0.01)


def test_the_reference_line_goes_before_the_reference_frequency(tmp_path):
    # The line lies 5000 Hz from the right end and is set to 100 Hz: the middle is at 10100 Hz.
    (fid,) = READER.read(write(tmp_path / "a", np.ones(8), rfl=5000.0, rfp=100.0))
    assert fid.metadata["carrier_ppm"] == pytest.approx(10100 / 125.69)
    folder = write(tmp_path / "b", np.ones(8), rfl=5000.0, rfp=100.0, reffrq=0.0)
    (fid,) = READER.read(folder)
    reference = 125.7 - 0.0101
    assert fid.metadata["spectrometer_reference_mhz"] == pytest.approx(reference)
    assert fid.metadata["carrier_ppm"] == pytest.approx(10100 / reference)


@pytest.mark.parametrize("kind", ["i2", "i4", "f4"])
def test_sample_types(tmp_path, kind):
    values = np.array([1 - 2j, 300 + 4j, -5 + 6j, 7 + 8j])
    (spectrum,) = READER.read(write(tmp_path / "a", values, kind))
    np.testing.assert_array_equal(spectrum.y, values.real)
    np.testing.assert_array_equal(spectrum.y_imaginary, -values.imag)


def test_integers_that_were_halved_are_scaled_back(tmp_path):
    (spectrum,) = READER.read(write(tmp_path / "a", np.array([3 + 1j, 5 + 0j]), "i2", scale=3))
    np.testing.assert_array_equal(spectrum.y, [24, 40])


def test_an_array_gives_a_spectrum_for_each_value(tmp_path):
    more = parameter("d2", 0.1, 0.2, 0.3, subtype=3)
    folder = write(tmp_path / "a", np.arange(1, 4)[:, None] * np.ones(8), more=more, array="d2")
    spectra = READER.read(folder)
    assert [s.y[0] for s in spectra] == [1, 2, 3]
    assert [s.metadata["arrayed"] for s in spectra] == [{"d2_s": d} for d in (0.1, 0.2, 0.3)]
    assert [(s.metadata["row"], s.metadata["rows"]) for s in spectra] == [(1, 3), (2, 3), (3, 3)]
    assert [s.source.block for s in spectra] == ["fid 1", "fid 2", "fid 3"]


def test_arrays_in_arrays_and_together(tmp_path):
    more = (
        parameter("d2", 0.1, 0.2, subtype=3)
        + parameter("pw", 5, 10, 15, subtype=6)
        + parameter("mode", "a", "b", "c")
    )
    folder = write(tmp_path / "a", np.ones((6, 8)), more=more, array="d2,(pw,mode)")
    arrayed = [s.metadata["arrayed"] for s in READER.read(folder)]
    # The last entry varies fastest; those in brackets go hand in hand.
    assert arrayed[:4] == [
        {"d2_s": 0.1, "pw_us": 5.0, "mode": "a"},
        {"d2_s": 0.1, "pw_us": 10.0, "mode": "b"},
        {"d2_s": 0.1, "pw_us": 15.0, "mode": "c"},
        {"d2_s": 0.2, "pw_us": 5.0, "mode": "a"},
    ]


def test_an_array_that_does_not_fit_is_said(tmp_path):
    more = parameter("d2", 0.1, 0.2, subtype=3)
    spectra = READER.read(write(tmp_path / "a", np.ones((3, 8)), more=more, array="d2"))
    assert len(spectra) == 3 and "arrayed" not in spectra[0].metadata
    assert "3 FIDs do not fit" in spectra[0].warnings[0]


def test_fids_that_were_never_recorded_are_left_out(tmp_path):
    fids = np.ones((3, 8), dtype=complex)
    fids[1] = 0
    spectra = READER.read(write(tmp_path / "a", fids))
    assert [s.metadata["row"] for s in spectra] == [1, 3]
    assert "left out: 1" in spectra[0].warnings[0]


def test_two_dimensional_experiments_are_named(tmp_path):
    folder = write(tmp_path / "a", np.ones((8, 8)), more=parameter("ni", 8))
    with pytest.raises(Only2DError, match="two-dimensional data"):
        READER.read(folder)
    # An increment number that a 1-D experiment left over does not make it one.
    assert len(READER.read(write(tmp_path / "b", np.ones(8), more=parameter("ni", 8)))) == 1


def test_a_damaged_parameter_does_not_lose_the_others(tmp_path):
    folder = write(tmp_path / "a", np.ones(8), more=parameter("last", 3.5))
    path = folder / "procpar"
    text = path.read_text().replace('1 "s2pul"', "?? broken\n\n")
    path.write_bytes(text.encode() + b'note 2 2 0 0 0 2 1 0 1 64\n1 "caf\xe9"\n0 \ncut 1 1 0 0 0')
    found = read_procpar(path)
    assert "seqfil" not in found and "cut" not in found
    assert found.number("last") == 3.5 and found.text("note") == "café"
    assert found.number("sw") == 30000
    (spectrum,) = READER.read(folder)
    assert "pulse_program" not in spectrum.metadata


def test_a_parameter_that_is_switched_off_counts_for_nothing(tmp_path):
    more = parameter("temp", -70.0, active=0)
    folder = write(tmp_path / "a", np.ones(8))
    text = (folder / "procpar").read_text().replace(parameter("temp", 25.0), more)
    (folder / "procpar").write_text(text)
    assert "temperature_k" not in READER.read(folder)[0].metadata


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({"tn": "unknown"}, "nucleus"), ({"sw": 0.0}, "spectral width"), ({"sw": 1e300}, "width")],
)
def test_parameters_that_a_fid_needs(tmp_path, changed, expected):
    with pytest.raises(FormatError, match=expected):
        READER.read(write(tmp_path / "a", np.ones(8), **changed))


def test_what_is_missing_is_named(tmp_path):
    folder = write(tmp_path / "a", np.ones(8))
    (folder / "procpar").unlink()
    with pytest.raises(FormatError, match="procpar"):
        READER.read(folder / "fid")
    folder = write(tmp_path / "b", np.ones(8))
    (folder / "fid").unlink()
    with pytest.raises(FormatError, match="a file named fid"):
        READER.read(folder / "procpar")


@pytest.mark.parametrize("rows", [1 << 16, (1 << 31) - 1])
def test_a_header_that_lies_about_its_blocks(tmp_path, rows):
    folder = write(tmp_path / "a", np.ones((2, 8)))
    data = bytearray((folder / "fid").read_bytes())
    struct.pack_into(">i", data, 0, rows)
    (folder / "fid").write_bytes(data)
    begun = time.monotonic()
    try:
        spectra = READER.read(folder)
        assert len(spectra) == 2 and f"{rows} FIDs are declared" in spectra[0].warnings[-1]
    except FormatError as error:
        assert str(rows) in error.found
    assert time.monotonic() - begun < 5


def test_a_cut_fid_is_read_as_far_as_it_goes(tmp_path):
    folder = write(tmp_path / "a", np.arange(8) + 0j)
    path = folder / "fid"
    path.write_bytes(path.read_bytes()[:-20])
    (spectrum,) = READER.read(folder)
    np.testing.assert_array_equal(spectrum.y, np.arange(5))
    assert "cut short" in spectrum.warnings[0]


def test_points_that_are_no_numbers(tmp_path):
    values = np.ones(8, dtype=complex)
    values[3] = np.nan
    (spectrum,) = READER.read(write(tmp_path / "a", values))
    assert spectrum.y[3] == 0 and "not numbers" in spectrum.warnings[0]
    with pytest.raises(FormatError, match="finite"):
        READER.read(write(tmp_path / "b", np.full(8, np.nan + 1j * np.nan)))


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fid=st.integers(0, 400), procpar=st.integers(0, 1200), tail=st.binary(max_size=60))
def test_cut_anywhere_gives_fids_or_a_format_error(tmp_path, fid, procpar, tail):
    folder = tmp_path / "cut"
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, np.ones((3, 16)), more=parameter("d2", 1, 2, 3), array="d2")
    for name, size in (("fid", fid), ("procpar", procpar)):
        path = folder / name
        path.write_bytes(path.read_bytes()[:size] + tail)
    try:
        assert READER.read(folder)
    except FormatError as error:
        assert "expected" in str(error)


# --- real experiments ---------------------------------------------------------------------------

HOP = "nmr/06_varian_1d_hop/FAM013_ATPE.PROTON_02.fid"
RECOVERY = "nmr/07_varian_arrayed_satrec2D.fid"


def test_hop_extract_against_nmrglue_and_its_solvent(samples):
    import nmrglue

    (fid,) = open_spectra(samples / HOP)
    header, data = nmrglue.varian.read(str(samples / HOP))
    assert len(fid) == header["np"] // 2 == 32768
    np.testing.assert_array_equal(fid.y - 1j * fid.y_imaginary, np.asarray(data).ravel())
    assert fid.technique == "1H NMR" and fid.metadata["frequency_mhz"] == 599.8311617
    # procpar's reference line and reference frequency were written apart and must agree.
    values = header["procpar"]
    line, place = (float(values[name]["values"][0]) for name in ("rfp", "rfl"))
    right_end = (line - place) / 599.826355744
    assert fid.metadata["carrier_ppm"] - 12019.2307692 / 2 / 599.826355744 == pytest.approx(
        right_end, abs=1e-4
    )
    spectrum = apply(default_chain(fid), fid)
    assert not [warning for warning in spectrum.warnings if "doubtful" in warning]
    peaks = sorted(pick_peaks(spectrum), key=lambda peak: -peak.height)
    # Water in methanol-d4, and the middle of the quintet of CHD2OD (Fulmer et al. 2010).
    assert peaks[0].position == pytest.approx(4.87, abs=0.01)
    assert peaks[1].position == pytest.approx(3.31, abs=0.01)


def test_saturation_recovery_is_an_array_of_delays(samples):
    import nmrglue

    spectra = open_spectra(samples / RECOVERY)
    assert len(spectra) == 12 and {s.technique for s in spectra} == {"87Rb NMR"}
    _, data = nmrglue.varian.read(str(samples / RECOVERY), as_2d=True)
    for spectrum, row in zip(spectra, np.asarray(data), strict=True):
        np.testing.assert_array_equal(spectrum.y - 1j * spectrum.y_imaginary, row)
    delays = [s.metadata["arrayed"]["tau_recovery_s"] for s in spectra]
    assert delays == sorted(delays) and delays[0] == 0.001
    # The signal recovers with the delay.
    strengths = [np.hypot(s.y, s.y_imaginary)[:20].sum() for s in spectra]
    assert strengths[-1] > 3 * strengths[0]


def test_a_fid_file_is_known_under_any_name(samples, tmp_path):
    for name in ("fid", "procpar"):
        shutil.copyfile(samples / HOP / name, tmp_path / name)
    assert len(open_spectra(tmp_path / "fid")) == 1
    assert len(open_spectra(tmp_path / "procpar")) == 1
    (tmp_path / "fid").rename(tmp_path / "renamed.dat")
    assert open_spectra(tmp_path / "renamed.dat")[0].technique == "1H NMR"
