"""What the report and the terminal say of a life, and how it is drawn."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from synthetic import accuracy_curves, aged, conditions, traded

from rramsim.decision.life import YEAR
from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import Requirements, ber_budgets, judge
from rramsim.report.html import inlined
from rramsim.report.provenance import Provenance
from rramsim.report.tradeoff.answer import answer
from rramsim.report.tradeoff.exports import tradeoff_csv, tradeoff_json
from rramsim.report.tradeoff.figures import draw_figures
from rramsim.report.tradeoff.findings import Findings
from rramsim.report.tradeoff.life import lifetime_sentences, lifetime_table
from rramsim.report.tradeoff.page import render
from rramsim.report.tradeoff.points import shown_points
from rramsim.report.tradeoff.terminal import text

TIMES = np.array([1.0, 1e6, 1.0001e6, 2.2 * YEAR])
LOST = np.array([[[0.0] * 4] * 3, [[0.0, 0.0, 1.0, 1.0]] * 3, [[0.0] * 4] * 3])
BEYOND = np.array(["", "", "", "time"])


def findings(points):
    curves = accuracy_curves((0.0,))
    return Findings(
        conditions=conditions(),
        accuracy=curves,
        tradeoff=points,
        recommendation=recommend(points),
        budgets=ber_budgets(curves, Requirements(tolerance=0.005)),
        network="64-256-10",
        images="Handwritten digits.",
        placements=(),
        provenance=Provenance('{"seed": 7}', seed=7),
    )


def of_life(**required):
    points = traded({0.0: (0.97, 0.97, 0.9)}, known=conditions(endurance_bound=["lower"] * 3))
    points = aged(points, LOST, times=TIMES, extrapolated=BEYOND)
    points.attrs |= {"use_temperature": 328.15, "activation_energy": 1.1}
    return findings(judge(points, Requirements(tolerance=0.005, lifetime=YEAR, **required)))


def shown(found):
    return found, shown_points(found)


def test_the_table_tells_how_long_and_what_limits():
    table = lifetime_table(*shown(of_life()))
    assert table.title == "Over 1\N{NO-BREAK SPACE}year at 55\N{NO-BREAK SPACE}°C"
    strong = dict(zip(table.columns, table.rows[1], strict=True))
    words = {name: value.replace("\N{NO-BREAK SPACE}", " ") for name, value in strong.items()}
    assert words["Good for"] == "shown for 11.6 days\nestimate 11.6 days"
    assert words["Good to cycle"] == "shown to 100\nno end found up to 100"
    assert list(words)[2] == "Lasts"
    assert (words["First refresh after"], words["Refreshes"]) == ("5.79 days", "63")
    assert words["Their energy"] == "787 nJ"  # 63 x 500 (11 + 14) pJ
    assert (words["Limited by"], words["Lasts"]) == ("retention", "yes")


def test_the_section_says_what_was_read_and_where_cells_are_used():
    told = " ".join(lifetime_sentences(*shown(of_life()))).replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "Read to cycle 100 and to 2.2 years after programming (at the temperature of use)" in told
    )
    assert "with a stated activation energy 1.1 eV, which nothing here checks" in told
    # "weak" loses 7 points at once.
    assert "Not known" not in told


def test_what_is_extrapolated_is_marked_and_is_not_shown():
    found = of_life()
    rows = lifetime_table(*shown(found)).rows
    cells = {row[0]: row[3].replace("\N{NO-BREAK SPACE}", " ") for row in rows}
    assert cells["very strong"] == (
        "shown for 11.6 days\nlower end 2.2 years†; no end found up to 2.2 years†"
    )
    points = {point["condition"]: point for point in tradeoff_json(found)["points"]}
    assert points["very strong"]["good_until_extrapolated"] == "time"
    assert points["very strong"]["good_until_shown_s"] == TIMES[2]
    assert points["strong"].get("good_until_extrapolated") in (None, "")
    top = answer(found)
    facts = {fact.label: fact for fact in top.facts}
    tile = facts["Shown to be good for"]
    assert "†" not in tile.value
    assert "Extrapolated" in " ".join(top.limits) or "†" not in tile.remark


def test_a_stated_activation_energy_is_said_where_the_decision_is():
    found = of_life()
    stated = "activation energy 1.1 eV, stated, which nothing here checks"
    said = (" ".join(answer(found).limits), text(found, Path("report.html"), width=1000))
    assert all(stated in one.replace("\N{NO-BREAK SPACE}", " ") for one in said)
    found.tradeoff.attrs.pop("activation_energy")
    assert stated not in " ".join(answer(findings(found.tradeoff)).limits)


@pytest.mark.slow
def test_page_figure_terminal_and_files_have_the_life():
    found = of_life()
    figures = draw_figures(found)
    lines = {line.get_gid() for axes in figures["lifetime"].axes for line in axes.lines}
    assert {"accuracy-0", "accuracy-2", "extrapolated-2", "accepted", "life"} <= lines
    page = render(found, inlined(figures))
    assert 'id="lifetime"' in page
    assert "How long it stays accurate" in page
    assert "  life " in text(found, "report.html", width=80)
    points = {point["condition"]: point for point in tradeoff_json(found)["points"]}
    assert points["strong"]["refreshes"] == 63.0
    assert points["very strong"]["good_until_more_than_s"] == pytest.approx(2.2 * YEAR)
    assert "refresh_energy_j" in tradeoff_csv(found.tradeoff, found.recommendation)


@pytest.mark.slow
def test_numbers_of_programmings_have_shades_that_are_told_apart():
    (axes,) = draw_figures(of_life())["lifetime"].axes[:1]
    lines = {line.get_gid(): line.get_color() for line in axes.lines}
    shades = [np.array(to_rgb(lines[f"accuracy-{number}"])) for number in range(3)]
    # Luminance rises from one to the next, so that a grey print can be read.
    light = [float(shade @ (0.2126, 0.7152, 0.0722)) for shade in shades]
    assert np.all(np.diff(light) > 0.15)


def test_without_lives_there_is_no_section():
    found = findings(traded({0.0: (0.97, 0.97, 0.9)}))
    assert lifetime_sentences(*shown(found)) == []
    assert lifetime_table(*shown(found)) is None
    assert "refreshes" not in tradeoff_json(found)["points"][0]
