"""Set the results of ``run.py`` beside the paper's: figures, tables, and small files to keep.

    python compare.py RESULTS

Writes into this folder: results/*.nc, results/*.csv, results/*.json and the figures.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from rramsim import formatting as numbers
from rramsim.files import write_text
from rramsim.plotting.series import network_style
from rramsim.plotting.style import COLORS, figure_style, write_figure

HERE = Path(__file__).parent
KEPT = HERE / "results"
# First-layer neurons that never change, by test BER, of the network trained at 0.3.
PAPER_CONSTANT_PERCENT = {0.0: 48, 0.3: 13}
STUDIES = ("mnist", "mnist-claims", "cifar10", "mnist-unsigned")
STUDY_WIDTH = 1024
TITLES = {"mnist": "MNIST, fully connected", "cifar10": "CIFAR-10, convolutional"}


def read_paper() -> list[dict[str, str]]:
    """Return the figures of the paper, a row each."""
    with (HERE / "paper.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def at(accuracy: xr.Dataset, training_ber: float, test_ber: float) -> xr.Dataset:
    """Return the point of a curve that was measured at these BERs."""
    return accuracy.sel(training_ber=training_ber, test_ber=test_ber)


def in_percent(name: str, point: xr.Dataset) -> dict[str, float]:
    """Return the mean over trainings of a point and the ends of its interval, in per cent."""
    return {
        f"{name}_percent": round(100 * float(point.accuracy), 2),
        f"{name}_low": round(100 * float(point.accuracy_low), 2),
        f"{name}_high": round(100 * float(point.accuracy_high), 2),
    }


def beside_the_paper(curves: dict[str, xr.Dataset]) -> list[dict[str, object]]:
    """Return each of the paper's figures with what came out here, and its interval."""
    rows: list[dict[str, object]] = []
    for row in read_paper():
        if row["images"] not in curves:
            continue
        point = at(curves[row["images"]], float(row["training_ber"]), float(row["test_ber"]))
        rows.append(
            {
                **{name: row[name] for name in ("figure", "images", "training_ber", "test_ber")},
                "paper_percent": float(row["accuracy_percent"]),
                **in_percent("here", point),
                "chips": int(point.maps),
            }
        )
    return rows


def maxima(accuracy: xr.Dataset) -> list[dict[str, float]]:
    """Return, for each adapted network, the measured test BER at which it is most accurate."""
    rows = []
    for training_ber in accuracy.training_ber.values:
        curve = accuracy.sel(training_ber=training_ber)
        best = curve.isel(test_ber=int(curve.accuracy.values.argmax()))
        clean = curve.sel(test_ber=0.0)
        rows.append(
            {
                "training_ber": float(training_ber),
                **in_percent("clean", clean),
                "best_test_ber": float(best.test_ber),
                **in_percent("best", best),
            }
        )
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """Write rows of the same columns."""
    lines = [",".join(map(str, row.values())) for row in rows]
    write_text(path, "\n".join([",".join(rows[0]), *lines]) + "\n")


def figure_plain(curves: dict[str, xr.Dataset]) -> Figure:
    """Draw figure 3: networks trained plainly, against the BER, with the paper's points."""
    with figure_style():
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        panels = figure.subplots(1, len(curves), squeeze=False)[0]
        for axes, (images, accuracy) in zip(panels, curves.items(), strict=True):
            plain = accuracy.sel(training_ber=0.0)
            plain = plain.sel(test_ber=plain.test_ber > 0)
            draw_curve(axes, plain, COLORS["blue"], "rramsim, plain training")
            axes.axhline(
                float(accuracy.accuracy.sel(training_ber=0.0, test_ber=0.0)) * 100,
                color=COLORS["blue"],
                lw=0.8,
                ls=":",
                label="rramsim, no bit errors",
            )
            draw_paper(axes, images, training_ber="0")
            axes.set_xscale("log")
            axes.set_title(TITLES[images])
            axes.set_xlabel("bit-error rate (BER) at test time")
            axes.set_ylabel("test images classified correctly (%)")
            axes.legend(loc="lower left")
    return figure


