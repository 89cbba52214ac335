import csv
import io
import json
from dataclasses import replace

from synthetic import NAN, accuracy_curves, at, conditions, traded

from rramsim.decision.recommend import recommend
from rramsim.decision.requirements import Requirements, ber_budgets
from rramsim.report.provenance import Provenance
from rramsim.report.tradeoff.exports import tradeoff_csv, tradeoff_json
from rramsim.report.tradeoff.findings import Findings

MET = {0.0: (0.97, 0.9699999999999999, 0.90), 0.15: (0.96, 0.961, 1 / 3)}


def made(**more):
    tradeoff = traded(MET, cells=dict.fromkeys(MET, (503, 497)), **more)
    return tradeoff, recommend(tradeoff)


def findings(tradeoff, chosen):
    return Findings(
        conditions=conditions(),
        accuracy=accuracy_curves(tuple(MET)),
        tradeoff=tradeoff,
        recommendation=chosen,
        budgets=ber_budgets(accuracy_curves(tuple(MET)), Requirements(tolerance=0.005)),
        network="64-16-10",
        images="digits",
        placements=(),
        provenance=Provenance("", seed=1, version="0.1.0"),
        notes=("3 cells dropped.",),
    )


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_each_point_and_reads_back_exactly():
    tradeoff, chosen = made()
    rows = read(tradeoff_csv(tradeoff, chosen))
    assert len(rows) == 6
    for row in rows:
        point = at(tradeoff, condition=row["condition"], training_ber=float(row["training_ber"]))
        for column, variable in {
            "accuracy_mean": "accuracy",
            "accuracy_low": "accuracy_low",
            "accuracy_high": "accuracy_high",
            "accuracy_p05": "accuracy_p05",
            "programming_energy_j": "programming_energy",
            "energy_per_cell_j": "energy_per_cell",
            "maps": "maps",
        }.items():
            assert float(row[column]) == float(point[variable])
        assert float(row["ber"] or row["ber_less_than"]) == float(point.test_ber)
        cycles = row["endurance_cycles"] or row["endurance_more_than"]
        assert float(cycles) == float(point.endurance)


def test_csv_tells_bounds_from_values_and_names_one_recommended_point():
    rows = read(tradeoff_csv(*made()))
    assert {(row["condition"], row["ber"], row["ber_less_than"]) for row in rows} == {
        ("very strong", "", "1e-06"),
        ("strong", "9.7e-05", ""),
        ("weak", "0.033", ""),
    }
    assert {(row["endurance_cycles"], row["endurance_more_than"]) for row in rows} == {
        ("100.0", ""),
        ("", "10000.0"),
        ("", "1000000.0"),
    }
    (recommended,) = [row for row in rows if row["recommended"] == "true"]
    assert (recommended["condition"], recommended["training_ber"]) == ("strong", "0.0")


def test_unknown_is_empty_in_csv_and_null_in_json():
    known = conditions(set_energy=[NAN] * 3, endurance=[NAN] * 3)
    tradeoff, chosen = made(known=known)
    row = read(tradeoff_csv(tradeoff, chosen))[0]
    empty = ("programming_energy_j", "energy_per_cell_j", "endurance_cycles", "ber_high")
    assert [row[column] for column in empty] == [""] * 4
    point = tradeoff_json(findings(tradeoff, chosen))["points"][0]
    assert [point[key] for key in empty] == [None] * 4


def test_name_with_comma_and_quote_stays_one_field():
    tradeoff, _ = made()
    renamed = tradeoff.assign_coords(condition=['a,"b"', "strong", "weak"])
    assert read(tradeoff_csv(renamed, recommend(renamed)))[0]["condition"] == 'a,"b"'


def test_json_holds_the_fields_of_the_contract_as_plain_values():
    tradeoff, chosen = made()
    found = json.loads(json.dumps(tradeoff_json(findings(tradeoff, chosen)), allow_nan=False))
    assert {"points", "recommendation", "notes", "seed", "version"} <= set(found)
    assert found["notes"] == ["3 cells dropped."]
    assert {
        "condition",
        "training_ber",
        "ber",
        "accuracy_mean",
        "accuracy_low",
        "accuracy_high",
        "programming_energy_j",
        "energy_per_cell_j",
        "endurance_cycles",
        "pareto",
    } <= set(found["points"][0])
    assert found["recommendation"]["reason"] == chosen.reason
    assert found["recommendation"]["condition"] == "strong"
    assert [point["pareto"] for point in found["points"]] == [
        bool(
            tradeoff.on_front.sel(condition=point["condition"], training_ber=point["training_ber"])
        )
        for point in found["points"]
    ]


def test_json_gives_a_budget_beyond_the_bers_scored_as_a_bound():
    tradeoff, chosen = made()
    curves = accuracy_curves(tuple(MET))
    for network, tolerance, place in ((0, 0.01, 0), (0, 0.9, 1), (1, 0.0005, 2)):
        budgets = ber_budgets(curves, Requirements(tolerance=tolerance))
        found = tradeoff_json(replace(findings(tradeoff, chosen), budgets=budgets))
        row = found["ber_budget"][network]
        expected = [None, None, None]
        expected[place] = float(budgets["budget"][network])
        assert [row["ber"], row["ber_more_than"], row["ber_less_than"]] == expected


def test_same_findings_give_the_same_text():
    assert tradeoff_csv(*made()) == tradeoff_csv(*made())
    assert tradeoff_json(findings(*made())) == tradeoff_json(findings(*made()))
