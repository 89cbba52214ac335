"""The rows of tiles.csv, made for millions of cells at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rramsim.crossbar.real_chips.bit_images import ROLES, UNUSED, BitImage, Bits

CELL_COLUMNS = ("layer", "tile", "word_line", "bit_line", "neuron", "input", "bit", "role")

Characters = NDArray[np.uint8]


def cell_rows(layer: int, image: BitImage, bits: Bits) -> Iterator[bytes]:
    r"""Yield the rows of each tile of a layer, by word line, then bit line.

    Cells without a bit have no row; those of padding and parity have neither neuron nor input.

    Parameters
    ----------
    layer : int
        Its number, from 1.
    image : BitImage
    bits : uint8 array
        Of its cells (`BitImage.bits`).

    Examples
    --------
    >>> from rramsim.crossbar.tiles import TileShape
    >>> image = BitImage((1, 2), TileShape(2, 2))
    >>> list(cell_rows(1, image, np.array([[0, 1]], dtype=np.uint8)))
    [b'1,0,0,0,0,0,0,weight\n1,0,1,0,0,1,1,weight\n']
    """
    lines, inputs = image.shape
    numbers = _texts([f"{number}," for number in range(max(*image.shape, 2))])
    roles = _texts([f"{role}\n" for role in ROLES])
    role_of = image.roles()
    _, across = image.placement.grid
    words, width = image.tile.word_lines, image.tile.bit_lines
    for tile in range(image.placement.tile_count):
        down, along = divmod(tile, across)
        first, start = down * words, along * width
        word_line, bit_line = (
            part.ravel()
            for part in np.indices((min(words, inputs - first), min(width, lines - start)))
        )
        cell = start + bit_line, first + word_line
        is_used = bits[cell] != UNUSED
        line, input_ = cell[0][is_used], cell[1][is_used]
        role = role_of[line, input_]
        has_weight = role <= ROLES.index("complement")
        neuron = np.where(has_weight, line // image.step, 0)
        columns = [
            np.broadcast_to(_texts([f"{layer},{tile},"]), (line.size, len(f"{layer},{tile},"))),
            numbers[word_line[is_used]],
            numbers[bit_line[is_used]],
            *(_unless(~has_weight, numbers[values]) for values in (neuron, input_)),
            numbers[bits[line, input_]],
            roles[role],
        ]
        characters = np.concatenate(columns, axis=1)
        # Texts shorter than the longest of their column end with zeros.
        yield characters[characters != 0].tobytes()


def _texts(texts: list[str]) -> Characters:
    """Return texts as rows of characters, filled with zeros."""
    packed = np.array([text.encode() for text in texts])
    return packed.view(np.uint8).reshape(len(texts), -1)


def _unless(is_left_out: NDArray[np.bool_], characters: Characters) -> Characters:
    """Return the texts, an empty column where one is left out."""
    if is_left_out.any():
        characters[is_left_out] = 0
        characters[is_left_out, 0] = ord(",")
    return characters
