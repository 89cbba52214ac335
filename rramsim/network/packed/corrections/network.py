"""Chips of a fully connected network, each layer by the way that is the least work.

There are three ways, which give the same outputs:

- full: every sum is computed from the weights of the chip (`PackedNetwork`).
- bit-sliced: margins free of faults are corrected for flipped weights and changed inputs, many in
  one vector (`sliced`). In the first layer, whose inputs do not change, only neurons with flips.
- delta: in the second layer, only what changed is touched (`delta`).

Which is less work is judged by `costs`, for the second layer and those after it from the number of
inputs that changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, Words
from rramsim.network.packed.corrections.costs import Costs, changed_share
from rramsim.network.packed.corrections.delta import (
    Changes,
    DeltaLayer,
    LastLayer,
    delta_bytes,
    delta_layer,
)
from rramsim.network.packed.corrections.flip_lists import (
    FlipLists,
    count_flips,
    positions_of_flips,
)
from rramsim.network.packed.corrections.sliced import (
    SlicedLayer,
    SlicedPixels,
    layer_bytes,
    pixel_bytes,
    sliced_layer,
    sliced_pixels,
)
from rramsim.network.packed.dense import PackedNetwork
from rramsim.network.packed.layers import BLOCK_IMAGES, blocks, rows_of
from rramsim.network.packed.units import padded
from rramsim.parallel import parts, share

MARGIN_BYTES = 1 << 30
"""No margins are kept that would together take more memory, that to correct them included."""

_MOST_FLIPS = 64  # of the last layer, that are less work by correction than in full

Way = Literal["full", "bit-sliced", "delta"]


class CorrectedNetwork:
    """Scores chips, each layer by the way that is the least work.

    Margins are computed once, when the work they would have saved so far exceeds that of computing
    them, so they are never the greater part of the work. Delta starts from the changes of a
    bit-sliced first layer: margins of that one are computed before, and count as work of delta if
    they have not paid by themselves.

    Parameters
    ----------
    network : PackedNetwork
    way : str, optional
        The way of every layer that has it, whatever the work; of the second layer where it is
        "delta", which corrects the first bit-sliced.
    """

    def __init__(self, network: PackedNetwork, way: Way | None = None) -> None:
        self._network = network
        self._forced = way
        self._costs = Costs(network.images, network.clean)
        self._saved: dict[tuple[int, Way], float] = {}
        self._observed = 1.0  # outputs of the first layer that changed, by what was guessed
        self._bytes = 0
        self._rows: list[Words] = []
        self._classes = np.empty(0, dtype=np.int64)
        self._first: SlicedPixels | None = None
        self._hidden: dict[int, SlicedLayer] = {}
        self._second: DeltaLayer | None = None
        self._counts = np.empty((0, 0), dtype=np.int32)  # mismatches of classes, if third

    def predictions(self, flips: Sequence[Flips]) -> NDArray[np.int64]:
        """Return the class of each image on a chip (see `Evaluator.predictions`)."""
        network = self._network
        is_whole = len(flips) == len(network.layers) > 1 and network.images > 0
        if self._forced == "full" or not is_whole:
            return network.predictions(flips)
        for layer, cells in zip(network.layers, flips, strict=True):
            layer.check(cells)
        counts = [count_flips(cells) for cells in flips]
        self._prepare_what_pays(counts)
        if not self._rows:
            return network.predictions(flips)
        return self._corrected(flips, counts)

    def _corrected(self, flips: Sequence[Flips], counts: list[int]) -> NDArray[np.int64]:
        number, outputs = 0, np.empty((0, 0), dtype=np.uint64)
        first = self._first
        if first is not None and self._best(0, counts[0], 0) == "bit-sliced":
            lists = first.lists(flips[0])
            fired = first.fired(lists)
            changes = Changes(first.columns, fired, lists.neurons)
            count, guess = changes.count, self._guess(counts)
            self._observed = count / guess if guess else self._observed
            second = self._second
            if second is not None and self._best(1, counts[1], count) == "delta":
                lists_of_second = second.lists(flips[1], self._network.layers[1])
                if second.is_exact(changes, lists_of_second):
                    return self._by_delta(second, changes, lists_of_second, flips)
            number, outputs = 1, first.turned(fired, lists.neurons)
        while any(layer >= number for layer in self._hidden):
            outputs = self._outputs(number, outputs, flips[number], counts[number])
            number += 1
        changed = np.arange(self._network.images)
        if number and not any(counts[number:]):
            clean = self._rows[number - 1][: changed.size]
            changed = np.flatnonzero((outputs[: changed.size] != clean).any(axis=1))
        return self._rest(number, outputs, changed, flips)

    def _outputs(self, number: int, inputs: Words, flips: Flips, count: int) -> Words:
        """Return the outputs of a layer, bit-sliced or in full, from those of the one before."""
        sliced = self._hidden.get(number)
        if sliced is not None:
            changed = int(np.bitwise_count(inputs ^ sliced.inputs).sum(dtype=np.int64))
            if self._best(number, count, changed) != "full":
                return sliced.fired(inputs, flips)
        return self._full(number, inputs, flips)

    def _full(self, number: int, inputs: Words, flips: Flips | None) -> Words:
        network = self._network
        layer = network.layer(number, flips)
        values = inputs if number else network.inputs
        parts = blocks(network.images, steps=layer.steps)
        return np.concatenate(share(lambda rows: layer.fired(values[rows]), parts))

    def _by_delta(
        self, second: DeltaLayer, changes: Changes, lists: FlipLists, flips: Sequence[Flips]
    ) -> NDArray[np.int64]:
        # Else hardly an image has no changed inputs.
        are_few = changes.count < self._network.images and count_flips(flips[-1]) <= _MOST_FLIPS
        if len(flips) == 3 and are_few:
            return self._by_delta_to_classes(second, changes, lists, flips[2])
        # Not the size: a mask without flips has one too.
        is_all = any(count_flips(cells) for cells in flips[2:])
        outputs, changed = second.fired(changes, lists, is_all=is_all)
        images = np.arange(self._network.images) if is_all else changed
        classes = self._rest(2, outputs, images, flips)
        second.keep(outputs)
        return classes

    def _by_delta_to_classes(
        self,
        second: DeltaLayer,
        changes: Changes,
        lists: FlipLists,
        flips: Flips,
    ) -> NDArray[np.int64]:
        """Return all classes where the last layer, with a few flips, follows the second one."""
        from rramsim.network.packed.class_kernels import classify_flipped

        network = self._network
        third, output, classes = network.layer(2, flips), network.output, self._classes.copy()
        weights, counts = rows_of(third.weights)[: third.layer.neurons], self._counts
        last = LastLayer(weights, third.layer.inputs, output.scale, output.offset, counts, classes)
        if count_flips(flips):
            last = replace(last, counts=counts.copy())
            positions = positions_of_flips(flips, last.inputs)

            def work(part: slice) -> None:
                classify_flipped(
                    second.outputs[part],
                    weights,
                    positions,
                    last.inputs,
                    last.scale,
                    last.offset,
                    last.counts[part],
                    classes[part],
                )

            share(work, parts(network.images, least=4 * BLOCK_IMAGES))
        outputs, changed = second.fired(changes, lists, last=last)
        network.classify_some(third, outputs, changed, classes)
        second.keep(outputs)
        return classes

    def _rest(
        self, number: int, inputs: Words, changed: NDArray[np.int64], flips: Sequence[Flips]
    ) -> NDArray[np.int64]:
        """Return all classes, computing layers from `number` on for images that are `changed`.

        Only of these, `inputs` need be set.
        """
        network = self._network
        chip = [network.layer(k, flips[k]) for k in range(number, len(network.layers))]
        if not number:
            return network.classify(chip, network.inputs, network.images)
        classes = self._classes.copy()
        if len(chip) == 1:
            network.classify_some(chip[0], inputs, changed, classes)
            return classes
        if changed.size == network.images:
            return network.classify(chip, inputs, network.images)
        rows = np.zeros((padded(changed.size), inputs.shape[1]), dtype=np.uint64)
        rows[: changed.size] = inputs[changed]
        classes[changed] = network.classify(chip, rows, changed.size)
        return classes

    def _best(self, number: int, flips: int, changed: float) -> Way:
        """Return the way of a layer that is the least work of those that are ready."""
        ready = self._ready(number)
        if self._forced is not None:
            return next((way for way in ready if self._is_forced(number, way)), "full")
        return min(ready, key=lambda way: self._work(number, way, flips, changed))

    def _ready(self, number: int) -> list[Way]:
        ready: list[Way] = ["full"]
        if number in self._hidden or (number == 0 and self._first is not None):
            ready.append("bit-sliced")
        if number == 1 and self._second is not None:
            ready.append("delta")
        return ready

    def _ways(self, number: int) -> list[Way]:
        """Return the ways that a layer has."""
        if number == len(self._network.layers) - 1:
            return ["full"]
        return ["full", "bit-sliced", "delta"] if number == 1 else ["full", "bit-sliced"]

    def _work(self, number: int, way: Way, flips: int, changed: float) -> float:
        if way == "full":
            return self._costs.full(number)
        if way == "delta":
            return self._costs.delta(flips, changed)
        if number == 0:
            return self._costs.sliced_pixels(flips)
        return self._costs.sliced(number, flips, changed)

    def _guess(self, counts: list[int]) -> float:
        """Return how many outputs of the first layer would change in a random network."""
        layer = self._network.layers[0]
        ber = counts[0] / (layer.inputs * layer.neurons)
        outputs: int = layer.neurons * self._network.images
        return changed_share(ber, layer.inputs) * outputs

    def _prepare_what_pays(self, counts: list[int]) -> None:
        """Note what each way would save on a chip, and make those ready that paid by now."""
        share_of_inputs, is_new = 0.0, self._first is None and self._forced is None
        for number, layer in enumerate(self._network.layers[:-1]):
            self._prepare(number, counts[number], share_of_inputs * layer.inputs)
            if is_new and self._first is not None:
                # How many outputs change is about to be seen.
                return
            ber = counts[number] / (layer.inputs * layer.neurons)
            either = ber + share_of_inputs - 2 * ber * share_of_inputs
            share_of_inputs = changed_share(min(either, 0.5), layer.inputs)
            if number == 0:
                share_of_inputs = min(share_of_inputs * self._observed, 0.5)

    def _prepare(self, number: int, flips: int, changed_inputs: float) -> None:
        """Make at most one way ready: the best one of a layer that would have paid by now.

        That is the way of the first layer if the best one is delta, which needs it.
        """
        ready, changed = self._ready(number), changed_inputs * self._network.images
        least = min(self._work(number, way, flips, changed) for way in ready)
        saved: dict[Way, float] = {}
        for way in self._ways(number):
            if way not in ready and self._fits(number, way):
                saved[way] = max(0.0, least - self._work(number, way, flips, changed))
                self._saved[number, way] = self._saved.get((number, way), 0.0) + saved[way]
        for way in sorted(saved, key=lambda way: -saved[way]):
            if self._is_due(number, way):
                if way == "delta" and self._first is None:
                    number, way = 0, "bit-sliced"
                self._make_ready(number, way)
                return

    def _is_due(self, number: int, way: Way) -> bool:
        if self._forced is not None:
            return self._is_forced(number, way)
        keep = self._costs.keep_sliced(number)
        if way == "delta":
            keep = self._costs.keep_delta(is_sliced=1 in self._hidden)
            keep += self._costs.keep_sliced(0) if self._first is None else 0.0
        clean = 0.0 if self._rows else self._costs.clean_outputs()
        return self._saved[number, way] > keep + clean

    def _is_forced(self, number: int, way: Way) -> bool:
        return way == ("bit-sliced" if number == 0 else self._forced)

    def _fits(self, number: int, way: Way) -> bool:
        needed = self._size(number, way)
        if way == "delta" and self._first is None:
            needed += self._size(0, "bit-sliced")
        return self._bytes + needed <= MARGIN_BYTES

    def _size(self, number: int, way: Way) -> int:
        clean, images = self._network.clean[number], self._network.images
        if way == "delta":
            return delta_bytes(clean, images)
        return layer_bytes(clean, images) if number else pixel_bytes(clean, images)

    def _make_ready(self, number: int, way: Way) -> None:
        network = self._network
        if not self._rows:
            self._find_clean()
        clean, images = network.clean[number], network.images
        if way == "delta":
            sliced = self._hidden.get(1)
            planes = None if sliced is None else sliced.margins
            self._second = delta_layer(clean, self._rows[0], images, planes)
            if len(network.layers) == 3:
                last = network.clean[2]
                mismatches = last.counted(self._rows[1])[:images, : last.layer.neurons]
                self._counts = np.ascontiguousarray(mismatches)
        elif number == 0:
            self._first = sliced_pixels(clean, network.inputs, network.codes, self._rows[0])
        else:
            self._hidden[number] = sliced_layer(clean, self._rows[number - 1], images)
        self._bytes += self._size(number, way)

    def _find_clean(self) -> None:
        """Compute what the hidden layers give free of faults, and the classes."""
        network = self._network
        rows: list[Words] = []
        for number in range(len(network.layers) - 1):
            rows.append(self._full(number, rows[-1] if rows else network.inputs, None))
        self._classes = network.classify(network.clean[-1:], rows[-1], network.images)
        self._rows = rows
