import re

import pytest
import xarray as xr
from scipy import stats
from synthetic import NAN, conditions, traded

from rramsim.decision.reasons import energy_basis, loss_words, parts_words, would_settle
from rramsim.decision.recommend import best_points, foremost_conditions, recommend
from rramsim.decision.requirements import Requirements, judge
from rramsim.schema import POINT, records

ADAPTED = {0.0: (0.97, 0.97, 0.90), 0.15: (0.968, 0.968, 0.9679)}
PLAIN = {0.0: (0.97, 0.97, 0.90)}


SETTINGS = ("cells", "tolerance", "required", "half_width", "maps", "by_cells", "inference_energy")


def recommended(accuracy, **changed):
    settings = {name: changed.pop(name) for name in SETTINGS if name in changed}
    return recommend(traded(accuracy, known=conditions(**changed), **settings))


def words(recommendation):
    return recommendation.reason.replace("\N{NO-BREAK SPACE}", " ")


def test_standard_network_takes_the_strong_condition_at_a_tenth_of_the_energy():
    choice = recommended(PLAIN)
    assert (choice.condition, choice.training_ber, choice.met) == ("strong", 0.0, True)
    assert "11 times less than “very strong”" in choice.reason
    assert "more than 10⁴ cycles" in choice.reason


def test_adapted_network_takes_the_weak_condition_at_a_thirtieth():
    choice = recommended(ADAPTED)
    assert (choice.condition, choice.training_ber, choice.met) == ("weak", 0.15, True)
    assert "30 times less than “very strong”" in choice.reason
    assert "trained with bit errors at a rate of 0.15" in choice.reason


def test_reason_names_every_number_it_rests_on():
    reason = words(recommended(PLAIN, tolerance=0.004))
    assert "97.00 % (95 % interval 96.90 to 97.10) of the test images" in reason
    assert "mean of 50 chips" in reason
    assert "against 97.00 % of the plainly trained network without bit errors" in reason
    assert "a loss of 0.4 percentage points is accepted" in reason
    assert "takes 12.5 nJ" in reason  # 500 x 11 pJ + 500 x 14 pJ
    assert "as stated in the conditions file, not measured" in reason


def test_wide_interval_is_not_shown_to_be_enough():
    choice = recommended(PLAIN, half_width=0.02)
    assert not choice.met
    assert choice.reason.startswith("No condition is shown to keep the accuracy within 0.5")
    assert not choice.settled
    assert "several trainings, or 16 times as many test images would settle it" in choice.reason


def test_most_accurate_is_named_where_nothing_is_enough():
    choice = recommended({0.0: (0.80, 0.82, 0.70)})
    assert (choice.condition, choice.met) == ("strong", False)
    assert "The most accurate is “strong”" in choice.reason
    assert (choice.settled, choice.would_settle) == (True, "")


def test_the_loss_is_said_with_the_most_that_it_is_and_its_parts():
    reason = words(recommended({0.0: (0.97, 0.968, 0.90)}))
    assert (
        "Accurate enough: it loses 0.20 points, at most 0.30 with 97.5 % confidence (± by images "
        "0.10, cells not in it (stated), chips 0.00; there is one training, so what another "
        "training would change is not in it); a loss of 0.5 percentage points is accepted."
        in reason
    )


def test_a_cheaper_condition_that_is_left_open_is_named_with_what_would_settle_it():
    choice = recommended({0.0: (0.97, 0.97, 0.9655)})
    assert (choice.condition, choice.met, choice.settled) == ("strong", True, False)
    assert choice.would_settle.startswith("It is not settled whether “weak” with the plainly")
    assert "4 times as many test images would settle it" in choice.would_settle
    assert choice.would_settle in choice.reason


def test_a_cheaper_condition_that_is_clearly_not_enough_leaves_nothing_open():
    assert recommended(PLAIN).settled


def test_two_networks_share_the_error_that_is_accepted():
    # Shown by itself at 97.5 %, but not at the half of it that each of two networks has.
    alone = {0.0: (0.97, 0.97, 0.9661)}
    assert recommended(alone).condition == "weak"
    beside = {**alone, 0.15: (0.90, 0.90, 0.90)}
    assert recommended(beside).condition == "strong"


