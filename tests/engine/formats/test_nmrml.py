"""nmrML files: a real one against the Varian data it was made from, small ones as written here."""

from __future__ import annotations

import base64
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import open_spectra
from engine.formats.errors import FormatError
from engine.formats.nmrml import READER
from engine.processing.chain import apply, default_chain
from engine.processing.peaks import pick_peaks

ACQUISITION = """<acquisition><acquisition1D>
<acquisitionParameterSet numberOfScans="32">
 <sampleAcquisitionTemperature value="25" unitName="degree celsius"/>
 <pulseSequence><userParam name="Pulse Program" value="zg30"/></pulseSequence>
 <groupDelay value="{delay}"/>
 <DirectDimensionParameterSet numberOfDataPoints="{declared}">
  <acquisitionNucleus name="{nucleus}"/>
  <effectiveExcitationField value="{reference}" unitName="megaHertz"/>
  <sweepWidth value="8000" unitName="hertz"/>
  <irradiationFrequency value="{observe}" unitName="megaHertz"/>
 </DirectDimensionParameterSet>
</acquisitionParameterSet>
{fid}</acquisition1D></acquisition>"""
SETTINGS = {
    "delay": "0.0", "declared": 16, "nucleus": "carbon-13 atom", "reference": "100.0",
    "observe": "100.01", "fid": "",
}  # fmt: skip
FID = np.arange(8) + 1j * np.arange(8, 16)


def array(tag: str, values: np.ndarray, form: str, kind: str = "<f8", packed: bool = True) -> str:
    """An array element: pairs of a complex one, base64, compressed where ``packed``."""
    if np.iscomplexobj(values):
        values = np.column_stack([values.real, values.imag]).ravel()
    data = values.astype(kind).tobytes()
    text = base64.b64encode(zlib.compress(data) if packed else data).decode()
    compressed = str(packed).lower()
    return (
        f'<{tag} compressed="{compressed}" encodedLength="{len(text)}" byteFormat="{form}">'
        f"{text}</{tag}>"
    )


def spectrum_element(values: np.ndarray, axis: str, form: str = "float64", **named) -> str:
    count = named.pop("count", len(values))
    data = array("spectrumDataArray", values, form, **named)
    return f'<spectrum1D id="s1" numberOfDataPoints="{count}">{data}{axis}</spectrum1D>'


PPM_AXIS = '<xAxis unitName="parts per million" startValue="90" endValue="50"/>'


def nmrml(*spectra: str, head: str = "", **settings: object) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<nmrML xmlns="http://nmrml.org/schema" '
        f'version="1.0.rc1">{head}{ACQUISITION.format(**(SETTINGS | settings))}'
        f"<spectrumList>{''.join(spectra)}</spectrumList></nmrML>\n"
    )


def write(path: Path, *spectra: str, **named) -> Path:
    path.write_text(nmrml(*spectra, **named))
    return path


