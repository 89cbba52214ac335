"""The datasets of accuracy and of the trade-off."""

from dataclasses import replace

from rramsim.schema.variable import (
    BOUNDS,
    CELLS_BASES,
    ENDURANCE_BASES,
    ENERGY_BASES,
    LIFE_BASES,
    LIFE_LIMITS,
    POINT_VERDICTS,
    REFRESH_BASES,
    REQUIREMENT_VERDICTS,
    Variable,
    per,
)

POINT = ("training_ber", "thresholds", "protection", "condition")
"""Dimensions of a point: a network, with its thresholds, on chips of a condition under a
protection."""

_curve = per("training_ber", "test_ber")
_layer = per("network", "layer")
_layer_curve = per("network", "layer", "test_ber")
_case_curve = per("network", "case", "test_ber")

ACCURACY = (
    ("accuracy", "1", "f", "mean over chips of the share of test images classified correctly"),
    ("accuracy_low", "1", "f", "lower end of the interval of that mean (see attrs: interval)"),
    ("accuracy_high", "1", "f", "upper end of the interval of that mean"),
    ("accuracy_p05", "1", "f", "accuracy of the 5th-percentile chip, NaN: cannot be told"),
    ("maps", "1", "i", "number of chips (fault maps) drawn"),
)

_PARTS = (
    ("trainings", "half width of its interval by trainings alone, NaN: one training"),
    ("images", "half width by test images alone"),
    ("chips", "half width by chips alone"),
    ("cells", "half width by the sample of cells alone, 0: not in the interval"),
    ("cells_below", "the same towards less loss"),
    ("between", "variance between trainings"),
    ("within", "the part of that variance that images and chips explain"),
    ("factor", "variance of the mean for each variance between trainings"),
)

WITH_PARTS = (
    ("loss", "1", "f", "mean loss of accuracy against the plain network without errors"),
    ("loss_low", "1", "f", "lower end of its interval, at 97.5 % by itself"),
    ("loss_high", "1", "f", "upper end of its interval, at 97.5 % by itself"),
    *((f"loss_{name}", "1", "f", f"of the loss: {words}") for name, words in _PARTS),
    *((f"accuracy_{name}", "1", "f", f"of the accuracy: {words}") for name, words in _PARTS),
    ("trainings", "1", "i", "number of trainings, or of folds"),
)
"""Loss and accuracy with all that their intervals are made of."""

_chips = per("faults")
_neurons = per("faults", "layer")

_PROTECTION = tuple(
    _chips(*columns, optional=True)
    for columns in (
        ("protection", "1", "U", "how weights are protected, such as secded(72,64)"),
        ("cells_per_weight", "1", "f", "cells for each weight, parity and padding included"),
        ("pulses_per_weight", "1", "f", "write pulses for each weight, expected"),
        ("shared", "1", "U", "what cells share with their lines and dies, empty: nothing"),
    )
)

_EVALUATION = (
    *(_chips(*columns) for columns in ACCURACY if columns[0] != "maps"),
    _chips("chips", "1", "i", "number of chips drawn"),
    _chips("images_per_chip", "1", "i", "test images that each chip was scored on"),
    _chips(
        "half_width_reached",
        "1",
        "b",
        "1: the mean is known to within the half width that was asked for",
        optional=True,
    ),
    _chips("test_ber", "1", "f", "mean BER of the weights as read, NaN: the model does not tell"),
    _chips("method", "1", "U", "how interval and percentile were made"),
    *_PROTECTION,
    per("layer")("neurons", "1", "i", "neurons of a hidden layer", optional=True),
    *(
        _neurons(*columns, optional=True)
        for columns in (
            ("constant_share", "1", "f", "mean share of neurons with one value on all images"),
            ("constant_share_low", "1", "f", "lower end of the interval of that mean"),
            ("constant_share_high", "1", "f", "upper end of the interval of that mean"),
            ("constant_share_method", "1", "U", "how that interval was made"),
            ("always_plus_share", "1", "f", "the part of it that is always +1"),
            ("always_minus_share", "1", "f", "the part of it that is always -1"),
        )
    ),
    per("flips")(
        "certified_share",
        "1",
        "f",
        "share of test images that are correct whichever so many weights of the last layer flip",
        optional=True,
    ),
    per("image")(
        "tolerated_flips",
        "1",
        "i",
        "flips in the last layer that never change the class of a test image",
        optional=True,
    ),
    per("image")("correct", "1", "b", "1: correct without faults", optional=True),
)

_trained = per("training")
_network = per("training", "faults")