def test_energies_that_differ_by_shares_of_states_only_count_as_equal():
    shares = {0.0: (500, 500), 0.05: (510, 490), 0.15: (490, 510)}
    accuracy = {0.0: (0.9, 0.9, 0.966), 0.05: (0.9, 0.9, 0.967), 0.15: (0.9, 0.9, 0.969)}
    assert recommended(accuracy, cells=shares).training_ber == 0.15


def test_clearly_less_energy_wins_over_accuracy():
    assert recommended({0.0: (0.97, 0.97, 0.967)}).condition == "weak"


def test_equal_energy_and_accuracy_go_to_the_longer_endurance():
    equal = {"set_energy": [4e-12] * 3, "reset_energy": [5e-12] * 3}
    even = {0.0: (0.97, 0.97, 0.97)}
    assert recommended(even, **equal).condition == "weak"
    bound = {"endurance": [1e6] * 3, "endurance_bound": ["", "lower", ""]}
    assert recommended(even, **equal, **bound).condition == "strong"
    unknown = {"endurance": [NAN, NAN, 5.0], "endurance_bound": [""] * 3}
    assert recommended(even, **equal, **unknown).condition == "weak"


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ((1e4, NAN, NAN, "lower"), "Endurance (measured lower bound): more than 10⁴ cycles."),
        ((50.0, NAN, NAN, "upper"), "Endurance (measured upper bound): less than 50 cycles."),
        (
            (100.0, NAN, 1e3, "lower"),
            "Endurance (measured bounds): more than 100, less than 1000 cycles.",
        ),
        ((300.0, 200.0, 400.0, ""), "Endurance (measured): 300 (200 to 400) cycles."),
        ((NAN, NAN, NAN, ""), "Its endurance is not known."),
    ],
)
def test_a_bound_on_the_endurance_is_printed_as_one(figures, sentence):
    names = ("endurance", "endurance_low", "endurance_high", "endurance_bound")
    columns = {name: [value] * 3 for name, value in zip(names, figures, strict=True)}
    choice = recommended(PLAIN, **columns, endurance_basis=["measured"] * 3)
    assert sentence in choice.sentences


def test_an_upper_bound_on_the_endurance_promises_nothing():
    equal = {"set_energy": [4e-12] * 3, "reset_energy": [5e-12] * 3}
    bound = {"endurance": [1e9, 50.0, 1e8], "endurance_bound": ["upper", "lower", "upper"]}
    assert recommended({0.0: (0.97, 0.97, 0.97)}, **equal, **bound).condition == "strong"


def test_no_known_energy_leaves_the_choice_to_accuracy():
    choice = recommended({0.0: (0.97, 0.968, 0.9)}, set_energy=[NAN] * 3, reset_energy=[NAN] * 3)
    assert (choice.condition, choice.met) == ("very strong", True)
    assert choice.reason.startswith("No programming energy is known")
    assert "times less" not in choice.reason


def test_known_energy_of_a_condition_that_is_not_enough_does_not_win():
    choice = recommended(PLAIN, set_energy=[NAN, NAN, 4e-12])
    assert (choice.condition, choice.met) == ("strong", True)
    assert "No programming energy of those that meet what is required is known" in choice.reason


def test_conditions_left_out_for_want_of_an_energy_are_named():
    choice = recommended(ADAPTED, set_energy=[120e-12, 11e-12, NAN])
    assert choice.condition == "strong"
    assert "Not compared for want of an energy: “weak”." in choice.reason


def test_costliest_condition_is_called_so():
    choice = recommended({0.0: (0.97, 0.9, 0.9)})
    assert choice.condition == "very strong"
    assert "the most of all conditions" in choice.reason


def test_single_condition_is_compared_with_none():
    only = traded(PLAIN).isel(condition=[1])
    assert "times less" not in recommend(only).reason
    assert "the most of all" not in recommend(only).reason


def test_bound_and_extrapolation_of_the_bit_error_rate_are_said():
    strong_only = {0.0: (0.97, 0.9, 0.9)}
    assert "known only to be below 10⁻⁶" in recommended(strong_only).reason
    assert "extrapolated" not in recommended(PLAIN).reason
    extrapolated = recommended(PLAIN, ber_extrapolated=[0, 1, 0])
    assert "9.7×10⁻⁵ is extrapolated from fitted populations" in extrapolated.reason


def test_unknown_endurance_is_said():
    assert "endurance is not known" in recommended(PLAIN, endurance=[NAN] * 3).reason


