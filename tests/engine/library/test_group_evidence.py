"""Further sources beside a network: whose word counts how much, and what a file may say of it."""

from __future__ import annotations

import numpy as np
import pytest

from engine.library.group_evidence import AddedSource, SourceTrust, joined_logits, sources_of
from engine.library.group_model import Calibration, LabelCalibration

TRUST = SourceTrust((1.5, 0.5), {frozenset({"MS/MS-"}): 2.0})


def test_a_set_of_channels_has_its_own_trust_or_that_of_its_size():
    assert TRUST.for_channels({"MS/MS-"}) == 2.0
    assert TRUST.for_channels({"MS/MS+"}) == 1.5
    assert TRUST.for_channels({"MS/MS+", "IR"}) == 0.5
    # The last serves larger sets.
    assert TRUST.for_channels({"MS/MS+", "IR", "1H NMR", "13C NMR"}) == 0.5


def test_logits_are_joined_by_their_trust():
    one, two = (AddedSource("m", "fragments", name, TRUST) for name in ("MS/MS+", "MS/MS-"))
    own, first, second = np.array([1.0, -1.0]), np.array([2.0, 0.0]), np.array([0.0, 4.0])
    joined = joined_logits(own, [(one, first), (two, second)], {"MS/MS+", "MS/MS-"})
    # (1 + 0.5 * 2 + 0.5 * 0) / (1 + 0.5 + 0.5), and so on.
    assert joined.tolist() == [1.0, 0.5]
    assert joined_logits(own, [], {"IR"}).tolist() == own.tolist()
    # Where the network read nothing a source speaks as it is.
    assert joined_logits(None, [(one, first)], {"MS/MS+"}).tolist() == first.tolist()
    with pytest.raises(ValueError, match="neither the network nor"):
        joined_logits(None, [], set())


def test_a_source_comes_back_from_json():
    source = AddedSource("groups-fragments", "fragments", "MS/MS+", TRUST)
    assert sources_of([source.to_dict()]) == (source,)


@pytest.mark.parametrize("bad", [-0.1, float("nan"), 1e9])
def test_a_trust_that_is_none_is_refused(bad):
    values = AddedSource("m", "fragments", "EI", TRUST).to_dict()
    values["trust"]["by_count"] = [bad]
    with pytest.raises(ValueError, match="trusts"):
        sources_of([values])


def test_a_channel_can_have_a_calibration_for_all_its_sets():
    def level(offset):
        return LabelCalibration(np.ones(2), np.full(2, offset), np.full(2, 0.5))

    calibration = Calibration(level(0.0), {frozenset({"EI"}): level(1.0)}, {"EI": level(2.0)})
    again = Calibration.from_dict(calibration.to_dict())
    for one in (calibration, again):
        assert one.for_channels(["EI"]).offset[0] == 1.0
        assert one.for_channels(["IR", "EI"]).offset[0] == 2.0
        assert one.for_channels(["IR"]).offset[0] == 0.0
    old = calibration.to_dict()
    del old["containing"]
    assert Calibration.from_dict(old).for_channels(["IR", "EI"]).offset[0] == 0.0
