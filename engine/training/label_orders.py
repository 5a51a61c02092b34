"""Orders of prediction fitted to the labels of a training split (SymSpectra, appendix L).

``labels`` are 0 or 1, ``(n, K)``; an order lists label indices, the first to be predicted first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.label_order import iupac_order
from engine.installation import resource
from engine.networks.label_graph import LabelGraphNetwork

ORDERS = ("iupac", "mutual-information", "graph")
_EPSILON = 1e-6


def entropies(labels: np.ndarray) -> np.ndarray:
    """The entropy of each label in bits, ``(K,)`` (eq. 39)."""
    return _binary_entropy(labels.mean(0))


def _binary_entropy(probability: np.ndarray) -> np.ndarray:
    both = np.stack([probability, 1 - probability])
    return -(both * np.log2(np.where(both > 0, both, 1.0))).sum(0)


def mutual_information(labels: np.ndarray) -> np.ndarray:
    """I(f_i; f_j) = H(f_i) - H(f_i | f_j) in bits, ``(K, K)`` (eqs 40 to 42)."""
    labels = labels.astype(np.float64)
    conditional = np.zeros((labels.shape[1],) * 2)
    for given in (labels, 1 - labels):
        size = given.sum(0)
        shares = labels.T @ given / np.where(size > 0, size, 1.0)
        conditional += size / len(labels) * _binary_entropy(shares)
    return np.clip(entropies(labels)[:, None] - conditional, 0, None)


def spanning_tree(information: np.ndarray, threshold: float = 0.0) -> np.ndarray:
    """The edges of the minimum spanning tree of the distances 1 / (I + epsilon), bool ``(K, K)``,
    symmetric (eqs 43 and 44).

    Only pairs whose information exceeds ``threshold`` (bits) are edges of the dependency graph; the
    paper does not say its tau, and at 0 the tree joins all labels that any other tells about.
    """
    information = np.maximum(information, information.T)
    distances = np.where(information > threshold, 1 / (information + _EPSILON), 0.0)
    np.fill_diagonal(distances, 0.0)
    tree = minimum_spanning_tree(distances).toarray() > 0
    return tree | tree.T


def breadth_first(tree: np.ndarray, uncertainty: np.ndarray) -> tuple[int, ...]:
    """The tree's nodes from the least uncertain one on, breadth first, neighbours by ascending
    uncertainty (eq. 45 and L.2). Where the graph falls apart, each part in its turn."""
    order: list[int] = []
    by_uncertainty = np.argsort(uncertainty, kind="stable").tolist()
    for start in by_uncertainty:
        if start in order:
            continue
        part = [start]
        for node in part:
            part += [n for n in by_uncertainty if tree[node, n] and n not in part]
        order += part
    return tuple(order)


def mutual_information_order(labels: np.ndarray, threshold: float = 0.0) -> tuple[int, ...]:
    """Labels along the spanning tree of what they tell about each other (L.1 and L.2)."""
    return breadth_first(spanning_tree(mutual_information(labels), threshold), entropies(labels))


def phi_coefficients(labels: np.ndarray) -> np.ndarray:
    """The phi coefficient of each pair of labels, ``(K, K)`` (eqs 46 and 47), 0 with one that all
    or none have."""
    labels = labels.astype(np.float64)
    share = labels.mean(0)
    spread = np.sqrt(share * (1 - share))
    together = labels.T @ labels / len(labels)
    product = np.outer(spread, spread)
    apart = together - np.outer(share, share)
    return np.where(product > 0, apart / np.where(product > 0, product, 1.0), 0.0)


def page_rank(weights: np.ndarray, damping: float = 0.85, steps: int = 200) -> np.ndarray:
    """PageRank of the nodes of a directed graph, ``(K,)``, sum 1; ``weights[i, j]`` is from i to j.

    A node without outgoing edges gives what it has to all alike.
    """
    size = len(weights)
    total = weights.sum(1, keepdims=True)
    steps_to = np.where(total > 0, weights / np.where(total > 0, total, 1.0), 1 / size)
    rank = np.full(size, 1 / size)
    for _ in range(steps):
        rank = (1 - damping) / size + damping * rank @ steps_to
    return rank


def dependency_weights(
    scores: np.ndarray, cosines: np.ndarray, phi: np.ndarray,
    delta: float = 0.5, tau: float = 0.05, alpha: float = 0.7,
) -> np.ndarray:  # fmt: skip
    """The directed dependency graph, ``(K, K)`` (eqs 52 and 53); weights below 0 are 0."""
    follows = scores[:, None] < scores[None, :]
    related = (cosines > delta) | (phi > tau)
    return np.where(follows & related, np.clip(alpha * cosines + (1 - alpha) * phi, 0, None), 0.0)


def graph_order(
    labels: np.ndarray, seed: int = 0, tau: float = 0.05, delta: float = 0.5,
    alpha: float = 0.7, blend: float = 0.6, steps: int = 400,
) -> tuple[int, ...]:  # fmt: skip
    """Labels by a graph network's scores and PageRank (L.3); ``blend`` is the paper's lambda.

    The paper does not say what the network is trained for, nor tau and delta. Here its embeddings'
    cosines learn the phi coefficients, and its scores the labels' entropies, so that, as in L.1,
    what is more predictable comes first. Scores and ranks are both brought to 0...1 before they are
    blended (eq. 54), since as they are a rank is a fortieth of a score.
    """
    phi = phi_coefficients(labels)
    np.fill_diagonal(phi, 0.0)
    scores, cosines = _fitted(phi, entropies(labels), seed, tau, steps)
    weights = dependency_weights(scores, cosines, phi, delta, tau, alpha)
    blended = blend * _unit(scores) + (1 - blend) * _unit(page_rank(weights))
    return tuple(np.argsort(blended, kind="stable").tolist())


def _unit(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _fitted(
    phi: np.ndarray, uncertainty: np.ndarray, seed: int, tau: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores ``(K,)`` and cosines ``(K, K)`` of a graph network trained on one graph."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LabelGraphNetwork(len(phi)).double()
    truth, weights = torch.from_numpy(phi), torch.from_numpy(np.where(phi > tau, phi, 0.0))
    wanted = torch.from_numpy(uncertainty)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    apart = ~torch.eye(len(phi), dtype=torch.bool)
    for _ in range(steps):
        embeddings, scores = network(weights)
        loss = (_cosines(embeddings) - truth)[apart].square().mean()
        loss = loss + (scores - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        embeddings, scores = network(weights)
        return scores.numpy(), _cosines(embeddings).numpy()


def _cosines(embeddings: Tensor) -> Tensor:
    unit = torch.nn.functional.normalize(embeddings, dim=1, eps=1e-9)
    return unit @ unit.T


def fit_orders(labels: np.ndarray) -> dict[str, list[str]]:
    """Both fitted orders as names of groups; ``labels`` ``(n, 37)`` of the train split."""
    found = {
        "mutual-information": mutual_information_order(labels),
        "graph": graph_order(labels),
    }
    return {name: [GROUP_NAMES[i] for i in order] for name, order in found.items()}


def write_orders(path: Path, labels: np.ndarray) -> None:
    """Fit both orders and write them as JSON, to a temporary file first."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(fit_orders(labels), indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def named_order(name: str) -> tuple[int, ...]:
    """An order of :data:`ORDERS` as indices into ``GROUP_NAMES``; raises ``ValueError``.

    The fitted ones are those that :func:`write_orders` found for the train split of the tables,
    without the molecules of the measured infrared evaluation set.
    """
    if name not in ORDERS:
        raise ValueError(f"order {name!r} is none of {', '.join(ORDERS)}")
    return iupac_order() if name == "iupac" else _indices(_fitted_orders()[name])


def _indices(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(GROUP_NAMES.index(name) for name in names)


@cache
def _fitted_orders() -> dict[str, list[str]]:
    path = resource("tables", "label_orders.json")
    return json.loads(path.read_text(encoding="utf-8"))