def test_energies_of_different_origin_are_not_silently_compared():
    mixed = {"set_energy_basis": ["stated", "computed", "stated"]}
    choice = recommended(PLAIN, **mixed)
    assert "“very strong”, whose energy has another origin" in choice.reason
    assert "SET computed as voltage × current × pulse width, not measured; RESET" in choice.reason


@pytest.mark.parametrize("basis", ["measured", "stated", "computed", "unknown"])
def test_one_origin_of_both_pulses_is_said_once(basis):
    assert "SET" not in energy_basis(basis, basis)


def test_an_unknown_energy_of_reading_is_said_with_what_would_tell_it():
    choice = recommended(PLAIN, required={"inferences": 1e6})
    assert choice.met
    assert choice.reason.startswith("No energy over the life is known")
    assert 'measured cells and the pulse that reads them, --read-pulse "0.2 V' in choice.reason
    assert "takes 12.5" in words(choice)  # nJ to program are known all the same
    assert "Not compared for want" not in choice.reason


def test_a_budget_that_nothing_meets_is_the_reason():
    # Programming with "weak" once takes 4.5 nJ, the least there is.
    choice = recommended(PLAIN, required={"energy_budget": 1e-9})
    assert not choice.met
    assert choice.sentences[0].startswith(
        "No point is shown to keep within the energy budget: “very strong”, “strong” take more "
        "energy than the budget."
    )


def coded(tradeoff, more_cells=1.125):
    """Return a trade-off with a code beside no protection, that is a little more accurate."""
    again = tradeoff.assign_coords(protection=["secded(72,64)"]).copy(deep=True)
    again["accuracy"] += 1e-4
    again["loss"] -= 1e-4
    for name in ("cells_per_weight", "energy_per_weight", "programming_energy"):
        again[name] *= more_cells
    both = xr.concat([tradeoff, again], "protection", data_vars="minimal", coords="minimal")
    return judge(both, Requirements(tolerance=0.005))


def test_of_unknown_energies_the_fewest_cells_of_a_condition_are_taken():
    unknown = conditions(set_energy=[NAN] * 3, reset_energy=[NAN] * 3)
    choice = recommend(coded(traded({0.0: (0.97, 0.97, 0.97)}, known=unknown)))
    assert (choice.protection, choice.met, choice.settled) == ("none", True, True)
    open_without = coded(traded({0.0: (0.97, 0.97, 0.97)}, known=unknown))
    open_without["loss_images"][0, 0, 0] = 0.006
    choice = recommend(judge(open_without, Requirements(tolerance=0.005)))
    assert (choice.protection, choice.met, choice.settled) == ("secded(72,64)", True, False)


def test_of_equal_energies_the_fewest_cells_come_before_the_highest_accuracy():
    both = coded(traded({0.0: (0.97, 0.97, 0.97)}))
    energy = both["programming_energy"]
    energy.loc[{"protection": "secded(72,64)"}] = energy.sel(protection="none")
    choice = recommend(judge(both, Requirements(tolerance=0.005)))
    assert (choice.condition, choice.protection) == ("weak", "none")


def test_a_known_energy_that_is_left_open_leaves_an_unknown_one_unsettled():
    known = conditions(set_energy=[NAN, NAN, 4e-12], reset_energy=[NAN, NAN, 5e-12])
    choice = recommend(traded({0.0: (0.97, 0.97, 0.9655)}, known=known))
    assert (choice.condition, choice.met, choice.settled) == ("strong", True, False)


def points_by_condition(tradeoff, training_ber=0.0):
    return {
        point["condition"]: point
        for point in records(tradeoff, *POINT)
        if point["training_ber"] == training_ber
    }


def settling(tradeoff, condition="weak", **changed):
    """Return what would settle a point, some of its numbers replaced."""
    tradeoff = tradeoff.copy(deep=True)
    for name, value in changed.items():
        of_it = {"condition": condition, "training_ber": 0.0}
        tradeoff[name].loc[{dim: of_it[dim] for dim in of_it if dim in tradeoff[name].dims}] = value
    return would_settle(points_by_condition(tradeoff)[condition], tradeoff).replace("\xa0", " ")


