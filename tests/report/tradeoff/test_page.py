import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from synthetic import NAN, accuracy_curves, conditions, traded

from rramsim import formatting as numbers
from rramsim import schema
from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.decision.join import error_free_accuracy
from rramsim.decision.reasons import count_words, inference_count_words
from rramsim.decision.recommend import best_points, recommend
from rramsim.decision.requirements import Requirements, ber_budgets, judge
from rramsim.report.html import files_beside, inlined
from rramsim.report.provenance import Provenance
from rramsim.report.tradeoff.answer import answer
from rramsim.report.tradeoff.change import borne_words, changes
from rramsim.report.tradeoff.figures import draw_figures, drawings
from rramsim.report.tradeoff.findings import Findings, ShownChip
from rramsim.report.tradeoff.page import FILES, render
from rramsim.report.tradeoff.points import at_a_glance, reached
from rramsim.report.tradeoff.rows import assumptions, points_of
from rramsim.schema import records

META_CONTENT = ("meta", "content")
HOSTILE = "<script>alert(1)</script>"
NAMES = ("very strong", "strong", "weak")
MET = {0.0: (0.9641, 0.9632, 0.9123), 0.15: (0.9514, 0.9525, 0.9536)}


def findings(names=NAMES, tolerance=0.01, known=None, inference_energy=NAN, **more):
    known = conditions(names) if known is None else known
    curves = accuracy_curves(tuple(MET))
    tradeoff = traded(
        MET,
        known=known,
        cells={0.0: (68_000, 68_500), 0.15: (60_000, 76_500)},
        error_free=error_free_accuracy(curves),
        tolerance=tolerance,
        inference_energy=inference_energy,
    )
    tile = TileShape(word_lines=128, bit_lines=64)
    found = Findings(
        conditions=known,
        accuracy=curves,
        tradeoff=tradeoff,
        recommendation=recommend(tradeoff),
        budgets=ber_budgets(curves, Requirements(tolerance=tolerance)),
        network="64-256-10",
        images="Handwritten digits.",
        placements=(Placement((256, 64), tile), Placement((10, 256), tile)),
        provenance=Provenance(
            '{"seed": 7}', sources=(("cells.csv", "ab" * 32),), seed=7, version="1.2.3"
        ),
    )
    return replace(found, **more)


@pytest.fixture(scope="module")
def figures():
    return inlined(draw_figures(findings()))


@pytest.fixture(scope="module")
def page(figures):
    return render(findings(), figures)


