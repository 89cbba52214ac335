"""The datasets of cells: readings, populations, their errors, conditions."""

from dataclasses import replace

from rramsim.schema.variable import (
    BER_BASES,
    BOUNDS,
    ENDURANCE_BASES,
    ENERGY_BASES,
    OUTLIER_KINDS,
    STATES,
    VERDICTS,
    Variable,
    per,
)
from rramsim.schema.words import CELL_WORDS, OTHER_LANGUAGES
from rramsim.statistics.readings import ABOVE, BELOW, EXACT

_reading = per("reading")
_population = per("condition", "state")
_percentile = per("condition", "state", "percent")
_condition = per("condition")
_outlier = per("outlier")
_at_reference = per("condition", "step")
_place = per("place")


def _of_state(name: str, dim: str, unit: str, kind: str, meaning: str) -> Variable:
    return Variable(name, ("condition", "state", dim), unit, kind, meaning)


def setting_variables(
    name: str,
    quantity: str,
    unit: str,
    meaning: str,
    *,
    label: str = "",
    symbol: str = "",
    aliases: tuple[str, ...] = (),
    sign: str = "",
    key: str = "",
) -> dict[str, Variable]:
    """Return a setting as a variable of "readings" and of "conditions", by product."""
    setting = _condition(
        name,
        unit,
        "f",
        f"{meaning}, NaN where unknown",
        quantity=quantity,
        aliases=(name.replace("_", " "), *aliases),
        label=label or meaning,
        symbol=symbol or (aliases[0] if aliases else ""),
        key=key or f"{name}_{unit.lower()}",
        sign=sign,
        group="setting",
    )
    return {"readings": replace(setting, dims=("reading",), optional=True), "conditions": setting}


SETTINGS = (
    setting_variables(
        "set_current",
        "current",
        "A",
        "SET compliance current",
        symbol="Icc",
        sign="dropped",
        aliases=(
            *("I SET", "SET compliance current", "compliance current", "compliance"),
            *("SET compliance", "Icc", "I compliance", "I comp", "Ic", "CC", "Icc SET"),
            *("I lim", "I limit", "current limit", "SET current limit", "current compliance"),
            *("I cmpl", "I compl", "compliance level", "SET Icc", "I SET compliance"),
            *("programming current", "I prog", "I programming", "write current", "comp current"),
            *("I SET CC", "CC SET", "I CC SET", "I comp SET", "SET I comp"),
            *OTHER_LANGUAGES["set_current"],
        ),
    ),
    setting_variables(
        "set_voltage",
        "voltage",
        "V",
        "SET voltage",
        symbol="Vset",
        sign="dropped",
        aliases=(
            *("V SET", "SET pulse voltage", "SET amplitude", "SET pulse amplitude", "V SET pulse"),
            *("U SET", "SET stop voltage", "V SET stop", "V stop SET"),
            *OTHER_LANGUAGES["set_voltage"],
        ),
    ),
    setting_variables(
        "reset_voltage",
        "voltage",
        "V",
        "RESET voltage",
        symbol="Vreset",
        sign="dropped",
        aliases=(
            *("V RESET", "V RST", "RESET pulse voltage", "RESET amplitude", "V RESET pulse"),
            *("RESET pulse amplitude", "U RESET", "RESET stop voltage", "V RESET stop"),
            *("V stop", "V stop RESET", "stop voltage", "V RESET max"),
            *OTHER_LANGUAGES["reset_voltage"],
        ),
    ),
    setting_variables(
        "pulse_width",
        "time",
        "s",
        "width of one programming pulse",
        label="pulse width",
        symbol="tp",
        sign="positive",
        aliases=(
            *("pulse", "pulse length", "pulse duration", "pulse time", "t pulse", "tp"),
            *("PW", "t width", "pulse width FWHM", "programming time", "write time"),
            *OTHER_LANGUAGES["pulse_width"],
        ),
    ),
    setting_variables(
        "gate_voltage",
        "voltage",
        "V",
        "gate voltage during SET",
        label="gate voltage",
        symbol="Vg",
        sign="dropped",
        aliases=(
            *("V gate", "Vg", "U gate", "gate bias", "V WL", "WL voltage", "word line voltage"),
            *("Vgs", "WL bias", "V word line", "transistor gate voltage", "select gate voltage"),
            *("SET gate voltage", "V gate SET", "Vg SET", "V WL SET", "SET WL voltage", "SET Vg"),
            *OTHER_LANGUAGES["gate_voltage"],
        ),
    ),
)
"""The settings of a programming condition: one more is one more entry."""


