"""Why a point was chosen, and what would settle what is left open, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.accuracy_loss import ONE_SIDED
from rramsim.decision.life_words import life_words, open_words
from rramsim.decision.recommendation import Reason
from rramsim.decision.requirements import Requirements
from rramsim.decision.sequences import open_before, yield_chips_needed
from rramsim.schema import POINT, Record, records

if TYPE_CHECKING:
    import xarray as xr

SAME_ENERGY = 0.01
"""Energies within this share of the least count as equal. Networks differ by about as much in
their share of LRS weights, and that is no reason to prefer one training over another."""

_BASES = {
    "measured": "as measured",
    "stated": "as stated in the conditions file, not measured",
    "computed": "computed as voltage × current × pulse width, not measured",
    "unknown": "unknown",
}
_VERDICTS = {
    "yes": "Accurate enough",
    "no": "Not accurate enough",
    "not settled": "Not settled whether it is accurate enough",
}
_CELLS_NOT_IN_IT = {
    "stated": "stated",
    "bound": "only a bound",
    "no interval": "without an interval",
    "model": "a fault model given in Python",
}
"""What a bit-error rate is whose uncertainty is not in an interval."""

_REFUSED = {
    ("endures", "no"): ("does not stand so many programmings", "do not stand so many programmings"),
    ("affordable", "no"): ("takes more energy than the budget", "take more energy than the budget"),
    ("yields", "no"): (
        "has too few chips that are accurate enough",
        "have too few chips that are accurate enough",
    ),
    ("lasts", "no"): (
        "does not stay accurate enough over the life",
        "do not stay accurate enough over the life",
    ),
}
"""What is in the way beside accuracy: of one point or condition, and of several."""

_UNKNOWN = {
    ("endures", "not settled"): ("may not stand so many programmings",) * 2,
    ("endures", "unknown"): (
        "has an endurance that is not known well enough",
        "have an endurance that is not known well enough",
    ),
    ("affordable", "unknown"): (
        "takes an energy that is not known well enough",
        "take an energy that is not known well enough",
    ),
    ("yields", "not settled"): ("may have too few chips that are accurate enough",) * 2,
    ("lasts", "not settled"): ("may not stay accurate enough over the life",) * 2,
    ("lasts", "unknown"): (
        "is not known to stay accurate enough over the life",
        "are not known to stay accurate enough over the life",
    ),
}
BESIDE_ACCURACY = {
    "endures": "stand so many programmings",
    "affordable": "keep within the energy budget",
    "yields": "have enough chips that are accurate enough",
    "lasts": "stay accurate enough over the life",
}
"""What is required beside accuracy, by its name in the trade-off."""
_MOST_NAMED = 2
_Kind = tuple[str, str]


def reasons(chosen: Record, points: list[Record], settling: str) -> tuple[Reason, ...]:
    """Return why a point is the one to choose, the verdict first.

    Parameters
    ----------
    chosen : Record
        The point, in a trade-off that was judged.
    points : list of Record
        All points.
    settling : str
        What would settle it (`would_settle`), empty where nothing is left open.
    """
    return _Reasons(chosen, points, settling).all()


def energy_basis(set_basis: str, reset_basis: str) -> str:
    """Return in words where the energies of a condition are from."""
    if set_basis == reset_basis:
        return _BASES[set_basis]
    return f"SET {_BASES[set_basis]}; RESET {_BASES[reset_basis]}"


def training_words(training_ber: float, thresholds: str = "as trained") -> str:
    """Return in words how a network was trained."""
    again = "" if thresholds == "as trained" else ", its thresholds re-estimated for these chips"
    if training_ber == 0:
        return f"plainly trained network{again}"
    return f"network trained with bit errors at a rate of {numbers.power(training_ber)}{again}"


def protection_words(protection: str) -> str:
    """Return in words how weights are protected."""
    return "unprotected" if protection == "none" else f"protected by {protection}"


def point_words(point: Record) -> str:
    """Return the name of a point."""
    protected = "" if point["protection"] == "none" else f" and {point['protection']}"
    return (
        f"“{point['condition']}”{protected} with the "
        f"{training_words(point['training_ber'], point['thresholds'])}"
    )


def loss_words(point: Record) -> str:
    """Return the loss of a point with the upper end of its interval."""
    # What is printed as 0.00 is neither gained nor lost.
    loss = round(100 * point["loss"], 2) + 0.0
    most, confidence = worse_end(point)
    verb = f"loses {loss:.2f}" if loss >= 0 else f"gains {-loss:.2f}"
    bound = f"loses at most {most}" if loss < 0 and most[0] != "−" else f"at most {most}"
    if most[0] == "−":
        bound = f"at least {most[1:]}"
    return f"{verb} points, {bound} with {confidence}"


def worse_end(point: Record) -> tuple[str, str]:
    """Return the worse end of the interval of what is limited, and the confidence it holds at.

    That is 97.5 %, but where this would be enough and does not suffice, as networks share the
    error rate, it is the confidence that decides.

    Returns
    -------
    end : str
        Loss in percentage points, or accuracy in per cent, with as many decimals as show that what
        is refused is not what is accepted.
    confidence : str
        With the reason for it where it is not 97.5 %.
    """
    required = Requirements.of(point.attrs)
    is_of_loss = required.target_accuracy is None
    end, confidence = point["loss_high" if is_of_loss else "accuracy_low"], "97.5\xa0% confidence"
    if is_refused_at_shared_level(point):
        end = point["end_needed"]
        share = 1.0 - point["confidence_needed"]
        confidence = (
            f"the {numbers.percent(1.0 - share)} confidence that {(1.0 - ONE_SIDED) / share:.0f} "
            "networks tested side by side need"
        )
    limit = required.largest_error if is_of_loss else 1.0 - required.largest_error
    decimals = 2
    is_refused = point["accurate"] == "not settled" and not is_enough_alone(point)
    if is_refused or is_refused_at_shared_level(point):
        decimals = numbers.decimals_apart(100 * end, 100 * limit, least=2)
    if is_of_loss:
        return numbers.points(end, decimals), confidence
    return numbers.percent(end, decimals), confidence


def is_refused_at_shared_level(point: Record) -> bool:
    """Return whether a point is enough at 97.5 % but not at the confidence that its network has."""
    return (
        point["accurate"] == "not settled"
        and is_enough_alone(point)
        and not point.text("waits_for")
        and "confidence_needed" in point
    )


def reached_words(point: Record) -> str:
    """Return what is limited, the loss or the accuracy, with the worse end of its interval."""
    if Requirements.of(point.attrs).target_accuracy is None:
        return loss_words(point)
    least, confidence = worse_end(point)
    return f"reaches {numbers.percent(point['accuracy'])}, at least {least} with {confidence}"


def verdict_words(point: Record) -> str:
    """Return whether a point is accurate enough, by how much, and how sure that is."""
    verdict = _VERDICTS[point["accurate"]]
    return f"{verdict}: it {reached_words(point)}{alone_words(point)}"


def alone_words(point: Record) -> str:
    """Return that a point is left open only by one tested before it, or nothing."""
    if not point.text("waits_for"):
        return ""
    return ", which would be enough if no open point were tested before it"


def is_enough_alone(point: Record) -> bool:
    """Return whether a point by itself is shown to be accurate enough, were it the only one."""
    required = Requirements.of(point.attrs)
    if required.target_accuracy is None:
        return bool(point["loss_high"] <= required.largest_error)
    return bool(point["accuracy_low"] >= required.target_accuracy)


def is_beyond(point: Record) -> bool:
    """Return whether the estimate of a point is itself beyond what is accepted."""
    required = Requirements.of(point.attrs)
    if required.target_accuracy is None:
        return bool(point["loss"] > required.largest_error)
    return bool(point["accuracy"] < required.target_accuracy)


def accepted_words(required: Requirements) -> str:
    """Return how much accuracy is required."""
    if required.target_accuracy is not None:
        return f"{numbers.percent(required.target_accuracy)} is required"
    return f"a loss of {points_words(required)} is accepted"


def points_words(required: Requirements) -> str:
    """Return the loss that is accepted in percentage points."""
    points = numbers.plain(100 * required.largest_error)
    return f"{points} percentage point{'' if points == '1' else 's'}"


def count_words(count: float) -> str:
    """Return a number of inferences with no more digits than are known of it.

    >>> count_words(268.93), count_words(1234567.0)
    ('269', '1.2×10⁶')
    """
    return numbers.power(float(f"{count:.3g}"))


def inference_count_words(count: float) -> str:
    """Return after how many inferences something is reached: they are whole.

    >>> inference_count_words(97.1), inference_count_words(0.2), inference_count_words(1234567.0)
    ('97', '1', '1.2×10⁶')
    """
    return count_words(max(round(count), 1) if math.isfinite(count) else count)


def cell_count_words(count: float) -> str:
    """Return a number of cells with no more digits than are known of it.

    >>> cell_count_words(1234.0), cell_count_words(0.2)
    ('1,230', '1')
    """
    return f"{float(f'{max(math.ceil(count), 1):.3g}'):,.0f}"


def parts_words(point: Record, name: str = "loss") -> str:
    """Return how wide each source of chance makes the interval of a point."""
    not_in_it = _CELLS_NOT_IN_IT.get(point["cells_basis"])
    parts = ", ".join(
        f"cells not in it ({not_in_it})"
        if source == "cells" and not_in_it
        else f"{source} {100 * point[f'{name}_{source}']:.2f}"
        for source in ("trainings", "images", "cells", "chips")
        if not math.isnan(point[f"{name}_{source}"])
    )
    alone = (
        "; there is one training, so what another training would change is not in it"
        if point["trainings"] == 1
        else ""
    )
    return f"±\xa0by {parts}{alone}"


def would_settle(point: Record, tradeoff: xr.Dataset) -> str:
    """Return what would settle whether a point of a trade-off meets what is required."""
    name = f"It is not settled whether {point_words(point)} meets what is required"
    if point["accurate"] != "not settled":
        return f"{name}: {'; '.join(_open_requirements(point, tradeoff))}."
    subject = Requirements.of(point.attrs).subject
    return (
        f"It is not settled whether {point_words(point)} is accurate enough: it "
        f"{reached_words(point)} ({parts_words(point, subject)}). "
        f"{_what_more_shows(point, tradeoff)}"
    )


def _what_more_shows(point: Record, tradeoff: xr.Dataset) -> str:
    """Return why a point is left open, and what more of each source would do about it."""
    if _is_at_bound(point):
        return (
            "That is at the upper bound of its bit-error rate; measure more cells, which show how "
            "much lower the rate is."
        )
    if is_beyond(point):
        is_of_loss = Requirements.of(point.attrs).target_accuracy is None
        beyond = "above what is accepted" if is_of_loss else "below what is required"
        return (
            f"Its mean is {beyond}, so more data would probably show that it is not accurate "
            "enough."
        )
    before, ways = open_before(tradeoff, point, "accurate"), _ways_words(point)
    if before is None:
        return ways or _NO_WAY
    waits = _waits_for(before, tradeoff)
    if point.text("waits_for"):
        return f"That alone would be enough, but {waits}"
    return f"{ways or _NO_WAY} Besides, {waits}"


def _is_at_bound(point: Record) -> bool:
    return point["ber_bound"] == "upper" and math.isnan(point["probability"])


_SHARED = "the networks share the error rate of 2.5\xa0%"
_NO_WAY = "More of one source alone would not settle it."


def _ways_words(point: Record) -> str:
    ways = _ways(point)
    subject = Requirements.of(point.attrs).subject
    if not ways:
        return ""
    return f"If the {subject} stays the same, {', or '.join(ways)} would settle it."


def _waits_for(before: Record, tradeoff: xr.Dataset) -> str:
    """Return that a point is tested before another one, why it is open, and what would settle it.

    That point is the first one of its network that is not accurate enough: it waits for none.
    """
    tested = f"{point_words(before)} is tested before it and"
    if before["accurate"] == "no":
        return (
            f"{tested} is not accurate enough: it {reached_words(before)}. Only a new study, of "
            "other measurements and without that point, would settle it."
        )
    tested = f"{tested} is not settled either: it {reached_words(before)}"
    ways, waiting = _ways(before), _waiting_words(before, tradeoff)
    if not ways or _is_at_bound(before) or is_beyond(before):
        return f"{tested}. {_what_more_shows(before, tradeoff)}{waiting}"
    return (
        f"{tested}; {', or '.join(ways)} would settle that point, if this stays the same.{waiting}"
    )


def waiting_points(before: Record, tradeoff: xr.Dataset) -> list[Record]:
    """Return the points that would be enough by themselves, and wait for one tested before them."""
    return [
        point
        for point in records(tradeoff, *POINT)
        if (point.text("waits_for"), point.text("waits_for_protection"))
        == (before["condition"], before["protection"])
        and all(point[dim] == before[dim] for dim in ("training_ber", "thresholds"))
    ]


def _waiting_words(before: Record, tradeoff: xr.Dataset) -> str:
    count = len(waiting_points(before, tradeoff))
    return f" {count} points of this network wait for that one alone." if count > 1 else ""


def _open_requirements(point: Record, tradeoff: xr.Dataset) -> list[str]:
    found = []
    if point["yields"] == "not settled":
        found.append(_open_yield(point, tradeoff))
    if point["endures"] in ("not settled", "unknown"):
        found.append("its endurance is not known well enough; measure it")
    if point["affordable"] == "unknown":
        found.append("its energy is not known well enough")
    if point.text("lasts") in ("not settled", "unknown"):
        found.append(open_words(point))
    return found


def _open_yield(point: Record, tradeoff: xr.Dataset) -> str:
    """Return why a yield is left open, and how many chips would settle it."""
    required = Requirements.of(point.attrs).chip_yield
    share = f"{numbers.percent(point['chip_yield'], 0)} of the chips drawn are accurate enough"
    if required is None or point["chip_yield"] < required:
        return (
            f"{share}, less than required, and more chips would probably show that it is not enough"
        )
    chips = yield_chips_needed(tradeoff, point, required)
    before = open_before(tradeoff, point, "yields")
    words = [share]
    if before is None and point["chip_yield_low"] >= required:
        words = [f"{share}, which alone would be enough, but {_SHARED}"]
    if chips is None:
        words.append("that is just what is required, and more chips show which side it is on")
    elif chips > point["maps"]:
        words.append(
            f"if that stays the same, about {cell_count_words(chips)} chips in place of "
            f"{point['maps']:,.0f} would settle it"
        )
    if before is not None:
        found = "has too few" if before["yields"] == "no" else "is left open"
        words.append(f"{point_words(before)} is tested before it and {found}")
    return "; ".join(words)


def _ways(point: Record) -> list[str]:
    ways = []
    if point["trainings_needed"]:
        # Of folds there are as many as there are trainings.
        ways.append(f"about {point['trainings_needed']} trainings in place of {point['trainings']}")
    elif point["trainings"] == 1:
        ways.append("several trainings")
    for source, words in (("images", "test images"), ("cells", "cells"), ("chips", "chips")):
        times = point[f"{source}_needed"]
        if math.isnan(times):
            continue
        about = "" if ways else "about "
        if source == "cells" and not math.isnan(point["cells"]):
            more = cell_count_words((times - 1.0) * point["cells"])
            ways.append(f"{about}{more} further cells a state of “{point['condition']}”")
        else:
            ways.append(f"{about}{numbers.times(times)} times as many {words}")
    return ways


@dataclass(frozen=True)
class _Reasons:
    """A chosen point among all, and the sentences that say why it was chosen."""

    chosen: Record
    points: list[Record]
    settling: str

    def all(self) -> tuple[Reason, ...]:
        is_met, is_of_loss = self.chosen["meets"], self._required.subject == "loss"
        accuracy = self._accuracy() if is_of_loss else f"{self._loss()} {self._accuracy()}"
        reasons = (
            ("Choice", self._verdict()),
            ("Loss", self._loss() if is_of_loss else ""),
            ("Accuracy", accuracy),
            ("Yield", self._yield()),
            ("Not settled", "" if self._is_out_of_reach else self.settling),
            *(("Left out", f"{text}.") for text in (self._left_out() if is_met else ())),
            ("Energy", self._energy()),
            ("Reading", self._reading()),
            ("Endurance", self._endurance()),
            ("Life", self._life()),
            ("Bit errors", self._ber()),
        )
        return tuple(Reason(subject, text) for subject, text in reasons if text)

    @cached_property
    def _required(self) -> Requirements:
        return Requirements.of(self.chosen.attrs)

    @property
    def _error_free(self) -> float:
        return float(self.chosen.attrs["error_free_accuracy"])

    @property
    def _known(self) -> list[Record]:
        return [point for point in self.points if not math.isnan(point["life_energy"])]

    def _verdict(self) -> str:
        point = self.chosen
        name = point_words(point)
        if not point["meets"]:
            nearest = "The most accurate"
            if point["accurate"] == "yes":
                nearest = "Nearest to it, as it is accurate enough,"
            return f"{self._unmet()} {nearest} is {name}."
        if math.isnan(point["life_energy"]):
            others = " of those that meet what is required" if self._known else ""
            unknown = (
                "programming energy"
                if math.isnan(point["programming_energy"])
                else "energy over the life"
            )
            return (
                f"No {unknown}{others} is known, so the choice is the most accurate "
                f"of the points that meet what is required: {name}."
            )
        kind = "energy over the life" if self._is_over_a_life else "programming energy"
        return (
            f"The least {kind} (to within {numbers.percent(SAME_ENERGY, 0)}) that "
            f"{self._enough}: {name}."
        )

    @property
    def _is_out_of_reach(self) -> bool:
        """Whether the network without bit errors falls short of the target already."""
        target = self._required.target_accuracy
        return target is not None and target > self._error_free

    @property
    def _is_over_a_life(self) -> bool:
        asked = self._required
        return bool(asked.inferences or asked.reprogrammings or asked.lifetime)

    @property
    def _enough(self) -> str:
        asked = self._required
        others = (asked.chip_yield, asked.energy_budget, asked.lifetime)
        is_alone = others == (None,) * 3 and not asked.reprogrammings
        return "is accurate enough" if is_alone else "meets all that is required"

    def _unmet(self) -> str:
        target, best = self._required.target_accuracy, self._error_free
        if target is not None and self._is_out_of_reach:
            return (
                f"No point can reach an accuracy of {numbers.percent(target)}: the plainly trained "
                f"network without bit errors reaches {numbers.percent(best)}, "
                f"{100 * (target - best):.2f} points less."
            )
        # What none of them meets comes first: more accuracy would be of no use.
        missed = [
            name
            for name in BESIDE_ACCURACY
            if all(point.text(name) not in ("", "yes") for point in self.points)
        ]
        lacking = [BESIDE_ACCURACY[name] for name in missed]
        if any(point["accurate"] == "yes" for point in self.points):
            kinds = _REFUSED | _UNKNOWN
            if missed:
                kinds = {kind: words for kind, words in kinds.items() if kind[0] in missed}
            if len(missed) == 1:
                # What may not meet it is not shown to: that is said already.
                kinds = {kind: words for kind, words in kinds.items() if kind[1] != "not settled"}
            refused = "; ".join(self._left_out(kinds))
            none = f"is shown to {', or to '.join(lacking)}" if lacking else ""
            none = none or "meets all that is required"
            return f"No point {none}{': ' if refused else ''}{refused}."
        if target is not None:
            lacking.append(f"reach an accuracy of {numbers.percent(target)}")
        else:
            lacking.append(
                f"keep the accuracy within {points_words(self._required)} of the network without "
                "bit errors"
            )
        subject = "No point" if target is not None or len(lacking) > 1 else "No condition"
        return f"{subject} is shown to {', or to '.join(lacking)}."

    def _loss(self) -> str:
        point, required = self.chosen, self._required
        return (
            f"{verdict_words(point)} ({parts_words(point, required.subject)}); "
            f"{accepted_words(required)}."
        )

    def _accuracy(self) -> str:
        point = self.chosen
        reference = training_words(min(point["training_ber"] for point in self.points))
        chips = f"{point['maps']} chip{'s' if point['maps'] != 1 else ''}"
        return (
            f"With its bit errors it classifies {self._percent(point)} of the test images "
            f"correctly, mean of {chips}, against {numbers.percent(self._error_free)} of the "
            f"{reference} without bit errors."
        )

    @staticmethod
    def _percent(point: Record) -> str:
        accuracy = point.interval("accuracy")
        mean = numbers.percent(accuracy.estimate)
        if not accuracy.has_ends:
            return mean
        return f"{mean} (95\xa0% interval {100 * accuracy.low:.2f} to {100 * accuracy.high:.2f})"

    def _yield(self) -> str:
        point, required = self.chosen, self._required.chip_yield
        if required is None:
            return ""
        least = numbers.percent(point["chip_yield_low"], 1)
        share = numbers.percent(point["chip_yield"], 1)
        return (
            f"Of its chips, with the networks at hand, {share} are accurate enough, at least "
            f"{least} with 97.5\xa0% confidence; {numbers.percent(required, 1)} are required."
        )

    def _left_out(self, kinds: Mapping[_Kind, tuple[str, str]] = _REFUSED) -> Iterator[str]:
        """Yield why cheaper points that are accurate enough are not the one."""
        limit = self.chosen["life_energy"] if self.chosen["meets"] else math.inf
        cheaper = [
            point
            for point in self.points
            if point["accurate"] == "yes"
            and not point["meets"]
            # Where nothing meets what is required, an unknown energy may be why.
            and (point["life_energy"] < limit or math.isinf(limit))
        ]
        for kind, (of_one, of_several) in kinds.items():
            names = self._names(
                [point for point in cheaper if point.text(kind[0]) == kind[1]], kind
            )
            if names:
                yield f"{', '.join(names)} {of_one if len(names) == 1 else of_several}"

    def _names(self, refused: list[Record], kind: _Kind) -> list[str]:
        """Name what has something in the way, by as few words as leave no other point named."""

        def is_whole(**labels: str) -> bool:
            alike = (one for one in self.points if all(one[key] == labels[key] for key in labels))
            return all(one.text(kind[0]) == kind[1] or one["accurate"] == "no" for one in alike)

        names = []
        for condition in dict.fromkeys(point["condition"] for point in refused):
            if is_whole(condition=condition):
                names.append(f"“{condition}”")
                continue
            of_it = [point for point in refused if point["condition"] == condition]
            for protection in dict.fromkeys(point["protection"] for point in of_it):
                place = protection_words(protection)
                of_place = [point for point in of_it if point["protection"] == protection]
                if not is_whole(condition=condition, protection=protection):
                    place = f"{place}, {_networks_words(of_place)}"
                names.append(f"“{condition}” ({place})")
        return names

    def _energy(self) -> str:
        point = self.chosen
        if math.isnan(point["programming_energy"]):
            return "Its programming energy is not known."
        energy = numbers.quantity(point["programming_energy"], "J")
        cells = numbers.plain(point["cells_per_weight"], 4)
        per_weight = "a cell" if cells == "1" else f"{cells} cells"
        basis = energy_basis(point["set_energy_basis"], point["reset_energy_basis"])
        names = {one["condition"] for one in self.points}
        unknown = sorted(names - {one["condition"] for one in self._known})
        left_out = f" Not compared for want of an energy: {_listed(unknown)}."
        if not unknown or not self._known:
            left_out = ""
        return (
            f"Programming every weight once, {per_weight} each, takes {energy}{self._saving()} "
            f"(energies {basis}).{left_out}"
        )

    def _saving(self) -> str:
        """Compare with the costliest condition of the same network and protection."""
        alike = [
            point
            for point in self.points
            if not math.isnan(point["programming_energy"])
            and all(point[dim] == self.chosen[dim] for dim in ("training_ber", "protection"))
        ]
        costliest = max(alike, key=lambda point: point["programming_energy"])
        if len({point["condition"] for point in alike}) == 1:
            return ""
        if costliest["condition"] == self.chosen["condition"]:
            return ", the most of all conditions with this protection and network"
        ratio = numbers.times(costliest["programming_energy"] / self.chosen["programming_energy"])
        bases = ("set_energy_basis", "reset_energy_basis")
        same_basis = all(costliest[name] == self.chosen[name] for name in bases)
        mixed = "" if same_basis else ", whose energy has another origin"
        return f", {ratio} times less than “{costliest['condition']}”{mixed}"

    def _reading(self) -> str:
        """Say what an inference costs beside programming, and the life."""
        point = self.chosen
        inference, once = point["inference_energy"], point["programming_energy"]
        if math.isnan(inference) and self._required.inferences:
            return (
                "The energy of reading is not known, and so neither is that of a life with "
                f"{numbers.power(self._required.inferences)} inferences: it takes measured cells "
                'and the pulse that reads them, --read-pulse "0.2 V, 10 ns" or read_pulse.'
            )
        if math.isnan(inference):
            return ""
        sentence = f"Reading its cells for one inference takes {numbers.quantity(inference, 'J')}"
        if not math.isnan(once) and inference > 0.0:
            sentence += (
                f"; after {inference_count_words(once / inference)} inferences reading has cost as "
                "much as programming once"
            )
        if self._is_over_a_life and not math.isnan(point["life_energy"]):
            counts = {
                "further programmings": self._required.reprogrammings,
                "refreshes": self._refreshes,
                "inferences": self._required.inferences,
            }
            life = " and ".join(
                f"{numbers.power(count)} {name}" for name, count in counts.items() if count
            )
            energy = numbers.quantity(point["life_energy"], "J")
            of_life = f" with {life}" if life else ""
            sentence += f". Over a life{of_life} that is {energy}"
        return f"{sentence}."

    @property
    def _refreshes(self) -> float:
        """Refreshes of the life that is required, as far as they are known."""
        if self._required.lifetime is None or "refreshes" not in self.chosen:
            return 0.0
        return self.chosen.number("refreshes") or 0.0

    def _life(self) -> str:
        return life_words(self.chosen) if self._required.lifetime is not None else ""

    def _endurance(self) -> str:
        point = self.chosen
        if math.isnan(point["endurance"]):
            return "Its endurance is not known."
        cycles = point.interval("endurance")
        bounds = {"upper": " upper bound", "lower": " lower bound", "": ""}[cycles.bound]
        if cycles.bound == "lower" and not math.isnan(cycles.high):
            bounds = " bounds"
        return f"Endurance ({cycles.basis}{bounds}): {numbers.interval(cycles)} cycles."

    def _ber(self) -> str:
        point = self.chosen
        rate = numbers.power(point["test_ber"])
        if point["ber_bound"] == "upper":
            return (
                f"Its bit-error rate is known only to be below {rate}; the accuracy is that at "
                "this bound."
            )
        if point["ber_extrapolated"]:
            return (
                f"Its bit-error rate of {rate} is extrapolated from fitted populations, beyond "
                "what so few cells can show by counting, and the choice rests on it."
            )
        return ""


def _networks_words(points: list[Record]) -> str:
    """Return which networks of a place are meant, or how many."""
    if len(points) > _MOST_NAMED:
        return f"with {len(points)} of its networks"
    words = (training_words(point["training_ber"], point["thresholds"]) for point in points)
    return " and ".join(f"with the {one}" for one in words)


def _listed(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
