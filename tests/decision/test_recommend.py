import pytest
import xarray as xr
from synthetic import NAN, conditions, traded

from rramsim.decision.reasons import energy_basis
from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import Requirements, judge

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
        "0.10, cells 0.00, chips 0.00; there is one training, so what another training would "
        "change is not in it); a loss of 0.5 percentage points is accepted." in reason
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
    assert "they take more energy than the budget: conditions “" in choice.reason


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


def test_a_known_energy_that_is_left_open_leaves_an_unknown_one_unsettled():
    known = conditions(set_energy=[NAN, NAN, 4e-12], reset_energy=[NAN, NAN, 5e-12])
    choice = recommend(traded({0.0: (0.97, 0.97, 0.9655)}, known=known))
    assert (choice.condition, choice.met, choice.settled) == ("strong", True, False)
