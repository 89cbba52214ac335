import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from rramsim.errors import InputError
from rramsim.network.definition import NetworkShape
from rramsim.network.flips import RandomFlips
from rramsim.network.images import load_images
from rramsim.network.model import EPSILON, BinarizedNetwork
from rramsim.network.training import train

SHAPE = NetworkShape((64, 24, 16, 10))


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


def _tensors(trained):
    return trained.network.state_dict()


def _identical(one, other):
    assert one.history == other.history
    assert all(torch.equal(value, _tensors(other)[name]) for name, value in _tensors(one).items())


def test_a_short_training_learns_the_digits(digits):
    trained = train(NetworkShape((64, 64, 10)), digits, epochs=8, seed=0)
    losses = [loss for loss, _ in trained.history]
    assert losses[-1] < losses[0] / 2
    assert trained.history[-1][1] > 0.9
    right = trained.network.predictions(digits.test_images) == digits.test_labels
    assert trained.history[-1][1] == right.mean()


def test_adapted_training_stands_errors_better_than_plain(digits):
    shape, ber = NetworkShape((64, 128, 10)), 0.15
    scores = {}
    for name, flip in (("plain", None), ("adapted", RandomFlips.seeded(ber, seed=0))):
        network = train(shape, digits, epochs=12, seed=0, flip=flip).network
        chips = RandomFlips.seeded(ber, seed=99)
        pixels = torch.from_numpy(digits.test_images).float()
        with torch.no_grad():
            found = [network(pixels, chips).argmax(dim=1).numpy() for _ in range(10)]
        scores[name] = np.mean([each == digits.test_labels for each in found])
    assert scores["adapted"] > scores["plain"] + 0.05


def test_latent_weights_stay_within_one_and_are_real_valued(digits):
    network = train(SHAPE, digits, epochs=3, seed=1).network
    for layer in network.layers:
        assert layer.latent.abs().max() <= 1
        assert (layer.latent.abs() < 1).any()


def test_the_seed_decides_and_global_random_state_is_left_alone(digits):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = train(SHAPE, digits, epochs=2, seed=3, dropout=0.2)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    _identical(one, train(SHAPE, digits, epochs=2, seed=3, dropout=0.2))
    other = train(SHAPE, digits, epochs=2, seed=4, dropout=0.2)
    assert not torch.equal(one.network.layers[0].latent, other.network.layers[0].latent)


def test_the_number_of_threads_is_put_back_and_changes_nothing_small(digits):
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(train(SHAPE, digits, epochs=2, seed=3))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    _identical(*results)


def test_every_iteration_meets_fresh_flips_in_every_layer(digits):
    flips, met = RandomFlips.seeded(0.1, seed=0), []

    def watched(signs):
        assert torch.equal(signs.abs(), torch.ones_like(signs))
        faulty = flips(signs)
        met.append((tuple(signs.shape), (faulty != signs).flatten()))
        return faulty

    train(SHAPE, digits, epochs=1, seed=0, flip=watched)
    iterations = len(digits.train_images) // 100
    assert len(met) == 3 * iterations
    for layer in range(3):
        maps = [mask for _, mask in met[layer::3]]
        assert {shape for shape, _ in met[layer::3]} == {
            (SHAPE.widths[layer + 1], SHAPE.widths[layer])
        }
        assert len({tuple(mask.tolist()) for mask in maps}) == iterations
        share = torch.stack(maps).float().mean()
        assert abs(share - 0.1) < 0.03


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
    waiting = iter(faults)
    loss = functional.cross_entropy(network(pixels, lambda signs: signs * next(waiting)), labels)
    loss.backward()

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


