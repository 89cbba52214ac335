"""Chips that are read anew for every image, against each image scored by itself."""

import numpy as np
import pytest
from chip_networks import random_images, random_network, score_layer
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import rramsim
from rramsim.errors import InputError
from rramsim.montecarlo.collect import score_chips
from rramsim.montecarlo.tally import unpacked_answers
from rramsim.montecarlo.task import ScoredNetwork, Task, drawn_layers
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.scoring.torch_evaluator import TorchEvaluator

FALSE_ALARM = 1e-4


def of_image(flips, image):
    """Return the wrong cells of one image, by layer."""
    wrong = []
    for cells in flips:
        if not isinstance(cells, np.ndarray):
            _, places = cells.of_images(image, image + 1)
            cells = np.sort(cells.cells[places])
        wrong.append(cells)
    return wrong


@settings(max_examples=15, deadline=None)
@given(
    widths=st.lists(st.integers(1, 130), min_size=2, max_size=4),
    images=st.integers(1, 70),
    levels=st.sampled_from([2, 17, 256]),
    ber=st.sampled_from([1e-3, 0.03, 0.3]),
    r=st.sampled_from([0.05, 0.4, 1.0]),
    kept=st.integers(0, 4),
)
def test_each_image_has_the_class_that_its_own_wrong_cells_give(
    widths, images, levels, ber, r, kept
):
    folded = random_network(*widths, seed=3)
    pixels = np.random.default_rng(1).integers(0, levels, (images, widths[0])).astype(np.uint8)
    fresh, frozen = rramsim.TransientReads(rramsim.IidFaults(ber), r), rramsim.IidFaults(0.1)
    # One of the layers may keep its wrong cells.
    models = [frozen if layer == kept else fresh for layer in range(len(folded.layers))]
    labels = np.zeros(images, dtype=int)
    scored = ScoredNetwork(folded, pixels, labels, "images")
    flips = Task(scored, rramsim.LayerFaults(tuple(models)), 5).draw_reads(2)
    found = Evaluator(folded, pixels, labels).predictions(flips)
    alone = [
        Evaluator(folded, pixels[[image]], labels[:1]).predictions(of_image(flips, image))[0]
        for image in range(images)
    ]
    assert found.tolist() == alone


def test_an_image_is_read_alike_whichever_images_follow_it():
    folded, pixels = random_network(60, 50, 10), random_images(90, 60)
    labels = np.zeros(90, dtype=int)
    fresh = rramsim.TransientReads(rramsim.IidFaults(0.1), 0.5)
    flips = Task(ScoredNetwork(folded, pixels, labels, "images"), fresh, 1).draw_reads(0)
    found = Evaluator(folded, pixels, labels).predictions(flips)
    first = Evaluator(folded, pixels[:41], labels[:41]).predictions(flips)
    assert np.array_equal(found[:41], first)
    # Images that are alike are read anew, each by itself.
    twins = np.repeat(pixels[:1], 90, axis=0)
    answers = Evaluator(folded, twins, labels).predictions(flips)
    assert len(set(answers.tolist())) > 1


def crossing(inputs, ber, images, threshold, r):
    """Return how often, by chip, a sum of +1 weights and inputs of 1 falls below a threshold."""
    signs = np.ones((2, inputs), dtype=np.int8)
    layer = score_layer(signs)
    layer.scale[1], layer.offset[1] = 0.0, threshold
    pixels = np.ones((images, inputs), dtype=np.uint8)
    pixels[0] = 0  # so that there are two values
    folded = FoldedNetwork((layer,))
    scored = ScoredNetwork(folded, pixels, np.ones(images, dtype=int), "ones")
    task = Task(scored, rramsim.TransientReads(rramsim.IidFaults(ber), r), 1, keeps_answers=True)
    return task, lambda chip: unpacked_answers(score_chips(task, [chip]).answers[chip], images)


def test_a_sum_of_one_chip_crosses_its_threshold_as_often_as_its_cells_say():
    inputs, images = 40, 3000
    task, is_below = crossing(inputs, 0.1, images, 33.0, r=0.6)
    for chip in (0, 1):
        reads = task.draw_reads(chip)[0]
        of_class = reads.cells < inputs
        share = task.faults.wrong_share(
            task.network.folded.layers[0].matrix, _seed_of(task, chip)
        ).reshape(-1)[reads.cells[of_class]]
        # A sum of 40 - 2 k is below 33 where k is 4 or more: Poisson-binomial.
        law = np.array([1.0])
        for p in share:
            law = np.convolve(law, [1 - p, p])
        errors = int(is_below(chip)[1:].sum())
        assert stats.binomtest(errors, images - 1, float(law[4:].sum())).pvalue > FALSE_ALARM


def _seed_of(task, chip):
    ((_, _, seed),) = drawn_layers(task.network.folded, task.faults, seed=task.seed, chip=chip)
    return seed


def test_over_chips_a_sum_crosses_as_often_as_with_frozen_noise_but_chips_differ_by_less():
    inputs, chips, images = 40, 400, 60
    law = float(stats.binom(inputs, 0.1).sf(3))
    rates = {}
    for r in (0.0, 0.9):
        _, is_below = crossing(inputs, 0.1, images, 33.0, r)
        rates[r] = np.array([is_below(chip)[1:].mean() for chip in range(chips)])
        error = rates[r].std(ddof=1) / chips**0.5
        assert abs(rates[r].mean() - law) < 4 * error
    assert set(rates[0.0].tolist()) <= {0.0, 1.0}
    assert rates[0.9].std() < 0.6 * rates[0.0].std()


def test_a_convolution_and_another_device_are_refused():
    images = np.zeros((2, 1 * 6 * 6), dtype=np.uint8)
    convolution = FoldedConvolution(
        np.ones((2, 1, 3, 3), dtype=np.int8),
        np.zeros(2, dtype=np.int64),
        np.ones(2, dtype=np.int8),
        pool=False,
    )
    folded = FoldedNetwork((convolution, score_layer(np.ones((3, 72)))), image_shape=(1, 6, 6))
    labels = np.zeros(2, dtype=int)
    fresh = rramsim.TransientReads(rramsim.IidFaults(0.1), 0.5)
    flips = Task(ScoredNetwork(folded, images, labels, "images"), fresh, 1).draw_reads(0)
    with pytest.raises(InputError, match="for fully connected networks only"):
        Evaluator(folded, images, labels).right(flips)
    dense = random_network(36, 4, 2)
    flips = Task(ScoredNetwork(dense, images, labels, "images"), fresh, 1).draw_reads(0)
    with pytest.raises(InputError, match="is scored by the packed engine only"):
        TorchEvaluator(dense, images, labels).right(flips)


def test_what_needs_cells_that_stay_wrong_refuses_fresh_ones():
    folded = random_network(8, 4, 2)
    scored = ScoredNetwork(folded, random_images(5, 8), np.zeros(5, dtype=int), "images")
    fresh = rramsim.TransientReads(rramsim.IidFaults(0.1), 0.5)
    with pytest.raises(InputError, match="accepted here is frozen noise"):
        Task(scored, fresh, 1).draw(0)
