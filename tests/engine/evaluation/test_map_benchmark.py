"""The tests of maps: the deletion's area on a known network, the windows, and the command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.map_windows import map_windows, window_sources
from engine.cli import main
from engine.evaluation.deletion import (
    COUNTS,
    area_between,
    deletions,
    regions_at_random,
    regions_by_map,
)
from engine.evaluation.maps import INPUTS, SHOWN, format_table, map_benchmark

KEY = 300


def _spectra(rng):
    values = np.zeros(600)
    values[rng.choice(600, 60, replace=False)] = rng.uniform(0.3, 1, 60)
    values[KEY] = 0.8
    return {"13C NMR": values}


def _probability(spectra) -> float:
    """A network that looks at one point."""
    return 1 / (1 + np.exp(4 - 10 * spectra["13C NMR"][KEY]))


def _curve(spectra, regions) -> list[float]:
    return [_probability(one) for one in deletions(spectra, regions)]


def _area(maps_of, seed: int) -> float:
    rng = np.random.default_rng(seed)
    areas = []
    for _ in range(40):
        spectra = _spectra(rng)
        mapped = _curve(spectra, regions_by_map(spectra, maps_of(rng), COUNTS[-1]))
        random = np.mean(
            [_curve(spectra, regions_at_random(spectra, COUNTS[-1], rng)) for _ in range(5)], axis=0
        )
        areas.append(area_between(random, np.array(mapped)))
    return float(np.mean(areas))


def test_a_map_of_the_point_that_counts_has_a_large_area():
    def right(rng):
        return {"13C NMR": np.where(np.arange(600) == KEY, 1.0, 0.0)}

    assert _area(right, 1) > 0.6


def test_a_random_map_has_about_none():
    def random(rng):
        return {"13C NMR": rng.random(600)}

    assert abs(_area(random, 2)) < 0.12


def test_regions_go_by_importance_over_all_channels_and_stay_inside():
    spectra = {"IR": np.ones(600), "13C NMR": np.ones(600)}
    maps = {"IR": np.zeros(600), "13C NMR": np.zeros(600)}
    maps["IR"][0], maps["13C NMR"][599], maps["IR"][300] = 1.0, 3.0, -5.0
    assert regions_by_map(spectra, maps, 6) == [("13C NMR", 592, 600), ("IR", 0, 8)]


def test_random_regions_lie_over_signal():
    values = np.zeros(600)
    values[100:104] = 1.0
    regions = regions_at_random({"13C NMR": values}, 6, np.random.default_rng(0))
    assert regions and all(start <= 104 and stop >= 100 for _, start, stop in regions)


def test_more_and_more_is_taken_out():
    spectra = {"13C NMR": np.ones(600)}
    regions = [("13C NMR", start, start + 8) for start in range(0, 80, 10)]
    left = [one["13C NMR"].sum() for one in deletions(spectra, regions)]
    assert left == [600 - 8 * count for count in COUNTS]


def test_every_window_is_of_a_group_and_has_a_source():
    sources = window_sources()
    for window in map_windows():
        assert window.group in GROUP_NAMES
        assert window.sources and set(window.sources) <= set(sources)
        assert all(low < high for low, high, _ in window.regions)


def test_windows_ask_about_the_molecules_that_they_mean():
    from rdkit import Chem

    by_name = {(w.name, str(w.technique)): w for w in map_windows()}
    with_hydrogen = by_name["N-H of an amine", "IR"]
    assert with_hydrogen.asks_about(Chem.MolFromSmiles("CCN"))
    assert not with_hydrogen.asks_about(Chem.MolFromSmiles("CN(C)C"))
    # Table 8 counts a phenol as an alcohol; its C-OH is not where an alcohol's is.
    alcohol = by_name["C-OH of an alcohol", "13C NMR"]
    assert alcohol.asks_about(Chem.MolFromSmiles("CCO"))
    assert not alcohol.asks_about(Chem.MolFromSmiles("Oc1ccccc1"))
    assert alcohol.holds(np.array([47.0, 60.0, 91.0])).tolist() == [False, True, False]


@pytest.fixture
def saved(tmp_path, small_network, plain_calibration, description):
    from engine.library.group_model import save_group_model

    save_group_model(tmp_path / "m", small_network(), plain_calibration, description)
    return tmp_path / "m"


def test_the_benchmark_runs_on_the_tables(tables, saved):
    result = map_benchmark(tables, "valid", saved, molecules=3, compared=2)
    assert result["split"] == "valid" and set(result["molecules"]) <= set(INPUTS)
    assert json.loads(json.dumps(result)) == result
    for row in result["windows"]:
        assert 0 <= row["share"][SHOWN] <= 1 and row["n"] >= 1
    assert "| window |" in format_table(result).replace("| technique ", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["benchmark", "maps"],
        ["benchmark", "maps", "--data", ".", "--queries", "many"],
        ["benchmark", "maps", "--data", ".", "--queries", "-1"],
        ["predict", "--example", "--without", "IR"],
        ["predict", "--example", "--without", "IR:1700-1700"],
        ["predict", "--example", "--without"],
    ],
)
def test_bad_usage_ends_with_2(arguments):
    assert main(arguments) == 2
