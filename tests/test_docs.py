"""The documentation and the workflows are true: commands exist, help has examples, studies run."""

import ast
import contextlib
import doctest
import hashlib
import importlib
import io
import pkgutil
import re
import shlex
import tomllib
from pathlib import Path

import gallery
import numpy as np
import pytest
from matplotlib import pyplot
from scipy import stats
from typer.main import get_command
from typer.testing import CliRunner

import rramsim
import rramsim.cli  # registers the commands
from rramsim import schema
from rramsim.cli.app import app
from rramsim.device.characterize import characterize
from rramsim.images import catalogue
from rramsim.readers.measurements import read_measurements
from rramsim.report.fit.sections import fit_plots
from rramsim.study.settings import make_study
from rramsim.study.tradeoff import run_study

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
(NOTEBOOK,) = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "notebook.md").read_text(), re.DOTALL
)
COMMANDS = sorted(get_command(app).commands)
STUDIES = sorted((ROOT / "workflows").glob("*/study.toml"))
PACKAGE = Path(rramsim.__file__).parent
WITH_EXAMPLES = [
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in file.read_text()
]
# Those that run a whole trade-off, draw figures, or load torch for a module of it.
LONG = (
    "rramsim.decision.recommend",
    "rramsim.network.importing.module",
    "rramsim.plotting.tradeoff",
    "rramsim.study.compare",
    "rramsim.study.fit",
    "rramsim.study.tradeoff",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_is_in_the_readme(name):
    shown = CliRunner().invoke(app, [name, "--help"], prog_name="rramsim").stdout
    assert "Example" in shown
    assert f"rramsim {name} " in shown
    assert "--json" in shown
    assert f"`rramsim {name}" in (ROOT / "README.md").read_text()


def test_every_command_that_a_text_names_exists():
    texts = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("workflows/**/*.md")]
    named = {
        (path.name, command)
        for path in texts
        for command in re.findall(r"^rramsim (\w+)|`rramsim (\w+)", path.read_text(), re.MULTILINE)
    }
    assert len(named) > 5
    for path, command in named:
        assert "".join(command) in COMMANDS, path


def test_every_option_that_a_text_shows_exists():
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("workflows/**/*.md")]
    commands, shown = get_command(app).commands, 0
    for path in texts:
        blocks = re.findall(r"```(?:sh|bash|powershell)\n(.*?)```", path.read_text(), re.DOTALL)
        for line in "".join(blocks).replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["rramsim"] and words[1] in commands:
                command = commands[words[1]]
                # It raises where there is no such option, or where its value is missing.
                command.make_parser(command.context_class(command)).parse_args(words[2:])
                shown += 1
    assert shown > 40


