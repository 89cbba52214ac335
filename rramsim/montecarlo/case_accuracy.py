"""Accuracy of several networks against the BER, each in several cases, as one dataset.

A case is whatever else differs between curves of one network, such as which cells the errors are
in, or where the thresholds come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rramsim import schema
from rramsim.montecarlo.chip import Question
from rramsim.montecarlo.collect import collect
from rramsim.montecarlo.estimate import Estimate, estimate
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

Curves = Mapping[tuple[str, str], Sequence[Estimate]]
"""For each network and case, what was found at each BER."""

_COLUMNS = {
    "accuracy": "mean",
    "accuracy_low": "low",
    "accuracy_high": "high",
    "accuracy_p05": "p05",
    "maps": "maps",
}


def measure_curves(
    asked: Mapping[tuple[str, str], Sequence[Question]],
    *,
    maps: int,
    store: TallyStore | None = None,
    on_chips: Callable[[int, int], None] | None = None,
) -> dict[tuple[str, str], list[Estimate]]:
    """Answer the questions of each network and case, one for each BER.

    Parameters
    ----------
    asked : mapping
        By network and case.
    maps : int
        Chips for each question.
    store, on_chips
        See `collect`.
    """
    questions = [question for curve in asked.values() for question in curve]
    tallies = collect(questions, rule=StoppingRule(maps), store=store, on_chips=on_chips)
    found = iter(
        estimate(tally, certain=question.faults.certain)
        for question, tally in zip(questions, tallies, strict=True)
    )
    return {key: [next(found) for _ in curve] for key, curve in asked.items()}


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
    found = [each for network in networks for case in cases for each in curves[network, case]]
    shape = (len(networks), len(cases), len(bers))
    values: dict[str, Any] = {
        name: np.array([getattr(each, field) for each in found]).reshape(shape)
        for name, field in _COLUMNS.items()
    }
    sentences = dict.fromkeys(sentence for each in found for sentence in each.sentences)
    return schema.make(
        "case_accuracy",
        values,
        coords={"network": networks, "case": cases, "test_ber": list(bers)},
        attrs={"interval": " ".join(sentences), "version": __version__, **(attrs or {})},
    )


def as_csv(found: xr.Dataset) -> str:
    """Return a line for each network, case and BER."""
    text: str = found.to_dataframe().to_csv(float_format="%.6g", lineterminator="\n")
    return text
