"""The datasets of accuracy and of the trade-off."""

from rramsim.schema.variable import (
    BOUNDS,
    ENDURANCE_BASES,
    ENERGY_BASES,
    LOSS_VERDICTS,
    Variable,
    per,
)

_condition = per("condition")
_curve = per("training_ber", "test_ber")
_met = per("training_ber", "condition")
_layer = per("network", "layer")
_layer_curve = per("network", "layer", "test_ber")
_case_curve = per("network", "case", "test_ber")

_ACCURACY = (
    ("accuracy", "1", "f", "mean over chips of the share of test images classified correctly"),
    ("accuracy_low", "1", "f", "lower end of the interval of that mean (see attrs: interval)"),
    ("accuracy_high", "1", "f", "upper end of the interval of that mean"),
    ("accuracy_p05", "1", "f", "accuracy of the 5th-percentile chip"),
    ("maps", "1", "i", "number of chips (fault maps) drawn"),
)

_AT_BER_HIGH = (
    "accuracy_low_at_ber_high",
    "1",
    "f",
    "accuracy_low if the BER is at the upper end of its interval, NaN: no interval",
)

_chips = per("faults")
_neurons = per("faults", "layer")

_PROTECTION = tuple(
    _chips(*columns, optional=True)
    for columns in (
        ("protection", "1", "U", "how weights are protected, such as secded(72,64)"),
        ("cells_per_weight", "1", "f", "cells for each weight, parity and padding included"),
        ("pulses_per_weight", "1", "f", "write pulses for each weight, expected"),
    )
)

_EVALUATION = (
    *(_chips(*columns) for columns in _ACCURACY if columns[0] != "maps"),
    _chips("chips", "1", "i", "number of chips drawn"),
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
        for name, *columns in _ACCURACY
        if name.startswith("accuracy")
    ),
    _network("network_method", "1", "U", "how interval and percentile of a network were made"),
    _network("chips", "1", "i", "number of chips drawn for a network"),
    _network("test_ber", "1", "f", "mean BER of the weights as read, NaN: the model does not tell"),
    _trained("network_id", "1", "U", "content id of the network"),
    _trained("images_id", "1", "U", "content id of the images it was trained and tested on"),
    _trained("test_images", "1", "i", "number of test images"),
    _trained("chip_seed", "1", "U", "seed of the chips"),
    _trained("fold", "1", "i", "part of the image set that was tested, from 1; -1: no folds"),
)

SCORES: dict[str, tuple[Variable, ...]] = {
    "accuracy": tuple(_curve(*columns) for columns in _ACCURACY),
    "layer_accuracy": (
        *(_layer_curve(*columns) for columns in _ACCURACY),
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
    "case_accuracy": tuple(_case_curve(*columns) for columns in _ACCURACY),
    "condition_accuracy": (
        *(_met(*columns) for columns in _ACCURACY),
        _met(*_AT_BER_HIGH),
        _condition("test_ber", "1", "f", "mean BER of the faults planted, or the bound planted"),
        _condition("ber_high", "1", "f", "upper end of the BER's interval, NaN: none"),
        _condition("faults", "1", "U", "the fault model the chips were drawn from"),
    ),
    "tradeoff": (
        *(_met(*columns) for columns in _ACCURACY),
        _met(*_AT_BER_HIGH),
        _met("programming_energy", "J", "f", "energy to program every weight once, NaN: unknown"),
        _met("energy_per_cell", "J", "f", "programming_energy per cell"),
        _met("on_front", "1", "b", "1: no other point is as good in both and better in one"),
        _met("meets_tolerance", "1", "b", "1: not worse than error-free by over the tolerance"),
        _met("loss", "1", "f", "mean loss of accuracy against the plain network without errors"),
        _met("loss_low", "1", "f", "lower end of its interval, at 97.5 % by itself"),
        _met("loss_high", "1", "f", "upper end of its interval, at 97.5 % by itself"),
        _met("loss_trainings", "1", "f", "half width by trainings alone, NaN: one training"),
        _met("loss_images", "1", "f", "half width by test images alone"),
        _met("loss_chips", "1", "f", "half width by chips alone"),
        _met("loss_cells", "1", "f", "half width by the sample of cells alone, 0: no interval"),
        _met("verdict", "1", "U", "whether it is accurate enough", choices=LOSS_VERDICTS),
        _met("trainings", "1", "i", "number of trainings, or of folds"),
        _met("trainings_needed", "1", "i", "trainings that would settle it, 0: no number would"),
        _met("images_needed", "1", "f", "times as many test images would, NaN: no number would"),
        _met("chips_needed", "1", "f", "times as many chips would, NaN: no number would"),
        _met("cells_needed", "1", "f", "times as many cells would, NaN: no number would"),
        _condition("test_ber", "1", "f", "mean BER of the faults planted, or the bound planted"),
        _condition("ber_high", "1", "f", "upper end of the BER's interval, NaN: none"),
        _condition("origin", "1", "U", "what the populations are: measured, reconstructed, none"),
        _condition("faults", "1", "U", "the fault model the chips were drawn from"),
        _condition("ber_bound", "1", "U", "upper: test_ber is only a bound", choices=BOUNDS),
        _condition("ber_extrapolated", "1", "b", "1: beyond what the sample can show"),
        _condition("set_energy_basis", "1", "U", "where set_energy is from", choices=ENERGY_BASES),
        _condition(
            "reset_energy_basis", "1", "U", "where reset_energy is from", choices=ENERGY_BASES
        ),
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
    ),
}
