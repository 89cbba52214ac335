"""How long a point stays accurate enough, what that takes and what limits it, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rramsim import formatting as numbers
from rramsim.decision.life import DEFAULT_LIFETIME
from rramsim.schema import Record

_BLANK = "\N{NO-BREAK SPACE}"
_UNKNOWN = {
    "no readings": "there are no readings of both states over cycles or time (columns cycle and "
    "time)",
    "cycles": "there are no readings of both states over time (a column time)",
    "no formula": "there is no formula for the aging of verified cells, or of pairs whose BER was "
    "stated",
    "model": "the faults are a model given in Python",
}
_LIMITS = {
    "endurance": "Endurance limits the lifetime.",
    "retention": "Retention limits the lifetime: the cells must be refreshed.",
    "neither": "Within what was read, neither endurance nor retention limits the lifetime.",
}
_BY = {
    "lower end": ", by the lower end of the times to which it is good",
    "estimate": ", by the estimated times to which it is good",
}
_EXTRAPOLATED = {
    "cycle": "cycles before the first one read",
    "time": "times more than a decade beyond the last read-out",
    "lognormal": "lines of a lognormal that the readings do not bear out, moved to counted errors",
    "temperature": "a temperature of use more than 50 K from that of the read-outs",
}


def lifetime_of(attrs: Mapping[str, Any]) -> float:
    """Return the life that is told of, in s: the one that is required, else ten years."""
    return float(attrs.get("lifetime", DEFAULT_LIFETIME))


def use_words(attrs: Mapping[str, Any]) -> str:
    """Return where the cells are used, empty where times are as they were measured."""
    if "use_temperature" not in attrs:
        return ""
    return f" at {numbers.temperature(float(attrs['use_temperature']))}"


def stated_energy_words(attrs: Mapping[str, Any]) -> str:
    """Return the activation energy that a life rests on, empty where it is fitted or not used."""
    energy = attrs.get("activation_energy")
    if "use_temperature" not in attrs or energy is None:
        return ""
    return f"activation energy {numbers.plain(energy)}{_BLANK}eV, stated, which nothing here checks"


def has_life(point: Record) -> bool:
    """Return whether it is known how a point ages."""
    names = ("good_until", "good_cycles")
    return "lasts" in point and not all(math.isnan(point[name]) for name in names)


def unknown_words(point: Record) -> str:
    """Return why it is not known how long a point is good."""
    basis = point.text("life_basis") or "no readings"
    return _UNKNOWN.get(basis, "it was not followed over time")


def extrapolated_words(point: Record, subject: str = "life") -> str:
    """Return what a life, or "good_until", rests on that is extrapolated, empty: nothing."""
    kinds = point.text(f"{subject}_extrapolated")
    return " and ".join(_EXTRAPOLATED.get(one, one) for one in kinds.split(" and ") if one)


def limit_words(point: Record) -> str:
    """Return what limits the life of a point, a sentence; empty where that is not known."""
    return _LIMITS.get(point.text("life_limit"), "")


def refresh_words(point: Record) -> str:
    """Return how often the cells of a point are refreshed over the life, and what that takes."""
    refreshes = point["refreshes"]
    if math.isnan(refreshes):
        return "with more refreshes than there are cycles that were read and are good"
    by = _BY.get(point.text("refresh_basis"), "")
    if not refreshes:
        return f"without a refresh{by}"
    every = numbers.span(point["refresh_interval"])
    energy = numbers.quantity(point["refresh_energy"], "J")
    times = "once" if refreshes == 1 else f"{numbers.power(refreshes, 3)} times"
    return f"refreshed {times}, at first after {every}, which takes {energy} in all{by}"


def shown_words(point: Record) -> str:
    """Return for how long after programming a point is shown to be accurate enough."""
    shown = point["good_until_shown"]
    return f"shown for {numbers.span(shown)}" if shown > 0.0 else "not shown for any time"


def further_words(point: Record, mark: str = "") -> list[str]:
    """Return to which time it may be: the lower end, where it is extrapolated, and the estimate."""
    until = point.interval("good_until")
    words = []
    if until.low > point["good_until_shown"]:
        words.append(f"lower end {numbers.span(until.low)}{mark}")
    beyond = mark if point["good_until_extrapolated"] else ""
    if until.bound:
        words.append(f"no end found up to {numbers.span(until.estimate)}{beyond}")
    else:
        words.append(f"estimate {numbers.span(until.estimate)}{beyond}")
    return words


def good_words(point: Record) -> str:
    """Return up to which time after programming a point is accurate enough."""
    return f"{shown_words(point)} ({'; '.join(further_words(point, ', extrapolated'))})"


def life_words(point: Record) -> str:
    """Return in a sentence or two whether a point lasts the life that is required."""
    life = f"over {numbers.span(lifetime_of(point.attrs))}{use_words(point.attrs)}"
    if point["lasts"] == "unknown" or math.isnan(point["good_until"]):
        return f"Whether it stays accurate enough {life} is not known: {unknown_words(point)}."
    verdicts = {
        "yes": f"It stays accurate enough {life}",
        "no": f"It does not stay accurate enough {life}",
        "not settled": f"It is not settled whether it stays accurate enough {life}",
    }
    beyond = extrapolated_words(point)
    rests = f" This rests on {beyond}, which is extrapolated." if beyond else ""
    stated = stated_energy_words(point.attrs)
    at_use = f" ({stated})" if stated else ""
    limit = f" {limit_words(point)}".rstrip()
    return (
        f"{verdicts[point['lasts']]}{at_use}, {refresh_words(point)}. Good after the first "
        f"programming: {good_words(point)}.{limit}{rests}"
    )


def open_words(point: Record) -> str:
    """Return what leaves it open whether a point lasts."""
    if point["lasts"] == "unknown":
        return f"how long it stays accurate enough is not known, as {unknown_words(point)}"
    beyond = extrapolated_words(point)
    if beyond:
        return (
            f"how long it stays accurate enough rests on {beyond}; read cells closer to the "
            "conditions of use, or accept extrapolation (--accept-extrapolated)"
        )
    return (
        f"it is not shown to stay accurate enough for so long: {good_words(point)}; more cells, "
        "trainings and images would settle it, and readings to more cycles if refreshes need them"
    )
