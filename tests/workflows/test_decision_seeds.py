"""The default study with other seeds: the same decision, or one that is said to be open."""

import csv
from collections import Counter

from workflow_scripts import WORKFLOWS, load_script

FOLDER = WORKFLOWS / "decision-seeds"


def rows():
    with (FOLDER / "seeds.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_decision_is_the_same_or_said_to_be_open_in_nineteen_of_twenty_studies():
    found = rows()
    assert tuple(found[0]) == load_script("decision-seeds/run.py").COLUMNS
    assert [int(row["seed"]) for row in found] == list(range(1, len(found) + 1))
    assert len(found) >= 10
    ((usual, _),) = Counter(row["condition"] for row in found).most_common(1)
    sound = [row for row in found if row["condition"] == usual or row["settled"] == "False"]
    assert len(sound) >= 0.95 * len(found)


def test_a_recommended_point_loses_no_more_than_is_accepted():
    for row in rows():
        assert row["met"] == "True"
        assert float(row["loss"]) < float(row["loss_high"]) <= 0.01
