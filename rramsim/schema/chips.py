"""The datasets of one real chip: what it is programmed with, and what was read from it."""

from rramsim.schema.variable import Variable, per

_state = per("layer", "state")
_layer = per("layer")
_group = per("group")
_direction = per("direction")
_of_tile = per("chip_tile")
_line = per("line")
_wrong = per("wrong_cell")
_flip = per("flip")
_cell = per("tile", "word_line", "bit_line")
_drawn = per("predicted_chip")

CHIPS: dict[str, tuple[Variable, ...]] = {
    "bit_image": (_cell("bit", "1", "i", "1: HRS, which is +1; 0: LRS, which is -1; 255: no bit"),),
    "read_back": (
        per()("accuracy", "1", "f", "share of the test images this chip classifies correctly"),
        per()("clean_accuracy", "1", "f", "the same of the network without errors"),
        per()("predicted_accuracy", "1", "f", "mean over chips drawn as was expected, NaN: none"),
        per()("predicted_accuracy_low", "1", "f", "lower end of the interval of that mean"),
        per()("predicted_accuracy_high", "1", "f", "upper end of it"),
        per()("predicted_accuracy_p05", "1", "f", "accuracy of the 5th-percentile chip drawn"),
        _drawn("predicted_chip_accuracy", "1", "f", "accuracy of each chip drawn as was expected"),
        _group("errors", "1", "i", "cells (2T2R: pairs) read wrongly, by the majority of reads"),
        _group("cells", "1", "i", "cells (2T2R: pairs) that were read"),
        _group("ber", "1", "f", "errors over cells, NaN: none was read"),
        _group("ber_low", "1", "f", "lower end of its interval (Clopper-Pearson)"),
        _group("ber_high", "1", "f", "upper end of its interval"),
        _group("expected_ber", "1", "f", "that of the condition, NaN: none was given"),
        _group("expected_ber_low", "1", "f", "2.5th percentile of the rates that its cells allow"),
        _group("expected_ber_high", "1", "f", "97.5th percentile, NaN: not known"),
        _group("p_value", "1", "f", "exact binomial test of errors against expected_ber"),
        _group("p_value_left_open", "1", "f", "the test averaged over the rates its cells allow"),
        _state("layer_errors", "1", "i", "cells (pairs) of a layer read wrongly"),
        _state("layer_cells", "1", "i", "cells (pairs) of a layer that were read"),
        _state("layer_ber", "1", "f", "errors over cells, NaN: none was read"),
        _state("layer_ber_low", "1", "f", "lower end of its interval (Clopper-Pearson)"),
        _state("layer_ber_high", "1", "f", "upper end of its interval"),
        _state("layer_p_value", "1", "f", "exact binomial test against expected_ber, NaN: none"),
        _layer("tiles_down", "1", "i", "tiles down the inputs of a layer"),
        _layer("tiles_across", "1", "i", "tiles across its neurons"),
        _layer("missing", "1", "i", "cells (pairs) that were not read"),
        _layer("reads", "1", "i", "reads of cells (pairs)"),
        _layer("repeated", "1", "i", "cells (pairs) read more than once"),
        _layer("disagreeing", "1", "i", "those whose reads differ from each other"),
        _layer("minority_reads", "1", "i", "reads that differ from the majority of their cell"),
        _layer("undecided", "1", "i", "reads of pairs whose bits are equal, taken as wrong"),
        _layer("weights", "1", "i", "weights of the layer"),
        _layer("wrong_weights", "1", "i", "weights that are wrong, after decoding"),
        _direction("variance_ratio", "1", "f", "variance of errors of a line over that by chance"),
        _direction("cluster_p_value", "1", "f", "that random errors cluster as much, NaN: none"),
        _direction("permutations", "1", "i", "random spreads of the errors behind it"),
        per("layer", "direction")(
            "layer_variance_ratio", "1", "f", "variance_ratio of the lines of a layer, NaN: none"
        ),
        _of_tile("tile_layer", "1", "i", "layer of a tile, from 1"),
        _of_tile("tile_number", "1", "i", "its number in the layer, from 0"),
        _of_tile("tile_cells", "1", "i", "its cells (pairs) that were read"),
        _of_tile("tile_errors", "1", "i", "those read wrongly"),
        _of_tile("tile_ber", "1", "f", "errors over cells"),
        _of_tile("tile_ber_low", "1", "f", "lower end of its interval (Clopper-Pearson)"),
        _of_tile("tile_ber_high", "1", "f", "upper end of its interval"),
        _of_tile("tile_chance_ber", "1", "f", "rate of its layer and states on this chip"),
        _of_tile("tile_p_value", "1", "f", "that chance gives so many errors or more at this rate"),
        _line("line_layer", "1", "i", "layer of a line, from 1"),
        _line("line_tile", "1", "i", "its tile, from 0"),
        _line("line_direction", "1", "U", "word line or bit line (2T2R: the first of two)"),
        _line("line_number", "1", "i", "its number in the tile, from 0"),
        _line("line_cells", "1", "i", "its cells (pairs) that were read"),
        _line("line_errors", "1", "i", "those read wrongly"),
        _line("line_ber", "1", "f", "errors over cells"),
        _line("line_ber_low", "1", "f", "lower end of its interval (Clopper-Pearson)"),
        _line("line_ber_high", "1", "f", "upper end of its interval"),
        _line("line_chance_ber", "1", "f", "rate of its layer and states on this chip"),
        _line("line_p_value", "1", "f", "that chance gives so many errors or more at this rate"),
        _wrong("cell_layer", "1", "i", "layer of a wrong cell (pair), from 1"),
        _wrong("cell_tile", "1", "i", "its tile, from 0"),
        _wrong("cell_word_line", "1", "i", "its word line in the tile"),
        _wrong("cell_bit_line", "1", "i", "its bit line in the tile (2T2R: the first of two)"),
        _wrong("cell_bit", "1", "i", "what it was programmed with"),
        _wrong("cell_role", "1", "U", "what it holds: weight, padding or parity"),
        _flip("flip_layer", "1", "i", "layer of a weight that is wrong after decoding, from 1"),
        _flip("flip_neuron", "1", "i", "its neuron or filter, from 0"),
        _flip("flip_input", "1", "i", "its input, from 0"),
    ),
}
