"""Make tables of the accuracies that run.py measured.

    python table.py RESULTS

RESULTS holds ``accuracy.csv``. The tables go to the terminal, in Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from scipy import stats


def accuracies(rows: pd.DataFrame) -> str:
    """Return a table of each kind of training by test BER: mean over seeds, and their deviation."""
    lines = []
    for part, of_part in rows.groupby("part", sort=False):
        bers = sorted(of_part.test_ber.unique())
        lines += [
            f"\n{part}, {of_part.network.iloc[0]}, {of_part.epochs.iloc[0]} epochs:\n",
            "| trained at | rate | arithmetic | seeds | "
            + " | ".join(map("{:g}".format, bers))
            + " |",
            "|---|---|---|---|" + "---|" * len(bers),
        ]
        for (rate, arithmetic, ber), found in of_part.groupby(
            ["learning_rate", "arithmetic", "training_ber"]
        ):
            cells = [_cell(found.accuracy[found.test_ber == each]) for each in bers]
            about = [f"{ber:g}", f"{rate:g}", arithmetic, str(found.seed.nunique())]
            lines.append("| " + " | ".join([*about, *cells]) + " |")
    return "\n".join(lines)


def _cell(accuracy: pd.Series) -> str:
    mean = f"{100 * accuracy.mean():.1f}"
    return mean if len(accuracy) < 2 else f"{mean} ± {100 * accuracy.std():.1f}"


def apart(rows: pd.DataFrame) -> str:
    """Return a table of what bfloat16 gains over float32, with a 95 % interval over seeds.

    The two are trained with the same seeds, but independently of each other after some iterations,
    so the interval is that of two means of unequal variance (Welch).
    """
    lines = ["| trained at | tested at | bfloat16 less float32, points |", "|---|---|---|"]
    for (trained, tested), found in rows.groupby(["training_ber", "test_ber"]):
        of = {kind.split()[-1]: 100 * group.accuracy for kind, group in found.groupby("arithmetic")}
        test = stats.ttest_ind(of["bfloat16"], of["float32"], equal_var=False)
        between = test.confidence_interval(0.95)
        difference = of["bfloat16"].mean() - of["float32"].mean()
        lines.append(
            f"| {trained:g} | {tested:g} | {difference:+.2f} "
            f"({between.low:+.2f} to {between.high:+.2f}) |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    rows = pd.read_csv(parser.parse_args().results / "accuracy.csv")
    print(accuracies(rows))
    arithmetic = rows[rows.part == "arithmetic"]
    if arithmetic.arithmetic.nunique() == 2 and arithmetic.seed.nunique() > 1:
        print(f"\n{apart(arithmetic)}")


if __name__ == "__main__":
    main()
