"""Bruker folders: real ones against TopSpin's own numbers, small ones against what was written."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats.bruker import READER, read_fid
from engine.formats.bruker_parameters import group_delay_points, read_parameters
from engine.formats.errors import FormatError, Only2DError

ACQUS = {
    "TD": 32, "NUC1": "<13C>", "SFO1": 100.62, "BF1": 100.612, "O1": 8000, "SW_h": 24000,
    "BYTORDA": 0, "DTYPA": 0, "AQ_mod": 3, "GRPDLY": 5.5, "DIGMOD": 1, "SOLVENT": "<CDCl3>",
    "TE": 298.15, "PULPROG": "<zgpg30>", "INSTRUM": "<spect>", "DATE": 1138699492, "NC": 0,
}  # fmt: skip
PROCS = {
    "SI": 16, "SF": 100.612, "OFFSET": 200.0, "SW_p": 24000, "NC_proc": -2, "BYTORDP": 0,
    "DTYPP": 0, "AXNUC": "<13C>",
}  # fmt: skip


def write_parameters(path: Path, values: dict) -> None:
    lines = [
        "##TITLE= Parameter file",
        "##JCAMPDX= 5.0",
        "$$ a comment",
        "##$AMP= (0..3)",
        "1 2 3 4",
    ]
    lines += [f"##${key}= {value}" for key, value in values.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "##END=", ""]))


def experiment(
    folder: Path, *, fid=None, real=None, imaginary=None, acqus=None, procs=None, procno=1
) -> Path:
    write_parameters(folder / "acqus", ACQUS | (acqus or {}))
    if fid is not None:
        fid.tofile(folder / "fid")
    if real is not None:
        pdata = folder / "pdata" / str(procno)
        write_parameters(pdata / "procs", PROCS | (procs or {}))
        real.tofile(pdata / "1r")
        if imaginary is not None:
            imaginary.tofile(pdata / "1i")
    return folder


def test_processed_spectrum_has_the_axis_and_scale_of_its_parameters(tmp_path):
    values = np.arange(-8, 8, dtype="<i4")
    folder = experiment(tmp_path / "1", real=values, imaginary=-values)
    (folder / "pdata/1/title").write_text("Menthol\nsecond line\n")
    (spectrum,) = READER.read(folder)
    assert spectrum.technique == "13C NMR" and spectrum.x_unit == "ppm"
    assert spectrum.kind == "continuous" and spectrum.title == "Menthol"
    step = 24000 / 100.612 / 16
    np.testing.assert_allclose(spectrum.x, 200.0 - step * np.arange(16))
    np.testing.assert_array_equal(spectrum.y, values / 4)
    np.testing.assert_array_equal(spectrum.y_imaginary, -values / 4)
    assert spectrum.metadata["solvent"] == "CDCl3"
    assert spectrum.metadata["temperature_k"] == 298.15
    assert spectrum.metadata["pulse_program"] == "zgpg30"
    assert spectrum.metadata["frequency_mhz"] == 100.62
    assert spectrum.metadata["date"].startswith("2006-01-31")
    assert spectrum.metadata["comment"] == "Menthol\nsecond line"


@pytest.mark.parametrize(
    ("kind", "order", "dtype"), [(0, 0, "<i4"), (0, 1, ">i4"), (2, 0, "<f8"), (2, 1, ">f8")]
)
def test_sample_types_and_byte_orders(tmp_path, kind, order, dtype):
    values = np.array([1, -2, 300000, 4] * 8, dtype=dtype)
    folder = experiment(
        tmp_path / "1",
        fid=values,
        real=values[:16],
        acqus={"DTYPA": kind, "BYTORDA": order},
        procs={"DTYPP": kind, "BYTORDP": order, "NC_proc": 0},
    )
    np.testing.assert_array_equal(READER.read(folder)[0].y, values[:16].astype(float))
    (fid,) = read_fid(folder)
    np.testing.assert_array_equal(fid.y, values[0::2].astype(float))
    np.testing.assert_array_equal(fid.y_imaginary, values[1::2].astype(float))


def test_fid_says_what_a_transform_needs(tmp_path):
    folder = experiment(tmp_path / "1", fid=np.arange(32, dtype="<i4"), acqus={"NC": 1})
    (fid,) = READER.read(folder)
    assert fid.kind == "fid" and fid.x_unit == "s" and len(fid) == 16
    np.testing.assert_allclose(fid.x, np.arange(16) / 24000)
    np.testing.assert_array_equal(fid.y, 2.0 * np.arange(0, 32, 2))
    meta = fid.metadata
    assert meta["group_delay_points"] == 5.5 and meta["sweep_width_hz"] == 24000
    assert meta["spectrometer_reference_mhz"] == 100.612
    assert meta["carrier_ppm"] == pytest.approx(8000 / 100.612, rel=1e-5)


@pytest.mark.parametrize(
    ("entries", "delay"),
    [
        ({"GRPDLY": "67.98"}, 67.98),
        ({"GRPDLY": "-1", "DSPFVS": "12", "DECIM": "8"}, 53.25),
        ({"GRPDLY": "0", "DSPFVS": "13", "DECIM": "24"}, 3 - 1 / 48),
        ({"GRPDLY": "0", "DSPFVS": "20", "DECIM": "24"}, 0.0),
        ({"DSPFVS": "10", "DECIM": "24", "DIGMOD": "0"}, 0.0),
        ({}, 0.0),
    ],
)
def test_group_delay(tmp_path, entries, delay):
    write_parameters(tmp_path / "acqus", {"TD": 2} | entries)
    assert group_delay_points(read_parameters(tmp_path / "acqus"))[0] == pytest.approx(delay)


def test_unknown_filter_is_said(tmp_path):
    write_parameters(tmp_path / "acqus", {"DSPFVS": 12, "DECIM": 7, "DIGMOD": 1})
    delay, warnings = group_delay_points(read_parameters(tmp_path / "acqus"))
    assert delay == 0 and "DECIM 7" in warnings[0]


def test_processed_comes_first_and_all_procnos(tmp_path):
    folder = experiment(tmp_path / "1", fid=np.ones(32, "<i4"), real=np.full(16, 4, "<i4"))
    experiment(folder, real=np.full(16, 8, "<i4"), procno=10)
    experiment(folder, real=np.full(16, 12, "<i4"), procno=2)
    assert [s.metadata["procno"] for s in READER.read(folder)] == [1, 2, 10]
    assert [s.y[0] for s in READER.read(folder / "pdata")] == [1, 3, 2]
    (one,) = READER.read(folder / "pdata" / "2" / "1r")
    assert one.y[0] == 3 and one.metadata["procno"] == 2
    assert READER.read(folder / "fid")[0].kind == "fid"


def test_a_broken_procno_does_not_lose_its_neighbour(tmp_path):
    folder = experiment(tmp_path / "1", real=np.ones(16, "<i4"))
    experiment(folder, real=np.ones(16, "<i4"), procno=2)
    (folder / "pdata/1/1r").write_bytes(b"")
    (spectrum,) = READER.read(folder)
    assert spectrum.metadata["procno"] == 2
    assert any("1r" in w and "empty" in w for w in spectrum.warnings)


def test_cut_data_are_read_as_far_as_they_go(tmp_path):
    folder = experiment(
        tmp_path / "1", fid=np.arange(21, dtype="<i4"), real=np.arange(10, dtype="<i4")
    )
    (spectrum,) = READER.read(folder)
    assert len(spectrum) == 10 and "cut short" in spectrum.warnings[0]
    assert spectrum.x[0] - spectrum.x[1] == pytest.approx(24000 / 100.612 / 16)
    (fid,) = read_fid(folder)
    assert len(fid) == 10 and "cut short" in fid.warnings[0]


def test_lying_sizes_cost_neither_time_nor_memory(tmp_path):
    folder = experiment(
        tmp_path / "1", fid=np.ones(32, "<i4"), real=np.ones(16, "<i4"),
        acqus={"TD": 10**12}, procs={"SI": 10**12},
    )  # fmt: skip
    os.truncate(folder / "fid", 2 << 30)
    start = time.monotonic()
    assert "cut short" in READER.read(folder)[0].warnings[0]
    assert len(read_fid(folder)[0]) <= 1 << 22
    assert time.monotonic() - start < 5


def test_sparse_file_reads_only_what_is_declared(tmp_path):
    folder = experiment(tmp_path / "1", fid=np.ones(32, "<i4"))
    os.truncate(folder / "fid", 2 << 30)
    assert len(READER.read(folder)[0]) == 16


def test_numbers_that_are_none(tmp_path):
    values = np.array([np.nan, np.inf, 1e300] + [1.0] * 13)
    folder = experiment(tmp_path / "1", real=values, procs={"DTYPP": 2, "NC_proc": 0})
    (spectrum,) = READER.read(folder)
    assert np.isfinite(spectrum.y).all() and "3 points" in spectrum.warnings[0]
    folder = experiment(tmp_path / "2", real=np.full(16, np.nan), procs={"DTYPP": 2})
    with pytest.raises(FormatError, match="finite"):
        READER.read(folder)


@pytest.mark.parametrize("procs", [{"SF": 0, "SW_p": "nan"}, {"SF": "abc"}, {"SW_p": -5}])
def test_missing_axis_parameters_are_taken_from_acqus(tmp_path, procs):
    folder = experiment(tmp_path / "1", real=np.ones(16, "<i4"), procs=procs)
    assert READER.read(folder)[0].x[0] == 200.0


def test_what_is_no_experiment(tmp_path):
    assert READER.sniff(tmp_path, b"") == 0
    with pytest.raises(FormatError):
        READER.read(tmp_path)
    with pytest.raises(FormatError):
        READER.read(tmp_path / "missing")
    (tmp_path / "fid").write_bytes(b"\0" * 64)  # as Varian writes it
    (tmp_path / "procpar").write_text("x")
    assert READER.sniff(tmp_path / "fid", b"\0" * 64) == 0
    folder = experiment(
        tmp_path / "1", fid=np.ones(32, "<i4"), acqus={"NUC1": "<off>", "BF1": 123.4}
    )
    with pytest.raises(FormatError, match="nucleus"):
        READER.read(folder)


@pytest.mark.parametrize(
    ("base", "isotope"),
    [(400.13, "1H"), (100.6127690, "13C"), (376.4983662, "19F"), (161.9755930, "31P"),
     (600.13, "1H"), (150.9028080, "13C")],
)  # fmt: skip
def test_a_nucleus_that_is_not_named_follows_from_the_base_frequency(tmp_path, base, isotope):
    acqus = {"NUC1": "<off>", "BF1": base, "SFO1": base}
    (fid,) = READER.read(experiment(tmp_path / "1", fid=np.ones(32, "<i4"), acqus=acqus))
    assert fid.technique == f"{isotope} NMR"
    assert f"taken for {isotope}" in fid.warnings[0]


def test_broken_processing_parameters_leave_the_fid(tmp_path):
    folder = experiment(tmp_path / "1", fid=np.ones(32, "<i4"), real=np.ones(16, "<i4"))
    (folder / "pdata" / "1" / "procs").write_bytes(b"")
    (fid,) = READER.read(folder)
    assert fid.kind == "fid"
    assert any("procs" in warning for warning in fid.warnings)


def test_pseudo_2d_gives_rows_and_2d_says_so(tmp_path):
    folder = experiment(tmp_path / "1")
    rows = np.zeros((70, 256), dtype="<i4")  # a row of 32 points fills a block of 1024 bytes
    rows[:, :32] = np.arange(70)[:, None] + 1
    rows.tofile(folder / "ser")
    write_parameters(folder / "acqu2s", {"TD": 70})
    with pytest.raises(Only2DError, match="two-dimensional data"):
        READER.read(folder)
    (folder / "vdlist").write_text("1s\n2s\n")
    spectra = READER.read(folder)
    assert len(spectra) == 64 and [s.y[0] for s in spectra[:3]] == [1, 2, 3]
    assert all(len(s) == 16 for s in spectra)
    assert "70 rows" in spectra[0].warnings[0]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    acqus=st.binary(max_size=300), procs=st.binary(max_size=300), data=st.binary(max_size=200),
    cut=st.integers(0, 600),
)  # fmt: skip
def test_any_bytes_give_spectra_or_a_format_error(tmp_path, acqus, procs, data, cut):
    folder = tmp_path / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    experiment(folder, fid=np.ones(32, "<i4"), real=np.ones(16, "<i4"))
    for path, tail in ((folder / "acqus", acqus), (folder / "pdata/1/procs", procs)):
        path.write_bytes(path.read_bytes()[:cut] + tail)
    (folder / "pdata/1/1r").write_bytes(data)
    for reader in (READER.read, read_fid):
        try:
            assert reader(folder)
        except FormatError as error:
            assert "expected" in str(error)


def test_topspin_processed_aspirin(samples):
    import nmrglue

    folder = samples / "nmr/01_bruker_1d_1H_aspirin-1h-processed/1"
    (spectrum,) = READER.read(folder)
    assert spectrum.technique == "1H NMR" and len(spectrum) == 32768
    assert spectrum.y_imaginary is not None
    _, data = nmrglue.bruker.read_pdata(str(folder / "pdata/1"))
    np.testing.assert_allclose(spectrum.y, np.asarray(data).real, rtol=1e-12)
    # the acetyl singlet that TopSpin's peak list of this measurement gives
    assert spectrum.x[np.argmax(spectrum.y)] == pytest.approx(2.2937, abs=0.001)


def test_real_raw_data(samples):
    import nmrglue

    folder = samples / "nmr/01_bruker_1d_1H_naphtoicAcid-1h/1"
    (fid,) = READER.read(folder)
    _, data = nmrglue.bruker.read(str(folder))
    np.testing.assert_allclose(fid.y + 1j * fid.y_imaginary, data / 2)  # NC is -1
    assert fid.metadata["group_delay_points"] == 53.25
    assert fid.metadata["carrier_ppm"] == pytest.approx(15.0)
    assert fid.title == "1H BBI in Aceton" and fid.metadata["solvent"] == "Acetone"


def test_real_two_dimensional_data(samples):
    rows = READER.read(samples / "nmr/05_bruker_pseudo2d_invrec/inversionRecovery2D/1")
    assert len(rows) == 10 and all(s.kind == "fid" and len(s) == 4096 for s in rows)
    with pytest.raises(Only2DError, match="two-dimensional data"):
        READER.read(samples / "nmr/05b_bruker_2d_cosy/cyclosporin_cosy/1")
