"""Is the decision of a study the same whatever its seed? The default study, with 20 seeds.

`python run.py RESULTS` runs the study with each seed in a folder of its own, goes on where it
stopped, and writes seeds.csv: what each study recommends, whether it calls that settled, and the
loss of its point with the upper end.
"""

import sys
from pathlib import Path

import rramsim

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import write_rows

SEEDS = range(1, 21)
COLUMNS = (
    *("seed", "condition", "protection", "training_ber", "thresholds", "met", "settled"),
    *("loss", "loss_high", "weak_verdict", "weak_loss", "weak_loss_high"),
)


def row_of(result: rramsim.TradeoffResult, seed: int) -> dict[str, object]:
    """Return what a study recommends, and the best of "weak" without a protection beside it."""
    chosen = result.recommendation
    points = result.table
    point = points[
        (points["condition"] == chosen.condition)
        & (points["protection"] == chosen.protection)
        & (points["training_ber"] == chosen.training_ber)
        & (points["thresholds"] == chosen.thresholds)
    ].iloc[0]
    weak = points[(points["condition"] == "weak") & (points["protection"] == "none")]
    best = weak.sort_values("accuracy_loss_high").iloc[0]
    return {
        "seed": seed,
        **chosen.labels,
        "met": chosen.met,
        "settled": chosen.settled,
        "loss": f"{point['accuracy_loss']:.5f}",
        "loss_high": f"{point['accuracy_loss_high']:.5f}",
        "weak_verdict": best["verdict"],
        "weak_loss": f"{best['accuracy_loss']:.5f}",
        "weak_loss_high": f"{best['accuracy_loss_high']:.5f}",
    }


def main() -> None:
    """Run the studies that are not there yet, and write the table."""
    folder = Path(sys.argv[1])
    rows = []
    for seed in SEEDS:
        result = rramsim.tradeoff(out=folder / f"seed-{seed}", seed=seed)
        rows.append(row_of(result, seed))
        print(rows[-1], flush=True)
        write_rows(folder / "seeds.csv", COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


if __name__ == "__main__":
    main()
