"""What the fuzzer starts from: real files of a folder, and small ones that the tests write."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np

LARGEST = 1 << 20
"""Bytes of the largest real file that is taken whole; of a larger one the beginning is taken."""

_SMALL = 24 << 10


@dataclass(frozen=True)
class Seed:
    """A file, or a folder of files: contents by their paths below it (``""`` for a file)."""

    name: str
    members: tuple[tuple[str, bytes], ...]

    @property
    def size(self) -> int:
        return sum(len(content) for _, content in self.members)

    @property
    def is_folder(self) -> bool:
        return self.members[0][0] != ""


def all_seeds(samples: Path | None) -> list[Seed]:
    """The seeds in an order that is the same at every call."""
    return [*written_seeds(), *([] if samples is None else real_seeds(samples))]


# Real files


def real_seeds(folder: Path) -> list[Seed]:
    """The files and experiments below a folder, each whole and, where it is long, shortened."""
    seeds: list[Seed] = []
    experiments = [path for path in sorted(folder.rglob("*")) if path.is_dir() and _is_one(path)]
    for path in experiments:
        members = tuple(
            (file.relative_to(path).as_posix(), file.read_bytes())
            for file in sorted(path.rglob("*"))
            if file.is_file() and file.stat().st_size
        )
        seeds += _sizes(path.name, members)
    inside = set(experiments)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size and not inside.intersection(path.parents):
            seeds += _sizes(path.name, (("", path.read_bytes()),))
    return seeds


def _is_one(folder: Path) -> bool:
    """Whether a folder is an experiment of a spectrometer, or holds a simulation's three files."""
    names = {path.name for path in folder.iterdir()}
    return bool(names & {"acqus", "procpar"}) or any(name.endswith(".in") for name in names)


def _sizes(name: str, members: tuple[tuple[str, bytes], ...]) -> Iterator[Seed]:
    longest = max(len(content) for _, content in members)
    if longest <= LARGEST:
        yield Seed(name, members)
    if longest > 2 * _SMALL:
        yield Seed(name, tuple((path, _shortened(content)) for path, content in members))


def _shortened(content: bytes) -> bytes:
    """The beginning, and of text also the end, at a line's or an element's."""
    if len(content) <= 2 * _SMALL:
        return content
    if b"\0" in content[:4096]:
        return content[:_SMALL]
    place = max(content.rfind(mark, 0, _SMALL) for mark in (b"\n", b"</spectrum>", b"</scan>"))
    return content[: place if place > 0 else _SMALL] + content[-1024:]


# Small files


def written_seeds() -> list[Seed]:
    """One file or folder of each layout that the tests and the program's writers write."""
    seeds: list[Seed] = []
    with tempfile.TemporaryDirectory(prefix="specgui-seeds-") as name:
        for number, (title, write) in enumerate(_written()):
            root = Path(name) / str(number)
            root.mkdir()
            content = write(root / title)
            if isinstance(content, str):
                content = content.encode("utf-8")
            if isinstance(content, bytes):
                seeds.append(Seed(title, (("", content),)))
                continue
            path = root / title
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            members = ((f.relative_to(path).as_posix() if f != path else "", f) for f in files)
            seeds.append(Seed(title, tuple((name, file.read_bytes()) for name, file in members)))
    return seeds


Writer = Callable[[Path], bytes | str | object]


def _written() -> Iterator[tuple[str, Writer]]:
    """Names, and functions that give a file's content or write a file or a folder at a path."""
    yield from _nmr()
    yield from _nmr_2d()
    yield from _optical()
    yield from _mass()
    yield from _tables_and_text()
    yield from _program_writers()


def _tests(name: str):
    return import_module(f"tests.engine.formats.test_{name}")


_WAVE = np.cos(np.arange(32) * 0.7) * np.exp(-np.arange(32) / 9) * 1e4
_COMPLEX = _WAVE - 1j * np.roll(_WAVE, 3)


