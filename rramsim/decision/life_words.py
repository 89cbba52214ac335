"""How long a point stays accurate enough, what that takes and what limits it, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rramsim import formatting as numbers
from rramsim.decision.life import DEFAULT_LIFETIME
from rramsim.schema import Record

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
_EXTRAPOLATED = {
    "cycle": "cycles before the first one read",
    "time": "times more than a decade beyond the last read-out",
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


def has_life(point: Record) -> bool:
    """Return whether it is known how a point ages."""
    names = ("good_until", "good_cycles")
    return "lasts" in point and not all(math.isnan(point[name]) for name in names)


def unknown_words(point: Record) -> str:
    """Return why it is not known how long a point is good."""
    basis = point.text("life_basis") or "no readings"
    return _UNKNOWN.get(basis, "it was not followed over time")


def extrapolated_words(point: Record) -> str:
    """Return what a life rests on that is extrapolated, empty: nothing."""
    kinds = point.text("life_extrapolated")
    return " and ".join(_EXTRAPOLATED.get(one, one) for one in kinds.split(" and ") if one)


def limit_words(point: Record) -> str:
    """Return what limits the life of a point, a sentence; empty where that is not known."""
    return _LIMITS.get(point.text("life_limit"), "")


def refresh_words(point: Record) -> str:
    """Return how often the cells of a point are refreshed over the life, and what that takes."""
    refreshes = point["refreshes"]
    if math.isnan(refreshes):
        return "with more refreshes than the cells have cycles"
    if not refreshes:
        return "without a refresh"
    every = numbers.span(point["refresh_interval"])
    energy = numbers.quantity(point["refresh_energy"], "J")
    times = "once" if refreshes == 1 else f"{numbers.power(refreshes, 3)} times"
    return f"refreshed {times}, at first after {every}, which takes {energy} in all"


def good_words(point: Record) -> str:
    """Return up to which time after programming a point is accurate enough."""
    until = point.interval("good_until")
    shown = numbers.span(until.low) if until.low > 0.0 else "no time"
    if until.bound:
        return f"for more than {numbers.span(until.estimate)} (shown for {shown})"
    if not until.estimate:
        return "for no time"
    return f"for {numbers.span(until.estimate)} (shown for {shown})"


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
    return (
        f"{verdicts[point['lasts']]}, {refresh_words(point)}: after the first programming it is "
        f"good {good_words(point)}. {limit_words(point)}{rests}"
    ).strip()


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
        f"how long it stays accurate enough is not shown: {good_words(point)}; more cells, "
        "trainings and images would settle it, and readings to more cycles if refreshes need them"
    )
