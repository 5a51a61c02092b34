"""The training loop: it learns, resumes where it stopped, and refuses another plan's checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.encoding.channels import CHANNEL_NAMES
from engine.training import train_groups
from engine.training.group_batches import Source, epoch_batches
from engine.training.group_tensors import GroupTensors
from engine.training.train_groups import (
    AveragedWeights,
    TrainingPlan,
    batch_loss,
    build_network,
    expected_batches,
    learning_rate,
    predict_tensors,
    quick_scores,
    settle_normalisation,
    train,
)

pytest.importorskip("lightning_fabric")

PLAN = TrainingPlan("symspectra", epochs=2, batch_size=16, precision="32-true")


def peaks_that_tell(size=64, seed=0):
    """Molecules with IR and 13C; group 3 is a peak at point 120 of IR, group 8 at 450 of 13C."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, 37), np.uint8)
    labels[:, [3, 8]] = rng.random((size, 2)) < 0.5
    axis = np.arange(600)
    values = {name: np.zeros((0, 600), np.float16) for name in CHANNEL_NAMES}
    for name, place, label in (("IR", 120, 3), ("13C NMR", 450, 8)):
        peak = np.exp(-0.5 * ((axis - place) / 4) ** 2)
        noise = 0.05 * rng.random((size, 600))
        values[name] = (labels[:, [label]] * peak + noise).astype(np.float16)
    here = {name: len(rows) > 0 for name, rows in values.items()}
    rows, none = np.arange(size), np.zeros(size, np.int64)
    return GroupTensors(
        np.arange(size).astype(str),
        labels,
        values,
        {name: rows if here[name] else none for name in CHANNEL_NAMES},
        {name: none + here[name] for name in CHANNEL_NAMES},
    )


@pytest.fixture
def small(monkeypatch, small_network):
    """Trainings in this test build the small network."""
    monkeypatch.setattr(train_groups, "build_network", lambda kind, dropout: small_network())


@pytest.fixture
def run(tmp_path, small):
    """Train on the telling peaks in a folder; returns the network and the checkpoint's state."""

    def call(folder="run", plan=PLAN, **options):
        path = tmp_path / folder
        network = train(plan, [Source(peaks_that_tell())], peaks_that_tell(32, 1), path, **options)
        state = torch.load(path / "last.ckpt", weights_only=True)
        lines = []
        if (path / "log.jsonl").exists():
            lines = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
        return network, state, lines

    return call


def test_the_networks_of_the_plan_take_the_five_channels_to_the_37_groups():
    for kind in train_groups.NETWORKS:
        with torch.device("meta"):
            config = build_network(kind).config
        assert config.channels == CHANNEL_NAMES
        assert len(config.labels) == 37
    with pytest.raises(ValueError, match="'perceptron' is none of symspectra, cnn-1d"):
        build_network("perceptron")


@pytest.mark.parametrize("kind", ["symspectra", "cnn-1d"])
def test_the_loss_of_a_small_network_decreases(kind, small_network, small_cnn):
    network = small_network() if kind == "symspectra" else small_cnn()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    source = Source(peaks_that_tell())
    losses = []
    for epoch in range(8):
        for batch in epoch_batches([source], 16, np.random.default_rng(epoch), keep_all=1.0):
            network.train()
            loss = batch_loss(network, batch, 0.5, TrainingPlan(kind))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert np.mean(losses[-4:]) < 0.6 * np.mean(losses[:4])


def assert_weights_are(network, saved):
    """The weights are those saved; the statistics of normalisation are settled after the end."""
    weights = dict(network.named_parameters())
    assert weights and all(torch.equal(value, saved[name]) for name, value in weights.items())


def test_a_run_leaves_a_checkpoint_and_a_log_and_returns_the_average(run):
    reported = []
    network, state, lines = run(report=reported.append)
    assert state["place"] == [2, 0]
    assert state["plan"]["network"] == "symspectra"
    assert [line["epoch"] for line in lines] == [0, 1]
    assert lines == reported
    assert {"loss", "seconds", "IR", "13C NMR"} <= set(lines[0])
    assert not network.training
    assert_weights_are(network, state["averaged"])
    assert state["steps"] > 4


def test_a_finished_run_is_not_trained_again(run):
    _, before, lines = run()
    network, after, again = run()
    assert after["steps"] == before["steps"]
    assert again == lines
    assert_weights_are(network, before["averaged"])


@pytest.mark.parametrize("stop_at", [1, 3, 5])
def test_a_stopped_run_goes_on_where_it_was(run, stop_at):
    _, straight, lines = run("straight")
    calls = iter(range(1, 100))
    _, stopped, _ = run("stopped", is_cancelled=lambda: next(calls) >= stop_at)
    assert stopped["steps"] == stop_at
    assert stopped["place"] != [2, 0]
    _, resumed, again = run("stopped")
    assert resumed["place"] == [2, 0]
    assert resumed["steps"] == straight["steps"]
    assert [line["epoch"] for line in again] == [line["epoch"] for line in lines]


