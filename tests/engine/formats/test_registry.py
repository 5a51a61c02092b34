"""Opening paths: content decides, folders and archives are walked, progress and cancel work."""

from __future__ import annotations

import io
import os
import shutil
import zipfile

import pytest

from engine.formats import FormatError, containers, open_many, open_spectra, registry
from engine.formats.signatures import foreign_format

JCAMP = """##TITLE=line
##JCAMP-DX=4.24
##DATA TYPE=INFRARED SPECTRUM
##XUNITS=1/CM
##YUNITS=ABSORBANCE
##FIRSTX=1000
##LASTX=1002
##NPOINTS=3
##XFACTOR=1
##YFACTOR=1
##FIRSTY=1
##XYDATA=(X++(Y..Y))
1000 1 2 3
##END=
"""
MSP = "Name: a\nNum Peaks: 2\n27 10\n31 20\n"
BROKEN = "##TITLE=x\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##END=\n"


def _zip(path, members: dict[str, str | bytes]):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("suffix", ["", ".txt", ".csv", ".mzML", ".DX", ".msp"])
@pytest.mark.parametrize(("text", "technique"), [(JCAMP, "IR"), (MSP, "MS")])
def test_content_decides_not_the_suffix(tmp_path, suffix, text, technique):
    path = tmp_path / f"spectrum{suffix}"
    path.write_text(text)
    (spectrum,) = open_spectra(path)
    assert spectrum.technique == technique
    assert spectrum.source.path == str(path)


def test_every_sample_of_mass_spectrometry_opens_or_says_why(samples):
    refused = {
        "agilent-gcms-tic.cdf": "a chromatogram of 1645 points",
        "MTBLS263_mzTabM.mztab": "features 19",
        "mztabM_small.mztab": "features 4",
        "arrayChromatograms.mzML": "66 chromatograms",
        "tiny3.0.mzXML": "m/z of -2",
    }
    for path in sorted((samples / "ms").iterdir()):
        if path.name in refused:
            with pytest.raises(FormatError, match=refused[path.name]):
                open_spectra(path)
        else:
            assert all(spectrum.technique.is_mass for spectrum in open_spectra(path)), path.name


@pytest.mark.parametrize(
    ("name", "technique"),
    [
        ("06_varian_1d_hop/FAM013_ATPE.PROTON_02.fid", "1H NMR"),
        ("07_varian_arrayed_satrec2D.fid", "87Rb NMR"),
        ("08_jeol_jdf/phosphorus.jdf", "31P NMR"),
        ("10_nmrpipe/1d_19F.fid", "19F NMR"),
        ("12_simpson/ethanol.spe", "1H NMR"),
        ("13_nmrml/FAM013_ATPE.PROTON_02.fid.nmrML", "1H NMR"),
        ("14_nmredata/Asunaprevir.nmredata.sdf", "1H NMR"),
    ],
)
def test_nmr_of_every_vendor_is_known_by_content(samples, tmp_path, name, technique):
    path = samples / "nmr" / name
    spectrum = open_spectra(path)[0]
    assert spectrum.technique == technique
    if path.is_file():
        other = tmp_path / "renamed.dat"
        shutil.copyfile(path, other)
        renamed = open_spectra(other)[0]
        assert renamed.technique == technique and renamed.y.tolist() == spectrum.y.tolist()


@pytest.mark.parametrize(
    ("head", "format_name"),
    [
        (b"PEPE2D constant interval DataSet file", "PerkinElmer SP"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b'<?xml version="1.0"?>\n<AnIML version="0.90">', "AnIML"),
    ],
)
def test_formats_of_later_are_named_by_content(tmp_path, head, format_name):
    path = tmp_path / "renamed.dat"
    path.write_bytes(head + bytes(100))
    with pytest.raises(FormatError, match=f"{format_name}.*not read yet"):
        open_spectra(path)


def test_no_signature_claims_a_file_that_is_read(samples):
    for path in samples.rglob("*"):
        if not path.is_file():
            continue
        head = path.read_bytes()[:4096]
        if foreign_format(path, head) is None:
            continue
        sure = [r.name for r in registry.readers().values() if r.sniff(path, head) >= 0.9]
        assert not sure, path