def _nmr() -> Iterator[tuple[str, Writer]]:
    bruker, varian, jeol = _tests("bruker"), _tests("varian"), _tests("jeol")
    pipe, sparky, simpson, nmrml = (_tests(n) for n in ("nmrpipe", "sparky", "simpson", "nmrml"))
    whole = _WAVE.astype("<i4")
    yield (
        "1",
        lambda p: bruker.experiment(p, fid=whole, real=whole[:16], imaginary=whole[16:]),
    )
    yield (
        "2",
        lambda p: bruker.experiment(
            p, fid=_WAVE.astype(">f8"), acqus={"DTYPA": 2, "BYTORDA": 1, "AQ_mod": 0}
        ),
    )
    yield "a.fid", lambda p: varian.write(p, _COMPLEX[:8])
    yield (
        "b.fid",
        lambda p: varian.write(
            p, np.stack([_COMPLEX[:8]] * 3), kind="i2",
            more=varian.parameter("d2", 0.1, 0.2, 0.3), array="d2",
        ),
    )  # fmt: skip
    yield "a.jdf", lambda _: jeol.jdf(_COMPLEX, axis=(0, 31 / 8000))
    yield "b.jdf", lambda _: jeol.jdf(_WAVE, order=">", kind="f4", unit=jeol.PPM, axis=(10, 0))
    yield "a.ft1", lambda _: pipe.pipe(_COMPLEX, F2FTFLAG=1, F2ORIG=-1000.0)
    yield "b.fid", lambda _: pipe.pipe(_COMPLEX, ">")
    yield "a.ucsf", lambda _: sparky.ucsf(_WAVE, tile=9)
    yield "a.spe", lambda _: simpson.text(_COMPLEX, TYPE="SPE")
    yield "b.fid", lambda _: simpson.packed(_COMPLEX)
    proton = simpson.INPUT.format(nuclei="13C", proton="400e6", operator="I1p")
    yield "simulation", lambda p: _folder(p, {"a.in": proton, "a.fid": simpson.text(_COMPLEX)})
    fid = nmrml.array("fidData", _COMPLEX, "Complex128")
    yield "a.nmrML", lambda _: nmrml.nmrml(fid=fid, delay="67.5")
    shown = nmrml.spectrum_element(_WAVE, nmrml.PPM_AXIS)
    yield "b.nmrML", lambda _: nmrml.nmrml(shown, shown)
    record = _tests("nmredata")
    yield "a.nmredata.sdf", lambda p: record.write(p.parent, p.name, J="a, b, 7.02")
    beside = {
        "a.sdf": record.record(
            VERSION="1.1", ASSIGNMENT=record.ASSIGNED,
            _1D_1H=record.PROTON + "\nSpectrum_Location=file:a.jdx",
        ),
        "a.jdx": record.JCAMP,
    }  # fmt: skip
    yield "record", lambda p: _folder(p, beside)


def _nmr_2d() -> Iterator[tuple[str, Writer]]:
    bruker, varian, pipe, sparky = (_tests(n) for n in ("bruker", "varian", "nmrpipe", "sparky"))
    plane = np.outer(_WAVE[:16], _WAVE[:16] / 1e4)
    indirect = {"NUC1": "<1H>", "SFO1": 400.1, "BF1": 400.1, "SW_h": 4000, "SW": 10.0, "TD": 16,
                "FnMODE": 4}  # fmt: skip
    shown = {"SI": 16, "SF": 400.1, "OFFSET": 10.0, "SW_p": 4000, "AXNUC": "<1H>", "XDIM": 16}

    def experiment(folder: Path, processed: bool) -> None:
        bruker.write_parameters(folder / "acqus", bruker.ACQUS | {"TD": 32})
        bruker.write_parameters(folder / "acqu2s", indirect)
        if processed:
            pdata = folder / "pdata" / "1"
            bruker.write_parameters(pdata / "procs", bruker.PROCS | {"XDIM": 16})
            bruker.write_parameters(pdata / "proc2s", shown)
            plane.astype("<i4").tofile(pdata / "2rr")
        else:
            raw = np.zeros((16, 256), "<i4")  # rows fill blocks of 1024 bytes
            raw[:, :32] = np.repeat(plane, 2, axis=1)
            raw.tofile(folder / "ser")

    yield "3", lambda p: experiment(p, True)
    yield "4", lambda p: experiment(p, False)
    yield (
        "c.fid",
        lambda p: varian.write(
            p, np.stack([_COMPLEX[:8]] * 8), ni=4, sw1=5000.0, array="phase", dn="H1", dfrq=499.9,
            more=varian.parameter("phase", 1, 2),
        ),
    )  # fmt: skip
    header = bytearray(
        pipe.pipe(
            plane.ravel(), SIZE=16, SPECNUM=16, DIMCOUNT=2, F2FTFLAG=1, F1SW=4000.0, F1OBS=400.1
        )
    )
    for word in (25, 55, 222):  # FDDIMORDER2, FDF1QUADFLAG, FDF1FTFLAG
        struct.pack_into("<f", header, 4 * word, 1.0)
    yield "a.ft2", lambda _: bytes(header)
    head = sparky.ucsf(_WAVE[:16], nucleus=b"1H", axes=2)[: 180 + 2 * 128]
    yield "b.ucsf", lambda _: head + plane.astype(">f4").tobytes()


