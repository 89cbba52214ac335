"""Training: bit by bit the one that the papers tell, whatever interrupts it."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch
from naive_training import naive_layers, train_naively
from safetensors.numpy import load_file, save_file
from torch.nn import functional
from training_runs import train

import rramsim
from rramsim.errors import DamagedWarning, InputError
from rramsim.images.catalogue import load_images
from rramsim.network import tensor_files
from rramsim.network.folded.fold import EPSILON
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.scoring.reestimate import reestimate
from rramsim.network.shape import NetworkShape
from rramsim.network.training import trainer
from rramsim.network.training.augmentation import augment
from rramsim.network.training.checkpoint import Checkpoint
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.losses import loss_of
from rramsim.network.training.method import Method
from rramsim.network.training.model import BinarizedLayer, BinarizedNetwork, fold
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.trainer import TrainingRun, sum_dtype

SHAPE = NetworkShape((64, 24, 16, 10))
CONVOLUTIONAL = NetworkShape.parse("1x8x8-6C3-5C3-MP2-12-10")
# Without the slow ones, too, it is asked whether a training is the naive one and can go on.
SHAPES = [SHAPE, pytest.param(CONVOLUTIONAL, marks=pytest.mark.slow)]
FORMS = {
    SHAPE: [(24, 64), (16, 24), (10, 16)],
    CONVOLUTIONAL: [(6, 1, 3, 3), (5, 6, 3, 3), (12, 80), (10, 12)],
}
EPOCHS_2 = Method(2, batch_size=64)


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


@pytest.fixture(scope="module")
def few(digits):
    """Enough images for five iterations an epoch of 64 each, and a bit."""
    return dataclasses.replace(
        digits,
        train_images=digits.train_images[:330],
        train_labels=digits.train_labels[:330],
        test_images=digits.test_images[:50],
        test_labels=digits.test_labels[:50],
    )


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _tensors(trained):
    return trained.network.state_dict()


def _identical(one, other):
    assert one.history == other.history
    assert all(torch.equal(value, _tensors(other)[name]) for name, value in _tensors(one).items())


def _by_layer(shape):
    """Return faults with other rates in each layer and state."""
    lrs = tuple(0.05 * (number + 1) for number in range(shape.layer_count))
    return RandomFlips(lrs, lrs[::-1], seed=3)


WAYS = {
    "plain": (lambda _: None, Method(2, batch_size=64)),
    "adapted": (_by_layer, Method(2, batch_size=64, dropout=0.2)),
    "straight through, mixed, augmented, hinge": (
        lambda _: RandomFlips((0.3,), (0.3,), mixed=True, seed=3),
        Method(
            2, batch_size=64, straight_through=True, loss="hinge", margin=0.5, shift=1, mirror=True
        ),
    ),
    "batch statistics as constants, inputs dropped": (
        _by_layer,
        Method(2, batch_size=64, dropout=0.5, input_dropout=0.2, batch_norm_gradient=False),
    ),
    "hinge on sums without batch norm": (
        _by_layer,
        Method(2, batch_size=64, loss="modified-hinge", margin=4.0),
    ),
    "margin cross-entropy": (
        lambda _: None,
        Method(2, batch_size=64, loss="margin-cross-entropy", margin=2.0),
    ),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("way", WAYS)
def test_training_is_bit_by_bit_the_naive_one(few, one_thread, shape, dtype, way):
    faults_of, method = WAYS[way]
    faults = faults_of(shape)
    trained = train(shape, few, method=method, seed=3, faults=faults, dtype=dtype)

    generator = torch.Generator().manual_seed(3)
    pools = [layer.pool for layer in trained.network.layers]
    normed = method.loss != "modified-hinge"
    layers = naive_layers(
        FORMS[shape], pools, generator=generator, dtype=dtype, normed_scores=normed
    )
    change = partial(augment, shift=method.shift, mirror=method.mirror)
    losses = train_naively(
        layers,
        torch.from_numpy(few.train_images),
        torch.from_numpy(few.train_labels).long(),
        seed=3,
        rates=[1e-2, 1e-4],
        batch_size=64,
        image_shape=shape.image_shape,
        faults=faults,
        straight_through=method.straight_through,
        augment=lambda pixels, drawn: change(pixels, (1, 8, 8), drawn),
        dropout=method.dropout,
        input_dropout=method.input_dropout,
        batch_norm_gradient=method.batch_norm_gradient,
        loss=loss_of(method, inputs=shape.widths[-2]),
    )
    norm = ("gamma", "beta", "mean", "variance")
    for found, expected in zip(trained.network.layers, layers, strict=True):
        for name in ("latent", *(norm if expected.normed else ())):
            one, other = getattr(found, name), getattr(expected, name)
            if not method.batch_norm_gradient and name in ("mean", "variance"):
                # torch's own running statistics differ in the last digit.
                assert torch.allclose(one, other, rtol=1e-5, atol=1e-6), name
            else:
                assert torch.equal(one, other), name
    assert [loss for loss, *_ in trained.history] == pytest.approx(losses, rel=1e-5)


@pytest.mark.slow
def test_a_short_training_learns_the_digits(digits):
    trained = train(NetworkShape((64, 64, 10)), digits, method=Method(8), seed=0)
    losses = [loss for loss, *_ in trained.history]
    assert losses[-1] < losses[0] / 2
    assert trained.history[-1][1] > 0.9
    right = trained.network.predictions(digits.test_images) == digits.test_labels
    assert trained.history[-1][1] == right.mean()


@pytest.mark.slow
def test_a_convolutional_network_learns_and_its_chip_classifies_alike(digits):
    shape = NetworkShape.parse("1x8x8-12C3-12C3-MP2-32-10")
    trained = train(shape, digits, method=Method(4), seed=0)
    assert trained.history[-1][1] > 0.8
    network, folded = trained.network, fold(trained.network)
    assert (network.layers[1].gamma > 0).all()
    found = Evaluator(folded, digits.test_images, digits.test_labels).predictions()
    assert np.array_equal(found, network.predictions(digits.test_images))
    assert trained.history[-1][1] == (found == digits.test_labels).mean()


@pytest.mark.slow
def test_adapted_training_stands_errors_better_than_plain(digits):
    shape, ber = NetworkShape((64, 128, 10)), 0.15
    chips, scores = RandomFlips.iid(ber, seed=99), {}
    for name, faults in (("plain", None), ("adapted", RandomFlips.iid(ber, seed=0))):
        network = train(shape, digits, method=Method(12), seed=0, faults=faults).network
        pixels = torch.from_numpy(digits.test_images).float()
        found = []
        for chip in range(10):

            def flip(signs, layer, chip=chip):
                return chips(signs, layer=layer, iteration=chip)

            with torch.no_grad():
                found.append(network(pixels, flip).argmax(dim=1).numpy())
        scores[name] = np.mean([each == digits.test_labels for each in found])
    assert scores["adapted"] > scores["plain"] + 0.05


def test_latent_weights_stay_within_one_and_are_real_valued(few):
    network = train(SHAPE, few, method=Method(3), seed=1).network
    for layer in network.layers:
        assert layer.latent.abs().max() <= 1
        assert (layer.latent.abs() < 1).any()


@pytest.mark.slow
def test_the_seed_decides_and_global_random_state_is_left_alone(few):
    method = dataclasses.replace(EPOCHS_2, dropout=0.2, shift=1)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = train(SHAPE, few, method=method, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    _identical(one, train(SHAPE, few, method=method, seed=3))
    other = train(SHAPE, few, method=method, seed=4)
    assert not torch.equal(one.network.layers[0].latent, other.network.layers[0].latent)


def test_the_number_of_threads_is_put_back_and_changes_nothing_small(few):
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(train(SHAPE, few, method=EPOCHS_2, seed=3))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    _identical(*results)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_iteration_meets_fresh_flips_of_clean_signs_in_every_layer(few, dtype):
    flips, met = RandomFlips.iid(0.1, seed=0), []

    def watched(signs, *, layer, iteration):
        # Flips follow the signs: never a faulty sign of before, never a latent weight.
        assert signs.dtype == (dtype if layer < 2 else torch.float32)
        assert torch.equal(signs.abs(), torch.ones_like(signs))
        before = signs.clone()
        faulty = flips(signs, layer=layer, iteration=iteration)
        met.append((layer, iteration, tuple(signs.shape), (faulty != before).flatten()))
        return faulty

    train(SHAPE, few, method=EPOCHS_2, seed=0, faults=watched, dtype=dtype)
    iterations = 2 * 5
    assert [(layer, iteration) for layer, iteration, _, _ in met] == [
        (layer, iteration) for iteration in range(iterations) for layer in range(3)
    ]
    for layer in range(3):
        maps = [mask for at, _, _, mask in met if at == layer]
        shapes = {shape for at, _, shape, _ in met if at == layer}
        assert shapes == {(SHAPE.widths[layer + 1], SHAPE.widths[layer])}
        assert len({tuple(mask.tolist()) for mask in maps}) == iterations
        share = torch.stack(maps).float().mean()
        assert abs(share - 0.1) < 4.5 * np.sqrt(0.09 / (iterations * len(maps[0])))
        # None stays: flipped in every iteration is, in 1,500 weights, none.
        assert not torch.stack(maps).all(dim=0).any()


def test_gradients_of_an_adapted_iteration_by_hand():
    """Compare one backward pass with the chain rule written out on W_err."""
    generator = torch.Generator().manual_seed(2)
    network = BinarizedNetwork(NetworkShape((6, 5, 3)), generator=generator)
    pixels = torch.randint(0, 17, (8, 6), generator=generator).float()
    labels = torch.randint(0, 3, (8,), generator=generator)
    faults = [
        torch.where(torch.rand(shape, generator=generator) < 0.3, -1.0, 1.0)
        for shape in ((5, 6), (3, 5))
    ]
    scores = network(pixels, lambda signs, layer: signs * faults[layer])
    functional.cross_entropy(scores, labels).backward()

    # Leaves of autograd are W_err themselves; the estimator of the activation is a clamp whose
    # value is replaced by the sign. Their gradients must be those the latent weights received.
    w_err = [
        (torch.where(layer.latent >= 0, 1.0, -1.0) * fault).detach().requires_grad_()
        for layer, fault in zip(network.layers, faults, strict=True)
    ]

    def normed(sums):
        centred = sums - sums.mean(dim=0)
        return centred / torch.sqrt(sums.var(dim=0, unbiased=False) + EPSILON)

    before = normed(pixels @ w_err[0].T)
    bounded = before.clamp(-1, 1)
    signs = torch.where(before >= 0, 1.0, -1.0)
    scores = normed((bounded + (signs - bounded).detach()) @ w_err[1].T)
    functional.cross_entropy(scores, labels).backward()
    for layer, weights in zip(network.layers, w_err, strict=True):
        assert torch.allclose(layer.latent.grad, weights.grad, rtol=1e-4, atol=1e-7)
        assert layer.latent.grad.abs().max() > 0


@pytest.mark.slow
def test_the_rate_is_scaled_by_the_fan_and_falls_to_its_end(few, monkeypatch):
    rates = []
    step = torch.optim.Adam.step

    def watched(self, *args, **kwargs):
        rates.append([group["lr"] for group in self.param_groups])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    method = Method(3, learning_rate=1e-2, final_learning_rate=1e-4)
    for shape, fans in (
        (SHAPE, [64 + 24, 24 + 16, 16 + 10]),
        (CONVOLUTIONAL, [9 * (1 + 6), 9 * (6 + 5), 80 + 12, 12 + 10]),
    ):
        rates.clear()
        train(shape, few, method=method, seed=0)
        scale = [np.sqrt(fan / 1.5) for fan in fans]
        for found, rate in ((rates[0], 1e-2), (rates[len(rates) // 2], 1e-3), (rates[-1], 1e-4)):
            assert found == pytest.approx([*(rate * each for each in scale), rate])


def test_a_loss_of_sums_leaves_the_sums_as_the_scores_of_the_chip(few, tmp_path):
    file = tmp_path / "network.safetensors"
    method = Method(3, batch_size=64, loss="modified-hinge", margin=6.0)
    saved = rramsim.train(few, network=SHAPE, method=method, seed=2, file=file)
    output = saved.folded.output
    assert (output.scale.tolist(), output.offset.tolist()) == ([1.0] * 10, [0.0] * 10)
    assert len(saved.norms) == len(saved.folded.layers) - 1
    again = train(SHAPE, few, method=method, seed=2, dtype=sum_dtype("cpu"))
    predictions = Evaluator(saved.folded, few.test_images, few.test_labels).predictions()
    assert predictions.tolist() == again.network.predictions(few.test_images).tolist()
    assert saved.accuracy == np.mean(predictions == few.test_labels) > 0.3
    # Thresholds can be estimated anew; the scores are sums still.
    flips = [np.arange(0, layer.signs.size, 9) for layer in saved.folded.layers]
    anew = reestimate(saved, few.train_images, [flips])
    assert (anew.output.scale.tolist(), anew.output.offset.tolist()) == ([1.0] * 10, [0.0] * 10)
    assert anew.hidden[-1].thresholds.tolist() != saved.folded.hidden[-1].thresholds.tolist()


class StoppedError(Exception):
    pass


def _stop_after(epochs):
    def on_epoch(history):
        if len(history) == epochs:
            raise StoppedError

    return on_epoch


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("faults", "more", "dtype"),
    [
        (None, {}, torch.float32),
        (RandomFlips.iid(0.1, seed=2), {"dropout": 0.2}, torch.bfloat16),
        (
            RandomFlips((0.1,), (0.3,), mixed=True, seed=2),
            {"dropout": 0.1, "shift": 1, "mirror": True, "loss": "hinge"},
            torch.bfloat16,
        ),
        (None, {"loss": "modified-hinge"}, torch.float32),
    ],
    ids=["plain", "adapted", "all", "without batch norm of scores"],
)
def test_an_interrupted_training_ends_with_the_identical_network(
    tmp_path, few, monkeypatch, shape, faults, more, dtype
):
    monkeypatch.setattr(trainer, "SAVING_SHARE", math.inf)  # a checkpoint after every epoch
    method = Method(4, **more)

    def attempt(**where):
        return train(shape, few, method=method, seed=2, faults=faults, dtype=dtype, **where)

    file = tmp_path / "training.checkpoint"
    for epochs in (1, 3):
        with pytest.raises(StoppedError):
            attempt(checkpoint=file, on_epoch=_stop_after(epochs))
    seen = []
    resumed = attempt(checkpoint=file, on_epoch=seen.append)
    # The last epoch alone was left, and it is told with all that went before.
    assert seen == [resumed.history]
    assert len(resumed.history) == 4
    whole = []
    _identical(attempt(on_epoch=whole.append), resumed)
    assert [len(history) for history in whole] == [1, 2, 3, 4]
    assert whole[-1] == resumed.history
    _identical(resumed, attempt(checkpoint=file))


@pytest.mark.slow
def test_checkpoints_take_no_more_than_their_share_of_the_time(tmp_path, few, monkeypatch):
    """By a clock on which an epoch takes 8 s and a checkpoint 1 s, so every 20 s there is one."""
    now, written = [0.0], []
    monkeypatch.setattr(trainer.time, "monotonic", lambda: now[0])
    epoch, save = TrainingRun.epoch, Checkpoint.save

    def passing(run):
        epoch(run)
        now[0] += 8

    def saving(state, path, *, settings):
        save(state, path, settings=settings)
        written.append(len(state.history))
        now[0] += 1

    monkeypatch.setattr(TrainingRun, "epoch", passing)
    monkeypatch.setattr(Checkpoint, "save", saving)
    file = tmp_path / "training.checkpoint"
    with pytest.raises(StoppedError):
        train(SHAPE, few, method=Method(9), seed=2, checkpoint=file, on_epoch=_stop_after(6))
    assert written == [1, 4]
    resumed = train(SHAPE, few, method=Method(9), seed=2, checkpoint=file)
    assert written == [1, 4, 5, 8]
    _identical(resumed, train(SHAPE, few, method=Method(9), seed=2))


@pytest.mark.slow
def test_a_training_that_stops_while_its_checkpoint_is_written_goes_on_from_the_one_before(
    tmp_path, few, monkeypatch
):
    file = tmp_path / "training.checkpoint"
    whole = train(SHAPE, few, method=EPOCHS_2, seed=2)
    with pytest.raises(StoppedError):
        train(SHAPE, few, method=EPOCHS_2, seed=2, checkpoint=file, on_epoch=_stop_after(1))
    content = file.read_bytes()

    def half_written(path, write):
        def cut(temporary):
            write(temporary)
            temporary.write_bytes(temporary.read_bytes()[:100])
            raise KeyboardInterrupt

        return write_atomically(path, cut)

    write_atomically = tensor_files.write_atomically
    monkeypatch.setattr(tensor_files, "write_atomically", half_written)
    with pytest.raises(KeyboardInterrupt):
        train(SHAPE, few, method=EPOCHS_2, seed=2, checkpoint=file)
    monkeypatch.undo()
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]
    _identical(whole, train(SHAPE, few, method=EPOCHS_2, seed=2, checkpoint=file))


def test_a_checkpoint_of_another_training_is_refused(tmp_path, few):
    file, one = tmp_path / "training.checkpoint", Method(1)

    def attempt(images=few, **more):
        more = {"method": one, "seed": 2, "dtype": torch.float32, **more}
        return train(SHAPE, images, checkpoint=file, **more)

    attempt()
    content = file.read_bytes()
    for more, told in (
        ({"method": Method(2)}, r"another training \(epochs 1, now 2\)"),
        ({"method": Method(1, loss="hinge")}, r"\(loss cross-entropy, now hinge\)"),
        ({"seed": 3}, r"\(seed 2, now 3\)"),
        ({"faults": RandomFlips.iid(0.1, seed=2)}, r"\(faults none, now BER 0.1\)"),
        ({"dtype": torch.bfloat16}, r"\(arithmetic cpu float32, now cpu bfloat16\)"),
        ({"images": dataclasses.replace(few, test_images=few.test_images[::-1].copy())}, "id"),
    ):
        with pytest.raises(InputError, match=told):
            attempt(**more)
    assert file.read_bytes() == content


_DAMAGE = r"this (is not a whole safetensors file|file was damaged or changed)"


def test_a_damaged_checkpoint_is_set_aside_and_the_training_begins_anew(tmp_path, few):
    file = tmp_path / "training.checkpoint"

    def attempt():
        return train(SHAPE, few, method=Method(1), seed=2, checkpoint=file)

    trained = attempt()
    content = file.read_bytes()
    one_bit = bytearray(content)
    one_bit[-99] ^= 1
    for damaged in (*(content[:end] for end in (0, 7, len(content) // 2, -1)), bytes(one_bit)):
        file.write_bytes(damaged)
        with pytest.warns(DamagedWarning, match=rf"training\.checkpoint: {_DAMAGE}"):
            _identical(trained, attempt())
        assert (tmp_path / "training.checkpoint.damaged").read_bytes() == damaged
        (tmp_path / "training.checkpoint.damaged").unlink()
    assert file.read_bytes() == content


def _changed(arrays, **changes):
    return {name: value for name, value in {**arrays, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"network/layers.0.latent": None},
        {"network/layers.0.latent": np.zeros((24, 63), np.float32)},
        {"optimizer/0/exp_avg": None},
        {"optimizer/0/exp_avg": np.zeros((24, 63), np.float32)},
        {"optimizer/step": np.zeros(1, np.float32)},
        {"other/array": np.zeros(1, np.float32)},
    ],
    ids=str,
)
def test_a_checkpoint_whose_parts_do_not_fit_is_set_aside(tmp_path, few, changes):
    file = tmp_path / "training.checkpoint"
    with pytest.raises(StoppedError):
        train(SHAPE, few, method=EPOCHS_2, seed=2, checkpoint=file, on_epoch=_stop_after(1))
    _, record = tensor_files.read_arrays(file, kind="checkpoint of a training")
    changed = _changed(load_file(file), **changes)
    tensor_files.write_arrays(file, changed, kind="checkpoint of a training", record=record)
    with pytest.warns(DamagedWarning, match=r"training\.checkpoint: this checkpoint is damaged"):
        trained = train(SHAPE, few, method=EPOCHS_2, seed=2, checkpoint=file)
    _identical(trained, train(SHAPE, few, method=EPOCHS_2, seed=2))


def test_another_file_is_no_checkpoint(tmp_path, few):
    file = tmp_path / "training.checkpoint"
    save_file({"weights": np.zeros(3)}, file)
    with pytest.warns(DamagedWarning, match="not one of rramsim's"):
        train(SHAPE, few, method=EPOCHS_2, seed=2, checkpoint=file)


def test_settings_are_all_that_is_asked_for(few):
    faults = RandomFlips((0.1,), (0.2,), seed=1)
    method = Method(2, dropout=0.1)
    found = TrainingPlan(SHAPE, few, method, 1, faults=faults).settings()
    # Networks are found again by them: what they hold must not change from version to version.
    assert found == {
        "network": "64-24-16-10",
        "images_id": few.content_id,
        "seed": 1,
        "epochs": 2,
        "batch_size": 100,
        "learning_rate": 1e-2,
        "final_learning_rate": 1e-4,
        "dropout": 0.1,
        "input_dropout": 0.0,
        "validation_share": 0.0,
        "batch_norm_gradient": True,
        "weight_gradient": "of inputs less their means",
        "loss": "cross-entropy",
        "margin": 1.0,
        "shift": 0,
        "mirror": False,
        "straight_through": False,
        "faults": "BER of LRS 0.1, of HRS 0.2",
    }
    faults = RandomFlips((0.1, 0.2), (0.1, 0.2))
    with pytest.raises(InputError, match=r"2 are given for a network of 3 layers"):
        TrainingPlan(SHAPE, few, method, 1, faults=faults).settings()
    for seed in (-1, 2**63):
        with pytest.raises(InputError, match=f"seed {seed}: accepted is 0 to"):
            train(SHAPE, few, method=method, seed=seed)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_told_before_anything_is_written(tmp_path, few):
    file = tmp_path / "training.checkpoint"
    with pytest.raises(InputError, match=r"--device cuda: torch finds no CUDA"):
        train(SHAPE, few, method=EPOCHS_2, seed=2, device="cuda", checkpoint=file)
    assert not file.exists()


def test_a_remainder_of_one_image_is_no_batch_of_its_own(few):
    def first(images):
        return dataclasses.replace(
            few, train_images=few.train_images[:images], train_labels=few.train_labels[:images]
        )

    trained = train(SHAPE, first(101), method=Method(1), seed=0)
    assert np.isfinite(trained.history[0][0])
    with pytest.raises(InputError, match="two training images"):
        train(SHAPE, first(1), method=Method(1), seed=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_of_pixels_that_never_change_stay_as_they_were_drawn(few, dtype):
    """Rounding must not move them: all of a neuron would move one way, and shift its sums."""
    constant = few.train_images.min(axis=0) == few.train_images.max(axis=0)
    assert constant.sum() >= 3
    shape = dataclasses.replace(SHAPE, signed_levels=int(few.levels))
    trained = train(shape, few, method=EPOCHS_2, seed=5, dtype=dtype)
    generator = torch.Generator().manual_seed(5)
    start = BinarizedNetwork(shape, generator=generator).layers[0].latent
    end = trained.network.layers[0].latent
    assert torch.equal(end[:, constant], start[:, constant])
    assert not torch.equal(end[:, ~constant], start[:, ~constant])


VALIDATED = Method(6, batch_size=64, learning_rate=0.05, validation_share=0.2)


def test_the_result_is_the_epoch_that_is_best_on_images_kept_aside(few):
    plan = TrainingPlan(SHAPE, few, VALIDATED, seed=4)
    learnt, kept = plan.split()
    assert sorted([*learnt, *kept]) == list(range(330))
    assert len(kept) == 66
    after = []
    trained = train(SHAPE, few, method=VALIDATED, seed=4, on_epoch=after.append)
    shares = [epoch.validation for epoch in trained.history]
    assert shares[trained.best_epoch] == max(shares)
    assert max(shares) not in shares[trained.best_epoch + 1 :]
    found = fold(trained.network)
    right = Evaluator(found, few.train_images[kept], few.train_labels[kept]).correct()
    assert right / 66 == max(shares)
    right = Evaluator(found, few.test_images, few.test_labels).correct()
    assert right / 50 == trained.history[trained.best_epoch].accuracy


def test_of_equally_good_epochs_the_last_is_kept(few):
    run = TrainingRun(
        TrainingPlan(SHAPE, few, VALIDATED, seed=4),
        score=lambda _: 0.0,
        validate=lambda _: 0.5,
        device="cpu",
        dtype=torch.float32,
    )
    for number in range(2):
        run.epoch()
        assert run.best_epoch == number


def test_images_kept_aside_are_not_learnt(few):
    plan = TrainingPlan(SHAPE, few, VALIDATED, seed=4)
    _, kept = plan.split()
    blank = few.train_images.copy()
    blank[kept] = 0
    other = dataclasses.replace(few, train_images=blank)
    latents = []
    for images in (few, other):
        run = TrainingRun(
            dataclasses.replace(plan, images=images),
            score=lambda _: 0.0,
            validate=lambda _: 0.0,
            device="cpu",
            dtype=torch.float32,
        )
        run.epoch()
        latents.append(run.network.layers[0].latent.detach())
    assert torch.equal(*latents)


@pytest.mark.slow
def test_a_training_that_goes_on_remembers_its_best_epoch(few, tmp_path):
    file = tmp_path / "training.checkpoint"
    whole = train(SHAPE, few, method=VALIDATED, seed=4)
    with pytest.raises(StoppedError):
        train(
            *(SHAPE, few),
            method=VALIDATED,
            seed=4,
            checkpoint=file,
            on_epoch=_stop_after(whole.best_epoch + 1),
        )
    resumed = train(SHAPE, few, method=VALIDATED, seed=4, checkpoint=file)
    _identical(whole, resumed)
    assert resumed.best_epoch == whole.best_epoch


@pytest.mark.parametrize("form", [(40, 5), (12, 5, 4, 3)])
def test_where_batch_statistics_are_constants_the_gradient_is_scaled_and_no_more(form):
    generator = torch.Generator().manual_seed(0)
    shape = (5, 6) if len(form) == 2 else (5, 6, 3, 3)
    layer = BinarizedLayer(shape, generator=generator)
    inputs = torch.randn((form[0], 6, *form[2:]), generator=generator).requires_grad_()
    aim = torch.randn(form, generator=generator)
    outputs = layer(inputs, batch_norm_gradient=False)
    (outputs * aim).sum().backward()

    signs = torch.from_numpy(layer.sign_weights()).float()
    sums = functional.conv2d(inputs, signs, padding=1) if len(form) == 4 else inputs @ signs.T
    over = [0] if len(form) == 2 else [0, 2, 3]
    variance = sums.detach().var(over, correction=0, keepdim=True)
    back = aim / (variance + EPSILON).sqrt()
    expected = torch.autograd.grad(sums, inputs, back)[0]
    assert torch.allclose(inputs.grad, expected, atol=1e-5)
    # What comes out is what batch norm gives.
    exact = functional.batch_norm(sums, None, None, training=True, eps=EPSILON)
    assert torch.allclose(outputs, exact, atol=1e-5)
    assert torch.allclose(layer.mean, 0.1 * sums.mean(over), atol=1e-6)
    assert torch.allclose(layer.variance, 0.9 + 0.1 * sums.var(over), atol=1e-4)
