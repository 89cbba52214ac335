import warnings
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from rramsim.errors import InputError
from rramsim.plotting.style import COLORS, add_values, figure_style, save_figure, write_figure


def drawn() -> Figure:
    with figure_style():
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([1, 2, 3], label="R [Ω]", gid="line")
        figure.axes[0].legend()
    return figure


@pytest.mark.slow
def test_the_same_figure_gives_the_same_bytes_without_date(tmp_path):
    first = save_figure(drawn(), tmp_path / "a" / "strong.1")
    second = save_figure(drawn(), tmp_path / "b" / "strong.1")
    assert [path.name for path in first] == ["strong.1.svg", "strong.1.png"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert b"dc:date" not in first[0].read_bytes()
    assert first[1].read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "strong.1.png",
        "strong.1.svg",
    ]


def test_the_style_is_the_same_on_every_machine_and_leaves_no_trace():
    with mpl.rc_context({"font.size": 31, "lines.linestyle": ":"}):
        with figure_style():
            assert mpl.rcParams["font.size"] == 9
            assert mpl.rcParams["lines.linestyle"] == "-"
            assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(COLORS.values())
        assert mpl.rcParams["font.size"] == 31


@pytest.mark.parametrize("before", [False, True])
def test_a_notebook_that_pyplot_makes_interactive_inside_the_style_stays_so(before):
    with mpl.rc_context({"interactive": before}):
        with figure_style():
            assert mpl.is_interactive() == before
        assert mpl.is_interactive() == before
        with figure_style():
            mpl.interactive(True)
        assert mpl.is_interactive()


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="cannot be made"):
        save_figure(drawn(), tmp_path / "taken" / "figure")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start"), [("a.svg", b"<?xml"), ("a.PNG", b"\x89PNG"), ("a.pdf", b"%PDF")]
)
def test_the_suffix_names_the_form_and_the_bytes_are_the_same_again(tmp_path, name, start):
    one, two = tmp_path / "1" / name, tmp_path / "2" / name
    for path in (one, two):
        write_figure(drawn(), path)
    assert one.read_bytes().startswith(start)
    assert one.read_bytes() == two.read_bytes()


def test_another_suffix_is_told(tmp_path):
    with pytest.raises(InputError, match=r"figure\.doc.*\.svg, \.png, \.pdf"):
        write_figure(drawn(), tmp_path / "figure.doc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_letter_that_the_font_lacks_is_not_warned_of_and_other_warnings_are(tmp_path):
    """Warnings are errors in these tests."""
    with figure_style():
        figure = Figure(figsize=(3, 2), layout="constrained")
        figure.subplots().set_title("弱", parse_math=False)
    for path in save_figure(figure, tmp_path / "figure"):
        assert path.stat().st_size > 0
    with figure_style(), pytest.warns(UserWarning, match="something else"):
        warnings.warn("something else", UserWarning, stacklevel=1)


def test_points_say_their_values_where_they_are_drawn_and_change_no_ink(tmp_path):
    bare, told = drawn(), drawn()
    axes = told.axes[0]
    places = [0.0, 2.0, 99.0, float("nan")]
    add_values(axes, places, [1.0, 3.0, 1.0, 1.0], ["first <1>", "last", "out of view", "nowhere"])
    assert axes.get_xlim() == bare.axes[0].get_xlim()
    for name, figure in (("bare", bare), ("told", told)):
        save_figure(figure, tmp_path / name)
    assert (tmp_path / "bare.png").read_bytes() == (tmp_path / "told.png").read_bytes()
    svg = ElementTree.parse(tmp_path / "told.svg")
    circles = svg.findall(".//{*}circle[@class='value']")
    assert [circle.findtext("{*}title") for circle in circles] == ["first <1>", "last"]
    # The line of the figure goes through its first and its last point.
    (line,) = svg.findall(".//{*}g[@id='line']/{*}path")
    parts = line.get("d").replace("M", "L").split("L")[1:]
    ends = [tuple(map(float, part.split())) for part in parts]
    for circle, end in zip(circles, (ends[0], ends[-1]), strict=True):
        assert (float(circle.get("cx")), float(circle.get("cy"))) == pytest.approx(end, abs=0.01)