def _folder(path: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _optical() -> Iterator[tuple[str, Writer]]:
    spc, opus, omnic, wdf, labspec = (
        _tests(name) for name in ("spc", "opus", "omnic", "wdf", "labspec")
    )
    yield "a.spc", lambda _: spc.single()
    yield "b.spc", lambda _: spc.single(">", 1, spc.TSPREC)
    yield "c.spc", lambda _: spc.own_axes()
    yield "d.spc", lambda _: spc.old(exponent=2, count=2)
    body = spc.subheader("<", spc.FLOAT) + spc.Y.astype("<f4").tobytes()
    log = spc.log_block(["Instrument = inVia", "Laser wavelength=785.1 nm"])
    yield "e.spc", lambda _: spc.header(x=spc.RAMAN, y=spc.COUNTS, log=512 + len(body)) + body + log
    yield "a.0", lambda _: opus.opus_file(*opus.SAMPLE_CHANNEL, *opus.RESULT, *opus.ABOUT)
    yield "b.0", lambda _: opus.opus_file(*opus.INTERFEROGRAMS, *opus.REFERENCE_CHANNEL)
    yield "a.spa", lambda _: omnic.WHOLE["single"]
    yield "a.spg", lambda _: omnic.WHOLE["group"]
    yield (
        "a.wdf",
        lambda _: b"".join((wdf.header(), wdf.data(wdf.COUNTS), wdf.axis(), wdf.PLAN, wdf.STATE)),
    )
    yield "b.wdf", lambda _: b"".join(wdf.the_map())
    yield "a.txt", lambda _: labspec.HEADER + labspec.pairs()[:1500]
    rows = labspec.line(labspec.SHIFT[:60], "\t\t") + labspec.line(labspec.COUNTS[:60], "0\t1\t")
    yield "b.txt", lambda _: labspec.HEADER + rows


def _mass() -> Iterator[tuple[str, Writer]]:
    andi, mzml, mzdata, run = (_tests(n) for n in ("andi", "mzml", "mzdata", "run_chromatogram"))
    yield "a.cdf", lambda _: andi.netcdf(andi.run(), andi.ATTRIBUTES)
    trace = {"ordinate_values": andi.INTENSITY, "actual_run_time_length": np.array([60.0], "f4")}
    yield "b.cdf", lambda _: andi.netcdf(trace, {"detector_name": "TIC"})
    x, y = [50.0, 77.04, 105.03], [10.0, 100.0, 60.0]
    yield "a.mzML", lambda _: mzml._run(mzml._scan(x, y), mzml._scan(x, y, level=2, packed=True))
    yield (
        "b.mzML",
        lambda p: run._write(
            p.parent, *(run._scan(i, 1.5 * i, x, y, 1 + i % 2) for i in range(1, 5))
        ).rename(p),
    )
    precursors = mzdata.PRECURSOR.format(1, 105.03, 1, "eV")
    yield (
        "a.mzData.xml",
        lambda _: mzdata._run(
            mzdata._scan(x, y), mzdata._scan(x, y, 2, ">f8", precursors=precursors)
        ),
    )
    yield "a.mgf", lambda _: _tests("mgf").BLOCK * 3
    yield "a.txt", lambda _: _tests("massbank").RECORD * 2
    library = _tests("mzspeclib")
    yield "a.mzspeclib", lambda _: library.HEADER + library.BENZOIC_ACID + library.PHENOL
    yield "a.mztab", lambda _: _tests("mztab").TABLE
    yield (
        "a.msp",
        lambda _: (
            'Name: a\nPrecursorMZ: 153.05\nComments: "SMILES=CCO" "cas=64-17-5"\nNum Peaks: 3\n'
            '27 10; 31 20; 45.03 100 "M+"\n\nName: b\nRI: 812\nNum Peaks: 2\n(27,10) (31,20)\n'
        ),
    )


def _tables_and_text() -> Iterator[tuple[str, Writer]]:
    jcamp, asdf, vendor = _tests("jcamp"), _tests("jcamp_asdf"), _tests("vendor_exports")
    yield "a.jdx", lambda _: jcamp.IR
    values = [round(v) for v in _WAVE]
    for form in ("AFFN", "PAC", "SQZ", "DIF"):
        table = asdf.encode(values, form, repeats=True)
        labels = {"FIRSTX": "0", "LASTX": "31", "NPOINTS": "32", "YUNITS": "ABSORBANCE"}
        yield f"{form}.dx", lambda _, t=table, k=labels: vendor.jcamp(t, **k)
    block = vendor.jcamp("4000 1 2 3", FIRSTX="4000", LASTX="3998", NPOINTS="3")
    yield (
        "link.jdx",
        lambda _: (
            "##TITLE=ethanol\n##JCAMP-DX=5.01\n##DATA TYPE=LINK\n##BLOCKS=3\n"
            f"##TITLE=structure\n##JCAMP-CS=3.7\n##$MOLFILE=\n{vendor.MOLFILE}##END=\n"
            f"{block}{block}##END=\n"
        ),
    )
    yield (
        "a.csv",
        lambda _: (
            "Wavenumber (cm-1),%T a,%T b\n"
            + "".join(f"{4000 - 50 * i},{99 - i % 7},{98 - i % 5}\n" for i in range(40))
        ),
    )
    yield "b.txt", lambda _: "".join(f"{4000 - 50 * i},5\t0,{90 - i}\n" for i in range(40))
    yield "c.tsv", lambda _: "# 13C NMR\nppm\tintensity\n200\t1\n100\t2\n0\t1\n"
    yield "d.xy", lambda _: "precursor m/z: 195.08\nm/z,int\n138.06,100\n110.07,40\n"
    yield (
        "e.txt",
        lambda _: (
            "13C NMR (151 MHz, CDCl3) δ 157.4, 149.8 (d, J = 12.0 Hz), 77.2.\n"
            "1H NMR (600 MHz, DMSO-d6) δ 9.21 (dd, J = 4.3, 1.7 Hz, 1H), 7.5–7.3 (m, 5H).\n"
        ),
    )


def _program_writers() -> Iterator[tuple[str, Writer]]:
    from engine.chemistry.structure import parse_structure
    from engine.formats.csv_writer import write_csv
    from engine.formats.jcamp_writer import write_jcamp
    from engine.formats.mgf_writer import write_mgf
    from engine.formats.msp_writer import write_msp
    from engine.formats.nmredata_writer import write_nmredata
    from engine.spectra import Spectrum

    shifts = np.linspace(10, 0, 32)
    proton = Spectrum("1H NMR", shifts, _WAVE, "ppm", metadata={"frequency_mhz": 400.1})
    phased = Spectrum(
        "1H NMR", shifts, _WAVE, "ppm", y_imaginary=_WAVE[::-1], metadata={"frequency_mhz": 400.1}
    )
    told = {"frequency_mhz": 100.6, "sweep_width_hz": 8000.0, "nucleus": "13C"}
    fid = Spectrum(
        "13C NMR", np.arange(32) / 8000, _WAVE, "s", kind="fid", y_imaginary=_WAVE[::-1],
        metadata=told,
    )  # fmt: skip
    tandem = _tests("writers_mass").tandem()
    uneven = np.cumsum([left + right for left, right in pairwise(range(20, 42))]).astype(float)
    ultraviolet = Spectrum("UV-Vis", uneven, uneven / 500, "nm", "absorbance")
    record = _tests("writers_nmredata")
    for name, spectrum in (("h.jdx", proton), ("p.jdx", phased), ("f.jdx", fid), ("m.jdx", tandem),
                           ("u.jdx", ultraviolet)):  # fmt: skip
        yield name, lambda p, s=spectrum: write_jcamp(s, p)
    yield "h.csv", lambda p: write_csv(phased, p)
    yield "m.mgf", lambda p: write_mgf([tandem, tandem], p)
    yield "m.msp", lambda p: write_msp([tandem, tandem], p)
    yield "w.sdf", lambda p: write_nmredata(record.proton(record.PEAKS), parse_structure("CCO"), p)
