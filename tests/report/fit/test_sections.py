import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from rramsim.device.examine import examine
from rramsim.measurements import Measured
from rramsim.plotting.style import figure_of
from rramsim.report.fit.page import render_fit
from rramsim.report.fit.sections import (
    SECTIONS,
    absent_sections,
    fit_answer,
    fit_plots,
    fit_tables,
)
from rramsim.report.fit.terminal import text
from rramsim.report.html import inlined
from rramsim.report.keys import answer, each, same
from rramsim.report.provenance import Provenance
from rramsim.report.section import Picture, Section
from rramsim.report.text_table import csv_text, table_of
from rramsim.schema import STATES, make, records


@pytest.fixture(scope="module")
def examination():
    rng = np.random.default_rng(1)
    state = np.repeat([0, 1], 40)
    readings = make(
        "readings",
        {
            "resistance": np.exp(np.where(state == 0, 9.0, 13.0) + 0.2 * rng.standard_normal(80)),
            "censoring": np.zeros(80, dtype=int),
            "condition_index": np.zeros(80, dtype=int),
            "state_index": state,
            "cell": np.full(80, -1),
            "cycle": np.full(80, -1),
        },
        {"condition": ["weak"], "state": list(STATES)},
    )
    return examine(Measured(readings, (), "measured", ()))


@pytest.fixture
def toy(monkeypatch, examination):
    """Add a section of a toy analysis, and return an examination with its product."""

    def rows(examined):
        return records(examined.products["toy"], "condition")

    def draw(dataset, ax):
        axes = ax.subplots()
        axes.set_title(dataset.attrs["unit_of_play"])

    def parts(examined):
        columns = {"condition": "condition", "fun": "fun"}
        plot = lambda ax: draw(examined.products["toy"], ax)  # noqa: E731
        return [
            Picture("toy", plot, "Fun by condition", "More is better."),
            table_of("Fun of each condition", rows(examined), columns, remark="A toy <remark>."),
            ("First & foremost.", "Second."),
        ]

    keys = same("condition", "fun")
    section = Section(
        "toy",
        parts,
        "Toys in {unit_of_play}",
        interval="Fun",
        answer={"fun": each("condition", keys)},
        csv=lambda examined: csv_text([answer(row, keys) for row in rows(examined)]),
        absent="Fun",
        option="--play",
    )
    monkeypatch.setattr("rramsim.report.fit.sections.SECTIONS", [*SECTIONS, section])
    for module in ("page", "terminal"):
        monkeypatch.setattr(f"rramsim.report.fit.{module}.SECTIONS", [*SECTIONS, section])
    product = xr.Dataset(
        {name: ("condition", [value]) for name, value in (("fun", 7.5), ("fun_low", 6.0))},
        {"condition": ["weak"]},
        {"unit_of_play": "smiles", "interval": "guessed"},
    )
    return replace(examination, products={**examination.products, "toy": product})


@pytest.mark.slow
def test_a_section_added_at_run_time_is_in_page_terminal_json_csv_and_figures(toy):
    plots = fit_plots(toy)
    assert list(plots) == ["populations", "toy"]
    figures = {name: figure_of(plot) for name, plot in plots.items()}
    page = render_fit(toy, inlined(figures), Provenance("rramsim fit cells.csv"))
    for part in (
        *(
            '<h2 id="toys-in-unit-of-play">Toys in smiles</h2>',
            "<td>7.5 (6 or more)</td>",
            "A toy &lt;remark&gt;.",
        ),
        *("<li>First &amp; foremost.</li>", "More is better.", "<li>Fun: guessed.</li>"),
        *('aria-label="Fun by condition"', 'id="toy-'),
    ):
        assert part in page
    shown = text(toy, styled=False)
    for part in ("Fun of each condition", "7.5 (6 or more)", "A toy <remark>."):
        assert part in shown
    assert "Fun: guessed." not in shown
    assert "Fun: guessed." in text(toy, styled=False, verbose=True)
    answer = json.loads(json.dumps(fit_answer(toy)))
    assert answer["toy"] == {"fun": [{"condition": "weak", "fun": 7.5}]}
    assert fit_tables(toy)["toy.csv"] == "condition,fun\nweak,7.5\n"


@pytest.mark.slow
def test_where_its_product_is_missing_the_page_tells_how_to_ask_for_it(toy, examination):
    assert "Fun: ask with --play." in absent_sections(examination)
    assert "Fun: ask with --play." not in absent_sections(toy)
    assert fit_answer(examination)["toy"] is None
    assert "toy.csv" not in fit_tables(examination)
    assert "Toys" not in render_fit(
        examination,
        inlined({name: figure_of(plot) for name, plot in fit_plots(examination).items()}),
        Provenance("rramsim fit cells.csv"),
    )


def test_questions_come_before_columns_among_what_is_left_out(examination):
    absent = absent_sections(examination)
    asked = [sentence.endswith(("--target-ber.", "--read-pulse.")) for sentence in absent]
    assert asked == [True, True, False, False, False]