def test_a_folder_gives_its_good_files_and_names_the_broken_one(tmp_path):
    folder = tmp_path / "sample"
    (folder / "more").mkdir(parents=True)
    (folder / "10.jdx").write_text(JCAMP)
    (folder / "2.jdx").write_text(JCAMP)
    (folder / "broken.jdx").write_text(BROKEN)
    (folder / "notes.txt").write_text("Recrystallised twice from ethanol.\n")
    (folder / "scheme.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (folder / "empty").write_bytes(b"")
    (folder / ".hidden.jdx").write_text(BROKEN)
    (folder / "more" / "ms.msp").write_text(MSP)
    spectra = open_spectra(folder)
    assert [os.path.basename(s.source.path) for s in spectra] == ["2.jdx", "10.jdx", "ms.msp"]
    (warning,) = spectra[0].warnings
    assert "broken.jdx" in warning
    assert "notes" not in warning and "png" not in warning
    assert not spectra[1].warnings


def test_folders_without_spectra(tmp_path):
    with pytest.raises(FormatError, match="found nothing in it"):
        open_spectra(tmp_path)
    (tmp_path / "notes.md").write_text("# Nothing here\n")
    with pytest.raises(FormatError, match="found no file that is a spectrum"):
        open_spectra(tmp_path)
    (tmp_path / "broken.jdx").write_text(BROKEN)
    with pytest.raises(FormatError, match=r"found broken\.jdx: expected"):
        open_spectra(tmp_path)


def test_links_that_go_round_end(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jdx").write_text(JCAMP)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len(open_spectra(tmp_path)) == 1


def test_a_walk_ends_at_its_limits(tmp_path, monkeypatch):
    for number in range(6):
        (tmp_path / f"{number}.jdx").write_text(JCAMP)
    monkeypatch.setattr(registry, "MOST_SPECTRA", 3)
    spectra = open_spectra(tmp_path)
    assert len(spectra) == 3
    assert "only a part was read" in spectra[0].warnings[0]


def test_an_experiment_folder_and_a_folder_of_them(samples):
    experiment = samples / "nmr" / "01_bruker_1d_1H_aspirin-1h-processed"
    (inner,) = open_spectra(experiment / "1")
    (outer,) = open_spectra(experiment)
    assert inner.technique == outer.technique == "1H NMR"
    assert inner.x.tolist() == outer.x.tolist()


def test_a_zip_of_an_experiment(samples, tmp_path):
    experiment = samples / "nmr" / "01_bruker_1d_1H_aspirin-1h-processed"
    archive = shutil.make_archive(str(tmp_path / "aspirin"), "zip", experiment)
    (unpacked,) = open_spectra(archive)
    (direct,) = open_spectra(experiment)
    assert unpacked.y.tolist() == direct.y.tolist()
    assert str(unpacked.source) == f"{archive}/1#pdata/1"


def test_a_published_archive_of_experiments(samples):
    path = samples / "nmr" / "14_nmredata" / "arborinine_1D_assignments.zip"
    spectra = open_spectra(path)
    techniques = ["1H NMR", "13C NMR", "13C NMR"]
    assert [s.technique for s in spectra] == techniques + techniques
    # The record's peak lists first, then the experiments; none of them twice.
    assert [s.kind for s in spectra] == ["sticks"] * 3 + ["continuous"] * 3
    assert spectra[0].source.path == f"{path}/compound1.nmredata.sdf"
    assert spectra[3].source.path == f"{path}/dj_ca_2017_ernestin_EN4/10"


def test_members_that_point_outside_are_left_out(tmp_path):
    archive = _zip(
        tmp_path / "evil.zip",
        {"../outside.jdx": JCAMP, "/etc/absolute.jdx": JCAMP, "C:\\drive.jdx": JCAMP,
         "in/../../up.jdx": JCAMP, "good.jdx": JCAMP},
    )  # fmt: skip
    link = zipfile.ZipInfo("link.jdx")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(link, "/etc/passwd")
    before = sorted(tmp_path.parent.iterdir())
    (spectrum,) = open_spectra(archive)
    assert spectrum.source.path == f"{archive}/good.jdx"
    assert "points outside the archive" in spectrum.warnings[0]
    assert sorted(tmp_path.parent.iterdir()) == before
    assert not (tmp_path / "outside.jdx").exists()


def test_a_damaged_member_does_not_lose_its_neighbours(tmp_path):
    path = _zip(tmp_path / "two.zip", {"a.jdx": JCAMP, "b.jdx": JCAMP * 50})
    data = bytearray(path.read_bytes())
    at = data.index(b"b.jdx") + 20
    data[at : at + 10] = b"\xff" * 10
    path.write_bytes(data)
    (spectrum,) = open_spectra(path)
    assert "b.jdx" in spectrum.warnings[0]


def test_an_archive_in_an_archive_is_named(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.jdx", JCAMP)
    path = _zip(tmp_path / "outer.zip", {"good.msp": MSP, "inner.zip": inner.getvalue()})
    (spectrum,) = open_spectra(path)
    assert "an archive in an archive" in spectrum.warnings[0]


def test_an_office_document_is_no_archive_of_spectra(tmp_path):
    path = _zip(tmp_path / "table.xlsx", {"[Content_Types].xml": "<Types/>", "xl/a.xml": "<a/>"})
    with pytest.raises(FormatError, match="save its table as CSV"):
        open_spectra(path)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "MOST_MEMBERS", 3)
    path = _zip(tmp_path / "many.zip", {f"{n}.jdx": JCAMP for n in range(4)})
    with pytest.raises(FormatError, match="at most 3 files"):
        open_spectra(path)


def test_many_paths_with_progress(tmp_path):
    good, broken, missing = (tmp_path / name for name in ("a.jdx", "b.jdx", "c.jdx"))
    good.write_text(JCAMP)
    broken.write_text(BROKEN)
    seen = []
    spectra, errors = open_many(
        [good, broken, missing], on_progress=lambda *progress: seen.append(progress)
    )
    assert len(spectra) == 1
    assert [path for path, _ in errors] == [str(broken), str(missing)]
    assert "nothing at this path" in errors[1][1]
    assert seen == [(0, 3, str(good)), (1, 3, str(broken)), (2, 3, str(missing)), (3, 3, "")]


def test_cancel_keeps_what_was_read(tmp_path):
    paths = [tmp_path / f"{number}.jdx" for number in range(3)]
    for path in paths:
        path.write_text(JCAMP)
    asked = iter([False, True])
    spectra, errors = open_many(paths, is_cancelled=lambda: next(asked))
    assert (len(spectra), errors) == (1, [])


def test_the_technique_of_a_table_can_be_told(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(f"{500 + n},{1 + n % 7}" for n in range(50)))
    assert {s.technique for s in open_spectra(path, technique="Raman")} == {"Raman"}
    with pytest.raises(ValueError, match="unknown technique"):
        open_spectra(path, technique="Ramen")


def test_natural_order():
    names = ["10", "2", "1", "a10", "a2", "B1"]
    assert sorted(names, key=containers.natural_order) == ["1", "2", "10", "a2", "a10", "B1"]