@pytest.mark.parametrize(
    ("form", "kind"), [("Complex128", "<f8"), ("Complex64", "<f4"), ("Integer32", "<i4")]
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_fid_in_its_number_formats(tmp_path, form, kind, packed):
    data = array("fidData", FID, form, kind, packed)
    (spectrum,) = READER.read(write(tmp_path / "a.nmrML", fid=data, delay="67.5"))
    assert spectrum.technique == "13C NMR" and spectrum.kind == "fid" and not spectrum.warnings
    np.testing.assert_array_equal(spectrum.y, FID.real)
    np.testing.assert_array_equal(spectrum.y_imaginary, FID.imag)
    np.testing.assert_allclose(spectrum.x, np.arange(8) / 8000)
    meta = spectrum.metadata
    assert meta["frequency_mhz"] == 100.01 and meta["spectrometer_reference_mhz"] == 100.0
    assert meta["carrier_ppm"] == pytest.approx(100.0) and meta["group_delay_points"] == 67.5
    assert meta["temperature_k"] == 298.15 and meta["pulse_program"] == "zg30"
    assert meta["scans"] == 32


def test_a_number_format_that_is_labelled_wrongly(tmp_path):
    values = np.array([100000 - 3j, 70000 + 2j, -5 + 1j] * 4)
    data = array("fidData", values, "Complex128", "<i4")
    (spectrum,) = READER.read(write(tmp_path / "a.nmrML", fid=data, declared=24))
    np.testing.assert_array_equal(spectrum.y, values.real)
    assert "labelled complex128" in spectrum.warnings[0]


@pytest.mark.parametrize(
    ("vendor", "sign"), [("Bruker UXNMR/XWIN-NMR format", 1), ("Varian VNMR format", -1)]
)
def test_the_sense_of_rotation_is_that_of_the_instrument(tmp_path, vendor, sign):
    head = f'<sourceFileList><sourceFile><cvParam name="{vendor}"/></sourceFile></sourceFileList>'
    times = np.arange(4096) / 8000
    values = np.exp((sign * 2j * np.pi * 1500.0 - 5.0) * times)
    data = array("fidData", values, "Complex128")
    (fid,) = READER.read(write(tmp_path / "a.nmrML", fid=data, head=head, declared=8192))
    (peak,) = pick_peaks(apply(default_chain(fid), fid))
    assert peak.position == pytest.approx(115.0, abs=0.01)


def test_processed_spectrum_and_fid_come_together(tmp_path):
    data = array("fidData", FID, "Complex128")
    path = write(tmp_path / "a.nmrML", spectrum_element(np.arange(5.0), PPM_AXIS), fid=data)
    made, fid = READER.read(path)
    assert (made.kind, fid.kind) == ("continuous", "fid")
    assert (made.source.block, fid.source.block) == ("s1", "FID")
    np.testing.assert_allclose(made.x, [90, 80, 70, 60, 50])
    np.testing.assert_array_equal(made.y, np.arange(5))


def test_the_end_of_the_axis_lies_behind_the_last_point_where_the_width_says_so(tmp_path):
    # 8000 Hz at 100 MHz are 80 ppm, the whole way from 90 to 10: 16 ppm for each of five points.
    whole = PPM_AXIS.replace("50", "10")
    path = write(tmp_path / "a.nmrML", spectrum_element(np.arange(5.0), whole))
    np.testing.assert_allclose(READER.read(path)[0].x, [90, 74, 58, 42, 26])


@pytest.mark.parametrize(
    ("values", "form", "count", "x", "imaginary"),
    [
        # Pairs of shift and intensity, as some data bases write them.
        (np.array([9 + 1j, 8 + 4j, 7 + 2j]), "float64", 3, [9, 8, 7], None),
        (np.array([9 + 1j, 9 + 4j, 7 + 2j]), "Complex128", 3, [90, 70, 50], [1, 4, 2]),
    ],
)
def test_pairs_are_shifts_or_complex_points(tmp_path, values, form, count, x, imaginary):
    element = spectrum_element(values, PPM_AXIS, form, count=count)
    (spectrum,) = READER.read(write(tmp_path / "a.nmrML", element))
    np.testing.assert_allclose(spectrum.x, x)
    if imaginary is None:
        np.testing.assert_array_equal(spectrum.y, values.imag)
    else:
        np.testing.assert_array_equal(spectrum.y_imaginary, imaginary)


def test_an_axis_in_hertz(tmp_path):
    axis = '<xAxis unitName="hertz" startValue="9000" endValue="5000.5"/>'
    (spectrum,) = READER.read(write(tmp_path / "a.nmrML", spectrum_element(np.ones(5), axis)))
    np.testing.assert_allclose(spectrum.x[[0, -1]], [90.0, 50.005])


def test_a_frequency_with_the_wrong_unit(tmp_path):
    data = array("fidData", FID, "Complex128")
    for observe, reference in (("100010000", "100000000"), ("100.01", "100.0")):
        path = write(tmp_path / "a.nmrML", fid=data, observe=observe, reference=reference)
        assert READER.read(path)[0].metadata["frequency_mhz"] == pytest.approx(100.01)
    # A field in tesla, or a number without sense, is no reference: the carrier is not known.
    (fid,) = READER.read(write(tmp_path / "b.nmrML", fid=data, reference="39682.54"))
    assert "carrier_ppm" not in fid.metadata


def test_a_broken_array_does_not_lose_the_others(tmp_path):
    good = spectrum_element(np.arange(5.0), PPM_AXIS)
    path = tmp_path / "a.nmrML"
    fid = array("fidData", FID, "Complex128").replace("A", "*")
    path.write_text(nmrml(good, spectrum_element(np.ones(5), ""), fid=fid))
    (spectrum,) = READER.read(path)
    assert "no x axis" in spectrum.warnings[0] and "FID" in spectrum.warnings[0]


def test_a_cut_file_gives_what_came_before(tmp_path):
    good = spectrum_element(np.arange(5.0), PPM_AXIS)
    text = nmrml(good, spectrum_element(np.arange(500.0), PPM_AXIS))
    path = tmp_path / "a.nmrML"
    path.write_text(text[: text.index("</spectrum1D>") + 300])
    spectra = READER.read(path)
    np.testing.assert_array_equal(spectra[0].y, np.arange(5))
    assert "damaged" in spectra[0].warnings[0]


def test_entities_and_document_types_are_refused(tmp_path):
    (tmp_path / "secret").write_text("AAAA")
    text = nmrml(fid="<fidData>&e;</fidData>").replace(
        "?>\n", '?>\n<!DOCTYPE nmrML [<!ENTITY e SYSTEM "secret">]>\n', 1
    )
    (tmp_path / "a.nmrML").write_text(text)
    with pytest.raises(FormatError, match="DOCTYPE"):
        READER.read(tmp_path / "a.nmrML")


def test_an_array_that_swells(tmp_path):
    bomb = base64.b64encode(zlib.compress(bytes(300 << 20), 9)).decode()
    path = write(
        tmp_path / "a.nmrML",
        fid=f'<fidData compressed="true" byteFormat="Complex128">{bomb}</fidData>',
    )
    begun = time.monotonic()
    with pytest.raises(FormatError, match="larger than"):
        READER.read(path)
    assert time.monotonic() - begun < 5


def test_two_dimensional_data_are_named(tmp_path):
    text = nmrml(spectrum_element(np.ones(4), PPM_AXIS)).replace("1D", "MultiD")
    (tmp_path / "a.nmrML").write_text(text)
    with pytest.raises(FormatError, match=r"two-dimensional data, .* \(open the same experiment"):
        READER.read(tmp_path / "a.nmrML")


def test_nothing_to_read(tmp_path):
    with pytest.raises(FormatError, match="1-D FID or spectrum"):
        READER.read(write(tmp_path / "a.nmrML"))


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        (b"<nmrML version='1'>", 1.0),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <a> -->\n<nmrML>", 1.0),
        (b"<?xml version='1.0'?><mzML><nmrML/></mzML>", 0.0),
        (b"about <nmrML", 1.0),
        (b"plain text", 0.0),
    ],
)
def test_the_root_element_decides(text, sure):
    assert READER.sniff(Path("x"), text) == sure


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(0, 2200), place=st.integers(0, 2200), byte=st.integers(0, 255))
def test_cut_or_changed_anywhere(tmp_path, cut, place, byte):
    data = bytearray(
        nmrml(
            spectrum_element(np.arange(5.0), PPM_AXIS), fid=array("fidData", FID, "Complex128")
        ).encode()
    )
    if place < len(data):
        data[place] = byte
    path = tmp_path / "cut.nmrML"
    path.write_bytes(data[:cut])
    try:
        assert READER.read(path)
    except FormatError as error:
        assert "expected" in str(error)


# --- a real file --------------------------------------------------------------------------------


def test_hop_extract_against_the_varian_data_it_was_made_from(samples):
    import nmrglue

    (path,) = (samples / "nmr/13_nmrml").iterdir()
    (fid,) = open_spectra(path)
    folder = samples / "nmr/06_varian_1d_hop/FAM013_ATPE.PROTON_02.fid"
    _, data = nmrglue.varian.read(str(folder))
    np.testing.assert_array_equal(fid.y - 1j * fid.y_imaginary, np.asarray(data).ravel())
    (varian,) = open_spectra(folder)
    assert fid.technique == varian.technique == "1H NMR" and len(fid) == 32768
    for key in ("frequency_mhz", "sweep_width_hz", "scans", "spectrometer_reference_mhz"):
        assert fid.metadata[key] == varian.metadata[key]
    assert fid.metadata["carrier_ppm"] == pytest.approx(varian.metadata["carrier_ppm"], abs=1e-5)
