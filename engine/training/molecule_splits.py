"""Splits of molecules that test more than memory: by scaffold, and by size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def largest_split(
    smiles: Mapping[str, str], test: float = 0.1, valid: float = 0.1, seed: int = 0
) -> dict[str, str]:
    """ "train", "valid" or "test" for each key: the largest molecules are the test part.

    MSpecTmol, appendix K: sorted by heavy atoms, the top tenth is tested on. The validation part is
    drawn at random from the others.
    """
    from rdkit import Chem

    keys = sorted(smiles)
    heavy = np.array([Chem.MolFromSmiles(smiles[key]).GetNumHeavyAtoms() for key in keys])
    order = np.argsort(heavy, kind="stable")
    tested = round(test * len(keys))
    parts = dict.fromkeys(keys, "train")
    parts |= {keys[i]: "test" for i in order[len(keys) - tested :]}
    rest = np.random.default_rng(seed).permutation(order[: len(keys) - tested])
    parts |= {keys[i]: "valid" for i in rest[: round(valid * len(keys))]}
    return parts


def scaffold_of(smiles: str) -> str:
    """The Murcko scaffold as SMILES without stereo marks; empty for an acyclic molecule."""
    from rdkit import Chem
    from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

    scaffold = GetScaffoldForMol(Chem.MolFromSmiles(smiles))
    return Chem.MolToSmiles(scaffold, isomericSmiles=False)


def scaffold_split(
    smiles: Mapping[str, str],
    test: float = 0.1,
    valid: float = 0.1,
    cut: float = 0.6,
    seed: int = 0,
) -> dict[str, str]:
    """ "train", "valid" or "test" for each key: no scaffold cluster is in two parts.

    SymSpectra, appendix K: Murcko scaffolds, Morgan fingerprints, agglomerative clusters by
    Tanimoto distance (average linkage, cut at ``cut``; the paper gives neither), then greedily
    whole clusters for the test part, each time the one that is farthest from what stays and nearest
    to what was taken, until ``test`` of the molecules are taken; a cluster that would take too many
    is passed over. The validation part is drawn at random from the other clusters.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    keys = sorted(smiles)
    scaffolds = [scaffold_of(smiles[key]) for key in keys]
    names = sorted(set(scaffolds))
    numbers = {name: number for number, name in enumerate(names)}
    distances = _tanimoto_distances(names)
    clusters = np.ones(len(names), int)
    if len(names) > 1:
        tree = linkage(squareform(distances, checks=False), "average")
        clusters = fcluster(tree, cut, "distance")
    clusters = clusters - 1
    of_molecule = np.array([clusters[numbers[scaffold]] for scaffold in scaffolds])
    sizes = np.bincount(of_molecule, minlength=clusters.max() + 1)
    between = _cluster_distances(distances, clusters)
    tested = _farthest(between, sizes, round(test * len(keys)))
    chosen = set(tested)
    drawn: list[int] = []
    for cluster in np.random.default_rng(seed).permutation(len(sizes)).tolist():
        taken = int(sizes[drawn].sum())
        if cluster not in chosen and taken + sizes[cluster] <= round(valid * len(keys)):
            drawn.append(cluster)
    part_of = dict.fromkeys(range(len(sizes)), "train")
    part_of |= dict.fromkeys(drawn, "valid") | dict.fromkeys(tested, "test")
    return {key: part_of[cluster] for key, cluster in zip(keys, of_molecule.tolist(), strict=True)}


def _tanimoto_distances(scaffolds: list[str]) -> np.ndarray:
    """Distances ``(n, n)`` of Morgan fingerprints of radius 2; the empty scaffold is far from
    all others."""
    from rdkit import Chem, DataStructs
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(scaffold)) for scaffold in scaffolds]
    distances = np.zeros((len(prints), len(prints)))
    for row, print_ in enumerate(prints):
        distances[row] = 1 - np.array(DataStructs.BulkTanimotoSimilarity(print_, prints))
    np.fill_diagonal(distances, 0)
    return distances


def _cluster_distances(distances: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Mean distances between clusters of scaffolds, ``(c, c)``."""
    member = np.zeros((clusters.max() + 1, len(clusters)))
    member[clusters, np.arange(len(clusters))] = 1
    member /= member.sum(1, keepdims=True)
    return member @ distances @ member.T


def _farthest(between: np.ndarray, sizes: np.ndarray, wanted: int) -> list[int]:
    """Clusters that together hold at most ``wanted`` molecules, far from all that are left."""
    taken: list[int] = []
    left = set(np.flatnonzero((sizes > 0) & (sizes <= wanted)).tolist())
    stays = np.ones(len(sizes), bool)
    room = wanted
    while left:
        candidates = np.array(sorted(left))
        away = between[candidates][:, stays].sum(1) / max(1, stays.sum() - 1)
        near = between[candidates][:, taken].mean(1) if taken else 0.0
        best = int(candidates[np.argmax(away - near)])
        taken.append(best)
        stays[best] = False
        room -= int(sizes[best])
        left = {c for c in left - {best} if sizes[c] <= room}
    return taken