_TRAINING_ACCURACY = (
    _chips("accuracy", "1", "f", "mean over trainings of the accuracy of their networks"),
    _chips("accuracy_low", "1", "f", "lower end of the interval of that mean (see method)"),
    _chips("accuracy_high", "1", "f", "upper end of the interval of that mean"),
    _chips("accuracy_sd", "1", "f", "standard deviation between networks"),
    _chips("method", "1", "U", "how the interval was made, what it contains and leaves out"),
    *_PROTECTION,
    *(
        _network(f"network_{name}", *columns)
        for name, *columns in ACCURACY
        if name.startswith("accuracy")
    ),
    _network("network_method", "1", "U", "how interval and percentile of a network were made"),
    _network("chips", "1", "i", "number of chips drawn for a network"),
    _network("images_per_chip", "1", "i", "test images that each chip was scored on"),
    _network("test_ber", "1", "f", "mean BER of the weights as read, NaN: the model does not tell"),
    _trained("network_id", "1", "U", "content id of the network"),
    _trained("images_id", "1", "U", "content id of the images it was trained and tested on"),
    _trained("test_images", "1", "i", "number of test images"),
    _trained("chip_seed", "1", "U", "seed of the chips"),
    _trained("fold", "1", "i", "part of the image set that was tested, from 1; -1: no folds"),
)

_point = per(*POINT)
_of_chip = per(*POINT, "training", "chip")
_draw = per(*POINT, "draw")
_programmed = per("training_ber", "protection", "condition")
_read = per("protection", "condition")
_condition = per("condition")
_stored = per("stored_layer")
_rated = per(*POINT, "lrs_probit", "hrs_probit")
_aged = per(*POINT, "cycle", "time")

_SCORED = (
    *(_point(*columns) for columns in (*ACCURACY, *WITH_PARTS)),
    _of_chip("chip_accuracy", "1", "f", "accuracy of a chip, NaN: none", optional=True),
    _of_chip("chip_loss", "1", "f", "its loss against the same training without", optional=True),
    _draw(
        "loss_draw",
        "1",
        "f",
        "loss if the bit-error rates were those of one draw of what the cells leave open",
        optional=True,
    ),
    per("protection", "condition", "draw")(
        "ber_draw", "1", "f", "mean of the rates of one draw, of cells or of weights", optional=True
    ),
    _read("drawn_ber", "1", "f", "the rate that is planted, of the same kind, NaN: no draws"),
    *(
        _point(*columns, optional=True)
        for columns in (
            (
                "independent_accuracy",
                "1",
                "f",
                "mean accuracy on as many chips at the same BER of independent cells, NaN: "
                "those of the point do",
            ),
            ("independent_p05", "1", "f", "accuracy of the 5th-percentile chip of these"),
            (
                "correlated_change",
                "1",
                "f",
                "accuracy less that of independent cells, chip by chip",
            ),
            ("correlated_change_low", "1", "f", "lower end of its interval over chips, 95 %"),
            ("correlated_change_high", "1", "f", "upper end"),
        )
    ),
    _condition("cells", "1", "f", "cells a state behind the BER, NaN: unknown"),
    _read("test_ber", "1", "f", "mean BER of the weights as read, or the bound planted"),
    _read("ber_high", "1", "f", "upper end of its interval, NaN: none"),
    _read("ber_bound", "1", "U", "upper: test_ber is only a bound", choices=BOUNDS),
    _read("ber_extrapolated", "1", "b", "1: beyond what the sample can show"),
    _read("faults", "1", "U", "the fault model the chips were drawn from, empty: not possible"),
    _read(
        "cells_basis",
        "1",
        "U",
        "what the part by the sample of cells is from, or why there is none",
        choices=CELLS_BASES,
    ),
)

_AGED = (
    *(
        _aged(f"aged_{name}{end}", "1", "f", words + more)
        for name, words in (
            ("loss", "loss a time after so many programmings, NaN: unknown"),
            ("accuracy", "accuracy then"),
        )
        for end, more in (
            ("", ""),
            ("_low", ", lower end of its interval, at 97.5 % by itself"),
            ("_high", ", upper end of its interval, at 97.5 % by itself"),
        )
    ),
    per("condition", "cycle", "time")(
        "aged_extrapolated",
        "1",
        "U",
        "what of it is extrapolated: cycle, time, temperature, lognormal (lines moved to counted "
        "errors); empty: none",
    ),
    _condition("first_cycle", "1", "f", "first cycle behind it, NaN: it does not depend on cycles"),
    _condition("last_cycle", "1", "f", "last cycle behind it, NaN: likewise"),
    _condition("last_time", "s", "f", "last read-out behind it, at the temperature of use"),
    _read("life_basis", "1", "U", "what tells how long cells are good", choices=LIFE_BASES),
)
"""Accuracy over cycles and time, where there are readings over these."""

