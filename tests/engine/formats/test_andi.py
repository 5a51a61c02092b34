"""ANDI runs in NetCDF, checked with scipy's own reader and with files written byte by byte."""

from __future__ import annotations

import struct
import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, andi, open_spectra, xml_run

TYPES = {"i2": 3, "i4": 4, "f4": 5, "f8": 6}  # NC_SHORT, NC_INT, NC_FLOAT, NC_DOUBLE


def _name(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">i", len(data)) + data + bytes(-len(data) % 4)


def _attributes(values: dict) -> bytes:
    if not values:
        return bytes(8)
    text = struct.pack(">ii", 12, len(values))
    for name, value in values.items():
        text += _name(name)
        if isinstance(value, str):
            text += struct.pack(">i", 2) + _name(value)
        else:
            text += struct.pack(">iid", 6, 1, value)
    return text


def netcdf(variables: dict, attributes: dict | None = None, records: int | None = None) -> bytes:
    """NetCDF classic as Unidata's format specification lays it out.

    ``variables`` are arrays, or pairs of an array and its attributes; those called ``*_values``
    grow with the record dimension, as ANDI writers have it.
    """
    pairs = {n: v if isinstance(v, tuple) else (v, {}) for n, v in variables.items()}
    growing = {name for name in pairs if name.endswith("_values")}
    sizes = sorted({len(array) for name, (array, _) in pairs.items() if name not in growing})
    held = max((len(pairs[name][0]) for name in growing), default=0)
    dimensions = struct.pack(">ii", 10, 1 + len(sizes)) + _name("point_number") + bytes(4)
    for size in sizes:
        dimensions += _name(f"n{size}") + struct.pack(">i", size)

    def header(begins: dict[str, int]) -> bytes:
        text = b"CDF\x01" + struct.pack(">i", held if records is None else records)
        text += dimensions + _attributes(attributes or {}) + struct.pack(">ii", 11, len(pairs))
        for name, (array, own) in pairs.items():
            kind = array.dtype.str[1:]
            grows = name in growing
            length = array.itemsize if grows else array.nbytes
            text += _name(name) + struct.pack(">ii", 1, 0 if grows else 1 + sizes.index(len(array)))
            text += _attributes(own)
            text += struct.pack(">iii", TYPES[kind], length + -length % 4, begins[name])
        return text

    begins = dict.fromkeys(pairs, 0)
    at, data = len(header(begins)), b""
    for name in (n for n in pairs if n not in growing):
        array = pairs[name][0]
        begins[name] = at + len(data)
        data += array.astype(array.dtype.newbyteorder(">")).tobytes() + bytes(-array.nbytes % 4)
    offset = 0
    for name in (n for n in pairs if n in growing):
        begins[name] = at + len(data) + offset
        offset += pairs[name][0].itemsize + -pairs[name][0].itemsize % 4
    for row in range(held):
        for name in (n for n in pairs if n in growing):
            array = pairs[name][0]
            cell = array[row : row + 1].astype(array.dtype.newbyteorder(">")).tobytes()
            data += cell + bytes(-len(cell) % 4)
    return header(begins) + data


MZ = np.array([50, 60, 70, 55, 65.5], "f4")
INTENSITY = np.array([1, 2, 3, 40, 50], "f4")


def run(**changes) -> dict:
    """The variables of a run of two scans of 3 and 2 points, and an empty scan between them."""
    return {
        "scan_acquisition_time": np.array([0, 1.5, 3.0]),
        "total_intensity": np.array([6.0, -9999, -9999]),
        "scan_index": np.array([0, 3, 3], "i4"),
        "point_count": np.array([3, 0, 2], "i4"),
        "mass_values": MZ,
        "intensity_values": INTENSITY,
    } | changes


ATTRIBUTES = {
    "experiment_type": "Centroided Mass Spectrum",
    "test_ionization_mode": "Electron Impact",
    "test_ionization_polarity": "Positive Polarity",
}


def _write(tmp_path, variables=None, attributes=None, **options):
    path = tmp_path / "run.cdf"
    path.write_bytes(netcdf(variables or run(), attributes or ATTRIBUTES, **options))
    return path


def _reference(path):
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as file:
        return {name: np.array(variable.data) for name, variable in file.variables.items()}