def test_a_point_refused_at_a_sharper_confidence_shows_the_bound_at_that():
    shared = traded({0.0: (0.97, 0.97, 0.96605), 0.15: (0.90, 0.90, 0.90)})
    # At 97.5 % it loses at most 0.495 points of 0.5, 1.96 standard errors more than it does; two
    # networks need 98.75 %, 2.2414 standard errors.
    most = 0.395 + 0.1 * 2.241403 / 1.959964
    assert f"at most {most:.2f} with the 98.75 % confidence that 2 networks" in settling(shared)
    point = points_by_condition(shared)["weak"]
    assert point["loss_high"] < 0.005 < point["end_needed"]
    assert point["end_needed"] == pytest.approx(most / 100, rel=1e-4)
    assert point["waits_for"] == ""
    # A bound that rounds to the accepted number has the decimals that tell them apart.
    nearly = settling(traded({0.0: (0.97, 0.97, 0.9661), 0.15: (0.90, 0.90, 0.90)}))
    assert "at most 0.504 with the 98.75 % confidence" in nearly
    networks = {0.0: (0.97, 0.97, 0.96605), 0.15: (0.90, 0.90, 0.90)}
    target = settling(traded(networks, required={"target_accuracy": 0.965}))
    assert f"at least {97 - most:.2f} % with the 98.75 % confidence" in target


def test_a_network_that_is_done_leaves_its_share_of_the_error_to_the_others():
    # Both networks at 0.1 % above 0 are done, so that the third one is tested at 97.5 % alone.
    networks = {0.0: (0.97,) * 3, 0.1: (0.97,) * 3, 0.15: (0.97, 0.97, 0.9658)}
    point = points_by_condition(traded(networks), 0.15)["weak"]
    assert point["accurate"] == "not settled"
    assert point["confidence_needed"] == pytest.approx(0.975)
    assert point["end_needed"] == pytest.approx(point["loss_high"])


def test_a_point_that_waits_names_the_one_before_it_and_what_would_settle_that():
    # “strong” costs more than “weak”, and is tested before it.
    waiting = traded({0.0: (0.97, 0.9655, 0.97)})
    text = settling(waiting)
    assert "“weak” with the plainly trained network is accurate enough: it loses 0.00" in text
    assert (
        "That alone would be enough, but “strong” with the plainly trained network is tested "
        "before it and is not settled either: it loses 0.45 points, at most 0.55 with 97.5 % "
        "confidence; several trainings, or 4 times as many test images would settle that "
        "point, if this stays the same."
    ) in text
    assert recommend(waiting).would_settle.replace("\xa0", " ") == text
    point = points_by_condition(waiting)["weak"]
    assert (point["waits_for"], point["waits_for_protection"]) == ("strong", "none")
    refuted = settling(traded({0.0: (0.97, 0.95, 0.97)}))
    assert "is tested before it and is not accurate enough: it loses 2.00 points" in refuted
    assert "tested before" not in settling(waiting, condition="strong")


def test_an_estimate_beyond_what_is_accepted_is_not_settled_to_a_yes():
    text = settling(traded({0.0: (0.97, 0.97, 0.9645)}))
    assert "Its mean is above what is accepted, so more data would probably show" in text
    assert "would settle it" not in text
    accuracy = traded({0.0: (0.97, 0.97, 0.9645)}, required={"target_accuracy": 0.965})
    assert "Its mean is below what is required" in settling(accuracy)


def test_cells_are_said_as_further_cells_of_a_state_by_the_rule_that_judges():
    # Three times 1,000 cells are 2,000 further ones.
    tradeoff = traded({0.0: (0.97, 0.97, 0.9655)})
    text = settling(tradeoff, cells_needed=3.0, cells=1000.0, cells_to_measure=77.0)
    assert "2,000 further cells a state of “weak”" in text
    assert "measured cells" not in text


def test_a_target_is_spoken_of_as_accuracy_with_the_parts_of_accuracy():
    tradeoff = traded({0.0: (0.97, 0.97, 0.9655)}, required={"target_accuracy": 0.965})
    text = settling(tradeoff, accuracy_images=0.0007, loss_images=0.0003)
    assert "it reaches 96.55 %, at least 96.45 % with 97.5 % confidence (± by images 0.07" in text
    assert "If the accuracy stays" in text
    assert "loses" not in recommend(tradeoff).reason


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        ("draws", "cells 0.00"),
        ("stated", "cells not in it (stated)"),
        ("bound", "cells not in it (only a bound)"),
        ("no interval", "cells not in it (without an interval)"),
        ("model", "cells not in it (a fault model given in Python)"),
    ],
)
def test_cells_that_are_not_in_the_interval_are_not_said_to_be_nothing(basis, words):
    point = points_by_condition(traded(PLAIN, cells_basis=[basis] * 3))["weak"]
    assert words in parts_words(point)


