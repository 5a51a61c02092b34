"""Two-dimensional files of every format: small ones as written here, real ones against nmrglue."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, Only2DError, open_many, open_spectra, open_spectra_2d
from engine.formats.registry import readers
from engine.processing.transform_2d import transform_2d

X_PEAK, Y_PEAK = 7.0, 120.0  # ppm; the carriers are at 5 and 80 ppm


def _times(count: int, width: float) -> np.ndarray:
    return np.arange(count) / width


def _pairs(sign: int = 1) -> np.ndarray:
    """Cosine and sine rows (128, 128) of one peak; ``sign`` -1: receivers that turn backwards."""
    line = np.exp((sign * 2j * np.pi * (X_PEAK - 5) * 400 - 60) * _times(128, 4000.0))
    angle = 2 * np.pi * (Y_PEAK - 80) * 100 * _times(64, 10000.0)
    fade = np.exp(-60 * _times(64, 10000.0))
    rows = np.empty((128, 128), complex)
    rows[0::2] = (fade * np.cos(angle))[:, None] * line
    rows[1::2] = (fade * np.sin(angle))[:, None] * line
    return rows


def _check_peak(spectrum) -> None:
    shown = transform_2d(spectrum)
    row, column = np.unravel_index(np.argmax(np.abs(shown.z)), shown.z.shape)
    assert shown.x[column] == pytest.approx(X_PEAK, abs=0.05)
    assert shown.y[row] == pytest.approx(Y_PEAK, abs=1.0)


# Bruker


def _parameters(path: Path, values: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["##TITLE= P", "##JCAMPDX= 5.0", *(f"##${k}= {v}" for k, v in values.items()), "##END="]
    path.write_text("\n".join(lines))


ACQUS = {
    "TD": 256, "NUC1": "<1H>", "SFO1": 400.002, "BF1": 400.0, "SW_h": 4000.0, "SW": 9.99995,
    "BYTORDA": 0, "DTYPA": 0, "AQ_mod": 3, "DIGMOD": 0, "NC": 0, "PULPROG": "<hsqcphpr>",
}  # fmt: skip
ACQU2S = {"TD": 128, "NUC1": "<13C>", "SFO1": 100.008, "BF1": 100.0, "SW": 99.992, "FnMODE": 4}
PROCS = {"SI": 6, "XDIM": 4, "SF": 400.0, "OFFSET": 10.0, "SW_p": 2400.0, "NC_proc": 1}
PROC2S = {"SI": 5, "XDIM": 2, "SF": 100.0, "OFFSET": 150.0, "SW_p": 5000.0, "AXNUC": "<13C>"}


def _bruker(folder: Path, rows: np.ndarray | None = None, **second) -> Path:
    _parameters(folder / "acqus", ACQUS)
    _parameters(folder / "acqu2s", ACQU2S | second)
    if rows is not None:
        numbers = np.zeros((len(rows), 256), "<i4")
        numbers[:, 0::2], numbers[:, 1::2] = rows.real * 1e6, rows.imag * 1e6
        numbers.tofile(folder / "ser")
    return folder


def _processed(folder: Path, values: np.ndarray, **second) -> None:
    tiles = np.zeros((6, 8), "<i4")
    tiles[:5, :6] = values
    pdata = folder / "pdata/1"
    _parameters(pdata / "procs", PROCS | {"DTYPP": 0, "BYTORDP": 0})
    _parameters(pdata / "proc2s", PROC2S | {"FT_mod": 6} | second)
    parts = [tiles[r : r + 2, c : c + 4] for r in (0, 2, 4) for c in (0, 4)]
    (pdata / "2rr").write_bytes(b"".join(part.tobytes() for part in parts))


def test_bruker_processed_in_submatrices(tmp_path):
    folder = _bruker(tmp_path / "1")
    values = np.arange(30).reshape(5, 6)
    _processed(folder, values)
    (spectrum,) = open_spectra_2d(folder)
    np.testing.assert_array_equal(spectrum.z, 2 * values)
    np.testing.assert_allclose(spectrum.x, 10 - np.arange(6))
    np.testing.assert_allclose(spectrum.y, 150 - 10 * np.arange(5))
    assert spectrum.name == "1H–13C 2D NMR" and spectrum.source.block == "pdata/1"
    assert spectrum.metadata["indirect_frequency_mhz"] == 100.008
    with pytest.raises(Only2DError, match="two-dimensional data"):
        open_spectra(folder)


def test_a_bruker_axis_that_is_not_transformed_is_plain(tmp_path):
    folder = _bruker(tmp_path / "1")
    _processed(folder, np.ones((5, 6)), FT_mod=0)
    (spectrum,) = open_spectra_2d(folder)
    assert spectrum.technique_y is None and spectrum.y_unit == "row"
    assert spectrum.y.tolist() == [1, 2, 3, 4, 5]
    _processed(folder, np.ones((5, 6)), FT_mod=0, AXUNIT="<log(m2/s)>", AXLEFT=-8, AXRIGHT=-10)
    (spectrum,) = open_spectra_2d(folder)
    assert spectrum.y_unit == "log(m2/s)" and spectrum.y[[0, -1]].tolist() == [-8, -10]


@pytest.mark.parametrize("mode", [4, 5, 6])
def test_bruker_raw(tmp_path, mode):
    rows = _pairs()
    if mode == 5:
        rows[2::4] *= -1
        rows[3::4] *= -1
    elif mode == 6:
        cosine, sine = rows[0::2].copy(), rows[1::2].copy()
        rows[0::2], rows[1::2] = cosine - 1j * sine, cosine + 1j * sine
    (spectrum,) = open_spectra_2d(_bruker(tmp_path / "1", rows, FnMODE=mode))
    assert spectrum.kind == "fid" and spectrum.shape == (128, 128)
    _check_peak(spectrum)


def test_bruker_raw_that_was_stopped_or_sampled_unevenly(tmp_path):
    rows = _pairs()
    rows[100:] = 0
    folder = _bruker(tmp_path / "1", rows)
    (spectrum,) = open_spectra_2d(folder)
    assert spectrum.shape == (128, 100) and "only 100" in spectrum.warnings[0]
    (folder / "nuslist").write_text("0\n3\n")
    with pytest.raises(FormatError, match=r"non-uniform sampling \(open the spectrum as"):
        open_spectra_2d(folder)
    folder = _bruker(tmp_path / "2", rows)
    (folder / "acqu3s").write_text((folder / "acqu2s").read_text())
    with pytest.raises(FormatError, match=r"one of 3 dimensions, .* \(open one of its planes"):
        open_spectra_2d(folder)


def test_bruker_says_when_it_guesses_how_signs_are_told(tmp_path):
    (spectrum,) = open_spectra_2d(_bruker(tmp_path / "1", _pairs(), FnMODE=0))
    assert spectrum.metadata["quadrature"] == "States-TPPI" and "taken for" in spectrum.warnings[0]


def test_lists_of_frequencies_do_not_make_an_array_of_an_hsqc(tmp_path):
    folder = _bruker(tmp_path / "1", _pairs())
    (folder / "fq1list").write_text("bf ppm\n1\n")
    assert len(open_spectra_2d(folder)) == 1
    _parameters(folder / "acqus", ACQUS | {"PULPROG": "<t1ir>"})
    _parameters(folder / "acqu2s", ACQU2S | {"FnMODE": 1})
    assert len(open_spectra(folder)) == 64


# Varian


def _varian(folder: Path, rows: np.ndarray, *phases: int, **more) -> Path:
    folder.mkdir(parents=True)
    size = 8 * rows.shape[1]
    data = struct.pack(
        ">6i2hi", len(rows), 1, size // 4, 4, size, size + 28, 0, 0x9, 1
    )  # fmt: skip
    for row in rows:
        numbers = np.empty(2 * len(row))
        numbers[0::2], numbers[1::2] = row.real, row.imag
        data += struct.pack(">4hi4f", 0, 1, 1, 0, 4, 0, 0, 0, 0) + numbers.astype(">f4").tobytes()
    (folder / "fid").write_bytes(data)
    values = {
        "tn": "H1", "dn": "C13", "sfrq": 400.002, "dfrq": 100.008, "reffrq": 400.0, "sw": 4000.0,
        "reffrq1": 100.0, "sw1": 10000.0, "ni": len(rows) // max(1, len(phases)), "rfl": 0.0,
        "rfp": 0.0, "rfl1": 0.0, "rfp1": 0.0, "refsource1": "dfrq", "seqfil": "gHSQC",
        "array": "phase" if len(phases) > 1 else "",
    } | more  # fmt: skip
    entries = []
    for name, value in (values | {"phase": phases}).items():
        listed = value if isinstance(value, tuple) else (value,)
        if not listed:
            continue
        text = isinstance(listed[0], str)
        line = f"{name} {2 if text else 1} {2 if text else 1} 0 0 0 2 1 0 1 64\n{len(listed)} "
        line += f'"{listed[0]}"' if text else " ".join(map(str, listed))
        entries.append(f"{line}\n0 \n")
    (folder / "procpar").write_text("".join(entries))
    return folder


@pytest.mark.parametrize("coefficients", ["", "1 0 0 0 0 0 -1 0"])
def test_varian_hypercomplex(tmp_path, coefficients):
    folder = _varian(tmp_path / "a.fid", _pairs(-1), 1, 2, f1coef=coefficients)
    (spectrum,) = open_spectra_2d(folder)
    assert spectrum.name == "1H–13C 2D NMR" and spectrum.metadata["quadrature"] == "States"
    _check_peak(spectrum)


def test_varian_sampled_unevenly_and_in_three_dimensions(tmp_path):
    folder = _varian(tmp_path / "a.fid", _pairs(-1), 1, 2)
    (folder / "sampling.sch").write_text("0\n3\n")
    with pytest.raises(FormatError, match=r"non-uniform sampling \(open the spectrum as"):
        open_spectra_2d(folder)
    with pytest.raises(FormatError, match=r"one of 3 dimensions, .* \(open one of its planes"):
        open_spectra_2d(_varian(tmp_path / "b.fid", _pairs(-1), 1, 2, ni2=4))


def test_varian_echo_and_antiecho(tmp_path):
    rows = _pairs(-1)
    cosine, sine = rows[0::2].copy(), rows[1::2].copy()
    rows[0::2], rows[1::2] = cosine - 1j * sine, -cosine - 1j * sine
    folder = _varian(tmp_path / "a.fid", rows, 1, 2, f1coef="1 0 -1 0 0 1 0 1")
    (spectrum,) = open_spectra_2d(folder)
    _check_peak(spectrum)


def test_varian_single_rows_and_arrays_of_planes(tmp_path):
    rows = _pairs(-1)
    (spectrum,) = open_spectra_2d(_varian(tmp_path / "a.fid", rows, 1))
    assert spectrum.metadata["quadrature"] == "QF"
    (spectrum,) = open_spectra_2d(_varian(tmp_path / "b.fid", rows, 3))
    assert spectrum.metadata["quadrature"] == "TPPI"
    with pytest.raises(FormatError, match="array of two-dimensional"):
        open_spectra_2d(_varian(tmp_path / "c.fid", rows, 1, 2, 3, 4))
    with pytest.raises(FormatError, match="3 dimensions"):
        open_spectra_2d(_varian(tmp_path / "d.fid", rows, 1, 2, ni2=8))


# JEOL

_SECOND, _PPM = 28, 26


def _jdf(sections: list[np.ndarray], types: tuple[int, int], unit: int, ends, **strings) -> bytes:
    """Sections (ny, nx) in tiles of 32; ``ends`` are start and stop of x and of y."""
    ny, nx = sections[0].shape
    head = bytearray(1360)
    head[:8] = b"JEOL.NMR"
    head[8:13] = bytes([1, 1, 0, 1, 2])
    head[14] = 2  # two-dimensional, 8 bytes
    head[24:26] = bytes(types)
    for axis in (0, 1):
        head[32 + 2 * axis : 34 + 2 * axis] = struct.pack(">Bb", 1, unit)
    struct.pack_into(">8I", head, 176, nx, ny, *[1] * 6)
    struct.pack_into(">2I", head, 240, nx - 1, ny - 1)
    for axis, (start, stop) in enumerate(ends):
        struct.pack_into(">d", head, 272 + 8 * axis, start)
        struct.pack_into(">d", head, 336 + 8 * axis, stop)
    struct.pack_into(">2d", head, 1064, 400.0, 100.0)
    values = {
        "x_domain": "Proton", "y_domain": "Carbon13", "x_offset": 5.0, "y_offset": 80.0,
        "x_sweep": 4000.0, "y_sweep": 10000.0,
    } | strings  # fmt: skip
    records = []
    for name, value in values.items():
        text = isinstance(value, str)
        raw = value.encode().ljust(16) if text else struct.pack("<d8x", value)
        records.append(
            b"\0" * 16 + raw + struct.pack("<i", 0 if text else 2) + name.encode().ljust(28)
        )
    place = 1360 + 16 + 64 * len(records)
    struct.pack_into(">2I", head, 1212, 1360, place - 1360)
    struct.pack_into(">I", head, 1284, place)
    opening = struct.pack("<4I", 64, 0, len(records) - 1, 64 * len(records))
    data = b""
    for section in sections:
        for row in range(0, ny, 32):
            for column in range(0, nx, 32):
                data += section[row : row + 32, column : column + 32].astype("<f8").tobytes()
    return bytes(head) + opening + b"".join(records) + data


def test_jeol_processed(tmp_path):
    values = np.arange(64 * 96.0).reshape(64, 96)
    path = tmp_path / "a.jdf"
    path.write_bytes(_jdf([values, -values], (3, 1), _PPM, ((10.0, 0.5), (160.0, 2.5))))
    (spectrum,) = open_spectra_2d(path)
    np.testing.assert_array_equal(spectrum.z, values.astype(np.float32))
    assert spectrum.x[[0, -1]].tolist() == [10, 0.5] and spectrum.y[[0, -1]].tolist() == [160, 2.5]
    assert spectrum.name == "1H–13C 2D NMR"
    nmrglue = pytest.importorskip("nmrglue.fileio.jeol")
    _, theirs = nmrglue.read(str(path))
    np.testing.assert_allclose(spectrum.z, theirs.real, rtol=1e-6)
    with pytest.raises(Only2DError, match="two-dimensional data"):
        open_spectra(path)


def test_jeol_raw(tmp_path):
    rows = _pairs(-1)
    cosine, sine = rows[0::2], rows[1::2]
    # Backwards along y too: cosine - i·sine.
    sections = [cosine.real, cosine.imag, -sine.real, -sine.imag]
    path = tmp_path / "a.jdf"
    path.write_bytes(_jdf(sections, (3, 3), _SECOND, ((0.0, 0.03), (0.0, 0.006))))
    (spectrum,) = open_spectra_2d(path)
    assert spectrum.kind == "fid" and spectrum.metadata["quadrature"] == "States"
    _check_peak(spectrum)
    nmrglue = pytest.importorskip("nmrglue.fileio.jeol")
    _, theirs = nmrglue.read(str(path))
    np.testing.assert_allclose(spectrum.z, theirs, atol=1e-6)


# JCAMP-DX


def _ntuples(kind: str, units: str, pages: str, more: str = "") -> str:
    return (
        f"##TITLE=made\n##JCAMP-DX=6.0\n##DATA TYPE={kind}\n##NUM DIM=2\n"
        "##.OBSERVE FREQUENCY=400.002\n##.OBSERVE NUCLEUS=^1H\n##$SF=400.0\n##$SF=100.0\n"
        f"##$NUC1=<1H>\n##$NUC1=<13C>\n{more}"
        f"##NTUPLES={kind}\n##SYMBOL={units}\n{pages}##END NTUPLES={kind}\n##END=\n"
    )


def test_jcamp_pages_over_a_second_shift(tmp_path):
    pages = "".join(
        f"##PAGE=F1={15000 - 2500 * n}\n##DATA TABLE=(F2++(Y..Y)), PROFILE\n"
        f"4000 {n} 1 2\n1000 {n + 3}\n"
        for n in range(5)
    )
    header = (
        "F1,F2,Y\n##VAR_TYPE=INDEPENDENT,INDEPENDENT,DEPENDENT\n##VAR_FORM=AFFN,AFFN,ASDF\n"
        "##.NUCLEUS=13C,1H\n##VAR_DIM=5,4,4\n##UNITS=HZ,HZ,ARBITRARY UNITS\n##FACTOR=1,1,2\n"
        "##FIRST=15000,4000,0\n##LAST=5000,1000,0\n"
    )
    path = tmp_path / "a.jdx"
    more = "##$OFFSET=10.0\n##$OFFSET=150.0\n"
    path.write_text(_ntuples("nD NMR SPECTRUM", header.rstrip("\n") + "\n", pages, more))
    (spectrum,) = open_spectra_2d(path)
    assert spectrum.name == "1H–13C 2D NMR" and spectrum.shape == (4, 5)
    np.testing.assert_allclose(spectrum.x, [10, 7.5, 5, 2.5])
    np.testing.assert_allclose(spectrum.y, [150, 125, 100, 75, 50])
    assert spectrum.z[3].tolist() == [6, 2, 4, 12]


@pytest.mark.parametrize("apart", [0.0, 5e-5])
def test_jcamp_raw_pages(tmp_path, apart):
    rows, times = _pairs(), _times(64, 10000.0)
    pages = []
    for number, row in enumerate(rows):
        pages.append(f"##PAGE=T1={times[number // 2] + (number % 2) * apart:.9f}\n")
        for symbol, part in (("R", row.real), ("I", row.imag)):
            listed = "\n".join(f"{k} {v:.0f}" for k, v in enumerate(part * 1e6))
            pages.append(f"##DATA TABLE=(T2++({symbol}..{symbol})), XYDATA\n{listed}\n")
    header = (
        "T1,T2,R,I\n##VAR_TYPE=INDEPENDENT,INDEPENDENT,DEPENDENT,DEPENDENT\n"
        "##VAR_FORM=AFFN,AFFN,ASDF,ASDF\n##.NUCLEUS=13C,1H\n##VAR_DIM=128,128,128,128\n"
        "##UNITS=SECONDS,SECONDS,ARBITRARY UNITS,ARBITRARY UNITS\n##FACTOR=1,0.00025,1,1\n"
        "##FIRST=0,0,0,0\n##LAST=0.00635,0.03175,0,0\n"
    )
    more = "##.ACQUISITION SCHEME=STATES\n##$SFO1=400.002\n##$SFO1=100.008\n"
    path = tmp_path / "a.jdx"
    path.write_text(_ntuples("nD NMR FID", header, "".join(pages), more))
    (spectrum,) = open_spectra_2d(path)
    assert spectrum.kind == "fid" and spectrum.metadata["quadrature"] == "States"
    _check_peak(spectrum)


# NMRPipe and Sparky


def _pipe(values: np.ndarray, **numbers) -> bytes:
    from nmrglue.fileio.pipe import fdata_dic

    head = bytearray(2048)
    struct.pack_into("<If", head, 4, 0x4F6EEEEF, 2.345)
    known = {
        "FDDIMCOUNT": 2, "FDDIMORDER1": 2, "FDSIZE": values.shape[1], "FDSPECNUM": len(values),
        "FDF2SW": 4000, "FDF2OBS": 400, "FDF2ORIG": 400, "FDF1SW": 10000, "FDF1OBS": 100,
        "FDF1ORIG": 5000, "FDF2CAR": 5, "FDF1CAR": 80,
    }  # fmt: skip
    for name, number in (known | numbers).items():
        struct.pack_into("<f", head, 4 * int(fdata_dic[name]), number)
    head[64:66], head[72:75] = b"1H", b"13C"
    rows = np.concatenate([values.real, values.imag], 1) if np.iscomplexobj(values) else values
    return bytes(head) + rows.astype("<f4").tobytes()


@pytest.mark.parametrize("transposed", [False, True])
def test_nmrpipe_stored_either_way(tmp_path, transposed):
    values = np.arange(12.0).reshape(3, 4)
    flags = {"FDQUADFLAG": 1, "FDF1FTFLAG": 1, "FDF2FTFLAG": 1}
    stored = values.T if transposed else values
    path = tmp_path / "a.ft2"
    path.write_bytes(_pipe(stored, FDDIMORDER1=1 if transposed else 2, **flags))
    (spectrum,) = open_spectra_2d(path)
    np.testing.assert_array_equal(spectrum.z, values)
    np.testing.assert_allclose(spectrum.x, [8.5, 6, 3.5, 1])
    np.testing.assert_allclose(spectrum.y, 50 + 100 / 3 * np.array([2, 1, 0]))


def test_nmrpipe_raw_and_half_transformed(tmp_path):
    path = tmp_path / "a.fid"
    origins = {"FDF2ORIG": 2000 - 2000 + 31.25, "FDF1ORIG": 8000 - 5000 + 156.25, "FD2DPHASE": 2}
    path.write_bytes(_pipe(_pairs(), **origins))
    (spectrum,) = open_spectra_2d(path)
    assert spectrum.metadata["quadrature"] == "States"
    _check_peak(spectrum)
    path.write_bytes(_pipe(_pairs(), FDF2FTFLAG=1, **origins))
    with pytest.raises(FormatError, match="along one"):
        open_spectra_2d(path)


def _ucsf(values: np.ndarray, tiles: tuple[int, int] = (2, 3)) -> bytes:
    """Headers of 180 and twice 128 bytes, the indirect axis first, and padded tiles."""
    head = bytearray(180)
    head[:8] = b"UCSF NMR"
    head[10:14] = bytes([2, 1, 0, 2])
    axes = b""
    for label, size, tile, numbers in (
        (b"13C", len(values), tiles[0], (100.0, 10000.0, 80.0)),
        (b"1H", values.shape[1], tiles[1], (400.0, 4000.0, 5.0)),
    ):
        axis = struct.pack(">6sH3I6f", label, 0, size, size, tile, *numbers, 0, 0, 0)
        axes += axis.ljust(128, b"\0")
    tall, wide = (-(-n // t) * t for n, t in zip(values.shape, tiles, strict=True))
    padded = np.zeros((tall, wide), ">f4")
    padded[: len(values), : values.shape[1]] = values
    data = b"".join(
        padded[r : r + tiles[0], c : c + tiles[1]].tobytes()
        for r in range(0, tall, tiles[0])
        for c in range(0, wide, tiles[1])
    )
    return bytes(head) + axes + data


def test_sparky_in_tiles(tmp_path):
    values = np.arange(20.0).reshape(5, 4)
    path = tmp_path / "a.ucsf"
    path.write_bytes(_ucsf(values))
    (spectrum,) = open_spectra_2d(path)
    np.testing.assert_array_equal(spectrum.z, values)
    np.testing.assert_allclose(spectrum.x, [10, 7.5, 5, 2.5])
    np.testing.assert_allclose(spectrum.y, [130, 110, 90, 70, 50])
    assert spectrum.name == "1H–13C 2D NMR"


# all together


def test_a_folder_and_an_archive_give_both_kinds(tmp_path):
    folder = tmp_path / "both"
    _processed(_bruker(folder / "1"), np.ones((5, 6)))
    (folder / "h.txt").write_text("1H NMR (400 MHz, CDCl3) δ 7.26 (s, 1H), 2.10 (s, 3H).\n")
    packed = tmp_path / "both.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    for path in (folder, packed):
        found = []
        spectra, errors = open_many([path], spectra_2d=found)
        assert len(spectra) == len(found) == 1 and not errors
        assert str(path) in found[0].source.path
        assert len(open_spectra(path)) == 1 and len(open_spectra_2d(path)) == 1
    only = folder / "1"
    spectra, errors = open_many([only])
    assert not spectra and "two-dimensional data" in errors[0][1]
    with pytest.raises(FormatError, match="none, but others"):
        open_spectra_2d(folder / "h.txt")


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=st.data())
def test_damaged_files_are_read_or_refused(tmp_path, damaged, drawn):
    values = np.arange(64 * 64.0).reshape(64, 64)
    flags = {"FDQUADFLAG": 1, "FDF1FTFLAG": 1, "FDF2FTFLAG": 1}
    kind, content = drawn.draw(
        st.sampled_from(
            [
                ("jeol", _jdf([values], (1, 1), _PPM, ((10.0, 0.0), (160.0, 0.0)))),
                ("jeol", _jdf([values] * 4, (3, 3), _SECOND, ((0.0, 0.03), (0.0, 0.006)))),
                ("nmrpipe", _pipe(values, **flags)),
                ("nmrpipe", _pipe(values + 0j, FD2DPHASE=2)),
                ("sparky", _ucsf(values, (32, 16))),
            ]
        )
    )
    path = tmp_path / "damaged"
    path.write_bytes(damaged(content, drawn))
    try:
        for spectrum in readers()[kind].read_2d(path):
            assert np.isfinite(spectrum.z).all()
    except FormatError as error:
        assert "expected" in str(error)


# real files


def test_a_real_sparky_file_is_what_nmrglue_reads(samples):
    import nmrglue

    path = samples / "nmr/11_sparky/2d_hmqc.ucsf"
    (spectrum,) = open_spectra_2d(path)
    dic, theirs = nmrglue.sparky.read(str(path))
    np.testing.assert_array_equal(spectrum.z, theirs)
    for axis, dimension in ((spectrum.y, 0), (spectrum.x, 1)):
        ends = nmrglue.sparky.make_uc(dic, theirs, dim=dimension).ppm_limits()
        assert axis[[0, -1]] == pytest.approx(ends, abs=1e-4)
    assert spectrum.name == "1H–15N 2D NMR"
    # The tallest peak, as NMRPipe's own file of the same spectrum has it.
    (pipe,) = open_spectra_2d(samples / "nmr/10_nmrpipe/2d_hmqc.ft2")
    assert np.unravel_index(spectrum.z.argmax(), spectrum.z.shape) == np.unravel_index(
        pipe.z.argmax(), pipe.z.shape
    )


def test_a_real_nmrpipe_file_is_what_nmrglue_reads(samples):
    import nmrglue

    path = samples / "nmr/10_nmrpipe/2d_hmqc.ft2"
    (spectrum,) = open_spectra_2d(path)
    dic, theirs = nmrglue.pipe.read(str(path))
    np.testing.assert_array_equal(spectrum.z, theirs.T)  # stored with 15N along the rows
    for axis, dimension in ((spectrum.x, 0), (spectrum.y, 1)):
        ends = nmrglue.pipe.make_uc(dic, theirs, dim=dimension).ppm_limits()
        assert axis[[0, -1]] == pytest.approx(ends, abs=1e-4)
    (raw,) = open_spectra_2d(samples / "nmr/10_nmrpipe/2d_hmqc.fid")
    _, theirs = nmrglue.pipe.read(str(samples / "nmr/10_nmrpipe/2d_hmqc.fid"))
    np.testing.assert_array_equal(raw.z, theirs)
    assert raw.metadata["carrier_ppm"] == pytest.approx(4.974)
    assert raw.metadata["indirect_carrier_ppm"] == pytest.approx(118.285)


def test_a_real_cosy_is_what_nmrglue_and_topspin_say(samples):
    import nmrglue

    folder = samples / "nmr/05b_bruker_2d_cosy/cyclosporin_cosy/1"
    (spectrum,) = open_spectra_2d(folder)
    _, theirs = nmrglue.bruker.read_pdata(str(folder / "pdata/1"))
    np.testing.assert_allclose(spectrum.z, theirs, rtol=1e-6)
    assert spectrum.title == "COSY Cyclosporin" and spectrum.is_homonuclear
    # OFFSET of procs and proc2s; YMAX_p times 2**NC_proc is the tallest point.
    assert spectrum.x[0] == 9.995105 and spectrum.y[0] == 9.995125
    assert spectrum.z.max() == pytest.approx(437318638 / 32, rel=1e-5)
    (raw,) = open_spectra_2d(folder / "ser")
    _, theirs = nmrglue.bruker.read(str(folder))
    np.testing.assert_array_equal(raw.z, theirs.astype(np.complex64))
    assert raw.metadata["quadrature"] == "QF"


def test_a_real_jcamp_cosy_is_what_its_header_says(samples):
    path = samples / "nmr/09_jcamp/ethylbenzene_cosy_2d_ntuples.jdx"
    (spectrum,) = open_spectra_2d(path)
    assert spectrum.name == "1H–1H 2D NMR" and spectrum.shape == (1024, 1024)
    assert spectrum.z.max() == 424898800
    # FIRST and LAST of the whole, FIRST of the second page.
    assert (spectrum.z[0, 0], spectrum.z[-1, -1], spectrum.z[1, 0]) == (229, 503, -256)
    assert spectrum.x[0] == spectrum.y[0] == pytest.approx(9.094742)
    assert spectrum.x[-1] == pytest.approx(9.094742 - 3444.908405 / 400.08, abs=1e-4)
    row, column = np.unravel_index(spectrum.z.argmax(), spectrum.z.shape)
    # The methyl triplet of ethylbenzene, on the diagonal.
    assert spectrum.x[column] == pytest.approx(1.18, abs=0.02) == spectrum.y[row]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=st.data())
def test_damaged_folders_are_read_or_refused(tmp_path, damaged, drawn):
    kind = drawn.draw(st.sampled_from(["bruker", "varian"]))
    folder = tmp_path / kind
    if not folder.exists():
        if kind == "bruker":
            _processed(_bruker(folder, _pairs()), np.ones((5, 6)))
        else:
            _varian(folder, _pairs(-1), 1, 2)
    names = sorted(p for p in folder.rglob("*") if p.is_file())
    path = drawn.draw(st.sampled_from(names))
    content = path.read_bytes()
    path.write_bytes(damaged(content, drawn))
    try:
        readers()[kind].read_2d(folder)
    except FormatError as error:
        assert "expected" in str(error)
    finally:
        path.write_bytes(content)


def test_real_arrays_of_one_dimension_stay_such(samples):
    for name, count in (
        ("05_bruker_pseudo2d_invrec/inversionRecovery2D/1", 10),
        ("09_jcamp/nanalysis_pseudo2d_T1.jdx", 8),
    ):
        found = []
        spectra, errors = open_many([samples / "nmr" / name], spectra_2d=found)
        assert len(spectra) == count and not found and not errors
