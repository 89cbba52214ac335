"""Draws the figures of the READMEs from the results beside them: ``python workflows/figures.py``.

Folders whose run.py draws its own figure are not among them. No study runs again.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes

import rramsim

HERE = Path(__file__).parent
FIRST, SECOND, GREY = "#0072b2", "#d55e00", "#777777"


def constant_neurons(folder: Path) -> None:
    """Draw the share of first-layer neurons that never change, by training and test BER."""
    found = pd.read_csv(folder / "neurons.csv")
    ax = _axes(7, 2.6)
    trainings = list(dict.fromkeys(found["training"]))
    for ber, colour, shift in ((0.0, FIRST, 0.12), (0.3, SECOND, -0.12)):
        part = found[found["test_ber"] == ber]
        height = [len(trainings) - trainings.index(one) + shift for one in part["training"]]
        ax.plot(100 * part["constant_first_layer"], height, "o", color=colour, label=f"{ber:g}")
    ax.set_yticks(range(len(trainings), 0, -1), trainings)
    ax.set_xlabel("first-layer neurons that never change (%)")
    ax.legend(title="test BER")
    _save(ax, folder / "neurons.png")


def decision_seeds(folder: Path) -> None:
    """Draw the loss of the recommended point of each seed, up to its upper end."""
    found = pd.read_csv(folder / "seeds.csv")
    ax = _axes(7, 3)
    for condition, colour in (("weak", FIRST), ("strong", SECOND)):
        part = found[found["condition"] == condition]
        loss, high = 100 * part["loss"], 100 * part["loss_high"]
        bars = [np.zeros(len(part)), high - loss]
        ax.errorbar(part["seed"], loss, bars, fmt="o", color=colour, label=f"“{condition}”")
    ax.axhline(1, color=GREY, linestyle="--", label="accepted")
    ax.set(xlabel="seed of the study", ylabel="loss, and its upper end (points)")
    ax.set_xticks(found["seed"])
    ax.legend(title="recommended", loc="upper right", bbox_to_anchor=(1.25, 1))
    _save(ax, folder / "seeds.png")


def learning_rates(folder: Path) -> None:
    """Draw the accuracy of networks trained at 0.15 against the BER, by learning rate."""
    figure, both = pyplot.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for name, ax in zip(("cifar10", "mnist"), both, strict=True):
        found = pd.read_csv(folder / "results" / f"{name}.csv")
        found = found[(found["training_ber"] == 0.15) & (found["errors_in"] == "all layers")]
        for rate, part in found.groupby("rate", sort=False):
            seeds = 100 * part.pivot(index="test_ber", columns="seed", values="accuracy")
            (line,) = ax.plot(seeds.index, seeds.mean(axis=1), marker="o", label=rate)
            ax.fill_between(
                seeds.index, seeds.min(axis=1), seeds.max(axis=1), alpha=0.2, color=line.get_color()
            )
        ax.axvline(0.15, color=GREY, linestyle=":")
        ax.set(title={"cifar10": "CIFAR-10", "mnist": "MNIST"}[name], xlabel="bit-error rate (BER)")
        ax.legend(title="learning rate", fontsize="small")
    both[0].set_ylabel("test images classified correctly (%)")
    figure.savefig(folder / "accuracy.png", dpi=110)


def loss_coverage(folder: Path) -> None:
    """Draw how often the interval of a loss contains it, with and without the cells."""
    found = pd.read_csv(folder / "coverage.csv")
    shown = {"held %": "with the cells", "held without cells %": "without the cells"}
    _coverage(found["studies of"], {text: found[name] for name, text in shown.items()}, folder)


def stopping_coverage(folder: Path) -> None:
    """Draw how often the interval contains the mean if the study stops automatically."""
    found = pd.read_csv(folder / "coverage.csv")
    shown = {"coverage at 0.0025": "default half width", "least coverage": "worst half width"}
    values = {text: 100 * found[name] for name, text in shown.items()}
    _coverage(found["chip scores"], values, folder)


def protections(folder: Path) -> None:
    """Draw the energy of a weight and the loss of each condition and protection."""
    found = pd.read_csv(folder / "tradeoff.csv")
    found = found[found["condition"] != "very strong"]
    best = []
    for _, points in found.groupby(["condition", "protection"]):
        enough = points[points["verdict"] == "yes"]
        best.append((enough if len(enough) else points).sort_values("accuracy_mean").iloc[-1])
    best = pd.DataFrame(best).sort_values("energy_per_weight_j", ascending=False)
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(8, 3.6), sharey=True, layout="constrained"
    )
    for height, (_, point) in enumerate(best.iterrows()):
        colour = FIRST if point["condition"] == "weak" else SECOND
        left.plot(1e12 * point["energy_per_weight_j"], height, "o", color=colour)
        loss, high = 100 * point["accuracy_loss"], 100 * point["accuracy_loss_high"]
        filled = colour if point["verdict"] == "yes" else "white"
        right.errorbar(
            loss, height, xerr=[[0], [high - loss]], fmt="o", color=colour, markerfacecolor=filled
        )
    protection = best["protection"].str.replace(", read_spread=0.1", "")
    left.set_yticks(range(len(best)), best["condition"] + ", " + protection)
    left.set(xlim=(0, None), xlabel="energy to program a weight (pJ)")
    right.axvline(1, color=GREY, linestyle="--")
    right.set_xlabel("loss, and its upper end (points); hollow: not settled")
    left.grid(alpha=0.3)
    right.grid(alpha=0.3)
    figure.savefig(folder / "energy.png", dpi=110)


def own_measurements(folder: Path) -> None:
    """Draw the populations of the cells."""
    fit = rramsim.fit(folder / "cells.csv", conditions=folder / "energies.toml")
    _populations(fit, folder)


def real_cycling(folder: Path) -> None:
    """Draw the populations of the shipped measured cells."""
    fit = rramsim.fit("ni-rram-64kb-cycling")
    _populations(fit, folder)


def _populations(fit: rramsim.FitResult, folder: Path) -> None:
    axes = np.ravel(fit.plot("populations"))
    axes[0].figure.savefig(folder / "populations.png", dpi=110)


def _coverage(names: pd.Series, values: dict[str, pd.Series], folder: Path) -> None:
    ax = _axes(7, 0.24 * len(names) + 1)
    height = range(len(names), 0, -1)
    for (text, shares), colour in zip(values.items(), (FIRST, SECOND), strict=True):
        ax.plot(shares, height, "o", color=colour, label=text)
    ax.axvline(95, color=GREY, linestyle="--")
    ax.set_yticks(height, names)
    ax.set_xlabel("intervals that contain the truth (%); 95 is intended")
    ax.figure.legend(loc="outside upper center", ncols=2)
    _save(ax, folder / "coverage.png")


def _axes(width: float, height: float) -> Axes:
    _, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    return ax


def _save(ax: Axes, file: Path) -> None:
    ax.grid(alpha=0.3)
    ax.figure.savefig(file, dpi=110)


FIGURES: tuple[Callable[[Path], None], ...] = (
    constant_neurons,
    decision_seeds,
    learning_rates,
    loss_coverage,
    own_measurements,
    protections,
    real_cycling,
    stopping_coverage,
)


def main() -> None:
    """Draw all figures into the folders of workflows."""
    for draw in FIGURES:
        draw(HERE / draw.__name__.replace("_", "-"))
        pyplot.close("all")


if __name__ == "__main__":
    main()
