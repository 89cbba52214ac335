"""The datasets of what happens over cycles, time and place."""

from rramsim.schema.variable import BER_BASES, BOUNDS, Variable, per

_population = per("condition", "state")
_condition = per("condition")
_at_checkpoint = per("condition", "checkpoint")
_hold = per("hold")
_life = per("lifetime")
_of_life = per("life")
_held = per("hold", "state")
_at_readout = per("hold", "state", "readout")
_counted = per("hold", "readout")
_at_time = per("hold", "time")
_failure = per("failure")


_run = per("run")

TESTS = ("endurance", "retention", "bake")
"""Of what a test in which no cell failed may be."""


def _stated_times(prefix: str, where: str) -> tuple[Variable, ...]:
    """Return the variables of resistances and BER at stated times."""
    of_state, of_hold = per("hold", "state", "at"), per("hold", "at")
    far = ", or more than 50 K from the temperatures held at" if prefix == "use" else ""
    return (
        of_state(f"{prefix}_median", "ohm", "f", f"median {where}, along its line"),
        of_state(f"{prefix}_median_low", "ohm", "f", "lower end of its interval"),
        of_state(f"{prefix}_median_high", "ohm", "f", "upper end of its interval"),
        of_state(f"{prefix}_p05", "ohm", "f", "5 % of the cells are at or below, by the lines"),
        of_state(f"{prefix}_p95", "ohm", "f", "95 % of the cells are at or below, by the lines"),
        of_hold(f"{prefix}_ber", "1", "f", f"bit errors per cell read {where}, from the lines"),
        of_hold(f"{prefix}_ber_low", "1", "f", "lower end of the BER's interval"),
        of_hold(f"{prefix}_ber_high", "1", "f", "upper end of the BER's interval"),
        of_hold(f"{prefix}_decades", "1", "f", "decades of time beyond the last read-out"),
        of_hold(f"{prefix}_extrapolated", "1", "b", f"1: later than the last read-out{far}"),
    )


_aged = per("condition", "cycle", "time")
_aged_state = per("condition", "cycle", "time", "state")

