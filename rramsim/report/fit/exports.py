"""The tables of a fit as CSV: units in the names of the columns, unknown values empty."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rramsim.schema import STATES, settings

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examination import Examination


def conditions_csv(answer: Mapping[str, Any]) -> str:
    """Return a row for each condition.

    Parameters
    ----------
    answer : mapping
        As `rramsim.report.fit.answer.fit_answer` gives it: the same numbers, and no bound given as
        a value.
    """
    rows = []
    for each in answer["conditions"]:
        ber, paired = each["ber"], each["ber_2t2r"] or {}
        # Without an estimate the upper end is a bound.
        rows.append(
            {
                "condition": each["name"],
                "reference_ohm": each["reference_ohm"],
                "ber": ber["estimate"],
                "ber_less_than": ber["high"] if ber["bound"] == "upper" else None,
                "ber_low": ber["low"],
                "ber_high": None if ber["bound"] == "upper" else ber["high"],
                "ber_method": ber["method"],
                "ber_extrapolated": ber["extrapolated"],
                "errors_counted": (ber["counted"] or {}).get("errors"),
                "readings_counted": (ber["counted"] or {}).get("readings"),
                "ber_2t2r": paired.get("estimate"),
                "ber_2t2r_low": paired.get("low"),
                "ber_2t2r_high": paired.get("high"),
                "ber_2t2r_bound": paired.get("bound"),
                **{
                    key: each[key]
                    for key in (
                        *("set_energy_j", "set_energy_source", "reset_energy_j"),
                        *("reset_energy_source", "endurance_cycles", "endurance_more_than"),
                        *("endurance_source", *(setting.key for setting in settings()), "origin"),
                    )
                },
            }
        )
    return _csv(rows)


def populations_csv(examination: Examination) -> str:
    """Return a row for each condition and state, with the percentiles of its fit."""
    found = examination.products
    rows = []
    for name in (str(each) for each in found["populations"]["condition"].values):
        for state in STATES:
            fit = found["populations"].sel(condition=name, state=state)
            judged = found["goodness"].sel(condition=name, state=state)
            row = {
                "condition": name,
                "state": state,
                "cells": int(fit["cells"].values),
                "exact": int(fit["exact"].values),
                "censored_below": int(fit["censored_below"].values),
                "censored_above": int(fit["censored_above"].values),
                "mu_ln_ohm": float(fit["mu"].values),
                "mu_standard_error": float(fit["mu_error"].values),
                "sigma_ln": float(fit["sigma"].values),
                "sigma_standard_error": float(fit["sigma_error"].values),
                "lognormal": str(judged["verdict"].values),
                "tail_share": float(judged["tail_share"].values),
                "stuck_cells": int(judged["stuck_cells"].values),
                "outlying_cells": int(judged["outlying_cells"].values),
            }
            rows.append(row | _percentiles(found["percentiles"], name, state))
    return _csv(rows)


def _percentiles(percentiles: xr.Dataset, name: str, state: str) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for percent in percentiles["percent"].values:
        at = percentiles.sel(condition=name, state=state, percent=percent)
        for end in ("", "_low", "_high"):
            columns[f"p{percent:g}{end}_ohm"] = float(at[f"resistance{end}"].values)
        columns[f"p{percent:g}_extrapolated"] = bool(at["extrapolated"].values)
    return columns


def outliers_csv(outliers: xr.Dataset) -> str:
    """Return a row for each reading that the body of its population cannot account for."""
    names, states = (outliers[name].values for name in ("condition", "state"))
    rows = [
        {
            "condition": str(names[int(row["condition_index"].values)]),
            "state": str(states[int(row["state_index"].values)]),
            "cell": None if int(row["cell"].values) < 0 else int(row["cell"].values),
            "resistance_ohm": float(row["resistance"].values),
            "distance_sigma": float(row["z"].values),
            "kind": str(row["kind"].values),
        }
        for row in (outliers.isel(outlier=place) for place in range(outliers.sizes["outlier"]))
    ]
    header = ("condition", "state", "cell", "resistance_ohm", "distance_sigma", "kind")
    return _csv(rows, header)


def _csv(rows: Iterable[Mapping[str, Any]], header: Iterable[str] = ()) -> str:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0] if rows else header)
    writer.writerows([_text(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