_LIFE = (
    _point("lasts", "1", "U", "whether it lasts the life", choices=REQUIREMENT_VERDICTS),
    _point("good_until", "s", "f", "time after the first programming to which it is good enough"),
    _point("good_until_low", "s", "f", "lower end of it, at 97.5 % by itself"),
    _point("good_until_shown", "s", "f", "that as far as nothing is extrapolated: as it is shown"),
    _point("good_until_high", "s", "f", "time to which it may be, NaN: beyond all that was asked"),
    _point("good_until_bound", "1", "U", "lower: no end up to the last time asked", choices=BOUNDS),
    _point("good_until_extrapolated", "1", "U", "what of it is extrapolated, empty: nothing"),
    _point("good_cycles", "1", "f", "last cycle at which it is when just programmed, NaN: unknown"),
    _point("good_cycles_low", "1", "f", "last cycle at which that is shown"),
    _point("good_cycles_high", "1", "f", "last cycle at which it may be, NaN: beyond those read"),
    _point("good_cycles_bound", "1", "U", "lower: it is at the last one read", choices=BOUNDS),
    _point("refresh_interval", "s", "f", "life until the first refresh, NaN: none, or unknown"),
    _point("refresh_basis", "1", "U", "which times it goes by", choices=REFRESH_BASES),
    _point("refreshes", "1", "f", "refreshes of the life, NaN: unknown, or cells have too few"),
    _point("refresh_energy", "J", "f", "all refreshes of the life, NaN: unknown"),
    _point("life_limit", "1", "U", "what limits the life", choices=LIFE_LIMITS),
    _point(
        "life_extrapolated", "1", "U", "what `lasts` rests on that is extrapolated, empty: nothing"
    ),
)

_JUDGED = (
    _point("verdict", "1", "U", "whether it meets all that is required", choices=POINT_VERDICTS),
    _point("meets", "1", "b", "1: it is shown to"),
    _point("accurate", "1", "U", "whether it is accurate enough", choices=REQUIREMENT_VERDICTS),
    _point(
        "probability",
        "1",
        "f",
        "that it is accurate enough, given what all sources of chance leave open, NaN: no draws",
    ),
    _point(
        "confidence_needed",
        "1",
        "f",
        "one-sided confidence that a yes takes, as networks share 2.5 %, NaN: it is settled",
    ),
    _point(
        "end_needed",
        "1",
        "f",
        "at that confidence, loss at most, or accuracy at least if a target is set, NaN: settled",
    ),
    _point(
        "waits_for",
        "1",
        "U",
        "condition of the point, not shown to be enough, that is tested before it and alone "
        "leaves it open; empty: none",
    ),
    _point("waits_for_protection", "1", "U", "protection of that point, whose network is the same"),
    _point("trainings_needed", "1", "i", "trainings that would settle it, 0: no number would"),
    _point("images_needed", "1", "f", "times as many test images would, NaN: no number would"),
    _point("chips_needed", "1", "f", "times as many chips would, NaN: no number would"),
    _point("cells_to_measure", "1", "f", "further cells a state that would show it, NaN: none"),
    _point("cells_needed", "1", "f", "times as many cells would, NaN: no number would"),
    _point("chip_yield", "1", "f", "share of the chips that are accurate enough"),
    _point("chip_yield_low", "1", "f", "lower end of its interval, at 97.5 % by itself"),
    _point("chip_yield_high", "1", "f", "upper end of its interval"),
    _point("yields", "1", "U", "whether enough chips are", choices=REQUIREMENT_VERDICTS),
    _read(
        "endures",
        "1",
        "U",
        "whether cells stand all programmings of the life",
        choices=REQUIREMENT_VERDICTS,
    ),
    _point("life_energy", "J", "f", "all programmings and inferences, NaN: unknown"),
    _point(
        "affordable", "1", "U", "whether that is within the budget", choices=REQUIREMENT_VERDICTS
    ),
    _point(
        "on_cells_front",
        "1",
        "b",
        "1: meets all; none that does takes less energy or fewer cells without more of the other",
    ),
)