def test_the_first_page_leads_to_every_page():
    page = (ROOT / "docs" / "index.md").read_text()
    trees = re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)```", page, re.DOTALL)
    in_trees = "".join(trees).split()
    listed = re.findall(r"\]\(([\w-]+)\.md\)", page.partition("## All pages by purpose")[2])
    written = ["commands", "datasets"]  # by the build
    pages = {file.stem for file in (ROOT / "docs").glob("*.md")} - {"index"}
    assert in_trees == listed
    assert set(in_trees) == (pages | {*written}) - {"study-settings", "training-settings"}


def test_every_name_of_the_package_that_a_text_names_exists():
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("workflows/**/*.md")]
    named = {
        name
        for path in texts
        for name in re.findall(r"\brramsim(?:\.[A-Za-z_]\w*)+", path.read_text())
        if name.rpartition(".")[2] not in ("toml", "json", "html", "csv", "nc")
    }
    assert len(named) > 20
    missing = [name for name in sorted(named) if not _exists(name)]
    assert missing == []


def _exists(name):
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_the_readme_shows_the_first_cells_of_the_page_on_measurements():
    page = (ROOT / "docs" / "own-measurements.md").read_text()
    shown, *_ = re.findall(r"```text\n(condition,.*?)```", README, re.DOTALL)
    table, *_ = re.findall(r"```text\n(condition,.*?)```", page, re.DOTALL)
    assert table.startswith(shown)


def test_every_file_that_a_readme_leads_to_is_there():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("workflows/**/*.md"), *ROOT.glob("device_data/**/*.md")]
    targets = {
        (page, target.partition("#")[0])
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", page.read_text())
    }
    assert len(targets) > 40
    missing = [
        (page.name, target) for page, target in targets if not (page.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.slow
def test_the_first_table_of_measurements_runs_as_it_stands(tmp_path):
    page = (ROOT / "docs" / "own-measurements.md").read_text()
    table, *_ = re.findall(r"```text\n(condition,.*?)```", page, re.DOTALL)
    (tmp_path / "cells.csv").write_text(table)
    found = characterize(read_measurements([tmp_path / "cells.csv"]))
    (row,) = schema.records(found.products["conditions"], "condition")
    assert row["condition"] == "55 uA"
    medians = np.exp(found.products["populations"]["mu"].values.ravel())
    # Geometric means of the resistances in the table.
    cells = np.genfromtxt(tmp_path / "cells.csv", delimiter=",", skip_header=1)[:, 2:]
    assert medians == pytest.approx(1e3 * stats.gmean(cells), rel=1e-6)
    # It shows a BER, and not a bound alone.
    ber = row.interval("ber")
    assert (ber.basis, ber.bound) == ("fitted", "")
    assert [f"{value:.1e}" for value in (ber.estimate, ber.low)] == ["3.9e-03", "3.4e-04"]
    assert f"{ber.high:.3f}" == "0.026"
    assert CliRunner().invoke(app, ["fit", str(tmp_path / "cells.csv")]).exit_code == 0


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.parent.name)
def test_every_workflow_has_a_readme_that_runs_it(file):
    readme = (file.parent / "README.md").read_text()
    assert f"rramsim tradeoff {file.relative_to(ROOT).as_posix()}" in readme
    assert file.parent.name in (ROOT / "workflows" / "README.md").read_text()


@pytest.mark.parametrize(
    "readme", sorted((ROOT / "workflows").glob("*/**/README.md")), ids=lambda file: file.parent.name
)
def test_the_readme_of_a_workflow_begins_with_its_answer(readme):
    title, blank, answer, *_ = readme.read_text().splitlines()
    assert (title[:2], blank) == ("# ", "")
    assert answer.startswith("**")


def test_every_workflow_shows_its_figure_and_is_in_the_list():
    listed = (ROOT / "workflows" / "README.md").read_text()
    folders = [file.parent for file in (ROOT / "workflows").glob("*/README.md")]
    assert len(folders) > 10
    for folder in folders:
        assert f"]({folder.name})" in listed
        assert re.search(r"^!\[.+\]\(.+\.png\)$", (folder / "README.md").read_text(), re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own-measurements", "real-cycling"])
def test_a_workflow_runs_in_reduced_form(name, tmp_path):
    small = {"network": "64-16-10", "epochs": 1, "chips": 2, "curve_bers": (0.01,)}
    small |= {"protections": ("none",), "reestimate": False}
    study = make_study(ROOT / "workflows" / name / "study.toml", training_bers=(0.0,), **small)
    findings = run_study(study, tmp_path / "out", lambda stage, done, total, note="": None)
    page = (tmp_path / "out" / "report.html").read_text()
    if name == "own-measurements":
        assert {str(found) for found in findings.conditions.origin.values} == {"synthetic"}
        assert "row 11" in page  # the empty cell
        assert set(findings.tradeoff.set_energy_basis.values) == {"stated", "computed"}
    else:
        assert set(findings.conditions.ber_basis.values) == {"counted"}
        assert findings.tradeoff.programming_energy.isnull().all()
        assert "energy" in findings.recommendation.reason


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in WITH_EXAMPLES],
)
def test_the_examples_in_docstrings_give_what_they_show(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # What an example registers is not to stay.
    monkeypatch.setattr(catalogue, "_NAMES", dict(catalogue._NAMES))
    monkeypatch.setattr(catalogue, "_LAYOUTS", list(catalogue._LAYOUTS))
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, extraglobs={"rramsim": rramsim})
    pyplot.close("all")
    assert not failed
    assert tried


def test_the_readme_and_the_page_show_the_same_notebook():
    (in_readme,) = re.findall(r"```python\n(import rramsim\n.*?)```", README, re.DOTALL)
    assert in_readme == NOTEBOOK


@pytest.mark.slow
def test_the_tutorial_runs_as_it_stands_and_gives_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page, names, printed = (ROOT / "docs" / "tutorial.md").read_text(), {}, []
    # A cell of the notebook may begin with its settings, and with commands to Jupyter.
    settings = r"(?:---\n.*?\n---\n|(?:[:%][^\n]*\n|\n)*)"
    blocks = re.findall(
        rf"```(\{{code-cell\}} ipython3|sh|toml)\n{settings}(.*?)```", page, re.DOTALL
    )
    assert len(re.findall("^```", page, re.MULTILINE)) == 2 * (len(blocks) + 1)
    for language, lines in blocks:
        if language == "toml":
            Path("study.toml").write_text(lines)
        elif language == "sh":
            done = [CliRunner().invoke(app, shlex.split(one)[1:]) for one in lines.splitlines()]
            assert [one.exit_code for one in done] == [0] * len(done)
        else:
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                exec(compile(lines, "tutorial.md", "exec"), names)
            printed.append(shown.getvalue())
    assert len(pyplot.get_fignums()) == 3
    pyplot.close("all")
    # What the page says of the results.
    fit, first, second = (names[name] for name in ("fit", "first", "second"))
    assert fit.ber["ber_extrapolated"].all()
    assert fit._repr_html_().count("<td>holds</td>") == 4
    assert "Recommended: " in first._repr_html_()
    assert re.search(r"<td>−?\d\.\d\d, \d\.\d\d</td>", first._repr_html_())
    # The networks, and with them the first recommendation, depend on the processor.
    assert not first.recommendation.settled
    sentence = first.recommendation.would_settle
    assert "“30 uA” with " in sentence
    trainings, *others = map(float, re.findall(r"\w+ (\d\.\d+)[,)]", sentence.partition("±")[2]))
    assert len(others) == 3
    assert trainings > max(others)
    chosen = second.recommendation
    assert (chosen.condition, chosen.training_ber, chosen.settled) == ("30 uA", 0.03, True)
    assert chosen.met
    energies = second.tradeoff["programming_energy"].sel(protection="none", training_ber=0.03)
    assert 0.28 < float(energies.sel(condition="30 uA") / energies.sel(condition="100 uA")) < 0.36
    assert names["stricter"].condition == "30 uA"
    # The sheet to sign names the decision, its grounds and the files.
    sheet = printed[-1]
    assert "program with '30 uA', protection 'none'" in sheet
    assert "extrapolated" in sheet
    for file in ("cells.csv", "energies.toml"):
        assert f"{file}, SHA-256 {hashlib.sha256(Path(file).read_bytes()).hexdigest()}" in sheet
    # The command found the study that Python had finished.
    (ending,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert " ".join(ending.split()) in " ".join(done[-1].stdout.split())


@pytest.mark.slow
def test_the_lines_of_the_gallery_draw_its_figures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figures = gallery.draw(tmp_path)
    shown = re.findall(r"!\[.*\]\((.*)\)", gallery.PAGE.read_text())
    assert [str(file.relative_to(tmp_path)) for file in figures] == shown
    assert all(file.stat().st_size > 20_000 for file in figures)
    assert {file.stem for file in figures} >= set(
        fit_plots(rramsim.fit("ni-rram-64kb-cycling").examination)
    )


@pytest.mark.slow
def test_the_notebook_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "own-measurements.md").read_text()
    cells, *_ = re.findall(r"```text\n(condition,.*?)```", page, re.DOTALL)
    (energies,) = re.findall(r"```toml\n(\[\[condition\]\].*?)```", page, re.DOTALL)
    Path("cells.csv").write_text(cells)
    Path("energies.toml").write_text(energies)
    # Smaller networks and fewer chips, for the sake of time.
    small = 'network="64-16-10", epochs=2'
    lines = NOTEBOOK.replace("training_ber=0.05", f"training_ber=0.05, {small}")
    lines = lines.replace('out="results"', f'out="results", {small}, chips=5')
    assert lines.count(small) == 2
    names = {}
    for line in ast.parse(lines).body:
        exec(compile(ast.Module([line], []), "notebook", "exec"), names)
    assert "<table" in names["fit"]._repr_html_()
    assert names["accuracy"]["accuracy"].size == 3
    assert len(pyplot.get_fignums()) == 2
    pyplot.close("all")
    assert Path("results", "report.html").stat().st_size > 10_000


