"""Tables to tensors, batches, and the training of K-M3AID: it learns and resumes where it was."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.networks.peak_encoder import CARBON, HYDROGEN
from engine.training import alignment_training
from engine.training.alignment_batches import (
    Disturbance,
    epoch,
    gather,
    gather_pairs,
    gather_peaks,
)
from engine.training.alignment_scores import batch_accuracy, node_accuracy, retrieval_ranks
from engine.training.alignment_states import atom_states, gather_known, with_errors
from engine.training.alignment_tables import (
    SIMULATED,
    AlignmentTensors,
    alignment_record,
    alignment_tensors,
    joined,
    library_records,
)
from engine.training.alignment_training import AlignmentPlan, build_network, train_alignment

pytest.importorskip("lightning_fabric")

PLAN = AlignmentPlan(epochs=2, batch_size=5, width=16, depth=2)
EXTENDED = replace(
    PLAN, variant="extended", molecule=1.0, node=0.3, shift=1.0, averaging=0.9, alike=0.5,
    jitter=0.5, offset=0.5, lost=0.1, foreign=0.5, unknown=0.5,
)  # fmt: skip
TOLUENE = 3


@pytest.fixture
def tensors(assigned_rows) -> AlignmentTensors:
    return alignment_tensors([alignment_record(row) for row in assigned_rows()])


@pytest.fixture
def library(tmp_path) -> AlignmentTensors:
    import gzip

    path = tmp_path / "library.txt.gz"
    with gzip.open(path, "wt") as lines:
        lines.write("C\nCCCC\nno molecule\nCCCCC\nCC(C)(C)O\nOCc1ccccc1\n")
    return alignment_tensors(list(library_records(path, 3, skip=1)))


def test_peaks_and_atoms_are_those_of_the_row(tensors):
    atoms = slice(tensors.starts[TOLUENE], tensors.starts[TOLUENE + 1])
    peaks = slice(tensors.peak_starts[TOLUENE], tensors.peak_starts[TOLUENE + 1])
    assert tensors.ppm[peaks] == pytest.approx([21.4, 125.4, 128.3, 129.1, 137.8, 2.3])
    assert tensors.nucleus[peaks].tolist() == [CARBON] * 5 + [HYDROGEN]
    assert tensors.multiplicity[peaks].tolist() == [4, 2, 2, 2, 1, 0]
    assert tensors.carbon_peak[atoms].tolist() == [0, 4, 3, 2, 1, 2, 3]
    assert tensors.hydrogen_peak[atoms][0].tolist() == [5, -1]
    assert tensors.weights[atoms] == pytest.approx([1, 1, 0.5, 0.5, 1, 0.5, 0.5])
    assert tensors.first[atoms].tolist() == [0, 1, 2, 3, 4, 3, 2]
    assert tensors.presence.all()


def test_rows_that_say_nothing_are_left_out():
    row = {"key": "K", "smiles": "CC", "c13": [], "h1": []}
    assert alignment_record(row) is None
    assert alignment_record({**row, "smiles": "no", "c13": [{"ppm": 7.0}]}) is None
    assert alignment_record({**row, "c13": [{"ppm": 977.0}]}) is None
    kept = alignment_record({**row, "c13": [{"ppm": 7.0, "mult": "Q"}]})
    assert [(n, p.ppm, p.attached) for n, p in kept.peaks] == [(CARBON, 7.0, 3)]


def test_tensors_survive_a_file_and_joining(tensors, library, tmp_path):
    tensors.save(tmp_path / "t.npz")
    again = AlignmentTensors.load(tmp_path / "t.npz")
    assert all(np.array_equal(v, getattr(again, n)) for n, v in tensors.__dict__.items())
    both = joined(tensors, library)
    assert len(both) == 13
    assert (both.source[10:] == SIMULATED).all()
    assert len(np.unique(both.identity)) == 13
    assert both.peak_starts[-1] == len(both.ppm) == len(tensors.ppm)


def test_a_library_is_read_from_where_it_is_told(library):
    assert np.diff(library.starts).tolist() == [4, 5, 5]


def test_pairs_point_to_the_own_peak_of_each_atom(tensors):
    pairs = gather_pairs(tensors, np.array([TOLUENE, 0]), {3: 0.7})
    assert pairs[CARBON].atoms.tolist() == list(range(9))
    assert pairs[CARBON].peaks.ppm.tolist() == pytest.approx(
        [21.4, 137.8, 129.1, 128.3, 125.4, 128.3, 129.1, 18.2, 58.0]
    )
    assert pairs[CARBON].peaks.spectrum.tolist() == [0] * 7 + [1] * 2
    assert pairs[CARBON].trust.unique().tolist() == pytest.approx([0.7])
    assert (pairs[CARBON].exchange == -1).all()


def test_inferred_peaks_are_sorted_by_the_prediction_among_like_carbons(assigned_rows):
    records = [alignment_record(row) for row in assigned_rows("inferred")]
    pairs = gather_pairs(alignment_tensors(records), np.array([TOLUENE]), {})[CARBON]
    # The ortho carbons (2, 6) are predicted below the meta ones, the methyl above all.
    predicted = torch.tensor([200.0, 140.0, 127.0, 130.0, 126.0, 130.0, 127.0])
    found = pairs.rearranged(predicted).peaks.ppm
    assert found.tolist() == pytest.approx([21.4, 137.8, 128.3, 129.1, 125.4, 129.1, 128.3])


def test_an_undisturbed_spectrum_is_that_of_the_table(tensors):
    peaks = gather_peaks(tensors, np.array([0, TOLUENE]), (CARBON,))
    assert peaks.ppm.tolist() == pytest.approx([18.2, 58.0, 21.4, 125.4, 128.3, 129.1, 137.8])
    assert peaks.spectrum.tolist() == [0, 0, 1, 1, 1, 1, 1]


def test_disturbances_do_what_they_say(tensors):
    members = np.tile(np.arange(10), 200)
    rng = np.random.default_rng(0)
    clean = gather_peaks(tensors, members)
    moved = gather_peaks(tensors, members, disturbance=Disturbance(jitter=1.0), rng=rng)
    change = moved.ppm - clean.ppm
    assert change[clean.nucleus == CARBON].std().item() == pytest.approx(0.2, rel=0.1)
    assert change[clean.nucleus == HYDROGEN].std().item() == pytest.approx(0.013, rel=0.1)
    blind = gather_peaks(tensors, members, disturbance=Disturbance(unknown=1.0), rng=rng)
    assert (blind.multiplicity == 0).all()
    one = gather_peaks(tensors, members, disturbance=Disturbance(techniques=True), rng=rng)
    there = torch.zeros(len(members), 2)
    there[one.spectrum, one.nucleus] = 1
    assert (there.sum(1) >= 1).all()
    assert (there.sum(1) == 1).float().mean().item() == pytest.approx(0.5, abs=0.05)
    lost = gather_peaks(tensors, members, disturbance=Disturbance(lost=0.5), rng=rng)
    more = gather_peaks(tensors, members, disturbance=Disturbance(foreign=1.0), rng=rng)
    assert len(lost.ppm) < len(clean.ppm) < len(more.ppm)


def test_batches_are_full_and_hold_each_molecule_once(tensors):
    batches = list(epoch(tensors, np.arange(10), 4, np.random.default_rng(0), alike=0.5))
    assert [len(b) for b in batches] == [4, 4]
    assert len(np.unique(np.concatenate(batches))) == 8


def test_simulated_spectra_are_drawn_from_the_predicted_shifts(tensors, library):
    both = joined(tensors, library)
    torch.manual_seed(0)
    states = atom_states(build_network(EXTENDED), both)
    one, far = {CARBON: 1.0, HYDROGEN: 1.0}, {CARBON: 3.0, HYDROGEN: 3.0}
    states = with_errors(states, one, far)
    assert states.excess[CARBON] == pytest.approx(8**0.5)
    rng = np.random.default_rng(0)
    batch = gather_known(both, states, np.arange(13), Disturbance(), rng)
    rows = slice(both.starts[10], both.starts[13])
    drawn = batch.peaks.ppm[(batch.peaks.spectrum >= 10) & (batch.peaks.nucleus == CARBON)]
    predicted = states.shifts[rows, 0]
    assert 0 < len(drawn) <= 10
    reach = 40 * states.shifts[rows, 1].max()
    assert all(np.abs(predicted - ppm).min() < reach for ppm in drawn.numpy())
    known = batch.known.shifts[CARBON].numpy()
    atoms = both.starts[10]
    assert np.allclose(known[atoms:, 0], states.shifts[atoms:, 0])
    assert not np.allclose(known[:atoms, 0], states.shifts[:atoms, 0])
    # Equivalent atoms are moved together: the methyls of acetone.
    moved = known[:, 0] - states.shifts[:, 0]
    acetone = both.starts[1]
    assert moved[acetone] / states.shifts[acetone, 1] == pytest.approx(
        moved[acetone + 2] / states.shifts[acetone + 2, 1], rel=1e-3
    )


@pytest.fixture
def run(tensors, tmp_path):
    def call(folder="run", plan=PLAN, **options):
        path = tmp_path / folder
        network = train_alignment(plan, tensors, tensors, path, **options)
        state = torch.load(path / "last.ckpt", weights_only=True)
        lines = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
        return network, state, lines

    return call


@pytest.mark.parametrize("plan", [PLAN, EXTENDED, replace(PLAN, variant="no-communication")])
def test_every_loss_falls(tensors, plan):
    torch.manual_seed(0)
    network = build_network(plan)
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    batch = gather(tensors, np.arange(10), network.nuclei, {}, Disturbance(), None)
    losses, each = [], []
    for _ in range(25):
        loss, parts = alignment_training.batch_loss(network, batch, plan)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        each.append({name: part.item() for name, part in parts.items()})
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    for name in each[0]:
        assert np.mean([parts[name] for parts in each[-3:]]) < each[0][name], name


def test_a_run_leaves_a_checkpoint_and_a_log(run):
    network, state, lines = run(plan=EXTENDED)
    assert state["place"] == [2, 0]
    assert [line["epoch"] for line in lines] == [0, 1]
    assert {"molecule", "node", "shift", "13C batch", "1H atoms", "13C ppm"} <= set(lines[0])
    assert not network.training


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(run):
    straight, _, _ = run("straight")
    calls = iter(range(1, 100))
    with pytest.raises(FileNotFoundError):  # no log yet: stopped within the first epoch
        run("stopped", is_cancelled=lambda: next(calls) >= 1)
    resumed, state, lines = run("stopped")
    assert state["place"] == [2, 0] and len(lines) == 2
    for one, other in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_a_checkpoint_of_another_plan_is_refused(run):
    run()
    with pytest.raises(ValueError, match="another plan"):
        run(plan=replace(PLAN, learning_rate=5e-4))


def test_the_graph_encoder_stays_as_it_is_where_its_atoms_are_known(tensors, tmp_path):
    torch.manual_seed(3)
    states = atom_states(build_network(EXTENDED), tensors)
    torch.manual_seed(EXTENDED.seed)
    before = build_network(EXTENDED).graph_encoder.state_dict()
    plan = replace(EXTENDED, shift=0.0)
    network = train_alignment(plan, tensors, tensors, tmp_path / "known", states=states)
    after = network.graph_encoder.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_ranks_count_what_is_at_least_as_near():
    spectra = np.eye(3, dtype=np.float32)
    molecules = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]], np.float32)
    others = np.array([[0.2, 0.9, 0], [0, 0, 1.0]], np.float32)
    identity = np.array([0, 1, 2])
    assert retrieval_ranks(molecules, spectra, identity, others).tolist() == [0, 1, 1]
    together = retrieval_ranks(molecules[[0, 0, 2]], spectra, identity, others, True)
    assert together[0] == 1
    same = retrieval_ranks(molecules[[0, 0, 2]], spectra, np.array([7, 7, 2]), others, True)
    assert same[0] == 0


def test_scores_of_a_network_that_knows_all():
    vectors = np.eye(300, dtype=np.float32)
    assert batch_accuracy(vectors, vectors, np.arange(300)) == 1.0
    assert batch_accuracy(vectors, np.roll(vectors, 1, 0), np.arange(300)) < 0.1


def test_node_accuracy_counts_equivalent_carbons_as_right(tensors):
    network = build_network(PLAN)

    class Oracle:
        """Nodes and peaks whose product is largest where the shift is right."""

        config, nuclei = network.config, network.nuclei

        def eval(self):
            return self

        def molecules(self, graph, weights):
            pairs = gather_pairs(tensors, np.arange(10), {})[CARBON]
            known = torch.zeros(len(graph.atoms))
            known[pairs.atoms] = pairs.peaks.ppm
            return type("Out", (), {"nodes": known[:, None]})

        def node_vectors(self, out, atoms, nucleus):
            nodes = out.nodes[atoms]
            return torch.cat([nodes, -torch.ones_like(nodes)], dim=1)

        def peak_vectors(self, peaks):
            return torch.stack([peaks.ppm, 0.5 * peaks.ppm**2], dim=1)

    found = node_accuracy(Oracle(), tensors, CARBON)
    assert found == {"molecules": 10, "atoms right": 1.0, "wholly right": 1.0}