AGING: dict[str, tuple[Variable, ...]] = {
    "endurance": (
        _condition("cells", "1", "i", "cells whose reads can tell whether they failed"),
        _condition("failed", "1", "i", "cells that worked, and were bad to their last read"),
        _condition("undecided", "1", "i", "cells bad at their last reads, too few to be sure"),
        _condition("soft", "1", "i", "cells read wrong at times that were right again later"),
        _condition("break_in", "1", "i", "cells bad from their first read on and good later"),
        _condition("never_good", "1", "i", "cells that were never good: yield, not wear"),
        _condition(
            "reference_resistance",
            "ohm",
            "f",
            "misreads are failures at this reference, NaN where something else is a failure",
        ),
        _condition("first_cycle", "1", "f", "first cycle read"),
        _condition("last_cycle", "1", "f", "last cycle read"),
        _condition("shape", "1", "f", "Weibull shape, NaN where none could be fitted"),
        _condition("scale", "1", "f", "cycles until 63.2 % of the cells have failed"),
        *(
            _condition(f"{name}{end}", "1", "f", meaning + words)
            for name, meaning in (
                ("b1", "cycles until 1 % of the cells have failed"),
                ("b10", "cycles until 10 % of the cells have failed"),
                ("median", "cycles until half of the cells have failed"),
            )
            for end, words in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        ),
        *(
            _condition(
                f"{name}_extrapolated", "1", "b", "1: before the first or after the last read"
            )
            for name in ("b1", "b10", "median")
        ),
        _condition("shape_low", "1", "f", "lower end of the interval of the shape"),
        _condition("shape_high", "1", "f", "upper end of the interval of the shape"),
        _condition("failing_high", "1", "f", "at most this share failed by `failing_until`"),
        _condition("failing_until", "1", "f", "last read to which 90 % of the cells were good"),
        _condition("cycles", "1", "f", "endurance: b10, else a bound on it"),
        _condition("cycles_low", "1", "f", "lower end of its interval, NaN: none, or not read"),
        _condition("cycles_high", "1", "f", "upper end, of a lower bound the upper bound"),
        _condition(
            "cycles_bound", "1", "U", "lower: more than so many, upper: less", choices=BOUNDS
        ),
    ),
    "lives": (
        _of_life("condition_index", "1", "i", "position in the `condition` coordinate"),
        _of_life("cell", "1", "i", "number of the cell, of its own where the file names none"),
        _of_life("cycles", "1", "f", "cycle at which it failed, or to which it was good"),
        _of_life("failed", "1", "b", "1: it failed, 0: it had not failed (suspended)"),
        _of_life("is_exact", "1", "b", "1: it failed at that cycle, 0: by that cycle"),
        Variable("condition", ("condition",), "1", "U", "name of the programming condition"),
    ),
    "cell_lifetimes": (
        _life("condition_index", "1", "i", "position in the `condition` coordinate"),
        _life("cell", "1", "i", "number of the cell"),
        _life("after", "1", "f", "last cycle read good, 0: none"),
        _life("until", "1", "f", "first bad cycle of the failure, infinite: it did not fail"),
        _life("bad_from", "1", "f", "first of the bad cycles it ended with, infinite: ended good"),
        _life("last", "1", "f", "last cycle read"),
        _life("horizon", "1", "f", "last cycle at which a failure could be told, 0: none"),
        _life("is_soft", "1", "b", "1: bad at times and good again later"),
        _life("is_break_in", "1", "b", "1: bad from its first read on and good later"),
        _life("is_undecided", "1", "b", "1: bad at its last reads, too few for a failure"),
        _life("never_good", "1", "b", "1: never good, read from its first cycles on"),
        _life("any_bad", "1", "b", "1: bad at one read or more"),
        _life("came_back", "1", "b", "1: bad as often in a row as failures are, and good again"),
        Variable("condition", ("condition",), "1", "U", "name of the programming condition"),
    ),
    "cycling": (
        _at_checkpoint("cycle", "1", "f", "geometric mean of the cycles read, NaN: none"),
        _at_checkpoint("cycle_first", "1", "f", "first cycle read at the checkpoint"),
        _at_checkpoint("cycle_last", "1", "f", "last cycle read at the checkpoint"),
        _at_checkpoint("ber", "1", "f", "bit errors per cell read, NaN where only a bound"),
        _at_checkpoint("ber_low", "1", "f", "lower end of the BER's interval"),
        _at_checkpoint("ber_high", "1", "f", "upper end of its interval, or the upper bound"),
        _at_checkpoint("ber_basis", "1", "U", "where the BER is from", choices=("", *BER_BASES)),
        _at_checkpoint("ber_bound", "1", "U", "upper: only ber_high is known", choices=BOUNDS),
        _at_checkpoint("ber_extrapolated", "1", "b", "1: beyond what the readings can show"),
        *(
            Variable(name, ("condition", "state", "checkpoint"), unit, kind, meaning)
            for name, unit, kind, meaning in (
                ("readings", "1", "i", "readings at the checkpoint"),
                ("cells", "1", "i", "distinct cells read at the checkpoint"),
                ("p05", "ohm", "f", "5 % of the readings are at or below"),
                ("p50", "ohm", "f", "median of the readings"),
                ("p95", "ohm", "f", "95 % of the readings are at or below"),
            )
        ),
        _condition("reference_resistance", "ohm", "f", "the reference of every checkpoint"),
        _condition("intercept", "1", "f", "probit(BER) = intercept + slope log10(cycle)"),
        _condition("slope", "1", "f", "change of probit(BER) per decade of cycles"),
        Variable(
            "covariance",
            ("condition", "parameter", "parameter_too"),
            "1",
            "f",
            "covariance of intercept and slope, in that order",
        ),
        _condition("cycles_to_limit", "1", "f", "where the line crosses the BER limit, NaN: no"),
        _condition("cycles_to_limit_low", "1", "f", "lower end of its interval, NaN: unknown"),
        _condition("cycles_to_limit_high", "1", "f", "upper end, NaN: beyond the last read"),
        _condition("cycles_to_limit_bound", "1", "U", "lower: more, upper: less", choices=BOUNDS),
    ),
    "resistance_by_cycle": (
        _condition("cells", "1", "i", "cells read, each reading of an unnamed cell as one"),
        _condition("cycles", "1", "i", "distinct cycles read"),
        _condition("failed", "1", "i", "cells that failed, -1 where no cell can be followed"),
        _condition("reference_resistance", "ohm", "f", "the reference of the condition"),
        Variable(
            "cycle", ("condition", "group"), "1", "f", "mean cycle of readings close in cycles"
        ),
        *(
            Variable(name, ("condition", "state", "group"), unit, kind, meaning)
            for name, unit, kind, meaning in (
                ("readings", "1", "i", "readings of the group"),
                ("p05", "ohm", "f", "5 % of the readings are at or below, NaN: among limits"),
                ("p50", "ohm", "f", "median of the readings"),
                ("p95", "ohm", "f", "95 % of the readings are at or below"),
            )
        ),
        _failure("condition_index", "1", "i", "position in the `condition` coordinate"),
        _failure("state_index", "1", "i", "position in the `state` coordinate", choices=(0, 1)),
        _failure("failure_cycle", "1", "i", "first bad cycle of a failed cell"),
        _failure("failure_resistance", "ohm", "f", "its resistance there"),
    ),
    "retention": (
        _hold("hold_condition", "1", "U", "name of the programming condition held"),
        _hold("temperature", "K", "f", "of the hold, NaN where unknown"),
        _hold("reference_resistance", "ohm", "f", "the reference at every time"),
        _hold("first_time", "s", "f", "first read-out the lines are fitted to"),
        _hold("last_time", "s", "f", "last read-out; what is later is extrapolated"),
        *(
            _held(name, "1", "f", meaning)
            for name, meaning in (
                ("mu", "line of the median: mean of ln(resistance / ohm) at 1 s"),
                ("mu_drift", "its change per decade of time"),
                ("mu_drift_low", "lower end of the interval of that change"),
                ("mu_drift_high", "upper end of the interval of that change"),
                ("sigma", "line of the spread: standard deviation of ln(resistance) at 1 s"),
                ("sigma_drift", "its change per decade of time"),
                ("sigma_drift_low", "lower end of the interval of that change"),
                ("sigma_drift_high", "upper end of the interval of that change"),
            )
        ),
        _held("cells", "1", "i", "distinct cells the lines rest on"),
        _at_readout("readout_time", "s", "f", "median time of a read-out, NaN: none"),
        _at_readout("readout_mu", "1", "f", "fitted mean of ln(resistance / ohm)"),
        _at_readout("readout_sigma", "1", "f", "fitted standard deviation of it"),
        _at_readout("readings", "1", "i", "readings of the read-out"),
        _at_readout("undecided", "1", "i", "of them, limits that leave the side open"),
        _at_readout("errors", "1", "i", "readings on the wrong side of the reference"),
        _at_readout("p05", "ohm", "f", "5 % of the readings are at or below"),
        _at_readout("p50", "ohm", "f", "median of the readings"),
        _at_readout("p95", "ohm", "f", "95 % of the readings are at or below"),
        _counted("counted_ber", "1", "f", "BER counted at a read-out, NaN: not in both states"),
        _counted("counted_ber_low", "1", "f", "lower end of its interval"),
        _counted("counted_ber_high", "1", "f", "upper end of its interval"),
        _counted("counted_time", "s", "f", "time of the later of the two states"),
        _at_time("ber", "1", "f", "bit errors per cell read, from the lines"),
        _at_time("ber_low", "1", "f", "lower end of the BER's interval"),
        _at_time("ber_high", "1", "f", "upper end of the BER's interval"),
        _at_time("ber_extrapolated", "1", "b", "1: before or after the read-outs in the lines"),
        _hold("time_to_limit", "s", "f", "when the BER reaches the limit, NaN: unknown"),
        _hold("time_to_limit_low", "s", "f", "lower end of its interval, NaN: unknown"),
        _hold("time_to_limit_high", "s", "f", "upper end of its interval, NaN: unknown"),
        _hold("time_to_limit_bound", "1", "U", "lower: more, upper: less", choices=BOUNDS),
        _hold("time_to_limit_extrapolated", "1", "b", "1: later than the last read-out"),
        _hold("acceleration_factor", "1", "f", "by the stated activation energy, to use"),
        _hold("equivalent_time", "s", "f", "last read-out times the acceleration factor"),
        Variable("at_time", ("at",), "s", "f", "stated times since programming"),
        *_stated_times("at", "at the temperature of the hold"),
        *_stated_times("use", "at the temperature of use"),
    ),
    "aging": (
        _condition("reference_resistance", "ohm", "f", "the reference at every cycle and time"),
        _condition("first_cycle", "1", "f", "first cycle behind the lines, NaN: unknown"),
        _condition("last_cycle", "1", "f", "last cycle behind the lines; later ones are NaN"),
        _condition("first_time", "s", "f", "first read-out behind the drift, NaN: none is known"),
        _condition("last_time", "s", "f", "last read-out behind the drift"),
        _condition("temperature", "K", "f", "of these read-outs, NaN: unknown"),
        _condition("use_temperature", "K", "f", "at which time counts, NaN: as it was measured"),
        _condition("activation_energy", "eV", "f", "that carries times there, NaN: none"),
        _condition(
            "activation_energy_basis",
            "1",
            "U",
            "where it is from",
            choices=("", "fitted", "stated"),
        ),
        _condition("acceleration_factor", "1", "f", "seconds of use of a second of the read-outs"),
        _population("cells", "1", "i", "distinct cells behind the lines"),
        *(
            _population(f"{name}{end}", "1", "f", words + meaning)
            for name, meaning in (
                ("mu", "mean of ln(resistance / ohm) at cycle 1 and the first read-out"),
                ("mu_by_cycles", "its change per decade of cycles"),
                ("mu_drift", "its change per decade of time"),
                ("sigma", "standard deviation of ln(resistance) there"),
                ("sigma_by_cycles", "its change per decade of cycles"),
                ("sigma_drift", "its change per decade of time"),
            )
            for end, words in (("", ""), ("_low", "lower end: "), ("_high", "upper end: "))
        ),
        _aged_state("error_rate", "1", "f", "share of the cells of the state read wrongly"),
        _aged_state("error_rate_low", "1", "f", "lower end of its interval"),
        _aged_state("error_rate_high", "1", "f", "upper end of its interval, or the upper bound"),
        _aged_state("error_rate_bound", "1", "U", "upper: only a bound is known", choices=BOUNDS),
        _aged("ber", "1", "f", "bit errors per cell read"),
        _aged("ber_low", "1", "f", "lower end of the BER's interval"),
        _aged("ber_high", "1", "f", "upper end of its interval, or the upper bound"),
        _aged("ber_bound", "1", "U", "upper: only ber_high is known", choices=BOUNDS),
        _aged("ber_extrapolated", "1", "b", "1: see `extrapolation`"),
        _aged(
            "extrapolation",
            "1",
            "U",
            "what lies too far from what was read: cycle, time, temperature; lognormal: the lines "
            "are moved to counted errors; empty: nothing",
        ),
    ),
    "success_runs": (
        _run("run_condition", "1", "U", "name of the programming condition"),
        _run("test", "1", "U", "of what no failure was seen", choices=TESTS),
        _run("state", "1", "U", "LRS or HRS, empty: both"),
        _run("temperature", "K", "f", "of the hold, NaN: none or unknown"),
        _run("cells", "1", "i", "cells of which none failed"),
        _run("cycles", "1", "f", "cycle by which none had, NaN: a test of time"),
        _run("time", "s", "f", "time by which none had, NaN: a test of cycles, or unknown"),
        _run("failing_high", "1", "f", "at most this share fails, one-sided"),
    ),
    "activation_energies": (
        *(
            _condition(f"{name}{end}", unit, "f", meaning + words)
            for name, unit, meaning in (
                ("activation_energy", "eV", "of the time to the BER limit"),
                ("time_at_use", "s", "time to the BER limit at the temperature of use"),
            )
            for end, words in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        ),
        _condition(
            "activation_energy_basis", "1", "U", "fitted or given", choices=("fitted", "given")
        ),
        _condition("ln_t0", "1", "f", "ln(t0 / s) of t = t0 exp(Ea / kT)"),
        _condition("time_at_use_extrapolated", "1", "b", "1: not between the temperatures"),
        Variable(
            "temperature", ("condition", "place"), "K", "f", "distinct ones in the fit, NaN: none"
        ),
    ),
    "variance": (
        *(
            Variable(name, ("condition", "state", "component"), "1", kind, meaning)
            for name, kind, meaning in (
                ("variance", "f", "part of the variance of ln(resistance), NaN: not told apart"),
                ("share", "f", "of the sum of all parts"),
                ("groups", "i", "dies, rows, columns, cells or cycles it was estimated from"),
                ("negative", "b", "1: the estimate was negative and is given as 0"),
            )
        ),
        _population("readings", "1", "i", "exact readings used"),
        _population("left_out", "1", "i", "readings censored, or without a place"),
        _condition(
            "line_correlation",
            "1",
            "f",
            "of the effect of a row or column on LRS and on HRS, NaN: not told",
        ),
    ),
    "bake": (
        _population("cells", "1", "i", "cells read before and after"),
        *(
            _population(f"{name}{end}", "1", "f", meaning + words)
            for name, meaning in (
                ("mu_shift", "change of the mean of ln(resistance)"),
                ("sigma_ratio", "standard deviation of ln(resistance), after over before"),
            )
            for end, words in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        ),
        _population("correlation", "1", "f", "of ln(resistance) before and after"),
        Variable("reference_resistance", (), "ohm", "f", "the reference before and after"),
        *(
            Variable(f"ber_{when}{end}", (), "1", "f", f"BER {when} the bake{words}")
            for when in ("before", "after")
            for end, words in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        ),
    ),
    "verification": (
        _population("operations", "1", "i", "operations whose pulses are known"),
        _population("cells", "1", "i", "distinct cells of them"),
        _population("mean", "1", "f", "mean pulses until verified"),
        _population("mean_low", "1", "f", "lower end of its interval"),
        _population("mean_high", "1", "f", "upper end of its interval"),
        _population("most", "1", "f", "largest number of pulses"),
        _population("at_most", "1", "i", "operations at that number, if it is a limit, else 0"),
        _population("miss", "1", "f", "chance that an attempt fails, were all alike"),
        _population("beta_a", "1", "f", "of the Beta law of success, infinite: cells are alike"),
        _population("beta_b", "1", "f", "its other parameter, NaN: too few operations"),
        Variable("limit", ("limit",), "1", "f", "most pulses that are tried"),
        *(
            Variable(f"residual{ending}", ("condition", "state", "limit"), "1", "f", meaning)
            for ending, meaning in (
                ("", "share of operations not verified within the limit, as measured"),
                ("_low", "lower end of its interval"),
                ("_high", "upper end of its interval"),
                ("_alike", "that share were all attempts alike and independent, p^K"),
                ("_unlike", "that share where cells differ, by the beta-geometric law"),
            )
        ),
    ),
}