def test_the_page_on_training_states_how_far_the_interval_of_a_mean_reaches():
    page = (ROOT / "docs" / "training.md").read_text()
    (table,) = re.findall(r"^\| trainings \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    (header,) = re.findall(r"^\| trainings \|(.*)\|$", page, re.MULTILINE)
    counts = [int(cell) for cell in header.split("|")]
    stated = {
        row.split("|")[1].strip(): [float(cell) for cell in row.split("|")[2:-1]]
        for row in table.splitlines()
    }
    ends = [stats.t.ppf(0.975, count - 1) for count in counts]
    assert stated["seeds"] == [
        round(end / count**0.5, 2) for end, count in zip(ends, counts, strict=True)
    ]
    assert stated["folds"] == [
        round(end * (1 / count + 1 / (count - 1)) ** 0.5, 2)
        for end, count in zip(ends, counts, strict=True)
    ]


def test_the_page_on_protections_runs_and_states_what_codes_leave(capsys):
    page = (ROOT / "docs" / "protections.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(example, {})
    assert capsys.readouterr().out == "['1.0e-02', '5.3e-03', '1.8e-03']\n"
    rows = re.findall(r"^\| ([\d.]+×10⁻[\d⁰-⁹²³]+) \| (.+) \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) == 3
    powers = str.maketrans("⁻²³⁴⁵⁶⁷⁸", "-2345678")
    numbers = [[float(one.translate(powers).replace("×10", "e")) for one in row] for row in rows]
    codes = ("secded(72,64)", "bch(78,64,2)", "bch(85,64,3)")
    for ber, *residual in numbers:
        left = [rramsim.protect(rramsim.IidFaults(ber), code).mean_ber(0.5) for code in codes]
        assert residual == [float(f"{rate:.1e}") for rate in left]


@pytest.mark.slow
def test_the_trainings_of_the_page_run_as_they_stand(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "training.md").read_text()
    (lines,) = [
        lines
        for lines in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        if "train_replicates" in lines
    ]
    monkeypatch.chdir(tmp_path)
    # Smaller networks, for the sake of time.
    names = {"rramsim": rramsim}
    exec(
        "import rramsim\n" + lines.replace("folds=5", 'folds=5, network="64-8-10", epochs=1'), names
    )
    mean = names["mean"]
    assert mean["fold"].values.tolist() == [1, 2, 3, 4, 5]
    assert int(mean["test_images"].sum()) == 1797
    assert float(mean["accuracy"][0]) == pytest.approx(
        np.mean([network.accuracy for network in names["networks"]])
    )
    assert (tmp_path / "mean.nc").exists()


@pytest.mark.slow
def test_the_page_on_cells_that_err_together_runs_as_it_stands(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "correlated-cells.md").read_text()
    (array,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"```sh\nrramsim (evaluate .*?)\n```", page, re.DOTALL)
    settings = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    assert [make_study(**one).correlated is True for one in settings] == [True, False]
    monkeypatch.chdir(tmp_path)
    # A smaller network and fewer chips, for the sake of time.
    small = 'training_ber=0.03, network="64-32-10", epochs=5, file="network.safetensors"'
    names = {}
    exec(array.replace("training_ber=0.03", small).replace("chips=200", "chips=5"), names)
    alone, together = (names["fit"].faults(names["name"], correlated=one) for one in (False, True))
    assert together.faults == alone
    assert together.sigma_column == pytest.approx((0.4 / 2, 0.75 / 2), rel=0.3)
    shown = CliRunner().invoke(app, shlex.split(command.replace("100", "5")))
    assert shown.exit_code == 0
    assert "cells share columns 0.32 " in " ".join(shown.stdout.split())


@pytest.mark.slow
def test_the_page_on_real_chips_runs_as_it_stands(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "real-chips.md").read_text()
    make, compare, read_anew = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    commands = re.findall(r"```sh\nrramsim (.*?)\n```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    # A smaller network, for the sake of time.
    small = 'training_ber=0.05, network="64-32-10", epochs=20'
    names = {}
    exec(make.replace("training_ber=0.05", small), names)
    shown = [CliRunner().invoke(app, shlex.split(command)) for command in commands]
    assert [one.exit_code for one in shown] == [0, 0]
    exec(compare, names)
    reports = [Path("chip-report", "report.html"), names["page"]]
    answers = [
        re.search(r'id="answer".*?</section>', one.read_text(), re.DOTALL) for one in reports
    ]
    told = [one[0].replace("condition “ni-rram-64kb-cycling”", "") for one in answers]
    assert told[0] == told[1].replace("faults that were expected", "")
    found, clean = names["found"], float(names["network"].accuracy)
    assert f"without errors {100 * clean:.2f}" in shown[1].stdout
    assert f"This chip classifies {100 * float(found.accuracy):.2f}" in shown[1].stdout
    # Its cells are those that were measured, so it has their error rates.
    assert float(found.p_value.min()) > 0.001
    assert float(found.p_value_left_open.min()) > 0.1
    assert float(found.cluster_p_value.min()) > 0.001
    assert names["is_as_predicted"]
    exec(read_anew, names)
    assert all(0 < share < 1 for share in names["share_of_variance"])
    assert names["read_anew"].attrs["read_noise"] == "fresh"
