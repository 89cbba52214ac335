"""Counts and percentiles instead of readings: what they give, and no more than they can show."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, norm

import rramsim
from rramsim.errors import InputError

COUNTS = (
    "condition,state,errors,bits,reference (kOhm)\n"
    "A,LRS,3,4096,20\nA,HRS,12,4096,20\nB,LRS,0,4096,20\nB,HRS,0,4096,20\n"
)
SHARES = (0.01, 0.1, 0.5, 0.9, 0.99)
MU, SIGMA = (np.log(5.2e3), np.log(230e3)), (0.12, 0.55)


def percentile_rows(readings=4096, shares=SHARES, mu=MU, sigma=SIGMA):
    header = ",".join(f"p{100 * share:g} (kOhm)" for share in shares)
    lines = [f"condition,state,n,{header}"]
    for state, m, s in zip(("LRS", "HRS"), mu, sigma, strict=True):
        ohms = np.exp(m + s * norm.ppf(shares)) / 1e3
        lines.append(f"A,{state},{readings}," + ",".join(f"{ohm:.6g}" for ohm in ohms))
    return "\n".join(lines) + "\n"


def fit_of(tmp_path, content, **options):
    (tmp_path / "table.csv").write_text(content)
    return rramsim.fit(tmp_path / "table.csv", **options)


def test_counts_give_the_interval_of_clopper_and_pearson(tmp_path):
    fit = fit_of(tmp_path, COUNTS)
    a = fit.conditions.sel(condition="A")
    assert float(a["ber"]) == pytest.approx(15 / 8192)
    assert float(a["ber_low"]) == pytest.approx(beta.ppf(0.025, 15, 8192 - 15 + 1), rel=1e-6)
    assert float(a["ber_high"]) == pytest.approx(beta.ppf(0.975, 16, 8192 - 15), rel=1e-6)
    assert str(a["ber_basis"].values) == "counted"
    assert float(a["reference_resistance"]) == 20e3
    assert (float(a["ber_lrs"]), float(a["ber_hrs"])) == (3 / 4096, 12 / 4096)
    b = fit.conditions.sel(condition="B")
    assert str(b["ber_bound"].values) == "upper"
    assert float(b["ber_high"]) == pytest.approx(1 - 0.05 ** (1 / 8192), rel=1e-3)
    assert fit.populations.sizes["condition"] == 0


def test_counts_are_weighted_by_the_shares_in_use(tmp_path):
    fit = fit_of(tmp_path, COUNTS, lrs_share=0.25)
    ber = float(fit.conditions["ber"].sel(condition="A"))
    assert ber == pytest.approx(0.25 * 3 / 4096 + 0.75 * 12 / 4096)


def test_counts_need_no_reference_and_their_words_may_differ(tmp_path):
    fit = fit_of(tmp_path, "State;Bit errors;Cells\nLRS;1;100\nHRS;2;100\n")
    assert float(fit.conditions["ber"].item()) == pytest.approx(0.015)
    assert np.isnan(fit.conditions["reference_resistance"].item())
    assert fit.conditions["condition"].values.tolist() == ["table"]


def test_percentiles_give_their_lognormals_back(tmp_path):
    fit = fit_of(tmp_path, percentile_rows())
    fits = fit.examination.products["percentile_fits"].sel(condition="A")
    assert fits["mu"].values == pytest.approx(MU, abs=2e-3)
    assert fits["sigma"].values == pytest.approx(SIGMA, rel=5e-3)
    # The percentiles say nearly as much of mu as all readings: sigma / sqrt(n).
    full = np.array(SIGMA) / np.sqrt(4096)
    assert (full < fits["mu_error"].values).all()
    assert (fits["mu_error"].values < 1.2 * full).all()
    assert (fits["deviation"].values < 0.01).all()
    assert (fits["p_value"].values > 0.5).all()


def test_a_row_for_each_percentile_is_the_same(tmp_path):
    wide = fit_of(tmp_path, percentile_rows())
    rows = ["condition,state,n,percentile,R (Ohm)"]
    for state, m, s in zip(("LRS", "HRS"), MU, SIGMA, strict=True):
        rows += [
            f"A,{state},4096,{100 * share:g},{np.exp(m + s * norm.ppf(share)):.8g}"
            for share in SHARES
        ]
    long = fit_of(tmp_path, "\n".join(rows) + "\n")
    of_wide, of_long = (fit.examination.products["percentile_fits"] for fit in (wide, long))
    assert of_long["mu"].values == pytest.approx(of_wide["mu"].values, rel=1e-5)
    assert of_long["lowest"].values.tolist() == of_wide["lowest"].values.tolist()


def test_the_ber_leads_no_further_than_the_percentiles_carry(tmp_path):
    """From p1 to p99 a sample of 100 shows as much; 4,096 readings behind them change nothing."""
    fit = fit_of(tmp_path, percentile_rows())
    row = fit.conditions.sel(condition="A")
    assert str(row["ber_bound"].values) == "upper"
    least = norm.sf(2.0 - norm.ppf(0.01))
    assert float(row["ber_high"]) == pytest.approx(least, rel=0.05)
    assert float(row["ber_fitted"]) < least
    (note,) = [note for note in fit.examination.notes if note.kind == "from percentiles"]
    assert note.values["at_most"] == pytest.approx(0.01)


def test_a_ber_within_the_percentiles_is_fitted(tmp_path):
    fit = fit_of(tmp_path, percentile_rows(mu=(np.log(5e3), np.log(15e3)), sigma=(0.4, 0.6)))
    row = fit.conditions.sel(condition="A")
    reference = float(row["reference_resistance"])
    z = [(np.log(reference) - np.log(5e3)) / 0.4, (np.log(15e3) - np.log(reference)) / 0.6]
    assert float(row["ber"]) == pytest.approx(norm.sf(z).mean(), rel=0.01)
    assert float(row["ber_low"]) < float(row["ber"]) < float(row["ber_high"])
    assert (str(row["ber_basis"].values), str(row["ber_bound"].values)) == ("fitted", "")


def test_percentiles_of_no_lognormal_give_their_bound_only(tmp_path):
    rows = percentile_rows().splitlines()
    rows[2] = "A,HRS,4096,7,180,230,300,420"
    fit = fit_of(tmp_path, "\n".join(rows) + "\n")
    row = fit.conditions.sel(condition="A")
    assert (str(row["ber_basis"].values), str(row["ber_bound"].values)) == ("counted", "upper")
    assert "not lognormal" in [note.kind for note in fit.examination.notes]


def test_without_the_number_of_readings_no_interval_is_told(tmp_path):
    content = percentile_rows(mu=(np.log(5e3), np.log(15e3)), sigma=(0.4, 0.6))
    fit = fit_of(tmp_path, content.replace(",4096,", ",,"))
    row = fit.conditions.sel(condition="A")
    assert np.isfinite(row["ber"])
    assert np.isnan(row["ber_low"])
    assert np.isnan(row["ber_high"])
    assert np.isnan(fit.examination.products["percentile_fits"]["mu_error"]).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("state,errors,bits\nLRS,5,4\nHRS,0,4\n", "row 2, column 'errors': 5 errors of 4 bits"),
        ("state,errors,bits\nLRS,1,4\n", "there is nothing of HRS"),
        ("state,errors,bits\nLRS,1,4\nLRS,1,4\nHRS,0,9\n", "row 3, column 'state'"),
        (
            "state,p10 (kOhm),p50 (kOhm)\nLRS,5,4\nHRS,200,300\n",
            "percentiles rise with their share",
        ),
        ("state,p10,p50\nLRS,4,5\nHRS,200,300\n", "the column 'p10' names no unit of resistance"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, content, message):
    with pytest.raises(InputError) as error:
        fit_of(tmp_path, content)
    assert message in str(error.value)


@pytest.mark.slow
def test_they_stand_beside_readings_of_other_conditions(tmp_path):
    (tmp_path / "counts.csv").write_text(COUNTS)
    rows = "".join(f"C,LRS,{5 + i / 10}\nC,HRS,{300 + 10 * i}\n" for i in range(25))
    (tmp_path / "cells.csv").write_text("condition,state,R (kOhm)\n" + rows)
    fit = rramsim.fit([tmp_path / "counts.csv", tmp_path / "cells.csv"])
    assert fit.conditions["condition"].values.tolist() == ["C", "A", "B"]
    assert fit.populations["condition"].values.tolist() == ["C"]
    assert [name for name, _ in fit.provenance.sources] == ["cells.csv", "counts.csv"]
    assert "15 of 8,192" in fit.table()
    (tmp_path / "cells.csv").write_text(("condition,state,R (kOhm)\n" + rows).replace("C,", "A,"))
    with pytest.raises(InputError, match="A: readings are given, and counts or percentiles too"):
        rramsim.fit([tmp_path / "counts.csv", tmp_path / "cells.csv"])


@pytest.mark.slow
@pytest.mark.parametrize("content", [COUNTS, percentile_rows()])
def test_every_output_is_there_and_is_read_again(tmp_path, content):
    fit = fit_of(tmp_path, content)
    assert "Bit errors" in fit.table()
    answer = json.loads(fit.to_json())
    assert answer["conditions"][0]["ber"]["method"] in ("counted", "fitted")
    assert fit.report(tmp_path / "report").is_file()
    stated = rramsim.read_conditions(tmp_path / "report")
    assert stated["ber_high"].values.tolist() == fit.conditions["ber_high"].values.tolist()
    with pytest.raises(InputError, match="counts or percentiles, and no readings"):
        fit.draw(tmp_path / "x.svg")


def test_a_table_in_memory_is_taken_too():
    table = pd.DataFrame({"state": ["LRS", "HRS"], "errors": [1, 2], "bits": [100, 100]})
    assert rramsim.fit(table).conditions["ber"].item() == pytest.approx(0.015)


def notes_of(fit, *kinds):
    return [str(note) for note in fit.examination.notes if note.kind in kinds]


@pytest.mark.slow
def test_what_takes_single_readings_is_said_to_have_no_answer(tmp_path):
    asked = {"target_ber": 1e-4, "ber_limit": 0.01, "at_time": "1 h", "read_pulse": (0.2, 1e-8)}
    kinds = ("no single readings", "counted as they are")
    # Counted errors answer whether a BER is shown.
    for content, first in ((COUNTS, ""), (percentile_rows(), "--target-ber, ")):
        assert notes_of(fit_of(tmp_path, content, **asked), *kinds) == [
            f"{first}--ber-limit, --at-time and --read-pulse have no answer: there are no "
            "single readings."
        ]
        assert notes_of(fit_of(tmp_path, content), *kinds) == []
    with pytest.raises(InputError, match="--bake 'A,B': a bake needs single readings"):
        fit_of(tmp_path, COUNTS, bake="A,B")


@pytest.mark.slow
def test_counts_hold_at_their_reference_and_percentiles_at_any(tmp_path):
    asked = {"reference": "30 kOhm", "reference_spread": 0.05}
    (note,) = notes_of(fit_of(tmp_path, COUNTS, **asked), "counted as they are")
    assert note.startswith("--reference and --reference-spread do not change errors that were")
    same = fit_of(tmp_path, COUNTS, reference="20 kOhm")
    assert notes_of(same, "counted as they are") == []
    moved = fit_of(tmp_path, percentile_rows(), **asked)
    assert notes_of(moved, "counted as they are", "no single readings") == []
    assert float(moved.conditions["reference_resistance"].item()) == 30e3


def test_counted_errors_answer_whether_a_ber_is_shown(tmp_path):
    """0 of 40,000 bound the BER by -ln(0.05) / 40,000 = 7.5e-5, 80 of 40,000 exceed 1e-3."""
    path = tmp_path / "counts.csv"
    rows = "A,LRS,0,20000\nA,HRS,0,20000\nB,LRS,0,20000\nB,HRS,80,20000\n"
    path.write_text("condition,state,errors,bits\n" + rows)
    found = rramsim.fit(path, target_ber=1e-3).examination
    sizes = found.products["sample_sizes"]
    assert sizes["condition"].values.tolist() == ["A", "B"]
    assert sizes["shown_by_count"].values.tolist() == [1, 0]
    assert not any(note.kind == "no single readings" for note in found.notes)
