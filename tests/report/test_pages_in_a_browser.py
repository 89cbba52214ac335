"""The reports as a reader has them: in a browser, on a desk, in a hand, in the dark, on paper."""

import re
from math import isnan
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from browser import Browser, missing

import rramsim
from rramsim.network.model_files import save_network
from rramsim.network.training.train import train
from rramsim.plotting.style import COLORS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"not on this machine: {', '.join(missing())}"),
]

PHONE = 390  # pixels

SORTED = """
const shown = (table, column) => [...table.tBodies[0].rows].map((row) => {
  const cell = row.cells[column];
  return [cell.dataset.value ?? null, cell.textContent];
});
return [...document.querySelectorAll("table.sortable")].map((table) =>
  [...table.querySelectorAll("thead th button")].map((button) => {
    const head = button.parentElement;
    const orders = [["none", shown(table, head.cellIndex)]];
    for (let press = 0; press < 3; press += 1) {
      button.click();
      orders.push([head.getAttribute("aria-sort"), shown(table, head.cellIndex)]);
    }
    return orders;
  }));
"""

LINKS = """
return [...document.querySelectorAll("a[href]")].map((link) => {
  const target = link.getAttribute("href");
  return [target, target.startsWith("#") && document.querySelector(target) !== null];
});
"""

# Colours of all texts before what is behind them; those of a figure lie on the paper.
COLOURS = """
const opaque = (node) => {
  for (; node; node = node.parentElement) {
    const color = getComputedStyle(node).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)") return color;
  }
  return "rgb(255, 255, 255)";
};
const told = [];
for (const node of document.querySelectorAll("body *")) {
  const style = getComputedStyle(node);
  const has_text = [...node.childNodes].some((part) => part.nodeType === 3 && part.data.trim());
  if (has_text && !node.closest("svg, script"))
    told.push([node.tagName, style.color, opaque(node)]);
  if (node.matches("svg use") && node.getAttribute("xlink:href").includes("DejaVu"))
    told.push(["letter", style.fill, opaque(node.closest("figure"))]);
}
return [...new Set(told.map((one) => one.join("|")))].map((one) => one.split("|"));
"""

# A colour of the figures, as the browser paints it, before the paper.
DRAWN = """
const body = document.body;
body.style.outlineColor = `var(${arguments[0]})`;
return [getComputedStyle(body).outlineColor, getComputedStyle(body).backgroundColor];
"""

POINT = """
const points = document.querySelectorAll("figure svg circle.value");
const point = [...points].find((one) => one.dataset.value.includes("%"));
"""
SCROLL = POINT + 'point.scrollIntoView({ block: "center", inline: "center" });'
VALUE = (
    POINT
    + """
const { x, y, width, height } = point.getBoundingClientRect();
return [x + width / 2, y + height / 2, point.dataset.value, points.length];
"""
)

BOX = 'const box = document.querySelector(".values"); return box.hidden ? "" : box.textContent;'


@pytest.fixture(scope="module", params=["tradeoff", "fit"])
def written(request, tmp_path_factory):
    """Write a small report of either kind, of files that lie in a folder; return its page."""
    folder = tmp_path_factory.mktemp("report")
    cells, energies, model = (
        folder / "my files" / name for name in ("cells.csv", "energies.csv", "plain.safetensors")
    )
    cells.parent.mkdir()
    energies.write_text("name,E SET (pJ),BER\nweak,9,0.03\nstrong,30,1e-3\nvery strong,,1e-4\n")
    if request.param == "tradeoff":
        save_network(model, train("digits", network="64-16-10", epochs=1))
        small = {"models": [model], "curve_bers": [1e-3, 0.1], "chips": 3}
        return rramsim.tradeoff(conditions=energies, out=folder / "made", **small).report_path
    draw = np.random.default_rng(1).normal
    rows = [
        f"{name},{state},{i},{np.exp(draw(mu + shift, 0.5)):.6g}"
        for name, shift in (("weak", 0.4), ("strong", 0.2), ("very strong", 0.0))
        for state, mu in (("LRS", 2.0), ("HRS", 4.5))
        for i in range(30)
    ]
    cells.write_text("\n".join(["condition,state,cell,R (kOhm)", *rows]))
    return rramsim.fit(cells, conditions=energies).report(folder / "made")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def page(written, browser):
    """Open a page on a desk; it must have said nothing on the console when all is done."""
    browser.screen(1280)
    browser.open(written)
    yield written
    assert browser.messages() == []


def luminance(color):
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", color)[:3])
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast of two colours, as WCAG 2.1 defines it."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_a_press_on_a_column_sorts_by_value_and_the_third_restores(page, browser):
    tables = browser.run(SORTED)
    by_number = [orders for table in tables for orders in table if orders[0][1][0][0] is not None]
    assert by_number
    for start, *pressed, restored in (orders for table in tables for orders in table):
        assert [direction for direction, _ in pressed] == ["ascending", "descending"]
        assert restored == start
    for _, *pressed, _ in by_number:
        for sign, (_, cells) in zip((1, -1), pressed, strict=True):
            values = [sign * float(value or "nan") for value, _ in cells]
            known = [value for value in values if not isnan(value)]
            # What is unknown comes last either way.
            assert values[: len(known)] == sorted(known)