def test_the_rate_is_scaled_by_the_fan_and_falls_to_its_end(digits, monkeypatch):
    rates = []
    step = torch.optim.Adam.step

    def watched(self, *args, **kwargs):
        rates.append([group["lr"] for group in self.param_groups])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    train(SHAPE, digits, epochs=3, seed=0, learning_rate=1e-2, final_learning_rate=1e-4)
    scale = [np.sqrt((inputs + neurons) / 1.5) for inputs, neurons in SHAPE.layers]
    for found, rate in ((rates[0], 1e-2), (rates[len(rates) // 2], 1e-3), (rates[-1], 1e-4)):
        assert found == pytest.approx([*(rate * each for each in scale), rate])


class StoppedError(Exception):
    pass


def _stop_after(epochs):
    def on_epoch(done, loss, accuracy):
        if done == epochs:
            raise StoppedError

    return on_epoch


@pytest.mark.parametrize(("ber", "dropout"), [(0.0, 0.0), (0.1, 0.2)])
def test_an_interrupted_training_ends_with_the_identical_network(tmp_path, digits, ber, dropout):
    def attempt(**more):
        flip = RandomFlips.seeded(ber, seed=2) if ber else None
        return train(SHAPE, digits, epochs=4, seed=2, flip=flip, dropout=dropout, **more)

    file = tmp_path / "training.checkpoint"
    for epochs in (1, 3):
        with pytest.raises(StoppedError):
            attempt(checkpoint=file, on_epoch=_stop_after(epochs))
    seen = []
    resumed = attempt(checkpoint=file, on_epoch=lambda *epoch: seen.append(epoch))
    assert [done for done, _, _ in seen] == [4]
    _identical(attempt(), resumed)
    _identical(resumed, attempt(checkpoint=file))


def test_a_checkpoint_of_another_training_is_refused(tmp_path, digits):
    file = tmp_path / "training.checkpoint"
    train(SHAPE, digits, epochs=1, seed=2, checkpoint=file)
    content = file.read_bytes()
    with pytest.raises(InputError, match=r"another training \(epochs 1, now 2\)"):
        train(SHAPE, digits, epochs=2, seed=2, checkpoint=file)
    flips = RandomFlips.seeded(0.1, seed=2)
    with pytest.raises(InputError, match=r"\(flips none, now 0.1 iid\)"):
        train(SHAPE, digits, epochs=1, seed=2, checkpoint=file, flip=flips)
    fewer = dataclasses.replace(digits, test_images=digits.test_images[::-1].copy())
    with pytest.raises(InputError, match="images id"):
        train(SHAPE, fewer, epochs=1, seed=2, checkpoint=file)
    assert file.read_bytes() == content


def test_a_damaged_checkpoint_is_told(tmp_path, digits):
    file = tmp_path / "training.checkpoint"
    train(SHAPE, digits, epochs=1, seed=2, checkpoint=file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"training\.checkpoint"):
        train(SHAPE, digits, epochs=1, seed=2, checkpoint=file)


def test_flips_whose_state_cannot_be_kept_are_refused_with_a_checkpoint(tmp_path, digits):
    with pytest.raises(TypeError, match="state"):
        train(SHAPE, digits, epochs=1, seed=0, flip=lambda x: x, checkpoint=tmp_path / "c")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"epochs": 0}, "epochs 0: accepted is 1 or more"),
        ({"batch_size": 1}, "batch size 1"),
        ({"dropout": 1.0}, "dropout 1.0: accepted is 0 to 0.95"),
        ({"learning_rate": float("nan")}, "learning rate nan"),
    ],
)
def test_numbers_out_of_range_are_told(digits, more, told):
    with pytest.raises(InputError, match=told):
        train(SHAPE, digits, **{"epochs": 1, "seed": 0, **more})


def test_a_remainder_of_one_image_is_no_batch_of_its_own(digits):
    few = dataclasses.replace(
        digits, train_images=digits.train_images[:101], train_labels=digits.train_labels[:101]
    )
    trained = train(SHAPE, few, epochs=1, seed=0)
    assert np.isfinite(trained.history[0][0])
    one = dataclasses.replace(
        digits, train_images=digits.train_images[:1], train_labels=digits.train_labels[:1]
    )
    with pytest.raises(InputError, match="two training images"):
        train(SHAPE, one, epochs=1, seed=0)