class Page(HTMLParser):
    """Gathers the tags, attributes and visible text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in {"meta", "path", "use", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        if not {"style", "svg", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts).replace("\N{NO-BREAK SPACE}", " "))


def shown(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_verdict_rests_on_the_worse_end_of_what_is_limited():
    weak = conditions().isel(condition=[2])
    one = {"names": ["weak"], "test_ber": [0.033]}
    (point,) = records(traded({0.0: (0.96,)}, known=weak, **one), *schema.POINT)
    assert reached(point) == "1.00, at most 1.10"
    required = {"target_accuracy": 0.9}
    tradeoff = traded({0.0: (0.96,)}, known=weak, required=required, **one)
    (point,) = records(tradeoff, *schema.POINT)
    assert reached(point) == "96.00, at least 95.90"


@pytest.mark.slow
def test_page_loads_nothing_and_runs_only_its_own_script(page):
    parsed = Page(page)
    assert not {"link", "img", "iframe", "object", "image"} & set(parsed.tags)
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    for _, name, value in parsed.attributes:
        if name in {"href", "xlink:href", "src"}:
            assert value.startswith("#")
        assert not name.startswith("on")
    assert all(target == "#" for target in re.findall(r"url\((.)", page))
    (policy,) = [value for tag, name, value in parsed.attributes if (tag, name) == META_CONTENT][1:]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'"
    )


def test_the_contents_name_every_section_once(page):
    contents = page[page.index('<nav class="contents"') : page.index("</nav>")]
    linked = re.findall(r'<a href="#([a-z-]+)">', contents)
    assert linked == ["answer", *re.findall(r'<h2 id="([a-z-]+)">', page)]
    assert len(set(linked)) == len(linked) >= 9


def test_only_files_that_there_are_have_links(figures, tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("tradeoff.csv", "notes.txt", "figures/energy.svg", "figures/energy.png"):
        (tmp_path / name).write_text("")
    html = render(findings(), figures, files_beside(tmp_path, FILES))
    linked = set(re.findall(r'<a href="([^#"]+)">', html))
    assert linked == {"tradeoff.csv", "figures/energy.svg", "figures/energy.png"}


def test_points_of_figures_say_their_values(page):
    titles = set(re.findall(r'<circle class="value"[^>]*>\s*<title>([^<]*)</title>', page))
    for point in points_of(findings().tradeoff):
        trained = point["training_ber"]
        network = f"trained at BER {trained:g}" if trained else "plain training"
        reached = numbers.accuracy(point.interval("accuracy"))
        energy = numbers.quantity(point["energy_per_weight"], "J")
        assert f"{point['condition']}, {network}: {reached}, {energy} a weight" in titles


def test_every_colour_of_a_figure_has_one_on_a_dark_screen(page):
    style = page[page.index("<style>") : page.index("</style>")]
    light, dark = style.split("prefers-color-scheme: dark", 1)
    used = set(re.findall(r"var\((--figure-[a-z]+)\)", page))
    assert used >= {"--figure-black", "--figure-white", "--figure-blue", "--figure-vermilion"}
    for name in used:
        assert f"{name}: #" in light
        assert f"{name}: #" in dark
    drawn = page[page.index("<figure") :]
    assert not re.findall(r'style="[^"]*#[0-9a-fA-F]{6}', drawn)


def test_every_reference_inside_a_figure_has_one_target(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert used <= set(ids)


def test_tags_are_closed_in_order(page):
    assert Page(page).open == []


@pytest.mark.slow
def test_same_findings_give_the_same_bytes(page):
    assert render(findings(), inlined(draw_figures(findings()))) == page


@pytest.mark.slow
def test_text_of_users_is_escaped_wherever_it_stands(figures):
    everywhere = findings(
        (HOSTILE, "strong", "weak"),
        network=HOSTILE,
        images=HOSTILE,
        notes=(HOSTILE,),
        model_files=(HOSTILE,),
        training_faults={0.05: HOSTILE},
        provenance=Provenance(
            HOSTILE,
            sources=((HOSTILE, HOSTILE),),
            seed=7,
            version=HOSTILE,
            command=HOSTILE,
            settings=HOSTILE,
        ),
        stated=conditions((HOSTILE, "strong", "weak")),
    )
    everywhere = replace(
        everywhere, recommendation=replace(everywhere.recommendation, condition=HOSTILE)
    )
    html = render(everywhere, figures, {HOSTILE: HOSTILE})
    assert html.count("<script") == 1
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10
    drawn = render(everywhere, inlined(draw_figures(findings((HOSTILE, "strong", "weak")))))
    assert drawn.count("<script") == 1
    assert HOSTILE not in drawn


def test_recommendation_stands_on_top_with_its_whole_reason(page):
    text = Page(page).text
    for sentence in findings().recommendation.sentences:
        assert shown(sentence) in text
    assert text.index("Program with “strong”") < text.index("At a glance")


def top_of(html):
    return Page(html[html.index('<section id="answer"') : html.index("</section>")]).text


def test_the_first_screen_says_what_is_decided_how_sure_and_what_is_not_in_it(page):
    top, found = top_of(page), findings()
    (point,) = (p for p in points_of(found.tradeoff) if found.recommendation.names(p))
    assert "Program with “strong”, leave weights unprotected, train plainly" in top
    assert f"loses {100 * point['loss']:.2f} points, at most {100 * point['loss_high']:.2f}" in top
    assert "a loss of 1 percentage point is accepted" in top
    # One training says nothing of others; a stated BER has no cells behind it.
    assert f"trainings not in it images ± {100 * point['loss_images']:.2f} cells not in it" in top
    assert shown(numbers.quantity(point["programming_energy"], "J")) in top
    assert "Not in the interval: what another training would change" in top
    assert "Not measured: bit-error rate (stated), energies (stated), endurance (stated)." in top


def test_an_interval_stands_before_what_is_accepted_to_scale(page):
    found = findings()
    (point,) = (p for p in points_of(found.tradeoff) if found.recommendation.names(p))
    places = dict(re.findall(r'<i class="(estimate|limit)" style="left: ([\d.]+)%"', page))
    ends = re.search(r'<i class="interval" style="left: ([\d.]+)%; right: ([\d.]+)%"', page)
    low, high = float(ends[1]), 100 - float(ends[2])
    ratio = (float(places["limit"]) - float(places["estimate"])) / (high - low)
    expected = (0.01 - point["loss"]) / (point["loss_high"] - point["loss_low"])
    assert ratio == pytest.approx(expected, rel=0.01)


def test_a_target_accuracy_is_what_the_first_screen_speaks_of(figures):
    met = findings()
    judged = judge(met.tradeoff, Requirements(target_accuracy=0.955))
    top = top_of(render(replace(met, tradeoff=judged, recommendation=recommend(judged)), figures))
    assert "reaches 96.32 %, at least 96.22 % with 97.5 % confidence; 95.50 % is required" in top


def test_at_a_glance_has_the_best_network_of_each_place_with_its_verdict(page):
    table = page[page.index('<table class="glance">') : page.index("All points")]
    found = findings()
    points = points_of(found.tradeoff)
    for condition in NAMES:
        (best,) = best_points(
            (point for point in points if point["condition"] == condition),
            found.recommendation.labels,
        )
        row = re.search(rf"<tr><th[^>]*>{condition}</th>(.*?)</tr>", table, re.DOTALL)[1]
        words = f"{100 * best['loss']:.2f}, at most {100 * best['loss_high']:.2f}"
        assert words in row.replace("\N{NO-BREAK SPACE}", " ")
        assert f'class="{best["verdict"].replace(" ", "-")}' in row
        assert ("chosen" in row) == (condition == found.recommendation.condition)


@pytest.mark.slow
def test_unmet_tolerance_is_the_headline(figures):
    html = render(findings(tolerance=1e-6), figures)
    assert "<h2>No point is shown to meet what is required</h2>" in html
    assert "No condition is shown to keep the accuracy within" in html


def test_at_a_glance_says_what_beside_accuracy_is_in_the_way():
    met = findings()
    required = {"reprogrammings": 5e4, "energy_budget": 0.05}
    judged = judge(met.tradeoff, Requirements(tolerance=0.02, **required))
    found = replace(met, tradeoff=judged, recommendation=recommend(judged))
    (very_strong,), (strong,), (weak,) = (places for _, places in at_a_glance(found))
    # It stands 100 cycles, and takes 18 uJ a programming; then more than 1e4 cycles.
    assert very_strong.obstacles == "endures too little, above the budget"
    assert strong.obstacles == "endurance not known well enough, above the budget"
    assert weak.obstacles == ""
    assert (very_strong.mark, strong.mark) == ("✗", "✗")


def test_what_each_network_tolerates_is_in_the_budgets(page):
    text, found = Page(page).text, findings()
    for row in records(found.budgets, "training_ber"):
        tolerated = [
            numbers.bounded(numbers.power(row[name]), row[f"{name}_bound"])
            for name in ("budget", "budget_shown")
        ]
        name = f"trained at {row['training_ber']:g}" if row["training_ber"] else "plain"
        assert " ".join([name, *tolerated]) in text
    most = float(found.budgets.budget_shown.max())
    assert f"up to {numbers.power(most)}: the most tolerant network" in text
    assert f"strong none 9.7×10⁻⁵ {count_words(most / 9.7e-5)}" in text
    # Of a BER that is only an upper bound, the margin is a lower one.
    assert f"less than 10⁻⁶ more than {count_words(most / 1e-6)}" in text


def test_a_tolerated_rate_and_a_point_that_is_not_settled_are_reconciled():
    found = findings()
    budgets = records(found.budgets, "training_ber")
    most = max(budgets, key=lambda one: one["budget_shown"])["training_ber"]
    assert "Both are true" not in borne_words(found)
    for training_ber in found.budgets.training_ber.values:
        tradeoff = found.tradeoff.copy(deep=True)
        at = {"condition": "strong", "protection": "none", "training_ber": training_ber}
        tradeoff["accurate"] = tradeoff["accurate"].astype("U11")
        tradeoff["accurate"].loc[{**at, "thresholds": "as trained"}] = "not settled"
        text = borne_words(replace(found, tradeoff=tradeoff))
        assert ("With this network, “strong” is not settled although" in text) == (
            training_ber == most
        )


@pytest.mark.slow
def test_what_would_settle_a_cheaper_point_is_said_and_what_it_takes_to_measure(figures):
    found = findings()
    tradeoff = found.tradeoff.copy(deep=True)
    weak = {"condition": "weak", "protection": "none", "training_ber": 0.15}
    for name, value in {
        "verdict": "not settled",
        "accurate": "not settled",
        "meets": 0,
        "probability": 0.654,
        "cells_to_measure": 1080.0,
        "loss": 0.0065,
        "loss_high": 0.0165,
    }.items():
        tradeoff[name].loc[{**weak, "thresholds": "as trained"}] = value
    found = replace(found, tradeoff=tradeoff, recommendation=recommend(tradeoff))
    assert found.recommendation.open_point == {**weak, "thresholds": "as trained"}
    html = render(found, figures)
    assert "Not settled: whether “weak”, unprotected, with the network trained" in top_of(html)
    text = Page(html).text
    assert shown(found.recommendation.would_settle) in text
    assert (
        "About 1,080 more cells of “weak” a state would show whether the condition, unprotected, "
        "is above or below the largest bit-error rate that the network trained with bit errors at "
        "a rate of 0.15 tolerates."
    ) in text
    # Where more cells alone would settle it, one number is said, that of the verdict.
    tradeoff["cells_needed"].loc[{**weak, "thresholds": "as trained"}] = 3.0
    tradeoff["cells"].loc[{"condition": "weak"}] = 1000.0
    found = replace(found, tradeoff=tradeoff, recommendation=recommend(tradeoff))
    assert "2,000 further cells a state of “weak”" in " ".join(changes(found))
    assert "1,080" not in " ".join(changes(found))


def test_a_life_is_programming_and_inference_after_inference(figures):
    each = np.broadcast_to([1e-9, 8e-9, 4e-9], (2, 1, 3))
    known = conditions(ber=[NAN, 9.7e-5, 9e-3])
    found = findings(
        known=known, inference_energy=each, tolerance=0.03, unknown_circuits=("of other circuits",)
    )
    met = found.tradeoff.sel(thresholds="as trained", protection="none")
    strong = met.sel(condition="strong", training_ber=0.15)
    costly = met.sel(condition="very strong", training_ber=0.0)
    chosen = met.sel(**{dim: found.recommendation.labels[dim] for dim in ("condition",)})
    chosen = chosen.sel(training_ber=found.recommendation.training_ber)
    assert found.recommendation.condition == "weak"
    once, inference = float(chosen.programming_energy), float(chosen.inference_energy)
    assert inference == 4e-9
    html = render(found, inlined(draw_figures(found)))
    text = Page(html).text
    after = inference_count_words(once / inference)
    assert f"After {after} inferences reading “weak” costs more than programming" in text
    assert "The energy of other circuits is unknown and not counted" in text
    # The one that is costliest to program is cheapest to read: P_A + n E_A = P_B + n E_B.
    equal = (float(costly.programming_energy) - once) / (inference - 1e-9)
    assert f"“weak” up to {inference_count_words(equal)} inferences" in text
    assert f"“very strong” from {count_words(equal)} on" in text
    assert f"after {count_words(equal)}" in text
    # More to program and more to read.
    assert float(strong.programming_energy) > once
    assert "never: always more" in text
    titles = re.findall(r'<circle class="value"[^>]*>\s*<title>([^<]*)</title>', html)
    assert any(f"weak: after {after} inferences" in title for title in titles)


def test_an_unknown_energy_of_reading_is_said_to_be(page):
    text = Page(page).text
    assert "What reading costs is unknown" in text
    assert "Not counted: forming, reading, and circuits around the cells." in top_of(page)


def test_every_point_is_shown_with_its_numbers(page):
    text = Page(page).text
    for point in points_of(findings().tradeoff):
        assert shown(numbers.percent(point["accuracy"])) in text
        assert f"{100 * point['accuracy_low']:.2f} to {100 * point['accuracy_high']:.2f}" in text
        assert f"{100 * point['loss']:.2f} {100 * point['loss_high']:.2f}" in text
        assert shown(numbers.quantity(point["energy_per_weight"], "J")) in text


@pytest.mark.slow
def test_chips_that_all_scored_alike_are_said_to_be_so(figures):
    found = findings()
    flat = found.tradeoff.copy(deep=True)
    flat["accuracy_low"][0, 0] = flat["accuracy_high"][0, 0] = flat["accuracy"][0, 0]
    text = Page(render(replace(found, tradeoff=flat), figures)).text
    assert "96.41 % all chips alike" in text
    assert "chips not drawn may differ" in text
    assert "alike" not in Page(render(found, figures)).text


def test_every_accuracy_shown_is_in_the_datasets(page):
    found = findings()
    known = {
        f"{100 * value:.2f}"
        for name in ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05")
        for value in found.tradeoff[name].values.ravel()
    }
    attrs = found.tradeoff.attrs
    known |= {f"{100 * attrs['error_free_accuracy']:.2f}"}
    known |= {f"{100 * (attrs['error_free_accuracy'] - attrs['tolerance']):.2f}"}
    assert set(re.findall(r"\b\d\d\.\d\d\b", Page(page).text)) <= known


def test_every_loss_at_a_glance_and_of_all_points_is_in_the_datasets(page):
    text = Page(page).text
    tables = text[text.rindex("At a glance") : text.rindex("What accuracy costs")]
    tradeoff = findings().tradeoff
    known = {
        f"{100 * value:.2f}"
        for subject in ("accuracy", "loss")
        for end in ("", "_low", "_high")
        for value in tradeoff[f"{subject}{end}"].values.ravel()
    }
    numbers_shown = set(re.findall(r"(?<!trained at )\b\d+\.\d\d\b(?! .?J)", tables))
    assert len(numbers_shown) >= 15
    assert numbers_shown <= known


def test_energies_name_their_origin_and_bounds_are_said(page):
    text = Page(page).text
    assert "SET energy as stated in the conditions file, not measured" in text
    assert "less than 10⁻⁶" in text
    assert "more than 10⁴ cycles" in text
    assert "known only to be below 10⁻⁶; its accuracy is that at this bound" in text


def test_tiles_are_counted_and_summed(page):
    text = Page(page).text
    assert "128 word lines by 64 bit lines" in text
    assert "64 × 256 16384 1 × 4 = 4 50.0 %" in text  # half of the word lines hold inputs
    assert "256 × 10 2560 2 × 1 = 2 15.6 %" in text
    assert "all 18944 6 38.5 %" in text


@pytest.mark.slow
def test_derived_figures_stand_beside_the_stated_ones(figures):
    fitted = conditions(
        ber=[1e-7, 9.7e-5, 3.4e-2],
        ber_low=[4e-8, 6e-5, 2.9e-2],
        ber_high=[3e-7, 1.6e-4, 4.1e-2],
        ber_basis=["fitted"] * 3,
        ber_bound=[""] * 3,
        ber_extrapolated=[1, 1, 0],
        origin=["reconstructed"] * 3,
    )
    counted = schema.make(
        "counted",
        {
            "errors": np.array([[0, 0], [0, 0], [31, 28]]),
            "readings": np.full((3, 2), 1024),
            "undecided": np.zeros((3, 2), int),
            "design_effect": np.ones((3, 2)),
            "rate": np.array([[0, 0], [0, 0], [31, 28]]) / 1024,
            "rate_low": np.zeros((3, 2)),
            "rate_high": np.full((3, 2), 0.04),
            "reference_resistance": [6e3, 24e3, 45e3],
            "ber": [0.0, 0.0, 0.029],
            "ber_low": [0.0, 0.0, 0.022],
            "ber_high": [0.0018, 0.0018, 0.037],
            "ber_less_than": [1.5e-3, 1.5e-3, NAN],
        },
        coords={"condition": list(NAMES), "state": ["LRS", "HRS"]},
    )
    found = findings(known=fitted, stated=conditions(), counted=counted)
    text = Page(render(found, figures)).text
    assert "9.7×10⁻⁵ (6×10⁻⁵ to 1.6×10⁻⁴) fitted lognormal populations, extrapolated" in text
    assert "59 of 2048 readings a bit-error rate of 0.029 (0.022 to 0.037)" in text
    stated = text[text.index("As the conditions file states them") :]
    assert "Bit-error rate less than 10⁻⁶ 9.7×10⁻⁵ 0.033" in stated
    assert "are reconstructed, not measured." in text
    assert "“strong”: the bit-error rate of 9.7×10⁻⁵ is extrapolated" in text


@pytest.mark.slow
def test_condition_the_conditions_file_does_not_name_is_left_open(figures):
    fitted = conditions(ber_basis=["fitted"] * 3)
    stated = conditions().isel(condition=[1])
    text = Page(render(findings(known=fitted, stated=stated), figures)).text
    assert "Bit-error rate – 9.7×10⁻⁵ –" in text


def test_stated_figures_are_not_repeated_where_nothing_was_derived(figures):
    assert "for comparison" not in render(findings(stated=conditions()), figures)


@pytest.mark.slow
def test_unknown_energies_are_said_and_no_row_is_empty(figures):
    unknown = conditions(
        set_energy=[NAN] * 3,
        reset_energy=[NAN] * 3,
        set_energy_basis=["unknown"] * 3,
        reset_energy_basis=["unknown"] * 3,
    )
    found = findings(known=unknown)
    drawn = draw_figures(found)
    assert not {"energy", "cells", "life"} & set(drawn)
    text = Page(render(found, inlined(drawn))).text
    assert "SET energy" not in text
    assert "No programming energy is known" in text


@pytest.mark.slow
def test_provenance_and_notes_are_shown(figures):
    text = Page(render(findings(notes=("3 blank cells dropped.",)), figures)).text
    assert "rramsim 1.2.3, seed 7" in text
    assert '{"seed": 7}' in text
    assert f"cells.csv {'ab' * 32}" in text
    assert "3 blank cells dropped." in text
    assert "t interval of the mean over chips" in text


@pytest.mark.slow
def test_populations_of_conditions_left_out_of_the_study_are_not_drawn():
    found = findings()
    populations = schema.make(
        "populations",
        {
            "mu": [[9.0, 12.0]],
            "sigma": [[0.3, 0.6]],
            "covariance": np.zeros((1, 2, 2, 2)),
            "exact": [[4, 4]],
            "censored_below": [[0, 0]],
            "censored_above": [[0, 0]],
            "cells": [[4, 4]],
        },
        coords={"condition": ["left out"], "state": ["LRS", "HRS"]},
    )
    readings = schema.make(
        "readings",
        {
            "resistance": [8e3, 1.6e5],
            "censoring": [0, 0],
            "condition_index": [0, 0],
            "state_index": [0, 1],
            "cell": [0, 0],
            "cycle": [-1, -1],
        },
        coords={"condition": ["left out"], "state": ["LRS", "HRS"]},
    )
    figures = draw_figures(replace(found, populations=populations, readings=readings))
    assert list(figures) == ["accuracy", "energy", "cells"]


def digests(found):
    return {name: drawing.digest("1.2.3") for name, drawing in drawings(found).items()}


def chip_of(*wrong):
    return ShownChip(layer=1, wrong=np.array(wrong))


@pytest.mark.parametrize(
    ("changed", "others"),
    [
        ({}, set()),
        # All of these meet both; only the line of what is accepted is another.
        ({"tolerance": 0.011}, {"accuracy", "energy"}),
        # Another condition is recommended, and the chip shown is one of it.
        ({"tolerance": 0.06}, {"accuracy", "energy", "cells", "life", "chip"}),
        ({"chip": chip_of(3, 6)}, {"chip"}),
        ({"inference_energy": 2e-9}, {"accuracy", "energy", "life"}),
    ],
)
def test_a_figure_has_another_digest_only_where_it_shows_something_else(changed, others):
    asked = {"inference_energy": 1e-9, "chip": chip_of(3, 5)}
    before, after = digests(findings(**asked)), digests(findings(**(asked | changed)))
    assert set(before) == {"accuracy", "energy", "cells", "life", "chip"}
    assert {name for name in before if after[name] != before[name]} == others
    assert drawings(findings())["energy"].digest("1.2.4") != digests(findings())["energy"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cells", "life"])
def test_figures_of_one_digest_are_the_same_whatever_else_is_known(name):
    found = findings(inference_energy=1e-9)
    tradeoff = found.tradeoff.assign_attrs(tolerance=0.5, error_free_accuracy=0.1)
    kept = {"cells_per_weight", "life_energy", "meets", "on_cells_front"}
    for one in set(tradeoff.data_vars) - kept:
        if tradeoff[one].dtype.kind == "f" and one not in {
            "programming_energy",
            "inference_energy",
        }:
            tradeoff[one] = 0.5 * tradeoff[one] + 0.1
    other = replace(found, tradeoff=tradeoff)
    first, second = (drawings(one)[name] for one in (found, other))
    assert first.digest("1") == second.digest("1")
    assert inlined({name: first.draw()}) == inlined({name: second.draw()})


@pytest.mark.slow
def test_the_page_says_what_the_accuracies_rest_on():
    trained = findings(test_images=360, lrs_share=0.4)
    given = findings(
        model_files=("a.safetensors", "b.safetensors"),
        training_faults={0.05: "BER LRS 0.1, HRS 0.0"},
        has_own_faults=True,
    )
    seed = trained.provenance.seed
    assert assumptions(trained)[0].startswith(f"Each network was trained once, with seed {seed}.")
    assert (
        "further chips at other rates within the interval of the cells" in assumptions(trained)[1]
    )
    assert "for all 360 test images" in assumptions(trained)[2]
    assert assumptions(trained)[3].endswith("40 % of cells are in LRS.")
    networks, chips, *_ = assumptions(given)
    assert networks.startswith("The networks are those of a.safetensors, b.safetensors.")
    assert networks.endswith(" The training BER 0.05 stands for BER LRS 0.1, HRS 0.0.")
    assert chips.startswith("Chips are drawn from fault models given in Python")
    text = Page(render(trained, inlined(draw_figures(trained)))).text
    assert all(shown(sentence) in text for sentence in assumptions(trained))


def test_a_part_that_is_printed_as_nothing_has_no_bar():
    found = findings()
    tiny = found.tradeoff.copy(deep=True)
    for name in ("images", "chips"):
        tiny[f"loss_{name}"][:] = 1e-6
    parts = answer(replace(found, tradeoff=tiny)).parts
    assert [(part.value, part.share) for part in parts if part.value.startswith("±")] == [
        ("± 0.00", 0.0)
    ] * 2
    assert max(part.share for part in answer(found).parts) == 100.0