def test_a_loss_that_rounds_to_nothing_is_no_gain():
    point = points_by_condition(traded({0.0: (0.97, 0.97001, 0.9702)}, half_width=2e-5))
    strong, weak = (loss_words(point[name]).split(" with")[0] for name in ("strong", "weak"))
    assert strong == "loses 0.00 points, at most 0.00"
    assert weak == "gains 0.02 points, at least 0.02"


def test_the_requirement_that_all_lack_comes_before_the_most_accurate_point():
    unknown = {"endurance": [NAN] * 3, "endurance_basis": ["unknown"] * 3}
    choice = recommended(PLAIN, required={"tolerance": 0.005, "reprogrammings": 1e3}, **unknown)
    assert choice.sentences[0].startswith(
        "No point is shown to stand so many programmings: “very strong”, “strong” have an "
        "endurance that is not known well enough. Nearest to it, as it is accurate enough, is"
    )
    # Nor is any accurate enough here: that comes after it.
    wide = {"half_width": 0.02, "required": {"tolerance": 0.005, "reprogrammings": 1e3}}
    assert (
        recommended(PLAIN, **wide, **unknown)
        .sentences[0]
        .startswith(
            "No point is shown to stand so many programmings, or to keep the accuracy within"
        )
    )


def test_what_is_left_out_is_named_no_wider_than_it_is():
    tradeoff = traded(ADAPTED).copy(deep=True)
    weak = {"condition": "weak", "training_ber": 0.15}
    tradeoff["yields"] = xr.full_like(tradeoff["yields"].astype("U11"), "yes")
    tradeoff["yields"].loc[weak] = "no"
    tradeoff["meets"].loc[weak] = 0
    tradeoff["verdict"].loc[weak] = "no"
    refused = "has too few chips that are accurate enough"
    # The plain network loses too much there, whatever its chips do.
    assert f"“weak” {refused}." in recommend(tradeoff).sentences
    tradeoff["accurate"].loc[{**weak, "training_ber": 0.0}] = "yes"
    assert (
        "“weak” (unprotected, with the network trained with bit errors at a rate of 0.15) "
        f"{refused}."
    ) in recommend(tradeoff).sentences


def test_only_what_a_life_holds_is_counted():
    choice = recommended(PLAIN, required={"inferences": 1e6}, inference_energy=1e-12)
    assert "Over a life with 10⁶ inferences that is" in choice.reason
    assert "further programmings" not in choice.reason


def open_yield(**changed):
    """Return what would settle the yield of “weak” with the plain network, the last one tested."""
    tradeoff = traded(ADAPTED, required={"tolerance": 0.005, "chip_yield": 0.95})
    for name in ("accurate", "yields"):
        tradeoff[name] = xr.full_like(tradeoff[name].astype("U11"), "yes")
    return settling(tradeoff, **{"yields": "not settled", **changed})


@pytest.mark.parametrize(
    ("chip_yield", "least", "words"),
    [
        (0.97, 0.90, "97 % of the chips drawn are accurate enough; if that stays the same, about"),
        (0.93, 0.90, "less than required, and more chips would probably show that it is not"),
        (0.95, 0.90, "that is just what is required, and more chips show which side it is on"),
        (
            1.0,
            0.98,
            "which alone would be enough, but the networks share the error rate of 2.5 %; if",
        ),
    ],
)
def test_a_yield_that_is_left_open_says_what_more_chips_would_do(chip_yield, least, words):
    assert words in open_yield(chip_yield=chip_yield, chip_yield_low=least)


def test_the_chips_that_would_settle_a_yield_are_those_of_the_exact_test():
    # Of n chips that all are good the p-value is 0.95^n; the other network is done, and leaves
    # all of the 2.5 %.
    needed = next(chips for chips in range(1, 1000) if 0.95**chips <= 0.025)
    text = open_yield(chip_yield=1.0, chip_yield_low=0.93)
    assert f"about {needed} chips in place of 50 would settle it" in text
    text = open_yield(chip_yield=0.98, chip_yield_low=0.9)
    (needed,) = map(int, re.findall(r"about (\d+) chips", text))
    tail = [stats.beta.cdf(0.95, 0.98 * n, 0.02 * n + 1.0) for n in (needed - 1, needed)]
    assert tail[0] > 0.025 >= tail[1]


