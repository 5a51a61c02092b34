"""The measures as a file, and their verdicts against limits known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.library.familiarity import ChannelFamiliarity, Familiarity, features


def plain_channel(distance: float = 5.0, strangeness: float = 0.0) -> ChannelFamiliarity:
    """Strange is what has its first feature, the height of the first points, above 1."""
    size = features(np.zeros((1, 600))).shape[1]
    weight = np.zeros((size, 3))
    weight[0, 2] = 10.0
    return ChannelFamiliarity(
        np.zeros(size), np.ones(size), np.eye(size)[:, :2], np.ones(2), 1.0,
        ((weight, np.array([10.0, -20.0, 0.0])),), ("ordinary", "noise", "axis"),
        np.array([[distance] * 5, [strangeness, *[strangeness + 50] * 4]]),
    )  # fmt: skip


@pytest.fixture
def measures() -> Familiarity:
    return Familiarity({"IR": plain_channel(), "13C NMR": plain_channel()}, 0.02)


def high_start() -> np.ndarray:
    values = np.full(600, 0.2)
    values[:5] = 4.0
    return values


def test_a_strange_spectrum_is_named_with_its_kind(measures):
    strange = measures.doubted({"IR": high_start()})
    assert [(s.channel, s.kind) for s in strange] == [("IR", "axis")]
    assert strange[0].excess > 0
    assert measures.doubted({"IR": np.full(600, 0.2)}) == ()


def test_limits_depend_on_how_many_channels_are_looked_at(measures):
    spectra = {"IR": high_start(), "13C NMR": np.full(600, 0.2)}
    assert measures.doubted(spectra) == ()


def test_channels_without_measures_are_not_doubted(measures):
    assert measures.doubted({"MS/MS+": high_start()}) == ()


def test_what_is_far_without_looking_like_a_kind_is_told_without_one():
    measures = Familiarity({"IR": plain_channel(distance=0.0, strangeness=99.0)}, 0.02)
    assert [s.kind for s in measures.doubted({"IR": np.full(600, 0.2)})] == [None]


def test_a_file_gives_the_same_verdicts(measures, tmp_path):
    measures.save(tmp_path / "f.npz")
    again = Familiarity.load(tmp_path / "f.npz")
    values = np.stack([high_start(), np.full(600, 0.2)])
    assert again.false_alarms == 0.02
    assert again.channels["IR"].kinds == ("ordinary", "noise", "axis")
    assert again.scores("IR", values) == pytest.approx(measures.scores("IR", values), abs=1e-2)
    assert [p.name for p in tmp_path.iterdir()] == ["f.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"f\.npz cannot be read"):
        Familiarity.load(tmp_path / "f.npz")


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "f.npz", about=np.array([{"channels": {}}], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        Familiarity.load(tmp_path / "f.npz")


def test_features_do_not_depend_on_the_rest_of_the_batch():
    values = np.random.default_rng(0).random((4, 600))
    assert features(values[1:2]) == pytest.approx(features(values)[1:2], rel=1e-5)
    assert np.isfinite(features(np.zeros((1, 600)))).all()
