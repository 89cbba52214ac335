"""Thresholds estimated anew are kept, and are the same whoever estimated them."""

import pytest

from rramsim import parallel
from rramsim.crossbar.faults import IidFaults
from rramsim.errors import DamagedWarning
from rramsim.images.catalogue import load_images
from rramsim.montecarlo import reestimate as module
from rramsim.montecarlo.reestimate import Estimation, Reestimates, reestimated_for
from rramsim.network.training.train import train


@pytest.fixture(scope="module")
def asked():
    images = load_images("digits")
    networks = [train(images, network="64-16-10", epochs=1, seed=seed) for seed in (1, 2)]
    return [
        Estimation(network, images, IidFaults(ber), seed=5)
        for network in networks
        for ber in (0.05, 0.1)
    ]


def ids(networks):
    return [network.content_id for network in networks]


@pytest.mark.parametrize("cores", [1, 3])
def test_estimates_are_made_once_and_none_is_lost_by_an_interrupt(
    asked, cores, tmp_path, monkeypatch
):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: range(cores), raising=False)
    expected = ids(
        reestimated_for(one.saved, one.images.train_images, one.faults, seed=one.seed)
        for one in asked
    )
    assert len(set(expected)) == 4
    path, told = tmp_path / "thresholds.safetensors", []

    def interrupt(done, total):
        told.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Reestimates(path).networks(asked, interrupt)
    assert told == [(0, 4), (1, 4), (2, 4)]
    told.clear()
    assert ids(Reestimates(path).networks(asked, lambda *done: told.append(done))) == expected
    assert told[0] == (2, 4)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.warns(DamagedWarning, match=r"thresholds\.safetensors: this is not a whole"):
        damaged = Reestimates(path)
    assert ids(damaged.networks(asked, lambda *done: None)) == expected
    assert path.read_bytes() == content
    monkeypatch.setattr(module, "_norms_for", None)  # whoever estimates now fails
    assert ids(Reestimates(path).networks(asked, lambda *done: None)) == expected
    assert path.read_bytes() == content


def test_an_estimate_has_the_id_of_all_that_it_depends_on(asked):
    plain = asked[0]
    others = [
        Estimation(plain.saved, plain.images, plain.faults, seed=6),
        Estimation(plain.saved, plain.images, IidFaults(0.06), seed=5),
        asked[2],
    ]
    assert Estimation(plain.saved, plain.images, IidFaults(0.05), seed=5).id == plain.id
    assert len({one.id for one in (plain, *others)}) == 4
