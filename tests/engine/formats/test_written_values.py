"""Heights come back as they were written, in every layout, whatever they are."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.csv_writer import write_csv
from engine.formats.jcamp_writer import write_jcamp
from engine.spectra import Spectrum
from tests.engine.formats import (
    test_jeol,
    test_mzdata,
    test_mzml,
    test_nmrml,
    test_nmrpipe,
    test_omnic,
    test_opus,
    test_simpson,
    test_sparky,
    test_spc,
    test_varian,
    test_wdf,
)

_FEWEST, _MOST = 2, 24
single = st.floats(-1e6, 1e6, width=32)
double = st.floats(-1e12, 1e12)
# Above 20 an absorbance may be taken for a mislabelled percent transmittance.
optical = st.floats(-20, 20, width=32)
# nmrML's number formats are checked against the numbers: those no instrument gives look wrong.
plain = st.integers(-(10**6), 10**6).map(float)


def _mz(count: int) -> np.ndarray:
    return 50.0 + np.arange(count)


def _opus(y: np.ndarray) -> bytes:
    return test_opus.opus_file(*test_opus.pair(test_opus.AMPLITUDE | 3 << 2 | test_opus.AB, y))


def _wdf(y: np.ndarray) -> bytes:
    x = np.linspace(1800, 100, len(y))
    return b"".join((test_wdf.header(len(y)), test_wdf.data(y), test_wdf.axis(x)))


REAL = {
    "jeol": ("a.jdf", lambda y: test_jeol.jdf(y, unit=test_jeol.PPM, axis=(10, 0)), double),
    "nmrpipe": ("a.ft1", partial(test_nmrpipe.pipe, F2FTFLAG=1), single),
    "sparky": ("a.ucsf", test_sparky.ucsf, single),
    "spc": (
        "a.spc",
        lambda y: test_spc.single(heights=y, points=len(y), y=test_spc.COUNTS),
        single,
    ),
    "omnic": ("a.spa", lambda y: test_omnic.single(y, points=len(y)), optical),
    "opus": ("a.0", _opus, optical),
    "wdf": ("a.wdf", _wdf, single),
    "nmrml": (
        "a.nmrML",
        lambda y: test_nmrml.nmrml(test_nmrml.spectrum_element(y, test_nmrml.PPM_AXIS)).encode(),
        plain,
    ),
    "mzml": (
        "a.mzML",
        lambda y: test_mzml._run(test_mzml._scan(_mz(len(y)), y, packed=True)).encode(),
        double,
    ),
    "mzdata": (
        "a.mzData.xml",
        lambda y: test_mzdata._run(test_mzdata._scan(_mz(len(y)), y, kind=">f8")).encode(),
        double,
    ),
}


@pytest.mark.parametrize("name", REAL)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_real_heights(tmp_path_factory, name, data):
    file, write, value = REAL[name]
    heights = np.array(data.draw(st.lists(value, min_size=_FEWEST, max_size=_MOST)))
    path = tmp_path_factory.getbasetemp() / f"{name}-{file}"
    path.write_bytes(write(heights))
    (spectrum,) = open_spectra(path)
    assert len(spectrum) == len(heights)
    np.testing.assert_allclose(spectrum.y, heights, rtol=1e-6)


def _nmrml_fid(values: np.ndarray) -> bytes:
    data = test_nmrml.array("fidData", values, "Complex128")
    return test_nmrml.nmrml(fid=data, declared=2 * len(values)).encode()


COMPLEX = {
    # Delta's receivers, like Varian's, turn the other way round.
    "jeol": ("a.jdf", lambda z: test_jeol.jdf(z, axis=(0, (len(z) - 1) / 8000)), double, -1),
    "nmrpipe": ("a.fid", test_nmrpipe.pipe, single, None),
    "simpson": ("b.fid", lambda z: test_simpson.text(z).encode(), double, 1),
    "nmrml": ("a.nmrML", _nmrml_fid, plain, 1),
}


@pytest.mark.parametrize("name", COMPLEX)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_complex_points_of_a_fid(tmp_path_factory, name, data):
    file, write, value, turn = COMPLEX[name]
    pairs = data.draw(st.lists(st.tuples(value, value), min_size=_FEWEST, max_size=_MOST))
    points = np.array([complex(*pair) for pair in pairs])
    path = tmp_path_factory.getbasetemp() / f"{name}-{file}"
    path.write_bytes(write(points))
    (spectrum,) = open_spectra(path)
    assert spectrum.kind == "fid"
    np.testing.assert_allclose(spectrum.y, points.real, rtol=1e-6)
    imaginary = points.imag * (turn or 1)
    if turn is None and not np.allclose(spectrum.y_imaginary, imaginary):
        imaginary = -imaginary
    np.testing.assert_allclose(spectrum.y_imaginary, imaginary, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(single, single), min_size=_FEWEST, max_size=_MOST))
def test_a_varian_folder(tmp_path_factory, pairs):
    points = np.array([complex(*pair) for pair in pairs])
    folder = tmp_path_factory.getbasetemp() / "values.fid"
    (spectrum,) = open_spectra(test_varian.write(folder, points, np=2 * len(points)))
    np.testing.assert_array_equal(spectrum.y, points.real)
    np.testing.assert_array_equal(spectrum.y_imaginary, -points.imag)


@st.composite
def fids(draw) -> Spectrum:
    count = draw(st.integers(_FEWEST, 40))
    number = st.floats(-1e9, 1e9)
    width = draw(st.floats(200, 50_000))
    metadata = {
        "nucleus": "13C", "frequency_mhz": draw(st.floats(10, 300)), "sweep_width_hz": width,
        "spectrometer_reference_mhz": 100.0, "carrier_ppm": draw(st.floats(-50, 250)),
        "group_delay_points": draw(st.sampled_from([0.0, 67.98])),
    }  # fmt: skip
    return Spectrum(
        "13C NMR", np.arange(count) / width,
        draw(st.lists(number, min_size=count, max_size=count)), "s", kind="fid",
        y_imaginary=draw(st.lists(number, min_size=count, max_size=count)), metadata=metadata,
    )  # fmt: skip


@pytest.mark.parametrize(("write", "name"), [(write_jcamp, "a.jdx"), (write_csv, "a.csv")])
@settings(max_examples=80, deadline=None)
@given(fid=fids())
def test_a_fid_written_by_the_program(tmp_path_factory, write, name, fid):
    path = tmp_path_factory.getbasetemp() / f"fid-{name}"
    write(fid, path)
    (back,) = open_spectra(path)
    assert (back.technique, back.kind, back.x_unit) == ("13C NMR", "fid", "s")
    for got, given_ in ((back.x, fid.x), (back.y, fid.y), (back.y_imaginary, fid.y_imaginary)):
        np.testing.assert_allclose(got, given_, rtol=1e-9, atol=1e-9)
    if write is write_jcamp:
        for key in ("frequency_mhz", "carrier_ppm", "sweep_width_hz"):
            assert back.metadata[key] == pytest.approx(fid.metadata[key], rel=1e-6, abs=1e-6)


def _one_of_each(samples: Path) -> list[Path]:
    return [p for kind in ("ir", "ms") for p in sorted((samples / kind).iterdir())] + [
        p for p in sorted((samples / "nmr").iterdir()) if not p.name.startswith("05b")
    ]


@pytest.mark.parametrize(("write", "suffix"), [(write_jcamp, ".jdx"), (write_csv, ".csv")])
def test_real_spectra_come_back(tmp_path, samples, write, suffix):
    from engine.formats import FormatError

    written = 0
    for path in _one_of_each(samples):
        try:
            spectra = open_spectra(path)[:2]
        except FormatError:
            continue
        for number, spectrum in enumerate(spectra):
            if not np.isfinite(spectrum.y).all() or len(spectrum) > 20_000:
                continue
            copy = tmp_path / f"{written}-{number}{suffix}"
            write(spectrum, copy)
            (back,) = open_spectra(copy)
            assert (back.technique, back.kind, back.x_unit) == (
                spectrum.technique, spectrum.kind, spectrum.x_unit,
            ), path.name  # fmt: skip
            scale = np.abs(spectrum.y).max() or 1.0
            np.testing.assert_allclose(back.x, spectrum.x, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(back.y / scale, spectrum.y / scale, atol=1e-9)
            written += 1
    assert written > 40
