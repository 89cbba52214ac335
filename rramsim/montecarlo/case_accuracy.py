"""Accuracy of several networks against the BER, each in several cases, as one dataset.

A case is whatever else differs between curves of one network, such as which cells the errors are
in, or where the thresholds come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rramsim import schema
from rramsim.montecarlo.collect import measure
from rramsim.montecarlo.estimate import ChipAccuracy, accuracy_columns, method_text
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import Task
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

Curves = Mapping[tuple[str, str], Sequence[ChipAccuracy]]
"""For each network and case, the accuracy at each BER."""


def measure_curves(
    tasks: Mapping[tuple[str, str], Sequence[Task]],
    *,
    chips: int,
    store: TallyStore | None = None,
    on_chips: Callable[[int, int], None] | None = None,
) -> dict[tuple[str, str], list[ChipAccuracy]]:
    """Estimate the accuracy for the tasks of each network and case, one for each BER.

    Parameters
    ----------
    tasks : mapping
        By network and case.
    chips : int
        Chips for each task.
    store, on_chips
        See `collect`.
    """
    every = [task for curve in tasks.values() for task in curve]
    estimates = iter(measure(every, rule=StoppingRule(chips), store=store, on_chips=on_chips))
    return {key: [next(estimates) for _ in curve] for key, curve in tasks.items()}


def case_accuracy(
    curves: Curves, bers: Sequence[float], attrs: Mapping[str, str] | None = None
) -> xr.Dataset:
    """Return the product "case_accuracy".

    Parameters
    ----------
    curves : mapping
        By network and case; every network in every case.
    bers : sequence of float
        Of each curve's estimates.
    attrs : mapping, optional
        Further attributes, such as the seed.

    Raises
    ------
    ValueError
        If a network lacks a case, or a curve has not one estimate for each BER.
    """
    networks = list(dict.fromkeys(network for network, _ in curves))
    cases = list(dict.fromkeys(case for _, case in curves))
    if len(curves) != len(networks) * len(cases) or {len(bers)} != set(map(len, curves.values())):
        raise ValueError("every network has every case, with an estimate for each BER")
    estimates = [one for network in networks for case in cases for one in curves[network, case]]
    return schema.make(
        "case_accuracy",
        accuracy_columns(estimates, (len(networks), len(cases), len(bers))),
        coords={"network": networks, "case": cases, "test_ber": list(bers)},
        attrs={"interval": method_text(estimates), "version": __version__, **(attrs or {})},
    )


def as_csv(accuracy: xr.Dataset) -> str:
    """Return a line for each network, case and BER."""
    text: str = accuracy.to_dataframe().to_csv(float_format="%.6g", lineterminator="\n")
    return text
