"""The datasets of energy: of a read, of an inference, and over a life."""

from rramsim.schema.variable import BOUNDS, ENERGY_BASES, REQUIREMENT_VERDICTS, Variable, per

_population = per("condition", "state")
_condition = per("condition")
_layer = per("layer")
_pair = per("condition", "other")

_ENDS = (("_low", "lower end of its interval, NaN: none"), ("_high", "upper end of its interval"))

ENERGY: dict[str, tuple[Variable, ...]] = {
    "read_energy": (
        _population("energy", "J", "f", "mean energy of reading one cell, NaN: no fit"),
        _condition("energy_per_read", "J", "f", "both states at the shares in use"),
        _condition("basis", "1", "U", "where the energy is from", choices=ENERGY_BASES),
    ),
    "inference_reads": (
        _layer("minus_weights", "1", "f", "weights of -1, which are the cells in LRS"),
        _layer("plus_weights", "1", "f", "weights of +1, which are the cells in HRS"),
        _layer("reads", "1", "i", "times each weight is read for one image"),
        _layer("counts", "1", "i", "times each weight is compared with an input bit and counted"),
    ),
    "inference_energy": (
        _layer("weights", "1", "f", "weights of the layer"),
        _layer("reads", "1", "i", "times each weight is read for one image"),
        _layer("counts", "1", "i", "times each weight is compared with an input bit and counted"),
        _population("cell_energy", "J", "f", "mean energy of reading one cell, NaN: no fit"),
        per("condition", "layer")(
            "layer_energy", "J", "f", "what is known of the energy of a layer for one image"
        ),
        _condition("programming_energy", "J", "f", "to program every weight once, NaN: unknown"),
        _condition("set_energy_basis", "1", "U", "where set_energy is from", choices=ENERGY_BASES),
        _condition(
            "reset_energy_basis", "1", "U", "where reset_energy is from", choices=ENERGY_BASES
        ),
        _condition("energy_in_cells", "J", "f", "of one inference, in the cells, NaN: no fit"),
        *(_condition(f"energy_in_cells{end}", "J", "f", words) for end, words in _ENDS),
        _condition("inference_energy", "J", "f", "of one inference, or the bound on it"),
        *(_condition(f"inference_energy{end}", "J", "f", words) for end, words in _ENDS),
        _condition(
            "inference_energy_bound",
            "1",
            "U",
            "lower: circuits whose energy is unknown take more",
            choices=BOUNDS,
        ),
        _condition(
            "inference_energy_basis", "1", "U", "where it is from", choices=("computed", "unknown")
        ),
        _condition(
            "inferences_per_programming",
            "1",
            "f",
            "inferences after which reading has cost as much as programming once, or the bound",
        ),
        *(_condition(f"inferences_per_programming{end}", "1", "f", words) for end, words in _ENDS),
        _condition(
            "inferences_per_programming_bound",
            "1",
            "U",
            "upper: circuits whose energy is unknown make them fewer",
            choices=BOUNDS,
        ),
        _condition("within_endurance", "1", "U", "over the life", choices=REQUIREMENT_VERDICTS),
        _condition(
            "cheapest_from", "1", "f", "inferences from which on it costs least, NaN: at none"
        ),
        _condition("cheapest_to", "1", "f", "inferences up to which it costs least, inf: no end"),
        _pair(
            "break_even",
            "1",
            "f",
            "inferences at which condition and other cost the same over the life, NaN: at none",
        ),
        _condition("life_energy", "J", "f", "over the life, or the bound on it", optional=True),
        *(_condition(f"life_energy{end}", "J", "f", words, optional=True) for end, words in _ENDS),
        _condition(
            "life_energy_bound",
            "1",
            "U",
            "lower: circuits whose energy is unknown take more",
            choices=BOUNDS,
            optional=True,
        ),
        _condition(
            "cheapest", "1", "b", "1: costs least over the life, within endurance", optional=True
        ),
    ),
}
