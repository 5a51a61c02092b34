"""The graph encoder: what its layers compute, and what they must not depend on."""

from __future__ import annotations

import torch
from rdkit import Chem

from engine.chemistry.molecular_graph import molecular_graph
from engine.networks.graph_batches import (
    ATOM_VALUES,
    BOND_VALUES,
    atom_columns,
    bond_columns,
    graph_batch,
)
from engine.networks.graph_encoder import GraphEncoder, GraphEncoderConfig, sum_over_molecules


def _encoder(**changes) -> GraphEncoder:
    torch.manual_seed(0)
    config = GraphEncoderConfig(
        ATOM_VALUES, BOND_VALUES, atom_columns(), bond_columns(), width=16, depth=3, **changes
    )
    return GraphEncoder(config).eval()


def _batch(*smiles: str):
    return graph_batch([molecular_graph(Chem.MolFromSmiles(s)) for s in smiles])


def test_equivalent_atoms_get_equal_vectors():
    vectors = _encoder()(_batch("Cc1ccc(C)cc1"))
    torch.testing.assert_close(vectors[0], vectors[5])
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-3)


def test_the_order_of_atoms_does_not_matter():
    encoder = _encoder(norm="layer", residual=True, every_depth=True)
    forward, backward = encoder(_batch("CCO")), encoder(_batch("OCC"))
    torch.testing.assert_close(forward, backward.flip(0))


def test_molecules_of_a_batch_do_not_touch():
    encoder = _encoder()
    together = encoder(_batch("CCO", "c1ccncc1"))
    torch.testing.assert_close(together[:3], encoder(_batch("CCO")))
    torch.testing.assert_close(together[3:], encoder(_batch("c1ccncc1")))


def test_an_atom_sees_as_far_as_there_are_layers():
    # Hydrogens and ring features equal: only the far end differs.
    near, far = "CCCCCF", "CCCCCCl"
    difference = (_encoder()(_batch(near)) - _encoder()(_batch(far))).abs().amax(1)
    assert (difference[:2] < 1e-6).all()
    assert (difference[2:] > 1e-6).all()


def test_one_layer_is_the_equation_of_the_paper():
    encoder = _encoder()
    batch = _batch("CC=O")
    layer, embed = encoder.layers[0], encoder.bond_embeddings[0]
    h = sum(table(batch.atoms[:, c].long()) for c, table in enumerate(encoder.atom_embeddings))
    edges = [sum(t(row[c].long()) for c, t in enumerate(embed.tables)) for row in batch.bonds]
    around = torch.zeros_like(h)
    for (source, target), edge in zip(batch.ends.T.tolist(), edges, strict=True):
        around[target] += torch.relu(h[source] + edge)
    expected = layer.norm(layer.mlp((1 + layer.eps) * h + around))
    torch.testing.assert_close(layer(h, around), expected)
    torch.testing.assert_close(embed(batch.bonds.long()), torch.stack(edges))


def test_sums_are_taken_over_each_molecule():
    batch = _batch("CCO", "CN")
    sums = sum_over_molecules(torch.ones(5, 2), batch)
    assert sums.tolist() == [[3, 3], [2, 2]]


def test_the_config_survives_json():
    import json

    config = _encoder().config
    assert GraphEncoderConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
