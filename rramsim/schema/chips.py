"""The datasets of one real chip: what it is programmed with, and what was read from it."""

from rramsim.schema.variable import Variable, per

_cell = per("tile", "word_line", "bit_line")

CHIPS: dict[str, tuple[Variable, ...]] = {
    "bit_image": (_cell("bit", "1", "i", "1: HRS, which is +1; 0: LRS, which is -1; 255: no bit"),),
}