def test_every_link_leads_somewhere(page, browser):
    check_links(page, browser.run(LINKS), files={"conditions.nc", "provenance.json"})


def check_links(page, links, files):
    inside = [(target, there) for target, there in links if target.startswith("#")]
    assert len(inside) >= 6
    assert all(there for _, there in inside)
    targets = [target for target, _ in links if not target.startswith("#")]
    assert files <= set(targets)
    assert sum(target.startswith("figures/") for target in targets) >= 4
    for target in targets:
        assert not re.match(r"[a-z]+:|/", target)
        assert (page.parent / unquote(target)).is_file()


def test_no_place_of_this_machine_is_told_and_the_page_is_small(page, tmp_path_factory):
    html = page.read_text()
    assert str(tmp_path_factory.getbasetemp()) not in html
    assert "my files" not in html
    assert "energies.csv" in html
    assert len(html) < 3e6


def test_points_say_their_values_to_a_mouse_and_to_a_finger(page, browser):
    for touch in (False, True):
        browser.run(SCROLL)
        browser.settle()
        x, y, text, count = browser.run(VALUE)
        assert count >= 6
        assert re.search(r"\d", text)
        browser.point(x, y, touch=touch)
        assert text in browser.run(BOX)
        browser.point(5, 5, touch=touch)
        assert browser.run(BOX) == ""


def test_arrow_keys_go_through_the_points_of_a_figure(page, browser):
    browser.run('document.querySelector("figure [role=img]:has(circle.value)").focus()')
    said = set()
    for _ in range(3):
        browser.press("\ue014")  # the right arrow
        browser.settle()
        said.add(browser.run(BOX))
    assert len(said) == 3
    assert "" not in said


def test_the_answer_is_on_the_first_screen(page, browser):
    bottom = 'return document.querySelector("#answer").getBoundingClientRect().bottom'
    browser.screen(1280, height=800)
    assert browser.run(bottom) <= 800
    if page.with_name("tradeoff.nc").exists():
        browser.screen(PHONE, height=844, phone=True)
        browser.open(page)
        assert browser.run(bottom) <= 844


def test_a_phone_need_not_scroll_sideways(page, browser):
    browser.screen(PHONE, phone=True)
    browser.open(page)
    assert browser.run("return document.scrollingElement.scrollWidth") <= PHONE


def test_texts_and_lines_can_be_read_in_light_and_in_the_dark(page, browser):
    papers = []
    for dark in (False, True):
        browser.screen(1280, dark=dark)
        told = browser.run(COLOURS)
        assert {"letter", "P", "TD", "H2"} <= {name for name, _, _ in told}
        poor = [one for one in told if contrast(*one[1:]) < 4.5]
        assert poor == []
        # Lines and markers need less contrast than letters.
        drawn = {name: browser.run(DRAWN, f"--figure-{name}") for name in COLORS}
        assert {name: color for name, color in drawn.items() if contrast(*color) < 3} == {}
        papers.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert luminance(papers[0]) > 0.9
    assert luminance(papers[1]) < 0.02


def test_a_print_is_light_and_without_what_paper_cannot_do(page, browser):
    browser.screen(1280, dark=True, medium="print")
    assert (
        browser.run("return getComputedStyle(document.body).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    shown = "return getComputedStyle(document.querySelector(arguments[0])).display"
    assert browser.run(shown, "nav.contents") == "none"
    assert browser.run(shown, "figure") == "block"


def test_the_page_of_a_real_chip_is_read_anywhere(browser, tmp_path):
    network = train("digits", network="64-16-10", epochs=1)
    rramsim.export_tiles(network, tmp_path / "tiles", tile="32x8")
    reads = (tmp_path / "tiles" / "tiles.csv").rename(tmp_path / "chip.csv")
    table = pd.read_csv(reads)
    table.loc[::40, "bit"] = 1 - table.loc[::40, "bit"]
    table.to_csv(reads, index=False)
    chip = rramsim.read_back(
        network, reads, tiles=tmp_path / "tiles", expected=rramsim.IidFaults(0.02), chips=5
    )
    page = rramsim.report_chip(chip, tmp_path / "made")
    assert str(tmp_path) not in page.read_text()
    browser.screen(1280)
    browser.open(page)
    check_links(page, browser.run(LINKS), files={"chip.nc", "lines.csv"})
    test_texts_and_lines_can_be_read_in_light_and_in_the_dark(page, browser)
    test_a_phone_need_not_scroll_sideways(page, browser)
    test_a_print_is_light_and_without_what_paper_cannot_do(page, browser)
    assert browser.messages() == []
