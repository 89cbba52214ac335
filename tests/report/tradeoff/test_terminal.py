"""The terminal: whole numbers in whole rows however narrow it is, the recommendation last."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from synthetic import accuracy_curves, conditions, traded

from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import Requirements, ber_budgets, judge
from rramsim.report.provenance import Provenance
from rramsim.report.tradeoff.findings import Findings
from rramsim.report.tradeoff.points import shown_points
from rramsim.report.tradeoff.terminal import text

ACCURACIES = {0.0: (0.97, 0.9695, 0.90), 0.15: (0.96, 0.961, 0.9655)}
PAGE = Path("/somewhere/with a blank/in a long path/that no terminal of 60 columns shows/r.html")


def findings(*, required=None, notes=(), known=None):
    tradeoff = traded(ACCURACIES, known=known)
    if required is not None:
        tradeoff = judge(tradeoff, required)
    curves = accuracy_curves(tuple(ACCURACIES))
    return Findings(
        conditions=conditions() if known is None else known,
        accuracy=curves,
        tradeoff=tradeoff,
        recommendation=recommend(tradeoff),
        budgets=ber_budgets(curves, Requirements(tolerance=0.005)),
        network="64-16-10",
        images="digits",
        placements=(),
        provenance=Provenance("", seed=1, version="0.1.0"),
        notes=notes,
    )


def plain(words):
    return words.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_every_row_stands_whole_in_one_table_with_all_its_numbers(width):
    found = findings()
    shown = text(found, PAGE, width=width)
    lines = [line for line in shown.splitlines() if str(PAGE) not in line]
    assert max(map(len, lines)) <= width
    assert sum("───" in line for line in lines) == 1
    table = shown[: shown.index("The best network is")]
    for point in shown_points(found):
        assert table.count(f"{100 * point['accuracy']:.2f}\N{NO-BREAK SPACE}%") >= 1
        most = f"{100 * point['loss']:.2f},\N{NO-BREAK SPACE}≤{100 * point['loss_high']:.2f}"
        assert most in table
    # 500 cells of LRS and of HRS each, by Table I: 120 and 150, 11 and 14, 4 and 5 pJ.
    for energy in ("135", "12.5", "4.5"):
        assert f"{energy}\N{NO-BREAK SPACE}nJ" in table


def test_the_recommendation_is_last_and_the_path_of_the_report_is_whole():
    shown = text(findings(notes=("a note.",)), PAGE, width=60)
    places = [shown.index(words) for words in ("a note.", "Recommended: ", f"is {PAGE}\n")]
    assert places == sorted(places)
    assert shown.endswith(f"The report is {PAGE}\n")
    labels = [line[2:].split("  ")[0] for line in shown.splitlines() if line.startswith("  ")]
    assert [label for label in labels if label] == [
        *("loss", "accuracy", "energy", "cells", "endurance", "not settled")
    ]


def test_what_is_required_is_the_number_that_stands_with_its_bound():
    found = findings(required=Requirements(target_accuracy=0.95))
    shown = plain(text(found, PAGE, width=120))
    assert "97.00 %, ≥96.90" in shown
    # Wrapped lines are one sentence.
    assert "at least 96.45 % with 97.5 % confidence, 95.00 % is required" in " ".join(shown.split())


def test_many_notes_are_counted_and_few_are_shown():
    notes = tuple(f"note {number} of the data." for number in range(1, 7))
    many = findings(notes=notes)
    shown = text(many, PAGE)
    assert "6 notes on the data; --verbose shows them." in shown
    assert not [note for note in notes if note in shown]
    assert all(note in text(many, PAGE, verbose=True) for note in notes)
    assert "note 2 of the data." in text(findings(notes=notes[:2]), PAGE)


def test_cells_that_are_not_measured_are_always_said():
    known = conditions()
    known["origin"] = ("condition", np.array(["reconstructed", "measured", "measured"]))
    found = dataclasses.replace(findings(), conditions=known, notes=("n.",) * 9)
    assert "The cells behind “very strong” are reconstructed, not measured." in text(found, PAGE)


def test_where_nothing_is_enough_that_is_the_headline():
    shown = text(findings(required=Requirements(target_accuracy=0.99)), PAGE, width=200)
    assert "Recommended" not in shown
    assert "No point can reach an accuracy of 99.00 %" in plain(shown)
    assert "reaches 97.00 %, 2.00 points less." in plain(shown)
    assert "too little: " in shown


def test_what_is_accepted_has_its_unit_and_what_is_left_out_its_label_once():
    known = conditions(endurance=[1e9, 1e9, 1.0], endurance_bound=[""] * 3)
    required = Requirements(tolerance=0.01, reprogrammings=1e3)
    shown = plain(" ".join(text(findings(required=required, known=known), PAGE, width=80).split()))
    assert "a loss of 1 percentage point is accepted" in shown
    assert "left out “weak” does not stand so many programmings." in shown


def test_a_point_that_waits_is_marked_and_the_line_below_names_what_it_waits_for():
    tradeoff = traded({0.0: (0.97, 0.9655, 0.97), 0.15: (0.90, 0.90, 0.90)})
    found = dataclasses.replace(findings(), tradeoff=tradeoff, recommendation=recommend(tradeoff))
    shown = plain(text(found, PAGE))
    assert shown.count("not settled§") == 1
    assert "is not shown to be enough: “strong”, network plain (1 point)." in " ".join(
        shown.split()
    )
    # None is said to wait where none does, and the other mark is for what the networks share.
    assert "¶" not in shown
    shared = traded({0.0: (0.97, 0.97, 0.96605), 0.15: (0.90, 0.90, 0.90)})
    found = dataclasses.replace(found, tradeoff=shared, recommendation=recommend(shared))
    shown = plain(text(found, PAGE))
    assert (shown.count("not settled¶"), shown.count("§")) == (1, 0)
    assert "¶ enough with 97.5 % confidence, but not with the 98.75 %" in " ".join(shown.split())


def test_a_bound_that_leaves_others_open_is_said_to_be_of_a_rejected_lognormal():
    tradeoff = traded({0.0: (0.97, 0.9655, 0.97)})
    tradeoff["ber_bound"] = tradeoff["ber_bound"].astype("U5")
    tradeoff["ber_bound"].loc[{"condition": "strong"}] = "upper"
    verdicts, p_values = np.full((3, 2), "holds", dtype="U20"), np.full((3, 2), 0.5)
    verdicts[1, 1], p_values[1, 1] = "does not hold", 0.007
    goodness = xr.Dataset(
        {
            name: (("condition", "state"), values)
            for name, values in {"verdict": verdicts, "p_value": p_values}.items()
        },
        coords={"condition": tradeoff["condition"].values, "state": ["LRS", "HRS"]},
    )
    found = dataclasses.replace(
        findings(), tradeoff=tradeoff, recommendation=recommend(tradeoff), goodness=goodness
    )
    shown = " ".join(plain(text(found, PAGE)).split())
    assert (
        "The bit-error rate of “strong” is only the bound that counting gives, as its lognormals "
        "are not used: that of HRS is rejected with p = 0.007 (of 6 lognormals tested, 1 is "
        "rejected at 1 %; chance alone rejects about 0.06)."
    ) in shown
    without = dataclasses.replace(
        found, goodness=goodness.assign(verdict=goodness.verdict.where(False, "holds"))
    )
    assert "only the bound that counting gives" not in text(without, PAGE)