def test_checkpoints_are_also_written_within_an_epoch(run, tmp_path):
    seen = []

    def look():
        path = tmp_path / "run" / "last.ckpt"
        seen.append(torch.load(path, weights_only=True)["place"][1] if path.exists() else None)
        return False

    run(checkpoint_seconds=0.0, is_cancelled=look)
    assert seen[:3] == [None, 1, 2]
    assert not list(tmp_path.rglob("*.part"))


def test_a_checkpoint_of_another_plan_is_refused(run):
    run()
    for plan in (replace(PLAN, epochs=3), replace(PLAN, learning_rate=5e-4)):
        with pytest.raises(ValueError, match="another plan"):
            run(plan=plan)


def test_the_seed_decides_the_beginning(small_network):
    def weights(seed):
        return torch.cat([p.flatten() for p in small_network(seed).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_averaged_weights_lag_behind_and_buffers_do_not(small_cnn):
    network = small_cnn()
    averaged = AveragedWeights(network, 0.999)
    start = network.layers[0].weight.detach().clone()
    with torch.no_grad():
        network.layers[0].weight.add_(1.0)
        network.layers[1].running_mean.fill_(5.0)
    averaged.update(network)
    # Early on the average follows faster: with n updates, at most (1 + n) / (10 + n) of the old.
    assert torch.allclose(averaged.network.layers[0].weight, start + 1 - 2 / 11)
    assert (averaged.network.layers[1].running_mean == 5.0).all()
    for _ in range(20_000):
        averaged.steps += 1
    before = averaged.network.layers[0].weight.clone()
    averaged.update(network)
    moved = (averaged.network.layers[0].weight - before) / (network.layers[0].weight - before)
    assert moved.mean().item() == pytest.approx(0.001, rel=0.02)


def test_the_learning_rate_warms_up_and_falls_to_a_hundredth():
    plan = TrainingPlan("symspectra", epochs=10, learning_rate=1e-3)
    rates = [learning_rate(plan, epoch) for epoch in np.linspace(0, 10, 201)]
    assert rates[0] == pytest.approx(2e-5)
    assert max(rates) == pytest.approx(1e-3, rel=0.02)
    assert int(np.argmax(rates)) in range(8, 12)
    assert rates[-1] == pytest.approx(1e-5)
    assert (np.diff(rates[11:]) <= 1e-12).all()


def test_the_expected_batches_are_about_those_that_come():
    tensors = peaks_that_tell(320)
    sources = [Source(tensors), Source(tensors, 0.25), Source(tensors, 1.0, ("IR",))]
    came = len(list(epoch_batches(sources, 16, np.random.default_rng(0), keep_all=1.0)))
    assert expected_batches(sources, 16) == pytest.approx(came, abs=2)
    assert expected_batches([Source(peaks_that_tell(3))], 16) == 1


def test_predictions_come_in_the_order_of_the_molecules(small_network):
    tensors, network = peaks_that_tell(20), small_network()
    pattern = (True, False, True, False, False)
    molecules = np.array([7, 3, 19, 0])
    logits = predict_tensors(network, tensors, pattern, molecules, batch_size=3)
    one = predict_tensors(network, tensors, pattern, molecules[2:3])
    assert logits.shape == (4, 37)
    assert logits[2] == pytest.approx(one[0], abs=1e-5)
    assert predict_tensors(network, tensors, pattern, np.zeros(0, int)).shape == (0, 37)


def test_quick_scores_are_micro_f1_of_the_techniques_that_are_there(small_network):
    tensors, network = peaks_that_tell(40), small_network()
    scores = quick_scores(network, tensors)
    assert set(scores) == {"IR", "13C NMR"}
    logits = predict_tensors(network, tensors, (True, *[False] * 4), np.arange(40))
    present, truth = logits > 0, tensors.labels > 0
    hits = sum(int(a and b) for a, b in zip(present.ravel(), truth.ravel(), strict=True))
    expected = 2 * hits / (present.sum() + truth.sum())
    assert scores["IR"] == pytest.approx(expected)


def test_settled_normalisation_is_the_mean_over_all_batches(small_network):
    network = small_network()
    tensors = peaks_that_tell(96)
    batches = list(epoch_batches([Source(tensors, only=("IR",))], 32, np.random.default_rng(0)))
    layer = next(m for m in network.encoders["IR"].blocks if isinstance(m, torch.nn.BatchNorm1d))
    untouched = network.encoders["1H_NMR"].blocks[1]
    for mean in (layer.running_mean, untouched.running_mean):
        mean.fill_(9.0)
    settle_normalisation(network, batches)
    convolved = [
        network.encoders["IR"].blocks[0](batch.spectra["IR"].unsqueeze(1)) for batch in batches
    ]
    expected = torch.stack([values.mean((0, 2)) for values in convolved]).mean(0)
    assert torch.allclose(layer.running_mean, expected, atol=1e-5)
    assert layer.momentum == 0.1 and not any(m.training for m in network.modules())
    assert (untouched.running_mean == 9.0).all() and untouched.momentum == 0.1