def _energy(operation: str, meaning: str) -> Variable:
    return _condition(
        f"{operation}_energy",
        "J",
        "f",
        f"{meaning}, NaN where unknown",
        quantity="energy",
        aliases=(f"{operation} energy", f"E {operation.upper()}"),
        label=f"{operation.upper()} energy",
        key=f"{operation}_energy_j",
        group="energy",
    )


CELLS: dict[str, tuple[Variable, ...]] = {
    "readings": (
        _reading(
            "resistance",
            "ohm",
            "f",
            "resistance read, or the limit it is beyond",
            quantity="resistance",
            aliases=(
                "resistance",
                "R",
                "R read",
                "read resistance",
                "res",
                *OTHER_LANGUAGES["resistance"],
            ),
        ),
        _reading(
            "censoring",
            "1",
            "i",
            "-1: at most the number, 0: exact, +1: at least the number",
            choices=(BELOW, EXACT, ABOVE),
        ),
        _reading("condition_index", "1", "i", "position in the `condition` coordinate"),
        _reading("state_index", "1", "i", "position in the `state` coordinate", choices=(0, 1)),
        _reading(
            "cell",
            "1",
            "i",
            "number of the cell, -1 where the file names none",
            aliases=tuple(
                dict.fromkeys(
                    (
                        *("cell", "cell id", "cell number", "address", "cell no", "device id"),
                        *("device number", "device no", "DUT id", "DUT number", "DUT no"),
                        *CELL_WORDS,
                        *OTHER_LANGUAGES["cell"],
                    )
                )
            ),
        ),
        _reading(
            "cycle",
            "1",
            "i",
            "SET/RESET cycle of the reading, -1 where unknown",
            aliases=(
                "cycle",
                "cycles",
                "cycle number",
                "cycle no",
                "cycle index",
                *OTHER_LANGUAGES["cycle"],
            ),
        ),
        Variable(
            "condition",
            ("condition",),
            "1",
            "U",
            "name of the programming condition",
            aliases=(
                "condition",
                "programming condition",
                "cond",
                "programming",
                *OTHER_LANGUAGES["condition"],
            ),
        ),
        Variable(
            "state",
            ("state",),
            "1",
            "U",
            "resistance state",
            choices=STATES,
            aliases=(
                "state",
                "resistance state",
                "cell state",
                "operation",
                "bit",
                *OTHER_LANGUAGES["state"],
            ),
        ),
        *(setting["readings"] for setting in SETTINGS),
        *(
            replace(
                _energy(operation, f"energy of the {operation.upper()} of this cell, as measured"),
                dims=("reading",),
                optional=True,
            )
            for operation in ("set", "reset")
        ),
        _reading(
            "failed",
            "1",
            "b",
            "1: the file marks the cell as failed",
            optional=True,
            aliases=("failed", "fail", "failure"),
        ),
        _reading(
            "row",
            "1",
            "i",
            "word line of the cell in its array",
            optional=True,
            aliases=("row", "word line", "WL"),
        ),
        _reading(
            "column",
            "1",
            "i",
            "bit line of the cell in its array",
            optional=True,
            aliases=("column", "col", "bit line", "BL"),
        ),
        _reading(
            "die",
            "1",
            "i",
            "number of the die, -1 where unknown",
            optional=True,
            aliases=("die", "chip", "die id", "die number", "chip id"),
        ),
        _reading(
            "time",
            "s",
            "f",
            "time since programming, NaN where unknown",
            optional=True,
            quantity="time",
            aliases=(
                "time",
                "time since programming",
                "retention time",
                "bake time",
                "elapsed time",
                *OTHER_LANGUAGES["time"],
            ),
        ),
        _reading(
            "temperature",
            "K",
            "f",
            "of the bake or hold, NaN where unknown",
            optional=True,
            quantity="temperature",
            aliases=("temperature", "temp", "bake temperature", *OTHER_LANGUAGES["temperature"]),
            sign="positive",
        ),
        _reading(
            "pulses",
            "1",
            "f",
            "programming pulses until verified, NaN unknown",
            optional=True,
            aliases=(
                *("pulses", "number of pulses", "pulse count", "programming pulses", "attempts"),
                *("n pulses", "num pulses", "no of pulses", "pulse number", "nombre d'impulsions"),
                *("Pulszahl", "Anzahl Pulse", "número de pulsos", "numero di impulsi"),
                *("脉冲数", "パルス数"),
            ),
        ),
    ),
    "populations": (
        _population("mu", "1", "f", "mean of ln(resistance / ohm)"),
        _population("sigma", "1", "f", "standard deviation of ln(resistance / ohm)"),
        Variable(
            "covariance",
            ("condition", "state", "parameter", "parameter_too"),
            "1",
            "f",
            "covariance of the estimates of g = mu/sigma and h = 1/sigma, in that order",
        ),
        _population("exact", "1", "i", "readings with an exact resistance"),
        _population("censored_below", "1", "i", "readings known only to be at most a limit"),
        _population("censored_above", "1", "i", "readings known only to be at least a limit"),
        _population("cells", "1", "i", "distinct cells read"),
        _population("mu_error", "1", "f", "standard error of mu", optional=True),
        _population("sigma_error", "1", "f", "standard error of sigma", optional=True),
        _population(
            "median", "ohm", "f", "median of the readings, NaN: beyond a limit", optional=True
        ),
        _population("median_low", "ohm", "f", "lower end of its interval", optional=True),
        _population("median_high", "ohm", "f", "upper end of its interval", optional=True),
        _population(
            "median_bound",
            "1",
            "U",
            "lower: more than median_low, upper: less than median_high",
            choices=BOUNDS,
            optional=True,
        ),
        _population("mu_low", "1", "f", "lower end of the interval of mu", optional=True),
        _population("mu_high", "1", "f", "upper end of the interval of mu", optional=True),
        _population("sigma_low", "1", "f", "lower end of the interval of sigma", optional=True),
        _population("sigma_high", "1", "f", "upper end of the interval of sigma", optional=True),
        _population(
            "degrees_of_freedom",
            "1",
            "f",
            "of the covariance: inf for independent readings, NaN where it gives no interval",
            optional=True,
        ),
        _population(
            "effective_readings",
            "1",
            "f",
            "independent readings that would tell as much of mu, NaN: no fit",
            optional=True,
        ),
        _population(
            "autocorrelation",
            "1",
            "f",
            "of a reading with the next one, where all are of one cell, else NaN",
            optional=True,
        ),
    ),
    "percentile_fits": (
        _population("readings", "1", "i", "readings of which percentiles are known, 0: unknown"),
        _population("basis", "1", "U", "what is known: percentiles, or which centre and spread"),
        _population("lowest", "1", "f", "share of the lowest percentile known, NaN without any"),
        _population("highest", "1", "f", "share of the highest percentile known, NaN without any"),
        _population("mu", "1", "f", "mean of ln(resistance / ohm)"),
        _population("sigma", "1", "f", "standard deviation of ln(resistance / ohm)"),
        _population("mu_error", "1", "f", "standard error of mu, NaN: readings unknown"),
        _population("sigma_error", "1", "f", "standard error of sigma, NaN: readings unknown"),
        _population("p_value", "1", "f", "of Pearson's test of the lognormal, NaN: not tested"),
        _population("deviation", "1", "f", "largest distance of a percentile from the line, sigma"),
    ),
    "percentiles": (
        Variable("percent", ("percent",), "%", "f", "share of the population at or below"),
        _percentile("resistance", "ohm", "f", "of the fitted lognormal, NaN: no fit"),
        _percentile("resistance_low", "ohm", "f", "lower end of its interval"),
        _percentile("resistance_high", "ohm", "f", "upper end of its interval"),
        _percentile(
            "resistance_extrapolated", "1", "b", "1: nearer to the end than one reading in all"
        ),
        _percentile("sample", "ohm", "f", "of the readings, NaN: only a bound or nothing known"),
        _percentile("sample_low", "ohm", "f", "lower end of its interval, NaN: open"),
        _percentile("sample_high", "ohm", "f", "upper end of its interval, NaN: open"),
        _percentile(
            "sample_bound", "1", "U", "lower: more than sample_low, upper: less than sample_high"
        ),
    ),
    "goodness": (
        _population("verdict", "1", "U", "whether the readings are lognormal", choices=VERDICTS),
        _population("sentence", "1", "U", "the verdict in words"),
        _population("deficit", "1", "f", "1 - correlation with the normal quantiles (PPCC)"),
        _population("p_value", "1", "f", "of the deficit, NaN where not tested"),
        _population("anderson_darling", "1", "f", "A^2 (1 + 0.75/n + 2.25/n^2), NaN if censored"),
        _population("largest_deviation", "1", "f", "from the line within 3 sigma, in sigma"),
        _population("tail_found", "1", "f", "readings beyond 3 sigma of the body that may err"),
        _population("tail_expected", "1", "f", "of them expected of a lognormal"),
        _population("tail_p_value", "1", "f", "of so many readings there"),
        _population("tail_share", "1", "f", "share of readings the body does not account for"),
        _population("body_mu", "1", "f", "mean of ln(resistance / ohm) of the body"),
        _population("body_sigma", "1", "f", "standard deviation of ln R of the body"),
        _population("tail_model", "1", "U", "model with room for the tail, empty: none needed"),
        _population("tail_model_weight", "1", "f", "share of cells in its second population"),
        _population("tail_model_rate", "1", "f", "misread rate it gives, NaN where a bound"),
        _population("tail_model_bound", "1", "U", "upper: at most tail_model_high", choices=BOUNDS),
        _population("tail_model_high", "1", "f", "that rate, or one reading in n as its bound"),
        _population("stuck_cells", "1", "i", "cells that always read like the other state"),
        _population("stuck_rate", "1", "f", "of the cells read"),
        _population("stuck_rate_low", "1", "f", "lower end of the rate's interval"),
        _population("stuck_rate_high", "1", "f", "upper end of the rate's interval"),
        _population("outlying_cells", "1", "i", "cells that always read like neither state"),
        _population("outlying_rate", "1", "f", "of the cells read"),
        _population("outlying_rate_low", "1", "f", "lower end of the rate's interval"),
        _population("outlying_rate_high", "1", "f", "upper end of the rate's interval"),
    ),
    "outliers": (
        _outlier("reading", "1", "i", "position in the dataset readings"),
        _outlier("condition_index", "1", "i", "position in the `condition` coordinate"),
        _outlier("state_index", "1", "i", "position in the `state` coordinate", choices=(0, 1)),
        _outlier("cell", "1", "i", "number of the cell, -1 where unknown"),
        _outlier("cycle", "1", "i", "cycle of the reading, -1 where unknown"),
        _outlier("resistance", "ohm", "f", "resistance read, or the limit it is beyond"),
        _outlier("z", "1", "f", "distance from the median of the body, in its sigmas"),
        _outlier("kind", "1", "U", "how the reading is out", choices=OUTLIER_KINDS),
        Variable("condition", ("condition",), "1", "U", "name of the programming condition"),
        Variable("state", ("state",), "1", "U", "resistance state", choices=STATES),
    ),
    "counted": (
        _population("errors", "1", "i", "readings on the wrong side of the reference"),
        _population("readings", "1", "i", "readings whose side of the reference is known"),
        _population("undecided", "1", "i", "censored readings whose side is not known"),
        _population("design_effect", "1", "f", "readings that tell as much as one of another cell"),
        _population("rate", "1", "f", "errors per reading, NaN without readings"),
        _population("rate_low", "1", "f", "lower end of the rate's interval"),
        _population("rate_high", "1", "f", "upper end of the rate's interval"),
        _condition("reference_resistance", "ohm", "f", "reference the errors were counted at"),
        _condition("ber", "1", "f", "counted rates weighted by the shares of the states in use"),
        _condition("ber_low", "1", "f", "lower end of the interval of that BER"),
        _condition("ber_high", "1", "f", "upper end of the interval of that BER"),
        _condition("ber_less_than", "1", "f", "what no error shows at 95 %, NaN: errors counted"),
        _condition(
            "cross_validated",
            "1",
            "b",
            "1: each cell counted at a reference chosen without it",
            optional=True,
        ),
        _condition("least_errors", "1", "i", "errors where they are least", optional=True),
        _condition("least_readings", "1", "i", "readings of known side there", optional=True),
        _condition("least_ber", "1", "f", "BER counted there", optional=True),
        _condition("least_reference", "ohm", "f", "reference there, a middle", optional=True),
        _condition("least_reference_low", "ohm", "f", "from this one on as few", optional=True),
        _condition("least_reference_high", "ohm", "f", "up to this one as few", optional=True),
    ),
    "sample_sizes": (
        _condition("shown_by_fit", "1", "b", "1: the fitted BER is surely below the target"),
        _condition("shown_by_count", "1", "b", "1: the counted BER is surely below the target"),
        _condition("cells_by_fit", "1", "f", "cells a state that would show it, NaN: no number"),
        _condition("cells_by_count", "1", "f", "the same by counting, without an error"),
        _condition("sentence", "1", "U", "all of it in words"),
    ),
    "reference_curve": (
        _at_reference("reference", "ohm", "f", "reference at which a cell is read"),
        _at_reference("ber", "1", "f", "BER of the fitted populations there, NaN: no fit"),
        _of_state("misread", "step", "1", "f", "share of misread cells of the fit, NaN: no fit"),
        Variable("counted_at", ("condition", "count"), "ohm", "f", "reference of a count"),
        _of_state("counted", "count", "1", "f", "share of readings misread there, NaN: none"),
        _of_state("counted_low", "count", "1", "f", "lower end of its interval"),
        _of_state("counted_high", "count", "1", "f", "upper end of its interval"),
        _population("readings", "1", "i", "readings, censored ones too"),
    ),
    "array_map": (
        _place("array_index", "1", "i", "position along `array` of the array the cell is in"),
        _place("row", "1", "i", "word line of the cell"),
        _place("column", "1", "i", "bit line of the cell"),
        _place("readings", "1", "i", "readings of the cell"),
        _place("errors", "1", "i", "of them, readings on the wrong side of the reference"),
        Variable(
            "log_resistance",
            ("place", "state"),
            "1",
            "f",
            "mean of log10(resistance / ohm) of the readings, NaN: not read in the state",
        ),
        Variable("condition", ("array",), "1", "U", "name of the programming condition"),
        Variable("die", ("array",), "1", "i", "number of the die, -1 where unknown"),
        Variable("percent", ("percent",), "%", "f", "share of the readings at or below"),
        Variable(
            "log_percentile",
            ("array", "state", "percent"),
            "1",
            "f",
            "log10(resistance / ohm) of the readings of the array, limits beyond the exact ones at "
            "the outermost of these, NaN: none",
        ),
    ),
    "conditions": (
        *(setting["conditions"] for setting in SETTINGS),
        *(_energy(name, f"energy of one {name.upper()}") for name in ("set", "reset")),
        _condition("set_energy_basis", "1", "U", "where set_energy is from", choices=ENERGY_BASES),
        _condition(
            "reset_energy_basis", "1", "U", "where reset_energy is from", choices=ENERGY_BASES
        ),
        _condition(
            "reference_resistance",
            "ohm",
            "f",
            "reference of the 1T1R read, NaN: none",
            quantity="resistance",
            aliases=("reference", "read reference", "R ref", "R reference"),
        ),
        _condition(
            "reference_basis",
            "1",
            "U",
            "chosen: the best one for these cells; stated: given by the user",
            choices=("", "chosen", "stated"),
            optional=True,
        ),
        _condition(
            "ber",
            "1",
            "f",
            "bit errors per cell read, NaN where only a bound is known",
            aliases=("BER", "bit error rate"),
        ),
        _condition("ber_low", "1", "f", "lower end of the BER's interval, NaN: none"),
        _condition("ber_high", "1", "f", "upper end of the BER's interval, or the upper bound"),
        _condition("ber_basis", "1", "U", "where the BER is from", choices=BER_BASES),
        _condition("ber_bound", "1", "U", "upper: ber_high is all that is known", choices=BOUNDS),
        _condition("ber_extrapolated", "1", "b", "1: beyond what the sample can show"),
        _condition("ber_lrs", "1", "f", "share of LRS cells read as HRS, NaN where unknown"),
        _condition("ber_hrs", "1", "f", "share of HRS cells read as LRS, NaN where unknown"),
        _condition("ber_interval", "1", "U", "how the ends were made", optional=True),
        _condition(
            "pooled_over", "1", "U", "read-outs, temperatures taken together", optional=True
        ),
        _condition("ber_fitted", "1", "f", "BER of the fits, headline or not", optional=True),
        _condition("ber_fitted_low", "1", "f", "lower end of its interval", optional=True),
        _condition("ber_fitted_high", "1", "f", "upper end, or the upper bound", optional=True),
        _condition(
            "ber_reach",
            "1",
            "f",
            "least fitted BER that may lead, 1: too few cells for any, NaN: no fit",
            optional=True,
        ),
        _condition("ber_2t2r", "1", "f", "BER of a 2T2R read, NaN: unknown", optional=True),
        _condition("ber_2t2r_low", "1", "f", "lower end of its interval", optional=True),
        _condition("ber_2t2r_high", "1", "f", "upper end, or the upper bound", optional=True),
        _condition("ber_2t2r_basis", "1", "U", "fitted or counted, empty: none", optional=True),
        _condition("ber_2t2r_bound", "1", "U", "upper: only ber_2t2r_high", optional=True),
        _condition("ber_2t2r_extrapolated", "1", "b", "1: beyond the sample", optional=True),
        _condition("ber_2t2r_interval", "1", "U", "how the ends were made", optional=True),
        _condition(
            "state_correlation",
            "1",
            "f",
            "correlation of ln R of one cell in LRS and in HRS, NaN: cells not read in both",
            optional=True,
        ),
        _condition(
            "endurance",
            "1",
            "f",
            "SET/RESET cycles a cell stands, NaN where unknown",
            aliases=("endurance", "cyclability", "endurance cycles"),
        ),
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
        _condition("origin", "1", "U", "what the populations are: measured, reconstructed, none"),
    ),
}
