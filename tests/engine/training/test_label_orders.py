"""Fitted orders of labels: appendix L's formulas by hand and against other implementations."""

from __future__ import annotations

import json
import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.label_order import iupac_order
from engine.installation import resource
from engine.training.label_orders import (
    ORDERS,
    breadth_first,
    dependency_weights,
    entropies,
    graph_order,
    mutual_information,
    mutual_information_order,
    named_order,
    page_rank,
    phi_coefficients,
    spanning_tree,
    write_orders,
)


@pytest.fixture
def labels():
    """200 molecules: 1 is mostly where 0 is, 2 nearly never without 1, 3 alone, 4 never."""
    generator = np.random.default_rng(0)
    zero = generator.random(200) < 0.5
    one = zero ^ (generator.random(200) < 0.1)
    two = one & (generator.random(200) < 0.3)
    three = generator.random(200) < 0.1
    return np.stack([zero, one, two, three, np.zeros(200, bool)], axis=1).astype(np.uint8)


def information_by_counting(labels, i, j):
    total = 0.0
    for u, v in product((0, 1), repeat=2):
        both = np.mean((labels[:, i] == u) & (labels[:, j] == v))
        if both > 0:
            alone = np.mean(labels[:, i] == u) * np.mean(labels[:, j] == v)
            total += both * math.log2(both / alone)
    return total


def test_mutual_information_is_that_of_the_joint_distribution(labels):
    found = mutual_information(labels)
    for i, j in product(range(5), repeat=2):
        assert found[i, j] == pytest.approx(information_by_counting(labels, i, j), abs=1e-9)
    assert found.diagonal() == pytest.approx(entropies(labels))
    assert found == pytest.approx(found.T, abs=1e-9)


def test_entropies_of_known_shares():
    labels = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1], [0, 0, 0]])
    quarter = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert entropies(labels) == pytest.approx([1.0, 0.0, quarter])


INFORMATION = np.array(
    [
        [0.0, 0.50, 0.10, 0.02, 0.03],
        [0.50, 0.0, 0.40, 0.05, 0.01],
        [0.10, 0.40, 0.0, 0.30, 0.02],
        [0.02, 0.05, 0.30, 0.0, 0.20],
        [0.03, 0.01, 0.02, 0.20, 0.0],
    ]
)


def test_the_spanning_tree_keeps_the_strongest_of_a_chain():
    tree = spanning_tree(INFORMATION)
    edges = {tuple(sorted(edge)) for edge in np.argwhere(tree).tolist()}
    assert edges == {(0, 1), (1, 2), (2, 3), (3, 4)}


@pytest.mark.parametrize("seed", range(4))
def test_the_spanning_tree_is_scipys_and_the_lightest_of_all(seed):
    information = np.random.default_rng(seed).random((5, 5)) + 0.01
    information = np.triu(information, 1) + np.triu(information, 1).T
    tree = spanning_tree(information)
    distances = np.where(np.eye(5) > 0, 0.0, 1 / (information + 1e-6))
    theirs = minimum_spanning_tree(np.triu(distances)).toarray() > 0
    assert (tree == (theirs | theirs.T)).all()
    pairs = list(combinations(range(5), 2))
    totals = []
    for chosen in combinations(pairs, 4):
        graph = np.zeros((5, 5))
        graph[tuple(np.array(chosen).T)] = 1
        if connected_components(graph, directed=False)[0] == 1:
            totals.append(sum(distances[edge] for edge in chosen))
    assert distances[np.triu(tree)].sum() == pytest.approx(min(totals))


def test_pairs_under_the_threshold_are_no_edges():
    tree = spanning_tree(INFORMATION, threshold=0.25)
    edges = {tuple(sorted(edge)) for edge in np.argwhere(tree).tolist()}
    assert edges == {(0, 1), (1, 2), (2, 3)}