_TRADEOFF = {
    "condition_accuracy": _SCORED,
    "programming": (
        _programmed("weights", "1", "f", "weights of the network"),
        _programmed("cells", "1", "f", "cells that hold them, parity and padding included"),
        _programmed("sets", "1", "f", "SET pulses to program all once, expected"),
        _programmed("resets", "1", "f", "RESET pulses"),
        _programmed("verifying_reads", "1", "f", "reads between these pulses"),
        _programmed("most_pulses", "1", "i", "pulses that one cell may need"),
    ),
    "pulses": (
        _stored("training_ber", "1", "f", "bit-error rate of the training"),
        _stored("protection", "1", "U", "how weights are protected"),
        _stored("condition", "1", "U", "name of the condition"),
        _stored("training", "1", "i", "number of the training, from 1"),
        _stored("layer", "1", "i", "number of the layer, from 1"),
        _stored("weights", "1", "i", "weights of the layer"),
        _stored("cells", "1", "i", "cells that hold them, parity and padding included"),
        _stored("in_hrs", "1", "i", "those of them that are in HRS in the end"),
        _stored("sets", "1", "f", "SET pulses to program all once, expected"),
        _stored("resets", "1", "f", "RESET pulses"),
        _stored("verifying_reads", "1", "f", "reads between these pulses"),
        _stored("most_pulses", "1", "i", "pulses that one cell may need"),
        _stored("cells_per_read", "1", "i", "cells that a sense amplifier compares at once"),
    ),
    "shown_chip": (
        per("wrong_cell")(
            "wrong_weight", "1", "i", "flat position of a wrong weight in (neurons, inputs)"
        ),
    ),
    "tradeoff": (
        *_SCORED,
        _programmed("programming_energy", "J", "f", "to program every weight once, NaN: unknown"),
        _programmed("energy_per_cell", "J", "f", "programming_energy per cell"),
        _programmed("energy_per_weight", "J", "f", "programming_energy per weight"),
        _programmed("cells_per_weight", "1", "f", "parity and padding included"),
        _programmed("pulses_per_weight", "1", "f", "write pulses, expected"),
        _programmed("most_pulses", "1", "i", "pulses that one cell may need"),
        _programmed("verifying_reads", "1", "f", "reads between these pulses, for all weights"),
        _programmed(
            "inference_energy",
            "J",
            "f",
            "known part of the energy of reading for one inference, NaN: unknown",
        ),
        _point("on_front", "1", "b", "1: no other point is as good in both and better in one"),
        *(
            _condition(*columns, choices=ENERGY_BASES)
            for columns in (
                ("set_energy_basis", "1", "U", "where set_energy is from"),
                ("reset_energy_basis", "1", "U", "where reset_energy is from"),
            )
        ),
        _condition("origin", "1", "U", "what the populations are: measured, reconstructed, none"),
        _condition("endurance", "1", "f", "SET/RESET cycles a cell stands, NaN where unknown"),
        _condition("endurance_basis", "1", "U", "where endurance is from", choices=ENDURANCE_BASES),
        _condition(
            "endurance_bound", "1", "U", "lower: more than the number, upper: less", choices=BOUNDS
        ),
        _condition(
            "endurance_low", "1", "f", "lower end of its interval, NaN: none", optional=True
        ),
        _condition(
            "endurance_high", "1", "f", "upper end, or the bound above a lower one", optional=True
        ),
        *(replace(variable, optional=True) for variable in _AGED),
        *(replace(variable, optional=True, group="judged") for variable in (*_JUDGED, *_LIFE)),
    ),
    "loss_surface": (
        *(
            _rated(f"{name}{end}", "1", "f", words + more)
            for name, words in (
                ("loss", "mean loss at these error rates, NaN: not scored"),
                ("accuracy", "mean accuracy at these error rates"),
            )
            for end, more in (
                ("", ""),
                ("_low", ", lower end of its interval"),
                ("_high", ", upper end of its interval"),
            )
        ),
        *(
            _rated(f"loss_{name}", "1", "f", f"of the loss: {words}")
            for name, words in _PARTS
            if name in ("trainings", "images", "chips")
        ),
        _rated("maps", "1", "i", "number of chips (fault maps) drawn"),
    ),
    "ber_budget": (
        *(
            per("training_ber")(f"budget{end}", "1", "f", words)
            for end, words in (
                ("", "largest BER at which the mean still is accurate enough"),
                ("_shown", "largest BER at which that is shown, 97.5 % one-sided; NaN: at none"),
            )
        ),
        *(
            per("training_ber")(
                f"budget{end}_bound",
                "1",
                "U",
                "lower: it is at the largest BER asked; upper: at the least it is not",
                choices=BOUNDS,
            )
            for end in ("", "_shown")
        ),
    ),
}

SCORES: dict[str, tuple[Variable, ...]] = {
    "accuracy": (
        *(_curve(*columns) for columns in ACCURACY),
        *(_curve(*columns, optional=True) for columns in WITH_PARTS),
    ),
    "layer_accuracy": (
        *(_layer_curve(*columns) for columns in ACCURACY),
        _layer("cells", "1", "i", "weights of the layer, or of all layers"),
        _layer(
            "tolerated_ber", "1", "f", "BER at which accuracy is `loss` (see attrs) below BER 0"
        ),
        _layer("tolerated_ber_low", "1", "f", "where accuracy_low is that low, NaN: not measured"),
        _layer("tolerated_ber_high", "1", "f", "where accuracy_high is that low, NaN: likewise"),
        _layer("tolerated_ber_bound", "1", "U", "upper, lower: only a bound", choices=BOUNDS),
    ),
    "evaluation": _EVALUATION,
    "training_accuracy": _TRAINING_ACCURACY,
    "case_accuracy": tuple(_case_curve(*columns) for columns in ACCURACY),
    **_TRADEOFF,
}