def test_a_yield_that_waits_names_the_point_before_it():
    tradeoff = traded({0.0: (0.97, 0.97, 0.97)}, required={"tolerance": 0.005, "chip_yield": 0.9})
    for name, values in {"accurate": ["yes"] * 3, "yields": ["yes", "no", "not settled"]}.items():
        tradeoff[name][0, 0, 0] = values
    text = settling(tradeoff, chip_yield=1.0, chip_yield_low=0.93)
    assert "“strong” with the plainly trained network is tested before it and has too few" in text


def shown(tradeoff, **labels):
    """Return the training BER of the network that stands for “weak”, some numbers replaced."""
    points = records(tradeoff.sel(condition=["weak"]), *POINT)
    (best,) = best_points(points, labels or None)
    return best["training_ber"]


def changed(tradeoff, *, plain, adapted):
    tradeoff = tradeoff.copy(deep=True)
    for training_ber, values in ((0.0, plain), (0.15, adapted)):
        for name, value in values.items():
            at = {"training_ber": training_ber, "condition": "weak"}
            tradeoff[name].loc[{dim: at[dim] for dim in at if dim in tradeoff[name].dims}] = value
    return tradeoff


def test_the_network_of_a_place_is_the_nearest_to_a_verdict_and_not_the_best_mean():
    both = traded({0.0: (0.97, 0.97, 0.9653), 0.15: (0.97, 0.97, 0.9658)})
    open_mean = {"accuracy": 0.98, "loss": -0.01, "loss_high": 0.1, "accuracy_low": 0.87}
    known = {"accuracy": 0.9653, "loss_high": 0.006, "accuracy_low": 0.964}
    assert set(both.sel(condition="weak")["verdict"].values.ravel()) == {"not settled"}
    assert shown(changed(both, plain=known, adapted=open_mean)) == 0.0
    assert shown(changed(both, plain=open_mean, adapted=known)) == 0.15
    # A verdict comes before the numbers, and among equal numbers energy decides.
    for verdict in ("no", "not settled"):
        refuted = {**known, "verdict": verdict, "accurate": verdict}
        better = {"yes": "yes", "no": "not settled", "not settled": "yes"}[verdict]
        wide = {**open_mean, "verdict": better, "accurate": better}
        assert shown(changed(both, plain=refuted, adapted=wide)) == 0.15
    dear, cheap = ({**known, "life_energy": energy} for energy in (2e-9, 1e-9))
    assert shown(changed(both, plain=dear, adapted=cheap)) == 0.15
    assert shown(changed(both, plain={**known, "life_energy": NAN}, adapted=dear)) == 0.15


def test_the_network_of_a_place_is_nearest_to_what_is_required():
    accuracies = {0.0: (0.97, 0.97, 0.9655), 0.15: (0.97, 0.97, 0.9655)}
    target = traded(accuracies, required={"target_accuracy": 0.965})
    # The loss at most is not asked for.
    surer = {"accuracy_low": 0.9645, "loss_high": 0.02}
    less_sure = {"accuracy_low": 0.96, "loss_high": 0.001}
    assert shown(changed(target, plain=less_sure, adapted=surer)) == 0.15
    required = traded(accuracies, required={"tolerance": 0.005, "chip_yield": 0.9})
    surer = {"chip_yield_low": 0.88, "loss_high": 0.02}
    less_sure = {"chip_yield_low": 0.5, "loss_high": 0.001}
    assert shown(changed(required, plain=less_sure, adapted=surer)) == 0.15


def test_the_recommended_point_stands_for_its_place():
    both = traded({0.0: (0.97, 0.97, 0.97), 0.15: (0.97, 0.97, 0.968)})
    chosen = {"condition": "weak", "protection": "none", "thresholds": "as trained"}
    assert shown(both) == 0.0
    assert shown(both, training_ber=0.15, **chosen) == 0.15


def test_of_many_conditions_the_recommended_one_comes_first_and_then_the_front():
    found = traded(PLAIN)
    points, labels = records(found, *POINT), recommend(found).labels
    assert foremost_conditions(points, labels, most=3) == ["very strong", "strong", "weak"]
    # "weak" is on the front and "very strong" is not.
    assert foremost_conditions(points, labels, most=2) == ["strong", "weak"]
    assert foremost_conditions(points, labels, most=1) == ["strong"]
    assert foremost_conditions(points, most=1) == ["strong"]