def test_the_walk_starts_at_the_least_uncertain_and_goes_breadth_first():
    tree = np.zeros((6, 6), bool)
    for i, j in ((2, 0), (2, 4), (0, 1), (4, 3)):
        tree[i, j] = tree[j, i] = True
    uncertainty = np.array([0.6, 0.3, 0.1, 0.2, 0.5, 0.9])
    # From 2 its neighbours 4 (0.5) and 0 (0.6), then theirs; 5 hangs on nothing.
    assert breadth_first(tree, uncertainty) == (2, 4, 0, 3, 1, 5)


def test_labels_that_tell_of_each_other_are_joined_and_the_most_certain_begin(labels):
    tree = spanning_tree(mutual_information(labels))
    assert tree[0, 1] and tree[1, 2] and not tree[0, 2] and not tree[4].any()
    order = mutual_information_order(labels)
    assert sorted(order) == list(range(5))
    # 4 is never there, 3 seldom.
    assert order[:2] == (4, 3)


def test_phi_coefficients_are_correlations(labels):
    phi = phi_coefficients(labels)
    assert phi[:4, :4] == pytest.approx(np.corrcoef(labels[:, :4].T))
    assert (phi[4] == 0).all() and (phi[:, 4] == 0).all()


def test_page_rank_solves_its_equation():
    generator = np.random.default_rng(1)
    weights = generator.random((7, 7)) * (generator.random((7, 7)) < 0.4)
    np.fill_diagonal(weights, 0)
    weights[3] = 0.0
    walk = np.full((7, 7), 1 / 7)
    for i in range(7):
        if weights[i].any():
            walk[i] = weights[i] / weights[i].sum()
    exact = np.linalg.solve(np.eye(7) - 0.85 * walk.T, np.full(7, 0.15 / 7))
    assert page_rank(weights) == pytest.approx(exact, abs=1e-10)
    assert page_rank(weights).sum() == pytest.approx(1.0)


def test_dependencies_run_from_lower_to_higher_scores_of_related_labels():
    scores = np.array([0.1, 0.9, 0.5])
    cosines = np.array([[1, 0.8, 0.2], [0.8, 1, -0.5], [0.2, -0.5, 1]])
    phi = np.array([[0, -0.1, 0.3], [-0.1, 0, 0.02], [0.3, 0.02, 0]])
    weights = dependency_weights(scores, cosines, phi, delta=0.5, tau=0.05, alpha=0.7)
    expected = np.zeros((3, 3))
    expected[0, 1] = 0.7 * 0.8 + 0.3 * -0.1  # alike, and 0 scores lower
    expected[0, 2] = 0.7 * 0.2 + 0.3 * 0.3  # found together
    assert weights == pytest.approx(expected)


def test_the_graph_network_puts_the_predictable_first_and_is_the_same_again(labels):
    order = graph_order(labels, steps=300)
    assert sorted(order) == list(range(5))
    assert order == graph_order(labels, steps=300)
    # Never present and rare come before those that half the molecules have.
    assert set(order[:2]) == {3, 4}


def test_every_named_order_has_every_group_once():
    assert named_order("iupac") == iupac_order()
    orders = [named_order(name) for name in ORDERS]
    assert len(set(orders)) == 3
    for order in orders:
        assert sorted(order) == list(range(len(GROUP_NAMES)))
    with pytest.raises(ValueError, match="order 'random' is none of iupac, mutual-information"):
        named_order("random")


def test_orders_are_written_by_name_and_as_those_that_are_installed(tmp_path):
    generator = np.random.default_rng(2)
    labels = (generator.random((60, len(GROUP_NAMES))) < 0.2).astype(np.uint8)
    write_orders(tmp_path / "orders.json", labels)
    assert [entry.name for entry in tmp_path.iterdir()] == ["orders.json"]
    written = json.loads((tmp_path / "orders.json").read_text(encoding="utf-8"))
    installed = json.loads(resource("tables", "label_orders.json").read_text(encoding="utf-8"))
    assert set(written) == set(installed) == {"mutual-information", "graph"}
    first = GROUP_NAMES.index(written["mutual-information"][0])
    assert entropies(labels)[first] == entropies(labels).min()