@pytest.mark.parametrize(
    ("name", "scans", "kind", "ion_source"),
    [("agilent-gcms.cdf", 6401, "sticks", "EI"), ("advion-gcms.cdf", 41, "continuous", "ESI")],
)
def test_scans_agree_with_scipy(samples, name, scans, kind, ion_source):
    path = samples / "ms" / name
    reference = _reference(path)
    spectra = open_spectra(path)
    assert len(reference["scan_index"]) == scans
    assert len(spectra) == min(scans, xml_run.MOST_SCANS)
    for place in (0, 1, len(spectra) // 2, len(spectra) - 1):
        first = reference["scan_index"][place]
        last = first + reference["point_count"][place]
        spectrum = spectra[place]
        np.testing.assert_array_equal(spectrum.x, reference["mass_values"][first:last])
        np.testing.assert_array_equal(spectrum.y, reference["intensity_values"][first:last])
        assert spectrum.metadata["retention_time_s"] == pytest.approx(
            reference["scan_acquisition_time"][place], abs=1e-6
        )
        # The instrument's own sum over the scan.
        assert spectrum.y.sum() == pytest.approx(reference["total_intensity"][place], rel=1e-4)
        assert (spectrum.technique, spectrum.kind) == ("MS", kind)
        assert spectrum.metadata["ionization"] == ion_source
        assert spectrum.metadata["polarity"] == "positive"


def test_a_run_is_cut_with_a_warning(samples):
    first = open_spectra(samples / "ms" / "agilent-gcms.cdf")[0]
    assert first.warnings[0].startswith("the first 2000 of 6401 scans were read")


def test_a_file_with_a_chromatogram_only_says_so(samples):
    path = samples / "ms" / "agilent-gcms-tic.cdf"
    with pytest.raises(FormatError, match=r"1645 points \(MSD1 TIC, MS File\) and no mass spectra"):
        open_spectra(path)
    seconds, trace, detector = andi.chromatogram(path)
    reference = _reference(path)
    np.testing.assert_array_equal(seconds, reference["raw_data_retention"])
    np.testing.assert_array_equal(trace, reference["ordinate_values"])
    assert detector == "MSD1 TIC, MS File"
    # What the file says of itself.
    assert seconds[0] == pytest.approx(float(reference["actual_delay_time"]))
    length = float(reference["actual_run_time_length"])
    assert seconds[-1] - seconds[0] == pytest.approx(length, abs=1e-3)
    assert andi.chromatogram(samples / "ms" / "agilent-gcms.cdf") is None


def test_a_small_run(tmp_path):
    first, second = andi.read(_write(tmp_path))
    assert (first.x.tolist(), first.y.tolist()) == ([50, 60, 70], [1, 2, 3])
    assert (second.x.tolist(), second.y.tolist()) == ([55, 65.5], [40, 50])
    assert [s.metadata["retention_time_s"] for s in (first, second)] == [0.0, 3.0]
    assert second.source.block == "3"
    assert first.warnings == ("1 scans without peaks were left out",)


def test_scaled_integers(tmp_path):
    scaled = run(
        mass_values=((MZ * 10).astype("i2"), {"scale_factor": 0.1}),
        intensity_values=(INTENSITY.astype("i4"), {"scale_factor": 2.0, "add_offset": 5.0}),
    )
    first, second = andi.read(_write(tmp_path, scaled))
    np.testing.assert_allclose(second.x, [55, 65.5])
    assert first.y.tolist() == [7, 9, 11]


def test_counts_that_are_missing_follow_from_the_index(tmp_path):
    variables = run()
    del variables["point_count"]
    first, second = andi.read(_write(tmp_path, variables))
    assert (len(first), len(second)) == (3, 2)


def test_a_lying_scan_does_not_lose_its_neighbours(tmp_path):
    outside = run(point_count=np.array([3, 7, 2], "i4"), scan_index=np.array([0, 1, 3], "i4"))
    spectra = andi.read(_write(tmp_path, outside))
    assert [len(spectrum) for spectrum in spectra] == [3, 2]
    assert "scan 2 was left out: it has 7 points from point 1 on" in spectra[0].warnings[0]
    overlapping = run(point_count=np.array([5, 0, 2], "i4"))
    (second,) = andi.read(_write(tmp_path, overlapping))
    assert second.x.tolist() == [55, 65.5]
    assert "in another scan" in second.warnings[-1]


def test_values_that_were_never_written(tmp_path):
    filled = run(intensity_values=np.array([1, 9.96921e36, 3, 40, 50], "f4"))
    first, _ = andi.read(_write(tmp_path, filled))
    assert first.x.tolist() == [50, 70]
    assert "1 of 3 peaks are not numbers" in first.warnings[0]


def test_a_file_cut_in_its_points_keeps_the_scans_before(tmp_path):
    data = netcdf(run(), ATTRIBUTES)
    path = tmp_path / "run.cdf"
    path.write_bytes(data[:-4])  # half of the last pair
    (first,) = andi.read(path)
    assert len(first) == 3
    assert "the file is cut: 4 of 5 points are there" in first.warnings[-1]


def test_a_stream_tells_its_length_by_its_size(tmp_path):
    spectra = andi.read(_write(tmp_path, records=-1))
    assert [len(spectrum) for spectrum in spectra] == [3, 2]
    assert "cut" not in " ".join(spectra[0].warnings)


def test_records_that_are_not_there_are_not_believed(tmp_path):
    spectra = andi.read(_write(tmp_path, records=2_000_000_000))
    assert len(spectra) == 2
    assert "the file is cut: 5 of 2000000000 points are there" in spectra[0].warnings[-1]


def test_attributes_named_as_parts_of_the_reader(tmp_path):
    own = ATTRIBUTES | dict.fromkeys(("mode", "filename", "fp", "close", "variables", "_dims"), "x")
    assert len(andi.read(_write(tmp_path, attributes=own))) == 2


def test_other_netcdf_is_refused(tmp_path):
    variables = {"scan_index": np.array([0], "i4"), "temperature_values": MZ}
    with pytest.raises(FormatError, match="without mass_values, intensity_values"):
        andi.read(_write(tmp_path, variables))


def test_nothing_keeps_the_file_open(tmp_path, recwarn):
    path = _write(tmp_path)
    andi.read(path)
    with andi.opened(path) as opened:
        opened.intensities()
    path.write_bytes(path.read_bytes()[:200])
    with suppress(FormatError):
        andi.read(path)
    assert not [w for w in recwarn if "mmap" in str(w.message)]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_spectra_within_seconds(tmp_path_factory, data):
    whole = netcdf(run(), ATTRIBUTES)
    at = data.draw(st.integers(0, len(whole)))
    if data.draw(st.booleans()):
        damaged = whole[:at]
    else:
        noise = data.draw(st.binary(max_size=12))
        damaged = whole[:at] + noise + whole[at + len(noise) :]
    path = tmp_path_factory.mktemp("andi") / "damaged.cdf"
    path.write_bytes(damaged)
    begun = time.monotonic()
    for reads in (andi.read, andi.chromatogram):
        with suppress(FormatError):
            reads(path)
    assert time.monotonic() - begun < 5
