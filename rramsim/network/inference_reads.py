"""How often does an inference read each weight?

A weight lies in one cell (1T1R), or in a pair (2T2R). A fully connected layer reads each of its
weights once for an image; a convolution reads them at each place of its outputs, unless the rows
that were read are latched and used again. The first layer does so for each bit plane of the
pixels: an input bit is compared with the weight (XNOR) and counted, and the counts of the planes
are added with their powers of two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rramsim import schema
from rramsim.errors import refused, whole_number
from rramsim.network.folded.network import PIXEL_LIMIT, FoldedConvolution, FoldedNetwork
from rramsim.network.shape import NetworkShape

if TYPE_CHECKING:
    import xarray as xr

_MOST_BITS = PIXEL_LIMIT.bit_length()


def reads_of_network(network: FoldedNetwork, *, pixel_bits: int, reuse: bool = False) -> xr.Dataset:
    """Return how often an inference reads each weight of a network.

    Parameters
    ----------
    network : FoldedNetwork
    pixel_bits : int
        Bit planes of the pixels, 1 (black and white) to 8.
    reuse : bool
        Whether rows that were read are latched, so that a layer is read once and not once a place
        (of a convolution's outputs, of a window that is averaged).

    Returns
    -------
    xarray.Dataset
        Schema "inference_reads".

    Raises
    ------
    InputError
        For no such number of bit planes.

    Examples
    --------
    >>> import numpy as np
    >>> from rramsim.network.folded.network import ScoreLayer
    >>> signs, ones = np.ones((10, 64), dtype=np.int8), np.ones(10, dtype=np.float32)
    >>> network = FoldedNetwork((ScoreLayer(signs, ones, ones),))
    >>> reads = reads_of_network(network, pixel_bits=5)
    >>> reads["plus_weights"].item(), reads["reads"].item()
    (640.0, 5)
    """
    plus = [int(np.count_nonzero(layer.signs > 0)) for layer in network.layers]
    weights = [layer.signs.size for layer in network.layers]
    places = [
        math.prod(layer.sums_size(*size))
        for layer, size in zip(network.convolutions, network.sizes, strict=False)
    ]
    places += [1 for layer in network.layers if not isinstance(layer, FoldedConvolution)]
    # The weights of a window meet each value in it, one after the other.
    places[-1] = math.prod(network.output.average)
    minus = [total - ones for total, ones in zip(weights, plus, strict=True)]
    return _reads(str(network), minus, plus, places, pixel_bits=pixel_bits, reuse=reuse)


def reads_of_shape(shape: NetworkShape, *, pixel_bits: int, reuse: bool = False) -> xr.Dataset:
    """Return how often an inference reads each weight of a network that is not trained yet.

    Half of the weights of each layer are taken to be -1. See `reads_of_network`.

    Examples
    --------
    >>> reads = reads_of_shape(NetworkShape.parse("3x32x32-16C3-MP2-10"), pixel_bits=8)
    >>> reads["reads"].values.tolist()  # 32 x 32 places, 8 bit planes
    [8192, 1]
    """
    halves = [math.prod(weights) / 2 for weights in shape.weight_shapes]
    places, (_, height, width) = [], shape.image_shape or (0, 0, 0)
    for layer in shape.convolutions:
        places.append(height * width)
        if layer.pool:
            height, width = height // 2, width // 2
    places += [1] * len(shape.layers)
    return _reads(str(shape), halves, halves, places, pixel_bits=pixel_bits, reuse=reuse)


def _reads(
    network: str,
    minus: Sequence[float],
    plus: Sequence[float],
    places: Sequence[int],
    *,
    pixel_bits: int,
    reuse: bool,
) -> xr.Dataset:
    accepted = f"the bit planes of the pixels, a whole number from 1 to {_MOST_BITS}"
    pixel_bits = whole_number(pixel_bits, "pixel_bits", accepted)
    if not 1 <= pixel_bits <= _MOST_BITS:
        raise refused("pixel_bits", pixel_bits, accepted)
    planes = np.ones(len(places), dtype=int)
    planes[0] = pixel_bits
    return schema.make(
        "inference_reads",
        {
            "minus_weights": np.asarray(minus, dtype=float),
            "plus_weights": np.asarray(plus, dtype=float),
            "reads": planes if reuse else planes * places,
            "counts": planes * places,
        },
        coords={"layer": np.arange(1, len(places) + 1)},
        attrs={"network": network, "pixel_bits": pixel_bits, "reuse": int(reuse)},
    )