def figure_adapted(images: str, accuracy: xr.Dataset, *, lowest_percent: float) -> Figure:
    """Draw figure 4 or 5: networks trained with bit errors, against the BER at test time."""
    with figure_style():
        figure = Figure(figsize=(7, 3.8), layout="constrained")
        axes = figure.subplots()
        for index, training_ber in enumerate(accuracy.training_ber.values):
            curve = accuracy.sel(training_ber=training_ber)
            color = network_style(index)["color"]
            draw_curve(axes, curve, color, f"{numbers.power(float(training_ber))}")
            if training_ber > 0:
                own = np.interp(training_ber, curve.test_ber, 100 * curve.accuracy)
                axes.plot(training_ber, own, "o", color=color, ms=6, mfc="white", mew=1.5)
        draw_paper(axes, images)
        axes.set_ylim(bottom=lowest_percent)
        axes.set_title(f"{TITLES[images]} (circle: test BER = training BER)")
        axes.set_xlabel("bit-error rate (BER) at test time")
        axes.set_ylabel("test images classified correctly (%)")
        axes.legend(title="trained at BER", loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def draw_curve(axes, curve: xr.Dataset, color: str, label: str) -> None:  # type: ignore[no-untyped-def]
    """Draw accuracy in per cent with the band of its interval."""
    low, high = 100 * curve.accuracy_low, 100 * curve.accuracy_high
    axes.fill_between(curve.test_ber, low, high, color=color, alpha=0.2, lw=0)
    axes.plot(curve.test_ber, 100 * curve.accuracy, color=color, label=label, marker=".")


def draw_paper(axes, images: str, training_ber: str | None = None) -> None:  # type: ignore[no-untyped-def]
    """Draw what the paper states in words, as crosses."""
    rows = [
        row
        for row in read_paper()
        if row["images"] == images and training_ber in (None, row["training_ber"])
    ]
    rows = [row for row in rows if float(row["test_ber"]) > 0 or axes.get_xscale() == "linear"]
    if training_ber is not None:
        rows = [row for row in rows if float(row["test_ber"]) > 0]
    axes.plot(
        [float(row["test_ber"]) for row in rows],
        [float(row["accuracy_percent"]) for row in rows],
        "x",
        color=COLORS["black"],
        ms=7,
        mew=1.6,
        label="stated in the paper",
        zorder=5,
    )


def widths(results: Path) -> Iterable[dict[str, object]]:
    """Return accuracies of networks of several widths, trained plainly and at 0.15."""
    for path in sorted((results / "widths").glob("*-trained-at-*.json")):
        width, trained_at = re.fullmatch(r"(\d+)-trained-at-([\d.]+)", path.stem).groups()  # type: ignore[union-attr]
        (recipe,) = json.loads(path.read_text())["recipes"]
        for point in recipe["points"]:
            yield width_row(int(width), float(trained_at), point, recipe["trainings"])


def width_row(
    width: int, training_ber: float, point: dict[str, float], trainings: int
) -> dict[str, object]:
    """Return one row of the table of widths."""
    return {
        "hidden_neurons": width,
        "training_ber": training_ber,
        "test_ber": point["ber"],
        "accuracy_percent": round(100 * point["accuracy_mean"], 2),
        "low_percent": round(100 * point["accuracy_low"], 2),
        "high_percent": round(100 * point["accuracy_high"], 2),
        "trainings": trainings,
    }


def with_study(
    rows: list[dict[str, object]], accuracy: xr.Dataset, trainings: int
) -> list[dict[str, object]]:
    """Add the network of figure 4, from its curves."""
    for training_ber in (0.0, 0.15):
        for test_ber in (0.0, 0.001, 0.01, 0.15):
            met = at(accuracy, training_ber, test_ber)
            point = {
                "ber": test_ber,
                "accuracy_mean": float(met.accuracy),
                "accuracy_low": float(met.accuracy_low),
                "accuracy_high": float(met.accuracy_high),
            }
            rows.append(width_row(STUDY_WIDTH, training_ber, point, trainings))
    order = ("training_ber", "test_ber", "hidden_neurons")
    return sorted(rows, key=lambda row: [row[name] for name in order])


def neurons(results: Path) -> list[dict[str, object]]:
    """Return the share of first-layer neurons that never change, trained at 0.3.

    It is the mean over trainings, beside the least and the most of them.
    """
    rows: list[dict[str, object]] = []
    models = json.loads((results / "mnist-neurons.json").read_text())["models"]
    for points in zip(*(model["points"] for model in models), strict=True):
        first, shares = points[0], [point["neurons"][0]["constant_share_mean"] for point in points]
        rows.append(
            {
                "test_ber": first["ber"],
                "paper_percent": PAPER_CONSTANT_PERCENT[first["ber"]],
                "here_percent": round(100 * sum(shares) / len(shares), 1),
                "least_percent": round(100 * min(shares), 1),
                "most_percent": round(100 * max(shares), 1),
                "neurons": first["neurons"][0]["neurons"],
                "trainings": len(shares),
            }
        )
    return rows


def side(point: xr.Dataset, tolerance_points: float) -> str:
    """Return on which side of a tolerance the interval of a loss lies."""
    if 100 * float(point.loss_high) <= tolerance_points:
        return "yes"
    return "no" if 100 * float(point.loss_low) > tolerance_points else "open"


def claims(found: xr.Dataset) -> list[dict[str, object]]:
    """Return every condition with every network: its loss, and what energy it saves.

    The loss is against the plain network of the same training without bit errors, image by image.
    Whether it is at most the tolerance is said of each point by its own interval, of which each end
    holds at 97.5 %: the paper's claims are two points that were named beforehand. The verdicts of
    the study are stricter, since they choose among all points.
    """
    rows: list[dict[str, object]] = []
    dearest = found.programming_energy.sel(condition="very strong")
    tolerance = 100 * float(found.attrs["tolerance"])
    for training_ber in found.training_ber.values:
        for condition in found.condition.values:
            point = found.sel(training_ber=training_ber, condition=condition)
            bound = "below " if point.ber_bound.item() == "upper" else ""
            ratio = float(dearest.sel(training_ber=training_ber) / point.programming_energy)
            rows.append(
                {
                    "condition": str(condition),
                    "training_ber": float(training_ber),
                    "ber": f"{bound}{float(point.test_ber):.3g}",
                    "accuracy_percent": round(100 * float(point.accuracy), 2),
                    "loss_points": round(100 * float(point.loss), 2),
                    "loss_low": round(100 * float(point.loss_low), 2),
                    "loss_high": round(100 * float(point.loss_high), 2),
                    f"at_most_{tolerance:g}": side(point, tolerance),
                    "times_less_energy": "" if math.isnan(ratio) else round(ratio, 1),
                }
            )
    return rows


def main() -> None:
    """Read the results, write tables and figures."""
    results = Path(sys.argv[1])
    KEPT.mkdir(exist_ok=True)
    curves: dict[str, xr.Dataset] = {}
    tradeoffs: dict[str, xr.Dataset] = {}
    for study in STUDIES:
        for name in ("accuracy", "tradeoff"):
            kept = xr.load_dataset(results / study / f"{name}.nc")
            # The study file lies here; where the images lay on this machine is nobody's business.
            for settings in ("recipe", "options"):
                kept.attrs.pop(settings, None)
            kept.to_netcdf(KEPT / f"{study}-{name}.nc")
            (curves if name == "accuracy" else tradeoffs)[study] = kept
    write_csv(KEPT / "comparison.csv", beside_the_paper(curves))
    write_csv(KEPT / "conditions.csv", claims(tradeoffs["mnist"]))
    write_csv(KEPT / "claims.csv", claims(tradeoffs["mnist-claims"]))
    for study in ("mnist", "cifar10", "mnist-unsigned"):
        write_csv(KEPT / f"{study}-maxima.csv", maxima(curves[study]))
    trainings = int(tradeoffs["mnist"].trainings.max())
    rows = with_study(list(widths(results)), curves["mnist"], trainings)
    write_csv(KEPT / "widths.csv", rows)
    write_csv(KEPT / "neurons.csv", neurons(results))
    write_figure(figure_plain({name: curves[name] for name in TITLES}), KEPT / "figure-3.png")
    write_figure(figure_adapted("mnist", curves["mnist"], lowest_percent=10), KEPT / "figure-4.png")
    low = 100 * float(curves["cifar10"].accuracy.min()) - 2
    write_figure(
        figure_adapted("cifar10", curves["cifar10"], lowest_percent=low), KEPT / "figure-5.png"
    )


if __name__ == "__main__":
    main()
