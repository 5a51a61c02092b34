"""What is written as JCAMP-DX or CSV reads back: technique, kind, units, and nine digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import delimited_text, jcamp
from engine.formats.csv_writer import write_csv
from engine.formats.jcamp_writer import write_jcamp
from engine.spectra import Spectrum

_UNITS = {
    "IR": ("1/cm", ("absorbance", "transmittance")), "Raman": ("1/cm", ("intensity",)),
    "UV-Vis": ("nm", ("absorbance",)), "1H NMR": ("ppm", ("intensity",)),
    "13C NMR": ("ppm", ("intensity",)), "MS": ("m/z", ("intensity",)),
    "MS/MS": ("m/z", ("intensity",)), "29Si NMR": ("ppm", ("intensity",)),
}  # fmt: skip


@st.composite
def spectra(draw):
    technique = draw(st.sampled_from(sorted(_UNITS)))
    x_unit, y_units = _UNITS[technique]
    n = draw(st.integers(1, 40))
    kind = (
        "sticks" if technique.startswith("MS") else draw(st.sampled_from(["continuous", "sticks"]))
    )
    start = draw(st.floats(0.5, 4000))
    if draw(st.booleans()):
        x = start + np.arange(n) * draw(st.floats(0.001, 10))
    else:
        x = start + np.cumsum(draw(st.lists(st.floats(0.01, 50), min_size=n, max_size=n)))
    if kind == "continuous" and draw(st.booleans()):
        x = x[::-1]
    value = st.floats(-1e12, 1e12) | st.floats(-1, 1) | st.integers(-5, 5).map(float)
    y = draw(st.lists(value, min_size=n, max_size=n))
    imaginary = None
    if technique.endswith("NMR") and kind == "continuous" and draw(st.booleans()):
        imaginary = draw(st.lists(value, min_size=n, max_size=n))
    return Spectrum(
        technique, x, y, x_unit, draw(st.sampled_from(y_units)), kind, "a title",
        y_imaginary=imaginary,
    )  # fmt: skip


def assert_same(read, written):
    assert (read.technique, read.kind) == (written.technique, written.kind)
    assert (read.x_unit, read.y_unit) == (written.x_unit, written.y_unit)
    np.testing.assert_allclose(read.x, written.x, rtol=1e-9)
    np.testing.assert_allclose(read.y, written.y, rtol=1e-9)
    assert (read.y_imaginary is None) == (written.y_imaginary is None)
    if written.y_imaginary is not None:
        np.testing.assert_allclose(read.y_imaginary, written.y_imaginary, rtol=1e-9)


@settings(max_examples=120, deadline=None)
@given(spectra())
def test_jcamp_round_trip(tmp_path_factory, spectrum):
    path = tmp_path_factory.getbasetemp() / "w.jdx"
    write_jcamp(spectrum, path)
    (back,) = jcamp.read(path)
    assert_same(back, spectrum)


@settings(max_examples=120, deadline=None)
@given(spectra())
def test_csv_round_trip(tmp_path_factory, spectrum):
    path = tmp_path_factory.getbasetemp() / "w.csv"
    write_csv(spectrum, path)
    (back,) = delimited_text.read(path)
    assert_same(back, spectrum)


def test_fid_round_trip_with_what_its_transform_needs(tmp_path):
    generator = np.random.default_rng(3)
    metadata = {
        "frequency_mhz": 400.13, "spectrometer_reference_mhz": 400.1277, "carrier_ppm": 6.17,
        "group_delay_points": 67.9842, "solvent": "CDCl3", "temperature_k": 298.15,
    }  # fmt: skip
    fid = Spectrum(
        "1H NMR", np.arange(1000) / 8012.82, generator.normal(size=1000), "s", kind="fid",
        metadata=metadata, y_imaginary=generator.normal(size=1000),
    )  # fmt: skip
    write_jcamp(fid, tmp_path / "f.dx")
    (back,) = jcamp.read(tmp_path / "f.dx")
    assert_same(back, fid)
    for key, value in metadata.items():
        assert back.metadata[key] == (value if isinstance(value, str) else pytest.approx(value)), (
            key
        )
    assert back.metadata["sweep_width_hz"] == pytest.approx(8012.82)


def test_other_libraries_read_what_is_written(tmp_path):
    import nmrglue

    x = np.linspace(10, -1, 500)
    y = np.exp(-((x - 7.26) ** 2) * 50) * 1e4
    spectrum = Spectrum("1H NMR", x, y, "ppm", metadata={"frequency_mhz": 400.0})
    write_jcamp(spectrum, tmp_path / "n.jdx")
    _, data = nmrglue.jcampdx.read(str(tmp_path / "n.jdx"))
    np.testing.assert_allclose(np.asarray(data), y, rtol=1e-9, atol=1e-6)


def test_text_of_a_header_cannot_break_the_file(tmp_path):
    spectrum = Spectrum("IR", [400, 500, 600], [1, 2, 3], "1/cm", "absorbance",
                        title="a\n##END=\n$$ x", metadata={"name": "b\r##TITLE=c"})  # fmt: skip
    write_jcamp(spectrum, tmp_path / "a.jdx")
    (back,) = jcamp.read(tmp_path / "a.jdx")
    assert back.y.tolist() == [1, 2, 3]


@pytest.mark.parametrize("write", [write_jcamp, write_csv])
def test_a_failed_write_leaves_the_old_file(tmp_path, write, monkeypatch):
    path = tmp_path / "a.out"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError):
        write(Spectrum("IR", [1000, 2000], [1, 2], "1/cm", "absorbance"), path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.out"]
